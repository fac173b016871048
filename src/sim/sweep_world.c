/*
 * Made-up worlds.  Every choice is keyed by the seed; rates are scaled so that
 * a world of any size sees its share of faults in its days.
 */
#include "sim/sweep.h"

#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "base/text.h"
#include "fleet/site.h"

#define PROCESS_SWEEP 1002u
#define DOINGS_FROM (UINT64_C(1) << 32) /* above all other throws */
#define CARE_FROM (UINT64_C(2) << 32)

struct dice {
    uint64_t seed, thrown;
};

static uint64_t below(struct dice *d, uint64_t bound)
{
    return mw_random_below(mw_random_u64(d->seed, 0, PROCESS_SWEEP, d->thrown++), bound);
}
static uint64_t between(struct dice *d, uint64_t least, uint64_t most)
{
    return least + below(d, most - least + 1);
}
static int64_t time_between(struct dice *d, int64_t least_ns, int64_t most_ns)
{
    return least_ns + (int64_t)below(d, (uint64_t)(most_ns - least_ns + 1));
}
static bool odds(struct dice *d, uint32_t percent)
{
    return below(d, 100) < percent;
}

static struct scenario_draw exponential(int64_t mean_ns)
{
    return (struct scenario_draw){LAW_EXPONENTIAL, (double)mean_ns, 0.0};
}
static struct scenario_draw uniform(int64_t from_ns, int64_t to_ns)
{
    return (struct scenario_draw){LAW_UNIFORM, (double)from_ns, (double)to_ns};
}

/* ---- what breaks --------------------------------------------------------------------------- */

struct breakage {
    const char *name;
    uint8_t on, effect;
    bool clears;
    uint32_t weight; /* its share of faults */
    bool alarm;      /* nothing is wrong */
};
static const struct breakage breakages[] = {
    {"gpu", COMPONENT_GPU, EFFECT_KILLS, false, 30, false},
    {"host", COMPONENT_NODE, EFFECT_KILLS, false, 20, false},
    {"slow", COMPONENT_NIC, EFFECT_SLOWS, false, 15, false},
    {"fan", COMPONENT_NODE, EFFECT_DEFERS, false, 15, false},
    {"flap", COMPONENT_CABLE, EFFECT_KILLS, true, 10, false},
    {"optic", COMPONENT_OPTIC, EFFECT_SLOWS, false, 10, false},
    {"switch", COMPONENT_SWITCH, EFFECT_SLOWS, false, 3, false},
    {"pdu", COMPONENT_PDU, EFFECT_KILLS, false, 2, false},
    {"cdu", COMPONENT_CDU, EFFECT_KILLS, false, 2, false},
    {"alarm", COMPONENT_NODE, EFFECT_SLOWS, true, 8, true},
    {"scare", COMPONENT_NODE, EFFECT_KILLS, true, 4, true},
};

static void make_class(struct dice *d, const struct breakage *b, struct care_class *ret)
{
    *ret = (struct care_class){.effect = b->effect, .count = 1};
    (void)snprintf(ret->name, sizeof(ret->name), "%s", b->name);
    ret->drain = odds(d, 50) ? DRAIN_NOW : DRAIN_AT_CHECKPOINT;
    if (b->clears && odds(d, 50)) {
        ret->count = (uint32_t)between(d, 2, 3);
        ret->window_ms = MW_MS_PER_HOUR * (int64_t)between(d, 1, 48);
        ret->effect = EFFECT_NONE;
    }
    ret->gate_ms = odds(d, 85) ? MW_MS_PER_MIN * (int64_t)between(d, 1, 300) : 0;
    ret->probation_ms = odds(d, 70) ? MW_MS_PER_MIN * (int64_t)between(d, 1, 6000) : 0;
}

