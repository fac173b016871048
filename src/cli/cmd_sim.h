/*
 * The handlers of `mw sim sweep` and `mw sim levers`, in cmd_sim_sweep.c and
 * cmd_sim_levers.c; their rows are in cmd_sim.c with the rest of the noun.
 */
#ifndef MW_CLI_CMD_SIM_H
#define MW_CLI_CMD_SIM_H

#include "cli/context.h"

int cmd_sim_sweep(struct cli_context *ctx);
int cmd_sim_levers(struct cli_context *ctx);

/* --threads, or as many as there are processors. */
uint32_t cmd_sim_threads(const struct cli_context *ctx);

#endif
