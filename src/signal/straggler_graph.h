/*
 * What depends on what in one step of one data-parallel rank: the method of
 * "Understanding Stragglers in Large Model Training" (OSDI 2025), section 3.
 *
 * - The computations of a worker run one after the other; so do its sends and
 *   receives, each kind on its own stream, and its data-parallel collectives.
 * - A send waits for its computation; a computation waits for its receive,
 *   and a receive is posted after the computation before it.
 * - A send and its receive, the two ends of the embedding's all-reduce, and
 *   the gradient clipping of all stages are groups: a group transfers from the
 *   moment its last member has started.
 * - Gathering of parameters, reduction of gradients and clipping also wait for
 *   the same operation of all data-parallel ranks.
 *
 * The streams' order is taken from the template's start times.
 */
#ifndef MW_SIGNAL_STRAGGLER_GRAPH_H
#define MW_SIGNAL_STRAGGLER_GRAPH_H

#include "signal/straggler_trace.h"

struct straggler_group {
    uint32_t first, count; /* into member */
    bool comm;             /* a transfer among its members; else one computation */
    bool all_dps;          /* waits for the group of all data-parallel ranks too */
};

struct straggler_graph {
    struct straggler_group *group; /* in an order in which they can be replayed */
    uint32_t groups;
    uint32_t *member;    /* operations by group */
    uint32_t *dep_first; /* [ops + 1] into dep */
    uint32_t *dep;       /* operations that must end before */
};

/* use_dp: there is more than one data-parallel replica.  Gives *ret (straggler_graph_destroy).
 * MW_EINVAL when sends and receives do not pair up or the order has a circle; MW_ENOMEM. */
MW_MUST_USE int straggler_graph_build(const struct straggler_trace *t, bool use_dp,
                                      struct straggler_graph **ret, struct mw_error *err);
void straggler_graph_destroy(struct straggler_graph *g); /* NULL is fine */

#endif
