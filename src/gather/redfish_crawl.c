/*
 * Finding out what a BMC has: from the service root along the links that lead
 * to readings, logs, firmware and inventory.  Where the service expands
 * collections, one request brings a whole one.
 *
 * The plan that comes of it: metric reports as far as they have sensors, the
 * collections of the sensors that no report has, supplies, fans and detectors,
 * the systems, the logs.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "gather/redfish_bmc.h"

/* Which links of which documents lead somewhere we go. */
static const bool follows[REDFISH_LINKS] = {
    [REDFISH_LINK_SYSTEMS] = true, [REDFISH_LINK_CHASSIS] = true,
    [REDFISH_LINK_MANAGERS] = true, [REDFISH_LINK_UPDATE] = true, [REDFISH_LINK_TELEMETRY] = true,
    [REDFISH_LINK_SENSORS] = true, [REDFISH_LINK_POWER] = true, [REDFISH_LINK_SUPPLIES] = true,
    [REDFISH_LINK_THERMAL] = true, [REDFISH_LINK_FANS] = true, [REDFISH_LINK_LEAKS] = true,
    [REDFISH_LINK_LEAK_DETECTORS] = true, [REDFISH_LINK_LOGS] = true,
    [REDFISH_LINK_FIRMWARE] = true, [REDFISH_LINK_REPORTS] = true,
    [REDFISH_LINK_PROCESSORS] = true, [REDFISH_LINK_MEMORY] = true,
};

bool bmc_ask_add(struct bmc_asks *a, const char *path, uint8_t link, uint8_t log)
{
    for (uint32_t i = 0; i < a->length; i++)
        if (strcmp(a->ask[i].path, path) == 0)
            return true;
    if (a->length == BMC_ASKS_MAX)
        return false;
    if (a->length == a->room) {
        uint32_t room = MW_MAX(a->room * 2, 32u);
        struct bmc_ask *grown = mw_resize(a->ask, room, sizeof(*grown));
        if (grown == NULL)
            return false;
        a->ask = grown;
        a->room = room;
    }
    char *copy = mw_strdup(path);
    if (copy == NULL)
        return false;
    a->ask[a->length++] = (struct bmc_ask){ .path = copy, .link = link, .log = log };
    return true;
}

void bmc_asks_clear(struct bmc_asks *a)
{
    for (uint32_t i = 0; i < a->length; i++)
        mw_free(a->ask[i].path);
    mw_free(a->ask);
    *a = (struct bmc_asks){ 0 };
}

void bmc_forget(struct bmc *b)
{
    for (uint32_t i = 0; i < b->things; i++) {
        mw_free(b->thing[i].path);
        mw_free(b->thing[i].name);
    }
    for (uint32_t i = 0; i < b->reports; i++)
        mw_free(b->report[i]);
    mw_free(b->thing);
    mw_free(b->report);
    mw_free(b->report_things);
    mw_free(b->firmware);
    b->thing = NULL;
    b->report = NULL;
    b->report_things = NULL;
    b->firmware = NULL;
    b->things = b->things_room = b->reports = b->firmwares = 0;
    bmc_asks_clear(&b->crawl);
    bmc_asks_clear(&b->round);
    memset(b->inventory, 0, sizeof(b->inventory));
}

void bmc_crawl_begin(struct bmc *b)
{
    bmc_forget(b);
    (void)bmc_ask_add(&b->crawl, "/redfish/v1", REDFISH_LINK_MEMBER, 0);
}

/* ---- what documents say --------------------------------------------------------------------- */

struct taking {
    struct bmc *b;
    const struct bmc_ask *ask;
};

static bool skipped(const struct bmc *b, const char *path)
{
    const char *word;
    for (uint32_t k = 0; (word = door_setting_at(b->door->spec, "skip", k)) != NULL; k++)
        if (word[0] != '\0' && strstr(path, word) != NULL)
            return true;
    /* One a core: the agent reads them in band, at a hundredth of the cost. */
    return door_setting(b->door->spec, "skip", NULL) == NULL && strstr(path, "_CoreUtil_") != NULL;
}

/* "/redfish/v1/Chassis/PDB_0/Sensors/PDB_0_HSC_0" is called "PDB_0_HSC_0" where that begins with
 * its chassis, else "PDB_0/HSC_0". */
static char *thing_name(const char *path, const char *id)
{
    static const char chassis[] = "/Chassis/";
    char name[DOOR_NAME_MAX];
    const char *at = strstr(path, chassis);
    size_t n = at != NULL ? strcspn(at + sizeof(chassis) - 1, "/") : 0;
    if (n == 0 || strncmp(id, at + sizeof(chassis) - 1, n) == 0)
        (void)snprintf(name, sizeof(name), "%s", id);
    else
        (void)snprintf(name, sizeof(name), "%.*s/%s", (int)MW_MIN(n, 40u),
                       at + sizeof(chassis) - 1, id);
    return mw_strdup(name);
}

