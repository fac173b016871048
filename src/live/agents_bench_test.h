/*
 * The hub of agents on a real controller, the agents played by hand: the bench
 * of agents_test.c and agents_says_test.c.  For tests only.
 */
#ifndef MW_LIVE_AGENTS_BENCH_TEST_H
#define MW_LIVE_AGENTS_BENCH_TEST_H

#include "live/agents_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/rig.h"
#include "live/policy.h"
#include "live/slurm.h"

#define NODES 16
#define MS MW_NS_PER_MS
#define STEP (50 * MS)

struct bench {
    struct rig *r;
    struct agents *a;
    bool full;             /* nothing can be recorded, as with a full disk */
    bool beats[NODES];     /* whose agents beat */
    bool connected[NODES + AGENT_GATHERS_MAX];
    uint64_t n;
    struct agent_frame sent; /* the last frame to an agent */
    uint32_t sent_node, sent_count;
    uint32_t steps;
    uint32_t probes;         /* asked so far, the last of this node */
    uint32_t probed;
    bool no_probe_free;
};

static inline enum admit submit(void *ctx, const struct event *fact, const void *tail)
{
    struct bench *b = ctx;
    return b->full ? ADMIT_GAP : rig_submit(b->r, fact, tail);
}

static inline bool send(void *ctx, uint32_t node, const struct agent_frame *f)
{
    struct bench *b = ctx;
    if (!b->connected[node])
        return false;
    b->sent = *f;
    b->sent_node = node;
    b->sent_count++;
    return true;
}

static inline enum agents_probe probe(void *ctx, uint32_t node, const char *address)
{
    struct bench *b = ctx;
    assert_string_equal(address, "10.0.0.7:6818");
    if (b->no_probe_free)
        return AGENTS_PROBE_BUSY;
    b->probes++;
    b->probed = node;
    return AGENTS_PROBE_ASKED;
}

static inline void open_agents(struct bench *b)
{
    struct agents_options o = { .control = b->r->control, .facts = { submit, b }, .send = send,
                                .send_ctx = b, .probe = probe, .probe_ctx = b };
    assert_int_equal(agents_create(&o, &b->a, NULL), 0);
}

static inline struct bench *make_as(const struct control_policy *p)
{
    static struct bench b;
    b = (struct bench){ .r = rig_make(NODES, p) };
    open_agents(&b);
    return &b;
}

/* Classes of the live site.  Crews repair here: what machines do is in agents_actions_test.c. */
static inline struct bench *make(void)
{
    struct control_policy p = live_policy();
    p.guard.mode = MODE_ACT;
    for (uint32_t i = 0; i < p.care.classes; i++)
        p.care.class[i].steps = 0;
    return make_as(&p);
}

static inline void end(struct bench *b)
{
    agents_destroy(b->a);
    rig_free(b->r);
}

static inline int hello_as(struct bench *b, uint32_t node, const char *boot, const char *gpus)
{
    struct agent_frame f = { .verb = AGENT_HELLO, .version = AGENT_PROTOCOL };
    uint32_t got = MW_NONE;
    (void)snprintf(f.name, sizeof(f.name), "%s",
                   fleet_name(b->r->fleet, component_id(COMPONENT_NODE, node)));
    (void)snprintf(f.boot, sizeof(f.boot), "%s", boot);
    (void)snprintf(f.text, sizeof(f.text), "%s", gpus);
    int rc = agents_hello(b->a, b->r->now_ns, &f, &got, NULL);
    assert_int_equal(got, node);
    b->connected[node] = b->beats[node] = true;
    return rc;
}

static inline void hello(struct bench *b, uint32_t node)
{
    assert_int_equal(hello_as(b, node, "boot-1", ""), 0);
}

static inline void all_hello(struct bench *b)
{
    for (uint32_t n = 0; n < NODES; n++)
        hello(b, n);
}

/* Time passes; who beats, beats each 200 ms, each agent at its own moment. */
static inline void run(struct bench *b, int64_t ns)
{
    for (int64_t at = 0; at < ns; at += STEP) {
        rig_wait(b->r, STEP);
        b->steps++;
        for (uint32_t n = 0; n < NODES; n++) {
            struct agent_frame f = { .verb = AGENT_BEAT, .n = ++b->n };
            if (b->beats[n] && (b->steps + n) % 4 == 0)
                agents_heard(b->a, b->r->now_ns, n, &f);
        }
        if (agents_next_due(b->a) <= b->r->now_ns)
            agents_tick(b->a, b->r->now_ns);
    }
}

static inline void say(struct bench *b, uint32_t node, const char *line)
{
    struct agent_frame f;
    struct mw_error err = { 0 };
    if (agent_frame_read(line, strlen(line), &f, &err) < 0)
        fail_msg("%s", err.text);
    agents_heard(b->a, b->r->now_ns, node, &f);
}

static inline void kmsg(struct bench *b, uint32_t node, const char *text)
{
    struct agent_frame f = { .verb = AGENT_KMSG };
    (void)snprintf(f.text, sizeof(f.text), "%s", text);
    agents_heard(b->a, b->r->now_ns, node, &f);
}

static inline uint32_t opened(const struct bench *b)
{
    return rig_count(b->r, EV_FINDING_OPENED);
}

static inline uint32_t closed(const struct bench *b)
{
    return rig_count(b->r, EV_FINDING_CLOSED);
}

static inline bool was_closed(const struct bench *b, uint32_t node)
{
    for (uint32_t i = 0; i < b->r->log_length; i++)
        if (b->r->log[i].ev.kind == EV_FINDING_CLOSED &&
            b->r->log[i].ev.source == SOURCE_NODE + node)
            return true;
    return false;
}

static inline const struct body_finding *last_opened(const struct bench *b)
{
    return &rig_last(b->r, EV_FINDING_OPENED)->ev.body.finding;
}

/* The job gets nodes first .. first + 1 from the engine and runs. */
static inline void start_job(struct bench *b, uint64_t job, uint32_t first)
{
    uint32_t node[] = { first, first + 1 };
    assert_int_equal(rig_job(b->r, job, 2, 0), ADMIT_OK);
    uint32_t slot = rig_slot(b->r, job);
    struct event ev = { .kind = EV_ATTEMPT_ALLOCATED, .source = SOURCE_ENGINE,
                        .tail_size = sizeof(node) };
    ev.body.place = (struct body_place){ .job = job, .slot = slot, .attempt = 1, .nodes = 2,
                                         .gpus = 16 };
    assert_int_equal(rig_submit(b->r, &ev, node), ADMIT_OK);
    assert_int_equal(rig_running(b->r, job, 0), ADMIT_OK);
}

#define XID_79 "NVRM: Xid (PCI:0000:3b:00): 79, pid=71, name=train, GPU has fallen off the bus."
#define XID_31 "NVRM: Xid (PCI:0000:3b:00): 31, pid=71, name=train, MMU Fault"

#endif