static void make_extras(struct dice *d, struct scenario_process *p)
{
    static const uint8_t domains[] = {COMPONENT_RACK, COMPONENT_PDU, COMPONENT_CDU,
                                      COMPONENT_SWITCH};
    if (odds(d, 40)) {
        p->lemon_share = 0.1;
        p->lemon_factor = (double)between(d, 2, 20);
    }
    if (odds(d, 20)) {
        p->batch_share = 0.2;
        p->batch_factor = (double)between(d, 2, 5);
    }
    if (odds(d, 50)) {
        p->burst_share = (double)between(d, 5, 40) / 100.0;
        p->burst_within = domains[below(d, MW_ARRAY_LEN(domains))];
        p->burst_max = (uint32_t)between(d, 2, 6);
    }
}

static void make_process(struct dice *d, const struct breakage *b, struct scenario_process *p)
{
    p->on = b->on;
    p->effect = b->effect;
    p->kill_odds = odds(d, 70) ? 1.0 : 0.7;
    p->slow_share = (double)between(d, 5, 60) / 100.0;
    p->gate_pass = (double)between(d, 50, 100) / 100.0;
    p->detect = odds(d, 30) ? uniform(0, 12 * MW_NS_PER_HOUR)
                            : uniform(0, time_between(d, MW_NS_PER_S, 20 * MW_NS_PER_MIN));
    p->repair.n = 2;
    p->repair.share[0] = 0.8;
    p->repair.share[1] = 0.2;
    p->repair.draw[0] = exponential(time_between(d, MW_NS_PER_MIN, 10 * MW_NS_PER_HOUR));
    p->repair.draw[1] = exponential(time_between(d, MW_NS_PER_HOUR, 2 * MW_NS_PER_DAY));
    if (b->clears) {
        p->clears.n = 1;
        p->clears.share[0] = 1.0;
        p->clears.draw[0] = uniform(MW_NS_PER_S, time_between(d, 2 * MW_NS_PER_S,
                                                              20 * MW_NS_PER_MIN));
    }
    if (b->alarm) {
        p->false_alarm = true;
        if (odds(d, 50))
            p->clears.draw[0] = exponential(time_between(d, MW_NS_PER_HOUR, 4 * MW_NS_PER_DAY));
        return;
    }
    make_extras(d, p);
}

static void make_faults(struct dice *d, struct sweep_world *w, int64_t active_ns, double wanted)
{
    struct scenario *s = &w->scenario;
    double weight[MW_ARRAY_LEN(breakages)], total = 0.0;
    uint32_t count[MW_ARRAY_LEN(breakages)];
    for (uint32_t i = 0; i < MW_ARRAY_LEN(breakages); i++) {
        count[i] = w->fleet->count[breakages[i].on];
        bool used = count[i] > 0 && (i == 0 || odds(d, 70));
        weight[i] = used ? (double)breakages[i].weight : 0.0;
        total += weight[i];
    }
    for (uint32_t i = 0; i < MW_ARRAY_LEN(breakages); i++) {
        make_class(d, &breakages[i], &s->policy.care.class[i]);
        if (weight[i] <= 0.0)
            continue;
        struct scenario_process *p = &s->process[s->processes++];
        make_process(d, &breakages[i], p);
        p->class = (uint16_t)i;
        double mean = (double)active_ns * (double)count[i] / (wanted * weight[i] / total);
        p->between = (struct scenario_draw){LAW_EXPONENTIAL, mean, 0.0};
        if (odds(d, 30))
            p->between = (struct scenario_draw){LAW_WEIBULL, mean * 0.8, 0.7};
    }
    s->policy.care.classes = MW_ARRAY_LEN(breakages);
}

/* ---- what can be done about it -------------------------------------------------------------- */

static void make_parts(struct dice *d, struct scenario *s)
{
    struct care_policy *p = &s->policy.care;
    p->parts = (uint32_t)between(d, 1, 2);
    for (uint32_t i = 0; i < p->parts; i++) {
        struct care_part *part = &p->part[i];
        *part = (struct care_part){.cost_uusd = (int64_t)between(d, 1, 40000) * 1000000,
                                   .lead_ms = MW_MS_PER_HOUR * (int64_t)between(d, 1, 120),
                                   .stock = (uint32_t)between(d, 0, 6),
                                   .least = (uint32_t)between(d, 1, 3),
                                   .batch = (uint32_t)between(d, 1, 3)};
        (void)snprintf(part->name, sizeof(part->name), "%s", i == 0 ? "board" : "optic");
        s->part_arrives[i] = (struct scenario_mix){
            .n = odds(d, 50), .share = {1.0},
            .draw = {exponential(part->lead_ms * MW_NS_PER_MS)}};
    }
}

