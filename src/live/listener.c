/*
 * Connections of agents.  Owns their sockets and buffers; a connection is only
 * freed from its own callbacks, its timer, or by a newer one of its node.
 */
#include "live/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <event2/util.h>

#include "base/mem.h"
#include "base/units.h"
#include "live/address.h"
#include "live/agents.h"

#define TOKEN_MAX sizeof(((struct agent_frame *)NULL)->token)
#define READ_AHEAD ((size_t)8 * AGENT_FRAME_MAX)

struct connection {
    struct listener *listener;
    struct connection *before, *after;
    struct bufferevent *buffer;
    struct event *timer; /* the deadline of its hello, then of its closing */
    uint32_t node;       /* MW_NONE before hello */
    bool closing;        /* what is written still goes out, nothing is read */
};

struct listener {
    struct listener_options options;
    char token[TOKEN_MAX];
    char address[LISTENER_ADDRESS_MAX];
    struct evconnlistener *socket;
    struct connection *first;
    struct connection **of_node;
    struct listener_stats stats;
};

/* ---- ends ---------------------------------------------------------------------------------- */

static void connection_free(struct connection *c)
{
    struct listener *l = c->listener;
    if (c->node != MW_NONE && l->of_node[c->node] == c)
        l->of_node[c->node] = NULL;
    if (c->before)
        c->before->after = c->after;
    else
        l->first = c->after;
    if (c->after)
        c->after->before = c->before;
    must(l->stats.connections > 0);
    l->stats.connections--;
    event_free(c->timer);
    bufferevent_free(c->buffer);
    mw_free(c);
}

/* It ended without a goodbye. */
static void connection_lost(struct connection *c)
{
    struct listener *l = c->listener;
    uint32_t node = c->node;
    bool heard = node != MW_NONE && l->of_node[node] == c && !c->closing;
    connection_free(c);
    if (heard)
        l->options.port.lost(l->options.port.ctx, node);
}

static bool write_frame(struct connection *c, const struct agent_frame *f)
{
    char line[AGENT_FRAME_MAX];
    size_t n = agent_frame_write(f, line, sizeof(line));
    must(n > 0); /* our own frames are short */
    return bufferevent_write(c->buffer, line, n) == 0;
}

static struct timeval timeval_of(int64_t ns)
{
    return (struct timeval){ .tv_sec = ns / MW_NS_PER_S, .tv_usec = ns % MW_NS_PER_S / 1000 };
}

static void start_timer(struct connection *c)
{
    const struct timeval wait = timeval_of(c->listener->options.hello_ns);
    (void)event_add(c->timer, &wait);
}

/* Tells why, and closes when that is on its way. */
static void refuse(struct connection *c, int code, const char *text)
{
    struct listener *l = c->listener;
    uint32_t node = c->node;
    bool heard = node != MW_NONE && l->of_node[node] == c;
    struct agent_frame f = { .verb = AGENT_REFUSE };
    (void)snprintf(f.name, sizeof(f.name), "%s", mw_code_name(code));
    (void)snprintf(f.text, sizeof(f.text), "%s", text);
    (void)write_frame(c, &f);
    c->closing = true;
    (void)bufferevent_disable(c->buffer, EV_READ);
    start_timer(c);
    if (heard) {
        l->of_node[node] = NULL;
        l->options.port.lost(l->options.port.ctx, node);
    }
}

/* ---- frames -------------------------------------------------------------------------------- */

/* Of equal length in time whatever the difference is. */
static bool token_is(const struct listener *l, const struct agent_frame *f)
{
    char said[TOKEN_MAX] = "";
    uint8_t differs = 0;
    (void)snprintf(said, sizeof(said), "%s", f->token);
    for (size_t i = 0; i < TOKEN_MAX; i++)
        differs |= (uint8_t)(l->token[i] ^ said[i]);
    return differs == 0;
}

static void take_hello(struct connection *c, const struct agent_frame *f)
{
    struct listener *l = c->listener;
    struct mw_error err = { 0 };
    uint32_t node = MW_NONE;
    int rc = 0;
    if (f->verb != AGENT_HELLO)
        rc = mw_fail(&err, MW_ESYNTAX, "the first frame must be hello");
    else if (l->token[0] != '\0' && !token_is(l, f))
        rc = mw_fail(&err, MW_EDENIED, "the token is not the daemon's: see --token-file");
    else
        rc = l->options.port.hello(l->options.port.ctx, f, &node, &err);
    if (rc < 0) {
        l->stats.refused_hello++;
        refuse(c, rc, err.text);
        return;
    }
    must(node < l->options.nodes);
    struct connection *old = l->of_node[node];
    c->node = node;
    l->of_node[node] = c;
    if (old)
        connection_free(old);
    const struct timeval quiet = timeval_of(l->options.quiet_ns);
    (void)event_del(c->timer);
    (void)bufferevent_set_timeouts(c->buffer, &quiet, NULL);
    const struct agent_frame welcome = { .verb = AGENT_WELCOME, .version = AGENT_PROTOCOL,
                                         .beat_ms = AGENT_BEAT_NS / 1000000 };
    (void)write_frame(c, &welcome);
}

