/*
 * Fabrics for tests: a fat tree of any size, wired as a person would or at
 * random, and the cables of a site and of a fabric as comparable lists.
 */
#ifndef MW_LIVE_FABRIC_TESTING_H
#define MW_LIVE_FABRIC_TESTING_H

#include "fleet/fleet.h"
#include "live/fabric.h"

struct tree {
    uint32_t hosts, rails, leaves, spines, ports, links;
    uint32_t spare;  /* ports left free between the hosts and the uplinks of a leaf */
    bool interleave; /* uplinks: once over all spines, then again */
};

/* Nodes "gpu000 mlx5_0", "leaf00", "spine00"; aborts when it does not fit. */
void fabric_tree(const struct tree *t, struct fabric *ret);

uint32_t fabric_node_named(const struct fabric *f, const char *name); /* must be there */
void fabric_unplug(struct fabric *f, const char *node, uint32_t port);
/* Takes both plugs out first if they are in. */
void fabric_plug(struct fabric *f, const char *a, uint32_t port_a, const char *b, uint32_t port_b);

/* Every cable as "leaf00:1 gpu000-nic0", its ends and the list sorted; owned, '\n' between. */
char *fabric_cables_text(const struct fabric *f);
char *fleet_cables_text(const struct fleet *fleet);

#endif
