/*
 * Logins by an identity provider, as a browser and a terminal ask for them, and
 * the parts of the server that they stand on.  See oidc.h.
 */
#include "api/handlers_access.h"

#include <stdio.h>
#include <string.h>

#include "api/access_json.h"
#include "api/oidc.h"
#include "api/parts.h"
#include "api/schema.h"
#include "base/mem.h"
#include "base/units.h"

#define BROWSER_COOKIE "mw_login" /* binds a login to the browser that began it */
#define URL_ROOM 512

const struct api_schema api_schemas_login[] = {
    { "Login", "{'type':'object','required':['link','oidc'],'properties':{"
               "'link':{'type':'boolean'},'oidc':{'type':'boolean'},"
               "'issuer':{'type':['string','null']},'begin':{'type':['string','null'],"
               "'description':'where a browser begins'}}}" },
    { "LoginDevice",
      "{'type':'object','required':['login','user_code','verification_uri','interval_s',"
      "'expires_s'],'properties':{'login':{'type':'string'},'user_code':{'type':'string'},"
      "'verification_uri':{'type':'string'},"
      "'verification_uri_complete':{'type':['string','null']},"
      "'interval_s':{'type':'integer'},'expires_s':{'type':'integer'}}}" },
    { "LoginDeviceAsk", "{'type':'object','required':['login'],'additionalProperties':false,"
                        "'properties':{'login':{'type':'string'}}}" },
    { "LoginToken",
      "{'type':'object','required':['pending'],'properties':{'pending':{'type':'boolean'},"
      "'interval_s':{'type':'integer'},'token':{'type':'string'},'name':{'type':'string'},"
      "'roles':{'$ref':'#/components/schemas/Names'},"
      "'expires':{'$ref':'#/components/schemas/TimeOrNull'}}}" },
    { 0 },
};

/* What the server keeps for it: see parts.h. */
struct login_part {
    struct outbound *outbound;
    struct oidc *oidc;
};

/* One request that waits for the provider. */
struct waiting {
    struct oidc *o;
    struct api_later *later; /* NULL = not kept yet: the answer came at once */
    struct api_call call;    /* what is needed of it afterwards, for the audit log and cookies */
    bool answered;
    struct api_answer answer;
    struct mw_error err;
    int code;
    char path[64];
};

static void on_gone(void *ctx)
{
    struct waiting *w = ctx;
    oidc_forget(w->o, w);
    mw_free(w);
}

static struct waiting *wait_new(struct api_call *call, struct oidc *o)
{
    struct waiting *w = mw_calloc(1, sizeof(*w));
    if (w == NULL)
        return NULL;
    w->o = o;
    w->call = (struct api_call){ .server = call->server, .route = call->route,
                                 .over_tls = call->over_tls, .path = w->path };
    /* Only its being "https" counts later. */
    w->call.forwarded_proto =
        call->forwarded_proto != NULL && strcmp(call->forwarded_proto, "https") == 0 ? "https"
                                                                                     : NULL;
    (void)snprintf(w->path, sizeof(w->path), "%s", call->path);
    w->answer.status = 200;
    return w;
}

/* What is in w goes out now, or, when the handler is still in its call, with its return. */
static void wait_end(struct waiting *w)
{
    w->answered = true;
    if (w->later == NULL)
        return;
    if (w->code < 0)
        api_later_fail(w->later, w->answer.status, &w->err);
    else
        api_later_send(w->later, &w->answer);
    mw_free(w);
}

/* The handler's return. */
static int wait_return(struct waiting *w, struct api_call *call, struct api_answer *ret,
                       struct mw_error *err)
{
    if (!w->answered) {
        w->later = api_later(call, on_gone, w);
        ret->later = true;
        return 0;
    }
    int code = w->code;
    *ret = w->answer;
    if (code < 0 && err != NULL)
        *err = w->err;
    mw_free(w);
    return code;
}

static void wait_fail(struct waiting *w, const struct oidc_result *r)
{
    w->code = r->code;
    w->err = *r->err;
    w->err.code = r->code;
    w->answer.status = r->code == MW_EDENIED                                ? 403
                       : r->code == MW_ENOTFOUND                            ? 404
                       : r->code == MW_ECONFLICT                            ? 409
                       : r->code == MW_EBUSY || r->code == MW_ELIMIT        ? 429
                       : r->code == MW_EUNREACHABLE || r->code == MW_EINVAL ? 502
                       : r->code == MW_ETIMEOUT                             ? 504
                                                                            : 500;
}

static struct oidc *find_oidc(const struct api_call *call)
{
    struct login_part *p = api_server_part(call->server, PART_LOGIN);
    return p != NULL ? p->oidc : NULL;
}

