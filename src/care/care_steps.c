/* What events make of the ladder: the choice, the open order, what was done, its verdict. */
#include "base/units.h"
#include "care/care_ladder.h"
#include "care/care_stock.h"

static void drop_choice(struct care *c, uint32_t slot)
{
    struct ladder *l = c->ladder;
    if (l->asked[slot] && c->wait[slot] == l->asked[slot])
        c->wait[slot] = 0;
    l->asked[slot] = 0;
    l->flags[slot] &= (uint8_t)~(LADDER_CHOSEN | LADDER_APPROVED);
}

/* The open order is over, whatever became of it. */
static void drop_order(struct care *c, uint32_t slot)
{
    struct ladder *l = c->ladder;
    l->flags[slot] &= (uint8_t)~(LADDER_ACTION | LADDER_LATE);
    l->escalated[slot] = 0;
    l->opened_ms[slot] = l->deadline_ms[slot] = 0;
    l->level[slot] = 0;
    heap_set(&l->timers, slot, MW_NEVER);
}

static void set_evict(struct care *c, uint32_t slot, uint8_t evict)
{
    struct ladder *l = c->ladder;
    l->staying -= l->evict[slot] == EVICT_STAYS;
    l->staying += evict == EVICT_STAYS;
    l->evict[slot] = evict;
}

/* ---- incidents ------------------------------------------------------------------------------ */

void ladder_finding(struct care *c, uint32_t row, const struct event *ev)
{
    c->ladder->finding_slow_ppm[row] = ev->body.finding.slow_ppm;
}

static void take_slowness(struct care *c, uint32_t slot, uint32_t row)
{
    struct ladder *l = c->ladder;
    if (row != MW_NONE)
        l->slow_ppm[slot] = MW_MAX(l->slow_ppm[slot], l->finding_slow_ppm[row]);
}

void ladder_incident_opened(struct care *c, uint32_t slot)
{
    struct ladder *l = c->ladder;
    drop_order(c, slot);
    set_evict(c, slot, EVICT_OPEN);
    l->asked[slot] = 0;
    l->slow_ppm[slot] = l->actor[slot] = 0;
    l->tried[slot] = l->barred[slot] = 0;
    l->flags[slot] = l->step[slot] = l->unsure[slot] = l->done_step[slot] = 0;
    l->order_step[slot] = l->order_who[slot] = 0;
    l->order_class[slot] = l->done_class[slot] = 0;
    l->order_part[slot] = CARE_PART_NONE;
    take_slowness(c, slot, map_get(&c->finding_index, c->board->incident_finding[slot]));
}

void ladder_incident_joined(struct care *c, uint32_t slot, uint32_t row)
{
    take_slowness(c, slot, row);
    set_evict(c, slot, EVICT_OPEN);
}

bool ladder_incident_closed(struct care *c, uint32_t slot)
{
    struct ladder *l = c->ladder;
    bool held = l->flags[slot] & LADDER_VERDICT;
    if (held)
        ladder_step_held(c, l->done_class[slot], l->done_step[slot]);
    if (c->order[slot] && !(c->flags[slot] & INC_TAKEN))
        stock_put_back(c, l->order_part[slot]);
    drop_choice(c, slot);
    drop_order(c, slot);
    set_evict(c, slot, EVICT_OPEN);
    l->flags[slot] = 0;
    return held;
}

void ladder_adopted(struct care *c, uint32_t slot)
{
    c->ladder->flags[slot] &= (uint8_t)~LADDER_VERDICT; /* a person's word is no proof */
    if (c->order[slot] && !(c->flags[slot] & INC_TAKEN))
        stock_put_back(c, c->ladder->order_part[slot]);
    drop_choice(c, slot);
    drop_order(c, slot);
}

/* The last step done is known not to have cured. */
static void did_not_hold(struct care *c, uint32_t slot)
{
    struct ladder *l = c->ladder;
    if (l->flags[slot] & LADDER_VERDICT)
        ladder_step_failed(c, l->done_class[slot], l->done_step[slot]);
    l->flags[slot] &= (uint8_t)~LADDER_VERDICT;
}

