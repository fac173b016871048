/*
 * The server: its thread, its event base, its sockets, and the replica it reads
 * on with.  See server.h.  All of it is made on the caller's thread before the
 * other one begins, and ended after that one has.
 */
#include "api/server.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <openssl/ssl.h>

#include "api/access.h"
#include "api/audit.h"
#include "api/exchange.h"
#include "api/feeds.h"
#include "api/listen.h"
#include "api/parts.h"
#include "api/server_private.h"
#include "base/mem.h"
#include "base/units.h"
#include "live/listener.h"

/* Past API_HEADER_MAX and API_BODY_MAX we refuse in words, past these HTTP does. */
#define HTTP_HEADER_MAX 65536
#define HTTP_BODY_MAX ((ev_ssize_t)1 << 20)
#define READ_EVENTS 500u    /* of the record, between two looks at the clock */
/* Of reading; then sockets are looked at.  Chosen: accepted, read, written, closed, a question
 * takes four turns, and is to be answered before a person sees it wait. */
#define TURN_NS (10 * MW_NS_PER_MS)
#define CATCH_UP_NS (50 * MW_NS_PER_MS)  /* the same after a command */
#define FIRST_EVENTS 100000u /* read before the first question */
#define AGAIN_MS 200        /* after the record could not be read, and until it has begun */
#define TELL_MS 1000        /* a look without a bell: a writer may be another process's */
#define GOODBYE_MS 100       /* answers on their way get this long */

enum { BY_UNIX, BY_TCP, ENTRANCES };

struct api_server {
    struct api_server_options options; /* strings are copied: own */
    char *own[9];
    uint8_t rules[MW_SHA256_SIZE];
    struct event_base *base;
    struct event *bell, *timer, *quit;
    int quit_fd;
    pthread_t thread;
    bool running;

    struct entrance in[ENTRANCES];
    struct evhttp *http[ENTRANCES];
    struct listen_unix unix_socket;
    struct listen_tcp tcp;
    SSL_CTX *tls;
    char url[LISTEN_ADDRESS_MAX + 16];
    char code[ACCESS_WORD_MAX]; /* of the one-time link; "" = given away */

    struct connections *connections;
    struct idempotency *idempotency;
    struct access *access;
    struct audit *audit;
    void *part[API_PART_COUNT + 1]; /* + 1: there may be none */

    struct replica *replica;
    bool ready;              /* it has caught up once */
    struct mw_error trouble; /* why it could not be read; code 0 = it can */
    struct mw_error audit_trouble;
    struct server_health health;
    struct api_server_stats stats;
};

/* ---- the record ------------------------------------------------------------------------------ */

static const struct {
    api_part_create_fn *create;
    api_part_begin_fn *begin;
    api_part_destroy_fn *destroy;
} PARTS[API_PART_COUNT + 1] = {
#define X(name, prefix) { prefix##_part_create, prefix##_part_begin, prefix##_part_destroy },
    API_PARTS(X)
#undef X
    { 0 },
};

static void note_trouble(struct api_server *s, const struct mw_error *err)
{
    s->stats.replica_errors++;
    s->trouble = *err;
}

static bool make_replica(struct api_server *s)
{
    struct mw_error err = { 0 };
    const struct replica_options o = { .journal_dir = s->options.journal,
                                       .rules = s->options.rules, .heard = feeds_heard,
                                       .heard_ctx = s->part[PART_FEEDS] };
    if (s->replica != NULL)
        return true;
    if (replica_create(&o, &s->replica, &err) < 0) {
        note_trouble(s, &err);
        return false;
    }
    for (uint32_t i = 0; i < API_PART_COUNT; i++)
        if (s->part[i] != NULL)
            PARTS[i].begin(s->part[i], s->replica);
    return true;
}

static int64_t monotonic_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * MW_NS_PER_S + t.tv_nsec;
}

/* True when there is more to read. */
static bool read_on(struct api_server *s, uint32_t most)
{
    struct mw_error err = { 0 };
    bool more = false;
    if (!make_replica(s))
        return false;
    if (replica_catch_up(s->replica, most, &more, &err) < 0) {
        note_trouble(s, &err);
        return false;
    }
    s->trouble.code = 0;
    s->ready |= !more;
    replica_now_is(s->replica, asks_news(s->options.asks).now_ns);
    return more;
}

/* The same until the time is over, which a seek of a replay takes many turns of. */
static bool read_for(struct api_server *s, int64_t ns)
{
    int64_t end_ns = monotonic_ns() + ns;
    bool more = read_on(s, READ_EVENTS);
    while (more && monotonic_ns() < end_ns)
        more = read_on(s, READ_EVENTS);
    return more;
}

