/* What would break for the user: a clock that is said to be right and is not. */
#include "live/skew.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define T INT64_C(1763845200000000) /* 2025-11-22 */

static void equal_ways_give_the_difference_exactly(void **state)
{
    struct skew s = { 0 };
    int64_t skew = 0, error = 0;
    (void)state;
    assert_false(skew_read(&s, &skew, &error));
    assert_true(skew_take(&s, T + 5000, T + 200, T + 5400)); /* ahead by 5 ms, 200 µs each way */
    assert_true(skew_read(&s, &skew, &error));
    assert_int_equal(skew, 5000);
    assert_int_equal(error, 200);
}

static void the_shortest_of_the_last_exchanges_counts(void **state)
{
    struct skew s = { 0 };
    int64_t skew = 0, error = 0;
    (void)state;
    assert_true(skew_take(&s, T, T + 100, T + 200));
    assert_true(skew_take(&s, T, T + 9000, T + 9100)); /* the way there took long */
    assert_true(skew_read(&s, &skew, &error));
    assert_int_equal(skew, 0);
    assert_int_equal(error, 100);
    for (int i = 0; i < SKEW_KEPT; i++) /* the clock was set since: old ones are forgotten */
        assert_true(skew_take(&s, T + 700000, T + 500, T + 701000));
    assert_true(skew_read(&s, &skew, &error));
    assert_int_equal(skew, 700000);
    assert_int_equal(error, 500);
}

static void the_error_bounds_what_unequal_ways_do(void **state)
{
    (void)state;
    for (int64_t there = 0; there <= 1000; there += 50) { /* the true difference is 0 */
        struct skew s = { 0 };
        int64_t skew = 0, error = 0;
        assert_true(skew_take(&s, T, T + there, T + 1000));
        assert_true(skew_read(&s, &skew, &error));
        assert_true(skew <= error && skew >= -error);
    }
}

static void impossible_times_are_not_taken(void **state)
{
    struct skew s = { 0 };
    int64_t skew = 0, error = 0;
    (void)state;
    assert_false(skew_take(&s, T, T, T - 1)); /* set back while the question was out */
    assert_false(skew_take(&s, T, 0, T + 1));
    assert_false(skew_take(&s, T, INT64_MAX, T + 1));
    assert_false(skew_take(&s, 1, T, INT64_MAX));
    assert_false(skew_read(&s, &skew, &error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_ways_give_the_difference_exactly),
        cmocka_unit_test(the_shortest_of_the_last_exchanges_counts),
        cmocka_unit_test(the_error_bounds_what_unequal_ways_do),
        cmocka_unit_test(impossible_times_are_not_taken),
    };
    return cmocka_run_group_tests_name("live/skew", tests, NULL, NULL);
}
