/* Bringing receivers in line with the open incidents.  See alerts.h. */
#include "api/alerts.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <event2/event.h>

#include "api/alerts_sent.h"
#include "api/outbound.h"
#include "api/parts.h"
#include "api/views.h"
#include "base/mem.h"
#include "base/units.h"

#define BACKOFF_MS INT64_C(1000)
#define BACKOFF_MS_MAX INT64_C(60000)
#define UNTIL_REPEATS 4 /* Alertmanager forgets what it has not heard of for so many repeats */

struct mail {
    struct alerts *alerts;
    const struct alert_receiver *to;
    struct sent_list sent;
    uint64_t batch[ALERTS_BATCH]; /* incidents of the request under way */
    bool batch_open[ALERTS_BATCH];
    uint8_t batch_severity[ALERTS_BATCH];
    uint32_t batched, most;       /* most of one request: halved when a list was refused */
    bool busy;
    int64_t wait_ms, next_ms;     /* after a failure: try again then */
    uint64_t told, failed;
    char trouble[256];
};

struct alerts {
    struct api_server *server;
    struct alerts_config config;
    struct replica *replica;
    struct outbound *out;
    struct event *timer;
    struct mail *mail; /* owned, a receiver each */
    json_t *rows;      /* open incidents as of the last look; owned */
    char path[4096];   /* what was told, over a restart */
    bool changed;
};

static int64_t monotonic_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- what should be told -------------------------------------------------------------------- */

static bool hears(const struct alert_receiver *r, const struct alert *a)
{
    bool hall = r->halls == 0;
    for (uint32_t i = 0; i < r->halls; i++)
        hall = hall || strcmp(r->hall[i], a->hall) == 0;
    return hall && a->severity >= r->least;
}

static void look_at(struct mail *m, const struct alert *now, bool settled)
{
    struct sent *s = sent_find(&m->sent, now->incident);
    if (!s && settled && hears(m->to, now))
        s = sent_add(&m->sent, now);
    if (!s)
        return;
    s->open = true;
    if (now->severity > s->alert.severity) {
        s->alert.severity = now->severity;
        s->told = false;
    }
}

static json_t *open_incidents(const struct alerts *a)
{
    struct replica *r = a->replica;
    const struct api_view_of v = { .control = replica_control(r), .journal = replica_journal(r),
                                   .words = replica_words(r), .now_ns = replica_now_ns(r),
                                   .revision = replica_seq(r) };
    return api_view_incidents(&v, NULL);
}

static json_t *row_of(const json_t *rows, uint64_t incident)
{
    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_t *row = json_array_get(rows, i);
        if ((uint64_t)json_integer_value(json_object_get(row, "incident")) == incident)
            return row;
    }
    return NULL;
}

static void compare(struct alerts *a, const json_t *rows)
{
    int64_t now_s = (int64_t)time(NULL);
    struct alert alert;
    for (uint32_t i = 0; i < a->config.receivers; i++)
        for (uint32_t k = 0; k < a->mail[i].sent.count; k++)
            a->mail[i].sent.item[k].open = false;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        int64_t age_ms = json_integer_value(json_object_get(row, "age_ms"));
        if (!alert_of_row(row, a->config.page_uusd_per_hour, now_s, &alert))
            continue;
        for (uint32_t k = 0; k < a->config.receivers; k++)
            look_at(&a->mail[k], &alert, age_ms * MW_NS_PER_MS >= a->config.settle_ns);
    }
}

/* ---- telling -------------------------------------------------------------------------------- */

static void forget_untold(struct mail *m)
{
    for (uint32_t i = m->sent.count; i > 0; i--) {
        const struct sent *s = &m->sent.item[i - 1];
        if (!s->open && !s->ever)
            sent_remove(&m->sent, s->alert.incident);
    }
}

static bool is_due(const struct mail *m, const struct sent *s, int64_t now_s)
{
    bool repeats = m->to->kind == ALERT_ALERTMANAGER;
    if (s->next_ms > 0 && monotonic_ms() < s->next_ms)
        return false;
    return !s->open || !s->told ||
           (repeats && now_s - s->told_s >= m->alerts->config.repeat_ns / MW_NS_PER_S);
}

static int64_t longer(int64_t wait_ms)
{
    return MW_MIN(MW_MAX(wait_ms * 2, BACKOFF_MS), BACKOFF_MS_MAX);
}

static void delivered(struct mail *m)
{
    int64_t now_s = (int64_t)time(NULL);
    for (uint32_t i = 0; i < m->batched; i++) {
        struct sent *s = sent_find(&m->sent, m->batch[i]);
        if (s && !m->batch_open[i])
            sent_remove(&m->sent, m->batch[i]);
        else if (s) {
            bool as_now = s->alert.severity == m->batch_severity[i]; /* it may have risen since */
            m->alerts->changed = m->alerts->changed || !s->told;
            s->told = as_now;
            s->ever = true;
            s->told_s = now_s;
            s->wait_ms = s->next_ms = 0;
        }
        m->alerts->changed = m->alerts->changed || !m->batch_open[i];
    }
    m->told++;
    m->most = MW_MIN(m->most * 2, (uint32_t)ALERTS_BATCH);
    m->wait_ms = 0;
    m->trouble[0] = '\0';
}

