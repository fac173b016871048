/* The text buffer, formatted numbers and the edit distance. */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <string.h>

#include "base/mem.h"
#include "base/random.h"
#include "base/units.h"

static void text_grows_from_pieces(void **state)
{
    (void)state;
    struct text t = {0};
    assert_string_equal(text_string(&t), "");
    for (int i = 0; i < 1000; i++) {
        text_add(&t, "ab");
        text_addf(&t, "%03d", i);
        text_add_n(&t, "xyz", 1);
    }
    assert_false(t.failed);
    assert_int_equal(t.length, 6000);
    assert_int_equal(strlen(text_string(&t)), 6000);
    assert_int_equal(strncmp(text_string(&t) + 5994, "ab999x", 7), 0);
    text_clear(&t);
    assert_string_equal(text_string(&t), "");
    text_addf(&t, "%s-%d", "node", 7);
    assert_string_equal(text_string(&t), "node-7");
    text_fini(&t);
    text_fini(&t);
}

static void a_line_longer_than_the_room_is_formatted_whole(void **state)
{
    (void)state;
    char line[5000];
    memset(line, 'q', sizeof(line));
    line[sizeof(line) - 1] = '\0';
    struct text t = {0};
    text_addf(&t, "<%s>", line);
    assert_int_equal(t.length, sizeof(line) - 1 + 2);
    assert_int_equal(t.data[t.length - 1], '>');
    text_fini(&t);
}

static void text_past_the_limit_is_refused_before_it_is_touched(void **state)
{
    (void)state;
    struct text t = {0};
    text_add(&t, "ab");
    size_t length = TEXT_MAX - 2;
    __asm__("" : "+r"(length)); /* not a constant, or the compiler sees the overrun it forbids */
    text_add_n(&t, "x", length);
    assert_true(t.failed);
    assert_string_equal(text_string(&t), "ab");
    text_fini(&t);
}

static void after_running_out_of_memory_text_stays_as_it_was(void **state)
{
    (void)state;
    for (int64_t calls = 0; calls < 3; calls++) {
        struct text t = {0};
        mw_mem_fail_after(calls);
        for (int i = 0; i < 40; i++) /* 200 bytes: rooms of 64, 128, 256 */
            text_addf(&t, "%s", "12345");
        mw_mem_fail_after(-1);
        assert_true(t.failed);
        assert_int_equal(t.length % 5, 0);
        assert_int_equal(strlen(text_string(&t)), t.length);
        size_t length = t.length;
        text_add(&t, "more");
        assert_int_equal(t.length, length);
        text_clear(&t);
        text_add(&t, "again");
        assert_string_equal(text_string(&t), "again");
        text_fini(&t);
    }
}

static void durations_read_naturally(void **state)
{
    (void)state;
    const struct {
        int64_t ns;
        const char *s;
    } cases[] = {
        {150 * MW_NS_PER_MIN, "2.50 h"},
        {INT64_C(30151872000000000), "348.98 d"},
        {15 * MW_NS_PER_MIN, "15 min"},
        {850 * MW_NS_PER_MS, "850 ms"},
        {0, "0 s"},
        {1, "1 ns"},
        {1500, "1.50 us"},
        {-90 * MW_NS_PER_MIN, "-1.50 h"},
        {365 * MW_NS_PER_DAY, "365 d"},
        {MW_NS_PER_HOUR - 1, "1.00 h"}, /* never "60.00 min" */
        {MW_NS_PER_MIN * 59, "59 min"},
        {MW_NEVER, "never"},
        {INT64_MIN, "-106751.99 d"},
    };
    for (size_t i = 0; i < MW_ARRAY_LEN(cases); i++) {
        char s[32];
        mw_format_duration(cases[i].ns, s, sizeof(s));
        assert_string_equal(s, cases[i].s);
    }
}

