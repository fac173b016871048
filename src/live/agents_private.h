/* What the files of the agents' hub share. */
#ifndef MW_LIVE_AGENTS_PRIVATE_H
#define MW_LIVE_AGENTS_PRIVATE_H

#include "base/map.h"
#include "base/units.h"
#include "live/agents.h"
#include "live/policy.h"

#define AGENT_GPUS_MAX 16
#define AGENT_PLACES (AGENT_GPUS_MAX + 256 + 1) /* of a kernel line: GPU, else PCI bus, else none */
#define AGENT_PATHS 64                          /* places of disks */
#define AGENT_RANKS 16                          /* places of ranks: a node has few jobs */

enum agent_watch {
    WATCH_NEVER,  /* not heard since we run */
    WATCH_HEARD,
    WATCH_SILENT, /* reported: its node is dead as far as we know */
    WATCH_LOST,   /* reported: its node answers, the agent does not */
    WATCH_COMMON, /* silent with many others: not judged */
    WATCH_PARKED, /* said goodbye */
};

struct agent {
    int64_t heard_ns;
    int64_t fell_ns;     /* silent, common: since when */
    int64_t progress_ns; /* the last attempt.progress of it */
    uint64_t boot;       /* hash of its boot id; 0 = none heard yet */
    uint8_t watch;       /* enum agent_watch */
    uint8_t beats;       /* since hello or a silence, up to AGENT_BEATS_BACK */
    uint8_t gpus;        /* it named so many */
    bool asked;          /* a probe is under way, or was given up: since probe_ns */
    int64_t probe_ns;
    int64_t busy_ns;     /* since when there is no free probe for it; 0 */
    int64_t saved_ns;    /* the last attempt.progress that saved, of its job: at the first node */
    bool expected;       /* heard before we began, not since */
};

/* An open finding that is closed when it is not heard of any more. */
struct lease {
    struct body_finding finding;
    int64_t heard_ns;
    uint64_t job;  /* of a rank; else 0 */
    uint32_t node, number, attempt;
    bool wanted;   /* not recorded yet (the disk is full): opened when it can be */
};

/* The check that a node's gate waits for. */
struct check {
    uint64_t seq; /* of gate.started; 0 = none */
    int64_t due_ns;
    struct body_gate gate; /* with a result: it is known, and not recorded yet */
};

/* A gatherer, by its name. */
struct gatherer {
    char name[sizeof(((struct agent_frame *)NULL)->name)];
    int64_t heard_ns;
    bool connected;
};

/* How far a peer's numbered events have come; see live/spool.h. */
struct agents_spool {
    uint64_t id;    /* hash of its name; 0 = its events bear no numbers */
    uint64_t taken; /* the last that is staged or durable: the next is taken + 1 */
    uint64_t acked; /* the last that it was told is durable */
    bool pending;   /* there is something to tell after the next commit */
};

/* A machine's action without a result (agents_actions.c). */
struct acting {
    uint64_t seq;             /* of action.started */
    uint32_t epoch;
    bool sent;                /* its peer may have it */
    int64_t lease_ns, due_ns; /* not begun after it; no answer is waited for any longer */
    int64_t early_ns;         /* by then somebody has to be there who can do it */
    uint64_t boot;            /* of the node as it was asked; 0 = not known */
    struct body_order order;  /* with a result: it is known, and not recorded yet */
    char text[256];           /* of the result */
};

struct agents {
    struct agents_options o;
    const struct board *board;
    uint32_t nodes;
    int64_t beat_ns;
    struct agent *agent;     /* per node */
    struct gatherer *gather; /* AGENT_GATHERS_MAX */
    struct agents_spool *spool; /* per peer: nodes, then gatherers */
    uint32_t *pending, pendings; /* peers with something to acknowledge */
    int64_t event_ns;        /* while a numbered event is heard: when it happened; else 0 */
    uint32_t *gpu;           /* per node AGENT_GPUS_MAX PCI addresses, packed */
    struct check *check;     /* per node */
    uint32_t checks;
    struct acting *acting;
    uint32_t actings, acting_room;
    uint32_t *bmc;           /* per node: the gatherer that acts for it by its BMC; MW_NONE */
    struct lease *lease;
    uint32_t leases, leases_max;
    struct map lease_index;  /* node << 32 | number -> row */
    struct agents_readings *readings; /* agents_samples.c */
    bool expecting;          /* no tick yet */
    bool adopted;            /* findings from before us have leases */
    int64_t tick_ns, due_ns; /* the last tick; when the next is due */
    int64_t lease_due_ns;
    uint32_t common;         /* nodes in WATCH_COMMON */
    int64_t common_over_ns;  /* since when they are few again */
    struct agents_stats stats;
};

/* The number of a finding; never 0, < 2^32. */
static inline uint32_t agents_number(enum live_class class, uint32_t place)
{
    return ((uint32_t)class + 1) << 24 | place;
}

static inline enum live_class agents_class_of(uint32_t number)
{
    return (enum live_class)((number >> 24) - 1);
}