static int oidc_of(const struct api_call *call, struct oidc **ret, struct mw_error *err)
{
    *ret = find_oidc(call);
    return *ret != NULL ? 0
                        : mw_fail(err, MW_ECONFLICT, "this daemon knows no identity provider: "
                                  "start mw serve with --oidc FILE");
}

int api_get_login(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    const struct oidc *o = find_oidc(call);
    ret->json = json_pack("{s:b, s:b, s:s?, s:s?}", "link", 1, "oidc", (int)(o != NULL), "issuer",
                          o != NULL ? oidc_issuer(o) : NULL, "begin",
                          o != NULL ? "/login/oidc" : NULL);
    return ret->json != NULL ? 0 : mw_fail(err, MW_ENOMEM, "out of memory");
}

/* ---- browsers ------------------------------------------------------------------------------ */

static void set_browser(struct api_answer *a, const struct api_call *call, const char *word)
{
    bool tls = call->over_tls || call->forwarded_proto != NULL;
    /* Lax: the provider's redirect comes from another site. */
    api_answer_header(a, "Set-Cookie", BROWSER_COOKIE "=%s; Path=/login/oidc; HttpOnly; "
                      "SameSite=Lax; Max-Age=%lld%s", word,
                      (long long)(word[0] != '\0' ? OIDC_LOGIN_NS / MW_NS_PER_S : 0),
                      tls ? "; Secure" : "");
}

/* A browser gets no JSON: it is sent to the console's page, with a word of what went wrong. */
static const char *failed_word(int code)
{
    switch (code) {
    case MW_ENOTFOUND:
        return "expired";
    case MW_ECONFLICT:
        return "cancelled";
    case MW_EDENIED:
        return "denied";
    default:
        return "provider";
    }
}

static void browser_failed(struct waiting *w, const struct oidc_result *r)
{
    w->answer.status = 303;
    api_answer_header(&w->answer, "Location", "/#/login?failed=%s", failed_word(r->code));
    (void)!handlers_audit_login(&w->call, NULL, 403, r->err->text, NULL);
    wait_end(w);
}

static void browser_begun(void *ctx, const struct oidc_result *r)
{
    struct waiting *w = ctx;
    if (r->code < 0) {
        browser_failed(w, r);
        return;
    }
    if (strlen(r->location) < sizeof(w->answer.header[0].value)) {
        w->answer.status = 303;
        api_answer_header(&w->answer, "Location", "%s", r->location);
        set_browser(&w->answer, &w->call, r->browser);
    } else {
        w->answer.status = 500;
        w->code = mw_fail(&w->err, MW_ELIMIT, "the identity provider's address is too long");
    }
    wait_end(w);
}

