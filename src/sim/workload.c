/*
 * The stream of jobs.  Synthetic: every class is a Poisson stream of its own
 * whose rate gives its share of the offered GPU time, or a stated number of
 * jobs at stated times; the n-th job of a class depends on (seed, class, n)
 * alone.  Trace: the rows of the trace, modelled where it is silent.
 */
#include "sim/workload.h"

#include "base/mem.h"
#include "base/random.h"
#include "base/units.h"
#include "sim/cadence.h"
#include "sim/draw.h"
#include "sim/job_trace.h"

/* Keys of draws: components above every id of a site's parts. */
#define KEY_JOB_CLASS (UINT64_C(0xf0) << 56)
#define KEY_JOB_TRACE (UINT64_C(0xf1) << 56)
enum { DRAW_GAP = 1, DRAW_GPUS, DRAW_WORK, DRAW_WRITE, DRAW_RESTART, DRAW_FAILS, DRAW_FAILS_AT };

struct stream {
    double gap_ns; /* mean between two jobs; 0 = at stated times */
    uint64_t nth;  /* of the job to come, from 0 */
    int64_t due_ns; /* MW_NEVER = no more */
};

struct workload {
    const struct scenario *s; /* borrowed */
    uint64_t seed;
    struct stream stream[SCENARIO_JOB_CLASSES_MAX];
    struct trace_job *job;
    uint32_t jobs, next;
    uint64_t given, dropped;
    uint32_t site_gpus;
};

static int64_t draw_ms_of(const struct scenario_draw *d, const struct workload *w,
                          uint64_t component, uint64_t what, uint64_t nth)
{
    return draw_ms(d, mw_random_unit(w->seed, component, what, nth));
}

/* A job's length: at least a millisecond, and what a cadence can count. */
static int64_t work_bounded(int64_t ms)
{
    return MW_MIN(MW_MAX(ms, 1), CADENCE_WORK_MS_MAX);
}

static int64_t later(int64_t time_ns, double gap_ns)
{
    double at = (double)time_ns + gap_ns;

    return at >= 9.2e18 ? MW_NEVER : (int64_t)at;
}

/* ---- synthetic ---------------------------------------------------------------------------- */

static double gpus_mean(const struct scenario_job_class *c)
{
    double sum = 0.0, weight = 0.0;

    for (uint32_t i = 0; i < c->gpus_n; i++) {
        sum += c->gpus_weight[i] * c->gpus[i];
        weight += c->gpus_weight[i];
    }
    must(weight > 0.0);
    return sum / weight;
}

static uint32_t gpus_draw(const struct scenario_job_class *c, double u)
{
    double weight = 0.0, below = 0.0;

    for (uint32_t i = 0; i < c->gpus_n; i++)
        weight += c->gpus_weight[i];
    for (uint32_t i = 0; i + 1 < c->gpus_n; i++) {
        below += c->gpus_weight[i];
        if (u * weight < below)
            return c->gpus[i];
    }
    return c->gpus[c->gpus_n - 1];
}

static void stream_advance(struct workload *w, uint32_t class)
{
    const struct scenario_job_class *c = &w->s->job_class[class];
    struct stream *t = &w->stream[class];

    if (c->count > 0) {
        t->due_ns = t->nth < c->count
                        ? later(c->first_ns, (double)c->every_ns * (double)t->nth)
                        : MW_NEVER;
        return;
    }
    if (t->due_ns == MW_NEVER)
        return;
    double u = mw_random_unit(w->seed, KEY_JOB_CLASS | class, DRAW_GAP, t->nth);
    t->due_ns = later(t->due_ns, mw_draw_exponential(u, t->gap_ns));
}

static int synthetic_begin(struct workload *w, struct mw_error *err)
{
    for (uint32_t i = 0; i < w->s->job_classes; i++) {
        const struct scenario_job_class *c = &w->s->job_class[i];
        struct stream *t = &w->stream[i];
        for (uint32_t k = 0; k < c->gpus_n; k++)
            if (c->gpus[k] > w->site_gpus)
                return mw_fail(err, MW_EINVAL,
                               "jobs.mix: class \"%s\" asks for %u GPUs and the site has %u; "
                               "leave out that size or take a larger site",
                               c->name, c->gpus[k], w->site_gpus);
        double offered = w->s->load * w->site_gpus * c->share_of_gpu_time;
        if (c->count == 0 && !(offered > 0.0))
            t->due_ns = MW_NEVER;
        else
            t->gap_ns = gpus_mean(c) * scenario_draw_mean(&c->work) / offered;
        stream_advance(w, i);
    }
    return 0;
}

