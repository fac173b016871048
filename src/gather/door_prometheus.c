/*
 * The Prometheus door: exporters that a site already runs, scraped as Prometheus
 * would, and the series that we have metrics for taken (live/prom_text.h);
 * the others are counted, not kept.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/parse.h"
#include "gather/credentials.h"
#include "gather/doors.h"
#include "gather/fetch.h"
#include "gather/out.h"
#include "live/prom_text.h"
#include "signal/metric.h"

#define RUNNING 64
#define KEPT_MAX 1024
#define SERIES 2048
#define NAMES_MAX 512 /* devices and mounts of one exporter */
#define GPUS_MAX 64
#define URL_MAX 256

struct named {
    uint8_t scope; /* enum metric_scope */
    char name[PROM_NAME_MAX];
};

struct prometheus_door;
struct exporter {
    struct prometheus_door *door;
    char url[URL_MAX];
    uint32_t machine;
    struct named *named; /* owned: instances in order of first sight, of each scope from 0 */
    uint32_t nameds;
    int64_t begun_ms;
};

struct prometheus_door {
    const struct door_spec *spec;
    struct door_out *out;
    struct credentials secret;
    struct fetch *fetch;
    struct fetch_trust trust;
    struct exporter *exporter; /* owned */
    char bearer[CREDENTIAL_MAX + 32];
};

static int64_t clock_ms(clockid_t which)
{
    struct timespec t = { 0 };
    (void)clock_gettime(which, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- series --------------------------------------------------------------------------------- */

static uint32_t number_of(struct exporter *e, uint8_t scope, const char *name)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < e->nameds; i++) {
        if (e->named[i].scope == scope && strcmp(e->named[i].name, name) == 0)
            return n + e->door->spec->base;
        n += e->named[i].scope == scope;
    }
    if (e->nameds == NAMES_MAX || n >= DOOR_SPAN)
        return MW_NONE;
    struct named *new = &e->named[e->nameds++];
    new->scope = scope;
    (void)snprintf(new->name, sizeof(new->name), "%s", name);
    n += e->door->spec->base;
    const struct door_part p = { .scope = metric_scope_name(scope), .n = n, .name = name };
    door_out_part(e->door->out, e->machine, &p);
    return n;
}

static uint32_t instance_of(struct exporter *e, const struct prom_rule *r,
                            const struct prom_sample *s, const struct metric *m)
{
    char name[PROM_NAME_MAX];
    const char *port;
    uint64_t gpu = 0;
    if (r->key == PROM_KEY_NONE)
        return 0;
    if (r->key == PROM_KEY_GPU)
        return mw_parse_u64(prom_label(s, "gpu"), &gpu) == 0 && gpu < GPUS_MAX ? (uint32_t)gpu
                                                                               : MW_NONE;
    port = prom_label(s, "port"); /* of an InfiniBand adapter */
    (void)snprintf(name, sizeof(name), "%.90s%s%.30s", prom_label(s, r->label),
                   port[0] != '\0' ? "/" : "", port);
    return name[0] != '\0' ? number_of(e, m->scope, name) : MW_NONE;
}

/* Whether it is one of ours. */
static bool take_sample(struct exporter *e, const struct prom_sample *s)
{
    const struct prom_rule *r = prom_rule_of(s);
    const struct metric *m = r != NULL ? metric_named(r->metric) : NULL;
    uint32_t instance = m != NULL ? instance_of(e, r, s, m) : MW_NONE;
    if (instance == MW_NONE)
        return false;
    door_out_put(e->door->out, e->machine, m->number, instance,
                 isfinite(s->value) ? s->value * r->factor : NAN);
    return true;
}

static void take_text(struct exporter *e, const char *text, size_t size, uint32_t *ret_bad)
{
    struct prom_sample s;
    enum prom_what what;
    uint32_t unknown = 0;
    size_t at = 0;
    while ((what = prom_next(text, size, &at, &s)) != PROM_END) {
        *ret_bad += what == PROM_BAD;
        unknown += what == PROM_SAMPLE && !take_sample(e, &s);
    }
    door_out_put_int(e->door->out, e->machine, M_SCRAPE_UNKNOWN, 0, unknown);
}

static void scraped(void *ctx, const struct fetch_result *r)
{
    struct exporter *e = ctx;
    struct prometheus_door *d = e->door;
    char text[160] = "";
    uint32_t bad = 0;
    if (r->rc != 0 || r->status != 200) {
        (void)snprintf(text, sizeof(text), "%.120s", r->text);
        if (r->rc == 0)
            (void)snprintf(text, sizeof(text), "it answers with status %ld", r->status);
        door_out_source(d->out, e->machine, d->spec->name, DOOR_SILENT, text);
        return;
    }
    take_text(e, r->body, r->size, &bad);
    if (bad > 0)
        (void)snprintf(text, sizeof(text), "%u lines are no text of Prometheus", bad);
    door_out_put_int(d->out, e->machine, M_SCRAPE_MS, 0, clock_ms(CLOCK_MONOTONIC) - e->begun_ms);
    door_out_source(d->out, e->machine, d->spec->name, DOOR_OK, text);
    door_out_flush(d->out, e->machine, clock_ms(CLOCK_REALTIME));
}

