/*
 * Many HTTP requests at once on one thread, for the doors that speak HTTP: a
 * bound on how many run, a deadline for each, connections kept between rounds.
 * Redirects are not followed: a BMC that sends its password elsewhere is a
 * fault, not a convenience.  Certificates are verified unless told otherwise.
 */
#ifndef MW_GATHER_FETCH_H
#define MW_GATHER_FETCH_H

#include "base/error.h"

#define FETCH_BYTES_MAX ((size_t)16 << 20) /* of one answer */
#define FETCH_HEADERS_MAX 8

/* Whom to believe.  Borrowed for the call. */
struct fetch_trust {
    const char *ca;  /* file of certificates; NULL = the system's */
    const char *pin; /* "sha256//BASE64" of the public key: then nothing else is checked; NULL */
    bool insecure;   /* whoever answers */
};

struct fetch_request {
    const char *url;
    const char *method;      /* NULL = GET */
    const char *body;        /* NULL = none; JSON */
    const char *user, *password; /* Basic; NULL = none */
    const char *token_header;    /* "X-Auth-Token: …" or "Authorization: Bearer …"; NULL */
    const char *accept;      /* NULL = JSON */
    const struct fetch_trust *trust;
    int64_t deadline_ms;
};

/* Borrowed for the call. */
struct fetch_result {
    int rc;            /* 0: an answer came; MW_ETIMEOUT, MW_EUNREACHABLE, MW_EDENIED (certificate),
                          MW_ELIMIT, MW_EIO */
    long status;       /* of the answer */
    const char *body;  /* ends with '\0' */
    size_t size;
    const char *text;  /* rc != 0: why */
    const char *token; /* X-Auth-Token of the answer, or "" */
    const char *location; /* Location of the answer, or "" */
};
/* May start further requests. */
typedef void fetch_done_fn(void *ctx, const struct fetch_result *r);

struct fetch;
/* kept: connections that stay open between rounds. MW_ENOMEM. */
MW_MUST_USE int fetch_create(uint32_t running_max, uint32_t kept, struct fetch **ret,
                             struct mw_error *err);
void fetch_destroy(struct fetch *f); /* NULL is fine; no request may run */

/* Copies what the request points to. MW_ENOMEM: done is not called. */
MW_MUST_USE int fetch_start(struct fetch *f, const struct fetch_request *q, fetch_done_fn *done,
                            void *ctx, struct mw_error *err);
/* Until nothing runs and nothing waits. */
void fetch_run(struct fetch *f);

#endif
