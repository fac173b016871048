/*
 * A ring of samples between the writer and one thread that sends.  libcurl is
 * whatever the program links; libsnappy is loaded when it is needed: it brings
 * the C++ run time, which no other command of ours wants at its start.
 */
#include "live/remote_write.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <snappy-c.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/mem.h"
#include "live/remote_write_private.h"
#include "signal/machines.h"

#define VALUES_MAX SAMPLES_SERIES_MAX
#define REQUEST_MS 10000L
#define RETRY_MS_MIN 100
#define RETRY_MS_MAX 10000
#define END_MS 2000
#define URL_MAX 1024
#define AGENT "User-Agent: millwright/" MW_VERSION
#define TOKEN_MAX 2048

/* What was said of a machine. */
struct fed {
    int64_t again_ms; /* when all of it was said last; 0 = never */
    uint32_t parts;   /* that had been named then */
};

struct remote_write {
    pthread_mutex_t lock;
    pthread_cond_t more;
    pthread_t thread;
    struct remote_sample *ring; /* owned */
    uint32_t ring_max, first, length;
    struct remote_names names;
    struct remote_write_stats stats;
    bool end;
    int64_t end_ms;

    /* of the writer's thread */
    int64_t fed_ms;
    struct fed *fed;               /* owned: by machine */
    uint32_t fed_room;
    struct machine_value *value;   /* owned: VALUES_MAX */

    /* of the sending thread */
    CURL *curl;
    struct curl_slist *headers;
    struct remote_sample batch[REMOTE_SEND_MAX];
    void *library;
    __typeof__(snappy_compress) *compress;
    __typeof__(snappy_max_compressed_length) *compressed_max;
    char url[URL_MAX], ca[URL_MAX], why[CURL_ERROR_SIZE];
};

