/*
 * A non-blocking TCP client.  Names are resolved at each try, which may block
 * for the resolver's time: only while there is no daemon to beat to.
 */
#include "agent/uplink.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define USER_TIMEOUT_MS 5000 /* bytes that nobody acknowledges for so long end the connection */

int uplink_init(struct uplink *u, const char *host, const char *port,
                const struct agent_frame *hello, struct mw_error *err)
{
    must(hello->verb == AGENT_HELLO);
    *u = (struct uplink){ .host = host, .port = port, .hello = *hello, .fd = -1,
                          .delay_ms = UPLINK_RETRY_MS_MIN };
    u->queue = calloc(1, UPLINK_QUEUE_BYTES);
    return u->queue != NULL ? 0 : mw_fail(err, MW_ENOMEM, "out of memory");
}

void uplink_fini(struct uplink *u)
{
    if (u->fd >= 0)
        (void)close(u->fd);
    free(u->queue);
    *u = (struct uplink){ .fd = -1 };
}

static void tell(struct uplink *u, const char *what)
{
    if (strncmp(u->trouble, what, sizeof(u->trouble) - 1) == 0)
        return;
    (void)snprintf(u->trouble, sizeof(u->trouble), "%s", what);
    (void)fprintf(stderr, "mw-agent: %s:%s: %s\n", u->host, u->port, what);
}

/* Half to all of a delay that doubles: agents that lost one daemon do not come back as one. */
static void down(struct uplink *u, int64_t now_ms, const char *why)
{
    uint32_t random = 0;
    tell(u, why);
    if (u->fd >= 0)
        (void)close(u->fd);
    u->fd = -1;
    u->state = UPLINK_DOWN;
    u->wants_write = false;
    u->in_length = 0;
    u->done = 0; /* a line that went out in part goes out whole */
    if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
        random = (uint32_t)now_ms * 2654435761u;
    u->due_ms = now_ms + u->delay_ms / 2 + random % (u->delay_ms / 2 + 1);
    u->delay_ms = MW_MIN(u->delay_ms * 2, (uint32_t)UPLINK_RETRY_MS_MAX);
}

static void set_options(int fd)
{
    const int on = 1, timeout_ms = USER_TIMEOUT_MS;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof(timeout_ms));
}

/* Sends hello; a fresh connection has room for it. */
static void greet(struct uplink *u, int64_t now_ms)
{
    char line[AGENT_FRAME_MAX + 1];
    size_t n = agent_frame_write(&u->hello, line, sizeof(line));
    must(n > 0);
    if (send(u->fd, line, n, MSG_NOSIGNAL) != (ssize_t)n) {
        down(u, now_ms, "the connection broke at once");
        return;
    }
    u->state = UPLINK_GREETING;
    u->wants_write = false;
    u->due_ms = now_ms + UPLINK_WELCOME_MS;
}

static void connect_now(struct uplink *u, int64_t now_ms)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
    struct addrinfo *list = NULL;
    int rc = getaddrinfo(u->host, u->port, &hints, &list);
    if (rc != 0) {
        down(u, now_ms, gai_strerror(rc));
        return;
    }
    u->fd = socket(list->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (u->fd >= 0) {
        u->sockets++;
        set_options(u->fd);
        rc = connect(u->fd, list->ai_addr, list->ai_addrlen);
    }
    int why = errno;
    freeaddrinfo(list);
    if (u->fd < 0 || (rc != 0 && why != EINPROGRESS)) {
        down(u, now_ms, strerror(why));
        return;
    }
    u->state = UPLINK_CONNECTING;
    u->wants_write = true;
    u->due_ms = now_ms + UPLINK_WELCOME_MS;
    if (rc == 0)
        greet(u, now_ms);
}

void uplink_tick(struct uplink *u, int64_t now_ms)
{
    if (u->state == UPLINK_UP || now_ms < u->due_ms)
        return;
    if (u->state == UPLINK_DOWN)
        connect_now(u, now_ms);
    else
        down(u, now_ms, u->state == UPLINK_CONNECTING ? "no answer"
                                                       : "it does not welcome us: not mw serve?");
}

/* ---- the queue ----------------------------------------------------------------------------- */

/* Lines that are whole with the kernel leave the queue. */
static void settle(struct uplink *u)
{
    const char *last = u->done > 0 ? memrchr(u->queue, '\n', u->done) : NULL;
    if (last == NULL)
        return;
    size_t whole = (size_t)(last - u->queue) + 1;
    memmove(u->queue, u->queue + whole, u->queued - whole);
    u->queued -= whole;
    u->done -= whole;
}

static void flush(struct uplink *u, int64_t now_ms)
{
    if (u->state != UPLINK_UP)
        return;
    while (u->done < u->queued) {
        ssize_t n = send(u->fd, u->queue + u->done, u->queued - u->done, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN) {
            const char *why = strerror(errno);
            settle(u);
            down(u, now_ms, why);
            return;
        }
        if (n < 0)
            break;
        u->done += (size_t)n;
    }
    settle(u);
    u->wants_write = u->queued > u->done;
}

