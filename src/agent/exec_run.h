/*
 * One command of the executor: no shell, a clean environment, /dev/null for
 * input, its output kept in part, killed with all it started at its deadline.
 * It outlives the executor: half an action is worse than one nobody watched.
 */
#ifndef MW_AGENT_EXEC_RUN_H
#define MW_AGENT_EXEC_RUN_H

#include <sys/types.h>

#include "agent/exec_policy.h"

#define EXEC_OUTPUT_MAX 2048 /* bytes kept of what a command writes */

struct exec_run {
    pid_t pid;         /* 0 = nothing runs */
    int pidfd, out;    /* -1 */
    int64_t due_ms;    /* the caller's clock */
    bool timed_out;
    int status;        /* as waitpid has it, once it has ended */
    char text[EXEC_OUTPUT_MAX]; /* ended with '\0' */
    size_t length;
};

void exec_run_init(struct exec_run *r);
/* Kills what runs. */
void exec_run_fini(struct exec_run *r);
/* name, value: added to the environment; NULL.  MW_EIO. */
MW_MUST_USE int exec_run_start(struct exec_run *r, const struct exec_argv *a, int64_t due_ms,
                               const char *name, const char *value, struct mw_error *err);
/* r->pidfd or r->out is readable, or time has passed.  True once, when it has ended. */
bool exec_run_look(struct exec_run *r, int64_t now_ms);
/* It ended by itself with status 0. */
bool exec_run_was_well(const struct exec_run *r);
/* "exit 1: …" with the first line that it wrote. */
void exec_run_text(const struct exec_run *r, char *to, size_t size);

#endif
