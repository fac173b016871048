/*
 * The world without a controller: the test gives the actions and reads the
 * facts.  What breaks here makes every simulated result wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "fleet/site.h"
#include "sim/world.h"

#define FACTS_MAX 200000u
#define NODES 16u

struct heard {
    struct world *world;
    struct fleet *fleet;
    struct marks marks;
    uint32_t facts;
    uint64_t seq;
    struct event fact[FACTS_MAX];
};

static struct heard heard;
static struct scenario scenario;

static void hear(void *ctx, const struct event *fact, const char *text)
{
    struct heard *h = ctx;
    (void)text;
    assert_true(h->facts < FACTS_MAX);
    h->fact[h->facts++] = *fact;
}

static struct scenario_draw fixed(int64_t ns)
{
    return (struct scenario_draw){LAW_FIXED, (double)ns, 0.0};
}

/* One process on nodes: a fault a day on each, seen after a minute, repaired in an hour. */
static struct scenario_process *plain(void)
{
    scenario_defaults(&scenario);
    scenario.policy.care.classes = 1;
    scenario.horizon_ns = 100 * MW_NS_PER_DAY;
    scenario.progress_every_ns = 0;
    scenario.processes = 1;
    scenario.process[0] = (struct scenario_process){
        .on = COMPONENT_NODE, .effect = EFFECT_KILLS, .kill_odds = 1.0, .gate_pass = 1.0,
        .between = fixed(MW_NS_PER_DAY), .detect = fixed(MW_NS_PER_MIN),
        .repair = {.n = 1, .share = {1.0}, .draw = {fixed(MW_NS_PER_HOUR)}}};
    return &scenario.process[0];
}

static void begin(uint64_t seed)
{
    struct mw_error err = {0};
    heard.facts = 0;
    heard.seq = 100;
    memset(&heard.marks, 0, sizeof(heard.marks));
    if (heard.fleet == NULL)
        assert_int_equal(site_simple(NODES, &heard.fleet, &err), 0);
    int64_t end_ns = scenario.start_ns + scenario.horizon_ns;
    struct world_config c = {.scenario = &scenario, .fleet = heard.fleet, .seed = seed,
                             .end_ns = end_ns, .quiet_from_ns = end_ns, .jobs_max = 64,
                             .incidents_max = 64, .emit = hear, .ctx = &heard,
                             .marks = &heard.marks};
    assert_int_equal(world_create(&c, &heard.world, &err), 0);
}

static void finish(void)
{
    assert_null(world_trouble(heard.world));
    world_destroy(heard.world);
    heard.world = NULL;
}

static void run_until(int64_t ns)
{
    while (world_next_ns(heard.world) <= scenario.start_ns + ns)
        world_step(heard.world);
}

/* The n-th fact of a kind (from 0), NULL when there is none. */
static const struct event *fact_of(uint16_t kind, uint32_t n)
{
    for (uint32_t i = 0; i < heard.facts; i++) {
        if (heard.fact[i].kind == kind && n-- == 0)
            return &heard.fact[i];
    }
    return NULL;
}

static void order_for(const struct event *finding, int64_t ns)
{
    struct event ev = {.kind = EV_ORDER_OPENED, .seq = ++heard.seq};
    ev.body.order = (struct body_order){.component = finding->body.finding.component,
                                        .finding = finding->body.finding.finding,
                                        .node = finding->body.finding.node, .slot = 5,
                                        .visit = 1};
    world_act(heard.world, scenario.start_ns + ns, &ev, NULL);
}

static void place(uint64_t job, uint32_t first, uint32_t nodes, int64_t ns)
{
    uint32_t node[NODES];
    for (uint32_t i = 0; i < nodes; i++)
        node[i] = first + i;
    struct event ev = {.kind = EV_ATTEMPT_PLACED, .seq = ++heard.seq,
                       .tail_size = nodes * (uint32_t)sizeof(uint32_t)};
    ev.body.place = (struct body_place){.job = job, .interval_ms = MW_MS_PER_HOUR,
                                        .write_ms = MW_MS_PER_MIN,
                                        .restart_ms = 5 * MW_MS_PER_MIN, .attempt = 1,
                                        .nodes = nodes};
    world_act(heard.world, scenario.start_ns + ns, &ev, node);
}

