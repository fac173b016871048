/*
 * Gates: a gate fails while anything is truly wrong with the node that shows,
 * or that it sees of what a step hid; else, for faults whose process does not
 * say what cures, with the odds that the last repair did not: the next one then
 * takes its time.
 */
#include "sim/world_parts.h"

#include "base/mem.h"

int gates_init(struct world *w)
{
    struct gates *g = &w->gates;
    g->node_seq = mw_calloc(w->nodes, sizeof(*g->node_seq));
    g->node_gate = mw_calloc(w->nodes, sizeof(*g->node_gate));
    g->node_count = mw_calloc(w->nodes, sizeof(*g->node_count));
    g->node_uncured = mw_calloc(w->nodes, sizeof(*g->node_uncured));
    return g->node_seq && g->node_gate && g->node_count && g->node_uncured ? 0 : MW_ENOMEM;
}

void gates_fini(struct world *w)
{
    struct gates *g = &w->gates;
    mw_free(g->node_seq);
    mw_free(g->node_gate);
    mw_free(g->node_count);
    mw_free(g->node_uncured);
}

void gates_start(struct world *w, const struct event *action)
{
    const struct body_gate *b = &action->body.gate;
    struct gates *g = &w->gates;
    if (b->node >= w->nodes) {
        w->trouble = "a gate names a node that does not exist";
        return;
    }
    if (action->seq <= g->node_seq[b->node]) {
        world_again(w);
        return;
    }
    g->node_seq[b->node] = action->seq;
    g->node_gate[b->node] = *b;
    g->node_count[b->node]++;
    world_push(w, w->now_ns + MW_MAX(b->length_ms, 0) * MW_NS_PER_MS,
               (struct queue_what){.kind = AT_GATE, .a = b->node, .b = g->node_count[b->node]});
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

/* An open fault of the node that is one; MW_NONE. */
static uint32_t true_fault(const struct world *w, uint32_t node)
{
    uint32_t at = w->faults.node_first[node];
    while (at != MW_NONE && w->faults.row[at].flags & FAULT_FALSE)
        at = w->faults.row[at].next;
    return at;
}

/* Does it see one of the hidden faults? */
static bool catches(struct world *w, uint32_t node, uint32_t nth)
{
    uint64_t component = component_id(COMPONENT_NODE, node);
    const struct fault *f = w->faults.row;
    for (uint32_t at = w->faults.node_hidden[node]; at != MW_NONE; at = f[at].next) {
        double odds = w->scenario->process[f[at].process].gate_catch;
        uint64_t key = (uint64_t)nth << 40 ^ f[at].number;
        if (world_unit(w, component, PROCESS_GATE, SALT_CATCH, key) < odds)
            return true;
    }
    return false;
}

static bool passes(struct world *w, uint32_t node, uint32_t nth)
{
    uint32_t at = true_fault(w, node);
    if (at != MW_NONE) {
        sometimes(w->marks, !(w->faults.row[at].flags & FAULT_DETECTED),
                  MARK_GATE_FOUND_UNDETECTED);
        return false;
    }
    bool caught = catches(w, node, nth);
    sometimes(w->marks, caught, MARK_GATE_FOUND_HIDDEN);
    uint32_t process = process_of(w->scenario, w->gates.node_gate[node].class);
    if (caught || process == MW_NONE)
        return !caught;
    uint64_t component = component_id(COMPONENT_NODE, node);
    bool cured = world_unit(w, component, PROCESS_GATE, SALT_PASS, nth) <
                 w->scenario->process[process].gate_pass;
    if (!cured)
        w->gates.node_uncured[node] = (uint8_t)(process + 1);
    return cured;
}

void gates_over(struct world *w, uint32_t node, uint32_t nth)
{
    if (w->gates.node_count[node] != nth)
        return;
    const struct body_gate *b = &w->gates.node_gate[node];
    bool passed = passes(w, node, nth);
    bool missed = passed && w->faults.node_hidden[node] != MW_NONE;
    w->gates.missed += missed;
    sometimes(w->marks, !passed, MARK_GATE_FAILED);
    sometimes(w->marks, !passed && b->visit > 1, MARK_GATE_FAILED_TWICE);
    sometimes(w->marks, missed, MARK_GATE_MISSED_HIDDEN);
    struct event ev = {.kind = EV_GATE_ENDED, .source = SOURCE_NODE + node,
                       .observed_ns = w->now_ns, .cause = w->gates.node_seq[node]};
    ev.body.gate = *b;
    ev.body.gate.result = passed ? RESULT_OK : RESULT_FAILED;
    world_emit(w, &ev, NULL);
}

void gates_reads(struct world *w, const struct event *ev)
{
    const struct body_gate *b = &ev->body.gate;
    if (b->node < w->nodes && ev->cause == w->gates.node_seq[b->node])
        w->gates.node_count[b->node]++; /* the one that runs is nobody's any more */
}
