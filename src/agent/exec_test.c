/*
 * The executor as a process.  What would break for the user: a node that is
 * rebooted twice because a program crashed in between, one that is rebooted by
 * somebody who may not, or an action said to be done that nobody has read back.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/exec_testing.h"
#include "core/event.h"

#define PCI "0000:3b:00.0"

/* Everything is allowed, often, and done by scripts of the bench. */
#define ALL                                                                                       \
    "mode = act\n"                                                                                \
    "reset-gpu.allow = yes\nreset-gpu.rate = 20/1h\nreset-gpu.command = @/reset {gpu} {pci}\n"    \
    "reset-gpu.verify = @/gpu {pci}\nreset-gpu.verify_within = 1s\n"                              \
    "restart-service.allow = yes\nrestart-service.rate = 20/1h\n"                                 \
    "restart-service.command = @/restart {unit}\nrestart-service.verify = @/unit {unit}\n"        \
    "restart-service.verify_within = 1s\nrestart-service.units = slurmd.service other.service\n"  \
    "reboot.allow = yes\nreboot.rate = 20/1h\nreboot.command = @/reboot\n"                        \
    "reboot.verify_within = 1s\n"                                                                 \
    "check.allow = yes\ncheck.rate = 20/1h\ncheck.command = @/check {class} {level}\n"

static int set_up(void **state)
{
    static struct exec_bench b;
    exec_bench_open(&b);
    exec_policy(&b, ALL);
    exec_script(&b, "reset", "echo \"$@\" >>$D/resets");
    exec_script(&b, "gpu", "test -e $D/gpu-is-lost && exit 1; echo GPU-$1");
    exec_script(&b, "restart", "echo \"$@\" >>$D/restarts; echo new >$D/invocation");
    exec_script(&b, "unit", "echo InvocationID=$(cat $D/invocation); echo ActiveState=active");
    exec_script(&b, "reboot", "echo >>$D/reboots");
    exec_script(&b, "check", "echo \"$@ $MW_CHECK_CLASS\"; exit $(cat $D/exit)");
    exec_write(&b, "invocation", "old\n", 0600);
    exec_write(&b, "exit", "0\n", 0600);
    *state = &b;
    return 0;
}

static int tear_down(void **state)
{
    exec_bench_close(*state);
    return 0;
}

static void begin(struct exec_bench *b)
{
    struct agent_frame greeting;
    exec_start(b);
    exec_connect(b, &greeting);
}

static struct agent_frame reset(struct exec_bench *b, uint64_t id, int32_t gpu)
{
    struct agent_frame f = exec_act(id, "reset-gpu", gpu, PCI);
    return exec_ask(b, &f);
}

/* ---- shadow, policy ------------------------------------------------------------------------ */

static void shadow_says_what_would_be_run_and_runs_nothing(void **state)
{
    struct exec_bench *b = *state;
    struct agent_frame greeting;
    exec_policy(b, "reset-gpu.allow = yes\nreset-gpu.rate = 2/1h\n"
                   "reset-gpu.command = @/reset {gpu} {pci}\n");
    exec_start(b);
    exec_connect(b, &greeting);
    assert_string_equal(greeting.name, "executor");
    assert_string_equal(greeting.text, "mode=shadow checks=no");
    struct agent_frame a = reset(b, 7, 3);
    assert_int_equal(a.result, RESULT_UNKNOWN);
    assert_non_null(strstr(a.text, "shadow: would have run "));
    assert_non_null(strstr(a.text, "/reset 3 " PCI));
    assert_int_equal(exec_lines(b, "resets"), 0);
}

