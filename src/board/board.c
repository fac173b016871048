/*
 * The board: memory and identity of the shared columns.  It gives rows to jobs
 * and incidents when they appear and writes what they were born with; the rest
 * of each row is the business of the plane named in the header.
 */
#include "board/board.h"

#include <string.h>

#include "base/units.h"

enum { MISFIT_NO_ROOM = 1, MISFIT_UNKNOWN_ROW = 2 };

static enum admit board_admit_job(const struct board *b, const struct event *ev)
{
    const struct body_job *j = &ev->body.job;
    bool sane = j->job && j->nodes && j->nodes <= b->nodes && j->gpus &&
                j->gpus <= (uint64_t)j->nodes * b->node_gpus_max &&
                j->priority < BOARD_PRIORITIES && !(j->flags & ~JOB_INTERRUPTIBLE);
    bool timely = j->work_ms > 0 && j->work_ms <= BOARD_JOB_MS_MAX && j->write_ms >= 0 &&
                  j->write_ms <= BOARD_JOB_MS_MAX && j->restart_ms >= 0 &&
                  j->restart_ms <= BOARD_JOB_MS_MAX;
    if (!sane || !timely)
        return ADMIT_IMPOSSIBLE;
    if (board_job_find(b, j->job) != MW_NONE)
        return ADMIT_DUPLICATE;
    return b->jobs_live < b->jobs_max ? ADMIT_OK : ADMIT_FULL;
}

static enum admit board_admit(const void *self, const struct event *ev, const void *tail)
{
    const struct board *b = self;
    (void)tail;
    if (ev->kind == EV_JOB_SUBMITTED)
        return board_admit_job(b, ev);
    if (ev->kind == EV_NODE_WATCHED) {
        const struct body_watch *w = &ev->body.watch;
        if (w->node >= b->nodes || w->watched > 1)
            return ADMIT_IMPOSSIBLE;
        bool same = b->node_watched[w->node] == w->watched &&
                    b->node_witness_high[w->node] == w->high &&
                    b->node_witness_low[w->node] == w->low &&
                    b->node_witness_port[w->node] == w->port;
        return same ? ADMIT_DUPLICATE : ADMIT_OK;
    }
    if (ev->kind == EV_NODES_ADOPTED) {
        const struct body_adopt *a = &ev->body.adopt;
        bool fits = a->first < b->nodes && a->count <= b->nodes - a->first;
        return fits && a->health < HEALTH_COUNT ? ADMIT_OK : ADMIT_IMPOSSIBLE;
    }
    return ADMIT_OK;
}

static uint8_t board_apply_job(struct board *b, const struct event *ev)
{
    const struct body_job *j = &ev->body.job;
    uint32_t slot = b->job_free;
    if (slot != MW_NONE)
        b->job_free = b->job_next_free[slot];
    else if (b->jobs_used < b->jobs_max)
        slot = b->jobs_used++;
    else
        return MISFIT_NO_ROOM;
    b->jobs_live++;
    b->job_next_free[slot] = MW_NONE;
    b->job_id[slot] = j->job;
    b->job_submit_seq[slot] = ev->seq;
    b->job_submit_ms[slot] = mw_ms(ev->time_ns);
    b->job_work_ms[slot] = j->work_ms;
    b->job_write_ms[slot] = j->write_ms;
    b->job_restart_ms[slot] = j->restart_ms;
    b->job_gpus[slot] = j->gpus;
    b->job_nodes[slot] = j->nodes;
    b->job_category[slot] = j->category;
    b->job_tenant[slot] = ev->tenant;
    b->job_priority[slot] = j->priority;
    b->job_flags[slot] = j->flags;
    b->job_state[slot] = JOB_QUEUED;
    b->job_attempt[slot] = 0;
    b->job_first_node[slot] = MW_NONE;
    b->job_saved_ms[slot] = 0;
    b->job_high_ms[slot] = 0;
    b->job_incident[slot] = 0;
    b->job_incident_slot[slot] = MW_NONE;
    b->job_class[slot] = UINT16_MAX;
    b->job_interval_ms[slot] = b->job_ready_ms[slot] = b->job_from_ms[slot] = 0;
    map_put(&b->job_index, j->job, slot);
    return 0;
}

void board_job_release(struct board *b, uint32_t slot)
{
    must(slot < b->jobs_used && b->job_id[slot]);
    must(b->job_first_node[slot] == MW_NONE);
    (void)map_remove(&b->job_index, b->job_id[slot]);
    b->job_id[slot] = 0;
    b->job_state[slot] = JOB_FREE;
    b->job_next_free[slot] = b->job_free;
    b->job_free = slot;
    b->jobs_live--;
}

uint32_t board_incident_next(const struct board *b)
{
    if (b->incident_free != MW_NONE)
        return b->incident_free;
    return b->incidents_used < b->incidents_max ? b->incidents_used : MW_NONE;
}

