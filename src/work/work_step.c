/* Work's fold and its next step. */
#include "base/exact.h"
#include "base/units.h"
#include "work/work_backfill.h"
#include "work/work_preempt.h"
#include "work/work_private.h"
#include "work/work_quota.h"
#include "work/work_spares.h"
#include "work/work_window.h"

void work_ask_pulse(struct work *w)
{
    if (w->pulse_due_ns != MW_NEVER || w->policy.engine)
        return;
    int64_t next_ns = w->pulse_last_ns + w->policy.pulse_ms * MW_NS_PER_MS;
    w->pulse_due_ns = MW_MAX(w->now_ns, next_ns);
}

/* The queue may move. */
static void ask_pulse(struct work *w)
{
    if (w->queued)
        work_ask_pulse(w);
}

void work_ask_stop(struct work *w, const struct stop *s)
{
    must(w->stop_length < WORK_STOPS_MAX);
    w->stop[(w->stop_head + w->stop_length++) % WORK_STOPS_MAX] = *s;
}

/* A node with a gang on it leaves service. */
static void node_leaves(struct work *w, uint32_t node, uint8_t how, const struct stop *why)
{
    uint32_t slot = w->board->node_job[node];
    if (slot == MW_NONE)
        return;
    struct stop s = *why;
    s.slot = slot;
    s.attempt = w->board->job_attempt[slot];
    s.node = node;
    s.how = how;
    work_ask_stop(w, &s);
}

void work_refresh(struct work *w, uint32_t node)
{
    uint32_t slot = w->board->node_job[node];
    uint8_t before = w->serving[node];
    gang_refresh(w, node);
    if (slot == MW_NONE || w->serving[node] == before)
        return;
    backfill_gives(w, slot, w->serving[node]);
    preempt_gives(w, slot, w->serving[node]);
}

/* Less is in service: has a job in front become too large, so that others need not wait for it? */
static bool lets_others(const struct work *w, uint32_t before)
{
    for (uint32_t p = 0; p < BOARD_PRIORITIES && w->serving_total < before; p++) {
        uint32_t slot = w->queue_first[p];
        uint32_t nodes = slot == MW_NONE ? 0 : w->board->job_nodes[slot];
        if (nodes > w->serving_total && nodes <= before)
            return true;
    }
    return false;
}

static void node_changed(struct work *w, uint32_t node)
{
    uint32_t before = w->free_total, serving = w->serving_total;
    work_refresh(w, node);
    if (w->free_total > before || w->policy.preempt || /* less than was promised: ask again */
        lets_others(w, serving))
        ask_pulse(w);
}

static void command(struct work *w, const struct event *ev)
{
    const struct body_command *c = &ev->body.command;
    if (c->verb == CMD_ENGINE)
        w->want = *ev;
    if (c->verb == CMD_WINDOW)
        window_command(w, ev);
    if (c->verb != CMD_HOLD && c->verb != CMD_RELEASE && c->verb != CMD_DRAIN)
        return;
    node_changed(w, c->node);
    const struct stop why = { .incident_slot = MW_NONE, .class = BOARD_CLASS_PERSON };
    if (c->verb == CMD_DRAIN && !w->policy.engine)
        node_leaves(w, c->node, DRAIN_AT_CHECKPOINT, &why);
}

static void submitted(struct work *w, const struct event *ev)
{
    uint32_t slot = board_job_find(w->board, ev->body.job.job);
    must(slot != MW_NONE);
    w->place_seq[slot] = w->stop_seq[slot] = 0;
    w->stop_how[slot] = w->cancelled[slot] = 0;
    quota_submitted(w, slot);
    queue_insert(w, slot);
    ask_pulse(w);
    w->fresh = slot + 1;
}

static uint8_t placed(struct work *w, const struct event *ev, const uint32_t *node)
{
    struct board *b = w->board;
    const struct body_place *p = &ev->body.place;
    uint32_t slot = p->slot;
    if (slot >= b->jobs_used || b->job_id[slot] != p->job || b->job_state[slot] != JOB_QUEUED)
        return MISFIT_JOB;
    uint8_t code = 0;
    queue_remove(w, slot);
    w->running++;
    b->job_state[slot] = JOB_PLACED;
    b->job_attempt[slot] = p->attempt;
    b->job_first_node[slot] = MW_NONE;
    for (uint32_t i = p->nodes; i-- > 0;) {
        if (b->node_job[node[i]] != MW_NONE) {
            code = MISFIT_NODE_BUSY;
            continue;
        }
        b->node_job[node[i]] = slot;
        b->node_next[node[i]] = b->job_first_node[slot];
        b->job_first_node[slot] = node[i];
        gang_refresh(w, node[i]);
    }
    b->job_interval_ms[slot] = p->interval_ms;
    b->job_from_ms[slot] = p->from_ms;
    b->job_ready_ms[slot] = 0;
    quota_uses(w, slot, true);
    preempt_placed(w, slot);
    backfill_placed(w, slot);
    w->place_seq[slot] = ev->kind == EV_ATTEMPT_PLACED ? ev->seq : 0;
    w->fresh = 0;
    if (w->look && --w->look == 0)
        ask_pulse(w); /* this look is used up: there may be more to place */
    return code;
}

