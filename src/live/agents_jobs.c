/*
 * What an agent says of jobs, how far they have come, and the checks that it
 * runs for a gate.  Progress is believed only of a job that stands on the node.
 */
#include "live/agents_private.h"

#define PROGRESS_EVERY_NS (10 * MW_NS_PER_S)
#define SAVED_EVERY_NS MW_NS_PER_S /* of one job: what is saved sooner is in the next */

/* The fact, when the frame is about the attempt that runs on this node and its sums fit. */
static bool progress_of(const struct agents *a, uint32_t node, const struct agent_frame *f,
                        struct body_progress *ret)
{
    const struct board *b = a->board;
    uint32_t slot = b->node_job[node];
    int64_t progress_ms, saved_ms;
    if (slot == MW_NONE || b->job_id[slot] != f->job || b->job_state[slot] < JOB_RUNNING ||
        f->restart + 1 != b->job_category[slot] + b->job_attempt[slot]) /* see live/slurm.h */
        return false;
    if (f->saved > f->step || mw_mul_overflows(f->step, f->step_ms, &progress_ms) ||
        mw_mul_overflows(f->saved, f->step_ms, &saved_ms) || progress_ms > BOARD_JOB_MS_MAX ||
        f->checkpoint_ms > BOARD_JOB_MS_MAX)
        return false;
    *ret = (struct body_progress){ .job = f->job, .progress_ms = progress_ms,
                                   .saved_ms = saved_ms, .checkpoint_ms = f->checkpoint_ms,
                                   .slot = slot, .attempt = b->job_attempt[slot],
                                   .node = MW_NONE,
                                   .class = UINT16_MAX };
    return true;
}

void agents_progress(struct agents *a, int64_t now_ns, uint32_t node, const struct agent_frame *f)
{
    struct event fact = { .kind = EV_ATTEMPT_PROGRESS, .observed_ns = now_ns,
                          .source = SOURCE_NODE + node };
    struct body_progress *p = &fact.body.progress;
    struct agent *g = &a->agent[node];
    if (!progress_of(a, node, f, p)) {
        a->stats.progress_left_out++;
        return;
    }
    /* Every node of the job may say it: what is saved counts once, the rest from the first node. */
    uint32_t first_node = a->board->job_first_node[p->slot];
    struct agent *first = &a->agent[first_node];
    bool saved = p->saved_ms > a->board->job_saved_ms[p->slot] &&
                 now_ns - first->saved_ns >= SAVED_EVERY_NS;
    bool again = first_node == node &&
                 now_ns - g->progress_ns >= PROGRESS_EVERY_NS;
    if (!saved && !again) {
        a->stats.progress_left_out++;
        return;
    }
    g->progress_ns = now_ns;
    if (saved)
        first->saved_ns = now_ns;
    (void)a->o.facts.submit(a->o.facts.ctx, &fact, NULL);
}

/* ---- checks -------------------------------------------------------------------------------- */

/* Does the engine keep jobs off the node? */
static bool out_of_service(const struct agents *a, uint32_t node)
{
    return (guard_node_reported(a->o.control->guard, node) & 0xf) != SERVICE_IN ||
           care_node_service(a->o.control->care, node) != SERVICE_IN;
}

/* A person answered the gate, or its incident is over: nothing is left to check. */
static void drop_stale(struct agents *a, uint32_t node)
{
    struct check *c = &a->check[node];
    if (c->seq == 0 || care_gate_open(a->o.control->care, node) == c->seq)
        return;
    *c = (struct check){ .seq = 0 };
    a->checks--;
}

void agents_ask(struct agents *a, uint32_t node)
{
    drop_stale(a, node);
    const struct check *c = &a->check[node];
    struct agent_frame f = { .verb = AGENT_CHECK, .n = c->seq, .deadline_ms = c->gate.length_ms };
    bool in_use = a->board->node_job[node] != MW_NONE ||
                  (a->o.control->policy.care.engine && !out_of_service(a, node));
    if (c->seq == 0 || c->gate.result != 0 || in_use)
        return; /* a check may not disturb a job: then the gate is a person's */
    const char *name = a->o.control->policy.care.class[c->gate.class].name;
    for (size_t i = 0; i + 1 < sizeof(f.name) && name[i] != '\0'; i++)
        f.name[i] = name[i];
    (void)a->o.send(a->o.send_ctx, node, &f); /* not connected: asked when it says hello */
}

/* Submits the gate's result; it is kept while it cannot be recorded. */
static void end_gate(struct agents *a, int64_t now_ns, uint32_t node, uint8_t result)
{
    struct check *c = &a->check[node];
    struct event fact = { .kind = EV_GATE_ENDED, .observed_ns = now_ns, .cause = c->seq,
                          .source = SOURCE_NODE + node };
    must(c->seq != 0 && a->checks > 0);
    c->gate.result = result;
    fact.body.gate = c->gate;
    if (a->o.facts.submit(a->o.facts.ctx, &fact, NULL) == ADMIT_GAP)
        return;
    *c = (struct check){ .seq = 0 };
    a->checks--;
}

/* Nobody can say, for example because the agent has no check program: no failure, no pass.  The
 * gate stays open for a person, or for an agent that says hello with a check. */
static void leave_open(struct agents *a, uint32_t node)
{
    a->stats.checks_unknown++;
    a->check[node].due_ns = MW_NEVER;
}

void agents_checked(struct agents *a, int64_t now_ns, uint32_t node, const struct agent_frame *f)
{
    drop_stale(a, node);
    if (a->check[node].seq == 0 || a->check[node].seq != f->n)
        return; /* answered before, or of a gate that is over */
    must(f->result >= RESULT_OK && f->result <= RESULT_UNKNOWN);
    if (f->result == RESULT_UNKNOWN) {
        leave_open(a, node);
        return;
    }
    end_gate(a, now_ns, node, f->result);
}

void agents_checks_due(struct agents *a, int64_t now_ns)
{
    for (uint32_t n = 0; n < a->nodes && a->checks > 0; n++) {
        drop_stale(a, n);
        const struct check *c = &a->check[n];
        bool known = c->gate.result != 0; /* and could not be recorded so far */
        if (c->seq != 0 && known)
            end_gate(a, now_ns, n, c->gate.result);
        else if (c->seq != 0 && now_ns >= c->due_ns)
            leave_open(a, n);
    }
}
