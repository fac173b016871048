/*
 * Keyed random numbers, exp, log and a checksum, of + - x / alone: the same bits
 * with every compiler, C library and processor (libm's differ in the last bit).
 */
#ifndef TRAIN_MATHS_H
#define TRAIN_MATHS_H

#include <stddef.h>
#include <stdint.h>

/* A draw that depends on its key alone: (seed, what, n). */
uint64_t draw(uint64_t seed, uint64_t what, uint64_t n);
/* The same, in [0, 1), exact in a float. */
float draw_unit(uint64_t seed, uint64_t what, uint64_t n);

/* e^x for x <= 0; 0 below -80. */
double exp_negative(double x);
/* Natural logarithm of x >= 1. */
double log_above_one(double x);

/* CRC-32 (IEEE 802.3) of `size` bytes going on from `before` (0 at first). */
uint32_t crc32_of(uint32_t before, const void *data, size_t size);

#endif
