/*
 * The world as a whole: it keeps the agenda, lets one thing happen at a time,
 * and gives each action to the part that carries it out.
 */
#include "sim/world.h"

#include "base/mem.h"
#include "sim/world_parts.h"

/* ---- for the parts ------------------------------------------------------------------------- */

bool world_room(struct world *w, void **array, uint32_t used, uint32_t *room, size_t size)
{
    if (used < *room)
        return true;
    uint32_t wanted = *room == 0 ? 64 : *room * 2;
    void *grown = wanted > *room ? mw_resize(*array, wanted, size) : NULL;
    if (grown == NULL) {
        w->failed = true;
        return false;
    }
    *array = grown;
    *room = wanted;
    return true;
}

bool world_push(struct world *w, int64_t time_ns, struct queue_what what)
{
    must(time_ns >= w->now_ns);
    if (time_ns >= w->end_ns)
        return false;
    queue_push(&w->queue, time_ns, what);
    return true;
}

void world_emit(struct world *w, const struct event *fact, const char *text)
{
    must(fact->source != SOURCE_NONE && fact->seq == 0);
    w->config.emit(w->config.ctx, fact, text);
}

void world_again(struct world *w)
{
    w->again++;
    mark_hit(w->marks, MARK_ACTION_AGAIN);
}

/* ---- the outside --------------------------------------------------------------------------- */

static int world_init(struct world *w, struct mw_error *err)
{
    int rc = faults_init(w);
    if (rc == 0)
        rc = attempts_init(w);
    if (rc == 0)
        rc = crew_init(w);
    if (rc == 0)
        rc = machines_init(w);
    if (rc == 0)
        rc = gates_init(w);
    if (rc == 0)
        rc = depot_init(w);
    if (rc == 0)
        rc = judge_init(w);
    if (rc == 0)
        rc = person_init(w);
    if (rc != 0)
        return mw_fail(err, rc, "out of memory for a world of %u nodes", w->nodes);
    return feeds_init(w, err);
}

