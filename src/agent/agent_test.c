/*
 * The real program against a daemon that this test plays on a socket.  What
 * would break for the user: a slurmd whose death nobody tells, an Xid line that
 * is lost while the daemon restarts, an agent that takes the node down with it.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/agent_testing.h"
#include "agent/disk.h"
#include "agent/klog.h"
#include "core/event.h"

/* A program to watch, with its pid in the file that the agent was told of. */
static void start_watched(struct testing *b)
{
    char text[32];
    b->watched = fork();
    assert_true(b->watched >= 0);
    if (b->watched == 0)
        for (;;)
            (void)pause();
    (void)snprintf(text, sizeof(text), "%d\n", (int)b->watched);
    testing_replace(b, "slurmd.pid", text);
}

/* An agent with everything, met. */
static struct agent_frame start(struct testing *b, const char *check)
{
    char daemon[32], watch[128];
    (void)snprintf(daemon, sizeof(daemon), "127.0.0.1:%u", b->port);
    (void)snprintf(watch, sizeof(watch), "slurmd=%s/slurmd.pid", b->dir);
    const char *const args[] = {
        "--daemon", daemon, "--node", "n3", "--boot-id", "boot-7", "--kmsg",
        testing_path(b, "kmsg"), "--watch", watch, "--disk", "/", "--progress-dir",
        testing_path(b, "progress"), "--exits-dir", testing_path(b, "exits"), "--checks-dir",
        testing_path(b, "checks"), "--pci-dir",
        testing_path(b, "pci"), check != NULL ? "--check" : NULL, check, NULL };
    b->agent = testing_spawn(b, args);
    return testing_meet(b);
}

/* ---- tests --------------------------------------------------------------------------------- */

static void add_gpu(const struct testing *b, const char *address, const char *vendor,
                    const char *class)
{
    char name[96];
    (void)snprintf(name, sizeof(name), "pci/%s", address);
    assert_int_equal(mkdir(testing_path(b, name), 0700), 0);
    (void)snprintf(name, sizeof(name), "pci/%s/vendor", address);
    testing_write(b, name, 0, vendor);
    (void)snprintf(name, sizeof(name), "pci/%s/class", address);
    testing_write(b, name, 0, class);
}

static void it_says_who_it_is_and_beats_as_it_is_told(void **state)
{
    struct testing *b = *state;
    add_gpu(b, "0000:3b:00.0", "0x10de\n", "0x030200\n");
    add_gpu(b, "0000:19:00.0", "0x10de\n", "0x030200\n");
    add_gpu(b, "0000:05:00.0", "0x10de\n", "0x068000\n"); /* an NVSwitch */
    add_gpu(b, "0000:01:00.0", "0x15b3\n", "0x020700\n");
    struct agent_frame f = start(b, NULL);
    assert_int_equal(f.version, AGENT_PROTOCOL);
    assert_string_equal(f.name, "n3");
    assert_string_equal(f.boot, "boot-7");
    assert_string_equal(f.agent, MW_VERSION);
    assert_string_equal(f.text, "0000:19:00.0,0000:3b:00.0");
    uint64_t last = 0;
    for (int beats = 0; beats < 3;) {
        uint64_t n = testing_await(b, AGENT_BEAT, 0).n;
        if (n == UINT64_MAX)
            continue; /* samples, which stand for one */
        assert_true(beats == 0 || n == last + 1);
        last = n;
        beats++;
    }
}

static void a_killed_slurmd_is_told_and_told_to_be_back(void **state)
{
    struct testing *b = *state;
    start_watched(b);
    start(b, NULL);
    struct agent_frame f = testing_await(b, AGENT_UNIT, 0);
    assert_true(f.up);
    assert_string_equal(f.name, "slurmd");
    testing_kill_watched(b);
    assert_false(testing_await(b, AGENT_UNIT, 0).up);
    start_watched(b);
    assert_true(testing_await(b, AGENT_UNIT, 0).up);
}

