/*
 * The kernel log, as it grows: /dev/kmsg or a text file; the lines that may
 * matter go to the daemon, which judges them.  With a state folder an agent goes
 * on where the one before it was, and after a boot reads what the kernel has said
 * since; the first on a node begins at the end: old lines may be of old faults.
 */
#ifndef MW_AGENT_KLOG_H
#define MW_AGENT_KLOG_H

#include <sys/types.h>

#include "agent/klog_mark.h"
#include "live/uplink.h"

#define KLOG_LINES_BURST 200    /* so many at once, … */
#define KLOG_LINES_PER_S 20     /* … then so many a second; the rest is counted */
#define KLOG_READS_MAX 512      /* at one wake-up: then others have their turn */

struct klog {
    const char *path;       /* borrowed; NULL = there is no log to read */
    int fd;                 /* -1 = not open at present */
    int notify;             /* inotify of a text file's folder; -1 */
    bool device;
    bool from_start;        /* the next file at the path is new: from its beginning */
    dev_t dev;
    ino_t ino;
    off_t at;
    off_t line_at;          /* where the line begins that is not whole yet */
    uint64_t next;          /* the device: records before this one were read */
    struct klog_mark mark;
    char line[AGENT_TEXT_MAX];
    size_t length;
    bool too_long;          /* the rest of the line is passed over */
    uint32_t tokens;
    int64_t filled_ms;
    uint64_t dropped, dropped_told, overrun;
};

/* Does the line name anything that the daemon could judge? */
bool klog_matters(const char *line);

/* path NULL: /dev/kmsg where it may be read, else nothing.  A path that is given must be a readable
 * device or text file; one that does not exist yet is waited for.  state_dir NULL: nothing is kept
 * of how far it was read. */
MW_MUST_USE int klog_open(struct klog *k, const char *path, const char *state_dir,
                          const char *boot, int64_t now_ms, struct mw_error *err);
void klog_close(struct klog *k);

/* Reads what is new. Called when fd or notify is readable, and at each beat. */
void klog_read(struct klog *k, int64_t now_ms, struct uplink *u);

#endif
