/*
 * The counters of InfiniBand ports as totals that only grow.  PortCounters
 * stand still at their largest value until somebody resets them (IBTA vol. 1,
 * 16.1.3.5), 64-bit ones wrap, and OpenSM's PerfMgr or a person may reset them
 * at any time: we never do.  Pure: readings in, totals out.
 */
#ifndef MW_LIVE_FABRIC_COUNTERS_H
#define MW_LIVE_FABRIC_COUNTERS_H

#include "base/base.h"

/* X(enum, "name", bits in PortCounters)
 * In the order of PortCountersExtended's additional error counters as far as those have them. */
#define FABRIC_COUNTERS(X)                          \
    X(FABRIC_SYMBOL_ERRORS,   "symbol_errors",   16) \
    X(FABRIC_LINK_RECOVERIES, "link_recoveries",  8) \
    X(FABRIC_LINK_DOWNED,     "link_downed",      8) \
    X(FABRIC_RCV_ERRORS,      "rcv_errors",      16) \
    X(FABRIC_RCV_REMOTE,      "rcv_remote",      16) \
    X(FABRIC_RCV_RELAY,       "rcv_relay",       16) \
    X(FABRIC_XMIT_DISCARDS,   "xmit_discards",   16) \
    X(FABRIC_XMIT_CONSTRAINT, "xmit_constraint",  8) \
    X(FABRIC_RCV_CONSTRAINT,  "rcv_constraint",   8) \
    X(FABRIC_INTEGRITY,       "integrity",        4) \
    X(FABRIC_OVERRUNS,        "overruns",         4) \
    X(FABRIC_VL15_DROPPED,    "vl15_dropped",    16) \
    X(FABRIC_XMIT_WAIT,       "xmit_wait",       32) \
    X(FABRIC_XMIT_DATA,       "xmit_data",       32) /* words of four bytes */ \
    X(FABRIC_RCV_DATA,        "rcv_data",        32) \
    X(FABRIC_XMIT_PACKETS,    "xmit_packets",    32) \
    X(FABRIC_RCV_PACKETS,     "rcv_packets",     32)

enum fabric_counter {
#define X(e, name, bits) e,
    FABRIC_COUNTERS(X)
#undef X
    FABRIC_COUNTER_COUNT
};

/* One port as it was read. */
struct fabric_reading {
    uint64_t value[FABRIC_COUNTER_COUNT];
    uint32_t has;  /* bit: the port has this counter */
    uint32_t wide; /* bit: it was read with 64 bits */
};

struct fabric_totals {
    uint64_t total[FABRIC_COUNTER_COUNT]; /* starts with the first reading */
    uint64_t last[FABRIC_COUNTER_COUNT];
    uint32_t has, wide; /* of the last reading */
    uint32_t full;      /* bit: stands at its largest value: what is lost now nobody counts */
    uint32_t resets;    /* times that somebody reset a counter of the port */
};

/* Zeroed totals begin.  A smaller reading of a counter that was nearly full and wraps (64 bits, or
 * a 32-bit data counter of hardware that wraps) goes on; any other was reset, and counts from 0. */
void fabric_totals_add(struct fabric_totals *t, const struct fabric_reading *r);

uint64_t fabric_counter_most(uint32_t counter, bool wide); /* its largest value */
const char *fabric_counter_name(uint32_t counter);

#endif
