/* What work.c (making, admission), queue.c, gang.c and work_step.c share. */
#ifndef MW_WORK_WORK_PRIVATE_H
#define MW_WORK_WORK_PRIVATE_H

#include "base/heap.h"
#include "work/gang.h"
#include "work/work.h"

#define WORK_COLUMNS_MAX 64
#define WORK_ASKERS_MAX 64u /* jobs that others were told to stop for; past it no job asks */
#define WORK_ASKED_MAX 4096u /* orders of persons to the engine without an answer: a hall's nodes */
#define WORK_STOPS_MAX 256u  /* stops asked for within one group; a cascade has fewer rounds */
/* Jobs that run come to be stopped for others by nothing but time: chosen, short against
 * preempt_after_ms and any job worth a stop. */
#define WORK_LOOK_AGAIN_NS (10 * MW_NS_PER_MIN)
#define QUEUE_SCAN_MAX 512u  /* jobs looked at behind a blocked one; the rest wait a pulse */

enum { MISFIT_ATTEMPT = 1, MISFIT_JOB = 2, MISFIT_NODE_BUSY = 3 };

/* A running attempt that has to stop, and why. */
struct stop {
    uint64_t incident;
    uint64_t cause; /* job.submitted of the job that room is made for; 0 = the fact itself */
    uint32_t slot, attempt, node, incident_slot;
    uint32_t actor; /* a person asked for it; 0 = automation */
    uint16_t class;
    uint8_t how;
};

/* The line behind a job that does not fit: who holds it, and what others may take meanwhile. */
struct line {
    uint32_t slot;  /* MW_NONE = nobody holds it */
    bool asks;      /* the rest is not worked out: nobody behind it fits so far */
    int64_t at_ms;  /* who ends by then may pass */
    uint32_t extra; /* nodes that are free beside the holder's at at_ms */
    uint32_t spare; /* nodes that are kept from the holder: restarts may have them */
};
/* Where a look at the queue has come to. */
struct walk {
    bool begun;
    uint32_t priority, slot; /* the next to look at */
    uint32_t passed;         /* jobs that did not fit */
    struct line line;
};

/* Of a set of windows that have not begun: work_window.h. */
struct window_sum {
    uint64_t mask, changes; /* what it was counted of, and when */
    uint32_t serving, free;
};

/* What a calculation needs for as long as it lasts. */
struct tools {
    struct heap front;   /* of places in work.ends: those next in time */
    int64_t *front_due;
    struct heap price;   /* of job rows: the cheapest to stop first */
    int64_t *price_key;
    uint32_t *victim;
    struct window_sum window_last; /* as long as nothing changes */
};

/* Measured, and what followed from it: work_spares.h. */
struct spares {
    /* state */
    struct body_spares sized;
    uint64_t sized_seq;
    int64_t looked_ms;      /* when the sum was last done */
    int64_t since_ms;       /* node_ms counts up to here */
    int64_t node_ms, out_ms;
    uint64_t outs, repairs;
    uint32_t members;       /* nodes in service or out by a fault */
    uint32_t domain;        /* nodes of the largest rack or PDU that failed whole */
    int64_t *node_out_ms;   /* per node: since when it is out; 0 = it is not */
    /* scratch */
    bool look;
};

/* Maintenance windows: work_window.h. */
struct windows {
    /* state */
    uint64_t command[WORK_WINDOWS_MAX]; /* 0 = free row */
    int64_t from_ms[WORK_WINDOWS_MAX], to_ms[WORK_WINDOWS_MAX];
    uint32_t first[WORK_WINDOWS_MAX], count[WORK_WINDOWS_MAX], actor[WORK_WINDOWS_MAX];
    uint32_t cursor[WORK_WINDOWS_MAX];  /* begun: attempts before this node were told to stop */
    uint8_t begun[WORK_WINDOWS_MAX];
    int64_t due_ns;                     /* what is next to do with any of them */
    /* index */
    uint32_t waiting;                   /* rows that have not begun */
};

struct work {
    struct board *board;
    struct work_policy policy;

    /* state */
    int64_t pulse_due_ns, pulse_last_ns, now_ns;
    uint32_t queued, running;
    uint32_t queue_first[BOARD_PRIORITIES], queue_last[BOARD_PRIORITIES];
    uint32_t *queue_next, *queue_prev; /* per job row: order of arrival within its priority */
    int64_t *queued_ms;                /* since when it waits */
    uint64_t *place_seq, *stop_seq;    /* actions without a result; 0 = none */
    uint8_t *stop_how, *cancelled;
    uint8_t *hazard;                   /* per node: as work last saw it, see work_gang.c */
    uint64_t asked[WORK_ASKED_MAX];    /* persons' orders to the engine, unanswered; 0 = free */
    int64_t *end_ms;                   /* when a running attempt is expected to end; MW_NEVER */
    uint32_t *room_for;                /* row of the job that it stops for, MW_NONE */
    uint32_t asker[WORK_ASKERS_MAX];   /* jobs that others stop or stopped for, MW_NONE */
    struct spares spares;
    struct windows window;

