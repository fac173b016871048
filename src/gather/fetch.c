/* Requests over libcurl's multi interface. */
#include "gather/fetch.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"

#define WAIT_MS 1000
#define HEADER_MAX 512

/* One request, from start to done; its easy handle is used again. */
struct job {
    struct fetch *f;
    CURL *easy;
    struct curl_slist *headers;
    struct text body;
    fetch_done_fn *done;
    void *ctx;
    struct job *next;          /* of those that wait, or that are free */
    bool over;                 /* the answer passed its bound */
    char token[HEADER_MAX], location[HEADER_MAX], error[CURL_ERROR_SIZE];
};

struct fetch {
    CURLM *multi;
    struct job *free, *first, *last;
    uint32_t running, running_max;
};

int fetch_create(uint32_t running_max, uint32_t kept, struct fetch **ret, struct mw_error *err)
{
    must(running_max > 0);
    struct fetch *f = mw_calloc(1, sizeof(*f));
    if (f == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    f->running_max = running_max;
    f->multi = curl_multi_init();
    if (f->multi == NULL) {
        mw_free(f);
        return mw_fail(err, MW_ENOMEM, "out of memory");
    }
    (void)curl_multi_setopt(f->multi, CURLMOPT_MAXCONNECTS, (long)kept);
    *ret = f;
    return 0;
}

static void job_destroy(struct job *j)
{
    if (j->easy != NULL)
        curl_easy_cleanup(j->easy);
    curl_slist_free_all(j->headers);
    text_fini(&j->body);
    mw_free(j);
}

void fetch_destroy(struct fetch *f)
{
    if (f == NULL)
        return;
    must(f->running == 0 && f->first == NULL);
    for (struct job *j = f->free, *next; j != NULL; j = next) {
        next = j->next;
        job_destroy(j);
    }
    (void)curl_multi_cleanup(f->multi);
    mw_free(f);
}

static size_t take_body(char *data, size_t size, size_t count, void *ctx)
{
    struct job *j = ctx;
    size_t n = size * count;
    if (j->body.length + n > FETCH_BYTES_MAX) {
        j->over = true;
        return 0;
    }
    text_add_n(&j->body, data, n);
    return j->body.failed ? 0 : n;
}

static void take_value(const char *data, size_t n, const char *name, char to[HEADER_MAX])
{
    size_t length = strlen(name);
    if (n <= length || strncasecmp(data, name, length) != 0)
        return;
    data += length;
    n -= length;
    while (n > 0 && (*data == ' ' || *data == '\t')) {
        data++;
        n--;
    }
    while (n > 0 && (data[n - 1] == '\r' || data[n - 1] == '\n' || data[n - 1] == ' '))
        n--;
    if (n < HEADER_MAX) {
        memcpy(to, data, n);
        to[n] = '\0';
    }
}

static size_t take_header(char *data, size_t size, size_t count, void *ctx)
{
    struct job *j = ctx;
    take_value(data, size * count, "X-Auth-Token:", j->token);
    take_value(data, size * count, "Location:", j->location);
    return size * count;
}

static bool add_header(struct job *j, const char *line)
{
    struct curl_slist *grown = curl_slist_append(j->headers, line);
    if (grown == NULL)
        return false;
    j->headers = grown;
    return true;
}

static void set_trust(CURL *e, const struct fetch_trust *t)
{
    if (t == NULL)
        return; /* libcurl's own default: verify */
    if (t->ca != NULL)
        (void)curl_easy_setopt(e, CURLOPT_CAINFO, t->ca);
    if (t->pin != NULL)
        (void)curl_easy_setopt(e, CURLOPT_PINNEDPUBLICKEY, t->pin);
    if (t->pin != NULL || t->insecure) {
        (void)curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 0L);
        (void)curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L);
    }
}

static bool set_headers(struct job *j, const struct fetch_request *q)
{
    char accept[128];
    (void)snprintf(accept, sizeof(accept), "Accept: %s",
                   q->accept != NULL ? q->accept : "application/json");
    return add_header(j, accept) && add_header(j, "OData-Version: 4.0") &&
           (q->token_header == NULL || add_header(j, q->token_header)) &&
           (q->body == NULL || add_header(j, "Content-Type: application/json")) &&
           curl_easy_setopt(j->easy, CURLOPT_HTTPHEADER, j->headers) == CURLE_OK;
}

