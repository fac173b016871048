/* The ladder: sums worked by hand, steps, answers, a person's say, stuck orders, the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "care/care_ladder.h"
#include "control/rig_ladder.h"

#define NODES 16
#define USD MW_MICRODOLLARS_PER_DOLLAR
#define MINUTE_MS MW_MS_PER_MIN
#define HOUR_MS MW_MS_PER_HOUR

static enum admit acted(struct rig *r, uint32_t node, uint8_t result)
{
    return rig_step_ended(r, EV_ACTION_STARTED, node, result, STEP_COUNT);
}

static enum admit repaired(struct rig *r, uint32_t node, uint8_t result)
{
    return rig_step_ended(r, EV_ORDER_OPENED, node, result, STEP_COUNT);
}

static uint8_t last_step(const struct rig *r, uint32_t kind, uint32_t node)
{
    const struct event *ev = &rig_last_of(r, kind, node)->ev;
    return kind == EV_STEP_CHOSEN ? ev->body.step.step : ev->body.order.step;
}

/* The alternative of the last choice about a step. */
static const struct step_sum *sum_of(const struct rig *r, uint32_t node, uint8_t step)
{
    const struct rig_event *e = rig_last_of(r, EV_STEP_CHOSEN, node);
    const struct step_sum *s = e->tail;
    for (uint32_t i = 0; i < e->ev.tail_size / sizeof(*s); i++)
        if (s[i].step == step)
            return &s[i];
    fail_msg("no alternative is step %u", step);
    return NULL;
}

static void finish(struct rig *r)
{
    rig_check_log(r);
    rig_check_accounts(r, RIG_HOUR);
    rig_free(r);
}

/* ---- sums ----------------------------------------------------------------------------------- */

static void the_sums_are_those_that_a_hand_works_out(void **state)
{
    (void)state;
    struct control_policy p = rig_ladder_policy();
    struct rig *r = rig_make(NODES, &p);
    (void)rig_finding(r, 3, RIG_KILLS);
    const struct rig_event *e = rig_last_of(r, EV_STEP_CHOSEN, 3);
    const struct step_sum *s = e->tail;
    assert_int_equal(e->ev.tail_size, 3 * sizeof(*s));
    /* replace: part 1000, crew 120, 4 h * $8, gate misses 10 % * 4.50: 1152.45 until it cures:
     * / 0.9 = 1280.50 */
    const struct step_sum *replace = sum_of(r, 3, STEP_REPLACE);
    assert_int_equal(replace->part_uusd, 1000 * USD);
    assert_int_equal(replace->crew_uusd, 120 * USD);
    assert_int_equal(replace->waiting_uusd, 32 * USD);
    assert_int_equal(replace->refault_uusd, 450000);
    assert_int_equal(replace->retry_uusd, 128050000);
    assert_int_equal(replace->total_uusd, 1280500000);
    /* reseat: crew 60, 2 h * $8, 50 % * 4.50, 50 % * 1280.50 = 718.50 */
    assert_int_equal(sum_of(r, 3, STEP_RESEAT)->total_uusd, 718500000);
    /* reboot: 1 h * $8, 60 % * 4.50, 60 % * 718.50 = 441.80 */
    assert_int_equal(s[0].step, STEP_REBOOT);
    assert_int_equal(s[0].waiting_uusd, 8 * USD);
    assert_int_equal(s[0].refault_uusd, 2700000);
    assert_int_equal(s[0].retry_uusd, 431100000);
    assert_int_equal(s[0].total_uusd, 441800000);
    assert_int_equal(s[0].odds_ppm, 400000);
    assert_int_equal(e->ev.body.step.cost_uusd, s[0].total_uusd);
    assert_int_equal(e->ev.body.step.chosen, 0);
    assert_int_equal(e->ev.body.step.visit, 1);
    finish(r);
}

