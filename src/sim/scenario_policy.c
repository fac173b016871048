/*
 * From YAML to what decides and what is done.  Defaults are those of
 * control_policy_default(); docs/scenario.md repeats each.
 */
#include "sim/scenario_policy.h"

#include <string.h>

#include "base/text.h"
#include "base/units.h"

#define HOURS_PER_1000_DAYS 24000.0
#define LEASE_MS_DEFAULT (5 * MW_MS_PER_MIN)   /* chosen: longer than a restart of the daemon */
#define CREW_MS_DEFAULT MW_MS_PER_HOUR         /* chosen: one visit */
#define WEIGHT_DEFAULT 10u                     /* chosen: ten repairs outweigh a guess */
#define SLOW_DEFAULT 0.15                      /* as a fault's own `slow` */
#define RELAPSE_MEAN_NS (2 * MW_NS_PER_DAY)    /* chosen: most of StepFun's refaults are early */

int64_t scenario_read_ms(const struct schema_field *f, const struct mw_yaml_node *n,
                         const char *key, int64_t otherwise_ms)
{
    return schema_duration_ns(f, n, key, otherwise_ms * MW_NS_PER_MS) / MW_NS_PER_MS;
}

int64_t scenario_read_usd(const struct schema_field *f, const struct mw_yaml_node *n,
                          const char *key, int64_t otherwise_uusd)
{
    double usd = schema_number(f, n, key, -1.0);

    return usd < 0.0 ? otherwise_uusd
                     : (int64_t)(usd * (double)MW_MICRODOLLARS_PER_DOLLAR + 0.5);
}

/* A share as parts per million. */
static uint32_t read_ppm(const struct schema_field *f, const struct mw_yaml_node *n,
                         const char *key, uint32_t otherwise_ppm)
{
    return (uint32_t)(schema_number(f, n, key, otherwise_ppm / 1e6) * 1e6 + 0.5);
}

static uint32_t read_count(const struct schema_field *f, const struct mw_yaml_node *n,
                           const char *key, uint32_t otherwise)
{
    return (uint32_t)schema_int(f, n, key, otherwise);
}

/* ---- parts -------------------------------------------------------------------------------- */

static int32_t find_part(const struct care_policy *p, const char *name)
{
    for (uint32_t i = 0; i < p->parts; i++)
        if (strcmp(p->part[i].name, name) == 0)
            return (int32_t)i;
    return -1;
}

static void read_part(const struct scenario_reader *r, const struct mw_yaml_node *n)
{
    const struct schema_field *f = scenario_part_fields;
    struct care_policy *p = &r->s->policy.care;
    size_t length = strlen(n->key->text);

    if (p->parts == CARE_PARTS_MAX) {
        scenario_problem(r, n->key, "over %u parts", CARE_PARTS_MAX);
        return;
    }
    if (length == 0 || length >= sizeof(p->part[0].name)) {
        scenario_problem(r, n->key, "the name of a part has 1 to 23 bytes");
        return;
    }
    scenario_read_mix(r, n, "arrives", &r->s->part_arrives[p->parts]);
    struct care_part *part = &p->part[p->parts++];
    memcpy(part->name, n->key->text, length);
    part->cost_uusd = scenario_read_usd(f, n, "cost_usd", 0);
    part->lead_ms = scenario_read_ms(f, n, "lead", 0);
    part->stock = read_count(f, n, "stock", UINT32_MAX);
    part->least = read_count(f, n, "least", 0);
    part->batch = read_count(f, n, "batch", 1);
    if (part->stock == UINT32_MAX && mw_yaml_get(n, "least") != NULL)
        scenario_problem(r, n->key, "'%.23s' has no 'stock': without one it never runs low",
                         part->name);
}

void scenario_read_parts(const struct scenario_reader *r, const struct mw_yaml_node *map)
{
    for (const struct mw_yaml_node *n = map == NULL ? NULL : map->child; n != NULL; n = n->next)
        if (n->kind == MW_YAML_MAP)
            read_part(r, n);
}

/* ---- classes: ladders and causes ---------------------------------------------------------- */

static uint8_t who_does(uint8_t step)
{
    switch ((enum care_step)step) {
    case STEP_REPAIR:
    case STEP_RESEAT:
    case STEP_REPLACE: return WHO_TECHNICIAN;
    case STEP_POWER_CYCLE: return WHO_BMC;
    case STEP_RMA: return WHO_VENDOR;
    default: return WHO_AGENT;
    }
}

