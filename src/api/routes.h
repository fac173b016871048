/*
 * The one table of what the API answers.  From it come the router, the check of permissions and the
 * OpenAPI document; a row without a permission does not compile.
 *
 * A handler gets a whole request that was permitted and fills an answer; it knows nothing of
 * sockets.  What every answer needs is done around it: ETag and 304, If-Match and 412, replayed
 * idempotency keys, gzip, problem documents, HEAD, audit of writes.
 */
#ifndef MW_API_ROUTES_H
#define MW_API_ROUTES_H

#include <jansson.h>

#include "api/access.h"
#include "api/server.h"

struct evbuffer;

/*
 * X(METHOD, path, permission, operation id, handler, schema of the answer, schema of the body or
 *   NULL, what it says)
 * One name in {} stands for one segment of the path and becomes call->arg[] in its order.
 */
#define API_ROUTES(X)                                                                             \
    /* ---- the daemon itself */                                                                  \
    X(GET, "/healthz", PERM_PUBLIC, "getHealth", api_get_health, "Health", NULL,                  \
      "200 while what is heard is recorded, else 503")                                            \
    X(GET, "/livez", PERM_PUBLIC, "getLive", api_get_live, "Health", NULL,                        \
      "200 while the server answers")                                                             \
    X(GET, "/readyz", PERM_PUBLIC, "getReady", api_get_ready, "Health", NULL,                     \
      "503 until the record was read once to its end")                                            \
    X(GET, "/version", PERM_PUBLIC, "getVersion", api_get_version, "Version", NULL,               \
      "program and version")                                                                      \
    X(GET, "/metrics", PERM_METRICS, "getMetrics", api_get_metrics, NULL, NULL,                   \
      "OpenMetrics text")                                                                         \
    X(GET, "/", PERM_PUBLIC, "getConsole", api_get_asset, NULL, NULL, "the console")              \
    X(GET, "/assets/{name}", PERM_PUBLIC, "getAsset", api_get_asset, NULL, NULL,                  \
      "a file of the console")                                                                    \
    X(GET, "/api/v1/status", PERM_READ, "getStatus", api_get_status, "Status", NULL,              \
      "the daemon: mode, worlds, record, what waits")                                             \
    /* ---- access: who asks, logins, tokens, the audit log */                                    \
    X(GET, "/api/v1/login", PERM_PUBLIC, "getLogin", api_get_login, "Login", NULL,                \
      "how one can log in")                                                                       \
    X(GET, "/api/v1/session", PERM_SESSION, "getSession", api_get_session, "Session", NULL,       \
      "who asks, and what that may")                                                              \
    X(POST, "/api/v1/session", PERM_PUBLIC, "postSession", api_post_session, "Session", "Code",   \
      "log in with the code of a one-time link")                                                  \
    X(DELETE, "/api/v1/session", PERM_SESSION, "deleteSession", api_delete_session, "Done", NULL, \
      "log out")                                                                                  \
    X(POST, "/api/v1/session/link", PERM_ADMIN, "postLink", api_post_link, "Link", NULL,          \
      "a new one-time link")                                                                      \
    X(POST, "/api/v1/login/device", PERM_PUBLIC, "postLoginDevice", api_post_login_device,        \
      "LoginDevice", NULL, "begin a terminal's login (RFC 8628)")                                 \
    X(POST, "/api/v1/login/device/token", PERM_PUBLIC, "postLoginDeviceToken",                    \
      api_post_login_device_token, "LoginToken", "LoginDeviceAsk", "end a terminal's login")      \
    X(GET, "/login/oidc", PERM_PUBLIC, "getLoginOidc", api_get_login_oidc, NULL, NULL,            \
      "send a browser to the identity provider; ?to=/place")                                      \
    X(GET, "/login/oidc/return", PERM_PUBLIC, "getLoginReturn", api_get_login_return, NULL, NULL, \
      "where the identity provider sends it back")                                                \
    X(GET, "/api/v1/tokens", PERM_ADMIN, "listTokens", api_get_tokens, "TokenList", NULL,         \
      "tokens and sessions")                                                                      \
    X(POST, "/api/v1/tokens", PERM_ADMIN, "postToken", api_post_token, "TokenMade", "TokenGrant", \
      "a new token, shown once")                                                                  \
    X(DELETE, "/api/v1/tokens/{id}", PERM_ADMIN, "deleteToken", api_delete_token, "Done", NULL,   \
      "revoke a token, end a session")                                                            \
    X(GET, "/api/v1/audit", PERM_AUDIT, "listAudit", api_get_audit, "AuditList", NULL,            \
      "who did what, newest first; ?who, ?route, ?status, ?done, ?limit, ?cursor")                \
    /* ---- feeds: streams, the home page, series, the map, what-if: feed_*.c, stream.c */         \
    X(GET, "/api/v1/stream", PERM_READ, "getStream", api_get_stream, NULL, NULL,                  \
      "server-sent events of what is recorded; ?after, ?kind, resumes by Last-Event-ID")          \
    X(GET, "/api/v1/summary", PERM_READ, "getSummary", api_get_summary, "Summary", NULL,          \
      "the home page: figures of now and today, jobs at risk; ?since tells what changed")         \
    X(GET, "/api/v1/series", PERM_READ, "getSeries", api_get_series, "Series", NULL,              \
      "figures over time; ?names, ?from, ?to, ?points")                                           \
    X(GET, "/api/v1/topology", PERM_READ, "getTopology", api_get_topology, "Topology", NULL,      \
      "placement groups with their jobs, what is left of them, switches and their links")         \
    X(GET, "/api/v1/fleet/layout", PERM_READ, "getFleetLayout", api_get_layout, "FleetLayout",    \
      NULL, "halls, rows, racks, nodes in the order of the heat map")                             \
    X(GET, "/api/v1/fleet/heat", PERM_READ, "getFleetHeat", api_get_heat, NULL, NULL,             \
      "a byte a GPU in the order of the layout; ?metric=state|incident|job|tenant|age|risk, ?at") \
    X(POST, "/api/v1/whatif", PERM_REPLAY, "postWhatIf", api_post_whatif, "OperationBegun",       \
      "WhatIf", "the simulator is asked: other spares, crews, checkpoints, failure rates")        \
    X(GET, "/api/v1/operations/{id}", PERM_READ, "getOperation", api_get_operation, "Operation",  \
      NULL, "how far what takes a while is, and its result")                                      \
    X(DELETE, "/api/v1/operations/{id}", PERM_REPLAY, "deleteOperation", api_delete_operation,    \
      NULL, NULL, "stops it, or forgets its result")                                              \
    /* ---- a replay's time */                                                                    \
    X(GET, "/api/v1/replay", PERM_READ, "getReplay", api_get_replay, "Replay", NULL,              \
      "where a replay is and how fast it goes; replaying: false on a live site")                  \
    X(POST, "/api/v1/replay", PERM_REPLAY, "postReplay", api_post_replay, "Replay",               \
      "ReplayWish", "speed, pause, go on to the next incident or a time")                         \
    /* ---- commands */                                                                           \
    X(POST, "/api/v1/commands", PERM_SESSION, "postCommand", api_post_command, "Recorded",        \
      "Command", "a person's command becomes a fact")                                             \
    /* ---- lists: api/resource.h */                                                              \
    X(GET, "/api/v1/nodes", PERM_READ, "listNodes", api_get_list, "NodeList", NULL,               \
      "nodes: health, job, incident, what they lost")                                             \
    X(GET, "/api/v1/nodes/{name}", PERM_READ, "getNode", api_get_node, "NodeDetail", NULL,        \
      "one node: holds, GPUs, links, incidents, orders, checks, history")                         \
    X(GET, "/api/v1/gpus", PERM_READ, "listGpus", api_get_list, "GpuList", NULL,                  \
      "GPUs: state, part, job")                                                                   \
    X(GET, "/api/v1/links", PERM_READ, "listLinks", api_get_list, "FabricLinkList", NULL,         \
      "cables: their ends, optics and state")                                                     \
    X(GET, "/api/v1/links/{name}", PERM_READ, "getLink", api_get_link, "LinkDetail", NULL,        \
      "one link: its ends, the light and errors that each end reads, what that says")             \
    /* ---- machines: what agents and gatherers say, measured */                                  \
    X(GET, "/api/v1/machines", PERM_READ, "listMachines", api_get_machines, "MachineList", NULL,  \
      "machines that speak for themselves; ?name, ?after, ?limit")                                \
    X(GET, "/api/v1/machines/{name}", PERM_READ, "getMachine", api_get_machine, "MachineDetail",  \
      NULL, "one machine: readings, parts, sources, last checks, what is not as it should be")    \
    X(GET, "/api/v1/machines/{name}/series", PERM_READ, "getMachineSeries",                       \
      api_get_machine_series, "MachineSeries", NULL,                                              \
      "its readings over time; ?metrics, ?back_s, ?points")                                       \
    X(POST, "/api/v1/machines/{name}/rate", PERM_OPERATE, "postMachineRate",                      \
      api_post_machine_rate, "Done", "MachineRate", "readings more often, for a while")           \
    X(GET, "/api/v1/jobs", PERM_READ, "listJobs", api_get_list, "JobList", NULL,                  \
      "jobs that wait or run; ?all with those that are over")                                     \
    X(GET, "/api/v1/jobs/{id}", PERM_READ, "getJob", api_get_job, "JobDetail", NULL,              \
      "one job: its story, attempts, incidents, cost")                                            \
    X(GET, "/api/v1/queue", PERM_READ, "listQueue", api_get_list, "QueuedJobList", NULL,          \
      "jobs that wait, in their order, and why")                                                  \
    X(GET, "/api/v1/incidents", PERM_READ, "listIncidents", api_get_list, "IncidentList", NULL,   \
      "open incidents, what costs most first; ?all, ?closed")                                     \
    X(GET, "/api/v1/incidents/{id}", PERM_READ, "getIncident",                                    \
      api_get_incident, "IncidentDetail", NULL,                                                   \
      "one incident: evidence, causes, steps with their sums, whom it hurts")                     \
    X(GET, "/api/v1/orders", PERM_READ, "listOrders", api_get_list, "OrderList", NULL,            \
      "open work orders and actions, stuck ones first")                                           \
    X(GET, "/api/v1/parts", PERM_READ, "listParts", api_get_list, "PartList", NULL,               \
      "parts in the store and on their way")                                                      \
    X(GET, "/api/v1/odds", PERM_READ, "listOdds", api_get_list, "OddsList", NULL,                 \
      "how often each step cures")                                                                \
    X(GET, "/api/v1/lemons", PERM_READ, "listLemons", api_get_list, "LemonList", NULL,            \
      "nodes that fail more often than others; ?all")                                             \
    X(GET, "/api/v1/spares", PERM_READ, "listSpares", api_get_list, "SpareList", NULL,            \
      "nodes kept for restarts, and why so many")                                                 \
    X(GET, "/api/v1/budget", PERM_READ, "listBudget", api_get_list, "HallBudgetList", NULL,       \
      "what automation took, and may take")                                                       \
    X(GET, "/api/v1/windows", PERM_READ, "listWindows", api_get_list, "WindowList", NULL,         \
      "maintenance, planned and on")                                                              \
    X(GET, "/api/v1/halls", PERM_READ, "listHalls", api_get_list, "HallList", NULL,               \
      "halls: nodes, mode, budget, power")                                                        \
    X(GET, "/api/v1/tenants", PERM_READ, "listTenants", api_get_list, "TenantList", NULL,         \
      "tenants with jobs or a quota")                                                             \
    X(GET, "/api/v1/sites", PERM_READ, "listSites", api_get_list, "SiteList", NULL,               \
      "the site")                                                                                 \
    /* ---- the record, in words */                                                               \
    X(GET, "/api/v1/events", PERM_READ, "listEvents", api_get_events, "EventList", NULL,          \
      "recorded events as sentences; ?after, ?before, ?kind, ?about")                             \
    X(GET, "/api/v1/events/{seq}", PERM_READ, "getEvent", api_get_event, "Event", NULL,           \
      "one event with every field")                                                               \
    X(GET, "/api/v1/shadow", PERM_READ, "getShadow", api_get_shadow, "Shadow", NULL,              \
      "our withdrawals of nodes beside the team's")                                               \
    X(GET, "/api/v1/definitions", PERM_SESSION, "getDefinitions",                                 \
      api_get_definitions, "DefinitionList", NULL,                                                \
      "what every number means, how it is made, what it rests on")                                \
    X(GET, "/openapi.json", PERM_PUBLIC, "getOpenapi", api_get_openapi, NULL, NULL,               \
      "this description")

