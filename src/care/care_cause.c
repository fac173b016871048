/*
 * The life of causes and symptoms: owns who cried within the window, the links
 * between incidents, and who waits until when.  Folds events; care_cause_rank.c
 * decides.  Never touches a node's health.
 */
#include "care/care_cause.h"

#include "base/mem.h"
#include "base/units.h"
#include "care/care_cause_private.h"

int cause_init(struct care *c)
{
    uint32_t slots = c->board->incidents_max;
    struct cause *x = c->cause = mw_calloc(1, sizeof(*x));
    if (!x)
        return MW_ENOMEM;
    x->unit_free = x->oldest = x->newest = x->fresh = MW_NONE;
    cause_tree_init(c);
    x->units_max = c->board->nodes + c->board->fleet->count[COMPONENT_CABLE];
    uint32_t rows = c->board->nodes + CAUSE_CABLE_UNITS;
    x->unit = mw_calloc(rows, sizeof(*x->unit));
    x->unit_since_ns = mw_calloc(rows, sizeof(*x->unit_since_ns));
    x->unit_trees = mw_calloc(rows, 1);
    x->unit_next = mw_calloc(rows, sizeof(*x->unit_next));
    x->unit_prev = mw_calloc(rows, sizeof(*x->unit_prev));
    x->unit_row = mw_calloc(x->units_max, sizeof(*x->unit_row));
    x->count = mw_calloc(x->places, sizeof(*x->count));
    x->root = mw_calloc(x->places, sizeof(*x->root));
    x->dark = mw_calloc(x->places, 1);
    x->want_id = mw_calloc(slots, sizeof(*x->want_id));
    x->want = mw_calloc(slots, sizeof(*x->want));
    x->state = mw_calloc(slots, 1);
    x->trees = mw_calloc(slots, 1);
    x->last_ns = mw_calloc(slots, sizeof(*x->last_ns));
    x->first_ns = mw_calloc(slots, sizeof(*x->first_ns));
    x->due_ns = mw_calloc(slots, sizeof(*x->due_ns));
    if (!x->unit || !x->unit_since_ns || !x->unit_trees || !x->unit_next || !x->unit_prev ||
        !x->unit_row || !x->count || !x->root || !x->dark || !x->want_id || !x->want ||
        !x->state || !x->trees || !x->last_ns || !x->first_ns || !x->due_ns)
        return MW_ENOMEM;
    for (uint32_t i = 0; i < slots; i++)
        x->due_ns[i] = MW_NEVER;
    if (heap_init(&x->timers, x->due_ns, slots) < 0)
        return MW_ENOMEM;
    cause_recount(c);
    return 0;
}

void cause_fini(struct care *c)
{
    struct cause *x = c->cause;
    if (!x)
        return;
    void *const owned[] = { x->unit, x->unit_since_ns, x->unit_trees, x->unit_next, x->unit_prev,
                            x->unit_row, x->count, x->root, x->dark, x->want_id, x->want,
                            x->state, x->trees, x->last_ns, x->first_ns, x->due_ns };
    for (uint32_t i = 0; i < MW_ARRAY_LEN(owned); i++)
        mw_free(owned[i]);
    heap_fini(&x->timers);
    mw_free(x);
    c->cause = NULL;
}

void cause_columns(struct care *c)
{
    struct cause *x = c->cause;
    const uint32_t *u = &x->units_used, *i = &c->board->incidents_used;
    uint32_t rows = c->board->nodes + CAUSE_CABLE_UNITS, slots = c->board->incidents_max;
    const struct column column[] = {
        COLUMN("cause_units_used", &x->units_used, 1, NULL),
        COLUMN("cause_unit_free", &x->unit_free, 1, NULL),
        COLUMN("cause_oldest", &x->oldest, 1, NULL),
        COLUMN("cause_newest", &x->newest, 1, NULL),
        COLUMN("cause_suppressed", &x->suppressed, 1, NULL),
        COLUMN("cause_unit", x->unit, rows, u),
        COLUMN("cause_unit_since_ns", x->unit_since_ns, rows, u),
        COLUMN("cause_unit_trees", x->unit_trees, rows, u),
        COLUMN("cause_unit_next", x->unit_next, rows, u),
        COLUMN("cause_unit_prev", x->unit_prev, rows, u),
        COLUMN("cause_want_id", x->want_id, slots, i),
        COLUMN("cause_want", x->want, slots, i),
        COLUMN("cause_state", x->state, slots, i),
        COLUMN("cause_trees", x->trees, slots, i),
        COLUMN("cause_burst_ns", &x->burst_ns, 1, NULL),
        COLUMN("cause_first_ns", x->first_ns, slots, i),
        COLUMN("cause_last_ns", x->last_ns, slots, i),
        COLUMN("cause_due_ns", x->due_ns, slots, i),
    };
    for (uint32_t k = 0; k < MW_ARRAY_LEN(column); k++)
        care_column(c, column[k]);
}

