/*
 * From YAML to a scenario: reads each part by its table, then what the parts
 * must agree on.  Nothing stops at the first mistake.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "sim/scenario.h"
#include "sim/scenario_policy.h"

#define SET_PATH_MAX 256
#define BETWEEN_NS_MIN (1.0 * (double)MW_NS_PER_S) /* a faster process would be all there is */

/* ---- classes ------------------------------------------------------------------------------ */

static int32_t find_class(const struct scenario *s, const char *name)
{
    const struct care_policy *p = &s->policy.care;

    for (uint32_t i = 0; i < p->classes; i++)
        if (strcmp(p->class[i].name, name) == 0)
            return (int32_t)i;
    return -1;
}

/* "GPU" or "GPU: GPU Lost". */
static void read_match(const struct scenario_reader *r, const struct mw_yaml_node *n,
                       uint16_t class)
{
    struct scenario *s = r->s;
    const char *colon = strstr(n->text, ": "), *desc = colon == NULL ? "" : colon + 2;
    size_t length = colon == NULL ? strlen(n->text) : (size_t)(colon - n->text);
    struct scenario_match m = {.class = class};

    if (length == 0 || length >= sizeof(m.class_name) || strlen(desc) >= sizeof(m.desc_name)) {
        scenario_problem(r, n, "'trace' needs a class of at most 63 bytes, or \"class: desc\"");
        return;
    }
    memcpy(m.class_name, n->text, length);
    memcpy(m.desc_name, desc, strlen(desc) + 1);
    for (uint32_t i = 0; i < s->matches; i++)
        if (strcmp(s->match[i].class_name, m.class_name) == 0 &&
            strcmp(s->match[i].desc_name, m.desc_name) == 0)
            scenario_problem(r, n, "'%.80s' belongs to the class '%s' already", n->text,
                             s->policy.care.class[s->match[i].class].name);
    if (s->matches == SCENARIO_MATCHES_MAX) {
        scenario_problem(r, n, "over %d entries under 'trace'", SCENARIO_MATCHES_MAX);
        return;
    }
    s->match[s->matches++] = m;
}

static void read_class(const struct scenario_reader *r, const struct mw_yaml_node *n,
                       const struct care_class *otherwise)
{
    struct care_policy *p = &r->s->policy.care;
    const struct schema_field *f = scenario_class_fields;
    uint16_t row = (uint16_t)p->classes;
    struct care_class c = *otherwise;

    if (n->key->text[0] == '\0' || strlen(n->key->text) >= sizeof(c.name)) {
        scenario_problem(r, n->key, "the name of a class has 1 to 31 bytes");
        return;
    }
    if (p->classes == BOARD_CLASSES_MAX) {
        scenario_problem(r, n->key, "over %d classes", BOARD_CLASSES_MAX);
        return;
    }
    memset(c.name, 0, sizeof(c.name));
    memcpy(c.name, n->key->text, strlen(n->key->text));
    c.effect = (uint8_t)schema_choice(f, n, "effect", EFFECT_KILLS);
    bool stays = c.effect == EFFECT_NONE || c.effect == EFFECT_KILLS;
    c.drain = (uint8_t)schema_choice(f, n, "drain", stays ? 0 : DRAIN_AT_CHECKPOINT);
    c.count = (uint32_t)schema_int(f, n, "count", 1);
    c.window_ms = schema_duration_ns(f, n, "window", 0) / MW_NS_PER_MS;
    c.gate_ms = schema_duration_ns(f, n, "gate", c.gate_ms * MW_NS_PER_MS) / MW_NS_PER_MS;
    c.probation_ms =
        schema_duration_ns(f, n, "probation", c.probation_ms * MW_NS_PER_MS) / MW_NS_PER_MS;
    if (c.count > 1 && c.window_ms == 0)
        scenario_problem(r, n, "a class with 'count' over 1 needs a 'window'");
    scenario_read_care(r, n, &c);
    p->class[p->classes++] = c;
    const struct mw_yaml_node *list = schema_list(f, n, "trace");
    for (const struct mw_yaml_node *m = list == NULL ? NULL : list->child; m != NULL; m = m->next)
        if (m->kind == MW_YAML_SCALAR)
            read_match(r, m, row);
}

