/* The route table and the reading of paths, queries and tags, whatever bytes they are made of. */
#include "api/routes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char arg[API_ARGS_MAX][API_ARG_MAX];

static const struct api_route *find(const char *path, enum api_method m, uint32_t *allowed)
{
    memset(arg, 'x', sizeof(arg));
    return api_route_find(path, m, allowed, arg);
}

/* Each pattern is found by a path that is made of it, and by no other. */
static void every_route_is_found_by_its_path(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < api_routes_count; i++) {
        const struct api_route *r = &api_routes[i];
        char path[512];
        size_t n = 0;
        for (const char *p = r->path; *p != '\0'; p++) {
            if (*p == '{') {
                n += (size_t)snprintf(path + n, sizeof(path) - n, "a%%20%%2Fb");
                p = strchr(p, '}');
                continue;
            }
            path[n++] = *p;
        }
        path[n] = '\0';
        uint32_t allowed;
        if (find(path, r->method, &allowed) != r)
            fail_msg("%s %s finds another route", path, r->path);
        assert_true((allowed & r->method) != 0);
        if (strchr(r->path, '{') != NULL)
            assert_string_equal(arg[0], "a /b");
        else
            assert_string_equal(arg[0], "");
    }
}

static void every_route_has_a_permission_and_a_name_of_its_own(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < api_routes_count; i++) {
        const struct api_route *r = &api_routes[i];
        assert_true(r->permission > 0 && r->permission < PERM_COUNT);
        assert_true(r->path[0] == '/' && r->id[0] != '\0' && r->doc[0] != '\0');
        for (uint32_t k = 0; k < i; k++) {
            assert_string_not_equal(r->id, api_routes[k].id);
            assert_true(r->method != api_routes[k].method ||
                        strcmp(r->path, api_routes[k].path) != 0);
        }
    }
}

static void paths_that_are_not_there_are_not_found(void **state)
{
    static const char *const bad[] = {
        "", "/api", "/api/v1", "/api/v1/", "/api/v1/nodes/", "/api/v1/nodes/a/b", "//healthz",
        "/healthz/", "/healthz%00", "/api/v1/nodes/%00", "/api/v1/nodes/%", "/api/v1/nodes/%2",
        "/api/v1/nodes/%zz", "/%68ealthz", "healthz", "/assets/", "/assets/../../etc/passwd",
        "/{name}", "*",
    };
    uint32_t allowed;
    (void)state;
    for (uint32_t i = 0; i < MW_ARRAY_LEN(bad); i++)
        if (find(bad[i], API_GET, &allowed) != NULL || allowed != 0)
            fail_msg("%s is found", bad[i]);
    char path[64 + API_ARG_MAX] = "/api/v1/nodes/";
    memset(path + strlen(path), 'n', API_ARG_MAX);
    assert_null(find(path, API_GET, &allowed));
}

static void another_method_is_told_which_there_are(void **state)
{
    uint32_t allowed;
    (void)state;
    assert_null(find("/healthz", API_POST, &allowed));
    assert_int_equal(allowed, API_GET);
    assert_null(find("/healthz", 0, &allowed));
    assert_int_equal(allowed, API_GET);
}

static const char *get(const char *query, const char *key)
{
    static char value[32];
    const struct api_call c = { .query = query };
    return api_query_get(&c, key, value, sizeof(value));
}

static void a_query_gives_what_its_keys_say(void **state)
{
    (void)state;
    assert_string_equal(get("a=1&b=two+words&c=%C3%A4%26%3d", "a"), "1");
    assert_string_equal(get("a=1&b=two+words&c=%C3%A4%26%3d", "b"), "two words");
    assert_string_equal(get("a=1&b=two+words&c=%C3%A4%26%3d", "c"), "\xC3\xA4&=");
    assert_string_equal(get("all&x=1", "all"), "");
    assert_string_equal(get("x=1&all", "all"), "");
    assert_string_equal(get("a=1&a=2", "a"), "1"); /* the first */
    assert_string_equal(get("%61=9", "a"), "9");
    assert_string_equal(get("a=x=y", "a"), "x=y");
    assert_null(get("aa=1", "a"));
    assert_null(get("a=%00", "a"));
    assert_null(get("a=%4", "a"));
    assert_null(get("a=1234567890123456789012345678901234567890", "a"));
    assert_null(get("", "a"));
    assert_null(get("&&&", "a"));
    assert_null(get(NULL, "a"));
}

