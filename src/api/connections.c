/* Looks after connections.  See connections.h. */
#include "api/connections.h"

#include <time.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/units.h"

#define LOOK_MS 250 /* between two looks: how late a limit may strike */
#define INPUT_MAX ((size_t)256 * 1024) /* read ahead of one; HTTP takes it as it comes */

struct connections {
    struct connections_limits limits;
    struct connections_stats stats;
    struct event *timer;
    struct connection *row; /* owned: limits.most + CONNECTIONS_TOLD */
    uint32_t rows, first_free;
    struct map of_buffer;
    struct evconnlistener *listener[CONNECTIONS_LISTENERS_MAX];
    uint32_t listeners;
    bool deaf; /* the listeners rest */
    int64_t now_ns; /* monotonic, of the last look */
};

static void look_at_clock(struct connections *c)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    c->now_ns = (int64_t)t.tv_sec * MW_NS_PER_S + t.tv_nsec;
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static void on_input(struct evbuffer *b, const struct evbuffer_cb_info *info, void *ctx)
{
    struct connection *k = ctx;
    (void)b;
    if (info->n_added > 0 && k->begun_ns == 0 && !k->busy)
        k->begun_ns = k->all->now_ns;
}

static void on_output(struct evbuffer *b, const struct evbuffer_cb_info *info, void *ctx)
{
    struct connection *k = ctx;
    if (info->n_deleted > 0) {
        k->all->stats.bytes_out += info->n_deleted;
        k->stuck_ns = 0;
    }
    if (evbuffer_get_length(b) > 0 && k->stuck_ns == 0)
        k->stuck_ns = k->all->now_ns;
}

/* ---- ends ------------------------------------------------------------------------------------ */

/* HTTP takes its callbacks away when it frees a connection, and else never for longer than a
 * call. */
static bool has_ended(const struct connection *k)
{
    bufferevent_event_cb on_event = NULL;
    bufferevent_getcb(k->buffer, NULL, NULL, &on_event, NULL);
    return on_event == NULL;
}

static void let_go(struct connection *k)
{
    struct connections *c = k->all;
    must(map_remove(&c->of_buffer, (uint64_t)(uintptr_t)k->buffer));
    (void)evbuffer_remove_cb(bufferevent_get_input(k->buffer), on_input, k);
    (void)evbuffer_remove_cb(bufferevent_get_output(k->buffer), on_output, k);
    (void)bufferevent_decref(TAKE(k->buffer));
    k->next_free = c->first_free;
    c->first_free = (uint32_t)(k - c->row);
    c->stats.now--;
}

/* To HTTP it is as if the client had been silent for too long: it frees the connection, and an
 * answer that is still to come learns that nobody waits for it. */
static void drop(struct connection *k, uint64_t *count)
{
    (*count)++;
    bufferevent_trigger_event(k->buffer, BEV_EVENT_READING | BEV_EVENT_TIMEOUT, 0);
}

static bool is_slow(const struct connection *k)
{
    int64_t limit_ns = k->all->now_ns - k->all->limits.slow_ns;
    bool asking = !k->busy && k->begun_ns != 0 && k->begun_ns < limit_ns;
    return asking || (k->stuck_ns != 0 && k->stuck_ns < limit_ns);
}

static bool is_idle(const struct connection *k)
{
    int64_t limit_ns = k->all->now_ns - k->all->limits.idle_ns;
    return !k->busy && k->begun_ns == 0 && k->stuck_ns == 0 && k->idle_ns < limit_ns;
}

static void look_at(struct connection *k)
{
    struct connections *c = k->all;
    if (has_ended(k))
        let_go(k);
    else if (evbuffer_get_length(bufferevent_get_output(k->buffer)) > c->limits.output_max)
        drop(k, &c->stats.dropped_full);
    else if (is_slow(k))
        drop(k, &c->stats.dropped_slow);
    else if (is_idle(k))
        drop(k, &c->stats.dropped_idle);
}

static void listen_again(struct connections *c)
{
    if (!c->deaf || c->stats.now >= c->rows)
        return;
    for (uint32_t i = 0; i < c->listeners; i++)
        (void)evconnlistener_enable(c->listener[i]);
    c->deaf = false;
}

