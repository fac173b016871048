/* Expected ends and reservations.  See work_backfill.h. */
#include "work/work_backfill.h"

#include "base/mem.h"
#include "base/units.h"
#include "work/work_window.h"

/* No sum of these and of times of day overflows. */
#define STRETCH_MS_MAX (1000 * BOARD_JOB_MS_MAX)

bool backfill_init(struct work *w)
{
    uint32_t jobs = w->board->jobs_max;
    struct tools *t = w->tools = mw_calloc(1, sizeof(*w->tools));
    w->end_ms = mw_calloc(jobs, sizeof(*w->end_ms));
    w->gives = mw_calloc(jobs, sizeof(*w->gives));
    if (!t || !w->end_ms || !w->gives)
        return false;
    t->front_due = mw_calloc(jobs, sizeof(*t->front_due));
    t->price_key = mw_calloc(jobs, sizeof(*t->price_key));
    t->victim = mw_calloc(jobs, sizeof(*t->victim));
    if (!t->front_due || !t->price_key || !t->victim)
        return false;
    for (uint32_t i = 0; i < jobs; i++)
        w->end_ms[i] = t->front_due[i] = t->price_key[i] = MW_NEVER;
    if (heap_init(&w->ends, w->end_ms, jobs) < 0 || heap_init(&t->front, t->front_due, jobs) < 0 ||
        heap_init(&t->price, t->price_key, jobs) < 0)
        return false;
    work_column(w, (struct column)COLUMN("end_ms", w->end_ms, jobs, &w->board->jobs_used));
    return true;
}

void backfill_fini(struct work *w)
{
    heap_fini(&w->ends);
    mw_free(w->end_ms);
    mw_free(w->gives);
    if (!w->tools)
        return;
    heap_fini(&w->tools->front);
    heap_fini(&w->tools->price);
    mw_free(w->tools->front_due);
    mw_free(w->tools->price_key);
    mw_free(w->tools->victim);
    mw_free(w->tools);
}

/* Nodes of the attempt that take the next job when it ends. */
static uint32_t count_gives(const struct work *w, uint32_t slot)
{
    uint32_t n = 0;
    for (uint32_t i = w->board->job_first_node[slot]; i != MW_NONE; i = w->board->node_next[i])
        n += w->serving[i];
    return n;
}

void backfill_rebuild(struct work *w)
{
    const struct board *b = w->board;
    heap_rebuild(&w->ends);
    for (uint32_t s = 0; s < b->jobs_used; s++)
        w->gives[s] = b->job_id[s] && b->job_state[s] >= JOB_PLACED ? count_gives(w, s) : 0;
}

/* Work from `from` to `to` on a cadence that began at `base`, with the checkpoints between: the one
 * that would end with the work is not written. */
static int64_t stretch_ms(int64_t base_ms, int64_t from_ms, int64_t to_ms, int64_t interval_ms,
                          int64_t write_ms)
{
    if (to_ms <= from_ms)
        return 0;
    int64_t writes = interval_ms <= 0 ? 0 : (to_ms - base_ms - 1) / interval_ms -
                                            (from_ms - base_ms) / interval_ms;
    __int128 all_ms = (__int128)MW_MAX(0, writes) * write_ms + (to_ms - from_ms);
    return all_ms > STRETCH_MS_MAX ? STRETCH_MS_MAX : (int64_t)all_ms;
}

int64_t backfill_length_ms(const struct work *w, uint32_t slot)
{
    const struct board *b = w->board;
    int64_t interval = work_interval_ms(&w->policy, b->job_write_ms[slot], b->job_nodes[slot]);
    int64_t from_ms = b->job_saved_ms[slot];
    return b->job_restart_ms[slot] + stretch_ms(from_ms, from_ms, b->job_work_ms[slot], interval,
                                                b->job_write_ms[slot]);
}

static void expect(struct work *w, uint32_t slot, int64_t end_ms)
{
    if (!w->policy.engine)
        heap_set(&w->ends, slot, end_ms);
}

void backfill_placed(struct work *w, uint32_t slot)
{
    const struct board *b = w->board;
    int64_t from_ms = b->job_from_ms[slot];
    w->gives[slot] = count_gives(w, slot);
    expect(w, slot, mw_ms(w->now_ns) + b->job_restart_ms[slot] +
                    stretch_ms(from_ms, from_ms, b->job_work_ms[slot], b->job_interval_ms[slot],
                               b->job_write_ms[slot]));
}

void backfill_running(struct work *w, uint32_t slot, int64_t from_ms)
{
    const struct board *b = w->board;
    if (w->stop_how[slot])
        return;
    expect(w, slot, mw_ms(w->now_ns) +
                    stretch_ms(from_ms, from_ms, b->job_work_ms[slot], b->job_interval_ms[slot],
                               b->job_write_ms[slot]));
}

/* A report tells no more than the cadence does, unless the job is slowed: the difference of a
 * checkpoint that is being written is no news. */
