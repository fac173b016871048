/*
 * People in the world, without a controller: what they answer to advice, what
 * they do of their own accord, and that they undo it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "fleet/site.h"
#include "sim/world.h"

#define FACTS_MAX 4096u
#define NODES 16u

struct heard {
    struct world *world;
    struct fleet *fleet;
    struct marks marks;
    struct scenario scenario;
    struct world_doings doings;
    uint64_t seq;
    uint32_t facts;
    struct event fact[FACTS_MAX];
};

static struct heard heard;

static void hear(void *ctx, const struct event *fact, const char *text)
{
    struct heard *h = ctx;
    (void)text;
    assert_true(h->facts < FACTS_MAX);
    h->fact[h->facts++] = *fact;
}

/* A world of a hundred days in which nothing breaks; a person takes an hour to answer. */
static int set_up(void **state)
{
    struct mw_error err = {0};
    (void)state;
    memset(&heard, 0, sizeof(heard));
    scenario_defaults(&heard.scenario);
    heard.scenario.horizon_ns = 100 * MW_NS_PER_DAY;
    heard.scenario.approve_after_ns = MW_NS_PER_HOUR;
    heard.scenario.progress_every_ns = 0;
    heard.seq = 100;
    return site_simple(NODES, &heard.fleet, &err);
}

static int tear_down(void **state)
{
    (void)state;
    world_destroy(heard.world);
    fleet_destroy(heard.fleet);
    return 0;
}

static void begin(void)
{
    struct mw_error err = {0};
    int64_t end_ns = heard.scenario.start_ns + heard.scenario.horizon_ns;
    struct world_config c = {.scenario = &heard.scenario, .fleet = heard.fleet, .seed = 1,
                             .end_ns = end_ns, .quiet_from_ns = end_ns - 20 * MW_NS_PER_DAY,
                             .doings = heard.doings, .jobs_max = 64, .incidents_max = 64,
                             .emit = hear, .ctx = &heard, .marks = &heard.marks};
    assert_int_equal(world_create(&c, &heard.world, &err), 0);
}

static void run_until(int64_t ns)
{
    while (world_next_ns(heard.world) <= heard.scenario.start_ns + ns)
        world_step(heard.world);
    assert_null(world_trouble(heard.world));
}

static uint32_t count(uint8_t verb)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < heard.facts; i++)
        n += heard.fact[i].kind == EV_COMMAND && heard.fact[i].body.command.verb == verb;
    return n;
}

static uint64_t advise(int64_t ns)
{
    struct event ev = {.kind = EV_ADVICE, .seq = ++heard.seq};
    ev.body.advice = (struct body_advice){.node = 3, .slot = 7, .hall = 0,
                                          .kind = EV_DRAIN_ORDERED, .reason = GUARD_MODE};
    world_observe(heard.world, heard.scenario.start_ns + ns, &ev);
    return ev.seq;
}

static void advice_is_approved_after_the_delay(void **state)
{
    (void)state;
    begin();
    uint64_t seq = advise(0);
    run_until(MW_NS_PER_HOUR - 1);
    assert_int_equal(heard.facts, 0);
    run_until(MW_NS_PER_HOUR);
    assert_int_equal(heard.facts, 1);
    const struct body_command *c = &heard.fact[0].body.command;
    assert_int_equal(c->verb, CMD_APPROVE);
    assert_int_equal(c->ref, seq);
    assert_int_equal(c->node, 3);
    assert_int_equal(c->slot, 7);
    assert_int_not_equal(heard.fact[0].actor, 0);
}

static void some_advice_is_rejected(void **state)
{
    (void)state;
    heard.doings.reject_percent = 25;
    begin();
    for (uint32_t i = 0; i < 400; i++)
        (void)advise(0);
    run_until(MW_NS_PER_HOUR);
    assert_int_equal(count(CMD_REJECT) + count(CMD_APPROVE), 400);
    assert_in_range(count(CMD_REJECT), 60, 140);
}

static void where_the_mode_only_advises_nothing_is_approved(void **state)
{
    (void)state;
    heard.scenario.policy.guard.mode = MODE_ADVISE;
    begin();
    (void)advise(0);
    run_until(90 * MW_NS_PER_DAY);
    assert_int_equal(heard.facts, 0);
}

/* Advice that is read while the mode is low: answered again, and never after that. */
static void advice_is_approved_once_the_mode_is_act(void **state)
{
    (void)state;
    heard.scenario.policy.guard.mode = MODE_ADVISE;
    heard.doings.mode_every_ns = 10 * MW_NS_PER_DAY;
    begin();
    uint64_t seq = advise(0);
    run_until(90 * MW_NS_PER_DAY);
    uint32_t insisted = 0, approved = 0;
    uint8_t mode = MODE_ADVISE;
    for (uint32_t i = 0; i < heard.facts; i++) {
        const struct body_command *c = &heard.fact[i].body.command;
        if (c->verb == CMD_SET_MODE)
            mode = c->mode;
        insisted += c->verb == CMD_APPROVE && mode < MODE_APPROVE;
        approved += c->verb == CMD_APPROVE && mode >= MODE_APPROVE && c->ref == seq;
    }
    assert_int_equal(approved, 1);
    assert_true(insisted <= 1);
    assert_int_equal(heard.marks.count[MARK_APPROVED_AGAIN], 1);
}

