/*
 * The live site: one controller with its record, and the worlds it hears and
 * commands, over ports.  The daemon (live/loop.h) gives it real processes, real
 * connections and the real clock; the contract tests give it simulated ones,
 * and it cannot tell.
 *
 * Every entry submits the facts that came, commits, and lets committed actions
 * go out; after each the record is durable up to what was said.  When the disk
 * is full nothing is lost and nothing is acknowledged: it is tried again at the
 * next tick.  One thread; the time comes in and never from a clock.
 */
#ifndef MW_LIVE_LIVE_H
#define MW_LIVE_LIVE_H

#include "live/agents.h"
#include "live/slurm.h"

#define LIVE_MODE_KEEP 255u /* the mode that each hall has in the record */

struct live_options {
    const struct fleet *fleet;           /* borrowed, as is the rest */
    const struct control_policy *policy; /* e.g. live_policy() of live/policy.h */
    struct journal *journal;
    uint8_t mode;                        /* enum guard_mode for all halls, from now on; or KEEP */
    bool slurm;                          /* without it only agents are heard */
    const char *slurm_conf;
    int64_t slurm_poll_ns;
    struct process_port process;
    agents_send_fn *send;
    void *send_ctx;
    agents_probe_fn *probe; /* NULL = silence is death */
    void *probe_ctx;
    int64_t silence_ns;
    core_act_fn *acted; /* told of each committed action, for tests; may be NULL */
    void *acted_ctx;
};

struct live;
/* Begins the record when it is empty, else recovers it, under a new epoch when the policy is
 * another one.  MW_ECONFLICT: it is of another site, or the policy's rows mean other things. */
MW_MUST_USE int live_create(const struct live_options *o, int64_t now_ns, struct live **ret,
                            struct mw_error *err);
/* The process port may still tell how what runs ended: that is taken and dropped. */
void live_destroy(struct live *l);

/* The process port is gone and tells nothing any more: what runs counts as killed. NULL is fine. */
void live_processes_gone(struct live *l);

/* Everything that is due: timers, polls, silences; commits. A full disk: MW_ENOSPC, try again.
 * MW_EIO with core_failed(): the record must be opened again. */
MW_MUST_USE int live_tick(struct live *l, int64_t now_ns, struct mw_error *err);
int64_t live_next_due(const struct live *l);

/* Frames of agents and gatherers; see live/agents.h. */
MW_MUST_USE int live_agent_hello(struct live *l, int64_t now_ns, const struct agent_frame *hello,
                                 uint32_t *ret_peer, struct mw_error *err);
/* As live_agent_hello(), but nothing is durable before live_agents_end(). */
MW_MUST_USE int live_agent_hello_more(struct live *l, int64_t now_ns,
                                      const struct agent_frame *hello, uint32_t *ret_peer,
                                      struct mw_error *err);
MW_MUST_USE int live_agent_heard(struct live *l, int64_t now_ns, uint32_t peer,
                                 const struct agent_frame *f, struct mw_error *err);
/* One of several that came at once: nothing is durable before live_agents_end(). */
void live_agent_heard_more(struct live *l, int64_t now_ns, uint32_t peer,
                           const struct agent_frame *f);
MW_MUST_USE int live_agents_end(struct live *l, int64_t now_ns, struct mw_error *err);
/* A record of samples: nothing of it is kept in the record, but what is found in it is. */
void live_agent_samples(struct live *l, int64_t now_ns, uint32_t peer, const uint8_t *payload,
                        size_t size);
MW_MUST_USE int live_agent_probed(struct live *l, int64_t now_ns, uint32_t node, bool answers,
                                  struct mw_error *err);
MW_MUST_USE int live_agent_lost(struct live *l, int64_t now_ns, uint32_t peer,
                                struct mw_error *err);

/* A person's command (EV_COMMAND, or orders and gates that a person answers); *ret says whether it
 * was taken; durable on return. */
MW_MUST_USE int live_command(struct live *l, int64_t now_ns, const struct event *fact,
                             const void *tail, enum admit *ret, struct mw_error *err);

/* One of several commands that are to be durable together: as above, but nothing is durable, and no
 * action goes out, before live_commands_end(). */
enum admit live_command_more(struct live *l, int64_t now_ns, const struct event *fact,
                             const void *tail);
MW_MUST_USE int live_commands_end(struct live *l, struct mw_error *err);

/* Saves a snapshot, e.g. before a clean end; ticks save one every 10 minutes or 100,000 events. */
MW_MUST_USE int live_snapshot(struct live *l, struct mw_error *err);

/* For `mw status`. */
struct live_stats {
    uint64_t commits_failed, snapshots, snapshots_failed;
    int64_t trouble_since_ns;   /* since when what was heard is not durable; 0 = it is */
    char trouble[256];          /* why; "" */
    char snapshot_trouble[256]; /* why the last snapshot failed; "" */
};

const struct control *live_control(const struct live *l);
const struct machines *live_machines(const struct live *l); /* what machines say of themselves */
/* Asks the agent of a machine for readings each sample_ms, for for_ms.  MW_ENOTFOUND: it is no node
 * of the site, or its agent is not connected. */
MW_MUST_USE int live_rate(struct live *l, const char *machine, int64_t sample_ms, int64_t for_ms,
                          struct mw_error *err);
struct journal *live_journal(const struct live *l); /* for reading */
bool live_has_slurm(const struct live *l);
struct live_stats live_stats(const struct live *l);
struct slurm_stats live_slurm_stats(const struct live *l);
struct agents_stats live_agents_stats(const struct live *l);

#endif
