/*
 * What parts share and what nodes stand on.  Attributes are ids: components as
 * they are, groups, rails and batches with a mark where the kind would be, so
 * that one sorted list serves for all of them.
 */
#include "fleet/query.h"

#include "fleet/query_list.h"

#define MARK_GROUP UINT64_C(0xf0)
#define MARK_RAIL UINT64_C(0xf1)
#define MARK_BATCH UINT64_C(0xf2)
#define MARK_SHIFT 56

static void add(struct component_list *l, enum component_kind kind, uint32_t row)
{
    if (row != MW_NONE)
        list_add(l, component_id(kind, row));
}

static void add_mark(struct component_list *l, uint64_t mark, uint32_t value)
{
    list_add(l, mark << MARK_SHIFT | value);
}

static void add_breakers(const struct fleet *f, uint32_t breaker, struct component_list *l)
{
    for (; breaker != MW_NONE; breaker = f->breaker_parent[breaker])
        add(l, COMPONENT_BREAKER, breaker);
}

static void add_pdu(const struct fleet *f, uint32_t pdu, struct component_list *l)
{
    add(l, COMPONENT_PDU, pdu);
    if (pdu != MW_NONE)
        add_breakers(f, f->pdu_breaker[pdu], l);
}

/* A rack with where it stands and what feeds and cools it. */
static void add_rack(const struct fleet *f, uint32_t rack, struct component_list *l)
{
    if (rack == MW_NONE)
        return;
    add(l, COMPONENT_RACK, rack);
    add(l, COMPONENT_ROW, f->rack_row[rack]);
    add(l, COMPONENT_HALL, f->rack_hall[rack]);
    add(l, COMPONENT_CDU, f->rack_cdu[rack]);
    add_pdu(f, f->rack_pdu[0][rack], l);
    add_pdu(f, f->rack_pdu[1][rack], l);
}

/* The switch at the far end of a cable; MW_NONE when there is none. */
static uint32_t far_switch(const struct fleet *f, uint32_t cable, uint64_t near)
{
    for (int side = 0; side < 2; side++) {
        uint64_t id = f->cable_end[side][cable].component;
        if (id != near && component_kind_of(id) == COMPONENT_SWITCH)
            return component_index_of(id);
    }
    return MW_NONE;
}

/* The spines that a leaf has links to. */
static void add_spines(const struct fleet *f, uint32_t leaf, struct component_list *l)
{
    uint64_t id = component_id(COMPONENT_SWITCH, leaf);

    for (uint32_t i = f->switch_cables.first[leaf]; i < f->switch_cables.first[leaf + 1]; i++) {
        uint32_t other = far_switch(f, f->switch_cables.item[i], id);
        if (other != MW_NONE && f->switch_tier[other] == SWITCH_SPINE)
            add(l, COMPONENT_SWITCH, other);
    }
}

static uint32_t leaf_of(const struct fleet *f, uint32_t nic)
{
    uint32_t cable = f->nic_cable[nic];

    return cable == MW_NONE ? MW_NONE : far_switch(f, cable, component_id(COMPONENT_NIC, nic));
}

static void add_leaf(const struct fleet *f, uint32_t leaf, struct component_list *l)
{
    if (leaf == MW_NONE)
        return;
    add(l, COMPONENT_SWITCH, leaf);
    if (f->switch_tier[leaf] == SWITCH_LEAF)
        add_spines(f, leaf, l);
}

static void add_place(const struct fleet *f, uint32_t node, struct component_list *l)
{
    add(l, COMPONENT_NODE, node);
    add_mark(l, MARK_GROUP, f->node_group[node]);
    add_rack(f, f->node_rack[node], l);
}

static void add_nic(const struct fleet *f, uint32_t nic, struct component_list *l)
{
    add_place(f, f->nic_node[nic], l);
    add_mark(l, MARK_RAIL, f->nic_rail[nic]);
    add_leaf(f, leaf_of(f, nic), l);
}

static void add_node(const struct fleet *f, uint32_t node, struct component_list *l)
{
    add_place(f, node, l);
    for (uint32_t i = 0; i < f->node_nics[node]; i++)
        add_leaf(f, leaf_of(f, f->node_nic_first[node] + i), l);
}

