/*
 * Many node names as one word, in the form that Slurm reads and writes:
 * "n[1-4,7],login1" (sbatch --exclude, scontrol, sinfo).  Brackets hold the
 * last number of a name; zero-padding is kept ("n[08-11]").  Pure text work.
 */
#ifndef MW_FLEET_HOSTLIST_H
#define MW_FLEET_HOSTLIST_H

#include "base/text.h"
#include "fleet/fleet.h"

#define HOSTLIST_NAME_MAX 256      /* bytes of one name, ending included */
#define HOSTLIST_COUNT_MAX 1000000 /* names of one list when it is read */

/* Appends the list; each name once, in the order of names and numbers.  A name that
 * holds a comma or bracket itself is written as it is and cannot be read back.  MW_ENOMEM. */
MW_MUST_USE int hostlist_add(struct text *t, const char *const *name, uint32_t names);

/* The same for nodes of a fleet, in any order. */
MW_MUST_USE int hostlist_add_nodes(struct text *t, const struct fleet *f, const uint32_t *node,
                                   uint32_t nodes);

/* Calls each for every name of a list, in its order; non-zero stops and is passed through.
 * MW_EINVAL names the place; MW_ELIMIT past HOSTLIST_COUNT_MAX. */
typedef int hostlist_each_fn(void *ctx, const char *name);
MW_MUST_USE int hostlist_each(const char *list, hostlist_each_fn *each, void *ctx,
                              struct mw_error *err);

#endif
