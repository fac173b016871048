/*
 * The event: the only thing that is ever recorded, and the catalogue of all
 * kinds.  An event is 128 bytes and a typed tail of at most 64 KiB.  A *fact*
 * comes from a world; a *decision* is made by a plane (or the guard, or the
 * core).  EVENT_KINDS below is the one table: names, bodies, which planes take
 * a kind, and the words of the documentation (docs/record.md, `mw docs events`).
 *
 * On disk and in memory the layout is the same: little-endian, naturally
 * aligned, no padding that is not zero.
 */
#ifndef MW_CORE_EVENT_H
#define MW_CORE_EVENT_H

#include "base/base.h"
#include "base/hash.h"
#include "core/event_tail.h"

#define EVENT_VERSION 1

enum event_class { EVENT_FACT, EVENT_DECISION };

/* Who takes a kind: bits in the order in which planes apply.  The board keeps the
 * identities that others share, so it is first; work frees what ended, so it is last. */
enum {
    TO_BOARD = 1 << 0,
    TO_GUARD = 1 << 1,
    TO_CARE = 1 << 2,
    TO_MONEY = 1 << 3,
    TO_WORK = 1 << 4,
    TO_ALL = TO_BOARD | TO_GUARD | TO_CARE | TO_MONEY | TO_WORK,
};
enum { PLANE_BOARD, PLANE_GUARD, PLANE_CARE, PLANE_MONEY, PLANE_WORK, PLANE_COUNT };

/* Flags of a kind. */
enum {
    EVENT_ACTION = 1 << 0, /* the world must do something; pending until a result */
    EVENT_TAKES = 1 << 1,  /* automation takes a working node: the guard charges it */
    EVENT_ENGINE = 1 << 2, /* asks the engine that owns allocation: the guard looks at the mode */
    EVENT_NOTICE = 1 << 3, /* the world is told, and nobody waits for a result */
    EVENT_MODE = 1 << 4,   /* only where the mode of the hall is act, or a person approved */
};

/*
 * X(enum, value, "name", class, body, planes, tail, flags, "what it says")
 * Values are on disk for ever: never reuse one.
 */
