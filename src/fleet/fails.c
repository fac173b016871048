/*
 * What stops with a part.  Works outward from the part: first what is inside
 * it or fed by it alone, then the links that end there, then the nodes whose
 * links are gone.  Touches only what it lists.
 */
#include "fleet/query.h"

#include "fleet/query_list.h"

struct fall {
    const struct fleet *f;
    struct component_list *down, *degraded;
};

static void add(struct component_list *l, enum component_kind kind, uint32_t row)
{
    list_add(l, component_id(kind, row));
}

/* A cable and its optics stop; what it connected is touched. */
static void drop_cable(struct fall *x, uint32_t cable)
{
    const struct fleet *f = x->f;

    add(x->down, COMPONENT_CABLE, cable);
    for (int side = 0; side < 2; side++) {
        uint64_t id = f->cable_end[side][cable].component;

        if (f->cable_optic[side][cable] != MW_NONE)
            add(x->down, COMPONENT_OPTIC, f->cable_optic[side][cable]);
        list_add(x->degraded, id);
        if (component_kind_of(id) == COMPONENT_NIC)
            add(x->degraded, COMPONENT_NODE, f->nic_node[component_index_of(id)]);
    }
}

static void drop_nic(struct fall *x, uint32_t nic)
{
    add(x->down, COMPONENT_NIC, nic);
    add(x->degraded, COMPONENT_NODE, x->f->nic_node[nic]);
    if (x->f->nic_cable[nic] != MW_NONE)
        drop_cable(x, x->f->nic_cable[nic]);
}

static void drop_switch(struct fall *x, uint32_t row)
{
    const struct fleet_list *l = &x->f->switch_cables;

    add(x->down, COMPONENT_SWITCH, row);
    for (uint32_t i = l->first[row]; i < l->first[row + 1]; i++)
        drop_cable(x, l->item[i]);
}

static void drop_node(struct fall *x, uint32_t node)
{
    const struct fleet *f = x->f;

    add(x->down, COMPONENT_NODE, node);
    for (uint32_t i = 0; i < f->node_gpus[node]; i++)
        add(x->down, COMPONENT_GPU, f->node_gpu_first[node] + i);
    for (uint32_t i = 0; i < f->node_nics[node]; i++)
        drop_nic(x, f->node_nic_first[node] + i);
}

static void drop_nodes_of(struct fall *x, uint32_t rack)
{
    const struct fleet_list *l = &x->f->rack_nodes;

    for (uint32_t i = l->first[rack]; i < l->first[rack + 1]; i++)
        drop_node(x, l->item[i]);
}

/* A rack and its nodes; its switches follow in drop_rack_switches. */
static void drop_rack(struct fall *x, uint32_t rack)
{
    add(x->down, COMPONENT_RACK, rack);
    drop_nodes_of(x, rack);
}

/* Switches of racks that are down; down is sorted. */
static int drop_rack_switches(struct fall *x)
{
    const struct fleet *f = x->f;
    uint32_t known = x->down->length;

    for (uint32_t i = 0; i < f->count[COMPONENT_SWITCH]; i++) {
        struct component_list sorted = {.id = x->down->id, .length = known};

        if (list_failed(x->down))
            return MW_ENOMEM;
        if (f->switch_rack[i] != MW_NONE &&
            list_has(&sorted, component_id(COMPONENT_RACK, f->switch_rack[i])))
            drop_switch(x, i);
    }
    return list_sort(x->down);
}

static void drop_row(struct fall *x, uint32_t row)
{
    const struct fleet_list *l = &x->f->row_racks;

    add(x->down, COMPONENT_ROW, row);
    for (uint32_t i = l->first[row]; i < l->first[row + 1]; i++)
        drop_rack(x, l->item[i]);
}

/* By columns, not by rows: racks and switches may stand in a hall without a row or rack. */
static void drop_hall(struct fall *x, uint32_t hall)
{
    const struct fleet *f = x->f;

    add(x->down, COMPONENT_HALL, hall);
    for (uint32_t i = f->hall_rows.first[hall]; i < f->hall_rows.first[hall + 1]; i++)
        add(x->down, COMPONENT_ROW, f->hall_rows.item[i]);
    for (uint32_t i = 0; i < f->count[COMPONENT_RACK]; i++) {
        if (f->rack_hall[i] == hall)
            drop_rack(x, i);
    }
    for (uint32_t i = 0; i < f->count[COMPONENT_SWITCH]; i++) {
        if (f->switch_hall[i] == hall)
            drop_switch(x, i);
    }
}

static void drop_site(struct fall *x)
{
    for (int k = COMPONENT_SITE; k < COMPONENT_KIND_COUNT; k++) {
        for (uint32_t i = 0; i < x->f->count[k]; i++)
            add(x->down, (enum component_kind)k, i);
    }
}

/* Breakers below one, itself first; walks the list it makes. */
static void drop_breakers(struct fall *x, uint32_t breaker)
{
    const struct fleet *f = x->f;
    const struct fleet_list *children = &f->breaker_children, *pdus = &f->breaker_pdus;
    uint32_t at = x->down->length;

    add(x->down, COMPONENT_BREAKER, breaker);
    for (; !list_failed(x->down) && at < x->down->length; at++) {
        uint32_t row = component_index_of(x->down->id[at]);

        if (component_kind_of(x->down->id[at]) != COMPONENT_BREAKER)
            continue;
        for (uint32_t i = children->first[row]; i < children->first[row + 1]; i++)
            add(x->down, COMPONENT_BREAKER, children->item[i]);
        for (uint32_t i = pdus->first[row]; i < pdus->first[row + 1]; i++)
            add(x->down, COMPONENT_PDU, pdus->item[i]);
    }
}