int world_create(const struct world_config *c, struct world **ret, struct mw_error *err)
{
    must(c->scenario != NULL && c->fleet != NULL && c->emit != NULL && c->marks != NULL);
    if (c->fleet->count[COMPONENT_NODE] == 0)
        return mw_fail(err, MW_EINVAL, "the site has no nodes: nothing can be simulated on it");
    struct world *w = mw_calloc(1, sizeof(*w));
    if (w == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory for a world");
    *w = (struct world){.config = *c, .scenario = c->scenario, .fleet = c->fleet,
                        .marks = c->marks, .seed = c->seed,
                        .nodes = c->fleet->count[COMPONENT_NODE],
                        .start_ns = c->scenario->start_ns, .end_ns = c->end_ns,
                        .quiet_ns = c->quiet_from_ns, .now_ns = c->scenario->start_ns};
    int rc = world_init(w, err);
    if (rc != 0) {
        world_destroy(w);
        return rc;
    }
    renewals_plant(w);
    feeds_start(w);
    person_start(w);
    *ret = w;
    return 0;
}

void world_destroy(struct world *w)
{
    if (w == NULL)
        return;
    faults_fini(w);
    attempts_fini(w);
    crew_fini(w);
    machines_fini(w);
    gates_fini(w);
    depot_fini(w);
    judge_fini(w);
    person_fini(w);
    feeds_fini(w);
    queue_fini(&w->queue);
    mw_free(w);
}

int64_t world_next_ns(const struct world *w)
{
    return queue_next_ns(&w->queue);
}

void world_step(struct world *w)
{
    struct queue_entry e = queue_pop(&w->queue);
    must(e.time_ns >= w->now_ns);
    w->now_ns = e.time_ns;
    w->entries++;
    switch ((enum world_kind)queue_kind(&e)) {
    case AT_RENEWAL: renewals_due(w, &e); break;
    case AT_TRACE: feeds_trace(w, e.a); break;
    case AT_DETECT: faults_detect(w, e.a); break;
    case AT_CLEAR: faults_clear(w, e.a); break;
    case AT_RELAPSE: faults_relapse(w, e.a); break;
    case AT_TAKEN: crew_taken(w, e.a, e.b); break;
    case AT_REPAIRED: crew_repaired(w, e.a, e.b); break;
    case AT_TOLD: crew_told(w, e.a, e.b); break;
    case AT_MACHINE: machines_done(w, e.a); break;
    case AT_PARTS: depot_arrives(w, e.a); break;
    case AT_GATE: gates_over(w, e.a, e.b); break;
    case AT_JOB: attempts_submit(w); break;
    case AT_ATTEMPT: attempts_due(w, e.a, e.b); break;
    case AT_PROGRESS: attempts_progress(w, e.a, e.b); break;
    case AT_CANCEL: attempts_cancel(w, e.a); break;
    case AT_PERSON: person_acts(w, e.a); break;
    case AT_DOING: person_does(w, queue_sub(&e), e.b); break;
    }
}

bool world_is_lemon(const struct world *w, uint32_t node)
{
    const struct fleet *f = w->fleet;
    must(node < w->nodes);
    for (uint32_t i = 0; i < w->scenario->processes; i++) {
        uint8_t on = w->scenario->process[i].on;
        uint32_t first = node, n = on == COMPONENT_NODE;
        if (on == COMPONENT_GPU) {
            first = f->node_gpu_first[node];
            n = f->node_gpus[node];
        } else if (on == COMPONENT_NIC) {
            first = f->node_nic_first[node];
            n = f->node_nics[node];
        }
        for (uint32_t k = first; k < first + n; k++)
            if (renewals_is_lemon(w, i, component_id((enum component_kind)on, k)))
                return true;
    }
    return false;
}

void world_act(struct world *w, int64_t now_ns, const struct event *action, const void *tail)
{
    must(now_ns >= w->now_ns);
    w->now_ns = now_ns;
    switch (action->kind) {
    case EV_ORDER_OPENED:
        crew_order(w, action);
        break;
    case EV_ORDER_ESCALATED:
        crew_escalate(w, action);
        break;
    case EV_ORDER_WITHDRAWN:
        crew_withdraw(w, action);
        break;
    case EV_ACTION_STARTED:
        machines_act(w, action);
        break;
    case EV_PARTS_ORDERED:
        depot_ordered(w, action);
        break;
    case EV_GATE_STARTED:
        gates_start(w, action);
        break;
    case EV_ATTEMPT_PLACED:
        attempts_place(w, action, tail);
        break;
    case EV_ATTEMPT_STOP:
        attempts_stop(w, action);
        break;
    default:
        w->trouble = "an action came that no world can carry out";
    }
}

/* What somebody at the site did who is none of ours. */
static void read_outsider(struct world *w, const struct event *ev)
{
    if (ev->kind == EV_ORDER_TAKEN || ev->kind == EV_ORDER_ENDED)
        crew_reads(w, ev);
    else if (ev->kind == EV_GATE_ENDED)
        gates_reads(w, ev);
}

void world_observe(struct world *w, int64_t now_ns, const struct event *ev)
{
    must(now_ns >= w->now_ns);
    w->now_ns = now_ns;
    person_reads(w, ev);
    if (ev->source == SOURCE_PERSON)
        read_outsider(w, ev);
    judge_reads(w, ev);
}

void world_finish(struct world *w, int64_t now_ns)
{
    must(now_ns >= w->now_ns);
    w->now_ns = now_ns;
    attempts_finish(w);
}

struct world_stats world_stats(const struct world *w, int64_t now_ns)
{
    return (struct world_stats){.faults = w->faults.happened,
                                .node_faults = w->faults.on_nodes,
                                .bursts = w->faults.bursts,
                                .kills = w->attempts.kills,
                                .attempts = w->attempts.started,
                                .jobs = w->attempts.jobs,
                                .allocated_ms = attempts_allocated_ms(w, now_ns),
                                .entries = w->entries,
                                .faults_open = w->faults.open,
                                .actions_again = w->again,
                                .alarms = w->faults.alarms,
                                .uncured = w->faults.uncured,
                                .relapses = w->faults.relapses,
                                .gates_missed = w->gates.missed,
                                .machine_acts = w->machines.done,
                                .machine_refused = w->machines.refused,
                                .machine_unknown = w->machines.unknown,
                                .machine_killed_jobs = w->machines.killed_jobs,
                                .orders_escalated = w->crew.escalated,
                                .orders_withdrawn = w->crew.withdrawn,
                                .orders_wrong = w->crew.wrong,
                                .parts_used = w->depot.parts_used,
                                .nodes_swapped = w->depot.nodes_swapped,
                                .drains_false = w->judged.drains_false,
                                .stops_false = w->judged.stops_false,
                                .lemons_true = w->judged.lemons_true,
                                .lemons_false = w->judged.lemons_false,
                                .lemons_uncured = w->judged.lemons_uncured};
}

bool world_failed(const struct world *w)
{
    return w->failed || w->queue.failed;
}

const char *world_trouble(const struct world *w)
{
    return w->trouble;
}
