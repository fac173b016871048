/* A node's history: what makes a lemon, what a repair that did not hold leads to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "care/care_lemon.h"
#include "control/rig.h"

#define NODES 16
#define DAY MW_NS_PER_DAY

static struct care_history history(const struct rig *r, uint32_t node)
{
    struct care_history h;
    care_history(r->control->care, node, &h);
    return h;
}

/* The crew says it is repaired, by this step. */
static void repaired_by(struct rig *r, uint32_t node, uint8_t step)
{
    const struct event *order = &rig_last_of(r, EV_ORDER_OPENED, node)->ev;
    struct event ev = { .kind = EV_ORDER_ENDED, .source = SOURCE_CREW, .cause = order->seq };
    assert_int_equal(rig_order(r, EV_ORDER_TAKEN, node, 0), ADMIT_OK);
    ev.body.order = order->body.order;
    ev.body.order.result = RESULT_OK;
    ev.body.order.step = step;
    assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_OK);
}

/* It fails, and is repaired by this step up to its gate, which it passes. */
static void fail_and_mend(struct rig *r, uint32_t node, uint8_t step)
{
    uint64_t f = rig_finding(r, node, RIG_KILLS);
    repaired_by(r, node, step);
    assert_int_equal(rig_closed(r, node, f), ADMIT_OK);
    assert_int_equal(rig_gate(r, node, RESULT_OK), ADMIT_OK);
    assert_int_equal(rig_node_health(r, node), HEALTH_PROBATION);
}

/* Journal time goes on with events: here a person holds node 9, or lets it go. */
static void something_happens(struct rig *r)
{
    bool held = r->control->board->node_holds[9];
    assert_int_equal(rig_command(r, held ? CMD_RELEASE : CMD_HOLD, 9, "an event"), ADMIT_OK);
}

/* Hours until it is in service again. */
static uint32_t watched_h(struct rig *r, uint32_t node)
{
    uint32_t hours = 0;
    for (; rig_node_health(r, node) != HEALTH_READY && hours < 1000; hours++)
        rig_wait(r, RIG_HOUR);
    return hours;
}

static void fail_once(struct rig *r, uint32_t node)
{
    fail_and_mend(r, node, STEP_REPAIR);
    assert_int_not_equal(watched_h(r, node), 1000);
}

/* Job 1 of all nodes works; this node's fault stops it; the node is repaired. */
static void fail_with_its_job(struct rig *r, uint32_t node)
{
    rig_wait(r, RIG_SECOND);
    assert_int_equal(r->control->board->job_state[rig_slot(r, 1)], JOB_PLACED);
    assert_int_equal(rig_running(r, 1, 0), ADMIT_OK);
    uint64_t f = rig_finding(r, node, RIG_KILLS);
    assert_int_equal(rig_ended(r, 1, HOW_STOPPED, 0, 0, 0), ADMIT_OK);
    repaired_by(r, node, STEP_REPAIR);
    assert_int_equal(rig_closed(r, node, f), ADMIT_OK);
    assert_int_equal(rig_gate(r, node, RESULT_OK), ADMIT_OK);
    (void)watched_h(r, node);
}

static void each_repair_that_does_not_hold_doubles_the_probation_and_one_that_does_ends_it(
    void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    for (uint32_t i = 0; i < 7; i++) { /* growth_max is 5 */
        fail_and_mend(r, 3, STEP_REPAIR);
        assert_int_equal(watched_h(r, 3), 1u << MW_MIN(i, 5u));
        assert_int_equal(history(r, 3).refaults, i);
        rig_wait(r, 2 * DAY);
    }
    rig_wait(r, 5 * DAY - RIG_HOUR); /* a week since it came back, not quite */
    something_happens(r);
    assert_int_equal(history(r, 3).refaults, 6);
    rig_wait(r, 2 * RIG_HOUR);
    something_happens(r);
    assert_int_equal(history(r, 3).refaults, 0);
    fail_and_mend(r, 3, STEP_REPAIR);
    assert_int_equal(watched_h(r, 3), 1);
    assert_int_equal(history(r, 4).refaults, 0);
    rig_check_log(r);
    rig_free(r);
}

