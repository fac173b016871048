/*
 * The sockets that the server listens on: the control socket, a path with mode 0600, and a TCP
 * address; and the TLS of the latter.  Binds and lets go; takes no connection.
 */
#ifndef MW_API_LISTEN_H
#define MW_API_LISTEN_H

#include <sys/stat.h>
#include <sys/un.h>

#include "base/error.h"

#define LISTEN_ADDRESS_MAX 80

struct event_base;
struct evconnlistener;
struct ssl_ctx_st; /* OpenSSL's SSL_CTX */

/* The control socket. */
struct listen_unix {
    struct evconnlistener *listener; /* whoever binds HTTP to it owns it then */
    struct sockaddr_un at;
    struct stat made; /* the socket as we made it */
    bool bound;
};
/* A socket that nobody listens on is replaced.  MW_EBUSY: another daemon listens there.  MW_EEXIST:
 * it is a file, and no socket.  MW_EINVAL: the path is too long.  MW_EDENIED, MW_ENOTFOUND (no such
 * folder), MW_EIO, MW_ENOMEM. */
MW_MUST_USE int listen_unix(struct event_base *base, const char *path, struct listen_unix *ret,
                            struct mw_error *err);
void listen_unix_end(struct listen_unix *u); /* removes the path when it is still ours */

struct listen_tcp {
    struct evconnlistener *listener;
    char address[LISTEN_ADDRESS_MAX]; /* as bound: with the port it got */
    bool loopback;
};
/* "127.0.0.1:7378", "[::1]:0".  MW_EINVAL: no address with a port.  MW_EDENIED: not a loopback one,
 * and no TLS; or a port that only root may have.  MW_EBUSY: in use. */
MW_MUST_USE int listen_tcp(struct event_base *base, const char *address, bool tls,
                           struct listen_tcp *ret, struct mw_error *err);

/* PEM files.  TLS 1.2 and later.  MW_ENOTFOUND, MW_EINVAL: cannot be read, or do not belong
 * together. */
MW_MUST_USE int listen_tls(const char *cert, const char *key, struct ssl_ctx_st **ret,
                           struct mw_error *err);
void listen_tls_end(struct ssl_ctx_st *c); /* NULL is fine */

#endif
