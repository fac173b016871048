/* The sweep's own machinery, on a few seeds; `mw sim sweep` runs thousands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/sweep.h"

static struct sweep_result run(uint64_t seed, struct marks *marks)
{
    struct sweep_result r;
    struct mw_error err = {0};
    if (sweep_seed(seed, marks, &r, &err) != 0)
        fail_msg("seed %llu: %s", (unsigned long long)seed, err.text);
    return r;
}

static void a_seed_is_wild_enough(void **state)
{
    struct marks marks = {0};
    (void)state;
    for (uint64_t seed = 3; seed < 8; seed++) {
        struct sweep_result r = run(seed, &marks);
        assert_true(r.run.faults >= SWEEP_FAULTS_MIN && r.run.crashes >= SWEEP_CRASHES_MIN);
        assert_true(r.run.messages_lost > 0 && r.run.messages_late > 0);
        assert_true(r.run.messages_doubled > 0 && r.run.messages_reordered > 0);
        assert_int_equal(r.run.jobs_submitted,
                         r.run.jobs_done + r.run.jobs_failed + r.run.jobs_cancelled);
    }
    assert_true(marks.count[MARK_KILLED_RUNNING] > 0);
}

static void every_step_of_a_small_world_crashes(void **state)
{
    struct marks marks = {0};
    (void)state;
    struct sweep_result r = run(SWEEP_SMALL_EVERY / 2, &marks);
    assert_true(r.small);
    assert_true(r.run.events <= SWEEP_SMALL_EVENTS_MAX);
    assert_true(r.run.crashes > 50);
    assert_true(marks.count[MARK_CRASH_BEFORE_COMMIT] > 0);
    assert_true(marks.count[MARK_CRASH_BEFORE_ACTIONS] > 0);
    assert_true(marks.count[MARK_CRASH_BEFORE_ACK] > 0);
}

static void every_twentieth_seed_is_run_twice(void **state)
{
    struct marks marks = {0};
    (void)state;
    assert_true(run(SWEEP_TWICE_EVERY, &marks).twice);
    assert_false(run(SWEEP_TWICE_EVERY + 1, &marks).twice);
}

/* A gang of more than 32 suspects ended: two decisions a node passed the bound of a cascade. */
static void bug_a_gang_with_many_suspects_stopped_the_cascade(void **state)
{
    struct marks marks = {0};
    (void)state;
    assert_int_equal(run(527, &marks).run.core.cascades_stopped, 0);
    assert_int_equal(run(909, &marks).run.core.cascades_stopped, 0);
}

static void every_mark_has_a_name(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < MARK_COUNT; i++)
        assert_string_not_equal(mark_name(i), "unknown");
    assert_string_equal(mark_name(MARK_COUNT), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_seed_is_wild_enough),
        cmocka_unit_test(every_step_of_a_small_world_crashes),
        cmocka_unit_test(every_twentieth_seed_is_run_twice),
        cmocka_unit_test(bug_a_gang_with_many_suspects_stopped_the_cascade),
        cmocka_unit_test(every_mark_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
