/* See the header. */
#include "agent/exec_testing.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/commands.h"

#define PAUSE_US 5000

struct exec_paths {
    char path[8][160];
    uint32_t next;
};

const char *exec_path(const struct exec_bench *b, const char *name)
{
    struct exec_paths *p = b->paths;
    char *to = p->path[p->next++ % MW_ARRAY_LEN(p->path)];
    (void)snprintf(to, sizeof(p->path[0]), "%s/%s", b->dir, name);
    return to;
}

void exec_write(const struct exec_bench *b, const char *name, const char *text, int mode)
{
    int fd = open(exec_path(b, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, (mode_t)mode), 0);
    assert_int_equal(close(fd), 0);
}

void exec_script(const struct exec_bench *b, const char *name, const char *body)
{
    char text[2048];
    (void)snprintf(text, sizeof(text), "#!/bin/sh\nD=%s\n%s\n", b->dir, body);
    exec_write(b, name, text, 0700);
}

uint32_t exec_lines(const struct exec_bench *b, const char *name)
{
    FILE *f = fopen(exec_path(b, name), "re");
    uint32_t n = 0;
    for (int c; f != NULL && (c = getc(f)) != EOF;)
        n += c == '\n';
    if (f != NULL)
        (void)fclose(f);
    return n;
}

void exec_until_file(const struct exec_bench *b, const char *name)
{
    for (int64_t us = 0; access(exec_path(b, name), F_OK) != 0; us += PAUSE_US) {
        assert_true(us < EXEC_WAIT_MS * INT64_C(1000));
        (void)usleep(PAUSE_US);
    }
}

void exec_policy(const struct exec_bench *b, const char *text)
{
    char made[8192];
    size_t n = (size_t)snprintf(made, sizeof(made), "user = %u\n", (unsigned)geteuid());
    for (const char *s = text; *s != '\0'; s++) {
        assert_true(n + sizeof(b->dir) < sizeof(made));
        if (*s == '@')
            n += (size_t)snprintf(made + n, sizeof(made) - n, "%s", b->dir);
        else
            made[n++] = *s;
    }
    made[n] = '\0';
    exec_write(b, "exec.conf", made, 0600);
}

void exec_bench_open(struct exec_bench *b)
{
    *b = (struct exec_bench){ .dir = "/tmp/mw-exec-XXXXXX", .peer = -1, .boot = "boot-a" };
    b->paths = calloc(1, sizeof(*b->paths));
    assert_non_null(b->paths);
    assert_non_null(mkdtemp(b->dir));
    assert_int_equal(mkdir(exec_path(b, "state"), 0700), 0);
}

static pid_t spawn(const struct exec_bench *b)
{
    char *argv[] = { "exec", "--policy", (char *)(uintptr_t)exec_path(b, "exec.conf"),
                     "--socket", (char *)(uintptr_t)exec_path(b, "sock"),
                     "--state", (char *)(uintptr_t)exec_path(b, "state"),
                     "--boot-id", (char *)(uintptr_t)b->boot, NULL };
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid != 0)
        return pid;
    int fd = open(exec_path(b, "log"), O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd >= 0 && dup2(fd, 2) >= 0)
        _exit(exec_main((int)MW_ARRAY_LEN(argv) - 1, argv));
    _exit(127);
}

void exec_start(struct exec_bench *b)
{
    (void)unlink(exec_path(b, "sock"));
    b->executor = spawn(b);
    exec_until_file(b, "sock");
}

int exec_start_fails(struct exec_bench *b)
{
    int status = -1;
    pid_t pid = spawn(b);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

void exec_kill(struct exec_bench *b, int signal)
{
    if (b->executor > 0) {
        assert_int_equal(kill(b->executor, signal), 0);
        assert_int_equal(waitpid(b->executor, NULL, 0), b->executor);
    }
    if (b->peer >= 0)
        (void)close(b->peer);
    b->executor = 0;
    b->peer = -1;
    b->length = 0;
}

void exec_bench_close(struct exec_bench *b)
{
    int status = -1;
    exec_kill(b, SIGKILL);
    pid_t pid = fork();
    if (pid == 0)
        (void)execl("/bin/rm", "rm", "-r", b->dir, (char *)NULL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    free(b->paths);
}

void exec_connect(struct exec_bench *b, struct agent_frame *ret_greeting)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", exec_path(b, "sock"));
    if (b->peer >= 0)
        (void)close(b->peer);
    b->length = 0;
    b->peer = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(b->peer >= 0);
    for (int64_t us = 0; connect(b->peer, (struct sockaddr *)&at, sizeof(at)) != 0;
         us += PAUSE_US) { /* bound, and not listening yet */
        assert_true(us < EXEC_WAIT_MS * INT64_C(1000));
        (void)usleep(PAUSE_US);
    }
    exec_hear(b, ret_greeting);
    assert_int_equal(ret_greeting->verb, AGENT_SOURCE);
}

void exec_send(struct exec_bench *b, const struct agent_frame *f)
{
    char line[AGENT_FRAME_MAX + 1];
    size_t n = agent_frame_write(f, line, sizeof(line));
    assert_true(n > 0);
    assert_int_equal(send(b->peer, line, n, MSG_NOSIGNAL), n);
}

void exec_hear(struct exec_bench *b, struct agent_frame *ret)
{
    struct mw_error err;
    char *end;
    while ((end = memchr(b->in, '\n', b->length)) == NULL) {
        struct pollfd p = { .fd = b->peer, .events = POLLIN };
        assert_int_equal(poll(&p, 1, EXEC_WAIT_MS), 1);
        ssize_t n = recv(b->peer, b->in + b->length, sizeof(b->in) - b->length, 0);
        assert_true(n > 0);
        b->length += (size_t)n;
    }
    assert_int_equal(agent_frame_read(b->in, (size_t)(end - b->in), ret, &err), 0);
    b->length -= (size_t)(end + 1 - b->in);
    memmove(b->in, end + 1, b->length);
}

void exec_hears_nothing(struct exec_bench *b)
{
    struct pollfd p = { .fd = b->peer, .events = POLLIN };
    assert_int_equal(b->length, 0);
    assert_int_equal(poll(&p, 1, 300), 0);
}

struct agent_frame exec_ask(struct exec_bench *b, const struct agent_frame *f)
{
    struct agent_frame answer;
    exec_send(b, f);
    exec_hear(b, &answer);
    assert_int_equal(answer.n, f->n);
    assert_int_equal(answer.verb, f->verb == AGENT_ACT ? AGENT_ACTED : AGENT_CHECKED);
    return answer;
}

struct agent_frame exec_act(uint64_t id, const char *step, int32_t gpu, const char *name)
{
    struct agent_frame f = { .verb = AGENT_ACT, .n = id, .gpu = gpu, .lease_ms = 60000 };
    (void)snprintf(f.action, sizeof(f.action), "%s", step);
    (void)snprintf(f.name, sizeof(f.name), "%s", name);
    return f;
}