static void how_long_a_repair_has_to_hold_is_what_the_rules_said_then(void **state)
{
    (void)state;
    struct control_policy p = rig_policy();
    p.care.refault_ms = 90 * MW_MS_PER_MIN;
    struct rig *r = rig_make(NODES, &p);
    fail_once(r, 3);
    assert_int_equal(rig_last(r, EV_INCIDENT_CLOSED)->ev.body.incident.hold_h, 2);
    rig_wait(r, RIG_HOUR + 59 * RIG_MINUTE);
    fail_once(r, 3);
    assert_int_equal(history(r, 3).refaults, 1);
    rig_wait(r, 2 * RIG_HOUR);
    fail_once(r, 3);
    assert_int_equal(history(r, 3).refaults, 0);
    /* Other rules later: the record says what was asked for when it was closed. */
    p.care.refault_ms = 100 * MW_MS_PER_DAY;
    struct rig *again = rig_make_on(r->fleet, &p, rig_copy(r, r->log_length), false);
    again->now_ns = r->now_ns;
    rig_wait(again, 3 * RIG_HOUR);
    (void)rig_finding(again, 3, RIG_KILLS);
    assert_int_equal(history(again, 3).refaults, 0);
    rig_free(again);
    rig_free(r);
}

static void what_nobody_repaired_is_no_refault(void **state)
{
    (void)state;
    struct control_policy p = rig_policy();
    p.care.class[RIG_KILLS].heals = true;
    struct rig *r = rig_make(NODES, &p);
    for (uint32_t i = 0; i < 2; i++) {
        uint64_t f = rig_finding(r, 3, RIG_KILLS);
        assert_int_equal(rig_closed(r, 3, f), ADMIT_OK);
        assert_int_equal(rig_gate(r, 3, RESULT_OK), ADMIT_OK);
        assert_int_equal(watched_h(r, 3), 1);
        assert_int_equal(rig_last(r, EV_INCIDENT_CLOSED)->ev.body.incident.hold_h, 0);
        assert_int_equal(history(r, 3).hazard, 0);
    }
    assert_int_equal(history(r, 3).refaults, 0);
    rig_free(r);
}

static void without_growth_every_probation_is_the_same(void **state)
{
    (void)state;
    struct control_policy p = rig_policy();
    p.care.growth = false;
    p.care.class[RIG_SLOWS].probation_ms = 0;
    struct rig *r = rig_make(NODES, &p);
    for (uint32_t i = 0; i < 3; i++) {
        fail_and_mend(r, 3, STEP_REPAIR);
        assert_int_equal(watched_h(r, 3), 1);
    }
    rig_free(r);
    p.care.growth = true; /* what has no probation gets none */
    r = rig_make(NODES, &p);
    for (uint32_t i = 0; i < 3; i++) {
        uint64_t f = rig_finding(r, 3, RIG_SLOWS);
        rig_repair(r, 3);
        assert_int_equal(rig_closed(r, 3, f), ADMIT_OK);
        assert_int_equal(rig_gate(r, 3, RESULT_OK), ADMIT_OK);
        assert_int_equal(rig_node_health(r, 3), HEALTH_READY);
        rig_wait(r, RIG_HOUR); /* the guard's window */
    }
    assert_int_equal(history(r, 3).refaults, 2);
    rig_free(r);
}

static void a_node_that_stops_three_jobs_in_a_month_is_a_lemon_once(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    assert_int_equal(rig_job(r, 1, NODES, 0), ADMIT_OK);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(rig_count(r, EV_NODE_JUDGED), 0);
        fail_with_its_job(r, 3);
        rig_wait(r, 3 * DAY);
    }
    assert_int_equal(rig_count(r, EV_NODE_JUDGED), 1);
    const struct rig_event *e = rig_last(r, EV_NODE_JUDGED);
    const struct body_judge *j = &e->ev.body.judge;
    assert_int_equal(j->node, 3);
    assert_int_equal(j->lemon, 1);
    assert_int_equal(j->findings, 3);
    assert_int_equal(j->tickets, 3);
    assert_int_equal(j->out, 3);
    assert_int_equal(j->multi_fails, 3);
    assert_int_equal(j->single_fails + j->single_rate + j->excluded, 0);
    assert_int_equal(j->signals, 1 << LEMON_TICKETS | 1 << LEMON_OUT | 1 << LEMON_MULTI_FAILS);
    assert_int_equal(r->log[e->ev.cause - 1].ev.kind, EV_ATTEMPT_ENDED); /* what tipped it */
    assert_true(history(r, 3).lemon);
    assert_int_equal(history(r, 3).kills, 3);
    assert_false(history(r, 4).lemon);
    fail_with_its_job(r, 3);
    assert_int_equal(rig_count(r, EV_NODE_JUDGED), 1);
    rig_check_log(r);
    rig_free(r);
}

