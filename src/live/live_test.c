/*
 * A live site over stand-in ports: agents that are made up, a disk that is
 * full, processes that end when the test says, and time that the test gives.
 */
#include "live/live.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/units.h"
#include "core/journal_memory.h"
#include "fleet/site.h"
#include "live/policy.h"

#define T0 (1700000000 * MW_NS_PER_S)
#define S MW_NS_PER_S
#define NODES 40
#define ACTED_MAX 64
#define STARTED_MAX 64

struct bench {
    struct fleet *fleet;
    struct control_policy policy;
    struct journal *journal;
    const struct journal_ops *real_ops;
    struct journal_ops ops; /* the journal's, with a commit that can fail */
    struct live *live;
    struct live_options options;
    int64_t now_ns;
    bool disk_full;
    uint32_t commits_failed;
    uint64_t acted[ACTED_MAX]; /* sequences of committed actions */
    uint32_t acted_length;
    process_done_fn *done[STARTED_MAX];
    void *done_ctx[STARTED_MAX];
    uint32_t started, ended;
};

static struct bench *of_ops; /* the port's functions get no context but the journal */

static int commit_or_fail(struct journal *j, struct mw_error *err)
{
    if (!of_ops->disk_full)
        return of_ops->real_ops->commit(j, err);
    of_ops->commits_failed++;
    return mw_fail(err, MW_ENOSPC, "cannot write journal.db: No space left on device");
}

static void on_act(void *ctx, const struct event *action, const void *tail)
{
    struct bench *b = ctx;
    (void)tail;
    assert_true(b->acted_length < ACTED_MAX);
    assert_true(action->seq <= b->journal->head.seq); /* durable before it goes out */
    b->acted[b->acted_length++] = action->seq;
}

static bool send_nothing(void *ctx, uint32_t node, const struct agent_frame *f)
{
    (void)ctx;
    (void)node;
    (void)f;
    return false;
}

static int start_process(void *self, const struct process_request *q, process_done_fn *done,
                         void *ctx, struct mw_error *err)
{
    struct bench *b = self;
    (void)q;
    (void)err;
    assert_true(b->started < STARTED_MAX);
    b->done[b->started] = done;
    b->done_ctx[b->started++] = ctx;
    return 0;
}

/* All that run end, badly. */
static void end_processes(struct bench *b)
{
    const struct process_result failed = { .exit_code = 1, .out = "", .err = "no slurmctld" };
    for (; b->ended < b->started; b->ended++)
        b->done[b->ended](b->done_ctx[b->ended], &failed);
}

static int make_live(struct bench *b, struct mw_error *err)
{
    return live_create(&b->options, b->now_ns, &b->live, err);
}

static struct bench *bench_make(uint8_t mode, bool slurm)
{
    struct bench *b = calloc(1, sizeof(*b));
    struct mw_error err = { 0 };
    const struct journal_memory_options memory = { .chain = true };
    assert_non_null(b);
    of_ops = b;
    b->now_ns = T0;
    b->policy = live_policy();
    assert_int_equal(site_simple(NODES, &b->fleet, &err), 0);
    assert_int_equal(journal_memory_create(&memory, &b->journal), 0);
    b->real_ops = b->journal->ops;
    b->ops = *b->real_ops;
    b->ops.commit = commit_or_fail;
    b->journal->ops = &b->ops;
    b->options = (struct live_options){
        .fleet = b->fleet, .policy = &b->policy, .journal = b->journal, .mode = mode,
        .slurm = slurm, .process = { .self = b, .start = start_process }, .send = send_nothing,
        .acted = on_act, .acted_ctx = b };
    if (make_live(b, &err) != 0)
        fail_msg("%s", err.text);
    return b;
}

static void bench_free(struct bench *b)
{
    live_destroy(b->live);
    b->journal->ops = b->real_ops;
    journal_destroy(b->journal);
    fleet_destroy(b->fleet);
    free(b);
}

/* The daemon dies and is started again. */
static void restart(struct bench *b, uint8_t mode)
{
    struct mw_error err = { 0 };
    live_destroy(b->live);
    b->live = NULL;
    b->journal->ops = b->real_ops; /* it looks whether it is itself */
    journal_memory_crash(b->journal);
    b->journal->ops = &b->ops;
    b->options.mode = mode;
    b->acted_length = 0;
    if (make_live(b, &err) != 0)
        fail_msg("%s", err.text);
}

static struct core *core(const struct bench *b)
{
    return live_control(b->live)->core;
}

static const char *node_name(const struct bench *b, uint32_t node)
{
    return fleet_name(b->fleet, component_id(COMPONENT_NODE, node));
}

