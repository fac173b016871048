/* The tables of the site language: which keys each list of the file knows. */
#include "fleet/site_build.h"

#define WATTS_MAX 1e10
#define TEXT_BYTES_MAX 200

static const struct schema_field text_item = {.type = SCHEMA_TEXT, .min = 1, .max = TEXT_BYTES_MAX};

#define NAME(what)                                                             \
    {                                                                          \
        .name = "name", .type = SCHEMA_TEXT, .required = true, .min = 1,       \
        .max = TEXT_BYTES_MAX, .help = what                                    \
    }
#define TEXT(key) .name = key, .type = SCHEMA_TEXT, .min = 1, .max = TEXT_BYTES_MAX

const struct schema_field site_model_fields[] = {
    NAME("how nodes name this model"),
    {.name = "gpus", .type = SCHEMA_INT, .required = true, .min = 0, .max = 64,
     .help = "GPUs a node"},
    {.name = "nics", .type = SCHEMA_INT, .min = 0, .max = 64, .help = "compute NICs a node"},
    {.name = "power_w", .type = SCHEMA_POWER, .required = true, .min = 0, .max = 1e7,
     .help = "nameplate draw of a node"},
    {.name = "liquid", .type = SCHEMA_BOOL, .help = "true when it cannot run without a CDU"},
    {0},
};

static const struct schema_field hall_fields[] = {NAME("the hall's name"), {0}};

static const struct schema_field row_fields[] = {
    NAME("the row's name"),
    {TEXT("hall"), .required = true, .help = "the hall it stands in"},
    {0},
};

static const struct schema_field rack_fields[] = {
    NAME("the rack's name"),
    {TEXT("row"), .help = "the row it stands in"},
    {TEXT("hall"), .help = "its hall, when it stands in no row"},
    {.name = "feeds", .type = SCHEMA_LIST, .min = 1, .max = 2, .item = &text_item,
     .help = "one or two PDUs"},
    {TEXT("cdu"), .help = "the CDU that cools it"},
    {.name = "overhead_w", .type = SCHEMA_POWER, .min = 0, .max = 1e7,
     .help = "power that is neither nodes nor switches listed"},
    {0},
};

static const struct schema_field node_fields[] = {
    NAME("the node's name"),
    {TEXT("model"), .required = true, .help = "one of models:"},
    {TEXT("rack"), .required = true, .help = "the rack it is in"},
    {TEXT("group"), .help = "placement group: nodes that share their leaves or NVLink domain"},
    {TEXT("gpu_batch"), .help = "production batch of its GPUs"},
    {0},
};

static const char *const tiers[] = {"leaf", "spine", "core", NULL};

static const struct schema_field switch_fields[] = {
    NAME("the switch's name"),
    {.name = "tier", .type = SCHEMA_CHOICE, .required = true, .choices = tiers},
    {.name = "ports", .type = SCHEMA_INT, .required = true, .min = 1, .max = 1024},
    {TEXT("rack"), .help = "the rack it is in"},
    {TEXT("hall"), .help = "its hall, when it is in no rack"},
    {.name = "power_w", .type = SCHEMA_POWER, .min = 0, .max = 1e6},
    {0},
};

static const struct schema_field cable_fields[] = {
    {TEXT("name"), .help = "the cable's name; made from its first end when absent"},
    {TEXT("each"), .help = "repeat the entry for every value, {1} {2} ... elsewhere"},
    {TEXT("from"), .required = true, .help = "a NIC or a switch, with :port or not"},
    {TEXT("to"), .required = true, .help = "a NIC or a switch, with :port or not"},
    {.name = "links", .type = SCHEMA_INT, .min = 1, .max = 1024, .help = "cables for each pair"},
    {.name = "copper", .type = SCHEMA_BOOL, .help = "true = no optics"},
    {.name = "optics", .type = SCHEMA_LIST, .min = 2, .max = 2, .item = &text_item,
     .help = "names of the optics at both ends"},
    {TEXT("batch"), .help = "production batch of its optics"},
    {0},
};

static const struct schema_field breaker_fields[] = {
    NAME("the breaker's name"),
    {.name = "limit_w", .type = SCHEMA_POWER, .required = true, .min = 1, .max = WATTS_MAX,
     .help = "what it may carry"},
    {TEXT("parent"), .help = "the breaker upstream"},
    {0},
};

static const struct schema_field pdu_fields[] = {
    NAME("the PDU's name"),
    {TEXT("breaker"), .required = true, .help = "the breaker that feeds it"},
    {0},
};

static const struct schema_field cdu_fields[] = {
    NAME("the CDU's name"),
    {.name = "capacity_w", .type = SCHEMA_POWER, .required = true, .min = 1, .max = WATTS_MAX,
     .help = "heat it can carry"},
    {0},
};

#define ITEM(fields_) {.type = SCHEMA_MAP, .fields = fields_}
static const struct schema_field model_item = ITEM(site_model_fields);

static const struct site_kind_table {
    const char *key;
    const struct schema_field *fields;
    struct schema_field item;
} kinds[COMPONENT_KIND_COUNT] = {
    [COMPONENT_HALL] = {"halls", hall_fields, ITEM(hall_fields)},
    [COMPONENT_ROW] = {"rows", row_fields, ITEM(row_fields)},
    [COMPONENT_RACK] = {"racks", rack_fields, ITEM(rack_fields)},
    [COMPONENT_NODE] = {"nodes", node_fields, ITEM(node_fields)},
    [COMPONENT_SWITCH] = {"switches", switch_fields, ITEM(switch_fields)},
    [COMPONENT_CABLE] = {"cables", cable_fields, ITEM(cable_fields)},
    [COMPONENT_PDU] = {"pdus", pdu_fields, ITEM(pdu_fields)},
    [COMPONENT_BREAKER] = {"breakers", breaker_fields, ITEM(breaker_fields)},
    [COMPONENT_CDU] = {"cdus", cdu_fields, ITEM(cdu_fields)},
};

#define LIST_OF(key, kind) {.name = key, .type = SCHEMA_LIST, .item = &kinds[kind].item}

const struct schema_field site_root_fields[] = {
    {.name = "site", .type = SCHEMA_TEXT, .required = true, .min = 1, .max = 63,
     .help = "the site's name"},
    {.name = "models", .type = SCHEMA_LIST, .min = 0, .max = 1000, .item = &model_item},
    {.name = "serials", .type = SCHEMA_LIST, .min = 0, .max = 100, .item = &text_item},
    LIST_OF("halls", COMPONENT_HALL),
    LIST_OF("rows", COMPONENT_ROW),
    LIST_OF("racks", COMPONENT_RACK),
    LIST_OF("nodes", COMPONENT_NODE),
    LIST_OF("switches", COMPONENT_SWITCH),
    LIST_OF("cables", COMPONENT_CABLE),
    LIST_OF("breakers", COMPONENT_BREAKER),
    LIST_OF("pdus", COMPONENT_PDU),
    LIST_OF("cdus", COMPONENT_CDU),
    {0},
};

const struct schema_field *site_fields(enum component_kind kind)
{
    must(kinds[kind].fields != NULL);
    return kinds[kind].fields;
}

const char *site_list_key(enum component_kind kind)
{
    return kinds[kind].key;
}
