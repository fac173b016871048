/*
 * The fold of the accounts.  A node's interval closes when its class changes;
 * an attempt's when it reports or ends.  Money applies before work, so the
 * node list of an attempt that ends is still on the board.
 */
#include "base/units.h"
#include "money/account_private.h"

static const uint8_t ACCOUNT_OF_HEALTH[HEALTH_COUNT] = {
    [HEALTH_RACKED] = ACCOUNT_PLANNED,       [HEALTH_PROVISIONING] = ACCOUNT_PLANNED,
    [HEALTH_VALIDATING] = ACCOUNT_VALIDATING, [HEALTH_PROBATION] = ACCOUNT_VALIDATING,
    [HEALTH_READY] = ACCOUNT_IDLE,           [HEALTH_SUSPECT] = ACCOUNT_DRAINING,
    [HEALTH_DOWN] = ACCOUNT_DOWN,            [HEALTH_REPAIRING] = ACCOUNT_REPAIRING,
    [HEALTH_SANITISING] = ACCOUNT_PLANNED,   [HEALTH_RETIRED] = ACCOUNT_PLANNED,
};

uint8_t account_class_of(const struct board *b, uint32_t node)
{
    uint8_t class = ACCOUNT_OF_HEALTH[b->node_health[node]];
    return class == ACCOUNT_IDLE && b->node_holds[node] ? ACCOUNT_PLANNED : class;
}

uint16_t account_cause_of(uint16_t fault_class)
{
    if (fault_class == BOARD_CLASS_PERSON)
        return CAUSE_PERSON;
    if (fault_class == BOARD_CLASS_PREEMPT)
        return CAUSE_PREEMPT;
    return fault_class < BOARD_CLASSES_MAX ? fault_class : CAUSE_NONE;
}

/* What an incident costs is shown with all that it is a symptom of, so that the cause has the
 * whole: its sum, and no account's.  Bounded as chains of causes are. */
static void add_lost(struct account *a, uint32_t incident, int64_t gpu_ms)
{
    struct board *b = a->board;
    for (uint32_t i = 0; i < ACCOUNT_CAUSES_MAX && incident < b->incidents_used; i++) {
        b->incident_lost_gpu_ms[incident] += gpu_ms;
        incident = b->incident_parent[incident];
    }
}

/* Books GPU time to a class, and, where it is lost, to its cause, incident and node. */
static void book(struct account *a, uint32_t class, uint16_t cause, uint32_t incident,
                 int64_t gpu_ms)
{
    must(class < ACCOUNT_CLASS_COUNT && cause < CAUSE_COUNT);
    must(gpu_ms >= 0);
    a->gpu_ms[class] += gpu_ms;
    if (!account_class_lost(class))
        return;
    a->by_cause[cause * ACCOUNT_CLASS_COUNT + class] += gpu_ms;
    if (incident == MW_NONE || incident >= a->board->incidents_used)
        return;
    add_lost(a, incident, gpu_ms);
    if (a->board->incident_node[incident] != MW_NONE)
        a->node_lost[a->board->incident_node[incident]] += gpu_ms;
}

static void close_node(struct account *a, uint32_t node, int64_t now_ms)
{
    uint8_t class = a->node_class[node];
    if (class != ACCOUNT_ALLOCATED)
        book(a, class, a->node_cause[node], a->board->node_incident[node],
             (now_ms - a->node_since_ms[node]) * a->board->fleet->node_gpus[node]);
    a->node_since_ms[node] = now_ms;
}

static void open_node(struct account *a, uint32_t node)
{
    uint8_t class = account_class_of(a->board, node);
    bool planned = class == ACCOUNT_IDLE && a->node_planned[node];
    account_set_class(a, node, planned ? ACCOUNT_PLANNED : class);
    a->node_cause[node] = account_cause_of(a->board->node_class[node]);
}

void account_reclass(struct account *a, uint32_t node, int64_t now_ms)
{
    if (a->node_class[node] == ACCOUNT_ALLOCATED)
        return;
    close_node(a, node, now_ms);
    open_node(a, node);
}

struct split account_split_start(int64_t length_ms, int64_t restart_ms)
{
    int64_t restart = MW_MIN(length_ms, restart_ms);
    return (struct split){ .restart_ms = restart, .waiting_ms = length_ms - restart };
}

