/* Asks the daemon.  See daemon_client.h. */
#include "cli/daemon_client.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/mem.h"
#include "base/units.h"
#include "cli/contexts.h"

#define TIMEOUT_NS (10 * MW_NS_PER_S)
#define AGAIN_NS (50 * MW_NS_PER_MS)
#define BUSY_TRIES 4u
#define BUSY_WAIT_S_MAX 5
#define SILENCE_S 30L  /* of a stream: the daemon says something every two seconds */
#define URL_MAX 65536u /* the daemon refuses longer ones */
#define CONNECT_MS 10000L

struct daemon {
    CURL *curl; /* keeps its connection */
    char *name, *base, *socket, *ca_file;
    char token[CONTEXTS_TOKEN_MAX];
    daemon_stop_fn *stop;
    void *stop_ctx;
    /* of the request that is on its way: */
    struct curl_slist *headers;
    struct text *answer; /* borrowed */
    int64_t retry_after_s, date_s;
    struct sse sse;
    sse_each_fn *each;
    void *each_ctx;
    bool ended; /* `each` said so */
};

/* ---- opening -------------------------------------------------------------------------------- */

static int open_where(struct daemon *d, const struct daemon_where *w, struct mw_error *err)
{
    char path[LIVE_PATH_MAX];
    int rc = w->token_file != NULL ? contexts_token(w->token_file, d->token, err) : 0;
    if (rc == 0 && w->url == NULL && w->socket == NULL)
        rc = live_path_socket(path, err);
    if (rc < 0)
        return rc;
    const char *socket = w->socket != NULL ? w->socket : path;
    d->name = mw_strdup(w->url != NULL ? w->url : socket);
    d->base = mw_strdup(w->url != NULL ? w->url : "http://localhost");
    d->socket = w->url == NULL ? mw_strdup(socket) : NULL;
    d->ca_file = w->ca_file != NULL ? mw_strdup(w->ca_file) : NULL;
    d->curl = curl_easy_init();
    if (d->curl == NULL || d->name == NULL || d->base == NULL || (!w->url && !d->socket))
        return mw_fail(err, MW_ENOMEM, "out of memory");
    size_t n = strlen(d->base);
    while (n > 0 && d->base[n - 1] == '/') /* paths begin with one */
        d->base[--n] = '\0';
    return 0;
}

int daemon_open(const struct daemon_where *w, struct daemon **ret, struct mw_error *err)
{
    must(w != NULL && ret != NULL);
    struct daemon *d = mw_calloc(1, sizeof(*d));
    if (d == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    d->date_s = -1;
    int rc = open_where(d, w, err);
    if (rc < 0)
        daemon_close(d);
    else
        *ret = d;
    return rc;
}

int daemon_clone(const struct daemon *d, struct daemon **ret, struct mw_error *err)
{
    must(d != NULL);
    const struct daemon_where w = { .socket = d->socket, .url = d->socket ? NULL : d->base,
                                    .ca_file = d->ca_file };
    int rc = daemon_open(&w, ret, err);
    if (rc == 0)
        memcpy((*ret)->token, d->token, sizeof(d->token));
    return rc;
}

void daemon_close(struct daemon *d)
{
    if (d == NULL)
        return;
    curl_easy_cleanup(d->curl);
    explicit_bzero(d->token, sizeof(d->token));
    mw_free(d->name);
    mw_free(d->base);
    mw_free(d->socket);
    mw_free(d->ca_file);
    sse_fini(&d->sse);
    mw_free(d);
}

void daemon_closep(struct daemon **d)
{
    daemon_close(*d);
    *d = NULL;
}

const char *daemon_name(const struct daemon *d)
{
    return d->name;
}

bool daemon_is_url(const struct daemon *d)
{
    return d->socket == NULL;
}

int64_t daemon_date_s(const struct daemon *d)
{
    return d->date_s;
}

void daemon_stop_when(struct daemon *d, daemon_stop_fn *stop, void *ctx)
{
    must(d != NULL);
    d->stop = stop;
    d->stop_ctx = ctx;
}

/* ---- one request ---------------------------------------------------------------------------- */

static size_t on_bytes(char *data, size_t size, size_t n, void *ctx)
{
    struct daemon *d = ctx;
    size_t length = size * n;
    long status = 0;
    (void)curl_easy_getinfo(d->curl, CURLINFO_RESPONSE_CODE, &status);
    if (d->each != NULL && status == 200) {
        d->ended = !sse_take(&d->sse, data, length, d->each, d->each_ctx);
        return d->ended ? 0 : length;
    }
    if (d->answer->length + length > DAEMON_ANSWER_MAX)
        return 0;
    text_add_n(d->answer, data, length);
    return d->answer->failed ? 0 : length;
}

/* What follows a header's name; NULL when it is another's line. */
static const char *value_of(const char *line, size_t length, const char *name)
{
    size_t n = strlen(name);
    if (length <= n || strncasecmp(line, name, n) != 0)
        return NULL;
    while (n < length && line[n] == ' ')
        n++;
    return line + n;
}

static size_t on_header(char *data, size_t size, size_t n, void *ctx)
{
    struct daemon *d = ctx;
    size_t length = size * n;
    const char *end = data + length, *wait = value_of(data, length, "retry-after:");
    const char *date = value_of(data, length, "date:");
    char text[64];
    if (wait != NULL) {
        d->retry_after_s = 0;
        for (; wait < end && *wait >= '0' && *wait <= '9' && d->retry_after_s < BUSY_WAIT_S_MAX;
             wait++)
            d->retry_after_s = d->retry_after_s * 10 + (*wait - '0');
        d->retry_after_s = MW_MIN(d->retry_after_s, BUSY_WAIT_S_MAX);
    }
    if (date != NULL && (size_t)(end - date) < sizeof(text)) {
        memcpy(text, date, (size_t)(end - date));
        text[end - date] = '\0';
        d->date_s = (int64_t)curl_getdate(text, NULL);
    }
    return length;
}

static int on_progress(void *ctx, curl_off_t total, curl_off_t now, curl_off_t up_total,
                       curl_off_t up_now)
{
    const struct daemon *d = ctx;
    (void)total, (void)now, (void)up_total, (void)up_now;
    return d->stop != NULL && d->stop(d->stop_ctx);
}

static void add_header(struct daemon *d, const char *line, bool *good)
{
    struct curl_slist *more = curl_slist_append(d->headers, line);
    if (more != NULL)
        d->headers = more;
    *good = *good && more != NULL;
}

/* A fresh key for a request that changes something. */
static void add_key(struct daemon *d, bool *good)
{
    unsigned char random[16];
    char line[64] = "Idempotency-Key: ";
    size_t n = strlen(line);
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
        *good = false;
        return;
    }
    for (size_t i = 0; i < sizeof(random); i++)
        n += (size_t)snprintf(line + n, sizeof(line) - n, "%02x", random[i]);
    add_header(d, line, good);
}

