/*
 * How far a running attempt is: work at some speed, interrupted by a checkpoint
 * after every interval of work.  Pure integer arithmetic in closed form: going
 * from one moment to another costs the same whether a minute or a year lies
 * between.  Knows nothing of nodes, faults or events.
 *
 * Wall time is whole milliseconds.  Work is kept in 10^-6 ms, so that speeds in
 * parts per million stay exact.  A checkpoint begins at the first whole
 * millisecond at which the interval is worked off.
 */
#ifndef MW_SIM_CADENCE_H
#define MW_SIM_CADENCE_H

#include "base/units.h"
#include "base/base.h"

#define CADENCE_UNIT INT64_C(1000000)      /* units of work in a millisecond */
#define CADENCE_SPEED_FULL INT64_C(1000000) /* ppm */
#define CADENCE_SPEED_MIN INT64_C(1000)
#define CADENCE_WORK_MS_MAX (INT64_MAX / CADENCE_UNIT / 4)

struct cadence {
    int64_t at_ms;         /* the moment this describes */
    int64_t work;          /* units done since the job began */
    int64_t saved;         /* units that the last whole checkpoint holds */
    int64_t phase;         /* units since the last checkpoint began */
    int64_t interval;      /* units between checkpoints; 0 = never */
    int64_t write_ms;
    int64_t write_left_ms; /* > 0: a checkpoint is being written */
    int64_t checkpoint_ms; /* spent writing so far */
    int64_t speed_ppm;
};

/* Work goes on at at_ms from from_ms of progress, which is saved. */
void cadence_begin(struct cadence *c, int64_t at_ms, int64_t from_ms, int64_t interval_ms,
                   int64_t write_ms);

/* To a moment that is not earlier. */
void cadence_advance(struct cadence *c, int64_t to_ms);

/* From this moment on; CADENCE_SPEED_MIN … CADENCE_SPEED_FULL. */
void cadence_speed(struct cadence *c, int64_t speed_ppm);

/* A checkpoint begins at this moment, unless one is being written. */
void cadence_write_now(struct cadence *c);

/* The wall time at which progress reaches work_ms (now, when it has), at the present speed. */
int64_t cadence_reaches_ms(const struct cadence *c, int64_t work_ms);

/* The wall time at which the next checkpoint is whole; MW_NEVER when there will be none. */
int64_t cadence_saves_ms(const struct cadence *c);

static inline int64_t cadence_work_ms(const struct cadence *c)
{
    return c->work / CADENCE_UNIT;
}
static inline int64_t cadence_saved_ms(const struct cadence *c)
{
    return c->saved / CADENCE_UNIT;
}

#endif
