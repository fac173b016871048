#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int64_t wire_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int left_ms(int64_t deadline_ms)
{
    int64_t left = deadline_ms - wire_now_ms();
    return left < 0 ? 0 : left > 3600000 ? 3600000 : (int)left;
}

static void make_quick(int fd)
{
    int yes = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
}

static int name_of(int fd, struct wire_address *ret)
{
    struct sockaddr_storage a;
    socklen_t size = sizeof a;
    if (getsockname(fd, (struct sockaddr *)&a, &size) != 0)
        return -1;
    return getnameinfo((struct sockaddr *)&a, size, ret->host, sizeof ret->host, ret->port,
                       sizeof ret->port, NI_NUMERICHOST | NI_NUMERICSERV);
}

static int listen_at(const struct addrinfo *at)
{
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), yes = 1;
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, 64) == 0)
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

int wire_listen(const char *host, const char *port, struct wire_address *ret, int *ret_fd,
                struct problem *p)
{
    struct addrinfo hint = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    int status = getaddrinfo(host, port == NULL ? "0" : port, &hint, &found);
    if (status != 0)
        return fail(p, END_USAGE, 0, "no address for this rank's --host %s: %s", host,
                    gai_strerror(status));
    int fd = listen_at(found), why = errno;
    freeaddrinfo(found);
    if (fd < 0)
        return fail(p, END_PEER, why, "cannot listen on %s port %s", host,
                    port == NULL ? "any" : port);
    if (name_of(fd, ret) != 0) {
        close(fd);
        return fail(p, END_PEER, 0, "no name for the socket on %s", host);
    }
    *ret_fd = fd;
    return 0;
}

int wire_accept(int listener, int64_t deadline_ms, int *ret_fd, struct problem *p)
{
    *ret_fd = -1;
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            make_quick(fd);
            *ret_fd = fd;
            return 0;
        }
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
            return fail(p, END_PEER, errno, "cannot accept a connection");
        struct pollfd wait = {.fd = listener, .events = POLLIN};
        if (poll(&wait, 1, left_ms(deadline_ms)) == 0)
            return 0;
    }
}

static int connect_at(const struct addrinfo *at, int64_t deadline_ms)
{
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), why = 0;
    if (fd < 0)
        return -1;
    socklen_t size = sizeof why;
    if (connect(fd, at->ai_addr, at->ai_addrlen) != 0) {
        struct pollfd wait = {.fd = fd, .events = POLLOUT};
        if (errno != EINPROGRESS || poll(&wait, 1, left_ms(deadline_ms)) != 1 ||
            getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &size) != 0 || why != 0) {
            close(fd);
            return -1;
        }
    }
    make_quick(fd);
    return fd;
}

int wire_connect(const struct wire_address *to, int64_t deadline_ms)
{
    struct addrinfo hint = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    if (getaddrinfo(to->host, to->port, &hint, &found) != 0)
        return -1;
    int fd = connect_at(found, deadline_ms);
    freeaddrinfo(found);
    return fd;
}

/* Sends and receives what goes without waiting: bytes moved, -1 with errno; 0 with errno 0 is
 * the peer's end. */
static ssize_t move_some(int fd, const struct wire_exchange *x, size_t *sent, size_t *got)
{
    ssize_t moved = 0;
    if (*sent < x->out_size) {
        ssize_t n = send(fd, (const char *)x->out + *sent, x->out_size - *sent, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return -1;
        if (n > 0) {
            *sent += (size_t)n;
            moved += n;
        }
    }
    if (*got < x->in_size) {
        ssize_t n = recv(fd, (char *)x->in + *got, x->in_size - *got, 0);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return -1;
        if (n == 0) {
            errno = 0;
            return 0;
        }
        if (n > 0) {
            *got += (size_t)n;
            moved += n;
        }
    }
    errno = EAGAIN;
    return moved;
}

int wire_exchange(int fd, const struct wire_exchange *x, struct problem *p)
{
    size_t sent = 0, got = 0;
    int64_t heard_ms = wire_now_ms();
    while (sent < x->out_size || got < x->in_size) {
        ssize_t moved = move_some(fd, x, &sent, &got);
        if (moved < 0)
            return fail(p, END_PEER, errno, "lost");
        if (moved == 0 && errno == 0)
            return fail(p, END_PEER, 0, "ended");
        if (moved > 0) {
            heard_ms = wire_now_ms();
            continue;
        }
        struct pollfd wait = {.fd = fd, .events = (short)((sent < x->out_size ? POLLOUT : 0) |
                                                          (got < x->in_size ? POLLIN : 0))};
        int ready = poll(&wait, 1, left_ms(heard_ms + x->silence_ms));
        if (ready == 0)
            return fail(p, END_PEER, 0, "silent for %d ms", x->silence_ms);
    }
    return 0;
}
