/* The loop of a daemon, played by hand over a world, with an ear on the record. */
#include "tests/contract/stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "core/journal_memory.h"
#include "core/rederive.h"
#include "fleet/site.h"
#include "work/work.h"

#define AWAIT_S 25

static const char SITE[] = "site: lab\n"
                           "models:\n"
                           "  - {name: box, gpus: 8, nics: 0, power_w: 1kW}\n"
                           "halls:\n"
                           "  - {name: hall}\n"
                           "breakers:\n"
                           "  - {name: main, limit_w: 1MW}\n"
                           "pdus:\n"
                           "  - {name: pdu, breaker: main}\n"
                           "racks:\n"
                           "  - {name: \"k[1-4]\", hall: hall, feeds: [pdu]}\n"
                           "nodes:\n"
                           "  - {name: \"n[1-4]\", model: box, rack: k1, group: g1}\n"
                           "  - {name: \"n[5-8]\", model: box, rack: k2, group: g1}\n"
                           "  - {name: \"n[9-12]\", model: box, rack: k3, group: g2}\n"
                           "  - {name: \"n[13-16]\", model: box, rack: k4, group: g2}\n";

/* ---- the daemon ------------------------------------------------------------------------------ */

static bool changes(const char *const *argv)
{
    return strcmp(argv[0], "scontrol") == 0 && argv[1] &&
           (strcmp(argv[1], "update") == 0 || strcmp(argv[1], "requeue") == 0);
}

/* The world's processes; of a killed daemon nothing goes out. */
static int start(void *self, const struct process_request *q, process_done_fn *done, void *ctx,
                 struct mw_error *err)
{
    struct stage *s = self;
    struct process_port port = s->world.process(s->world.self);
    if (s->dead)
        return mw_fail(err, MW_EBUSY, "the daemon was killed");
    s->changes += changes(q->argv);
    return port.start(port.self, q, done, ctx, err);
}

static void acted(void *ctx, const struct event *action, const void *tail)
{
    struct stage *s = ctx;
    (void)tail;
    if (action->kind != EV_ENGINE_ORDER || !s->kill_at_order)
        return;
    s->kill_at_order = false;
    s->dead = true;
}

static int64_t now_of(struct stage *s)
{
    return s->world.now(s->world.self);
}

static int hello(void *ctx, const struct agent_frame *f, uint32_t *ret_node, struct mw_error *err)
{
    struct stage *s = ctx;
    if (s->dead || !s->live)
        return mw_fail(err, MW_EBUSY, "the daemon was killed");
    return live_agent_hello(s->live, now_of(s), f, ret_node, err);
}

static void heard(void *ctx, uint32_t node, const struct agent_frame *f)
{
    struct stage *s = ctx;
    struct mw_error err;
    if (!s->dead && s->live && live_agent_heard(s->live, now_of(s), node, f, &err) < 0)
        fail_msg("a frame: %s", err.text);
}

static void lost(void *ctx, uint32_t node)
{
    struct stage *s = ctx;
    struct mw_error err;
    if (!s->dead && s->live && live_agent_lost(s->live, now_of(s), node, &err) < 0)
        fail_msg("a lost connection: %s", err.text);
}

static void daemon_begins(struct stage *s, uint8_t mode)
{
    struct mw_error err;
    const struct world *w = &s->world;
    const struct world_ear ear = { .ctx = s, .hello = hello, .heard = heard, .lost = lost };
    s->dead = false;
    w->daemon(w->self, &ear);
    const struct live_options o = {
        .fleet = s->fleet, .policy = &s->policy, .journal = s->journal, .mode = mode,
        .slurm = true, .slurm_conf = w->slurm_conf, .process = { .self = s, .start = start },
        .send = w->send, .send_ctx = w->self, .acted = acted, .acted_ctx = s };
    if (live_create(&o, now_of(s), &s->live, &err) < 0)
        fail_msg("the daemon does not begin: %s", err.text);
}

static void daemon_ends(struct stage *s)
{
    s->dead = true; /* what the world still has to say reaches nobody */
    s->world.daemon_killed(s->world.self);
    live_processes_gone(s->live);
    live_destroy(s->live);
    s->live = NULL;
}

