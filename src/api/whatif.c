/*
 * The runs of a what-if: which is started next, what each told, and the result
 * when all are in.  Owns its processes; they end with it.
 */
#include "api/whatif.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "base/estimate.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"
#include "live/process_run.h"

#define AT_ONCE 2u /* processes of one question: each is a run on one processor */

/* ---- figures -------------------------------------------------------------------------------- */

/* X(key, title, unit, where in the run's document, its key there, scale, 1: more is better, -1:
 * less is) */
#define FIGURES(X)                                                                                \
    X("goodput_ppm", "goodput: productive over available", "ppm", NULL, "goodput", 1e6, 1)        \
    X("ettr_ppm", "ETTR: productive over wall time of jobs", "ppm", NULL, "ettr", 1e6, 1)         \
    X("lost_usd", "lost", "USD", NULL, "lost_usd", 1, -1)                                         \
    X("productive_gpu_h", "work done", "GPU-h", "classes", "productive", 1.0 / 3600, 1)           \
    X("jobs_done", "jobs done", "jobs", NULL, "jobs_done", 1, 1)                                  \
    X("kills", "attempts that a fault stopped", "attempts", NULL, "kills", 1, -1)                 \
    X("recompute_gpu_h", "work done again", "GPU-h", "classes", "recompute", 1.0 / 3600, -1)      \
    X("checkpoint_gpu_h", "writing checkpoints", "GPU-h", "classes", "checkpoint", 1.0 / 3600, -1) \
    X("restart_gpu_h", "starting again", "GPU-h", "classes", "restart", 1.0 / 3600, -1)           \
    X("down_gpu_h", "broken, nobody works on it", "GPU-h", "classes", "down", 1.0 / 3600, -1)     \
    X("repairing_gpu_h", "under repair", "GPU-h", "classes", "repairing", 1.0 / 3600, -1)         \
    X("spare_gpu_h", "kept for restarts", "GPU-h", "classes", "spare", 1.0 / 3600, -1)            \
    X("idle_gpu_h", "nothing to do", "GPU-h", "classes", "idle", 1.0 / 3600, -1)

struct figure {
    const char *key, *title, *unit, *inside, *name;
    double scale;
    int better;
};

static double value_of(const json_t *run, const struct figure *f)
{
    const json_t *from = f->inside ? json_object_get(run, f->inside) : run;
    return json_number_value(json_object_get(from, f->name)) * f->scale;
}

static json_t *estimate_json(const double *value, uint32_t n)
{
    struct estimate e = estimate_of(value, n);
    return json_pack("{s:f, s:f, s:f}", "mean", e.mean, "lo", e.lo, "hi", e.hi);
}

/* Whether the change is one: its interval does not contain 0. */
static const char *verdict(const double *change, uint32_t n, int better)
{
    struct estimate e = estimate_of(change, n);
    if (n < 2)
        return "one run says little";
    if (e.lo <= 0 && e.hi >= 0)
        return "no clear change";
    return (e.mean > 0) == (better > 0) ? "better" : "worse";
}

static json_t *figure_row(const struct figure *f, json_t *const *base, json_t *const *changed,
                          uint32_t runs)
{
    double a[WHATIF_RUNS_MAX], b[WHATIF_RUNS_MAX], change[WHATIF_RUNS_MAX];
    must(runs > 0 && runs <= WHATIF_RUNS_MAX);
    for (uint32_t i = 0; i < runs; i++) {
        a[i] = value_of(base[i], f);
        b[i] = value_of(changed[i], f);
        change[i] = b[i] - a[i];
    }
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:s}", "key", f->key, "title", f->title,
                     "unit", f->unit, "baseline", estimate_json(a, runs), "changed",
                     estimate_json(b, runs), "change", estimate_json(change, runs), "verdict",
                     verdict(change, runs, f->better));
}

json_t *whatif_rows(json_t *const *base, json_t *const *changed, uint32_t runs)
{
    static const struct figure figure[] = {
#define X(key, title, unit, inside, name, scale, better) \
    { key, title, unit, inside, name, scale, better },
        FIGURES(X)
#undef X
    };
    json_t *rows = json_array();
    for (uint32_t i = 0; rows && i < MW_ARRAY_LEN(figure); i++)
        (void)json_array_append_new(rows, figure_row(&figure[i], base, changed, runs));
    return rows;
}

/* ---- runs ----------------------------------------------------------------------------------- */

struct whatif;
struct run {
    struct whatif *of;
    json_t *told; /* owned */
    uint32_t number; /* of its column */
    bool changed;
};

struct whatif {
    struct event_base *base;
    struct operation *op;         /* NULL: it has ended or was cancelled */
    struct process_run *processes;
    struct event *end;            /* frees it, outside of what the processes call */
    struct whatif_plan plan;
    struct run run[2 * WHATIF_RUNS_MAX];
    uint32_t runs, over;          /* of one column; runs of both that have ended */
    char *program, *path;         /* owned */
};

static void whatif_free(struct whatif *w)
{
    w->op = NULL;
    process_run_destroy(w->processes); /* reports of what it kills are not heard: op is NULL */
    if (w->end)
        event_free(w->end);
    for (uint32_t i = 0; i < MW_ARRAY_LEN(w->run); i++)
        json_decref(w->run[i].told);
    whatif_plan_fini(&w->plan);
    mw_free(w->program);
    mw_free(w->path);
    mw_free(w);
}

