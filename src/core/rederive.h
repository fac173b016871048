/*
 * Decisions taken again and compared.  Every fact of a recorded journal goes,
 * at its recorded time, to a fresh core; what that core decides is compared
 * with what was recorded.  Within an epoch there is no difference; under
 * another policy the report says where the two part and how much differs.
 *
 * Writer epochs are not compared.  Sequences are set to the recorded ones at
 * each group, so that a difference in one group does not make every later
 * reference differ; within a group it may shift those that follow.
 */
#ifndef MW_CORE_REDERIVE_H
#define MW_CORE_REDERIVE_H

#include "core/core.h"

#define REDERIVE_TEXT_MAX 512

struct rederive_report {
    uint64_t groups;      /* recorded groups read */
    uint64_t events;      /* recorded events read */
    uint64_t differences; /* events that differ, are missing, or are there in addition */
    uint64_t refused;     /* recorded facts that the fresh core did not take */
    uint64_t first_seq;   /* recorded event at the first difference; 0 = none */
    char first[REDERIVE_TEXT_MAX];       /* what differs there, in words */
    uint64_t changed[EVENT_KIND_MAX];    /* by recorded kind: another event in its place */
    uint64_t missing[EVENT_KIND_MAX];    /* by recorded kind: not decided again */
    uint64_t additional[EVENT_KIND_MAX]; /* by new kind: decided now and not then */
};

/* One epoch: what was recorded before it is applied as it was, from its first event on it is driven
 * and compared.  first_seq 1 and last_seq UINT64_MAX: everything. */
struct rederive_range {
    uint64_t first_seq, last_seq;
};

/* Reads `from` and drives `fresh`, which has recorded nothing and hands out no actions (no act, or
 * config.rederiving); adds to *ret, which the caller zeroes before the first.  Nothing is written
 * to the journal of `fresh`; afterwards it is only good for looking at its state.  0 also when
 * there are differences.  MW_ECORRUPT etc. from reading; MW_ENOMEM. */
MW_MUST_USE int core_rederive(struct journal *from, struct core *fresh,
                              const struct rederive_range *range, struct rederive_report *ret,
                              struct mw_error *err);

#endif
