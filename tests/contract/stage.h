/*
 * The stage: a live site (live/live.h) under test in one of the worlds, with
 * its record, and what a story needs to wait and to look.  Everything recorded
 * is kept in order.  The daemon can be killed between a decision and its
 * action, and is then made again from its record.
 *
 * For tests: what cannot be done fails the running test (cmocka).
 */
#ifndef MW_CONTRACT_STAGE_H
#define MW_CONTRACT_STAGE_H

#include "base/units.h"
#include "live/live.h"
#include "live/policy.h"
#include "world.h"

#define STAGE_JOBS_MAX 1024u

struct note {
    struct event ev;
    void *tail; /* owned */
};

struct stage {
    struct world world;
    struct fleet *fleet;
    struct control_policy policy;
    struct journal *journal;
    struct live *live;       /* NULL while the daemon is dead */
    uint8_t mode;

    struct note *log;        /* all that was recorded */
    uint32_t length, room;
    uint32_t job[STAGE_JOBS_MAX]; /* Slurm's numbers in the order of submission */
    uint32_t jobs;

    bool kill_at_order;      /* the next committed order kills the daemon before it goes out */
    bool dead;               /* it was killed; nothing more goes out */
    uint32_t kills;
    uint64_t changes;        /* commands started that change something in Slurm */
};

/* A fresh record in the given mode; the world is borrowed and kept. */
void stage_open(struct stage *s, const struct world *w, uint8_t mode);
void stage_close(struct stage *s);

/* One turn of the loop, at most until then. */
void stage_turn(struct stage *s, int64_t until_ns);
/* Until it is so; false after limit_s. */
typedef bool stage_is_fn(struct stage *s, uint32_t a, uint32_t b);
bool stage_until(struct stage *s, stage_is_fn *is, uint32_t a, uint32_t b, int64_t limit_s);
/* The same, and a story that waits in vain fails: `what` says for what. */
void stage_await(struct stage *s, stage_is_fn *is, uint32_t a, uint32_t b, const char *what);
void stage_pass(struct stage *s, int64_t ns);

/* Kills the daemon now; it begins again with the next turn. */
void stage_kill(struct stage *s);

/* ---- what is so ----------------------------------------------------------------------------- */

bool stage_job_runs(struct stage *s, uint32_t job, uint32_t attempt); /* job: from 0 */
bool stage_job_over(struct stage *s, uint32_t job, uint32_t unused);
bool stage_node_is(struct stage *s, uint32_t node, uint32_t health);
bool stage_node_served(struct stage *s, uint32_t node, uint32_t reported); /* service|owner<<4 */
bool stage_quiet(struct stage *s, uint32_t a, uint32_t b); /* no order without an answer */
bool stage_no_incidents(struct stage *s, uint32_t a, uint32_t b);
bool stage_agents_heard(struct stage *s, uint32_t count, uint32_t b);
bool stage_recorded(struct stage *s, uint32_t kind, uint32_t count); /* at least so many */
uint32_t stage_count(const struct stage *s, uint32_t kind);
uint32_t stage_count_orders(const struct stage *s, uint32_t kind, uint8_t verb, uint32_t node);
/* Does a node of the job's gang hold it, by the record? The i-th node of its gang; MW_NONE. */
uint32_t stage_gang(const struct stage *s, uint32_t job, uint32_t i);

/* ---- what people do ------------------------------------------------------------------------- */

uint32_t stage_sbatch(struct stage *s, uint32_t nodes, uint32_t run_s); /* its number, from 0 */

/* The record decided again gives the same decisions; fails the test with the first difference. */
void stage_rederive(const struct stage *s);

#endif
