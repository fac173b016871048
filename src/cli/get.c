/* Lists of the API, page by page.  See get.h. */
#include "cli/get.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "fleet/hostlist.h"

/* Names that one filter may hold: below QUERY_VALUES_MAX and QUERY_TEXT_MAX of api/query.h, less
 * what a person's own filter takes.  Of more, all rows are fetched and chosen here. */
#define NAMES_OF_FILTER 100u
#define NAMES_BYTES 2000u

/* Lists that have parameters instead of a filter: "kind=job.ended and about=job:12". */
static int add_params(struct text *t, const struct get_query *q, const char *filter,
                      struct mw_error *err)
{
    const char *params = q->resource->params;
    for (const char *at = filter; at != NULL && *at != '\0';) {
        char key[32] = "", value[256] = "";
        const char *and = strstr(at, " and ");
        size_t n = and != NULL ? (size_t)(and - at) : strlen(at), name = strcspn(at, "=");
        if (name < n && name < sizeof(key) && n - name - 1 < sizeof(value)) {
            memcpy(key, at, name);
            memcpy(value, at + name + 1, n - name - 1);
        }
        if (key[0] == '\0' || !command_choice_has(params, key))
            return mw_fail(err, MW_EINVAL, "%s are not filtered by \"%.*s\"%s%s",
                           q->resource->name, (int)MW_MIN(n, (size_t)100), at,
                           params[0] ? ": write KEY=VALUE with a key of " : "", params);
        daemon_query_add(t, key, value);
        at += n + (and != NULL ? strlen(" and ") : 0);
    }
    return 0;
}

/* The path of a list without the engine. */
static int plain_path(struct text *t, const struct get_query *q, struct mw_error *err)
{
    const struct resource *r = q->resource;
    char number[24];
    uint64_t limit = q->limit == 0 ? r->usual : MW_MIN(q->limit, (uint64_t)r->most);
    if (q->sort != NULL)
        return mw_fail(err, MW_EINVAL, "%s have an order of their own: no --sort", r->name);
    if (q->names != NULL)
        return mw_fail(err, MW_EINVAL, "%s are not asked for by name%s", r->name,
                       r->params[0] ? ": use --filter" : "");
    text_add(t, r->path);
    (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)limit);
    if (r->params[0] != '\0')
        daemon_query_add(t, "limit", number);
    return add_params(t, q, q->filter, err);
}

void get_path(struct text *t, const struct get_query *q, const char *filter, const char *cursor,
              uint64_t limit)
{
    char number[24];
    must(t != NULL && q != NULL && q->resource != NULL);
    text_add(t, q->resource->path);
    uint64_t page = q->page > 0 ? q->page : GET_PAGE;
    (void)snprintf(number, sizeof(number), "%llu",
                   (unsigned long long)(limit == 0 ? page : MW_MIN(limit, page)));
    daemon_query_add(t, "limit", number);
    if (q->all)
        daemon_query_add(t, "all", "1");
    if (filter != NULL && filter[0] != '\0')
        daemon_query_add(t, "filter", filter);
    if (q->sort != NULL)
        daemon_query_add(t, "sort", q->sort);
    if (q->fields != NULL)
        daemon_query_add(t, "fields", q->fields);
    if (cursor != NULL)
        daemon_query_add(t, "cursor", cursor);
}

/* ---- names ---------------------------------------------------------------------------------- */

static int add_name(void *ctx, const char *name)
{
    json_t *names = ctx;
    if (json_object_size(names) >= GET_NAMES_MAX)
        return MW_ELIMIT;
    return json_object_set_new(names, name, json_false()) == 0 ? 0 : MW_EINVAL;
}

static int add_list(json_t *names, const char *list, struct mw_error *err)
{
    int rc = hostlist_each(list, add_name, names, err);
    if (rc == MW_ELIMIT)
        return mw_fail(err, rc, "more than %u names", GET_NAMES_MAX);
    if (rc == MW_EINVAL && err != NULL && err->code != MW_EINVAL)
        return mw_fail(err, rc, "a name that is not UTF-8");
    return rc;
}

int get_names_add(json_t *names, const char *list, struct mw_error *err)
{
    char *data = NULL;
    size_t size = 0;
    must(names != NULL && list != NULL);
    if (strcmp(list, "-") != 0)
        return add_list(names, list, err);
    int rc = mw_read_file("-", (size_t)64 << 20, false, &data, &size, err);
    for (char *at = data; rc == 0 && *at != '\0';) {
        size_t n = strcspn(at, " \t\r\n");
        char *next = at + n + (at[n] != '\0');
        at[n] = '\0';
        rc = n > 0 ? add_list(names, at, err) : 0;
        at = next;
    }
    mw_free(data);
    return rc;
}

void get_names_missing(struct text *t, const json_t *names)
{
    const char **name = mw_calloc(json_object_size(names) + 1, sizeof(*name));
    const char *key;
    json_t *found;
    uint32_t n = 0;
    if (name == NULL) {
        t->failed = true;
        return;
    }
    json_object_foreach((json_t *)(uintptr_t)names, key, found)
        if (!json_is_true(found))
            name[n++] = key;
    if (hostlist_add(t, name, n) < 0)
        t->failed = true;
    mw_free((void *)name);
}

