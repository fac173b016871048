/* What kept jobs waiting that could have run: each left a test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "control/rig_again.h"
#include "control/rig_jobs.h"

#define NODES 8
#define HOUR MW_MS_PER_HOUR
#define MIN MW_MS_PER_MIN

static struct control_policy policy(void)
{
    struct control_policy p = rig_jobs_policy();
    p.work.preempt = true;
    return p;
}

static void ask(struct rig_jobs *j, uint64_t number, uint32_t nodes, uint8_t priority,
                int64_t work_ms)
{
    rig_jobs_ask(j, (struct rig_ask){ .job = number, .nodes = nodes, .tenant = 1,
                                       .work_ms = work_ms, .restart_ms = 5 * MIN, .write_ms = MIN,
                                       .priority = priority });
}

static void ask_of(struct rig_jobs *j, uint32_t tenant, uint64_t number, uint32_t nodes,
                   uint8_t priority)
{
    rig_jobs_ask(j, (struct rig_ask){ .job = number, .nodes = nodes, .tenant = tenant,
                                       .work_ms = 100 * HOUR, .restart_ms = 5 * MIN,
                                       .write_ms = MIN, .priority = priority });
}

/* It asked, and its nodes came free: more jobs of a higher priority than one look goes through
 * wait for what was promised to it, and it is behind them. */
static void bug_a_promise_behind_more_jobs_than_a_look_sees_was_for_ever(void **state)
{
    (void)state;
    struct control_policy p = policy();
    struct rig_jobs *j = &(struct rig_jobs){ 0 };
    for (uint32_t backfill = 0; backfill < 2; backfill++) {
        p.work.backfill = backfill;
        struct rig *r = rig_jobs_make(j, NODES, &p);
        ask(j, 1, 8, 0, 100 * HOUR);
        rig_jobs_run(j, 3 * RIG_HOUR);
        ask(j, 2, 8, 1, HOUR);
        rig_jobs_run(j, RIG_SECOND);
        assert_int_equal(rig_count(r, EV_ATTEMPT_STOP), 1);
        for (uint64_t n = 1000; n < 1600; n++)
            assert_int_equal(rig_job(r, n, 1, 7), ADMIT_OK);
        rig_jobs_run(j, RIG_HOUR);
        assert_true(rig_jobs_runs(j, 2));
        rig_free(r);
    }
}

static void bug_nodes_were_kept_for_a_job_that_its_quota_kept_waiting(void **state)
{
    (void)state;
    struct control_policy p = policy();
    p.work.quota[0] = (struct work_quota){ .tenant = 2, .gpus = 32 };
    p.work.quotas = 1;
    struct rig_jobs *j = &(struct rig_jobs){ 0 };
    struct rig *r = rig_jobs_make(j, NODES, &p);
    ask_of(j, 1, 1, 8, 0);
    rig_jobs_run(j, 3 * RIG_HOUR);
    ask_of(j, 2, 2, 4, 4); /* all of its quota */
    rig_jobs_run(j, RIG_SECOND);
    assert_int_equal(rig_count(r, EV_ATTEMPT_STOP), 1);
    ask_of(j, 2, 3, 1, 5); /* and this one comes before it */
    ask_of(j, 1, 4, 7, 3);
    rig_jobs_run(j, 2 * RIG_HOUR);
    assert_true(rig_jobs_runs(j, 3) && !rig_jobs_runs(j, 2));
    assert_true(rig_jobs_runs(j, 4));
    rig_check_again(r);
    rig_free(r);
}

static void bug_nodes_were_kept_for_a_job_that_a_window_kept_waiting(void **state)
{
    (void)state;
    struct control_policy p = policy();
    struct rig_jobs *j = &(struct rig_jobs){ 0 };
    struct rig *r = rig_jobs_make(j, NODES, &p);
    ask(j, 1, 8, 0, 100 * HOUR);
    rig_jobs_run(j, 3 * RIG_HOUR);
    ask(j, 2, 8, 4, 1000 * HOUR);
    rig_jobs_run(j, RIG_SECOND);
    assert_int_equal(rig_count(r, EV_ATTEMPT_STOP), 1);
    assert_int_equal(rig_window(r, 0, 2, 720 * HOUR, 2 * HOUR),
                     ADMIT_OK); /* noticed a month ahead */
    ask(j, 3, 4, 0, 100 * HOUR);
    rig_jobs_run(j, 2 * RIG_HOUR);
    assert_false(rig_jobs_runs(j, 2)); /* it would run into the window */
    assert_true(rig_jobs_runs(j, 1) || rig_jobs_runs(j, 3));
    rig_check_again(r);
    rig_free(r);
}