void backfill_progress(struct work *w, uint32_t slot, int64_t progress_ms)
{
    const struct board *b = w->board;
    if (w->stop_how[slot] || w->end_ms[slot] == MW_NEVER || !b->job_ready_ms[slot])
        return;
    int64_t from_ms = MW_MAX(b->job_from_ms[slot], progress_ms);
    int64_t end_ms = mw_ms(w->now_ns) +
                     stretch_ms(b->job_from_ms[slot], from_ms, b->job_work_ms[slot],
                                b->job_interval_ms[slot], b->job_write_ms[slot]);
    int64_t off_ms = end_ms - w->end_ms[slot];
    if (off_ms > b->job_write_ms[slot] || -off_ms > b->job_write_ms[slot])
        expect(w, slot, end_ms);
}

void backfill_stopping(struct work *w, uint32_t slot, uint8_t how)
{
    const struct board *b = w->board;
    int64_t now_ms = mw_ms(w->now_ns), in_ms = 0;
    if (how == DRAIN_AT_CHECKPOINT && b->job_ready_ms[slot])
        in_ms = b->job_interval_ms[slot] > 0 ? board_job_checkpoint_in_ms(b, slot, now_ms)
                                             : b->job_write_ms[slot];
    if (w->end_ms[slot] != MW_NEVER)
        expect(w, slot, MW_MIN(w->end_ms[slot], now_ms + in_ms));
}

void backfill_ended(struct work *w, uint32_t slot)
{
    w->gives[slot] = 0;
    expect(w, slot, MW_NEVER);
}

void backfill_gives(struct work *w, uint32_t slot, bool more)
{
    must(more || w->gives[slot] > 0);
    w->gives[slot] += more ? 1u : (uint32_t)-1;
}

void backfill_clear(struct heap *h)
{
    for (uint32_t i = 0; i < h->length; i++) {
        h->due[h->item[i].row] = MW_NEVER;
        h->pos[h->item[i].row] = MW_NONE;
    }
    h->length = 0;
}

/* ---- the ends in order of time -------------------------------------------------------------- */

/* Ends are taken from the heap from the top down without changing it: what is next is among the
 * children of what was taken. */
static void look_at(const struct work *w, uint32_t place)
{
    if (place < w->ends.length)
        heap_set(&w->tools->front, place, w->ends.item[place].due);
}

static uint32_t take_next(const struct work *w)
{
    struct heap *front = &w->tools->front;
    uint32_t place = heap_top(front);
    if (place == MW_NONE)
        return MW_NONE;
    heap_set(front, place, MW_NEVER);
    for (uint32_t i = 1; i <= HEAP_FAN; i++)
        look_at(w, HEAP_FAN * place + i);
    return w->ends.item[place].row;
}

/* A reservation as it is looked for. */
struct search {
    uint32_t slot;     /* the job that waits */
    uint64_t shut;     /* windows whose nodes it may not have yet */
    int64_t now_ms;
    uint32_t room;     /* what it may have at the time that was reached */
    uint32_t late;     /* nodes under attempts that run past their expected end */
    int64_t at_ms;     /* MW_NEVER until it fits */
};

/* What the job that waits gets of an attempt that ends. */
static uint32_t given(const struct work *w, const struct search *s, uint32_t from)
{
    uint32_t whose = w->room_for[from];
    if (whose != MW_NONE && whose != s->slot)
        return 0;
    uint32_t shut = window_under(w, s->shut, from);
    return w->gives[from] - MW_MIN(w->gives[from], shut);
}

/* The next moment at which nodes come free, and frees them; MW_NEVER when there is none that
 * matters. */
static int64_t step(const struct work *w, struct search *s)
{
    int64_t late_ms = s->late ? s->now_ms + BACKFILL_OVERRUN_MS : MW_NEVER;
    int64_t end_ms = heap_top_due(&w->tools->front);
    uint32_t row = window_first_end(w, s->shut);
    int64_t open_ms = row == MW_NONE ? MW_NEVER : w->window.to_ms[row];
    int64_t t_ms = MW_MIN(MW_MIN(late_ms, end_ms), open_ms);
    if (t_ms == MW_NEVER || (s->at_ms != MW_NEVER && t_ms > s->at_ms))
        return MW_NEVER;
    if (t_ms == late_ms) {
        s->room += s->late;
        s->late = 0;
    } else if (t_ms == end_ms) {
        s->room += given(w, s, take_next(w));
    } else {
        s->room += window_opens(w, row, s->shut);
        s->shut &= ~(UINT64_C(1) << row);
    }
    return t_ms;
}

struct line backfill_reserve(const struct work *w, uint32_t slot, uint32_t room, uint32_t kept)
{
    must(slot < w->board->jobs_used && w->tools->front.length == 0);
    uint32_t need = w->board->job_nodes[slot];
    struct search s = { .slot = slot, .now_ms = mw_ms(w->now_ns), .room = room };
    s.shut = window_mask(w, slot, s.now_ms + backfill_length_ms(w, slot));
    s.at_ms = room >= need ? s.now_ms : MW_NEVER;
    look_at(w, 0);
    while (heap_top_due(&w->tools->front) < s.now_ms)
        s.late += given(w, &s, take_next(w));
    for (int64_t t_ms; (t_ms = step(w, &s)) != MW_NEVER;)
        if (s.at_ms == MW_NEVER && s.room >= need)
            s.at_ms = t_ms;
    backfill_clear(&w->tools->front);
    return (struct line){ .slot = slot, .at_ms = s.at_ms, .spare = kept,
                          .extra = s.at_ms == MW_NEVER ? UINT32_MAX : s.room - need };
}
