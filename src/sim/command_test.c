/*
 * A person from outside in a simulated run: what he does is done, and nothing
 * that he does breaks the world, over made-up worlds with every fault of
 * messages and with crashes, all invariants checked after every group.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/units.h"
#include "sim/sweep.h"

#define ACTOR 1042u
#define SEEDS 24u
#define KEPT 64u /* of what waited for an answer */

struct crowd {
    uint64_t seed, draws;
    uint32_t every;                /* of so many moments one has a command */
    struct event asked[KEPT];      /* orders, gates, advice, commands: the last ones */
    uint64_t asks;
    uint64_t taken[ADMIT_COUNT];
    uint64_t orders, gates, answers, modes; /* that were taken */
    int failed;
    struct mw_error err;
};

static uint64_t draw(struct crowd *c, uint64_t below)
{
    return mw_random_below(mw_random_u64(c->seed, 1, 2, c->draws++), below);
}

static void remember(void *ctx, const struct run_view *v, const struct event *ev, const void *tail)
{
    struct crowd *c = ctx;
    (void)v;
    (void)tail;
    bool asks = ev->kind == EV_ORDER_OPENED || ev->kind == EV_GATE_STARTED ||
                ev->kind == EV_ADVICE || ev->kind == EV_GUARD_TRIPPED;
    bool window = ev->kind == EV_COMMAND && ev->body.command.verb == CMD_WINDOW;
    if (asks || window)
        c->asked[c->asks++ % KEPT] = *ev;
}

static const struct event *any_asked(struct crowd *c)
{
    return &c->asked[draw(c, MW_MIN(c->asks, KEPT))];
}

/* About what waits, or waited. */
static struct event answer(struct crowd *c)
{
    const struct event *a = any_asked(c);
    struct event ev = { .kind = EV_COMMAND, .cause = a->seq };
    if (a->kind == EV_ORDER_OPENED) {
        ev.kind = draw(c, 3) == 0 ? EV_ORDER_TAKEN : EV_ORDER_ENDED;
        ev.body.order = a->body.order;
        ev.body.order.result = ev.kind == EV_ORDER_ENDED ? RESULT_OK + (uint8_t)draw(c, 2) : 0;
        if (ev.kind == EV_ORDER_ENDED && draw(c, 4) == 0)
            ev.body.order.step = (uint8_t)draw(c, STEP_COUNT);
    } else if (a->kind == EV_GATE_STARTED) {
        ev.kind = EV_GATE_ENDED;
        ev.body.gate = a->body.gate;
        ev.body.gate.result = RESULT_OK + (uint8_t)draw(c, 2);
    } else if (a->kind == EV_COMMAND) {
        ev.body.command = (struct body_command){ .ref = a->seq, .verb = CMD_WINDOW,
                                                 .node = MW_NONE, .hall = MW_NONE,
                                                 .slot = MW_NONE };
    } else {
        ev.body.command = (struct body_command){ .ref = a->seq, .node = a->body.advice.node,
                                                 .hall = a->body.advice.hall,
                                                 .slot = a->body.advice.slot };
        ev.body.command.verb = a->kind == EV_ADVICE ? CMD_APPROVE + (uint8_t)draw(c, 2)
                                                    : CMD_RESET_GUARD;
    }
    return ev;
}

/* Of his own accord; now and then about a node that there is not. */
static struct event wish(struct crowd *c, const struct run_view *v)
{
    static const uint8_t VERBS[] = { CMD_HOLD, CMD_DRAIN, CMD_RELEASE, CMD_RELEASE, CMD_SET_MODE,
                                     CMD_SET_MODE, CMD_WINDOW, CMD_RESET_GUARD };
    uint32_t halls = v->fleet->count[COMPONENT_HALL];
    struct event ev = { .kind = EV_COMMAND };
    struct body_command *b = &ev.body.command;
    *b = (struct body_command){ .node = MW_NONE, .hall = MW_NONE, .slot = MW_NONE,
                                .verb = VERBS[draw(c, MW_ARRAY_LEN(VERBS))] };
    bool of_node = b->verb == CMD_HOLD || b->verb == CMD_DRAIN || b->verb == CMD_RELEASE;
    if (of_node || b->verb == CMD_WINDOW)
        b->node = (uint32_t)draw(c, v->fleet->count[COMPONENT_NODE] + 1u);
    else if (draw(c, 3) > 0)
        b->hall = (uint32_t)draw(c, halls);
    if (b->verb == CMD_SET_MODE)
        b->mode = draw(c, 2) ? MODE_ACT : (uint8_t)draw(c, MODE_ACT);
    if (b->verb == CMD_WINDOW) {
        b->count = 1 + (uint32_t)draw(c, 3);
        b->ref = (uint64_t)(mw_ms(v->now_ns) + (int64_t)draw(c, 48) * MW_MS_PER_HOUR);
        b->length_ms = (1 + (int64_t)draw(c, 24)) * MW_MS_PER_HOUR;
    }
    return ev;
}

