/* Maintenance windows: notice, start, end. */
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

static struct rig_ask job(uint64_t number, uint32_t nodes, int64_t work_ms, uint8_t flags)
{
    return (struct rig_ask){ .job = number, .nodes = nodes, .tenant = 1, .work_ms = work_ms,
                             .restart_ms = 5 * MIN, .write_ms = MIN, .flags = flags };
}

static enum admit end_window(struct rig *r, uint64_t command)
{
    struct event ev = { .kind = EV_COMMAND, .source = SOURCE_PERSON, .actor = 42 };
    ev.body.command = (struct body_command){ .ref = command, .hall = MW_NONE, .slot = MW_NONE,
                                             .verb = CMD_WINDOW };
    return rig_submit(r, &ev, NULL);
}

/* Nodes of first .. under a job. */
static uint32_t under_jobs(const struct rig *r, uint32_t first, uint32_t count)
{
    uint32_t n = 0;
    for (uint32_t i = first; i < first + count; i++)
        n += r->control->board->node_job[i] != MW_NONE;
    return n;
}

static void from_the_notice_on_only_what_ends_before_the_start_is_placed_there(void **state)
{
    (void)state;
    struct control_policy p = rig_jobs_policy();
    struct rig_jobs *j = &(struct rig_jobs){ 0 };
    struct rig *r = rig_jobs_make(j, NODES, &p);
    assert_int_equal(rig_window(r, 0, 4, 10 * HOUR, 5 * HOUR), ADMIT_OK);
    rig_jobs_ask(j, job(1, 4, 30 * HOUR, 0)); /* beside it */
    rig_jobs_ask(j, job(2, 2, 8 * HOUR, 0));  /* ends before */
    rig_jobs_ask(j, job(3, 1, 10 * HOUR, 0)); /* does not: restart and checkpoints come on top */
    rig_jobs_ask(j, job(4, 1, 90 * HOUR, JOB_INTERRUPTIBLE)); /* may be there until it begins */
    rig_jobs_run(j, RIG_SECOND);
    assert_true(rig_jobs_runs(j, 1) && rig_jobs_runs(j, 2) &&
                !rig_jobs_runs(j, 3) && rig_jobs_runs(j, 4));
    assert_int_equal(under_jobs(r, 0, 4), 3);
    struct work_why why = work_why_waiting(r->control->work, 3);
    assert_int_equal(why.why, WAIT_WINDOW);
    assert_int_equal(why.barred, 1);
    assert_int_equal(why.free, 1);
    struct work_window w;
    uint32_t at = 0;
    assert_true(work_window_next(r->control->work, &at, &w));
    assert_int_equal(w.from_ms, mw_ms(RIG_START_NS) + 10 * HOUR);
    assert_int_equal(w.to_ms - w.from_ms, 5 * HOUR);
    assert_int_equal(w.count, 4);
    assert_int_equal(w.actor, 42);
    assert_false(w.begun);
    assert_false(work_window_next(r->control->work, &at, &w));
    assert_true(work_window_of(r->control->work, 3, &w));
    assert_false(work_window_of(r->control->work, 4, &w));
    rig_jobs_run(j, 10 * RIG_HOUR + 2 * RIG_MINUTE); /* job 4 stops at its next checkpoint */
    assert_int_equal(rig_count(r, EV_ATTEMPT_STOP), 1);
    const struct body_stop *s = &rig_last(r, EV_ATTEMPT_STOP)->ev.body.stop;
    assert_int_equal(s->job, 4);
    assert_int_equal(s->how, DRAIN_AT_CHECKPOINT);
    assert_int_equal(s->class, BOARD_CLASS_PERSON);
    rig_jobs_run(j, RIG_HOUR);
    assert_int_equal(under_jobs(r, 0, 4), 0);
    assert_false(rig_jobs_runs(j, 3));
    assert_int_equal(work_free_nodes(r->control->work), 0); /* nothing starts there */
    rig_jobs_run(j, 4 * RIG_HOUR);
    assert_true(rig_jobs_runs(j, 3) && rig_jobs_runs(j, 4));
    at = 0;
    assert_false(work_window_next(r->control->work, &at, &w));
    rig_check_again(r);
    rig_free(r);
}

