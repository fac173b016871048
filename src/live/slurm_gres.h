/*
 * Slurm's records of a node: `Name=value` words, and the GPUs that Gres and
 * CfgTRES name.  Text in, numbers out.
 */
#ifndef MW_LIVE_SLURM_GRES_H
#define MW_LIVE_SLURM_GRES_H

#include "base/base.h"

#define SLURM_TYPES_MAX 96

/* A word's value up to the next blank, in a record of `size` bytes; name is with its "=".  Only the
 * first word of a name counts: free text (Comment, Reason) comes last.  False: it is not there. */
bool slurm_field(const char *record, size_t size, const char *name, const char **ret,
                 size_t *ret_size);

struct slurm_gpus {
    char types[SLURM_TYPES_MAX]; /* "h100", "a100-2-t4"; "" = Slurm has no type */
    uint32_t count;
};

/* By Gres, or where that names none, by CfgTRES. */
struct slurm_gpus slurm_gpus_of(const char *record, size_t size);

#endif
