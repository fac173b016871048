/*
 * Gangs over HTTP on loopback with durable commits: what the daemon does with a
 * command (libevent's HTTP server, JSON by jansson, the core, the SQLite
 * journal), with a job in its place.  A request is answered with the gang's
 * nodes once its commit is on the disk; requests that are there at the same
 * time share a commit.  The clients are another process.
 */
#ifndef MW_BENCH_GANG_HTTP_H
#define MW_BENCH_GANG_HTTP_H

#include "gang_stand.h"

/* `count` gangs of four nodes from so many clients, each waiting for its answer before it asks
 * again; for each one that runs ends.  Gives wall seconds; what each client waited goes into t. */
double gang_http_run(struct gang_stand *s, uint32_t clients, uint32_t count,
                     struct gang_times *t);

#endif
