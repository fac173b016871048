#include "fleet/pattern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* All names of a pattern, joined by blanks. */
static const char *expand(const char *text, char buf[512])
{
    struct pattern p;
    struct pattern_at at = {0};
    char name[PATTERN_NAME_MAX];
    size_t used = 0;

    assert_int_equal(pattern_parse(&p, text, NULL, NULL), 0);
    for (uint32_t i = 0; i < p.count; i++) {
        size_t n = pattern_write(&p, &at, NULL, NULL, name);
        assert_int_equal(n, strlen(name));
        assert_true(used + n + 2 < 512);
        buf[used] = ' ';
        memcpy(buf + used + (used > 0), name, n + 1);
        used += n + (used > 0);
        assert_int_equal(pattern_next(&p, &at), i + 1 < p.count);
    }
    return buf;
}

static void brackets_turn_the_last_one_fastest_and_keep_the_zeros(void **state)
{
    char buf[512];

    (void)state;
    assert_string_equal(expand("plain", buf), "plain");
    assert_string_equal(expand("r[01-02]-k[9-11]", buf),
                        "r01-k9 r01-k10 r01-k11 r02-k9 r02-k10 r02-k11");
    assert_string_equal(expand("[a-c]x", buf), "ax bx cx");
    assert_string_equal(expand("n[1-2,7,a-b]", buf), "n1 n2 n7 na nb");
    assert_string_equal(expand("[5]", buf), "5");
}

static void references_take_the_value_of_the_leaders_bracket(void **state)
{
    struct pattern leader, p;
    struct pattern_at at = {0}, zero = {0};
    char name[PATTERN_NAME_MAX];

    (void)state;
    assert_int_equal(pattern_parse(&leader, "h[1-2]-r[01-03]", NULL, NULL), 0);
    assert_int_equal(pattern_parse(&p, "{2}.{1}.{2}", &leader, NULL), 0);
    assert_int_equal(p.count, 1);
    for (int i = 0; i < 4; i++)
        (void)pattern_next(&leader, &at);
    (void)pattern_write(&p, &zero, &leader, &at, name);
    assert_string_equal(name, "02.2.02");
}

static void refuse(const char *text, const struct pattern *leader, const char *why)
{
    struct mw_error err = {0};
    struct pattern p;

    assert_int_equal(pattern_parse(&p, text, leader, &err), MW_EINVAL);
    assert_string_equal(err.text, why);
}

static void what_cannot_be_read_is_refused_with_a_reason(void **state)
{
    static const char range[] = "a range is [1-16], [a-d] or a list like [1-4,7]";
    struct pattern leader;
    char long_name[PATTERN_NAME_MAX + 1];

    (void)state;
    assert_int_equal(pattern_parse(&leader, "a[1-2]", NULL, NULL), 0);
    memset(long_name, 'x', PATTERN_NAME_MAX);
    long_name[PATTERN_NAME_MAX] = '\0';
    refuse("", NULL, "a name is empty");
    refuse("a b", NULL, "' ' cannot stand in a name: use letters, digits and . _ - only");
    refuse("a[1-", NULL, range);
    refuse("a[1-x]", NULL, range);
    refuse("a[]", NULL, range);
    refuse("a[1-2", NULL, "a '[' without its ']'");
    refuse("a[4-2]", NULL, "a range runs upward, from the lower to the higher bound");
    refuse("a[12345678]", NULL, "a number in a range has at most 7 digits");
    refuse("a[1-999999999]", NULL, "a number in a range has at most 7 digits");
    refuse("a[1-9999999]", NULL, "stands for more than 4000000 names");
    refuse("a[a-1]", NULL, range);
    refuse("[0-9999][0-9999]", NULL, "stands for more than 4000000 names");
    refuse("a{1}", NULL, "{1} has nothing to refer to here");
    refuse("a{2}", &leader, "{2} refers to bracket 2, but there are 1");
    refuse("a{x}", &leader, "after '{' write a number and '}', like {1}");
    refuse(long_name, NULL, "a name may have at most 95 bytes");
    refuse("[1][1][1][1][1][1][1][1][1]", NULL, "more than 8 brackets in one name");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(brackets_turn_the_last_one_fastest_and_keep_the_zeros),
        cmocka_unit_test(references_take_the_value_of_the_leaders_bracket),
        cmocka_unit_test(what_cannot_be_read_is_refused_with_a_reason),
    };

    return cmocka_run_group_tests_name("pattern", tests, NULL, NULL);
}
