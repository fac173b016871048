/* Binds sockets.  See listen.h. */
#include "api/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/listener.h>
#include <event2/util.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "live/address.h"
#include "live/listener.h"

#define BACKLOG 1024

/* ---- the control socket ---------------------------------------------------------------------- */

static int system_fail(struct mw_error *err, const char *path)
{
    int code = errno == EACCES || errno == EPERM ? MW_EDENIED
               : errno == ENOENT                 ? MW_ENOTFOUND
                                                 : MW_EIO;
    return mw_fail(err, code, "cannot listen on %s: %s", path, strerror(errno));
}

/* Nobody listens on what is there. */
static int clear_path(const struct sockaddr_un *at, struct mw_error *err)
{
    struct stat st;
    if (lstat(at->sun_path, &st) != 0)
        return errno == ENOENT ? 0 : system_fail(err, at->sun_path);
    if (!S_ISSOCK(st.st_mode))
        return mw_fail(err, MW_EEXIST, "%s is there and no socket: remove it, or choose another "
                       "path with --socket", at->sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return system_fail(err, at->sun_path);
    bool heard = connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0;
    (void)close(fd);
    if (heard)
        return mw_fail(err, MW_EBUSY, "another daemon listens on %s: stop it, or choose another "
                       "path with --socket", at->sun_path);
    return unlink(at->sun_path) == 0 ? 0 : system_fail(err, at->sun_path);
}

static int bind_path(struct listen_unix *u, int fd, struct mw_error *err)
{
    mode_t before = umask(0177); /* never open to others, not even for a moment */
    int rc = bind(fd, (const struct sockaddr *)&u->at, sizeof(u->at));
    (void)umask(before);
    if (rc != 0)
        return system_fail(err, u->at.sun_path);
    u->bound = stat(u->at.sun_path, &u->made) == 0;
    return listen(fd, BACKLOG) == 0 ? 0 : system_fail(err, u->at.sun_path);
}

int listen_unix(struct event_base *base, const char *path, struct listen_unix *ret,
                struct mw_error *err)
{
    must(base != NULL && path != NULL && ret != NULL);
    *ret = (struct listen_unix){ .at = { .sun_family = AF_UNIX } };
    int n = snprintf(ret->at.sun_path, sizeof(ret->at.sun_path), "%s", path);
    if (n <= 0 || (size_t)n >= sizeof(ret->at.sun_path))
        return mw_fail(err, MW_EINVAL, "the path of the socket must have 1 to %zu bytes: choose "
                       "another with --socket", sizeof(ret->at.sun_path) - 1);
    int rc = clear_path(&ret->at, err);
    if (rc < 0)
        return rc;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return system_fail(err, ret->at.sun_path);
    rc = bind_path(ret, fd, err);
    if (rc == 0)
        ret->listener = evconnlistener_new(base, NULL, NULL,
                                           LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
    if (ret->listener == NULL)
        (void)close(fd);
    return rc < 0 || ret->listener != NULL ? rc : mw_fail(err, MW_ENOMEM, "out of memory");
}

void listen_unix_end(struct listen_unix *u)
{
    struct stat st;
    if (u->bound && stat(u->at.sun_path, &st) == 0 && st.st_ino == u->made.st_ino &&
        st.st_dev == u->made.st_dev)
        (void)unlink(u->at.sun_path);
    u->bound = false;
}

/* ---- TCP ------------------------------------------------------------------------------------- */

static void note_address(struct listen_tcp *t)
{
    struct sockaddr_storage at = { 0 };
    socklen_t size = sizeof(at);
    char host[INET6_ADDRSTRLEN] = "?";
    must(getsockname(evconnlistener_get_fd(t->listener), (struct sockaddr *)&at, &size) == 0);
    const struct sockaddr_in *v4 = (const void *)&at;
    const struct sockaddr_in6 *v6 = (const void *)&at;
    bool six = at.ss_family == AF_INET6;
    (void)inet_ntop(at.ss_family, six ? (const void *)&v6->sin6_addr : &v4->sin_addr, host,
                    sizeof(host));
    (void)snprintf(t->address, sizeof(t->address), six ? "[%s]:%u" : "%s:%u", host,
                   ntohs(six ? v6->sin6_port : v4->sin_port));
}

static int tcp_fail(const char *address, struct mw_error *err)
{
    if (errno == EADDRINUSE)
        return mw_fail(err, MW_EBUSY, "%s is in use by another program: choose another with "
                       "--http (port 0 = a free one)", address);
    if (errno == EACCES)
        return mw_fail(err, MW_EDENIED, "only root may listen on %s: choose a port from 1024 on "
                       "with --http", address);
    if (errno == EADDRNOTAVAIL)
        return mw_fail(err, MW_EINVAL, "%s is no address of this machine", address);
    return mw_fail(err, MW_EIO, "cannot listen on %s: %s", address, strerror(errno));
}

int listen_tcp(struct event_base *base, const char *address, bool tls, struct listen_tcp *ret,
               struct mw_error *err)
{
    struct sockaddr_storage at;
    int size = 0;
    must(base != NULL && address != NULL && ret != NULL);
    *ret = (struct listen_tcp){ 0 };
    int rc = address_read(address, 7378, &at, &size, err);
    if (rc < 0)
        return rc;
    ret->loopback = address_is_loopback(&at);
    if (!ret->loopback && !tls)
        return mw_fail(err, MW_EDENIED, "%.80s is not a loopback address, and what goes over it "
                       "would be readable on the way: give --tls-cert and --tls-key, or listen on "
                       "127.0.0.1 and forward that port over SSH", address);
    errno = 0;
    ret->listener = evconnlistener_new_bind(
        base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE,
        BACKLOG, (struct sockaddr *)&at, size);
    if (ret->listener == NULL)
        return tcp_fail(address, err);
    note_address(ret);
    return 0;
}

/* ---- TLS ------------------------------------------------------------------------------------- */

static int tls_fail(const char *what, const char *path, struct mw_error *err)
{
    char why[160] = "";
    ERR_error_string_n(ERR_peek_last_error(), why, sizeof(why));
    ERR_clear_error();
    if (access(path, R_OK) != 0)
        return mw_fail(err, errno == ENOENT ? MW_ENOTFOUND : MW_EDENIED, "%s: %s", path,
                       strerror(errno));
    return mw_fail(err, MW_EINVAL, "%s: %s (%s)", path, what, why);
}

int listen_tls(const char *cert, const char *key, struct ssl_ctx_st **ret,
               struct mw_error *err)
{
    must(cert != NULL && key != NULL && ret != NULL);
    SSL_CTX *c = SSL_CTX_new(TLS_server_method());
    if (c == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory for TLS");
    (void)SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION);
    (void)SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    (void)SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS);
    int rc = 0;
    if (SSL_CTX_use_certificate_chain_file(c, cert) != 1)
        rc = tls_fail("is no certificate in PEM", cert, err);
    else if (SSL_CTX_use_PrivateKey_file(c, key, SSL_FILETYPE_PEM) != 1)
        rc = tls_fail("is no private key in PEM, or not that of the certificate", key, err);
    if (rc < 0) {
        SSL_CTX_free(c);
        return rc;
    }
    *ret = c;
    return 0;
}

void listen_tls_end(struct ssl_ctx_st *c)
{
    SSL_CTX_free(c);
}