static int64_t clock_ms(void)
{
    struct timespec t = { 0 };
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void enter(struct remote_write *w)
{
    must(pthread_mutex_lock(&w->lock) == 0);
}

static void leave(struct remote_write *w)
{
    must(pthread_mutex_unlock(&w->lock) == 0);
}

/* ---- feeding: the writer's thread ----------------------------------------------------------- */

static void put(struct remote_write *w, uint32_t machine, const struct machine_value *v,
                int64_t at_ms)
{
    if (w->length == w->ring_max) {
        w->stats.dropped++;
        return;
    }
    w->ring[(w->first + w->length++) % w->ring_max] = (struct remote_sample){
        .machine = machine, .instance = v->instance, .metric = v->metric, .value = v->value,
        .at_ms = at_ms };
}

static void put_names(struct remote_write *w, const struct machines *m, uint32_t machine)
{
    const struct machine_part *p;
    remote_names_put(&w->names, machine, SCOPE_COUNT, 0, machines_info(m, machine).name);
    for (uint32_t k = 0; (p = machines_part(m, machine, k)) != NULL; k++)
        if (p->scope < SCOPE_COUNT && !p->gone)
            remote_names_put(&w->names, machine, p->scope, p->n, p->name);
}

static void feed_machine(struct remote_write *w, const struct machines *m, uint32_t machine,
                         int64_t now_ms)
{
    struct fed *f = &w->fed[machine];
    bool all = now_ms - f->again_ms >= REMOTE_AGAIN_MS;
    uint32_t parts = machines_info(m, machine).parts;
    uint32_t n = machines_values(m, machine, w->value, VALUES_MAX);
    enter(w);
    if (all || parts != f->parts)
        put_names(w, m, machine);
    f->parts = parts;
    if (all) /* not all machines in the same second from now on */
        f->again_ms = f->again_ms == 0 ? now_ms - machine % 60 * 1000 : now_ms;
    for (uint32_t i = 0; i < n; i++) {
        /* What changed in this very millisecond is left to the next round: two values of one series
         * with one time would be refused. */
        bool news = w->value[i].at_ms > w->fed_ms && w->value[i].at_ms <= now_ms;
        if (news || all)
            put(w, machine, &w->value[i], all ? now_ms : w->value[i].at_ms);
    }
    must(pthread_cond_signal(&w->more) == 0);
    leave(w);
}

static bool make_room(struct remote_write *w, uint32_t machines)
{
    if (machines <= w->fed_room)
        return true;
    uint32_t room = MW_MIN(MW_MAX(machines, w->fed_room * 2), (uint32_t)REMOTE_MACHINES_MAX);
    struct fed *grown = mw_resize(w->fed, room, sizeof(*grown));
    if (grown == NULL)
        return false;
    memset(grown + w->fed_room, 0, (room - w->fed_room) * sizeof(*grown));
    w->fed = grown;
    w->fed_room = room;
    return true;
}

void remote_write_feed(struct remote_write *w, const struct machines *m, int64_t now_ms)
{
    uint32_t machines = MW_MIN(machines_count(m), (uint32_t)REMOTE_MACHINES_MAX);
    if (now_ms - w->fed_ms < REMOTE_FEED_MS || !make_room(w, machines))
        return;
    for (uint32_t i = 0; i < machines; i++)
        feed_machine(w, m, i, now_ms);
    w->fed_ms = now_ms;
}

struct remote_write_stats remote_write_stats(struct remote_write *w)
{
    enter(w);
    struct remote_write_stats s = w->stats;
    s.queued = w->length;
    leave(w);
    return s;
}

/* ---- sending: its own thread ---------------------------------------------------------------- */

static size_t ignore(char *data, size_t size, size_t count, void *ctx)
{
    (void)data;
    (void)ctx;
    return size * count;
}

/* 0: taken; MW_EINVAL: it will never be; MW_EUNREACHABLE: try again. */
static int post(struct remote_write *w, const char *bytes, size_t size, long *ret_status)
{
    CURL *c = w->curl;
    w->why[0] = '\0';
    *ret_status = 0;
    (void)curl_easy_setopt(c, CURLOPT_URL, w->url);
    (void)curl_easy_setopt(c, CURLOPT_HTTPHEADER, w->headers);
    (void)curl_easy_setopt(c, CURLOPT_POSTFIELDS, bytes);
    (void)curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)size);
    (void)curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, REQUEST_MS);
    (void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, ignore);
    (void)curl_easy_setopt(c, CURLOPT_ERRORBUFFER, w->why);
    if (w->ca[0] != '\0')
        (void)curl_easy_setopt(c, CURLOPT_CAINFO, w->ca);
    if (curl_easy_perform(c) != CURLE_OK)
        return MW_EUNREACHABLE;
    (void)curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, ret_status);
    if (*ret_status / 100 == 2)
        return 0;
    return *ret_status / 100 == 5 || *ret_status == 429 || *ret_status == 408 ? MW_EUNREACHABLE
                                                                             : MW_EINVAL;
}

static int compress(struct remote_write *w, uint32_t samples, char **ret, size_t *ret_size)
{
    uint8_t *plain mw_cleanup(mw_freep) = NULL;
    size_t size = 0;
    enter(w); /* the names grow under it */
    int rc = remote_request_make(&w->names, w->batch, samples, &plain, &size, NULL);
    leave(w);
    if (rc < 0)
        return rc;
    *ret_size = w->compressed_max(size);
    *ret = mw_calloc(*ret_size, 1);
    if (*ret == NULL)
        return MW_ENOMEM;
    must(w->compress((const char *)plain, size, *ret, ret_size) == SNAPPY_OK);
    return 0;
}

static void set_trouble(struct remote_write *w, long status)
{
    if (status != 0)
        (void)snprintf(w->stats.trouble, sizeof(w->stats.trouble), "%.100s answers with status %ld",
                       w->url, status);
    else
        (void)snprintf(w->stats.trouble, sizeof(w->stats.trouble), "%.100s: %.50s", w->url,
                       w->why[0] != '\0' ? w->why : "no answer");
}