#define EVENT_KINDS(X)                                                                            \
    X(EV_EPOCH, 1, "epoch", EVENT_FACT, epoch, TO_ALL, TAIL_TEXT, 0,                              \
      "From here on these rules and this configuration hold; the tail names the program version") \
    X(EV_NODES_ADOPTED, 2, "nodes.adopted", EVENT_FACT, adopt,                                    \
      TO_ALL, TAIL_NONE, 0,                                                                       \
      "A person takes a range of nodes into the site in a stated health, without a gate")         \
    X(EV_FINDING_OPENED, 10, "finding.opened", EVENT_FACT, finding, TO_CARE, TAIL_NONE, 0,        \
      "A detector says that something is wrong with a component")                                 \
    X(EV_FINDING_CLOSED, 11, "finding.closed", EVENT_FACT, finding, TO_CARE, TAIL_NONE, 0,        \
      "The detector no longer sees what it reported")                                             \
    X(EV_ORDER_TAKEN, 12, "order.taken", EVENT_FACT, order, TO_CARE, TAIL_NONE, 0,                \
      "A crew has started on a work order")                                                       \
    X(EV_ORDER_ENDED, 13, "order.ended", EVENT_FACT, order, TO_CARE, TAIL_TEXT, 0,                \
      "A work order is over: what was done; the tail says what was found, and new serials")       \
    X(EV_GATE_ENDED, 14, "gate.ended", EVENT_FACT, gate, TO_CARE, TAIL_NONE, 0,                   \
      "A validation gate has a result")                                                           \
    X(EV_NODE_REPORTED, 15, "node.reported", EVENT_FACT, report,                                  \
      TO_GUARD | TO_MONEY | TO_WORK, TAIL_TEXT, 0,                                                \
      "The engine that owns allocation says whether a node takes jobs, and who decided it")       \
    X(EV_ENGINE_ANSWERED, 16, "engine.answered", EVENT_FACT, engine, TO_CARE | TO_WORK,           \
      TAIL_TEXT, 0, "What became of an order to the engine, as read back from it")                \
    X(EV_NODE_WATCHED, 17, "node.watched", EVENT_FACT, watch, TO_BOARD, TAIL_NONE, 0,             \
      "A node has an agent from now on, or no longer: whether its silence means something")       \
    X(EV_ACTION_ENDED, 18, "action.ended", EVENT_FACT, order, TO_CARE, TAIL_TEXT, 0,              \
      "What became of a machine's action, as read back; the tail says what was read")             \
    X(EV_PARTS_ARRIVED, 19, "parts.arrived", EVENT_FACT, parts, TO_CARE, TAIL_NONE, 0,            \
      "Parts that were ordered are in the store")                                                 \
    X(EV_JOB_SUBMITTED, 20, "job.submitted", EVENT_FACT, job, TO_BOARD | TO_MONEY | TO_WORK,      \
      TAIL_TEXT, 0, "A tenant asks for a job; the tail is its name, where it has one")            \
    X(EV_ATTEMPT_RUNNING, 21, "attempt.running", EVENT_FACT, running, TO_MONEY | TO_WORK,         \
      TAIL_NONE, 0, "All nodes were ready, the checkpoint is loaded, work goes on")               \
    X(EV_ATTEMPT_PROGRESS, 22, "attempt.progress", EVENT_FACT, progress, TO_MONEY | TO_WORK,      \
      TAIL_NONE, 0, "How far a running attempt has come")                                         \
    X(EV_ATTEMPT_ENDED, 23, "attempt.ended", EVENT_FACT, progress,                                \
      TO_CARE | TO_MONEY | TO_WORK, TAIL_NONE, 0, "An attempt is over: done, stopped or failed")  \
    X(EV_JOB_CANCELLED, 24, "job.cancelled", EVENT_FACT, command, TO_WORK, TAIL_NONE, 0,          \
      "The tenant no longer wants a job")                                                         \
    X(EV_ATTEMPT_ALLOCATED, 25, "attempt.allocated", EVENT_FACT, place, TO_MONEY | TO_WORK,       \
      TAIL_NODES, 0, "The engine that owns allocation has given these nodes to a gang")           \
    X(EV_TIMER_FIRED, 30, "timer.fired", EVENT_FACT, timer, TO_CARE | TO_MONEY | TO_WORK,         \
      TAIL_NONE, 0, "A timer of a plane is due")                                                  \
    X(EV_COMMAND, 31, "command", EVENT_FACT, command, TO_GUARD | TO_CARE | TO_MONEY | TO_WORK,    \
      TAIL_TEXT, 0, "A person commands; the tail is the reason")                                  \
    X(EV_INCIDENT_OPENED, 40, "incident.opened", EVENT_DECISION, incident,                        \
      TO_BOARD | TO_CARE | TO_MONEY, TAIL_CAUSES, 0,                                              \
      "Findings with one cause begin; of a common cause the tail ranks what could explain them")  \
    X(EV_INCIDENT_JOINED, 41, "incident.joined", EVENT_DECISION, incident,                        \
      TO_BOARD | TO_CARE, TAIL_NONE, 0, "One more finding belongs to an open incident")           \
    X(EV_INCIDENT_CLOSED, 42, "incident.closed", EVENT_DECISION, incident,                        \
      TO_BOARD | TO_CARE, TAIL_NONE, 0,                                                           \
      "Everything the incident was about works again, with what it cost so far")                  \
    X(EV_NODE_MOVED, 43, "node.moved", EVENT_DECISION, node,                                       \
      TO_GUARD | TO_CARE | TO_MONEY | TO_WORK, TAIL_NONE, 0, "A node's health changes")          \
    X(EV_DRAIN_ORDERED, 44, "drain.ordered", EVENT_DECISION, drain,                               \
      TO_GUARD | TO_CARE | TO_MONEY | TO_WORK, TAIL_NONE, EVENT_TAKES,                            \
      "A working node becomes suspect and is taken from service, now or at the next checkpoint")  \
    X(EV_ORDER_OPENED, 45, "order.opened", EVENT_DECISION, order, TO_CARE, TAIL_NONE,             \
      EVENT_ACTION, "A person or crew is asked to repair a component")                            \
    X(EV_GATE_STARTED, 46, "gate.started", EVENT_DECISION, gate, TO_CARE, TAIL_NONE,              \
      EVENT_ACTION, "The check keyed to what was wrong is run before a node returns")             \
    X(EV_ENGINE_ORDER, 47, "engine.order", EVENT_DECISION, engine, TO_GUARD | TO_CARE | TO_WORK,   \
      TAIL_NODES, EVENT_ACTION | EVENT_ENGINE,                                                    \
      "The engine that owns allocation is asked for something; the tail names nodes to avoid")    \
    X(EV_STEP_CHOSEN, 48, "step.chosen", EVENT_DECISION, step, TO_CARE, TAIL_SUMS, 0,             \
      "What is done next about an incident: the least expected cost of the tail's alternatives")  \
    X(EV_ACTION_STARTED, 49, "action.started", EVENT_DECISION, order, TO_GUARD | TO_CARE,         \
      TAIL_NONE, EVENT_ACTION | EVENT_MODE,                                                       \
      "A machine is asked to act on a component, once, under a lease")   \
    X(EV_ATTEMPT_PLACED, 50, "attempt.placed", EVENT_DECISION, place, TO_MONEY | TO_WORK,         \
      TAIL_NODES, EVENT_ACTION, "A gang starts on these nodes")                                   \
    X(EV_ATTEMPT_STOP, 51, "attempt.stop", EVENT_DECISION, stop, TO_WORK, TAIL_NONE,              \
      EVENT_ACTION, "An attempt has to stop, now or after its next checkpoint")                   \
    X(EV_ORDER_ESCALATED, 52, "order.escalated", EVENT_DECISION, order, TO_CARE, TAIL_NONE,       \
      EVENT_NOTICE, "A work order is past its deadline: it goes first, and somebody is told")     \
    X(EV_ORDER_WITHDRAWN, 53, "order.withdrawn", EVENT_DECISION, order, TO_CARE, TAIL_NONE,       \
      EVENT_NOTICE, "A work order is no longer needed; a crew that has it is told to stop")       \
    X(EV_PARTS_ORDERED, 54, "parts.ordered", EVENT_DECISION, parts, TO_CARE, TAIL_NONE,           \
      EVENT_ACTION, "The store runs low: parts are ordered")                                      \
    X(EV_NODE_JUDGED, 55, "node.judged", EVENT_DECISION, judge, TO_CARE | TO_WORK, TAIL_NONE, 0,  \
      "A node fails too often to be one of the others, by these signals; or no longer")          \
    X(EV_SPARES_SIZED, 56, "spares.sized", EVENT_DECISION, spares, TO_MONEY | TO_WORK,            \
      TAIL_NONE, 0,                                                                               \
      "So many nodes are kept for restarts, from the failures expected while one is repaired")    \
    X(EV_INCIDENT_SUPPRESSED, 57, "incident.suppressed", EVENT_DECISION, cause,                   \
      TO_CARE | TO_MONEY, TAIL_NONE, 0, "An incident is a symptom of another: it waits for that") \
    X(EV_INCIDENT_FREED, 58, "incident.freed", EVENT_DECISION, cause, TO_CARE | TO_MONEY,         \
      TAIL_NONE, 0, "An incident is no symptom of the other after all, or has outlived it")       \
    X(EV_ADVICE, 60, "advice", EVENT_DECISION, advice, TO_CARE | TO_WORK, TAIL_NONE,              \
      0, "The guard lowered a decision to advice; a person may approve or reject it")             \
    X(EV_GUARD_TRIPPED, 61, "guard.tripped", EVENT_DECISION, advice, TO_GUARD, TAIL_NONE, 0,      \
      "The safety budget is used up: everything is advice until a person resets it")              \
    X(EV_CASCADE_STOPPED, 62, "cascade.stopped", EVENT_DECISION, cascade, TO_ALL, TAIL_NONE, 0,   \
      "A cascade passed its bound of rounds: the guard trips, open incidents are looked at again") \
    X(EV_CONTRADICTION, 63, "contradiction", EVENT_DECISION, contradiction, TO_BOARD, TAIL_NONE,  \
      0, "An event did not fit the state; the world was believed and the misfit is recorded")

