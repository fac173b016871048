/*
 * What must be impossible, each sentence a story of the whole controller with
 * what would have to break for it to happen.  Here: what it is told.  What it does
 * is in impossible_acts_test.c; those that need a world with messages, leases and
 * crashes are in sim/impossible_test.c, and sim/check.c watches for all of them in
 * every world of the sweep.  Most are races that users of other systems reported
 * (NVSentinel #1347, #1439, #1451, #1463, #1748).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/impossible.h"

#define COPIES 11760u /* lines of Xid 45 in NVSentinel #1748 */

/* A fact about node 3 from its agent, counted as agents count. */
static struct event counted(uint16_t kind, uint64_t nth, uint64_t finding)
{
    struct event ev = { .kind = kind, .source = SOURCE_NODE + 3, .source_seq = nth, .seq = 1 };
    ev.body.finding = (struct body_finding){ .component = component_id(COMPONENT_NODE, 3),
                                             .finding = finding, .node = 3, .class = RIG_KILLS };
    return ev;
}

static void impossible_a_late_healthy_cancels_a_newer_quarantine(void **state)
{
    (void)state;
    struct rig *r = bench();
    struct event sick = counted(EV_FINDING_OPENED, 1, 1), well = counted(EV_FINDING_CLOSED, 2, 1);
    assert_int_equal(rig_submit(r, &sick, NULL), ADMIT_OK);
    assert_int_equal(rig_submit(r, &well, NULL), ADMIT_OK);
    to_the_gate(r, 3, rig_finding(r, 3, RIG_KILLS)); /* another, over too: only the gate is left */
    const struct event gate = rig_last_of(r, EV_GATE_STARTED, 3)->ev;
    struct event again = counted(EV_FINDING_OPENED, 3, 2); /* sick again: a newer quarantine */
    assert_int_equal(rig_submit(r, &again, NULL), ADMIT_OK);
    assert_int_equal(rig_node_health(r, 3), HEALTH_DOWN);
    struct mw_hash128 before = rig_hash(r);
    /* The first "healthy" comes late, counted and not, and so does the first gate's "passed". */
    assert_int_equal(rig_submit(r, &well, NULL), ADMIT_DUPLICATE);
    well.source_seq = 0;
    assert_int_equal(rig_submit(r, &well, NULL), ADMIT_STALE);
    struct event passed = { .kind = EV_GATE_ENDED, .source = SOURCE_ENGINE, .cause = gate.seq };
    passed.body.gate = gate.body.gate;
    passed.body.gate.result = RESULT_OK;
    assert_int_equal(rig_submit(r, &passed, NULL), ADMIT_STALE);
    /* Another source does not speak for this one. */
    struct event stranger = counted(EV_FINDING_CLOSED, 0, 2);
    stranger.source = SOURCE_NODE + 4;
    assert_int_equal(rig_submit(r, &stranger, NULL), ADMIT_STALE);
    assert_true(mw_hash128_equal(rig_hash(r), before));
    assert_true(is_out(r, 3));
    rig_check_log(r);
    rig_free(r);
}

/* Two faults of one node at one moment, in either order, before anything is committed. */
static void two_at_once(uint16_t first, uint16_t second)
{
    struct rig *r = bench();
    uint64_t component[] = { component_id(COMPONENT_GPU, 3 * 8),
                             component_id(COMPONENT_NIC, 3 * 8) };
    r->by_hand = true;
    uint64_t a = rig_finding_on(r, component[0], 3, first);
    uint64_t b = rig_finding_on(r, component[1], 3, second);
    rig_commit(r);
    r->by_hand = false;
    assert_int_equal(care_findings_open(r->control->care, 3), 2);
    struct rig *again = rig_make_on(r->fleet, &r->policy, rig_copy(r, r->log_length), false);
    assert_int_equal(care_findings_open(again->control->care, 3), 2);
    rig_free(again);
    /* The repair of one is not the end of the other. */
    let_orders_go(r);
    rig_repair(r, 3);
    assert_int_equal(rig_closed(r, 3, a), ADMIT_OK);
    rig_wait(r, 9 * RIG_MINUTE);
    assert_true(is_out(r, 3));
    assert_int_equal(rig_node_health(r, 3), HEALTH_REPAIRING);
    assert_int_equal(rig_closed(r, 3, b), ADMIT_OK);
    assert_int_equal(rig_node_health(r, 3), HEALTH_VALIDATING);
    to_ready(r, 3);
    assert_int_equal(rig_last(r, EV_INCIDENT_CLOSED)->ev.body.incident.findings, 2);
    rig_check_log(r);
    rig_free(r);
}

static void impossible_of_two_faults_at_once_on_one_node_one_is_lost(void **state)
{
    (void)state;
    two_at_once(RIG_KILLS, RIG_SLOWS);
    two_at_once(RIG_SLOWS, RIG_KILLS);
    two_at_once(RIG_KILLS, RIG_KILLS);
}

