/* fork, execvp, a pipe, poll. */
#include "agent/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NO_SUCH_PROGRAM 127
#define NOT_PERMITTED 126

static int64_t clock_ms(void)
{
    struct timespec t = { .tv_sec = 0 };
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static _Noreturn void become(const char *const *argv, int out)
{
    int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    (void)setpgid(0, 0);
    if (in < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
        _exit(NOT_PERMITTED);
    (void)execvp(argv[0], (char *const *)(uintptr_t)argv);
    _exit(errno == ENOENT ? NO_SUCH_PROGRAM : NOT_PERMITTED);
}

/* Until the end of the output or the deadline; what does not fit is passed over. */
static bool read_all(int fd, char *to, size_t size, int64_t due_ms, size_t *ret)
{
    char rest[512];
    for (;;) {
        struct pollfd p = { .fd = fd, .events = POLLIN };
        int64_t left = due_ms - clock_ms();
        int ready = left > 0 ? poll(&p, 1, (int)MW_MIN(left, INT32_MAX)) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return false;
        bool full = *ret == size;
        ssize_t n = full ? read(fd, rest, sizeof(rest)) : read(fd, to + *ret, size - *ret);
        if (n <= 0)
            return n == 0;
        *ret += full ? 0 : (size_t)n;
    }
}

int program_run(const char *const *argv, char *to, size_t size, int64_t deadline_ms,
                struct text *ret, struct mw_error *err)
{
    int fd[2], status = 0;
    size_t length = 0;
    must(argv[0] != NULL && deadline_ms > 0);
    if (pipe2(fd, O_CLOEXEC) != 0)
        return mw_fail(err, MW_EIO, "%s: no pipe", argv[0]);
    pid_t pid = fork();
    if (pid == 0)
        become(argv, fd[1]);
    (void)close(fd[1]);
    bool ended = pid > 0 && read_all(fd[0], to, size, clock_ms() + deadline_ms, &length);
    (void)close(fd[0]);
    if (pid < 0)
        return mw_fail(err, MW_EIO, "%s cannot be started: %s", argv[0], strerror(errno));
    if (!ended)
        (void)kill(-pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (!ended)
        return mw_fail(err, MW_ETIMEOUT, "%s took longer than %lld ms", argv[0],
                       (long long)deadline_ms);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NO_SUCH_PROGRAM && length == 0)
        return mw_fail(err, MW_ENOTFOUND, "%s is not installed", argv[0]);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_PERMITTED && length == 0)
        return mw_fail(err, MW_EDENIED, "%s may not be run by this user", argv[0]);
    *ret = text_of(to, length);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    struct text line, words = *ret;
    return mw_fail(err, MW_EIO, "%s failed: %.*s", argv[0],
                   text_line(&words, &line) ? (int)MW_MIN(line.end - line.at, 120) : 0, to);
}
