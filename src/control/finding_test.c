/* What becomes of a finding: an incident, part of another one, only a count, or it is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "control/rig.h"

#define NODES 16

/* A finding that comes and goes on node 7. */
static void blink(struct rig *r)
{
    uint64_t f = rig_finding(r, 7, RIG_FLAPS);
    assert_int_equal(rig_closed(r, 7, f), ADMIT_OK);
}

static void flapping_is_an_incident_at_the_third_time_within_the_window(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    blink(r);
    rig_wait(r, 5 * RIG_MINUTE);
    blink(r);
    rig_wait(r, 11 * RIG_MINUTE); /* both are out of the window */
    blink(r);
    rig_wait(r, RIG_MINUTE);
    blink(r);
    assert_int_equal(rig_count(r, EV_INCIDENT_OPENED), 0);
    rig_wait(r, RIG_MINUTE);
    rig_forget(r);
    uint64_t f = rig_finding(r, 7, RIG_FLAPS);
    rig_expect(r, "finding.opened incident.opened node.moved order.opened");
    rig_repair(r, 7);
    assert_int_equal(rig_closed(r, 7, f), ADMIT_OK); /* no gate, no probation for this class */
    assert_int_equal(rig_node_health(r, 7), HEALTH_READY);
    rig_forget(r);
    blink(r); /* counting began again */
    rig_expect(r, "finding.opened finding.closed");
    rig_free(r);
}

static void a_class_that_only_counts_never_acts(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    for (uint32_t i = 0; i < 20; i++)
        rig_finding(r, 3, RIG_NEVER);
    assert_int_equal(rig_count(r, EV_INCIDENT_OPENED), 0);
    rig_free(r);
}

static void a_part_of_no_node_is_repaired_in_place(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    uint64_t f = rig_finding_on(r, component_id(COMPONENT_SWITCH, 0), MW_NONE, RIG_KILLS);
    rig_expect(r, "finding.opened incident.opened order.opened");
    assert_int_equal(rig_last(r, EV_ORDER_OPENED)->ev.body.order.component,
                     component_id(COMPONENT_SWITCH, 0));
    rig_repair(r, MW_NONE);
    rig_expect(r, "order.taken order.ended");
    rig_wait(r, 10 * RIG_MINUTE);
    rig_expect(r, "timer.fired order.opened");
    rig_repair(r, MW_NONE);
    assert_int_equal(rig_closed(r, MW_NONE, f), ADMIT_OK);
    rig_expect(r, "order.taken order.ended finding.closed incident.closed");
    assert_int_equal(care_nodes_in(r->control->care, HEALTH_READY), NODES);
    rig_free(r);
}

/* RIG_FLAPS has no gate and no probation, RIG_SLOWS has both. */
static void bug_the_strictest_gate_and_drain_of_all_findings_hold(void **state)
{
    (void)state;
    struct control_policy p = rig_policy();
    p.care.class[RIG_FLAPS].count = 1; /* kills, no gate */
    struct rig *r = rig_make(NODES, &p);
    uint64_t a = rig_finding(r, 3, RIG_FLAPS), b = rig_finding(r, 3, RIG_SLOWS);
    const struct body_incident *joined = &rig_last(r, EV_INCIDENT_JOINED)->ev.body.incident;
    assert_int_equal(joined->class, RIG_FLAPS); /* the losses are to what killed */
    assert_int_equal(joined->gate_class, RIG_SLOWS);
    assert_int_equal(joined->drain, DRAIN_AT_CHECKPOINT);
    rig_repair(r, 3);
    assert_int_equal(rig_closed(r, 3, a), ADMIT_OK);
    rig_forget(r);
    assert_int_equal(rig_closed(r, 3, b), ADMIT_OK);
    rig_expect(r, "finding.closed node.moved gate.started");
    assert_int_equal(rig_last(r, EV_GATE_STARTED)->ev.body.gate.class, RIG_SLOWS);
    rig_free(r);
    /* A fault that is repaired in service is joined by one that is not. */
    r = rig_make(NODES, &p);
    (void)rig_finding(r, 3, RIG_IN_PLACE);
    assert_int_equal(rig_node_health(r, 3), HEALTH_READY);
    (void)rig_finding(r, 3, RIG_DEFERS);
    assert_int_equal(rig_node_health(r, 3), HEALTH_DOWN);
    rig_free(r);
}

static void bug_a_finding_that_says_harmless_takes_no_node_down(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    struct event ev = { .kind = EV_FINDING_OPENED, .source = SOURCE_NODE + 3 };
    ev.body.finding = (struct body_finding){ .component = component_id(COMPONENT_NODE, 3),
                                             .finding = 77, .node = 3, .class = RIG_KILLS,
                                             .effect = EFFECT_HARMLESS };
    assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_OK);
    assert_int_equal(rig_node_health(r, 3), HEALTH_READY);
    rig_free(r);
}

