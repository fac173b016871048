/* See the header. */
#include "sim/outcome.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/units.h"

int outcome_init(struct outcome *o, uint32_t nodes, uint32_t rows, struct marks *marks)
{
    *o = (struct outcome){.marks = marks, .nodes = nodes, .rows = rows};
    o->health = mw_calloc(nodes, sizeof(*o->health));
    o->held = mw_calloc(nodes, sizeof(*o->held));
    o->out_ms = mw_calloc(nodes, sizeof(*o->out_ms));
    o->back_ms = mw_calloc(nodes, sizeof(*o->back_ms));
    o->node_next = mw_calloc(nodes, sizeof(*o->node_next));
    o->busy = mw_calloc(nodes, sizeof(*o->busy));
    o->row_first = mw_calloc(rows, sizeof(*o->row_first));
    if (!o->health || !o->held || !o->out_ms || !o->back_ms || !o->node_next || !o->busy ||
        !o->row_first)
        return MW_ENOMEM;
    for (uint32_t i = 0; i < rows; i++)
        o->row_first[i] = MW_NONE;
    return 0;
}

void outcome_fini(struct outcome *o)
{
    mw_free(o->health);
    mw_free(o->held);
    mw_free(o->out_ms);
    mw_free(o->back_ms);
    mw_free(o->node_next);
    mw_free(o->busy);
    mw_free(o->row_first);
    mw_free(o->down);
}

/* ---- nodes --------------------------------------------------------------------------------- */

static bool is_free(const struct outcome *o, uint32_t node)
{
    return o->health[node] == HEALTH_READY && !o->held[node] && !o->busy[node];
}

static void note_down(struct outcome *o, int64_t ms)
{
    if (o->n.downs == o->downs_room) {
        uint32_t room = MW_MAX(o->downs_room * 2, 256u);
        int64_t *grown = mw_resize(o->down, room, sizeof(*grown));
        if (grown == NULL) {
            o->failed = true;
            return;
        }
        o->down = grown;
        o->downs_room = room;
    }
    o->down[o->n.downs++] = ms;
}

static void set_health(struct outcome *o, uint32_t node, uint8_t health, int64_t now_ms)
{
    uint8_t was = o->health[node];
    bool free = is_free(o, node);
    o->health[node] = health;
    o->free = o->free - free + is_free(o, node);
    if (was == HEALTH_READY && health != HEALTH_READY)
        o->out_ms[node] = now_ms;
    if (health == HEALTH_READY && o->out_ms[node] != 0) {
        note_down(o, now_ms - o->out_ms[node]);
        o->out_ms[node] = 0;
    }
    if (health == HEALTH_RETIRED && was != HEALTH_RETIRED) {
        o->n.retired++;
        o->out_ms[node] = 0;
        mark_hit(o->marks, MARK_RETIRED);
    }
}

static void adopted(struct outcome *o, const struct event *ev)
{
    const struct body_adopt *a = &ev->body.adopt;
    for (uint32_t i = 0; i < a->count && a->first + i < o->nodes; i++)
        set_health(o, a->first + i, a->health, mw_ms(ev->time_ns));
}

static void opened(struct outcome *o, const struct event *ev)
{
    const struct body_incident *b = &ev->body.incident;
    o->n.causes += ev->tail_size > 0;
    sometimes(o->marks, ev->tail_size > 0, MARK_COMMON_CAUSE);
    if (b->node >= o->nodes || o->back_ms[b->node] == 0)
        return;
    int64_t after_ms = mw_ms(ev->time_ns) - o->back_ms[b->node];
    o->n.refaults_7d += after_ms <= 7 * MW_MS_PER_DAY;
    o->n.refaults_30d += after_ms <= 30 * MW_MS_PER_DAY;
    o->back_ms[b->node] = 0;
}

static void closed(struct outcome *o, const struct event *ev)
{
    uint32_t node = ev->body.incident.node;
    if (node >= o->nodes || o->health[node] != HEALTH_READY)
        return;
    o->n.returns++;
    o->back_ms[node] = mw_ms(ev->time_ns);
}

static void commanded(struct outcome *o, const struct event *ev)
{
    const struct body_command *c = &ev->body.command;
    bool holds = c->verb == CMD_HOLD || c->verb == CMD_DRAIN;
    sometimes(o->marks, c->verb == CMD_WINDOW && c->length_ms > 0, MARK_WINDOW);
    sometimes(o->marks, c->verb == CMD_WINDOW && c->length_ms == 0, MARK_WINDOW_ENDED);
    if (c->node >= o->nodes || (!holds && c->verb != CMD_RELEASE))
        return;
    bool free = is_free(o, c->node);
    o->held[c->node] = holds;
    o->free = o->free - free + is_free(o, c->node);
}

/* ---- jobs ---------------------------------------------------------------------------------- */

