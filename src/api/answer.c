/*
 * The second half of an exchange: what an answer looks like on the wire.  ETag,
 * gzip, problem documents, stored answers, the headers that all have.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <zlib.h>

#include "api/exchange.h"
#include "api/headers.h"
#include "api/server_private.h"
#include "base/mem.h"

#define GZIP_LEAST 1024 /* bytes; below it gains nothing */
/* From here on level 1: longer by a sixth, in a third of the time (zlib's own figures). */
#define GZIP_FAST_FROM ((size_t)256 * 1024)

/* ---- what handlers fill ---------------------------------------------------------------------- */

void api_answer_fini(struct api_answer *a)
{
    json_decref(TAKE(a->json));
    if (a->raw != NULL)
        evbuffer_free(TAKE(a->raw));
}

void api_answer_header(struct api_answer *a, const char *name, const char *fmt, ...)
{
    va_list args;
    must(a->headers < API_HEADERS_ADDED_MAX);
    va_start(args, fmt);
    int n = vsnprintf(a->header[a->headers].value, sizeof(a->header[0].value), fmt, args);
    va_end(args);
    must(n >= 0 && (size_t)n < sizeof(a->header[0].value));
    a->header[a->headers++].name = name;
}

/* ---- headers --------------------------------------------------------------------------------- */

static void add(struct api_later *x, const char *name, const char *value)
{
    /* libevent refuses values with line ends: then the header is not there. */
    (void)evhttp_add_header(evhttp_request_get_output_headers(x->http), name, value);
}

static bool has_header(const struct api_answer *a, const char *name)
{
    for (uint32_t i = 0; i < a->headers; i++)
        if (strcasecmp(a->header[i].name, name) == 0)
            return true;
    return false;
}

