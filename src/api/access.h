/*
 * Who may do what: roles and what each permits, principals with their scopes,
 * and the credentials that name a principal: static tokens, sessions of
 * browsers, one-time codes, the user at the other end of a Unix socket.
 *
 * Tokens live in the access file (JSON, 0600, replaced whole), which `mw token`
 * writes as well: it is read again when it changed, before every answer, so a
 * revoked token is refused from the next request on.  Sessions and codes live in
 * memory and end with the daemon.
 *
 * A token is `mwt_<id>_<secret><checksum>`: 8 letters or digits, 43 base-62
 * digits of 256 random bits, 6 base-62 digits of the CRC-32 of what stands
 * before them, so that leak scanners find tokens and know them from look-alikes
 * (regular expression: mwt_[0-9a-z]{8}_[0-9A-Za-z]{49}).  The file holds SHA-256
 * of the whole token.  A plain hash is right here, and a slow one would only be a
 * way to keep the daemon busy: slow hashes protect what people choose, and nobody
 * guesses 256 random bits.
 *
 * One thread.  Never asks the network, never reads the site's state.
 */
#ifndef MW_API_ACCESS_H
#define MW_API_ACCESS_H

#include <sys/types.h>

#include <jansson.h>

#include "base/error.h"

/* What a route asks for.  0 is no permission: a row of the route table with 0 does not compile. */
enum permission {
    PERM_PUBLIC = 1, /* no credential */
    PERM_SESSION,    /* anyone who is known */
    PERM_READ,       /* the fleet, jobs, incidents, and what they cost */
    PERM_ORDERS,     /* to work on orders: take, done, parts */
    PERM_OPERATE,    /* drain, cordon, return, modes, windows, stops */
    PERM_APPROVE,    /* to answer advice */
    PERM_REPLAY,     /* speed, pause, what-if */
    PERM_AUDIT,      /* the audit log */
    PERM_ADMIN,      /* tokens, links */
    PERM_METRICS,    /* /metrics */
    PERM_COUNT
};
#define ACCESS_BIT(perm) (1u << (perm))
#define ACCESS_ANYONE (ACCESS_BIT(PERM_PUBLIC) | ACCESS_BIT(PERM_SESSION))
#define ACCESS_READER (ACCESS_ANYONE | ACCESS_BIT(PERM_READ))

/*    name              word          permits                                         text */
#define ACCESS_ROLES(X)                                                                          \
    X(ROLE_VIEWER,     "viewer",     ACCESS_READER | ACCESS_BIT(PERM_METRICS), "looks")          \
    X(ROLE_USER,       "user",       ACCESS_READER, "looks at the jobs of its own tenants")      \
    X(ROLE_TECHNICIAN, "technician", ACCESS_READER | ACCESS_BIT(PERM_METRICS) |                  \
                                         ACCESS_BIT(PERM_ORDERS),                                \
      "looks, and works on orders")                                                              \
    X(ROLE_OPERATOR,   "operator",   ACCESS_READER | ACCESS_BIT(PERM_METRICS) |                  \
                                         ACCESS_BIT(PERM_ORDERS) | ACCESS_BIT(PERM_OPERATE) |    \
                                         ACCESS_BIT(PERM_APPROVE) | ACCESS_BIT(PERM_REPLAY),     \
      "runs the site")                                                                           \
    X(ROLE_FINANCE,    "finance",    ACCESS_READER | ACCESS_BIT(PERM_METRICS),                   \
      "looks: what things cost, as all who look")                                                \
    X(ROLE_AUDITOR,    "auditor",    ACCESS_READER | ACCESS_BIT(PERM_METRICS) |                  \
                                         ACCESS_BIT(PERM_AUDIT),                                 \
      "looks, also at who did what")                                                             \
    X(ROLE_ADMIN,      "admin",      ACCESS_BIT(PERM_COUNT) - 2, "everything, and gives access")

enum access_role {
#define X(name, word, permits, text) name,
    ACCESS_ROLES(X)
#undef X
    ROLE_COUNT
};

