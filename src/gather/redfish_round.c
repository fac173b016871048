/* What the documents of a round say: readings, conditions, new entries of logs. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "gather/redfish_bmc.h"
#include "signal/metric.h"

struct taking {
    struct bmc *b;
    struct bmc_log *log; /* whose entries these are; NULL */
    uint8_t log_number;
    uint64_t number;     /* the highest that came */
    char created[BMC_WORD_MAX];
};

static const uint16_t metrics[REDFISH_QUANTITIES] = {
    [REDFISH_TEMPERATURE_C] = M_BMC_TEMP_C, [REDFISH_POWER_W] = M_BMC_POWER_W,
    [REDFISH_VOLTAGE_V] = M_BMC_VOLTAGE_V,  [REDFISH_CURRENT_A] = M_BMC_CURRENT_A,
    [REDFISH_SPEED_RPM] = M_BMC_FAN_RPM,    [REDFISH_PERCENT] = M_BMC_PERCENT,
    [REDFISH_ENERGY_J] = M_BMC_ENERGY_J,    [REDFISH_FREQUENCY_HZ] = M_BMC_FREQUENCY_MHZ,
    [REDFISH_PRESSURE_PA] = M_BMC_PRESSURE_KPA, [REDFISH_FLOW_LPM] = M_BMC_FLOW_LPM,
};

static void find(struct bmc *b, const char *class_name, const char *name, const char *code, bool up,
                 const char *text)
{
    const struct door_finding f = { .class_name = class_name, .name = name, .code = code,
                                    .text = text, .up = up };
    door_out_finding(b->door->out, b->machine, &f);
}

/* In the metric's unit. */
static double scaled(uint8_t quantity, double v)
{
    return quantity == REDFISH_FREQUENCY_HZ  ? v / 1e6
           : quantity == REDFISH_PRESSURE_PA ? v / 1e3
                                             : v;
}

static uint32_t instance_of(const struct bmc *b, const struct bmc_thing *t)
{
    return b->door->spec->base + (uint32_t)(t - b->thing);
}

static void put_sensor(struct bmc *b, const struct bmc_thing *t, double v)
{
    const struct redfish_item limits = { .critical_low = t->low, .critical_high = t->high };
    int beyond = redfish_beyond(&limits, v);
    char text[DOOR_TEXT_MAX];
    (void)snprintf(text, sizeof(text), "%s reads %g %s; the BMC calls it critical %s %g", t->name,
                   v, redfish_quantity_unit(t->quantity), beyond < 0 ? "under" : "over",
                   beyond < 0 ? t->low : t->high);
    door_out_put(b->door->out, b->machine, metrics[t->quantity], instance_of(b, t),
                 scaled(t->quantity, v));
    find(b, t->quantity == REDFISH_TEMPERATURE_C ? "thermal" : "bmc", t->name, "sensor-critical",
         beyond != 0, text);
}

/* Absent and unused parts may say Health=Critical: what is not there is not broken. */
static bool is_in_use(const struct redfish_item *i)
{
    return i->state != REDFISH_ABSENT && i->state != REDFISH_NOT_IN_USE;
}

static void put_health(struct bmc *b, const struct bmc_thing *t, const struct redfish_item *i)
{
    if (i->health != REDFISH_UNSAID && is_in_use(i))
        door_out_put_int(b->door->out, b->machine, M_BMC_HEALTH, instance_of(b, t),
                         i->health - REDFISH_FINE);
    else
        door_out_gone(b->door->out, b->machine, M_BMC_HEALTH, instance_of(b, t));
}

static void take_part(struct bmc *b, const struct bmc_thing *t, const struct redfish_item *i)
{
    bool failed = is_in_use(i) && i->health == REDFISH_CRITICAL;
    char text[DOOR_TEXT_MAX];
    (void)snprintf(text, sizeof(text), "the BMC says that %s %.60s (%.60s) has failed",
                   i->kind == REDFISH_PSU ? "the power supply" : "the fan", t->name,
                   i->model[0] != '\0' ? i->model : "model not said");
    put_health(b, t, i);
    find(b, i->kind == REDFISH_PSU ? "power" : "bmc", t->name,
         i->kind == REDFISH_PSU ? "psu-failed" : "fan-failed", failed, text);
    if (i->kind != REDFISH_FAN)
        return;
    door_out_put(b->door->out, b->machine, M_BMC_FAN_RPM, instance_of(b, t), i->rpm);
    door_out_put(b->door->out, b->machine, M_BMC_PERCENT, instance_of(b, t), i->reading);
}

