/* Maintenance windows.  See work_window.h. */
#include "work/work_window.h"

#include "base/mem.h"
#include "base/units.h"

_Static_assert(WORK_WINDOWS_MAX == 64, "a set of windows is the bits of a word");

/* Why a node is hidden: a window is on; a choice must not take it. */
enum { HIDDEN_ON = 1 << 0, HIDDEN_CHOICE = 1 << 1 };

bool window_init(struct work *w)
{
    struct windows *v = &w->window;
    w->hidden = mw_calloc(w->board->nodes, 1);
    if (!w->hidden)
        return false;
    v->due_ns = MW_NEVER;
    const struct column column[] = {
        COLUMN("window_command", v->command, WORK_WINDOWS_MAX, NULL),
        COLUMN("window_from_ms", v->from_ms, WORK_WINDOWS_MAX, NULL),
        COLUMN("window_to_ms", v->to_ms, WORK_WINDOWS_MAX, NULL),
        COLUMN("window_first", v->first, WORK_WINDOWS_MAX, NULL),
        COLUMN("window_count", v->count, WORK_WINDOWS_MAX, NULL),
        COLUMN("window_actor", v->actor, WORK_WINDOWS_MAX, NULL),
        COLUMN("window_cursor", v->cursor, WORK_WINDOWS_MAX, NULL),
        COLUMN("window_begun", v->begun, WORK_WINDOWS_MAX, NULL),
        COLUMN("window_due_ns", &v->due_ns, 1, NULL),
    };
    for (uint32_t i = 0; i < MW_ARRAY_LEN(column); i++)
        work_column(w, column[i]);
    return true;
}

void window_fini(struct work *w)
{
    mw_free(w->hidden);
}

static uint32_t end_of(const struct windows *v, uint32_t row)
{
    return v->first[row] + v->count[row];
}

/* What is next to do with any of them; how many are to come. */
static void schedule(struct work *w)
{
    struct windows *v = &w->window;
    v->due_ns = MW_NEVER;
    v->waiting = 0;
    w->changes++;
    for (uint32_t i = 0; i < WORK_WINDOWS_MAX; i++) {
        if (!v->command[i])
            continue;
        bool stops = v->begun[i] && v->cursor[i] < end_of(v, i);
        int64_t due_ms = v->begun[i] && !stops ? v->to_ms[i] : v->from_ms[i];
        v->due_ns = MW_MIN(v->due_ns, due_ms * MW_NS_PER_MS);
        v->waiting += !v->begun[i];
    }
}

void window_rebuild(struct work *w)
{
    const struct windows *v = &w->window;
    for (uint32_t i = 0; i < WORK_WINDOWS_MAX; i++)
        for (uint32_t n = v->first[i]; v->command[i] && v->begun[i] && n < end_of(v, i); n++)
            w->hidden[n] = HIDDEN_ON;
    schedule(w);
}

static uint32_t row_of(const struct windows *v, uint64_t command)
{
    uint32_t row = 0;
    while (row < WORK_WINDOWS_MAX && v->command[row] != command)
        row++;
    return row < WORK_WINDOWS_MAX ? row : MW_NONE;
}

/* Is there another over one of these nodes at one of these times? */
static bool overlaps(const struct windows *v, const struct body_command *c, int64_t from_ms,
                     int64_t to_ms)
{
    for (uint32_t i = 0; i < WORK_WINDOWS_MAX; i++)
        if (v->command[i] && c->node < end_of(v, i) && v->first[i] < c->node + c->count &&
            from_ms < v->to_ms[i] && v->from_ms[i] < to_ms)
            return true;
    return false;
}

enum admit window_admit(const struct work *w, const struct event *ev)
{
    const struct body_command *c = &ev->body.command;
    const struct windows *v = &w->window;
    if (w->policy.engine)
        return ADMIT_IMPOSSIBLE; /* the engine has reservations of its own */
    if (c->length_ms == 0)
        return row_of(v, c->ref) == MW_NONE ? ADMIT_STALE : ADMIT_OK;
    if (c->length_ms > WINDOW_MS_MAX || c->ref > WINDOW_MS_MAX)
        return ADMIT_IMPOSSIBLE;
    int64_t now_ms = mw_ms(w->now_ns), from_ms = MW_MAX((int64_t)c->ref, now_ms);
    if ((int64_t)c->ref + c->length_ms <= now_ms)
        return ADMIT_STALE;
    if (overlaps(v, c, from_ms, (int64_t)c->ref + c->length_ms))
        return ADMIT_DUPLICATE;
    return row_of(v, 0) == MW_NONE ? ADMIT_FULL : ADMIT_OK;
}

