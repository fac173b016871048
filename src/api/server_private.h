/* What the files of the server share.  Internal to it. */
#ifndef MW_API_SERVER_PRIVATE_H
#define MW_API_SERVER_PRIVATE_H

#include "api/connections.h"
#include "api/idempotency.h"
#include "api/server.h"

struct idempotency *server_idempotency(struct api_server *s);
struct connections *server_connections(struct api_server *s);
int64_t server_now_ns(const struct api_server *s); /* UTC */
/* Events of the record that the replica still has to read before it has caught up once. */
uint64_t server_behind(const struct api_server *s);
/* Why the record, which has begun, cannot be read on now; NULL = it can. */
const char *server_trouble(const struct api_server *s);
/* The audit log took nothing: until it does again, nothing is changed over the API. */
void server_audit_failed(struct api_server *s, const struct mw_error *err);
/* True while that lasts, with why in err. */
bool server_audit_trouble(struct api_server *s, struct mw_error *err);
/* What the writer last said of its health: strangers who ask often do not reach it. */
struct server_health {
    int64_t heard_ns; /* UTC; 0 = never */
    bool good;
    char why[256];    /* "" when good */
};
struct server_health *server_health(struct api_server *s);

void server_count_request(struct api_server *s);
void server_count_answer(struct api_server *s, int status);

#endif
