/*
 * The what-if questions: one replay each, with some operations at their
 * recorded and the others at ideal times.
 */
#include "signal/straggler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "signal/straggler_replay.h"

/* The workers looked at for Mw: the slowest of this many percent.  Of the method. */
#define WORST_WORKERS_PERCENT 3
#define IDEAL_S_MIN 1e-9 /* a step below a clock's tick is no step */

#define COMPUTE_KINDS                                                                     \
    (straggler_kind_bit(KIND_FORWARD_COMPUTE) | straggler_kind_bit(KIND_BACKWARD_COMPUTE) | \
     straggler_kind_bit(KIND_GC) | straggler_kind_bit(KIND_OPTIMIZER))

/* Whose times are meant; MW_NONE and NULL = all. */
struct pick {
    uint32_t kinds; /* bits */
    uint32_t dp, stage;
    const bool *worker; /* [dp * stages + stage] */
};
#define PICK_ALL ((struct pick){ UINT32_MAX, MW_NONE, MW_NONE, NULL })

struct analysis {
    const struct straggler_trace *t;
    struct straggler_graph *graph;
    double *real;                       /* work as recorded, [op * cells + cell] */
    double ideal[STRAGGLER_KINDS_MAX];
    double *work, *end, *at;            /* of the replay at hand */
};

static bool picked(const struct pick *p, const struct straggler_trace *t,
                   const struct straggler_op *o, uint32_t dp)
{
    return (p->kinds & straggler_kind_bit(o->kind)) != 0 && (p->dp == MW_NONE || p->dp == dp) &&
           (p->stage == MW_NONE || p->stage == o->stage) &&
           (p->worker == NULL || p->worker[dp * t->stages + o->stage]);
}

/* Replays with those picked at recorded (real) or at ideal times, all others the other way. */
static struct straggler_step_time what_if(struct analysis *a, const struct pick *p, bool real)
{
    const struct straggler_trace *t = a->t;

    for (uint32_t i = 0; i < t->ops; i++) {
        const struct straggler_op *o = &t->op[i];
        size_t row = (size_t)i * t->cells;
        for (uint32_t c = 0; c < t->cells; c++) {
            bool keep = picked(p, t, o, c % t->dps) == real;
            a->work[row + c] = keep ? a->real[row + c] : a->ideal[o->kind];
        }
    }
    return straggler_replay(t, a->graph, a->work, a->end, a->at);
}

