/* See the header. */
#include "control/rig_ladder.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/units.h"

#define USD MW_MICRODOLLARS_PER_DOLLAR
#define MINUTE_MS MW_MS_PER_MIN
#define HOUR_MS MW_MS_PER_HOUR

struct control_policy rig_ladder_policy(void)
{
    struct control_policy p = rig_policy();
    p.care.uusd_per_gpu_hour = USD;
    p.care.uusd_per_crew_hour = 60 * USD;
    p.care.job_nodes = 1;
    p.care.parts = 1;
    p.care.part[0] = (struct care_part){ .name = "GPU", .cost_uusd = 1000 * USD,
                                         .lead_ms = 48 * HOUR_MS, .stock = 100, .least = 2,
                                         .batch = 5 };
    struct care_class *k = &p.care.class[RIG_KILLS];
    k->steps = 3;
    k->ladder[REBOOT] = (struct care_ladder){
        .step = STEP_REBOOT, .who = WHO_BMC, .part = CARE_PART_NONE, .odds_ppm = 400000,
        .weight = 10, .duration_ms = 30 * MINUTE_MS, .deadline_ms = HOUR_MS,
        .lease_ms = 5 * MINUTE_MS };
    k->ladder[RESEAT] = (struct care_ladder){
        .step = STEP_RESEAT, .who = WHO_TECHNICIAN, .part = CARE_PART_NONE, .odds_ppm = 500000,
        .weight = 10, .duration_ms = 90 * MINUTE_MS, .deadline_ms = 4 * HOUR_MS,
        .crew_ms = HOUR_MS };
    k->ladder[REPLACE] = (struct care_ladder){
        .step = STEP_REPLACE, .who = WHO_TECHNICIAN, .part = 0, .odds_ppm = 900000, .weight = 10,
        .duration_ms = 210 * MINUTE_MS, .deadline_ms = 12 * HOUR_MS, .crew_ms = 2 * HOUR_MS };
    return p;
}

void rig_with_retirement(struct control_policy *p)
{
    struct care_class *k = &p->care.class[RIG_KILLS];
    k->ladder[k->steps++] = (struct care_ladder){ .step = STEP_RETIRE, .who = WHO_TECHNICIAN,
                                                  .part = CARE_PART_NONE, .odds_ppm = 1000000 };
}

enum admit rig_step_ended(struct rig *r, uint32_t opened, uint32_t node, uint8_t result,
                          uint8_t step)
{
    const struct event *order = &rig_last_of(r, opened, node)->ev;
    struct event ev = { .kind = opened == EV_ACTION_STARTED ? EV_ACTION_ENDED : EV_ORDER_ENDED,
                        .source = SOURCE_CREW, .cause = order->seq };
    ev.body.order = order->body.order;
    ev.body.order.result = result;
    if (step != STEP_COUNT)
        ev.body.order.step = step;
    ev.tail_size = 4;
    return rig_submit(r, &ev, "read");
}
