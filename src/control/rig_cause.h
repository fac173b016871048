/*
 * For tests of common causes: sites as trees of breakers, PDUs and racks with
 * one feed each, a policy whose faults may come from elsewhere, and questions
 * about what hangs on what.  For tests only, as rig.h.
 */
#ifndef MW_CONTROL_RIG_CAUSE_H
#define MW_CONTROL_RIG_CAUSE_H

#include "control/rig.h"

/* Nodes of 8 GPUs in racks of one feed: a breaker main, below it so many breakers b1.., in each so
 * many PDUs b1-p1.., racks b1-p1-k1.., nodes b1-p1-k1-n1.. */
struct fleet *rig_tree_fleet(uint32_t breakers, uint32_t pdus, uint32_t racks, uint32_t nodes);

/* RIG_KILLS may come from anywhere, RIG_SLOWS and RIG_FLAPS over the network. */
struct control_policy rig_tree_policy(void);

/* A begun controller over a fleet that it takes over; on a tree; on the usual generated site, with
 * leaves and two feeds to each rack. */
struct rig *rig_on(struct fleet *f, const struct control_policy *p);
struct rig *rig_tree(uint32_t breakers, uint32_t pdus, uint32_t racks, uint32_t nodes);
struct rig *rig_racks(uint32_t nodes);

uint64_t rig_part(const struct rig *r, const char *name); /* fails when there is none */
uint32_t rig_node(const struct rig *r, const char *name);

/* The open incident on a part; fails when there is none. */
uint32_t rig_incident(const struct rig *r, uint64_t component);
bool rig_has_incident(const struct rig *r, uint64_t component);
/* The incident at the end of its chain of parents. */
uint32_t rig_topmost(const struct rig *r, uint32_t slot);
/* How many nodes with an open incident hang on this one in the end. */
uint32_t rig_nodes_under(const struct rig *r, uint32_t root);
uint32_t rig_roots(const struct rig *r);

/* No contradiction, no cascade near its bound, and the promises of every record. */
void rig_check_bounds(const struct rig *r);

/* The first nodes of a rack die, 10 ms apart; *ret, unless NULL: their findings. */
void rig_kill_rack(struct rig *r, const char *name, uint32_t nodes, uint64_t *ret);

#endif
