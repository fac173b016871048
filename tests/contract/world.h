/*
 * A world in which a story is told: a Slurm cluster with agents on its nodes,
 * simulated (world_twin.c) or real (world_real.c).  One table of functions, so
 * that a story cannot tell which it has.  Nodes are numbered as in the site
 * file of stage.h; calls abort the test when they cannot be carried out.
 */
#ifndef MW_CONTRACT_WORLD_H
#define MW_CONTRACT_WORLD_H

#include "base/process.h"
#include "live/agent_frame.h"

#define WORLD_NODES 16u

/* Who hears the agents. */
struct world_ear {
    void *ctx;
    int (*hello)(void *ctx, const struct agent_frame *f, uint32_t *ret_node, struct mw_error *err);
    void (*heard)(void *ctx, uint32_t node, const struct agent_frame *f);
    void (*lost)(void *ctx, uint32_t node);
};

struct world {
    void *self;
    const char *name;
    const char *slurm_conf; /* NULL: none */

    /* The daemon's side: a daemon begins, with ports of its own; or is killed, and nobody hears
     * what its commands end with. */
    void (*daemon)(void *self, const struct world_ear *ear);
    void (*daemon_killed)(void *self);
    struct process_port (*process)(void *self); /* of the daemon that began last */
    bool (*send)(void *self, uint32_t node, const struct agent_frame *f);

    int64_t (*now)(void *self);
    /* Lets time pass until something happened, at most until due_ns. */
    void (*turn)(void *self, int64_t due_ns);

    /* People and fate. */
    uint32_t (*sbatch)(void *self, uint32_t nodes, uint32_t run_s); /* Slurm's number */
    void (*scancel)(void *self, uint32_t job);
    void (*drain)(void *self, uint32_t node, const char *reason);
    void (*resume)(void *self, uint32_t node);
    void (*slurmd)(void *self, uint32_t node, bool up);
    void (*node)(void *self, uint32_t node, bool up); /* slurmd and agent */
    void (*kernel)(void *self, uint32_t node, const char *line);
    void (*ctld)(void *self, bool up);

    /* What Slurm itself says of a node's reason, asked past the daemon; at most size - 1 bytes. */
    void (*reason)(void *self, uint32_t node, char *ret, size_t size);
    /* Between two stories: no jobs, all nodes in service, all agents there. */
    void (*clean)(void *self);
    void (*destroy)(void *self);
};

/* A fresh simulated world; jitter and lost commands are keyed by the seed. */
struct slurm_twin;
struct world world_twin(uint64_t seed);
struct slurm_twin *world_twin_of(const struct world *w);

/* A real cluster: program is script/slurm-lab, agent is mw-agent; its files are in a new folder
 * under TMPDIR, which goes with it. */
struct world world_real(const char *program, const char *agent);

#endif