static uint16_t read_part_of(const struct scenario_reader *r, const struct mw_yaml_node *n)
{
    const char *name = schema_text(scenario_ladder_fields, n, "part", "");
    int32_t part = find_part(&r->s->policy.care, name);

    if (name[0] == '\0')
        return CARE_PART_NONE;
    if (part < 0)
        scenario_problem(r, mw_yaml_get(n, "part"), "there is no part '%.40s' under parts", name);
    return part < 0 ? CARE_PART_NONE : (uint16_t)part;
}

/* What is asked of whom fits together.  False where the step is none that there is: that was said
 * already, and nothing follows from what stands in for it. */
static bool check_step(const struct scenario_reader *r, const struct mw_yaml_node *n,
                       const struct care_ladder *l)
{
    const struct schema_field *f = scenario_ladder_fields;
    bool machine = l->who == WHO_AGENT || l->who == WHO_BMC;
    bool hands = l->step == STEP_RESEAT || l->step == STEP_REPLACE || l->step == STEP_RMA ||
                 l->step == STEP_REPAIR;

    if (schema_choice(f, n, "step", -1) < 0)
        return false;
    if (mw_yaml_get(n, "who") != NULL && schema_choice(f, n, "who", -1) < 0)
        return true; /* its place on the ladder is known */
    if (machine && hands)
        scenario_problem(r, n, "no machine can do '%s': 'who' must be technician or vendor",
                         scenario_step_words[l->step]);
    if (!machine && mw_yaml_get(n, "lease") != NULL)
        scenario_problem(r, n, "'lease' is for what a machine does");
    if (machine && mw_yaml_get(n, "crew") != NULL)
        scenario_problem(r, n, "'crew' is for what people do");
    return true;
}

static void read_step(const struct scenario_reader *r, const struct mw_yaml_node *n,
                      struct care_ladder *ret)
{
    const struct schema_field *f = scenario_ladder_fields;

    ret->step = (uint8_t)schema_choice(f, n, "step", STEP_REPAIR);
    ret->who = (uint8_t)schema_choice(f, n, "who", who_does(ret->step));
    bool machine = ret->who == WHO_AGENT || ret->who == WHO_BMC;
    ret->part = read_part_of(r, n);
    ret->odds_ppm = read_ppm(f, n, "odds", 0);
    ret->weight = read_count(f, n, "weight", WEIGHT_DEFAULT);
    ret->duration_ms = scenario_read_ms(f, n, "duration", 0);
    ret->deadline_ms = scenario_read_ms(f, n, "deadline", 0);
    ret->lease_ms = scenario_read_ms(f, n, "lease", machine ? LEASE_MS_DEFAULT : 0);
    ret->cost_uusd = scenario_read_usd(f, n, "cost_usd", 0);
    ret->crew_ms = scenario_read_ms(f, n, "crew", ret->who == WHO_TECHNICIAN ? CREW_MS_DEFAULT : 0);
}

static void read_ladder(const struct scenario_reader *r, const struct mw_yaml_node *list,
                        struct care_class *ret)
{
    uint32_t seen = 0, highest = 0;

    for (const struct mw_yaml_node *n = list->child; n != NULL; n = n->next) {
        if (n->kind != MW_YAML_MAP || ret->steps == CARE_STEPS_MAX)
            continue;
        struct care_ladder *l = &ret->ladder[ret->steps++];
        *l = (struct care_ladder){.part = CARE_PART_NONE};
        read_step(r, n, l);
        if (!check_step(r, n, l))
            continue;
        if (seen & 1u << l->step)
            scenario_problem(r, n, "'%s' is on this ladder already", scenario_step_words[l->step]);
        else if (l->step != STEP_REPAIR && l->step < highest)
            scenario_problem(r, n, "'%s' is lighter than '%s': a ladder begins with the lightest",
                             scenario_step_words[l->step], scenario_step_words[highest]);
        seen |= 1u << l->step;
        highest = MW_MAX(highest, l->step);
    }
}

