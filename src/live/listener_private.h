/* What the files of the listener share. */
#ifndef MW_LIVE_LISTENER_PRIVATE_H
#define MW_LIVE_LISTENER_PRIVATE_H

#include "live/agents.h"
#include "live/authority.h"
#include "live/listener.h"

#define LISTENER_TOKEN_MAX sizeof(((struct agent_frame *)NULL)->token)

struct bufferevent;
struct event;
struct evconnlistener;

struct connection {
    struct listener *listener;
    struct connection *before, *after;
    struct bufferevent *buffer;
    struct event *timer; /* the deadline of its hello, then of its closing */
    uint32_t peer;       /* MW_NONE before hello */
    bool closing;        /* what is written still goes out, nothing is read */
    int64_t ends_s;      /* TLS, after hello: when its certificate ends, Unix time */
    int64_t begins_s;    /* … and began */
};

struct listener {
    struct listener_options options;
    char token[LISTENER_TOKEN_MAX];
    char address[LISTENER_ADDRESS_MAX];
    struct evconnlistener *socket;
    struct connection *first;
    struct connection **of_peer;
    uint32_t peers;
    struct listener_stats stats;
    /* TLS */
    SSL_CTX *tls;              /* NULL = plain */
    struct event *sweep;       /* looks for what was revoked or has ended */
    int64_t served_s;          /* when our own certificate was made */
    uint64_t revocations;      /* of the authority, at the last sweep */
};

/* Tells why, and closes when that is on its way. */
void listener_refuse(struct connection *c, int code, const char *text);
bool listener_write(struct connection *c, const struct agent_frame *f);
struct timeval listener_timeval(int64_t ns);

/* listener_tls.c */
MW_MUST_USE int listener_tls_open(struct listener *l, struct mw_error *err);
void listener_tls_close(struct listener *l);
/* A buffer over a fresh TLS connection; NULL: out of memory. Takes fd. */
struct bufferevent *listener_tls_buffer(struct listener *l, struct event_base *base, int fd);
/* Whether the connection may say this hello. MW_EDENIED. */
MW_MUST_USE int listener_tls_hello(struct connection *c, const struct agent_frame *hello,
                                   struct mw_error *err);
/* Answers a join or a renewal, or refuses it. */
void listener_tls_ask(struct connection *c, const struct agent_frame *f);

#endif
