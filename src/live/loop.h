/*
 * The daemon's loop: gives a live site (live/live.h) real processes, real
 * connections and the real clock, on one libevent base that others (the control
 * socket) share.  SIGTERM, SIGINT and SIGHUP end it cleanly, with a snapshot.
 * One thread.  It prints nothing: what happened is told to its owner.
 */
#ifndef MW_LIVE_LOOP_H
#define MW_LIVE_LOOP_H

#include "live/listener.h"
#include "live/live.h"

struct event_base;

/* What the owner hears, in order; text and events are borrowed for the call. */
struct loop_told {
    void *ctx;
    /* An event that is durable now. */
    void (*event)(void *ctx, const struct event *ev, const void *tail);
    /* Something about the daemon itself: the disk is full, it is not any more … */
    void (*note)(void *ctx, const char *text);
    /* Each turn, so at least once a second: up to seq is durable, and this is the site's time. */
    void (*committed)(void *ctx, uint64_t seq, int64_t now_ns);
};

struct loop_options {
    const struct fleet *fleet; /* borrowed, as is the rest */
    const struct control_policy *policy;
    struct journal *journal;
    uint8_t mode;              /* enum guard_mode, or LIVE_MODE_KEEP */
    bool slurm;
    const char *slurm_conf;    /* NULL = the system's */
    int64_t slurm_poll_ns, silence_ns; /* 0 = as the adapters say */
    const char *listen;        /* where agents connect; NULL = nowhere */
    const char *token;
    struct authority *authority; /* agents connect over TLS; NULL = plain */
    int64_t for_ns;            /* end by itself after this; 0 = do not */
    struct loop_told told;
};

struct loop;
/* Connects, begins or recovers the record.  As listener_create() and live_create(). */
MW_MUST_USE int loop_create(const struct loop_options *o, struct loop **ret,
                            struct mw_error *err);
/* Users of loop_base() are freed before. */
void loop_destroy(struct loop *l);

/* Until a signal or the end of for_ns: then 0.  Else the record failed: open it again. */
MW_MUST_USE int loop_run(struct loop *l, struct mw_error *err);

struct event_base *loop_base(const struct loop *l);
struct live *loop_live(const struct loop *l);
int64_t loop_now_ns(struct loop *l);
int64_t loop_started_ns(const struct loop *l);
const char *loop_listens(const struct loop *l); /* where agents connect, as bound; "" = nowhere */
struct listener_stats loop_listener_stats(const struct loop *l);

#endif
