/* What becomes of a cause and its symptoms: repaired, refuted, freed, closed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "control/rig_cause.h"

static void gate_and_return(struct rig *r, uint32_t first, uint32_t nodes)
{
    for (uint32_t n = first; n < first + nodes; n++) {
        assert_int_equal(rig_node_health(r, n), HEALTH_VALIDATING);
        assert_int_equal(rig_gate(r, n, RESULT_OK), ADMIT_OK);
    }
    rig_wait(r, RIG_HOUR);
    for (uint32_t n = first; n < first + nodes; n++)
        assert_int_equal(rig_node_health(r, n), HEALTH_READY);
}

/* The rack b1-p1-k1 of four nodes dies, and its crew says that it is repaired; gives the findings
 * and the first node. */
static uint32_t rack_repaired(struct rig *r, uint64_t ret[4])
{
    rig_kill_rack(r, "b1-p1-k1", 4, ret);
    rig_wait(r, RIG_MINUTE);
    assert_int_equal(rig_order(r, EV_ORDER_TAKEN, MW_NONE, 0), ADMIT_OK);
    assert_int_equal(rig_order(r, EV_ORDER_ENDED, MW_NONE, RESULT_OK), ADMIT_OK);
    return rig_node(r, "b1-p1-k1-n1");
}

static void when_the_cause_is_repaired_its_symptoms_pass_their_gates_unrepaired(void **state)
{
    (void)state;
    struct rig *r = rig_tree(1, 2, 4, 4);
    uint64_t f[4];
    uint32_t first = rig_node(r, "b1-p1-k1-n1");
    rig_kill_rack(r, "b1-p1-k1", 4, f);
    rig_wait(r, RIG_MINUTE);
    uint32_t rack = rig_incident(r, rig_part(r, "b1-p1-k1"));
    assert_int_equal(r->control->board->incident_symptoms[rack], 4);
    assert_int_equal(rig_order(r, EV_ORDER_TAKEN, MW_NONE, 0), ADMIT_OK);
    assert_int_equal(rig_order(r, EV_ORDER_ENDED, MW_NONE, RESULT_OK), ADMIT_OK);
    rig_wait(r, RIG_MINUTE);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(rig_closed(r, first + i, f[i]), ADMIT_OK);
    assert_true(rig_has_incident(r, rig_part(r, "b1-p1-k1"))); /* until the last of them is back */
    gate_and_return(r, first, 4);
    assert_int_equal(care_open_incidents(r->control->care), 0);
    assert_int_equal(rig_roots(r), 0);
    assert_int_equal(rig_count(r, EV_ORDER_OPENED), 1);
    rig_check_bounds(r);
    rig_free(r);
}

static void what_is_not_well_after_the_repair_is_treated_on_its_own(void **state)
{
    (void)state;
    struct rig *r = rig_tree(1, 2, 4, 4);
    uint64_t f[4];
    uint32_t first = rack_repaired(r, f);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(rig_closed(r, first + i, f[i]), ADMIT_OK);
    rig_wait(r, 9 * RIG_MINUTE);
    assert_int_equal(rig_count(r, EV_INCIDENT_FREED), 0);
    rig_forget(r);
    rig_wait(r, RIG_MINUTE);
    rig_expect(r, "timer.fired incident.freed order.opened");
    assert_int_equal(rig_last(r, EV_ORDER_OPENED)->ev.body.order.node, first + 3);
    assert_int_equal(rig_node_health(r, first + 3), HEALTH_DOWN);
    gate_and_return(r, first, 3);
    assert_false(rig_has_incident(r, rig_part(r, "b1-p1-k1")));
    assert_int_equal(care_open_incidents(r->control->care), 1);
    rig_check_bounds(r);
    rig_free(r);
}

