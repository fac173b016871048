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
#include <time.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <event2/util.h>

#include "base/mem.h"
#include "base/units.h"
#include "live/address.h"
#include "live/listener_private.h"

#define SAMPLE_MS 1000 /* between two records of samples of a peer */
#define READ_AHEAD ((size_t)AGENT_SAMPLES_MAX + 2 * AGENT_FRAME_MAX)

/* ---- ends ---------------------------------------------------------------------------------- */

static void connection_free(struct connection *c)
{
    struct listener *l = c->listener;
    if (c->peer != MW_NONE && l->of_peer[c->peer] == c)
        l->of_peer[c->peer] = NULL;
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
    uint32_t peer = c->peer;
    bool heard = peer != MW_NONE && l->of_peer[peer] == c && !c->closing;
    connection_free(c);
    if (heard)
        l->options.port.lost(l->options.port.ctx, peer);
}

bool listener_write(struct connection *c, const struct agent_frame *f)
{
    char line[AGENT_FRAME_MAX];
    size_t n = agent_frame_write(f, line, sizeof(line));
    must(n > 0); /* our own frames are short */
    return bufferevent_write(c->buffer, line, n) == 0;
}

struct timeval listener_timeval(int64_t ns)
{
    return (struct timeval){ .tv_sec = ns / MW_NS_PER_S, .tv_usec = ns % MW_NS_PER_S / 1000 };
}

static void start_timer(struct connection *c)
{
    const struct timeval wait = listener_timeval(c->listener->options.hello_ns);
    (void)event_add(c->timer, &wait);
}

void listener_refuse(struct connection *c, int code, const char *text)
{
    struct listener *l = c->listener;
    uint32_t peer = c->peer;
    bool heard = peer != MW_NONE && l->of_peer[peer] == c;
    struct agent_frame f = { .verb = AGENT_REFUSE };
    (void)snprintf(f.name, sizeof(f.name), "%s", mw_code_name(code));
    (void)snprintf(f.text, sizeof(f.text), "%s", text);
    (void)listener_write(c, &f);
    c->closing = true;
    (void)bufferevent_disable(c->buffer, EV_READ);
    start_timer(c);
    if (heard) {
        l->of_peer[peer] = NULL;
        l->options.port.lost(l->options.port.ctx, peer);
    }
}

/* ---- frames -------------------------------------------------------------------------------- */

/* Of equal length in time whatever the difference is. */
static bool token_is(const struct listener *l, const struct agent_frame *f)
{
    char said[LISTENER_TOKEN_MAX] = "";
    uint8_t differs = 0;
    (void)snprintf(said, sizeof(said), "%s", f->token);
    for (size_t i = 0; i < LISTENER_TOKEN_MAX; i++)
        differs |= (uint8_t)(l->token[i] ^ said[i]);
    return differs == 0;
}

static void take_hello(struct connection *c, const struct agent_frame *f)
{
    struct listener *l = c->listener;
    struct mw_error err = { 0 };
    uint32_t peer = MW_NONE;
    int rc = 0;
    if (f->verb != AGENT_HELLO)
        rc = mw_fail(&err, MW_ESYNTAX, "the first frame must be hello");
    else if (l->token[0] != '\0' && !token_is(l, f))
        rc = mw_fail(&err, MW_EDENIED, "the token is not the daemon's: see --token-file");
    else if (l->tls)
        rc = listener_tls_hello(c, f, &err);
    if (rc == 0)
        rc = l->options.port.hello(l->options.port.ctx, f, &peer, &err);
    if (rc < 0) {
        l->stats.refused_hello++;
        listener_refuse(c, rc, err.text);
        return;
    }
    must(peer < l->peers);
    struct connection *old = l->of_peer[peer];
    c->peer = peer;
    l->of_peer[peer] = c;
    if (old)
        connection_free(old);
    const struct timeval quiet = listener_timeval(l->options.quiet_ns);
    (void)event_del(c->timer);
    (void)bufferevent_set_timeouts(c->buffer, &quiet, NULL);
    const struct agent_frame welcome = {
        .verb = AGENT_WELCOME, .version = MW_MIN(f->version, (uint32_t)AGENT_PROTOCOL),
        .beat_ms = agents_beat_ns(l->options.nodes) / MW_NS_PER_MS,
        .sample_ms = f->version >= 2 ? SAMPLE_MS : 0 };
    (void)listener_write(c, &welcome);
}

