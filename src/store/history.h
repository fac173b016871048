/*
 * History: what has ended, and how figures went, as rows of a SQLite file beside the journal
 * (history.db).  The state of the planes forgets finished jobs and closed incidents; here they
 * stay.
 *
 * It is derived: a fold over the record that the projector (api/projector.h) makes, never the
 * truth. A file that is missing, damaged, of another version or of another record is begun again;
 * where the folder takes no file, history lives in memory.  It knows the event it is at:
 * everything up to history_seq() is in it, exactly once, for rows and place are committed
 * together.  A crash loses what was not committed, and the fold goes on from there.
 *
 * Its loss costs a walk over the record, so commits are not synced one by one
 * (synchronous=NORMAL). When the disk takes nothing more it stops and says so; what it has can be
 * read on.
 *
 * Times are ms UTC of journal time.  One thread.
 */
#ifndef MW_STORE_HISTORY_H
#define MW_STORE_HISTORY_H

#include "base/units.h"
#include "core/journal.h"
#include "money/account.h"

#define HISTORY_NAME "history.db"
#define HISTORY_SCHEMA 1
#define HISTORY_JOB_NAME_MAX 128u
#define HISTORY_HEAT_MS MW_MS_PER_DAY /* frames of the heat map are kept so long */
#define HISTORY_POINTS_MAX 10000u     /* of one series */

struct history_store;

/*
 * Opens or makes dir/history.db.  j is the record it is a fold of: a file whose last event is not
 * one of j's is begun again.  dir NULL: in memory.  MW_ENOMEM, or MW_EIO when not even memory does;
 * damage and a folder that takes no file are no errors: history_where() tells.
 */
MW_MUST_USE int history_open(const char *dir, struct journal *j, struct history_store **ret,
                             struct mw_error *err);
void history_close(struct history_store *h); /* commits; NULL is fine */

/* Everything up to this event is in it; 0 = nothing yet. */
uint64_t history_seq(const struct history_store *h);
/* "file", or why it is in memory, or why it has stopped taking events (then history_stopped()). */
const char *history_where(const struct history_store *h);
bool history_stopped(const struct history_store *h);

/* ---- writing: between two commits all of it is one transaction ------------------------------ */

/* What `ev` is about has been written: it is the last event history knows of.  The puts below are
 * for events after history_seq() only; none of them fails to the caller: see history_stopped(). */
void history_reached(struct history_store *h, const struct event *ev);
/* MW_ENOSPC, MW_EIO …: history has stopped. */
MW_MUST_USE int history_commit(struct history_store *h, struct mw_error *err);
/* Rows that wait for a commit. */
uint32_t history_waiting(const struct history_store *h);

struct history_incident {
    uint64_t incident;   /* its number */
    uint64_t closed_seq; /* 0 = it is open */
    uint64_t parent;     /* the incident it is, or was at its end, a symptom of; 0 */
    uint64_t component;
    int64_t opened_ms, closed_ms;
    int64_t lost_gpu_ms; /* as booked at its closing; 0 while it is open */
    uint32_t node;       /* MW_NONE */
    uint32_t class;      /* row of the policy's classes */
    uint32_t findings, symptoms; /* symptoms: incidents that were ever its own */
    uint32_t steps;      /* orders and actions that were begun for it */
    uint8_t step;        /* enum care_step: of the last of these that ended well; */
    bool cured;          /* … there was one */
};
void history_incident_put(struct history_store *h, const struct history_incident *row);
/* False when it is not there. */
bool history_incident_get(struct history_store *h, uint64_t incident,
                          struct history_incident *ret);

struct history_job {
    uint64_t job, submitted_seq; /* the submitter's number may come again: the two name it */
    uint64_t ended_seq;          /* 0 = it lives */
    int64_t submitted_ms;
    int64_t started_ms;          /* its first attempt had its nodes; 0 = never */
    int64_t ended_ms;
    int64_t placed_ms;           /* of the attempt that holds nodes now; 0 = none does */
    int64_t held_gpu_ms;         /* over all attempts: from having nodes to their end */
    int64_t high_ms;             /* the furthest progress that was ever reported */
    int64_t checkpoint_ms;       /* wall time of writing checkpoints, where reported */
    uint32_t tenant, gpus, nodes, attempts;
    uint32_t held_gpus;          /* that it works with in its present or last attempt */
    uint8_t priority, flags;
    uint8_t how;                 /* enum attempt_how of its end; 0 */
    char name[HISTORY_JOB_NAME_MAX]; /* "" = it has none; cut at a whole letter */
};
/* GPU-ms of work that counts, and the rest of what it held: lost.  Of a job that never said how far
 * it was only its end tells: done, and all was productive. */
