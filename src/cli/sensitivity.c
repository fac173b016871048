/* Goodput with changed assumptions.  See sensitivity.h. */
#include "cli/sensitivity.h"

#include "cli/live.h"
#include "cli/parallel.h"

enum { CHANGE_RESTART, CHANGE_WRITE, CHANGE_LOAD };

#define VARIANTS (1 + SENSITIVITIES * 2)

struct batch {
    const struct scenario_files *files;
    uint64_t seed;
    double goodput[VARIANTS][SENSITIVITY_SEEDS];
    struct mw_error error[VARIANTS][SENSITIVITY_SEEDS];
    struct progress progress;
};

static void scale(struct scenario_draw *d, double factor)
{
    d->a *= factor; /* fixed, mean, scale, median and the lower end of uniform are all `a` */
    if (d->law == LAW_UNIFORM)
        d->b *= factor;
}

static void change(struct scenario *s, uint32_t what, double factor)
{
    if (what == CHANGE_LOAD) {
        s->load *= factor;
        return;
    }
    for (uint32_t i = 0; i < s->job_classes; i++)
        scale(what == CHANGE_RESTART ? &s->job_class[i].restart : &s->job_class[i].write, factor);
    scale(what == CHANGE_RESTART ? &s->trace_restart : &s->trace_write, factor);
}

static bool has(const struct scenario *s, uint32_t what)
{
    return what != CHANGE_LOAD || s->jobs != JOBS_TRACE; /* a trace of jobs has its own load */
}

/* Variant 0 is the scenario as it is; then each assumption, low and high. */
static void run_one(void *ctx, uint64_t number)
{
    struct batch *b = ctx;
    uint32_t variant = (uint32_t)number / SENSITIVITY_SEEDS;
    uint32_t n = (uint32_t)number % SENSITIVITY_SEEDS;
    struct scenario changed = b->files->scenario;
    struct run_options o = scenario_files_options(b->files);
    struct run_result result;
    if (variant > 0) {
        uint32_t what = (variant - 1) / 2;
        if (!has(&changed, what))
            return;
        change(&changed, what, variant % 2 == 1 ? 0.5 : 1.5);
    }
    o.scenario = &changed;
    o.seed = b->seed + n;
    struct mw_error err = { 0 };
    if (run_scenario(&o, &result, &err) < 0)
        b->error[variant][n] = err;
    else
        b->goodput[variant][n] = result.goodput;
}

static bool tick(void *ctx, uint64_t done)
{
    struct batch *b = ctx;
    progress_update(&b->progress, done, parallel_clock_ns());
    return cli_interrupted();
}

static int first_error(const struct batch *b, struct mw_error *err)
{
    for (uint32_t v = 0; v < VARIANTS; v++)
        for (uint32_t n = 0; n < SENSITIVITY_SEEDS; n++)
            if (b->error[v][n].code < 0) {
                *err = b->error[v][n];
                return err->code;
            }
    return 0;
}

/* Runs of one seed share their faults and jobs: their difference is less noisy than they are. */
static struct estimate difference(const struct batch *b, uint32_t variant)
{
    double d[SENSITIVITY_SEEDS];
    for (uint32_t n = 0; n < SENSITIVITY_SEEDS; n++)
        d[n] = b->goodput[variant][n] - b->goodput[0][n];
    return estimate_of(d, SENSITIVITY_SEEDS);
}

static void fill(const struct batch *b, struct sensitivity_table *ret)
{
    static const char *const NAME[SENSITIVITIES] = {
        [CHANGE_RESTART] = "restart time", [CHANGE_WRITE] = "checkpoint cost",
        [CHANGE_LOAD] = "offered load" };
    ret->as_is = estimate_of(b->goodput[0], SENSITIVITY_SEEDS);
    for (uint32_t i = 0; i < SENSITIVITIES; i++)
        ret->row[i] = (struct sensitivity){
            .what = has(&b->files->scenario, i) ? NAME[i] : NULL,
            .low = difference(b, 1 + 2 * i),
            .high = difference(b, 2 + 2 * i) };
}

int sensitivity_run(const struct cli_context *ctx, const struct scenario_files *f, uint64_t seed,
                    struct sensitivity_table *ret, struct mw_error *err)
{
    struct batch b = { .files = f, .seed = seed };
    bool stopped = false;
    const struct parallel p = { .tasks = VARIANTS * SENSITIVITY_SEEDS,
                                .threads = parallel_processors(), .task = run_one, .tick = tick,
                                .ctx = &b };
    progress_begin(&b.progress, ctx->messages, ctx->messages_term, ctx->quiet);
    progress_start(&b.progress, "the same with changed assumptions", p.tasks,
                   parallel_clock_ns());
    int r = parallel_run(&p, &stopped, err);
    progress_end(&b.progress);
    *ret = (struct sensitivity_table){ .interrupted = stopped };
    if (r == 0 && !stopped)
        r = first_error(&b, err);
    if (r == 0 && !stopped)
        fill(&b, ret);
    return r;
}
