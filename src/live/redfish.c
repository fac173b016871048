/*
 * The reader of Redfish documents: jansson's tree, then one table of kinds and
 * one of links.  What a BMC leaves out is left out; nothing is guessed.
 */
#include "live/redfish.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "live/redfish_private.h"

static const struct {
    const char *type; /* the part of @odata.type before the first dot, without # */
    uint8_t kind;
} kinds[] = {
    { "ServiceRoot", REDFISH_ROOT },          { "ComputerSystem", REDFISH_SYSTEM },
    { "Chassis", REDFISH_CHASSIS },           { "Manager", REDFISH_MANAGER },
    { "Sensor", REDFISH_SENSOR },             { "PowerSupply", REDFISH_PSU },
    { "Fan", REDFISH_FAN },                   { "LeakDetector", REDFISH_LEAK },
    { "LogService", REDFISH_LOG_SERVICE },    { "LogEntry", REDFISH_LOG_ENTRY },
    { "SoftwareInventory", REDFISH_FIRMWARE }, { "Processor", REDFISH_PROCESSOR },
    { "Memory", REDFISH_MEMORY },             { "Drive", REDFISH_DRIVE },
    { "NetworkAdapter", REDFISH_ADAPTER },    { "MetricReport", REDFISH_REPORT },
};

static const struct {
    const char *property;
    uint8_t link;
} links[] = {
    { "Systems", REDFISH_LINK_SYSTEMS },           { "Chassis", REDFISH_LINK_CHASSIS },
    { "Managers", REDFISH_LINK_MANAGERS },         { "UpdateService", REDFISH_LINK_UPDATE },
    { "TelemetryService", REDFISH_LINK_TELEMETRY }, { "Sensors", REDFISH_LINK_SENSORS },
    { "PowerSubsystem", REDFISH_LINK_POWER },      { "PowerSupplies", REDFISH_LINK_SUPPLIES },
    { "ThermalSubsystem", REDFISH_LINK_THERMAL },  { "Fans", REDFISH_LINK_FANS },
    { "LeakDetection", REDFISH_LINK_LEAKS },       { "LeakDetectors", REDFISH_LINK_LEAK_DETECTORS },
    { "LogServices", REDFISH_LINK_LOGS },          { "Entries", REDFISH_LINK_ENTRIES },
    { "FirmwareInventory", REDFISH_LINK_FIRMWARE }, { "MetricReports", REDFISH_LINK_REPORTS },
    { "Processors", REDFISH_LINK_PROCESSORS },     { "Memory", REDFISH_LINK_MEMORY },
    { "Storage", REDFISH_LINK_STORAGE },           { "NetworkAdapters", REDFISH_LINK_ADAPTERS },
};

static uint8_t kind_of(const json_t *o)
{
    const char *type = redfish_text(o, "@odata.type");
    size_t length;
    if (type[0] == '#')
        type++;
    length = strcspn(type, ".");
    if (length > 10 && memcmp(type + length - 10, "Collection", 10) == 0)
        return REDFISH_COLLECTION;
    for (size_t i = 0; i < MW_ARRAY_LEN(kinds); i++)
        if (strlen(kinds[i].type) == length && memcmp(kinds[i].type, type, length) == 0)
            return kinds[i].kind;
    return REDFISH_OTHER;
}

static void tell_path(const struct redfish_sink *sink, uint8_t link, const json_t *o)
{
    const char *path = redfish_text(o, "@odata.id");
    if (sink->link != NULL && path[0] == '/' && strlen(path) < REDFISH_PATH_MAX)
        sink->link(sink->ctx, link, path);
}

static void tell_links(const struct redfish_sink *sink, const json_t *o)
{
    const json_t *drive;
    size_t i;
    for (size_t k = 0; k < MW_ARRAY_LEN(links); k++)
        tell_path(sink, links[k].link, json_object_get(o, links[k].property));
    tell_path(sink, REDFISH_LINK_SESSIONS,
              json_object_get(json_object_get(o, "Links"), "Sessions"));
    json_array_foreach(json_object_get(o, "Drives"), i, drive) {
        if (i < REDFISH_MEMBERS_MAX)
            tell_path(sink, REDFISH_LINK_DRIVES, drive);
    }
}

/* Types of reset: beside the action, or as a parameter of its ActionInfo. */
static void tell_resets(const struct redfish_sink *sink, const json_t *list)
{
    const json_t *type;
    size_t i;
    json_array_foreach(list, i, type) {
        if (sink->reset != NULL && i < REDFISH_MEMBERS_MAX && json_is_string(type))
            sink->reset(sink->ctx, json_string_value(type));
    }
}