static uint8_t progressed(struct work *w, const struct body_progress *p)
{
    struct board *b = w->board;
    if (!board_attempt_is(b, p->slot, p->job, p->attempt))
        return MISFIT_ATTEMPT;
    backfill_progress(w, p->slot, p->progress_ms);
    b->job_high_ms[p->slot] = MW_MAX(b->job_high_ms[p->slot], p->progress_ms);
    b->job_saved_ms[p->slot] = MW_MAX(b->job_saved_ms[p->slot], p->saved_ms);
    return 0;
}

/* Its own error: no node, no fault class. */
static bool own_error(const struct body_progress *p)
{
    return p->how == HOW_FAILED && p->node == MW_NONE && p->class == UINT16_MAX;
}

static void blame(struct work *w, const struct body_progress *p)
{
    struct board *b = w->board;
    if (w->stop_how[p->slot] || (p->node == MW_NONE && p->class == UINT16_MAX))
        return; /* the stop said why, or nobody knows */
    uint32_t incident = p->node == MW_NONE ? MW_NONE : b->node_incident[p->node];
    b->job_class[p->slot] = p->class;
    b->job_incident_slot[p->slot] = incident;
    b->job_incident[p->slot] = incident == MW_NONE ? 0 : b->incident_id[incident];
}

static uint8_t ended(struct work *w, const struct event *ev)
{
    struct board *b = w->board;
    const struct body_progress *p = &ev->body.progress;
    uint32_t slot = p->slot;
    if (!board_attempt_is(b, slot, p->job, p->attempt) || b->job_state[slot] < JOB_PLACED)
        return MISFIT_ATTEMPT;
    bool over = p->how == HOW_DONE || p->how == HOW_CANCELLED || p->how == HOW_UNKNOWN ||
                w->cancelled[slot] || (own_error(p) && !w->stop_how[slot]);
    (void)progressed(w, p);
    blame(w, p);
    preempt_ended(w, slot);
    backfill_ended(w, slot);
    quota_uses(w, slot, false);
    for (uint32_t n = b->job_first_node[slot]; n != MW_NONE;) {
        uint32_t next = b->node_next[n];
        b->node_job[n] = MW_NONE;
        b->node_next[n] = MW_NONE;
        gang_refresh(w, n);
        n = next;
    }
    b->job_first_node[slot] = MW_NONE;
    w->running--;
    w->place_seq[slot] = 0;
    if (over || !w->policy.engine)
        w->stop_seq[slot] = 0; /* an engine's answer also says that it may start again */
    w->stop_how[slot] = 0;
    if (over) {
        board_job_release(b, slot);
    } else {
        b->job_state[slot] = JOB_QUEUED;
        queue_insert(w, slot);
    }
    ask_pulse(w);
    return 0;
}

static uint8_t stopping(struct work *w, const struct event *ev)
{
    struct board *b = w->board;
    const struct body_stop *s = &ev->body.stop;
    if (!board_attempt_is(b, s->slot, s->job, s->attempt) ||
        b->job_state[s->slot] < JOB_PLACED)
        return MISFIT_ATTEMPT;
    bool room = s->class == BOARD_CLASS_PREEMPT;
    preempt_stopping(w, s->slot, ev->cause, room);
    if (room && w->look && --w->look == 0)
        ask_pulse(w); /* this look is used up: more may have to stop */
    backfill_stopping(w, s->slot, s->how);
    b->job_state[s->slot] = JOB_STOPPING;
    b->job_incident[s->slot] = s->incident;
    b->job_incident_slot[s->slot] = s->incident_slot;
    b->job_class[s->slot] = s->class;
    w->stop_seq[s->slot] = ev->seq;
    w->stop_how[s->slot] = s->how;
    return 0;
}

static uint8_t cancel(struct work *w, const struct body_command *c)
{
    uint32_t slot = board_job_find(w->board, c->ref);
    if (slot == MW_NONE)
        return MISFIT_JOB;
    if (w->board->job_state[slot] == JOB_QUEUED) {
        queue_remove(w, slot);
        preempt_forget(w, slot);
        board_job_release(w->board, slot);
        ask_pulse(w); /* it may have held back others */
        return 0;
    }
    w->cancelled[slot] = 1;
    if (w->policy.engine)
        return 0; /* the engine ends it and says so */
    const struct stop s = { .slot = slot, .attempt = w->board->job_attempt[slot],
                            .node = MW_NONE, .incident_slot = MW_NONE, .class = BOARD_CLASS_PERSON,
                            .how = DRAIN_NOW };
    work_ask_stop(w, &s);
    return 0;
}

