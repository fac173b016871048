/*
 * Crews and gates.  Orders wait in two lines, nodes before other parts, each
 * first come, first served.  A crew repairs the fault that it finds: the one it
 * was sent for, else another on the same part, else any on the node.
 *
 * A gate fails while anything is truly wrong with the node, or with the odds
 * that the last repair did not cure it: the next repair then takes its time.
 */
#include "sim/world_parts.h"

#include "base/mem.h"
#include "sim/draw.h"

#define VISIT_SHIFT 48 /* the visits of one fault draw their own repair times */

int crew_init(struct world *w)
{
    struct crew *c = &w->crew;
    c->free = MW_NONE;
    c->line[0] = c->line[1] = (struct order_line){MW_NONE, MW_NONE};
    c->incidents = w->config.incidents_max;
    c->incident_seq = mw_calloc(c->incidents, sizeof(*c->incident_seq));
    c->node_gate_seq = mw_calloc(w->nodes, sizeof(*c->node_gate_seq));
    c->node_gate = mw_calloc(w->nodes, sizeof(*c->node_gate));
    c->node_gates = mw_calloc(w->nodes, sizeof(*c->node_gates));
    c->node_uncured = mw_calloc(w->nodes, sizeof(*c->node_uncured));
    bool all = c->incident_seq && c->node_gate_seq && c->node_gate && c->node_gates &&
               c->node_uncured;
    return all ? 0 : MW_ENOMEM;
}

void crew_fini(struct world *w)
{
    struct crew *c = &w->crew;
    mw_free(c->row);
    mw_free(c->incident_seq);
    mw_free(c->node_gate_seq);
    mw_free(c->node_gate);
    mw_free(c->node_gates);
    mw_free(c->node_uncured);
}

static void tell(struct world *w, const struct order *o, uint16_t kind, uint8_t result)
{
    struct event ev = {.kind = kind, .source = SOURCE_CREW, .observed_ns = w->now_ns,
                       .cause = o->seq};
    ev.body.order = o->body;
    ev.body.order.result = result;
    world_emit(w, &ev, NULL);
}

/* ---- orders -------------------------------------------------------------------------------- */

static uint32_t order_take(struct world *w)
{
    struct crew *c = &w->crew;
    uint32_t row = c->free;
    if (row != MW_NONE) {
        c->free = c->row[row].next;
        return row;
    }
    if (!world_room(w, (void **)&c->row, c->used, &c->room, sizeof(c->row[0])))
        return MW_NONE;
    return c->used++;
}

static void line_add(struct world *w, uint32_t row)
{
    struct order *o = &w->crew.row[row];
    struct order_line *l = &w->crew.line[o->body.node == MW_NONE];
    if (l->last == MW_NONE)
        l->first = row;
    else
        w->crew.row[l->last].next = row;
    l->last = row;
    o->next = MW_NONE;
    mark_hit(w->marks, MARK_CREW_QUEUE);
}

static uint32_t line_next(struct world *w)
{
    for (uint32_t i = 0; i < 2; i++) {
        struct order_line *l = &w->crew.line[i];
        uint32_t row = l->first;
        if (row == MW_NONE)
            continue;
        l->first = w->crew.row[row].next;
        if (l->first == MW_NONE)
            l->last = MW_NONE;
        return row;
    }
    return MW_NONE;
}

static uint64_t nth_of(const struct order *o, uint64_t nth)
{
    return nth | (uint64_t)o->body.visit << VISIT_SHIFT;
}

static void start(struct world *w, uint32_t row)
{
    const struct order *o = &w->crew.row[row];
    w->crew.busy++;
    double u = world_unit(w, o->body.component, PROCESS_CREW, 0, nth_of(o, o->body.finding));
    world_push(w, w->now_ns + draw_ns(&w->scenario->crew_start, u),
               (struct queue_what){.kind = AT_TAKEN, .a = row});
}

static void next_order(struct world *w)
{
    uint32_t row = line_next(w);
    if (row != MW_NONE)
        start(w, row);
}

/* Does the trace say how long it takes?  So for its own faults, and in a world with no others. */
static bool is_traced(const struct world *w, const struct order *o)
{
    uint32_t at = faults_find(w, o->body.finding, o->body.component, o->body.node);
    if (w->config.trace == NULL)
        return false;
    return at == MW_NONE ? w->scenario->processes == 0
                         : w->faults.row[at].process == PROCESS_TRACE;
}

void crew_order(struct world *w, const struct event *action)
{
    const struct body_order *b = &action->body.order;
    struct crew *c = &w->crew;
    if (b->slot >= c->incidents || (b->node != MW_NONE && b->node >= w->nodes)) {
        w->trouble = "an order names an incident or a node that cannot be";
        return;
    }
    if (action->seq <= c->incident_seq[b->slot]) {
        world_again(w);
        return;
    }
    c->incident_seq[b->slot] = action->seq;
    uint32_t row = order_take(w);
    if (row == MW_NONE)
        return;
    struct order *o = &c->row[row];
    *o = (struct order){.body = *b, .seq = action->seq, .next = MW_NONE, .fault_row = MW_NONE};
    o->traced = is_traced(w, o);
    if (o->traced)
        world_push(w, w->now_ns, (struct queue_what){.kind = AT_TAKEN, .a = row});
    else if (w->scenario->crews == 0 || c->busy < w->scenario->crews)
        start(w, row);
    else
        line_add(w, row);
}

