/* A stuck work order is weighed again, and another step may take its place: care_sums.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "care/care_ladder.h"
#include "control/rig_again.h"
#include "control/rig_ladder.h"

#define NODES 16
#define USD MW_MICRODOLLARS_PER_DOLLAR
#define HOUR_MS MW_MS_PER_HOUR

/*
 * The part costs $100, so a replacement is 100 + 120 + 32 + 0.45 = 252.45, until it cures 280.50.
 * A reseat that is not over after h hours is 60 + (h + 0.5) * 8 + 2.25 + 50 % * 280.50: $238.50
 * when it is stuck after 4 hours, $302.50 after 12.
 */
static struct control_policy swap_policy(void)
{
    struct control_policy p = rig_ladder_policy();
    p.care.part[0].cost_uusd = 100 * USD;
    return p;
}

static void finish(struct rig *r)
{
    rig_check_log(r);
    rig_check_accounts(r, RIG_HOUR);
    rig_free(r);
}

/* A node whose reboot failed, so that a reseat is asked for; gives the finding. */
static uint64_t reseat_asked(struct rig *r, uint32_t node)
{
    uint64_t f = rig_finding(r, node, RIG_KILLS);
    assert_int_equal(rig_step_ended(r, EV_ACTION_STARTED, node, RESULT_FAILED, STEP_COUNT),
                     ADMIT_OK);
    assert_int_equal(rig_last_of(r, EV_ORDER_OPENED, node)->ev.body.order.step, STEP_RESEAT);
    return f;
}

static const struct step_sum *sum_of(const struct rig_event *e, uint8_t step)
{
    const struct step_sum *s = e->tail;
    for (uint32_t i = 0; i < e->ev.tail_size / sizeof(*s); i++)
        if (s[i].step == step)
            return &s[i];
    fail_msg("no alternative is step %u", step);
    return NULL;
}

/* ---- when ----------------------------------------------------------------------------------- */

static void a_stuck_repair_is_swapped_when_a_spare_part_is_there(void **state)
{
    (void)state;
    struct control_policy p = swap_policy();
    struct rig *r = rig_make(NODES, &p);
    uint64_t f = reseat_asked(r, 3);
    uint64_t stuck = rig_last_of(r, EV_ORDER_OPENED, 3)->ev.seq;
    rig_wait(r, 12 * RIG_HOUR - RIG_SECOND);
    assert_int_equal(rig_count(r, EV_ORDER_WITHDRAWN), 0);
    rig_forget(r);
    rig_wait(r, RIG_SECOND);
    rig_expect(r, "timer.fired order.escalated step.chosen order.withdrawn order.opened");
    const struct rig_event *e = rig_last_of(r, EV_STEP_CHOSEN, 3);
    assert_int_equal(e->ev.body.step.step, STEP_REPLACE);
    assert_int_equal(e->ev.body.step.cost_uusd, 280500000);
    assert_int_equal(e->ev.body.step.visit, 3);
    const struct step_sum *wait = sum_of(e, STEP_RESEAT);
    assert_int_equal(wait->waits, 1);
    assert_int_equal(wait->bar, BAR_NONE);
    assert_int_equal(wait->waiting_uusd, 100 * USD);
    assert_int_equal(wait->total_uusd, 302500000);
    assert_int_equal(sum_of(e, STEP_REPLACE)->waits, 0);
    assert_int_equal(rig_last(r, EV_ORDER_WITHDRAWN)->ev.cause, stuck);
    const struct event *o = &rig_last_of(r, EV_ORDER_OPENED, 3)->ev;
    assert_int_equal(o->body.order.step, STEP_REPLACE);
    assert_int_equal(o->body.order.part, 0);
    assert_int_equal(o->body.order.level, 0);
    assert_int_equal(r->acted[r->acted_length - 2].kind, EV_ORDER_WITHDRAWN); /* they are told */
    assert_int_equal(r->acted[r->acted_length - 1].kind, EV_ORDER_OPENED);
    /* It was tried, and says nothing about the odds. */
    assert_int_equal(care_odds_of(r->control->care, RIG_KILLS, STEP_RESEAT).tried, 0);
    rig_repair(r, 3);
    assert_int_equal(rig_closed(r, 3, f), ADMIT_OK);
    assert_int_equal(rig_gate(r, 3, RESULT_OK), ADMIT_OK);
    rig_wait(r, 2 * RIG_HOUR);
    assert_int_equal(rig_node_health(r, 3), HEALTH_READY);
    assert_int_equal(care_odds_of(r->control->care, RIG_KILLS, STEP_REPLACE).held, 1);
    assert_int_equal(care_odds_of(r->control->care, RIG_KILLS, STEP_RESEAT).tried, 0);
    finish(r);
}