/* The receiver takes requests and does not want this one. */
static bool refuses_it(const struct outbound_answer *x)
{
    return x->code == 0 && x->status >= 400 && x->status < 500 && x->status != 401 &&
           x->status != 403 && x->status != 404 && x->status != 408 && x->status != 429;
}

/* One of a list may be to blame: halved until it stands alone, and then it waits by itself. */
static void refused(struct mail *m)
{
    m->most = MW_MAX(m->batched / 2, 1u);
    struct sent *s = m->batched == 1 ? sent_find(&m->sent, m->batch[0]) : NULL;
    if (!s)
        return;
    s->wait_ms = longer(s->wait_ms);
    s->next_ms = monotonic_ms() + s->wait_ms;
}

static void not_delivered(struct mail *m, const struct outbound_answer *x)
{
    m->failed++;
    if (x->code != 0)
        (void)snprintf(m->trouble, sizeof(m->trouble), "%.250s", x->text);
    else
        (void)snprintf(m->trouble, sizeof(m->trouble), "answered %ld: %.200s", x->status, x->body);
    if (refuses_it(x)) {
        refused(m);
        return;
    }
    m->wait_ms = longer(m->wait_ms);
    if (x->retry_after_s > 0)
        m->wait_ms = MW_MAX(m->wait_ms, MW_MIN(x->retry_after_s * 1000, BACKOFF_MS_MAX));
    m->next_ms = monotonic_ms() + m->wait_ms;
}

static const char *console_of(const struct alerts *a)
{
    return a->config.console[0] ? a->config.console : api_server_url(a->server);
}

static json_t *body_of(const struct mail *m, const struct sent *s, int64_t now_s)
{
    const struct alerts *a = m->alerts;
    const struct alert_post p = {
        .alert = &s->alert, .row = s->open ? row_of(a->rows, s->alert.incident) : NULL,
        .site = replica_control(a->replica)->board->fleet->name, .console = console_of(a),
        .secret = m->to->secret, .now_s = now_s,
        .until_s = now_s + UNTIL_REPEATS * a->config.repeat_ns / MW_NS_PER_S };
    return alert_body(m->to->kind, &p);
}

/* Adds what is due of one severity, at most `most` in all; false when out of memory. */
static bool gather_some(struct mail *m, uint8_t severity, uint32_t most, json_t *list)
{
    int64_t now_s = (int64_t)time(NULL);
    for (uint32_t i = 0; i < m->sent.count && m->batched < most; i++) {
        const struct sent *s = &m->sent.item[i];
        if (s->alert.severity != severity || !is_due(m, s, now_s))
            continue;
        if (json_array_append_new(list, body_of(m, s, now_s)) != 0)
            return false;
        m->batch[m->batched] = s->alert.incident;
        m->batch_severity[m->batched] = severity;
        m->batch_open[m->batched++] = s->open;
    }
    return true;
}

/* The body of what is due, pages first; NULL when nothing is, or no memory. */
static json_t *gather(struct mail *m)
{
    bool lists = m->to->kind == ALERT_ALERTMANAGER;
    uint32_t most = lists ? m->most : 1;
    json_t *list = json_array(), *one = NULL;
    m->batched = 0;
    bool ok = list && gather_some(m, ALERT_PAGE, most, list) &&
              gather_some(m, ALERT_TICKET, most, list) && m->batched > 0;
    if (ok && lists)
        return list;
    if (ok)
        one = json_incref(json_array_get(list, 0));
    json_decref(list);
    return one;
}

static void on_done(void *ctx, const struct outbound_answer *x);

static int post(struct mail *m, const char *text, struct mw_error *err)
{
    char signature[ALERT_SIGNATURE_MAX], header[ALERT_SIGNATURE_MAX + 16];
    struct outbound_request q = { .method = "POST", .url = m->to->url, .body = text,
                                  .size = strlen(text),
                                  .headers = { "Content-Type: application/json" } };
    if (m->to->kind == ALERT_WEBHOOK && m->to->secret[0]) {
        int rc = alert_sign(m->to->secret, text, q.size, (int64_t)time(NULL), signature);
        if (rc < 0)
            return mw_fail(err, rc, "out of memory");
        (void)snprintf(header, sizeof(header), "MW-Signature: %s", signature);
        q.headers[1] = header;
    }
    return outbound_ask(m->alerts->out, &q, on_done, m, err);
}

static void tell(struct mail *m)
{
    struct mw_error err = { 0 };
    forget_untold(m);
    if (m->busy || (m->wait_ms > 0 && monotonic_ms() < m->next_ms))
        return;
    json_t *body = gather(m);
    char *text mw_cleanup(mw_freep) = body ? json_dumps(body, JSON_COMPACT) : NULL;
    json_decref(body);
    if (!text)
        return;
    m->busy = true;
    if (post(m, text, &err) == 0)
        return;
    const struct outbound_answer x = { .code = err.code, .text = err.text, .body = "",
                                       .retry_after_s = -1 };
    not_delivered(m, &x);
    m->busy = false;
}

