/* The simulated world: sim/slurm_twin.h under virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/units.h"
#include "core/event.h"
#include "sim/slurm_twin.h"
#include "tests/contract/world.h"

#define BEGIN_NS (INT64_C(1795345200) * MW_NS_PER_S)

struct twin_world {
    struct slurm_twin *twin;
    struct world_ear ear;
    bool listening;
    int64_t now_ns;
    uint32_t node_of[WORLD_NODES]; /* as the ear numbers them */
    uint64_t beats[WORLD_NODES];
    uint64_t acts[WORLD_NODES]; /* the action that its agent was asked for; 0 = none */
    uint32_t boots[WORLD_NODES];
};

static const char *const NAMES[] = { "n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8", "n9", "n10",
                                     "n11", "n12", "n13", "n14", "n15", "n16", NULL };

/* ---- agents ---------------------------------------------------------------------------------- */

static void say_hello(struct twin_world *w, uint32_t node, struct agent_frame *f)
{
    struct mw_error err;
    f->verb = AGENT_HELLO;
    f->version = AGENT_PROTOCOL;
    (void)snprintf(f->name, sizeof(f->name), "%s", NAMES[node]);
    (void)snprintf(f->boot, sizeof(f->boot), "boot-%u-%u", node, w->boots[node]);
    (void)snprintf(f->agent, sizeof(f->agent), "twin");
    if (w->ear.hello(w->ear.ctx, f, &w->node_of[node], &err) < 0)
        w->node_of[node] = MW_NONE;
}

static void told(void *ctx, uint32_t node, enum twin_tell what, const char *text)
{
    struct twin_world *w = ctx;
    struct agent_frame f = { 0 };
    if (!w->listening)
        return;
    if (what == TWIN_HELLO) {
        say_hello(w, node, &f);
        return;
    }
    if (w->node_of[node] == MW_NONE)
        return;
    if (what == TWIN_LOST) {
        w->ear.lost(w->ear.ctx, w->node_of[node]);
        return;
    }
    f.verb = what == TWIN_BEAT ? AGENT_BEAT : what == TWIN_KERNEL ? AGENT_KMSG : AGENT_UNIT;
    f.n = what == TWIN_BEAT ? ++w->beats[node] : 0;
    f.up = what == TWIN_UNIT_UP;
    if (f.verb == AGENT_UNIT)
        (void)snprintf(f.name, sizeof(f.name), "%s", text);
    else if (f.verb == AGENT_KMSG)
        (void)snprintf(f.text, sizeof(f.text), "%s", text);
    w->ear.heard(w->ear.ctx, w->node_of[node], &f);
}

/* ---- the daemon's side ----------------------------------------------------------------------- */

static void daemon_begins(void *self, const struct world_ear *ear)
{
    struct twin_world *w = self;
    w->ear = *ear;
    w->listening = true;
    slurm_twin_listen(w->twin, told, w);
}

static void daemon_killed(void *self)
{
    struct twin_world *w = self;
    w->listening = false;
    slurm_twin_listen(w->twin, NULL, NULL);
    slurm_twin_orphan(w->twin);
}

static struct process_port process(void *self)
{
    struct twin_world *w = self;
    return slurm_twin_process(w->twin);
}

static bool send_frame(void *self, uint32_t node, const struct agent_frame *f)
{
    struct twin_world *w = self;
    bool there = w->listening && node < WORLD_NODES && slurm_twin_node(w->twin, node).agent;
    if (there && f->verb == AGENT_ACT) /* answered later: the daemon is committing */
        w->acts[node] = f->n;
    return there; /* the twin's agents run no checks: the stories' policy has no gates */
}

/* As the agents of the lab, which have no executor: nothing is begun. */
static void answer_acts(struct twin_world *w)
{
    for (uint32_t n = 0; n < WORLD_NODES; n++) {
        struct agent_frame f = { .verb = AGENT_ACTED, .n = w->acts[n], .result = RESULT_FAILED };
        if (f.n == 0 || !w->listening || w->node_of[n] == MW_NONE)
            continue;
        w->acts[n] = 0;
        (void)snprintf(f.text, sizeof(f.text), "not begun: this agent has no executor");
        w->ear.heard(w->ear.ctx, w->node_of[n], &f);
    }
}

