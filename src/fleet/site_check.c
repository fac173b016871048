/*
 * What names alone cannot show: power and cooling that carry what hangs on
 * them, racks without power, breakers in a circle.  Each feed of a rack must
 * carry the rack alone, so a rack counts in full on both.
 */
#include "fleet/site_build.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "fleet/fleet_build.h"

/* Nameplate of racks: overhead is in the column already. */
static void add_rack_power(struct site_build *b)
{
    const struct site_spans *spans = &b->spans[COMPONENT_SWITCH];
    struct fleet *f = b->f;

    for (uint32_t i = 0; i < f->count[COMPONENT_NODE]; i++) {
        if (f->node_rack[i] != MW_NONE)
            f->rack_power_w[f->node_rack[i]] += f->node_power_w[i];
    }
    for (uint32_t s = 0; s < spans->length; s++) {
        int64_t power_w =
            schema_power_w(site_fields(COMPONENT_SWITCH), spans->item[s].entry, "power_w", 0);

        for (uint32_t i = 0; i < spans->item[s].count; i++) {
            uint32_t rack = f->switch_rack[spans->item[s].first + i];
            if (rack != MW_NONE)
                f->rack_power_w[rack] += power_w;
        }
    }
}

/* The cables of each switch, by its rows at both ends. */
static int list_switch_cables(struct site_build *b)
{
    struct fleet *f = b->f;
    uint32_t cables = f->count[COMPONENT_CABLE];
    uint32_t *ends[2] = {mw_calloc(cables, sizeof(uint32_t)), mw_calloc(cables, sizeof(uint32_t))};
    int rc = ends[0] == NULL || ends[1] == NULL ? MW_ENOMEM : 0;

    for (uint32_t i = 0; i < cables && rc == 0; i++) {
        for (int side = 0; side < 2; side++) {
            uint64_t id = f->cable_end[side][i].component;
            ends[side][i] = id != 0 && component_kind_of(id) == COMPONENT_SWITCH
                                ? component_index_of(id)
                                : MW_NONE;
        }
    }
    if (rc == 0)
        rc = fleet_list_make2(&f->switch_cables, f->count[COMPONENT_SWITCH], ends, cables);
    mw_free(ends[0]);
    mw_free(ends[1]);
    return rc;
}

int site_lists(struct site_build *b)
{
    struct fleet *f = b->f;
    const uint32_t *n = f->count;
    const struct {
        struct fleet_list *list;
        const uint32_t *parent;
        uint32_t rows, children;
    } lists[] = {
        {&f->group_nodes, f->node_group, f->groups, n[COMPONENT_NODE]},
        {&f->rack_nodes, f->node_rack, n[COMPONENT_RACK], n[COMPONENT_NODE]},
        {&f->row_racks, f->rack_row, n[COMPONENT_ROW], n[COMPONENT_RACK]},
        {&f->hall_rows, f->row_hall, n[COMPONENT_HALL], n[COMPONENT_ROW]},
        {&f->breaker_pdus, f->pdu_breaker, n[COMPONENT_BREAKER], n[COMPONENT_PDU]},
        {&f->breaker_children, f->breaker_parent, n[COMPONENT_BREAKER], n[COMPONENT_BREAKER]},
        {&f->cdu_racks, f->rack_cdu, n[COMPONENT_CDU], n[COMPONENT_RACK]},
    };
    int rc = 0;

    add_rack_power(b);
    for (size_t i = 0; i < MW_ARRAY_LEN(lists) && rc == 0; i++)
        rc = fleet_list_make(lists[i].list, lists[i].rows, lists[i].parent, lists[i].children);
    if (rc == 0)
        rc = fleet_list_make2(&f->pdu_racks, n[COMPONENT_PDU], f->rack_pdu, n[COMPONENT_RACK]);
    if (rc == 0)
        rc = list_switch_cables(b);
    return rc == 0 ? 0 : mw_fail(b->err, rc, "out of memory");
}

/* The breakers above a PDU, nearest first; gives how many, bounded. */
static uint32_t breakers_above(const struct fleet *f, uint32_t pdu,
                               uint32_t ret[SITE_BREAKER_DEPTH_MAX])
{
    uint32_t n = 0;
    uint32_t breaker = pdu == MW_NONE ? MW_NONE : f->pdu_breaker[pdu];

    for (; breaker != MW_NONE && n < SITE_BREAKER_DEPTH_MAX; breaker = f->breaker_parent[breaker])
        ret[n++] = breaker;
    return n;
}

static bool contains(const uint32_t *list, uint32_t n, uint32_t wanted)
{
    for (uint32_t i = 0; i < n; i++) {
        if (list[i] == wanted)
            return true;
    }
    return false;
}

/* Adds a rack to every breaker above it, once each. */
static void load_breakers(const struct fleet *f, uint32_t rack, int64_t *load_w)
{
    uint32_t above[2][SITE_BREAKER_DEPTH_MAX];
    uint32_t a = breakers_above(f, f->rack_pdu[0][rack], above[0]);
    uint32_t n = breakers_above(f, f->rack_pdu[1][rack], above[1]);

    for (uint32_t i = 0; i < a; i++)
        load_w[above[0][i]] += f->rack_power_w[rack];
    for (uint32_t i = 0; i < n; i++) {
        if (!contains(above[0], a, above[1][i]))
            load_w[above[1][i]] += f->rack_power_w[rack];
    }
}

