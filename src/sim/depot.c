/*
 * The store of parts as it truly is, what was replaced, and the texts that
 * crews write on their work orders.
 *
 * An order takes its part when it is opened, as the controller counts it; where
 * there is none, it waits for a delivery, first come, first served.
 */
#include "sim/world_parts.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "fleet/query.h"
#include "sim/draw.h"

#define TEXT_MAX 160

int depot_init(struct world *w)
{
    struct depot *d = &w->depot;
    const struct care_policy *p = &w->scenario->policy.care;
    d->free = MW_NONE;
    for (uint32_t i = 0; i < CARE_PARTS_MAX; i++) {
        d->stock[i] = i < p->parts ? (int64_t)p->part[i].stock : 0;
        d->wait[i] = (struct order_line){MW_NONE, MW_NONE};
    }
    d->node_swaps = mw_calloc(w->nodes, sizeof(*d->node_swaps));
    return d->node_swaps == NULL ? MW_ENOMEM : 0;
}

void depot_fini(struct world *w)
{
    struct depot *d = &w->depot;
    mw_free(d->row);
    mw_free(d->node_swaps);
    for (uint32_t i = 0; i < COMPONENT_KIND_COUNT; i++)
        mw_free(d->swaps[i]);
    while (d->note != NULL) {
        struct note *before = d->note->before;
        mw_free(d->note);
        d->note = before;
    }
}

/* ---- deliveries ---------------------------------------------------------------------------- */

static uint32_t row_take(struct world *w)
{
    struct depot *d = &w->depot;
    uint32_t row = d->free;
    if (row != MW_NONE) {
        d->free = d->row[row].next;
        return row;
    }
    if (!world_room(w, (void **)&d->row, d->used, &d->room, sizeof(d->row[0])))
        return MW_NONE;
    return d->used++;
}

void depot_ordered(struct world *w, const struct event *action)
{
    const struct body_parts *b = &action->body.parts;
    struct depot *d = &w->depot;
    if (b->part >= w->scenario->policy.care.parts) {
        w->trouble = "parts are ordered that do not exist";
        return;
    }
    if (action->seq <= d->seq[b->part]) {
        world_again(w);
        return;
    }
    d->seq[b->part] = action->seq;
    uint32_t row = row_take(w);
    if (row == MW_NONE)
        return;
    d->row[row] = (struct shipment){.body = *b, .seq = action->seq, .next = MW_NONE};
    const struct scenario_mix *arrives = &w->scenario->part_arrives[b->part];
    int64_t lead_ns = w->scenario->policy.care.part[b->part].lead_ms * MW_NS_PER_MS;
    if (arrives->n > 0)
        lead_ns = draw_mix_ns(arrives, world_bits(w, b->part, PROCESS_DEPOT, 1, action->seq),
                              world_unit(w, b->part, PROCESS_DEPOT, 0, action->seq));
    world_push(w, w->now_ns + lead_ns, (struct queue_what){.kind = AT_PARTS, .a = row});
}

static void serve(struct world *w, uint16_t part)
{
    struct depot *d = &w->depot;
    struct order_line *l = &d->wait[part];
    while (d->stock[part] > 0 && l->first != MW_NONE) {
        uint32_t row = l->first;
        l->first = w->crew.row[row].next;
        if (l->first == MW_NONE)
            l->last = MW_NONE;
        d->stock[part]--;
        d->parts_used++;
        w->crew.row[row].has_part = true;
        crew_has_part(w, row);
    }
}

void depot_arrives(struct world *w, uint32_t row)
{
    struct depot *d = &w->depot;
    struct shipment s = d->row[row];
    struct event ev = {.kind = EV_PARTS_ARRIVED, .source = SOURCE_STORE, .observed_ns = w->now_ns,
                       .cause = s.seq};
    ev.body.parts = s.body;
    ev.body.parts.order = s.seq;
    world_emit(w, &ev, NULL);
    mark_hit(w->marks, MARK_PARTS_ARRIVED);
    d->row[row].next = d->free;
    d->free = row;
    d->stock[s.body.part] += s.body.count;
    serve(w, s.body.part);
}

/* ---- orders' parts ------------------------------------------------------------------------- */

