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

#include "agent/disk.h"
#include "agent/klog.h"
#include "core/event.h"
#include "live/agent_frame.h"

#define WAIT_MS 8000  /* for what has to come; far more than it takes */
#define BEATS_MAX 160 /* the same in beats of 50 ms */

struct bench {
    const char *program;
    char dir[64];
    int listener, peer; /* -1 */
    uint16_t port;
    pid_t agent, watched;
    char in[65536];
    size_t length;
};

/* ---- files and processes ------------------------------------------------------------------- */

static const char *path_in(const struct bench *b, const char *name)
{
    static char path[16][160];
    static uint32_t next; /* a few at a time may be in use */
    char *to = path[next++ % 16];
    (void)snprintf(to, sizeof(path[0]), "%s/%s", b->dir, name);
    return to;
}

static void write_file(const struct bench *b, const char *name, int flags, const char *text)
{
    int fd = open(path_in(b, name), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
}

static void append(const struct bench *b, const char *name, const char *text)
{
    write_file(b, name, O_APPEND, text);
}

/* As writers should: whole, under its name at once. */
static void replace(const struct bench *b, const char *name, const char *text)
{
    write_file(b, "new.tmp", O_TRUNC, text);
    assert_int_equal(rename(path_in(b, "new.tmp"), path_in(b, name)), 0);
}

/* A program to watch, with its pid in the file that the agent was told of. */
static void start_watched(struct bench *b)
{
    char text[32];
    b->watched = fork();
    assert_true(b->watched >= 0);
    if (b->watched == 0)
        for (;;)
            (void)pause();
    (void)snprintf(text, sizeof(text), "%d\n", (int)b->watched);
    replace(b, "slurmd.pid", text);
}

static void kill_watched(struct bench *b)
{
    assert_int_equal(kill(b->watched, SIGKILL), 0);
    assert_int_equal(waitpid(b->watched, NULL, 0), b->watched);
    b->watched = 0;
}

#define ARGS_MAX 32

/* Runs the agent with these arguments; its errors go to the file "errors". */
static pid_t spawn(const struct bench *b, const char *const *args)
{
    char *argv[ARGS_MAX] = { (char *)(uintptr_t)b->program };
    for (uint32_t i = 0; args[i] != NULL; i++) {
        assert_true(i + 2 < ARGS_MAX);
        argv[i + 1] = (char *)(uintptr_t)args[i];
    }
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid != 0)
        return pid;
    int fd = open(path_in(b, "errors"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd >= 0 && dup2(fd, 1) >= 0 && dup2(fd, 2) >= 0)
        (void)execv(b->program, argv);
    _exit(127);
}

static int wait_for(pid_t pid)
{
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void read_errors(const struct bench *b, char *to, size_t size)
{
    int fd = open(path_in(b, "errors"), O_RDONLY);
    ssize_t n = fd >= 0 ? read(fd, to, size - 1) : -1;
    assert_true(n >= 0);
    to[n] = '\0';
    (void)close(fd);
}

/* ---- the daemon's side --------------------------------------------------------------------- */

static void listen_here(struct bench *b)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(b->port) };
    socklen_t size = sizeof(a);
    const int on = 1;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    b->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(b->listener >= 0);
    (void)setsockopt(b->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    assert_int_equal(bind(b->listener, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(b->listener, 4), 0);
    assert_int_equal(getsockname(b->listener, (struct sockaddr *)&a, &size), 0);
    b->port = ntohs(a.sin_port);
}

static bool wait_readable(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    return poll(&p, 1, WAIT_MS) > 0;
}

static void give(const struct bench *b, const char *line)
{
    assert_int_equal(send(b->peer, line, strlen(line), MSG_NOSIGNAL), strlen(line));
}

/* The next frame; fails the test when none comes, or the connection ends. */
static void next_frame(struct bench *b, struct agent_frame *ret)
{
    struct mw_error err = { 0 };
    const char *end;
    while ((end = memchr(b->in, '\n', b->length)) == NULL) {
        if (!wait_readable(b->peer))
            fail_msg("no frame came");
        ssize_t n = recv(b->peer, b->in + b->length, sizeof(b->in) - b->length, 0);
        if (n <= 0)
            fail_msg("the agent has gone");
        b->length += (size_t)n;
    }
    size_t size = (size_t)(end - b->in);
    if (agent_frame_read(b->in, size, ret, &err) < 0)
        fail_msg("%.*s: %s", (int)size, b->in, err.text);
    memmove(b->in, end + 1, b->length - size - 1);
    b->length -= size + 1;
}

/* The next frame of this verb; others are passed over, but not one of `never` (0 = any may). */
static struct agent_frame await(struct bench *b, uint8_t verb, uint8_t never)
{
    struct agent_frame f;
    for (int beats = 0; beats < BEATS_MAX; beats += f.verb == AGENT_BEAT) {
        next_frame(b, &f);
        if (f.verb == verb)
            return f;
        if (f.verb == never && never != 0)
            fail_msg("%s came before %s", agent_verb_name(never), agent_verb_name(verb));
    }
    fail_msg("no frame %s came", agent_verb_name(verb));
    return f;
}

static struct agent_frame meet(struct bench *b)
{
    struct agent_frame f;
    assert_true(wait_readable(b->listener));
    b->peer = accept4(b->listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(b->peer >= 0);
    b->length = 0;
    next_frame(b, &f);
    assert_int_equal(f.verb, AGENT_HELLO);
    give(b, "welcome version=1 beat_ms=50\n");
    return f;
}

static void hang_up(struct bench *b)
{
    (void)close(b->peer);
    (void)close(b->listener);
    b->peer = b->listener = -1;
}

/* An agent with everything, met. */
static struct agent_frame start(struct bench *b, const char *check)
{
    char daemon[32], watch[128];
    (void)snprintf(daemon, sizeof(daemon), "127.0.0.1:%u", b->port);
    (void)snprintf(watch, sizeof(watch), "slurmd=%s/slurmd.pid", b->dir);
    const char *const args[] = {
        "--daemon", daemon, "--node", "n3", "--boot-id", "boot-7", "--kmsg",
        path_in(b, "kmsg"), "--watch", watch, "--disk", "/", "--progress-dir",
        path_in(b, "progress"), "--exits-dir", path_in(b, "exits"), "--pci-dir",
        path_in(b, "pci"), check != NULL ? "--check" : NULL, check, NULL };
    b->agent = spawn(b, args);
    return meet(b);
}

static int set_up(void **state)
{
    struct bench *b = *state;
    const char *program = b->program;
    *b = (struct bench){ .program = program, .listener = -1, .peer = -1 };
    (void)snprintf(b->dir, sizeof(b->dir), "/tmp/mw-agent-test-XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    for (const char *const *d = (const char *const[]){ "progress", "exits", "pci", NULL }; *d; d++)
        assert_int_equal(mkdir(path_in(b, *d), 0700), 0);
    listen_here(b);
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    char command[128];
    if (b->agent > 0) {
        (void)kill(b->agent, SIGKILL);
        (void)waitpid(b->agent, NULL, 0);
    }
    if (b->watched > 0)
        kill_watched(b);
    if (b->listener >= 0 || b->peer >= 0)
        hang_up(b);
    (void)snprintf(command, sizeof(command), "%s", b->dir);
    const char *const rm[] = { "rm", "-rf", command, NULL };
    pid_t pid = fork();
    if (pid == 0) {
        (void)execvp("rm", (char *const *)(uintptr_t)rm);
        _exit(127);
    }
    return pid > 0 && waitpid(pid, NULL, 0) == pid ? 0 : -1;
}

/* ---- tests --------------------------------------------------------------------------------- */

static void add_gpu(const struct bench *b, const char *address, const char *vendor,
                    const char *class)
{
    char name[96];
    (void)snprintf(name, sizeof(name), "pci/%s", address);
    assert_int_equal(mkdir(path_in(b, name), 0700), 0);
    (void)snprintf(name, sizeof(name), "pci/%s/vendor", address);
    write_file(b, name, 0, vendor);
    (void)snprintf(name, sizeof(name), "pci/%s/class", address);
    write_file(b, name, 0, class);
}

static void it_says_who_it_is_and_beats_as_it_is_told(void **state)
{
    struct bench *b = *state;
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
    uint64_t n = await(b, AGENT_BEAT, 0).n;
    assert_int_equal(await(b, AGENT_BEAT, 0).n, n + 1);
    assert_int_equal(await(b, AGENT_BEAT, 0).n, n + 2);
}

static void a_killed_slurmd_is_told_and_told_to_be_back(void **state)
{
    struct bench *b = *state;
    start_watched(b);
    start(b, NULL);
    struct agent_frame f = await(b, AGENT_UNIT, 0);
    assert_true(f.up);
    assert_string_equal(f.name, "slurmd");
    kill_watched(b);
    assert_false(await(b, AGENT_UNIT, 0).up);
    start_watched(b);
    assert_true(await(b, AGENT_UNIT, 0).up);
}

static void a_slurmd_that_stops_in_order_is_given_a_moment(void **state)
{
    struct bench *b = *state;
    start_watched(b);
    start(b, NULL);
    assert_true(await(b, AGENT_UNIT, 0).up);
    assert_int_equal(unlink(path_in(b, "slurmd.pid")), 0);
    kill_watched(b);
    for (int i = 0; i < 5; i++)
        (void)await(b, AGENT_BEAT, AGENT_UNIT);
    start_watched(b);
    assert_true(await(b, AGENT_UNIT, 0).up);
}

#define XID(code) "NVRM: Xid (PCI:0000:3b:00): " code ", pid=71, name=train"

static void lines_of_the_kernel_that_matter_are_told(void **state)
{
    struct bench *b = *state;
    append(b, "kmsg", XID("31") ", from before the agent\n");
    start(b, NULL);
    append(b, "kmsg", "usb 1-1: new high-speed USB device\n" XID("7"));
    (void)await(b, AGENT_BEAT, AGENT_KMSG); /* half a line is no line */
    append(b, "kmsg", "9\n");
    assert_string_equal(await(b, AGENT_KMSG, 0).text, "NVRM: Xid (PCI:0000:3b:00): 7, pid=71, "
                        "name=train9");
    assert_int_equal(rename(path_in(b, "kmsg"), path_in(b, "kmsg.1")), 0); /* logrotate */
    append(b, "kmsg.1", XID("48") "\n");
    append(b, "kmsg", XID("79") "\n");
    assert_string_equal(await(b, AGENT_KMSG, 0).text, XID("48"));
    assert_string_equal(await(b, AGENT_KMSG, 0).text, XID("79"));
}

static void a_storm_of_lines_is_bounded_and_counted(void **state)
{
    struct bench *b = *state;
    start(b, NULL);
    for (int i = 0; i < 30; i++)
        append(b, "kmsg", XID("31") "\n" XID("31") "\n" XID("31") "\n" XID("31") "\n" XID("31")
               "\n" XID("31") "\n" XID("31") "\n" XID("31") "\n" XID("31") "\n" XID("31") "\n");
    uint32_t lines = 0;
    for (int beats = 0; beats < 10;) {
        struct agent_frame f;
        next_frame(b, &f);
        lines += f.verb == AGENT_KMSG;
        beats += f.verb == AGENT_BEAT;
    }
    assert_true(lines >= KLOG_LINES_BURST && lines < 300);
    append(b, "kmsg", XID("31") "\n");
    struct agent_frame f = await(b, AGENT_KMSG, 0);
    while (strstr(f.text, "dropped") == NULL)
        f = await(b, AGENT_KMSG, 0);
}

static void disks_progress_and_exits_are_told(void **state)
{
    struct bench *b = *state;
    replace(b, "progress/7", "restart=0 step=120 saved=100 step_ms=50 checkpoint_ms=12\n");
    write_file(b, "progress/7.tmp", 0, "restart=0 step=1 saved=1 step_ms=1\n");
    start(b, NULL);
    struct agent_frame f = await(b, AGENT_DISK, 0);
    assert_string_equal(f.text, "/");
    assert_true(f.used_permille <= 1000);
    f = await(b, AGENT_PROGRESS, 0);
    assert_true(f.job == 7 && f.restart == 0 && f.step == 120 && f.saved == 100 &&
                f.step_ms == 50 && f.checkpoint_ms == 12);
    for (int i = 0; i < 3; i++)
        (void)await(b, AGENT_BEAT, AGENT_PROGRESS); /* nothing changed */
    replace(b, "progress/7", "restart=1 step=130 saved=120 step_ms=50\n");
    f = await(b, AGENT_PROGRESS, 0);
    assert_true(f.restart == 1 && f.saved == 120);
    replace(b, "exits/7.3", "job=7 rank=3 code=1 signal=0\n");
    f = await(b, AGENT_EXIT, 0);
    assert_true(f.job == 7 && f.rank == 3 && f.code == 1 && f.signal == 0);
    assert_int_not_equal(access(path_in(b, "exits/7.3"), F_OK), 0);
    for (int i = 0; i < 3; i++)
        (void)await(b, AGENT_BEAT, AGENT_EXIT);
}

static void links_in_the_folders_of_jobs_are_not_followed(void **state)
{
    struct bench *b = *state;
    write_file(b, "secret", 0, "job=7 rank=3 code=1 signal=0\n");
    start(b, NULL);
    assert_int_equal(symlink(path_in(b, "secret"), path_in(b, "exits/1")), 0);
    assert_int_equal(symlink(path_in(b, "secret"), path_in(b, "progress/7")), 0);
    for (int i = 0; i < 4; i++)
        (void)await(b, AGENT_BEAT, AGENT_EXIT);
    assert_int_equal(access(path_in(b, "secret"), F_OK), 0);
}

static void script(const struct bench *b, const char *name, const char *text)
{
    write_file(b, name, O_TRUNC, text);
    assert_int_equal(chmod(path_in(b, name), 0700), 0);
}

static void a_check_is_run_and_its_result_told(void **state)
{
    struct bench *b = *state;
    script(b, "check", "#!/bin/sh\n"
           "echo \"looked at $MW_CHECK_CLASS\"\n"
           "case $MW_CHECK_CLASS in gpu) exit 0;; disk) exit 10;; slow) sleep 60;; esac\n"
           "exit 3\n");
    start(b, path_in(b, "check"));
    give(b, "check id=41 class=gpu deadline_ms=20000\n");
    struct agent_frame f = await(b, AGENT_CHECKED, 0);
    assert_true(f.n == 41 && f.result == RESULT_OK);
    assert_non_null(strstr(f.text, "looked at gpu"));
    give(b, "check id=41 class=gpu deadline_ms=20000\n"); /* the daemon has not heard it */
    assert_int_equal(await(b, AGENT_CHECKED, 0).n, 41);
    give(b, "check id=42 class=disk deadline_ms=20000\n");
    assert_int_equal(await(b, AGENT_CHECKED, 0).result, RESULT_FAILED);
    give(b, "check id=43 class=odd deadline_ms=20000\n");
    assert_int_equal(await(b, AGENT_CHECKED, 0).result, RESULT_UNKNOWN);
    give(b, "check id=44 class=slow deadline_ms=200\n");
    f = await(b, AGENT_CHECKED, 0);
    assert_true(f.n == 44 && f.result == RESULT_UNKNOWN);
    assert_non_null(strstr(f.text, "deadline"));
}

static void without_a_check_program_the_answer_is_unknown(void **state)
{
    struct bench *b = *state;
    start(b, NULL);
    give(b, "check id=9 class=gpu deadline_ms=1000\n");
    struct agent_frame f = await(b, AGENT_CHECKED, 0);
    assert_true(f.n == 9 && f.result == RESULT_UNKNOWN);
    assert_non_null(strstr(f.text, "no check program"));
}

static void what_happens_while_the_daemon_is_away_is_told_when_it_is_back(void **state)
{
    struct bench *b = *state;
    start_watched(b);
    start(b, NULL);
    assert_true(await(b, AGENT_UNIT, 0).up);
    hang_up(b);
    append(b, "kmsg", XID("79") "\n");
    kill_watched(b);
    replace(b, "exits/7.3", "job=7 rank=3 code=0 signal=9\n");
    (void)poll(NULL, 0, 300); /* several beats without a daemon */
    listen_here(b);
    assert_string_equal(meet(b).name, "n3");
    struct agent_frame f;
    uint32_t seen = 0;
    for (int frames = 0; seen != 7; frames++) {
        assert_true(frames < BEATS_MAX);
        next_frame(b, &f);
        seen |= f.verb == AGENT_KMSG && strcmp(f.text, XID("79")) == 0 ? 1u : 0u;
        seen |= f.verb == AGENT_UNIT && !f.up ? 2u : 0u;
        seen |= f.verb == AGENT_EXIT && f.signal == 9 ? 4u : 0u;
    }
}

static void told_to_end_it_says_goodbye(void **state)
{
    struct bench *b = *state;
    start(b, NULL);
    (void)await(b, AGENT_BEAT, 0);
    assert_int_equal(kill(b->agent, SIGTERM), 0);
    (void)await(b, AGENT_BYE, 0);
    pid_t agent = b->agent;
    b->agent = 0;
    assert_int_equal(wait_for(agent), 0);
}

static void a_refusal_is_said_once_and_the_agent_lives_on(void **state)
{
    struct bench *b = *state;
    char errors[1024];
    start(b, NULL);
    give(b, "refuse code=MW_ENOTFOUND text=the%20site%20has%20no%20n3\n");
    char end;
    while (recv(b->peer, &end, 1, 0) > 0)
        ;
    read_errors(b, errors, sizeof(errors));
    assert_non_null(strstr(errors, "refuses us: the site has no n3"));
    assert_int_equal(waitpid(b->agent, NULL, WNOHANG), 0);
}

static void wrong_flags_are_refused_with_what_to_do(void **state)
{
    struct bench *b = *state;
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
        assert_int_equal(wait_for(spawn(b, wrong[i].args)), 2);
        read_errors(b, errors, sizeof(errors));
        if (strstr(errors, wrong[i].says) == NULL)
            fail_msg("%zu: %s", i, errors);
    }
    const char *const help[] = { "--help", NULL };
    assert_int_equal(wait_for(spawn(b, help)), 0);
}

static void a_log_that_cannot_be_read_is_an_error_at_the_start(void **state)
{
    struct bench *b = *state;
    char errors[1024];
    const char *const args[] = { "--daemon", "127.0.0.1:1", "--kmsg", b->dir, NULL };
    assert_int_equal(wait_for(spawn(b, args)), 1);
    read_errors(b, errors, sizeof(errors));
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    static struct bench bench;
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
        TEST(without_a_check_program_the_answer_is_unknown),
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
