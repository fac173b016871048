/*
 * What crews, vendors and the store of parts truly do with the orders they are
 * given, without a controller: in which order, how long, and with what answer.
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

static struct stage stage;

static void a_replaced_part_has_a_new_serial_in_the_answer(void **state)
{
    (void)state;
    stage_cured(&stage);
    stage_begin(&stage, 1);
    stage_run_until(&stage, DAY + MINUTE);
    stage_work_order(&stage, 2, 0, STEP_REPLACE);
    stage_work_order(&stage, 3, 0, STEP_RESEAT);
    stage_work_order(&stage, 4, 0, STEP_RMA);
    stage_run_until(&stage, DAY + 3 * HOUR);
    assert_string_equal(stage_text(&stage, EV_ORDER_ENDED, 2, 0),
                        "replaced; serial node/2-0 -> node/2-1");
    assert_string_equal(stage_text(&stage, EV_ORDER_ENDED, 3, 0), "reseated");
    assert_string_equal(stage_text(&stage, EV_ORDER_ENDED, 4, 0),
                        "came back from the vendor; serial node/4-0 -> node/4-1");
    assert_int_equal(stage_fact(&stage, EV_ORDER_ENDED, 2, 0)->body.order.step, STEP_REPLACE);
    assert_int_equal(stage_stats(&stage).nodes_swapped, 1);
    stage_finish(&stage);
}

/* Nodes 2 to 4 are to get the part 0 each. */
static void replace_three(void)
{
    for (uint32_t node = 2; node < 5; node++) {
        struct event ev = stage_order(&stage, EV_ORDER_OPENED, node, 0, STEP_REPLACE);
        ev.body.order.part = 0;
        stage_act(&stage, &ev);
    }
}

static void an_order_waits_for_its_part_and_the_store_serves_in_turn(void **state)
{
    (void)state;
    stage_cured(&stage);
    stage.scenario.policy.care.parts = 1;
    stage.scenario.policy.care.part[0] = (struct care_part){.name = "board", .lead_ms = 0,
                                                            .stock = 1};
    stage.scenario.part_arrives[0] = stage_one(5 * HOUR);
    stage_begin(&stage, 1);
    stage_run_until(&stage, DAY + MINUTE);
    replace_three();
    stage_run_until(&stage, DAY + HOUR);
    assert_non_null(stage_fact(&stage, EV_ORDER_TAKEN, 2, 0));
    assert_null(stage_fact(&stage, EV_ORDER_TAKEN, 3, 0));
    struct event ev = {.kind = EV_PARTS_ORDERED, .seq = ++stage.seq};
    ev.body.parts = (struct body_parts){.count = 1, .part = 0};
    stage_act(&stage, &ev);
    stage_act(&stage, &ev);
    stage_run_until(&stage, DAY + 20 * HOUR);
    const struct event *parts = stage_fact(&stage, EV_PARTS_ARRIVED, 0, 0);
    assert_int_equal(parts->source, SOURCE_STORE);
    assert_true(parts->cause == ev.seq && parts->body.parts.order == ev.seq);
    assert_true(parts->observed_ns == stage.scenario.start_ns + DAY + 6 * HOUR);
    assert_null(stage_fact(&stage, EV_PARTS_ARRIVED, 0, 1));
    assert_non_null(stage_fact(&stage, EV_ORDER_ENDED, 3, 0));
    assert_null(stage_fact(&stage, EV_ORDER_TAKEN, 4, 0));
    assert_int_equal(stage_stats(&stage).parts_used, 2);
    stage_finish(&stage);
}

static struct event notice(uint16_t kind, uint32_t node, uint8_t level)
{
    struct event ev = stage_order(&stage, kind, node, 0, STEP_REPAIR);
    ev.body.order.level = level;
    return ev;
}

static void an_escalated_order_goes_first_and_gains_only_what_the_scenario_says(void **state)
{
    (void)state;
    for (uint32_t sooner = 0; sooner < 2; sooner++) {
        stage_cured(&stage)->repair = stage_one(10 * HOUR);
        stage.scenario.crews = 1;
        if (sooner)
            stage.scenario.escalated = stage_one(HOUR);
        stage_begin(&stage, 1);
        stage_run_until(&stage, DAY + MINUTE);
        stage_work_order(&stage, 2, 0, STEP_REPAIR);
        stage_work_order(&stage, 3, 0, STEP_REPAIR);
        stage_work_order(&stage, 4, 0, STEP_REPAIR);
        stage_run_until(&stage, DAY + HOUR);
        struct event first = notice(EV_ORDER_ESCALATED, 4, 1);
        struct event hands = notice(EV_ORDER_ESCALATED, 2, 1);
        stage_act(&stage, &first);
        stage_act(&stage, &hands);
        stage_run_until(&stage, 3 * DAY);
        int64_t done_ns = stage_seen_ns(&stage, EV_ORDER_ENDED, 2, 0) - DAY;
        assert_true(done_ns == (sooner ? 2 * HOUR : 10 * HOUR + MINUTE));
        assert_true(stage_seen_ns(&stage, EV_ORDER_TAKEN, 4, 0) <
                    stage_seen_ns(&stage, EV_ORDER_TAKEN, 3, 0));
        assert_int_equal(stage_stats(&stage).orders_escalated, 2);
        stage_finish(&stage);
    }
}

