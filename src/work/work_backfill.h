/*
 * When running attempts are expected to end, and from that the earliest time at
 * which a job that does not fit can start: its reservation (EASY backfill:
 * Lifka, JSSPP 1995; Mu'alem & Feitelson, IEEE TPDS 12(6), 2001).
 *
 * An attempt is expected to work at full speed and to write its checkpoints on
 * its cadence, so the end is exact for jobs that ask for the work they have and
 * are not slowed.  One that runs past it is expected to go on for another
 * BACKFILL_OVERRUN_MS, whenever asked.  One that was told to stop is expected to
 * end with its next checkpoint.
 *
 * Cost: a heap of the ends; a reservation looks at as many of them as must end
 * before the job fits, O(k log k).
 */
#ifndef MW_WORK_WORK_BACKFILL_H
#define MW_WORK_WORK_BACKFILL_H

#include "work/work_private.h"

/* Chosen: a pulse or two more than nothing, short against any job worth a reservation. */
#define BACKFILL_OVERRUN_MS MW_MS_PER_MIN

MW_MUST_USE bool backfill_init(struct work *w); /* false: out of memory */
void backfill_fini(struct work *w);
void backfill_rebuild(struct work *w); /* after the free and serving indexes */

/* ms from its start to its end: restart, the work that is left, checkpoints between. */
int64_t backfill_length_ms(const struct work *w, uint32_t slot);

/* The attempt was placed, works, has come so far, was told to stop, is over. */
void backfill_placed(struct work *w, uint32_t slot);
void backfill_running(struct work *w, uint32_t slot, int64_t from_ms);
void backfill_progress(struct work *w, uint32_t slot, int64_t progress_ms);
void backfill_stopping(struct work *w, uint32_t slot, uint8_t how);
void backfill_ended(struct work *w, uint32_t slot);
/* A node under it came into service or left it: what its end gives back. */
void backfill_gives(struct work *w, uint32_t slot, bool more);

/* The reservation of a job that waits; `room` nodes are free for it now and `kept` are not for it.
 * at_ms MW_NEVER when it is not known what would have to end. */
struct line backfill_reserve(const struct work *w, uint32_t slot, uint32_t room, uint32_t kept);

/* Empties a heap over a scratch column. */
void backfill_clear(struct heap *h);

#endif
