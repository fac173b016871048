/*
 * The loss curve: a text file, a line a step, "STEP LOSS" with the loss as a C
 * hexadecimal float.  A checkpoint remembers its length and checksum; going on
 * from one cuts the file there, so that it ends as in an undisturbed run.
 */
#ifndef TRAIN_CURVE_H
#define TRAIN_CURVE_H

#include <stdint.h>
#include <stdio.h>

#include "problem.h"

struct curve {
    int fd;
    const char *path; /* borrowed */
    uint64_t bytes;
    uint32_t crc;
};

/* Opens or makes the file; gives the highest step that it holds (the high-water mark of earlier
 * attempts; 0 in an empty one). */
int curve_open(struct curve *c, const char *path, uint64_t *ret_high, struct problem *p);
void curve_close(struct curve *c);

/* Is the file's beginning what a checkpoint remembers? */
int curve_begins(const struct curve *c, uint64_t bytes, uint32_t crc);
int curve_cut(struct curve *c, uint64_t bytes, uint32_t crc, struct problem *p);
int curve_add(struct curve *c, uint64_t step, float loss, struct problem *p);
int curve_sync(struct curve *c, struct problem *p);

#endif
