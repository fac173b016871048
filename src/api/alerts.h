/*
 * The part of the API that tells others of incidents: one alert a cause, never one a symptom.  It
 * looks at the open incidents of the replica every ALERTS_LOOK_MS and brings what each receiver was
 * told (alerts_sent.h) in line with them: an incident that is nobody's symptom is told of once it
 * has lasted `settle`, told of again when it becomes urgent, and its end is told when it closes or
 * turns out to be another's symptom.  Pages go before tickets.  What cannot be delivered is tried
 * again until it can or is over: when the receiver is away, all of it; when it refuses one alert,
 * that one, and the others go on.  Requests go out by a worker of its own (outbound.h); it never
 * waits.
 *
 * Times in alerts are this machine's, also in a replay: receivers live in the present.
 */
#ifndef MW_API_ALERTS_H
#define MW_API_ALERTS_H

#include "api/server.h"

#define ALERTS_LOOK_MS 1000
#define ALERTS_BATCH 500  /* of Alertmanager's list in one request */

struct alerts_receiver_stats {
    const char *name, *kind;
    uint64_t told, failed; /* requests that were taken, and that were not */
    uint32_t open, waiting; /* incidents told of; not delivered yet */
    uint32_t refused;       /* of those that wait: refused for their own sake */
    char trouble[256];      /* of the last request; "" = it was taken */
};
/* How many receivers there are; i < that. */
uint32_t alerts_receivers(const struct api_server *s);
struct alerts_receiver_stats alerts_receiver_stats(const struct api_server *s, uint32_t i);

#endif