#define ACCESS_NAME_MAX 64  /* with the ending */
#define ACCESS_ID_SIZE 8    /* of a token, without the ending */
#define ACCESS_SECRET_SIZE 43
#define ACCESS_TOKEN_MAX 64 /* mwt_ + 8 + _ + 43 + 6 = 62, and the ending */
#define ACCESS_WORD_MAX 44  /* sessions, codes, CSRF words: 43 base-62 digits (256 bits) */
#define ACCESS_SCOPES_MAX 16

#define ACCESS_TOKENS_MAX 10000      /* in the file, revoked ones too; past it: MW_ELIMIT */
#define ACCESS_SESSIONS_MAX 1024     /* at once; past it the one that ends first goes */
#define ACCESS_CODES_MAX 64          /* at once; past it the oldest goes */
#define ACCESS_SESSION_NS (INT64_C(12) * 3600 * 1000000000) /* a shift (chosen) */
#define ACCESS_CODE_NS (INT64_C(600) * 1000000000)          /* chosen: a link is used at once */
#define ACCESS_ACTOR_FIRST (UINT32_C(1) << 31) /* below: users of the machine, 1000 + uid */
#define ACCESS_ACTOR_USER 1000u                /* + uid */

enum access_via { ACCESS_VIA_NONE, ACCESS_VIA_UNIX, ACCESS_VIA_TOKEN, ACCESS_VIA_SESSION };

/* Someone who asks, for the length of one request; zeroed = nobody, who may only what is public.
 * 0 tenants = all tenants, 0 halls = all halls. */
struct principal {
    char name[ACCESS_NAME_MAX];  /* "ci", "uid 1000", "ada@example.com"; for logs and pages */
    uint32_t actor;              /* of recorded facts */
    uint32_t roles;              /* bit 1u << enum access_role */
    uint32_t tenants, tenant[ACCESS_SCOPES_MAX];
    uint32_t halls;
    char hall[ACCESS_SCOPES_MAX][64];
    enum access_via via;
    bool cookie;                 /* a browser's session: writes need the header MW-CSRF */
    char csrf[ACCESS_WORD_MAX];  /* its word; "" without a session */
    char id[ACCESS_WORD_MAX];    /* the token's id, or a session's public number; "" else */
    int64_t expires_ns;          /* UTC; 0 = never */
};

const char *access_role_word(enum access_role role);
const char *access_role_text(enum access_role role);
uint32_t access_role_permits(enum access_role role);      /* ACCESS_BIT()s */
int access_role_of(const char *word);                     /* enum access_role, -1 = none */
const char *access_permission_word(enum permission perm); /* "read", "operate" …; "" = none */

bool access_may(const struct principal *p, enum permission perm);
/* What the principal may look at, on top of access_may(PERM_READ).  Tenant 0 is the site's own. */
bool access_sees_tenant(const struct principal *p, uint32_t tenant);
bool access_sees_hall(const struct principal *p, const char *hall);
/* True when no scope narrows what it sees: answers about the whole site are for those. */
bool access_sees_all(const struct principal *p);
/* Is `word` the CSRF word of the principal's session?  In constant time; NULL: false. */
bool access_csrf_ok(const struct principal *p, const char *word);

struct access;
struct access_options {
    const char *path;               /* the access file; NULL = no tokens.  Need not be there yet. */
    int64_t (*now_ns)(void *ctx);   /* UTC; NULL = the system's clock */
    void *ctx;
};

/* MW_EDENIED: the file is open to others than its owner, or not ours.  MW_ESYNTAX, MW_EINVAL: it is
 * not one of ours (the text says where). */
MW_MUST_USE int access_create(const struct access_options *o, struct access **ret,
                              struct mw_error *err);
void access_destroy(struct access *a);
/* Why no token is taken at present (the file is broken or open to others); NULL = all is well. */
const char *access_trouble(struct access *a);

/* ---- who asks: *ret is filled only on success; MW_EDENIED otherwise, with the reason ------- */

