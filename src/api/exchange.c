/*
 * The first half of an exchange: from libevent's request to a call that was
 * permitted, and the handles of answers that come later.  See exchange.h.
 */
#include "api/exchange.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/util.h>

#include "api/audit.h"
#include "api/headers.h"
#include "api/server_private.h"
#include "base/mem.h"

/* ---- ends ------------------------------------------------------------------------------------ */

void exchange_end(struct api_later *x)
{
    if (x->once != 0)
        idempotency_forget(server_idempotency(x->call.server), x->once);
    if (x->connection != NULL)
        connection_answered(x->connection);
    mw_free(x->body);
    mw_free(x);
}

/* The client has left while its answer was still to come. */
static void on_closed(struct evhttp_connection *c, void *ctx)
{
    struct api_later *x = ctx;
    (void)c;
    /* What HTTP does not hold any more is ours to free. */
    if (x->http != NULL && evhttp_request_get_connection(x->http) == NULL)
        evhttp_request_free(x->http);
    x->http = NULL;
    x->connection = NULL;
    if (x->gone != NULL)
        x->gone(x->gone_ctx);
    server_count_answer(x->call.server, 0);
    exchange_end(x);
}

static void watch_close(struct api_later *x, bool on)
{
    struct evhttp_connection *c = x->http ? evhttp_request_get_connection(x->http) : NULL;
    if (c != NULL)
        evhttp_connection_set_closecb(c, on ? on_closed : NULL, on ? x : NULL);
}

/* ---- answers that come later ----------------------------------------------------------------- */

struct api_later *api_later(struct api_call *call, void (*gone)(void *ctx), void *ctx)
{
    struct api_later *x = call->of_server;
    must(x != NULL && !x->kept);
    x->kept = true;
    x->gone = gone;
    x->gone_ctx = ctx;
    watch_close(x, true);
    return x;
}

const struct api_call *api_later_call(const struct api_later *x)
{
    return &x->call;
}

static void audit_write(struct api_later *x, const struct api_answer *a);

void api_later_send(struct api_later *x, struct api_answer *a)
{
    must(x->kept && !x->begun);
    watch_close(x, false);
    if (a->status == 0)
        a->status = 200;
    audit_write(x, a);
    exchange_answer(x, a);
}

void api_later_fail(struct api_later *x, int status, const struct mw_error *err)
{
    struct api_answer a = { .status = status >= 400 ? status : api_http_status(err->code),
                            .type = "application/problem+json" };
    if (a.status == 503 || a.status == 429)
        api_answer_header(&a, "Retry-After", "1");
    a.json = api_problem(a.status, err, &a, x->call.trace_id);
    (void)snprintf(a.detail, sizeof(a.detail), "%.200s", err->text);
    api_later_send(x, &a);
}

void api_later_begin(struct api_later *x, struct api_answer *head)
{
    must(x->kept && !x->begun && x->http != NULL);
    if (head->status == 0)
        head->status = 200;
    x->begun = true;
    answer_head(x, head);
    (void)evhttp_add_header(evhttp_request_get_output_headers(x->http), "Content-Type",
                            head->type != NULL ? head->type : "application/octet-stream");
    server_count_answer(x->call.server, head->status);
    evhttp_send_reply_start(x->http, head->status, api_http_title(head->status));
}

void api_later_chunk(struct api_later *x, struct evbuffer *b)
{
    must(x->begun);
    evhttp_send_reply_chunk(x->http, b);
    (void)evbuffer_drain(b, evbuffer_get_length(b)); /* of a HEAD */
}

size_t api_later_waiting(const struct api_later *x)
{
    struct evhttp_connection *c = evhttp_request_get_connection(x->http);
    return evbuffer_get_length(bufferevent_get_output(evhttp_connection_get_bufferevent(c)));
}

void api_later_end(struct api_later *x)
{
    must(x->begun);
    watch_close(x, false);
    evhttp_send_reply_end(TAKE(x->http));
    exchange_end(x);
}

/* ---- audit ----------------------------------------------------------------------------------- */

