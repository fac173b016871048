/*
 * A journal around a journal: everything passes through, and every event is
 * shown once its group is committed.  This is how the simulation watches the
 * record without the core knowing.
 */
#ifndef MW_SIM_TAP_H
#define MW_SIM_TAP_H

#include "core/journal.h"

/* tail is NULL when the event has none.  Must not call the core. */
typedef void tap_event_fn(void *ctx, const struct event *ev, const void *tail);

/* Borrows inner until the tap is destroyed (journal_destroy), which leaves inner alone. */
MW_MUST_USE int tap_create(struct journal *inner, tap_event_fn *fn, void *ctx,
                           struct journal **ret);

/* The process died: what was not committed is gone, in a memory journal underneath as well. */
void tap_crash(struct journal *tap);

#endif
