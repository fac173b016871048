/*
 * A mean with its 95 % interval (Student's t): what numbers of several runs, or differences between
 * runs of one seed, are told by.  Pure; needs no libm.
 */
#ifndef MW_BASE_ESTIMATE_H
#define MW_BASE_ESTIMATE_H

#include "base/base.h"

struct estimate {
    double mean, lo, hi; /* lo = hi = mean for one run */
};

/* values: n >= 1 of them. */
struct estimate estimate_of(const double *value, uint32_t n);

/* Two-sided 95 % point of Student's t. */
double student_t95(uint32_t degrees);

#endif