static void look_again_in(struct api_server *s, int64_t ms)
{
    const struct timeval wait = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
    (void)event_add(s->timer, &wait);
}

static void step(struct api_server *s)
{
    bool more = read_for(s, TURN_NS);
    look_again_in(s, more ? 0 : s->replica == NULL || s->trouble.code != 0 ? AGAIN_MS : TELL_MS);
}

void api_server_catch_up(struct api_server *s)
{
    if (read_for(s, CATCH_UP_NS))
        look_again_in(s, 0);
}

static void on_bell(evutil_socket_t fd, short what, void *ctx)
{
    struct api_server *s = ctx;
    (void)fd;
    (void)what;
    (void)event_del(s->timer); /* due as well in this turn: one reading is enough */
    step(s);
    asks_hear(s->options.asks);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    struct api_server *s = ctx;
    (void)fd;
    (void)what;
    step(s);
    asks_hear(s->options.asks);
}

/* ---- the thread ------------------------------------------------------------------------------ */

static void on_goodbye(evutil_socket_t fd, short what, void *ctx)
{
    struct api_server *s = ctx;
    (void)fd;
    (void)what;
    (void)event_base_loopbreak(s->base);
}

/* Nobody new; what is on its way gets a moment. */
static void on_quit(evutil_socket_t fd, short what, void *ctx)
{
    static const struct timeval moment = { .tv_usec = GOODBYE_MS * 1000 };
    struct api_server *s = ctx;
    (void)fd;
    (void)what;
    asks_hear(s->options.asks);
    (void)event_base_once(s->base, -1, EV_TIMEOUT, on_goodbye, s, &moment);
}

static void *run(void *ctx)
{
    struct api_server *s = ctx;
    (void)read_on(s, FIRST_EVENTS);
    step(s);
    (void)event_base_dispatch(s->base);
    return NULL;
}

/* Signals are for the writer's thread; a client that left is an error code here. */
static int start_thread(struct api_server *s, struct mw_error *err)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&s->thread, NULL, run, s);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0)
        return mw_fail(err, MW_ENOMEM, "cannot start the API's thread: %s", strerror(rc));
    s->running = true;
    return 0;
}

/* ---- making ---------------------------------------------------------------------------------- */

static int no_memory(struct mw_error *err)
{
    return mw_fail(err, MW_ENOMEM, "out of memory for the API's server");
}

/* The strings of the options are the caller's: kept as copies. */
static int copy_options(struct api_server *s, const struct api_server_options *o,
                        struct mw_error *err)
{
    const char **at[] = { &s->options.journal, &s->options.socket, &s->options.listen,
                          &s->options.tls_cert, &s->options.tls_key, &s->options.access_file,
                          &s->options.alerts_file, &s->options.oidc_file, &s->options.scenario };
    s->options = *o;
    for (uint32_t i = 0; i < MW_ARRAY_LEN(at); i++) {
        if (*at[i] == NULL)
            continue;
        s->own[i] = mw_strdup(*at[i]);
        *at[i] = s->own[i];
        if (s->own[i] == NULL)
            return no_memory(err);
    }
    if (o->connections_max == 0)
        s->options.connections_max = API_CONNECTIONS_MAX;
    if (o->slow_ns == 0)
        s->options.slow_ns = API_SLOW_S * MW_NS_PER_S;
    if (o->idle_ns == 0)
        s->options.idle_ns = API_IDLE_S * MW_NS_PER_S;
    if (o->output_max == 0)
        s->options.output_max = API_OUTPUT_MAX;
    if (o->rules != NULL) {
        memcpy(s->rules, o->rules, sizeof(s->rules));
        s->options.rules = s->rules;
    }
    return 0;
}

static int make_events(struct api_server *s, struct mw_error *err)
{
    s->quit_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    s->base = event_base_new();
    if (s->base == NULL || s->quit_fd < 0)
        return no_memory(err);
    s->bell = event_new(s->base, asks_bell(s->options.asks), EV_READ | EV_PERSIST, on_bell, s);
    s->timer = event_new(s->base, -1, 0, on_timer, s);
    s->quit = event_new(s->base, s->quit_fd, EV_READ, on_quit, s);
    if (s->bell == NULL || s->timer == NULL || s->quit == NULL || event_add(s->bell, NULL) != 0 ||
        event_add(s->quit, NULL) != 0)
        return no_memory(err);
    const struct connections_limits limits = {
        .most = s->options.connections_max, .slow_ns = s->options.slow_ns,
        .idle_ns = s->options.idle_ns, .output_max = s->options.output_max };
    int rc = connections_create(s->base, &limits, &s->connections, err);
    return rc < 0 ? rc : idempotency_create(&s->idempotency, err);
}

