/*
 * Durations, money and times as a person reads them.  Depends on no locale,
 * never allocates.  Not for planes.
 */
#ifndef MW_BASE_FORMAT_H
#define MW_BASE_FORMAT_H

#include "base/base.h"

/* ns -> the shortest exact-enough form: "2.50 h", "348.98 d", "15 min", "850 ms";
 * MW_NEVER -> "never". buf >= 32. */
void mw_format_duration(int64_t ns, char *buf, size_t size);

/* micro-dollars -> "$1,234.56" (rounded half away from zero). buf >= 40. */
void mw_format_usd(int64_t microdollars, char *buf, size_t size);

/* ns UTC -> "2024-01-31T05:06:07.123Z" (cut to ms toward the past); buf >= 32.
 * mw_parse_time reads it back. */
void mw_format_time(int64_t time_ns, char *buf, size_t size);

#endif
