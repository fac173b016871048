/* Causes in large bursts, after restarts, and in a world without sense. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "control/rig_again.h"
#include "control/rig_cause.h"
#include "fleet/site.h"

static void one_breaker_over_2304_nodes_is_one_incident_whatever_the_order(void **state)
{
    (void)state;
    for (uint32_t stride = 1; stride < 600; stride += 598) { /* rack by rack, and all over */
        struct rig *r = rig_tree(2, 8, 16, 9);
        uint32_t nodes = r->fleet->count[COMPONENT_NODE];
        assert_int_equal(nodes, 2304);
        r->by_hand = true;
        for (uint32_t i = 0; i < 4 * nodes; i++) {
            uint32_t node = (uint32_t)((uint64_t)i * stride % (nodes - 1 + (stride == 1)));
            rig_finding(r, node, RIG_KILLS);
            r->now_ns += MW_NS_PER_MS;
            if (i % 256 == 0)
                rig_commit(r);
        }
        rig_finding(r, nodes - 1, RIG_KILLS);
        r->by_hand = false;
        rig_wait(r, 0);
        uint32_t root = rig_incident(r, rig_part(r, "main"));
        assert_int_equal(rig_roots(r), 1);
        assert_int_equal(rig_nodes_under(r, root), nodes);
        rig_wait(r, RIG_MINUTE);
        assert_int_equal(rig_count(r, EV_ORDER_OPENED), 1);
        assert_int_equal(rig_last(r, EV_ORDER_OPENED)->ev.body.order.slot, root);
        rig_check_bounds(r);
        rig_free(r);
    }
}

/* The rest of the facts, after a restart in the middle, lead to the same record. */
static void check_restarts(struct rig *whole, uint32_t every)
{
    for (uint32_t at = 0; at < whole->facts; at += every) {
        struct rig *r = rig_restarted(whole, at, at % 2);
        r->now_ns = whole->now_ns;
        rig_wait(r, 0);
        if (!mw_hash128_equal(rig_hash(r), rig_hash(whole)))
            fail_msg("after a restart at fact %u the state is another", at);
        rig_free(r);
    }
}