static int64_t hands_on_ns(const struct world *w, uint32_t process, const struct order *o,
                           uint64_t nth)
{
    if (process >= w->scenario->processes)
        return 0;
    uint64_t key = nth_of(o, nth);
    return draw_mix_ns(&w->scenario->process[process].repair,
                       world_bits(w, o->body.component, process, SALT_REPAIR_PICK, key),
                       world_unit(w, o->body.component, process, SALT_REPAIR, key));
}

/* When the crew will be done, and with which fault. */
static int64_t repaired_at(struct world *w, struct order *o)
{
    uint32_t at = faults_find(w, o->body.finding, o->body.component, o->body.node);
    if (at == MW_NONE) {
        uint8_t uncured = o->body.node == MW_NONE ? 0 : w->crew.node_uncured[o->body.node];
        return uncured == 0
                   ? w->now_ns
                   : w->now_ns + hands_on_ns(w, uncured - 1u, o, o->body.finding);
    }
    struct fault *f = &w->faults.row[at];
    o->fault = f->number;
    o->fault_row = at;
    if (o->traced && f->process == PROCESS_TRACE)
        return MW_MAX(w->feeds.trace_end_ns[f->nth], w->now_ns);
    if (f->repaired_ns == MW_NEVER)
        f->repaired_ns = w->now_ns + hands_on_ns(w, f->process, o, f->nth);
    return MW_MAX(f->repaired_ns, w->now_ns);
}

void crew_taken(struct world *w, uint32_t row)
{
    struct order *o = &w->crew.row[row];
    tell(w, o, EV_ORDER_TAKEN, 0);
    world_push(w, repaired_at(w, o), (struct queue_what){.kind = AT_REPAIRED, .a = row});
}

void crew_repaired(struct world *w, uint32_t row)
{
    struct order *o = &w->crew.row[row];
    if (o->fault != 0 && faults_is_open(w, o->fault_row, o->fault))
        faults_repair(w, o->fault_row);
    if (o->body.node != MW_NONE)
        w->crew.node_uncured[o->body.node] = 0;
    tell(w, o, EV_ORDER_ENDED, RESULT_OK);
    bool crewed = !o->traced;
    o->next = w->crew.free;
    w->crew.free = row;
    if (crewed) {
        must(w->crew.busy > 0);
        w->crew.busy--;
        next_order(w);
    }
}

/* ---- gates --------------------------------------------------------------------------------- */

void crew_gate(struct world *w, const struct event *action)
{
    const struct body_gate *b = &action->body.gate;
    struct crew *c = &w->crew;
    if (b->node >= w->nodes) {
        w->trouble = "a gate names a node that does not exist";
        return;
    }
    if (action->seq <= c->node_gate_seq[b->node]) {
        world_again(w);
        return;
    }
    c->node_gate_seq[b->node] = action->seq;
    c->node_gate[b->node] = *b;
    c->node_gates[b->node]++;
    world_push(w, w->now_ns + MW_MAX(b->length_ms, 0) * MW_NS_PER_MS,
               (struct queue_what){.kind = AT_GATE, .a = b->node, .b = c->node_gates[b->node]});
}

/* The process whose repair a gate of this class judges; MW_NONE = nothing is known of it. */
static uint32_t process_of(const struct scenario *s, uint16_t class)
{
    for (uint32_t i = 0; i < s->processes; i++) {
        if (s->process[i].class == class)
            return i;
    }
    return MW_NONE;
}

static bool passes(struct world *w, uint32_t node, uint32_t nth)
{
    uint32_t at = w->faults.node_first[node];
    if (at != MW_NONE) {
        sometimes(w->marks, !(w->faults.row[at].flags & FAULT_DETECTED),
                  MARK_GATE_FOUND_UNDETECTED);
        return false;
    }
    uint32_t process = process_of(w->scenario, w->crew.node_gate[node].class);
    if (process == MW_NONE)
        return true;
    uint64_t component = component_id(COMPONENT_NODE, node);
    bool cured = world_unit(w, component, PROCESS_GATE, 0, nth) <
                 w->scenario->process[process].gate_pass;
    if (!cured)
        w->crew.node_uncured[node] = (uint8_t)(process + 1);
    return cured;
}

void crew_gate_over(struct world *w, uint32_t node, uint32_t nth)
{
    if (w->crew.node_gates[node] != nth)
        return;
    const struct body_gate *b = &w->crew.node_gate[node];
    bool passed = passes(w, node, nth);
    sometimes(w->marks, !passed, MARK_GATE_FAILED);
    sometimes(w->marks, !passed && b->visit > 1, MARK_GATE_FAILED_TWICE);
    struct event ev = {.kind = EV_GATE_ENDED, .source = SOURCE_NODE + node,
                       .observed_ns = w->now_ns, .cause = w->crew.node_gate_seq[node]};
    ev.body.gate = *b;
    ev.body.gate.result = passed ? RESULT_OK : RESULT_FAILED;
    world_emit(w, &ev, NULL);
}