/* One fault of one node, from the first to the eleventh day. */
static void of_a_trace(void)
{
    static struct trace_fault fault = {.start_ns = DAY, .end_ns = 11 * DAY};
    static char names[1][64] = {"unknown"};
    static struct fault_trace trace = {.fault = &fault, .faults = 1, .nodes_seen = 1,
                                       .length_ns = 11 * DAY, .class_name = names, .classes = 1,
                                       .desc_name = names, .descs = 1};
    stage_cured(&stage);
    stage.scenario.processes = 0;
    stage.trace = &trace;
}

/* The trace says what happened when nobody hurried and nobody sent another node. */
static void a_traced_repair_ends_with_its_trace_unless_it_is_hurried_or_swapped(void **state)
{
    static const int64_t ends_ns[] = {11 * DAY, 11 * DAY, 2 * DAY + 6 * HOUR, 5 * DAY + MINUTE};
    (void)state;
    for (uint32_t i = 0; i < MW_ARRAY_LEN(ends_ns); i++) {
        of_a_trace();
        if (i == 2)
            stage.scenario.escalated = stage_one(6 * HOUR);
        stage.scenario.step[STEP_RMA].takes = stage_one(4 * DAY);
        stage_begin(&stage, 1);
        stage_run_until(&stage, DAY + MINUTE);
        assert_int_equal(stage.facts, 1);
        uint32_t node = stage.fact[0].body.finding.node;
        stage_work_order(&stage, node, 0, i == 3 ? STEP_RMA : STEP_REPAIR);
        stage_run_until(&stage, 2 * DAY);
        struct event hurry = notice(EV_ORDER_ESCALATED, node, 1);
        if (i > 0 && i < 3)
            stage_act(&stage, &hurry);
        stage_run_until(&stage, 20 * DAY);
        assert_true(stage_seen_ns(&stage, EV_FINDING_CLOSED, node, 0) == ends_ns[i]);
        assert_non_null(stage_fact(&stage, EV_ORDER_ENDED, node, 0));
        stage_finish(&stage);
    }
    stage.trace = NULL;
}

static void a_withdrawn_order_leaves_its_line_and_gives_its_part_back(void **state)
{
    (void)state;
    stage_cured(&stage);
    stage.scenario.crews = 1;
    stage.scenario.policy.care.parts = 1;
    stage.scenario.policy.care.part[0] = (struct care_part){.name = "board", .stock = 2};
    stage_begin(&stage, 1);
    stage_run_until(&stage, DAY + MINUTE);
    replace_three();
    struct event off = notice(EV_ORDER_WITHDRAWN, 3, 0);
    stage_act(&stage, &off);
    stage_act(&stage, &off);
    stage_run_until(&stage, 2 * DAY - HOUR);
    assert_non_null(stage_fact(&stage, EV_ORDER_ENDED, 2, 0));
    assert_null(stage_fact(&stage, EV_ORDER_TAKEN, 3, 0));
    assert_non_null(stage_fact(&stage, EV_ORDER_ENDED, 4, 0)); /* with the part that 3 gave back */
    assert_int_equal(stage_stats(&stage).orders_withdrawn, 1);
    stage_finish(&stage);
}

static void a_crew_that_is_told_to_stop_is_free_and_has_repaired_nothing(void **state)
{
    (void)state;
    stage_cured(&stage)->repair = stage_one(10 * HOUR);
    stage.scenario.crews = 1;
    stage.scenario.step[STEP_REPLACE].takes = stage_one(HOUR);
    stage_begin(&stage, 1);
    stage_run_until(&stage, DAY + MINUTE);
    stage_work_order(&stage, 2, 0, STEP_REPAIR);
    stage_work_order(&stage, 3, 0, STEP_REPAIR);
    stage_run_until(&stage, DAY + HOUR);
    assert_null(stage_fact(&stage, EV_ORDER_TAKEN, 3, 0));
    struct event off = notice(EV_ORDER_WITHDRAWN, 2, 0);
    stage_act(&stage, &off);
    stage_run_until(&stage, DAY + 10 * HOUR + MINUTE); /* when it would have been done */
    assert_int_equal(stage_seen_ns(&stage, EV_ORDER_TAKEN, 3, 0), DAY + HOUR);
    assert_null(stage_fact(&stage, EV_ORDER_ENDED, 2, 0));
    assert_null(stage_fact(&stage, EV_FINDING_CLOSED, 2, 0));
    stage_work_order(&stage, 2, 0, STEP_REPLACE);
    stage_run_until(&stage, 2 * DAY - HOUR);
    assert_int_equal(stage_seen_ns(&stage, EV_ORDER_ENDED, 2, 0),
                     DAY + 12 * HOUR); /* after node 3, in its own time */
    stage_finish(&stage);
}