static void read_classes(const struct scenario_reader *r, const struct mw_yaml_node *map)
{
    struct care_policy *p = &r->s->policy.care;
    struct care_class otherwise = p->class[0];

    if (map == NULL || map->kind != MW_YAML_MAP)
        return;
    p->classes = 0;
    for (const struct mw_yaml_node *n = map->child; n != NULL; n = n->next)
        if (n->kind == MW_YAML_MAP)
            read_class(r, n, &otherwise);
    if (p->classes == 0) {
        scenario_problem(r, map, "'classes' names no class");
        p->class[p->classes++] = otherwise;
    }
}

/* ---- fault processes ---------------------------------------------------------------------- */

static void read_between(const struct scenario_reader *r, const struct mw_yaml_node *n,
                         struct scenario_process *p)
{
    const struct schema_field *f = scenario_process_fields;
    double per_1000 = schema_number(f, n, "rate_per_1000_node_days", 0.0);
    double per_year = schema_number(f, n, "rate_per_year", 0.0);
    int given = (mw_yaml_get(n, "between") != NULL) +
                (mw_yaml_get(n, "rate_per_1000_node_days") != NULL) +
                (mw_yaml_get(n, "rate_per_year") != NULL);

    if (given != 1)
        scenario_problem(r, n, "give one of between, rate_per_1000_node_days and rate_per_year");
    if (mw_yaml_get(n, "rate_per_1000_node_days") != NULL && p->on != COMPONENT_NODE)
        scenario_problem(r, n, "rate_per_1000_node_days is for processes on nodes; use "
                               "rate_per_year or between");
    p->between = (struct scenario_draw){LAW_EXPONENTIAL, 365.0 * (double)MW_NS_PER_DAY, 0.0};
    if (per_1000 > 0.0)
        p->between.a = 1000.0 * (double)MW_NS_PER_DAY / per_1000;
    if (per_year > 0.0)
        p->between.a = 365.0 * (double)MW_NS_PER_DAY / per_year;
    scenario_read_draw(r, n, "between", &p->between);
    if (scenario_draw_mean(&p->between) < BETWEEN_NS_MIN)
        scenario_problem(r, n, "the time between two faults of a component is under 1 s");
}

static void read_groups(const struct mw_yaml_node *n, struct scenario_process *p)
{
    const struct schema_field *f = scenario_process_fields;
    const struct schema_field *sf = scenario_share_factor_fields, *bf = scenario_burst_fields;
    const struct mw_yaml_node *lemons = schema_list(f, n, "lemons");
    const struct mw_yaml_node *batches = schema_list(f, n, "batches");
    const struct mw_yaml_node *burst = schema_list(f, n, "burst");

    p->lemon_share = lemons == NULL ? 0.0 : schema_number(sf, lemons, "share", 0.0);
    p->lemon_factor = lemons == NULL ? 1.0 : schema_number(sf, lemons, "factor", 1.0);
    p->batch_share = batches == NULL ? 0.0 : schema_number(sf, batches, "share", 0.0);
    p->batch_factor = batches == NULL ? 1.0 : schema_number(sf, batches, "factor", 1.0);
    if (burst == NULL)
        return;
    p->burst_share = schema_number(bf, burst, "share", 0.0);
    p->burst_within = scenario_within_kinds[schema_choice(bf, burst, "within", 0)];
    p->burst_max = (uint32_t)schema_int(bf, burst, "max", 2);
}

