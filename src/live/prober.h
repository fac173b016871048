/*
 * A second witness: is there a living program at this address?  One TCP
 * connection, on which nothing is said and our end is closed: a program that
 * lives says something or closes its own.  That a kernel takes the connection
 * proves nothing; refused and silent are both "no".  Owns its sockets; the
 * answer comes through the port, once for each question, never from within
 * prober_ask().  One thread: the event base's.
 */
#ifndef MW_LIVE_PROBER_H
#define MW_LIVE_PROBER_H

#include "live/agents.h"

#define PROBER_MAX 256 /* questions at once; more cannot be asked */

struct event_base;

struct prober_options {
    struct event_base *base; /* borrowed */
    int64_t wait_ns;         /* not answered by then: no */
    void (*told)(void *ctx, uint32_t node, bool answers);
    void *ctx;
};

struct prober;
MW_MUST_USE int prober_create(const struct prober_options *o, struct prober **ret,
                              struct mw_error *err);
void prober_destroy(struct prober *p); /* what is open is not answered */

/* address: numeric, with a port; AGENTS_PROBE_NONE: it is none.  AGENTS_PROBE_BUSY: too many are
 * open, or the machine has no socket left.  An agents_probe_fn with the prober as its ctx. */
enum agents_probe prober_ask(void *prober, uint32_t node, const char *address);

#endif
