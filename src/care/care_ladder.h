/*
 * The ladder: which step is taken next about an incident, when the job lets go
 * of the node, what that is expected to cost, and what became of it.
 *
 * With p the odds that a step cures, the expected cost of having it done is
 *     c = action + part + crew + waiting + harm + (1 - p) * V(rest) + refault,
 * V(rest) the least expected cost of what is left of the ladder after it
 * (dynamic programming from its end; the end is retirement, or the heaviest step
 * until it cures).  All in integer micro-dollars; the terms are explained in
 * care_sums.h.  The alternatives with their sums are the tail of step.chosen:
 * what `mw explain` prints is what was decided by.
 *
 * Odds are a prior of the policy (odds_ppm, as strong as `weight` repairs) and
 * what was seen: (odds_ppm * weight + held * 10^6) / (weight + tried).  A repair
 * held when its incident was closed after it; a refault takes that back.  It did
 * not when its gate failed, its finding stayed, or the node failed in probation.
 *
 * A step that was done in this incident is not done again in it (BAR_TRIED),
 * until nothing is left.  After an action whose outcome could not be read back
 * no machine does the same or anything lighter: it would be done twice.
 *
 * A stuck order of a node is weighed again when it is escalated: to go on waiting
 * against what was not tried yet (care_sums.h).  What people do can take its place,
 * or retirement: no machine acts where a crew may still have its hands inside.
 *
 * step.chosen with visit 0 is about the drain only: when the job lets go of the
 * node.  With a visit it is about the step that order.opened, action.started or
 * the node's retirement then carries out.
 *
 * Owns what is remembered of steps, open orders and odds (struct ladder), and
 * nothing of the node's health.
 */
#ifndef MW_CARE_LADDER_H
#define MW_CARE_LADDER_H

#include "care/care_private.h"

#define LADDER_LEVELS_MAX 6u /* a deadline doubles with each level up to here */

/* Flags of an incident's ladder. */
enum {
    LADDER_CHOSEN = 1 << 0,   /* `step` is to be carried out */
    LADDER_APPROVED = 1 << 1, /* … by the word of `actor` */
    LADDER_ACTION = 1 << 2,   /* the open order is a machine's */
    LADDER_LATE = 1 << 3,     /* the open order is past its deadline: say so */
    LADDER_VERDICT = 1 << 4,  /* done_step was done: whether it held is not known yet */
    LADDER_OUT = 1 << 5,      /* whoever had the order took the node out of the fleet */
};
/* When its job lets go of the node, as decided by cost; else one of enum drain_how. */
enum { EVICT_OPEN = 0, EVICT_STAYS = 0x80 };

struct ladder {
    /* state, per incident row */
    uint64_t *asked;       /* the advice about its machine's step; 0 */
    uint64_t *escalated;   /* the last order.escalated of the open order; 0 */
    int64_t *opened_ms;    /* the open order: since when … */
    int64_t *deadline_ms;  /* … for how long at most; 0 = no end */
    int64_t *due_ns;       /* when it is stuck, or when the incident is looked at again */
    uint32_t *slow_ppm;    /* the most that one of its findings says; 0 = none says */
    uint32_t *actor;
    uint16_t *tried, *barred; /* bits of enum care_step */
    uint16_t *order_class, *order_part, *done_class;
    uint8_t *step, *evict, *flags;
    uint8_t *order_step, *order_who, *level;
    uint8_t *unsure;       /* the heaviest machine's step whose outcome nobody knows; 0 = none */
    uint8_t *done_step;
    /* state, per finding row, per node */
    uint32_t *finding_slow_ppm;
    uint8_t *node_step;    /* the last step done there, 0 = none */
    /* state, per class and step: [class * STEP_COUNT + step] */
    uint32_t *seen, *held;
    uint32_t staying;      /* incidents with EVICT_STAYS */

    struct heap timers;    /* over due_ns */
    uint32_t weigh;        /* scratch: this row's order was escalated just now; MW_NONE */
};

int ladder_init(struct care *c);
void ladder_fini(struct care *c);
void ladder_columns(struct care *c);
void ladder_rebuild(struct care *c);
void ladder_quiet(struct care *c);

/* ---- decisions ------------------------------------------------------------------------------ */

/* Is there a step to take about this incident?  step.chosen first, then order.opened or
 * action.started for what was chosen.  Called where the node (or part) can be worked on. */
bool ladder_decide(const struct care *c, uint32_t slot, struct decision *out);

/* Its last step is the end of the node's service: care moves it. */
bool ladder_retires(const struct care *c, uint32_t slot);

