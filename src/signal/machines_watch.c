/*
 * Rules over the series of machines.  A series that a rule has nothing to
 * remember of costs nothing; a watch is made when a condition begins to hold, a
 * counter moves, or something has to be compared with its past.
 *
 *   quiet ──true──► rising ──held──► up ──over──► falling ──stayed over──► quiet
 *     ▲               │ not true      ▲               │ true again
 *     └───────────────┘               └───────────────┘
 */
#include <string.h>

#include "signal/machines_private.h"

#define WATCHES_PER_MACHINE 128u /* on average, at most; past it conditions are left out, counted */
#define WATCHES_LEAST 65536u
#define TICKS_PER_ROUND 5u       /* each watch is looked at once in so many ticks: once a second */

enum truth { OVER = -1, BETWEEN = 0, TRUE = 1 };

/* ---- rules ----------------------------------------------------------------------------------- */

static bool concerns(const struct rule *r, uint32_t metric)
{
    return r->metric == metric || r->other == metric;
}

void machines_watch_init(struct machines *m)
{
    struct rule_index *x = &m->rules;
    uint16_t n = 0;
    must(rules_count() <= RULES_MAX);
    for (uint32_t metric = 0; metric <= METRIC_NUMBER_MAX; metric++) {
        x->first[metric] = n;
        for (uint32_t i = 0; metric_of(metric) != NULL && i < rules_count(); i++)
            if (concerns(rules_at(i), metric))
                x->row[n++] = (uint8_t)i;
    }
    x->first[METRIC_NUMBER_MAX + 1] = n;
    for (uint32_t i = 0; i < rules_count(); i++) {
        const struct rule *r = rules_at(i);
        const struct metric *metric = metric_of(r->metric);
        bool ratio = r->kind == RULE_GROWTH || r->kind == RULE_SHRINK;
        x->open[i] = ratio ? (int64_t)(r->open * 1000) : metric_steps(metric, r->open);
        x->close[i] = ratio ? (int64_t)(r->close * 1000) : metric_steps(metric, r->close);
        x->guard[i] = r->guard ? metric_steps(metric_of(r->guard), r->guard_least) : 0;
    }
}

/* The instance of the other metric that goes with this one: of a lane, its port. */
static uint32_t instance_for(const struct rule *r, uint32_t other, uint32_t instance)
{
    bool lane = metric_of(r->metric)->scope == SCOPE_LANE &&
                metric_of(other)->scope == SCOPE_PORT;
    return lane ? instance / METRIC_LANES_PER_PORT : instance;
}

/* False: it has no value. */
static bool value_of(const struct machine *k, uint32_t metric, uint32_t instance, int64_t *ret)
{
    uint32_t s = machines_series_find(k, series_key(metric, instance));
    if (s == MW_NONE || !(k->flags[s] & SERIES_HERE))
        return false;
    *ret = k->series[s].value;
    return true;
}

static bool guard_holds(const struct machines *m, const struct machine *k, uint32_t row,
                        const struct series *s)
{
    const struct rule *r = rules_at(row);
    int64_t v;
    if (r->guard == 0)
        return true;
    return value_of(k, r->guard, instance_for(r, r->guard, series_instance(s)), &v) &&
           v >= m->rules.guard[row];
}

static enum truth against_other(const struct machine *k, const struct rule *r,
                                const struct series *s, int64_t value)
{
    int64_t other;
    if (!value_of(k, r->other, instance_for(r, r->other, series_instance(s)), &other))
        return OVER;
    double mine = metric_real(metric_of(r->metric), value);
    double theirs = metric_real(metric_of(r->other), other) * r->open;
    bool is = r->kind == RULE_UNDER_OTHER ? mine < theirs : mine >= theirs;
    return is ? TRUE : OVER;
}

