/*
 * What must be impossible, where the world matters: messages that are lost, late
 * and doubled, leases, machines, crashes at every place.  Each sentence is a story
 * with what would have to break for it to happen; the rest of them are in
 * control/impossible_test.c.  Every run here also has all invariants of check.h
 * looked at after every group.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "fleet/site.h"
#include "sim/run.h"

#define NODES 32u
#define EVENTS_MAX 60000u
#define CYCLE_NS (5 * MW_NS_PER_MIN) /* one power cycle, exactly */
#define LEASE_MS (60 * MW_MS_PER_S)

static struct scenario scenario;

/* The record of a run, by sequence. */
static struct {
    struct event event[EVENTS_MAX];
    uint64_t length;
    uint64_t node_job[NODES];
    uint32_t placed;
} record;

static struct scenario_draw fixed(int64_t ns)
{
    return (struct scenario_draw){LAW_FIXED, (double)ns, 0.0};
}

static void note_place(const struct event *ev, const uint32_t *node)
{
    record.placed++;
    for (uint32_t i = 0; i < ev->body.place.nodes; i++) {
        assert_int_equal(record.node_job[node[i]], 0);
        record.node_job[node[i]] = ev->body.place.job;
    }
}

static void note(void *ctx, const struct run_view *v, const struct event *ev, const void *tail)
{
    (void)ctx;
    (void)v;
    assert_true(ev->seq < EVENTS_MAX);
    record.event[ev->seq] = *ev;
    record.length = ev->seq;
    if (ev->kind == EV_ATTEMPT_PLACED)
        note_place(ev, tail);
    for (uint32_t n = 0; ev->kind == EV_ATTEMPT_ENDED && n < NODES; n++)
        if (record.node_job[n] == ev->body.progress.job)
            record.node_job[n] = 0;
}

/* Nodes that need a power cycle every few days, on a site that does all there is to do. */
static void wild(void)
{
    scenario_defaults(&scenario);
    struct care_policy *care = &scenario.policy.care;
    care->classes = 1;
    care->class[0] = (struct care_class){
        .name = "host", .effect = EFFECT_KILLS, .count = 1, .gate_ms = 10 * MW_MS_PER_MIN,
        .probation_ms = MW_MS_PER_HOUR, .shared = CAUSE_ANY, .steps = 2 };
    care->class[0].ladder[0] = (struct care_ladder){
        .step = STEP_POWER_CYCLE, .who = WHO_BMC, .part = CARE_PART_NONE, .odds_ppm = 700000,
        .weight = 50, .duration_ms = CYCLE_NS / MW_NS_PER_MS, .lease_ms = LEASE_MS };
    care->class[0].ladder[1] = (struct care_ladder){
        .step = STEP_REPLACE, .who = WHO_TECHNICIAN, .part = CARE_PART_NONE, .odds_ppm = 950000,
        .weight = 50, .duration_ms = 6 * MW_MS_PER_HOUR, .crew_ms = MW_MS_PER_HOUR };
    scenario.processes = 1;
    scenario.process[0] = (struct scenario_process){
        .on = COMPONENT_NODE, .effect = EFFECT_KILLS, .kill_odds = 1.0, .gate_pass = 1.0,
        .between = {LAW_EXPONENTIAL, 6.0 * (double)MW_NS_PER_DAY, 0.0},
        .detect = fixed(30 * MW_NS_PER_S),
        .repair = {.n = 1, .share = {1.0}, .draw = {fixed(MW_NS_PER_HOUR)}},
        .has_cures = true, .gate_catch = 1.0};
    scenario.process[0].cures[STEP_POWER_CYCLE] = 0.7;
    scenario.process[0].cures[STEP_REPLACE] = 1.0;
    scenario.step[STEP_POWER_CYCLE].takes =
        (struct scenario_mix){.n = 1, .share = {1.0}, .draw = {fixed(CYCLE_NS)}};
    scenario.step[STEP_POWER_CYCLE].unknown = 0.2;
    scenario.jobs = JOBS_SYNTHETIC;
    scenario.load = 0.9;
    scenario.job_classes = 2;
    for (uint32_t i = 0; i < 2; i++)
        scenario.job_class[i] = (struct scenario_job_class){
            .share_of_gpu_time = 0.5, .gpus_n = 2, .gpus = {i ? 8 : 64, i ? 16 : 96},
            .gpus_weight = {1.0, 1.0},
            .work = {LAW_EXPONENTIAL, 12.0 * (double)MW_NS_PER_HOUR, 0.0},
            .write = fixed(30 * MW_NS_PER_S), .restart = fixed(5 * MW_NS_PER_MIN),
            .priority = (uint8_t)i, .interruptible = i == 1};
    scenario.horizon_ns = 60 * MW_NS_PER_DAY;
    scenario.messages = (struct scenario_messages){
        .lost = 50, .late = 50, .doubled = 100, .reordered = 50,
        .late_ns_max = 5 * MW_NS_PER_MIN, .resend_ns = 30 * MW_NS_PER_S};
    scenario.crashes = 60;
    scenario.snapshot_every_events = 500;
    scenario.progress_every_ns = MW_NS_PER_HOUR;
}

