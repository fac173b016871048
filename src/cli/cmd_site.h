/*
 * The handlers of `mw site query` (cmd_site_query.c), `mw site import`
 * (cmd_site_import.c) and `mw site diff` (cmd_site_diff.c); their rows are in
 * cmd_site.c with the rest of the noun.
 */
#ifndef MW_CLI_CMD_SITE_H
#define MW_CLI_CMD_SITE_H

#include "cli/context.h"

int cmd_site_fails_with(struct cli_context *ctx);
int cmd_site_shares(struct cli_context *ctx);
int cmd_site_stands_on(struct cli_context *ctx);
int cmd_site_import_slurm(struct cli_context *ctx);
int cmd_site_diff(struct cli_context *ctx);

/* What `mw site import slurm` and `mw import slurm` both take (cmd_import.c). */
extern const struct command_option cmd_import_slurm_options[];
extern const struct command_exit cmd_import_slurm_exits[];

#endif
