/*
 * Accounts: every GPU-millisecond of the site is in exactly one class, every
 * lost one names the fault class and the incident it is lost to, and a price
 * turns it into micro-dollars.
 *
 * Boundaries are journal times in whole milliseconds.  While a node is
 * allocated its time belongs to the attempt, which is split when it reports or
 * ends; otherwise the node's health says the class (ACCOUNT_OF_HEALTH), and a
 * maintenance window that is on (planned).  GPUs of an allocated node that the
 * job did not ask for are idle.
 *
 * Spares are a number of nodes, not a set (spares.sized): of the GPUs on nodes
 * that are ready and free, as many as the target's nodes have are spare, the rest
 * is idle.  Which ones does not matter to a sum over the site, and it is exact.
 */
#ifndef MW_MONEY_ACCOUNT_H
#define MW_MONEY_ACCOUNT_H

#include "board/board.h"

/* X(enum, "name", lost?, what it is) */
#define ACCOUNT_CLASSES(X)                                                                       \
    X(ACCOUNT_PRODUCTIVE, "productive", false, "work done for the first time")                   \
    X(ACCOUNT_DEGRADED, "degraded", true, "the lost share of a job that a slow part slows")      \
    X(ACCOUNT_CHECKPOINT, "checkpoint", true, "writing checkpoints")                             \
    X(ACCOUNT_RECOMPUTE, "recompute", true, "work done again after a restart")                   \
    X(ACCOUNT_HUNG, "hung", true, "stopped, and not detected yet")                               \
    X(ACCOUNT_RESTART, "restart", true, "loading the checkpoint and warming up")                 \
    X(ACCOUNT_WAITING, "waiting", true, "allocated, but not all nodes of the gang are ready")    \
    X(ACCOUNT_SPARE, "spare", false, "kept ready for restarts")                                  \
    X(ACCOUNT_IDLE, "idle", false, "ready, nothing to do")                                       \
    X(ACCOUNT_DRAINING, "draining", true, "suspect, taken from service")                         \
    X(ACCOUNT_DOWN, "down", true, "broken, nobody works on it")                                  \
    X(ACCOUNT_REPAIRING, "repairing", true, "a crew works on it")                                \
    X(ACCOUNT_VALIDATING, "validating", true, "at the gate or in probation")                     \
    X(ACCOUNT_PLANNED, "planned", false, "held by a person, not provisioned, retired")

enum account_class {
#define X(e, name, lost, doc) e,
    ACCOUNT_CLASSES(X)
#undef X
    ACCOUNT_CLASS_COUNT
};

/* Rows of the by-cause table: fault classes first, then these. */
enum { CAUSE_NONE = BOARD_CLASSES_MAX, /* nothing is lost, or a start without a fault before it */
       CAUSE_CHECKPOINT,               /* insurance: writing checkpoints */
       CAUSE_PERSON,                   /* a person's drain or cancel */
       CAUSE_PREEMPT,                  /* room made for another job */
       CAUSE_COUNT };

struct account_policy {
    int64_t microdollars_per_gpu_hour;
};

struct account;
MW_MUST_USE int account_create(struct board *b, const struct account_policy *p,
                               struct account **ret);
void account_destroy(struct account *a);
struct plane account_plane(struct account *a);

/* The sums as they would be if every open interval ended at now_ns.  Running attempts count as
 * they last reported; the time since is productive and checkpoint in the proportion of their
 * cadence (a model until the next report, marked in *ret_modelled_gpu_ms). */
struct account_totals {
    int64_t gpu_ms[ACCOUNT_CLASS_COUNT];
    int64_t by_cause[CAUSE_COUNT][ACCOUNT_CLASS_COUNT];
    int64_t wall_gpu_ms;     /* exactly the sum of gpu_ms */
    int64_t modelled_gpu_ms; /* the part that rests on cadence and not on a report */
    int64_t lost_microdollars;
};
void account_settle(const struct account *a, int64_t now_ns, struct account_totals *ret);

/* GPU-ms lost to incidents of this node so far (closed intervals). */
int64_t account_node_lost(const struct account *a, uint32_t node);

/* GPU-ms lost in intervals that are still open at now_ns: what incident_lost_gpu_ms of the board
 * and account_node_lost do not have yet.  Running attempts as account_settle models them. */
struct account_open {
    int64_t *incident; /* by row of the board's incidents, those of its symptoms with it, or NULL */
    int64_t *node;     /* by node, or NULL */
};
void account_open_lost(const struct account *a, int64_t now_ns, const struct account_open *ret);

/* Of all jobs that started: productive time and wall time from the first start on, waits to
 * requeue with it, each times GPUs: their ratio is the GPU-weighted ETTR.  with_running adds the
 * open stretches of jobs that have not ended, as account_settle models them. */
struct account_ettr {
    int64_t productive_gpu_ms, wall_gpu_ms;
    uint64_t jobs;
};
struct account_ettr account_ettr(const struct account *a, int64_t now_ns, bool with_running);

/* Goodput: productive over available, available = wall - planned. 0 when nothing is available. */
double account_goodput(const struct account_totals *t);

int64_t account_price(int64_t gpu_ms, int64_t microdollars_per_gpu_hour);
const char *account_class_name(uint32_t class);
bool account_class_lost(uint32_t class);

#endif