enum api_method {
    API_GET = 1 << 0,
    API_POST = 1 << 1,
    API_PUT = 1 << 2,
    API_DELETE = 1 << 3,
    API_PATCH = 1 << 4
};

#define API_ARGS_MAX 4
#define API_ARG_MAX 256 /* bytes of one, decoded, with the ending; longer: 404 */

struct api_route;

/* One request, borrowed until the handler returns. */
struct api_call {
    struct api_server *server;
    struct replica *replica;     /* NULL is possible where the permission is PUBLIC, SESSION, ADMIN,
                                    AUDIT or METRICS: the record may not have begun; else never */
    const struct principal *who; /* never NULL; a zeroed one (nobody) only where PERM_PUBLIC */
    const struct api_route *route;
    const char *path;            /* as asked, without the query */
    const char *arg[API_ARGS_MAX]; /* what stood for {…}, percent-decoded; NULL past the last */
    const char *query;           /* raw, NULL without: use api_query_get() */
    const char *body;            /* '\0'-ended; "" without */
    size_t size;
    bool head;                   /* HEAD: the answer's body is not sent */
    bool over_unix, over_tls;
    char peer[64];               /* "127.0.0.1", "unix" */
    /* Headers; NULL without. */
    const char *content_type, *accept, *accept_encoding, *if_match, *if_none_match,
        *idempotency_key, *last_event_id, *host, *origin, *cookie, *authorization, *user_agent,
        *forwarded_proto;
    char session[ACCESS_WORD_MAX]; /* value of the session's cookie; "" without */
    char trace_id[33];           /* 32 hex digits: of `traceparent`, or drawn */
    char audit[256];             /* what a write is about, in a few words: set by its handler, for
                                    the audit log; never a secret */
    void *of_server;             /* not for handlers */
};

