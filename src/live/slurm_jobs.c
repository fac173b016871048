/*
 * Jobs: what Slurm says of them beside what the board holds, as facts.  A job's
 * life comes in order (submitted, allocated, running, ended) even when only its
 * end was seen.  The state is read again after every fact.
 */
#include <string.h>

#include "base/mem.h"
#include "live/slurm_private.h"

#define NS_OF(s) ((s) * MW_NS_PER_S)

/* Everything about one job of the poll that is being compared. */
struct job {
    struct slurm *s;
    struct slurm_job *row;
    const uint32_t *node;
    uint32_t slot; /* of the board, MW_NONE */
};

static int64_t when_ns(const struct slurm *s, int64_t seconds)
{
    return seconds > 0 ? MW_MIN(NS_OF(seconds), s->now_ns) : s->now_ns;
}

static bool on_board(const struct job *j)
{
    return j->slot != MW_NONE && j->s->board->job_id[j->slot] == j->row->id;
}

static bool in_attempt(const struct board *b, uint32_t slot)
{
    return b->job_state[slot] >= JOB_PLACED;
}

static bool has_ended(uint8_t state)
{
    return state >= SLURM_JOB_DONE && state <= SLURM_JOB_NODE_FAIL;
}

/* GPUs of a gang: what it asked for, all of its nodes when it shares them with nobody. */
static uint32_t gpus_of(const struct job *j, uint32_t nodes)
{
    const struct board *b = j->s->board;
    uint64_t most = 0, n = j->row->gpus;
    for (uint32_t i = 0; i < j->row->nodes; i++)
        most += b->fleet->node_gpus[j->node[i]];
    if (j->row->nodes == 0)
        most = (uint64_t)nodes * b->node_gpus_max;
    if (n == 0)
        n = j->row->exclusive ? most : nodes;
    n = MW_MIN(n, (uint64_t)nodes * b->node_gpus_max);
    return (uint32_t)MW_MAX(n, 1u);
}

/* ---- facts ---------------------------------------------------------------------------------- */

static bool submitted(struct job *j)
{
    struct slurm *s = j->s;
    const struct slurm_job *r = j->row;
    const char *name = s->jobs.text.data + r->name;
    struct event ev = { .kind = EV_JOB_SUBMITTED, .observed_ns = when_ns(s, r->submit_s),
                        .tenant = r->user };
    int64_t limit_ms = r->limit_ms > 0 ? r->limit_ms : BOARD_JOB_MS_MAX;
    ev.body.job = (struct body_job){
        .job = r->id, .work_ms = MW_MIN(limit_ms, BOARD_JOB_MS_MAX),
        .gpus = gpus_of(j, r->node_count), .nodes = r->node_count, .category = r->restarts };
    if (slurm_fact(s, &ev, name, strlen(name)) != ADMIT_OK)
        return false;
    j->slot = board_job_find(s->board, r->id);
    return j->slot != MW_NONE;
}

static uint32_t groups_of(const struct fleet *f, const uint32_t *node, uint32_t nodes)
{
    uint32_t groups = 0;
    for (uint32_t i = 0; i < nodes; i++) /* a group's nodes are neighbours */
        groups += i == 0 || f->node_group[node[i]] != f->node_group[node[i - 1]];
    return groups;
}

static enum admit allocated(struct job *j)
{
    struct slurm *s = j->s;
    const struct board *b = s->board;
    const struct slurm_job *r = j->row;
    uint32_t slot = j->slot;
    struct event ev = { .kind = EV_ATTEMPT_ALLOCATED, .observed_ns = when_ns(s, r->start_s),
                        .tenant = r->user };
    uint32_t seen = r->restarts + 1 > b->job_category[slot]
                        ? r->restarts + 1 - b->job_category[slot] : 0; /* with those nobody saw */
    ev.body.place = (struct body_place){
        .job = r->id, .from_ms = b->job_saved_ms[slot], .write_ms = b->job_write_ms[slot],
        .restart_ms = b->job_restart_ms[slot], .slot = slot,
        .attempt = MW_MAX(b->job_attempt[slot] + 1, seen), .nodes = r->nodes,
        .gpus = gpus_of(j, r->nodes), .groups = groups_of(b->fleet, j->node, r->nodes) };
    enum admit a = slurm_fact(s, &ev, j->node, r->nodes * sizeof(*j->node));
    if (a == ADMIT_OK) {
        j->row->followed = true;
        j->row->attempt_restarts = r->restarts;
        j->row->stopped_ms = 0;
    }
    return a;
}

