/*
 * The control socket: HTTP/1.1 on a Unix socket, on the daemon's event base.
 *
 * The socket's mode is 0600: its owner and root may connect, nobody else.  Who
 * is connected is asked of the kernel (SO_PEERCRED) and becomes the actor of
 * what is recorded: API_ACTOR_USER + user id.  Bodies have at most API_BODY_MAX
 * bytes; a client that is slow is dropped after 10 s.  Errors are RFC 9457
 * problem documents.  It decides nothing: it reads what is published and hands
 * in facts.
 */
#ifndef MW_API_API_H
#define MW_API_API_H

#include "api/routes.h"

/* Actors: 0 = automation, 1 = who starts the daemon, from here a user of the machine. */
#define API_ACTOR_USER 1000u

struct api_options {
    struct api_site site;
    const char *socket; /* its path; a socket that nobody listens on is replaced */
};

struct api;
/* MW_EBUSY: another daemon listens there.  MW_EEXIST: it is a file, and no socket.  MW_EINVAL: the
 * path is too long.  MW_EDENIED, MW_ENOTFOUND (no such folder), MW_EIO, MW_ENOMEM. */
MW_MUST_USE int api_create(const struct api_options *o, struct api **ret, struct mw_error *err);
void api_destroy(struct api *a); /* removes the socket */

#endif
