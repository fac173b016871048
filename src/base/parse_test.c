/* Parsing: what is taken, what is refused, and round trips through format. */
#include "base/parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/format.h"
#include "base/random.h"
#include "base/units.h"

#define ROUNDS 20000

static void unsigned_numbers_are_taken_whole_or_refused(void **state)
{
    (void)state;
    uint64_t v = 5;
    const char *const bad[] = {"", " 1", "1 ", "+1", "-1", "0x1", "1.0", "18446744073709551616",
                               "99999999999999999999999", "1a", "-0"};
    for (size_t i = 0; i < MW_ARRAY_LEN(bad); i++)
        assert_int_equal(mw_parse_u64(bad[i], &v), MW_EINVAL);
    assert_int_equal(v, 5); /* untouched by refusals */
    assert_int_equal(mw_parse_u64("18446744073709551615", &v), 0);
    assert_true(v == UINT64_MAX);
    assert_int_equal(mw_parse_u64("007", &v), 0);
    assert_int_equal(v, 7);
}

static void signed_numbers_are_taken_whole_or_refused(void **state)
{
    (void)state;
    int64_t v = 5;
    const char *const bad[] = {"", "-", "--1", "+1", "- 1", "9223372036854775808",
                               "-9223372036854775809", "1e3"};
    for (size_t i = 0; i < MW_ARRAY_LEN(bad); i++)
        assert_int_equal(mw_parse_i64(bad[i], &v), MW_EINVAL);
    assert_int_equal(v, 5);
    for (uint64_t n = 0; n < ROUNDS; n++) {
        int64_t want = n == 0   ? INT64_MIN
                       : n == 1 ? INT64_MAX
                                : (int64_t)mw_random_u64(1, 1, 1, n) >> n % 64;
        char s[32];
        (void)snprintf(s, sizeof(s), "%" PRId64, want);
        assert_int_equal(mw_parse_i64(s, &v), 0);
        assert_true(v == want);
    }
}

static void decimals_keep_every_bit(void **state)
{
    (void)state;
    double v = 5.0;
    for (uint64_t n = 0; n < ROUNDS; n++) {
        uint64_t bits = mw_random_u64(2, 2, 2, n);
        double want;
        memcpy(&want, &bits, sizeof(want));
        if (!isfinite(want))
            continue;
        char s[64];
        (void)snprintf(s, sizeof(s), "%.17g", want);
        assert_int_equal(mw_parse_double(s, &v), 0);
        assert_true(memcmp(&v, &want, sizeof(v)) == 0);
    }
    assert_int_equal(mw_parse_double(".5", &v), 0);
    assert_true(v == 0.5);
    assert_int_equal(mw_parse_double("-2.E+2", &v), 0);
    assert_true(v == -200.0);
}

static void decimals_that_are_not_plain_and_finite_are_refused(void **state)
{
    (void)state;
    double v = 5.0;
    const char *const bad[] = {"",    ".",     "-",   "nan",  "inf",  "-inf", "0x1p3", "1e",  "1e+",
                               "1e999", "1,5", " 1.5", "1.5 ", "+1", "1..2", "--1", "e5", "1.5f"};
    for (size_t i = 0; i < MW_ARRAY_LEN(bad); i++)
        assert_int_equal(mw_parse_double(bad[i], &v), MW_EINVAL);
    assert_true(v == 5.0);
}

static void durations_are_sums_of_numbers_with_units(void **state)
{
    (void)state;
    const struct {
        const char *s;
        int64_t ns;
    } good[] = {
        {"90s", 90 * MW_NS_PER_S},
        {"15min", 15 * MW_NS_PER_MIN},
        {"2.5h", 150 * MW_NS_PER_MIN},
        {"348d", 348 * MW_NS_PER_DAY},
        {"10ms", 10 * MW_NS_PER_MS},
        {"1y", 365 * MW_NS_PER_DAY},
        {"1h30min", 90 * MW_NS_PER_MIN},
        {"1 h 30 min", 90 * MW_NS_PER_MIN},
        {"0", 0},
        {"0s", 0},
        {"7ns", 7},
        {"1.5us", 1500},
        {"0.1ns", 0},
        {"0.5ns", 1}, /* to the nearest */
        {"0.000000001s", 1},
        {"9223372036854775807ns", INT64_MAX},
    };
    for (size_t i = 0; i < MW_ARRAY_LEN(good); i++) {
        int64_t ns = -1;
        assert_int_equal(mw_parse_duration(good[i].s, &ns), 0);
        assert_true(ns == good[i].ns);
    }
}

