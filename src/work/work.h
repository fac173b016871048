/*
 * Work: the queue, gang placement, checkpoints, restart.
 *
 * FIFO within priority.  A job that does not fit holds back everything behind
 * it for as long as bypass_ms allows others to pass (0 = strict).  A gang is
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

struct work_policy {
    int64_t rate_per_1e9_node_hours; /* r: node failures that kill, times 10^9 per node-hour */
    int64_t interval_ms;             /* > 0: this interval instead of the formula */
    int64_t interval_ms_min, interval_ms_max;
    int64_t bypass_ms;               /* how long others may pass a job that does not fit */
    int64_t pulse_ms;                /* the queue is looked at no more often than this; >= 100 */
    uint32_t places_per_pulse;       /* at most so many gangs a look; <= 48 */
    bool engine;                     /* another engine places: see below */
};
/* 4.2 failures per 1000 node-days (StepFun); a pulse of 100 ms; no bypass. */
struct work_policy work_policy_default(void);

struct work;
MW_MUST_USE int work_create(struct board *b, const struct work_policy *p, struct work **ret);
void work_destroy(struct work *w);
struct plane work_plane(struct work *w);

/* sqrt(2 w / (N r)), clamped to the policy's bounds; 0 when r or w is 0 (never). ms. */
int64_t work_interval_ms(const struct work_policy *p, int64_t write_ms, uint32_t nodes);

uint32_t work_queued(const struct work *w);
uint32_t work_running(const struct work *w); /* placed, running or stopping */
uint32_t work_free_nodes(const struct work *w);

#endif
