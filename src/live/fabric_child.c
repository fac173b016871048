/*
 * Pipes to and from one child, and its end.
 */
#include "live/fabric_child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

#define WHY_MAX 256
#define READ_MAX 65536
/* Rounds of one child: some stacks (libumad2sim: 15) run out of what libibnetdisc opens. */
#define ROUNDS_MAX 8
#define END_MS 500 /* for a child that is told to end */

extern char **environ;

struct fabric_child {
    struct fabric_child_options o;
    char program[4096];
    pid_t pid; /* 0 = none */
    uint32_t rounds; /* of this child */
    int to, from, errors; /* -1 = closed */
    char line[FABRIC_LINE_MAX];
    size_t length;
    char why[WHY_MAX]; /* the last line of its standard error */
    size_t why_length;
    char buffer[READ_MAX];
};

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- the child's life ---------------------------------------------------------------------- */

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

/* It ends when its input does; one that hangs is killed. */
static void end_child(struct fabric_child *c, bool hangs)
{
    const struct timespec moment = { .tv_nsec = 5000000 };
    int64_t end = now_ms() + END_MS;
    bool gone = c->pid <= 0;
    close_fd(&c->to);
    while (!gone && !hangs && now_ms() < end) {
        gone = waitpid(c->pid, NULL, WNOHANG) == c->pid;
        if (!gone)
            (void)nanosleep(&moment, NULL);
    }
    if (!gone) {
        (void)kill(c->pid, SIGKILL);
        while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
    close_fd(&c->from);
    close_fd(&c->errors);
    c->pid = 0;
    c->rounds = 0;
    c->length = 0;
}

/* Where mw-fabric lies: as told, beside this program, in the build's folder, else in $PATH. */
static void find_program(struct fabric_child *c)
{
    static const char *const places[] = { "mw-fabric", "../gather/mw-fabric",
                                          "src/gather/mw-fabric" };
    char self[2048];
    ssize_t n = c->o.program == NULL ? readlink("/proc/self/exe", self, sizeof(self) - 1) : -1;
    (void)snprintf(c->program, sizeof(c->program), "%s",
                   c->o.program != NULL ? c->o.program : "mw-fabric");
    if (n <= 0)
        return;
    self[n] = '\0';
    char *slash = strrchr(self, '/');
    for (size_t i = 0; slash != NULL && i < MW_ARRAY_LEN(places); i++) {
        char path[sizeof(self) + 64];
        (void)snprintf(path, sizeof(path), "%.*s/%s", (int)(slash - self), self, places[i]);
        if (access(path, X_OK) == 0) {
            (void)snprintf(c->program, sizeof(c->program), "%s", path);
            return;
        }
    }
}

static int spawn(struct fabric_child *c, int in, int out, int errors)
{
    char *argv[8] = { c->program };
    int n = 1;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    if (c->o.ca != NULL) {
        argv[n++] = (char *)"--ca";
        argv[n++] = (char *)(uintptr_t)c->o.ca;
    }
    if (c->o.port != NULL) {
        argv[n++] = (char *)"--port";
        argv[n++] = (char *)(uintptr_t)c->o.port;
    }
    int rc = posix_spawn_file_actions_init(&actions);
    if (rc != 0)
        return rc;
    must(posix_spawnattr_init(&attributes) == 0 && sigemptyset(&none) == 0);
    (void)posix_spawnattr_setsigmask(&attributes, &none); /* ours may have signals blocked */
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    rc = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
    if (rc == 0)
        rc = posix_spawnp(&c->pid, c->program, &actions, &attributes, argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)posix_spawnattr_destroy(&attributes);
    return rc;
}

static int start(struct fabric_child *c, struct mw_error *err)
{
    int in[2] = { -1, -1 }, out[2] = { -1, -1 }, errors[2] = { -1, -1 };
    int rc = pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 ||
                     pipe2(errors, O_CLOEXEC) != 0
                 ? errno : spawn(c, in[0], out[1], errors[1]);
    close_fd(&in[0]);
    close_fd(&out[1]);
    close_fd(&errors[1]);
    c->to = in[1];
    c->from = out[0];
    c->errors = errors[0];
    c->length = c->why_length = 0;
    c->why[0] = '\0';
    if (rc == 0)
        return 0;
    c->pid = 0;
    end_child(c, false);
    return mw_fail(err, rc == ENOENT ? MW_ENOTFOUND : MW_EIO, "cannot start %s: %s", c->program,
                   strerror(rc));
}

/* ---- a round ------------------------------------------------------------------------------- */

/* Keeps the last line of what it says to people. */
static void read_errors(struct fabric_child *c)
{
    char some[512];
    ssize_t n = read(c->errors, some, sizeof(some));
    if (n <= 0) {
        close_fd(&c->errors);
        return;
    }
    for (ssize_t i = 0; i < n; i++) {
        if (some[i] == '\n')
            c->why_length = 0;
        else if (c->why_length + 1 < sizeof(c->why)) {
            c->why[c->why_length++] = some[i] >= ' ' && some[i] <= '~' ? some[i] : '?';
            c->why[c->why_length] = '\0';
        }
    }
}

static int ended(struct fabric_child *c, struct mw_error *err)
{
    int rc = mw_fail(err, MW_EUNREACHABLE, "mw-fabric ended%s%s", c->why[0] != '\0' ? ": " : "",
                     c->why);
    end_child(c, false);
    return rc;
}

static int take_bytes(struct fabric_child *c, size_t n, struct fabric_round *r,
                      struct mw_error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (c->buffer[i] != '\n') {
            if (c->length + 1 >= sizeof(c->line))
                return mw_fail(err, MW_ESYNTAX, "mw-fabric said a line that is too long");
            c->line[c->length++] = c->buffer[i];
            continue;
        }
        c->line[c->length] = '\0';
        c->length = 0;
        int rc = fabric_round_line(r, c->line, err);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int read_some(struct fabric_child *c, struct fabric_round *r, int64_t end,
                     struct mw_error *err)
{
    struct pollfd fds[2] = { { .fd = c->from, .events = POLLIN },
                             { .fd = c->errors, .events = POLLIN } };
    int64_t left = end - now_ms();
    if (left <= 0)
        return mw_fail(err, MW_ETIMEOUT, "the fabric did not answer within %.1f s%s%s",
                       (double)c->o.deadline_ms / 1e3, c->why[0] != '\0' ? ": " : "", c->why);
    if (poll(fds, 2, (int)MW_MIN(left, (int64_t)1000)) < 0 && errno != EINTR)
        return mw_fail(err, MW_EIO, "poll: %s", strerror(errno));
    if ((fds[1].revents & (POLLIN | POLLHUP)) != 0)
        read_errors(c);
    if ((fds[0].revents & (POLLIN | POLLHUP)) == 0)
        return 0;
    ssize_t n = read(c->from, c->buffer, sizeof(c->buffer));
    return n <= 0 ? ended(c, err) : take_bytes(c, (size_t)n, r, err);
}

int fabric_child_round(struct fabric_child *c, struct fabric_round *ret, struct mw_error *err)
{
    int64_t end = now_ms() + c->o.deadline_ms;
    char order[64];
    if (c->rounds >= ROUNDS_MAX)
        end_child(c, false);
    int rc = c->pid > 0 ? 0 : start(c, err);
    fabric_round_clear(ret);
    if (rc != 0)
        return rc;
    int n = snprintf(order, sizeof(order), "round counters=%d hosts=%d\n", c->o.counters,
                     c->o.hosts);
    /* A child that is gone says so by its pipe; the caller has SIGPIPE ignored, as all of ours. */
    if (write(c->to, order, (size_t)n) != n)
        rc = ended(c, err);
    while (rc == 0 && !ret->done)
        rc = read_some(c, ret, end, err);
    c->rounds++;
    if (rc != 0)
        end_child(c, true);
    return rc;
}

int fabric_child_create(const struct fabric_child_options *o, struct fabric_child **ret,
                        struct mw_error *err)
{
    struct fabric_child *c = mw_calloc(1, sizeof(*c));
    must(o->deadline_ms > 0);
    if (c == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    c->o = *o;
    c->to = c->from = c->errors = -1;
    find_program(c);
    *ret = c;
    return 0;
}

void fabric_child_destroy(struct fabric_child *c)
{
    if (c == NULL)
        return;
    end_child(c, false);
    mw_free(c);
}
