/*
 * Numbers as a person reads them.  Pure functions into the caller's buffer.
 */
#include "base/format.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/units.h"

#define DURATION_ROOM 32
#define USD_ROOM 40
#define TIME_ROOM 32

static const struct {
    const char *name;
    uint64_t ns;
} units[] = {
    {"d", MW_NS_PER_DAY}, {"h", MW_NS_PER_HOUR},  {"min", MW_NS_PER_MIN}, {"s", MW_NS_PER_S},
    {"ms", MW_NS_PER_MS}, {"us", MW_NS_PER_US}, {"ns", 1},
};

static uint64_t magnitude_of(int64_t x)
{
    return x < 0 ? 0 - (uint64_t)x : (uint64_t)x;
}

static uint64_t hundredths_of(uint64_t ns, uint64_t unit)
{
    uint64_t rest = ns % unit;
    /* rest < 1 day in ns: times 100 stays far inside 64 bits */
    return ns / unit * 100 + (rest * 100 + unit / 2) / unit;
}

/* The largest unit that shows ns as at least 1.00. */
static size_t unit_for(uint64_t ns)
{
    size_t i = 0;
    while (i + 1 < MW_ARRAY_LEN(units) && hundredths_of(ns, units[i].ns) < 100)
        i++;
    return i;
}

void mw_format_duration(int64_t ns, char *buf, size_t size)
{
    must(buf != NULL && size >= DURATION_ROOM);
    if (ns == 0 || ns == MW_NEVER) {
        (void)snprintf(buf, size, "%s", ns == 0 ? "0 s" : "never");
        return;
    }
    uint64_t size_ns = magnitude_of(ns);
    size_t i = unit_for(size_ns);
    const char *sign = ns < 0 ? "-" : "";
    if (size_ns % units[i].ns == 0) {
        (void)snprintf(buf, size, "%s%" PRIu64 " %s", sign, size_ns / units[i].ns, units[i].name);
        return;
    }
    uint64_t hundredths = hundredths_of(size_ns, units[i].ns);
    (void)snprintf(buf, size, "%s%" PRIu64 ".%02" PRIu64 " %s", sign, hundredths / 100,
                   hundredths % 100, units[i].name);
}

void mw_format_usd(int64_t microdollars, char *buf, size_t size)
{
    must(buf != NULL && size >= USD_ROOM);
    uint64_t cents = (magnitude_of(microdollars) + 5000) / 10000;
    char reversed[USD_ROOM];
    size_t n = 0;
    uint64_t dollars = cents / 100;
    for (int digits = 0; digits == 0 || dollars > 0; digits++) {
        if (digits > 0 && digits % 3 == 0)
            reversed[n++] = ',';
        reversed[n++] = (char)('0' + dollars % 10);
        dollars /= 10;
    }
    must(n + 6 <= size);
    size_t at = 0;
    if (microdollars < 0 && cents > 0)
        buf[at++] = '-';
    buf[at++] = '$';
    while (n > 0)
        buf[at++] = reversed[--n];
    (void)snprintf(buf + at, size - at, ".%02" PRIu64, cents % 100);
}

struct date {
    int64_t year;
    int64_t month, day;
};

/* Days from 1970-01-01 to a date, by 400-year eras that start in March. */
static struct date date_of(int64_t days)
{
    int64_t from_era_zero = days + 719468; /* to 0000-03-01; positive for every int64 ns */
    must(from_era_zero >= 0);
    int64_t era = from_era_zero / 146097;
    int64_t day_of_era = from_era_zero % 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t months = (5 * day_of_year + 2) / 153;
    int64_t month = months < 10 ? months + 3 : months - 9;
    return (struct date){.year = era * 400 + year_of_era + (month <= 2),
                         .month = month,
                         .day = day_of_year - (153 * months + 2) / 5 + 1};
}

void mw_format_time(int64_t time_ns, char *buf, size_t size)
{
    must(buf != NULL && size >= TIME_ROOM);
    int64_t ms = mw_ms(time_ns);
    int64_t day_ms = ms % MW_MS_PER_DAY;
    day_ms += day_ms < 0 ? MW_MS_PER_DAY : 0;
    struct date date = date_of((ms - day_ms) / MW_MS_PER_DAY);
    int64_t second = day_ms / 1000;
    (void)snprintf(buf, size,
                   "%04" PRId64 "-%02" PRId64 "-%02" PRId64 "T%02" PRId64 ":%02" PRId64
                   ":%02" PRId64 ".%03" PRId64 "Z",
                   date.year, date.month, date.day, second / 3600, second / 60 % 60, second % 60,
                   day_ms % 1000);
}
