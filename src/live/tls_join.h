/*
 * Joining: a token in exchange for a certificate.  The token bears the SHA-256 of
 * the daemon's CA, so that the first connection already knows whom it speaks to:
 * the token is said to nobody else.  The key is made here and never leaves.
 * Blocks, for `wait_ms` at most.
 */
#ifndef MW_LIVE_TLS_JOIN_H
#define MW_LIVE_TLS_JOIN_H

#include "base/error.h"

#define TLS_TOKEN_MAX 160 /* with the ending */
#define TLS_JOIN_WAIT_MS 15000

/* A join token: mwj1.<id>.<secret>.<SHA-256 of the CA's certificate>. */
struct tls_token {
    char id[9];       /* 8 hex digits */
    char secret[44];  /* 43 base-62 digits of 256 random bits */
    uint8_t ca[32];
};

/* MW_ESYNTAX: it is no join token. */
MW_MUST_USE int tls_token_read(const char *text, struct tls_token *ret, struct mw_error *err);
void tls_token_write(const struct tls_token *t, char to[TLS_TOKEN_MAX]);

struct tls_join {
    const char *host, *port;
    const char *token;
    const char *name;    /* of the node, as in the site file, or of the gatherer */
    bool gather;
    const char *dir;     /* the state folder; made with mode 0700 when it is not there */
    int64_t wait_ms;     /* 0 = TLS_JOIN_WAIT_MS */
};

struct tls_joined {
    int64_t ends_s;      /* of the certificate, Unix time */
};

/* Writes the files of tls_client.h. MW_EUNREACHABLE, MW_ETIMEOUT: no daemon there; MW_EDENIED: it
 * is not the one of the token, or it refuses the token (err says why); MW_ESYNTAX: no token;
 * MW_EIO. */
MW_MUST_USE int tls_join(const struct tls_join *j, struct tls_joined *ret, struct mw_error *err);

#endif
