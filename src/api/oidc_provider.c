/* Discovery and keys.  See oidc_provider.h. */
#include "api/oidc_provider.h"

#include <stdio.h>
#include <string.h>

#include "api/oidc_token.h"
#include "base/mem.h"
#include "base/units.h"

struct waiting {
    oidc_known_fn *known; /* NULL = free */
    void *ctx;
    bool keys;            /* goes on to the keys when the endpoints are there */
};

struct oidc_provider {
    const struct oidc_config *config; /* borrowed */
    struct outbound *out;             /* borrowed */
    struct oidc_endpoints at;
    int64_t found_until_ns, keys_until_ns; /* 0 = never */
    int64_t again_ns;                 /* not before it for a key that is not known */
    json_t *jwks;
    bool finding, asking;             /* a request is under way */
    int64_t now_ns;                   /* of the last call */
    struct waiting waiting[OIDC_WAITING_MAX];
};

/* ---- the documents ------------------------------------------------------------------------- */

static int take_url(const json_t *o, const char *key, bool required, char ret[OIDC_URL_MAX],
                    struct mw_error *err)
{
    const char *s = json_string_value(json_object_get(o, key));
    ret[0] = '\0';
    if (s == NULL && !required)
        return 0;
    if (s == NULL || strlen(s) >= OIDC_URL_MAX || !oidc_url_safe(s) ||
        strpbrk(s, " \t\r\n\"<>\\") != NULL)
        return mw_fail(err, MW_EINVAL, "the identity provider's discovery document: %s is no "
                       "https:// address", key);
    (void)snprintf(ret, OIDC_URL_MAX, "%s", s);
    return 0;
}

int oidc_endpoints_read(const char *body, size_t size, const char *issuer,
                        struct oidc_endpoints *ret, struct mw_error *err)
{
    struct oidc_endpoints e = { 0 };
    must(body != NULL && issuer != NULL && ret != NULL);
    json_t *o = json_loadb(body, size, 0, NULL);
    const char *iss = json_string_value(json_object_get(o, "issuer"));
    int rc = 0;
    if (iss == NULL)
        rc = mw_fail(err, MW_EINVAL, "what is at %s/.well-known/openid-configuration is no "
                     "discovery document", issuer);
    else if (strcmp(iss, issuer) != 0)
        rc = mw_fail(err, MW_EINVAL, "the identity provider calls itself %.200s and not %.200s: "
                     "write issuer so", iss, issuer);
    if (rc == 0)
        rc = take_url(o, "authorization_endpoint", true, e.authorize, err);
    if (rc == 0)
        rc = take_url(o, "token_endpoint", true, e.token, err);
    if (rc == 0)
        rc = take_url(o, "jwks_uri", true, e.keys, err);
    if (rc == 0)
        rc = take_url(o, "device_authorization_endpoint", false, e.device, err);
    e.says_issuer =
        json_is_true(json_object_get(o, "authorization_response_iss_parameter_supported"));
    json_decref(o);
    if (rc == 0)
        *ret = e;
    return rc;
}

static int64_t keep_ns(const struct outbound_answer *a)
{
    if (a->max_age_s < 0)
        return OIDC_KEEP_NS;
    int64_t s = MW_MIN(a->max_age_s, OIDC_KEEP_MAX_NS / MW_NS_PER_S);
    return MW_MAX(s * MW_NS_PER_S, OIDC_KEEP_MIN_NS);
}

static int check_answer(const struct oidc_provider *p, const struct outbound_answer *a,
                        const char *what, struct mw_error *err)
{
    if (a->code < 0)
        return mw_fail(err, a->code, "the identity provider %.200s does not answer (%s): %s",
                       p->config->issuer, what, a->text);
    if (a->status != 200)
        return mw_fail(err, MW_EUNREACHABLE, "the identity provider %.200s answers %ld (%s)",
                       p->config->issuer, a->status, what);
    return 0;
}

/* ---- who waits ----------------------------------------------------------------------------- */

static bool wait(struct oidc_provider *p, bool keys, oidc_known_fn *known, void *ctx)
{
    for (uint32_t i = 0; i < OIDC_WAITING_MAX; i++) {
        if (p->waiting[i].known != NULL)
            continue;
        p->waiting[i] = (struct waiting){ .known = known, .ctx = ctx, .keys = keys };
        return true;
    }
    const struct mw_error err = { .code = MW_EBUSY,
                                  .text = "too many logins wait for the identity provider" };
    known(ctx, MW_EBUSY, &err);
    return false;
}

/* Tells those who wait for that; a failure tells everybody. */
static void tell(struct oidc_provider *p, bool keys, int code, const struct mw_error *err)
{
    for (uint32_t i = 0; i < OIDC_WAITING_MAX; i++) {
        const struct waiting w = p->waiting[i];
        if (w.known == NULL || (code == 0 && w.keys != keys))
            continue;
        p->waiting[i].known = NULL;
        w.known(w.ctx, code, err);
    }
}

/* ---- asking -------------------------------------------------------------------------------- */

