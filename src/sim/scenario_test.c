/* The scenario language: what a file means, what is refused with its place, the files we ship. */
#include "sim/scenario.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"
#include "sim/scenario_schema.h"
#include "sim/scenario_testing.h"

#define HEAD "scenario: t\nsite: {shape: hgx-h100, gpus: 64}\nhorizon: 10d\n" /* lines 1 to 3 */
#define DAY ((double)MW_NS_PER_DAY)

static void a_short_file_gets_the_stated_defaults(void **state)
{
    (void)state;
    struct scenario *s = scenario_good(HEAD);
    assert_string_equal(s->name, "t");
    assert_string_equal(s->site_shape, "hgx-h100");
    assert_int_equal(s->site_gpus, 64);
    assert_int_equal(s->horizon_ns, 10 * MW_NS_PER_DAY);
    assert_int_equal(s->start_ns, INT64_C(1704067200) * MW_NS_PER_S); /* 2024-01-01 */
    assert_int_equal(s->seed, 1);
    assert_int_equal(s->jobs, JOBS_NONE);
    assert_int_equal(s->policy.care.classes, 1);
    assert_string_equal(s->policy.care.class[0].name, "unknown");
    assert_int_equal(s->messages.resend_ns, 30 * MW_NS_PER_S);
    mw_free(s);
}

static void classes_and_processes_mean_what_they_say(void **state)
{
    (void)state;
    struct scenario *s = scenario_good(HEAD
        "classes:\n"
        "  gpu: {effect: kills, gate: 45min, probation: 2h}\n"
        "  fan: {effect: defers, drain: now}\n"
        "  link: {effect: slows, count: 3, window: 1h}\n"
        "faults:\n"
        "  gpu: {on: gpu, between: {law: weibull, scale: 100d, shape: 0.7}, repair: 4h,\n"
        "    lemons: {share: 0.05, factor: 20}, gate_pass: 0.9,\n"
        "    burst: {share: 0.1, within: rack, max: 4}}\n"
        "  node: {class: fan, on: node, rate_per_1000_node_days: 4, effect: none,\n"
        "    repair: [{share: 0.7, law: fixed, value: 1h},\n"
        "             {share: 0.3, law: lognormal, median: 2d, sigma: 0.5}]}\n"
        "  flap: {class: link, on: cable, rate_per_year: 2, slow: 0.25,\n"
        "    clears: {law: uniform, from: 1s, to: 1min}}\n");
    assert_int_equal(s->policy.care.classes, 3);
    assert_int_equal(s->policy.care.class[0].gate_ms, 45 * MW_MS_PER_MIN);
    assert_int_equal(s->policy.care.class[0].probation_ms, 2 * MW_MS_PER_HOUR);
    assert_int_equal(s->policy.care.class[1].drain, DRAIN_NOW);
    assert_int_equal(s->policy.care.class[2].drain, DRAIN_AT_CHECKPOINT);
    assert_int_equal(s->policy.care.class[2].count, 3);
    assert_int_equal(s->processes, 3);
    const struct scenario_process *p = &s->process[0];
    assert_int_equal(p->on, COMPONENT_GPU);
    assert_int_equal(p->between.law, LAW_WEIBULL);
    assert_true(p->between.a == 100 * DAY && p->between.b == 0.7);
    assert_true(p->lemon_share == 0.05 && p->lemon_factor == 20 && p->gate_pass == 0.9);
    assert_int_equal(p->burst_within, COMPONENT_RACK);
    assert_int_equal(p->effect, EFFECT_KILLS);
    assert_true(p[1].between.law == LAW_EXPONENTIAL && p[1].between.a == 250 * DAY);
    assert_int_equal(p[1].class, 1);
    assert_int_equal(p[1].effect, EFFECT_NONE);
    assert_int_equal(p[1].repair.n, 2);
    assert_true(p[1].repair.share[1] == 0.3 && p[1].repair.draw[1].a == 2 * DAY);
    assert_true(p[2].between.a == 182.5 * DAY && p[2].clears.n == 1 && p[2].repair.n == 0);
    assert_int_equal(p[2].effect, EFFECT_SLOWS);
    mw_free(s);
}

