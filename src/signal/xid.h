/*
 * What NVIDIA's Xid codes mean and what to do about them, by table: 172 codes,
 * the 95 rows that decode NVLink 5 errors (Xid 144 to 150), and NVSwitch's SXids.  The tables are
 * made at build time from data/xid (NVIDIA's Xid catalogue).  Knows nothing of
 * log lines (signal/kmsg.h); pure look-ups, no state.
 */
#ifndef MW_SIGNAL_XID_H
#define MW_SIGNAL_XID_H

#include "base/base.h"

enum xid_arch { XID_A100 = 1, XID_H100 = 2, XID_B100 = 4, XID_GB200 = 8 };

struct xid_row {
    uint16_t code;
    bool used;             /* false: the catalogue lists the code as unused */
    uint8_t archs;         /* enum xid_arch, or-ed: where it applies */
    const char *mnemonic;
    const char *immediate; /* a bucket of NVIDIA's: "RESET_GPU"; "" = none named */
    const char *investigate;
    const char *xid154;    /* from which driver Xid 154 names the recovery; "" = never */
};

struct xid_bits {
    uint32_t mask, value; /* mask 0 = no such row */
};

/* Index of the two layouts of intrInfo. */
enum xid_driver { XID_BEFORE_R575, XID_FROM_R575 };

struct xid_nvlink_row {
    uint16_t xid;
    const char *unit;         /* "NETIR_LINK_EVT/NETIR_LINK_DOWN": names before and from R575 */
    struct xid_bits info[2];  /* by enum xid_driver */
    struct xid_bits info2[2]; /* when these match, action2 holds instead of action */
    uint8_t statuses;         /* error status values that count; 0 = any */
    uint32_t status[2];
    const char *action, *action2, *investigate, *severity, *hw_sw, *consequences;
};

extern const struct xid_row xid_rows[];
extern const uint32_t xid_rows_count;
extern const struct xid_nvlink_row xid_nvlink_rows[];
extern const uint32_t xid_nvlink_rows_count;

enum sxid_kind {
    SXID_NON_FATAL,
    SXID_FATAL,        /* for the partition whose link it is */
    SXID_ALWAYS_FATAL, /* for the whole fabric */
};
struct sxid_row {
    uint32_t code;
    uint8_t kind; /* enum sxid_kind */
    const char *name;
};
extern const struct sxid_row sxid_rows[];
extern const uint32_t sxid_rows_count;

/* NULL: the catalogue does not know the code. */
const struct xid_row *xid_find(uint32_t code);
const struct sxid_row *sxid_find(uint32_t code); /* an NVSwitch's */

/* "H100, B100"; "no listed architecture". size >= 48. */
void xid_archs(const struct xid_row *row, char *to, size_t size);

/* What a bucket asks for, as a person does it; `wrong` is false for IGNORE and its like.  A bucket
 * that nobody knows gives NULL. */
struct xid_action {
    const char *bucket, *words;
    bool wrong;
};
const struct xid_action *xid_action_find(const char *bucket);

/* A plain sentence for a code; made of the mnemonic where we have none. size >= 96. */
void xid_meaning(const struct xid_row *row, char *to, size_t size);

/* The row of an NVLink 5 error.  unit is the name in the log line, "" = not known.  Bits of
 * another status than the table's are looked for when no row has the exact one (*exact false). */
struct xid_nvlink_match {
    const struct xid_nvlink_row *row; /* NULL = unknown */
    enum xid_driver driver;           /* whose layout matched */
    const char *action;               /* the row's action or action2 */
    bool exact;
};
struct xid_nvlink_match xid_nvlink_find(uint32_t code, const char *unit, uint32_t info,
                                        uint32_t status);
/* The same when the driver's release is known (550): its layout, before the other. */
struct xid_nvlink_match xid_nvlink_find_of(uint32_t code, const char *unit, uint32_t info,
                                           uint32_t status, uint32_t release);

/* Xid 74: what the error registers say, worst bit first. */
enum xid_link {
    XID_LINK_IGNORE,      /* nothing set, or only bits that mean nothing */
    XID_LINK_SYMPATHETIC, /* follows an error elsewhere */
    XID_LINK_ECC_COUNT,   /* corrected past a threshold: goes on */
    XID_LINK_ECC,         /* parity or ECC */
    XID_LINK_SIGNAL,      /* marginal signal integrity */
    XID_LINK_REPEAT,      /* hardware only when it comes again */
    XID_LINK_REPORT,      /* report it when it comes again */
    XID_LINK_UNEXPECTED,
    XID_LINK_HARDWARE,    /* maybe hardware: reseat, diagnose */
    XID_LINK_FABRIC,      /* needs a reset of the fabric */
    XID_LINK_UNKNOWN,     /* bits the catalogue does not name */
};
#define XID_LINK_REGISTERS 7
enum xid_link xid_link_decode(const uint32_t reg[XID_LINK_REGISTERS]);
const char *xid_link_words(enum xid_link what);  /* the cause */
const char *xid_link_action(enum xid_link what); /* what to do */
const char *xid_link_bucket(enum xid_link what); /* the same as a bucket */

#endif
