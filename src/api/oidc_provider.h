/*
 * What the identity provider says of itself: where its parts are (the discovery
 * document) and its keys, both asked for when first needed and kept for a while.
 * A key that is not known makes us ask again, for that reason at most once in
 * OIDC_KEYS_AGAIN_NS: a rotation is followed at once, and a forger cannot make us
 * hammer the provider.
 *
 * On the event base's thread.
 */
#ifndef MW_API_OIDC_PROVIDER_H
#define MW_API_OIDC_PROVIDER_H

#include "api/oidc_config.h"
#include "api/outbound.h"

#define OIDC_KEEP_MIN_NS (INT64_C(300) * 1000000000)   /* chosen; max-age within these */
#define OIDC_KEEP_NS (INT64_C(3600) * 1000000000)      /* chosen: when it says nothing */
#define OIDC_KEEP_MAX_NS (INT64_C(86400) * 1000000000)
#define OIDC_KEYS_AGAIN_NS (INT64_C(60) * 1000000000)  /* chosen */
#define OIDC_WAITING_MAX 64 /* who waits for an answer; past it MW_EBUSY */

struct oidc_endpoints { /* "" = the provider has none */
    char authorize[OIDC_URL_MAX], token[OIDC_URL_MAX], device[OIDC_URL_MAX], keys[OIDC_URL_MAX];
    bool says_issuer; /* RFC 9207: its answers carry `iss` */
};

struct oidc_provider;
MW_MUST_USE int oidc_provider_create(const struct oidc_config *c, struct outbound *out,
                                     struct oidc_provider **ret, struct mw_error *err);
/* Who waits is told MW_EBUSY first.  Before the outbound is destroyed. */
void oidc_provider_destroy(struct oidc_provider *p);

/* Told once, from within the call when nothing must be asked.  err: only when code < 0. */
typedef void oidc_known_fn(void *ctx, int code, const struct mw_error *err);
/* Makes sure that the endpoints are known. */
void oidc_provider_find(struct oidc_provider *p, int64_t now_ns, oidc_known_fn *known, void *ctx);
/* Makes sure that the keys are known and, where the provider has it, `kid` is among them. */
void oidc_provider_keys(struct oidc_provider *p, const char *kid, int64_t now_ns,
                        oidc_known_fn *known, void *ctx);

const struct oidc_endpoints *oidc_provider_endpoints(const struct oidc_provider *p);
const json_t *oidc_provider_jwks(const struct oidc_provider *p); /* NULL before */

/* Reads a discovery document: its issuer must be ours to the letter, its addresses safe.
 * MW_EINVAL. */
MW_MUST_USE int oidc_endpoints_read(const char *body, size_t size, const char *issuer,
                                    struct oidc_endpoints *ret, struct mw_error *err);

#endif
