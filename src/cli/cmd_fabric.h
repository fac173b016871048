/*
 * Where `mw fabric` and `mw import ibnetdiscover` get a fabric from: a file of
 * ibnetdiscover, or the fabric itself by mw-fabric.
 */
#ifndef MW_CLI_CMD_FABRIC_H
#define MW_CLI_CMD_FABRIC_H

#include "cli/context.h"
#include "live/fabric_line.h"

/* The options of both. */
#define FABRIC_OPTIONS                                                                            \
    { .name = "ibnetdiscover", .type = VALUE_FILE, .value = "FILE",                               \
      .help = "what ibnetdiscover printed; else the fabric is asked" },                           \
    { .name = "ca", .type = VALUE_STRING, .value = "NAME",                                        \
      .help = "the adapter to ask through; else the first with a link" },                         \
    { .name = "port", .type = VALUE_STRING, .value = "N", .help = "its port" },                   \
    { .name = "names", .type = VALUE_FILE, .value = "FILE",                                       \
      .help = "a node name map: lines of 0xGUID \"name\"" },                                      \
    { .name = "deadline", .type = VALUE_DURATION, .value = "TIME", .fallback = "60s",             \
      .help = "for the fabric to answer" }

/* Fills ret (fabric_round_fini) and names its source.  Returns 0, or an exit code after a
 * message. */
int fabric_get(struct cli_context *ctx, bool counters, struct fabric_round *ret,
               const char **ret_source);

#endif
