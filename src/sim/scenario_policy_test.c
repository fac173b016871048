/* The part of the scenario language that says what decides and what is done. */
#include "sim/scenario_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"
#include "core/event_fields.h"
#include "sim/scenario_testing.h"

#define HEAD "scenario: t\nsite: {shape: hgx-h100, gpus: 64}\nhorizon: 10d\n" /* lines 1 to 3 */

/* ---- tests -------------------------------------------------------------------------------- */

static const char whole[] = HEAD
    "price_usd_per_gpu_hour: 3\n"
    "parts:\n"
    "  gpu-board: {cost_usd: 30000, lead: 14d, stock: 4, least: 2, batch: 3, arrives:\n"
    "    {law: uniform, from: 7d, to: 30d}}\n"
    "  optic: {cost_usd: 900.5}\n"
    "classes:\n"
    "  gpu:\n"
    "    effect: kills\n"
    "    shared: [power, network]\n"
    "    ladder:\n"
    "      - {step: reset-gpu, odds: 0.6, duration: 2min, lease: 90s}\n"
    "      - {step: power-cycle, odds: 0.7, duration: 10min, weight: 25, deadline: 1h}\n"
    "      - {step: replace, odds: 0.97, duration: 6h, crew: 90min, part: gpu-board,\n"
    "         cost_usd: 20}\n"
    "      - {step: rma, odds: 1, duration: 10d, deadline: 20d}\n"
    "  slow: {effect: slows, slow: 0.3, shared: none, hazard_per_1000_node_days: 24}\n"
    "  drift: {effect: slows}\n"
    "steps:\n"
    "  reset-gpu: {takes: {law: uniform, from: 1min, to: 5min}, unknown: 0.01}\n"
    "crews: {number: 2, escalated: 4h}\n"
    "policy:\n"
    "  correlate: false\n"
    "  cause_window: 2min\n"
    "  cause_least: 5\n"
    "  cause_cover: 0.25\n"
    "  least_cost: false\n"
    "  evict: false\n"
    "  crew_usd_per_hour: 90\n"
    "  refault: 3d\n"
    "  job_nodes: 128\n"
    "  escalate: false\n"
    "  growth: false\n"
    "  growth_max: 3\n"
    "  lemon: {signals: 2, tickets: 9, single_rate: 0.5}\n"
    "  retire: true\n"
    "  node_worth_usd: 150000\n"
    "  at_once: true\n"
    "  backfill: true\n"
    "  topology: false\n"
    "  avoid: false\n"
    "  preempt: true\n"
    "  preempt_after: 30min\n"
    "  spares: {sized: 0.999, repair: 6h}\n"
    "  quotas: {1: 512, 7: 64}\n";

static void a_ladder_says_each_step_and_what_is_expected_of_it(void **state)
{
    (void)state;
    struct scenario *s = scenario_good(whole);
    const struct care_class *k = s->policy.care.class;
    assert_int_equal(k[0].steps, 4);
    assert_int_equal(k[0].ladder[0].step, STEP_RESET_GPU);
    assert_int_equal(k[0].ladder[0].who, WHO_AGENT);
    assert_int_equal(k[0].ladder[0].odds_ppm, 600000);
    assert_int_equal(k[0].ladder[0].lease_ms, 90000);
    assert_int_equal(k[0].ladder[0].part, CARE_PART_NONE);
    assert_int_equal(k[0].ladder[1].who, WHO_BMC);
    assert_int_equal(k[0].ladder[1].weight, 25);
    assert_int_equal(k[0].ladder[1].deadline_ms, MW_MS_PER_HOUR);
    assert_int_equal(k[0].ladder[1].lease_ms, 5 * MW_MS_PER_MIN);
    assert_int_equal(k[0].ladder[2].who, WHO_TECHNICIAN);
    assert_int_equal(k[0].ladder[2].part, 0);
    assert_int_equal(k[0].ladder[2].crew_ms, 90 * MW_MS_PER_MIN);
    assert_int_equal(k[0].ladder[2].cost_uusd, 20000000);
    assert_int_equal(k[0].ladder[3].who, WHO_VENDOR);
    assert_int_equal(k[0].ladder[3].crew_ms, 0);
    assert_int_equal(k[0].shared, CAUSE_POWER | CAUSE_NETWORK);
    assert_int_equal(k[1].shared, 0);
    assert_int_equal(k[1].slow_ppm, 300000);
    assert_int_equal(k[1].hazard_per_1e9_hours, 1000000);
    assert_int_equal(k[2].shared, CAUSE_ANY);
    assert_int_equal(k[2].slow_ppm, 150000);
    assert_int_equal(k[2].steps, 0);
    mw_free(s);
}