static void take_frame(struct connection *c, const struct agent_frame *f)
{
    struct listener *l = c->listener;
    if (c->node == MW_NONE) {
        take_hello(c, f);
        return;
    }
    if (f->verb == AGENT_HELLO || f->verb > AGENT_BYE) {
        l->stats.lines_bad++;
        refuse(c, MW_ESYNTAX, "an agent does not say that now");
        return;
    }
    l->options.port.heard(l->options.port.ctx, c->node, f);
    if (f->verb != AGENT_BYE)
        return;
    l->of_node[c->node] = NULL; /* told to stop: not lost */
    c->closing = true;
    (void)bufferevent_disable(c->buffer, EV_READ);
    event_active(c->timer, EV_TIMEOUT, 1);
}

/* The next line without its end: 1, 0 when there is none yet, -1 when it is too long. */
static int next_line(struct evbuffer *in, char line[AGENT_FRAME_MAX], size_t *ret_size)
{
    struct evbuffer_ptr end = evbuffer_search_eol(in, NULL, NULL, EVBUFFER_EOL_LF);
    if (end.pos < 0)
        return evbuffer_get_length(in) < AGENT_FRAME_MAX ? 0 : -1;
    if (end.pos >= AGENT_FRAME_MAX)
        return -1;
    must(evbuffer_remove(in, line, (size_t)end.pos + 1) == end.pos + 1);
    *ret_size = (size_t)end.pos;
    return 1;
}

static void on_read(struct bufferevent *b, void *ctx)
{
    struct connection *c = ctx;
    struct listener_stats *stats = &c->listener->stats;
    char line[AGENT_FRAME_MAX];
    size_t size = 0;
    while (!c->closing) {
        struct agent_frame f;
        struct mw_error err = { 0 };
        int got = next_line(bufferevent_get_input(b), line, &size);
        if (got == 0)
            return;
        if (got > 0)
            got = agent_frame_read(line, size, &f, &err);
        else
            (void)mw_fail(&err, MW_ELIMIT, "a line has more than %d bytes", AGENT_FRAME_MAX);
        if (got < 0) {
            stats->lines_bad++;
            refuse(c, err.code, err.text);
            return;
        }
        stats->lines++;
        take_frame(c, &f);
    }
}

static void on_write(struct bufferevent *b, void *ctx)
{
    struct connection *c = ctx;
    if (c->closing && evbuffer_get_length(bufferevent_get_output(b)) == 0)
        connection_free(c);
}

static void on_end(struct bufferevent *b, short what, void *ctx)
{
    struct connection *c = ctx;
    (void)b;
    c->listener->stats.dropped_quiet += (what & BEV_EVENT_TIMEOUT) != 0;
    connection_lost(c);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    struct connection *c = ctx;
    (void)fd;
    (void)what;
    if (c->node == MW_NONE && !c->closing) {
        c->listener->stats.refused_hello++;
        refuse(c, MW_ETIMEOUT, "no hello came in time");
        return;
    }
    connection_lost(c);
}

/* ---- connections --------------------------------------------------------------------------- */

static void on_accept(struct evconnlistener *socket, evutil_socket_t fd, struct sockaddr *from,
                      int from_size, void *ctx)
{
    struct listener *l = ctx;
    (void)from;
    (void)from_size;
    l->stats.accepted++;
    if (l->stats.connections >= 2 * l->options.nodes + LISTENER_SPARE) {
        l->stats.refused_full++;
        (void)evutil_closesocket(fd);
        return;
    }
    struct connection *c = mw_calloc(1, sizeof(*c));
    struct event_base *base = evconnlistener_get_base(socket);
    struct bufferevent *b = c ? bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE) : NULL;
    struct event *timer = b ? evtimer_new(base, on_timer, c) : NULL;
    if (!timer) {
        if (b)
            bufferevent_free(b);
        else
            (void)evutil_closesocket(fd);
        mw_free(c);
        return;
    }
    *c = (struct connection){ .listener = l, .after = l->first, .buffer = b, .timer = timer,
                              .node = MW_NONE };
    if (l->first)
        l->first->before = c;
    l->first = c;
    l->stats.connections++;
    bufferevent_setcb(b, on_read, on_write, on_end, c);
    bufferevent_setwatermark(b, EV_READ, 0, READ_AHEAD);
    (void)bufferevent_enable(b, EV_READ | EV_WRITE);
    start_timer(c);
}

