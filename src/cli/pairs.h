/*
 * Which node, or which path, makes a pair slow.  Pure: it says which pairs to
 * measure next and what the measurements mean; somebody else measures.
 *
 * First come rounds of a tournament (each node in at most one pair of a round, as
 * one pair more would halve both).  A pair is slow when it is below a share of the
 * median.  Then each end of a slow pair is measured with others of which a good
 * measurement is known: an end that is slow with three others is the cause (the
 * node, or the cable that all its pairs share); when both ends are good with
 * others, and the pair is slow again, the cause is the path between them.
 */
#ifndef MW_CLI_PAIRS_H
#define MW_CLI_PAIRS_H

#include "base/error.h"

#define PAIRS_PARTNERS 3     /* that a node must be slow with */
#define PAIRS_RETESTS_MAX 8  /* rounds of the second part */

struct pair_result {
    uint32_t a, b;   /* nodes: a sends to b */
    double gbps;     /* below 0: could not be measured */
};

struct pairs {
    struct pair_result *result; /* owned */
    uint32_t nodes, count, room;
    double share;               /* of the median: below it a pair is slow */
};

enum blame { BLAME_NODE, BLAME_PATH, BLAME_UNSTEADY, BLAME_SILENT };
struct pair_blame {
    uint32_t a, b;     /* a node: b is MW_NONE */
    enum blame kind;
    double worst, best; /* Gb/s of its measurements */
};

MW_MUST_USE int pairs_init(struct pairs *p, uint32_t nodes, double share); /* MW_EINVAL */
void pairs_fini(struct pairs *p);

/* The pairs of a round of the tournament; rounds 0 to pairs_rounds() - 1 make all pairs once.  to
 * has room for nodes / 2.  Odd rounds send the other way. */
uint32_t pairs_rounds(uint32_t nodes);
uint32_t pairs_round(uint32_t nodes, uint32_t round, struct pair_result *to);

MW_MUST_USE int pairs_add(struct pairs *p, const struct pair_result *r); /* MW_ENOMEM */

/* What to measure next to tell causes apart, disjoint; 0 = nothing is left to tell. */
uint32_t pairs_retest(const struct pairs *p, struct pair_result *to);

double pairs_median(const struct pairs *p); /* of what was measured; 0 = nothing was */
/* The causes, nodes first, in the order of their numbers; at most `most`. */
uint32_t pairs_blame(const struct pairs *p, struct pair_blame *to, uint32_t most);

#endif
