/*
 * The loop: admit, append, apply, decide one, guard, append … until quiet, commit.
 *
 * One core owns the order of events.  It holds no policy and knows no plane by
 * name.  It does no I/O of its own: the journal port keeps the record, the
 * action port hands committed actions to a world.  One thread.
 */
#ifndef MW_CORE_CORE_H
#define MW_CORE_CORE_H

#include "core/journal.h"
#include "core/plane.h"

#define CORE_ROUNDS_MAX 64    /* decisions in one cascade */
#define CORE_STAGED_MAX 4096  /* groups between two commits; the next submit commits first */

/* A committed action goes to the world.  Borrowed for the call. */
typedef void core_act_fn(void *ctx, const struct event *action, const void *tail);

struct core_config {
    struct journal *journal;    /* borrowed until core_destroy */
    const struct plane *plane;  /* PLANE_COUNT of them in the order of TO_* bits; copied */
    struct guard_port guard;
    uint32_t sources_max;       /* sources are < this */
    core_act_fn *act;           /* may be NULL */
    void *act_ctx;
    bool trace_hash;            /* keep a hash over every event (costs ~15 ns an event) */
    bool (*fits)(void *ctx);    /* a snapshot was loaded: is it of the rules of these planes?
                                   NULL = always */
    void *fits_ctx;
    bool rederiving;            /* decisions are compared by the caller: nothing is handed to act */
};

/* Counters, for reports; not state. */
struct core_stats {
    uint64_t events, facts, decisions, groups, commits;
    uint64_t refused[ADMIT_COUNT];
    uint64_t advice, trips, cascades_stopped, contradictions;
    uint64_t rounds_max; /* longest cascade seen */
};

struct core;
MW_MUST_USE int core_create(const struct core_config *c, struct core **ret, struct mw_error *err);
void core_destroy(struct core *c);

/*
 * A fact from a world: kind, observed_ns, source, source_seq, cause, actor, tenant, body and
 * tail_size are read, and `seq`, which here is the lowest number the source still keeps because it
 * was not acknowledged (0 = this one); the rest is filled here.  Facts of one source are taken in
 * the order of source_seq: an earlier one is ADMIT_DUPLICATE, a later one ADMIT_GAP (not to be
 * acknowledged: the source sends again from core_source_seq() + 1).  source_seq 0 = not counted.
 *
 * `now_ns` is the journal time it arrives; an earlier one than the last event's is raised to it.
 * Timers due by then fire first.  0 with *ret telling whether it was taken (a refused fact changes
 * nothing but the source's count).  Negative: not taken.  Past CORE_STAGED_MAX groups a commit
 * comes first, and its failure may pass (MW_ENOSPC, MW_EIO: try again); when an append failed,
 * core_failed() says so and the core must be made again and recovered.
 */
MW_MUST_USE int core_submit(struct core *c, int64_t now_ns, const struct event *fact,
                            const void *tail, enum admit *ret, struct mw_error *err);

/* Fires timers due at or before now_ns, in order (due, plane, id). */
MW_MUST_USE int core_advance(struct core *c, int64_t now_ns, struct mw_error *err);

/* Durable; then committed actions go to act.  Acknowledge facts to their sources only after it. */
MW_MUST_USE int core_commit(struct core *c, struct mw_error *err);

bool core_failed(const struct core *c);            /* an append failed: nothing more is taken */
int64_t core_next_due(const struct core *c);       /* MW_NEVER when no timer is set */
int64_t core_now(const struct core *c);            /* time of the last event */
uint64_t core_seq(const struct core *c);           /* last appended */
/* The last number of this source that was taken or refused for good. */
uint64_t core_source_seq(const struct core *c, uint32_t source);
const struct core_stats *core_stats(const struct core *c);

/* Rebuilds state from the journal: newest snapshot, then the events after it.  The planes must be
 * fresh (as created).  Then every pending action goes to act again. MW_ECORRUPT etc. pass;
 * MW_EVERSION: the snapshot is of another layout or of other rules, do without (fresh planes). */
MW_MUST_USE int core_recover(struct core *c, bool use_snapshot, struct mw_error *err);

/*
 * For a core that follows a record which another one writes: it decides nothing and hands nothing
 * to act.  The first loads the newest snapshot at or before seq_max (planes fresh); MW_ENOTFOUND:
 * there is none, begin with event 1; MW_EVERSION: as core_recover.  The second applies the next
 * event as it was recorded, exactly as core_recover does; `last` = the end of its group.
 * MW_ECORRUPT: it is not the next one, or of a source that the site does not have; nothing was
 * applied.
 */
MW_MUST_USE int core_follow_snapshot(struct core *c, uint64_t seq_max, struct mw_error *err);
MW_MUST_USE int core_follow(struct core *c, const struct event *ev, const void *tail, bool last,
                            struct mw_error *err);

/* Saves a snapshot of the present state (nothing may be staged) through the journal port. */
MW_MUST_USE int core_snapshot(struct core *c, struct mw_error *err);

struct mw_hash128 core_state_hash(const struct core *c);
struct mw_hash128 core_trace_hash(const struct core *c); /* zeros unless trace_hash */
uint64_t core_state_bytes(const struct core *c);

/* A group as it was appended last, for rederive: borrowed until the next call. */
struct group core_last_group(const struct core *c);

#endif
