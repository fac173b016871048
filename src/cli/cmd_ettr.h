/*
 * The handler of `mw sim ettr-check`; its row is in cmd_sim.c with the rest of
 * the noun.
 */
#ifndef MW_CLI_CMD_ETTR_H
#define MW_CLI_CMD_ETTR_H

#include "cli/context.h"

int cmd_sim_ettr_check(struct cli_context *ctx);

#endif
