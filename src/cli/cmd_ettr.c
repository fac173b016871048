/*
 * `mw sim ettr-check`: published failure rates at four sizes and three kinds of
 * recovery, simulated by the whole program and compared with the exact
 * expectation; and where the first-order form of the papers leaves it.
 *
 * Each point is one run of scenarios/stepfun-rate.yaml with values set as by
 * --set; nothing about a point is known here that `mw sim run` could not be told.
 */
#include "cli/cmd_ettr.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/cmd_sim.h"
#include "cli/live.h"
#include "cli/parallel.h"
#include "fleet/site.h"
#include "sim/ettr.h"
#include "sim/run.h"

#define GPUS_PER_NODE 8u
#define PRECISION 0.003        /* standard error of a point, relative */
#define FAILURES_MIN 20000.0
#define HORIZON_S_MAX (69.0 * 365 * 86400) /* a job's work is bounded by 70 years */
#define TOLERANCE 0.01
#define SETS 8u

static const struct {
    const char *name;
    double rate; /* failures per 1,000 node-days */
} rates[] = { { "RSC-1", 6.50 }, { "StepFun", 4.20 }, { "Llama 3", 3.79 }, { "RSC-2", 2.34 } };

static const uint32_t sizes[] = { 1024, 4096, 16384, 65536 };

/* From a failure to work going on, and one checkpoint, s. */
static const struct {
    const char *name;
    double restart_s, write_s;
} recoveries[] = { { "A", 900, 300 }, { "B", 300, 60 }, { "C", 120, 10 } };

#define SIZES MW_ARRAY_LEN(sizes)
#define RECOVERIES MW_ARRAY_LEN(recoveries)
#define POINTS (MW_ARRAY_LEN(rates) * SIZES * RECOVERIES)

struct point {
    uint32_t rate, size, recovery;
    struct ettr_case c; /* hours */
    struct run_result run;
    double difference; /* of wall time per interval, simulated over exact - 1 */
    struct mw_error err;
};

struct check {
    const char *path;
    uint64_t seed, failures_max;
    struct fleet *fleet[SIZES];
    struct point point[POINTS];
    struct progress progress;
    atomic_bool interrupted;
};

/* Of the job, and as many as repairs of ten minutes and bad luck can want. */
static uint32_t site_gpus(uint32_t size)
{
    uint32_t nodes = sizes[size] / GPUS_PER_NODE;
    return (nodes + MW_MAX(16u, nodes / 20)) * GPUS_PER_NODE;
}

/* ---- one point ----------------------------------------------------------------------------- */

static double horizon_s(const struct check *k, const struct point *p)
{
    double failures = ettr_failures_needed(&p->c, PRECISION);
    if (failures < FAILURES_MIN)
        failures = FAILURES_MIN;
    if (k->failures_max > 0 && failures > (double)k->failures_max)
        failures = (double)k->failures_max;
    double s = failures * p->c.mttf * 3600.0;
    return s < HORIZON_S_MAX ? s : HORIZON_S_MAX;
}

/* The case in numbers, with Young's interval; the run says later which it took. */
static void point_plan(struct point *p)
{
    double mttf = ettr_mttf_hours(rates[p->rate].rate, sizes[p->size] / GPUS_PER_NODE);
    double write = recoveries[p->recovery].write_s / 3600.0;
    p->c = (struct ettr_case){ mttf, recoveries[p->recovery].restart_s / 3600.0, write,
                               ettr_interval(write, mttf) };
}

static int point_load(const struct check *k, const struct point *p, struct scenario *ret,
                      struct mw_error *err)
{
    char text[SETS][96];
    const char *set[SETS];
    struct problems problems = { 0 };

    (void)snprintf(text[0], 96, "faults.node.rate_per_1000_node_days=%g", rates[p->rate].rate);
    (void)snprintf(text[1], 96, "policy.failure_rate_per_1000_node_days=%g", rates[p->rate].rate);
    (void)snprintf(text[2], 96, "site.gpus=%u", site_gpus(p->size));
    (void)snprintf(text[3], 96, "jobs.mix.endless.gpus=%u", sizes[p->size]);
    (void)snprintf(text[4], 96, "jobs.mix.endless.restart=%gs", recoveries[p->recovery].restart_s);
    (void)snprintf(text[5], 96, "jobs.mix.endless.write=%gs", recoveries[p->recovery].write_s);
    (void)snprintf(text[6], 96, "horizon=%.0fs", horizon_s(k, p));
    (void)snprintf(text[7], 96, "seed=%llu", (unsigned long long)k->seed);
    for (uint32_t i = 0; i < SETS; i++)
        set[i] = text[i];
    int rc = scenario_load_file(k->path, set, SETS, ret, &problems, err);
    if (rc == MW_ESYNTAX && problems.length > 0)
        rc = mw_fail(err, rc, "%s:%u:%u: %s", k->path, problems.item[0].line,
                     problems.item[0].column, problems.item[0].text);
    problems_fini(&problems);
    return rc;
}

