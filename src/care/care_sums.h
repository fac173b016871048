/*
 * The sums of the alternatives: what each step of a ladder, and each moment at
 * which a job may let go of its node, is expected to cost, in micro-dollars.
 *
 * Of a step, with p its odds:
 *   action   as the policy says
 *   part     its price
 *   crew     hands on * price of an hour
 *   waiting  (duration + until its part is there + gate) * GPUs of the node * price of a GPU-hour;
 *            of retirement what the node would have earned
 *   harm     in place, on a node that works on: duration and wait * share of speed lost * GPUs of
 *            the whole gang, for a slow part slows all of it
 *   retry    (1 - p) * V(rest)
 *   refault  (1 - p) * share that the gate misses * a kill without warning; and of a node whose
 *            keeping costs more than it earns p * that cost
 * A repair that did not hold is found by its gate, or the node fails again in service.  The share
 * that the gate misses is 1 where there is none, else 75 %: in StepFun's trace 28 % of nodes more
 * than chance explains failed again within 7 days of a repair, 7 % in a stress test and 21 % at
 * work (reference health.md 5.1; our gates are keyed to the fault and may find more: modelled).
 * To go on waiting for a stuck order is expected to take as long again as it has lasted: a repair
 * that is not over lasts the longer, the longer it has lasted.  That is the mean rest of a Pareto
 * law with exponent 2 (age / (exponent - 1)); chosen.  StepFun's trace, whose longest 10 % of
 * repairs hold 72 % of the time in repair, asks for an exponent of 1.17 (0.1 ^ (1 - 1/1.17) = 0.72)
 * and six times the age; but there nobody was told to hurry, and here everybody has just been.
 * What it takes to have it asked for is spent already; its part would go back into the store.
 * A kill without warning costs a job of policy.job_nodes nodes 45 minutes: 15 to start again and
 * half of the hour between two checkpoints, as in Meta's RSC (arXiv 2410.21680); modelled.
 *
 * Of a drain, with s the share of speed that the part costs the gang:
 *   now            (work since the last checkpoint + restart) * gang
 *   at checkpoint  (restart + s * until then) * gang + what may happen until then
 *   not at all     s / (1 - s) * rest of the job * gang + what may happen in the rest
 * What may happen: the hazard of the class * a kill without warning of this very job.
 *
 * Pure: reads the care, the board and the policy; decides what is cheapest, not what is done.
 */
#ifndef MW_CARE_CARE_SUMS_H
#define MW_CARE_CARE_SUMS_H

#include "care/care_private.h"

#define SUMS_MAX (CARE_STEPS_MAX + 1u) /* all steps, and a crew where none is left */
#define SUMS_GATE_MISSES_PPM 750000u
#define SUMS_KILL_MS (45 * MW_MS_PER_MIN)
#define SUMS_LIFE_YEARS 4 /* as lemon_spent() has it */

struct sums {
    struct step_sum row[SUMS_MAX]; /* the best first, those that are barred last */
    uint32_t count, chosen;
};

/* The steps of an incident's class.  in_place: its node works on meanwhile. */
void sums_of_steps(const struct care *c, uint32_t slot, bool in_place, struct sums *ret);

/* To go on waiting for the incident's open order (the row with `waits`), or another step by people
 * that was not tried yet, or retirement; waiting is chosen unless another is cheaper.  false when
 * what is open is no step of the class's ladder. */
bool sums_of_swap(const struct care *c, uint32_t slot, bool in_place, struct sums *ret);

/* When the job on the incident's node lets go of it; the step is the one that would be next. */
void sums_of_drains(const struct care *c, uint32_t slot, struct sums *ret);

/* Is anything known that makes it better or worse to keep the node at work? */
bool sums_can_weigh(const struct care *c, uint32_t slot);

#endif
