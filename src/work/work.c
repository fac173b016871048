/* Making work, what it admits, and the checkpoint interval. */
#include "work/work.h"

#include "base/exact.h"
#include "base/mem.h"
#include "base/units.h"
#include "work/work_backfill.h"
#include "work/work_preempt.h"
#include "work/work_private.h"
#include "work/work_quota.h"
#include "work/work_spares.h"
#include "work/work_window.h"

#define GANG_NODES_MAX (EVENT_TAIL_MAX / sizeof(uint32_t))

struct work_policy work_policy_default(void)
{
    return (struct work_policy){
        .rate_per_1e9_node_hours = 175000, /* 4.20 per 1000 node-days: StepFun's trace */
        .interval_ms_min = MW_MS_PER_MIN, .interval_ms_max = MW_MS_PER_DAY,
        .pulse_ms = 100, .places_per_pulse = 32, .topology = true, .avoid = true,
        .spares_quantile_ppm = 990000, .spares_repair_ms = 12 * MW_MS_PER_HOUR,
        .preempt_after_ms = 2 * MW_MS_PER_HOUR /* Meta's RSC, arXiv 2410.21680 */ };
}

int64_t work_interval_ms(const struct work_policy *p, int64_t write_ms, uint32_t nodes)
{
    if (p->interval_ms > 0)
        return p->interval_ms;
    if (write_ms <= 0 || p->rate_per_1e9_node_hours <= 0 || nodes == 0)
        return 0;
    /* failures per ms of the whole gang: N r / (1e9 * 3.6e6 ms) */
    double rate = (double)p->rate_per_1e9_node_hours * (double)nodes / (1e9 * 3.6e6);
    double interval = mw_sqrt(2.0 * (double)write_ms / rate);
    if (interval >= (double)p->interval_ms_max)
        return p->interval_ms_max;
    return MW_MAX((int64_t)interval, p->interval_ms_min);
}

static enum admit admit_progress(const struct board *b, const struct event *ev)
{
    const struct body_progress *p = &ev->body.progress;
    if (p->progress_ms < 0 || p->saved_ms < 0 || p->checkpoint_ms < 0 ||
        p->saved_ms > p->progress_ms)
        return ADMIT_IMPOSSIBLE;
    if (ev->kind == EV_ATTEMPT_ENDED && (p->how < HOW_DONE || p->how > HOW_UNKNOWN))
        return ADMIT_IMPOSSIBLE;
    if (p->node != MW_NONE && p->node >= b->nodes)
        return ADMIT_IMPOSSIBLE;
    if (!board_attempt_is(b, p->slot, p->job, p->attempt) || b->job_state[p->slot] < JOB_PLACED)
        return ADMIT_STALE;
    return ADMIT_OK;
}

static enum admit work_admit(const void *self, const struct event *ev, const void *tail)
{
    const struct work *w = self;
    const struct board *b = w->board;
    const struct body_running *r = &ev->body.running;
    switch (ev->kind) {
    case EV_COMMAND:
        if (ev->body.command.verb == CMD_WINDOW)
            return window_admit(w, ev);
        return ev->body.command.verb == CMD_ENGINE ? work_admit_wanted(w, ev) : ADMIT_OK;
    case EV_ATTEMPT_ALLOCATED:
        return work_admit_allocated(w, ev, tail);
    case EV_ENGINE_ANSWERED:
        return work_admit_answered(w, ev);
    case EV_JOB_SUBMITTED:
        return ev->body.job.nodes <= GANG_NODES_MAX ? ADMIT_OK : ADMIT_IMPOSSIBLE;
    case EV_JOB_CANCELLED:
        return board_job_find(b, ev->body.command.ref) == MW_NONE ? ADMIT_STALE : ADMIT_OK;
    case EV_ATTEMPT_RUNNING:
        if (!board_attempt_is(b, r->slot, r->job, r->attempt) ||
            (!w->place_seq[r->slot] && b->job_state[r->slot] != JOB_PLACED))
            return ADMIT_STALE;
        return r->from_ms >= 0 ? ADMIT_OK : ADMIT_IMPOSSIBLE;
    case EV_ATTEMPT_PROGRESS:
    case EV_ATTEMPT_ENDED:
        return admit_progress(b, ev);
    default:
        return ADMIT_OK;
    }
}

static int64_t work_next_due(const void *self, uint64_t *ret_id)
{
    const struct work *w = self;
    int64_t pulse_ns = w->pulse_due_ns;
    if (pulse_ns == MW_NEVER && w->queued && w->policy.preempt && !w->policy.engine)
        pulse_ns = w->pulse_last_ns + WORK_LOOK_AGAIN_NS;
    *ret_id = w->window.due_ns < pulse_ns ? WINDOW_TIMER : 0;
    return MW_MIN(pulse_ns, w->window.due_ns);
}

static uint64_t work_pending(const void *self, uint32_t *at)
{
    const struct work *w = self;
    while (*at / 2 < w->board->jobs_used) { /* two places a row: its start, its stop */
        uint32_t slot = *at / 2;
        uint64_t seq = (*at)++ % 2 ? w->stop_seq[slot] : w->place_seq[slot];
        if (seq && w->board->job_id[slot])
            return seq;
    }
    uint32_t first = 2 * w->board->jobs_used; /* then the orders of persons */
    while (*at - first < WORK_ASKED_MAX) {
        uint64_t seq = w->asked[(*at)++ - first];
        if (seq)
            return seq;
    }
    return 0;
}

