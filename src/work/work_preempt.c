/* Room made for a job.  See work_preempt.h. */
#include "work/work_preempt.h"

#include "base/mem.h"
#include "base/units.h"
#include "work/work_backfill.h"
#include "work/work_quota.h"
#include "work/work_spares.h"
#include "work/work_window.h"

#define PRICE_BITS 58 /* of a victim's key: what it costs; its tier above them */

enum { TIER_STOPS_ANYWAY, TIER_OVER_QUOTA, TIER_INTERRUPTIBLE, TIER_FIRM };

bool preempt_init(struct work *w)
{
    uint32_t jobs = w->board->jobs_max;
    w->room_for = mw_calloc(jobs, sizeof(*w->room_for));
    w->coming = mw_calloc(jobs, sizeof(*w->coming));
    if (!w->room_for || !w->coming)
        return false;
    for (uint32_t i = 0; i < jobs; i++)
        w->room_for[i] = MW_NONE;
    for (uint32_t i = 0; i < WORK_ASKERS_MAX; i++)
        w->asker[i] = MW_NONE;
    work_column(w, (struct column)COLUMN("room_for", w->room_for, jobs, &w->board->jobs_used));
    work_column(w, (struct column)COLUMN("asker", w->asker, WORK_ASKERS_MAX, NULL));
    return true;
}

void preempt_fini(struct work *w)
{
    mw_free(w->room_for);
    mw_free(w->coming);
}

static uint32_t *run_nodes(struct work *w, uint32_t slot)
{
    return &w->run_nodes[w->board->job_priority[slot]][work_is_interruptible(w, slot)];
}

void preempt_rebuild(struct work *w)
{
    const struct board *b = w->board;
    for (uint32_t p = 0; p < BOARD_PRIORITIES; p++)
        w->run_nodes[p][0] = w->run_nodes[p][1] = 0;
    w->stop_nodes = 0;
    for (uint32_t s = 0; s < b->jobs_used; s++)
        w->coming[s] = 0;
    for (uint32_t s = 0; s < b->jobs_used && !w->policy.engine; s++) {
        if (!b->job_id[s] || b->job_state[s] < JOB_PLACED)
            continue;
        *(w->stop_how[s] ? &w->stop_nodes : run_nodes(w, s)) += b->job_nodes[s];
        if (w->room_for[s] != MW_NONE)
            w->coming[w->room_for[s]] += w->gives[s];
    }
}

uint32_t preempt_lent(const struct work *w)
{
    uint32_t n = 0;
    for (uint32_t p = 0; p < BOARD_PRIORITIES; p++)
        n += w->run_nodes[p][1];
    return n;
}

/* ---- who asks -------------------------------------------------------------------------------- */

static uint32_t asker_place(const struct work *w, uint32_t slot)
{
    uint32_t i = 0;
    while (i < WORK_ASKERS_MAX && w->asker[i] != slot)
        i++;
    return i;
}

bool preempt_any(const struct work *w)
{
    uint32_t i = 0;
    while (w->policy.preempt && i < WORK_ASKERS_MAX && w->asker[i] == MW_NONE)
        i++;
    return w->policy.preempt && i < WORK_ASKERS_MAX;
}

bool preempt_is_asker(const struct work *w, uint32_t slot)
{
    return w->policy.preempt && asker_place(w, slot) < WORK_ASKERS_MAX;
}

/* In the order of the queue. */
static bool is_ahead(const struct board *b, uint32_t slot, uint32_t other)
{
    if (b->job_priority[slot] != b->job_priority[other])
        return b->job_priority[slot] > b->job_priority[other];
    return b->job_submit_seq[slot] < b->job_submit_seq[other];
}

/* Of several that asked, the first in the queue may have what the others were promised: nodes that
 * broke meanwhile could otherwise leave each of them waiting for the rest. */
struct promised preempt_promised(const struct work *w, uint32_t slot)
{
    struct promised p = { 0 };
    bool asks = preempt_is_asker(w, slot);
    for (uint32_t i = 0; w->policy.preempt && i < WORK_ASKERS_MAX; i++) {
        uint32_t who = w->asker[i];
        if (who == MW_NONE || who == slot || (asks && is_ahead(w->board, slot, who)))
            continue;
        if (quota_waits(w, who) || !queue_could_start(w, who))
            continue; /* what cannot start whatever ends keeps nothing */
        uint64_t shut = w->window.waiting ? queue_shut(w, who) : 0;
        uint32_t need = w->board->job_nodes[who]; /* what comes may be in those windows */
        p.nodes += shut ? need : need - MW_MIN(need, w->coming[who]);
        p.job = p.job ? p.job : w->board->job_id[who];
        p.shut |= shut;
    }
    return p;
}

uint32_t preempt_ready(const struct work *w)
{
    uint32_t best = MW_NONE;
    for (uint32_t i = 0; w->policy.preempt && i < WORK_ASKERS_MAX; i++) {
        uint32_t who = w->asker[i];
        if (who == MW_NONE || quota_waits(w, who) ||
            w->board->job_nodes[who] > queue_room(w, who))
            continue;
        if (best == MW_NONE || is_ahead(w->board, who, best))
            best = who;
    }
    return best;
}