struct split account_split_running(int64_t length_ms, int64_t gained_ms, int64_t written_ms,
                                   int64_t behind_ms)
{
    struct split s = { 0 };
    must(length_ms >= 0);
    s.checkpoint_ms = MW_MAX(0, MW_MIN(written_ms, length_ms));
    int64_t gained = MW_MAX(0, MW_MIN(gained_ms, length_ms - s.checkpoint_ms));
    s.degraded_ms = length_ms - s.checkpoint_ms - gained;
    s.recompute_ms = MW_MAX(0, MW_MIN(gained, behind_ms));
    s.productive_ms = gained - s.recompute_ms;
    return s;
}

/* MW_NONE when the row has another by now: the class still says why. */
uint32_t account_still_open(const struct board *b, uint32_t slot, uint64_t incident)
{
    return slot < b->incidents_used && incident && b->incident_id[slot] == incident ? slot
                                                                                    : MW_NONE;
}

/* Something is wrong with a node of the gang: from now on that is what slows it. */
static void slowed_by(struct account *a, uint32_t slot, uint32_t incident)
{
    a->slow_class[slot] = a->board->incident_class[incident];
    a->slow_slot[slot] = incident;
    a->slow_incident[slot] = a->board->incident_id[incident];
}

static void incident_opened(struct account *a, const struct body_incident *i)
{
    uint32_t job = i->node == MW_NONE ? MW_NONE : a->board->node_job[i->node];
    if (job != MW_NONE && a->phase[job] != PHASE_NONE && i->slot < a->board->incidents_used)
        slowed_by(a, job, i->slot);
}

/* Care, which applies before, has drawn or cut the link. */
static void linked(struct account *a, const struct event *ev)
{
    const struct body_cause *k = &ev->body.cause;
    const struct board *b = a->board;
    if (k->slot >= b->incidents_used || b->incident_id[k->slot] != k->incident ||
        k->parent_slot >= b->incidents_used || b->incident_id[k->parent_slot] != k->parent)
        return; /* care says so */
    int64_t lost = b->incident_lost_gpu_ms[k->slot];
    bool under = b->incident_parent[k->slot] == k->parent_slot;
    if (under == (ev->kind == EV_INCIDENT_SUPPRESSED))
        add_lost(a, k->parent_slot, under ? lost : -lost);
}

static void book_split(struct account *a, uint32_t slot, const struct split *s)
{
    const struct board *b = a->board;
    int64_t gpus = account_gpus(a, slot);
    uint16_t cause = account_cause_of(a->start_class[slot]);
    uint32_t incident = account_still_open(b, a->start_slot[slot], a->start_incident[slot]);
    book(a, ACCOUNT_WAITING, cause, incident, s->waiting_ms * gpus);
    book(a, ACCOUNT_RESTART, cause, incident, s->restart_ms * gpus);
    book(a, ACCOUNT_RECOMPUTE, cause, incident, s->recompute_ms * gpus);
    book(a, ACCOUNT_CHECKPOINT, CAUSE_CHECKPOINT, MW_NONE, s->checkpoint_ms * gpus);
    book(a, ACCOUNT_PRODUCTIVE, CAUSE_NONE, MW_NONE, s->productive_ms * gpus);
    a->ettr_productive += s->productive_ms * gpus;
    book(a, ACCOUNT_DEGRADED, account_cause_of(a->slow_class[slot]),
         account_still_open(b, a->slow_slot[slot], a->slow_incident[slot]), s->degraded_ms * gpus);
}

/* Whatever ended the attempt before is why this one has to start. */
static void remember_why(struct account *a, uint32_t slot)
{
    a->start_class[slot] = a->board->job_class[slot];
    a->start_slot[slot] = a->board->job_incident_slot[slot];
    a->start_incident[slot] = a->board->job_incident[slot];
    a->slow_class[slot] = UINT16_MAX;
    a->slow_slot[slot] = MW_NONE;
    a->slow_incident[slot] = 0;
}

