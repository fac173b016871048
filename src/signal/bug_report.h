/*
 * What a node says of itself as a whole: the file that nvidia-bug-report.sh
 * makes (many sections in one), or the output of `nvidia-smi -q` or `lspci -vv`
 * alone.  Log sections go to the readers of kmsg.h, a line that several
 * sections repeat only once; nvidia-smi's and lspci's lists of GPUs are read
 * and held against each other.  Text in memory, one pass; never acts.
 */
#ifndef MW_SIGNAL_BUG_REPORT_H
#define MW_SIGNAL_BUG_REPORT_H

#include "signal/kmsg.h"

#define BUG_REPORT_GPUS_MAX 256
#define BUG_REPORT_LINES_MAX 131072 /* different log lines told apart; past it all lines count */

bool bug_report_is(const char *data, size_t size);

/* Adds to *out what is wrong, and as notes what is worth knowing, with the GPU's serial number
 * where nvidia-smi gives it.  MW_ENOMEM. */
MW_MUST_USE int bug_report_diagnose(const struct kmsg_source *s, struct diagnoses *out,
                                    struct mw_error *err);

#endif
