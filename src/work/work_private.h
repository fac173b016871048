/* What work.c (making, admission), queue.c, gang.c and work_step.c share. */
#ifndef MW_WORK_WORK_PRIVATE_H
#define MW_WORK_WORK_PRIVATE_H

#include "work/work.h"

#define WORK_COLUMNS_MAX 24
#define WORK_ASKED_MAX 64u  /* orders of persons to the engine that have no answer */
#define WORK_STOPS_MAX 256u  /* stops asked for within one group; a cascade has fewer rounds */
#define QUEUE_SCAN_MAX 512u  /* jobs looked at behind a blocked one; the rest wait a pulse */

enum { MISFIT_ATTEMPT = 1, MISFIT_JOB = 2, MISFIT_NODE_BUSY = 3 };

/* A running attempt that has to stop, and why. */
struct stop {
    uint64_t incident;
    uint32_t slot, attempt, node, incident_slot;
    uint32_t actor; /* a person asked for it; 0 = automation */
    uint16_t class;
    uint8_t how;
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
    uint64_t asked[WORK_ASKED_MAX];    /* persons' orders to the engine, unanswered; 0 = free */

    /* indexes, from the board */
    uint8_t *free;          /* per node */
    uint32_t *group_free;   /* per placement group */
    uint32_t *groups_with;  /* how many groups have so many free, up to group_size_max */
    uint8_t *serving;       /* per node: ready and not held, whoever is on it */
    uint32_t groups, free_total, serving_total, group_size_max;

    /* scratch: empty between groups of events */
    struct stop stop[WORK_STOPS_MAX];
    uint32_t stop_head, stop_length;
    uint32_t look; /* gangs that may still be placed in this pulse */
    struct event want; /* a person's command for the engine; kind 0 = none */

    struct column column[WORK_COLUMNS_MAX];
    uint32_t columns;
};

/* queue.c */
/* By arrival: a restarted job gets its old place. */
void queue_insert(struct work *w, uint32_t slot);
void queue_remove(struct work *w, uint32_t slot);
/* The job to place next on `free` nodes, MW_NONE when none may be. */
uint32_t queue_pick(const struct work *w);

/* gang.c */
void gang_refresh(struct work *w, uint32_t node); /* after anything that may change schedulable */
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
uint8_t work_apply(void *self, const struct event *ev, const void *tail);
bool work_decide(void *self, struct decision *out);
void work_quiet(void *self);

#endif