static void jobs_read_sizes_laws_and_counts(void **state)
{
    (void)state;
    struct scenario *s = scenario_good(HEAD
        "jobs:\n"
        "  load: 0.85\n"
        "  restart: 10min\n"
        "  mix:\n"
        "    train: {share: 1, gpus: {16: 3, 32: 1},\n"
        "      work: {law: lognormal, median: 5h, sigma: 1},\n"
        "      write: 40s, priority: 5, fails: 0.25}\n"
        "    nightly: {count: 7, first: 1h, every: 1d, gpus: 8, work: 30min}\n");
    assert_int_equal(s->jobs, JOBS_SYNTHETIC);
    assert_int_equal(s->job_classes, 2);
    const struct scenario_job_class *c = s->job_class;
    assert_string_equal(c[0].name, "train");
    assert_int_equal(c[0].gpus_n, 2);
    assert_int_equal(c[0].gpus[1], 32);
    assert_true(c[0].gpus_weight[0] == 3);
    assert_true(c[0].write.a == 40e9 && c[0].restart.a == 600e9);
    assert_int_equal(c[0].priority, 5);
    assert_int_equal(c[1].count, 7);
    assert_int_equal(c[1].every_ns, MW_NS_PER_DAY);
    mw_free(s);
}

static void policy_reaches_the_planes_in_their_units(void **state)
{
    (void)state;
    struct scenario *s = scenario_good(HEAD
        "price_usd_per_gpu_hour: 2.5\n"
        "policy:\n"
        "  gate: false\n"
        "  failure_rate_per_1000_node_days: 6.5\n"
        "  interval: 1h\n"
        "  bypass: 12h\n"
        "  pulse: 1s\n"
        "  guard: {mode: advise, hall_share: 0.01, fleet_share: 0.05, domain_rule: false}\n");
    assert_int_equal(s->policy.account.microdollars_per_gpu_hour, 2500000);
    assert_false(s->policy.care.gate);
    assert_int_equal(s->policy.work.rate_per_1e9_node_hours, 270833);
    assert_int_equal(s->policy.work.interval_ms, MW_MS_PER_HOUR);
    assert_int_equal(s->policy.work.pulse_ms, 1000);
    assert_int_equal(s->policy.guard.mode, MODE_ADVISE);
    assert_int_equal(s->policy.guard.hall_permille_x10, 100);
    assert_int_equal(s->policy.guard.fleet_permille_x10, 500);
    assert_false(s->policy.guard.domain_rule);
    mw_free(s);
}

static void paths_are_relative_to_the_file_and_those_of_set_are_not(void **state)
{
    (void)state;
    const char *yaml = HEAD "fault_trace: {file: ../x.json, detect: 5min}\n"
                            "jobs: {trace: /abs/j.csv}\n";
    const char *set[] = {"jobs.trace=here.csv"};
    struct scenario *s = scenario_good(yaml);
    assert_string_equal(s->fault_trace_path, "dir/../x.json");
    assert_string_equal(s->job_trace_path, "/abs/j.csv");
    assert_int_equal(s->jobs, JOBS_TRACE);
    assert_true(s->trace_detect_ns == 300e9);
    mw_free(s);
    s = scenario_good_set(yaml, set, 1);
    assert_string_equal(s->job_trace_path, "here.csv");
    mw_free(s);
}

static void set_changes_one_value_before_the_checks(void **state)
{
    (void)state;
    const char *yaml = HEAD "classes: {gpu: {effect: kills}}\n"
                            "faults: {gpu: {on: node, repair: 1h,\n"
                            "  between: {law: exponential, mean: 9d}}}\n";
    const char *set[] = {"faults.gpu.between.mean=200d", "messages.lost=25", "horizon=1y"};
    struct scenario *s = scenario_good_set(yaml, set, 3);
    assert_true(s->process[0].between.a == 200 * DAY);
    assert_int_equal(s->messages.lost, 25);
    assert_int_equal(s->horizon_ns, 365 * MW_NS_PER_DAY);
    mw_free(s);

    struct scenario *t = mw_calloc(1, sizeof(*t));
    struct problems p = {0};
    struct mw_error err = {0};
    const char *bad[] = {"horizon"}, *through[] = {"horizon.x=1"};
    const char *range[] = {"messages.lost=9999"};
    assert_int_equal(scenario_read_set(yaml, bad, 1, t, &p, &err), MW_EINVAL);
    assert_non_null(strstr(err.text, "--set horizon: write key=value"));
    assert_int_equal(scenario_read_set(yaml, through, 1, t, &p, &err), MW_EINVAL);
    assert_int_equal(scenario_read_set(yaml, range, 1, t, &p, &err), MW_ESYNTAX);
    problems_fini(&p);
    mw_free(t);
}

