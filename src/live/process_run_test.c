/* Real programs: what they write, how they end, and what is done with those that do not. */
#include "live/process_run.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "base/mem.h"
#include "base/units.h"

struct heard {
    uint32_t times;
    int exit_code;
    bool timed_out, cut;
    char out[256], err[256];
    size_t out_size, err_size;
    char *order; /* letters of those that ended, in order */
    char letter;
};

struct rig {
    struct event_base *base;
    struct process_run *run;
};

static int setup(void **state)
{
    static struct rig r;
    r.base = event_base_new();
    assert_non_null(r.base);
    assert_int_equal(process_run_create(r.base, 2, &r.run, NULL), 0);
    *state = &r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;
    process_run_destroy(r->run);
    event_base_free(r->base);
    return 0;
}

static void hear(void *ctx, const struct process_result *r)
{
    struct heard *h = ctx;
    h->times++;
    h->exit_code = r->exit_code;
    h->timed_out = r->timed_out;
    h->cut = r->cut;
    h->out_size = r->out_size;
    h->err_size = r->err_size;
    assert_int_equal(strlen(r->out), r->out_size);
    strncpy(h->out, r->out, sizeof(h->out) - 1);
    strncpy(h->err, r->err, sizeof(h->err) - 1);
    if (h->order)
        h->order[strlen(h->order)] = h->letter;
}

static int start(struct rig *r, const char *script, const char *input, int64_t deadline_ns,
                 struct heard *h)
{
    const char *const argv[] = { "sh", "-c", script, NULL };
    const char *const env[] = { "MW_TEST=yes", NULL };
    const struct process_request q = { .argv = argv, .env = env, .input = input,
                                       .input_size = input ? strlen(input) : 0,
                                       .deadline_ns = deadline_ns };
    struct process_port port = process_run_port(r->run);
    return port.start(port.self, &q, hear, h, NULL);
}

static void run_to_end(struct rig *r)
{
    while (process_run_running(r->run) + process_run_waiting(r->run) > 0)
        assert_int_equal(event_base_loop(r->base, EVLOOP_ONCE), 0);
}

static void what_a_program_writes_and_how_it_ends_is_told(void **state)
{
    struct heard h = { 0 };
    assert_int_equal(start(*state, "echo out $MW_TEST; echo err >&2; exit 7", NULL, MW_NS_PER_MIN,
                           &h), 0);
    assert_int_equal(h.times, 0); /* never from within start() */
    run_to_end(*state);
    assert_int_equal(h.times, 1);
    assert_int_equal(h.exit_code, 7);
    assert_string_equal(h.out, "out yes\n");
    assert_string_equal(h.err, "err\n");
    assert_false(h.timed_out || h.cut);
}

static void a_program_is_given_its_input(void **state)
{
    size_t size = 1 << 20;
    char *input = mw_calloc(size + 1, 1);
    struct heard h = { 0 };
    memset(input, 'x', size);
    assert_int_equal(start(*state, "wc -c", input, MW_NS_PER_MIN, &h), 0);
    mw_free(input); /* it was copied */
    run_to_end(*state);
    assert_string_equal(h.out, "1048576\n");
    assert_int_equal(start(*state, "exec <&-; true", "unread", MW_NS_PER_MIN, &h), 0);
    run_to_end(*state); /* nobody reads it: no signal ends us */
    assert_int_equal(h.exit_code, 0);
    assert_int_equal(start(*state, "cat", NULL, MW_NS_PER_MIN, &h), 0);
    run_to_end(*state);
    assert_int_equal(h.out_size, 0);
}

static void a_program_that_does_not_end_is_killed_with_its_children(void **state)
{
    struct heard h = { 0 };
    assert_int_equal(start(*state, "sleep 1000 & echo $!; wait", NULL, 300 * MW_NS_PER_MS, &h), 0);
    run_to_end(*state);
    assert_true(h.timed_out);
    assert_int_equal(h.exit_code, -1);
    char path[300];
    h.out[strcspn(h.out, "\n")] = '\0';
    (void)snprintf(path, sizeof(path), "/proc/%s/exe", h.out);
    for (int i = 0; i < 100 && access(path, R_OK) == 0; i++)
        (void)usleep(20000);
    assert_int_not_equal(access(path, R_OK), 0); /* a zombie has no exe */
}

