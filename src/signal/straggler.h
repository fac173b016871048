/*
 * The what-if analysis of stragglers in a training job (method: "Understanding
 * Stragglers in Large Model Training", OSDI 2025): how much faster would the
 * job run if every operation took what its kind takes on average, and which
 * workers, stages and operations hold it back?
 *
 * The ideal: every computation takes the mean, every transfer the median of
 * its kind over all workers and steps.  A slowdown "by" something: the ideal
 * job with only that keeping its recorded times, over the ideal job.
 */
#ifndef MW_SIGNAL_STRAGGLER_H
#define MW_SIGNAL_STRAGGLER_H

#include "signal/straggler_meta.h"
#include "signal/straggler_trace.h"

struct straggler_by_op {
    const char *name; /* sends and receives of one direction are one: "forward-pp-comm" */
    double slowdown;
};

struct straggler_result {
    uint32_t steps, dps, stages;
    double step_s, ideal_step_s; /* mean step time replayed with the recorded and the ideal times */
    double slowdown;             /* 1 = no stragglers */
    /* Of step_s - ideal_step_s, the share that goes when the slowest 3 % of the workers, or the
     * last stage, take ideal times; NaN when there is nothing to explain. */
    double workers_share, last_stage_share; /* "Mw", "Ms" */
    double *by_dp;               /* by data-parallel rank */
    double *by_stage;
    struct straggler_by_op by_op[STRAGGLER_KINDS_MAX]; /* slowest first */
    uint32_t ops;                /* of by_op */
    uint32_t worst_dp, worst_stage, worst_rank; /* the worker with the highest slowdown */
};

/* How far a worker may be at fault: the lesser of its data-parallel rank's and its stage's. */
static inline double straggler_of_worker(const struct straggler_result *r, uint32_t dp,
                                         uint32_t stage)
{
    return MW_MIN(r->by_dp[dp], r->by_stage[stage]);
}

/* Gives *ret's arrays (straggler_result_fini).  file_name is for messages.  MW_EINVAL when the
 * trace does not fit meta or is no pipeline that can run; MW_ENOMEM. */
MW_MUST_USE int straggler_analyse(const struct straggler_trace *t, const struct straggler_meta *m,
                                  const char *file_name, struct straggler_result *ret,
                                  struct mw_error *err);
void straggler_result_fini(struct straggler_result *r);

#endif
