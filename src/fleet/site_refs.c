/*
 * Parents by name: "h{1}-r{2}" becomes a row number, for every component of an
 * entry.  What a parent implies (a node's hall by its rack) is filled in here.
 */
#include "fleet/site_build.h"

#include <stdio.h>
#include <string.h>

/* Stands in for a number of ports that was refused, so that no cable looks wrong for it. */
#define PORTS_IF_BAD 1024

/* A column of parents that a key of the entry names. */
static const struct reference {
    enum component_kind kind;
    const char *key;
    enum component_kind target;
    size_t column; /* of struct fleet */
} references[] = {
    {COMPONENT_ROW, "hall", COMPONENT_HALL, offsetof(struct fleet, row_hall)},
    {COMPONENT_RACK, "row", COMPONENT_ROW, offsetof(struct fleet, rack_row)},
    {COMPONENT_RACK, "hall", COMPONENT_HALL, offsetof(struct fleet, rack_hall)},
    {COMPONENT_RACK, "cdu", COMPONENT_CDU, offsetof(struct fleet, rack_cdu)},
    {COMPONENT_NODE, "rack", COMPONENT_RACK, offsetof(struct fleet, node_rack)},
    {COMPONENT_PDU, "breaker", COMPONENT_BREAKER, offsetof(struct fleet, pdu_breaker)},
    {COMPONENT_BREAKER, "parent", COMPONENT_BREAKER, offsetof(struct fleet, breaker_parent)},
    {COMPONENT_SWITCH, "rack", COMPONENT_RACK, offsetof(struct fleet, switch_rack)},
    {COMPONENT_SWITCH, "hall", COMPONENT_HALL, offsetof(struct fleet, switch_hall)},
};

/* One value being resolved for every component of an entry. */
struct resolve {
    struct site_build *b;
    const struct site_span *span;
    const struct mw_yaml_node *value;
    enum component_kind kind, target;
    uint32_t *column;
};

/* Finds a component of the wanted kind; MW_NONE after reporting why not. */
static uint32_t find_kind(const struct resolve *r, const char *name, size_t length)
{
    uint64_t id = fleet_find(r->b->f, name);
    struct mw_place at = mw_yaml_place(r->b->doc, r->value);

    must(length > 0);
    if (id == 0) {
        problems_add(r->b->problems, at, "there is no %s '%s'", component_kind_name(r->target),
                     name);
        return MW_NONE;
    }
    if (component_kind_of(id) != r->target) {
        problems_add(r->b->problems, at, "'%s' is a %s, not a %s", name,
                     component_kind_name(component_kind_of(id)), component_kind_name(r->target));
        return MW_NONE;
    }
    return component_index_of(id);
}

static void resolve(const struct resolve *r)
{
    struct pattern name, p;
    struct pattern_at at = {0}, zero = {0};
    struct mw_error why = {0};
    char text[PATTERN_NAME_MAX], last[PATTERN_NAME_MAX] = "";
    uint32_t found = MW_NONE;
    int rc = pattern_parse(&name, mw_yaml_text(r->span->entry, "name", ""), NULL, NULL);

    must(rc == 0 && name.count == r->span->count);
    if (pattern_parse(&p, r->value->text, &name, &why) != 0) {
        problems_add(r->b->problems, mw_yaml_place(r->b->doc, r->value), "'%.60s': %s",
                     r->value->text, why.text);
        return;
    }
    if (p.count != 1) {
        problems_add(r->b->problems, mw_yaml_place(r->b->doc, r->value),
                     "must name one %s; {1} stands for the first range of the name",
                     component_kind_name(r->target));
        return;
    }
    for (uint32_t i = 0; i < r->span->count; i++) {
        size_t length = pattern_write(&p, &zero, &name, &at, text);
        uint32_t row = r->span->first + i;

        if (strcmp(text, last) != 0) {
            found = find_kind(r, text, length);
            memcpy(last, text, length + 1);
        }
        r->column[r->kind == COMPONENT_NODE ? r->b->node_row[row] : row] = found;
        (void)pattern_next(&name, &at);
    }
}

static void resolve_rule(struct site_build *b, const struct reference *rule)
{
    const struct site_spans *spans = &b->spans[rule->kind];
    uint32_t *column = *(uint32_t **)((char *)b->f + rule->column);

    for (uint32_t i = 0; i < b->f->count[rule->kind]; i++)
        column[i] = MW_NONE;
    for (uint32_t s = 0; s < spans->length; s++) {
        const struct mw_yaml_node *entry = spans->item[s].entry;

        if (schema_text(site_fields(rule->kind), entry, rule->key, NULL) == NULL)
            continue;
        struct resolve r = {
            .b = b,
            .span = &spans->item[s],
            .value = mw_yaml_get(entry, rule->key),
            .kind = rule->kind,
            .target = rule->target,
            .column = column,
        };
        resolve(&r);
    }
}

static void resolve_feeds(struct site_build *b)
{
    const struct site_spans *spans = &b->spans[COMPONENT_RACK];

    for (uint32_t i = 0; i < b->f->count[COMPONENT_RACK]; i++)
        b->f->rack_pdu[0][i] = b->f->rack_pdu[1][i] = MW_NONE;
    for (uint32_t s = 0; s < spans->length; s++) {
        const struct mw_yaml_node *list =
            schema_list(site_fields(COMPONENT_RACK), spans->item[s].entry, "feeds");
        const struct mw_yaml_node *value = list == NULL ? NULL : list->child;

        for (int side = 0; side < 2 && value != NULL; side++, value = value->next) {
            struct resolve r = {
                .b = b,
                .span = &spans->item[s],
                .value = value,
                .kind = COMPONENT_RACK,
                .target = COMPONENT_PDU,
                .column = b->f->rack_pdu[side],
            };
            if (value->kind == MW_YAML_SCALAR)
                resolve(&r);
        }
    }
}

