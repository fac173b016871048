/*
 * The shared columns on which planes meet: per node, job, incident and cable.
 * Each column is written by one plane (named beside it) and readable by all.
 * The board itself is the first plane: it gives jobs and incidents their rows.
 *
 * Rows of jobs and incidents are reused once freed; a row number is only valid
 * together with the number in its id column.
 */
#ifndef MW_BOARD_BOARD_H
#define MW_BOARD_BOARD_H

#include "base/heap.h"
#include "base/map.h"
#include "core/plane.h"
#include "fleet/fleet.h"

#define BOARD_CLASSES_MAX 64 /* fault classes of a policy */
#define BOARD_PRIORITIES 8
#define BOARD_CLASS_PERSON 0xfffeu /* in place of a fault class: a person's drain or cancel … */
#define BOARD_CLASS_PREEMPT 0xfffdu /* … or room made for a job of higher priority or a restart */
#define BOARD_WINDOWS_MAX 64u /* maintenance windows at once: work keeps them, money follows */
#define BOARD_JOB_MS_MAX INT64_C(3155760000000) /* a century: longer work is refused */

enum board_job_state { JOB_FREE, JOB_QUEUED, JOB_PLACED, JOB_RUNNING, JOB_STOPPING };

struct board {
    const struct fleet *fleet; /* borrowed */
    uint32_t nodes;
    uint32_t node_gpus_max;    /* GPUs of the largest node: a job may not ask for more a node */

    uint8_t rules[32];         /* board: SHA-256 of the policy of the last epoch */

    /* per node */
    uint8_t *node_health;     /* care */
    uint8_t *node_holds;      /* guard: how many holds it has (guard/holds.h) */
    uint8_t *node_watched;    /* board: its agent said hello, and no goodbye since */
    uint64_t *node_witness_high, *node_witness_low; /* board: see body_watch */
    uint16_t *node_witness_port;
    uint32_t *node_job;       /* work: job row, MW_NONE = free */
    uint32_t *node_next;      /* work: next node of the same job */
    uint32_t *node_incident;  /* care: incident row, MW_NONE */
    uint16_t *node_class;     /* care: fault class of that incident, UINT16_MAX */
    uint8_t *node_hazard;     /* care: 0 = as all others … 255: how much rather not this one */

    uint8_t *hall_mode;       /* guard: per hall, enum guard_mode */

    /* per job row */
    uint32_t jobs_max, jobs_used; /* rows ever used: columns are saved up to here */
    uint32_t jobs_live;
    uint32_t job_free;            /* head of the free list through job_next_free */
    uint32_t *job_next_free;
    uint64_t *job_id;             /* board: 0 = free row */
    uint64_t *job_submit_seq;     /* board: the order of arrival */
    int64_t *job_submit_ms;       /* board */
    int64_t *job_work_ms, *job_write_ms, *job_restart_ms; /* board, from job.submitted */
    uint32_t *job_gpus, *job_nodes, *job_category, *job_tenant;
    uint8_t *job_priority, *job_flags; /* board: job_flags are JOB_INTERRUPTIBLE */
    uint8_t *job_state;           /* work: enum board_job_state */
    uint32_t *job_attempt;        /* work: number of the present or last attempt, from 1 */
    uint32_t *job_first_node;     /* work: head of its node list, MW_NONE */
    int64_t *job_saved_ms;        /* work: progress in the last whole checkpoint */
    int64_t *job_high_ms;         /* work: furthest progress ever reached */
    int64_t *job_interval_ms;     /* work: between checkpoints of the present attempt; 0 = never */
    int64_t *job_ready_ms;        /* work: since when the attempt works, ms UTC; 0 = not yet */
    int64_t *job_from_ms;         /* work: progress that it began with */
    uint64_t *job_incident;       /* work: what ended its last attempt; 0 = nothing yet */
    uint32_t *job_incident_slot;
    uint16_t *job_class;          /* work: the fault class of that, UINT16_MAX */

    /* per incident row */
    uint32_t incidents_max, incidents_used, incidents_live, incident_free;
    uint32_t *incident_next_free;
    uint64_t *incident_id;        /* board: sequence of incident.opened; 0 = free row */
    uint64_t *incident_component, *incident_finding;
    int64_t *incident_opened_ms;
    uint32_t *incident_node;
    uint32_t *incident_findings;  /* care: findings joined, the first with it */
    uint16_t *incident_class;
    uint32_t *incident_parent;    /* care: row of the incident that it is a symptom of, MW_NONE */
    uint32_t *incident_symptoms;  /* care: how many open incidents are its symptoms */
    int64_t *incident_lost_gpu_ms; /* money */

    struct map job_index;      /* job id -> row */
    struct column *column;     /* the list columns() gives */
    uint32_t columns;
};

struct board_options {
    uint32_t jobs_max;      /* live jobs; more are refused (ADMIT_FULL). 0 = 65,536 */
    uint32_t incidents_max; /* open incidents. 0 = nodes + 65,536 */
};

MW_MUST_USE int board_create(const struct fleet *f, const struct board_options *o,
                             struct board **ret);
void board_destroy(struct board *b);
struct plane board_plane(struct board *b);

/* Ready, nobody holds it, nobody is on it. */
static inline bool board_schedulable(const struct board *b, uint32_t node)
{
    return b->node_health[node] == HEALTH_READY && b->node_holds[node] == 0 &&
           b->node_job[node] == MW_NONE;
}

/* May a person approve here what automation may not do alone?  Of a part that is no node's
 * (MW_NONE) all halls are asked. */
bool board_may_approve(const struct board *b, uint32_t node);

/* Row of a live job by its number; MW_NONE. */
uint32_t board_job_find(const struct board *b, uint64_t job);

/* True when (slot, job, attempt) names the present attempt of a live job. */
static inline bool board_attempt_is(const struct board *b, uint32_t slot, uint64_t job,
                                    uint32_t attempt)
{
    return slot < b->jobs_used && b->job_id[slot] == job && b->job_attempt[slot] == attempt;
}

/* What a job would lose if it were stopped now: work since its last checkpoint, ms of all its
 * nodes, as the cadence of its attempt has it (progress is reported more rarely).  0 when it does
 * not work yet. */
int64_t board_job_unsaved_ms(const struct board *b, uint32_t slot, int64_t now_ms);

/* From now to the end of its next checkpoint; 0 when it writes none or does not work yet. */
int64_t board_job_checkpoint_in_ms(const struct board *b, uint32_t slot, int64_t now_ms);

/* Called by work when it has applied the end of a job: the row is free from then. */
void board_job_release(struct board *b, uint32_t slot);

/* The row that the next incident.opened will take (deterministic: the free list's head). */
uint32_t board_incident_next(const struct board *b);

const char *health_name(uint32_t health); /* "ready" */

/* May a node go from one health to another?  The one table of node life. */
bool health_may_move(uint32_t from, uint32_t to);

#endif