/* value against mark x thousandths; 128 bits, as anybody may send any value. */
static enum truth against_mark(const struct rule_index *x, uint32_t row, int64_t mark,
                               int64_t value, bool above)
{
    __int128 v = (__int128)value * 1000;
    if (mark <= 0 || value <= 0)
        return BETWEEN;
    if (above)
        return v >= (__int128)mark * x->open[row] ? TRUE
               : v < (__int128)mark * x->close[row] ? OVER : BETWEEN;
    return v <= (__int128)mark * x->open[row] ? TRUE
           : v > (__int128)mark * x->close[row] ? OVER : BETWEEN;
}

/* What a level says of this value; `mark`: the lowest or highest it is compared with. */
static enum truth level(const struct machines *m, const struct machine *k, uint32_t row,
                        const struct series *s, int64_t value, int64_t mark)
{
    const struct rule *r = rules_at(row);
    int64_t open = m->rules.open[row], close = m->rules.close[row];
    switch (r->kind) {
    case RULE_ABOVE:
        return value >= open ? TRUE : value < close ? OVER : BETWEEN;
    case RULE_BELOW:
        return value <= open ? TRUE : value > close ? OVER : BETWEEN;
    case RULE_BEYOND:
        return value >= open || value <= -open ? TRUE
               : value < close && value > -close ? OVER : BETWEEN;
    case RULE_IS:
        return value == open ? TRUE : OVER;
    case RULE_BITS:
        return value & open ? TRUE : OVER;
    case RULE_GROWTH:
    case RULE_SHRINK:
        return against_mark(&m->rules, row, mark, value, r->kind == RULE_GROWTH);
    default:
        return against_other(k, r, s, value);
    }
}

/* ---- watches --------------------------------------------------------------------------------- */

static uint32_t watch_find(const struct machines *m, const struct machine *k, uint32_t series,
                           uint32_t row)
{
    uint32_t w = k->flags[series] & SERIES_WATCHED ? k->watch : MW_NONE;
    while (w != MW_NONE && (m->watch[w].series != series || m->watch[w].rule != row))
        w = m->watch[w].next;
    return w;
}

static bool grow(struct machines *m)
{
    uint64_t limit = WATCHES_LEAST + (uint64_t)m->o.machines_max * WATCHES_PER_MACHINE;
    uint64_t most = MW_MIN(m->watches_max == 0 ? 256 : (uint64_t)m->watches_max * 2, limit);
    struct watch *more = most > m->watches_max ? mw_resize(m->watch, most, sizeof(*more)) : NULL;
    if (!more)
        return false;
    m->watch = more;
    m->watches_max = (uint32_t)most;
    return true;
}

static uint32_t watch_make(struct machines *m, uint32_t machine, uint32_t series, uint32_t row,
                           int64_t now_ms)
{
    struct machine *k = &m->machine[machine];
    uint32_t w = m->watch_free;
    if (w != MW_NONE) {
        m->watch_free = m->watch[w].next;
    } else if (m->watches < m->watches_max || grow(m)) {
        w = m->watches++;
    } else {
        m->stats.left_out++;
        return MW_NONE;
    }
    m->watch[w] = (struct watch){ .since_ms = now_ms, .machine = machine, .series = series,
                                  .next = k->watch, .rule = (uint8_t)row, .state = WATCH_QUIET };
    if (rules_at(row)->kind == RULE_RATE)
        m->watch[w].mark = now_ms;
    k->watch = w;
    k->flags[series] |= SERIES_WATCHED;
    m->stats.watched++;
    return w;
}

static void watch_drop(struct machines *m, uint32_t w)
{
    struct watch gone = m->watch[w];
    struct machine *k = &m->machine[gone.machine];
    uint32_t *link = &k->watch;
    bool others = false;
    while (*link != w)
        link = &m->watch[*link].next;
    *link = gone.next;
    for (uint32_t i = k->watch; i != MW_NONE; i = m->watch[i].next)
        others |= m->watch[i].series == gone.series;
    if (!others)
        k->flags[gone.series] &= (uint8_t)~SERIES_WATCHED;
    m->watch[w] = (struct watch){ .state = WATCH_FREE, .next = m->watch_free };
    m->watch_free = w;
    m->stats.watched--;
}

