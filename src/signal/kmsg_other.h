/*
 * Lines that speak for themselves, apart from Xids: NVSwitch SXids, and a table
 * of what drivers, memory, PCIe, file systems and NCCL print.
 */
#ifndef MW_SIGNAL_KMSG_OTHER_H
#define MW_SIGNAL_KMSG_OTHER_H

#include "signal/kmsg_private.h"

/* Both add to *out and say whether the line was theirs. */
bool kmsg_sxid(const struct kmsg_source *s, const struct kmsg_line *line, struct diagnoses *out);
bool kmsg_pattern(const struct kmsg_source *s, const struct kmsg_line *line,
                  struct diagnoses *out);

#endif