static void running(struct job *j)
{
    struct slurm *s = j->s;
    int64_t ready_ns = when_ns(s, j->row->start_s);
    struct event ev = { .kind = EV_ATTEMPT_RUNNING, .observed_ns = ready_ns,
                        .tenant = j->row->user };
    ev.body.running = (struct body_running){
        .job = j->row->id, .ready_ms = mw_ms(ready_ns),
        .from_ms = s->board->job_saved_ms[j->slot], .slot = j->slot,
        .attempt = s->board->job_attempt[j->slot] };
    (void)slurm_fact(s, &ev, NULL, 0);
}

/* A node of the attempt that is known to be bad, MW_NONE. */
static uint32_t bad_node(const struct board *b, uint32_t slot)
{
    for (uint32_t n = b->job_first_node[slot]; n != MW_NONE; n = b->node_next[n])
        if (b->node_incident[n] != MW_NONE && b->node_health[n] != HEALTH_READY)
            return n;
    return MW_NONE;
}

static void ended(struct slurm *s, uint32_t slot, enum attempt_how how, int64_t stopped_ns)
{
    const struct board *b = s->board;
    uint32_t node = how == HOW_STOPPED ? bad_node(b, slot) : MW_NONE;
    struct event ev = { .kind = EV_ATTEMPT_ENDED, .observed_ns = stopped_ns,
                        .tenant = b->job_tenant[slot] };
    ev.body.progress = (struct body_progress){
        .job = b->job_id[slot], .progress_ms = b->job_high_ms[slot],
        .saved_ms = b->job_saved_ms[slot], .stopped_ms = mw_ms(stopped_ns), .slot = slot,
        .attempt = b->job_attempt[slot], .node = node,
        .class = node == MW_NONE ? UINT16_MAX : b->node_class[node], .how = (uint8_t)how };
    (void)slurm_fact(s, &ev, NULL, 0);
    slurm_fast(s);
}

static void cancelled(struct slurm *s, uint32_t slot, int64_t at_ns)
{
    struct event ev = { .kind = EV_JOB_CANCELLED, .observed_ns = at_ns,
                        .tenant = s->board->job_tenant[slot] };
    ev.body.command = (struct body_command){ .ref = s->board->job_id[slot], .node = MW_NONE,
                                             .hall = MW_NONE, .slot = slot };
    (void)slurm_fact(s, &ev, NULL, 0);
}

/* ---- one job -------------------------------------------------------------------------------- */

/* Has the board the attempt that Slurm runs now? */
static bool same_attempt(const struct job *j)
{
    const struct board *b = j->s->board;
    const struct slurm_job *r = j->row;
    uint32_t nodes = 0;
    for (uint32_t n = b->job_first_node[j->slot]; n != MW_NONE; n = b->node_next[n])
        nodes++;
    if (nodes != r->nodes)
        return false;
    for (uint32_t i = 0; i < r->nodes; i++)
        if (b->node_job[j->node[i]] != j->slot)
            return false;
    if (r->followed)
        return r->restarts == r->attempt_restarts;
    return r->restarts + 1 == b->job_category[j->slot] + b->job_attempt[j->slot];
}

static bool order_open(const struct job *j)
{
    const struct slurm *s = j->s;
    return j->slot != MW_NONE && s->job_order[j->slot] != NULL;
}

/* It has nodes.  Gang by gang, as far as the state takes it. */
static void has_nodes(struct job *j)
{
    struct slurm *s = j->s;
    const struct board *b = s->board;
    struct slurm_job *r = j->row;
    if (r->strangers > 0 || r->nodes == 0) {
        s->stats.jobs_refused++;
        return;
    }
    if (in_attempt(b, j->slot) && !same_attempt(j))
        ended(s, j->slot, HOW_STOPPED,
              r->stopped_ms ? r->stopped_ms * MW_NS_PER_MS : when_ns(s, r->start_s));
    if (!in_attempt(b, j->slot)) {
        if (order_open(j))
            return; /* its requeue is to be answered first */
        enum admit a = allocated(j);
        if (a == ADMIT_FULL)
            s->stats.jobs_shared++;
        else if (a != ADMIT_OK)
            s->stats.jobs_refused++;
        if (a != ADMIT_OK)
            return;
        slurm_fast(s);
    } else if (!r->followed) {
        r->followed = true;
        r->attempt_restarts = r->restarts;
    }
    if (r->state != SLURM_JOB_STARTS && b->job_state[j->slot] == JOB_PLACED)
        running(j);
}