static void bug_without_backfill_all_waited_for_a_job_that_a_window_kept_waiting(void **state)
{
    (void)state;
    struct control_policy p = policy();
    p.work.preempt = p.work.backfill = false;
    struct rig_jobs *j = &(struct rig_jobs){ 0 };
    struct rig *r = rig_jobs_make(j, NODES, &p);
    assert_int_equal(rig_window(r, 0, 2, 720 * HOUR, 2 * HOUR), ADMIT_OK);
    ask(j, 2, 8, 4, 1000 * HOUR);
    ask(j, 3, 4, 0, 100 * HOUR);
    rig_jobs_run(j, RIG_HOUR);
    assert_true(rig_jobs_runs(j, 3) && !rig_jobs_runs(j, 2));
    rig_check_again(r);
    rig_free(r);
}

/* Every week the same nodes: for a job that runs for a month they are two nodes, not eight. */
static void bug_nodes_in_several_windows_to_come_were_counted_in_each(void **state)
{
    (void)state;
    struct control_policy p = policy();
    struct rig_jobs *j = &(struct rig_jobs){ 0 };
    struct rig *r = rig_jobs_make(j, NODES, &p);
    for (int64_t week = 1; week <= 4; week++)
        assert_int_equal(rig_window(r, 0, 2, week * 168 * HOUR, 2 * HOUR), ADMIT_OK);
    ask(j, 1, 6, 0, 720 * HOUR);
    rig_jobs_run(j, RIG_SECOND);
    assert_true(rig_jobs_runs(j, 1));
    ask(j, 2, 4, 0, 720 * HOUR);
    ask(j, 3, 2, 0, 600 * HOUR); /* it has to wait for the last of them */
    rig_jobs_run(j, RIG_SECOND);
    uint64_t who = 0;
    int64_t at_ms = 0;
    uint32_t nodes = 0;
    assert_true(work_reservation(r->control->work, &who, &at_ms, &nodes));
    assert_int_equal(who, 2);
    assert_int_equal(at_ms, j->at[1].end_ms); /* two nodes after the last window are too few */
    rig_check_again(r);
    rig_free(r);
}

static void bug_nobody_looked_again_when_an_attempt_had_worked_for_long_enough(void **state)
{
    (void)state;
    struct control_policy p = policy();
    struct rig_jobs *j = &(struct rig_jobs){ 0 };
    struct rig *r = rig_jobs_make(j, NODES, &p);
    ask(j, 1, 8, 0, 100 * HOUR);
    rig_jobs_run(j, RIG_HOUR);
    ask(j, 2, 4, 4, HOUR); /* job 1 works for less than two hours */
    rig_jobs_run(j, RIG_MINUTE);
    assert_int_equal(rig_count(r, EV_ATTEMPT_STOP), 0);
    rig_jobs_run(j, 2 * RIG_HOUR + 30 * RIG_MINUTE);
    assert_int_equal(rig_count(r, EV_ATTEMPT_STOP), 1);
    assert_true(rig_jobs_runs(j, 2));
    rig_check_again(r);
    rig_free(r);
}

/* What leaves service makes the job in front too large: those behind it need not wait. */
static void bug_nobody_looked_again_when_the_job_in_front_became_too_large(void **state)
{
    (void)state;
    struct control_policy p = policy();
    p.work.preempt = p.work.backfill = false;
    struct rig_jobs *j = &(struct rig_jobs){ 0 };
    for (uint32_t how = 0; how < 3; how++) {
        struct rig *r = rig_jobs_make(j, NODES, &p);
        ask(j, 1, 4, 0, 100 * HOUR);
        ask(j, 2, 8, 0, HOUR);
        ask(j, 3, 2, 0, HOUR);
        rig_jobs_run(j, RIG_MINUTE);
        assert_false(rig_jobs_runs(j, 3));
        if (how == 0)
            assert_int_equal(rig_command(r, CMD_HOLD, 7, "why not"), ADMIT_OK);
        else if (how == 1)
            assert_int_equal(rig_window(r, 6, 2, 0, HOUR), ADMIT_OK);
        else
            rig_jobs_fault(j, 7, RIG_KILLS);
        rig_jobs_run(j, RIG_MINUTE);
        assert_true(rig_jobs_runs(j, 3));
        rig_check_again(r);
        rig_free(r);
    }
}

