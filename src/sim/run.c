/*
 * A run: the world, the messages and the controller, each with its own next
 * moment; the earliest goes first, timers before messages before the world.
 */
#include "sim/run.h"

#include <string.h>

#include "base/mem.h"
#include "sim/check.h"
#include "sim/daemon.h"
#include "sim/tally.h"
#include "sim/transport.h"

/* Sites up to here get small tables, so that a sweep of thousands of runs stays quick. */
#define SMALL_NODES 256u
#define SMALL_ROWS 4096u
#define LARGE_ROWS 65536u
#define DEEP_EVERY 61u /* steps between the checks that walk over all nodes and jobs */

struct sim {
    const struct run_options *o;
    const struct scenario *scenario;
    struct world *world;
    struct transport *transport;
    struct daemon *daemon;
    struct check *check;
    struct tally tally;
    struct outcome outcome;
    struct marks own_marks, *marks;
    struct mw_hasher *trace;
    int64_t now_ns, end_ns, quiet_ns, watch_ns;
    uint64_t steps;
    bool stop;
    bool ended;            /* nothing happens any more */
    int failed;            /* what a person said could not be taken */
    struct mw_error why;
};

/* ---- what passes between the three --------------------------------------------------------- */

static void sim_emit(void *ctx, const struct event *fact, const char *text)
{
    struct sim *s = ctx;
    struct event ev = *fact;
    size_t size = 0;
    while (text != NULL && text[size] != '\0')
        size++;
    ev.tail_size = (uint32_t)size;
    transport_send(s->transport, s->now_ns, &ev, text);
}

static void sim_act(void *ctx, const struct event *action, const void *tail)
{
    struct sim *s = ctx;
    if (s->check != NULL)
        check_action(s->check, action, tail);
    world_act(s->world, s->now_ns, action, tail);
}

static struct run_view view_of(struct sim *s)
{
    return (struct run_view){.fleet = s->o->fleet, .scenario = s->scenario,
                             .control = s->daemon != NULL ? daemon_control(s->daemon) : NULL,
                             .now_ns = s->now_ns, .start_ns = s->scenario->start_ns,
                             .end_ns = s->end_ns, .ended = s->ended, .sim = s};
}

static void sim_event(void *ctx, const struct event *ev, const void *tail)
{
    struct sim *s = ctx;
    tally_event(&s->tally, ev);
    outcome_event(&s->outcome, ev, tail);
    mw_hasher_add(s->trace, ev, sizeof(*ev));
    if (ev->tail_size > 0)
        mw_hasher_add(s->trace, tail, ev->tail_size);
    if (s->check != NULL)
        check_event(s->check, ev, tail);
    world_observe(s->world, s->now_ns, ev);
    if (s->o->event != NULL) {
        struct run_view v = view_of(s);
        s->o->event(s->o->ctx, &v, ev, tail);
    }
}

/* ---- making -------------------------------------------------------------------------------- */

static uint32_t rows_of(const struct sim *s)
{
    return s->o->fleet->count[COMPONENT_NODE] <= SMALL_NODES ? SMALL_ROWS : LARGE_ROWS;
}

static int make_world(struct sim *s, struct mw_error *err)
{
    const struct run_options *o = s->o;
    struct world_config c = {.scenario = o->scenario, .fleet = o->fleet, .trace = o->trace,
                             .job_trace = o->job_trace, .job_trace_size = o->job_trace_size,
                             .seed = o->seed, .end_ns = s->end_ns, .quiet_from_ns = s->quiet_ns,
                             .doings = o->doings, .jobs_max = rows_of(s),
                             .incidents_max = o->fleet->count[COMPONENT_NODE] + rows_of(s),
                             .emit = sim_emit, .ctx = s, .marks = s->marks};
    return world_create(&c, &s->world, err);
}

static int make_transport(struct sim *s, struct mw_error *err)
{
    struct transport_config c = {.messages = s->scenario->messages, .seed = s->o->seed,
                                 .sources = s->o->fleet->count[COMPONENT_NODE] + SOURCE_NODE,
                                 .quiet_ns = s->quiet_ns, .marks = s->marks};
    int rc = transport_create(&c, &s->transport);
    return rc == 0 ? 0 : mw_fail(err, rc, "out of memory for the messages");
}