static void what_breaks_after_the_repair_has_another_cause(void **state)
{
    (void)state;
    struct rig *r = rig_tree(1, 2, 4, 4);
    uint64_t f[4];
    uint32_t first = rack_repaired(r, f);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(rig_closed(r, first + i, f[i]), ADMIT_OK);
    rig_wait(r, 20 * RIG_MINUTE); /* all is well, the gates run */
    assert_int_equal(rig_count(r, EV_INCIDENT_FREED), 0);
    rig_forget(r);
    rig_finding(r, first + 1, RIG_KILLS);
    rig_expect(r, "finding.opened incident.joined incident.freed node.moved order.opened");
    rig_check_bounds(r);
    rig_free(r);
}

static void below_a_repaired_pdu_it_is_the_rack_that_goes_on_alone(void **state)
{
    (void)state;
    struct rig *r = rig_tree(1, 2, 2, 4);
    uint64_t f[4];
    uint32_t first = rig_node(r, "b1-p1-k1-n1");
    rig_kill_rack(r, "b1-p1-k1", 4, NULL);
    rig_kill_rack(r, "b1-p1-k2", 4, f);
    rig_wait(r, RIG_MINUTE);
    assert_int_equal(rig_last(r, EV_ORDER_OPENED)->ev.body.order.component, rig_part(r, "b1-p1"));
    assert_int_equal(rig_order(r, EV_ORDER_TAKEN, MW_NONE, 0), ADMIT_OK);
    assert_int_equal(rig_order(r, EV_ORDER_ENDED, MW_NONE, RESULT_OK), ADMIT_OK);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(rig_closed(r, first + 4 + i, f[i]), ADMIT_OK);
    rig_wait(r, 10 * RIG_MINUTE);
    uint32_t rack = rig_incident(r, rig_part(r, "b1-p1-k1"));
    assert_int_equal(rig_topmost(r, rack), rack);
    assert_int_equal(rig_nodes_under(r, rack), 4);
    assert_int_equal(rig_count(r, EV_ORDER_OPENED), 2);
    assert_int_equal(rig_last(r, EV_ORDER_OPENED)->ev.body.order.component,
                     rig_part(r, "b1-p1-k1"));
    rig_check_bounds(r);
    rig_free(r);
}

static void a_cause_is_looked_at_by_a_crew_whatever_its_symptoms_would_need(void **state)
{
    (void)state;
    struct control_policy p = rig_tree_policy();
    struct care_class *k = &p.care.class[RIG_KILLS];
    k->steps = 1;
    k->ladder[0] = (struct care_ladder){ .step = STEP_REBOOT, .who = WHO_BMC, .odds_ppm = 900000,
                                         .weight = 1, .part = CARE_PART_NONE,
                                         .lease_ms = MW_MS_PER_MIN };
    struct rig *r = rig_on(rig_tree_fleet(1, 2, 4, 4), &p);
    rig_kill_rack(r, "b1-p1-k1", 4, NULL);
    rig_finding(r, rig_node(r, "b1-p2-k1-n1"), RIG_KILLS);
    rig_wait(r, RIG_MINUTE);
    assert_int_equal(rig_count(r, EV_ACTION_STARTED), 1); /* the other node's */
    assert_int_equal(rig_count(r, EV_ORDER_OPENED), 1);
    const struct body_order *o = &rig_last(r, EV_ORDER_OPENED)->ev.body.order;
    assert_int_equal(o->component, rig_part(r, "b1-p1-k1"));
    assert_int_equal(o->step, STEP_REPAIR);
    assert_int_equal(o->who, WHO_TECHNICIAN);
    rig_check_bounds(r);
    rig_free(r);
}