enum event_kind {
    EV_NONE = 0,
#define X(e, value, name, class, body, planes, tail, flags, doc) e = value,
    EVENT_KINDS(X)
#undef X
};
#define EVENT_KIND_MAX 64 /* kinds are < this */

/* ---- enumerations used in bodies ---------------------------------------------------------- */

/* What a class of fault does to a job that stands on the component. */
enum fault_effect {
    EFFECT_NONE, /* of a class: nothing; in a finding: it does not say, the class does */
    EFFECT_KILLS,
    EFFECT_SLOWS,
    EFFECT_DEFERS,
    EFFECT_HARMLESS, /* in a finding: nothing, whatever the class says */
};
enum drain_how { DRAIN_NOW = 1, DRAIN_AT_CHECKPOINT = 2 };
enum result { RESULT_OK = 1, RESULT_FAILED = 2, RESULT_UNKNOWN = 3 };
enum attempt_how {
    HOW_DONE = 1,
    HOW_STOPPED = 2,
    HOW_FAILED = 3,
    HOW_CANCELLED = 4,
    HOW_UNKNOWN = 5, /* it is over, and the engine has forgotten how */
};

/* Does a node take jobs, as far as the engine that owns allocation says? */
enum node_service {
    SERVICE_IN,
    SERVICE_DRAIN, /* what runs may go on, nothing new starts */
    SERVICE_DOWN,  /* nothing runs there */
};
/* Who decided that. */
enum service_owner {
    OWNER_NOBODY, /* in service */
    OWNER_OURS,   /* our own order, by its reason's prefix */
    OWNER_OTHERS, /* a person or another program: never touched */
    OWNER_ENGINE, /* the engine itself: the node does not answer it */
};

