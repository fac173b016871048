/*
 * What the files of the kernel text reader share: a line taken apart, and the
 * gathering of Xids.  Only for kmsg*.c and their tests.
 */
#ifndef MW_SIGNAL_KMSG_PRIVATE_H
#define MW_SIGNAL_KMSG_PRIVATE_H

#include "signal/kmsg.h"

struct kmsg_line {
    char text[KMSG_LINE_MAX + 1]; /* bytes of value 0 become blanks */
    uint32_t length;
    uint32_t number;              /* from 1 */
    int64_t time_ms;              /* since some start; -1 = the line has none that we know */
    char host[64];                /* "" = not in the line */
};

struct kmsg_cursor {
    const char *data;
    size_t size, at;
    uint32_t lines;
};

/* The next line; false at the end. */
bool kmsg_next(struct kmsg_cursor *c, struct kmsg_line *line);

/* Copies the PCI id at `from` ("00000000:9B:00.0" -> "0000:9b:00.0"); false when there is none.
 * size >= 24. */
bool kmsg_pci(const char *from, char *to, size_t size);
/* The first PCI id anywhere in the text. */
bool kmsg_pci_find(const char *text, char *to, size_t size);
/* "0000:9b:00.0" -> "0000:9b:00": a GPU is named without its function. */
void kmsg_pci_gpu(char *pci);
/* Up to n numbers "0x..." from `from` on, parted by blanks and commas; returns how many. */
uint32_t kmsg_hex(const char *from, uint32_t *to, uint32_t n);
/* A decimal number after `label` in text; false when there is none that fits. */
bool kmsg_number_after(const char *text, const char *label, uint32_t *ret);

/* Starts a diagnosis with part, file, line and evidence; `part` names what is at fault. */
void kmsg_begin(struct diagnosis *d, const struct kmsg_source *s, const struct kmsg_line *line,
                const char *part);

/* One Xid as gathered. */
struct xid_seen {
    struct diagnosis d;  /* part, evidence, count; the verdict comes at the end */
    char place[64];      /* what tells it from others of the code: "GPC 9, TPC 1", the recovery */
    uint32_t code;
    uint32_t reg[7];     /* Xid 74: registers; 144-150: intrInfo, error status, ... */
    uint32_t regs;
    uint32_t occurrences; /* bursts told apart by time */
    int64_t last_ms;
};

struct xids {
    struct xid_seen *item; /* owned */
    uint32_t length, room;
    uint32_t left_out;     /* past KMSG_XIDS_MAX */
    uint32_t release;      /* of the driver, 550; 0 = not known */
    bool no_memory;
};

/* Takes the line when it is an Xid, or says that a GPU fell off the bus. */
bool xids_line(struct xids *x, const struct kmsg_source *s, const struct kmsg_line *line);
/* The verdicts, now that all Xids are known. */
void xids_verdicts(const struct xids *x, const struct kmsg_source *s, struct diagnoses *out);
void xids_fini(struct xids *x);

#endif
