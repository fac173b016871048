/*
 * Bandwidth between two nodes: one end that serves one measurement and ends, and
 * one that sends.  TCP by ourselves; RDMA by perftest's ib_write_bw where it is
 * installed.  `mw bench pairs` starts both ends.
 *
 * The serving end takes only who shows the key, which is made anew for each
 * measurement, and never lives longer than its time.  The exchange: the client
 * opens `streams` connections and writes on each 32 bytes: the key, filled with
 * zeroes; then data until its time is over, and shuts its side down; the server
 * answers on each "BYTES NANOSECONDS\n", from the first byte of that connection
 * to the last.
 */
#ifndef MW_AGENT_CHECK_NET_H
#define MW_AGENT_CHECK_NET_H

#include "base/error.h"

#define NET_KEY_MAX 32
#define NET_STREAMS_MAX 16

struct net_pair {
    const char *address;   /* serve: bound to, "" = all; connect: the host */
    const char *port;      /* serve: "0" = any that is free */
    const char *key;       /* 8 to 31 characters */
    const char *rdma;      /* the card, "mlx5_0"; NULL = TCP */
    int64_t length_ms;     /* of the sending; the server lives 10 s longer */
    uint32_t streams;      /* 1 to NET_STREAMS_MAX; RDMA has one */
};

/* Serves one measurement: prints {"port":N} on stdout, then waits.  MW_ETIMEOUT: nobody came. */
MW_MUST_USE int net_serve(const struct net_pair *p, struct mw_error *err);
/* Sends; *ret_gbps: 10^9 bits per second as the other end counted them. */
MW_MUST_USE int net_connect(const struct net_pair *p, double *ret_gbps, struct mw_error *err);

#endif
