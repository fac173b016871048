/*
 * Who hangs on what, and how many of them cried: the tree that causes are
 * looked for in.  Reads the fleet; keeps the counts below every part that could
 * be a cause in step with the units that cried.  Decides nothing.
 *
 * Power.  A rack with one feed hangs on its PDU and on every breaker above that.
 * A rack with two is dark only when both are: it hangs on what is above both.
 * Once one feed is known to be dead (an open incident that kills, on its PDU or
 * on a breaker above that), it hangs on the other alone; when both are, on both.
 */
#include <string.h>

#include "base/units.h"
#include "care/care_cause_private.h"

/* Kinds that can be a cause, in the order of their places: what is more specific first. */
static const uint8_t KINDS[] = { COMPONENT_RACK, COMPONENT_PDU, COMPONENT_CDU, COMPONENT_SWITCH,
                                 COMPONENT_BREAKER };

void cause_tree_init(struct care *c)
{
    const struct fleet *f = c->board->fleet;
    struct cause *x = c->cause;
    for (uint32_t k = 0; k < COMPONENT_KIND_COUNT; k++)
        x->first[k] = MW_NONE;
    for (uint32_t i = 0; i < MW_ARRAY_LEN(KINDS); i++) {
        x->first[KINDS[i]] = x->places;
        x->places += f->count[KINDS[i]];
    }
    for (uint32_t r = 0; r < f->count[COMPONENT_RACK]; r++)
        x->twofold |= f->rack_pdu[0][r] != MW_NONE && f->rack_pdu[1][r] != MW_NONE &&
                      f->rack_pdu[0][r] != f->rack_pdu[1][r];
}

static uint32_t place_of(const struct care *c, uint32_t kind, uint32_t row)
{
    return row == MW_NONE ? MW_NONE : c->cause->first[kind] + row;
}

uint32_t cause_place(const struct care *c, uint64_t component)
{
    uint32_t kind = (uint32_t)component_kind_of(component), row = component_index_of(component);
    if (kind >= COMPONENT_KIND_COUNT || c->cause->first[kind] == MW_NONE ||
        row >= c->board->fleet->count[kind])
        return MW_NONE;
    return c->cause->first[kind] + row;
}

uint64_t cause_component(const struct care *c, uint32_t place)
{
    uint32_t i = MW_ARRAY_LEN(KINDS) - 1;
    while (place < c->cause->first[KINDS[i]])
        i--;
    return component_id((enum component_kind)KINDS[i], place - c->cause->first[KINDS[i]]);
}

uint8_t cause_tree_of(uint64_t component)
{
    switch (component_kind_of(component)) {
    case COMPONENT_RACK:
        return CAUSE_CONTAINMENT;
    case COMPONENT_PDU:
    case COMPONENT_BREAKER:
        return CAUSE_POWER;
    case COMPONENT_CDU:
        return CAUSE_COOLING;
    case COMPONENT_SWITCH:
        return CAUSE_NETWORK;
    default:
        return 0;
    }
}

/* ---- power ---------------------------------------------------------------------------------- */

/* Places from the bottom up. */
struct chain {
    uint32_t place[CAUSE_POWER_MAX], length;
};

static void add_breakers(const struct care *c, uint32_t breaker, struct chain *ret)
{
    const struct fleet *f = c->board->fleet;
    while (breaker != MW_NONE && ret->length < CAUSE_CHAIN_MAX) {
        ret->place[ret->length++] = place_of(c, COMPONENT_BREAKER, breaker);
        breaker = f->breaker_parent[breaker];
    }
}

static void chain_of_feed(const struct care *c, uint32_t pdu, struct chain *ret)
{
    ret->length = 0;
    if (pdu == MW_NONE)
        return;
    ret->place[ret->length++] = place_of(c, COMPONENT_PDU, pdu);
    add_breakers(c, c->board->fleet->pdu_breaker[pdu], ret);
}

static bool chain_has(const struct chain *l, uint32_t place)
{
    for (uint32_t i = 0; i < l->length; i++)
        if (l->place[i] == place)
            return true;
    return false;
}