static void a_symptom_that_a_crew_is_at_work_on_waits_for_it(void **state)
{
    (void)state;
    struct rig *r = rig_tree(1, 2, 4, 4);
    uint32_t a = rig_node(r, "b1-p1-k1-n1");
    uint64_t f = rig_finding(r, a, RIG_KILLS);
    rig_wait(r, 31 * RIG_SECOND);
    assert_int_equal(rig_order(r, EV_ORDER_TAKEN, a, 0), ADMIT_OK);
    struct event ev = { .kind = EV_FINDING_OPENED, .source = SOURCE_FABRIC,
                        .observed_ns = r->now_ns - 31 * RIG_SECOND };
    ev.body.finding = (struct body_finding){ .component = rig_part(r, "b1-p1"), .finding = 900,
                                             .node = MW_NONE, .class = RIG_KILLS };
    assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_OK);
    assert_int_equal(rig_nodes_under(r, rig_incident(r, rig_part(r, "b1-p1"))), 1);
    assert_int_equal(rig_closed(r, a, f), ADMIT_OK);
    assert_int_equal(rig_node_health(r, a), HEALTH_REPAIRING); /* hands are in it */
    assert_int_equal(rig_order(r, EV_ORDER_ENDED, a, RESULT_OK), ADMIT_OK);
    assert_int_equal(rig_node_health(r, a), HEALTH_VALIDATING);
    rig_check_bounds(r);
    rig_free(r);
}

static void a_cause_that_the_crew_refutes_sets_its_symptoms_free(void **state)
{
    (void)state;
    struct rig *r = rig_tree(1, 3, 1, 40);
    rig_kill_rack(r, "b1-p1-k1", 40, NULL);
    rig_kill_rack(r, "b1-p2-k1", 40, NULL); /* two of three are not the breaker */
    assert_int_equal(rig_roots(r), 2);
    uint32_t root = rig_topmost(r, r->control->board->node_incident[0]);
    assert_int_equal(r->control->board->incident_symptoms[root], 40);
    rig_wait(r, RIG_MINUTE);
    assert_int_equal(rig_count(r, EV_ORDER_OPENED), 2);
    assert_int_equal(rig_order(r, EV_ORDER_TAKEN, MW_NONE, 0), ADMIT_OK);
    assert_int_equal(rig_order(r, EV_ORDER_ENDED, MW_NONE, RESULT_FAILED), ADMIT_OK);
    rig_wait(r, 0);
    assert_int_equal(rig_count(r, EV_INCIDENT_FREED), 40);
    assert_int_equal(rig_count(r, EV_INCIDENT_CLOSED), 1);
    assert_int_equal(rig_count(r, EV_ORDER_OPENED), 42);
    assert_int_equal(rig_roots(r), 41); /* the other cause stands */
    assert_int_equal(rig_nodes_under(r, root), 40);
    rig_check_bounds(r);
    rig_free(r);
}

static void a_symptom_that_fails_its_gate_was_more_than_that(void **state)
{
    (void)state;
    struct rig *r = rig_tree(1, 2, 4, 4);
    uint64_t f[4];
    uint32_t first = rig_node(r, "b1-p1-k1-n1");
    rig_kill_rack(r, "b1-p1-k1", 4, f);
    assert_int_equal(rig_closed(r, first, f[0]), ADMIT_OK);
    assert_int_equal(rig_gate(r, first, RESULT_FAILED), ADMIT_OK);
    assert_int_equal(rig_count(r, EV_INCIDENT_FREED), 1);
    assert_int_equal(rig_node_health(r, first), HEALTH_DOWN);
    assert_int_equal(rig_last(r, EV_ORDER_OPENED)->ev.body.order.node, first);
    assert_int_equal(rig_roots(r), 2);
    rig_check_bounds(r);
    rig_free(r);
}

static void a_symptom_with_a_fault_of_its_own_is_treated_at_once(void **state)
{
    (void)state;
    struct rig *r = rig_tree(1, 2, 4, 4);
    uint32_t first = rig_node(r, "b1-p1-k1-n1");
    rig_kill_rack(r, "b1-p1-k1", 4, NULL);
    rig_forget(r);
    rig_finding(r, first + 2, RIG_DEFERS); /* no class that anything else explains */
    rig_expect(r, "finding.opened incident.joined incident.freed order.opened");
    assert_int_equal(rig_roots(r), 2);
    rig_finding(r, first + 2, RIG_KILLS); /* and it is not taken back */
    assert_int_equal(rig_roots(r), 2);
    rig_check_bounds(r);
    rig_free(r);
}

