/*
 * The story of one job, from the record alone: what it asked for, where it ran,
 * what struck it, what was decided and by whom, how long each step took, what
 * that cost, and from where it goes on.  Works for jobs that live and for jobs
 * that are long gone from the state, under our own engine and under Slurm's.
 *
 * Two walks over the events: the first finds the job's attempts and the
 * incidents on their nodes, the second collects the events that tell of them.
 * An incident is the job's when it opened or grew on a node while the job was
 * on it, or within STORY_AFTER_NS of its end there, or when a stop or an order
 * names it.  Reads through the journal port; writes nothing.
 */
#ifndef MW_CONTROL_STORY_H
#define MW_CONTROL_STORY_H

#include "control/words.h"

#define STORY_AFTER_NS (120 * INT64_C(1000000000))
#define STORY_LINES_MAX 100000u     /* later ones are counted, not kept */
#define STORY_INCIDENTS_MAX 4096u   /* likewise */

/* What happened between a fault and the job going on.  Lengths are between times of events. */
#define STORY_PHASES(X)                                                                     \
    X(PHASE_DETECT, "detect", "from when work stood still, or the fault began, to the finding") \
    X(PHASE_DECIDE, "decide", "to what was decided for the job or its node")                \
    X(PHASE_REQUEUE, "requeue", "to the end of the attempt")                                \
    X(PHASE_PLACE, "place", "to the next attempt having its nodes")                         \
    X(PHASE_START, "start", "to work going on")

enum story_phase {
#define X(e, name, doc) e,
    STORY_PHASES(X)
#undef X
    PHASE_COUNT
};
const char *story_phase_name(uint32_t phase);

struct story_attempt {
    uint32_t number, gpus;
    uint32_t *node, nodes;       /* owned */
    uint64_t placed_seq, running_seq, heard_seq, ended_seq, decided_seq; /* 0 = not (yet) */
    int64_t placed_ns, running_ns, heard_ns, ended_ns;
    int64_t from_ms, interval_ms;
    int64_t progress_ms, saved_ms, checkpoint_ms; /* as last reported */
    int64_t stopped_ms;          /* when work stood still, ms UTC; 0 = not said */
    uint64_t reports;            /* of progress */
    uint64_t incident;           /* that ended it; 0 */
    uint32_t fail_node;          /* MW_NONE */
    uint16_t fail_class;         /* UINT16_MAX */
    uint8_t how;                 /* enum attempt_how; 0 = it is not over */
    bool stopped;                /* a stop or a requeue was decided */
    int64_t phase_ns[PHASE_COUNT]; /* of its end, when something struck it; -1 = not known */
};

struct story_incident {
    uint64_t incident;  /* its number: the sequence of incident.opened */
    uint64_t finding;   /* source << 40 | number, of the first */
    uint64_t found_seq, decided_seq, closed_seq;
    int64_t began_ns;   /* when the source says it happened */
    int64_t found_ns, opened_ns, decided_ns, closed_ns;
    uint64_t component;
    uint32_t node;
    uint16_t class;
    bool advised;       /* what was decided stayed advice */
};

struct story_line {
    uint64_t seq;
    int64_t time_ns;
    uint16_t kind;
    char *text; /* owned */
};

enum story_state { STORY_QUEUED, STORY_STARTING, STORY_RUNNING, STORY_DONE, STORY_FAILED,
                   STORY_CANCELLED, STORY_ENDED /* nobody knows how */ };
const char *story_state_name(uint32_t state);

/* GPU-ms, measured: held = productive + lost + unreported. */
struct story_cost {
    int64_t held;        /* its GPUs were its own for so long */
    int64_t productive;  /* work that counts, done for the first time */
    int64_t unreported;  /* of a running attempt, since its last report: not judged */
    int64_t lost;        /* the rest, the sum of these: */
    int64_t starting;    /* from having nodes to work going on */
    int64_t checkpoint;  /* writing checkpoints */
    int64_t redone;      /* work done again */
    int64_t standing;    /* stopped, not yet ended */
    int64_t unsaved;     /* attempts that failed and never said how far they were */
    int64_t slowed;      /* what is left: work slower than it should be */
    int64_t waiting_ms;  /* wall time between attempts, not GPU time */
};

struct story {
    uint64_t job, submitted_seq;
    int64_t submitted_ns, now_ns;   /* now: the time of the record's last event */
    char *name;                     /* owned; NULL = it has none */
    uint32_t tenant, gpus, nodes;
    uint8_t priority;
    bool engine;                    /* Slurm places it */
    bool cancelled;
    uint8_t state;                  /* enum story_state */
    uint64_t state_seq;             /* the event that says so */
    int64_t work_ms, high_ms, saved_ms; /* progress: needed, reached, in the last checkpoint */
    uint64_t saved_seq;             /* the event that says so; 0 = no checkpoint is known */
    struct story_attempt *attempt;  /* owned, in order */
    uint32_t attempts;
    struct story_incident *incident; /* owned, in order */
    uint32_t incidents;
    struct story_line *line;        /* owned, in order */
    uint32_t lines;
    uint64_t left_out;              /* lines and incidents past the bounds */
    struct story_cost cost;
};

struct story_options {
    const struct words *words;
    bool all; /* the repair of the nodes and every report of progress, too */
    uint64_t from_seq; /* nothing of the job is before this event: its submission, where that is
                          known; saves reading what lies before.  0 = from the beginning */
    uint64_t to_seq;   /* what lies after it is not read; 0 = to the end of the record */
};

/* The last job with this number.  MW_ENOTFOUND; MW_ECORRUPT etc. from reading; MW_ENOMEM. */
MW_MUST_USE int story_tell(struct journal *j, uint64_t job, const struct story_options *o,
                           struct story *ret, struct mw_error *err);
void story_fini(struct story *s); /* zeroed is fine */

/* "running since …, attempt 2 on n[3-4]" and "from 2.50 h of saved work": sentences for people. */
void story_now(struct text *t, const struct story *s, const struct words *w);
void story_resume(struct text *t, const struct story *s);

/* story_sums.c: state, phases and cost from attempts and incidents; called by story_tell(). */
void story_sum(struct story *s);

#endif
