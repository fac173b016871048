/*
 * What waits for an answer: work orders, checks, orders to the engine.  Asked
 * of the planes and read from the record; nothing is kept here.
 */
#ifndef MW_API_PENDING_H
#define MW_API_PENDING_H

#include "control/control.h"

/* One that waits.  Return non-zero to stop; it is passed through. */
typedef int api_pending_fn(void *ctx, const struct event *action, const void *tail);

/* In the order of the planes' rows.  What is not committed yet is left out. */
MW_MUST_USE int api_pending_each(const struct control *c, struct journal *j, api_pending_fn *each,
                                 void *ctx, struct mw_error *err);

#endif