static void what_the_policy_does_not_allow_is_refused(void **state)
{
    struct exec_bench *b = *state;
    static const struct {
        const char *step, *name;
        int32_t gpu;
    } asked[] = { { "reboot", "", -1 },         { "reset-gpu", PCI, 2 }, /* of two GPUs */
                  { "reset-gpu", PCI, -1 },     { "reset-gpu", "", 1 },  /* no address */
                  { "reset-gpu", "--help", 1 }, { "restart-service", "sshd", -1 },
                  { "restart-service", "", -1 }, { "power-cycle", "n1", -1 },
                  { "check", "gpu", -1 },       { "retire", "", -1 } };
    exec_policy(b, "mode = act\ngpus = 2\n"
                   "reset-gpu.allow = yes\nreset-gpu.rate = 20/1h\n"
                   "reset-gpu.command = @/reset {pci}\n"
                   "restart-service.allow = yes\nrestart-service.rate = 20/1h\n"
                   "restart-service.units = slurmd.service\n"
                   "restart-service.command = @/restart {unit}\n"
                   "reboot.command = @/reboot\nreboot.rate = 1/1h\n");
    begin(b);
    for (uint32_t i = 0; i < MW_ARRAY_LEN(asked); i++) {
        struct agent_frame f = exec_act(i + 1, asked[i].step, asked[i].gpu, asked[i].name);
        struct agent_frame a = exec_ask(b, &f);
        assert_int_equal(a.result, RESULT_FAILED);
    }
    assert_int_equal(exec_lines(b, "resets"), 0);
    assert_int_equal(exec_lines(b, "restarts"), 0);
    assert_int_equal(exec_lines(b, "reboots"), 0);
}

static void a_policy_that_others_can_write_is_not_believed(void **state)
{
    struct exec_bench *b = *state;
    assert_int_equal(chmod(exec_path(b, "exec.conf"), 0666), 0);
    assert_int_equal(exec_start_fails(b), 1);
}

static void more_often_than_the_rate_is_refused_also_after_a_restart(void **state)
{
    struct exec_bench *b = *state;
    exec_policy(b, "mode = act\nreset-gpu.allow = yes\nreset-gpu.rate = 2/1h\n"
                   "reset-gpu.command = @/reset {gpu} {pci}\n");
    begin(b);
    assert_int_equal(reset(b, 1, 0).result, RESULT_OK);
    exec_kill(b, SIGTERM);
    begin(b);
    assert_int_equal(reset(b, 2, 1).result, RESULT_OK);
    exec_kill(b, SIGKILL);
    begin(b);
    struct agent_frame a = reset(b, 3, 2);
    assert_int_equal(a.result, RESULT_FAILED);
    assert_non_null(strstr(a.text, "no more often"));
    assert_int_equal(exec_lines(b, "resets"), 2);
}

/* ---- once ---------------------------------------------------------------------------------- */

static void an_action_is_done_once_and_its_answer_is_said_again(void **state)
{
    struct exec_bench *b = *state;
    begin(b);
    struct agent_frame first = reset(b, 9, 3), again = reset(b, 9, 3);
    assert_int_equal(first.result, RESULT_OK);
    assert_string_equal(first.text, "read back: exit 0: GPU-" PCI);
    assert_int_equal(again.result, RESULT_OK);
    assert_string_equal(again.text, first.text);
    exec_kill(b, SIGKILL);
    begin(b);
    assert_int_equal(reset(b, 9, 3).result, RESULT_OK);
    assert_int_equal(exec_lines(b, "resets"), 1);
}

static void an_older_id_of_the_same_target_is_refused(void **state)
{
    struct exec_bench *b = *state;
    begin(b);
    assert_int_equal(reset(b, 9, 3).result, RESULT_OK);
    struct agent_frame older = reset(b, 8, 3);
    assert_int_equal(older.result, RESULT_FAILED);
    assert_non_null(strstr(older.text, "a later one was asked for"));
    assert_int_equal(reset(b, 7, 2).result, RESULT_OK); /* another GPU */
    exec_kill(b, SIGKILL);
    begin(b);
    assert_int_equal(reset(b, 6, 3).result, RESULT_FAILED);
    assert_int_equal(exec_lines(b, "resets"), 2);
}

static void what_is_past_its_lease_is_not_begun(void **state)
{
    struct exec_bench *b = *state;
    exec_script(b, "reset", "echo \"$@\" >>$D/resets; sleep 0.6");
    begin(b);
    struct agent_frame over = exec_act(1, "reset-gpu", 0, PCI), a;
    struct agent_frame first = exec_act(2, "reset-gpu", 0, PCI);
    struct agent_frame second = exec_act(3, "reset-gpu", 1, PCI);
    over.lease_ms = 0;
    assert_int_equal(exec_ask(b, &over).result, RESULT_FAILED);
    second.lease_ms = 200; /* and waits for the first longer than that */
    exec_send(b, &first);
    exec_send(b, &second);
    exec_hear(b, &a);
    assert_int_equal(a.n, 2);
    assert_int_equal(a.result, RESULT_OK);
    exec_hear(b, &a);
    assert_int_equal(a.n, 3);
    assert_int_equal(a.result, RESULT_FAILED);
    assert_non_null(strstr(a.text, "its lease is over"));
    assert_int_equal(exec_lines(b, "resets"), 1);
}

