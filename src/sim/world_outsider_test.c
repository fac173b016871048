/*
 * A person from outside the simulation in a world without a controller: what he
 * reports is done, the crew leaves it to him, and who does not finish what he
 * took is helped.
 */
#include "sim/world_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MINUTE MW_NS_PER_MIN
#define HOUR MW_NS_PER_HOUR
#define DAY MW_NS_PER_DAY
#define ACTOR 1042u

static struct stage stage;

/* A crew, repairs of ten hours, faults seen on all nodes. */
static void begin(uint32_t crews)
{
    stage_cured(&stage)->repair = stage_one(10 * HOUR);
    stage.scenario.crews = crews;
    stage_begin(&stage, 1);
    stage_run_until(&stage, DAY + MINUTE);
}

static void says(struct event ev)
{
    ev.source = SOURCE_PERSON;
    ev.actor = ACTOR;
    ev.observed_ns = stage.scenario.start_ns + stage.now_ns;
    world_observe(stage.world, ev.observed_ns, &ev);
}

/* About the order: taken, or ended with what was done. */
static void reports(const struct event *order, uint16_t kind, uint8_t result, uint8_t step)
{
    struct event ev = {.kind = kind, .seq = ++stage.seq, .cause = order->seq};
    ev.body.order = order->body.order;
    ev.body.order.result = result;
    ev.body.order.step = step;
    says(ev);
}

static struct event ordered(uint32_t node)
{
    struct event ev = stage_order(&stage, EV_ORDER_OPENED, node, 0, STEP_REPLACE);
    stage_act(&stage, &ev);
    return ev;
}

static void what_he_reports_is_done_and_its_finding_ends(void **state)
{
    (void)state;
    begin(4);
    struct event order = ordered(2);
    stage_run_until(&stage, DAY + HOUR);
    assert_non_null(stage_fact(&stage, EV_ORDER_TAKEN, 2, 0)); /* hands of a crew are on */
    reports(&order, EV_ORDER_ENDED, RESULT_OK, STEP_REPLACE);
    assert_non_null(stage_fact(&stage, EV_FINDING_CLOSED, 2, 0));
    assert_true(stage_gate(&stage, 2));
    stage_run_until(&stage, 3 * DAY);
    assert_null(stage_fact(&stage, EV_ORDER_ENDED, 2, 0)); /* the crew says nothing to it */
    stage_finish(&stage);
}

static void what_he_says_failed_is_still_broken(void **state)
{
    (void)state;
    begin(4);
    struct event order = ordered(2);
    reports(&order, EV_ORDER_ENDED, RESULT_FAILED, STEP_REPLACE);
    assert_null(stage_fact(&stage, EV_FINDING_CLOSED, 2, 0));
    assert_false(stage_gate(&stage, 2));
    struct event again = ordered(2);
    stage_run_until(&stage, 3 * DAY);
    assert_int_equal(stage_fact(&stage, EV_ORDER_ENDED, 2, 0)->cause, again.seq);
    stage_finish(&stage);
}

static void a_crew_goes_to_the_next_order_when_he_takes_its_own(void **state)
{
    (void)state;
    begin(1);
    struct event first = ordered(2);
    (void)ordered(3);
    stage_run_until(&stage, DAY + HOUR);
    assert_non_null(stage_fact(&stage, EV_ORDER_TAKEN, 2, 0));
    assert_null(stage_fact(&stage, EV_ORDER_TAKEN, 3, 0));
    reports(&first, EV_ORDER_TAKEN, 0, STEP_REPLACE);
    stage_run_until(&stage, DAY + 2 * HOUR);
    assert_non_null(stage_fact(&stage, EV_ORDER_TAKEN, 3, 0));
    stage_run_until(&stage, 3 * DAY);
    assert_non_null(stage_fact(&stage, EV_ORDER_ENDED, 3, 0));
    assert_null(stage_fact(&stage, EV_ORDER_ENDED, 2, 0)); /* it is his */
    assert_null(stage_fact(&stage, EV_FINDING_CLOSED, 2, 0));
    reports(&first, EV_ORDER_ENDED, RESULT_OK, STEP_REPLACE);
    assert_non_null(stage_fact(&stage, EV_FINDING_CLOSED, 2, 0));
    stage_finish(&stage);
}

static void one_that_waits_in_line_or_for_a_part_can_be_his_as_well(void **state)
{
    (void)state;
    stage_cured(&stage)->repair = stage_one(10 * HOUR);
    stage.scenario.crews = 1;
    stage.scenario.policy.care.parts = 1;
    stage.scenario.policy.care.part[0] = (struct care_part){.name = "board", .stock = 0};
    stage_begin(&stage, 1);
    stage_run_until(&stage, DAY + MINUTE);
    (void)ordered(2);
    struct event waits = ordered(3);
    struct event part = stage_order(&stage, EV_ORDER_OPENED, 4, 0, STEP_REPLACE);
    part.body.order.part = 0;
    stage_act(&stage, &part);
    reports(&waits, EV_ORDER_ENDED, RESULT_OK, STEP_REPLACE);
    reports(&part, EV_ORDER_ENDED, RESULT_OK, STEP_REPLACE);
    assert_non_null(stage_fact(&stage, EV_FINDING_CLOSED, 3, 0));
    assert_non_null(stage_fact(&stage, EV_FINDING_CLOSED, 4, 0));
    assert_int_equal(stage_stats(&stage).parts_used, 1); /* his own, and the next makes up for it */
    stage_run_until(&stage, 3 * DAY);
    assert_non_null(stage_fact(&stage, EV_ORDER_ENDED, 2, 0));
    assert_null(stage_fact(&stage, EV_ORDER_TAKEN, 3, 0));
    assert_null(stage_fact(&stage, EV_ORDER_TAKEN, 4, 0));
    stage_finish(&stage);
}

