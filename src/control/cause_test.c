/* From findings to one cause: what is suppressed, and who gets a work order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "control/rig_cause.h"

/* ---- one cause ------------------------------------------------------------------------------ */

static void one_pdu_trip_over_576_parts_is_one_incident_and_one_work_order(void **state)
{
    (void)state;
    struct rig *r = rig_tree(2, 2, 18, 4);
    uint64_t pdu = rig_part(r, "b1-p2");
    uint32_t first = rig_node(r, "b1-p2-k1-n1"), hit = 0;
    for (uint32_t gpu = 0; gpu < 8; gpu++)
        for (uint32_t i = 0; i < 72; i++, hit++) {
            uint32_t node = first + (i * 5) % 72; /* 5 and 72: every node once */
            rig_wait(r, MW_NS_PER_MS);
            rig_finding_on(r, component_id(COMPONENT_GPU, r->fleet->node_gpu_first[node] + gpu),
                           node, RIG_KILLS);
        }
    assert_int_equal(hit, 576);
    assert_int_equal(rig_roots(r), 1);
    uint32_t root = rig_incident(r, pdu);
    assert_int_equal(rig_nodes_under(r, root), 72);
    assert_int_equal(rig_node_health(r, first), HEALTH_DOWN);
    assert_int_equal(rig_count(r, EV_ORDER_OPENED), 0);
    rig_wait(r, RIG_MINUTE);
    assert_int_equal(rig_count(r, EV_ORDER_OPENED), 1);
    const struct body_order *o = &rig_last(r, EV_ORDER_OPENED)->ev.body.order;
    assert_int_equal(o->component, pdu);
    assert_int_equal(o->node, MW_NONE);
    assert_int_equal(o->slot, root);
    rig_check_bounds(r);
    rig_free(r);
}

static void the_record_ranks_what_could_explain_it_best_first(void **state)
{
    (void)state;
    struct rig *r = rig_tree(1, 2, 4, 4);
    rig_kill_rack(r, "b1-p1-k2", 3, NULL);
    const struct rig_event *e = rig_last(r, EV_INCIDENT_OPENED);
    const struct cause_rank *rank = e->tail;
    assert_int_equal(e->ev.body.incident.component, rig_part(r, "b1-p1-k2"));
    assert_int_equal(e->ev.tail_size, 4 * sizeof(*rank)); /* rack, PDU, breaker, main */
    assert_int_equal(rank[0].component, rig_part(r, "b1-p1-k2"));
    assert_int_equal(rank[0].seen, 3);
    assert_int_equal(rank[0].below, 4);
    assert_int_equal(rank[0].score, 3 * 13333 - 2303 - 13438);
    assert_int_equal(rank[1].component, rig_part(r, "b1-p1"));
    assert_int_equal(rank[1].below, 16);
    for (uint32_t i = 1; i < 4; i++)
        assert_true(rank[i].score <= rank[i - 1].score);
    rig_expect(r, "finding.opened incident.opened node.moved "
                  "finding.opened incident.opened node.moved "
                  "finding.opened incident.opened incident.opened incident.suppressed node.moved "
                  "incident.suppressed incident.suppressed");
    rig_free(r);
}

static void two_faults_that_have_nothing_to_do_with_each_other_stay_two(void **state)
{
    (void)state;
    struct rig *r = rig_tree(2, 2, 4, 4);
    uint32_t a = rig_node(r, "b1-p1-k1-n1"), b = rig_node(r, "b1-p1-k1-n2");
    rig_finding(r, a, RIG_KILLS);
    rig_finding(r, b, RIG_KILLS);
    rig_finding(r, rig_node(r, "b2-p2-k4-n4"), RIG_KILLS);
    assert_int_equal(rig_roots(r), 3);
    assert_int_equal(rig_count(r, EV_INCIDENT_SUPPRESSED), 0);
    rig_wait(r, RIG_MINUTE);
    assert_int_equal(rig_count(r, EV_ORDER_OPENED), 3);
    /* A third in the rack, a minute later: not close in time. */
    rig_finding(r, rig_node(r, "b1-p1-k1-n3"), RIG_KILLS);
    assert_int_equal(rig_count(r, EV_INCIDENT_SUPPRESSED), 0);
    assert_int_equal(rig_roots(r), 4);
    rig_check_bounds(r);
    rig_free(r);
}

