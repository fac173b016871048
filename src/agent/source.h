/*
 * What a source of readings is: one idea a file (source_*.c), one row of the
 * table agent_sources[].  A source opens what it reads once, then reads at its
 * period; it never talks to the daemon and knows no clock but the time it is
 * given.  Where it runs decides what a hang costs: in the collector nothing may
 * block, in a worker a read that passes its deadline costs that worker's life,
 * and the source is said to be silent.
 */
#ifndef MW_AGENT_SOURCE_H
#define MW_AGENT_SOURCE_H

#include "base/error.h"
#include "live/agent_frame.h"
#include "signal/samples.h"

#define SOURCES_MAX 32 /* rows of agent_sources[] */

enum source_where {
    WHERE_COLLECTOR,    /* reads memory of the kernel; nothing that waits for a device */
    WHERE_WORKER_GPU,   /* NVML */
    WHERE_WORKER_LINKS, /* what asks a network device's firmware */
    WHERE_WORKER_SLOW,  /* module EEPROMs, SMART, filesystems: seconds, at times */
    WHERES
};

struct places; /* agent/places.h */

/* What a source may need to know of its surroundings.  Strings are borrowed and never NULL but
 * nvml.  Instances of ports (and lanes), disks, filesystems and PCI devices are indexes into
 * `places`, which only grows: look there again at each read. */
struct source_env {
    const char *sysfs_root, *proc_root, *dev_root; /* put before "/sys/…", "/proc/…", "/dev/…":
                                                      "" = the real ones; tests give folders */
    const char *nvml;           /* path of the library; NULL = libnvidia-ml.so.1 */
    uint32_t gpus;              /* that PCI shows */
    const struct places *places; /* the numbers of ports, disks, mounts and PCI devices */
};

/* Where readings go.  `part` and `finding` take a frame of AGENT_PART or AGENT_FINDING, which is
 * copied; machine and e are filled in by others. */
struct source_out {
    struct samples *samples;
    void (*part)(void *ctx, const struct agent_frame *f);
    void (*finding)(void *ctx, const struct agent_frame *f);
    void *ctx;
};

struct source {
    const char *name;       /* "gpu", "optics": what `source` frames and the console call it */
    uint32_t period_ms;     /* between reads; 1000 follows the sampling period (100 ms on demand) */
    uint32_t deadline_ms;   /* of open and of read, in a worker */
    uint8_t where;          /* enum source_where */
    /* MW_ENOTFOUND: nothing of it is here, which is no fault: the source is absent and tried again
     * every 60 s; any other error: silent, with err's text, and tried again with a back-off. */
    int (*open)(const struct source_env *env, void **ret_state, struct mw_error *err);
    /* An error: silent, with err's text; the state is closed and opened again later. */
    int (*read)(void *state, const struct source_env *env, int64_t now_ms, struct source_out *out,
                struct mw_error *err);
    void (*close)(void *state);
};

/* The one table (sources.c), in the order in which sources are read; ends with NULL. */
extern const struct source *const agent_sources[];

#endif
