/* Stories over the API.  See story_page.h. */
#include "cli/story_page.h"

#include <stdio.h>
#include <string.h>

#include "cli/get.h"

static int no_story(const char *resource, struct mw_error *err)
{
    return mw_fail(err, MW_EINVAL, "%s have no story: nodes, jobs, incidents and orders do; mw get "
                   "shows the others", resource);
}

/* "/api/v1/jobs/12"; the name percent-encoded. */
static void add_path(struct text *t, const char *list, const char *name)
{
    struct text query = { 0 };
    daemon_query_add(&query, "n", name);
    text_addf(t, "/api/v1/%s/%s", list, text_string(&query) + strlen("?n="));
    text_fini(&query);
}

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

int story_text(struct daemon *d, const char *list, const char *name, bool all, struct text *ret,
               struct mw_error *err)
{
    struct text path = { 0 }, body = { 0 };
    must(d != NULL && list != NULL && name != NULL && ret != NULL);
    add_path(&path, list, name);
    text_addf(&path, "?format=text%s", all ? "&all=1" : "");
    const struct daemon_call c = { .path = text_string(&path) };
    int rc = daemon_fetch(d, &c, &body, err);
    text_add(ret, text_string(&body));
    text_fini(&body);
    text_fini(&path);
    return rc;
}

/* The row of an order, in a document of its own. */
static int order_document(struct daemon *d, const char *name, json_t **ret, struct mw_error *err)
{
    struct get_query q = { .resource = resource_find("orders"), .names = json_object() };
    json_t *document = NULL;
    int rc = get_names_add(q.names, name, err);
    if (rc == 0)
        rc = get_rows(d, &q, &document, NULL, err);
    json_t *row = json_array_get(json_object_get(document, "rows"), 0);
    if (rc == 0 && row == NULL)
        rc = mw_fail(err, MW_ENOTFOUND, "there is no open order %s (mw get orders); a closed one "
                     "is told of by its incident", name);
    if (rc == 0)
        *ret = json_incref(row);
    json_decref(document);
    json_decref(q.names);
    return rc;
}

int story_document(struct daemon *d, const char *resource, const char *name, bool all,
                   json_t **ret, struct mw_error *err)
{
    struct text path = { 0 };
    must(d != NULL && resource != NULL && name != NULL && ret != NULL);
    if (is(resource, "orders"))
        return order_document(d, name, ret, err);
    if (!is(resource, "nodes") && !is(resource, "jobs") && !is(resource, "queue") &&
        !is(resource, "incidents"))
        return no_story(resource, err);
    add_path(&path, is(resource, "queue") ? "jobs" : resource, name);
    text_add(&path, all ? "?all=1" : "");
    const struct daemon_call c = { .path = text_string(&path) };
    int rc = daemon_ask(d, &c, ret, err);
    text_fini(&path);
    return rc;
}

int story_incident_of(struct daemon *d, const char *node, uint64_t *ret, struct mw_error *err)
{
    json_t *o = NULL;
    int rc = story_document(d, "nodes", node, false, &o, err);
    if (rc < 0)
        return rc;
    int64_t n = json_integer_value(json_object_get(json_object_get(o, "node"), "incident"));
    const json_t *last = json_array_get(json_object_get(o, "incidents"), 0);
    if (n == 0)
        n = json_integer_value(json_object_get(last, "incident"));
    json_decref(o);
    *ret = (uint64_t)n;
    return n > 0 ? 0 : mw_fail(err, MW_ENOTFOUND, "%s never had an incident", node);
}

/* ---- an order ------------------------------------------------------------------------------- */

static void add_field(struct text *t, const struct resource_column *c, const json_t *row)
{
    const json_t *v = json_object_get(row, c->key);
    if (v == NULL || json_is_null(v))
        return;
    text_addf(t, "%-16s", c->title);
    resource_text(t, c, row);
    text_add(t, "\n");
}

static int order_page(struct daemon *d, const char *name, struct text *ret, struct mw_error *err)
{
    struct resource_columns columns;
    json_t *row = NULL;
    char incident[24];
    int rc = order_document(d, name, &row, err);
    if (rc == 0)
        rc = resource_columns(resource_find("orders"), NULL, &columns, err);
    for (uint32_t i = 0; rc == 0 && i < columns.count; i++)
        add_field(ret, &columns.column[i], row);
    int64_t n = json_integer_value(json_object_get(row, "incident"));
    (void)snprintf(incident, sizeof(incident), "%lld", (long long)n);
    json_decref(row);
    if (rc < 0 || n == 0)
        return rc;
    text_addf(ret, "\nits incident\n\n");
    return story_text(d, "incidents", incident, false, ret, err);
}

/* ---- all ------------------------------------------------------------------------------------ */

int story_page(struct daemon *d, const char *resource, const char *name, struct text *ret,
               struct mw_error *err)
{
    json_t *o = NULL;
    must(d != NULL && resource != NULL && name != NULL && ret != NULL);
    if (is(resource, "jobs") || is(resource, "queue"))
        return story_text(d, "jobs", name, false, ret, err);
    if (is(resource, "incidents"))
        return story_text(d, "incidents", name, false, ret, err);
    if (is(resource, "orders"))
        return order_page(d, name, ret, err);
    if (!is(resource, "nodes"))
        return no_story(resource, err);
    int rc = story_document(d, resource, name, false, &o, err);
    if (rc == 0)
        story_node(ret, o);
    json_decref(o);
    return rc;
}
