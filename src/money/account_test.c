/* How a stretch divides, prices, and the table of classes. */
#include "money/account.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/units.h"
#include "money/account_private.h"

static int64_t sum(const struct split *s)
{
    assert_true(s->waiting_ms >= 0 && s->restart_ms >= 0 && s->checkpoint_ms >= 0);
    assert_true(s->degraded_ms >= 0 && s->recompute_ms >= 0 && s->productive_ms >= 0);
    return s->waiting_ms + s->restart_ms + s->checkpoint_ms + s->degraded_ms + s->recompute_ms +
           s->productive_ms;
}

static void a_start_is_what_it_should_take_and_then_waiting(void **state)
{
    (void)state;
    struct split s = account_split_start(100, 30);
    assert_int_equal(s.restart_ms, 30);
    assert_int_equal(s.waiting_ms, 70);
    s = account_split_start(20, 30);
    assert_int_equal(s.restart_ms, 20);
    assert_int_equal(s.waiting_ms, 0);
}

static void running_is_writing_then_work_then_what_was_lost(void **state)
{
    (void)state;
    struct split s = account_split_running(100, 60, 10, 0);
    assert_int_equal(s.checkpoint_ms, 10);
    assert_int_equal(s.productive_ms, 60);
    assert_int_equal(s.degraded_ms, 30);
    s = account_split_running(100, 60, 10, 25);
    assert_int_equal(s.recompute_ms, 25);
    assert_int_equal(s.productive_ms, 35);
    s = account_split_running(100, 60, 10, 1000); /* still behind where it was */
    assert_int_equal(s.recompute_ms, 60);
    assert_int_equal(s.productive_ms, 0);
}

static void no_report_makes_more_or_less_than_the_time_there_was(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 200000; i++) {
        int64_t v[4];
        for (uint32_t k = 0; k < 4; k++) {
            uint64_t bits = mw_random_u64(9, i, k, 0);
            int64_t wide = bits % 7 == 0 ? INT64_MAX / 2 : 10000;
            v[k] = (int64_t)mw_random_below(bits, (uint64_t)wide);
            if (k > 0 && bits % 5 == 0)
                v[k] = -v[k];
        }
        struct split s = account_split_running(v[0], v[1], v[2], v[3]);
        assert_int_equal(sum(&s), v[0]);
        s = account_split_start(v[0], MW_MAX(0, v[1]));
        assert_int_equal(sum(&s), v[0]);
    }
}

static void a_price_is_per_gpu_hour_and_rounds_down(void **state)
{
    (void)state;
    assert_int_equal(account_price(MW_MS_PER_HOUR, 2500000), 2500000);
    assert_int_equal(account_price(1, 2500000), 0);
    assert_int_equal(account_price(2, 2500000), 1);
    /* 250,000 GPUs for ten years */
    assert_int_equal(account_price(250000 * 3650 * MW_MS_PER_DAY, 2500000),
                     INT64_C(250000) * 3650 * 24 * 2500000);
}

static void classes_have_names_and_say_whether_they_are_lost(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < ACCOUNT_CLASS_COUNT; c++) {
        assert_string_not_equal(account_class_name(c), "unknown");
        bool kept = c == ACCOUNT_PRODUCTIVE || c == ACCOUNT_SPARE || c == ACCOUNT_IDLE ||
                    c == ACCOUNT_PLANNED;
        assert_int_equal(account_class_lost(c), !kept);
    }
    assert_string_equal(account_class_name(ACCOUNT_CLASS_COUNT), "unknown");
}

static void goodput_leaves_out_what_was_planned(void **state)
{
    (void)state;
    struct account_totals t = { .wall_gpu_ms = 1000 };
    t.gpu_ms[ACCOUNT_PLANNED] = 200;
    t.gpu_ms[ACCOUNT_PRODUCTIVE] = 600;
    assert_true(account_goodput(&t) > 0.7499 && account_goodput(&t) < 0.7501);
    t.gpu_ms[ACCOUNT_PLANNED] = 1000;
    assert_true(account_goodput(&t) <= 0.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_start_is_what_it_should_take_and_then_waiting),
        cmocka_unit_test(running_is_writing_then_work_then_what_was_lost),
        cmocka_unit_test(no_report_makes_more_or_less_than_the_time_there_was),
        cmocka_unit_test(a_price_is_per_gpu_hour_and_rounds_down),
        cmocka_unit_test(classes_have_names_and_say_whether_they_are_lost),
        cmocka_unit_test(goodput_leaves_out_what_was_planned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
