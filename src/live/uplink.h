/*
 * The connection of mw-agent or mw-gather to the daemon: made again for ever,
 * with a jittered delay, over TCP or mutual TLS.  Three kinds of things go up:
 * - events (uplink_event) are kept in a spool until the daemon says that they are
 *   durable; after a break all that it did not say so of is sent again;
 * - levels (uplink_level) are said when they change and again by those who know
 *   them after each welcome: nothing keeps them here;
 * - samples and beats are worth sending only now: uplink_samples() says whether
 *   it took them, and the caller coalesces what it did not.
 * Clock exchanges, acknowledgements and the renewal of the certificate are done
 * here; every other frame of the daemon is handed to the program.
 *
 * It never blocks, but for the resolver when the host is a name.  It says on
 * stderr, once each, why there is no connection.  One thread.
 */
#ifndef MW_LIVE_UPLINK_H
#define MW_LIVE_UPLINK_H

#include "live/agent_frame.h"
#include "live/skew.h"
#include "live/spool.h"

#define UPLINK_OUT_BYTES ((size_t)256 << 10) /* what waits for the kernel; default */
#define UPLINK_SAMPLES_WAIT ((size_t)64 << 10) /* no samples are taken while more than this waits */
#define UPLINK_RETRY_MS_MIN 50
#define UPLINK_RETRY_MS_MAX 2000
#define UPLINK_REFUSED_MS 10000  /* the daemon will not have us: ask seldom */
#define UPLINK_WELCOME_MS 3000   /* a peer that does not welcome is not ours */
#define UPLINK_SECURE_MS 20000   /* for TLS: a daemon that thousands ask at once answers in turn */
#define UPLINK_SILENT_MS 15000   /* a daemon that answers no clock for so long is gone */

enum uplink_state { UPLINK_DOWN, UPLINK_CONNECTING, UPLINK_SECURING, UPLINK_GREETING, UPLINK_UP };

struct uplink_options {
    const char *who;          /* "mw-agent": messages on stderr begin with it. Borrowed, as are: */
    const char *host, *port;
    const struct agent_frame *hello; /* copied; version and spool are filled in here */
    const char *tls_dir;      /* NULL = plain TCP; else the folder of `join`, see tls_client.h */
    const char *spool_dir;    /* NULL = events wait in memory only */
    uint64_t spool_bytes;     /* 0 = SPOOL_BYTES, in memory SPOOL_MEMORY_BYTES */
    size_t out_bytes;         /* 0 = UPLINK_OUT_BYTES; a gatherer of many machines wants more */
};

struct uplink_stats {
    uint64_t connects, refused;     /* welcomes; refusals */
    uint64_t events, spool_dropped; /* taken; lost, as the spool was full or its disk failed */
    uint64_t acked;                 /* events that the daemon said are durable */
    uint64_t levels_left_out;       /* no connection or no room: their owner says them again */
    uint64_t samples, samples_left_out; /* records sent; not taken */
    uint64_t bytes_sent, renewals;
};

struct tls_client;
struct uplink {
    const char *who, *host, *port; /* borrowed */
    struct agent_frame hello;
    int fd;                    /* -1 */
    uint32_t sockets;          /* opened so far: a later one may have the number of an earlier */
    uint8_t state;             /* enum uplink_state */
    bool wants_write;          /* what the event loop should wait for besides reading */
    int64_t due_ms;            /* DOWN: try again; else, but UP: give up */
    uint32_t delay_ms;
    struct tls_client *tls;    /* owned; NULL = plain */
    struct spool *spool;       /* owned */
    struct skew skew;
    int64_t last_skew_us;      /* also without a connection: events bear the daemon's time */
    int64_t clock_due_ms;      /* the next question for the time */
    int64_t asked_us;          /* t0 of the last; 0 = answered */
    int64_t acked_ms;          /* the last acknowledgement */
    int64_t heard_ms;          /* the last byte of the daemon */
    char *out;                 /* owned: whole records */
    size_t out_bytes, queued, done; /* room; used; of that, already with the kernel */
    char *in;                  /* owned: AGENT_FRAME_MAX */
    size_t in_length;
    struct uplink_stats stats;
    uint64_t dropped_told;
    char trouble[200];         /* the last told, so that it is told once */
};

/* MW_ENOMEM, MW_EIO; with TLS MW_ENOTFOUND (join first), MW_EDENIED (the key is open to others),
 * MW_ESYNTAX (a file is none of ours); as spool_open(). *u needs no uplink_fini() then. */
MW_MUST_USE int uplink_init(struct uplink *u, const struct uplink_options *o,
                            struct mw_error *err);
void uplink_fini(struct uplink *u);

/* Connects when it is due, gives up what takes too long, asks the time; call it at least at each
 * beat.  now_ms: a clock that is never set (CLOCK_MONOTONIC). */
void uplink_tick(struct uplink *u, int64_t now_ms);
/* The socket is ready. A frame for us is handed to `take`, in which the other calls are fine. */
typedef void uplink_take_fn(void *ctx, const struct agent_frame *f);
void uplink_ready(struct uplink *u, int64_t now_ms, bool readable, uplink_take_fn *take,
                  void *ctx);

/* What happened once: kept until the daemon has it for good. f->e is ignored; f->at_ms = 0 means
 * now.  Only verbs of agent_verb_is_event(). */
void uplink_event(struct uplink *u, int64_t now_ms, const struct agent_frame *f);
/* What is so now. false: there is no connection or no room; say it again after the next welcome,
 * or a second later while uplink_is_up(). */
bool uplink_level(struct uplink *u, int64_t now_ms, const struct agent_frame *f);
/* Sends only when it stands and nothing waits before it. */
void uplink_beat(struct uplink *u, int64_t now_ms, const struct agent_frame *f);
/* A payload of samples_encode(). false: not taken; coalesce it with the next. */
bool uplink_samples(struct uplink *u, int64_t now_ms, const uint8_t *payload, size_t size);

static inline bool uplink_is_up(const struct uplink *u)
{
    return u->state == UPLINK_UP;
}

/* As skew_read(). */
static inline bool uplink_skew(const struct uplink *u, int64_t *ret_skew_us, int64_t *ret_error_us)
{
    return skew_read(&u->skew, ret_skew_us, ret_error_us);
}

static inline struct uplink_stats uplink_stats(const struct uplink *u)
{
    return u->stats;
}

/* Says goodbye, waiting no longer than a moment. */
void uplink_bye(struct uplink *u, int64_t now_ms);

#endif
