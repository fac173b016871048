/* What logins of browsers and of terminals share.  See oidc.h. */
#include "api/oidc_private.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>

#include "api/oidc_token.h"
#include "base/mem.h"
#include "base/units.h"

int64_t oidc_now_ns(const struct oidc *o)
{
    struct timespec t;
    if (o->options.now_ns != NULL)
        return o->options.now_ns(o->options.ctx);
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * MW_NS_PER_S + t.tv_nsec;
}

/* ---- flows --------------------------------------------------------------------------------- */

static void flow_free(struct oidc_flow *f)
{
    struct oidc *o = f->o;
    if (f->before != NULL)
        f->before->after = f->after;
    else
        o->flow = f->after;
    if (f->after != NULL)
        f->after->before = f->before;
    o->flows--;
    if (f->device != NULL)
        f->device->busy = false;
    if (f->id_token != NULL)
        OPENSSL_cleanse(f->id_token, strlen(f->id_token));
    mw_free(f->id_token);
    OPENSSL_cleanse(f, sizeof(*f));
    mw_free(f);
}

struct oidc_flow *oidc_flow_new(struct oidc *o, oidc_done_fn *done, void *ctx)
{
    struct mw_error err;
    must(o != NULL && done != NULL);
    struct oidc_flow *f = o->flows < OIDC_FLOWS_MAX ? mw_calloc(1, sizeof(*f)) : NULL;
    if (f == NULL) {
        int code = mw_fail(&err, MW_EBUSY, "too many logins wait for the identity provider: try "
                           "again in a moment");
        done(ctx, &(struct oidc_result){ .code = code, .err = &err });
        return NULL;
    }
    f->o = o;
    f->done = done;
    f->ctx = ctx;
    f->after = o->flow;
    if (o->flow != NULL)
        o->flow->before = f;
    o->flow = f;
    o->flows++;
    return f;
}

void oidc_flow_end(struct oidc_flow *f, struct oidc_result *r)
{
    if (f->done != NULL)
        f->done(f->ctx, r);
    flow_free(f);
}

void oidc_flow_fail(struct oidc_flow *f, int code, const struct mw_error *err)
{
    must(code < 0 && err != NULL);
    struct oidc_result r = { .code = code, .err = err, .to = f->login.to };
    oidc_flow_end(f, &r);
}

void oidc_forget(struct oidc *o, const void *ctx)
{
    must(o != NULL);
    for (struct oidc_flow *f = o->flow; f != NULL; f = f->after)
        if (f->ctx == ctx)
            f->done = NULL;
}

/* ---- asking the provider ------------------------------------------------------------------- */

static void add_encoded(struct text *t, const char *s)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (; *s != '\0'; s++) {
        if (strchr(plain, *s) != NULL)
            text_add_n(t, s, 1);
        else
            text_addf(t, "%%%02X", (unsigned)(unsigned char)*s);
    }
}

void oidc_form_add(struct text *t, const char *name, const char *value)
{
    text_addf(t, "%s%s=", t->length > 0 ? "&" : "", name);
    add_encoded(t, value);
}

int oidc_post(struct oidc_flow *f, const char *url, struct text *form, outbound_done_fn *done,
              struct mw_error *err)
{
    const struct oidc_config *c = &f->o->config;
    struct text user = { 0 }, password = { 0 };
    bool secret = c->client_secret[0] != '\0';
    if (secret) { /* RFC 6749, 2.3.1: encoded as in a form, then as basic */
        add_encoded(&user, c->client_id);
        add_encoded(&password, c->client_secret);
    } else {
        oidc_form_add(form, "client_id", c->client_id);
    }
    const struct outbound_request q = {
        .method = "POST", .url = url, .body = text_string(form), .size = form->length,
        .headers = { "Content-Type: application/x-www-form-urlencoded",
                     "Accept: application/json" },
        .user = secret ? text_string(&user) : NULL,
        .password = secret ? text_string(&password) : NULL,
        .ca_file = c->ca_file[0] != '\0' ? c->ca_file : NULL };
    int rc = form->failed || user.failed || password.failed
                 ? mw_fail(err, MW_ENOMEM, "out of memory")
                 : outbound_ask(f->o->options.outbound, &q, done, f, err);
    if (password.data != NULL)
        OPENSSL_cleanse(password.data, password.length);
    text_fini(&user);
    text_fini(&password);
    text_fini(form);
    return rc;
}

