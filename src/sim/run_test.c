/*
 * Whole runs: the real controller in the simulated world.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/exact.h"
#include "base/mem.h"
#include "fleet/site.h"
#include "sim/run.h"

static struct scenario_draw fixed(int64_t ns)
{
    return (struct scenario_draw){LAW_FIXED, (double)ns, 0.0};
}

static struct fleet *site(uint32_t nodes)
{
    struct mw_error err = {0};
    struct fleet *f = NULL;
    assert_int_equal(site_simple(nodes, &f, &err), 0);
    return f;
}

/* One job of `gpus` that never ends on nodes that fail every `mean_ns`, seen and repaired at
 * once. */
static void endless(struct scenario *s, uint32_t gpus, double mean_ns)
{
    scenario_defaults(s);
    s->policy.care.classes = 1;
    s->policy.care.gate = false;
    s->policy.care.class[0] = (struct care_class){.name = "node", .effect = EFFECT_KILLS,
                                                  .count = 1};
    s->processes = 1;
    s->process[0] = (struct scenario_process){
        .on = COMPONENT_NODE, .effect = EFFECT_KILLS, .kill_odds = 1.0, .gate_pass = 1.0,
        .between = {LAW_EXPONENTIAL, mean_ns, 0.0},
        .repair = {.n = 1, .share = {1.0}, .draw = {fixed(MW_NS_PER_MIN)}}};
    s->jobs = JOBS_SYNTHETIC;
    s->job_classes = 1;
    s->job_class[0] = (struct scenario_job_class){
        .share_of_gpu_time = 1.0, .gpus_n = 1, .gpus = {gpus}, .gpus_weight = {1.0}, .count = 1,
        .work = fixed(INT64_C(3000) * MW_NS_PER_DAY), .write = fixed(40 * MW_NS_PER_S),
        .restart = fixed(6 * MW_NS_PER_MIN), .every_ns = MW_NS_PER_HOUR};
    s->policy.work.interval_ms = 20 * MW_MS_PER_MIN;
    s->progress_every_ns = 0;
}

static int64_t class_ms(const struct run_result *r, enum account_class c)
{
    return r->totals.gpu_ms[c];
}

/*
 * Expected wall time of one interval of work D that ends with a checkpoint of w, with a restart u
 * after each failure, failures exponential with mean M (Daly 2006, eq. 13):
 * M e^(u/M) (e^((D+w)/M) - 1).
 */
static void goodput_is_what_exponential_failures_make_it(void **state)
{
    static struct scenario s;
    struct run_result r;
    struct mw_error err = {0};
    struct fleet *f = site(80);
    (void)state;
    endless(&s, 64 * 8, 64.0 * 3.0 * (double)MW_NS_PER_HOUR);
    s.horizon_ns = 1500 * MW_NS_PER_DAY;
    struct run_options o = {.scenario = &s, .fleet = f, .seed = 1};
    assert_int_equal(run_scenario(&o, &r, &err), 0);
    double m = 3.0 * 3600.0, u = 6.0 * 60.0, d = 20.0 * 60.0, w = 40.0;
    double expected = d / (m * mw_exp(u / m) * (mw_exp((d + w) / m) - 1.0));
    double allocated = 0.0;
    for (uint32_t c = ACCOUNT_PRODUCTIVE; c <= ACCOUNT_WAITING; c++)
        allocated += (double)class_ms(&r, (enum account_class)c);
    double measured = (double)class_ms(&r, ACCOUNT_PRODUCTIVE) / allocated;
    assert_true(r.kills > 8000);
    if (!(measured > expected * 0.99 && measured < expected * 1.01))
        fail_msg("goodput %.5f, expected %.5f", measured, expected);
    assert_true(r.mttf_hours > 2.94 && r.mttf_hours < 3.06);
    fleet_destroy(f);
}

