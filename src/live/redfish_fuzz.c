/*
 * Arbitrary bytes as a Redfish document: it is read or refused, what is handed on is bounded, and
 * what is no reading never becomes one.
 */
#include <math.h>
#include <string.h>

#include "live/redfish.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    uint32_t items, links, values, resets;
};

static void take_item(void *ctx, const struct redfish_item *i)
{
    struct seen *s = ctx;
    const char *const texts[] = { i->path, i->id, i->name, i->model, i->serial, i->maker, i->part,
                                  i->version, i->type, i->reset_path, i->reset_info,
                                  i->reset_time, i->text, i->code, i->created };
    s->items++;
    must(i->kind != REDFISH_OTHER && i->kind < REDFISH_KINDS);
    must(i->quantity < REDFISH_QUANTITIES && i->state <= REDFISH_NOT_IN_USE);
    must(i->health <= REDFISH_CRITICAL && i->power <= REDFISH_POWER_CHANGING);
    for (size_t k = 0; k < MW_ARRAY_LEN(texts); k++)
        must(texts[k] != NULL && strlen(texts[k]) <= REDFISH_BYTES_MAX);
    must(!isinf(i->reading) && i->reading != 4294967295.0 && !isinf(i->rpm));
    must(!(i->rpm > 0 && i->rpm <= 100));
    must(redfish_beyond(i, NAN) == 0);
    must(redfish_quantity_unit(i->quantity) != NULL);
}

static void take_link(void *ctx, enum redfish_link what, const char *path)
{
    struct seen *s = ctx;
    s->links++;
    must(what < REDFISH_LINKS && path[0] == '/' && strlen(path) < REDFISH_PATH_MAX);
}

static void take_value(void *ctx, const char *path, double value)
{
    struct seen *s = ctx;
    s->values++;
    must(path[0] == '/' && strlen(path) < REDFISH_PATH_MAX && !isinf(value));
    must(redfish_same_resource(path, path));
}

static void take_reset(void *ctx, const char *type)
{
    struct seen *s = ctx;
    s->resets++;
    must(type != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen s = { 0 };
    const struct redfish_sink sink = { .ctx = &s, .item = take_item, .link = take_link,
                                       .value = take_value, .reset = take_reset };
    struct redfish_doc doc = { 0 };
    struct mw_error err = { 0 };
    if (redfish_read((const char *)data, size, &sink, &doc, &err) < 0) {
        must(err.text[0] != '\0' && s.items == 0);
        return 0;
    }
    must(doc.kind < REDFISH_KINDS && doc.members <= 2 * REDFISH_MEMBERS_MAX);
    must(doc.kind != REDFISH_REPORT || s.values == doc.members);
    return 0;
}
