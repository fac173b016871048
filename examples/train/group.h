/*
 * The ranks of a run and their sums.  2^k ranks are joined as a hypercube: rank r
 * holds a connection to r ^ 1, r ^ 2, r ^ 4 …; a sum takes k exchanges, in each
 * of which both partners add the same two halves.  That is one fixed binary tree
 * over the ranks: every rank gets the same bits, whatever the timing.
 *
 * They find each other through rank 0, whose address is in a file of a shared
 * folder or known beforehand.  A handshake carries the run's key, so that ranks
 * of an earlier attempt that still live are never mistaken for ours; it guards
 * against mistakes, not against an attacker: use a private network.
 *
 * Nothing waits for ever: an ended or silent peer is END_PEER.
 */
#ifndef TRAIN_GROUP_H
#define TRAIN_GROUP_H

#include <stddef.h>
#include <stdint.h>

#include "problem.h"

enum { GROUP_BITS = 4, GROUP_RANKS = 1 << GROUP_BITS };

struct group_options {
    int rank, ranks;    /* ranks: a power of two up to GROUP_RANKS */
    const char *key;    /* of this attempt */
    const char *folder; /* shared: rank 0 writes its address there; or NULL and: */
    const char *master; /* "HOST:PORT" of rank 0 */
    const char *host;   /* the name or address at which this rank is reached */
    int join_ms, silence_ms;
};

struct group {
    int rank, ranks, bits;
    int fd[GROUP_BITS]; /* to rank ^ (1 << i) */
    int silence_ms;
};

/* 0, END_USAGE or END_PEER. */
int group_join(struct group *g, const struct group_options *o, struct problem *p);
void group_leave(struct group *g);

/* v becomes the sum over ranks.  `state` is a checksum of what must be the same on all ranks
 * before step `step`: END_DIVERGED when it is not. */
int group_sum(struct group *g, float *v, size_t n, uint64_t step, uint32_t state,
              struct problem *p);
/* All ranks get rank 0's data. */
int group_broadcast(struct group *g, void *data, size_t size, struct problem *p);
/* Waits, but no longer than a peer lives. */
int group_wait(struct group *g, int ms, struct problem *p);

#endif