static void hello(struct bench *b, uint32_t node)
{
    struct agent_frame f = { .verb = AGENT_HELLO, .version = AGENT_PROTOCOL, .boot = "boot" };
    struct mw_error err = { 0 };
    uint32_t got = MW_NONE;
    strncpy(f.name, node_name(b, node), sizeof(f.name) - 1);
    assert_int_equal(live_agent_hello(b->live, b->now_ns, &f, &got, &err), 0);
    assert_int_equal(got, node);
}

/* All agents but one beat, every 200 ms, for so long. */
static void beat_but(struct bench *b, uint32_t silent, int64_t length_ns)
{
    const struct agent_frame beat = { .verb = AGENT_BEAT, .n = 1 };
    for (int64_t end_ns = b->now_ns + length_ns; b->now_ns < end_ns;) {
        b->now_ns += AGENT_BEAT_NS;
        for (uint32_t n = 0; n < NODES; n++)
            if (n != silent)
                (void)!live_agent_heard(b->live, b->now_ns, n, &beat, NULL);
        (void)!live_tick(b->live, b->now_ns, NULL);
    }
}

static void all_hello(struct bench *b)
{
    for (uint32_t n = 0; n < NODES; n++)
        hello(b, n);
}

struct search {
    uint16_t kind;
    uint32_t found;
    struct event last;
};

static int look(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct search *s = ctx;
    (void)tail;
    (void)last;
    if (ev->kind == s->kind) {
        s->found++;
        s->last = *ev;
    }
    return 0;
}

/* How many committed events of a kind there are; the last one. */
static uint32_t count(struct bench *b, uint16_t kind, struct event *ret)
{
    struct search s = { .kind = kind };
    assert_int_equal(b->journal->ops->read(b->journal, 1, look, &s, NULL), 0);
    if (ret)
        *ret = s.last;
    return s.found;
}

static int command(struct bench *b, const struct body_command *c, const char *reason,
                   enum admit *ret)
{
    struct event ev = { .kind = EV_COMMAND, .source = SOURCE_PERSON, .actor = 1042,
                        .observed_ns = b->now_ns, .tail_size = (uint32_t)strlen(reason) };
    struct mw_error err = { 0 };
    ev.body.command = *c;
    return live_command(b->live, b->now_ns, &ev, reason, ret, &err);
}

static void a_new_record_begins_with_the_site_and_a_mode_that_differs_is_commanded(void **state)
{
    (void)state;
    struct bench *b = bench_make(MODE_OBSERVE, false);
    struct event ev;
    assert_int_equal(count(b, EV_EPOCH, NULL), 1);
    assert_int_equal(count(b, EV_NODES_ADOPTED, NULL), 1);
    assert_int_equal(count(b, EV_COMMAND, NULL), 0); /* observe is what the policy says */
    restart(b, MODE_ACT);
    assert_int_equal(count(b, EV_COMMAND, &ev), 1);
    assert_true(ev.actor == 1 && ev.body.command.verb == CMD_SET_MODE &&
                ev.body.command.mode == MODE_ACT && ev.body.command.hall == MW_NONE);
    restart(b, MODE_ACT);
    restart(b, LIVE_MODE_KEEP);
    assert_int_equal(count(b, EV_COMMAND, NULL), 1); /* kept: nothing to command */
    assert_int_equal(guard_mode_of(live_control(b->live)->guard, 0), MODE_ACT);
    restart(b, MODE_OBSERVE);
    assert_int_equal(count(b, EV_COMMAND, NULL), 2);
    bench_free(b);
}

static void a_silent_node_is_an_order_to_the_engine_in_act_and_advice_in_observe(void **state)
{
    (void)state;
    for (uint32_t act = 0; act < 2; act++) {
        struct bench *b = bench_make(act ? MODE_ACT : MODE_OBSERVE, false);
        struct event ev;
        all_hello(b);
        beat_but(b, 7, 3 * S);
        assert_int_equal(count(b, EV_FINDING_OPENED, &ev), 1);
        assert_int_equal(ev.body.finding.node, 7);
        assert_int_equal(count(b, EV_INCIDENT_OPENED, NULL), 1);
        assert_int_equal(count(b, EV_ENGINE_ORDER, &ev), act);
        assert_int_equal(count(b, EV_ADVICE, NULL), !act);
        assert_int_equal(b->acted_length, act);
        if (act)
            assert_true(b->acted[0] == ev.seq && ev.body.engine.verb == ENGINE_DOWN);
        bench_free(b);
    }
}

