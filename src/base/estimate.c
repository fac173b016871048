/* Means and intervals.  See estimate.h. */
#include "base/estimate.h"

/* Two-sided 95 %, 1 to 30 degrees of freedom (Fisher and Yates). */
static const double t95[] = {12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060,
                             2.2622,  2.2281, 2.2010, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199,
                             2.1098,  2.1009, 2.0930, 2.0860, 2.0796, 2.0739, 2.0687, 2.0639,
                             2.0595,  2.0555, 2.0518, 2.0484, 2.0452, 2.0423};

double student_t95(uint32_t degrees)
{
    must(degrees > 0);
    if (degrees <= MW_ARRAY_LEN(t95))
        return t95[degrees - 1];
    /* Cornish and Fisher's expansion about the normal quantile: exact to 4 digits here. */
    double z = 1.959964, z3 = z * z * z, z5 = z3 * z * z, n = (double)degrees;
    return z + (z3 + z) / (4 * n) + (5 * z5 + 16 * z3 + 3 * z) / (96 * n * n);
}

struct estimate estimate_of(const double *value, uint32_t n)
{
    must(n > 0);
    double sum = 0.0, squares = 0.0;
    for (uint32_t i = 0; i < n; i++)
        sum += value[i];
    struct estimate e = {.mean = sum / n};
    e.lo = e.hi = e.mean;
    if (n < 2)
        return e;
    for (uint32_t i = 0; i < n; i++)
        squares += (value[i] - e.mean) * (value[i] - e.mean);
    double half = student_t95(n - 1) * __builtin_sqrt(squares / (n - 1) / n);
    e.lo -= half;
    e.hi += half;
    return e;
}
