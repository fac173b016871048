/*
 * JSON from events.  Owns the keys, which scripts read; knows no kind by name.
 */
#include "store/event_json.h"

#include <stdio.h>
#include <string.h>

#include "base/ids.h"
#include "base/text.h"
#include "core/event_fields.h"

static json_t *whole(uint64_t v)
{
    if (v <= INT64_MAX)
        return json_integer((json_int_t)v);
    char buf[24];
    (void)snprintf(buf, sizeof(buf), "%llu", (unsigned long long)v);
    return json_string(buf);
}

static json_t *pair(const char *left, uint64_t right)
{
    char buf[64];
    (void)snprintf(buf, sizeof(buf), "%s/%llu", left, (unsigned long long)right);
    return json_string(buf);
}

static json_t *finding(uint64_t v)
{
    char source[24];
    (void)snprintf(source, sizeof(source), "%llu", (unsigned long long)(v >> 40));
    return pair(source, v & ((UINT64_C(1) << 40) - 1));
}

static json_t *word(const struct event_field *f, int64_t v)
{
    const char *s = event_field_word(f, v);
    return s != NULL ? json_string(s) : json_integer(v);
}

static json_t *field_json(const struct event_field *f, const struct event *ev)
{
    if (f->type == FIELD_SHA256) {
        char hex[MW_HEX256_MAX];
        mw_hex256(ev->body.bytes + f->offset, hex);
        return json_string(hex);
    }
    int64_t v = event_field_value(f, ev);
    if (event_field_none(f, v))
        return json_null();
    switch (f->type) {
    case FIELD_COMPONENT:
        return pair(component_kind_name(component_kind_of((uint64_t)v)),
                    component_index_of((uint64_t)v));
    case FIELD_FINDING:
        return finding((uint64_t)v);
    case FIELD_SPAN_MS:
    case FIELD_TIME_MS:
    case FIELD_TIME_NS:
    case FIELD_GPU_MS:
    case FIELD_USD:
        return json_integer(v);
    case FIELD_ENUM:
    case FIELD_KIND:
        return word(f, v);
    default:
        return whole((uint64_t)v);
    }
}

/* Adds and takes the value; a failure stays in *ok. */
static void put(json_t *object, const char *key, json_t *value, bool *ok)
{
    *ok = json_object_set_new(object, key, value) == 0 && *ok;
}

static json_t *nodes_json(const void *tail, uint32_t size)
{
    json_t *list = json_array();
    bool ok = list != NULL;
    for (uint32_t at = 0; ok && at + sizeof(uint32_t) <= size; at += sizeof(uint32_t)) {
        uint32_t node;
        memcpy(&node, (const char *)tail + at, sizeof(node));
        ok = json_array_append_new(list, json_integer(node)) == 0;
    }
    if (ok)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *sum_json(const void *row)
{
    static const char *const bar[] = {[BAR_NONE] = "", [BAR_TRIED] = "tried",
                                      [BAR_LIGHT] = "light", [BAR_MODE] = "mode"};
    struct step_sum s;
    memcpy(&s, row, sizeof(s));
    const char *step = event_step_word(s.step);
    return json_pack("{s:s, s:i, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:i, s:i, s:i}",
                     "step", step ? step : "?", "drain", s.drain,
                     "bar", s.bar < MW_ARRAY_LEN(bar) ? bar[s.bar] : "?",
                     "action_uusd", (json_int_t)s.action_uusd, "part_uusd",
                     (json_int_t)s.part_uusd, "crew_uusd", (json_int_t)s.crew_uusd,
                     "waiting_uusd", (json_int_t)s.waiting_uusd, "harm_uusd",
                     (json_int_t)s.harm_uusd, "retry_uusd", (json_int_t)s.retry_uusd,
                     "refault_uusd", (json_int_t)s.refault_uusd, "total_uusd",
                     (json_int_t)s.total_uusd, "odds_ppm", (int)s.odds_ppm, "tried", (int)s.tried,
                     "held", (int)s.held);
}

static json_t *cause_json(const void *row)
{
    struct cause_rank c;
    memcpy(&c, row, sizeof(c));
    json_t *component = pair(component_kind_name(component_kind_of(c.component)),
                             component_index_of(c.component));
    return json_pack("{s:o, s:I, s:I, s:i}", "component", component, "seen", (json_int_t)c.seen,
                     "below", (json_int_t)c.below, "score", (int)c.score);
}

static json_t *rows_json(const void *tail, uint32_t size, size_t row,
                         json_t *(*one)(const void *row))
{
    json_t *list = json_array();
    bool ok = list != NULL;
    for (size_t at = 0; ok && at + row <= size; at += row)
        ok = json_array_append_new(list, one((const char *)tail + at)) == 0;
    if (ok)
        return list;
    json_decref(list);
    return NULL;
}

/* Text that is no UTF-8 is given as hexadecimal digits: nothing is lost and the JSON is valid. */
static void put_text(json_t *object, const void *tail, uint32_t size, bool *ok)
{
    json_t *text = json_stringn(tail, size);
    if (text != NULL) {
        put(object, "text", text, ok);
        return;
    }
    struct text hex = {.data = NULL};
    for (uint32_t i = 0; i < size; i++)
        text_addf(&hex, "%02x", ((const uint8_t *)tail)[i]);
    put(object, "text_hex", hex.failed ? NULL : json_string(text_string(&hex)), ok);
    text_fini(&hex);
}

static json_t *body_json(const struct event *ev, bool *ok)
{
    json_t *object = json_object();
    const struct event_body_info *body = event_body_of(ev->kind);
    for (uint32_t i = 0; body != NULL && i < body->fields; i++)
        put(object, body->field[i].name, field_json(&body->field[i], ev), ok);
    return object;
}

json_t *event_json(const struct event *ev, const void *tail)
{
    const struct event_info *info = event_info(ev->kind);
    json_t *o = json_object();
    char time[40];
    bool ok = o != NULL;
    mw_format_time(ev->time_ns, time, sizeof(time));
    put(o, "seq", whole(ev->seq), &ok);
    put(o, "time", json_string(time), &ok);
    put(o, "time_ns", json_integer(ev->time_ns), &ok);
    put(o, "observed_ns", json_integer(ev->observed_ns), &ok);
    put(o, "kind", info->name ? json_string(info->name) : json_integer(ev->kind), &ok);
    put(o, "class", json_string(info->class == EVENT_FACT ? "fact" : "decision"), &ok);
    put(o, "cause", whole(ev->cause), &ok);
    put(o, "source", json_integer(ev->source), &ok);
    put(o, "source_seq", whole(ev->source_seq), &ok);
    put(o, "epoch", json_integer(ev->epoch), &ok);
    put(o, "actor", json_integer(ev->actor), &ok);
    put(o, "tenant", json_integer(ev->tenant), &ok);
    put(o, "version", json_integer(ev->version), &ok);
    put(o, "body", body_json(ev, &ok), &ok);
    if (tail != NULL && ev->tail_size > 0) {
        if (info->tail == TAIL_NODES)
            put(o, "nodes", nodes_json(tail, ev->tail_size), &ok);
        else if (info->tail == TAIL_SUMS)
            put(o, "sums", rows_json(tail, ev->tail_size, sizeof(struct step_sum), sum_json), &ok);
        else if (info->tail == TAIL_CAUSES)
            put(o, "causes", rows_json(tail, ev->tail_size, sizeof(struct cause_rank), cause_json),
                &ok);
        else
            put_text(o, tail, ev->tail_size, &ok);
    }
    if (ok)
        return o;
    json_decref(o);
    return NULL;
}
