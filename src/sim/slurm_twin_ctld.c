/*
 * slurmctld's part of the twin: what it holds of nodes and jobs, and what time
 * does to both.  Lengths were read off recordings of 22.05.8.
 */
#include "sim/slurm_twin_private.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define CLEAN_NS (60 * MW_NS_PER_MS)    /* COMPLETING on a node that lives */
#define STUCK_NS (MW_NEVER - 1)         /* COMPLETING on a node that does not */
#define PASS_NS (300 * MW_NS_PER_MS)    /* from a change to the look at the queue */
#define ANSWER_NS (300 * MW_NS_PER_MS)  /* from a resume to its answer */
#define DOWN_ANSWER_NS (3 * MW_NS_PER_S) /* a DOWN node is asked this often */
#define BEGIN_NS (3 * MW_NS_PER_S)      /* slurmctld began: nodes are UNKNOWN so long */

void twin_look(struct slurm_twin *t)
{
    t->pass_ns = MW_MIN(t->pass_ns, t->now_ns + PASS_NS);
}

void twin_set_reason(struct slurm_twin *t, struct twin_node *n, const char *user,
                     const char *reason)
{
    (void)snprintf(n->reason, sizeof(n->reason), "%s", reason);
    (void)snprintf(n->user, sizeof(n->user), "%s", user);
    n->reason_ns = t->now_ns;
}

static bool returns(const struct slurm_twin *t, const struct twin_node *n)
{
    return t->options.return_to_service == 2 ||
           (t->options.return_to_service == 1 && n->by_engine);
}

void twin_node_answers(struct slurm_twin *t, uint32_t node)
{
    struct twin_node *n = &t->node[node];
    n->answer_ns = MW_NEVER;
    n->mute = n->unknown = false;
    if (n->clean_ns == STUCK_NS)
        n->clean_ns = t->now_ns + CLEAN_NS;
    if (n->down && returns(t, n)) {
        n->down = n->by_engine = false;
        if (!n->drain)
            n->reason[0] = '\0';
    }
    twin_look(t);
}

/* ---- jobs ------------------------------------------------------------------------------------ */

struct twin_job *twin_job_find(const struct slurm_twin *t, uint32_t id)
{
    for (uint32_t i = 0; i < t->jobs; i++)
        if (t->job[i].id == id)
            return &t->job[i];
    return NULL;
}

static void queue_again(struct slurm_twin *t, struct twin_job *j)
{
    j->state = TWIN_PENDING;
    j->why = "None";
    j->submit_ns = t->now_ns;
    j->begin_ns = twin_whole(t->now_ns) + t->options.requeue_hold_ns;
    j->start_ns = j->end_ns = 0;
    j->on = (struct twin_set){ 0 };
    twin_look(t);
}

/* The gang leaves its nodes: at once those that are down, soon those that live, and those whose
 * slurmd is dead only when they are set down. */
static void leave(struct slurm_twin *t, struct twin_job *j, bool linger)
{
    uint32_t row = (uint32_t)(j - t->job);
    j->completing = false;
    for (uint32_t i = 0; i < t->nodes; i++) {
        struct twin_node *n = &t->node[i];
        if (n->job != row)
            continue;
        if (linger && !n->down) {
            n->clean_ns = n->slurmd ? t->now_ns + CLEAN_NS : STUCK_NS;
            j->completing = true;
        } else {
            n->job = MW_NONE;
        }
    }
    twin_look(t);
}

static void left(struct slurm_twin *t, uint32_t node)
{
    struct twin_node *n = &t->node[node];
    struct twin_job *j = &t->job[n->job];
    uint32_t row = n->job;
    n->clean_ns = MW_NEVER;
    n->job = MW_NONE;
    for (uint32_t i = 0; i < t->nodes; i++)
        if (t->node[i].job == row)
            return;
    j->completing = false;
    if (j->state == TWIN_PENDING)
        queue_again(t, j);
    twin_look(t);
}

void twin_job_requeue(struct slurm_twin *t, struct twin_job *j)
{
    must(j->state != TWIN_PENDING || j->completing);
    bool ran = j->state == TWIN_RUNNING;
    j->state = TWIN_PENDING;
    j->why = "None";
    j->restarts++;
    j->start_ns = t->now_ns;
    if (ran)
        leave(t, j, true);
    if (!j->completing)
        queue_again(t, j);
}

