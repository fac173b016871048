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

struct api_site {
    struct loop *loop;   /* borrowed */
    const char *journal; /* its folder, to be shown */
    struct serials *serials; /* borrowed; NULL = only those of the site file */
};

/* A new reference; NULL when out of memory. */
json_t *api_status(const struct api_site *s);

#endif
