/*
 * The twin's outside: people who submit, cancel, drain and resume; fate, which
 * ends daemons; the agents, which tell of it; and the order of time.
 */
#include "sim/slurm_twin_private.h"

#include <string.h>

#include "base/mem.h"

#define ENDED_NS (2 * MW_NS_PER_MS)     /* until an agent sees that slurmd ended */
#define SAY_NS (10 * MW_NS_PER_S)       /* between two times that it says so */
#define REGISTER_NS (50 * MW_NS_PER_MS) /* until a slurmd that began is known */
#define CONNECT_NS (200 * MW_NS_PER_MS) /* between two tries of an agent to connect */

int slurm_twin_create(const struct slurm_twin_options *o, int64_t now_ns, struct slurm_twin **ret)
{
    must(o && o->node && o->beat_ns > 0 && o->command_ns >= 0);
    uint32_t nodes = 0;
    while (o->node[nodes])
        nodes++;
    must(nodes > 0 && nodes <= SLURM_TWIN_NODES_MAX);
    struct slurm_twin *t = mw_calloc(1, sizeof(*t));
    if (!t || !(t->job = mw_calloc(TWIN_JOBS_MAX, sizeof(*t->job)))) {
        mw_free(t);
        return MW_ENOMEM;
    }
    t->options = *o;
    t->nodes = nodes;
    t->now_ns = now_ns;
    t->ctld = true;
    t->pass_ns = MW_NEVER;
    for (uint32_t i = 0; i < nodes; i++)
        t->node[i] = (struct twin_node){
            .slurmd = true, .agent = true, .quiet_ns = MW_NEVER, .unit_ns = MW_NEVER,
            .tell_ns = now_ns + o->beat_ns * (i + 1) / nodes, .answer_ns = MW_NEVER,
            .clean_ns = MW_NEVER, .job = MW_NONE };
    *ret = t;
    return 0;
}

void slurm_twin_destroy(struct slurm_twin *t)
{
    if (!t)
        return;
    for (uint32_t i = 0; i < t->commands; i++)
        twin_command_free(&t->command[i]);
    mw_free(t->job);
    mw_free(t);
}

/* ---- agents ---------------------------------------------------------------------------------- */

static void tell(struct slurm_twin *t, uint32_t node, enum twin_tell what, const char *text)
{
    if (t->told)
        t->told(t->told_ctx, node, what, text);
}

static void agent_step(struct slurm_twin *t, uint32_t i)
{
    struct twin_node *n = &t->node[i];
    if (!n->agent)
        return;
    if (n->tell_ns <= t->now_ns) {
        n->tell_ns = t->now_ns + (n->told || t->told ? t->options.beat_ns : CONNECT_NS);
        if (n->told) {
            tell(t, i, TWIN_BEAT, "");
        } else if (t->told) {
            n->told = true;
            n->unit_ns = t->now_ns;
            tell(t, i, TWIN_HELLO, "");
        }
    }
    if (n->unit_ns <= t->now_ns) {
        n->unit_ns = t->now_ns + SAY_NS;
        if (n->told)
            tell(t, i, n->slurmd ? TWIN_UNIT_UP : TWIN_UNIT_DOWN, "slurmd");
    }
}

void slurm_twin_listen(struct slurm_twin *t, twin_told_fn *told, void *ctx)
{
    t->told = told;
    t->told_ctx = ctx;
    for (uint32_t i = 0; i < t->nodes; i++) {
        t->node[i].told = false;
        t->node[i].tell_ns = MW_MIN(t->node[i].tell_ns, t->now_ns + CONNECT_NS);
    }
}

void slurm_twin_orphan(struct slurm_twin *t)
{
    for (uint32_t i = 0; i < t->commands; i++)
        t->command[i].done = NULL;
}

void slurm_twin_agent(struct slurm_twin *t, uint32_t node, bool up)
{
    must(node < t->nodes);
    struct twin_node *n = &t->node[node];
    if (n->agent == up)
        return;
    n->agent = up;
    n->tell_ns = t->now_ns + CONNECT_NS / 4;
    n->unit_ns = MW_NEVER;
    if (!up && n->told)
        tell(t, node, TWIN_LOST, "");
    n->told = false;
}

void slurm_twin_kernel(struct slurm_twin *t, uint32_t node, const char *line)
{
    must(node < t->nodes && line);
    if (t->node[node].agent && t->node[node].told)
        tell(t, node, TWIN_KERNEL, line);
}

/* ---- people and fate ------------------------------------------------------------------------- */

