/* The fold.  See projector.h; rows and file are store/history's. */
#include "api/projector.h"

#include <string.h>

#include "api/mark.h"
#include "api/power.h"
#include "base/mem.h"
#include "base/units.h"
#include "control/words.h"

/* Bits of history_job.flags beside JOB_INTERRUPTIBLE: what of the job's life its end depends on. */
enum { WAS_CANCELLED = 1 << 6, WAS_STOPPED = 1 << 7 };

/* ---- incidents ------------------------------------------------------------------------------ */

static void incident_opened(struct history_store *h, const struct event *ev)
{
    const struct body_incident *b = &ev->body.incident;
    const struct history_incident row = {
        .incident = ev->seq, .component = b->component, .opened_ms = b->opened_ms,
        .node = b->node, .class = b->class, .findings = MW_MAX(b->findings, 1u) };
    history_incident_put(h, &row);
}

static void incident_grew(struct history_store *h, const struct event *ev)
{
    const struct body_incident *b = &ev->body.incident;
    struct history_incident row;
    if (!history_incident_get(h, b->incident, &row))
        return;
    row.class = b->class;
    row.findings = MW_MAX(b->findings, row.findings + (ev->kind == EV_INCIDENT_JOINED));
    if (ev->kind == EV_INCIDENT_CLOSED) {
        row.closed_seq = ev->seq;
        row.closed_ms = mw_ms(ev->time_ns);
        row.lost_gpu_ms = b->lost_gpu_ms;
        row.findings = b->findings ? b->findings : row.findings;
    }
    history_incident_put(h, &row);
}

static void incident_cause(struct history_store *h, const struct event *ev)
{
    const struct body_cause *b = &ev->body.cause;
    bool suppressed = ev->kind == EV_INCIDENT_SUPPRESSED;
    struct history_incident row;
    if (history_incident_get(h, b->incident, &row)) {
        row.parent = suppressed ? b->parent : 0;
        history_incident_put(h, &row);
    }
    if (suppressed && history_incident_get(h, b->parent, &row)) {
        row.symptoms++;
        history_incident_put(h, &row);
    }
}

static void incident_step(struct history_store *h, const struct event *ev)
{
    const struct body_order *b = &ev->body.order;
    bool ended = ev->kind == EV_ORDER_ENDED || ev->kind == EV_ACTION_ENDED;
    struct history_incident row;
    if ((ended && b->result != RESULT_OK) || !b->incident ||
        !history_incident_get(h, b->incident, &row))
        return;
    if (ended) {
        row.step = b->step;
        row.cured = true;
    } else {
        row.steps++;
    }
    history_incident_put(h, &row);
}

/* ---- jobs ----------------------------------------------------------------------------------- */

/* A name is cut before a letter of several bytes that does not fit whole. */
static void take_name(const char *tail, uint32_t size, char ret[HISTORY_JOB_NAME_MAX])
{
    uint32_t n = (uint32_t)strnlen(tail, size);
    if (n >= HISTORY_JOB_NAME_MAX)
        for (n = HISTORY_JOB_NAME_MAX - 1; n > 0 && ((uint8_t)tail[n] & 0xc0) == 0x80;)
            n--;
    memcpy(ret, tail, n);
    ret[n] = '\0';
}

static void job_submitted(struct history_store *h, const struct event *ev, const void *tail)
{
    const struct body_job *b = &ev->body.job;
    struct history_job row = { .job = b->job, .submitted_seq = ev->seq,
                               .submitted_ms = mw_ms(ev->time_ns), .tenant = ev->tenant,
                               .gpus = b->gpus, .nodes = b->nodes, .priority = b->priority,
                               .flags = b->flags };
    if (tail && ev->tail_size > 0)
        take_name(tail, ev->tail_size, row.name);
    history_job_put(h, &row);
}

static uint32_t gpus_of(const struct fleet *f, const uint32_t *node, uint32_t nodes)
{
    uint32_t gpus = 0;
    for (uint32_t i = 0; i < nodes; i++)
        gpus += node[i] < f->count[COMPONENT_NODE] ? f->node_gpus[node[i]] : 0;
    return gpus;
}

static void job_placed(struct history_store *h, const struct fleet *f, const struct event *ev,
                       const void *tail)
{
    struct history_job row;
    uint32_t nodes = tail ? ev->tail_size / (uint32_t)sizeof(uint32_t) : 0;
    if (!history_job_live(h, ev->body.place.job, &row))
        return;
    row.attempts = ev->body.place.attempt;
    row.placed_ms = mw_ms(ev->time_ns);
    row.started_ms = row.started_ms ? row.started_ms : row.placed_ms;
    row.held_gpus = MW_MIN(row.gpus, gpus_of(f, tail, nodes));
    history_job_put(h, &row);
}

/* An attempt is to stop, or is not to after all. */
static void job_stop(struct history_store *h, uint64_t job, uint32_t attempt, bool stop)
{
    struct history_job row;
    if (!history_job_live(h, job, &row) || !row.placed_ms || row.attempts != attempt)
        return;
    row.flags = (uint8_t)(stop ? row.flags | WAS_STOPPED : row.flags & ~WAS_STOPPED);
    history_job_put(h, &row);
}

