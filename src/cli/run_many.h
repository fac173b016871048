/*
 * Several runs of one scenario under one seed after another, and their numbers
 * as a mean with its 95 % interval (Student's t).
 */
#ifndef MW_CLI_RUN_MANY_H
#define MW_CLI_RUN_MANY_H

#include <jansson.h>

#include "base/estimate.h"
#include "sim/run.h"

/* Every number of run_json() becomes {mean, lo, hi, values}, values in the order of the seeds,
 * except `seed`, which is the first; `runs` is added; `state_hash` and `trace_hash` are hashes
 * over those of all runs.  wall_s is what all of it took.  Gives a new object; NULL when out of
 * memory. */
json_t *run_many_json(const struct run_result *result, uint32_t runs, double wall_s);

#endif
