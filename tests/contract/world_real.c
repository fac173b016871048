/*
 * The real world: munged, slurmctld and 16 slurmds of script/slurm-lab on this
 * machine, a mw-agent for each, real processes, real connections, real time.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "base/mem.h"
#include "base/parse.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/test_lab.h"
#include "live/clock.h"
#include "live/listener.h"
#include "live/process_run.h"
#include "tests/contract/world.h"

#define SLEEP_NS_MAX (100 * MW_NS_PER_MS)

extern char **environ;

struct real_world {
    char dir[128], conf[160], address[64];
    struct test_lab lab;
    struct event_base *base;
    struct event *timer;
    struct process_run *processes;
    struct listener *listener;
    struct world_ear ear;
    struct live_clock clock;
    bool dead[WORLD_NODES], slurmd_dead[WORLD_NODES];
};

static const char *node_name(uint32_t node)
{
    static const char *const NAME[WORLD_NODES] = { "n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8",
                                                   "n9", "n10", "n11", "n12", "n13", "n14", "n15",
                                                   "n16" };
    assert_true(node < WORLD_NODES);
    return NAME[node];
}

static const char *path_of(const struct real_world *w, const char *name, char buffer[256])
{
    (void)snprintf(buffer, 256, "%s/%s", w->dir, name);
    return buffer;
}

/* ---- commands of people ---------------------------------------------------------------------- */

