/*
 * The connection to the daemon: made again for ever, with a jittered delay;
 * events wait in a bounded queue until it stands, beats do not.  At most once:
 * what the kernel had taken when a connection broke is not sent again, so
 * levels (units, disks) are said again by those who know them.
 */
#ifndef MW_AGENT_UPLINK_H
#define MW_AGENT_UPLINK_H

#include "live/agent_frame.h"

#define UPLINK_QUEUE_BYTES ((size_t)256 << 10)
#define UPLINK_RETRY_MS_MIN 50
#define UPLINK_RETRY_MS_MAX 2000
#define UPLINK_REFUSED_MS 10000  /* the daemon will not have us: ask seldom */
#define UPLINK_WELCOME_MS 3000   /* a peer that does not welcome is not ours */

enum uplink_state { UPLINK_DOWN, UPLINK_CONNECTING, UPLINK_GREETING, UPLINK_UP };

struct uplink {
    const char *host, *port;   /* borrowed */
    struct agent_frame hello;
    int fd;                    /* -1 */
    uint32_t sockets;          /* opened so far: a later one may have the number of an earlier */
    uint8_t state;             /* enum uplink_state */
    bool wants_write;          /* what the event loop should wait for */
    int64_t due_ms;            /* DOWN: try again; CONNECTING, GREETING: give up */
    uint32_t delay_ms;
    char *queue;               /* owned: whole lines */
    size_t queued, done;       /* bytes; of the first line, already with the kernel */
    uint64_t dropped;          /* events that found the queue full */
    uint64_t dropped_told;
    char in[AGENT_FRAME_MAX];
    size_t in_length;
    char trouble[160];         /* the last told, so that it is told once */
};

/* MW_ENOMEM. */
MW_MUST_USE int uplink_init(struct uplink *u, const char *host, const char *port,
                            const struct agent_frame *hello, struct mw_error *err);
void uplink_fini(struct uplink *u);

/* Connects when it is due, gives up what takes too long. */
void uplink_tick(struct uplink *u, int64_t now_ms);
/* The socket is ready. A frame for us is handed to `take`. */
typedef void uplink_take_fn(void *ctx, const struct agent_frame *f);
void uplink_ready(struct uplink *u, int64_t now_ms, bool readable, uplink_take_fn *take,
                  void *ctx);

/* Sends, or keeps until it can: what happens once. */
void uplink_event(struct uplink *u, int64_t now_ms, const struct agent_frame *f);
/* Sends when it stands; else it is nothing: what is said again after each welcome. */
void uplink_level(struct uplink *u, int64_t now_ms, const struct agent_frame *f);
/* Sends only when it stands and nothing waits before it. */
void uplink_beat(struct uplink *u, int64_t now_ms, const struct agent_frame *f);

/* Says goodbye, waiting no longer than a moment. */
void uplink_bye(struct uplink *u, int64_t now_ms);

#endif
