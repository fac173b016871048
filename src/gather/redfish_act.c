/*
 * Power actions by Redfish, and the other things done to a BMC beside reading:
 * logging out, and whom it must prove to be.  An action runs on a thread of its
 * own with a connection of its own; it shares nothing with the rounds but the
 * paths of the system, which it copies under the door's lock.
 *
 * power-cycle: ResetType PowerCycle where the system takes it, else ForceOff,
 * seen off, then On.  Done means: read back as On after it was seen off, or with
 * another LastResetTime.  Anything else is unknown.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/text.h"
#include "gather/redfish_bmc.h"

#define REQUEST_MS 15000
#define BACK_MS 120000 /* chosen: a GB300 tray needs tens of seconds from off to on */
#define LOOK_MS 1000
#define AFTER_MS 15000 /* a round that began before the end of an action may still see it off */
#define TYPES_MAX 16
#define PINS_BYTES_MAX ((size_t)8 << 20)

struct act {
    struct redfish_door *d;
    struct bmc *b;
    struct fetch *fetch;
    struct fetch_trust trust;
    char url[BMC_URL_MAX], system[REDFISH_PATH_MAX], reset[REDFISH_PATH_MAX],
        info[REDFISH_PATH_MAX];
    char types[TYPES_MAX][32];
    uint32_t typed;
    uint8_t power;              /* as read last */
    char reset_time[BMC_WORD_MAX];
    int rc;                     /* of the last request */
    char text[160];
};

static void take_reset(void *ctx, const char *type)
{
    struct act *a = ctx;
    if (a->typed < TYPES_MAX)
        (void)snprintf(a->types[a->typed++], sizeof(a->types[0]), "%s", type);
}

static void take_item(void *ctx, const struct redfish_item *i)
{
    struct act *a = ctx;
    if (i->kind != REDFISH_SYSTEM)
        return;
    a->power = i->power;
    (void)snprintf(a->reset_time, sizeof(a->reset_time), "%s", i->reset_time);
}

static void answered(void *ctx, const struct fetch_result *r)
{
    struct act *a = ctx;
    const struct redfish_sink sink = { .ctx = a, .item = take_item, .reset = take_reset };
    struct redfish_doc doc;
    a->rc = r->rc;
    (void)snprintf(a->text, sizeof(a->text), "%.150s", r->text);
    if (r->rc == 0 && r->status / 100 != 2) {
        a->rc = r->status == 401 || r->status == 403 ? MW_EDENIED : MW_ECONFLICT;
        (void)snprintf(a->text, sizeof(a->text), "it answers with status %ld", r->status);
    } else if (r->rc == 0 && r->size > 0) {
        (void)!redfish_read(r->body, r->size, &sink, &doc, NULL);
    }
}

/* Basic for the few requests of an action: it needs no session. */
static int ask(struct act *a, const char *method, const char *path, const char *body)
{
    char url[BMC_URL_MAX + REDFISH_PATH_MAX];
    struct mw_error err = { 0 };
    (void)snprintf(url, sizeof(url), "%s%s", a->url, path);
    const struct fetch_request q = {
        .url = url, .method = method, .body = body, .trust = &a->trust, .deadline_ms = REQUEST_MS,
        .user = a->d->secret.user[0] != '\0' ? a->d->secret.user : NULL,
        .password = a->d->secret.password,
    };
    a->rc = fetch_start(a->fetch, &q, answered, a, &err);
    if (a->rc == 0)
        fetch_run(a->fetch);
    return a->rc;
}

static bool takes(const struct act *a, const char *type)
{
    for (uint32_t i = 0; i < a->typed; i++)
        if (strcmp(a->types[i], type) == 0)
            return true;
    return false;
}

static int reset(struct act *a, const char *type)
{
    char body[64];
    (void)snprintf(body, sizeof(body), "{\"ResetType\":\"%s\"}", type);
    return ask(a, "POST", a->reset, body);
}

static void wait_ms(int64_t ms)
{
    const struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
    (void)nanosleep(&t, NULL);
}