static void without_faults_a_job_loses_only_start_and_checkpoints(void **state)
{
    static struct scenario s;
    struct run_result r;
    struct mw_error err = {0};
    struct fleet *f = site(8);
    (void)state;
    endless(&s, 64, 1.0);
    s.processes = 0;
    s.horizon_ns = 10 * MW_NS_PER_DAY;
    s.job_class[0].work = fixed(100 * MW_NS_PER_HOUR);
    struct run_options o = {.scenario = &s, .fleet = f, .seed = 1, .check = true};
    assert_int_equal(run_scenario(&o, &r, &err), 0);
    assert_int_equal(r.jobs_done, 1);
    assert_int_equal(class_ms(&r, ACCOUNT_PRODUCTIVE), 64 * 100 * MW_MS_PER_HOUR);
    /* 300 intervals; the last ends the job */
    assert_int_equal(class_ms(&r, ACCOUNT_CHECKPOINT), 64 * 299 * 40 * MW_MS_PER_S);
    assert_int_equal(class_ms(&r, ACCOUNT_RESTART), 64 * 6 * MW_MS_PER_MIN);
    assert_int_equal(class_ms(&r, ACCOUNT_RECOMPUTE) + class_ms(&r, ACCOUNT_HUNG), 0);
    assert_int_equal(r.totals.wall_gpu_ms, 64 * 10 * MW_MS_PER_DAY);
    fleet_destroy(f);
}

/* A scenario in which everything happens. */
static void wild(struct scenario *s)
{
    endless(s, 256, 40.0 * 3.0 * (double)MW_NS_PER_HOUR);
    s->horizon_ns = 20 * MW_NS_PER_DAY;
    s->policy.care.gate = true;
    s->policy.care.class[0].gate_ms = 10 * MW_MS_PER_MIN;
    s->policy.care.class[0].probation_ms = MW_MS_PER_HOUR;
    s->process[0].gate_pass = 0.8;
    s->process[0].detect = (struct scenario_draw){LAW_UNIFORM, 0.0, 5.0 * (double)MW_NS_PER_MIN};
    s->job_class[0].count = 6;
    s->job_class[0].gpus[0] = 64;
    s->job_class[0].work = fixed(3 * MW_NS_PER_DAY);
    s->messages = (struct scenario_messages){30, 30, 30, 30, MW_NS_PER_MIN, 20 * MW_NS_PER_S};
    s->crashes = 20;
    s->snapshot_every_events = 300;
}

static struct run_result run_wild(const struct fleet *f, uint64_t seed)
{
    static struct scenario s;
    struct run_result r;
    struct mw_error err = {0};
    wild(&s);
    struct run_options o = {.scenario = &s, .fleet = f, .seed = seed, .check = true};
    int rc = run_scenario(&o, &r, &err);
    if (rc != 0)
        fail_msg("seed %llu: %s", (unsigned long long)seed, err.text);
    return r;
}

static void the_same_seed_gives_the_same_record_and_another_seed_another(void **state)
{
    struct fleet *f = site(40);
    (void)state;
    struct run_result a = run_wild(f, 5), b = run_wild(f, 5), c = run_wild(f, 6);
    assert_true(mw_hash128_equal(a.trace_hash, b.trace_hash));
    assert_true(mw_hash128_equal(a.state_hash, b.state_hash));
    assert_false(mw_hash128_equal(a.trace_hash, c.trace_hash));
    assert_true(a.crashes >= 15 && a.crashes <= 20);
    assert_true(a.messages_lost > 0 && a.messages_reordered > 0 && a.faults > 50);
    fleet_destroy(f);
}

static void crashes_and_bad_messages_lose_no_job(void **state)
{
    struct fleet *f = site(40);
    (void)state;
    for (uint64_t seed = 10; seed < 20; seed++) {
        struct run_result r = run_wild(f, seed);
        assert_int_equal(r.jobs_submitted, 6);
        assert_int_equal(r.jobs_done, 6);
    }
    fleet_destroy(f);
}

/* Two nodes of a trace, made by hand. */
static struct fault_trace *made_trace(void)
{
    static struct trace_fault fault[] = {
        {2 * MW_NS_PER_DAY, 5 * MW_NS_PER_DAY, 0, 0, 0},
        {3 * MW_NS_PER_DAY, 4 * MW_NS_PER_DAY, 1, 0, 0},
        {6 * MW_NS_PER_DAY, 6 * MW_NS_PER_DAY + MW_NS_PER_S, 0, 0, 0},
    };
    static char names[1][64] = {"node"};
    static struct fault_trace t;
    t = (struct fault_trace){.fault = fault, .faults = 3, .nodes_seen = 2,
                             .length_ns = 7 * MW_NS_PER_DAY, .class_name = names, .classes = 1,
                             .desc_name = names, .descs = 1};
    return &t;
}

