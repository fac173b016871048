/*
 * The worker that makes requests.  See outbound.h.
 *
 * Two lists under one mutex: what waits, which the worker takes from, and what
 * ended, which the event base takes from, woken by an eventfd.  A job belongs to
 * whoever took it last; at most AT_ONCE are under way.
 */
#include "api/outbound.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <curl/curl.h>
#include <event2/event.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"

#define AT_ONCE 16 /* chosen: a provider and a few receivers, none of which can stop the others */
#define CONNECT_NS (5 * MW_NS_PER_S)
#define POLL_MS 1000

struct job {
    struct job *next;
    CURL *curl;
    struct curl_slist *headers;
    char *body;                 /* owned; NULL = none */
    size_t answer_max;
    struct text answer;
    bool too_long;
    char why[CURL_ERROR_SIZE];
    CURLcode result;
    /* Of the base's thread only: */
    struct job *before, *after; /* among all that were taken and not told */
    outbound_done_fn *done;     /* NULL = forgotten */
    void *ctx;
};

struct list {
    struct job *first, *last;
};

struct outbound {
    pthread_t thread;
    pthread_mutex_t lock;
    struct list waiting, ended; /* under the lock */
    struct job *all;            /* not yet told; of the base's thread, as is their number */
    uint32_t taken;
    bool stop;                  /* under the lock */
    bool running, ending;
    CURLM *multi;
    int bell;
    struct event *heard;
    char *ca_file;
    uint32_t at_once;           /* of the worker, until it has ended */
    struct job *under_way[AT_ONCE];
};

static void list_add(struct list *l, struct job *j)
{
    j->next = NULL;
    if (l->last != NULL)
        l->last->next = j;
    else
        l->first = j;
    l->last = j;
}

static struct job *list_take(struct list *l)
{
    struct job *j = l->first;
    if (j != NULL)
        l->first = j->next;
    if (l->first == NULL)
        l->last = NULL;
    return j;
}

static void job_destroy(struct job *j)
{
    if (j == NULL)
        return;
    if (j->curl != NULL)
        curl_easy_cleanup(j->curl);
    curl_slist_free_all(j->headers);
    text_fini(&j->answer);
    mw_free(j->body);
    mw_free(j);
}

/* ---- the worker ---------------------------------------------------------------------------- */

static void ended(struct outbound *o, struct job *j, CURLcode result)
{
    const uint64_t one = 1;
    j->result = result;
    (void)pthread_mutex_lock(&o->lock);
    list_add(&o->ended, j);
    (void)pthread_mutex_unlock(&o->lock);
    (void)!write(o->bell, &one, sizeof(one));
}

static void begin_waiting(struct outbound *o)
{
    while (o->at_once < AT_ONCE) {
        (void)pthread_mutex_lock(&o->lock);
        struct job *j = list_take(&o->waiting);
        (void)pthread_mutex_unlock(&o->lock);
        if (j == NULL)
            return;
        if (curl_multi_add_handle(o->multi, j->curl) == CURLM_OK)
            o->under_way[o->at_once++] = j;
        else
            ended(o, j, CURLE_OUT_OF_MEMORY);
    }
}

static void remove_job(struct outbound *o, const struct job *j)
{
    uint32_t i = 0;
    while (i < o->at_once && o->under_way[i] != j)
        i++;
    must(i < o->at_once);
    o->under_way[i] = o->under_way[--o->at_once];
}

static void take_ended(struct outbound *o)
{
    int left = 0;
    for (CURLMsg *m; (m = curl_multi_info_read(o->multi, &left)) != NULL;) {
        if (m->msg != CURLMSG_DONE)
            continue;
        char *private = NULL;
        CURLcode result = m->data.result;
        CURL *h = m->easy_handle;
        (void)curl_easy_getinfo(h, CURLINFO_PRIVATE, &private);
        (void)curl_multi_remove_handle(o->multi, h);
        struct job *j = (struct job *)(void *)private;
        remove_job(o, j);
        ended(o, j, result);
    }
}

static bool stopped(struct outbound *o)
{
    (void)pthread_mutex_lock(&o->lock);
    bool stop = o->stop;
    (void)pthread_mutex_unlock(&o->lock);
    return stop;
}

