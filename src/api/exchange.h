/*
 * One question and its answer, between libevent's HTTP and the handlers of the route table: what is
 * checked before (limits, host, who asks, permission, body) and what is done after (ETag, gzip,
 * headers, audit).  Internal to the server.
 */
#ifndef MW_API_EXCHANGE_H
#define MW_API_EXCHANGE_H

#include "api/connections.h"
#include "api/idempotency.h"
#include "api/routes.h"

struct evhttp_request;

/* Where a question came in: what a listener's HTTP hands to its callback. */
struct entrance {
    struct api_server *server;
    bool over_unix, over_tls;
    bool loopback;   /* names that a Host header may say are checked */
};

struct api_later { /* = exchange: a handler sees it as the handle of an answer that comes later */
    struct api_call call;
    struct principal who;
    char arg[API_ARGS_MAX][API_ARG_MAX];
    char path[1024];
    char *body;                  /* owned */
    struct evhttp_request *http; /* ours until it was answered or the client left */
    struct connection *connection;
    const struct entrance *in;
    bool kept;      /* the handler has the handle */
    bool begun;     /* a stream: the head is out */
    void (*gone)(void *ctx);
    void *gone_ctx;
    uint64_t once;  /* ticket of an Idempotency-Key; 0 = none */
};

/* evhttp's callback; ctx is the entrance. */
void exchange_begin(struct evhttp_request *q, void *ctx);

/* ---- between the halves (exchange.c, answer.c) ----------------------------------------------- */

/* Takes the answer, sends it and ends the exchange. */
void exchange_answer(struct api_later *x, struct api_answer *a);
/* The same for a refusal. */
void exchange_refuse(struct api_later *x, int status, const struct mw_error *err);
/* The connection goes on, or is closed; the exchange is freed. */
void exchange_end(struct api_later *x);
/* Status line and the headers that every answer has. */
void answer_head(struct api_later *x, struct api_answer *a);

#endif
