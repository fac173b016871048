/*
 * Work: the queue, gang placement, checkpoints, restart.
 *
 * By priority, then by arrival.  A job that does not fit holds back everything
 * behind it for as long as bypass_ms allows others to pass (0 = strict), or, with
 * backfill, has a reservation that others must not delay (work_backfill.h).
 * Tenants have quotas (work_quota.h); jobs make room for others at a checkpoint
 * (work_preempt.h); spares are kept for restarts (work_spares.h); nodes are taken
 * out for maintenance with notice (work_window.h).  A gang is
 * placed whole, on as few placement groups as the free nodes allow.  The time
 * between checkpoints is sqrt(2 w / (N r)) (Young 1974, Daly 2006; the form in
 * Meta, arXiv 2410.21680): w write time, N nodes, r failures per node and time.
 * Restarted jobs keep their place in the order of arrival.
 *
 * Where another engine owns allocation (Slurm), nothing is placed here: the
 * engine's gangs are believed (attempt.allocated), and when a node is ordered
 * down, its job is asked to be put back and started again at once, elsewhere
 * than on nodes that are known to be bad.
 */
#ifndef MW_WORK_WORK_H
#define MW_WORK_WORK_H

#include "board/board.h"

#define WORK_QUOTAS_MAX 64u

enum work_spares {
    SPARES_NONE,
    SPARES_FIXED, /* spares_nodes */
    SPARES_SIZED, /* from what is expected to be out at once: spares.h */
};
/* GPUs that a tenant's jobs may have at once.  Beyond it they wait, or run when they may be
 * interrupted. */
struct work_quota {
    uint32_t tenant;
    uint32_t gpus;
};

struct work_policy {
    int64_t rate_per_1e9_node_hours; /* r: node failures that kill, times 10^9 per node-hour */
    int64_t interval_ms;             /* > 0: this interval instead of the formula */
    int64_t interval_ms_min, interval_ms_max;
    int64_t bypass_ms;               /* how long others may pass a job that does not fit */
    int64_t pulse_ms;                /* the queue is looked at no more often than this; >= 100 */
    uint32_t places_per_pulse;       /* at most so many gangs a look; <= 48 */
    bool engine;                     /* another engine places: see below */
    bool at_once;                    /* a job that fits is placed with its submission, no pulse */
    bool backfill;                   /* a blocked job has a reservation; others pass it only when
                                        they end before it; off = bypass_ms says */
    bool topology;                   /* gangs on few groups and pods; off = in the order of nodes */
    bool avoid;                      /* the larger the gang, the less hazard its nodes may have */
    bool preempt;                    /* higher priority stops lower, whole gangs, cheapest first */
    uint8_t spares;                  /* enum work_spares */
    uint32_t spares_nodes;           /* SPARES_FIXED */
    uint32_t spares_quantile_ppm;    /* SPARES_SIZED: enough with these odds */
    int64_t spares_repair_ms;        /* before a repair was seen: mean time a node is out */
    int64_t preempt_after_ms;        /* an attempt works so long before it is stopped for room */
    struct work_quota quota[WORK_QUOTAS_MAX];
    uint32_t quotas;                 /* a tenant without one has no bound */
};
/* 4.2 failures per 1000 node-days (StepFun); a pulse of 100 ms; no bypass. */
struct work_policy work_policy_default(void);

struct work;
MW_MUST_USE int work_create(struct board *b, const struct work_policy *p, struct work **ret);
void work_destroy(struct work *w);
struct plane work_plane(struct work *w);

/* sqrt(2 w / (N r)), clamped to the policy's bounds; 0 when r or w is 0 (never). ms. */
int64_t work_interval_ms(const struct work_policy *p, int64_t write_ms, uint32_t nodes);

/*
 * The spares, as they are now.  `sized` is what was decided last and from what; target is what is
 * kept: jobs that are new may not take the last `target` free nodes, of which `lent` are on loan to
 * jobs that may be interrupted.
 */
struct work_spare_sums {
    struct body_spares sized; /* zeros before the first */
    uint64_t sized_seq;       /* sequence of spares.sized; 0 = none yet */
    uint32_t target, free, lent;
    uint64_t outs, repairs;   /* measured so far: nodes that a fault took out, and that came back */
    int64_t node_ms, out_ms;  /* over so much time of all nodes; out for so long in all */
};
struct work_spare_sums work_spares(const struct work *w);

/* The job that holds the line and what it can expect: from at_ms on (MW_NEVER: not known) `nodes`
 * nodes are free for it.  False when no job that waits has a reservation: none does not fit, others
 * stop for those that do not, or the queue has not been looked at since something changed. */
bool work_reservation(const struct work *w, uint64_t *ret_job, int64_t *ret_at_ms,
                      uint32_t *ret_nodes);

/* Maintenance windows. */
#define WORK_WINDOWS_MAX BOARD_WINDOWS_MAX
struct work_window {
    uint64_t command;       /* sequence of the command that began it */
    int64_t from_ms, to_ms; /* ms UTC */
    uint32_t first, count;  /* nodes */
    uint32_t actor;         /* the person */
    bool begun;             /* it is on; else notice was given */
};
/* The window at place *at or after it; moves *at on.  False when there are no more. */
bool work_window_next(const struct work *w, uint32_t *at, struct work_window *ret);
/* The window a node is in, or will be in next; false when in none. */
bool work_window_of(const struct work *w, uint32_t node, struct work_window *ret);

/* Why a job waits. */
enum work_wait {
    WAIT_NOT,      /* it does not wait, or there is no such job */
    WAIT_LOOK,     /* it fits: the queue is looked at again at the next pulse */
    WAIT_QUOTA,    /* its tenant has as many GPUs as it may have */
    WAIT_SERVICE,  /* it is larger than all that is in service */
    WAIT_NODES,    /* too few nodes are free */
    WAIT_ROOM,     /* as before, and others stop for it: at_ms says by when */
    WAIT_SPARES,   /* it would fit into the nodes that are kept for restarts */
    WAIT_WINDOW,   /* it would fit into nodes that are maintained before it could end */
    WAIT_PROMISED, /* it would fit into nodes that are promised to `behind` */
    WAIT_TURN,     /* it would fit, and would delay `behind`, which has a reservation */
    WAIT_COUNT
};
struct work_why {
    uint64_t behind;      /* the job that it waits behind; 0 = none */
    int64_t at_ms;        /* its own reservation, or that of `behind`; MW_NEVER = none */
    int64_t length_ms;    /* how long it is expected to take from its start */
    uint32_t needs, free; /* nodes it asks for, nodes that are free */
    uint32_t may;         /* of those, how many it may have now */
    uint32_t kept, barred; /* free nodes that are spares; that a window bars for it */
    uint32_t coming;      /* nodes of attempts that were told to stop for it */
    uint32_t used_gpus, quota_gpus; /* WAIT_QUOTA: of its tenant */
    uint8_t why;          /* enum work_wait */
};
struct work_why work_why_waiting(const struct work *w, uint64_t job);

uint32_t work_queued(const struct work *w);
uint32_t work_running(const struct work *w); /* placed, running or stopping */
uint32_t work_free_nodes(const struct work *w);

#endif