void stage_kill(struct stage *s)
{
    s->dead = true;
}

/* ---- the record ------------------------------------------------------------------------------ */

static int keep(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct stage *s = ctx;
    (void)last;
    if (s->length == s->room) {
        s->room = s->room ? 2 * s->room : 256;
        s->log = mw_resize(s->log, s->room, sizeof(*s->log));
        assert_non_null(s->log);
    }
    struct note *n = &s->log[s->length++];
    *n = (struct note){ .ev = *ev };
    if (ev->tail_size) {
        n->tail = mw_calloc(1, ev->tail_size);
        assert_non_null(n->tail);
        memcpy(n->tail, tail, ev->tail_size);
    }
    assert_int_equal(ev->seq, s->length); /* none is missing */
    return 0;
}

static void read_record(struct stage *s)
{
    struct mw_error err;
    if (s->journal->head.seq > s->length &&
        s->journal->ops->read(s->journal, s->length + 1, keep, s, &err) < 0)
        fail_msg("reading the record: %s", err.text);
}

void stage_rederive(const struct stage *s)
{
    const struct rederive_range all = { .first_seq = 1, .last_seq = UINT64_MAX };
    struct rederive_report report = { 0 };
    struct journal *memory = NULL;
    struct control *fresh = NULL;
    struct mw_error err = { 0 };
    assert_int_equal(journal_memory_create(&(struct journal_memory_options){ .discard = true },
                                           &memory), 0);
    if (control_create(&(struct control_options){ .fleet = s->fleet, .policy = &s->policy,
                                                  .journal = memory }, &fresh, &err) < 0 ||
        core_rederive(s->journal, fresh->core, &all, &report, &err) < 0)
        fail_msg("rederiving: %s", err.text);
    if (report.differences || report.refused)
        fail_msg("decided again: %llu differ, %llu refused; at %llu: %s",
                 (unsigned long long)report.differences, (unsigned long long)report.refused,
                 (unsigned long long)report.first_seq, report.first);
    assert_int_equal(report.events, s->length);
    control_destroy(fresh);
    journal_destroy(memory);
}

/* ---- opening and closing --------------------------------------------------------------------- */

/* As on a live site, but nodes that heal are watched for a second only, and checks, which want
 * GPUs, are left out. */
static struct control_policy story_policy(void)
{
    struct control_policy p = live_policy();
    for (uint32_t i = 0; i < p.care.classes; i++) {
        p.care.class[i].gate_ms = 0;
        p.care.class[i].probation_ms = MW_MIN(p.care.class[i].probation_ms, 1000);
    }
    return p;
}

void stage_open(struct stage *s, const struct world *w, uint8_t mode)
{
    struct mw_error err = { 0 };
    struct problems problems = { 0 };
    const struct site_source source = { .yaml = SITE, .size = sizeof(SITE) - 1, .name = "site" };
    *s = (struct stage){ .world = *w, .mode = mode, .policy = story_policy() };
    if (site_load(&source, &s->fleet, &problems, &err) < 0)
        fail_msg("the site: %s", err.text);
    problems_fini(&problems);
    assert_int_equal(s->fleet->count[COMPONENT_NODE], WORLD_NODES);
    assert_int_equal(journal_memory_create(&(struct journal_memory_options){ .chain = true },
                                           &s->journal), 0);
    daemon_begins(s, mode);
    stage_await(s, stage_agents_heard, WORLD_NODES, 0, "all agents to be heard");
}

void stage_close(struct stage *s)
{
    daemon_ends(s);
    journal_destroy(s->journal);
    fleet_destroy(s->fleet);
    for (uint32_t i = 0; i < s->length; i++)
        mw_free(s->log[i].tail);
    mw_free(s->log);
    *s = (struct stage){ 0 };
}

/* ---- time ------------------------------------------------------------------------------------ */

void stage_turn(struct stage *s, int64_t until_ns)
{
    struct mw_error err;
    if (s->dead) {
        daemon_ends(s);
        journal_memory_crash(s->journal);
        s->kills++;
        daemon_begins(s, LIVE_MODE_KEEP);
    }
    s->world.turn(s->world.self, MW_MIN(live_next_due(s->live), until_ns));
    if (!s->dead && live_next_due(s->live) <= now_of(s) &&
        live_tick(s->live, now_of(s), &err) < 0)
        fail_msg("a tick: %s", err.text);
    read_record(s);
}