/* Is a part of this chain that the other does not share known to be dead? */
static bool is_dark(const struct care *c, const struct chain *l, const struct chain *other)
{
    for (uint32_t i = 0; i < l->length; i++)
        if (c->cause->dark[l->place[i]] && !chain_has(other, l->place[i]))
            return true;
    return false;
}

/* What of a's places (not) in b's goes to *ret. */
static void chain_add(const struct chain *a, const struct chain *b, bool in, struct chain *ret)
{
    for (uint32_t i = 0; i < a->length; i++)
        if (chain_has(b, a->place[i]) == in)
            ret->place[ret->length++] = a->place[i];
}

/* All on which this rack's power hangs, see above. */
static void power_above(const struct care *c, uint32_t rack, struct chain *ret)
{
    const struct fleet *f = c->board->fleet;
    uint32_t a = f->rack_pdu[0][rack], b = f->rack_pdu[1][rack];
    struct chain la, lb;
    if (a == MW_NONE || b == MW_NONE || a == b) {
        chain_of_feed(c, a == MW_NONE ? b : a, ret);
        return;
    }
    chain_of_feed(c, a, &la);
    chain_of_feed(c, b, &lb);
    bool dark_a = is_dark(c, &la, &lb), dark_b = is_dark(c, &lb, &la);
    ret->length = 0;
    if (dark_b)
        chain_add(&la, &lb, false, ret);
    if (dark_a)
        chain_add(&lb, &la, false, ret);
    chain_add(&la, &lb, true, ret);
}

bool cause_feeds(const struct care *c, uint32_t place, uint32_t rack)
{
    struct chain l;
    power_above(c, rack, &l);
    return chain_has(&l, place);
}

/* ---- above a finding, above a part ---------------------------------------------------------- */

static void path_add(struct cause_path *p, uint32_t place, uint8_t tree, bool one_of)
{
    if (place == MW_NONE || p->length == CAUSE_ANCESTORS_MAX)
        return;
    for (uint32_t i = 0; i < p->length; i++)
        if (p->place[i] == place)
            return;
    p->place[p->length] = place;
    p->tree[p->length] = tree;
    p->one_of[p->length++] = one_of;
}

static void add_rack(const struct care *c, uint32_t rack, uint8_t trees, bool itself,
                     struct cause_path *ret)
{
    struct chain l = { .length = 0 };
    if (rack == MW_NONE)
        return;
    if (itself && (trees & CAUSE_CONTAINMENT))
        path_add(ret, place_of(c, COMPONENT_RACK, rack), CAUSE_CONTAINMENT, false);
    if (trees & CAUSE_POWER)
        power_above(c, rack, &l);
    for (uint32_t i = 0; i < l.length; i++)
        path_add(ret, l.place[i], CAUSE_POWER, false);
    if (trees & CAUSE_COOLING)
        path_add(ret, place_of(c, COMPONENT_CDU, c->board->fleet->rack_cdu[rack]), CAUSE_COOLING,
                 false);
}

/* The switches at the ends of a cable. */
static void add_cable(const struct care *c, uint32_t cable, bool one_of, struct cause_path *ret)
{
    const struct fleet *f = c->board->fleet;
    for (uint32_t side = 0; cable != MW_NONE && side < 2; side++)
        if (component_kind_of(f->cable_end[side][cable].component) == COMPONENT_SWITCH)
            path_add(ret, cause_place(c, f->cable_end[side][cable].component), CAUSE_NETWORK,
                     one_of);
}

/* The switch that all cables of a node end on: without it the node is cut off.  MW_NONE. */
static uint32_t only_switch(const struct care *c, uint32_t node)
{
    const struct fleet *f = c->board->fleet;
    struct cause_path ends = { .length = 0 };
    for (uint32_t i = 0; i < f->node_nics[node]; i++)
        add_cable(c, f->nic_cable[f->node_nic_first[node] + i], false, &ends);
    return ends.length == 1 ? ends.place[0] : MW_NONE;
}

