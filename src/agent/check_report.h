/*
 * Rows to a person and to programs.  The first line of the text says it all: it is
 * what a gate, Slurm's drain reason and `mw preflight` show.
 */
#ifndef MW_AGENT_CHECK_REPORT_H
#define MW_AGENT_CHECK_REPORT_H

#include <stdio.h>

#include "agent/check_private.h"

struct check_report {
    const struct check_options *o;
    const struct check_rows *rows;
    const char *node, *sku;
    int64_t took_ms;
    int exit_code;
};

/* "not well: gpu-h2d gpu3 is 27.1 GB/s, not >= 52 GB/s; and 2 more", at most size - 1 bytes. */
void check_report_line(const struct check_report *r, char *to, size_t size);
/* The line, then a row each: bad ones first; passing ones only with `all`. */
void check_report_text(const struct check_report *r, FILE *f, bool all);
/* One object: docs/checks.md. */
void check_report_json(const struct check_report *r, FILE *f);

#endif