static void make_step(struct dice *d, const struct care_policy *p, uint8_t step,
                      struct care_ladder *ret)
{
    bool vendor = step == STEP_RMA;
    bool hands = step == STEP_RESEAT || step == STEP_REPLACE || vendor;
    *ret = (struct care_ladder){
        .step = step, .who = WHO_AGENT, .part = CARE_PART_NONE,
        .odds_ppm = step >= STEP_RMA ? 1000000 : (uint32_t)between(d, 100000, 950000),
        .weight = (uint32_t)between(d, 1, 30),
        .duration_ms = MW_MS_PER_MIN * (int64_t)between(d, 1, hands ? 2000 : 40),
        .cost_uusd = (int64_t)between(d, 0, vendor ? 20000 : 500) * 1000000};
    if (!hands) {
        ret->who = step == STEP_POWER_CYCLE ? WHO_BMC : WHO_AGENT;
        ret->lease_ms = MW_MS_PER_S * (int64_t)between(d, 10, 600);
        return;
    }
    ret->who = vendor ? WHO_VENDOR : WHO_TECHNICIAN;
    ret->duration_ms *= vendor ? 5 : 1;
    ret->crew_ms = MW_MS_PER_MIN * (int64_t)between(d, 5, 240);
    ret->deadline_ms = odds(d, 80) ? MW_MS_PER_HOUR * (int64_t)between(d, 1, 48) : 0;
    if (step == STEP_REPLACE && odds(d, 80))
        ret->part = (uint16_t)below(d, p->parts);
}

/* Lightest first; the last is a new one, which cures everything. */
static void make_ladder(struct dice *d, const struct care_policy *p, struct care_class *k)
{
    static const uint8_t steps[] = {STEP_RESTART_JOB, STEP_RESET_GPU, STEP_RESTART_SERVICE,
                                    STEP_REBOOT, STEP_POWER_CYCLE, STEP_FIRMWARE, STEP_RESEAT,
                                    STEP_REPLACE, STEP_RMA, STEP_RETIRE};
    for (uint32_t i = 0; i < MW_ARRAY_LEN(steps); i++) {
        bool ends = steps[i] == STEP_RMA || (steps[i] == STEP_RETIRE && p->retire);
        if (ends || (steps[i] != STEP_RETIRE && odds(d, 50)))
            make_step(d, p, steps[i], &k->ladder[k->steps++]);
    }
}

static void make_cures(struct dice *d, struct scenario_process *p)
{
    double most = 0.0;
    p->has_cures = true;
    p->gate_pass = 1.0;
    for (uint32_t i = STEP_REPAIR + 1; i < STEP_COUNT; i++) {
        if (odds(d, 60))
            most = MW_MAX(most, (double)between(d, 5, 95) / 100.0);
        p->cures[i] = i == STEP_RMA ? 1.0 : most;
    }
    p->cures[STEP_REPAIR] = 1.0;
}

static void make_steps(struct dice *d, struct scenario *s)
{
    for (uint32_t i = 0; i < STEP_COUNT; i++) {
        if (i != STEP_REPAIR && odds(d, 40))
            s->step[i].takes = (struct scenario_mix){
                .n = 1, .share = {1.0},
                .draw = {exponential(time_between(d, MW_NS_PER_S, 6 * MW_NS_PER_HOUR))}};
        s->step[i].unknown = (double)between(d, 0, 15) / 100.0;
    }
    if (odds(d, 60))
        s->escalated = (struct scenario_mix){
            .n = 1, .share = {1.0},
            .draw = {uniform(0, time_between(d, MW_NS_PER_MIN, 12 * MW_NS_PER_HOUR))}};
}

