/*
 * The end of every import: the file that was made is read back as `mw site
 * check` would, and written where it is wanted.
 */
#ifndef MW_CLI_IMPORT_OUT_H
#define MW_CLI_IMPORT_OUT_H

#include "cli/context.h"
#include "live/import_site.h"

/* Options that every import but Slurm's has, for the option tables. */
#define IMPORT_OPTIONS                                                                            \
    { .name = "name", .type = VALUE_STRING, .value = "NAME", .help = "the site's name" },         \
    { .name = "out", .type = VALUE_FILE, .value = "FILE", .fallback = "-",                        \
      .help = "where to write; - is standard output" },                                           \
    { .name = "serials", .type = VALUE_FILE, .value = "CSV",                                      \
      .help = "also write serial numbers, into this file beside --out" },                         \
    { .name = "force", .help = "write over files that exist" }

/* Checks, writes, says how large it is; gives an exit code. */
int import_out(struct cli_context *ctx, const struct import_site *s);

/* The name that --name gives, checked; NULL: none, and *ret_usage != 0 when it is no name. */
const char *import_out_name(struct cli_context *ctx, int *ret_usage);

#endif