static void parts_and_steps_say_what_is_expected_and_what_is_true(void **state)
{
    (void)state;
    struct scenario *s = scenario_good(whole);
    const struct care_part *p = s->policy.care.part;
    assert_int_equal(s->policy.care.parts, 2);
    assert_string_equal(p[0].name, "gpu-board");
    assert_int_equal(p[0].cost_uusd, INT64_C(30000000000));
    assert_int_equal(p[0].lead_ms, 14 * MW_MS_PER_DAY);
    assert_int_equal(p[0].stock, 4);
    assert_int_equal(p[0].least, 2);
    assert_int_equal(p[0].batch, 3);
    assert_int_equal(s->part_arrives[0].n, 1);
    assert_true(s->part_arrives[0].draw[0].b == 30.0 * (double)MW_NS_PER_DAY);
    assert_int_equal(p[1].stock, UINT32_MAX);
    assert_int_equal(p[1].cost_uusd, 900500000);
    assert_int_equal(s->part_arrives[1].n, 0);
    assert_int_equal(s->step[STEP_RESET_GPU].takes.n, 1);
    assert_true(s->step[STEP_RESET_GPU].unknown == 0.01);
    assert_int_equal(s->step[STEP_REBOOT].takes.n, 0);
    assert_int_equal(s->escalated.n, 1);
    mw_free(s);
}

static void every_lever_of_the_policy_is_read(void **state)
{
    (void)state;
    struct scenario *s = scenario_good(whole);
    const struct care_policy *c = &s->policy.care;
    const struct work_policy *w = &s->policy.work;
    assert_int_equal(c->uusd_per_gpu_hour, 3000000);
    assert_false(c->correlate || c->least_cost || c->evict || c->escalate || c->growth);
    assert_true(c->cause_window_ms == 120000 && c->cause_least == 5);
    assert_int_equal(c->cause_cover_ppm, 250000);
    assert_int_equal(c->uusd_per_crew_hour, 90000000);
    assert_int_equal(c->refault_ms, 3 * MW_MS_PER_DAY);
    assert_true(c->job_nodes == 128 && c->growth_max == 3);
    assert_true(c->lemon && c->lemon_signals == 2 && c->lemon_at[LEMON_TICKETS] == 9);
    assert_int_equal(c->lemon_at[LEMON_SINGLE_RATE], 500);
    assert_int_equal(c->lemon_at[LEMON_XIDS], 5);
    assert_true(c->retire && c->node_worth_uusd == INT64_C(150000000000));
    assert_true(w->at_once && w->backfill && w->preempt && !w->topology && !w->avoid);
    assert_int_equal(w->preempt_after_ms, 30 * MW_MS_PER_MIN);
    assert_int_equal(w->spares, SPARES_SIZED);
    assert_int_equal(w->spares_quantile_ppm, 999000);
    assert_int_equal(w->spares_repair_ms, 6 * MW_MS_PER_HOUR);
    assert_int_equal(w->quotas, 2);
    assert_true(w->quota[1].tenant == 7 && w->quota[1].gpus == 64);
    mw_free(s);
}

static void a_silent_file_has_the_policy_that_the_controller_has(void **state)
{
    (void)state;
    struct scenario *s = scenario_good(HEAD "policy: {lemon: {}}\n");
    struct control_policy p = control_policy_default();
    struct control_sha256 a = control_policy_sha256(&p), b = control_policy_sha256(&s->policy);
    assert_memory_equal(a.bytes, b.bytes, sizeof(a.bytes));
    mw_free(s);
}

