/*
 * Parts of the API that keep something of their own beside the replica: the hub of event streams,
 * series, alerts, operations.  The server makes each at its start and ends it at its end, on its
 * thread.  A row of the table is all that a part needs.
 *
 *   X(enum, prefix): the functions are prefix_part_create, prefix_part_begin, prefix_part_destroy.
 */
#ifndef MW_API_PARTS_H
#define MW_API_PARTS_H

#include "api/server.h"

#define API_PARTS(X)                                                       \
    X(PART_FEEDS, feeds)           /* history beside the record: feeds.h */ \
    X(PART_STREAM, stream)         /* event streams: stream.h */            \
    X(PART_OPERATIONS, operations) /* what takes a while: operations.h */   \
    X(PART_PAST, past)             /* what has left the state: past.h */ \
    X(PART_ALERTS, alerts)         /* others are told of incidents: alerts.h */ \
    X(PART_LOGIN, login)           /* identity provider: oidc.h */

enum api_part {
#define X(name, prefix) name,
    API_PARTS(X)
#undef X
    API_PART_COUNT
};

/* Makes the part: api_server_base() and api_server_asks() are there, the replica not yet. */
typedef int api_part_create_fn(struct api_server *s, void **ret, struct mw_error *err);
/* The replica is there and has read nothing yet: replica_listen() now. */
typedef void api_part_begin_fn(void *part, struct replica *r);
typedef void api_part_destroy_fn(void *part); /* NULL is fine */

#define X(name, prefix)                           \
    api_part_create_fn prefix##_part_create;      \
    api_part_begin_fn prefix##_part_begin;        \
    api_part_destroy_fn prefix##_part_destroy;
API_PARTS(X)
#undef X

#endif
