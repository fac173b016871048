/*
 * Care's next step.  For each incident that something happened to, the step
 * follows from where the incident and its node stand now, not from how they
 * came there: asking twice gives the same answer, and asking after the answer
 * was recorded gives the step after it.
 */
#include "base/units.h"
#include "care/care_cause.h"
#include "care/care_guest.h"
#include "care/care_ladder.h"
#include "care/care_lemon.h"
#include "care/care_private.h"
#include "care/care_stock.h"

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

/* Out of service; an order that nobody has taken was about something lesser. */
static bool move_down(const struct care *c, uint32_t slot, struct decision *out)
{
    return ladder_decide_withdraw(c, slot, out) || move(c, slot, HEALTH_DOWN, 0, out);
}

/* The finding that a repair is for: one of the class that the step is for, the first before others
 * while it is open; else one that still is. */
static uint32_t open_finding(const struct care *c, uint32_t slot)
{
    uint32_t row = map_get(&c->finding_index, c->board->incident_finding[slot]);
    if (row != MW_NONE && c->finding_incident[row] != slot)
        row = MW_NONE; /* of a common cause: a symptom's */
    uint16_t class = c->board->incident_class[slot];
    if (c->open[slot] == 0 || (row != MW_NONE && c->finding_class[row] == class))
        return row;
    for (uint32_t i = 0; i < c->findings_used; i++) {
        if (!c->finding_key[i] || c->finding_incident[i] != slot)
            continue;
        if (c->finding_class[i] == class)
            return i;
        row = row == MW_NONE ? i : row;
    }
    return row;
}

void care_order_body(const struct care *c, uint32_t slot, struct decision *out)
{
    const struct board *b = c->board;
    uint32_t row = open_finding(c, slot);
    bool first = row == MW_NONE;
    out->ev.kind = EV_ORDER_OPENED;
    out->ev.body.order = (struct body_order){
        .component = first ? b->incident_component[slot] : c->finding_component[row],
        .incident = b->incident_id[slot],
        .finding = first ? b->incident_finding[slot] : c->finding_key[row],
        .node = b->incident_node[slot], .slot = slot,
        .visit = c->visit[slot] + 1, .class = b->incident_class[slot], .part = CARE_PART_NONE,
        .step = STEP_REPAIR, .who = WHO_TECHNICIAN };
}

static bool close_incident(const struct care *c, uint32_t slot, struct decision *out)
{
    const struct board *b = c->board;
    if (ladder_acting(c, slot))
        return false; /* a machine is at work there: its answer comes first */
    out->ev.kind = EV_INCIDENT_CLOSED;
    out->ev.body.incident = (struct body_incident){
        .component = b->incident_component[slot], .finding = b->incident_finding[slot],
        .incident = b->incident_id[slot], .opened_ms = b->incident_opened_ms[slot],
        .lost_gpu_ms = b->incident_lost_gpu_ms[slot], .node = b->incident_node[slot],
        .slot = slot, .findings = b->incident_findings[slot], .class = b->incident_class[slot],
        .gate_class = c->gate_class[slot], .probation_s = c->probation_s[slot],
        .effect = c->effect[slot], .drain = c->drain[slot], .hold_h = lemon_hold_h(c, slot) };
    return true;
}

/* The open incident of a part that is no node's; MW_NONE.  Those of cables and switches' optics
 * are few. */
static uint32_t part_incident(const struct care *c, uint64_t component)
{
    const struct board *b = c->board;
    uint32_t known;
    if (cause_incident_of(c, component, &known))
        return known;
    for (uint32_t slot = 0; slot < b->incidents_used; slot++)
        if (b->incident_id[slot] && b->incident_node[slot] == MW_NONE &&
            b->incident_component[slot] == component)
            return slot;
    return MW_NONE;
}

