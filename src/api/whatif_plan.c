/* What is asked, and the settings of the scenario that it means.  See whatif.h. */
#include "api/whatif.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"
#include "base/yaml.h"

#define FACTOR_MIN 0.01
#define FACTOR_MAX 100.0
#define SPARES_FURTHEST 1000000

/* ---- what is asked -------------------------------------------------------------------------- */

static int blame(const char **ret_field, const char *key, struct mw_error *err, const char *why)
{
    *ret_field = key;
    return mw_fail(err, MW_EINVAL, "%s: %s", key, why);
}

static int read_whole(const json_t *v, const char *key, const int64_t bound[2], int64_t *ret,
                      struct mw_error *err)
{
    int64_t n = json_integer_value(v);
    if (!json_is_integer(v) || n < bound[0] || n > bound[1])
        return mw_fail(err, MW_EINVAL, "%s: a whole number from %lld to %lld", key,
                       (long long)bound[0], (long long)bound[1]);
    *ret = n;
    return 0;
}

static int read_factor(const json_t *v, const char *key, double *ret, struct mw_error *err)
{
    double x = json_number_value(v);
    if (!json_is_number(v) || !(x >= FACTOR_MIN && x <= FACTOR_MAX))
        return mw_fail(err, MW_EINVAL, "%s: a number from %g to %g; 1 is as it is", key,
                       FACTOR_MIN, FACTOR_MAX);
    *ret = x;
    return 0;
}

static int read_key(const char *key, const json_t *v, struct whatif_wish *w, struct mw_error *err)
{
    int64_t n = 0;
    int r;
    if (strcmp(key, "runs") == 0) {
        r = read_whole(v, key, (int64_t[]){ 1, WHATIF_RUNS_MAX }, &n, err);
        w->runs = (uint32_t)n;
    } else if (strcmp(key, "days") == 0) {
        r = read_whole(v, key, (int64_t[]){ 1, WHATIF_DAYS_MAX }, &n, err);
        w->days = (uint32_t)n;
    } else if (strcmp(key, "spares") == 0) {
        r = read_whole(v, key, (int64_t[]){ -SPARES_FURTHEST, SPARES_FURTHEST }, &n, err);
        w->spares = (int32_t)n;
        w->has_spares = true;
    } else if (strcmp(key, "crews") == 0) {
        r = read_whole(v, key, (int64_t[]){ 0, SPARES_FURTHEST }, &n, err);
        w->crews = (uint32_t)n;
        w->has_crews = true;
    } else if (strcmp(key, "checkpoint_cost") == 0) {
        r = read_factor(v, key, &w->checkpoint_cost, err);
    } else if (strcmp(key, "failure_rate") == 0) {
        r = read_factor(v, key, &w->failure_rate, err);
    } else {
        r = mw_fail(err, MW_EINVAL, "there is no such key: runs, days, spares, crews, "
                    "checkpoint_cost, failure_rate");
    }
    return r;
}

static const char *known(const char *key)
{
    static const char *const name[] = { "runs", "days", "spares", "crews", "checkpoint_cost",
                                        "failure_rate" };
    for (uint32_t i = 0; i < MW_ARRAY_LEN(name); i++)
        if (strcmp(name[i], key) == 0)
            return name[i];
    return "";
}

int whatif_read(const char *body, size_t size, struct whatif_wish *ret, const char **ret_field,
                struct mw_error *err)
{
    json_error_t at;
    json_t *o = json_loadb(body, size, JSON_REJECT_DUPLICATES, &at);
    struct whatif_wish w = { .runs = 5, .days = 30, .checkpoint_cost = 1, .failure_rate = 1 };
    const char *key;
    json_t *v;
    int r = 0;
    *ret_field = "";
    if (!json_is_object(o)) {
        r = mw_fail(err, MW_ESYNTAX, "the body is no JSON object%s%.200s", o ? "" : ": ",
                    o ? "" : at.text);
        json_decref(o);
        return r;
    }
    json_object_foreach(o, key, v) {
        *ret_field = known(key);
        r = read_key(key, v, &w, err);
        if (r < 0)
            break;
    }
    json_decref(o);
    if (r < 0)
        return r;
    bool any = (w.has_spares && w.spares != 0) || w.has_crews || w.checkpoint_cost != 1 ||
               w.failure_rate != 1;
    if (!any)
        return blame(ret_field, "", err, "nothing is changed: say spares, crews, checkpoint_cost "
                     "or failure_rate");
    *ret_field = "";
    *ret = w;
    return 0;
}

/* ---- settings ------------------------------------------------------------------------------- */

