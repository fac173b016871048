/*
 * What the commands share that tell the daemon something: making the JSON of
 * api/command.h, posting it, showing what was recorded.
 */
#ifndef MW_CLI_TELL_H
#define MW_CLI_TELL_H

#include <jansson.h>

#include "cli/daemon_of.h"

/* {"verb": …, "reason": …}; the reason is option --reason, where `reason` says that there is one.
 * The command is the caller's; NULL = out of memory, which the following pass on. */
json_t *tell_command(const struct cli_context *ctx, const char *verb, bool reason);
/* Adds a number that the command line has as text (checked by its parser). */
json_t *tell_number(json_t *command, const char *key, const char *text);
/* Adds a text; NULL adds nothing. */
json_t *tell_text(json_t *command, const char *key, const char *text);

/* Posts the command to the daemon of daemon_of.h and shows what was recorded; takes it.
 * Returns an exit code. */
int tell_post(struct cli_context *ctx, json_t *command);

extern const struct command_exit tell_exits[];

#define REASON_OPTION                                                                             \
    { .name = "reason", .letter = 'r', .type = VALUE_STRING, .value = "TEXT", .required = true,   \
      .help = "why; it goes into the record with your user id" }
#define HALL_OPTION                                                                               \
    { .name = "hall", .type = VALUE_STRING, .value = "NAME", .help = "this hall only, not all" }
#define COUNT_OPTION                                                                              \
    { .name = "count", .letter = 'n', .type = VALUE_U64, .value = "N", .fallback = "1",           \
      .help = "so many nodes from that one on, in the order of the site file" }

#endif
