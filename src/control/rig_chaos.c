/*
 * A world without sense: facts in any order, late, twice, about what is over
 * or never was, beside enough sensible ones that everything happens.  All
 * depends on (seed, nth) and the record so far, so a run can be repeated.
 */
#include "base/random.h"
#include "base/units.h"
#include "control/rig.h"

/* The dice of one step.  One throw a statement: the order of throws is part of the world. */
struct dice {
    uint64_t seed, nth, thrown;
};

static uint32_t roll(struct dice *d, uint32_t sides)
{
    return (uint32_t)mw_random_below(mw_random_u64(d->seed, d->nth, 77, d->thrown++), sides);
}

static int64_t roll_ms(struct dice *d, int64_t below)
{
    return (int64_t)mw_random_below(mw_random_u64(d->seed, d->nth, 78, d->thrown++),
                                    (uint64_t)below);
}

static void chaos_finding(struct rig *r, struct dice *d)
{
    uint32_t node = roll(d, r->fleet->count[COMPONENT_NODE]);
    uint32_t number = 1 + roll(d, 40), class = roll(d, RIG_CLASSES), effect = roll(d, 40);
    struct event ev = { .kind = EV_FINDING_OPENED, .source = SOURCE_NODE + node };
    ev.body.finding = (struct body_finding){ .component = component_id(COMPONENT_NODE, node),
                                             .finding = number, .node = node,
                                             .class = (uint16_t)class,
                                             .effect = (uint8_t)(effect < 5 ? effect : 0) };
    if (roll(d, 8) == 0) { /* a part of no node */
        ev.source = SOURCE_FABRIC;
        ev.body.finding.node = MW_NONE;
        ev.body.finding.component = component_id(COMPONENT_SWITCH, roll(d, 2));
    }
    (void)rig_submit(r, &ev, NULL);
}

/* One of the `last` recorded events of a kind. */
static const struct rig_event *chaos_pick(const struct rig *r, struct dice *d, uint32_t kind,
                                          uint32_t last)
{
    uint32_t skip = roll(d, last);
    for (uint32_t i = r->log_length, seen = 0; i-- > 0 && seen < 400; seen++)
        if (r->log[i].ev.kind == kind && skip-- == 0)
            return &r->log[i];
    return NULL;
}

static void chaos_close(struct rig *r, struct dice *d)
{
    const struct rig_event *e = chaos_pick(r, d, EV_FINDING_OPENED, 10);
    if (!e)
        return;
    struct event ev = { .kind = EV_FINDING_CLOSED, .source = e->ev.source, .body = e->ev.body };
    (void)rig_submit(r, &ev, NULL);
}

static void chaos_order(struct rig *r, struct dice *d)
{
    const struct rig_event *e = chaos_pick(r, d, EV_ORDER_OPENED, 5);
    if (!e)
        return;
    struct event ev = { .kind = roll(d, 3) ? EV_ORDER_ENDED : EV_ORDER_TAKEN,
                        .source = SOURCE_CREW, .cause = e->ev.seq, .body = e->ev.body };
    ev.body.order.result = (uint8_t)(roll(d, 3) ? RESULT_OK : 1 + roll(d, 3));
    (void)rig_submit(r, &ev, NULL);
}

static void chaos_gate(struct rig *r, struct dice *d)
{
    const struct rig_event *e = chaos_pick(r, d, EV_GATE_STARTED, 2);
    if (!e)
        return;
    struct event ev = { .kind = EV_GATE_ENDED, .source = SOURCE_ENGINE, .cause = e->ev.seq,
                        .body = e->ev.body };
    ev.body.gate.result = (uint8_t)(roll(d, 4) ? RESULT_OK : RESULT_FAILED);
    (void)rig_submit(r, &ev, NULL);
}

static void chaos_job(struct rig *r, struct dice *d)
{
    uint32_t nodes = 1 + roll(d, MW_MAX(1, r->fleet->count[COMPONENT_NODE] / 3));
    uint32_t job = 1 + roll(d, 60), priority = roll(d, 3);
    struct event ev = rig_job_event(job, nodes, (uint8_t)priority);
    ev.body.job.gpus = nodes * 8 - roll(d, 8);
    ev.body.job.restart_ms = roll_ms(d, 10 * MW_MS_PER_MIN);
    ev.body.job.write_ms = roll_ms(d, 2 * MW_MS_PER_MIN);
    (void)rig_submit(r, &ev, NULL);
}

