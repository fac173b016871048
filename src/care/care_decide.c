/*
 * Care's next step.  For each incident that something happened to, the step
 * follows from where the incident and its node stand now, not from how they
 * came there: asking twice gives the same answer, and asking after the answer
 * was recorded gives the step after it.
 */
#include "base/units.h"
#include "care/care_private.h"

static bool move(const struct care *c, uint32_t slot, uint32_t to, int64_t until_ns,
                 struct decision *out)
{
    const struct board *b = c->board;
    uint32_t node = b->incident_node[slot];
    must(health_may_move(b->node_health[node], to));
    out->ev.kind = EV_NODE_MOVED;
    out->ev.body.node = (struct body_node){
        .incident = b->incident_id[slot], .until_ns = until_ns, .node = node, .slot = slot,
        .class = b->incident_class[slot], .from = b->node_health[node], .to = (uint8_t)to };
    return true;
}

static bool open_order(const struct care *c, uint32_t slot, struct decision *out)
{
    const struct board *b = c->board;
    out->ev.kind = EV_ORDER_OPENED;
    out->ev.body.order = (struct body_order){
        .component = b->incident_component[slot], .incident = b->incident_id[slot],
        .finding = b->incident_finding[slot], .node = b->incident_node[slot], .slot = slot,
        .visit = c->visit[slot] + 1, .class = b->incident_class[slot] };
    return true;
}

static bool close_incident(const struct care *c, uint32_t slot, struct decision *out)
{
    const struct board *b = c->board;
    out->ev.kind = EV_INCIDENT_CLOSED;
    out->ev.body.incident = (struct body_incident){
        .component = b->incident_component[slot], .finding = b->incident_finding[slot],
        .incident = b->incident_id[slot], .opened_ms = b->incident_opened_ms[slot],
        .lost_gpu_ms = b->incident_lost_gpu_ms[slot], .node = b->incident_node[slot],
        .slot = slot, .findings = b->incident_findings[slot], .class = b->incident_class[slot] };
    return true;
}

/* The open incident of a part that is no node's; MW_NONE.  Such incidents are few. */
static uint32_t part_incident(const struct board *b, uint64_t component)
{
    for (uint32_t slot = 0; slot < b->incidents_used; slot++)
        if (b->incident_id[slot] && b->incident_node[slot] == MW_NONE &&
            b->incident_component[slot] == component)
            return slot;
    return MW_NONE;
}

/* The finding that just opened: does it begin an incident, join one, or only count? */
static bool decide_finding(const struct care *c, struct decision *out)
{
    const struct board *b = c->board;
    uint32_t row = c->fresh;
    uint16_t class = c->finding_class[row];
    uint32_t node = c->finding_node[row];
    uint64_t component = c->finding_component[row];
    const struct care_class *k = &c->policy.class[class];
    if (k->count == 0)
        return false;
    if (k->count > 1) {
        uint32_t at = care_component_place(c, component);
        if (at >= c->components || c->seen[at] < k->count)
            return false;
    }
    uint32_t slot = node == MW_NONE ? part_incident(b, component) : b->node_incident[node];
    struct body_incident body = { .component = component, .finding = c->finding_key[row],
                                  .node = node, .findings = 1, .class = class };
    out->ev.kind = EV_INCIDENT_JOINED;
    if (slot != MW_NONE) {
        body.incident = b->incident_id[slot];
        body.findings = b->incident_findings[slot] + 1;
        body.opened_ms = b->incident_opened_ms[slot];
    } else {
        out->ev.kind = EV_INCIDENT_OPENED;
        slot = board_incident_next(b);
        body.opened_ms = mw_ms(c->now_ns);
        if (slot == MW_NONE)
            return false; /* no room: the finding stays open and is counted there */
        if (node != MW_NONE && b->node_health[node] == HEALTH_RETIRED)
            return false;
    }
    body.slot = slot;
    out->ev.body.incident = body;
    return true;
}

/* A node in service with something wrong with it. */
static bool step_ready(const struct care *c, uint32_t slot, struct decision *out)
{
    const struct board *b = c->board;
    const struct care_class *k = &c->policy.class[b->incident_class[slot]];
    uint32_t node = b->incident_node[slot];
    if (c->flags[slot] & INC_SERVED)
        return close_incident(c, slot, out);
    if (c->effect[slot] == EFFECT_KILLS)
        return move(c, slot, HEALTH_DOWN, 0, out);
    if (c->flags[slot] & INC_REJECTED)
        return c->open[slot] == 0 && close_incident(c, slot, out);
    if (c->wait[slot])
        return false;
    if (!k->drain) {
        if (c->flags[slot] & INC_DONE)
            return c->open[slot] == 0 && close_incident(c, slot, out);
        return !c->order[slot] && open_order(c, slot, out);
    }
    out->ev.kind = EV_DRAIN_ORDERED;
    out->ev.actor = c->flags[slot] & INC_APPROVED ? c->actor[slot] : 0;
    out->ev.body.drain = (struct body_drain){ .incident = b->incident_id[slot], .node = node,
                                              .slot = slot, .class = b->incident_class[slot],
                                              .how = k->drain };
    return true;
}

