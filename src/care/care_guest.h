/*
 * Guests: findings that join a node's incident and may come from elsewhere, a leaf
 * that limps while the node stands at its gate with a new GPU.
 *
 * A guest says nothing about the node's own repair while it is so fresh that its
 * cause may not be known yet (policy.cause_window_ms), and after that as long as
 * a part on which the node hangs has an open incident that is not repaired and
 * settled; that is looked at again every hour, or settle_ms where that is longer.
 * As long as guests are all that is open, the repair is neither failed nor
 * believed: the node is not moved down, a gate that fails meanwhile does not count
 * and is begun again when they have gone, and nobody returns from probation.  A
 * guest that nothing explains any more is the node's own.
 *
 * What is found again of the very thing that was repaired is no guest.
 *
 * Owns which findings are guests, and when that is looked at again.
 */
#ifndef MW_CARE_GUEST_H
#define MW_CARE_GUEST_H

#include "base/units.h"
#include "care/care_private.h"

struct guest {
    /* state, per finding row, per incident row */
    uint8_t *is;        /* this finding is one */
    uint32_t *count;    /* its open guests */
    uint8_t *trees;     /* CAUSE_* through which they may have come */
    uint8_t *excused;   /* gates that failed and did not count though nothing explained it */
    int64_t *due_ns;    /* until then they are believed to be guests; MW_NEVER = they are not */

    struct heap timers; /* over due_ns */
};

int guest_init(struct care *c);
void guest_fini(struct care *c);
void guest_columns(struct care *c);
void guest_rebuild(struct care *c);

/* Folds.  A finding has this row; it joined a node's incident; it is over, or nobody's. */
void guest_finding(struct care *c, uint32_t row);
void guest_joined(struct care *c, const struct body_incident *i, uint32_t row);
void guest_finding_closed(struct care *c, uint32_t row, uint32_t slot);
void guest_incident_reset(struct care *c, uint32_t slot); /* opened, closed */

int64_t guest_next_due(const struct care *c, uint32_t *ret_slot);
uint8_t guest_timer_fired(struct care *c, const struct event *ev);

/* How long until guests are looked at again: chosen, for a switch is not repaired in less. */
static inline int64_t guest_look_ns(const struct care *c)
{
    return MW_MAX(c->policy.settle_ms, MW_MS_PER_HOUR) * MW_NS_PER_MS;
}

/* Is something open about the node of this incident, and all of it a guest? */
bool guest_alone(const struct care *c, uint32_t slot);
/* Its gate has failed: may they have done it? */
bool guest_excuses(struct care *c, uint32_t slot);

#endif
