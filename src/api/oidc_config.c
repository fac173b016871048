/* The file of an identity provider.  See oidc_config.h. */
#include "api/oidc_config.h"

#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "api/config_file.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/schema.h"

#define FILE_BYTES_MAX ((size_t)1 << 20)

static const char *const role_words[] = { "viewer",  "user",    "technician", "operator",
                                          "finance", "auditor", "admin",      NULL };
_Static_assert(MW_ARRAY_LEN(role_words) == ROLE_COUNT + 1, "every role has its word");

static const struct schema_field role_item = { .type = SCHEMA_CHOICE, .choices = role_words };
static const struct schema_field tenant_item = { .type = SCHEMA_INT, .min = 0, .max = UINT32_MAX };
static const struct schema_field hall_item = { .type = SCHEMA_TEXT, .min = 1, .max = 63 };

static const struct schema_field grant_fields[] = {
    { .name = "group", .type = SCHEMA_TEXT, .required = true, .min = 1, .max = 127,
      .help = "a group as the provider names it, or \"*\" for anyone" },
    { .name = "roles", .type = SCHEMA_LIST, .required = true, .min = 1, .max = ROLE_COUNT,
      .item = &role_item, .help = "what its people may" },
    { .name = "tenants", .type = SCHEMA_LIST, .min = 1, .max = ACCESS_SCOPES_MAX,
      .item = &tenant_item, .help = "only these tenants" },
    { .name = "halls", .type = SCHEMA_LIST, .min = 1, .max = ACCESS_SCOPES_MAX,
      .item = &hall_item, .help = "only these halls" },
    { 0 },
};
static const struct schema_field grant_item = { .type = SCHEMA_MAP, .fields = grant_fields };

static const struct schema_field config_fields[] = {
    { .name = "issuer", .type = SCHEMA_TEXT, .required = true, .min = 8, .max = OIDC_URL_MAX - 64,
      .help = "the provider's address, as its discovery document says it" },
    { .name = "client_id", .type = SCHEMA_TEXT, .required = true, .min = 1, .max = 255,
      .help = "what the provider calls us" },
    { .name = "client_secret_file", .type = SCHEMA_TEXT, .min = 1, .max = 1000,
      .help = "a file with the secret, 0600" },
    { .name = "console", .type = SCHEMA_TEXT, .min = 8, .max = OIDC_URL_MAX - 64,
      .help = "where browsers reach the console" },
    { .name = "scopes", .type = SCHEMA_TEXT, .min = 6, .max = 255,
      .help = "what we ask to be told, divided by spaces; openid is one of them" },
    { .name = "claim", .type = SCHEMA_TEXT, .min = 1, .max = 63,
      .help = "the claim that holds a person's groups" },
    { .name = "name", .type = SCHEMA_TEXT, .min = 1, .max = 63,
      .help = "the claim that holds a person's name" },
    { .name = "ca_file", .type = SCHEMA_TEXT, .min = 1, .max = 1000,
      .help = "certificates that sign the provider's, PEM" },
    { .name = "grants", .type = SCHEMA_LIST, .required = true, .min = 1, .max = OIDC_GRANTS_MAX,
      .item = &grant_item, .help = "what groups stand for, the first that fits counts" },
    { 0 },
};

struct reader {
    struct mw_yaml *yaml;
    struct problems problems;
    const char *path;
    struct oidc_config *ret;
};

bool oidc_url_safe(const char *url)
{
    static const char *const local[] = { "http://127.0.0.1", "http://localhost", "http://[::1]" };
    must(url != NULL);
    if (strncmp(url, "https://", 8) == 0)
        return url[8] != '\0' && url[8] != '/';
    for (size_t i = 0; i < MW_ARRAY_LEN(local); i++) {
        size_t n = strlen(local[i]);
        if (strncmp(url, local[i], n) == 0 &&
            (url[n] == '\0' || url[n] == ':' || url[n] == '/'))
            return strchr(url, '@') == NULL; /* http://localhost:x@elsewhere is elsewhere */
    }
    return false;
}