bool ladder_node_down(struct care *c, uint32_t slot, uint32_t from)
{
    struct ladder *l = c->ladder;
    if (from == HEALTH_READY || from == HEALTH_SUSPECT)
        l->flags[slot] &= (uint8_t)~LADDER_VERDICT; /* something else: nothing is said about it */
    did_not_hold(c, slot);
    if (from != HEALTH_REPAIRING) /* from there it is what takes a stuck order's place */
        drop_choice(c, slot);
    if (c->order[slot] && (ladder_acting(c, slot) || (c->flags[slot] & INC_TAKEN)))
        return true;
    if (c->order[slot])
        stock_put_back(c, l->order_part[slot]);
    drop_order(c, slot);
    return false;
}

void ladder_not_cured(struct care *c, uint32_t slot)
{
    did_not_hold(c, slot);
}

void ladder_let_go(struct care *c, uint32_t slot)
{
    if (c->ladder->evict[slot] != EVICT_STAYS)
        return;
    set_evict(c, slot, EVICT_OPEN);
    if (c->order[slot])
        care_mark(c, slot); /* the timer is its order's */
    else
        heap_set(&c->ladder->timers, slot, c->now_ns);
}

/* ---- steps ---------------------------------------------------------------------------------- */

void ladder_chosen(struct care *c, const struct event *ev)
{
    const struct body_step *s = &ev->body.step;
    if (!care_incident_is(c, s->slot, s->incident))
        return;
    if (!s->visit) {
        set_evict(c, s->slot, s->drain ? s->drain : EVICT_STAYS);
        return;
    }
    c->ladder->weigh = MW_NONE;
    c->ladder->step[s->slot] = s->step;
    c->ladder->flags[s->slot] |= LADDER_CHOSEN;
}

void ladder_opened(struct care *c, const struct event *ev)
{
    struct ladder *l = c->ladder;
    const struct body_order *o = &ev->body.order;
    uint32_t slot = o->slot;
    drop_choice(c, slot);
    drop_order(c, slot);
    l->opened_ms[slot] = mw_ms(ev->time_ns);
    l->deadline_ms[slot] = o->deadline_ms;
    l->order_step[slot] = o->step;
    l->order_who[slot] = o->who;
    l->order_part[slot] = o->part;
    l->order_class[slot] = o->class;
    if (o->deadline_ms)
        heap_set(&l->timers, slot, ev->time_ns + o->deadline_ms * MW_NS_PER_MS);
    if (ev->kind == EV_ACTION_STARTED) {
        l->flags[slot] |= LADDER_ACTION;
        c->flags[slot] |= INC_TAKEN; /* nobody has to come: it is at work */
    }
    stock_use(c, o->part);
}

void ladder_ended(struct care *c, const struct event *ev)
{
    struct ladder *l = c->ladder;
    const struct body_order *o = &ev->body.order;
    uint32_t slot = o->slot, node = c->board->incident_node[slot];
    must(o->step < STEP_COUNT); /* admitted */
    if (o->part != l->order_part[slot]) { /* another was needed, or none */
        stock_put_back(c, l->order_part[slot]);
        stock_use(c, o->part);
    }
    l->tried[slot] |= (uint16_t)(1u << o->step);
    if (node != MW_NONE && o->step)
        l->node_step[node] = o->step;
    if (o->result == RESULT_FAILED) {
        ladder_step_failed(c, l->order_class[slot], o->step);
    } else if (o->result != RESULT_OK && (l->flags[slot] & LADDER_ACTION)) {
        l->tried[slot] |= (uint16_t)(1u << l->order_step[slot]);
        l->unsure[slot] = MW_MAX(l->unsure[slot], MW_MAX(o->step, l->order_step[slot]));
    } else if (o->result == RESULT_OK && o->step == STEP_RETIRE && node != MW_NONE) {
        l->flags[slot] |= LADDER_OUT;
    } else if (o->result == RESULT_OK) {
        l->flags[slot] |= LADDER_VERDICT;
        l->done_class[slot] = l->order_class[slot];
        l->done_step[slot] = o->step;
    }
    drop_order(c, slot);
}

void ladder_escalated(struct care *c, const struct event *ev)
{
    struct ladder *l = c->ladder;
    const struct body_order *o = &ev->body.order;
    if (!care_incident_is(c, o->slot, o->incident) || !c->order[o->slot])
        return;
    l->level[o->slot] = o->level;
    l->escalated[o->slot] = ev->seq;
    l->weigh = o->slot;
    l->flags[o->slot] &= (uint8_t)~LADDER_LATE;
    heap_set(&l->timers, o->slot, ev->time_ns + o->deadline_ms * MW_NS_PER_MS);
}

