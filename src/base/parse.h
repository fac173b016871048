/*
 * Bounded parsing of numbers, durations and times that refuses what strtol
 * would let pass.  Depends on no locale.  Not for planes.
 *
 * Every function reads the whole string, returns 0 or MW_EINVAL, and writes
 * *ret only on success.
 */
#ifndef MW_BASE_PARSE_H
#define MW_BASE_PARSE_H

#include "base/base.h"

/* Whole-string numbers: no spaces, no sign for u64, no trailing bytes, no overflow.
 * i64 and double take a leading '-' and no '+'. */
MW_MUST_USE int mw_parse_u64(const char *s, uint64_t *ret);
MW_MUST_USE int mw_parse_i64(const char *s, int64_t *ret);
MW_MUST_USE int mw_parse_double(const char *s, double *ret); /* finite only; locale-free */

/* "90s", "15min", "2.5h", "348d", "10ms", "1y"(365 d), a sum like "1h30min" -> ns.
 * Units: y d h min s ms us ns; one space is allowed before a unit and between terms;
 * a bare "0" is zero; no sign.  Rounded to the nearest ns; MW_EINVAL past 292 years. */
MW_MUST_USE int mw_parse_duration(const char *s, int64_t *ret_ns);

/* "2024-01-31T05:06:07.123Z" (0 to 9 digits of fraction) or a bare date "2024-01-31" -> ns UTC.
 * Years 1678 to 2261. */
MW_MUST_USE int mw_parse_time(const char *s, int64_t *ret_ns);

#endif