/* The NIC on a cable; MW_NONE between switches. */
static uint32_t nic_on(const struct fleet *f, uint32_t cable)
{
    for (int side = 0; side < 2; side++) {
        uint64_t id = f->cable_end[side][cable].component;
        if (component_kind_of(id) == COMPONENT_NIC)
            return component_index_of(id);
    }
    return MW_NONE;
}

/* A switch with its place; its rail when every NIC on it is of one. */
static void add_switch(const struct fleet *f, uint32_t row, struct component_list *l)
{
    uint32_t rail = MW_NONE;
    bool mixed = false;

    add_leaf(f, row, l);
    add_rack(f, f->switch_rack[row], l);
    add(l, COMPONENT_HALL, f->switch_hall[row]);
    for (uint32_t i = f->switch_cables.first[row]; i < f->switch_cables.first[row + 1]; i++) {
        uint32_t nic = nic_on(f, f->switch_cables.item[i]);
        if (nic == MW_NONE)
            continue;
        mixed = mixed || (rail != MW_NONE && rail != f->nic_rail[nic]);
        rail = f->nic_rail[nic];
    }
    if (rail != MW_NONE && !mixed)
        add_mark(l, MARK_RAIL, rail);
}

static void add_cable(const struct fleet *f, uint32_t cable, struct component_list *l)
{
    for (int side = 0; side < 2; side++) {
        uint64_t id = f->cable_end[side][cable].component;
        if (component_kind_of(id) == COMPONENT_NIC)
            add_nic(f, component_index_of(id), l);
        else
            add_switch(f, component_index_of(id), l);
    }
}

static void add_batch(const uint32_t *batch, uint32_t row, struct component_list *l)
{
    if (batch != NULL && batch[row] != 0)
        add_mark(l, MARK_BATCH, batch[row]);
}

/* Everything a component belongs to or hangs on, itself first. */
static void add_attributes(const struct fleet *f, uint64_t id, struct component_list *l)
{
    uint32_t row = component_index_of(id);

    list_add(l, id);
    switch (component_kind_of(id)) {
    case COMPONENT_ROW:
        add(l, COMPONENT_HALL, f->row_hall[row]);
        return;
    case COMPONENT_RACK:
        add_rack(f, row, l);
        return;
    case COMPONENT_NODE:
        add_node(f, row, l);
        return;
    case COMPONENT_GPU:
        add_node(f, f->gpu_node[row], l);
        add_batch(f->gpu_batch, row, l);
        return;
    case COMPONENT_NIC:
        add_nic(f, row, l);
        return;
    case COMPONENT_SWITCH:
        add_switch(f, row, l);
        return;
    case COMPONENT_CABLE:
        add_cable(f, row, l);
        return;
    case COMPONENT_OPTIC:
        add_cable(f, f->optic_cable[row], l);
        add(l, COMPONENT_CABLE, f->optic_cable[row]);
        add_batch(f->optic_batch, row, l);
        return;
    case COMPONENT_PDU:
        add_pdu(f, row, l);
        return;
    case COMPONENT_BREAKER:
        add_breakers(f, row, l);
        return;
    default:
        return;
    }
}

static uint32_t count_equal(const uint32_t *column, uint32_t rows, uint32_t wanted)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < rows; i++)
        n += column[i] == wanted;
    return n;
}

static uint32_t list_length(const struct fleet_list *l, uint32_t row)
{
    return l->first[row + 1] - l->first[row];
}

static uint32_t nodes_of_racks(const struct fleet *f, const struct fleet_list *racks, uint32_t row)
{
    uint32_t n = 0;

    for (uint32_t i = racks->first[row]; i < racks->first[row + 1]; i++)
        n += list_length(&f->rack_nodes, racks->item[i]);
    return n;
}

/* Racks below a breaker, each once, and their nodes counted. */
static int count_breaker(const struct fleet *f, uint32_t breaker, uint32_t *ret)
{
    const struct fleet_list *children = &f->breaker_children, *pdus = &f->breaker_pdus;
    struct component_list walk = {0}, racks = {0};

    *ret = 0;
    add(&walk, COMPONENT_BREAKER, breaker);
    for (uint32_t at = 0; !list_failed(&walk) && at < walk.length; at++) {
        uint32_t row = component_index_of(walk.id[at]);

        for (uint32_t i = pdus->first[row]; i < pdus->first[row + 1]; i++) {
            uint32_t pdu = pdus->item[i];
            for (uint32_t k = f->pdu_racks.first[pdu]; k < f->pdu_racks.first[pdu + 1]; k++)
                add(&racks, COMPONENT_RACK, f->pdu_racks.item[k]);
        }
        for (uint32_t i = children->first[row]; i < children->first[row + 1]; i++)
            add(&walk, COMPONENT_BREAKER, children->item[i]);
    }
    int rc = list_failed(&walk) ? MW_ENOMEM : list_sort(&racks);
    for (uint32_t i = 0; i < racks.length && rc == 0; i++)
        *ret += list_length(&f->rack_nodes, component_index_of(racks.id[i]));
    component_list_fini(&walk);
    component_list_fini(&racks);
    return rc;
}

