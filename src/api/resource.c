/* Values, rows and the registry of resources.  See resource.h. */
#include "api/resource.h"

#include <string.h>

#include "api/resource_tables.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"

/* ---- values --------------------------------------------------------------------------------- */

struct api_value api_value_int(int64_t number)
{
    return (struct api_value){ .kind = VALUE_INT, .of.number = number };
}

struct api_value api_value_bool(bool yes)
{
    return (struct api_value){ .kind = VALUE_BOOL, .of.number = yes };
}

struct api_value api_value_text(const char *s)
{
    if (s == NULL || s[0] == '\0')
        return (struct api_value){ .kind = VALUE_NULL };
    return (struct api_value){ .kind = VALUE_TEXT, .length = (uint32_t)strlen(s), .of.text = s };
}

struct api_value api_value_time(int64_t ms)
{
    return ms == 0 || ms == MW_NEVER ? (struct api_value){ .kind = VALUE_NULL }
                                     : api_value_int(ms);
}

struct api_value api_value_or_null(uint64_t n)
{
    return n == 0 ? (struct api_value){ .kind = VALUE_NULL } : api_value_int((int64_t)n);
}

static int text_order(const struct api_value *a, const struct api_value *b)
{
    int rc = memcmp(a->of.text, b->of.text, MW_MIN(a->length, b->length));
    return rc != 0 ? rc : a->length < b->length ? -1 : a->length > b->length;
}

int api_value_order(const struct api_value *a, const struct api_value *b)
{
    must(a != NULL && b != NULL);
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    switch (a->kind) {
    case VALUE_INT:
    case VALUE_BOOL:
        return a->of.number < b->of.number ? -1 : a->of.number > b->of.number;
    case VALUE_REAL:
        return a->of.real < b->of.real ? -1 : a->of.real > b->of.real;
    case VALUE_TEXT:
        return text_order(a, b);
    default:
        return 0;
    }
}

/* ---- words ---------------------------------------------------------------------------------- */

const char *api_basis_word(uint8_t basis, const struct control_policy *p)
{
    switch (basis) {
    case BASIS_SITE:
        return "site file";
    case BASIS_POLICY:
        return "policy";
    case BASIS_RECORD:
        return p != NULL ? words_basis(p) : "measured or simulated";
    case BASIS_MODELLED:
        return "modelled";
    default:
        return NULL;
    }
}

const char *api_field_type_name(uint8_t type)
{
    static const char *const name[API_FIELD_TYPE_COUNT] = {
        [FIELD_TEXT] = "text", [FIELD_INT] = "integer", [FIELD_REAL] = "number",
        [FIELD_BOOL] = "boolean", [FIELD_TIME] = "time", [FIELD_MS] = "length (ms)",
        [FIELD_UUSD] = "money (micro-dollars)", [FIELD_PPM] = "share (ppm)",
        [FIELD_WATTS] = "power (W)", [FIELD_JSON] = "JSON",
    };
    return type < API_FIELD_TYPE_COUNT ? name[type] : "?";
}

/* ---- the registry --------------------------------------------------------------------------- */

const struct api_resource *api_resource_find(const char *name)
{
    must(name != NULL);
    for (const struct api_resource *r = api_resources; r->name != NULL; r++)
        if (strcmp(r->name, name) == 0)
            return r;
    return NULL;
}

const struct api_field *api_field_find(const struct api_resource *r, const char *name,
                                       size_t length)
{
    must(r != NULL && name != NULL);
    for (const struct api_field *f = r->field; f->name != NULL; f++)
        if (strlen(f->name) == length && memcmp(f->name, name, length) == 0)
            return f;
    return NULL;
}

/* ---- rows ----------------------------------------------------------------------------------- */

/* Rows that are JSON: the view's, and what it has besides stays in the document. */
static int make_view(const struct api_resource *r, const struct api_view_of *of,
                     struct api_rows *ret, struct mw_error *err)
{
    const struct api_view *v = api_view_find(r->view);
    must(v != NULL);
    ret->document = v->make(of, err);
    if (ret->document == NULL)
        return MW_ENOMEM;
    ret->count = (uint32_t)json_array_size(json_object_get(ret->document, "rows"));
    return 0;
}

int api_rows_make(const struct api_resource *r, const struct api_view_of *of,
                  struct api_rows *ret, struct mw_error *err)
{
    must(r != NULL && of != NULL && ret != NULL && (r->view != NULL || r->make != NULL));
    *ret = (struct api_rows){ .resource = r, .of = of };
    return r->view != NULL ? make_view(r, of, ret, err) : r->make(of, ret, err);
}

void api_rows_fini(struct api_rows *r)
{
    if (r == NULL)
        return;
    if (r->data != NULL && r->data_fini != NULL)
        r->data_fini(r->data);
    mw_free(r->data);
    mw_free(r->handle);
    json_decref(r->document);
    text_fini(&r->scratch);
    *r = (struct api_rows){ 0 };
}

/* "2025-01-02T03:04:05.678Z" of a view as a number again, so that times have an order. */
static struct api_value read_time(const char *s)
{
    int64_t ns;
    return mw_parse_time(s, &ns) == 0 ? api_value_int(mw_ms(ns)) : api_value_text(s);
}

static void from_json(const json_t *j, const struct api_field *f, struct api_value *ret)
{
    *ret = (struct api_value){ .kind = VALUE_NULL };
    if (json_is_string(j) && f->type == FIELD_TIME)
        *ret = read_time(json_string_value(j));
    else if (json_is_string(j))
        *ret = (struct api_value){ .kind = VALUE_TEXT, .length = (uint32_t)json_string_length(j),
                                   .of.text = json_string_value(j) };
    else if (json_is_integer(j))
        *ret = api_value_int(json_integer_value(j));
    else if (json_is_boolean(j))
        *ret = api_value_bool(json_is_true(j));
    else if (json_is_real(j))
        *ret = (struct api_value){ .kind = VALUE_REAL, .of.real = json_real_value(j) };
    else if (json_is_array(j) || json_is_object(j))
        *ret = (struct api_value){ .kind = VALUE_JSON, .of.json = j };
}

void api_rows_get(struct api_rows *r, uint32_t place, const struct api_field *f,
                  struct api_value *ret)
{
    must(r != NULL && place < r->count && f != NULL && ret != NULL);
    if (f->get != NULL) {
        ret->kind = VALUE_NULL;
        ret->length = 0;
        f->get(r, r->handle != NULL ? r->handle[place] : place, ret);
        return;
    }
    const json_t *row = json_array_get(json_object_get(r->document, "rows"), place);
    from_json(json_object_get(row, f->name), f, ret);
}

bool api_rows_sees(struct api_rows *r, uint32_t place, const struct principal *who)
{
    must(r != NULL && place < r->count);
    if (who == NULL || r->resource->sees == NULL || access_sees_all(who))
        return true;
    return r->resource->sees(r, r->handle != NULL ? r->handle[place] : place, who);
}
