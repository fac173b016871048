/* Totals over resets, wraps and counters that stand full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "live/fabric_counters.h"

static struct fabric_reading reading(uint32_t counter, uint64_t value, bool wide)
{
    struct fabric_reading r = { .has = UINT32_C(1) << counter };
    r.wide = wide ? r.has : 0;
    r.value[counter] = value;
    return r;
}

static uint64_t after(struct fabric_totals *t, uint32_t counter, uint64_t value, bool wide)
{
    struct fabric_reading r = reading(counter, value, wide);
    fabric_totals_add(t, &r);
    return t->total[counter];
}

static void totals_start_with_the_first_reading_and_grow_by_differences(void **state)
{
    struct fabric_totals t = { .has = 0 };
    (void)state;
    assert_int_equal(after(&t, FABRIC_SYMBOL_ERRORS, 40, false), 40);
    assert_int_equal(after(&t, FABRIC_SYMBOL_ERRORS, 42, false), 42);
    assert_int_equal(t.resets, 0);
}

static void a_reset_by_somebody_else_loses_nothing_that_was_counted(void **state)
{
    struct fabric_totals t = { .has = 0 };
    (void)state;
    (void)after(&t, FABRIC_SYMBOL_ERRORS, 100, false);
    assert_int_equal(after(&t, FABRIC_SYMBOL_ERRORS, 3, false), 103);
    assert_int_equal(t.resets, 1);
}

static void a_full_counter_is_said_and_does_not_count_further(void **state)
{
    struct fabric_totals t = { .has = 0 };
    (void)state;
    (void)after(&t, FABRIC_LINK_DOWNED, 250, false);
    assert_int_equal(after(&t, FABRIC_LINK_DOWNED, 255, false), 255);
    assert_int_equal(t.full, UINT32_C(1) << FABRIC_LINK_DOWNED);
    assert_int_equal(after(&t, FABRIC_LINK_DOWNED, 255, false), 255);
    assert_int_equal(after(&t, FABRIC_LINK_DOWNED, 1, false), 256);
    assert_int_equal(t.full, 0);
    assert_int_equal(t.resets, 1);
}

static void wide_and_data_counters_wrap_without_a_reset(void **state)
{
    struct fabric_totals t = { .has = 0 };
    (void)state;
    (void)after(&t, FABRIC_XMIT_DATA, UINT32_MAX - 9, false);
    assert_int_equal(after(&t, FABRIC_XMIT_DATA, 5, false), (uint64_t)UINT32_MAX + 6);
    t = (struct fabric_totals){ .has = 0 };
    (void)after(&t, FABRIC_RCV_DATA, UINT64_MAX - 1, true);
    (void)after(&t, FABRIC_RCV_DATA, 2, true);
    assert_true(t.total[FABRIC_RCV_DATA] == 2); /* past 2^64 the total wraps as well */
    assert_int_equal(t.resets, 0);
}

static void another_width_is_no_difference(void **state)
{
    struct fabric_totals t = { .has = 0 };
    (void)state;
    (void)after(&t, FABRIC_XMIT_DATA, 1000, false);
    assert_int_equal(after(&t, FABRIC_XMIT_DATA, 5000000, true), 1000);
    assert_int_equal(after(&t, FABRIC_XMIT_DATA, 5000001, true), 1001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(totals_start_with_the_first_reading_and_grow_by_differences),
        cmocka_unit_test(a_reset_by_somebody_else_loses_nothing_that_was_counted),
        cmocka_unit_test(a_full_counter_is_said_and_does_not_count_further),
        cmocka_unit_test(wide_and_data_counters_wrap_without_a_reset),
        cmocka_unit_test(another_width_is_no_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