static void the_least_cost_passes_by_a_light_step_that_hardly_ever_helps(void **state)
{
    (void)state;
    for (int in_order = 0; in_order < 2; in_order++) {
        struct control_policy p = rig_ladder_policy();
        p.care.least_cost = !in_order;
        p.care.class[RIG_KILLS].ladder[REBOOT].odds_ppm = 10000;
        p.care.class[RIG_KILLS].ladder[REBOOT].duration_ms = 12 * HOUR_MS;
        struct rig *r = rig_make(NODES, &p);
        (void)rig_finding(r, 3, RIG_KILLS);
        if (in_order)
            assert_int_equal(last_step(r, EV_ACTION_STARTED, 3), STEP_REBOOT);
        else
            assert_int_equal(last_step(r, EV_ORDER_OPENED, 3), STEP_RESEAT);
        finish(r);
    }
}

static void retirement_is_chosen_when_a_node_is_worth_less_than_its_repair(void **state)
{
    (void)state;
    /* Retirement is the end of the ladder.  Worth $20: a reboot is 8 + 2.70 + 60 % * 20 = 22.70.
     * Worth $100: a reboot first, 70.70; then a reseat would be 78.25 + 50 % * 100. */
    static const int64_t WORTH[] = { 20, 100, 100000 };
    for (uint32_t i = 0; i < 3; i++) {
        struct control_policy p = rig_ladder_policy();
        rig_with_retirement(&p);
        p.care.retire = true;
        p.care.node_worth_uusd = WORTH[i] * USD;
        struct rig *r = rig_make(NODES, &p);
        uint64_t f = rig_finding(r, 3, RIG_KILLS);
        assert_int_equal(sum_of(r, 3, STEP_RETIRE)->total_uusd, WORTH[i] * USD);
        assert_int_equal(rig_node_health(r, 3) == HEALTH_RETIRED, i == 0);
        if (i > 0)
            assert_int_equal(acted(r, 3, RESULT_FAILED), ADMIT_OK);
        assert_int_equal(rig_node_health(r, 3) == HEALTH_RETIRED, i < 2);
        assert_int_equal(r->control->board->node_incident[3] == MW_NONE, i < 2);
        assert_int_equal(rig_closed(r, 3, f), ADMIT_OK);
        finish(r);
    }
}

/* ---- steps and their answers ---------------------------------------------------------------- */

static void steps_go_up_the_ladder_until_the_gate_passes(void **state)
{
    (void)state;
    struct control_policy p = rig_ladder_policy();
    struct rig *r = rig_make(NODES, &p);
    rig_forget(r);
    uint64_t f = rig_finding(r, 3, RIG_KILLS);
    rig_expect(r, "finding.opened incident.opened node.moved step.chosen action.started "
                  "node.moved");
    const struct event *a = &rig_last(r, EV_ACTION_STARTED)->ev;
    assert_int_equal(a->body.order.who, WHO_BMC);
    assert_int_equal(a->body.order.lease_ms, 5 * MINUTE_MS);
    assert_int_equal(rig_node_health(r, 3), HEALTH_REPAIRING);
    assert_int_equal(acted(r, 3, RESULT_OK), ADMIT_OK);
    assert_int_equal(rig_closed(r, 3, f), ADMIT_OK);
    rig_forget(r);
    assert_int_equal(rig_gate(r, 3, RESULT_FAILED), ADMIT_OK);
    rig_expect(r, "gate.ended node.moved step.chosen order.opened");
    assert_int_equal(last_step(r, EV_ORDER_OPENED, 3), STEP_RESEAT);
    assert_int_equal(sum_of(r, 3, STEP_REBOOT)->bar, BAR_TRIED);
    rig_repair(r, 3);
    assert_int_equal(rig_gate(r, 3, RESULT_OK), ADMIT_OK);
    rig_wait(r, 2 * RIG_HOUR);
    assert_int_equal(rig_node_health(r, 3), HEALTH_READY);
    struct care_odds reboot = care_odds_of(r->control->care, RIG_KILLS, STEP_REBOOT);
    struct care_odds reseat = care_odds_of(r->control->care, RIG_KILLS, STEP_RESEAT);
    assert_int_equal(reboot.tried, 1);
    assert_int_equal(reboot.held, 0);
    assert_int_equal(reboot.ppm, 363636); /* 0.4 * 10 / 11 */
    assert_int_equal(reseat.held, 1);
    assert_int_equal(reseat.ppm, 545454); /* (5 + 1) / 11 */
    finish(r);
}

