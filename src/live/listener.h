/*
 * Where agents and gatherers connect: records of live/agent_frame.h, over TCP on
 * a loopback address, or over mutual TLS on any.  With TLS a peer is who its
 * certificate says: a hello must bear that name, and who has none may only ask
 * for one with a token (live/authority.h); certificates are renewed over the
 * connection, and a connection ends with its certificate or its revocation.
 *
 * Peers are numbered as live/agents.h does: nodes, then gatherers.  Questions for
 * the time are answered here, at once.
 *
 * Bounds: LISTENER_HELLO_S (with TLS LISTENER_HELLO_TLS_S) until the first frame,
 * which must be a hello; AGENT_FRAME_MAX bytes a line, AGENT_SAMPLES_MAX a record of
 * samples; LISTENER_QUIET_S without a byte; a reader that lets LISTENER_OUT_MAX bytes
 * wait is dropped; two connections a node and LISTENER_SPARE.  Who breaks one is
 * told why and closed; agents connect again.  It decides nothing of a node: that is
 * live/agents.h, behind the port.  One thread: the event base's.
 */
#ifndef MW_LIVE_LISTENER_H
#define MW_LIVE_LISTENER_H

#include "base/error.h"
#include "live/agent_frame.h"

#define LISTENER_HELLO_S 5
#define LISTENER_HELLO_TLS_S 30 /* thousands at once take turns in shaking hands */
#define LISTENER_QUIET_S 30
#define LISTENER_OUT_MAX (64u * 1024u)
#define LISTENER_SPARE 192u /* connections beyond two a node: gatherers, and a few more */
#define LISTENER_ADDRESS_MAX 64

struct event_base;

/* Who hears.  heard(), samples() and lost() only for peers that hello() gave; no call comes after a
 * bye.  turn() comes after all that was read of a connection at once is heard: what was heard is to
 * be made durable together.  samples and turn may be NULL. */
struct listener_port {
    void *ctx;
    int (*hello)(void *ctx, const struct agent_frame *hello, uint32_t *ret_peer,
                 struct mw_error *err);
    void (*heard)(void *ctx, uint32_t peer, const struct agent_frame *f);
    void (*lost)(void *ctx, uint32_t peer);
    void (*samples)(void *ctx, uint32_t peer, const uint8_t *payload, size_t size);
    void (*turn)(void *ctx);
};

struct authority;

struct listener_options {
    struct event_base *base; /* borrowed */
    const char *address;     /* "127.0.0.1:7377", "[::1]:7377"; port 0 = any free one */
    const char *token;       /* agents must say it in hello; NULL = none.  Copied */
    struct authority *authority; /* NULL = plain TCP; else TLS. Borrowed */
    uint32_t nodes;
    int64_t hello_ns, quiet_ns; /* the two waits; 0 = as above */
    struct listener_port port;
};

struct listener_stats {
    uint64_t accepted, lines, samples;
    uint64_t refused_full, refused_hello, lines_bad, dropped_slow, dropped_quiet;
    uint64_t joined, renewed, refused_join; /* certificates issued; requests refused */
    uint64_t tls_failed;      /* connections that ended before TLS stood */
    uint64_t dropped_revoked; /* connections whose certificate was revoked, or ended, meanwhile */
    uint32_t connections; /* now */
};

struct listener;
/* MW_EINVAL: no numeric address with a port.  MW_EDENIED: not a loopback address, or a port that
 * only root may have.  MW_EBUSY: the port is in use.  MW_ENOMEM, MW_EIO. */
MW_MUST_USE int listener_create(const struct listener_options *o, struct listener **ret,
                                struct mw_error *err);
void listener_destroy(struct listener *l); /* closes all, without lost() */

/* An agents_send_fn with the listener as its ctx. */
bool listener_send(void *listener, uint32_t peer, const struct agent_frame *f);

const char *listener_address(const struct listener *l); /* as bound: with the port it got */
struct listener_stats listener_stats(const struct listener *l);

/* For every socket that accepts (evconnlistener_set_error_cb): a process without file descriptors
 * left accepts nobody for a second, instead of trying again at once for ever. */
struct evconnlistener;
void listener_breathe(struct evconnlistener *socket, void *unused);

#endif