static void add_nodes_on(const struct fleet *f, uint32_t row, struct component_list *nodes)
{
    for (uint32_t i = f->switch_cables.first[row]; i < f->switch_cables.first[row + 1]; i++)
        add(nodes, COMPONENT_NODE, f->cable_node[f->switch_cables.item[i]]);
}

/* Nodes on a switch, or on the leaves below it. */
static int count_switch(const struct fleet *f, uint32_t row, uint32_t *ret)
{
    struct component_list nodes = {0}, leaves = {0};
    uint64_t id = component_id(COMPONENT_SWITCH, row);

    add_nodes_on(f, row, &nodes);
    for (uint32_t i = f->switch_cables.first[row]; i < f->switch_cables.first[row + 1]; i++) {
        uint32_t other = far_switch(f, f->switch_cables.item[i], id);
        if (other != MW_NONE && f->switch_tier[other] < f->switch_tier[row])
            add(&leaves, COMPONENT_SWITCH, other);
    }
    int rc = list_sort(&leaves);
    for (uint32_t i = 0; i < leaves.length && rc == 0; i++)
        add_nodes_on(f, component_index_of(leaves.id[i]), &nodes);
    if (rc == 0)
        rc = list_sort(&nodes);
    *ret = rc == 0 ? nodes.length : 0;
    component_list_fini(&nodes);
    component_list_fini(&leaves);
    return rc;
}

static uint32_t count_rail(const struct fleet *f, uint32_t rail)
{
    uint32_t n = 0, last = MW_NONE;

    for (uint32_t i = 0; i < f->count[COMPONENT_NIC]; i++) {
        if (f->nic_rail[i] != rail || f->nic_node[i] == last)
            continue;
        last = f->nic_node[i];
        n++;
    }
    return n;
}

static int count_component(const struct fleet *f, uint64_t id, uint32_t *ret)
{
    uint32_t row = component_index_of(id), nodes = f->count[COMPONENT_NODE];

    *ret = 1;
    switch (component_kind_of(id)) {
    case COMPONENT_SITE:
        *ret = nodes;
        return 0;
    case COMPONENT_HALL:
        *ret = count_equal(f->node_hall, nodes, row);
        return 0;
    case COMPONENT_ROW:
        *ret = nodes_of_racks(f, &f->row_racks, row);
        return 0;
    case COMPONENT_RACK:
        *ret = list_length(&f->rack_nodes, row);
        return 0;
    case COMPONENT_PDU:
        *ret = nodes_of_racks(f, &f->pdu_racks, row);
        return 0;
    case COMPONENT_CDU:
        *ret = nodes_of_racks(f, &f->cdu_racks, row);
        return 0;
    case COMPONENT_BREAKER:
        return count_breaker(f, row, ret);
    case COMPONENT_SWITCH:
        return count_switch(f, row, ret);
    default:
        return 0;
    }
}

static int describe(const struct fleet *f, uint64_t attribute, struct fleet_shared *ret)
{
    uint32_t value = (uint32_t)attribute;

    ret->value = value;
    switch (attribute >> MARK_SHIFT) {
    case MARK_GROUP:
        ret->what = SHARED_GROUP;
        ret->members = list_length(&f->group_nodes, value);
        return 0;
    case MARK_RAIL:
        ret->what = SHARED_RAIL;
        ret->members = count_rail(f, value);
        return 0;
    case MARK_BATCH:
        ret->what = SHARED_BATCH;
        ret->members = count_equal(f->gpu_batch, f->count[COMPONENT_GPU], value) +
                       count_equal(f->optic_batch, f->count[COMPONENT_OPTIC], value);
        return 0;
    default:
        ret->what = SHARED_COMPONENT;
        ret->value = attribute;
        return count_component(f, attribute, &ret->members);
    }
}