/* A rack's hall by its row; a rack without either, or with halls that differ, is a mistake. */
static void derive_racks(struct site_build *b)
{
    struct fleet *f = b->f;

    for (uint32_t i = 0; i < f->count[COMPONENT_RACK]; i++) {
        const struct mw_yaml_node *entry = site_entry_of(b, component_id(COMPONENT_RACK, i));
        const char *name = fleet_name(f, component_id(COMPONENT_RACK, i));

        if (mw_yaml_get(entry, "row") == NULL && mw_yaml_get(entry, "hall") == NULL)
            problems_add(b->problems, site_place(b, entry, "name"),
                         "the rack '%s' needs a row: or a hall:", name);
        if (f->rack_row[i] == MW_NONE)
            continue;
        uint32_t hall = f->row_hall[f->rack_row[i]];
        if (f->rack_hall[i] != MW_NONE && f->rack_hall[i] != hall)
            problems_add(b->problems, site_place(b, entry, "hall"),
                         "the row of the rack '%s' stands in another hall", name);
        f->rack_hall[i] = hall;
    }
}

static void derive(struct site_build *b)
{
    struct fleet *f = b->f;

    derive_racks(b);
    for (uint32_t i = 0; i < f->count[COMPONENT_NODE]; i++) {
        uint32_t rack = f->node_rack[i];
        f->node_row[i] = rack == MW_NONE ? MW_NONE : f->rack_row[rack];
        f->node_hall[i] = rack == MW_NONE ? MW_NONE : f->rack_hall[rack];
    }
    for (uint32_t i = 0; i < f->count[COMPONENT_SWITCH]; i++) {
        if (f->switch_rack[i] != MW_NONE)
            f->switch_hall[i] = f->rack_hall[f->switch_rack[i]];
    }
}

/* The numbers of one component, from its entry. */
static void fill_row(struct fleet *f, enum component_kind kind, uint32_t row,
                     const struct mw_yaml_node *entry)
{
    const struct schema_field *fields = site_fields(kind);

    if (kind == COMPONENT_BREAKER)
        f->breaker_limit_w[row] = schema_power_w(fields, entry, "limit_w", 0);
    else if (kind == COMPONENT_CDU)
        f->cdu_capacity_w[row] = schema_power_w(fields, entry, "capacity_w", 0);
    else if (kind == COMPONENT_RACK)
        f->rack_power_w[row] = schema_power_w(fields, entry, "overhead_w", 0);
}

static void fill_values(struct site_build *b)
{
    static const enum component_kind kinds[] = {COMPONENT_BREAKER, COMPONENT_CDU, COMPONENT_RACK};

    for (size_t k = 0; k < MW_ARRAY_LEN(kinds); k++) {
        const struct site_spans *spans = &b->spans[kinds[k]];

        for (uint32_t s = 0; s < spans->length; s++) {
            for (uint32_t i = 0; i < spans->item[s].count; i++)
                fill_row(b->f, kinds[k], spans->item[s].first + i, spans->item[s].entry);
        }
    }
}

static void fill_switches(struct site_build *b)
{
    const struct schema_field *fields = site_fields(COMPONENT_SWITCH);
    const struct site_spans *spans = &b->spans[COMPONENT_SWITCH];

    for (uint32_t s = 0; s < spans->length; s++) {
        const struct site_span *span = &spans->item[s];
        int tier = SWITCH_LEAF + schema_choice(fields, span->entry, "tier", 0);
        int64_t ports = schema_int(fields, span->entry, "ports", PORTS_IF_BAD);

        for (uint32_t i = span->first; i < span->first + span->count; i++) {
            b->f->switch_tier[i] = (uint8_t)tier;
            b->f->switch_ports[i] = (uint16_t)ports;
        }
    }
}

/* The batch of the GPUs of an entry's nodes. */
static int fill_batches(struct site_build *b)
{
    const struct site_spans *spans = &b->spans[COMPONENT_NODE];
    struct fleet *f = b->f;

    for (uint32_t s = 0; s < spans->length; s++) {
        const struct mw_yaml_node *entry = spans->item[s].entry;
        const char *batch = schema_text(site_fields(COMPONENT_NODE), entry, "gpu_batch", NULL);
        uint32_t text = 0;

        if (batch == NULL)
            continue;
        int rc = site_batch(b, batch, &text);
        if (rc != 0)
            return rc;
        for (uint32_t i = 0; i < spans->item[s].count; i++) {
            uint32_t node = b->node_row[spans->item[s].first + i];
            for (uint32_t g = 0; g < f->node_gpus[node]; g++)
                f->gpu_batch[f->node_gpu_first[node] + g] = text;
        }
    }
    return 0;
}

int site_references(struct site_build *b)
{
    must(b != NULL && b->f->name_index != NULL);
    for (size_t i = 0; i < MW_ARRAY_LEN(references); i++)
        resolve_rule(b, &references[i]);
    resolve_feeds(b);
    derive(b);
    fill_values(b);
    fill_switches(b);
    return fill_batches(b);
}
