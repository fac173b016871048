/*
 * Why a job waits, from the state: how many nodes it needs, where the site's
 * nodes are, who is in front of it.  Under Slurm this says what we know of the
 * nodes; the order of the queue is Slurm's own.  Pure: reads the state.
 */
#ifndef MW_CONTROL_PENDING_H
#define MW_CONTROL_PENDING_H

#include "control/words.h"

/*      enum               name         what it is */
#define PENDING_PLACES(X)                                                                       \
    X(PLACE_FREE,          "free",      "ready, nobody is on it: a gang may be placed there")    \
    X(PLACE_BUSY,          "busy",      "ready, a job runs on it")                               \
    X(PLACE_SICK,          "sick",      "broken, in repair, at its gate or on probation")        \
    X(PLACE_HELD,          "held",      "a person holds it")                                     \
    X(PLACE_OTHERS,        "others",    "others took it out of Slurm; only they return it")      \
    X(PLACE_SILENT,        "silent",    "Slurm says that it does not answer")                    \
    X(PLACE_RETURNABLE,    "returnable", "good again, but still out of Slurm by our order")        \
    X(PLACE_RETIRED,       "not-in-service", "not in service yet, or retired")

enum pending_place {
#define X(e, name, doc) e,
    PENDING_PLACES(X)
#undef X
    PLACE_COUNT
};
const char *pending_place_name(uint32_t place);
const char *pending_place_doc(uint32_t place);

enum pending_verdict {
    PENDING_NOT,        /* it does not wait: it is placed or runs */
    PENDING_ENGINE,     /* Slurm decides */
    PENDING_TOO_LARGE,  /* more nodes than the site can ever give */
    PENDING_BEHIND,     /* somebody in front comes first, or the free nodes are kept from it */
    PENDING_NODES,      /* too few nodes are free */
    PENDING_NEXT,       /* it fits: the next look at the queue places it */
};

#define PENDING_AHEAD_MAX 8u

struct pending {
    uint64_t job, submit_seq;
    int64_t submit_ms;
    uint32_t slot, nodes, gpus;       /* what it needs */
    uint32_t attempt;                 /* the last; 0 = it never ran */
    uint8_t priority, state;          /* enum board_job_state */
    uint8_t verdict;                  /* enum pending_verdict */
    uint64_t incident;                /* that ended its last attempt; 0 */
    uint32_t ahead;                   /* queued jobs before it */
    uint64_t ahead_job[PENDING_AHEAD_MAX];   /* the first of them */
    uint32_t ahead_nodes[PENDING_AHEAD_MAX]; /* what they need */
    uint8_t *place;                   /* owned: per node, enum pending_place */
    uint32_t count[PLACE_COUNT];
    uint32_t nodes_total;
    bool tripped;                     /* the guard: see guard.h */
    struct work_why work;             /* our own engine: what work says of it */
};

/* MW_ENOTFOUND when the state has no such job (it may have ended); MW_ENOMEM. */
MW_MUST_USE int pending_explain(const struct control *c, uint64_t job, struct pending *ret,
                                struct mw_error *err);
void pending_fini(struct pending *p); /* zeroed is fine */

/* The answer in a sentence or two. */
void pending_words(struct text *t, const struct pending *p);

#endif
