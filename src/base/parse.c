/*
 * Strict parsing of numbers, durations and times.  Pure functions of the
 * string; no locale, no allocation, never prints.
 */
#include "base/parse.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/units.h"

#define TERMS_MAX 16          /* of a duration sum */
#define FRACTION_DIGITS_MAX 9 /* more digits of a duration or time are refused */

static const struct {
    const char *name;
    int64_t ns;
} duration_units[] = {
    {"y", 365 * MW_NS_PER_DAY}, {"d", MW_NS_PER_DAY}, {"h", MW_NS_PER_HOUR},
    {"min", MW_NS_PER_MIN},     {"s", MW_NS_PER_S},   {"ms", MW_NS_PER_MS},
    {"us", MW_NS_PER_US},       {"ns", 1},
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *skip_digits(const char *s)
{
    while (is_digit(*s))
        s++;
    return s;
}

/* Reads the digits at *s (at least one) and moves past them. */
static bool take_digits(const char **s, uint64_t *ret)
{
    const char *at = *s;
    if (!is_digit(*at))
        return false;
    uint64_t value = 0;
    for (; is_digit(*at); at++) {
        if (mw_mul_overflows(value, 10, &value) ||
            mw_add_overflows(value, (uint64_t)(*at - '0'), &value))
            return false;
    }
    *s = at;
    *ret = value;
    return true;
}

/* Reads ".digits" if there; *ret in 1e-9ths. True when absent; false when malformed. */
static bool take_fraction(const char **s, uint64_t *ret)
{
    *ret = 0;
    if (**s != '.')
        return true;
    const char *at = *s + 1;
    const char *end = skip_digits(at);
    ptrdiff_t n = end - at;
    if (n < 1 || n > FRACTION_DIGITS_MAX)
        return false;
    uint64_t value = 0;
    for (int i = 0; i < FRACTION_DIGITS_MAX; i++)
        value = value * 10 + (i < n ? (uint64_t)(at[i] - '0') : 0);
    *s = end;
    *ret = value;
    return true;
}

int mw_parse_u64(const char *s, uint64_t *ret)
{
    must(s != NULL && ret != NULL);
    uint64_t value;
    if (!take_digits(&s, &value) || *s != '\0')
        return MW_EINVAL;
    *ret = value;
    return 0;
}

int mw_parse_i64(const char *s, int64_t *ret)
{
    must(s != NULL && ret != NULL);
    bool negative = *s == '-';
    uint64_t magnitude;
    if (mw_parse_u64(s + negative, &magnitude) != 0)
        return MW_EINVAL;
    if (magnitude > (uint64_t)INT64_MAX + negative)
        return MW_EINVAL;
    *ret = (int64_t)(negative ? 0 - magnitude : magnitude);
    return 0;
}

/* digits [.digits] [e[+-]digits] with at least one digit before the exponent. */
static bool is_decimal(const char *s)
{
    const char *at = skip_digits(s);
    ptrdiff_t digits = at - s;
    if (*at == '.') {
        const char *end = skip_digits(at + 1);
        digits += end - (at + 1);
        at = end;
    }
    if (digits == 0)
        return false;
    if (*at == 'e' || *at == 'E') {
        at++;
        at += *at == '+' || *at == '-';
        if (!is_digit(*at))
            return false;
        at = skip_digits(at);
    }
    return *at == '\0';
}

int mw_parse_double(const char *s, double *ret)
{
    must(s != NULL && ret != NULL);
    if (!is_decimal(s + (*s == '-')))
        return MW_EINVAL;
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0); /* a constant in the C library */
    if (plain == (locale_t)0)
        return MW_EINVAL;
    double value = strtod_l(s, NULL, plain);
    freelocale(plain);
    if (!__builtin_isfinite(value))
        return MW_EINVAL;
    *ret = value;
    return 0;
}

