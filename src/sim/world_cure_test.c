/*
 * The truth behind repairs, without a controller: what steps cure, what gates
 * see, what machines do with what they are asked, what alarms and lemons truly
 * are.  What breaks here makes every claim about care wrong.
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

/* ---- what cures ---------------------------------------------------------------------------- */

static void what_a_step_does_not_cure_is_hidden_and_strikes_again(void **state)
{
    (void)state;
    stage_cured(&stage)->gate_catch = 0.0;
    stage_begin(&stage, 1);
    stage_run_until(&stage, DAY + MINUTE);
    stage_action(&stage, 2, 0, STEP_REBOOT);
    stage_run_until(&stage, DAY + 2 * MINUTE);
    assert_int_equal(stage_fact(&stage, EV_ACTION_ENDED, 2, 0)->body.order.result, RESULT_OK);
    assert_non_null(stage_fact(&stage, EV_FINDING_CLOSED, 2, 0)); /* nothing is seen any more */
    assert_true(stage_gate(&stage, 2));
    assert_int_equal(stage_stats(&stage).gates_missed, 1);
    stage_run_until(&stage, 4 * DAY + HOUR);
    const struct event *again = stage_fact(&stage, EV_FINDING_OPENED, 2, 1);
    assert_non_null(again);
    const struct event *first = stage_fact(&stage, EV_FINDING_OPENED, 2, 0);
    assert_true(again->body.finding.finding != first->body.finding.finding);
    assert_int_equal(stage_stats(&stage).relapses, 1);
    /* The same need: the same step does not help, the heavier one does, and no clock ran twice. */
    stage_action(&stage, 2, 1, STEP_REBOOT);
    stage_run_until(&stage, 4 * DAY + 2 * HOUR);
    assert_int_equal(stage_stats(&stage).uncured, 2);
    stage_run_until(&stage, 8 * DAY);
    assert_non_null(stage_fact(&stage, EV_FINDING_OPENED, 2, 2));
    stage_work_order(&stage, 2, 2, STEP_REPLACE);
    stage_run_until(&stage, 8 * DAY + 2 * HOUR);
    assert_int_equal(stage_stats(&stage).uncured, 2);
    stage_run_until(&stage, 9 * DAY - HOUR);
    assert_null(stage_fact(&stage, EV_FINDING_OPENED, 2, 3));
    stage_finish(&stage);
}

static void a_gate_that_looks_well_sees_what_is_hidden_until_it_is_cured(void **state)
{
    (void)state;
    stage_cured(&stage);
    stage_begin(&stage, 1);
    stage_run_until(&stage, DAY + MINUTE);
    stage_action(&stage, 2, 0, STEP_REBOOT);
    stage_run_until(&stage, DAY + 2 * MINUTE);
    assert_false(stage_gate(&stage, 2));
    assert_false(stage_gate(&stage, 2));
    stage_work_order(&stage, 2, 0, STEP_RESEAT);
    stage_run_until(&stage, DAY + 2 * HOUR);
    assert_false(stage_gate(&stage, 2));
    stage_work_order(&stage, 2, 0, STEP_REPLACE);
    stage_run_until(&stage, DAY + 4 * HOUR);
    assert_true(stage_gate(&stage, 2));
    assert_true(stage.marks.count[MARK_GATE_FOUND_HIDDEN] >= 3);
    stage_finish(&stage);
}

static void odds_are_shares_of_faults_and_heavier_steps_cure_what_lighter_ones_do(void **state)
{
    struct scenario_process *p = stage_cured(&stage);
    uint32_t cured = 0, also = 0;
    (void)state;
    p->on = COMPONENT_GPU; /* 128 of them, each on its own */
    for (uint32_t i = STEP_RESET_GPU; i < STEP_RMA; i++)
        p->cures[i] = i < STEP_RESEAT ? 0.5 : 0.75;
    stage_begin(&stage, 1);
    stage_run_until(&stage, DAY + MINUTE);
    for (uint32_t node = 0; node < STAGE_NODES; node++)
        stage_action(&stage, node, 0, STEP_REBOOT); /* of all that is wrong with the node */
    stage_run_until(&stage, DAY + 2 * MINUTE);
    cured = 128 - (uint32_t)stage_stats(&stage).uncured;
    assert_true(cured > 45 && cured < 83);
    for (uint32_t node = 0; node < STAGE_NODES; node++)
        stage_action(&stage, node, 0, STEP_POWER_CYCLE);
    stage_run_until(&stage, DAY + 3 * MINUTE);
    assert_int_equal(stage_stats(&stage).uncured,
                     128 - cured); /* no heavier: the same faults stay */
    for (uint32_t i = STEP_REBOOT; i < STEP_RMA; i++)
        p->cures[i] = 0.75;
    for (uint32_t node = 0; node < STAGE_NODES; node++)
        stage_action(&stage, node, 0, STEP_REBOOT);
    stage_run_until(&stage, DAY + 4 * MINUTE);
    for (uint32_t node = 0; node < STAGE_NODES; node++)
        also += stage_gate(&stage, node);
    assert_true(also < STAGE_NODES); /* a quarter is left, so that few nodes are clean */
    stage_finish(&stage);
}

