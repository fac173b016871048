/*
 * Jobs that run by themselves on the bench, exactly as they were expected to:
 * nodes are ready at once, the restart takes what it takes, checkpoints are
 * written on their cadence, a stop at the checkpoint is obeyed at its end.  For
 * tests only.
 */
#ifndef MW_CONTROL_RIG_JOBS_H
#define MW_CONTROL_RIG_JOBS_H

#include "control/rig.h"

#define RIG_JOBS_MAX 200u /* numbers 1 .. */

struct rig_ask {
    uint64_t job;
    uint32_t nodes, tenant;
    int64_t work_ms, restart_ms, write_ms;
    uint8_t priority, flags;
};

struct rig_attempt {
    int64_t place_ms, ready_ms, end_ms; /* end: done or stopped; MW_NEVER when it does not run */
    int64_t from_ms, interval_ms;
    uint32_t attempt;
    uint8_t stop;                       /* enum drain_how; 0 = it is to be done */
    bool running;
};

struct rig_jobs {
    struct rig *r;
    uint32_t read;                           /* of the record */
    struct rig_ask ask[RIG_JOBS_MAX + 1];
    struct rig_attempt at[RIG_JOBS_MAX + 1];
    int64_t first_ms[RIG_JOBS_MAX + 1];      /* when it started first; 0 = not yet */
    bool done[RIG_JOBS_MAX + 1];
    void (*each)(struct rig_jobs *j);        /* called after every step; may be NULL */
    void *ctx;
};

/* rig_policy() with backfill and a checkpoint every hour. */
struct control_policy rig_jobs_policy(void);

/* A rig of its own, as rig_make(): the caller frees it. */
struct rig *rig_jobs_make(struct rig_jobs *j, uint32_t nodes, const struct control_policy *p);
/* Submits; 0 in tenant, restart and write are taken as they are. */
void rig_jobs_ask(struct rig_jobs *j, struct rig_ask a);
/* Lets time pass. */
void rig_jobs_run(struct rig_jobs *j, int64_t ns);
uint32_t rig_jobs_left(const struct rig_jobs *j); /* asked for and not done */
bool rig_jobs_runs(const struct rig_jobs *j, uint64_t job);
/* The node breaks: a finding, and what runs on it fails. */
void rig_jobs_fault(struct rig_jobs *j, uint32_t node, uint16_t class);

/* Attempts that were told to stop for room. */
uint32_t rig_room_stops(const struct rig *r);
/* A person asks for a maintenance window, to begin in in_ms. */
enum admit rig_window(struct rig *r, uint32_t first, uint32_t count, int64_t in_ms,
                      int64_t length_ms);

#endif
