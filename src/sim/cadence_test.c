/*
 * Progress in closed form against progress a millisecond at a time.  If they
 * differed, every goodput, recompute and checkpoint figure would be wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "sim/cadence.h"

/* The same attempt, one millisecond after another. */
static void crawl(struct cadence *c, int64_t to_ms)
{
    for (; c->at_ms < to_ms; c->at_ms++) {
        if (c->write_left_ms > 0) {
            c->write_left_ms--;
            c->checkpoint_ms++;
            if (c->write_left_ms == 0)
                c->saved = c->work;
            continue;
        }
        c->work += c->speed_ppm;
        c->phase += c->speed_ppm;
        if (c->interval > 0 && c->phase >= c->interval) {
            c->phase = 0;
            c->write_left_ms = c->write_ms;
            if (c->write_ms == 0)
                c->saved = c->work;
        }
    }
}

static uint64_t draw(uint64_t seed, uint64_t n, uint64_t bound)
{
    return mw_random_below(mw_random_u64(seed, n, 0, 0), bound);
}

static void assert_same(const struct cadence *a, const struct cadence *b)
{
    assert_int_equal(a->at_ms, b->at_ms);
    assert_int_equal(a->work, b->work);
    assert_int_equal(a->saved, b->saved);
    assert_int_equal(a->checkpoint_ms, b->checkpoint_ms);
    assert_int_equal(a->write_left_ms, b->write_left_ms);
    if (a->interval > 0)
        assert_int_equal(a->phase, b->phase);
}

static void begin_random(struct cadence *c, uint64_t seed)
{
    int64_t interval_ms = draw(seed, 0, 5) == 0 ? 0 : (int64_t)draw(seed, 1, 300) + 1;
    cadence_begin(c, 1000, (int64_t)draw(seed, 2, 1000), interval_ms, (int64_t)draw(seed, 3, 40));
}

static void a_leap_ends_where_a_crawl_ends(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 2000; seed++) {
        struct cadence leap, slow;
        begin_random(&leap, seed);
        begin_random(&slow, seed);
        for (uint64_t i = 0; i < 8; i++) {
            int64_t to_ms = leap.at_ms + (int64_t)draw(seed, 10 + i, 900);
            cadence_advance(&leap, to_ms);
            crawl(&slow, to_ms);
            assert_same(&leap, &slow);
            int64_t speed = i % 3 == 0 ? CADENCE_SPEED_FULL
                                       : CADENCE_SPEED_MIN + (int64_t)draw(seed, 30 + i, 999000);
            cadence_speed(&leap, speed);
            cadence_speed(&slow, speed);
        }
    }
}

static void the_time_foretold_is_the_first_at_which_the_work_is_done(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 2000; seed++) {
        struct cadence c, before;
        begin_random(&c, seed);
        cadence_advance(&c, c.at_ms + (int64_t)draw(seed, 40, 700));
        cadence_speed(&c, CADENCE_SPEED_MIN + (int64_t)draw(seed, 41, 999001));
        int64_t wanted_ms = cadence_work_ms(&c) + 1 + (int64_t)draw(seed, 42, 900);
        int64_t at_ms = cadence_reaches_ms(&c, wanted_ms);
        before = c;
        cadence_advance(&before, at_ms - 1);
        assert_true(cadence_work_ms(&before) < wanted_ms);
        cadence_advance(&c, at_ms);
        assert_true(cadence_work_ms(&c) >= wanted_ms);
    }
}

static void a_checkpoint_is_whole_when_it_was_said_to_be(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 2000; seed++) {
        struct cadence c;
        begin_random(&c, seed);
        cadence_advance(&c, c.at_ms + (int64_t)draw(seed, 40, 700));
        int64_t at_ms = cadence_saves_ms(&c);
        if (c.interval == 0) {
            assert_true(at_ms == MW_NEVER);
            continue;
        }
        cadence_advance(&c, at_ms);
        assert_int_equal(c.saved, c.work);
        assert_int_equal(c.write_left_ms, 0);
    }
}

static void a_year_costs_no_more_than_a_minute_and_adds_up(void **state)
{
    struct cadence c;
    (void)state;
    cadence_begin(&c, 0, 0, 10 * MW_MS_PER_MIN, 30 * MW_MS_PER_S);
    int64_t cycle_ms = 10 * MW_MS_PER_MIN + 30 * MW_MS_PER_S;
    cadence_advance(&c, 50000 * cycle_ms);
    assert_int_equal(cadence_work_ms(&c), 50000 * 10 * MW_MS_PER_MIN);
    assert_int_equal(c.checkpoint_ms, 50000 * 30 * MW_MS_PER_S);
    assert_int_equal(c.saved, c.work);
}

static void a_checkpoint_on_request_begins_at_once(void **state)
{
    struct cadence c;
    (void)state;
    cadence_begin(&c, 0, 0, 0, 500);
    cadence_advance(&c, 1234);
    cadence_write_now(&c);
    assert_int_equal(cadence_saves_ms(&c), 1734);
    cadence_advance(&c, 1734);
    assert_int_equal(cadence_saved_ms(&c), 1234);
    assert_int_equal(cadence_work_ms(&c), 1234);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_leap_ends_where_a_crawl_ends),
        cmocka_unit_test(the_time_foretold_is_the_first_at_which_the_work_is_done),
        cmocka_unit_test(a_checkpoint_is_whole_when_it_was_said_to_be),
        cmocka_unit_test(a_year_costs_no_more_than_a_minute_and_adds_up),
        cmocka_unit_test(a_checkpoint_on_request_begins_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
