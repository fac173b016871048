/*
 * Care: findings become incidents; a node is drained, repaired, proved by the
 * gate keyed to what was wrong, watched in probation, and returned.
 *
 *   ready ─kills──────────────► down ─order.taken─► repairing ─order.ended─► validating
 *     └─slows/defers─► suspect ─free─► down            ▲                        │ gate
 *                                                      └────── fails ───────────┤
 *   ready ◄─ timer ─ probation ◄──────────────────────────────── passes ────────┘
 *
 * Where another engine owns allocation (Slurm), it is asked to take a node out of service as its
 * health leaves ready (drain while suspect, else down) and to resume it when it is ready again;
 * the incident is closed when that was answered.  What others took out is theirs.
 */
#ifndef MW_CARE_CARE_H
#define MW_CARE_CARE_H

#include "board/board.h"

/* What to do about one class of fault: a row of the policy.  Class numbers are row numbers. */
struct care_class {
    char name[32];          /* "gpu", "cable" … */
    uint8_t effect;         /* enum fault_effect: what it does to a job; a finding may say */
    uint8_t drain;          /* enum drain_how for slows and defers; 0 = leave the node in service */
    uint32_t count;         /* findings on a component within window_ms that make an incident */
    int64_t window_ms;      /* 0 with count 1: each finding is one */
    int64_t gate_ms;        /* length of the gate keyed to this class; 0 = no gate */
    int64_t probation_ms;   /* watched after a passed gate; 0 = ready at once */
    bool heals;             /* when the finding is over, so is the fault: nobody has to repair it */
};

struct care_policy {
    struct care_class class[BOARD_CLASSES_MAX];
    uint32_t classes;
    bool gate;              /* switch: off = a repaired node is believed (for comparison) */
    int64_t settle_ms;      /* repaired, but a finding is still open: repair again after this */
    bool engine;            /* another engine owns allocation: it is told what is out of service */
};
/* One class "unknown" that kills; gate 30 min, probation 1 h. */
struct care_policy care_policy_default(void);

struct care;
MW_MUST_USE int care_create(struct board *b, const struct care_policy *p, struct care **ret);
void care_destroy(struct care *c);
struct plane care_plane(struct care *c);

/* Is this finding of a source open?  For adapters, which are level-triggered. */
bool care_finding_is_open(const struct care *c, uint32_t source, uint64_t finding);

/* Sequence of the advice about the node's open incident that waits for a person; 0 = none. */
uint64_t care_advice_open(const struct care *c, uint32_t node);

/* Sequence of the gate that the node of an open incident waits for; 0 = none. */
uint64_t care_gate_open(const struct care *c, uint32_t node);

/* How many findings of the node's open incident are open still. */
uint32_t care_findings_open(const struct care *c, uint32_t node);

/* What the engine was last asked to do with a node for its open incident (SERVICE_IN when there is
 * none), and whether that order has no answer yet. */
enum node_service care_node_service(const struct care *c, uint32_t node);
bool care_engine_pending(const struct care *c, uint32_t node);

/* For reports. */
uint32_t care_open_incidents(const struct care *c);
uint32_t care_nodes_in(const struct care *c, uint32_t health); /* nodes that are in this health */

#endif
