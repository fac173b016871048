/*
 * Logins by an identity provider (OpenID Connect): a browser's by authorization
 * code with PKCE, a terminal's by the device flow (RFC 8628).  The provider vouches
 * once; what is used afterwards is our own: a session for the browser, a token that
 * ends with the shift for the terminal.  The provider's tokens are never kept and
 * never taken as bearers.
 *
 * What binds a login to its browser: `state` and a cookie that only that browser
 * has, both random, both used once within OIDC_LOGIN_NS; to its token: `nonce` and
 * the PKCE verifier.  Where the browser goes afterwards is always a place in this
 * console.
 *
 * On the server's thread.  Knows nothing of HTTP's server: who asks brings a
 * completion.
 */
#ifndef MW_API_OIDC_H
#define MW_API_OIDC_H

#include "api/access.h"
#include "api/outbound.h"

#define OIDC_LOGIN_NS (INT64_C(600) * 1000000000) /* chosen: a password and a second factor */
#define OIDC_LOGINS_MAX 256   /* begun and not ended; past it the oldest goes */
#define OIDC_DEVICES_MAX 64   /* the same of terminals; past it MW_ELIMIT */
#define OIDC_FLOWS_MAX 256    /* requests that wait for the provider; past it MW_EBUSY */
#define OIDC_TO_MAX 256       /* bytes of the place in the console */
#define OIDC_CODE_MAX 2048    /* bytes of a code that a provider gives */
#define OIDC_HANDLE_MAX ACCESS_WORD_MAX

struct oidc;
struct oidc_options {
    const char *file;            /* api/oidc_config.h */
    struct access *access;       /* borrowed, as all of these */
    struct outbound *outbound;
    int64_t (*now_ns)(void *ctx);
    void *ctx;
};
/* Reads the file; asks nobody yet.  Errors of oidc_config_read(). */
MW_MUST_USE int oidc_create(const struct oidc_options *o, struct oidc **ret, struct mw_error *err);
/* Whoever waits is told MW_EBUSY. */
void oidc_destroy(struct oidc *o); /* NULL is fine */

const char *oidc_issuer(const struct oidc *o);

/* How a step ended; texts are borrowed for the call. */
struct oidc_result {
    int code;              /* 0, or negative with err */
    const struct mw_error *err;
    const char *location;  /* of a browser's begin: where to send it */
    const char *browser;   /* the same: value of the cookie that binds it */
    const char *to;        /* of a browser's end: "/…" within the console, also on failure */
    const char *session;   /* the same: value of the session's cookie */
    const char *token;     /* of a terminal's end */
    const char *handle;    /* of a terminal's begin: what it asks with; as are these: */
    const char *user_code, *verify_url, *verify_url_complete; /* the last may be NULL */
    int64_t interval_s, expires_s;
    bool pending;          /* of a terminal's end: not yet, ask again after interval_s */
    const struct principal *who; /* of both ends; NULL on failure */
};
typedef void oidc_done_fn(void *ctx, const struct oidc_result *r);

/* Each calls done exactly once, perhaps from within, unless oidc_forget(ctx) came first. */

/* console: "http://127.0.0.1:7378/", where this browser sees us, unless the file says it.
 * to: "/nodes/n3" or NULL; what is no place in the console is "/". */
void oidc_begin(struct oidc *o, const char *console, const char *to, oidc_done_fn *done, void *ctx);
/* What the provider's redirect brought; NULL = it did not.  browser: the cookie's value. */
struct oidc_return {
    const char *code, *state, *issuer, *error, *browser;
};
void oidc_end(struct oidc *o, const struct oidc_return *back, oidc_done_fn *done, void *ctx);
void oidc_device_begin(struct oidc *o, oidc_done_fn *done, void *ctx);
/* MW_EBUSY: asked again sooner than interval_s. */
void oidc_device_end(struct oidc *o, const char *handle, oidc_done_fn *done, void *ctx);

/* Who asked is gone: his completion is not called.  The login goes on and comes to nothing. */
void oidc_forget(struct oidc *o, const void *ctx);

#endif
