/* The server on the wire: what is answered to whom, and what its limits do. */
#include "api/server_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "api/assets.h"
#include "base/units.h"
#include "store/store_testing.h"

#define JSON "Content-Type: application/json\r\n"

/* Overwritten by the next call. */
static const char *hold(const struct scene *s, uint32_t node)
{
    static char body[256];
    (void)snprintf(body, sizeof(body), "{\"verb\": \"hold\", \"node\": \"%s\", \"reason\": "
                   "\"fan noise\"}", name(s->writer, node));
    return body;
}

static int setup(void **state)
{
    struct scene *s = scene_make();
    scene_start(s);
    *state = s;
    return 0;
}

/* Not started: limits of its own. */
static int setup_only(void **state)
{
    *state = scene_make();
    return 0;
}

static int teardown(void **state)
{
    scene_free(*state);
    return 0;
}

static json_t *json_of(const struct answer *a)
{
    json_t *o = json_loadb(a->body, a->size, 0, NULL);
    if (!json_is_object(o))
        fail_msg("%d, and no JSON: %s", a->status, a->body);
    return o;
}

/* wanted: "200", or a status and the code that its problem names: "404 MW_ENOTFOUND". */
static void expect(const struct scene *s, bool over_unix, const char *what, const char *headers,
                   const char *body, const char *wanted)
{
    struct answer a;
    const char *code = strchr(wanted, ' ');
    int status = (int)strtol(wanted, NULL, 10);
    ask(s, over_unix, what, headers, body, &a);
    if (a.status != status)
        fail_msg("%s: %d instead of %s: %s", what, a.status, wanted, a.body);
    if (code != NULL) {
        json_t *o = json_of(&a);
        assert_string_equal(answer_header(&a, "Content-Type"), "application/problem+json");
        assert_string_equal(json_string_value(json_object_get(o, "code")), code + 1);
        assert_int_equal(json_integer_value(json_object_get(o, "status")), status);
        assert_int_equal(strlen(json_string_value(json_object_get(o, "trace_id"))), 32);
        assert_true(json_string_length(json_object_get(o, "detail")) > 10);
        json_decref(o);
    }
    answer_fini(&a);
}

static void what_there_is_not_is_said_as_a_problem(void **state)
{
    struct scene *s = *state;
    expect(s, true, "GET /healthz", "", NULL, "200");
    expect(s, true, "GET /livez", "", NULL, "200");
    expect(s, true, "GET /version", "", NULL, "200");
    expect(s, true, "GET /nowhere", "", NULL, "404 MW_ENOTFOUND");
    expect(s, true, "GET /assets/none.js", "", NULL, "404 MW_ENOTFOUND");
    expect(s, true, "DELETE /healthz", "", NULL, "405 MW_EINVAL");
    expect(s, true, "OPTIONS /healthz", "", NULL, "405 MW_EINVAL");
    struct answer a;
    ask(s, true, "PUT /api/v1/commands", JSON, "{}", &a);
    assert_string_equal(answer_header(&a, "Allow"), "POST");
    answer_fini(&a);
    ask(s, true, "HEAD /version", "", NULL, &a);
    assert_int_equal(a.status, 200);
    assert_true(a.size > 10); /* as long as the GET would be */
    answer_fini(&a);
}

static void a_trace_that_was_begun_elsewhere_goes_on(void **state)
{
    struct answer a;
    ask(*state, true, "GET /nowhere",
        "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n", NULL, &a);
    assert_non_null(strstr(a.body, "0af7651916cd43dd8448eb211c80319c"));
    answer_fini(&a);
}