/* When its node leaves service, for faults that slow or defer: step.chosen with its drain, when
 * that is to be decided by cost and is not decided yet. */
bool ladder_decide_drain(const struct care *c, uint32_t slot, struct decision *out);
/* The job keeps the node until it ends. */
bool ladder_stays(const struct care *c, uint32_t slot);
/* How the node is drained: as decided by cost, else as its class says. */
uint8_t ladder_drain(const struct care *c, uint32_t slot);

/* Past its deadline: order.escalated. */
bool ladder_decide_stuck(const struct care *c, uint32_t slot, struct decision *out);

/* Stuck: is another step better than to go on waiting?  step.chosen with the waiting as one of its
 * alternatives, then order.withdrawn; ladder_decide() carries the step out.  Once after each
 * escalation, of a node's work order that is no symptom's. */
bool ladder_decide_swap(const struct care *c, uint32_t slot, struct decision *out);

/* Something worse has come: the order that nobody has taken yet is not needed. */
bool ladder_decide_withdraw(const struct care *c, uint32_t slot, struct decision *out);

/* ---- folds ---------------------------------------------------------------------------------- */

void ladder_finding(struct care *c, uint32_t row, const struct event *ev); /* it has this row */
void ladder_incident_opened(struct care *c, uint32_t slot);
void ladder_incident_joined(struct care *c, uint32_t slot, uint32_t row); /* row: MW_NONE */
/* true: its last step is counted among those that held. */
bool ladder_incident_closed(struct care *c, uint32_t slot);
/* A person adopted its node: what was open is no longer ours. */
void ladder_adopted(struct care *c, uint32_t slot);
/* Its node goes down: true when a machine or a crew is at work there, whose order stays open. */
bool ladder_node_down(struct care *c, uint32_t slot, uint32_t from);
/* Done, but its finding is still there when it should be over. */
void ladder_not_cured(struct care *c, uint32_t slot);
/* The job that kept the node has ended: when it leaves is open again. */
void ladder_let_go(struct care *c, uint32_t slot);

void ladder_chosen(struct care *c, const struct event *ev);
void ladder_opened(struct care *c, const struct event *ev);
void ladder_ended(struct care *c, const struct event *ev);
void ladder_escalated(struct care *c, const struct event *ev);
/* Clears the incident's open order; its part goes back into the store.  Of one that was swapped the
 * step counts as tried, and says nothing about the odds. */
void ladder_withdrawn(struct care *c, const struct event *ev);

/* The guard lowered a machine's step to advice. */
void ladder_advised(struct care *c, const struct event *ev);
/* A person answered that advice: true when it was about a step of ours. */
bool ladder_answered(struct care *c, const struct event *ev);
/* A hall acts from now on: what waited for a person there is asked again.  It only advises: other
 * steps are looked for, for nobody can approve a machine's. */
void ladder_mode(struct care *c, const struct body_command *b);

/* A repair of this class by this step has a verdict; what held did not hold after all. */
void ladder_step_held(struct care *c, uint16_t class, uint8_t step);
void ladder_step_failed(struct care *c, uint16_t class, uint8_t step);
void ladder_step_unheld(struct care *c, uint16_t class, uint8_t step);

/* ---- timers, answers ------------------------------------------------------------------------ */

int64_t ladder_next_due(const struct care *c, uint32_t *ret_slot);
bool ladder_timer(struct care *c, uint32_t slot, int64_t due_ns); /* false: not one of ours */

/* Is this the answer to the incident's open order: a machine's to an action, with what was read
 * back where it was done; a person's to a work order; about a step that there is? */
bool ladder_answer_fits(const struct care *c, const struct event *ev);

/* A machine is at work on it, and nobody may touch it meanwhile. */
static inline bool ladder_acting(const struct care *c, uint32_t slot)
{
    return c->order[slot] && (c->ladder->flags[slot] & LADDER_ACTION);
}

/* Is it done by a machine, under the guard's eye, and not by people? */
static inline bool step_is_machine(uint32_t who)
{
    return who == WHO_AGENT || who == WHO_BMC;
}

/* ---- the policy's ladders ------------------------------------------------------------------- */

/* The policy's steps of a class; where it has none, one: a crew repairs it. */
uint32_t ladder_steps(const struct care *c, uint16_t class, const struct care_ladder **ret);

/* The odds that a step of a class cures, from the prior of its row and what was seen. */
uint32_t ladder_odds_ppm(const struct care *c, uint16_t class, const struct care_ladder *row);

#endif