bool listener_send(void *listener, uint32_t node, const struct agent_frame *f)
{
    struct listener *l = listener;
    struct connection *c = node < l->options.nodes ? l->of_node[node] : NULL;
    if (!c || c->closing)
        return false;
    if (evbuffer_get_length(bufferevent_get_output(c->buffer)) > LISTENER_OUT_MAX) {
        l->stats.dropped_slow++;
        event_active(c->timer, EV_TIMEOUT, 1); /* not now: we may be inside its callback */
        return false;
    }
    return write_frame(c, f);
}

/* ---- making -------------------------------------------------------------------------------- */

static int read_address(const char *text, struct sockaddr_storage *ret, int *ret_size,
                        struct mw_error *err)
{
    int rc = address_read(text, 7377, ret, ret_size, err);
    if (rc == 0 && !address_is_loopback(ret))
        rc = mw_fail(err, MW_EDENIED, "%.80s is not a loopback address: agents are heard on "
                     "127.0.0.1 or [::1] only until there is TLS; to reach the daemon from "
                     "other nodes, forward that port over SSH or a VPN", text);
    return rc;
}

static int bind_failed(const char *address, int code, struct mw_error *err)
{
    if (code == EADDRINUSE)
        return mw_fail(err, MW_EBUSY, "%s is in use by another process: stop it, or choose "
                       "another port with --listen", address);
    return mw_fail(err, code == EACCES ? MW_EDENIED : MW_EIO, "cannot listen on %s: %s", address,
                   strerror(code));
}

static void note_address(struct listener *l)
{
    struct sockaddr_storage at = { 0 };
    socklen_t size = sizeof(at);
    char host[INET6_ADDRSTRLEN] = "?";
    must(getsockname(evconnlistener_get_fd(l->socket), (struct sockaddr *)&at, &size) == 0);
    const struct sockaddr_in *v4 = (const void *)&at;
    const struct sockaddr_in6 *v6 = (const void *)&at;
    bool six = at.ss_family == AF_INET6;
    (void)inet_ntop(at.ss_family, six ? (const void *)&v6->sin6_addr : &v4->sin_addr, host,
                    sizeof(host));
    (void)snprintf(l->address, sizeof(l->address), six ? "[%s]:%u" : "%s:%u", host,
                   ntohs(six ? v6->sin6_port : v4->sin_port));
}

static int listener_init(struct listener *l, struct mw_error *err)
{
    const struct listener_options *o = &l->options;
    struct sockaddr_storage at;
    int size = 0;
    int rc = read_address(o->address, &at, &size, err);
    if (rc < 0)
        return rc;
    if (o->token && strlen(o->token) >= TOKEN_MAX)
        return mw_fail(err, MW_EINVAL, "the token has more than %zu bytes", TOKEN_MAX - 1);
    if (o->token)
        (void)snprintf(l->token, sizeof(l->token), "%s", o->token);
    l->of_node = mw_calloc(o->nodes, sizeof(struct connection *));
    if (!l->of_node)
        return mw_fail(err, MW_ENOMEM, "out of memory for %u agents", o->nodes);
    errno = 0;
    l->socket = evconnlistener_new_bind(
        o->base, on_accept, l, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE,
        1024, (struct sockaddr *)&at, size);
    if (!l->socket)
        return bind_failed(o->address, errno, err);
    evconnlistener_set_error_cb(l->socket, listener_breathe);
    note_address(l);
    return 0;
}

int listener_create(const struct listener_options *o, struct listener **ret, struct mw_error *err)
{
    must(o && o->base && o->address && ret);
    must(o->port.hello && o->port.heard && o->port.lost);
    struct listener *l = mw_calloc(1, sizeof(*l));
    if (!l)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    l->options = *o;
    if (o->hello_ns == 0)
        l->options.hello_ns = LISTENER_HELLO_S * MW_NS_PER_S;
    if (o->quiet_ns == 0)
        l->options.quiet_ns = LISTENER_QUIET_S * MW_NS_PER_S;
    int rc = listener_init(l, err);
    l->options.address = l->options.token = NULL; /* borrowed for the call */
    if (rc < 0) {
        listener_destroy(l);
        return rc;
    }
    *ret = l;
    return 0;
}

void listener_destroy(struct listener *l)
{
    if (!l)
        return;
    while (l->first)
        connection_free(l->first);
    if (l->socket)
        evconnlistener_free(l->socket);
    mw_free(l->of_node);
    mw_free(l);
}

const char *listener_address(const struct listener *l)
{
    return l->address;
}

struct listener_stats listener_stats(const struct listener *l)
{
    return l->stats;
}

static void accept_again(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    (void)evconnlistener_enable(ctx);
}

void listener_breathe(struct evconnlistener *socket, void *unused)
{
    static const struct timeval second = { .tv_sec = 1 };
    (void)unused;
    struct event_base *base = evconnlistener_get_base(socket);
    if (event_base_once(base, -1, EV_TIMEOUT, accept_again, socket, &second) == 0)
        (void)evconnlistener_disable(socket);
}