    /* indexes, from the board */
    struct gang gang;       /* which nodes are free, where: gang.h */
    uint8_t *serving;       /* per node: ready and not held, whoever is on it */
    uint32_t free_total, serving_total;
    uint64_t changes;       /* of any of these and of windows: dates what is kept in tools */
    uint8_t *hidden;        /* per node: a window keeps everything, or a choice, off it */
    struct heap ends;       /* of end_ms */
    uint32_t *gives;        /* per job row: nodes that come free when it ends */
    uint32_t *coming;       /* per job row: nodes of attempts that stop for it */
    uint32_t run_nodes[BOARD_PRIORITIES][2]; /* under attempts; [1] = that may be interrupted … */
    uint32_t stop_nodes;    /* … but for those that were told to stop: these */
    uint8_t *quota_row;     /* per job row: of policy.quota, WORK_QUOTAS_MAX = none */
    uint64_t quota_firm[WORK_QUOTAS_MAX], quota_all[WORK_QUOTAS_MAX]; /* GPUs in use */

    /* scratch: empty between groups of events */
    struct stop stop[WORK_STOPS_MAX];
    uint32_t stop_head, stop_length;
    uint32_t look; /* gangs that may still be placed in this pulse */
    struct walk walk;
    struct tools *tools;
    uint32_t fresh; /* row of the job that this group submitted, plus 1; 0 = none: policy.at_once */
    struct event want; /* a person's command for the engine; kind 0 = none */

    struct column column[WORK_COLUMNS_MAX];
    uint32_t columns;
};

static inline void work_column(struct work *w, struct column column)
{
    must(w->columns < WORK_COLUMNS_MAX);
    w->column[w->columns++] = column;
}

/* A job that lost nodes it worked on, and that others may not interrupt. */
static inline bool work_is_restart(const struct work *w, uint32_t slot)
{
    return w->board->job_attempt[slot] > 0 && !(w->board->job_flags[slot] & JOB_INTERRUPTIBLE);
}

static inline bool work_is_interruptible(const struct work *w, uint32_t slot)
{
    return w->board->job_flags[slot] & JOB_INTERRUPTIBLE;
}

/* queue.c */
/* By arrival: a restarted job gets its old place. */
void queue_insert(struct work *w, uint32_t slot);
void queue_remove(struct work *w, uint32_t slot);
/* The job to place next in this look; MW_NONE when none may be, or when attempts have to stop first
 * (stop_length says so): then it goes on from there. */
uint32_t queue_pick(struct work *w);
/* Is nobody before it, and does it fit?  Then its submission need not wait for a pulse. */
bool queue_fits_at_once(const struct work *w, uint32_t slot);
/* Free nodes that it may have: without what is kept for restarts, promised, or maintained before
 * it would end. */
uint32_t queue_room(const struct work *w, uint32_t slot);
/* Windows whose nodes it may not have if it starts now. */
uint64_t queue_shut(const struct work *w, uint32_t slot);
/* Nodes in service but for those that are maintained before it would end. */
uint32_t queue_serving(const struct work *w, uint32_t slot);
/* Would it fit if all that runs ended now? */
bool queue_could_start(const struct work *w, uint32_t slot);
/* The first job that does not fit and holds the line, with its reservation; slot MW_NONE: there is
 * none, or one before it starts with the next look. */
struct line queue_line(const struct work *w);
/* May this job, which fits, start though another holds the line? */
bool queue_may_pass(const struct work *w, uint32_t slot, const struct line *l);

/* work_gang.c */
void gang_refresh(struct work *w, uint32_t node); /* after anything that may change schedulable */
void gang_follow(struct work *w, uint32_t node);  /* the same as it was last looked at: no column */
void gang_rebuild(struct work *w);
/* Chooses `nodes` free nodes (there are enough); writes them, returns the groups touched. */
uint32_t gang_choose(const struct work *w, uint32_t nodes, uint32_t *ret_node);

/* work_engine.c: where another engine places. */
enum admit work_admit_allocated(const struct work *w, const struct event *ev,
                                const uint32_t *node);
enum admit work_admit_answered(const struct work *w, const struct event *ev);
enum admit work_admit_wanted(const struct work *w, const struct event *ev);
bool work_decide_wanted(const struct work *w, struct decision *out);
/* A person's order (its class says so) is kept until its answer. */
void work_asked(struct work *w, const struct event *ev);
void work_decide_requeue(struct work *w, const struct stop *s, struct decision *out);
void work_requeue_ordered(struct work *w, const struct event *ev);
void work_answered(struct work *w, const struct body_engine *e);

/* work_step.c */
/* The free and serving indexes follow a change of this node, and what else hangs on them. */
void work_refresh(struct work *w, uint32_t node);
void work_ask_pulse(struct work *w);
void work_ask_stop(struct work *w, const struct stop *s);
uint8_t work_apply(void *self, const struct event *ev, const void *tail);
bool work_decide(void *self, struct decision *out);
void work_quiet(void *self);

#endif
