/* Sockets, streams, counting. */
#include "agent/check_net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/check_parse.h"
#include "agent/check_tools.h"
#include "base/parse.h"

#define DATA_BYTES ((size_t)256 << 10)
#define LIFE_AFTER_MS 10000
#define PATIENCE_MS 6000

/* One connection, on a thread of its own: both ends use it. */
struct stream {
    const struct net_pair *p;
    int fd;
    int64_t due_ms;       /* the thread ends */
    uint64_t bytes;
    int64_t took_ns;
    bool ok;
    pthread_t thread;
};

static void limit_waits(int fd, int64_t ms)
{
    struct timeval t = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
}

static bool read_whole(int fd, char *to, size_t size)
{
    size_t at = 0;
    while (at < size) {
        ssize_t n = recv(fd, to + at, size - at, 0);
        if (n <= 0)
            return false;
        at += (size_t)n;
    }
    return true;
}

/* ---- serving -------------------------------------------------------------------------------- */

static bool key_is_right(const struct net_pair *p, int fd)
{
    char shown[NET_KEY_MAX], right[NET_KEY_MAX] = "";
    unsigned char differ = 0;
    (void)snprintf(right, sizeof(right), "%s", p->key);
    if (!read_whole(fd, shown, sizeof(shown)))
        return false;
    for (size_t i = 0; i < sizeof(shown); i++)
        differ |= (unsigned char)(shown[i] ^ right[i]);
    return differ == 0;
}

static void *receive(void *arg)
{
    struct stream *s = arg;
    char answer[64], *data = malloc(DATA_BYTES);
    int64_t from = check_clock_ns();
    ssize_t n = 0;
    while (data != NULL && check_clock_ms() < s->due_ms &&
           (n = recv(s->fd, data, DATA_BYTES, 0)) > 0) {
        if (s->bytes == 0)
            from = check_clock_ns();
        s->bytes += (uint64_t)n;
    }
    s->took_ns = check_clock_ns() - from;
    int length = snprintf(answer, sizeof(answer), "%llu %lld\n", (unsigned long long)s->bytes,
                          (long long)s->took_ns);
    s->ok = data != NULL && n == 0 && send(s->fd, answer, (size_t)length, MSG_NOSIGNAL) == length;
    free(data);
    return NULL;
}

static int listen_at(const struct net_pair *p, struct mw_error *err)
{
    struct addrinfo want = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV };
    struct addrinfo *found = NULL;
    const char *address = p->address[0] != '\0' ? p->address : NULL;
    int yes = 1, rc = getaddrinfo(address, p->port, &want, &found);
    if (rc != 0)
        return mw_fail(err, MW_EINVAL, "%.80s:%.8s: %s", p->address, p->port, gai_strerror(rc));
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (fd < 0 || bind(fd, found->ai_addr, found->ai_addrlen) != 0 ||
        listen(fd, NET_STREAMS_MAX) != 0) {
        rc = mw_fail(err, MW_EIO, "%.80s:%.8s: %s", p->address, p->port, strerror(errno));
        if (fd >= 0)
            (void)close(fd);
        fd = rc;
    }
    freeaddrinfo(found);
    return fd;
}

static uint32_t port_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } a = { .any = { 0 } };
    socklen_t length = sizeof(a);
    if (getsockname(fd, &a.any, &length) != 0)
        return 0;
    return ntohs(a.any.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
}

/* Takes connections that show the key until there are enough or the time is over. */
static uint32_t take_streams(const struct net_pair *p, int fd, int64_t due_ms, struct stream *s)
{
    uint32_t n = 0;
    while (n < p->streams && check_clock_ms() < due_ms) {
        struct pollfd wait = { .fd = fd, .events = POLLIN };
        if (poll(&wait, 1, (int)MW_MIN(due_ms - check_clock_ms(), 60000)) <= 0)
            continue;
        int one = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
        if (one < 0)
            continue;
        limit_waits(one, 2000);
        if (!key_is_right(p, one)) {
            (void)close(one);
            continue;
        }
        limit_waits(one, MW_MAX(due_ms - check_clock_ms(), 1));
        s[n] = (struct stream){ .p = p, .fd = one, .due_ms = due_ms };
        if (pthread_create(&s[n].thread, NULL, receive, &s[n]) == 0)
            n++;
        else
            (void)close(one);
    }
    return n;
}