/* Until the system is in this state, or was reset since `before`; false: not in time. */
static bool comes(struct act *a, uint8_t power, const char *before, bool *ret_off)
{
    int64_t end_ms = bmc_clock_ms() + BACK_MS;
    while (bmc_clock_ms() < end_ms) {
        if (ask(a, NULL, a->system, NULL) == 0) {
            bool reset_since = before != NULL && strcmp(before, a->reset_time) != 0;
            *ret_off = *ret_off || a->power == REDFISH_POWER_OFF ||
                       a->power == REDFISH_POWER_CHANGING;
            if (a->power == power && (before == NULL || *ret_off || reset_since))
                return true;
        }
        wait_ms(LOOK_MS);
    }
    return false;
}

static int cycle(struct act *a, char *ret_text, size_t size, struct mw_error *err)
{
    char before[BMC_WORD_MAX];
    bool off = false, at_once = takes(a, "PowerCycle");
    (void)snprintf(before, sizeof(before), "%s", a->reset_time);
    if (!at_once && !(takes(a, "ForceOff") && takes(a, "On")))
        return mw_fail(err, MW_EINVAL, "%s takes neither PowerCycle nor ForceOff and On",
                       a->system);
    if (a->power == REDFISH_POWER_OFF) {
        off = true;
        if (reset(a, "On") < 0)
            return mw_fail(err, a->rc, "On: %s", a->text);
    } else if (reset(a, at_once ? "PowerCycle" : "ForceOff") < 0) {
        return mw_fail(err, a->rc == MW_ETIMEOUT || a->rc == MW_EIO ? MW_ETIMEOUT : a->rc, "%s: %s",
                       at_once ? "PowerCycle" : "ForceOff", a->text);
    } else if (!at_once && (!comes(a, REDFISH_POWER_OFF, NULL, &off) || reset(a, "On") < 0)) {
        return mw_fail(err, MW_ETIMEOUT, "after ForceOff it was not seen off, or did not take On");
    }
    if (!comes(a, REDFISH_POWER_ON, before, &off))
        return mw_fail(err, MW_ETIMEOUT, "it was not seen to come back on within %d s",
                       BACK_MS / 1000);
    (void)snprintf(ret_text, size, "PowerState On, %s", off ? "seen off before" :
                   "with a new LastResetTime");
    return 0;
}

static int prepare(struct act *a, const char *machine, struct mw_error *err)
{
    struct redfish_door *d = a->d;
    uint32_t i = 0;
    while (i < d->spec->targets && strcmp(d->spec->target[i].machine, machine) != 0)
        i++;
    if (i == d->spec->targets)
        return mw_fail(err, MW_ENOTFOUND, "this door has no machine %s", machine);
    struct bmc *b = a->b = &d->bmc[i];
    must(pthread_mutex_lock(&d->lock) == 0);
    b->acting_ms = bmc_clock_ms() + 2 * (int64_t)BACK_MS;
    (void)snprintf(a->url, sizeof(a->url), "%s", b->url);
    (void)snprintf(a->system, sizeof(a->system), "%s", b->system != NULL ? b->system : "");
    (void)snprintf(a->reset, sizeof(a->reset), "%s", b->reset != NULL ? b->reset : "");
    (void)snprintf(a->info, sizeof(a->info), "%s", b->reset_info != NULL ? b->reset_info : "");
    must(pthread_mutex_unlock(&d->lock) == 0);
    a->trust = d->trust;
    if (d->pin != NULL)
        a->trust.pin = d->pin[i];
    return a->reset[0] != '\0' ? 0 :
           mw_fail(err, MW_ENOTFOUND, "no system that takes ComputerSystem.Reset was found yet");
}