/* Waits under the lock; true: the program ends. */
static bool wait_more(struct remote_write *w, int64_t ms)
{
    int64_t until_ms = clock_ms() + ms;
    const struct timespec t = { .tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000 };
    while (!w->end && clock_ms() < until_ms)
        (void)pthread_cond_timedwait(&w->more, &w->lock, &t);
    return w->end;
}

/* A batch until it is taken or refused; its samples are counted either way. */
static void send_batch(struct remote_write *w, uint32_t samples)
{
    char *bytes mw_cleanup(mw_freep) = NULL;
    size_t size = 0;
    int64_t delay_ms = RETRY_MS_MIN;
    long status = 0;
    int rc = compress(w, samples, &bytes, &size);
    while (rc == 0) {
        rc = post(w, bytes, size, &status);
        enter(w);
        w->stats.requests++;
        if (rc == 0)
            w->stats.trouble[0] = '\0';
        else
            set_trouble(w, status);
        bool again = rc == MW_EUNREACHABLE && !(w->end && clock_ms() >= w->end_ms);
        if (again) {
            w->stats.retries++;
            (void)wait_more(w, w->end ? RETRY_MS_MIN : delay_ms);
            delay_ms = MW_MIN(delay_ms * 2, RETRY_MS_MAX);
        }
        leave(w);
        if (!again)
            break;
        rc = 0;
    }
    enter(w);
    w->stats.sent += rc == 0 ? samples : 0;
    w->stats.refused += rc == MW_EINVAL ? samples : 0;
    w->stats.dropped += rc != 0 && rc != MW_EINVAL ? samples : 0;
    leave(w);
}

static uint32_t take_batch(struct remote_write *w)
{
    uint32_t n = MW_MIN(w->length, (uint32_t)REMOTE_SEND_MAX);
    for (uint32_t i = 0; i < n; i++)
        w->batch[i] = w->ring[(w->first + i) % w->ring_max];
    w->first = (w->first + n) % w->ring_max;
    w->length -= n;
    return n;
}

static void *send_all(void *ctx)
{
    struct remote_write *w = ctx;
    enter(w);
    while (!w->end || (w->length > 0 && clock_ms() < w->end_ms)) {
        if (w->length == 0) {
            (void)pthread_cond_wait(&w->more, &w->lock);
            continue;
        }
        uint32_t n = take_batch(w);
        leave(w);
        send_batch(w, n);
        enter(w);
    }
    w->stats.dropped += w->length;
    w->length = 0;
    leave(w);
    return NULL;
}

/* ---- making --------------------------------------------------------------------------------- */

static int load_snappy(struct remote_write *w, struct mw_error *err)
{
    w->library = dlopen("libsnappy.so.1", RTLD_NOW | RTLD_LOCAL);
    if (w->library != NULL) {
        *(void **)&w->compress = dlsym(w->library, "snappy_compress");
        *(void **)&w->compressed_max = dlsym(w->library, "snappy_max_compressed_length");
    }
    return w->compress != NULL && w->compressed_max != NULL ? 0 :
           mw_fail(err, MW_ENOTFOUND, "remote write needs libsnappy.so.1 (Debian: libsnappy1v5)");
}