static void a_trace_class_is_found_by_description_then_class_then_name(void **state)
{
    (void)state;
    struct scenario *s = scenario_good(HEAD "classes:\n"
                                            "  dead: {effect: kills, trace: [GPU, NIC]}\n"
                                            "  slow: {effect: slows, trace: [\"GPU: Width low\"]}\n"
                                            "  Fan: {effect: defers}\n"
                                            "  unknown: {}\n");
    assert_int_equal(scenario_trace_class(s, "GPU", "Lost"), 0);
    assert_int_equal(scenario_trace_class(s, "GPU", "Width low"), 1);
    assert_int_equal(scenario_trace_class(s, "NIC", "Width low"), 0);
    assert_int_equal(scenario_trace_class(s, "Fan", "x"), 2);
    assert_int_equal(scenario_trace_class(s, "Bird", "x"), 3);
    s->policy.care.classes = 3;
    assert_int_equal(scenario_trace_class(s, "Bird", "x"), UINT16_MAX);
    mw_free(s);
}

static void mistakes_are_reported_with_their_place(void **state)
{
    (void)state;
    scenario_refused("", "");
    scenario_refused("- 1\n", "must be a map");
    scenario_refused("scenario: t\n", "the key 'site' is missing");
    scenario_refused(HEAD "sead: 4\n", "dir/t.yaml:4:1: unknown key 'sead'; did you mean 'seed'?");
    scenario_refused(HEAD "seed: -4\n", "dir/t.yaml:4:7:");
    scenario_refused("scenario: t\nsite: {shape: hgx-h100}\nhorizon: 1d\n",
                     "t.yaml:2:7: give 'site' either");
    scenario_refused("scenario: t\nsite: {file: a, gpus: 8}\nhorizon: 1d\n",
                     "t.yaml:2:7: give 'site' either");
    scenario_refused(HEAD "classes: {}\n", "names no class");
    scenario_refused(HEAD "classes: {c: {count: 3}}\n", "needs a 'window'");
    scenario_refused(HEAD "classes: {a: {trace: [GPU]}, b: {trace: [GPU]}}\n",
                     "belongs to the class 'a'");
    scenario_refused(HEAD "jobs: {load: 1}\n", "dir/t.yaml:4:7: give 'jobs' either");
    scenario_refused(HEAD "jobs: {mix: {a: {share: 0.5, gpus: 8, work: 1h}}}\n",
                     "add up to 0.5, not 1");
    scenario_refused(HEAD "jobs: {mix: {a: {share: 1, gpus: x, work: 1h}}}\n",
                     "4:34: 'gpus' must be");
    scenario_refused(HEAD "jobs: {mix: {a: {share: 1, gpus: {8: -1}, work: 1h}}}\n",
                     "weight of 8 GPUs");
    scenario_refused(HEAD "jobs: {mix: {a: {gpus: 8, work: 1h}}}\n",
                     "either a 'share' of the load or");
    scenario_refused(HEAD "policy: {interval_min: 1h, interval_max: 1min}\n",
                     "shorter than 'interval_min'");
}

/* A process around `text`. */
#define ON_NODE(text) \
    HEAD "classes: {unknown: {}}\nfaults: {p: {class: unknown, on: node, " text "}}\n"

static void mistakes_in_fault_processes_are_reported_with_their_place(void **state)
{
    (void)state;
    scenario_refused(HEAD "faults: {p: {on: node, rate_per_year: 1, repair: 1h}}\n",
                     "no class 'p'");
    scenario_refused(HEAD "faults: {p: {class: x, on: node, rate_per_year: 1, repair: 1h}}\n",
                     "dir/t.yaml:4:21: there is no class 'x'");
    scenario_refused(ON_NODE("rate_per_year: 1"), "needs 'repair' or 'clears'");
    scenario_refused(ON_NODE("repair: 1h"), "give one of between");
    scenario_refused(ON_NODE("repair: 1h, between: 1d, rate_per_year: 1"), "give one of between");
    scenario_refused(ON_NODE("repair: 1h, between: 10ms"), "under 1 s");
    scenario_refused(ON_NODE("repair: soon, between: 1d"), "must be a length of time");
    scenario_refused(ON_NODE("repair: 1h, between: {law: weibull, scale: 1d}"),
                     "key 'shape' of this law");
    scenario_refused(ON_NODE("repair: 1h, between: {law: fixed, mean: 1d}"),
                     "'mean' is no parameter");
    scenario_refused(ON_NODE("repair: 1h, between: {law: gauss, mean: 1d}"),
                     "'law' must be one of");
    scenario_refused(ON_NODE("repair: 1h, between: {law: uniform, from: 2d, to: 1d}"),
                     "shorter than 'from'");
    scenario_refused(ON_NODE("repair: [{law: fixed, value: 1h}], between: 1d"),
                     "key 'share' of this branch");
    scenario_refused(ON_NODE("repair: [], between: 1d"), "must have 1 to 4 branches");
    scenario_refused(HEAD "faults: {p: {class: unknown, on: gpu, repair: 1h, "
                          "rate_per_1000_node_days: 1}}\n",
                     "is for processes on nodes");
}

