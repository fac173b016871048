/*
 * Another engine without sense beside a world without sense: gangs anywhere,
 * answers to any order, reports, adoptions, persons' wishes and modes.  Whatever
 * came, nothing contradicts itself, recovery gives the same state, and every
 * epoch is decided again alike.
 */
#include "control/rederive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/units.h"
#include "control/rig.h"

#define SEEDS 30
#define STEPS 250
#define NODES 24

struct dice {
    uint64_t seed, thrown;
};

static uint32_t roll(struct dice *d, uint32_t n)
{
    return (uint32_t)mw_random_below(mw_random_u64(d->seed, 5, 99, d->thrown++), n);
}

static void give_nodes(struct rig *r, struct dice *d)
{
    const struct board *b = r->control->board;
    uint32_t node[64], slot = b->jobs_used ? roll(d, b->jobs_used) : 0;
    if (!b->jobs_used || b->job_nodes[slot] == 0 || b->job_nodes[slot] > MW_ARRAY_LEN(node))
        return;
    uint32_t n = b->job_nodes[slot], first = roll(d, NODES);
    for (uint32_t i = 0; i < n; i++)
        node[i] = first + i;
    struct event ev = { .kind = EV_ATTEMPT_ALLOCATED, .source = SOURCE_ENGINE,
                        .tail_size = n * (uint32_t)sizeof(node[0]) };
    ev.body.place = (struct body_place){ .job = b->job_id[slot], .slot = slot,
                                         .attempt = b->job_attempt[slot] + 1 + roll(d, 2),
                                         .nodes = n, .gpus = 8 * n };
    (void)rig_submit(r, &ev, node);
}

/* Some recent order, whether it waits or not. */
static void answer(struct rig *r, struct dice *d)
{
    uint32_t skip = roll(d, 6);
    for (uint32_t i = r->log_length; i-- > 0;) {
        const struct event *order = &r->log[i].ev;
        if (order->kind != EV_ENGINE_ORDER || skip-- > 0)
            continue;
        struct event ev = { .kind = EV_ENGINE_ANSWERED, .source = SOURCE_ENGINE,
                            .cause = order->seq };
        ev.body.engine = order->body.engine;
        ev.body.engine.order = order->seq;
        ev.body.engine.result = (uint8_t)(RESULT_OK + roll(d, 3));
        (void)rig_submit(r, &ev, NULL);
        return;
    }
}

static void report(struct rig *r, struct dice *d)
{
    struct event ev = { .kind = EV_NODE_REPORTED, .source = SOURCE_ENGINE };
    uint8_t service = (uint8_t)roll(d, 3);
    uint8_t owner = service == SERVICE_IN ? OWNER_NOBODY : (uint8_t)(OWNER_OURS + roll(d, 3));
    ev.body.report = (struct body_report){ .node = roll(d, NODES), .service = service,
                                           .owner = owner };
    (void)rig_submit(r, &ev, NULL);
}

static void adopt(struct rig *r, struct dice *d)
{
    struct event ev = { .kind = EV_NODES_ADOPTED, .source = SOURCE_ENGINE, .actor = 7 };
    ev.body.adopt = (struct body_adopt){ .first = roll(d, NODES), .count = 1,
                                         .health = HEALTH_READY };
    if (roll(d, 3) == 0)
        (void)rig_submit(r, &ev, NULL);
}

static void person(struct rig *r, struct dice *d)
{
    const struct board *b = r->control->board;
    struct event ev = { .kind = EV_COMMAND, .source = SOURCE_PERSON, .actor = 9 };
    struct body_command *c = &ev.body.command;
    *c = (struct body_command){ .verb = CMD_ENGINE, .engine = (uint8_t)(1 + roll(d, ENGINE_VERBS)),
                                .node = roll(d, NODES + 1), .count = roll(d, 4),
                                .length_ms = roll(d, 2) * 1000, .hall = MW_NONE, .slot = MW_NONE,
                                .ref = b->jobs_used ? b->job_id[roll(d, b->jobs_used)] : 0 };
    if (roll(d, 4) == 0)
        *c = (struct body_command){ .verb = CMD_SET_MODE, .mode = (uint8_t)roll(d, 4),
                                    .hall = MW_NONE, .slot = MW_NONE, .node = MW_NONE };
    (void)rig_submit(r, &ev, NULL);
}

