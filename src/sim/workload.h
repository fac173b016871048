/*
 * The jobs that tenants submit: drawn from a mix, or read from a trace.  A
 * stream in order of submission; the n-th job is the same whatever was asked
 * before.
 */
#ifndef MW_SIM_WORKLOAD_H
#define MW_SIM_WORKLOAD_H

#include "sim/scenario.h"

struct workload_job {
    int64_t submit_ns; /* from the start of the scenario */
    int64_t work_ms, write_ms, restart_ms;
    uint32_t gpus;
    uint32_t category; /* row of scenario.job_class; 0 for traces */
    uint32_t tenant;   /* from 1: the class's or its row + 1; a trace's clusters as they appear */
    uint8_t priority;
    bool interruptible;
    int64_t fails_at_ms; /* progress at which it ends by its own error; MW_NEVER = it does not */
};

struct workload;
struct workload_source {
    const struct scenario *scenario; /* borrowed until workload_destroy() */
    uint64_t seed;
    uint32_t site_gpus;
    const char *trace;               /* bytes of the job trace, inflated; borrowed during the call;
                                        NULL for synthetic */
    size_t trace_size;
};
/* MW_EINVAL when a job class does not fit the site, MW_ESYNTAX for a bad trace, MW_ENOMEM. */
MW_MUST_USE int workload_create(const struct workload_source *source, struct workload **ret,
                                struct mw_error *err);
void workload_destroy(struct workload *w);

/* The next job, or false when there are no more (before the horizon). */
bool workload_next(struct workload *w, struct workload_job *ret);

/* Jobs of a trace that ask for more GPUs than the site has: left out. */
uint64_t workload_dropped(const struct workload *w);

#endif
