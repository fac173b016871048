/*
 * Clients of event streams: where each of them is, and what it is given next.
 * Owns the clients; sockets are the server's, words are control's.
 */
#include "api/stream.h"

#include <event2/event.h>
#include <event2/util.h>
#include <stdio.h>
#include <string.h>

#include "api/feeds.h"
#include "api/parts.h"
#include "api/stream_private.h"
#include "base/mem.h"
#include "base/text.h"

#define TURN_SOON_MS 10     /* chosen: what comes together is sent together */
#define TURN_MS 100
#define STUCK_MS 1000       /* who takes nothing for so long is looked at more rarely */
#define STILL_MS 5000       /* who may no longer listen is found out within this */
#define SLICES_A_TURN 8u    /* of the record, for all clients together */

struct client {
    struct hub *hub;
    struct client *next;
    struct api_later *later; /* NULL: it has left */
    struct principal who;
    uint64_t kinds;          /* a bit a kind */
    uint64_t cursor;         /* it has all up to here */
    uint64_t left_out;       /* since it was told so last */
    uint64_t bookmark_seq;
    int64_t bookmark_ms, still_ms;
    int64_t moved_ms;        /* when it was given something last */
    bool all;                /* it asks for kinds that the ring need not have */
    bool in_ring;            /* it has reached the ring */
};

struct hub {
    struct api_server *server;
    struct replica *replica; /* borrowed; NULL until it is there */
    struct stream_ring ring;
    struct client *client;   /* owned */
    uint32_t clients, alls;  /* all; of these, who ask for all kinds */
    uint64_t slowest;        /* no client in the ring is behind this */
    uint32_t slices;         /* left in this turn */
    struct event *turn;
    struct evutil_monotonic_timer *clock;
    struct stream_stats stats;
};

static int64_t clock_ms(struct hub *h)
{
    struct timeval t;
    return evutil_gettime_monotonic(h->clock, &t) == 0
               ? (int64_t)t.tv_sec * 1000 + t.tv_usec / 1000 : 0;
}

static void turn_in(struct hub *h, int ms)
{
    const struct timeval t = { .tv_usec = ms * 1000 };
    (void)evtimer_add(h->turn, &t);
}

static uint64_t notable_kinds(void)
{
    uint64_t kinds = 0;
    for (uint16_t k = 0; k < EVENT_KIND_MAX; k++)
        if (projector_is_notable(&(struct event){ .kind = k }))
            kinds |= UINT64_C(1) << k;
    return kinds;
}

/* ---- the ring ------------------------------------------------------------------------------- */

static void on_leaves(void *ctx, const struct frame_text *f)
{
    struct hub *h = ctx;
    if (f->seq <= h->slowest)
        return;
    const struct fleet *fleet = replica_words(h->replica)->fleet;
    for (struct client *c = h->client; c; c = c->next) {
        if (!c->in_ring || c->cursor >= f->seq)
            continue;
        c->cursor = f->seq;
        if ((c->kinds >> f->kind & 1) && about_seen(&f->about, fleet, &c->who)) {
            c->left_out++;
            h->stats.left_out++;
        }
    }
}

/* The tenant of a job that has just ended is in history only. */
static struct about about_of(const struct hub *h, const struct event *ev)
{
    const struct control *c = replica_control(h->replica);
    struct about a = about_event(ev, c->board->fleet, c->board);
    struct history_store *history = feeds_history(h->server);
    struct history_job row;
    if (a.of_job && a.tenant == 0 && history && history_job_get(history, a.job, &row))
        a.tenant = row.tenant;
    return a;
}

static void keep(struct hub *h, const struct event *ev, const void *tail)
{
    struct evbuffer *b = evbuffer_new();
    struct frame_text f = { .seq = ev->seq, .kind = ev->kind, .about = about_of(h, ev) };
    bool good = b && stream_frame(b, replica_words(h->replica), ev, tail, &f.about);
    f.size = good ? (uint32_t)evbuffer_get_length(b) : 0;
    f.text = good ? mw_calloc(f.size, 1) : NULL;
    if (f.text)
        (void)evbuffer_copyout(b, f.text, f.size);
    if (b)
        evbuffer_free(b);
    if (f.text)
        stream_ring_add(&h->ring, &f, on_leaves, h);
    else /* no memory: clients fall back to the record */
        stream_ring_pass(&h->ring, ev, true);
}

