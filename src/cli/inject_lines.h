/*
 * Kernel lines as NVIDIA's drivers write them, for a fault that a person
 * chooses.  Only text; what the codes mean is in signal/xid.h.
 */
#ifndef MW_CLI_INJECT_LINES_H
#define MW_CLI_INJECT_LINES_H

#include "base/error.h"

#define INJECT_LINE_MAX 512
#define INJECT_GPUS 16

/* "NVRM: Xid (PCI:0000:1b:00): 79, …": a code that the catalogue does not know is written too.
 * gpu < INJECT_GPUS. */
void inject_xid_line(uint32_t code, uint32_t gpu, char ret[INJECT_LINE_MAX]);

/* "nvidia-nvswitch0: SXid (PCI:0000:05:00.0): 20034, Fatal, Link 30 …" */
void inject_sxid_line(uint32_t code, char ret[INJECT_LINE_MAX]);

#endif
