/* The queue: one list per priority in order of arrival. */
#include "base/units.h"
#include "work/work_private.h"

void queue_insert(struct work *w, uint32_t slot)
{
    const struct board *b = w->board;
    uint32_t p = b->job_priority[slot];
    must(p < BOARD_PRIORITIES);
    uint32_t after = w->queue_last[p]; /* new jobs go last, restarted ones before younger ones */
    if (b->job_attempt[slot] > 0 && w->queue_first[p] != MW_NONE &&
        b->job_submit_seq[w->queue_first[p]] > b->job_submit_seq[slot])
        after = MW_NONE;
    while (after != MW_NONE && b->job_submit_seq[after] > b->job_submit_seq[slot])
        after = w->queue_prev[after];
    uint32_t before = after == MW_NONE ? w->queue_first[p] : w->queue_next[after];
    w->queue_prev[slot] = after;
    w->queue_next[slot] = before;
    if (after == MW_NONE)
        w->queue_first[p] = slot;
    else
        w->queue_next[after] = slot;
    if (before == MW_NONE)
        w->queue_last[p] = slot;
    else
        w->queue_prev[before] = slot;
    w->queued++;
    w->queued_ms[slot] = mw_ms(w->now_ns);
}

void queue_remove(struct work *w, uint32_t slot)
{
    uint32_t p = w->board->job_priority[slot];
    uint32_t before = w->queue_prev[slot], after = w->queue_next[slot];
    must(w->queued > 0);
    if (before == MW_NONE)
        w->queue_first[p] = after;
    else
        w->queue_next[before] = after;
    if (after == MW_NONE)
        w->queue_last[p] = before;
    else
        w->queue_prev[after] = before;
    w->queue_prev[slot] = w->queue_next[slot] = MW_NONE;
    w->queued--;
}

/* May others pass this job, which does not fit now? */
static bool lets_pass(const struct work *w, uint32_t slot)
{
    if (w->board->job_nodes[slot] > w->serving_total)
        return true; /* it would not fit if all else ended: holding nodes back helps nobody */
    if (w->board->job_attempt[slot] > 0)
        return false; /* restarted jobs hold the line: their work is lost while they wait */
    return mw_ms(w->now_ns) - w->queued_ms[slot] < w->policy.bypass_ms;
}

uint32_t queue_pick(const struct work *w)
{
    uint32_t looked = 0;
    for (uint32_t p = BOARD_PRIORITIES; p-- > 0;) {
        for (uint32_t s = w->queue_first[p]; s != MW_NONE; s = w->queue_next[s]) {
            if (w->board->job_nodes[s] <= w->free_total)
                return s;
            if (!lets_pass(w, s) || ++looked >= QUEUE_SCAN_MAX)
                return MW_NONE;
        }
    }
    return MW_NONE;
}