static bool queue_line(struct uplink *u, const struct agent_frame *f)
{
    char line[AGENT_FRAME_MAX + 1];
    size_t n = agent_frame_write(f, line, sizeof(line));
    if (n == 0 || n > UPLINK_QUEUE_BYTES - u->queued)
        return false;
    memcpy(u->queue + u->queued, line, n);
    u->queued += n;
    return true;
}

void uplink_event(struct uplink *u, int64_t now_ms, const struct agent_frame *f)
{
    u->dropped += !queue_line(u, f); /* the first keep their place: causes come before effects */
    flush(u, now_ms);
}

void uplink_level(struct uplink *u, int64_t now_ms, const struct agent_frame *f)
{
    if (u->state == UPLINK_UP)
        uplink_event(u, now_ms, f);
}

void uplink_beat(struct uplink *u, int64_t now_ms, const struct agent_frame *f)
{
    if (u->state != UPLINK_UP || u->queued > 0)
        return;
    (void)queue_line(u, f);
    flush(u, now_ms);
}

/* ---- reading ------------------------------------------------------------------------------- */

static void welcomed(struct uplink *u, int64_t now_ms)
{
    u->state = UPLINK_UP;
    u->delay_ms = UPLINK_RETRY_MS_MIN;
    tell(u, "connected");
    if (u->dropped > u->dropped_told)
        (void)fprintf(stderr, "mw-agent: %llu events were dropped while the daemon was away\n",
                      (unsigned long long)(u->dropped - u->dropped_told));
    u->dropped_told = u->dropped;
    flush(u, now_ms);
}

static void take_line(struct uplink *u, int64_t now_ms, size_t length, uplink_take_fn *take,
                      void *ctx)
{
    struct agent_frame f;
    struct mw_error err = { 0 };
    char why[sizeof(u->trouble)];
    if (agent_frame_read(u->in, length, &f, &err) < 0) {
        (void)snprintf(why, sizeof(why), "not our daemon: %.120s", err.text);
        down(u, now_ms, why);
        return;
    }
    if (f.verb == AGENT_REFUSE) {
        (void)snprintf(why, sizeof(why), "refuses us: %.120s", f.text);
        down(u, now_ms, why);
        u->due_ms = now_ms + UPLINK_REFUSED_MS;
    } else if (f.verb == AGENT_WELCOME && u->state == UPLINK_GREETING) {
        welcomed(u, now_ms);
        take(ctx, &f);
    } else if (u->state == UPLINK_UP) {
        take(ctx, &f);
    }
}

static void read_lines(struct uplink *u, int64_t now_ms, uplink_take_fn *take, void *ctx)
{
    ssize_t n = recv(u->fd, u->in + u->in_length, sizeof(u->in) - u->in_length, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        down(u, now_ms, n == 0 ? "the daemon closed the connection" : strerror(errno));
        return;
    }
    u->in_length += (size_t)n;
    while (u->fd >= 0) {
        const char *end = memchr(u->in, '\n', u->in_length);
        if (end == NULL)
            break;
        size_t length = (size_t)(end - u->in);
        take_line(u, now_ms, length, take, ctx);
        if (u->fd < 0)
            return; /* what was read with it is of no use any more */
        memmove(u->in, u->in + length + 1, u->in_length - length - 1);
        u->in_length -= length + 1;
    }
    if (u->fd >= 0 && u->in_length == sizeof(u->in))
        down(u, now_ms, "not our daemon: a line without an end");
}

void uplink_ready(struct uplink *u, int64_t now_ms, bool readable, uplink_take_fn *take, void *ctx)
{
    int why = 0;
    socklen_t size = sizeof(why);
    if (u->fd < 0)
        return;
    if (u->state == UPLINK_CONNECTING) {
        if (getsockopt(u->fd, SOL_SOCKET, SO_ERROR, &why, &size) != 0 || why != 0)
            down(u, now_ms, strerror(why));
        else
            greet(u, now_ms);
        return;
    }
    if (readable)
        read_lines(u, now_ms, take, ctx);
    if (u->wants_write)
        flush(u, now_ms);
}

void uplink_bye(struct uplink *u, int64_t now_ms)
{
    const struct agent_frame bye = { .verb = AGENT_BYE };
    struct pollfd p = { .fd = u->fd, .events = POLLOUT };
    if (u->state != UPLINK_UP)
        return;
    uplink_event(u, now_ms, &bye);
    if (u->wants_write && poll(&p, 1, 200) > 0)
        flush(u, now_ms);
    if (u->fd >= 0)
        (void)shutdown(u->fd, SHUT_WR);
}
