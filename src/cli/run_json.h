/* The keys that every simulated run has in JSON: `mw sim run` and `mw replay` alike. */
#ifndef MW_CLI_RUN_JSON_H
#define MW_CLI_RUN_JSON_H

#include <jansson.h>

#include "sim/run.h"

/* seed, horizon_days, nodes, gpus, faults, mttf_hours, ettr, goodput, classes{name: GPU-seconds},
 * wall_gpu_seconds, lost_usd, events, state_hash, trace_hash, wall_s and more.  Gives a new
 * object; NULL when out of memory. */
json_t *run_json(const struct run_result *r);

#endif