static void chaos_attempt(struct rig *r, struct dice *d)
{
    const struct rig_event *e = chaos_pick(r, d, EV_ATTEMPT_PLACED, 4);
    if (!e)
        return;
    const struct body_place *p = &e->ev.body.place;
    int64_t now_ms = mw_ms(r->now_ns), high_ms = r->control->board->job_high_ms[p->slot];
    struct event ev = { .kind = EV_ATTEMPT_RUNNING, .source = SOURCE_ENGINE };
    uint32_t what = roll(d, 6);
    if (what < 2) {
        ev.body.running = (struct body_running){ .job = p->job, .from_ms = p->from_ms,
                                                 .slot = p->slot, .attempt = p->attempt };
        ev.body.running.ready_ms = now_ms - roll_ms(d, MW_MS_PER_HOUR);
        (void)rig_submit(r, &ev, NULL);
        return;
    }
    ev.kind = what < 4 ? EV_ATTEMPT_PROGRESS : EV_ATTEMPT_ENDED;
    ev.observed_ns = r->now_ns - roll_ms(d, MW_MS_PER_MIN) * MW_NS_PER_MS;
    struct body_progress *b = &ev.body.progress;
    *b = (struct body_progress){ .job = p->job, .slot = p->slot, .attempt = p->attempt,
                                 .node = MW_NONE, .class = UINT16_MAX };
    int64_t back_ms = roll_ms(d, MW_MS_PER_HOUR), gained_ms = roll_ms(d, 2 * MW_MS_PER_HOUR);
    b->progress_ms = MW_MAX(0, high_ms - back_ms) + gained_ms;
    b->saved_ms = roll_ms(d, b->progress_ms + 1);
    b->checkpoint_ms = roll_ms(d, 10 * MW_MS_PER_MIN);
    b->stopped_ms = now_ms - roll_ms(d, 20 * MW_MS_PER_MIN);
    if (ev.kind == EV_ATTEMPT_ENDED) {
        b->how = (uint8_t)(1 + roll(d, 4));
        if (roll(d, 2))
            b->node = ((const uint32_t *)e->tail)[roll(d, p->nodes)];
        if (roll(d, 2))
            b->class = (uint16_t)roll(d, RIG_CLASSES);
    }
    (void)rig_submit(r, &ev, NULL);
}

static void chaos_person(struct rig *r, struct dice *d)
{
    const struct rig_event *advice = chaos_pick(r, d, EV_ADVICE, 3);
    uint32_t node = roll(d, r->fleet->count[COMPONENT_NODE]);
    switch (roll(d, 8)) {
    case 0:
        (void)rig_command(r, CMD_HOLD, node, "why not");
        return;
    case 1:
    case 2:
        (void)rig_command(r, CMD_RELEASE, node, NULL);
        return;
    case 3:
        if (roll(d, 4) == 0)
            (void)rig_command(r, CMD_DRAIN, node, "moving it");
        return;
    case 4:
        (void)rig_command(r, CMD_RESET_GUARD, node, roll(d, 4) ? "looked at" : NULL);
        return;
    case 5:
        if (roll(d, 3) == 0)
            (void)rig_cancel(r, 1 + roll(d, 60));
        return;
    default:
        if (advice)
            (void)rig_answer(r, roll(d, 3) ? CMD_APPROVE : CMD_REJECT, advice);
    }
}

/* Something said before is said again. */
static void chaos_again(struct rig *r, struct dice *d)
{
    const struct rig_event *e = &r->log[roll(d, r->log_length)];
    struct event ev = e->ev;
    ev.seq = 0;
    if (event_info(ev.kind)->class == EVENT_FACT && ev.tail_size <= 32 && ev.kind != EV_EPOCH &&
        ev.kind != EV_NODES_ADOPTED)
        (void)rig_submit(r, &ev, e->tail);
}

static const int64_t CHAOS_STEP_MS[] = { 0, 0, 1, 40, 700, 20000, 240000, 1200000, 5400000 };

typedef void chaos_fn(struct rig *r, struct dice *d);
static chaos_fn *const CHAOS[] = {
    chaos_finding, chaos_finding, chaos_close,   chaos_close,   chaos_close,   chaos_close,
    chaos_order,   chaos_order,   chaos_order,   chaos_order,   chaos_gate,    chaos_gate,
    chaos_gate,    chaos_job,     chaos_attempt, chaos_attempt, chaos_attempt, chaos_person,
    chaos_again,
};

void rig_chaos(struct rig *r, uint64_t seed, uint64_t nth)
{
    struct dice d = { .seed = seed, .nth = nth };
    int64_t step_ms = CHAOS_STEP_MS[roll(&d, MW_ARRAY_LEN(CHAOS_STEP_MS))];
    int64_t fraction_ns = roll(&d, 1000);
    r->now_ns += step_ms * MW_NS_PER_MS + fraction_ns;
    CHAOS[roll(&d, MW_ARRAY_LEN(CHAOS))](r, &d);
}

uint64_t rig_draw(uint64_t seed, uint64_t nth, uint64_t what, uint64_t below)
{
    return mw_random_below(mw_random_u64(seed, nth, what, 0), below);
}
