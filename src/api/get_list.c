/* GET of a list: what was asked, from the query to the engine.  Owns only that. */
#include "api/call_view.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"

struct api_view_of view_of_replica(struct replica *r)
{
    must(r != NULL);
    return (struct api_view_of){ .control = replica_control(r), .journal = replica_journal(r),
                                 .words = replica_words(r), .serials = replica_serials(r),
                                 .now_ns = replica_now_ns(r), .revision = replica_seq(r) };
}

int call_view(struct api_call *call, bool past, struct api_view_of *ret, struct mw_error *err)
{
    must(call != NULL && call->replica != NULL && ret != NULL);
    *ret = view_of_replica(call->replica);
    ret->all = api_query_flag(call, "all");
    ret->closed = api_query_flag(call, "closed");
    ret->past = past_of(call->server);
    if (!past) /* names that are known already are good enough */
        return 0;
    /* Not further than the state: what it has is not over. */
    return past_read(ret->past, ret->journal, ret->control->board->nodes, ret->revision, 0, err);
}

int call_needs_whole_site(const struct api_call *call, struct mw_error *err)
{
    return access_sees_all(call->who) ? 0 : mw_fail(err, MW_EDENIED, "this is about the whole "
                                                    "site, and %s sees a part of it",
                                                    call->who->name);
}

json_t *value_json(const struct api_field *f, const struct api_value *v)
{
    must(f != NULL && v != NULL);
    switch (v->kind) {
    case VALUE_INT:
        return f->type == FIELD_TIME ? api_time_ms(v->of.number) : json_integer(v->of.number);
    case VALUE_BOOL:
        return json_boolean(v->of.number != 0);
    case VALUE_REAL:
        return json_real(v->of.real);
    case VALUE_TEXT: {
        json_t *s = json_stringn(v->of.text, v->length);
        return s != NULL ? s : json_string("(unreadable)");
    }
    case VALUE_JSON:
        return v->length > 0 ? json_loadb(v->of.text, v->length, JSON_DECODE_ANY, NULL)
                             : json_deep_copy(v->of.json);
    default:
        return json_null();
    }
}

json_t *row_json(struct api_rows *rows, uint32_t place, const struct api_field *fields)
{
    json_t *o = json_object();
    must(rows != NULL);
    for (const struct api_field *f = fields ? fields : rows->resource->field; f->name; f++) {
        struct api_value v;
        api_rows_get(rows, place, f, &v);
        if (o == NULL || json_object_set_new(o, f->name, value_json(f, &v)) != 0) {
            json_decref(o);
            return NULL;
        }
    }
    return o;
}

/* ---- the handler ---------------------------------------------------------------------------- */

/* What was asked, decoded: room for each. */
struct asked {
    char limit[24], format[16], sort[1024], fields[2048];
    char cursor[LIST_CURSOR_MAX + 1], filter[QUERY_TEXT_MAX + 1];
    struct list list;
};

/* NULL when it is not there; *ret_bad when it is and does not fit. */
static const char *take(const struct api_call *c, const char *key, char *buf, size_t size,
                        const char **ret_bad)
{
    const char *s = api_query_get(c, key, buf, size);
    size_t n = strlen(key);
    for (const char *at = s == NULL ? c->query : NULL; at != NULL; at = strchr(at, '&')) {
        at += *at == '&';
        if (strncmp(at, key, n) == 0 && (at[n] == '=' || at[n] == '&' || at[n] == '\0'))
            *ret_bad = key;
    }
    return s;
}

static bool wants_csv(const struct api_call *c, const char *format)
{
    return format != NULL ? strcmp(format, "csv") == 0
                          : c->accept != NULL && strncmp(c->accept, "text/csv", 8) == 0;
}

static int read_asked(struct api_call *c, const struct api_resource *r,
                      const struct api_view_of *of, struct asked *a, const char **ret_field,
                      struct mw_error *err)
{
    const char *bad = NULL;
    const char *format = take(c, "format", a->format, sizeof(a->format), &bad);
    const struct list_asked asked = {
        .limit = take(c, "limit", a->limit, sizeof(a->limit), &bad),
        .cursor = take(c, "cursor", a->cursor, sizeof(a->cursor), &bad),
        .filter = take(c, "filter", a->filter, sizeof(a->filter), &bad),
        .sort = take(c, "sort", a->sort, sizeof(a->sort), &bad),
        .fields = take(c, "fields", a->fields, sizeof(a->fields), &bad),
        .csv = wants_csv(c, format),
    };
    *ret_field = bad;
    if (bad != NULL)
        return mw_fail(err, MW_ELIMIT, "%s: it is too long, or its %% escapes are wrong", bad);
    *ret_field = "format";
    if (format != NULL && strcmp(format, "csv") != 0 && strcmp(format, "json") != 0)
        return mw_fail(err, MW_EINVAL, "format: '%s' is neither json nor csv", format);
    return list_read(r, &asked, of, &a->list, ret_field, err);
}

static const struct api_resource *resource_of(const struct api_route *route)
{
    const char *name = strrchr(route->path, '/');
    must(name != NULL);
    return api_resource_find(name + 1);
}

static int answer(struct api_call *c, const struct api_resource *r, struct asked *a,
                  struct api_answer *ret, struct mw_error *err)
{
    struct api_view_of of;
    const char *field = NULL;
    int rc = call_view(c, api_query_flag(c, "all") || api_query_flag(c, "closed"), &of, err);
    if (rc < 0)
        return rc;
    rc = read_asked(c, r, &of, a, &field, err);
    if (rc < 0) {
        ret->status = 400;
        size_t n = MW_MIN(strlen(field), sizeof(ret->field) - 1);
        memcpy(ret->field, field, n);
        return rc;
    }
    ret->raw = evbuffer_new();
    if (ret->raw == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    if (a->list.csv)
        ret->type = "text/csv; charset=utf-8";
    return list_write(&a->list, &of, c->who, ret->raw, err);
}

int api_get_list(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    const struct api_resource *r = resource_of(call->route);
    struct asked *a mw_cleanup(mw_freep) = mw_calloc(1, sizeof(*a));
    must(r != NULL);
    if (a == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    return answer(call, r, a, ret, err);
}
