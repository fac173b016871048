/*
 * The controller as a process that can die: a core with its planes over a
 * journal, killed at chosen moments and brought back from what was committed.
 *
 * A step is one fact or the timers due, then the commit.  A crash comes between
 * append and commit, between commit and the actions, or after the actions and
 * before the acknowledgement.  After it the state must have the hash it had at
 * the last commit.
 */
#ifndef MW_SIM_DAEMON_H
#define MW_SIM_DAEMON_H

#include "control/control.h"
#include "sim/check.h"
#include "sim/marks.h"
#include "sim/tap.h"

struct daemon_config {
    const struct fleet *fleet; /* borrowed, as is the rest */
    const struct control_policy *policy;
    struct board_options board;
    struct journal *journal;  /* NULL = its own in memory, kept only when there are crashes */
    core_act_fn *act;
    tap_event_fn *event;      /* committed events */
    void *ctx;
    int64_t start_ns, quiet_ns; /* crashes fall between */
    uint64_t seed;
    uint32_t crashes;
    bool crash_every_step;
    int64_t snapshot_every_events; /* 0 = never */
    struct check *check;      /* told of recoveries; may be NULL */
    struct marks *marks;
};

struct daemon;

/* With the first two facts of the site committed.  MW_EINVAL when crashes are asked for with a
 * journal that is not ours. */
MW_MUST_USE int daemon_create(const struct daemon_config *c, struct daemon **ret,
                              struct mw_error *err);
void daemon_destroy(struct daemon *d);

/* *acked: the source may forget the fact.  MW_EBUG when a recovery gives another state. */
MW_MUST_USE int daemon_submit(struct daemon *d, int64_t now_ns, const struct event *fact,
                              const char *text, bool *acked, struct mw_error *err);
MW_MUST_USE int daemon_advance(struct daemon *d, int64_t now_ns, struct mw_error *err);

/* What a person from outside says, between steps; it is taken by itself, and no crash comes here.
 * Taken is not committed: daemon_commit() follows, after one or several. */
MW_MUST_USE int daemon_command(struct daemon *d, int64_t now_ns, const struct event *fact,
                               const void *tail, enum admit *ret, struct mw_error *err);
MW_MUST_USE int daemon_commit(struct daemon *d, struct mw_error *err);

int64_t daemon_next_due(const struct daemon *d);
const struct control *daemon_control(const struct daemon *d); /* until the next crash */

/* Over all its lives. */
struct core_stats daemon_stats(const struct daemon *d);
uint64_t daemon_crashes(const struct daemon *d);

/* Jobs that were refused for good: over capacity, or impossible. */
uint64_t daemon_jobs_refused(const struct daemon *d);

/* Kinds of what waits for a result, for the marks of crashes. */
struct daemon_pending {
    bool order, gate, stop;
};
void daemon_pending_is(struct daemon *d, struct daemon_pending p);

#endif