static void an_action_is_answered_once(void **state)
{
    (void)state;
    struct control_policy p = rig_ladder_policy();
    struct rig *r = rig_make(NODES, &p);
    (void)rig_finding(r, 3, RIG_KILLS);
    (void)rig_finding(r, 3, RIG_KILLS); /* joins: nothing more is started */
    assert_int_equal(rig_count(r, EV_ACTION_STARTED), 1);
    assert_int_equal(acted(r, 3, RESULT_FAILED), ADMIT_OK);
    assert_int_equal(acted(r, 3, RESULT_FAILED), ADMIT_STALE);
    assert_int_equal(acted(r, 3, RESULT_OK), ADMIT_STALE);
    assert_int_equal(rig_count(r, EV_ACTION_STARTED), 1);
    assert_int_equal(last_step(r, EV_ORDER_OPENED, 3), STEP_RESEAT);
    /* A work order is not answered by a machine, nor an action by a crew. */
    struct event ev = { .kind = EV_ACTION_ENDED, .source = SOURCE_CREW };
    ev.body.order = rig_last(r, EV_ORDER_OPENED)->ev.body.order;
    ev.cause = rig_last(r, EV_ORDER_OPENED)->ev.seq;
    ev.body.order.result = RESULT_OK;
    assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_IMPOSSIBLE);
    finish(r);
}

static void what_could_not_be_read_back_is_not_done_twice(void **state)
{
    (void)state;
    struct control_policy p = rig_ladder_policy();
    struct care_class *k = &p.care.class[RIG_KILLS];
    k->ladder[REPLACE] = k->ladder[REBOOT]; /* reboot, reset the GPU, power-cycle, reseat */
    k->ladder[3] = k->ladder[RESEAT];
    k->ladder[1] = k->ladder[0];
    k->ladder[0].step = STEP_RESET_GPU;
    k->ladder[0].duration_ms = 20 * HOUR_MS; /* so that the others come first */
    k->ladder[2].step = STEP_POWER_CYCLE;
    k->ladder[2].duration_ms = HOUR_MS;
    k->steps = 4;
    struct rig *r = rig_make(NODES, &p);
    (void)rig_finding(r, 3, RIG_KILLS);
    assert_int_equal(last_step(r, EV_ACTION_STARTED, 3), STEP_REBOOT);
    assert_int_equal(acted(r, 3, RESULT_UNKNOWN), ADMIT_OK);
    assert_int_equal(last_step(r, EV_ACTION_STARTED, 3), STEP_POWER_CYCLE);
    assert_int_equal(sum_of(r, 3, STEP_REBOOT)->bar, BAR_TRIED);
    assert_int_equal(sum_of(r, 3, STEP_RESET_GPU)->bar, BAR_LIGHT);
    assert_int_equal(acted(r, 3, RESULT_UNKNOWN), ADMIT_OK);
    assert_int_equal(rig_count(r, EV_ACTION_STARTED), 2);
    assert_int_equal(last_step(r, EV_ORDER_OPENED, 3), STEP_RESEAT);
    assert_int_equal(care_odds_of(r->control->care, RIG_KILLS, STEP_REBOOT).tried, 0);
    /* Nor when nothing is left: a crew does what is heaviest once more. */
    assert_int_equal(repaired(r, 3, RESULT_FAILED), ADMIT_OK);
    assert_int_equal(last_step(r, EV_ORDER_OPENED, 3), STEP_RESEAT);
    assert_int_equal(rig_count(r, EV_ACTION_STARTED), 2);
    assert_int_equal(rig_count(r, EV_ORDER_OPENED), 2);
    finish(r);
}