uint32_t slurm_twin_sbatch(struct slurm_twin *t, uint32_t nodes, int64_t run_ns)
{
    must(t->jobs < TWIN_JOBS_MAX && nodes > 0 && run_ns > 0);
    struct twin_job *j = &t->job[t->jobs++];
    *j = (struct twin_job){
        .id = ++t->last_id, .wanted = nodes, .state = TWIN_PENDING, .why = "None",
        .run_ns = run_ns, .submit_ns = t->now_ns, .begin_ns = t->now_ns, .batch = MW_NONE };
    twin_look(t);
    return j->id;
}

void slurm_twin_scancel(struct slurm_twin *t, uint32_t job)
{
    struct twin_job *j = twin_job_find(t, job);
    if (t->ctld && j && j->state <= TWIN_RUNNING && !j->completing)
        twin_job_cancel(t, j);
}

void slurm_twin_drain(struct slurm_twin *t, uint32_t node, const char *user, const char *reason)
{
    must(node < t->nodes && user && reason && *reason);
    if (!t->ctld)
        return;
    t->node[node].drain = true;
    twin_set_reason(t, &t->node[node], user, reason);
    twin_look(t);
}

void slurm_twin_resume(struct slurm_twin *t, uint32_t node)
{
    must(node < t->nodes);
    const struct twin_node *n = &t->node[node];
    if (t->ctld && (n->drain || n->down))
        twin_node_resume(t, node);
}

void slurm_twin_slurmd(struct slurm_twin *t, uint32_t node, bool up)
{
    must(node < t->nodes);
    struct twin_node *n = &t->node[node];
    if (n->slurmd == up)
        return;
    n->slurmd = up;
    n->quiet_ns = up ? MW_NEVER : t->now_ns;
    n->answer_ns = up ? t->now_ns + REGISTER_NS : MW_NEVER;
    n->unit_ns = up ? n->tell_ns : t->now_ns + ENDED_NS; /* its return is seen at a beat */
}

void slurm_twin_ctld(struct slurm_twin *t, bool up)
{
    if (t->ctld == up)
        return;
    t->ctld = up;
    if (up)
        twin_ctld_begins(t);
}

void slurm_twin_faults(struct slurm_twin *t, uint32_t lost_permille, uint32_t unanswered_permille)
{
    must(lost_permille + unanswered_permille <= 1000);
    t->lost_permille = lost_permille;
    t->unanswered_permille = unanswered_permille;
}

/* ---- time ------------------------------------------------------------------------------------ */

int64_t slurm_twin_next_ns(const struct slurm_twin *t)
{
    int64_t due = MW_MIN(twin_ctld_next(t), twin_command_next(t));
    for (uint32_t i = 0; i < t->nodes; i++)
        if (t->node[i].agent)
            due = MW_MIN(due, MW_MIN(t->node[i].tell_ns, t->node[i].unit_ns));
    return MW_MAX(due, t->now_ns);
}

void slurm_twin_step(struct slurm_twin *t, int64_t now_ns)
{
    must(now_ns >= t->now_ns);
    for (bool last = false; !last;) { /* ends: whatever is due is moved on by its step */
        int64_t next = slurm_twin_next_ns(t);
        last = next > now_ns;
        t->now_ns = MW_MIN(next, now_ns);
        if (last)
            break;
        twin_ctld_step(t);
        twin_command_step(t);
        for (uint32_t i = 0; i < t->nodes; i++)
            agent_step(t, i);
    }
    t->now_ns = now_ns;
}

/* ---- for checkers ---------------------------------------------------------------------------- */

struct slurm_twin_node slurm_twin_node(const struct slurm_twin *t, uint32_t node)
{
    must(node < t->nodes);
    const struct twin_node *n = &t->node[node];
    return (struct slurm_twin_node){
        .slurmd = n->slurmd, .agent = n->agent, .reason = n->reason, .lifted = n->lifted,
        .in = !n->drain && !n->down && !n->mute && !n->unknown, .overwritten = n->overwritten,
        .job = n->job != MW_NONE ? t->job[n->job].id : 0 };
}

struct slurm_twin_job slurm_twin_job(const struct slurm_twin *t, uint32_t job)
{
    const struct twin_job *j = job ? twin_job_find(t, job) : NULL;
    return (struct slurm_twin_job){ .state = j ? twin_job_state(j) : NULL,
                                    .restarts = j ? j->restarts : 0 };
}

uint64_t slurm_twin_changes(const struct slurm_twin *t)
{
    return t->changes;
}
