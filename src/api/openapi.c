/* Tables to a document.  See openapi.h. */
#include "api/openapi.h"

#include <ctype.h>
#include <string.h>

#include "api/resource.h"
#include "api/routes.h"
#include "api/schema.h"
#include "base/mem.h"
#include "base/text.h"

static const char *method_word(enum api_method m)
{
    return m == API_GET      ? "get"
           : m == API_POST   ? "post"
           : m == API_PUT    ? "put"
           : m == API_DELETE ? "delete"
                             : "patch";
}

static json_t *ref(const char *section, const char *name)
{
    struct text t = { 0 };
    text_addf(&t, "#/components/%s/%s", section, name);
    json_t *o = json_pack("{s:s}", "$ref", text_string(&t));
    text_fini(&t);
    return o;
}

/* ---- an operation --------------------------------------------------------------------------- */

static const struct api_tag *tag_of(const char *path)
{
    const struct api_tag *t = api_tags;
    while (strncmp(path, t->begins, strlen(t->begins)) != 0)
        t++;
    return t;
}

static const struct api_response *response_of(const char *id)
{
    const struct api_response *r = api_responses;
    while (r->id != NULL && strcmp(r->id, id) != 0)
        r++;
    return r;
}

static bool is_list(const struct api_route *r)
{
    return r->handler == api_get_list;
}

/* The names in {} of a path. */
static void add_path_parameters(json_t *list, const char *path)
{
    for (const char *at = strchr(path, '{'); at != NULL; at = strchr(at, '{')) {
        size_t n = strcspn(++at, "}");
        char name[64];
        must(n < sizeof(name));
        memcpy(name, at, n);
        name[n] = '\0';
        (void)json_array_append_new(list, json_pack("{s:s, s:s, s:b, s:{s:s}}", "name", name, "in",
                                                    "path", "required", 1, "schema", "type",
                                                    "string"));
    }
}

static json_t *parameter(const struct api_parameter *p)
{
    return json_pack("{s:s, s:s, s:s, s:{s:s}}", "name", p->name, "in", p->in, "description",
                     p->doc, "schema", "type", p->type);
}

static json_t *parameters(const struct api_route *r)
{
    json_t *list = json_array();
    add_path_parameters(list, r->path);
    for (const struct api_parameter *p = api_parameters; p->id != NULL; p++) {
        if (strcmp(p->id, "list") == 0 && is_list(r))
            (void)json_array_append_new(list, ref("parameters", p->name));
        else if (strcmp(p->id, r->id) == 0)
            (void)json_array_append_new(list, parameter(p));
    }
    return list;
}

static json_t *content(const struct api_route *r)
{
    const char *type = response_of(r->id)->type;
    json_t *schema = r->schema != NULL ? ref("schemas", r->schema)
                                       : json_pack("{s:s}", "type", "string");
    json_t *o = json_pack("{s:{s:o}}", type ? type : "application/json", "schema", schema);
    if (is_list(r))
        (void)json_object_set_new(o, "text/csv",
                                  json_pack("{s:{s:s}}", "schema", "type", "string"));
    return o;
}

static json_t *responses(const struct api_route *r)
{
    const char *status = response_of(r->id)->status;
    json_t *o = json_pack("{s:{s:s, s:o}}", status ? status : "200", "description", r->doc,
                          "content", content(r));
    (void)json_object_set_new(o, "4XX", ref("responses", "Problem"));
    (void)json_object_set_new(o, "5XX", ref("responses", "Problem"));
    return o;
}

static json_t *security(const struct api_route *r)
{
    return r->permission == PERM_PUBLIC ? json_array()
                                        : json_pack("[{s:[]}, {s:[]}]", "cookie", "bearer");
}

/* "Health, job, holds": the first letter of what the row says. */
static json_t *summary(const char *doc)
{
    struct text t = { 0 };
    text_add(&t, doc);
    if (t.length > 0)
        t.data[0] = (char)toupper((unsigned char)t.data[0]);
    return api_text(&t);
}

