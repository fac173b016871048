/* Commands looked at.  See dry_run.h. */
#include "api/dry_run.h"

#include "api/detail_node.h"
#include "api/job_state.h"
#include "api/record_json.h"
#include "api/resource_tables.h"
#include "base/mem.h"
#include "base/units.h"
#include "fleet/hostlist.h"

enum stops { STOPS_NOT, STOPS_AT_CHECKPOINT, STOPS_NOW };

struct dry {
    const struct api_view_of *of;
    const struct control *c;
    const struct api_command *command;
    const struct principal *who;
    uint8_t *node; /* per node: it is touched */
    uint8_t *job;  /* per job row: enum stops, and 4 = it is touched */
    json_t *notes;
    struct mw_error *err;
};
#define TOUCHED 4u

/* ---- what it is about ----------------------------------------------------------------------- */

static int touch_node(struct dry *d, uint32_t node)
{
    const struct board *b = d->c->board;
    if (d->who != NULL && !api_sees_node_row(b, node, d->who))
        return mw_fail(d->err, MW_EDENIED, "%s does not see node %s", d->who->name,
                       words_node(d->of->words, node));
    d->node[node] = 1;
    return 0;
}

static int add_named(void *ctx, const char *name)
{
    struct dry *d = ctx;
    uint64_t id = fleet_find(d->c->board->fleet, name);
    if (component_kind_of(id) != COMPONENT_NODE)
        return mw_fail(d->err, MW_ENOTFOUND, "there is no node %.100s", name);
    return touch_node(d, component_index_of(id));
}

/* A name, names as Slurm writes them, or `count` nodes from a name on. */
static int touch_named(struct dry *d)
{
    const struct board *b = d->c->board;
    uint64_t id = fleet_find(b->fleet, d->command->node);
    bool one = component_kind_of(id) == COMPONENT_NODE;
    if (!one || !(api_verb_info(d->command->verb)->keys & API_COUNT))
        return one ? touch_node(d, component_index_of(id))
                   : hostlist_each(d->command->node, add_named, d, d->err);
    uint32_t first = component_index_of(id), count = MW_MAX(d->command->count, 1u);
    if (count > b->nodes - first)
        return mw_fail(d->err, MW_EINVAL, "there are only %u nodes from %s on", b->nodes - first,
                       d->command->node);
    int rc = 0;
    for (uint32_t n = first; rc == 0 && n < first + count; n++)
        rc = touch_node(d, n);
    return rc;
}

/* What is on the touched nodes has to let go of them. */
static void stop_jobs(struct dry *d, enum stops stops)
{
    const struct board *b = d->c->board;
    for (uint32_t n = 0; n < b->nodes; n++) {
        uint32_t slot = d->node[n] ? b->node_job[n] : MW_NONE;
        bool saves = slot != MW_NONE && b->job_interval_ms[slot] > 0;
        if (slot != MW_NONE)
            d->job[slot] = (uint8_t)(TOUCHED |
                                     (stops == STOPS_AT_CHECKPOINT && !saves ? STOPS_NOW : stops));
    }
}

static void note(struct dry *d, const char *text)
{
    (void)json_array_append_new(d->notes, json_string(text));
}

/* ---- verbs ---------------------------------------------------------------------------------- */

static void look_drain(struct dry *d)
{
    stop_jobs(d, d->c->policy.work.engine ? STOPS_NOT : STOPS_AT_CHECKPOINT);
    if (d->c->policy.work.engine)
        note(d, "Slurm lets what runs there end; nothing new starts");
    else
        note(d, "jobs stop at their next checkpoint and start again elsewhere");
}

static void look_hold(struct dry *d)
{
    stop_jobs(d, STOPS_NOT);
    note(d, "what runs there goes on; nothing new starts");
}

/* At the start what is still there stops at its next checkpoint. */
static void look_window(struct dry *d)
{
    const struct board *b = d->c->board;
    int64_t now_ms = mw_ms(d->of->now_ns), from_ms = MW_MAX(d->command->from_ms, now_ms);
    stop_jobs(d, STOPS_AT_CHECKPOINT);
    for (uint32_t slot = 0; slot < b->jobs_used; slot++)
        if (d->job[slot] && job_pace(d->c, slot, now_ms).end_ms <= from_ms)
            d->job[slot] = TOUCHED | STOPS_NOT;
    note(d, "jobs that do not end before the start stop at their next checkpoint");
}

