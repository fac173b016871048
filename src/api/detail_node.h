/*
 * One node whole: its row, holds with their reasons, GPUs, links, incidents, orders, checks, what
 * happened to it.  Made from the state and from the last events that the record has of it.
 */
#ifndef MW_API_DETAIL_NODE_H
#define MW_API_DETAIL_NODE_H

#include "api/call_view.h"

/* A new reference.  of->past has to be caught up.  Of what happened only what `who` may hear of
 * (about.h); who is confined to tenants gets no closed incidents: whom those hurt is not kept.
 * MW_ENOMEM; what reading fails with. */
MW_MUST_USE int detail_node(const struct api_view_of *of, uint32_t node,
                            const struct principal *who, json_t **ret, struct mw_error *err);

#define NODE_ETAG_MAX 24
/* What a command may be made to depend on (If-Match): health, holds, job, incident and advice of a
 * node.  Without quotes. */
void node_etag(const struct control *c, uint32_t node, char ret[NODE_ETAG_MAX]);

#endif
