/* fork, exec, a pipe, a pidfd. */
#include "agent/check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/event.h"

void check_init(struct check *c, const char *program)
{
    *c = (struct check){ .program = program, .pidfd = -1, .out = -1 };
}

static void drain(struct check *c)
{
    char data[512];
    ssize_t n;
    for (uint32_t i = 0; i < 64 && c->out >= 0 && (n = read(c->out, data, sizeof(data))) > 0; i++) {
        size_t keep = MW_MIN((size_t)n, sizeof(c->text) - 1 - c->length);
        memcpy(c->text + c->length, data, keep);
        c->length += keep;
    }
}

/* Ends what runs, with what it started: it has a process group of its own. */
static void put_down(struct check *c)
{
    if (c->pid > 0)
        (void)kill(-c->pid, SIGKILL);
    while (waitpid(-1, NULL, WNOHANG) > 0) /* not waited for: it may hang in the kernel, where no */
        ;                                  /* signal reaches it, and the beats must go on */
    if (c->pidfd >= 0)
        (void)close(c->pidfd);
    if (c->out >= 0)
        (void)close(c->out);
    c->pid = 0;
    c->pidfd = c->out = -1;
}

void check_fini(struct check *c)
{
    put_down(c);
}

static void answer(struct check *c, int64_t now_ms, uint8_t result, const char *text,
                   struct uplink *u)
{
    c->answer = (struct agent_frame){ .verb = AGENT_CHECKED, .n = c->id, .result = result };
    (void)snprintf(c->answer.text, sizeof(c->answer.text), "%s", text);
    uplink_event(u, now_ms, &c->answer);
}

static _Noreturn void become(const struct check *c, int out, const char *class)
{
    char level[16];
    sigset_t none;
    (void)setpgid(0, 0);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (in < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0 ||
        setenv("MW_CHECK_CLASS", class, 1) != 0)
        _exit(127);
    (void)snprintf(level, sizeof(level), "%u", c->level);
    if (c->level > 0 && setenv("MW_CHECK_LEVEL", level, 1) != 0)
        _exit(127);
    const char *const own[] = { "mw-agent", "check", "--class", class,
                                c->level > 0 ? "--level" : NULL, level, NULL };
    const char *const other[] = { c->program, NULL };
    const char *const *argv = c->program != NULL ? other : own;
    (void)execv(c->program != NULL ? c->program : "/proc/self/exe",
                (char *const *)(uintptr_t)argv);
    _exit(127);
}

static bool spawn(struct check *c, const char *class)
{
    int pipe_fd[2];
    if (pipe2(pipe_fd, O_CLOEXEC | O_NONBLOCK) != 0)
        return false;
    c->pid = fork();
    if (c->pid == 0) {
        (void)fcntl(pipe_fd[1], F_SETFL, 0); /* the program's end blocks, as programs expect */
        become(c, pipe_fd[1], class);
    }
    (void)close(pipe_fd[1]);
    c->out = pipe_fd[0];
    if (c->pid > 0) {
        (void)setpgid(c->pid, c->pid); /* also here: it may not have come so far */
        c->pidfd = pidfd_open(c->pid, 0);
    }
    if (c->pid > 0 && c->pidfd >= 0)
        return true;
    put_down(c);
    return false;
}

bool check_start(struct check *c, int64_t now_ms, const struct agent_frame *f, struct uplink *u)
{
    must(f->verb == AGENT_CHECK);
    if (f->n == c->id && c->pid > 0)
        return false;
    if (f->n == c->id && c->answer.verb == AGENT_CHECKED) {
        uplink_event(u, now_ms, &c->answer);
        return false;
    }
    put_down(c);
    c->id = f->n;
    c->level = f->level;
    c->answer.verb = 0;
    c->length = 0;
    c->timed_out = false;
    c->due_ms = now_ms + f->deadline_ms;
    if (!spawn(c, f->name)) {
        answer(c, now_ms, RESULT_UNKNOWN, "the check program could not be started", u);
        return false;
    }
    return true;
}

void check_ended(struct check *c, int64_t now_ms, struct uplink *u)
{
    int status = 0;
    char text[AGENT_TEXT_MAX];
    if (c->pid <= 0 || waitpid(c->pid, &status, WNOHANG) != c->pid)
        return;
    (void)kill(-c->pid, SIGKILL); /* what it left running */
    c->pid = 0;
    drain(c);
    put_down(c);
    c->text[c->length] = '\0';
    uint8_t result = RESULT_UNKNOWN;
    if (c->timed_out)
        (void)snprintf(text, sizeof(text), "killed at its deadline: %s", c->text);
    else if (WIFSIGNALED(status))
        (void)snprintf(text, sizeof(text), "ended by signal %d: %s", WTERMSIG(status), c->text);
    else
        (void)snprintf(text, sizeof(text), "exit %d: %s", WEXITSTATUS(status), c->text);
    if (!c->timed_out && WIFEXITED(status) && WEXITSTATUS(status) == CHECK_WELL)
        result = RESULT_OK;
    else if (!c->timed_out && WIFEXITED(status) && WEXITSTATUS(status) == CHECK_FAILED)
        result = RESULT_FAILED;
    answer(c, now_ms, result, text, u);
}

void check_tick(struct check *c, int64_t now_ms)
{
    if (c->pid <= 0)
        return;
    drain(c);
    if (now_ms < c->due_ms || c->timed_out)
        return;
    c->timed_out = true;
    (void)kill(-c->pid, SIGKILL);
}
