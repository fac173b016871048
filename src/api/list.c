/* What was asked, and the pages it gives.  See list.h. */
#include "api/list.h"

#include <stdlib.h>
#include <string.h>

#include "api/cursor.h"
#include "api/json_out.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"

/* ---- what was asked ------------------------------------------------------------------------- */

static int fail_field(const struct api_resource *r, const char *key, const char *name, size_t size,
                      struct mw_error *err)
{
    return mw_fail(err, MW_ESYNTAX, "%s: %s have no field '%.*s': /openapi.json and mw get --help "
                   "list them", key, r->name, (int)MW_MIN(size, (size_t)60), name);
}

/* Adds a field to the order unless it is there; false when there is no room. */
static bool add_sort(struct list *l, const struct api_field *f, bool down)
{
    for (uint32_t i = 0; i < l->sorts; i++)
        if (l->sort[i].field == f)
            return true;
    if (l->sorts >= LIST_SORT_MAX)
        return false;
    l->sort[l->sorts++] = (struct list_sort){ .field = f, .down = down };
    return true;
}

/* "-gpus,name": fields, '-' = from the highest down. */
static int read_sort(struct list *l, const char *s, struct mw_error *err)
{
    while (*s != '\0') {
        bool down = *s == '-';
        s += down;
        size_t n = strcspn(s, ",");
        const struct api_field *f = api_field_find(l->resource, s, n);
        if (f == NULL)
            return fail_field(l->resource, "sort", s, n, err);
        if (f->type == FIELD_JSON)
            return mw_fail(err, MW_ESYNTAX, "sort: %s is a list: it has no order", f->name);
        if (!add_sort(l, f, down))
            return mw_fail(err, MW_ELIMIT, "sort: it has more than %u fields", LIST_SORT_MAX);
        s += n;
        s += *s == ',';
    }
    return 0;
}

static int read_order(struct list *l, const char *asked, struct mw_error *err)
{
    const struct api_resource *r = l->resource;
    bool own = asked == NULL || asked[0] == '\0';
    l->natural = own && r->order == NULL;
    int rc = own ? 0 : read_sort(l, asked, err);
    if (rc == 0 && r->order != NULL)
        rc = read_sort(l, r->order, err);
    return rc == 0 ? read_sort(l, r->key, err) : rc;
}

static int read_fields(struct list *l, const char *s, struct mw_error *err)
{
    if (s == NULL || *s == '\0') {
        for (const struct api_field *f = l->resource->field; f->name != NULL; f++) {
            must(l->fields < LIST_FIELDS_MAX);
            l->field[l->fields++] = f;
        }
        return 0;
    }
    while (*s != '\0') {
        size_t n = strcspn(s, ",");
        const struct api_field *f = api_field_find(l->resource, s, n);
        if (f == NULL)
            return fail_field(l->resource, "fields", s, n, err);
        for (uint32_t i = 0; i < l->fields; i++)
            if (l->field[i] == f)
                return mw_fail(err, MW_ESYNTAX, "fields: %s is there twice", f->name);
        l->field[l->fields++] = f; /* no table has more than LIST_FIELDS_MAX, and none is twice */
        s += n;
        s += *s == ',';
    }
    return 0;
}

static int read_limit(struct list *l, const char *s, struct mw_error *err)
{
    uint64_t n;
    l->limit = LIST_LIMIT;
    if (s == NULL)
        return 0;
    if (mw_parse_u64(s, &n) < 0 || n < 1 || n > LIST_LIMIT_MAX)
        return mw_fail(err, MW_EINVAL, "limit: '%.40s' is not a number from 1 to %u", s,
                       LIST_LIMIT_MAX);
    l->limit = (uint32_t)n;
    return 0;
}

static uint64_t mark_of(const struct api_resource *r, const struct list_asked *asked,
                        const struct api_view_of *of)
{
    struct text t = { 0 };
    text_addf(&t, "%s\n%s\n%s\n%d%d", r->name, asked->filter ? asked->filter : "",
              asked->sort ? asked->sort : "", of->all, of->closed);
    uint64_t mark = mw_hash64_of(text_string(&t), t.length);
    text_fini(&t);
    return mark;
}

int list_read(const struct api_resource *r, const struct list_asked *asked,
              const struct api_view_of *of, struct list *ret, const char **ret_key,
              struct mw_error *err)
{
    const char *filter = asked->filter ? asked->filter : "";
    must(r != NULL && of != NULL && ret != NULL && ret_key != NULL);
    ret->resource = r;
    ret->sorts = ret->fields = ret->froms = 0;
    ret->from_cursor = false;
    ret->csv = asked->csv;
    ret->mark = mark_of(r, asked, of);
    *ret_key = "limit";
    int rc = read_limit(ret, asked->limit, err);
    if (rc < 0)
        return rc;
    *ret_key = "filter";
    rc = query_parse(r, filter, strlen(filter), &ret->query, err);
    if (rc < 0)
        return rc;
    *ret_key = "sort";
    rc = read_order(ret, asked->sort, err);
    if (rc < 0)
        return rc;
    *ret_key = "fields";
    rc = read_fields(ret, asked->fields, err);
    if (rc < 0 || asked->cursor == NULL || asked->cursor[0] == '\0')
        return rc;
    *ret_key = "cursor";
    return cursor_read(asked->cursor, ret, err);
}

