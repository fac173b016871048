/*
 * Where agents connect: lines of live/agent_frame.h over TCP, on the loopback
 * address only until there is TLS.
 *
 * Bounds: LISTENER_HELLO_S until the first frame, which must be a hello;
 * AGENT_FRAME_MAX bytes a line; LISTENER_QUIET_S without a byte; a reader that
 * lets LISTENER_OUT_MAX bytes wait is dropped; two connections a node and a few
 * more.  Who breaks one is told why and closed; agents connect again.  It
 * decides nothing of a node: that is live/agents.h, behind the port.  One
 * thread: the event base's.
 */
#ifndef MW_LIVE_LISTENER_H
#define MW_LIVE_LISTENER_H

#include "base/error.h"
#include "live/agent_frame.h"

#define LISTENER_HELLO_S 5
#define LISTENER_QUIET_S 30
#define LISTENER_OUT_MAX (64u * 1024u)
#define LISTENER_SPARE 64u /* connections beyond two a node */
#define LISTENER_ADDRESS_MAX 64

struct event_base;

/* Who hears.  heard() and lost() only for nodes that hello() gave; no call comes after a bye. */
struct listener_port {
    void *ctx;
    int (*hello)(void *ctx, const struct agent_frame *hello, uint32_t *ret_node,
                 struct mw_error *err);
    void (*heard)(void *ctx, uint32_t node, const struct agent_frame *f);
    void (*lost)(void *ctx, uint32_t node);
};

struct listener_options {
    struct event_base *base; /* borrowed */
    const char *address;     /* "127.0.0.1:7377", "[::1]:7377"; port 0 = any free one */
    const char *token;       /* agents must say it in hello; NULL = none.  Copied */
    uint32_t nodes;
    int64_t hello_ns, quiet_ns; /* the two waits; 0 = as above */
    struct listener_port port;
};

struct listener_stats {
    uint64_t accepted, lines;
    uint64_t refused_full, refused_hello, lines_bad, dropped_slow, dropped_quiet;
    uint32_t connections; /* now */
};

struct listener;
/* MW_EINVAL: no numeric address with a port.  MW_EDENIED: not a loopback address, or a port that
 * only root may have.  MW_EBUSY: the port is in use.  MW_ENOMEM, MW_EIO. */
MW_MUST_USE int listener_create(const struct listener_options *o, struct listener **ret,
                                struct mw_error *err);
void listener_destroy(struct listener *l); /* closes all, without lost() */

/* An agents_send_fn with the listener as its ctx. */
bool listener_send(void *listener, uint32_t node, const struct agent_frame *f);

const char *listener_address(const struct listener *l); /* as bound: with the port it got */
struct listener_stats listener_stats(const struct listener *l);

/* For every socket that accepts (evconnlistener_set_error_cb): a process without file descriptors
 * left accepts nobody for a second, instead of trying again at once for ever. */
struct evconnlistener;
void listener_breathe(struct evconnlistener *socket, void *unused);

#endif
