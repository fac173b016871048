/*
 * Machines that are really here beside a replayed site: a thread that listens to
 * agents and keeps what they say (signal/machines.h).  They are nobody's nodes;
 * nothing of them enters the record or is decided on: their conditions are shown,
 * no more.  Any name is welcome, on a loopback address only.
 *
 * An agent may be started with it: the one of this machine.
 */
#ifndef MW_CLI_GUESTS_H
#define MW_CLI_GUESTS_H

#include <jansson.h>

#include "base/error.h"

#define GUESTS_MAX 64

struct guests_options {
    const char *address; /* "127.0.0.1:7377"; port 0 = a free one */
    const char *agent;   /* path of mw-agent, started here to watch this machine; NULL = none */
};

struct guests;
/* As listener_create(); MW_ENOTFOUND: there is no such agent program. */
MW_MUST_USE int guests_start(const struct guests_options *o, struct guests **ret,
                             struct mw_error *err);
/* Ends the agent that it started, and the thread.  NULL is fine. */
void guests_stop(struct guests *g);

const char *guests_address(const struct guests *g); /* as bound */

/* Answers a wish of api/machines_tell.h; any thread. */
json_t *guests_tell(struct guests *g, const json_t *wish, struct mw_error *err);

#endif