struct planning {
    const struct whatif_scenario *scenario;
    const struct whatif_wish *wish;
    struct whatif_plan *plan;
    struct mw_yaml *doc;
    struct mw_error *err;
};

static int add(char **list, uint32_t *n, const char *set, struct mw_error *err)
{
    if (*n == WHATIF_SETS_MAX)
        return mw_fail(err, MW_ELIMIT, "the scenario has more to change than %u settings",
                       WHATIF_SETS_MAX);
    list[*n] = mw_strdup(set);
    return list[*n] && ++*n ? 0 : mw_fail(err, MW_ENOMEM, "out of memory");
}

static int set_base(struct planning *p, const char *set)
{
    return add(p->plan->base, &p->plan->bases, set, p->err);
}

static int set_changed(struct planning *p, const char *key, const char *value)
{
    char set[512];
    int n = snprintf(set, sizeof(set), "%s=%s", key, value);
    if (n < 0 || (size_t)n >= sizeof(set))
        return mw_fail(p->err, MW_ELIMIT, "a key of the scenario is too long");
    return add(p->plan->changed, &p->plan->changes, set, p->err);
}

static void tell_lever(struct planning *p, const char *key, json_t *from, json_t *to)
{
    (void)json_array_append_new(p->plan->levers, json_pack("{s:s, s:o, s:o}", "lever", key, "from",
                                                           from, "to", to));
}

static void tell_note(struct planning *p, const char *note)
{
    (void)json_array_append_new(p->plan->notes, json_string(note));
}

/* A length of time under `key`, times a factor. */
static int scale_span(struct planning *p, const char *key, const struct mw_yaml_node *n,
                      double factor)
{
    int64_t ns;
    char value[40];
    if (n->kind != MW_YAML_SCALAR || mw_parse_duration(n->text, &ns) != 0)
        return mw_fail(p->err, MW_EINVAL, "%s of the scenario is no length of time", key);
    double scaled = (double)ns * factor;
    (void)snprintf(value, sizeof(value), "%lldns",
                   (long long)MW_MIN(scaled, (double)INT64_MAX / 2));
    return set_changed(p, key, value);
}

/* A law: a length of time, or a map whose parameters that are lengths are scaled. */
static int scale_map(struct planning *p, const char *key, const struct mw_yaml_node *law,
                     double factor)
{
    static const char *const span[] = { "value", "mean", "scale", "median", "from", "to" };
    int r = 0;
    for (uint32_t i = 0; r == 0 && i < MW_ARRAY_LEN(span); i++) {
        char inner[256];
        const struct mw_yaml_node *n = mw_yaml_get(law, span[i]);
        (void)snprintf(inner, sizeof(inner), "%.200s.%s", key, span[i]);
        if (n)
            r = scale_span(p, inner, n, factor);
    }
    return r;
}

static int scale_law(struct planning *p, const char *key, const struct mw_yaml_node *law,
                     double factor)
{
    uint32_t i = 0;
    int r = 0;
    if (law->kind == MW_YAML_SCALAR)
        return scale_span(p, key, law, factor);
    if (law->kind == MW_YAML_MAP)
        return scale_map(p, key, law, factor);
    for (const struct mw_yaml_node *n = law->child; r == 0 && n; n = n->next, i++) {
        char inner[256];
        (void)snprintf(inner, sizeof(inner), "%.200s.%u", key, i);
        r = scale_map(p, inner, n, factor);
    }
    return r;
}

/* A plain number, times a factor; nothing when it is not there. */
static int scale_number(struct planning *p, const char *key, double factor)
{
    const struct mw_yaml_node *n = mw_yaml_at(p->doc, key);
    char value[40];
    double x;
    if (!n)
        return 0;
    if (mw_yaml_double(p->doc, n, &x, p->err) < 0)
        return mw_fail(p->err, MW_EINVAL, "%s of the scenario is no number", key);
    (void)snprintf(value, sizeof(value), "%.12g", x * factor);
    return set_changed(p, key, value);
}

/* ---- levers --------------------------------------------------------------------------------- */

static int plan_days(struct planning *p)
{
    const struct mw_yaml_node *n = mw_yaml_at(p->doc, "horizon");
    char set[64];
    int64_t ns;
    if (!n || mw_yaml_duration(p->doc, n, &ns, p->err) < 0)
        return mw_fail(p->err, MW_EINVAL, "the scenario has no horizon");
    p->plan->days = p->wish->days;
    if ((int64_t)p->wish->days * MW_NS_PER_DAY > ns) {
        p->plan->days = (uint32_t)MW_MAX(ns / MW_NS_PER_DAY, 1);
        tell_note(p, "the scenario is shorter than what was asked for: its whole horizon is run");
    }
    if ((int64_t)p->plan->days * MW_NS_PER_DAY > ns)
        return 0; /* under a day long: as it is */
    (void)snprintf(set, sizeof(set), "horizon=%ud", p->plan->days);
    return set_base(p, set);
}