static void synthetic_job(const struct workload *w, uint32_t class, struct workload_job *j)
{
    const struct scenario_job_class *c = &w->s->job_class[class];
    uint64_t nth = w->stream[class].nth, key = KEY_JOB_CLASS | class;

    *j = (struct workload_job){
        .submit_ns = w->stream[class].due_ns,
        .work_ms = work_bounded(draw_ms_of(&c->work, w, key, DRAW_WORK, nth)),
        .write_ms = draw_ms_of(&c->write, w, key, DRAW_WRITE, nth),
        .restart_ms = draw_ms_of(&c->restart, w, key, DRAW_RESTART, nth),
        .gpus = gpus_draw(c, mw_random_unit(w->seed, key, DRAW_GPUS, nth)),
        .category = class,
        .tenant = c->tenant != 0 ? c->tenant : class + 1,
        .priority = c->priority,
        .interruptible = c->interruptible,
        .fails_at_ms = MW_NEVER};
    if (mw_random_unit(w->seed, key, DRAW_FAILS, nth) < c->fails_itself) {
        double part = mw_random_unit(w->seed, key, DRAW_FAILS_AT, nth);
        j->fails_at_ms = (int64_t)(part * (double)j->work_ms);
    }
}

static bool synthetic_next(struct workload *w, struct workload_job *ret)
{
    uint32_t first = MW_NONE;

    for (uint32_t i = 0; i < w->s->job_classes; i++)
        if (w->stream[i].due_ns < w->s->horizon_ns &&
            (first == MW_NONE || w->stream[i].due_ns < w->stream[first].due_ns))
            first = i;
    if (first == MW_NONE)
        return false;
    synthetic_job(w, first, ret);
    w->stream[first].nth++;
    stream_advance(w, first);
    return true;
}

/* ---- trace -------------------------------------------------------------------------------- */

static bool trace_next(struct workload *w, struct workload_job *ret)
{
    while (w->next < w->jobs && w->job[w->next].gpus > w->site_gpus) {
        w->dropped++;
        w->next++;
    }
    if (w->next == w->jobs || w->job[w->next].submit_ns >= w->s->horizon_ns)
        return false;
    uint32_t row = w->next++;
    const struct trace_job *t = &w->job[row];
    *ret = (struct workload_job){
        .submit_ns = t->submit_ns,
        .work_ms = work_bounded(t->work_ms),
        .write_ms = draw_ms_of(&w->s->trace_write, w, KEY_JOB_TRACE, DRAW_WRITE, row),
        .restart_ms = draw_ms_of(&w->s->trace_restart, w, KEY_JOB_TRACE, DRAW_RESTART, row),
        .gpus = t->gpus,
        .tenant = t->tenant,
        .fails_at_ms = MW_NEVER};
    return true;
}

/* ---- public ------------------------------------------------------------------------------- */

int workload_create(const struct workload_source *source, struct workload **ret,
                    struct mw_error *err)
{
    const struct scenario *s = source->scenario;
    int rc = 0;

    must(s != NULL && ret != NULL && source->site_gpus > 0);
    must(s->job_classes <= SCENARIO_JOB_CLASSES_MAX);
    if (s->jobs == JOBS_TRACE && source->trace == NULL)
        return mw_fail(err, MW_EINVAL, "jobs.trace: the trace \"%s\" was not read",
                       s->job_trace_path);
    struct workload *w = mw_calloc(1, sizeof(*w));
    if (w == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory for the jobs");
    w->s = s;
    w->seed = source->seed;
    w->site_gpus = source->site_gpus;
    if (s->jobs == JOBS_TRACE)
        rc = job_trace_parse(source->trace, source->trace_size, &w->job, &w->jobs, err);
    else if (s->jobs == JOBS_SYNTHETIC)
        rc = synthetic_begin(w, err);
    if (rc != 0)
        workload_destroy(w);
    else
        *ret = w;
    return rc;
}

void workload_destroy(struct workload *w)
{
    if (w == NULL)
        return;
    mw_free(w->job);
    mw_free(w);
}

bool workload_next(struct workload *w, struct workload_job *ret)
{
    bool more = false;

    must(ret != NULL);
    if (w->s->jobs_max > 0 && w->given >= w->s->jobs_max)
        return false;
    if (w->s->jobs == JOBS_SYNTHETIC)
        more = synthetic_next(w, ret);
    else if (w->s->jobs == JOBS_TRACE)
        more = trace_next(w, ret);
    w->given += more;
    return more;
}

uint64_t workload_dropped(const struct workload *w)
{
    return w->dropped;
}