/* What the engine can be asked for. */
enum engine_verb {
    ENGINE_DOWN = 1, /* node: out of service now; jobs on it end and go back to the queue */
    ENGINE_DRAIN,    /* node: out of service when what runs has ended */
    ENGINE_RESUME,   /* node: back in service; lifts only what we set */
    ENGINE_REQUEUE,  /* job: back to the queue and start again at once, not on the tail's nodes */
    /* only for a person: */
    ENGINE_HOLD,      /* job: does not start until it is released */
    ENGINE_RELEASE,   /* job */
    ENGINE_REQUIRE,   /* job: starts on the tail's nodes, or not */
    ENGINE_RESERVE,   /* the tail's nodes: nothing new starts there, from now for length_ms */
    ENGINE_UNRESERVE, /* ends the reservation that was made for the node */
    ENGINE_VERBS
};

/* Node health.  HEALTH_MOVES in board.h is the table of allowed moves. */
enum node_health {
    HEALTH_RACKED,
    HEALTH_PROVISIONING,
    HEALTH_VALIDATING,
    HEALTH_PROBATION,
    HEALTH_READY,
    HEALTH_SUSPECT,
    HEALTH_DOWN,
    HEALTH_REPAIRING,
    HEALTH_SANITISING,
    HEALTH_RETIRED,
    HEALTH_COUNT
};