static void *work(void *ctx)
{
    struct outbound *o = ctx;
    int still = 0;
    while (!stopped(o)) {
        (void)curl_multi_perform(o->multi, &still);
        take_ended(o);
        begin_waiting(o);
        /* Woken by a new request as well; a second is no more than a net below that. */
        (void)curl_multi_poll(o->multi, NULL, 0, POLL_MS, NULL);
    }
    return NULL;
}

/* ---- the event base's side ----------------------------------------------------------------- */

static size_t on_bytes(char *data, size_t size, size_t n, void *ctx)
{
    struct job *j = ctx;
    size_t length = size * n;
    if (length > j->answer_max - j->answer.length) {
        j->too_long = true;
        return 0;
    }
    text_add_n(&j->answer, data, length);
    return j->answer.failed ? 0 : length;
}

static int code_of(const struct job *j)
{
    if (j->too_long)
        return MW_ELIMIT;
    switch (j->result) {
    case CURLE_OK:
        return 0;
    case CURLE_OPERATION_TIMEDOUT:
        return MW_ETIMEOUT;
    case CURLE_OUT_OF_MEMORY:
        return MW_ENOMEM;
    default:
        return j->answer.failed ? MW_ENOMEM : MW_EUNREACHABLE;
    }
}

/* N of "max-age=N", -1 when it is not there; 0 for no-store and no-cache. */
static int64_t max_age(CURL *h)
{
    struct curl_header *header = NULL;
    char word[24];
    uint64_t n = 0;
    if (curl_easy_header(h, "Cache-Control", 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return -1;
    if (strstr(header->value, "no-store") != NULL || strstr(header->value, "no-cache") != NULL)
        return 0;
    const char *at = strstr(header->value, "max-age=");
    size_t size = at != NULL ? strspn(at + 8, "0123456789") : 0;
    if (size == 0 || size >= sizeof(word))
        return -1;
    memcpy(word, at + 8, size);
    word[size] = '\0';
    return mw_parse_u64(word, &n) == 0 && n <= INT64_MAX ? (int64_t)n : -1;
}

/* Out of the list, told, and freed. */
static void finish(struct outbound *o, struct job *j, const struct outbound_answer *a)
{
    if (j->before != NULL)
        j->before->after = j->after;
    else
        o->all = j->after;
    if (j->after != NULL)
        j->after->before = j->before;
    o->taken--;
    if (j->done != NULL)
        j->done(j->ctx, a);
    job_destroy(j);
}

static void tell(struct outbound *o, struct job *j)
{
    const char *type = NULL;
    curl_off_t took_us = 0, retry_s = 0;
    struct outbound_answer a = { .code = code_of(j), .body = text_string(&j->answer),
                                 .size = j->answer.length, .type = "", .max_age_s = -1,
                                 .retry_after_s = -1, .text = "" };
    (void)curl_easy_getinfo(j->curl, CURLINFO_TOTAL_TIME_T, &took_us);
    a.took_ns = (int64_t)took_us * MW_NS_PER_US;
    if (a.code == 0) {
        (void)curl_easy_getinfo(j->curl, CURLINFO_RESPONSE_CODE, &a.status);
        if (curl_easy_getinfo(j->curl, CURLINFO_CONTENT_TYPE, &type) == CURLE_OK && type != NULL)
            a.type = type;
        if (curl_easy_getinfo(j->curl, CURLINFO_RETRY_AFTER, &retry_s) == CURLE_OK && retry_s > 0)
            a.retry_after_s = (int64_t)retry_s;
        a.max_age_s = max_age(j->curl);
    } else {
        a.text = j->too_long ? "the answer is too long"
                 : j->why[0] != '\0' ? j->why : curl_easy_strerror(j->result);
    }
    finish(o, j, &a);
}

static void on_bell(evutil_socket_t fd, short what, void *ctx)
{
    struct outbound *o = ctx;
    uint64_t rung = 0;
    (void)what;
    (void)!read(fd, &rung, sizeof(rung));
    /* As many as were there: a completion that asks again must not keep the loop here. */
    for (uint32_t i = 0; i <= OUTBOUND_WAITING_MAX; i++) {
        (void)pthread_mutex_lock(&o->lock);
        struct job *j = list_take(&o->ended);
        (void)pthread_mutex_unlock(&o->lock);
        if (j == NULL)
            return;
        tell(o, j);
    }
}

/* ---- asking -------------------------------------------------------------------------------- */

static bool one_line(const char *s)
{
    return s != NULL && strpbrk(s, "\r\n") == NULL;
}

static int check(const struct outbound_request *q, struct mw_error *err)
{
    static const char *const methods[] = { "GET", "POST", "PUT", "DELETE" };
    bool known = false;
    for (size_t i = 0; i < MW_ARRAY_LEN(methods); i++)
        known = known || strcmp(methods[i], q->method) == 0;
    if (!known)
        return mw_fail(err, MW_EINVAL, "there is no method %.20s here", q->method);
    if (!one_line(q->url) || (strncmp(q->url, "http://", 7) != 0 &&
                              strncmp(q->url, "https://", 8) != 0))
        return mw_fail(err, MW_EINVAL, "%.200s is no http:// or https:// address", q->url);
    for (size_t i = 0; i < OUTBOUND_HEADERS_MAX && q->headers[i] != NULL; i++)
        if (!one_line(q->headers[i]))
            return mw_fail(err, MW_EINVAL, "a header must be one line");
    return 0;
}

static struct curl_slist *copy_headers(const struct outbound_request *q)
{
    /* An empty "Expect:" so that a body is not held back for a second. */
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    for (size_t i = 0; list != NULL && i < OUTBOUND_HEADERS_MAX && q->headers[i] != NULL; i++) {
        struct curl_slist *longer = curl_slist_append(list, q->headers[i]);
        if (longer == NULL)
            curl_slist_free_all(list);
        list = longer;
    }
    return list;
}

static bool set_method(CURL *h, const struct outbound_request *q, const struct job *j)
{
    bool good = true;
    if (j->body != NULL || q->method[0] == 'P')
        good = curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->size) == CURLE_OK &&
               curl_easy_setopt(h, CURLOPT_POSTFIELDS, j->body != NULL ? j->body : "") == CURLE_OK;
    return good && curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, q->method) == CURLE_OK;
}

