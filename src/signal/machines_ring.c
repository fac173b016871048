/*
 * The window of what changed on a machine: frames in a ring of bytes, decoded
 * when somebody asks.  Old frames give way to new ones and move the base values
 * on, so that the ring always begins with a whole state.
 */
#include <endian.h>
#include <string.h>

#include "signal/machines_private.h"

#define LENGTH 2u      /* bytes before a frame */
#define FRAME_MAX (FRAME_BYTES_MAX - 1) /* what a length holds */

/* ---- frames of the ring ---------------------------------------------------------------------- */

struct cursor {
    const uint8_t *at, *end;
};

/* Our own bytes: never cut, never damaged. */
static uint64_t take(struct cursor *c)
{
    uint64_t v = 0;
    for (uint32_t shift = 0;; shift += 7) {
        must(c->at < c->end && shift < 64);
        v |= (uint64_t)(*c->at & 0x7f) << shift;
        if (!(*c->at++ & 0x80))
            return v;
    }
}

struct writer {
    uint8_t *at, *end; /* at > end: it did not fit */
};

static void put(struct writer *w, uint64_t v)
{
    do {
        if (w->at < w->end)
            *w->at = (uint8_t)(v | (v >= 0x80 ? 0x80 : 0));
        w->at++;
        v >>= 7;
    } while (v > 0 && w->at <= w->end);
}

/* Where a frame's entry goes: the value itself, and whether it is there. */
struct state {
    int64_t *value;
    uint8_t *flags;
    uint8_t here;    /* the bit of flags that says so */
    uint32_t stride; /* of value, in int64_t */
};

/* Applies a frame to a state; its series into `changed` when that is wanted.  Returns how many. */
static uint32_t frame_apply(struct cursor c, const struct state *st, uint32_t *changed)
{
    uint32_t n = 0;
    uint64_t s = 0;
    for (uint32_t part = 0; part < 2; part++) {
        uint64_t left = take(&c);
        s = 0;
        for (; left > 0; left--) {
            s += machines_unzigzag(take(&c));
            int64_t *value = &st->value[s * st->stride];
            if (part == 0) {
                *value = (int64_t)((uint64_t)*value + machines_unzigzag(take(&c)));
                st->flags[s] |= st->here;
            } else {
                *value = 0;
                st->flags[s] &= (uint8_t)~st->here;
            }
            if (changed)
                changed[n] = (uint32_t)s;
            n++;
        }
    }
    must(c.at == c.end);
    return n;
}

static struct state base_of(struct machine *k)
{
    return (struct state){ &k->series[0].base, k->flags, SERIES_BASE,
                           sizeof(struct series) / sizeof(int64_t) };
}

_Static_assert(sizeof(struct series) % sizeof(int64_t) == 0, "series are walked in int64_t");

/* ---- the ring -------------------------------------------------------------------------------- */

static uint32_t length_at(const struct ring *r, uint32_t at)
{
    uint16_t length;
    if (at + LENGTH > r->size)
        return 0;
    memcpy(&length, r->bytes + at, sizeof(length));
    return le16toh(length);
}

/* The frame at *at, which then stands behind it. */
static struct cursor frame_at(const struct ring *r, uint32_t *at)
{
    uint32_t length = length_at(r, *at);
    if (length == 0) {
        *at = 0;
        length = length_at(r, 0);
    }
    must(length > 0 && *at + LENGTH + length <= r->size);
    struct cursor c = { r->bytes + *at + LENGTH, r->bytes + *at + LENGTH + length };
    *at += LENGTH + length;
    return c;
}

static void drop_oldest(struct machine *k)
{
    struct ring *r = &k->ring;
    struct state base = base_of(k);
    uint32_t at = r->head;
    struct cursor c = frame_at(r, &at);
    r->used -= (uint32_t)(c.end - c.at) + LENGTH;
    r->base_ms += (int64_t)take(&c);
    (void)frame_apply(c, &base, NULL);
    r->head = at;
    r->frames--;
}

/* Room for a frame at `tail`, contiguous; false: it is longer than the whole ring. */
static bool make_room(struct machine *k, uint32_t size)
{
    struct ring *r = &k->ring;
    if (size > r->size)
        return false;
    for (;;) {
        if (r->frames == 0)
            r->head = r->tail = 0;
        bool ahead = r->frames > 0 && r->tail <= r->head; /* what is written runs into the head */
        uint32_t end = ahead ? r->head : r->size;
        if (r->tail + size <= end)
            return true;
        if (!ahead && r->frames > 0) { /* go on at the beginning */
            if (r->tail + LENGTH <= r->size)
                memset(r->bytes + r->tail, 0, LENGTH);
            if (r->head == 0)
                drop_oldest(k);
            r->tail = 0;
            continue;
        }
        drop_oldest(k);
    }
}

/* The history restarts: the base is what is here now. */
static void restart(struct machine *k, int64_t now_ms)
{
    struct ring *r = &k->ring;
    r->head = r->tail = r->frames = r->used = 0;
    r->base_ms = r->last_ms = now_ms;
    for (uint32_t s = 0; s < k->rows; s++) {
        bool here = k->flags[s] & SERIES_HERE;
        k->series[s].base = k->series[s].value;
        k->flags[s] = (uint8_t)((k->flags[s] & ~SERIES_BASE) | (here ? SERIES_BASE : 0));
    }
}

