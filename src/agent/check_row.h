/*
 * What a check says: one row a figure or a condition, each with what was
 * expected, where the expectation comes from, and a verdict.  Rows travel from
 * the child process that measured them to the parent as they are, so they hold
 * no pointer.
 */
#ifndef MW_AGENT_CHECK_ROW_H
#define MW_AGENT_CHECK_ROW_H

#include "base/base.h"

/*      enum             word         counts as */
#define VERDICTS(X)                                                            \
    X(VERDICT_PASS,    "pass")    /* as expected */                            \
    X(VERDICT_FAIL,    "fail")    /* not as expected: the node is not well */  \
    X(VERDICT_WARN,    "warn")    /* worth a look, no reason to refuse work */ \
    X(VERDICT_NOTED,   "noted")   /* a figure that nothing is expected of */   \
    X(VERDICT_UNKNOWN, "unknown") /* it applies, but could not be found out */ \
    X(VERDICT_ABSENT,  "absent")  /* nothing of it is on this node */          \
    X(VERDICT_NOT_RUN, "not-run") /* no time, or asked to leave it out */

enum verdict {
#define X(e, word) e,
    VERDICTS(X)
#undef X
    VERDICT_COUNT
};

const char *verdict_word(uint32_t verdict); /* "pass"; "unknown" out of range */

struct check_row {
    char name[40];    /* of the figure: "gpu-h2d" */
    char part[40];    /* whose: "gpu3", "mlx5_0/1"; "" = the node's */
    char unit[12];    /* "GB/s"; "" = none, or a word */
    char word[64];    /* a figure that is a word; else "" */
    char expect[64];  /* ">= 52 GB/s"; "" = nothing is expected */
    char from[160];   /* where the expectation comes from */
    char text[160];   /* what else a person should know; "" */
    double value;     /* measured; NAN when the figure is a word or there is none */
    uint32_t took_ms; /* since the figure before it */
    uint8_t verdict;  /* enum verdict */
    uint8_t level;    /* 1 to 4 */
    bool required;    /* the class asked for stands on it */
};

#define CHECK_ROWS_MAX 4096

/* All rows of a run, in the order in which they came; allocated once. */
struct check_rows {
    struct check_row *row;
    uint32_t count;
    uint32_t lost; /* past CHECK_ROWS_MAX */
};

#endif
