/*
 * Raw series out of the daemon, to whatever keeps series already: Prometheus
 * remote write 1.0 (protobuf, snappy, HTTP).  The writer feeds it once a second
 * with what changed in the hub; a thread of its own sends.  It never makes the
 * writer wait: what does not fit into its queue is dropped and counted.
 *
 * Every value that changed goes out with the time at which it came; one that
 * changes more often than once a second goes out as it stands at the feed.
 * What does not change is said again every REMOTE_AGAIN_MS, since Prometheus
 * forgets a series after five minutes of silence.
 *
 * A series is mw_<metric>{machine=…, gpu=…|port=…|…, part=…}: the number within
 * the scope (signal/metric.h) and the name that the part's owner gave it.
 */
#ifndef MW_LIVE_REMOTE_WRITE_H
#define MW_LIVE_REMOTE_WRITE_H

#include "base/error.h"

#define REMOTE_QUEUE_MAX 1000000     /* samples that wait: 32 MB */
#define REMOTE_SEND_MAX 2000         /* samples of one request */
#define REMOTE_AGAIN_MS 60000
#define REMOTE_FEED_MS 1000
#define REMOTE_MACHINES_MAX 65536    /* machines past it are left out, counted */
#define REMOTE_NAMES_MAX 262144      /* names of parts; without one a series has its number only */

struct remote_write_options {
    const char *url;        /* http://127.0.0.1:9090/api/v1/write */
    const char *token_file; /* "Authorization: Bearer …"; NULL. Mode 0600 */
    const char *ca;         /* NULL = the system's certificates */
    uint32_t queue_max;     /* 0 = REMOTE_QUEUE_MAX */
};

struct remote_write_stats {
    uint64_t sent;     /* samples that the receiver took */
    uint64_t dropped;  /* found the queue full, or were left at the end */
    uint64_t refused;  /* the receiver will not have them (4xx): not tried again */
    uint64_t requests, retries;
    uint32_t queued;
    char trouble[160]; /* the last; "" = the last request was taken */
};

struct remote_write;
struct machines;

/* Starts the thread. MW_EINVAL (the URL), MW_ENOTFOUND (libsnappy is not installed), MW_EDENIED
 * (the token's file is open to others), MW_ENOMEM. */
MW_MUST_USE int remote_write_create(const struct remote_write_options *o, struct remote_write **ret,
                                    struct mw_error *err);
/* Sends what waits for two seconds at most, and ends the thread; what it all came to. */
struct remote_write_stats remote_write_end(struct remote_write *w);
void remote_write_destroy(struct remote_write *w); /* ends it first; NULL is fine */

/* On the writer's thread, as often as it likes; does something once REMOTE_FEED_MS. */
void remote_write_feed(struct remote_write *w, const struct machines *m, int64_t now_ms);
struct remote_write_stats remote_write_stats(struct remote_write *w); /* any thread */

#endif
