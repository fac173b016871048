/*
 * A site's own rules over the live ones: `mw serve --policy FILE`.  The file has
 * three keys of the scenario language, with the same meaning (docs/scenario.md):
 * `policy`, `parts`, and `classes`, whose names are those of the live classes;
 * what a class does not say stays as live/policy.h has it.
 */
#ifndef MW_CLI_POLICY_FILE_H
#define MW_CLI_POLICY_FILE_H

#include "base/problems.h"
#include "cli/context.h"
#include "control/control.h"

/* A policy's text; name stands in messages.  MW_ESYNTAX: its mistakes are in *problems, and *p is
 * as it was.  MW_ENOMEM. */
MW_MUST_USE int policy_file_read(const char *text, size_t size, const char *name,
                                 struct control_policy *p, struct problems *problems,
                                 struct mw_error *err);

/* Changes *p as the file says; its mistakes are printed, and nothing is changed then.  The exit
 * code. */
int policy_file_load(const struct cli_context *ctx, const char *path, struct control_policy *p);

#endif
