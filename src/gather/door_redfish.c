/*
 * The Redfish door: many BMCs on one thread.  A round gives each its time; a
 * BMC is logged in to, crawled when that is due, then read.  What it does not
 * answer in time makes it silent for that round, and nobody else waits for it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/text.h"
#include "gather/doors.h"
#include "gather/redfish_bmc.h"
#include "signal/metric.h"

#define KEPT_MAX 4096        /* connections that stay open between rounds */
#define BACKOFF_MS INT64_C(60000)
#define REQUEST_MS_MIN 200 /* under it a request is not begun: it would only be cut */

static void go_on(struct bmc *b);

int64_t bmc_clock_ms(void)
{
    struct timespec t = { 0 };
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t wall_ms(void)
{
    struct timespec t = { 0 };
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- one BMC, one request at a time --------------------------------------------------------- */

static struct fetch_trust trust_of(const struct bmc *b)
{
    struct fetch_trust t = b->door->trust;
    if (b->door->pin != NULL)
        t.pin = b->door->pin[b->target - b->door->spec->target];
    return t;
}

static void trouble(struct bmc *b, const char *what, const char *why)
{
    b->troubles++;
    (void)snprintf(b->trouble, sizeof(b->trouble), "%.70s%s%.80s", what,
                   what[0] != '\0' ? ": " : "", why);
}

static struct bmc_asks *present_asks(struct bmc *b)
{
    return b->crawled_ms == 0 ? &b->crawl : b->round.next < b->round.length ? &b->round : &b->again;
}

/* The answer to a document of the crawl or of the round. */
static void answered(void *ctx, const struct fetch_result *r)
{
    struct bmc *b = ctx;
    struct bmc_asks *asks = present_asks(b);
    must(b->busy && asks->next < asks->length);
    const struct bmc_ask ask = asks->ask[asks->next]; /* a copy: lists grow meanwhile */
    b->busy = false;
    if (r->rc != 0) {
        trouble(b, "", r->text);
        b->end_ms = 0; /* the others of this round would wait for nothing too */
    } else if (r->status == 401 || r->status == 403) {
        b->token[0] = '\0';
        if (b->refused || !b->door->sessions || b->basic) {
            trouble(b, ask.path, "it refuses our user and password (or they may not read this)");
            asks->next++;
        }
        b->refused = true; /* logged in anew once */
    } else {
        if (r->status == 200) {
            b->answers++;
            if (b->crawled_ms == 0)
                bmc_crawl_take(b, &ask, r->body, r->size);
            else
                bmc_round_take(b, &ask, r->body, r->size);
        } else if (r->status != 404) {
            char status[40];
            (void)snprintf(status, sizeof(status), "it answers with status %ld", r->status);
            trouble(b, ask.path, status);
        }
        present_asks(b)->next++;
    }
    go_on(b);
}

static void logged_in(void *ctx, const struct fetch_result *r)
{
    struct bmc *b = ctx;
    b->busy = false;
    if (r->rc == 0 && (r->status == 200 || r->status == 201) && r->token[0] != '\0' &&
        strlen(r->token) < sizeof(b->token) - sizeof("X-Auth-Token: ")) {
        const char *path = strstr(r->location, "/redfish/");
        (void)snprintf(b->token, sizeof(b->token), "X-Auth-Token: %s", r->token);
        mw_free(b->session);
        b->session = path != NULL ? mw_strdup(path) : NULL;
    } else if (r->rc == 0 && (r->status == 404 || r->status == 405 || r->status == 501)) {
        b->basic = true;
    } else {
        trouble(b, "", r->rc != 0 ? r->text : "it refuses our user and password");
        b->end_ms = 0;
    }
    go_on(b);
}

static void start(struct bmc *b, struct fetch_request *q, fetch_done_fn *done)
{
    struct fetch_trust trust = trust_of(b);
    struct mw_error err = { 0 };
    q->trust = &trust;
    q->deadline_ms = b->end_ms - bmc_clock_ms();
    b->busy = true;
    if (fetch_start(b->door->fetch, q, done, b, &err) < 0) {
        b->busy = false;
        b->end_ms = 0;
        trouble(b, "", err.text);
    }
}

static void put_json_text(struct text *t, const char *s)
{
    text_add(t, "\"");
    for (; *s != '\0'; s++) {
        if (*s == '"' || *s == '\\')
            text_add_n(t, "\\", 1);
        if ((unsigned char)*s < ' ')
            text_addf(t, "\\u%04x", (unsigned)(unsigned char)*s);
        else
            text_add_n(t, s, 1);
    }
    text_add(t, "\"");
}

static void log_in(struct bmc *b)
{
    struct text body = { 0 };
    char url[BMC_URL_MAX + REDFISH_PATH_MAX];
    (void)snprintf(url, sizeof(url), "%s%s", b->url,
                   b->sessions != NULL ? b->sessions : "/redfish/v1/SessionService/Sessions");
    text_add(&body, "{\"UserName\":");
    put_json_text(&body, b->door->secret.user);
    text_add(&body, ",\"Password\":");
    put_json_text(&body, b->door->secret.password);
    text_add(&body, "}");
    struct fetch_request q = { .url = url, .method = "POST", .body = text_string(&body) };
    start(b, &q, logged_in);
    if (body.data != NULL)
        explicit_bzero(body.data, body.length);
    text_fini(&body);
}

static void ask(struct bmc *b, const struct bmc_ask *a)
{
    char url[BMC_URL_MAX + REDFISH_PATH_MAX + 64];
    bmc_ask_url(b, a, url, sizeof(url));
    struct fetch_request q = { .url = url };
    if (b->token[0] != '\0')
        q.token_header = b->token;
    else if (b->door->secret.user[0] != '\0') {
        q.user = b->door->secret.user;
        q.password = b->door->secret.password;
    }
    start(b, &q, answered);
}

/* Room for the readings of what the crawl found; in another table all parts are to be said
 * again. */
static bool has_room(struct bmc *b)
{
    uint32_t series = BMC_SERIES;
    while (series < b->things * 2 + 8)
        series *= 2;
    uint32_t machine = door_out_machine(b->door->out, b->door->spec->name, b->target->machine,
                                        b->door->spec->acts, series);
    bool same = machine == b->machine;
    b->machine = machine;
    return same;
}

static void finish_crawl(struct bmc *b)
{
    if (!b->measuring && b->things > 0 && !has_room(b))
        bmc_crawl_begin(b); /* it is machine-said anew: once more, now with room */
    else
        (void)bmc_crawl_end(b, bmc_clock_ms());
}

/* What this BMC does next; nothing when its round is over. */
static void next_step(struct bmc *b)
{
    bool sessions = b->door->sessions && !b->basic && b->door->secret.user[0] != '\0';
    struct bmc_asks *asks = present_asks(b);
    if (b->busy || b->end_ms - bmc_clock_ms() < REQUEST_MS_MIN)
        return;
    /* Twice at most: without reports the second end follows the first. */
    for (int k = 0; k < 2 && b->crawled_ms == 0 && b->answers > 0; k++) {
        if (asks->next == asks->length)
            finish_crawl(b);
        asks = present_asks(b);
    }
    if (asks->next == asks->length)
        return;
    if (sessions && b->token[0] == '\0' && (b->sessions != NULL || asks->next > 0))
        log_in(b);
    else
        ask(b, &asks->ask[asks->next]);
}

/* ---- a round -------------------------------------------------------------------------------- */

static void begin_round(struct redfish_door *d, struct bmc *b)
{
    int64_t now_ms = bmc_clock_ms();
    b->end_ms = now_ms + d->spec->deadline_ms;
    b->answers = b->troubles = 0;
    b->trouble[0] = '\0';
    b->refused = false;
    b->round.next = 0;
    bmc_asks_clear(&b->again);
    if (b->crawled_ms != 0 && now_ms - b->crawled_ms >= d->inventory_ms) {
        b->crawled_ms = 0;
        bmc_crawl_begin(b);
    } else if (b->crawled_ms == 0 && b->crawl.length == 0) {
        bmc_crawl_begin(b);
    }
}

/* A BMC that was silent is asked less often: after 2, 4 … rounds, BACKOFF_MS at most. */
static void back_off(struct redfish_door *d, struct bmc *b)
{
    int64_t wait_ms = d->spec->period_ms << MW_MIN(b->silent, 6u);
    b->silent++;
    b->due_ms = bmc_clock_ms() + MW_MIN(wait_ms, MW_MAX(d->spec->period_ms, BACKOFF_MS)) -
                d->spec->period_ms / 2;
}

static void end_round(struct redfish_door *d, struct bmc *b)
{
    uint64_t entries = 0;
    if (b->answers == 0) {
        back_off(d, b);
        door_out_source(d->out, b->machine, d->spec->name, DOOR_SILENT,
                        b->trouble[0] != '\0' ? b->trouble : "no answer within the deadline");
        return;
    }
    b->silent = 0;
    for (uint32_t i = 0; i < b->logs; i++)
        entries += b->log[i].count;
    door_out_source(d->out, b->machine, d->spec->name, DOOR_OK, b->trouble);
    if (b->logs > 0)
        door_out_put_int(d->out, b->machine, M_BMC_LOG_ENTRIES, 0, (int64_t)entries);
    door_out_flush(d->out, b->machine, wall_ms());
}

/* The BMCs that wait for their round begin it while there is room. */
static void begin_more(struct redfish_door *d)
{
    while (d->active < d->concurrency && d->next < d->spec->targets) {
        struct bmc *b = &d->bmc[d->next++];
        if (bmc_clock_ms() < b->due_ms)
            continue;
        begin_round(d, b);
        next_step(b);
        if (b->busy)
            d->active++;
        else
            end_round(d, b);
    }
}

/* After an answer. */
static void go_on(struct bmc *b)
{
    struct redfish_door *d = b->door;
    next_step(b);
    if (b->busy)
        return;
    end_round(d, b);
    must(d->active > 0);
    d->active--;
    begin_more(d);
}

static int poll_round(void *state, int64_t now_ms, struct mw_error *err)
{
    struct redfish_door *d = state;
    (void)err;
    (void)now_ms;
    d->next = 0;
    begin_more(d);
    fetch_run(d->fetch);
    must(d->active == 0);
    if (d->drift)
        bmc_firmware_compare(d);
    return 0;
}

/* ---- opening and closing -------------------------------------------------------------------- */

static const char *const auth_words[] = { "session", "basic", NULL };
static const char *const expect_words[] = { "on", "any", NULL };
static const struct schema_field text_item = { .type = SCHEMA_TEXT, .min = 1, .max = 200 };

static const struct schema_field fields[] = {
    { .name = "ca", .type = SCHEMA_TEXT, .min = 1, .max = 400,
      .help = "a file with the certificate of who signs the BMCs' certificates" },
    { .name = "fingerprint", .type = SCHEMA_TEXT, .min = 52, .max = 52,
      .help = "sha256//… of the BMC's public key: then nothing else is checked" },
    { .name = "fingerprints", .type = SCHEMA_TEXT, .min = 1, .max = 400,
      .help = "a file of lines: address sha256//…" },
    { .name = "insecure", .type = SCHEMA_BOOL, .help = "true: whoever answers is believed" },
    { .name = "auth", .type = SCHEMA_CHOICE, .choices = auth_words,
      .help = "session: log in; basic: the password with each request" },
    { .name = "expect", .type = SCHEMA_CHOICE, .choices = expect_words,
      .help = "on: a system that is off is a finding" },
    { .name = "skip", .type = SCHEMA_LIST, .max = 32, .item = &text_item,
      .help = "parts of paths of sensors that are not read; _CoreUtil_ unless told" },
    { .name = "logs", .type = SCHEMA_LIST, .max = 16, .item = &text_item,
      .help = "names of the event logs; EventLog, SEL, FaultLog … unless told" },
    { .name = "firmware", .type = SCHEMA_LIST, .max = BMC_STATED_MAX, .item = &text_item,
      .help = "ID=VERSION that every machine should have" },
    { .name = "inventory", .type = SCHEMA_DURATION, .min = 10, .max = 604800,
      .help = "how often all is looked for anew; 1h unless told" },
    { .name = "concurrency", .type = SCHEMA_INT, .min = 1, .max = 4096,
      .help = "BMCs that are asked at the same time; 128 unless told" },
    { 0 },
};

static int set_url(struct bmc *b, bool insecure, struct mw_error *err)
{
    const char *a = b->target->address;
    bool plain = strncmp(a, "http://", 7) == 0;
    if (plain && !insecure)
        return mw_fail(err, MW_EINVAL, "%s: a password over plain http is everybody's: use https, "
                       "or write insecure: true", a);
    (void)snprintf(b->url, sizeof(b->url), "%s%s",
                   plain || strncmp(a, "https://", 8) == 0 ? "" : "https://", a);
    size_t n = strlen(b->url);
    if (b->url[n - 1] == '/')
        b->url[n - 1] = '\0';
    return 0;
}

static int read_stated(struct redfish_door *d, struct mw_error *err)
{
    const char *text, *equals;
    for (uint32_t k = 0; (text = door_setting_at(d->spec, "firmware", k)) != NULL; k++) {
        struct bmc_firmware *f = &d->stated[d->stateds++];
        equals = strchr(text, '=');
        if (equals == NULL || equals == text || (size_t)(equals - text) >= sizeof(f->id) ||
            strlen(equals + 1) >= sizeof(f->version))
            return mw_fail(err, MW_EINVAL, "firmware: \"%s\" is not ID=VERSION", text);
        (void)snprintf(f->id, sizeof(f->id), "%.*s", (int)(equals - text), text);
        (void)snprintf(f->version, sizeof(f->version), "%s", equals + 1);
    }
    return 0;
}

static int open_bmcs(struct redfish_door *d, struct mw_error *err)
{
    d->bmc = mw_calloc(d->spec->targets, sizeof(*d->bmc));
    if (d->bmc == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    for (uint32_t i = 0; i < d->spec->targets; i++) {
        struct bmc *b = &d->bmc[i];
        b->door = d;
        b->target = &d->spec->target[i];
        b->machine = door_out_machine(d->out, d->spec->name, b->target->machine, d->spec->acts,
                                      BMC_SERIES);
        int rc = set_url(b, d->trust.insecure, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static void close_door(void *state)
{
    struct redfish_door *d = state;
    if (d == NULL)
        return;
    if (d->fetch != NULL)
        redfish_log_out(d);
    for (uint32_t i = 0; d->bmc != NULL && i < d->spec->targets; i++) {
        struct bmc *b = &d->bmc[i];
        bmc_forget(b);
        bmc_asks_clear(&b->again);
        for (uint32_t k = 0; k < b->logs; k++)
            mw_free(b->log[k].path);
        mw_free(b->session);
        mw_free(b->sessions);
        mw_free(b->system);
        mw_free(b->reset);
        mw_free(b->reset_info);
        explicit_bzero(b->token, sizeof(b->token));
    }
    fetch_destroy(d->fetch);
    redfish_pins_free(d);
    mw_free(d->bmc);
    (void)pthread_mutex_destroy(&d->lock);
    credentials_wipe(&d->secret);
    mw_free(d);
}

static int open_parts(struct redfish_door *d, struct mw_error *err)
{
    const struct door_spec *s = d->spec;
    int64_t inventory_ns = 0;
    uint64_t concurrency = 0;
    int rc = credentials_read(s->credentials, &d->secret, err);
    if (rc < 0)
        return rc;
    d->trust = (struct fetch_trust){ .ca = door_setting(s, "ca", NULL),
                                     .pin = door_setting(s, "fingerprint", NULL) };
    d->trust.insecure = strcmp(door_setting(s, "insecure", "false"), "true") == 0;
    d->sessions = strcmp(door_setting(s, "auth", "session"), "session") == 0;
    d->expect_on = strcmp(door_setting(s, "expect", "on"), "on") == 0;
    if (mw_parse_duration(door_setting(s, "inventory", "1h"), &inventory_ns) < 0 ||
        mw_parse_u64(door_setting(s, "concurrency", "128"), &concurrency) < 0)
        return mw_fail(err, MW_EINVAL, "inventory: or concurrency: cannot be read");
    d->inventory_ms = inventory_ns / 1000000;
    d->concurrency = (uint32_t)concurrency;
    rc = read_stated(d, err);
    if (rc == 0)
        rc = redfish_pins_read(d, err);
    if (rc == 0)
        rc = open_bmcs(d, err);
    if (rc == 0)
        rc = fetch_create(d->concurrency, MW_MIN(s->targets, (uint32_t)KEPT_MAX), &d->fetch, err);
    return rc;
}

static int open_door(const struct door_spec *spec, struct door_out *out, void **ret,
                     struct mw_error *err)
{
    struct redfish_door *d = mw_calloc(1, sizeof(*d));
    if (d == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    d->spec = spec;
    d->out = out;
    must(pthread_mutex_init(&d->lock, NULL) == 0);
    int rc = open_parts(d, err);
    if (rc < 0)
        close_door(d);
    else
        *ret = d;
    return rc;
}

const struct door_kind door_redfish = {
    .kind = "redfish", .fields = fields, .addressed = true, .open = open_door, .poll = poll_round,
    .act = redfish_act, .close = close_door,
};
