/* See prober.h. */
#include "live/prober.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/util.h>

#include "base/mem.h"
#include "base/units.h"

struct question {
    struct prober *prober;
    struct bufferevent *socket; /* NULL = free */
    uint32_t node;
    bool connected;
};

struct prober {
    struct prober_options options;
    struct question question[PROBER_MAX];
};

static void end(struct question *q, bool answers)
{
    const struct prober_options *o = &q->prober->options;
    bufferevent_free(TAKE(q->socket));
    o->told(o->ctx, q->node, answers);
}

/* It says something, as sshd does. */
static void on_read(struct bufferevent *b, void *ctx)
{
    struct question *q = ctx;
    must(b == q->socket);
    end(q, true);
}

static void on_event(struct bufferevent *b, short what, void *ctx)
{
    struct question *q = ctx;
    must(b == q->socket);
    if (what & BEV_EVENT_CONNECTED) {
        q->connected = true;
        (void)shutdown(bufferevent_getfd(b), SHUT_WR);
        (void)bufferevent_enable(b, EV_READ);
        return;
    }
    end(q, q->connected && !(what & BEV_EVENT_TIMEOUT)); /* closed or reset: by a program */
}

static enum agents_probe connect_to(struct question *q, const char *address)
{
    const struct prober_options *o = &q->prober->options;
    struct sockaddr_storage to = { 0 };
    int size = (int)sizeof(to);
    const struct timeval wait = { .tv_sec = o->wait_ns / MW_NS_PER_S,
                                  .tv_usec = o->wait_ns % MW_NS_PER_S / 1000 };
    if (evutil_parse_sockaddr_port(address, (struct sockaddr *)&to, &size) != 0)
        return AGENTS_PROBE_NONE;
    int fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno == EAFNOSUPPORT ? AGENTS_PROBE_NONE : AGENTS_PROBE_BUSY;
    /* deferred: a refusal that is known at once is told later, as all are */
    q->socket = bufferevent_socket_new(o->base, fd,
                                       BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
    if (!q->socket) {
        (void)close(fd);
        return AGENTS_PROBE_BUSY;
    }
    bufferevent_setcb(q->socket, on_read, NULL, on_event, q);
    (void)bufferevent_set_timeouts(q->socket, &wait, &wait);
    if (bufferevent_socket_connect(q->socket, (struct sockaddr *)&to, size) == 0)
        return AGENTS_PROBE_ASKED;
    bufferevent_free(TAKE(q->socket));
    return AGENTS_PROBE_NONE;
}

enum agents_probe prober_ask(void *prober, uint32_t node, const char *address)
{
    struct prober *p = prober;
    must(p && address);
    for (uint32_t i = 0; i < PROBER_MAX; i++) {
        struct question *q = &p->question[i];
        if (q->socket)
            continue;
        *q = (struct question){ .prober = p, .node = node };
        return connect_to(q, address);
    }
    return AGENTS_PROBE_BUSY;
}

int prober_create(const struct prober_options *o, struct prober **ret, struct mw_error *err)
{
    must(o && o->base && o->told && ret);
    must(o->wait_ns > 0);
    struct prober *p = mw_calloc(1, sizeof(*p));
    if (!p)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    p->options = *o;
    *ret = p;
    return 0;
}

void prober_destroy(struct prober *p)
{
    for (uint32_t i = 0; p && i < PROBER_MAX; i++)
        if (p->question[i].socket)
            bufferevent_free(p->question[i].socket);
    mw_free(p);
}
