/*
 * Care's fold: what each event makes of findings, incidents and node health.
 * Total: an event that does not fit is believed as far as it goes and reported.
 */
#include "base/units.h"
#include "care/care_cause.h"
#include "care/care_guest.h"
#include "care/care_ladder.h"
#include "care/care_lemon.h"
#include "care/care_private.h"
#include "care/care_stock.h"

static void set_health(struct care *c, uint32_t node, uint32_t to)
{
    must(to < HEALTH_COUNT);
    c->nodes_in[c->board->node_health[node]]--;
    c->nodes_in[to]++;
    c->board->node_health[node] = (uint8_t)to;
}

static void count_component(struct care *c, const struct body_finding *f)
{
    uint32_t at = care_component_place(c, f->component);
    const struct care_class *k = &c->policy.class[f->class];
    if (k->count <= 1 || at >= c->components)
        return;
    uint32_t now_s = (uint32_t)((c->now_ns - c->first_ns) / MW_NS_PER_S);
    if (c->seen[at] == 0 || now_s - c->seen_since_s[at] > k->window_ms / MW_MS_PER_S) {
        c->seen[at] = 0;
        c->seen_since_s[at] = now_s;
    }
    if (c->seen[at] < UINT8_MAX)
        c->seen[at]++;
}

static uint8_t finding_opened(struct care *c, const struct event *ev)
{
    const struct body_finding *f = &ev->body.finding;
    uint32_t row = c->finding_free;
    if (row != MW_NONE)
        c->finding_free = c->finding_next_free[row];
    else if (c->findings_used < c->findings_max)
        row = c->findings_used++;
    else
        return MISFIT_FINDING;
    c->findings_live++;
    c->finding_next_free[row] = MW_NONE;
    c->finding_key[row] = care_finding_key(ev);
    c->finding_component[row] = f->component;
    c->finding_node[row] = f->node;
    c->finding_incident[row] = MW_NONE;
    c->finding_class[row] = f->class;
    c->finding_effect[row] = f->effect;
    map_put(&c->finding_index, c->finding_key[row], row);
    ++*care_findings_of(c, f->node);
    count_component(c, f);
    ladder_finding(c, row, ev);
    guest_finding(c, row);
    cause_opened(c, row, ev);
    if (f->node != MW_NONE && f->effect != EFFECT_HARMLESS)
        lemon_finding(c, f->node);
    c->fresh = row;
    return 0;
}

static uint8_t finding_closed(struct care *c, const struct event *ev)
{
    uint64_t key = care_finding_key(ev);
    uint32_t row = map_get(&c->finding_index, key);
    if (row == MW_NONE)
        return MISFIT_FINDING;
    uint32_t slot = c->finding_incident[row];
    if (slot != MW_NONE) {
        must(c->open[slot] > 0);
        c->open[slot]--;
        care_mark(c, slot);
    }
    guest_finding_closed(c, row, slot);
    (void)map_remove(&c->finding_index, key);
    --*care_findings_of(c, c->finding_node[row]);
    c->finding_key[row] = 0;
    c->finding_next_free[row] = c->finding_free;
    c->finding_free = row;
    c->findings_live--;
    return 0;
}

/* Ties the finding that opened or joined an incident to it. */
static void tie_finding(struct care *c, uint32_t row, uint32_t slot)
{
    if (row == MW_NONE || c->finding_incident[row] != MW_NONE)
        return;
    c->finding_incident[row] = slot;
    c->open[slot]++;
}

/* What the incident asks for, with the finding that opened or joined it: decided, so recorded. */
static void take_demands(struct care *c, const struct body_incident *i)
{
    uint32_t slot = i->slot;
    c->effect[slot] = i->effect;
    c->drain[slot] = i->drain;
    c->gate_class[slot] = i->gate_class;
    c->probation_s[slot] = i->probation_s;
    c->board->incident_class[slot] = i->class;
    if (i->node != MW_NONE)
        c->board->node_class[i->node] = i->class;
}

