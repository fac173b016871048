/*
 * Which identity provider vouches for people, and what its groups stand for: the
 * file of `mw serve --oidc FILE`.  YAML, checked against a table; a mistake is named
 * with file, line and key.  Reads files; asks nobody.
 *
 *   issuer: https://id.example.com
 *   client_id: millwright
 *   client_secret_file: oidc.secret   # 0600, beside this file or absolute; none: public client
 *   console: https://mw.example.com/  # where browsers reach the console; not needed on loopback
 *   scopes: openid profile groups     # default: openid profile email
 *   claim: groups                     # default; a text or a list of texts
 *   name: email                       # default: preferred_username, email, name, sub: the first
 *   ca_file: /etc/ssl/id.pem          # default: the system's
 *   grants:                           # the first whose group the person has counts, alone
 *     - group: gpu-operators
 *       roles: [operator]
 *       halls: [h1, h2]
 *     - group: "*"                    # anyone the provider knows
 *       roles: [viewer]
 *
 * One row counts, not the sum of several: operator of one hall and viewer of all must
 * not add up to operator of all.
 */
#ifndef MW_API_OIDC_CONFIG_H
#define MW_API_OIDC_CONFIG_H

#include "api/access.h"

#define OIDC_URL_MAX 512
#define OIDC_GRANTS_MAX 256

struct oidc_grant {
    char group[128];
    uint32_t roles;
    uint32_t tenants, tenant[ACCESS_SCOPES_MAX];
    uint32_t halls;
    char hall[ACCESS_SCOPES_MAX][64];
};

struct oidc_config {
    char issuer[OIDC_URL_MAX];    /* without a '/' at the end unless the provider's own has one */
    char client_id[256];
    char client_secret[256];      /* "" = public client */
    char console[OIDC_URL_MAX];   /* with a '/' at the end; "" = as the server listens */
    char scopes[256];
    char claim[64], name[64];     /* name "" = the usual ones */
    char ca_file[4096];           /* "" = the system's */
    struct oidc_grant *grant;     /* owned */
    uint32_t grants;
};

/* MW_ESYNTAX: the text starts with "file:line:column:" of the first mistake.  MW_EDENIED: the
 * secret's file is open to others.  MW_ENOTFOUND, MW_EIO, MW_ENOMEM. */
MW_MUST_USE int oidc_config_read(const char *path, struct oidc_config *ret, struct mw_error *err);
/* The same of a text; dir: where relative paths begin. */
MW_MUST_USE int oidc_config_parse(const char *text, size_t size, const char *path,
                                  struct oidc_config *ret, struct mw_error *err);
void oidc_config_fini(struct oidc_config *c);

/* Who the claims (a verified ID token's) name, and what they may: name, roles and scopes of *ret.
 * MW_EDENIED: none of the groups is in `grants`, or there is no name. */
MW_MUST_USE int oidc_config_map(const struct oidc_config *c, const json_t *claims,
                                struct principal *ret, struct mw_error *err);

/* May secrets go there?  https, or http to this machine itself. */
bool oidc_url_safe(const char *url);

#endif
