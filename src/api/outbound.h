/*
 * HTTP requests to others: the identity provider, alert receivers, webhooks.  A
 * worker thread with libcurl makes them, one event base hears how they ended, so
 * that neither the API's thread nor the writer ever waits for a stranger.
 *
 * What is asked is bounded: requests waiting, bytes of an answer, time.  Redirects
 * are not followed; only http and https; TLS certificates are always checked.
 * Never logs, never retries: who asks does.
 */
#ifndef MW_API_OUTBOUND_H
#define MW_API_OUTBOUND_H

#include "base/error.h"

struct event_base;
struct outbound;

#define OUTBOUND_WAITING_MAX 1024             /* past it: MW_ELIMIT */
#define OUTBOUND_ANSWER_MAX ((size_t)1 << 20) /* default of answer_max */
#define OUTBOUND_TIMEOUT_NS (INT64_C(10) * 1000000000)
#define OUTBOUND_HEADERS_MAX 16

struct outbound_request {
    const char *method;              /* "GET", "POST", "PUT", "DELETE" */
    const char *url;                 /* http:// or https:// */
    const char *headers[OUTBOUND_HEADERS_MAX + 1]; /* "Name: value", NULL-ended */
    const char *body;                /* NULL = none */
    size_t size;
    size_t answer_max;               /* bytes; 0 = OUTBOUND_ANSWER_MAX */
    int64_t timeout_ns;              /* for the whole of it; 0 = OUTBOUND_TIMEOUT_NS */
    const char *user, *password;     /* HTTP basic; NULL = none */
    const char *ca_file;             /* PEM; NULL = that of the options */
};

struct outbound_answer {
    int code;            /* 0, or MW_EUNREACHABLE, MW_ETIMEOUT, MW_ELIMIT (answer too long), … */
    long status;         /* HTTP; 0 when code != 0 */
    const char *body;    /* '\0'-ended; "" when there is none; borrowed for the call */
    size_t size;
    const char *type;    /* Content-Type; "" when absent */
    int64_t max_age_s;   /* of Cache-Control; -1 = not said */
    int64_t retry_after_s; /* of Retry-After in seconds; -1 = not said */
    int64_t took_ns;
    const char *text;    /* why code != 0, one sentence */
};

/* Called on the event base's thread, once for each request that was taken. */
typedef void outbound_done_fn(void *ctx, const struct outbound_answer *a);

struct outbound_options {
    struct event_base *base; /* borrowed: completions come there */
    const char *ca_file;     /* PEM; NULL = the system's certificates */
};

/* Starts the worker. */
MW_MUST_USE int outbound_create(const struct outbound_options *o, struct outbound **ret,
                                struct mw_error *err);
/* Ends what is under way: every completion not yet called is called with MW_EBUSY, from here. */
void outbound_destroy(struct outbound *o);

/* Copies what the request points to.  MW_EINVAL (method or address), MW_ELIMIT, MW_ENOMEM: then
 * done is not called. */
MW_MUST_USE int outbound_ask(struct outbound *o, const struct outbound_request *q,
                             outbound_done_fn *done, void *ctx, struct mw_error *err);

/* Who asked with this ctx is going: none of his completions is called any more. */
void outbound_forget(struct outbound *o, const void *ctx);

/* How many wait or are under way. */
uint32_t outbound_waiting(const struct outbound *o);

#endif
