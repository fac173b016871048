/* What the files of the login share.  See oidc.h. */
#ifndef MW_API_OIDC_PRIVATE_H
#define MW_API_OIDC_PRIVATE_H

#include "api/oidc.h"
#include "api/oidc_config.h"
#include "api/oidc_provider.h"
#include "base/hash.h"
#include "base/text.h"

#define OIDC_SUBJECT_ROOM 1024 /* issuer, a space, 255 bytes at most of a subject */

/* A browser's login that has begun.  Words are kept as hashes where a hash does. */
struct oidc_login {
    int64_t expires_ns; /* 0 = free */
    uint8_t state[MW_SHA256_SIZE], browser[MW_SHA256_SIZE];
    char nonce[ACCESS_WORD_MAX], verifier[ACCESS_WORD_MAX];
    char redirect[OIDC_URL_MAX + 64];
    char to[OIDC_TO_MAX];
};

struct oidc_device {
    int64_t expires_ns; /* 0 = free */
    int64_t again_ns;   /* not to be asked before */
    int64_t interval_ns;
    bool busy;          /* a question of it is under way */
    uint8_t handle[MW_SHA256_SIZE];
    char code[OIDC_CODE_MAX]; /* the provider's device_code */
};

/* One request of ours that waits for the provider. */
struct oidc_flow {
    struct oidc_flow *before, *after;
    struct oidc *o;
    oidc_done_fn *done; /* NULL = forgotten */
    void *ctx;
    struct oidc_login login;      /* of a browser: a copy, the original is used up */
    struct oidc_device *device;   /* of a terminal; NULL at its begin and for browsers */
    char code[OIDC_CODE_MAX];     /* of a browser's end */
    char *id_token;               /* owned */
    char console[OIDC_URL_MAX];
};

struct oidc {
    struct oidc_options options;
    struct oidc_config config;
    struct oidc_provider *provider;
    struct oidc_flow *flow;
    uint32_t flows;
    struct oidc_login login[OIDC_LOGINS_MAX];
    struct oidc_device device[OIDC_DEVICES_MAX];
};

int64_t oidc_now_ns(const struct oidc *o);

/* NULL: too many wait, or no memory; done was called then. */
struct oidc_flow *oidc_flow_new(struct oidc *o, oidc_done_fn *done, void *ctx);
/* Tells and frees. */
void oidc_flow_end(struct oidc_flow *f, struct oidc_result *r);
void oidc_flow_fail(struct oidc_flow *f, int code, const struct mw_error *err);

/* Posts a form to the token or device endpoint with our client's credentials; takes the form. */
MW_MUST_USE int oidc_post(struct oidc_flow *f, const char *url, struct text *form,
                          outbound_done_fn *done, struct mw_error *err);
/* "&name=value", percent-encoded; without the '&' when t is empty. */
void oidc_form_add(struct text *t, const char *name, const char *value);

/* From a token endpoint's answer to the ID token: then f->id_token.  MW_EDENIED and the rest. */
MW_MUST_USE int oidc_take_token(struct oidc_flow *f, const struct outbound_answer *a,
                                struct mw_error *err);
/* Makes sure that the keys for f->id_token are there, then tells `known`, whose ctx is f. */
void oidc_need_keys(struct oidc_flow *f, oidc_known_fn *known);
/* Who f->id_token names; nonce NULL: there must be none.  MW_EDENIED. */
MW_MUST_USE int oidc_who(struct oidc_flow *f, const char *nonce, struct principal *ret,
                         char ret_subject[OIDC_SUBJECT_ROOM], struct mw_error *err);

#endif