static void it_is_waited_on_when_that_costs_less(void **state)
{
    (void)state;
    for (int dear = 0; dear < 3; dear++) {
        struct control_policy p = swap_policy();
        if (dear == 1)
            p.care.part[0].cost_uusd = 1000 * USD;
        if (dear == 2)
            p.care.part[0].stock = 0; /* two days until there is one: $384 more */
        struct rig *r = rig_make(NODES, &p);
        (void)reseat_asked(r, 3);
        uint64_t open = rig_last_of(r, EV_ORDER_OPENED, 3)->ev.seq;
        rig_wait(r, (dear ? 13 : 5) * RIG_HOUR);
        assert_int_equal(rig_count(r, EV_ORDER_ESCALATED), dear ? 2 : 1);
        assert_int_equal(rig_count(r, EV_ORDER_WITHDRAWN), 0);
        assert_int_equal(rig_last_of(r, EV_ORDER_OPENED, 3)->ev.seq, open);
        finish(r);
    }
}

static void it_is_weighed_once_after_each_escalation(void **state)
{
    (void)state;
    struct control_policy p = swap_policy();
    struct rig *r = rig_make(NODES, &p);
    (void)reseat_asked(r, 3);
    rig_wait(r, 4 * RIG_HOUR);
    assert_int_equal(rig_count(r, EV_ORDER_ESCALATED), 1);
    /* After 11 hours a replacement would be cheaper; but nobody asks before the next level. */
    rig_wait(r, 7 * RIG_HOUR);
    (void)rig_finding(r, 3, RIG_KILLS);
    assert_int_equal(rig_order(r, EV_ORDER_TAKEN, 3, 0), ADMIT_OK);
    assert_int_equal(rig_count(r, EV_ORDER_WITHDRAWN), 0);
    rig_wait(r, RIG_HOUR);
    assert_int_equal(rig_count(r, EV_ORDER_WITHDRAWN), 1);
    /* Of what took its place nothing is left to be swapped for: it is waited on. */
    rig_wait(r, 400 * RIG_HOUR);
    assert_true(rig_count(r, EV_ORDER_ESCALATED) > 4);
    assert_int_equal(rig_count(r, EV_ORDER_WITHDRAWN), 1);
    finish(r);
}

/* ---- how ------------------------------------------------------------------------------------ */

static void a_crew_that_has_it_is_told_to_stop_and_its_late_answer_is_stale(void **state)
{
    (void)state;
    struct control_policy p = swap_policy();
    struct rig *r = rig_make(NODES, &p);
    (void)reseat_asked(r, 3);
    const struct event stuck = rig_last_of(r, EV_ORDER_OPENED, 3)->ev;
    rig_wait(r, RIG_HOUR);
    assert_int_equal(rig_order(r, EV_ORDER_TAKEN, 3, 0), ADMIT_OK);
    assert_int_equal(rig_node_health(r, 3), HEALTH_REPAIRING);
    rig_forget(r);
    rig_wait(r, 11 * RIG_HOUR);
    rig_expect(r, "timer.fired order.escalated "
                  "timer.fired order.escalated step.chosen order.withdrawn node.moved "
                  "order.opened");
    assert_int_equal(rig_node_health(r, 3), HEALTH_DOWN);
    for (uint8_t result = RESULT_OK; result <= RESULT_UNKNOWN; result++) {
        struct event late = { .kind = EV_ORDER_ENDED, .source = SOURCE_CREW, .cause = stuck.seq };
        late.body.order = stuck.body.order;
        late.body.order.result = result;
        assert_int_equal(rig_submit(r, &late, NULL), ADMIT_STALE);
    }
    struct care_order o;
    assert_true(care_order_of(r->control->care, 0, &o));
    assert_int_equal(o.step, STEP_REPLACE);
    assert_false(o.taken);
    assert_int_equal(rig_step_ended(r, EV_ORDER_OPENED, 3, RESULT_FAILED, STEP_COUNT), ADMIT_OK);
    assert_int_equal(sum_of(rig_last_of(r, EV_STEP_CHOSEN, 3), STEP_RESEAT)->bar, BAR_TRIED);
    finish(r);
}

static void the_part_of_what_was_swapped_is_in_the_store_again(void **state)
{
    (void)state;
    struct control_policy p = swap_policy();
    p.care.part[0].cost_uusd = 10 * USD;
    p.care.class[RIG_KILLS].ladder[RESEAT].part = 0;
    p.care.class[RIG_KILLS].ladder[REPLACE].part = CARE_PART_NONE;
    p.care.class[RIG_KILLS].ladder[REPLACE].cost_uusd = 100 * USD;
    struct rig *r = rig_make(NODES, &p);
    (void)reseat_asked(r, 3);
    assert_int_equal(care_stock(r->control->care, 0), 99);
    rig_wait(r, 12 * RIG_HOUR);
    assert_int_equal(rig_count(r, EV_ORDER_WITHDRAWN), 1);
    assert_int_equal(care_stock(r->control->care, 0), 100);
    finish(r);
}

