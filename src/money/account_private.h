/* What account.c (making), account_apply.c (the fold) and account_settle.c (the sums) share. */
#ifndef MW_MONEY_ACCOUNT_PRIVATE_H
#define MW_MONEY_ACCOUNT_PRIVATE_H

#include "money/account.h"

#define ACCOUNT_COLUMNS_MAX 48
#define ACCOUNT_ALLOCATED UINT8_MAX /* node_class: the time belongs to the attempt on it */

enum { PHASE_NONE, PHASE_STARTING, PHASE_RUNNING };
enum { MISFIT_JOB_ROW = 1, MISFIT_NODE_TWICE = 2 };

struct account {
    struct board *board;
    struct account_policy policy;

    /* state: sums of closed intervals */
    int64_t start_ms; /* when the accounts begin; 0 = not yet */
    int64_t gpu_ms[ACCOUNT_CLASS_COUNT];
    int64_t by_cause[CAUSE_COUNT * ACCOUNT_CLASS_COUNT];
    int64_t ettr_productive, ettr_wall;
    uint64_t ettr_jobs;

    /* state: spares (account_spare.c) */
    int64_t spare_gpu_ms; /* of what is booked as idle, or will be: up to spare_since_ms */
    int64_t spare_since_ms;
    uint64_t spare_gpus;  /* kept */
    uint64_t idle_gpus;   /* on nodes that are idle now */

    /* state: maintenance windows, as their commands said */
    uint64_t window[BOARD_WINDOWS_MAX]; /* sequence of the command; 0 = free row */
    int64_t window_from_ms[BOARD_WINDOWS_MAX], window_to_ms[BOARD_WINDOWS_MAX];
    uint32_t window_first[BOARD_WINDOWS_MAX], window_count[BOARD_WINDOWS_MAX];
    uint8_t window_on[BOARD_WINDOWS_MAX];
    uint8_t *node_planned; /* per node: a window is on */

    /* state: per node */
    uint8_t *node_class;
    uint16_t *node_cause;
    int64_t *node_since_ms;
    int64_t *node_lost;

    /* state: per job row */
    uint8_t *phase;
    uint32_t *gpus_held;      /* GPUs of all its nodes */
    int64_t *place_ms, *end_ms; /* start of the present attempt, end of the last one */
    int64_t *mark_ms;         /* accounted up to here … */
    int64_t *mark_progress_ms, *mark_checkpoint_ms; /* … with this progress */
    int64_t *interval_ms;
    /* what ended the attempt before, taken at the start of this one: its losses are to that */
    uint16_t *start_class;
    uint32_t *start_slot;
    uint64_t *start_incident;
    /* what was last found wrong with a node under it: slowness is to that */
    uint16_t *slow_class;
    uint32_t *slow_slot;
    uint64_t *slow_incident;

    struct column column[ACCOUNT_COLUMNS_MAX];
    uint32_t columns;
};

/* GPUs at work for a job: all it asked for, or all its nodes have where that is less. */
static inline int64_t account_gpus(const struct account *a, uint32_t slot)
{
    return MW_MIN(a->board->job_gpus[slot], a->gpus_held[slot]);
}

uint8_t account_apply(void *self, const struct event *ev, const void *tail);

/* account_apply.c: a node that no attempt holds begins the class that it has now. */
void account_reclass(struct account *a, uint32_t node, int64_t now_ms);

/* account_spare.c */
/* Idle time up to now is counted, before anything of it changes. */
void account_spare_reach(struct account *a, int64_t now_ms);
void account_spare_sized(struct account *a, const struct body_spares *s);
/* Spare GPU-ms up to now: that much of what is idle. */
int64_t account_spare_sum(const struct account *a, int64_t now_ms);
/* A node changes its class: every change goes through here. */
void account_set_class(struct account *a, uint32_t node, uint8_t class);
void account_window_command(struct account *a, const struct event *ev);
void account_window_time(struct account *a, int64_t now_ms); /* begins and ends what is due */

/* account_apply.c: the incident while it is the one that was meant, else MW_NONE. */
uint32_t account_still_open(const struct board *b, uint32_t slot, uint64_t incident);
/* How many incidents above each other a loss is added to at most. */
#define ACCOUNT_CAUSES_MAX 64u

/* The class of a node that no attempt holds, a window apart. */
uint8_t account_class_of(const struct board *b, uint32_t node);
uint16_t account_cause_of(uint16_t fault_class);

/* How the time of an attempt divides: filled by account_split, ms of one GPU. */
struct split {
    int64_t waiting_ms, restart_ms, checkpoint_ms, degraded_ms, recompute_ms, productive_ms;
};
/* A stretch that ended before work went on: what its start should have taken, then waiting. */
struct split account_split_start(int64_t length_ms, int64_t restart_ms);
/* A stretch of running: `gained` progress and `written` checkpoint time came out of it, and
 * progress below `behind_ms` more than its start had been done before. */
struct split account_split_running(int64_t length_ms, int64_t gained_ms, int64_t written_ms,
                                   int64_t behind_ms);

#endif