void cause_rebuild(struct care *c)
{
    cause_recount(c);
    heap_rebuild(&c->cause->timers);
}

void cause_quiet(struct care *c)
{
    c->cause->fresh = MW_NONE;
    c->cause->grew = false;
    c->cause->fan = 0;
}

uint32_t cause_topmost(const struct care *c, uint32_t slot)
{
    for (uint32_t i = 0; i < CAUSE_DEPTH_MAX && cause_parent(c, slot) != MW_NONE; i++)
        slot = cause_parent(c, slot);
    return slot;
}

static int64_t window_ns(const struct care *c)
{
    return c->policy.cause_window_ms * MW_NS_PER_MS;
}

/* ---- who cried ------------------------------------------------------------------------------ */

static void cry_cable(struct care *c, uint32_t cable, uint8_t trees)
{
    if (cable != MW_NONE && (trees & CAUSE_NETWORK))
        c->cause->grew |= cause_cry(c, c->board->nodes + cable, CAUSE_NETWORK);
}

static void cry_node(struct care *c, uint32_t node, uint8_t trees)
{
    trees &= (uint8_t)~CAUSE_NETWORK;
    if (node != MW_NONE && trees)
        c->cause->grew |= cause_cry(c, node, trees);
}

/* A node that is wholly cut off: a symptom of its switch, when all its cables end on one. */
static void cry_links(struct care *c, uint32_t node, uint8_t trees)
{
    const struct fleet *f = c->board->fleet;
    struct cause_path p = cause_above(c, component_id(COMPONENT_NODE, node), node, CAUSE_NETWORK);
    if (p.length != 1 || p.one_of[0])
        return;
    for (uint32_t i = 0; i < f->node_nics[node]; i++)
        cry_cable(c, f->nic_cable[f->node_nic_first[node] + i], trees);
}

static void cry(struct care *c, uint64_t component, uint32_t node, uint8_t trees)
{
    const struct fleet *f = c->board->fleet;
    uint32_t row = component_index_of(component);
    switch (component_kind_of(component)) {
    case COMPONENT_NODE:
    case COMPONENT_GPU:
        cry_node(c, node, trees);
        if (node != MW_NONE && (trees & CAUSE_NETWORK))
            cry_links(c, node, trees);
        return;
    case COMPONENT_NIC:
        cry_node(c, node, trees);
        cry_cable(c, f->nic_cable[row], trees);
        return;
    case COMPONENT_CABLE:
    case COMPONENT_OPTIC:
        cry_node(c, node, trees);
        cry_cable(c, component_kind_of(component) == COMPONENT_CABLE ? row : f->optic_cable[row],
                  trees);
        return;
    default:
        return;
    }
}

/* One that comes late, from a slow detector or after a time without a network, counts with others
 * that were observed when it was, not with those that merely arrive beside it; it can still belong
 * to a cause that is open. */
static bool is_of_another_time(const struct care *c, int64_t observed_ns)
{
    const struct cause *x = c->cause;
    int64_t apart_ns = observed_ns - x->burst_ns;
    return c->now_ns - observed_ns > window_ns(c) && x->newest != MW_NONE &&
           (apart_ns > window_ns(c) || -apart_ns > window_ns(c));
}

void cause_opened(struct care *c, uint32_t row, const struct event *ev)
{
    const struct care_class *k = &c->policy.class[c->finding_class[row]];
    struct cause *x = c->cause;
    x->fresh = row;
    x->fresh_ns = MW_MIN(ev->observed_ns, c->now_ns);
    x->grew = false;
    cause_forget(c, c->now_ns - window_ns(c));
    if (!c->policy.correlate || !k->shared || !k->count || is_of_another_time(c, x->fresh_ns))
        return;
    x->burst_ns = x->fresh_ns;
    cry(c, c->finding_component[row], c->finding_node[row], k->shared);
}

/* ---- gathering symptoms --------------------------------------------------------------------- */

