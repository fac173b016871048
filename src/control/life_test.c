/* The life of a fault, from the finding to the node that is back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "control/rig.h"

#define NODES 16

static struct rig *bench(void)
{
    return rig_make(NODES, NULL);
}

/* Repaired and its finding closed: the gate runs. */
static void to_the_gate(struct rig *r, uint32_t node, uint64_t finding)
{
    rig_repair(r, node);
    assert_int_equal(rig_closed(r, node, finding), ADMIT_OK);
    assert_int_equal(rig_node_health(r, node), HEALTH_VALIDATING);
}

/* Gate passed, probation over. */
static void to_ready(struct rig *r, uint32_t node)
{
    assert_int_equal(rig_gate(r, node, RESULT_OK), ADMIT_OK);
    assert_int_equal(rig_node_health(r, node), HEALTH_PROBATION);
    rig_wait(r, RIG_HOUR);
    assert_int_equal(rig_node_health(r, node), HEALTH_READY);
}

static void a_fault_that_kills_is_repaired_proved_watched_and_over(void **state)
{
    (void)state;
    struct rig *r = bench();
    uint64_t f = rig_finding(r, 3, RIG_KILLS);
    rig_expect(r, "finding.opened incident.opened node.moved order.opened");
    assert_int_equal(rig_node_health(r, 3), HEALTH_DOWN);
    assert_int_equal(rig_last(r, EV_ORDER_OPENED)->ev.body.order.visit, 1);
    rig_wait(r, RIG_HOUR);
    assert_int_equal(rig_order(r, EV_ORDER_TAKEN, 3, 0), ADMIT_OK);
    rig_expect(r, "order.taken node.moved");
    assert_int_equal(rig_node_health(r, 3), HEALTH_REPAIRING);
    assert_int_equal(rig_closed(r, 3, f), ADMIT_OK);
    rig_expect(r, "finding.closed");
    assert_int_equal(rig_order(r, EV_ORDER_ENDED, 3, RESULT_OK), ADMIT_OK);
    rig_expect(r, "order.ended node.moved gate.started");
    const struct body_gate *g = &rig_last(r, EV_GATE_STARTED)->ev.body.gate;
    assert_int_equal(g->length_ms, 30 * MW_MS_PER_MIN);
    assert_int_equal(g->class, RIG_KILLS);
    assert_int_equal(rig_gate(r, 3, RESULT_OK), ADMIT_OK);
    rig_expect(r, "gate.ended node.moved");
    assert_int_equal(rig_node_health(r, 3), HEALTH_PROBATION);
    rig_wait(r, RIG_HOUR - 1);
    rig_expect(r, "");
    rig_wait(r, 1);
    rig_expect(r, "timer.fired node.moved incident.closed");
    assert_int_equal(rig_node_health(r, 3), HEALTH_READY);
    assert_int_equal(care_open_incidents(r->control->care), 0);
    assert_int_equal(care_nodes_in(r->control->care, HEALTH_READY), NODES);
    rig_check_log(r);
    rig_free(r);
}

