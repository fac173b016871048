/* What must be impossible, continued (impossible_test.c): what the controller does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/impossible.h"

static void impossible_automation_lifts_a_hold_that_a_person_set(void **state)
{
    (void)state;
    struct rig *r = bench();
    const struct board *b = r->control->board;
    assert_int_equal(rig_command(r, CMD_HOLD, 3, "mine"), ADMIT_OK);
    for (uint32_t i = 0; i < 3; i++) { /* whole lives of faults pass over it */
        to_the_gate(r, 3, rig_finding(r, 3, i % 2 ? RIG_SLOWS : RIG_KILLS));
        to_ready(r, 3);
        assert_int_equal(b->node_holds[3], 1);
        rig_wait(r, RIG_HOUR);
    }
    assert_int_equal(rig_job(r, 1, NODES, 0), ADMIT_OK); /* it needs all nodes */
    rig_wait(r, RIG_HOUR);
    assert_int_equal(b->job_state[rig_slot(r, 1)], JOB_QUEUED);
    struct rig *again = rig_make_on(r->fleet, &r->policy, rig_copy(r, r->log_length), false);
    assert_int_equal(again->control->board->node_holds[3], 1); /* nor does a restart */
    rig_free(again);
    struct event nobody = { .kind = EV_COMMAND, .source = SOURCE_PERSON }; /* actor 0 */
    nobody.body.command = (struct body_command){ .node = 3, .hall = MW_NONE, .slot = MW_NONE,
                                                 .verb = CMD_RELEASE };
    assert_int_equal(rig_submit(r, &nobody, NULL), ADMIT_IMPOSSIBLE);
    assert_int_equal(b->node_holds[3], 1);
    assert_int_equal(rig_command(r, CMD_RELEASE, 3, "done"), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    assert_int_equal(b->job_state[rig_slot(r, 1)], JOB_PLACED);
    rig_check_log(r);
    rig_free(r);
}

static void impossible_simultaneous_decisions_pass_the_budget(void **state)
{
    (void)state;
    struct control_policy p = rig_policy();
    p.guard.domain_rule = false;
    struct rig *r = rig_make(400, &p); /* one hall: two in ten minutes */
    r->by_hand = true;                 /* all at one moment, in one commit */
    for (uint32_t n = 0; n < 60; n++)
        (void)rig_finding(r, n, n % 2 ? RIG_SLOWS : RIG_DEFERS);
    rig_commit(r);
    r->by_hand = false;
    assert_int_equal(rig_count(r, EV_DRAIN_ORDERED), 2);
    assert_int_equal(rig_count(r, EV_ADVICE), 58);
    assert_int_equal(guard_taken(r->control->guard), 2);
    assert_int_equal(care_nodes_in(r->control->care, HEALTH_READY), 398);
    /* Nor when everybody is let in again at once. */
    assert_int_equal(rig_command(r, CMD_RESET_GUARD, MW_NONE, "it was a storm"), ADMIT_OK);
    rig_wait(r, 10 * RIG_MINUTE);
    r->by_hand = true;
    for (uint32_t n = 100; n < 160; n++)
        (void)rig_finding(r, n, RIG_SLOWS);
    rig_commit(r);
    assert_int_equal(rig_count(r, EV_DRAIN_ORDERED), 4);
    rig_check_log(r);
    rig_free(r);
}

static uint32_t acted_times(const struct rig *r, uint64_t seq)
{
    uint32_t times = 0;
    for (uint32_t i = 0; i < r->acted_length; i++)
        times += r->acted[i].seq == seq;
    return times;
}

