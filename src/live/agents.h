/*
 * What the agents on the nodes say, made into findings; and their silence.
 *
 * An agent beats every AGENT_BEAT_NS.  A node whose agent says nothing for
 * silence_ns is dead (class node-silent).  Not every silence is a death:
 * - a daemon that itself slept (the tick came late) gives all agents that time;
 * - when more than max(3, a tenth) of the agents fall silent within a second,
 *   it is the network or us: one finding on the site (class agents-silent), and
 *   the nodes are left alone until Slurm says the same of them or they return;
 * - an agent that was told to stop says so, and its node is unwatched, not dead;
 * - an agent may name an address and port that answers while its node lives.  It is
 *   tried first: when it answers, it is the agent that is lost (class agent-lost),
 *   and it is tried again every AGENT_PROBE_AGAIN_NS.
 * Nodes that had an agent before we began are given 3 s to say hello.
 *
 * Findings are level-triggered: numbers are made of (class, place), so that the
 * same condition has the same number after a restart.  Which of them are open is
 * read from care, not remembered.  What an agent says no more is closed, but only
 * while that agent is heard:
 * - a program that is down and a disk that is full are said again and again; not
 *   heard for AGENT_LEASE_NS they are over;
 * - a kernel line is a moment's event.  Where a fault heals by itself (class app)
 *   it is over AGENT_LEASE_NS after the last line; where it wants a repair, once
 *   the node is being repaired or nobody's incident is left, or after a new boot,
 *   or AGENT_LEASE_LONG_NS after the last line;
 * - a rank that ended badly is over with its attempt, or after AGENT_LEASE_NS.
 *
 * Peers are numbered: a node of the site by its number, a gatherer (mw-gather) from
 * the count of nodes on.  A gatherer speaks for machines, and its silence is that of
 * what it watches, never a death.
 *
 * Events that bear a number of the peer's spool are taken once and in order;
 * agents_committed() acknowledges what the commit made durable.
 *
 * The time comes in; no I/O: frames are read and written by live/listener.h.
 * One thread.
 */
#ifndef MW_LIVE_AGENTS_H
#define MW_LIVE_AGENTS_H

#include "control/control.h"
#include "live/agent_frame.h"
#include "live/fact.h"

#define AGENT_BEAT_NS (200 * INT64_C(1000000))
#define AGENT_SILENCE_NS (600 * INT64_C(1000000))
#define AGENT_NODES_MANY 4096 /* above this many nodes agents beat once a second: */
#define AGENT_BEAT_MANY_NS (1000 * INT64_C(1000000))
#define AGENT_SILENCE_MANY_NS (3000 * INT64_C(1000000))
#define AGENT_GATHERS_MAX 64u /* gatherers of one daemon */
#define AGENT_PROBE_NS (250 * INT64_C(1000000)) /* a port that has not answered by then does not */
#define AGENT_BUSY_NS (2 * INT64_C(1000000000)) /* so long a verdict waits for a free probe */
#define AGENT_PROBE_AGAIN_NS (5 * INT64_C(1000000000))
#define AGENT_LEASE_NS (60 * INT64_C(1000000000))
#define AGENT_LEASE_LONG_NS (86400 * INT64_C(1000000000))
#define AGENT_BEATS_BACK 3     /* so many after a silence, and the node is back */
#define AGENT_DISK_FULL 980    /* permille: open a finding */
#define AGENT_DISK_FREE 950    /* under this: close it */

static inline int64_t agents_beat_ns(uint32_t nodes)
{
    return nodes > AGENT_NODES_MANY ? AGENT_BEAT_MANY_NS : AGENT_BEAT_NS;
}

static inline int64_t agents_silence_ns(uint32_t nodes)
{
    return nodes > AGENT_NODES_MANY ? AGENT_SILENCE_MANY_NS : AGENT_SILENCE_NS;
}

/* Writes a frame to a peer: the agent of a node, or a gatherer; false when it has no connection. */
typedef bool agents_send_fn(void *ctx, uint32_t peer, const struct agent_frame *f);