static void all_mistakes_of_a_file_are_reported_at_once_in_order(void **state)
{
    (void)state;
    struct scenario *s = mw_calloc(1, sizeof(*s));
    struct problems p = {0};
    struct mw_error err = {0};
    assert_int_equal(scenario_read_set(HEAD "crashes: x\njobs: {load: 1}\n"
                                            "progress_every: 1\nzz: 1\n",
                                       NULL, 0, s, &p, &err), MW_ESYNTAX);
    assert_int_equal(p.total, 4);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(p.item[i].line, 4 + i);
    assert_int_equal(s->site_gpus, 0); /* untouched */
    assert_non_null(strstr(err.text, "4 mistakes"));
    problems_fini(&p);
    mw_free(s);
}

static void running_out_of_memory_anywhere_leaves_nothing_behind(void **state)
{
    (void)state;
    const char *yaml = HEAD "classes: {unknown: {}}\nmessages: {lost: 1}\n";
    const char *set[] = {"messages.late=1"};
    struct scenario *s = mw_calloc(1, sizeof(*s));
    uint32_t failures = 0;
    for (int64_t k = 0; k < 60; k++) {
        struct problems p = {0};
        mw_mem_fail_after(k);
        int rc = scenario_read_set(yaml, set, 1, s, &p, NULL);
        mw_mem_fail_after(-1);
        assert_true(rc == 0 || (rc == MW_ENOMEM && s->site_gpus == 0));
        failures += rc != 0;
        problems_fini(&p);
        memset(s, 0, sizeof(*s));
    }
    assert_true(failures >= 3);
    mw_free(s);
}

static void every_shipped_scenario_parses(void **state)
{
    (void)state;
    DIR *d = opendir("scenarios"); /* tests run in the source root */
    assert_non_null(d);
    uint32_t n = 0;
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        char path[300], text[512] = "";
        size_t length = strlen(e->d_name);
        if (length < 5 || strcmp(e->d_name + length - 5, ".yaml") != 0)
            continue;
        (void)snprintf(path, sizeof(path), "scenarios/%s", e->d_name);
        struct scenario *s = mw_calloc(1, sizeof(*s));
        struct problems p = {0};
        struct mw_error err = {0};
        if (scenario_load_file(path, NULL, 0, s, &p, &err) != 0) {
            if (p.length > 0)
                problem_format(&p.item[0], text, sizeof(text));
            fail_msg("%s: %s", err.text, text);
        }
        assert_true(strncmp(s->name, e->d_name, length - 5) == 0);
        problems_fini(&p);
        mw_free(s);
        n++;
    }
    closedir(d);
    assert_true(n >= 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_file_gets_the_stated_defaults),
        cmocka_unit_test(classes_and_processes_mean_what_they_say),
        cmocka_unit_test(jobs_read_sizes_laws_and_counts),
        cmocka_unit_test(policy_reaches_the_planes_in_their_units),
        cmocka_unit_test(paths_are_relative_to_the_file_and_those_of_set_are_not),
        cmocka_unit_test(set_changes_one_value_before_the_checks),
        cmocka_unit_test(a_trace_class_is_found_by_description_then_class_then_name),
        cmocka_unit_test(mistakes_are_reported_with_their_place),
        cmocka_unit_test(mistakes_in_fault_processes_are_reported_with_their_place),
        cmocka_unit_test(all_mistakes_of_a_file_are_reported_at_once_in_order),
        cmocka_unit_test(running_out_of_memory_anywhere_leaves_nothing_behind),
        cmocka_unit_test(every_shipped_scenario_parses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
