/*
 * Jobs that run by themselves on the bench, exactly as they were expected to:
 * nodes are ready at once, the restart takes what it takes, checkpoints are
 * written on their cadence, a stop at the checkpoint is obeyed at its end.  And
 * the record gone through again: recovered, decided again, repeated from the
 * middle.  For tests only.
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

void rig_jobs_begin(struct rig_jobs *j, struct rig *r);
/* Submits; 0 in tenant, restart and write are taken as they are. */
void rig_jobs_ask(struct rig_jobs *j, const struct rig_ask *a);
/* Lets time pass. */
void rig_jobs_run(struct rig_jobs *j, int64_t ns);
uint32_t rig_jobs_left(const struct rig_jobs *j); /* asked for and not done */
/* The node breaks: a finding, and what runs on it fails. */
void rig_jobs_fault(struct rig_jobs *j, uint32_t node, uint16_t class);

/* The record read back gives the state; decided again it gives the record; from a snapshot in the
 * middle the facts after it give the rest.  Fails the test otherwise. */
void rig_check_again(const struct rig *r);

#endif