static bool add_headers(struct daemon *d, bool writes, const char *after)
{
    char line[CONTEXTS_TOKEN_MAX + 32];
    bool good = true;
    add_header(d, d->each != NULL ? "Accept: text/event-stream"
                                  : "Accept: application/json, */*;q=0.5", &good);
    if (writes) {
        add_header(d, "Content-Type: application/json", &good);
        add_key(d, &good);
    }
    if (d->token[0] != '\0') {
        (void)snprintf(line, sizeof(line), "Authorization: Bearer %s", d->token);
        add_header(d, line, &good);
        explicit_bzero(line, sizeof(line));
    }
    if (after != NULL && after[0] != '\0') {
        (void)snprintf(line, sizeof(line), "Last-Event-ID: %.100s", after);
        add_header(d, line, &good);
    }
    return good && curl_easy_setopt(d->curl, CURLOPT_HTTPHEADER, d->headers) == CURLE_OK;
}

/* How the daemon is reached. */
static bool set_way(struct daemon *d)
{
    CURL *h = d->curl;
    if (d->socket != NULL)
        return curl_easy_setopt(h, CURLOPT_UNIX_SOCKET_PATH, d->socket) == CURLE_OK &&
               curl_easy_setopt(h, CURLOPT_PROXY, "") == CURLE_OK;
    bool good = curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
    if (strncmp(d->base, "http:", 5) == 0) /* this machine: see contexts.c */
        good = good && curl_easy_setopt(h, CURLOPT_PROXY, "") == CURLE_OK;
    if (d->each == NULL) /* a way that may be long: compressed */
        good = good && curl_easy_setopt(h, CURLOPT_ACCEPT_ENCODING, "") == CURLE_OK;
    return d->ca_file == NULL ? good
                              : good && curl_easy_setopt(h, CURLOPT_CAINFO, d->ca_file) == CURLE_OK;
}

static bool set_common(struct daemon *d, const char *url)
{
    CURL *h = d->curl;
    return curl_easy_setopt(h, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_USERAGENT, "mw/" MW_VERSION) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_BUFFERSIZE, 262144L) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_bytes) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_WRITEDATA, d) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_HEADERDATA, d) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_XFERINFOFUNCTION, on_progress) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_XFERINFODATA, d) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_NOPROGRESS, d->stop == NULL ? 1L : 0L) == CURLE_OK;
}