static json_t *operation(const struct api_route *r)
{
    json_t *o = json_pack("{s:s, s:[s], s:o, s:o, s:o, s:o, s:s}", "operationId", r->id, "tags",
                          tag_of(r->path)->name, "summary", summary(r->doc), "parameters",
                          parameters(r), "responses", responses(r), "security", security(r),
                          "x-permission", access_permission_word(r->permission));
    if (o != NULL && r->body_schema != NULL)
        (void)json_object_set_new(o, "requestBody",
                                  json_pack("{s:b, s:{s:{s:o}}}", "required", 1, "content",
                                            "application/json", "schema",
                                            ref("schemas", r->body_schema)));
    return o;
}

/* ---- the document --------------------------------------------------------------------------- */

static int check_schema(const json_t *schemas, const struct api_route *r, const char *name,
                        struct mw_error *err)
{
    if (name == NULL || json_object_get(schemas, name) != NULL)
        return 0;
    return mw_fail(err, MW_EBUG, "%s names the schema %s, which is not there", r->id, name);
}

static int add_paths(json_t *paths, const json_t *schemas, struct mw_error *err)
{
    for (uint32_t i = 0; i < api_routes_count; i++) {
        const struct api_route *r = &api_routes[i];
        json_t *path = json_object_get(paths, r->path);
        if (check_schema(schemas, r, r->schema, err) < 0 ||
            check_schema(schemas, r, r->body_schema, err) < 0)
            return MW_EBUG;
        if (path == NULL) {
            path = json_object();
            (void)json_object_set_new(paths, r->path, path);
        }
        if (json_object_set_new(path, method_word(r->method), operation(r)) != 0)
            return mw_fail(err, MW_ENOMEM, "out of memory");
    }
    return 0;
}

static json_t *tags(void)
{
    json_t *list = json_array();
    for (const struct api_tag *t = api_tags;; t++) {
        if (t->doc != NULL)
            (void)json_array_append_new(list, json_pack("{s:s, s:s}", "name", t->name,
                                                        "description", t->doc));
        if (t->begins[0] == '\0')
            return list;
    }
}

static json_t *list_parameters(void)
{
    json_t *o = json_object();
    for (const struct api_parameter *p = api_parameters; p->id != NULL; p++)
        if (strcmp(p->id, "list") == 0)
            (void)json_object_set_new(o, p->name, parameter(p));
    return o;
}

static json_t *info(void)
{
    return json_pack(
        "{s:s, s:s, s:s, s:{s:s, s:s}}", "title", "Millwright", "version", MW_VERSION,
        "description",
        "A GPU site: what exists, what is wrong, what is done about it and what it costs. Times "
        "are RFC 3339 UTC in the time of the site; lengths end in _ms, money in _uusd "
        "(micro-dollars), shares in _ppm. Every document carries `revision`, the last recorded "
        "event in it. Errors are RFC 9457 problem documents.",
        "license", "name", "Apache-2.0", "identifier", "Apache-2.0");
}

static json_t *components(json_t *schemas)
{
    return json_pack(
        "{s:O, s:o, s:{s:{s:s, s:{s:{s:o}}}}, s:{s:{s:s, s:s, s:s}, s:{s:s, s:s}}}", "schemas",
        schemas, "parameters", list_parameters(), "responses", "Problem", "description",
        "what is wrong, and what to do", "content", "application/problem+json", "schema",
        ref("schemas", "Problem"), "securitySchemes", "cookie", "type", "apiKey", "in", "cookie",
        "name", ACCESS_COOKIE, "bearer", "type", "http", "scheme", "bearer");
}

static json_t *make(json_t *schemas, struct mw_error *err)
{
    json_t *paths = json_object();
    if (paths == NULL || add_paths(paths, schemas, err) < 0) {
        json_decref(paths);
        return NULL;
    }
    json_t *o = json_pack("{s:s, s:o, s:[{s:s}], s:o, s:o, s:o}", "openapi", "3.1.0", "info",
                          info(), "servers", "url", "/", "tags", tags(), "paths", paths,
                          "components", components(schemas));
    if (o == NULL)
        (void)mw_fail(err, MW_ENOMEM, "out of memory");
    return o;
}

json_t *openapi_make(struct mw_error *err)
{
    json_t *schemas = NULL;
    if (api_schemas(&schemas, err) < 0)
        return NULL;
    json_t *o = make(schemas, err);
    json_decref(schemas);
    return o;
}

int api_get_openapi(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    (void)call;
    ret->json = openapi_make(err);
    return ret->json != NULL ? 0 : err->code;
}