/* After the classes and processes are made. */
static void make_care(struct dice *d, struct scenario *s)
{
    struct care_policy *p = &s->policy.care;
    make_parts(d, s);
    make_steps(d, s);
    for (uint32_t i = 0; i < p->classes; i++) {
        struct care_class *k = &p->class[i];
        k->shared = odds(d, 80) ? CAUSE_ANY : (uint8_t)below(d, CAUSE_ANY);
        k->slow_ppm = k->effect == EFFECT_SLOWS ? (uint32_t)between(d, 10000, 600000) : 0;
        k->hazard_per_1e9_hours = (uint32_t)between(d, 0, 5000000);
        if (odds(d, 75))
            make_ladder(d, p, k);
    }
    for (uint32_t i = 0; i < s->processes; i++) {
        struct scenario_process *f = &s->process[i];
        f->slow_known = odds(d, 50);
        f->gate_catch = (double)between(d, 40, 100) / 100.0;
        f->relapse = (struct scenario_mix){
            .n = 1, .share = {1.0},
            .draw = {exponential(time_between(d, MW_NS_PER_HOUR, 6 * MW_NS_PER_DAY))}};
        if (p->class[f->class].steps > 0 && odds(d, 80))
            make_cures(d, f);
    }
}

static void make_levers(struct dice *d, struct control_policy *p)
{
    struct care_policy *c = &p->care;
    c->correlate = odds(d, 85);
    c->cause_window_ms = MW_MS_PER_S * (int64_t)between(d, 1, 600);
    c->cause_least = (uint32_t)between(d, 2, 4);
    c->cause_cover_ppm = (uint32_t)between(d, 100000, 900000);
    c->least_cost = odds(d, 80);
    c->evict = odds(d, 80);
    c->uusd_per_crew_hour = (int64_t)between(d, 0, 200) * 1000000;
    c->refault_ms = MW_MS_PER_HOUR * (int64_t)between(d, 1, 400);
    c->job_nodes = (uint32_t)between(d, 0, 64);
    c->escalate = odds(d, 80);
    c->growth = odds(d, 80);
    c->growth_max = (uint32_t)between(d, 0, 5);
    c->lemon = odds(d, 80);
    for (uint32_t i = 0; i < LEMON_SIGNALS; i++)
        c->lemon_at[i] = (uint32_t)between(d, 0, 4);
    c->lemon_at[LEMON_SINGLE_RATE] *= 150;
    c->lemon_signals = (uint32_t)between(d, 1, 3);
    c->retire = odds(d, 15);
    c->node_worth_uusd = (int64_t)between(d, 1, 40) * 1000000000000;
    c->swap = odds(d, 80);
}

static void make_queue(struct dice *d, struct sweep_world *w)
{
    struct scenario *s = &w->scenario;
    struct work_policy *p = &s->policy.work;
    uint32_t nodes = w->fleet->count[COMPONENT_NODE];
    p->at_once = odds(d, 40);
    p->backfill = odds(d, 60);
    p->topology = odds(d, 80);
    p->avoid = odds(d, 80);
    p->preempt = odds(d, 60);
    p->preempt_after_ms = MW_MS_PER_MIN * (int64_t)between(d, 0, 300);
    p->spares = (uint8_t)between(d, SPARES_NONE, SPARES_SIZED);
    p->spares_nodes = (uint32_t)between(d, 1, MW_MAX(nodes / 8, 1));
    p->spares_quantile_ppm = (uint32_t)between(d, 900000, 999000);
    p->spares_repair_ms = MW_MS_PER_HOUR * (int64_t)between(d, 1, 48);
    s->job_class[1].interruptible = odds(d, 60);
    s->job_class[0].interruptible = odds(d, 15);
    if (odds(d, 40)) /* no job is larger than its tenant's quota: it would wait for ever */
        p->quota[p->quotas++] =
            (struct work_quota){1, (uint32_t)(w->fleet->gpus_total * between(d, 80, 120) / 100)};
    if (odds(d, 40))
        p->quota[p->quotas++] =
            (struct work_quota){2, (uint32_t)(w->fleet->gpus_total / nodes * between(d, 4, 12))};
}

/* ---- what runs and who decides ------------------------------------------------------------- */