static bool set_limits(struct daemon *d, const struct daemon_call *c)
{
    CURL *h = d->curl;
    int64_t timeout_ns = c->timeout_ns > 0 ? c->timeout_ns : TIMEOUT_NS;
    if (d->each == NULL)
        return curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)(timeout_ns / MW_NS_PER_MS)) ==
               CURLE_OK;
    return curl_easy_setopt(h, CURLOPT_LOW_SPEED_LIMIT, 1L) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_LOW_SPEED_TIME, SILENCE_S) == CURLE_OK;
}

static bool set_body(struct daemon *d, const struct daemon_call *c, const char *body)
{
    bool good = body == NULL || curl_easy_setopt(d->curl, CURLOPT_POSTFIELDS, body) == CURLE_OK;
    if (c->method != NULL)
        good = good && curl_easy_setopt(d->curl, CURLOPT_CUSTOMREQUEST, c->method) == CURLE_OK;
    return good;
}

/* The connection is kept over a reset. */
static CURLcode perform(struct daemon *d, const struct daemon_call *c, const char *after,
                        long *ret_status)
{
    struct text url = { 0 };
    char *body = c->body != NULL ? json_dumps(c->body, JSON_COMPACT) : NULL;
    bool writes = c->body != NULL || c->method != NULL;
    text_addf(&url, "%s%s", d->base, c->path);
    curl_easy_reset(d->curl);
    d->retry_after_s = 0;
    bool ready = !url.failed && url.length < URL_MAX && (c->body == NULL || body != NULL) &&
                 set_way(d) && set_common(d, text_string(&url)) && set_limits(d, c) &&
                 set_body(d, c, body) && add_headers(d, writes, after);
    CURLcode got = ready ? curl_easy_perform(d->curl) : CURLE_OUT_OF_MEMORY;
    (void)curl_easy_getinfo(d->curl, CURLINFO_RESPONSE_CODE, ret_status);
    curl_slist_free_all(d->headers);
    d->headers = NULL;
    mw_free(body);
    text_fini(&url);
    return got;
}

/* ---- what went wrong ------------------------------------------------------------------------ */

static int connect_fail(const struct daemon *d, struct mw_error *err)
{
    if (d->socket == NULL)
        return mw_fail(err, MW_EUNREACHABLE, "no daemon answers at %s: is mw serve running there, "
                       "and is that its address?", d->name);
    if (access(d->socket, F_OK) == 0 && access(d->socket, W_OK) != 0 && errno == EACCES)
        return mw_fail(err, MW_EDENIED, "%s is not for this user: run mw as the user that runs "
                       "mw serve, or as root", d->socket);
    return mw_fail(err, MW_EUNREACHABLE, "no daemon listens on %s: start mw serve, or name its "
                   "socket with --socket", d->socket);
}

static int transport_fail(CURLcode rc, const struct daemon *d, struct mw_error *err)
{
    switch (rc) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
        return connect_fail(d, err);
    case CURLE_OPERATION_TIMEDOUT:
        return mw_fail(err, MW_ETIMEOUT, "the daemon on %s did not answer in time", d->name);
    case CURLE_ABORTED_BY_CALLBACK:
        return mw_fail(err, MW_ECONFLICT, "broken off");
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
        return mw_fail(err, MW_EUNREACHABLE, "the certificate of %s is not to be trusted (%s): "
                       "name its CA with mw context add --ca", d->name, curl_easy_strerror(rc));
    case CURLE_OUT_OF_MEMORY:
        return mw_fail(err, MW_ENOMEM, "out of memory, or a question that is too long");
    default:
        return mw_fail(err, MW_EUNREACHABLE, "the daemon on %s broke off: %s", d->name,
                       curl_easy_strerror(rc));
    }
}

/* The code that a problem document names, else what the status stands for. */
static int code_of(const char *name, long status)
{
    static const struct {
        long status;
        int code;
    } of[] = {
        { 400, MW_EINVAL },   { 401, MW_EDENIED },   { 403, MW_EDENIED },
        { 404, MW_ENOTFOUND }, { 408, MW_ETIMEOUT }, { 409, MW_ECONFLICT },
        { 410, MW_ENOTFOUND }, { 412, MW_ECONFLICT }, { 422, MW_EINVAL },
        { 429, MW_ELIMIT },   { 502, MW_EUNREACHABLE }, { 503, MW_EUNREACHABLE },
        { 504, MW_ETIMEOUT },
    };
    for (int code = -1; name != NULL && code >= MW_EBUG; code--)
        if (strcmp(mw_code_name(code), name) == 0)
            return code;
    for (size_t i = 0; i < MW_ARRAY_LEN(of); i++)
        if (of[i].status == status)
            return of[i].code;
    return MW_EBUG;
}

