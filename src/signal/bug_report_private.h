/*
 * What the files of the bug report reader share: the GPUs of the node as the
 * sections tell of them.  Only for bug_report*.c.
 */
#ifndef MW_SIGNAL_BUG_REPORT_PRIVATE_H
#define MW_SIGNAL_BUG_REPORT_PRIVATE_H

#include "signal/bug_report.h"
#include "signal/kmsg_private.h"

/* Where a GPU was seen; the evidence line of each. */
struct report_seen {
    uint32_t line; /* 0 = not seen */
    char text[192];
};

struct report_gpu {
    char pci[24]; /* "0000:9b:00" */
    char serial[32], uuid[48];
    struct report_seen smi, lspci, driver;
    bool all_ones; /* lspci: rev ff */
    bool given_away; /* bound to vfio-pci: a virtual machine has it */
};

struct report {
    const struct kmsg_source *source;
    struct diagnoses *out;
    char host[64];       /* of uname; "" = not told */
    char driver[32];     /* "550.90.07" */
    char cuda[16];       /* "12.4" */
    uint32_t smi_lists;  /* outputs of nvidia-smi -q */
    uint32_t pci_devices;
    struct report_gpu gpu[BUG_REPORT_GPUS_MAX];
    uint32_t gpus;
};

/* The GPU of this PCI id ("00000000:9B:00.0", "9b:00.0"), made when new; NULL: no PCI id, or no
 * room. */
struct report_gpu *report_gpu(struct report *r, const char *text);
void report_seen(struct report_seen *seen, const struct kmsg_line *line);

/* Starts a diagnosis of a part, with the line as evidence. */
void report_begin(struct report *r, struct diagnosis *d, const struct kmsg_line *line,
                  const char *part);
void report_say(char *to, size_t size, const char *text);

/* nvidia-smi -q, line by line. */
#define SMI_DEPTH_MAX 8
struct smi {
    struct report *report;
    struct report_gpu *gpu;       /* whose values come; NULL = none */
    char name[SMI_DEPTH_MAX][48]; /* of the lines above, by depth */
    bool slowdown, slowdown_told; /* HW Slowdown, and one of its kinds */
    struct kmsg_line slowdown_line;
    uint32_t width_max;
};
void smi_line(struct smi *s, const struct kmsg_line *line);
void smi_end(struct smi *s); /* the section is over */

/* lspci -vv. */
struct pci {
    struct report *report;
    struct report_gpu *gpu; /* whose lines come; NULL = no GPU */
    char nic[24];           /* "" = no NIC */
    uint32_t width_max;
    char speed_max[16];
};
bool pci_is_device(const char *text); /* "19:00.0 3D controller: ..." */
void pci_line(struct pci *p, const struct kmsg_line *line);

#endif