static uint8_t placed(struct account *a, const struct event *ev, const uint32_t *node)
{
    const struct body_place *p = &ev->body.place;
    int64_t now_ms = mw_ms(ev->time_ns);
    uint32_t slot = p->slot, held = 0;
    uint8_t code = 0;
    if (slot >= a->board->jobs_used)
        return MISFIT_JOB_ROW;
    remember_why(a, slot);
    for (uint32_t i = 0; i < p->nodes; i++) {
        uint32_t incident = a->board->node_incident[node[i]];
        if (incident != MW_NONE)
            slowed_by(a, slot, incident); /* repaired in service */
        if (a->node_class[node[i]] == ACCOUNT_ALLOCATED) {
            code = MISFIT_NODE_TWICE;
            continue;
        }
        close_node(a, node[i], now_ms);
        account_set_class(a, node[i], ACCOUNT_ALLOCATED);
        held += a->board->fleet->node_gpus[node[i]];
    }
    if (a->end_ms[slot])
        a->ettr_wall += (now_ms - a->end_ms[slot]) * account_gpus(a, slot);
    else
        a->ettr_jobs++;
    a->phase[slot] = PHASE_STARTING;
    a->gpus_held[slot] = held;
    a->place_ms[slot] = a->mark_ms[slot] = now_ms;
    a->mark_progress_ms[slot] = p->from_ms;
    a->mark_checkpoint_ms[slot] = 0;
    a->interval_ms[slot] = p->interval_ms;
    return code;
}

static int64_t clamp(int64_t x, int64_t low, int64_t high)
{
    return MW_MAX(low, MW_MIN(x, high));
}

static void running(struct account *a, const struct event *ev)
{
    const struct body_running *r = &ev->body.running;
    uint32_t slot = r->slot;
    if (!board_attempt_is(a->board, slot, r->job, r->attempt) ||
        a->phase[slot] != PHASE_STARTING)
        return;
    int64_t begun_ms = clamp(mw_ms(ev->observed_ns), a->mark_ms[slot], mw_ms(ev->time_ns));
    int64_t ready_ms = clamp(r->ready_ms, a->mark_ms[slot], begun_ms);
    struct split s = { .waiting_ms = ready_ms - a->mark_ms[slot],
                       .restart_ms = begun_ms - ready_ms };
    book_split(a, slot, &s);
    a->phase[slot] = PHASE_RUNNING;
    a->mark_ms[slot] = begun_ms;
    a->mark_progress_ms[slot] = r->from_ms;
}

/* Books the attempt up to `until_ms`, at which it had come as far as `p` says. */
static void book_until(struct account *a, const struct body_progress *p, int64_t until_ms)
{
    uint32_t slot = p->slot;
    int64_t length = until_ms - a->mark_ms[slot];
    struct split s;
    if (a->phase[slot] == PHASE_STARTING) {
        int64_t due_ms = a->place_ms[slot] + a->board->job_restart_ms[slot] - a->mark_ms[slot];
        s = account_split_start(length, MW_MAX(0, due_ms));
    } else {
        int64_t behind = a->board->job_high_ms[slot] - a->mark_progress_ms[slot];
        s = account_split_running(length, p->progress_ms - a->mark_progress_ms[slot],
                                  p->checkpoint_ms - a->mark_checkpoint_ms[slot], behind);
        a->mark_progress_ms[slot] = p->progress_ms;
        a->mark_checkpoint_ms[slot] = p->checkpoint_ms;
    }
    book_split(a, slot, &s);
    a->mark_ms[slot] = until_ms;
}

static void progressed(struct account *a, const struct event *ev)
{
    const struct body_progress *p = &ev->body.progress;
    if (!board_attempt_is(a->board, p->slot, p->job, p->attempt) || !a->phase[p->slot])
        return;
    book_until(a, p, clamp(mw_ms(ev->observed_ns), a->mark_ms[p->slot], mw_ms(ev->time_ns)));
}

/* What the standing still is lost to: the node's incident, else the fault class that the world
 * names, else what the attempt was told to stop for. */
static void book_hung(struct account *a, const struct body_progress *p, int64_t hung_ms)
{
    const struct board *b = a->board;
    uint32_t incident = MW_NONE;
    uint16_t class = UINT16_MAX;
    if (p->how == HOW_DONE) {
        /* nothing was wrong */
    } else if (p->node != MW_NONE && b->node_incident[p->node] != MW_NONE) {
        incident = b->node_incident[p->node];
        class = b->incident_class[incident];
    } else if (p->class != UINT16_MAX) {
        class = p->class;
    } else if (b->job_state[p->slot] == JOB_STOPPING) {
        incident = b->job_incident_slot[p->slot];
        class = b->job_class[p->slot];
        if (incident != MW_NONE && b->incident_id[incident] != b->job_incident[p->slot])
            incident = MW_NONE;
    }
    book(a, ACCOUNT_HUNG, account_cause_of(class), incident, hung_ms * account_gpus(a, p->slot));
}

