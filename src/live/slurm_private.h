/*
 * What the parts of the Slurm adapter share: slurm.c (polls, time), slurm_view.c
 * (what the last poll said), slurm_nodes.c and slurm_jobs.c (its difference to
 * the state, as facts), slurm_orders.c and slurm_act_*.c (what was decided).
 */
#ifndef MW_LIVE_SLURM_PRIVATE_H
#define MW_LIVE_SLURM_PRIVATE_H

#include "base/units.h"
#include "live/slurm.h"
#include "live/slurm_text.h"

#define SLURM_PERSON 1u          /* who answers for what others do in Slurm */
#define SLURM_REASON_MAX 512u    /* bytes of a reason or name in the record */
#define SLURM_COMMANDS_MAX 16u   /* commands of orders at once */
#define SLURM_TOGETHER_MAX 256u  /* nodes that one command is about */
#define SLURM_SERVICE_MAX 4u     /* commands about nodes at once: others go together then */
#define SLURM_FAST_NS (200 * MW_NS_PER_MS)
#define SLURM_FAST_FOR_NS (3 * MW_NS_PER_S) /* fast polls after something happened */

/* ---- commands ------------------------------------------------------------------------------- */

/* A command line in the making. */
struct slurm_words {
    const char *argv[16];
    uint32_t words;
    struct text text[6]; /* strings made for it */
    uint32_t texts;
    char end[SLURM_END_SIZE + 1]; /* the end mark it asks for; "" = none */
};

/* A command that runs, or has ended and was not looked at yet.  Outlives the adapter when it is
 * destroyed first. */
struct slurm_command {
    struct slurm *slurm; /* NULL: nobody waits for it any more */
    uint32_t users;      /* orders that wait for it, each of which drops it; a poll is one */
    bool ended, timed_out, cut;
    bool shared;         /* it began with more than one */
    int exit_code;
    char *out, *err; /* owned; NULL when they could not be kept */
    size_t out_size;
    char end[SLURM_END_SIZE + 1]; /* the end mark that it was asked to use */
};

/* A word that lives as long as w's owner; one that is made. */
void slurm_word(struct slurm_words *w, const char *word);
void slurm_wordf(struct slurm_words *w, const char *fmt, ...) MW_PRINTF(2, 3);
void slurm_words_fini(struct slurm_words *w);
/* "sinfo -h -a [-n name] -O FORMAT", "squeue -h -a -t all [-j name] -O FORMAT"; NULL = all */
void slurm_ask_nodes(struct slurm *s, struct slurm_words *w, const char *name);
void slurm_ask_jobs(struct slurm *s, struct slurm_words *w, const char *name);

/* Starts it.  NULL with s->stats.trouble set when it cannot be started. */
struct slurm_command *slurm_command_start(struct slurm *s, const struct slurm_words *w);
/* The last user's: of one that has ended frees it, of one that runs lets it go. NULL is fine. */
void slurm_command_drop(struct slurm_command *c);
/* Did it end well? */
bool slurm_command_ok(const struct slurm_command *c);
/* Is it slurmctld that does not answer (and not a refusal)? */
bool slurm_command_silent(const struct slurm_command *c);
/* One line on what is wrong, for people. */
void slurm_command_words(const struct slurm_command *c, char *ret, size_t size);

/* ---- what a poll said ------------------------------------------------------------------------ */

/* Nodes of one record of sinfo. */
struct slurm_group {
    uint32_t bits;          /* SLURM_NODE_* */
    uint8_t service, owner; /* enum node_service, service_owner */
    char words[SLURM_REASON_MAX]; /* "user: reason"; "" in service */
};

struct slurm_nodes {
    struct slurm_group *group;
    uint32_t groups, room;
    uint32_t *of;           /* per node of the fleet: its group, MW_NONE = not said */
    uint32_t strangers;     /* names that the site file does not have */
    uint64_t hash;          /* of the records; 0 = none read yet */
};