static uint8_t moved(struct work *w, const struct body_node *m)
{
    const struct stop why = { .incident = m->incident, .incident_slot = m->slot,
                              .class = m->class };
    node_changed(w, m->node);
    spares_moved(w, m->node, m->from, m->incident);
    if (m->to == HEALTH_DOWN && !w->policy.engine)
        node_leaves(w, m->node, DRAIN_NOW, &why);
    return 0;
}

static uint8_t drained(struct work *w, const struct body_drain *d)
{
    const struct stop why = { .incident = d->incident, .incident_slot = d->slot,
                              .class = d->class };
    node_changed(w, d->node);
    spares_moved(w, d->node, HEALTH_READY, true);
    if (!w->policy.engine) /* else it is drained there: what runs may end by itself */
        node_leaves(w, d->node, d->how, &why);
    return 0;
}

static void engine_ordered(struct work *w, const struct event *ev)
{
    const struct body_engine *e = &ev->body.engine;
    const struct stop why = { .incident = e->incident, .incident_slot = e->slot,
                              .actor = ev->actor, .class = e->class };
    if (e->class == BOARD_CLASS_PERSON) {
        work_asked(w, ev);
        return;
    }
    if (e->verb == ENGINE_DOWN)
        node_leaves(w, e->node, DRAIN_NOW, &why);
    if (e->verb == ENGINE_REQUEUE)
        work_requeue_ordered(w, ev);
}

/* The guard did not let the first stop out. */
static void advised(struct work *w, const struct body_advice *a)
{
    if (a->kind != EV_ENGINE_ORDER || a->verb != ENGINE_REQUEUE || !w->stop_length)
        return;
    w->stop_length--;
    w->stop_head = (w->stop_head + 1) % WORK_STOPS_MAX;
}

static uint8_t timer(struct work *w, const struct body_timer *t)
{
    if (t->plane != PLANE_WORK)
        return 0;
    if (t->id == WINDOW_TIMER) {
        window_fired(w);
        return 0;
    }
    w->pulse_last_ns = w->pulse_due_ns == MW_NEVER ? w->now_ns : w->pulse_due_ns;
    w->pulse_due_ns = MW_NEVER;
    w->look = w->policy.places_per_pulse;
    spares_pulse(w);
    return 0;
}

static void adopted(struct work *w, const struct body_adopt *a)
{
    for (uint32_t n = a->first; n < a->first + a->count; n++)
        work_refresh(w, n);
    spares_adopted(w);
    ask_pulse(w);
}

static uint8_t running(struct work *w, const struct body_running *r)
{
    if (!board_attempt_is(w->board, r->slot, r->job, r->attempt))
        return MISFIT_ATTEMPT;
    if (w->board->job_state[r->slot] == JOB_PLACED)
        w->board->job_state[r->slot] = JOB_RUNNING;
    w->board->job_ready_ms[r->slot] = mw_ms(w->now_ns);
    backfill_running(w, r->slot, r->from_ms);
    w->place_seq[r->slot] = 0;
    return 0;
}

uint8_t work_apply(void *self, const struct event *ev, const void *tail)
{
    struct work *w = self;
    w->now_ns = ev->time_ns;
    switch (ev->kind) {
    case EV_NODES_ADOPTED:
        adopted(w, &ev->body.adopt);
        return 0;
    case EV_JOB_SUBMITTED:
        submitted(w, ev);
        return 0;
    case EV_JOB_CANCELLED:
        return cancel(w, &ev->body.command);
    case EV_ATTEMPT_PLACED:
    case EV_ATTEMPT_ALLOCATED:
        return placed(w, ev, tail);
    case EV_ATTEMPT_RUNNING:
        return running(w, &ev->body.running);
    case EV_ATTEMPT_PROGRESS:
        return progressed(w, &ev->body.progress);
    case EV_ATTEMPT_ENDED:
        return ended(w, ev);
    case EV_ATTEMPT_STOP:
        return stopping(w, ev);
    case EV_SPARES_SIZED:
        spares_apply(w, ev);
        return 0;
    case EV_NODE_MOVED:
        return moved(w, &ev->body.node);
    case EV_DRAIN_ORDERED:
        return drained(w, &ev->body.drain);
    case EV_TIMER_FIRED:
        return timer(w, &ev->body.timer);
    case EV_NODE_REPORTED:
        node_changed(w, ev->body.report.node);
        return 0;
    case EV_NODE_JUDGED:
        gang_refresh(w, ev->body.judge.node);
        return 0;
    case EV_ENGINE_ORDER:
        engine_ordered(w, ev);
        return 0;
    case EV_ENGINE_ANSWERED:
        work_answered(w, &ev->body.engine);
        return 0;
    case EV_ADVICE:
        advised(w, &ev->body.advice);
        return 0;
    case EV_COMMAND:
        command(w, ev);
        return 0;
    case EV_CASCADE_STOPPED:
        ask_pulse(w); /* what was cut short is looked at again */
        return 0;
    default:
        return 0;
    }
}