static int poll_round(void *state, int64_t now_ms, struct mw_error *err)
{
    struct prometheus_door *d = state;
    int rc = 0;
    (void)now_ms;
    for (uint32_t i = 0; rc == 0 && i < d->spec->targets; i++) {
        struct exporter *e = &d->exporter[i];
        const struct fetch_request q = {
            .url = e->url, .trust = &d->trust, .deadline_ms = d->spec->deadline_ms,
            .accept = "text/plain;version=0.0.4", .user = d->secret.user[0] ? d->secret.user : NULL,
            .password = d->secret.password, .token_header = d->bearer[0] ? d->bearer : NULL,
        };
        e->begun_ms = clock_ms(CLOCK_MONOTONIC);
        rc = fetch_start(d->fetch, &q, scraped, e, err);
    }
    fetch_run(d->fetch);
    return rc;
}

/* ---- opening and closing -------------------------------------------------------------------- */

static const struct schema_field fields[] = {
    { .name = "path", .type = SCHEMA_TEXT, .min = 1, .max = 100, .help = "/metrics unless told" },
    { .name = "tls", .type = SCHEMA_BOOL, .help = "true: https" },
    { .name = "ca", .type = SCHEMA_TEXT, .min = 1, .max = 400,
      .help = "a file with the certificate of who signs the exporters' certificates" },
    { .name = "insecure", .type = SCHEMA_BOOL, .help = "true: whoever answers is believed" },
    { 0 },
};

static void close_door(void *state)
{
    struct prometheus_door *d = state;
    if (d == NULL)
        return;
    fetch_destroy(d->fetch);
    for (uint32_t i = 0; d->exporter != NULL && i < d->spec->targets; i++)
        mw_free(d->exporter[i].named);
    mw_free(d->exporter);
    explicit_bzero(d->bearer, sizeof(d->bearer));
    credentials_wipe(&d->secret);
    mw_free(d);
}

static int open_exporters(struct prometheus_door *d, bool tls, struct mw_error *err)
{
    d->exporter = mw_calloc(d->spec->targets, sizeof(*d->exporter));
    if (d->exporter == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    for (uint32_t i = 0; i < d->spec->targets; i++) {
        struct exporter *e = &d->exporter[i];
        e->door = d;
        (void)snprintf(e->url, sizeof(e->url), "%s://%.120s%.100s", tls ? "https" : "http",
                       d->spec->target[i].address, door_setting(d->spec, "path", "/metrics"));
        e->machine = door_out_machine(d->out, d->spec->name, d->spec->target[i].machine, false,
                                      SERIES);
        e->named = mw_calloc(NAMES_MAX, sizeof(*e->named));
        if (e->named == NULL)
            return mw_fail(err, MW_ENOMEM, "out of memory");
    }
    return 0;
}

static int open_parts(struct prometheus_door *d, struct mw_error *err)
{
    bool tls = strcmp(door_setting(d->spec, "tls", "false"), "true") == 0;
    int rc = credentials_read(d->spec->credentials, &d->secret, err);
    d->trust = (struct fetch_trust){ .ca = door_setting(d->spec, "ca", NULL) };
    d->trust.insecure = strcmp(door_setting(d->spec, "insecure", "false"), "true") == 0;
    if (rc == 0 && d->spec->credentials != NULL && !tls)
        rc = mw_fail(err, MW_EINVAL, "a password over plain http is everybody's: write tls: true");
    if (rc == 0 && d->secret.token[0] != '\0')
        (void)snprintf(d->bearer, sizeof(d->bearer), "Authorization: Bearer %s", d->secret.token);
    if (rc == 0)
        rc = open_exporters(d, tls, err);
    if (rc == 0)
        rc = fetch_create(RUNNING, MW_MIN(d->spec->targets, (uint32_t)KEPT_MAX), &d->fetch, err);
    return rc;
}

static int open_door(const struct door_spec *spec, struct door_out *out, void **ret,
                     struct mw_error *err)
{
    struct prometheus_door *d = mw_calloc(1, sizeof(*d));
    if (d == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    d->spec = spec;
    d->out = out;
    int rc = open_parts(d, err);
    if (rc < 0)
        close_door(d);
    else
        *ret = d;
    return rc;
}

const struct door_kind door_prometheus = {
    .kind = "prometheus", .fields = fields, .addressed = true, .open = open_door,
    .poll = poll_round, .close = close_door,
};
