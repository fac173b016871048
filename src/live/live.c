/*
 * One controller between its adapters and its record.  Owns the order: facts in,
 * commit, actions out.  Never reads a clock, and never keeps state of its own
 * that a restart would miss.
 */
#include "live/live.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"

#define SNAPSHOT_EVENTS 100000u
#define SNAPSHOT_NS (10 * MW_NS_PER_MIN)
#define RETRY_NS MW_NS_PER_S /* between two tries of a commit that failed */
#define MODE_REASON "mw serve --mode"

/* A process that was started; so that its end is seen to be followed by a tick. */
struct run {
    struct live *live;
    process_done_fn *done;
    void *ctx;
    struct run *before, *after;
};

struct live {
    struct live_options options;
    struct control *control;
    struct slurm *slurm;   /* NULL without */
    struct agents *agents;
    struct run *runs;
    bool ended;            /* a process ended since the last tick */

    int64_t now_ns;        /* of the present entry */
    int failed;            /* a fact of this entry could not be taken */
    struct mw_error why;
    int64_t retry_ns;      /* the next try of a failed commit; MW_NEVER */
    uint64_t snapshot_seq; /* last event in the newest snapshot */
    int64_t snapshot_ns;   /* when it was made, or tried */
    struct live_stats stats;
};

/* ---- between adapters and core ------------------------------------------------------------- */

/* What could not be taken comes again: adapters compare what they see with the state. */
static enum admit submit(void *ctx, const struct event *fact, const void *tail)
{
    struct live *l = ctx;
    enum admit a = ADMIT_GAP;
    if (l->failed == 0)
        l->failed = core_submit(l->control->core, l->now_ns, fact, tail, &a, &l->why);
    return l->failed < 0 ? ADMIT_GAP : a;
}

/* Inside a commit: adapters only queue here. */
static void act(void *ctx, const struct event *action, const void *tail)
{
    struct live *l = ctx;
    if (l->slurm)
        slurm_act(l->slurm, l->now_ns, action, tail);
    agents_act(l->agents, l->now_ns, action);
    if (l->options.acted)
        l->options.acted(l->options.acted_ctx, action, tail);
}

static void forget(struct run *r)
{
    struct live *l = r->live;
    if (r->before)
        r->before->after = r->after;
    else
        l->runs = r->after;
    if (r->after)
        r->after->before = r->before;
    l->ended = true;
}

static void run_done(void *ctx, const struct process_result *result)
{
    struct run *r = ctx;
    if (r->live) /* else the site is gone, and whoever asked frees what is his */
        forget(r);
    r->done(r->ctx, result);
    mw_free(r);
}

static int run_start(void *self, const struct process_request *q, process_done_fn *done, void *ctx,
                     struct mw_error *err)
{
    struct live *l = self;
    struct run *r = mw_calloc(1, sizeof(*r));
    must(q && done);
    if (!r)
        return mw_fail(err, MW_ENOMEM, "out of memory to run %s", q->argv[0]);
    *r = (struct run){ .live = l, .done = done, .ctx = ctx, .after = l->runs };
    int rc = l->options.process.start(l->options.process.self, q, run_done, r, err);
    if (rc < 0) {
        mw_free(r);
        return rc;
    }
    if (l->runs)
        l->runs->before = r;
    l->runs = r;
    return 0;
}

static void enter(struct live *l, int64_t now_ns)
{
    must(now_ns > 0);
    l->now_ns = now_ns;
    l->failed = 0;
}

/* Commits what the entry took.  What failed stays staged; it is tried again, and not at each of
 * the thousand frames that may come in a second. */