void twin_job_cancel(struct slurm_twin *t, struct twin_job *j)
{
    bool ran = j->state == TWIN_RUNNING;
    if (j->state == TWIN_PENDING && !j->completing)
        j->start_ns = t->now_ns;
    j->state = TWIN_CANCELLED;
    j->cancelled = ran;
    j->end_ns = t->now_ns;
    if (ran)
        leave(t, j, true);
}

static void job_ends(struct slurm_twin *t, struct twin_job *j)
{
    j->state = TWIN_COMPLETED;
    j->end_ns = t->now_ns;
    leave(t, j, false);
}

/* ---- nodes ----------------------------------------------------------------------------------- */

void twin_node_down(struct slurm_twin *t, uint32_t node)
{
    struct twin_node *n = &t->node[node];
    n->down = true;
    n->unknown = false;
    n->by_engine = false;
    if (n->slurmd) /* with a job it answers when that is killed, else when it is asked */
        n->answer_ns = t->now_ns + (n->job != MW_NONE ? CLEAN_NS : DOWN_ANSWER_NS);
    if (n->job == MW_NONE)
        return;
    struct twin_job *j = &t->job[n->job];
    if (n->clean_ns != MW_NEVER)
        left(t, node);
    else
        twin_job_requeue(t, j);
}

void twin_node_resume(struct slurm_twin *t, uint32_t node)
{
    struct twin_node *n = &t->node[node];
    n->down = n->drain = n->by_engine = false;
    n->mute = true;
    if (!n->slurmd)
        n->quiet_ns = t->now_ns; /* it has as long again */
    n->reason[0] = '\0';
    n->answer_ns = t->now_ns + ANSWER_NS;
    twin_look(t);
}

static void node_unheard(struct slurm_twin *t, uint32_t node)
{
    struct twin_node *n = &t->node[node];
    n->mute = true;
    if (n->down || t->now_ns < n->quiet_ns + 2 * t->options.slurmd_timeout_ns)
        return;
    if (!n->reason[0])
        twin_set_reason(t, n, "root", "Not responding");
    twin_node_down(t, node);
    n->by_engine = true;
}

static int64_t unheard_due(const struct slurm_twin *t, const struct twin_node *n)
{
    if (n->slurmd || (n->down && n->mute))
        return MW_NEVER;
    return n->quiet_ns + t->options.slurmd_timeout_ns * (n->mute ? 2 : 1);
}

/* ---- the queue ------------------------------------------------------------------------------- */

static bool usable(const struct slurm_twin *t, uint32_t node)
{
    const struct twin_node *n = &t->node[node];
    return !n->down && !n->unknown && !n->mute && !n->drain && n->job == MW_NONE &&
           !twin_reserved(t, node);
}

/* The run of free neighbours to take next: the smallest that suffices, else the largest; of equals
 * the first.  Its length; 0 = there is none. */
static uint32_t best_run(const struct slurm_twin *t, const struct twin_set *free_of,
                         uint32_t needed, uint32_t *ret_first)
{
    uint32_t best = 0;
    for (uint32_t i = 0; i < t->nodes; i++) {
        uint32_t n = 0;
        while (i + n < t->nodes && twin_has(free_of, i + n))
            n++;
        bool better = best == 0 || (n >= needed && (best < needed || n < best)) ||
                      (n < needed && best < needed && n > best);
        if (n > 0 && better) {
            best = n;
            *ret_first = i;
        }
        i += n;
    }
    return best;
}

/* As select/cons_tres without a topology: neighbours, if it can be. */
static bool choose(const struct slurm_twin *t, const struct twin_job *j, struct twin_set *ret)
{
    struct twin_set left = { 0 };
    uint32_t needed = j->wanted;
    for (uint32_t i = 0; i < t->nodes; i++) {
        bool free = usable(t, i) && !twin_has(&j->not_on, i);
        if (twin_has(&j->must_on, i) && !free)
            return false;
        if (twin_has(&j->must_on, i)) {
            twin_add(ret, i);
            needed--;
        } else if (free) {
            twin_add(&left, i);
        }
    }
    while (needed > 0) {
        uint32_t first = 0, run = best_run(t, &left, needed, &first);
        if (run == 0)
            return false;
        for (uint32_t i = first; i < first + run; i++) {
            left.bit[i / 64] &= ~(UINT64_C(1) << (i % 64));
            if (needed > 0) {
                twin_add(ret, i);
                needed--;
            }
        }
    }
    return true;
}

