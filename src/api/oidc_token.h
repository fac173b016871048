/*
 * Is an ID token what it says?  The signature by libjose, with the key and the
 * algorithm pinned by us; then who said it, to whom, for which login, and when.
 * Pure: the time and the keys are given.
 *
 * The algorithm is one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512 (what
 * libjose 11 verifies with public keys; EdDSA it does not), fits the key's type, and is the key's
 * own "alg" when that is said.  `none` and HMAC are never looked at: an HMAC "key" could be a
 * public one.  A token names its key (kid), or there is exactly one that fits.
 */
#ifndef MW_API_OIDC_TOKEN_H
#define MW_API_OIDC_TOKEN_H

#include <jansson.h>

#include "base/error.h"

#define OIDC_TOKEN_MAX ((size_t)16 * 1024)
#define OIDC_SKEW_NS (INT64_C(60) * 1000000000) /* chosen: clocks of two machines */
#define OIDC_OLD_NS (INT64_C(600) * 1000000000) /* chosen: made before, of another login */

struct oidc_expect {
    const char *issuer, *client_id;
    const char *nonce; /* NULL = none was sent (device flow): then none may be there */
    int64_t now_ns;
};

/* The key that the token names, "" when it names none.  MW_EINVAL: it is no signed token. */
MW_MUST_USE int oidc_token_kid(const char *token, char *ret, size_t size, struct mw_error *err);
/* Would that key be found?  "": is there any that can sign? */
bool oidc_keys_have(const json_t *jwks, const char *kid);

/* Gives *ret_claims (json_decref).  MW_EDENIED: whatever is wrong, in words without the token. */
MW_MUST_USE int oidc_token_verify(const char *token, const json_t *jwks,
                                  const struct oidc_expect *e, json_t **ret_claims,
                                  struct mw_error *err);

#endif
