/* The scene and its client.  See server_testing.h. */
#include "api/server_testing.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
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
#include "store/store_testing.h"

/* ---- the writer ------------------------------------------------------------------------------ */

static int on_command(void *ctx, uint32_t actor, const struct api_command *c, uint64_t *ret_seq,
                      struct mw_error *err)
{
    struct scene *s = ctx;
    s->writer->now_ns += MW_NS_PER_S;
    return api_act(&s->writer->port, s->writer->now_ns, actor, c, ret_seq, err);
}

static const struct control *on_control(void *ctx)
{
    const struct scene *s = ctx;
    return live_control(s->writer->live);
}

static json_t *on_status(void *ctx, struct mw_error *err)
{
    struct scene *s = ctx;
    (void)err;
    return json_pack("{s:s, s:I, s:[{s:s, s:s}], s:[{s:s}]}", "site", "scene", "seq",
                     (json_int_t)s->writer->journal->head.seq, "nodes_not_ready", "node",
                     name(s->writer, 3), "health", "down", "halls", "hall", "h01");
}

static void *write_all(void *ctx)
{
    struct scene *s = ctx;
    const struct api_writer port = { .ctx = s, .command = on_command, .control = on_control,
                                     .status = on_status };
    while (!atomic_load(&s->stop)) {
        struct pollfd p = { .fd = asks_fd(s->asks), .events = POLLIN };
        if (poll(&p, 1, 20) == 1 && !atomic_load(&s->hold))
            asks_answer(s->asks, &port);
        asks_committed(s->asks, s->writer->journal->head.seq, s->writer->now_ns);
    }
    asks_close(s->asks);
    return NULL;
}

/* ---- the scene ------------------------------------------------------------------------------- */

struct scene *scene_make(void)
{
    struct scene *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    testing_dir(s->dir);
    (void)snprintf(s->socket, sizeof(s->socket), "%s/mw.sock", s->dir);
    s->writer = bench_make_in(MODE_ACT, s->dir, 0);
    assert_int_equal(asks_create(&s->asks, NULL), 0);
    s->options = (struct api_server_options){ .journal = s->dir, .socket = s->socket,
                                              .listen = "127.0.0.1:0", .asks = s->asks };
    return s;
}

void scene_start(struct scene *s)
{
    struct mw_error err = { 0 };
    if (api_server_start(&s->options, &s->server, &err) < 0)
        fail_msg("%s", err.text);
    const char *host = strstr(api_server_url(s->server), "//");
    if (host != NULL)
        (void)snprintf(s->host, sizeof(s->host), "%.*s", (int)strcspn(host + 2, "/"), host + 2);
    assert_int_equal(pthread_create(&s->thread, NULL, write_all, s), 0);
}

void scene_stop(struct scene *s)
{
    if (s->server == NULL)
        return;
    atomic_store(&s->stop, true);
    assert_int_equal(pthread_join(s->thread, NULL), 0);
    api_server_stop(TAKE(s->server));
}

void scene_free(struct scene *s)
{
    scene_stop(s);
    asks_destroy(s->asks);
    bench_free(s->writer);
    testing_dir_remove(s->dir);
    free(s);
}

/* ---- the client ------------------------------------------------------------------------------ */

void answer_fini(struct answer *a)
{
    free(a->body);
    *a = (struct answer){ 0 };
}

const char *answer_header(struct answer *a, const char *name)
{
    size_t n = strlen(name);
    a->value[0] = '\0';
    for (const char *line = strstr(a->head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, n) != 0 || line[n] != ':')
            continue;
        line += n + 1 + strspn(line + n + 1, " ");
        (void)snprintf(a->value, sizeof(a->value), "%.*s", (int)strcspn(line, "\r"), line);
        break;
    }
    return a->value;
}

int dial_unix(const struct scene *s)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    (void)snprintf(to.sun_path, sizeof(to.sun_path), "%.100s", s->socket);
    assert_int_equal(connect(fd, (struct sockaddr *)(void *)&to, sizeof(to)), 0);
    return fd;
}

int dial_tcp(const struct scene *s)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    const char *port = strrchr(s->host, ':');
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0 && port != NULL);
    to.sin_port = htons((uint16_t)strtoul(port + 1, NULL, 10));
    assert_int_equal(connect(fd, (struct sockaddr *)(void *)&to, sizeof(to)), 0);
    return fd;
}

void say(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t n = send(fd, text, size, MSG_NOSIGNAL);
        if (n <= 0)
            return; /* the server has closed: what it says is what counts */
        text += n;
        size -= (size_t)n;
    }
}

void say_text(int fd, const char *text)
{
    say(fd, text, strlen(text));
}

static bool take(int fd, char *to, size_t size)
{
    while (size > 0) {
        ssize_t n = recv(fd, to, size, 0);
        if (n <= 0)
            return false;
        to += n;
        size -= (size_t)n;
    }
    return true;
}

static bool hear_head(int fd, struct answer *ret)
{
    size_t n = 0;
    while (n + 1 < sizeof(ret->head) && take(fd, ret->head + n, 1)) {
        n++;
        ret->head[n] = '\0';
        if (n >= 4 && memcmp(ret->head + n - 4, "\r\n\r\n", 4) == 0)
            return true;
    }
    return false;
}

void hear(int fd, bool head_only, struct answer *ret)
{
    *ret = (struct answer){ 0 };
    if (!hear_head(fd, ret))
        return;
    assert_int_equal(strncmp(ret->head, "HTTP/1.1 ", 9), 0);
    ret->size = strtoul(answer_header(ret, "Content-Length"), NULL, 10);
    ret->body = calloc(1, ret->size + 1);
    if (!head_only && !take(fd, ret->body, ret->size))
        fail_msg("the body of %zu bytes is not whole", ret->size);
    ret->status = (int)strtol(ret->head + 9, NULL, 10);
}

void ask(const struct scene *s, bool over_unix, const char *what, const char *headers,
         const char *body, struct answer *ret)
{
    int fd = over_unix ? dial_unix(s) : dial_tcp(s);
    size_t size = strlen(headers) + (body ? strlen(body) : 0) + 1024;
    char *text = calloc(1, size), length[64] = "";
    if (body != NULL)
        (void)snprintf(length, sizeof(length), "Content-Length: %zu\r\n", strlen(body));
    bool host = strstr(headers, "Host:") != NULL;
    int n = snprintf(text, size, "%s HTTP/1.1\r\n%s%s%s%s%s\r\n%s", what, host ? "" : "Host: ",
                     host ? "" : over_unix ? "mw" : s->host, host ? "" : "\r\n", headers, length,
                     body ? body : "");
    say(fd, text, (size_t)n);
    free(text);
    hear(fd, strncmp(what, "HEAD ", 5) == 0, ret);
    assert_int_equal(close(fd), 0);
}

bool ends(int fd)
{
    char some[4096];
    ssize_t n;
    while ((n = recv(fd, some, sizeof(some), 0)) > 0)
        continue;
    return n == 0 || errno == ECONNRESET;
}