static void a_rule_that_is_off_judges_nobody(void **state)
{
    (void)state;
    struct control_policy p = rig_policy();
    p.care.lemon = false;
    struct rig *r = rig_make(NODES, &p);
    assert_int_equal(rig_job(r, 1, NODES, 0), ADMIT_OK);
    for (uint32_t i = 0; i < 4; i++)
        fail_with_its_job(r, 3);
    assert_int_equal(rig_count(r, EV_NODE_JUDGED), 0);
    assert_int_equal(history(r, 3).value[LEMON_MULTI_FAILS], 4);
    rig_free(r);
}

static void a_signal_is_forgotten_after_four_weeks_and_the_verdict_with_it(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    assert_int_equal(rig_job(r, 1, NODES, 0), ADMIT_OK);
    for (uint32_t i = 0; i < 3; i++)
        fail_with_its_job(r, 3);
    assert_true(history(r, 3).lemon);
    rig_wait(r, 20 * DAY);
    assert_int_equal(history(r, 3).value[LEMON_TICKETS], 3);
    something_happens(r);
    assert_true(history(r, 3).lemon);
    rig_wait(r, 8 * DAY);
    assert_int_equal(rig_ended(r, 1, HOW_DONE, 0, 0, 0), ADMIT_OK); /* it is looked at */
    assert_int_equal(history(r, 3).value[LEMON_TICKETS], 0);
    assert_int_equal(rig_count(r, EV_NODE_JUDGED), 2);
    assert_int_equal(rig_last(r, EV_NODE_JUDGED)->ev.body.judge.lemon, 0);
    assert_false(history(r, 3).lemon);
    assert_int_equal(history(r, 3).hazard, 0);
    rig_free(r);
}

