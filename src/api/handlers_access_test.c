/* Sessions, tokens and the audit log as they are on the wire. */
#include "api/routes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/server_testing.h"

#define JSON "Content-Type: application/json\r\n"

static char *access_path(const struct scene *s)
{
    char path[300];
    (void)snprintf(path, sizeof(path), "%s/access.json", s->dir);
    return strdup(path);
}

static int setup(void **state)
{
    struct scene *s = scene_make();
    s->options.access_file = access_path(s);
    scene_start(s);
    *state = s;
    return 0;
}

static int setup_without_file(void **state)
{
    struct scene *s = scene_make();
    scene_start(s);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;
    char *path = (char *)(uintptr_t)s->options.access_file;
    scene_free(s);
    free(path);
    return 0;
}

/* The answer's JSON; the status is as it must be. */
static json_t *asked(const struct scene *s, bool over_unix, const char *what, const char *headers,
                     const char *body, int status)
{
    struct answer a;
    ask(s, over_unix, what, headers, body, &a);
    if (a.status != status)
        fail_msg("%s: %d instead of %d: %s", what, a.status, status, a.body);
    json_t *o = json_loadb(a.body, a.size, 0, NULL);
    answer_fini(&a);
    return o;
}

static const char *text_of(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s != NULL ? s : "";
}

/* Uses the link that the server prints; gives the Cookie header and, with the CSRF word, more. */
static void log_in(const struct scene *s, char ret_cookie[128], char ret_both[256])
{
    char link[256], body[128], session[ACCESS_WORD_MAX] = "";
    struct answer a;
    assert_int_equal(api_server_link(s->server, link, sizeof(link)), 0);
    (void)snprintf(body, sizeof(body), "{\"code\": \"%s\"}", strstr(link, "#/login/") + 8);
    ask(s, false, "POST /api/v1/session", JSON, body, &a);
    assert_int_equal(a.status, 200);
    const char *set = answer_header(&a, "Set-Cookie");
    assert_int_equal(sscanf(set, ACCESS_COOKIE "=%43[0-9A-Za-z];", session), 1);
    assert_non_null(strstr(set, "HttpOnly"));
    assert_non_null(strstr(set, "SameSite=Strict"));
    assert_null(strstr(set, "Secure")); /* without TLS the browser would drop it */
    json_t *o = json_loadb(a.body, a.size, 0, NULL);
    (void)snprintf(ret_cookie, 128, "Cookie: " ACCESS_COOKIE "=%s\r\n", session);
    (void)snprintf(ret_both, 256, "%sMW-CSRF: %s\r\n", ret_cookie, text_of(o, "csrf"));
    json_decref(o);
    answer_fini(&a);
    json_decref(asked(s, false, "POST /api/v1/session", JSON, body, 401)); /* once only */
}

/* Anybody can ask it: kept, such keys would push out those of who is known. */
static void a_key_of_nobody_known_is_not_kept(void **state)
{
    struct answer a;
    for (uint32_t i = 0; i < 2; i++) {
        ask(*state, false, "POST /api/v1/session", JSON "Idempotency-Key: k\r\n",
            "{\"code\": \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}", &a);
        assert_int_equal(a.status, 401);
        assert_string_equal(answer_header(&a, "Idempotency-Replayed"), "");
        answer_fini(&a);
    }
}

static void the_printed_link_opens_a_session_until_logout(void **state)
{
    struct scene *s = *state;
    char cookie[128], both[256];
    struct answer a;
    log_in(s, cookie, both);
    json_t *o = asked(s, false, "GET /api/v1/session", cookie, NULL, 200);
    assert_string_equal(json_string_value(json_array_get(json_object_get(o, "roles"), 0)), "admin");
    assert_true(json_array_size(json_object_get(o, "permissions")) == PERM_COUNT - 1);
    assert_string_not_equal(text_of(o, "site"), "");
    json_decref(o);
    json_decref(asked(s, false, "DELETE /api/v1/session", cookie, NULL, 403)); /* no CSRF word */
    static const char *const foreign[] = { "http://evil.example", "null", "http://127.0.0.1:1" };
    char with[600];
    for (uint32_t i = 0; i < MW_ARRAY_LEN(foreign); i++) {
        (void)snprintf(with, sizeof(with), "%sHost: %s\r\nOrigin: %s\r\n", both, s->host,
                       foreign[i]);
        json_decref(asked(s, false, "DELETE /api/v1/session", with, NULL, 403));
    }
    (void)snprintf(with, sizeof(with), "%sHost: %s\r\nOrigin: http://%s\r\n", both, s->host,
                   s->host);
    ask(s, false, "DELETE /api/v1/session", with, NULL, &a);
    assert_int_equal(a.status, 200);
    assert_non_null(strstr(answer_header(&a, "Set-Cookie"), ACCESS_COOKIE "=; "));
    assert_non_null(strstr(answer_header(&a, "Set-Cookie"), "Max-Age=0"));
    answer_fini(&a);
    json_decref(asked(s, false, "GET /api/v1/session", cookie, NULL, 401));
}