bool stage_until(struct stage *s, stage_is_fn *is, uint32_t a, uint32_t b, int64_t limit_s)
{
    int64_t end = now_of(s) + limit_s * MW_NS_PER_S;
    while (s->dead || !is(s, a, b)) {
        if (now_of(s) >= end)
            return false;
        stage_turn(s, end);
    }
    return true;
}

void stage_await(struct stage *s, stage_is_fn *is, uint32_t a, uint32_t b, const char *what)
{
    if (stage_until(s, is, a, b, AWAIT_S))
        return;
    struct slurm_stats slurm = live_slurm_stats(s->live);
    fail_msg("%s: waited %d s for %s in vain (adapter: %s)", s->world.name, AWAIT_S, what,
             slurm.trouble[0] ? slurm.trouble : "no trouble");
}

void stage_pass(struct stage *s, int64_t ns)
{
    int64_t end = now_of(s) + ns;
    while (now_of(s) < end || s->dead)
        stage_turn(s, end);
}

/* ---- what is so ------------------------------------------------------------------------------ */

static uint32_t slot_of(const struct stage *s, uint32_t job)
{
    assert_true(job < s->jobs);
    return board_job_find(live_control(s->live)->board, s->job[job]);
}

bool stage_job_runs(struct stage *s, uint32_t job, uint32_t attempt)
{
    const struct board *b = live_control(s->live)->board;
    uint32_t slot = slot_of(s, job);
    return slot != MW_NONE && b->job_state[slot] == JOB_RUNNING && b->job_attempt[slot] == attempt;
}

bool stage_job_over(struct stage *s, uint32_t job, uint32_t unused)
{
    (void)unused;
    return slot_of(s, job) == MW_NONE;
}

bool stage_node_is(struct stage *s, uint32_t node, uint32_t health)
{
    return live_control(s->live)->board->node_health[node] == health;
}

bool stage_node_served(struct stage *s, uint32_t node, uint32_t reported)
{
    return guard_node_reported(live_control(s->live)->guard, node) == reported;
}

bool stage_quiet(struct stage *s, uint32_t a, uint32_t b)
{
    (void)a;
    (void)b;
    return live_slurm_stats(s->live).pending == 0;
}

bool stage_no_incidents(struct stage *s, uint32_t a, uint32_t b)
{
    (void)a;
    (void)b;
    return care_open_incidents(live_control(s->live)->care) == 0;
}

bool stage_agents_heard(struct stage *s, uint32_t count, uint32_t b)
{
    (void)b;
    return live_agents_stats(s->live).watched >= count;
}

uint32_t stage_count(const struct stage *s, uint32_t kind)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->length; i++)
        n += s->log[i].ev.kind == kind;
    return n;
}

bool stage_recorded(struct stage *s, uint32_t kind, uint32_t count)
{
    return stage_count(s, kind) >= count;
}

uint32_t stage_count_orders(const struct stage *s, uint32_t kind, uint8_t verb, uint32_t node)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->length; i++) {
        const struct event *ev = &s->log[i].ev;
        n += ev->kind == kind && ev->body.engine.verb == verb &&
             (node == MW_NONE || ev->body.engine.node == node);
    }
    return n;
}

uint32_t stage_gang(const struct stage *s, uint32_t job, uint32_t i)
{
    const struct board *b = live_control(s->live)->board;
    uint32_t slot = slot_of(s, job), node;
    if (slot == MW_NONE)
        return MW_NONE;
    for (node = b->job_first_node[slot]; node != MW_NONE && i > 0; i--)
        node = b->node_next[node];
    return node;
}

/* ---- what people do -------------------------------------------------------------------------- */

uint32_t stage_sbatch(struct stage *s, uint32_t nodes, uint32_t run_s)
{
    assert_true(s->jobs < STAGE_JOBS_MAX);
    s->job[s->jobs] = s->world.sbatch(s->world.self, nodes, run_s);
    assert_true(s->job[s->jobs] > 0);
    return s->jobs++;
}