static void add_thing(struct bmc *b, const struct redfish_item *i)
{
    if (b->things == BMC_THINGS_MAX || i->path[0] != '/' || i->state == REDFISH_ABSENT ||
        skipped(b, i->path))
        return;
    if (b->things == b->things_room) {
        uint32_t room = MW_MAX(b->things_room * 2, 64u);
        struct bmc_thing *grown = mw_resize(b->thing, room, sizeof(*grown));
        if (grown == NULL)
            return;
        b->thing = grown;
        b->things_room = room;
    }
    struct bmc_thing t = { .path = mw_strdup(i->path), .name = thing_name(i->path, i->id),
                           .kind = i->kind, .quantity = i->quantity, .low = i->critical_low,
                           .high = i->critical_high };
    if (t.path != NULL && t.name != NULL) {
        b->thing[b->things++] = t;
        return;
    }
    mw_free(t.path);
    mw_free(t.name);
}

static void set_path(char **to, const char *path)
{
    mw_free(*to);
    *to = path[0] == '/' ? mw_strdup(path) : NULL;
}

static void take_system(struct bmc *b, const struct redfish_item *i)
{
    add_thing(b, i);
    if (i->model[0] != '\0' && (b->model[0] == '\0' || i->may_reset))
        (void)snprintf(b->model, sizeof(b->model), "%s", i->model);
    if (!i->may_reset || b->system != NULL)
        return;
    must(pthread_mutex_lock(&b->door->lock) == 0);
    set_path(&b->system, i->path);
    set_path(&b->reset, i->reset_path);
    set_path(&b->reset_info, i->reset_info);
    must(pthread_mutex_unlock(&b->door->lock) == 0);
}

static void take_firmware(struct bmc *b, const struct redfish_item *i)
{
    if (i->version[0] == '\0' || b->firmwares == BMC_FIRMWARE_MAX)
        return;
    if (b->firmware == NULL)
        b->firmware = mw_calloc(BMC_FIRMWARE_MAX, sizeof(*b->firmware));
    if (b->firmware == NULL)
        return;
    struct bmc_firmware *f = &b->firmware[b->firmwares++];
    (void)snprintf(f->id, sizeof(f->id), "%s", i->id);
    (void)snprintf(f->version, sizeof(f->version), "%s", i->version);
}

/* Inventory has no readings: its scope is its kind. */
static void say_inventory(struct bmc *b, const struct redfish_item *i)
{
    static const char *const scopes[REDFISH_KINDS] = {
        [REDFISH_SYSTEM] = "system", [REDFISH_CHASSIS] = "chassis", [REDFISH_MANAGER] = "bmc",
        [REDFISH_FIRMWARE] = "firmware", [REDFISH_PROCESSOR] = "processor",
        [REDFISH_MEMORY] = "dimm", [REDFISH_PSU] = "psu", [REDFISH_FAN] = "fan",
    };
    char text[DOOR_TEXT_MAX];
    if (scopes[i->kind] == NULL || i->id[0] == '\0' || i->state == REDFISH_ABSENT)
        return;
    (void)snprintf(text, sizeof(text), "%s%s%s%s%s", i->maker,
                   i->maker[0] != '\0' && i->part[0] != '\0' ? " " : "", i->part,
                   i->type[0] != '\0' ? ", " : "", i->type);
    const struct door_part p = { .scope = scopes[i->kind], .n = b->inventory[i->kind]++,
                                 .name = i->id, .serial = i->serial, .model = i->model,
                                 .firmware = i->version, .text = text };
    door_out_part(b->door->out, b->machine, &p);
}

static bool wanted_log(const struct bmc *b, const char *id)
{
    static const char *const usual[] = { "EventLog", "SEL", "FaultLog", "Log", "Log1", "Sel",
                                         "IML" };
    const char *word;
    for (uint32_t k = 0; (word = door_setting_at(b->door->spec, "logs", k)) != NULL; k++)
        if (strcmp(word, id) == 0)
            return true;
    if (door_setting(b->door->spec, "logs", NULL) != NULL)
        return false;
    for (size_t k = 0; k < MW_ARRAY_LEN(usual); k++)
        if (strcmp(usual[k], id) == 0)
            return true;
    return false;
}

