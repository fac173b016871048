/* fork, exec, a pipe, a pidfd. */
#include "agent/exec_run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define GIVE_UP_MS 5000 /* after a kill: it is not waited for any longer */

void exec_run_init(struct exec_run *r)
{
    *r = (struct exec_run){ .pidfd = -1, .out = -1 };
}

static void close_both(struct exec_run *r)
{
    if (r->pidfd >= 0)
        (void)close(r->pidfd);
    if (r->out >= 0)
        (void)close(r->out);
    r->pidfd = r->out = -1;
}

void exec_run_fini(struct exec_run *r)
{
    if (r->pid > 0)
        (void)kill(-r->pid, SIGKILL);
    r->pid = 0;
    close_both(r);
}

static _Noreturn void become(const struct exec_argv *a, int out, const char *name,
                             const char *value)
{
    sigset_t none;
    (void)setpgid(0, 0);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (in < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0 || clearenv() != 0 ||
        setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1) != 0 || setenv("LC_ALL", "C", 1) != 0 ||
        (name != NULL && setenv(name, value, 1) != 0) || chdir("/") != 0)
        _exit(127);
    (void)execv(a->argv[0], a->argv);
    (void)!write(2, "it cannot be run", 16);
    _exit(127);
}

int exec_run_start(struct exec_run *r, const struct exec_argv *a, int64_t due_ms,
                   const char *name, const char *value, struct mw_error *err)
{
    int fds[2];
    must(r->pid == 0 && a->argv[0] != NULL);
    exec_run_init(r);
    while (waitpid(-1, NULL, WNOHANG) > 0) /* of those that were given up */
        ;
    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0)
        return mw_fail(err, MW_EIO, "a pipe cannot be made: %s", strerror(errno));
    r->due_ms = due_ms;
    r->pid = fork();
    if (r->pid == 0) {
        (void)fcntl(fds[1], F_SETFL, 0); /* the program's end blocks, as programs expect */
        become(a, fds[1], name, value);
    }
    (void)close(fds[1]);
    r->out = fds[0];
    if (r->pid > 0) {
        (void)setpgid(r->pid, r->pid); /* also here: it may not have come so far */
        r->pidfd = pidfd_open(r->pid, 0);
    }
    if (r->pid > 0 && r->pidfd >= 0)
        return 0;
    int why = errno;
    r->pid = r->pid < 0 ? 0 : r->pid;
    exec_run_fini(r);
    return mw_fail(err, MW_EIO, "a process cannot be made: %s", strerror(why));
}

/* What there is to read: at the end all of it, else so much that the program is not held up. */
static void drain(struct exec_run *r)
{
    char data[1024];
    ssize_t n;
    for (uint32_t i = 0; i < 64 && r->out >= 0; i++) {
        n = read(r->out, data, sizeof(data));
        if (n == 0) {
            (void)close(r->out);
            r->out = -1;
        }
        if (n <= 0)
            return;
        size_t keep = MW_MIN((size_t)n, sizeof(r->text) - 1 - r->length);
        memcpy(r->text + r->length, data, keep);
        r->length += keep;
        r->text[r->length] = '\0';
    }
}

bool exec_run_look(struct exec_run *r, int64_t now_ms)
{
    if (r->pid <= 0)
        return false;
    drain(r);
    if (waitpid(r->pid, &r->status, WNOHANG) == r->pid) {
        (void)kill(-r->pid, SIGKILL); /* what it left running */
        drain(r);
        r->pid = 0;
        close_both(r);
        return true;
    }
    if (now_ms >= r->due_ms && !r->timed_out) {
        r->timed_out = true;
        (void)kill(-r->pid, SIGKILL);
    }
    if (!r->timed_out || now_ms < r->due_ms + GIVE_UP_MS)
        return false;
    r->pid = 0; /* it hangs in the kernel, where no signal reaches it: reaped when it can be */
    close_both(r);
    return true;
}

bool exec_run_was_well(const struct exec_run *r)
{
    return !r->timed_out && WIFEXITED(r->status) && WEXITSTATUS(r->status) == 0;
}

void exec_run_text(const struct exec_run *r, char *to, size_t size)
{
    size_t n = strcspn(r->text, "\r\n");
    int most = (int)MW_MIN(n, size);
    const char *colon = n > 0 ? ": " : "";
    if (r->timed_out)
        (void)snprintf(to, size, "killed at its deadline%s%.*s", colon, most, r->text);
    else if (WIFSIGNALED(r->status))
        (void)snprintf(to, size, "ended by signal %d%s%.*s", WTERMSIG(r->status), colon, most,
                       r->text);
    else
        (void)snprintf(to, size, "exit %d%s%.*s", WEXITSTATUS(r->status), colon, most, r->text);
}