static void on_told(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct hub *h = ctx;
    bool notable = projector_is_notable(ev);
    if (h->clients > 0 && h->ring.frame && (notable || h->alls > 0))
        keep(h, ev, tail);
    else
        stream_ring_pass(&h->ring, ev, notable);
    if (last && h->clients > 0)
        turn_in(h, TURN_SOON_MS);
}

/* ---- what a client is given ----------------------------------------------------------------- */

static bool has_room(const struct client *c, const struct evbuffer *more)
{
    return api_later_waiting(c->later) + evbuffer_get_length(more) < STREAM_CLIENT_BYTES;
}

static void give_dropped(struct client *c, struct evbuffer *to)
{
    if (c->left_out == 0 || !has_room(c, to))
        return;
    if (evbuffer_add_printf(to, "event: dropped\ndata: {\"left_out\":%llu}\n\n",
                            (unsigned long long)c->left_out) > 0)
        c->left_out = 0;
}

static void give_from_ring(struct client *c, struct evbuffer *to)
{
    struct hub *h = c->hub;
    const struct fleet *fleet = replica_words(h->replica)->fleet;
    uint32_t at = stream_ring_find(&h->ring, c->cursor);
    c->in_ring = true;
    give_dropped(c, to);
    for (; at < h->ring.count; at++) {
        const struct frame_text *f = stream_ring_at(&h->ring, at);
        if ((c->kinds >> f->kind & 1) && about_seen(&f->about, fleet, &c->who)) {
            if (!has_room(c, to) || evbuffer_add(to, f->text, f->size) != 0)
                return;
            h->stats.told++;
        }
        c->cursor = f->seq;
    }
    c->cursor = MW_MAX(c->cursor, h->ring.told);
}

struct slice {
    struct client *client;
    struct evbuffer *to;
    uint32_t left;
    uint64_t last_seq; /* the replica is there */
};

static int give_recorded(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct slice *s = ctx;
    struct client *c = s->client;
    struct hub *h = c->hub;
    (void)last;
    if (ev->seq > s->last_seq || s->left == 0)
        return 1;
    if (c->kinds >> ev->kind & 1) {
        struct about a = about_of(h, ev);
        if (!has_room(c, s->to))
            return 1;
        if (about_seen(&a, replica_words(h->replica)->fleet, &c->who)) {
            if (!stream_frame(s->to, replica_words(h->replica), ev, tail, &a))
                return MW_ENOMEM;
            h->stats.from_record++;
        }
    }
    c->cursor = ev->seq;
    s->left--;
    return 0;
}

/* A slice of the record; false when it cannot be read. */
static bool give_from_record(struct client *c, struct evbuffer *to)
{
    struct hub *h = c->hub;
    struct journal *j = replica_journal(h->replica);
    struct slice s = { .client = c, .to = to, .left = STREAM_SLICE,
                       .last_seq = h->ring.told };
    if (h->slices == 0)
        return true;
    h->slices--;
    return j->ops->read(j, c->cursor + 1, give_recorded, &s, NULL) >= 0;
}

static uint64_t ring_from(const struct client *c)
{
    return c->all ? c->hub->ring.all_from : c->hub->ring.notable_from;
}

static void give_bookmark(struct client *c, struct evbuffer *to, int64_t now_ms)
{
    struct hub *h = c->hub;
    uint64_t revision = replica_seq(h->replica);
    int64_t since = now_ms - c->bookmark_ms;
    bool moved = revision != c->bookmark_seq && since >= STREAM_BOOKMARK_MS_MIN;
    struct text now = { 0 };
    if ((!moved && since < STREAM_BOOKMARK_MS) || !has_room(c, to))
        return;
    words_time_ms(&now, mw_ms(replica_now_ns(h->replica)));
    if (c->cursor >= h->ring.told && c->cursor > 0)
        (void)evbuffer_add_printf(to, "id: %llu\n", (unsigned long long)c->cursor);
    (void)evbuffer_add_printf(to, "event: bookmark\ndata: {\"now\":\"%s\",\"revision\":%llu}\n\n",
                              text_string(&now), (unsigned long long)revision);
    text_fini(&now);
    c->bookmark_ms = now_ms;
    c->bookmark_seq = revision;
}