static void what_was_heard_while_the_disk_was_full_is_recorded_once_it_is_not(void **state)
{
    (void)state;
    struct bench *b = bench_make(MODE_ACT, false);
    struct mw_error err = { 0 };
    all_hello(b);
    beat_but(b, MW_NONE, S);
    b->disk_full = true;
    beat_but(b, 7, 5 * S);
    uint64_t heard = core_seq(core(b));
    assert_int_equal(count(b, EV_FINDING_OPENED, NULL), 0);
    assert_int_equal(b->acted_length, 0); /* nothing goes out that is not in the record */
    assert_true(heard > b->journal->head.seq);
    assert_int_equal(live_tick(b->live, b->now_ns, &err), MW_ENOSPC);
    assert_true(live_stats(b->live).trouble_since_ns != 0);
    assert_non_null(strstr(live_stats(b->live).trouble, "No space left"));
    assert_true(b->commits_failed <= 10); /* once a second, not at each of the frames */
    b->disk_full = false;
    beat_but(b, 7, 2 * S);
    assert_int_equal(count(b, EV_FINDING_OPENED, NULL), 1);
    assert_int_equal(b->acted_length, 1);
    assert_true(live_stats(b->live).trouble_since_ns == 0 && b->journal->head.seq >= heard);
    bench_free(b);
}

static void a_restart_gives_the_same_state_and_hands_out_again_what_has_no_answer(void **state)
{
    (void)state;
    struct bench *b = bench_make(MODE_ACT, false);
    all_hello(b);
    beat_but(b, 7, 3 * S);
    assert_int_equal(b->acted_length, 1);
    uint64_t order = b->acted[0];
    struct mw_hash128 before = core_state_hash(core(b));
    restart(b, LIVE_MODE_KEEP);
    assert_true(mw_hash128_equal(core_state_hash(core(b)), before));
    assert_int_equal(b->acted_length, 1);
    assert_int_equal(b->acted[0], order);
    assert_int_equal(live_snapshot(b->live, NULL), 0);
    restart(b, LIVE_MODE_KEEP);
    assert_true(mw_hash128_equal(core_state_hash(core(b)), before));
    bench_free(b);
}

static void a_persons_command_is_durable_when_it_is_answered(void **state)
{
    (void)state;
    struct bench *b = bench_make(MODE_OBSERVE, false);
    const struct body_command hold = { .node = 3, .hall = MW_NONE, .slot = MW_NONE,
                                       .verb = CMD_HOLD };
    const struct body_command lift = { .ref = 999, .node = 3, .hall = MW_NONE, .slot = MW_NONE,
                                       .verb = CMD_RELEASE };
    enum admit a = ADMIT_FULL;
    struct event ev;
    assert_int_equal(command(b, &hold, "fan", &a), 0);
    assert_int_equal(a, ADMIT_OK);
    assert_int_equal(count(b, EV_COMMAND, &ev), 1);
    assert_int_equal(core_last_group(core(b)).first_seq, ev.seq);
    assert_int_equal(ev.actor, 1042);
    restart(b, LIVE_MODE_KEEP);
    assert_int_equal(live_control(b->live)->board->node_holds[3], 1);
    assert_int_equal(command(b, &lift, "x", &a), 0);
    assert_int_equal(a, ADMIT_STALE);
    b->disk_full = true;
    assert_int_equal(command(b, &hold, "again", &a), MW_ENOSPC);
    assert_int_equal(a, ADMIT_OK); /* taken, and not durable */
    bench_free(b);
}

static void new_rules_begin_a_new_epoch_and_other_meanings_are_refused(void **state)
{
    (void)state;
    struct bench *b = bench_make(MODE_OBSERVE, false);
    struct mw_error err = { 0 };
    all_hello(b);
    beat_but(b, 7, 3 * S);
    assert_int_equal(live_snapshot(b->live, NULL), 0);
    b->policy.care.class[LIVE_GPU].gate_ms++;
    restart(b, LIVE_MODE_KEEP);
    assert_int_equal(count(b, EV_EPOCH, NULL), 2);
    assert_int_equal(care_open_incidents(live_control(b->live)->care), 1);
    restart(b, LIVE_MODE_KEEP);
    assert_int_equal(count(b, EV_EPOCH, NULL), 2);
    live_destroy(b->live);
    b->live = NULL;
    b->policy.care.engine = b->policy.work.engine = false; /* mw serve --no-slurm */
    assert_int_equal(make_live(b, &err), MW_ECONFLICT);
    assert_non_null(strstr(err.text, "owns allocation"));
    bench_free(b);
}

static void another_sites_record_is_refused(void **state)
{
    (void)state;
    struct bench *b = bench_make(MODE_OBSERVE, false);
    struct fleet *other = NULL;
    struct mw_error err = { 0 };
    assert_int_equal(site_simple(NODES + 8, &other, &err), 0);
    live_destroy(b->live);
    b->live = NULL;
    b->options.fleet = other;
    assert_int_equal(make_live(b, &err), MW_ECONFLICT);
    assert_true(b->live == NULL && strstr(err.text, "another site") != NULL);
    fleet_destroy(other);
    bench_free(b);
}

