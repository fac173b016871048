/*
 * The world without a controller: the test gives the actions and reads the
 * facts.  What breaks here makes every simulated result wrong.
 */
#include "sim/world_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct stage stage;

/* The n-th fact of a kind (from 0), NULL when there is none. */
static const struct event *fact_of(uint16_t kind, uint32_t n)
{
    for (uint32_t i = 0; i < stage.facts; i++) {
        if (stage.fact[i].kind == kind && n-- == 0)
            return &stage.fact[i];
    }
    return NULL;
}

static void order_for(const struct event *finding, int64_t ns)
{
    struct event ev = {.kind = EV_ORDER_OPENED, .seq = ++stage.seq};
    ev.body.order = (struct body_order){.component = finding->body.finding.component,
                                        .finding = finding->body.finding.finding,
                                        .node = finding->body.finding.node, .slot = 5,
                                        .visit = 1};
    world_act(stage.world, stage.scenario.start_ns + ns, &ev, NULL);
}

static void place(uint64_t job, uint32_t first, uint32_t nodes, int64_t ns)
{
    uint32_t node[STAGE_NODES];
    for (uint32_t i = 0; i < nodes; i++)
        node[i] = first + i;
    struct event ev = {.kind = EV_ATTEMPT_PLACED, .seq = ++stage.seq,
                       .tail_size = nodes * (uint32_t)sizeof(uint32_t)};
    ev.body.place = (struct body_place){.job = job, .interval_ms = MW_MS_PER_HOUR,
                                        .write_ms = MW_MS_PER_MIN,
                                        .restart_ms = 5 * MW_MS_PER_MIN, .attempt = 1,
                                        .nodes = nodes};
    world_act(stage.world, stage.scenario.start_ns + ns, &ev, node);
}

static void stop(uint64_t job, uint8_t how, int64_t ns)
{
    struct event ev = {.kind = EV_ATTEMPT_STOP, .seq = ++stage.seq};
    ev.body.stop = (struct body_stop){.job = job, .attempt = 1, .node = 1, .class = 0,
                                      .how = how};
    world_act(stage.world, stage.scenario.start_ns + ns, &ev, NULL);
}

/* One job at the start, of four nodes and 30 hours. */
static void one_job(void)
{
    stage.scenario.jobs = JOBS_SYNTHETIC;
    stage.scenario.jobs_max = 1;
    stage.scenario.job_classes = 1;
    stage.scenario.job_class[0] = (struct scenario_job_class){
        .share_of_gpu_time = 1.0, .gpus_n = 1, .gpus = {32}, .gpus_weight = {1.0},
        .work = stage_fixed(30 * MW_NS_PER_HOUR), .count = 1, .every_ns = MW_NS_PER_HOUR};
}

/* ---- faults and crews ---------------------------------------------------------------------- */

static void a_fault_is_seen_after_its_detection_and_closed_by_its_repair(void **state)
{
    (void)state;
    stage_plain(&stage);
    stage_begin(&stage, 1);
    stage_run_until(&stage, MW_NS_PER_DAY + MW_NS_PER_MIN);
    assert_int_equal(stage.facts, STAGE_NODES);
    const struct event *f = fact_of(EV_FINDING_OPENED, 0);
    assert_true(f->observed_ns == stage.scenario.start_ns + MW_NS_PER_DAY);
    assert_int_equal(f->source, SOURCE_NODE + f->body.finding.node);
    order_for(f, MW_NS_PER_DAY + MW_NS_PER_MIN);
    stage_run_until(&stage, MW_NS_PER_DAY + MW_NS_PER_MIN + MW_NS_PER_HOUR);
    assert_non_null(fact_of(EV_ORDER_TAKEN, 0));
    assert_int_equal(fact_of(EV_ORDER_ENDED, 0)->body.order.result, RESULT_OK);
    assert_int_equal(fact_of(EV_FINDING_CLOSED, 0)->body.finding.finding,
                     f->body.finding.finding);
    stage_finish(&stage);
}

static void a_clock_starts_again_after_the_repair(void **state)
{
    (void)state;
    stage_plain(&stage);
    stage_begin(&stage, 1);
    stage_run_until(&stage, MW_NS_PER_DAY + MW_NS_PER_MIN);
    order_for(fact_of(EV_FINDING_OPENED, 0), MW_NS_PER_DAY + MW_NS_PER_MIN);
    stage_run_until(&stage, 3 * MW_NS_PER_DAY);
    const struct event *again = fact_of(EV_FINDING_OPENED, STAGE_NODES);
    assert_non_null(again); /* only the repaired one fails again: the others are still broken */
    assert_true(again->observed_ns ==
                stage.scenario.start_ns + 2 * MW_NS_PER_DAY + MW_NS_PER_MIN + MW_NS_PER_HOUR);
    assert_null(fact_of(EV_FINDING_OPENED, STAGE_NODES + 1));
    stage_finish(&stage);
}