static void take_leak(struct bmc *b, const struct bmc_thing *t, const struct redfish_item *i)
{
    bool wet = is_in_use(i) && (i->leaks || i->health == REDFISH_CRITICAL);
    char text[DOOR_TEXT_MAX];
    (void)snprintf(text, sizeof(text), "the leak detector %s (%s) says that it is wet", t->name,
                   i->type[0] != '\0' ? i->type : "type not said");
    door_out_put_int(b->door->out, b->machine, M_BMC_LEAK, instance_of(b, t), wet);
    find(b, "bmc", t->name, "leak", wet, text);
}

static void take_system(struct bmc *b, const struct bmc_thing *t, const struct redfish_item *i)
{
    bool host = b->system == NULL || strcmp(b->system, i->path) == 0;
    char text[DOOR_TEXT_MAX];
    put_health(b, t, i);
    (void)snprintf(text, sizeof(text), "the BMC says that %s is critical", t->name);
    find(b, "bmc", t->name, "system-critical", is_in_use(i) && i->health == REDFISH_CRITICAL, text);
    if (!host || i->power == REDFISH_POWER_UNSAID)
        return;
    door_out_put_int(b->door->out, b->machine, M_BMC_POWER_ON, 0, i->power == REDFISH_POWER_ON);
    find(b, "power", t->name, "power-off",
         b->door->expect_on && i->power == REDFISH_POWER_OFF && !redfish_acts_on(b),
         "the BMC says that the system is off, and nobody here switched it off");
}

/* ---- logs ----------------------------------------------------------------------------------- */

/* Ids of entries are numbers that grow, or texts; then the time decides. */
static bool is_new(const struct bmc_log *l, uint64_t number, const char *created)
{
    if (number > 0 && number > l->number)
        return true;
    return number <= l->number && created[0] != '\0' && strcmp(created, l->created) > 0;
}

static void take_entry(struct taking *t, const struct redfish_item *i)
{
    const char *digits = i->id + strspn(i->id, "0123456789");
    uint64_t number = *digits == '\0' ? strtoull(i->id, NULL, 10) : 0;
    char name[DOOR_NAME_MAX], text[DOOR_TEXT_MAX];
    if (number > t->number)
        t->number = number;
    if (strcmp(i->created, t->created) > 0)
        (void)snprintf(t->created, sizeof(t->created), "%s", i->created);
    if (!t->log->known || i->health != REDFISH_CRITICAL || !is_new(t->log, number, i->created))
        return;
    (void)snprintf(name, sizeof(name), "%.30s/%.60s", t->log->name, i->id);
    (void)snprintf(text, sizeof(text), "%.32s %.200s", i->created, i->text);
    const struct door_finding f = { .class_name = "bmc", .name = name, .text = text, .up = true,
                                    .code = i->code[0] != '\0' ? i->code : "log-critical" };
    door_out_event(t->b->door->out, t->b->machine, &f);
}

/* What was read now is old the next time.  A log that is shorter than before was cleared. */
static void settle_log(struct taking *t, const struct redfish_doc *doc)
{
    struct bmc_log *l = t->log;
    if (l->known && l->skips && l->count > 0 && doc->count >= 0 &&
        doc->members == (uint64_t)doc->count && doc->members >= l->count)
        l->skips = false; /* it was asked for the newer ones only, and sent all */
    if (doc->count >= 0 && (uint64_t)doc->count < l->count)
        l->number = 0;
    if (t->number > l->number)
        l->number = t->number;
    if (strcmp(t->created, l->created) > 0)
        (void)snprintf(l->created, sizeof(l->created), "%s", t->created);
    if (doc->count >= 0)
        l->count = (uint64_t)doc->count;
    l->known = true;
}

/* ---- documents ------------------------------------------------------------------------------ */

static void take_item(void *ctx, const struct redfish_item *i)
{
    struct taking *t = ctx;
    struct bmc_thing *thing;
    if (i->kind == REDFISH_LOG_ENTRY) {
        if (t->log != NULL)
            take_entry(t, i);
        return;
    }
    thing = bmc_thing_at(t->b, i->path);
    if (thing == NULL || thing->kind != i->kind)
        return;
    switch (i->kind) {
    case REDFISH_SENSOR:
        thing->low = i->critical_low;
        thing->high = i->critical_high;
        put_sensor(t->b, thing, is_in_use(i) ? i->reading : NAN);
        break;
    case REDFISH_PSU:
    case REDFISH_FAN: take_part(t->b, thing, i); break;
    case REDFISH_LEAK: take_leak(t->b, thing, i); break;
    case REDFISH_SYSTEM: take_system(t->b, thing, i); break;
    default: break;
    }
}

static void take_value(void *ctx, const char *path, double value)
{
    struct taking *t = ctx;
    const struct bmc_thing *thing = bmc_thing_at(t->b, path);
    /* "…#/Reading" is the sensor's; another property of it is not. */
    const char *property = strchr(path, '#');
    if (thing != NULL && thing->kind == REDFISH_SENSOR && thing->in_report &&
        (property == NULL || strcmp(property, "#/Reading") == 0))
        put_sensor(t->b, thing, value);
}

