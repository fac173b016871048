/*
 * What the record tells of things that have left the state: closed incidents, ended jobs, and the
 * last events of every node.  Each event of the journal is read once: by the server in slices, so
 * that nobody waits for a long record (past_part.c), and what is left of it when somebody asks.
 *
 * Bounded: of more than PAST_ROWS_MAX the oldest half is forgotten and counted; of a node the last
 * PAST_NODE_EVENTS are kept.  When a job is over is story_sums.c's rule.  One thread.
 */
#ifndef MW_API_PAST_H
#define MW_API_PAST_H

#include "api/parts.h"
#include "control/words.h"

#define PAST_ROWS_MAX 500000u  /* of closed incidents, of jobs (chosen: about 200 MB at most) */
#define PAST_NAME_MAX 256u     /* bytes of a job's name that are kept */
#define PAST_NODE_EVENTS 96u   /* of a node (chosen: a page; 32 MB for 31,250 nodes) */
#define PAST_NODE_PLACED 32u   /* and of the jobs placed on it, which would crowd out the others */

struct past_incident {
    uint64_t incident, closed_seq;
    uint64_t component;
    int64_t opened_ms, closed_ms, lost_gpu_ms;
    uint32_t node, findings;
    uint16_t class;
};

enum past_job_state { PAST_JOB_LIVES, PAST_JOB_DONE, PAST_JOB_FAILED, PAST_JOB_CANCELLED,
                      PAST_JOB_ENDED /* nobody knows how */ };
const char *past_job_state_name(uint32_t state);

struct past_job {
    uint64_t job, submit_seq, ended_seq;
    uint64_t incident; /* that stopped an attempt of it last; 0 */
    char *name;        /* owned by the past; NULL = it has none */
    int64_t submitted_ms, started_ms, ended_ms, work_ms, progress_ms, saved_ms;
    uint32_t tenant, gpus, nodes, attempts;
    uint8_t priority, flags;
    uint8_t state;     /* enum past_job_state */
    bool on_nodes;     /* an attempt is not over */
    bool stopped;      /* a stop of it was decided */
    bool cancelled;
};

struct past;
MW_MUST_USE int past_create(struct past **ret, struct mw_error *err);
void past_destroy(struct past *p); /* NULL is fine */

/* Reads on to an event, at most so many (0 = all).  `nodes` of the fleet.  MW_ECORRUPT etc.;
 * MW_ENOMEM. */
MW_MUST_USE int past_read(struct past *p, struct journal *j, uint32_t nodes, uint64_t to_seq,
                          uint32_t most, struct mw_error *err);
/* To the end of the record. */
MW_MUST_USE int past_catch_up(struct past *p, struct journal *j, uint32_t nodes,
                              struct mw_error *err);

/* Closed incidents in the order of their closing; jobs in the order of their submission, those that
 * live with them.  Borrowed until the next catch_up. */
const struct past_incident *past_incidents(const struct past *p, uint32_t *ret_count);
const struct past_job *past_jobs(const struct past *p, uint32_t *ret_count);
/* The last job with this number; NULL. */
const struct past_job *past_job_find(const struct past *p, uint64_t job);
/* Rows that were forgotten. */
uint64_t past_left_out(const struct past *p);

/* The events about a node, newest first; how many. */
uint32_t past_node_events(const struct past *p, uint32_t node,
                          uint64_t ret[PAST_NODE_EVENTS + PAST_NODE_PLACED]);

/* ---- as a part of the server (past_part.c) -------------------------------------------------- */

/* Of this server; read on, but maybe not to where the replica is: past_read(). */
struct past *past_of(struct api_server *s);

#endif