#define API_HEADERS_ADDED_MAX 8

/* Zeroed but status 200 when a handler gets it. */
struct api_answer {
    int status;
    const char *type;     /* NULL = application/json */
    json_t *json;         /* taken; or: */
    struct evbuffer *raw; /* taken */
    bool gzipped;         /* raw is gzip already */
    bool cacheable;       /* keep the Cache-Control in `header`; else "no-store" (with an ETag:
                             "no-cache") */
    char etag[40];        /* without quotes; "" none */
    bool later;           /* the handler keeps api_later(call) and answers by api_later_send() */
    struct {              /* copied when sent: names are literals */
        const char *name;
        char value[1024];
    } header[API_HEADERS_ADDED_MAX];
    uint32_t headers;
    /* For the audit log, of writes: what was recorded; words beside call->audit. */
    uint64_t seq;
    char detail[256];
    bool unaudited; /* a write that the handler has written down itself, or that changed nothing */
    bool secret;    /* never kept for an Idempotency-Key */
    /* Of a problem, beside err: "" = made from the code. */
    char hint[256], field[64];
};
void api_answer_fini(struct api_answer *a); /* drops what nobody took */
void api_answer_header(struct api_answer *a, const char *name, const char *fmt, ...)
    MW_PRINTF(3, 4);