static bool step_validating(const struct care *c, uint32_t slot, struct decision *out)
{
    const struct board *b = c->board;
    const struct care_class *k = &c->policy.class[b->incident_class[slot]];
    bool gated = c->policy.gate && k->gate_ms > 0;
    if (c->open[slot] || (c->flags[slot] & INC_FAILED))
        return move(c, slot, HEALTH_DOWN, 0, out);
    if (!gated || (c->flags[slot] & INC_PASSED)) {
        if (k->probation_ms == 0)
            return move(c, slot, HEALTH_READY, 0, out);
        return move(c, slot, HEALTH_PROBATION, c->now_ns + k->probation_ms * MW_NS_PER_MS, out);
    }
    if (c->gate[slot])
        return false;
    out->ev.kind = EV_GATE_STARTED;
    out->ev.body.gate = (struct body_gate){
        .incident = b->incident_id[slot], .length_ms = k->gate_ms, .node = b->incident_node[slot],
        .slot = slot, .visit = c->visit[slot], .class = b->incident_class[slot] };
    return true;
}

static bool step_repairing(const struct care *c, uint32_t slot, struct decision *out)
{
    if (c->flags[slot] & INC_AGAIN)
        return move(c, slot, HEALTH_DOWN, 0, out);
    if ((c->flags[slot] & INC_DONE) && c->open[slot] == 0)
        return move(c, slot, HEALTH_VALIDATING, 0, out);
    return false;
}

static bool step_down(const struct care *c, uint32_t slot, struct decision *out)
{
    if (c->flags[slot] & (INC_TAKEN | INC_DONE))
        return move(c, slot, HEALTH_REPAIRING, 0, out);
    return !c->order[slot] && open_order(c, slot, out);
}

static bool step_node(const struct care *c, uint32_t slot, struct decision *out)
{
    const struct board *b = c->board;
    uint32_t node = b->incident_node[slot];
    switch (b->node_health[node]) {
    case HEALTH_READY:
        return step_ready(c, slot, out);
    case HEALTH_SUSPECT:
        if (c->effect[slot] == EFFECT_KILLS || b->node_job[node] == MW_NONE)
            return move(c, slot, HEALTH_DOWN, 0, out);
        return false;
    case HEALTH_DOWN:
        return step_down(c, slot, out);
    case HEALTH_REPAIRING:
        return step_repairing(c, slot, out);
    case HEALTH_VALIDATING:
        return step_validating(c, slot, out);
    case HEALTH_PROBATION:
        if (c->open[slot])
            return move(c, slot, HEALTH_DOWN, 0, out);
        return c->due_ns[slot] == MW_NEVER && move(c, slot, HEALTH_READY, 0, out);
    default:
        return false; /* not in service yet, or retired */
    }
}

/* A part that is not a node's: repaired in place. */
static bool step_part(const struct care *c, uint32_t slot, struct decision *out)
{
    if (c->flags[slot] & INC_DONE)
        return c->open[slot] == 0 && close_incident(c, slot, out);
    return !c->order[slot] && open_order(c, slot, out);
}

void care_quiet(void *self)
{
    struct care *c = self;
    for (; c->dirty_length; c->dirty_length--) {
        c->is_dirty[c->dirty[c->dirty_head]] = 0;
        c->dirty_head = (c->dirty_head + 1) % c->board->incidents_max;
    }
    c->fresh = MW_NONE;
}

bool care_decide(void *self, struct decision *out)
{
    struct care *c = self;
    if (c->fresh != MW_NONE) {
        if (decide_finding(c, out))
            return true;
        out->ev = (struct event){ 0 };
        c->fresh = MW_NONE;
    }
    while (c->dirty_length) {
        uint32_t slot = c->dirty[c->dirty_head];
        if (c->board->incident_id[slot]) {
            bool on_node = c->board->incident_node[slot] != MW_NONE;
            if (on_node ? step_node(c, slot, out) : step_part(c, slot, out))
                return true;
            out->ev = (struct event){ 0 };
        }
        c->is_dirty[slot] = 0;
        c->dirty_head = (c->dirty_head + 1) % c->board->incidents_max;
        c->dirty_length--;
    }
    return false;
}