static void what_he_took_and_did_not_do_gets_a_crew_when_it_is_escalated(void **state)
{
    (void)state;
    begin(1);
    struct event order = ordered(2);
    reports(&order, EV_ORDER_TAKEN, 0, STEP_REPLACE);
    stage_run_until(&stage, 2 * DAY);
    assert_null(stage_fact(&stage, EV_ORDER_TAKEN, 2, 0));
    struct event stuck = stage_order(&stage, EV_ORDER_ESCALATED, 2, 0, STEP_REPLACE);
    stuck.body.order.level = 1;
    stage_act(&stage, &stuck);
    stage_run_until(&stage, 4 * DAY);
    assert_non_null(stage_fact(&stage, EV_ORDER_TAKEN, 2, 0));
    assert_int_equal(stage_fact(&stage, EV_ORDER_ENDED, 2, 0)->cause, order.seq);
    stage_finish(&stage);
}

static void an_order_that_is_withdrawn_from_him_is_over(void **state)
{
    (void)state;
    begin(1);
    struct event order = ordered(2);
    reports(&order, EV_ORDER_TAKEN, 0, STEP_REPLACE);
    struct event over = stage_order(&stage, EV_ORDER_WITHDRAWN, 2, 0, STEP_REPLACE);
    stage_act(&stage, &over);
    reports(&order, EV_ORDER_ENDED, RESULT_OK, STEP_REPLACE); /* too late: nobody asked */
    assert_null(stage_fact(&stage, EV_FINDING_CLOSED, 2, 0));
    (void)ordered(3);
    stage_run_until(&stage, 3 * DAY);
    assert_non_null(stage_fact(&stage, EV_ORDER_ENDED, 3, 0));
    stage_finish(&stage);
}

static void a_gate_that_he_answers_says_nothing_more(void **state)
{
    (void)state;
    begin(4);
    struct event gate = {.kind = EV_GATE_STARTED, .seq = ++stage.seq};
    gate.body.gate = (struct body_gate){.node = 2, .slot = 2, .length_ms = MW_MS_PER_MIN,
                                        .visit = 1};
    stage_act(&stage, &gate);
    struct event passed = {.kind = EV_GATE_ENDED, .seq = ++stage.seq, .cause = gate.seq};
    passed.body = gate.body;
    passed.body.gate.result = RESULT_OK;
    says(passed);
    stage_run_until(&stage, DAY + HOUR);
    assert_null(stage_fact(&stage, EV_GATE_ENDED, 2, 0));
    assert_false(stage_gate(&stage, 2)); /* the next one is run as ever */
    stage_finish(&stage);
}

static void advise(uint32_t hall)
{
    struct event ev = {.kind = EV_ADVICE, .seq = ++stage.seq};
    ev.body.advice = (struct body_advice){.node = 3, .slot = 7, .hall = hall,
                                          .kind = EV_DRAIN_ORDERED, .reason = GUARD_MODE};
    world_observe(stage.world, stage.scenario.start_ns + stage.now_ns, &ev);
}

static uint32_t approvals(void)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < stage.facts; i++)
        n += stage.fact[i].kind == EV_COMMAND &&
             stage.fact[i].body.command.verb == CMD_APPROVE;
    return n;
}

static void sets_mode(uint8_t mode)
{
    struct event ev = {.kind = EV_COMMAND, .seq = ++stage.seq};
    ev.body.command = (struct body_command){.verb = CMD_SET_MODE, .mode = mode, .node = MW_NONE,
                                            .hall = 0, .slot = MW_NONE};
    says(ev);
}

static void who_lowers_a_mode_answers_the_advice_himself_until_he_sets_it_back(void **state)
{
    (void)state;
    stage_cured(&stage);
    stage.scenario.approve_after_ns = HOUR;
    stage_begin(&stage, 1);
    stage_run_until(&stage, HOUR);
    sets_mode(MODE_APPROVE);
    advise(0);
    stage_run_until(&stage, 4 * HOUR);
    assert_int_equal(approvals(), 0);
    sets_mode(MODE_ACT);
    advise(0);
    stage_run_until(&stage, 8 * HOUR);
    assert_int_equal(approvals(), 1);
    stage_finish(&stage);
}

int main(void)
{
#define T(name) cmocka_unit_test(name)
    static const struct CMUnitTest tests[] = {
        T(what_he_reports_is_done_and_its_finding_ends),
        T(what_he_says_failed_is_still_broken),
        T(a_crew_goes_to_the_next_order_when_he_takes_its_own),
        T(one_that_waits_in_line_or_for_a_part_can_be_his_as_well),
        T(what_he_took_and_did_not_do_gets_a_crew_when_it_is_escalated),
        T(an_order_that_is_withdrawn_from_him_is_over),
        T(a_gate_that_he_answers_says_nothing_more),
        T(who_lowers_a_mode_answers_the_advice_himself_until_he_sets_it_back),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
