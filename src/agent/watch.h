/*
 * Programs that the node needs (slurmd): their end is known through a pidfd
 * within a millisecond, their return through their pid file at the next beat.
 */
#ifndef MW_AGENT_WATCH_H
#define MW_AGENT_WATCH_H

#include <sys/types.h>
#include <time.h>

#include "agent/options.h"
#include "live/uplink.h"

#define WATCH_STOPPED_MS 10000 /* stopped in order (a restart, mostly): down after this */
#define WATCH_SAY_MS 10000     /* what is down or up is said again so often */

/* Which content of a pid file: a later one is another program, though the pid be the same. */
struct watch_file {
    pid_t pid; /* 0 = none */
    ino_t ino;
    struct timespec written;
};

enum watch_state { WATCHED_UNKNOWN, WATCHED_UP, WATCHED_STOPPED /* in order */, WATCHED_DOWN };

struct watched {
    const struct agent_watch_option *option; /* borrowed */
    int pidfd;                /* -1 */
    uint8_t state;            /* enum watch_state */
    struct watch_file file;   /* what pidfd was made from, or what is known to be dead */
    int64_t stopped_ms, said_ms;
};

void watch_init(struct watched *w, const struct agent_watch_option *option);
void watch_fini(struct watched *w);

/* Looks for the program when it is not known to live, says again what is due.  True when w->pidfd
 * is new: the caller waits for it. */
bool watch_tick(struct watched *w, int64_t now_ms, struct uplink *u);
/* Its pidfd is readable: it has ended. */
void watch_ended(struct watched *w, int64_t now_ms, struct uplink *u);
/* Say it all again: the daemon may be another. */
void watch_again(struct watched *w);

#endif
