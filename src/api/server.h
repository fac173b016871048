/*
 * The API's server: HTTP/1.1 on a Unix socket (the control socket, 0600) and on a TCP address, TLS
 * when a certificate is given, on a thread of its own with one event base.  It owns the connections
 * and their limits, the replica (api/replica.h), who asks (api/access.h), the audit log and the
 * parts (api/parts.h); what is asked and answered is in api/routes.h.  It decides nothing.
 *
 * Limits, each with its answer: API_HEADER_MAX (431), API_BODY_MAX (413), API_CONNECTIONS_MAX
 * (503 and closed), a request not whole within API_SLOW_S of its first byte or an answer of which
 * nothing is taken for API_SLOW_S (dropped), API_IDLE_S without a request (closed), API_OUTPUT_MAX
 * bytes that wait for one client (dropped).
 */
#ifndef MW_API_SERVER_H
#define MW_API_SERVER_H

#include "api/asks.h"
#include "api/replica.h"

#define API_HEADER_MAX ((size_t)16 * 1024)
#define API_BODY_MAX ((size_t)64 * 1024)
#define API_CONNECTIONS_MAX 12000u /* chosen: 10,000 that idle, and room */
#define API_SLOW_S 10
#define API_IDLE_S 600             /* chosen: a console left open goes on by itself (its stream) */
#define API_OUTPUT_MAX ((size_t)64 * 1024 * 1024)

struct access;
struct api_server;
struct audit;
struct event_base;

struct api_server_options {
    const char *journal;     /* folder, followed */
    const uint8_t *rules;    /* hint, see replica.h; NULL = look */
    const char *socket;      /* Unix control socket; one that nobody listens on is replaced; NULL =
                                none */
    const char *listen;      /* "127.0.0.1:7378", "[::1]:0"; port 0 = a free one; NULL = none */
    const char *tls_cert, *tls_key; /* PEM files; NULL = without TLS, for loopback addresses only */
    const char *access_file; /* tokens (api/access.h); NULL = none */
    const char *oidc_file;   /* identity provider (api/oidc_config.h); NULL = none */
    const char *alerts_file; /* who is told of incidents (api/alerts_config.h); NULL = nobody */
    const char *scenario;    /* of this site, to ask the simulator with (POST /whatif): the replay's
                                own, or --whatif; NULL = none */
    struct asks *asks;       /* borrowed */
    /* Other limits than those above; 0 = those. */
    uint32_t connections_max;
    int64_t slow_ns, idle_ns;
    size_t output_max;
};

/* Binds, starts the thread.  MW_EBUSY: another daemon listens there.  MW_EEXIST: the socket's path
 * is a file.  MW_EINVAL: not an address, or a path too long.  MW_EDENIED: not loopback and no TLS;
 * not our folder.  MW_ENOTFOUND, MW_EIO, MW_ENOMEM. */
MW_MUST_USE int api_server_start(const struct api_server_options *o, struct api_server **ret,
                                 struct mw_error *err);
/* Ends the thread (answers that are on their way get a second), joins it, removes the socket. */
void api_server_stop(struct api_server *s); /* NULL is fine */

/* "http://127.0.0.1:7378/"; "" when it listens on the Unix socket only. */
const char *api_server_url(const struct api_server *s);
/* The one-time link that logs a browser in as admin: printed at start.  From any thread before
 * another call, as long as nobody has logged in: made at start.  MW_ENOTFOUND: no TCP address. */
MW_MUST_USE int api_server_link(struct api_server *s, char *ret, size_t size);

/* ---- for handlers and parts, on the server's thread ------------------------------------------ */

struct event_base *api_server_base(struct api_server *s);
struct access *api_server_access(struct api_server *s);
struct audit *api_server_audit(struct api_server *s);
struct asks *api_server_asks(struct api_server *s);
const struct api_server_options *api_server_options(const struct api_server *s);
struct replica *api_server_replica(struct api_server *s); /* NULL until the record has begun */
bool api_server_ready(const struct api_server *s);        /* the replica has caught up once */
void *api_server_part(struct api_server *s, uint32_t part); /* enum api_part; see parts.h */
/* Reads on in the record now, so that what was just committed shows in the next answer. */
void api_server_catch_up(struct api_server *s);

/* Counters, for /metrics and /api/v1/status. */
struct api_server_stats {
    uint64_t requests, answers[6]; /* answers[4] = 4xx; [0] = connections that ended unanswered */
    uint64_t connections_taken, connections_refused, dropped_slow, dropped_idle, dropped_full;
    uint32_t connections;
    uint64_t bytes_out;
    uint64_t replica_errors;
    int64_t started_ns; /* UTC */
};
struct api_server_stats api_server_stats(const struct api_server *s);

#endif
