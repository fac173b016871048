/*
 * Making and finding machines, the connections that speak of them, and what is
 * read back.  Values are in machines_series.c, their window in machines_ring.c,
 * rules in machines_watch.c, inventory in machines_parts.c.
 */
#include "signal/machines.h"

#include <string.h>

#include "signal/machines_private.h"

/* ---- making ---------------------------------------------------------------------------------- */

int machines_create(const struct machines_options *o, struct machines **ret, struct mw_error *err)
{
    must(o && ret && o->machines_max > 0 && o->machines_max <= MACHINES_MAX);
    struct machines *m = mw_calloc(1, sizeof(*m));
    if (!m)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    m->o = *o;
    m->began_ms = INT64_MIN;
    m->line_free = m->watch_free = m->stated_free = MW_NONE;
    m->ring_bytes = o->ring_bytes;
    if (m->ring_bytes == 0)
        m->ring_bytes = MW_MIN(MACHINES_RING_MAX, MACHINES_RING_TOTAL / o->machines_max);
    m->machine = mw_calloc(o->machines_max, sizeof(*m->machine));
    m->frame = mw_calloc(FRAME_BYTES_MAX, 1);
    m->shown = mw_calloc(1, sizeof(*m->shown));
    if (!m->machine || !m->frame || !m->shown ||
         map_init(&m->by_name, o->machines_max) < 0 ||
        map_init(&m->by_node, o->machines_max) < 0) {
        machines_destroy(m);
        return mw_fail(err, MW_ENOMEM, "out of memory for %u machines", o->machines_max);
    }
    machines_watch_init(m);
    *ret = m;
    return 0;
}

static void machine_free(struct machines *m, struct machine *k)
{
    machines_parts_free(m, k);
    mw_free(k->name);
    mw_free(k->series);
    mw_free(k->flags);
    mw_free(k->sorted);
    mw_free(k->ring.bytes);
}

void machines_destroy(struct machines *m)
{
    if (!m)
        return;
    for (uint32_t i = 0; i < m->count; i++)
        machine_free(m, &m->machine[i]);
    for (uint32_t i = 0; i < m->lines; i++)
        mw_free(m->line[i].series);
    for (uint32_t i = 0; i < m->stateds; i++)
        mw_free(m->stated[i].text);
    mw_free(m->machine);
    mw_free(m->line);
    mw_free(m->watch);
    mw_free(m->stated);
    mw_free(m->change);
    mw_free(m->frame);
    mw_free(m->shown);
    map_fini(&m->by_name);
    map_fini(&m->by_node);
    mw_free(m);
}

static uint64_t name_key(const char *name)
{
    return mw_hash64_of(name, strlen(name));
}

uint32_t machines_find(const struct machines *m, const char *name)
{
    uint32_t row = map_get(&m->by_name, name_key(name));
    return row != MW_NONE && strcmp(m->machine[row].name, name) == 0 ? row : MW_NONE;
}

uint32_t machines_of_node(const struct machines *m, uint32_t node)
{
    return map_get(&m->by_node, node);
}

uint32_t machines_add(struct machines *m, const char *name, uint32_t node)
{
    must(m && name);
    uint32_t row = map_get(&m->by_name, name_key(name));
    if (row != MW_NONE) /* two names with one hash: the second is not known */
        return strcmp(m->machine[row].name, name) == 0 ? row : MW_NONE;
    char *copy = m->count < m->o.machines_max ? mw_strdup(name) : NULL;
    if (!copy) {
        m->stats.left_out++;
        return MW_NONE;
    }
    struct machine *k = &m->machine[m->count];
    *k = (struct machine){ .name = copy, .node = node, .watch = MW_NONE, .stated = MW_NONE };
    memset(k->line, 0xff, sizeof(k->line));
    map_put(&m->by_name, name_key(name), m->count);
    if (node != MW_NONE && map_get(&m->by_node, node) == MW_NONE)
        map_put(&m->by_node, node, m->count);
    return m->count++;
}

/* ---- lines ----------------------------------------------------------------------------------- */