static int make_daemon(struct sim *s, struct mw_error *err)
{
    const struct run_options *o = s->o;
    struct daemon_config c = {
        .fleet = o->fleet, .policy = &o->scenario->policy,
        .board = {.jobs_max = rows_of(s),
                  .incidents_max = o->fleet->count[COMPONENT_NODE] + rows_of(s)},
        .journal = o->journal, .act = sim_act, .event = sim_event, .ctx = s,
        .start_ns = o->scenario->start_ns, .quiet_ns = s->quiet_ns, .seed = o->seed,
        .crashes = o->scenario->crashes, .crash_every_step = o->scenario->crash_every_step,
        .snapshot_every_events = o->scenario->snapshot_every_events, .check = s->check,
        .marks = s->marks};
    return daemon_create(&c, &s->daemon, err);
}

static int sim_init(struct sim *s, struct mw_error *err)
{
    const struct run_options *o = s->o;
    int rc = tally_init(&s->tally, o->fleet->count[COMPONENT_NODE], rows_of(s), s->marks);
    if (rc == 0)
        rc = outcome_init(&s->outcome, o->fleet->count[COMPONENT_NODE], rows_of(s), s->marks);
    if (rc == 0 && o->check)
        rc = check_create(o->fleet, &o->scenario->policy, &s->check);
    s->trace = mw_hasher_create();
    if (rc != 0 || s->trace == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory for a run");
    rc = make_transport(s, err);
    if (rc == 0)
        rc = make_world(s, err);
    return rc == 0 ? make_daemon(s, err) : rc;
}

static void sim_fini(struct sim *s)
{
    daemon_destroy(s->daemon);
    world_destroy(s->world);
    transport_destroy(s->transport);
    check_destroy(s->check);
    tally_fini(&s->tally);
    outcome_fini(&s->outcome);
    mw_hasher_destroy(s->trace);
}

/* ---- running ------------------------------------------------------------------------------- */

static int look(struct sim *s, bool deep, struct mw_error *err)
{
    if (world_failed(s->world) || transport_failed(s->transport) || s->outcome.failed)
        return mw_fail(err, MW_ENOMEM, "out of memory in the simulated world");
    if (world_trouble(s->world) != NULL)
        return mw_fail(err, MW_EBUG, "%s (event %llu)", world_trouble(s->world),
                       (unsigned long long)core_seq(daemon_control(s->daemon)->core));
    if (s->check == NULL)
        return 0;
    const struct control *k = daemon_control(s->daemon);
    check_state(s->check, k, MW_MAX(s->now_ns, core_now(k->core)), deep);
    if (check_text(s->check) != NULL)
        return mw_fail(err, MW_EBUG, "%s", check_text(s->check));
    return 0;
}

static int after_step(struct sim *s, struct mw_error *err)
{
    const struct run_options *o = s->o;
    s->steps++;
    int rc = look(s, s->steps % DEEP_EVERY == 0, err);
    if (rc != 0)
        return rc;
    if (o->events_max > 0 && s->tally.events >= o->events_max)
        s->stop = true;
    if (o->watch == NULL || s->stop || s->now_ns < s->watch_ns)
        return 0;
    s->watch_ns = s->now_ns + o->watch_every_ns;
    struct run_view v = view_of(s);
    if (o->watch(o->ctx, &v) != 0)
        s->stop = true;
    return 0;
}

static int deliver(struct sim *s, const struct delivery *d, struct mw_error *err)
{
    bool acked;
    uint64_t crashes = daemon_crashes(s->daemon);
    daemon_pending_is(s->daemon,
                      (struct daemon_pending){s->tally.orders_open > 0, s->tally.gates_open > 0,
                                              s->tally.stops_open > 0});
    int rc = daemon_submit(s->daemon, s->now_ns, &d->fact, d->text, &acked, err);
    if (rc != 0)
        return rc;
    const struct scenario_messages *m = &s->scenario->messages;
    bool in_order = m->lost == 0 && m->late == 0 && m->doubled == 0 && m->reordered == 0;
    if (!acked && in_order && crashes == daemon_crashes(s->daemon))
        return mw_fail(err, MW_EBUG, "fact %llu of source %u came in order and was not taken",
                       (unsigned long long)d->fact.source_seq, d->fact.source);
    transport_answer(s->transport, s->now_ns, d, acked);
    return after_step(s, err);
}

static int deliver_due(struct sim *s, struct mw_error *err)
{
    struct delivery d;
    if (!transport_take(s->transport, s->now_ns, &d))
        return 0;
    return deliver(s, &d, err);
}

/* When each of the three has something to do. */
struct next {
    int64_t core_ns, message_ns, world_ns;
    int64_t ns; /* the first of them; not beyond the end */
};

static struct next next_of(const struct sim *s)
{
    struct next n = {.core_ns = daemon_next_due(s->daemon),
                     .message_ns = transport_next_ns(s->transport),
                     .world_ns = world_next_ns(s->world)};
    n.ns = MW_MIN(MW_MIN(n.core_ns, MW_MIN(n.message_ns, n.world_ns)), s->end_ns);
    return n;
}

/* Waits for that moment, where somebody wants to; what is next then, which may be sooner. */
static int wait_for(struct sim *s, struct next *n, struct mw_error *err)
{
    enum run_pace pace = RUN_AGAIN;
    while (s->o->pace != NULL && pace == RUN_AGAIN && !s->stop && n->ns > s->now_ns) {
        struct run_view v = view_of(s);
        int64_t now_ns = s->now_ns, was_ns = n->ns;
        pace = s->o->pace(s->o->ctx, &v, n->ns);
        if (s->failed < 0)
            return mw_fail(err, s->failed, "%s", s->why.text);
        s->stop |= pace == RUN_STOP;
        *n = next_of(s);
        if (n->ns < was_ns || s->now_ns > now_ns)
            pace = RUN_AGAIN;
    }
    return 0;
}

/* Ends: each round passes at least one moment or one message. */
static int run_loop(struct sim *s, struct mw_error *err)
{
    int rc = 0;
    while (rc == 0 && !s->stop) {
        struct next n = next_of(s);
        rc = wait_for(s, &n, err);
        if (rc != 0 || s->stop || n.ns >= s->end_ns)
            break;
        s->now_ns = MW_MAX(s->now_ns, n.ns);
        if (n.core_ns <= n.ns) {
            rc = daemon_advance(s->daemon, s->now_ns, err);
            if (rc == 0)
                rc = after_step(s, err);
        } else if (n.message_ns <= n.ns) {
            rc = deliver_due(s, err);
        } else {
            world_step(s->world);
        }
    }
    return rc;
}

static int deliver_all(struct sim *s, struct mw_error *err)
{
    struct delivery d;
    int rc = 0;
    transport_flush(s->transport, s->now_ns);
    while (rc == 0 && transport_take(s->transport, s->now_ns, &d))
        rc = deliver(s, &d, err);
    return rc;
}

/* Do the nodes that were not retired suffice for every job that waits? */
static bool can_end(const struct sim *s)
{
    const struct board *b = daemon_control(s->daemon)->board;
    uint64_t left = b->nodes - MW_MIN(s->outcome.n.retired, (uint64_t)b->nodes);
    for (uint32_t slot = 0; slot < b->jobs_used; slot++)
        if (b->job_id[slot] != 0 && b->job_nodes[slot] > left)
            return false;
    return true;
}

/* The horizon: what is on its way arrives, every attempt says how far it is. */
static int run_end(struct sim *s, struct mw_error *err)
{
    if (!s->stop)
        s->now_ns = s->end_ns;
    int rc = daemon_advance(s->daemon, s->now_ns, err);
    if (rc == 0)
        rc = deliver_all(s, err);
    if (rc != 0)
        return rc;
    world_finish(s->world, s->now_ns);
    rc = deliver_all(s, err);
    if (rc == 0 && s->check != NULL && s->o->quiet_ns > 0 && !s->stop && can_end(s))
        check_quiet(s->check);
    if (rc == 0)
        rc = look(s, true, err);
    if (rc == 0 && s->o->watch != NULL) {
        struct run_view v = view_of(s);
        (void)s->o->watch(s->o->ctx, &v); /* the last look: nothing can be stopped any more */
    }
    return rc;
}

/* It can be looked at, as long as somebody does. */
static void run_after(struct sim *s)
{
    s->ended = true;
    while (s->o->pace != NULL && !s->stop) {
        struct run_view v = view_of(s);
        if (s->o->pace(s->o->ctx, &v, MW_NEVER) != RUN_AGAIN)
            break;
    }
}

/* ---- what came of it ----------------------------------------------------------------------- */

static void fill_from_control(const struct sim *s, struct run_result *r)
{
    const struct control *k = daemon_control(s->daemon);
    int64_t now_ns = MW_MAX(s->now_ns, core_now(k->core));
    account_settle(k->account, now_ns, &r->totals);
    r->goodput = account_goodput(&r->totals);
    struct account_ettr e = account_ettr(k->account, now_ns, true);
    if (e.wall_gpu_ms > 0)
        r->ettr = (double)e.productive_gpu_ms / (double)e.wall_gpu_ms;
    r->state_hash = core_state_hash(k->core);
    r->trace_hash = mw_hasher_result(s->trace);
    r->core = daemon_stats(s->daemon);
    r->jobs_refused = daemon_jobs_refused(s->daemon);
    r->crashes = daemon_crashes(s->daemon);
}

static void fill(struct sim *s, struct run_result *r)
{
    const struct tally *t = &s->tally;
    struct transport_stats m = transport_stats(s->transport);
    *r = (struct run_result){
        .seed = s->o->seed,
        .horizon_days = (double)(s->now_ns - s->scenario->start_ns) / (double)MW_NS_PER_DAY,
        .nodes = s->o->fleet->count[COMPONENT_NODE], .gpus = s->o->fleet->gpus_total,
        .world = world_stats(s->world, s->now_ns),
        .jobs_submitted = t->jobs_submitted, .jobs_done = t->jobs_done,
        .jobs_failed = t->jobs_failed, .jobs_cancelled = t->jobs_cancelled,
        .incidents = t->incidents, .orders = t->orders,
        .gates = t->gates, .gates_failed = t->gates_failed, .drains = t->drains,
        .refaults = t->refaults, .large_ended = t->large_ended, .large_stopped = t->large_stopped,
        .out_p99 = level_quantile(&t->out, 0.99, s->now_ns),
        .out_p999 = level_quantile(&t->out, 0.999, s->now_ns),
        .repairing_p99 = level_quantile(&t->repairing, 0.99, s->now_ns),
        .messages_lost = m.lost, .messages_late = m.late,
        .messages_doubled = m.doubled, .messages_reordered = m.reordered, .events = t->events};
    memcpy(r->findings, t->findings, sizeof(r->findings));
    r->classes = s->scenario->policy.care.classes;
    r->outcome = outcome_counts(&s->outcome);
    r->faults = r->world.faults;
    r->node_faults = r->world.node_faults;
    r->kills = r->world.kills;
    if (r->kills > 0)
        r->mttf_hours = (double)r->world.allocated_ms / (double)MW_MS_PER_HOUR / (double)r->kills;
    if (t->last_job_end_ns > 0)
        r->jobs_last_end_ns = t->last_job_end_ns - s->scenario->start_ns;
    fill_from_control(s, r);
}

int run_scenario(const struct run_options *o, struct run_result *ret, struct mw_error *err)
{
    must(o->scenario != NULL && o->fleet != NULL);
    int64_t began_ns = o->clock_ns != NULL ? o->clock_ns() : 0;
    struct sim s = {.o = o, .scenario = o->scenario, .now_ns = o->scenario->start_ns,
                    .end_ns = o->scenario->start_ns + o->scenario->horizon_ns};
    s.quiet_ns = MW_MAX(s.end_ns - o->quiet_ns, o->scenario->start_ns);
    s.marks = o->marks != NULL ? o->marks : &s.own_marks;
    int rc = sim_init(&s, err);
    if (rc == 0)
        rc = run_loop(&s, err);
    if (rc == 0)
        rc = run_end(&s, err);
    if (rc == 0)
        run_after(&s);
    if (rc == 0) {
        fill(&s, ret);
        if (o->clock_ns != NULL)
            ret->wall_s = (double)(o->clock_ns() - began_ns) / 1e9;
    }
    sim_fini(&s);
    return rc;
}

/* ---- a person from outside ----------------------------------------------------------------- */

static int refuse_ended(const struct sim *s, struct mw_error *err)
{
    if (!s->ended)
        return 0;
    return mw_fail(err, MW_ECONFLICT, "the replay is at its end: nothing happens in it any more");
}

/* Not before what has happened, and not after what is next. */
static void come_to(struct sim *s, int64_t now_ns)
{
    s->now_ns = MW_MAX(s->now_ns, MW_MIN(now_ns, next_of(s).ns));
}

enum admit run_submit_more(const struct run_view *v, int64_t now_ns, const struct event *fact,
                           const void *tail)
{
    struct sim *s = v->sim;
    enum admit a = ADMIT_GAP;
    must(fact->source == SOURCE_PERSON && fact->actor != 0);
    if (s->ended || s->failed < 0)
        return ADMIT_GAP;
    come_to(s, now_ns);
    s->failed = daemon_command(s->daemon, s->now_ns, fact, tail, &a, &s->why);
    return s->failed < 0 ? ADMIT_GAP : a;
}

int run_submit_end(const struct run_view *v, struct mw_error *err)
{
    struct sim *s = v->sim;
    int rc = refuse_ended(s, err);
    if (rc < 0)
        return rc;
    if (s->failed == 0)
        s->failed = daemon_commit(s->daemon, &s->why);
    return s->failed < 0 ? mw_fail(err, s->failed, "%s", s->why.text) : 0;
}

int run_submit(const struct run_view *v, int64_t now_ns, const struct event *fact,
               const void *tail, enum admit *ret, struct mw_error *err)
{
    *ret = run_submit_more(v, now_ns, fact, tail);
    return run_submit_end(v, err);
}