static void a_window_that_begins_now_stops_what_runs_and_health_is_untouched(void **state)
{
    (void)state;
    struct control_policy p = rig_jobs_policy();
    struct rig_jobs *j = &(struct rig_jobs){ 0 };
    struct rig *r = rig_jobs_make(j, NODES, &p);
    rig_jobs_ask(j, job(1, 8, 30 * HOUR, 0));
    rig_jobs_run(j, 90 * RIG_MINUTE);
    assert_int_equal(rig_window(r, 2, 1, 0, 12 * HOUR), ADMIT_OK);
    rig_jobs_run(j, RIG_SECOND);
    assert_int_equal(rig_count(r, EV_ATTEMPT_STOP), 1);
    assert_true(rig_jobs_runs(j, 1));
    rig_jobs_run(j, RIG_HOUR);
    assert_false(rig_jobs_runs(j, 1));
    for (uint32_t n = 0; n < NODES; n++)
        assert_int_equal(rig_node_health(r, n), HEALTH_READY);
    assert_int_equal(rig_count(r, EV_NODE_MOVED), 0);
    assert_int_equal(work_why_waiting(r->control->work, 1).why, WAIT_SERVICE);
    rig_jobs_run(j, 11 * RIG_HOUR);
    assert_true(rig_jobs_runs(j, 1));
    rig_check_again(r);
    rig_free(r);
}

static void its_time_is_planned_and_nobodys_loss(void **state)
{
    (void)state;
    struct control_policy p = rig_jobs_policy();
    struct rig *r = rig_make(NODES, &p);
    rig_wait(r, RIG_HOUR);
    assert_int_equal(rig_window(r, 0, 3, HOUR, 2 * HOUR), ADMIT_OK);
    rig_wait(r, 2 * RIG_HOUR); /* an hour of it */
    struct account_totals t;
    account_settle(r->control->account, r->now_ns, &t);
    assert_int_equal(t.gpu_ms[ACCOUNT_PLANNED], 3 * 8 * HOUR);
    assert_int_equal(t.lost_microdollars, 0);
    rig_wait(r, 5 * RIG_HOUR);
    account_settle(r->control->account, r->now_ns, &t);
    assert_int_equal(t.gpu_ms[ACCOUNT_PLANNED], 3 * 8 * 2 * HOUR);
    assert_int_equal(t.gpu_ms[ACCOUNT_IDLE], 8 * 8 * 8 * HOUR - 3 * 8 * 2 * HOUR);
    rig_check_again(r);
    rig_free(r);
}

static void a_person_ends_it_before_or_while_it_is_on(void **state)
{
    (void)state;
    struct control_policy p = rig_jobs_policy();
    struct rig_jobs *j = &(struct rig_jobs){ 0 };
    struct rig *r = rig_jobs_make(j, NODES, &p);
    assert_int_equal(rig_window(r, 0, 8, HOUR, 10 * HOUR), ADMIT_OK);
    uint64_t first = rig_last(r, EV_COMMAND)->ev.seq;
    rig_jobs_ask(j, job(1, 8, 30 * HOUR, 0));
    rig_jobs_run(j, RIG_SECOND);
    assert_false(rig_jobs_runs(j, 1));
    assert_int_equal(end_window(r, first), ADMIT_OK);
    assert_int_equal(end_window(r, first), ADMIT_STALE);
    rig_jobs_run(j, RIG_SECOND);
    assert_true(rig_jobs_runs(j, 1));
    assert_int_equal(rig_window(r, 0, 4, 2 * HOUR, 10 * HOUR), ADMIT_OK);
    first = rig_last(r, EV_COMMAND)->ev.seq;
    rig_jobs_run(j, 5 * RIG_HOUR);
    assert_false(rig_jobs_runs(j, 1));
    assert_int_equal(end_window(r, first), ADMIT_OK);
    rig_jobs_run(j, RIG_SECOND);
    assert_true(rig_jobs_runs(j, 1));
    rig_check_again(r);
    rig_free(r);
}

static void windows_that_cannot_be_are_refused(void **state)
{
    (void)state;
    struct control_policy p = rig_jobs_policy();
    struct rig *r = rig_make(NODES, &p);
    rig_wait(r, RIG_HOUR);
    assert_int_equal(rig_window(r, 7, 2, 0, HOUR), ADMIT_IMPOSSIBLE);  /* no such node */
    assert_int_equal(rig_window(r, 7, 0, 0, HOUR), ADMIT_IMPOSSIBLE);
    assert_int_equal(rig_window(r, 0, 1, 0, -1), ADMIT_IMPOSSIBLE);
    assert_int_equal(rig_window(r, 0, 1, 0, INT64_MAX), ADMIT_IMPOSSIBLE);
    assert_int_equal(rig_window(r, 0, 1, INT64_MAX / 2, HOUR), ADMIT_IMPOSSIBLE);
    assert_int_equal(end_window(r, 0), ADMIT_IMPOSSIBLE);
    assert_int_equal(end_window(r, 7), ADMIT_STALE);
    assert_int_equal(rig_window(r, 2, 2, HOUR, HOUR), ADMIT_OK);
    assert_int_equal(rig_window(r, 3, 2, 90 * MIN, HOUR), ADMIT_DUPLICATE); /* two at once */
    assert_int_equal(rig_window(r, 3, 2, 2 * HOUR, HOUR),
                     ADMIT_OK);        /* one after the other */
    assert_int_equal(rig_window(r, 4, 1, HOUR, HOUR), ADMIT_OK);
    for (uint32_t i = 0; i < WORK_WINDOWS_MAX - 3; i++)
        assert_int_equal(rig_window(r, 6, 1, (10 + 2 * i) * HOUR, HOUR), ADMIT_OK);
    assert_int_equal(rig_window(r, 7, 1, 0, HOUR), ADMIT_FULL);
    rig_wait(r, 400 * RIG_HOUR); /* all of them go by */
    assert_int_equal(rig_window(r, 7, 1, 0, HOUR), ADMIT_OK);
    struct account_totals t;
    account_settle(r->control->account, r->now_ns, &t);
    assert_int_equal(t.gpu_ms[ACCOUNT_PLANNED], (2 + 2 + 1 + WORK_WINDOWS_MAX - 3) * 8 * HOUR);
    rig_check_again(r);
    rig_free(r);
}