/* The worse of two effects; EFFECT_NONE is the least. */
static uint8_t worse(uint8_t a, uint8_t b)
{
    static const uint8_t RANK[] = { [EFFECT_NONE] = 0, [EFFECT_DEFERS] = 1, [EFFECT_SLOWS] = 2,
                                    [EFFECT_KILLS] = 3 };
    return RANK[a] >= RANK[b] ? a : b;
}

/* DRAIN_NOW is the strictest, then at the checkpoint, then none. */
static uint8_t stricter(uint8_t a, uint8_t b)
{
    return !a || !b ? MW_MAX(a, b) : MW_MIN(a, b);
}

/* What the finding asks for, on top of what its incident (slot, MW_NONE = a new one) asked for. */
static void add_demands(const struct care *c, uint32_t row, uint32_t slot,
                        struct body_incident *ret)
{
    const struct care_class *k = &c->policy.class[c->finding_class[row]];
    uint8_t said = c->finding_effect[row];
    uint8_t effect = said == EFFECT_NONE ? k->effect : said;
    if (said == EFFECT_HARMLESS)
        effect = EFFECT_NONE;
    ret->class = ret->gate_class = c->finding_class[row];
    ret->effect = effect;
    ret->drain = k->drain;
    ret->probation_s = (uint32_t)(k->probation_ms / MW_MS_PER_S);
    if (slot == MW_NONE)
        return;
    const struct care_class *before = &c->policy.class[c->gate_class[slot]];
    ret->effect = worse(c->effect[slot], effect);
    if (ret->effect == c->effect[slot])
        ret->class = c->board->incident_class[slot];
    if (before->gate_ms >= k->gate_ms)
        ret->gate_class = c->gate_class[slot];
    ret->drain = stricter(c->drain[slot], k->drain);
    ret->probation_s = MW_MAX(c->probation_s[slot], ret->probation_s);
}

/* Has this component been seen often enough for the class? */
static bool seen_enough(const struct care *c, uint32_t row)
{
    const struct care_class *k = &c->policy.class[c->finding_class[row]];
    uint32_t at = care_component_place(c, c->finding_component[row]);
    if (k->count <= 1)
        return k->count == 1;
    return at < c->components && c->seen[at] >= k->count;
}

