/*
 * For tests of the Slurm adapter: a real cluster on this machine (script/
 * slurm-lab), a controller with its journal in memory, the adapter between them
 * with real processes and the real clock, and everything that was recorded.
 * Helpers fail the running test when they cannot do what they are asked.
 */
#ifndef MW_LIVE_SLURM_TESTING_H
#define MW_LIVE_SLURM_TESTING_H

#include "control/control.h"
#include "live/slurm.h"

struct slurm_testing_event {
    struct event ev;
    void *tail; /* owned; NULL when there is none */
};

struct slurm_testing {
    char dir[64]; /* of the cluster; DIR/slurm.conf, DIR/site.yaml */
    char conf[96];
    struct event_base *base;
    struct process_run *run;
    struct fleet *fleet;
    struct journal *journal;
    struct control *control;
    struct slurm *slurm;
    struct slurm_testing_event *log; /* all that was committed */
    uint32_t log_length, log_room;
    uint32_t mark;                   /* where slurm_testing_find() begins */
    int64_t command_ns, silence_ns;  /* for the adapter; 0 = its own */
    char output[65536];              /* of the last shell command */
};

/* Starts and stops the cluster, once for all tests of a program. */
void slurm_testing_start(struct slurm_testing *t, uint32_t nodes);
void slurm_testing_stop(struct slurm_testing *t);

/* A new controller and adapter on it, by the live policy with a probation of a second at most; mode
 * is enum guard_mode. */
void slurm_testing_open(struct slurm_testing *t, uint8_t mode);
/* The adapter alone is made again, as after a crash of the daemon: pending actions are given. */
void slurm_testing_reopen(struct slurm_testing *t);
/* Ends them; the cluster is made whole again: no jobs, no drains, all slurmds, slurmctld. */
void slurm_testing_close(struct slurm_testing *t);

/* Runs a shell command with SLURM_CONF set and the cluster's folder as $LAB; gives what it wrote,
 * without the last line break, in a buffer that the next call uses again.  It has to succeed. */
const char *slurm_testing_shell(struct slurm_testing *t, const char *fmt, ...) MW_PRINTF(2, 3);
/* sbatch --parsable with these words; the job's number. */
uint64_t slurm_testing_sbatch(struct slurm_testing *t, const char *words);

/* Lets the adapter run until true, at most seconds; false when it was not. */
typedef bool slurm_testing_fn(struct slurm_testing *t, uint64_t arg);
bool slurm_testing_until(struct slurm_testing *t, int64_t seconds, slurm_testing_fn *until,
                         uint64_t arg);
/* Until an event of this kind (and about this job or node, 0 = any) is in the log after the mark;
 * it fails the test when there is none in time.  The mark goes behind it. */
const struct event *slurm_testing_expect(struct slurm_testing *t, uint32_t kind, uint64_t about);
/* Lets it run for a while. */
void slurm_testing_rest(struct slurm_testing *t, int64_t ms);
/* How many of this kind are after the mark. */
uint32_t slurm_testing_count(const struct slurm_testing *t, uint32_t kind);
/* The tail of the event that expect() gave last, as text. */
const char *slurm_testing_tail(const struct slurm_testing *t);

/* A finding about a node, as an agent would open or close it. */
void slurm_testing_finding(struct slurm_testing *t, uint32_t node, uint16_t class, bool open);

uint32_t slurm_testing_node(const struct slurm_testing *t, const char *name);
void slurm_testing_kill(struct slurm_testing *t, const char *pid_file, int signal);
int64_t slurm_testing_now(void);

#endif
