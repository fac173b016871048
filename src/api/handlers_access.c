/* Answers about who asks: sessions, links, tokens, the audit log.  See routes.h. */
#include "api/handlers_access.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "api/access_json.h"
#include "api/audit.h"
#include "api/routes.h"
#include "api/schema.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/units.h"

#define AUDIT_LIMIT 100u /* rows, when nobody says; chosen: a screen or two */
#define AUDIT_LIMIT_MAX 1000u

const struct api_schema api_schemas_access[] = {
    { "Names", "{'type':'array','items':{'type':'string'}}" },
    { "Session",
      "{'type':'object','required':['name','roles','permissions','tenants','halls','csrf','site',"
      "'version','replay','expires'],'properties':{'name':{'type':'string'},"
      "'actor':{'type':'integer'},'roles':{'$ref':'#/components/schemas/Names'},"
      "'permissions':{'$ref':'#/components/schemas/Names'},"
      "'tenants':{'type':'array','items':{'type':'integer'},'description':'none = all'},"
      "'halls':{'$ref':'#/components/schemas/Names'},'csrf':{'type':['string','null'],"
      "'description':'what a browser sends as MW-CSRF with each write'},"
      "'site':{'type':['string','null']},'version':{'type':'string'},"
      "'replay':{'type':'boolean'},'expires':{'$ref':'#/components/schemas/TimeOrNull'}}}" },
    { "Code", "{'type':'object','required':['code'],'additionalProperties':false,"
              "'properties':{'code':{'type':'string','description':'of a one-time link'}}}" },
    { "Done", "{'type':'object','required':['done'],'properties':{'done':{'type':'boolean'}}}" },
    { "Link", "{'type':'object','required':['link','expires_s'],'properties':{"
              "'link':{'type':'string'},'expires_s':{'type':'integer'}}}" },
    { "TokenGrant",
      "{'type':'object','required':['name','roles'],'additionalProperties':false,'properties':{"
      "'name':{'type':'string','minLength':1,'maxLength':63},"
      "'roles':{'type':'array','minItems':1,'items':{'enum':['viewer','user','technician',"
      "'operator','finance','auditor','admin']}},"
      "'tenants':{'type':'array','maxItems':16,'items':{'type':'integer','minimum':0}},"
      "'halls':{'type':'array','maxItems':16,'items':{'type':'string'}},"
      "'expires':{'$ref':'#/components/schemas/TimeOrNull'}}}" },
    { "Token",
      "{'type':'object','required':['id','kind','name','actor','roles','tenants','halls','created',"
      "'expires','revoked'],'properties':{'id':{'type':'string'},"
      "'kind':{'enum':['token','login','session']},'name':{'type':'string'},"
      "'actor':{'type':'integer'},'roles':{'$ref':'#/components/schemas/Names'},"
      "'tenants':{'type':'array','items':{'type':'integer'}},"
      "'halls':{'$ref':'#/components/schemas/Names'},"
      "'created':{'$ref':'#/components/schemas/Time'},"
      "'expires':{'$ref':'#/components/schemas/TimeOrNull'},"
      "'revoked':{'$ref':'#/components/schemas/TimeOrNull'}}}" },
    { "TokenList", "{'type':'object','required':['kind','rows','total','next'],'properties':{"
                   "'kind':{'const':'TokenList'},'rows':{'type':'array','items':"
                   "{'$ref':'#/components/schemas/Token'}},'total':{'type':'integer'},"
                   "'next':{'type':'null'}}}" },
    { "TokenMade", "{'type':'object','required':['id','token'],'properties':{"
                   "'id':{'type':'string'},'token':{'type':'string',"
                   "'description':'shown this once'}}}" },
    { "AuditLine",
      "{'type':'object','required':['n','time','who','actor','via','route','target','status','seq',"
      "'detail','left_out','prev'],'properties':{'n':{'type':'integer'},"
      "'time':{'$ref':'#/components/schemas/Time'},'who':{'type':['string','null']},"
      "'actor':{'type':'integer'},'via':{'enum':['unix','token','session','none']},"
      "'route':{'type':['string','null']},'target':{'type':['string','null']},"
      "'status':{'type':'integer'},'seq':{'type':['integer','null']},"
      "'detail':{'type':['string','null']},'left_out':{'type':'integer'},"
      "'prev':{'type':'string'}}}" },
    { "AuditList", "{'type':'object','required':['kind','rows','next'],'properties':{"
                   "'kind':{'const':'AuditList'},'rows':{'type':'array','items':"
                   "{'$ref':'#/components/schemas/AuditLine'}},"
                   "'next':{'type':['string','null']}}}" },
    { 0 },
};

/* ---- sessions ------------------------------------------------------------------------------ */