static void a_burst_is_rederived_and_survives_a_restart_at_any_moment(void **state)
{
    (void)state;
    struct rig *r = rig_tree(2, 2, 3, 4);
    for (uint32_t i = 0; i < 24; i++)
        rig_finding(r, i * 7 % 24, RIG_KILLS); /* of the first breaker, all over */
    rig_finding_on(r, rig_part(r, "b1"), MW_NONE, RIG_KILLS);
    rig_wait(r, RIG_MINUTE);
    assert_int_equal(rig_order(r, EV_ORDER_TAKEN, MW_NONE, 0), ADMIT_OK);
    for (uint32_t i = 0; i < 20; i++)
        assert_int_equal(rig_closed(r, i * 7 % 24, i + 1), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    assert_int_equal(rig_order(r, EV_ORDER_ENDED, MW_NONE, RESULT_OK), ADMIT_OK);
    assert_int_equal(rig_closed(r, MW_NONE, 25), ADMIT_OK);
    rig_wait(r, RIG_HOUR);
    assert_true(rig_count(r, EV_INCIDENT_FREED) > 0);
    rig_check_bounds(r);
    rig_check_rederived(r);
    check_restarts(r, 3);
    rig_free(r);
}

/* Links lead up to open incidents and never round; what is counted is what is there. */
static void check_links(const struct rig *r)
{
    const struct board *b = r->control->board;
    uint32_t suppressed = 0, symptoms = 0;
    for (uint32_t slot = 0; slot < b->incidents_used; slot++) {
        if (!b->incident_id[slot])
            continue;
        symptoms += b->incident_symptoms[slot];
        int64_t below = 0;
        for (uint32_t s = 0; s < b->incidents_used; s++)
            if (b->incident_id[s] && b->incident_parent[s] == slot)
                below += b->incident_lost_gpu_ms[s];
        assert_true(b->incident_lost_gpu_ms[slot] >= below);
        uint32_t up = b->incident_parent[slot], steps = 0;
        suppressed += up != MW_NONE;
        for (; up != MW_NONE; up = b->incident_parent[up]) {
            assert_true(b->incident_id[up] != 0);
            assert_true(++steps < 32);
        }
    }
    assert_int_equal(suppressed, symptoms);
    assert_int_equal(rig_roots(r), care_open_incidents(r->control->care) - suppressed);
}

static void answer(struct rig *r, uint16_t kind, uint64_t seq)
{
    const struct event *action = &r->log[seq - 1].ev;
    struct event ev = { .kind = kind, .source = SOURCE_CREW, .cause = seq, .body = action->body };
    if (kind == EV_GATE_ENDED)
        ev.body.gate.result = RESULT_OK;
    else if (kind == EV_ORDER_ENDED)
        ev.body.order.result = RESULT_OK;
    (void)rig_submit(r, &ev, NULL);
}

/* Every finding closes, every job ends, every crew does what it is asked: nothing may be left. */
static void make_well(struct rig *r)
{
    struct care *c = r->control->care;
    struct care_order order[256];
    for (uint32_t i = 0, length = r->log_length; i < length; i++) {
        struct event ev = r->log[i].ev;
        if (ev.kind != EV_FINDING_OPENED ||
            !care_finding_is_open(c, ev.source, ev.body.finding.finding))
            continue;
        ev.kind = EV_FINDING_CLOSED;
        ev.source_seq = 0;
        (void)rig_submit(r, &ev, NULL);
    }
    const struct board *b = r->control->board;
    for (uint32_t slot = 0; slot < b->jobs_used; slot++)
        if (b->job_state[slot] >= JOB_PLACED)
            (void)rig_ended(r, b->job_id[slot], HOW_DONE, b->job_work_ms[slot], 0, 0);
    for (uint32_t round = 0; round < 12 && care_open_incidents(c); round++) {
        uint32_t orders = care_orders(c, order, MW_ARRAY_LEN(order));
        for (uint32_t i = 0; i < orders; i++) {
            if (!order[i].taken)
                answer(r, EV_ORDER_TAKEN, order[i].seq);
            answer(r, EV_ORDER_ENDED, order[i].seq);
        }
        for (uint32_t n = 0; n < r->control->board->nodes; n++)
            if (care_gate_open(c, n))
                answer(r, EV_GATE_ENDED, care_gate_open(c, n));
        rig_wait(r, 2 * RIG_HOUR);
    }
    assert_int_equal(care_open_incidents(c), 0);
    assert_int_equal(rig_roots(r), 0);
}

static void burst_finding(struct rig *r, uint32_t node, uint64_t number)
{
    struct event ev = { .kind = EV_FINDING_OPENED, .source = SOURCE_NODE + node };
    ev.body.finding = (struct body_finding){ .component = component_id(COMPONENT_NODE, node),
                                             .finding = number, .node = node,
                                             .class = RIG_KILLS };
    (void)rig_submit(r, &ev, NULL);
}

static void a_world_without_sense_breaks_no_promise_where_causes_are_sought(void **state)
{
    (void)state;
    uint32_t suppressed = 0, freed = 0;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct control_policy p = rig_tree_policy();
        for (uint32_t k = 0; k < RIG_CLASSES; k++)
            p.care.class[k].shared = k == RIG_DEFERS ? 0 : CAUSE_ANY;
        struct fleet *f = seed % 2 ? rig_tree_fleet(2, 2, 2, 3) : NULL;
        if (!f)
            assert_int_equal(site_simple(24, &f, NULL), 0);
        struct rig *r = rig_on(f, &p);
        for (uint64_t n = 0; n < 600; n++) {
            rig_chaos(r, seed, n);
            for (uint32_t i = 0; n % 60 == 0 && i < 6; i++) /* now and then a rack or more */
                burst_finding(r, (uint32_t)(n / 60 * 5 + i) % 24, 1000 + n);
            check_links(r);
        }
        rig_wait(r, 0);
        suppressed += rig_count(r, EV_INCIDENT_SUPPRESSED);
        freed += rig_count(r, EV_INCIDENT_FREED);
        rig_check_log(r);
        rig_check_rederived(r);
        check_restarts(r, 97);
        make_well(r);
        rig_check_rederived(r);
        rig_free(r);
    }
    assert_true(suppressed > 100);
    assert_true(freed > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_breaker_over_2304_nodes_is_one_incident_whatever_the_order),
        cmocka_unit_test(a_burst_is_rederived_and_survives_a_restart_at_any_moment),
        cmocka_unit_test(a_world_without_sense_breaks_no_promise_where_causes_are_sought),
    };
    return cmocka_run_group_tests_name("cause chaos", tests, NULL, NULL);
}
