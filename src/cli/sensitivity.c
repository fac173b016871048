/* Goodput and ETTR with changed assumptions.  See sensitivity.h. */
#include "cli/sensitivity.h"

#include "base/mem.h"
#include "cli/live.h"
#include "cli/parallel.h"

enum { CHANGE_RESTART, CHANGE_WRITE, CHANGE_LOAD, CHANGE_RATE, CHANGE_DETECT, CHANGE_REPAIR,
       CHANGE_SLOW, CHANGE_ESCALATED };

#define VARIANTS (1 + SENSITIVITIES * 2)

struct variant_run {
    double goodput, ettr;
    struct mw_error error;
};
struct batch {
    const struct scenario_files *files;
    const struct scenario *base;
    uint64_t seed;
    struct variant_run outcome[VARIANTS][SENSITIVITY_SEEDS];
    struct progress progress;
};

/* ---- changing ------------------------------------------------------------------------------ */

static void scale(struct scenario_draw *d, double factor)
{
    d->a *= factor; /* fixed, mean, scale, median and the lower end of uniform are all `a` */
    if (d->law == LAW_UNIFORM)
        d->b *= factor;
}

static void scale_mix(struct scenario_mix *m, double factor)
{
    for (uint32_t i = 0; i < m->n; i++)
        scale(&m->draw[i], factor);
}

static double part_of(double share, double factor)
{
    return MW_MIN(share * factor, 1.0);
}

static void change_process(struct scenario_process *p, uint32_t what, double factor)
{
    switch (what) {
    case CHANGE_RATE: scale(&p->between, 1.0 / factor); break;
    case CHANGE_DETECT: scale(&p->detect, factor); break;
    case CHANGE_REPAIR: scale_mix(&p->repair, factor); break;
    case CHANGE_SLOW: p->slow_share = part_of(p->slow_share, factor); break;
    default: break;
    }
}

static void change_jobs(struct scenario *s, uint32_t what, double factor)
{
    if (what == CHANGE_LOAD)
        s->load *= factor;
    if (what != CHANGE_RESTART && what != CHANGE_WRITE)
        return;
    for (uint32_t i = 0; i < s->job_classes; i++)
        scale(what == CHANGE_RESTART ? &s->job_class[i].restart : &s->job_class[i].write, factor);
    scale(what == CHANGE_RESTART ? &s->trace_restart : &s->trace_write, factor);
}

static void change(struct scenario *s, uint32_t what, double factor)
{
    change_jobs(s, what, factor);
    for (uint32_t i = 0; i < s->processes; i++)
        change_process(&s->process[i], what, factor);
    if (what == CHANGE_DETECT)
        s->trace_detect_ns *= factor;
    if (what == CHANGE_SLOW)
        s->trace_slow_share = part_of(s->trace_slow_share, factor);
    if (what == CHANGE_ESCALATED)
        scale_mix(&s->escalated, factor);
}

static bool any_process(const struct scenario *s, uint32_t what)
{
    for (uint32_t i = 0; i < s->processes; i++) {
        const struct scenario_process *p = &s->process[i];
        if (what == CHANGE_RATE || (what == CHANGE_DETECT && p->detect.a > 0.0) ||
            (what == CHANGE_REPAIR && p->repair.n > 0) ||
            (what == CHANGE_SLOW && p->effect == EFFECT_SLOWS))
            return true;
    }
    return false;
}

static bool traced_slows(const struct scenario *s)
{
    for (uint32_t i = 0; s->fault_trace_path[0] && i < s->policy.care.classes; i++)
        if (s->policy.care.class[i].effect == EFFECT_SLOWS)
            return true;
    return false;
}

/* A trace of jobs has its own load, and so have jobs that come at stated times. */
static bool has_load(const struct scenario *s)
{
    for (uint32_t i = 0; s->jobs != JOBS_TRACE && i < s->job_classes; i++)
        if (s->job_class[i].count == 0)
            return true;
    return false;
}

static bool has(const struct scenario *s, uint32_t what)
{
    switch (what) {
    case CHANGE_LOAD: return has_load(s);
    case CHANGE_DETECT:
        return any_process(s, what) || (s->fault_trace_path[0] && s->trace_detect_ns > 0.0);
    case CHANGE_SLOW: return any_process(s, what) || traced_slows(s);
    case CHANGE_RATE:
    case CHANGE_REPAIR: return any_process(s, what);
    case CHANGE_ESCALATED: return s->escalated.n > 0 && s->policy.care.escalate;
    default: return true;
    }
}

