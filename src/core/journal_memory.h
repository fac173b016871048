/*
 * The journal in memory: for simulation and tests.  Survives a simulated crash
 * (journal_memory_crash drops what was not committed), not the process.
 */
#ifndef MW_CORE_JOURNAL_MEMORY_H
#define MW_CORE_JOURNAL_MEMORY_H

#include "core/journal.h"

struct journal_memory_options {
    bool chain;   /* compute the SHA-256 chain (tests and exports); off for speed */
    bool discard; /* keep nothing: append and commit only count. No reading, no recovery. */
};

MW_MUST_USE int journal_memory_create(const struct journal_memory_options *o, struct journal **ret);

/* As if the process had died: staged groups are gone, a new writer epoch begins. */
void journal_memory_crash(struct journal *j);

/* Bytes held. */
uint64_t journal_memory_bytes(const struct journal *j);

#endif