/* Makes a token over the socket: "Authorization: Bearer …" and its id. */
static void make_token(const struct scene *s, const char *grant, char ret[128], char ret_id[16])
{
    json_t *o = asked(s, true, "POST /api/v1/tokens", JSON, grant, 201);
    (void)snprintf(ret, 128, "Authorization: Bearer %s\r\n", text_of(o, "token"));
    (void)snprintf(ret_id, 16, "%s", text_of(o, "id"));
    json_decref(o);
}

static void a_token_lives_from_its_making_to_its_end(void **state)
{
    struct scene *s = *state;
    char bearer[128], id[16], what[64];
    make_token(s, "{\"name\": \"ci\", \"roles\": [\"viewer\"]}", bearer, id);
    json_t *o = asked(s, false, "GET /api/v1/session", bearer, NULL, 200);
    assert_string_equal(text_of(o, "name"), "ci");
    json_decref(o);
    o = asked(s, true, "GET /api/v1/tokens", "", NULL, 200);
    assert_string_equal(text_of(json_array_get(json_object_get(o, "rows"), 0), "id"), id);
    json_decref(o);
    json_decref(asked(s, false, "DELETE /api/v1/session", bearer, NULL, 409)); /* not its to end */
    (void)snprintf(what, sizeof(what), "DELETE /api/v1/tokens/%s", id);
    json_decref(asked(s, true, what, "", NULL, 200));
    json_decref(asked(s, false, "GET /api/v1/session", bearer, NULL, 401));
    json_decref(asked(s, true, "DELETE /api/v1/tokens/00000000", "", NULL, 404));
}

static void a_stream_ends_when_its_token_does(void **state)
{
    struct scene *s = *state;
    char bearer[128], id[16], what[64], request[512], first = '\0';
    make_token(s, "{\"name\": \"ci\", \"roles\": [\"viewer\"]}", bearer, id);
    int fd = dial_tcp(s);
    int n = snprintf(request, sizeof(request), "GET /api/v1/stream HTTP/1.1\r\nHost: %s\r\n"
                     "Connection: close\r\n%s\r\n", s->host, bearer);
    say(fd, request, (size_t)n);
    assert_int_equal(read(fd, &first, 1), 1); /* it has begun */
    (void)snprintf(what, sizeof(what), "DELETE /api/v1/tokens/%s", id);
    json_decref(asked(s, true, what, "", NULL, 200));
    assert_true(ends(fd));
    assert_int_equal(close(fd), 0);
}

static void a_grant_that_makes_no_sense_is_refused_with_its_key(void **state)
{
    struct scene *s = *state;
    static const char *const bad[][2] = {
        { "[]", "name" },
        { "{\"name\": \"x\", \"roles\": [\"root\"]}", "roles" },
        { "{\"name\": \"x\", \"roles\": []}", "roles" },
        { "{\"name\": \"x\", \"roles\": [\"user\"]}", "tenants" },
        { "{\"name\": \"x\", \"roles\": [\"viewer\"], \"expires\": \"2001-01-01\"}", "expires" },
        { "{\"name\": \"x\", \"roles\": [\"viewer\"], \"rolls\": 1}", "name, roles" },
        { "{\"name\": \"\", \"roles\": [\"viewer\"]}", "name" },
        { "{\"name\": \"x\", \"roles\": [\"viewer\"], \"tenants\": [-1]}", "tenants" },
    };
    for (size_t i = 0; i < MW_ARRAY_LEN(bad); i++) {
        json_t *o = asked(s, true, "POST /api/v1/tokens", JSON, bad[i][0], 422);
        if (strstr(text_of(o, "detail"), bad[i][1]) == NULL)
            fail_msg("%s: \"%s\" does not say \"%s\"", bad[i][0], text_of(o, "detail"), bad[i][1]);
        json_decref(o);
    }
}