static int watch(void *ctx, const struct run_view *v)
{
    (void)v;
    return atomic_load(&((struct check *)ctx)->interrupted);
}

static int point_run(struct check *k, struct point *p, struct scenario *s)
{
    int rc = point_load(k, p, s, &p->err);
    if (rc != 0)
        return rc;
    struct run_options o = { .scenario = s, .fleet = k->fleet[p->size], .seed = k->seed,
                             .watch = watch, .watch_every_ns = s->horizon_ns / 1000,
                             .clock_ns = parallel_clock_ns, .ctx = k };
    rc = run_scenario(&o, &p->run, &p->err);
    if (rc != 0)
        return rc;
    int64_t write_ms = (int64_t)(recoveries[p->recovery].write_s * 1e3);
    int64_t interval_ms =
        work_interval_ms(&s->policy.work, write_ms, sizes[p->size] / GPUS_PER_NODE);
    p->c.interval = (double)interval_ms / (double)MW_MS_PER_HOUR;
    if (!(p->run.ettr > 0.0))
        return mw_fail(&p->err, MW_EINVAL, "the job made no progress; is %s the closed-form one?",
                       k->path);
    p->difference = ettr_exact(&p->c) / p->run.ettr - 1.0;
    return 0;
}

static void point_task(void *ctx, uint64_t number)
{
    struct check *k = ctx;
    struct point *p = &k->point[number];
    struct scenario *s = mw_calloc(1, sizeof(*s));
    if (s == NULL)
        (void)mw_fail(&p->err, MW_ENOMEM, "out of memory");
    else if (point_run(k, p, s) == 0)
        p->err.code = 0;
    mw_free(s);
}

/* ---- all points ---------------------------------------------------------------------------- */

static int make_fleet(uint32_t size, struct fleet **ret, struct mw_error *err)
{
    struct text yaml = { 0 };
    struct problems problems = { 0 };
    int rc = site_new("hgx-h100", site_gpus(size), &yaml, err);
    if (rc == 0)
        rc = site_load(&(struct site_source){ .yaml = yaml.data, .size = yaml.length,
                                              .name = "hgx-h100" },
                       ret, &problems, err);
    problems_fini(&problems);
    text_fini(&yaml);
    return rc;
}

/* The largest sites first: they take longest, and the threads end together. */
static void plan(struct check *k)
{
    uint32_t n = 0;
    for (uint32_t size = SIZES; size-- > 0;)
        for (uint32_t rate = 0; rate < MW_ARRAY_LEN(rates); rate++)
            for (uint32_t recovery = 0; recovery < RECOVERIES; recovery++) {
                k->point[n] = (struct point){ .rate = rate, .size = size, .recovery = recovery };
                point_plan(&k->point[n++]);
            }
    must(n == POINTS);
}

static bool tick(void *ctx, uint64_t done)
{
    struct check *k = ctx;
    progress_update(&k->progress, done, parallel_clock_ns());
    if (cli_interrupted())
        atomic_store(&k->interrupted, true);
    return atomic_load(&k->interrupted);
}

static int run_all(struct cli_context *ctx, struct check *k)
{
    struct mw_error err = { 0 };
    bool stopped = false;
    int rc = 0;
    for (uint32_t i = 0; rc == 0 && i < SIZES; i++)
        rc = make_fleet(i, &k->fleet[i], &err);
    struct parallel p = { .tasks = POINTS, .threads = cmd_sim_threads(ctx), .task = point_task,
                          .tick = tick, .ctx = k };
    if (rc == 0)
        rc = parallel_run(&p, &stopped, &err);
    if (rc != 0)
        return cli_fail(ctx, &err);
    if (stopped || atomic_load(&k->interrupted))
        return CLI_EXIT_INTERRUPTED;
    for (uint32_t i = 0; i < POINTS; i++)
        if (k->point[i].err.code != 0)
            return cli_fail(ctx, &k->point[i].err);
    return CLI_EXIT_OK;
}

/* ---- the report ---------------------------------------------------------------------------- */

static const struct output_column columns[] = {
    { .key = "rate", .title = "RATE" },
    { .key = "failures_per_1000_node_days", .title = "PER 1,000 NODE-DAYS", .right = true,
      .wide = true },
    { .key = "gpus", .title = "GPUS", .right = true },
    { .key = "recovery", .title = "RECOVERY" },
    { .key = "mttf_hours", .title = "MTTF", .unit = "h", .right = true },
    { .key = "interval_minutes", .title = "INTERVAL", .unit = "min", .right = true },
    { .key = "failures", .title = "FAILURES", .right = true },
    { .key = "wall_minutes_simulated", .title = "SIMULATED", .unit = "min", .right = true },
    { .key = "wall_minutes_exact", .title = "EXACT", .unit = "min", .right = true },
    { .key = "difference", .title = "DIFFERENCE", .right = true },
    { .key = "ettr_simulated", .title = "ETTR", .right = true },
    { .key = "ettr_exact", .title = "ETTR EXACT", .right = true },
    { .key = "ettr_first_order", .title = "FIRST ORDER", .right = true },
    { .key = "first_order_difference", .title = "OFF BY", .right = true },
    { 0 },
};

