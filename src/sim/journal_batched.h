/*
 * A journal that commits another one only now and then: for a replay, where
 * the world is simulated and nothing outside waits for an acknowledgement, so
 * that a record of a year need not wait for the disk at each of its facts.
 * Never for a live site.
 */
#ifndef MW_SIM_JOURNAL_BATCHED_H
#define MW_SIM_JOURNAL_BATCHED_H

#include "core/journal.h"

/* Commits `inner` after each `groups` commits, and when destroyed or flushed.  Takes inner. */
MW_MUST_USE int journal_batched_create(struct journal *inner, uint32_t groups,
                                       struct journal **ret);

/* What is still waiting becomes durable. */
MW_MUST_USE int journal_batched_flush(struct journal *j, struct mw_error *err);

#endif
