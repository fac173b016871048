/*
 * See the header.  Knows of each incident its node, what was asked for it and how
 * that ended, from the events alone; never asks a plane.
 */
#include "sim/check_care.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

struct seen_incident {
    uint64_t id;          /* 0 = the row is free */
    uint64_t order, gate; /* open; 0 */
    uint32_t node;
    uint16_t class, gate_class;
    bool machine; /* the order is a machine's action */
    bool done;    /* the last order ended well, and nothing was asked since */
    bool passed;  /* the gate of gate_class */
    bool loose;   /* the node went down: its order may be asked for anew */
    bool symptom; /* it is, or was, one of another */
};

struct check_care {
    struct care_policy policy;
    struct seen_incident *row;
    uint32_t rows, nodes;
    uint8_t *health; /* per node */
    char text[256];
};

static void violated(struct check_care *c, const char *fmt, ...) MW_PRINTF(2, 3);
static void violated(struct check_care *c, const char *fmt, ...)
{
    va_list args;
    if (c->text[0] != '\0')
        return;
    va_start(args, fmt);
    (void)vsnprintf(c->text, sizeof(c->text), fmt, args);
    va_end(args);
}

int check_care_create(const struct fleet *f, const struct care_policy *p, struct check_care **ret)
{
    struct check_care *c = mw_calloc(1, sizeof(*c));
    if (c == NULL)
        return MW_ENOMEM;
    c->policy = *p;
    c->nodes = f->count[COMPONENT_NODE];
    c->health = mw_calloc(c->nodes, sizeof(*c->health));
    if (c->health == NULL) {
        check_care_destroy(c);
        return MW_ENOMEM;
    }
    *ret = c;
    return 0;
}

void check_care_destroy(struct check_care *c)
{
    if (c == NULL)
        return;
    mw_free(c->row);
    mw_free(c->health);
    mw_free(c);
}

/* ---- incidents ----------------------------------------------------------------------------- */

/* The row of an incident that is open under this number; NULL, and a violation, when it is not. */
static struct seen_incident *incident_of(struct check_care *c, const struct event *ev,
                                         uint32_t slot, uint64_t id)
{
    if (slot < c->rows && id != 0 && c->row[slot].id == id)
        return &c->row[slot];
    violated(c, "event %llu, %s, is about incident %llu, which is not open",
             (unsigned long long)ev->seq, event_info(ev->kind)->name, (unsigned long long)id);
    return NULL;
}

static void opened(struct check_care *c, const struct event *ev)
{
    const struct body_incident *b = &ev->body.incident;
    if (b->slot >= c->rows) {
        uint32_t rows = MW_MAX(b->slot + 1, MW_MAX(c->rows * 2, 64));
        struct seen_incident *grown = mw_resize(c->row, rows, sizeof(*grown));
        if (grown == NULL) {
            violated(c, "out of memory while checking");
            return;
        }
        memset(grown + c->rows, 0, (rows - c->rows) * sizeof(*grown));
        c->row = grown;
        c->rows = rows;
    }
    if (c->row[b->slot].id != 0)
        violated(c, "event %llu opens an incident in the row of %llu, which is open",
                 (unsigned long long)ev->seq, (unsigned long long)c->row[b->slot].id);
    c->row[b->slot] = (struct seen_incident){.id = ev->seq, .node = b->node, .class = b->class,
                                             .gate_class = b->gate_class};
}

static void joined(struct check_care *c, const struct event *ev)
{
    const struct body_incident *b = &ev->body.incident;
    struct seen_incident *i = incident_of(c, ev, b->slot, b->incident);
    if (i == NULL)
        return;
    i->class = b->class;
    i->gate_class = b->gate_class;
    i->passed = false; /* what joined has not been looked at by any gate */
}

static void closed(struct check_care *c, const struct event *ev)
{
    const struct body_incident *b = &ev->body.incident;
    struct seen_incident *i = incident_of(c, ev, b->slot, b->incident);
    if (i != NULL)
        i->id = 0;
}

static void linked(struct check_care *c, const struct event *ev)
{
    const struct body_cause *b = &ev->body.cause;
    struct seen_incident *i = incident_of(c, ev, b->slot, b->incident);
    if (i != NULL)
        i->symptom = true;
}

/* ---- what is asked, and how it ended ------------------------------------------------------- */

static void asked(struct check_care *c, const struct event *ev)
{
    const struct body_order *b = &ev->body.order;
    struct seen_incident *i = incident_of(c, ev, b->slot, b->incident);
    if (i == NULL)
        return;
    if (i->order != 0 && !i->loose)
        violated(c, "event %llu asks for a repair of incident %llu: %llu is open",
                 (unsigned long long)ev->seq, (unsigned long long)i->id,
                 (unsigned long long)i->order);
    i->order = ev->seq;
    i->machine = ev->kind == EV_ACTION_STARTED;
    i->done = i->loose = false;
}

