/*
 * Holds: who keeps a node from being scheduled.  A node has a set of them; each
 * has its owner, and the sequence of the command that set it, whose text is
 * the reason.  A hold is lifted by name, or all of a node's at once, by a person.
 */
#ifndef MW_GUARD_HOLDS_H
#define MW_GUARD_HOLDS_H

#include "base/base.h"

#define HOLDS_NODE_MAX 254u /* on one node: board counts them in a byte, and one of others */

struct holds {
    /* state */
    uint32_t used, free; /* rows ever used; head of the free list through next */
    uint32_t *first;     /* per node: its first hold, MW_NONE */
    uint32_t *next;      /* per row */
    uint32_t *owner;     /* the person's number */
    uint64_t *seq;       /* the command that set it; 0 = free row */
    /* fixed */
    uint32_t nodes, rows_max;
};

/* Room for two a node and 1,024 more. MW_ENOMEM. */
MW_MUST_USE int holds_init(struct holds *h, uint32_t nodes);
void holds_fini(struct holds *h);

bool holds_full(const struct holds *h);
/* The row of the hold that this command set on the node; MW_NONE. */
uint32_t holds_find(const struct holds *h, uint32_t node, uint64_t seq);
void holds_add(struct holds *h, uint32_t node, uint32_t owner, uint64_t seq);
/* Lifts one hold, or with seq 0 all of the node's; returns how many. */
uint32_t holds_lift(struct holds *h, uint32_t node, uint64_t seq);

#endif
