/*
 * Counts and the marks that need to know how a node was when something came.
 */
#include "sim/tally.h"

#include "base/mem.h"
#include "base/units.h"
#include "base/error.h"

int tally_init(struct tally *t, uint32_t nodes, uint32_t rows, struct marks *marks)
{
    must(marks != NULL);
    *t = (struct tally){.nodes = nodes, .rows = rows, .marks = marks};
    t->stopping = mw_calloc(rows, sizeof(*t->stopping));
    t->cancelled = mw_calloc(rows, sizeof(*t->cancelled));
    t->row_job = mw_calloc(rows, sizeof(*t->row_job));
    t->row_large = mw_calloc(rows, sizeof(*t->row_large));
    t->node_health = mw_calloc(nodes, sizeof(*t->node_health));
    t->node_held = mw_calloc(nodes, sizeof(*t->node_held));
    t->node_closed_ms = mw_calloc(nodes, sizeof(*t->node_closed_ms));
    bool jobs = t->stopping && t->cancelled && t->row_job && t->row_large;
    bool levels = level_init(&t->out, nodes) == 0;
    levels = level_init(&t->repairing, nodes) == 0 && levels;
    return jobs && levels && t->node_health && t->node_held && t->node_closed_ms ? 0 : MW_ENOMEM;
}

void tally_fini(struct tally *t)
{
    mw_free(t->stopping);
    mw_free(t->cancelled);
    mw_free(t->row_job);
    mw_free(t->row_large);
    level_fini(&t->out);
    level_fini(&t->repairing);
    mw_free(t->node_health);
    mw_free(t->node_held);
    mw_free(t->node_closed_ms);
}

/* Broken, taken from service, or on the way back. */
static bool is_out(uint8_t health)
{
    return health != HEALTH_READY && health != HEALTH_RACKED && health != HEALTH_RETIRED;
}

static void set_health(struct tally *t, uint32_t node, uint8_t health, int64_t now_ns)
{
    uint8_t was = t->node_health[node];
    if (is_out(was) != is_out(health))
        level_move(&t->out, is_out(health), now_ns);
    if ((was == HEALTH_REPAIRING) != (health == HEALTH_REPAIRING))
        level_move(&t->repairing, health == HEALTH_REPAIRING, now_ns);
    t->node_health[node] = health;
}

static void adopted(struct tally *t, const struct event *ev)
{
    const struct body_adopt *a = &ev->body.adopt;
    level_begin(&t->out, ev->time_ns);
    level_begin(&t->repairing, ev->time_ns);
    for (uint32_t i = 0; i < a->count && a->first + i < t->nodes; i++)
        set_health(t, a->first + i, a->health, ev->time_ns);
}

static void finding(struct tally *t, const struct body_finding *f)
{
    if (f->class < BOARD_CLASSES_MAX)
        t->findings[f->class]++;
    if (f->node >= t->nodes)
        return;
    uint8_t health = t->node_health[f->node];
    sometimes(t->marks, health == HEALTH_PROBATION, MARK_FAULT_IN_PROBATION);
    sometimes(t->marks, health == HEALTH_REPAIRING, MARK_FAULT_IN_REPAIR);
    sometimes(t->marks, health == HEALTH_VALIDATING, MARK_FAULT_AT_GATE);
}

static void incident(struct tally *t, const struct event *ev)
{
    uint32_t node = ev->body.incident.node;
    if (ev->kind == EV_INCIDENT_OPENED)
        t->incidents++;
    if (node >= t->nodes)
        return;
    int64_t now_ms = mw_ms(ev->time_ns);
    if (ev->kind == EV_INCIDENT_CLOSED)
        t->node_closed_ms[node] = now_ms;
    else if (t->node_closed_ms[node] != 0 && now_ms - t->node_closed_ms[node] <= TALLY_REFAULT_MS)
        t->refaults++;
}

static void moved(struct tally *t, const struct event *ev)
{
    const struct body_node *b = &ev->body.node;
    if (b->node >= t->nodes)
        return;
    set_health(t, b->node, b->to, ev->time_ns);
    sometimes(t->marks, b->to == HEALTH_READY && t->node_held[b->node] != 0,
              MARK_HOLD_THROUGH_REPAIR);
}

