/*
 * The guard: modes per hall, the safety budget, holds.
 *
 * It bounds what automation may take from WORKING nodes: per hall max(1 node,
 * 0.5 %) in ten minutes, 2 % of the fleet at once, never two racks of one power
 * or cooling domain at the same time.  What is broken already is not charged.
 * A person's command is not automation (event.actor != 0 passes).  A refusal
 * over budget trips the hall, or all halls when the fleet's budget is used up:
 * there everything that takes is advice until a person resets it with a reason.
 *
 * Modes, per hall: observe and advise record as advice what would be taken, and
 * an approval is refused there; approve waits for a person; act acts.  What is
 * broken already is repaired in every mode.
 *
 * Orders to an engine that owns allocation (Slurm) go out in mode act only, or
 * for a person who approved.  What is ordered down is broken as far as is known,
 * but that may be our mistake (an agent or slurmd that crashes everywhere), so
 * no more than a share of the fleet is down at our word at once; past it the
 * order is advice, and the engine's own time-outs hold.  A node that others took
 * out of the engine has a hold until they return it.
 */
#ifndef MW_GUARD_GUARD_H
#define MW_GUARD_GUARD_H

#include "board/board.h"

struct guard_policy {
    uint8_t mode;              /* enum guard_mode for every hall at the start */
    uint32_t hall_permille_x10; /* 50 = 0.5 % of a hall's nodes … */
    int64_t window_ms;         /* … within this time */
    uint32_t fleet_permille_x10; /* 200 = 2 % of the fleet at once */
    bool domain_rule;          /* never two racks of one power or cooling domain */
    uint32_t down_permille_x10; /* 500 = 5 % of the fleet, and 8 nodes at least, may be ordered down
                                   from an engine at once */
};
struct guard_policy guard_policy_default(void); /* act, 50, 10 min, 200, true, 500 */

struct guard;
MW_MUST_USE int guard_create(struct board *b, const struct guard_policy *p, struct guard **ret);
void guard_destroy(struct guard *g);
struct plane guard_plane(struct guard *g);
struct guard_port guard_port_of(struct guard *g);

bool guard_tripped(const struct guard *g);
enum guard_mode guard_mode_of(const struct guard *g, uint32_t hall);
/* What the engine that owns allocation said last of a node: enum node_service | enum service_owner
 * << 4; 0 = in service, or nothing was said yet. */
uint8_t guard_node_reported(const struct guard *g, uint32_t node);
/* Is one of the node's holds that of the engine: out there by others, or by us without an
 * incident? */
bool guard_node_held_there(const struct guard *g, uint32_t node);
/* The holds of a node that people set, newest first: up to max; how many were written. */
struct guard_hold {
    uint64_t seq;   /* the command that set it; its text is the reason */
    uint32_t owner; /* the person's number */
};
uint32_t guard_holds(const struct guard *g, uint32_t node, struct guard_hold *ret, uint32_t max);
/* The budget of a hall: how many nodes automation took within the window that ends at now_ms, how
 * many it may take in one, and whether it may not until a person resets it. */
struct guard_hall_budget {
    uint32_t taken, allowed;
    bool tripped;
};
struct guard_hall_budget guard_hall_budget(const struct guard *g, uint32_t hall, int64_t now_ms);
/* How many nodes of the fleet may be drained at once; be ordered down from an engine; and are. */
uint32_t guard_fleet_allowed(const struct guard *g);
uint32_t guard_downs_allowed(const struct guard *g);
uint32_t guard_downs(const struct guard *g);
/* Working nodes that are drained now, those with them that a person approved. */
uint32_t guard_taken(const struct guard *g);
const char *guard_reason_name(uint32_t reason);

#endif
