/* A browser's login: authorization code with PKCE (RFC 6749, 7636).  See oidc.h. */
#include "api/oidc_private.h"

#include <stdio.h>
#include <string.h>

#include <jose/b64.h>
#include <openssl/crypto.h>

#include "api/access_token.h"
#include "base/mem.h"

/* A place within the console: "/", then letters of paths and queries; else "/". */
static void take_place(const char *to, char ret[OIDC_TO_MAX])
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/?=&%,:";
    bool good = to != NULL && to[0] == '/' && to[1] != '/' && strlen(to) < OIDC_TO_MAX &&
                strspn(to, plain) == strlen(to);
    (void)snprintf(ret, OIDC_TO_MAX, "%s", good ? to : "/");
}

/* ---- begin --------------------------------------------------------------------------------- */

static struct oidc_login *place_for(struct oidc *o, int64_t now_ns)
{
    struct oidc_login *place = &o->login[0];
    for (uint32_t i = 0; i < OIDC_LOGINS_MAX; i++) {
        if (o->login[i].expires_ns <= now_ns)
            return &o->login[i];
        if (o->login[i].expires_ns < place->expires_ns)
            place = &o->login[i];
    }
    return place;
}

/* base64url of SHA-256 of the verifier (RFC 7636, 4.2). */
static void challenge(const char *verifier, char ret[64])
{
    uint8_t hash[MW_SHA256_SIZE];
    access_hash(verifier, hash);
    size_t n = jose_b64_enc_buf(hash, sizeof(hash), ret, 63);
    must(n == 43);
    ret[n] = '\0';
}

static void add_questions(struct text *t, const struct oidc_config *c, const struct oidc_login *l,
                          const char *state)
{
    char code[64];
    challenge(l->verifier, code);
    struct text form = { 0 };
    oidc_form_add(&form, "response_type", "code");
    oidc_form_add(&form, "client_id", c->client_id);
    oidc_form_add(&form, "redirect_uri", l->redirect);
    oidc_form_add(&form, "scope", c->scopes);
    oidc_form_add(&form, "state", state);
    oidc_form_add(&form, "nonce", l->nonce);
    oidc_form_add(&form, "code_challenge", code);
    oidc_form_add(&form, "code_challenge_method", "S256");
    text_add(t, text_string(&form));
    t->failed = t->failed || form.failed;
    text_fini(&form);
}

static int make_words(struct oidc_login *l, char state[ACCESS_WORD_MAX],
                      char browser[ACCESS_WORD_MAX], struct mw_error *err)
{
    int rc = access_word_make(state, err);
    if (rc == 0)
        rc = access_word_make(browser, err);
    if (rc == 0)
        rc = access_word_make(l->nonce, err);
    if (rc == 0)
        rc = access_word_make(l->verifier, err);
    if (rc < 0)
        return rc;
    access_hash(state, l->state);
    access_hash(browser, l->browser);
    return 0;
}

static void begin_found(void *ctx, int code, const struct mw_error *why)
{
    struct oidc_flow *f = ctx;
    struct oidc *o = f->o;
    struct mw_error err = { 0 };
    char state[ACCESS_WORD_MAX], browser[ACCESS_WORD_MAX];
    if (code == 0)
        code = make_words(&f->login, state, browser, &err);
    if (code < 0) {
        oidc_flow_fail(f, code, why != NULL ? why : &err);
        return;
    }
    f->login.expires_ns = oidc_now_ns(o) + OIDC_LOGIN_NS;
    *place_for(o, oidc_now_ns(o)) = f->login;
    const char *at = oidc_provider_endpoints(o->provider)->authorize;
    struct text url = { 0 };
    text_addf(&url, "%s%s", at, strchr(at, '?') != NULL ? "&" : "?");
    add_questions(&url, &o->config, &f->login, state);
    struct oidc_result r = { .location = text_string(&url), .browser = browser };
    if (url.failed)
        r = (struct oidc_result){ .code = mw_fail(&err, MW_ENOMEM, "out of memory"), .err = &err };
    oidc_flow_end(f, &r);
    text_fini(&url);
}

void oidc_begin(struct oidc *o, const char *console, const char *to, oidc_done_fn *done, void *ctx)
{
    must(o != NULL && console != NULL);
    struct oidc_flow *f = oidc_flow_new(o, done, ctx);
    if (f == NULL)
        return;
    const char *base = o->config.console[0] != '\0' ? o->config.console : console;
    (void)snprintf(f->login.redirect, sizeof(f->login.redirect), "%slogin/oidc/return", base);
    take_place(to, f->login.to);
    oidc_provider_find(o->provider, oidc_now_ns(o), begin_found, f);
}

