/*
 * Readings over time: walks the frames of a machine's window, keeps the chosen
 * series' values, and puts them into as many buckets as points were asked for.
 * A gauge is the mean of what was read within a bucket; a counter its growth a
 * second; a state the last one.  A bucket in which nothing came is null.
 */
#include <math.h>
#include <string.h>

#include "api/machines_tell.h"
#include "api/views.h"
#include "base/mem.h"

#define POINT_MS_LEAST 100

/* One series of the answer. */
struct line {
    const struct metric *metric;
    uint32_t instance;
    bool known;
    double now;        /* the value as of the walk */
    double before;     /* a counter: at the last reading before this bucket */
    int64_t before_ms; /* and when that was */
};

struct drawing {
    struct line line[MACHINES_TOLD_SERIES_MAX];
    uint32_t lines, points;
    int64_t from_ms, step_ms;
    double *sum;       /* lines x points */
    uint32_t *count;
};

/* ---- which ---------------------------------------------------------------------------------- */

static bool is_wanted(const char *list, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = list; *p != '\0';) {
        size_t k = strcspn(p, ",");
        if (k == n && memcmp(p, name, n) == 0)
            return true;
        p += k + (p[k] == ',');
    }
    return false;
}

/* Every name is one of a metric. */
static int check_names(const char *list, struct mw_error *err)
{
    char name[64];
    for (const char *p = list; *p != '\0';) {
        size_t k = strcspn(p, ",");
        size_t n = MW_MIN(k, sizeof(name) - 1);
        memcpy(name, p, n);
        name[n] = '\0';
        if (metric_named(name) == NULL)
            return mw_fail(err, MW_EINVAL, "metrics: there is no reading '%s'", name);
        p += k + (p[k] == ',');
    }
    return 0;
}

static void choose(const struct machines_of *of, uint32_t i, const char *list, struct drawing *d)
{
    uint32_t count = machines_info(of->machines, i).series;
    struct machine_value *v = mw_calloc((size_t)count + 1, sizeof(*v));
    uint32_t n = v != NULL ? machines_values(of->machines, i, v, count) : 0;
    for (uint32_t k = 0; k < n && d->lines < MACHINES_TOLD_SERIES_MAX; k++) {
        const struct metric *m = metric_of(v[k].metric);
        if (m != NULL && is_wanted(list, m->name))
            d->line[d->lines++] = (struct line){ .metric = m, .instance = v[k].instance };
    }
    mw_free(v);
}

/* ---- walking -------------------------------------------------------------------------------- */

static void put(struct drawing *d, uint32_t l, int64_t ms)
{
    struct line *x = &d->line[l];
    int64_t p = (ms - d->from_ms) / d->step_ms;
    if (ms < d->from_ms || p >= d->points)
        return;
    size_t at = (size_t)l * d->points + (size_t)p;
    if (x->metric->kind == METRIC_COUNTER) {
        if (x->before_ms > 0 && ms > x->before_ms && x->now >= x->before) {
            d->sum[at] += (x->now - x->before) * 1000.0 / (double)(ms - x->before_ms);
            d->count[at]++;
        }
        x->before = x->now;
        x->before_ms = ms;
    } else if (x->metric->kind == METRIC_GAUGE) {
        d->sum[at] += x->now;
        d->count[at]++;
    } else {
        d->sum[at] = x->now;
        d->count[at] = 1;
    }
}

static void take_value(struct drawing *d, const struct machine_value *v)
{
    for (uint32_t l = 0; l < d->lines; l++) {
        struct line *x = &d->line[l];
        if (x->metric->number != v->metric || x->instance != v->instance)
            continue;
        x->known = v->value != MACHINE_VALUE_GONE;
        if (x->known)
            x->now = metric_real(x->metric, v->value);
    }
}

/* A frame says what changed; what did not is as it was: each line has a reading at each frame. */
static void on_frame(void *ctx, int64_t wall_ms, const struct machine_value *changed, uint32_t n)
{
    struct drawing *d = ctx;
    for (uint32_t k = 0; k < n; k++)
        take_value(d, &changed[k]);
    for (uint32_t l = 0; l < d->lines; l++)
        if (d->line[l].known)
            put(d, l, wall_ms);
}