static void read_shared(const struct scenario_reader *r, const struct mw_yaml_node *n,
                        struct care_class *ret)
{
    ret->shared = 0;
    if (n->kind == MW_YAML_SCALAR && strcmp(n->text, "none") == 0)
        return;
    if (n->kind != MW_YAML_LIST) {
        scenario_problem(r, n, "'shared' must be none, or a list of containment, power, cooling "
                               "and network");
        return;
    }
    for (const struct mw_yaml_node *c = n->child; c != NULL; c = c->next) {
        uint32_t i = 0;
        while (scenario_shared_words[i] != NULL &&
               (c->kind != MW_YAML_SCALAR || strcmp(scenario_shared_words[i], c->text) != 0))
            i++;
        if (scenario_shared_words[i] == NULL)
            scenario_problem(r, c, "'shared' takes containment, power, cooling and network, "
                                   "not '%.40s'", c->text);
        else
            ret->shared |= (uint8_t)(1u << i);
    }
}

void scenario_read_care(const struct scenario_reader *r, const struct mw_yaml_node *n,
                        struct care_class *ret)
{
    const struct schema_field *f = scenario_class_fields;
    const struct mw_yaml_node *ladder = schema_list(f, n, "ladder");
    const struct mw_yaml_node *shared = mw_yaml_get(n, "shared");
    double slow = ret->effect == EFFECT_SLOWS ? SLOW_DEFAULT : 0.0;
    double hazard = schema_number(f, n, "hazard_per_1000_node_days", 0.0);

    ret->slow_ppm = read_ppm(f, n, "slow", (uint32_t)(slow * 1e6));
    hazard = hazard * (1e9 / HOURS_PER_1000_DAYS) + 0.5;
    ret->hazard_per_1e9_hours = hazard < (double)UINT32_MAX ? (uint32_t)hazard : UINT32_MAX;
    ret->steps = 0;
    if (ladder != NULL)
        read_ladder(r, ladder, ret);
    if (shared != NULL)
        read_shared(r, shared, ret);
}

/* ---- what is truly done ------------------------------------------------------------------- */

void scenario_read_steps(const struct scenario_reader *r, const struct mw_yaml_node *map)
{
    for (uint32_t i = 0; map != NULL && i < STEP_COUNT; i++) {
        const struct mw_yaml_node *n = mw_yaml_get(map, scenario_step_words[i]);
        if (n == NULL || n->kind != MW_YAML_MAP)
            continue;
        scenario_read_mix(r, n, "takes", &r->s->step[i].takes);
        r->s->step[i].unknown = schema_number(scenario_step_fields, n, "unknown", 0.0);
    }
}

/* A step that is not named cures what the nearest lighter one that is does; a repair and a new node
 * cure everything. */
static void read_odds(const struct mw_yaml_node *map, struct scenario_process *p)
{
    double lighter = 0.0;

    for (uint32_t i = STEP_REPAIR + 1; i < STEP_COUNT; i++) {
        double otherwise = i == STEP_RMA ? 1.0 : lighter;
        p->cures[i] = schema_number(scenario_cures_fields, map, scenario_step_words[i], otherwise);
        lighter = p->cures[i];
    }
    p->cures[STEP_REPAIR] = schema_number(scenario_cures_fields, map,
                                          scenario_step_words[STEP_REPAIR], 1.0);
}

void scenario_read_cures(const struct scenario_reader *r, const struct mw_yaml_node *n,
                         struct scenario_process *ret)
{
    const struct schema_field *f = scenario_process_fields;
    const struct mw_yaml_node *cures = schema_list(f, n, "cures");

    ret->has_cures = cures != NULL;
    if (cures != NULL)
        read_odds(cures, ret);
    if (cures == NULL && (mw_yaml_get(n, "gate_catch") != NULL ||
                          mw_yaml_get(n, "relapse") != NULL))
        scenario_problem(r, n->key, "'gate_catch' and 'relapse' go with 'cures'");
    if (cures != NULL && mw_yaml_get(n, "gate_pass") != NULL)
        scenario_problem(r, n->key, "'gate_pass' is for faults without 'cures'; use 'gate_catch'");
    ret->gate_catch = schema_number(f, n, "gate_catch", 1.0);
    ret->relapse = (struct scenario_mix){
        .n = 1, .share = {1.0}, .draw = {{LAW_EXPONENTIAL, (double)RELAPSE_MEAN_NS, 0.0}}};
    scenario_read_mix(r, n, "relapse", &ret->relapse);
    ret->false_alarm = schema_bool(f, n, "false_alarm", false);
    ret->slow_known = schema_bool(f, n, "slow_known", false);
    ret->at_work = schema_bool(f, n, "at_work", false);
    ret->lemon_heals = mw_yaml_get(n, "lemon_cured") != NULL;
    ret->lemon_cured = schema_number(f, n, "lemon_cured", 0.0);
    if (ret->false_alarm && mw_yaml_get(n, "clears") == NULL)
        scenario_problem(r, n->key, "a false alarm needs 'clears': how does it end?");
}

