/* What a rank was told: options first, then Slurm's environment, then defaults. */
#ifndef TRAIN_SETTINGS_H
#define TRAIN_SETTINGS_H

#include "checkpoint.h"
#include "group.h"

enum { SHARDS = GROUP_RANKS }; /* parts of a batch; their sums are the leaves of one tree */

struct settings {
    struct recipe recipe;
    struct group_options group;
    char key[64], master[128], host[128], node[64], job[32];
    const char *dir; /* checkpoints, curve, lock, phases; shared by all ranks */
    uint32_t restart;
    uint64_t stop_at; /* 0 = never */
    uint32_t every;  /* steps between checkpoints */
    int pace_ms;     /* a step takes at least so long */
    int exit_on_term;
};

/* 0; END_USAGE; -1 when help was printed. */
int settings_read(int argc, char **argv, struct settings *ret, struct problem *p);

#endif
