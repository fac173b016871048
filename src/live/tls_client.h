/*
 * The agent's side of TLS: its key and certificate in a state folder, one
 * connection at a time over a socket that the caller owns, and the renewal of
 * the certificate.  TLS 1.3 only; the daemon is believed when its certificate is
 * of the CA that `join` pinned, whatever its name or address: that CA signs for
 * nothing else.  The private key never leaves the folder.
 *
 * Files: ca.pem (the CA), node.pem (key and certificate; mode 0600, or it is refused).
 * One thread.
 */
#ifndef MW_LIVE_TLS_CLIENT_H
#define MW_LIVE_TLS_CLIENT_H

#include "live/agent_frame.h"

#define TLS_CA_FILE "ca.pem"
#define TLS_PAIR_FILE "node.pem"

struct tls_client;

/* MW_ENOTFOUND: join first. MW_EDENIED: the key is open to others. MW_ESYNTAX, MW_ENOMEM,
 * MW_EIO. */
MW_MUST_USE int tls_client_create(const char *dir, struct tls_client **ret, struct mw_error *err);
void tls_client_destroy(struct tls_client *c); /* NULL is fine */

const char *tls_client_name(const struct tls_client *c); /* whom the certificate names */
int64_t tls_client_ends_s(const struct tls_client *c);   /* its end, Unix time */

/* ---- one connection ------------------------------------------------------------------------ */

/* Begins TLS on a connected non-blocking socket, which stays the caller's. MW_ENOMEM. */
MW_MUST_USE int tls_client_begin(struct tls_client *c, int fd, struct mw_error *err);
void tls_client_end(struct tls_client *c); /* without a word to the peer; none is fine */

/* These never block. *wants_write says what the socket is waited for next. */
/* 1: TLS stands; 0: not yet; MW_EDENIED: the daemon's certificate is not of our CA; MW_EIO. */
MW_MUST_USE int tls_client_shake(struct tls_client *c, bool *wants_write, struct mw_error *err);
/* Bytes; 0 = none now; MW_EUNREACHABLE: the other side ended it; MW_EDENIED, MW_EIO. */
MW_MUST_USE int tls_client_read(struct tls_client *c, void *to, size_t size, struct mw_error *err);
/* Bytes taken; 0 = none now: then the same bytes are to be given again, more may follow them. */
MW_MUST_USE int tls_client_write(struct tls_client *c, const void *from, size_t size,
                                 struct mw_error *err);

/* ---- renewal ------------------------------------------------------------------------------- */

/* Two thirds of the certificate's time are over, and the last try is a minute ago. */
bool tls_client_renewal_due(const struct tls_client *c, int64_t now_s);
/* Makes a new key, kept in memory, and the frame that asks for a certificate for it. */
MW_MUST_USE int tls_client_ask(struct tls_client *c, int64_t now_s, struct agent_frame *ret,
                               struct mw_error *err);
/* The answer: checked against key and CA, written, used from the next connection on. */
MW_MUST_USE int tls_client_renewed(struct tls_client *c, const struct agent_frame *cert,
                                   struct mw_error *err);

#endif
