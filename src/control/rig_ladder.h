/*
 * A ladder with easy numbers, for tests: a GPU of a node costs $1 an hour, a node
 * $8; crews $60 an hour.  The gate takes half an hour ($4).  A refault kills a
 * job of one node: 45 minutes, $6, of which the gate misses 75 %: $4.50.
 */
#ifndef MW_CONTROL_RIG_LADDER_H
#define MW_CONTROL_RIG_LADDER_H

#include "control/rig.h"

enum { REBOOT, RESEAT, REPLACE, RETIRE }; /* rows of the ladder of RIG_KILLS */

/* rig_policy() with a ladder for RIG_KILLS: a reboot by the BMC (odds 40 %, half an hour), a reseat
 * (50 %, 90 minutes, an hour of hands), a replacement (90 %, 210 minutes, two hours of hands, a
 * part of $1000). */
struct control_policy rig_ladder_policy(void);

/* … and at its end retirement. */
void rig_with_retirement(struct control_policy *p);

/* Answers the last order (action: opened is EV_ACTION_STARTED) of the node; what was done is what
 * was asked for where step is STEP_COUNT. */
enum admit rig_step_ended(struct rig *r, uint32_t opened, uint32_t node, uint8_t result,
                          uint8_t step);

#endif