/* Growth within the window: seven whole buckets and the present one. */
static uint64_t grown(struct watch *w, const struct rule *r, int64_t now_ms)
{
    int64_t length = r->window_ms / RULE_BUCKETS;
    uint64_t sum = 0;
    if (now_ms - w->mark >= r->window_ms + length) {
        memset(w->count, 0, sizeof(w->count));
        w->mark = now_ms;
    }
    while (now_ms - w->mark >= length) {
        w->bucket = (uint8_t)((w->bucket + 1) % RULE_BUCKETS);
        w->count[w->bucket] = 0;
        w->mark += length;
    }
    for (uint32_t i = 0; i < RULE_BUCKETS; i++)
        sum += w->count[i];
    return sum;
}

static enum truth rate(const struct machines *m, struct watch *w, int64_t now_ms)
{
    int64_t n = (int64_t)grown(w, rules_at(w->rule), now_ms);
    return n >= m->rules.open[w->rule] ? TRUE : n <= m->rules.close[w->rule] ? OVER : BETWEEN;
}

struct machine_condition machines_watch_condition(const struct machines *m, const struct watch *w)
{
    const struct rule *r = rules_at(w->rule);
    const struct series *s = &m->machine[w->machine].series[w->series];
    int64_t value = s->value;
    if (r->kind == RULE_RATE) {
        value = 0;
        for (uint32_t i = 0; i < RULE_BUCKETS; i++)
            value += w->count[i];
    }
    return (struct machine_condition){ .rule = r, .metric = r->metric, .class = r->class,
                                       .instance = series_instance(s), .value = value,
                                       .since_ms = w->began_ms, .name = r->name, .code = "",
                                       .text = r->words };
}

static void tell(struct machines *m, struct watch *w, bool up, int64_t now_ms)
{
    struct machine_condition c = machines_watch_condition(m, w);
    w->told_ms = now_ms;
    machines_say(m, w->machine, &c, up);
}

/* One look at a watch. */
static void step(struct machines *m, struct watch *w, enum truth t, int64_t now_ms)
{
    const struct rule *r = rules_at(w->rule);
    bool rising = w->state == WATCH_RISING, up = w->state == WATCH_UP;
    if (w->state <= WATCH_RISING) {
        if (t == TRUE && !rising)
            w->since_ms = now_ms;
        w->state = t == TRUE ? WATCH_RISING : WATCH_QUIET;
        if (t != TRUE || now_ms - w->since_ms < r->hold_ms)
            return;
        w->state = WATCH_UP;
        w->began_ms = w->since_ms;
        m->stats.opened++;
        tell(m, w, true, now_ms);
    } else if (t != OVER) {
        w->state = WATCH_UP;
        if (now_ms - w->told_ms >= MACHINES_SAY_AGAIN_MS)
            tell(m, w, true, now_ms);
    } else {
        if (up)
            w->since_ms = now_ms;
        w->state = WATCH_FALLING;
        if (now_ms - w->since_ms < r->clear_ms)
            return;
        w->state = WATCH_QUIET;
        m->stats.closed++;
        tell(m, w, false, now_ms);
    }
}

/* What is true of a watched series now. */
static enum truth look(const struct machines *m, struct watch *w, int64_t now_ms)
{
    const struct rule *r = rules_at(w->rule);
    const struct machine *k = &m->machine[w->machine];
    const struct series *s = &k->series[w->series];
    bool begun = w->state >= WATCH_UP;
    if (r->kind == RULE_RATE)
        return rate(m, w, now_ms);
    if (!(k->flags[w->series] & SERIES_HERE)) /* a port that vanished has no link either */
        return r->fell ? TRUE : OVER;
    enum truth t = level(m, k, w->rule, s, s->value, w->mark);
    if (t == TRUE && !guard_holds(m, k, w->rule, s))
        return begun && r->kind != RULE_BELOW ? BETWEEN : OVER;
    return t;
}

