/*
 * The inside of the simulated world: its state, and what its parts (faults.c,
 * attempts.c, crew.c, person.c, feeds.c) ask of each other.  Included by those
 * files and their tests only.
 */
#ifndef MW_SIM_WORLD_PARTS_H
#define MW_SIM_WORLD_PARTS_H

#include "base/random.h"
#include "sim/cadence.h"
#include "sim/queue.h"
#include "sim/world.h"

/* What an entry of the agenda is about. */
enum world_kind {
    AT_RENEWAL,  /* sub process, a component row, b nth: a fault begins */
    AT_TRACE,    /* a: the next fault of the trace begins */
    AT_DETECT,   /* a fault row: its detector sees it */
    AT_CLEAR,    /* a fault row: it goes away by itself */
    AT_TAKEN,    /* a order row: a crew has hands on */
    AT_REPAIRED, /* a order row: the crew is done */
    AT_GATE,     /* a node, b count of its gates: a gate is over */
    AT_JOB,      /* a tenant submits the job that was read ahead */
    AT_ATTEMPT,  /* a job row, b generation: it gets where it was going */
    AT_PROGRESS, /* a job row, b start: it reports */
    AT_CANCEL,   /* a job number - 1: its tenant cancels it */
    AT_PERSON,   /* a row of the person's answers */
    AT_DOING,    /* sub enum doing, b nth: a person does something of their own accord */
};

/* Draws of one process are keyed by its number and one of these. */
enum draw_salt {
    SALT_BETWEEN,
    SALT_LEMON,
    SALT_BATCH,
    SALT_DETECT,
    SALT_REPAIR,
    SALT_REPAIR_PICK,
    SALT_CLEARS,
    SALT_CLEARS_PICK,
    SALT_KILLS,
    SALT_BURST,
    SALT_BURST_SIZE,
    SALT_BURST_PICK,
    SALT_COUNT = 32
};
/* Processes beyond those of the scenario. */
enum { PROCESS_TRACE = SCENARIO_PROCESSES_MAX, PROCESS_GATE, PROCESS_CREW, PROCESS_PERSON };

/* What a person does of their own accord; each also keys its draws. */
enum doing { DOING_HOLD, DOING_DRAIN, DOING_MODE, DOING_COUNT };
/* The other draws of PROCESS_PERSON. */
enum { SALT_REJECT = DOING_COUNT, SALT_INSIST, SALT_CANCEL, SALT_CANCEL_AT };

enum {
    FAULT_OPEN = 1 << 0,
    FAULT_KILLS = 1 << 1,    /* stops the jobs on its node */
    FAULT_DETECTED = 1 << 2, /* finding.opened went out */
    FAULT_CLEARS = 1 << 3,   /* goes away by itself */
    FAULT_RENEWS = 1 << 4,   /* its component's clock starts again when it ends */
    FAULT_FED = 1 << 5,      /* of a node that a broken part feeds: `parent` is that part's fault */
};
struct fault {
    uint64_t component;
    uint64_t number;     /* the detectors' number for it, unique in the world */
    uint64_t nth;        /* keys its draws */
    int64_t start_ns;
    int64_t repaired_ns; /* when the repair under way ends; MW_NEVER = none is under way */
    uint32_t node;       /* MW_NONE = a part that is no node's */
    uint32_t next;       /* on its node, or among parts; free list */
    uint32_t parent;     /* row, see FAULT_FED */
    uint32_t child;      /* row of the first fed node's fault */
    uint32_t sibling;
    uint32_t slow_ppm;   /* share of speed that its node loses */
    uint16_t class;
    uint16_t entries;    /* of the agenda that name this row */
    uint8_t process;
    uint8_t effect;      /* as the detector reports it */
    uint8_t flags;
};

struct faults {
    struct fault *row;
    uint32_t used, room, free, open;
    uint64_t numbers;     /* given out */
    uint32_t *node_first; /* node -> its first open fault */
    uint32_t parts_first; /* open faults of parts that are no node's */
    uint16_t *node_dead;  /* open faults that stop jobs */
    uint64_t happened, on_nodes, bursts;
};

