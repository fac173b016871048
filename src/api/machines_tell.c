/* Rows, documents and ends of links.  See machines_tell.h. */
#include "api/machines_tell.h"

#include <stdio.h>
#include <string.h>

#include "api/views.h"
#include "base/mem.h"
#include "core/event.h"

#define VALUES_MAX 32768u
#define SILENT_MS 5000 /* a machine that says nothing for so long is shown as silent (chosen) */
#define ANY_PORT MW_NONE

static json_t *fail(struct mw_error *err, int code, const char *what, const char *which)
{
    (void)!mw_fail(err, code, "%s '%.100s'", what, which);
    return NULL;
}

static json_t *no_memory(struct mw_error *err)
{
    (void)!mw_fail(err, MW_ENOMEM, "out of memory");
    return NULL;
}

json_t *machines_text(const char *text)
{
    return text != NULL && *text != '\0' ? json_string(text) : json_null();
}

json_t *machines_time(int64_t ms)
{
    return ms > 0 ? api_time_ms(ms) : json_null();
}

static uint32_t find(const struct machines_of *of, const json_t *wish, const char *key,
                     struct mw_error *err)
{
    const char *name = json_string_value(json_object_get(wish, key));
    uint32_t i = name != NULL ? machines_find(of->machines, name) : MW_NONE;
    if (i == MW_NONE)
        (void)fail(err, MW_ENOTFOUND, "no agent or gatherer speaks of a machine", name ? name : "");
    return i;
}

/* ---- rows ----------------------------------------------------------------------------------- */

static uint32_t checks_failed(const struct machines *m, uint32_t i)
{
    uint32_t n = 0;
    const struct machine_check *c;
    for (uint32_t k = 0; (c = machines_check(m, i, k)) != NULL; k++)
        n += c->result == RESULT_FAILED;
    return n;
}

static json_t *row(const struct machines_of *of, uint32_t i)
{
    const struct machine_info m = machines_info(of->machines, i);
    bool heard = m.heard_ms > 0 && of->clock_ms - m.heard_ms < SILENT_MS;
    const char *node = m.node != MW_NONE && of->fleet != NULL
                           ? fleet_name(of->fleet, component_id(COMPONENT_NODE, m.node)) : NULL;
    return json_pack(
        "{s:s, s:o, s:s, s:o, s:b, s:b, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s}",
        "name", m.name, "node", machines_text(node), "state", heard ? "heard" : "silent", "heard",
        machines_time(m.heard_ms), "agent", (int)m.agent, "gather", (int)m.gather, "version",
        machines_text(m.version), "skew_us",
        m.skew_us == INT64_MIN ? json_null() : json_integer(m.skew_us), "series",
        (json_int_t)m.series, "parts", (json_int_t)m.parts, "frames", (json_int_t)m.frames,
        "bytes", (json_int_t)m.bytes, "coalesced", (json_int_t)m.coalesced, "conditions",
        (json_int_t)m.conditions, "checks_failed",
        (json_int_t)checks_failed(of->machines, i), "rests_on", "measured");
}

static json_t *list(const struct machines_of *of, const json_t *wish, struct mw_error *err)
{
    uint32_t count = machines_count(of->machines), first = 0, last = count;
    json_int_t most = json_integer_value(json_object_get(wish, "list"));
    const char *name = json_string_value(json_object_get(wish, "name"));
    const char *after = json_string_value(json_object_get(wish, "after"));
    if (after != NULL)
        first = machines_find(of->machines, after) + 1; /* of one unknown: from the beginning */
    if (name != NULL) {
        first = machines_find(of->machines, name);
        last = first == MW_NONE ? first : first + 1;
    }
    json_t *rows = json_array();
    uint32_t i = first;
    bool ok = rows != NULL;
    for (; ok && i < last && json_array_size(rows) < (size_t)most; i++)
        ok = json_array_append_new(rows, row(of, i)) == 0;
    if (!ok) {
        json_decref(rows);
        return no_memory(err);
    }
    const char *next = i < last && i > first ? machines_info(of->machines, i - 1).name : NULL;
    return json_pack("{s:s, s:o, s:I, s:o, s:o}", "kind", "MachineList", "clock",
                     api_time_ms(of->clock_ms), "total", (json_int_t)count, "rows", rows, "next",
                     machines_text(next));
}

/* ---- one machine ---------------------------------------------------------------------------- */

static const char *part_name(const struct machines *m, uint32_t machine, uint32_t scope,
                             uint32_t n)
{
    const struct machine_part *p;
    for (uint32_t k = 0; (p = machines_part(m, machine, k)) != NULL; k++)
        if (p->scope == scope && p->n == n && !p->gone)
            return p->name;
    return NULL;
}