static void without_cures_a_crew_repairs_and_a_machine_does_not(void **state)
{
    (void)state;
    stage_cured(&stage)->has_cures = false;
    stage_begin(&stage, 1);
    stage_run_until(&stage, DAY + MINUTE);
    stage_action(&stage, 2, 0, STEP_POWER_CYCLE);
    stage_run_until(&stage, DAY + 2 * MINUTE);
    assert_int_equal(stage_fact(&stage, EV_ACTION_ENDED, 2, 0)->body.order.result, RESULT_OK);
    assert_null(stage_fact(&stage, EV_FINDING_CLOSED, 2, 0));
    stage_work_order(&stage, 2, 0, STEP_RESEAT);
    stage_run_until(&stage, DAY + 2 * HOUR);
    assert_non_null(stage_fact(&stage, EV_FINDING_CLOSED, 2, 0));
    stage_finish(&stage);
}

/* ---- machines ------------------------------------------------------------------------------ */

static void a_doubled_action_is_carried_out_once(void **state)
{
    (void)state;
    stage_cured(&stage);
    stage_begin(&stage, 1);
    stage_run_until(&stage, DAY + MINUTE);
    struct event ev = stage_order(&stage, EV_ACTION_STARTED, 2, 0, STEP_POWER_CYCLE);
    stage_act(&stage, &ev);
    stage_act(&stage, &ev);
    stage_run_until(&stage, DAY + HOUR);
    stage_act(&stage, &ev);
    stage_run_until(&stage, DAY + 2 * HOUR);
    assert_non_null(stage_fact(&stage, EV_ACTION_ENDED, 2, 0));
    assert_null(stage_fact(&stage, EV_ACTION_ENDED, 2, 1));
    assert_int_equal(stage_stats(&stage).machine_acts, 1);
    assert_int_equal(stage_stats(&stage).actions_again, 2);
    stage_finish(&stage);
}

static void an_action_is_not_begun_after_its_lease(void **state)
{
    (void)state;
    stage_cured(&stage);
    stage_begin(&stage, 1);
    stage_run_until(&stage, DAY + MINUTE);
    struct event ev = stage_order(&stage, EV_ACTION_STARTED, 2, 0, STEP_REBOOT);
    ev.body.order.lease_ms = 60000;
    stage_run_until(&stage, DAY + 3 * MINUTE); /* the message was late */
    stage_act(&stage, &ev);
    stage_run_until(&stage, DAY + HOUR);
    const struct event *ended = stage_fact(&stage, EV_ACTION_ENDED, 2, 0);
    assert_int_equal(ended->body.order.result, RESULT_FAILED);
    assert_string_equal(stage_text(&stage, EV_ACTION_ENDED, 2, 0), "not begun: the lease is over");
    assert_null(stage_fact(&stage, EV_FINDING_CLOSED, 2, 0));
    assert_int_equal(stage_stats(&stage).machine_refused, 1);
    stage_finish(&stage);
}

static void a_machine_takes_as_long_as_the_scenario_or_the_ladder_says(void **state)
{
    (void)state;
    stage_cured(&stage);
    struct care_class *k = &stage.scenario.policy.care.class[0];
    k->ladder[k->steps++] = (struct care_ladder){.step = STEP_REBOOT, .duration_ms = 600000};
    stage.scenario.step[STEP_POWER_CYCLE].takes = stage_one(20 * MINUTE);
    stage_begin(&stage, 1);
    stage_run_until(&stage, DAY + MINUTE);
    stage_action(&stage, 2, 0, STEP_REBOOT);
    stage_action(&stage, 3, 0, STEP_POWER_CYCLE);
    stage_run_until(&stage, DAY + 2 * HOUR);
    assert_true(stage_seen_ns(&stage, EV_ACTION_ENDED, 2, 0) == DAY + 11 * MINUTE);
    assert_true(stage_seen_ns(&stage, EV_ACTION_ENDED, 3, 0) == DAY + 21 * MINUTE);
    stage_finish(&stage);
}