static void read_process(const struct scenario_reader *r, const struct mw_yaml_node *n)
{
    const struct schema_field *f = scenario_process_fields;
    const char *class_name = schema_text(f, n, "class", n->key->text);
    int32_t class = find_class(r->s, class_name);

    if (r->s->processes == SCENARIO_PROCESSES_MAX) {
        scenario_problem(r, n->key, "over %d fault processes", SCENARIO_PROCESSES_MAX);
        return;
    }
    struct scenario_process *p = &r->s->process[r->s->processes++];
    if (class < 0) {
        const struct mw_yaml_node *at = mw_yaml_get(n, "class");
        scenario_problem(r, at != NULL ? at : n->key,
                         "there is no class '%.40s' under classes; name one with 'class:'",
                         class_name);
        class = 0;
    }
    p->class = (uint16_t)class;
    p->on = scenario_on_kinds[schema_choice(f, n, "on", 0)];
    read_between(r, n, p);
    read_groups(n, p);
    p->detect = (struct scenario_draw){LAW_FIXED, 0.0, 0.0};
    scenario_read_draw(r, n, "detect", &p->detect);
    scenario_read_mix(r, n, "repair", &p->repair);
    scenario_read_mix(r, n, "clears", &p->clears);
    if (mw_yaml_get(n, "repair") == NULL && mw_yaml_get(n, "clears") == NULL)
        scenario_problem(r, n->key, "'%.40s' needs 'repair' or 'clears': how does it end?",
                         n->key->text);
    p->effect = (uint8_t)schema_choice(f, n, "effect", r->s->policy.care.class[class].effect);
    p->slow_share = schema_number(f, n, "slow", 0.15);
    p->kill_odds = schema_number(f, n, "kill_odds", 1.0);
    p->gate_pass = schema_number(f, n, "gate_pass", 1.0);
    scenario_read_cures(r, n, p);
}

static void read_faults(const struct scenario_reader *r, const struct mw_yaml_node *root)
{
    const struct schema_field *f = scenario_fields, *tf = scenario_trace_fields;
    const struct mw_yaml_node *faults = schema_list(f, root, "faults");
    const struct mw_yaml_node *trace = schema_list(f, root, "fault_trace");

    for (const struct mw_yaml_node *n = faults == NULL ? NULL : faults->child; n != NULL;
         n = n->next)
        if (n->kind == MW_YAML_MAP)
            read_process(r, n);
    if (trace == NULL)
        return;
    scenario_read_path(r, trace, "file", r->s->fault_trace_path);
    r->s->trace_detect_ns = (double)schema_duration_ns(tf, trace, "detect", 0);
    r->s->trace_slow_share = schema_number(tf, trace, "slow", r->s->trace_slow_share);
}

/* ---- jobs --------------------------------------------------------------------------------- */

static void read_job_class(const struct scenario_reader *r, const struct mw_yaml_node *n)
{
    const struct schema_field *f = scenario_job_class_fields;

    if (n->key->text[0] == '\0' || strlen(n->key->text) > 31) {
        scenario_problem(r, n->key, "the name of a job class has 1 to 31 bytes");
        return;
    }
    if (r->s->job_classes == SCENARIO_JOB_CLASSES_MAX) {
        scenario_problem(r, n->key, "over %d job classes", SCENARIO_JOB_CLASSES_MAX);
        return;
    }
    struct scenario_job_class *c = &r->s->job_class[r->s->job_classes++];
    memcpy(c->name, n->key->text, strlen(n->key->text) + 1);
    c->share_of_gpu_time = schema_number(f, n, "share", 0.0);
    scenario_read_sizes(r, n, c);
    scenario_read_draw(r, n, "work", &c->work);
    c->write = r->s->trace_write;
    c->restart = r->s->trace_restart;
    scenario_read_draw(r, n, "write", &c->write);
    scenario_read_draw(r, n, "restart", &c->restart);
    c->priority = (uint8_t)schema_int(f, n, "priority", 0);
    c->tenant = (uint32_t)schema_int(f, n, "tenant", r->s->job_classes);
    c->interruptible = schema_bool(f, n, "interruptible", false);
    c->fails_itself = schema_number(f, n, "fails", 0.0);
    c->count = (uint32_t)schema_int(f, n, "count", 0);
    c->first_ns = schema_duration_ns(f, n, "first", 0);
    c->every_ns = schema_duration_ns(f, n, "every", 0);
    if ((c->count > 0) == (mw_yaml_get(n, "share") != NULL))
        scenario_problem(r, n->key, "give '%s' either a 'share' of the load or a 'count' of jobs",
                         c->name);
    if (c->count == 0 && (mw_yaml_get(n, "first") != NULL || mw_yaml_get(n, "every") != NULL))
        scenario_problem(r, n->key, "'first' and 'every' go with 'count'");
    if (c->work.a > 0.0 && scenario_draw_mean(&c->work) < (double)MW_NS_PER_MS)
        scenario_problem(r, n, "'work' is under 1 ms on average");
}