static bool set_limits(CURL *h, const struct outbound_request *q)
{
    int64_t timeout_ns = q->timeout_ns > 0 ? q->timeout_ns : OUTBOUND_TIMEOUT_NS;
    long connect_ms = (long)(MW_MIN(timeout_ns, CONNECT_NS) / MW_NS_PER_MS);
    return curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)(timeout_ns / MW_NS_PER_MS)) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, connect_ms) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
}

static bool set_peer(CURL *h, const struct outbound *o, const struct outbound_request *q)
{
    bool good = curl_easy_setopt(h, CURLOPT_URL, q->url) == CURLE_OK &&
                curl_easy_setopt(h, CURLOPT_USERAGENT, "millwright/" MW_VERSION) == CURLE_OK;
    const char *ca = q->ca_file != NULL ? q->ca_file : o->ca_file;
    if (good && ca != NULL)
        good = curl_easy_setopt(h, CURLOPT_CAINFO, ca) == CURLE_OK;
    if (good && q->user != NULL)
        good = curl_easy_setopt(h, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC) == CURLE_OK &&
               curl_easy_setopt(h, CURLOPT_USERNAME, q->user) == CURLE_OK &&
               curl_easy_setopt(h, CURLOPT_PASSWORD, q->password ? q->password : "") == CURLE_OK;
    return good;
}

static bool prepare(struct job *j, const struct outbound *o, const struct outbound_request *q)
{
    j->curl = curl_easy_init();
    j->headers = copy_headers(q);
    if (q->body != NULL) {
        j->body = mw_calloc(1, q->size + 1);
        if (j->body == NULL)
            return false;
        memcpy(j->body, q->body, q->size);
    }
    CURL *h = j->curl;
    return h != NULL && j->headers != NULL && set_peer(h, o, q) && set_limits(h, q) &&
           set_method(h, q, j) && curl_easy_setopt(h, CURLOPT_HTTPHEADER, j->headers) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_bytes) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_WRITEDATA, j) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_ERRORBUFFER, j->why) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_PRIVATE, (char *)j) == CURLE_OK;
}