static void machines_alone_that_failed_leave_the_node_to_a_crew(void **state)
{
    (void)state;
    struct control_policy p = rig_ladder_policy();
    p.care.class[RIG_KILLS].steps = 1;
    struct rig *r = rig_make(NODES, &p);
    (void)rig_finding(r, 3, RIG_KILLS);
    assert_int_equal(acted(r, 3, RESULT_UNKNOWN), ADMIT_OK);
    assert_int_equal(last_step(r, EV_ORDER_OPENED, 3), STEP_REPAIR);
    assert_int_equal(rig_last(r, EV_ORDER_OPENED)->ev.body.order.who, WHO_TECHNICIAN);
    finish(r);
}

static void a_step_that_never_holds_is_no_longer_the_first(void **state)
{
    (void)state;
    struct control_policy p = rig_ladder_policy();
    p.care.class[RIG_KILLS].ladder[REBOOT].duration_ms = 6 * HOUR_MS;
    p.care.class[RIG_KILLS].ladder[RESEAT].odds_ppm = 900000;
    struct rig *r = rig_make(NODES, &p);
    uint32_t reboots = 0;
    for (uint32_t node = 0; node < 10; node++) {
        uint64_t f = rig_finding(r, node, RIG_KILLS);
        if (last_step(r, EV_STEP_CHOSEN, node) == STEP_REBOOT) {
            reboots++;
            assert_int_equal(acted(r, node, RESULT_FAILED), ADMIT_OK);
        }
        rig_repair(r, node);
        assert_int_equal(rig_closed(r, node, f), ADMIT_OK);
    }
    assert_true(reboots > 0);
    (void)rig_finding(r, 12, RIG_KILLS);
    assert_int_equal(last_step(r, EV_STEP_CHOSEN, 12), STEP_RESEAT);
    assert_true(sum_of(r, 12, STEP_REBOOT)->odds_ppm < 400000);
    assert_int_equal(sum_of(r, 12, STEP_REBOOT)->tried, reboots);
    finish(r);
}

static void what_a_technician_did_is_what_is_learnt_from(void **state)
{
    (void)state;
    struct control_policy p = rig_ladder_policy();
    struct rig *r = rig_make(NODES, &p);
    uint64_t f = rig_finding(r, 3, RIG_KILLS);
    assert_int_equal(acted(r, 3, RESULT_FAILED), ADMIT_OK);
    assert_int_equal(last_step(r, EV_ORDER_OPENED, 3), STEP_RESEAT);
    assert_int_equal(rig_step_ended(r, EV_ORDER_OPENED, 3, RESULT_OK, STEP_REPLACE), ADMIT_OK);
    assert_int_equal(rig_closed(r, 3, f), ADMIT_OK);
    assert_int_equal(rig_gate(r, 3, RESULT_OK), ADMIT_OK);
    rig_wait(r, 2 * RIG_HOUR);
    assert_int_equal(care_odds_of(r->control->care, RIG_KILLS, STEP_RESEAT).tried, 0);
    assert_int_equal(care_odds_of(r->control->care, RIG_KILLS, STEP_REPLACE).held, 1);
    finish(r);
}

static void a_technician_may_say_that_the_node_is_gone(void **state)
{
    (void)state;
    struct control_policy p = rig_ladder_policy();
    struct rig *r = rig_make(NODES, &p);
    (void)rig_finding(r, 3, RIG_KILLS);
    assert_int_equal(acted(r, 3, RESULT_FAILED), ADMIT_OK);
    assert_int_equal(rig_step_ended(r, EV_ORDER_OPENED, 3, RESULT_OK, STEP_RETIRE), ADMIT_OK);
    assert_int_equal(rig_node_health(r, 3), HEALTH_RETIRED);
    assert_int_equal(r->control->board->node_incident[3], MW_NONE);
    finish(r);
}

