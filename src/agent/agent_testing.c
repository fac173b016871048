/* Sockets, processes, files; every failure fails the test that runs. */
#include "agent/agent_testing.h"

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

#define WAIT_MS 8000  /* for what has to come; far more than it takes */

/* ---- files and processes ------------------------------------------------------------------- */

const char *testing_path(const struct testing *b, const char *name)
{
    struct testing_paths *p = b->paths;
    char *to = p->path[p->next++ % MW_ARRAY_LEN(p->path)];
    (void)snprintf(to, sizeof(p->path[0]), "%s/%s", b->dir, name);
    return to;
}

void testing_write(const struct testing *b, const char *name, int flags, const char *text)
{
    int fd = open(testing_path(b, name), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
}

void testing_append(const struct testing *b, const char *name, const char *text)
{
    testing_write(b, name, O_APPEND, text);
}

/* As writers should: whole, under its name at once. */
void testing_replace(const struct testing *b, const char *name, const char *text)
{
    testing_write(b, "new.tmp", O_TRUNC, text);
    assert_int_equal(rename(testing_path(b, "new.tmp"), testing_path(b, name)), 0);
}

/* Runs the agent with these arguments; its errors go to the file "errors". */
pid_t testing_spawn(const struct testing *b, const char *const *args)
{
    char *argv[TESTING_ARGS_MAX] = { (char *)(uintptr_t)b->program };
    for (uint32_t i = 0; args[i] != NULL; i++) {
        assert_true(i + 2 < TESTING_ARGS_MAX);
        argv[i + 1] = (char *)(uintptr_t)args[i];
    }
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid != 0)
        return pid;
    int fd = open(testing_path(b, "errors"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd >= 0 && dup2(fd, 1) >= 0 && dup2(fd, 2) >= 0)
        (void)execv(b->program, argv);
    _exit(127);
}

int testing_wait(pid_t pid)
{
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

void testing_errors(const struct testing *b, char *to, size_t size)
{
    int fd = open(testing_path(b, "errors"), O_RDONLY);
    ssize_t n = fd >= 0 ? read(fd, to, size - 1) : -1;
    assert_true(n >= 0);
    to[n] = '\0';
    (void)close(fd);
}

/* ---- the daemon's side --------------------------------------------------------------------- */

void testing_listen(struct testing *b)
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

void testing_give(const struct testing *b, const char *line)
{
    assert_int_equal(send(b->peer, line, strlen(line), MSG_NOSIGNAL), strlen(line));
}

/* The first whole record of what came; reads more until there is one. */
static struct agent_record next_record(struct testing *b)
{
    struct mw_error err = { 0 };
    struct agent_record r;
    int rc;
    while ((rc = agent_record_first(b->in, b->length, &r, &err)) == 0) {
        if (!wait_readable(b->peer))
            fail_msg("no frame came");
        ssize_t n = recv(b->peer, b->in + b->length, sizeof(b->in) - b->length, 0);
        if (n <= 0)
            fail_msg("the agent has gone");
        b->length += (size_t)n;
    }
    if (rc < 0)
        fail_msg("%s", err.text);
    return r;
}

static void take_entry(struct testing *b, const struct sample_entry *e)
{
    if (e->what == SAMPLE_DEFINES) {
        assert_true(b->rows < TESTING_ROWS_MAX);
        b->row[b->rows++] = (struct testing_row){ .metric = e->metric, .instance = e->instance };
        return;
    }
    assert_true(e->row < b->rows);
    b->row[e->row].known = e->what == SAMPLE_VALUE;
    b->row[e->row].value = e->what == SAMPLE_VALUE ? b->row[e->row].value + (int64_t)e->delta : 0;
}

static void take_samples(struct testing *b, const struct agent_record *r)
{
    struct mw_error err = { 0 };
    struct sample_reader reader;
    struct sample_entry e;
    if (sample_reader_open(&reader, r->from, r->size, &err) < 0)
        fail_msg("%s", err.text);
    b->head = reader.head;
    b->samples++;
    for (;;) {
        if (sample_reader_next(&reader, &e, &err) < 0)
            fail_msg("%s", err.text);
        if (e.what == SAMPLE_END)
            return;
        take_entry(b, &e);
    }
}

/* As the daemon does; an agent that gets no answer thinks that it is gone. */
static void answer_clock(const struct testing *b, const struct agent_frame *f)
{
    char line[96];
    (void)snprintf(line, sizeof(line), "clock t0_us=%lld t1_us=%lld\n", (long long)f->t0_us,
                   (long long)f->t0_us + 1);
    testing_give(b, line);
}

bool testing_next(struct testing *b, struct agent_frame *ret)
{
    struct mw_error err = { 0 };
    struct agent_record r = next_record(b);
    bool line = r.kind == AGENT_RECORD_LINE;
    if (!line)
        take_samples(b, &r);
    else if (agent_frame_read((const char *)r.from, r.size, ret, &err) < 0)
        fail_msg("%.*s: %s", (int)r.size, (const char *)r.from, err.text);
    if (line && ret->verb == AGENT_CLOCK)
        answer_clock(b, ret);
    if (!line)
        *ret = (struct agent_frame){ .verb = AGENT_BEAT, .n = UINT64_MAX }; /* it stands for one */
    memmove(b->in, b->in + r.whole, b->length - r.whole);
    b->length -= r.whole;
    return line;
}

bool testing_value(const struct testing *b, uint32_t metric, uint32_t instance, int64_t *ret)
{
    for (uint32_t i = 0; i < b->rows; i++)
        if (b->row[i].metric == metric && b->row[i].instance == instance && b->row[i].known) {
            *ret = b->row[i].value;
            return true;
        }
    return false;
}

/* The next frame of this verb; others are passed over, but not one of `never` (0 = any may). */
struct agent_frame testing_await(struct testing *b, uint8_t verb, uint8_t never)
{
    struct agent_frame f;
    for (int beats = 0; beats < TESTING_BEATS_MAX; beats += f.verb == AGENT_BEAT) {
        (void)testing_next(b, &f);
        if (f.verb == verb)
            return f;
        if (f.verb == never && never != 0)
            fail_msg("%s came before %s", agent_verb_name(never), agent_verb_name(verb));
    }
    fail_msg("no frame %s came", agent_verb_name(verb));
    return f;
}

struct agent_frame testing_meet(struct testing *b)
{
    struct agent_frame f;
    assert_true(wait_readable(b->listener));
    b->peer = accept4(b->listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(b->peer >= 0);
    b->length = 0;
    b->rows = b->samples = 0;
    (void)testing_next(b, &f);
    assert_int_equal(f.verb, AGENT_HELLO);
    testing_give(b, "welcome version=2 beat_ms=50 sample_ms=200\n");
    return f;
}

void testing_hang_up(struct testing *b)
{
    (void)close(b->peer);
    (void)close(b->listener);
    b->peer = b->listener = -1;
}

void testing_kill_watched(struct testing *b)
{
    assert_int_equal(kill(b->watched, SIGKILL), 0);
    assert_int_equal(waitpid(b->watched, NULL, 0), b->watched);
    b->watched = 0;
}

/* ---- around a test -------------------------------------------------------------------------- */

int testing_set_up(void **state)
{
    struct testing *b = *state;
    const char *program = b->program;
    memset(b, 0, sizeof(*b));
    b->program = program;
    b->listener = b->peer = -1;
    b->paths = calloc(1, sizeof(*b->paths));
    assert_non_null(b->paths);
    (void)snprintf(b->dir, sizeof(b->dir), "/tmp/mw-agent-test-XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    static const char *const dirs[] = { "progress", "exits", "checks", "pci", NULL };
    for (const char *const *d = dirs; *d != NULL; d++)
        assert_int_equal(mkdir(testing_path(b, *d), 0700), 0);
    testing_listen(b);
    return 0;
}

int testing_tear_down(void **state)
{
    struct testing *b = *state;
    char command[128];
    if (b->agent > 0) {
        (void)kill(b->agent, SIGKILL);
        (void)waitpid(b->agent, NULL, 0);
    }
    if (b->watched > 0)
        testing_kill_watched(b);
    if (b->listener >= 0 || b->peer >= 0)
        testing_hang_up(b);
    free(b->paths);
    (void)snprintf(command, sizeof(command), "%s", b->dir);
    const char *const rm[] = { "rm", "-rf", command, NULL };
    pid_t pid = fork();
    if (pid == 0) {
        (void)execvp("rm", (char *const *)(uintptr_t)rm);
        _exit(127);
    }
    return pid > 0 && waitpid(pid, NULL, 0) == pid ? 0 : -1;
}
