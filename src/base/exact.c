/*
 * Elementary functions out of + - * / and the square root, so that results do
 * not depend on the compiler or on the C library.  Owns nothing; never calls
 * libm.  Polynomials are minimax fits made for this file (Remez, 50 digits);
 * constants are written in hexadecimal where the split of their bits matters.
 */
#include "base/exact.h"

#include <string.h>

/* ln 2 in two parts: k * LN2_HIGH is exact for every |k| < 2^20. */
#define LN2_HIGH 0x1.62e42feep-1
#define LN2_LOW 0x1.a39ef35793c76p-33
#define LOG2_E 0x1.71547652b82fep+0

#define EXP_MAX 0x1.62e42fefa39efp+9   /* log of the largest double */
#define EXP_MIN (-0x1.74910d52d3051p+9) /* log of half the smallest one */

#define BIAS 1023
#define MANTISSA_BITS 52
#define SQRT_HALF_BITS UINT64_C(0x3fe6a09e667f3bcd) /* the bits of sqrt(1/2) */

static uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof(bits));
    return bits;
}

static double double_of(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof(x));
    return x;
}

static double power_of_two(int64_t k)
{
    must(k > -BIAS && k <= BIAS);
    return double_of((uint64_t)(k + BIAS) << MANTISSA_BITS);
}

/* z * R(z) with 2*atanh(s) = s * (2 + z*R(z)), z = s*s, for |s| <= 0.1716;
 * relative error 2^-58. */
static double atanh_rest(double z)
{
    double r = 0.14792096930386134;
    r = r * z + 0.1531446480972103;
    r = r * z + 0.1818354670057932;
    r = r * z + 0.2222219894839291;
    r = r * z + 0.28571428738245636;
    r = r * z + 0.3999999999943658;
    r = r * z + 0.6666666666666731;
    return r * z;
}

double mw_log(double x)
{
    must(x > 0.0);
    if (x > 0x1.fffffffffffffp+1023)
        return x;
    int64_t k = 0;
    if (x < 0x1p-1022) {
        x *= 0x1p54;
        k = -54;
    }
    /* x = 2^k * (1 + f) with sqrt(1/2) <= 1 + f < sqrt(2): the fraction of a
     * double counted from sqrt(1/2) instead of from 1. */
    uint64_t offset = bits_of(x) - SQRT_HALF_BITS;
    int64_t shift = (int64_t)offset >> MANTISSA_BITS;
    k += shift;
    double f = double_of(bits_of(x) - ((uint64_t)shift << MANTISSA_BITS)) - 1.0;
    /* log(1+f) = 2 atanh(s) = f - f*f/2 + s * (f*f/2 + z R(z)), s = f/(2+f):
     * the large terms f and f*f/2 carry no error of the division. */
    double s = f / (2.0 + f);
    double half = 0.5 * f * f;
    double kd = (double)k;
    double small = s * (half + atanh_rest(s * s)) + kd * LN2_LOW;
    return kd * LN2_HIGH - ((half - small) - f);
}

/* (exp(r) - 1 - r) / r^2 for |r| <= ln(2)/2, relative error of exp 2^-58. */
static double exp_rest(double r)
{
    double p = 2.5117957206184786e-08;
    p = p * r + 2.7631371467358394e-07;
    p = p * r + 2.7557216009828125e-06;
    p = p * r + 2.4801489722726887e-05;
    p = p * r + 0.00019841269917691265;
    p = p * r + 0.0013888888947185872;
    p = p * r + 0.008333333333307075;
    p = p * r + 0.04166666666651497;
    p = p * r + 0.166666666666667;
    p = p * r + 0.5000000000000012;
    return p;
}

double mw_exp(double x)
{
    must(!__builtin_isnan(x));
    if (x > EXP_MAX)
        return __builtin_inf();
    if (x < EXP_MIN)
        return 0.0;
    int64_t k = (int64_t)(x * LOG2_E + (x < 0.0 ? -0.5 : 0.5));
    double kd = (double)k;
    double r = (x - kd * LN2_HIGH) - kd * LN2_LOW;
    double y = 1.0 + (r + r * r * exp_rest(r));
    /* Two factors: 2^k itself may lie outside the doubles at both ends. */
    int64_t half = k / 2;
    return y * power_of_two(half) * power_of_two(k - half);
}

double mw_pow(double x, double y)
{
    return mw_exp(y * mw_log(x));
}

double mw_sqrt(double x)
{
    must(x >= 0.0);
    return __builtin_sqrt(x);
}

/* Lanczos' series with g = 7 and nine terms (P. Godfrey's coefficients). */
double mw_gamma(double x)
{
    static const double terms[] = {
        676.5203681218851,     -1259.1392167224028,  771.32342877765313,
        -176.61502916214059,   12.507343278686905,   -0.13857109526572012,
        9.9843695780195716e-6, 1.5056327351493116e-7,
    };
    must(x > 0.0);
    double sum = 0.99999999999980993;
    for (uint32_t i = 0; i < MW_ARRAY_LEN(terms); i++)
        sum += terms[i] / (x + (double)(i + 1));
    /* gamma(x + 1) / x, so that small x needs no reflection */
    double t = x + 7.5;
    double root_two_pi = 2.5066282746310005;
    return root_two_pi * sum * mw_exp((x + 0.5) * mw_log(t) - t) / x;
}

uint64_t mw_isqrt(uint64_t x)
{
    uint64_t root = (uint64_t)__builtin_sqrt((double)x); /* off by one at most */
    root = MW_MIN(root, UINT32_MAX);
    while (root * root > x)
        root--;
    while (root < UINT32_MAX && (root + 1) * (root + 1) <= x)
        root++;
    return root;
}

int64_t mw_muldiv(int64_t a, int64_t b, int64_t c)
{
    must(c > 0);
    int64_t product;
    if (MW_LIKELY(!mw_mul_overflows(a, b, &product)))
        return product / c;
    __int128 wide = (__int128)a * b / c;
    if (wide > INT64_MAX)
        return INT64_MAX;
    return wide < INT64_MIN ? INT64_MIN : (int64_t)wide;
}