static void a_program_that_writes_too_much_is_killed(void **state)
{
    struct heard h = { 0 };
    assert_int_equal(start(*state, "exec yes", NULL, 5 * MW_NS_PER_MIN, &h), 0);
    run_to_end(*state);
    assert_true(h.cut);
    assert_int_equal(h.exit_code, -1);
    assert_true(h.out_size <= PROCESS_OUTPUT_MAX);
}

static void a_daemon_that_keeps_the_pipe_open_is_not_waited_for(void **state)
{
    struct heard h = { 0 };
    assert_int_equal(start(*state, "setsid sh -c 'sleep 3' & echo done", NULL, MW_NS_PER_MIN, &h),
                     0);
    run_to_end(*state);
    assert_false(h.timed_out);
    assert_string_equal(h.out, "done\n");
}

static void more_than_may_run_at_once_wait_in_order(void **state)
{
    struct rig *r = *state;
    struct heard h[6] = { 0 };
    char order[8] = "";
    for (uint32_t i = 0; i < MW_ARRAY_LEN(h); i++) {
        h[i].order = order;
        h[i].letter = (char)('a' + i);
        /* the first two are there all the time that the others need */
        assert_int_equal(start(r, i == 0 ? "sleep 1" : "true", NULL, MW_NS_PER_MIN, &h[i]), 0);
        assert_true(process_run_running(r->run) <= 2);
    }
    assert_int_equal(process_run_waiting(r->run), 4);
    run_to_end(r);
    assert_string_equal(order, "bcdefa");
}

static void a_program_that_is_not_there_is_said(void **state)
{
    struct rig *r = *state;
    const char *const argv[] = { "mw-no-such-program", NULL };
    const struct process_request q = { .argv = argv, .deadline_ns = MW_NS_PER_S };
    struct process_port port = process_run_port(r->run);
    struct mw_error err = { 0 };
    struct heard h[3] = { 0 };
    assert_int_equal(port.start(port.self, &q, hear, &h[2], &err), MW_ENOTFOUND);
    assert_non_null(strstr(err.text, "mw-no-such-program"));
    assert_int_equal(start(r, "true", NULL, MW_NS_PER_MIN, &h[0]), 0);
    assert_int_equal(start(r, "true", NULL, MW_NS_PER_MIN, &h[1]), 0);
    assert_int_equal(port.start(port.self, &q, hear, &h[2], &err), 0); /* it waits for its turn */
    run_to_end(r);
    assert_int_equal(h[2].times, 1);
    assert_int_equal(h[2].exit_code, -1);
    assert_non_null(strstr(h[2].err, "mw-no-such-program"));
}

static void destroying_it_reports_what_had_not_ended(void **state)
{
    struct rig r = { .base = event_base_new() };
    struct heard h[3] = { 0 };
    (void)state;
    assert_int_equal(process_run_create(r.base, 2, &r.run, NULL), 0);
    for (uint32_t i = 0; i < MW_ARRAY_LEN(h); i++)
        assert_int_equal(start(&r, "sleep 1000", NULL, MW_NS_PER_HOUR, &h[i]), 0);
    process_run_destroy(r.run);
    event_base_free(r.base);
    for (uint32_t i = 0; i < MW_ARRAY_LEN(h); i++) {
        assert_int_equal(h[i].times, 1);
        assert_int_equal(h[i].exit_code, -1);
    }
}

int main(void)
{
#define RUN_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        RUN_TEST(what_a_program_writes_and_how_it_ends_is_told),
        RUN_TEST(a_program_is_given_its_input),
        RUN_TEST(a_program_that_does_not_end_is_killed_with_its_children),
        RUN_TEST(a_program_that_writes_too_much_is_killed),
        RUN_TEST(a_daemon_that_keeps_the_pipe_open_is_not_waited_for),
        RUN_TEST(more_than_may_run_at_once_wait_in_order),
        RUN_TEST(a_program_that_is_not_there_is_said),
        RUN_TEST(destroying_it_reports_what_had_not_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
