/*
 * The result of simulated runs as a report for a person and as JSON.  Every
 * figure says what it rests on: counted in a trace, modelled, or both.
 */
#ifndef MW_CLI_RUN_REPORT_H
#define MW_CLI_RUN_REPORT_H

#include <jansson.h>

#include "cli/replay_view.h"
#include "cli/sensitivity.h"
#include "sim/fault_trace.h"

struct replay_report {
    const struct scenario_files *files;
    const struct run_result *result;
    const struct replay_view *view;
    bool traced;                         /* stats is filled */
    struct fault_trace_stats stats;
    const struct sensitivity_table *sensitivity; /* NULL = not asked for */
};

/* What figures rest on that come of faults and jobs together. */
const char *replay_basis(const struct replay_report *r);

/* "gpu", "(checkpoints: insurance)": a row of account_totals.by_cause. */
const char *replay_cause_name(const struct replay_report *r, uint32_t cause);

void replay_report_print(const struct cli_context *ctx, const struct replay_report *r);

/* The table of changed assumptions alone. */
void replay_sensitivity_print(struct output *o, const struct sensitivity_table *t);

/* Gives a new document; NULL when out of memory. */
json_t *replay_report_json(const struct replay_report *r);
json_t *replay_sensitivity_json(const struct sensitivity_table *t); /* NULL = an empty list */

#endif
