/*
 * What the client does with answers that a healthy daemon does not give on
 * demand: busy, broken off, not ours, refused.  One canned answer a connection,
 * from a thread on a socket of its own.  (The real daemon: daemon_test.c.)
 */
#include "cli/daemon_client.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/units.h"

#define ANSWERS_MAX 8u
#define OK_JSON "HTTP/1.1 200 OK\r\nContent-Length: 13\r\nConnection: close\r\n\r\n{\"good\":true}"
#define BUSY "HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 36\r\n"                     \
             "Connection: close\r\n\r\n{\"code\":\"MW_ELIMIT\",\"detail\":\"busy\"}"

struct canned {
    char folder[32], path[64];
    int fd;
    pthread_t thread;
    const char *answer[ANSWERS_MAX];
    uint32_t answers, asked;
    char request[ANSWERS_MAX][2048]; /* as they came */
};

static void *serve(void *ctx)
{
    struct canned *c = ctx;
    for (uint32_t i = 0; i < c->answers; i++) {
        int fd = accept(c->fd, NULL, NULL);
        if (fd < 0)
            return NULL;
        ssize_t n = recv(fd, c->request[i], sizeof(c->request[i]) - 1, 0);
        c->asked += n > 0;
        if (n > 0)
            (void)!send(fd, c->answer[i], strlen(c->answer[i]), MSG_NOSIGNAL);
        (void)close(fd);
    }
    return NULL;
}

static void begin(struct canned *c)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    (void)snprintf(c->folder, sizeof(c->folder), "/tmp/mw-canned-XXXXXX");
    assert_non_null(mkdtemp(c->folder));
    (void)snprintf(c->path, sizeof(c->path), "%s/s", c->folder);
    memcpy(at.sun_path, c->path, strlen(c->path) + 1);
    c->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(c->fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(c->fd, 8), 0);
    assert_int_equal(pthread_create(&c->thread, NULL, serve, c), 0);
}

static void end(struct canned *c)
{
    (void)shutdown(c->fd, SHUT_RDWR);
    assert_int_equal(pthread_join(c->thread, NULL), 0);
    (void)close(c->fd);
    (void)unlink(c->path);
    (void)rmdir(c->folder);
}

/* Asks once; gives the status and its words. */
static int ask(struct canned *c, const json_t *body, struct mw_error *err)
{
    const struct daemon_where w = { .socket = c->path };
    const struct daemon_call call = { .path = "/api/v1/x", .body = body };
    struct daemon *d = NULL;
    json_t *o = NULL;
    begin(c);
    assert_int_equal(daemon_open(&w, &d, err), 0);
    int rc = daemon_ask(d, &call, &o, err);
    assert_true(rc < 0 || json_is_true(json_object_get(o, "good")));
    json_decref(o);
    daemon_close(d);
    end(c);
    return rc;
}

static void a_busy_daemon_is_asked_again_and_a_write_is_not(void **state)
{
    struct mw_error err = { 0 };
    struct canned reads = { .answer = { BUSY, OK_JSON }, .answers = 2 };
    struct canned writes = { .answer = { BUSY, OK_JSON }, .answers = 2 };
    json_t *body = json_pack("{s:i}", "a", 1);
    (void)state;
    assert_int_equal(ask(&reads, NULL, &err), 0);
    assert_int_equal(reads.asked, 2);
    assert_int_equal(ask(&writes, body, &err), MW_ELIMIT);
    assert_int_equal(writes.asked, 1);
    assert_non_null(strstr(writes.request[0], "Idempotency-Key: "));
    assert_null(strstr(reads.request[0], "Idempotency-Key: "));
    json_decref(body);
}