static json_t *session_json(const struct api_call *call, const struct principal *p)
{
    const struct control *c = call->replica != NULL ? replica_control(call->replica) : NULL;
    const char *site = c != NULL ? c->board->fleet->name : NULL;
    return json_pack("{s:s, s:I, s:o, s:o, s:o, s:o, s:s?, s:s?, s:s, s:b, s:o}", "name", p->name,
                     "actor", (json_int_t)p->actor, "roles", access_roles_json(p->roles),
                     "permissions", access_permissions_json(p), "tenants",
                     access_tenants_json(p->tenant, p->tenants), "halls",
                     access_halls_json(p->hall, p->halls), "csrf",
                     p->csrf[0] != '\0' ? p->csrf : NULL, "site", site, "version", MW_VERSION,
                     "replay", (int)asks_is_replay(api_server_asks(call->server)), "expires",
                     access_time_json(p->expires_ns));
}

int api_get_session(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    ret->json = session_json(call, call->who);
    return ret->json != NULL ? 0 : mw_fail(err, MW_ENOMEM, "out of memory");
}

/* Over plain HTTP a browser drops a Secure cookie; a proxy before us says that it speaks TLS. */
static bool browser_sees_tls(const struct api_call *call)
{
    return call->over_tls ||
           (call->forwarded_proto != NULL && strcmp(call->forwarded_proto, "https") == 0);
}

int64_t handlers_utc_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * MW_NS_PER_S + t.tv_nsec;
}

void handlers_set_session(const struct api_call *call, struct api_answer *ret, const char *word)
{
    int64_t s = word[0] != '\0' ? ACCESS_SESSION_NS / MW_NS_PER_S : 0;
    api_answer_header(ret, "Set-Cookie", ACCESS_COOKIE "=%s; Path=/; HttpOnly; SameSite=Strict; "
                      "Max-Age=%lld%s", word, (long long)s,
                      browser_sees_tls(call) ? "; Secure" : "");
}

int handlers_audit_login(const struct api_call *call, const struct principal *who, int status,
                         const char *detail, struct mw_error *err)
{
    static const char *const via[] = { [ACCESS_VIA_NONE] = "none", [ACCESS_VIA_UNIX] = "unix",
                                       [ACCESS_VIA_TOKEN] = "token",
                                       [ACCESS_VIA_SESSION] = "session" };
    struct audit *log = api_server_audit(call->server);
    const struct audit_entry e = {
        .time_ns = handlers_utc_ns(), .who = who != NULL ? who->name : NULL,
        .actor = who != NULL ? who->actor : 0, .via = via[who != NULL ? who->via : ACCESS_VIA_NONE],
        .route = call->route != NULL ? call->route->id : NULL, .target = call->path,
        .status = status, .detail = detail };
    return log != NULL ? audit_add(log, &e, who != NULL, err) : 0;
}

int handlers_read_word(const struct api_call *call, const char *key, char *ret, size_t room,
                       struct mw_error *err)
{
    json_error_t at;
    json_t *o = json_loadb(call->body, call->size, JSON_REJECT_DUPLICATES, &at);
    const char *s = json_string_value(json_object_get(o, key));
    int rc = 0;
    if (o == NULL)
        rc = mw_fail(err, MW_ESYNTAX, "line %d, column %d: %s", at.line, at.column, at.text);
    else if (s == NULL || json_object_size(o) != 1 || strlen(s) >= room)
        rc = mw_fail(err, MW_EINVAL, "the body must be {\"%s\": \"…\"}", key);
    else
        (void)snprintf(ret, room, "%s", s);
    json_decref(o);
    return rc;
}

int api_post_session(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    struct access *a = api_server_access(call->server);
    char code[ACCESS_WORD_MAX + 1], session[ACCESS_WORD_MAX];
    struct principal p;
    ret->secret = true;
    int rc = handlers_read_word(call, "code", code, sizeof(code), err);
    if (rc == 0)
        rc = access_login(a, code, session, &p, err);
    if (rc == 0) {
        rc = handlers_audit_login(call, &p, 200, "logged in by link", err);
        if (rc < 0)
            access_logout(a, session);
    }
    if (rc == MW_EDENIED)
        ret->status = 401;
    if (rc < 0)
        return rc;
    ret->unaudited = true; /* that was done, under the name of who came in */
    handlers_set_session(call, ret, session);
    ret->json = session_json(call, &p);
    return 0;
}

/* What mw login keeps is a session of a terminal; other tokens are ended by who gave them. */
static bool is_login(struct access *a, const struct principal *who)
{
    struct access_token t;
    for (uint32_t i = 0; who->via == ACCESS_VIA_TOKEN && access_token_at(a, i, &t); i++)
        if (strcmp(t.who.id, who->id) == 0)
            return t.kind == ACCESS_LOGIN;
    return false;
}