static bool start(struct slurm_twin *t, struct twin_job *j)
{
    struct twin_set on = { 0 };
    if (!choose(t, j, &on))
        return false;
    j->batch = MW_NONE;
    for (uint32_t i = 0; i < t->nodes; i++)
        if (twin_has(&on, i)) {
            t->node[i].job = (uint32_t)(j - t->job);
            j->batch = MW_MIN(j->batch, i);
        }
    j->on = on;
    j->state = TWIN_RUNNING;
    j->why = "None";
    j->start_ns = t->now_ns;
    j->end_ns = t->now_ns + j->run_ns;
    return true;
}

static void pass(struct slurm_twin *t)
{
    bool blocked = false;
    t->pass_ns = MW_NEVER;
    for (uint32_t i = 0; i < t->jobs; i++) {
        struct twin_job *j = &t->job[i];
        if (j->state != TWIN_PENDING || j->completing)
            continue;
        if (j->held)
            j->why = "JobHeldAdmin";
        else if (j->begin_ns > t->now_ns)
            j->why = "BeginTime";
        else if (blocked)
            j->why = "Priority";
        else if (!start(t, j))
            j->why = "Resources", blocked = j->wanted <= t->nodes;
    }
}

/* ---- time ------------------------------------------------------------------------------------ */

static int64_t job_due(const struct slurm_twin *t, const struct twin_job *j)
{
    if (j->id == 0 || j->completing)
        return MW_NEVER;
    if (j->state == TWIN_PENDING)
        return j->begin_ns > t->now_ns ? j->begin_ns : MW_NEVER;
    return j->state == TWIN_RUNNING ? j->end_ns : j->end_ns + t->options.min_job_age_ns;
}

static int64_t node_due(const struct slurm_twin *t, const struct twin_node *n)
{
    int64_t due = MW_MIN(unheard_due(t, n), n->clean_ns);
    return n->slurmd ? MW_MIN(due, n->answer_ns) : due;
}

int64_t twin_ctld_next(const struct slurm_twin *t)
{
    if (!t->ctld)
        return MW_NEVER;
    int64_t due = MW_MIN(t->pass_ns, twin_reserve_next(t));
    for (uint32_t i = 0; i < t->nodes; i++)
        due = MW_MIN(due, node_due(t, &t->node[i]));
    for (uint32_t i = 0; i < t->jobs; i++)
        due = MW_MIN(due, job_due(t, &t->job[i]));
    return due;
}

void twin_ctld_step(struct slurm_twin *t)
{
    if (!t->ctld)
        return;
    twin_reserve_step(t);
    for (uint32_t i = 0; i < t->nodes; i++) {
        struct twin_node *n = &t->node[i];
        if (n->clean_ns <= t->now_ns)
            left(t, i);
        if (n->slurmd && n->answer_ns <= t->now_ns)
            twin_node_answers(t, i);
        if (unheard_due(t, n) <= t->now_ns)
            node_unheard(t, i);
    }
    for (uint32_t i = 0; i < t->jobs; i++) {
        struct twin_job *j = &t->job[i];
        if (j->id == 0 || j->completing)
            continue;
        if (j->state == TWIN_RUNNING && j->end_ns <= t->now_ns)
            job_ends(t, j);
        else if (j->state > TWIN_RUNNING && j->end_ns + t->options.min_job_age_ns <= t->now_ns)
            j->id = 0; /* forgotten */
        else if (j->state == TWIN_PENDING && j->begin_ns == t->now_ns)
            twin_look(t);
    }
    if (t->pass_ns <= t->now_ns)
        pass(t);
}

void twin_ctld_begins(struct slurm_twin *t)
{
    for (uint32_t i = 0; i < t->nodes; i++) {
        struct twin_node *n = &t->node[i];
        n->mute = false;
        n->unknown = !n->down;
        n->answer_ns = t->now_ns + BEGIN_NS;
        if (!n->slurmd)
            n->quiet_ns = t->now_ns;
    }
    twin_look(t);
}
