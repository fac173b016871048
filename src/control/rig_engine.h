/*
 * The bench of rig.h with Slurm in the engine's place: what it says, played by
 * hand.  For tests only.
 */
#ifndef MW_CONTROL_RIG_ENGINE_H
#define MW_CONTROL_RIG_ENGINE_H

#include "control/rig.h"

/* As rig_make(), in a mode; RIG_SLOWS is made "node-silent", which kills and heals by itself after
 * a probation of 10 s. */
struct rig *rig_engine_make(uint32_t nodes, uint8_t mode);

/* Slurm gives the nodes first .. first + count - 1 to the job, which runs from then on. */
void rig_engine_gives(struct rig *r, uint64_t job, uint32_t first, uint32_t count);
/* What became of the last order with this verb. */
void rig_engine_answers(struct rig *r, uint8_t verb, uint8_t result, const char *text);
/* What Slurm says of a node: service, owner (core/event.h), and the reason, which may be NULL. */
void rig_engine_says(struct rig *r, uint32_t node, uint8_t service, uint8_t owner,
                     const char *reason);

#endif