static void one_crew_takes_one_order_after_the_other(void **state)
{
    (void)state;
    stage_plain(&stage);
    stage.scenario.crews = 1;
    stage_begin(&stage, 1);
    stage_run_until(&stage, MW_NS_PER_DAY + MW_NS_PER_MIN);
    for (uint32_t i = 0; i < 3; i++) {
        struct event f = *fact_of(EV_FINDING_OPENED, i);
        struct event ev = {.kind = EV_ORDER_OPENED, .seq = ++stage.seq};
        ev.body.order = (struct body_order){.component = f.body.finding.component,
                                            .finding = f.body.finding.finding,
                                            .node = f.body.finding.node, .slot = i, .visit = 1};
        world_act(stage.world, stage.scenario.start_ns + MW_NS_PER_DAY + MW_NS_PER_MIN, &ev, NULL);
    }
    stage_run_until(&stage, MW_NS_PER_DAY + MW_NS_PER_MIN + 3 * MW_NS_PER_HOUR);
    for (uint32_t i = 0; i < 3; i++)
        assert_true(fact_of(EV_ORDER_TAKEN, i)->observed_ns ==
                    stage.scenario.start_ns + MW_NS_PER_DAY + MW_NS_PER_MIN + i * MW_NS_PER_HOUR);
    stage_finish(&stage);
}

static void an_action_that_comes_again_is_done_once(void **state)
{
    (void)state;
    stage_plain(&stage);
    stage_begin(&stage, 1);
    stage_run_until(&stage, MW_NS_PER_DAY + MW_NS_PER_MIN);
    order_for(fact_of(EV_FINDING_OPENED, 0), MW_NS_PER_DAY + MW_NS_PER_MIN);
    stage.seq--;
    order_for(fact_of(EV_FINDING_OPENED, 0), MW_NS_PER_DAY + MW_NS_PER_MIN);
    stage_run_until(&stage, 2 * MW_NS_PER_DAY);
    assert_non_null(fact_of(EV_ORDER_ENDED, 0));
    assert_null(fact_of(EV_ORDER_ENDED, 1));
    assert_int_equal(stage.marks.count[MARK_ACTION_AGAIN], 1);
    stage_finish(&stage);
}

static void a_fault_that_misses_the_job_says_that_it_is_harmless(void **state)
{
    struct scenario_process *p = stage_plain(&stage);
    (void)state;
    p->kill_odds = 0.0;
    stage_begin(&stage, 1);
    stage_run_until(&stage, MW_NS_PER_DAY + MW_NS_PER_MIN);
    for (uint32_t i = 0; i < STAGE_NODES; i++)
        assert_int_equal(fact_of(EV_FINDING_OPENED, i)->body.finding.effect, EFFECT_HARMLESS);
    stage_finish(&stage);
    p->kill_odds = 1.0;
    stage_begin(&stage, 1);
    stage_run_until(&stage, MW_NS_PER_DAY + MW_NS_PER_MIN);
    assert_int_equal(fact_of(EV_FINDING_OPENED, 0)->body.finding.effect, EFFECT_KILLS);
    stage_finish(&stage);
}

static void a_flap_closes_its_own_finding(void **state)
{
    struct scenario_process *p = stage_plain(&stage);
    (void)state;
    p->clears = stage_one(MW_NS_PER_S);
    stage_begin(&stage, 1);
    stage_run_until(&stage, MW_NS_PER_DAY + MW_NS_PER_HOUR);
    const struct event *opened = fact_of(EV_FINDING_OPENED, 0);
    const struct event *closed = fact_of(EV_FINDING_CLOSED, 0);
    assert_non_null(closed); /* gone before it was seen, and reported all the same */
    assert_true(opened < closed);
    assert_int_equal(stage.marks.count[MARK_CLEARED_BEFORE_DETECTED], STAGE_NODES);
    stage_finish(&stage);
}

