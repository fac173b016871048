/* A handler of `mw journal` that has a file of its own; its row is in cmd_journal.c. */
#ifndef MW_CLI_CMD_JOURNAL_H
#define MW_CLI_CMD_JOURNAL_H

#include "cli/context.h"

int cmd_journal_rederive(struct cli_context *ctx); /* cmd_journal_rederive.c */

#endif
