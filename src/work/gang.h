/*
 * Where a gang goes: which free nodes, so that few links between groups are
 * crossed and little is left over that nobody can use.
 *
 * Distance.  Nodes of one placement group share an NVLink domain or all their
 * leaves; a block is groups that share leaves, a pod groups that share spines
 * (fleet.h).  A gang goes
 *   1. on one group: the one with the fewest free nodes that hold it;
 *   2. else into one block or pod, on the fewest groups, where these are
 *      fewest (of equals a block before a pod, then what has the fewest free
 *      nodes).  All but one of these groups give all that they have free: a
 *      gang of 36 on racks of 18 gets two whole racks.  The last gives the rest
 *      and is the fullest-used that can;
 *   3. else on the fewest pods: those with the most free nodes whole, the last
 *      the tightest that holds the rest.
 * Nothing is set aside: what is left of a rack (two trays of 18 after four
 * gangs of four) goes to gangs that fit there, and to larger ones by rule 2
 * when no group has room.  A group is not divided by rail: each node has one
 * NIC on every rail, so a gang of whole nodes is on all of them alike.
 *
 * Hazard (board's node_hazard, 0 .. 255).  One bad node costs a gang all of its
 * nodes' work, so what may be asked of a node goes with the gang's size:
 * hazard times nodes stays below 256.  It is kept in four tiers, so that counts
 * of them can be kept:
 *     gang of      1 node    up to 4    up to 16    more
 *     hazard up to    255         63          15       0
 * Within that, nodes of a lower tier go first in each group.  When fewer nodes
 * are free than the gang needs, the next tier is let in, up to all: a job
 * never waits for ever because of an opinion.  Nodes that are held or in
 * probation are not free at all.
 *
 * Cost.  The index is counts of free nodes per group, block and pod and tier,
 * and for each count the groups that have it, as bits.  A node's change is a few
 * additions; rule 1 reads one word of bits for 64 groups of one count; rule 2
 * reads the counts of blocks and pods, and the groups of one of them.
 *
 * The choice is a function of what is free and how hazardous, never of the
 * order in which it became so: after a restart the same gang goes to the same
 * nodes.  The index is not state; it is made again from columns.
 */
#ifndef MW_WORK_GANG_H
#define MW_WORK_GANG_H

#include "fleet/fleet.h"

#define GANG_TIERS 4u
#define GANG_SIZES 256u /* groups with more free nodes than this less one share the last bucket */

/* Groups of one tier by how many free nodes they have. */
struct gang_tier {
    uint32_t total;           /* free nodes of at most this tier */
    uint32_t *group_free;     /* per group */
    uint32_t *domain_free;    /* per domain */
    uint32_t *domain_with;    /* per domain and count: how many of its groups have so many free */
    uint64_t *with;           /* per bucket and group: a bit */
    uint32_t bucket[GANG_SIZES];         /* how many groups are in it */
    uint64_t bucket_used[GANG_SIZES / 64]; /* whether any is, as bits */
    uint64_t *node;           /* free nodes of just this tier, a bit each, by place */
};

struct gang {
    uint32_t nodes, groups, blocks, domains; /* domains: the blocks of several groups, then pods */
    uint32_t words;             /* of a bucket's bits */
    uint32_t *node_place, *place_node; /* places are in order of groups, each from a whole word */
    const uint32_t *node_group;
    uint32_t *group_word;       /* first word of a group's places; groups + 1 */
    uint32_t *group_block, *group_pod; /* domains; MW_NONE: a block of one group */
    uint32_t *domain_first;     /* place of its counts in domain_with; domains + 1 */
    uint32_t *domain_list, *domain_group; /* the groups of a domain: first (domains + 1), groups */
    uint8_t *tier_of;           /* per node: 0 = not free, else its tier + 1 */
    struct gang_tier tier[GANG_TIERS];
};

/* An index in which nothing is free.  MW_ENOMEM leaves what there is to gang_fini. */
MW_MUST_USE int gang_init(struct gang *g, const struct fleet *f);
void gang_fini(struct gang *g);

/* A node is free with this hazard, or not free. */
void gang_set(struct gang *g, uint32_t node, bool free, uint8_t hazard);

static inline uint32_t gang_free(const struct gang *g)
{
    return g->tier[GANG_TIERS - 1].total;
}

/* Chooses `nodes` free nodes (there are enough); writes them, returns the groups touched. */
struct gang_rule {
    bool topology; /* else in the order of nodes */
    bool avoid;    /* else hazard is not looked at */
};
uint32_t gang_pick(const struct gang *g, struct gang_rule rule, uint32_t nodes,
                   uint32_t *ret_node);

#endif