static void the_socket_is_for_its_owner_and_the_address_for_who_is_known(void **state)
{
    struct scene *s = *state;
    struct stat st;
    assert_int_equal(stat(s->socket, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    expect(s, true, "GET /api/v1/status", "", NULL, "200");
    expect(s, false, "GET /healthz", "", NULL, "200");
    expect(s, false, "GET /api/v1/status", "", NULL, "401 MW_EDENIED");
    expect(s, false, "POST /api/v1/commands", JSON, hold(s, 3), "401 MW_EDENIED");
    for (uint32_t i = 0; i < 2; i++)
        expect(s, i == 1, "GET /api/v1/status", "Authorization: Bearer mwt_wrong\r\n", NULL,
               "401 MW_EDENIED");
}

static void a_loopback_address_answers_only_to_names_of_its_own(void **state)
{
    struct scene *s = *state;
    static const char *const good[] = { "localhost", "localhost:80", "127.0.0.1", "127.8.0.1:7378",
                                        "[::1]", "[::1]:9", "LOCALHOST:1" };
    static const char *const bad[] = { "evil.example", "localhost.evil.example", "127.0.0.1.nip.io",
                                       "128.0.0.1", "127.0.0.1:80evil", "[::1", "[::2]", "",
                                       "127.0.0.300", "localhost:x" };
    char line[128];
    for (uint32_t i = 0; i < MW_ARRAY_LEN(good); i++) {
        (void)snprintf(line, sizeof(line), "Host: %s\r\n", good[i]);
        expect(s, false, "GET /livez", line, NULL, "200");
    }
    for (uint32_t i = 0; i < MW_ARRAY_LEN(bad); i++) {
        (void)snprintf(line, sizeof(line), "Host: %s\r\n", bad[i]);
        expect(s, false, "GET /livez", line, NULL, "421 MW_EDENIED");
    }
    expect(s, true, "GET /livez", "Host: whatever\r\n", NULL, "200");
}

static void a_command_is_recorded_in_the_users_name_and_read_at_once(void **state)
{
    struct scene *s = *state;
    struct answer a;
    ask(s, true, "POST /api/v1/commands", JSON, hold(s, 3), &a);
    assert_int_equal(a.status, 200);
    json_t *o = json_of(&a);
    const json_t *recorded = json_object_get(o, "recorded");
    int64_t seq = json_integer_value(json_object_get(recorded, "seq"));
    assert_int_equal(json_integer_value(json_object_get(recorded, "actor")), 1000 + getuid());
    json_decref(o);
    answer_fini(&a);
    ask(s, true, "GET /api/v1/budget", "", NULL, &a);
    o = json_of(&a);
    assert_true(json_integer_value(json_object_get(o, "revision")) >= seq);
    json_decref(o);
    answer_fini(&a);
}

static void a_wrong_command_is_refused_in_words(void **state)
{
    struct scene *s = *state;
    expect(s, true, "POST /api/v1/commands", JSON, "{", "400 MW_ESYNTAX");
    expect(s, true, "POST /api/v1/commands", JSON, "{\"verb\": \"dance\"}", "422 MW_EINVAL");
    expect(s, true, "POST /api/v1/commands", JSON,
           "{\"verb\": \"hold\", \"node\": \"nope\", \"reason\": \"x\"}", "422 MW_ENOTFOUND");
    expect(s, true, "POST /api/v1/commands", "Content-Type: text/plain\r\n", hold(s, 3),
           "415 MW_EINVAL");
    expect(s, true, "POST /api/v1/commands", "", NULL, "415 MW_EINVAL");
}

/* ---- keys ------------------------------------------------------------------------------------ */

static int64_t hold_with_key(const struct scene *s, const char *key, bool *ret_again)
{
    struct answer a;
    char headers[256];
    (void)snprintf(headers, sizeof(headers), JSON "Idempotency-Key: %s\r\n", key);
    ask(s, true, "POST /api/v1/commands", headers, hold(s, 3), &a);
    if (a.status != 200)
        fail_msg("%d: %s", a.status, a.body);
    json_t *o = json_of(&a);
    int64_t seq = json_integer_value(json_object_get(json_object_get(o, "recorded"), "seq"));
    *ret_again = strcmp(answer_header(&a, "Idempotency-Replayed"), "true") == 0;
    json_decref(o);
    answer_fini(&a);
    return seq;
}

static void what_comes_twice_with_one_key_is_done_once(void **state)
{
    struct scene *s = *state;
    bool again;
    int64_t first = hold_with_key(s, "k-1", &again);
    assert_false(again);
    assert_int_equal(hold_with_key(s, "k-1", &again), first);
    assert_true(again);
    assert_true(hold_with_key(s, "k-2", &again) > first);
    assert_false(again);
    expect(s, true, "POST /api/v1/commands", JSON "Idempotency-Key: k-1\r\n",
           hold(s, 4), "422 MW_EINVAL");
    expect(s, true, "POST /api/v1/commands", JSON "Idempotency-Key:\r\n", hold(s, 3),
           "422 MW_EINVAL");
}

/* ---- preconditions --------------------------------------------------------------------------- */

/* "If-Match: …" with the tag that the node has now. */
static void tag_of(const struct scene *s, uint32_t node, char ret[300])
{
    struct answer a;
    char what[200];
    (void)snprintf(what, sizeof(what), "GET /api/v1/nodes/%s", name(s->writer, node));
    ask(s, true, what, "", NULL, &a);
    assert_int_equal(a.status, 200);
    (void)snprintf(ret, 300, JSON "If-Match: %.200s\r\n", answer_header(&a, "ETag"));
    answer_fini(&a);
}

static void of_two_who_looked_at_a_node_only_the_first_commands_it(void **state)
{
    struct scene *s = *state;
    char mine[300], again[300];
    tag_of(s, 3, mine);
    expect(s, true, "POST /api/v1/commands", mine, hold(s, 3), "200");
    expect(s, true, "POST /api/v1/commands", mine, hold(s, 3), "412 MW_ECONFLICT");
    tag_of(s, 3, again);
    assert_string_not_equal(mine, again);
    expect(s, true, "POST /api/v1/commands", again, hold(s, 3), "200");
}

/* Both are on their way before the site has heard the first. */
static void nor_when_both_command_it_in_the_same_moment(void **state)
{
    struct scene *s = *state;
    char mine[300], text[1024];
    struct answer a, b;
    tag_of(s, 5, mine);
    (void)snprintf(text, sizeof(text), "POST /api/v1/commands HTTP/1.1\r\n%sContent-Length: %zu"
                   "\r\n\r\n%s", mine, strlen(hold(s, 5)), hold(s, 5));
    atomic_store(&s->hold, true);
    int first = dial_unix(s), second = dial_unix(s);
    say_text(first, text);
    say_text(second, text);
    expect(s, true, "GET /livez", "", NULL, "200"); /* the two before have come, too */
    atomic_store(&s->hold, false);
    hear(first, false, &a);
    hear(second, false, &b);
    assert_true((a.status == 200 && b.status == 412) || (a.status == 412 && b.status == 200));
    answer_fini(&a);
    answer_fini(&b);
    assert_int_equal(close(first) | close(second), 0);
}

/* A number of /metrics. */
static uint64_t count_of(const struct scene *s, const char *series)
{
    struct answer a;
    ask(s, true, "GET /metrics", "", NULL, &a);
    const char *line = strstr(a.body, series);
    assert_non_null(line);
    uint64_t n = strtoull(line + strlen(series), NULL, 10);
    answer_fini(&a);
    return n;
}

/* ---- limits ---------------------------------------------------------------------------------- */

static void long_headers_and_bodies_are_refused(void **state)
{
    struct scene *s = *state;
    char *headers = calloc(1, API_HEADER_MAX + 200), *body = calloc(1, API_BODY_MAX + 2);
    int n = snprintf(headers, 32, "X-Long: ");
    memset(headers + n, 'x', API_HEADER_MAX);
    memcpy(headers + n + API_HEADER_MAX, "\r\n", 3);
    expect(s, true, "GET /livez", headers, NULL, "431 MW_ELIMIT");
    memcpy(headers + n + API_HEADER_MAX - 200, "\r\n", 3);
    expect(s, true, "GET /livez", headers, NULL, "200");
    memset(body, ' ', API_BODY_MAX + 1);
    expect(s, true, "POST /api/v1/commands", JSON, body, "413 MW_ELIMIT");
    body[API_BODY_MAX] = '\0';
    expect(s, true, "POST /api/v1/commands", JSON, body, "400 MW_ESYNTAX");
    free(headers);
    free(body);
}

/* Far past the limits nothing is kept: HTTP refuses before it has read it. */
static void what_hides_in_a_doubtful_body_is_not_answered(void **state)
{
    struct answer a;
    char more;
    int fd = dial_unix(*state);
    say_text(fd, "POST /api/v1/commands HTTP/1.1\r\nHost: mw\r\n" JSON "Transfer-Encoding: xchunked"
                 "\r\n\r\nGET /version HTTP/1.1\r\nHost: mw\r\n\r\n");
    hear(fd, false, &a);
    assert_int_equal(a.status, 400);
    assert_string_equal(answer_header(&a, "Connection"), "close");
    answer_fini(&a);
    assert_true(read(fd, &more, 1) <= 0);
    assert_int_equal(close(fd), 0);
}

static void what_is_far_too_long_is_not_even_read(void **state)
{
    struct scene *s = *state;
    struct answer a;
    ask(s, true, "POST /api/v1/commands", JSON "Content-Length: 4000000000\r\n", NULL, &a);
    assert_int_equal(a.status, 413);
    answer_fini(&a);
    int fd = dial_unix(s);
    char line[1024];
    memset(line, 'y', sizeof(line));
    say_text(fd, "GET /livez HTTP/1.1\r\nX-Long: ");
    for (uint32_t i = 0; i < 1024; i++)
        say(fd, line, sizeof(line));
    assert_true(ends(fd));
    assert_int_equal(close(fd), 0);
    expect(s, true, "GET /livez", "", NULL, "200");
}

static void past_the_bound_connections_are_told_so_and_others_go_on(void **state)
{
    struct scene *s = *state;
    int fd[8];
    struct answer a;
    s->options.connections_max = MW_ARRAY_LEN(fd);
    scene_start(s);
    for (uint32_t i = 0; i < MW_ARRAY_LEN(fd); i++)
        fd[i] = dial_unix(s);
    say_text(fd[0], "GET /livez HTTP/1.1\r\n\r\n");
    hear(fd[0], false, &a);
    assert_int_equal(a.status, 200); /* the other seven are taken, too: they came before */
    answer_fini(&a);
    say_text(fd[7], "GET /livez HTTP/1.1\r\n\r\n");
    hear(fd[7], false, &a);
    assert_int_equal(a.status, 200);
    answer_fini(&a);
    ask(s, true, "GET /livez", "", NULL, &a);
    assert_int_equal(a.status, 503);
    assert_string_equal(answer_header(&a, "Connection"), "close");
    assert_string_equal(answer_header(&a, "Retry-After"), "1");
    answer_fini(&a);
    assert_int_equal(close(fd[3]), 0);
    do /* until the server has seen that one left */
        ask(s, true, "GET /livez", "", NULL, &a);
    while (a.status == 503 && (answer_fini(&a), true));
    assert_int_equal(a.status, 200);
    answer_fini(&a);
    for (uint32_t i = 0; i < MW_ARRAY_LEN(fd); i++)
        if (i != 3)
            assert_int_equal(close(fd[i]), 0);
}

static void a_request_that_does_not_end_is_dropped_and_one_at_rest_is_not(void **state)
{
    struct scene *s = *state;
    struct answer a;
    s->options.slow_ns = 300 * MW_NS_PER_MS;
    scene_start(s);
    int slow = dial_unix(s), body = dial_unix(s), rest = dial_unix(s);
    say_text(slow, "GET /livez HTT");
    say_text(body, "POST /api/v1/commands HTTP/1.1\r\nContent-Length: 10\r\n\r\n{");
    assert_true(ends(slow));
    assert_true(ends(body));
    say_text(rest, "GET /livez HTTP/1.1\r\n\r\n");
    hear(rest, false, &a);
    assert_int_equal(a.status, 200);
    answer_fini(&a);
    assert_int_equal(count_of(s, "millwright_http_dropped_total{why=\"slow\"} "), 2);
    assert_int_equal(close(slow) | close(body) | close(rest), 0);
}

static void who_asks_nothing_for_long_is_let_go(void **state)
{
    struct scene *s = *state;
    s->options.idle_ns = 300 * MW_NS_PER_MS;
    scene_start(s);
    int fd = dial_tcp(s);
    assert_true(ends(fd));
    assert_int_equal(close(fd), 0);
}

static void who_does_not_take_his_answers_is_dropped(void **state)
{
    struct scene *s = *state;
    s->options.slow_ns = 300 * MW_NS_PER_MS;
    scene_start(s);
    int fd = dial_unix(s);
    /* More answers than a socket holds; nobody reads them. */
    for (uint32_t i = 0; i < 2000; i++)
        say_text(fd, "GET /metrics HTTP/1.1\r\n\r\n");
    while (count_of(s, "millwright_http_dropped_total{why=\"slow\"} ") == 0)
        (void)usleep(10000);
    assert_true(ends(fd));
    assert_int_equal(close(fd), 0);
    expect(s, true, "GET /livez", "", NULL, "200");
}

/* ---- answers --------------------------------------------------------------------------------- */

static void long_answers_are_gzipped_for_who_takes_it(void **state)
{
    struct scene *s = *state;
    struct answer plain, packed;
    ask(s, true, "GET /metrics", "", NULL, &plain);
    ask(s, true, "GET /metrics", "Accept-Encoding: br, gzip;q=0.5\r\n", NULL, &packed);
    assert_string_equal(answer_header(&plain, "Content-Encoding"), "");
    assert_string_equal(answer_header(&packed, "Content-Encoding"), "gzip");
    assert_string_equal(answer_header(&packed, "Vary"), "Accept-Encoding");
    assert_true(packed.size < plain.size / 2);
    char *out = calloc(1, plain.size + 4096);
    z_stream z = { .next_in = (Bytef *)packed.body, .avail_in = (uInt)packed.size,
                   .next_out = (Bytef *)out, .avail_out = (uInt)plain.size + 4095 };
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(inflateEnd(&z), Z_OK);
    assert_non_null(strstr(out, "millwright_nodes{health=\"ready\"} 40"));
    free(out);
    answer_fini(&packed);
    ask(s, true, "GET /metrics", "Accept-Encoding: gzip;q=0\r\n", NULL, &packed);
    assert_string_equal(answer_header(&packed, "Content-Encoding"), "");
    answer_fini(&packed);
    answer_fini(&plain);
}

/* With whatever files this build has of it; one without says so. */
static void the_console_comes_plain_or_packed_and_under_its_policy(void **state)
{
    struct scene *s = *state;
    if (web_assets_count == 0)
        expect(s, false, "GET /", "", NULL, "404 MW_ENOTFOUND");
    for (uint32_t i = 0; i < web_assets_count; i++) {
        const struct web_asset *f = &web_assets[i];
        struct answer a;
        char what[200], tag[200];
        (void)snprintf(what, sizeof(what), "GET %s", f->path);
        ask(s, false, what, "", NULL, &a);
        assert_int_equal(a.status, 200);
        assert_int_equal(a.size, f->size);
        assert_non_null(strstr(answer_header(&a, "Content-Security-Policy"), "script-src 'self'"));
        bool hashed = strncmp(f->path, "/assets/", 8) == 0;
        assert_true(hashed == (strstr(answer_header(&a, "Cache-Control"), "immutable") != NULL));
        (void)snprintf(tag, sizeof(tag), "If-None-Match: %s\r\n", answer_header(&a, "ETag"));
        answer_fini(&a);
        ask(s, false, what, "Accept-Encoding: gzip\r\n", NULL, &a);
        assert_int_equal(a.size, f->gz_size);
        assert_string_equal(answer_header(&a, "Content-Encoding"), "gzip");
        assert_memory_equal(a.body, f->gz, f->gz_size);
        answer_fini(&a);
        expect(s, false, what, tag, NULL, "304");
    }
}

static void a_client_that_leaves_before_its_answer_is_no_trouble(void **state)
{
    struct scene *s = *state;
    atomic_store(&s->hold, true);
    for (uint32_t i = 0; i < 20; i++) {
        int fd = dial_unix(s);
        say_text(fd, "GET /api/v1/status HTTP/1.1\r\n\r\n");
        expect(s, true, "GET /livez", "", NULL, "200"); /* the one before has come, too */
        assert_int_equal(close(fd), 0);
    }
    atomic_store(&s->hold, false);
    expect(s, true, "GET /api/v1/status", "", NULL, "200");
}

static void what_waits_when_the_daemon_ends_is_answered(void **state)
{
    struct scene *s = *state;
    struct answer a;
    atomic_store(&s->hold, true);
    int fd = dial_unix(s);
    say_text(fd, "GET /api/v1/status HTTP/1.1\r\n\r\n");
    expect(s, true, "GET /livez", "", NULL, "200");
    scene_stop(s);
    hear(fd, false, &a);
    assert_int_equal(a.status, 503);
    answer_fini(&a);
    assert_true(ends(fd));
    assert_int_equal(close(fd), 0);
    assert_int_not_equal(access(s->socket, F_OK), 0);
}

/* ---- beginnings ------------------------------------------------------------------------------ */

static void until_the_record_has_begun_the_server_is_alive_and_not_ready(void **state)
{
    struct scene *s = *state;
    struct answer a;
    char empty[256];
    testing_dir(empty);
    s->options.journal = empty;
    scene_start(s);
    expect(s, true, "GET /livez", "", NULL, "200");
    expect(s, true, "GET /readyz", "", NULL, "503");
    expect(s, true, "GET /api/v1/budget", "", NULL, "503 MW_EBUSY");
    struct bench *b = bench_make_in(MODE_ACT, empty, 0); /* it begins */
    do
        ask(s, true, "GET /readyz", "", NULL, &a);
    while (a.status == 503 && (answer_fini(&a), true));
    assert_int_equal(a.status, 200);
    answer_fini(&a);
    expect(s, true, "GET /api/v1/budget", "", NULL, "200");
    scene_stop(s);
    bench_free(b);
    testing_dir_remove(empty);
}

static void refused(struct scene *s, int code, const char *words)
{
    struct mw_error err = { 0 };
    struct api_server *server = NULL;
    int rc = api_server_start(&s->options, &server, &err);
    if (rc != code || strstr(err.text, words) == NULL)
        fail_msg("%d (%s) instead of %d and \"%s\"", rc, err.text, code, words);
}

static void what_cannot_be_listened_on_is_said(void **state)
{
    struct scene *s = *state;
    char path[400];
    const struct api_server_options before = s->options;
    scene_start(s);
    s->options.listen = NULL;
    refused(s, MW_EBUSY, "another daemon listens");
    s->options.socket = NULL;
    s->options.listen = s->host;
    refused(s, MW_EBUSY, "in use");
    s->options.listen = "0.0.0.0:0";
    refused(s, MW_EDENIED, "--tls-cert");
    s->options.listen = "[::]:0";
    refused(s, MW_EDENIED, "--tls-cert");
    s->options.listen = "localhost";
    refused(s, MW_EINVAL, "no address with a port");
    s->options.listen = NULL;
    (void)snprintf(path, sizeof(path), "%s/file", s->dir);
    FILE *f = fopen(path, "w");
    assert_int_equal(fclose(f), 0);
    s->options.socket = path;
    refused(s, MW_EEXIST, "no socket");
    s->options.socket = "/nowhere/mw.sock";
    refused(s, MW_ENOTFOUND, "/nowhere/mw.sock");
    s->options = before;
}

static void a_socket_that_nobody_listens_on_is_replaced(void **state)
{
    struct scene *s = *state;
    scene_start(s);
    char kept[400];
    (void)snprintf(kept, sizeof(kept), "%s/kept", s->dir);
    assert_int_equal(link(s->socket, kept), 0); /* as a killed daemon leaves it */
    scene_stop(s);
    assert_int_equal(rename(kept, s->socket), 0);
    atomic_store(&s->stop, false);
    asks_destroy(s->asks);
    assert_int_equal(asks_create(&s->asks, NULL), 0);
    s->options.asks = s->asks;
    scene_start(s);
    expect(s, true, "GET /livez", "", NULL, "200");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define BEFORE(f) cmocka_unit_test_setup_teardown(f, setup_only, teardown)
    const struct CMUnitTest tests[] = {
        T(what_there_is_not_is_said_as_a_problem),
        T(a_trace_that_was_begun_elsewhere_goes_on),
        T(the_socket_is_for_its_owner_and_the_address_for_who_is_known),
        T(a_loopback_address_answers_only_to_names_of_its_own),
        T(a_command_is_recorded_in_the_users_name_and_read_at_once),
        T(a_wrong_command_is_refused_in_words),
        T(what_comes_twice_with_one_key_is_done_once),
        T(of_two_who_looked_at_a_node_only_the_first_commands_it),
        T(nor_when_both_command_it_in_the_same_moment),
        T(long_headers_and_bodies_are_refused),
        T(what_hides_in_a_doubtful_body_is_not_answered),
        T(what_is_far_too_long_is_not_even_read),
        BEFORE(past_the_bound_connections_are_told_so_and_others_go_on),
        BEFORE(a_request_that_does_not_end_is_dropped_and_one_at_rest_is_not),
        BEFORE(who_asks_nothing_for_long_is_let_go),
        BEFORE(who_does_not_take_his_answers_is_dropped),
        T(long_answers_are_gzipped_for_who_takes_it),
        T(the_console_comes_plain_or_packed_and_under_its_policy),
        T(a_client_that_leaves_before_its_answer_is_no_trouble),
        T(what_waits_when_the_daemon_ends_is_answered),
        BEFORE(until_the_record_has_begun_the_server_is_alive_and_not_ready),
        BEFORE(what_cannot_be_listened_on_is_said),
        BEFORE(a_socket_that_nobody_listens_on_is_replaced),
    };
    return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
