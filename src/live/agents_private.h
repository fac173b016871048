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

struct agents {
    struct agents_options o;
    const struct board *board;
    uint32_t nodes;
    struct agent *agent;     /* per node */
    uint32_t *gpu;           /* per node AGENT_GPUS_MAX PCI addresses, packed */
    struct check *check;     /* per node */
    uint32_t checks;
    struct lease *lease;
    uint32_t leases, leases_max;
    struct map lease_index;  /* node << 32 | number -> row */
    bool expecting;          /* no tick yet */
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
void agents_adopt(struct agents *a, int64_t now_ns, uint32_t node); /* findings from before us */
void agents_rebooted(struct agents *a, int64_t now_ns, uint32_t node);
void agents_kmsg(struct agents *a, int64_t now_ns, uint32_t node, const struct agent_frame *f);
void agents_unit(struct agents *a, int64_t now_ns, uint32_t node, const struct agent_frame *f);
void agents_disk(struct agents *a, int64_t now_ns, uint32_t node, const struct agent_frame *f);
void agents_exit(struct agents *a, int64_t now_ns, uint32_t node, const struct agent_frame *f);
void agents_gpus(struct agents *a, uint32_t node, const char *list);
void agents_leases(struct agents *a, int64_t now_ns);

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