static void a_slurmd_that_stops_in_order_is_given_a_moment(void **state)
{
    struct testing *b = *state;
    start_watched(b);
    start(b, NULL);
    assert_true(testing_await(b, AGENT_UNIT, 0).up);
    assert_int_equal(unlink(testing_path(b, "slurmd.pid")), 0);
    testing_kill_watched(b);
    for (int i = 0; i < 5; i++)
        (void)testing_await(b, AGENT_BEAT, AGENT_UNIT);
    start_watched(b);
    assert_true(testing_await(b, AGENT_UNIT, 0).up);
}

#define XID(code) "NVRM: Xid (PCI:0000:3b:00): " code ", pid=71, name=train"

static void lines_of_the_kernel_that_matter_are_told(void **state)
{
    struct testing *b = *state;
    testing_append(b, "kmsg", XID("31") ", from before the agent\n");
    start(b, NULL);
    testing_append(b, "kmsg", "usb 1-1: new high-speed USB device\n" XID("7"));
    (void)testing_await(b, AGENT_BEAT, AGENT_KMSG); /* half a line is no line */
    testing_append(b, "kmsg", "9\n");
    assert_string_equal(testing_await(b, AGENT_KMSG, 0).text,
                        "NVRM: Xid (PCI:0000:3b:00): 7, pid=71, name=train9");
    assert_int_equal(rename(testing_path(b, "kmsg"), testing_path(b, "kmsg.1")), 0); /* logrotate */
    testing_append(b, "kmsg.1", XID("48") "\n");
    testing_append(b, "kmsg", XID("79") "\n");
    assert_string_equal(testing_await(b, AGENT_KMSG, 0).text, XID("48"));
    assert_string_equal(testing_await(b, AGENT_KMSG, 0).text, XID("79"));
}

static void a_storm_of_lines_is_bounded_and_counted(void **state)
{
    struct testing *b = *state;
    start(b, NULL);
    for (int i = 0; i < 30; i++)
        testing_append(b, "kmsg", XID("31") "\n" XID("31") "\n" XID("31") "\n" XID("31") "\n"
                       XID("31") "\n" XID("31") "\n" XID("31") "\n" XID("31") "\n" XID("31")
                       "\n" XID("31") "\n");
    uint32_t lines = 0;
    for (int beats = 0; beats < 10;) {
        struct agent_frame f;
        (void)testing_next(b, &f);
        lines += f.verb == AGENT_KMSG;
        beats += f.verb == AGENT_BEAT;
    }
    assert_true(lines >= KLOG_LINES_BURST && lines < 300);
    testing_append(b, "kmsg", XID("31") "\n");
    struct agent_frame f = testing_await(b, AGENT_KMSG, 0);
    while (strstr(f.text, "dropped") == NULL)
        f = testing_await(b, AGENT_KMSG, 0);
}

static void disks_progress_and_exits_are_told(void **state)
{
    struct testing *b = *state;
    testing_replace(b, "progress/7", "restart=0 step=120 saved=100 step_ms=50 checkpoint_ms=12\n");
    testing_write(b, "progress/7.tmp", 0, "restart=0 step=1 saved=1 step_ms=1\n");
    start(b, NULL);
    struct agent_frame f = testing_await(b, AGENT_DISK, 0);
    assert_string_equal(f.text, "/");
    assert_true(f.used_permille <= 1000);
    f = testing_await(b, AGENT_PROGRESS, 0);
    assert_true(f.job == 7 && f.restart == 0 && f.step == 120 && f.saved == 100 &&
                f.step_ms == 50 && f.checkpoint_ms == 12);
    for (int i = 0; i < 3; i++)
        (void)testing_await(b, AGENT_BEAT, AGENT_PROGRESS); /* nothing changed */
    testing_replace(b, "progress/7", "restart=1 step=130 saved=120 step_ms=50\n");
    f = testing_await(b, AGENT_PROGRESS, 0);
    assert_true(f.restart == 1 && f.saved == 120);
    testing_replace(b, "exits/7.3", "job=7 rank=3 code=1 signal=0\n");
    f = testing_await(b, AGENT_EXIT, 0);
    assert_true(f.job == 7 && f.rank == 3 && f.code == 1 && f.signal == 0);
    assert_int_not_equal(access(testing_path(b, "exits/7.3"), F_OK), 0);
    for (int i = 0; i < 3; i++)
        (void)testing_await(b, AGENT_BEAT, AGENT_EXIT);
}