static uint32_t line_take(struct machines *m)
{
    uint32_t line = m->line_free;
    if (line != MW_NONE) {
        m->line_free = m->line[line].next_free;
        return line;
    }
    if (m->lines == m->lines_max) {
        uint32_t most = m->lines_max == 0 ? 64 : m->lines_max * 2;
        struct line *more = mw_resize(m->line, most, sizeof(*more));
        if (!more)
            return MW_NONE;
        m->line = more;
        m->lines_max = most;
    }
    return m->lines++;
}

static bool speaks(const struct machines *m, const struct machine *k, bool gather)
{
    for (uint32_t i = 0; i < MACHINE_LINES_MAX; i++)
        if (k->line[i] != MW_NONE && m->line[k->line[i]].gather == gather)
            return true;
    return false;
}

/* What lines of this kind said before has to be said again. */
static void mark_unsaid(struct machine *k, bool gather)
{
    for (uint32_t i = 0; i < k->rows; i++)
        if ((k->flags[i] & SERIES_HERE) && gather == !!(k->flags[i] & SERIES_GATHERED))
            k->flags[i] |= SERIES_UNSAID;
}

uint32_t machines_line_open(struct machines *m, uint32_t machine, bool gather, const char *version,
                            int64_t now_ms)
{
    must(m && machine < m->count && version);
    struct machine *k = &m->machine[machine];
    uint32_t place = 0;
    while (place < MACHINE_LINES_MAX && k->line[place] != MW_NONE)
        place++;
    uint32_t line = place < MACHINE_LINES_MAX ? line_take(m) : MW_NONE;
    if (line == MW_NONE) {
        m->stats.left_out++;
        return MW_NONE;
    }
    if (!speaks(m, k, gather))
        mark_unsaid(k, gather);
    m->line[line] = (struct line){ .machine = machine, .gather = gather, .opened_ms = now_ms,
                                   .sampled_ms = now_ms };
    k->line[place] = line;
    if (!gather)
        memcpy(k->version, version, strnlen(version, sizeof(k->version) - 1) + 1);
    k->version[sizeof(k->version) - 1] = '\0';
    machines_heard(m, line, now_ms, 0);
    return line;
}

void machines_line_close(struct machines *m, uint32_t line)
{
    must(m && line < m->lines && m->line[line].machine != MW_NONE);
    struct machine *k = &m->machine[m->line[line].machine];
    for (uint32_t i = 0; i < MACHINE_LINES_MAX; i++)
        if (k->line[i] == line)
            k->line[i] = MW_NONE;
    mw_free(m->line[line].series);
    m->line[line] = (struct line){ .machine = MW_NONE, .next_free = m->line_free };
    m->line_free = line;
}

uint32_t machines_line_machine(const struct machines *m, uint32_t line)
{
    must(m && line < m->lines && m->line[line].machine != MW_NONE);
    return m->line[line].machine;
}

void machines_heard(struct machines *m, uint32_t line, int64_t now_ms, size_t bytes)
{
    must(m && line < m->lines && m->line[line].machine != MW_NONE);
    struct machine *k = &m->machine[m->line[line].machine];
    if (m->began_ms == INT64_MIN)
        m->began_ms = now_ms;
    k->heard_ms = MW_MAX(k->heard_ms, now_ms);
    k->bytes += bytes;
}

/* ---- reading --------------------------------------------------------------------------------- */

uint32_t machines_count(const struct machines *m)
{
    return m->count;
}

static uint32_t conditions_of(const struct machines *m, const struct machine *k)
{
    uint32_t n = k->stateds;
    for (uint32_t w = k->watch; w != MW_NONE; w = m->watch[w].next)
        n += m->watch[w].state >= WATCH_UP;
    return n;
}

struct machine_info machines_info(const struct machines *m, uint32_t i)
{
    must(m && i < m->count);
    const struct machine *k = &m->machine[i];
    struct machine_value skew;
    struct machine_info info = {
        .name = k->name, .node = k->node, .agent = speaks(m, k, false),
        .gather = speaks(m, k, true), .heard_ms = k->heard_ms, .skew_us = INT64_MIN,
        .frames = k->frames, .bytes = k->bytes, .coalesced = k->coalesced, .series = k->here,
        .parts = k->parts, .checks = MW_MIN(k->checks, (uint32_t)MACHINE_CHECKS),
        .sources = k->sources, .conditions = conditions_of(m, k),
    };
    if (machines_value(m, i, M_CLOCK_SKEW_US, 0, &skew))
        info.skew_us = (int64_t)metric_real(metric_of(M_CLOCK_SKEW_US), skew.value);
    memcpy(info.version, k->version, sizeof(info.version));
    return info;
}

