/*
 * The part of the API that keeps history (store/history.h): listens to the replica, folds, commits
 * once a second.  Others read it here.
 */
#ifndef MW_API_FEEDS_H
#define MW_API_FEEDS_H

#include "api/projector.h"
#include "api/replica.h"
#include "api/server.h"

/* For replica_options.heard: opens history beside the record and says which event it is at, so that
 * the replica begins there or before.  ctx is the part. */
uint64_t feeds_heard(void *ctx, struct journal *j);

/* NULL until the record has begun, or where there is no memory for it. */
struct history_store *feeds_history(struct api_server *s);

/* The sums at a moment, between the two samples around it in proportion; after the last sample
 * between that and now.  False when nothing is known of so early a time. */
bool feeds_sums_at(struct history_store *h, const struct history_sample *now, int64_t time_ms,
                   struct history_sample *ret);

#endif
