/*
 * The queue: one list per priority in order of arrival, and the look at it: who
 * starts now.  Each look goes through it once from the front; what did not fit
 * does not fit later in the same look, for nodes only become fewer.
 */
#include "base/units.h"
#include "work/work_backfill.h"
#include "work/work_preempt.h"
#include "work/work_private.h"
#include "work/work_quota.h"
#include "work/work_spares.h"
#include "work/work_window.h"

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

/* ---- a look at it ---------------------------------------------------------------------------- */

static struct walk walk_begin(void)
{
    return (struct walk){ .begun = true, .priority = BOARD_PRIORITIES, .slot = MW_NONE,
                          .line = { .slot = MW_NONE } };
}

static uint32_t walk_next(const struct work *w, struct walk *k)
{
    while (k->slot == MW_NONE) {
        if (k->priority == 0)
            return MW_NONE;
        k->slot = w->queue_first[--k->priority];
    }
    uint32_t slot = k->slot;
    k->slot = w->queue_next[slot];
    return slot;
}

uint64_t queue_shut(const struct work *w, uint32_t slot)
{
    return window_mask(w, slot, mw_ms(w->now_ns) + backfill_length_ms(w, slot));
}

uint32_t queue_room(const struct work *w, uint32_t slot)
{
    struct promised p = preempt_promised(w, slot);
    uint32_t taken = spares_kept(w, slot, preempt_lent(w)) + p.nodes;
    if (w->window.waiting)
        taken += window_sum(w, queue_shut(w, slot) | p.shut).free;
    return w->free_total - MW_MIN(w->free_total, taken);
}

uint32_t queue_serving(const struct work *w, uint32_t slot)
{
    uint32_t shut = w->window.waiting ? window_sum(w, queue_shut(w, slot)).serving : 0;
    return w->serving_total - MW_MIN(w->serving_total, shut);
}

bool queue_could_start(const struct work *w, uint32_t slot)
{
    return w->board->job_nodes[slot] <= queue_serving(w, slot);
}

/* Does what may be interrupted hold the line?  Restarts of others do not wait for it. */
static bool yields(const struct work *w, const struct line *l, uint32_t slot)
{
    return l->slot != MW_NONE && work_is_interruptible(w, l->slot) && work_is_restart(w, slot);
}

/* Nodes beside those of who holds the line: the spares too, for whom they are not kept. */
static uint32_t beside(const struct work *w, uint32_t slot, const struct line *l)
{
    bool may_have = l->spare && spares_kept(w, slot, preempt_lent(w)) == 0;
    return l->extra == UINT32_MAX || !may_have ? l->extra : l->extra + l->spare;
}

bool queue_may_pass(const struct work *w, uint32_t slot, const struct line *l)
{
    if (l->slot == MW_NONE || l->slot == slot || yields(w, l, slot) ||
        w->board->job_nodes[slot] <= beside(w, slot, l) || preempt_is_asker(w, slot))
        return true;
    return l->at_ms > 0 && mw_ms(w->now_ns) + backfill_length_ms(w, slot) <= l->at_ms;
}

/* It starts now: what of the line does it take with it? */
static void pass(const struct work *w, uint32_t slot, struct line *l)
{
    uint32_t nodes = w->board->job_nodes[slot];
    bool ends = l->at_ms > 0 && mw_ms(w->now_ns) + backfill_length_ms(w, slot) <= l->at_ms;
    if (l->slot == MW_NONE || ends || l->extra == UINT32_MAX)
        return;
    uint32_t spare = spares_kept(w, slot, preempt_lent(w)) == 0 ? MW_MIN(nodes, l->spare) : 0;
    l->spare -= spare;
    l->extra -= MW_MIN(l->extra, nodes - spare);
}

/* Without reservations: may others pass this job, which does not fit now? */
static bool lets_pass(const struct work *w, uint32_t slot)
{
    if (w->board->job_attempt[slot] > 0)
        return false; /* restarted jobs hold the line: their work is lost while they wait */
    return mw_ms(w->now_ns) - w->queued_ms[slot] < w->policy.bypass_ms;
}