static int64_t now(void *self)
{
    const struct twin_world *w = self;
    return w->now_ns;
}

static void turn(void *self, int64_t due_ns)
{
    struct twin_world *w = self;
    int64_t next = MW_MIN(slurm_twin_next_ns(w->twin), due_ns);
    if (next > w->now_ns)
        w->now_ns = next;
    slurm_twin_step(w->twin, w->now_ns);
    answer_acts(w);
}

/* ---- people and fate ------------------------------------------------------------------------- */

static uint32_t sbatch(void *self, uint32_t nodes, uint32_t run_s)
{
    struct twin_world *w = self;
    return slurm_twin_sbatch(w->twin, nodes, run_s * MW_NS_PER_S);
}

static void scancel(void *self, uint32_t job)
{
    struct twin_world *w = self;
    slurm_twin_scancel(w->twin, job);
}

static void drain(void *self, uint32_t node, const char *reason)
{
    struct twin_world *w = self;
    slurm_twin_drain(w->twin, node, "eve", reason);
}

static void resume(void *self, uint32_t node)
{
    struct twin_world *w = self;
    slurm_twin_resume(w->twin, node);
}

static void slurmd(void *self, uint32_t node, bool up)
{
    struct twin_world *w = self;
    slurm_twin_slurmd(w->twin, node, up);
}

static void node_dies(void *self, uint32_t node, bool up)
{
    struct twin_world *w = self;
    w->boots[node] += up;
    if (up)
        slurm_twin_slurmd(w->twin, node, true);
    slurm_twin_agent(w->twin, node, up);
    slurm_twin_slurmd(w->twin, node, up);
}

static void kernel(void *self, uint32_t node, const char *line)
{
    struct twin_world *w = self;
    slurm_twin_kernel(w->twin, node, line);
}

static void ctld(void *self, bool up)
{
    struct twin_world *w = self;
    slurm_twin_ctld(w->twin, up);
}

static void reason(void *self, uint32_t node, char *ret, size_t size)
{
    struct twin_world *w = self;
    (void)snprintf(ret, size, "%s", slurm_twin_node(w->twin, node).reason);
}

static void make_twin(struct twin_world *w, uint64_t seed)
{
    const struct slurm_twin_options o = {
        .node = NAMES, .gpus = 8, .slurmd_timeout_ns = 300 * MW_NS_PER_S,
        .requeue_hold_ns = 121 * MW_NS_PER_S, .min_job_age_ns = 300 * MW_NS_PER_S,
        .command_ns = 10 * MW_NS_PER_MS, .beat_ns = 200 * MW_NS_PER_MS, .return_to_service = 1,
        .seed = seed };
    assert_int_equal(slurm_twin_create(&o, w->now_ns, &w->twin), 0);
}

static void clean(void *self)
{
    struct twin_world *w = self;
    slurm_twin_destroy(w->twin);
    make_twin(w, 1);
}

static void destroy(void *self)
{
    struct twin_world *w = self;
    slurm_twin_destroy(w->twin);
    mw_free(w);
}

struct world world_twin(uint64_t seed)
{
    struct twin_world *w = mw_calloc(1, sizeof(*w));
    assert_non_null(w);
    w->now_ns = BEGIN_NS;
    make_twin(w, seed);
    return (struct world){
        .self = w, .name = "twin", .daemon = daemon_begins, .daemon_killed = daemon_killed,
        .process = process, .send = send_frame, .now = now, .turn = turn, .sbatch = sbatch,
        .scancel = scancel, .drain = drain, .resume = resume, .slurmd = slurmd, .node = node_dies,
        .kernel = kernel, .ctld = ctld, .reason = reason, .clean = clean, .destroy = destroy };
}

struct slurm_twin *world_twin_of(const struct world *w)
{
    return ((struct twin_world *)w->self)->twin;
}