static void on_end(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    whatif_free(ctx);
}

static void on_cancel(void *work)
{
    whatif_free(work);
}

static void leave(struct whatif *w)
{
    const struct timeval now = { 0 };
    w->op = NULL;
    (void)event_add(w->end, &now);
}

static void fail(struct whatif *w, const struct mw_error *why)
{
    operation_failed(w->op, why);
    leave(w);
}

static json_t *result_of(struct whatif *w)
{
    json_t *base[WHATIF_RUNS_MAX] = { 0 }, *changed[WHATIF_RUNS_MAX] = { 0 };
    for (uint32_t i = 0; i < w->runs; i++) {
        base[i] = w->run[2 * i].told;
        changed[i] = w->run[2 * i + 1].told;
    }
    return json_pack("{s:s, s:I, s:I, s:I, s:O, s:O, s:s, s:o}", "scenario", w->path, "runs",
                     (json_int_t)w->runs, "days", (json_int_t)w->plan.days, "seed",
                     (json_int_t)w->plan.seed, "levers", w->plan.levers, "notes", w->plan.notes,
                     "rests_on", "modelled", "rows", whatif_rows(base, changed, w->runs));
}

/* The program's last words, on one line. */
static int say_failed(const struct process_result *r, struct mw_error *err)
{
    if (r->timed_out)
        return mw_fail(err, MW_ETIMEOUT, "a run took more than %d s: ask for fewer days",
                       WHATIF_DEADLINE_S);
    int length = (int)strcspn(r->err, "\n");
    return mw_fail(err, MW_EINVAL, "the simulator said: %.*s (exit code %d)", MW_MIN(length, 300),
                   r->err, r->exit_code);
}

static void on_run(void *ctx, const struct process_result *r)
{
    struct run *run = ctx;
    struct whatif *w = run->of;
    struct mw_error err = { 0 };
    if (!w->op)
        return;
    run->told = r->exit_code == 0 ? json_loadb(r->out, r->out_size, 0, NULL) : NULL;
    if (!run->told) {
        (void)say_failed(r, &err);
        fail(w, &err);
        return;
    }
    w->over++;
    operation_progress(w->op, (uint32_t)((uint64_t)w->over * 1000000 / (2 * w->runs)));
    if (w->over < 2 * w->runs)
        return;
    json_t *result = result_of(w);
    if (!result) {
        (void)mw_fail(&err, MW_ENOMEM, "out of memory");
        fail(w, &err);
        return;
    }
    operation_done(w->op, result);
    leave(w);
}

/* Whoever serves the site goes first: the simulator runs with less priority. */
static int start_run(struct whatif *w, struct run *run, struct mw_error *err)
{
    const char *argv[16 + 4 * WHATIF_SETS_MAX];
    struct process_port port = process_run_port(w->processes);
    uint32_t n = 0;
    char seed[24];
    (void)snprintf(seed, sizeof(seed), "%llu", (unsigned long long)(w->plan.seed + run->number));
    static const char *const head[] = { "nice", "-n", "10" };
    for (uint32_t i = 0; i < MW_ARRAY_LEN(head); i++)
        argv[n++] = head[i];
    argv[n++] = w->program;
    argv[n++] = "sim";
    argv[n++] = "run";
    argv[n++] = w->path;
    argv[n++] = "--json";
    argv[n++] = "--seed";
    argv[n++] = seed;
    for (uint32_t i = 0; i < w->plan.bases; i++) {
        argv[n++] = "--set";
        argv[n++] = w->plan.base[i];
    }
    for (uint32_t i = 0; run->changed && i < w->plan.changes; i++) {
        argv[n++] = "--set";
        argv[n++] = w->plan.changed[i];
    }
    argv[n] = NULL;
    const struct process_request q = { .argv = argv,
                                       .deadline_ns = WHATIF_DEADLINE_S * MW_NS_PER_S };
    return port.start(port.self, &q, on_run, run, err);
}

static int start_runs(struct whatif *w, uint32_t runs, struct mw_error *err)
{
    int r = 0;
    w->runs = runs;
    for (uint32_t i = 0; r == 0 && i < 2 * runs; i++) {
        w->run[i] = (struct run){ .of = w, .number = i / 2, .changed = i % 2 == 1 };
        r = start_run(w, &w->run[i], err);
    }
    return r;
}

int whatif_start(const struct whatif_options *o, const struct whatif_wish *wish,
                 struct operation **ret, struct mw_error *err)
{
    must(o && o->base && o->operations && o->program && wish && ret);
    struct whatif *w = mw_calloc(1, sizeof(*w));
    if (!w)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    w->base = o->base;
    w->program = mw_strdup(o->program);
    w->path = mw_strdup(o->scenario.path);
    w->end = evtimer_new(o->base, on_end, w);
    int r = w->program && w->path && w->end ? whatif_plan(&o->scenario, wish, &w->plan, err)
                                            : mw_fail(err, MW_ENOMEM, "out of memory");
    if (r == 0)
        r = process_run_create(o->base, AT_ONCE, &w->processes, err);
    if (r == 0)
        r = operations_begin(o->operations, "whatif", on_cancel, w, &w->op, err);
    if (r < 0) {
        whatif_free(w);
        return r;
    }
    struct operation *op = w->op;
    struct mw_error why = { 0 };
    if (start_runs(w, wish->runs, &why) < 0)
        fail(w, &why); /* some may run already: told as any other end */
    *ret = op;
    return 0;
}