static void stop(uint64_t job, uint8_t how, int64_t ns)
{
    struct event ev = {.kind = EV_ATTEMPT_STOP, .seq = ++heard.seq};
    ev.body.stop = (struct body_stop){.job = job, .attempt = 1, .node = 1, .class = 0,
                                      .how = how};
    world_act(heard.world, scenario.start_ns + ns, &ev, NULL);
}

/* One job at the start, of four nodes and 30 hours. */
static void one_job(void)
{
    scenario.jobs = JOBS_SYNTHETIC;
    scenario.jobs_max = 1;
    scenario.job_classes = 1;
    scenario.job_class[0] = (struct scenario_job_class){
        .share_of_gpu_time = 1.0, .gpus_n = 1, .gpus = {32}, .gpus_weight = {1.0},
        .work = fixed(30 * MW_NS_PER_HOUR), .count = 1, .every_ns = MW_NS_PER_HOUR};
}

/* ---- faults and crews ---------------------------------------------------------------------- */

static void a_fault_is_seen_after_its_detection_and_closed_by_its_repair(void **state)
{
    (void)state;
    plain();
    begin(1);
    run_until(MW_NS_PER_DAY + MW_NS_PER_MIN);
    assert_int_equal(heard.facts, NODES);
    const struct event *f = fact_of(EV_FINDING_OPENED, 0);
    assert_true(f->observed_ns == scenario.start_ns + MW_NS_PER_DAY);
    assert_int_equal(f->source, SOURCE_NODE + f->body.finding.node);
    order_for(f, MW_NS_PER_DAY + MW_NS_PER_MIN);
    run_until(MW_NS_PER_DAY + MW_NS_PER_MIN + MW_NS_PER_HOUR);
    assert_non_null(fact_of(EV_ORDER_TAKEN, 0));
    assert_int_equal(fact_of(EV_ORDER_ENDED, 0)->body.order.result, RESULT_OK);
    assert_int_equal(fact_of(EV_FINDING_CLOSED, 0)->body.finding.finding,
                     f->body.finding.finding);
    finish();
}

static void a_clock_starts_again_after_the_repair(void **state)
{
    (void)state;
    plain();
    begin(1);
    run_until(MW_NS_PER_DAY + MW_NS_PER_MIN);
    order_for(fact_of(EV_FINDING_OPENED, 0), MW_NS_PER_DAY + MW_NS_PER_MIN);
    run_until(3 * MW_NS_PER_DAY);
    const struct event *again = fact_of(EV_FINDING_OPENED, NODES);
    assert_non_null(again); /* only the repaired one fails again: the others are still broken */
    assert_true(again->observed_ns ==
                scenario.start_ns + 2 * MW_NS_PER_DAY + MW_NS_PER_MIN + MW_NS_PER_HOUR);
    assert_null(fact_of(EV_FINDING_OPENED, NODES + 1));
    finish();
}

static void one_crew_takes_one_order_after_the_other(void **state)
{
    (void)state;
    plain();
    scenario.crews = 1;
    begin(1);
    run_until(MW_NS_PER_DAY + MW_NS_PER_MIN);
    for (uint32_t i = 0; i < 3; i++) {
        struct event f = *fact_of(EV_FINDING_OPENED, i);
        struct event ev = {.kind = EV_ORDER_OPENED, .seq = ++heard.seq};
        ev.body.order = (struct body_order){.component = f.body.finding.component,
                                            .finding = f.body.finding.finding,
                                            .node = f.body.finding.node, .slot = i, .visit = 1};
        world_act(heard.world, scenario.start_ns + MW_NS_PER_DAY + MW_NS_PER_MIN, &ev, NULL);
    }
    run_until(MW_NS_PER_DAY + MW_NS_PER_MIN + 3 * MW_NS_PER_HOUR);
    for (uint32_t i = 0; i < 3; i++)
        assert_true(fact_of(EV_ORDER_TAKEN, i)->observed_ns ==
                    scenario.start_ns + MW_NS_PER_DAY + MW_NS_PER_MIN + i * MW_NS_PER_HOUR);
    finish();
}