static void late_doubled_and_contradicting_findings_join_the_right_incident(void **state)
{
    (void)state;
    struct rig *r = rig_tree(1, 2, 1, 8);
    int64_t began_ns = r->now_ns;
    uint64_t f[8];
    rig_kill_rack(r, "b1-p1-k1", 6, f);
    uint32_t root = rig_topmost(r, r->control->board->node_incident[0]);
    rig_wait(r, 10 * RIG_MINUTE);
    /* Late: of the burst, but ten minutes on its way.  And one of now. */
    struct event ev = { .kind = EV_FINDING_OPENED, .source = SOURCE_NODE + 6,
                        .observed_ns = began_ns + RIG_SECOND };
    ev.body.finding = (struct body_finding){ .component = component_id(COMPONENT_NODE, 6),
                                             .finding = 700, .node = 6, .class = RIG_KILLS };
    assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_OK);
    assert_int_equal(rig_topmost(r, r->control->board->node_incident[6]), root);
    rig_finding(r, 7, RIG_KILLS);
    assert_int_equal(r->control->board->incident_parent[r->control->board->node_incident[7]],
                     MW_NONE);
    /* Doubled: it is in already. */
    assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_DUPLICATE);
    assert_int_equal(r->control->board->incident_symptoms[root], 7);
    /* Contradicting: no, it works; yes, it does not; it works. */
    assert_int_equal(rig_closed(r, 0, f[0]), ADMIT_OK);
    assert_int_equal(rig_node_health(r, 0), HEALTH_VALIDATING);
    rig_finding(r, 0, RIG_KILLS);
    assert_int_equal(rig_node_health(r, 0), HEALTH_DOWN);
    assert_int_equal(rig_topmost(r, r->control->board->node_incident[0]), root);
    assert_int_equal(rig_closed(r, 0, r->finding), ADMIT_OK);
    assert_int_equal(rig_node_health(r, 0), HEALTH_VALIDATING);
    assert_int_equal(rig_closed(r, 0, r->finding), ADMIT_STALE);
    rig_check_bounds(r);
    rig_free(r);
}

static void observed(struct rig *r, uint32_t node, int64_t observed_ns)
{
    struct event ev = { .kind = EV_FINDING_OPENED, .source = SOURCE_NODE + node,
                        .observed_ns = observed_ns };
    ev.body.finding = (struct body_finding){ .component = component_id(COMPONENT_NODE, node),
                                             .finding = 700, .node = node, .class = RIG_KILLS };
    assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_OK);
}

static void slow_detectors_reveal_a_common_cause_and_a_backlog_makes_none_up(void **state)
{
    (void)state;
    for (int together = 0; together < 2; together++) {
        struct rig *r = rig_tree(1, 2, 1, 8);
        rig_wait(r, 10 * RIG_HOUR);
        for (uint32_t node = 0; node < 8; node++) /* all arrive now; when were they observed? */
            observed(r, node, r->now_ns - 5 * RIG_MINUTE - (together ? 0 : node * RIG_HOUR));
        assert_int_equal(rig_roots(r), together ? 1 : 8);
        rig_check_bounds(r);
        rig_free(r);
    }
}

static void what_a_person_takes_back_is_no_symptom_any_more(void **state)
{
    (void)state;
    struct rig *r = rig_tree(1, 2, 4, 4);
    uint32_t first = rig_node(r, "b1-p1-k1-n1");
    rig_kill_rack(r, "b1-p1-k1", 4, NULL);
    struct event ev = { .kind = EV_NODES_ADOPTED, .source = SOURCE_PERSON, .actor = 42 };
    ev.body.adopt = (struct body_adopt){ .first = first, .count = 2, .health = HEALTH_READY };
    assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_OK);
    rig_wait(r, 0);
    uint32_t root = rig_incident(r, rig_part(r, "b1-p1-k1"));
    assert_int_equal(r->control->board->incident_symptoms[root], 2);
    assert_int_equal(care_open_incidents(r->control->care), 3);
    assert_int_equal(rig_roots(r), 1);
    rig_free(r);
}