/* A few are seen to in this group, the rest each in one of its own. */
static void fan_out(struct care *c, uint32_t slot)
{
    if (c->cause->fan++ < CAUSE_FAN)
        care_mark(c, slot);
    else
        heap_set(&c->cause->timers, slot, c->now_ns);
}

struct gather {
    uint32_t root, place;
    int64_t since_ms; /* incidents that are older have another cause */
};

static void want(struct care *c, const struct gather *g, uint32_t slot)
{
    const struct board *b = c->board;
    if (slot == MW_NONE || slot == g->root || cause_parent(c, slot) != MW_NONE ||
        b->incident_opened_ms[slot] < g->since_ms || !cause_may_suppress(c, slot, g->root) ||
        c->cause->want_id[slot] == b->incident_id[g->root])
        return;
    c->cause->want[slot] = g->root;
    c->cause->want_id[slot] = b->incident_id[g->root];
    fan_out(c, slot);
}

static void want_nodes(struct care *c, const struct gather *g, uint32_t rack)
{
    const struct fleet_list *l = &c->board->fleet->rack_nodes;
    for (uint32_t i = l->first[rack]; i < l->first[rack + 1]; i++)
        want(c, g, c->board->node_incident[l->item[i]]);
}

/* Incidents of parts that hang on it: inferred ones with their symptoms, and reported ones. */
static void want_parts(struct care *c, const struct gather *g)
{
    for (uint32_t place = 0; place < c->cause->places; place++)
        if (c->cause->root[place] != MW_NONE && cause_is_below(c, place, g->place))
            want(c, g, c->cause->root[place]);
}

/* An incident that may hang on a switch: of a cable there; of a node that is cut off without it, or
 * is one of its nodes when the switch itself was reported. */
static void want_of_switch(struct care *c, const struct gather *g, uint32_t slot)
{
    const struct board *b = c->board;
    struct cause_path p = cause_above(c, b->incident_component[slot], b->incident_node[slot],
                                      CAUSE_NETWORK);
    for (uint32_t i = 0; i < p.length; i++)
        if (p.place[i] == g->place && (!p.one_of[i] || c->open[g->root]))
            want(c, g, slot);
}

static void want_cables(struct care *c, const struct gather *g, uint32_t row)
{
    const struct board *b = c->board;
    const struct fleet_list *l = &b->fleet->switch_cables;
    for (uint32_t i = l->first[row]; i < l->first[row + 1]; i++) {
        uint32_t node = b->fleet->cable_node[l->item[i]];
        if (node != MW_NONE && b->node_incident[node] != MW_NONE)
            want_of_switch(c, g, b->node_incident[node]);
    }
    for (uint32_t slot = 0; slot < b->incidents_used; slot++) /* of cables between switches */
        if (b->incident_id[slot] && b->incident_node[slot] == MW_NONE)
            want_of_switch(c, g, slot);
}

static void want_racks(struct care *c, const struct gather *g, const struct fleet_list *l,
                       uint32_t row)
{
    for (uint32_t i = l->first[row]; i < l->first[row + 1]; i++)
        want_nodes(c, g, l->item[i]);
}

/* What hangs on the part of this incident and began with it shall be its symptom. */
static void gather(struct care *c, uint32_t root, int64_t since_ns)
{
    const struct fleet *f = c->board->fleet;
    uint64_t component = c->board->incident_component[root];
    uint32_t row = component_index_of(component);
    const struct gather g = { .root = root, .place = cause_place(c, component),
                              .since_ms = mw_ms(since_ns) };
    if (g.place == MW_NONE)
        return;
    want_parts(c, &g);
    switch (component_kind_of(component)) {
    case COMPONENT_RACK:
        want_nodes(c, &g, row);
        return;
    case COMPONENT_CDU:
        want_racks(c, &g, &f->cdu_racks, row);
        return;
    case COMPONENT_SWITCH:
        want_cables(c, &g, row);
        return;
    default:
        for (uint32_t r = 0; r < f->count[COMPONENT_RACK]; r++)
            if (cause_feeds(c, g.place, r))
                want_nodes(c, &g, r);
        return;
    }
}

/* ---- incidents ------------------------------------------------------------------------------ */

