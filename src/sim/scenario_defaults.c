/* What a scenario is where its file is silent; docs/scenario.md repeats each value. */
#include <string.h>

#include "base/units.h"
#include "sim/scenario.h"

#define START_DAY INT64_C(19723) /* 2024-01-01 */

static struct scenario_draw fixed(int64_t ns)
{
    return (struct scenario_draw){LAW_FIXED, (double)ns, 0.0};
}

void scenario_defaults(struct scenario *s)
{
    must(s != NULL);
    memset(s, 0, sizeof(*s));
    s->start_ns = START_DAY * MW_NS_PER_DAY;
    s->horizon_ns = 30 * MW_NS_PER_DAY;
    s->seed = 1;
    s->policy = control_policy_default();
    s->trace_slow_share = 0.15;
    s->crew_start = fixed(0);
    s->approve_after_ns = 15 * MW_NS_PER_MIN;
    s->load = 0.8;
    s->trace_write = fixed(30 * MW_NS_PER_S);
    s->trace_restart = fixed(5 * MW_NS_PER_MIN);
    s->messages.late_ns_max = MW_NS_PER_MIN;
    s->messages.resend_ns = 30 * MW_NS_PER_S;
    s->progress_every_ns = MW_NS_PER_HOUR;
}
