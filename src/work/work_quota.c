/* Quotas.  See work_quota.h. */
#include "work/work_quota.h"

_Static_assert(WORK_QUOTAS_MAX < UINT8_MAX, "a row of quotas, or none, fits a byte");

void quota_submitted(struct work *w, uint32_t slot)
{
    uint32_t row = 0;
    while (row < w->policy.quotas && w->policy.quota[row].tenant != w->board->job_tenant[slot])
        row++;
    w->quota_row[slot] = (uint8_t)(row < w->policy.quotas ? row : WORK_QUOTAS_MAX);
}

static void count(uint64_t *used, uint32_t gpus, bool more)
{
    must(more || *used >= gpus);
    *used = more ? *used + gpus : *used - gpus;
}

void quota_uses(struct work *w, uint32_t slot, bool begins)
{
    uint32_t row = w->quota_row[slot], gpus = w->board->job_gpus[slot];
    if (row == WORK_QUOTAS_MAX)
        return;
    count(&w->quota_all[row], gpus, begins);
    if (!work_is_interruptible(w, slot))
        count(&w->quota_firm[row], gpus, begins);
}

bool quota_waits(const struct work *w, uint32_t slot)
{
    uint32_t row = w->quota_row[slot];
    return row != WORK_QUOTAS_MAX && !work_is_interruptible(w, slot) &&
           w->quota_firm[row] + w->board->job_gpus[slot] > w->policy.quota[row].gpus;
}

bool quota_is_over(const struct work *w, uint32_t slot)
{
    uint32_t row = w->quota_row[slot];
    return row != WORK_QUOTAS_MAX && w->quota_all[row] > w->policy.quota[row].gpus;
}