/* An incident that a person ended by adopting its node may have findings that are still open. */
static void untie_findings(struct care *c, uint32_t slot)
{
    for (uint32_t row = 0; c->open[slot] && row < c->findings_used; row++) {
        if (!c->finding_key[row] || c->finding_incident[row] != slot)
            continue;
        c->finding_incident[row] = MW_NONE;
        c->open[slot]--;
    }
}

static uint8_t incident_opened(struct care *c, const struct event *ev)
{
    const struct body_incident *i = &ev->body.incident;
    uint32_t slot = i->slot;
    uint32_t row = map_get(&c->finding_index, i->finding);
    c->fresh = MW_NONE;
    if (!care_incident_is(c, slot, ev->seq))
        return MISFIT_INCIDENT;
    c->order[slot] = c->gate[slot] = c->wait[slot] = c->engine[slot] = 0;
    c->service[slot] = SERVICE_IN;
    c->visit[slot] = c->open[slot] = c->actor[slot] = 0;
    c->flags[slot] = 0;
    heap_set(&c->timers, slot, MW_NEVER);
    if (!ev->tail_size) /* of a common cause the finding is a symptom's */
        tie_finding(c, row, slot);
    take_demands(c, i);
    if (i->node != MW_NONE)
        c->board->node_incident[i->node] = slot;
    guest_incident_reset(c, slot);
    ladder_incident_opened(c, slot);
    lemon_incident_opened(c, ev);
    cause_incident_opened(c, ev);
    care_mark(c, slot);
    return 0;
}

static uint8_t incident_joined(struct care *c, const struct event *ev)
{
    const struct body_incident *i = &ev->body.incident;
    uint32_t slot = i->slot;
    c->fresh = MW_NONE;
    if (!care_incident_is(c, slot, i->incident))
        return MISFIT_INCIDENT;
    c->board->incident_findings[slot]++;
    /* Something new: it is not over, no gate has looked at it, and a person may think otherwise
     * now. */
    c->flags[slot] &= (uint8_t)~(INC_REJECTED | INC_APPROVED | INC_SERVED | INC_PASSED);
    if (i->node == MW_NONE)
        c->flags[slot] &= (uint8_t)~INC_DONE; /* a part is broken again while it waits for others */
    if (!c->wait[slot])
        care_engine_again(c, slot, true);
    tie_finding(c, map_get(&c->finding_index, i->finding), slot);
    guest_joined(c, i, map_get(&c->finding_index, i->finding));
    take_demands(c, i);
    ladder_incident_joined(c, slot, map_get(&c->finding_index, i->finding));
    lemon_incident_joined(c, i->node);
    cause_incident_joined(c, ev);
    care_mark(c, slot);
    return 0;
}

static uint8_t incident_closed(struct care *c, const struct event *ev)
{
    const struct body_incident *i = &ev->body.incident;
    uint32_t slot = i->slot;
    if (slot >= c->board->incidents_used)
        return MISFIT_INCIDENT;
    uint32_t at = care_component_place(c, i->component);
    if (at < c->components)
        c->seen[at] = 0; /* it was dealt with: counting begins again */
    untie_findings(c, slot);
    guest_incident_reset(c, slot);
    cause_incident_closed(c, slot);
    bool held = ladder_incident_closed(c, slot);
    c->order[slot] = c->gate[slot] = c->wait[slot] = c->engine[slot] = 0;
    heap_set(&c->timers, slot, MW_NEVER);
    if (i->node != MW_NONE && c->board->node_incident[i->node] == slot) {
        c->board->node_incident[i->node] = MW_NONE;
        c->board->node_class[i->node] = UINT16_MAX;
    }
    lemon_incident_closed(c, ev, held);
    return 0;
}

