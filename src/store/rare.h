/*
 * Switches that take an unlikely path on purpose, for tests and simulation,
 * passed by context: a full disk at the k-th write without a full disk.
 */
#ifndef MW_STORE_RARE_H
#define MW_STORE_RARE_H

#include "base/base.h"

/* True = behave as if the disk were full at this site ("head.write", "snapshot.write" …). */
typedef bool store_rare_fn(void *ctx, const char *site);

struct store_rare {
    store_rare_fn *fn; /* NULL = never */
    void *ctx;
};

static inline bool store_rare(const struct store_rare *r, const char *site)
{
    return r->fn != NULL && r->fn(r->ctx, site);
}

#endif
