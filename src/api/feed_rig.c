/* The bench of feed_rig.h. */
#include "api/feed_rig.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "fleet/site.h"
#include "store/journal_sqlite.h"
#include "store/store_testing.h"

/* ---- the site ------------------------------------------------------------------------------- */

struct feed_rig *feed_rig_make(uint32_t nodes)
{
    struct feed_rig *f = calloc(1, sizeof(*f));
    struct control_policy p = rig_policy();
    struct journal *j = NULL;
    struct mw_error err = { 0 };
    assert_non_null(f);
    testing_dir(f->dir);
    (void)snprintf(f->journal, sizeof(f->journal), "%s/journal", f->dir);
    (void)snprintf(f->socket, sizeof(f->socket), "%s/s", f->dir);
    assert_int_equal(mkdir(f->journal, 0700), 0);
    assert_int_equal(site_simple(nodes, &f->fleet, &err), 0);
    assert_int_equal(journal_sqlite_open(f->journal, NULL, &j, &err), 0);
    f->rig = rig_make_on(f->fleet, &p, j, false);
    return f;
}

void feed_rig_serve(struct feed_rig *f)
{
    struct mw_error err = { 0 };
    assert_int_equal(asks_create(&f->asks, &err), 0);
    const struct api_server_options o = { .journal = f->journal, .socket = f->socket,
                                          .asks = f->asks, .scenario = f->scenario,
                                          .access_file = f->access[0] ? f->access : NULL };
    if (api_server_start(&o, &f->server, &err) < 0)
        fail_msg("%s", err.text);
    feed_rig_tell(f);
}

void feed_rig_stop(struct feed_rig *f)
{
    if (f->asks)
        asks_close(f->asks);
    api_server_stop(f->server);
    asks_destroy(f->asks);
    f->server = NULL;
    f->asks = NULL;
}

void feed_rig_free(struct feed_rig *f)
{
    feed_rig_stop(f);
    rig_free(f->rig);
    fleet_destroy(f->fleet);
    testing_dir_remove(f->journal);
    testing_dir_remove(f->dir);
    free(f);
}

static void pause_ms(long ms)
{
    const struct timespec t = { .tv_nsec = ms * 1000000 };
    (void)nanosleep(&t, NULL);
}

void feed_rig_tell(struct feed_rig *f)
{
    uint64_t seq = core_seq(f->rig->control->core);
    asks_committed(f->asks, seq, f->rig->now_ns);
    for (uint32_t i = 0; i < FEED_WAIT_S * 100; i++) {
        struct feed_answer a;
        feed_ask(f, "GET", "/api/v1/summary", "", "", &a);
        json_t *o = a.status == 200 ? json_loads(text_string(&a.body), 0, NULL) : NULL;
        uint64_t revision = (uint64_t)json_integer_value(json_object_get(o, "revision"));
        json_decref(o);
        text_fini(&a.body);
        if (revision >= seq)
            return;
        pause_ms(10);
    }
    fail_msg("the server never came to event %llu", (unsigned long long)seq);
}

/* ---- questions ------------------------------------------------------------------------------ */

static int connect_to(const struct feed_rig *f)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0 && strlen(f->socket) < sizeof(at.sun_path));
    memcpy(at.sun_path, f->socket, strlen(f->socket));
    if (connect(fd, (const struct sockaddr *)&at, sizeof(at)) != 0)
        fail_msg("connect to %s: %s", f->socket, strerror(errno));
    return fd;
}

static void send_all(int fd, const char *s)
{
    size_t n = strlen(s);
    for (size_t at = 0; at < n;) {
        ssize_t sent = send(fd, s + at, n - at, MSG_NOSIGNAL);
        assert_true(sent > 0);
        at += (size_t)sent;
    }
}

/* What there is, or waits for more; false at the end. */
static bool receive(int fd, struct text *t)
{
    char buf[65536];
    struct pollfd p = { .fd = fd, .events = POLLIN };
    if (poll(&p, 1, FEED_WAIT_S * 1000) != 1)
        fail_msg("nothing came for %d s", FEED_WAIT_S);
    ssize_t n = recv(fd, buf, sizeof(buf), 0);
    assert_true(n >= 0);
    text_add_n(t, buf, (size_t)n);
    return n > 0;
}