int api_get_login_oidc(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    struct oidc *o = NULL;
    char to[OIDC_TO_MAX];
    int rc = oidc_of(call, &o, err);
    if (rc < 0)
        return rc;
    struct waiting *w = wait_new(call, o);
    if (w == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    const char *url = api_server_url(call->server);
    oidc_begin(o, url != NULL ? url : "", api_query_get(call, "to", to, sizeof(to)), browser_begun,
               w);
    return wait_return(w, call, ret, err);
}

static void browser_ended(void *ctx, const struct oidc_result *r)
{
    struct waiting *w = ctx;
    char detail[160];
    struct mw_error err;
    set_browser(&w->answer, &w->call, "");
    if (r->code < 0) {
        browser_failed(w, r);
        return;
    }
    (void)snprintf(detail, sizeof(detail), "logged in by %s", oidc_issuer(w->o));
    if (handlers_audit_login(&w->call, r->who, 303, detail, &err) < 0) {
        access_logout(api_server_access(w->call.server), r->session);
        browser_failed(w, &(struct oidc_result){ .code = MW_EIO, .err = &err });
        return;
    }
    w->answer.status = 303;
    handlers_set_session(&w->call, &w->answer, r->session);
    api_answer_header(&w->answer, "Location", "/#%s", r->to);
    wait_end(w);
}

/* The value of a cookie; NULL when absent or too long. */
static const char *cookie(const struct api_call *call, const char *name, char *buf, size_t size)
{
    size_t n = strlen(name);
    for (const char *p = call->cookie; p != NULL && *p != '\0';) {
        p += strspn(p, " \t;");
        size_t length = strcspn(p, ";");
        if (length > n && strncmp(p, name, n) == 0 && p[n] == '=' && length - n - 1 < size) {
            memcpy(buf, p + n + 1, length - n - 1);
            buf[length - n - 1] = '\0';
            return buf;
        }
        p += length;
    }
    return NULL;
}

int api_get_login_return(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    struct oidc *o = NULL;
    char code[OIDC_CODE_MAX], state[256], issuer[URL_ROOM], error[128], browser[ACCESS_WORD_MAX];
    int rc = oidc_of(call, &o, err);
    if (rc < 0)
        return rc;
    struct waiting *w = wait_new(call, o);
    if (w == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    const struct oidc_return back = {
        .code = api_query_get(call, "code", code, sizeof(code)),
        .state = api_query_get(call, "state", state, sizeof(state)),
        .issuer = api_query_get(call, "iss", issuer, sizeof(issuer)),
        .error = api_query_get(call, "error", error, sizeof(error)),
        .browser = cookie(call, BROWSER_COOKIE, browser, sizeof(browser)) };
    oidc_end(o, &back, browser_ended, w);
    return wait_return(w, call, ret, err);
}

/* ---- terminals ----------------------------------------------------------------------------- */

static void device_begun(void *ctx, const struct oidc_result *r)
{
    struct waiting *w = ctx;
    if (r->code < 0) {
        wait_fail(w, r);
    } else {
        w->answer.secret = true;
        w->answer.json = json_pack("{s:s, s:s, s:s, s:s?, s:I, s:I}", "login", r->handle,
                                   "user_code", r->user_code, "verification_uri", r->verify_url,
                                   "verification_uri_complete", r->verify_url_complete,
                                   "interval_s", (json_int_t)r->interval_s, "expires_s",
                                   (json_int_t)r->expires_s);
    }
    wait_end(w);
}

int api_post_login_device(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    struct oidc *o = NULL;
    int rc = oidc_of(call, &o, err);
    if (rc < 0)
        return rc;
    struct waiting *w = wait_new(call, o);
    if (w == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    oidc_device_begin(o, device_begun, w);
    return wait_return(w, call, ret, err);
}

static void device_token(struct waiting *w, const struct oidc_result *r)
{
    char detail[160];
    (void)snprintf(detail, sizeof(detail), "logged in by %s, at a terminal", oidc_issuer(w->o));
    w->code = handlers_audit_login(&w->call, r->who, 200, detail, &w->err);
    if (w->code < 0) {
        (void)!access_token_revoke(api_server_access(w->call.server), r->who->id, NULL);
        return;
    }
    w->answer.json = json_pack("{s:b, s:s, s:s, s:o, s:o}", "pending", 0, "token", r->token, "name",
                               r->who->name, "roles", access_roles_json(r->who->roles), "expires",
                               access_time_json(r->who->expires_ns));
}

static void device_ended(void *ctx, const struct oidc_result *r)
{
    struct waiting *w = ctx;
    w->answer.secret = true;
    if (r->code < 0) {
        wait_fail(w, r);
    } else {
        w->answer.unaudited = true; /* still waiting, or audited under the name of who came in */
        if (r->pending)
            w->answer.json = json_pack("{s:b, s:I}", "pending", 1, "interval_s",
                                       (json_int_t)r->interval_s);
        else
            device_token(w, r);
    }
    wait_end(w);
}

int api_post_login_device_token(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    struct oidc *o = NULL;
    char handle[OIDC_HANDLE_MAX];
    int rc = oidc_of(call, &o, err);
    if (rc == 0)
        rc = handlers_read_word(call, "login", handle, sizeof(handle), err);
    if (rc < 0)
        return rc;
    struct waiting *w = wait_new(call, o);
    if (w == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    oidc_device_end(o, handle, device_ended, w);
    return wait_return(w, call, ret, err);
}

/* ---- the part ------------------------------------------------------------------------------ */

static int part_init(struct login_part *p, struct api_server *s, struct mw_error *err)
{
    const struct outbound_options out = { .base = api_server_base(s) };
    int rc = outbound_create(&out, &p->outbound, err);
    const struct oidc_options options = { .file = api_server_options(s)->oidc_file,
                                          .access = api_server_access(s),
                                          .outbound = p->outbound };
    return rc == 0 ? oidc_create(&options, &p->oidc, err) : rc;
}

int login_part_create(struct api_server *s, void **ret, struct mw_error *err)
{
    *ret = NULL;
    if (api_server_options(s)->oidc_file == NULL)
        return 0;
    struct login_part *p = mw_calloc(1, sizeof(*p));
    if (p == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    int rc = part_init(p, s, err);
    if (rc < 0)
        login_part_destroy(p);
    else
        *ret = p;
    return rc;
}

void login_part_begin(void *part, struct replica *r)
{
    (void)part; /* the record says nothing of logins */
    (void)r;
}

void login_part_destroy(void *part)
{
    struct login_part *p = part;
    if (p == NULL)
        return;
    oidc_destroy(p->oidc);
    outbound_destroy(p->outbound);
    mw_free(p);
}