int64_t history_job_productive(const struct history_job *row);
int64_t history_job_lost(const struct history_job *row);
void history_job_put(struct history_store *h, const struct history_job *row);
/* The one with this number that lives. */
bool history_job_live(struct history_store *h, uint64_t job, struct history_job *ret);
/* The last one with this number, alive or not. */
bool history_job_get(struct history_store *h, uint64_t job, struct history_job *ret);

/* The site at one moment: sums since the record began, and counts. */
struct history_sample {
    uint64_t seq;     /* the event after which it was taken */
    int64_t time_ms;  /* its time */
    int64_t productive_gpu_ms, available_gpu_ms; /* goodput is their ratio */
    int64_t ettr_productive_gpu_ms, ettr_wall_gpu_ms;
    int64_t lost_gpu_ms, lost_uusd;
    int64_t lost_by[CAUSE_COUNT]; /* GPU-ms, by fault class and what comes after them */
    int64_t power_w;              /* modelled */
    uint32_t gpus_healthy, gpus_busy, incidents_open, jobs_running, jobs_queued, orders_open;
};
void history_sample_put(struct history_store *h, const struct history_sample *row);
/* The last at or before time_ms; false when there is none. */
bool history_sample_before(struct history_store *h, int64_t time_ms, struct history_sample *ret);
bool history_sample_after(struct history_store *h, int64_t time_ms, struct history_sample *ret);

/* The heat map at one moment: a byte a GPU.  Older ones than HISTORY_HEAT_MS go. */
void history_heat_put(struct history_store *h, int64_t time_ms, const uint8_t *mark, uint32_t gpus);
/* The last frame at or before time_ms, gpus bytes into ret.  MW_ENOTFOUND: there is none, or it is
 * of another number of GPUs. */
MW_MUST_USE int history_heat_get(struct history_store *h, int64_t time_ms, uint8_t *ret,
                                 uint32_t gpus, int64_t *ret_time_ms);

/* It failed by its own error, not by the site's. */
#define HISTORY_HOW_OWN 0x13u

/* Where the events that people are told of stand in the record. */
struct history_note {
    uint64_t seq;
    int64_t time_ms;
    uint16_t kind;
    uint8_t how; /* of attempt.ended: enum attempt_how, or HISTORY_HOW_OWN; 0 */
};
void history_note_put(struct history_store *h, const struct history_note *row);

/* ---- reading -------------------------------------------------------------------------------- */

/* Which rows: those that ended in (after_seq, before_seq), the newest first, at most `most`. */
struct history_range {
    uint64_t after_seq;
    uint64_t before_seq; /* 0 = no end */
    uint32_t most;       /* 0 = all */
};
/* Not zero stops, and is passed on when it is negative. */
typedef int history_incident_fn(void *ctx, const struct history_incident *row);
typedef int history_job_fn(void *ctx, const struct history_job *row);
typedef int history_sample_fn(void *ctx, const struct history_sample *row);
typedef int history_note_fn(void *ctx, const struct history_note *row);

/* Closed incidents; ended jobs. */
MW_MUST_USE int history_incidents_each(struct history_store *h, const struct history_range *r,
                                       history_incident_fn *each, void *ctx,
                                       struct mw_error *err);
MW_MUST_USE int history_jobs_each(struct history_store *h, const struct history_range *r,
                                  history_job_fn *each, void *ctx, struct mw_error *err);
/* Incidents that opened in the range, open or closed, those that lost most first. */
MW_MUST_USE int history_incidents_opened(struct history_store *h, const struct history_range *r,
                                         history_incident_fn *each, void *ctx,
                                         struct mw_error *err);
/* Noted events, the newest first. */
MW_MUST_USE int history_notes_each(struct history_store *h, const struct history_range *r,
                                   history_note_fn *each, void *ctx, struct mw_error *err);
/* How many of a kind came after after_seq; how 0 = any. */
uint64_t history_notes_count(struct history_store *h, uint64_t after_seq, uint16_t kind,
                             uint8_t how);

/* Jobs that ended after it. */
uint64_t history_jobs_ended(struct history_store *h, uint64_t after_seq);

/* Samples of [from_ms, to_ms], in order: the last of each of `points` equal parts that has one
 * (1 to HISTORY_POINTS_MAX). */
struct history_span_ms {
    int64_t from_ms, to_ms;
    uint32_t points;
};
MW_MUST_USE int history_series(struct history_store *h, const struct history_span_ms *s,
                               history_sample_fn *each, void *ctx, struct mw_error *err);

/* A hash over all rows: two histories of one record have the same. */
MW_MUST_USE int history_hash(struct history_store *h, struct mw_hash128 *ret, struct mw_error *err);

#endif