static void what_the_symptoms_cost_is_the_causes_cost_and_counted_once(void **state)
{
    (void)state;
    struct rig *r = rig_tree(1, 2, 4, 4);
    const struct board *b = r->control->board;
    uint64_t f[4];
    uint32_t first = rig_node(r, "b1-p1-k1-n1");
    rig_kill_rack(r, "b1-p1-k1", 4, f);
    rig_wait(r, RIG_HOUR);
    uint32_t rack = rig_incident(r, rig_part(r, "b1-p1-k1"));
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(rig_closed(r, first + i, f[i]), ADMIT_OK); /* down time is booked */
    int64_t sum = 0;
    for (uint32_t i = 0; i < 4; i++)
        sum += b->incident_lost_gpu_ms[b->node_incident[first + i]];
    assert_true(sum > 4 * 8 * MW_MS_PER_HOUR - 4 * 8 * MW_MS_PER_S);
    assert_int_equal(b->incident_lost_gpu_ms[rack], sum);
    struct account_totals t;
    account_settle(r->control->account, r->now_ns, &t);
    assert_int_equal(t.gpu_ms[ACCOUNT_DOWN], sum);
    /* One that is freed takes its cost with it. */
    uint32_t slot = b->node_incident[first];
    assert_int_equal(rig_gate(r, first, RESULT_FAILED), ADMIT_OK);
    assert_int_equal(b->incident_parent[slot], MW_NONE);
    assert_int_equal(b->incident_lost_gpu_ms[rack], sum - b->incident_lost_gpu_ms[slot]);
    rig_check_accounts(r, RIG_HOUR);
    rig_free(r);
}

static void without_the_switch_every_fault_stands_alone(void **state)
{
    (void)state;
    struct control_policy p = rig_tree_policy();
    p.care.correlate = false;
    struct rig *r = rig_on(rig_tree_fleet(1, 2, 4, 4), &p);
    rig_kill_rack(r, "b1-p1-k1", 4, NULL);
    assert_int_equal(rig_roots(r), 4);
    assert_int_equal(rig_count(r, EV_ORDER_OPENED), 4); /* and none waits */
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(when_the_cause_is_repaired_its_symptoms_pass_their_gates_unrepaired),
        cmocka_unit_test(what_is_not_well_after_the_repair_is_treated_on_its_own),
        cmocka_unit_test(what_breaks_after_the_repair_has_another_cause),
        cmocka_unit_test(below_a_repaired_pdu_it_is_the_rack_that_goes_on_alone),
        cmocka_unit_test(a_cause_is_looked_at_by_a_crew_whatever_its_symptoms_would_need),
        cmocka_unit_test(a_symptom_that_a_crew_is_at_work_on_waits_for_it),
        cmocka_unit_test(a_cause_that_the_crew_refutes_sets_its_symptoms_free),
        cmocka_unit_test(a_symptom_that_fails_its_gate_was_more_than_that),
        cmocka_unit_test(a_symptom_with_a_fault_of_its_own_is_treated_at_once),
        cmocka_unit_test(slow_detectors_reveal_a_common_cause_and_a_backlog_makes_none_up),
        cmocka_unit_test(late_doubled_and_contradicting_findings_join_the_right_incident),
        cmocka_unit_test(what_a_person_takes_back_is_no_symptom_any_more),
        cmocka_unit_test(what_the_symptoms_cost_is_the_causes_cost_and_counted_once),
        cmocka_unit_test(without_the_switch_every_fault_stands_alone),
    };
    return cmocka_run_group_tests_name("cause life", tests, NULL, NULL);
}
