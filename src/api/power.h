/*
 * What the site draws, and what it may draw.  Modelled from the site file's nameplates: no meter is
 * read here.
 *
 * Of its nameplate a node draws
 *     73.5 %  with a job, or at its gate: an HGX H100 is rated 10.2 kW and typically draws 6.5 to
 *             8.5 kW; the middle of that.  (Its measured maximum is 8.4 kW: Latif et al.)
 *     20.8 %  in service without a job: a GB300 compute tray at rest reads 1,355 W at its own
 *             supply, of 6.5 kW
 *     nothing while a crew has it open, or out of the fleet
 * and what a rack has besides its nodes (switches, its own overhead) draws its nameplate.
 *
 * What it may draw: the limits of the uppermost breakers.  Racks with two feeds hang on either of
 * two, and one must be able to carry them alone: the lower sum of the two sides counts.
 */
#ifndef MW_API_POWER_H
#define MW_API_POWER_H

#include "control/control.h"

#define POWER_BUSY_PERMILLE 735
#define POWER_IDLE_PERMILLE 208

struct power {
    int64_t drawn_w;
    int64_t cap_w; /* 0 = the site file names no breakers */
};

/* Of a hall's row, or of the whole site (MW_NONE).  MW_ENOMEM. */
MW_MUST_USE int power_of(const struct control *c, uint32_t hall, struct power *ret);
/* Of one node, W. */
int64_t power_of_node(const struct control *c, uint32_t node);

#endif