/* 0, or negative: a problem document is made of err, with ret->status when that is not 200, else
 * with the status that the code stands for (api_http_status; where there is no body to blame,
 * MW_ENOTFOUND is 404 and MW_EINVAL 400). */
typedef int api_handler_fn(struct api_call *call, struct api_answer *ret, struct mw_error *err);

struct api_route {
    const char *path;
    enum api_method method;
    enum permission permission;
    const char *id; /* operation id */
    api_handler_fn *handler;
    const char *schema, *body_schema, *doc;
};
extern const struct api_route api_routes[];
extern const uint32_t api_routes_count;

#define X(method, path, permission, id, handler, schema, body, doc) api_handler_fn handler;
API_ROUTES(X)
#undef X

/* The route of a path (percent-encoded, as asked); NULL with *ret_allowed telling the methods that
 * this path has (0: no such path).  arg: room for what stands for {…}, decoded. */
const struct api_route *api_route_find(const char *path, enum api_method method,
                                       uint32_t *ret_allowed,
                                       char arg[API_ARGS_MAX][API_ARG_MAX]);

/* ---- what handlers use ----------------------------------------------------------------------- */

/* The value of a key of the query, percent-decoded and '+' as a space, in buf; "" when it has none
 * ("?all"); NULL when it is absent, or does not fit. */
const char *api_query_get(const struct api_call *c, const char *key, char *buf, size_t size);
/* "?all", "?all=1", "?all=true", "?all=yes" */
bool api_query_flag(const struct api_call *c, const char *key);
/* Leaves *ret as it is when the key is absent.  MW_EINVAL names the key. */
MW_MUST_USE int api_query_u64(const struct api_call *c, const char *key, uint64_t max,
                              uint64_t *ret, struct mw_error *err);

/* Is any of the quoted tags of an If-Match or If-None-Match header `etag`, or is it "*"? */
bool api_etag_in(const char *header, const char *etag);

/* An answer that comes later: the call stays as long as the handle.  `gone` (may be NULL)
 * is called when the client has left before the end: the handle is then freed, use it no more. */
struct api_later;
struct api_later *api_later(struct api_call *call, void (*gone)(void *ctx), void *ctx);
/* The call, which lives as long as the handle. */
const struct api_call *api_later_call(const struct api_later *l);
/* Takes the answer: the end; the handle is freed. */
void api_later_send(struct api_later *l, struct api_answer *a);
/* The same for a failure. */
void api_later_fail(struct api_later *l, int status, const struct mw_error *err);
/* An answer without an end (event streams): status and headers now, then chunks, then the end.
 * Never gzipped.  A chunk is taken (drained from b). */
void api_later_begin(struct api_later *l, struct api_answer *head);
void api_later_chunk(struct api_later *l, struct evbuffer *b);
size_t api_later_waiting(const struct api_later *l); /* bytes that the client has not taken yet */
void api_later_end(struct api_later *l);             /* the handle is freed */

/* 409 for MW_ECONFLICT … */
int api_http_status(int code);
/* "Conflict" */
const char *api_http_title(int status);
/* RFC 9457: type, title, status, detail, code, and hint, field, trace_id where they are known. */
json_t *api_problem(int status, const struct mw_error *err, const struct api_answer *a,
                    const char *trace_id);

#endif