/* More spares than there is room for: jobs that may be interrupted and one that may not stopped
 * each other ten times a second. */
static void bug_what_was_lent_did_not_count_as_spare_for_a_large_job(void **state)
{
    (void)state;
    struct control_policy p = policy();
    p.work.spares = SPARES_FIXED;
    p.work.spares_nodes = 8;
    struct rig_jobs *j = &(struct rig_jobs){ 0 };
    struct rig *r = rig_jobs_make(j, NODES, &p);
    for (uint64_t n = 1; n <= 3; n++)
        rig_jobs_ask(j, (struct rig_ask){ .job = n, .nodes = 4, .tenant = 1,
                                           .work_ms = 100 * HOUR, .restart_ms = 5 * MIN,
                                           .write_ms = MIN, .flags = JOB_INTERRUPTIBLE });
    rig_jobs_run(j, RIG_HOUR);
    assert_true(rig_jobs_runs(j, 1) && rig_jobs_runs(j, 2));
    ask(j, 4, 4, 4, 200 * HOUR);
    rig_jobs_run(j, 2 * RIG_HOUR);
    assert_true(rig_jobs_runs(j, 4));
    assert_int_equal(rig_count(r, EV_ATTEMPT_STOP), 1); /* the other half is on loan still */
    rig_jobs_run(j, 10 * RIG_HOUR);
    assert_int_equal(rig_count(r, EV_ATTEMPT_STOP), 1);
    rig_check_again(r);
    rig_free(r);
}

/* One node that no window takes is promised to a restart; a job before it in the queue, which a
 * window does not keep off, took that one of all, and was stopped for it, ten times a second. */
static void bug_what_was_promised_outside_of_windows_went_to_others(void **state)
{
    (void)state;
    struct control_policy p = policy();
    struct rig_jobs *j = &(struct rig_jobs){ 0 };
    struct rig *r = rig_jobs_make(j, NODES, &p);
    ask(j, 1, 1, 7, 1000 * HOUR);
    ask(j, 2, 1, 0, 1000 * HOUR);
    rig_jobs_run(j, RIG_SECOND);
    uint32_t broken = r->control->board->job_first_node[rig_slot(r, 2)];
    assert_true(broken < 2);
    rig_jobs_ask(j, (struct rig_ask){ .job = 3, .nodes = 5, .tenant = 1, .work_ms = 900 * HOUR,
                                       .restart_ms = 5 * MIN, .write_ms = MIN, .priority = 4,
                                       .flags = JOB_INTERRUPTIBLE });
    rig_jobs_run(j, 2 * RIG_HOUR);
    assert_int_equal(rig_window(r, 3, 5, 500 * HOUR, HOUR), ADMIT_OK);
    rig_jobs_fault(j, broken, RIG_KILLS);
    rig_jobs_run(j, 2 * RIG_HOUR);
    assert_true(rig_jobs_runs(j, 2));
    assert_int_equal(rig_count(r, EV_ATTEMPT_STOP), 2); /* of it by the fault, for it once */
    rig_check_again(r);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bug_a_promise_behind_more_jobs_than_a_look_sees_was_for_ever),
        cmocka_unit_test(bug_nodes_were_kept_for_a_job_that_its_quota_kept_waiting),
        cmocka_unit_test(bug_nodes_were_kept_for_a_job_that_a_window_kept_waiting),
        cmocka_unit_test(bug_without_backfill_all_waited_for_a_job_that_a_window_kept_waiting),
        cmocka_unit_test(bug_nodes_in_several_windows_to_come_were_counted_in_each),
        cmocka_unit_test(bug_nobody_looked_again_when_an_attempt_had_worked_for_long_enough),
        cmocka_unit_test(bug_nobody_looked_again_when_the_job_in_front_became_too_large),
        cmocka_unit_test(bug_what_was_lent_did_not_count_as_spare_for_a_large_job),
        cmocka_unit_test(bug_what_was_promised_outside_of_windows_went_to_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
