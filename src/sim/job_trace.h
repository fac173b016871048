/*
 * A trace of jobs as CSV: a heading line with at least timestamp, duration (s)
 * and num_gpus (the Philly extract has them); read into rows in order of
 * submission.  Errors name line and column of the heading.
 */
#ifndef MW_SIM_JOB_TRACE_H
#define MW_SIM_JOB_TRACE_H

#include "base/error.h"

struct trace_job {
    int64_t submit_ns; /* from the first job of the trace */
    int64_t work_ms;   /* at least 1 */
    uint32_t gpus;
    uint32_t tenant;   /* from 1: clusters as they appear in the file; 1 without that column */
    uint32_t line;     /* of the file, from 1 */
};

/* Gives *ret (mw_free), by (submission, line). */
MW_MUST_USE int job_trace_parse(const char *csv, size_t size, struct trace_job **ret,
                                uint32_t *ret_n, struct mw_error *err);

#endif
