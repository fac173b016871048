/*
 * From argv to an exit code: parse, run the handler, make sure that the data
 * reached its reader.
 */
#ifndef MW_CLI_RUN_H
#define MW_CLI_RUN_H

#include "cli/context.h"

struct cli_streams {
    FILE *data, *messages; /* stdout and stderr; tests give others */
    struct term data_term, messages_term;
};

/* Runs one command line against the table; returns the exit code. */
int cli_run(const struct command_table *table, int argc, char **argv, struct cli_streams *s);

/* The same for a program's main(): prepares the process (closed standard streams, SIGPIPE) and
 * uses its own streams. */
int cli_main(const struct command_table *table, int argc, char **argv);

#endif
