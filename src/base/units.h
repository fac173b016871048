/*
 * Units.  Time is int64 nanoseconds UTC unless a name says otherwise; money is
 * int64 micro-dollars; GPU time is int64 GPU-milliseconds.
 */
#ifndef MW_BASE_UNITS_H
#define MW_BASE_UNITS_H

#include <stdint.h>

#define MW_NS_PER_US INT64_C(1000)
#define MW_NS_PER_MS INT64_C(1000000)
#define MW_NS_PER_S INT64_C(1000000000)
#define MW_NS_PER_MIN (60 * MW_NS_PER_S)
#define MW_NS_PER_HOUR (3600 * MW_NS_PER_S)
#define MW_NS_PER_DAY (86400 * MW_NS_PER_S)
#define MW_MS_PER_S INT64_C(1000)
#define MW_MS_PER_MIN (60 * MW_MS_PER_S)
#define MW_MS_PER_HOUR (3600 * MW_MS_PER_S)
#define MW_MS_PER_DAY (86400 * MW_MS_PER_S)
#define MW_MICRODOLLARS_PER_DOLLAR INT64_C(1000000)

/* "Never": the due time of a timer that is not set. */
#define MW_NEVER INT64_MAX

/* Nanoseconds to whole milliseconds, rounding toward minus infinity. */
static inline int64_t mw_ms(int64_t time_ns)
{
    int64_t q = time_ns / MW_NS_PER_MS;
    return q - (time_ns % MW_NS_PER_MS < 0);
}

#endif