/* The finding that just opened: does it begin an incident, join one, or only count? */
static bool decide_finding(const struct care *c, struct decision *out)
{
    const struct board *b = c->board;
    uint32_t row = c->fresh;
    uint32_t node = c->finding_node[row];
    uint64_t component = c->finding_component[row];
    if (!seen_enough(c, row))
        return false;
    uint32_t slot = node == MW_NONE ? part_incident(c, component) : b->node_incident[node];
    struct body_incident body = { .component = component, .finding = c->finding_key[row],
                                  .node = node, .findings = 1, .opened_ms = mw_ms(c->now_ns) };
    add_demands(c, row, slot, &body);
    out->ev.kind = EV_INCIDENT_JOINED;
    if (slot != MW_NONE) {
        body.incident = b->incident_id[slot];
        body.findings = b->incident_findings[slot] + 1;
        body.opened_ms = b->incident_opened_ms[slot];
    } else {
        out->ev.kind = EV_INCIDENT_OPENED;
        slot = board_incident_next(b);
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
    uint32_t node = b->incident_node[slot];
    if (c->flags[slot] & INC_SERVED) /* an engine that has it out has to say that it is back */
        return !c->engine[slot] && care_asked(c, slot) == SERVICE_IN &&
               close_incident(c, slot, out);
    if (c->effect[slot] == EFFECT_KILLS)
        return move_down(c, slot, out);
    if (c->flags[slot] & INC_REJECTED)
        return c->open[slot] == 0 && close_incident(c, slot, out);
    bool gone = c->open[slot] == 0 && c->policy.class[b->incident_class[slot]].count <= 1;
    if (c->wait[slot]) /* nobody said yes, and what was wrong has gone: there is nothing to drain */
        return gone && close_incident(c, slot, out);
    if (cause_parent(c, slot) != MW_NONE && c->open[slot] == 0)
        return close_incident(c, slot, out);
    if (!c->drain[slot]) {
        bool done = c->flags[slot] & INC_DONE;
        if (done || (c->open[slot] == 0 && care_heals(c, slot)))
            return c->open[slot] == 0 && close_incident(c, slot, out);
        return !cause_waits(c, slot) && ladder_decide(c, slot, out);
    }
    if (cause_waits(c, slot))
        return false; /* a drain would not help, or may turn out so in a moment */
    if (ladder_decide_drain(c, slot, out))
        return true;
    if (ladder_stays(c, slot))
        return gone && close_incident(c, slot, out);
    out->ev.kind = EV_DRAIN_ORDERED;
    out->ev.actor = c->flags[slot] & INC_APPROVED ? c->actor[slot] : 0;
    out->ev.body.drain = (struct body_drain){ .incident = b->incident_id[slot], .node = node,
                                              .slot = slot, .class = b->incident_class[slot],
                                              .how = ladder_drain(c, slot) };
    return true;
}

/* Has the gate that is keyed to what was wrong passed, where there is one? */
static bool has_passed(const struct care *c, uint32_t slot)
{
    bool gated = c->policy.gate && c->policy.class[c->gate_class[slot]].gate_ms > 0;
    return !gated || (c->flags[slot] & INC_PASSED);
}

/* Did the repair not hold: is something open that is the node's own, did its gate fail? */
static bool is_unwell(const struct care *c, uint32_t slot)
{
    return (c->open[slot] && !guest_alone(c, slot)) || (c->flags[slot] & INC_FAILED);
}

static bool start_gate(const struct care *c, uint32_t slot, struct decision *out)
{
    const struct board *b = c->board;
    if (c->gate[slot] || c->open[slot])
        return false; /* of guests nobody knows yet whether they would make it fail */
    out->ev.kind = EV_GATE_STARTED;
    out->ev.body.gate = (struct body_gate){
        .incident = b->incident_id[slot],
        .length_ms = c->policy.class[c->gate_class[slot]].gate_ms,
        .node = b->incident_node[slot], .slot = slot, .visit = c->visit[slot],
        .class = c->gate_class[slot] };
    return true;
}

static bool step_validating(const struct care *c, uint32_t slot, struct decision *out)
{
    const struct board *b = c->board;
    if (is_unwell(c, slot))
        return move_down(c, slot, out);
    if (has_passed(c, slot)) {
        int64_t probation_ns =
            lemon_probation_ms(c, b->incident_node[slot], c->probation_s[slot] * MW_MS_PER_S) *
            MW_NS_PER_MS;
        if (probation_ns == 0)
            return c->open[slot] == 0 && move(c, slot, HEALTH_READY, 0, out);
        return move(c, slot, HEALTH_PROBATION, c->now_ns + probation_ns, out);
    }
    return start_gate(c, slot, out);
}

static bool step_probation(const struct care *c, uint32_t slot, struct decision *out)
{
    if (is_unwell(c, slot))
        return move_down(c, slot, out);
    if (!has_passed(c, slot)) /* guests came and went: it is looked at again */
        return start_gate(c, slot, out);
    return c->open[slot] == 0 && c->due_ns[slot] == MW_NEVER &&
           move(c, slot, HEALTH_READY, 0, out);
}

/* Nobody has to repair it: its class heals, or it is a symptom that no crew is at work on. */
static bool goes_with_its_findings(const struct care *c, uint32_t slot)
{
    bool symptom = cause_parent(c, slot) != MW_NONE && !c->order[slot];
    return (care_heals(c, slot) || symptom) && !ladder_acting(c, slot);
}

static bool step_repairing(const struct care *c, uint32_t slot, struct decision *out)
{
    bool heals = goes_with_its_findings(c, slot);
    bool done = (c->flags[slot] & INC_DONE) || heals;
    if (ladder_retires(c, slot))
        return move(c, slot, HEALTH_RETIRED, 0, out);
    bool nobody = !done && !(c->flags[slot] & INC_TAKEN) && !ladder_acting(c, slot);
    if ((c->flags[slot] & INC_AGAIN) || nobody) /* a symptom that was freed */
        return move_down(c, slot, out);
    if (done && (c->open[slot] == 0 || guest_alone(c, slot)))
        return move(c, slot, HEALTH_VALIDATING, 0, out);
    return false;
}

static bool step_down(const struct care *c, uint32_t slot, struct decision *out)
{
    if (ladder_retires(c, slot))
        return move(c, slot, HEALTH_RETIRED, 0, out);
    if (c->flags[slot] & (INC_TAKEN | INC_DONE))
        return move(c, slot, HEALTH_REPAIRING, 0, out);
    bool heals = goes_with_its_findings(c, slot);
    if (heals && c->open[slot] == 0)
        return move(c, slot, HEALTH_REPAIRING, 0, out);
    if (heals && c->due_ns[slot] != MW_NEVER)
        return false; /* it has some time to come back by itself */
    return !cause_waits(c, slot) && ladder_decide(c, slot, out);
}

static bool step_node(const struct care *c, uint32_t slot, struct decision *out)
{
    const struct board *b = c->board;
    uint32_t node = b->incident_node[slot];
    if (care_engine_decide(c, slot, out))
        return true;
    switch (b->node_health[node]) {
    case HEALTH_READY:
        return step_ready(c, slot, out);
    case HEALTH_SUSPECT:
        if (c->effect[slot] == EFFECT_KILLS || b->node_job[node] == MW_NONE)
            return move_down(c, slot, out);
        return false;
    case HEALTH_DOWN:
        return step_down(c, slot, out);
    case HEALTH_REPAIRING:
        return step_repairing(c, slot, out);
    case HEALTH_VALIDATING:
        return step_validating(c, slot, out);
    case HEALTH_PROBATION:
        return step_probation(c, slot, out);
    case HEALTH_RETIRED:
        return close_incident(c, slot, out);
    default:
        return false; /* not in service yet */
    }
}

/* A part that is not a node's: repaired in place. */
static bool step_part(const struct care *c, uint32_t slot, struct decision *out)
{
    bool heals = goes_with_its_findings(c, slot) && !cause_is_gathering(c, slot);
    bool refuted = cause_is_refuted(c, slot);
    if ((c->flags[slot] & INC_DONE) || heals || refuted)
        if (c->open[slot] == 0 && c->board->incident_symptoms[slot] == 0)
            return close_incident(c, slot, out);
    if ((c->flags[slot] & INC_DONE) || refuted || cause_waits(c, slot))
        return false;
    return ladder_decide(c, slot, out);
}

void care_quiet(void *self)
{
    struct care *c = self;
    for (; c->dirty_length; c->dirty_length--) {
        c->is_dirty[c->dirty[c->dirty_head]] = 0;
        c->dirty_head = (c->dirty_head + 1) % c->board->incidents_max;
    }
    c->fresh = MW_NONE;
    cause_quiet(c);
    ladder_quiet(c);
    lemon_quiet(c);
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
    if (cause_decide(c, out) || lemon_decide(c, out))
        return true;
    while (c->dirty_length) {
        uint32_t slot = c->dirty[c->dirty_head];
        if (c->board->incident_id[slot]) {
            bool on_node = c->board->incident_node[slot] != MW_NONE;
            if (cause_step(c, slot, out) || ladder_decide_stuck(c, slot, out) ||
                ladder_decide_swap(c, slot, out))
                return true;
            if (on_node ? step_node(c, slot, out) : step_part(c, slot, out))
                return true;
            out->ev = (struct event){ 0 };
        }
        c->is_dirty[slot] = 0;
        c->dirty_head = (c->dirty_head + 1) % c->board->incidents_max;
        c->dirty_length--;
    }
    return stock_decide(c, out);
}
