/*
 * Fast questions about the wiring: what fails with this part, what do these
 * parts share, what does this set of nodes stand on.  Pure reads of a fleet;
 * answers go to caller-owned arrays in a total order (kind, then row).
 */
#ifndef MW_FLEET_QUERY_H
#define MW_FLEET_QUERY_H

#include "fleet/fleet.h"

/* A growable list of component ids owned by the caller. */
struct component_list {
    uint64_t *id;
    uint32_t length, room;
};
void component_list_fini(struct component_list *l); /* NULL and zeroed lists are fine */

/* Everything that stops when `component` stops: contained parts, racks that lose BOTH feeds
 * (redundancy honoured: one feed of two takes nothing down), nodes cooled only by it, cables and
 * optics on it, and nodes cut off because no link of theirs is left.  Degraded is what goes on with
 * less: racks with one feed of two, nodes that keep other rails or GPUs, NICs and switches with a
 * lost link, racks whose nodes lost their cooling.  Both are sorted by id and disjoint; what they
 * held before is dropped.  MW_ENOTFOUND for an unknown component, MW_ENOMEM. */
MW_MUST_USE int fleet_fails_with(const struct fleet *f, uint64_t component,
                                 struct component_list *down, struct component_list *degraded);

/* What ALL the given components have in common: hall, row, rack, node, PDUs, breakers (any level),
 * CDU, leaf and spine switches, group, rail, optic or GPU batch; a component shares itself with
 * what is in it.  Nearest (fewest members) first; of more than ret_max the nearest are kept.
 * Rails are of NICs, their cables and optics, and leaves.  MW_ENOTFOUND, MW_ENOMEM. */
struct fleet_shared {
    enum { SHARED_COMPONENT, SHARED_GROUP, SHARED_RAIL, SHARED_BATCH } what;
    uint64_t value;   /* component id, group number, rail number, or text offset of the batch */
    uint32_t members; /* how many nodes (or parts, for batch) have it in the whole fleet */
};
MW_MUST_USE int fleet_shares(const struct fleet *f, const uint64_t *component, uint32_t n,
                             struct fleet_shared *ret, uint32_t ret_max, uint32_t *ret_n);

/* Everything a set of nodes stands on: racks, rows, halls, PDUs, breakers, CDUs, NICs, cables,
 * optics of their links, leaf switches and the spines above them; sorted by id.  Links between
 * switches are left out.  MW_ENOMEM. */
MW_MUST_USE int fleet_stands_on(const struct fleet *f, const uint32_t *node, uint32_t n,
                                struct component_list *ret);

#endif
