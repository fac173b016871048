/* Several policies over the same seeds.  See compare.h. */
#include "cli/compare.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/live.h"
#include "cli/parallel.h"

const struct compare_figure_row compare_figure_rows[COMPARE_FIGURE_COUNT] = {
#define X(e, key, title, scale, decimals) [e] = { key, title, scale, decimals },
    COMPARE_FIGURES(X)
#undef X
};

void compare_init(struct compare *c, const struct cli_context *ctx, const char *path,
                  const struct scenario_files *files)
{
    *c = (struct compare){ .ctx = ctx, .path = path, .files = files,
                           .seed = files->scenario.seed, .runs = 1 };
}

void compare_fini(struct compare *c)
{
    while (c->columns > 0)
        compare_drop_last(c);
    mw_free(c->result);
    *c = (struct compare){ 0 };
}

/* ---- columns ------------------------------------------------------------------------------- */

static struct compare_column *add(struct compare *c, const char *key, const char *name)
{
    must(c->columns < COMPARE_COLUMNS_MAX);
    struct compare_column *column = &c->column[c->columns];
    (void)snprintf(column->key, sizeof(column->key), "%s", key);
    (void)snprintf(column->name, sizeof(column->name), "%s", name);
    column->scenario = mw_calloc(1, sizeof(*column->scenario));
    if (!column->scenario)
        return NULL;
    c->columns++;
    return column;
}

static int out_of_memory(const struct compare *c)
{
    cli_error(c->ctx, "out of memory for %u runs", c->columns * c->runs);
    return CLI_EXIT_ERROR;
}

int compare_add(struct compare *c, const char *key, const char *name, const char *const *set,
                uint32_t sets)
{
    struct compare_column *column = add(c, key, name);
    if (!column)
        return out_of_memory(c);
    return scenario_files_changed(c->ctx, c->path, set, sets, column->scenario);
}

static void at_once(struct scenario_draw *d)
{
    *d = (struct scenario_draw){ .law = LAW_FIXED };
}

/* A save so often that nothing is lost between two, at no cost: the clairvoyant's own, one just
 * before each fault, costs no less than nothing. */
#define CLAIRVOYANT_INTERVAL_MS 1000

int compare_add_clairvoyant(struct compare *c)
{
    struct compare_column *column = add(c, "clairvoyant", "clairvoyant (a bound)");
    if (!column)
        return out_of_memory(c);
    struct scenario *s = column->scenario;
    *s = c->files->scenario;
    for (uint32_t i = 0; i < s->processes; i++)
        at_once(&s->process[i].detect);
    s->trace_detect_ns = 0;
    for (uint32_t i = 0; i < s->job_classes; i++)
        at_once(&s->job_class[i].write);
    at_once(&s->trace_write);
    s->policy.work.interval_ms = CLAIRVOYANT_INTERVAL_MS;
    return 0;
}

bool compare_same(const struct compare *c, uint32_t a, uint32_t b)
{
    must(a < c->columns && b < c->columns);
    struct control_sha256 x = control_policy_sha256(&c->column[a].scenario->policy);
    struct control_sha256 y = control_policy_sha256(&c->column[b].scenario->policy);
    return memcmp(x.bytes, y.bytes, sizeof(x.bytes)) == 0;
}

void compare_drop_last(struct compare *c)
{
    must(c->columns > 0);
    mw_free(c->column[--c->columns].scenario);
}

/* ---- running ------------------------------------------------------------------------------- */

struct batch {
    struct compare *compare;
    struct mw_error *error; /* one a run */
    struct progress progress;
};

static void run_one(void *ctx, uint64_t number)
{
    struct batch *b = ctx;
    struct compare *c = b->compare;
    struct run_options o = scenario_files_options(c->files);
    o.scenario = c->column[number / c->runs].scenario;
    o.seed = c->seed + number % c->runs;
    b->error[number].code = 0;
    struct mw_error err = { 0 };
    if (run_scenario(&o, &c->result[number], &err) < 0)
        b->error[number] = err;
}

static bool tick(void *ctx, uint64_t done)
{
    struct batch *b = ctx;
    progress_update(&b->progress, done, parallel_clock_ns());
    return cli_interrupted();
}

static int run_batch(struct batch *b, struct mw_error *err)
{
    struct compare *c = b->compare;
    const struct parallel p = { .tasks = (uint64_t)c->columns * c->runs,
                                .threads = parallel_processors(), .task = run_one, .tick = tick,
                                .ctx = b };
    int64_t began_ns = parallel_clock_ns();
    progress_begin(&b->progress, c->ctx->messages, c->ctx->messages_term, c->ctx->quiet);
    progress_start(&b->progress, "runs", p.tasks, began_ns);
    int r = parallel_run(&p, &c->interrupted, err);
    progress_end(&b->progress);
    c->wall_s = (double)(parallel_clock_ns() - began_ns) / (double)MW_NS_PER_S;
    for (uint64_t i = 0; r == 0 && !c->interrupted && i < p.tasks; i++)
        if (b->error[i].code < 0) {
            *err = b->error[i];
            r = mw_fail_prefix(err, "%s, seed %llu", c->column[i / c->runs].name,
                               (unsigned long long)(c->seed + i % c->runs));
        }
    return r;
}

