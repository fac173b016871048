/*
 * log, exp, pow, sqrt with the same bits on gcc and clang: only + - * / and
 * the correctly rounded square root, no libm, no fused multiply-add.
 * Error below 2 ulp for log and exp over their normal range (tested against libm).
 */
#ifndef MW_BASE_EXACT_H
#define MW_BASE_EXACT_H

#include "base/base.h"

double mw_log(double x);           /* x > 0; natural logarithm */
double mw_exp(double x);           /* 0 below -745, inf above 709.78 */
double mw_pow(double x, double y); /* x > 0: exp(y log x), error < 1e-13 for |y log x| < 100 */
double mw_sqrt(double x);          /* x >= 0; correctly rounded */
double mw_gamma(double x);         /* x > 0; Lanczos, relative error < 1e-12 on (0, 50] */

/* floor(sqrt(x)) for integers. */
uint64_t mw_isqrt(uint64_t x);

/* a*b/c with a 128-bit product, rounded toward zero; c > 0; saturates. */
int64_t mw_muldiv(int64_t a, int64_t b, int64_t c);

#endif