static void job_engine(struct history_store *h, const struct event *ev)
{
    const struct body_engine *b = &ev->body.engine;
    bool answer = ev->kind == EV_ENGINE_ANSWERED;
    if (b->verb != ENGINE_REQUEUE || (answer && b->result == RESULT_OK))
        return;
    job_stop(h, b->job, b->attempt, !answer);
}

static void job_over(struct history_job *row, const struct event *ev, uint8_t how)
{
    row->ended_seq = ev->seq;
    row->ended_ms = mw_ms(ev->time_ns);
    row->how = how;
    row->flags &= JOB_INTERRUPTIBLE;
}

static void job_cancelled(struct history_store *h, const struct event *ev)
{
    struct history_job row;
    if (!history_job_live(h, ev->body.command.ref, &row))
        return;
    row.flags |= WAS_CANCELLED;
    if (!row.placed_ms) /* it held nothing: that is its end; else its attempt has to end first */
        job_over(&row, ev, HOW_CANCELLED);
    history_job_put(h, &row);
}

static bool is_own_error(const struct body_progress *b)
{
    return b->how == HOW_FAILED && b->node == MW_NONE && b->class == UINT16_MAX;
}

/* The end of an attempt, and whether that of its job: the rule is work's (work_step.c). */
static void job_ended(struct history_store *h, const struct event *ev)
{
    const struct body_progress *b = &ev->body.progress;
    struct history_job row;
    if (!history_job_live(h, b->job, &row) || !row.placed_ms || row.attempts != b->attempt)
        return;
    bool over = b->how == HOW_DONE || b->how == HOW_CANCELLED || b->how == HOW_UNKNOWN ||
                (row.flags & WAS_CANCELLED) ||
                (is_own_error(b) && !(row.flags & WAS_STOPPED));
    row.held_gpu_ms += (mw_ms(ev->time_ns) - row.placed_ms) * (int64_t)row.held_gpus;
    row.high_ms = MW_MAX(row.high_ms, b->progress_ms);
    row.checkpoint_ms += b->checkpoint_ms;
    row.placed_ms = 0;
    if (over)
        job_over(&row, ev, (row.flags & WAS_CANCELLED) && b->how != HOW_DONE ? HOW_CANCELLED
                                                                            : b->how);
    row.flags &= (uint8_t)~WAS_STOPPED;
    history_job_put(h, &row);
}

/* ---- what people are told of ---------------------------------------------------------------- */

bool projector_is_notable(const struct event *ev)
{
    switch (ev->kind) {
    case EV_EPOCH:
    case EV_COMMAND:
    case EV_JOB_CANCELLED:
    case EV_INCIDENT_OPENED:
    case EV_INCIDENT_CLOSED:
    case EV_DRAIN_ORDERED:
    case EV_STEP_CHOSEN:
    case EV_ORDER_OPENED:
    case EV_ORDER_ENDED:
    case EV_ORDER_ESCALATED:
    case EV_ATTEMPT_PLACED:
    case EV_ATTEMPT_ALLOCATED:
    case EV_ATTEMPT_RUNNING:
    case EV_ATTEMPT_STOP:
    case EV_ATTEMPT_ENDED:
    case EV_ENGINE_ORDER:
    case EV_NODE_JUDGED:
    case EV_ADVICE:
    case EV_GUARD_TRIPPED:
    case EV_CASCADE_STOPPED:
    case EV_CONTRADICTION:
        return true;
    default:
        return false;
    }
}

static void note(struct history_store *h, const struct event *ev)
{
    const struct body_progress *b = &ev->body.progress;
    struct history_note row = { .seq = ev->seq, .time_ms = mw_ms(ev->time_ns), .kind = ev->kind };
    if (ev->kind == EV_ATTEMPT_ENDED)
        row.how = is_own_error(b) ? HISTORY_HOW_OWN : b->how;
    history_note_put(h, &row);
}

/* ---- samples -------------------------------------------------------------------------------- */

static uint32_t count_orders(const struct control *c)
{
    uint32_t n = 0;
    struct care_order o;
    for (uint32_t s = 0; s < c->board->incidents_used; s++)
        n += c->board->incident_id[s] && care_order_of(c->care, s, &o);
    return n;
}