/* ---- kill -9 between begin and result ------------------------------------------------------ */

static void killed_while_it_acts_it_reads_back_and_never_repeats(void **state)
{
    struct exec_bench *b = *state;
    struct agent_frame a;
    exec_script(b, "reset", "echo \"$@\" >>$D/resets; touch $D/began; sleep 5");
    begin(b);
    struct agent_frame f = exec_act(5, "reset-gpu", 3, PCI);
    exec_send(b, &f);
    exec_until_file(b, "began");
    exec_kill(b, SIGKILL);
    begin(b);
    a = exec_ask(b, &f);
    assert_int_equal(a.result, RESULT_OK);
    assert_string_equal(a.text, "read back: exit 0: GPU-" PCI);
    assert_int_equal(exec_lines(b, "resets"), 1);
}

static void killed_while_it_acts_and_the_gpu_does_not_answer_it_has_failed(void **state)
{
    struct exec_bench *b = *state;
    exec_script(b, "reset", "echo \"$@\" >>$D/resets; touch $D/began $D/gpu-is-lost; sleep 5");
    begin(b);
    struct agent_frame f = exec_act(5, "reset-gpu", 3, PCI);
    exec_send(b, &f);
    exec_until_file(b, "began");
    exec_kill(b, SIGKILL);
    begin(b);
    assert_int_equal(exec_ask(b, &f).result, RESULT_FAILED);
    assert_int_equal(exec_lines(b, "resets"), 1);
}

static void killed_after_a_service_was_restarted_its_invocation_tells(void **state)
{
    struct exec_bench *b = *state;
    exec_script(b, "restart", "echo \"$@\" >>$D/restarts; echo new >$D/invocation; touch $D/began; "
                              "sleep 5");
    begin(b);
    struct agent_frame f = exec_act(5, "restart-service", -1, "slurmd");
    exec_send(b, &f);
    exec_until_file(b, "began");
    exec_kill(b, SIGKILL);
    begin(b);
    struct agent_frame a = exec_ask(b, &f);
    assert_int_equal(a.result, RESULT_OK);
    assert_non_null(strstr(a.text, "active, a new invocation new"));
    assert_int_equal(exec_lines(b, "restarts"), 1);
}

static void killed_before_a_service_was_restarted_its_invocation_tells(void **state)
{
    struct exec_bench *b = *state;
    exec_script(b, "restart", "echo \"$@\" >>$D/restarts; touch $D/began; sleep 5");
    begin(b);
    struct agent_frame f = exec_act(5, "restart-service", -1, "slurmd.service");
    exec_send(b, &f);
    exec_until_file(b, "began");
    exec_kill(b, SIGKILL);
    begin(b);
    struct agent_frame a = exec_ask(b, &f);
    assert_int_equal(a.result, RESULT_FAILED);
    assert_non_null(strstr(a.text, "the same invocation old"));
    assert_int_equal(exec_lines(b, "restarts"), 1);
}

static void a_line_that_was_not_whole_on_disk_was_never_acted_upon(void **state)
{
    struct exec_bench *b = *state;
    exec_write(b, "state/actions.log", "begin\t5\treset-gpu\tgpu 3\t17", 0600);
    begin(b);
    assert_int_equal(reset(b, 5, 3).result, RESULT_OK);
    assert_int_equal(exec_lines(b, "resets"), 1);
}

static void damaged_memory_of_what_was_done_keeps_it_from_starting(void **state)
{
    struct exec_bench *b = *state;
    exec_write(b, "state/actions.log", "begin\t5\treset-gpu\tgpu\n", 0600);
    assert_int_equal(exec_start_fails(b), 1);
    exec_write(b, "state/actions.log", "high\t0\tgpu 3\n", 0600);
    assert_int_equal(exec_start_fails(b), 1);
}

static void two_executors_do_not_share_a_memory(void **state)
{
    struct exec_bench *b = *state;
    begin(b);
    assert_int_equal(exec_start_fails(b), 1);
}

/* ---- reading back -------------------------------------------------------------------------- */

static void a_reset_after_which_the_gpu_does_not_answer_has_failed(void **state)
{
    struct exec_bench *b = *state;
    exec_write(b, "gpu-is-lost", "", 0600);
    begin(b);
    assert_int_equal(reset(b, 1, 0).result, RESULT_FAILED);
    assert_int_equal(exec_lines(b, "resets"), 1);
}