/* ---- end ----------------------------------------------------------------------------------- */

/* The login that this browser began with this state: used up.  False: there is none. */
static bool use_login(struct oidc *o, const char *state, const char *browser,
                      struct oidc_login *ret)
{
    uint8_t s[MW_SHA256_SIZE], b[MW_SHA256_SIZE];
    int64_t now_ns = oidc_now_ns(o);
    if (state == NULL || browser == NULL)
        return false;
    access_hash(state, s);
    access_hash(browser, b);
    for (uint32_t i = 0; i < OIDC_LOGINS_MAX; i++) {
        struct oidc_login *l = &o->login[i];
        if (l->expires_ns <= now_ns || !access_hash_equal(l->state, s) ||
            !access_hash_equal(l->browser, b))
            continue;
        *ret = *l;
        OPENSSL_cleanse(l, sizeof(*l));
        return true;
    }
    return false;
}

static void end_keys(void *ctx, int code, const struct mw_error *why)
{
    struct oidc_flow *f = ctx;
    struct mw_error err = { 0 };
    struct principal who, is = { 0 };
    char subject[OIDC_SUBJECT_ROOM], session[ACCESS_WORD_MAX];
    if (code == 0)
        code = oidc_who(f, f->login.nonce, &who, subject, &err);
    if (code == 0)
        code = access_session_for(f->o->options.access, subject, &who, session, &is, &err);
    if (code < 0) {
        oidc_flow_fail(f, code, why != NULL ? why : &err);
        return;
    }
    struct oidc_result r = { .session = session, .to = f->login.to, .who = &is };
    oidc_flow_end(f, &r);
    OPENSSL_cleanse(session, sizeof(session));
}

static void end_token(void *ctx, const struct outbound_answer *a)
{
    struct oidc_flow *f = ctx;
    struct mw_error err = { 0 };
    int rc = oidc_take_token(f, a, &err);
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
        oidc_form_add(&form, "grant_type", "authorization_code");
        oidc_form_add(&form, "code", f->code);
        oidc_form_add(&form, "redirect_uri", f->login.redirect);
        oidc_form_add(&form, "code_verifier", f->login.verifier);
        code = oidc_post(f, oidc_provider_endpoints(f->o->provider)->token, &form, end_token,
                         &err);
    }
    if (code < 0)
        oidc_flow_fail(f, code, why != NULL ? why : &err);
}

/* Is the redirect that came back a good one?  The login is used up either way. */
static int check_return(struct oidc_flow *f, const struct oidc_return *b, struct mw_error *err)
{
    struct oidc *o = f->o;
    const struct oidc_endpoints *e = oidc_provider_endpoints(o->provider);
    take_place(NULL, f->login.to);
    if (!use_login(o, b->state, b->browser, &f->login))
        return mw_fail(err, MW_ENOTFOUND, "this browser began no such login, or over ten minutes "
                       "ago, or it has ended already: log in again");
    /* RFC 9207: an answer of another provider must not be taken for this one's. */
    if (b->issuer != NULL ? strcmp(b->issuer, o->config.issuer) != 0 : e->says_issuer)
        return mw_fail(err, MW_EDENIED, "the answer is not of the identity provider that was "
                       "asked");
    if (b->error != NULL)
        return mw_fail(err, MW_ECONFLICT, "the identity provider did not log anyone in: %.60s",
                       b->error);
    if (b->code == NULL || b->code[0] == '\0' || strlen(b->code) >= sizeof(f->code))
        return mw_fail(err, MW_EDENIED, "the identity provider's answer holds no code");
    (void)snprintf(f->code, sizeof(f->code), "%s", b->code);
    return 0;
}

void oidc_end(struct oidc *o, const struct oidc_return *back, oidc_done_fn *done, void *ctx)
{
    must(o != NULL && back != NULL);
    struct mw_error err = { 0 };
    struct oidc_flow *f = oidc_flow_new(o, done, ctx);
    if (f == NULL)
        return;
    int rc = check_return(f, back, &err);
    if (rc < 0)
        oidc_flow_fail(f, rc, &err);
    else
        oidc_provider_find(o->provider, oidc_now_ns(o), end_found, f);
}