static void modes_that_are_lowered_are_set_to_act(void **state)
{
    (void)state;
    heard.doings.mode_every_ns = 2 * MW_NS_PER_DAY;
    begin();
    run_until(100 * MW_NS_PER_DAY);
    assert_true(heard.facts >= 30 && heard.facts % 2 == 0);
    for (uint32_t i = 0; i < heard.facts; i++) {
        const struct body_command *c = &heard.fact[i].body.command;
        assert_int_equal(c->verb, CMD_SET_MODE);
        assert_true(i % 2 == 0 ? c->mode < MODE_ACT : c->mode == MODE_ACT);
        assert_int_equal(c->hall, heard.fact[i - i % 2].body.command.hall);
    }
}

static void nodes_that_are_held_or_drained_are_released(void **state)
{
    uint8_t held[NODES] = {0};
    (void)state;
    heard.doings.hold_every_ns = 3 * MW_NS_PER_DAY;
    heard.doings.drain_every_ns = 2 * MW_NS_PER_DAY;
    begin();
    run_until(100 * MW_NS_PER_DAY);
    assert_true(count(CMD_HOLD) >= 10 && count(CMD_DRAIN) >= 15);
    assert_int_equal(count(CMD_RELEASE), count(CMD_HOLD) + count(CMD_DRAIN));
    for (uint32_t i = 0; i < heard.facts; i++) {
        const struct body_command *c = &heard.fact[i].body.command;
        held[c->node] = c->verb != CMD_RELEASE;
    }
    for (uint32_t n = 0; n < NODES; n++)
        assert_int_equal(held[n], 0);
}

static struct scenario_draw fixed(int64_t ns)
{
    return (struct scenario_draw){LAW_FIXED, (double)ns, 0.0};
}

/* A job of one node and ten hours, each hour. */
static void hourly_jobs(uint32_t jobs)
{
    struct scenario *s = &heard.scenario;
    s->jobs = JOBS_SYNTHETIC;
    s->job_classes = 1;
    s->job_class[0] = (struct scenario_job_class){
        .share_of_gpu_time = 1.0, .gpus_n = 1, .gpus = {8}, .gpus_weight = {1.0},
        .work = fixed(10 * MW_NS_PER_HOUR), .count = jobs, .every_ns = MW_NS_PER_HOUR};
}

static void some_jobs_are_cancelled_after_they_are_submitted(void **state)
{
    uint8_t seen[256] = {0};
    uint32_t cancelled = 0;
    (void)state;
    hourly_jobs(200);
    heard.doings.cancel_percent = 50;
    begin();
    run_until(20 * MW_NS_PER_DAY);
    for (uint32_t i = 0; i < heard.facts; i++) {
        const struct event *ev = &heard.fact[i];
        if (ev->kind == EV_JOB_SUBMITTED) {
            seen[ev->body.job.job] = 1;
            continue;
        }
        assert_int_equal(ev->kind, EV_JOB_CANCELLED);
        assert_int_equal(seen[ev->body.command.ref], 1); /* submitted, and cancelled once */
        seen[ev->body.command.ref] = 2;
        cancelled++;
    }
    assert_in_range(cancelled, 70, 130);
}

static const struct event *stop_cancelled(uint64_t job)
{
    uint32_t node = (uint32_t)job, before = heard.facts;
    struct event ev = {.kind = EV_ATTEMPT_PLACED, .seq = ++heard.seq, .tail_size = sizeof(node)};
    ev.body.place = (struct body_place){.job = job, .slot = (uint32_t)job, .attempt = 1,
                                        .nodes = 1};
    int64_t now_ns = heard.scenario.start_ns + 30 * MW_NS_PER_DAY;
    world_act(heard.world, now_ns, &ev, &node);
    struct event stop = {.kind = EV_ATTEMPT_STOP, .seq = ++heard.seq};
    stop.body.stop = (struct body_stop){.job = job, .slot = (uint32_t)job, .attempt = 1,
                                        .node = MW_NONE, .how = DRAIN_NOW};
    world_act(heard.world, now_ns, &stop, NULL);
    assert_int_equal(heard.facts, before + 1);
    return &heard.fact[before];
}

static void a_cancelled_attempt_ends_at_once(void **state)
{
    (void)state;
    hourly_jobs(2);
    heard.doings.cancel_percent = 100;
    begin();
    run_until(29 * MW_NS_PER_DAY);
    assert_int_equal(heard.facts, 4);
    assert_int_equal(stop_cancelled(1)->body.progress.how, HOW_STOPPED);
    assert_int_equal(stop_cancelled(2)->body.progress.how, HOW_CANCELLED);
}

static void nobody_does_anything_unasked(void **state)
{
    (void)state;
    hourly_jobs(50);
    begin();
    run_until(99 * MW_NS_PER_DAY);
    assert_int_equal(heard.facts, 50); /* the jobs */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(advice_is_approved_after_the_delay),
        TEST(some_advice_is_rejected),
        TEST(where_the_mode_only_advises_nothing_is_approved),
        TEST(advice_is_approved_once_the_mode_is_act),
        TEST(modes_that_are_lowered_are_set_to_act),
        TEST(nodes_that_are_held_or_drained_are_released),
        TEST(some_jobs_are_cancelled_after_they_are_submitted),
        TEST(a_cancelled_attempt_ends_at_once),
        TEST(nobody_does_anything_unasked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