static int look_job(struct dry *d)
{
    const struct board *b = d->c->board;
    uint32_t slot = board_job_find(b, d->command->job);
    if (slot == MW_NONE || (d->who != NULL && !api_sees_job_row(b, slot, d->who)))
        return mw_fail(d->err, MW_ENOTFOUND, "no job %llu is known to wait or run",
                       (unsigned long long)d->command->job);
    bool runs = b->job_state[slot] >= JOB_PLACED;
    bool requeue = d->command->verb == API_JOB_REQUEUE;
    d->job[slot] = (uint8_t)(TOUCHED | (requeue && runs ? STOPS_NOW : STOPS_NOT));
    for (uint32_t n = b->job_first_node[slot]; n != MW_NONE; n = b->node_next[n])
        d->node[n] = requeue;
    return 0;
}

/* What was lowered to advice would be done. */
static int look_approve(struct dry *d)
{
    struct event ev;
    struct journal *j = d->of->journal;
    void *tail mw_cleanup(mw_freep) = mw_calloc(1, EVENT_TAIL_MAX);
    if (tail == NULL)
        return mw_fail(d->err, MW_ENOMEM, "out of memory");
    if (j->ops->get(j, d->command->ref, &ev, tail, NULL) < 0 || ev.kind != EV_ADVICE)
        return mw_fail(d->err, MW_ENOTFOUND, "event %llu is no advice",
                       (unsigned long long)d->command->ref);
    const struct body_advice *a = &ev.body.advice;
    if (a->node == MW_NONE || a->node >= d->c->board->nodes)
        return 0;
    int rc = touch_node(d, a->node);
    bool down = a->kind == EV_ENGINE_ORDER && a->verb == ENGINE_DOWN;
    bool waits = a->kind == EV_DRAIN_ORDERED ? a->how == DRAIN_AT_CHECKPOINT : !down;
    bool acts = a->kind == EV_ACTION_STARTED;
    if (rc == 0)
        stop_jobs(d, acts ? STOPS_NOT : waits ? STOPS_AT_CHECKPOINT : STOPS_NOW);
    return rc;
}

static int look_nodes(struct dry *d)
{
    int rc = d->command->node[0] != '\0' ? touch_named(d) : 0;
    if (rc < 0)
        return rc;
    if (d->command->verb == API_DRAIN)
        look_drain(d);
    else if (d->command->verb == API_HOLD || d->command->verb == API_RESERVE)
        look_hold(d);
    else if (d->command->verb == API_WINDOW_ADD)
        look_window(d);
    else
        note(d, "no job stops for it");
    return 0;
}

static int look(struct dry *d)
{
    const struct fleet *f = d->c->board->fleet;
    if (d->command->hall[0] != '\0' &&
        component_kind_of(fleet_find(f, d->command->hall)) != COMPONENT_HALL)
        return mw_fail(d->err, MW_ENOTFOUND, "there is no hall %s", d->command->hall);
    if (d->command->verb == API_APPROVE)
        return look_approve(d);
    return d->command->job != 0 ? look_job(d) : look_nodes(d);
}

/* ---- the answer ----------------------------------------------------------------------------- */

struct sums {
    int64_t nodes, jobs, gpus, gpu_ms;
};