int api_delete_session(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    struct access *a = api_server_access(call->server);
    int rc = 0;
    if (call->who->via == ACCESS_VIA_SESSION) {
        access_logout(a, call->session);
        handlers_set_session(call, ret, "");
    } else if (is_login(a, call->who)) {
        rc = access_token_revoke(a, call->who->id, err);
    } else {
        rc = mw_fail(err, MW_ECONFLICT, "there is no session to end: you came by %s",
                     call->who->via == ACCESS_VIA_TOKEN ? "a token (mw token revoke ends it)"
                                                        : "the daemon's socket");
    }
    ret->json = rc == 0 ? json_pack("{s:b}", "done", 1) : NULL;
    return rc;
}

int api_post_link(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    char code[ACCESS_WORD_MAX];
    const char *url = api_server_url(call->server);
    ret->secret = true;
    if (!access_sees_all(call->who))
        return mw_fail(err, MW_EDENIED, "a link gives access to everything, and yours is narrower");
    if (url == NULL || url[0] == '\0')
        return mw_fail(err, MW_ECONFLICT, "the daemon listens on its socket only: start mw serve "
                       "with --listen");
    int rc = access_code_new(api_server_access(call->server), code, err);
    if (rc < 0)
        return rc;
    (void)snprintf(ret->detail, sizeof(ret->detail), "a one-time link");
    ret->json = json_pack("{s:s++, s:I}", "link", url, "#/login/", code, "expires_s",
                          (json_int_t)(ACCESS_CODE_NS / MW_NS_PER_S));
    return ret->json != NULL ? 0 : mw_fail(err, MW_ENOMEM, "out of memory");
}

/* ---- tokens -------------------------------------------------------------------------------- */

/* Whoever gives access gives no more than it has. */
static bool within(const struct principal *giver, uint32_t tenants, const uint32_t *tenant,
                   uint32_t halls, const char (*hall)[64])
{
    if ((giver->tenants > 0 && tenants == 0) || (giver->halls > 0 && halls == 0))
        return false;
    for (uint32_t i = 0; i < tenants; i++)
        if (!access_sees_tenant(giver, tenant[i]))
            return false;
    for (uint32_t i = 0; i < halls; i++)
        if (!access_sees_hall(giver, hall[i]))
            return false;
    return true;
}

static bool token_within(const struct principal *giver, const struct access_token *t)
{
    return within(giver, t->who.tenants, t->who.tenant, t->who.halls, t->who.hall);
}

static json_t *token_json(const struct access_token *t)
{
    static const char *const kinds[] = { [ACCESS_TOKEN] = "token", [ACCESS_LOGIN] = "login",
                                         [ACCESS_SESSION] = "session" };
    const struct principal *p = &t->who;
    return json_pack("{s:s, s:s, s:s, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "id", p->id, "kind",
                     kinds[t->kind], "name", p->name, "actor", (json_int_t)p->actor, "roles",
                     access_roles_json(p->roles), "tenants",
                     access_tenants_json(p->tenant, p->tenants), "halls",
                     access_halls_json(p->hall, p->halls), "created",
                     access_time_json(t->created_ns), "expires", access_time_json(p->expires_ns),
                     "revoked", access_time_json(t->revoked_ns));
}

int api_get_tokens(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    struct access *a = api_server_access(call->server);
    struct access_token t;
    const char *trouble = access_trouble(a);
    if (trouble != NULL)
        return mw_fail(err, MW_ECONFLICT, "%s", trouble);
    json_t *rows = json_array();
    for (uint32_t i = 0; access_token_at(a, i, &t); i++)
        if (token_within(call->who, &t))
            (void)json_array_append_new(rows, token_json(&t));
    ret->json = json_pack("{s:s, s:I, s:o, s:n}", "kind", "TokenList", "total",
                          (json_int_t)json_array_size(rows), "rows", rows, "next");
    return ret->json != NULL ? 0 : mw_fail(err, MW_ENOMEM, "out of memory");
}

static int read_grant(const struct api_call *call, struct access_grant *g, struct mw_error *err)
{
    static const char *const keys[] = { "name", "roles", "tenants", "halls", "expires" };
    json_error_t at;
    json_t *o = json_loadb(call->body, call->size, JSON_REJECT_DUPLICATES, &at);
    size_t known = 0;
    for (size_t i = 0; i < MW_ARRAY_LEN(keys); i++)
        known += json_object_get(o, keys[i]) != NULL;
    int rc = 0;
    if (o == NULL)
        rc = mw_fail(err, MW_ESYNTAX, "line %d, column %d: %s", at.line, at.column, at.text);
    else if (!json_is_object(o) || known != json_object_size(o))
        rc = mw_fail(err, MW_EINVAL, "the body must be an object with name, roles and, if wanted, "
                     "tenants, halls and expires");
    else
        rc = access_grant_read(o, g, err);
    json_decref(o);
    return rc;
}

