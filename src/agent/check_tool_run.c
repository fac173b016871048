/* fork, exec, a pipe, a deadline. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/check_tools.h"

bool tool_found(const char *name)
{
    const char *path = getenv("PATH");
    char full[CHECK_PATH_MAX];
    while (path != NULL && *path != '\0') {
        size_t n = strcspn(path, ":");
        int length = snprintf(full, sizeof(full), "%.*s/%s", (int)n, path, name);
        if (length > 0 && (size_t)length < sizeof(full) && access(full, X_OK) == 0)
            return true;
        path += n + (path[n] == ':' ? 1 : 0);
    }
    return false;
}

int tool_start(const char *const *argv, int *ret_fd)
{
    int fd[2];
    if (pipe2(fd, O_CLOEXEC) != 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (dup2(fd[1], 1) < 0 || dup2(fd[1], 2) < 0)
            _exit(127);
        (void)execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    (void)close(fd[1]);
    if (pid < 0) {
        (void)close(fd[0]);
        return -1;
    }
    *ret_fd = fd[0];
    return pid;
}

/* Reads what comes until the end of the output; false: the deadline came first. */
static bool read_output(struct tool *t, int fd)
{
    char data[4096];
    for (;;) {
        int64_t left = t->deadline_ms - check_clock_ms();
        struct pollfd p = { .fd = fd, .events = POLLIN };
        int n = left > 0 ? poll(&p, 1, (int)MW_MIN(left, 60000)) : 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (left <= 0)
            return false;
        if (n == 0)
            continue;
        ssize_t got = read(fd, data, sizeof(data));
        if (got <= 0)
            return true;
        size_t keep = MW_MIN((size_t)got, TOOL_OUTPUT_MAX - t->length);
        memcpy(t->output + t->length, data, keep);
        t->length += keep;
    }
}

bool tool_run(struct tool *t)
{
    int fd = -1, status = 0;
    pid_t pid = tool_start(t->argv, &fd);
    t->length = 0;
    t->status = -1;
    t->output[0] = '\0';
    if (pid < 0)
        return false;
    bool ended = read_output(t, fd);
    (void)close(fd);
    if (!ended)
        (void)kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    t->output[t->length] = '\0';
    for (size_t i = 0; i < t->length; i++)
        if (t->output[i] == '\0')
            t->output[i] = ' ';
    if (ended && WIFEXITED(status))
        t->status = WEXITSTATUS(status);
    return t->status != 127;
}