static void ended(struct account *a, const struct event *ev)
{
    const struct body_progress *p = &ev->body.progress;
    struct board *b = a->board;
    uint32_t slot = p->slot;
    int64_t now_ms = mw_ms(ev->time_ns);
    if (!board_attempt_is(b, slot, p->job, p->attempt) || !a->phase[slot])
        return;
    if (a->phase[slot] == PHASE_RUNNING) {
        book_until(a, p, clamp(p->stopped_ms, a->mark_ms[slot], now_ms));
        book_hung(a, p, now_ms - a->mark_ms[slot]);
    } else {
        book_until(a, p, now_ms);
    }
    int64_t unused = (int64_t)a->gpus_held[slot] - account_gpus(a, slot);
    book(a, ACCOUNT_IDLE, CAUSE_NONE, MW_NONE, unused * (now_ms - a->place_ms[slot]));
    a->ettr_wall += (now_ms - a->place_ms[slot]) * account_gpus(a, slot);
    a->phase[slot] = PHASE_NONE;
    a->end_ms[slot] = now_ms;
    for (uint32_t n = b->job_first_node[slot]; n != MW_NONE; n = b->node_next[n]) {
        a->node_since_ms[n] = now_ms;
        open_node(a, n);
    }
}

static void submitted(struct account *a, const struct event *ev)
{
    uint32_t slot = board_job_find(a->board, ev->body.job.job);
    must(slot != MW_NONE);
    a->phase[slot] = PHASE_NONE;
    a->place_ms[slot] = a->end_ms[slot] = a->mark_ms[slot] = 0;
}

static void start(struct account *a, int64_t now_ms)
{
    a->start_ms = now_ms;
    for (uint32_t n = 0; n < a->board->nodes; n++) {
        a->node_since_ms[n] = now_ms;
        open_node(a, n);
    }
}

static void adopted(struct account *a, const struct body_adopt *b, int64_t now_ms)
{
    for (uint32_t n = b->first; n < b->first + b->count; n++)
        account_reclass(a, n, now_ms);
}

uint8_t account_apply(void *self, const struct event *ev, const void *tail)
{
    struct account *a = self;
    int64_t now_ms = mw_ms(ev->time_ns);
    if (MW_UNLIKELY(!a->start_ms))
        start(a, now_ms);
    account_spare_reach(a, now_ms);
    switch (ev->kind) {
    case EV_NODES_ADOPTED:
        adopted(a, &ev->body.adopt, now_ms);
        return 0;
    case EV_JOB_SUBMITTED:
        submitted(a, ev);
        return 0;
    case EV_INCIDENT_OPENED:
        incident_opened(a, &ev->body.incident);
        return 0;
    case EV_INCIDENT_SUPPRESSED:
    case EV_INCIDENT_FREED:
        linked(a, ev);
        return 0;
    case EV_ATTEMPT_PLACED:
    case EV_ATTEMPT_ALLOCATED:
        return placed(a, ev, tail);
    case EV_ATTEMPT_RUNNING:
        running(a, ev);
        return 0;
    case EV_ATTEMPT_PROGRESS:
        progressed(a, ev);
        return 0;
    case EV_ATTEMPT_ENDED:
        ended(a, ev);
        return 0;
    case EV_NODE_MOVED:
        account_reclass(a, ev->body.node.node, now_ms);
        return 0;
    case EV_DRAIN_ORDERED:
        account_reclass(a, ev->body.drain.node, now_ms);
        return 0;
    case EV_NODE_REPORTED:
        account_reclass(a, ev->body.report.node, now_ms);
        return 0;
    case EV_SPARES_SIZED:
        account_spare_sized(a, &ev->body.spares);
        return 0;
    case EV_TIMER_FIRED:
        if (ev->body.timer.plane == PLANE_WORK)
            account_window_time(a, now_ms);
        return 0;
    case EV_COMMAND:
        if (ev->body.command.verb == CMD_WINDOW)
            account_window_command(a, ev);
        if (ev->body.command.verb == CMD_HOLD || ev->body.command.verb == CMD_RELEASE ||
            ev->body.command.verb == CMD_DRAIN)
            account_reclass(a, ev->body.command.node, now_ms);
        return 0;
    default:
        return 0;
    }
}