/* ---- the document --------------------------------------------------------------------------- */

static json_t *line_json(const struct machines_of *of, uint32_t i, const struct line *x)
{
    char label[128], unit[32];
    machines_label(of->machines, i, x->metric, x->instance, label, sizeof(label));
    bool rate = x->metric->kind == METRIC_COUNTER;
    (void)snprintf(unit, sizeof(unit), "%s%s", x->metric->unit, rate ? "/s" : "");
    return json_pack("{s:s, s:s, s:I, s:s}", "metric", x->metric->name, "unit", unit, "instance",
                     (json_int_t)x->instance, "label", label);
}

static json_t *values_json(const struct drawing *d, uint32_t l)
{
    json_t *row = json_array();
    for (uint32_t p = 0; row != NULL && p < d->points; p++) {
        size_t at = (size_t)l * d->points + p;
        double v = d->count[at] > 0 ? d->sum[at] / d->count[at] : NAN;
        (void)json_array_append_new(row, isfinite(v) ? json_real(v) : json_null());
    }
    return row;
}

static json_t *document(const struct machines_of *of, uint32_t i, const struct drawing *d)
{
    json_t *series = json_array(), *t = json_array(), *values = json_array();
    for (uint32_t l = 0; l < d->lines; l++) {
        (void)json_array_append_new(series, line_json(of, i, &d->line[l]));
        (void)json_array_append_new(values, values_json(d, l));
    }
    for (uint32_t p = 0; p < d->points; p++)
        (void)json_array_append_new(t, json_integer(d->from_ms + p * d->step_ms));
    return json_pack("{s:o, s:s, s:s, s:o, s:o, s:o}", "clock", api_time_ms(of->clock_ms),
                     "machine", machines_info(of->machines, i).name, "rests_on", "measured",
                     "series", series, "t", t, "values", values);
}

/* The window in whole steps, so that asking again shows the same buckets. */
static void lay_out(struct drawing *d, int64_t clock_ms, int64_t back_s, int64_t points)
{
    int64_t back_ms = MW_MAX(back_s, 1) * 1000;
    d->step_ms = MW_MAX(back_ms / MW_MAX(points, 2), POINT_MS_LEAST);
    d->from_ms = (clock_ms - back_ms) / d->step_ms * d->step_ms;
    d->points = (uint32_t)((clock_ms - d->from_ms) / d->step_ms); /* whole buckets only */
}

json_t *machines_tell_series(const struct machines_of *of, const json_t *wish,
                             struct mw_error *err)
{
    const char *name = json_string_value(json_object_get(wish, "series"));
    const char *list = json_string_value(json_object_get(wish, "metrics"));
    uint32_t i = machines_find(of->machines, name);
    if (i == MW_NONE)
        (void)!mw_fail(err, MW_ENOTFOUND, "no agent or gatherer speaks of a machine '%.100s'",
                       name);
    if (i == MW_NONE || check_names(list, err) < 0)
        return NULL;
    struct drawing *d = mw_calloc(1, sizeof(*d));
    json_t *o = NULL;
    if (d != NULL) {
        lay_out(d, of->clock_ms, json_integer_value(json_object_get(wish, "back_s")),
                json_integer_value(json_object_get(wish, "points")));
        choose(of, i, list, d);
        d->sum = mw_calloc((size_t)d->lines * d->points + 1, sizeof(*d->sum));
        d->count = mw_calloc((size_t)d->lines * d->points + 1, sizeof(*d->count));
    }
    if (d != NULL && d->sum != NULL && d->count != NULL) {
        machines_walk(of->machines, i, d->from_ms - d->step_ms, on_frame, d);
        o = document(of, i, d);
    }
    if (d != NULL) {
        mw_free(d->sum);
        mw_free(d->count);
    }
    mw_free(d);
    if (o == NULL)
        (void)!mw_fail(err, MW_ENOMEM, "out of memory");
    return o;
}
