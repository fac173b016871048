/*
 * What became of what was decided, read from a run's record: did repairs hold,
 * how long nodes were out, why jobs started again, what was done how often.  A
 * fold of its own, which sees no more than the record does (judge.c holds it
 * against the truth).
 */
#ifndef MW_SIM_OUTCOME_H
#define MW_SIM_OUTCOME_H

#include "board/board.h"
#include "core/event.h"
#include "sim/marks.h"

struct outcome_counts {
    uint64_t returns;           /* of nodes into service, at the end of an incident */
    uint64_t refaults_7d, refaults_30d; /* of them, with another incident within so long */
    uint64_t causes;            /* incidents on what several findings share */
    uint64_t suppressed, freed; /* incidents that became symptoms of others; that did not stay so */
    uint64_t steps[STEP_COUNT]; /* work orders and actions that were asked for, by their step */
    uint64_t escalations, withdrawn;
    uint64_t lemons, lemons_freed, retired;
    uint64_t preemptions;       /* attempts stopped to make room */
    uint64_t spares_used;       /* nodes that restarts took of those that were kept for them */
    uint64_t restarts;          /* attempts that were not their job's last … */
    uint64_t restarts_by_class[BOARD_CLASSES_MAX]; /* … by the fault's class, */
    uint64_t restarts_by_person, restarts_by_room, restarts_by_other;
    uint64_t downs;             /* times that a node was out of service, over by the end */
    int64_t down_ms;            /* together … */
    int64_t down_longest_ms;    /* … and the longest tenth of them (StepFun's trace: 72 %) */
};

struct outcome {
    struct outcome_counts n;
    struct marks *marks;      /* borrowed */
    uint32_t nodes, rows;
    uint32_t free, target;    /* nodes that could take a job; that are kept for restarts */
    uint8_t *health, *held;
    int64_t *out_ms;          /* since when the node is out; 0 = it is not */
    int64_t *back_ms;         /* when it last came back; 0 = never */
    uint32_t *node_next;      /* the next node of its attempt */
    uint8_t *busy;
    uint32_t *row_first;      /* job row -> first node of its attempt */
    int64_t *down;            /* lengths of the times out */
    uint32_t downs_room;
    bool failed;              /* out of memory */
};

/* rows: of jobs.  MW_ENOMEM */
MW_MUST_USE int outcome_init(struct outcome *o, uint32_t nodes, uint32_t rows,
                             struct marks *marks);
void outcome_fini(struct outcome *o);
void outcome_event(struct outcome *o, const struct event *ev, const void *tail);

/* Sorts the times out; at the end. */
struct outcome_counts outcome_counts(struct outcome *o);

#endif