static void a_machine_that_does_not_know_did_it_half_of_the_time(void **state)
{
    uint32_t closed = 0;
    (void)state;
    stage_cured(&stage)->cures[STEP_REBOOT] = 1.0;
    stage.scenario.step[STEP_REBOOT].unknown = 1.0;
    stage_begin(&stage, 1);
    stage_run_until(&stage, DAY + MINUTE);
    for (uint32_t node = 0; node < STAGE_NODES; node++)
        stage_action(&stage, node, 0, STEP_REBOOT);
    stage_run_until(&stage, DAY + HOUR);
    for (uint32_t node = 0; node < STAGE_NODES; node++) {
        assert_int_equal(stage_fact(&stage, EV_ACTION_ENDED, node, 0)->body.order.result,
                         RESULT_UNKNOWN);
        closed += stage_fact(&stage, EV_FINDING_CLOSED, node, 0) != NULL;
    }
    assert_true(closed > 0 && closed < STAGE_NODES);
    assert_int_equal(stage_stats(&stage).machine_unknown, STAGE_NODES);
    stage_finish(&stage);
}

static void a_reset_under_a_job_that_works_is_counted_against_the_controller(void **state)
{
    (void)state;
    stage_cured(&stage)->kill_odds = 0.0;
    stage.scenario.jobs = JOBS_SYNTHETIC;
    stage.scenario.jobs_max = stage.scenario.job_classes = 1;
    stage.scenario.job_class[0] = (struct scenario_job_class){
        .share_of_gpu_time = 1.0, .gpus_n = 1, .gpus = {8}, .gpus_weight = {1.0},
        .work = stage_fixed(90 * HOUR), .count = 1, .every_ns = HOUR};
    stage_begin(&stage, 1);
    stage_run_until(&stage, HOUR);
    uint32_t node = 2;
    struct event ev = {.kind = EV_ATTEMPT_PLACED, .seq = ++stage.seq, .tail_size = sizeof(node)};
    ev.body.place = (struct body_place){.job = 1, .attempt = 1, .nodes = 1};
    world_act(stage.world, stage.scenario.start_ns + stage.now_ns, &ev, &node);
    stage_run_until(&stage, DAY + MINUTE);
    stage_action(&stage, 3, 0, STEP_REBOOT);
    stage_action(&stage, 2, 0, STEP_RESTART_SERVICE);
    assert_int_equal(stage_stats(&stage).machine_killed_jobs, 0);
    stage_run_until(&stage, DAY + 2 * MINUTE);
    stage_action(&stage, 2, 0, STEP_REBOOT);
    assert_int_equal(stage_stats(&stage).machine_killed_jobs, 1);
    assert_int_equal(stage_stats(&stage).kills, 1);
    stage_finish(&stage);
}

/* ---- false alarms and lemons --------------------------------------------------------------- */

static void a_false_alarm_hurts_nobody_and_no_gate_fails_for_it(void **state)
{
    struct scenario_process *p = stage_cured(&stage);
    (void)state;
    p->false_alarm = true;
    p->has_cures = false;
    p->clears = stage_one(30 * DAY);
    stage_begin(&stage, 1);
    stage_run_until(&stage, DAY + MINUTE);
    assert_int_equal(stage_fact(&stage, EV_FINDING_OPENED, 2, 0)->body.finding.effect,
                     EFFECT_KILLS);
    assert_int_equal(stage_stats(&stage).faults, 0);
    assert_int_equal(stage_stats(&stage).alarms, STAGE_NODES);
    assert_true(stage_gate(&stage, 2));
    stage_work_order(&stage, 2, 0, STEP_REPAIR);
    stage_run_until(&stage, DAY + 3 * HOUR);
    assert_string_equal(stage_text(&stage, EV_ORDER_ENDED, 2, 0), "no fault found");
    assert_non_null(stage_fact(&stage, EV_FINDING_CLOSED, 2, 0));
    stage_finish(&stage);
}

