/*
 * One round over an InfiniBand fabric: libibnetdisc finds it, and the counters
 * of its ports are read with many requests under way at once (libibumad).
 * Reads only: no counter is reset, nothing is set.  Part of mw-fabric, never of
 * the daemon: these libraries may print, exit or hang.
 */
#ifndef MW_GATHER_FABRIC_SWEEP_H
#define MW_GATHER_FABRIC_SWEEP_H

#include "live/fabric_line.h"

struct fabric_sweep_options {
    const char *ca; /* "mlx5_0"; NULL: the first whose port is up */
    int port;       /* 0: its first that is up */
    int timeout_ms; /* of one request */
    bool counters, hosts; /* read counters; also those of host adapters */
};

struct fabric_sweep;

/* MW_ENOTFOUND: there is no adapter, or no such one.  MW_ENOMEM. */
MW_MUST_USE int fabric_sweep_open(const struct fabric_sweep_options *o, struct fabric_sweep **ret,
                                  struct mw_error *err);
void fabric_sweep_close(struct fabric_sweep *s); /* NULL is fine */

/* Fills ret, which fabric_round_clear() has cleared.  MW_EUNREACHABLE: nothing could be found. */
MW_MUST_USE int fabric_sweep_round(struct fabric_sweep *s, const struct fabric_sweep_options *o,
                                   struct fabric_round *ret, struct mw_error *err);

#endif