static int add_token(struct remote_write *w, const char *path, struct mw_error *err)
{
    char *text mw_cleanup(mw_freep) = NULL, line[TOKEN_MAX + 32];
    size_t size = 0;
    struct stat st;
    if (path == NULL)
        return 0;
    int rc = mw_read_file(path, TOKEN_MAX, false, &text, &size, err);
    if (rc < 0)
        return rc;
    if (stat(path, &st) != 0 || (st.st_mode & 077) != 0)
        return mw_fail(err, MW_EDENIED, "%s can be read by others: chmod 600 it", path);
    (void)snprintf(line, sizeof(line), "Authorization: Bearer %.*s", (int)strcspn(text, "\r\n"),
                   text);
    struct curl_slist *grown = curl_slist_append(w->headers, line);
    explicit_bzero(line, sizeof(line));
    if (grown == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    w->headers = grown;
    return 0;
}

static int set_up(struct remote_write *w, const struct remote_write_options *o,
                  struct mw_error *err)
{
    static const char *const lines[] = { "Content-Type: application/x-protobuf",
                                         "Content-Encoding: snappy",
                                         "X-Prometheus-Remote-Write-Version: 0.1.0",
                                         AGENT, "Expect:" };
    if (strncmp(o->url, "http://", 7) != 0 && strncmp(o->url, "https://", 8) != 0)
        return mw_fail(err, MW_EINVAL, "%.200s: not a URL of http or https", o->url);
    if (strlen(o->url) >= sizeof(w->url) || (o->ca != NULL && strlen(o->ca) >= sizeof(w->ca)))
        return mw_fail(err, MW_EINVAL, "the URL is longer than %d bytes", URL_MAX - 1);
    (void)snprintf(w->url, sizeof(w->url), "%s", o->url);
    (void)snprintf(w->ca, sizeof(w->ca), "%s", o->ca != NULL ? o->ca : "");
    w->ring_max = o->queue_max > 0 ? o->queue_max : REMOTE_QUEUE_MAX;
    w->ring = mw_calloc(w->ring_max, sizeof(*w->ring));
    w->value = mw_calloc(VALUES_MAX, sizeof(*w->value));
    w->curl = curl_easy_init();
    for (size_t i = 0; i < MW_ARRAY_LEN(lines); i++) {
        struct curl_slist *grown = curl_slist_append(w->headers, lines[i]);
        if (grown == NULL)
            return mw_fail(err, MW_ENOMEM, "out of memory");
        w->headers = grown;
    }
    if (w->ring == NULL || w->value == NULL || w->curl == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    return add_token(w, o->token_file, err);
}

static void free_all(struct remote_write *w)
{
    if (w->curl != NULL)
        curl_easy_cleanup(w->curl);
    curl_slist_free_all(w->headers);
    if (w->library != NULL)
        (void)dlclose(w->library);
    remote_names_fini(&w->names);
    mw_free(w->ring);
    mw_free(w->value);
    mw_free(w->fed);
    (void)pthread_cond_destroy(&w->more);
    (void)pthread_mutex_destroy(&w->lock);
    mw_free(w);
}

int remote_write_create(const struct remote_write_options *o, struct remote_write **ret,
                        struct mw_error *err)
{
    struct remote_write *w = mw_calloc(1, sizeof(*w));
    pthread_condattr_t clock;
    if (w == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    must(pthread_condattr_init(&clock) == 0);
    must(pthread_condattr_setclock(&clock, CLOCK_MONOTONIC) == 0);
    must(pthread_mutex_init(&w->lock, NULL) == 0 && pthread_cond_init(&w->more, &clock) == 0);
    (void)pthread_condattr_destroy(&clock);
    int rc = load_snappy(w, err);
    if (rc == 0)
        rc = set_up(w, o, err);
    if (rc == 0 && remote_names_init(&w->names) < 0)
        rc = mw_fail(err, MW_ENOMEM, "out of memory");
    if (rc == 0 && pthread_create(&w->thread, NULL, send_all, w) != 0)
        rc = mw_fail(err, MW_ENOMEM, "no thread can be made");
    if (rc < 0)
        free_all(w);
    else
        *ret = w;
    return rc;
}

struct remote_write_stats remote_write_end(struct remote_write *w)
{
    enter(w);
    bool first = !w->end;
    w->end = true;
    w->end_ms = first ? clock_ms() + END_MS : w->end_ms;
    must(pthread_cond_broadcast(&w->more) == 0);
    leave(w);
    if (first)
        must(pthread_join(w->thread, NULL) == 0);
    return remote_write_stats(w);
}

void remote_write_destroy(struct remote_write *w)
{
    if (w == NULL)
        return;
    (void)remote_write_end(w);
    free_all(w);
}
