/*
 * The handlers of `mw import` that need a file of their own; their rows are in
 * cmd_import.c.
 */
#ifndef MW_CLI_CMD_IMPORT_H
#define MW_CLI_CMD_IMPORT_H

#include "cli/context.h"

int cmd_import_redfish(struct cli_context *ctx);
int cmd_import_lldp(struct cli_context *ctx);
int cmd_import_netbox(struct cli_context *ctx);

#endif