static void add_node_network(const struct care *c, uint32_t node, struct cause_path *ret)
{
    const struct fleet *f = c->board->fleet;
    bool one_of = only_switch(c, node) == MW_NONE;
    for (uint32_t i = 0; i < f->node_nics[node]; i++)
        add_cable(c, f->nic_cable[f->node_nic_first[node] + i], one_of, ret);
}

static uint32_t cable_of(const struct fleet *f, uint64_t component)
{
    uint32_t row = component_index_of(component);
    return component_kind_of(component) == COMPONENT_OPTIC ? f->optic_cable[row] : row;
}

struct cause_path cause_above(const struct care *c, uint64_t component, uint32_t node,
                              uint8_t trees)
{
    const struct fleet *f = c->board->fleet;
    uint32_t row = component_index_of(component);
    struct cause_path p = { .length = 0 };
    bool network = trees & CAUSE_NETWORK;
    switch (component_kind_of(component)) {
    case COMPONENT_NIC:
        if (network)
            add_cable(c, f->nic_cable[row], false, &p);
        break;
    case COMPONENT_OPTIC:
    case COMPONENT_CABLE:
        if (network)
            add_cable(c, cable_of(f, component), false, &p);
        break;
    case COMPONENT_SWITCH:
        add_rack(c, f->switch_rack[row], trees, true, &p);
        return p;
    case COMPONENT_RACK:
        add_rack(c, row, trees, false, &p);
        return p;
    case COMPONENT_PDU:
    case COMPONENT_BREAKER: {
        struct chain l = { .length = 0 };
        add_breakers(c, component_kind_of(component) == COMPONENT_PDU ? f->pdu_breaker[row]
                                                                      : f->breaker_parent[row], &l);
        for (uint32_t i = 0; (trees & CAUSE_POWER) && i < l.length; i++)
            path_add(&p, l.place[i], CAUSE_POWER, false);
        return p;
    }
    case COMPONENT_CDU:
        return p;
    default:
        break;
    }
    if (node == MW_NONE)
        return p;
    add_rack(c, f->node_rack[node], trees, true, &p);
    bool whole = component_kind_of(component) == COMPONENT_NODE ||
                 component_kind_of(component) == COMPONENT_GPU;
    if (whole && network)
        add_node_network(c, node, &p);
    return p;
}

/* Does this rack hang on that place? */
static bool rack_hangs_on(const struct care *c, uint32_t rack, uint32_t place)
{
    const struct fleet *f = c->board->fleet;
    uint64_t component = cause_component(c, place);
    uint32_t row = component_index_of(component);
    switch (component_kind_of(component)) {
    case COMPONENT_RACK:
        return rack == row;
    case COMPONENT_CDU:
        return f->rack_cdu[rack] == row;
    case COMPONENT_PDU:
    case COMPONENT_BREAKER:
        return cause_feeds(c, place, rack);
    default:
        return false;
    }
}

static bool racks_hang_on(const struct care *c, const struct fleet_list *l, uint32_t row,
                          uint32_t place)
{
    for (uint32_t i = l->first[row]; i < l->first[row + 1]; i++)
        if (!rack_hangs_on(c, l->item[i], place))
            return false;
    return l->first[row + 1] > l->first[row];
}

bool cause_is_below(const struct care *c, uint32_t place, uint32_t other)
{
    const struct fleet *f = c->board->fleet;
    uint64_t component = cause_component(c, place);
    uint32_t row = component_index_of(component);
    if (place == other)
        return false;
    switch (component_kind_of(component)) {
    case COMPONENT_RACK:
        return rack_hangs_on(c, row, other);
    case COMPONENT_SWITCH:
        return f->switch_rack[row] != MW_NONE && rack_hangs_on(c, f->switch_rack[row], other);
    case COMPONENT_CDU:
        return racks_hang_on(c, &f->cdu_racks, row, other);
    case COMPONENT_PDU:
        if (component_kind_of(cause_component(c, other)) == COMPONENT_CDU)
            return racks_hang_on(c, &f->pdu_racks, row, other);
        break;
    default:
        break;
    }
    struct cause_path p = cause_above(c, component, MW_NONE, CAUSE_POWER);
    for (uint32_t i = 0; i < p.length; i++)
        if (p.place[i] == other)
            return true;
    return false;
}

