/*
 * One question to the daemon over its control socket, and its answer.  HTTP by
 * libcurl on a Unix socket; what the daemon refuses comes back as the error it
 * named.
 */
#ifndef MW_CLI_DAEMON_CLIENT_H
#define MW_CLI_DAEMON_CLIENT_H

#include <jansson.h>

#include "base/error.h"

#define DAEMON_ANSWER_MAX ((size_t)64 << 20)

struct daemon_call {
    const char *socket;  /* NULL = where mw serve listens by default */
    const char *path;    /* "/api/v1/status" */
    const json_t *body;  /* posted; NULL = a GET */
    int64_t wait_ns;     /* as long as nobody listens, try again for this long */
    int64_t timeout_ns;  /* for the answer; 0 = 10 s */
};

/* Gives *ret (json_decref).  MW_EUNREACHABLE: no daemon.  MW_EDENIED: the socket is not for this
 * user.  MW_ETIMEOUT.  MW_ESYNTAX: what answers is no daemon of ours.  Else what it says. */
MW_MUST_USE int daemon_ask(const struct daemon_call *c, json_t **ret, struct mw_error *err);

#endif