static struct run_result run(uint64_t seed, uint32_t tardy_percent)
{
    static struct marks marks;
    struct run_result r;
    struct mw_error err = {0};
    struct fleet *f = NULL;
    memset(&record, 0, sizeof(record));
    assert_int_equal(site_simple(NODES, &f, &err), 0);
    struct run_options o = {.scenario = &scenario, .fleet = f, .seed = seed, .check = true,
                            .quiet_ns = 30 * MW_NS_PER_DAY, .event = note, .marks = &marks,
                            .doings = {.tardy_percent = tardy_percent}};
    if (run_scenario(&o, &r, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(r.crashes, 60);
    fleet_destroy(f);
    return r;
}

/* Half of the actions lie about for up to twice their lease, and the controller that gave them
 * may be dead when they are begun. */
static void impossible_an_expired_lease_acted_on(void **state)
{
    uint32_t done = 0;
    (void)state;
    wild();
    struct run_result r = run(1, 50);
    for (uint64_t seq = 1; seq <= record.length; seq++) {
        const struct event *e = &record.event[seq];
        if (e->kind != EV_ACTION_ENDED || e->body.order.result != RESULT_OK)
            continue;
        const struct event *a = &record.event[e->cause];
        int64_t began_ns = e->observed_ns - CYCLE_NS;
        assert_int_equal(a->kind, EV_ACTION_STARTED);
        assert_int_equal(a->body.order.step, STEP_POWER_CYCLE);
        assert_true(a->body.order.lease_ms == LEASE_MS);
        assert_true(began_ns >= a->time_ns);
        assert_true(began_ns - a->time_ns <= LEASE_MS * MW_NS_PER_MS);
        done++;
    }
    assert_true(done > 20);
    assert_true(r.world.machine_refused > 5);
}

/* A machine is asked again by every life that finds no result: heard twice, done once. */
static void impossible_a_doubled_action_power_cycles_twice(void **state)
{
    static uint8_t ended[EVENTS_MAX];
    uint64_t results = 0, actions = 0;
    (void)state;
    wild();
    struct run_result r = run(2, 20);
    memset(ended, 0, sizeof(ended));
    for (uint64_t seq = 1; seq <= record.length; seq++) {
        const struct event *e = &record.event[seq];
        actions += e->kind == EV_ACTION_STARTED;
        if (e->kind != EV_ACTION_ENDED)
            continue;
        assert_int_equal(ended[e->cause]++, 0);
        results++;
    }
    assert_true(r.world.actions_again > 0);
    assert_true(actions > 40);
    /* The machines did what the record says, and no more: the last may be under way, or refused
     * by a controller that had withdrawn it. */
    uint64_t truly = r.world.machine_acts + r.world.machine_refused + r.world.machine_unknown;
    assert_true(truly <= actions);
    assert_true(results <= truly);
}

/* The same with the world alone: the very action again, and an older one after a newer. */
struct heard {
    uint32_t ended, failed;
};
static void hear(void *ctx, const struct event *fact, const char *text)
{
    struct heard *h = ctx;
    (void)text;
    h->ended += fact->kind == EV_ACTION_ENDED;
    h->failed += fact->kind == EV_ACTION_ENDED && fact->body.order.result == RESULT_FAILED;
}

static struct world *quiet_world(struct heard *h, struct fleet *f)
{
    static struct marks marks;
    struct mw_error err = {0};
    struct world *w = NULL;
    wild();
    scenario.jobs = JOBS_NONE;
    scenario.process[0].between = fixed(1000 * MW_NS_PER_DAY);
    scenario.step[STEP_POWER_CYCLE].unknown = 0.0;
    int64_t end_ns = scenario.start_ns + scenario.horizon_ns;
    struct world_config c = {.scenario = &scenario, .fleet = f, .seed = 1, .end_ns = end_ns,
                             .quiet_from_ns = end_ns, .jobs_max = 64, .incidents_max = 64,
                             .emit = hear, .ctx = h, .marks = &marks};
    assert_int_equal(world_create(&c, &w, &err), 0);
    return w;
}

static void act(struct world *w, uint64_t seq, int64_t decided_ns, int64_t now_ns)
{
    struct event ev = {.kind = EV_ACTION_STARTED, .seq = seq, .time_ns = decided_ns};
    ev.body.order = (struct body_order){
        .component = component_id(COMPONENT_NODE, 3), .incident = 7, .node = 3, .slot = 5,
        .visit = 1, .lease_ms = LEASE_MS, .part = CARE_PART_NONE, .step = STEP_POWER_CYCLE,
        .who = WHO_BMC };
    world_act(w, now_ns, &ev, NULL);
}

static void a_machine_does_an_action_once_and_never_an_older_or_an_expired_one(void **state)
{
    struct mw_error err = {0};
    struct fleet *f = NULL;
    struct heard h = {0};
    (void)state;
    assert_int_equal(site_simple(NODES, &f, &err), 0);
    struct world *w = quiet_world(&h, f);
    int64_t at = scenario.start_ns + MW_NS_PER_HOUR;
    act(w, 100, at, at);
    act(w, 100, at, at);                  /* doubled on the way */
    act(w, 90, at, at + MW_NS_PER_S);     /* an older one, late */
    act(w, 100, at, at + 2 * MW_NS_PER_S); /* a new life asks again */
    while (world_next_ns(w) < at + MW_NS_PER_HOUR)
        world_step(w);
    assert_int_equal(h.ended, 1);
    assert_int_equal(world_stats(w, at + MW_NS_PER_HOUR).machine_acts, 1);
    assert_int_equal(world_stats(w, at + MW_NS_PER_HOUR).actions_again, 3);
    int64_t later = at + 2 * MW_NS_PER_HOUR;
    act(w, 200, later, later + LEASE_MS * MW_NS_PER_MS + 1); /* first heard when it is over */
    while (world_next_ns(w) < later + MW_NS_PER_HOUR)
        world_step(w);
    assert_int_equal(h.failed, 1);
    assert_int_equal(world_stats(w, later + MW_NS_PER_HOUR).machine_acts, 1);
    world_destroy(w);
    fleet_destroy(f);
}

static void impossible_a_node_in_two_jobs(void **state)
{
    (void)state;
    wild();
    scenario.policy.work.at_once = scenario.policy.work.backfill = true;
    scenario.policy.work.preempt = true;
    for (uint64_t seed = 3; seed < 6; seed++) {
        struct run_result r = run(seed, 20);
        assert_true(r.kills > 50);
        assert_true(record.placed > r.jobs_submitted); /* many started again, elsewhere */
    }
}

static void impossible_a_restart_replays_stale_facts_into_a_failed_repair(void **state)
{
    (void)state;
    wild();
    scenario.messages.doubled = 300;
    scenario.messages.late = 200;
    scenario.messages.late_ns_max = 2 * MW_NS_PER_HOUR; /* later than whole repairs */
    struct run_result r = run(7, 20);
    assert_true(r.core.refused[ADMIT_DUPLICATE] > 100);
    /* Every repair in the record belongs to an incident that was open, and every incident has its
     * own finding (check_care.h); and at the end everybody is well. */
    uint64_t opened = 0, closed = 0;
    for (uint64_t seq = 1; seq <= record.length; seq++) {
        opened += record.event[seq].kind == EV_INCIDENT_OPENED;
        closed += record.event[seq].kind == EV_INCIDENT_CLOSED;
    }
    assert_true(opened > 50);
    assert_int_equal(opened, closed);
    assert_true(opened <= r.faults + r.world.relapses);
}

static void impossible_an_action_without_its_event(void **state)
{
    (void)state;
    wild();
    scenario.crashes = 60; /* a third of them between the commit and the actions */
    struct run_result r = run(8, 0);
    /* What the world did, it was asked for, once a life: check_action() saw each. */
    assert_true(r.core.cascades_stopped == 0 && r.core.contradictions == 0);
    assert_true(r.world.machine_acts > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(impossible_an_expired_lease_acted_on),
        cmocka_unit_test(impossible_a_doubled_action_power_cycles_twice),
        cmocka_unit_test(a_machine_does_an_action_once_and_never_an_older_or_an_expired_one),
        cmocka_unit_test(impossible_a_node_in_two_jobs),
        cmocka_unit_test(impossible_a_restart_replays_stale_facts_into_a_failed_repair),
        cmocka_unit_test(impossible_an_action_without_its_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