static void rates_are_what_the_scenario_says(void **state)
{
    struct scenario_process *p = stage_plain(&stage);
    (void)state;
    p->on = COMPONENT_GPU;
    p->between = (struct scenario_draw){LAW_EXPONENTIAL, 20.0 * (double)MW_NS_PER_DAY, 0.0};
    p->clears = stage_one(MW_NS_PER_S);
    stage.scenario.horizon_ns = 1000 * MW_NS_PER_DAY;
    stage_begin(&stage, 1);
    stage_run_until(&stage, stage.scenario.horizon_ns);
    double faults = (double)stage_stats(&stage).faults;
    assert_true(faults > 6400 * 0.96 && faults < 6400 * 1.04); /* 128 GPUs x 1,000 d / 20 d */
    stage_finish(&stage);
}

static void lemons_fail_more_often(void **state)
{
    struct scenario_process *p = stage_plain(&stage);
    (void)state;
    p->on = COMPONENT_GPU;
    p->between = (struct scenario_draw){LAW_EXPONENTIAL, 100.0 * (double)MW_NS_PER_DAY, 0.0};
    p->clears = stage_one(MW_NS_PER_S);
    stage.scenario.horizon_ns = 1000 * MW_NS_PER_DAY;
    stage_begin(&stage, 1);
    stage_run_until(&stage, stage.scenario.horizon_ns);
    uint64_t without = stage_stats(&stage).faults;
    stage_finish(&stage);
    p->lemon_share = 0.25;
    p->lemon_factor = 9.0;
    stage_begin(&stage, 1);
    stage_run_until(&stage, stage.scenario.horizon_ns);
    double ratio = (double)stage_stats(&stage).faults / (double)without;
    assert_true(ratio > 2.2 && ratio < 3.8); /* 1 + 0.25 x 8 = 3, of 128 GPUs */
    stage_finish(&stage);
}

static void a_dead_pdu_takes_its_nodes_and_gives_them_back(void **state)
{
    struct scenario_process *p = stage_plain(&stage);
    (void)state;
    p->on = COMPONENT_CDU;
    stage_begin(&stage, 1);
    if (stage.fleet->count[COMPONENT_CDU] == 0) {
        stage_finish(&stage);
        p->on = COMPONENT_PDU;
        stage_begin(&stage, 1);
    }
    stage_run_until(&stage, MW_NS_PER_DAY + MW_NS_PER_MIN);
    const struct event *part = NULL;
    uint32_t fed = 0;
    for (uint32_t i = 0; i < stage.facts; i++) {
        bool on_node = stage.fact[i].body.finding.node != MW_NONE;
        fed += on_node;
        part = on_node ? part : &stage.fact[i];
    }
    assert_non_null(part);
    assert_int_equal(part->source, SOURCE_FABRIC);
    if (fed > 0) {
        struct event child = *fact_of(EV_FINDING_OPENED, 0);
        for (uint32_t i = 0; child.body.finding.node == MW_NONE; i++)
            child = *fact_of(EV_FINDING_OPENED, i);
        order_for(&child, MW_NS_PER_DAY + MW_NS_PER_MIN);
    } else {
        order_for(part, MW_NS_PER_DAY + MW_NS_PER_MIN);
    }
    stage_run_until(&stage, MW_NS_PER_DAY + MW_NS_PER_MIN + MW_NS_PER_HOUR);
    uint32_t closed = 0;
    for (uint32_t i = 0; i < stage.facts; i++)
        closed += stage.fact[i].kind == EV_FINDING_CLOSED;
    assert_true(closed >= 1 && (fed == 0 || closed > 1));
    stage_finish(&stage);
}

static void a_gate_fails_while_something_is_wrong_and_by_its_odds(void **state)
{
    struct scenario_process *p = stage_plain(&stage);
    (void)state;
    p->gate_pass = 0.0;
    stage_begin(&stage, 1);
    struct event ev = {.kind = EV_GATE_STARTED, .seq = ++stage.seq};
    ev.body.gate = (struct body_gate){.length_ms = 1000, .node = 3};
    world_act(stage.world, stage.scenario.start_ns, &ev, NULL);
    stage_run_until(&stage, MW_NS_PER_HOUR);
    assert_int_equal(fact_of(EV_GATE_ENDED, 0)->body.gate.result, RESULT_FAILED); /* by odds */
    stage_finish(&stage);
    p->gate_pass = 1.0;
    stage_begin(&stage, 1);
    ev.seq = ++stage.seq;
    world_act(stage.world, stage.scenario.start_ns, &ev, NULL);
    stage_run_until(&stage, MW_NS_PER_DAY);
    assert_int_equal(fact_of(EV_GATE_ENDED, 0)->body.gate.result, RESULT_OK);
    ev.seq = ++stage.seq;
    world_act(stage.world, stage.scenario.start_ns + MW_NS_PER_DAY, &ev, NULL);
    stage_run_until(&stage, MW_NS_PER_DAY + MW_NS_PER_HOUR);
    assert_int_equal(fact_of(EV_GATE_ENDED, 1)->body.gate.result, RESULT_FAILED); /* broken */
    stage_finish(&stage);
}

