/*
 * Event streams (server-sent events): every client is told of what is recorded, as it is recorded.
 *
 *     id: SEQ                        the event's sequence; a client that comes back says it as
 *     event: incident.opened         Last-Event-ID, and goes on behind it
 *     data: {"seq","time","kind","text","about"}
 *
 *     event: bookmark                every 2 s at least, and as the revision moves, at most 5/s; it
 *     data: {"now","revision"}       has an id when the client has all up to there
 *
 *     event: dropped                 the client was too slow: so many events were left out, and it
 *     data: {"left_out":n}           goes on with the ones after them
 *
 * What is new lies in one ring for all, as text, STREAM_RING_BYTES at most.  Who begins further
 * back is served from the record, a slice at a time, until he reaches the ring; more than
 * STREAM_BACK_MAX events back, or at a place that this record never had: 410, begin anew.
 *
 * A client never waits for another and never makes anybody wait: at most STREAM_CLIENT_BYTES wait
 * in its connection, and what it has not taken by the time it leaves the ring is left out.  So
 * memory is bounded by the ring and STREAM_CLIENTS_MAX times STREAM_CLIENT_BYTES.
 *
 * On the server's thread.
 */
#ifndef MW_API_STREAM_H
#define MW_API_STREAM_H

#include "api/about.h"
#include "api/routes.h"

#define STREAM_CLIENTS_MAX 2048u
#define STREAM_RING_EVENTS 16384u
#define STREAM_RING_BYTES ((size_t)4 << 20)
#define STREAM_CLIENT_BYTES ((size_t)64 << 10)
#define STREAM_BACK_MAX 1000000u /* events; chosen: a year of the StepFun site is about so many */
#define STREAM_SLICE 2000u       /* events of the record read for one client in one go */
#define STREAM_BOOKMARK_MS 2000
#define STREAM_BOOKMARK_MS_MIN 200

struct stream_stats {
    uint32_t clients;
    uint64_t told, left_out, from_record; /* events written to clients; left out; of the record */
    size_t ring_bytes;
};
struct stream_stats stream_stats(struct api_server *s);

/* The kinds of the query's `kind`: "all", names with commas, NULL = what people are told of.  A
 * bit a kind.  MW_EINVAL names the word. */
MW_MUST_USE int stream_kinds(const char *asked, uint64_t *ret, struct mw_error *err);

#endif