static void no_machine_takes_the_place_of_a_crew(void **state)
{
    (void)state;
    struct control_policy p = swap_policy();
    struct care_class *k = &p.care.class[RIG_KILLS];
    k->ladder[3] = k->ladder[REPLACE];
    k->ladder[2] = k->ladder[REBOOT];
    k->ladder[2].step = STEP_FIRMWARE;
    k->ladder[2].duration_ms = 20 * HOUR_MS; /* so that a reseat comes first */
    k->ladder[3].cost_uusd = 100000 * USD;
    k->steps = 4;
    struct rig *r = rig_make(NODES, &p);
    (void)reseat_asked(r, 3);
    rig_wait(r, 3000 * RIG_HOUR);
    assert_true(rig_count(r, EV_ORDER_ESCALATED) > 6);
    assert_int_equal(rig_count(r, EV_ACTION_STARTED), 1);
    finish(r);
}

/* ---- what it is not for --------------------------------------------------------------------- */

static void nothing_is_swapped_where_the_rules_do_not_ask_for_it(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct control_policy p = swap_policy();
        p.care.swap = i != 0;
        p.care.escalate = i != 1;
        p.care.least_cost = i != 2;
        struct rig *r = rig_make(NODES, &p);
        (void)reseat_asked(r, 3);
        rig_wait(r, 200 * RIG_HOUR);
        assert_int_equal(rig_count(r, EV_ORDER_WITHDRAWN), 0);
        finish(r);
    }
}

static void neither_a_machine_nor_a_class_without_a_ladder_nor_a_part_of_no_node(void **state)
{
    (void)state;
    struct control_policy p = swap_policy();
    struct rig *r = rig_make(NODES, &p);
    (void)rig_finding(r, 3, RIG_KILLS); /* a machine at work on it: nobody knows what it does */
    (void)rig_finding(r, 4, RIG_DEFERS);
    (void)rig_finding_on(r, component_id(COMPONENT_SWITCH, 0), MW_NONE, RIG_KILLS);
    assert_int_equal(rig_step_ended(r, EV_ACTION_STARTED, MW_NONE, RESULT_FAILED, STEP_COUNT),
                     ADMIT_OK);
    rig_wait(r, 400 * RIG_HOUR);
    assert_true(rig_count(r, EV_ORDER_ESCALATED) > 8);
    assert_int_equal(rig_count(r, EV_ORDER_WITHDRAWN), 0);
    finish(r);
}

/* ---- the record ----------------------------------------------------------------------------- */

/* Orders grow stuck, are swapped, and some are answered, in a world without sense. */
static struct rig *played(const struct control_policy *p, uint64_t seed)
{
    struct rig *r = rig_make(NODES, p);
    r->hashes = true;
    r->finding = 100; /* the numbers below are the senseless world's */
    for (uint64_t n = 0; n < 120; n++) {
        uint32_t node = (uint32_t)(n * 7 % NODES);
        struct care_order o;
        rig_chaos(r, seed, n);
        if (n % 5 == 0)
            (void)rig_finding(r, node, RIG_KILLS);
        uint32_t slot = r->control->board->node_incident[node];
        if (slot != MW_NONE && care_order_of(r->control->care, slot, &o) && o.action)
            (void)rig_step_ended(r, EV_ACTION_STARTED, node, RESULT_FAILED, STEP_COUNT);
        if (n % 10 == 9)
            rig_wait(r, 7 * RIG_HOUR);
    }
    assert_true(rig_count(r, EV_ORDER_WITHDRAWN) > 2);
    return r;
}

static void a_record_with_swaps_gives_the_same_state_and_the_same_decisions(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct control_policy p = swap_policy();
        struct rig *r = played(&p, seed);
        (void)rig_check_read_back(r, 1, 5);
        rig_check_rederived(r);
        finish(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stuck_repair_is_swapped_when_a_spare_part_is_there),
        cmocka_unit_test(it_is_waited_on_when_that_costs_less),
        cmocka_unit_test(it_is_weighed_once_after_each_escalation),
        cmocka_unit_test(a_crew_that_has_it_is_told_to_stop_and_its_late_answer_is_stale),
        cmocka_unit_test(the_part_of_what_was_swapped_is_in_the_store_again),
        cmocka_unit_test(no_machine_takes_the_place_of_a_crew),
        cmocka_unit_test(nothing_is_swapped_where_the_rules_do_not_ask_for_it),
        cmocka_unit_test(neither_a_machine_nor_a_class_without_a_ladder_nor_a_part_of_no_node),
        cmocka_unit_test(a_record_with_swaps_gives_the_same_state_and_the_same_decisions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
