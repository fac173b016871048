/*
 * The inside of the simulated world: its state, and what its parts (faults.c,
 * attempts.c, crew.c, machines.c, gates.c, depot.c, judge.c, person.c, feeds.c)
 * ask of each other.  Included by those files and their tests only.
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
    AT_RELAPSE,  /* a fault row: what was not cured strikes again */
    AT_TAKEN,    /* a order row, b its generation: a crew has hands on */
    AT_REPAIRED, /* a order row, b its generation: the crew is done */
    AT_TOLD,     /* a order row, b its generation: and says so late */
    AT_MACHINE,  /* a row of actions: a machine is done */
    AT_PARTS,    /* a row of shipments: they arrive */
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
    SALT_NEED,
    SALT_RELAPSE,
    SALT_RELAPSE_PICK,
    SALT_THIN,
    SALT_COUNT = 32
};
/* Processes beyond those of the scenario. */
enum { PROCESS_TRACE = SCENARIO_PROCESSES_MAX, PROCESS_GATE, PROCESS_CREW, PROCESS_PERSON,
       PROCESS_MACHINE, PROCESS_DEPOT };
/* Draws of PROCESS_CREW, of PROCESS_MACHINE, of PROCESS_GATE. */
enum { SALT_START, SALT_TAKES, SALT_TAKES_PICK, SALT_ESCALATED, SALT_ESCALATED_PICK, SALT_LATE,
       SALT_LATE_BY, SALT_TWICE, SALT_OTHER, SALT_UNKNOWN, SALT_DONE };
enum { SALT_PASS, SALT_CATCH };

/* What a person does of their own accord; each also keys its draws. */
enum doing { DOING_HOLD, DOING_DRAIN, DOING_MODE, DOING_WINDOW, DOING_COUNT };
/* The other draws of PROCESS_PERSON. */
enum { SALT_REJECT = DOING_COUNT, SALT_INSIST, SALT_CANCEL, SALT_CANCEL_AT };