/* What can be done about a fault, from the lightest to the last. */
enum care_step {
    STEP_REPAIR,      /* a crew does what it takes: of a class without a ladder */
    STEP_RESTART_JOB, /* nothing is done to the node; the job starts again */
    STEP_RESET_GPU,
    STEP_RESTART_SERVICE,
    STEP_REBOOT,
    STEP_POWER_CYCLE,
    STEP_FIRMWARE,
    STEP_RESEAT,
    STEP_REPLACE,     /* of the part */
    STEP_RMA,         /* the node goes to its vendor and comes back, or another does */
    STEP_RETIRE,      /* out of the fleet for good */
    STEP_COUNT
};
enum step_who { WHO_AGENT, WHO_BMC, WHO_TECHNICIAN, WHO_VENDOR, WHO_COUNT };

/* Why an alternative was not to be had. */
enum step_bar {
    BAR_NONE,
    BAR_TRIED,   /* it did not help in this incident */
    BAR_LIGHT,   /* lighter than what this node needs: a lemon, an earlier repair did not hold, or
                    nobody could read back whether a machine has done as much already */
    BAR_MODE,    /* the rules or a person said no: not on a node that works, no retirement yet */
    BAR_COUNT
};

/* The seven signals of a lemon node (Meta, arXiv 2410.21680 sec. 6), over 28 days. */
enum lemon_signal {
    LEMON_EXCLUDED,     /* jobs or people that asked not to have it: holds */
    LEMON_XIDS,         /* findings on it */
    LEMON_TICKETS,      /* repairs */
    LEMON_OUT,          /* times out of service */
    LEMON_MULTI_FAILS,  /* jobs of several nodes that it stopped */
    LEMON_SINGLE_FAILS, /* jobs of one node that it stopped */
    LEMON_SINGLE_RATE,  /* of its jobs of one node, the permille that it stopped */
    LEMON_SIGNALS
};

enum command_verb {
    CMD_APPROVE = 1,
    CMD_REJECT,
    CMD_HOLD,
    CMD_RELEASE,
    CMD_RESET_GUARD,
    CMD_SET_MODE,
    CMD_DRAIN,
    CMD_ENGINE, /* the engine that owns allocation is to do something: `engine` says what */
    CMD_WINDOW, /* maintenance: `count` nodes from `node` on, from `ref` (ms UTC) for length_ms;
                   length 0 ends the window that the command `ref` began */
};

enum guard_mode { MODE_OBSERVE, MODE_ADVISE, MODE_APPROVE, MODE_ACT };

/* Why the guard lowered a decision. */
enum guard_reason {
    GUARD_PASS,
    GUARD_MODE,        /* the mode of the hall asks for a person */
    GUARD_HALL_RATE,   /* max(1 node, 0.5 %) of a hall in 10 minutes */
    GUARD_FLEET_SHARE, /* 2 % of the fleet at once */
    GUARD_DOMAIN,      /* a second rack of one power or cooling domain */
    GUARD_TRIPPED,     /* tripped before, not reset yet */
    GUARD_REASON_COUNT
};

/* ---- bodies: at most 64 bytes, fields largest first --------------------------------------- */

