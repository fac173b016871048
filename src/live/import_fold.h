/*
 * Names into patterns: gpu0000, gpu0001, … gpu0031 is gpu[0000-0031], and
 * k1-n1 … k2-n4 is k[1-2]-n[1-4].  A pattern stands for exactly the names given,
 * in their order (fleet/pattern.h: the last bracket turns fastest).  With each
 * name up to two others may go, its rack and its group: what repeats a number of
 * the name becomes {1}, so that one entry can say many racks.
 * For importers; text in, text out.
 */
#ifndef MW_LIVE_IMPORT_FOLD_H
#define MW_LIVE_IMPORT_FOLD_H

#include "base/error.h"
#include "base/text.h"

#define FOLD_NAME_MAX 96    /* bytes with the ending, of a name and of a pattern */
#define FOLD_FOLLOWERS 2

struct fold; /* opaque: what was added and not given yet */

/* A pattern that stands for `count` names from the first-th added on (since fold_begin); follower:
 * their texts, "" where none was given. */
struct fold_entry {
    const char *pattern;
    const char *follower[FOLD_FOLLOWERS];
    uint32_t first, count;
};
typedef int fold_fn(void *ctx, const struct fold_entry *e, struct mw_error *err);

MW_MUST_USE int fold_create(struct fold **ret, struct mw_error *err); /* MW_ENOMEM */
void fold_destroy(struct fold *f); /* NULL is fine */

/* Starts anew. */
void fold_begin(struct fold *f);
/* Adds a name; followers may be NULL.  MW_ENOMEM; MW_ELIMIT: longer than FOLD_NAME_MAX. */
MW_MUST_USE int fold_add(struct fold *f, const char *name, const char *const *follower,
                         struct mw_error *err);
/* Gives every pattern, in order; stops at and returns what fn fails with. */
MW_MUST_USE int fold_end(struct fold *f, fold_fn *fn, void *ctx, struct mw_error *err);

#endif
