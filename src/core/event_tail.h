/*
 * What follows the 128 bytes of an event: a list of rows of one kind, or text.
 * As in the event itself, the layout on disk and in memory is the same.
 */
#ifndef MW_CORE_EVENT_TAIL_H
#define MW_CORE_EVENT_TAIL_H

#include "base/base.h"

#define EVENT_TAIL_MAX (64u * 1024u)

/* What a kind's tail holds. */
enum event_tail {
    TAIL_NONE,
    TAIL_NODES,  /* uint32_t node[] */
    TAIL_TEXT,   /* UTF-8, no ending */
    TAIL_SUMS,   /* struct step_sum[]: the alternatives of a step, the chosen one among them */
    TAIL_CAUSES, /* struct cause_rank[]: what could explain the findings, best first */
};

/* One alternative of a step: expected costs in micro-dollars.  Its total is their sum. */
struct step_sum {
    int64_t action_uusd;  /* what it takes, without part and crew */
    int64_t part_uusd;
    int64_t crew_uusd;
    int64_t waiting_uusd; /* the node earns nothing until it is back, waiting for a part with it */
    int64_t harm_uusd;    /* to the job on the node */
    int64_t retry_uusd;   /* it does not help: the steps after it, times the odds of that */
    int64_t refault_uusd; /* it passes the gate and does not hold, times the odds of that */
    int64_t total_uusd;
    uint32_t odds_ppm;    /* that it cures */
    uint32_t tried, held; /* what the odds rest on: repairs seen, and how many held */
    uint8_t step;         /* enum care_step */
    uint8_t drain;        /* enum drain_how; 0 = the job keeps the node */
    uint8_t bar;          /* enum step_bar */
    uint8_t waits;        /* 1 = to go on waiting for the order that is open and stuck */
};
/* One thing that could explain findings. */
struct cause_rank {
    uint64_t component;
    uint32_t seen, below; /* symptoms on what hangs on it, and how many there could be */
    int32_t score;        /* higher explains better: care_cause.h */
    uint32_t reserved;
};
_Static_assert(sizeof(struct step_sum) == 80, "as on disk");
_Static_assert(sizeof(struct cause_rank) == 24, "as on disk");

#endif