void preempt_forget(struct work *w, uint32_t slot)
{
    uint32_t place = asker_place(w, slot);
    if (place == WORK_ASKERS_MAX)
        return;
    w->asker[place] = MW_NONE;
    w->coming[slot] = 0;
    for (uint32_t i = 0; i < w->ends.length; i++)
        if (w->room_for[w->ends.item[i].row] == slot)
            w->room_for[w->ends.item[i].row] = MW_NONE;
}

/* ---- what runs ------------------------------------------------------------------------------- */

void preempt_placed(struct work *w, uint32_t slot)
{
    if (w->policy.engine)
        return;
    preempt_forget(w, slot);
    *run_nodes(w, slot) += w->board->job_nodes[slot];
}

void preempt_ended(struct work *w, uint32_t slot)
{
    if (w->policy.engine)
        return;
    uint32_t *run = w->stop_how[slot] ? &w->stop_nodes : run_nodes(w, slot);
    uint32_t to = w->room_for[slot];
    must(*run >= w->board->job_nodes[slot]);
    *run -= w->board->job_nodes[slot];
    if (to == MW_NONE)
        return;
    must(w->coming[to] >= w->gives[slot]);
    w->coming[to] -= w->gives[slot];
    w->room_for[slot] = MW_NONE;
}

void preempt_gives(struct work *w, uint32_t slot, bool more)
{
    uint32_t to = w->room_for[slot];
    if (to != MW_NONE)
        w->coming[to] += more ? 1u : (uint32_t)-1;
}

/* The job that waits and was submitted by this event; MW_NONE. */
static uint32_t submitted_by(const struct work *w, uint64_t seq)
{
    const uint64_t *submitted = w->board->job_submit_seq;
    for (uint32_t i = 0; i < WORK_ASKERS_MAX; i++)
        if (w->asker[i] != MW_NONE && submitted[w->asker[i]] == seq)
            return w->asker[i];
    for (uint32_t p = BOARD_PRIORITIES; p-- > 0;)
        for (uint32_t s = w->queue_first[p]; s != MW_NONE; s = w->queue_next[s])
            if (submitted[s] == seq)
                return s;
    return MW_NONE;
}

void preempt_stopping(struct work *w, uint32_t slot, uint64_t cause, bool room)
{
    if (w->policy.engine)
        return;
    if (!w->stop_how[slot]) {
        *run_nodes(w, slot) -= w->board->job_nodes[slot];
        w->stop_nodes += w->board->job_nodes[slot];
    }
    uint32_t to = room ? submitted_by(w, cause) : MW_NONE;
    if (to == MW_NONE)
        return;
    uint32_t place = asker_place(w, to);
    if (place == WORK_ASKERS_MAX)
        place = asker_place(w, MW_NONE);
    if (place == WORK_ASKERS_MAX)
        return; /* it stops all the same; nothing is promised */
    w->asker[place] = to;
    w->room_for[slot] = to;
    w->coming[to] += w->gives[slot];
}

/* ---- whom to stop ---------------------------------------------------------------------------- */

struct search {
    uint32_t slot;     /* who asks */
    uint64_t shut;     /* windows whose nodes it may not have */
    int64_t now_ms;
    uint32_t free;     /* what it may have now or was promised, with the spares */
    uint32_t lent;     /* what would be on loan still */
    uint32_t sum;      /* what those chosen give back */
};

static bool fits(const struct work *w, const struct search *s)
{
    return s->free + s->sum >=
           w->board->job_nodes[s->slot] + spares_kept(w, s->slot, s->lent);
}

static uint32_t gain(const struct work *w, const struct search *s, uint32_t victim)
{
    return w->gives[victim] - MW_MIN(w->gives[victim], window_under(w, s->shut, victim));
}

static bool may_stop(const struct work *w, const struct search *s, uint32_t victim)
{
    const struct board *b = w->board;
    bool lower = b->job_priority[victim] < b->job_priority[s->slot];
    bool soft = work_is_interruptible(w, victim);
    if (gain(w, s, victim) == 0)
        return false;
    if (w->stop_how[victim])
        return w->room_for[victim] == MW_NONE; /* it stops for nobody: what it leaves counts */
    if (w->cancelled[victim])
        return false;
    if (soft)
        return lower || work_is_restart(w, s->slot);
    return lower && b->job_state[victim] == JOB_RUNNING &&
           s->now_ms - b->job_ready_ms[victim] >= w->policy.preempt_after_ms;
}

static int64_t stops_in_ms(const struct work *w, uint32_t victim, int64_t now_ms)
{
    const struct board *b = w->board;
    if (!b->job_ready_ms[victim])
        return 0; /* it does not work yet */
    return b->job_interval_ms[victim] > 0 ? board_job_checkpoint_in_ms(b, victim, now_ms)
                                          : b->job_write_ms[victim];
}