/* ---- counts --------------------------------------------------------------------------------- */

static void add(uint32_t *count, bool up)
{
    must(up || *count > 0);
    *count += up ? 1u : UINT32_MAX; /* one less */
}

/* One node more or less below, or crying below, the parts above its rack in a tree. */
static void count_node(struct care *c, uint32_t node, uint8_t tree, bool seen, bool up)
{
    struct cause_path p = { .length = 0 };
    add_rack(c, c->board->fleet->node_rack[node], tree, true, &p);
    for (uint32_t i = 0; i < p.length; i++) {
        struct cause_count *k = &c->cause->count[p.place[i]];
        add(seen ? &k->seen[0] : &k->below[0], up);
    }
}

static void count_cable(struct care *c, uint32_t cable, bool seen, bool up)
{
    struct cause_path p = { .length = 0 };
    add_cable(c, cable, false, &p);
    uint32_t sort = c->board->fleet->cable_node[cable] == MW_NONE ? 1 : 0;
    for (uint32_t i = 0; i < p.length; i++) {
        struct cause_count *k = &c->cause->count[p.place[i]];
        add(seen ? &k->seen[sort] : &k->below[sort], up);
    }
}

static void count_unit(struct care *c, uint32_t unit, uint8_t trees, bool seen, bool up)
{
    if (!trees)
        return;
    if (unit >= c->board->nodes) {
        count_cable(c, unit - c->board->nodes, seen, up);
        return;
    }
    for (uint8_t tree = CAUSE_CONTAINMENT; tree < CAUSE_NETWORK; tree = (uint8_t)(tree << 1))
        if (trees & tree)
            count_node(c, unit, tree, seen, up);
}

struct cause_seen cause_seen_at(const struct care *c, uint32_t place)
{
    const struct cause_count *k = &c->cause->count[place];
    struct cause_seen s = { .seen = k->seen[0] + k->seen[1] };
    for (uint32_t sort = 0; sort < 2; sort++)
        if (k->seen[sort] || !s.seen) /* a sort that says nothing at all is not being watched */
            s.below += k->below[sort];
    return s;
}

void cause_recount(struct care *c)
{
    const struct board *b = c->board;
    struct cause *x = c->cause;
    memset(x->count, 0, x->places * sizeof(x->count[0]));
    memset(x->dark, 0, x->places);
    for (uint32_t i = 0; i < x->places; i++)
        x->root[i] = MW_NONE;
    for (uint32_t slot = 0; slot < b->incidents_used; slot++) {
        uint32_t place = b->incident_id[slot] && b->incident_node[slot] == MW_NONE
                             ? cause_place(c, b->incident_component[slot]) : MW_NONE;
        if (place == MW_NONE)
            continue;
        x->root[place] = slot;
        x->dark[place] = cause_tree_of(b->incident_component[slot]) == CAUSE_POWER &&
                         c->effect[slot] == EFFECT_KILLS;
    }
    for (uint32_t n = 0; n < b->nodes; n++)
        count_unit(c, n, CAUSE_ANY, false, true);
    for (uint32_t k = 0; k < b->fleet->count[COMPONENT_CABLE]; k++)
        count_unit(c, b->nodes + k, CAUSE_NETWORK, false, true);
    for (uint32_t u = 0; u < x->units_max; u++)
        x->unit_row[u] = MW_NONE;
    for (uint32_t row = 0; row < x->units_used; row++) {
        if (!x->unit_trees[row])
            continue;
        x->unit_row[x->unit[row]] = row;
        count_unit(c, x->unit[row], x->unit_trees[row], true, true);
    }
}

