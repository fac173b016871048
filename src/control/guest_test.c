/* Guests: what comes from elsewhere says nothing about a node's own repair. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/units.h"
#include "control/rig_cause.h"
#include "control/rig_ladder.h"
#include "fleet/site.h"

enum { NODE = 3 };

/* RIG_KILLS has a ladder and is a node's own; a leaf makes links slow, which nobody drains for. */
static struct rig *make(void)
{
    struct fleet *f = NULL;
    struct control_policy p = rig_ladder_policy();
    p.care.class[RIG_IN_PLACE].shared = CAUSE_NETWORK;
    assert_int_equal(site_simple(64, &f, NULL), 0);
    return rig_on(f, &p);
}

/* The leaf on which the first of the node's links ends. */
static uint64_t leaf_of(const struct rig *r, uint32_t node)
{
    const struct fleet *f = r->fleet;
    uint32_t cable = f->nic_cable[f->node_nic_first[node]];
    for (uint32_t side = 0; side < 2; side++)
        if (component_kind_of(f->cable_end[side][cable].component) == COMPONENT_SWITCH)
            return f->cable_end[side][cable].component;
    fail();
    return 0;
}

static uint64_t link_slow(struct rig *r, uint32_t node)
{
    uint32_t nic = r->fleet->node_nic_first[node];
    return rig_finding_on(r, component_id(COMPONENT_NIC, nic), node, RIG_IN_PLACE);
}

/* It failed, and a reboot is done: at its gate. */
static void to_its_gate(struct rig *r)
{
    uint64_t f = rig_finding(r, NODE, RIG_KILLS);
    assert_int_equal(rig_step_ended(r, EV_ACTION_STARTED, NODE, RESULT_OK, STEP_COUNT), ADMIT_OK);
    assert_int_equal(rig_closed(r, NODE, f), ADMIT_OK);
    assert_int_equal(rig_node_health(r, NODE), HEALTH_VALIDATING);
}

static uint32_t tried(const struct rig *r)
{
    return care_odds_of(r->control->care, RIG_KILLS, STEP_REBOOT).tried;
}

static void finish(struct rig *r)
{
    rig_check_bounds(r);
    rig_check_accounts(r, RIG_HOUR);
    rig_free(r);
}

static void a_leaf_that_limps_does_not_fail_the_repair_of_a_node_at_its_gate(void **state)
{
    (void)state;
    struct rig *r = make();
    to_its_gate(r);
    (void)rig_finding_on(r, leaf_of(r, NODE), MW_NONE, RIG_IN_PLACE);
    uint64_t f = link_slow(r, NODE);
    rig_wait(r, 20 * RIG_MINUTE);
    assert_int_equal(rig_node_health(r, NODE), HEALTH_VALIDATING);
    assert_int_equal(rig_gate(r, NODE, RESULT_FAILED), ADMIT_OK); /* over that leaf */
    rig_wait(r, 5 * RIG_HOUR);
    assert_int_equal(rig_node_health(r, NODE), HEALTH_VALIDATING);
    assert_int_equal(tried(r), 0);
    assert_int_equal(rig_count(r, EV_GATE_STARTED), 1);
    assert_int_equal(rig_closed(r, NODE, f), ADMIT_OK);
    assert_int_equal(rig_count(r, EV_GATE_STARTED), 2);
    assert_int_equal(rig_gate(r, NODE, RESULT_OK), ADMIT_OK);
    rig_wait(r, 2 * RIG_HOUR);
    assert_int_equal(rig_node_health(r, NODE), HEALTH_READY);
    assert_int_equal(care_odds_of(r->control->care, RIG_KILLS, STEP_REBOOT).held, 1);
    assert_int_equal(rig_count(r, EV_ACTION_STARTED), 1);
    finish(r);
}

static void what_nothing_explains_is_the_nodes_own_after_a_while(void **state)
{
    (void)state;
    struct rig *r = make();
    to_its_gate(r);
    (void)link_slow(r, NODE);
    assert_int_equal(rig_node_health(r, NODE), HEALTH_VALIDATING);
    rig_wait(r, r->policy.care.cause_window_ms * MW_NS_PER_MS);
    assert_int_equal(rig_node_health(r, NODE), HEALTH_DOWN);
    assert_int_equal(tried(r), 1);
    finish(r);
}