static void money_is_rounded_to_cents_away_from_zero(void **state)
{
    (void)state;
    const struct {
        int64_t microdollars;
        const char *s;
    } cases[] = {
        {1234560000, "$1,234.56"},
        {0, "$0.00"},
        {4999, "$0.00"},
        {5000, "$0.01"},
        {-4999, "$0.00"},
        {-5000, "-$0.01"},
        {999995000, "$1,000.00"},
        {999994999, "$999.99"},
        {-123456789010000, "-$123,456,789.01"},
        {INT64_MAX, "$9,223,372,036,854.78"},
        {INT64_MIN, "-$9,223,372,036,854.78"},
    };
    for (size_t i = 0; i < MW_ARRAY_LEN(cases); i++) {
        char s[40];
        mw_format_usd(cases[i].microdollars, s, sizeof(s));
        assert_string_equal(s, cases[i].s);
    }
}

static void the_ends_of_time_can_be_printed(void **state)
{
    (void)state;
    char s[32];
    mw_format_time(INT64_MIN, s, sizeof(s));
    assert_string_equal(s, "1677-09-21T00:12:43.145Z");
    mw_format_time(INT64_MAX, s, sizeof(s));
    assert_string_equal(s, "2262-04-11T23:47:16.854Z");
}

static void near_misses_are_counted_in_edits(void **state)
{
    (void)state;
    const struct {
        const char *a, *b;
        uint32_t distance;
    } cases[] = {
        {"", "", 0},           {"node", "node", 0},       {"nodes", "node", 1},
        {"ndoe", "node", 1},   {"kitten", "sitting", 3},  {"", "abc", 3},
        {"ca", "abc", 3},      {"replay", "relpay", 1},   {"horizon", "horizn", 1},
    };
    for (size_t i = 0; i < MW_ARRAY_LEN(cases); i++) {
        assert_int_equal(mw_edit_distance(cases[i].a, cases[i].b, 5), cases[i].distance);
        assert_int_equal(mw_edit_distance(cases[i].b, cases[i].a, 5), cases[i].distance);
    }
    assert_int_equal(mw_edit_distance("kitten", "sitting", 2), 3);
    assert_int_equal(mw_edit_distance("abcdef", "uvwxyz", 2), 3);
}

static void overlong_words_are_far_from_all_but_themselves(void **state)
{
    (void)state;
    char a[300], b[300];
    memset(a, 'a', sizeof(a));
    a[299] = '\0';
    memcpy(b, a, sizeof(b));
    assert_int_equal(mw_edit_distance(a, b, 3), 0);
    b[5] = 'b';
    assert_int_equal(mw_edit_distance(a, b, 3), 4);
    a[127] = b[127] = '\0'; /* the longest that is compared */
    assert_int_equal(mw_edit_distance(a, b, 3), 1);
}

static void what_drives_a_terminal_is_told_from_what_is_shown(void **state)
{
    static const char *const bad[] = { "\x1b", "\x7f", "\n", "\xc2\x80", "\xc2\x9f",
                                       "\xe2\x80\xaa", "\xe2\x80\xae", "\xe2\x81\xa6",
                                       "\xe2\x81\xa9" };
    static const char *const good[] = { "a", "~", "\xc2\xa0", "\xc3\x80", "\xe2\x80\xa9",
                                        "\xe2\x80\xaf", "\xe2\x81\xa5", "\xe2\x81\xaa" };
    (void)state;
    for (uint32_t i = 0; i < MW_ARRAY_LEN(bad); i++) {
        size_t n = strlen(bad[i]);
        assert_int_equal(text_control(bad[i], n), n);
        if (n > 1)
            assert_int_equal(text_control(bad[i], n - 1), 0); /* cut: not read past its end */
    }
    for (uint32_t i = 0; i < MW_ARRAY_LEN(good); i++)
        assert_int_equal(text_control(good[i], strlen(good[i])), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_grows_from_pieces),
        cmocka_unit_test(what_drives_a_terminal_is_told_from_what_is_shown),
        cmocka_unit_test(a_line_longer_than_the_room_is_formatted_whole),
        cmocka_unit_test(text_past_the_limit_is_refused_before_it_is_touched),
        cmocka_unit_test(after_running_out_of_memory_text_stays_as_it_was),
        cmocka_unit_test(durations_read_naturally),
        cmocka_unit_test(money_is_rounded_to_cents_away_from_zero),
        cmocka_unit_test(the_ends_of_time_can_be_printed),
        cmocka_unit_test(near_misses_are_counted_in_edits),
        cmocka_unit_test(overlong_words_are_far_from_all_but_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