static uint8_t node_moved(struct care *c, const struct event *ev)
{
    const struct body_node *m = &ev->body.node;
    uint8_t code = c->board->node_health[m->node] == m->from ? 0 : MISFIT_NODE_FROM;
    set_health(c, m->node, m->to);
    if (m->to == HEALTH_READY)
        lemon_back(c, m->node);
    uint32_t slot = m->slot;
    if (!care_incident_is(c, slot, m->incident))
        return code;
    if (m->from == HEALTH_READY && m->to == HEALTH_DOWN)
        lemon_out(c, m->node);
    if (m->to == HEALTH_DOWN) {
        bool at_work = ladder_node_down(c, slot, m->from);
        if (!at_work) {
            c->order[slot] = 0;
            c->flags[slot] &= (uint8_t)~INC_TAKEN;
        }
        c->flags[slot] &= (uint8_t)~(INC_DONE | INC_PASSED | INC_FAILED | INC_AGAIN);
        c->gate[slot] = 0;
        if (!(c->service[slot] >> 4))
            c->wait[slot] = 0; /* else an advice about the engine still stands */
    }
    if (m->to == HEALTH_READY)
        c->flags[slot] |= INC_SERVED;
    if (m->to == HEALTH_DOWN && care_heals(c, slot) && c->open[slot])
        heap_set(&c->timers, slot, c->now_ns + c->policy.settle_ms * MW_NS_PER_MS);
    else if (m->to != HEALTH_REPAIRING) /* there a settle timer may run already */
        heap_set(&c->timers, slot, m->to == HEALTH_PROBATION ? m->until_ns : MW_NEVER);
    care_mark(c, slot);
    return code;
}

static uint8_t drain_ordered(struct care *c, const struct event *ev)
{
    const struct body_drain *d = &ev->body.drain;
    uint8_t code = c->board->node_health[d->node] == HEALTH_READY ? 0 : MISFIT_NODE_FROM;
    set_health(c, d->node, HEALTH_SUSPECT);
    lemon_out(c, d->node);
    if (care_incident_is(c, d->slot, d->incident)) {
        c->wait[d->slot] = 0;
        care_mark(c, d->slot);
    }
    return code;
}

static void order_opened(struct care *c, const struct event *ev)
{
    const struct body_order *o = &ev->body.order;
    c->order[o->slot] = ev->seq;
    c->visit[o->slot] = o->visit;
    c->flags[o->slot] &= (uint8_t)~(INC_TAKEN | INC_DONE | INC_AGAIN);
    ladder_opened(c, ev);
    if (o->node != MW_NONE && o->step != STEP_RESTART_JOB) /* that does nothing to it */
        lemon_ticket(c, o->node);
}

static void order_ended(struct care *c, const struct event *ev)
{
    uint32_t slot = ev->body.order.slot;
    c->order[slot] = 0;
    c->flags[slot] |= ev->body.order.result == RESULT_OK ? INC_DONE : INC_AGAIN;
    ladder_ended(c, ev);
    lemon_repaired(c, ev);
    cause_order_ended(c, ev);
    if (c->open[slot] && (c->flags[slot] & INC_DONE))
        heap_set(&c->timers, slot, ev->time_ns + c->policy.settle_ms * MW_NS_PER_MS);
    care_mark(c, slot);
}

/* There no settle timer runs. */
static bool is_at_its_gate(const struct care *c, uint32_t slot)
{
    uint32_t node = c->board->incident_node[slot];
    uint8_t health = node == MW_NONE ? HEALTH_DOWN : c->board->node_health[node];
    return health == HEALTH_VALIDATING || health == HEALTH_PROBATION;
}

/* One of a class that is not what was wrong any more, for something joined meanwhile, is no proof;
 * one that fails counts for nothing while guests may have made it fail. */
static void gate_ended(struct care *c, const struct event *ev)
{
    uint32_t slot = ev->body.gate.slot;
    c->gate[slot] = 0;
    if (ev->body.gate.result == RESULT_OK) {
        if (ev->body.gate.class == c->gate_class[slot])
            c->flags[slot] |= INC_PASSED;
    } else if (!guest_excuses(c, slot)) {
        c->flags[slot] |= INC_FAILED;
        cause_gate_failed(c, slot);
    }
    care_mark(c, slot);
}