static uint8_t board_apply_incident(struct board *b, const struct event *ev)
{
    const struct body_incident *i = &ev->body.incident;
    uint32_t slot = i->slot;
    if (slot == MW_NONE || slot != board_incident_next(b))
        return MISFIT_NO_ROOM;
    if (slot == b->incident_free)
        b->incident_free = b->incident_next_free[slot];
    else
        b->incidents_used++;
    b->incidents_live++;
    b->incident_next_free[slot] = MW_NONE;
    b->incident_id[slot] = ev->seq;
    b->incident_component[slot] = i->component;
    b->incident_finding[slot] = i->finding;
    b->incident_opened_ms[slot] = mw_ms(ev->time_ns);
    b->incident_node[slot] = i->node;
    b->incident_findings[slot] = 1;
    b->incident_class[slot] = i->class;
    b->incident_lost_gpu_ms[slot] = 0;
    b->incident_parent[slot] = MW_NONE;
    b->incident_symptoms[slot] = 0;
    return 0;
}

static uint8_t board_apply_close(struct board *b, const struct event *ev)
{
    uint32_t slot = ev->body.incident.slot;
    if (slot >= b->incidents_used || b->incident_id[slot] != ev->body.incident.incident)
        return MISFIT_UNKNOWN_ROW;
    b->incident_id[slot] = 0;
    b->incident_next_free[slot] = b->incident_free;
    b->incident_free = slot;
    b->incidents_live--;
    return 0;
}

static void board_apply_watch(struct board *b, const struct body_watch *w)
{
    b->node_watched[w->node] = w->watched;
    b->node_witness_high[w->node] = w->high;
    b->node_witness_low[w->node] = w->low;
    b->node_witness_port[w->node] = w->port;
}

static uint8_t board_apply(void *self, const struct event *ev, const void *tail)
{
    struct board *b = self;
    (void)tail;
    switch (ev->kind) {
    case EV_EPOCH:
        memcpy(b->rules, ev->body.epoch.rules, sizeof(b->rules));
        return 0;
    case EV_NODE_WATCHED:
        board_apply_watch(b, &ev->body.watch);
        return 0;
    case EV_JOB_SUBMITTED:
        return board_apply_job(b, ev);
    case EV_INCIDENT_OPENED:
        return board_apply_incident(b, ev);
    case EV_INCIDENT_CLOSED:
        return board_apply_close(b, ev);
    default:
        return 0;
    }
}

static struct column_list board_columns(const void *self)
{
    const struct board *b = self;
    return (struct column_list){ .owner = "board", .item = b->column, .length = b->columns };
}

static void board_rebuild(void *self)
{
    struct board *b = self;
    map_clear(&b->job_index);
    for (uint32_t i = 0; i < b->jobs_used; i++)
        if (b->job_id[i])
            map_put(&b->job_index, b->job_id[i], i);
}

struct plane board_plane(struct board *b)
{
    return (struct plane){ .name = "board", .self = b, .admit = board_admit, .apply = board_apply,
                           .columns = board_columns, .rebuild = board_rebuild };
}

uint32_t board_job_find(const struct board *b, uint64_t job)
{
    return map_get(&b->job_index, job);
}

/* Where its attempt is in its cadence of work and checkpoints: ms since the last one was whole;
 * MW_NEVER when it does not work. */
static int64_t since_saved_ms(const struct board *b, uint32_t slot, int64_t now_ms)
{
    must(slot < b->jobs_used);
    int64_t run_ms = now_ms - b->job_ready_ms[slot];
    int64_t cycle_ms = b->job_interval_ms[slot] + b->job_write_ms[slot];
    if (!b->job_ready_ms[slot] || run_ms < 0 || b->job_state[slot] < JOB_RUNNING)
        return MW_NEVER;
    return b->job_interval_ms[slot] > 0 ? run_ms % cycle_ms : run_ms;
}

int64_t board_job_unsaved_ms(const struct board *b, uint32_t slot, int64_t now_ms)
{
    int64_t since_ms = since_saved_ms(b, slot, now_ms);
    return since_ms == MW_NEVER ? 0 : since_ms;
}

int64_t board_job_checkpoint_in_ms(const struct board *b, uint32_t slot, int64_t now_ms)
{
    int64_t since_ms = since_saved_ms(b, slot, now_ms);
    if (since_ms == MW_NEVER || b->job_interval_ms[slot] <= 0)
        return 0;
    return b->job_interval_ms[slot] + b->job_write_ms[slot] - since_ms;
}

bool board_may_approve(const struct board *b, uint32_t node)
{
    must(node == MW_NONE || node < b->nodes);
    bool may = true;
    for (uint32_t h = 0; node == MW_NONE && h < b->fleet->count[COMPONENT_HALL]; h++)
        may = may && b->hall_mode[h] >= MODE_APPROVE;
    return node == MW_NONE ? may : b->hall_mode[b->fleet->node_hall[node]] >= MODE_APPROVE;
}
