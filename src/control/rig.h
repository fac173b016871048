/*
 * A bench for the tests of the decision core: a controller on a generated site
 * with a journal in memory, the world played by hand, and everything that was
 * recorded kept in order so that a test can say what it expects.
 *
 * For tests only.  Helpers fail the running test (cmocka) when they cannot do
 * what they are asked.
 */
#ifndef MW_CONTROL_RIG_H
#define MW_CONTROL_RIG_H

#include "control/control.h"

#define RIG_START_NS INT64_C(1700000000000000000) /* 2023-11-14 */
#define RIG_SECOND MW_NS_PER_S
#define RIG_MINUTE MW_NS_PER_MIN
#define RIG_HOUR MW_NS_PER_HOUR

/* The classes of rig_policy(). */
enum {
    RIG_KILLS,    /* gate 30 min, probation 1 h */
    RIG_SLOWS,    /* drained at the next checkpoint; gate 30 min, probation 1 h */
    RIG_DEFERS,   /* drained now */
    RIG_IN_PLACE, /* slows, repaired while in service */
    RIG_FLAPS,    /* kills at the third finding within ten minutes; no gate, no probation */
    RIG_NEVER,    /* only counted */
    RIG_CLASSES
};

/* A recorded event with its tail (owned). */
struct rig_event {
    struct event ev;
    void *tail;
};

/* A fact as it was submitted, and what became of it. */
struct rig_fact {
    int64_t now_ns;
    struct event ev;
    char tail[256];
    enum admit admit;
    uint64_t seq_after; /* end of the record then */
};

struct rig {
    struct fleet *fleet;
    bool own_fleet;
    struct control_policy policy;
    struct journal *journal; /* in memory */
    struct journal *tap;     /* stands before it: what the core sees */
    struct control *control;
    int64_t now_ns;

    struct rig_event *log;   /* all that was recorded */
    uint32_t log_length, log_room;
    uint32_t mark;           /* rig_expect() begins here */

    struct rig_fact *fact;   /* all that was submitted */
    uint32_t facts, facts_room;

    struct event *acted;     /* actions that the world was given */
    uint32_t acted_length, acted_room;

    struct mw_hash128 *hash; /* state after each group, when hashes is set */
    uint32_t groups, hash_room;
    bool hashes, by_hand;    /* by_hand: the test commits itself */
    int fail_append, fail_commit; /* give this code next time */
    uint64_t finding;        /* the last number given out */
};

/* Six classes as listed above; everything else as by default, modes act, work pulse 100 ms. */
struct control_policy rig_policy(void);

/* A begun controller over a site of so many nodes of 8 GPUs. */
struct rig *rig_make(uint32_t nodes, const struct control_policy *p);
/* The same over a fleet that is borrowed and a journal that is taken over; recovers instead of
 * beginning when the journal holds something. */
struct rig *rig_make_on(struct fleet *f, const struct control_policy *p, struct journal *j,
                        bool use_snapshot);
void rig_free(struct rig *r);

/* Submits at r->now_ns and commits. */
enum admit rig_submit(struct rig *r, const struct event *ev, const void *tail);
/* Lets time pass; timers fire; commits. */
void rig_wait(struct rig *r, int64_t ns);
void rig_commit(struct rig *r);

/* The kinds recorded since the last call, by name, separated by spaces; timer.fired of the work
 * pulse is left out.  Fails the test with both lists when they differ. */
void rig_expect(struct rig *r, const char *names);
void rig_forget(struct rig *r); /* moves the mark to the end */

/* The last recorded event of a kind (about this node or job where it names one; MW_NONE = any). */
const struct rig_event *rig_last(const struct rig *r, uint32_t kind);
const struct rig_event *rig_last_of(const struct rig *r, uint32_t kind, uint32_t node);
uint32_t rig_count(const struct rig *r, uint32_t kind);

/* Findings: number them, source SOURCE_NODE + node (parts: SOURCE_FABRIC). */
uint64_t rig_finding(struct rig *r, uint32_t node, uint16_t class);
uint64_t rig_finding_on(struct rig *r, uint64_t component, uint32_t node, uint16_t class);
enum admit rig_closed(struct rig *r, uint32_t node, uint64_t finding);

/* The crew: answers the last order (gate) of the node; component id for parts in `node` is not
 * known here: pass MW_NONE for the last order of a part. */
enum admit rig_order(struct rig *r, uint32_t kind, uint32_t node, uint8_t result);
enum admit rig_gate(struct rig *r, uint32_t node, uint8_t result);
/* order.taken, order.ended ok. */
void rig_repair(struct rig *r, uint32_t node);

/* Jobs. */
struct event rig_job_event(uint64_t job, uint32_t nodes, uint8_t priority);
enum admit rig_job(struct rig *r, uint64_t job, uint32_t nodes, uint8_t priority);
uint32_t rig_slot(const struct rig *r, uint64_t job); /* fails when there is none */
enum admit rig_running(struct rig *r, uint64_t job, int64_t ready_ago_ms);
enum admit rig_progress(struct rig *r, uint64_t job, int64_t progress_ms, int64_t saved_ms,
                        int64_t checkpoint_ms);
/* node: what failed, MW_NONE; the attempt stood still stopped_ago_ms ago. */
enum admit rig_ended(struct rig *r, uint64_t job, uint8_t how, int64_t progress_ms,
                     int64_t saved_ms, int64_t stopped_ago_ms);
/* As the last, with everything stated. */
enum admit rig_ended_by(struct rig *r, uint64_t job, const struct body_progress *p);

enum admit rig_command(struct rig *r, uint8_t verb, uint32_t node, const char *reason);
enum admit rig_answer(struct rig *r, uint8_t verb, const struct rig_event *advice);
enum admit rig_cancel(struct rig *r, uint64_t job);

struct mw_hash128 rig_hash(const struct rig *r);

/* A new journal in memory with the groups up to seq_max (a group's end). */
struct journal *rig_copy(const struct rig *r, uint64_t seq_max);
/* Called with each recorded group in order: its bytes are borrowed. */
typedef void rig_group_fn(void *ctx, const struct group *g);
void rig_groups(const struct rig *r, rig_group_fn *each, void *ctx);
/* Submits facts from .. of another rig's list again, at their times; the admissions must agree. */
void rig_repeat(struct rig *r, const struct rig *other, uint32_t from);
#define rig_node_health(r, node) ((r)->control->board->node_health[node])

/* ---- a world without sense (rig_chaos.c) ---------------------------------------------------- */

/* One more random step, chosen by (seed, nth) and what was recorded so far: some time passes, one
 * fact is submitted, sensible or not. */
void rig_chaos(struct rig *r, uint64_t seed, uint64_t nth);
/* 0 .. below - 1, for a test's own worlds: `what` tells the draws of a step apart. */
uint64_t rig_draw(uint64_t seed, uint64_t nth, uint64_t what, uint64_t below);

/* ---- what must hold of every record (rig_check.c) ------------------------------------------- */

/* Walks the log and fails the test where it breaks a promise: gangs only on schedulable nodes and
 * no node twice, moves by the table of node life, no return without a passed gate, the guard's
 * budget, causes that exist, bodies with nothing in their gaps. */
void rig_check_log(const struct rig *r);
/* Accounts now and a little later: sums, causes, prices. */
void rig_check_accounts(const struct rig *r, int64_t later_ns);

#endif
