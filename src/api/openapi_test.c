/* The API's description names everything that it refers to, and every route is whole. */
#include "api/openapi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/definitions.h"
#include "api/resource.h"
#include "api/routes.h"
#include "api/schema.h"

static json_t *made(void)
{
    struct mw_error err = { 0 };
    json_t *o = openapi_make(&err);
    if (o == NULL)
        fail_msg("%s", err.text);
    return o;
}

/* "#/components/schemas/Node": is it there? */
static void follow(const json_t *document, const char *to)
{
    char path[256];
    const json_t *at = document;
    assert_true(strncmp(to, "#/", 2) == 0);
    (void)snprintf(path, sizeof(path), "%s", to + 2);
    for (char *part = path; part != NULL;) {
        char *rest = strchr(part, '/');
        if (rest != NULL)
            *rest++ = '\0';
        at = json_object_get(at, part);
        if (at == NULL)
            fail_msg("%s leads nowhere", to);
        part = rest;
    }
}

/* Every "$ref" of the text. */
static void every_reference_leads_somewhere(void **state)
{
    (void)state;
    json_t *o = made();
    char *text = json_dumps(o, JSON_COMPACT);
    uint32_t seen = 0;
    for (char *at = strstr(text, "\"$ref\":\""); at != NULL; at = strstr(at, "\"$ref\":\"")) {
        char to[256];
        at += 8;
        (void)snprintf(to, sizeof(to), "%.*s", (int)strcspn(at, "\""), at);
        follow(o, to);
        seen++;
    }
    assert_true(seen > 100);
    free(text);
    json_decref(o);
}

static void every_route_is_described_once_with_its_permission(void **state)
{
    (void)state;
    static const char *const word[] = { "get", "post", "put", "delete", "patch" };
    json_t *o = made(), *paths = json_object_get(o, "paths"), *ids = json_object();
    for (uint32_t i = 0; i < api_routes_count; i++) {
        const struct api_route *r = &api_routes[i];
        uint32_t m = 0;
        while (!(r->method >> m & 1u))
            m++;
        const json_t *op = json_object_get(json_object_get(paths, r->path), word[m]);
        assert_non_null(op);
        assert_string_equal(json_string_value(json_object_get(op, "operationId")), r->id);
        assert_true(json_string_length(json_object_get(op, "x-permission")) > 0);
        assert_true(json_string_length(json_object_get(op, "summary")) > 0);
        assert_true(json_is_array(json_object_get(op, "security")));
        assert_null(json_object_get(ids, r->id)); /* no id twice */
        (void)json_object_set_new(ids, r->id, json_true());
    }
    json_decref(ids);
    json_decref(o);
}

static void parameters_are_of_routes_that_exist(void **state)
{
    (void)state;
    for (const struct api_parameter *p = api_parameters; p->id != NULL; p++) {
        bool found = strcmp(p->id, "list") == 0;
        for (uint32_t i = 0; !found && i < api_routes_count; i++)
            found = strcmp(api_routes[i].id, p->id) == 0;
        if (!found)
            fail_msg("no route has the id %s", p->id);
    }
    for (const struct api_response *p = api_responses; p->id != NULL; p++) {
        bool found = false;
        for (uint32_t i = 0; !found && i < api_routes_count; i++)
            found = strcmp(api_routes[i].id, p->id) == 0;
        if (!found)
            fail_msg("no route has the id %s", p->id);
    }
}

static void every_list_has_a_route_and_every_field_a_meaning(void **state)
{
    (void)state;
    for (const struct api_resource *r = api_resources; r->name != NULL; r++) {
        char path[64], arg[API_ARGS_MAX][API_ARG_MAX], kind[64];
        uint32_t allowed = 0, fields = 0;
        (void)snprintf(path, sizeof(path), "/api/v1/%s", r->name);
        (void)snprintf(kind, sizeof(kind), "%sList", r->kind);
        const struct api_route *route = api_route_find(path, API_GET, &allowed, arg);
        assert_non_null(route);
        assert_string_equal(route->schema, kind);
        for (const struct api_field *f = r->field; f->name != NULL; f++, fields++) {
            assert_true(f->title[0] != '\0' && f->doc[0] != '\0' && f->basis < BASIS_COUNT);
            assert_true(r->view != NULL || f->get != NULL);
            assert_ptr_equal(api_field_find(r, f->name, strlen(f->name)), f); /* none twice */
            bool figure = f->type == FIELD_MS || f->type == FIELD_UUSD || f->type == FIELD_PPM ||
                          f->type == FIELD_WATTS;
            if (figure && f->basis == BASIS_NONE)
                fail_msg("%s.%s does not say what it rests on", r->name, f->name);
        }
        assert_true(fields > 0 && fields < 64);
    }
}

static void definitions_have_a_unit_a_sentence_and_what_they_rest_on(void **state)
{
    (void)state;
    json_t *o = definitions_json(NULL), *row, *keys = json_object();
    size_t i;
    assert_true(json_array_size(json_object_get(o, "rows")) > 150);
    json_array_foreach(json_object_get(o, "rows"), i, row) {
        const char *key = json_string_value(json_object_get(row, "key"));
        assert_non_null(key);
        assert_true(json_string_length(json_object_get(row, "text")) >= 4);
        assert_true(json_string_length(json_object_get(row, "title")) > 0);
        assert_true(json_is_string(json_object_get(row, "unit")));
        assert_true(json_string_length(json_object_get(row, "basis")) > 0);
        if (json_object_get(keys, key) != NULL)
            fail_msg("%s is defined twice", key);
        (void)json_object_set_new(keys, key, json_true());
    }
    json_decref(keys);
    json_decref(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reference_leads_somewhere),
        cmocka_unit_test(every_route_is_described_once_with_its_permission),
        cmocka_unit_test(parameters_are_of_routes_that_exist),
        cmocka_unit_test(every_list_has_a_route_and_every_field_a_meaning),
        cmocka_unit_test(definitions_have_a_unit_a_sentence_and_what_they_rest_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