static void tell_action_info(const struct redfish_sink *sink, const json_t *o)
{
    const json_t *parameter;
    size_t i;
    json_array_foreach(json_object_get(o, "Parameters"), i, parameter) {
        if (strcmp(redfish_text(parameter, "Name"), "ResetType") == 0)
            tell_resets(sink, json_object_get(parameter, "AllowableValues"));
    }
}

static void tell_values(const struct redfish_sink *sink, const json_t *o, struct redfish_doc *ret)
{
    const json_t *value;
    size_t i;
    json_array_foreach(json_object_get(o, "MetricValues"), i, value) {
        const char *path = redfish_text(value, "MetricProperty");
        if (i >= REDFISH_MEMBERS_MAX || path[0] != '/' || strlen(path) >= REDFISH_PATH_MAX) {
            ret->refused++;
            continue;
        }
        ret->members++;
        if (sink->value != NULL)
            sink->value(sink->ctx, path, redfish_report_value(value, path));
    }
}

static void tell_resource(const struct redfish_sink *sink, const json_t *o, uint8_t kind)
{
    struct redfish_item item;
    const json_t *reset = json_object_get(json_object_get(o, "Actions"), "#ComputerSystem.Reset");
    redfish_item_read(&item, o, kind);
    if (sink->item != NULL && kind != REDFISH_OTHER)
        sink->item(sink->ctx, &item);
    if (kind == REDFISH_SYSTEM)
        tell_resets(sink, json_object_get(reset, "ResetType@Redfish.AllowableValues"));
    tell_links(sink, o);
}

/* A member that came whole (expanded) is an item, one that is only named is a link. */
static void tell_members(const struct redfish_sink *sink, const json_t *o, struct redfish_doc *ret)
{
    const json_t *list = json_object_get(o, "Members"), *member;
    const char *next = redfish_text(o, "Members@odata.nextLink");
    size_t i;
    json_array_foreach(list, i, member) {
        if (i >= REDFISH_MEMBERS_MAX || redfish_text(member, "@odata.id")[0] != '/') {
            ret->refused++;
            continue;
        }
        ret->members++;
        if (json_object_get(member, "@odata.type") != NULL)
            tell_resource(sink, member, kind_of(member));
        else
            tell_path(sink, REDFISH_LINK_MEMBER, member);
    }
    if (sink->link != NULL && next[0] == '/' && strlen(next) < REDFISH_PATH_MAX)
        sink->link(sink->ctx, REDFISH_LINK_NEXT, next);
}

static bool root_expands(const json_t *o)
{
    const json_t *e = json_object_get(json_object_get(o, "ProtocolFeaturesSupported"),
                                      "ExpandQuery");
    return json_is_true(json_object_get(e, "NoLinks")) &&
           json_is_true(json_object_get(e, "Levels"));
}

static void tell_document(const struct redfish_sink *sink, const json_t *o,
                          struct redfish_doc *ret)
{
    const json_t *count = json_object_get(o, "Members@odata.count");
    ret->kind = kind_of(o);
    ret->count = json_is_integer(count) ? json_integer_value(count) : -1;
    if (ret->kind == REDFISH_COLLECTION || json_is_array(json_object_get(o, "Members"))) {
        ret->kind = REDFISH_COLLECTION;
        tell_members(sink, o, ret);
        return;
    }
    ret->expands = ret->kind == REDFISH_ROOT && root_expands(o);
    tell_resource(sink, o, ret->kind);
    if (ret->kind == REDFISH_REPORT)
        tell_values(sink, o, ret);
    tell_action_info(sink, o);
}

int redfish_read(const char *text, size_t size, const struct redfish_sink *sink,
                 struct redfish_doc *ret, struct mw_error *err)
{
    json_error_t why;
    struct redfish_doc doc = { .count = -1 };
    if (size > REDFISH_BYTES_MAX)
        return mw_fail(err, MW_ELIMIT, "a document of over %zu MB", REDFISH_BYTES_MAX >> 20);
    json_t *o = json_loadb(text, size, 0, &why);
    if (o == NULL)
        return mw_fail(err, MW_ESYNTAX, "no JSON: line %d: %s", why.line, why.text);
    if (!json_is_object(o)) {
        json_decref(o);
        return mw_fail(err, MW_ESYNTAX, "no Redfish resource: not an object");
    }
    tell_document(sink, o, &doc);
    json_decref(o);
    *ret = doc;
    return 0;
}

int redfish_beyond(const struct redfish_item *sensor, double reading)
{
    if (isnan(reading))
        return 0;
    if (!isnan(sensor->critical_high) && reading > sensor->critical_high)
        return 1;
    return !isnan(sensor->critical_low) && reading < sensor->critical_low ? -1 : 0;
}
