/*
 * A terminal's login: the device flow (RFC 8628).  The terminal speaks with us
 * only: the provider's device code and our client's secret stay here.  See oidc.h.
 */
#include "api/oidc_private.h"

#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "api/access_token.h"
#include "base/mem.h"
#include "base/units.h"

#define INTERVAL_S 5       /* RFC 8628, 3.2: when the provider says none */
#define INTERVAL_S_MAX 60
#define EXPIRES_S_MAX 1800 /* chosen */
#define GRANT "urn:ietf:params:oauth:grant-type:device_code"

/* ---- begin --------------------------------------------------------------------------------- */

static struct oidc_device *free_place(struct oidc *o)
{
    int64_t now_ns = oidc_now_ns(o);
    for (uint32_t i = 0; i < OIDC_DEVICES_MAX; i++)
        if (o->device[i].expires_ns <= now_ns && !o->device[i].busy)
            return &o->device[i];
    return NULL;
}

static const char *text_of(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

static int64_t seconds(const json_t *o, const char *key, int64_t otherwise, int64_t most)
{
    const json_t *v = json_object_get(o, key);
    json_int_t s = json_integer_value(v);
    return json_is_integer(v) && s > 0 ? MW_MIN((int64_t)s, most) : otherwise;
}

/* Keeps what the provider said and tells the terminal what a person must do. */
static int begin_device(struct oidc_flow *f, const json_t *o, struct mw_error *err)
{
    char handle[OIDC_HANDLE_MAX];
    const char *code = text_of(o, "device_code"), *url = text_of(o, "verification_uri");
    const char *complete = text_of(o, "verification_uri_complete");
    struct oidc_device *d = free_place(f->o);
    if (d == NULL)
        return mw_fail(err, MW_ELIMIT, "%d terminals are logging in already", OIDC_DEVICES_MAX);
    if (code == NULL || strlen(code) >= sizeof(d->code) || text_of(o, "user_code") == NULL ||
        url == NULL || !oidc_url_safe(url) || (complete != NULL && !oidc_url_safe(complete)))
        return mw_fail(err, MW_EUNREACHABLE, "the identity provider's answer to a terminal is "
                       "not as RFC 8628 has it");
    int rc = access_word_make(handle, err);
    if (rc < 0)
        return rc;
    struct oidc_result r = { .handle = handle, .user_code = text_of(o, "user_code"),
                             .verify_url = url, .verify_url_complete = complete,
                             .interval_s = seconds(o, "interval", INTERVAL_S, INTERVAL_S_MAX),
                             .expires_s = seconds(o, "expires_in", EXPIRES_S_MAX, EXPIRES_S_MAX) };
    *d = (struct oidc_device){ .interval_ns = r.interval_s * MW_NS_PER_S,
                               .expires_ns = oidc_now_ns(f->o) + r.expires_s * MW_NS_PER_S };
    access_hash(handle, d->handle);
    (void)snprintf(d->code, sizeof(d->code), "%s", code);
    oidc_flow_end(f, &r);
    return 0;
}

static void begin_answer(void *ctx, const struct outbound_answer *a)
{
    struct oidc_flow *f = ctx;
    struct mw_error err = { 0 };
    json_t *o = a->code == 0 ? json_loadb(a->body, a->size, 0, NULL) : NULL;
    int rc = 0;
    if (a->code < 0)
        rc = mw_fail(&err, a->code, "the identity provider does not answer: %s", a->text);
    else if (a->status != 200)
        rc = mw_fail(&err, MW_EUNREACHABLE, "the identity provider does not let terminals log in: "
                     "%.60s (%ld)", text_of(o, "error") ? text_of(o, "error") : "no reason given",
                     a->status);
    if (rc == 0)
        rc = begin_device(f, o, &err);
    json_decref(o);
    if (rc < 0)
        oidc_flow_fail(f, rc, &err);
}

static void begin_found(void *ctx, int code, const struct mw_error *why)
{
    struct oidc_flow *f = ctx;
    struct mw_error err = { 0 };
    struct text form = { 0 };
    const char *at = oidc_provider_endpoints(f->o->provider)->device;
    if (code == 0 && at[0] == '\0')
        code = mw_fail(&err, MW_ECONFLICT, "the identity provider knows no device flow: make a "
                       "token with mw token create instead");
    if (code == 0) {
        oidc_form_add(&form, "scope", f->o->config.scopes);
        /* Part of the form in any case: providers ask for it here even beside basic. */
        if (f->o->config.client_secret[0] != '\0')
            oidc_form_add(&form, "client_id", f->o->config.client_id);
        code = oidc_post(f, at, &form, begin_answer, &err);
    }
    if (code < 0)
        oidc_flow_fail(f, code, why != NULL ? why : &err);
}

void oidc_device_begin(struct oidc *o, oidc_done_fn *done, void *ctx)
{
    must(o != NULL);
    struct mw_error err;
    struct oidc_flow *f = oidc_flow_new(o, done, ctx);
    if (f == NULL)
        return;
    if (free_place(o) != NULL) {
        oidc_provider_find(o->provider, oidc_now_ns(o), begin_found, f);
        return;
    }
    int rc = mw_fail(&err, MW_ELIMIT, "%d terminals are logging in already", OIDC_DEVICES_MAX);
    oidc_flow_fail(f, rc, &err);
}

/* ---- end ----------------------------------------------------------------------------------- */

static void end_keys(void *ctx, int code, const struct mw_error *why)
{
    struct oidc_flow *f = ctx;
    struct mw_error err = { 0 };
    struct principal who, is = { 0 };
    char subject[OIDC_SUBJECT_ROOM], token[ACCESS_TOKEN_MAX];
    if (code == 0)
        code = oidc_who(f, NULL, &who, subject, &err);
    if (code == 0)
        code = access_mint_for(f->o->options.access, subject, &who, token, &is, &err);
    if (code < 0) {
        oidc_flow_fail(f, code, why != NULL ? why : &err);
        return;
    }
    struct oidc_result r = { .token = token, .who = &is };
    oidc_flow_end(f, &r);
    OPENSSL_cleanse(token, sizeof(token));
}

/* Has the person not answered yet? */
static bool still_waits(struct oidc_flow *f, const struct outbound_answer *a)
{
    json_t *o = a->status == 400 ? json_loadb(a->body, a->size, 0, NULL) : NULL;
    const char *why = text_of(o, "error");
    bool slower = why != NULL && strcmp(why, "slow_down") == 0;
    bool waits = slower || (why != NULL && strcmp(why, "authorization_pending") == 0);
    if (slower) /* RFC 8628, 3.5 */
        f->device->interval_ns = MW_MIN(f->device->interval_ns + 5 * MW_NS_PER_S,
                                        INTERVAL_S_MAX * MW_NS_PER_S);
    json_decref(o);
    return waits;
}

static void end_answer(void *ctx, const struct outbound_answer *a)
{
    struct oidc_flow *f = ctx;
    struct mw_error err = { 0 };
    if (a->code == 0 && still_waits(f, a)) {
        struct oidc_result r = { .pending = true,
                                 .interval_s = f->device->interval_ns / MW_NS_PER_S };
        /* Not the whole of it: two clocks and a network lie between. */
        f->device->again_ns = oidc_now_ns(f->o) + f->device->interval_ns / 4 * 3;
        oidc_flow_end(f, &r);
        return;
    }
    int rc = oidc_take_token(f, a, &err);
    if (rc == 0 || rc == MW_EDENIED) /* else the same question may be asked again */
        OPENSSL_cleanse(f->device->code, sizeof(f->device->code));
    if (rc == 0 || rc == MW_EDENIED)
        f->device->expires_ns = 0;
    if (rc < 0)
        oidc_flow_fail(f, rc, &err);
    else
        oidc_need_keys(f, end_keys);
}

static void end_found(void *ctx, int code, const struct mw_error *why)
{
    struct oidc_flow *f = ctx;
    struct mw_error err = { 0 };
    struct text form = { 0 };
    if (code == 0) {
        oidc_form_add(&form, "grant_type", GRANT);
        oidc_form_add(&form, "device_code", f->device->code);
        code = oidc_post(f, oidc_provider_endpoints(f->o->provider)->token, &form, end_answer,
                         &err);
    }
    if (code < 0)
        oidc_flow_fail(f, code, why != NULL ? why : &err);
}

static struct oidc_device *find_device(struct oidc *o, const char *handle)
{
    uint8_t hash[MW_SHA256_SIZE];
    int64_t now_ns = oidc_now_ns(o);
    access_hash(handle, hash);
    for (uint32_t i = 0; i < OIDC_DEVICES_MAX; i++)
        if (o->device[i].expires_ns > now_ns && access_hash_equal(o->device[i].handle, hash))
            return &o->device[i];
    return NULL;
}

void oidc_device_end(struct oidc *o, const char *handle, oidc_done_fn *done, void *ctx)
{
    must(o != NULL && handle != NULL);
    struct mw_error err = { 0 };
    struct oidc_flow *f = oidc_flow_new(o, done, ctx);
    if (f == NULL)
        return;
    int rc = 0;
    struct oidc_device *d = find_device(o, handle);
    if (d == NULL)
        rc = mw_fail(&err, MW_ENOTFOUND, "there is no such login, or its time is over: begin "
                     "again");
    else if (d->busy || d->again_ns > oidc_now_ns(o))
        rc = mw_fail(&err, MW_EBUSY, "asked again too soon: once in %lld s is enough",
                     (long long)(d->interval_ns / MW_NS_PER_S));
    if (rc < 0) {
        oidc_flow_fail(f, rc, &err);
        return;
    }
    d->busy = true;
    d->again_ns = oidc_now_ns(o) + d->interval_ns / 2;
    f->device = d;
    oidc_provider_find(o->provider, oidc_now_ns(o), end_found, f);
}