static void look(struct connections *c)
{
    look_at_clock(c);
    for (uint32_t i = 0; i < c->rows; i++)
        if (c->row[i].buffer != NULL)
            look_at(&c->row[i]);
    listen_again(c);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    look(ctx);
}

/* ---- the table ------------------------------------------------------------------------------- */

static int init(struct connections *c, struct event_base *base)
{
    static const struct timeval every = { .tv_usec = LOOK_MS * 1000 };
    c->rows = c->limits.most + CONNECTIONS_TOLD;
    c->row = mw_calloc(c->rows, sizeof(*c->row));
    c->timer = event_new(base, -1, EV_PERSIST, on_timer, c);
    if (c->row == NULL || c->timer == NULL || event_add(c->timer, &every) != 0 ||
        map_init(&c->of_buffer, c->rows) < 0)
        return MW_ENOMEM;
    for (uint32_t i = 0; i < c->rows; i++)
        c->row[i].next_free = i + 1 < c->rows ? i + 1 : MW_NONE;
    look_at_clock(c);
    return 0;
}

int connections_create(struct event_base *base, const struct connections_limits *l,
                       struct connections **ret, struct mw_error *err)
{
    must(base != NULL && l != NULL && ret != NULL);
    struct connections *c = mw_calloc(1, sizeof(*c));
    if (c != NULL)
        c->limits = *l;
    if (c == NULL || init(c, base) < 0) {
        connections_destroy(c);
        return mw_fail(err, MW_ENOMEM, "out of memory for %u connections", l->most);
    }
    *ret = c;
    return 0;
}

void connections_destroy(struct connections *c)
{
    if (c == NULL)
        return;
    for (uint32_t i = 0; c->row != NULL && i < c->rows; i++)
        if (c->row[i].buffer != NULL)
            let_go(&c->row[i]);
    if (c->timer != NULL)
        event_free(c->timer);
    map_fini(&c->of_buffer);
    mw_free(c->row);
    mw_free(c);
}

void connections_listener(struct connections *c, struct evconnlistener *l)
{
    must(c->listeners < CONNECTIONS_LISTENERS_MAX);
    c->listener[c->listeners++] = l;
}

static void rest(struct connections *c)
{
    for (uint32_t i = 0; i < c->listeners; i++)
        (void)evconnlistener_disable(c->listener[i]);
    c->deaf = true;
}

bool connections_add(struct connections *c, struct bufferevent *b, bool over_unix, bool over_tls)
{
    if (c->stats.now >= c->limits.most)
        look(c); /* those that have ended do not count */
    if (c->first_free == MW_NONE) {
        rest(c);
        return false;
    }
    struct connection *k = &c->row[c->first_free];
    c->first_free = k->next_free;
    *k = (struct connection){ .buffer = b, .all = c, .next_free = MW_NONE,
                              .told = c->stats.now >= c->limits.most, .over_unix = over_unix,
                              .over_tls = over_tls, .idle_ns = c->now_ns };
    bufferevent_incref(b);
    map_put(&c->of_buffer, (uint64_t)(uintptr_t)b, (uint32_t)(k - c->row));
    bufferevent_setwatermark(b, EV_READ, 0, INPUT_MAX);
    (void)evbuffer_add_cb(bufferevent_get_input(b), on_input, k);
    (void)evbuffer_add_cb(bufferevent_get_output(b), on_output, k);
    c->stats.now++;
    c->stats.taken += !k->told;
    c->stats.refused += k->told;
    if (c->stats.now >= c->rows)
        rest(c);
    return true;
}

struct connection *connections_find(struct connections *c, const struct bufferevent *b)
{
    uint32_t row = map_get(&c->of_buffer, (uint64_t)(uintptr_t)b);
    return row != MW_NONE ? &c->row[row] : NULL;
}

void connection_asked(struct connection *k)
{
    k->busy = true;
    k->begun_ns = 0;
    k->requests++;
}

void connection_answered(struct connection *k)
{
    k->busy = false;
    k->idle_ns = k->all->now_ns;
    bool more = evbuffer_get_length(bufferevent_get_input(k->buffer)) > 0;
    k->begun_ns = more ? k->all->now_ns : 0;
}

struct connections_stats connections_stats(const struct connections *c)
{
    return c->stats;
}