static int plan_spares(struct planning *p)
{
    const struct mw_yaml_node *map = mw_yaml_at(p->doc, "policy.spares");
    const struct mw_yaml_node *nodes = mw_yaml_get(map, "nodes");
    int64_t now = p->scenario->spares_now;
    char set[64], value[24];
    if (!p->wish->has_spares || p->wish->spares == 0)
        return 0;
    if (map && map->kind != MW_YAML_MAP)
        return mw_fail(p->err, MW_EINVAL, "the scenario keeps no spares and cannot be told to: "
                       "write policy: {spares: {nodes: 0}} into it");
    if (nodes && mw_yaml_i64(p->doc, nodes, &now, p->err) < 0)
        return mw_fail(p->err, MW_EINVAL, "policy.spares.nodes of the scenario is no number");
    if (!map)
        now = 0;
    int64_t to = MW_MAX(now + p->wish->spares, 0);
    tell_lever(p, "spares", json_integer(now), json_integer(to));
    (void)snprintf(set, sizeof(set), "policy.spares.nodes=%lld", (long long)now);
    (void)snprintf(value, sizeof(value), "%lld", (long long)to);
    if (map && !nodes)
        tell_note(p, "the scenario sizes its spares by itself: both columns keep a fixed number "
                  "instead, the first as many as are kept now");
    int r = set_base(p, set);
    return r < 0 ? r : set_changed(p, "policy.spares.nodes", value);
}

static int plan_crews(struct planning *p)
{
    const struct mw_yaml_node *n = mw_yaml_at(p->doc, "crews.number");
    char value[24];
    int64_t now = 0;
    if (!p->wish->has_crews)
        return 0;
    if (n && mw_yaml_i64(p->doc, n, &now, p->err) < 0)
        return mw_fail(p->err, MW_EINVAL, "crews.number of the scenario is no number");
    tell_lever(p, "crews", json_integer(now), json_integer(p->wish->crews));
    if (mw_yaml_at(p->doc, "fault_trace"))
        tell_note(p, "repairs of the fault trace already contain the waiting for a crew: fewer "
                  "crews add to it");
    (void)snprintf(value, sizeof(value), "%u", p->wish->crews);
    return set_changed(p, "crews.number", value);
}

static int plan_checkpoints(struct planning *p)
{
    const struct mw_yaml_node *jobs = mw_yaml_at(p->doc, "jobs");
    const struct mw_yaml_node *all = mw_yaml_get(jobs, "write");
    const struct mw_yaml_node *mix = mw_yaml_get(jobs, "mix");
    double factor = p->wish->checkpoint_cost;
    bool any = all != NULL;
    int r = 0;
    if (factor == 1)
        return 0;
    tell_lever(p, "checkpoint_cost", json_real(1), json_real(factor));
    if (all)
        r = scale_law(p, "jobs.write", all, factor);
    for (const struct mw_yaml_node *n = mix ? mix->child : NULL; r == 0 && n; n = n->next) {
        char key[256];
        const struct mw_yaml_node *write = mw_yaml_get(n, "write");
        if (!write || !n->key)
            continue;
        (void)snprintf(key, sizeof(key), "jobs.mix.%.180s.write", n->key->text);
        r = scale_law(p, key, write, factor);
        any = true;
    }
    if (r == 0 && !any)
        return mw_fail(p->err, MW_EINVAL, "the scenario does not say what a checkpoint costs: "
                       "write jobs: {write: 30s} into it");
    return r;
}

/* Fault processes: more often by the factor. */
static int scale_processes(struct planning *p)
{
    const struct mw_yaml_node *faults = mw_yaml_at(p->doc, "faults");
    double factor = p->wish->failure_rate;
    int r = 0;
    for (const struct mw_yaml_node *n = faults ? faults->child : NULL; r == 0 && n; n = n->next) {
        char key[256];
        const struct mw_yaml_node *between = mw_yaml_get(n, "between");
        const char *name = n->key ? n->key->text : "";
        (void)snprintf(key, sizeof(key), "faults.%.180s.between", name);
        if (between)
            r = scale_law(p, key, between, 1 / factor);
        (void)snprintf(key, sizeof(key), "faults.%.180s.rate_per_1000_node_days", name);
        if (r == 0)
            r = scale_number(p, key, factor);
        (void)snprintf(key, sizeof(key), "faults.%.180s.rate_per_year", name);
        if (r == 0)
            r = scale_number(p, key, factor);
    }
    return r;
}

