/*
 * One simulated run: a scenario's world around the real controller, from start
 * to horizon, and what came of it.  The result depends on the scenario and the
 * seed alone.
 */
#ifndef MW_SIM_RUN_H
#define MW_SIM_RUN_H

#include "sim/fault_trace.h"
#include "sim/marks.h"
#include "sim/outcome.h"
#include "sim/scenario.h"
#include "sim/world.h"

struct run_result {
    uint64_t seed;
    double horizon_days;
    uint32_t nodes, gpus;
    uint64_t faults;        /* ground truth: faults of any component that happened */
    uint64_t node_faults;   /* of them, on a node or a part of it */
    uint64_t kills;         /* attempts ended by a fault */
    double mttf_hours;      /* allocated time of attempts over kills; 0 = no kill */
    double ettr;            /* GPU-weighted, all jobs */
    double goodput;
    struct account_totals totals;
    struct core_stats core;
    uint64_t jobs_submitted, jobs_done, jobs_failed, jobs_cancelled;
    uint64_t incidents, orders, gates, gates_failed, drains, refaults;
    uint64_t crashes, messages_lost, messages_late, messages_doubled, messages_reordered;
    uint64_t events;
    uint64_t jobs_refused; /* over capacity, or impossible */
    uint64_t large_ended, large_stopped; /* attempts of jobs of TALLY_LARGE_GPUS and more that
                                            ended; of them, that a fault ended */
    uint64_t findings[BOARD_CLASSES_MAX]; /* opened, by row of policy.care.class */
    uint32_t classes;                    /* rows in use */
    uint32_t out_p99, out_p999;          /* nodes out of service at once, quantiles of time */
    uint32_t repairing_p99;              /* nodes under repair at once: crews, if each has one */
    struct world_stats world;        /* the truth … */
    struct outcome_counts outcome;   /* … and what the record says became of it */
    int64_t jobs_last_end_ns;        /* when the last job ended, from the start; 0 = none did */
    struct mw_hash128 state_hash, trace_hash;
    double wall_s;          /* host time: never part of a hash */
};

/* Watches a run (the live view): called every watch_every_ns, and once after the end with
 * now_ns = end_ns unless the run was stopped. May be NULL. */
struct sim;
struct run_view {
    const struct fleet *fleet;
    const struct scenario *scenario;
    const struct control *control;
    int64_t now_ns, start_ns, end_ns;
    bool ended;      /* nothing happens any more */
    struct sim *sim; /* for run_submit() */
};
typedef int run_watch_fn(void *ctx, const struct run_view *v); /* non-zero stops the run */
/* Sees every committed event. May be NULL. */
typedef void run_event_fn(void *ctx, const struct run_view *v, const struct event *ev,
                          const void *tail);

/*
 * A run that is steered: called before simulated time goes from v->now_ns to next_ns, when the next
 * thing happens (at most the end).  It may wait, and call run_submit().  After the end it is called
 * with v->ended and next_ns = MW_NEVER, until it gives something else than RUN_AGAIN.
 */
enum run_pace {
    RUN_GO,    /* go to next_ns; after a submission only what it changed is looked at first */
    RUN_AGAIN, /* call again, with the next_ns of now */
    RUN_STOP,
};
typedef enum run_pace run_pace_fn(void *ctx, const struct run_view *v, int64_t next_ns);

struct run_options {
    const struct scenario *scenario;
    const struct fleet *fleet;           /* shared by runs; borrowed */
    const struct fault_trace *trace;     /* may be NULL; borrowed */
    const char *job_trace;               /* inflated bytes; may be NULL; borrowed */
    size_t job_trace_size;
    uint64_t seed;
    struct journal *journal;             /* NULL = its own in memory */
    int64_t (*clock_ns)(void);           /* for wall_s only; NULL = 0 */
    run_watch_fn *watch;
    int64_t watch_every_ns;              /* simulated time between watches; 0 = every commit */
    run_event_fn *event;
    run_pace_fn *pace;                   /* NULL = as fast as it goes */
    void *ctx;
    bool check;                          /* all invariants after every group (sweep) */
    int64_t quiet_ns;                    /* the end of the horizon without new faults, jobs, lost
                                            messages and crashes; with check all jobs end in it */
    struct world_doings doings;          /* what people do of their own accord */
    uint64_t events_max;                 /* end the run early after so many events; 0 = no bound */
    struct marks *marks;                 /* added to; may be NULL */
};
MW_MUST_USE int run_scenario(const struct run_options *o, struct run_result *ret,
                             struct mw_error *err);

/*
 * From within pace: a fact of a person who watches (EV_COMMAND, or orders and gates that a person
 * answers; source SOURCE_PERSON, an actor of its own, source_seq 0), told at now_ns, which is
 * raised to v->now_ns and lowered to when the next thing happens.  It is committed, and the
 * simulated world acts on it: a drained node's job stops, a repair that is reported is done, and
 * the crew that was on it goes to the next one.  *ret says whether it was taken.  MW_ECONFLICT: the
 * run has ended.  Anything else negative: the run cannot go on, and fails.
 */
MW_MUST_USE int run_submit(const struct run_view *v, int64_t now_ns, const struct event *fact,
                           const void *tail, enum admit *ret, struct mw_error *err);

/* One of several that are committed together: as above, but nothing is committed, and nobody acts,
 * before run_submit_end(), which tells what failed. */
enum admit run_submit_more(const struct run_view *v, int64_t now_ns, const struct event *fact,
                           const void *tail);
MW_MUST_USE int run_submit_end(const struct run_view *v, struct mw_error *err);

#endif