/* The marks of a log that was known before stay: they outlive a crawl. */
static void take_log(struct bmc *b, const char *entries)
{
    char id[BMC_WORD_MAX];
    const char *end = strrchr(entries, '/'), *from = end;
    while (from > entries && from[-1] != '/')
        from--;
    if (end == NULL || from == end || (size_t)(end - from) >= sizeof(id))
        return;
    (void)snprintf(id, sizeof(id), "%.*s", (int)(end - from), from);
    for (uint32_t i = 0; i < b->logs; i++)
        if (strcmp(b->log[i].path, entries) == 0)
            return;
    if (b->logs == BMC_LOGS_MAX || !wanted_log(b, id))
        return;
    struct bmc_log *l = &b->log[b->logs];
    *l = (struct bmc_log){ .path = mw_strdup(entries), .skips = true };
    (void)snprintf(l->name, sizeof(l->name), "%s", id);
    b->logs += l->path != NULL;
}

static void take_item(void *ctx, const struct redfish_item *i)
{
    struct taking *t = ctx;
    switch (i->kind) {
    case REDFISH_SENSOR:
        if (i->quantity != REDFISH_NOTHING)
            add_thing(t->b, i);
        break;
    case REDFISH_PSU:
    case REDFISH_FAN:
    case REDFISH_LEAK: add_thing(t->b, i); break;
    case REDFISH_SYSTEM: take_system(t->b, i); break;
    case REDFISH_FIRMWARE: take_firmware(t->b, i); break;
    default: break;
    }
    say_inventory(t->b, i);
}

static bool add_report(struct bmc *b, const char *path)
{
    if (b->reports == BMC_REPORTS_MAX)
        return false;
    char **paths = mw_resize(b->report, b->reports + 1, sizeof(*paths));
    if (paths != NULL)
        b->report = paths;
    uint32_t *counts = mw_resize(b->report_things, b->reports + 1, sizeof(*counts));
    if (counts != NULL)
        b->report_things = counts;
    if (paths == NULL || counts == NULL || (b->report[b->reports] = mw_strdup(path)) == NULL)
        return false;
    b->report_things[b->reports++] = 0;
    return true;
}

static void take_link(void *ctx, enum redfish_link what, const char *path)
{
    struct taking *t = ctx;
    if (what == REDFISH_LINK_SESSIONS)
        set_path(&t->b->sessions, path);
    if (what == REDFISH_LINK_ENTRIES)
        take_log(t->b, path);
    if (what == REDFISH_LINK_MEMBER && t->ask->link == REDFISH_LINK_REPORTS)
        (void)add_report(t->b, path);
    else if (what == REDFISH_LINK_NEXT)
        (void)bmc_ask_add(&t->b->crawl, path, t->ask->link, 0);
    else if (what == REDFISH_LINK_MEMBER || follows[what])
        (void)bmc_ask_add(&t->b->crawl, path, (uint8_t)what, 0);
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct bmc_thing *)a)->path, ((const struct bmc_thing *)b)->path);
}

struct bmc_thing *bmc_thing_at(const struct bmc *b, const char *path)
{
    char resource[REDFISH_PATH_MAX];
    size_t n = strcspn(path, "#");
    while (n > 1 && path[n - 1] == '/')
        n--;
    if (n >= sizeof(resource) || b->things == 0)
        return NULL;
    memcpy(resource, path, n);
    resource[n] = '\0';
    const struct bmc_thing key = { .path = resource };
    return bsearch(&key, b->thing, b->things, sizeof(key), by_path);
}

/* A report is planned when it has something that no report before it has.  What is stale in it now
 * is asked for where it is at home: some services never refresh a part of their reports. */
static void take_value(void *ctx, const char *path, double value)
{
    struct taking *t = ctx;
    struct bmc_thing *thing = bmc_thing_at(t->b, path);
    if (thing == NULL || thing->in_report || isnan(value))
        return;
    thing->in_report = true;
    for (uint32_t i = 0; i < t->b->reports; i++)
        t->b->report_things[i] += strcmp(t->b->report[i], t->ask->path) == 0;
}

void bmc_crawl_take(struct bmc *b, const struct bmc_ask *ask, const char *text, size_t size)
{
    char path[REDFISH_PATH_MAX];
    const struct bmc_ask copy = { .path = path, .link = ask->link };
    struct taking t = { .b = b, .ask = &copy };
    struct redfish_sink sink = { .ctx = &t, .item = take_item, .link = take_link };
    struct redfish_doc doc;
    struct mw_error err = { 0 };
    (void)snprintf(path, sizeof(path), "%s", ask->path); /* the list may move when it grows */
    if (b->measuring)
        sink = (struct redfish_sink){ .ctx = &t, .value = take_value };
    if (redfish_read(text, size, &sink, &doc, &err) < 0) {
        b->troubles++;
        (void)snprintf(b->trouble, sizeof(b->trouble), "%.70s: %.80s", path, err.text);
    } else if (doc.kind == REDFISH_ROOT) {
        b->expands = doc.expands;
    }
}