static const char *via_word(enum access_via via)
{
    static const char *const word[] = { [ACCESS_VIA_NONE] = "none", [ACCESS_VIA_UNIX] = "unix",
                                        [ACCESS_VIA_TOKEN] = "token",
                                        [ACCESS_VIA_SESSION] = "session" };
    return word[via];
}

static int audit_line(struct api_later *x, int status, uint64_t seq, const char *detail, bool sync,
                      struct mw_error *err)
{
    struct audit *log = api_server_audit(x->call.server);
    const struct audit_entry e = {
        .time_ns = server_now_ns(x->call.server), .who = x->who.name, .actor = x->who.actor,
        .via = via_word(x->who.via), .route = x->call.route ? x->call.route->id : NULL,
        .target = x->call.path, .status = status, .seq = seq, .detail = detail };
    return log != NULL ? audit_add(log, &e, sync, err) : 0;
}

static bool is_write(const struct api_later *x)
{
    return x->call.route != NULL && x->call.route->method != API_GET;
}

/* What was done and cannot be written down is said so. */
static void audit_write(struct api_later *x, const struct api_answer *a)
{
    struct mw_error err = { 0 };
    const char *detail = a->detail[0] != '\0' ? a->detail : x->call.audit;
    if (is_write(x) && !a->unaudited && audit_line(x, a->status, a->seq, detail, true, &err) < 0)
        server_audit_failed(x->call.server, &err);
}

static void refuse_audited(struct api_later *x, int status, const struct mw_error *err)
{
    (void)!audit_line(x, status, 0, err->text, false, NULL);
    exchange_refuse(x, status, err);
}

/* ---- who asks -------------------------------------------------------------------------------- */

static int unix_peer(struct api_later *x, struct mw_error *err)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);
    int fd = bufferevent_getfd(x->connection->buffer);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return mw_fail(err, MW_EDENIED, "who asks is not known");
    return access_unix(api_server_access(x->call.server), peer.uid, &x->who, err);
}

/* 0 also when nobody said who he is. */
static int identify(struct api_later *x, struct mw_error *err)
{
    struct access *a = api_server_access(x->call.server);
    const char *said = x->call.authorization;
    if (said != NULL && strncasecmp(said, "Bearer ", 7) == 0)
        return access_bearer(a, said + 7 + strspn(said + 7, " "), &x->who, err);
    if (said != NULL)
        return mw_fail(err, MW_EDENIED, "Authorization must be \"Bearer \" and a token");
    if (x->in->over_unix)
        return unix_peer(x, err);
    if (x->call.session[0] != '\0')
        return access_cookie(a, x->call.session, &x->who, err);
    return 0;
}

/* 0, or the status of the refusal. */
static int check_permission(struct api_later *x, struct mw_error *err)
{
    enum permission needed = x->call.route->permission;
    int rc = identify(x, err);
    if (rc < 0)
        x->who = (struct principal){ 0 };
    if (needed == PERM_PUBLIC)
        return 0;
    if (rc == MW_ELIMIT || rc == MW_EBUSY)
        return 429;
    if (rc == 0 && x->who.via == ACCESS_VIA_NONE)
        rc = mw_fail(err, MW_EDENIED, "who asks is not known: log in, or send a token");
    if (rc < 0)
        return 401;
    if (access_may(&x->who, needed))
        return 0;
    (void)mw_fail(err, MW_EDENIED, "%s may not do this: it needs the permission \"%s\"",
                  x->who.name, access_permission_word(needed));
    return 403;
}

static int check_csrf(struct api_later *x, struct mw_error *err)
{
    const char *word = evhttp_find_header(evhttp_request_get_input_headers(x->http), "MW-CSRF");
    const char *origin = x->call.origin;
    if (!x->who.cookie || !is_write(x) || x->call.route->permission == PERM_PUBLIC)
        return 0;
    if (origin != NULL && !header_origin_is(origin, x->call.host)) {
        (void)mw_fail(err, MW_EDENIED, "a browser's write comes from a page of this server, not of "
                      "\"%.100s\"", origin);
        return 403;
    }
    if (access_csrf_ok(&x->who, word))
        return 0;
    (void)mw_fail(err, MW_EDENIED, "a browser's write needs the header MW-CSRF with the word that "
                  "GET /api/v1/session gives");
    return 403;
}