static void placed(struct outcome *o, const struct event *ev, const void *tail)
{
    const struct body_place *b = &ev->body.place;
    uint32_t kept = MW_MIN(o->target, o->free);
    if (b->slot >= o->rows)
        return;
    for (uint32_t i = 0; i < ev->tail_size / sizeof(uint32_t); i++) {
        uint32_t node;
        memcpy(&node, (const uint8_t *)tail + i * sizeof(node), sizeof(node));
        if (node >= o->nodes || o->busy[node])
            continue;
        o->free -= is_free(o, node);
        o->busy[node] = 1;
        o->node_next[node] = o->row_first[b->slot];
        o->row_first[b->slot] = node;
    }
    if (b->attempt > 1 && kept > o->free) {
        o->n.spares_used += kept - o->free;
        mark_hit(o->marks, MARK_SPARES_USED);
    }
}

static void leave(struct outcome *o, uint32_t row)
{
    for (uint32_t node = o->row_first[row]; node != MW_NONE; node = o->node_next[node]) {
        o->busy[node] = 0;
        o->free += is_free(o, node);
    }
    o->row_first[row] = MW_NONE;
}

/* Its own error ends a job; else an attempt that was not done has another after it. */
static void ended(struct outcome *o, const struct body_progress *b)
{
    bool own = b->how == HOW_FAILED && b->node == MW_NONE && b->class == UINT16_MAX;
    if (b->slot < o->rows)
        leave(o, b->slot);
    if (b->how == HOW_DONE || b->how == HOW_CANCELLED || own)
        return;
    o->n.restarts++;
    if (b->class < BOARD_CLASSES_MAX)
        o->n.restarts_by_class[b->class]++;
    else if (b->class == BOARD_CLASS_PERSON)
        o->n.restarts_by_person++;
    else if (b->class == BOARD_CLASS_PREEMPT)
        o->n.restarts_by_room++;
    else
        o->n.restarts_by_other++;
}

/* ---- all ----------------------------------------------------------------------------------- */

static void asked(struct outcome *o, const struct body_order *b)
{
    if (b->step < STEP_COUNT)
        o->n.steps[b->step]++;
}

static void judged(struct outcome *o, const struct body_judge *b)
{
    o->n.lemons += b->lemon != 0;
    o->n.lemons_freed += b->lemon == 0;
    mark_hit(o->marks, MARK_JUDGED);
}

static void of_incidents(struct outcome *o, const struct event *ev)
{
    struct marks *m = o->marks;
    switch (ev->kind) {
    case EV_INCIDENT_OPENED: opened(o, ev); break;
    case EV_INCIDENT_CLOSED: closed(o, ev); break;
    case EV_INCIDENT_SUPPRESSED:
        o->n.suppressed++;
        mark_hit(m, MARK_SUPPRESSED);
        break;
    case EV_INCIDENT_FREED:
        o->n.freed++;
        mark_hit(m, MARK_FREED);
        break;
    case EV_STEP_CHOSEN:
        sometimes(m, ev->tail_size > sizeof(struct step_sum), MARK_STEP_CHOSEN);
        break;
    case EV_ORDER_OPENED:
    case EV_ACTION_STARTED: asked(o, &ev->body.order); break;
    case EV_ORDER_ESCALATED: o->n.escalations++; break;
    case EV_ORDER_WITHDRAWN: o->n.withdrawn++; break;
    case EV_NODE_JUDGED: judged(o, &ev->body.judge); break;
    default: break;
    }
}

void outcome_event(struct outcome *o, const struct event *ev, const void *tail)
{
    const struct body_node *m = &ev->body.node;
    bool room = ev->kind == EV_ATTEMPT_STOP && ev->body.stop.class == BOARD_CLASS_PREEMPT;
    switch (ev->kind) {
    case EV_NODES_ADOPTED: adopted(o, ev); break;
    case EV_NODE_MOVED:
        if (m->node < o->nodes)
            set_health(o, m->node, m->to, mw_ms(ev->time_ns));
        break;
    case EV_DRAIN_ORDERED:
        if (ev->body.drain.node < o->nodes)
            set_health(o, ev->body.drain.node, HEALTH_SUSPECT, mw_ms(ev->time_ns));
        break;
    case EV_COMMAND: commanded(o, ev); break;
    case EV_ATTEMPT_PLACED: placed(o, ev, tail); break;
    case EV_ATTEMPT_STOP:
        o->n.preemptions += room;
        sometimes(o->marks, room, MARK_PREEMPTED);
        break;
    case EV_ATTEMPT_ENDED: ended(o, &ev->body.progress); break;
    case EV_SPARES_SIZED:
        o->target = ev->body.spares.target;
        mark_hit(o->marks, MARK_SPARES_SIZED);
        break;
    default: of_incidents(o, ev); break;
    }
}

static int longer_first(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

struct outcome_counts outcome_counts(struct outcome *o)
{
    uint64_t tenth = (o->n.downs + 9) / 10;
    if (o->n.downs > 0)
        qsort(o->down, o->n.downs, sizeof(*o->down), longer_first);
    o->n.down_ms = o->n.down_longest_ms = 0;
    for (uint64_t i = 0; i < o->n.downs; i++) {
        o->n.down_ms += o->down[i];
        o->n.down_longest_ms += i < tenth ? o->down[i] : 0;
    }
    return o->n;
}
