/*
 * Runs the checks of a level within a budget.  Each check runs in a child
 * process, several in one as long as all goes well: what hangs is ended at its
 * deadline and said, what crashes is said, and the rest goes on in a new child.
 * Checks come in the order of worth per second; those of the class asked for
 * come first.
 */
#ifndef MW_AGENT_CHECK_RUN_H
#define MW_AGENT_CHECK_RUN_H

#include "agent/check_private.h"

struct check_run {
    const struct check_options *o;
    const struct expect_set *expect;
    const struct fleet_figures *fleet;
};

/* Runs; fills *rows (its room is owned by the caller: CHECK_ROWS_MAX rows).  MW_ENOMEM, MW_EIO (no
 * process could be started). */
MW_MUST_USE int check_run_all(const struct check_run *r, struct check_rows *rows,
                              struct mw_error *err);

/* 0 well, 10 not well, 3 not known: nothing failed, but what was asked could not be found out. */
#define CHECK_EXIT_UNKNOWN 3
int check_run_exit(const struct check_rows *rows);

#endif