static void an_action_that_comes_again_is_done_once(void **state)
{
    (void)state;
    plain();
    begin(1);
    run_until(MW_NS_PER_DAY + MW_NS_PER_MIN);
    order_for(fact_of(EV_FINDING_OPENED, 0), MW_NS_PER_DAY + MW_NS_PER_MIN);
    heard.seq--;
    order_for(fact_of(EV_FINDING_OPENED, 0), MW_NS_PER_DAY + MW_NS_PER_MIN);
    run_until(2 * MW_NS_PER_DAY);
    assert_non_null(fact_of(EV_ORDER_ENDED, 0));
    assert_null(fact_of(EV_ORDER_ENDED, 1));
    assert_int_equal(heard.marks.count[MARK_ACTION_AGAIN], 1);
    finish();
}

static void a_fault_that_misses_the_job_says_that_it_is_harmless(void **state)
{
    struct scenario_process *p = plain();
    (void)state;
    p->kill_odds = 0.0;
    begin(1);
    run_until(MW_NS_PER_DAY + MW_NS_PER_MIN);
    for (uint32_t i = 0; i < NODES; i++)
        assert_int_equal(fact_of(EV_FINDING_OPENED, i)->body.finding.effect, EFFECT_HARMLESS);
    finish();
    p->kill_odds = 1.0;
    begin(1);
    run_until(MW_NS_PER_DAY + MW_NS_PER_MIN);
    assert_int_equal(fact_of(EV_FINDING_OPENED, 0)->body.finding.effect, EFFECT_KILLS);
    finish();
}

static void a_flap_closes_its_own_finding(void **state)
{
    struct scenario_process *p = plain();
    (void)state;
    p->clears = (struct scenario_mix){.n = 1, .share = {1.0}, .draw = {fixed(MW_NS_PER_S)}};
    begin(1);
    run_until(MW_NS_PER_DAY + MW_NS_PER_HOUR);
    const struct event *opened = fact_of(EV_FINDING_OPENED, 0);
    const struct event *closed = fact_of(EV_FINDING_CLOSED, 0);
    assert_non_null(closed); /* gone before it was seen, and reported all the same */
    assert_true(opened < closed);
    assert_int_equal(heard.marks.count[MARK_CLEARED_BEFORE_DETECTED], NODES);
    finish();
}

static void rates_are_what_the_scenario_says(void **state)
{
    struct scenario_process *p = plain();
    (void)state;
    p->on = COMPONENT_GPU;
    p->between = (struct scenario_draw){LAW_EXPONENTIAL, 20.0 * (double)MW_NS_PER_DAY, 0.0};
    p->clears = (struct scenario_mix){.n = 1, .share = {1.0}, .draw = {fixed(MW_NS_PER_S)}};
    scenario.horizon_ns = 1000 * MW_NS_PER_DAY;
    begin(1);
    run_until(scenario.horizon_ns);
    double faults = (double)world_stats(heard.world, scenario.start_ns).faults;
    assert_true(faults > 6400 * 0.96 && faults < 6400 * 1.04); /* 128 GPUs x 1,000 d / 20 d */
    finish();
}

static void lemons_fail_more_often(void **state)
{
    struct scenario_process *p = plain();
    (void)state;
    p->on = COMPONENT_GPU;
    p->between = (struct scenario_draw){LAW_EXPONENTIAL, 100.0 * (double)MW_NS_PER_DAY, 0.0};
    p->clears = (struct scenario_mix){.n = 1, .share = {1.0}, .draw = {fixed(MW_NS_PER_S)}};
    scenario.horizon_ns = 1000 * MW_NS_PER_DAY;
    begin(1);
    run_until(scenario.horizon_ns);
    uint64_t without = world_stats(heard.world, scenario.start_ns).faults;
    finish();
    p->lemon_share = 0.25;
    p->lemon_factor = 9.0;
    begin(1);
    run_until(scenario.horizon_ns);
    double ratio = (double)world_stats(heard.world, scenario.start_ns).faults / (double)without;
    assert_true(ratio > 2.2 && ratio < 3.8); /* 1 + 0.25 x 8 = 3, of 128 GPUs */
    finish();
}

