/*
 * Where another engine owns allocation: its gangs are believed, and a job that
 * stood on a node which was ordered down is asked to be put back and to start
 * again at once, elsewhere.
 */
#include "work/work_private.h"

#define AVOIDED_MAX 256u

enum admit work_admit_allocated(const struct work *w, const struct event *ev,
                                const uint32_t *node)
{
    const struct board *b = w->board;
    const struct body_place *p = &ev->body.place;
    if (!w->policy.engine || p->nodes == 0 || ev->tail_size != p->nodes * sizeof(*node) || !node)
        return ADMIT_IMPOSSIBLE;
    if (p->slot >= b->jobs_used || b->job_id[p->slot] != p->job ||
        b->job_state[p->slot] != JOB_QUEUED || p->attempt <= b->job_attempt[p->slot])
        return ADMIT_STALE; /* numbers may be left out: attempts that nobody saw */
    for (uint32_t i = 0; i < p->nodes; i++) {
        if (node[i] >= b->nodes || (i > 0 && node[i] <= node[i - 1]))
            return ADMIT_IMPOSSIBLE; /* in order, none twice */
        if (b->node_job[node[i]] != MW_NONE)
            return ADMIT_FULL; /* whole nodes only */
    }
    return ADMIT_OK;
}

/* The place of a person's order; WORK_ASKED_MAX when there is none. */
static uint32_t find_asked(const struct work *w, uint64_t seq)
{
    uint32_t i = 0;
    while (i < WORK_ASKED_MAX && w->asked[i] != seq)
        i++;
    return i;
}

enum admit work_admit_wanted(const struct work *w, const struct event *ev)
{
    const struct body_command *c = &ev->body.command;
    if (!w->policy.engine)
        return ADMIT_IMPOSSIBLE; /* there is no such engine */
    bool job = c->engine == ENGINE_REQUEUE || c->engine == ENGINE_HOLD ||
               c->engine == ENGINE_RELEASE || c->engine == ENGINE_REQUIRE;
    if (job && board_job_find(w->board, c->ref) == MW_NONE)
        return ADMIT_STALE;
    return find_asked(w, 0) < WORK_ASKED_MAX ? ADMIT_OK : ADMIT_FULL;
}

bool work_decide_wanted(const struct work *w, struct decision *out)
{
    const struct body_command *c = &w->want.body.command;
    uint32_t *tail = (uint32_t *)(void *)out->tail;
    if (!w->want.kind)
        return false;
    uint32_t count = c->engine == ENGINE_REQUIRE || c->engine == ENGINE_RESERVE ? c->count : 0;
    for (uint32_t i = 0; i < count; i++)
        tail[i] = c->node + i;
    uint32_t slot = c->ref ? board_job_find(w->board, c->ref) : MW_NONE;
    bool runs = slot != MW_NONE && w->board->job_state[slot] >= JOB_PLACED;
    out->ev.kind = EV_ENGINE_ORDER;
    out->ev.actor = w->want.actor;
    out->ev.tail_size = count * (uint32_t)sizeof(*tail);
    out->ev.body.engine = (struct body_engine){
        .job = c->ref, .length_ms = c->length_ms, .node = c->node, .slot = MW_NONE,
        .job_slot = slot, .attempt = runs ? w->board->job_attempt[slot] : 0,
        .class = BOARD_CLASS_PERSON, .verb = c->engine };
    return true;
}

void work_asked(struct work *w, const struct event *ev)
{
    uint32_t place = find_asked(w, 0);
    w->want.kind = EV_NONE;
    if (place < WORK_ASKED_MAX)
        w->asked[place] = ev->seq;
}

enum admit work_admit_answered(const struct work *w, const struct event *ev)
{
    const struct body_engine *e = &ev->body.engine;
    if (e->class == BOARD_CLASS_PERSON)
        return find_asked(w, e->order) < WORK_ASKED_MAX ? ADMIT_OK : ADMIT_STALE;
    if (e->verb != ENGINE_REQUEUE)
        return ADMIT_OK; /* care's */
    if (e->job_slot >= w->board->jobs_used || w->stop_seq[e->job_slot] != e->order)
        return ADMIT_STALE;
    return ADMIT_OK;
}

/* In service with an open incident: the engine may not know that they are bad.  None when the job
 * would not find its nodes without them. */
static uint32_t avoided(const struct work *w, uint32_t needed, uint32_t *ret)
{
    const struct board *b = w->board;
    uint32_t n = 0;
    for (uint32_t i = 0; i < b->nodes && n < AVOIDED_MAX; i++)
        if (b->node_incident[i] != MW_NONE && b->node_health[i] == HEALTH_READY)
            ret[n++] = i;
    return w->serving_total >= n + needed ? n : 0;
}

void work_decide_requeue(struct work *w, const struct stop *s, struct decision *out)
{
    const struct board *b = w->board;
    uint32_t *tail = (uint32_t *)(void *)out->tail;
    out->ev.kind = EV_ENGINE_ORDER;
    out->ev.actor = s->actor;
    out->ev.tenant = b->job_tenant[s->slot];
    out->ev.tail_size = avoided(w, b->job_nodes[s->slot], tail) * (uint32_t)sizeof(*tail);
    out->ev.body.engine = (struct body_engine){
        .job = b->job_id[s->slot], .incident = s->incident, .node = s->node,
        .slot = s->incident_slot, .job_slot = s->slot, .attempt = s->attempt, .class = s->class,
        .verb = ENGINE_REQUEUE };
}

void work_requeue_ordered(struct work *w, const struct event *ev)
{
    struct board *b = w->board;
    const struct body_engine *e = &ev->body.engine;
    if (!board_attempt_is(b, e->job_slot, e->job, e->attempt))
        return;
    b->job_state[e->job_slot] = JOB_STOPPING;
    b->job_incident[e->job_slot] = e->incident;
    b->job_incident_slot[e->job_slot] = e->slot;
    b->job_class[e->job_slot] = e->class;
    w->stop_seq[e->job_slot] = ev->seq;
    w->stop_how[e->job_slot] = DRAIN_NOW;
}

void work_answered(struct work *w, const struct body_engine *e)
{
    struct board *b = w->board;
    uint32_t place = find_asked(w, e->order);
    if (place < WORK_ASKED_MAX)
        w->asked[place] = 0;
    if (e->class == BOARD_CLASS_PERSON || e->verb != ENGINE_REQUEUE)
        return;
    w->stop_seq[e->job_slot] = 0;
    if (e->result == RESULT_OK || b->job_state[e->job_slot] != JOB_STOPPING ||
        b->job_attempt[e->job_slot] != e->attempt)
        return;
    b->job_state[e->job_slot] = JOB_RUNNING; /* it was not put back: it goes on as it can */
    w->stop_how[e->job_slot] = 0;
}
