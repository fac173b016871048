/* Tokens in a file or at a daemon.  See access_of.h. */
#include "cli/access_of.h"

#include <string.h>
#include <strings.h>

#include "api/access_json.h"
#include "base/text.h"
#include "cli/daemon_of.h"

static int open_file(const struct cli_context *ctx, struct access **ret, struct mw_error *err)
{
    const struct access_options o = { .path = cli_option_string(ctx, "access") };
    return access_create(&o, ret, err);
}

static int ask(const struct cli_context *ctx, const struct daemon_call *c, json_t **ret,
               struct mw_error *err)
{
    struct daemon *d mw_cleanup(daemon_closep) = NULL;
    int rc = daemon_of(ctx, &d, err);
    return rc == 0 ? daemon_ask(d, c, ret, err) : rc;
}

int access_of_create(const struct cli_context *ctx, const json_t *grant, json_t **ret,
                     struct mw_error *err)
{
    struct access *a = NULL;
    struct access_grant g;
    char token[ACCESS_TOKEN_MAX], id[ACCESS_ID_SIZE + 1];
    const struct daemon_call c = { .path = "/api/v1/tokens", .body = grant };
    if (cli_option_string(ctx, "access") == NULL)
        return ask(ctx, &c, ret, err);
    int rc = access_grant_read(grant, &g, err);
    if (rc == 0)
        rc = open_file(ctx, &a, err);
    if (rc == 0)
        rc = access_token_create(a, &g, token, id, err);
    access_destroy(a);
    if (rc < 0)
        return rc;
    *ret = json_pack("{s:s, s:s}", "id", id, "token", token);
    explicit_bzero(token, sizeof(token));
    return *ret != NULL ? 0 : mw_fail(err, MW_ENOMEM, "out of memory");
}

static json_t *token_json(const struct access_token *t)
{
    const struct principal *p = &t->who;
    return json_pack("{s:s, s:s, s:s, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "id", p->id, "kind",
                     t->kind == ACCESS_LOGIN ? "login" : "token", "name", p->name, "actor",
                     (json_int_t)p->actor, "roles", access_roles_json(p->roles), "tenants",
                     access_tenants_json(p->tenant, p->tenants), "halls",
                     access_halls_json(p->hall, p->halls), "created",
                     access_time_json(t->created_ns), "expires", access_time_json(p->expires_ns),
                     "revoked", access_time_json(t->revoked_ns));
}

int access_of_list(const struct cli_context *ctx, json_t **ret, struct mw_error *err)
{
    struct access *a = NULL;
    struct access_token t;
    const struct daemon_call c = { .path = "/api/v1/tokens" };
    if (cli_option_string(ctx, "access") == NULL)
        return ask(ctx, &c, ret, err);
    int rc = open_file(ctx, &a, err);
    if (rc < 0)
        return rc;
    json_t *rows = json_array();
    for (uint32_t i = 0; access_token_at(a, i, &t); i++)
        (void)json_array_append_new(rows, token_json(&t));
    access_destroy(a);
    *ret = json_pack("{s:o}", "rows", rows);
    return *ret != NULL ? 0 : mw_fail(err, MW_ENOMEM, "out of memory");
}

int access_of_revoke(const struct cli_context *ctx, const char *id, struct mw_error *err)
{
    struct access *a = NULL;
    struct text path = { 0 };
    json_t *answer = NULL;
    if (strspn(id, "0123456789abcdefghijklmnopqrstuvwxyz-") != strlen(id) || id[0] == '\0')
        return mw_fail(err, MW_ENOTFOUND, "\"%.40s\" is no token's id: mw token list shows them",
                       id);
    if (cli_option_string(ctx, "access") == NULL) {
        text_addf(&path, "/api/v1/tokens/%s", id);
        const struct daemon_call c = { .path = text_string(&path), .method = "DELETE" };
        int rc = ask(ctx, &c, &answer, err);
        text_fini(&path);
        json_decref(answer);
        return rc;
    }
    int rc = open_file(ctx, &a, err);
    if (rc == 0)
        rc = access_token_revoke(a, id, err);
    access_destroy(a);
    return rc;
}