void answer_head(struct api_later *x, struct api_answer *a)
{
    for (uint32_t i = 0; i < a->headers; i++)
        add(x, a->header[i].name, a->header[i].value);
    if (a->etag[0] != '\0') {
        char quoted[sizeof(a->etag) + 2];
        (void)snprintf(quoted, sizeof(quoted), "\"%s\"", a->etag);
        add(x, "ETag", quoted);
    }
    if (!a->cacheable || !has_header(a, "Cache-Control"))
        add(x, "Cache-Control", a->etag[0] != '\0' ? "no-cache" : "no-store");
    add(x, "X-Content-Type-Options", "nosniff");
    add(x, "Referrer-Policy", "no-referrer");
    if (!has_header(a, "Content-Security-Policy"))
        add(x, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
    if (x->in->over_tls)
        add(x, "Strict-Transport-Security", "max-age=31536000");
}

/* ---- gzip ------------------------------------------------------------------------------------ */

static int deflate_all(z_stream *z, struct evbuffer *from, struct evbuffer *to)
{
    int rc = Z_OK;
    while (rc == Z_OK) {
        struct evbuffer_iovec in = { 0 }, out;
        bool any = evbuffer_peek(from, -1, NULL, &in, 1) > 0 && in.iov_len > 0;
        if (evbuffer_reserve_space(to, 65536, &out, 1) != 1)
            return Z_MEM_ERROR;
        size_t take = MW_MIN(any ? in.iov_len : 0, (size_t)1 << 30);
        bool last = take == evbuffer_get_length(from);
        z->next_in = any ? in.iov_base : NULL;
        z->avail_in = (uInt)take;
        z->next_out = out.iov_base;
        z->avail_out = (uInt)MW_MIN(out.iov_len, (size_t)1 << 30);
        uInt room = z->avail_out;
        rc = deflate(z, last ? Z_FINISH : Z_NO_FLUSH);
        out.iov_len = room - z->avail_out;
        (void)evbuffer_commit_space(to, &out, 1);
        (void)evbuffer_drain(from, take - z->avail_in);
        if (rc == Z_BUF_ERROR)
            rc = Z_OK; /* more room, or more bytes, with the next turn */
    }
    return rc;
}

/* Replaces *b; false when there is no memory for it: then *b is NULL. */
static bool gzip(struct evbuffer **b)
{
    z_stream z = { 0 };
    bool fast = evbuffer_get_length(*b) >= GZIP_FAST_FROM, done = false;
    struct evbuffer *to = evbuffer_new();
    if (to != NULL &&
        deflateInit2(&z, fast ? 1 : 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK) {
        done = deflate_all(&z, *b, to) == Z_STREAM_END;
        (void)deflateEnd(&z);
    }
    evbuffer_free(TAKE(*b));
    if (done)
        *b = to;
    else if (to != NULL)
        evbuffer_free(to);
    return done;
}

static void encode(struct api_later *x, struct api_answer *a)
{
    size_t size = a->raw != NULL ? evbuffer_get_length(a->raw) : 0;
    bool gzipped = a->gzipped;
    if (size == 0)
        return;
    if (!gzipped && size >= GZIP_LEAST) {
        if (!has_header(a, "Vary"))
            add(x, "Vary", "Accept-Encoding");
        gzipped = header_takes_gzip(x->call.accept_encoding);
        if (gzipped && !gzip(&a->raw)) {
            a->status = 503;
            add(x, "Retry-After", "1");
            return;
        }
    }
    if (gzipped)
        add(x, "Content-Encoding", "gzip");
}

/* ---- bodies ---------------------------------------------------------------------------------- */

static void free_text(const void *data, size_t size, void *ctx)
{
    (void)size;
    (void)ctx;
    mw_free((void *)(uintptr_t)data); /* jansson's allocator is the system's */
}

/* The document becomes bytes; false when there is no memory for them. */
static bool write_json(struct api_answer *a)
{
    if (a->json == NULL)
        return true;
    char *text = json_dumps(a->json, JSON_COMPACT);
    json_decref(TAKE(a->json));
    a->raw = evbuffer_new();
    if (text != NULL && a->raw != NULL &&
        evbuffer_add_reference(a->raw, text, strlen(text), free_text, NULL) == 0)
        return evbuffer_add(a->raw, "\n", 1) == 0;
    mw_free(text);
    return false;
}

static const char *find_header(const struct api_answer *a, const char *name)
{
    for (uint32_t i = 0; i < a->headers; i++)
        if (strcasecmp(a->header[i].name, name) == 0)
            return a->header[i].value;
    return "";
}

static void store(struct api_later *x, const struct api_answer *a)
{
    struct idempotency *d = server_idempotency(x->call.server);
    if (x->once == 0)
        return;
    size_t size = a->raw != NULL ? evbuffer_get_length(a->raw) : 0;
    const struct idempotency_answer kept = {
        .status = a->status, .type = a->type != NULL ? a->type : "application/json",
        .location = find_header(a, "Location"), .etag = a->etag,
        .body = size > 0 ? evbuffer_pullup(a->raw, -1) : NULL, .size = size };
    if (a->status >= 500 || a->secret || (size > 0 && kept.body == NULL))
        idempotency_forget(d, x->once);
    else
        idempotency_keep(d, x->once, &kept);
    x->once = 0;
}

static bool is_unchanged(const struct api_later *x, const struct api_answer *a)
{
    return a->status == 200 && a->etag[0] != '\0' && x->call.route != NULL &&
           x->call.route->method == API_GET && x->call.if_none_match != NULL &&
           api_etag_in(x->call.if_none_match, a->etag);
}

static void send_answer(struct api_later *x, struct api_answer *a)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(x->http);
    if (is_unchanged(x, a)) {
        a->status = 304;
        api_answer_fini(a);
    }
    encode(x, a);
    answer_head(x, a);
    if (a->raw != NULL)
        add(x, "Content-Type", a->type != NULL ? a->type : "application/json");
    if (x->call.head && a->raw != NULL) {
        char length[24];
        (void)snprintf(length, sizeof(length), "%zu", evbuffer_get_length(a->raw));
        (void)evhttp_add_header(headers, "Content-Length", length);
        (void)evbuffer_drain(a->raw, evbuffer_get_length(a->raw));
    }
    server_count_answer(x->call.server, a->status);
    evhttp_send_reply(TAKE(x->http), a->status, api_http_title(a->status), a->raw);
}

void exchange_answer(struct api_later *x, struct api_answer *a)
{
    if (x->http == NULL) { /* the client has left */
        api_answer_fini(a);
        exchange_end(x);
        return;
    }
    if (!write_json(a)) {
        api_answer_fini(a);
        a->status = 503;
        a->etag[0] = '\0';
        add(x, "Retry-After", "1");
    }
    store(x, a);
    send_answer(x, a);
    api_answer_fini(a);
    exchange_end(x);
}

void exchange_refuse(struct api_later *x, int status, const struct mw_error *err)
{
    struct api_answer a = { .status = status, .type = "application/problem+json" };
    if (status == 401)
        api_answer_header(&a, "WWW-Authenticate", "Bearer realm=\"millwright\"");
    if (status == 503 || status == 429)
        api_answer_header(&a, "Retry-After", "1");
    if (status == 404 && x->call.route == NULL)
        (void)snprintf(a.hint, sizeof(a.hint), "GET /openapi.json lists what there is");
    a.json = api_problem(status, err, &a, x->call.trace_id);
    exchange_answer(x, &a);
}
