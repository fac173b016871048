/*
 * The mistakes found in a file that a person wrote, each with its place, so
 * that one run names them all.  Filled by the readers of YAML and CSV; printed
 * by programs.  Never decides whether a mistake matters: every one does.
 */
#ifndef MW_BASE_PROBLEMS_H
#define MW_BASE_PROBLEMS_H

#include "base/base.h"

#define PROBLEM_FILE_MAX 160
#define PROBLEM_TEXT_MAX 256

/* One mistake.  line and column count from 1; 0 = the file as a whole. */
struct problem {
    char file[PROBLEM_FILE_MAX]; /* as given; of a longer path the end, after "…" */
    uint32_t line, column;
    uint32_t more;               /* further mistakes at the same place, not listed */
    char text[PROBLEM_TEXT_MAX]; /* what is wrong and what to do */
};
#define PROBLEMS_MAX 1000        /* past it the rest is counted, not listed */
#define PROBLEMS_PER_PLACE_MAX 3 /* past it counted in `more` of the last one there */

/* Zeroed = empty.  Owned; problems_fini when done. */
struct problems {
    struct problem *item;
    uint32_t length;
    uint32_t total; /* with those not listed */
};

/* Where something stands: file is borrowed. */
struct mw_place {
    const char *file;
    uint32_t line, column;
};

void problems_fini(struct problems *p);

/* Adds one; out of memory only counts it. */
void problems_add(struct problems *p, struct mw_place at, const char *fmt, ...) MW_PRINTF(3, 4);

/* By file, line, column; equal places keep their order. */
void problems_sort(struct problems *p);

/* "site.yaml:3:7: text (and 12 more like it here)", cut to size. */
void problem_format(const struct problem *p, char *buf, size_t size);

#endif
