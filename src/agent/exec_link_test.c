/*
 * The collector's link to a real executor.  What would break for the user: an
 * action that is answered twice or never, one said not to have been begun that
 * was, or a check that nobody runs because an executor is there in name only.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/exec_link.h"
#include "agent/exec_testing.h"
#include "core/event.h"

#define PCI "0000:3b:00.0"
#define SAID_MAX 16

struct bench {
    struct exec_bench b;
    struct exec_link link;
    struct agent_frame said[SAID_MAX]; /* events */
    char socket[160];
    uint32_t events, levels;
    struct agent_frame level;          /* the last */
};

static void on_event(void *ctx, const struct agent_frame *f)
{
    struct bench *b = ctx;
    assert_true(b->events < SAID_MAX);
    b->said[b->events++] = *f;
}

static void on_level(void *ctx, const struct agent_frame *f)
{
    struct bench *b = ctx;
    b->levels++;
    b->level = *f;
}

static int set_up(void **state)
{
    static struct bench b;
    const struct exec_link_port port = { .ctx = &b, .event = on_event, .level = on_level };
    memset(&b, 0, sizeof(b));
    exec_bench_open(&b.b);
    exec_policy(&b.b, "mode = act\nreset-gpu.allow = yes\nreset-gpu.rate = 20/1h\n"
                      "reset-gpu.command = @/reset {pci}\n"
                      "check.allow = yes\ncheck.rate = 20/1h\ncheck.command = @/check {class}\n");
    exec_script(&b.b, "reset", "echo \"$@\" >>$D/resets; touch $D/began; "
                               "test -e $D/slow && sleep 5; exit 0");
    exec_script(&b.b, "check", "exit 0");
    (void)snprintf(b.socket, sizeof(b.socket), "%s", exec_path(&b.b, "sock"));
    exec_link_init(&b.link, b.socket, &port);
    *state = &b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    exec_link_fini(&b->link);
    exec_bench_close(&b->b);
    return 0;
}

/* Lets the link work until there are so many events, or the executor has greeted. */
static void turn(struct bench *b, uint32_t events, bool up)
{
    for (uint32_t i = 0; i < EXEC_WAIT_MS && (b->events < events || (up && !b->link.up)); i++) {
        exec_link_tick(&b->link);
        if (b->link.fd >= 0)
            exec_link_ready(&b->link);
        (void)usleep(1000);
    }
    assert_int_equal(b->events, events);
    assert_true(!up || b->link.up);
}

static struct agent_frame act(uint64_t id, int64_t lease_ms)
{
    struct agent_frame f = exec_act(id, "reset-gpu", 0, PCI);
    f.lease_ms = lease_ms;
    return f;
}

static const struct agent_frame CHECK = { .verb = AGENT_CHECK, .n = 3, .gpu = -1, .name = "gpu",
                                          .deadline_ms = 60000 };

static void an_action_goes_through_and_comes_back_as_one_event(void **state)
{
    struct bench *b = *state;
    struct agent_frame f = act(1, 60000);
    exec_start(&b->b);
    assert_true(exec_link_take(&b->link, &f)); /* before it is connected */
    turn(b, 1, true);
    assert_int_equal(b->said[0].verb, AGENT_ACTED);
    assert_int_equal(b->said[0].n, 1);
    assert_int_equal(b->said[0].result, RESULT_OK);
    assert_string_equal(b->level.text, "mode=act checks=yes");
    assert_true(exec_link_take(&b->link, &f)); /* asked again: said again, not done again */
    turn(b, 2, true);
    assert_int_equal(b->said[1].result, RESULT_OK);
    assert_int_equal(exec_lines(&b->b, "resets"), 1);
}

static void without_an_executor_an_action_fails_when_its_lease_is_over(void **state)
{
    struct bench *b = *state;
    struct agent_frame f = act(1, 300);
    assert_true(exec_link_take(&b->link, &f));
    exec_link_tick(&b->link);
    assert_int_equal(b->events, 0); /* one may come within the lease */
    turn(b, 1, false);
    assert_int_equal(b->said[0].result, RESULT_FAILED);
    assert_int_equal(b->level.state, AGENT_SOURCE_ABSENT);
    exec_start(&b->b);
    turn(b, 1, true); /* it is not handed over any more */
    assert_int_equal(exec_lines(&b->b, "resets"), 0);
}

static void an_agent_that_has_no_executor_says_so_at_once(void **state)
{
    struct bench *b = *state;
    struct agent_frame f = act(1, 60000);
    b->link.path = NULL;
    assert_true(exec_link_take(&b->link, &f));
    assert_int_equal(b->events, 1);
    assert_int_equal(b->said[0].result, RESULT_FAILED);
    assert_false(exec_link_take(&b->link, &CHECK)); /* the agent's own */
}

static void an_executor_killed_on_the_way_answers_when_it_is_back(void **state)
{
    struct bench *b = *state;
    struct agent_frame f = act(1, 500);
    exec_write(&b->b, "slow", "", 0600);
    exec_start(&b->b);
    turn(b, 0, true);
    assert_true(exec_link_take(&b->link, &f));
    exec_until_file(&b->b, "began");
    exec_kill(&b->b, SIGKILL);
    exec_link_ready(&b->link);
    assert_int_equal(b->level.state, AGENT_SOURCE_SILENT);
    (void)usleep(700000); /* past its lease: it was begun, so that is no failure */
    exec_link_tick(&b->link);
    assert_int_equal(b->events, 0);
    exec_start(&b->b);
    turn(b, 1, true);
    assert_int_equal(b->said[0].result, RESULT_UNKNOWN); /* its policy has no way to read back */
    assert_int_equal(exec_lines(&b->b, "resets"), 1);
}

static void checks_go_to_an_executor_that_runs_them(void **state)
{
    struct bench *b = *state;
    assert_false(exec_link_take(&b->link, &CHECK)); /* it has not greeted */
    exec_start(&b->b);
    turn(b, 0, true);
    assert_true(exec_link_take(&b->link, &CHECK));
    turn(b, 1, true);
    assert_int_equal(b->said[0].verb, AGENT_CHECKED);
    assert_int_equal(b->said[0].result, RESULT_OK);
    assert_string_equal(b->said[0].name, "gpu");
}

static void its_mode_is_said_again_after_each_welcome(void **state)
{
    struct bench *b = *state;
    exec_start(&b->b);
    turn(b, 0, true);
    uint32_t levels = b->levels;
    exec_link_again(&b->link);
    assert_int_equal(b->levels, levels + 1);
    assert_string_equal(b->level.name, "executor");
    assert_int_equal(b->level.state, AGENT_SOURCE_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_action_goes_through_and_comes_back_as_one_event),
        TEST(without_an_executor_an_action_fails_when_its_lease_is_over),
        TEST(an_agent_that_has_no_executor_says_so_at_once),
        TEST(an_executor_killed_on_the_way_answers_when_it_is_back),
        TEST(checks_go_to_an_executor_that_runs_them),
        TEST(its_mode_is_said_again_after_each_welcome),
    };
    return cmocka_run_group_tests_name("agent/exec_link", tests, NULL, NULL);
}