struct body_epoch {
    uint8_t rules[32];  /* SHA-256 of the policy blob */
    uint8_t config[32]; /* SHA-256 of the site blob */
};
struct body_adopt {
    uint32_t first, count;
    uint8_t health; /* enum node_health */
};
struct body_finding {
    uint64_t component;
    uint64_t finding; /* the source's own number, < 2^40: opened and closed carry the same */
    uint32_t node;    /* the node it is on or serves; MW_NONE = none */
    uint32_t detail;  /* e.g. the Xid code; 0 = nothing to add */
    uint32_t slow_ppm; /* share of a job's speed that it costs, where the detector knows; 0 */
    uint16_t class;   /* row of the policy's fault classes */
    uint8_t effect;   /* enum fault_effect, as the detector sees it */
};
struct body_order { /* of a work order, and of a machine's action */
    uint64_t component;
    uint64_t incident;
    uint64_t finding; /* the finding that asked for it: source << 40 | its number */
    int64_t deadline_ms; /* after this much time it is stuck; 0 = never */
    uint32_t node;    /* MW_NONE for a part that is not a node's */
    uint32_t slot;    /* row of the incident */
    uint32_t visit;   /* 1 = first repair of this incident, 2 = after a failed gate … */
    uint32_t lease_ms; /* action: it is not begun later than this after it was received; 0 */
    uint16_t class;
    uint16_t part;    /* row of the policy's parts that it uses up; UINT16_MAX */
    uint8_t result;   /* enum result in order.ended, action.ended */
    uint8_t step;     /* enum care_step: what is asked for; in order.ended what was done */
    uint8_t who;      /* enum step_who */
    uint8_t level;    /* how often it was escalated */
};
struct body_step {
    uint64_t incident;
    int64_t cost_uusd;   /* expected, of the chosen one, micro-dollars */
    uint32_t node, slot;
    uint32_t visit;      /* the visit that it is for; 0 = it is about the drain only */
    uint32_t odds_ppm;   /* that it cures */
    uint16_t class;
    uint16_t part;       /* UINT16_MAX */
    uint8_t step;        /* enum care_step */
    uint8_t drain;       /* enum drain_how: when its job lets go of the node; 0 = it need not */
    uint8_t chosen;      /* row of the tail */
};
struct body_parts {
    int64_t due_ms;    /* when they are expected, ms UTC */
    int64_t cost_uusd;
    uint64_t order;    /* parts.arrived: sequence of parts.ordered */
    uint32_t count;
    uint16_t part;
};
struct body_judge {
    uint32_t node;
    uint32_t excluded, findings, tickets, out; /* the values of enum lemon_signal, in its order */
    uint32_t multi_fails, single_fails, single_rate;
    uint16_t signals; /* bits: these are past their threshold */
    uint8_t lemon;    /* 1 = it is one from now on, 0 = no longer */
};
struct body_spares {
    int64_t rate_per_1e9_node_hours; /* failures that take a node out */
    int64_t repair_ms;               /* mean time out */
    uint32_t nodes;                  /* of the fleet in service and out */
    uint32_t expected_ppm;           /* nodes out at once on average, times 10^6 */
    uint32_t quantile_ppm;
    uint32_t domain;                 /* nodes added for the largest domain that fails whole */
    uint32_t target;
};
struct body_cause {
    uint64_t incident, parent; /* sequences of their incident.opened */
    uint64_t component;        /* of the parent */
    uint32_t slot, parent_slot;
    uint32_t node;             /* of the incident */
};
struct body_gate {
    uint64_t incident;
    int64_t length_ms; /* how long the check takes at most */
    uint32_t node;
    uint32_t slot;
    uint32_t visit;
    uint16_t class; /* the fault class that the check is keyed to */
    uint8_t result; /* enum result in gate.ended */
};
struct body_report {
    uint32_t node;
    uint8_t service; /* enum node_service */
    uint8_t owner;   /* enum service_owner */
};
struct body_watch {
    uint64_t high, low; /* the IPv6 address, or IPv4 mapped, that answers while it lives; 0 = no */
    uint32_t node;
    uint16_t port;
    uint8_t watched; /* 1 = an agent said hello, 0 = it said goodbye */
};
struct body_engine {
    uint64_t job;      /* of a job's verb; 0 */
    int64_t length_ms; /* of a reservation; 0 */
    uint64_t incident;
    uint64_t order;    /* engine.answered: the sequence of the order */
    uint32_t node;     /* what it is about, or what the job stood on; MW_NONE */
    uint32_t slot;     /* row of the incident, MW_NONE */
    uint32_t job_slot; /* row of the job, MW_NONE */
    uint32_t attempt;  /* the attempt that is to end; 0 */
    uint16_t class;
    uint8_t verb;      /* enum engine_verb */
    uint8_t result;    /* engine.answered: enum result */
};
struct body_job {
    uint64_t job; /* the submitter's number: unique while the job lives */
    int64_t work_ms; /* productive time it needs on all its GPUs */
    int64_t write_ms; /* one checkpoint stops work for this long */
    int64_t restart_ms; /* load and warm up, from all nodes ready to work going on */
    uint32_t gpus;
    uint32_t nodes;
    uint32_t category; /* the workload class it was drawn from, for reports */
    uint8_t priority; /* 0 = lowest … 7 */
    uint8_t flags;    /* JOB_INTERRUPTIBLE */
};
enum { JOB_INTERRUPTIBLE = 1 << 0 /* may run on spares, and is stopped when they are needed */ };
struct body_running {
    uint64_t job;
    int64_t ready_ms; /* when the last node was ready, ms UTC */
    int64_t from_ms;  /* progress that the loaded checkpoint holds */
    uint32_t slot, attempt;
};
struct body_progress {
    uint64_t job;
    int64_t progress_ms;   /* useful work done since the job began; repeated work counts once */
    int64_t saved_ms;      /* progress that the last whole checkpoint holds */
    int64_t checkpoint_ms; /* time this attempt has spent writing checkpoints */
    int64_t stopped_ms;    /* attempt.ended: when work stood still, ms UTC */
    uint32_t slot, attempt;
    uint32_t node; /* the node that failed; MW_NONE */
    uint16_t class; /* the fault class that ended it where the world knows; UINT16_MAX */
    uint8_t how;   /* enum attempt_how */
};
struct body_timer {
    uint64_t id; /* the plane's own number */
    int64_t due_ns;
    uint8_t plane;
};
struct body_command {
    uint64_t ref; /* the advice, job or hold (its command) it is about; release: 0 = all holds */
    int64_t length_ms; /* of a reservation; 0 */
    uint32_t node, hall;
    uint32_t slot;
    uint32_t count; /* of nodes from `node` on, for the engine; 0 */
    uint8_t verb, mode;
    uint8_t engine; /* enum engine_verb; 0 */
};
struct body_incident {
    uint64_t component;
    uint64_t finding;    /* source << 40 | the source's number */
    uint64_t incident;   /* sequence of its incident.opened; 0 in that event itself */
    int64_t opened_ms;
    int64_t lost_gpu_ms; /* incident.closed: what it cost up to here */
    uint32_t node, slot;
    uint32_t findings;
    uint16_t class;       /* the class that the losses are booked to */
    uint16_t gate_class;  /* of the findings' classes the one with the longest gate */
    uint32_t probation_s; /* the longest of the findings' classes */
    uint8_t effect;       /* enum fault_effect: the worst of the findings' */
    uint8_t drain;        /* enum drain_how: the strictest of the findings' classes; 0 = none */
    uint16_t hold_h;      /* incident.closed: hours until its repair has held; 0 = it had none */
};
struct body_node {
    uint64_t incident;
    int64_t until_ns; /* probation: when it ends; else 0 */
    uint32_t node;
    uint32_t slot; /* row of the incident, MW_NONE */
    uint16_t class;
    uint8_t from, to;
};
struct body_drain {
    uint64_t incident;
    uint32_t node, slot;
    uint16_t class;
    uint8_t how; /* enum drain_how */
};
struct body_place {
    uint64_t job;
    int64_t from_ms;     /* progress in the checkpoint to load */
    int64_t interval_ms; /* work between two checkpoints; 0 = never */
    int64_t write_ms, restart_ms;
    uint32_t slot, attempt;
    uint32_t nodes, gpus;
    uint32_t groups; /* placement groups touched */
};
struct body_stop {
    uint64_t job;
    uint64_t incident;
    uint32_t slot, attempt;
    uint32_t node; /* the node it is about; MW_NONE */
    uint32_t incident_slot;
    uint16_t class;
    uint8_t how; /* enum drain_how */
};
struct body_advice {
    uint64_t incident;
    uint32_t node, slot;
    uint32_t hall;
    uint16_t kind; /* the decision that was lowered */
    uint16_t class;
    uint8_t reason; /* enum guard_reason */
    uint8_t how;
    uint8_t verb;   /* of an order to the engine: what would have been asked; 0 */
    uint8_t step;   /* of a machine's action: enum care_step; 0 */
};
struct body_cascade {
    uint32_t rounds;
};
struct body_contradiction {
    uint64_t event;
    uint32_t node;
    uint16_t kind;
    uint8_t plane;
    uint8_t code;
};