void feed_ask(struct feed_rig *f, const char *method, const char *path, const char *headers,
              const char *body, struct feed_answer *ret)
{
    struct text ask = { 0 }, all = { 0 };
    int fd = connect_to(f);
    *ret = (struct feed_answer){ 0 };
    text_addf(&ask, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s", method, path,
              headers);
    if (*body)
        text_addf(&ask, "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(body));
    text_addf(&ask, "\r\n%s", body);
    send_all(fd, text_string(&ask));
    while (receive(fd, &all)) {
    }
    (void)close(fd);
    text_fini(&ask);
    const char *end = strstr(text_string(&all), "\r\n\r\n");
    if (!end || sscanf(text_string(&all), "HTTP/1.1 %d", &ret->status) != 1)
        fail_msg("%s %s: no answer: %.200s", method, path, text_string(&all));
    (void)snprintf(ret->head, sizeof(ret->head), "%.*s", (int)(end - all.data), all.data);
    text_add_n(&ret->body, end + 4, all.length - (size_t)(end + 4 - all.data));
    text_fini(&all);
}

json_t *feed_get(struct feed_rig *f, const char *path)
{
    struct feed_answer a;
    feed_ask(f, "GET", path, "", "", &a);
    if (a.status != 200)
        fail_msg("%s: %d: %.300s", path, a.status, text_string(&a.body));
    json_error_t at;
    json_t *o = json_loads(text_string(&a.body), 0, &at);
    if (!o)
        fail_msg("%s: no JSON: %s near %.80s", path, at.text,
                 text_string(&a.body) + (at.position > 40 ? at.position - 40 : 0));
    text_fini(&a.body);
    return o;
}

/* ---- streams -------------------------------------------------------------------------------- */

void feed_stream_open(struct feed_rig *f, const char *path, const char *headers,
                      struct feed_stream *ret)
{
    struct text ask = { 0 };
    *ret = (struct feed_stream){ .fd = connect_to(f) };
    text_addf(&ask, "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", path, headers);
    send_all(ret->fd, text_string(&ask));
    text_fini(&ask);
    const char *end = NULL;
    while (!end && receive(ret->fd, &ret->raw))
        end = strstr(text_string(&ret->raw), "\r\n\r\n");
    if (!end || strncmp(text_string(&ret->raw), "HTTP/1.1 200", 12) != 0)
        fail_msg("%s: %.300s", path, text_string(&ret->raw));
    assert_non_null(strstr(text_string(&ret->raw), "text/event-stream"));
    ret->at = (size_t)(end + 4 - ret->raw.data);
}

/* Whole chunks of what came are added to the text. */
static void decode(struct feed_stream *s)
{
    for (;;) {
        const char *from = s->raw.data + s->at;
        const char *line = memmem(from, s->raw.length - s->at, "\r\n", 2);
        if (!line)
            return;
        size_t size = strtoul(from, NULL, 16), head = (size_t)(line + 2 - from);
        if (s->at + head + size + 2 > s->raw.length)
            return;
        text_add_n(&s->text, line + 2, size);
        s->at += head + size + 2;
    }
}

/* A little at a time: sanitizers look at all that a search may touch. */
static const char *find(const struct feed_stream *s, size_t from, const char *words)
{
    size_t size = strlen(words), window = 1024 + size;
    for (; from < s->text.length; from += 1024) {
        size_t n = MW_MIN(window, s->text.length - from);
        const char *at = memmem(s->text.data + from, n, words, size);
        if (at)
            return at;
    }
    return NULL;
}

void feed_stream_wait(struct feed_stream *s, const char *words)
{
    const char *found;
    decode(s);
    while ((found = find(s, s->seen, words)) == NULL) {
        s->seen = MW_MAX(s->seen, s->text.length - MW_MIN(s->text.length, strlen(words)));
        if (!receive(s->fd, &s->raw))
            fail_msg("the stream ended before \"%s\"", words);
        decode(s);
    }
    s->seen = (size_t)(found - s->text.data);
}

void feed_stream_sip(struct feed_stream *s, size_t bytes)
{
    char buf[4096];
    for (size_t taken = 0; taken < bytes;) {
        ssize_t n = recv(s->fd, buf, MW_MIN(sizeof(buf), bytes - taken), MSG_DONTWAIT);
        if (n <= 0)
            return;
        text_add_n(&s->raw, buf, (size_t)n);
        taken += (size_t)n;
    }
}

const char *feed_stream_next(const struct feed_stream *s, const char *after, const char *words)
{
    return find(s, after ? (size_t)(after - s->text.data) + 1 : 0, words);
}

uint32_t feed_stream_count(const struct feed_stream *s, const char *words)
{
    uint32_t n = 0;
    for (const char *at = NULL; (at = feed_stream_next(s, at, words)) != NULL;)
        n++;
    return n;
}

void feed_stream_close(struct feed_stream *s)
{
    (void)close(s->fd);
    text_fini(&s->raw);
    text_fini(&s->text);
}
