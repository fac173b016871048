/*
 * The table of metrics, and steps to units and back.  Our own logarithm, so that
 * the agent needs no libm.
 */
#include "signal/metric.h"

#include <string.h>

#define STEPS_MAX 9.0e18 /* below INT64_MAX, exact enough in a double to compare with */

static const struct metric table[] = {
#define X(e, number, name, scope, kind, unit, step, peer, doc)                                    \
    { name, number, scope, kind, unit, step, peer, doc },
    METRICS(X)
#undef X
};

enum metric_row {
#define X(e, number, name, scope, kind, unit, step, peer, doc) ROW_##e,
    METRICS(X)
#undef X
};

/* Row + 1 by number, 0: no metric has it.  A number that two rows have does not compile. */
static const uint16_t row_of[METRIC_NUMBER_MAX + 1] = {
#define X(e, number, name, scope, kind, unit, step, peer, doc) [number] = ROW_##e + 1,
    METRICS(X)
#undef X
};

static const char *const scope_names[] = {
#define X(e, name, doc) [e] = name,
    METRIC_SCOPES(X)
#undef X
};

uint32_t metric_count(void)
{
    return (uint32_t)MW_ARRAY_LEN(table);
}

const struct metric *metric_at(uint32_t row)
{
    must(row < MW_ARRAY_LEN(table));
    return &table[row];
}

const struct metric *metric_of(uint32_t number)
{
    if (number > METRIC_NUMBER_MAX || row_of[number] == 0)
        return NULL;
    return &table[row_of[number] - 1];
}

const struct metric *metric_named(const char *name)
{
    for (size_t i = 0; i < MW_ARRAY_LEN(table); i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

/* Natural logarithm of a positive normal number: x = f 2^e with f in [0.7, 1.42), then the series
 * of 2 atanh((f-1)/(f+1)); |z| < 0.18, so that 12 terms give all of a double's digits. */
static double ln(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof(bits));
    int64_t e = (int64_t)(bits >> 52 & 0x7ff) - 1023;
    bits = (bits & UINT64_C(0x000fffffffffffff)) | UINT64_C(0x3ff0000000000000);
    double f;
    memcpy(&f, &bits, sizeof(f));
    if (f > 1.42) {
        f /= 2;
        e++;
    }
    double z = (f - 1) / (f + 1), power = z, sum = 0;
    for (int k = 0; k < 12; k++) {
        sum += power / (2 * k + 1);
        power *= z * z;
    }
    return 2 * sum + (double)e * 0.69314718055994530942;
}

#define LOG10_MAX 300
#define LN10 2.30258509299404568402

/* Within what METRIC_LOG keeps. */
static double log10_of(double x)
{
    if (x >= 1e300)
        return LOG10_MAX;
    return x > 1e-30 ? ln(x) / LN10 : METRIC_FLOOR_LOG10;
}

static double power_of_ten(double y)
{
    double ten = 10, whole = 1;
    int64_t n = (int64_t)y;
    double rest = (y - (double)n) * LN10, term = 1, sum = 1;
    for (uint64_t left = (uint64_t)(n < 0 ? -n : n); left > 0; left >>= 1) {
        if (left & 1)
            whole *= ten;
        ten *= ten;
    }
    for (int k = 1; k < 24; k++) { /* e^rest, |rest| < 2.31 */
        term *= rest / k;
        sum += term;
    }
    return n < 0 ? sum / whole : sum * whole;
}

int64_t metric_steps(const struct metric *m, double real)
{
    must(m != NULL && real == real);
    double x = (m->kind == METRIC_LOG ? log10_of(real) : real) / m->step;
    if (x >= STEPS_MAX || x <= -STEPS_MAX)
        return x > 0 ? (int64_t)STEPS_MAX : -(int64_t)STEPS_MAX;
    return (int64_t)(x < 0 ? x - 0.5 : x + 0.5);
}

double metric_real(const struct metric *m, int64_t steps)
{
    must(m != NULL);
    double x = (double)steps * m->step;
    if (m->kind != METRIC_LOG)
        return x;
    return power_of_ten(MW_MIN(MW_MAX(x, METRIC_FLOOR_LOG10), LOG10_MAX));
}

const char *metric_scope_name(uint32_t scope)
{
    return scope < SCOPE_COUNT ? scope_names[scope] : "";
}

uint32_t metric_scope_named(const char *name)
{
    uint32_t s = 0;
    while (s < SCOPE_COUNT && strcmp(scope_names[s], name) != 0)
        s++;
    return s;
}
