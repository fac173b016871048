/* Requests to others, against a real HTTP server on loopback: answers, limits, and the end. */
#include "api/outbound.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>

#include "base/mem.h"
#include "base/units.h"

struct lab {
    struct event_base *base;
    struct evhttp *http;
    struct outbound *out;
    char url[64];
    uint32_t told, wanted;
    struct outbound_answer last; /* its texts are copied below */
    char body[256], type[64], text[256];
    char seen[256]; /* what the server saw: method, header, body */
    struct mw_error err;
};

static void answer(struct evhttp_request *q, void *ctx)
{
    struct lab *l = ctx;
    const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(q));
    struct evkeyvalq *in = evhttp_request_get_input_headers(q);
    struct evkeyvalq *out = evhttp_request_get_output_headers(q);
    struct evbuffer *b = evhttp_request_get_output_buffer(q);
    struct evbuffer *body = evhttp_request_get_input_buffer(q);
    const char *marked = evhttp_find_header(in, "MW-Mark"), *auth;
    auth = evhttp_find_header(in, "Authorization");
    (void)snprintf(l->seen, sizeof(l->seen), "%d %s %s %.*s",
                   (int)evhttp_request_get_command(q), marked ? marked : "-", auth ? auth : "-",
                   (int)evbuffer_get_length(body), (char *)evbuffer_pullup(body, -1));
    if (strcmp(path, "/silent") == 0)
        return; /* never answered */
    if (strcmp(path, "/long") == 0)
        for (int i = 0; i < 3000; i++)
            (void)evbuffer_add(b, "0123456789", 10);
    else
        (void)evbuffer_add_printf(b, "hello");
    (void)evhttp_add_header(out, "Content-Type", "text/plain");
    (void)evhttp_add_header(out, "Cache-Control", "public, max-age=77");
    if (strcmp(path, "/busy") == 0)
        (void)evhttp_add_header(out, "Retry-After", "9");
    if (strcmp(path, "/moved") == 0)
        (void)evhttp_add_header(out, "Location", "/elsewhere");
    evhttp_send_reply(q, strcmp(path, "/busy") == 0    ? 503
                         : strcmp(path, "/moved") == 0 ? 302
                                                       : 200,
                      NULL, NULL);
}

static int setup(void **state)
{
    struct lab *l = mw_calloc(1, sizeof(*l));
    struct sockaddr_in at;
    socklen_t size = sizeof(at);
    assert_non_null(l);
    l->base = event_base_new();
    l->http = evhttp_new(l->base);
    evhttp_set_allowed_methods(l->http, UINT16_MAX);
    evhttp_set_gencb(l->http, answer, l);
    struct evhttp_bound_socket *s = evhttp_bind_socket_with_handle(l->http, "127.0.0.1", 0);
    assert_non_null(s);
    assert_int_equal(getsockname(evhttp_bound_socket_get_fd(s), (struct sockaddr *)&at, &size), 0);
    (void)snprintf(l->url, sizeof(l->url), "http://127.0.0.1:%u", ntohs(at.sin_port));
    const struct outbound_options o = { .base = l->base };
    assert_int_equal(outbound_create(&o, &l->out, &l->err), 0);
    *state = l;
    return 0;
}

static int teardown(void **state)
{
    struct lab *l = *state;
    outbound_destroy(l->out);
    evhttp_free(l->http);
    event_base_free(l->base);
    mw_free(l);
    return 0;
}

static void told(void *ctx, const struct outbound_answer *a)
{
    struct lab *l = ctx;
    l->last = *a;
    (void)snprintf(l->body, sizeof(l->body), "%s", a->body);
    (void)snprintf(l->type, sizeof(l->type), "%s", a->type);
    (void)snprintf(l->text, sizeof(l->text), "%s", a->text);
    if (++l->told == l->wanted)
        (void)event_base_loopbreak(l->base);
}

static void ask(struct lab *l, const char *path, const struct outbound_request *like)
{
    char url[128];
    struct outbound_request q = *like;
    (void)snprintf(url, sizeof(url), "%s%s", l->url, path);
    q.url = url;
    q.method = q.method != NULL ? q.method : "GET";
    assert_int_equal(outbound_ask(l->out, &q, told, l, &l->err), 0);
    l->wanted++;
}

static void hear(struct lab *l)
{
    assert_int_equal(event_base_dispatch(l->base), 0);
    assert_int_equal(l->told, l->wanted);
}

static void an_answer_comes_with_its_status_body_and_age(void **state)
{
    struct lab *l = *state;
    ask(l, "/", &(struct outbound_request){ 0 });
    hear(l);
    assert_int_equal(l->last.code, 0);
    assert_int_equal(l->last.status, 200);
    assert_string_equal(l->body, "hello");
    assert_string_equal(l->type, "text/plain");
    assert_int_equal(l->last.max_age_s, 77);
    assert_int_equal(l->last.retry_after_s, -1);
    assert_int_equal(outbound_waiting(l->out), 0);
}