static void engine_step(struct rig *r, struct dice *d)
{
    static void (*const DOES[])(struct rig *, struct dice *) = { give_nodes, give_nodes, answer,
                                                                 answer, answer, report, adopt,
                                                                 person };
    DOES[roll(d, MW_ARRAY_LEN(DOES))](r, d);
}

static struct rig *play(uint64_t seed)
{
    struct control_policy p = rig_policy();
    struct dice d = { .seed = seed };
    p.care.engine = p.work.engine = true;
    p.guard.mode = (uint8_t)(seed % (MODE_ACT + 1));
    p.care.class[RIG_SLOWS].heals = seed % 2;
    struct rig *r = rig_make(NODES, &p);
    for (uint64_t n = 0; n < STEPS; n++) {
        rig_chaos(r, seed, n);
        engine_step(r, &d);
        engine_step(r, &d);
    }
    return r;
}

static void decided_again_alike(struct journal *j, uint64_t seed)
{
    struct rederive_report report;
    struct mw_error err = { 0 };
    if (control_rederive(j, NULL, &report, NULL, &err) < 0)
        fail_msg("seed %u: %s", (unsigned)seed, err.text);
    if (report.differences)
        fail_msg("seed %u, event %llu: %s", (unsigned)seed, (unsigned long long)report.first_seq,
                 report.first);
}

static void nothing_contradicts_itself_and_recovery_gives_the_same_state(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct rig *r = play(seed);
        assert_int_equal(rig_count(r, EV_CONTRADICTION), 0);
        assert_true(rig_count(r, EV_ENGINE_ORDER) > 0);
        struct rig *again = rig_make_on(r->fleet, &r->policy,
                                        rig_copy(r, core_seq(r->control->core)), false);
        assert_true(mw_hash128_equal(rig_hash(again), rig_hash(r)));
        decided_again_alike(again->journal, seed);
        rig_free(again);
        rig_free(r);
    }
}

/* Rules that differ in whatever rules may differ in. */
static struct control_policy other_rules(const struct rig *r)
{
    struct control_policy p = r->policy;
    p.care.settle_ms *= 2;
    p.care.class[RIG_SLOWS].heals = !p.care.class[RIG_SLOWS].heals;
    p.care.class[RIG_KILLS].gate_ms = 0;
    p.guard.hall_permille_x10 = 2000;
    p.guard.fleet_permille_x10 = 10;
    return p;
}

static void bug_what_was_due_when_the_rules_changed_was_decided_in_the_old_epoch(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct rig *r = play(seed);
        struct control_policy p = other_rules(r);
        struct journal *j = rig_copy(r, core_seq(r->control->core));
        struct control *c = NULL;
        struct mw_error err = { 0 };
        const struct control_options o = { .fleet = r->fleet, .policy = &p, .journal = j,
                                           .board = { .jobs_max = 256, .incidents_max = 256 } };
        assert_int_equal(control_create(&o, &c, &err), 0);
        assert_int_equal(control_change_rules(c, r->now_ns + RIG_HOUR, &err), 0);
        for (int64_t n = 1; n <= 20; n++)
            assert_int_equal(core_advance(c->core, r->now_ns + (n + 6) * 10 * RIG_MINUTE, &err), 0);
        assert_int_equal(core_commit(c->core, &err), 0);
        decided_again_alike(j, seed);
        control_destroy(c);
        journal_destroy(j);
        rig_free(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_contradicts_itself_and_recovery_gives_the_same_state),
        cmocka_unit_test(bug_what_was_due_when_the_rules_changed_was_decided_in_the_old_epoch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