static void a_command_that_fails_has_failed_with_its_words(void **state)
{
    struct exec_bench *b = *state;
    exec_script(b, "reset", "printf 'GPU is\\tin use\\n' >&2; exit 3");
    begin(b);
    struct agent_frame a = reset(b, 1, 0);
    assert_int_equal(a.result, RESULT_FAILED);
    assert_string_equal(a.text, "the command: exit 3: GPU is in use");
}

static void a_command_that_hangs_is_killed_and_its_outcome_unknown(void **state)
{
    struct exec_bench *b = *state;
    exec_policy(b, "mode = act\nreset-gpu.allow = yes\nreset-gpu.rate = 2/1h\n"
                   "reset-gpu.command = @/reset {pci}\nreset-gpu.deadline = 200ms\n");
    exec_script(b, "reset", "sleep 5");
    begin(b);
    struct agent_frame a = reset(b, 1, 0);
    assert_int_equal(a.result, RESULT_UNKNOWN);
    assert_non_null(strstr(a.text, "killed at its deadline"));
}

static void a_service_is_restarted_when_its_invocation_is_new(void **state)
{
    struct exec_bench *b = *state;
    begin(b);
    struct agent_frame f = exec_act(1, "restart-service", -1, "slurmd");
    struct agent_frame a = exec_ask(b, &f);
    assert_int_equal(a.result, RESULT_OK);
    exec_script(b, "restart", "exit 0"); /* says it did, and did nothing */
    f.n = 2;
    a = exec_ask(b, &f);
    assert_int_equal(a.result, RESULT_FAILED);
    assert_non_null(strstr(a.text, "the same invocation"));
}

static void a_reboot_is_done_in_a_new_boot_only(void **state)
{
    struct exec_bench *b = *state;
    exec_policy(b, "mode = act\nreboot.allow = yes\nreboot.rate = 2/1h\nreboot.command = @/reboot\n"
                   "reboot.verify_within = 60s\n");
    begin(b);
    struct agent_frame f = exec_act(4, "reboot", -1, "");
    exec_send(b, &f);
    exec_until_file(b, "reboots");
    exec_hears_nothing(b);
    exec_kill(b, SIGTERM); /* as the machine goes down */
    b->boot = "boot-b";
    begin(b);
    struct agent_frame a = exec_ask(b, &f);
    assert_int_equal(a.result, RESULT_OK);
    assert_string_equal(a.text, "rebooted: boot boot-b, before it boot-a");
    assert_int_equal(exec_lines(b, "reboots"), 1);
}

static void a_reboot_that_does_not_come_has_failed(void **state)
{
    struct exec_bench *b = *state;
    begin(b);
    struct agent_frame f = exec_act(4, "reboot", -1, "");
    struct agent_frame a = exec_ask(b, &f); /* verify_within is a second */
    assert_int_equal(a.result, RESULT_FAILED);
    assert_non_null(strstr(a.text, "in the boot of before"));
}

/* ---- checks -------------------------------------------------------------------------------- */

static void a_check_says_what_its_program_said(void **state)
{
    struct exec_bench *b = *state;
    static const struct {
        const char *exit;
        uint8_t result;
    } ends[] = { { "0\n", RESULT_OK }, { "10\n", RESULT_FAILED }, { "3\n", RESULT_UNKNOWN } };
    begin(b);
    for (uint32_t i = 0; i < MW_ARRAY_LEN(ends); i++) {
        struct agent_frame f = { .verb = AGENT_CHECK, .n = i + 1, .gpu = -1, .level = 3,
                                 .deadline_ms = 60000, .name = "gpu" };
        exec_write(b, "exit", ends[i].exit, 0600);
        struct agent_frame a = exec_ask(b, &f);
        assert_int_equal(a.result, ends[i].result);
        assert_non_null(strstr(a.text, "gpu 3 gpu"));
        assert_int_equal(a.level, 3);
    }
}

static void a_check_is_killed_at_the_deadline_that_was_asked(void **state)
{
    struct exec_bench *b = *state;
    struct agent_frame f = { .verb = AGENT_CHECK, .n = 1, .gpu = -1, .deadline_ms = 200,
                             .name = "gpu" };
    exec_script(b, "check", "sleep 5");
    begin(b);
    struct agent_frame a = exec_ask(b, &f);
    assert_int_equal(a.result, RESULT_UNKNOWN);
    assert_non_null(strstr(a.text, "killed at its deadline"));
}