static struct bufferevent *new_buffer(struct event_base *base, void *ctx)
{
    const struct entrance *in = ctx;
    const struct api_server *s = in->server;
    struct bufferevent *b = NULL;
    SSL *ssl = in->over_tls ? SSL_new(s->tls) : NULL;
    if (!in->over_tls)
        b = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    else if (ssl != NULL)
        b = bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING,
                                           BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
    if (b != NULL && in->over_tls)
        bufferevent_openssl_set_allow_dirty_shutdown(b, 1);
    if (b != NULL)
        (void)connections_add(s->connections, b, in->over_unix, in->over_tls);
    return b;
}

/* Takes the listener. */
static int open_entrance(struct api_server *s, uint32_t by, struct evconnlistener *l,
                         struct mw_error *err)
{
    struct evhttp *http = evhttp_new(s->base);
    s->http[by] = http;
    s->in[by].server = s;
    if (http == NULL || evhttp_bind_listener(http, l) == NULL) {
        evconnlistener_free(l);
        return no_memory(err);
    }
    evconnlistener_set_error_cb(l, listener_breathe);
    connections_listener(s->connections, l);
    evhttp_set_max_headers_size(http, HTTP_HEADER_MAX);
    evhttp_set_max_body_size(http, HTTP_BODY_MAX);
    evhttp_set_timeout(http, API_IDLE_S);
    evhttp_set_allowed_methods(http, UINT16_MAX); /* the table says which; we answer 405 */
    evhttp_set_bevcb(http, new_buffer, &s->in[by]);
    evhttp_set_gencb(http, exchange_begin, &s->in[by]);
    return 0;
}

static int open_sockets(struct api_server *s, struct mw_error *err)
{
    const struct api_server_options *o = &s->options;
    int rc = o->tls_cert != NULL ? listen_tls(o->tls_cert, o->tls_key, &s->tls, err) : 0;
    if (rc == 0 && o->socket != NULL) {
        rc = listen_unix(s->base, o->socket, &s->unix_socket, err);
        s->in[BY_UNIX].over_unix = true;
        if (rc == 0)
            rc = open_entrance(s, BY_UNIX, s->unix_socket.listener, err);
    }
    if (rc == 0 && o->listen != NULL) {
        rc = listen_tcp(s->base, o->listen, s->tls != NULL, &s->tcp, err);
        s->in[BY_TCP].over_tls = s->tls != NULL;
        s->in[BY_TCP].loopback = s->tcp.loopback;
        if (rc == 0)
            rc = open_entrance(s, BY_TCP, s->tcp.listener, err);
        (void)snprintf(s->url, sizeof(s->url), "http%s://%s/", s->tls != NULL ? "s" : "",
                       s->tcp.address);
    }
    return rc;
}

static int make_parts(struct api_server *s, struct mw_error *err)
{
    int rc = 0;
    for (uint32_t i = 0; rc == 0 && i < API_PART_COUNT; i++)
        rc = PARTS[i].create(s, &s->part[i], err);
    return rc;
}

static int init(struct api_server *s, const struct api_server_options *o, struct mw_error *err)
{
    int rc = copy_options(s, o, err);
    if (rc == 0)
        rc = make_events(s, err);
    const struct access_options access = { .path = s->options.access_file };
    if (rc == 0)
        rc = access_create(&access, &s->access, err);
    if (rc == 0)
        rc = open_sockets(s, err);
    if (rc == 0)
        rc = audit_open(s->options.journal, &s->audit, err);
    if (rc == 0 && s->url[0] != '\0')
        rc = access_code_new(s->access, s->code, err);
    s->stats.started_ns = server_now_ns(s);
    if (rc == 0)
        rc = make_parts(s, err);
    return rc < 0 ? rc : start_thread(s, err);
}

int api_server_start(const struct api_server_options *o, struct api_server **ret,
                     struct mw_error *err)
{
    must(o != NULL && o->journal != NULL && o->asks != NULL && ret != NULL);
    must((o->tls_cert == NULL) == (o->tls_key == NULL));
    struct api_server *s = mw_calloc(1, sizeof(*s));
    if (s == NULL)
        return no_memory(err);
    s->quit_fd = -1;
    int rc = init(s, o, err);
    if (rc < 0) {
        api_server_stop(s);
        return rc;
    }
    *ret = s;
    return 0;
}

/* ---- ending ---------------------------------------------------------------------------------- */

static void stop_thread(struct api_server *s)
{
    const uint64_t one = 1;
    if (!s->running)
        return;
    must(write(s->quit_fd, &one, sizeof(one)) == sizeof(one));
    must(pthread_join(s->thread, NULL) == 0);
    s->running = false;
}