static int compare_doubles(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* Means of computations, medians of transfers; a->work is scratch. */
static void ideal_find(struct analysis *a)
{
    const struct straggler_trace *t = a->t;

    for (uint32_t k = 0; k < STRAGGLER_KINDS_MAX; k++) {
        size_t n = 0;
        double sum = 0.0;
        for (uint32_t i = 0; i < t->ops; i++) {
            if (t->op[i].kind != k)
                continue;
            memcpy(&a->work[n], &a->real[(size_t)i * t->cells], t->cells * sizeof(double));
            n += t->cells;
        }
        for (size_t i = 0; i < n; i++)
            sum += a->work[i];
        if (n == 0)
            continue;
        qsort(a->work, n, sizeof(double), compare_doubles);
        double median = (a->work[(n - 1) / 2] + a->work[n / 2]) / 2.0;
        a->ideal[k] = (COMPUTE_KINDS & straggler_kind_bit(k)) != 0 ? sum / (double)n : median;
    }
}

/* ---- by what ------------------------------------------------------------------------------- */

static double slowdown_of(struct analysis *a, const struct pick *p, double ideal_s)
{
    return what_if(a, p, true).optimizer / ideal_s;
}

static int compare_by_op(const void *a, const void *b)
{
    const struct straggler_by_op *x = a, *y = b;
    if (x->slowdown < y->slowdown || x->slowdown > y->slowdown)
        return x->slowdown > y->slowdown ? -1 : 1;
    return strcmp(x->name, y->name);
}

static void by_op(struct analysis *a, double ideal_s, struct straggler_result *r)
{
    static const uint32_t forward =
        UINT32_C(1) << KIND_FORWARD_SEND | UINT32_C(1) << KIND_FORWARD_RECV;
    static const uint32_t backward =
        UINT32_C(1) << KIND_BACKWARD_SEND | UINT32_C(1) << KIND_BACKWARD_RECV;
    uint32_t left = a->t->kinds;

    for (uint32_t k = 0; k < STRAGGLER_KINDS_MAX; k++) {
        struct pick p = PICK_ALL;
        uint32_t bit = straggler_kind_bit(k);
        if ((left & bit) == 0)
            continue;
        p.kinds = (bit & forward) != 0 ? forward : (bit & backward) != 0 ? backward : bit;
        left &= ~p.kinds;
        r->by_op[r->ops].name = p.kinds == forward    ? "forward-pp-comm"
                                : p.kinds == backward ? "backward-pp-comm"
                                                      : straggler_kind_name(k);
        r->by_op[r->ops++].slowdown = slowdown_of(a, &p, ideal_s);
    }
    qsort(r->by_op, r->ops, sizeof(r->by_op[0]), compare_by_op);
}

static void by_place(struct analysis *a, double ideal_s, struct straggler_result *r)
{
    for (uint32_t d = 0; d < r->dps; d++) {
        struct pick p = PICK_ALL;
        p.dp = d;
        r->by_dp[d] = slowdown_of(a, &p, ideal_s);
    }
    for (uint32_t s = 0; s < r->stages; s++) {
        struct pick p = PICK_ALL;
        p.stage = s;
        r->by_stage[s] = slowdown_of(a, &p, ideal_s);
    }
}

/* ---- what explains it ---------------------------------------------------------------------- */

struct worker_score {
    double score;
    uint32_t rank, dp, stage;
};

/* Slowest first, then lowest rank. */
static int compare_workers(const void *a, const void *b)
{
    const struct worker_score *x = a, *y = b;
    if (x->score < y->score || x->score > y->score)
        return x->score > y->score ? -1 : 1;
    return x->rank < y->rank ? -1 : x->rank > y->rank;
}

/* Share of the slowdown that goes when those picked take ideal times. */
static double share_of(struct analysis *a, const struct pick *p, const struct straggler_result *r)
{
    double lost = r->step_s - r->ideal_step_s;

    if (fabs(lost) <= 1e-9 * r->step_s)
        return NAN;
    return (r->step_s - what_if(a, p, false).all) / lost;
}

static int workers_explain(struct analysis *a, struct straggler_result *r, struct mw_error *err)
{
    uint32_t n = r->dps * r->stages;
    uint32_t worst = (uint32_t)(((uint64_t)n * WORST_WORKERS_PERCENT + 99) / 100);
    struct worker_score *w mw_cleanup(mw_freep) = mw_calloc(n, sizeof(*w));
    bool *bad mw_cleanup(mw_freep) = mw_calloc(n, sizeof(*bad));
    struct pick p = PICK_ALL;

    if (w == NULL || bad == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    for (uint32_t i = 0; i < n; i++) {
        uint32_t dp = i / r->stages, stage = i % r->stages;
        w[i] = (struct worker_score){ straggler_of_worker(r, dp, stage), a->t->rank[i], dp, stage };
    }
    qsort(w, n, sizeof(*w), compare_workers);
    for (uint32_t i = 0; i < worst; i++)
        bad[w[i].dp * r->stages + w[i].stage] = true;
    r->worst_dp = w[0].dp;
    r->worst_stage = w[0].stage;
    r->worst_rank = w[0].rank;
    p.worker = bad;
    r->workers_share = share_of(a, &p, r);
    return 0;
}

static int questions(struct analysis *a, struct straggler_result *r, struct mw_error *err)
{
    struct pick all = PICK_ALL, last = PICK_ALL;

    straggler_work(a->t, a->graph, a->real, a->at);
    ideal_find(a);
    struct straggler_step_time real = what_if(a, &all, true), ideal = what_if(a, &all, false);
    if (!(ideal.optimizer > IDEAL_S_MIN))
        return mw_fail(err, MW_EINVAL, "the operations take no time at all: nothing to compare");
    r->step_s = real.all;
    r->ideal_step_s = ideal.all;
    r->slowdown = real.all / ideal.optimizer;
    by_place(a, ideal.optimizer, r);
    by_op(a, ideal.optimizer, r);
    last.stage = r->stages - 1;
    r->last_stage_share = share_of(a, &last, r);
    return workers_explain(a, r, err);
}

static int meta_check(const struct straggler_trace *t, const struct straggler_meta *m,
                      const char *file, struct mw_error *err)
{
    if (t->stages != m->pp)
        return mw_fail(err, MW_EINVAL, "%s: the trace has %u stages but the job's pp_size is %u",
                       file, t->stages, m->pp);
    if (t->dps != m->dp && t->dps != (uint64_t)m->dp * m->dsp)
        return mw_fail(err, MW_EINVAL, "%s: the trace has %u data-parallel ranks but the job's "
                       "dp_size is %u", file, t->dps, m->dp);
    return 0;
}

static void analysis_fini(struct analysis *a)
{
    straggler_graph_destroy(a->graph);
    mw_free(a->real);
    mw_free(a->work);
    mw_free(a->end);
    mw_free(a->at);
}

static int allocate(struct analysis *a, struct straggler_result *r, struct mw_error *err)
{
    size_t n = (size_t)a->t->ops * a->t->cells;

    a->real = mw_calloc(n, sizeof(double));
    a->work = mw_calloc(n, sizeof(double));
    a->end = mw_calloc(n, sizeof(double));
    a->at = mw_calloc(a->t->cells, sizeof(double));
    r->by_dp = mw_calloc(r->dps, sizeof(double));
    r->by_stage = mw_calloc(r->stages, sizeof(double));
    bool ok = a->real != NULL && a->work != NULL && a->end != NULL && a->at != NULL &&
              r->by_dp != NULL && r->by_stage != NULL;
    return ok ? 0 : mw_fail(err, MW_ENOMEM, "out of memory");
}

int straggler_analyse(const struct straggler_trace *t, const struct straggler_meta *m,
                      const char *file_name, struct straggler_result *ret, struct mw_error *err)
{
    struct analysis a mw_cleanup(analysis_fini) = { .t = t };
    struct straggler_result r mw_cleanup(straggler_result_fini) = {
        .steps = t->steps, .dps = t->dps, .stages = t->stages
    };

    int rc = meta_check(t, m, file_name, err);
    if (rc != 0)
        return rc;
    rc = straggler_graph_build(t, (uint64_t)t->dps * m->dsp > 1, &a.graph, err);
    if (rc == 0)
        rc = allocate(&a, &r, err);
    if (rc == 0)
        rc = questions(&a, &r, err);
    if (rc != 0)
        return mw_fail_prefix(err, "%s", file_name);
    *ret = r;
    r.by_dp = r.by_stage = NULL;
    return 0;
}

void straggler_result_fini(struct straggler_result *r)
{
    mw_free(r->by_dp);
    mw_free(r->by_stage);
    r->by_dp = r->by_stage = NULL;
}
