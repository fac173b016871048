/*
 * Checkpoints: folder/checkpoint-STEP.bin, the last two kept.  Each has a
 * checksum of all of it; one that is torn, damaged, of another version or whose
 * loss curve is not there is refused, and the one before is taken.
 */
#ifndef TRAIN_CHECKPOINT_H
#define TRAIN_CHECKPOINT_H

#include "curve.h"
#include "net.h"

/* What must be the same for a run to be the same run. */
struct recipe {
    uint64_t seed, steps;
    uint32_t batch, shards;
    float rate, momentum;
};

struct checkpoint {
    struct recipe recipe;
    uint64_t step; /* steps done */
    uint64_t curve_bytes;
    uint32_t curve_crc, unused;
};

int checkpoint_save(const char *folder, const struct checkpoint *c, const struct net *n,
                    struct problem *p);
/* The newest whole one; ret->step is 0 and the net as it was when there is none.  What is refused
 * is said on standard error.  END_USAGE: a whole one is of another recipe. */
int checkpoint_load(const char *folder, const struct recipe *r, const struct curve *curve,
                    struct checkpoint *ret, struct net *n, struct problem *p);

#endif