enum agents_probe {
    AGENTS_PROBE_NONE,  /* this address cannot be tried */
    AGENTS_PROBE_BUSY,  /* not now: too many are being tried */
    AGENTS_PROBE_ASKED,
};

/* Tries to connect to "10.0.0.7:6818"; when asked, agents_probed() is called later, once, with what
 * came of it. */
typedef enum agents_probe agents_probe_fn(void *ctx, uint32_t node, const char *address);

struct agents_options {
    const struct control *control; /* borrowed */
    struct live_facts facts;
    agents_send_fn *send;
    void *send_ctx;
    agents_probe_fn *probe; /* NULL = silence is death */
    void *probe_ctx;
    int64_t silence_ns; /* 0 = agents_silence_ns() */
};

struct agents_stats {
    uint64_t frames, frames_refused, beats;
    uint64_t silences, silences_common; /* nodes that fell silent; times that many did at once */
    uint64_t lost;                      /* silent agents whose node answered */
    uint64_t late_ticks;                /* times that we slept */
    uint64_t lines, lines_nothing;      /* kernel lines heard; of those, nothing to act on */
    uint64_t lines_unknown;             /* of those, with a code that the catalogue does not know */
    uint64_t findings_left_out;         /* past the room for them, or refused */
    uint64_t progress_left_out;         /* not of a job that runs there, or nothing new */
    uint64_t checks_unknown;            /* checks without an answer in time */
    uint64_t actions_ok, actions_failed, actions_unknown; /* of machines, as they ended */
    uint64_t events_again;              /* events that came again and were in already */
    uint64_t events_early;              /* events past one that was not taken: they come again */
    uint64_t acks;                      /* acknowledgements sent */
    uint32_t watched;                   /* agents heard within silence_ns */
};

struct agents;
MW_MUST_USE int agents_create(const struct agents_options *o, struct agents **ret,
                              struct mw_error *err);
void agents_destroy(struct agents *a);

/* The first frame of a connection.  The peer's number, or a refusal: MW_EVERSION, MW_ENOTFOUND
 * (no such node in the site), MW_ELIMIT (too many gatherers).  A second connection of one peer
 * takes the place of the first. */
MW_MUST_USE int agents_hello(struct agents *a, int64_t now_ns, const struct agent_frame *hello,
                             uint32_t *ret_peer, struct mw_error *err);
/* Any later frame of the peer's present connection. false: an event that is not to be taken now,
 * as it is in already or others before it are not; else see agents_taken(). */
bool agents_heard(struct agents *a, int64_t now_ns, uint32_t peer, const struct agent_frame *f);
/* What agents_heard() was given last is staged for the next commit, with all its facts. */
void agents_taken(struct agents *a, uint32_t peer, const struct agent_frame *f);
/* All that was taken is durable now: acknowledges it. */
void agents_committed(struct agents *a);
/* A record of samples: a sign of life, as a beat is. */
void agents_samples(struct agents *a, int64_t now_ns, uint32_t peer, const uint8_t *payload,
                    size_t size);
/* Its present connection has ended without a goodbye: not yet a silence. */
void agents_lost(struct agents *a, int64_t now_ns, uint32_t peer);

/* What came of a probe: the node's port answered, or it refused or did not answer in time. */
void agents_probed(struct agents *a, int64_t now_ns, uint32_t node, bool answers);

void agents_tick(struct agents *a, int64_t now_ns);
/* MW_NEVER while no agent was heard or is expected. */
int64_t agents_next_due(const struct agents *a);

/* A committed action.started is asked of who can do it (agents_actions.c).
 * A committed gate.started (others are ignored): the check is asked of the node's agent, again when
 * that agent says hello again.  Without an answer in time, or when the agent cannot say, the gate
 * stays open for a person: nothing passes that nobody checked, and nothing failed. */
void agents_act(struct agents *a, int64_t now_ns, const struct event *action);

struct agents_stats agents_stats(const struct agents *a);

/* What is read of machines, of the site and beside it; borrowed, for reading. */
struct machines;
const struct machines *agents_machines(const struct agents *a);

#endif
