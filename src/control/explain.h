/*
 * One incident from the record: what was seen, what could explain it, each step
 * with the alternatives it was chosen from (exactly as they were recorded), when
 * the job let go of the node, what was done and what became of it, how long that
 * took and what it cost.  Works for incidents that are open and long closed.
 *
 * One walk over the events from the incident's first finding on.  Reads through
 * the journal port; writes nothing.
 */
#ifndef MW_CONTROL_EXPLAIN_H
#define MW_CONTROL_EXPLAIN_H

#include "control/words.h"

#define EXPLAIN_LINES_MAX 10000u    /* later ones are counted, not kept; as of all lists */
#define EXPLAIN_SYMPTOMS_MAX 65536u /* a breaker over half a site */
#define EXPLAIN_STEPS_MAX 256u
#define EXPLAIN_FINDINGS_MAX 1024u

struct explain_line {
    uint64_t seq;
    int64_t time_ns;
    uint16_t kind;
    char *text; /* owned */
};
struct explain_symptom {
    uint64_t incident;
    uint32_t node; /* MW_NONE */
    uint16_t class;
    bool freed;    /* it stands for itself again */
};
struct explain_step {
    uint64_t seq;
    int64_t time_ns;
    struct body_step body;
    struct step_sum *sum; /* owned: the alternatives; body.chosen is a row of them */
    uint32_t sums;
    uint64_t done_seq;    /* the order or action that came of it; 0 = none yet */
    uint64_t ended_seq;   /* order.ended, action.ended, order.withdrawn; 0 = not yet */
    uint8_t result;       /* enum result; 0 = not yet, or withdrawn */
    bool withdrawn;
};

/* Where the incident's time went, ns, by the health of its node from the opening on. */
struct explain_times {
    int64_t health_ns[HEALTH_COUNT];
    int64_t to_order_ns, to_taken_ns; /* from the opening to the first work order, its crew; -1 */
    int64_t total_ns;
};

struct explain {
    uint64_t incident, found_seq, closed_seq;
    int64_t began_ns, found_ns, opened_ns, closed_ns, now_ns; /* now: the record's last event */
    uint64_t component;
    uint32_t node;               /* MW_NONE: a part that is no node's */
    uint16_t class;
    uint8_t effect, health;      /* health of the node at the record's end or the closing */
    uint64_t parent;             /* it is a symptom of this one now; 0 */
    uint64_t parent_component;
    int64_t lost_gpu_ms;         /* as booked at its closing; -1 while it is open: ask the state */
    uint8_t let_go;              /* enum drain_how: when its job let go; 0 = it did not */
    uint64_t let_go_seq;         /* drain.ordered, node.moved to down; 0 */
    bool had_job;                /* a job had to stop, or ended, for it */
    uint32_t visits, refaults;   /* repairs; gates failed and findings that came back */
    uint32_t level;              /* how often a work order of it was escalated */
    struct explain_line *finding; /* owned: what was seen, in order, each as a sentence */
    uint32_t findings;
    struct cause_rank *cause;    /* owned: what could explain it, best first */
    uint32_t causes;
    struct explain_symptom *symptom; /* owned */
    uint32_t symptoms;           /* freed ones with them */
    struct explain_step *step;   /* owned */
    uint32_t steps;
    struct explain_line *line;   /* owned: what happened, without findings and steps */
    uint32_t lines;
    uint64_t left_out;
    struct explain_times times;
};

/* MW_EINVAL: the event is no incident's beginning (the text says which incident it is about);
 * MW_ENOTFOUND: the record has no such event; MW_ECORRUPT etc. from reading; MW_ENOMEM. */
MW_MUST_USE int explain_incident(struct journal *j, uint64_t incident, const struct words *w,
                                 struct explain *ret, struct mw_error *err);
void explain_fini(struct explain *x); /* zeroed is fine */

/* The open incident of a node, else its last: the sequence of its opening.  MW_ENOTFOUND when it
 * never had one. */
MW_MUST_USE int explain_find(struct journal *j, const struct words *w, uint32_t node,
                             uint64_t *ret, struct mw_error *err);

/* Symptoms that are not freed. */
uint32_t explain_symptoms_now(const struct explain *x);
/* Why the alternative was not to be had: "tried, did not help"; "" when it was. */
const char *explain_bar(uint32_t bar);
/* "now", "at the next checkpoint", "never". */
const char *explain_drain(uint32_t drain);

#endif
