/*
 * The mistakes found in a file, as messages for a person or rows for a program.
 */
#ifndef MW_CLI_REPORT_H
#define MW_CLI_REPORT_H

#include "base/problems.h"
#include "cli/context.h"

/* "mw: site check: site.yaml:12:7: unknown key ..." on stderr, at most `max` of them, then how many
 * were left out. */
void report_problems(const struct cli_context *ctx, const struct problems *p, uint32_t max);

/* For commands whose purpose is the list: messages as above, all of them; with JSON or CSV rows of
 * file, line, column, more, problem on stdout instead (none: an empty list). */
void report_problem_rows(const struct cli_context *ctx, const struct problems *p);

#endif