static enum attempt_how how_of(uint8_t state)
{
    switch (state) {
    case SLURM_JOB_DONE:
        return HOW_DONE;
    case SLURM_JOB_FAILED:
        return HOW_FAILED;
    case SLURM_JOB_CANCELLED:
        return HOW_CANCELLED;
    default:
        return HOW_STOPPED;
    }
}

static void over(struct job *j)
{
    struct slurm *s = j->s;
    int64_t end_ns = when_ns(s, j->row->end_s);
    bool ran = j->row->nodes > 0 && j->row->start_s > 0;
    if (ran && !in_attempt(s->board, j->slot))
        has_nodes(j); /* began and ended since the last poll */
    if (in_attempt(s->board, j->slot))
        ended(s, j->slot, how_of(j->row->state), end_ns);
    if (on_board(j)) /* it never ran, or its node took it along and Slurm does not try again */
        cancelled(s, j->slot, end_ns);
    j->row->over = !on_board(j);
}

/* Seen for the first time.  False: not to be followed. */
static bool begin(struct job *j)
{
    struct slurm *s = j->s;
    struct slurm_job *r = j->row;
    bool before = NS_OF(r->submit_s) < s->first_ns;
    if (has_ended(r->state) && before) {
        r->over = true; /* before we looked: it is in the record already, or never was */
        return false;
    }
    if ((r->state == SLURM_JOB_WAITS && r->array) || r->state == SLURM_JOB_COMPLETES ||
        r->state == SLURM_JOB_OTHER)
        return false;
    if (submitted(j))
        return true;
    s->stats.jobs_refused++;
    return false;
}

static void compare(struct job *j)
{
    struct slurm *s = j->s;
    struct slurm_job *r = j->row;
    if (r->over || (j->slot == MW_NONE && !begin(j)))
        return;
    switch (r->state) {
    case SLURM_JOB_WAITS:
        if (in_attempt(s->board, j->slot))
            ended(s, j->slot, HOW_STOPPED,
                  r->stopped_ms ? r->stopped_ms * MW_NS_PER_MS : s->now_ns);
        return;
    case SLURM_JOB_STARTS:
    case SLURM_JOB_RUNS:
        has_nodes(j);
        return;
    case SLURM_JOB_COMPLETES:
        if (r->stopped_ms == 0) {
            r->stopped_ms = mw_ms(s->now_ns);
            slurm_fast(s);
        }
        return;
    case SLURM_JOB_OTHER:
        return;
    default:
        over(j);
    }
}

/* Was the poll asked before the last order about this job, or a node of it, was answered?  A job
 * whose node is being put down is looked at when that is done. */
static bool too_old(const struct slurm *s, uint32_t slot)
{
    const struct board *b = s->board;
    if (slot == MW_NONE)
        return false;
    if (s->job_answered_ns[slot] >= s->poll_began_ns)
        return true;
    for (uint32_t n = b->job_first_node[slot]; n != MW_NONE; n = b->node_next[n])
        if (slurm_node_unsettled(s, n))
            return true;
    return false;
}

static void gone(struct slurm *s, uint32_t slot)
{
    const struct board *b = s->board;
    if (too_old(s, slot))
        return;
    if (in_attempt(b, slot))
        ended(s, slot, HOW_UNKNOWN, s->now_ns);
    else
        cancelled(s, slot, s->now_ns);
}

void slurm_jobs_compare(struct slurm *s)
{
    const struct board *b = s->board;
    struct slurm_jobs *v = &s->jobs;
    s->stats.jobs_shared = s->stats.jobs_refused = 0;
    for (uint32_t i = 0; i < v->rows; i++) {
        struct job j = { .s = s, .row = &v->row[i], .node = v->node + v->row[i].first_node,
                         .slot = board_job_find(b, v->row[i].id) };
        if (!too_old(s, j.slot))
            compare(&j);
    }
    for (uint32_t slot = 0; slot < b->jobs_used && !v->partial; slot++)
        if (b->job_id[slot] && map_get(&v->index, b->job_id[slot]) == MW_NONE)
            gone(s, slot);
}
