/*
 * What the commands about a site share: reading its file, naming its parts.
 */
#ifndef MW_CLI_SITE_FILE_H
#define MW_CLI_SITE_FILE_H

#include "cli/context.h"
#include "base/text.h"
#include "fleet/site.h"

/* Reads a site file.  Returns 0 and gives *ret (fleet_destroy), or prints what is wrong and
 * returns an exit code: CLI_EXIT_ERROR when the file has problems. */
MW_MUST_USE int site_file_load(const struct cli_context *ctx, const char *path,
                               struct fleet **ret);

/* Writes a new file, or over an old one with force.  Half written, a new one is removed; an old
 * one, which may be a device or somebody's link, is left.  MW_EEXIST, MW_EDENIED, MW_ENOTFOUND,
 * MW_ENOSPC, MW_EIO. */
MW_MUST_USE int site_file_write(const char *path, bool force, const struct text *t,
                                struct mw_error *err);

/* The component with this name.  Returns 0, or prints the nearest name and returns
 * CLI_EXIT_NOT_FOUND. */
MW_MUST_USE int site_file_find(const struct cli_context *ctx, const struct fleet *f,
                               const char *name, uint64_t *ret);

/* What directly contains or feeds a component, 0 when nothing does: a GPU's node, a rack's row,
 * a PDU's breaker, an optic's cable. */
uint64_t site_file_parent(const struct fleet *f, uint64_t component);

#endif