static void a_dead_pdu_takes_its_nodes_and_gives_them_back(void **state)
{
    struct scenario_process *p = plain();
    (void)state;
    p->on = COMPONENT_CDU;
    begin(1);
    if (heard.fleet->count[COMPONENT_CDU] == 0) {
        finish();
        p->on = COMPONENT_PDU;
        begin(1);
    }
    run_until(MW_NS_PER_DAY + MW_NS_PER_MIN);
    const struct event *part = NULL;
    uint32_t fed = 0;
    for (uint32_t i = 0; i < heard.facts; i++) {
        bool on_node = heard.fact[i].body.finding.node != MW_NONE;
        fed += on_node;
        part = on_node ? part : &heard.fact[i];
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
    run_until(MW_NS_PER_DAY + MW_NS_PER_MIN + MW_NS_PER_HOUR);
    uint32_t closed = 0;
    for (uint32_t i = 0; i < heard.facts; i++)
        closed += heard.fact[i].kind == EV_FINDING_CLOSED;
    assert_true(closed >= 1 && (fed == 0 || closed > 1));
    finish();
}

static void a_gate_fails_while_something_is_wrong_and_by_its_odds(void **state)
{
    struct scenario_process *p = plain();
    (void)state;
    p->gate_pass = 0.0;
    begin(1);
    struct event ev = {.kind = EV_GATE_STARTED, .seq = ++heard.seq};
    ev.body.gate = (struct body_gate){.length_ms = 1000, .node = 3};
    world_act(heard.world, scenario.start_ns, &ev, NULL);
    run_until(MW_NS_PER_HOUR);
    assert_int_equal(fact_of(EV_GATE_ENDED, 0)->body.gate.result, RESULT_FAILED); /* by odds */
    finish();
    p->gate_pass = 1.0;
    begin(1);
    ev.seq = ++heard.seq;
    world_act(heard.world, scenario.start_ns, &ev, NULL);
    run_until(MW_NS_PER_DAY);
    assert_int_equal(fact_of(EV_GATE_ENDED, 0)->body.gate.result, RESULT_OK);
    ev.seq = ++heard.seq;
    world_act(heard.world, scenario.start_ns + MW_NS_PER_DAY, &ev, NULL);
    run_until(MW_NS_PER_DAY + MW_NS_PER_HOUR);
    assert_int_equal(fact_of(EV_GATE_ENDED, 1)->body.gate.result, RESULT_FAILED); /* broken */
    finish();
}

/* ---- jobs ---------------------------------------------------------------------------------- */

static void an_attempt_works_saves_and_hangs_when_its_node_dies(void **state)
{
    (void)state;
    plain();
    one_job();
    begin(1);
    run_until(0);
    assert_int_equal(fact_of(EV_JOB_SUBMITTED, 0)->body.job.nodes, 4);
    place(1, 0, 4, 0);
    run_until(MW_NS_PER_HOUR);
    assert_true(fact_of(EV_ATTEMPT_RUNNING, 0)->observed_ns ==
                scenario.start_ns + 5 * MW_NS_PER_MIN);
    run_until(MW_NS_PER_DAY + MW_NS_PER_MIN); /* all nodes die after a day */
    assert_null(fact_of(EV_ATTEMPT_ENDED, 0));
    stop(1, DRAIN_NOW, MW_NS_PER_DAY + MW_NS_PER_MIN);
    const struct body_progress *b = &fact_of(EV_ATTEMPT_ENDED, 0)->body.progress;
    /* 23 h 55 min of cycles of 61 minutes: 23 whole ones, and 32 minutes of work */
    assert_int_equal(b->progress_ms, 23 * MW_MS_PER_HOUR + 32 * MW_MS_PER_MIN);
    assert_int_equal(b->saved_ms, 23 * MW_MS_PER_HOUR);
    assert_int_equal(b->checkpoint_ms, 23 * MW_MS_PER_MIN);
    assert_int_equal(b->how, HOW_FAILED);
    assert_true(b->stopped_ms == mw_ms(scenario.start_ns + MW_NS_PER_DAY));
    assert_true(b->node < 4);
    finish();
}

static void a_hung_attempt_that_nobody_stops_times_out(void **state)
{
    (void)state;
    plain();
    one_job();
    begin(1);
    run_until(0);
    place(1, 0, 4, 0);
    run_until(MW_NS_PER_DAY + WORLD_HUNG_NS_MAX);
    const struct event *e = fact_of(EV_ATTEMPT_ENDED, 0);
    assert_true(e->observed_ns == scenario.start_ns + MW_NS_PER_DAY + WORLD_HUNG_NS_MAX);
    assert_int_equal(e->body.progress.how, HOW_FAILED);
    assert_true(e->body.progress.stopped_ms == mw_ms(scenario.start_ns + MW_NS_PER_DAY));
    finish();
}

static void a_drain_at_the_checkpoint_waits_for_it(void **state)
{
    (void)state;
    plain();
    one_job();
    begin(1);
    run_until(0);
    place(1, 0, 4, 0);
    run_until(90 * MW_NS_PER_MIN);
    stop(1, DRAIN_AT_CHECKPOINT, 90 * MW_NS_PER_MIN);
    assert_null(fact_of(EV_ATTEMPT_ENDED, 0));
    run_until(MW_NS_PER_DAY - MW_NS_PER_S);
    const struct event *e = fact_of(EV_ATTEMPT_ENDED, 0);
    assert_true(e->observed_ns == scenario.start_ns + (5 + 2 * 61) * MW_NS_PER_MIN);
    assert_int_equal(e->body.progress.how, HOW_STOPPED);
    assert_int_equal(e->body.progress.saved_ms, 2 * MW_MS_PER_HOUR);
    assert_int_equal(e->body.progress.progress_ms, 2 * MW_MS_PER_HOUR);
    finish();
}

static void a_slow_part_slows_the_whole_gang_until_it_is_repaired(void **state)
{
    struct scenario_process *p = plain();
    (void)state;
    p->effect = EFFECT_SLOWS;
    p->slow_share = 0.5;
    p->between = fixed(10 * MW_NS_PER_HOUR);
    one_job();
    begin(1);
    run_until(0);
    place(1, 0, 4, 0);
    run_until(20 * MW_NS_PER_HOUR);
    stop(1, DRAIN_NOW, 20 * MW_NS_PER_HOUR);
    int64_t whole_ms = fact_of(EV_ATTEMPT_ENDED, 0)->body.progress.progress_ms;
    /* ten hours at full speed, ten at half */
    assert_true(whole_ms > 14 * MW_MS_PER_HOUR && whole_ms < 15 * MW_MS_PER_HOUR);
    finish();
}

static void an_attempt_on_a_broken_node_hangs_from_its_start(void **state)
{
    (void)state;
    plain();
    one_job();
    begin(1);
    run_until(MW_NS_PER_DAY); /* broken, and not seen yet */
    place(1, 0, 4, MW_NS_PER_DAY);
    stop(1, DRAIN_NOW, MW_NS_PER_DAY + MW_NS_PER_MIN);
    const struct event *e = fact_of(EV_ATTEMPT_ENDED, 0);
    assert_int_equal(e->body.progress.how, HOW_FAILED);
    assert_int_equal(e->body.progress.progress_ms, 0);
    assert_null(fact_of(EV_ATTEMPT_RUNNING, 0));
    finish();
}

static void two_jobs_on_a_node_are_refused_by_the_world(void **state)
{
    (void)state;
    plain();
    one_job();
    scenario.jobs_max = 2;
    scenario.job_class[0].count = 2;
    begin(1);
    run_until(2 * MW_NS_PER_HOUR);
    place(1, 0, 4, 2 * MW_NS_PER_HOUR);
    struct event ev = {.kind = EV_ATTEMPT_PLACED, .seq = ++heard.seq, .tail_size = 4};
    ev.body.place = (struct body_place){.job = 2, .slot = 1, .attempt = 1, .nodes = 1};
    uint32_t node = 3;
    world_act(heard.world, scenario.start_ns + 2 * MW_NS_PER_HOUR, &ev, &node);
    assert_non_null(world_trouble(heard.world));
    world_destroy(heard.world);
    heard.world = NULL;
}

static void the_world_breaks_alike_whatever_is_done_to_it(void **state)
{
    struct scenario_process *p = plain();
    uint64_t first[2];
    (void)state;
    p->between = (struct scenario_draw){LAW_EXPONENTIAL, 5.0 * (double)MW_NS_PER_DAY, 0.0};
    one_job();
    for (int with_job = 0; with_job < 2; with_job++) {
        begin(4);
        run_until(0);
        if (with_job)
            place(1, 0, 4, 0);
        run_until(30 * MW_NS_PER_DAY);
        first[with_job] = 0;
        for (uint32_t i = 0; i < heard.facts; i++) {
            if (heard.fact[i].kind == EV_FINDING_OPENED)
                first[with_job] = first[with_job] * 31 + (uint64_t)heard.fact[i].observed_ns +
                                  heard.fact[i].body.finding.node;
        }
        finish();
    }
    assert_true(first[0] == first[1]);
}

static int tear_down(void **state)
{
    (void)state;
    fleet_destroy(heard.fleet);
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