int redfish_act(void *state, const char *machine, const char *step, char *ret_text, size_t size,
                struct mw_error *err)
{
    struct act *a;
    int rc;
    if (strcmp(step, "power-cycle") != 0)
        return mw_fail(err, MW_EINVAL, "a BMC is not asked to %s", step);
    a = mw_calloc(1, sizeof(*a));
    if (a == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    a->d = state;
    rc = prepare(a, machine, err);
    if (rc == 0)
        rc = fetch_create(1, 1, &a->fetch, err);
    if (rc == 0 && (ask(a, NULL, a->system, NULL) < 0 ||
                    (a->typed == 0 && a->info[0] != '\0' && ask(a, NULL, a->info, NULL) < 0)))
        rc = mw_fail(err, a->rc, "reading the system before: %s", a->text);
    if (rc == 0)
        rc = cycle(a, ret_text, size, err);
    if (a->b != NULL) {
        must(pthread_mutex_lock(&a->d->lock) == 0);
        a->b->acting_ms = bmc_clock_ms() + AFTER_MS;
        must(pthread_mutex_unlock(&a->d->lock) == 0);
    }
    fetch_destroy(a->fetch);
    mw_free(a);
    return rc;
}

bool redfish_acts_on(struct bmc *b)
{
    must(pthread_mutex_lock(&b->door->lock) == 0);
    bool acts = bmc_clock_ms() < b->acting_ms;
    must(pthread_mutex_unlock(&b->door->lock) == 0);
    return acts;
}

/* ---- sessions, fingerprints ----------------------------------------------------------------- */

static void forgotten(void *ctx, const struct fetch_result *r)
{
    (void)ctx;
    (void)r;
}

void redfish_log_out(struct redfish_door *d)
{
    char url[BMC_URL_MAX + REDFISH_PATH_MAX];
    for (uint32_t i = 0; d->bmc != NULL && i < d->spec->targets; i++) {
        const struct bmc *b = &d->bmc[i];
        struct fetch_trust trust = d->trust;
        if (d->pin != NULL)
            trust.pin = d->pin[i];
        if (b->session == NULL || b->token[0] == '\0')
            continue;
        (void)snprintf(url, sizeof(url), "%s%s", b->url, b->session);
        const struct fetch_request q = { .url = url, .method = "DELETE", .trust = &trust,
                                         .token_header = b->token, .deadline_ms = LOOK_MS };
        (void)!fetch_start(d->fetch, &q, forgotten, NULL, NULL);
    }
    fetch_run(d->fetch);
}

/* "10.0.0.1 sha256//…" */
static char *pin_of(const char *text, const char *address)
{
    size_t length = strlen(address);
    for (const char *line = text; line != NULL && *line != '\0';) {
        const char *end = strchr(line, '\n');
        size_t n = end != NULL ? (size_t)(end - line) : strlen(line);
        if (n > length && strncmp(line, address, length) == 0 && line[length] == ' ') {
            const char *pin = line + length + strspn(line + length, " ");
            return mw_strndup(pin, strcspn(pin, " \r\n"));
        }
        line = end != NULL ? end + 1 : NULL;
    }
    return NULL;
}

int redfish_pins_read(struct redfish_door *d, struct mw_error *err)
{
    const char *path = door_setting(d->spec, "fingerprints", NULL);
    char *text mw_cleanup(mw_freep) = NULL;
    size_t size = 0;
    if (path == NULL)
        return 0;
    int rc = mw_read_file(path, PINS_BYTES_MAX, false, &text, &size, err);
    if (rc < 0)
        return rc;
    d->pin = mw_calloc(d->spec->targets, sizeof(*d->pin));
    if (d->pin == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    for (uint32_t i = 0; i < d->spec->targets; i++) {
        d->pin[i] = pin_of(text, d->spec->target[i].address);
        if (d->pin[i] == NULL || strncmp(d->pin[i], "sha256//", 8) != 0)
            return mw_fail(err, MW_ENOTFOUND, "%s has no line \"%s sha256//…\"", path,
                           d->spec->target[i].address);
    }
    return 0;
}

void redfish_pins_free(struct redfish_door *d)
{
    for (uint32_t i = 0; d->pin != NULL && i < d->spec->targets; i++)
        mw_free(d->pin[i]);
    mw_free(d->pin);
    d->pin = NULL;
}
