/*
 * The simulated world: nodes, parts, jobs, crews and a person, as they truly
 * are.  It takes actions, as agents and crews would, and tells facts; the
 * controller sees nothing else of it.
 *
 * What happens depends on the scenario, the seed and the actions taken, and on
 * nothing else: every draw is keyed (seed, component, process, nth), so that
 * the same node breaks at the same time whatever the controller does before.
 *
 * The world never calls the controller: facts go to the emit function, which
 * must not call back.  One thread.
 *
 * How it is simplified, on purpose:
 * - A fault of a part that feeds several nodes (switch, PDU, CDU) is one finding
 *   on the part and one on each node that stops with it, both feeds of a rack
 *   honoured; nodes that only lose a rail are slowed by slow_share.  Repairing
 *   the part, or any of those nodes, repairs the part.
 * - All nodes of a gang are ready at once when it is placed.
 * - A hung attempt that nobody stops ends by itself after WORLD_HUNG_NS_MAX, the
 *   time-out of a collective.
 * - Checkpoints go to storage that never fails.
 * - What a step does not cure is out of sight after it: the gate may see it, else
 *   it strikes again later.
 * - A part that an order needs is taken when the order is opened, and is used up
 *   even when the crew finds nothing wrong; only a withdrawn order gives it back.
 */
#ifndef MW_SIM_WORLD_H
#define MW_SIM_WORLD_H

#include "core/event.h"
#include "sim/fault_trace.h"
#include "sim/marks.h"
#include "sim/scenario.h"
#include "sim/workload.h"

#define WORLD_HUNG_NS_MAX (30 * MW_NS_PER_MIN)

/* A fact leaves its source at this moment.  kind, source, observed_ns, cause, actor, tenant, body
 * are filled.  text, the tail, is NULL or lives as long as the world. */
typedef void world_emit_fn(void *ctx, const struct event *fact, const char *text);

/* What people do of their own accord; all 0 = nothing.  What is done is undone as much later. */
struct world_doings {
    int64_t hold_every_ns;   /* a person holds a node this often, and releases it; 0 = never */
    int64_t drain_every_ns;  /* drains a node, and releases it */
    int64_t mode_every_ns;   /* lowers the mode of a hall or of all, and sets it to act */
    uint32_t reject_percent; /* of advice; the rest is approved */
    uint32_t cancel_percent; /* of jobs, by their tenants */
    int64_t window_every_ns; /* plans maintenance of some nodes, and ends it early */
    uint32_t late_percent;   /* of repairs: the technician says so hours later */
    uint32_t twice_percent;  /* and says it twice */
    uint32_t other_percent;  /* did another step than he was asked for */
    uint32_t tardy_percent;  /* of machines' actions: they wait, some past their lease */
};

struct world_config {
    const struct scenario *scenario; /* borrowed, as is the rest */
    const struct fleet *fleet;
    const struct fault_trace *trace; /* may be NULL */
    const char *job_trace;           /* may be NULL */
    size_t job_trace_size;
    uint64_t seed;
    int64_t end_ns;        /* the horizon, UTC */
    int64_t quiet_from_ns; /* no new fault and no new job from here on; end_ns = no quiet time */
    struct world_doings doings;
    uint32_t jobs_max;     /* rows of jobs that the controller may use */
    uint32_t incidents_max;
    world_emit_fn *emit;
    void *ctx;
    struct marks *marks;
};

/* Ground truth, counted. */
struct world_stats {
    uint64_t faults;       /* that happened to any component; a shared part counts once */
    uint64_t node_faults;  /* of them, on a node or a part of it */
    uint64_t bursts;
    uint64_t kills;        /* attempts that a fault stopped */
    uint64_t attempts, jobs;
    int64_t allocated_ms;  /* time that attempts had nodes, each attempt counted once */
    uint64_t entries;      /* of the agenda that were worked off */
    uint32_t faults_open;
    uint64_t actions_again; /* actions seen before and ignored */
    uint64_t alarms;        /* findings with nothing behind them */
    uint64_t uncured, relapses; /* steps that hid a fault without curing it; that struck again */
    uint64_t gates_missed;  /* that passed a node with such a fault */
    uint64_t machine_acts, machine_refused, machine_unknown, machine_killed_jobs;
    uint64_t orders_escalated, orders_withdrawn;
    uint64_t orders_wrong;  /* a crew found nothing wrong with what it was sent to */
    uint64_t parts_used, nodes_swapped;
    uint64_t drains_false;  /* of nodes with nothing wrong, by automation … */
    uint64_t stops_false;   /* … and attempts stopped for them before their next checkpoint */
    uint64_t lemons_true, lemons_false; /* judged a lemon, and is one in truth, or is none */
    uint64_t lemons_uncured; /* of the latter, with a fault that treatment had not cured */
};

struct world;

/* MW_EINVAL when the scenario does not fit the fleet, MW_ENOMEM, and what workload_create says. */
MW_MUST_USE int world_create(const struct world_config *c, struct world **ret,
                             struct mw_error *err);
void world_destroy(struct world *w);

/* The time of the next happening; MW_NEVER when nothing happens before the horizon. */
int64_t world_next_ns(const struct world *w);

/* Lets the next thing happen. */
void world_step(struct world *w);

/* Is the node, or a part of it, one that truly fails more often? */
bool world_is_lemon(const struct world *w, uint32_t node);

/* A committed action or notice.  One seen before is ignored. */
void world_act(struct world *w, int64_t now_ns, const struct event *action, const void *tail);

/* A committed event: the person at the console reads advice; what was decided on false alarms is
 * counted.  What people from outside the simulation did (see run_submit()) is done in the world:
 * the step that they report, in place of the crew's; the gate that they answer runs no longer; a
 * hall whose mode they lower has its advice left to them, until they set it to act. */
void world_observe(struct world *w, int64_t now_ns, const struct event *ev);

/* At the horizon: every live attempt says how far it is. */
void world_finish(struct world *w, int64_t now_ns);

struct world_stats world_stats(const struct world *w, int64_t now_ns);

/* Out of memory on the way: the run is worth nothing. */
bool world_failed(const struct world *w);

/* What the controller asked for and cannot be (two jobs on one node …); NULL = nothing.  Such an
 * action is not carried out. */
const char *world_trouble(const struct world *w);

#endif