static bool set_request(struct job *j, const struct fetch_request *q)
{
    CURL *e = j->easy;
    bool fine = curl_easy_setopt(e, CURLOPT_URL, q->url) == CURLE_OK && set_headers(j, q);
    (void)curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(e, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)q->deadline_ms);
    (void)curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "");
    (void)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take_body);
    (void)curl_easy_setopt(e, CURLOPT_WRITEDATA, j);
    (void)curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, take_header);
    (void)curl_easy_setopt(e, CURLOPT_HEADERDATA, j);
    (void)curl_easy_setopt(e, CURLOPT_ERRORBUFFER, j->error);
    (void)curl_easy_setopt(e, CURLOPT_PRIVATE, j);
    set_trust(e, q->trust);
    if (q->user != NULL) {
        fine = fine && curl_easy_setopt(e, CURLOPT_USERNAME, q->user) == CURLE_OK &&
               curl_easy_setopt(e, CURLOPT_PASSWORD, q->password) == CURLE_OK;
        (void)curl_easy_setopt(e, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    }
    if (q->body != NULL)
        fine = fine && curl_easy_setopt(e, CURLOPT_COPYPOSTFIELDS, q->body) == CURLE_OK;
    if (q->method != NULL)
        fine = fine && curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, q->method) == CURLE_OK;
    return fine;
}

static struct job *job_new(struct fetch *f)
{
    struct job *j = f->free;
    if (j != NULL) {
        f->free = j->next;
        return j;
    }
    j = mw_calloc(1, sizeof(*j));
    if (j != NULL && (j->easy = curl_easy_init()) == NULL) {
        mw_free(j);
        return NULL;
    }
    return j;
}

static void job_free(struct fetch *f, struct job *j)
{
    curl_easy_reset(j->easy);
    curl_slist_free_all(j->headers);
    j->headers = NULL;
    text_fini(&j->body); /* what one large answer took is not kept a thousand times */
    explicit_bzero(j->token, sizeof(j->token));
    j->next = f->free;
    f->free = j;
}

/* Those that wait begin, as long as there is room. */
static void begin(struct fetch *f)
{
    while (f->first != NULL && f->running < f->running_max) {
        struct job *j = f->first;
        f->first = j->next;
        if (f->first == NULL)
            f->last = NULL;
        must(curl_multi_add_handle(f->multi, j->easy) == CURLM_OK);
        f->running++;
    }
}

int fetch_start(struct fetch *f, const struct fetch_request *q, fetch_done_fn *done, void *ctx,
                struct mw_error *err)
{
    must(q->deadline_ms > 0 && done != NULL);
    struct job *j = job_new(f);
    if (j == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    j->f = f;
    j->done = done;
    j->ctx = ctx;
    j->over = false;
    j->next = NULL;
    j->token[0] = j->location[0] = j->error[0] = '\0';
    if (!set_request(j, q)) {
        job_free(f, j);
        return mw_fail(err, MW_ENOMEM, "out of memory");
    }
    if (f->last != NULL)
        f->last->next = j;
    else
        f->first = j;
    f->last = j;
    return 0;
}

static int code_of(CURLcode c)
{
    switch (c) {
    case CURLE_OK: return 0;
    case CURLE_OPERATION_TIMEDOUT: return MW_ETIMEOUT;
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST: return MW_EUNREACHABLE;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_CACERT_BADFILE: return MW_EDENIED;
    default: return MW_EIO;
    }
}

static void finish(struct fetch *f, struct job *j, CURLcode code)
{
    struct fetch_result r = { .rc = code_of(code), .token = j->token, .location = j->location };
    if (j->over)
        r.rc = MW_ELIMIT;
    (void)curl_easy_getinfo(j->easy, CURLINFO_RESPONSE_CODE, &r.status);
    r.body = text_string(&j->body);
    r.size = j->body.length;
    r.text = j->over ? "the answer is longer than is read" :
             code == CURLE_OK ? "" :
             j->error[0] != '\0' ? j->error : curl_easy_strerror(code);
    must(curl_multi_remove_handle(f->multi, j->easy) == CURLM_OK);
    f->running--;
    j->done(j->ctx, &r);
    job_free(f, j);
}

void fetch_run(struct fetch *f)
{
    begin(f);
    while (f->running > 0) {
        int running = 0, left;
        const CURLMsg *m;
        must(curl_multi_perform(f->multi, &running) == CURLM_OK);
        while ((m = curl_multi_info_read(f->multi, &left)) != NULL) {
            char *at = NULL;
            CURLcode code = m->data.result;
            if (m->msg != CURLMSG_DONE)
                continue;
            (void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &at);
            finish(f, (struct job *)(void *)at, code);
        }
        begin(f);
        if (f->running > 0)
            (void)curl_multi_poll(f->multi, NULL, 0, WAIT_MS, NULL);
    }
    must(f->first == NULL);
}