static int settle(struct live *l, struct mw_error *err)
{
    int rc = l->failed;
    if (rc == 0 && l->retry_ns != MW_NEVER && l->now_ns < l->retry_ns)
        return mw_fail(err, l->why.code, "%s", l->why.text);
    if (rc == 0)
        rc = core_commit(l->control->core, &l->why);
    if (rc == 0) {
        agents_committed(l->agents);
        l->retry_ns = MW_NEVER;
        l->stats.trouble_since_ns = 0;
        l->stats.trouble[0] = '\0';
        return 0;
    }
    l->stats.commits_failed++;
    l->retry_ns = l->now_ns + RETRY_NS;
    if (l->stats.trouble_since_ns == 0)
        l->stats.trouble_since_ns = l->now_ns;
    (void)snprintf(l->stats.trouble, sizeof(l->stats.trouble), "%.255s", l->why.text);
    return mw_fail(err, rc, "%s", l->why.text);
}

/* ---- making -------------------------------------------------------------------------------- */

static int make_adapters(struct live *l, struct mw_error *err)
{
    const struct live_options *o = &l->options;
    const struct live_facts facts = { .submit = submit, .ctx = l };
    const struct agents_options agents = { .control = l->control, .facts = facts, .send = o->send,
                                           .send_ctx = o->send_ctx, .probe = o->probe,
                                           .probe_ctx = o->probe_ctx,
                                           .silence_ns = o->silence_ns };
    int rc = agents_create(&agents, &l->agents, err);
    if (rc < 0 || !o->slurm)
        return rc;
    const struct slurm_options slurm = {
        .control = l->control, .facts = facts, .conf = o->slurm_conf, .poll_ns = o->slurm_poll_ns,
        .process = { .self = l, .start = run_start } };
    return slurm_create(&slurm, &l->slurm, err);
}

static bool mode_differs(const struct live *l)
{
    for (uint32_t h = 0; h < l->options.fleet->count[COMPONENT_HALL]; h++)
        if (guard_mode_of(l->control->guard, h) != l->options.mode)
            return true;
    return false;
}

static int set_mode(struct live *l, struct mw_error *err)
{
    if (l->options.mode == LIVE_MODE_KEEP || !mode_differs(l))
        return 0;
    struct event ev = { .kind = EV_COMMAND, .source = SOURCE_PERSON, .actor = 1,
                        .observed_ns = l->now_ns, .tail_size = sizeof(MODE_REASON) - 1 };
    ev.body.command = (struct body_command){ .node = MW_NONE, .hall = MW_NONE, .slot = MW_NONE,
                                             .verb = CMD_SET_MODE, .mode = l->options.mode };
    enum admit a = ADMIT_OK;
    int rc = core_submit(l->control->core, l->now_ns, &ev, MODE_REASON, &a, err);
    must(rc < 0 || a == ADMIT_OK);
    return rc < 0 ? rc : core_commit(l->control->core, err);
}

/* The controller, fresh, and its adapters: before recovery, which hands out what is pending. */
static int make_parts(struct live *l, struct mw_error *err)
{
    const struct live_options *o = &l->options;
    const struct control_options c = { .fleet = o->fleet, .policy = o->policy,
                                       .journal = o->journal, .act = act, .act_ctx = l };
    int rc = control_create(&c, &l->control, err);
    return rc < 0 ? rc : make_adapters(l, err);
}

static void drop_parts(struct live *l)
{
    slurm_destroy(TAKE(l->slurm));
    agents_destroy(TAKE(l->agents));
    control_destroy(TAKE(l->control));
}

/* Under the rules of now: where the record has others, a new epoch begins. */
static int recover(struct live *l, struct mw_error *err)
{
    int rc = control_recover(l->control, true, err);
    if (rc != MW_ECONFLICT && rc != MW_EVERSION)
        return rc;
    drop_parts(l);
    rc = make_parts(l, err);
    return rc < 0 ? rc : control_change_rules(l->control, l->now_ns, err);
}

static int begin_or_recover(struct live *l, struct mw_error *err)
{
    bool empty = l->options.journal->head.seq == 0;
    int rc = empty ? control_begin(l->control, l->now_ns, err) : recover(l, err);
    if (rc < 0)
        return rc;
    l->snapshot_seq = core_seq(l->control->core);
    l->snapshot_ns = l->now_ns;
    return set_mode(l, err);
}