static void a_finding_that_stays_after_the_repair_asks_for_the_next_step(void **state)
{
    (void)state;
    struct control_policy p = rig_ladder_policy();
    struct rig *r = rig_make(NODES, &p);
    (void)rig_finding(r, 3, RIG_KILLS);
    assert_int_equal(acted(r, 3, RESULT_OK), ADMIT_OK);
    rig_wait(r, 11 * RIG_MINUTE); /* settle_ms is 10 minutes */
    assert_int_equal(last_step(r, EV_ORDER_OPENED, 3), STEP_RESEAT);
    struct care_odds reboot = care_odds_of(r->control->care, RIG_KILLS, STEP_REBOOT);
    assert_int_equal(reboot.tried, 1);
    assert_int_equal(reboot.held, 0);
    finish(r);
}

/* ---- history -------------------------------------------------------------------------------- */

static void a_refault_asks_for_no_less_than_the_last_time(void **state)
{
    (void)state;
    struct control_policy p = rig_ladder_policy();
    struct rig *r = rig_make(NODES, &p);
    uint64_t f = rig_finding(r, 3, RIG_KILLS);
    assert_int_equal(acted(r, 3, RESULT_FAILED), ADMIT_OK);
    rig_repair(r, 3);
    assert_int_equal(rig_closed(r, 3, f), ADMIT_OK);
    assert_int_equal(rig_gate(r, 3, RESULT_OK), ADMIT_OK);
    rig_wait(r, 20 * RIG_HOUR);
    assert_int_equal(care_odds_of(r->control->care, RIG_KILLS, STEP_RESEAT).held, 1);
    (void)rig_finding(r, 3, RIG_KILLS);
    assert_int_equal(sum_of(r, 3, STEP_REBOOT)->bar, BAR_LIGHT);
    assert_int_equal(last_step(r, EV_ORDER_OPENED, 3), STEP_RESEAT);
    /* … and what was counted as held is taken back. */
    assert_int_equal(care_odds_of(r->control->care, RIG_KILLS, STEP_RESEAT).held, 0);
    assert_int_equal(care_odds_of(r->control->care, RIG_KILLS, STEP_RESEAT).tried, 1);
    finish(r);
}

static void a_lemon_is_seated_anew_at_least(void **state)
{
    (void)state;
    struct control_policy p = rig_ladder_policy();
    memset(p.care.lemon_at, 0, sizeof(p.care.lemon_at));
    p.care.lemon_at[LEMON_EXCLUDED] = 1;
    p.care.lemon_signals = 1;
    struct rig *r = rig_make(NODES, &p);
    assert_int_equal(rig_command(r, CMD_HOLD, 3, "not this one again"), ADMIT_OK);
    assert_int_equal(rig_count(r, EV_NODE_JUDGED), 1);
    (void)rig_finding(r, 3, RIG_KILLS);
    assert_int_equal(sum_of(r, 3, STEP_REBOOT)->bar, BAR_LIGHT);
    assert_int_equal(last_step(r, EV_ORDER_OPENED, 3), STEP_RESEAT);
    finish(r);
}

static void the_last_resort_is_retirement(void **state)
{
    (void)state;
    struct control_policy p = rig_ladder_policy();
    rig_with_retirement(&p);
    struct rig *r = rig_make(NODES, &p);
    (void)rig_finding(r, 3, RIG_KILLS);
    assert_int_equal(sum_of(r, 3, STEP_RETIRE)->bar, BAR_MODE);
    assert_int_equal(acted(r, 3, RESULT_FAILED), ADMIT_OK);
    assert_int_equal(repaired(r, 3, RESULT_FAILED), ADMIT_OK);
    assert_int_equal(last_step(r, EV_ORDER_OPENED, 3), STEP_REPLACE);
    rig_forget(r);
    assert_int_equal(repaired(r, 3, RESULT_FAILED), ADMIT_OK);
    rig_expect(r, "order.ended step.chosen node.moved incident.closed");
    assert_int_equal(rig_node_health(r, 3), HEALTH_RETIRED);
    finish(r);
}