static void keep_off(struct work *w, uint32_t row, bool on)
{
    for (uint32_t n = w->window.first[row]; n < end_of(&w->window, row); n++) {
        w->hidden[n] = on ? HIDDEN_ON : 0;
        work_refresh(w, n);
    }
}

static void over(struct work *w, uint32_t row)
{
    struct windows *v = &w->window;
    if (v->begun[row])
        keep_off(w, row, false);
    v->command[row] = 0;
    v->begun[row] = 0;
    if (w->queued)
        work_ask_pulse(w); /* its nodes are free again, or need not be kept free */
}

void window_command(struct work *w, const struct event *ev)
{
    const struct body_command *c = &ev->body.command;
    struct windows *v = &w->window;
    uint32_t row = row_of(v, c->length_ms ? 0 : c->ref);
    if (w->policy.engine || row == MW_NONE)
        return;
    if (c->length_ms == 0) {
        over(w, row);
    } else {
        v->command[row] = ev->seq;
        v->from_ms[row] = MW_MAX((int64_t)c->ref, mw_ms(ev->time_ns));
        v->to_ms[row] = MW_MAX((int64_t)c->ref + c->length_ms, v->from_ms[row]);
        v->first[row] = v->cursor[row] = c->node;
        v->count[row] = c->count;
        v->actor[row] = ev->actor;
        v->begun[row] = 0;
    }
    schedule(w);
}

/* The next attempts on its nodes are told to stop. */
static void stop_some(struct work *w, uint32_t row)
{
    const struct board *b = w->board;
    uint32_t n = w->window.cursor[row], asked = 0, last = MW_NONE;
    for (; n < end_of(&w->window, row) && asked < WINDOW_STOPS; n++) {
        uint32_t slot = b->node_job[n];
        if (slot == MW_NONE || slot == last || w->stop_how[slot])
            continue;
        const struct stop s = { .slot = slot, .attempt = b->job_attempt[slot], .node = n,
                                .incident_slot = MW_NONE, .class = BOARD_CLASS_PERSON,
                                .how = DRAIN_AT_CHECKPOINT };
        work_ask_stop(w, &s);
        last = slot;
        asked++;
    }
    w->window.cursor[row] = n;
}

/* One thing of one window a firing: each is a group of its own.  What is over goes first: another
 * may begin there at the same time. */
void window_fired(struct work *w)
{
    struct windows *v = &w->window;
    int64_t now_ms = mw_ms(w->now_ns);
    uint32_t ended = 0;
    while (ended < WORK_WINDOWS_MAX && (!v->command[ended] || v->to_ms[ended] > now_ms))
        ended++;
    if (ended < WORK_WINDOWS_MAX)
        over(w, ended);
    for (uint32_t i = 0; i < WORK_WINDOWS_MAX && ended == WORK_WINDOWS_MAX; i++) {
        if (!v->command[i])
            continue;
        if (!v->begun[i] && v->from_ms[i] <= now_ms) {
            v->begun[i] = 1;
            keep_off(w, i, true);
            if (w->queued)
                work_ask_pulse(w); /* what is too large now keeps nothing from the others */
        }
        if (v->begun[i] && v->cursor[i] < end_of(v, i)) {
            stop_some(w, i);
            break;
        }
    }
    schedule(w);
}

/* ---- what they keep from whom ---------------------------------------------------------------- */

uint64_t window_mask(const struct work *w, uint32_t slot, int64_t end_ms)
{
    const struct windows *v = &w->window;
    uint64_t mask = 0;
    if (v->due_ns == MW_NEVER)
        return 0; /* there are none */
    for (uint32_t i = 0; i < WORK_WINDOWS_MAX; i++)
        if (v->command[i] &&
            (v->begun[i] || (v->from_ms[i] < end_ms && !work_is_interruptible(w, slot))))
            mask |= UINT64_C(1) << i;
    return mask;
}

/* The rows of a set that have not begun: their nodes are not hidden. */
static uint64_t to_come(const struct work *w, uint64_t mask)
{
    for (uint64_t left = mask; left; left &= left - 1)
        if (w->window.begun[__builtin_ctzll(left)])
            mask &= ~(left & -left);
    return mask;
}

/* Is the node in one of these? */
static bool is_in(const struct windows *v, uint64_t mask, uint32_t node)
{
    for (; mask; mask &= mask - 1) {
        uint32_t row = (uint32_t)__builtin_ctzll(mask);
        if (node - v->first[row] < v->count[row])
            return true;
    }
    return false;
}