static void read_scopes(const struct mw_yaml_node *node, struct oidc_grant *g)
{
    const struct mw_yaml_node *list = schema_list(grant_fields, node, "tenants");
    for (const struct mw_yaml_node *n = list ? list->child : NULL;
         n != NULL && g->tenants < ACCESS_SCOPES_MAX; n = n->next) {
        uint64_t tenant = 0;
        if (mw_parse_u64(n->text, &tenant) == 0)
            g->tenant[g->tenants++] = (uint32_t)tenant;
    }
    list = schema_list(grant_fields, node, "halls");
    for (const struct mw_yaml_node *n = list ? list->child : NULL;
         n != NULL && g->halls < ACCESS_SCOPES_MAX; n = n->next)
        (void)snprintf(g->hall[g->halls++], sizeof(g->hall[0]), "%s", n->text);
}

static void read_grant(struct reader *r, const struct mw_yaml_node *node, struct oidc_grant *g)
{
    const struct mw_yaml_node *list = schema_list(grant_fields, node, "roles");
    (void)snprintf(g->group, sizeof(g->group), "%s",
                   schema_text(grant_fields, node, "group", ""));
    for (const struct mw_yaml_node *n = list ? list->child : NULL; n != NULL; n = n->next) {
        int role = access_role_of(n->text);
        g->roles |= role >= 0 ? 1u << role : 0;
    }
    read_scopes(node, g);
    if (g->roles == 1u << ROLE_USER && g->tenants == 0)
        problems_add(&r->problems, mw_yaml_place(r->yaml, node), "grants: a user sees the jobs of "
                     "its own tenants: name them with tenants");
}

static int read_grants(struct reader *r, const struct mw_yaml_node *root, struct mw_error *err)
{
    const struct mw_yaml_node *list = schema_list(config_fields, root, "grants");
    struct oidc_config *c = r->ret;
    uint32_t room = list != NULL ? MW_MIN(list->children, OIDC_GRANTS_MAX) : 0;
    c->grant = mw_calloc(room, sizeof(*c->grant));
    if (c->grant == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    for (const struct mw_yaml_node *n = list != NULL ? list->child : NULL;
         n != NULL && c->grants < room; n = n->next)
        read_grant(r, n, &c->grant[c->grants++]);
    return 0;
}

static void check_url(struct reader *r, const struct mw_yaml_node *root, const char *key)
{
    const struct mw_yaml_node *n = mw_yaml_get(root, key);
    if (n != NULL && !oidc_url_safe(n->text))
        problems_add(&r->problems, mw_yaml_place(r->yaml, n), "%s: must be an https:// address "
                     "(http:// only to this machine itself)", key);
}

static void take(const struct mw_yaml_node *root, const char *key, const char *otherwise, char *ret,
                 size_t size)
{
    (void)snprintf(ret, size, "%s", schema_text(config_fields, root, key, otherwise));
}

static bool has_word(const char *words, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = words; (at = strstr(at, word)) != NULL; at += n)
        if ((at == words || at[-1] == ' ') && (at[n] == '\0' || at[n] == ' '))
            return true;
    return false;
}

static int read_texts(struct reader *r, const struct mw_yaml_node *root, struct mw_error *err)
{
    struct oidc_config *c = r->ret;
    take(root, "issuer", "", c->issuer, sizeof(c->issuer));
    take(root, "client_id", "", c->client_id, sizeof(c->client_id));
    take(root, "console", "", c->console, sizeof(c->console) - 1);
    take(root, "scopes", "openid profile email", c->scopes, sizeof(c->scopes));
    take(root, "claim", "groups", c->claim, sizeof(c->claim));
    take(root, "name", "", c->name, sizeof(c->name));
    size_t n = strlen(c->console);
    if (n > 0 && c->console[n - 1] != '/')
        memcpy(c->console + n, "/", 2);
    check_url(r, root, "issuer");
    check_url(r, root, "console");
    if (!has_word(c->scopes, "openid"))
        problems_add(&r->problems, mw_yaml_place(r->yaml, mw_yaml_get(root, "scopes")),
                     "scopes: openid must be one of them");
    const char *ca = schema_text(config_fields, root, "ca_file", "");
    return ca[0] == '\0' ? 0 : config_beside(r->path, ca, c->ca_file, sizeof(c->ca_file), err);
}

static int read_secret(struct reader *r, const struct mw_yaml_node *root, struct mw_error *err)
{
    struct oidc_config *c = r->ret;
    const char *name = schema_text(config_fields, root, "client_secret_file", "");
    return name[0] == '\0' ? 0
                           : config_secret(r->path, name, c->client_secret,
                                           sizeof(c->client_secret), err);
}