/* The agent makes its clock's difference of it (live/skew.h): nobody else is waited for. */
static void answer_clock(struct connection *c, const struct agent_frame *f)
{
    struct timespec t = { 0 };
    struct agent_frame answer = { .verb = AGENT_CLOCK, .t0_us = f->t0_us };
    (void)clock_gettime(CLOCK_REALTIME, &t);
    answer.t1_us = (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
    (void)listener_write(c, &answer);
}

static void take_frame(struct connection *c, const struct agent_frame *f)
{
    struct listener *l = c->listener;
    if (f->verb == (c->peer == MW_NONE ? AGENT_JOIN : AGENT_RENEW)) {
        listener_tls_ask(c, f);
        return;
    }
    if (c->peer == MW_NONE) {
        take_hello(c, f);
        return;
    }
    if (!agent_verb_is_agents(f->verb) || f->verb == AGENT_JOIN) {
        l->stats.lines_bad++;
        listener_refuse(c, MW_ESYNTAX, "an agent does not say that now");
        return;
    }
    if (f->verb == AGENT_CLOCK) {
        answer_clock(c, f);
        return;
    }
    l->options.port.heard(l->options.port.ctx, c->peer, f);
    if (f->verb != AGENT_BYE)
        return;
    l->of_peer[c->peer] = NULL; /* told to stop: not lost */
    c->closing = true;
    (void)bufferevent_disable(c->buffer, EV_READ);
    event_active(c->timer, EV_TIMEOUT, 1);
}

/* A record that is whole: taken from the buffer when it was heard. */
static void take_record(struct connection *c, const struct agent_record *r)
{
    struct listener *l = c->listener;
    struct agent_frame f;
    struct mw_error err = { 0 };
    int rc = 0;
    if (r->kind == AGENT_RECORD_LINE) {
        rc = agent_frame_read((const char *)r->from, r->size, &f, &err);
        l->stats.lines += rc == 0;
        if (rc == 0)
            take_frame(c, &f);
    } else if (c->peer == MW_NONE) {
        rc = mw_fail(&err, MW_ESYNTAX, "the first frame must be hello");
    } else {
        l->stats.samples++;
        if (l->options.port.samples)
            l->options.port.samples(l->options.port.ctx, c->peer, r->from, r->size);
    }
    if (rc < 0) {
        l->stats.lines_bad++;
        listener_refuse(c, rc, err.text);
    }
}

/* Bytes of the record that begins the buffer: enough to see whether it is whole. */
static size_t look_at(struct evbuffer *in)
{
    uint8_t first = 0;
    size_t length = evbuffer_get_length(in);
    size_t most = AGENT_FRAME_MAX;
    if (evbuffer_copyout(in, &first, 1) == 1 && first == AGENT_SAMPLES_MARK)
        most = AGENT_SAMPLES_HEAD + AGENT_SAMPLES_MAX;
    return MW_MIN(length, most);
}

static void on_read(struct bufferevent *b, void *ctx)
{
    struct connection *c = ctx;
    struct listener *l = c->listener;
    struct evbuffer *in = bufferevent_get_input(b);
    bool any = false;
    while (!c->closing) {
        struct agent_record r;
        struct mw_error err = { 0 };
        size_t size = look_at(in);
        const uint8_t *bytes = size > 0 ? evbuffer_pullup(in, (ev_ssize_t)size) : NULL;
        int got = bytes ? agent_record_first(bytes, size, &r, &err) : 0;
        if (got < 0) {
            l->stats.lines_bad++;
            listener_refuse(c, err.code, err.text);
        }
        if (got <= 0)
            break;
        any = true;
        take_record(c, &r);
        (void)evbuffer_drain(in, r.whole);
    }
    if (any && l->options.port.turn)
        l->options.port.turn(l->options.port.ctx);
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
    if (what & BEV_EVENT_CONNECTED)
        return; /* TLS stands */
    c->listener->stats.tls_failed += c->listener->tls && c->peer == MW_NONE && !c->closing &&
                                     (what & BEV_EVENT_ERROR) != 0;
    c->listener->stats.dropped_quiet += (what & BEV_EVENT_TIMEOUT) != 0;
    connection_lost(c);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    struct connection *c = ctx;
    (void)fd;
    (void)what;
    if (c->peer == MW_NONE && !c->closing) {
        c->listener->stats.refused_hello++;
        listener_refuse(c, MW_ETIMEOUT, "no hello came in time");
        return;
    }
    connection_lost(c);
}

/* ---- connections --------------------------------------------------------------------------- */

/* Takes fd. */
static struct bufferevent *make_buffer(struct listener *l, struct event_base *base, int fd)
{
    if (l->tls)
        return listener_tls_buffer(l, base, fd);
    struct bufferevent *b = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
    if (!b)
        (void)evutil_closesocket(fd);
    return b;
}

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
    if (!c)
        (void)evutil_closesocket(fd);
    struct bufferevent *b = c ? make_buffer(l, base, fd) : NULL;
    struct event *timer = b ? evtimer_new(base, on_timer, c) : NULL;
    if (!timer) {
        if (b)
            bufferevent_free(b);
        mw_free(c);
        return;
    }
    *c = (struct connection){ .listener = l, .after = l->first, .buffer = b, .timer = timer,
                              .peer = MW_NONE };
    if (l->first)
        l->first->before = c;
    l->first = c;
    l->stats.connections++;
    bufferevent_setcb(b, on_read, on_write, on_end, c);
    bufferevent_setwatermark(b, EV_READ, 0, READ_AHEAD);
    (void)bufferevent_enable(b, EV_READ | EV_WRITE);
    start_timer(c);
}