/* ---- policy ------------------------------------------------------------------------------- */

static void read_guard(const struct mw_yaml_node *n, struct guard_policy *g)
{
    const struct schema_field *f = scenario_guard_fields;

    if (n == NULL)
        return;
    g->mode = (uint8_t)schema_choice(f, n, "mode", g->mode);
    g->hall_permille_x10 =
        (uint32_t)(schema_number(f, n, "hall_share", g->hall_permille_x10 / 1e4) * 1e4 + 0.5);
    g->window_ms = scenario_read_ms(f, n, "window", g->window_ms);
    g->fleet_permille_x10 =
        (uint32_t)(schema_number(f, n, "fleet_share", g->fleet_permille_x10 / 1e4) * 1e4 + 0.5);
    g->domain_rule = schema_bool(f, n, "domain_rule", g->domain_rule);
}

static void read_lemon(const struct mw_yaml_node *n, struct care_policy *c)
{
    static const char *const keys[LEMON_SIGNALS] = {
        [LEMON_EXCLUDED] = "excluded",       [LEMON_XIDS] = "xids",
        [LEMON_TICKETS] = "tickets",         [LEMON_OUT] = "out",
        [LEMON_MULTI_FAILS] = "multi_fails", [LEMON_SINGLE_FAILS] = "single_fails",
        [LEMON_SINGLE_RATE] = "single_rate"};
    const struct schema_field *f = scenario_lemon_fields;

    if (n == NULL)
        return;
    c->lemon = schema_bool(f, n, "on", c->lemon);
    c->lemon_signals = read_count(f, n, "signals", c->lemon_signals);
    for (uint32_t i = 0; i < LEMON_SIGNALS; i++) {
        if (i == LEMON_SINGLE_RATE) /* permille */
            c->lemon_at[i] = (uint32_t)(
                schema_number(f, n, keys[i], c->lemon_at[i] / 1e3) * 1e3 + 0.5);
        else
            c->lemon_at[i] = read_count(f, n, keys[i], c->lemon_at[i]);
    }
}

static void read_care_policy(const struct scenario_reader *r, const struct mw_yaml_node *n,
                             struct care_policy *c)
{
    const struct schema_field *f = scenario_policy_fields;

    c->gate = schema_bool(f, n, "gate", c->gate);
    c->settle_ms = scenario_read_ms(f, n, "settle", c->settle_ms);
    c->correlate = schema_bool(f, n, "correlate", c->correlate);
    c->cause_window_ms = scenario_read_ms(f, n, "cause_window", c->cause_window_ms);
    c->cause_least = read_count(f, n, "cause_least", c->cause_least);
    c->cause_cover_ppm = read_ppm(f, n, "cause_cover", c->cause_cover_ppm);
    c->least_cost = schema_bool(f, n, "least_cost", c->least_cost);
    c->evict = schema_bool(f, n, "evict", c->evict);
    c->uusd_per_crew_hour = scenario_read_usd(f, n, "crew_usd_per_hour", c->uusd_per_crew_hour);
    c->refault_ms = scenario_read_ms(f, n, "refault", c->refault_ms);
    c->job_nodes = read_count(f, n, "job_nodes", c->job_nodes);
    c->escalate = schema_bool(f, n, "escalate", c->escalate);
    c->swap = schema_bool(f, n, "swap", c->swap);
    c->growth = schema_bool(f, n, "growth", c->growth);
    c->growth_max = read_count(f, n, "growth_max", c->growth_max);
    read_lemon(schema_list(f, n, "lemon"), c);
    c->retire = schema_bool(f, n, "retire", c->retire);
    c->node_worth_uusd = scenario_read_usd(f, n, "node_worth_usd", c->node_worth_uusd);
    if (c->retire && c->node_worth_uusd == 0 && mw_yaml_get(n, "retire") != NULL)
        scenario_problem(r, n, "'retire' needs 'node_worth_usd': what a node earns until its end");
}

/* Is it there?  What a --set gives (line 0) takes the place of the other way to say it. */
static bool is_given(const struct mw_yaml_node *map, const char *key, const char *other)
{
    const struct mw_yaml_node *mine = mw_yaml_get(map, key), *theirs = mw_yaml_get(map, other);
    return mine != NULL && !(theirs != NULL && theirs->line == 0 && mine->line != 0);
}