struct seen_orders {
    int64_t ended_ns[8];
    uint32_t ended;
};

static void see_orders(void *ctx, const struct run_view *v, const struct event *ev,
                       const void *tail)
{
    struct seen_orders *seen = ctx;
    (void)tail;
    if (ev->kind == EV_ORDER_ENDED && seen->ended < 8)
        seen->ended_ns[seen->ended++] = ev->time_ns - v->start_ns;
}

static void a_trace_says_when_repairs_end(void **state)
{
    static struct scenario s;
    struct run_result r;
    struct mw_error err = {0};
    struct seen_orders seen = {0};
    struct fleet *f = site(8);
    (void)state;
    endless(&s, 8, 1.0);
    s.processes = 0;
    s.trace_detect_ns = (double)MW_NS_PER_MIN;
    s.horizon_ns = 10 * MW_NS_PER_DAY;
    struct run_options o = {.scenario = &s, .fleet = f, .trace = made_trace(), .seed = 1,
                            .check = true, .event = see_orders, .ctx = &seen};
    assert_int_equal(run_scenario(&o, &r, &err), 0);
    assert_int_equal(r.faults, 3);
    assert_int_equal(seen.ended, 3);
    assert_true(seen.ended_ns[0] == 4 * MW_NS_PER_DAY);
    assert_true(seen.ended_ns[1] == 5 * MW_NS_PER_DAY);
    /* the third was over before it was seen: it is repaired as soon as asked */
    assert_true(seen.ended_ns[2] == 6 * MW_NS_PER_DAY + MW_NS_PER_MIN);
    fleet_destroy(f);
}

static void a_trace_of_more_nodes_than_the_site_has_is_refused(void **state)
{
    static struct scenario s;
    struct run_result r;
    struct mw_error err = {0};
    struct fleet *f = site(8);
    (void)state;
    endless(&s, 8, 1.0);
    struct fault_trace *t = made_trace();
    t->nodes_seen = 9;
    struct run_options o = {.scenario = &s, .fleet = f, .trace = t, .seed = 1};
    assert_int_equal(run_scenario(&o, &r, &err), MW_EINVAL);
    assert_non_null(strstr(err.text, "9 nodes"));
    fleet_destroy(f);
}

static int stop_at_once(void *ctx, const struct run_view *v)
{
    (void)v;
    ++*(uint32_t *)ctx;
    return 1;
}

static void a_watcher_can_stop_a_run(void **state)
{
    static struct scenario s;
    struct run_result r;
    struct mw_error err = {0};
    uint32_t watched = 0;
    struct fleet *f = site(40);
    (void)state;
    wild(&s);
    struct run_options o = {.scenario = &s, .fleet = f, .seed = 1, .watch = stop_at_once,
                            .ctx = &watched};
    assert_int_equal(run_scenario(&o, &r, &err), 0);
    assert_int_equal(watched, 2); /* and a last look at the end */
    assert_true(r.horizon_days < 20.0);
    fleet_destroy(f);
}

static void running_out_of_memory_at_any_point_is_an_error(void **state)
{
    static struct scenario s;
    struct run_result r;
    struct fleet *f = site(8);
    (void)state;
    endless(&s, 64, 64.0 * (double)MW_NS_PER_DAY);
    s.horizon_ns = 3 * MW_NS_PER_DAY;
    for (int64_t k = 0; k < 60; k++) {
        struct mw_error err = {0};
        struct run_options o = {.scenario = &s, .fleet = f, .seed = 1};
        mw_mem_fail_after(k);
        int rc = run_scenario(&o, &r, &err);
        mw_mem_fail_after(-1);
        assert_true(rc == 0 || rc == MW_ENOMEM);
    }
    fleet_destroy(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goodput_is_what_exponential_failures_make_it),
        cmocka_unit_test(without_faults_a_job_loses_only_start_and_checkpoints),
        cmocka_unit_test(the_same_seed_gives_the_same_record_and_another_seed_another),
        cmocka_unit_test(crashes_and_bad_messages_lose_no_job),
        cmocka_unit_test(a_trace_says_when_repairs_end),
        cmocka_unit_test(a_trace_of_more_nodes_than_the_site_has_is_refused),
        cmocka_unit_test(a_watcher_can_stop_a_run),
        cmocka_unit_test(running_out_of_memory_at_any_point_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