static void share(struct output *o, double v, int decimals)
{
    char shown[32];
    (void)snprintf(shown, sizeof(shown), "%+.*f %%", decimals, v * 100.0);
    output_real_as(o, v, shown);
}

static void show_point(struct output *o, const struct point *p)
{
    double exact = ettr_exact(&p->c), first = ettr_first_order(&p->c);
    output_text(o, rates[p->rate].name);
    output_real(o, rates[p->rate].rate, 2);
    output_int(o, sizes[p->size]);
    output_text(o, recoveries[p->recovery].name);
    output_real(o, p->c.mttf, 2);
    output_real(o, p->c.interval * 60.0, 1);
    output_int(o, (int64_t)p->run.kills);
    output_real(o, p->c.interval * 60.0 / p->run.ettr, 2);
    output_real(o, p->c.interval * 60.0 / exact, 2);
    share(o, p->difference, 2);
    output_real(o, p->run.ettr, 4);
    output_real(o, exact, 4);
    output_real(o, first, 4);
    share(o, first / exact - 1.0, 1);
}

/* The worst of both comparisons, in words; the exit code. */
static int judge(struct cli_context *ctx, const struct check *k)
{
    const struct point *worst = &k->point[0], *first = &k->point[0];
    uint32_t leaves = 0, fails = 0;
    for (uint32_t i = 0; i < POINTS; i++) {
        const struct point *p = &k->point[i];
        double off = 1.0 - ettr_first_order(&p->c) / ettr_exact(&p->c);
        double most = 1.0 - ettr_first_order(&first->c) / ettr_exact(&first->c);
        double a = p->difference < 0 ? -p->difference : p->difference;
        double b = worst->difference < 0 ? -worst->difference : worst->difference;
        worst = a > b ? p : worst;
        first = off > most ? p : first;
        leaves += off > TOLERANCE;
        fails += a > TOLERANCE;
    }
    cli_note(ctx,
             "%zu points; simulated and exact wall time differ by at most %+.2f %% (%s, %u GPUs, "
             "%s)",
             POINTS, worst->difference * 100.0, rates[worst->rate].name, sizes[worst->size],
             recoveries[worst->recovery].name);
    cli_note(ctx,
             "the first-order form is over 1 %% too low at %u points, most at %s, %u GPUs, %s: "
             "%.3f for %.3f",
             leaves, rates[first->rate].name, sizes[first->size],
             recoveries[first->recovery].name, ettr_first_order(&first->c), ettr_exact(&first->c));
    if (fails == 0)
        return CLI_EXIT_OK;
    cli_error(ctx, "%u points differ by more than 1 %%", fails);
    return CLI_EXIT_PROBLEMS;
}

/* Points are planned by falling size; shown by rate, then rising size. */
static int report(struct cli_context *ctx, const struct check *k)
{
    output_begin(ctx->output, columns, OUTPUT_ROWS);
    for (uint32_t rate = 0; rate < MW_ARRAY_LEN(rates); rate++)
        for (uint32_t size = 0; size < SIZES; size++)
            for (uint32_t recovery = 0; recovery < RECOVERIES; recovery++) {
                size_t at = ((SIZES - 1 - size) * MW_ARRAY_LEN(rates) + rate) * RECOVERIES +
                            recovery;
                const struct point *p = &k->point[at];
                must(p->rate == rate && p->size == size && p->recovery == recovery);
                show_point(ctx->output, p);
            }
    output_end(ctx->output, NULL);
    return judge(ctx, k);
}

int cmd_sim_ettr_check(struct cli_context *ctx)
{
    struct check *k = mw_calloc(1, sizeof(*k));
    if (k == NULL) {
        cli_error(ctx, "out of memory");
        return CLI_EXIT_ERROR;
    }
    k->path = cli_arg_count(ctx) > 0 ? cli_arg(ctx, 0) : "scenarios/stepfun-rate.yaml";
    k->seed = cli_option_u64(ctx, "seed");
    k->failures_max = cli_option_u64(ctx, "failures");
    plan(k);
    cli_interrupt_catch();
    progress_begin(&k->progress, ctx->messages, ctx->messages_term, ctx->quiet);
    progress_start(&k->progress, "points", POINTS, parallel_clock_ns());
    int code = run_all(ctx, k);
    progress_end(&k->progress);
    if (code == CLI_EXIT_OK)
        code = report(ctx, k);
    for (uint32_t i = 0; i < SIZES; i++)
        fleet_destroy(k->fleet[i]);
    mw_free(k);
    return code;
}