enum attempt_state { ATTEMPT_NONE, ATTEMPT_STARTING, ATTEMPT_RUNNING, ATTEMPT_HUNG };
struct attempt {
    struct cadence cadence; /* once it runs */
    uint64_t job;
    uint64_t place_seq, stop_seq; /* highest actions seen */
    int64_t placed_ms, from_ms, interval_ms, write_ms, restart_ms;
    int64_t hung_ms;
    uint32_t slot, attempt, generation;
    uint32_t nodes, first_node;
    uint32_t bad_node;      /* what hung it */
    uint32_t stop_node;     /* what it is to stop for */
    uint16_t bad_class, stop_class;
    uint8_t state;
    uint8_t stop_how;       /* 0 = nobody asked */
};
struct job_truth {
    int64_t work_ms, fails_at_ms;
    uint32_t tenant;
    bool cancelled;
};
struct attempts {
    struct attempt *row; /* by the controller's job row */
    uint32_t rows, used;
    uint32_t *node_row;  /* node -> row of the attempt on it */
    uint32_t *node_next;
    struct job_truth *job; /* by job number - 1 */
    uint64_t jobs, jobs_room;
    uint64_t started, kills;
    int64_t ended_ms;      /* allocated time of attempts that are over */
};

struct order {
    struct body_order body;
    uint64_t seq;
    uint32_t next;
    uint64_t fault; /* number of the fault it repairs; 0 = none found */
    uint32_t fault_row;
    bool traced;    /* the trace says when it ends; no crew is taken */
};
struct order_line {
    uint32_t first, last;
};
struct crew {
    struct order *row;
    uint32_t used, room, free;
    uint32_t busy;
    struct order_line line[2];  /* nodes, then other parts */
    uint64_t *incident_seq;     /* incident row -> highest order seen */
    uint32_t incidents;
    uint64_t *node_gate_seq;    /* highest gate seen */
    struct body_gate *node_gate;
    uint32_t *node_gates;       /* gates started, counted: keys and dates a gate */
    uint8_t *node_uncured;      /* process + 1 whose repair did not cure; 0 = none */
};

struct answer {
    struct event command;
    uint32_t next; /* free list, waiting list */
    bool again;    /* it had to wait for the mode of its hall */
};
struct person {
    struct answer *row;
    uint32_t used, room, free;
    uint32_t waiting;   /* first approval that a mode stands in the way of */
    uint8_t *hall_mode; /* as commanded */
};

struct feeds {
    struct workload *workload;
    struct workload_job next_job;
    uint32_t *trace_node;  /* trace node -> fleet node */
    int64_t *trace_end_ns; /* fault of the trace -> end of its down interval, UTC; MW_NEVER */
    bool job_ready;        /* next_job waits for its time */
    uint32_t node_gpus;    /* GPUs that a job gets of each node */
};

struct world {
    struct world_config config;
    const struct scenario *scenario;
    const struct fleet *fleet;
    struct marks *marks;
    uint64_t seed;
    uint32_t nodes;
    int64_t start_ns, end_ns, quiet_ns;
    int64_t now_ns;
    struct queue queue;
    struct faults faults;
    struct attempts attempts;
    struct crew crew;
    struct person person;
    struct feeds feeds;
    uint64_t entries, again;
    bool failed; /* out of memory */
    const char *trouble;
};

/* ---- keyed draws --------------------------------------------------------------------------- */

static inline uint64_t world_bits(const struct world *w, uint64_t component, uint32_t process,
                                  uint32_t salt, uint64_t nth)
{
    return mw_random_u64(w->seed, component, (uint64_t)process * SALT_COUNT + salt, nth);
}
static inline double world_unit(const struct world *w, uint64_t component, uint32_t process,
                                uint32_t salt, uint64_t nth)
{
    return mw_unit_of(world_bits(w, component, process, salt, nth));
}

/* Room for one more element in an array that doubles; sets w->failed when there is none. */
bool world_room(struct world *w, void **array, uint32_t used, uint32_t *room, size_t size);

