/* One walk over the record, in pieces.  See past.h. */
#include "api/past.h"

#include <string.h>

#include "base/map.h"
#include "base/units.h"
#include "control/grow.h"
#include "core/event_fields.h"

/* The last events of one node: two rings. */
struct ring {
    uint32_t next, used;
};
struct node_past {
    struct ring about, placed;
    uint64_t about_seq[PAST_NODE_EVENTS], placed_seq[PAST_NODE_PLACED];
};

struct past {
    uint64_t next_seq; /* read up to here */
    uint64_t left_out;
    struct past_incident *incident;
    uint32_t incidents, incidents_room;
    struct past_job *job;
    uint32_t jobs, jobs_room;
    struct map job_index; /* job number -> row: the last of that number */
    uint32_t index_room;
    struct node_past **node; /* NULL: nothing happened there */
    uint32_t nodes;
    bool failed;          /* out of memory */
    uint64_t to_seq;      /* read no event after this one */
};

const char *past_job_state_name(uint32_t state)
{
    static const char *const name[] = { "live", "done", "failed", "cancelled", "ended" };
    return state < MW_ARRAY_LEN(name) ? name[state] : "unknown";
}

int past_create(struct past **ret, struct mw_error *err)
{
    must(ret != NULL);
    struct past *p = mw_calloc(1, sizeof(*p));
    if (p == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    p->next_seq = 1;
    *ret = p;
    return 0;
}

void past_destroy(struct past *p)
{
    if (p == NULL)
        return;
    for (uint32_t n = 0; n < p->nodes; n++)
        mw_free(p->node[n]);
    for (uint32_t i = 0; i < p->jobs; i++)
        mw_free(p->job[i].name);
    mw_free(p->node);
    mw_free(p->incident);
    mw_free(p->job);
    map_fini(&p->job_index);
    mw_free(p);
}

/* ---- closed incidents ----------------------------------------------------------------------- */

static void forget_incidents(struct past *p)
{
    uint32_t half = p->incidents / 2;
    memmove(p->incident, p->incident + half, (p->incidents - half) * sizeof(*p->incident));
    p->incidents -= half;
    p->left_out += half;
}

static void closed(struct past *p, const struct event *ev)
{
    const struct body_incident *b = &ev->body.incident;
    if (p->incidents == PAST_ROWS_MAX)
        forget_incidents(p);
    if (!GROW(p->incident, p->incidents, &p->incidents_room)) {
        p->failed = true;
        return;
    }
    p->incident[p->incidents++] = (struct past_incident){
        .incident = b->incident, .closed_seq = ev->seq, .component = b->component,
        .opened_ms = b->opened_ms, .closed_ms = mw_ms(ev->time_ns),
        .lost_gpu_ms = b->lost_gpu_ms, .node = b->node, .findings = b->findings,
        .class = b->class };
}

/* ---- jobs ----------------------------------------------------------------------------------- */

/* The index anew, with room for what p->job has room for. */
static bool reindex(struct past *p)
{
    struct map wider;
    if (map_init(&wider, p->jobs_room) < 0)
        return false;
    map_fini(&p->job_index);
    p->job_index = wider;
    p->index_room = p->jobs_room;
    for (uint32_t i = 0; i < p->jobs; i++)
        map_put(&p->job_index, p->job[i].job, i);
    return true;
}

/* Jobs that live stay, whatever their age. */
static void forget_jobs(struct past *p)
{
    uint32_t kept = 0, half = p->jobs / 2;
    for (uint32_t i = 0; i < p->jobs; i++)
        if (i >= half || p->job[i].state == PAST_JOB_LIVES)
            p->job[kept++] = p->job[i];
        else
            mw_free(p->job[i].name);
    p->left_out += p->jobs - kept;
    p->jobs = kept;
    p->failed |= !reindex(p);
}

static struct past_job *job_of(struct past *p, uint64_t job)
{
    uint32_t row = p->jobs == 0 ? MW_NONE : map_get(&p->job_index, job);
    return row == MW_NONE ? NULL : &p->job[row];
}

static void submitted(struct past *p, const struct event *ev, const void *tail)
{
    const struct body_job *j = &ev->body.job;
    if (p->jobs == PAST_ROWS_MAX)
        forget_jobs(p);
    if (p->jobs == PAST_ROWS_MAX) { /* so many live at once: the state has them */
        p->left_out++;
        return;
    }
    if (!GROW(p->job, p->jobs, &p->jobs_room) ||
        (p->index_room < p->jobs_room && !reindex(p))) {
        p->failed = true;
        return;
    }
    char *name = ev->tail_size > 0 ? mw_strndup(tail, MW_MIN(ev->tail_size, PAST_NAME_MAX)) : NULL;
    p->job[p->jobs] = (struct past_job){ .job = j->job, .submit_seq = ev->seq, .name = name,
                                         .submitted_ms = mw_ms(ev->time_ns),
                                         .work_ms = j->work_ms, .tenant = ev->tenant,
                                         .gpus = j->gpus, .nodes = j->nodes,
                                         .priority = j->priority, .flags = j->flags };
    map_put(&p->job_index, j->job, p->jobs++);
}

static void over(struct past_job *j, const struct event *ev, enum past_job_state state)
{
    j->state = (uint8_t)state;
    j->ended_seq = ev->seq;
    j->ended_ms = mw_ms(ev->time_ns);
}

static void progress(struct past_job *j, const struct event *ev)
{
    const struct body_progress *b = &ev->body.progress;
    j->progress_ms = MW_MAX(j->progress_ms, b->progress_ms);
    j->saved_ms = MW_MAX(j->saved_ms, b->saved_ms);
    if (ev->kind != EV_ATTEMPT_ENDED)
        return;
    bool own = b->how == HOW_FAILED && b->node == MW_NONE && b->class == UINT16_MAX;
    if (b->how == HOW_DONE)
        over(j, ev, PAST_JOB_DONE);
    else if (b->how == HOW_CANCELLED || j->cancelled)
        over(j, ev, PAST_JOB_CANCELLED);
    else if (b->how == HOW_UNKNOWN)
        over(j, ev, PAST_JOB_ENDED);
    else if (own && !j->stopped)
        over(j, ev, PAST_JOB_FAILED);
    j->on_nodes = j->stopped = false;
}

static void stopped(struct past_job *j, uint64_t incident)
{
    j->stopped = true;
    j->incident = incident ? incident : j->incident;
}

/* The number of the job that an event is about; 0. */
static uint64_t job_in(const struct event *ev)
{
    const union event_body *b = &ev->body;
    switch (ev->kind) {
    case EV_JOB_CANCELLED:
        return b->command.ref;
    case EV_ATTEMPT_PLACED:
    case EV_ATTEMPT_ALLOCATED:
        return b->place.job;
    case EV_ATTEMPT_RUNNING:
        return b->running.job;
    case EV_ATTEMPT_PROGRESS:
    case EV_ATTEMPT_ENDED:
        return b->progress.job;
    case EV_ATTEMPT_STOP:
        return b->stop.job;
    case EV_ENGINE_ORDER:
        return b->engine.verb == ENGINE_REQUEUE ? b->engine.job : 0;
    default:
        return 0;
    }
}

static void meet_job(struct past_job *j, const struct event *ev)
{
    const union event_body *b = &ev->body;
    switch (ev->kind) {
    case EV_JOB_CANCELLED:
        j->cancelled = true;
        if (!j->on_nodes)
            over(j, ev, PAST_JOB_CANCELLED);
        break;
    case EV_ATTEMPT_PLACED:
    case EV_ATTEMPT_ALLOCATED:
        j->attempts = b->place.attempt;
        j->on_nodes = true;
        j->stopped = false;
        break;
    case EV_ATTEMPT_RUNNING:
        j->started_ms = j->started_ms ? j->started_ms : b->running.ready_ms;
        break;
    case EV_ATTEMPT_STOP:
        stopped(j, b->stop.incident);
        break;
    case EV_ENGINE_ORDER:
        stopped(j, b->engine.incident);
        break;
    default:
        progress(j, ev);
        break;
    }
}

/* ---- nodes ---------------------------------------------------------------------------------- */

static struct node_past *node_of(struct past *p, uint32_t node)
{
    if (node >= p->nodes)
        return NULL;
    if (p->node[node] == NULL)
        p->node[node] = mw_calloc(1, sizeof(*p->node[node]));
    p->failed |= p->node[node] == NULL;
    return p->node[node];
}

static void ring_add(struct ring *r, uint64_t *seq, uint32_t room, uint64_t added)
{
    seq[r->next] = added;
    r->next = (r->next + 1) % room;
    r->used += r->used < room;
}

/* The nodes that its body or its tail names; a job's progress would crowd out what matters. */
static void meet_nodes(struct past *p, const struct event *ev, const void *tail)
{
    const struct event_body_info *info = event_body_of(ev->kind);
    if (ev->kind == EV_ATTEMPT_PROGRESS || info == NULL)
        return;
    for (uint32_t i = 0; i < info->fields; i++) {
        int64_t node = info->field[i].type == FIELD_NODE ? event_field_value(&info->field[i], ev)
                                                         : -1;
        struct node_past *n = node >= 0 ? node_of(p, (uint32_t)node) : NULL;
        if (n != NULL)
            ring_add(&n->about, n->about_seq, PAST_NODE_EVENTS, ev->seq);
    }
    if (ev->kind != EV_ATTEMPT_PLACED && ev->kind != EV_ATTEMPT_ALLOCATED)
        return;
    const uint32_t *node = tail;
    for (uint32_t i = 0; i < ev->tail_size / sizeof(*node); i++) {
        struct node_past *n = node_of(p, node[i]);
        if (n != NULL)
            ring_add(&n->placed, n->placed_seq, PAST_NODE_PLACED, ev->seq);
    }
}

/* ---- the walk ------------------------------------------------------------------------------- */

static int meet(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct past *p = ctx;
    (void)last;
    if (ev->seq > p->to_seq)
        return 1;
    uint64_t job = job_in(ev);
    struct past_job *j = job ? job_of(p, job) : NULL;
    if (ev->kind == EV_JOB_SUBMITTED)
        submitted(p, ev, tail);
    else if (j != NULL && j->state == PAST_JOB_LIVES)
        meet_job(j, ev);
    else if (ev->kind == EV_INCIDENT_CLOSED)
        closed(p, ev);
    meet_nodes(p, ev, tail);
    if (p->failed)
        return MW_ENOMEM;
    p->next_seq = ev->seq + 1;
    return 0;
}

int past_read(struct past *p, struct journal *j, uint32_t nodes, uint64_t to_seq, uint32_t most,
              struct mw_error *err)
{
    must(p != NULL && j != NULL);
    p->to_seq = most == 0 ? to_seq : MW_MIN(to_seq, p->next_seq + most - 1);
    if (p->node == NULL) {
        p->node = mw_calloc((size_t)nodes + 1, sizeof(struct node_past *));
        p->nodes = p->node != NULL ? nodes : 0;
    }
    if (p->node == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    if (p->next_seq > MW_MIN(j->head.seq, p->to_seq))
        return 0;
    int rc = j->ops->read(j, p->next_seq, meet, p, err);
    if (!p->failed)
        return MW_MIN(rc, 0);
    p->failed = false; /* the event at next_seq is met again, once there is room */
    return mw_fail(err, MW_ENOMEM, "out of memory");
}

int past_catch_up(struct past *p, struct journal *j, uint32_t nodes, struct mw_error *err)
{
    return past_read(p, j, nodes, UINT64_MAX, 0, err);
}

const struct past_incident *past_incidents(const struct past *p, uint32_t *ret_count)
{
    must(p != NULL && ret_count != NULL);
    *ret_count = p->incidents;
    return p->incident;
}

const struct past_job *past_jobs(const struct past *p, uint32_t *ret_count)
{
    must(p != NULL && ret_count != NULL);
    *ret_count = p->jobs;
    return p->job;
}

const struct past_job *past_job_find(const struct past *p, uint64_t job)
{
    must(p != NULL);
    uint32_t row = p->jobs == 0 ? MW_NONE : map_get(&p->job_index, job);
    return row == MW_NONE ? NULL : &p->job[row];
}

uint64_t past_left_out(const struct past *p)
{
    must(p != NULL);
    return p->left_out;
}

/* The nth newest of a ring; 0 past its end. */
static uint64_t ring_nth(const struct ring *r, const uint64_t *seq, uint32_t room, uint32_t nth)
{
    return nth < r->used ? seq[(r->next + room - 1 - nth) % room] : 0;
}

uint32_t past_node_events(const struct past *p, uint32_t node,
                          uint64_t ret[PAST_NODE_EVENTS + PAST_NODE_PLACED])
{
    must(p != NULL && ret != NULL);
    const struct node_past *n = node < p->nodes ? p->node[node] : NULL;
    uint32_t about = 0, placed = 0;
    if (n == NULL)
        return 0;
    for (;;) {
        uint64_t a = ring_nth(&n->about, n->about_seq, PAST_NODE_EVENTS, about);
        uint64_t b = ring_nth(&n->placed, n->placed_seq, PAST_NODE_PLACED, placed);
        if (a == 0 && b == 0)
            return about + placed;
        ret[about + placed] = MW_MAX(a, b);
        about += a > b;
        placed += b > a;
    }
}