int oidc_take_token(struct oidc_flow *f, const struct outbound_answer *a, struct mw_error *err)
{
    if (a->code < 0)
        return mw_fail(err, a->code, "the identity provider does not answer: %s", a->text);
    json_t *o = json_loadb(a->body, a->size, 0, NULL);
    const char *why = json_string_value(json_object_get(o, "error"));
    const char *token = json_string_value(json_object_get(o, "id_token"));
    int rc = 0;
    if (a->status != 200)
        rc = mw_fail(err, a->status >= 500 ? MW_EUNREACHABLE : MW_EDENIED, "the identity provider "
                     "refuses the login: %.60s (%ld)", why != NULL ? why : "no reason given",
                     a->status);
    else if (token == NULL || strlen(token) >= OIDC_TOKEN_MAX)
        rc = mw_fail(err, MW_EDENIED, "the identity provider's answer holds no ID token");
    else if ((f->id_token = mw_strdup(token)) == NULL)
        rc = mw_fail(err, MW_ENOMEM, "out of memory");
    json_decref(o);
    return rc;
}

void oidc_need_keys(struct oidc_flow *f, oidc_known_fn *known)
{
    char kid[256];
    struct mw_error err;
    int rc = oidc_token_kid(f->id_token, kid, sizeof(kid), &err);
    if (rc < 0)
        oidc_flow_fail(f, MW_EDENIED, &err);
    else
        oidc_provider_keys(f->o->provider, kid, oidc_now_ns(f->o), known, f);
}

int oidc_who(struct oidc_flow *f, const char *nonce, struct principal *ret,
             char ret_subject[OIDC_SUBJECT_ROOM], struct mw_error *err)
{
    const struct oidc_config *c = &f->o->config;
    const struct oidc_expect e = { .issuer = c->issuer, .client_id = c->client_id,
                                   .nonce = nonce, .now_ns = oidc_now_ns(f->o) };
    json_t *claims = NULL;
    int rc = oidc_token_verify(f->id_token, oidc_provider_jwks(f->o->provider), &e, &claims, err);
    if (rc == 0)
        rc = oidc_config_map(c, claims, ret, err);
    if (rc == 0)
        (void)snprintf(ret_subject, OIDC_SUBJECT_ROOM, "%s %s", c->issuer,
                       json_string_value(json_object_get(claims, "sub")));
    json_decref(claims);
    return rc;
}

/* ---- begin and end ------------------------------------------------------------------------- */

int oidc_create(const struct oidc_options *options, struct oidc **ret, struct mw_error *err)
{
    must(options != NULL && options->file != NULL && options->access != NULL && ret != NULL);
    struct oidc *o = mw_calloc(1, sizeof(*o));
    if (o == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    o->options = *options;
    int rc = oidc_config_read(options->file, &o->config, err);
    if (rc == 0)
        rc = oidc_provider_create(&o->config, options->outbound, &o->provider, err);
    if (rc < 0) {
        oidc_destroy(o);
        return rc;
    }
    o->options.file = NULL; /* borrowed for the call */
    *ret = o;
    return 0;
}

void oidc_destroy(struct oidc *o)
{
    const struct mw_error err = { .code = MW_EBUSY, .text = "the daemon is stopping" };
    if (o == NULL)
        return;
    oidc_provider_destroy(o->provider); /* tells those who wait for it */
    while (o->flow != NULL) {
        outbound_forget(o->options.outbound, o->flow);
        oidc_flow_fail(o->flow, MW_EBUSY, &err);
    }
    oidc_config_fini(&o->config);
    OPENSSL_cleanse(o, sizeof(*o));
    mw_free(o);
}

const char *oidc_issuer(const struct oidc *o)
{
    must(o != NULL);
    return o->config.issuer;
}