/* Those of a set that are over nodes of this one too, at another time. */
static uint64_t beside(const struct windows *v, uint64_t mask, uint32_t row)
{
    uint64_t both = 0;
    for (; mask; mask &= mask - 1) {
        uint32_t i = (uint32_t)__builtin_ctzll(mask);
        if (i != row && v->first[i] < end_of(v, row) && v->first[row] < end_of(v, i))
            both |= UINT64_C(1) << i;
    }
    return both;
}

struct window_sum window_sum(const struct work *w, uint64_t mask)
{
    const struct windows *v = &w->window;
    mask = v->waiting && mask ? to_come(w, mask) : 0;
    struct window_sum *last = &w->tools->window_last;
    if (!mask || (last->mask == mask && last->changes == w->changes))
        return mask ? *last : (struct window_sum){ 0 };
    struct window_sum sum = { .mask = mask, .changes = w->changes };
    for (uint64_t left = mask, done = 0; left; left &= left - 1) {
        uint32_t row = (uint32_t)__builtin_ctzll(left);
        uint64_t again = beside(v, done, row); /* these nodes are counted */
        for (uint32_t n = v->first[row]; n < end_of(v, row); n++) {
            if (!w->serving[n] || (again && is_in(v, again, n)))
                continue;
            sum.serving++;
            sum.free += w->board->node_job[n] == MW_NONE;
        }
        done |= UINT64_C(1) << row;
    }
    return *last = sum;
}

uint32_t window_under(const struct work *w, uint64_t mask, uint32_t slot)
{
    const struct board *b = w->board;
    uint32_t under = 0;
    mask = w->window.waiting ? to_come(w, mask) : 0;
    for (uint32_t n = b->job_first_node[slot]; mask && n != MW_NONE; n = b->node_next[n])
        under += w->serving[n] && is_in(&w->window, mask, n);
    return under;
}

uint32_t window_first_end(const struct work *w, uint64_t mask)
{
    uint32_t best = MW_NONE;
    for (; mask; mask &= mask - 1) {
        uint32_t row = (uint32_t)__builtin_ctzll(mask);
        if (best == MW_NONE || w->window.to_ms[row] < w->window.to_ms[best])
            best = row;
    }
    return best;
}

uint32_t window_opens(const struct work *w, uint32_t row, uint64_t mask)
{
    const struct windows *v = &w->window;
    const struct board *b = w->board;
    uint64_t still = beside(v, mask, row);
    uint32_t opens = 0;
    for (uint32_t n = v->first[row]; n < end_of(v, row); n++) {
        uint32_t on = b->node_job[n];
        bool good = b->node_health[n] == HEALTH_READY && !b->node_holds[n];
        bool later = on != MW_NONE && w->end_ms[on] > v->to_ms[row]; /* its end gives it */
        opens += good && !later && !(still && is_in(v, still, n));
    }
    return opens;
}

void window_hide(struct work *w, uint64_t mask, bool hide)
{
    for (mask = to_come(w, mask); mask; mask &= mask - 1) {
        uint32_t row = (uint32_t)__builtin_ctzll(mask);
        for (uint32_t n = w->window.first[row]; n < end_of(&w->window, row); n++) {
            if (w->board->node_job[n] != MW_NONE)
                continue;
            w->hidden[n] = (uint8_t)((w->hidden[n] & ~HIDDEN_CHOICE) | (hide ? HIDDEN_CHOICE : 0));
            gang_follow(w, n);
        }
    }
}

/* ---- for those who ask ----------------------------------------------------------------------- */

static struct work_window describe(const struct windows *v, uint32_t row)
{
    return (struct work_window){ .command = v->command[row], .from_ms = v->from_ms[row],
                                 .to_ms = v->to_ms[row], .first = v->first[row],
                                 .count = v->count[row], .actor = v->actor[row],
                                 .begun = v->begun[row] };
}

bool work_window_next(const struct work *w, uint32_t *at, struct work_window *ret)
{
    must(at && ret);
    for (; *at < WORK_WINDOWS_MAX; (*at)++)
        if (w->window.command[*at]) {
            *ret = describe(&w->window, (*at)++);
            return true;
        }
    return false;
}

bool work_window_of(const struct work *w, uint32_t node, struct work_window *ret)
{
    const struct windows *v = &w->window;
    uint32_t best = MW_NONE;
    must(node < w->board->nodes && ret);
    for (uint32_t i = 0; i < WORK_WINDOWS_MAX; i++)
        if (v->command[i] && node >= v->first[i] && node < end_of(v, i) &&
            (best == MW_NONE || v->from_ms[i] < v->from_ms[best]))
            best = i;
    if (best != MW_NONE)
        *ret = describe(v, best);
    return best != MW_NONE;
}
