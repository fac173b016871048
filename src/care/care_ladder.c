/* Making, the decisions, the policy's ladders.  What events make of them is in care_steps.c. */
#include "care/care_ladder.h"

#include <string.h>

#include "base/exact.h"
#include "base/mem.h"
#include "base/units.h"
#include "care/care_cause.h"
#include "care/care_stock.h"
#include "care/care_sums.h"

#define SPAN_MS_MAX (INT64_MAX / MW_NS_PER_MS >> 8) /* a deadline is doubled */
#define ODDS_ROWS (BOARD_CLASSES_MAX * STEP_COUNT)

/* Of a class without a ladder.  Odds: of the repairs in StepFun's trace 69 % held for 7 days
 * (reference health.md 5.1). */
static const struct care_ladder CREW = { .step = STEP_REPAIR, .who = WHO_TECHNICIAN,
                                         .part = CARE_PART_NONE, .odds_ppm = 690000, .weight = 1 };

/* ---- making --------------------------------------------------------------------------------- */

static bool alloc_incidents(struct ladder *l, uint32_t n)
{
    l->asked = mw_calloc(n, sizeof(*l->asked));
    l->escalated = mw_calloc(n, sizeof(*l->escalated));
    l->opened_ms = mw_calloc(n, sizeof(*l->opened_ms));
    l->deadline_ms = mw_calloc(n, sizeof(*l->deadline_ms));
    l->due_ns = mw_calloc(n, sizeof(*l->due_ns));
    l->slow_ppm = mw_calloc(n, sizeof(*l->slow_ppm));
    l->actor = mw_calloc(n, sizeof(*l->actor));
    l->tried = mw_calloc(n, sizeof(*l->tried));
    l->barred = mw_calloc(n, sizeof(*l->barred));
    l->order_class = mw_calloc(n, sizeof(*l->order_class));
    l->order_part = mw_calloc(n, sizeof(*l->order_part));
    l->done_class = mw_calloc(n, sizeof(*l->done_class));
    uint8_t **const byte[] = { &l->step, &l->evict, &l->flags, &l->order_step, &l->order_who,
                               &l->level, &l->unsure, &l->done_step };
    bool whole = l->asked && l->escalated && l->opened_ms && l->deadline_ms && l->due_ns &&
                 l->slow_ppm && l->actor && l->tried && l->barred && l->order_class &&
                 l->order_part && l->done_class;
    for (uint32_t i = 0; i < MW_ARRAY_LEN(byte); i++) {
        *byte[i] = mw_calloc(n, 1);
        whole = whole && *byte[i];
    }
    for (uint32_t i = 0; whole && i < n; i++)
        l->due_ns[i] = MW_NEVER;
    return whole;
}

int ladder_init(struct care *c)
{
    struct ladder *l = mw_calloc(1, sizeof(*l));
    if (!l)
        return MW_ENOMEM;
    c->ladder = l;
    l->weigh = MW_NONE;
    l->finding_slow_ppm = mw_calloc(c->findings_max, sizeof(*l->finding_slow_ppm));
    l->node_step = mw_calloc(c->board->nodes, 1);
    l->seen = mw_calloc(ODDS_ROWS, sizeof(*l->seen));
    l->held = mw_calloc(ODDS_ROWS, sizeof(*l->held));
    if (!alloc_incidents(l, c->board->incidents_max) || !l->finding_slow_ppm || !l->node_step ||
        !l->seen || !l->held)
        return MW_ENOMEM;
    return heap_init(&l->timers, l->due_ns, c->board->incidents_max);
}

void ladder_fini(struct care *c)
{
    struct ladder *l = c->ladder;
    if (!l)
        return;
    void *const owned[] = { l->asked, l->escalated, l->opened_ms, l->deadline_ms, l->due_ns,
                            l->slow_ppm, l->actor, l->tried, l->barred, l->order_class,
                            l->order_part, l->done_class, l->step, l->evict, l->flags,
                            l->order_step, l->order_who, l->level, l->unsure, l->done_step,
                            l->finding_slow_ppm, l->node_step, l->seen, l->held };
    for (uint32_t i = 0; i < MW_ARRAY_LEN(owned); i++)
        mw_free(owned[i]);
    heap_fini(&l->timers);
    mw_free(l);
    c->ladder = NULL;
}