/* ---- running ------------------------------------------------------------------------------- */

/* Variant 0 is the scenario as it is; then each assumption, low and high. */
static void run_one(void *ctx, uint64_t number)
{
    struct batch *b = ctx;
    uint32_t variant = (uint32_t)number / SENSITIVITY_SEEDS;
    uint32_t n = (uint32_t)number % SENSITIVITY_SEEDS;
    struct variant_run *out = &b->outcome[variant][n];
    struct scenario changed = *b->base;
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
    if (run_scenario(&o, &result, &err) < 0) {
        out->error = err;
        return;
    }
    out->goodput = result.goodput;
    out->ettr = result.ettr;
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
            if (b->outcome[v][n].error.code < 0) {
                *err = b->outcome[v][n].error;
                return err->code;
            }
    return 0;
}

/* ---- what came of it ----------------------------------------------------------------------- */

static double figure(const struct batch *b, uint32_t variant, uint32_t n, bool ettr)
{
    const struct variant_run *out = &b->outcome[variant][n];
    return ettr ? out->ettr : out->goodput;
}

/* Runs of one seed share their faults and jobs: their difference is less noisy than they are.
 * Of variant 0 the figure itself. */
static struct estimate difference(const struct batch *b, uint32_t variant, bool ettr)
{
    double d[SENSITIVITY_SEEDS];
    for (uint32_t n = 0; n < SENSITIVITY_SEEDS; n++)
        d[n] = figure(b, variant, n, ettr) - (variant > 0 ? figure(b, 0, n, ettr) : 0.0);
    return estimate_of(d, SENSITIVITY_SEEDS);
}

static void fill(const struct batch *b, struct sensitivity_table *ret)
{
    static const char *const NAME[SENSITIVITIES] = {
        [CHANGE_RESTART] = "restart time", [CHANGE_WRITE] = "checkpoint cost",
        [CHANGE_LOAD] = "offered load",    [CHANGE_RATE] = "rate of faults",
        [CHANGE_DETECT] = "detection time", [CHANGE_REPAIR] = "repair time",
        [CHANGE_SLOW] = "speed lost to slow parts",
        [CHANGE_ESCALATED] = "length of an escalated repair" };
    ret->as_is = difference(b, 0, false);
    ret->ettr_as_is = difference(b, 0, true);
    for (uint32_t i = 0; i < SENSITIVITIES; i++)
        ret->row[i] = (struct sensitivity){
            .what = has(b->base, i) ? NAME[i] : NULL,
            .low = difference(b, 1 + 2 * i, false),
            .high = difference(b, 2 + 2 * i, false),
            .ettr_low = difference(b, 1 + 2 * i, true),
            .ettr_high = difference(b, 2 + 2 * i, true) };
}

static int run_batch(const struct cli_context *ctx, struct batch *b, struct sensitivity_table *ret,
                     struct mw_error *err)
{
    bool stopped = false;
    const struct parallel p = { .tasks = VARIANTS * SENSITIVITY_SEEDS,
                                .threads = parallel_processors(), .task = run_one, .tick = tick,
                                .ctx = b };
    progress_begin(&b->progress, ctx->messages, ctx->messages_term, ctx->quiet);
    progress_start(&b->progress, "the same with changed assumptions", p.tasks,
                   parallel_clock_ns());
    int r = parallel_run(&p, &stopped, err);
    progress_end(&b->progress);
    *ret = (struct sensitivity_table){ .interrupted = stopped };
    if (r == 0 && !stopped)
        r = first_error(b, err);
    if (r == 0 && !stopped)
        fill(b, ret);
    return r;
}

int sensitivity_run(const struct cli_context *ctx, const struct scenario_files *f,
                    const struct scenario *base, uint64_t seed, struct sensitivity_table *ret,
                    struct mw_error *err)
{
    struct batch *b = mw_calloc(1, sizeof(*b));
    if (!b)
        return mw_fail(err, MW_ENOMEM, "out of memory for runs with changed assumptions");
    b->files = f;
    b->base = base;
    b->seed = seed;
    int r = run_batch(ctx, b, ret, err);
    mw_free(b);
    return r;
}
