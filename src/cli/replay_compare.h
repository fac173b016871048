/*
 * `mw replay --compare`: the same faults and jobs under three policies, from
 * how the site was run to everything the scenario's policy has, over many
 * seeds, with what the figures hang on and what no replay can know.
 */
#ifndef MW_CLI_REPLAY_COMPARE_H
#define MW_CLI_REPLAY_COMPARE_H

#include "cli/scenario_files.h"

/* Prints; returns an exit code. */
MW_MUST_USE int replay_compare(struct cli_context *ctx, const struct scenario_files *files);

#endif