static void a_dead_rack_and_a_dead_node_beside_it_are_not_their_pdu(void **state)
{
    (void)state;
    struct rig *r = rig_tree(1, 2, 2, 16);
    rig_kill_rack(r, "b1-p1-k1", 16, NULL);
    rig_finding(r, rig_node(r, "b1-p1-k2-n7"), RIG_KILLS); /* 17 of 32 */
    assert_int_equal(rig_roots(r), 2);
    assert_int_equal(rig_nodes_under(r, rig_incident(r, rig_part(r, "b1-p1-k1"))), 16);
    rig_kill_rack(r, "b1-p1-k2", 6, NULL); /* and yet more of the other: it is */
    assert_int_equal(rig_nodes_under(r, rig_incident(r, rig_part(r, "b1-p1"))), 23);
    assert_int_equal(rig_roots(r), 1);
    rig_check_bounds(r);
    rig_free(r);
}

static void old_news_that_come_together_are_not_one_fault(void **state)
{
    (void)state;
    struct rig *r = rig_tree(1, 2, 4, 4);
    for (uint32_t n = 0; n < 4; n++) { /* an agent reconnects and tells of the day */
        struct event ev = { .kind = EV_FINDING_OPENED, .source = SOURCE_NODE + n,
                            .observed_ns = r->now_ns - (n + 1) * RIG_HOUR };
        ev.body.finding = (struct body_finding){ .component = component_id(COMPONENT_NODE, n),
                                                 .finding = 5, .node = n, .class = RIG_KILLS };
        assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_OK);
    }
    assert_int_equal(rig_roots(r), 4);
    rig_free(r);
}

static void what_was_broken_before_is_no_symptom(void **state)
{
    (void)state;
    struct rig *r = rig_tree(1, 2, 4, 4);
    uint32_t first = rig_node(r, "b1-p1-k1-n1");
    rig_finding(r, first + 3, RIG_KILLS);
    rig_wait(r, RIG_HOUR);
    rig_kill_rack(r, "b1-p1-k1", 3, NULL);
    assert_int_equal(rig_nodes_under(r, rig_incident(r, rig_part(r, "b1-p1-k1"))), 3);
    rig_finding(r, first + 3, RIG_KILLS); /* also when it goes dark with the others */
    assert_int_equal(rig_nodes_under(r, rig_incident(r, rig_part(r, "b1-p1-k1"))), 3);
    assert_int_equal(rig_roots(r), 2);
    rig_free(r);
}

static void faults_that_can_only_be_the_nodes_own_are_never_counted(void **state)
{
    (void)state;
    struct rig *r = rig_tree(1, 1, 2, 4);
    for (uint32_t n = 0; n < 8; n++)
        rig_finding(r, n, RIG_DEFERS);
    assert_int_equal(rig_count(r, EV_INCIDENT_OPENED), 8);
    assert_int_equal(rig_roots(r), 8);
    rig_free(r);
}

static void a_node_that_cries_11760_times_weighs_as_one(void **state)
{
    (void)state;
    struct rig *r = rig_tree(1, 2, 4, 4);
    uint32_t loud = rig_node(r, "b1-p1-k1-n1");
    r->by_hand = true;
    for (uint32_t i = 0; i < 11760; i++) {
        rig_finding_on(r, component_id(COMPONENT_GPU, r->fleet->node_gpu_first[loud] + i % 8),
                       loud, RIG_KILLS);
        if (i % 1000 == 0)
            rig_commit(r);
    }
    rig_commit(r);
    r->by_hand = false;
    assert_int_equal(rig_count(r, EV_INCIDENT_OPENED), 1);
    assert_int_equal(rig_count(r, EV_INCIDENT_SUPPRESSED), 0);
    /* And it does not drown the others: a second node is heard, and a rack that dies is found. */
    rig_finding(r, rig_node(r, "b1-p1-k1-n2"), RIG_KILLS);
    assert_int_equal(rig_roots(r), 2);
    rig_kill_rack(r, "b1-p2-k1", 4, NULL);
    assert_int_equal(rig_roots(r), 3);
    assert_int_equal(rig_nodes_under(r, rig_incident(r, rig_part(r, "b1-p2-k1"))), 4);
    rig_check_bounds(r);
    rig_free(r);
}

