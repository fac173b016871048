/*
 * Keyed random numbers and inverse-CDF draws.  A pure function of its
 * arguments: no state, no libm, the same bits from every compiler.
 */
#include "base/random.h"

#include "base/exact.h"
#include "base/hash.h"

/* 2^64 / golden ratio: splitmix64's step.  It moves the all-zero key off the
 * finaliser's fixed point. */
#define STEP UINT64_C(0x9e3779b97f4a7c15)

uint64_t mw_random_u64(uint64_t seed, uint64_t component, uint64_t process, uint64_t nth)
{
    uint64_t h = mw_mix64(seed + STEP);
    h = mw_mix64((h ^ component) + STEP);
    h = mw_mix64((h ^ process) + STEP);
    return mw_mix64((h ^ nth) + STEP);
}

double mw_random_unit(uint64_t seed, uint64_t component, uint64_t process, uint64_t nth)
{
    return mw_unit_of(mw_random_u64(seed, component, process, nth));
}

uint64_t mw_random_below(uint64_t bits, uint64_t bound)
{
    must(bound > 0);
    return (uint64_t)((unsigned __int128)bits * bound >> 64);
}

double mw_unit_of(uint64_t bits)
{
    /* Odd multiples of 2^-53: exact in a double, never 0, never 1, symmetric about 1/2. */
    return (double)(int64_t)(bits >> 11 | 1) * 0x1p-53;
}

/* -log(1 - u): exact subtraction for the values mw_unit_of makes; below the
 * grid, where 1 - u is 1, the first term of the series. */
static double exponential_of(double u)
{
    must(u > 0.0 && u < 1.0);
    double rest = 1.0 - u;
    return rest < 1.0 ? -mw_log(rest) : u;
}

/*
 * Peter J. Acklam's rational approximation to the inverse of the normal
 * distribution function (2003), relative error below 1.15e-9.
 */
static double normal_tail(double q)
{
    double top = -7.784894002430293e-03;
    top = top * q - 3.223964580411365e-01;
    top = top * q - 2.400758277161838e+00;
    top = top * q - 2.549732539343734e+00;
    top = top * q + 4.374664141464968e+00;
    top = top * q + 2.938163982698783e+00;
    double bottom = 7.784695709041462e-03;
    bottom = bottom * q + 3.224671290700398e-01;
    bottom = bottom * q + 2.445134137142996e+00;
    bottom = bottom * q + 3.754408661907416e+00;
    bottom = bottom * q + 1.0;
    return top / bottom;
}

static double normal_middle(double q)
{
    double r = q * q;
    double top = -3.969683028665376e+01;
    top = top * r + 2.209460984245205e+02;
    top = top * r - 2.759285104469687e+02;
    top = top * r + 1.383577518672690e+02;
    top = top * r - 3.066479806614716e+01;
    top = top * r + 2.506628277459239e+00;
    double bottom = -5.447609879822406e+01;
    bottom = bottom * r + 1.615858368580409e+02;
    bottom = bottom * r - 1.556989798598866e+02;
    bottom = bottom * r + 6.680131188771972e+01;
    bottom = bottom * r - 1.328068155288572e+01;
    bottom = bottom * r + 1.0;
    return top * q / bottom;
}

static double normal_quantile(double u)
{
    const double low = 0.02425;
    must(u > 0.0 && u < 1.0);
    if (u < low)
        return normal_tail(mw_sqrt(-2.0 * mw_log(u)));
    if (u > 1.0 - low)
        return -normal_tail(mw_sqrt(-2.0 * mw_log(1.0 - u)));
    return normal_middle(u - 0.5);
}

double mw_draw_exponential(double u, double mean)
{
    must(mean > 0.0);
    return mean * exponential_of(u);
}

double mw_draw_weibull(double u, double shape, double scale)
{
    must(shape > 0.0 && scale > 0.0);
    return scale * mw_pow(exponential_of(u), 1.0 / shape);
}

double mw_draw_lognormal(double u, double median, double sigma)
{
    must(median > 0.0 && sigma >= 0.0);
    return median * mw_exp(sigma * normal_quantile(u));
}