/* True when a feed of the rack is not among the dead PDUs, which are sorted. */
static bool is_fed(const struct fleet *f, uint32_t rack, const struct component_list *dead)
{
    for (int side = 0; side < 2; side++) {
        uint32_t pdu = f->rack_pdu[side][rack];
        if (pdu != MW_NONE && !list_has(dead, component_id(COMPONENT_PDU, pdu)))
            return true;
    }
    return false;
}

/* A rack stops when no feed is left, and has lost its redundancy when one is.  `down` holds the
 * PDUs that stop, sorted. */
static void drop_unfed_racks(struct fall *x)
{
    const struct fleet *f = x->f;
    uint32_t pdus = x->down->length;

    for (uint32_t p = 0; p < pdus; p++) {
        if (list_failed(x->down))
            return;
        uint64_t id = x->down->id[p];
        uint32_t row = component_index_of(id);

        if (component_kind_of(id) != COMPONENT_PDU)
            continue;
        for (uint32_t i = f->pdu_racks.first[row]; i < f->pdu_racks.first[row + 1]; i++) {
            struct component_list dead = {.id = x->down->id, .length = pdus};
            uint32_t rack = f->pdu_racks.item[i];

            if (is_fed(f, rack, &dead))
                add(x->degraded, COMPONENT_RACK, rack);
            else
                drop_rack(x, rack);
            if (list_failed(x->down))
                return;
        }
    }
}

static int drop_power(struct fall *x, enum component_kind kind, uint32_t row)
{
    if (kind == COMPONENT_BREAKER)
        drop_breakers(x, row);
    else
        add(x->down, COMPONENT_PDU, row);
    int rc = list_sort(x->down);
    if (rc == 0)
        drop_unfed_racks(x);
    return rc;
}

static void drop_cdu(struct fall *x, uint32_t row)
{
    const struct fleet_list *l = &x->f->cdu_racks;

    add(x->down, COMPONENT_CDU, row);
    for (uint32_t i = l->first[row]; i < l->first[row + 1]; i++) {
        add(x->degraded, COMPONENT_RACK, l->item[i]);
        drop_nodes_of(x, l->item[i]);
    }
}

static int drop_part(struct fall *x, enum component_kind kind, uint32_t row)
{
    switch (kind) {
    case COMPONENT_SITE:
        drop_site(x);
        return 0;
    case COMPONENT_HALL:
        drop_hall(x, row);
        return 0;
    case COMPONENT_ROW:
        drop_row(x, row);
        return 0;
    case COMPONENT_RACK:
        drop_rack(x, row);
        return 0;
    case COMPONENT_NODE:
        drop_node(x, row);
        return 0;
    case COMPONENT_GPU:
        add(x->down, COMPONENT_GPU, row);
        add(x->degraded, COMPONENT_NODE, x->f->gpu_node[row]);
        return 0;
    case COMPONENT_NIC:
        drop_nic(x, row);
        return 0;
    case COMPONENT_SWITCH:
        drop_switch(x, row);
        return 0;
    case COMPONENT_CABLE:
        drop_cable(x, row);
        return 0;
    case COMPONENT_OPTIC:
        drop_cable(x, x->f->optic_cable[row]);
        return 0;
    case COMPONENT_CDU:
        drop_cdu(x, row);
        return 0;
    default:
        return drop_power(x, kind, row);
    }
}

/* A node none of whose NICs has a link left is cut off: it stops.  `down` is sorted. */
static bool is_cut_off(const struct fleet *f, uint32_t node, const struct component_list *down)
{
    uint32_t had = 0;

    for (uint32_t i = 0; i < f->node_nics[node]; i++) {
        uint32_t cable = f->nic_cable[f->node_nic_first[node] + i];

        if (cable == MW_NONE)
            continue;
        had++;
        if (!list_has(down, component_id(COMPONENT_CABLE, cable)))
            return false;
    }
    return had > 0;
}

static int drop_cut_off(struct fall *x)
{
    struct component_list found = {0};

    for (uint32_t i = 0; i < x->degraded->length; i++) {
        uint64_t id = x->degraded->id[i];
        if (component_kind_of(id) == COMPONENT_NODE &&
            is_cut_off(x->f, component_index_of(id), x->down))
            list_add(&found, id);
    }
    int rc = list_sort(&found);
    for (uint32_t i = 0; i < found.length && rc == 0; i++)
        drop_node(x, component_index_of(found.id[i]));
    component_list_fini(&found);
    if (rc == 0)
        rc = list_sort(x->down);
    return rc == 0 ? list_sort(x->degraded) : rc;
}

int fleet_fails_with(const struct fleet *f, uint64_t component, struct component_list *down,
                     struct component_list *degraded)
{
    struct fall x = {.f = f, .down = down, .degraded = degraded};
    enum component_kind kind = component_kind_of(component);
    uint32_t row = component_index_of(component);

    must(f != NULL && down != NULL && degraded != NULL);
    down->length = degraded->length = 0;
    if (kind <= COMPONENT_NONE || kind >= COMPONENT_KIND_COUNT || row >= f->count[kind])
        return MW_ENOTFOUND;
    int rc = drop_part(&x, kind, row);
    if (rc == 0)
        rc = list_sort(down);
    bool racks = kind == COMPONENT_ROW || kind == COMPONENT_RACK || kind == COMPONENT_PDU ||
                 kind == COMPONENT_BREAKER;
    if (rc == 0 && racks)
        rc = drop_rack_switches(&x);
    if (rc == 0)
        rc = list_sort(degraded);
    if (rc == 0)
        rc = drop_cut_off(&x);
    if (rc == 0)
        list_subtract(degraded, down);
    else
        down->length = degraded->length = 0;
    return rc;
}