/* ---- jobs ---------------------------------------------------------------------------------- */

static void an_attempt_works_saves_and_hangs_when_its_node_dies(void **state)
{
    (void)state;
    stage_plain(&stage);
    one_job();
    stage_begin(&stage, 1);
    stage_run_until(&stage, 0);
    assert_int_equal(fact_of(EV_JOB_SUBMITTED, 0)->body.job.nodes, 4);
    place(1, 0, 4, 0);
    stage_run_until(&stage, MW_NS_PER_HOUR);
    assert_true(fact_of(EV_ATTEMPT_RUNNING, 0)->observed_ns ==
                stage.scenario.start_ns + 5 * MW_NS_PER_MIN);
    stage_run_until(&stage, MW_NS_PER_DAY + MW_NS_PER_MIN); /* all nodes die after a day */
    assert_null(fact_of(EV_ATTEMPT_ENDED, 0));
    stop(1, DRAIN_NOW, MW_NS_PER_DAY + MW_NS_PER_MIN);
    const struct body_progress *b = &fact_of(EV_ATTEMPT_ENDED, 0)->body.progress;
    /* 23 h 55 min of cycles of 61 minutes: 23 whole ones, and 32 minutes of work */
    assert_int_equal(b->progress_ms, 23 * MW_MS_PER_HOUR + 32 * MW_MS_PER_MIN);
    assert_int_equal(b->saved_ms, 23 * MW_MS_PER_HOUR);
    assert_int_equal(b->checkpoint_ms, 23 * MW_MS_PER_MIN);
    assert_int_equal(b->how, HOW_FAILED);
    assert_true(b->stopped_ms == mw_ms(stage.scenario.start_ns + MW_NS_PER_DAY));
    assert_true(b->node < 4);
    stage_finish(&stage);
}

static void a_hung_attempt_that_nobody_stops_times_out(void **state)
{
    (void)state;
    stage_plain(&stage);
    one_job();
    stage_begin(&stage, 1);
    stage_run_until(&stage, 0);
    place(1, 0, 4, 0);
    stage_run_until(&stage, MW_NS_PER_DAY + WORLD_HUNG_NS_MAX);
    const struct event *e = fact_of(EV_ATTEMPT_ENDED, 0);
    assert_true(e->observed_ns == stage.scenario.start_ns + MW_NS_PER_DAY + WORLD_HUNG_NS_MAX);
    assert_int_equal(e->body.progress.how, HOW_FAILED);
    assert_true(e->body.progress.stopped_ms == mw_ms(stage.scenario.start_ns + MW_NS_PER_DAY));
    stage_finish(&stage);
}

static void a_drain_at_the_checkpoint_waits_for_it(void **state)
{
    (void)state;
    stage_plain(&stage);
    one_job();
    stage_begin(&stage, 1);
    stage_run_until(&stage, 0);
    place(1, 0, 4, 0);
    stage_run_until(&stage, 90 * MW_NS_PER_MIN);
    stop(1, DRAIN_AT_CHECKPOINT, 90 * MW_NS_PER_MIN);
    assert_null(fact_of(EV_ATTEMPT_ENDED, 0));
    stage_run_until(&stage, MW_NS_PER_DAY - MW_NS_PER_S);
    const struct event *e = fact_of(EV_ATTEMPT_ENDED, 0);
    assert_true(e->observed_ns == stage.scenario.start_ns + (5 + 2 * 61) * MW_NS_PER_MIN);
    assert_int_equal(e->body.progress.how, HOW_STOPPED);
    assert_int_equal(e->body.progress.saved_ms, 2 * MW_MS_PER_HOUR);
    assert_int_equal(e->body.progress.progress_ms, 2 * MW_MS_PER_HOUR);
    stage_finish(&stage);
}

static void a_slow_part_slows_the_whole_gang_until_it_is_repaired(void **state)
{
    struct scenario_process *p = stage_plain(&stage);
    (void)state;
    p->effect = EFFECT_SLOWS;
    p->slow_share = 0.5;
    p->between = stage_fixed(10 * MW_NS_PER_HOUR);
    one_job();
    stage_begin(&stage, 1);
    stage_run_until(&stage, 0);
    place(1, 0, 4, 0);
    stage_run_until(&stage, 20 * MW_NS_PER_HOUR);
    stop(1, DRAIN_NOW, 20 * MW_NS_PER_HOUR);
    int64_t whole_ms = fact_of(EV_ATTEMPT_ENDED, 0)->body.progress.progress_ms;
    /* ten hours at full speed, ten at half */
    assert_true(whole_ms > 14 * MW_MS_PER_HOUR && whole_ms < 15 * MW_MS_PER_HOUR);
    stage_finish(&stage);
}