static void flags_and_numbers_are_read_or_refused(void **state)
{
    const struct api_call c = { .query = "all&no=0&yes=true&n=7&big=18446744073709551616&neg=-1" };
    struct mw_error err = { 0 };
    uint64_t n = 3;
    (void)state;
    assert_true(api_query_flag(&c, "all") && api_query_flag(&c, "yes"));
    assert_false(api_query_flag(&c, "no") || api_query_flag(&c, "none"));
    assert_int_equal(api_query_u64(&c, "none", 10, &n, &err), 0);
    assert_int_equal(n, 3);
    assert_int_equal(api_query_u64(&c, "n", 10, &n, &err), 0);
    assert_int_equal(n, 7);
    assert_int_equal(api_query_u64(&c, "n", 6, &n, &err), MW_EINVAL);
    assert_non_null(strstr(err.text, "0 to 6"));
    assert_int_equal(api_query_u64(&c, "big", UINT64_MAX, &n, &err), MW_EINVAL);
    assert_int_equal(api_query_u64(&c, "neg", 9, &n, &err), MW_EINVAL);
}

static void tags_are_compared_whole(void **state)
{
    (void)state;
    assert_true(api_etag_in("\"abc\"", "abc"));
    assert_true(api_etag_in("W/\"abc\"", "abc"));
    assert_true(api_etag_in("\"x\", \"abc\"", "abc"));
    assert_true(api_etag_in("\"x\" ,W/\"abc\"", "abc"));
    assert_true(api_etag_in("*", "abc"));
    assert_false(api_etag_in("\"abcd\"", "abc"));
    assert_false(api_etag_in("\"ab\"", "abc"));
    assert_false(api_etag_in("abc", "abc"));
    assert_false(api_etag_in("\"abc", "abc"));
    assert_false(api_etag_in("", "abc"));
    assert_false(api_etag_in(NULL, "abc"));
}

static void a_problem_says_what_where_and_what_to_do(void **state)
{
    const struct mw_error err = { .code = MW_EINVAL, .text = "limit=x: a number" };
    const struct api_answer a = { .hint = "write a number", .field = "limit" };
    (void)state;
    json_t *o = api_problem(400, &err, &a, "t");
    assert_string_equal(json_string_value(json_object_get(o, "title")), "Bad Request");
    assert_string_equal(json_string_value(json_object_get(o, "detail")), err.text);
    assert_string_equal(json_string_value(json_object_get(o, "code")), "MW_EINVAL");
    assert_string_equal(json_string_value(json_object_get(o, "hint")), "write a number");
    assert_string_equal(json_string_value(json_object_get(o, "field")), "limit");
    json_decref(o);
    o = api_problem(503, &(struct mw_error){ .code = MW_EBUSY, .text = "\xff" }, NULL, NULL);
    assert_string_equal(json_string_value(json_object_get(o, "detail")), "(unreadable)");
    assert_non_null(json_object_get(o, "hint"));
    assert_null(json_object_get(o, "field"));
    json_decref(o);
}

/* Every code has a status and every status of ours a name. */
static void every_error_has_a_status_with_a_name(void **state)
{
    (void)state;
    for (int code = MW_EINVAL; code >= MW_EBUG; code--) {
        int status = api_http_status(code);
        assert_true(status >= 400 && status < 600);
        if (status != 500)
            assert_string_not_equal(api_http_title(status), "Internal Server Error");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_is_found_by_its_path),
        cmocka_unit_test(every_route_has_a_permission_and_a_name_of_its_own),
        cmocka_unit_test(paths_that_are_not_there_are_not_found),
        cmocka_unit_test(another_method_is_told_which_there_are),
        cmocka_unit_test(a_query_gives_what_its_keys_say),
        cmocka_unit_test(flags_and_numbers_are_read_or_refused),
        cmocka_unit_test(tags_are_compared_whole),
        cmocka_unit_test(a_problem_says_what_where_and_what_to_do),
        cmocka_unit_test(every_error_has_a_status_with_a_name),
    };
    return cmocka_run_group_tests_name("routes", tests, NULL, NULL);
}