/* A watch that has nothing left to remember. */
static bool is_idle(const struct machines *m, struct watch *w, int64_t now_ms)
{
    const struct rule *r = rules_at(w->rule);
    if (w->state != WATCH_QUIET || r->kind == RULE_GROWTH)
        return false;
    return r->kind != RULE_RATE || grown(w, r, now_ms) == 0 ||
           !(m->machine[w->machine].flags[w->series] & SERIES_HERE);
}

void machines_watch_tick(struct machines *m, int64_t now_ms)
{
    uint32_t most = m->watches / TICKS_PER_ROUND + 1;
    for (uint32_t n = 0; n < most && m->stats.watched > 0; n++) {
        uint32_t w = m->watch_at < m->watches ? m->watch_at : 0;
        m->watch_at = w + 1;
        if (m->watch[w].state == WATCH_FREE)
            continue;
        step(m, &m->watch[w], look(m, &m->watch[w], now_ms), now_ms);
        if (is_idle(m, &m->watch[w], now_ms))
            watch_drop(m, w);
    }
}

/* ---- changes --------------------------------------------------------------------------------- */

/* How much of a counter's growth counts: what came while the line was cut is spread over that
 * time, unless a single event is the condition. */
static uint32_t counted(const struct machines *m, uint32_t row, const struct change *c,
                        int64_t value, int64_t gap_ms)
{
    int64_t window_ms = rules_at(row)->window_ms;
    if (!c->was_here || value <= c->was) /* the first value, or its source began anew */
        return 0;
    uint64_t n = (uint64_t)value - (uint64_t)c->was;
    n = MW_MIN(n, (uint64_t)UINT32_MAX / RULE_BUCKETS);
    if (gap_ms > window_ms && m->rules.open[row] > 1)
        n = n * (uint64_t)window_ms / (uint64_t)gap_ms;
    return (uint32_t)n;
}

static void counter_changed(struct machines *m, uint32_t machine, const struct change *c,
                            uint32_t row, int64_t gap_ms, int64_t now_ms)
{
    const struct machine *k = &m->machine[machine];
    uint32_t n = counted(m, row, c, k->series[c->series].value, gap_ms);
    uint32_t w = watch_find(m, k, c->series, row);
    if (n == 0 || !guard_holds(m, k, row, &k->series[c->series]))
        return;
    if (w == MW_NONE && (w = watch_make(m, machine, c->series, row, now_ms)) == MW_NONE)
        return;
    struct watch *at = &m->watch[w];
    (void)grown(at, rules_at(row), now_ms);
    uint32_t room = UINT32_MAX / RULE_BUCKETS - at->count[at->bucket];
    at->count[at->bucket] += MW_MIN(n, room);
    step(m, at, rate(m, at, now_ms), now_ms);
}

/* Was this change the one from well to ill?  For rules that want to have seen it well. */
static bool was_well(const struct machines *m, const struct machine *k, uint32_t row,
                     const struct change *c)
{
    const struct series *s = &k->series[c->series];
    return c->was_here && level(m, k, row, s, c->was, 0) != TRUE;
}

/* A level's value changed and nothing watches it yet: is there something to watch? */
static bool begins(const struct machines *m, const struct machine *k, uint32_t row,
                   const struct change *c, int64_t *mark)
{
    const struct rule *r = rules_at(row);
    const struct series *s = &k->series[c->series];
    bool here = k->flags[c->series] & SERIES_HERE;
    *mark = 0;
    if (!here)
        return r->fell && was_well(m, k, row, c);
    if (r->kind == RULE_GROWTH) {
        *mark = s->value;
        return s->value > 0;
    }
    if (r->kind == RULE_SHRINK) {
        *mark = c->was;
        return c->was_here && s->value < c->was &&
               level(m, k, row, s, s->value, c->was) == TRUE;
    }
    return level(m, k, row, s, s->value, 0) == TRUE && (!r->fell || was_well(m, k, row, c));
}

