/* Series.  See series.h. */
#include "api/series.h"

#include <stdio.h>
#include <string.h>

#include "api/views.h"
#include "base/exact.h"
#include "base/units.h"
#include "control/words.h"

enum series_name {
#define X(e, name, unit, basis, doc) e,
    SERIES_NAMES(X)
#undef X
    SERIES_COUNT
};

struct making {
    const struct series_of *of;
    json_t *t, *value[SERIES_COUNT]; /* value: by the place in `names` */
    uint8_t name[SERIES_COUNT];
    uint32_t names;
    struct history_sample before;    /* the point before */
    bool any;
};

static int name_of(const char *word, size_t size)
{
    static const char *const name[SERIES_COUNT] = {
#define X(e, name, unit, basis, doc) [e] = name,
        SERIES_NAMES(X)
#undef X
    };
    for (int i = 0; i < SERIES_COUNT; i++)
        if (strlen(name[i]) == size && strncmp(name[i], word, size) == 0)
            return i;
    return -1;
}

static int read_names(struct making *m, struct mw_error *err)
{
    static const char usual[] = "goodput_ppm,gpus_healthy,gpus_busy,lost_uusd,incidents_open";
    const char *asked = m->of->names ? m->of->names : usual;
    for (const char *at = asked; *at;) {
        size_t n = strcspn(at, ",");
        int name = name_of(at, n);
        if (name < 0)
            return mw_fail(err, MW_EINVAL, "names: there is no series \"%.*s\"",
                           (int)MW_MIN(n, 40u), at);
        bool twice = memchr(m->name, name, m->names) != NULL;
        if (!twice)
            m->name[m->names++] = (uint8_t)name;
        at += n + (at[n] == ',');
    }
    return m->names > 0 ? 0 : mw_fail(err, MW_EINVAL, "names: which series?");
}

/* ---- values --------------------------------------------------------------------------------- */

static json_t *ppm(int64_t part, int64_t whole)
{
    if (whole <= 0)
        return json_null();
    int64_t value = mw_muldiv(part, 1000000, whole);
    return json_integer(MW_MIN(MW_MAX(value, 0), 1000000));
}

static json_t *goodput(const struct making *m, const struct history_sample *s)
{
    struct history_sample from = { 0 };
    if (m->of->history)
        (void)history_sample_before(m->of->history, s->time_ms - MW_MS_PER_DAY, &from);
    return ppm(s->productive_gpu_ms - from.productive_gpu_ms,
               s->available_gpu_ms - from.available_gpu_ms);
}

static json_t *lost_rate(const struct making *m, const struct history_sample *s)
{
    int64_t length = s->time_ms - m->before.time_ms;
    if (!m->any || length <= 0)
        return json_null();
    return json_integer(mw_muldiv(s->lost_uusd - m->before.lost_uusd, MW_MS_PER_HOUR, length));
}

static json_t *value_of(const struct making *m, enum series_name name,
                        const struct history_sample *s)
{
    switch (name) {
    case SERIES_GOODPUT:
        return goodput(m, s);
    case SERIES_ETTR:
        return ppm(s->ettr_productive_gpu_ms, s->ettr_wall_gpu_ms);
    case SERIES_HEALTHY:
        return json_integer(s->gpus_healthy);
    case SERIES_BUSY:
        return json_integer(s->gpus_busy);
    case SERIES_LOST:
        return json_integer(s->lost_uusd);
    case SERIES_LOST_RATE:
        return lost_rate(m, s);
    case SERIES_INCIDENTS:
        return json_integer(s->incidents_open);
    case SERIES_ORDERS:
        return json_integer(s->orders_open);
    case SERIES_RUNNING:
        return json_integer(s->jobs_running);
    case SERIES_QUEUED:
        return json_integer(s->jobs_queued);
    default:
        return json_integer(s->power_w);
    }
}

static int take(void *ctx, const struct history_sample *s)
{
    struct making *m = ctx;
    if (json_array_append_new(m->t, json_integer(s->time_ms)) < 0)
        return MW_ENOMEM;
    for (uint32_t i = 0; i < m->names; i++)
        if (json_array_append_new(m->value[i], value_of(m, m->name[i], s)) < 0)
            return MW_ENOMEM;
    m->before = *s;
    m->any = true;
    return 0;
}

/* ---- the document --------------------------------------------------------------------------- */

/* The points, and the present after them where it is asked for. */
static int take_all(struct making *m, struct mw_error *err)
{
    const struct series_of *of = m->of;
    struct history_span_ms span = { of->from_ms, of->to_ms, of->points };
    struct history_sample now, first;
    if (of->history && history_sample_after(of->history, of->from_ms - 1, &first))
        span.from_ms = first.time_ms; /* parts of what there is, not of all time */
    int r = of->history && of->from_ms <= of->to_ms
                ? history_series(of->history, &span, take, m, err) : 0;
    projector_sample(of->control, of->now_ns, &now);
    bool last = now.time_ms >= of->from_ms && now.time_ms <= of->to_ms;
    if (r == 0 && last && (!m->any || now.time_ms > m->before.time_ms))
        r = take(m, &now);
    return r == MW_ENOMEM ? mw_fail(err, r, "out of memory") : r;
}

static const char *basis_of(const struct making *m, char basis, char *buf, size_t size)
{
    const char *record = words_basis(&m->of->control->policy);
    if (basis == 'm')
        return "modelled";
    if (basis == 'r')
        return record;
    (void)snprintf(buf, size, "%s time, modelled price", record);
    return buf;
}

static json_t *document(struct making *m)
{
    static const struct {
        const char *name, *unit;
        char basis;
    } row[SERIES_COUNT] = {
#define X(e, name, unit, basis, doc) [e] = { name, unit, basis },
        SERIES_NAMES(X)
#undef X
    };
    json_t *names = json_array(), *units = json_array(), *bases = json_array();
    json_t *values = json_array();
    char buf[64];
    for (uint32_t i = 0; i < m->names; i++) {
        uint8_t n = m->name[i];
        (void)json_array_append_new(names, json_string(row[n].name));
        (void)json_array_append_new(units, json_string(row[n].unit));
        (void)json_array_append_new(bases, json_string(basis_of(m, row[n].basis, buf,
                                                                sizeof(buf))));
        (void)json_array_append(values, m->value[i]);
    }
    return json_pack("{s:o, s:I, s:o, s:o, s:o, s:O, s:o}", "now",
                     api_time_ms(mw_ms(m->of->now_ns)), "revision",
                     (json_int_t)core_seq(m->of->control->core), "names", names, "units", units,
                     "rests_on", bases, "t", m->t, "values", values);
}

json_t *series_make(const struct series_of *s, struct mw_error *err)
{
    must(s && s->control && s->points > 0);
    struct making m = { .of = s, .t = json_array() };
    json_t *o = NULL;
    for (uint32_t i = 0; i < SERIES_COUNT; i++)
        m.value[i] = json_array();
    int r = read_names(&m, err);
    if (r == 0)
        r = take_all(&m, err);
    if (r == 0) {
        o = document(&m);
        if (!o)
            (void)mw_fail(err, MW_ENOMEM, "out of memory");
    }
    json_decref(m.t);
    for (uint32_t i = 0; i < SERIES_COUNT; i++)
        json_decref(m.value[i]);
    return o;
}
