/*
 * Child processes: spawned with posix_spawn, ended by a pidfd that becomes
 * readable, so that no signal handler of the whole process is needed.  A child
 * is over when it has exited; what its own children still hold open is not
 * waited for.
 */
#include "live/process_run.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"

#define RUNNING_MAX 256u
#define READ_SIZE 65536u

enum { PIPE_IN, PIPE_OUT, PIPE_ERR, PIPES };

/* A child, or one that waits for its turn. */
struct child {
    struct process_run *run;
    struct child *next; /* in the list of those that wait, or of those that run */
    char **argv, **env; /* owned; the environment whole */
    char *input;
    size_t input_size, input_at;
    int64_t deadline_ns;
    process_done_fn *done;
    void *ctx;
    pid_t pid;
    int pidfd, pipe[PIPES]; /* our ends; -1 = closed */
    struct event *exit_event, *deadline_event, *pipe_event[PIPES];
    struct text out, err;
    bool timed_out, cut;
};

struct process_run {
    struct event_base *base; /* borrowed */
    uint32_t running_max, running, waiting;
    struct child *first_running;
    struct child *first_waiting, *last_waiting;
    struct event *wake; /* starts those that wait, outside of start() */
    char buffer[READ_SIZE];
};

static void free_strings(char **s)
{
    for (char **p = s; p && *p; p++)
        mw_free(*p);
    mw_free(s);
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

static void free_event(struct event **e)
{
    if (*e)
        event_free(*e); /* removes it from the loop as well */
    *e = NULL;
}

static void close_pipe(struct child *c, int which)
{
    free_event(&c->pipe_event[which]);
    close_fd(&c->pipe[which]);
}

static void child_free(struct child *c)
{
    free_event(&c->exit_event);
    free_event(&c->deadline_event);
    for (int i = 0; i < PIPES; i++)
        close_pipe(c, i);
    close_fd(&c->pidfd);
    free_strings(c->argv);
    free_strings(c->env);
    mw_free(c->input);
    text_fini(&c->out);
    text_fini(&c->err);
    mw_free(c);
}

/* ---- the copy of a request ------------------------------------------------------------------ */

static uint32_t count_strings(const char *const *s)
{
    uint32_t n = 0;
    while (s && s[n])
        n++;
    return n;
}

static char **copy_strings(const char *const *s, uint32_t room)
{
    char **copy = mw_calloc((size_t)room + 1, sizeof(*copy));
    for (uint32_t i = 0; copy && s && s[i]; i++) {
        copy[i] = mw_strdup(s[i]);
        if (!copy[i]) {
            free_strings(copy);
            return NULL;
        }
    }
    return copy;
}

/* Do both name the same variable? */
static bool same_variable(const char *a, const char *b)
{
    size_t n = strcspn(b, "=");
    return strncmp(a, b, n) == 0 && a[n] == '=';
}

static bool is_replaced(const char *variable, const char *const *added, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (same_variable(variable, added[i]))
            return true;
    return false;
}

static char **make_environment(const char *const *added)
{
    uint32_t more = count_strings(added), at = more;
    uint32_t have = count_strings((const char *const *)environ);
    char **env = copy_strings(added, more + have);
    for (uint32_t i = 0; env && i < have; i++) {
        if (is_replaced(environ[i], added, more))
            continue;
        env[at] = mw_strdup(environ[i]);
        if (!env[at++]) {
            free_strings(env);
            return NULL;
        }
    }
    return env;
}

static struct child *child_new(struct process_run *p, const struct process_request *q)
{
    struct child *c = mw_calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    c->run = p;
    c->pidfd = -1;
    for (int i = 0; i < PIPES; i++)
        c->pipe[i] = -1;
    c->argv = copy_strings(q->argv, count_strings(q->argv));
    c->env = make_environment(q->env);
    c->input = q->input_size > 0 ? mw_strndup(q->input, q->input_size) : NULL;
    c->input_size = q->input_size;
    c->deadline_ns = q->deadline_ns;
    if (!c->argv || !c->env || (q->input_size > 0 && !c->input)) {
        child_free(c);
        return NULL;
    }
    return c;
}

/* ---- the end of a child --------------------------------------------------------------------- */

static void unlink_running(struct process_run *p, struct child *c)
{
    struct child **at = &p->first_running;
    while (*at != c) {
        must(*at != NULL);
        at = &(*at)->next;
    }
    *at = c->next;
    c->next = NULL;
    p->running--;
}

static void wake(struct process_run *p)
{
    const struct timeval now = { 0 };
    if (p->first_waiting)
        (void)event_add(p->wake, &now);
}

static void kill_child(const struct child *c)
{
    if (c->pid == 0)
        return; /* reaped: the number may be another's by now */
    (void)kill(-c->pid, SIGKILL);
    (void)kill(c->pid, SIGKILL); /* before it had a group of its own */
}

/* Reads what is there; false at the end of the pipe. */
static bool read_pipe(struct child *c, int which)
{
    struct text *to = which == PIPE_OUT ? &c->out : &c->err;
    for (;;) {
        ssize_t n = read(c->pipe[which], c->run->buffer, sizeof(c->run->buffer));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 && errno == EAGAIN;
        if (to->length + (size_t)n > PROCESS_OUTPUT_MAX) {
            c->cut = true;
            kill_child(c);
            return false;
        }
        text_add_n(to, c->run->buffer, (size_t)n);
    }
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
    struct child *c = ctx;
    (void)what;
    int which = fd == c->pipe[PIPE_OUT] ? PIPE_OUT : PIPE_ERR;
    must(fd == c->pipe[which]);
    if (!read_pipe(c, which))
        close_pipe(c, which);
}

static void on_writable(evutil_socket_t fd, short what, void *ctx)
{
    struct child *c = ctx;
    (void)what;
    ssize_t n = send(fd, c->input + c->input_at, c->input_size - c->input_at, MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    c->input_at += n > 0 ? (size_t)n : 0;
    if (n < 0 || c->input_at == c->input_size) /* a reader that has gone is its own business */
        close_pipe(c, PIPE_IN);
}

static void on_deadline(evutil_socket_t fd, short what, void *ctx)
{
    struct child *c = ctx;
    (void)fd;
    (void)what;
    c->timed_out = true;
    kill_child(c); /* its end is heard as any other */
}

/* Tells whoever asked, and forgets the child. */
static void report(struct child *c, int exit_code)
{
    const struct process_result r = {
        .exit_code = exit_code, .timed_out = c->timed_out, .cut = c->cut,
        .out = text_string(&c->out), .err = text_string(&c->err),
        .out_size = c->out.length, .err_size = c->err.length };
    c->done(c->ctx, &r);
    child_free(c);
}

static void on_exit_of(evutil_socket_t fd, short what, void *ctx)
{
    struct child *c = ctx;
    siginfo_t info = { 0 };
    (void)fd;
    (void)what;
    if (waitid(P_PIDFD, (id_t)c->pidfd, &info, WEXITED | WNOHANG) != 0 && errno == EINTR)
        return;
    c->pid = 0;
    for (int i = PIPE_OUT; i <= PIPE_ERR; i++)
        if (c->pipe[i] >= 0)
            (void)read_pipe(c, i);
    unlink_running(c->run, c);
    wake(c->run);
    bool whole = info.si_code == CLD_EXITED && !c->cut && !c->out.failed && !c->err.failed;
    report(c, whole ? info.si_status : -1);
}

/* ---- the beginning of a child --------------------------------------------------------------- */

static void not_blocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    must(flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0);
}

/* Pipes: theirs[] are the child's ends.  Its standard input is a socket, so that a child which does
 * not read it costs no SIGPIPE; without input, /dev/null. */
static int open_pipes(struct child *c, int theirs[PIPES])
{
    for (int i = 0; i < PIPES; i++)
        theirs[i] = -1;
    for (int i = 0; i < PIPES; i++) {
        int fd[2];
        if (i == PIPE_IN && !c->input) {
            theirs[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
            if (theirs[i] < 0)
                return errno;
            continue;
        }
        int r = i == PIPE_IN ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd)
                             : pipe2(fd, O_CLOEXEC);
        if (r != 0)
            return errno;
        theirs[i] = fd[1];
        c->pipe[i] = fd[0];
        not_blocking(c->pipe[i]);
    }
    return 0;
}

static int spawn(struct child *c, const int theirs[PIPES])
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    int e = posix_spawn_file_actions_init(&actions);
    if (e != 0)
        return e;
    e = posix_spawnattr_init(&attributes);
    if (e == 0) {
        for (int i = 0; i < PIPES && e == 0; i++)
            e = posix_spawn_file_actions_adddup2(&actions, theirs[i], i);
        (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP |
                                       POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        (void)posix_spawnattr_setpgroup(&attributes, 0);
        (void)posix_spawnattr_setsigmask(&attributes, &none);
        (void)posix_spawnattr_setsigdefault(&attributes, &all);
        if (e == 0)
            e = posix_spawnp(&c->pid, c->argv[0], &actions, &attributes, c->argv, c->env);
        (void)posix_spawnattr_destroy(&attributes);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return e;
}

static struct event *watch(struct child *c, int fd, short what, event_callback_fn heard)
{
    struct event *e = event_new(c->run->base, fd, what, heard, c);
    if (e && event_add(e, NULL) != 0)
        free_event(&e);
    return e;
}

static bool watch_child(struct child *c)
{
    const struct timeval deadline = {
        .tv_sec = c->deadline_ns / MW_NS_PER_S,
        .tv_usec = c->deadline_ns % MW_NS_PER_S / MW_NS_PER_US };
    c->pidfd = pidfd_open(c->pid, 0);
    if (c->pidfd < 0)
        return false;
    c->exit_event = watch(c, c->pidfd, EV_READ | EV_PERSIST, on_exit_of);
    c->pipe_event[PIPE_OUT] = watch(c, c->pipe[PIPE_OUT], EV_READ | EV_PERSIST, on_readable);
    c->pipe_event[PIPE_ERR] = watch(c, c->pipe[PIPE_ERR], EV_READ | EV_PERSIST, on_readable);
    if (c->input)
        c->pipe_event[PIPE_IN] = watch(c, c->pipe[PIPE_IN], EV_WRITE | EV_PERSIST, on_writable);
    c->deadline_event = event_new(c->run->base, -1, 0, on_deadline, c);
    return c->exit_event && c->pipe_event[PIPE_OUT] && c->pipe_event[PIPE_ERR] &&
           (!c->input || c->pipe_event[PIPE_IN]) && c->deadline_event &&
           event_add(c->deadline_event, &deadline) == 0;
}

/* 0 or an errno; then nothing of the child is left but its copy of the request. */
static int launch(struct child *c)
{
    int theirs[PIPES];
    int e = open_pipes(c, theirs);
    if (e == 0)
        e = spawn(c, theirs);
    for (int i = 0; i < PIPES; i++)
        close_fd(&theirs[i]);
    if (e == 0 && !watch_child(c)) {
        kill_child(c);
        (void)waitpid(c->pid, NULL, 0);
        free_event(&c->exit_event);
        free_event(&c->deadline_event);
        close_fd(&c->pidfd);
        e = ENOMEM;
    }
    for (int i = 0; i < PIPES && e != 0; i++)
        close_pipe(c, i);
    if (e == 0) {
        c->next = c->run->first_running;
        c->run->first_running = c;
        c->run->running++;
    }
    return e;
}

static struct child *take_waiting(struct process_run *p)
{
    struct child *c = p->first_waiting;
    p->first_waiting = c->next;
    if (!p->first_waiting)
        p->last_waiting = NULL;
    c->next = NULL;
    p->waiting--;
    return c;
}

static void on_wake(evutil_socket_t fd, short what, void *ctx)
{
    struct process_run *p = ctx;
    (void)fd;
    (void)what;
    while (p->first_waiting && p->running < p->running_max) {
        struct child *c = take_waiting(p);
        int e = launch(c);
        if (e == 0)
            continue;
        text_addf(&c->err, "%s: %s", c->argv[0], strerror(e));
        report(c, -1);
    }
}

static int start_failed(const char *program, int e, struct mw_error *err)
{
    if (e == ENOENT)
        return mw_fail(err, MW_ENOTFOUND, "%s: no such program in PATH", program);
    return mw_fail(err, e == ENOMEM ? MW_ENOMEM : e == EACCES ? MW_EDENIED : MW_ELIMIT,
                   "%s cannot be started: %s", program, strerror(e));
}

static int start(void *self, const struct process_request *q, process_done_fn *done, void *ctx,
                 struct mw_error *err)
{
    struct process_run *p = self;
    must(q->argv && q->argv[0] && done && q->deadline_ns > 0);
    if (p->waiting == PROCESS_QUEUE_MAX)
        return mw_fail(err, MW_ELIMIT, "%s: %d programs wait to be started already", q->argv[0],
                       PROCESS_QUEUE_MAX);
    struct child *c = child_new(p, q);
    if (!c)
        return mw_fail(err, MW_ENOMEM, "%s: out of memory", q->argv[0]);
    c->done = done;
    c->ctx = ctx;
    if (p->running == p->running_max || p->first_waiting) {
        *(p->last_waiting ? &p->last_waiting->next : &p->first_waiting) = c;
        p->last_waiting = c;
        p->waiting++;
        return 0;
    }
    int e = launch(c);
    if (e == 0)
        return 0;
    e = start_failed(q->argv[0], e, err);
    child_free(c);
    return e;
}

/* ---- public --------------------------------------------------------------------------------- */

int process_run_create(struct event_base *base, uint32_t running_max, struct process_run **ret,
                       struct mw_error *err)
{
    must(base && ret);
    if (running_max == 0 || running_max > RUNNING_MAX)
        return mw_fail(err, MW_EINVAL, "%u programs at once: must be 1 to %u", running_max,
                       RUNNING_MAX);
    struct process_run *p = mw_calloc(1, sizeof(*p));
    if (!p)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    p->base = base;
    p->running_max = running_max;
    p->wake = event_new(base, -1, 0, on_wake, p);
    if (!p->wake) {
        mw_free(p);
        return mw_fail(err, MW_ENOMEM, "out of memory");
    }
    *ret = p;
    return 0;
}

void process_run_destroy(struct process_run *p)
{
    if (!p)
        return;
    while (p->first_waiting)
        report(take_waiting(p), -1);
    while (p->first_running) {
        struct child *c = p->first_running;
        unlink_running(p, c);
        kill_child(c);
        (void)waitpid(c->pid, NULL, 0);
        report(c, -1);
    }
    free_event(&p->wake);
    mw_free(p);
}

struct process_port process_run_port(struct process_run *p)
{
    return (struct process_port){ .self = p, .start = start };
}

uint32_t process_run_running(const struct process_run *p)
{
    return p->running;
}

uint32_t process_run_waiting(const struct process_run *p)
{
    return p->waiting;
}