int api_post_token(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    struct access_grant g;
    char token[ACCESS_TOKEN_MAX], id[ACCESS_ID_SIZE + 1];
    ret->secret = true;
    int rc = read_grant(call, &g, err);
    if (rc == 0 && !within(call->who, g.tenants, g.tenant, g.halls, g.hall))
        rc = mw_fail(err, MW_EDENIED, "you cannot give more than you have: name tenants and halls "
                     "of your own");
    if (rc == 0)
        rc = access_token_create(api_server_access(call->server), &g, token, id, err);
    if (rc < 0)
        return rc;
    (void)snprintf(ret->detail, sizeof(ret->detail), "token %s for %s", id, g.name);
    ret->status = 201;
    ret->json = json_pack("{s:s, s:s}", "id", id, "token", token);
    explicit_bzero(token, sizeof(token));
    return ret->json != NULL ? 0 : mw_fail(err, MW_ENOMEM, "out of memory");
}

int api_delete_token(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    struct access *a = api_server_access(call->server);
    struct access_token t;
    bool found = false;
    for (uint32_t i = 0; !found && access_token_at(a, i, &t); i++)
        found = strcmp(t.who.id, call->arg[0]) == 0 && token_within(call->who, &t);
    if (!found) {
        ret->status = 404;
        return mw_fail(err, MW_ENOTFOUND, "there is no token or session %.40s: mw token list shows "
                       "them", call->arg[0]);
    }
    int rc = access_token_revoke(a, t.who.id, err);
    if (rc < 0)
        return rc;
    (void)snprintf(ret->detail, sizeof(ret->detail), "ended %s of %s", t.who.id, t.who.name);
    ret->json = json_pack("{s:b}", "done", 1);
    return 0;
}

/* ---- the audit log ------------------------------------------------------------------------- */

struct audit_filter {
    char who[64], route[64];
    uint64_t status;
    bool by_who, by_route, writes;
};

static bool keep_line(void *ctx, const json_t *line)
{
    const struct audit_filter *f = ctx;
    const char *who = json_string_value(json_object_get(line, "who"));
    const char *route = json_string_value(json_object_get(line, "route"));
    json_int_t status = json_integer_value(json_object_get(line, "status"));
    if ((f->by_who && (who == NULL || strcmp(who, f->who) != 0)) ||
        (f->by_route && (route == NULL || strcmp(route, f->route) != 0)) ||
        (f->status != 0 && status != (json_int_t)f->status))
        return false;
    return !f->writes || status < 400;
}

int api_get_audit(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    struct audit_filter f = { 0 };
    char cursor[24];
    uint64_t limit = AUDIT_LIMIT, before = 0, next = 0;
    json_t *rows = NULL;
    if (!access_sees_all(call->who))
        return mw_fail(err, MW_EDENIED, "the audit log is of the whole site, and your access is "
                       "narrower");
    f.by_who = api_query_get(call, "who", f.who, sizeof(f.who)) != NULL;
    f.by_route = api_query_get(call, "route", f.route, sizeof(f.route)) != NULL;
    f.writes = api_query_flag(call, "done");
    int rc = api_query_u64(call, "status", 599, &f.status, err);
    if (rc == 0)
        rc = api_query_u64(call, "limit", AUDIT_LIMIT_MAX, &limit, err);
    if (rc == 0 && limit == 0)
        rc = mw_fail(err, MW_EINVAL, "limit: from 1 to %u", AUDIT_LIMIT_MAX);
    if (rc == 0 && api_query_get(call, "cursor", cursor, sizeof(cursor)) != NULL &&
        mw_parse_u64(cursor, &before) < 0)
        rc = mw_fail(err, MW_EINVAL, "cursor: is none that this list gave");
    const struct audit_wish w = { .before = before, .limit = (uint32_t)limit, .keep = keep_line,
                                  .ctx = &f };
    if (rc == 0)
        rc = audit_read(api_server_options(call->server)->journal, &w, &rows, &next, err);
    if (rc < 0)
        return rc;
    (void)snprintf(cursor, sizeof(cursor), "%llu", (unsigned long long)next);
    ret->json = json_pack("{s:s, s:o, s:s?}", "kind", "AuditList", "rows", rows, "next",
                          next != 0 ? cursor : NULL);
    return ret->json != NULL ? 0 : mw_fail(err, MW_ENOMEM, "out of memory");
}