void ladder_columns(struct care *c)
{
    struct ladder *l = c->ladder;
    const uint32_t *f = &c->findings_used, *i = &c->board->incidents_used;
    uint32_t imax = c->board->incidents_max;
    const struct column column[] = {
        COLUMN("ladder_asked", l->asked, imax, i),
        COLUMN("ladder_escalated", l->escalated, imax, i),
        COLUMN("ladder_opened_ms", l->opened_ms, imax, i),
        COLUMN("ladder_deadline_ms", l->deadline_ms, imax, i),
        COLUMN("ladder_due_ns", l->due_ns, imax, i),
        COLUMN("ladder_slow_ppm", l->slow_ppm, imax, i),
        COLUMN("ladder_actor", l->actor, imax, i),
        COLUMN("ladder_tried", l->tried, imax, i),
        COLUMN("ladder_barred", l->barred, imax, i),
        COLUMN("ladder_order_class", l->order_class, imax, i),
        COLUMN("ladder_order_part", l->order_part, imax, i),
        COLUMN("ladder_done_class", l->done_class, imax, i),
        COLUMN("ladder_step", l->step, imax, i),
        COLUMN("ladder_evict", l->evict, imax, i),
        COLUMN("ladder_flags", l->flags, imax, i),
        COLUMN("ladder_order_step", l->order_step, imax, i),
        COLUMN("ladder_order_who", l->order_who, imax, i),
        COLUMN("ladder_level", l->level, imax, i),
        COLUMN("ladder_unsure", l->unsure, imax, i),
        COLUMN("ladder_done_step", l->done_step, imax, i),
        COLUMN("finding_slow_ppm", l->finding_slow_ppm, c->findings_max, f),
        COLUMN("node_step", l->node_step, c->board->nodes, NULL),
        COLUMN("odds_seen", l->seen, ODDS_ROWS, NULL),
        COLUMN("odds_held", l->held, ODDS_ROWS, NULL),
        COLUMN("staying", &l->staying, 1, NULL),
    };
    for (uint32_t k = 0; k < MW_ARRAY_LEN(column); k++)
        care_column(c, column[k]);
}

void ladder_rebuild(struct care *c)
{
    heap_rebuild(&c->ladder->timers);
}

void ladder_quiet(struct care *c)
{
    c->ladder->weigh = MW_NONE;
}

/* ---- the policy's ladders, and odds --------------------------------------------------------- */

uint32_t ladder_steps(const struct care *c, uint16_t class, const struct care_ladder **ret)
{
    *ret = &CREW;
    if (class >= c->policy.classes || !c->policy.class[class].steps)
        return 1;
    *ret = c->policy.class[class].ladder;
    return MW_MIN(c->policy.class[class].steps, CARE_STEPS_MAX);
}

/* The row of a class's ladder for a step; a crew's where it has none. */
static const struct care_ladder *row_of(const struct care *c, uint16_t class, uint8_t step)
{
    const struct care_ladder *row;
    uint32_t rows = ladder_steps(c, class, &row);
    for (uint32_t i = 0; i < rows; i++)
        if (row[i].step == step)
            return &row[i];
    return &CREW;
}

uint32_t ladder_odds_ppm(const struct care *c, uint16_t class, const struct care_ladder *row)
{
    must(class < BOARD_CLASSES_MAX && row->step < STEP_COUNT);
    uint32_t at = class * STEP_COUNT + row->step;
    int64_t all = (int64_t)row->weight + c->ladder->seen[at];
    int64_t good = (int64_t)row->odds_ppm * row->weight + c->ladder->held[at] * INT64_C(1000000);
    return all ? (uint32_t)(good / all) : row->odds_ppm;
}

struct care_odds care_odds_of(const struct care *c, uint16_t class, uint8_t step)
{
    must(class < BOARD_CLASSES_MAX && step < STEP_COUNT);
    uint32_t at = class * STEP_COUNT + step;
    const struct care_ladder *row = row_of(c, class, step);
    return (struct care_odds){ .tried = c->ladder->seen[at], .held = c->ladder->held[at],
                               .ppm = row->step == step ? ladder_odds_ppm(c, class, row) : 0 };
}

/* ---- which step ----------------------------------------------------------------------------- */

static bool has_ladder(const struct care *c, uint32_t slot)
{
    if (cause_is_inferred(c, slot))
        return false; /* its class is its symptoms': a crew has to look at the part itself */
    return c->policy.class[c->board->incident_class[slot]].steps > 0;
}