/* A node of it: GPU-ms to start again and to wait for, below its tier. */
static int64_t price(const struct work *w, const struct search *s, uint32_t victim)
{
    const struct board *b = w->board;
    if (w->stop_how[victim])
        return TIER_STOPS_ANYWAY;
    int64_t ms = b->job_restart_ms[victim] + stops_in_ms(w, victim, s->now_ms);
    int64_t cost = ms / b->job_nodes[victim] * b->job_gpus[victim] +
                   ms % b->job_nodes[victim] * b->job_gpus[victim] / b->job_nodes[victim];
    int64_t tier = !work_is_interruptible(w, victim) ? TIER_FIRM
                   : quota_is_over(w, victim) ? TIER_OVER_QUOTA : TIER_INTERRUPTIBLE;
    return tier << PRICE_BITS | MW_MIN(cost, (INT64_C(1) << PRICE_BITS) - 1);
}

static void weigh(const struct work *w, struct search *s, uint32_t victim, bool in)
{
    bool lent = work_is_interruptible(w, victim) && !w->stop_how[victim];
    uint32_t nodes = lent ? w->board->job_nodes[victim] : 0;
    uint32_t gives = gain(w, s, victim);
    s->sum = in ? s->sum + gives : s->sum - gives;
    s->lent = in ? s->lent - nodes : s->lent + nodes;
}

/* The cheapest that make the room, in tools.victim; how many have to be told to stop, 0 when all
 * that can be had would not do. */
static uint32_t choose(const struct work *w, struct search *s)
{
    struct tools *t = w->tools;
    uint32_t chosen = 0, kept = 0;
    for (uint32_t i = 0; i < w->ends.length; i++)
        if (may_stop(w, s, w->ends.item[i].row))
            heap_set(&t->price, w->ends.item[i].row, price(w, s, w->ends.item[i].row));
    while (!fits(w, s) && t->price.length) {
        uint32_t victim = heap_top(&t->price);
        heap_set(&t->price, victim, MW_NEVER);
        weigh(w, s, victim, true);
        t->victim[chosen++] = victim;
    }
    backfill_clear(&t->price);
    if (!fits(w, s))
        return 0;
    for (uint32_t i = chosen; i-- > 0;) { /* the dearest first: is it needed? */
        weigh(w, s, t->victim[i], false);
        if (fits(w, s)) {
            t->victim[i] = MW_NONE;
            continue;
        }
        weigh(w, s, t->victim[i], true);
    }
    for (uint32_t i = 0; i < chosen; i++)
        if (t->victim[i] != MW_NONE && !w->stop_how[t->victim[i]])
            t->victim[kept++] = t->victim[i];
    return kept;
}

/* More than could be had of anybody: not worth a look at each. */
static bool hopeless(const struct work *w, const struct search *s)
{
    uint32_t most = s->free + w->stop_nodes;
    for (uint32_t p = 0; p < BOARD_PRIORITIES; p++) {
        bool lower = p < w->board->job_priority[s->slot];
        most += lower ? w->run_nodes[p][0] : 0;
        most += lower || work_is_restart(w, s->slot) ? w->run_nodes[p][1] : 0;
    }
    return most < w->board->job_nodes[s->slot];
}

bool preempt_ask(struct work *w, uint32_t slot)
{
    const struct board *b = w->board;
    if (!w->policy.preempt || work_is_interruptible(w, slot) || !queue_could_start(w, slot) ||
        (asker_place(w, slot) == WORK_ASKERS_MAX && asker_place(w, MW_NONE) == WORK_ASKERS_MAX))
        return false;
    struct search s = { .slot = slot, .now_ms = mw_ms(w->now_ns), .lent = preempt_lent(w) };
    s.shut = window_mask(w, slot, s.now_ms + backfill_length_ms(w, slot));
    struct promised p = preempt_promised(w, slot);
    uint32_t taken = p.nodes + window_sum(w, s.shut | p.shut).free;
    s.free = w->free_total - MW_MIN(w->free_total, taken) + w->coming[slot];
    if (fits(w, &s) || hopeless(w, &s))
        return false;
    uint32_t victims = choose(w, &s);
    int64_t last_ms = s.now_ms;
    for (uint32_t i = 0; i < victims; i++)
        last_ms = MW_MAX(last_ms, s.now_ms + stops_in_ms(w, w->tools->victim[i], s.now_ms));
    if (!victims || last_ms >= backfill_reserve(w, slot, queue_room(w, slot), 0).at_ms)
        return false;
    for (uint32_t i = 0; i < MW_MIN(victims, w->look); i++) {
        uint32_t victim = w->tools->victim[i];
        const struct stop stop = { .cause = b->job_submit_seq[slot], .slot = victim,
                                   .attempt = b->job_attempt[victim], .node = MW_NONE,
                                   .incident_slot = MW_NONE, .class = BOARD_CLASS_PREEMPT,
                                   .how = DRAIN_AT_CHECKPOINT };
        work_ask_stop(w, &stop);
    }
    return w->look > 0;
}