enum {
    FAULT_OPEN = 1 << 0,
    FAULT_KILLS = 1 << 1,    /* stops the jobs on its node */
    FAULT_DETECTED = 1 << 2, /* finding.opened went out */
    FAULT_CLEARS = 1 << 3,   /* goes away by itself */
    FAULT_RENEWS = 1 << 4,   /* its component's clock starts again when it ends */
    FAULT_FED = 1 << 5,      /* of a node that a broken part feeds: `parent` is that part's fault */
    FAULT_FALSE = 1 << 6,    /* nothing is wrong: the finding is all there is */
    FAULT_LATENT = 1 << 7,   /* not open: a step hid it and did not cure it */
};
/* Numbers of false alarms are above all others: detectors' counters, to the controller. */
#define FAULT_NUMBER_FALSE (UINT64_C(1) << 39)
/* Above the count of a component's faults: how often this one struck again. */
#define NTH_RELAPSE_SHIFT 42
#define NTH_RELAPSES_MAX 63u
struct fault {
    uint64_t component;
    uint64_t number;     /* the detectors' number for it, unique in the world */
    uint64_t nth;        /* keys its draws */
    int64_t start_ns;
    int64_t repaired_ns; /* when the repair under way ends; MW_NEVER = none is under way */
    uint32_t node;       /* MW_NONE = a part that is no node's */
    uint32_t next;       /* on its node, or among parts; of the hidden the same; free list */
    uint32_t treated;    /* the treatment that it was last part of */
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
    uint32_t *node_hidden; /* node -> its first hidden fault */
    uint32_t parts_hidden;
    uint32_t treatments;
    uint16_t *node_dead;  /* open faults that stop jobs */
    uint64_t happened, on_nodes, bursts, alarms, uncured, relapses;
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

enum order_state {
    ORDER_FREE,
    ORDER_PERSON, /* a person from outside the simulation works on it; no crew is taken */
    ORDER_PART,   /* waits for its part */
    ORDER_LINE,   /* waits for a crew */
    ORDER_COMING, /* a crew, or the vendor, is on the way */
    ORDER_HANDS,  /* hands are on */
    ORDER_SAYS,   /* done, and not told yet */
};
struct order {
    struct body_order body;
    uint64_t seq;
    int64_t ends_ns;     /* hands on: when it is done */
    uint32_t next;       /* in its line; free list */
    uint32_t generation; /* of what the agenda says of it */
    uint64_t fault;      /* number of the fault it repairs; 0 = none found */
    const char *text;    /* what is said of it; constant, or the depot's */
    uint32_t fault_row;
    uint8_t state;       /* enum order_state */
    uint8_t result;      /* enum result */
    bool traced;         /* the trace says when it ends; no crew is taken */
    bool vendor;         /* no crew is taken */
    bool has_part;       /* out of the store for it */
    bool known;          /* it is about a finding of its own component */
};
struct order_line {
    uint32_t first, last;
};
struct crew {
    struct order *row;
    uint32_t used, room, free;
    uint32_t busy;
    struct order_line line[2];  /* nodes, then other parts */
    uint64_t *incident_seq;     /* incident row -> highest order or action seen */
    uint32_t incidents;
    uint64_t escalated, withdrawn, wrong; /* orders: wrong = nothing was wrong there */
};

/* A machine's action under way. */
struct machine_act {
    struct body_order body;
    uint64_t seq;
    uint32_t next; /* free list */
    bool refused;  /* its lease was over before it began */
};
struct machines {
    struct machine_act *row;
    uint32_t used, room, free;
    uint64_t *node_seq;  /* highest action that a node was given */
    uint64_t done, refused, unknown, killed_jobs;
};

struct gates {
    uint64_t *node_seq;    /* highest gate seen */
    struct body_gate *node_gate;
    uint32_t *node_count;  /* gates started, counted: keys and dates a gate */
    uint8_t *node_uncured; /* process + 1 whose repair did not cure; 0 = none */
    uint64_t missed;       /* gates that passed a node with a hidden fault */
};

/* The store of parts, and what was replaced. */
struct shipment {
    struct body_parts body;
    uint64_t seq;
    uint32_t next;
};
struct note { /* a block of texts that facts carry: they stay as long as the world */
    struct note *before;
    uint32_t used;
    char text[4000];
};
struct depot {
    struct shipment *row;
    uint32_t used, room, free;
    uint64_t seq[CARE_PARTS_MAX];       /* highest order of parts seen */
    int64_t stock[CARE_PARTS_MAX];
    struct order_line wait[CARE_PARTS_MAX]; /* orders that wait for one */
    uint16_t *swaps[COMPONENT_KIND_COUNT];  /* how often a component was replaced; made as needed */
    uint16_t *node_swaps;               /* how often a whole node was */
    struct note *note;
    uint64_t parts_used, nodes_swapped;
};

/* What the record says of the controller, held against the truth. */
struct judged {
    uint8_t *incident_false; /* incident row: nothing but false alarms */
    uint32_t incidents;
    uint64_t drains_false, stops_false, lemons_true, lemons_false, lemons_uncured;
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
    uint8_t *hall_left; /* a person from outside answers what is advised here */
    uint64_t window;    /* the last maintenance window in the record; 0 = none, or ended */
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
    struct machines machines;
    struct gates gates;
    struct depot depot;
    struct judged judged;
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

/* ---- renewals.c: the clocks of the fault processes ------------------------------------------ */
void renewals_plant(struct world *w); /* the first fault of every component */
void renewals_due(struct world *w, const struct queue_entry *e);
/* The clock of a component starts again, after its fault number nth. */
void renewals_again(struct world *w, uint32_t process, uint32_t component_row, uint32_t nth);
/* A fault begins, with those of the nodes that its component feeds. */
void renewals_begin(struct world *w, const struct fault_new *n);
bool renewals_is_lemon(const struct world *w, uint32_t process, uint64_t component);

/* ---- faults.c ------------------------------------------------------------------------------ */
MW_MUST_USE int faults_init(struct world *w);
void faults_fini(struct world *w);
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
/* The same among faults that a step hid. */
uint32_t faults_find_hidden(const struct world *w, uint64_t number, uint64_t component,
                            uint32_t node);
/* It is repaired: it ends, and so do all open faults of the same component. */
void faults_repair(struct world *w, uint32_t row);
/* A step is done about an open or hidden fault, by a crew or by a machine.  What it does not cure
 * is hidden by it, where its process says what cures.  True = it is cured. */
bool faults_treat(struct world *w, uint32_t row, uint8_t step, bool machine);
bool faults_would_cure(const struct world *w, uint32_t row, uint8_t step); /* done by a crew */
/* The same for all that is wrong with a node itself, the fault of this row first (MW_NONE). */
void faults_treat_node(struct world *w, uint32_t node, uint8_t step, bool machine);
void faults_relapse(struct world *w, uint32_t row);
/* Is anything wrong with a node, seen or not, hidden or not?  A false alarm is not. */
bool faults_any_true(const struct world *w, uint32_t node);
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
bool attempts_works_on(const struct world *w, uint32_t node);   /* starts or runs there */
void attempts_struck(struct world *w, uint32_t node, uint16_t class); /* its node went away */
void attempts_finish(struct world *w);
int64_t attempts_allocated_ms(const struct world *w, int64_t now_ns);

/* ---- crew.c: work orders ------------------------------------------------------------------- */
MW_MUST_USE int crew_init(struct world *w);
void crew_fini(struct world *w);
void crew_order(struct world *w, const struct event *action);
void crew_escalate(struct world *w, const struct event *notice);
void crew_withdraw(struct world *w, const struct event *notice);
void crew_taken(struct world *w, uint32_t row, uint32_t generation);
void crew_repaired(struct world *w, uint32_t row, uint32_t generation);
void crew_told(struct world *w, uint32_t row, uint32_t generation);
void crew_has_part(struct world *w, uint32_t row); /* the part that it waited for is there */
/* In the record: a person from outside took an order, or reports on it.  The crew leaves it to him;
 * what he says is done is done. */
void crew_reads(struct world *w, const struct event *ev);
/* Is this order or action of its incident newer than all before?  Remembers it. */
bool crew_is_new(struct world *w, const struct event *action);
/* What the ladder of a class expects a step to take; 0 where it is not on it. */
int64_t crew_expected_ns(const struct world *w, uint16_t class, uint8_t step);

/* ---- machines.c: what machines are asked to do ---------------------------------------------- */
MW_MUST_USE int machines_init(struct world *w);
void machines_fini(struct world *w);
void machines_act(struct world *w, const struct event *action);
void machines_done(struct world *w, uint32_t row);

/* ---- gates.c ------------------------------------------------------------------------------- */
MW_MUST_USE int gates_init(struct world *w);
void gates_fini(struct world *w);
void gates_start(struct world *w, const struct event *action);
void gates_over(struct world *w, uint32_t node, uint32_t nth);
/* In the record: a person from outside answered a gate: what runs is called off. */
void gates_reads(struct world *w, const struct event *ev);

/* ---- depot.c: parts, what was replaced, and texts -------------------------------------------- */
MW_MUST_USE int depot_init(struct world *w);
void depot_fini(struct world *w);
void depot_ordered(struct world *w, const struct event *action);
void depot_arrives(struct world *w, uint32_t row);
/* Takes the part of an order; false = it has to wait and is told by crew_has_part(). */
bool depot_take(struct world *w, uint32_t order_row);
void depot_put_back(struct world *w, uint16_t part);
void depot_leaves(struct world *w, uint32_t order_row); /* it waits for its part no longer */
/* The same: it got one from elsewhere, and the next that is delivered makes up for it. */
void depot_lent(struct world *w, uint32_t order_row);
/* Another one stands where this component stood: whether it is a lemon is drawn again. */
void depot_replace(struct world *w, uint64_t component);
void depot_replace_node(struct world *w, uint32_t node);
uint32_t depot_swaps(const struct world *w, uint64_t component); /* keys what a part is */
/* "verb; serial gpu/4-0 -> gpu/4-1", which lives as long as the world. */
const char *depot_text(struct world *w, const char *done, uint64_t component, uint32_t before);

/* ---- judge.c: the record against the truth --------------------------------------------------- */
MW_MUST_USE int judge_init(struct world *w);
void judge_fini(struct world *w);
void judge_reads(struct world *w, const struct event *ev);

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
