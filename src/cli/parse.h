/*
 * Command line in, a checked command with its options and arguments out.
 * Driven by the command table; runs nothing and prints nothing.
 *
 * Options may stand anywhere after the noun and verb, common ones anywhere;
 * "--opt value" and "--opt=value", "-o value" and "-ovalue", flags together
 * ("-qh"); "--" ends options; names are never abbreviated.
 */
#ifndef MW_CLI_PARSE_H
#define MW_CLI_PARSE_H

#include "cli/context.h"

struct cli_parsed {
    const struct command_group *group; /* NULL when no noun was given */
    const struct command *command;     /* NULL when the words do not name one */
    struct cli_given *given;           /* owned; values point into argv */
    const char **arg;                  /* owned */
    uint32_t given_count, given_room, arg_count;
    enum output_form form;
    bool help, version, no_color, quiet;
};

/* On MW_EINVAL err holds one sentence with the nearest right word, and group and command in *ret
 * are set as far as they were understood.  When help or version is set the rest is not checked.
 * MW_ENOMEM.  Always release with cli_parsed_fini(). */
MW_MUST_USE int cli_parse(const struct command_table *table, int argc, char **argv,
                          struct cli_parsed *ret, struct mw_error *err);
void cli_parsed_fini(struct cli_parsed *p);

#endif
