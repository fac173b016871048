/*
 * The server's connections: how many there are, and those that are dropped, because a request does
 * not come to its end, an answer is not taken, or nothing was asked for long.  libevent's HTTP owns
 * and frees them; this holds one reference each, so that they can be looked at and counted, and
 * lets go at the next look after HTTP did.
 *
 * One thread: the event base's.  Internal to the server.
 */
#ifndef MW_API_CONNECTIONS_H
#define MW_API_CONNECTIONS_H

#include "base/error.h"

struct bufferevent;
struct event_base;
struct evconnlistener;

/* Past the bound this many more are taken, only to be told so (503). */
#define CONNECTIONS_TOLD 256u
#define CONNECTIONS_LISTENERS_MAX 2

struct connection {
    struct bufferevent *buffer; /* a reference; NULL = the row is free */
    struct connections *all;
    uint32_t next_free;
    bool told;         /* past the bound: only told so */
    bool over_unix, over_tls;
    bool busy;         /* a request is being answered */
    int64_t begun_ns;  /* first byte of a request that is not whole; 0 = none */
    int64_t idle_ns;   /* since when nothing was asked */
    int64_t stuck_ns;  /* since when nothing was taken of what waits; 0 = nothing waits */
    uint64_t requests;
};

struct connections_limits {
    uint32_t most;
    int64_t slow_ns, idle_ns;
    size_t output_max;
};

struct connections_stats {
    uint64_t taken, refused, dropped_slow, dropped_idle, dropped_full, bytes_out;
    uint32_t now;
};

struct connections;
MW_MUST_USE int connections_create(struct event_base *base, const struct connections_limits *l,
                                   struct connections **ret, struct mw_error *err);
/* After HTTP has freed them all. */
void connections_destroy(struct connections *c);

/* Stops listening while there is no row left. */
void connections_listener(struct connections *c, struct evconnlistener *l);

/* Keeps a new one, which has no socket yet.  false: no row is left. */
bool connections_add(struct connections *c, struct bufferevent *b, bool over_unix, bool over_tls);

/* NULL when it is none of ours. */
struct connection *connections_find(struct connections *c, const struct bufferevent *b);

/* A request of it is whole; its answer has been given to HTTP. */
void connection_asked(struct connection *k);
void connection_answered(struct connection *k);

struct connections_stats connections_stats(const struct connections *c);

#endif