struct slurm_job {
    uint64_t id, hash;
    int64_t start_s, end_s, submit_s, limit_ms;
    uint32_t first_node, nodes; /* rows of the fleet, ascending: in slurm_jobs.node */
    uint32_t strangers;         /* nodes of it that the site file does not have */
    uint32_t node_count, gpus, restarts, user;
    uint32_t name;              /* offset into slurm_jobs.text */
    uint8_t state;              /* enum slurm_job_state */
    bool requeue, exclusive, array;
    /* remembered from poll to poll; only spares work and settles what the state cannot tell */
    bool over;                  /* nothing more will come of it */
    bool followed;              /* the attempt on the board began with `attempt_restarts` */
    uint32_t attempt_restarts;
    int64_t stopped_ms;         /* when it was first seen to complete; 0 */
};

struct slurm_jobs {
    struct slurm_job *row;
    uint32_t rows, rows_max, room;
    struct map index; /* id -> row */
    uint32_t *node;
    uint32_t nodes, nodes_room;
    struct text text; /* "" first */
    bool partial;     /* something could not be read: nothing follows from what is missing */
};

MW_MUST_USE int slurm_nodes_init(struct slurm_nodes *v, uint32_t nodes);
void slurm_nodes_fini(struct slurm_nodes *v);
/* The answer of sinfo, cut up in place.  *ret_changed: it differs from the last one. Negative: the
 * answer is damaged and the view as it was. */
MW_MUST_USE int slurm_nodes_read(struct slurm *s, const struct slurm_command *c, bool *ret_changed,
                                 struct mw_error *err);
/* One record for an order: service and owner of a node that was asked for by name. */
void slurm_group_of(const struct slurm_node_text *t, struct slurm_group *ret);

MW_MUST_USE int slurm_jobs_init(struct slurm_jobs *v, uint32_t rows_max);
void slurm_jobs_fini(struct slurm_jobs *v);
/* The answer of squeue into s->jobs (what was there becomes s->jobs_before). */
MW_MUST_USE int slurm_jobs_read(struct slurm *s, const struct slurm_command *c, bool *ret_changed,
                                struct mw_error *err);
/* Fleet row of a node by name, MW_NONE. */
uint32_t slurm_node_find(const struct fleet *f, const char *name);

/* ---- orders --------------------------------------------------------------------------------- */

/* What an order does next; each but the first is a command. */
enum slurm_next {
    NEXT_WAIT, /* for another order to be answered first */
    NEXT_READ, /* the node's or job's state: before an act and after it */
    NEXT_DRAIN, NEXT_DOWN, NEXT_RESUME,
    NEXT_REQUEUE, NEXT_DELAY, NEXT_READ_NODES, NEXT_START,
    NEXT_HOLD, NEXT_RELEASE, NEXT_REQUIRE,
    NEXT_RESERVE, NEXT_UNRESERVE,
    NEXT_COUNT
};

struct slurm_order {
    struct slurm_order *next;
    struct slurm_order **place; /* where it is known by its node or job; NULL = nowhere */
    struct event ev;     /* engine.order; seq 0 = our own, nobody waits for an answer */
    uint32_t *node;      /* the tail; owned */
    uint32_t nodes;
    uint8_t next_step;        /* enum slurm_next */
    uint8_t result;      /* enum result: is to be answered so; 0 = open */
    uint32_t done;       /* bits 1 << next_step of what was carried out */
    uint32_t tries;      /* in a row without coming nearer */
    int64_t due_ns;      /* of what it does next */
    int64_t refused_ns;  /* since when slurmctld answers, but this does not succeed; 0 */
    int64_t settled_ns;  /* since when it only waits for a poll to say the same; 0 */
    struct slurm_command *command; /* runs or has ended; NULL */
    int64_t given_ns;
    bool waited;         /* behind another owner's order: refused_ns is that one's */
    bool alone;          /* a command that it shared was refused: it goes by itself */
    char *listed;        /* what NEXT_READ_NODES gave; owned; NULL = not asked */
    char task[48];       /* how the job is called in commands */
    char text[SLURM_REASON_MAX];
};

