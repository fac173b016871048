/*
 * The record of a rig gone through again: read back, recovered in the middle and
 * continued, decided again.  For tests only, as rig.h.
 */
#ifndef MW_CONTROL_RIG_AGAIN_H
#define MW_CONTROL_RIG_AGAIN_H

#include "control/rederive.h"
#include "control/rig.h"

/* A controller of the rig's site over a journal that is borrowed, which has read nothing yet.
 * Rules NULL = the rig's own, here and below. */
struct control *rig_fresh(const struct rig *r, const struct control_policy *rules,
                          struct journal *j);

/* Both recorded the same, byte for byte, and are in the same state. */
void rig_check_same(const struct rig *a, const struct rig *b);

/* A journal that grows group by group is read back after every `every`-th group: the state is what
 * it was then (r->hashes was set from the start).  A snapshot is made after every
 * `snapshot_every`-th group and used from then on; 0 = none.  Gives how many states it compared. */
uint32_t rig_check_read_back(const struct rig *r, uint32_t every, uint32_t snapshot_every);

/* Recovered as of after the fact of this number, the facts after it submitted once more.  With
 * `snapshot` it is recovered from one. */
struct rig *rig_restarted(const struct rig *r, uint32_t fact, bool snapshot);

/* Decided again by these rules; without a difference the state is the same. */
struct rederive_report rig_rederive(const struct rig *r, const struct control_policy *rules);
void rig_check_rederived(const struct rig *r); /* there is no difference */

/* The record read back gives the state; decided again it gives the record; from a snapshot in the
 * middle the facts after it give the rest; and what must hold of every record. */
void rig_check_again(const struct rig *r);

#endif