static void impossible_an_action_without_its_event(void **state)
{
    (void)state;
    struct rig *r = bench();
    assert_int_equal(rig_job(r, 1, NODES, 0), ADMIT_OK);
    r->by_hand = true;
    rig_wait(r, RIG_SECOND);
    (void)rig_finding(r, 3, RIG_KILLS);
    rig_wait(r, RIG_MINUTE);
    assert_int_equal(r->acted_length, 0); /* not durable: the world is told nothing */
    r->fail_commit = MW_EIO;
    assert_int_equal(core_commit(r->control->core, NULL), MW_EIO);
    assert_int_equal(r->acted_length, 0);
    rig_commit(r);
    r->by_hand = false;
    to_the_gate(r, 3, r->finding);
    to_ready(r, 3);
    assert_true(r->acted_length >= 4); /* a gang, its stop, an order, a gate */
    uint32_t actions = 0;
    for (uint32_t i = 0; i < r->acted_length; i++) {
        const struct event *a = &r->acted[i];
        assert_true(a->seq >= 1 && a->seq <= r->log_length);
        assert_memory_equal(a, &r->log[a->seq - 1].ev, sizeof(*a));
    }
    for (uint32_t i = 0; i < r->log_length; i++) {
        if (!(event_info(r->log[i].ev.kind)->flags & (EVENT_ACTION | EVENT_NOTICE)))
            continue;
        actions++;
        assert_int_equal(acted_times(r, r->log[i].ev.seq), 1); /* each once */
    }
    assert_int_equal(actions, r->acted_length);
    rig_free(r);
}

static void impossible_a_repair_verified_without_reading_back(void **state)
{
    (void)state;
    struct rig *r = bench();
    uint64_t f = rig_finding(r, 3, RIG_KILLS);
    let_orders_go(r);
    assert_int_equal(rig_order(r, EV_ORDER_TAKEN, 3, 0), ADMIT_OK);
    /* Nobody knows how it ended: it is not taken for done. */
    assert_int_equal(rig_order(r, EV_ORDER_ENDED, 3, RESULT_UNKNOWN), ADMIT_OK);
    assert_int_equal(rig_closed(r, 3, f), ADMIT_OK);
    rig_wait(r, RIG_HOUR);
    assert_int_equal(rig_count(r, EV_GATE_STARTED), 0);
    /* The crew says done, but the detector still sees it: no gate. */
    f = rig_finding(r, 3, RIG_KILLS);
    let_orders_go(r);
    rig_repair(r, 3);
    rig_wait(r, 9 * RIG_MINUTE);
    assert_int_equal(rig_count(r, EV_GATE_STARTED), 0);
    assert_true(is_out(r, 3));
    assert_int_equal(rig_closed(r, 3, f), ADMIT_OK);
    assert_int_equal(rig_count(r, EV_GATE_STARTED), 1);
    /* A gate whose result nobody knows is not passed. */
    assert_int_equal(rig_gate(r, 3, RESULT_UNKNOWN), ADMIT_OK);
    assert_int_not_equal(rig_node_health(r, 3), HEALTH_PROBATION);
    assert_true(is_out(r, 3));
    rig_check_log(r);
    rig_free(r);
}

/* A machine that says "done" has to say what it read; one that was too late did nothing. */
static void impossible_an_action_verified_without_reading_back(void **state)
{
    (void)state;
    struct control_policy p = rig_ladder_policy();
    struct rig *r = rig_make(NODES, &p);
    uint64_t f = rig_finding(r, 3, RIG_KILLS);
    let_orders_go(r);
    const struct event act = rig_last_of(r, EV_ACTION_STARTED, 3)->ev;
    assert_int_equal(act.body.order.step, STEP_REBOOT);
    assert_true(act.body.order.lease_ms > 0);
    assert_int_equal(rig_closed(r, 3, f), ADMIT_OK); /* the finding is gone already */
    struct event done = { .kind = EV_ACTION_ENDED, .source = SOURCE_NODE + 3, .cause = act.seq };
    done.body.order = act.body.order;
    done.body.order.result = RESULT_OK;
    assert_int_equal(rig_submit(r, &done, NULL), ADMIT_IMPOSSIBLE);
    assert_int_equal(rig_count(r, EV_GATE_STARTED), 0);
    done.body.order.result = RESULT_UNKNOWN; /* nobody knows: it is not taken for done */
    assert_int_equal(rig_submit(r, &done, NULL), ADMIT_OK);
    assert_int_equal(rig_count(r, EV_GATE_STARTED), 0);
    assert_true(is_out(r, 3));
    done.body.order.result = RESULT_OK; /* and its late "done" answers nothing any more */
    done.tail_size = 4;
    assert_int_equal(rig_submit(r, &done, "read"), ADMIT_STALE);
    assert_int_equal(rig_count(r, EV_GATE_STARTED), 0);
    rig_check_log(r);
    rig_free(r);
}

