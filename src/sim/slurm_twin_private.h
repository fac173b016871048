/* What slurm_twin.c (people, fate, agents), _ctld.c (nodes and jobs as slurmctld keeps them),
 * _command.c (command lines), _reserve.c (reservations) and _text.c (answers) share. */
#ifndef MW_SIM_SLURM_TWIN_PRIVATE_H
#define MW_SIM_SLURM_TWIN_PRIVATE_H

#include "base/text.h"
#include "base/units.h"
#include "sim/slurm_twin.h"

#define TWIN_REASON_MAX 256
#define TWIN_JOBS_MAX 4096u
/* For slurm_twin_node(): a reason without the first is a person's, and so is one with the second,
 * which was set for a person. */
#define TWIN_OURS "mw:"
#define TWIN_PERSONS "mw:person "

struct twin_set {
    uint64_t bit[SLURM_TWIN_NODES_MAX / 64];
};
static inline bool twin_has(const struct twin_set *s, uint32_t node)
{
    return s->bit[node / 64] >> (node % 64) & 1;
}
static inline void twin_add(struct twin_set *s, uint32_t node)
{
    s->bit[node / 64] |= UINT64_C(1) << (node % 64);
}

/* slurmctld reckons in whole seconds. */
static inline int64_t twin_whole(int64_t time_ns)
{
    return time_ns - time_ns % MW_NS_PER_S;
}

struct twin_node {
    /* the machine */
    bool slurmd, agent;
    bool told;           /* its agent has a connection */
    int64_t quiet_ns;    /* slurmd dead since; MW_NEVER */
    int64_t tell_ns;     /* what the agent says next: a beat, or another try to connect */
    int64_t unit_ns;     /* when the agent sees slurmd's change; MW_NEVER */
    /* as slurmctld keeps it */
    bool down, unknown, drain, mute;
    bool by_engine;      /* DOWN because it was mute */
    char reason[TWIN_REASON_MAX], user[32];
    int64_t reason_ns;
    int64_t read_ns;     /* the port was last told of it */
    int64_t answer_ns;   /* it answers then if its slurmd lives; MW_NEVER */
    int64_t clean_ns;    /* COMPLETING until then; MW_NEVER = is not */
    uint32_t job;        /* row, MW_NONE */
    uint32_t lifted, overwritten;
};

enum twin_state { TWIN_PENDING, TWIN_RUNNING, TWIN_COMPLETED, TWIN_CANCELLED, TWIN_NODE_FAIL };

struct twin_job {
    uint32_t id, wanted, restarts;
    uint8_t state;       /* enum twin_state: what it is, or becomes when it is not completing */
    bool completing;
    bool cancelled;      /* by a signal, not while it waited */
    bool held;           /* does not start */
    const char *why;     /* pending: the reason shown */
    int64_t run_ns, submit_ns, begin_ns, start_ns, end_ns; /* 0 = unknown */
    struct twin_set on, not_on;
    struct twin_set must_on; /* starts with these, or not */
    uint32_t batch;      /* first node of its last run, MW_NONE */
};

#define TWIN_RESERVATIONS_MAX 64u

struct twin_reservation {
    char name[64]; /* "" = free row */
    struct twin_set on;
    int64_t from_ns, to_ns;
};

struct twin_command {
    char **argv; /* owned, with their count */
    uint32_t argc;
    process_done_fn *done; /* NULL: nobody waits for it */
    void *ctx;
    int64_t due_ns, deadline_ns, give_up_ns;
    uint64_t nth;
    bool seconds;          /* asked for times as seconds */
};

struct slurm_twin {
    struct slurm_twin_options options;
    uint32_t nodes;
    int64_t now_ns;
    bool ctld;
    int64_t pass_ns;  /* the next look at the queue; MW_NEVER */
    struct twin_node node[SLURM_TWIN_NODES_MAX];
    struct twin_job *job; /* by order of submission */
    uint32_t jobs, last_id;
    struct twin_reservation reservation[TWIN_RESERVATIONS_MAX];
    uint32_t reservations; /* rows ever used */
    struct twin_command command[SLURM_TWIN_COMMANDS_MAX];
    uint32_t commands;
    uint64_t commands_begun, changes;
    uint32_t lost_permille, unanswered_permille;
    twin_told_fn *told;
    void *told_ctx;
};

/* ---- slurm_twin_ctld.c: nothing of it is called while slurmctld is away ---------------------- */

void twin_set_reason(struct slurm_twin *t, struct twin_node *n, const char *user,
                     const char *reason);
void twin_node_down(struct slurm_twin *t, uint32_t node);
void twin_node_resume(struct slurm_twin *t, uint32_t node);
void twin_node_answers(struct slurm_twin *t, uint32_t node);
struct twin_job *twin_job_find(const struct slurm_twin *t, uint32_t id);
void twin_job_requeue(struct slurm_twin *t, struct twin_job *j);
void twin_job_cancel(struct slurm_twin *t, struct twin_job *j);
/* Something has changed: the queue is looked at soon. */
void twin_look(struct slurm_twin *t);
void twin_ctld_begins(struct slurm_twin *t);
int64_t twin_ctld_next(const struct slurm_twin *t);
void twin_ctld_step(struct slurm_twin *t); /* what is due at now_ns */

/* ---- slurm_twin_command.c -------------------------------------------------------------------- */

int64_t twin_command_next(const struct slurm_twin *t);
void twin_command_step(struct slurm_twin *t);
void twin_command_free(struct twin_command *c);

/* ---- slurm_twin_reserve.c -------------------------------------------------------------------- */

/* Is the node kept free by a reservation? */
bool twin_reserved(const struct slurm_twin *t, uint32_t node);
/* When the next one ends; MW_NEVER. */
int64_t twin_reserve_next(const struct slurm_twin *t);
void twin_reserve_step(struct slurm_twin *t);
/* A program's exit code, its words in out and err. */
int twin_reserve_create(struct slurm_twin *t, const char *name, const struct twin_set *on,
                        int64_t minutes, struct text *out, struct text *err);
int twin_reserve_delete(struct slurm_twin *t, const char *name, struct text *err);
void twin_reserve_show(const struct slurm_twin *t, struct text *out);

/* ---- slurm_twin_text.c ----------------------------------------------------------------------- */

void twin_print_node(const struct slurm_twin *t, uint32_t node, struct text *out);
void twin_print_job(const struct slurm_twin *t, const struct twin_job *j, struct text *out);
/* With -O's format; times as seconds or as dates.  False: a field that the twin does not know. */
bool twin_print_job_fields(const struct slurm_twin *t, const struct twin_job *j,
                           const char *format, bool seconds, struct text *out);
/* One record for nodes that are alike. */
bool twin_print_node_fields(const struct slurm_twin *t, const struct twin_set *of,
                            const char *format, bool seconds, struct text *out);
/* Host list of a set. */
void twin_print_set(const struct slurm_twin *t, const struct twin_set *set, struct text *out);
const char *twin_job_state(const struct twin_job *j);
/* "2026-11-22T11:05:34", UTC; `none` for a time that is not there. */
const char *twin_when(int64_t time_ns, const char *none, char buffer[32]);

#endif