/* Pushes unless it lies at or beyond the horizon; false = not pushed. */
bool world_push(struct world *w, int64_t time_ns, struct queue_what what);

void world_emit(struct world *w, const struct event *fact, const char *text);

void world_again(struct world *w); /* an action came that was seen before */

/* ---- renewals.c: the clocks of the fault processes ------------------------------------------ */
void renewals_plant(struct world *w); /* the first fault of every component */
void renewals_due(struct world *w, const struct queue_entry *e);
/* The clock of a component starts again, after its fault number nth. */
void renewals_again(struct world *w, uint32_t process, uint32_t component_row, uint32_t nth);

/* ---- faults.c ------------------------------------------------------------------------------ */
MW_MUST_USE int faults_init(struct world *w);
void faults_fini(struct world *w);
struct fault_new {
    uint64_t component;
    uint64_t nth;      /* keys its draws */
    int64_t detect_ns; /* from its beginning */
    int64_t clears_ns; /* the same; MW_NEVER = not by itself */
    uint32_t node;
    uint32_t slow_ppm;
    uint16_t class;
    uint8_t process, effect, flags;
};
/* Begins now.  Its row, or MW_NONE when out of memory. */
uint32_t faults_begin(struct world *w, const struct fault_new *n);
void faults_detect(struct world *w, uint32_t row);
void faults_clear(struct world *w, uint32_t row);
/* The open fault that an order is about: by number, by component, else any on its node; for a
 * node that a broken part feeds, the part's.  MW_NONE. */
uint32_t faults_find(const struct world *w, uint64_t number, uint64_t component, uint32_t node);
/* Is this still the open fault that had that number? */
static inline bool faults_is_open(const struct world *w, uint32_t row, uint64_t number)
{
    return row < w->faults.used && w->faults.row[row].number == number &&
           (w->faults.row[row].flags & FAULT_OPEN) != 0;
}
/* It is repaired: it ends, and so do all open faults of the same component. */
void faults_repair(struct world *w, uint32_t row);
uint32_t faults_node_slow_ppm(const struct world *w, uint32_t node); /* the worst open fault's */

/* ---- attempts.c ---------------------------------------------------------------------------- */
MW_MUST_USE int attempts_init(struct world *w);
void attempts_fini(struct world *w);
void attempts_submit(struct world *w); /* the job that was read ahead */
void attempts_cancel(struct world *w, uint32_t job);
void attempts_place(struct world *w, const struct event *action, const void *tail);
void attempts_stop(struct world *w, const struct event *action);
void attempts_due(struct world *w, uint32_t row, uint32_t generation);
void attempts_progress(struct world *w, uint32_t row, uint32_t start);
void attempts_fault(struct world *w, const struct fault *f);   /* one begins on its node */
void attempts_healed(struct world *w, const struct fault *f);  /* one that slowed has ended */
void attempts_finish(struct world *w);
int64_t attempts_allocated_ms(const struct world *w, int64_t now_ns);

/* ---- crew.c -------------------------------------------------------------------------------- */
MW_MUST_USE int crew_init(struct world *w);
void crew_fini(struct world *w);
void crew_order(struct world *w, const struct event *action);
void crew_taken(struct world *w, uint32_t row);
void crew_repaired(struct world *w, uint32_t row);
void crew_gate(struct world *w, const struct event *action);
void crew_gate_over(struct world *w, uint32_t node, uint32_t nth);

/* ---- person.c ------------------------------------------------------------------------------ */
MW_MUST_USE int person_init(struct world *w);
void person_fini(struct world *w);
void person_start(struct world *w);
void person_reads(struct world *w, const struct event *ev);
void person_acts(struct world *w, uint32_t row);
void person_does(struct world *w, uint32_t doing, uint32_t nth);

/* ---- feeds.c: what is read rather than drawn: the workload and the fault trace -------------- */
MW_MUST_USE int feeds_init(struct world *w, struct mw_error *err);
void feeds_fini(struct world *w);
void feeds_start(struct world *w);
void feeds_next_job(struct world *w);   /* reads ahead and dates it */
void feeds_trace(struct world *w, uint32_t trace_row);

#endif