static struct column_list work_columns(const void *self)
{
    const struct work *w = self;
    return (struct column_list){ .owner = "work", .item = w->column, .length = w->columns };
}

static void work_rebuild(void *self)
{
    struct work *w = self;
    const struct board *b = w->board;
    window_rebuild(w);
    gang_rebuild(w);
    backfill_rebuild(w);
    preempt_rebuild(w);
    for (uint32_t i = 0; i < WORK_QUOTAS_MAX; i++)
        w->quota_firm[i] = w->quota_all[i] = 0;
    for (uint32_t s = 0; s < b->jobs_used; s++) {
        if (!b->job_id[s])
            continue;
        quota_submitted(w, s);
        if (b->job_state[s] >= JOB_PLACED)
            quota_uses(w, s, true);
    }
}

struct plane work_plane(struct work *w)
{
    return (struct plane){ .name = "work", .self = w, .admit = work_admit, .apply = work_apply,
                           .decide = work_decide, .quiet = work_quiet, .next_due = work_next_due,
                           .pending = work_pending, .columns = work_columns,
                           .rebuild = work_rebuild };
}

static void list_columns(struct work *w)
{
    uint32_t max = w->board->jobs_max;
    const uint32_t *used = &w->board->jobs_used;
    const struct column column[] = {
        COLUMN("pulse_due_ns", &w->pulse_due_ns, 1, NULL),
        COLUMN("pulse_last_ns", &w->pulse_last_ns, 1, NULL),
        COLUMN("now_ns", &w->now_ns, 1, NULL),
        COLUMN("queued", &w->queued, 1, NULL),
        COLUMN("running", &w->running, 1, NULL),
        COLUMN("queue_first", w->queue_first, BOARD_PRIORITIES, NULL),
        COLUMN("queue_last", w->queue_last, BOARD_PRIORITIES, NULL),
        COLUMN("queue_next", w->queue_next, max, used),
        COLUMN("queue_prev", w->queue_prev, max, used),
        COLUMN("queued_ms", w->queued_ms, max, used),
        COLUMN("place_seq", w->place_seq, max, used),
        COLUMN("stop_seq", w->stop_seq, max, used),
        COLUMN("stop_how", w->stop_how, max, used),
        COLUMN("cancelled", w->cancelled, max, used),
        COLUMN("hazard", w->hazard, w->board->nodes, NULL),
        COLUMN("asked", w->asked, WORK_ASKED_MAX, NULL),
    };
    _Static_assert(MW_ARRAY_LEN(column) <= WORK_COLUMNS_MAX, "room for every column");
    for (uint32_t i = 0; i < MW_ARRAY_LEN(column); i++)
        work_column(w, column[i]);
}

static bool alloc(struct work *w)
{
    uint32_t jobs = w->board->jobs_max;
    w->queue_next = mw_calloc(jobs, sizeof(*w->queue_next));
    w->queue_prev = mw_calloc(jobs, sizeof(*w->queue_prev));
    w->queued_ms = mw_calloc(jobs, sizeof(*w->queued_ms));
    w->place_seq = mw_calloc(jobs, sizeof(*w->place_seq));
    w->stop_seq = mw_calloc(jobs, sizeof(*w->stop_seq));
    w->stop_how = mw_calloc(jobs, 1);
    w->cancelled = mw_calloc(jobs, 1);
    w->hazard = mw_calloc(w->board->nodes, 1);
    w->serving = mw_calloc(w->board->nodes, 1);
    w->quota_row = mw_calloc(jobs, 1);
    return w->queue_next && w->queue_prev && w->queued_ms && w->place_seq && w->stop_seq &&
           w->stop_how && w->cancelled && w->hazard && w->serving && w->quota_row &&
           gang_init(&w->gang, w->board->fleet) == 0;
}

int work_create(struct board *b, const struct work_policy *p, struct work **ret)
{
    must(b && p && ret);
    must(p->pulse_ms >= 100 && p->places_per_pulse > 0);
    must(p->places_per_pulse <= 48);
    struct work *w = mw_calloc(1, sizeof(*w));
    if (!w)
        return MW_ENOMEM;
    w->board = b;
    w->policy = *p;
    w->pulse_due_ns = MW_NEVER;
    for (uint32_t i = 0; i < BOARD_PRIORITIES; i++)
        w->queue_first[i] = w->queue_last[i] = MW_NONE;
    if (!alloc(w) || !backfill_init(w) || !preempt_init(w) || !spares_init(w) || !window_init(w)) {
        work_destroy(w);
        return MW_ENOMEM;
    }
    list_columns(w);
    *ret = w;
    return 0;
}

void work_destroy(struct work *w)
{
    if (!w)
        return;
    void *const owned[] = { w->queue_next, w->queue_prev, w->queued_ms, w->place_seq,
                            w->stop_seq, w->stop_how, w->cancelled, w->hazard, w->serving,
                            w->quota_row };
    for (uint32_t i = 0; i < MW_ARRAY_LEN(owned); i++)
        mw_free(owned[i]);
    gang_fini(&w->gang);
    backfill_fini(w);
    preempt_fini(w);
    spares_fini(w);
    window_fini(w);
    mw_free(w);
}

uint32_t work_queued(const struct work *w)
{
    return w->queued;
}

uint32_t work_running(const struct work *w)
{
    return w->running;
}

uint32_t work_free_nodes(const struct work *w)
{
    return w->free_total;
}