static void level_changed(struct machines *m, uint32_t machine, const struct change *c,
                          uint32_t row, int64_t now_ms)
{
    const struct machine *k = &m->machine[machine];
    const struct rule *r = rules_at(row);
    uint32_t w = watch_find(m, k, c->series, row);
    int64_t value = k->series[c->series].value, mark;
    if (w == MW_NONE) {
        if (!begins(m, k, row, c, &mark) ||
            (w = watch_make(m, machine, c->series, row, now_ms)) == MW_NONE)
            return;
        m->watch[w].mark = mark;
    }
    struct watch *at = &m->watch[w];
    if (value > 0 && at->mark <= 0) /* recorded before we began: it holds of the first value */
        at->mark = m->rules.open[row] > 0
                       ? (int64_t)((__int128)value * 1000 / m->rules.open[row]) : value;
    if (r->kind == RULE_GROWTH && value > 0)
        at->mark = MW_MIN(at->mark, value);
    if (r->kind == RULE_SHRINK)
        at->mark = MW_MAX(at->mark, value);
    step(m, at, look(m, at, now_ms), now_ms);
}

/* The other metric of a rule changed: the series that are compared with it. */
static void other_changed(struct machines *m, uint32_t machine, const struct series *other,
                          uint32_t row, int64_t now_ms)
{
    const struct rule *r = rules_at(row);
    const struct machine *k = &m->machine[machine];
    uint32_t metric = series_metric(other), instance = series_instance(other), n = 1;
    if (instance_for(r, metric, METRIC_LANES_PER_PORT) == 1) {
        n = METRIC_LANES_PER_PORT;
        instance *= METRIC_LANES_PER_PORT;
    }
    for (uint32_t i = 0; i < n && instance + i <= METRIC_INSTANCE_MAX; i++) {
        uint32_t s = machines_series_find(k, series_key(r->metric, instance + i));
        if (s == MW_NONE)
            continue;
        struct change same = { .series = s, .was_here = false, .was = 0 };
        level_changed(m, machine, &same, row, now_ms);
    }
}

void machines_watch_changes(struct machines *m, uint32_t machine, int64_t gap_ms, int64_t now_ms)
{
    const struct rule_index *x = &m->rules;
    for (uint32_t i = 0; i < m->changes; i++) {
        const struct change *c = &m->change[i];
        const struct machine *k = &m->machine[machine];
        if (!(k->flags[c->series] & SERIES_RULED))
            continue;
        uint32_t metric = series_metric(&k->series[c->series]);
        for (uint32_t at = x->first[metric]; at < x->first[metric + 1]; at++) {
            const struct rule *r = rules_at(x->row[at]);
            if (r->metric != metric)
                other_changed(m, machine, &k->series[c->series], x->row[at], now_ms);
            else if (r->kind == RULE_RATE)
                counter_changed(m, machine, c, x->row[at], gap_ms, now_ms);
            else
                level_changed(m, machine, c, x->row[at], now_ms);
        }
    }
}

void machines_watch_series(struct machines *m, uint32_t machine, uint32_t series, int64_t now_ms)
{
    const struct rule_index *x = &m->rules;
    const struct series *s = &m->machine[machine].series[series];
    uint32_t metric = series_metric(s);
    for (uint32_t at = x->first[metric]; m->o.recorded && at < x->first[metric + 1]; at++) {
        uint32_t row = x->row[at];
        const struct rule *r = rules_at(row);
        if (r->metric != metric || !m->o.recorded(m->o.ctx, machine, r, series_instance(s)))
            continue;
        uint32_t w = watch_make(m, machine, series, row, now_ms);
        if (w == MW_NONE)
            return;
        m->watch[w].state = WATCH_UP;
        m->watch[w].began_ms = m->watch[w].told_ms = now_ms;
        if (r->kind == RULE_RATE) /* it stays for a window more */
            m->watch[w].count[0] = (uint32_t)MW_MIN(m->rules.open[row], (int64_t)UINT16_MAX);
    }
}
