/*
 * The data set: 60,000 pictures of handwritten-like digits, 8 x 8 pixels, and
 * 2,000 more to test with.  A picture is a glyph that is shifted, thinned,
 * brightened and buried in noise; it follows from (seed, its number) alone, so
 * no file is needed and every node sees the same.
 */
#ifndef TRAIN_DIGITS_H
#define TRAIN_DIGITS_H

#include <stdint.h>

enum { DIGIT_PIXELS = 64, DIGIT_CLASSES = 10, DIGITS_TRAIN = 60000, DIGITS_TEST = 2000 };

struct digit {
    float pixel[DIGIT_PIXELS];
    int label; /* 0 to 9 */
};

/* Number < DIGITS_TRAIN is of the training set, the DIGITS_TEST after them of the test set. */
void digit_make(uint64_t seed, uint32_t number, struct digit *ret);
/* The number of the i-th picture of a step's batch. */
uint32_t digit_order(uint64_t seed, uint64_t step, uint32_t i);

#endif