static void stop(struct tally *t, uint32_t row)
{
    if (row >= t->rows || t->stopping[row] != 0)
        return;
    t->stopping[row] = 1;
    t->stops_open++;
}

static void placed(struct tally *t, const struct body_place *b)
{
    if (b->slot >= t->rows)
        return;
    t->row_job[b->slot] = b->job;
    t->row_large[b->slot] = b->gpus >= TALLY_LARGE_GPUS;
    t->cancelled[b->slot] = 0;
    t->rows_used = MW_MAX(t->rows_used, b->slot + 1);
}

/* A queued job just goes; one that is under way is counted when its attempt ends. */
static void job_cancelled(struct tally *t, const struct event *ev)
{
    for (uint32_t row = 0; row < t->rows_used; row++) {
        if (t->row_job[row] != ev->body.command.ref)
            continue;
        mark_hit(t->marks, MARK_CANCELLED_PLACED);
        t->cancelled[row] = 1;
        return;
    }
    mark_hit(t->marks, MARK_CANCELLED_QUEUED);
    t->jobs_cancelled++;
    t->last_job_end_ns = ev->time_ns;
}

static void attempt_ended(struct tally *t, const struct event *ev)
{
    const struct body_progress *b = &ev->body.progress;
    bool asked = b->slot < t->rows && t->stopping[b->slot] != 0;
    bool cancelled = b->slot < t->rows && t->cancelled[b->slot] != 0;
    bool own = b->how == HOW_FAILED && b->node == MW_NONE && b->class == UINT16_MAX && !asked;
    if (b->slot < t->rows) {
        t->large_ended += t->row_large[b->slot];
        t->large_stopped += t->row_large[b->slot] != 0 && b->how == HOW_FAILED &&
                            b->node != MW_NONE;
        t->stopping[b->slot] = t->cancelled[b->slot] = 0;
        t->row_job[b->slot] = 0;
    }
    t->jobs_done += b->how == HOW_DONE;
    t->jobs_failed += own;
    t->jobs_cancelled += cancelled && b->how != HOW_DONE;
    if (b->how == HOW_DONE || own || cancelled)
        t->last_job_end_ns = ev->time_ns;
    t->stops_open -= asked;
}

static void command(struct tally *t, const struct body_command *c)
{
    bool holds = c->verb == CMD_HOLD || c->verb == CMD_DRAIN;
    if (c->node < t->nodes && (holds || c->verb == CMD_RELEASE))
        t->node_held[c->node] = holds;
}

void tally_event(struct tally *t, const struct event *ev)
{
    t->events++;
    switch (ev->kind) {
    case EV_NODES_ADOPTED: adopted(t, ev); break;
    case EV_FINDING_OPENED: finding(t, &ev->body.finding); break;
    case EV_INCIDENT_OPENED:
    case EV_INCIDENT_CLOSED: incident(t, ev); break;
    case EV_NODE_MOVED: moved(t, ev); break;
    case EV_DRAIN_ORDERED:
        t->drains++;
        if (ev->body.drain.node < t->nodes)
            set_health(t, ev->body.drain.node, HEALTH_SUSPECT, ev->time_ns);
        break;
    case EV_ORDER_OPENED:
        t->orders++;
        t->orders_open++;
        break;
    case EV_ORDER_ENDED: t->orders_open -= t->orders_open > 0; break;
    case EV_GATE_STARTED:
        t->gates++;
        t->gates_open++;
        break;
    case EV_GATE_ENDED:
        t->gates_failed += ev->body.gate.result != RESULT_OK;
        t->gates_open -= t->gates_open > 0;
        break;
    case EV_JOB_SUBMITTED: t->jobs_submitted++; break;
    case EV_JOB_CANCELLED: job_cancelled(t, ev); break;
    case EV_ATTEMPT_PLACED: placed(t, &ev->body.place); break;
    case EV_ATTEMPT_STOP: stop(t, ev->body.stop.slot); break;
    case EV_ATTEMPT_ENDED: attempt_ended(t, ev); break;
    case EV_COMMAND: command(t, &ev->body.command); break;
    default: break;
    }
}