static void without_an_access_file_there_are_no_tokens(void **state)
{
    struct scene *s = *state;
    json_decref(asked(s, true, "POST /api/v1/tokens", JSON,
                      "{\"name\": \"x\", \"roles\": [\"viewer\"]}", 409));
    json_t *o = asked(s, true, "GET /api/v1/tokens", "", NULL, 200);
    assert_int_equal(json_integer_value(json_object_get(o, "total")), 0);
    json_decref(o);
    json_decref(asked(s, true, "GET /login/oidc", "", NULL, 409)); /* nor a provider */
}

static void whoever_did_something_is_in_the_audit_log(void **state)
{
    struct scene *s = *state;
    char bearer[128], id[16], cursor[64] = "", what[128];
    size_t lines = 0;
    make_token(s, "{\"name\": \"ci\", \"roles\": [\"viewer\"]}", bearer, id);
    char command[512];
    (void)snprintf(command, sizeof(command), "%s" JSON, bearer);
    json_decref(asked(s, false, "POST /api/v1/commands", command,
                      "{\"verb\": \"reset-guard\", \"reason\": \"x\"}", 403));
    json_decref(asked(s, true, "POST /api/v1/commands", JSON,
                      "{\"verb\": \"set-mode\", \"mode\": \"advise\", \"reason\": \"x\"}", 200));
    json_decref(asked(s, false, "GET /api/v1/tokens", bearer, NULL, 403)); /* a refused read */
    json_decref(asked(s, false, "GET /api/v1/session", bearer, NULL, 200)); /* not written down */
    json_decref(asked(s, false, "GET /api/v1/audit", bearer, NULL, 403));
    static const struct {
        const char *route;
        int status;
    } wanted[] = { { "listAudit", 403 }, { "listTokens", 403 }, { "postCommand", 200 },
                   { "postCommand", 403 }, { "postToken", 201 } };
    do { /* newest first, two a page */
        (void)snprintf(what, sizeof(what), "GET /api/v1/audit?limit=2%s%s",
                       cursor[0] != '\0' ? "&cursor=" : "", cursor);
        json_t *o = asked(s, true, what, "", NULL, 200);
        const json_t *rows = json_object_get(o, "rows");
        for (size_t i = 0; i < json_array_size(rows); i++, lines++) {
            const json_t *line = json_array_get(rows, i);
            assert_true(lines < MW_ARRAY_LEN(wanted));
            assert_string_equal(text_of(line, "route"), wanted[lines].route);
            assert_int_equal(json_integer_value(json_object_get(line, "status")),
                             wanted[lines].status);
            bool recorded = wanted[lines].status == 200;
            assert_true(json_is_integer(json_object_get(line, "seq")) == recorded);
        }
        (void)snprintf(cursor, sizeof(cursor), "%s", text_of(o, "next"));
        json_decref(o);
    } while (cursor[0] != '\0');
    assert_int_equal(lines, MW_ARRAY_LEN(wanted));
    json_t *o = asked(s, true, "GET /api/v1/audit?who=ci&status=403", "", NULL, 200);
    assert_int_equal(json_array_size(json_object_get(o, "rows")), 3);
    json_decref(o);
    json_decref(asked(s, true, "GET /api/v1/audit?cursor=7", "", NULL, 400));
    json_decref(asked(s, true, "GET /api/v1/audit?cursor=x", "", NULL, 400));
    json_decref(asked(s, true, "GET /api/v1/audit?limit=0", "", NULL, 400));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(a_key_of_nobody_known_is_not_kept),
        TEST(the_printed_link_opens_a_session_until_logout),
        TEST(a_token_lives_from_its_making_to_its_end),
        TEST(a_stream_ends_when_its_token_does),
        TEST(a_grant_that_makes_no_sense_is_refused_with_its_key),
        TEST(whoever_did_something_is_in_the_audit_log),
        cmocka_unit_test_setup_teardown(without_an_access_file_there_are_no_tokens,
                                        setup_without_file, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
