/*
 * Which daemon a command asks: --socket, else --context, else the variable
 * MW_CONTEXT, else the context in use (mw context use), else the socket where
 * mw serve listens by default.
 */
#ifndef MW_CLI_DAEMON_OF_H
#define MW_CLI_DAEMON_OF_H

#include "cli/context.h"
#include "cli/daemon_client.h"

/* Rows of a command's options. */
#define DAEMON_OPTIONS                                                                            \
    { .name = "socket", .type = VALUE_FILE, .value = "PATH",                                      \
      .help = "the daemon's control socket, where it is not the usual one" },                     \
    { .name = "context", .type = VALUE_STRING, .value = "NAME",                                   \
      .help = "the daemon of this context (mw context list)" }

/* Who was chosen, for doctor and messages. */
enum daemon_by { DAEMON_BY_SOCKET, DAEMON_BY_OPTION, DAEMON_BY_VARIABLE, DAEMON_BY_USE,
                 DAEMON_BY_DEFAULT };

/* Opens it (daemon_close).  MW_ENOTFOUND: there is no such context; MW_EINVAL: --socket and
 * --context; else as contexts_read() and daemon_open(). */
MW_MUST_USE int daemon_of(const struct cli_context *ctx, struct daemon **ret,
                          struct mw_error *err);
MW_MUST_USE int daemon_of_by(const struct cli_context *ctx, struct daemon **ret,
                             enum daemon_by *ret_by, struct mw_error *err);

/* A command that can read a record instead.  Never with --journal; else true when the command line
 * or MW_CONTEXT names a daemon, the context in use is a URL, or there is no record here and a
 * daemon's socket is. */
bool daemon_wanted(const struct cli_context *ctx);

/* The exit code of an answer that is an error, its message printed. */
int daemon_fail(const struct cli_context *ctx, const struct mw_error *err);

extern const struct command_exit daemon_exits[];

#endif