/* A settle or probation timer: what it means follows from where the incident is. */
static uint8_t timer_fired(struct care *c, const struct event *ev)
{
    if (ev->body.timer.plane != PLANE_CARE)
        return 0;
    uint32_t slot = (uint32_t)ev->body.timer.id;
    if (ev->body.timer.id & CARE_TIMER_LADDER)
        return ladder_timer(c, slot, ev->body.timer.due_ns) ? 0 : MISFIT_INCIDENT;
    if (ev->body.timer.id & CARE_TIMER_CAUSE)
        return cause_timer_fired(c, ev);
    if (ev->body.timer.id & CARE_TIMER_GUEST)
        return guest_timer_fired(c, ev);
    if (slot >= c->board->incidents_used || c->due_ns[slot] != ev->body.timer.due_ns)
        return MISFIT_INCIDENT;
    heap_set(&c->timers, slot, MW_NEVER);
    care_engine_again(c, slot, false);
    bool settled = (c->flags[slot] & INC_DONE) && c->open[slot] && !is_at_its_gate(c, slot);
    if (settled && guest_alone(c, slot)) {
        heap_set(&c->timers, slot, c->now_ns + guest_look_ns(c)); /* they are judged first */
    } else if (settled) {
        c->flags[slot] = (uint8_t)((c->flags[slot] & ~INC_DONE) | INC_AGAIN);
        ladder_not_cured(c, slot);
    }
    care_mark(c, slot);
    return 0;
}

static void command(struct care *c, const struct event *ev)
{
    const struct body_command *b = &ev->body.command;
    if (b->verb == CMD_HOLD || b->verb == CMD_DRAIN)
        lemon_held(c, b->node);
    care_engine_mode(c, b);
    ladder_mode(c, b);
    if ((b->verb != CMD_APPROVE && b->verb != CMD_REJECT) || ladder_answered(c, ev))
        return;
    c->wait[b->slot] = 0;
    c->flags[b->slot] |= b->verb == CMD_APPROVE ? INC_APPROVED : INC_REJECTED;
    c->actor[b->slot] = ev->actor;
    if (b->verb == CMD_APPROVE)
        care_engine_again(c, b->slot, true);
    care_mark(c, b->slot);
}

/* A person answers for the nodes: what was open about them is over, each in a group of its own. */
static void adopted(struct care *c, const struct body_adopt *a)
{
    for (uint32_t n = a->first; n < a->first + a->count; n++) {
        uint32_t slot = c->board->node_incident[n];
        set_health(c, n, a->health);
        lemon_back(c, n);
        if (slot == MW_NONE || a->health != HEALTH_READY)
            continue;
        ladder_adopted(c, slot);
        c->flags[slot] |= INC_SERVED;
        c->order[slot] = c->gate[slot] = c->wait[slot] = c->engine[slot] = 0;
        c->service[slot] = SERVICE_IN;
        heap_set(&c->timers, slot, c->now_ns);
    }
}

/* A job lets nodes go (work, which applies after care, clears its list): the suspects among them
 * can be taken out now, and so can those that it was allowed to keep, each in a group of its own,
 * for a large gang may have more suspects than a cascade has rounds. */
/* A node that is down, and has no timer: a machine may act on it now that its job is gone. */
static bool waits_for_job(const struct care *c, uint32_t node)
{
    uint32_t slot = c->board->node_incident[node];
    return c->board->node_health[node] == HEALTH_DOWN && c->due_ns[slot] == MW_NEVER &&
           !c->order[slot];
}

static void attempt_ended(struct care *c, const struct body_progress *p)
{
    const struct board *b = c->board;
    if ((!c->nodes_in[HEALTH_SUSPECT] && !c->nodes_in[HEALTH_DOWN] && !c->ladder->staying) ||
        !board_attempt_is(b, p->slot, p->job, p->attempt))
        return;
    for (uint32_t n = b->job_first_node[p->slot]; n != MW_NONE; n = b->node_next[n]) {
        if (b->node_incident[n] == MW_NONE)
            continue;
        if (b->node_health[n] == HEALTH_SUSPECT || waits_for_job(c, n))
            heap_set(&c->timers, b->node_incident[n], c->now_ns);
        ladder_let_go(c, b->node_incident[n]);
    }
}

