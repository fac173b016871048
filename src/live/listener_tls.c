/*
 * TLS of the listener: who a connection is by its certificate, certificates that
 * are asked for, and the end of connections whose certificate ended or was
 * revoked.  A handshake lets every certificate through: what is wrong with one is
 * then said in a frame, which a person can read in the agent's log.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>

#include "live/listener_private.h"

#define SWEEP_S 1
#define SERVE_AGAIN_S 86400

static int64_t now_s(void)
{
    return (int64_t)time(NULL);
}

static int take_any(X509_STORE_CTX *chain, void *ctx)
{
    (void)chain;
    (void)ctx;
    return 1;
}

/* ---- who it is ----------------------------------------------------------------------------- */

/* The certificate's holder; MW_ENOTFOUND: it shows none. */
static int holder(const struct connection *c, struct tls_identity *ret, struct mw_error *err)
{
    SSL *ssl = bufferevent_openssl_get_ssl(c->buffer);
    X509 *cert = ssl ? SSL_get1_peer_certificate(ssl) : NULL;
    if (!cert)
        return mw_fail(err, MW_ENOTFOUND, "no certificate");
    int rc = authority_check(c->listener->options.authority, now_s(), cert, ret, err);
    X509_free(cert);
    return rc;
}

int listener_tls_hello(struct connection *c, const struct agent_frame *hello,
                       struct mw_error *err)
{
    struct tls_identity who;
    int rc = holder(c, &who, err);
    if (rc == MW_ENOTFOUND)
        return mw_fail(err, MW_EDENIED, "you show no certificate: get one with `mw-agent join`");
    if (rc < 0)
        return rc;
    if (strcmp(who.name, hello->name) != 0)
        return mw_fail(err, MW_EDENIED, "your certificate is for \"%s\", not for \"%s\"", who.name,
                       hello->name);
    if (who.gather != (hello->role == AGENT_ROLE_GATHER))
        return mw_fail(err, MW_EDENIED, "your certificate is %s, not %s",
                       who.gather ? "a gatherer's" : "an agent's",
                       who.gather ? "an agent's" : "a gatherer's");
    c->begins_s = who.begins_s;
    c->ends_s = who.ends_s;
    return 0;
}

/* Who it is after its hello: its certificate may have been renewed since. */
static bool known(const struct connection *c, struct tls_identity *ret)
{
    SSL *ssl = bufferevent_openssl_get_ssl(c->buffer);
    X509 *cert = ssl ? SSL_get1_peer_certificate(ssl) : NULL;
    struct mw_error err;
    bool ok = cert && c->ends_s != 0 && tls_identity_of(cert, ret, &err) == 0;
    X509_free(cert);
    ret->begins_s = c->begins_s;
    ret->ends_s = c->ends_s;
    return ok;
}

/* ---- certificates that are asked for ------------------------------------------------------- */

static int answer_renew(struct connection *c, const struct agent_frame *f,
                        struct agent_frame *ret, struct mw_error *err)
{
    struct tls_identity who;
    if (!known(c, &who) || now_s() >= who.ends_s)
        return mw_fail(err, MW_EDENIED, "you have no certificate to renew: join again");
    int rc = authority_renew(c->listener->options.authority, now_s(), &who, f, ret, err);
    if (rc == 0) {
        c->begins_s = who.begins_s; /* the connection goes on under the new one */
        c->ends_s = who.ends_s;
    }
    return rc;
}

void listener_tls_ask(struct connection *c, const struct agent_frame *f)
{
    struct listener *l = c->listener;
    struct agent_frame cert;
    struct mw_error err = { 0 };
    int rc = 0;
    if (!l->tls)
        rc = mw_fail(&err, MW_EDENIED, "certificates are given out over TLS only: start mw serve "
                     "with --agents-tls");
    else if (f->verb == AGENT_JOIN)
        rc = authority_join(l->options.authority, now_s(), f, &cert, &err);
    else
        rc = answer_renew(c, f, &cert, &err);
    l->stats.joined += rc == 0 && f->verb == AGENT_JOIN;
    l->stats.renewed += rc == 0 && f->verb == AGENT_RENEW;
    l->stats.refused_join += rc < 0;
    if (rc < 0)
        listener_refuse(c, rc, err.text);
    else
        (void)listener_write(c, &cert);
}

/* ---- what has ended ------------------------------------------------------------------------ */

static bool revoked(const struct connection *c)
{
    struct tls_identity who;
    return known(c, &who) && authority_is_revoked(c->listener->options.authority, &who);
}

static void sweep(evutil_socket_t fd, short what, void *ctx)
{
    struct listener *l = ctx;
    struct mw_error err;
    int64_t now = now_s();
    (void)fd;
    (void)what;
    if (now - l->served_s >= SERVE_AGAIN_S || now < l->served_s)
        (void)!listener_tls_open(l, &err); /* the old one is good for weeks: tried again */
    (void)!authority_refresh(l->options.authority, &err);
    bool changed = authority_revocations(l->options.authority) != l->revocations;
    l->revocations = authority_revocations(l->options.authority);
    for (struct connection *c = l->first, *after; c; c = after) {
        after = c->after;
        if (c->closing || c->ends_s == 0)
            continue;
        bool ended = now >= c->ends_s, gone = changed && revoked(c);
        if (!ended && !gone)
            continue;
        l->stats.dropped_revoked++;
        listener_refuse(c, MW_EDENIED, ended ? "your certificate has ended and was not renewed: "
                                               "join again"
                                             : "your certificate was revoked");
    }
}

/* ---- making -------------------------------------------------------------------------------- */

int listener_tls_open(struct listener *l, struct mw_error *err)
{
    char host[256] = "";
    int64_t now = now_s();
    if (gethostname(host, sizeof(host) - 1) != 0)
        host[0] = '\0';
    int rc = l->tls ? 0 : tls_context(true, &l->tls, err);
    if (rc < 0)
        return rc;
    rc = authority_serve(l->options.authority, now, l->tls, host[0] != '\0' ? host : NULL,
                         l->address, err);
    if (rc < 0)
        return rc;
    SSL_CTX_set_verify(l->tls, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(l->tls, take_any, NULL);
    l->served_s = now;
    if (l->sweep)
        return 0;
    const struct timeval every = { .tv_sec = SWEEP_S };
    l->sweep = event_new(l->options.base, -1, EV_PERSIST, sweep, l);
    if (!l->sweep || event_add(l->sweep, &every) != 0)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    return 0;
}

void listener_tls_close(struct listener *l)
{
    if (l->sweep)
        event_free(l->sweep);
    SSL_CTX_free(l->tls);
}

struct bufferevent *listener_tls_buffer(struct listener *l, struct event_base *base, int fd)
{
    SSL *ssl = SSL_new(l->tls);
    struct bufferevent *b =
        ssl ? bufferevent_openssl_socket_new(base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING,
                                             BEV_OPT_CLOSE_ON_FREE) : NULL;
    if (!b) {
        SSL_free(ssl);
        (void)evutil_closesocket(fd);
    }
    return b;
}