/* ---- what was asked -------------------------------------------------------------------------- */

static size_t header_bytes(struct evhttp_request *q)
{
    const struct evkeyval *h;
    size_t sum = strlen(evhttp_request_get_uri(q));
    for (h = evhttp_request_get_input_headers(q)->tqh_first; h != NULL; h = h->next.tqe_next)
        sum += strlen(h->key) + strlen(h->value) + 4;
    return sum;
}

static const char *framing_fault(struct evhttp_request *q)
{
    struct header_framing f = { 0 };
    const char *fault = NULL;
    const struct evkeyval *h = evhttp_request_get_input_headers(q)->tqh_first;
    for (; h != NULL && fault == NULL; h = h->next.tqe_next)
        fault = header_framing_fault(&f, h->key, h->value);
    return fault;
}

/* Whoever is refused here is let go: what follows on his connection is not read. */
static int check_limits(struct api_later *x, struct mw_error *err)
{
    const char *fault = framing_fault(x->http);
    if (x->connection == NULL || x->connection->told) {
        (void)mw_fail(err, MW_ELIMIT, "%u connections are open already: ask again in a moment",
                      api_server_options(x->call.server)->connections_max);
        return 503;
    }
    if (fault != NULL) {
        (void)mw_fail(err, MW_EINVAL, "%s", fault);
        return 400;
    }
    size_t size = header_bytes(x->http);
    if (size > API_HEADER_MAX) {
        (void)mw_fail(err, MW_ELIMIT, "the header has %zu bytes; at most %zu are taken", size,
                      API_HEADER_MAX);
        return 431;
    }
    if (x->in->loopback && (x->call.host == NULL || !header_is_loopback(x->call.host))) {
        (void)mw_fail(err, MW_EDENIED, "this is a loopback address, and \"%.80s\" is no name of "
                      "one: ask for localhost or 127.0.0.1", x->call.host ? x->call.host : "");
        return 421;
    }
    return 0;
}

static enum api_method method_of(const struct evhttp_request *q, bool *ret_head)
{
    *ret_head = false;
    switch (evhttp_request_get_command(q)) {
    case EVHTTP_REQ_HEAD:
        *ret_head = true;
        return API_GET;
    case EVHTTP_REQ_GET:
        return API_GET;
    case EVHTTP_REQ_POST:
        return API_POST;
    case EVHTTP_REQ_PUT:
        return API_PUT;
    case EVHTTP_REQ_DELETE:
        return API_DELETE;
    case EVHTTP_REQ_PATCH:
        return API_PATCH;
    default:
        return 0;
    }
}

static void list_methods(uint32_t allowed, char *ret, size_t size)
{
    static const char *const word[] = { "GET, HEAD", "POST", "PUT", "DELETE", "PATCH" };
    size_t used = 0;
    ret[0] = '\0';
    for (uint32_t i = 0; i < MW_ARRAY_LEN(word); i++)
        if ((allowed >> i & 1u) && used < size)
            used += (size_t)snprintf(ret + used, size - used, "%s%s", used ? ", " : "", word[i]);
}

static int find_route(struct api_later *x, struct mw_error *err)
{
    uint32_t allowed = 0;
    char methods[48];
    enum api_method m = method_of(x->http, &x->call.head);
    x->call.route = api_route_find(x->path, m, &allowed, x->arg);
    if (x->call.route != NULL) {
        for (uint32_t i = 0; i < API_ARGS_MAX; i++)
            x->call.arg[i] = x->arg[i][0] != '\0' ? x->arg[i] : NULL;
        return 0;
    }
    if (allowed == 0) {
        (void)mw_fail(err, MW_ENOTFOUND, "there is no %.100s here", x->path);
        return 404;
    }
    list_methods(allowed, methods, sizeof(methods));
    (void)evhttp_add_header(evhttp_request_get_output_headers(x->http), "Allow", methods);
    (void)mw_fail(err, MW_EINVAL, "%.100s takes only %s", x->path, methods);
    return 405;
}