static struct machine_value value_of(const struct machines *m, const struct series *s)
{
    return (struct machine_value){ .metric = (uint16_t)series_metric(s),
                                   .instance = series_instance(s), .value = s->value,
                                   .at_ms = machines_series_at_ms(m, s) };
}

uint32_t machines_values(const struct machines *m, uint32_t i, struct machine_value *ret,
                         uint32_t most)
{
    must(m && i < m->count && (ret || most == 0));
    const struct machine *k = &m->machine[i];
    uint32_t n = 0;
    for (uint32_t s = 0; s < k->rows && n < most; s++)
        if (k->flags[s] & SERIES_HERE)
            ret[n++] = value_of(m, &k->series[s]);
    return n;
}

bool machines_value(const struct machines *m, uint32_t i, uint32_t metric, uint32_t instance,
                    struct machine_value *ret)
{
    must(m && i < m->count && ret && metric <= METRIC_NUMBER_MAX);
    const struct machine *k = &m->machine[i];
    uint32_t s = machines_series_find(k, series_key(metric, instance & METRIC_INSTANCE_MAX));
    if (s == MW_NONE || !(k->flags[s] & SERIES_HERE))
        return false;
    *ret = value_of(m, &k->series[s]);
    return true;
}

const struct machine_condition *machines_condition(const struct machines *m, uint32_t i, uint32_t k)
{
    must(m && i < m->count);
    uint32_t w = m->machine[i].watch, s = m->machine[i].stated;
    for (; w != MW_NONE; w = m->watch[w].next)
        if (m->watch[w].state >= WATCH_UP && k-- == 0) {
            *m->shown = machines_watch_condition(m, &m->watch[w]);
            return m->shown;
        }
    for (; s != MW_NONE && k > 0; k--)
        s = m->stated[s].next;
    if (s == MW_NONE)
        return NULL;
    *m->shown = machines_stated_condition(&m->stated[s]);
    return m->shown;
}

int64_t machines_tick(struct machines *m, int64_t now_ms)
{
    must(m != NULL);
    machines_watch_tick(m, now_ms);
    machines_stated_tick(m, now_ms);
    return m->stats.watched > 0 || m->stateds > 0 ? now_ms + TICK_MS : MW_NEVER;
}

void machines_say(struct machines *m, uint32_t machine, const struct machine_condition *c, bool up)
{
    if (m->o.condition)
        m->o.condition(m->o.ctx, machine, c, up);
}

struct machines_memory machines_memory(const struct machines *m)
{
    struct machines_memory all = {
        .machines = (uint64_t)m->o.machines_max * sizeof(*m->machine) +
                    ((uint64_t)m->by_name.mask + m->by_node.mask + 2) * sizeof(struct map_place) +
                    m->changes_max * sizeof(*m->change) + FRAME_BYTES_MAX,
        .lines = (uint64_t)m->lines_max * sizeof(*m->line),
        .parts = m->text_bytes,
        .conditions = (uint64_t)m->watches_max * sizeof(*m->watch) +
                      (uint64_t)m->stateds_max * sizeof(*m->stated),
    };
    for (uint32_t i = 0; i < m->count; i++) {
        const struct machine *k = &m->machine[i];
        all.machines += strlen(k->name) + 1;
        all.series += (uint64_t)k->rows_max *
                      (sizeof(*k->series) + sizeof(*k->flags) + sizeof(*k->sorted));
        all.rings += k->ring.bytes ? k->ring.size : 0;
        all.rings_used += k->ring.used;
        all.parts += k->parts_max * sizeof(*k->part);
    }
    for (uint32_t i = 0; i < m->lines; i++)
        all.lines += m->line[i].machine == MW_NONE ? 0 : m->line[i].rows_max * sizeof(uint16_t);
    return all;
}

struct machines_stats machines_stats(const struct machines *m)
{
    return m->stats;
}
