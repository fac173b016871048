/*
 * What both sides of the agents' TLS share: contexts that speak TLS 1.3 alone
 * and keep little memory a connection (no tickets, no session cache, buffers
 * released when empty), P-256 keys, base64 of DER, OpenSSL's errors as text, and
 * files of mode 0600 that are replaced whole.  libssl and libcrypto only.
 */
#ifndef MW_LIVE_TLS_H
#define MW_LIVE_TLS_H

#include "base/error.h"

#include <openssl/ssl.h>

#define TLS_NAME_MAX 96 /* of a node or gatherer, with the ending */

/* Whom a certificate names. */
struct tls_identity {
    char name[TLS_NAME_MAX]; /* CN */
    bool gather;             /* OU is "gather", not "agent" */
    char serial[41];         /* hex */
    int64_t begins_s, ends_s; /* Unix time */
};

/* MW_ENOMEM, MW_EIO. server: else for a client. */
MW_MUST_USE int tls_context(bool server, SSL_CTX **ret, struct mw_error *err);

/* The oldest error of OpenSSL's queue, which is emptied, behind "what: ". */
int tls_fail(struct mw_error *err, int code, const char *what);

/* MW_ESYNTAX: no CN, or none that a node can have; no OU that is a role. */
MW_MUST_USE int tls_identity_of(const X509 *cert, struct tls_identity *ret, struct mw_error *err);

/* Base64 without line ends. MW_ELIMIT: too small. */
MW_MUST_USE int tls_to_base64(const uint8_t *from, size_t size, char *to, size_t to_size,
                              struct mw_error *err);
/* *ret_size: up to to_size. MW_ESYNTAX. */
MW_MUST_USE int tls_from_base64(const char *from, uint8_t *to, size_t to_size, size_t *ret_size,
                                struct mw_error *err);

/* A certificate of DER in base64. MW_ESYNTAX. */
MW_MUST_USE int tls_cert_from_base64(const char *from, X509 **ret, struct mw_error *err);
MW_MUST_USE int tls_cert_to_base64(X509 *cert, char *to, size_t size, struct mw_error *err);

/* A request for a certificate: name and role in its subject, signed by the key. */
MW_MUST_USE int tls_request(EVP_PKEY *key, const char *name, bool gather, char *to, size_t size,
                            struct mw_error *err);

MW_MUST_USE int tls_key_make(EVP_PKEY **ret, struct mw_error *err); /* P-256 */

/* ---- files --------------------------------------------------------------------------------- */

/* MW_EDENIED: not a regular file of ours with no rights for others. MW_ENOTFOUND, MW_ESYNTAX. */
MW_MUST_USE int tls_key_read(const char *dir, const char *file, EVP_PKEY **ret,
                             struct mw_error *err);
MW_MUST_USE int tls_cert_read(const char *dir, const char *file, X509 **ret, struct mw_error *err);

/* A key, a certificate or both (NULL = not) in one file of mode 0600: written beside, synced,
 * renamed, so that a pair is always one. MW_EIO. */
MW_MUST_USE int tls_pair_write(const char *dir, const char *file, EVP_PKEY *key, X509 *cert,
                               struct mw_error *err);

/* SHA-256 of the certificate's DER. */
MW_MUST_USE int tls_cert_sha256(const X509 *cert, uint8_t ret[32], struct mw_error *err);

#endif