static int read_all(struct reader *r, struct mw_error *err)
{
    const struct mw_yaml_node *root = mw_yaml_root(r->yaml);
    (void)schema_check(r->yaml, root, config_fields, &r->problems);
    int rc = read_texts(r, root, err);
    if (rc == 0)
        rc = read_grants(r, root, err);
    if (rc == 0)
        rc = config_say_problems(&r->problems, err);
    return rc == 0 ? read_secret(r, root, err) : rc;
}

int oidc_config_parse(const char *text, size_t size, const char *path, struct oidc_config *ret,
                      struct mw_error *err)
{
    must(text != NULL && path != NULL && ret != NULL);
    struct reader r = { .path = path, .ret = ret };
    *ret = (struct oidc_config){ 0 };
    int rc = mw_yaml_read(text, size, path, &r.yaml, &r.problems, err);
    if (rc == 0)
        rc = read_all(&r, err);
    mw_yaml_destroy(r.yaml);
    problems_fini(&r.problems);
    if (rc < 0)
        oidc_config_fini(ret);
    return rc;
}

int oidc_config_read(const char *path, struct oidc_config *ret, struct mw_error *err)
{
    char *text = NULL;
    size_t size = 0;
    must(path != NULL && ret != NULL);
    *ret = (struct oidc_config){ 0 };
    int rc = mw_read_file(path, FILE_BYTES_MAX, false, &text, &size, err);
    if (rc == 0)
        rc = oidc_config_parse(text, size, path, ret, err);
    mw_free(text);
    return rc;
}

void oidc_config_fini(struct oidc_config *c)
{
    mw_free(c->grant);
    OPENSSL_cleanse(c, sizeof(*c));
}

/* ---- people -------------------------------------------------------------------------------- */

static bool in_group(const json_t *groups, const char *group)
{
    const char *one = json_string_value(groups);
    if (strcmp(group, "*") == 0 || (one != NULL && strcmp(one, group) == 0))
        return true;
    for (size_t i = 0; i < json_array_size(groups); i++) {
        one = json_string_value(json_array_get(groups, i));
        if (one != NULL && strcmp(one, group) == 0)
            return true;
    }
    return false;
}

/* A text that can stand in logs and pages; cut between characters when it is longer. */
static bool take_name(const json_t *v, char ret[ACCESS_NAME_MAX])
{
    const char *s = json_string_value(v);
    size_t n = json_string_length(v);
    if (s == NULL || n == 0)
        return false;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
            return false;
    n = MW_MIN(n, (size_t)ACCESS_NAME_MAX - 1);
    while (n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80)
        n--;
    memset(ret, 0, ACCESS_NAME_MAX);
    memcpy(ret, s, n);
    return n > 0;
}

static bool name_of(const struct oidc_config *c, const json_t *claims, char ret[ACCESS_NAME_MAX])
{
    static const char *const usual[] = { "preferred_username", "email", "name", "sub" };
    if (c->name[0] != '\0')
        return take_name(json_object_get(claims, c->name), ret);
    for (size_t i = 0; i < MW_ARRAY_LEN(usual); i++)
        if (take_name(json_object_get(claims, usual[i]), ret))
            return true;
    return false;
}

int oidc_config_map(const struct oidc_config *c, const json_t *claims, struct principal *ret,
                    struct mw_error *err)
{
    must(c != NULL && claims != NULL && ret != NULL);
    const json_t *groups = json_object_get(claims, c->claim);
    struct principal p = { 0 };
    if (!name_of(c, claims, p.name))
        return mw_fail(err, MW_EDENIED, "the identity provider says no name that we can use");
    for (uint32_t i = 0; i < c->grants; i++) {
        const struct oidc_grant *g = &c->grant[i];
        if (!in_group(groups, g->group))
            continue;
        p.roles = g->roles;
        p.tenants = g->tenants;
        p.halls = g->halls;
        memcpy(p.tenant, g->tenant, sizeof(p.tenant));
        memcpy(p.hall, g->hall, sizeof(p.hall));
        *ret = p;
        return 0;
    }
    return mw_fail(err, MW_EDENIED, "%s is in no group that has access here (claim \"%s\"): ask "
                   "the site's administrator", p.name, c->claim);
}
