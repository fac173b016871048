/* Between the files of remote write: the queue, and the making of a request out of it. */
#ifndef MW_LIVE_REMOTE_WRITE_PRIVATE_H
#define MW_LIVE_REMOTE_WRITE_PRIVATE_H

#include "base/map.h"
#include "live/remote_write.h"

#define REMOTE_NAME_MAX 64

struct remote_sample {
    uint32_t machine; /* of the hub */
    uint32_t instance;
    uint16_t metric;
    int64_t value;    /* whole steps */
    int64_t at_ms;
};

/* Names by (machine, scope, n); row 0 of a machine is its own.  Only grows; under the lock. */
struct remote_names {
    struct map by_key;
    char (*name)[REMOTE_NAME_MAX]; /* owned */
    uint32_t names, room;
    uint64_t left_out;
};

MW_MUST_USE int remote_names_init(struct remote_names *n);
void remote_names_fini(struct remote_names *n);
/* scope SCOPE_COUNT, n 0: the machine's own. */
void remote_names_put(struct remote_names *n, uint32_t machine, uint32_t scope, uint32_t of,
                      const char *name);
const char *remote_names_get(const struct remote_names *n, uint32_t machine, uint32_t scope,
                             uint32_t of); /* "" */

/* A WriteRequest of the samples, not yet compressed.  Gives *ret (mw_free). MW_ENOMEM. */
MW_MUST_USE int remote_request_make(const struct remote_names *n,
                                    const struct remote_sample *sample, uint32_t samples,
                                    uint8_t **ret, size_t *ret_size, struct mw_error *err);

#endif
