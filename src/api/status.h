/*
 * The state of the daemon as JSON: what it is, what it may do, whom it hears,
 * what waits for an answer, and what is wrong with it.
 */
#ifndef MW_API_STATUS_H
#define MW_API_STATUS_H

#include <jansson.h>

#include "control/history.h"
#include "live/loop.h"

#define API_PENDING_SHOWN 100
#define API_NOT_READY_SHOWN 10 /* nodes by name */

struct api_site {
    struct loop *loop;   /* borrowed */
    const char *journal; /* its folder, to be shown */
    struct serials *serials; /* borrowed; NULL = only those of the site file */
};

/* What a live site and a replay have in common: program, site, now, halls, nodes, what waits.  A
 * new reference; NULL when out of memory. */
json_t *api_status_common(const struct control *c, struct journal *j, int64_t now_ns);

/* The same with what a live site has. */
json_t *api_status(const struct api_site *s);

#endif