static json_t *nodes_json(const struct dry *d, struct sums *s)
{
    json_t *list = json_array();
    bool ok = list != NULL;
    for (uint32_t n = 0; ok && n < d->c->board->nodes; n++) {
        if (!d->node[n])
            continue;
        s->nodes++;
        ok = record_json_append(list, record_json_text(words_node(d->of->words, n)));
    }
    if (ok)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *job_json(const struct dry *d, uint32_t slot, struct sums *s)
{
    static const char *const word[] = { "it goes on", "at its next checkpoint", "now" };
    const struct board *b = d->c->board;
    uint32_t stops = d->job[slot] & ~TOUCHED;
    int64_t unsaved = job_unsaved_gpu_ms(b, slot, mw_ms(d->of->now_ns));
    int64_t restart = b->job_restart_ms[slot] * b->job_gpus[slot];
    int64_t lost = stops == STOPS_NOT ? 0 : restart + (stops == STOPS_NOW ? unsaved : 0);
    s->jobs += stops != STOPS_NOT;
    s->gpus += stops != STOPS_NOT ? b->job_gpus[slot] : 0;
    s->gpu_ms += lost;
    return json_pack("{s:I, s:I, s:I, s:I, s:s}", "job", (json_int_t)b->job_id[slot], "gpus",
                     (json_int_t)b->job_gpus[slot], "unsaved_gpu_ms", (json_int_t)unsaved,
                     "lost_gpu_ms", (json_int_t)lost, "stops", word[stops]);
}

static json_t *jobs_json(const struct dry *d, struct sums *s)
{
    json_t *list = json_array();
    bool ok = list != NULL;
    for (uint32_t slot = 0; ok && slot < d->c->board->jobs_used; slot++)
        if (d->job[slot])
            ok = record_json_append(list, job_json(d, slot, s));
    if (ok)
        return list;
    json_decref(list);
    return NULL;
}

static int tell(const struct dry *d, json_t **ret)
{
    struct sums s = { 0 };
    json_t *nodes = nodes_json(d, &s), *jobs = jobs_json(d, &s);
    int64_t price = d->c->policy.account.microdollars_per_gpu_hour;
    *ret = json_pack("{s:{s:s, s:o, s:o, s:O}, s:{s:I, s:I, s:I, s:I, s:I, s:s}}", "would", "verb",
                     api_verb_info(d->command->verb)->word, "nodes", nodes, "jobs", jobs, "notes",
                     d->notes, "blast", "nodes", (json_int_t)s.nodes, "jobs", (json_int_t)s.jobs,
                     "gpus", (json_int_t)s.gpus, "gpu_ms_lost", (json_int_t)s.gpu_ms, "lost_uusd",
                     (json_int_t)account_price(s.gpu_ms, price), "rests_on", "modelled");
    return *ret != NULL ? 0 : mw_fail(d->err, MW_ENOMEM, "out of memory");
}

int dry_run(const struct api_view_of *of, const struct api_command *c,
            const struct principal *who, json_t **ret, struct mw_error *err)
{
    must(of != NULL && c != NULL && ret != NULL && c->verb < API_VERB_COUNT);
    const struct board *b = of->control->board;
    uint8_t *node mw_cleanup(mw_freep) = mw_calloc((size_t)b->nodes + 1, 1);
    uint8_t *job mw_cleanup(mw_freep) = mw_calloc((size_t)b->jobs_used + 1, 1);
    struct dry d = { .of = of, .c = of->control, .command = c, .who = who, .node = node,
                     .job = job, .notes = json_array(), .err = err };
    int rc = node != NULL && job != NULL && d.notes != NULL
                 ? look(&d) : mw_fail(err, MW_ENOMEM, "out of memory");
    if (rc == 0)
        rc = tell(&d, ret);
    json_decref(d.notes);
    return rc;
}

/* ---- for the route -------------------------------------------------------------------------- */

static int no_record(struct mw_error *err)
{
    return mw_fail(err, MW_EBUSY, "the record has not begun");
}

int command_dry_run(struct api_call *call, const struct api_command *c, struct api_answer *ret,
                    struct mw_error *err)
{
    must(call != NULL && c != NULL && ret != NULL);
    if (call->replica == NULL)
        return no_record(err);
    struct api_view_of of = view_of_replica(call->replica);
    return dry_run(&of, c, call->who, &ret->json, err);
}

int command_precondition(struct api_call *call, const struct api_command *c,
                         struct api_answer *ret, struct mw_error *err)
{
    char etag[NODE_ETAG_MAX];
    must(call != NULL && c != NULL && ret != NULL);
    if (call->if_match == NULL)
        return 0;
    if (call->replica == NULL)
        return no_record(err);
    const struct control *control = replica_control(call->replica);
    uint64_t id = c->node[0] != '\0' ? fleet_find(control->board->fleet, c->node) : 0;
    if (component_kind_of(id) != COMPONENT_NODE)
        return mw_fail(err, MW_EINVAL, "If-Match goes with a command about one node: its ETag is "
                       "that of GET /api/v1/nodes/NAME");
    node_etag(control, component_index_of(id), etag);
    if (api_etag_in(call->if_match, etag))
        return 0;
    ret->status = 412;
    return mw_fail(err, MW_ECONFLICT, "node %s has changed since it was looked at: look again",
                   c->node);
}