/* All facts of a life that is over, as a source sends them again that heard no answer. */
static void impossible_a_restart_replays_stale_facts_into_a_failed_repair(void **state)
{
    (void)state;
    struct rig *r = bench();
    struct event sick = counted(EV_FINDING_OPENED, 1, 1), well = counted(EV_FINDING_CLOSED, 2, 1);
    assert_int_equal(rig_submit(r, &sick, NULL), ADMIT_OK);
    let_orders_go(r);
    rig_repair(r, 3);
    assert_int_equal(rig_submit(r, &well, NULL), ADMIT_OK);
    to_ready(r, 3);
    for (uint32_t way = 0; way < 2; way++) { /* read back whole, and from a snapshot */
        struct rig *again = rig_make_on(r->fleet, &r->policy, rig_copy(r, r->log_length), way > 0);
        struct mw_hash128 before = rig_hash(again);
        uint32_t length = again->log_length;
        again->now_ns = r->now_ns + RIG_MINUTE;
        for (uint32_t i = 0; i < r->facts; i++) {
            const struct rig_fact *f = &r->fact[i];
            enum admit a = rig_submit(again, &f->ev, f->tail);
            assert_true(a == ADMIT_DUPLICATE || a == ADMIT_STALE);
        }
        assert_int_equal(again->log_length, length);
        assert_true(mw_hash128_equal(rig_hash(again), before));
        assert_int_equal(rig_node_health(again, 3), HEALTH_READY);
        assert_int_equal(care_open_incidents(again->control->care), 0);
        assert_int_equal(again->acted_length, 0);
        rig_free(again);
    }
    rig_free(r);
}