static void without_retirement_the_heaviest_step_is_done_again(void **state)
{
    (void)state;
    struct control_policy p = rig_ladder_policy();
    struct rig *r = rig_make(NODES, &p);
    (void)rig_finding(r, 3, RIG_KILLS);
    assert_int_equal(acted(r, 3, RESULT_FAILED), ADMIT_OK);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(repaired(r, 3, RESULT_FAILED), ADMIT_OK);
    assert_int_equal(last_step(r, EV_ORDER_OPENED, 3), STEP_REPLACE);
    assert_int_equal(rig_last(r, EV_ORDER_OPENED)->ev.body.order.visit, 6);
    finish(r);
}

static void a_node_that_costs_more_than_it_earns_is_retired_though_a_repair_is_cheap(void **state)
{
    (void)state;
    static const int64_t WORTH[] = { 400, 1000000 };
    for (uint32_t i = 0; i < 2; i++) {
        struct control_policy p = rig_ladder_policy();
        rig_with_retirement(&p);
        p.care.retire = true;
        p.care.node_worth_uusd = WORTH[i] * USD;
        struct rig *r = rig_make(NODES, &p);
        for (uint32_t visit = 0; visit < 2; visit++) {
            uint64_t f = rig_finding(r, 3, RIG_KILLS);
            rig_wait(r, 5 * RIG_HOUR);
            assert_int_equal(acted(r, 3, RESULT_OK), ADMIT_OK);
            assert_int_equal(rig_closed(r, 3, f), ADMIT_OK);
            assert_int_equal(rig_gate(r, 3, RESULT_OK), ADMIT_OK);
            rig_wait(r, 20 * RIG_HOUR);
            assert_int_equal(rig_node_health(r, 3), HEALTH_READY);
        }
        (void)rig_finding(r, 3, RIG_KILLS);
        assert_int_equal(rig_node_health(r, 3) == HEALTH_RETIRED, i == 0);
        assert_int_equal(sum_of(r, 3, STEP_RETIRE)->total_uusd, WORTH[i] * USD);
        /* What keeping it would cost is in the sums of what would keep it. */
        assert_int_equal(sum_of(r, 3, STEP_REBOOT)->refault_uusd > 400 * USD, i == 0);
        finish(r);
    }
}

/* ---- a person's say ------------------------------------------------------------------------- */

static void below_act_a_machine_waits_for_a_person(void **state)
{
    (void)state;
    struct control_policy p = rig_ladder_policy();
    p.guard.mode = MODE_APPROVE;
    struct rig *r = rig_make(NODES, &p);
    rig_forget(r);
    (void)rig_finding(r, 3, RIG_KILLS);
    rig_expect(r, "finding.opened incident.opened node.moved step.chosen advice");
    const struct rig_event *advice = rig_last_of(r, EV_ADVICE, 3);
    assert_int_equal(advice->ev.body.advice.kind, EV_ACTION_STARTED);
    assert_int_equal(advice->ev.body.advice.step, STEP_REBOOT);
    assert_int_equal(care_advice_open(r->control->care, 3), advice->ev.seq);
    rig_wait(r, 10 * RIG_HOUR);
    assert_int_equal(rig_count(r, EV_ACTION_STARTED), 0);
    rig_forget(r);
    assert_int_equal(rig_answer(r, CMD_APPROVE, advice), ADMIT_OK);
    rig_expect(r, "command action.started node.moved");
    assert_int_equal(rig_last(r, EV_ACTION_STARTED)->ev.actor, 42);
    assert_int_equal(rig_answer(r, CMD_APPROVE, advice), ADMIT_STALE);
    finish(r);
}