const char *get_row_name(const struct resource *r, const json_t *row, char *buf, size_t size)
{
    const json_t *v = json_object_get(row, r->key);
    if (json_is_string(v))
        return json_string_value(v);
    if (!json_is_integer(v))
        return NULL;
    (void)snprintf(buf, size, "%lld", (long long)json_integer_value(v));
    return buf;
}

/* "(filter) and name in (a,b)" of the names that are wanted; false: too many for a filter. */
static bool names_filter(const struct get_query *q, struct text *ret)
{
    const char *key;
    json_t *found;
    const char *between = "";
    if (json_object_size(q->names) > NAMES_OF_FILTER)
        return false;
    if (q->filter != NULL)
        text_addf(ret, "(%s) and ", q->filter);
    text_addf(ret, "%s in (", q->resource->key);
    json_object_foreach(q->names, key, found) {
        if (strpbrk(key, "\"\\") != NULL || ret->length > NAMES_BYTES)
            return false;
        text_addf(ret, "%s\"%s\"", between, key);
        between = ",";
    }
    text_add(ret, ")");
    return !ret->failed;
}

/* Leaves rows that were named, and notes their names as found. */
static void keep_named(const struct get_query *q, json_t *document)
{
    json_t *rows = json_object_get(document, "rows"), *kept = json_array();
    size_t i;
    json_t *row;
    char buf[24];
    json_array_foreach(rows, i, row) {
        const char *name = get_row_name(q->resource, row, buf, sizeof(buf));
        if (name == NULL || json_object_get(q->names, name) == NULL)
            continue;
        (void)json_object_set_new(q->names, name, json_true());
        (void)json_array_append(kept, row);
    }
    (void)json_object_set_new(document, "rows", kept);
}

/* ---- pages ---------------------------------------------------------------------------------- */

static int read_page(struct daemon *d, const struct get_query *q, const struct text *path,
                     struct text *body, json_t **ret, struct mw_error *err)
{
    const struct daemon_call c = { .path = text_string(path), .timeout_ns = q->timeout_ns };
    if (path->failed)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    text_clear(body);
    int rc = daemon_fetch(d, &c, body, err);
    if (rc < 0)
        return rc;
    *ret = json_loadb(text_string(body), body->length, 0, NULL);
    if (json_is_array(json_object_get(*ret, "rows")))
        return 0;
    json_decref(TAKE(*ret));
    return mw_fail(err, MW_ESYNTAX, "what listens on %s is no daemon of Millwright",
                   daemon_name(d));
}

/* The pages that follow the first, their rows put to its own. */
static int read_rest(struct daemon *d, const struct get_query *q, const char *filter,
                     json_t *document, struct text *body, struct mw_error *err)
{
    json_t *rows = json_object_get(document, "rows");
    int rc = 0;
    for (;;) {
        const char *next = json_string_value(json_object_get(document, "next"));
        uint64_t have = json_array_size(rows);
        struct text path = { 0 };
        json_t *page = NULL;
        if (next == NULL || (q->limit > 0 && have >= q->limit))
            return 0;
        get_path(&path, q, filter, next, q->limit > 0 ? q->limit - have : 0);
        rc = read_page(d, q, &path, body, &page, err);
        text_fini(&path);
        if (rc < 0)
            return rc;
        bool good = json_array_extend(rows, json_object_get(page, "rows")) == 0;
        json_t *after = json_object_get(page, "next");
        good = good && json_object_set(document, "next", after ? after : json_null()) == 0;
        json_decref(page);
        if (!good)
            return mw_fail(err, MW_ENOMEM, "out of memory");
    }
}

int get_rows(struct daemon *d, const struct get_query *q, json_t **ret, struct text *ret_text,
             struct mw_error *err)
{
    struct text path = { 0 }, filter = { 0 }, body = { 0 };
    json_t *document = NULL;
    must(d != NULL && q != NULL && q->resource != NULL && ret != NULL);
    bool narrowed = q->names == NULL || names_filter(q, &filter);
    if (q->names == NULL || !narrowed) {
        text_clear(&filter);
        text_add(&filter, q->filter != NULL ? q->filter : "");
    }
    int rc = 0;
    if (q->resource->params != NULL)
        rc = plain_path(&path, q, err);
    else
        get_path(&path, q, text_string(&filter), NULL, narrowed ? q->limit : 0);
    if (rc == 0)
        rc = read_page(d, q, &path, &body, &document, err);
    bool single = rc == 0 && !json_is_string(json_object_get(document, "next"));
    if (rc == 0 && q->resource->params == NULL)
        rc = read_rest(d, q, text_string(&filter), document, &body, err);
    if (rc == 0 && q->names != NULL)
        keep_named(q, document);
    json_t *rows = json_object_get(document, "rows");
    while (q->limit > 0 && json_array_size(rows) > q->limit)
        (void)json_array_remove(rows, json_array_size(rows) - 1);
    if (rc == 0 && single && narrowed && ret_text != NULL)
        text_add_n(ret_text, text_string(&body), body.length);
    if (rc == 0)
        *ret = TAKE(document);
    json_decref(document);
    text_fini(&path);
    text_fini(&filter);
    text_fini(&body);
    return rc;
}
