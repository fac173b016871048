/*
 * Our withdrawals of nodes beside the team's, from the record alone.
 *
 * Ours: from a node's leaving ready, a drain, an order to Slurm to take it out,
 * or the advice to do so, until the incident is closed or somebody returns the
 * node.  Theirs: from Slurm's saying that others drained it or set it down,
 * until it is theirs no longer.  What Slurm itself found down is nobody's
 * withdrawal: it confirms ours.
 *
 * Two belong together when they overlap, or begin within the window of each
 * other, on the same node; what belongs to one that belongs to another is one
 * row.  Everything is measured: times of events, GPUs of the node.  A withdrawal
 * that is not over lasts to the end of the record.
 */
#ifndef MW_CONTROL_SHADOW_H
#define MW_CONTROL_SHADOW_H

#include "control/words.h"

#define SHADOW_REASON_MAX 128
#define SHADOW_ROWS_MAX 1000000u /* withdrawals; more are MW_ELIMIT */

enum shadow_group { SHADOW_SAME, SHADOW_OURS, SHADOW_THEIRS, SHADOW_GROUPS };
const char *shadow_group_name(uint32_t group);

/* What became of a withdrawal that only one side made. */
enum shadow_verdict {
    VERDICT_NONE,
    VERDICT_CONFIRMED,   /* ours: Slurm itself found the node down, or it ended a job, which our own
                            order did not */
    VERDICT_FALSE_DRAIN, /* ours, only advised: the job on the node ended well, and no fault of the
                            node ended it */
    VERDICT_UNJUDGED,    /* ours: really withdrawn, or no job was there to show it */
    VERDICT_PLANNED,     /* theirs: the reason has a word of maintenance */
    VERDICT_MISS,        /* theirs: any other reason */
    VERDICT_COUNT
};
const char *shadow_verdict_name(uint32_t verdict);
/* "maint, reboot, upgrade, …": what makes a reason planned. */
const char *shadow_planned_words(void);

struct shadow_side {
    uint64_t seq;          /* the event it began with; 0 = this side did nothing */
    int64_t begin_ns, end_ns;
    uint32_t times;        /* withdrawals in this row */
    bool open;             /* not over at the end of the record */
    int64_t gpu_ms;        /* within the time looked at */
};

struct shadow_row {
    uint32_t node;
    uint8_t group;         /* enum shadow_group */
    uint8_t verdict;       /* enum shadow_verdict */
    struct shadow_side ours, theirs;
    int64_t lead_ns;       /* same: theirs began so much after ours; < 0 = before */
    /* ours: the evidence */
    uint64_t finding_seq, incident;
    uint16_t class;
    uint32_t detail;       /* of the first finding */
    bool advised;          /* it stayed advice */
    uint64_t confirm_seq;  /* the event that confirms or contradicts it; 0 */
    /* theirs */
    uint8_t service;       /* enum node_service */
    char reason[SHADOW_REASON_MAX]; /* "" = none given; cut */
};

struct shadow_options {
    int64_t since_ns;  /* this much before the record's last event; <= 0 = all of it */
    int64_t window_ns; /* begin within this: the same */
};

struct shadow {
    int64_t from_ns, to_ns;       /* the time looked at */
    struct shadow_row *row;       /* owned: by group, then by begin, then by node */
    uint32_t rows;
    uint32_t count[SHADOW_GROUPS], verdicts[VERDICT_COUNT];
    int64_t ours_gpu_ms[SHADOW_GROUPS], theirs_gpu_ms[SHADOW_GROUPS];
    uint32_t ours_first, theirs_first; /* of the same: who was first */
    uint32_t engine_down;         /* times that Slurm itself took a node out */
};

/* MW_ECORRUPT etc. from reading; MW_ELIMIT; MW_ENOMEM. */
MW_MUST_USE int shadow_compare(struct journal *j, const struct words *w,
                               const struct shadow_options *o, struct shadow *ret,
                               struct mw_error *err);
void shadow_fini(struct shadow *s); /* zeroed is fine */

/* Does the reason say that it was planned? */
bool shadow_is_planned(const char *reason);

#endif