/* False: it is to leave. */
static bool serve(struct client *c, int64_t now_ms)
{
    struct evbuffer *to = evbuffer_new();
    bool good = to != NULL;
    if (good && now_ms - c->still_ms >= STILL_MS) {
        good = access_still(api_server_access(c->hub->server), &c->who);
        c->still_ms = now_ms;
    }
    if (good && c->cursor < ring_from(c))
        good = give_from_record(c, to);
    if (good && c->cursor >= ring_from(c))
        give_from_ring(c, to);
    if (good)
        give_bookmark(c, to, now_ms);
    if (good && evbuffer_get_length(to) > 0)
        api_later_chunk(c->later, to);
    if (to)
        evbuffer_free(to);
    return good;
}

/* ---- turns ---------------------------------------------------------------------------------- */

static void free_left(struct hub *h)
{
    struct client **at = &h->client;
    while (*at) {
        struct client *c = *at;
        if (c->later) {
            at = &c->next;
            continue;
        }
        *at = c->next;
        h->clients--;
        h->alls -= c->all;
        mw_free(c);
    }
    if (h->clients == 0)
        stream_ring_end(&h->ring);
}

static bool waits(const struct client *c)
{
    return c->cursor < c->hub->ring.told;
}

/* Whoever was first goes last: the slices of the record go round. */
static void rotate(struct hub *h)
{
    struct client *first = h->client, **end = &h->client;
    if (!first || !first->next)
        return;
    h->client = first->next;
    first->next = NULL;
    while (*end)
        end = &(*end)->next;
    *end = first;
}

static void on_turn(evutil_socket_t fd, short what, void *ctx)
{
    struct hub *h = ctx;
    int64_t now_ms = clock_ms(h);
    uint64_t slowest = UINT64_MAX;
    bool more = false;
    (void)fd;
    (void)what;
    h->slices = SLICES_A_TURN;
    for (struct client *c = h->client; c; c = c->next) {
        uint64_t before = c->cursor;
        if (c->later && !serve(c, now_ms) && c->later) {
            struct api_later *l = TAKE(c->later);
            api_later_end(l);
        }
        if (c->in_ring)
            slowest = MW_MIN(slowest, c->cursor);
        if (c->cursor > before)
            c->moved_ms = now_ms;
        more |= c->later && waits(c) && now_ms - c->moved_ms < STUCK_MS;
    }
    h->slowest = slowest;
    free_left(h);
    rotate(h);
    if (h->clients > 0)
        turn_in(h, more ? TURN_SOON_MS : TURN_MS);
}

static void on_gone(void *ctx)
{
    struct client *c = ctx;
    c->later = NULL; /* the next turn frees it */
    turn_in(c->hub, TURN_SOON_MS);
}

/* ---- a client comes ------------------------------------------------------------------------- */

int stream_kinds(const char *asked, uint64_t *ret, struct mw_error *err)
{
    uint64_t kinds = 0;
    if (!asked || !*asked) {
        *ret = notable_kinds();
        return 0;
    }
    if (strcmp(asked, "all") == 0) {
        *ret = UINT64_MAX;
        return 0;
    }
    for (const char *at = asked; *at;) {
        char name[64];
        size_t n = strcspn(at, ",");
        (void)snprintf(name, sizeof(name), "%.*s", (int)MW_MIN(n, sizeof(name) - 1), at);
        uint32_t kind = event_kind_find(name);
        if (kind == EV_NONE)
            return mw_fail(err, MW_EINVAL, "kind: \"%s\" is no kind of event (mw docs events "
                           "lists them); \"all\" is all of them", name);
        kinds |= UINT64_C(1) << kind;
        at += n + (at[n] == ',');
    }
    *ret = kinds;
    return 0;
}

/* Where it begins: behind Last-Event-ID, else behind `after`, else now. */
static int read_place(const struct api_call *call, uint64_t now_seq, uint64_t *ret,
                      struct mw_error *err)
{
    *ret = now_seq;
    if (call->last_event_id && *call->last_event_id) {
        if (mw_parse_u64(call->last_event_id, ret) != 0)
            return mw_fail(err, MW_EINVAL, "Last-Event-ID: \"%.40s\" is no sequence of an event",
                           call->last_event_id);
        return 0;
    }
    return api_query_u64(call, "after", INT64_MAX, ret, err);
}

static int gone(struct api_answer *ret, struct mw_error *err, uint64_t place, uint64_t now_seq)
{
    ret->status = 410;
    (void)snprintf(ret->hint, sizeof(ret->hint), "read the lists again, then follow from their "
                   "revision");
    if (place > now_seq)
        return mw_fail(err, MW_ENOTFOUND, "event %llu is not in this record, which ends at %llu",
                       (unsigned long long)place, (unsigned long long)now_seq);
    return mw_fail(err, MW_ENOTFOUND, "event %llu is more than %u events back",
                   (unsigned long long)place, STREAM_BACK_MAX);
}