void machines_label(const struct machines *m, uint32_t machine, const struct metric *metric,
                    uint32_t instance, char *to, size_t size)
{
    uint32_t scope = metric->scope, n = instance;
    to[0] = '\0';
    if (scope == SCOPE_HOST)
        return;
    if (scope == SCOPE_NVLINK) {
        (void)snprintf(to, size, "GPU %u link %u", instance / METRIC_LINKS_PER_GPU,
                       instance % METRIC_LINKS_PER_GPU);
        return;
    }
    bool lane = scope == SCOPE_LANE;
    if (lane) {
        scope = SCOPE_PORT;
        n = instance / METRIC_LANES_PER_PORT;
    }
    const char *name = part_name(m, machine, scope, n);
    char made[48];
    (void)snprintf(made, sizeof(made), "%s %u", metric_scope_name(scope), n);
    name = name != NULL && *name != '\0' ? name : made;
    if (lane)
        (void)snprintf(to, size, "%.80s lane %u", name, instance % METRIC_LANES_PER_PORT);
    else
        (void)snprintf(to, size, "%.95s", name);
}

uint32_t machines_nic_port(const struct machines *m, uint32_t machine, uint32_t nic)
{
    const struct machine_part *p;
    for (uint32_t k = 0; (p = machines_part(m, machine, k)) != NULL; k++)
        if (p->scope == SCOPE_PORT && !p->gone && *p->pci != '\0' && nic-- == 0)
            return p->n;
    return MW_NONE;
}

static const char *kind_word(uint8_t kind)
{
    return kind == METRIC_COUNTER ? "counter" : kind == METRIC_STATE || kind == METRIC_MASK
                                                    ? "state" : "gauge";
}

static json_t *value_row(const struct machines_of *of, uint32_t i, const struct machine_value *v)
{
    const struct metric *d = metric_of(v->metric);
    char label[128];
    if (d == NULL)
        return NULL;
    machines_label(of->machines, i, d, v->instance, label, sizeof(label));
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:f, s:o}", "metric", d->name, "doc",
                     d->doc, "scope", metric_scope_name(d->scope), "unit", d->unit, "kind",
                     kind_word(d->kind), "instance", (json_int_t)v->instance, "label", label,
                     "value", metric_real(d, v->value), "at", api_time_ms(v->at_ms));
}

/* Of the host and its parts, or of one port and its lanes only. */
static bool is_of(const struct machine_value *v, uint32_t port)
{
    const struct metric *d = metric_of(v->metric);
    if (port == ANY_PORT)
        return true;
    return d != NULL && ((d->scope == SCOPE_PORT && v->instance == port) ||
                         (d->scope == SCOPE_LANE && v->instance / METRIC_LANES_PER_PORT == port));
}

json_t *machines_values_json(const struct machines_of *of, uint32_t machine, uint32_t port)
{
    uint32_t count = machines_info(of->machines, machine).series;
    struct machine_value *v = mw_calloc((size_t)count + 1, sizeof(*v));
    json_t *rows = v != NULL ? json_array() : NULL;
    bool ok = rows != NULL;
    uint32_t n = ok ? machines_values(of->machines, machine, v, count) : 0;
    for (uint32_t k = 0; ok && k < n; k++)
        ok = !is_of(&v[k], port) || metric_of(v[k].metric) == NULL ||
             json_array_append_new(rows, value_row(of, machine, &v[k])) == 0;
    mw_free(v);
    if (ok)
        return rows;
    json_decref(rows);
    return NULL;
}

static json_t *part_row(const struct machine_part *p)
{
    return json_pack("{s:s, s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "scope", p->scope_name,
                     "n", (json_int_t)p->n, "name", p->name, "serial", machines_text(p->serial),
                     "model", machines_text(p->model), "fw", machines_text(p->fw), "pci",
                     machines_text(p->pci), "peer", machines_text(p->peer), "peer_port",
                     machines_text(p->peer_port), "text", machines_text(p->text));
}

static json_t *parts(const struct machines *m, uint32_t i)
{
    json_t *rows = json_array();
    const struct machine_part *p;
    for (uint32_t k = 0; rows != NULL && (p = machines_part(m, i, k)) != NULL; k++)
        if (!p->gone)
            (void)json_array_append_new(rows, part_row(p));
    return rows;
}

static const char *source_word(uint8_t state)
{
    return state == MACHINE_SOURCE_OK ? "ok" : state == MACHINE_SOURCE_SILENT ? "silent"
                                                                              : "absent";
}