int compare_run(struct compare *c)
{
    must(c->columns > 0 && c->runs > 0 && c->runs <= COMPARE_RUNS_MAX);
    struct batch b = { .compare = c };
    struct mw_error err = { 0 };
    size_t tasks = (size_t)c->columns * c->runs;
    c->result = mw_calloc(tasks, sizeof(*c->result));
    b.error = mw_calloc(tasks, sizeof(*b.error));
    int code;
    if (!c->result || !b.error)
        code = out_of_memory(c);
    else
        code = run_batch(&b, &err) < 0 ? cli_fail(c->ctx, &err) : 0;
    mw_free(b.error);
    return code;
}

/* ---- figures ------------------------------------------------------------------------------- */

static double gpu_hours(const struct run_result *r, enum account_class class)
{
    return (double)r->totals.gpu_ms[class] / (double)MW_MS_PER_HOUR;
}

static double share(const struct run_result *r, int64_t gpu_ms)
{
    return r->totals.wall_gpu_ms > 0 ? (double)gpu_ms / (double)r->totals.wall_gpu_ms : 0.0;
}

static int64_t out_of_service(const struct run_result *r)
{
    const int64_t *ms = r->totals.gpu_ms;
    return ms[ACCOUNT_DRAINING] + ms[ACCOUNT_DOWN] + ms[ACCOUNT_REPAIRING] +
           ms[ACCOUNT_VALIDATING];
}

double compare_figure_of(const struct run_result *r, enum compare_figure f)
{
    switch (f) {
    case FIGURE_ETTR: return r->ettr;
    case FIGURE_GOODPUT: return r->goodput;
    case FIGURE_OUT: return share(r, out_of_service(r));
    case FIGURE_SPARE: return share(r, r->totals.gpu_ms[ACCOUNT_SPARE]);
    case FIGURE_KILLS: return (double)r->kills;
    case FIGURE_DRAINS: return (double)r->drains;
    case FIGURE_REFAULTS: return (double)r->refaults;
    case FIGURE_CREWS: return share(r, r->totals.gpu_ms[ACCOUNT_REPAIRING]) * (double)r->nodes;
    case FIGURE_CHECKPOINT: return gpu_hours(r, ACCOUNT_CHECKPOINT);
    case FIGURE_RECOMPUTE: return gpu_hours(r, ACCOUNT_RECOMPUTE);
    case FIGURE_HUNG: return gpu_hours(r, ACCOUNT_HUNG);
    case FIGURE_RESTART: return gpu_hours(r, ACCOUNT_RESTART);
    case FIGURE_PRODUCTIVE: return gpu_hours(r, ACCOUNT_PRODUCTIVE);
    case FIGURE_LOST:
        return (double)r->totals.lost_microdollars / (double)MW_MICRODOLLARS_PER_DOLLAR;
    case COMPARE_FIGURE_COUNT: break;
    }
    must(false);
    return 0.0;
}

static struct estimate estimate_figure(const struct compare *c, uint32_t column, uint32_t base,
                                       enum compare_figure f)
{
    double value[COMPARE_RUNS_MAX];
    must(column < c->columns && c->result);
    for (uint32_t i = 0; i < c->runs; i++) {
        value[i] = compare_figure_of(&c->result[column * c->runs + i], f);
        if (base != MW_NONE)
            value[i] -= compare_figure_of(&c->result[base * c->runs + i], f);
    }
    return estimate_of(value, c->runs);
}

struct estimate compare_value(const struct compare *c, uint32_t column, enum compare_figure f)
{
    return estimate_figure(c, column, MW_NONE, f);
}

struct estimate compare_change(const struct compare *c, uint32_t column, uint32_t base,
                               enum compare_figure f)
{
    must(base < c->columns);
    return estimate_figure(c, column, base, f);
}

/* ---- showing ------------------------------------------------------------------------------- */

static json_t *figures_json(const struct compare *c, uint32_t column, uint32_t base)
{
    json_t *o = json_object();
    for (uint32_t f = 0; f < COMPARE_FIGURE_COUNT; f++) {
        struct estimate e = estimate_figure(c, column, base, (enum compare_figure)f);
        (void)json_object_set_new(o, compare_figure_rows[f].key,
                                  json_pack("{s:f, s:f, s:f}", "mean", e.mean, "lo", e.lo, "hi",
                                            e.hi));
    }
    return o;
}

json_t *compare_json(const struct compare *c, uint32_t base)
{
    json_t *columns = json_array();
    for (uint32_t i = 0; i < c->columns; i++)
        (void)json_array_append_new(
            columns, json_pack("{s:s, s:s, s:o, s:o}", "key", c->column[i].key, "name",
                               c->column[i].name, "value", figures_json(c, i, MW_NONE), "change",
                               figures_json(c, i, base)));
    return json_pack("{s:s, s:I, s:I, s:f, s:o}", "scenario", c->files->scenario.name, "seed",
                     (json_int_t)c->seed, "runs", (json_int_t)c->runs, "wall_s", c->wall_s,
                     "columns", columns);
}

void compare_show(char *ret, size_t size, const struct estimate *e, enum compare_figure f,
                  bool sign)
{
    const struct compare_figure_row *row = &compare_figure_rows[f];
    int decimals = (int)row->decimals;
    double half = (e->hi - e->lo) / 2 * row->scale;
    if (sign)
        (void)snprintf(ret, size, "%+.*f ± %.*f", decimals, e->mean * row->scale, decimals, half);
    else
        (void)snprintf(ret, size, "%.*f ± %.*f", decimals, e->mean * row->scale, decimals, half);
}