static void an_attempt_on_a_broken_node_hangs_from_its_start(void **state)
{
    (void)state;
    stage_plain(&stage);
    one_job();
    stage_begin(&stage, 1);
    stage_run_until(&stage, MW_NS_PER_DAY); /* broken, and not seen yet */
    place(1, 0, 4, MW_NS_PER_DAY);
    stop(1, DRAIN_NOW, MW_NS_PER_DAY + MW_NS_PER_MIN);
    const struct event *e = fact_of(EV_ATTEMPT_ENDED, 0);
    assert_int_equal(e->body.progress.how, HOW_FAILED);
    assert_int_equal(e->body.progress.progress_ms, 0);
    assert_null(fact_of(EV_ATTEMPT_RUNNING, 0));
    stage_finish(&stage);
}

static void two_jobs_on_a_node_are_refused_by_the_world(void **state)
{
    (void)state;
    stage_plain(&stage);
    one_job();
    stage.scenario.jobs_max = 2;
    stage.scenario.job_class[0].count = 2;
    stage_begin(&stage, 1);
    stage_run_until(&stage, 2 * MW_NS_PER_HOUR);
    place(1, 0, 4, 2 * MW_NS_PER_HOUR);
    struct event ev = {.kind = EV_ATTEMPT_PLACED, .seq = ++stage.seq, .tail_size = 4};
    ev.body.place = (struct body_place){.job = 2, .slot = 1, .attempt = 1, .nodes = 1};
    uint32_t node = 3;
    world_act(stage.world, stage.scenario.start_ns + 2 * MW_NS_PER_HOUR, &ev, &node);
    assert_non_null(world_trouble(stage.world));
    world_destroy(stage.world);
    stage.world = NULL;
}

static void the_world_breaks_alike_whatever_is_done_to_it(void **state)
{
    struct scenario_process *p = stage_plain(&stage);
    uint64_t first[2];
    (void)state;
    p->between = (struct scenario_draw){LAW_EXPONENTIAL, 5.0 * (double)MW_NS_PER_DAY, 0.0};
    one_job();
    for (int with_job = 0; with_job < 2; with_job++) {
        stage_begin(&stage, 4);
        stage_run_until(&stage, 0);
        if (with_job)
            place(1, 0, 4, 0);
        stage_run_until(&stage, 30 * MW_NS_PER_DAY);
        first[with_job] = 0;
        for (uint32_t i = 0; i < stage.facts; i++) {
            if (stage.fact[i].kind == EV_FINDING_OPENED)
                first[with_job] = first[with_job] * 31 + (uint64_t)stage.fact[i].observed_ns +
                                  stage.fact[i].body.finding.node;
        }
        stage_finish(&stage);
    }
    assert_true(first[0] == first[1]);
}

static int tear_down(void **state)
{
    (void)state;
    fleet_destroy(stage.fleet);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fault_is_seen_after_its_detection_and_closed_by_its_repair),
        cmocka_unit_test(a_clock_starts_again_after_the_repair),
        cmocka_unit_test(one_crew_takes_one_order_after_the_other),
        cmocka_unit_test(an_action_that_comes_again_is_done_once),
        cmocka_unit_test(a_fault_that_misses_the_job_says_that_it_is_harmless),
        cmocka_unit_test(a_flap_closes_its_own_finding),
        cmocka_unit_test(rates_are_what_the_scenario_says),
        cmocka_unit_test(lemons_fail_more_often),
        cmocka_unit_test(a_dead_pdu_takes_its_nodes_and_gives_them_back),
        cmocka_unit_test(a_gate_fails_while_something_is_wrong_and_by_its_odds),
        cmocka_unit_test(an_attempt_works_saves_and_hangs_when_its_node_dies),
        cmocka_unit_test(a_hung_attempt_that_nobody_stops_times_out),
        cmocka_unit_test(a_drain_at_the_checkpoint_waits_for_it),
        cmocka_unit_test(a_slow_part_slows_the_whole_gang_until_it_is_repaired),
        cmocka_unit_test(an_attempt_on_a_broken_node_hangs_from_its_start),
        cmocka_unit_test(two_jobs_on_a_node_are_refused_by_the_world),
        cmocka_unit_test(the_world_breaks_alike_whatever_is_done_to_it),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