static json_t *sources(const struct machines *m, uint32_t i)
{
    json_t *rows = json_array();
    const struct machine_source *s;
    for (uint32_t k = 0; rows != NULL && (s = machines_source(m, i, k)) != NULL; k++)
        (void)json_array_append_new(
            rows, json_pack("{s:s, s:s, s:o, s:o}", "name", s->name, "state",
                            source_word(s->state), "text", machines_text(s->text), "since",
                            machines_time(s->since_ms)));
    return rows;
}

static json_t *checks(const struct machines *m, uint32_t i)
{
    static const char *const words[] = { [RESULT_OK] = "ok", [RESULT_FAILED] = "failed",
                                         [RESULT_UNKNOWN] = "unknown" };
    json_t *rows = json_array();
    const struct machine_check *c;
    for (uint32_t k = 0; rows != NULL && (c = machines_check(m, i, k)) != NULL; k++)
        (void)json_array_append_new(
            rows, json_pack("{s:o, s:o, s:o, s:s, s:s}", "time", machines_time(c->at_ms), "level",
                            c->level > 0 ? json_integer(c->level) : json_null(), "class",
                            machines_text(c->class), "result",
                            c->result < MW_ARRAY_LEN(words) && words[c->result] != NULL
                                ? words[c->result] : "unknown", "text", c->text));
    return rows;
}

static json_t *conditions(const struct machines *m, uint32_t i)
{
    json_t *rows = json_array();
    const struct machine_condition *c;
    char label[128];
    for (uint32_t k = 0; rows != NULL && (c = machines_condition(m, i, k)) != NULL; k++) {
        const struct metric *d = metric_of(c->metric);
        (void)snprintf(label, sizeof(label), "%.100s", c->rule != NULL ? "" : c->name);
        if (c->rule != NULL && d != NULL)
            machines_label(m, i, d, c->instance, label, sizeof(label));
        (void)json_array_append_new(
            rows, json_pack("{s:o, s:s, s:o, s:s, s:o}", "since", machines_time(c->since_ms),
                            "class", c->class, "part", machines_text(label), "text", c->text,
                            "code", machines_text(c->code)));
    }
    return rows;
}

static json_t *machine(const struct machines_of *of, const json_t *wish, struct mw_error *err)
{
    uint32_t i = find(of, wish, "machine", err);
    if (i == MW_NONE)
        return NULL;
    const struct machines *m = of->machines;
    json_t *o = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "clock",
                          api_time_ms(of->clock_ms), "machine", row(of, i), "values",
                          machines_values_json(of, i, ANY_PORT), "parts", parts(m, i), "sources",
                          sources(m, i), "checks", checks(m, i), "conditions", conditions(m, i));
    return o != NULL ? o : no_memory(err);
}

/* ---- more often ----------------------------------------------------------------------------- */

static json_t *rate(const struct machines_of *of, const json_t *wish, struct mw_error *err)
{
    const char *name = json_string_value(json_object_get(wish, "rate"));
    json_int_t sample_ms = json_integer_value(json_object_get(wish, "sample_ms"));
    json_int_t for_ms = json_integer_value(json_object_get(wish, "for_ms"));
    if (find(of, wish, "rate", err) == MW_NONE)
        return NULL;
    if (sample_ms < 100 || sample_ms > 60000 || for_ms < 1000 || for_ms > 3600000) {
        (void)!mw_fail(err, MW_EINVAL, "sample_ms: 100 to 60000; for_ms: 1000 to 3600000");
        return NULL;
    }
    if (of->rate == NULL) {
        (void)!mw_fail(err, MW_ECONFLICT, "readings cannot be asked for more often here");
        return NULL;
    }
    if (of->rate(of->rate_ctx, name, sample_ms, for_ms, err) < 0)
        return NULL;
    return json_pack("{s:b}", "done", 1);
}

json_t *machines_tell(const struct machines_of *of, const json_t *wish, struct mw_error *err)
{
    static const struct {
        const char *key;
        json_t *(*tell)(const struct machines_of *of, const json_t *wish, struct mw_error *err);
    } kinds[] = { { "list", list }, { "machine", machine }, { "series", machines_tell_series },
                  { "ends", machines_tell_ends }, { "rate", rate } };
    must(of != NULL && of->machines != NULL && wish != NULL);
    for (size_t k = 0; k < MW_ARRAY_LEN(kinds); k++)
        if (json_object_get(wish, kinds[k].key) != NULL)
            return kinds[k].tell(of, wish, err);
    (void)!mw_fail(err, MW_EBUG, "a wish that names nothing");
    return NULL;
}