static int ask(struct oidc_provider *p, const char *url, outbound_done_fn *done,
               struct mw_error *err)
{
    const struct outbound_request q = { .method = "GET", .url = url,
                                        .headers = { "Accept: application/json" },
                                        .ca_file = p->config->ca_file[0] ? p->config->ca_file
                                                                         : NULL };
    return outbound_ask(p->out, &q, done, p, err);
}

static void keys_came(void *ctx, const struct outbound_answer *a)
{
    struct oidc_provider *p = ctx;
    struct mw_error err = { 0 };
    p->asking = false;
    int rc = check_answer(p, a, "keys", &err);
    json_t *o = rc == 0 ? json_loadb(a->body, a->size, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (rc == 0 && !json_is_array(json_object_get(o, "keys")))
        rc = mw_fail(&err, MW_EINVAL, "the identity provider's keys are no set of keys");
    if (rc < 0) {
        json_decref(o);
        tell(p, true, rc, &err);
        return;
    }
    json_decref(p->jwks);
    p->jwks = o;
    p->keys_until_ns = p->now_ns + keep_ns(a);
    tell(p, true, 0, NULL);
}

static void ask_keys(struct oidc_provider *p)
{
    struct mw_error err = { 0 };
    if (p->asking)
        return;
    int rc = ask(p, p->at.keys, keys_came, &err);
    p->asking = rc == 0;
    if (rc < 0)
        tell(p, true, rc, &err);
}

static void found(void *ctx, const struct outbound_answer *a)
{
    struct oidc_provider *p = ctx;
    struct mw_error err = { 0 };
    p->finding = false;
    int rc = check_answer(p, a, "discovery", &err);
    if (rc == 0)
        rc = oidc_endpoints_read(a->body, a->size, p->config->issuer, &p->at, &err);
    if (rc < 0) {
        tell(p, false, rc, &err);
        return;
    }
    p->found_until_ns = p->now_ns + keep_ns(a);
    bool keys = false;
    for (uint32_t i = 0; i < OIDC_WAITING_MAX; i++)
        keys = keys || (p->waiting[i].known != NULL && p->waiting[i].keys);
    tell(p, false, 0, NULL);
    if (keys)
        ask_keys(p);
}

static void find(struct oidc_provider *p)
{
    char url[OIDC_URL_MAX + 64];
    struct mw_error err = { 0 };
    size_t n = strlen(p->config->issuer);
    if (p->finding)
        return;
    n -= p->config->issuer[n - 1] == '/'; /* OpenID Connect Discovery 1.0, 4.1 */
    (void)snprintf(url, sizeof(url), "%.*s/.well-known/openid-configuration", (int)n,
                   p->config->issuer);
    int rc = ask(p, url, found, &err);
    p->finding = rc == 0;
    if (rc < 0)
        tell(p, false, rc, &err);
}

/* ---- public -------------------------------------------------------------------------------- */

int oidc_provider_create(const struct oidc_config *c, struct outbound *out,
                         struct oidc_provider **ret, struct mw_error *err)
{
    must(c != NULL && c->issuer[0] != '\0' && out != NULL && ret != NULL);
    struct oidc_provider *p = mw_calloc(1, sizeof(*p));
    if (p == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    p->config = c;
    p->out = out;
    *ret = p;
    return 0;
}

void oidc_provider_destroy(struct oidc_provider *p)
{
    const struct mw_error err = { .code = MW_EBUSY, .text = "the daemon is stopping" };
    if (p == NULL)
        return;
    outbound_forget(p->out, p);
    tell(p, false, MW_EBUSY, &err);
    json_decref(p->jwks);
    mw_free(p);
}

void oidc_provider_find(struct oidc_provider *p, int64_t now_ns, oidc_known_fn *known, void *ctx)
{
    must(p != NULL && known != NULL);
    p->now_ns = now_ns;
    if (p->found_until_ns > now_ns)
        known(ctx, 0, NULL);
    else if (wait(p, false, known, ctx))
        find(p);
}

void oidc_provider_keys(struct oidc_provider *p, const char *kid, int64_t now_ns,
                        oidc_known_fn *known, void *ctx)
{
    must(p != NULL && kid != NULL && known != NULL);
    p->now_ns = now_ns;
    bool fresh = p->jwks != NULL && p->keys_until_ns > now_ns;
    bool there = fresh && oidc_keys_have(p->jwks, kid);
    if (fresh && !p->asking && (there || p->again_ns > now_ns)) {
        known(ctx, 0, NULL);
        return;
    }
    if (fresh && !there)
        p->again_ns = now_ns + OIDC_KEYS_AGAIN_NS;
    if (wait(p, true, known, ctx)) {
        if (p->found_until_ns > now_ns)
            ask_keys(p);
        else
            find(p);
    }
}

const struct oidc_endpoints *oidc_provider_endpoints(const struct oidc_provider *p)
{
    must(p != NULL);
    return &p->at;
}

const json_t *oidc_provider_jwks(const struct oidc_provider *p)
{
    must(p != NULL);
    return p->jwks;
}