/* One switch breaks after a day; its leaf's nodes lose a rail. */
static void break_switches(void)
{
    struct scenario_process *p = stage_cured(&stage);
    p->on = COMPONENT_SWITCH;
    p->effect = EFFECT_SLOWS;
    p->slow_share = 0.2;
    p->slow_known = true;
    p->has_cures = false;
}

static void a_crew_that_is_sent_to_a_sound_part_says_that_nothing_is_wrong(void **state)
{
    (void)state;
    break_switches();
    stage_begin(&stage, 1);
    stage_run_until(&stage, DAY + MINUTE);
    struct event ev = stage_order(&stage, EV_ORDER_OPENED, 2, 0, STEP_REPAIR);
    ev.body.order.node = MW_NONE; /* inferred from the nodes' findings: a PDU, which is sound */
    ev.body.order.slot = 40;
    ev.body.order.component = component_id(COMPONENT_PDU, 0);
    stage_act(&stage, &ev);
    stage_run_until(&stage, DAY + 2 * HOUR);
    assert_int_equal(stage_fact(&stage, EV_ORDER_ENDED, MW_NONE, 0)->body.order.result,
                     RESULT_FAILED);
    assert_string_equal(stage_text(&stage, EV_ORDER_ENDED, MW_NONE, 0), "nothing wrong here");
    assert_int_equal(stage_stats(&stage).orders_wrong, 1);
    assert_null(stage_fact(&stage, EV_FINDING_CLOSED, 2, 0));
    stage_finish(&stage);
}

static void a_crew_that_is_sent_to_the_true_cause_repairs_it_for_all_it_feeds(void **state)
{
    (void)state;
    break_switches();
    stage_begin(&stage, 1);
    stage_run_until(&stage, DAY + MINUTE);
    const struct event *f = stage_fact(&stage, EV_FINDING_OPENED, MW_NONE, 0);
    struct event ev = stage_order(&stage, EV_ORDER_OPENED, 2, 0, STEP_REPAIR);
    ev.body.order.node = MW_NONE; /* asked for by a finding of a node */
    ev.body.order.slot = 40;
    ev.body.order.component = f->body.finding.component;
    stage_act(&stage, &ev);
    stage_run_until(&stage, DAY + 2 * HOUR);
    assert_int_equal(stage_fact(&stage, EV_ORDER_ENDED, MW_NONE, 0)->body.order.result, RESULT_OK);
    assert_non_null(stage_fact(&stage, EV_FINDING_CLOSED, MW_NONE, 0));
    assert_non_null(stage_fact(&stage, EV_FINDING_CLOSED, 2, 0));
    assert_int_equal(stage_fact(&stage, EV_FINDING_OPENED, 2, 0)->body.finding.slow_ppm, 200000);
    stage_finish(&stage);
}

static void a_technician_may_answer_late_and_twice_and_do_something_else(void **state)
{
    uint32_t other = 0;
    (void)state;
    stage_cured(&stage);
    stage.doings.late_percent = stage.doings.twice_percent = stage.doings.other_percent = 100;
    stage_begin(&stage, 1);
    stage_run_until(&stage, DAY + MINUTE);
    for (uint32_t node = 0; node < STAGE_NODES; node++)
        stage_work_order(&stage, node, 0, STEP_RESEAT);
    stage_run_until(&stage, 2 * DAY);
    for (uint32_t node = 0; node < STAGE_NODES; node++) {
        const struct event *ended = stage_fact(&stage, EV_ORDER_ENDED, node, 0);
        assert_true(ended->observed_ns > stage.scenario.start_ns + DAY + HOUR + MINUTE);
        assert_non_null(stage_fact(&stage, EV_ORDER_ENDED, node, 1));
        assert_null(stage_fact(&stage, EV_ORDER_ENDED, node, 2));
        other += ended->body.order.step != STEP_RESEAT;
    }
    assert_true(other > 4 && other < STAGE_NODES);
    stage_finish(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_replaced_part_has_a_new_serial_in_the_answer),
        cmocka_unit_test(an_order_waits_for_its_part_and_the_store_serves_in_turn),
        cmocka_unit_test(an_escalated_order_goes_first_and_gains_only_what_the_scenario_says),
        cmocka_unit_test(a_traced_repair_ends_with_its_trace_unless_it_is_hurried_or_swapped),
        cmocka_unit_test(a_withdrawn_order_leaves_its_line_and_gives_its_part_back),
        cmocka_unit_test(a_crew_that_is_told_to_stop_is_free_and_has_repaired_nothing),
        cmocka_unit_test(a_crew_that_is_sent_to_a_sound_part_says_that_nothing_is_wrong),
        cmocka_unit_test(a_crew_that_is_sent_to_the_true_cause_repairs_it_for_all_it_feeds),
        cmocka_unit_test(a_technician_may_answer_late_and_twice_and_do_something_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