/* The line behind a job that does not fit, as the walk has it from here on. */
static struct line line_behind(const struct work *w, uint32_t slot, const struct line *now)
{
    if (now->slot != MW_NONE && !yields(w, now, slot))
        return *now;
    if (w->policy.backfill)
        return (struct line){ .slot = slot, .asks = true };
    if (lets_pass(w, slot))
        return *now;
    return (struct line){ .slot = slot, .spare = spares_kept(w, slot, preempt_lent(w)) };
}

/* Its reservation, once somebody has to know. */
static void work_out(const struct work *w, struct line *l)
{
    if (l->slot != MW_NONE && l->asks)
        *l = backfill_reserve(w, l->slot, queue_room(w, l->slot),
                              spares_kept(w, l->slot, preempt_lent(w)));
}

/* It would not fit if all else ended: holding nodes back helps nobody.  Where it is a window that
 * keeps it from them, a reservation says how long it does. */
static bool is_too_large(const struct work *w, uint32_t slot)
{
    return w->board->job_nodes[slot] > w->serving_total ||
           (!w->policy.backfill && !queue_could_start(w, slot));
}

/* Others stop for it, and what they leave is promised to it: it need not hold the line. */
static bool is_served(const struct work *w, uint32_t slot)
{
    return preempt_is_asker(w, slot) &&
           queue_room(w, slot) + w->coming[slot] >= w->board->job_nodes[slot];
}

/* A job that does not fit: who may pass it, and does it ask for room? */
static void blocked(struct work *w, uint32_t slot)
{
    struct walk *k = &w->walk;
    bool first = k->line.slot == MW_NONE || yields(w, &k->line, slot);
    k->passed++;
    if (is_too_large(w, slot) || is_served(w, slot))
        return;
    k->line = line_behind(w, slot, &k->line);
    if (first || work_is_restart(w, slot))
        (void)preempt_ask(w, slot);
}

/* Nobody behind a job that holds the line without a reservation can start, but those that it may
 * wait for: nodes were promised to them. */
static bool is_closed(const struct work *w)
{
    const struct line *l = &w->walk.line;
    return l->slot != MW_NONE && !w->policy.backfill && !l->spare &&
           !work_is_interruptible(w, l->slot) && !preempt_any(w);
}

uint32_t queue_pick(struct work *w)
{
    struct walk *k = &w->walk;
    if (!k->begun)
        *k = walk_begin();
    while (k->passed < QUEUE_SCAN_MAX && !w->stop_length && !is_closed(w)) {
        uint32_t slot = walk_next(w, k);
        if (slot == MW_NONE)
            return MW_NONE;
        if (quota_waits(w, slot))
            continue;
        if (w->board->job_nodes[slot] > queue_room(w, slot)) {
            blocked(w, slot);
            continue;
        }
        work_out(w, &k->line);
        if (queue_may_pass(w, slot, &k->line)) {
            pass(w, slot, &k->line);
            return slot;
        }
        k->passed++;
    }
    return k->passed < QUEUE_SCAN_MAX || w->stop_length ? MW_NONE : preempt_ready(w);
}

bool queue_fits_at_once(const struct work *w, uint32_t slot)
{
    uint32_t p = BOARD_PRIORITIES - 1;
    while (p > 0 && w->queue_first[p] == MW_NONE)
        p--;
    return w->queue_first[p] == slot && w->board->job_nodes[slot] <= queue_room(w, slot) &&
           !quota_waits(w, slot);
}

struct line queue_line(const struct work *w)
{
    struct walk k = walk_begin();
    for (uint32_t slot; (slot = walk_next(w, &k)) != MW_NONE && k.line.slot == MW_NONE &&
                        k.passed < QUEUE_SCAN_MAX; k.passed++) {
        if (quota_waits(w, slot) || is_too_large(w, slot) || is_served(w, slot))
            continue;
        if (w->board->job_nodes[slot] <= queue_room(w, slot))
            break; /* it starts with the next look: before that nobody can say */
        k.line = line_behind(w, slot, &k.line);
    }
    work_out(w, &k.line);
    return k.line;
}
