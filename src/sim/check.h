/*
 * The invariants of the whole, checked from outside: from committed events by a
 * fold of its own, and against what the board, the accounts and the guard say.
 *
 *  - an attempt starts on schedulable nodes only, and no node has two jobs
 *  - every GPU-millisecond of the site is in exactly one account
 *  - an accepted job is queued, placed or ended, and never forgotten
 *  - an action that reaches the world is an event of the record, unchanged, and reaches it once
 *    in a life of the controller
 *  - a fact that was acknowledged is in the record, also after a crash
 *  - a job that its tenant cancelled does not start again
 *  - automation never clears a person's hold and stays within its budget
 *  - automation never has two racks of one power or cooling domain out at once
 *  - and what check_care.h says of repairs and gates
 */
#ifndef MW_SIM_CHECK_H
#define MW_SIM_CHECK_H

#include "control/control.h"

struct check;
MW_MUST_USE int check_create(const struct fleet *f, const struct control_policy *p,
                             struct check **ret);
void check_destroy(struct check *c); /* NULL is fine */

/* Committed events, in order. */
void check_event(struct check *c, const struct event *ev, const void *tail);

/* An action as the world receives it. */
void check_action(struct check *c, const struct event *ev, const void *tail);

/* A fact was taken (not refused) and this was told to its source. */
void check_acknowledged(struct check *c, uint32_t source, uint64_t source_seq);

/* Between groups.  `deep` adds what takes a walk over all nodes and jobs. */
void check_state(struct check *c, const struct control *k, int64_t now_ns, bool deep);

/* The controller died: what has no result yet will be given to the world again. */
void check_died(struct check *c);

/* After a recovery: everything acknowledged is still known. */
void check_recovered(struct check *c, const struct control *k);

/* The quiet time is over: no job may be left. */
void check_quiet(struct check *c);

/* The first violation, or NULL. */
const char *check_text(const struct check *c);

#endif