union event_body {
    uint8_t bytes[64];
    struct body_epoch epoch;
    struct body_adopt adopt;
    struct body_finding finding;
    struct body_order order;
    struct body_gate gate;
    struct body_report report;
    struct body_watch watch;
    struct body_engine engine;
    struct body_job job;
    struct body_running running;
    struct body_progress progress;
    struct body_timer timer;
    struct body_command command;
    struct body_incident incident;
    struct body_node node;
    struct body_drain drain;
    struct body_place place;
    struct body_stop stop;
    struct body_advice advice;
    struct body_cascade cascade;
    struct body_contradiction contradiction;
    struct body_step step;
    struct body_parts parts;
    struct body_judge judge;
    struct body_spares spares;
    struct body_cause cause;
};

struct event {
    uint64_t seq;        /* 1, 2, 3 … without a gap */
    int64_t time_ns;     /* journal time, never goes back */
    int64_t observed_ns; /* when the source says it happened */
    uint64_t cause;      /* sequence of the event this one answers; 0 = none */
    uint64_t source_seq; /* facts: the source's own count, 1, 2, 3 … ; 0 = not counted */
    uint32_t source;
    uint32_t epoch;      /* writer epoch */
    uint32_t actor;      /* 0 = automation, else a person's number */
    uint32_t tenant;
    uint32_t tail_size;  /* bytes that follow; the tail is padded to 8 in a frame */
    uint16_t kind;
    uint8_t version;
    uint8_t flags;       /* reserved, 0 */
    union event_body body;
};
_Static_assert(sizeof(union event_body) == 64, "a body has 64 bytes");
_Static_assert(sizeof(struct event) == 128, "an event has 128 bytes");

