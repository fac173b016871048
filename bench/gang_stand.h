/*
 * A site full of gangs, for benchmarks: a controller, what runs on it, and a
 * hand that submits, starts and ends jobs.  It places nothing itself: it reads
 * from the actions where the controller put each gang.
 */
#ifndef MW_BENCH_GANG_STAND_H
#define MW_BENCH_GANG_STAND_H

#include "control/control.h"
#include "measure.h"

#define GANG_FOUR 4u
#define GANG_RUNNING_MAX 65536u
#define GANG_OFFERS_MAX 1024u /* submitted and not yet committed */

/* Times of submissions, ns. */
struct gang_times {
    uint64_t *ns; /* owned */
    uint32_t length, room;
};
double gang_percentile_us(const struct gang_times *t, uint32_t percent); /* 100 = the slowest */
void gang_times_fini(struct gang_times *t);

/* A running gang. */
struct gang_life {
    uint64_t job;
    uint32_t slot, attempt, nodes, groups;
};

struct gang_stand {
    struct measure *measure;
    struct fleet *fleet;
    struct control *control;
    struct gang_life *life; /* those that run; owned */
    uint32_t running;
    struct gang_life placed[GANG_OFFERS_MAX]; /* what the controller placed last, by job */
    uint32_t first_node[GANG_OFFERS_MAX];
    uint64_t jobs, step;     /* given out so far; of the random choices */
    int64_t now_ns;
    uint32_t crossed, placed_four;
};

/* A fresh site and controller over a journal (borrowed), policy at_once.  What fails ends the
 * program, here and below. */
void gang_stand_init(struct gang_stand *s, struct measure *m, struct journal *j, const char *shape,
                     uint32_t gpus);
void gang_stand_fini(struct gang_stand *s);

/* Submits a job of so many nodes and commits; its place must be decided in that.  The time goes
 * into t unless that is NULL.  Then it is said to run. */
struct gang_life gang_submit(struct gang_stand *s, uint32_t nodes, struct gang_times *t);
/* The same in two: submits without a commit and gives the job's number; after the commit its
 * place. */
uint64_t gang_offer(struct gang_stand *s, uint32_t nodes);
struct gang_life gang_placed(struct gang_stand *s, uint64_t job);
void gang_commit(struct gang_stand *s);
void gang_end(struct gang_stand *s, const struct gang_life *life);

/* Fills the empty site to 95 % of its nodes: half of them with gangs of 8 .. 512, half with gangs
 * of four. */
void gang_fill(struct gang_stand *s);
/* So many times: one of those that run, by chance, ends, and one of as many nodes is submitted. */
void gang_churn(struct gang_stand *s, uint32_t cycles, struct gang_times *t);
/* One of those that run, by chance; only of four nodes when told so. */
struct gang_life *gang_any(struct gang_stand *s, bool four);
void gang_add_time(struct gang_times *t, uint64_t ns);

double gang_busy(const struct gang_stand *s);         /* part of the nodes */
double gang_part_of_four(const struct gang_stand *s); /* of those that run */
double gang_resident_mib(void);                       /* of this process now */

#endif