static void a_problem_comes_with_its_hint_and_the_code_that_it_names(void **state)
{
    static const struct {
        const char *answer;
        int code;
        const char *words;
    } said[] = {
        { "HTTP/1.1 404 No\r\nConnection: close\r\n\r\n{\"code\":\"MW_ENOTFOUND\","
          "\"detail\":\"no n9\",\"hint\":\"mw get nodes\"}", MW_ENOTFOUND, "no n9 (mw get nodes)" },
        { "HTTP/1.1 409 No\r\nConnection: close\r\n\r\n{\"detail\":\"over\"}", MW_ECONFLICT,
          "over" },
        { "HTTP/1.1 401 No\r\nConnection: close\r\n\r\n{\"detail\":\"who?\"}", MW_EDENIED, "who?" },
        { "HTTP/1.1 504 No\r\nConnection: close\r\n\r\n{}", MW_ETIMEOUT, "did not say why" },
        { "HTTP/1.1 500 No\r\nConnection: close\r\n\r\n<html>", MW_ESYNTAX, "no daemon of" },
        { "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n[1]", MW_ESYNTAX, "no daemon of" },
        { "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", MW_EUNREACHABLE, "broke off" },
    };
    (void)state;
    for (size_t i = 0; i < MW_ARRAY_LEN(said); i++) {
        struct mw_error err = { 0 };
        struct canned c = { .answer = { said[i].answer }, .answers = 1 };
        int rc = ask(&c, NULL, &err);
        if (rc != said[i].code || strstr(err.text, said[i].words) == NULL)
            fail_msg("%s\ngives %d: %s", said[i].answer, rc, err.text);
    }
}

struct heard {
    uint32_t events;
    char last[SSE_NAME_MAX], data[64];
};

static bool hear(void *ctx, const struct sse_event *ev)
{
    struct heard *h = ctx;
    h->events++;
    (void)snprintf(h->last, sizeof(h->last), "%s", ev->id);
    (void)snprintf(h->data, sizeof(h->data), "%s", ev->data);
    return h->events < 2;
}

static int listen_to(const char *answer, const char *after, struct heard *h, struct mw_error *err)
{
    struct canned c = { .answer = { answer }, .answers = 1 };
    struct daemon *d = NULL;
    begin(&c);
    const struct daemon_where w = { .socket = c.path };
    assert_int_equal(daemon_open(&w, &d, err), 0);
    int rc = daemon_stream(d, "/api/v1/stream", after, hear, h, err);
    daemon_close(d);
    end(&c);
    if (after[0] != '\0')
        assert_non_null(strstr(c.request[0], "Last-Event-ID: 4\r\n"));
    return rc;
}

static void a_stream_is_read_until_it_is_enough_or_breaks_or_is_too_old(void **state)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                               "Connection: close\r\n\r\n";
    char answer[512];
    struct mw_error err = { 0 };
    struct heard h = { 0 };
    (void)state;
    (void)snprintf(answer, sizeof(answer), "%sid: 5\ndata: one\n\n:note\nid: 6\ndata: two\n"
                   "data: lines\n\nid: 7\ndata: x\n\n", head);
    assert_int_equal(listen_to(answer, "4", &h, &err), 0);
    assert_int_equal(h.events, 2);
    assert_string_equal(h.last, "6");
    assert_string_equal(h.data, "two\nlines");
    h = (struct heard){ 0 };
    (void)snprintf(answer, sizeof(answer), "%sid: 5\ndata: one\n\n", head);
    assert_int_equal(listen_to(answer, "", &h, &err), MW_EUNREACHABLE);
    assert_int_equal(h.events, 1);
    assert_int_equal(listen_to("HTTP/1.1 410 Gone\r\nConnection: close\r\n\r\n{}", "4", &h, &err),
                     MW_ENOTFOUND);
}

static void values_of_a_query_are_encoded(void **state)
{
    struct text t = { 0 };
    (void)state;
    text_add(&t, "/x");
    daemon_query_add(&t, "filter", "a=\"b c\"&d%");
    daemon_query_add(&t, "sort", "-lost_uusd,name");
    assert_string_equal(text_string(&t), "/x?filter=a%3D%22b%20c%22%26d%25&sort=-lost_uusd,name");
    text_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_busy_daemon_is_asked_again_and_a_write_is_not),
        cmocka_unit_test(a_problem_comes_with_its_hint_and_the_code_that_it_names),
        cmocka_unit_test(a_stream_is_read_until_it_is_enough_or_breaks_or_is_too_old),
        cmocka_unit_test(values_of_a_query_are_encoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