static void drains_and_stops_for_false_alarms_are_counted(void **state)
{
    (void)state;
    struct scenario_process *p = stage_cured(&stage);
    p->false_alarm = true;
    p->clears = stage_one(30 * DAY);
    stage_begin(&stage, 1);
    stage_run_until(&stage, DAY + MINUTE);
    uint64_t finding = stage_fact(&stage, EV_FINDING_OPENED, 2, 0)->body.finding.finding;
    struct event ev = {.kind = EV_INCIDENT_OPENED};
    ev.body.incident = (struct body_incident){
        .finding = (uint64_t)(SOURCE_NODE + 2) << 40 | finding, .node = 2, .slot = 2};
    world_observe(stage.world, stage.scenario.start_ns + stage.now_ns, &ev);
    ev = (struct event){.kind = EV_DRAIN_ORDERED};
    ev.body.drain = (struct body_drain){.node = 2, .slot = 2, .how = DRAIN_NOW};
    world_observe(stage.world, stage.scenario.start_ns + stage.now_ns, &ev);
    ev.actor = 1; /* a person's own drain is no mistake of ours */
    world_observe(stage.world, stage.scenario.start_ns + stage.now_ns, &ev);
    ev = (struct event){.kind = EV_ATTEMPT_STOP};
    ev.body.stop = (struct body_stop){.node = 2, .incident_slot = 2, .how = DRAIN_NOW};
    world_observe(stage.world, stage.scenario.start_ns + stage.now_ns, &ev);
    assert_int_equal(stage_stats(&stage).drains_false, 1);
    assert_int_equal(stage_stats(&stage).stops_false, 1);
    stage_finish(&stage);
}

static void a_replaced_lemon_is_drawn_again(void **state)
{
    uint32_t lemons = 0, after = 0;
    (void)state;
    struct scenario_process *p = stage_cured(&stage);
    p->lemon_share = 0.5;
    p->lemon_factor = 2.0;
    stage_begin(&stage, 1);
    for (uint32_t node = 0; node < STAGE_NODES; node++)
        lemons += world_is_lemon(stage.world, node);
    assert_true(lemons > 2 && lemons < STAGE_NODES - 2);
    stage_run_until(&stage, DAY + MINUTE);
    for (uint32_t node = 0; node < STAGE_NODES; node++)
        if (world_is_lemon(stage.world, node))
            stage_work_order(&stage, node, 0, STEP_REPLACE);
    stage_run_until(&stage, DAY + 3 * HOUR);
    for (uint32_t node = 0; node < STAGE_NODES; node++)
        after += world_is_lemon(stage.world, node);
    assert_true(after < lemons);
    stage_finish(&stage);
}

static void a_verdict_is_held_against_the_truth(void **state)
{
    (void)state;
    struct scenario_process *p = stage_cured(&stage);
    p->lemon_share = 0.5;
    p->lemon_factor = 2.0;
    stage_begin(&stage, 1);
    for (uint32_t node = 0; node < STAGE_NODES; node++) {
        struct event ev = {.kind = EV_NODE_JUDGED};
        ev.body.judge = (struct body_judge){.node = node, .lemon = 1};
        world_observe(stage.world, stage.scenario.start_ns, &ev);
    }
    uint32_t lemons = 0;
    for (uint32_t node = 0; node < STAGE_NODES; node++)
        lemons += world_is_lemon(stage.world, node);
    assert_int_equal(stage_stats(&stage).lemons_true, lemons);
    assert_int_equal(stage_stats(&stage).lemons_false, STAGE_NODES - lemons);
    stage_finish(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_step_does_not_cure_is_hidden_and_strikes_again),
        cmocka_unit_test(a_gate_that_looks_well_sees_what_is_hidden_until_it_is_cured),
        cmocka_unit_test(odds_are_shares_of_faults_and_heavier_steps_cure_what_lighter_ones_do),
        cmocka_unit_test(without_cures_a_crew_repairs_and_a_machine_does_not),
        cmocka_unit_test(a_doubled_action_is_carried_out_once),
        cmocka_unit_test(an_action_is_not_begun_after_its_lease),
        cmocka_unit_test(a_machine_takes_as_long_as_the_scenario_or_the_ladder_says),
        cmocka_unit_test(a_machine_that_does_not_know_did_it_half_of_the_time),
        cmocka_unit_test(a_reset_under_a_job_that_works_is_counted_against_the_controller),
        cmocka_unit_test(a_false_alarm_hurts_nobody_and_no_gate_fails_for_it),
        cmocka_unit_test(drains_and_stops_for_false_alarms_are_counted),
        cmocka_unit_test(a_replaced_lemon_is_drawn_again),
        cmocka_unit_test(a_verdict_is_held_against_the_truth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
