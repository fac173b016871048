/* A real slurmctld beside us, in the same run: bench/peer/slurm_cloud. */
#ifndef MW_BENCH_GANG_PEER_H
#define MW_BENCH_GANG_PEER_H

#include "measure.h"

struct gang_peer {
    double rate, p50_ms, p99_ms; /* of gangs one after the other, each answered */
    double rss_mib, start_s;
};

/* Starts one of so many nodes, lets it place `count` gangs of four, ends it.  False, with a note,
 * where it cannot be had: Slurm is not installed, or this does not run in the checkout. */
bool gang_peer_run(struct measure *m, uint32_t nodes, uint32_t count, struct gang_peer *ret);

#endif