static void make_jobs(struct dice *d, struct sweep_world *w)
{
    struct scenario *s = &w->scenario;
    uint32_t nodes = w->fleet->count[COMPONENT_NODE];
    uint32_t each = w->fleet->gpus_total / nodes;
    s->jobs = JOBS_SYNTHETIC;
    s->load = (double)between(d, 40, 95) / 100.0;
    s->jobs_max = w->small ? 6 : (uint32_t)between(d, 30, 120);
    s->job_classes = 2;
    for (uint32_t i = 0; i < s->job_classes; i++) {
        struct scenario_job_class *c = &s->job_class[i];
        (void)snprintf(c->name, sizeof(c->name), i == 0 ? "large" : "small");
        c->share_of_gpu_time = i == 0 ? 0.7 : 0.3;
        c->gpus_n = 3;
        for (uint32_t k = 0; k < c->gpus_n; k++) {
            uint64_t most = i == 0 ? MW_MAX(nodes * 3 / 4, 2) : 3;
            c->gpus[k] = (uint32_t)between(d, 1, most) * each - (k == 2 && odds(d, 50));
            c->gpus_weight[k] = 1.0;
        }
        c->work = i == 0 ? exponential(time_between(d, 6 * MW_NS_PER_HOUR, 36 * MW_NS_PER_HOUR))
                         : exponential(time_between(d, MW_NS_PER_MIN, 8 * MW_NS_PER_HOUR));
        c->write = uniform(0, time_between(d, MW_NS_PER_S, 20 * MW_NS_PER_MIN));
        c->restart = uniform(0, time_between(d, MW_NS_PER_S, 40 * MW_NS_PER_MIN));
        c->priority = (uint8_t)below(d, 3);
        c->fails_itself = (double)below(d, 30) / 100.0;
    }
}

static void make_policy(struct dice *d, struct scenario *s)
{
    static const uint8_t modes[] = {MODE_ACT, MODE_ACT, MODE_ACT, MODE_ACT, MODE_APPROVE,
                                    MODE_ADVISE};
    struct control_policy *p = &s->policy;
    p->care.gate = odds(d, 90);
    p->care.settle_ms = MW_MS_PER_MIN * (int64_t)between(d, 1, 120);
    p->guard.mode = modes[below(d, MW_ARRAY_LEN(modes))];
    p->guard.hall_permille_x10 = (uint32_t)between(d, 50, 2000);
    p->guard.fleet_permille_x10 = (uint32_t)between(d, 200, 3000);
    p->guard.window_ms = MW_MS_PER_MIN * (int64_t)between(d, 5, 240);
    p->guard.domain_rule = odds(d, 60);
    if (odds(d, 40))
        p->work.interval_ms = MW_MS_PER_MIN * (int64_t)between(d, 5, 600);
    p->work.bypass_ms = odds(d, 50) ? MW_MS_PER_HOUR * (int64_t)between(d, 1, 48) : 0;
    p->work.pulse_ms = (int64_t)between(d, 100, 60000);
    p->work.places_per_pulse = (uint32_t)between(d, 1, 48);
    s->crews = odds(d, 80) ? (uint32_t)between(d, 2, 6) : 0;
    s->crew_start = uniform(0, time_between(d, MW_NS_PER_MIN, 4 * MW_NS_PER_HOUR));
    s->approve_after_ns = time_between(d, MW_NS_PER_S, 8 * MW_NS_PER_HOUR);
}

static int64_t now_and_then(struct dice *d, uint32_t percent)
{
    return odds(d, percent) ? time_between(d, MW_NS_PER_HOUR, 6 * MW_NS_PER_DAY) : 0;
}

