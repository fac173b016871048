/*
 * Quotas: GPUs that a tenant's jobs may have at once.
 *
 * A job that would take its tenant past them waits, and nobody waits behind it.
 * What may be interrupted runs beyond them and does not count against the others;
 * while its tenant has more than its quota in all, it is the first to make room.
 */
#ifndef MW_WORK_WORK_QUOTA_H
#define MW_WORK_WORK_QUOTA_H

#include "work/work_private.h"

/* Once a job is there: its tenant's row. */
void quota_submitted(struct work *w, uint32_t slot);
/* Its attempt begins, or is over. */
void quota_uses(struct work *w, uint32_t slot, bool begins);

bool quota_waits(const struct work *w, uint32_t slot); /* it may not start now */
bool quota_is_over(const struct work *w, uint32_t slot); /* its tenant has more than its quota */

#endif