/* The tables of results turn each lever off in turn. */
static void every_lever_can_be_set_from_the_command_line(void **state)
{
    static const char *const set[] = {
        "policy.lemon.on=false", "policy.least_cost=true", "policy.evict=true",
        "policy.correlate=true", "policy.escalate=true", "policy.growth=true",
        "policy.retire=false", "policy.backfill=false", "policy.preempt=false",
        "policy.topology=true", "policy.avoid=true", "policy.at_once=false",
        "policy.spares.on=false", "policy.quotas.9=8", "policy.lemon.tickets=2",
        "classes.gpu.ladder.0.odds=0.25", "parts.optic.stock=5", "steps.reboot.takes=9min",
        "crews.escalated=2h"};
    (void)state;
    struct scenario *s = scenario_good_set(whole, set, MW_ARRAY_LEN(set));
    const struct care_policy *c = &s->policy.care;
    const struct work_policy *w = &s->policy.work;
    assert_true(c->least_cost && c->evict && c->correlate && c->escalate && c->growth);
    assert_false(c->lemon || c->retire || w->backfill || w->preempt || w->at_once);
    assert_true(w->topology && w->avoid && w->spares == SPARES_NONE);
    assert_int_equal(w->quotas, 3);
    assert_true(c->lemon_at[LEMON_TICKETS] == 2 && c->class[0].ladder[0].odds_ppm == 250000);
    assert_int_equal(c->part[1].stock, 5);
    assert_int_equal(s->step[STEP_REBOOT].takes.n, 1);
    assert_true(s->escalated.draw[0].a == 2.0 * (double)MW_NS_PER_HOUR);
    mw_free(s);

    static const char *const nodes[] = {"policy.spares.nodes=4"};
    s = scenario_good_set(HEAD, nodes, 1);
    assert_int_equal(s->policy.work.spares, SPARES_FIXED);
    assert_int_equal(s->policy.work.spares_nodes, 4);
    mw_free(s);
    s = scenario_good_set(HEAD "policy: {spares: {sized: 0.99}}\n", nodes, 1);
    assert_int_equal(s->policy.work.spares, SPARES_FIXED); /* instead of what the file says */
    assert_int_equal(s->policy.work.spares_nodes, 4);
    mw_free(s);
    s = scenario_good(HEAD "policy: {spares: none}\n");
    assert_int_equal(s->policy.work.spares, SPARES_NONE);
    mw_free(s);
}

static void a_step_that_is_not_named_cures_like_the_nearest_lighter_one(void **state)
{
    (void)state;
    struct scenario *s = scenario_good(HEAD
        "classes: {gpu: {}, odd: {effect: slows}}\n"
        "faults:\n"
        "  gpu: {on: gpu, rate_per_year: 1, repair: 1h, gate_catch: 0.7, relapse: 3d,\n"
        "    cures: {reset-gpu: 0.5, reboot: 0.6, replace: 0.9}}\n"
        "  odd: {on: node, rate_per_year: 1, clears: 1h, false_alarm: true, slow_known: true}\n");
    const struct scenario_process *p = s->process;
    assert_true(p[0].has_cures && !p[1].has_cures);
    assert_true(p[0].cures[STEP_RESTART_JOB] == 0.0);
    assert_true(p[0].cures[STEP_RESTART_SERVICE] == 0.5);
    assert_true(p[0].cures[STEP_RESEAT] == 0.6);
    assert_true(p[0].cures[STEP_REPLACE] == 0.9);
    assert_true(p[0].cures[STEP_RMA] == 1.0 && p[0].cures[STEP_REPAIR] == 1.0);
    assert_true(p[0].gate_catch == 0.7 && p[0].relapse.draw[0].a == 3.0 * (double)MW_NS_PER_DAY);
    assert_true(p[1].false_alarm && p[1].slow_known && !p[0].false_alarm);
    mw_free(s);
}

static void jobs_say_whose_they_are_and_whether_they_may_be_interrupted(void **state)
{
    (void)state;
    struct scenario *s = scenario_good(HEAD
        "jobs:\n"
        "  mix:\n"
        "    a: {share: 0.5, gpus: 8, work: 1h}\n"
        "    b: {share: 0.5, gpus: 8, work: 1h, tenant: 9, interruptible: true}\n");
    assert_int_equal(s->job_class[0].tenant, 1);
    assert_false(s->job_class[0].interruptible);
    assert_int_equal(s->job_class[1].tenant, 9);
    assert_true(s->job_class[1].interruptible);
    mw_free(s);
}

#define LADDER(text) HEAD "parts: {a: {}}\nclasses: {c: {ladder: [" text "]}}\n"
#define CURES(text) \
    HEAD "classes: {c: {}}\nfaults: {c: {on: node, rate_per_year: 1, " text "}}\n"

