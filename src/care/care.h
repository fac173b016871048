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

#define CARE_STEPS_MAX 10u  /* of one class's ladder */
#define CARE_PARTS_MAX 32u
#define CARE_PART_NONE UINT16_MAX

/* Through what a fault of this class may come from elsewhere: bits of care_class.shared. */
enum { CAUSE_CONTAINMENT = 1 << 0, CAUSE_POWER = 1 << 1, CAUSE_COOLING = 1 << 2,
       CAUSE_NETWORK = 1 << 3, CAUSE_ANY = 0x0f };

/* One step of a class's ladder, lightest first. */
struct care_ladder {
    uint8_t step;          /* enum care_step */
    uint8_t who;           /* enum step_who */
    uint16_t part;         /* row of parts that it uses up; CARE_PART_NONE */
    uint32_t odds_ppm;     /* before anything was seen: that it cures for good … */
    uint32_t weight;       /* … as strong as so many repairs seen */
    int64_t duration_ms;   /* from asked to done, on average; a part's lead time apart */
    int64_t deadline_ms;   /* past this it is stuck; 0 = never */
    int64_t lease_ms;      /* of a machine: not begun later than this */
    int64_t cost_uusd;     /* without part and crew */
    int64_t crew_ms;       /* hands on */
};
struct care_part {
    char name[24];
    int64_t cost_uusd;
    int64_t lead_ms;       /* from ordered to in the store */
    uint32_t stock;        /* at the start; UINT32_MAX = without end */
    uint32_t least;        /* below this more are ordered */
    uint32_t batch;        /* how many at once */
};

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
    uint8_t shared;         /* CAUSE_* through which it may come from elsewhere; 0 = its own only */
    uint32_t slow_ppm;      /* speed that its job loses, where the finding does not say */
    uint32_t hazard_per_1e9_hours; /* defers, slows: that it turns into a fault that kills */
    struct care_ladder ladder[CARE_STEPS_MAX];
    uint32_t steps;         /* 0 = one step: a crew repairs it */
};

struct care_policy {
    struct care_class class[BOARD_CLASSES_MAX];
    uint32_t classes;
    bool gate;              /* switch: off = a repaired node is believed (for comparison) */
    int64_t settle_ms;      /* repaired, but a finding is still open: repair again after this */
    bool engine;            /* another engine owns allocation: it is told what is out of service */

    /* one cause (care_cause.h) */
    bool correlate;
    int64_t cause_window_ms;  /* findings this close in time may have one cause; a node's first work
                                 order waits as long */
    uint32_t cause_least;     /* so many symptoms at least … */
    uint32_t cause_cover_ppm; /* … and this share of all there could be */

    /* the ladder (care_ladder.h) */
    bool least_cost;          /* the step of least expected cost; off = the lightest untried */
    bool evict;               /* when a node leaves service is decided by cost; off = by class */
    int64_t uusd_per_gpu_hour;
    int64_t uusd_per_crew_hour;
    int64_t refault_ms;       /* a node that fails again within this: the repair did not hold */
    uint32_t job_nodes;       /* nodes of the job that a refault is expected to hit */
    bool escalate;            /* stuck work orders go first, and somebody is told … */
    bool swap;                /* … and another step is taken where that costs less than waiting on:
                                 only with least_cost */

    /* the node's history (care_lemon.h) */
    bool growth;              /* probation doubles with every repair that did not hold … */
    uint32_t growth_max;      /* … this often at most */
    bool lemon;
    uint32_t lemon_at[LEMON_SIGNALS]; /* so many in 28 days, and a signal speaks; 0 = never */
    uint32_t lemon_signals;   /* so many must speak */
    bool retire;              /* a node whose expected cost is above its worth leaves for good */
    int64_t node_worth_uusd;  /* what a node earns over the rest of its life */

    struct care_part part[CARE_PARTS_MAX];
    uint32_t parts;
};
/* One class "unknown" that kills; gate 30 min, probation 1 h; causes, costs and history are looked
 * at with the defaults of docs/scenario.md. */
struct care_policy care_policy_default(void);

struct care;
MW_MUST_USE int care_create(struct board *b, const struct care_policy *p, struct care **ret);
void care_destroy(struct care *c);
struct plane care_plane(struct care *c);

/* Is this finding of a source open?  For adapters, which are level-triggered. */
bool care_finding_is_open(const struct care *c, uint32_t source, uint64_t finding);

/* All open findings, row by row: source << 40 | number, 0 for a free row.  False past the end. */
bool care_finding_row(const struct care *c, uint32_t row, uint64_t *ret_key);

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

/* What is known of a node's history (care_lemon.h says how it is counted). */
struct care_history {
    uint32_t value[LEMON_SIGNALS]; /* the seven signals, over the last 21 to 28 days */
    uint16_t past;          /* bits: these have reached the policy's lemon_at */
    uint8_t hazard;         /* board's node_hazard: 16 = twice as likely to fail as another */
    bool lemon;             /* judged to be one */
    uint32_t refaults;      /* repairs that did not hold since one did */
    uint32_t kills, out_hours; /* of the same days: jobs that it stopped, hours out of service */
    int64_t hold_until_ms;  /* its last repair has held when nothing happens until then; 0 */
    int64_t yearly_uusd;    /* modelled: what going on like this would cost in a year */
};
void care_history(const struct care *c, uint32_t node, struct care_history *ret);

/* ---- what people ask about repairs: orders, parts, odds (care_orders.c) -------------------- */

/* A work order or a machine's action without a result.  Times are ms UTC. */
struct care_order {
    uint64_t seq;        /* of its order.opened or action.started */
    uint64_t incident;
    uint64_t component;
    uint64_t escalated;  /* sequence of its last order.escalated; 0 = never */
    int64_t opened_ms;
    int64_t deadline_ms; /* past this it is stuck; 0 = never */
    int64_t next_ms;     /* when it is escalated next; 0 = not */
    uint32_t slot, node; /* node: MW_NONE for a part that is no node's */
    uint16_t class;
    uint16_t part;       /* row of the policy's parts, CARE_PART_NONE */
    uint8_t step;        /* enum care_step */
    uint8_t who;         /* enum step_who */
    uint8_t level;       /* how often it was escalated */
    bool taken;          /* somebody has started on it; of an action: always */
    bool action;         /* a machine's */
};
/* The open order of an incident row; false when it has none. */
bool care_order_of(const struct care *c, uint32_t slot, struct care_order *ret);
/* Up to max open orders in the order of incident rows; how many were written. */
uint32_t care_orders(const struct care *c, struct care_order *ret, uint32_t max);

/* What was seen of a step of a class: repairs with a verdict, how many of them held, and the odds
 * with what the policy says beforehand.  ppm 0 when the class's ladder does not have the step. */
struct care_odds {
    uint32_t tried, held, ppm;
};
struct care_odds care_odds_of(const struct care *c, uint16_t class, uint8_t step);

/* Parts in the store; below 0 = owed to open orders; INT64_MAX = without end. */
int64_t care_stock(const struct care *c, uint16_t part);
/* Parts on their way, and when the first of them is expected (ms UTC, 0 = none). */
uint32_t care_stock_coming(const struct care *c, uint16_t part, int64_t *ret_due_ms);

/* For reports. */
uint32_t care_open_incidents(const struct care *c);
uint32_t care_root_incidents(const struct care *c); /* of these: that are no other's symptoms */
uint32_t care_nodes_in(const struct care *c, uint32_t health); /* nodes that are in this health */

#endif