/* A second fault comes when the node is where `health` says; it is repaired too. */
static void second_fault_in(uint32_t health)
{
    struct rig *r = bench();
    assert_int_equal(rig_job(r, 1, NODES, 0), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    assert_int_equal(rig_running(r, 1, 0), ADMIT_OK);
    uint64_t first = rig_finding(r, 3, RIG_SLOWS);
    if (health > HEALTH_SUSPECT || health < HEALTH_READY) {
        assert_int_equal(rig_ended(r, 1, HOW_STOPPED, 0, 0, 0), ADMIT_OK);
        rig_wait(r, 0);
        let_orders_go(r);
    }
    if (health == HEALTH_REPAIRING)
        assert_int_equal(rig_order(r, EV_ORDER_TAKEN, 3, 0), ADMIT_OK);
    if (health < HEALTH_READY) {
        rig_repair(r, 3);
        assert_int_equal(rig_closed(r, 3, first), ADMIT_OK);
    }
    if (health == HEALTH_PROBATION)
        assert_int_equal(rig_gate(r, 3, RESULT_OK), ADMIT_OK);
    assert_int_equal(rig_node_health(r, 3), health);
    uint64_t second = rig_finding_on(r, component_id(COMPONENT_GPU, 3 * 8 + 1), 3, RIG_KILLS);
    /* At once: it works no longer, and no job is left on it. */
    assert_true(rig_node_health(r, 3) == HEALTH_DOWN || rig_node_health(r, 3) == HEALTH_REPAIRING);
    if (health == HEALTH_SUSPECT)
        assert_int_equal(rig_last(r, EV_ATTEMPT_STOP)->ev.body.stop.how, DRAIN_NOW);
    assert_int_equal(rig_last_of(r, EV_INCIDENT_JOINED, 3)->ev.body.incident.class, RIG_KILLS);
    rig_wait(r, 40 * RIG_MINUTE); /* whatever the first was about, this one is open */
    assert_true(is_out(r, 3));
    assert_int_equal(care_findings_open(r->control->care, 3), health < HEALTH_READY ? 1 : 2);
    assert_int_equal(rig_closed(r, 3, second), ADMIT_OK);
    rig_check_log(r);
    rig_free(r);
}

static void impossible_a_second_fault_during_a_drain_is_not_applied(void **state)
{
    static const uint8_t WHERE[] = { HEALTH_SUSPECT, HEALTH_DOWN, HEALTH_REPAIRING,
                                     HEALTH_VALIDATING, HEALTH_PROBATION };
    (void)state;
    for (uint32_t i = 0; i < MW_ARRAY_LEN(WHERE); i++)
        second_fault_in(WHERE[i]);
}

/* The agent of node 3 lost a message and hangs on it; its silence itself is a finding of live/. */
static void impossible_a_stuck_source_silences_a_decaying_gpu(void **state)
{
    (void)state;
    struct rig *r = bench();
    struct event first = counted(EV_FINDING_OPENED, 1, 1), third = counted(EV_FINDING_OPENED, 3, 3);
    first.body.finding.class = third.body.finding.class = RIG_NEVER;
    assert_int_equal(rig_submit(r, &first, NULL), ADMIT_OK);
    for (uint32_t i = 0; i < 100; i++) /* not taken, and not acknowledged either: it is kept */
        assert_int_equal(rig_submit(r, &third, NULL), ADMIT_GAP);
    /* Others see the GPU decay: fabric, a detector beside the agent, another node. */
    struct event seen = counted(EV_FINDING_OPENED, 1, 7);
    seen.body.finding.component = component_id(COMPONENT_GPU, 3 * 8 + 5);
    seen.source = SOURCE_FABRIC;
    rig_forget(r);
    assert_int_equal(rig_submit(r, &seen, NULL), ADMIT_OK);
    assert_int_equal(rig_node_health(r, 3), HEALTH_DOWN);
    /* And what it had to say is heard when it says all of it. */
    struct event second = counted(EV_FINDING_OPENED, 2, 2);
    assert_int_equal(rig_submit(r, &second, NULL), ADMIT_OK);
    assert_int_equal(rig_submit(r, &third, NULL), ADMIT_OK);
    assert_true(care_findings_open(r->control->care, 3) >= 2);
    rig_check_log(r);
    rig_free(r);
}

/* One GPU of node 5 prints its error again and again; half way another GPU dies. */
static void drowning(bool same_number)
{
    struct rig *r = bench();
    uint32_t taken = 0;
    r->by_hand = true; /* a commit each 64 facts */
    for (uint32_t i = 0; i < COPIES; i++) {
        struct event copy = { .kind = EV_FINDING_OPENED, .source = SOURCE_NODE + 5 };
        copy.body.finding = (struct body_finding){
            .component = component_id(COMPONENT_GPU, 5 * 8), .finding = same_number ? 1 : i + 1,
            .node = 5, .detail = 45, .class = RIG_SLOWS };
        taken += rig_submit(r, &copy, NULL) == ADMIT_OK;
        if (i % 64 == 63)
            rig_commit(r);
        if (i != COPIES / 2)
            continue;
        uint64_t before = core_seq(r->control->core);
        (void)rig_finding_on(r, component_id(COMPONENT_GPU, 7 * 8), 7, RIG_KILLS);
        assert_int_equal(rig_node_health(r, 7), HEALTH_DOWN); /* in its own group, at once */
        assert_true(core_seq(r->control->core) - before <= 4);
    }
    rig_commit(r);
    assert_int_equal(taken, same_number ? 1 : COPIES);
    assert_int_equal(rig_count(r, EV_FINDING_OPENED), taken + 1);
    assert_int_equal(rig_count(r, EV_INCIDENT_OPENED), 2); /* one of the copies, one of the other */
    assert_int_equal(rig_count(r, EV_DRAIN_ORDERED), 1);
    assert_int_equal(core_stats(r->control->core)->cascades_stopped, 0);
    assert_int_equal(core_stats(r->control->core)->refused[ADMIT_FULL], 0);
    r->by_hand = false;
    let_orders_go(r);
    (void)rig_last_of(r, EV_ORDER_OPENED, 7);
    assert_int_equal(rig_last_of(r, EV_ORDER_OPENED, 7)->ev.body.order.node, 7);
    rig_free(r);
}

/* A detector gone mad, with a new number each time: it fills its half of the room, no more. */
static void drowning_without_end(void)
{
    struct rig *r = bench();
    uint32_t refused = 0;
    r->by_hand = true;
    for (uint32_t i = 0; i < 80000; i++) {
        struct event copy = { .kind = EV_FINDING_OPENED, .source = SOURCE_NODE + 5 };
        copy.body.finding = (struct body_finding){ .component = component_id(COMPONENT_NODE, 5),
                                                   .finding = i + 1, .node = 5,
                                                   .class = RIG_NEVER };
        refused += rig_submit(r, &copy, NULL) == ADMIT_FULL;
        if (i % 64 == 63)
            rig_commit(r);
    }
    assert_true(refused > 40000);
    struct rig *again = rig_make_on(r->fleet, &r->policy, rig_copy(r, r->log_length), false);
    again->finding = 80000;
    for (uint32_t n = 0; n < 5; n++) {
        (void)rig_finding(again, n, RIG_KILLS); /* admitted */
        assert_int_equal(rig_node_health(again, n), HEALTH_DOWN);
    }
    rig_free(again);
    rig_free(r);
}

static void impossible_11760_copies_of_one_error_drown_the_others(void **state)
{
    (void)state;
    drowning(true);
    drowning(false);
    drowning_without_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(impossible_a_late_healthy_cancels_a_newer_quarantine),
        cmocka_unit_test(impossible_of_two_faults_at_once_on_one_node_one_is_lost),
        cmocka_unit_test(impossible_a_restart_replays_stale_facts_into_a_failed_repair),
        cmocka_unit_test(impossible_a_second_fault_during_a_drain_is_not_applied),
        cmocka_unit_test(impossible_a_stuck_source_silences_a_decaying_gpu),
        cmocka_unit_test(impossible_11760_copies_of_one_error_drown_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
