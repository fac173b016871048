/*
 * A whole record decided again: site and rules come from the record itself,
 * each epoch is driven under its own rules (core/rederive.h), on what was
 * recorded before it.
 */
#ifndef MW_CONTROL_REDERIVE_H
#define MW_CONTROL_REDERIVE_H

#include "control/control.h"
#include "core/rederive.h"

#define REDERIVE_EPOCHS_MAX 4096 /* changes of rules in one journal */

/* Other rules, and the site that they are for, instead of the recorded ones; NULL = as recorded. */
struct rederive_other {
    const struct fleet *fleet;
    const struct control_policy *policy;
};

/* *ret_other: the other rules are indeed not those that the record begins with.  May be NULL. */
MW_MUST_USE int control_rederive(struct journal *j, const struct rederive_other *other,
                                 struct rederive_report *ret, bool *ret_other,
                                 struct mw_error *err);

#endif