int live_create(const struct live_options *o, int64_t now_ns, struct live **ret,
                struct mw_error *err)
{
    must(o && o->fleet && o->policy && o->journal && ret);
    must(!o->slurm || o->process.start);
    struct live *l = mw_calloc(1, sizeof(*l));
    if (!l)
        return mw_fail(err, MW_ENOMEM, "out of memory for a site");
    l->options = *o;
    l->retry_ns = MW_NEVER;
    enter(l, now_ns);
    int rc = make_parts(l, err);
    if (rc == 0)
        rc = begin_or_recover(l, err);
    if (rc < 0) {
        live_destroy(l);
        return rc;
    }
    *ret = l;
    return 0;
}

void live_destroy(struct live *l)
{
    if (!l)
        return;
    drop_parts(l);
    for (struct run *r = l->runs; r; r = r->after)
        r->live = NULL;
    mw_free(l);
}

void live_processes_gone(struct live *l)
{
    static const struct process_result killed = { .exit_code = -1, .out = "", .err = "killed" };
    while (l && l->runs)
        run_done(l->runs, &killed);
}

/* ---- time ---------------------------------------------------------------------------------- */

int live_snapshot(struct live *l, struct mw_error *err)
{
    struct mw_error why = { 0 };
    int rc = core_commit(l->control->core, &why); /* nothing may be staged */
    l->snapshot_ns = l->now_ns;
    if (rc == 0 && core_seq(l->control->core) > 0)
        rc = core_snapshot(l->control->core, &why);
    (void)snprintf(l->stats.snapshot_trouble, sizeof(l->stats.snapshot_trouble), "%.255s",
                   rc < 0 ? why.text : "");
    if (rc < 0) {
        l->stats.snapshots_failed++;
        return mw_fail(err, rc, "%s", why.text);
    }
    l->stats.snapshots++;
    l->snapshot_seq = core_seq(l->control->core);
    return 0;
}

/* A snapshot only shortens the next start: its failure is kept for the status, and no error. */
static void snapshot_when_due(struct live *l)
{
    uint64_t events = core_seq(l->control->core) - l->snapshot_seq;
    int64_t age_ns = l->now_ns - l->snapshot_ns;
    if (events >= SNAPSHOT_EVENTS ? age_ns >= RETRY_NS : events > 0 && age_ns >= SNAPSHOT_NS)
        (void)!live_snapshot(l, NULL);
}

int live_tick(struct live *l, int64_t now_ns, struct mw_error *err)
{
    enter(l, now_ns);
    l->ended = false;
    l->failed = core_advance(l->control->core, now_ns, &l->why);
    if (l->slurm)
        slurm_tick(l->slurm, now_ns);
    agents_tick(l->agents, now_ns);
    int rc = settle(l, err);
    if (rc == 0)
        snapshot_when_due(l);
    return rc;
}

int64_t live_next_due(const struct live *l)
{
    int64_t due = core_next_due(l->control->core);
    if (l->ended)
        return 0;
    if (l->retry_ns != MW_NEVER)
        due = l->retry_ns; /* timers that cannot be recorded wait for it */
    due = MW_MIN(due, agents_next_due(l->agents));
    return l->slurm ? MW_MIN(due, slurm_next_due(l->slurm)) : due;
}

/* ---- what comes from outside --------------------------------------------------------------- */

int live_agent_hello_more(struct live *l, int64_t now_ns, const struct agent_frame *hello,
                          uint32_t *ret_peer, struct mw_error *err)
{
    enter(l, now_ns);
    return agents_hello(l->agents, now_ns, hello, ret_peer, err);
}

int live_agent_hello(struct live *l, int64_t now_ns, const struct agent_frame *hello,
                     uint32_t *ret_peer, struct mw_error *err)
{
    struct mw_error why;
    int rc = live_agent_hello_more(l, now_ns, hello, ret_peer, err);
    (void)!settle(l, &why); /* its node is heard all the same; ticks try again */
    return rc;
}

