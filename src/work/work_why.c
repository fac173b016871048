/*
 * What people ask of the queue: its line, its spares, why a job waits.  Reads
 * only; the answers are what the next look would find.
 */
#include "base/units.h"
#include "work/work_backfill.h"
#include "work/work_preempt.h"
#include "work/work_private.h"
#include "work/work_quota.h"
#include "work/work_spares.h"
#include "work/work_window.h"

bool work_reservation(const struct work *w, uint64_t *ret_job, int64_t *ret_at_ms,
                      uint32_t *ret_nodes)
{
    must(w && ret_job && ret_at_ms && ret_nodes);
    if (!w->policy.backfill || w->policy.engine)
        return false;
    struct line l = queue_line(w);
    if (l.slot == MW_NONE)
        return false;
    *ret_job = w->board->job_id[l.slot];
    *ret_at_ms = l.at_ms;
    *ret_nodes = w->board->job_nodes[l.slot];
    return true;
}

/* It does not fit: of what is free, what keeps it off? */
static uint8_t why_blocked(const struct work *w, uint32_t slot, struct work_why *a)
{
    struct promised p = preempt_promised(w, slot);
    uint32_t promised = p.nodes, need = a->needs;
    if (need > w->serving_total)
        return WAIT_SERVICE;
    if (preempt_is_asker(w, slot) && queue_could_start(w, slot))
        return WAIT_ROOM;
    if (need > a->free)
        return WAIT_NODES;
    if (need > a->free - MW_MIN(a->free, promised)) {
        a->behind = p.job;
        return WAIT_PROMISED;
    }
    return need > a->free - MW_MIN(a->free, a->barred) ? WAIT_WINDOW : WAIT_SPARES;
}

struct work_why work_why_waiting(const struct work *w, uint64_t job)
{
    const struct board *b = w->board;
    uint32_t slot = board_job_find(b, job);
    struct work_why a = { .at_ms = MW_NEVER };
    if (slot == MW_NONE || b->job_state[slot] != JOB_QUEUED || w->policy.engine)
        return a;
    uint32_t quota = w->quota_row[slot];
    struct line l = queue_line(w);
    a.needs = b->job_nodes[slot];
    a.free = w->free_total;
    a.length_ms = backfill_length_ms(w, slot);
    a.may = queue_room(w, slot);
    a.kept = MW_MIN(spares_kept(w, slot, preempt_lent(w)), a.free);
    a.barred = window_sum(w, window_mask(w, slot, mw_ms(w->now_ns) + a.length_ms)).free;
    a.coming = w->coming[slot];
    if (quota != WORK_QUOTAS_MAX) {
        a.used_gpus = (uint32_t)w->quota_firm[quota];
        a.quota_gpus = w->policy.quota[quota].gpus;
    }
    if (preempt_is_asker(w, slot))
        a.at_ms = backfill_reserve(w, slot, a.may, 0).at_ms;
    else if (l.slot == slot && w->policy.backfill)
        a.at_ms = l.at_ms;
    if (quota_waits(w, slot)) {
        a.why = WAIT_QUOTA;
    } else if (a.needs > a.may) {
        a.why = why_blocked(w, slot, &a);
    } else if (queue_may_pass(w, slot, &l)) {
        a.why = WAIT_LOOK;
    } else {
        a.why = WAIT_TURN;
        a.behind = b->job_id[l.slot];
        a.at_ms = w->policy.backfill ? l.at_ms : MW_NEVER;
    }
    return a;
}