void cause_incident_opened(struct care *c, const struct event *ev)
{
    const struct body_incident *i = &ev->body.incident;
    struct cause *x = c->cause;
    uint32_t slot = i->slot;
    x->want_id[slot] = 0;
    x->want[slot] = MW_NONE;
    x->state[slot] = ev->tail_size ? CAUSE_ROOT : 0;
    x->trees[slot] = i->class < c->policy.classes ? c->policy.class[i->class].shared : 0;
    x->first_ns[slot] = MW_MIN(ev->observed_ns, ev->time_ns);
    x->last_ns[slot] = ev->time_ns;
    bool waits = c->policy.correlate && x->trees[slot] && c->policy.cause_window_ms;
    heap_set(&x->timers, slot, waits ? ev->time_ns + window_ns(c) : MW_NEVER);
    uint32_t place = i->node == MW_NONE ? cause_place(c, i->component) : MW_NONE;
    if (place == MW_NONE || !c->policy.correlate)
        return;
    cause_set_root(c, place, slot);
    int64_t from_ns = ev->tail_size || x->fresh == MW_NONE ? ev->time_ns : x->fresh_ns;
    gather(c, slot, from_ns - window_ns(c));
}

void cause_incident_joined(struct care *c, const struct event *ev)
{
    const struct body_incident *i = &ev->body.incident;
    struct cause *x = c->cause;
    uint32_t slot = i->slot, row = map_get(&c->finding_index, i->finding);
    if (row == MW_NONE)
        return;
    uint32_t place = i->node == MW_NONE ? cause_place(c, i->component) : MW_NONE;
    if (place != MW_NONE) {
        if (c->policy.correlate && x->root[place] == slot)
            cause_set_root(c, place, slot);
        gather(c, slot, x->fresh_ns - window_ns(c));
        return;
    }
    x->trees[slot] &= c->policy.class[c->finding_class[row]].shared;
    if (x->trees[slot])
        return;
    heap_set(&x->timers, slot, MW_NEVER); /* this one is its own: nothing to wait for */
    if (cause_parent(c, slot) != MW_NONE)
        x->state[slot] |= CAUSE_ALONE;
}

static void unlink_symptom(struct care *c, uint32_t slot)
{
    uint32_t parent = cause_parent(c, slot);
    must(c->board->incident_symptoms[parent] > 0 && c->cause->suppressed > 0);
    c->board->incident_symptoms[parent]--;
    c->board->incident_parent[slot] = MW_NONE;
    c->cause->suppressed--;
    care_mark(c, parent);
}

void cause_incident_closed(struct care *c, uint32_t slot)
{
    const struct board *b = c->board;
    struct cause *x = c->cause;
    if (b->incident_id[slot])
        return; /* it was another that closed */
    if (cause_parent(c, slot) != MW_NONE)
        unlink_symptom(c, slot);
    for (uint32_t s = 0; b->incident_symptoms[slot] && s < b->incidents_used; s++) {
        if (!b->incident_id[s] || cause_parent(c, s) != slot)
            continue;
        unlink_symptom(c, s);
        x->state[s] |= CAUSE_ALONE;
        heap_set(&x->timers, s, c->now_ns);
    }
    x->want_id[slot] = 0;
    x->want[slot] = MW_NONE;
    x->state[slot] = 0;
    heap_set(&x->timers, slot, MW_NEVER);
    uint32_t place = b->incident_node[slot] == MW_NONE
                         ? cause_place(c, b->incident_component[slot]) : MW_NONE;
    if (place != MW_NONE && x->root[place] == slot)
        cause_set_root(c, place, MW_NONE);
}

uint8_t cause_suppressed(struct care *c, const struct event *ev)
{
    const struct body_cause *k = &ev->body.cause;
    struct cause *x = c->cause;
    if (!care_incident_is(c, k->slot, k->incident) ||
        !care_incident_is(c, k->parent_slot, k->parent) ||
        cause_parent(c, k->slot) != MW_NONE || cause_topmost(c, k->parent_slot) == k->slot)
        return MISFIT_INCIDENT;
    c->board->incident_parent[k->slot] = k->parent_slot;
    c->board->incident_symptoms[k->parent_slot]++;
    x->suppressed++;
    x->want_id[k->slot] = 0;
    x->want[k->slot] = MW_NONE;
    bool tipped = !(x->state[k->parent_slot] & CAUSE_ROOT) &&
                  !cause_covers(c, k->parent_slot, c->effect[k->slot],
                                c->board->incident_class[k->slot]);
    x->last_ns[k->parent_slot] = MW_MAX(x->last_ns[k->parent_slot], ev->observed_ns);
    heap_set(&x->timers, k->slot, MW_NEVER);
    care_mark(c, k->slot);
    if (tipped) { /* it was open already, for something milder: now it is more than that */
        x->state[k->parent_slot] |= CAUSE_ROOT;
        gather(c, k->parent_slot, c->now_ns - window_ns(c));
    }
    return 0;
}