static bool breakers_end(struct site_build *b)
{
    const struct fleet *f = b->f;
    bool good = true;

    for (uint32_t i = 0; i < f->count[COMPONENT_BREAKER]; i++) {
        uint32_t depth = 0;

        for (uint32_t at = i; at != MW_NONE && depth <= SITE_BREAKER_DEPTH_MAX; depth++)
            at = f->breaker_parent[at];
        if (depth <= SITE_BREAKER_DEPTH_MAX)
            continue;
        uint64_t id = component_id(COMPONENT_BREAKER, i);
        problems_add(b->problems, site_place(b, site_entry_of(b, id), "parent"),
                     "the breakers above '%s' run in a circle, or are more than %d",
                     fleet_name(f, id), SITE_BREAKER_DEPTH_MAX);
        good = false;
    }
    return good;
}

static int check_breakers(struct site_build *b)
{
    const struct fleet *f = b->f;

    if (!breakers_end(b))
        return 0;
    int64_t *load_w = mw_calloc(f->count[COMPONENT_BREAKER], sizeof(*load_w));
    if (load_w == NULL)
        return mw_fail(b->err, MW_ENOMEM, "out of memory");
    for (uint32_t i = 0; i < f->count[COMPONENT_RACK]; i++)
        load_breakers(f, i, load_w);
    for (uint32_t i = 0; i < f->count[COMPONENT_BREAKER]; i++) {
        uint64_t id = component_id(COMPONENT_BREAKER, i);

        if (load_w[i] <= f->breaker_limit_w[i] || f->breaker_limit_w[i] == 0) /* 0: refused */
            continue;
        problems_add(b->problems, site_place(b, site_entry_of(b, id), "limit_w"),
                     "the breaker '%s' is overcommitted: the racks on it draw %lld W, its limit is "
                     "%lld W (a rack counts in full on each of its feeds)",
                     fleet_name(f, id), (long long)load_w[i], (long long)f->breaker_limit_w[i]);
    }
    mw_free(load_w);
    return 0;
}

static void check_cdus(struct site_build *b)
{
    const struct fleet *f = b->f;

    for (uint32_t i = 0; i < f->count[COMPONENT_CDU]; i++) {
        uint64_t id = component_id(COMPONENT_CDU, i);
        int64_t heat_w = 0;

        for (uint32_t k = f->cdu_racks.first[i]; k < f->cdu_racks.first[i + 1]; k++)
            heat_w += f->rack_power_w[f->cdu_racks.item[k]];
        if (heat_w <= f->cdu_capacity_w[i] || f->cdu_capacity_w[i] == 0) /* 0: refused */
            continue;
        problems_add(b->problems, site_place(b, site_entry_of(b, id), "capacity_w"),
                     "the CDU '%s' is over its capacity: the racks on it give %lld W, it carries "
                     "%lld W",
                     fleet_name(f, id), (long long)heat_w, (long long)f->cdu_capacity_w[i]);
    }
}

static void check_racks(struct site_build *b)
{
    const struct fleet *f = b->f;

    for (uint32_t i = 0; i < f->count[COMPONENT_RACK]; i++) {
        uint64_t id = component_id(COMPONENT_RACK, i);
        const struct mw_yaml_node *entry = site_entry_of(b, id);
        const struct mw_yaml_node *feeds = mw_yaml_get(entry, "feeds");

        if (f->rack_power_w[i] > 0 && feeds == NULL)
            problems_add(b->problems, site_place(b, entry, "name"),
                         "the rack '%s' draws %lld W and has no power: add feeds: [PDU]",
                         fleet_name(f, id), (long long)f->rack_power_w[i]);
        if (f->rack_pdu[0][i] != MW_NONE && f->rack_pdu[0][i] == f->rack_pdu[1][i])
            problems_add(b->problems, site_place(b, entry, "feeds"),
                         "both feeds of the rack '%s' are the same PDU", fleet_name(f, id));
    }
}

/* Nodes that need a CDU stand in racks that have one. */
static void check_liquid(struct site_build *b)
{
    const struct fleet *f = b->f;

    for (uint32_t m = 0; m < b->models; m++) {
        if (!b->model[m].liquid)
            continue;
        for (uint32_t i = 0; i < f->count[COMPONENT_NODE]; i++) {
            uint32_t rack = f->node_rack[i];
            uint64_t id = component_id(COMPONENT_RACK, rack);

            if (f->node_model[i] != b->model[m].name_text || rack == MW_NONE ||
                mw_yaml_get(site_entry_of(b, id), "cdu") != NULL)
                continue;
            problems_add(b->problems, site_place(b, site_entry_of(b, id), "name"),
                         "the rack '%s' has no cdu:, but its %s nodes are liquid-cooled",
                         fleet_name(f, id), b->model[m].name);
        }
    }
}

int site_checks(struct site_build *b)
{
    must(b != NULL && b->f->rack_nodes.first != NULL);
    if (b->f->count[COMPONENT_NODE] == 0 && b->problems->total == 0)
        problems_add(b->problems, mw_yaml_place(b->doc, mw_yaml_root(b->doc)),
                     "the site has no nodes: list them under nodes:");
    check_racks(b);
    check_cdus(b);
    check_liquid(b);
    return check_breakers(b);
}