/* ---- the plan ------------------------------------------------------------------------------- */

static void say_things(struct bmc *b)
{
    static const char *const words[REDFISH_KINDS] = {
        [REDFISH_SENSOR] = "sensor", [REDFISH_PSU] = "power supply", [REDFISH_FAN] = "fan",
        [REDFISH_LEAK] = "leak detector", [REDFISH_SYSTEM] = "system",
    };
    for (uint32_t i = 0; i < b->things; i++) {
        const struct bmc_thing *t = &b->thing[i];
        char text[DOOR_TEXT_MAX];
        (void)snprintf(text, sizeof(text), "%s", words[t->kind]);
        size_t n = strlen(text);
        if (t->kind == REDFISH_SENSOR && !isnan(t->high))
            (void)snprintf(text + n, sizeof(text) - n, ", critical over %g %s", t->high,
                           redfish_quantity_unit(t->quantity));
        const struct door_part p = { .scope = "sensor", .n = b->door->spec->base + i,
                                     .name = t->name, .text = text };
        door_out_part(b->door->out, b->machine, &p);
    }
}

/* "/a/b/Sensors/x" -> "/a/b/Sensors". */
static void plan_collection(struct bmc *b, const char *path)
{
    char parent[REDFISH_PATH_MAX];
    size_t n = (size_t)(strrchr(path, '/') - path);
    (void)snprintf(parent, sizeof(parent), "%.*s", (int)n, path);
    if (b->expands)
        (void)bmc_ask_add(&b->round, parent, REDFISH_LINK_SENSORS, 0);
    else
        (void)bmc_ask_add(&b->round, path, REDFISH_LINK_MEMBER, 0);
}

static void plan(struct bmc *b)
{
    for (uint32_t i = 0; i < b->reports; i++)
        if (b->report_things[i] > 0)
            (void)bmc_ask_add(&b->round, b->report[i], REDFISH_LINK_MEMBER, 0);
    for (uint32_t i = 0; i < b->things; i++) {
        const struct bmc_thing *t = &b->thing[i];
        if (t->kind == REDFISH_SYSTEM)
            (void)bmc_ask_add(&b->round, t->path, REDFISH_LINK_MEMBER, 0);
        else if (t->kind != REDFISH_SENSOR || !t->in_report)
            plan_collection(b, t->path);
    }
    for (uint32_t i = 0; i < b->logs; i++)
        (void)bmc_ask_add(&b->round, b->log[i].path, REDFISH_LINK_ENTRIES, (uint8_t)i);
}

/* Sorted, so the numbers of things are the same in every crawl of the same hardware. */
static void sort_things(struct bmc *b)
{
    uint32_t kept = 0;
    if (b->things > 0)
        qsort(b->thing, b->things, sizeof(*b->thing), by_path);
    for (uint32_t i = 0; i < b->things; i++) {
        if (kept > 0 && strcmp(b->thing[kept - 1].path, b->thing[i].path) == 0) {
            mw_free(b->thing[i].path);
            mw_free(b->thing[i].name);
        } else {
            b->thing[kept++] = b->thing[i];
        }
    }
    b->things = kept;
}

bool bmc_crawl_end(struct bmc *b, int64_t now_ms)
{
    if (!b->measuring) {
        sort_things(b);
        bmc_asks_clear(&b->crawl);
        b->measuring = true;
        for (uint32_t i = 0; i < b->reports; i++)
            (void)bmc_ask_add(&b->crawl, b->report[i], REDFISH_LINK_MEMBER, 0);
        return false;
    }
    b->measuring = false;
    bmc_asks_clear(&b->crawl);
    b->crawled_ms = now_ms;
    b->door->drift = true;
    say_things(b);
    plan(b);
    return true;
}

void bmc_ask_url(const struct bmc *b, const struct bmc_ask *ask, char *to, size_t size)
{
    const struct bmc_log *l = &b->log[ask->log];
    bool plain = strchr(ask->path, '?') != NULL;
    char query[64] = "";
    if (!plain && ask->link == REDFISH_LINK_ENTRIES && l->known && l->skips && l->count > 0)
        (void)snprintf(query, sizeof(query), "?$skip=%llu", (unsigned long long)l->count);
    else if (!plain && b->expands && ask->link != REDFISH_LINK_MEMBER &&
             ask->link != REDFISH_LINK_REPORTS && ask->link != REDFISH_LINK_ENTRIES)
        (void)snprintf(query, sizeof(query), "?$expand=.($levels=1)");
    (void)snprintf(to, size, "%s%s%s", b->url, ask->path, query);
}