static int serve_rdma(const struct net_pair *p, struct mw_error *err)
{
    char seconds[24];
    (void)snprintf(seconds, sizeof(seconds), "%lld", (long long)(p->length_ms + 999) / 1000);
    const char *const argv[] = { "ib_write_bw", "-d", p->rdma, "-p", p->port, "-D", seconds,
                                 "--report_gbits", NULL };
    struct tool t = { .argv = argv, .output = calloc(1, TOOL_OUTPUT_MAX + 1),
                      .deadline_ms = check_clock_ms() + p->length_ms + LIFE_AFTER_MS };
    if (t.output == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    (void)printf("{\"port\":%s}\n", p->port);
    (void)fflush(stdout);
    bool ok = tool_run(&t) && t.status == 0;
    free(t.output);
    return ok ? 0 : mw_fail(err, MW_EIO, "ib_write_bw: status %d", t.status);
}

int net_serve(const struct net_pair *p, struct mw_error *err)
{
    struct stream s[NET_STREAMS_MAX];
    if (p->rdma != NULL)
        return serve_rdma(p, err);
    int fd = listen_at(p, err);
    if (fd < 0)
        return fd;
    int64_t due_ms = check_clock_ms() + p->length_ms + LIFE_AFTER_MS;
    bool ok = true;
    (void)printf("{\"port\":%u}\n", port_of(fd));
    (void)fflush(stdout);
    uint32_t n = take_streams(p, fd, due_ms, s);
    (void)close(fd);
    for (uint32_t i = 0; i < n; i++) {
        (void)pthread_join(s[i].thread, NULL);
        (void)close(s[i].fd);
        ok = ok && s[i].ok;
    }
    if (n == 0)
        return mw_fail(err, MW_ETIMEOUT, "nobody came");
    return ok ? 0 : mw_fail(err, MW_EIO, "a stream was cut off");
}

/* ---- sending -------------------------------------------------------------------------------- */

static void *transmit(void *arg)
{
    struct stream *s = arg;
    char answer[64] = "", *data = calloc(1, DATA_BYTES);
    int64_t end_ms = check_clock_ms() + s->p->length_ms;
    while (data != NULL && check_clock_ms() < end_ms)
        if (send(s->fd, data, DATA_BYTES, MSG_NOSIGNAL) <= 0)
            break;
    free(data);
    (void)shutdown(s->fd, SHUT_WR);
    size_t at = 0;
    while (at < sizeof(answer) - 1 && memchr(answer, '\n', at) == NULL) {
        ssize_t n = recv(s->fd, answer + at, sizeof(answer) - 1 - at, 0);
        if (n <= 0)
            return NULL;
        at += (size_t)n;
    }
    unsigned long long bytes = 0;
    long long took = 0;
    s->ok = sscanf(answer, "%20llu %20lld", &bytes, &took) == 2 && took > 0;
    s->bytes = bytes;
    s->took_ns = took;
    return NULL;
}

static int open_stream(const struct net_pair *p, struct mw_error *err)
{
    struct addrinfo want = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
    struct addrinfo *found = NULL;
    char key[NET_KEY_MAX] = "";
    (void)snprintf(key, sizeof(key), "%s", p->key);
    int rc = getaddrinfo(p->address, p->port, &want, &found);
    if (rc != 0)
        return mw_fail(err, MW_EUNREACHABLE, "%.80s: %s", p->address, gai_strerror(rc));
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        limit_waits(fd, 5000);
    if (fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen) != 0 ||
        send(fd, key, sizeof(key), MSG_NOSIGNAL) != (ssize_t)sizeof(key)) {
        rc = mw_fail(err, MW_EUNREACHABLE, "%.80s:%.8s: %s", p->address, p->port, strerror(errno));
        if (fd >= 0)
            (void)close(fd);
        fd = rc;
    }
    freeaddrinfo(found);
    return fd;
}