/* The racks with two feeds that this part is one of: their nodes are counted in or out. */
static void count_twofold(struct care *c, uint32_t place, bool up)
{
    const struct fleet *f = c->board->fleet;
    for (uint32_t r = 0; r < f->count[COMPONENT_RACK]; r++) {
        uint32_t a = f->rack_pdu[0][r], b = f->rack_pdu[1][r];
        struct chain la, lb;
        if (a == MW_NONE || b == MW_NONE || a == b)
            continue;
        chain_of_feed(c, a, &la);
        chain_of_feed(c, b, &lb);
        if (!chain_has(&la, place) && !chain_has(&lb, place))
            continue;
        for (uint32_t i = f->rack_nodes.first[r]; i < f->rack_nodes.first[r + 1]; i++) {
            uint32_t node = f->rack_nodes.item[i], row = c->cause->unit_row[node];
            count_node(c, node, CAUSE_POWER, false, up);
            if (row != MW_NONE && (c->cause->unit_trees[row] & CAUSE_POWER))
                count_node(c, node, CAUSE_POWER, true, up);
        }
    }
}

void cause_set_root(struct care *c, uint32_t place, uint32_t slot)
{
    struct cause *x = c->cause;
    bool dark = slot != MW_NONE && cause_tree_of(cause_component(c, place)) == CAUSE_POWER &&
                c->effect[slot] == EFFECT_KILLS;
    x->root[place] = slot;
    if (dark == x->dark[place])
        return;
    if (x->twofold)
        count_twofold(c, place, false);
    x->dark[place] = dark;
    if (x->twofold)
        count_twofold(c, place, true);
}

/* ---- units ---------------------------------------------------------------------------------- */

static void unlink_unit(struct cause *x, uint32_t row)
{
    uint32_t before = x->unit_prev[row], after = x->unit_next[row];
    *(before == MW_NONE ? &x->oldest : &x->unit_next[before]) = after;
    *(after == MW_NONE ? &x->newest : &x->unit_prev[after]) = before;
}

static void link_newest(struct cause *x, uint32_t row)
{
    x->unit_prev[row] = x->newest;
    x->unit_next[row] = MW_NONE;
    *(x->newest == MW_NONE ? &x->oldest : &x->unit_next[x->newest]) = row;
    x->newest = row;
}

static void free_oldest(struct care *c)
{
    struct cause *x = c->cause;
    uint32_t row = x->oldest;
    count_unit(c, x->unit[row], x->unit_trees[row], true, false);
    unlink_unit(x, row);
    x->unit_row[x->unit[row]] = MW_NONE;
    x->unit_trees[row] = 0;
    x->unit_next[row] = x->unit_free;
    x->unit_free = row;
}

void cause_forget(struct care *c, int64_t before_ns)
{
    while (c->cause->oldest != MW_NONE &&
           c->cause->unit_since_ns[c->cause->oldest] < before_ns)
        free_oldest(c);
}

static uint32_t new_unit(struct care *c, uint32_t unit)
{
    struct cause *x = c->cause;
    if (x->unit_free == MW_NONE && x->units_used == c->board->nodes + CAUSE_CABLE_UNITS)
        free_oldest(c);
    uint32_t row = x->unit_free;
    if (row != MW_NONE)
        x->unit_free = x->unit_next[row];
    else
        row = x->units_used++;
    x->unit[row] = unit;
    x->unit_trees[row] = 0;
    x->unit_row[unit] = row;
    link_newest(x, row);
    return row;
}

bool cause_cry(struct care *c, uint32_t unit, uint8_t trees)
{
    struct cause *x = c->cause;
    uint32_t row = x->unit_row[unit];
    if (row == MW_NONE) {
        row = new_unit(c, unit);
    } else {
        unlink_unit(x, row);
        link_newest(x, row);
    }
    uint8_t more = trees & (uint8_t)~x->unit_trees[row];
    count_unit(c, unit, more, true, true);
    x->unit_trees[row] |= trees;
    x->unit_since_ns[row] = c->now_ns;
    return more;
}