static void mistakes_of_a_policy_are_reported_with_their_place(void **state)
{
    (void)state;
    scenario_refused(LADDER("{step: reboot, odds: 1}"), "t.yaml:5:24: the key 'duration'");
    scenario_refused(LADDER("{step: jump, odds: 1, duration: 1h}"), "'step' must be one of");
    scenario_refused(LADDER("{step: reboot, odds: 2, duration: 1h}"), "'odds'");
    scenario_refused(LADDER("{step: reboot, odds: 1, duration: 1h}, {step: reset-gpu, odds: 1, "
                            "duration: 1h}"), "'reset-gpu' is lighter than 'reboot'");
    scenario_refused(LADDER("{step: reboot, odds: 1, duration: 1h}, {step: reboot, odds: 1, "
                            "duration: 1h}"), "is on this ladder already");
    scenario_refused(LADDER("{step: replace, odds: 1, duration: 1h, part: b}"),
                     "there is no part 'b'");
    scenario_refused(LADDER("{step: replace, odds: 1, duration: 1h, who: bmc}"),
                     "no machine can do");
    scenario_refused(LADDER("{step: rma, odds: 1, duration: 1h, lease: 1min}"),
                     "'lease' is for what");
    scenario_refused(LADDER("{step: reboot, odds: 1, duration: 1h, crew: 1h}"),
                     "'crew' is for what people");
    scenario_refused(HEAD "policy: {retire: true}\n", "'retire' needs 'node_worth_usd'");
    scenario_refused(HEAD "classes: {c: {shared: [gravity]}}\n", "not 'gravity'");
    scenario_refused(HEAD "classes: {c: {shared: power}}\n", "'shared' must be none, or a list");
    scenario_refused(HEAD "parts: {a: {least: 2}}\n", "'a' has no 'stock'");
    scenario_refused(HEAD "parts: {a: {batch: 0, stock: 1}}\n", "'batch'");
    scenario_refused(HEAD "policy: {spares: many}\n", "'spares' must be none, or a map");
    scenario_refused(HEAD "policy: {spares: {}}\n", "give 'spares' either");
    scenario_refused(HEAD "policy: {spares: {nodes: 1, sized: 0.9}}\n", "give 'spares' either");
    scenario_refused(HEAD "policy: {spares: {sized: 1.5}}\n", "'sized'");
    scenario_refused(HEAD "policy: {quotas: {ann: 5}}\n", "not 'ann'");
    scenario_refused(HEAD "policy: {quotas: {1: many}}\n", "whole number");
    scenario_refused(HEAD "policy: {lemon: {tikets: 5}}\n", "did you mean 'tickets'?");
    scenario_refused(CURES("repair: 1h, gate_catch: 0.5"), "go with 'cures'");
    scenario_refused(CURES("repair: 1h, cures: {reboot: 1}, gate_pass: 0.5"), "use 'gate_catch'");
    scenario_refused(CURES("repair: 1h, cures: {boot: 1}"), "unknown key 'boot'");
    scenario_refused(CURES("repair: 1h, false_alarm: true"), "a false alarm needs 'clears'");
    scenario_refused(HEAD "steps: {reboot: {takes: soon}}\n", "must be a length of time");
}

static void bug_a_misspelt_step_is_one_mistake_and_not_also_one_of_its_lease(void **state)
{
    static const char unknown[] = "'step' must be one of";
    (void)state;
    assert_int_equal(scenario_refused(LADDER("{step: rebot, odds: 1, duration: 1h, lease: 1min}"),
                                      unknown), 1);
    assert_int_equal(scenario_refused(LADDER("{step: reboot, odds: 1, duration: 1h}, "
                                             "{step: rebot, odds: 1, duration: 1h}, "
                                             "{step: replase, odds: 1, duration: 1h}"),
                                      unknown), 2);
    assert_int_equal(scenario_refused(LADDER("{step: reboot, odds: 1, duration: 1h, lease: 1min, "
                                             "who: bnc}"), "'who' must be one of"), 1);
}

/* What a person writes in a scenario is what he reads in the record. */
static void steps_are_spelled_as_in_the_record(void **state)
{
    (void)state;
    const struct event_body_info *body = event_body_of(EV_ORDER_OPENED);
    uint32_t found = 0;
    for (uint32_t i = 0; i < body->fields; i++) {
        const struct field_words *words = body->field[i].words;
        bool step = strcmp(body->field[i].name, "step") == 0;
        const char *const *ours = step ? scenario_step_words : scenario_who_words;
        if (!step && strcmp(body->field[i].name, "who") != 0)
            continue;
        for (uint32_t k = 0; k < words->length; k++)
            assert_string_equal(words->word[k], ours[k]);
        assert_null(ours[words->length]);
        found++;
    }
    assert_int_equal(found, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ladder_says_each_step_and_what_is_expected_of_it),
        cmocka_unit_test(parts_and_steps_say_what_is_expected_and_what_is_true),
        cmocka_unit_test(every_lever_of_the_policy_is_read),
        cmocka_unit_test(a_silent_file_has_the_policy_that_the_controller_has),
        cmocka_unit_test(every_lever_can_be_set_from_the_command_line),
        cmocka_unit_test(a_step_that_is_not_named_cures_like_the_nearest_lighter_one),
        cmocka_unit_test(jobs_say_whose_they_are_and_whether_they_may_be_interrupted),
        cmocka_unit_test(mistakes_of_a_policy_are_reported_with_their_place),
        cmocka_unit_test(bug_a_misspelt_step_is_one_mistake_and_not_also_one_of_its_lease),
        cmocka_unit_test(steps_are_spelled_as_in_the_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