static void a_snapshot_is_saved_every_ten_minutes_in_which_something_happened(void **state)
{
    (void)state;
    struct bench *b = bench_make(MODE_OBSERVE, false);
    const struct body_command hold = { .node = 3, .hall = MW_NONE, .slot = MW_NONE,
                                       .verb = CMD_HOLD };
    enum admit a;
    b->now_ns += 11 * MW_NS_PER_MIN;
    assert_int_equal(live_tick(b->live, b->now_ns, NULL), 0);
    assert_int_equal(live_stats(b->live).snapshots, 0);
    assert_int_equal(command(b, &hold, "fan", &a), 0);
    assert_int_equal(live_tick(b->live, b->now_ns, NULL), 0);
    assert_int_equal(live_stats(b->live).snapshots, 1);
    assert_int_equal(command(b, &hold, "fan", &a), 0);
    b->now_ns += S;
    assert_int_equal(live_tick(b->live, b->now_ns, NULL), 0);
    assert_int_equal(live_stats(b->live).snapshots, 1);
    bench_free(b);
}

static void the_end_of_a_process_is_followed_by_a_tick_at_once(void **state)
{
    (void)state;
    struct bench *b = bench_make(MODE_OBSERVE, true);
    assert_int_equal(live_tick(b->live, b->now_ns, NULL), 0);
    uint32_t started = b->started;
    assert_true(started > 0); /* Slurm is asked */
    end_processes(b);
    assert_true(live_next_due(b->live) <= b->now_ns);
    assert_int_equal(live_tick(b->live, b->now_ns, NULL), 0);
    b->now_ns += 2 * S;
    assert_int_equal(live_tick(b->live, b->now_ns, NULL), 0);
    assert_true(b->started > started);
    live_processes_gone(b->live); /* what runs is told of its end */
    assert_true(live_next_due(b->live) <= b->now_ns);
    bench_free(b);
}

static void a_process_that_ends_when_the_site_is_gone_hurts_nobody(void **state)
{
    (void)state;
    struct bench *b = bench_make(MODE_OBSERVE, true);
    assert_int_equal(live_tick(b->live, b->now_ns, NULL), 0);
    assert_true(b->started > 0);
    live_destroy(b->live);
    b->live = NULL;
    end_processes(b);
    bench_free(b);
}

static void bug_a_restart_in_observe_carries_no_old_order_out(void **state)
{
    (void)state;
    struct bench *b = bench_make(MODE_ACT, true);
    struct event ev;
    all_hello(b);
    beat_but(b, 7, 3 * S);
    assert_int_equal(b->acted_length, 1);
    restart(b, MODE_OBSERVE);
    end_processes(b); /* of the daemon that died */
    assert_int_equal(live_slurm_stats(b->live).pending, 1);
    assert_int_equal(guard_mode_of(live_control(b->live)->guard, 0), MODE_OBSERVE);
    b->now_ns += 100 * MW_NS_PER_MS;
    assert_int_equal(live_tick(b->live, b->now_ns, NULL), 0);
    assert_int_equal(live_slurm_stats(b->live).pending, 0);
    assert_int_equal(count(b, EV_ENGINE_ANSWERED, &ev), 1);
    assert_int_equal(ev.body.engine.result, RESULT_FAILED);
    live_destroy(b->live);
    b->live = NULL;
    end_processes(b);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_record_begins_with_the_site_and_a_mode_that_differs_is_commanded),
        cmocka_unit_test(a_silent_node_is_an_order_to_the_engine_in_act_and_advice_in_observe),
        cmocka_unit_test(what_was_heard_while_the_disk_was_full_is_recorded_once_it_is_not),
        cmocka_unit_test(a_restart_gives_the_same_state_and_hands_out_again_what_has_no_answer),
        cmocka_unit_test(a_persons_command_is_durable_when_it_is_answered),
        cmocka_unit_test(new_rules_begin_a_new_epoch_and_other_meanings_are_refused),
        cmocka_unit_test(another_sites_record_is_refused),
        cmocka_unit_test(a_snapshot_is_saved_every_ten_minutes_in_which_something_happened),
        cmocka_unit_test(the_end_of_a_process_is_followed_by_a_tick_at_once),
        cmocka_unit_test(a_process_that_ends_when_the_site_is_gone_hurts_nobody),
        cmocka_unit_test(bug_a_restart_in_observe_carries_no_old_order_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
