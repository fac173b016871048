/* The daemon's time on clocks that are stepped under it. */
#include "live/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/units.h"

#define T0 (1700000000 * MW_NS_PER_S)
#define S MW_NS_PER_S

static void time_runs_with_utc_while_that_runs_well(void **state)
{
    (void)state;
    struct live_clock c = { 0 };
    for (int64_t i = 0; i < 100; i++)
        assert_int_equal(live_clock_at(&c, T0 + i * S, 50 * S + i * S), T0 + i * S);
}

static void a_clock_set_back_makes_time_slower_and_never_lets_it_stand_or_return(void **state)
{
    (void)state;
    struct live_clock c = { 0 };
    int64_t before = live_clock_at(&c, T0, S);
    for (int64_t i = 1; i <= 7200; i++) {
        int64_t now = live_clock_at(&c, T0 - 3600 * S + i * S, S + i * S);
        assert_true(now - before >= S / 2 && now - before <= S);
        before = now;
    }
    assert_int_equal(before, T0 + 3600 * S); /* met again after two hours at half speed */
}

static void a_small_step_forward_is_worked_off_so_that_no_silence_is_made_up(void **state)
{
    (void)state;
    struct live_clock c = { 0 };
    int64_t before = live_clock_at(&c, T0, S);
    for (int64_t i = 1; i <= 120; i++) {
        int64_t now = live_clock_at(&c, T0 + 30 * S + i * S, S + i * S);
        assert_true(now - before >= S && now - before <= S + S / 2);
        before = now;
    }
    assert_int_equal(before, T0 + 150 * S);
}

static void a_machine_that_slept_is_told_the_right_time_at_once(void **state)
{
    (void)state;
    struct live_clock c = { 0 };
    (void)live_clock_at(&c, T0, S);
    assert_int_equal(live_clock_at(&c, T0 + 8 * MW_NS_PER_HOUR, 2 * S), T0 + 8 * MW_NS_PER_HOUR);
}

static void the_systems_clocks_give_times_of_this_century_in_order(void **state)
{
    (void)state;
    struct live_clock c = { 0 };
    int64_t a = live_clock_now(&c), b = live_clock_now(&c);
    assert_true(a > T0 && b >= a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_runs_with_utc_while_that_runs_well),
        cmocka_unit_test(a_clock_set_back_makes_time_slower_and_never_lets_it_stand_or_return),
        cmocka_unit_test(a_small_step_forward_is_worked_off_so_that_no_silence_is_made_up),
        cmocka_unit_test(a_machine_that_slept_is_told_the_right_time_at_once),
        cmocka_unit_test(the_systems_clocks_give_times_of_this_century_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