/* The first class whose faults kill. */
static const struct mw_yaml_node *killing_class(struct planning *p)
{
    const struct mw_yaml_node *classes = mw_yaml_at(p->doc, "classes");
    for (const struct mw_yaml_node *n = classes ? classes->child : NULL; n; n = n->next)
        if (n->key && strcmp(mw_yaml_text(n, "effect", ""), "kills") == 0)
            return n;
    return NULL;
}

/* On top of a trace: faults that kill, at the rate that the policy says the trace's have. */
static int add_to_trace(struct planning *p)
{
    static const char more[] = "faults.what-if";
    const struct mw_yaml_node *class = killing_class(p);
    const struct mw_yaml_node *rate = mw_yaml_at(p->doc, "policy.failure_rate_per_1000_node_days");
    const struct mw_yaml_node *ladder = mw_yaml_get(class, "ladder");
    const char *repair = mw_yaml_text(ladder ? ladder->child : NULL, "duration", "");
    const char *detect = mw_yaml_text(mw_yaml_at(p->doc, "fault_trace"), "detect", "");
    double each, factor = p->wish->failure_rate;
    char key[128], value[40];
    if (factor < 1)
        return mw_fail(p->err, MW_EINVAL, "the scenario's faults are a trace's: they can be made "
                       "more, not fewer");
    if (!class || !rate || mw_yaml_double(p->doc, rate, &each, p->err) < 0)
        return mw_fail(p->err, MW_EINVAL, "the scenario's faults are a trace's, and it names no "
                       "policy.failure_rate_per_1000_node_days that more could follow");
    (void)snprintf(value, sizeof(value), "%.12g", each * (factor - 1));
    tell_note(p, "the trace's faults stay as they were; on top come modelled faults that kill, so "
              "that these are as many times as frequent as asked for");
    (void)snprintf(key, sizeof(key), "%s.rate_per_1000_node_days", more);
    int r = set_changed(p, key, value);
    (void)snprintf(key, sizeof(key), "%s.class", more);
    if (r == 0)
        r = set_changed(p, key, class->key->text);
    (void)snprintf(key, sizeof(key), "%s.on", more);
    if (r == 0)
        r = set_changed(p, key, "node");
    (void)snprintf(key, sizeof(key), "%s.detect", more);
    if (r == 0 && *detect)
        r = set_changed(p, key, detect);
    (void)snprintf(key, sizeof(key), "%s.repair", more);
    if (r == 0 && *repair)
        r = set_changed(p, key, repair);
    return r;
}

static int plan_failures(struct planning *p)
{
    double factor = p->wish->failure_rate;
    if (factor == 1)
        return 0;
    tell_lever(p, "failure_rate", json_real(1), json_real(factor));
    int r = scale_processes(p);
    if (r == 0 && mw_yaml_at(p->doc, "fault_trace"))
        r = add_to_trace(p);
    return r < 0 ? r : scale_number(p, "policy.failure_rate_per_1000_node_days", factor);
}

int whatif_plan(const struct whatif_scenario *s, const struct whatif_wish *w,
                struct whatif_plan *ret, struct mw_error *err)
{
    must(s && w && ret);
    *ret = (struct whatif_plan){ .levers = json_array(), .notes = json_array() };
    struct planning p = { .scenario = s, .wish = w, .plan = ret, .err = err };
    struct problems problems = { 0 };
    int64_t seed = 1;
    int r = mw_yaml_read(s->yaml, s->size, s->path, &p.doc, &problems, err);
    problems_fini(&problems);
    if (r < 0)
        return r;
    const struct mw_yaml_node *n = mw_yaml_at(p.doc, "seed");
    if (n)
        (void)!mw_yaml_i64(p.doc, n, &seed, NULL);
    ret->seed = (uint64_t)MW_MAX(seed, 0);
    r = plan_days(&p);
    if (r == 0)
        r = plan_spares(&p);
    if (r == 0)
        r = plan_crews(&p);
    if (r == 0)
        r = plan_checkpoints(&p);
    if (r == 0)
        r = plan_failures(&p);
    mw_yaml_destroy(p.doc);
    return r;
}

void whatif_plan_fini(struct whatif_plan *p)
{
    for (uint32_t i = 0; i < p->bases; i++)
        mw_free(p->base[i]);
    for (uint32_t i = 0; i < p->changes; i++)
        mw_free(p->changed[i]);
    json_decref(p->levers);
    json_decref(p->notes);
    *p = (struct whatif_plan){ 0 };
}