static void check_shares(const struct scenario_reader *r, const struct mw_yaml_node *mix)
{
    double sum = 0.0;
    uint32_t drawn = 0;

    for (uint32_t i = 0; i < r->s->job_classes; i++) {
        drawn += r->s->job_class[i].count == 0;
        sum += r->s->job_class[i].share_of_gpu_time;
    }
    if (drawn > 0 && !(sum > 0.999 && sum < 1.001))
        scenario_problem(r, mix, "the shares of 'mix' add up to %.4g, not 1", sum);
    if (r->s->job_classes == 0)
        scenario_problem(r, mix, "'mix' names no job class");
}

static void read_jobs(const struct scenario_reader *r, const struct mw_yaml_node *n)
{
    const struct schema_field *f = scenario_jobs_fields;
    struct scenario *s = r->s;

    if (n == NULL)
        return;
    const struct mw_yaml_node *mix = schema_list(f, n, "mix");
    bool trace = mw_yaml_get(n, "trace") != NULL;
    if ((mix != NULL) == trace)
        scenario_problem(r, n, "give 'jobs' either a 'mix' or a 'trace'");
    s->jobs = trace ? JOBS_TRACE : JOBS_SYNTHETIC;
    s->load = schema_number(f, n, "load", s->load);
    s->jobs_max = (uint32_t)schema_int(f, n, "max", 0);
    scenario_read_draw(r, n, "write", &s->trace_write);
    scenario_read_draw(r, n, "restart", &s->trace_restart);
    if (trace)
        scenario_read_path(r, n, "trace", s->job_trace_path);
    for (const struct mw_yaml_node *c = mix == NULL ? NULL : mix->child; c != NULL; c = c->next)
        if (c->kind == MW_YAML_MAP)
            read_job_class(r, c);
    if (mix != NULL)
        check_shares(r, mix);
}

/* ---- the rest ------------------------------------------------------------------------------ */

static void read_messages(const struct mw_yaml_node *n, struct scenario_messages *m)
{
    const struct schema_field *f = scenario_messages_fields;

    if (n == NULL)
        return;
    m->lost = (uint32_t)schema_int(f, n, "lost", 0);
    m->late = (uint32_t)schema_int(f, n, "late", 0);
    m->doubled = (uint32_t)schema_int(f, n, "doubled", 0);
    m->reordered = (uint32_t)schema_int(f, n, "reordered", 0);
    m->late_ns_max = schema_duration_ns(f, n, "late_max", m->late_ns_max);
    m->resend_ns = schema_duration_ns(f, n, "resend", m->resend_ns);
}

static void read_site(const struct scenario_reader *r, const struct mw_yaml_node *n)
{
    const struct schema_field *f = scenario_site_fields;

    if (n == NULL)
        return;
    scenario_read_text(f, n, "shape", r->s->site_shape, sizeof(r->s->site_shape));
    r->s->site_gpus = (uint32_t)schema_int(f, n, "gpus", 0);
    scenario_read_path(r, n, "file", r->s->site_path);
    bool shape = mw_yaml_get(n, "shape") != NULL, gpus = mw_yaml_get(n, "gpus") != NULL;
    bool file = mw_yaml_get(n, "file") != NULL;
    if (file == (shape || gpus) || shape != gpus)
        scenario_problem(r, n, "give 'site' either 'shape' and 'gpus', or 'file'");
}

static void read_people(const struct scenario_reader *r, const struct mw_yaml_node *root)
{
    struct scenario *s = r->s;
    const struct mw_yaml_node *crews = schema_list(scenario_fields, root, "crews");
    const struct mw_yaml_node *person = schema_list(scenario_fields, root, "operator");

    if (crews != NULL) {
        s->crews = (uint32_t)schema_int(scenario_crews_fields, crews, "number", 0);
        scenario_read_draw(r, crews, "start", &s->crew_start);
        scenario_read_mix(r, crews, "escalated", &s->escalated);
    }
    if (person != NULL)
        s->approve_after_ns = schema_duration_ns(scenario_operator_fields, person,
                                                 "approves_after", s->approve_after_ns);
}