static void make_trouble(struct dice *d, struct sweep_world *w)
{
    struct scenario *s = &w->scenario;
    s->messages = (struct scenario_messages){
        .lost = (uint32_t)between(d, 2, 60), .late = (uint32_t)between(d, 2, 60),
        .doubled = (uint32_t)between(d, 2, 60), .reordered = (uint32_t)between(d, 2, 60),
        .late_ns_max = time_between(d, MW_NS_PER_S, 10 * MW_NS_PER_MIN),
        .resend_ns = time_between(d, MW_NS_PER_S, 2 * MW_NS_PER_MIN)};
    s->crashes = w->small ? 0 : (uint32_t)between(d, SWEEP_CRASHES_MIN + 3, 16);
    s->crash_every_step = w->small;
    s->progress_every_ns = odds(d, 30) ? 0 : time_between(d, 10 * MW_NS_PER_MIN, MW_NS_PER_DAY);
    s->snapshot_every_events = odds(d, 25) ? 0 : (int64_t)between(d, 20, 1500);
    w->doings.hold_every_ns = now_and_then(d, 60);
}

static void make_doings(struct dice *d, struct world_doings *ret)
{
    ret->drain_every_ns = now_and_then(d, 50);
    ret->mode_every_ns = now_and_then(d, 40);
    ret->reject_percent = odds(d, 50) ? (uint32_t)between(d, 5, 40) : 0;
    ret->cancel_percent = odds(d, 60) ? (uint32_t)between(d, 5, 40) : 0;
    ret->window_every_ns = now_and_then(d, 40);
    ret->late_percent = odds(d, 60) ? (uint32_t)between(d, 5, 60) : 0;
    ret->twice_percent = odds(d, 60) ? (uint32_t)between(d, 1, 25) : 0;
    ret->other_percent = odds(d, 60) ? (uint32_t)between(d, 1, 25) : 0;
    ret->tardy_percent = odds(d, 60) ? (uint32_t)between(d, 1, 40) : 0;
}

static int make_fleet(struct dice *d, struct sweep_world *w, struct mw_error *err)
{
    static const char *const shapes[] = {"hgx-h100", "hgx-h100", "hgx-h100", "gb200-nvl72",
                                         "mixed"};
    struct problems problems = {0};
    struct text yaml = {0};
    const char *shape = shapes[w->small ? 0 : below(d, MW_ARRAY_LEN(shapes))];
    uint64_t nodes = w->small ? between(d, 8, 10) : between(d, 8, 64);
    int rc = site_new(shape, (uint32_t)nodes * (strcmp(shape, "hgx-h100") == 0 ? 8 : 4), &yaml,
                      err);
    struct site_source source = {.yaml = text_string(&yaml), .size = yaml.length, .name = shape};
    if (rc == 0)
        rc = site_load(&source, &w->fleet, &problems, err);
    problems_fini(&problems);
    text_fini(&yaml);
    return rc;
}

int sweep_world_make(uint64_t seed, struct sweep_world *ret, struct mw_error *err)
{
    struct dice d = {.seed = seed};
    struct sweep_world w = {.small = seed % SWEEP_SMALL_EVERY == SWEEP_SMALL_EVERY / 2};
    int rc = make_fleet(&d, &w, err);
    if (rc != 0)
        return rc;
    struct scenario *s = &w.scenario;
    scenario_defaults(s);
    int64_t active_ns = w.small ? time_between(&d, 2 * MW_NS_PER_DAY, 5 * MW_NS_PER_DAY)
                                : time_between(&d, 15 * MW_NS_PER_DAY, 60 * MW_NS_PER_DAY);
    w.quiet_ns = (w.small ? 20 : 120) * MW_NS_PER_DAY;
    (void)snprintf(s->name, sizeof(s->name), "sweep");
    s->horizon_ns = active_ns + w.quiet_ns;
    s->seed = seed;
    make_policy(&d, s);
    make_jobs(&d, &w);
    make_trouble(&d, &w);
    make_doings(&(struct dice){.seed = seed, .thrown = DOINGS_FROM}, &w.doings);
    make_faults(&d, &w, active_ns, w.small ? 20.0 : (double)between(&d, 120, 400));
    struct dice care = {.seed = seed, .thrown = CARE_FROM};
    make_levers(&care, &s->policy);
    make_care(&care, s);
    make_queue(&care, &w);
    *ret = w;
    return 0;
}

void sweep_world_fini(struct sweep_world *w)
{
    fleet_destroy(w->fleet);
}