/* Reads a unit's letters; its length in ns, or 0 when there is no such unit. */
static int64_t take_unit(const char **s)
{
    const char *end = *s;
    while (*end >= 'a' && *end <= 'z')
        end++;
    size_t length = (size_t)(end - *s);
    for (size_t i = 0; i < MW_ARRAY_LEN(duration_units); i++) {
        const char *name = duration_units[i].name;
        if (strlen(name) == length && memcmp(name, *s, length) == 0) {
            *s = end;
            return duration_units[i].ns;
        }
    }
    return 0;
}

/* "2.5h" at *s, added to *sum. */
static bool take_term(const char **s, int64_t *sum)
{
    uint64_t whole, billionths;
    if (!take_digits(s, &whole) || !take_fraction(s, &billionths))
        return false;
    *s += **s == ' ';
    int64_t unit = take_unit(s);
    if (unit == 0)
        return false;
    __int128 ns = (__int128)billionths * unit;
    ns = (ns + 500000000) / 1000000000 + (__int128)whole * unit;
    return ns <= INT64_MAX && !mw_add_overflows(*sum, (int64_t)ns, sum);
}

int mw_parse_duration(const char *s, int64_t *ret_ns)
{
    must(s != NULL && ret_ns != NULL);
    int64_t sum = 0;
    if (strcmp(s, "0") == 0) {
        *ret_ns = 0;
        return 0;
    }
    for (int i = 0; i < TERMS_MAX; i++) {
        if (!take_term(&s, &sum))
            return MW_EINVAL;
        if (*s == '\0') {
            *ret_ns = sum;
            return 0;
        }
        s += *s == ' ';
    }
    return MW_EINVAL;
}

/* Exactly `n` digits, then the byte `end` (left out when it is 0). */
static bool take_field(const char **s, int n, char end, int64_t *ret)
{
    int64_t value = 0;
    for (int i = 0; i < n; i++) {
        if (!is_digit(**s))
            return false;
        value = value * 10 + (**s - '0');
        (*s)++;
    }
    if (end != '\0') {
        if (**s != end)
            return false;
        (*s)++;
    }
    *ret = value;
    return true;
}

/* Days from 1970-01-01; false when the month has no such day. */
static bool days_of(int64_t year, int64_t month, int64_t day, int64_t *ret)
{
    static const uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month < 1 || month > 12 || day < 1)
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (day > lengths[month - 1] + (month == 2 && leap))
        return false;
    /* Count years from March, so that the leap day is the last of its year. */
    int64_t y = year - (month <= 2);
    int64_t months = (month + 9) % 12;
    int64_t day_of_year = (153 * months + 2) / 5 + day - 1;
    *ret = 365 * y + y / 4 - y / 100 + y / 400 + day_of_year - 719468;
    return true;
}

/* "HH:MM:SS[.fraction]Z" to the end of the string. */
static bool take_clock(const char **s, int64_t *ret_ns)
{
    int64_t hour, minute, second;
    uint64_t fraction;
    if (!take_field(s, 2, ':', &hour) || !take_field(s, 2, ':', &minute) ||
        !take_field(s, 2, '\0', &second) || !take_fraction(s, &fraction))
        return false;
    if (hour > 23 || minute > 59 || second > 59 || strcmp(*s, "Z") != 0)
        return false;
    *ret_ns = ((hour * 60 + minute) * 60 + second) * MW_NS_PER_S + (int64_t)fraction;
    return true;
}

int mw_parse_time(const char *s, int64_t *ret_ns)
{
    must(s != NULL && ret_ns != NULL);
    int64_t year, month, day, days, clock_ns = 0;
    if (!take_field(&s, 4, '-', &year) || !take_field(&s, 2, '-', &month) ||
        !take_field(&s, 2, '\0', &day) || !days_of(year, month, day, &days))
        return MW_EINVAL;
    if (*s != '\0' && *s++ != 'T')
        return MW_EINVAL;
    if (s[-1] == 'T' && !take_clock(&s, &clock_ns))
        return MW_EINVAL;
    __int128 ns = (__int128)days * MW_NS_PER_DAY + clock_ns;
    if (ns < INT64_MIN || ns > INT64_MAX)
        return MW_EINVAL;
    *ret_ns = (int64_t)ns;
    return 0;
}
