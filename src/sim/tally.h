/*
 * What a run's record says, counted while it is committed: incidents, orders,
 * gates, drains, jobs.  A fold of its own, so that it does not share mistakes
 * with the planes that it counts.
 */
#ifndef MW_SIM_TALLY_H
#define MW_SIM_TALLY_H

#include "board/board.h"
#include "fleet/fleet.h"
#include "sim/level.h"
#include "sim/marks.h"

/* An incident on a node within this time of its last one's end is a refault. */
#define TALLY_REFAULT_MS INT64_C(2592000000) /* 30 days */

/* A job of so many GPUs is a large one: those whose failures Meta counts before and after removing
 * lemon nodes (arXiv 2410.21680). */
#define TALLY_LARGE_GPUS 512u

struct tally {
    uint64_t events, incidents, orders, gates, gates_failed, drains, refaults;
    uint64_t jobs_submitted, jobs_done, jobs_failed, jobs_cancelled;
    uint64_t orders_open, gates_open, stops_open; /* asked for and not answered */
    int64_t last_job_end_ns;
    uint8_t *node_health;
    uint8_t *node_held;       /* by a person */
    int64_t *node_closed_ms;  /* when its last incident closed; 0 = never */
    uint8_t *stopping;        /* per job row: asked to stop */
    uint8_t *cancelled;       /* per job row: its tenant cancelled it */
    uint64_t large_ended, large_stopped; /* attempts of large jobs; of them, by a fault */
    uint64_t findings[BOARD_CLASSES_MAX]; /* opened, by class of fault */
    struct level out, repairing;         /* nodes out of service, and under repair, at once */
    uint8_t *row_large;       /* per job row: the attempt under way is of a large job */
    uint64_t *row_job;        /* the job whose attempt is under way; 0 = none */
    uint32_t nodes, rows, rows_used;
    struct marks *marks;      /* borrowed */
};

/* rows: of jobs, that events may name.  MW_ENOMEM */
MW_MUST_USE int tally_init(struct tally *t, uint32_t nodes, uint32_t rows, struct marks *marks);
void tally_fini(struct tally *t);
void tally_event(struct tally *t, const struct event *ev);

#endif
