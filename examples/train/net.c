#include "net.h"

#include <string.h>

#include "maths.h"

enum { DRAW_WEIGHT = 2 };

struct layers {
    float one[NET_HIDDEN], two[NET_HIDDEN];
    float out[DIGIT_CLASSES]; /* softmax's shares */
    float loss;
    int guess;
};

static void init_layer(float *w, int in, int out, uint64_t seed, int first)
{
    /* Uniform with standard deviation 1.4 / sqrt(in); sqrt by Newton, to need no library. */
    float root = 8;
    for (int i = 0; i < 8; i++)
        root = 0.5f * (root + (float)in / root);
    memset(w, 0, sizeof *w * (size_t)out);
    for (int i = 0; i < in * out; i++)
        w[out + i] = (draw_unit(seed, DRAW_WEIGHT, (uint64_t)(first + i)) - 0.5f) * 4.9f / root;
}

void net_init(struct net *n, uint64_t seed)
{
    memset(n, 0, sizeof *n);
    init_layer(n->weight, DIGIT_PIXELS, NET_HIDDEN, seed, 0);
    init_layer(n->weight + NET_FIRST, NET_HIDDEN, NET_HIDDEN, seed, NET_FIRST);
    init_layer(n->weight + NET_FIRST + NET_SECOND, NET_HIDDEN, DIGIT_CLASSES, seed,
               NET_FIRST + NET_SECOND);
}

/* y = biases + x W; rows in order, so that lanes run over outputs and no sum is reordered. */
static void forward(const float *w, const float *x, int in, float *y, int out)
{
    memcpy(y, w, sizeof *y * (size_t)out);
    for (int i = 0; i < in; i++) {
        const float *row = w + out + i * out;
        float xi = x[i];
        for (int j = 0; j < out; j++)
            y[j] += xi * row[j];
    }
}

static void rectify(float *y, int n)
{
    for (int i = 0; i < n; i++)
        y[i] = y[i] > 0 ? y[i] : 0;
}

static void run(const struct net *n, const struct digit *d, struct layers *l)
{
    forward(n->weight, d->pixel, DIGIT_PIXELS, l->one, NET_HIDDEN);
    rectify(l->one, NET_HIDDEN);
    forward(n->weight + NET_FIRST, l->one, NET_HIDDEN, l->two, NET_HIDDEN);
    rectify(l->two, NET_HIDDEN);
    forward(n->weight + NET_FIRST + NET_SECOND, l->two, NET_HIDDEN, l->out, DIGIT_CLASSES);
    l->guess = 0;
    for (int i = 1; i < DIGIT_CLASSES; i++)
        if (l->out[i] > l->out[l->guess])
            l->guess = i;
    double share[DIGIT_CLASSES], sum = 0, top = l->out[l->guess];
    for (int i = 0; i < DIGIT_CLASSES; i++)
        sum += share[i] = exp_negative(l->out[i] - top);
    l->loss = (float)(log_above_one(sum) - (l->out[d->label] - top));
    for (int i = 0; i < DIGIT_CLASSES; i++)
        l->out[i] = (float)(share[i] / sum);
}

struct layer {
    const float *w;
    float *g; /* its gradient, added to */
    int in, out;
};

/* Gives the gradient of the layer's input when `back` is not NULL. */
static void backward(const struct layer *l, const float *x, const float *dy, float *back)
{
    for (int j = 0; j < l->out; j++)
        l->g[j] += dy[j];
    for (int i = 0; i < l->in; i++) {
        const float *row = l->w + l->out + i * l->out;
        float *to = l->g + l->out + i * l->out, sum = 0;
        for (int j = 0; j < l->out; j++)
            to[j] += x[i] * dy[j];
        if (back == NULL)
            continue;
        for (int j = 0; j < l->out; j++)
            sum += row[j] * dy[j];
        back[i] = x[i] > 0 ? sum : 0;
    }
}

float net_learn(const struct net *n, const struct digit *d, float *gradient, int *ret_right)
{
    struct layers l;
    float two[NET_HIDDEN], one[NET_HIDDEN];
    const float *w = n->weight;
    const int second = NET_FIRST, last = NET_FIRST + NET_SECOND;
    struct layer first_layer = {w, gradient, DIGIT_PIXELS, NET_HIDDEN};
    struct layer second_layer = {w + second, gradient + second, NET_HIDDEN, NET_HIDDEN};
    struct layer last_layer = {w + last, gradient + last, NET_HIDDEN, DIGIT_CLASSES};
    run(n, d, &l);
    l.out[d->label] -= 1;
    backward(&last_layer, l.two, l.out, two);
    backward(&second_layer, l.one, two, one);
    backward(&first_layer, d->pixel, one, NULL);
    *ret_right = l.guess == d->label;
    return l.loss;
}

int net_guess(const struct net *n, const struct digit *d)
{
    struct layers l;
    run(n, d, &l);
    return l.guess == d->label;
}

void net_update(struct net *n, const float *gradient, float rate, float momentum)
{
    for (int i = 0; i < NET_WEIGHTS; i++) {
        n->speed[i] = momentum * n->speed[i] - rate * gradient[i];
        n->weight[i] += n->speed[i];
    }
}