static void on_done(void *ctx, const struct outbound_answer *x)
{
    struct mail *m = ctx;
    if (x->code == 0 && x->status >= 200 && x->status < 300)
        delivered(m);
    else
        not_delivered(m, x);
    m->busy = false;
    if (m->alerts->rows) /* NULL at the end */
        tell(m);
}

/* ---- the part ------------------------------------------------------------------------------- */

static void sent_of(struct alerts *a, struct sent_of ret[ALERT_RECEIVERS_MAX])
{
    for (uint32_t i = 0; i < a->config.receivers; i++)
        ret[i] = (struct sent_of){ a->config.receiver[i].name, &a->mail[i].sent };
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    struct alerts *a = ctx;
    struct sent_of of[ALERT_RECEIVERS_MAX];
    (void)fd;
    (void)what;
    json_t *doc = a->replica && api_server_ready(a->server) ? open_incidents(a) : NULL;
    if (!doc)
        return;
    json_decref(a->rows);
    a->rows = json_incref(json_object_get(doc, "rows"));
    json_decref(doc);
    compare(a, a->rows);
    for (uint32_t i = 0; i < a->config.receivers; i++)
        tell(&a->mail[i]);
    if (a->changed) {
        sent_of(a, of);
        (void)!sent_save(a->path, of, a->config.receivers, NULL); /* at worst told again */
        a->changed = false;
    }
}

static int begin_sending(struct alerts *a, struct mw_error *err)
{
    struct sent_of of[ALERT_RECEIVERS_MAX];
    const struct api_server_options *o = api_server_options(a->server);
    const struct timeval look = { .tv_sec = ALERTS_LOOK_MS / 1000,
                                  .tv_usec = ALERTS_LOOK_MS % 1000 * 1000 };
    const struct outbound_options out = { .base = api_server_base(a->server) };
    a->mail = mw_calloc(a->config.receivers, sizeof(*a->mail));
    if (!a->mail)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    for (uint32_t i = 0; i < a->config.receivers; i++) {
        a->mail[i].alerts = a;
        a->mail[i].to = &a->config.receiver[i];
        a->mail[i].most = ALERTS_BATCH;
    }
    (void)snprintf(a->path, sizeof(a->path), "%.4000s/alerts.json", o->journal);
    sent_of(a, of);
    sent_load(a->path, of, a->config.receivers);
    int rc = outbound_create(&out, &a->out, err);
    if (rc < 0)
        return rc;
    a->timer = event_new(out.base, -1, EV_PERSIST, on_timer, a);
    return a->timer && event_add(a->timer, &look) == 0 ? 0
                                                       : mw_fail(err, MW_ENOMEM, "out of memory");
}

int alerts_part_create(struct api_server *s, void **ret, struct mw_error *err)
{
    const char *file = api_server_options(s)->alerts_file;
    *ret = NULL;
    if (!file)
        return 0;
    struct alerts *a = mw_calloc(1, sizeof(*a));
    if (!a)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    a->server = s;
    int rc = alerts_config_read(file, &a->config, err);
    if (rc == 0)
        rc = begin_sending(a, err);
    if (rc < 0) {
        alerts_part_destroy(a);
        return rc;
    }
    *ret = a;
    return 0;
}

void alerts_part_begin(void *part, struct replica *r)
{
    struct alerts *a = part;
    if (a)
        a->replica = r;
}

void alerts_part_destroy(void *part)
{
    struct alerts *a = part;
    if (!a)
        return;
    if (a->timer)
        event_free(a->timer);
    json_decref(a->rows);
    a->rows = NULL;
    outbound_destroy(a->out); /* what is under way ends, and nothing new is told */
    for (uint32_t i = 0; a->mail && i < a->config.receivers; i++)
        sent_fini(&a->mail[i].sent);
    mw_free(a->mail);
    mw_free(a);
}

uint32_t alerts_receivers(const struct api_server *s)
{
    const struct alerts *a = api_server_part((struct api_server *)s, PART_ALERTS);
    return a ? a->config.receivers : 0;
}

struct alerts_receiver_stats alerts_receiver_stats(const struct api_server *s, uint32_t i)
{
    static const char *const kind[] = {
#define X(e, word, path) word,
        ALERT_KINDS(X)
#undef X
    };
    const struct alerts *a = api_server_part((struct api_server *)s, PART_ALERTS);
    must(a && i < a->config.receivers);
    const struct mail *m = &a->mail[i];
    struct alerts_receiver_stats r = { .name = m->to->name, .kind = kind[m->to->kind],
                                       .told = m->told, .failed = m->failed };
    for (uint32_t k = 0; k < m->sent.count; k++) {
        r.open += m->sent.item[k].ever;
        r.waiting += !m->sent.item[k].told;
        r.refused += m->sent.item[k].next_ms > 0;
    }
    (void)snprintf(r.trouble, sizeof(r.trouble), "%s", m->trouble);
    return r;
}