bool depot_take(struct world *w, uint32_t order_row)
{
    struct order *o = &w->crew.row[order_row];
    struct depot *d = &w->depot;
    uint16_t part = o->body.part;
    const struct care_policy *p = &w->scenario->policy.care;
    if (part >= p->parts || p->part[part].stock == UINT32_MAX)
        return true;
    if (d->stock[part] > 0) {
        d->stock[part]--;
        d->parts_used++;
        o->has_part = true;
        return true;
    }
    struct order_line *l = &d->wait[part];
    if (l->last == MW_NONE)
        l->first = order_row;
    else
        w->crew.row[l->last].next = order_row;
    l->last = order_row;
    o->next = MW_NONE;
    mark_hit(w->marks, MARK_PART_AWAITED);
    return false;
}

void depot_put_back(struct world *w, uint16_t part)
{
    must(part < w->scenario->policy.care.parts);
    w->depot.stock[part]++;
    serve(w, part);
}

void depot_leaves(struct world *w, uint32_t order_row)
{
    struct order_line *l = &w->depot.wait[w->crew.row[order_row].body.part];
    uint32_t before = MW_NONE, at = l->first;
    while (at != order_row) {
        must(at != MW_NONE);
        before = at;
        at = w->crew.row[at].next;
    }
    uint32_t next = w->crew.row[order_row].next;
    if (before == MW_NONE)
        l->first = next;
    else
        w->crew.row[before].next = next;
    if (l->last == order_row)
        l->last = before;
}

void depot_lent(struct world *w, uint32_t order_row)
{
    struct order *o = &w->crew.row[order_row];
    depot_leaves(w, order_row);
    w->depot.stock[o->body.part]--;
    w->depot.parts_used++;
    o->has_part = true;
}

/* ---- what was replaced --------------------------------------------------------------------- */

void depot_replace(struct world *w, uint64_t component)
{
    uint32_t kind = (uint32_t)component_kind_of(component);
    uint32_t row = component_index_of(component);
    must(kind < COMPONENT_KIND_COUNT && row < w->fleet->count[kind]);
    uint16_t **swaps = &w->depot.swaps[kind];
    if (*swaps == NULL)
        *swaps = mw_calloc(w->fleet->count[kind], sizeof(**swaps));
    if (*swaps == NULL)
        w->failed = true;
    else
        (*swaps)[row]++;
}

void depot_replace_node(struct world *w, uint32_t node)
{
    must(node < w->nodes);
    w->depot.node_swaps[node]++;
    w->depot.nodes_swapped++;
    mark_hit(w->marks, MARK_NODE_REPLACED);
}

uint32_t depot_swaps(const struct world *w, uint64_t component)
{
    uint32_t kind = (uint32_t)component_kind_of(component);
    uint32_t row = component_index_of(component);
    uint32_t swaps = w->depot.swaps[kind] == NULL ? 0 : w->depot.swaps[kind][row];
    if (w->depot.nodes_swapped == 0)
        return swaps;
    uint32_t node = fleet_node_of(w->fleet, component);
    return node == MW_NONE ? swaps : swaps + w->depot.node_swaps[node];
}

/* ---- texts --------------------------------------------------------------------------------- */

static char *note_room(struct world *w, size_t size)
{
    struct note *n = w->depot.note;
    must(size <= sizeof(n->text));
    if (n == NULL || n->used + size > sizeof(n->text)) {
        n = mw_calloc(1, sizeof(*n));
        if (n == NULL) {
            w->failed = true;
            return NULL;
        }
        n->before = w->depot.note;
        w->depot.note = n;
    }
    char *text = n->text + n->used;
    n->used += (uint32_t)size;
    return text;
}

const char *depot_text(struct world *w, const char *done, uint64_t component, uint32_t before)
{
    char text[TEXT_MAX];
    const char *kind = component_kind_name(component_kind_of(component));
    uint32_t row = component_index_of(component);
    int length = snprintf(text, sizeof(text), "%s; serial %s/%u-%u -> %s/%u-%u", done, kind, row,
                          before, kind, row, depot_swaps(w, component));
    must(length > 0 && (size_t)length < sizeof(text));
    char *kept = note_room(w, (size_t)length + 1);
    if (kept == NULL)
        return NULL;
    memcpy(kept, text, (size_t)length + 1);
    return kept;
}