static void a_window_over_many_gangs_stops_them_in_batches(void **state)
{
    (void)state;
    struct control_policy p = rig_jobs_policy();
    struct rig_jobs *j = &(struct rig_jobs){ 0 };
    struct rig *r = rig_jobs_make(j, 120, &p);
    for (uint64_t n = 1; n <= 60; n++)
        rig_jobs_ask(j, job(n, 2, 30 * HOUR, 0));
    rig_jobs_run(j, 3 * RIG_HOUR);
    assert_int_equal(rig_window(r, 0, 110, 0, 2 * HOUR), ADMIT_OK);
    rig_jobs_run(j, RIG_SECOND);
    assert_int_equal(rig_count(r, EV_ATTEMPT_STOP), 55);
    assert_int_equal(rig_count(r, EV_CASCADE_STOPPED), 0);
    rig_jobs_run(j, RIG_HOUR + 5 * RIG_MINUTE);
    assert_int_equal(under_jobs(r, 0, 110), 0);
    rig_jobs_run(j, RIG_HOUR);
    assert_int_equal(under_jobs(r, 0, 110), 110);
    rig_check_again(r);
    rig_free(r);
}

static void a_blocked_job_is_promised_the_end_of_the_window(void **state)
{
    (void)state;
    struct control_policy p = rig_jobs_policy();
    struct rig_jobs *j = &(struct rig_jobs){ 0 };
    struct rig *r = rig_jobs_make(j, NODES, &p);
    assert_int_equal(rig_window(r, 0, 4, 4 * HOUR, 6 * HOUR), ADMIT_OK);
    rig_jobs_ask(j, job(1, 8, 20 * HOUR, 0)); /* needs all of them, for longer than there is */
    rig_jobs_ask(j, job(2, 4, 2 * HOUR, 0));  /* is done before the window */
    rig_jobs_ask(j, job(3, 4, 9 * HOUR, 0));  /* beside it, and done before its end */
    rig_jobs_run(j, RIG_SECOND);
    uint64_t who = 0;
    int64_t at_ms = 0;
    uint32_t nodes = 0;
    assert_true(work_reservation(r->control->work, &who, &at_ms, &nodes));
    assert_int_equal(who, 1);
    assert_int_equal(at_ms, mw_ms(RIG_START_NS) + 10 * HOUR);
    assert_true(rig_jobs_runs(j, 2) && rig_jobs_runs(j, 3) && !rig_jobs_runs(j, 1));
    assert_int_equal(under_jobs(r, 0, 4) + under_jobs(r, 4, 4), 8);
    rig_jobs_run(j, 10 * RIG_HOUR);
    assert_true(rig_jobs_runs(j, 1));
    assert_int_equal(j->first_ms[1], at_ms);
    rig_check_again(r);
    rig_free(r);
}

static void another_engines_site_has_no_windows_here(void **state)
{
    (void)state;
    struct control_policy p = rig_jobs_policy();
    p.work.engine = p.care.engine = true;
    struct rig *r = rig_make(NODES, &p);
    assert_int_equal(rig_window(r, 0, 1, 0, HOUR), ADMIT_IMPOSSIBLE);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_the_notice_on_only_what_ends_before_the_start_is_placed_there),
        cmocka_unit_test(a_window_that_begins_now_stops_what_runs_and_health_is_untouched),
        cmocka_unit_test(its_time_is_planned_and_nobodys_loss),
        cmocka_unit_test(a_person_ends_it_before_or_while_it_is_on),
        cmocka_unit_test(windows_that_cannot_be_are_refused),
        cmocka_unit_test(a_window_over_many_gangs_stops_them_in_batches),
        cmocka_unit_test(a_blocked_job_is_promised_the_end_of_the_window),
        cmocka_unit_test(another_engines_site_has_no_windows_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