static void links_in_the_folders_of_jobs_are_not_followed(void **state)
{
    struct testing *b = *state;
    testing_write(b, "secret", 0, "job=7 rank=3 code=1 signal=0\n");
    start(b, NULL);
    assert_int_equal(symlink(testing_path(b, "secret"), testing_path(b, "exits/1")), 0);
    assert_int_equal(symlink(testing_path(b, "secret"), testing_path(b, "progress/7")), 0);
    for (int i = 0; i < 4; i++)
        (void)testing_await(b, AGENT_BEAT, AGENT_EXIT);
    assert_int_equal(access(testing_path(b, "secret"), F_OK), 0);
}

static void script(const struct testing *b, const char *name, const char *text)
{
    testing_write(b, name, O_TRUNC, text);
    assert_int_equal(chmod(testing_path(b, name), 0700), 0);
}

static void a_check_is_run_and_its_result_told(void **state)
{
    struct testing *b = *state;
    script(b, "check", "#!/bin/sh\n"
           "echo \"looked at $MW_CHECK_CLASS\"\n"
           "case $MW_CHECK_CLASS in gpu) exit 0;; disk) exit 10;; slow) sleep 60;; esac\n"
           "exit 3\n");
    start(b, testing_path(b, "check"));
    testing_give(b, "check id=41 class=gpu deadline_ms=20000\n");
    struct agent_frame f = testing_await(b, AGENT_CHECKED, 0);
    assert_true(f.n == 41 && f.result == RESULT_OK);
    assert_non_null(strstr(f.text, "looked at gpu"));
    testing_give(b, "check id=41 class=gpu deadline_ms=20000\n"); /* the daemon has not heard it */
    assert_int_equal(testing_await(b, AGENT_CHECKED, 0).n, 41);
    testing_give(b, "check id=42 class=disk deadline_ms=20000\n");
    assert_int_equal(testing_await(b, AGENT_CHECKED, 0).result, RESULT_FAILED);
    testing_give(b, "check id=43 class=odd deadline_ms=20000\n");
    assert_int_equal(testing_await(b, AGENT_CHECKED, 0).result, RESULT_UNKNOWN);
    testing_give(b, "check id=44 class=slow deadline_ms=200\n");
    f = testing_await(b, AGENT_CHECKED, 0);
    assert_true(f.n == 44 && f.result == RESULT_UNKNOWN);
    assert_non_null(strstr(f.text, "deadline"));
}

static void without_another_program_the_agents_own_check_is_run(void **state)
{
    struct testing *b = *state;
    start(b, NULL);
    testing_give(b, "check id=9 class=nosuchclass level=1 deadline_ms=30000\n");
    struct agent_frame f = testing_await(b, AGENT_CHECKED, 0);
    assert_int_equal(f.n, 9);
    assert_null(strstr(f.text, "exit 127")); /* it was found */
    assert_non_null(strstr(f.text, "level 1"));
}

