/*
 * Other people's tools, where they are installed: found, run with a deadline,
 * their output kept for the parsers.
 */
#ifndef MW_AGENT_CHECK_TOOLS_H
#define MW_AGENT_CHECK_TOOLS_H

#include "agent/check_private.h"

#define TOOL_OUTPUT_MAX ((size_t)256 << 10)

struct tool {
    const char *const *argv; /* NULL-ended; argv[0] by PATH */
    int64_t deadline_ms;     /* on check_clock_ms()'s clock */
    char *output;            /* owned by the caller: TOOL_OUTPUT_MAX + 1 bytes; both streams */
    size_t length;
    int status;              /* exit status; -1: it did not exit by itself */
};

/* Whether a program of that name is in PATH. */
bool tool_found(const char *name);
/* Starts it; its process number, or -1.  Its output comes from *ret_fd. */
int tool_start(const char *const *argv, int *ret_fd);
/* Runs it to its end or its deadline (then killed).  False: it could not be started. */
bool tool_run(struct tool *t);

#endif
