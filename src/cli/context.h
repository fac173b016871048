/*
 * What a running command holds: its parsed options and arguments, where data
 * and messages go, and the exit codes it may return.
 */
#ifndef MW_CLI_CONTEXT_H
#define MW_CLI_CONTEXT_H

#include "cli/command.h"
#include "cli/output.h"

/*      name                     code  word           meaning */
#define CLI_EXITS(X)                                                                              \
    X(CLI_EXIT_OK,           0,    "ok",          "the command did what was asked")               \
    X(CLI_EXIT_ERROR,        1,    "error",       "it failed; the message says why")              \
    X(CLI_EXIT_USAGE,        2,    "usage",       "the command line is wrong; nothing was done")  \
    X(CLI_EXIT_NOT_FOUND,    3,    "not found",   "a file or component named does not exist")     \
    X(CLI_EXIT_DENIED,       4,    "denied",      "not permitted")                                \
    X(CLI_EXIT_CONFLICT,     5,    "conflict",    "it exists already, is in use, or the state "   \
                                                  "does not allow it")                            \
    X(CLI_EXIT_UNREACHABLE,  6,    "unreachable", "the other side cannot be reached")             \
    X(CLI_EXIT_TIMEOUT,      7,    "timeout",     "no answer in time")                            \
    X(CLI_EXIT_PARTIAL,      8,    "partial",     "some targets succeeded, others did not")       \
    X(CLI_EXIT_PROBLEMS,     10,   "problems",    "the check ran and found problems")             \
    X(CLI_EXIT_INTERRUPTED,  130,  "interrupted", "stopped by Ctrl-C")

enum cli_exit {
#define X(name, code, word, meaning) name = code,
    CLI_EXITS(X)
#undef X
};

/* The exit code that a status (0 or MW_E*) stands for. */
int cli_exit_of(int status);
/* "the check ran and found problems"; "" for a number that is no exit code of ours. */
const char *cli_exit_meaning(int code);

/* An option as given on the command line, in order. */
struct cli_given {
    const struct command_option *option;
    const char *value; /* NULL for a flag; points into argv */
};

/* Columns of help text at most: longer lines are hard to read. */
#define CLI_HELP_WIDTH_MAX 96U

struct cli_context {
    const struct command_table *table;
    const struct command_group *group;
    const struct command *command;
    struct cli_given *given; /* owned by the parser's caller: see cli/parse.h */
    uint32_t given_count;
    const char **arg;
    uint32_t arg_count;
    struct output *output; /* data: rows, or text through output_file() */
    FILE *messages;        /* people's messages: stderr */
    struct term messages_term;
    bool quiet;
};

/* Options by long name; naming one that the command does not declare is a bug (must).
 * Without a value given, the default from the table; without a default: NULL, 0, false. */
bool cli_option_given(const struct cli_context *ctx, const char *name); /* on the command line */
bool cli_option_bool(const struct cli_context *ctx, const char *name);
const char *cli_option_string(const struct cli_context *ctx, const char *name);
uint64_t cli_option_u64(const struct cli_context *ctx, const char *name);
double cli_option_real(const struct cli_context *ctx, const char *name);
int64_t cli_option_duration_ns(const struct cli_context *ctx, const char *name);
/* Repeated options, in the order given. */
uint32_t cli_option_count(const struct cli_context *ctx, const char *name);
const char *cli_option_nth(const struct cli_context *ctx, const char *name, uint32_t nth);

/* Arguments; NULL past the last.  Required ones are always there. */
const char *cli_arg(const struct cli_context *ctx, uint32_t i);
uint32_t cli_arg_count(const struct cli_context *ctx);

/* "mw: site check: ..." on stderr; always printed. */
void cli_error(const struct cli_context *ctx, const char *fmt, ...) MW_PRINTF(2, 3);
/* The same, but only without --quiet: what happened, where a file went. */
void cli_note(const struct cli_context *ctx, const char *fmt, ...) MW_PRINTF(2, 3);
/* Prints the error's text and returns its exit code: `return cli_fail(ctx, &err);`. */
int cli_fail(const struct cli_context *ctx, const struct mw_error *err);
/* The command line is understood but makes no sense: prints and returns CLI_EXIT_USAGE. */
int cli_usage(const struct cli_context *ctx, const char *fmt, ...) MW_PRINTF(2, 3);

/*
 * Ctrl-C.  Without these it ends the program at once (status 130 in the shell).  A command that
 * has something to finish calls cli_interrupt_catch() first, before it starts threads, and polls
 * cli_interrupted() (a system call: about ten times a second); once true it stays with the caller
 * to stop and return CLI_EXIT_INTERRUPTED.  A second Ctrl-C then ends the program at once.
 */
void cli_interrupt_catch(void);
bool cli_interrupted(void); /* true once; the caller keeps it */

#endif
