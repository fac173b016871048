/*
 * Faults in kernel and driver text: what `dmesg`, `journalctl`, /dev/kmsg,
 * pstore, nvidia-bug-report and fabric manager logs say, and NCCL's warnings.
 * Reads a text that is in memory line by line with a bounded cursor; meanings
 * of Xid codes are in signal/xid.h.  Never opens files, never acts.
 */
#ifndef MW_SIGNAL_KMSG_H
#define MW_SIGNAL_KMSG_H

#include "signal/diagnosis.h"

#define KMSG_LINE_MAX 4096  /* the rest of a longer line is not looked at */
#define KMSG_XIDS_MAX 4096  /* different Xids (GPU, code, place) of one file */
#define KMSG_BURST_MS 15000 /* lines that follow each other sooner are one occurrence */

struct kmsg_source {
    const char *name;   /* of the file, for the evidence */
    const char *data;
    size_t size;
    bool name_in_part;  /* several files: parts without a host name are told apart by file */
};

/* Whether content looks like text with lines, not binary. */
bool kmsg_is_text(const char *data, size_t size);

/* Adds what the lines say to *out.  MW_ENOMEM. */
MW_MUST_USE int kmsg_diagnose(const struct kmsg_source *s, struct diagnoses *out,
                              struct mw_error *err);

#endif