static void a_step_that_a_person_rejects_is_not_proposed_again(void **state)
{
    (void)state;
    struct control_policy p = rig_ladder_policy();
    p.guard.mode = MODE_APPROVE;
    struct rig *r = rig_make(NODES, &p);
    (void)rig_finding(r, 3, RIG_KILLS);
    rig_forget(r);
    assert_int_equal(rig_answer(r, CMD_REJECT, rig_last_of(r, EV_ADVICE, 3)), ADMIT_OK);
    rig_expect(r, "command step.chosen order.opened");
    assert_int_equal(sum_of(r, 3, STEP_REBOOT)->bar, BAR_MODE);
    assert_int_equal(last_step(r, EV_ORDER_OPENED, 3), STEP_RESEAT);
    assert_int_equal(care_advice_open(r->control->care, 3), 0);
    finish(r);
}

static void a_person_may_approve_what_is_done_to_a_part_of_no_node(void **state)
{
    (void)state;
    struct control_policy p = rig_ladder_policy();
    p.guard.mode = MODE_APPROVE;
    struct rig *r = rig_make(NODES, &p);
    (void)rig_finding_on(r, component_id(COMPONENT_SWITCH, 0), MW_NONE, RIG_KILLS);
    const struct rig_event *advice = rig_last_of(r, EV_ADVICE, MW_NONE);
    assert_int_equal(rig_answer(r, CMD_APPROVE, advice), ADMIT_OK);
    assert_int_equal(last_step(r, EV_ACTION_STARTED, MW_NONE), STEP_REBOOT);
    assert_int_equal(acted(r, MW_NONE, RESULT_FAILED), ADMIT_OK);
    assert_int_equal(last_step(r, EV_ORDER_OPENED, MW_NONE), STEP_RESEAT);
    finish(r);
}