static void count(struct crowd *c, const struct event *ev, enum admit a)
{
    c->taken[a]++;
    if (a != ADMIT_OK)
        return;
    c->orders += ev->kind == EV_ORDER_ENDED || ev->kind == EV_ORDER_TAKEN;
    c->gates += ev->kind == EV_GATE_ENDED;
    c->answers += ev->kind == EV_COMMAND && ev->body.command.verb <= CMD_REJECT;
    c->modes += ev->kind == EV_COMMAND && ev->body.command.verb == CMD_SET_MODE;
}

static struct event anything(struct crowd *c, const struct run_view *v)
{
    struct event ev = c->asks > 0 && draw(c, 3) > 0 ? answer(c) : wish(c, v);
    ev.source = SOURCE_PERSON;
    ev.actor = ACTOR;
    ev.observed_ns = v->now_ns;
    return ev;
}

/* One command, or several at once; told somewhere between the last thing and the next. */
static enum run_pace act(void *ctx, const struct run_view *v, int64_t next_ns)
{
    struct crowd *c = ctx;
    if (v->ended || draw(c, c->every) > 0)
        return RUN_GO;
    uint64_t room_ns = (uint64_t)(next_ns - v->now_ns) * 2; /* beyond it too */
    int64_t now_ns = v->now_ns + (int64_t)draw(c, room_ns + 1);
    if (draw(c, 4) > 0) {
        enum admit a;
        struct event ev = anything(c, v);
        c->failed = run_submit(v, now_ns, &ev, NULL, &a, &c->err);
        count(c, &ev, a);
        return RUN_AGAIN;
    }
    for (uint64_t i = 0; i < 3; i++) {
        struct event ev = anything(c, v);
        count(c, &ev, run_submit_more(v, now_ns, &ev, NULL));
    }
    c->failed = run_submit_end(v, &c->err);
    return RUN_AGAIN;
}

static struct run_result run(const struct sweep_world *w, struct crowd *c, run_pace_fn *pace)
{
    struct run_options o = { .scenario = &w->scenario, .fleet = w->fleet, .seed = c->seed,
                             .check = true, .doings = w->doings, .event = remember,
                             .pace = pace, .ctx = c };
    struct run_result r = { 0 };
    struct mw_error err = { 0 };
    if (w->small)
        o.events_max = SWEEP_SMALL_EVENTS_MAX;
    if (run_scenario(&o, &r, &err) != 0)
        fail_msg("seed %llu: %s", (unsigned long long)c->seed, err.text);
    assert_int_equal(c->failed, 0);
    return r;
}

static void nothing_that_a_person_does_breaks_the_world(void **state)
{
    struct crowd all = { 0 };
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct sweep_world w = { 0 };
        struct mw_error err = { 0 };
        struct crowd *c = calloc(1, sizeof(*c));
        assert_non_null(c);
        *c = (struct crowd){ .seed = seed, .every = 5 + (uint32_t)seed % 40 };
        assert_int_equal(sweep_world_make(seed, &w, &err), 0);
        (void)run(&w, c, act);
        for (uint32_t i = 0; i < ADMIT_COUNT; i++)
            all.taken[i] += c->taken[i];
        all.orders += c->orders;
        all.gates += c->gates;
        all.answers += c->answers;
        all.modes += c->modes;
        sweep_world_fini(&w);
        free(c);
    }
    /* he was taken seriously, and not always */
    assert_true(all.taken[ADMIT_OK] > 1000 && all.taken[ADMIT_STALE] > 100);
    assert_true(all.taken[ADMIT_IMPOSSIBLE] > 0 && all.taken[ADMIT_GAP] == 0);
    assert_true(all.orders > 100 && all.gates > 20 && all.answers > 20 && all.modes > 100);
}

static enum run_pace look_on(void *ctx, const struct run_view *v, int64_t next_ns)
{
    struct crowd *c = ctx;
    assert_true(v->ended ? next_ns == MW_NEVER : next_ns > v->now_ns && next_ns <= v->end_ns);
    return c->draws++ % 2 ? RUN_GO : RUN_AGAIN;
}

static void who_only_watches_changes_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct sweep_world w = { 0 };
        struct mw_error err = { 0 };
        struct crowd *c = calloc(1, sizeof(*c));
        assert_non_null(c);
        c->seed = seed;
        assert_int_equal(sweep_world_make(seed, &w, &err), 0);
        struct run_result alone = run(&w, c, NULL), watched = run(&w, c, look_on);
        assert_true(c->draws > 100);
        assert_true(mw_hash128_equal(alone.state_hash, watched.state_hash));
        assert_true(mw_hash128_equal(alone.trace_hash, watched.trace_hash));
        sweep_world_fini(&w);
        free(c);
    }
}

int main(void)
{
#define T(name) cmocka_unit_test(name)
    static const struct CMUnitTest tests[] = {
        T(nothing_that_a_person_does_breaks_the_world),
        T(who_only_watches_changes_nothing),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