/* The changes noted, of series that have a value still or of those that have none any more. */
static void put_changes(const struct machines *m, const struct machine *k, bool here,
                        struct writer *w)
{
    uint64_t last = 0, n = 0;
    for (uint32_t i = 0; i < m->changes; i++)
        n += !!(k->flags[m->change[i].series] & SERIES_HERE) == here;
    put(w, n);
    for (uint32_t i = 0; i < m->changes && w->at <= w->end; i++) {
        const struct change *c = &m->change[i];
        if (!!(k->flags[c->series] & SERIES_HERE) != here)
            continue;
        put(w, machines_zigzag(c->series - last));
        last = c->series;
        if (here)
            put(w, machines_zigzag((uint64_t)k->series[c->series].value - (uint64_t)c->was));
    }
}

/* The frame in m->frame; 0: it is too long for one. */
static uint32_t make_frame(struct machines *m, const struct machine *k, int64_t now_ms)
{
    struct writer w = { m->frame, m->frame + FRAME_MAX };
    put(&w, (uint64_t)MW_MAX(now_ms - k->ring.last_ms, 0));
    put_changes(m, k, true, &w);
    put_changes(m, k, false, &w);
    return w.at <= w.end ? (uint32_t)(w.at - m->frame) : 0;
}

void machines_ring_write(struct machines *m, uint32_t machine, int64_t now_ms)
{
    struct machine *k = &m->machine[machine];
    struct ring *r = &k->ring;
    if (!r->bytes) { /* the first frame is where the window begins */
        r->bytes = mw_resize(NULL, m->ring_bytes, 1); /* not cleared: pages come as they fill */
        r->size = r->bytes ? (uint32_t)m->ring_bytes : 0;
        restart(k, now_ms);
        return;
    }
    uint32_t size = make_frame(m, k, now_ms);
    if (size == 0 || !make_room(k, size + LENGTH)) {
        restart(k, now_ms);
        return;
    }
    uint16_t length = htole16((uint16_t)size);
    memcpy(r->bytes + r->tail, &length, sizeof(length));
    memcpy(r->bytes + r->tail + LENGTH, m->frame, size);
    r->tail += LENGTH + size;
    r->used += LENGTH + size;
    r->frames++;
    r->last_ms = MW_MAX(r->last_ms, now_ms);
}

/* ---- walking --------------------------------------------------------------------------------- */

/* A machine's state as it goes through the window. */
struct walk {
    const struct machine *k;
    int64_t *value;
    uint8_t *flags;             /* 1: it is there */
    uint32_t *changed;
    struct machine_value *told; /* what the caller is shown */
    int64_t time_ms;
};

static struct machine_value told_of(const struct walk *w, uint32_t s)
{
    const struct series *series = &w->k->series[s];
    return (struct machine_value){ .metric = (uint16_t)series_metric(series),
                                   .instance = series_instance(series), .at_ms = w->time_ms,
                                   .value = w->flags[s] ? w->value[s] : MACHINE_VALUE_GONE };
}

static void tell_all(struct walk *w, machines_frame_fn *fn, void *ctx)
{
    uint32_t n = 0;
    for (uint32_t s = 0; s < w->k->rows; s++)
        if (w->flags[s])
            w->told[n++] = told_of(w, s);
    fn(ctx, w->time_ms, w->told, n);
}

static void tell_changed(struct walk *w, uint32_t n, machines_frame_fn *fn, void *ctx)
{
    for (uint32_t i = 0; i < n; i++)
        w->told[i] = told_of(w, w->changed[i]);
    fn(ctx, w->time_ms, w->told, n);
}

static void walk(struct walk *w, int64_t from_ms, machines_frame_fn *fn, void *ctx)
{
    const struct ring *r = &w->k->ring;
    const struct state state = { w->value, w->flags, 1, 1 };
    bool begun = false;
    uint32_t at = r->head;
    w->time_ms = r->base_ms;
    for (uint32_t s = 0; s < w->k->rows; s++) {
        w->value[s] = w->k->series[s].base;
        w->flags[s] = !!(w->k->flags[s] & SERIES_BASE);
    }
    for (uint32_t f = 0; f < r->frames; f++) {
        struct cursor c = frame_at(r, &at);
        int64_t next_ms = w->time_ms + (int64_t)take(&c);
        if (!begun && next_ms > from_ms) {
            w->time_ms = MW_MAX(w->time_ms, MW_MIN(from_ms, next_ms));
            tell_all(w, fn, ctx);
            begun = true;
        }
        w->time_ms = next_ms;
        uint32_t n = frame_apply(c, &state, w->changed);
        if (begun)
            tell_changed(w, n, fn, ctx);
    }
    if (!begun) {
        w->time_ms = MW_MAX(w->time_ms, from_ms);
        tell_all(w, fn, ctx);
    }
}

void machines_walk(const struct machines *m, uint32_t i, int64_t from_ms, machines_frame_fn *fn,
                   void *ctx)
{
    must(m && i < m->count && fn);
    const struct machine *k = &m->machine[i];
    struct walk w = { .k = k };
    w.value = mw_calloc(k->rows, sizeof(*w.value));
    w.flags = mw_calloc(k->rows, sizeof(*w.flags));
    w.changed = mw_calloc(k->rows, sizeof(*w.changed));
    w.told = mw_calloc(k->rows, sizeof(*w.told));
    if (w.value && w.flags && w.changed && w.told && k->ring.bytes)
        walk(&w, from_ms, fn, ctx);
    mw_free(w.value);
    mw_free(w.flags);
    mw_free(w.changed);
    mw_free(w.told);
}
