/*
 * The series of a machine, and frames of samples applied to them.  A frame's
 * changes are noted first, then written to the ring, then shown to the rules, so
 * that a rule over two metrics sees both as they are.
 */
#include <string.h>

#include "signal/machines_private.h"

#define ROWS_FIRST 64u

/* ---- series ---------------------------------------------------------------------------------- */

static uint32_t find_place(const struct machine *k, uint32_t key)
{
    uint32_t low = 0, high = k->rows;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        if (k->series[k->sorted[mid]].key < key)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

uint32_t machines_series_find(const struct machine *k, uint32_t key)
{
    uint32_t place = find_place(k, key);
    if (place == k->rows || k->series[k->sorted[place]].key != key)
        return MW_NONE;
    return k->sorted[place];
}

/* A frame may change every series of its machine. */
static bool changes_room(struct machines *m, uint32_t most)
{
    struct change *more =
        most > m->changes_max ? mw_resize(m->change, most, sizeof(*more)) : m->change;
    if (!more)
        return false;
    m->change = more;
    m->changes_max = MW_MAX(m->changes_max, most);
    return true;
}

/* By a quarter: most machines have all their series after one frame. */
static bool grow(struct machines *m, struct machine *k)
{
    uint32_t most = MW_MIN(MW_MAX(k->rows_max + k->rows_max / 4, ROWS_FIRST), SERIES_MAX);
    if (most == k->rows_max || !changes_room(m, most))
        return false;
    struct series *series = mw_resize(k->series, most, sizeof(*series));
    k->series = series ? series : k->series;
    uint8_t *flags = series ? mw_resize(k->flags, most, sizeof(*flags)) : NULL;
    k->flags = flags ? flags : k->flags;
    uint16_t *sorted = flags ? mw_resize(k->sorted, most, sizeof(*sorted)) : NULL;
    if (!sorted)
        return false;
    k->sorted = sorted;
    k->rows_max = most;
    return true;
}

uint32_t machines_series_add(struct machines *m, uint32_t machine, uint32_t key)
{
    struct machine *k = &m->machine[machine];
    if (k->rows == k->rows_max && !grow(m, k)) {
        m->stats.left_out++;
        return MW_NONE;
    }
    uint32_t place = find_place(k, key), s = k->rows++;
    memmove(&k->sorted[place + 1], &k->sorted[place], (s - place) * sizeof(*k->sorted));
    k->sorted[place] = (uint16_t)s;
    k->series[s] = (struct series){ .key = key };
    k->flags[s] = machines_watch_concerns(m, key >> 22) ? SERIES_RULED : 0;
    return s;
}

int64_t machines_series_at_ms(const struct machines *m, const struct series *s)
{
    return m->began_ms + (int64_t)s->at * 100;
}

void machines_series_set(struct machines *m, uint32_t machine, uint32_t series, bool here,
                         int64_t value, int64_t now_ms)
{
    struct machine *k = &m->machine[machine];
    struct series *s = &k->series[series];
    bool was_here = k->flags[series] & SERIES_HERE;
    k->flags[series] &= (uint8_t)~SERIES_UNSAID;
    if (here == was_here && s->value == value)
        return;
    if (!(k->flags[series] & SERIES_NOTED)) {
        must(m->changes < m->changes_max);
        m->change[m->changes++] = (struct change){ series, was_here, s->value };
        k->flags[series] |= SERIES_NOTED;
    }
    k->here += here;
    k->here -= was_here;
    k->flags[series] = (uint8_t)((k->flags[series] & ~SERIES_HERE) | (here ? SERIES_HERE : 0));
    s->value = here ? value : 0;
    s->at = (uint32_t)MW_MIN(MW_MAX((now_ms - m->began_ms) / 100, 0), (int64_t)UINT32_MAX);
}

/* ---- frames ---------------------------------------------------------------------------------- */

/* Another line of this machine that said this series does not any more: the last one wins. */
static void unbind(struct machines *m, const struct line *by, uint32_t series)
{
    const struct machine *k = &m->machine[by->machine];
    for (uint32_t i = 0; i < MACHINE_LINES_MAX; i++) {
        struct line *l = k->line[i] == MW_NONE ? NULL : &m->line[k->line[i]];
        for (uint32_t row = 0; l && l != by && row < l->rows; row++)
            if (l->series[row] != ROW_NONE && (l->series[row] & ~ROW_FRESH) == series)
                l->series[row] = ROW_NONE;
    }
}

static bool line_grow(struct line *l)
{
    if (l->rows < l->rows_max)
        return true;
    uint32_t most = MW_MAX(l->rows_max + l->rows_max / 4, ROWS_FIRST);
    uint16_t *more = mw_resize(l->series, most, sizeof(*more));
    if (!more)
        return false;
    l->series = more;
    l->rows_max = most;
    return true;
}

static int define(struct machines *m, struct line *l, const struct sample_entry *e, int64_t now_ms,
                  struct mw_error *err)
{
    struct machine *k = &m->machine[l->machine];
    uint32_t key = series_key(e->metric, e->instance), s = MW_NONE;
    if (l->rows == SAMPLES_SERIES_MAX)
        return mw_fail(err, MW_ECORRUPT, "the samples are damaged: too many definitions");
    if (!line_grow(l))
        return mw_fail(err, MW_ENOMEM, "out of memory for the rows of a connection");
    if (metric_of(e->metric) == NULL)
        m->stats.unknown++;
    else if ((s = machines_series_find(k, key)) != MW_NONE)
        unbind(m, l, s);
    else if ((s = machines_series_add(m, l->machine, key)) != MW_NONE)
        machines_watch_series(m, l->machine, s, now_ms);
    l->series[l->rows++] = s == MW_NONE ? ROW_NONE : (uint16_t)(s | ROW_FRESH);
    if (s != MW_NONE)
        k->flags[s] = (uint8_t)((k->flags[s] & ~SERIES_GATHERED) |
                                (l->gather ? SERIES_GATHERED : 0));
    return 0;
}

static int apply(struct machines *m, struct line *l, const struct sample_entry *e, int64_t now_ms,
                 struct mw_error *err)
{
    if (e->row >= l->rows)
        return mw_fail(err, MW_ECORRUPT, "the samples are damaged: row %u was never defined",
                       e->row);
    uint16_t *row = &l->series[e->row];
    if (*row == ROW_NONE)
        return 0;
    uint32_t s = *row & ~ROW_FRESH;
    const struct machine *k = &m->machine[l->machine];
    uint64_t was = *row & ROW_FRESH ? 0 : (uint64_t)k->series[s].value;
    bool here = e->what == SAMPLE_VALUE;
    *row = (uint16_t)s;
    m->stats.values += here;
    m->stats.gone += !here;
    machines_series_set(m, l->machine, s, here, here ? (int64_t)(was + e->delta) : 0, now_ms);
    return 0;
}

/* What the line's forerunner said and this one never did is gone. */
static void sweep(struct machines *m, struct line *l, int64_t now_ms)
{
    const struct machine *k = &m->machine[l->machine];
    for (uint32_t s = 0; s < k->rows; s++)
        if ((k->flags[s] & SERIES_UNSAID) && l->gather == !!(k->flags[s] & SERIES_GATHERED))
            machines_series_set(m, l->machine, s, false, 0, now_ms);
    l->swept = true;
}

int machines_samples(struct machines *m, uint32_t line, int64_t now_ms, struct sample_reader *r,
                     struct mw_error *err)
{
    must(m && r && line < m->lines && m->line[line].machine != MW_NONE);
    struct line *l = &m->line[line];
    struct machine *k = &m->machine[l->machine];
    struct sample_entry e;
    const uint8_t *from = r->at;
    int rc;
    m->changes = 0;
    while ((rc = sample_reader_next(r, &e, err)) == 0 && e.what != SAMPLE_END) {
        rc = e.what == SAMPLE_DEFINES ? define(m, l, &e, now_ms, err)
                                      : apply(m, l, &e, now_ms, err);
        if (rc < 0)
            break;
    }
    if (!l->swept && now_ms - l->opened_ms >= SWEEP_MS)
        sweep(m, l, now_ms);
    machines_heard(m, line, now_ms, (size_t)(r->end - from));
    for (uint32_t i = 0; i < m->changes; i++)
        k->flags[m->change[i].series] &= (uint8_t)~SERIES_NOTED;
    k->frames++;
    k->coalesced += r->head.coalesced;
    m->stats.frames++;
    m->stats.bytes += (uint64_t)(r->end - from);
    m->stats.corrupt += rc == MW_ECORRUPT;
    if (m->changes > 0) {
        machines_ring_write(m, l->machine, now_ms);
        machines_watch_changes(m, l->machine, now_ms - l->sampled_ms, now_ms);
    }
    l->sampled_ms = now_ms;
    return rc;
}
