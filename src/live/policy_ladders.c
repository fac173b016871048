/*
 * One table.  Where the odds are from:
 * - gpu, nvlink: of Crusoe's H200 faults on nodes (GTC 2025; 19.5 % GPU recoverable, 41.5 % host
 *   replaced, 4.9 % other host) 29.6 % went away without a hand.  Nobody parts that between a reset
 *   and a reboot: both get the same, 1 - (1 - 0.16)^2 = 0.294.  gpud, too, reboots before it asks
 *   for an inspection of the hardware.
 * - gpu-soon: a row that waits to be remapped is remapped by the reset; remapping fixed
 *   92 % of uncorrectable errors on Delta (SC'25, "Story of Two GPUs").
 * - a technician: 69 % of the repairs in StepFun's trace held for 7 days; they took 5.54 days on
 *   average.  Stuck after 2 days: chosen, as in scenarios/stepfun.yaml.
 * - a reboot of a node whose kernel complains or that is silent, a service started again, and how
 *   long what machines do takes: chosen, as in scenarios/year-250k.yaml.
 * Each prior is as strong as ten repairs seen: chosen.
 */
#include "live/policy_ladders.h"

#include <string.h>

#include "base/units.h"

#define WEIGHT 10u
#define LEASE_MS (5 * MW_MS_PER_MIN) /* chosen: longer than a restart of the daemon or the agent */

/* By name, so that a class that another table lacks is none here. */
static const struct {
    const char *class;
    uint8_t step, who; /* enum care_step, enum step_who */
    uint32_t odds_ppm;
    int64_t duration_s;
} rows[] = {
    { "gpu", STEP_RESET_GPU, WHO_AGENT, 160000, 60 },
    { "gpu", STEP_REBOOT, WHO_AGENT, 160000, 900 },
    { "gpu-soon", STEP_RESET_GPU, WHO_AGENT, 920000, 60 },
    { "gpu-soon", STEP_REBOOT, WHO_AGENT, 920000, 900 },
    { "driver", STEP_REBOOT, WHO_AGENT, 300000, 900 },
    { "driver", STEP_POWER_CYCLE, WHO_BMC, 300000, 900 },
    { "nvlink", STEP_REBOOT, WHO_AGENT, 294000, 900 },
    { "nvlink", STEP_POWER_CYCLE, WHO_BMC, 294000, 900 },
    { "kernel", STEP_REBOOT, WHO_AGENT, 300000, 900 },
    { "kernel", STEP_POWER_CYCLE, WHO_BMC, 300000, 900 },
    { "node-silent", STEP_POWER_CYCLE, WHO_BMC, 300000, 900 },
    { "engine-node", STEP_RESTART_SERVICE, WHO_AGENT, 500000, 60 },
    { "engine-node", STEP_REBOOT, WHO_AGENT, 300000, 900 },
    { "slurmd", STEP_RESTART_SERVICE, WHO_AGENT, 900000, 60 },
    { "slurmd", STEP_REBOOT, WHO_AGENT, 300000, 900 },
};

static const struct {
    const char *class, *unit;
} units[] = { { "slurmd", "slurmd.service" }, { "engine-node", "slurmd.service" } };

/* The last step of each ladder: what a crew does where no machine could help. */
static const struct care_ladder CREW = {
    .step = STEP_REPAIR, .who = WHO_TECHNICIAN, .part = CARE_PART_NONE, .odds_ppm = 690000,
    .weight = WEIGHT, .duration_ms = 133 * MW_MS_PER_HOUR /* 5.54 days */,
    .deadline_ms = 2 * MW_MS_PER_DAY, .crew_ms = MW_MS_PER_HOUR };

static void add_rows(struct care_class *k)
{
    k->steps = 0;
    for (size_t i = 0; i < MW_ARRAY_LEN(rows); i++) {
        if (strcmp(rows[i].class, k->name) != 0)
            continue;
        must(k->steps + 1 < CARE_STEPS_MAX);
        k->ladder[k->steps++] = (struct care_ladder){
            .step = rows[i].step, .who = rows[i].who, .part = CARE_PART_NONE,
            .odds_ppm = rows[i].odds_ppm, .weight = WEIGHT, .lease_ms = LEASE_MS,
            .duration_ms = rows[i].duration_s * MW_MS_PER_S };
    }
    if (k->steps > 0)
        k->ladder[k->steps++] = CREW;
}

void live_ladders(struct control_policy *p)
{
    must(p != NULL && p->care.classes <= BOARD_CLASSES_MAX);
    for (uint32_t i = 0; i < p->care.classes; i++)
        add_rows(&p->care.class[i]);
}

const char *live_ladder_unit(const char *class_name)
{
    for (size_t i = 0; i < MW_ARRAY_LEN(units); i++)
        if (strcmp(units[i].class, class_name) == 0)
            return units[i].unit;
    return "";
}