static const char *text_at(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

/* What a problem document says, with what to do about it. */
static int problem(const struct daemon *d, long status, const struct text *t, struct mw_error *err)
{
    json_t *o = json_loadb(text_string(t), t->length, 0, NULL);
    if (!json_is_object(o)) {
        json_decref(o);
        return mw_fail(err, MW_ESYNTAX, "what listens on %s is no daemon of Millwright (it "
                       "answered %ld)", d->name, status);
    }
    const char *detail = text_at(o, "detail"), *hint = text_at(o, "hint");
    int code = status == 401 || status == 403 ? MW_EDENIED : code_of(text_at(o, "code"), status);
    int rc = mw_fail(err, code, "%s%s%s%s",
                     detail != NULL ? detail : "the daemon refused and did not say why",
                     hint != NULL ? " (" : "", hint != NULL ? hint : "", hint != NULL ? ")" : "");
    json_decref(o);
    return rc;
}

/* ---- asking --------------------------------------------------------------------------------- */

static void rest(int64_t ns)
{
    const struct timespec t = { .tv_sec = ns / MW_NS_PER_S, .tv_nsec = ns % MW_NS_PER_S };
    (void)nanosleep(&t, NULL);
}

/* One answer, busy ones waited out. */
static int fetch_once(struct daemon *d, const struct daemon_call *c, struct text *ret,
                      struct mw_error *err)
{
    bool writes = c->body != NULL || c->method != NULL;
    d->answer = ret;
    for (uint32_t tries = 1;; tries++) {
        long status = 0;
        CURLcode got = perform(d, c, NULL, &status);
        if (got != CURLE_OK)
            return transport_fail(got, d, err);
        if (status >= 200 && status < 300)
            return ret->failed ? mw_fail(err, MW_ENOMEM, "out of memory") : 0;
        int rc = problem(d, status, ret, err);
        if (status != 503 || writes || tries == BUSY_TRIES || d->retry_after_s == 0)
            return rc;
        rest(d->retry_after_s * MW_NS_PER_S);
        text_clear(ret);
    }
}

int daemon_fetch(struct daemon *d, const struct daemon_call *c, struct text *ret,
                 struct mw_error *err)
{
    must(d != NULL && c != NULL && c->path != NULL && ret != NULL && ret->length == 0);
    d->each = NULL;
    for (int64_t waited_ns = 0;; waited_ns += AGAIN_NS) {
        int rc = fetch_once(d, c, ret, err);
        if (rc != MW_EUNREACHABLE || waited_ns >= c->wait_ns)
            return rc;
        rest(AGAIN_NS);
        text_clear(ret);
    }
}

int daemon_ask(struct daemon *d, const struct daemon_call *c, json_t **ret, struct mw_error *err)
{
    struct text t = { 0 };
    must(ret != NULL);
    int rc = daemon_fetch(d, c, &t, err);
    if (rc == 0) {
        json_t *o = t.length == 0 ? json_object() : json_loadb(t.data, t.length, 0, NULL);
        if (json_is_object(o))
            *ret = TAKE(o);
        else
            rc = mw_fail(err, MW_ESYNTAX, "what listens on %s is no daemon of Millwright",
                         d->name);
        json_decref(o);
    }
    text_fini(&t);
    return rc;
}

int daemon_stream(struct daemon *d, const char *path, const char *after, sse_each_fn *each,
                  void *ctx, struct mw_error *err)
{
    struct text said = { 0 };
    long status = 0;
    const struct daemon_call c = { .path = path };
    must(d != NULL && path != NULL && each != NULL);
    sse_fini(&d->sse);
    d->sse = (struct sse){ 0 };
    d->each = each;
    d->each_ctx = ctx;
    d->answer = &said;
    d->ended = false;
    CURLcode got = perform(d, &c, after, &status);
    int rc;
    if (d->ended || got == CURLE_ABORTED_BY_CALLBACK)
        rc = 0;
    else if (got != CURLE_OK)
        rc = transport_fail(got, d, err);
    else if (status == 200)
        rc = mw_fail(err, MW_EUNREACHABLE, "the daemon on %s ended the stream", d->name);
    else if (status == 410)
        rc = mw_fail(err, MW_ENOTFOUND, "what came after event %.40s is not kept any more",
                     after != NULL ? after : "");
    else
        rc = problem(d, status, &said, err);
    d->each = NULL;
    text_fini(&said);
    return rc;
}

void daemon_query_add(struct text *path, const char *name, const char *value)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-._~,*";
    bool first = path->length == 0 || memchr(path->data, '?', path->length) == NULL;
    text_addf(path, "%s%s=", first ? "?" : "&", name);
    for (const char *p = value; *p != '\0'; p++)
        if (strchr(plain, *p) != NULL)
            text_add_n(path, p, 1);
        else
            text_addf(path, "%%%02X", (unsigned char)*p);
}
