/* ID tokens, checked.  See oidc_token.h. */
#include "api/oidc_token.h"

#include <stdio.h>
#include <string.h>

#include <jose/b64.h>
#include <jose/jws.h>
#include <openssl/crypto.h>

#include "base/mem.h"
#include "base/units.h"

/* kty and crv that an algorithm needs. */
static const struct algorithm {
    const char *name, *kty, *crv;
} algorithms[] = {
    { "RS256", "RSA", NULL },   { "RS384", "RSA", NULL },   { "RS512", "RSA", NULL },
    { "PS256", "RSA", NULL },   { "PS384", "RSA", NULL },   { "PS512", "RSA", NULL },
    { "ES256", "EC", "P-256" }, { "ES384", "EC", "P-384" }, { "ES512", "EC", "P-521" },
};
#define RSA_BASE64_MIN 342 /* digits of a 2,048 bit modulus (RFC 7518, 3.3) */

/* The three parts of "a.b.c"; lengths of each. */
struct parts {
    const char *at[3];
    size_t size[3];
};

static bool split(const char *token, struct parts *ret)
{
    static const char base64url[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    if (strnlen(token, OIDC_TOKEN_MAX) >= OIDC_TOKEN_MAX)
        return false;
    const char *at = token;
    for (int i = 0; i < 3; i++) {
        ret->at[i] = at;
        ret->size[i] = strspn(at, base64url);
        at += ret->size[i];
        if (ret->size[i] == 0 || *at != (i < 2 ? '.' : '\0'))
            return false;
        at++;
    }
    return true;
}

/* A part that is base64url of a JSON object; NULL when it is not. */
static json_t *part_json(const struct parts *p, int i)
{
    size_t size = jose_b64_dec_buf(NULL, p->size[i], NULL, 0);
    if (size == 0 || size == SIZE_MAX)
        return NULL;
    char *text mw_cleanup(mw_freep) = mw_calloc(1, size + 1);
    if (text == NULL || jose_b64_dec_buf(p->at[i], p->size[i], text, size) != size)
        return NULL;
    json_t *o = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(o))
        return o;
    json_decref(o);
    return NULL;
}