/* An event whose facts could not be staged was not taken: its agent sends it again. */
void live_agent_heard_more(struct live *l, int64_t now_ns, uint32_t peer,
                           const struct agent_frame *f)
{
    enter(l, now_ns);
    bool new = agents_heard(l->agents, now_ns, peer, f);
    if (new && l->failed == 0)
        agents_taken(l->agents, peer, f);
}

int live_agents_end(struct live *l, int64_t now_ns, struct mw_error *err)
{
    enter(l, now_ns);
    return settle(l, err);
}

int live_agent_heard(struct live *l, int64_t now_ns, uint32_t peer, const struct agent_frame *f,
                     struct mw_error *err)
{
    live_agent_heard_more(l, now_ns, peer, f);
    return settle(l, err);
}

void live_agent_samples(struct live *l, int64_t now_ns, uint32_t peer, const uint8_t *payload,
                        size_t size)
{
    enter(l, now_ns);
    agents_samples(l->agents, now_ns, peer, payload, size);
}

int live_agent_probed(struct live *l, int64_t now_ns, uint32_t node, bool answers,
                      struct mw_error *err)
{
    enter(l, now_ns);
    agents_probed(l->agents, now_ns, node, answers);
    return settle(l, err);
}

int live_agent_lost(struct live *l, int64_t now_ns, uint32_t peer, struct mw_error *err)
{
    enter(l, now_ns);
    agents_lost(l->agents, now_ns, peer);
    return settle(l, err);
}

static bool is_persons(uint16_t kind)
{
    return kind == EV_COMMAND || kind == EV_ORDER_TAKEN || kind == EV_ORDER_ENDED ||
           kind == EV_GATE_ENDED;
}

int live_command(struct live *l, int64_t now_ns, const struct event *fact, const void *tail,
                 enum admit *ret, struct mw_error *err)
{
    must(fact && ret && is_persons(fact->kind));
    must(fact->actor != 0 && fact->source_seq == 0);
    enter(l, now_ns);
    enum admit a = submit(l, fact, tail);
    l->retry_ns = MW_NEVER; /* a person waits: try now */
    int rc = settle(l, err);
    *ret = a;
    return rc;
}

enum admit live_command_more(struct live *l, int64_t now_ns, const struct event *fact,
                             const void *tail)
{
    must(fact && is_persons(fact->kind));
    must(fact->actor != 0 && fact->source_seq == 0);
    enter(l, now_ns);
    return submit(l, fact, tail);
}

int live_commands_end(struct live *l, struct mw_error *err)
{
    l->retry_ns = MW_NEVER;
    return settle(l, err);
}

/* ---- reading ------------------------------------------------------------------------------- */

const struct control *live_control(const struct live *l)
{
    return l->control;
}

const struct machines *live_machines(const struct live *l)
{
    return agents_machines(l->agents);
}

int live_rate(struct live *l, const char *machine, int64_t sample_ms, int64_t for_ms,
              struct mw_error *err)
{
    const struct agent_frame f = { .verb = AGENT_RATE, .sample_ms = sample_ms, .for_ms = for_ms };
    uint64_t id = fleet_find(l->options.fleet, machine);
    bool asked = component_kind_of(id) == COMPONENT_NODE &&
                 l->options.send(l->options.send_ctx, component_index_of(id), &f);
    return asked ? 0 : mw_fail(err, MW_ENOTFOUND, "the agent of '%.80s' is not connected", machine);
}

struct journal *live_journal(const struct live *l)
{
    return l->options.journal;
}

bool live_has_slurm(const struct live *l)
{
    return l->slurm != NULL;
}

struct live_stats live_stats(const struct live *l)
{
    return l->stats;
}

struct slurm_stats live_slurm_stats(const struct live *l)
{
    return l->slurm ? slurm_stats(l->slurm) : (struct slurm_stats){ 0 };
}

struct agents_stats live_agents_stats(const struct live *l)
{
    return agents_stats(l->agents);
}
