/*
 * How far the kernel log was read, on disk: an agent that was killed, or replaced
 * by a newer one, goes on where it was, and what the kernel said meanwhile is not
 * lost.  A line may be read twice, when it was killed between sending it to the
 * spool and noting it here.
 */
#ifndef MW_AGENT_KLOG_MARK_H
#define MW_AGENT_KLOG_MARK_H

#include "base/base.h"

struct klog_mark {
    int fd;            /* -1: nowhere to keep it */
    bool known;        /* there was one when it was opened */
    char boot[40];     /* the boot that it is of … */
    bool same_boot;    /* … which is the present one */
    uint64_t dev, ino; /* of a text file; 0 of /dev/kmsg */
    uint64_t at;       /* the next byte of a text file, the next record's number of /dev/kmsg */
};

/* dir NULL, or one that cannot be used: fd is -1, and klog_mark_write() does nothing. */
void klog_mark_open(struct klog_mark *m, const char *dir, const char *boot);
void klog_mark_close(struct klog_mark *m);
/* Notes it, when it is another than before. */
void klog_mark_write(struct klog_mark *m, uint64_t dev, uint64_t ino, uint64_t at);

#endif