static void take_link(void *ctx, enum redfish_link what, const char *path)
{
    struct taking *t = ctx;
    if (what == REDFISH_LINK_NEXT && t->log != NULL)
        (void)bmc_ask_add(&t->b->again, path, REDFISH_LINK_ENTRIES, t->log_number);
}

void bmc_round_take(struct bmc *b, const struct bmc_ask *ask, const char *text, size_t size)
{
    struct taking t = { .b = b, .log_number = ask->log };
    const struct redfish_sink sink = { .ctx = &t, .item = take_item, .link = take_link,
                                       .value = take_value };
    struct redfish_doc doc;
    struct mw_error err = { 0 };
    if (ask->link == REDFISH_LINK_ENTRIES)
        t.log = &b->log[ask->log];
    if (redfish_read(text, size, &sink, &doc, &err) < 0) {
        b->troubles++;
        (void)snprintf(b->trouble, sizeof(b->trouble), "%.70s: %.80s", ask->path, err.text);
    } else if (t.log != NULL && doc.kind == REDFISH_COLLECTION) {
        settle_log(&t, &doc);
    }
}

/* ---- firmware ------------------------------------------------------------------------------- */

static const char *stated(const struct redfish_door *d, const char *id)
{
    for (uint32_t i = 0; i < d->stateds; i++)
        if (strcmp(d->stated[i].id, id) == 0)
            return d->stated[i].version;
    return NULL;
}

static const char *version_of(const struct bmc *b, const char *id)
{
    for (uint32_t i = 0; i < b->firmwares; i++)
        if (strcmp(b->firmware[i].id, id) == 0)
            return b->firmware[i].version;
    return NULL;
}

/* The version that more than half of the machines of this model have, of three at least (the vote
 * of Boyer and Moore, then a count); NULL when there is none. */
static const char *majority(const struct redfish_door *d, const char *model, const char *id)
{
    const char *candidate = NULL, *v;
    uint32_t lead = 0, votes = 0, all = 0;
    for (uint32_t i = 0; i < d->spec->targets; i++) {
        if (strcmp(d->bmc[i].model, model) != 0 || (v = version_of(&d->bmc[i], id)) == NULL)
            continue;
        if (lead == 0)
            candidate = v;
        lead = candidate != NULL && strcmp(candidate, v) == 0 ? lead + 1 : lead - 1;
    }
    for (uint32_t i = 0; candidate != NULL && i < d->spec->targets; i++) {
        if (strcmp(d->bmc[i].model, model) != 0 || (v = version_of(&d->bmc[i], id)) == NULL)
            continue;
        all++;
        votes += strcmp(v, candidate) == 0;
    }
    return all >= 3 && votes * 2 > all ? candidate : NULL;
}

/* What one pass has found out: the same question comes once a machine. */
struct answer {
    const char *model, *id, *version;
};
#define ANSWERS_MAX 1024

static const char *asked(const struct redfish_door *d, struct answer *list, uint32_t *answers,
                         const char *model, const char *id)
{
    for (uint32_t i = 0; i < *answers; i++)
        if (strcmp(list[i].model, model) == 0 && strcmp(list[i].id, id) == 0)
            return list[i].version;
    const char *version = majority(d, model, id);
    if (*answers < ANSWERS_MAX)
        list[(*answers)++] = (struct answer){ model, id, version };
    return version;
}

static void compare_one(struct bmc *b, const struct bmc_firmware *f, const char *right, bool said)
{
    char name[DOOR_NAME_MAX], text[DOOR_TEXT_MAX];
    (void)snprintf(name, sizeof(name), "firmware/%s", f->id);
    (void)snprintf(text, sizeof(text), "%s is %s; %s %s", f->id, f->version,
                   said ? "doors.yaml wants" : "most machines of its model have",
                   right != NULL ? right : "");
    find(b, "bmc", name, "firmware-drift", right != NULL && strcmp(right, f->version) != 0, text);
}

void bmc_firmware_compare(struct redfish_door *d)
{
    struct answer answer[ANSWERS_MAX];
    uint32_t answers = 0;
    for (uint32_t i = 0; i < d->spec->targets; i++) {
        struct bmc *b = &d->bmc[i];
        for (uint32_t k = 0; b->machine != MW_NONE && k < b->firmwares; k++) {
            const char *wanted = stated(d, b->firmware[k].id);
            const char *right = wanted != NULL ? wanted :
                                asked(d, answer, &answers, b->model, b->firmware[k].id);
            compare_one(b, &b->firmware[k], right, wanted != NULL);
        }
    }
    d->drift = false;
}