static void what_a_prolog_found_is_told(void **state)
{
    struct testing *b = *state;
    start(b, NULL);
    testing_replace(b, "checks/1.check", "result=failed level=2 class=gpu text=gpu 3: 12 rows\n");
    struct agent_frame f = testing_await(b, AGENT_CHECKED, 0);
    assert_true(f.n == 0 && f.result == RESULT_FAILED && f.level == 2);
    assert_string_equal(f.name, "gpu");
    assert_string_equal(f.text, "gpu 3: 12 rows");
    assert_int_not_equal(access(testing_path(b, "checks/1.check"), F_OK), 0);
    testing_replace(b, "checks/2.check", "result=well\n"); /* not understood: not told, not kept */
    testing_replace(b, "checks/3.check", "result=ok level=1 class=- text=well\n");
    f = testing_await(b, AGENT_CHECKED, 0);
    assert_true(f.result == RESULT_OK && f.name[0] == '\0');
}

static void what_happens_while_the_daemon_is_away_is_told_when_it_is_back(void **state)
{
    struct testing *b = *state;
    start_watched(b);
    start(b, NULL);
    assert_true(testing_await(b, AGENT_UNIT, 0).up);
    testing_hang_up(b);
    testing_append(b, "kmsg", XID("79") "\n");
    testing_kill_watched(b);
    testing_replace(b, "exits/7.3", "job=7 rank=3 code=0 signal=9\n");
    (void)poll(NULL, 0, 300); /* several beats without a daemon */
    testing_listen(b);
    assert_string_equal(testing_meet(b).name, "n3");
    struct agent_frame f;
    uint32_t seen = 0;
    for (int frames = 0; seen != 7; frames++) {
        assert_true(frames < TESTING_BEATS_MAX);
        (void)testing_next(b, &f);
        seen |= f.verb == AGENT_KMSG && strcmp(f.text, XID("79")) == 0 ? 1u : 0u;
        seen |= f.verb == AGENT_UNIT && !f.up ? 2u : 0u;
        seen |= f.verb == AGENT_EXIT && f.signal == 9 ? 4u : 0u;
    }
}

static void told_to_end_it_says_goodbye(void **state)
{
    struct testing *b = *state;
    start(b, NULL);
    (void)testing_await(b, AGENT_BEAT, 0);
    assert_int_equal(kill(b->agent, SIGTERM), 0);
    (void)testing_await(b, AGENT_BYE, 0);
    pid_t agent = b->agent;
    b->agent = 0;
    assert_int_equal(testing_wait(agent), 0);
}

static void a_refusal_is_said_once_and_the_agent_lives_on(void **state)
{
    struct testing *b = *state;
    char errors[1024];
    start(b, NULL);
    testing_give(b, "refuse code=MW_ENOTFOUND text=the%20site%20has%20no%20n3\n");
    char end;
    while (recv(b->peer, &end, 1, 0) > 0)
        ;
    testing_errors(b, errors, sizeof(errors));
    assert_non_null(strstr(errors, "refuses us: the site has no n3"));
    assert_int_equal(waitpid(b->agent, NULL, WNOHANG), 0);
}

static void wrong_flags_are_refused_with_what_to_do(void **state)
{
    struct testing *b = *state;
    static const struct {
        const char *args[6], *says;
    } wrong[] = {
        { { NULL }, "--daemon HOST:PORT is missing" },
        { { "--daemon", "here", NULL }, "HOST:PORT" },
        { { "--daemon", "::1:9000", NULL }, "[ADDRESS]:PORT" },
        { { "--daemon", "h:70000", NULL }, "HOST:PORT" },
        { { "--daemon", "h:1", "--beat-ms", "5", NULL }, "20 to 60000" },
        { { "--daemon", "h:1", "--watch", "slurmd", NULL }, "NAME=PIDFILE" },
        { { "--daemon", "h:1", "--disk", "/no/such", NULL }, "/no/such" },
        { { "--daemon", "h:1", "--progress-dir", "/no/such", NULL }, "not a folder" },
        { { "--daemon", "h:1", "--check", "/etc", "x", NULL }, "not an option" },
        { { "--daemon", "h:1", "--token-file", "/no/such", NULL }, "/no/such" },
        { { "--deamon", "h:1", NULL }, "no such option" },
        { { "--daemon", NULL }, "value is missing" },
    };
    for (size_t i = 0; i < MW_ARRAY_LEN(wrong); i++) {
        char errors[1024];
        assert_int_equal(testing_wait(testing_spawn(b, wrong[i].args)), 2);
        testing_errors(b, errors, sizeof(errors));
        if (strstr(errors, wrong[i].says) == NULL)
            fail_msg("%zu: %s", i, errors);
    }
    const char *const help[] = { "--help", NULL };
    assert_int_equal(testing_wait(testing_spawn(b, help)), 0);
}