static void a_new_part_that_holds_ends_the_verdict_and_one_that_does_not_does_not(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    assert_int_equal(rig_job(r, 1, NODES, 0), ADMIT_OK);
    for (uint32_t i = 0; i < 3; i++)
        fail_with_its_job(r, 3);
    assert_int_equal(rig_cancel(r, 1), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    fail_and_mend(r, 3, STEP_REPLACE);
    (void)watched_h(r, 3);
    rig_wait(r, 2 * DAY);
    fail_and_mend(r, 3, STEP_RESEAT); /* the new part did not help */
    (void)watched_h(r, 3);
    rig_wait(r, 8 * DAY);
    something_happens(r);
    assert_true(history(r, 3).lemon);
    fail_and_mend(r, 3, STEP_RMA);
    (void)watched_h(r, 3);
    rig_wait(r, 6 * DAY);
    something_happens(r);
    assert_true(history(r, 3).lemon);
    rig_wait(r, 2 * DAY);
    something_happens(r);
    assert_false(history(r, 3).lemon);
    assert_int_equal(rig_last(r, EV_NODE_JUDGED)->ev.body.judge.lemon, 0);
    assert_true(rig_last(r, EV_NODE_JUDGED)->ev.body.judge.tickets >= 3);
    assert_int_equal(history(r, 3).value[LEMON_TICKETS], 0); /* its history begins anew */
    assert_int_equal(rig_count(r, EV_NODE_JUDGED), 2);
    rig_free(r);
}

/* … and a PDU that trips while it has to hold is no word against the new part. */
static void what_came_from_elsewhere_does_not_undo_a_new_part(void **state)
{
    (void)state;
    struct control_policy p = rig_policy();
    p.care.class[RIG_KILLS].shared = CAUSE_ANY;
    p.care.lemon_signals = p.care.lemon_at[LEMON_TICKETS] = 1;
    struct rig *r = rig_make(64, &p);
    int64_t window_ns = p.care.cause_window_ms * MW_NS_PER_MS + RIG_SECOND;
    uint64_t f = rig_finding(r, 3, RIG_KILLS);
    rig_wait(r, window_ns);
    repaired_by(r, 3, STEP_REPLACE);
    assert_int_equal(rig_closed(r, 3, f), ADMIT_OK);
    assert_int_equal(rig_gate(r, 3, RESULT_OK), ADMIT_OK);
    (void)watched_h(r, 3);
    rig_wait(r, 2 * DAY);
    assert_true(history(r, 3).lemon);
    for (uint32_t n = 0; n < 64; n++) {
        if (r->fleet->node_rack[n] != r->fleet->node_rack[3])
            continue;
        uint64_t number = rig_finding(r, n, RIG_KILLS);
        f = n == 3 ? number : f;
    }
    assert_int_not_equal(r->control->board->incident_parent[r->control->board->node_incident[3]],
                         MW_NONE);
    rig_wait(r, window_ns);
    rig_repair(r, MW_NONE); /* of what they share */
    assert_int_equal(rig_closed(r, 3, f), ADMIT_OK);
    assert_int_equal(rig_gate(r, 3, RESULT_OK), ADMIT_OK);
    (void)watched_h(r, 3);
    rig_wait(r, 6 * DAY);
    for (uint32_t i = 0; i < 8; i++) /* each brings one node up to date */
        something_happens(r);
    assert_false(history(r, 3).lemon);
    rig_check_log(r);
    rig_free(r);
}

static void only_jobs_that_its_own_fault_stopped_count_against_a_node(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    assert_int_equal(rig_job(r, 1, NODES, 0), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    assert_int_equal(rig_running(r, 1, 0), ADMIT_OK);
    assert_int_equal(rig_command(r, CMD_DRAIN, 3, "a person wants it"), ADMIT_OK);
    assert_int_equal(rig_ended(r, 1, HOW_STOPPED, 0, 0, 0), ADMIT_OK);
    assert_int_equal(rig_command(r, CMD_RELEASE, 3, "done"), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    uint64_t f = rig_finding(r, 4, RIG_KILLS); /* another's fault */
    assert_int_equal(rig_ended(r, 1, HOW_STOPPED, 0, 0, 0), ADMIT_OK);
    rig_repair(r, 4);
    assert_int_equal(rig_closed(r, 4, f), ADMIT_OK);
    assert_int_equal(rig_gate(r, 4, RESULT_OK), ADMIT_OK);
    rig_wait(r, RIG_HOUR + RIG_SECOND);
    assert_int_equal(rig_ended(r, 1, HOW_FAILED, 0, 0, 0), ADMIT_OK); /* its own error */
    assert_int_equal(history(r, 3).value[LEMON_MULTI_FAILS], 0);
    assert_int_equal(history(r, 3).value[LEMON_EXCLUDED], 1);
    assert_int_equal(history(r, 4).value[LEMON_MULTI_FAILS], 1);
    rig_free(r);
}

static void of_few_attempts_no_share_is_made(void **state)
{
    (void)state;
    struct rig *r = rig_make(1, NULL);
    struct body_progress failed = { .node = 0, .class = RIG_NEVER, .how = HOW_FAILED };
    for (uint32_t i = 1; i <= 8; i++) {
        assert_int_equal(rig_job(r, i, 1, 0), ADMIT_OK);
        rig_wait(r, RIG_MINUTE);
        if (i % 2)
            assert_int_equal(rig_ended_by(r, i, &failed), ADMIT_OK);
        rig_wait(r, RIG_MINUTE); /* a job that failed is placed again */
        assert_int_equal(rig_ended(r, i, HOW_DONE, 0, 0, 0), ADMIT_OK);
        uint32_t fails = (i + 1) / 2, attempts = i + fails;
        assert_int_equal(history(r, 0).value[LEMON_SINGLE_FAILS], fails);
        assert_int_equal(history(r, 0).value[LEMON_SINGLE_RATE],
                         attempts < 4 ? 0 : 1000 * fails / attempts);
    }
    assert_int_equal(history(r, 0).value[LEMON_MULTI_FAILS], 0);
    assert_int_equal(history(r, 0).past, 1 << LEMON_SINGLE_FAILS | 1 << LEMON_SINGLE_RATE);
    rig_free(r);
}

/* The PDU above it trips a day after its repair: that was not the node. */
static void what_came_from_elsewhere_does_not_count_against_a_node(void **state)
{
    (void)state;
    struct control_policy p = rig_policy();
    p.care.class[RIG_KILLS].shared = CAUSE_ANY;
    struct rig *r = rig_make(64, &p);
    const struct board *b = r->control->board;
    uint64_t f = rig_finding(r, 3, RIG_KILLS);
    rig_wait(r, p.care.cause_window_ms * MW_NS_PER_MS + RIG_SECOND);
    rig_repair(r, 3);
    assert_int_equal(rig_closed(r, 3, f), ADMIT_OK);
    assert_int_equal(rig_gate(r, 3, RESULT_OK), ADMIT_OK);
    (void)watched_h(r, 3);
    rig_wait(r, DAY);
    assert_int_equal(rig_job(r, 1, 64, 0), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    assert_int_equal(rig_running(r, 1, 0), ADMIT_OK);
    const struct care_history before = history(r, 3);
    for (uint32_t n = 0; n < 64; n++) {
        if (r->fleet->node_rack[n] != r->fleet->node_rack[3])
            continue;
        uint64_t number = rig_finding(r, n, RIG_KILLS);
        f = n == 3 ? number : f;
    }
    assert_int_not_equal(b->incident_parent[b->node_incident[3]], MW_NONE);
    assert_int_equal(rig_ended(r, 1, HOW_STOPPED, 0, 0, 0), ADMIT_OK);
    assert_int_equal(history(r, 3).refaults, 0);
    assert_memory_equal(history(r, 3).value, before.value, sizeof(before.value));
    rig_wait(r, p.care.cause_window_ms * MW_NS_PER_MS + RIG_SECOND);
    rig_repair(r, MW_NONE); /* of what they share */
    assert_int_equal(rig_closed(r, 3, f), ADMIT_OK);
    assert_int_equal(rig_gate(r, 3, RESULT_OK), ADMIT_OK);
    assert_int_equal(watched_h(r, 3), 1); /* its probation did not grow */
    assert_int_equal(rig_last_of(r, EV_INCIDENT_CLOSED, 3)->ev.body.incident.hold_h, 0);
    assert_int_equal(history(r, 3).hazard, 58); /* the repair of yesterday has to hold still */
    rig_check_log(r);
    rig_free(r);
}

static void hazard_falls_as_the_repair_holds_and_with_what_is_wrong(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    assert_int_equal(history(r, 3).hazard, 0);
    uint64_t f = rig_finding(r, 3, RIG_IN_PLACE);
    assert_int_equal(history(r, 3).hazard, 32); /* works, and ails */
    rig_repair(r, 3);
    assert_int_equal(rig_closed(r, 3, f), ADMIT_OK);
    assert_int_equal(history(r, 3).hazard, 227); /* the first day */
    rig_wait(r, DAY);
    something_happens(r);
    assert_int_equal(history(r, 3).hazard, 58); /* any event has one hazard looked at */
    fail_once(r, 3);
    rig_wait(r, DAY);
    something_happens(r);
    assert_int_equal(history(r, 3).hazard, 150); /* the one before did not hold */
    rig_wait(r, 6 * DAY);
    something_happens(r);
    assert_int_equal(history(r, 3).hazard, 0);
    rig_free(r);
}

static void keeping_a_node_is_priced_by_its_own_rate(void **state)
{
    (void)state;
    struct control_policy p = rig_policy();
    p.care.retire = true;
    p.care.node_worth_uusd = INT64_C(700000) * 1000000; /* 175,000 dollars a year */
    p.care.job_nodes = 2048;
    p.care.class[RIG_KILLS].steps = 1;
    p.care.class[RIG_KILLS].ladder[0] = (struct care_ladder){
        .step = STEP_REPAIR, .who = WHO_TECHNICIAN, .part = 0, .odds_ppm = 900000, .weight = 10,
        .duration_ms = MW_MS_PER_HOUR, .cost_uusd = 100000000, .crew_ms = 2 * MW_MS_PER_HOUR };
    p.care.part[p.care.parts++] =
        (struct care_part){ .name = "gpu", .cost_uusd = 200000000, .stock = UINT32_MAX };
    struct rig *r = rig_make(NODES, &p);
    assert_int_equal(rig_job(r, 1, NODES, 0), ADMIT_OK);
    fail_with_its_job(r, 3);
    assert_int_equal(history(r, 3).yearly_uusd, 0); /* one event says nothing of a rate */
    rig_wait(r, DAY);
    fail_with_its_job(r, 3);
    /* one kill: 2048 * 8 * 2.50 $ * 0.75 h = 30,720 $; one repair: 100 $, a part of 200 $, two
     * hours of hands at 60 $; of the three hours out half: 30 $; 365 / 28 times */
    assert_int_equal(history(r, 3).out_hours, 3);
    assert_int_equal(history(r, 3).yearly_uusd,
                     (INT64_C(30720) + 100 + 200 + 120 + 30) * 1000000 * 365 / 28);
    assert_false(lemon_spent(r->control->care, 3)); /* dear, but it refaulted only once */
    rig_wait(r, DAY);
    fail_with_its_job(r, 3);
    assert_true(lemon_spent(r->control->care, 3));
    assert_false(lemon_spent(r->control->care, 4));
    rig_wait(r, 8 * DAY); /* it holds */
    something_happens(r);
    assert_false(lemon_spent(r->control->care, 3));
    rig_free(r);
}

static void a_recovered_controller_remembers_the_same(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    assert_int_equal(rig_job(r, 1, NODES, 0), ADMIT_OK);
    for (uint32_t i = 0; i < 4; i++) {
        fail_with_its_job(r, 3);
        fail_with_its_job(r, 5);
        rig_wait(r, 3 * DAY);
    }
    (void)rig_finding(r, 5, RIG_SLOWS);
    struct rig *again = rig_make_on(r->fleet, &r->policy, rig_copy(r, r->log_length), false);
    assert_true(mw_hash128_equal(rig_hash(r), rig_hash(again)));
    for (uint32_t n = 0; n < NODES; n++) {
        struct care_history a = history(r, n), b = history(again, n);
        assert_memory_equal(a.value, b.value, sizeof(a.value));
        assert_int_equal(a.hazard, b.hazard);
        assert_int_equal(a.yearly_uusd, b.yearly_uusd);
        assert_int_equal(a.lemon, b.lemon);
    }
    again->now_ns = r->now_ns;
    rig_wait(r, 30 * DAY);
    rig_wait(again, 30 * DAY);
    something_happens(r);
    something_happens(again);
    assert_true(mw_hash128_equal(rig_hash(r), rig_hash(again)));
    rig_free(again);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            each_repair_that_does_not_hold_doubles_the_probation_and_one_that_does_ends_it),
        cmocka_unit_test(how_long_a_repair_has_to_hold_is_what_the_rules_said_then),
        cmocka_unit_test(what_nobody_repaired_is_no_refault),
        cmocka_unit_test(without_growth_every_probation_is_the_same),
        cmocka_unit_test(a_node_that_stops_three_jobs_in_a_month_is_a_lemon_once),
        cmocka_unit_test(a_rule_that_is_off_judges_nobody),
        cmocka_unit_test(a_signal_is_forgotten_after_four_weeks_and_the_verdict_with_it),
        cmocka_unit_test(a_new_part_that_holds_ends_the_verdict_and_one_that_does_not_does_not),
        cmocka_unit_test(only_jobs_that_its_own_fault_stopped_count_against_a_node),
        cmocka_unit_test(of_few_attempts_no_share_is_made),
        cmocka_unit_test(what_came_from_elsewhere_does_not_count_against_a_node),
        cmocka_unit_test(what_came_from_elsewhere_does_not_undo_a_new_part),
        cmocka_unit_test(hazard_falls_as_the_repair_holds_and_with_what_is_wrong),
        cmocka_unit_test(keeping_a_node_is_priced_by_its_own_rate),
        cmocka_unit_test(a_recovered_controller_remembers_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