int outbound_ask(struct outbound *o, const struct outbound_request *q, outbound_done_fn *done,
                 void *ctx, struct mw_error *err)
{
    must(o != NULL && q != NULL && q->method != NULL && q->url != NULL && done != NULL);
    int rc = check(q, err);
    if (rc < 0)
        return rc;
    if (o->ending || o->taken >= OUTBOUND_WAITING_MAX)
        return mw_fail(err, MW_ELIMIT, "%u requests to others are waiting already", o->taken);
    struct job *j = mw_calloc(1, sizeof(*j));
    if (j == NULL || !prepare(j, o, q)) {
        job_destroy(j);
        return mw_fail(err, MW_ENOMEM, "out of memory");
    }
    j->done = done;
    j->ctx = ctx;
    j->answer_max = q->answer_max != 0 ? q->answer_max : OUTBOUND_ANSWER_MAX;
    j->after = o->all;
    if (o->all != NULL)
        o->all->before = j;
    o->all = j;
    o->taken++;
    (void)pthread_mutex_lock(&o->lock);
    list_add(&o->waiting, j);
    (void)pthread_mutex_unlock(&o->lock);
    (void)curl_multi_wakeup(o->multi);
    return 0;
}

void outbound_forget(struct outbound *o, const void *ctx)
{
    must(o != NULL);
    for (struct job *j = o->all; j != NULL; j = j->after)
        if (j->ctx == ctx)
            j->done = NULL;
}

uint32_t outbound_waiting(const struct outbound *o)
{
    must(o != NULL);
    return o->taken;
}

/* ---- begin and end ------------------------------------------------------------------------- */

static int init(struct outbound *o, const struct outbound_options *options, struct mw_error *err)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return mw_fail(err, MW_ENOMEM, "libcurl cannot be started");
    if (pthread_mutex_init(&o->lock, NULL) != 0)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    o->multi = curl_multi_init();
    o->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    o->ca_file = options->ca_file != NULL ? mw_strdup(options->ca_file) : NULL;
    if (o->multi == NULL || o->bell < 0 || (options->ca_file != NULL && o->ca_file == NULL))
        return mw_fail(err, MW_ENOMEM, "out of memory");
    o->heard = event_new(options->base, o->bell, EV_READ | EV_PERSIST, on_bell, o);
    if (o->heard == NULL || event_add(o->heard, NULL) != 0)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    o->running = pthread_create(&o->thread, NULL, work, o) == 0;
    return o->running ? 0 : mw_fail(err, MW_ENOMEM, "a thread cannot be started");
}

int outbound_create(const struct outbound_options *options, struct outbound **ret,
                    struct mw_error *err)
{
    must(options != NULL && options->base != NULL && ret != NULL);
    struct outbound *o = mw_calloc(1, sizeof(*o));
    if (o == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    o->bell = -1;
    int rc = init(o, options, err);
    if (rc < 0) {
        outbound_destroy(o);
        return rc;
    }
    *ret = o;
    return 0;
}

/* Tells everyone who still waits that nothing will come. */
static void tell_the_rest(struct outbound *o, struct list *l)
{
    const struct outbound_answer a = { .code = MW_EBUSY, .body = "", .type = "", .max_age_s = -1,
                                       .retry_after_s = -1, .text = "the daemon is stopping" };
    for (struct job *j; (j = list_take(l)) != NULL;)
        finish(o, j, &a);
}

/* What is under way is taken out of the worker's hands. */
static void give_back(struct outbound *o)
{
    for (uint32_t i = 0; i < o->at_once; i++) {
        (void)curl_multi_remove_handle(o->multi, o->under_way[i]->curl);
        list_add(&o->ended, o->under_way[i]);
    }
    o->at_once = 0;
}

void outbound_destroy(struct outbound *o)
{
    if (o == NULL)
        return;
    o->ending = true;
    if (o->running) {
        (void)pthread_mutex_lock(&o->lock);
        o->stop = true;
        (void)pthread_mutex_unlock(&o->lock);
        (void)curl_multi_wakeup(o->multi);
        (void)pthread_join(o->thread, NULL);
        give_back(o);
        tell_the_rest(o, &o->ended);
        tell_the_rest(o, &o->waiting);
    }
    if (o->heard != NULL)
        event_free(o->heard);
    if (o->bell >= 0)
        (void)close(o->bell);
    if (o->multi != NULL)
        (void)curl_multi_cleanup(o->multi);
    (void)pthread_mutex_destroy(&o->lock);
    mw_free(o->ca_file);
    mw_free(o);
}
