/*
 * The handler of `mw sim sweep`, in cmd_sim_sweep.c; its row is in cmd_sim.c
 * with the rest of the noun.
 */
#ifndef MW_CLI_CMD_SIM_H
#define MW_CLI_CMD_SIM_H

#include "cli/context.h"

int cmd_sim_sweep(struct cli_context *ctx);

/* --threads, or as many as there are processors. */
uint32_t cmd_sim_threads(const struct cli_context *ctx);

#endif