static void free_events(struct api_server *s)
{
    struct event *const event[] = { s->bell, s->timer, s->quit };
    for (uint32_t i = 0; i < MW_ARRAY_LEN(event); i++)
        if (event[i] != NULL)
            event_free(event[i]);
    if (s->base != NULL)
        event_base_free(s->base);
    if (s->quit_fd >= 0)
        (void)close(s->quit_fd);
}

void api_server_stop(struct api_server *s)
{
    if (s == NULL)
        return;
    stop_thread(s);
    for (uint32_t i = 0; i < ENTRANCES; i++)
        if (s->http[i] != NULL)
            evhttp_free(s->http[i]);
    for (uint32_t i = API_PART_COUNT; i > 0; i--)
        PARTS[i - 1].destroy(s->part[i - 1]);
    connections_destroy(s->connections);
    listen_unix_end(&s->unix_socket);
    replica_destroy(s->replica);
    idempotency_destroy(s->idempotency);
    audit_close(s->audit);
    access_destroy(s->access);
    listen_tls_end(s->tls);
    free_events(s);
    for (uint32_t i = 0; i < MW_ARRAY_LEN(s->own); i++)
        mw_free(s->own[i]);
    mw_free(s);
}

const char *api_server_url(const struct api_server *s)
{
    return s->url;
}

int api_server_link(struct api_server *s, char *ret, size_t size)
{
    if (s->code[0] == '\0')
        return MW_ENOTFOUND;
    int n = snprintf(ret, size, "%s#/login/%s", s->url, s->code);
    must(n > 0 && (size_t)n < size);
    memset(s->code, 0, sizeof(s->code));
    return 0;
}

/* ---- for handlers and parts ------------------------------------------------------------------ */

struct event_base *api_server_base(struct api_server *s)
{
    return s->base;
}

struct access *api_server_access(struct api_server *s)
{
    return s->access;
}

struct audit *api_server_audit(struct api_server *s)
{
    return s->audit;
}

struct asks *api_server_asks(struct api_server *s)
{
    return s->options.asks;
}

const struct api_server_options *api_server_options(const struct api_server *s)
{
    return &s->options;
}

struct replica *api_server_replica(struct api_server *s)
{
    return s->replica;
}

bool api_server_ready(const struct api_server *s)
{
    return s->ready;
}

void *api_server_part(struct api_server *s, uint32_t part)
{
    must(part < API_PART_COUNT);
    return s->part[part];
}

struct api_server_stats api_server_stats(const struct api_server *s)
{
    struct api_server_stats t = s->stats;
    struct connections_stats c = connections_stats(s->connections);
    t.connections_taken = c.taken;
    t.connections_refused = c.refused;
    t.dropped_slow = c.dropped_slow;
    t.dropped_idle = c.dropped_idle;
    t.dropped_full = c.dropped_full;
    t.connections = c.now;
    t.bytes_out = c.bytes_out;
    return t;
}

struct idempotency *server_idempotency(struct api_server *s)
{
    return s->idempotency;
}

struct connections *server_connections(struct api_server *s)
{
    return s->connections;
}

int64_t server_now_ns(const struct api_server *s)
{
    struct timespec t;
    (void)s;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * MW_NS_PER_S + t.tv_nsec;
}

uint64_t server_behind(const struct api_server *s)
{
    uint64_t told = asks_news(s->options.asks).seq;
    if (s->replica == NULL)
        return told;
    return MW_MAX(told, replica_head(s->replica)) - replica_seq(s->replica);
}

const char *server_trouble(const struct api_server *s)
{
    return s->trouble.code != 0 && s->replica != NULL ? s->trouble.text : NULL;
}

void server_audit_failed(struct api_server *s, const struct mw_error *err)
{
    s->audit_trouble = *err;
}

/* It is tried again with a line of its own: what was done unseen is told there. */
bool server_audit_trouble(struct api_server *s, struct mw_error *err)
{
    if (s->audit_trouble.code == 0)
        return false;
    const struct audit_entry e = {
        .time_ns = server_now_ns(s), .who = "millwright", .via = "none", .route = "audit",
        .target = "", .status = 500,
        .detail = "the line of what was done last could not be written" };
    if (audit_add(s->audit, &e, true, err) == 0) {
        s->audit_trouble = (struct mw_error){ 0 };
        return false;
    }
    (void)mw_fail_prefix(err, "the audit log takes nothing, so nothing is changed");
    return true;
}

struct server_health *server_health(struct api_server *s)
{
    return &s->health;
}

void server_count_request(struct api_server *s)
{
    s->stats.requests++;
}

void server_count_answer(struct api_server *s, int status)
{
    uint32_t class = status >= 100 && status < 600 ? (uint32_t)status / 100 : 0;
    s->stats.answers[class]++;
}
