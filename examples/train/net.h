/*
 * The network: 64 pixels, two hidden layers of 128 (rectified), 10 classes
 * (softmax), 26,122 weights in one array; trained by gradient descent with
 * momentum.  Every sum has one order, so the bits do not depend on who computes.
 */
#ifndef TRAIN_NET_H
#define TRAIN_NET_H

#include <stdint.h>

#include "digits.h"

enum {
    NET_HIDDEN = 128,
    NET_FIRST = (DIGIT_PIXELS + 1) * NET_HIDDEN,
    NET_SECOND = (NET_HIDDEN + 1) * NET_HIDDEN,
    NET_LAST = (NET_HIDDEN + 1) * DIGIT_CLASSES,
    NET_WEIGHTS = NET_FIRST + NET_SECOND + NET_LAST,
};

struct net {
    float weight[NET_WEIGHTS]; /* a layer after the other: its biases, then a row per input */
    float speed[NET_WEIGHTS];  /* momentum */
};

void net_init(struct net *n, uint64_t seed);
/* Adds the picture's gradient to `gradient`; gives its loss, and whether the guess is right. */
float net_learn(const struct net *n, const struct digit *d, float *gradient, int *ret_right);
/* 1 when the guess is right. */
int net_guess(const struct net *n, const struct digit *d);
/* weight += speed, where speed = momentum x speed - rate x gradient. */
void net_update(struct net *n, const float *gradient, float rate, float momentum);

#endif
