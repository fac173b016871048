/*
 * Runs another program for what it prints (chronyc, lldpcli): looked for in PATH,
 * nothing on its standard input, killed at its deadline with all it started.
 * Blocks so long: only for workers.
 */
#ifndef MW_AGENT_PROGRAM_H
#define MW_AGENT_PROGRAM_H

#include "agent/text.h"
#include "base/error.h"

/* argv ends with NULL. What it printed, at most `size` bytes of it, is in *ret on success.
 * MW_ENOTFOUND: there is no such program; MW_EDENIED: it may not be run; MW_ETIMEOUT;
 * MW_EIO: it failed, with its words. */
MW_MUST_USE int program_run(const char *const *argv, char *to, size_t size, int64_t deadline_ms,
                            struct text *ret, struct mw_error *err);

#endif