static int connect_rdma(const struct net_pair *p, double *ret_gbps, struct mw_error *err)
{
    char seconds[24];
    (void)snprintf(seconds, sizeof(seconds), "%lld", (long long)(p->length_ms + 999) / 1000);
    const char *const argv[] = { "ib_write_bw", "-d", p->rdma, "-p", p->port, "-D", seconds,
                                 "--report_gbits", p->address, NULL };
    struct tool t = { .argv = argv, .output = calloc(1, TOOL_OUTPUT_MAX + 1),
                      .deadline_ms = check_clock_ms() + p->length_ms + LIFE_AFTER_MS +
                                     PATIENCE_MS };
    if (t.output == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    int64_t patience_ms = check_clock_ms() + PATIENCE_MS;
    bool ok = tool_run(&t) && parse_perftest(t.output, ret_gbps);
    while (!ok && check_clock_ms() < patience_ms) { /* the other end may still be starting */
        (void)poll(NULL, 0, 200);
        ok = tool_run(&t) && parse_perftest(t.output, ret_gbps);
    }
    free(t.output);
    return ok ? 0 : mw_fail(err, MW_EIO, "ib_write_bw: status %d", t.status);
}

int net_connect(const struct net_pair *p, double *ret_gbps, struct mw_error *err)
{
    struct stream s[NET_STREAMS_MAX];
    uint64_t bytes = 0;
    int64_t took = 1;
    uint32_t n = 0;
    int rc = 0;
    if (p->rdma != NULL)
        return connect_rdma(p, ret_gbps, err);
    int64_t patience_ms = check_clock_ms() + PATIENCE_MS;
    for (; n < p->streams; n++) {
        int fd = open_stream(p, err);
        while (fd < 0 && n == 0 && check_clock_ms() < patience_ms) { /* it may still be starting */
            (void)poll(NULL, 0, 50);
            fd = open_stream(p, err);
        }
        if (fd < 0) {
            rc = fd;
            break;
        }
        limit_waits(fd, p->length_ms + LIFE_AFTER_MS / 2);
        s[n] = (struct stream){ .p = p, .fd = fd };
        if (pthread_create(&s[n].thread, NULL, transmit, &s[n]) != 0) {
            (void)close(fd);
            rc = mw_fail(err, MW_ELIMIT, "no thread");
            break;
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        (void)pthread_join(s[i].thread, NULL);
        (void)close(s[i].fd);
        if (rc == 0 && !s[i].ok)
            rc = mw_fail(err, MW_EIO, "a stream was cut off");
        bytes += s[i].bytes;
        took = MW_MAX(took, s[i].took_ns);
    }
    *ret_gbps = (double)bytes * 8 / (double)took;
    return rc;
}

/* ---- this host with itself ------------------------------------------------------------------ */

struct loop {
    struct net_pair p;
    pthread_t thread;
    int fd;
};

static void *loop_serve(void *arg)
{
    struct loop *l = arg;
    struct stream s[NET_STREAMS_MAX];
    uint32_t n = take_streams(&l->p, l->fd, check_clock_ms() + 3000, s);
    for (uint32_t i = 0; i < n; i++) {
        (void)pthread_join(s[i].thread, NULL);
        (void)close(s[i].fd);
    }
    return NULL;
}

/* What the host's own network stack carries: processor, memory and kernel; no card takes part. */
void check_net_loop(struct check_ctx *c)
{
    char port[8];
    double gbps = 0;
    struct mw_error err = { 0 };
    struct loop l = { .p = { .address = "127.0.0.1", .port = "0", .key = "loopback-key",
                             .length_ms = 300, .streams = 2 } };
    l.fd = listen_at(&l.p, &err);
    if (l.fd < 0) {
        check_say(c, VERDICT_UNKNOWN, "net-loopback", "", "%.120s", err.text);
        return;
    }
    (void)snprintf(port, sizeof(port), "%u", port_of(l.fd));
    bool served = pthread_create(&l.thread, NULL, loop_serve, &l) == 0;
    struct net_pair to = l.p;
    to.port = port;
    int rc = served ? net_connect(&to, &gbps, &err) : mw_fail(&err, MW_ELIMIT, "no thread");
    if (served)
        (void)pthread_join(l.thread, NULL);
    (void)close(l.fd);
    if (rc == 0)
        check_figure(c, "net-loopback", "", "Gb/s", gbps);
    else
        check_say(c, VERDICT_FAIL, "net-loopback", "", "%.120s", err.text);
}