static void what_outlives_the_repair_of_the_leaf_is_the_nodes_own(void **state)
{
    (void)state;
    struct rig *r = make();
    to_its_gate(r);
    uint64_t leaf = rig_finding_on(r, leaf_of(r, NODE), MW_NONE, RIG_IN_PLACE);
    (void)link_slow(r, NODE);
    rig_wait(r, RIG_HOUR);
    rig_repair(r, MW_NONE);
    struct event ev = { .kind = EV_FINDING_CLOSED, .source = SOURCE_FABRIC,
                        .observed_ns = r->now_ns };
    ev.body.finding.finding = leaf;
    assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_OK);
    assert_false(rig_has_incident(r, leaf_of(r, NODE)));
    rig_wait(r, RIG_HOUR);
    assert_int_equal(rig_node_health(r, NODE), HEALTH_DOWN);
    assert_int_equal(tried(r), 1);
    finish(r);
}

static void what_was_repaired_and_is_found_again_is_no_guest(void **state)
{
    (void)state;
    struct rig *r = make();
    to_its_gate(r);
    (void)rig_finding_on(r, leaf_of(r, NODE), MW_NONE, RIG_IN_PLACE);
    (void)link_slow(r, NODE);
    rig_wait(r, RIG_MINUTE);
    (void)rig_finding(r, NODE, RIG_KILLS);
    assert_int_equal(rig_node_health(r, NODE), HEALTH_DOWN);
    assert_int_equal(rig_last(r, EV_ORDER_OPENED)->ev.body.order.step, STEP_RESEAT);
    assert_int_equal(tried(r), 1);
    finish(r);
}

static void a_guest_in_probation_is_waited_for_and_the_gate_begun_again(void **state)
{
    (void)state;
    struct rig *r = make();
    to_its_gate(r);
    assert_int_equal(rig_gate(r, NODE, RESULT_OK), ADMIT_OK);
    (void)rig_finding_on(r, leaf_of(r, NODE), MW_NONE, RIG_IN_PLACE);
    uint64_t f = link_slow(r, NODE);
    rig_wait(r, 3 * RIG_HOUR);
    assert_int_equal(rig_node_health(r, NODE), HEALTH_PROBATION);
    assert_int_equal(rig_closed(r, NODE, f), ADMIT_OK);
    assert_int_equal(rig_node_health(r, NODE), HEALTH_PROBATION);
    assert_int_equal(rig_count(r, EV_GATE_STARTED), 2);
    assert_int_equal(rig_gate(r, NODE, RESULT_OK), ADMIT_OK);
    assert_int_equal(rig_node_health(r, NODE), HEALTH_READY);
    finish(r);
}

static void a_guest_that_came_during_the_repair_does_not_ask_for_the_next_step(void **state)
{
    (void)state;
    struct rig *r = make();
    uint64_t f = rig_finding(r, NODE, RIG_KILLS);
    (void)rig_finding_on(r, leaf_of(r, NODE), MW_NONE, RIG_IN_PLACE);
    uint64_t slow = link_slow(r, NODE);
    rig_wait(r, 30 * RIG_MINUTE);
    assert_int_equal(rig_step_ended(r, EV_ACTION_STARTED, NODE, RESULT_OK, STEP_COUNT), ADMIT_OK);
    assert_int_equal(rig_closed(r, NODE, f), ADMIT_OK);
    rig_wait(r, 3 * RIG_HOUR);
    assert_int_equal(rig_node_health(r, NODE), HEALTH_VALIDATING);
    assert_int_equal(tried(r), 0);
    struct rig *again = rig_make_on(r->fleet, &r->policy, rig_copy(r, r->log_length), false);
    assert_true(mw_hash128_equal(rig_hash(r), rig_hash(again)));
    rig_free(again);
    assert_int_equal(rig_closed(r, NODE, slow), ADMIT_OK);
    assert_int_equal(rig_gate(r, NODE, RESULT_OK), ADMIT_OK);
    assert_int_equal(rig_count(r, EV_ACTION_STARTED), 1);
    finish(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_leaf_that_limps_does_not_fail_the_repair_of_a_node_at_its_gate),
        cmocka_unit_test(what_nothing_explains_is_the_nodes_own_after_a_while),
        cmocka_unit_test(what_outlives_the_repair_of_the_leaf_is_the_nodes_own),
        cmocka_unit_test(what_was_repaired_and_is_found_again_is_no_guest),
        cmocka_unit_test(a_guest_in_probation_is_waited_for_and_the_gate_begun_again),
        cmocka_unit_test(a_guest_that_came_during_the_repair_does_not_ask_for_the_next_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