static void what_waited_for_a_person_is_done_when_the_hall_acts(void **state)
{
    (void)state;
    struct control_policy p = rig_ladder_policy();
    p.guard.mode = MODE_APPROVE;
    struct rig *r = rig_make(NODES, &p);
    (void)rig_finding(r, 3, RIG_KILLS);
    (void)rig_finding(r, 4, RIG_KILLS);
    assert_int_equal(rig_count(r, EV_ACTION_STARTED), 0);
    assert_int_equal(rig_command(r, CMD_SET_MODE, 0, "act"), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    assert_int_equal(rig_count(r, EV_ACTION_STARTED), 2);
    assert_int_equal(care_advice_open(r->control->care, 3), 0);
    finish(r);
}

static void where_nobody_can_say_yes_a_crew_is_asked_instead_of_a_machine(void **state)
{
    (void)state;
    struct control_policy p = rig_ladder_policy();
    p.guard.mode = MODE_ADVISE;
    struct rig *r = rig_make(NODES, &p);
    (void)rig_finding(r, 3, RIG_KILLS);
    assert_int_equal(sum_of(r, 3, STEP_REBOOT)->bar, BAR_MODE);
    assert_int_equal(last_step(r, EV_ORDER_OPENED, 3), STEP_RESEAT);
    assert_int_equal(rig_count(r, EV_ADVICE), 0);
    finish(r);
}

/* ---- stuck ---------------------------------------------------------------------------------- */

static void a_stuck_order_is_escalated_again_and_again_more_rarely(void **state)
{
    (void)state;
    struct control_policy p = rig_ladder_policy();
    struct rig *r = rig_make(NODES, &p);
    (void)rig_finding(r, 3, RIG_KILLS);
    assert_int_equal(acted(r, 3, RESULT_FAILED), ADMIT_OK); /* a reseat, to be done in 4 h */
    rig_wait(r, 4 * RIG_HOUR - RIG_SECOND);
    assert_int_equal(rig_count(r, EV_ORDER_ESCALATED), 0);
    rig_wait(r, RIG_SECOND);
    const struct event *e = &rig_last(r, EV_ORDER_ESCALATED)->ev;
    assert_int_equal(e->body.order.level, 1);
    assert_int_equal(e->body.order.step, STEP_RESEAT);
    assert_int_equal(e->body.order.deadline_ms, 8 * HOUR_MS);
    assert_int_equal(e->cause, rig_last(r, EV_ORDER_OPENED)->ev.seq);
    rig_wait(r, 8 * RIG_HOUR);
    assert_int_equal(rig_last(r, EV_ORDER_ESCALATED)->ev.body.order.level, 2);
    struct care_order o;
    assert_true(care_order_of(r->control->care, 0, &o));
    assert_int_equal(o.level, 2);
    assert_int_equal(o.deadline_ms, o.opened_ms + 4 * HOUR_MS);
    assert_int_equal(o.next_ms, o.opened_ms + (4 + 8 + 16) * HOUR_MS);
    assert_int_equal(o.escalated, rig_last(r, EV_ORDER_ESCALATED)->ev.seq);
    /* The world was told, and it is told again after a restart. */
    assert_int_equal(r->acted[r->acted_length - 1].kind, EV_ORDER_ESCALATED);
    struct rig *again = rig_make_on(r->fleet, &p, rig_copy(r, r->log_length), false);
    assert_int_equal(again->acted_length, 2);
    assert_int_equal(again->acted[0].kind, EV_ORDER_OPENED);
    assert_int_equal(again->acted[1].body.order.level, 2);
    rig_free(again);
    assert_int_equal(repaired(r, 3, RESULT_OK), ADMIT_OK);
    rig_wait(r, 100 * RIG_HOUR); /* the finding stays: the next order begins at level 0 */
    assert_int_equal(rig_last(r, EV_ORDER_OPENED)->ev.body.order.level, 0);
    assert_int_equal(care_orders(r->control->care, &o, 1), 1);
    assert_int_equal(o.step, STEP_REPLACE);
    finish(r);
}

static void nobody_is_told_where_the_rules_do_not_ask_for_it(void **state)
{
    (void)state;
    struct control_policy p = rig_ladder_policy();
    p.care.escalate = false;
    struct rig *r = rig_make(NODES, &p);
    (void)rig_finding(r, 3, RIG_KILLS);
    rig_wait(r, 100 * RIG_HOUR);
    assert_int_equal(rig_count(r, EV_ORDER_ESCALATED), 0);
    finish(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sums_are_those_that_a_hand_works_out),
        cmocka_unit_test(the_least_cost_passes_by_a_light_step_that_hardly_ever_helps),
        cmocka_unit_test(retirement_is_chosen_when_a_node_is_worth_less_than_its_repair),
        cmocka_unit_test(steps_go_up_the_ladder_until_the_gate_passes),
        cmocka_unit_test(an_action_is_answered_once),
        cmocka_unit_test(what_could_not_be_read_back_is_not_done_twice),
        cmocka_unit_test(machines_alone_that_failed_leave_the_node_to_a_crew),
        cmocka_unit_test(a_step_that_never_holds_is_no_longer_the_first),
        cmocka_unit_test(what_a_technician_did_is_what_is_learnt_from),
        cmocka_unit_test(a_technician_may_say_that_the_node_is_gone),
        cmocka_unit_test(a_finding_that_stays_after_the_repair_asks_for_the_next_step),
        cmocka_unit_test(a_refault_asks_for_no_less_than_the_last_time),
        cmocka_unit_test(a_lemon_is_seated_anew_at_least),
        cmocka_unit_test(the_last_resort_is_retirement),
        cmocka_unit_test(a_node_that_costs_more_than_it_earns_is_retired_though_a_repair_is_cheap),
        cmocka_unit_test(without_retirement_the_heaviest_step_is_done_again),
        cmocka_unit_test(below_act_a_machine_waits_for_a_person),
        cmocka_unit_test(a_step_that_a_person_rejects_is_not_proposed_again),
        cmocka_unit_test(a_person_may_approve_what_is_done_to_a_part_of_no_node),
        cmocka_unit_test(where_nobody_can_say_yes_a_crew_is_asked_instead_of_a_machine),
        cmocka_unit_test(what_waited_for_a_person_is_done_when_the_hall_acts),
        cmocka_unit_test(a_stuck_order_is_escalated_again_and_again_more_rarely),
        cmocka_unit_test(nobody_is_told_where_the_rules_do_not_ask_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