static uint8_t advice(struct care *c, const struct event *ev)
{
    const struct body_advice *a = &ev->body.advice;
    if (a->kind == EV_ENGINE_ORDER && a->verb == ENGINE_REQUEUE)
        return 0; /* work's */
    if (!care_incident_is(c, a->slot, a->incident))
        return MISFIT_INCIDENT;
    if (a->kind == EV_ENGINE_ORDER)
        care_engine_advised(c, ev);
    if (a->kind == EV_ACTION_STARTED)
        ladder_advised(c, ev);
    c->wait[a->slot] = ev->seq;
    return 0;
}

/* Nobody knows here what the bound cut off: every incident that waits for no timer is looked at
 * again, each in a group of its own. */
static void cascade_stopped(struct care *c)
{
    for (uint32_t slot = 0; slot < c->board->incidents_used; slot++)
        if (c->board->incident_id[slot] && c->due_ns[slot] == MW_NEVER)
            heap_set(&c->timers, slot, c->now_ns);
}

static uint8_t apply_decision(struct care *c, const struct event *ev)
{
    switch (ev->kind) {
    case EV_INCIDENT_OPENED:
        return incident_opened(c, ev);
    case EV_INCIDENT_JOINED:
        return incident_joined(c, ev);
    case EV_INCIDENT_CLOSED:
        return incident_closed(c, ev);
    case EV_NODE_MOVED:
        return node_moved(c, ev);
    case EV_DRAIN_ORDERED:
        return drain_ordered(c, ev);
    case EV_ORDER_OPENED:
    case EV_ACTION_STARTED:
        order_opened(c, ev);
        return 0;
    case EV_STEP_CHOSEN:
        ladder_chosen(c, ev);
        return 0;
    case EV_ORDER_ESCALATED:
        ladder_escalated(c, ev);
        return 0;
    case EV_ORDER_WITHDRAWN:
        ladder_withdrawn(c, ev);
        return 0;
    case EV_PARTS_ORDERED:
        stock_ordered(c, ev);
        return 0;
    case EV_NODE_JUDGED:
        lemon_judged(c, ev);
        return 0;
    case EV_INCIDENT_SUPPRESSED:
        lemon_suppressed(c, ev->body.cause.slot);
        return cause_suppressed(c, ev);
    case EV_INCIDENT_FREED:
        return cause_freed(c, ev);
    case EV_GATE_STARTED:
        c->gate[ev->body.gate.slot] = ev->seq;
        return 0;
    case EV_ENGINE_ORDER:
        care_engine_ordered(c, ev);
        return 0;
    case EV_ADVICE:
        return advice(c, ev);
    case EV_CASCADE_STOPPED:
        cascade_stopped(c);
        return 0;
    default:
        return 0;
    }
}

uint8_t care_apply(void *self, const struct event *ev, const void *tail)
{
    struct care *c = self;
    (void)tail;
    c->now_ns = ev->time_ns;
    if (!c->first_ns)
        c->first_ns = ev->time_ns;
    lemon_taken(c);
    switch (ev->kind) {
    case EV_NODES_ADOPTED:
        adopted(c, &ev->body.adopt);
        return 0;
    case EV_FINDING_OPENED:
        return finding_opened(c, ev);
    case EV_FINDING_CLOSED:
        return finding_closed(c, ev);
    case EV_ORDER_TAKEN:
        c->flags[ev->body.order.slot] |= INC_TAKEN;
        care_mark(c, ev->body.order.slot);
        return 0;
    case EV_ORDER_ENDED:
    case EV_ACTION_ENDED:
        order_ended(c, ev);
        return 0;
    case EV_PARTS_ARRIVED:
        stock_arrived(c, ev);
        return 0;
    case EV_GATE_ENDED:
        gate_ended(c, ev);
        return 0;
    case EV_ENGINE_ANSWERED:
        care_engine_answered(c, ev);
        return 0;
    case EV_ATTEMPT_ENDED:
        lemon_attempt_ended(c, ev);
        attempt_ended(c, &ev->body.progress);
        return 0;
    case EV_TIMER_FIRED:
        return timer_fired(c, ev);
    case EV_COMMAND:
        command(c, ev);
        return 0;
    default:
        return apply_decision(c, ev);
    }
}
