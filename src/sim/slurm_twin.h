/*
 * A simulated Slurm: slurmctld, its slurmds and its jobs, answering the
 * command lines that live/slurm.h uses (scontrol, squeue) in the text that
 * Slurm 22.05 answers with, over virtual time.  Made to be mistaken for the
 * real one: the contract stories run on both and are compared event by event.
 * It also plays the agents on the nodes: what happens there is told as words,
 * which whoever drives it turns into what agents would send.
 *
 * What it takes from the real one, each recorded from 22.05.8:
 * - scheduling is FIFO, whole nodes, neighbours where there are (the smallest run
 *   that suffices); a pass a fraction of a second after something changed;
 * - a dead slurmd is not responding after slurmd_timeout and DOWN after twice
 *   that; its job goes back to the queue and waits requeue_hold there, unless
 *   its StartTime is set again;
 * - a node set DOWN kills and requeues at once; DRAIN lets jobs end; a job that
 *   ends is COMPLETING on nodes whose slurmd lives for some 60 ms;
 * - a DOWN node that answers returns as ReturnToService says; a resumed one is
 *   NOT_RESPONDING until it has answered; all are UNKNOWN after slurmctld began;
 * - a command repeats itself for nine seconds while slurmctld is away.
 *
 * No clock, no randomness but the seed's.  One thread.
 */
#ifndef MW_SIM_SLURM_TWIN_H
#define MW_SIM_SLURM_TWIN_H

#include "base/process.h"

#define SLURM_TWIN_NODES_MAX 256u
#define SLURM_TWIN_COMMANDS_MAX 1024u /* at once; more are refused: MW_ELIMIT */

struct slurm_twin_options {
    const char *const *node; /* names, NULL-ended; borrowed */
    uint32_t gpus;           /* of each node */
    int64_t slurmd_timeout_ns, requeue_hold_ns, min_job_age_ns;
    int64_t command_ns;      /* a command takes this long */
    int64_t beat_ns;         /* between two beats of an agent */
    uint8_t return_to_service; /* as in slurm.conf: 0, 1, 2 */
    uint64_t seed;
};

/* What happens on a node, as its agent tells it. */
enum twin_tell {
    TWIN_HELLO = 1, /* it has connected; what is down is told after it */
    TWIN_BEAT,
    TWIN_UNIT_UP,   /* text: the program */
    TWIN_UNIT_DOWN,
    TWIN_KERNEL,    /* text: the line */
    TWIN_LOST,      /* its connection has ended */
};
typedef void twin_told_fn(void *ctx, uint32_t node, enum twin_tell what, const char *text);

struct slurm_twin;
MW_MUST_USE int slurm_twin_create(const struct slurm_twin_options *o, int64_t now_ns,
                                  struct slurm_twin **ret);
void slurm_twin_destroy(struct slurm_twin *t);

/* The port that the adapter is given.  Answers come from slurm_twin_step(). */
struct process_port slurm_twin_process(struct slurm_twin *t);

/* Who hears the agents; NULL: nobody, they try again until somebody does. */
void slurm_twin_listen(struct slurm_twin *t, twin_told_fn *told, void *ctx);
/* Whoever started commands is gone: their answers go to nobody, what they do is done. */
void slurm_twin_orphan(struct slurm_twin *t);

/* Lets time pass to now_ns: commands are answered, slurmds found dead, jobs started. */
void slurm_twin_step(struct slurm_twin *t, int64_t now_ns);
int64_t slurm_twin_next_ns(const struct slurm_twin *t);

/* What people and fate do.  The job's number. */
uint32_t slurm_twin_sbatch(struct slurm_twin *t, uint32_t nodes, int64_t run_ns);
void slurm_twin_scancel(struct slurm_twin *t, uint32_t job);
void slurm_twin_drain(struct slurm_twin *t, uint32_t node, const char *user, const char *reason);
void slurm_twin_resume(struct slurm_twin *t, uint32_t node);
void slurm_twin_slurmd(struct slurm_twin *t, uint32_t node, bool up);
void slurm_twin_agent(struct slurm_twin *t, uint32_t node, bool up);
void slurm_twin_kernel(struct slurm_twin *t, uint32_t node, const char *line);
/* slurmctld ends, or begins again with what it had saved. */
void slurm_twin_ctld(struct slurm_twin *t, bool up);
/* Of 1000 commands so many are lost (fail without effect), or carried out and answered with an
 * error: for sweeps. */
void slurm_twin_faults(struct slurm_twin *t, uint32_t lost_permille, uint32_t unanswered_permille);

/* What slurmctld holds to be so, for checkers: the texts are those of `scontrol show`. */
struct slurm_twin_node {
    bool slurmd, agent; /* alive */
    bool in;            /* takes jobs: neither drained nor down, answers */
    uint32_t job;       /* 0 = none */
    const char *reason; /* "" = none; borrowed until the next call */
    uint32_t lifted, overwritten; /* times that a command of the port did so to a person's drain
                                     although the port had been told of it */
};
struct slurm_twin_node slurm_twin_node(const struct slurm_twin *t, uint32_t node);
struct slurm_twin_job {
    const char *state; /* "PENDING"; NULL when it is forgotten */
    uint32_t restarts;
};
struct slurm_twin_job slurm_twin_job(const struct slurm_twin *t, uint32_t job);
/* Commands of the port that changed something, as asked: a checker wants none in observe mode. */
uint64_t slurm_twin_changes(const struct slurm_twin *t);

#endif