void projector_sample(const struct control *c, int64_t now_ns, struct history_sample *ret)
{
    must(c && ret);
    struct account_totals t;
    struct account_ettr e = account_ettr(c->account, now_ns, true);
    struct api_gpu_counts gpus = api_gpu_counts(c);
    struct power w = { 0 };
    account_settle(c->account, now_ns, &t);
    *ret = (struct history_sample){
        .seq = core_seq(c->core), .time_ms = mw_ms(now_ns),
        .productive_gpu_ms = t.gpu_ms[ACCOUNT_PRODUCTIVE],
        .available_gpu_ms = t.wall_gpu_ms - t.gpu_ms[ACCOUNT_PLANNED],
        .ettr_productive_gpu_ms = e.productive_gpu_ms, .ettr_wall_gpu_ms = e.wall_gpu_ms,
        .lost_uusd = t.lost_microdollars, .incidents_open = care_root_incidents(c->care),
        .jobs_running = work_running(c->work), .jobs_queued = work_queued(c->work),
        .orders_open = count_orders(c) };
    for (uint32_t k = 0; k < CAUSE_COUNT; k++)
        for (uint32_t a = 0; a < ACCOUNT_CLASS_COUNT; a++)
            ret->lost_by[k] += t.by_cause[k][a];
    for (uint32_t k = 0; k < CAUSE_COUNT; k++)
        ret->lost_gpu_ms += ret->lost_by[k];
    ret->gpus_healthy = gpus.healthy;
    ret->gpus_busy = gpus.busy;
    if (power_of(c, MW_NONE, &w) == 0)
        ret->power_w = w.drawn_w;
}

static bool frame_room(struct projector *p, uint32_t gpus)
{
    if (p->gpus == gpus && p->mark)
        return true;
    mw_free(p->mark);
    p->mark = mw_calloc(gpus, 1);
    p->gpus = p->mark ? gpus : 0;
    return p->mark != NULL;
}

static void take_frame(struct projector *p, const struct control *c, int64_t now_ms)
{
    uint32_t gpus = c->board->fleet->count[COMPONENT_GPU];
    if (!frame_room(p, gpus))
        return;
    api_mark_fill(c, p->mark);
    history_heat_put(p->history, now_ms, p->mark, gpus);
}

/* The first whole group that ends at or after the mark on the clock. */
static void take_sample(struct projector *p, const struct control *c, const struct event *ev)
{
    int64_t now_ms = mw_ms(ev->time_ns);
    struct history_sample s;
    if (now_ms < p->next_ms || core_seq(c->core) != ev->seq)
        return;
    projector_sample(c, ev->time_ns, &s);
    history_sample_put(p->history, &s);
    if (now_ms >= p->heat_from_ms)
        take_frame(p, c, now_ms);
    p->next_ms = now_ms - now_ms % PROJECTOR_SAMPLE_MS + PROJECTOR_SAMPLE_MS;
}

/* ---- the fold ------------------------------------------------------------------------------- */

static void fold(struct projector *p, const struct control *c, const struct event *ev,
                 const void *tail)
{
    struct history_store *h = p->history;
    switch (ev->kind) {
    case EV_INCIDENT_OPENED:
        incident_opened(h, ev);
        break;
    case EV_INCIDENT_JOINED:
    case EV_INCIDENT_CLOSED:
        incident_grew(h, ev);
        break;
    case EV_INCIDENT_SUPPRESSED:
    case EV_INCIDENT_FREED:
        incident_cause(h, ev);
        break;
    case EV_ORDER_OPENED:
    case EV_ORDER_ENDED:
    case EV_ACTION_STARTED:
    case EV_ACTION_ENDED:
        incident_step(h, ev);
        break;
    case EV_JOB_SUBMITTED:
        job_submitted(h, ev, tail);
        break;
    case EV_ATTEMPT_PLACED:
    case EV_ATTEMPT_ALLOCATED:
        job_placed(h, c->board->fleet, ev, tail);
        break;
    case EV_ATTEMPT_STOP:
        job_stop(h, ev->body.stop.job, ev->body.stop.attempt, true);
        break;
    case EV_ENGINE_ORDER:
    case EV_ENGINE_ANSWERED:
        job_engine(h, ev);
        break;
    case EV_JOB_CANCELLED:
        job_cancelled(h, ev);
        break;
    case EV_ATTEMPT_ENDED:
        job_ended(h, ev);
        break;
    default:
        break;
    }
}

void projector_told(struct projector *p, const struct control *c, const struct event *ev,
                    const void *tail, bool last)
{
    must(p && c && ev);
    if (history_stopped(p->history) || ev->seq <= history_seq(p->history))
        return;
    fold(p, c, ev, tail);
    if (projector_is_notable(ev))
        note(p->history, ev);
    if (last)
        take_sample(p, c, ev);
    if (history_stopped(p->history))
        return;
    history_reached(p->history, ev);
    if (history_waiting(p->history) >= PROJECTOR_WAITING_MAX)
        (void)!history_commit(p->history, NULL); /* a failure is kept: history_stopped() */
}

void projector_init(struct projector *p, struct history_store *h, int64_t heat_from_ms)
{
    struct history_sample s;
    must(p && h);
    *p = (struct projector){ .history = h, .heat_from_ms = heat_from_ms };
    if (history_sample_before(h, INT64_MAX, &s))
        p->next_ms = s.time_ms - s.time_ms % PROJECTOR_SAMPLE_MS + PROJECTOR_SAMPLE_MS;
}

void projector_fini(struct projector *p)
{
    mw_free(p->mark);
    *p = (struct projector){ 0 };
}