/* Fewest members first; then by what it is, then by value: a total order. */
static bool nearer(const struct fleet_shared *a, const struct fleet_shared *b)
{
    if (a->members != b->members)
        return a->members < b->members;
    return a->what != b->what ? a->what < b->what : a->value < b->value;
}

/* Keeps the ret_max nearest, in order. */
static void keep_nearest(struct fleet_shared *ret, uint32_t ret_max, uint32_t *n,
                         struct fleet_shared item)
{
    uint32_t at = *n;

    if (at == ret_max) {
        if (at == 0 || !nearer(&item, &ret[at - 1]))
            return;
        at--;
    } else {
        (*n)++;
    }
    for (; at > 0 && nearer(&item, &ret[at - 1]); at--)
        ret[at] = ret[at - 1];
    ret[at] = item;
}

static bool is_known(const struct fleet *f, uint64_t id)
{
    enum component_kind kind = component_kind_of(id);

    return kind > COMPONENT_NONE && kind < COMPONENT_KIND_COUNT &&
           component_index_of(id) < f->count[kind];
}

/* What all have in common, as a sorted list of attributes. */
static int common(const struct fleet *f, const uint64_t *component, uint32_t n,
                  struct component_list *ret)
{
    struct component_list next = {0};
    int rc = 0;

    for (uint32_t i = 0; i < n && rc == 0; i++) {
        struct component_list *to = i == 0 ? ret : &next;

        if (!is_known(f, component[i])) {
            rc = MW_ENOTFOUND;
            break;
        }
        to->length = 0;
        add_attributes(f, component[i], to);
        rc = list_sort(to);
        if (rc == 0 && i > 0)
            list_intersect(ret, &next);
    }
    component_list_fini(&next);
    return rc;
}

int fleet_shares(const struct fleet *f, const uint64_t *component, uint32_t n,
                 struct fleet_shared *ret, uint32_t ret_max, uint32_t *ret_n)
{
    struct component_list shared = {0};

    must(f != NULL && ret_n != NULL && (ret != NULL || ret_max == 0));
    *ret_n = 0;
    int rc = common(f, component, n, &shared);
    for (uint32_t i = 0; i < shared.length && rc == 0; i++) {
        struct fleet_shared item = {0};

        rc = describe(f, shared.id[i], &item);
        if (rc == 0)
            keep_nearest(ret, ret_max, ret_n, item);
    }
    component_list_fini(&shared);
    if (rc != 0)
        *ret_n = 0;
    return rc;
}

/* The links of a node and the leaves they end on. */
static void add_links(const struct fleet *f, uint32_t node, struct component_list *ret,
                      struct component_list *leaves)
{
    for (uint32_t i = 0; i < f->node_nics[node]; i++) {
        uint32_t nic = f->node_nic_first[node] + i, cable = f->nic_cable[nic];

        add(ret, COMPONENT_NIC, nic);
        if (cable == MW_NONE)
            continue;
        add(ret, COMPONENT_CABLE, cable);
        add(ret, COMPONENT_OPTIC, f->cable_optic[0][cable]);
        add(ret, COMPONENT_OPTIC, f->cable_optic[1][cable]);
        add(leaves, COMPONENT_SWITCH, leaf_of(f, nic));
    }
}

int fleet_stands_on(const struct fleet *f, const uint32_t *node, uint32_t n,
                    struct component_list *ret)
{
    struct component_list leaves = {0}, racks = {0};

    must(f != NULL && ret != NULL && (node != NULL || n == 0));
    ret->length = 0;
    for (uint32_t i = 0; i < n; i++) {
        must(node[i] < f->count[COMPONENT_NODE]);
        add(&racks, COMPONENT_RACK, f->node_rack[node[i]]);
        add_links(f, node[i], ret, &leaves);
    }
    int rc = list_sort(&racks);
    if (rc == 0)
        rc = list_sort(&leaves);
    for (uint32_t i = 0; i < racks.length && rc == 0; i++)
        add_rack(f, component_index_of(racks.id[i]), ret);
    for (uint32_t i = 0; i < leaves.length && rc == 0; i++)
        add_leaf(f, component_index_of(leaves.id[i]), ret);
    if (rc == 0)
        rc = list_sort(ret);
    component_list_fini(&leaves);
    component_list_fini(&racks);
    if (rc != 0)
        ret->length = 0;
    return rc;
}
