/*
 * The daemon's own certificate authority for agents and gatherers: a P-256 CA in
 * a folder beside the journal, join tokens, certificates of 24 hours, and
 * revocation.  It signs for nothing else: whoever holds a certificate of it is a
 * node or a gatherer of this site, or this daemon.
 *
 * Folder (mode 0700): ca.pem (certificate and key, 0600), list (authority_log.h).
 * A token is said once and kept as a hash; a private key of a node is never seen
 * here.  Unix times come in; used by the daemon and by `mw agent`, at once.
 */
#ifndef MW_LIVE_AUTHORITY_H
#define MW_LIVE_AUTHORITY_H

#include "live/agent_frame.h"
#include "live/authority_log.h"
#include "live/tls_join.h"

#define AUTHORITY_LEAF_S (24 * 3600)
#define AUTHORITY_CA_S (20 * INT64_C(365) * 86400)
#define AUTHORITY_SERVER_S (30 * 86400) /* of the daemon's own, made anew each day */

struct authority;

/* Makes folder and CA when they are not there and `make`. MW_ENOTFOUND: they are not. MW_EDENIED:
 * open to others. MW_EIO, MW_ENOMEM, MW_ESYNTAX. */
MW_MUST_USE int authority_open(const char *dir, int64_t now_s, bool make, struct authority **ret,
                               struct mw_error *err);
void authority_close(struct authority *a); /* NULL is fine */

/* Reads what `mw agent`, or the daemon, has changed since; cheap when that is nothing. */
MW_MUST_USE int authority_refresh(struct authority *a, struct mw_error *err);

/* Read-only views, valid until the next call of any other function here. */
const struct authority_token *authority_tokens(const struct authority *a, uint32_t *ret_count);
const struct authority_node *authority_nodes(const struct authority *a, uint32_t *ret_count);
uint64_t authority_revocations(const struct authority *a); /* counts up */

/* ---- what a person does --------------------------------------------------------------------- */

struct authority_wish {
    const char *pattern; /* of names, as fnmatch(3); "*" = any */
    bool gather;
    uint32_t uses;       /* 0 = any number */
    int64_t length_s;
};

/* MW_EINVAL. *ret is the only copy of the secret. */
MW_MUST_USE int authority_token_new(struct authority *a, int64_t now_s,
                                    const struct authority_wish *w, char ret[TLS_TOKEN_MAX],
                                    struct mw_error *err);
/* MW_ENOTFOUND. */
MW_MUST_USE int authority_token_end(struct authority *a, int64_t now_s, const char *id,
                                    struct mw_error *err);
/* All certificates of this name so far are refused from now on; MW_ENOTFOUND: there is none. */
MW_MUST_USE int authority_revoke(struct authority *a, int64_t now_s, const char *name,
                                 struct mw_error *err);

/* ---- what the listener does ----------------------------------------------------------------- */

/* A fresh key and certificate of the daemon for this context, with the CA's in the chain. The name
 * and address are for people and other clients: agents trust the CA. NULL = none. */
MW_MUST_USE int authority_serve(struct authority *a, int64_t now_s, SSL_CTX *context,
                                const char *host, const char *address, struct mw_error *err);

/* Who holds this certificate.  MW_EDENIED: another CA's, ended, not begun, revoked, or the daemon's
 * own; err says which and what to do. */
MW_MUST_USE int authority_check(const struct authority *a, int64_t now_s, const X509 *cert,
                                struct tls_identity *ret, struct mw_error *err);
bool authority_is_revoked(const struct authority *a, const struct tls_identity *who);

/* Answers a join or a renewal. MW_EDENIED: the token is unknown, used up, ended, revoked, or not
 * for this name or role; the certificate was revoked. MW_ESYNTAX: no request. MW_EIO: then nothing
 * was issued. */
MW_MUST_USE int authority_join(struct authority *a, int64_t now_s, const struct agent_frame *join,
                               struct agent_frame *ret_cert, struct mw_error *err);
/* *who is whose certificate stands; then it has the times of the new one. */
MW_MUST_USE int authority_renew(struct authority *a, int64_t now_s, struct tls_identity *who,
                                const struct agent_frame *renew, struct agent_frame *ret_cert,
                                struct mw_error *err);

#endif