/* The well-known sources.  Agents and detectors of node n use SOURCE_NODE + n. */
enum { SOURCE_NONE = 0, SOURCE_CLOCK = 1, SOURCE_PERSON = 2, SOURCE_TENANT = 3, SOURCE_ENGINE = 4,
       SOURCE_CREW = 5, SOURCE_FABRIC = 6, SOURCE_STORE = 7, SOURCE_NODE = 16 };

struct event_info {
    const char *name; /* NULL = no such kind */
    const char *body;
    const char *doc;
    uint8_t class; /* enum event_class */
    uint8_t planes;
    uint8_t tail;
    uint8_t flags;
};

/* The table row of a kind; a row with name NULL for an unknown one.  Never NULL. */
const struct event_info *event_info(uint32_t kind);

/* Kind by name, EV_NONE when there is none. */
uint32_t event_kind_find(const char *name);

/* Bytes of an event in a frame: 128 and its tail rounded up to 8. */
static inline size_t event_frame_size(const struct event *ev)
{
    return sizeof(*ev) + ((size_t)ev->tail_size + 7u) / 8u * 8u;
}

/* 0, or MW_ECORRUPT when the fixed parts cannot be right (unknown kind, version, tail too long or
 * of a size its type cannot have, reserved bits set). */
MW_MUST_USE int event_check(const struct event *ev);

#endif