static void say_sums(const struct care *c, uint32_t slot, const struct sums *s,
                     struct decision *out)
{
    const struct board *b = c->board;
    const struct step_sum *best = &s->row[s->chosen];
    const struct care_ladder *row = row_of(c, b->incident_class[slot], best->step);
    out->ev.kind = EV_STEP_CHOSEN;
    struct body_step *body = &out->ev.body.step; /* field by field: the gaps stay zero */
    body->incident = b->incident_id[slot];
    body->cost_uusd = best->total_uusd;
    body->node = b->incident_node[slot];
    body->slot = slot;
    body->odds_ppm = best->odds_ppm;
    body->class = b->incident_class[slot];
    body->part = row->part;
    body->step = best->step;
    body->drain = best->drain;
    body->chosen = (uint8_t)s->chosen;
    out->ev.tail_size = s->count * (uint32_t)sizeof(s->row[0]);
    memcpy(out->tail, s->row, out->ev.tail_size);
}

/* The node works on meanwhile.  (A part that is no node's has no job of its own to look after.) */
static bool is_in_place(const struct care *c, uint32_t slot)
{
    uint32_t node = c->board->incident_node[slot];
    return node != MW_NONE && c->board->node_health[node] == HEALTH_READY;
}

static bool choose_step(const struct care *c, uint32_t slot, struct decision *out)
{
    struct sums s;
    sums_of_steps(c, slot, is_in_place(c, slot), &s);
    say_sums(c, slot, &s, out);
    out->ev.body.step.visit = c->visit[slot] + 1;
    return true;
}

static bool carry_out(const struct care *c, uint32_t slot, struct decision *out)
{
    const struct ladder *l = c->ladder;
    uint16_t class = c->board->incident_class[slot];
    uint8_t step = has_ladder(c, slot) ? l->step[slot] : STEP_REPAIR;
    const struct care_ladder *row = row_of(c, class, step);
    bool machine = step_is_machine(row->who);
    if (machine && c->wait[slot])
        return false; /* a person is asked; or about the engine first */
    care_order_body(c, slot, out);
    struct body_order *o = &out->ev.body.order;
    o->step = step;
    o->who = row->who;
    o->part = row->part;
    o->deadline_ms = row->deadline_ms;
    if (o->deadline_ms) /* nobody can begin before its part is there */
        o->deadline_ms = MW_MIN(o->deadline_ms + stock_wait_ms(c, row->part), SPAN_MS_MAX);
    if (!machine)
        return true;
    out->ev.kind = EV_ACTION_STARTED;
    out->ev.actor = l->flags[slot] & LADDER_APPROVED ? l->actor[slot] : 0;
    o->lease_ms = (uint32_t)MW_MIN(row->lease_ms, UINT32_MAX);
    return true;
}

bool ladder_decide(const struct care *c, uint32_t slot, struct decision *out)
{
    if (c->order[slot] || ladder_retires(c, slot))
        return false;
    if (has_ladder(c, slot) && !(c->ladder->flags[slot] & LADDER_CHOSEN))
        return choose_step(c, slot, out);
    const struct board *b = c->board;
    uint32_t node = b->incident_node[slot];
    uint8_t step = has_ladder(c, slot) ? c->ladder->step[slot] : STEP_REPAIR;
    if (!step_is_machine(row_of(c, b->incident_class[slot], step)->who))
        return carry_out(c, slot, out);
    if (has_ladder(c, slot) && !board_may_approve(b, node))
        return choose_step(c, slot, out); /* the mode was lowered since */
    if (node != MW_NONE && b->node_job[node] != MW_NONE && !is_in_place(c, slot))
        return false; /* a machine does not act under a job that has not let go yet */
    return carry_out(c, slot, out);
}

bool ladder_retires(const struct care *c, uint32_t slot)
{
    const struct ladder *l = c->ladder;
    bool chosen = (l->flags[slot] & LADDER_CHOSEN) && l->step[slot] == STEP_RETIRE;
    return chosen || (l->flags[slot] & LADDER_OUT);
}

/* ---- when its job lets go ------------------------------------------------------------------- */

bool ladder_decide_drain(const struct care *c, uint32_t slot, struct decision *out)
{
    struct sums s;
    uint32_t node = c->board->incident_node[slot];
    must(node != MW_NONE);
    if (!c->policy.evict || c->ladder->evict[slot] != EVICT_OPEN ||
        c->board->node_job[node] == MW_NONE || !sums_can_weigh(c, slot))
        return false;
    sums_of_drains(c, slot, &s);
    say_sums(c, slot, &s, out);
    return true;
}