static void read_scenario(const struct scenario_reader *r, const struct mw_yaml_node *root)
{
    const struct schema_field *f = scenario_fields;
    struct scenario *s = r->s;

    scenario_read_text(f, root, "scenario", s->name, sizeof(s->name));
    read_site(r, schema_list(f, root, "site"));
    s->start_ns = schema_time_ns(f, root, "start", s->start_ns);
    s->horizon_ns = schema_duration_ns(f, root, "horizon", s->horizon_ns);
    s->seed = (uint64_t)schema_int(f, root, "seed", (int64_t)s->seed);
    struct account_policy *a = &s->policy.account;
    a->microdollars_per_gpu_hour = scenario_read_usd(f, root, "price_usd_per_gpu_hour",
                                                     a->microdollars_per_gpu_hour);
    s->policy.care.uusd_per_gpu_hour = a->microdollars_per_gpu_hour;
    scenario_read_policy(r, schema_list(f, root, "policy"));
    scenario_read_parts(r, schema_list(f, root, "parts"));
    read_classes(r, schema_list(f, root, "classes"));
    read_faults(r, root);
    scenario_read_steps(r, schema_list(f, root, "steps"));
    read_people(r, root);
    read_jobs(r, schema_list(f, root, "jobs"));
    read_messages(schema_list(f, root, "messages"), &s->messages);
    s->crashes = (uint32_t)schema_int(f, root, "crashes", 0);
    s->crash_every_step = schema_bool(f, root, "crash_every_step", false);
    s->progress_every_ns = schema_duration_ns(f, root, "progress_every", s->progress_every_ns);
    s->snapshot_every_events = schema_int(f, root, "snapshot_every", 0);
}

/* ---- public ------------------------------------------------------------------------------- */

static int apply_set(struct mw_yaml *doc, const struct scenario_source *source,
                     struct mw_error *err)
{
    for (uint32_t i = 0; i < source->set_n; i++) {
        const char *set = source->set[i], *equals = strchr(set, '=');
        char path[SET_PATH_MAX];
        if (equals == NULL || equals == set || (size_t)(equals - set) >= sizeof(path))
            return mw_fail(err, MW_EINVAL,
                           "--set %.60s: write key=value, like faults.gpu.between.mean=200d", set);
        memcpy(path, set, (size_t)(equals - set));
        path[equals - set] = '\0';
        int rc = mw_yaml_set(doc, path, equals + 1, err);
        if (rc != 0)
            return mw_fail_prefix(err, "--set %.60s", set);
    }
    return 0;
}

uint16_t scenario_trace_class(const struct scenario *s, const char *class_name,
                              const char *desc_name)
{
    uint16_t of_class = UINT16_MAX;

    for (uint32_t i = 0; i < s->matches; i++) {
        const struct scenario_match *m = &s->match[i];
        if (strcmp(m->class_name, class_name) != 0)
            continue;
        if (m->desc_name[0] == '\0')
            of_class = m->class;
        else if (strcmp(m->desc_name, desc_name) == 0)
            return m->class;
    }
    if (of_class != UINT16_MAX)
        return of_class;
    int32_t row = find_class(s, class_name);
    if (row < 0)
        row = find_class(s, "unknown");
    return row < 0 ? UINT16_MAX : (uint16_t)row;
}

int scenario_parse(const struct scenario_source *source, struct scenario *ret,
                   struct problems *problems, struct mw_error *err)
{
    struct mw_yaml *doc = NULL;

    must(source != NULL && ret != NULL && problems != NULL);
    int rc = mw_yaml_read(source->yaml, source->size, source->file_name, &doc, problems, err);
    if (rc == 0)
        rc = apply_set(doc, source, err);
    struct scenario *s = rc == 0 ? mw_calloc(1, sizeof(*s)) : NULL;
    if (rc == 0 && s == NULL)
        rc = mw_fail(err, MW_ENOMEM, "%s: out of memory", source->file_name);
    if (rc == 0) {
        struct scenario_reader r = {doc, problems, s};
        scenario_defaults(s);
        schema_check(doc, mw_yaml_root(doc), scenario_fields, problems);
        if (mw_yaml_root(doc)->kind == MW_YAML_MAP)
            read_scenario(&r, mw_yaml_root(doc));
        problems_sort(problems);
        if (problems->total > 0)
            rc = mw_fail(err, MW_ESYNTAX, "%s: %u %s; nothing was run", source->file_name,
                         problems->total, problems->total == 1 ? "mistake" : "mistakes");
        else
            *ret = *s;
    }
    mw_free(s);
    mw_yaml_destroy(doc);
    return rc;
}
