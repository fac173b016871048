/*
 * Tokens, wherever they are: in an access file named on the command line, or in
 * the daemon's.  One set of questions for both, so that `mw token` need not know.
 */
#ifndef MW_CLI_ACCESS_OF_H
#define MW_CLI_ACCESS_OF_H

#include <jansson.h>

#include "cli/context.h"

/* Rows of a command's options. */
#define ACCESS_FILE_OPTION                                                                       \
    { .name = "access", .type = VALUE_FILE, .value = "FILE",                                     \
      .help = "change this access file itself, with or without a daemon" }

/* The documents of POST, GET and DELETE /api/v1/tokens: *ret is to be given to json_decref(). */
MW_MUST_USE int access_of_create(const struct cli_context *ctx, const json_t *grant, json_t **ret,
                                 struct mw_error *err);
MW_MUST_USE int access_of_list(const struct cli_context *ctx, json_t **ret, struct mw_error *err);
MW_MUST_USE int access_of_revoke(const struct cli_context *ctx, const char *id,
                                 struct mw_error *err);

#endif