static const char *text_of(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

static bool is(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static const struct algorithm *algorithm_of(const char *name)
{
    for (size_t i = 0; i < MW_ARRAY_LEN(algorithms); i++)
        if (is(algorithms[i].name, name))
            return &algorithms[i];
    return NULL;
}

/* May this key verify that algorithm?  NULL = any of ours. */
static bool key_fits(const json_t *key, const struct algorithm *a)
{
    const char *use = text_of(key, "use"), *alg = text_of(key, "alg"), *n = text_of(key, "n");
    const char *kty = text_of(key, "kty");
    if ((use != NULL && strcmp(use, "sig") != 0) || (!is(kty, "RSA") && !is(kty, "EC")))
        return false;
    if (is(kty, "RSA") && (n == NULL || strlen(n) < RSA_BASE64_MIN))
        return false;
    if (a == NULL)
        return true;
    return is(kty, a->kty) && (a->crv == NULL || is(text_of(key, "crv"), a->crv)) &&
           (alg == NULL || strcmp(alg, a->name) == 0);
}

static const json_t *find_key(const json_t *jwks, const char *kid, const struct algorithm *a)
{
    const json_t *keys = json_object_get(jwks, "keys"), *found = NULL;
    for (size_t i = 0; i < json_array_size(keys); i++) {
        const json_t *key = json_array_get(keys, i);
        const char *mine = text_of(key, "kid");
        if (!key_fits(key, a) || (kid[0] != '\0' && !is(mine, kid)))
            continue;
        if (found != NULL)
            return NULL; /* which of them?  A token must say. */
        found = key;
    }
    return found;
}

bool oidc_keys_have(const json_t *jwks, const char *kid)
{
    const json_t *keys = json_object_get(jwks, "keys");
    must(kid != NULL);
    for (size_t i = 0; i < json_array_size(keys); i++) {
        const json_t *key = json_array_get(keys, i);
        if (key_fits(key, NULL) && (kid[0] == '\0' || is(text_of(key, "kid"), kid)))
            return true;
    }
    return false;
}

int oidc_token_kid(const char *token, char *ret, size_t size, struct mw_error *err)
{
    struct parts p;
    must(token != NULL && ret != NULL && size > 0);
    json_t *header = split(token, &p) ? part_json(&p, 0) : NULL;
    const json_t *kid = json_object_get(header, "kid");
    int n = kid == NULL ? 0 : snprintf(ret, size, "%s", json_string_value(kid) != NULL
                                                           ? json_string_value(kid) : "");
    bool good = header != NULL && n >= 0 && (size_t)n < size && (kid == NULL || n > 0);
    if (kid == NULL)
        ret[0] = '\0';
    json_decref(header);
    return good ? 0 : mw_fail(err, MW_EINVAL, "the identity provider's answer holds no signed "
                              "ID token");
}

/* Public parts only, and the algorithm that we pinned: whatever else a key says is not asked. */
static json_t *pinned(const json_t *key, const struct algorithm *a)
{
    static const char *const parts[] = { "kty", "n", "e", "crv", "x", "y" };
    json_t *o = json_pack("{s:s}", "alg", a->name);
    for (size_t i = 0; i < MW_ARRAY_LEN(parts); i++)
        if (json_is_string(json_object_get(key, parts[i])))
            (void)json_object_set(o, parts[i], json_object_get(key, parts[i]));
    return o;
}

static bool signature_good(const struct parts *p, const json_t *key, const struct algorithm *a)
{
    json_t *jwk = pinned(key, a);
    json_t *jws = json_pack("{s:s%, s:s%, s:s%}", "protected", p->at[0], p->size[0], "payload",
                            p->at[1], p->size[1], "signature", p->at[2], p->size[2]);
    bool good = jwk != NULL && jws != NULL && jose_jws_ver(NULL, jws, NULL, jwk, true);
    json_decref(jws);
    json_decref(jwk);
    return good;
}

static int denied(struct mw_error *err, const char *why)
{
    return mw_fail(err, MW_EDENIED, "the ID token is refused: %s", why);
}

static int check_signature(const struct parts *p, const json_t *header, const json_t *jwks,
                           struct mw_error *err)
{
    const struct algorithm *a = algorithm_of(text_of(header, "alg"));
    const char *kid = text_of(header, "kid");
    if (a == NULL)
        return denied(err, "its algorithm is none that we take");
    if (json_object_get(header, "crit") != NULL || json_object_get(header, "b64") != NULL)
        return denied(err, "it wants extensions that we do not know");
    if (kid == NULL && json_object_get(header, "kid") != NULL)
        return denied(err, "its key has no name");
    const json_t *key = find_key(jwks, kid != NULL ? kid : "", a);
    if (key == NULL)
        return denied(err, "no key of the provider fits it");
    return signature_good(p, key, a) ? 0 : denied(err, "its signature is wrong");
}

/* One time claim, seconds; false when it is there and no sensible number. */
static bool time_claim(const json_t *claims, const char *key, int64_t *ret_ns)
{
    const json_t *v = json_object_get(claims, key);
    double s = json_number_value(v);
    if (!json_is_number(v) || !(s >= 0 && s < 9e9)) /* before the year 2255 */
        return v == NULL;
    *ret_ns = (int64_t)s * MW_NS_PER_S;
    return true;
}

static int check_times(const json_t *claims, int64_t now_ns, struct mw_error *err)
{
    int64_t expires_ns = -1, before_ns = 0, issued_ns = -1;
    if (!time_claim(claims, "exp", &expires_ns) || !time_claim(claims, "nbf", &before_ns) ||
        !time_claim(claims, "iat", &issued_ns) || expires_ns < 0 || issued_ns < 0)
        return denied(err, "its times are missing or no times");
    if (expires_ns <= now_ns - OIDC_SKEW_NS)
        return denied(err, "it has expired");
    if (before_ns > now_ns + OIDC_SKEW_NS || issued_ns > now_ns + OIDC_SKEW_NS)
        return denied(err, "it is of the future: compare the clocks of this machine and the "
                      "provider's");
    if (issued_ns < now_ns - OIDC_OLD_NS)
        return denied(err, "it was not made for this login (too old)");
    return 0;
}

static int check_audience(const json_t *claims, const char *client_id, struct mw_error *err)
{
    const json_t *aud = json_object_get(claims, "aud");
    const char *party = text_of(claims, "azp");
    bool mine = is(json_string_value(aud), client_id);
    for (size_t i = 0; i < json_array_size(aud); i++)
        mine = mine || is(json_string_value(json_array_get(aud, i)), client_id);
    if (!mine)
        return denied(err, "it is for another program (aud)");
    bool several = json_array_size(aud) > 1;
    if ((several || json_object_get(claims, "azp") != NULL) && !is(party, client_id))
        return denied(err, "it was made for another program (azp)");
    return 0;
}

static int check_claims(const json_t *claims, const struct oidc_expect *e, struct mw_error *err)
{
    const char *nonce = text_of(claims, "nonce"), *sub = text_of(claims, "sub");
    if (!is(text_of(claims, "iss"), e->issuer))
        return denied(err, "another provider made it (iss)");
    int rc = check_audience(claims, e->client_id, err);
    if (rc == 0)
        rc = check_times(claims, e->now_ns, err);
    if (rc < 0)
        return rc;
    if (sub == NULL || sub[0] == '\0' || strlen(sub) > 255)
        return denied(err, "it names nobody (sub)");
    if (e->nonce == NULL)
        return json_object_get(claims, "nonce") == NULL ? 0 : denied(err, "it is of another login");
    size_t n = strlen(e->nonce);
    if (nonce == NULL || strlen(nonce) != n || CRYPTO_memcmp(nonce, e->nonce, n) != 0)
        return denied(err, "it is of another login (nonce)");
    return 0;
}

int oidc_token_verify(const char *token, const json_t *jwks, const struct oidc_expect *e,
                      json_t **ret_claims, struct mw_error *err)
{
    struct parts p;
    must(token != NULL && e != NULL && e->issuer != NULL && e->client_id != NULL);
    json_t *header = split(token, &p) ? part_json(&p, 0) : NULL;
    json_t *claims = header != NULL ? part_json(&p, 1) : NULL;
    int rc = header == NULL || claims == NULL
                 ? denied(err, "it is no signed token")
                 : check_signature(&p, header, jwks, err);
    if (rc == 0)
        rc = check_claims(claims, e, err);
    json_decref(header);
    if (rc < 0)
        json_decref(claims);
    else
        *ret_claims = claims;
    return rc;
}