static void bug_a_fault_that_went_away_before_it_was_approved_drains_nobody(void **state)
{
    (void)state;
    struct control_policy p = rig_policy();
    p.guard.mode = MODE_APPROVE;
    struct rig *r = rig_make(NODES, &p);
    uint64_t f = rig_finding(r, 3, RIG_SLOWS);
    const struct rig_event advice = *rig_last(r, EV_ADVICE);
    rig_forget(r);
    assert_int_equal(rig_closed(r, 3, f), ADMIT_OK);
    rig_expect(r, "finding.closed incident.closed");
    assert_int_equal(rig_answer(r, CMD_APPROVE, &advice), ADMIT_STALE);
    rig_free(r);
}

static void a_second_finding_on_a_part_joins_its_incident(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    uint64_t a = rig_finding_on(r, component_id(COMPONENT_SWITCH, 0), MW_NONE, RIG_KILLS);
    rig_forget(r);
    uint64_t b = rig_finding_on(r, component_id(COMPONENT_SWITCH, 0), MW_NONE, RIG_SLOWS);
    rig_expect(r, "finding.opened incident.joined");
    (void)rig_finding_on(r, component_id(COMPONENT_SWITCH, 1), MW_NONE, RIG_KILLS);
    rig_expect(r, "finding.opened incident.opened order.opened");
    assert_int_equal(rig_closed(r, MW_NONE, a), ADMIT_OK);
    assert_int_equal(rig_closed(r, MW_NONE, b), ADMIT_OK);
    rig_free(r);
}

static void a_retired_node_has_no_more_incidents(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    struct event ev = { .kind = EV_NODES_ADOPTED, .source = SOURCE_PERSON, .actor = 1 };
    ev.body.adopt = (struct body_adopt){ .first = 2, .count = 1, .health = HEALTH_RETIRED };
    assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_OK);
    rig_forget(r);
    rig_finding(r, 2, RIG_KILLS);
    rig_expect(r, "finding.opened");
    assert_int_equal(care_nodes_in(r->control->care, HEALTH_RETIRED), 1);
    rig_free(r);
}

static void findings_that_name_nothing_real_are_refused(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    rig_finding(r, 3, RIG_KILLS);
    const struct event good = r->fact[r->facts - 1].ev;
    struct event ev = good;
    ev.body.finding.finding = 0;
    assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_IMPOSSIBLE);
    ev.body.finding.finding = UINT64_C(1) << 40;
    assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_IMPOSSIBLE);
    ev = good;
    ev.body.finding.class = RIG_CLASSES;
    assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_IMPOSSIBLE);
    ev = good;
    ev.body.finding.node = NODES;
    assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_IMPOSSIBLE);
    ev = good;
    ev.body.finding.component = component_id(COMPONENT_CABLE, r->fleet->count[COMPONENT_CABLE]);
    assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_IMPOSSIBLE);
    ev = good;
    ev.body.finding.effect = EFFECT_HARMLESS + 1;
    assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_IMPOSSIBLE);
    ev = good;
    ev.source = SOURCE_NODE + NODES;
    assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_IMPOSSIBLE);
    rig_free(r);
}

static void bug_closing_a_finding_by_a_number_too_long_closes_no_other(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    uint64_t f = rig_finding(r, 3, RIG_KILLS);
    assert_int_equal(rig_closed(r, 3, f + (UINT64_C(1) << 40)), ADMIT_IMPOSSIBLE);
    assert_int_equal(rig_closed(r, 3, f), ADMIT_OK);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flapping_is_an_incident_at_the_third_time_within_the_window),
        cmocka_unit_test(a_class_that_only_counts_never_acts),
        cmocka_unit_test(a_part_of_no_node_is_repaired_in_place),
        cmocka_unit_test(a_second_finding_on_a_part_joins_its_incident),
        cmocka_unit_test(bug_the_strictest_gate_and_drain_of_all_findings_hold),
        cmocka_unit_test(bug_a_finding_that_says_harmless_takes_no_node_down),
        cmocka_unit_test(bug_a_fault_that_went_away_before_it_was_approved_drains_nobody),
        cmocka_unit_test(a_retired_node_has_no_more_incidents),
        cmocka_unit_test(findings_that_name_nothing_real_are_refused),
        cmocka_unit_test(bug_closing_a_finding_by_a_number_too_long_closes_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