static void answered(struct check_care *c, const struct event *ev)
{
    const struct body_order *b = &ev->body.order;
    struct seen_incident *i = incident_of(c, ev, b->slot, b->incident);
    if (i == NULL)
        return;
    bool machine = ev->kind == EV_ACTION_ENDED;
    if (i->order != ev->cause || i->machine != machine)
        violated(c, "event %llu, %s, answers event %llu: open is %llu",
                 (unsigned long long)ev->seq, event_info(ev->kind)->name,
                 (unsigned long long)ev->cause, (unsigned long long)i->order);
    if (ev->kind == EV_ORDER_TAKEN)
        return;
    if (machine && b->result == RESULT_OK && ev->tail_size == 0)
        violated(c, "event %llu says that an action was done, and not what was read back",
                 (unsigned long long)ev->seq);
    i->order = 0;
    i->done = b->result == RESULT_OK;
}

static void withdrawn(struct check_care *c, const struct event *ev)
{
    const struct body_order *b = &ev->body.order;
    struct seen_incident *i = incident_of(c, ev, b->slot, b->incident);
    if (i != NULL)
        i->order = 0;
}

static void gate(struct check_care *c, const struct event *ev)
{
    const struct body_gate *b = &ev->body.gate;
    struct seen_incident *i = incident_of(c, ev, b->slot, b->incident);
    if (i == NULL)
        return;
    if (ev->kind == EV_GATE_STARTED) {
        if (i->gate != 0)
            violated(c, "event %llu starts a gate of node %u: %llu is open",
                     (unsigned long long)ev->seq, b->node, (unsigned long long)i->gate);
        i->gate = ev->seq;
        return;
    }
    if (i->gate != ev->cause)
        violated(c, "event %llu answers gate %llu of node %u: open is %llu",
                 (unsigned long long)ev->seq, (unsigned long long)ev->cause, b->node,
                 (unsigned long long)i->gate);
    i->gate = 0;
    i->passed = b->result == RESULT_OK && b->class == i->gate_class;
}

/* ---- nodes --------------------------------------------------------------------------------- */

static bool heals(const struct check_care *c, const struct seen_incident *i)
{
    return c->policy.class[i->class].heals && c->policy.class[i->gate_class].heals;
}

static void returns(struct check_care *c, const struct event *ev, const struct seen_incident *i)
{
    const struct body_node *b = &ev->body.node;
    bool asks = c->policy.gate && c->policy.class[i->gate_class].gate_ms > 0;
    if (asks && !i->passed)
        violated(c, "event %llu: node %u is %s again without a passed gate of class %u",
                 (unsigned long long)ev->seq, b->node, health_name(b->to), i->gate_class);
}

static void moved(struct check_care *c, const struct event *ev)
{
    const struct body_node *b = &ev->body.node;
    if (b->node >= c->nodes)
        return; /* check.c says so */
    c->health[b->node] = b->to;
    if (b->to == HEALTH_RETIRED)
        return;
    struct seen_incident *i = incident_of(c, ev, b->slot, b->incident);
    if (i == NULL)
        return;
    if (b->to == HEALTH_DOWN) {
        i->gate = 0;
        i->passed = i->done = false;
        i->loose = true;
    }
    if (b->to == HEALTH_VALIDATING && !i->done && !heals(c, i) && !i->symptom)
        violated(c, "event %llu: node %u is taken for repaired, and nothing about it ended well",
                 (unsigned long long)ev->seq, b->node);
    if (b->to == HEALTH_PROBATION || b->to == HEALTH_READY)
        returns(c, ev, i);
}

/* A person answers for the nodes: what was asked about them is over. */
static void adopted(struct check_care *c, const struct event *ev)
{
    const struct body_adopt *a = &ev->body.adopt;
    for (uint32_t n = a->first; n < a->first + a->count && n < c->nodes; n++)
        c->health[n] = a->health;
    for (uint32_t slot = 0; slot < c->rows; slot++) {
        struct seen_incident *i = &c->row[slot];
        if (i->id != 0 && i->node != MW_NONE && i->node >= a->first &&
            i->node - a->first < a->count)
            i->order = i->gate = 0;
    }
}

void check_care_event(struct check_care *c, const struct event *ev)
{
    switch (ev->kind) {
    case EV_NODES_ADOPTED: adopted(c, ev); break;
    case EV_INCIDENT_OPENED: opened(c, ev); break;
    case EV_INCIDENT_JOINED: joined(c, ev); break;
    case EV_INCIDENT_CLOSED: closed(c, ev); break;
    case EV_INCIDENT_SUPPRESSED: linked(c, ev); break;
    case EV_ORDER_OPENED:
    case EV_ACTION_STARTED: asked(c, ev); break;
    case EV_ORDER_TAKEN:
    case EV_ORDER_ENDED:
    case EV_ACTION_ENDED: answered(c, ev); break;
    case EV_ORDER_WITHDRAWN: withdrawn(c, ev); break;
    case EV_GATE_STARTED:
    case EV_GATE_ENDED: gate(c, ev); break;
    case EV_NODE_MOVED: moved(c, ev); break;
    default: break;
    }
}

const char *check_care_text(const struct check_care *c)
{
    return c->text[0] != '\0' ? c->text : NULL;
}