static inline bool agents_is_open(const struct agents *a, uint32_t node, uint32_t number)
{
    return care_finding_is_open(a->o.control->care, SOURCE_NODE + node, number);
}

/* Submits the opening or closing of a finding on a node's component; what became of it.  ADMIT_GAP:
 * it could not be recorded now, and is to be submitted again. */
enum admit agents_finding(struct agents *a, int64_t now_ns, uint32_t kind, uint32_t node,
                          const struct body_finding *f);
/* The finding on the node itself, as most are. */
struct body_finding agents_finding_of(uint32_t node, uint32_t number);

/* agents_findings.c: what a node's agent says is wrong. */
/* Findings from before us, once: a lease each, so that what nobody says again is closed. */
void agents_adopt(struct agents *a, int64_t now_ns);
void agents_rebooted(struct agents *a, int64_t now_ns, uint32_t node);
void agents_kmsg(struct agents *a, int64_t now_ns, uint32_t node, const struct agent_frame *f);
void agents_unit(struct agents *a, int64_t now_ns, uint32_t node, const struct agent_frame *f);
void agents_disk(struct agents *a, int64_t now_ns, uint32_t node, const struct agent_frame *f);
void agents_exit(struct agents *a, int64_t now_ns, uint32_t node, const struct agent_frame *f);
void agents_gpus(struct agents *a, uint32_t node, const char *list);
void agents_leases(struct agents *a, int64_t now_ns);
/* The lease of a finding, a new one when it has none; NULL when there is no room. */
struct lease *agents_lease_of(struct agents *a, uint32_t node, uint32_t number);
/* Opens the finding, or hears of it again; its lease, NULL when it could not be opened. */
struct lease *agents_open(struct agents *a, int64_t now_ns, const struct body_finding *f);
/* False: it could not be recorded now; the lease stays, so that it is tried again. */
bool agents_close(struct agents *a, int64_t now_ns, uint32_t node, uint32_t number);

/* agents.c: a sign of life of a node's agent. */
void agents_beat(struct agents *a, int64_t now_ns, uint32_t node);

/* agents_gather.c: gatherers; the numbers of events, of all peers. */
MW_MUST_USE int agents_gather_hello(struct agents *a, int64_t now_ns,
                                    const struct agent_frame *hello, uint32_t *ret_peer,
                                    struct mw_error *err);
void agents_gather_heard(struct agents *a, int64_t now_ns, uint32_t peer,
                         const struct agent_frame *f);
void agents_spool_hello(struct agents *a, uint32_t peer, const struct agent_frame *hello);
bool agents_spool_takes(struct agents *a, uint32_t peer, const struct agent_frame *f);
void agents_spool_pending(struct agents *a, uint32_t peer);

/* agents_samples.c: source, part, machine and finding frames, of an agent or a gatherer. */
void agents_said(struct agents *a, int64_t now_ns, uint32_t peer, const struct agent_frame *f);
struct agents_readings;
MW_MUST_USE int agents_readings_create(struct agents *a, struct mw_error *err); /* a->readings */
void agents_readings_destroy(struct agents_readings *r); /* NULL and half made are fine */
void agents_readings_hello(struct agents *a, int64_t now_ns, uint32_t peer,
                           const struct agent_frame *hello);
void agents_readings_lost(struct agents *a, uint32_t peer);
void agents_readings_tick(struct agents *a, int64_t now_ns);

/* agents_actions.c: the end of an action that a peer was asked for. */
void agents_acted(struct agents *a, int64_t now_ns, uint32_t peer, const struct agent_frame *f);
void agents_action_started(struct agents *a, int64_t now_ns, const struct event *action);
/* A gatherer says hello: which machines it acts for it will say. */
void agents_machines_anew(struct agents *a, uint32_t peer);
/* It names a machine, and whether it acts for it. */
void agents_machine(struct agents *a, int64_t now_ns, uint32_t peer, const struct agent_frame *f);
void agents_actions_ask(struct agents *a, int64_t now_ns, uint32_t peer); /* not ended */
void agents_actions_booted(struct agents *a, int64_t now_ns, uint32_t node); /* a new boot id */
void agents_actions_due(struct agents *a, int64_t now_ns);

/* agents_witness.c: where else a node is asked whether it lives. */
/* "10.0.0.7:6818" into the body; what is none leaves it without. */
void agents_witness_read(const char *text, struct body_watch *ret);
/* As the record has it; false: none. */
bool agents_witness(const struct agents *a, uint32_t node, char *to, size_t size);

/* agents_jobs.c: what an agent says of jobs, and checks. */
void agents_progress(struct agents *a, int64_t now_ns, uint32_t node, const struct agent_frame *f);
void agents_checked(struct agents *a, int64_t now_ns, uint32_t node, const struct agent_frame *f);
void agents_ask(struct agents *a, uint32_t node); /* sends the node's check, if it has one */
void agents_checks_due(struct agents *a, int64_t now_ns);

#endif
