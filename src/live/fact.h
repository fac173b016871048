/*
 * How adapters of the live world hand their facts in: one at a time, taken or
 * refused before the call returns, so that the next fact can be made from the
 * state that holds the last.  Facts are durable only after the commit that
 * whoever drives the adapters makes when they have returned.
 */
#ifndef MW_LIVE_FACT_H
#define MW_LIVE_FACT_H

#include "core/plane.h"

/* kind, source, observed_ns, cause, actor, tenant, tail_size and body are filled; source_seq is 0:
 * live facts are level-triggered, made by comparing what is seen with the state, and a fact that
 * was in already is ADMIT_DUPLICATE or ADMIT_STALE. */
typedef enum admit live_fact_fn(void *ctx, const struct event *fact, const void *tail);

struct live_facts {
    live_fact_fn *submit;
    void *ctx;
};

#endif