static void a_log_that_cannot_be_read_is_an_error_at_the_start(void **state)
{
    struct testing *b = *state;
    char errors[1024];
    const char *const args[] = { "--daemon", "127.0.0.1:1", "--kmsg", b->dir, NULL };
    assert_int_equal(testing_wait(testing_spawn(b, args)), 1);
    testing_errors(b, errors, sizeof(errors));
    assert_non_null(strstr(errors, "neither a text file nor a device"));
}

static void disks_are_counted_as_df_does(void **state)
{
    (void)state;
    assert_int_equal(disk_permille(1000, 100, 50), 948); /* 900 of 950 */
    assert_int_equal(disk_permille(1000, 0, 0), 1000);
    assert_int_equal(disk_permille(1000, 1000, 1000), 0);
    assert_int_equal(disk_permille(0, 0, 0), 0);
    assert_int_equal(disk_permille(UINT64_MAX, 0, UINT64_MAX), 500);
    assert_int_equal(disk_permille(10, 20, 5), 0); /* a filesystem that contradicts itself */
}

static void the_filter_passes_what_the_daemon_judges(void **state)
{
    (void)state;
    assert_true(klog_matters(XID("79")));
    assert_true(klog_matters("nvidia-nvswitch3: SXid (PCI:0000:05:00.0): 20034, Fatal"));
    assert_true(klog_matters("mce: [Hardware Error]: Machine check events logged"));
    assert_true(klog_matters("INFO: task train:71 blocked for more than 120 seconds."));
    assert_true(klog_matters("Out of memory: Killed process 71"));
    assert_true(klog_matters("blk_update_request: I/O error, dev nvme0n1, sector 8"));
    assert_false(klog_matters("usb 1-1: new high-speed USB device number 3"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, testing_set_up, testing_tear_down)

int main(int argc, char **argv)
{
    static struct testing bench;
    bench.program = argc > 1 ? argv[1] : "mw-agent";
    (void)signal(SIGPIPE, SIG_IGN);
    struct CMUnitTest tests[] = {
        TEST(it_says_who_it_is_and_beats_as_it_is_told),
        TEST(a_killed_slurmd_is_told_and_told_to_be_back),
        TEST(a_slurmd_that_stops_in_order_is_given_a_moment),
        TEST(lines_of_the_kernel_that_matter_are_told),
        TEST(a_storm_of_lines_is_bounded_and_counted),
        TEST(disks_progress_and_exits_are_told),
        TEST(links_in_the_folders_of_jobs_are_not_followed),
        TEST(a_check_is_run_and_its_result_told),
        TEST(without_another_program_the_agents_own_check_is_run),
        TEST(what_a_prolog_found_is_told),
        TEST(what_happens_while_the_daemon_is_away_is_told_when_it_is_back),
        TEST(told_to_end_it_says_goodbye),
        TEST(a_refusal_is_said_once_and_the_agent_lives_on),
        TEST(wrong_flags_are_refused_with_what_to_do),
        TEST(a_log_that_cannot_be_read_is_an_error_at_the_start),
        cmocka_unit_test(disks_are_counted_as_df_does),
        cmocka_unit_test(the_filter_passes_what_the_daemon_judges),
    };
    for (size_t i = 0; i < MW_ARRAY_LEN(tests); i++)
        tests[i].initial_state = &bench;
    return cmocka_run_group_tests_name("agent/agent", tests, NULL, NULL);
}