/* Is the body short enough, JSON, and said to be? */
static int read_body(struct api_later *x, struct mw_error *err)
{
    struct evbuffer *in = evhttp_request_get_input_buffer(x->http);
    size_t size = evbuffer_get_length(in);
    const struct api_route *r = x->call.route;
    if (size > API_BODY_MAX) {
        (void)mw_fail(err, MW_ELIMIT, "the body has %zu bytes; at most %zu are taken", size,
                      API_BODY_MAX);
        return 413;
    }
    bool json = header_is_json(x->call.content_type);
    if (r->method != API_GET && !json && (size > 0 || r->body_schema != NULL)) {
        (void)mw_fail(err, MW_EINVAL, "the body must be application/json");
        return 415;
    }
    x->body = mw_calloc(1, size + 1);
    if (x->body == NULL) {
        (void)mw_fail(err, MW_ENOMEM, "out of memory");
        return 503;
    }
    (void)evbuffer_remove(in, x->body, size);
    x->call.body = x->body;
    x->call.size = size;
    return 0;
}

/* Most questions are about the site: without it, or far behind it, there is no answer yet. */
static int check_ready(struct api_later *x, struct mw_error *err)
{
    static const uint32_t any_time = ACCESS_BIT(PERM_PUBLIC) | ACCESS_BIT(PERM_SESSION) |
                                     ACCESS_BIT(PERM_ADMIN) | ACCESS_BIT(PERM_AUDIT) |
                                     ACCESS_BIT(PERM_METRICS);
    struct api_server *s = x->call.server;
    if ((any_time >> x->call.route->permission & 1u) || api_server_ready(s))
        return 0;
    (void)mw_fail(err, MW_EBUSY, "the record is still being read: %llu events to go",
                  (unsigned long long)server_behind(s));
    return 503;
}

/* ---- one question ---------------------------------------------------------------------------- */

static void answer_stored(struct api_later *x, const struct idempotency_answer *kept)
{
    struct api_answer a = { .status = kept->status, .type = kept->type };
    a.raw = evbuffer_new();
    if (a.raw == NULL || evbuffer_add(a.raw, kept->body, kept->size) != 0)
        a.status = 503;
    if (kept->location[0] != '\0')
        api_answer_header(&a, "Location", "%s", kept->location);
    (void)snprintf(a.etag, sizeof(a.etag), "%s", kept->etag);
    api_answer_header(&a, "Idempotency-Replayed", "true");
    exchange_answer(x, &a);
}

/* True: it was asked before, and has been answered now. */
static bool asked_before(struct api_later *x)
{
    struct idempotency_answer kept;
    struct mw_error err = { 0 };
    /* Who is not known has no keys of his own, and nothing to lose by asking twice. */
    if (x->call.idempotency_key == NULL || !is_write(x) || x->who.via == ACCESS_VIA_NONE)
        return false;
    const struct idempotency_question q = {
        .actor = x->who.actor, .key = x->call.idempotency_key, .method = x->call.route->id,
        .path = x->call.path, .query = x->call.query, .body = x->call.body,
        .size = x->call.size };
    int rc = idempotency_take(server_idempotency(x->call.server), &q,
                              server_now_ns(x->call.server), &x->once, &kept, &err);
    if (rc == 0)
        return false;
    if (rc == 1)
        answer_stored(x, &kept);
    else
        exchange_refuse(x, rc == MW_EINVAL ? 422 : rc == MW_EBUSY ? 409 : 503, &err);
    return true;
}

/* What a path or a query names is found out here; what a body names is 422. */
static int status_of(const struct api_route *r, int code)
{
    bool body = r->body_schema != NULL;
    if (code == MW_ENOTFOUND && !body)
        return 404;
    if (code == MW_EINVAL && !body)
        return 400;
    return api_http_status(code);
}

static void ask_handler(struct api_later *x)
{
    struct api_answer a = { .status = 200 };
    struct mw_error err = { .code = MW_EBUG, .text = "internal error" };
    x->call.replica = api_server_replica(x->call.server);
    int rc = x->call.route->handler(&x->call, &a, &err);
    if (rc == 0 && a.later)
        return; /* x may be gone */
    if (rc < 0) {
        api_answer_fini(&a);
        if (a.status < 400)
            a.status = status_of(x->call.route, err.code);
        a.type = "application/problem+json";
        a.etag[0] = '\0';
        if (a.status == 503 && a.headers < API_HEADERS_ADDED_MAX)
            api_answer_header(&a, "Retry-After", "1");
        a.json = api_problem(a.status, &err, &a, x->call.trace_id);
        if (a.detail[0] == '\0')
            (void)snprintf(a.detail, sizeof(a.detail), "%.200s", err.text);
    }
    audit_write(x, &a);
    exchange_answer(x, &a);
}

