/*
 * Slurm as a world: what it says of nodes and jobs comes in as facts, what was
 * decided for it goes out as commands, each read back.  Slurm is the authority
 * on allocation.  Only its command line is used (scontrol, squeue, sinfo), so
 * nothing is linked; it works with every release since 20.11.
 *
 * Facts are made by comparing a poll with the state in the controller (board,
 * guard, care), never with a memory of our own: a restart misses nothing and
 * repeats nothing.  A poll that began before the last order about a node or job
 * was answered is not used for that node or job.
 *
 *   job seen first           job.submitted      (source ENGINE, number = JobId)
 *   job got nodes            attempt.allocated, attempt.running
 *   job ended, was requeued  attempt.ended      (RestartCnt tells a requeue between polls)
 *   job gone while queued    job.cancelled
 *   drain or down by others  node.reported      (a hold that we never lift)
 *   node does not answer     finding.opened     (class engine-node, slurm_node_finding())
 *   others returned a node   nodes.adopted      (a person answers for it)
 *   slurmctld does not answer  one finding on the site; no node, no job changes
 *
 * Reasons that we set begin with the prefix and the class, "mw:node-silent ";
 * sinfo shows 20 characters.  A drain whose reason does not begin with our
 * prefix is never touched.  No clock: the time comes in; no I/O but the process
 * port.  One thread; never calls back from slurm_act().
 */
#ifndef MW_LIVE_SLURM_H
#define MW_LIVE_SLURM_H

#include "base/process.h"
#include "control/control.h"
#include "live/fact.h"

#define SLURM_PREFIX "mw:"
#define SLURM_PERSON_PREFIX "mw-person " /* a person's wish: automation treats it as others' */

/* Numbers of the findings of SOURCE_ENGINE. */
#define SLURM_FINDING_SILENT 1u /* slurmctld does not answer; on the site */
static inline uint64_t slurm_node_finding(uint32_t node)
{
    return UINT64_C(1) << 32 | node;
}

/*
 * The first RestartCnt that was seen of a job is its category (job.submitted), so that
 * attempt = RestartCnt - category + 1 for as long as every restart was seen.
 */

struct slurm_options {
    const struct control *control; /* borrowed: fleet, board, care, guard are read */
    struct live_facts facts;
    struct process_port process;
    const char *conf;          /* slurm.conf, given to the commands as SLURM_CONF; NULL = default */
    int64_t poll_ns;           /* between the starts of two polls; 0 = 1 s */
    int64_t command_ns;        /* a command may take this long; 0 = 10 s */
    int64_t silence_ns;        /* slurmctld unanswering so long is a finding; 0 = 30 s */
};

/* For `mw status` and tests. */
struct slurm_stats {
    uint64_t polls, polls_failed, polls_unchanged;
    uint64_t commands, commands_failed, retries;
    uint64_t nodes_unknown;  /* in Slurm but not in the site file, at the last poll */
    uint64_t nodes_known;    /* in both */
    uint64_t jobs_shared;    /* that run but are not followed: their node has another job */
    uint64_t jobs_refused;   /* that the controller does not take, or on nodes that it lacks */
    uint64_t lines_bad;      /* records that could not be read, of all polls */
    int64_t answered_ns;     /* when slurmctld last answered; 0 = never */
    uint32_t pending;        /* orders without an answer */
    char trouble[256];       /* why the last poll or command failed; "" = it did not */
};

struct slurm;
MW_MUST_USE int slurm_create(const struct slurm_options *o, struct slurm **ret,
                             struct mw_error *err);
/* NULL is fine.  Commands that still run are let end; their results are dropped. */
void slurm_destroy(struct slurm *s);

/* Starts what is due: a poll, the next command of an order, a read-back, a retry. */
void slurm_tick(struct slurm *s, int64_t now_ns);
/* When slurm_tick() is next needed; it is also called after every process that ended. */
int64_t slurm_next_due(const struct slurm *s);

/* A committed engine.order (others are ignored).  One given before is ignored while it is open. */
void slurm_act(struct slurm *s, int64_t now_ns, const struct event *action, const void *tail);

struct slurm_stats slurm_stats(const struct slurm *s);

#endif