/* Takes a node out of service or back. */
static inline bool slurm_is_service(uint8_t verb)
{
    return verb == ENGINE_DOWN || verb == ENGINE_DRAIN || verb == ENGINE_RESUME;
}

static inline bool slurm_is_about_job(uint8_t verb)
{
    return verb == ENGINE_REQUEUE || verb == ENGINE_HOLD || verb == ENGINE_RELEASE ||
           verb == ENGINE_REQUIRE;
}

/* slurm_verbs.c: what each verb needs.  Both are total over verbs and next steps. */
/* The command of o->next_step; of a service verb for all nodes of s->together.  False: it cannot be
 * made (o->result says so then). */
bool slurm_verb_command(struct slurm *s, struct slurm_order *o, struct slurm_words *w);
/* The answer of NEXT_READ (or NEXT_READ_NODES), well ended: sets next_step and due_ns, or the
 * result. */
void slurm_verb_decide(struct slurm *s, struct slurm_order *o);

/* slurm_orders.c */
void slurm_orders_fini(struct slurm *s);
void slurm_orders_step(struct slurm *s);
int64_t slurm_orders_next_due(const struct slurm *s);
/* Sets the order's answer; text is printf-like. */
void slurm_order_close(struct slurm_order *o, enum result result, const char *fmt, ...)
    MW_PRINTF(3, 4);
/* Looks again after a while that grows with each time. */
void slurm_order_again(struct slurm *s, struct slurm_order *o, int64_t least_ns);
/* Looks again soon: that is how things go.  why: what is said when it takes too long. */
void slurm_order_wait(struct slurm *s, struct slurm_order *o, const char *why);
/* What we ordered was lost by slurmctld: it is carried out once more, where the mode is act. */
void slurm_order_repeat(struct slurm *s, uint32_t node, enum engine_verb verb);

/* ---- the adapter ---------------------------------------------------------------------------- */

enum { POLL_NODES, POLL_JOBS, POLL_PARTS };

struct slurm {
    struct slurm_options options;
    const struct board *board;  /* of options.control */
    const struct fleet *fleet;
    char *conf;                 /* "SLURM_CONF=…", owned; NULL */
    const char *env[3];
    struct slurm_stats stats;
    int64_t now_ns, first_ns;   /* of this tick, of the first one; 0 = none yet */

    /* polls */
    struct slurm_command *poll[POLL_PARTS]; /* NULL = none under way */
    int64_t poll_began_ns, poll_due_ns, poll_took_ns;
    int64_t fast_until_ns;
    uint32_t polls_failed;      /* in a row */
    uint64_t seed;              /* of the next end mark */
    uint32_t interruptions;     /* how often slurmctld was not there, or had just started */

    struct slurm_nodes nodes;
    struct slurm_jobs jobs, jobs_before;

    /* per node */
    struct slurm_order **node_order; /* the newest open one */
    int64_t *node_answered_ns;       /* when one was answered last */
    uint32_t *node_ours;             /* interruptions + 1 when last seen as we ordered; 0 = not */
    /* per row of the board's jobs */
    struct slurm_order **job_order;
    int64_t *job_answered_ns;

    struct slurm_order *orders;      /* all that are open, oldest first */
    uint32_t commands;               /* of orders, that run */
    uint32_t service;                /* those of them that are about nodes */
    uint32_t together[SLURM_TOGETHER_MAX]; /* scratch: the nodes of a command in the making */
    uint32_t togethers;
};

/* Submits a fact of SOURCE_ENGINE; body and kind are filled. */
enum admit slurm_fact(struct slurm *s, struct event *ev, const void *tail, size_t tail_size);
/* Something happened: poll soon and often for a while. */
void slurm_fast(struct slurm *s);

/* Is an order about the node being carried out, or was it answered after the poll was asked? */
static inline bool slurm_node_unsettled(const struct slurm *s, uint32_t node)
{
    const struct slurm_order *o = s->node_order[node];
    return (o && !o->refused_ns) || s->node_answered_ns[node] >= s->poll_began_ns;
}

void slurm_nodes_compare(struct slurm *s);
void slurm_jobs_compare(struct slurm *s);

#endif
