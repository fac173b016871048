/* Jobs: who runs next, where, how it stops and comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/units.h"
#include "control/rig_again.h"

#define NODES 8

static uint8_t state_of(const struct rig *r, uint64_t job)
{
    return r->control->board->job_state[rig_slot(r, job)];
}

static void jobs(struct rig *r, uint64_t first, uint32_t n, uint32_t nodes)
{
    for (uint64_t j = first; j < first + n; j++)
        assert_int_equal(rig_job(r, j, nodes, 0), ADMIT_OK);
}

/* The jobs placed since the mark are these, in this order; 0 ends the list. */
static void expect_placed(struct rig *r, const uint64_t *job)
{
    for (; r->mark < r->log_length; r->mark++) {
        const struct event *ev = &r->log[r->mark].ev;
        if (ev->kind == EV_ATTEMPT_PLACED)
            assert_int_equal(ev->body.place.job, *job++);
    }
    assert_int_equal(*job, 0);
}
#define PLACED(r, ...) expect_placed((r), (const uint64_t[]){ __VA_ARGS__, 0, 0 })

static void jobs_start_in_the_order_they_came(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    jobs(r, 1, 12, 1);
    rig_wait(r, RIG_SECOND);
    PLACED(r, 1, 2, 3, 4, 5, 6, 7, 8);
    assert_int_equal(work_queued(r->control->work), 4);
    assert_int_equal(rig_ended(r, 3, HOW_DONE, 0, 0, 0), ADMIT_OK);
    assert_int_equal(rig_ended(r, 1, HOW_DONE, 0, 0, 0), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    PLACED(r, 9, 10);
    rig_check_log(r);
    rig_free(r);
}

static void a_higher_priority_goes_first(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    jobs(r, 1, 1, NODES);
    rig_wait(r, RIG_SECOND);
    assert_int_equal(rig_job(r, 2, 4, 0), ADMIT_OK);
    assert_int_equal(rig_job(r, 3, 4, 7), ADMIT_OK);
    assert_int_equal(rig_job(r, 4, 4, 7), ADMIT_OK);
    rig_forget(r);
    assert_int_equal(rig_ended(r, 1, HOW_DONE, 0, 0, 0), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    PLACED(r, 3, 4);
    rig_free(r);
}

static void a_job_that_does_not_fit_holds_back_the_rest(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    jobs(r, 1, 1, 5);
    jobs(r, 2, 1, 4);
    jobs(r, 3, 1, 2);
    rig_wait(r, RIG_HOUR);
    PLACED(r, 1);
    assert_int_equal(rig_ended(r, 1, HOW_DONE, 0, 0, 0), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    PLACED(r, 2, 3);
    rig_free(r);
}

static void others_may_pass_for_as_long_as_the_policy_says(void **state)
{
    (void)state;
    struct control_policy p = rig_policy();
    p.work.bypass_ms = MW_MS_PER_HOUR;
    struct rig *r = rig_make(NODES, &p);
    jobs(r, 1, 1, 5);
    jobs(r, 2, 1, 4);
    jobs(r, 3, 1, 2);
    rig_wait(r, RIG_SECOND);
    PLACED(r, 1, 3);
    rig_wait(r, RIG_HOUR);
    jobs(r, 4, 1, 1);
    rig_wait(r, RIG_SECOND);
    PLACED(r, 0); /* job 2 has waited long enough */
    rig_free(r);
}

static void a_restarted_job_that_waits_is_passed_by_nobody(void **state)
{
    (void)state;
    struct control_policy p = rig_policy();
    p.work.bypass_ms = MW_MS_PER_DAY;
    struct rig *r = rig_make(NODES, &p);
    jobs(r, 1, 1, NODES / 2);
    jobs(r, 2, 1, NODES - NODES / 2);
    rig_wait(r, RIG_SECOND);
    rig_finding(r, r->control->board->job_first_node[rig_slot(r, 1)], RIG_KILLS);
    assert_int_equal(rig_ended(r, 1, HOW_STOPPED, 0, 0, 0), ADMIT_OK);
    jobs(r, 3, 1, 1);
    rig_forget(r);
    rig_wait(r, RIG_HOUR);
    PLACED(r, 0);
    rig_free(r);
}

static void bug_a_job_larger_than_what_is_in_service_holds_nobody_back(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    jobs(r, 1, 1, NODES);
    rig_wait(r, RIG_SECOND);
    rig_finding(r, 0, RIG_KILLS);
    assert_int_equal(rig_ended(r, 1, HOW_STOPPED, 0, 0, 0), ADMIT_OK);
    jobs(r, 2, 1, 1);
    rig_forget(r);
    rig_wait(r, RIG_HOUR);
    PLACED(r, 2);
    rig_free(r);
}

static void a_restarted_job_keeps_its_place(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    jobs(r, 1, 2, 4);
    rig_wait(r, RIG_SECOND);
    jobs(r, 3, 2, 4);
    rig_forget(r);
    struct body_progress p = { .how = HOW_FAILED, .progress_ms = 5000, .saved_ms = 4000,
                               .stopped_ms = mw_ms(r->now_ns), .node = 0, .class = RIG_KILLS };
    assert_int_equal(rig_ended_by(r, 1, &p), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    PLACED(r, 1);
    const struct body_place *again = &rig_last(r, EV_ATTEMPT_PLACED)->ev.body.place;
    assert_int_equal(again->attempt, 2);
    assert_int_equal(again->from_ms, 4000);
    rig_free(r);
}

static void a_gang_is_placed_whole_or_not_at_all(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    assert_int_equal(rig_command(r, CMD_HOLD, 2, NULL), ADMIT_OK);
    jobs(r, 1, 1, NODES);
    rig_wait(r, RIG_HOUR);
    PLACED(r, 0);
    assert_int_equal(work_free_nodes(r->control->work), NODES - 1);
    assert_int_equal(rig_command(r, CMD_RELEASE, 2, NULL), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    PLACED(r, 1);
    assert_int_equal(work_free_nodes(r->control->work), 0);
    rig_free(r);
}

static void nothing_starts_on_a_node_that_is_not_schedulable(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    assert_int_equal(rig_command(r, CMD_HOLD, 0, NULL), ADMIT_OK);
    rig_finding(r, 1, RIG_KILLS);
    rig_finding(r, 2, RIG_SLOWS);
    jobs(r, 1, 8, 1);
    rig_wait(r, RIG_HOUR);
    assert_int_equal(rig_count(r, EV_ATTEMPT_PLACED), NODES - 3);
    for (uint32_t n = 0; n < 3; n++)
        assert_int_equal(r->control->board->node_job[n], MW_NONE);
    rig_check_log(r);
    rig_free(r);
}

static void bug_a_node_that_a_person_drains_is_not_given_to_the_next_job(void **state)
{
    (void)state;
    struct rig *r = rig_make(1, NULL);
    jobs(r, 1, 2, 1);
    rig_wait(r, RIG_SECOND);
    rig_forget(r);
    assert_int_equal(rig_command(r, CMD_DRAIN, 0, "it smells"), ADMIT_OK);
    rig_expect(r, "command attempt.stop");
    assert_int_equal(rig_last(r, EV_ATTEMPT_STOP)->ev.body.stop.how, DRAIN_AT_CHECKPOINT);
    assert_int_equal(rig_last(r, EV_ATTEMPT_STOP)->ev.body.stop.class, BOARD_CLASS_PERSON);
    assert_int_equal(rig_ended(r, 1, HOW_STOPPED, 0, 0, 0), ADMIT_OK);
    rig_wait(r, RIG_HOUR);
    PLACED(r, 0);
    assert_int_equal(rig_command(r, CMD_RELEASE, 0, NULL), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    PLACED(r, 1);
    rig_free(r);
}

static void a_hold_is_lifted_by_name_and_the_others_stay(void **state)
{
    (void)state;
    struct rig *r = rig_make(1, NULL);
    assert_int_equal(rig_command(r, CMD_HOLD, 0, "firmware"), ADMIT_OK);
    uint64_t first = rig_last(r, EV_COMMAND)->ev.seq;
    assert_int_equal(rig_command(r, CMD_HOLD, 0, "cabling"), ADMIT_OK);
    jobs(r, 1, 1, 1);
    struct event lift = { .kind = EV_COMMAND, .source = SOURCE_PERSON, .actor = 2 };
    lift.body.command = (struct body_command){ .ref = first, .node = 0, .hall = MW_NONE,
                                               .slot = MW_NONE, .verb = CMD_RELEASE };
    rig_forget(r);
    assert_int_equal(rig_submit(r, &lift, NULL), ADMIT_OK);
    assert_int_equal(rig_submit(r, &lift, NULL), ADMIT_STALE); /* it is lifted already */
    rig_wait(r, RIG_HOUR);
    PLACED(r, 0);
    assert_int_equal(r->control->board->node_holds[0], 1);
    assert_int_equal(rig_command(r, CMD_RELEASE, 0, NULL), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    PLACED(r, 1);
    rig_free(r);
}

static void bug_cancelling_the_job_in_front_lets_the_next_one_start(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    jobs(r, 1, 1, 5);
    jobs(r, 2, 1, 4);
    jobs(r, 3, 1, 2);
    rig_wait(r, RIG_HOUR);
    rig_forget(r);
    assert_int_equal(rig_cancel(r, 2), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    PLACED(r, 3);
    rig_free(r);
}

static void a_stop_at_the_checkpoint_becomes_a_stop_now_but_never_back(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    jobs(r, 1, 1, NODES);
    rig_wait(r, RIG_SECOND);
    rig_finding(r, 0, RIG_SLOWS);
    assert_int_equal(rig_last(r, EV_ATTEMPT_STOP)->ev.body.stop.how, DRAIN_AT_CHECKPOINT);
    rig_finding(r, 1, RIG_KILLS);
    assert_int_equal(rig_last(r, EV_ATTEMPT_STOP)->ev.body.stop.how, DRAIN_NOW);
    assert_int_equal(rig_last(r, EV_ATTEMPT_STOP)->ev.body.stop.node, 1);
    rig_finding(r, 2, RIG_KILLS);
    assert_int_equal(rig_command(r, CMD_DRAIN, 3, "why not"), ADMIT_OK);
    assert_int_equal(rig_count(r, EV_ATTEMPT_STOP), 2);
    assert_int_equal(state_of(r, 1), JOB_STOPPING);
    assert_int_equal(rig_ended(r, 1, HOW_STOPPED, 0, 0, 0), ADMIT_OK);
    assert_int_equal(state_of(r, 1), JOB_QUEUED);
    rig_check_log(r);
    rig_free(r);
}

static void a_cancelled_job_stops_and_is_gone(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    jobs(r, 1, 2, NODES);
    rig_wait(r, RIG_SECOND);
    rig_forget(r);
    assert_int_equal(rig_cancel(r, 1), ADMIT_OK);
    rig_expect(r, "job.cancelled attempt.stop");
    assert_int_equal(rig_cancel(r, 2), ADMIT_OK); /* waiting: gone at once */
    assert_int_equal(board_job_find(r->control->board, 2), MW_NONE);
    assert_int_equal(rig_ended(r, 1, HOW_STOPPED, 0, 0, 0), ADMIT_OK);
    assert_int_equal(board_job_find(r->control->board, 1), MW_NONE);
    assert_int_equal(rig_cancel(r, 1), ADMIT_STALE);
    assert_int_equal(r->control->board->jobs_live, 0);
    assert_int_equal(work_queued(r->control->work), 0);
    assert_int_equal(work_running(r->control->work), 0);
    rig_free(r);
}

static void a_job_that_fails_by_itself_is_not_started_again(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    jobs(r, 1, 3, 1);
    rig_wait(r, RIG_SECOND);
    assert_int_equal(rig_ended(r, 1, HOW_FAILED, 0, 0, 0), ADMIT_OK);
    assert_int_equal(board_job_find(r->control->board, 1), MW_NONE);
    struct body_progress p = { .how = HOW_FAILED, .stopped_ms = mw_ms(r->now_ns),
                               .node = MW_NONE, .class = RIG_IN_PLACE };
    assert_int_equal(rig_ended_by(r, 2, &p), ADMIT_OK); /* a fault, though nobody knows where */
    assert_int_equal(state_of(r, 2), JOB_QUEUED);
    assert_int_equal(r->control->board->job_class[rig_slot(r, 2)], RIG_IN_PLACE);
    rig_finding(r, 2, RIG_KILLS); /* job 3 is told to stop, and fails while it does */
    assert_int_equal(rig_ended(r, 3, HOW_FAILED, 0, 0, 0), ADMIT_OK);
    assert_int_equal(state_of(r, 3), JOB_QUEUED);
    rig_free(r);
}

static void results_of_another_attempt_are_refused(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    jobs(r, 1, 1, 1);
    rig_wait(r, RIG_SECOND);
    assert_int_equal(rig_running(r, 1, 0), ADMIT_OK);
    const struct event first = r->fact[r->facts - 1].ev;
    assert_int_equal(rig_running(r, 1, 0), ADMIT_STALE);
    struct body_progress p = { .how = HOW_FAILED, .node = 0, .class = RIG_KILLS,
                               .stopped_ms = mw_ms(r->now_ns) };
    assert_int_equal(rig_ended_by(r, 1, &p), ADMIT_OK);
    const struct event ended = r->fact[r->facts - 1].ev;
    rig_wait(r, RIG_SECOND);
    assert_int_equal(state_of(r, 1), JOB_PLACED);
    assert_int_equal(rig_submit(r, &first, NULL), ADMIT_STALE);
    assert_int_equal(rig_submit(r, &ended, NULL), ADMIT_STALE);
    p.saved_ms = 2;
    p.progress_ms = 1;
    assert_int_equal(rig_ended_by(r, 1, &p), ADMIT_IMPOSSIBLE);
    p.saved_ms = p.progress_ms = 0;
    p.how = 0;
    assert_int_equal(rig_ended_by(r, 1, &p), ADMIT_IMPOSSIBLE);
    rig_free(r);
}

static void check_refused(struct rig *r, struct event ev, enum admit want)
{
    assert_int_equal(rig_submit(r, &ev, NULL), want);
}

static void jobs_that_cannot_be_are_refused(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    const struct event good = rig_job_event(1, 2, 0);
#define WITH(field, value)                                    \
    do {                                                      \
        struct event ev = good;                               \
        ev.body.job.field = (value);                          \
        check_refused(r, ev, ADMIT_IMPOSSIBLE);               \
    } while (0)
    WITH(job, 0);
    WITH(nodes, 0);
    WITH(nodes, NODES + 1);
    WITH(gpus, 0);
    WITH(gpus, 17); /* two nodes have sixteen */
    WITH(work_ms, 0);
    WITH(work_ms, INT64_MAX);
    WITH(write_ms, -1);
    WITH(write_ms, INT64_MAX);
    WITH(restart_ms, -1);
    WITH(restart_ms, INT64_MAX);
    WITH(priority, BOARD_PRIORITIES);
#undef WITH
    check_refused(r, good, ADMIT_OK);
    check_refused(r, good, ADMIT_DUPLICATE);
    for (uint64_t j = 2; j <= 1024; j++)
        check_refused(r, rig_job_event(j, 1, 0), ADMIT_OK);
    check_refused(r, rig_job_event(1025, 1, 0), ADMIT_FULL);
    assert_int_equal(rig_cancel(r, 200), ADMIT_OK);
    check_refused(r, rig_job_event(1025, 1, 0), ADMIT_OK);
    rig_free(r);
}

static void the_queue_is_looked_at_no_more_often_than_the_pulse(void **state)
{
    (void)state;
    struct rig *r = rig_make(64, NULL);
    jobs(r, 1, 60, 1);
    uint32_t before = rig_count(r, EV_ATTEMPT_PLACED);
    rig_wait(r, 0);
    assert_true(rig_count(r, EV_ATTEMPT_PLACED) - before <= r->policy.work.places_per_pulse);
    rig_wait(r, 100 * MW_NS_PER_MS);
    rig_wait(r, 100 * MW_NS_PER_MS);
    assert_int_equal(rig_count(r, EV_ATTEMPT_PLACED), 60);
    int64_t last = 0;
    for (uint32_t i = 0; i < r->log_length; i++) {
        const struct event *ev = &r->log[i].ev;
        if (ev->kind != EV_TIMER_FIRED)
            continue;
        assert_true(ev->time_ns - last >= 100 * MW_NS_PER_MS);
        last = ev->time_ns;
    }
    rig_free(r);
}

/* ---- at once, and where ---------------------------------------------------------------------- */

static struct rig *at_once(uint32_t nodes)
{
    struct control_policy p = rig_policy();
    p.work.at_once = true;
    return rig_make(nodes, &p);
}

static void a_job_that_fits_is_placed_with_its_submission(void **state)
{
    (void)state;
    struct rig *r = at_once(NODES);
    rig_forget(r);
    jobs(r, 1, 1, 4);
    rig_expect(r, "job.submitted attempt.placed");
    assert_int_equal(rig_last(r, EV_ATTEMPT_PLACED)->ev.cause,
                     rig_last(r, EV_JOB_SUBMITTED)->ev.seq);
    rig_check_log(r);
    rig_free(r);
}

static void at_once_is_not_before_those_who_wait(void **state)
{
    (void)state;
    struct rig *r = at_once(NODES);
    jobs(r, 1, 1, 5);
    jobs(r, 2, 1, 4); /* does not fit */
    rig_forget(r);
    jobs(r, 3, 1, 2); /* would, and is not the next */
    rig_wait(r, RIG_HOUR);
    PLACED(r, 0);
    assert_int_equal(rig_ended(r, 1, HOW_DONE, 0, 0, 0), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    PLACED(r, 2, 3);
    rig_free(r);
}

static void a_more_urgent_job_is_placed_at_once_before_one_that_waits(void **state)
{
    (void)state;
    struct rig *r = at_once(NODES);
    jobs(r, 1, 1, 5);
    jobs(r, 2, 1, 4);
    rig_forget(r);
    assert_int_equal(rig_job(r, 3, 2, 7), ADMIT_OK);
    rig_expect(r, "job.submitted attempt.placed");
    rig_free(r);
}

static void without_at_once_a_job_waits_for_the_pulse(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    rig_forget(r);
    jobs(r, 1, 1, 4);
    rig_expect(r, "job.submitted");
    rig_wait(r, RIG_SECOND);
    PLACED(r, 1);
    rig_free(r);
}

/* Jobs come and go by chance, nodes fail; the tails say where each gang went. */
static struct rig *come_and_go(uint64_t seed, uint32_t steps)
{
    struct rig *r = at_once(80);
    const struct board *b = r->control->board;
    for (uint64_t n = 0; n < steps; n++) {
        uint64_t at = mw_random_u64(seed, n, 1, 0);
        rig_wait(r, RIG_SECOND);
        if (n % 2 == 0)
            jobs(r, n + 1, 1, 1 + (uint32_t)mw_random_below(at, 12));
        else if (n % 24 == 11)
            rig_finding(r, (uint32_t)mw_random_below(at, 80), RIG_SLOWS);
        for (uint32_t i = 0; n % 2 && i < b->jobs_used; i++) { /* the next that runs ends */
            uint32_t slot = (uint32_t)(at + i) % b->jobs_used;
            if (b->job_state[slot] != JOB_PLACED)
                continue;
            assert_int_equal(rig_ended(r, b->job_id[slot], HOW_DONE, 0, 0, 0), ADMIT_OK);
            break;
        }
    }
    return r;
}

static void gangs_go_to_the_same_nodes_after_a_restart_and_after_a_snapshot(void **state)
{
    (void)state;
    struct rig *whole = come_and_go(7, 300);
    assert_true(rig_count(whole, EV_ATTEMPT_PLACED) > 40);
    for (uint32_t at = 5; at < whole->facts; at += 20) {
        /* half of them from a snapshot */
        struct rig *r = rig_restarted(whole, at, at / 20 % 2);
        rig_check_same(whole, r);
        rig_free(r);
    }
    rig_free(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_start_in_the_order_they_came),
        cmocka_unit_test(a_higher_priority_goes_first),
        cmocka_unit_test(a_job_that_does_not_fit_holds_back_the_rest),
        cmocka_unit_test(others_may_pass_for_as_long_as_the_policy_says),
        cmocka_unit_test(a_restarted_job_that_waits_is_passed_by_nobody),
        cmocka_unit_test(bug_a_job_larger_than_what_is_in_service_holds_nobody_back),
        cmocka_unit_test(a_restarted_job_keeps_its_place),
        cmocka_unit_test(a_gang_is_placed_whole_or_not_at_all),
        cmocka_unit_test(nothing_starts_on_a_node_that_is_not_schedulable),
        cmocka_unit_test(bug_a_node_that_a_person_drains_is_not_given_to_the_next_job),
        cmocka_unit_test(a_hold_is_lifted_by_name_and_the_others_stay),
        cmocka_unit_test(bug_cancelling_the_job_in_front_lets_the_next_one_start),
        cmocka_unit_test(a_stop_at_the_checkpoint_becomes_a_stop_now_but_never_back),
        cmocka_unit_test(a_cancelled_job_stops_and_is_gone),
        cmocka_unit_test(a_job_that_fails_by_itself_is_not_started_again),
        cmocka_unit_test(results_of_another_attempt_are_refused),
        cmocka_unit_test(jobs_that_cannot_be_are_refused),
        cmocka_unit_test(the_queue_is_looked_at_no_more_often_than_the_pulse),
        cmocka_unit_test(a_job_that_fits_is_placed_with_its_submission),
        cmocka_unit_test(at_once_is_not_before_those_who_wait),
        cmocka_unit_test(a_more_urgent_job_is_placed_at_once_before_one_that_waits),
        cmocka_unit_test(without_at_once_a_job_waits_for_the_pulse),
        cmocka_unit_test(gangs_go_to_the_same_nodes_after_a_restart_and_after_a_snapshot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