uint8_t cause_freed(struct care *c, const struct event *ev)
{
    const struct body_cause *k = &ev->body.cause;
    if (!care_incident_is(c, k->slot, k->incident) ||
        cause_parent(c, k->slot) != k->parent_slot || k->parent_slot == MW_NONE)
        return MISFIT_INCIDENT;
    unlink_symptom(c, k->slot);
    c->cause->state[k->slot] |= CAUSE_ALONE;
    care_mark(c, k->slot);
    return 0;
}

/* ---- what became of the cause --------------------------------------------------------------- */

/* The symptoms of a cause have to be freed: all of them, or those that are not well though it was
 * repaired.  Of a chain it is the part right below the cause that goes on alone, and keeps its
 * own symptoms. */
static void release(struct care *c, uint32_t root, bool all)
{
    const struct board *b = c->board;
    for (uint32_t s = 0; s < b->incidents_used; s++) {
        if (!b->incident_id[s] || cause_parent(c, s) == MW_NONE || (!all && !c->open[s]))
            continue;
        uint32_t child = s;
        for (uint32_t i = 0; i < CAUSE_DEPTH_MAX && cause_parent(c, child) != root &&
                             cause_parent(c, child) != MW_NONE; i++)
            child = cause_parent(c, child);
        if (cause_parent(c, child) != root || (c->cause->state[child] & CAUSE_ALONE))
            continue;
        c->cause->state[child] |= CAUSE_ALONE;
        fan_out(c, child);
    }
}

void cause_order_ended(struct care *c, const struct event *ev)
{
    uint32_t slot = ev->body.order.slot;
    struct cause *x = c->cause;
    if (c->board->incident_node[slot] != MW_NONE)
        return;
    if (ev->kind == EV_ORDER_ENDED && ev->body.order.result == RESULT_FAILED && !c->open[slot] &&
        (x->state[slot] & CAUSE_ROOT)) {
        x->state[slot] |= CAUSE_REFUTED;
        release(c, slot, true);
        return;
    }
    if ((c->flags[slot] & INC_DONE) && c->board->incident_symptoms[slot])
        heap_set(&x->timers, slot, ev->time_ns + c->policy.settle_ms * MW_NS_PER_MS);
}

void cause_gate_failed(struct care *c, uint32_t slot)
{
    if (cause_parent(c, slot) != MW_NONE)
        c->cause->state[slot] |= CAUSE_ALONE;
}

/* ---- timers --------------------------------------------------------------------------------- */

int64_t cause_next_due(const struct care *c, uint32_t *ret_slot)
{
    *ret_slot = heap_top(&c->cause->timers);
    return heap_top_due(&c->cause->timers);
}

uint8_t cause_timer_fired(struct care *c, const struct event *ev)
{
    struct cause *x = c->cause;
    uint32_t slot = (uint32_t)ev->body.timer.id;
    if (slot >= c->board->incidents_used || x->due_ns[slot] != ev->body.timer.due_ns)
        return MISFIT_INCIDENT;
    heap_set(&x->timers, slot, MW_NEVER);
    if ((c->flags[slot] & INC_DONE) && c->board->incident_symptoms[slot])
        release(c, slot, false);
    care_mark(c, slot);
    return 0;
}

bool cause_waits(const struct care *c, uint32_t slot)
{
    return cause_parent(c, slot) != MW_NONE || c->cause->due_ns[slot] != MW_NEVER;
}

bool cause_is_inferred(const struct care *c, uint32_t slot)
{
    return c->cause->state[slot] & CAUSE_ROOT;
}

bool cause_is_gathering(const struct care *c, uint32_t slot)
{
    return cause_is_inferred(c, slot) && c->cause->due_ns[slot] != MW_NEVER;
}

bool cause_is_refuted(const struct care *c, uint32_t slot)
{
    return c->cause->state[slot] & CAUSE_REFUTED;
}

bool cause_incident_of(const struct care *c, uint64_t component, uint32_t *ret)
{
    uint32_t place = c->policy.correlate ? cause_place(c, component) : MW_NONE;
    if (place == MW_NONE)
        return false;
    *ret = c->cause->root[place];
    return true;
}

uint32_t care_root_incidents(const struct care *c)
{
    return c->board->incidents_live - c->cause->suppressed;
}