/* `token` is what follows "Bearer ".  Also for the tokens that access_mint() made. */
MW_MUST_USE int access_bearer(struct access *a, const char *token, struct principal *ret,
                              struct mw_error *err);
/* `session` is the value of the cookie ACCESS_COOKIE. */
MW_MUST_USE int access_cookie(struct access *a, const char *session, struct principal *ret,
                              struct mw_error *err);
#define ACCESS_COOKIE "mw_session"
/* The peer of the control socket (SO_PEERCRED).  Who may open it (0600) is the daemon's user or
 * root, and so admin; everybody else is refused. */
MW_MUST_USE int access_unix(struct access *a, uid_t uid, struct principal *ret,
                            struct mw_error *err);
/* Is what the principal came by still good?  For answers that last (streams): ask every few
 * seconds and end the answer when not. */
bool access_still(struct access *a, const struct principal *p);

/* ---- sessions ------------------------------------------------------------------------------ */

/* A one-time code for a browser: admin, the daemon's user, ACCESS_CODE_NS long. */
MW_MUST_USE int access_code_new(struct access *a, char ret[ACCESS_WORD_MAX], struct mw_error *err);
/* Uses the code up; a second time, or too late: MW_EDENIED. */
MW_MUST_USE int access_login(struct access *a, const char *code, char ret_session[ACCESS_WORD_MAX],
                             struct principal *ret, struct mw_error *err);
void access_logout(struct access *a, const char *session);

/* Someone an identity provider vouches for: `subject` ("issuer subject") keeps its actor number for
 * good in the access file.  Of `who` name, roles and scopes are read. */
MW_MUST_USE int access_session_for(struct access *a, const char *subject,
                                   const struct principal *who, char ret_session[ACCESS_WORD_MAX],
                                   struct principal *ret, struct mw_error *err);
/* The same as a token in the file that ends after ACCESS_SESSION_NS: what `mw login` keeps. */
MW_MUST_USE int access_mint_for(struct access *a, const char *subject,
                                const struct principal *who, char ret_token[ACCESS_TOKEN_MAX],
                                struct principal *ret, struct mw_error *err);

/* ---- tokens: each reads the file again and replaces it whole, under a lock ----------------- */

struct access_grant {
    char name[ACCESS_NAME_MAX]; /* of who holds it; 1 to 63 bytes, no control characters */
    uint32_t roles;             /* at least one */
    uint32_t tenants, tenant[ACCESS_SCOPES_MAX]; /* at least one when the only role is user */
    uint32_t halls;
    char hall[ACCESS_SCOPES_MAX][64];
    int64_t expires_ns;         /* UTC, in the future; 0 = never */
};
/* Gives the token itself, once.  *ret_id too.  MW_EINVAL, MW_ELIMIT, MW_EIO, MW_EDENIED. */
MW_MUST_USE int access_token_create(struct access *a, const struct access_grant *g,
                                    char ret_token[ACCESS_TOKEN_MAX],
                                    char ret_id[ACCESS_ID_SIZE + 1], struct mw_error *err);
/* Ends a token, a login or a session by its id.  A token stays in the file, revoked, so that the
 * audit log's numbers keep a name.  MW_ENOTFOUND. */
MW_MUST_USE int access_token_revoke(struct access *a, const char *id, struct mw_error *err);

/* What can be listed and ended: a token, what `mw login` keeps, a browser's session. */
enum access_kind { ACCESS_TOKEN = 1, ACCESS_LOGIN, ACCESS_SESSION };
struct access_token {
    enum access_kind kind;
    struct principal who; /* who.id is its id, who.expires_ns its end */
    int64_t created_ns, revoked_ns; /* 0 = never */
};
/* Those of the file as it is now, oldest first, then the sessions; false past the last. */
bool access_token_at(struct access *a, uint32_t nth, struct access_token *ret);

/* What access_permission_word and access_role_word give for a principal, as JSON lists. */
json_t *access_roles_json(uint32_t roles);
json_t *access_permissions_json(const struct principal *p);

#endif