/* Runs a program to its end; its standard output into ret (may be NULL). Its exit code. */
static int run(const struct real_world *w, const char *const *argv, char *ret, size_t size)
{
    posix_spawn_file_actions_t files;
    char out[256];
    pid_t pid;
    int status = 0;
    (void)path_of(w, "contract.out", out);
    assert_int_equal(posix_spawn_file_actions_init(&files), 0);
    (void)posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_addopen(&files, 1, out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    int rc = posix_spawnp(&pid, argv[0], &files, NULL, (char *const *)argv, environ);
    (void)posix_spawn_file_actions_destroy(&files);
    if (rc != 0)
        fail_msg("%s cannot be started: %s", argv[0], strerror(rc));
    while (waitpid(pid, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    if (ret) {
        int fd = open(out, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd >= 0 ? read(fd, ret, size - 1) : -1;
        assert_true(n >= 0);
        ret[n] = '\0';
        (void)close(fd);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void must_run(const struct real_world *w, const char *const *argv, char *ret, size_t size)
{
    int rc = run(w, argv, ret, size);
    if (rc != 0)
        fail_msg("%s %s %s ended with %d", argv[0], argv[1] ? argv[1] : "",
                 argv[1] && argv[2] ? argv[2] : "", rc);
}

static void ctl(const struct real_world *w, const char *verb, const char *node)
{
    struct mw_error err = { 0 };
    if (test_lab_ctl(&w->lab, verb, node, &err) < 0)
        fail_msg("%s", err.text);
}

static void kill_program(const struct real_world *w, const char *program, const char *node)
{
    char name[64];
    struct mw_error err = { 0 };
    (void)snprintf(name, sizeof(name), "%s%s%s", program, node ? "-" : "", node ? node : "");
    if (test_lab_kill(&w->lab, name, &(pid_t){ 0 }, &err) < 0)
        fail_msg("%s", err.text);
}

static uint32_t sbatch(void *self, uint32_t nodes, uint32_t run_s)
{
    struct real_world *w = self;
    char count[32], wrap[64], out[128];
    uint64_t id = 0;
    (void)snprintf(count, sizeof(count), "--nodes=%u", nodes);
    (void)snprintf(wrap, sizeof(wrap), "--wrap=exec sleep %u", run_s);
    const char *const argv[] = { "sbatch", "--parsable", count, "--exclusive", "--gres=gpu:8",
                                 "--requeue", "--output=/dev/null", "--chdir=/tmp", wrap, NULL };
    must_run(w, argv, out, sizeof(out));
    out[strcspn(out, ";\n")] = '\0';
    assert_int_equal(mw_parse_u64(out, &id), 0);
    return (uint32_t)id;
}

static void scancel(void *self, uint32_t job)
{
    char id[32];
    (void)snprintf(id, sizeof(id), "%u", job);
    must_run(self, (const char *const[]){ "scancel", id, NULL }, NULL, 0);
}

static void update_node(struct real_world *w, uint32_t node, const char *state, const char *why)
{
    char name[64], to[64], reason[256];
    (void)snprintf(name, sizeof(name), "NodeName=%s", node_name(node));
    (void)snprintf(to, sizeof(to), "State=%s", state);
    (void)snprintf(reason, sizeof(reason), "Reason=%s", why);
    const char *const argv[] = { "scontrol", "update", name, to, *why ? reason : NULL, NULL };
    must_run(w, argv, NULL, 0);
}

static void drain(void *self, uint32_t node, const char *reason)
{
    update_node(self, node, "DRAIN", reason);
}

static void resume(void *self, uint32_t node)
{
    update_node(self, node, "RESUME", "");
}

/* ---- fate ------------------------------------------------------------------------------------ */

static void slurmd(void *self, uint32_t node, bool up)
{
    struct real_world *w = self;
    if (up)
        ctl(w, "start-slurmd", node_name(node));
    else
        kill_program(w, "slurmd", node_name(node));
    w->slurmd_dead[node] = !up;
}

/* As when the power goes: nobody says goodbye.  The job's processes stay until it is revived, and
 * harm nobody. */
static void node_dies(void *self, uint32_t node, bool up)
{
    struct real_world *w = self;
    if (up) {
        ctl(w, "revive-node", node_name(node));
    } else {
        kill_program(w, "agent", node_name(node));
        kill_program(w, "slurmd", node_name(node));
    }
    w->dead[node] = !up;
}

static void kernel(void *self, uint32_t node, const char *line)
{
    struct real_world *w = self;
    struct mw_error err = { 0 };
    if (test_lab_kernel_line(&w->lab, node_name(node), line, &err) < 0)
        fail_msg("%s", err.text);
}

/* Stopped in order: killed, it would forget the jobs of the last seconds. */
static void ctld(void *self, bool up)
{
    struct real_world *w = self;
    char path[256], *text = NULL;
    size_t size;
    uint64_t pid = 0;
    if (up) {
        ctl(w, "start-slurmctld", NULL);
        return;
    }
    assert_int_equal(mw_read_file(path_of(w, "pids/slurmctld", path), 64, false, &text, &size,
                                  NULL), 0);
    text[strcspn(text, "\n")] = '\0';
    assert_int_equal(mw_parse_u64(text, &pid), 0);
    mw_free(text);
    assert_true(pid > 1 && kill((pid_t)pid, SIGTERM) == 0);
    for (int i = 0; kill((pid_t)pid, 0) == 0; i++) {
        assert_true(i < 1000); /* it saves its state within 10 s */
        (void)usleep(10000);
    }
}

static void reason(void *self, uint32_t node, char *ret, size_t size)
{
    const char *const argv[] = { "sinfo", "-h", "-n", node_name(node), "-o", "%E", NULL };
    must_run(self, argv, ret, size);
    ret[strcspn(ret, "\n")] = '\0';
    if (strcmp(ret, "none") == 0)
        ret[0] = '\0';
}

/* ---- time ------------------------------------------------------------------------------------ */

static int64_t now(void *self)
{
    struct real_world *w = self;
    return live_clock_now(&w->clock);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd; /* its work is to end the sleep */
    (void)what;
    (void)ctx;
}

static void turn(void *self, int64_t due_ns)
{
    struct real_world *w = self;
    int64_t wait_ns = MW_MIN(MW_MAX(due_ns - now(w), MW_NS_PER_MS), SLEEP_NS_MAX);
    const struct timeval t = { .tv_usec = wait_ns / 1000 };
    assert_int_equal(event_add(w->timer, &t), 0);
    assert_true(event_base_loop(w->base, EVLOOP_ONCE) >= 0);
}

/* ---- the daemon's side ----------------------------------------------------------------------- */

static int hello(void *ctx, const struct agent_frame *f, uint32_t *ret_node, struct mw_error *err)
{
    struct real_world *w = ctx;
    return w->ear.hello(w->ear.ctx, f, ret_node, err);
}

static void heard(void *ctx, uint32_t node, const struct agent_frame *f)
{
    struct real_world *w = ctx;
    w->ear.heard(w->ear.ctx, node, f);
}

static void lost(void *ctx, uint32_t node)
{
    struct real_world *w = ctx;
    w->ear.lost(w->ear.ctx, node);
}

static void listen_at(struct real_world *w, const char *address)
{
    struct mw_error err = { 0 };
    const struct listener_options o = {
        .base = w->base, .address = address, .nodes = WORLD_NODES,
        .port = { .ctx = w, .hello = hello, .heard = heard, .lost = lost } };
    if (listener_create(&o, &w->listener, &err) < 0)
        fail_msg("listening: %s", err.text);
}

static void daemon_killed(void *self)
{
    struct real_world *w = self;
    listener_destroy(TAKE(w->listener));
    process_run_destroy(TAKE(w->processes));
}

static void daemon_begins(void *self, const struct world_ear *ear)
{
    struct real_world *w = self;
    struct mw_error err = { 0 };
    w->ear = *ear;
    listen_at(w, w->address);
    if (process_run_create(w->base, 16, &w->processes, &err) < 0)
        fail_msg("processes: %s", err.text);
}

static struct process_port process(void *self)
{
    struct real_world *w = self;
    return process_run_port(w->processes);
}

static bool send_frame(void *self, uint32_t node, const struct agent_frame *f)
{
    struct real_world *w = self;
    return w->listener && listener_send(w->listener, node, f);
}

/* ---- between stories ------------------------------------------------------------------------- */

static void revive(struct real_world *w)
{
    ctl(w, "start-slurmctld", NULL);
    for (uint32_t i = 0; i < WORLD_NODES; i++) {
        if (w->dead[i])
            ctl(w, "revive-node", node_name(i));
        else if (w->slurmd_dead[i])
            ctl(w, "start-slurmd", node_name(i));
        w->dead[i] = w->slurmd_dead[i] = false;
    }
}

/* Resumes what is out; true when all are idle and nothing is queued. */
static bool is_clean(struct real_world *w)
{
    char out[4096], jobs[4096];
    const char *const sinfo[] = { "sinfo", "-h", "-N", "-o", "%N %T", NULL };
    const char *const squeue[] = { "squeue", "-h", "-o", "%i", NULL };
    must_run(w, sinfo, out, sizeof(out));
    must_run(w, squeue, jobs, sizeof(jobs));
    bool clean = jobs[0] == '\0';
    for (uint32_t i = 0; i < WORLD_NODES; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "%s ", node_name(i));
        const char *line = out;
        while (line && strncmp(line, name, strlen(name)) != 0)
            line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL;
        assert_non_null(line);
        line += strlen(name);
        if (strncmp(line, "idle\n", 5) == 0)
            continue;
        clean = false;
        if (strncmp(line, "drain", 5) == 0 || strncmp(line, "down", 4) == 0)
            resume(w, i);
    }
    return clean;
}

static void clean(void *self)
{
    struct real_world *w = self;
    revive(w);
    must_run(w, (const char *const[]){ "scancel", "--user=root", NULL }, NULL, 0);
    for (int64_t end = now(w) + 30 * MW_NS_PER_S; !is_clean(w);) {
        if (now(w) > end)
            fail_msg("the cluster does not come to rest within 30 s");
        (void)usleep(100000);
    }
}

/* ---- making ---------------------------------------------------------------------------------- */

static void remove_dir(const char *dir)
{
    const char *const argv[] = { "rm", "-rf", "--", dir, NULL };
    pid_t pid;
    if (posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)argv, environ) == 0)
        (void)waitpid(pid, NULL, 0);
}

static void start_lab(struct real_world *w, const char *program, const char *agent)
{
    struct mw_error err = { 0 };
    const char *const argv[] = { program, "start", w->dir, "--nodes", "16", "--agents", w->address,
                                 "--agent-program", agent, NULL };
    int rc = -1;
    pid_t pid;
    int status = 0;
    assert_int_equal(posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)argv, environ), 0);
    while ((rc = waitpid(pid, &status, 0)) < 0)
        assert_int_equal(errno, EINTR);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        remove_dir(w->dir);
        fail_msg("%s start %s failed", program, w->dir);
    }
    if (test_lab_open(&w->lab, w->dir, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(setenv("SLURM_CONF", w->conf, 1), 0);
}

static void destroy(void *self)
{
    struct real_world *w = self;
    daemon_killed(w);
    ctl(w, "stop", NULL);
    remove_dir(w->dir);
    event_free(w->timer);
    event_base_free(w->base);
    mw_free(w);
}

struct world world_real(const char *program, const char *agent)
{
    struct real_world *w = mw_calloc(1, sizeof(*w));
    const char *tmp = getenv("TMPDIR");
    assert_non_null(w);
    (void)snprintf(w->dir, sizeof(w->dir), "%.64s/mw-contract-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(w->dir));
    (void)snprintf(w->conf, sizeof(w->conf), "%s/slurm.conf", w->dir);
    w->base = event_base_new();
    w->timer = w->base ? evtimer_new(w->base, on_timer, w) : NULL;
    assert_non_null(w->timer);
    listen_at(w, "127.0.0.1:0"); /* a free port, the same from now on */
    (void)snprintf(w->address, sizeof(w->address), "%s", listener_address(w->listener));
    listener_destroy(TAKE(w->listener));
    start_lab(w, program, agent);
    return (struct world){
        .self = w, .name = "slurm", .slurm_conf = w->conf, .daemon = daemon_begins,
        .daemon_killed = daemon_killed, .process = process, .send = send_frame, .now = now,
        .turn = turn, .sbatch = sbatch, .scancel = scancel, .drain = drain, .resume = resume,
        .slurmd = slurmd, .node = node_dies, .kernel = kernel, .ctld = ctld, .reason = reason,
        .clean = clean, .destroy = destroy };
}