/* ---- rows in their order -------------------------------------------------------------------- */

#define CHUNK_SIZE 65536u

/* Copies of texts that a getter made: blocks, freed together. */
struct chunk {
    struct chunk *before;
    uint32_t used;
    char data[CHUNK_SIZE];
};

struct page {
    const struct list *l;
    struct api_rows *rows;
    uint32_t *place;         /* of rows that pass, in their order */
    uint32_t total;
    struct api_value *value; /* total * sorts; NULL when natural */
    uint32_t *by;            /* order: index of place[] and value[]; NULL when natural */
    struct chunk *chunk;
    uint32_t first, end;     /* of this page */
};

static void page_fini(struct page *p)
{
    while (p->chunk != NULL) {
        struct chunk *c = p->chunk;
        p->chunk = c->before;
        mw_free(c);
    }
    mw_free(p->place);
    mw_free(p->value);
    mw_free(p->by);
}

static int no_memory(struct mw_error *err)
{
    return mw_fail(err, MW_ENOMEM, "out of memory");
}

/* A value of an order: cut as orders cut, and copied where the next getter would change it. */
static bool sort_value(struct page *p, uint32_t place, const struct api_field *f,
                       struct api_value *ret)
{
    const struct text *made = &p->rows->scratch;
    api_rows_get(p->rows, place, f, ret);
    if (ret->kind != VALUE_TEXT)
        return true;
    ret->length = MW_MIN(ret->length, LIST_SORT_TEXT);
    if (made->data == NULL || ret->of.text < made->data ||
        ret->of.text > made->data + made->length)
        return true;
    if (p->chunk == NULL || CHUNK_SIZE - p->chunk->used < ret->length) {
        struct chunk *c = mw_calloc(1, sizeof(*c));
        if (c == NULL)
            return false;
        c->before = p->chunk;
        p->chunk = c;
    }
    char *to = p->chunk->data + p->chunk->used;
    memcpy(to, ret->of.text, ret->length);
    p->chunk->used += ret->length;
    ret->of.text = to;
    return true;
}

static bool row_values(struct page *p, uint32_t place, struct api_value *ret)
{
    for (uint32_t i = 0; i < p->l->sorts; i++)
        if (!sort_value(p, place, p->l->sort[i].field, &ret[i]))
            return false;
    return true;
}

static int values_order(const struct list *l, const struct api_value *a, const struct api_value *b)
{
    for (uint32_t i = 0; i < l->sorts; i++) {
        int o = api_value_order(&a[i], &b[i]);
        if (o != 0)
            return l->sort[i].down ? -o : o;
    }
    return 0;
}

static int by_values(const void *left, const void *right, void *ctx)
{
    const struct page *p = ctx;
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right, n = p->l->sorts;
    int o = values_order(p->l, p->value + (size_t)a * n, p->value + (size_t)b * n);
    return o != 0 ? o : a < b ? -1 : a > b; /* only where a key is not what it should be */
}

static int choose(struct page *p, const struct principal *who, struct mw_error *err)
{
    p->place = mw_calloc((size_t)p->rows->count + 1, sizeof(*p->place));
    if (p->place == NULL)
        return no_memory(err);
    bool all = p->l->query.ops == 0 && (who == NULL || access_sees_all(who));
    for (uint32_t i = 0; i < p->rows->count; i++)
        if (all || (api_rows_sees(p->rows, i, who) && query_passes(&p->l->query, p->rows, i)))
            p->place[p->total++] = i;
    return 0;
}

static int sort_page(struct page *p, struct mw_error *err)
{
    uint32_t n = p->l->sorts;
    p->value = mw_calloc((size_t)p->total * n + 1, sizeof(*p->value));
    p->by = mw_calloc((size_t)p->total + 1, sizeof(*p->by));
    if (p->value == NULL || p->by == NULL)
        return no_memory(err);
    for (uint32_t i = 0; i < p->total; i++) {
        p->by[i] = i;
        if (!row_values(p, p->place[i], p->value + (size_t)i * n))
            return no_memory(err);
    }
    qsort_r(p->by, p->total, sizeof(*p->by), by_values, p);
    return 0;
}