/* The first stop that still makes sense, or false. */
static bool decide_stop(struct work *w, struct decision *out)
{
    const struct board *b = w->board;
    for (; w->stop_length; w->stop_length--, w->stop_head = (w->stop_head + 1) % WORK_STOPS_MAX) {
        const struct stop *s = &w->stop[w->stop_head];
        bool present = b->job_state[s->slot] >= JOB_PLACED &&
                       b->job_state[s->slot] <= JOB_STOPPING &&
                       b->job_attempt[s->slot] == s->attempt;
        bool sooner = w->stop_how[s->slot] == 0 ||
                      (w->stop_how[s->slot] == DRAIN_AT_CHECKPOINT && s->how == DRAIN_NOW);
        if (!present || !sooner)
            continue;
        if (w->policy.engine) {
            work_decide_requeue(w, s, out);
            return true;
        }
        out->ev.kind = EV_ATTEMPT_STOP;
        out->ev.cause = s->cause;
        out->ev.tenant = b->job_tenant[s->slot];
        struct body_stop *body = &out->ev.body.stop; /* field by field: the gaps stay zero */
        body->job = b->job_id[s->slot];
        body->incident = s->incident;
        body->slot = s->slot;
        body->attempt = s->attempt;
        body->node = s->node;
        body->incident_slot = s->incident_slot;
        body->class = s->class;
        body->how = s->how;
        return true;
    }
    return false;
}

/* The job to place: the next of the queue when it is looked at; between the looks, when the policy
 * says so, the job that was just submitted if it is the next and there is room. */
static uint32_t to_place(struct work *w)
{
    if (w->look)
        return queue_pick(w);
    if (!w->fresh || !w->policy.at_once || w->policy.engine)
        return MW_NONE;
    return queue_fits_at_once(w, w->fresh - 1) ? w->fresh - 1 : MW_NONE;
}

/* Nodes for a gang: none that a window takes before it would end. */
static uint32_t choose(struct work *w, uint32_t slot, uint32_t *ret_node)
{
    uint64_t shut = w->window.waiting == 0 ? 0 : window_mask(
        w, slot, mw_ms(w->now_ns) + backfill_length_ms(w, slot));
    window_hide(w, shut, true);
    uint32_t groups = gang_choose(w, w->board->job_nodes[slot], ret_node);
    window_hide(w, shut, false);
    return groups;
}

static bool decide_place(struct work *w, struct decision *out)
{
    const struct board *b = w->board;
    uint32_t slot = to_place(w);
    if (slot == MW_NONE && w->stop_length && decide_stop(w, out))
        return true; /* room has to be made first */
    if (slot == MW_NONE) {
        w->look = w->fresh = 0;
        return false;
    }
    uint32_t nodes = b->job_nodes[slot];
    out->ev.kind = EV_ATTEMPT_PLACED;
    out->ev.tenant = b->job_tenant[slot];
    out->ev.tail_size = nodes * (uint32_t)sizeof(uint32_t);
    uint32_t groups = choose(w, slot, (uint32_t *)(void *)out->tail);
    out->ev.body.place = (struct body_place){
        .job = b->job_id[slot], .from_ms = b->job_saved_ms[slot],
        .interval_ms = work_interval_ms(&w->policy, b->job_write_ms[slot], nodes),
        .write_ms = b->job_write_ms[slot], .restart_ms = b->job_restart_ms[slot],
        .slot = slot, .attempt = b->job_attempt[slot] + 1, .nodes = nodes,
        .gpus = b->job_gpus[slot], .groups = groups };
    return true;
}

void work_quiet(void *self)
{
    struct work *w = self;
    w->stop_length = 0;
    w->look = w->fresh = 0;
    w->want.kind = EV_NONE;
    w->walk.begun = false;
    w->spares.look = false;
}

bool work_decide(void *self, struct decision *out)
{
    struct work *w = self;
    return work_decide_wanted(w, out) || spares_decide(w, out) || decide_stop(w, out) ||
           decide_place(w, out);
}