static void add_client(struct hub *h, struct client *c)
{
    c->next = h->client;
    h->client = c;
    h->clients++;
    h->alls += c->all;
    if (c->all && h->alls == 1) /* from here on the ring has everything */
        h->ring.all_from = MW_MAX(h->ring.all_from, h->ring.told);
    c->in_ring = c->cursor >= ring_from(c);
    if (c->in_ring)
        h->slowest = MW_MIN(h->slowest, c->cursor);
    turn_in(h, TURN_SOON_MS);
}

static void begin_answer(struct client *c)
{
    struct evbuffer *hello = evbuffer_new();
    struct api_answer head = { .status = 200, .type = "text/event-stream" };
    api_later_begin(c->later, &head);
    if (!hello)
        return;
    (void)evbuffer_add_printf(hello, "retry: 2000\n\n");
    if (c->later)
        api_later_chunk(c->later, hello);
    evbuffer_free(hello);
}

int api_get_stream(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    struct hub *h = api_server_part(call->server, PART_STREAM);
    char asked[1024];
    uint64_t kinds, place, now_seq = replica_seq(call->replica);
    must(h && h->replica);
    int r = stream_kinds(api_query_get(call, "kind", asked, sizeof(asked)), &kinds, err);
    if (r == 0)
        r = read_place(call, now_seq, &place, err);
    if (r < 0)
        return r;
    if (place > now_seq || now_seq - place > STREAM_BACK_MAX)
        return gone(ret, err, place, now_seq);
    if (h->clients >= STREAM_CLIENTS_MAX)
        return mw_fail(err, MW_EBUSY, "%u clients listen already", h->clients);
    struct client *c = mw_calloc(1, sizeof(*c));
    if (!c || !stream_ring_begin(&h->ring)) {
        mw_free(c);
        return mw_fail(err, MW_ENOMEM, "out of memory");
    }
    *c = (struct client){ .hub = h, .who = *call->who, .kinds = kinds, .cursor = place,
                          .still_ms = clock_ms(h), .all = (kinds & ~notable_kinds()) != 0 };
    c->later = api_later(call, on_gone, c);
    if (!c->later) {
        mw_free(c);
        return mw_fail(err, MW_ENOMEM, "out of memory");
    }
    ret->later = true;
    add_client(h, c);
    begin_answer(c);
    return 0;
}

/* ---- the part ------------------------------------------------------------------------------- */

static void hub_free(struct hub *h)
{
    if (h->turn)
        event_free(h->turn);
    if (h->clock)
        evutil_monotonic_timer_free(h->clock);
    mw_free(h);
}

int stream_part_create(struct api_server *s, void **ret, struct mw_error *err)
{
    struct hub *h = mw_calloc(1, sizeof(*h));
    if (!h)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    h->server = s;
    h->slowest = UINT64_MAX;
    h->turn = evtimer_new(api_server_base(s), on_turn, h);
    h->clock = evutil_monotonic_timer_new();
    if (!h->turn || !h->clock || evutil_configure_monotonic_time(h->clock, 0) != 0) {
        hub_free(h);
        return mw_fail(err, MW_ENOMEM, "out of memory");
    }
    *ret = h;
    return 0;
}

void stream_part_begin(void *part, struct replica *r)
{
    struct hub *h = part;
    h->replica = r;
    h->ring.told = h->ring.notable_from = h->ring.all_from = replica_seq(r);
    replica_listen(r, on_told, h);
}

void stream_part_destroy(void *part)
{
    struct hub *h = part;
    if (!h)
        return;
    for (struct client *c = h->client; c; c = c->next)
        if (c->later) {
            struct api_later *l = TAKE(c->later);
            api_later_end(l);
        }
    free_left(h);
    stream_ring_end(&h->ring);
    hub_free(h);
}

struct stream_stats stream_stats(struct api_server *s)
{
    const struct hub *h = api_server_part(s, PART_STREAM);
    struct stream_stats t = h ? h->stats : (struct stream_stats){ 0 };
    if (h) {
        t.clients = h->clients;
        t.ring_bytes = h->ring.bytes;
    }
    return t;
}