static void a_post_carries_headers_body_and_who_asks(void **state)
{
    struct lab *l = *state;
    char seen[64];
    ask(l, "/busy", &(struct outbound_request){ .method = "POST", .body = "a=1", .size = 3,
                                                .headers = { "MW-Mark: x" }, .user = "u",
                                                .password = "p" });
    hear(l);
    assert_int_equal(l->last.status, 503);
    assert_int_equal(l->last.retry_after_s, 9);
    (void)snprintf(seen, sizeof(seen), "%d x Basic dTpw a=1", (int)EVHTTP_REQ_POST);
    assert_string_equal(l->seen, seen);
}

static void a_redirect_is_an_answer_and_not_followed(void **state)
{
    struct lab *l = *state;
    ask(l, "/moved", &(struct outbound_request){ 0 });
    hear(l);
    assert_int_equal(l->last.code, 0);
    assert_int_equal(l->last.status, 302);
}

static void too_long_an_answer_is_refused(void **state)
{
    struct lab *l = *state;
    ask(l, "/long", &(struct outbound_request){ .answer_max = 29999 });
    hear(l);
    assert_int_equal(l->last.code, MW_ELIMIT);
    ask(l, "/long", &(struct outbound_request){ .answer_max = 30000 });
    hear(l);
    assert_int_equal(l->last.code, 0);
    assert_int_equal(l->last.size, 30000);
}

static void a_silent_peer_and_no_peer_are_told_apart(void **state)
{
    struct lab *l = *state;
    ask(l, "/silent", &(struct outbound_request){ .timeout_ns = 50 * MW_NS_PER_MS });
    hear(l);
    assert_int_equal(l->last.code, MW_ETIMEOUT);
    const struct outbound_request q = { .method = "GET", .url = "http://127.0.0.1:1/" };
    assert_int_equal(outbound_ask(l->out, &q, told, l, &l->err), 0);
    l->wanted++;
    hear(l);
    assert_int_equal(l->last.code, MW_EUNREACHABLE);
    assert_true(l->text[0] != '\0');
}

static void many_requests_are_all_answered(void **state)
{
    struct lab *l = *state;
    for (int i = 0; i < 300; i++)
        ask(l, "/", &(struct outbound_request){ 0 });
    assert_int_equal(outbound_waiting(l->out), 300);
    hear(l);
    assert_int_equal(outbound_waiting(l->out), 0);
}

static void what_cannot_be_asked_is_refused_at_once(void **state)
{
    struct lab *l = *state;
    const struct outbound_request bad[] = {
        { .method = "BREW", .url = "http://127.0.0.1/" },
        { .method = "GET", .url = "file:///etc/passwd" },
        { .method = "GET", .url = "http://127.0.0.1/\r\nX: y" },
        { .method = "GET", .url = "http://127.0.0.1/", .headers = { "A: b\r\nC: d" } },
    };
    for (size_t i = 0; i < MW_ARRAY_LEN(bad); i++)
        assert_int_equal(outbound_ask(l->out, &bad[i], told, l, &l->err), MW_EINVAL);
    assert_int_equal(l->told, 0);
}

static void past_the_limit_nothing_more_is_taken(void **state)
{
    struct lab *l = *state;
    const struct outbound_request q = { .method = "GET", .url = l->url };
    for (uint32_t i = 0; i < OUTBOUND_WAITING_MAX; i++)
        assert_int_equal(outbound_ask(l->out, &q, told, l, &l->err), 0);
    assert_int_equal(outbound_ask(l->out, &q, told, l, &l->err), MW_ELIMIT);
    l->wanted = OUTBOUND_WAITING_MAX;
    outbound_destroy(l->out); /* the end tells all of them */
    l->out = NULL;
    assert_int_equal(l->told, OUTBOUND_WAITING_MAX);
    assert_int_equal(l->last.code, MW_EBUSY);
}

static void the_end_tells_those_under_way(void **state)
{
    struct lab *l = *state;
    for (int i = 0; i < 20; i++)
        ask(l, "/silent", &(struct outbound_request){ 0 });
    while (l->seen[0] == '\0') /* one has arrived */
        assert_int_equal(event_base_loop(l->base, EVLOOP_ONCE), 0);
    outbound_destroy(l->out);
    l->out = NULL;
    assert_int_equal(l->told, 20);
    assert_int_equal(l->last.code, MW_EBUSY);
}

static void who_is_gone_is_not_told(void **state)
{
    struct lab *l = *state;
    char other = 0;
    const struct outbound_request q = { .method = "GET", .url = l->url };
    assert_int_equal(outbound_ask(l->out, &q, told, &other, &l->err), 0);
    outbound_forget(l->out, &other); /* told() would take it for a lab */
    ask(l, "/", &(struct outbound_request){ 0 });
    hear(l);
    assert_int_equal(l->told, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(an_answer_comes_with_its_status_body_and_age),
        TEST(a_post_carries_headers_body_and_who_asks),
        TEST(a_redirect_is_an_answer_and_not_followed),
        TEST(too_long_an_answer_is_refused),
        TEST(a_silent_peer_and_no_peer_are_told_apart),
        TEST(many_requests_are_all_answered),
        TEST(what_cannot_be_asked_is_refused_at_once),
        TEST(past_the_limit_nothing_more_is_taken),
        TEST(who_is_gone_is_not_told),
        TEST(the_end_tells_those_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