static void ask(struct api_later *x)
{
    struct mw_error err = { 0 };
    int status = check_limits(x, &err);
    if (status != 0) {
        (void)evhttp_add_header(evhttp_request_get_output_headers(x->http), "Connection", "close");
        exchange_refuse(x, status, &err);
        return;
    }
    status = find_route(x, &err);
    if (status == 0)
        status = check_permission(x, &err);
    if (status == 0)
        status = check_csrf(x, &err);
    if (status == 401 || status == 403 || status == 429) {
        refuse_audited(x, status, &err);
        return;
    }
    if (status == 0)
        status = read_body(x, &err);
    if (status == 0)
        status = check_ready(x, &err);
    if (status == 0 && is_write(x))
        status = server_audit_trouble(x->call.server, &err) ? 507 : 0;
    if (status != 0)
        exchange_refuse(x, status, &err);
    else if (!asked_before(x))
        ask_handler(x);
}

static const char *header(struct evhttp_request *q, const char *name)
{
    return evhttp_find_header(evhttp_request_get_input_headers(q), name);
}

static void draw_trace(char ret[33])
{
    uint8_t drawn[16];
    evutil_secure_rng_get_bytes(drawn, sizeof(drawn));
    for (uint32_t i = 0; i < sizeof(drawn); i++)
        (void)snprintf(ret + 2 * (size_t)i, 3, "%02x", drawn[i]);
}

static void fill_call(struct api_later *x, struct evhttp_request *q)
{
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(q);
    const char *path = evhttp_uri_get_path(uri);
    char *peer = NULL;
    ev_uint16_t port;
    (void)snprintf(x->path, sizeof(x->path), "%s", path != NULL ? path : "");
    x->call = (struct api_call){
        .server = x->in->server, .who = &x->who, .path = x->path,
        .query = evhttp_uri_get_query(uri), .body = "", .over_unix = x->in->over_unix,
        .over_tls = x->in->over_tls, .content_type = header(q, "Content-Type"),
        .accept = header(q, "Accept"), .accept_encoding = header(q, "Accept-Encoding"),
        .if_match = header(q, "If-Match"), .if_none_match = header(q, "If-None-Match"),
        .idempotency_key = header(q, "Idempotency-Key"),
        .last_event_id = header(q, "Last-Event-ID"), .host = header(q, "Host"),
        .origin = header(q, "Origin"), .cookie = header(q, "Cookie"),
        .authorization = header(q, "Authorization"), .user_agent = header(q, "User-Agent"),
        .forwarded_proto = header(q, "X-Forwarded-Proto"), .of_server = x };
    if (!x->in->over_unix)
        evhttp_connection_get_peer(evhttp_request_get_connection(q), &peer, &port);
    (void)snprintf(x->call.peer, sizeof(x->call.peer), "%s", peer != NULL ? peer : "unix");
    (void)header_cookie(x->call.cookie, ACCESS_COOKIE, x->call.session,
                        sizeof(x->call.session));
    if (!header_trace(header(q, "traceparent"), x->call.trace_id))
        draw_trace(x->call.trace_id);
}

void exchange_begin(struct evhttp_request *q, void *ctx)
{
    const struct entrance *in = ctx;
    struct api_later *x = mw_calloc(1, sizeof(*x));
    if (x == NULL) {
        evhttp_send_error(q, 503, NULL);
        return;
    }
    struct bufferevent *b = evhttp_connection_get_bufferevent(evhttp_request_get_connection(q));
    x->in = in;
    x->http = q;
    x->connection = connections_find(server_connections(in->server), b);
    if (x->connection != NULL)
        connection_asked(x->connection);
    server_count_request(in->server);
    fill_call(x, q);
    ask(x);
}
