/*
 * The collector: reads every source of agent_sources[] at its period, those that
 * may hang in workers, and hands readings, parts, conditions and the silence of a
 * source to the daemon.  Never waits for anything; what the line does not take
 * is coalesced and counted, as only the newest readings matter.
 */
#ifndef MW_AGENT_COLLECT_H
#define MW_AGENT_COLLECT_H

#include "agent/source.h"
#include "live/uplink.h"

#define COLLECT_SAMPLE_MS 1000
#define COLLECT_SAMPLE_MS_LEAST 100
#define COLLECT_SERIES_MAX 8192
#define COLLECT_ABSENT_MS 60000    /* a source of which nothing is here is tried again so often */
#define COLLECT_RETRY_MS_MIN 1000  /* one that failed: doubling … */
#define COLLECT_RETRY_MS_MAX 60000 /* … to this */
#define COLLECT_RATE_MS_MAX 600000 /* the longest for which more may be asked */

struct collect_options {
    const char *sysfs_root, *proc_root, *dev_root; /* borrowed, as are all; never NULL */
    const char *nvml;         /* NULL = libnvidia-ml.so.1 */
    const char *without;      /* "smart,lldp": sources that are not read; NULL = none */
    uint32_t sample_ms;       /* 0 = as the daemon says, COLLECT_SAMPLE_MS until then */
};

struct collect;

/* MW_ENOMEM, MW_EIO; MW_EINVAL: `without` names no source. */
MW_MUST_USE int collect_create(const struct collect_options *o, struct collect **ret,
                               struct mw_error *err);
void collect_destroy(struct collect *c); /* NULL is fine; ends the workers */

/* For the program's epoll: readable when a worker has said something. */
int collect_fd(const struct collect *c);
void collect_ready(struct collect *c, int64_t now_ms, struct uplink *u);

/* To be called at least every collect_tick_ms(). */
void collect_tick(struct collect *c, int64_t now_ms, struct uplink *u);
uint32_t collect_tick_ms(const struct collect *c);

/* The daemon's welcome: everything is said again. sample_ms 0: it did not say. */
void collect_welcome(struct collect *c, uint32_t sample_ms);
/* More often for a while, then as before. */
void collect_rate(struct collect *c, int64_t now_ms, int64_t sample_ms, int64_t for_ms);

/* GPUs are left alone for so long (0: no longer): nobody may have one open that is to be reset.
 * The worker that reads them is ended; its sources are not read meanwhile, and are not silent. */
void collect_leave_gpus(struct collect *c, int64_t now_ms, int64_t for_ms);

/* Records of samples given to the line so far, for beats. */
uint64_t collect_frames(const struct collect *c);

#endif
