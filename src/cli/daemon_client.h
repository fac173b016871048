/*
 * Questions to a daemon and their answers: HTTP by libcurl on its Unix socket,
 * or at a URL with a bearer token and TLS.  What the daemon refuses (a problem
 * document) comes back as the error that it named, with its hint.
 *
 * A question that changes nothing is asked again while the daemon says that it
 * is busy (503, Retry-After).  What changes something carries a key
 * (Idempotency-Key), so that it is done once whatever happens on the way.
 */
#ifndef MW_CLI_DAEMON_CLIENT_H
#define MW_CLI_DAEMON_CLIENT_H

#include <jansson.h>

#include "base/text.h"
#include "cli/sse.h"

#define DAEMON_ANSWER_MAX ((size_t)256 << 20)

/* Where a daemon is. */
struct daemon_where {
    const char *socket;     /* its control socket; NULL and no url: where mw serve listens */
    const char *url;        /* "https://mw.example:7378"; NULL = by the socket */
    const char *token_file; /* NULL = no token */
    const char *ca_file;    /* whom to trust; NULL = whom the system trusts */
};

struct daemon; /* one thread at a time */

/* True: break off.  Asked about once a second while an answer is awaited. */
typedef bool daemon_stop_fn(void *ctx);

/* Copies what it is given; sends nothing yet.  MW_EDENIED, MW_ENOTFOUND, MW_EINVAL: the token or
 * the path; MW_ENOMEM. */
MW_MUST_USE int daemon_open(const struct daemon_where *w, struct daemon **ret,
                            struct mw_error *err);
/* Another connection to the same daemon. */
MW_MUST_USE int daemon_clone(const struct daemon *d, struct daemon **ret, struct mw_error *err);
void daemon_close(struct daemon *d);           /* NULL is fine; for mw_cleanup: daemon_closep */
void daemon_closep(struct daemon **d);
const char *daemon_name(const struct daemon *d); /* the socket's path or the URL, for messages */
bool daemon_is_url(const struct daemon *d);
/* The clock of the daemon's machine when it last answered, s UTC; -1 when it did not say. */
int64_t daemon_date_s(const struct daemon *d);
void daemon_stop_when(struct daemon *d, daemon_stop_fn *stop, void *ctx);

struct daemon_call {
    const char *path;    /* "/api/v1/status" */
    const char *method;  /* NULL = GET, or with a body POST */
    const json_t *body;  /* NULL = none */
    int64_t wait_ns;     /* as long as nobody listens, try again for this long */
    int64_t timeout_ns;  /* for the answer; 0 = 10 s */
};

/* Gives *ret (json_decref).  MW_EUNREACHABLE: no daemon.  MW_EDENIED: not for this user.
 * MW_ETIMEOUT.  MW_ESYNTAX: what answers is no daemon of ours.  MW_ECONFLICT when stopped.  Else
 * what it says. */
MW_MUST_USE int daemon_ask(struct daemon *d, const struct daemon_call *c, json_t **ret,
                           struct mw_error *err);

/* The same, the answer as it is, into ret, which is empty. */
MW_MUST_USE int daemon_fetch(struct daemon *d, const struct daemon_call *c, struct text *ret,
                             struct mw_error *err);

/* Reads an event stream until `each` says false (0), the daemon ends it or is silent for 30 s
 * (MW_EUNREACHABLE), or it is stopped (0).  after: the last id that was seen; "" = from now.
 * MW_ENOTFOUND: what comes after it is not kept any more (410). */
MW_MUST_USE int daemon_stream(struct daemon *d, const char *path, const char *after,
                              sse_each_fn *each, void *ctx, struct mw_error *err);

/* Appends a value to a path's query: "name=value" percent-encoded, after '?' or '&'. */
void daemon_query_add(struct text *path, const char *name, const char *value);

#endif
