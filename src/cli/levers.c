/* The table of levers.  See levers.h. */
#include "cli/levers.h"

#include <assert.h>

/* Without the rule for checkpoints: one an hour, what Meta reckons with for its largest jobs
 * (arXiv 2410.21680, section III).  The gate is no lever of a replayed trace: its faults are what
 * was left after the site's own. */
const struct lever cli_levers[] = {
    { "lemon", "lemon rule", "policy.lemon.on=false", LEVER_CARE },
    { "growth", "growing probation", "policy.growth=false", LEVER_CARE },
    { "retire", "retirement", "policy.retire=false", LEVER_CARE },
    { "escalate", "escalation of stuck repairs", "policy.escalate=false", LEVER_CARE },
    { "least-cost", "ladder by least cost", "policy.least_cost=false", LEVER_CARE },
    { "evict", "drains by cost", "policy.evict=false", LEVER_CARE },
    { "correlate", "one cause, one incident", "policy.correlate=false", LEVER_CARE },
    { "spares", "spares", "policy.spares.on=false", LEVER_WORK },
    { "checkpoints", "checkpoint rule", "policy.interval=1h", LEVER_WORK },
    { "backfill", "backfill with reservations", "policy.backfill=false", LEVER_WORK },
    { "avoid", "avoiding suspects", "policy.avoid=false", LEVER_WORK },
    { "preempt", "preemption", "policy.preempt=false", LEVER_WORK },
    { "topology", "placement by topology", "policy.topology=false", LEVER_WORK },
    { "gate", "gate after repairs", "policy.gate=false", LEVER_FIXED },
    { 0 },
};

static_assert(MW_ARRAY_LEN(cli_levers) - 1 <= LEVERS_MAX, "a comparison has room for all levers");

uint32_t cli_levers_count(void)
{
    return (uint32_t)MW_ARRAY_LEN(cli_levers) - 1;
}