/* The first row after the cursor's in the order. */
static uint32_t after_values(const struct page *p)
{
    uint32_t low = 0, high = p->total;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct api_value *v = p->value + (size_t)p->by[middle] * p->l->sorts;
        if (values_order(p->l, v, p->l->from) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The same where rows have the order they are made in: by the key, else by the place it had. */
static uint32_t after_key(struct page *p)
{
    struct api_value v[LIST_SORT_MAX];
    for (uint32_t i = 0; i < p->total; i++) {
        bool same = true;
        for (uint32_t k = 0; same && k < p->l->sorts; k++) {
            api_rows_get(p->rows, p->place[i], p->l->sort[k].field, &v[k]);
            same = api_value_order(&v[k], &p->l->from[k]) == 0;
        }
        if (same)
            return i + 1;
    }
    uint32_t i = 0;
    while (i < p->total && p->place[i] < p->l->from_place)
        i++;
    return i;
}

static int lay_out(struct page *p, const struct principal *who, struct mw_error *err)
{
    int rc = choose(p, who, err);
    if (rc == 0 && !p->l->natural)
        rc = sort_page(p, err);
    if (rc < 0)
        return rc;
    if (p->l->from_cursor)
        p->first = p->l->natural ? after_key(p) : after_values(p);
    p->end = p->total - p->first > p->l->limit ? p->first + p->l->limit : p->total;
    return 0;
}

static uint32_t place_at(const struct page *p, uint32_t i)
{
    return p->place[p->by != NULL ? p->by[i] : i];
}

/* ---- writing -------------------------------------------------------------------------------- */

static void write_json(struct json_out *o, const struct api_value *v)
{
    if (v->length > 0) {
        json_out_raw(o, v->of.text, v->length);
        return;
    }
    char *s = json_dumps(v->of.json, JSON_COMPACT | JSON_ENCODE_ANY);
    o->failed |= s == NULL;
    if (s != NULL)
        json_out_raw(o, s, strlen(s));
    mw_free(s); /* jansson's allocator is the system's */
}

void list_write_value(struct json_out *o, const struct api_field *f, const struct api_value *v)
{
    must(o != NULL && f != NULL && v != NULL);
    switch (v->kind) {
    case VALUE_INT:
        if (f->type == FIELD_TIME)
            json_out_time_ms(o, v->of.number);
        else
            json_out_int(o, v->of.number);
        break;
    case VALUE_REAL:
        json_out_real(o, v->of.real);
        break;
    case VALUE_BOOL:
        json_out_raw(o, v->of.number ? "true" : "false", v->of.number ? 4 : 5);
        break;
    case VALUE_TEXT:
        json_out_text(o, v->of.text, v->length);
        break;
    case VALUE_JSON:
        write_json(o, v);
        break;
    default:
        json_out_raw(o, "null", 4);
        break;
    }
}

/* "name": before each value, made once a request. */
struct labels {
    char text[LIST_FIELDS_MAX][40];
    uint8_t length[LIST_FIELDS_MAX];
};

static void make_labels(const struct list *l, struct labels *ret)
{
    for (uint32_t i = 0; i < l->fields; i++) {
        size_t n = strlen(l->field[i]->name);
        char *to = ret->text[i];
        must(n + 4 <= sizeof(ret->text[i]));
        to[0] = i == 0 ? '{' : ',';
        to[1] = '"';
        memcpy(to + 2, l->field[i]->name, n);
        memcpy(to + 2 + n, "\":", 2);
        ret->length[i] = (uint8_t)(n + 4);
    }
}

static void write_rows(struct json_out *o, struct page *p)
{
    struct labels labels;
    const struct list *l = p->l;
    make_labels(l, &labels);
    for (uint32_t i = p->first; i < p->end; i++) {
        uint32_t place = place_at(p, i);
        json_out_raw(o, ",\n", i > p->first ? 2 : 0);
        for (uint32_t k = 0; k < l->fields; k++) {
            struct api_value v;
            json_out_raw(o, labels.text[k], labels.length[k]);
            api_rows_get(p->rows, place, l->field[k], &v);
            list_write_value(o, l->field[k], &v);
        }
        json_out_raw(o, "}", 1);
    }
}

static void write_key(struct json_out *o, const char *key)
{
    json_out_raw(o, ",", 1);
    json_out_text(o, key, strlen(key));
    json_out_raw(o, ":", 1);
}

static void write_next(struct json_out *o, struct page *p, uint64_t revision)
{
    struct api_value v[LIST_SORT_MAX];
    struct text t = { 0 };
    write_key(o, "next");
    if (p->end >= p->total || p->end == p->first) {
        json_out_raw(o, "null", 4);
        return;
    }
    uint32_t place = place_at(p, p->end - 1);
    if (!row_values(p, place, v)) {
        o->failed = true;
        return;
    }
    cursor_write(&t, p->l->mark, revision, place, v, p->l->sorts);
    o->failed |= t.failed;
    json_out_text(o, text_string(&t), t.length);
    text_fini(&t);
}

/* What the figures of these fields rest on. */
static void write_basis(struct json_out *o, const struct page *p)
{
    const char *between = "";
    write_key(o, "rests_on");
    json_out_raw(o, "{", 1);
    for (uint32_t i = 0; i < p->l->fields; i++) {
        const struct api_field *f = p->l->field[i];
        const char *word = api_basis_word(f->basis, &p->rows->of->control->policy);
        if (word == NULL)
            continue;
        json_out_raw(o, between, strlen(between));
        json_out_text(o, f->name, strlen(f->name));
        json_out_raw(o, ":", 1);
        json_out_text(o, word, strlen(word));
        between = ",";
    }
    json_out_raw(o, "}", 1);
}

/* What the resource adds: all of its document that is not rows and time. */
static void write_extra(struct json_out *o, json_t *document)
{
    const char *key;
    json_t *value;
    json_object_foreach(document, key, value) {
        struct api_value v = { .kind = VALUE_JSON, .of.json = value };
        if (strcmp(key, "rows") == 0 || strcmp(key, "now") == 0)
            continue;
        write_key(o, key);
        write_json(o, &v);
    }
}

static void write_document(struct json_out *o, struct page *p)
{
    const struct api_resource *r = p->l->resource;
    uint64_t revision = p->rows->of->revision;
    json_out_raw(o, "{\"kind\":\"", 9);
    json_out_raw(o, r->kind, strlen(r->kind));
    json_out_raw(o, "List\"", 5);
    write_key(o, "now");
    json_out_time_ms(o, mw_ms(p->rows->of->now_ns));
    write_key(o, "revision");
    json_out_int(o, (int64_t)revision);
    write_key(o, "total");
    json_out_int(o, p->total);
    write_key(o, "rows");
    json_out_raw(o, "[", 1);
    write_rows(o, p);
    json_out_raw(o, "]", 1);
    write_next(o, p, revision);
    write_basis(o, p);
    write_extra(o, p->rows->document);
    json_out_raw(o, "}\n", 2);
}

static void write_cell(struct json_out *o, const struct api_field *f, const struct api_value *v)
{
    if (v->kind == VALUE_TEXT) {
        json_out_cell(o, v->of.text, v->length);
    } else if (v->kind == VALUE_JSON) {
        char *s = v->length > 0 ? mw_strndup(v->of.text, v->length)
                                : json_dumps(v->of.json, JSON_COMPACT | JSON_ENCODE_ANY);
        o->failed |= s == NULL;
        if (s != NULL)
            json_out_cell(o, s, strlen(s));
        mw_free(s);
    } else if (v->kind == VALUE_INT && f->type == FIELD_TIME) {
        char s[40];
        mw_format_time(v->of.number * MW_NS_PER_MS, s, sizeof(s));
        json_out_raw(o, s, strlen(s));
    } else if (v->kind != VALUE_NULL) {
        list_write_value(o, f, v);
    }
}

static void write_csv(struct json_out *o, struct page *p)
{
    const struct list *l = p->l;
    for (uint32_t k = 0; k < l->fields; k++) {
        json_out_raw(o, ",", k > 0);
        json_out_raw(o, l->field[k]->name, strlen(l->field[k]->name));
    }
    json_out_raw(o, "\r\n", 2);
    for (uint32_t i = p->first; i < p->end; i++) {
        uint32_t place = place_at(p, i);
        for (uint32_t k = 0; k < l->fields; k++) {
            struct api_value v;
            json_out_raw(o, ",", k > 0);
            api_rows_get(p->rows, place, l->field[k], &v);
            write_cell(o, l->field[k], &v);
        }
        json_out_raw(o, "\r\n", 2);
    }
}

int list_write(const struct list *l, const struct api_view_of *of, const struct principal *who,
               struct evbuffer *out, struct mw_error *err)
{
    struct json_out o;
    must(l != NULL && of != NULL && out != NULL);
    struct api_rows rows mw_cleanup(api_rows_fini) = { 0 };
    int rc = api_rows_make(l->resource, of, &rows, err);
    if (rc < 0)
        return rc;
    if (who != NULL && !access_sees_all(who) && l->resource->narrow != NULL)
        l->resource->narrow(&rows, who);
    struct page page mw_cleanup(page_fini) = { .l = l, .rows = &rows };
    rc = lay_out(&page, who, err);
    if (rc < 0)
        return rc;
    json_out_begin(&o, out);
    if (l->csv)
        write_csv(&o, &page);
    else
        write_document(&o, &page);
    return json_out_end(&o) && !rows.scratch.failed ? 0 : no_memory(err);
}