bool ladder_stays(const struct care *c, uint32_t slot)
{
    uint32_t node = c->board->incident_node[slot];
    return c->ladder->evict[slot] == EVICT_STAYS && c->board->node_job[node] != MW_NONE;
}

uint8_t ladder_drain(const struct care *c, uint32_t slot)
{
    uint8_t how = c->ladder->evict[slot];
    return how == DRAIN_NOW || how == DRAIN_AT_CHECKPOINT ? how : c->drain[slot];
}

/* ---- stuck ---------------------------------------------------------------------------------- */

/* What is open, as its order.opened had it. */
static struct body_order *say_open(const struct care *c, uint32_t slot, uint16_t kind,
                                   struct decision *out)
{
    const struct ladder *l = c->ladder;
    struct body_order *o = &out->ev.body.order;
    care_order_body(c, slot, out);
    out->ev.kind = kind;
    out->ev.cause = c->order[slot];
    o->visit = c->visit[slot];
    o->class = l->order_class[slot];
    o->part = l->order_part[slot];
    o->step = l->order_step[slot];
    o->who = l->order_who[slot];
    o->level = l->level[slot];
    return o;
}

bool ladder_decide_stuck(const struct care *c, uint32_t slot, struct decision *out)
{
    const struct ladder *l = c->ladder;
    if (!(l->flags[slot] & LADDER_LATE) || !c->order[slot] || !c->policy.escalate)
        return false;
    struct body_order *o = say_open(c, slot, EV_ORDER_ESCALATED, out);
    o->level = (uint8_t)MW_MIN(l->level[slot] + 1u, UINT8_MAX);
    o->deadline_ms = MW_MIN(l->deadline_ms[slot], SPAN_MS_MAX)
                     << MW_MIN(o->level, LADDER_LEVELS_MAX);
    return true;
}

static bool is_weighed(const struct care *c, uint32_t slot)
{
    const struct care_policy *p = &c->policy;
    return p->swap && p->least_cost && c->ladder->weigh == slot &&
           c->board->incident_node[slot] != MW_NONE && has_ladder(c, slot) &&
           cause_parent(c, slot) == MW_NONE;
}

bool ladder_decide_swap(const struct care *c, uint32_t slot, struct decision *out)
{
    struct sums s;
    if (!c->order[slot] || ladder_acting(c, slot))
        return false;
    if (c->ladder->flags[slot] & LADDER_CHOSEN) {
        (void)say_open(c, slot, EV_ORDER_WITHDRAWN, out);
        return true;
    }
    if (!is_weighed(c, slot) || !sums_of_swap(c, slot, is_in_place(c, slot), &s) ||
        s.row[s.chosen].waits)
        return false;
    say_sums(c, slot, &s, out);
    out->ev.body.step.visit = c->visit[slot] + 1;
    return true;
}

bool ladder_decide_withdraw(const struct care *c, uint32_t slot, struct decision *out)
{
    if (!c->order[slot] || (c->flags[slot] & INC_TAKEN) || ladder_acting(c, slot))
        return false;
    (void)say_open(c, slot, EV_ORDER_WITHDRAWN, out);
    return true;
}

/* ---- what people ask ------------------------------------------------------------------------ */

bool care_order_of(const struct care *c, uint32_t slot, struct care_order *ret)
{
    const struct board *b = c->board;
    const struct ladder *l = c->ladder;
    if (slot >= b->incidents_used || !b->incident_id[slot] || !c->order[slot])
        return false;
    bool action = l->flags[slot] & LADDER_ACTION;
    *ret = (struct care_order){
        .seq = c->order[slot], .incident = b->incident_id[slot],
        .component = b->incident_component[slot], .escalated = l->escalated[slot],
        .opened_ms = l->opened_ms[slot], .slot = slot, .node = b->incident_node[slot],
        .class = l->order_class[slot], .part = l->order_part[slot], .step = l->order_step[slot],
        .who = l->order_who[slot], .level = l->level[slot], .action = action,
        .taken = action || (c->flags[slot] & INC_TAKEN) };
    if (l->deadline_ms[slot])
        ret->deadline_ms = l->opened_ms[slot] + l->deadline_ms[slot];
    if (l->due_ns[slot] != MW_NEVER)
        ret->next_ms = mw_ms(l->due_ns[slot]);
    return true;
}

uint32_t care_orders(const struct care *c, struct care_order *ret, uint32_t max)
{
    uint32_t n = 0;
    for (uint32_t slot = 0; slot < c->board->incidents_used && n < max; slot++)
        n += care_order_of(c, slot, &ret[n]);
    return n;
}