bool listener_send(void *listener, uint32_t peer, const struct agent_frame *f)
{
    struct listener *l = listener;
    struct connection *c = peer < l->peers ? l->of_peer[peer] : NULL;
    if (!c || c->closing)
        return false;
    if (evbuffer_get_length(bufferevent_get_output(c->buffer)) > LISTENER_OUT_MAX) {
        l->stats.dropped_slow++;
        event_active(c->timer, EV_TIMEOUT, 1); /* not now: we may be inside its callback */
        return false;
    }
    return listener_write(c, f);
}

/* ---- making -------------------------------------------------------------------------------- */

static int read_address(const struct listener_options *o, struct sockaddr_storage *ret,
                        int *ret_size, struct mw_error *err)
{
    int rc = address_read(o->address, 7377, ret, ret_size, err);
    if (rc == 0 && !o->authority && !address_is_loopback(ret))
        rc = mw_fail(err, MW_EDENIED, "%.80s is not a loopback address: without --agents-tls "
                     "agents are heard on 127.0.0.1 or [::1] only", o->address);
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
    int rc = read_address(o, &at, &size, err);
    if (rc < 0)
        return rc;
    if (o->token && strlen(o->token) >= LISTENER_TOKEN_MAX)
        return mw_fail(err, MW_EINVAL, "the token has more than %zu bytes", LISTENER_TOKEN_MAX - 1);
    if (o->token)
        (void)snprintf(l->token, sizeof(l->token), "%s", o->token);
    l->peers = o->nodes + AGENT_GATHERS_MAX;
    l->of_peer = mw_calloc(l->peers, sizeof(struct connection *));
    if (!l->of_peer)
        return mw_fail(err, MW_ENOMEM, "out of memory for %u agents", o->nodes);
    errno = 0;
    l->socket = evconnlistener_new_bind(
        o->base, on_accept, l, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE,
        4096, (struct sockaddr *)&at, size);
    if (!l->socket)
        return bind_failed(o->address, errno, err);
    evconnlistener_set_error_cb(l->socket, listener_breathe);
    note_address(l);
    return o->authority ? listener_tls_open(l, err) : 0;
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
        l->options.hello_ns =
            (o->authority ? LISTENER_HELLO_TLS_S : LISTENER_HELLO_S) * MW_NS_PER_S;
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
    listener_tls_close(l);
    mw_free(l->of_peer);
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
