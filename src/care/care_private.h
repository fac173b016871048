/* What care.c (making, admission), care_apply.c and care_decide.c share. */
#ifndef MW_CARE_CARE_PRIVATE_H
#define MW_CARE_CARE_PRIVATE_H

#include "base/heap.h"
#include "base/map.h"
#include "care/care.h"

#define CARE_COLUMNS_MAX 128
#define CARE_TIMER_LADDER (UINT64_C(1) << 32) /* in a timer's id: the ladder's, of the row below */
#define CARE_TIMER_CAUSE (UINT64_C(1) << 33)  /* … that of care_cause.h */
#define CARE_TIMER_GUEST (UINT64_C(1) << 34)  /* … that of care_guest.h */

/* Flags of an incident. */
enum {
    INC_TAKEN = 1 << 0,    /* a crew has its order */
    INC_DONE = 1 << 1,     /* the crew says it is repaired */
    INC_AGAIN = 1 << 2,    /* the last repair or gate did not hold: order another */
    INC_PASSED = 1 << 3,   /* the gate passed */
    INC_FAILED = 1 << 4,   /* the gate failed */
    INC_SERVED = 1 << 5,   /* the node is back */
    INC_APPROVED = 1 << 6, /* a person approved the drain */
    INC_REJECTED = 1 << 7, /* a person rejected it */
};

/* Why an event did not fit. */
enum { MISFIT_NODE_FROM = 1, MISFIT_INCIDENT = 2, MISFIT_FINDING = 3 };

struct care {
    struct board *board;
    struct care_policy policy;

    /* state: open findings */
    uint32_t findings_max, findings_used, findings_live, finding_free;
    uint32_t *finding_next_free;
    uint64_t *finding_key;       /* source << 40 | number; 0 = free row */
    uint64_t *finding_component;
    uint32_t *finding_node;
    uint32_t *finding_incident;  /* incident row, MW_NONE */
    uint16_t *finding_class;
    uint8_t *finding_effect;

    /* state: per incident row of the board */
    uint64_t *order, *gate, *wait; /* sequences of the open order, gate, advice; 0 = none */
    uint64_t *engine;              /* of the order to the engine that has no answer; 0 = none */
    uint8_t *service;              /* see care_engine.c */
    int64_t *due_ns;               /* settle or probation timer */
    uint32_t *visit, *open;        /* repairs ordered; findings still open */
    uint32_t *actor;               /* who approved */
    uint8_t *flags, *effect, *drain; /* effect, drain: the strictest of its findings' */
    uint16_t *gate_class;
    uint32_t *probation_s;

    /* state of their own files */
    struct cause *cause;
    struct guest *guest;
    struct ladder *ladder;
    struct stock *stock;
    struct lemon *lemon;

    /* state: findings of one component within its window, for classes that count */
    uint32_t component_first[COMPONENT_KIND_COUNT]; /* place of a kind's first component */
    uint32_t components;           /* 0 = no class counts */
    uint8_t *seen;
    uint32_t *seen_since_s;        /* seconds after the first event */
    int64_t now_ns;                /* time of the last event taken */
    int64_t first_ns;
    uint32_t nodes_in[HEALTH_COUNT];

    /* indexes */
    struct map finding_index;
    uint32_t *node_findings; /* open ones of each node; of parts that are no node's at the end */
    struct heap timers;

    /* scratch: empty between groups */
    uint32_t *dirty, dirty_head, dirty_length;
    uint8_t *is_dirty;
    uint32_t fresh; /* the finding row that just opened, MW_NONE */

    struct column column[CARE_COLUMNS_MAX];
    uint32_t columns;
};

uint8_t care_apply(void *self, const struct event *ev, const void *tail);
bool care_decide(void *self, struct decision *out);
void care_quiet(void *self);

/* Adds a column to care's list. */
static inline void care_column(struct care *c, struct column column)
{
    must(c->columns < CARE_COLUMNS_MAX);
    c->column[c->columns++] = column;
}

/* care_decide.c: the order of an incident's next repair, by a crew, as order.opened has it. */
void care_order_body(const struct care *c, uint32_t slot, struct decision *out);

/* care_engine.c */
bool care_engine_decide(const struct care *c, uint32_t slot, struct decision *out);
void care_engine_ordered(struct care *c, const struct event *ev);
enum admit care_engine_admit(const struct care *c, const struct event *ev);
void care_engine_answered(struct care *c, const struct event *ev);
void care_engine_advised(struct care *c, const struct event *ev); /* the guard lowered it */
/* What was put off may be asked again: after a while (unless it waits for a person, who may have
 * said no, or failed too often), or afresh, for something has changed. */
void care_engine_again(struct care *c, uint32_t slot, bool afresh);
void care_engine_mode(struct care *c, const struct body_command *b); /* what waited for act */

/* What the engine was asked last: enum node_service. */
#define CARE_ASKED 0x03u
static inline uint32_t care_asked(const struct care *c, uint32_t slot)
{
    return c->service[slot] & CARE_ASKED;
}

/* Does this incident end when its findings do, with nobody's repair?  Of its classes the strictest
 * is looked at: what has to be repaired has the longer gate. */
static inline bool care_heals(const struct care *c, uint32_t slot)
{
    return c->policy.class[c->board->incident_class[slot]].heals &&
           c->policy.class[c->gate_class[slot]].heals;
}

static inline uint64_t care_finding_key(const struct event *ev)
{
    return (uint64_t)ev->source << 40 | (ev->body.finding.finding & ((UINT64_C(1) << 40) - 1));
}

/* The incident row is open and is the one that carries this number. */
static inline bool care_incident_is(const struct care *c, uint32_t slot, uint64_t incident)
{
    return slot < c->board->incidents_used && incident && c->board->incident_id[slot] == incident;
}

/* What counts the open findings of this node, or of parts. */
static inline uint32_t *care_findings_of(const struct care *c, uint32_t node)
{
    return &c->node_findings[MW_MIN(node, c->board->nodes)];
}

/* Place of a component in seen[]; c->components (out of range) when nothing is counted. */
static inline uint32_t care_component_place(const struct care *c, uint64_t component)
{
    uint32_t kind = (uint32_t)component_kind_of(component);
    if (!c->components || kind >= COMPONENT_KIND_COUNT)
        return c->components;
    return c->component_first[kind] + component_index_of(component);
}

static inline void care_mark(struct care *c, uint32_t slot)
{
    if (slot == MW_NONE || c->is_dirty[slot])
        return;
    c->is_dirty[slot] = 1;
    c->dirty[(c->dirty_head + c->dirty_length++) % c->board->incidents_max] = slot;
}

#endif
