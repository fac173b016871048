/*
 * Random numbers that depend on nothing but their key: (seed, component,
 * process, nth).  The same key gives the same number on every compiler, in
 * any order, on any thread.  Not for cryptography.
 */
#ifndef MW_BASE_RANDOM_H
#define MW_BASE_RANDOM_H

#include "base/base.h"

/* 64 well-mixed bits for a key (a chain of splitmix64 finalisers). */
uint64_t mw_random_u64(uint64_t seed, uint64_t component, uint64_t process, uint64_t nth);

/* Uniform in the open interval (0, 1): never 0, never 1; 53 bits. */
double mw_random_unit(uint64_t seed, uint64_t component, uint64_t process, uint64_t nth);

/* Uniform integer in [0, bound); bound > 0.  Bias < 2^-64 * bound. */
uint64_t mw_random_below(uint64_t bits, uint64_t bound);

/* The unit-interval value of 64 bits, as mw_random_unit makes it. */
double mw_unit_of(uint64_t bits);

/* Inverse-CDF draws from u in (0, 1), by base/exact: same bits everywhere.
 * exponential: mean > 0, result in the unit of mean.  Weibull: shape > 0, scale > 0.
 * lognormal: median > 0 and sigma >= 0 (of the log); the normal quantile is
 * Acklam's rational approximation (relative error < 1.2e-9). */
double mw_draw_exponential(double u, double mean);
double mw_draw_weibull(double u, double shape, double scale);
double mw_draw_lognormal(double u, double median, double sigma);

#endif