static void a_slow_node_works_on_until_its_checkpoint(void **state)
{
    (void)state;
    struct rig *r = bench();
    assert_int_equal(rig_job(r, 1, NODES, 0), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    assert_int_equal(rig_running(r, 1, 0), ADMIT_OK);
    rig_forget(r);
    uint64_t f = rig_finding(r, 5, RIG_SLOWS);
    rig_expect(r, "finding.opened incident.opened drain.ordered attempt.stop");
    assert_int_equal(rig_last(r, EV_ATTEMPT_STOP)->ev.body.stop.how, DRAIN_AT_CHECKPOINT);
    assert_int_equal(rig_node_health(r, 5), HEALTH_SUSPECT);
    rig_wait(r, RIG_HOUR);
    assert_int_equal(rig_ended(r, 1, HOW_STOPPED, 1000, 1000, 0), ADMIT_OK);
    rig_wait(r, 0);
    rig_expect(r, "attempt.ended timer.fired node.moved order.opened");
    assert_int_equal(rig_node_health(r, 5), HEALTH_DOWN);
    to_the_gate(r, 5, f);
    to_ready(r, 5);
    rig_wait(r, RIG_SECOND);
    assert_int_equal(r->control->board->job_state[rig_slot(r, 1)], JOB_PLACED);
    rig_check_log(r);
    rig_free(r);
}

static void a_deferring_fault_stops_the_job_now_and_an_idle_node_goes_at_once(void **state)
{
    (void)state;
    struct rig *r = bench();
    rig_finding(r, 5, RIG_DEFERS);
    rig_expect(r, "finding.opened incident.opened drain.ordered node.moved order.opened");
    rig_free(r);
    r = bench();
    assert_int_equal(rig_job(r, 1, NODES, 0), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    rig_finding(r, 5, RIG_DEFERS);
    assert_int_equal(rig_last(r, EV_ATTEMPT_STOP)->ev.body.stop.how, DRAIN_NOW);
    rig_free(r);
}

static void what_can_be_repaired_in_place_stays_in_service(void **state)
{
    (void)state;
    struct rig *r = bench();
    uint64_t f = rig_finding(r, 5, RIG_IN_PLACE);
    rig_expect(r, "finding.opened incident.opened order.opened");
    assert_int_equal(rig_node_health(r, 5), HEALTH_READY);
    rig_repair(r, 5);
    rig_expect(r, "order.taken order.ended");
    assert_int_equal(rig_closed(r, 5, f), ADMIT_OK);
    rig_expect(r, "finding.closed incident.closed");
    assert_int_equal(rig_last(r, EV_INCIDENT_CLOSED)->ev.body.incident.findings, 1);
    rig_free(r);
}

static void a_failed_gate_asks_for_another_repair(void **state)
{
    (void)state;
    struct rig *r = bench();
    to_the_gate(r, 3, rig_finding(r, 3, RIG_KILLS));
    rig_forget(r);
    assert_int_equal(rig_gate(r, 3, RESULT_FAILED), ADMIT_OK);
    rig_expect(r, "gate.ended node.moved order.opened");
    assert_int_equal(rig_last(r, EV_ORDER_OPENED)->ev.body.order.visit, 2);
    rig_repair(r, 3);
    rig_expect(r, "order.taken node.moved order.ended node.moved gate.started");
    assert_int_equal(rig_last(r, EV_GATE_STARTED)->ev.body.gate.visit, 2);
    to_ready(r, 3);
    rig_check_log(r);
    rig_free(r);
}

static void a_failed_repair_is_done_again(void **state)
{
    (void)state;
    struct rig *r = bench();
    rig_finding(r, 3, RIG_KILLS);
    assert_int_equal(rig_order(r, EV_ORDER_TAKEN, 3, 0), ADMIT_OK);
    rig_forget(r);
    assert_int_equal(rig_order(r, EV_ORDER_ENDED, 3, RESULT_UNKNOWN), ADMIT_OK);
    rig_expect(r, "order.ended node.moved order.opened");
    assert_int_equal(rig_node_health(r, 3), HEALTH_DOWN);
    rig_free(r);
}

static void two_findings_of_a_node_are_one_incident_and_both_must_close(void **state)
{
    (void)state;
    struct rig *r = bench();
    uint64_t a = rig_finding(r, 3, RIG_KILLS), b = rig_finding(r, 3, RIG_SLOWS);
    rig_expect(r, "finding.opened incident.opened node.moved order.opened "
                  "finding.opened incident.joined");
    rig_repair(r, 3);
    assert_int_equal(rig_closed(r, 3, a), ADMIT_OK);
    assert_int_equal(rig_node_health(r, 3), HEALTH_REPAIRING);
    assert_int_equal(rig_closed(r, 3, b), ADMIT_OK);
    assert_int_equal(rig_node_health(r, 3), HEALTH_VALIDATING);
    to_ready(r, 3);
    assert_int_equal(rig_last(r, EV_INCIDENT_CLOSED)->ev.body.incident.findings, 2);
    rig_free(r);
}

static void a_worse_finding_takes_a_draining_node_down_at_once(void **state)
{
    (void)state;
    struct rig *r = bench();
    assert_int_equal(rig_job(r, 1, NODES, 0), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    rig_finding(r, 5, RIG_SLOWS);
    rig_forget(r);
    rig_finding(r, 5, RIG_KILLS);
    rig_expect(r, "finding.opened incident.joined node.moved order.opened attempt.stop");
    assert_int_equal(rig_last(r, EV_ATTEMPT_STOP)->ev.body.stop.how, DRAIN_NOW);
    assert_int_equal(rig_last(r, EV_ORDER_OPENED)->ev.body.order.class, RIG_KILLS);
    rig_free(r);
}

static void a_finding_that_stays_open_after_the_repair_asks_for_another(void **state)
{
    (void)state;
    struct rig *r = bench();
    rig_finding(r, 3, RIG_KILLS);
    rig_repair(r, 3);
    rig_forget(r);
    rig_wait(r, 10 * RIG_MINUTE - 1);
    rig_expect(r, "");
    rig_wait(r, 1);
    rig_expect(r, "timer.fired node.moved order.opened");
    assert_int_equal(rig_last(r, EV_ORDER_OPENED)->ev.body.order.visit, 2);
    rig_free(r);
}

static void a_finding_that_closes_before_the_repair_does_not_spare_it(void **state)
{
    (void)state;
    struct rig *r = bench();
    uint64_t f = rig_finding(r, 3, RIG_KILLS);
    rig_forget(r);
    assert_int_equal(rig_closed(r, 3, f), ADMIT_OK);
    rig_expect(r, "finding.closed");
    rig_repair(r, 3);
    rig_expect(r, "order.taken node.moved order.ended node.moved gate.started");
    rig_free(r);
}

static void bug_a_lost_start_of_a_repair_does_not_lose_its_settle_timer(void **state)
{
    (void)state;
    struct rig *r = bench();
    rig_finding(r, 3, RIG_KILLS);
    rig_forget(r);
    assert_int_equal(rig_order(r, EV_ORDER_ENDED, 3, RESULT_OK), ADMIT_OK); /* never taken */
    rig_expect(r, "order.ended node.moved");
    assert_int_equal(rig_node_health(r, 3), HEALTH_REPAIRING);
    rig_wait(r, 10 * RIG_MINUTE);
    rig_expect(r, "timer.fired node.moved order.opened");
    rig_free(r);
}

static void a_finding_during_gate_or_probation_sends_the_node_back(void **state)
{
    (void)state;
    struct rig *r = bench();
    to_the_gate(r, 3, rig_finding(r, 3, RIG_KILLS));
    rig_forget(r);
    uint64_t f = rig_finding(r, 3, RIG_SLOWS);
    rig_expect(r, "finding.opened incident.joined node.moved order.opened");
    assert_int_equal(rig_gate(r, 3, RESULT_OK), ADMIT_STALE); /* of before */
    to_the_gate(r, 3, f);
    assert_int_equal(rig_gate(r, 3, RESULT_OK), ADMIT_OK);
    rig_forget(r);
    rig_wait(r, RIG_HOUR / 2);
    f = rig_finding(r, 3, RIG_SLOWS);
    rig_expect(r, "finding.opened incident.joined node.moved order.opened");
    rig_wait(r, RIG_HOUR); /* the probation that was broken off means nothing */
    assert_int_equal(rig_node_health(r, 3), HEALTH_DOWN);
    to_the_gate(r, 3, f);
    to_ready(r, 3);
    assert_int_equal(rig_last(r, EV_INCIDENT_CLOSED)->ev.body.incident.findings, 3);
    rig_check_log(r);
    rig_free(r);
}

static void timers_due_at_one_time_fire_in_the_order_of_their_incidents(void **state)
{
    (void)state;
    struct rig *r = bench();
    const uint32_t node[] = { 9, 2, 5 };
    uint64_t f[3];
    for (uint32_t i = 0; i < 3; i++)
        f[i] = rig_finding(r, node[i], RIG_KILLS);
    for (uint32_t i = 3; i-- > 0;) { /* the last one opened is repaired first */
        to_the_gate(r, node[i], f[i]);
        assert_int_equal(rig_gate(r, node[i], RESULT_OK), ADMIT_OK);
    }
    uint32_t from = r->log_length, slot = 0;
    rig_wait(r, RIG_HOUR);
    for (uint32_t i = from; i < r->log_length; i++)
        if (r->log[i].ev.kind == EV_TIMER_FIRED)
            assert_int_equal(r->log[i].ev.body.timer.id, slot++);
    assert_int_equal(slot, 3);
    rig_free(r);
}

static void the_switches_for_gate_and_probation_are_obeyed(void **state)
{
    (void)state;
    struct control_policy p = rig_policy();
    p.care.gate = false;
    struct rig *r = rig_make(NODES, &p);
    uint64_t f = rig_finding(r, 3, RIG_KILLS);
    rig_repair(r, 3);
    rig_forget(r);
    assert_int_equal(rig_closed(r, 3, f), ADMIT_OK);
    rig_expect(r, "finding.closed node.moved node.moved"); /* validating, probation */
    rig_free(r);
    p = rig_policy();
    p.care.class[RIG_KILLS].probation_ms = 0;
    r = rig_make(NODES, &p);
    to_the_gate(r, 3, rig_finding(r, 3, RIG_KILLS));
    rig_forget(r);
    assert_int_equal(rig_gate(r, 3, RESULT_OK), ADMIT_OK);
    rig_expect(r, "gate.ended node.moved incident.closed");
    rig_free(r);
}

static void advice_waits_for_a_person_who_may_approve(void **state)
{
    (void)state;
    struct control_policy p = rig_policy();
    p.guard.mode = MODE_APPROVE;
    struct rig *r = rig_make(NODES, &p);
    rig_finding(r, 3, RIG_SLOWS);
    rig_expect(r, "finding.opened incident.opened advice");
    const struct rig_event advice = *rig_last(r, EV_ADVICE);
    assert_int_equal(advice.ev.body.advice.reason, GUARD_MODE);
    assert_int_equal(rig_node_health(r, 3), HEALTH_READY);
    rig_wait(r, 24 * RIG_HOUR);
    assert_int_equal(rig_answer(r, CMD_APPROVE, &advice), ADMIT_OK);
    rig_expect(r, "command drain.ordered node.moved order.opened");
    assert_int_equal(rig_last(r, EV_DRAIN_ORDERED)->ev.actor, 42);
    assert_int_equal(rig_answer(r, CMD_APPROVE, &advice), ADMIT_STALE);
    rig_free(r);
}

static void rejected_advice_leaves_the_node_until_the_finding_closes(void **state)
{
    (void)state;
    struct control_policy p = rig_policy();
    p.guard.mode = MODE_ADVISE;
    struct rig *r = rig_make(NODES, &p);
    uint64_t f = rig_finding(r, 3, RIG_SLOWS);
    const struct rig_event advice = *rig_last(r, EV_ADVICE);
    rig_forget(r);
    assert_int_equal(rig_answer(r, CMD_REJECT, &advice), ADMIT_OK);
    rig_expect(r, "command");
    assert_int_equal(rig_closed(r, 3, f), ADMIT_OK);
    rig_expect(r, "finding.closed incident.closed");
    assert_int_equal(rig_node_health(r, 3), HEALTH_READY);
    rig_free(r);
    r = rig_make(NODES, &p); /* rejected, then it gets worse */
    rig_finding(r, 3, RIG_SLOWS);
    assert_int_equal(rig_answer(r, CMD_REJECT, rig_last(r, EV_ADVICE)), ADMIT_OK);
    rig_finding(r, 3, RIG_KILLS);
    assert_int_equal(rig_node_health(r, 3), HEALTH_DOWN);
    rig_free(r);
}

static void bug_a_node_adopted_in_repair_is_not_taken_down_again(void **state)
{
    (void)state;
    struct rig *r = bench();
    struct event adopt = { .kind = EV_NODES_ADOPTED, .source = SOURCE_PERSON, .actor = 1 };
    adopt.body.adopt = (struct body_adopt){ .first = 3, .count = 1, .health = HEALTH_READY };
    uint64_t f = rig_finding(r, 3, RIG_KILLS);
    assert_int_equal(rig_order(r, EV_ORDER_TAKEN, 3, 0), ADMIT_OK);
    assert_int_equal(rig_submit(r, &adopt, NULL), ADMIT_OK);
    assert_int_equal(rig_order(r, EV_ORDER_ENDED, 3, RESULT_OK), ADMIT_STALE);
    rig_wait(r, RIG_HOUR);
    assert_int_equal(rig_node_health(r, 3), HEALTH_READY);
    assert_int_equal(care_open_incidents(r->control->care), 0);
    assert_int_equal(rig_closed(r, 3, f), ADMIT_OK);
    rig_free(r);
}

static void the_same_fact_twice_and_answers_to_what_is_over_are_refused(void **state)
{
    (void)state;
    struct rig *r = bench();
    uint64_t f = rig_finding(r, 3, RIG_KILLS);
    struct event again = r->fact[r->facts - 1].ev;
    assert_int_equal(rig_submit(r, &again, NULL), ADMIT_DUPLICATE);
    assert_int_equal(rig_closed(r, 4, f), ADMIT_STALE); /* another source */
    rig_repair(r, 3);
    assert_int_equal(rig_order(r, EV_ORDER_ENDED, 3, RESULT_OK), ADMIT_STALE);
    assert_int_equal(rig_order(r, EV_ORDER_TAKEN, 3, 0), ADMIT_STALE);
    assert_int_equal(rig_closed(r, 3, f), ADMIT_OK);
    assert_int_equal(rig_closed(r, 3, f), ADMIT_STALE);
    to_ready(r, 3);
    assert_int_equal(rig_gate(r, 3, RESULT_FAILED), ADMIT_STALE);
    assert_int_equal(rig_submit(r, &again, NULL), ADMIT_OK); /* closed before: it is back */
    rig_free(r);
}

/* 40 suspects on one job, each let in by a person: more than one cascade may decide about. */
static void bug_a_gang_with_more_suspects_than_a_cascade_has_rounds_lets_them_all_go(void **state)
{
    (void)state;
    struct control_policy p = rig_policy();
    p.guard.mode = MODE_APPROVE;
    struct rig *r = rig_make(40, &p);
    assert_int_equal(rig_job(r, 1, 40, 0), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    for (uint32_t n = 0; n < 40; n++) {
        rig_finding(r, n, RIG_SLOWS);
        assert_int_equal(rig_answer(r, CMD_APPROVE, rig_last(r, EV_ADVICE)), ADMIT_OK);
    }
    assert_int_equal(care_nodes_in(r->control->care, HEALTH_SUSPECT), 40);
    assert_int_equal(rig_ended(r, 1, HOW_STOPPED, 0, 0, 0), ADMIT_OK);
    rig_wait(r, 0);
    assert_int_equal(core_stats(r->control->core)->cascades_stopped, 0);
    assert_int_equal(care_nodes_in(r->control->care, HEALTH_DOWN), 40);
    assert_int_equal(rig_count(r, EV_ORDER_OPENED), 40);
    struct rig *again = rig_make_on(r->fleet, &p, rig_copy(r, r->log_length), false);
    assert_true(mw_hash128_equal(rig_hash(r), rig_hash(again)));
    rig_free(again);
    rig_free(r);
}

static void bug_what_a_stopped_cascade_left_undecided_is_taken_up_again(void **state)
{
    (void)state;
    struct rig *r = bench();
    uint64_t id = 0;
    rig_finding(r, 3, RIG_KILLS);
    rig_finding(r, 4, RIG_KILLS);
    struct plane care = care_plane(r->control->care);
    assert_int_equal(care.next_due(care.self, &id), MW_NEVER);
    const struct event stop = { .kind = EV_CASCADE_STOPPED, .seq = r->log_length,
                                .time_ns = r->now_ns };
    assert_int_equal(care.apply(care.self, &stop, NULL), 0);
    assert_int_equal(care.next_due(care.self, &id), r->now_ns);
    rig_wait(r, 0); /* both are looked at; nothing is left to decide */
    assert_int_equal(care.next_due(care.self, &id), MW_NEVER);
    assert_int_equal(rig_count(r, EV_TIMER_FIRED), 2);
    rig_free(r);
}

static void bug_a_suspect_without_an_incident_is_let_go_by_its_job(void **state)
{
    (void)state;
    struct rig *r = bench();
    assert_int_equal(rig_job(r, 1, NODES, 0), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    struct event ev = { .kind = EV_NODES_ADOPTED, .source = SOURCE_PERSON, .actor = 1 };
    ev.body.adopt = (struct body_adopt){ .first = 2, .count = 1, .health = HEALTH_SUSPECT };
    assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_OK);
    assert_int_equal(rig_ended(r, 1, HOW_DONE, 0, 0, 0), ADMIT_OK);
    assert_int_equal(r->control->board->node_job[2], MW_NONE);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fault_that_kills_is_repaired_proved_watched_and_over),
        cmocka_unit_test(a_slow_node_works_on_until_its_checkpoint),
        cmocka_unit_test(a_deferring_fault_stops_the_job_now_and_an_idle_node_goes_at_once),
        cmocka_unit_test(what_can_be_repaired_in_place_stays_in_service),
        cmocka_unit_test(a_failed_gate_asks_for_another_repair),
        cmocka_unit_test(a_failed_repair_is_done_again),
        cmocka_unit_test(two_findings_of_a_node_are_one_incident_and_both_must_close),
        cmocka_unit_test(a_worse_finding_takes_a_draining_node_down_at_once),
        cmocka_unit_test(a_finding_that_stays_open_after_the_repair_asks_for_another),
        cmocka_unit_test(a_finding_that_closes_before_the_repair_does_not_spare_it),
        cmocka_unit_test(bug_a_lost_start_of_a_repair_does_not_lose_its_settle_timer),
        cmocka_unit_test(a_finding_during_gate_or_probation_sends_the_node_back),
        cmocka_unit_test(timers_due_at_one_time_fire_in_the_order_of_their_incidents),
        cmocka_unit_test(the_switches_for_gate_and_probation_are_obeyed),
        cmocka_unit_test(advice_waits_for_a_person_who_may_approve),
        cmocka_unit_test(rejected_advice_leaves_the_node_until_the_finding_closes),
        cmocka_unit_test(bug_a_node_adopted_in_repair_is_not_taken_down_again),
        cmocka_unit_test(the_same_fact_twice_and_answers_to_what_is_over_are_refused),
        cmocka_unit_test(bug_a_gang_with_more_suspects_than_a_cascade_has_rounds_lets_them_all_go),
        cmocka_unit_test(bug_a_suspect_without_an_incident_is_let_go_by_its_job),
        cmocka_unit_test(bug_what_a_stopped_cascade_left_undecided_is_taken_up_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