void ladder_withdrawn(struct care *c, const struct event *ev)
{
    const struct body_order *o = &ev->body.order;
    if (!care_incident_is(c, o->slot, o->incident) || !c->order[o->slot])
        return;
    struct ladder *l = c->ladder;
    stock_put_back(c, l->order_part[o->slot]);
    c->order[o->slot] = 0;
    c->flags[o->slot] &= (uint8_t)~INC_TAKEN;
    if (l->flags[o->slot] & LADDER_CHOSEN) /* swapped */
        l->tried[o->slot] |= (uint16_t)(1u << l->order_step[o->slot]);
    else
        drop_choice(c, o->slot);
    drop_order(c, o->slot);
}

/* ---- a person's say ------------------------------------------------------------------------- */

void ladder_advised(struct care *c, const struct event *ev)
{
    c->ladder->asked[ev->body.advice.slot] = ev->seq;
}

bool ladder_answered(struct care *c, const struct event *ev)
{
    struct ladder *l = c->ladder;
    const struct body_command *b = &ev->body.command;
    if (!l->asked[b->slot] || l->asked[b->slot] != b->ref)
        return false;
    if (b->verb == CMD_APPROVE) {
        c->wait[b->slot] = l->asked[b->slot] = 0;
        l->flags[b->slot] |= LADDER_APPROVED;
        l->actor[b->slot] = ev->actor;
    } else {
        l->barred[b->slot] |= (uint16_t)(1u << l->step[b->slot]);
        drop_choice(c, b->slot);
    }
    care_mark(c, b->slot);
    return true;
}

void ladder_mode(struct care *c, const struct body_command *b)
{
    const struct board *d = c->board;
    if (b->verb != CMD_SET_MODE || b->mode == MODE_APPROVE)
        return;
    for (uint32_t slot = 0; slot < d->incidents_used; slot++) {
        uint64_t asked = c->ladder->asked[slot];
        uint32_t node = d->incident_node[slot];
        if (!d->incident_id[slot] || !asked || c->wait[slot] != asked)
            continue;
        if (b->hall != MW_NONE && node != MW_NONE && d->fleet->node_hall[node] != b->hall)
            continue;
        if (b->mode == MODE_ACT)
            c->wait[slot] = c->ladder->asked[slot] = 0;
        else /* nobody can say yes to it any more */
            drop_choice(c, slot);
        heap_set(&c->ladder->timers, slot, c->now_ns); /* each in a group of its own */
    }
}

/* ---- odds ----------------------------------------------------------------------------------- */

void ladder_step_held(struct care *c, uint16_t class, uint8_t step)
{
    must(class < BOARD_CLASSES_MAX && step < STEP_COUNT);
    c->ladder->seen[class * STEP_COUNT + step]++;
    c->ladder->held[class * STEP_COUNT + step]++;
}

void ladder_step_failed(struct care *c, uint16_t class, uint8_t step)
{
    must(class < BOARD_CLASSES_MAX && step < STEP_COUNT);
    c->ladder->seen[class * STEP_COUNT + step]++;
}

void ladder_step_unheld(struct care *c, uint16_t class, uint8_t step)
{
    must(class < BOARD_CLASSES_MAX && step < STEP_COUNT);
    uint32_t *held = &c->ladder->held[class * STEP_COUNT + step];
    *held -= *held > 0;
}

/* ---- timers, answers ------------------------------------------------------------------------ */

int64_t ladder_next_due(const struct care *c, uint32_t *ret_slot)
{
    *ret_slot = heap_top(&c->ladder->timers);
    return heap_top_due(&c->ladder->timers);
}

bool ladder_timer(struct care *c, uint32_t slot, int64_t due_ns)
{
    struct ladder *l = c->ladder;
    if (slot >= c->board->incidents_used || l->due_ns[slot] != due_ns)
        return false;
    heap_set(&l->timers, slot, MW_NEVER);
    if (c->order[slot])
        l->flags[slot] |= LADDER_LATE;
    care_mark(c, slot);
    return true;
}

bool ladder_answer_fits(const struct care *c, const struct event *ev)
{
    const struct body_order *o = &ev->body.order;
    bool action = c->ladder->flags[o->slot] & LADDER_ACTION;
    bool blind = action && o->result == RESULT_OK && !ev->tail_size; /* done is what was read */
    return o->step < STEP_COUNT && action == (ev->kind == EV_ACTION_ENDED) && !blind;
}