/* ---- peers and ends ------------------------------------------------------------------------ */

static void another_user_is_refused(void **state)
{
    struct exec_bench *b = *state;
    int status = -1;
    if (geteuid() != 0)
        skip(); /* nobody else can be played */
    exec_start(b);
    assert_int_equal(chmod(b->dir, 0755), 0);
    assert_int_equal(chmod(exec_path(b, "sock"), 0666), 0); /* that would not be enough */
    pid_t pid = fork();
    if (pid == 0) {
        struct sockaddr_un at = { .sun_family = AF_UNIX };
        char byte;
        (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", exec_path(b, "sock"));
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        bool asked = setuid(65534) == 0 && connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0;
        _exit(asked && recv(fd, &byte, 1, 0) == 0 ? 0 : 1); /* closed, not even greeted */
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    struct agent_frame greeting;
    exec_connect(b, &greeting); /* ours is taken still */
}

static void told_to_end_it_finishes_what_it_does(void **state)
{
    struct exec_bench *b = *state;
    struct agent_frame a, f = exec_act(1, "reset-gpu", 0, PCI);
    exec_script(b, "reset", "touch $D/began; sleep 0.5; echo \"$@\" >>$D/resets");
    begin(b);
    exec_send(b, &f);
    exec_until_file(b, "began");
    assert_int_equal(kill(b->executor, SIGTERM), 0);
    assert_int_equal(waitpid(b->executor, NULL, 0), b->executor);
    b->executor = 0;
    assert_int_equal(exec_lines(b, "resets"), 1);
    begin(b);
    a = exec_ask(b, &f);
    assert_int_equal(a.result, RESULT_OK);
    assert_int_equal(exec_lines(b, "resets"), 1);
}

static void what_is_no_request_is_dropped(void **state)
{
    struct exec_bench *b = *state;
    static const char *const lines[] = { "\n", "act\n", "hello version=2 node=a boot=b\n",
                                         "act id=1 step=reboot gpu=-1 lease_ms=x\n" };
    begin(b);
    for (uint32_t i = 0; i < MW_ARRAY_LEN(lines); i++)
        assert_true(send(b->peer, lines[i], strlen(lines[i]), MSG_NOSIGNAL) > 0);
    exec_hears_nothing(b);
    assert_int_equal(reset(b, 1, 0).result, RESULT_OK);
    assert_int_equal(exec_lines(b, "reboots"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(shadow_says_what_would_be_run_and_runs_nothing),
        TEST(what_the_policy_does_not_allow_is_refused),
        TEST(a_policy_that_others_can_write_is_not_believed),
        TEST(more_often_than_the_rate_is_refused_also_after_a_restart),
        TEST(an_action_is_done_once_and_its_answer_is_said_again),
        TEST(an_older_id_of_the_same_target_is_refused),
        TEST(what_is_past_its_lease_is_not_begun),
        TEST(killed_while_it_acts_it_reads_back_and_never_repeats),
        TEST(killed_while_it_acts_and_the_gpu_does_not_answer_it_has_failed),
        TEST(killed_after_a_service_was_restarted_its_invocation_tells),
        TEST(killed_before_a_service_was_restarted_its_invocation_tells),
        TEST(a_line_that_was_not_whole_on_disk_was_never_acted_upon),
        TEST(damaged_memory_of_what_was_done_keeps_it_from_starting),
        TEST(two_executors_do_not_share_a_memory),
        TEST(a_reset_after_which_the_gpu_does_not_answer_has_failed),
        TEST(a_command_that_fails_has_failed_with_its_words),
        TEST(a_command_that_hangs_is_killed_and_its_outcome_unknown),
        TEST(a_service_is_restarted_when_its_invocation_is_new),
        TEST(a_reboot_is_done_in_a_new_boot_only),
        TEST(a_reboot_that_does_not_come_has_failed),
        TEST(a_check_says_what_its_program_said),
        TEST(a_check_is_killed_at_the_deadline_that_was_asked),
        TEST(another_user_is_refused),
        TEST(told_to_end_it_finishes_what_it_does),
        TEST(what_is_no_request_is_dropped),
    };
    return cmocka_run_group_tests_name("agent/exec", tests, NULL, NULL);
}