static void a_flapping_leaf_is_not_many_bad_nics(void **state)
{
    (void)state;
    struct rig *r = rig_racks(64);
    uint64_t leaf = rig_part(r, "h01-r01-leaf3");
    assert_int_equal(rig_job(r, 1, 64, 0), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    assert_int_equal(rig_running(r, 1, 0), ADMIT_OK);
    uint32_t nics = 0;
    for (uint32_t nic = 0; nic < r->fleet->count[COMPONENT_NIC]; nic++) {
        uint32_t cable = r->fleet->nic_cable[nic];
        if (r->fleet->cable_end[0][cable].component != leaf &&
            r->fleet->cable_end[1][cable].component != leaf)
            continue;
        rig_wait(r, 20 * MW_NS_PER_MS);
        rig_finding_on(r, component_id(COMPONENT_NIC, nic), r->fleet->nic_node[nic], RIG_SLOWS);
        nics++;
    }
    assert_int_equal(nics, 32);
    assert_int_equal(rig_roots(r), 1);
    assert_int_equal(rig_nodes_under(r, rig_incident(r, leaf)), 32);
    rig_wait(r, RIG_MINUTE);
    assert_int_equal(rig_count(r, EV_DRAIN_ORDERED), 0); /* draining them would not help */
    assert_int_equal(rig_count(r, EV_ATTEMPT_STOP), 0);
    assert_int_equal(rig_count(r, EV_ADVICE), 0);
    assert_int_equal(rig_count(r, EV_ORDER_OPENED), 1);
    assert_int_equal(rig_last(r, EV_ORDER_OPENED)->ev.body.order.component, leaf);
    rig_check_bounds(r);
    rig_free(r);
}

static void links_that_flap_below_the_count_still_tell_of_their_switch(void **state)
{
    (void)state;
    struct rig *r = rig_racks(64);
    uint64_t leaf = rig_part(r, "h01-r01-leaf3");
    const struct fleet_list *l = &r->fleet->switch_cables;
    uint32_t row = component_index_of(leaf);
    for (uint32_t i = l->first[row]; i < l->first[row + 1]; i++) {
        uint32_t node = r->fleet->cable_node[l->item[i]];
        if (node == MW_NONE)
            continue;
        uint64_t f = rig_finding_on(r, component_id(COMPONENT_CABLE, l->item[i]), node, RIG_FLAPS);
        rig_wait(r, 50 * MW_NS_PER_MS);
        assert_int_equal(rig_closed(r, node, f), ADMIT_OK); /* it is up again */
    }
    assert_int_equal(care_open_incidents(r->control->care), 1);
    (void)rig_incident(r, leaf);
    rig_check_bounds(r);
    rig_free(r);
}

static void a_rack_with_two_feeds_is_dark_by_one_only_when_the_other_is_known_dead(void **state)
{
    (void)state;
    struct rig *r = rig_racks(64);
    uint64_t a = rig_part(r, "h01-r01-pdu-a"), b = rig_part(r, "h01-r01-pdu-b");
    for (uint32_t n = 0; n < 32; n++)
        rig_finding(r, n, RIG_KILLS);
    assert_false(rig_has_incident(r, a) || rig_has_incident(r, b)); /* neither does it alone */
    assert_int_equal(rig_roots(r), 8); /* the racks */
    rig_free(r);

    r = rig_racks(64);
    rig_finding_on(r, b, MW_NONE, RIG_KILLS); /* known: redundancy is lost, nothing is dark */
    rig_wait(r, RIG_HOUR);
    assert_int_equal(rig_roots(r), 1);
    rig_finding(r, 40, RIG_KILLS); /* another row: it has nothing to do with this */
    rig_finding(r, 3, RIG_KILLS);  /* below it, but fed by the other one */
    assert_int_equal(rig_count(r, EV_INCIDENT_SUPPRESSED), 0);
    for (uint32_t n = 4; n < 32; n++)
        rig_finding(r, n, RIG_KILLS);
    assert_int_equal(rig_nodes_under(r, rig_incident(r, a)), 29);
    rig_check_bounds(r);
    rig_free(r);
}

/* ---- chains, and what was reported ---------------------------------------------------------- */

static void a_rack_that_was_blamed_first_becomes_a_symptom_of_its_pdu(void **state)
{
    (void)state;
    struct rig *r = rig_tree(1, 2, 4, 4);
    rig_kill_rack(r, "b1-p1-k1", 4, NULL);
    uint32_t rack = rig_incident(r, rig_part(r, "b1-p1-k1"));
    assert_int_equal(rig_topmost(r, rack), rack);
    rig_kill_rack(r, "b1-p1-k2", 4, NULL);
    assert_int_equal(rig_roots(r), 2); /* two racks: half of what the PDU feeds says nothing */
    rig_kill_rack(r, "b1-p1-k3", 4, NULL);
    uint32_t pdu = rig_incident(r, rig_part(r, "b1-p1"));
    assert_int_equal(r->control->board->incident_parent[rack], pdu);
    rig_kill_rack(r, "b1-p1-k4", 4, NULL);
    assert_int_equal(rig_roots(r), 1);
    assert_int_equal(rig_nodes_under(r, pdu), 16);
    rig_wait(r, RIG_MINUTE);
    assert_int_equal(rig_count(r, EV_ORDER_OPENED), 1);
    rig_check_bounds(r);
    rig_free(r);
}

static void a_reported_trip_is_the_cause_at_once_also_of_what_came_before_it(void **state)
{
    (void)state;
    struct rig *r = rig_tree(1, 2, 4, 4);
    uint32_t before = rig_node(r, "b1-p1-k1-n1"), after = rig_node(r, "b1-p1-k4-n2");
    uint32_t beside = rig_node(r, "b1-p2-k1-n1");
    rig_finding(r, before, RIG_KILLS);
    rig_wait(r, RIG_SECOND);
    rig_finding_on(r, rig_part(r, "b1-p1"), MW_NONE, RIG_KILLS);
    uint32_t pdu = rig_incident(r, rig_part(r, "b1-p1"));
    assert_int_equal(rig_nodes_under(r, pdu), 1);
    rig_wait(r, RIG_HOUR); /* it stays dark, and one that was slow to notice is still its symptom */
    rig_finding(r, after, RIG_KILLS);
    rig_finding(r, beside, RIG_KILLS);
    assert_int_equal(rig_nodes_under(r, pdu), 2);
    assert_int_equal(rig_roots(r), 2);
    rig_check_bounds(r);
    rig_free(r);
}

static void a_small_fault_of_a_part_does_not_hide_dead_nodes(void **state)
{
    (void)state;
    struct rig *r = rig_tree(1, 2, 4, 4);
    rig_finding_on(r, rig_part(r, "b1-p1"), MW_NONE, RIG_DEFERS); /* a fan of the PDU */
    rig_wait(r, RIG_SECOND);
    rig_finding(r, rig_node(r, "b1-p1-k1-n1"), RIG_KILLS);
    assert_int_equal(rig_roots(r), 2);
    rig_wait(r, RIG_MINUTE);
    assert_int_equal(rig_count(r, EV_ORDER_OPENED), 2);
    /* When all of it goes dark, that incident takes them. */
    for (uint32_t k = 1; k <= 4; k++) {
        char name[16] = "b1-p1-k0";
        name[7] = (char)('0' + k);
        rig_kill_rack(r, name, 4, NULL);
    }
    assert_int_equal(rig_nodes_under(r, rig_incident(r, rig_part(r, "b1-p1"))), 15);
    rig_check_bounds(r);
    rig_free(r);
}

static void an_order_that_nobody_has_taken_is_withdrawn(void **state)
{
    (void)state;
    struct rig *r = rig_tree(1, 2, 4, 4);
    uint32_t a = rig_node(r, "b1-p1-k1-n1"), b = rig_node(r, "b1-p1-k1-n2");
    rig_finding(r, a, RIG_KILLS);
    rig_finding(r, b, RIG_KILLS);
    rig_wait(r, 31 * RIG_SECOND);
    assert_int_equal(rig_count(r, EV_ORDER_OPENED), 2);
    assert_int_equal(rig_order(r, EV_ORDER_TAKEN, b, 0), ADMIT_OK);
    uint64_t order = rig_last_of(r, EV_ORDER_OPENED, a)->ev.seq;
    /* The PDU's report was on its way for half a minute. */
    struct event ev = { .kind = EV_FINDING_OPENED, .source = SOURCE_FABRIC,
                        .observed_ns = r->now_ns - 31 * RIG_SECOND };
    ev.body.finding = (struct body_finding){ .component = rig_part(r, "b1-p1"), .finding = 900,
                                             .node = MW_NONE, .class = RIG_KILLS };
    assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_OK);
    assert_int_equal(rig_nodes_under(r, rig_incident(r, rig_part(r, "b1-p1"))), 2);
    assert_int_equal(rig_count(r, EV_ORDER_WITHDRAWN), 1);
    const struct event *w = &rig_last(r, EV_ORDER_WITHDRAWN)->ev;
    assert_int_equal(w->cause, order);
    assert_int_equal(w->body.order.node, a);
    assert_int_equal(w->body.order.visit, 1);
    assert_int_equal(r->acted[r->acted_length - 1].kind, EV_ORDER_WITHDRAWN); /* the crew is told */
    assert_int_equal(rig_order(r, EV_ORDER_TAKEN, a, 0), ADMIT_STALE);
    assert_int_equal(rig_order(r, EV_ORDER_ENDED, b, RESULT_OK), ADMIT_OK); /* goes on to its end */
    rig_check_bounds(r);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_pdu_trip_over_576_parts_is_one_incident_and_one_work_order),
        cmocka_unit_test(the_record_ranks_what_could_explain_it_best_first),
        cmocka_unit_test(two_faults_that_have_nothing_to_do_with_each_other_stay_two),
        cmocka_unit_test(a_dead_rack_and_a_dead_node_beside_it_are_not_their_pdu),
        cmocka_unit_test(old_news_that_come_together_are_not_one_fault),
        cmocka_unit_test(what_was_broken_before_is_no_symptom),
        cmocka_unit_test(faults_that_can_only_be_the_nodes_own_are_never_counted),
        cmocka_unit_test(a_node_that_cries_11760_times_weighs_as_one),
        cmocka_unit_test(a_flapping_leaf_is_not_many_bad_nics),
        cmocka_unit_test(links_that_flap_below_the_count_still_tell_of_their_switch),
        cmocka_unit_test(a_rack_with_two_feeds_is_dark_by_one_only_when_the_other_is_known_dead),
        cmocka_unit_test(a_rack_that_was_blamed_first_becomes_a_symptom_of_its_pdu),
        cmocka_unit_test(a_reported_trip_is_the_cause_at_once_also_of_what_came_before_it),
        cmocka_unit_test(a_small_fault_of_a_part_does_not_hide_dead_nodes),
        cmocka_unit_test(an_order_that_nobody_has_taken_is_withdrawn),
    };
    return cmocka_run_group_tests_name("cause", tests, NULL, NULL);
}