static void read_spares(const struct scenario_reader *r, const struct mw_yaml_node *n,
                        struct work_policy *w)
{
    const struct schema_field *f = scenario_spares_fields;

    if (n == NULL || (n->kind == MW_YAML_SCALAR && strcmp(n->text, "none") == 0))
        return;
    if (n->kind != MW_YAML_MAP) {
        scenario_problem(r, n, "'spares' must be none, or a map like {nodes: 4} or {sized: 0.99}");
        return;
    }
    if (schema_check(r->doc, n, f, r->problems) > 0)
        return;
    bool nodes = is_given(n, "nodes", "sized"), sized = is_given(n, "sized", "nodes");
    bool on = schema_bool(f, n, "on", true);
    if (nodes == sized && (on || nodes))
        scenario_problem(r, n, "give 'spares' either 'nodes' or 'sized'");
    w->spares_nodes = read_count(f, n, "nodes", 0);
    w->spares_quantile_ppm = read_ppm(f, n, "sized", w->spares_quantile_ppm);
    w->spares_repair_ms = scenario_read_ms(f, n, "repair", w->spares_repair_ms);
    if (on)
        w->spares = nodes ? SPARES_FIXED : SPARES_SIZED;
}

static void read_quotas(const struct scenario_reader *r, const struct mw_yaml_node *map,
                        struct work_policy *w)
{
    for (const struct mw_yaml_node *n = map == NULL ? NULL : map->child; n != NULL; n = n->next) {
        uint64_t tenant, gpus;
        if (n->kind != MW_YAML_SCALAR || mw_parse_u64(n->text, &gpus) != 0 || gpus > UINT32_MAX)
            continue; /* reported by the table */
        if (mw_parse_u64(n->key->text, &tenant) != 0 || tenant == 0 || tenant > UINT32_MAX)
            scenario_problem(r, n->key, "a tenant is a whole number from 1, not '%.40s'",
                             n->key->text);
        else if (w->quotas == WORK_QUOTAS_MAX)
            scenario_problem(r, n->key, "over %u quotas", WORK_QUOTAS_MAX);
        else
            w->quota[w->quotas++] = (struct work_quota){(uint32_t)tenant, (uint32_t)gpus};
    }
}

static void read_work_policy(const struct scenario_reader *r, const struct mw_yaml_node *n,
                             struct work_policy *w)
{
    const struct schema_field *f = scenario_policy_fields;

    double rate = schema_number(f, n, "failure_rate_per_1000_node_days", -1.0);
    if (rate >= 0.0)
        w->rate_per_1e9_node_hours = (int64_t)(rate * (1e9 / HOURS_PER_1000_DAYS) + 0.5);
    w->interval_ms = scenario_read_ms(f, n, "interval", w->interval_ms);
    w->interval_ms_min = scenario_read_ms(f, n, "interval_min", w->interval_ms_min);
    w->interval_ms_max = scenario_read_ms(f, n, "interval_max", w->interval_ms_max);
    if (w->interval_ms_max < w->interval_ms_min)
        scenario_problem(r, n, "'interval_max' is shorter than 'interval_min'");
    w->bypass_ms = scenario_read_ms(f, n, "bypass", w->bypass_ms);
    w->pulse_ms = scenario_read_ms(f, n, "pulse", w->pulse_ms);
    w->places_per_pulse = read_count(f, n, "places_per_pulse", w->places_per_pulse);
    w->at_once = schema_bool(f, n, "at_once", w->at_once);
    w->backfill = schema_bool(f, n, "backfill", w->backfill);
    w->topology = schema_bool(f, n, "topology", w->topology);
    w->avoid = schema_bool(f, n, "avoid", w->avoid);
    w->preempt = schema_bool(f, n, "preempt", w->preempt);
    w->preempt_after_ms = scenario_read_ms(f, n, "preempt_after", w->preempt_after_ms);
    read_spares(r, mw_yaml_get(n, "spares"), w);
    read_quotas(r, schema_list(f, n, "quotas"), w);
}

void scenario_read_policy(const struct scenario_reader *r, const struct mw_yaml_node *n)
{
    if (n == NULL)
        return;
    read_care_policy(r, n, &r->s->policy.care);
    read_work_policy(r, n, &r->s->policy.work);
    read_guard(schema_list(scenario_policy_fields, n, "guard"), &r->s->policy.guard);
}
