/*
 * Independent tasks over threads, for commands that repeat something many
 * times.  Tasks are numbered; a task writes to a place of its own, and the
 * caller reads the places in the order of their numbers, so that the result
 * does not depend on the number of threads.
 */
#ifndef MW_CLI_PARALLEL_H
#define MW_CLI_PARALLEL_H

#include "base/error.h"

#define PARALLEL_THREADS_MAX 256u

/* Runs on some thread; must not touch what another task touches. */
typedef void parallel_task_fn(void *ctx, uint64_t number);
/* Runs on the caller's thread about ten times a second; true = start no more tasks. */
typedef bool parallel_tick_fn(void *ctx, uint64_t done);

struct parallel {
    uint64_t tasks;
    uint32_t threads; /* 0 = one; more than tasks or PARALLEL_THREADS_MAX are not started */
    parallel_task_fn *task;
    parallel_tick_fn *tick; /* may be NULL */
    void *ctx;
};

/* Returns when no task is running.  *ret_stopped: tick asked to.  MW_ELIMIT when no thread could
 * be started. */
MW_MUST_USE int parallel_run(const struct parallel *p, bool *ret_stopped, struct mw_error *err);

/* Processors that this process may use. */
uint32_t parallel_processors(void);

/* Monotonic time, for progress and durations. */
int64_t parallel_clock_ns(void);

#endif