static void durations_without_a_clear_meaning_are_refused(void **state)
{
    (void)state;
    const char *const bad[] = {"", "5", "h", "-5s", "+5s", "5 ", "5m", "5H", "5hours", "1.h", ".5h",
                               "1h 30", "1h,30min", "293y", "9223372036854775808ns",
                               "200y 200y", "1  h", " 1h", "1h ", "1.0000000001s", "1e3s",
                               "99999999999999999999y", "1s1s1s1s1s1s1s1s1s1s1s1s1s1s1s1s1s"};
    int64_t ns = 5;
    for (size_t i = 0; i < MW_ARRAY_LEN(bad); i++)
        assert_int_equal(mw_parse_duration(bad[i], &ns), MW_EINVAL);
    assert_true(ns == 5);
}

/* What we print as a duration can be typed in again: exact when whole, else to 1/100. */
static void printed_durations_can_be_read_back(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < ROUNDS; n++) {
        int64_t want = (int64_t)(mw_random_u64(3, 3, 3, n) >> (1 + n % 63));
        char s[32];
        int64_t got = -1;
        mw_format_duration(want, s, sizeof(s));
        assert_int_equal(mw_parse_duration(s, &got), 0);
        int64_t slack = strchr(s, '.') == NULL ? 0 : want / 200 + 1;
        assert_true(got - want <= slack && want - got <= slack);
    }
}

static void times_are_read_and_printed_as_the_calendar_has_them(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < ROUNDS; n++) {
        int64_t want = (int64_t)mw_random_u64(4, 4, 4, n);
        want = mw_ms(want / 1000000 * 1000000) * 1000000; /* whole ms */
        char s[32], calendar[32], expect[48];
        int64_t got = 0;
        mw_format_time(want, s, sizeof(s));
        time_t second = (time_t)((want - (want % 1000000000 + 1000000000) % 1000000000) /
                                 1000000000);
        struct tm tm;
        assert_non_null(gmtime_r(&second, &tm));
        assert_true(strftime(calendar, sizeof(calendar), "%Y-%m-%dT%H:%M:%S", &tm) > 0);
        (void)snprintf(expect, sizeof(expect), "%s.%03dZ", calendar,
                       (int)((want - (int64_t)second * 1000000000) / 1000000));
        assert_string_equal(s, expect);
        assert_int_equal(mw_parse_time(s, &got), 0);
        assert_true(got == want);
    }
}

static void times_may_be_a_bare_date_or_carry_a_fraction(void **state)
{
    (void)state;
    const struct {
        const char *s;
        int64_t ns;
    } good[] = {
        {"1970-01-01", 0},
        {"1970-01-01T00:00:00Z", 0},
        {"1969-12-31T23:59:59.999999999Z", -1},
        {"2000-02-29", INT64_C(951782400000000000)},
        {"2024-01-31T05:06:07.123Z", INT64_C(1706677567123000000)},
        {"2024-01-31T05:06:07.123456789Z", INT64_C(1706677567123456789)},
        {"2262-04-11T23:47:16.854775807Z", INT64_MAX},
    };
    for (size_t i = 0; i < MW_ARRAY_LEN(good); i++) {
        int64_t ns = 77;
        assert_int_equal(mw_parse_time(good[i].s, &ns), 0);
        assert_true(ns == good[i].ns);
    }
}

static void times_that_are_not_on_the_calendar_are_refused(void **state)
{
    (void)state;
    const char *const bad[] = {"", "2024", "2024-1-1", "2024-13-01", "2024-00-10", "2024-02-30",
                               "2023-02-29", "1900-02-29", "2024-01-00", "2024-01-31T",
                               "2024-01-31T24:00:00Z", "2024-01-31T05:60:00Z",
                               "2024-01-31T05:06:60Z", "2024-01-31T05:06:07", "2024-01-31T05:06Z",
                               "2024-01-31T05:06:07.Z", "2024-01-31T05:06:07.1234567890Z",
                               "2024-01-31T05:06:07Zx", "2024-01-31x", "2263-01-01", "1600-01-01",
                               "2262-04-11T23:47:16.854775808Z", "2024-01-31 05:06:07Z"};
    int64_t ns = 5;
    for (size_t i = 0; i < MW_ARRAY_LEN(bad); i++)
        assert_int_equal(mw_parse_time(bad[i], &ns), MW_EINVAL);
    assert_true(ns == 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unsigned_numbers_are_taken_whole_or_refused),
        cmocka_unit_test(signed_numbers_are_taken_whole_or_refused),
        cmocka_unit_test(decimals_keep_every_bit),
        cmocka_unit_test(decimals_that_are_not_plain_and_finite_are_refused),
        cmocka_unit_test(durations_are_sums_of_numbers_with_units),
        cmocka_unit_test(durations_without_a_clear_meaning_are_refused),
        cmocka_unit_test(printed_durations_can_be_read_back),
        cmocka_unit_test(times_are_read_and_printed_as_the_calendar_has_them),
        cmocka_unit_test(times_may_be_a_bare_date_or_carry_a_fraction),
        cmocka_unit_test(times_that_are_not_on_the_calendar_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