static void impossible_a_node_in_two_jobs(void **state)
{
    (void)state;
    struct rig *r = bench();
    const struct board *b = r->control->board;
    assert_int_equal(rig_job(r, 1, NODES, 0), ADMIT_OK);
    assert_int_equal(rig_job(r, 2, 4, 0), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    assert_int_equal(rig_running(r, 1, 0), ADMIT_OK);
    uint64_t f = rig_finding(r, 3, RIG_KILLS);
    assert_int_equal(rig_ended(r, 1, HOW_STOPPED, 0, 0, 0), ADMIT_OK);
    struct event late = r->fact[r->facts - 1].ev; /* the end of the first attempt */
    rig_wait(r, RIG_SECOND);
    assert_int_equal(b->job_state[rig_slot(r, 2)], JOB_PLACED); /* on what is left */
    to_the_gate(r, 3, f);
    assert_int_equal(rig_ended(r, 2, HOW_DONE, 0, 0, 0), ADMIT_OK);
    to_ready(r, 3);
    rig_wait(r, RIG_SECOND);
    assert_int_equal(b->job_attempt[rig_slot(r, 1)], 2); /* on all nodes again */
    assert_int_equal(rig_job(r, 3, 4, 0), ADMIT_OK);
    /* The end of the first attempt comes once more: it frees nothing for job 3. */
    assert_int_equal(rig_submit(r, &late, NULL), ADMIT_STALE);
    rig_wait(r, RIG_HOUR);
    assert_int_equal(b->job_state[rig_slot(r, 3)], JOB_QUEUED);
    for (uint32_t n = 0; n < NODES; n++)
        assert_int_equal(b->node_job[n], rig_slot(r, 1));
    rig_check_log(r); /* no node is in two gangs at any event */
    rig_free(r);
}

static void impossible_a_repaired_node_is_back_without_its_gate(void **state)
{
    (void)state;
    struct rig *r = bench();
    uint64_t f = rig_finding(r, 3, RIG_KILLS);
    to_the_gate(r, 3, f);
    struct event first = rig_last_of(r, EV_GATE_STARTED, 3)->ev;
    rig_wait(r, 48 * RIG_HOUR); /* a gate without a result is not passed by waiting */
    assert_int_equal(rig_node_health(r, 3), HEALTH_VALIDATING);
    assert_int_equal(rig_gate(r, 3, RESULT_FAILED), ADMIT_OK);
    let_orders_go(r);
    rig_repair(r, 3);
    assert_int_equal(rig_node_health(r, 3), HEALTH_VALIDATING);
    /* The first gate's "passed" does not count for the second repair, nor another node's. */
    struct event ended = { .kind = EV_GATE_ENDED, .source = SOURCE_ENGINE, .cause = first.seq };
    ended.body.gate = first.body.gate;
    ended.body.gate.result = RESULT_OK;
    assert_int_equal(rig_submit(r, &ended, NULL), ADMIT_STALE);
    to_the_gate(r, 4, rig_finding(r, 4, RIG_KILLS));
    assert_int_equal(rig_gate(r, 4, RESULT_OK), ADMIT_OK);
    assert_int_equal(rig_node_health(r, 3), HEALTH_VALIDATING);
    struct rig *again = rig_make_on(r->fleet, &r->policy, rig_copy(r, r->log_length), false);
    again->now_ns = r->now_ns;
    rig_wait(again, 48 * RIG_HOUR); /* nor by a restart: the gate goes out again */
    assert_int_equal(rig_node_health(again, 3), HEALTH_VALIDATING);
    assert_int_equal(acted_times(again, rig_last_of(r, EV_GATE_STARTED, 3)->ev.seq), 1);
    rig_free(again);
    to_ready(r, 3);
    rig_check_log(r); /* whoever came back had passed a gate of the class that was wrong */
    rig_free(r);
}

/* One node is free, and two gangs lose one each at the same moment. */
static void impossible_a_spare_promised_twice(void **state)
{
    (void)state;
    struct rig *r = rig_make(9, NULL);
    const struct board *b = r->control->board;
    assert_int_equal(rig_job(r, 1, 4, 0), ADMIT_OK);
    assert_int_equal(rig_job(r, 2, 4, 0), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    assert_int_equal(work_free_nodes(r->control->work), 1);
    r->by_hand = true;
    for (uint64_t job = 1; job <= 2; job++)
        (void)rig_finding(r, b->job_first_node[rig_slot(r, job)], RIG_KILLS);
    for (uint64_t job = 1; job <= 2; job++)
        assert_int_equal(rig_ended(r, job, HOW_STOPPED, 0, 0, 0), ADMIT_OK);
    rig_commit(r);
    r->by_hand = false;
    rig_wait(r, RIG_MINUTE);
    bool first = b->job_state[rig_slot(r, 1)] == JOB_PLACED;
    bool second = b->job_state[rig_slot(r, 2)] == JOB_PLACED;
    assert_true(first && !second); /* who came first has it; the other waits for a repair */
    assert_int_equal(work_free_nodes(r->control->work), 3);
    rig_check_log(r);
    rig_free(r);
}

/* The same with spares that are lent: two restarts, and one who would like to slip in. */
static void impossible_a_lent_spare_promised_twice(void **state)
{
    (void)state;
    struct control_policy p = rig_policy();
    p.work.preempt = p.work.backfill = true;
    p.work.interval_ms = MW_MS_PER_HOUR;
    p.work.pulse_ms = MW_MS_PER_MIN; /* the queue is looked at when both have ended */
    struct rig *r = rig_make(NODES, &p);
    const struct board *b = r->control->board;
    for (uint64_t job = 1; job <= 4; job++) { /* two gangs, two that run on what is spare */
        struct event ev = rig_job_event(job, job > 2 ? 3 : 5, 0);
        ev.body.job.flags = job > 2 ? JOB_INTERRUPTIBLE : 0;
        assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_OK);
        rig_wait(r, RIG_MINUTE);
        assert_int_equal(rig_running(r, job, 0), ADMIT_OK);
    }
    rig_wait(r, 3 * RIG_HOUR);
    assert_int_equal(rig_job(r, 5, 2, 0), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    for (uint64_t job = 1; job <= 2; job++)
        (void)rig_finding(r, b->job_first_node[rig_slot(r, job)], RIG_KILLS);
    for (uint64_t job = 1; job <= 2; job++)
        assert_int_equal(rig_ended(r, job, HOW_STOPPED, 0, 0, 0), ADMIT_OK);
    rig_wait(r, RIG_MINUTE);
    assert_int_equal(b->job_state[rig_slot(r, 1)], JOB_PLACED); /* eight were free */
    assert_int_equal(b->job_state[rig_slot(r, 2)], JOB_QUEUED); /* three are left … */
    uint32_t stops = 0;
    uint64_t lent = 0;
    for (uint64_t job = 3; job <= 4; job++) {
        bool told = b->job_state[rig_slot(r, job)] == JOB_STOPPING;
        stops += told;
        lent = told ? job : lent;
    }
    assert_int_equal(stops, 1); /* … and one gang gives it three more */
    assert_int_equal(rig_job(r, 6, 2, 0), ADMIT_OK); /* the queue is looked at */
    rig_wait(r, RIG_HOUR);
    assert_int_equal(b->job_state[rig_slot(r, 5)], JOB_QUEUED); /* two are promised */
    assert_int_equal(b->job_state[rig_slot(r, 6)], JOB_QUEUED);
    assert_int_equal(rig_ended(r, lent, HOW_STOPPED, 0, 0, 0), ADMIT_OK);
    rig_wait(r, RIG_MINUTE);
    assert_int_equal(b->job_state[rig_slot(r, 2)], JOB_PLACED);
    rig_check_log(r);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(impossible_automation_lifts_a_hold_that_a_person_set),
        cmocka_unit_test(impossible_simultaneous_decisions_pass_the_budget),
        cmocka_unit_test(impossible_an_action_without_its_event),
        cmocka_unit_test(impossible_a_repair_verified_without_reading_back),
        cmocka_unit_test(impossible_an_action_verified_without_reading_back),
        cmocka_unit_test(impossible_a_node_in_two_jobs),
        cmocka_unit_test(impossible_a_repaired_node_is_back_without_its_gate),
        cmocka_unit_test(impossible_a_spare_promised_twice),
        cmocka_unit_test(impossible_a_lent_spare_promised_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
