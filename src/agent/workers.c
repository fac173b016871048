/* fork, fexecve, a socket pair; rows that map the worker's numbers to series. */
#include "agent/workers.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct worker_row {
    uint16_t metric;
    uint8_t source;
    bool gone;
    uint32_t instance;
    uint64_t value; /* wraps, as the deltas do */
};

int worker_side_init(struct worker_side *w, const char *name)
{
    *w = (struct worker_side){ .name = name, .fd = -1, .asked = MW_NONE };
    w->row = calloc(WORKER_SERIES_MAX, sizeof(*w->row));
    w->old = calloc(WORKER_SERIES_MAX, sizeof(*w->old));
    return w->row != NULL && w->old != NULL ? 0 : MW_ENOMEM;
}

/* ---- starting and ending -------------------------------------------------------------------- */

static _Noreturn void become_worker(const struct worker_side *w, const struct worker_start *s,
                                    int fd)
{
    char gpus[16];
    const struct source_env *e = s->env;
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)snprintf(gpus, sizeof(gpus), "%u", e->gpus);
    int program = fcntl(s->program, F_DUPFD_CLOEXEC, WORKER_FD + 1);
    int socket = fcntl(fd, F_DUPFD_CLOEXEC, WORKER_FD + 1);
    if (program < 0 || socket < 0 || dup2(socket, WORKER_FD) < 0)
        _exit(127);
    const char *const argv[] = { "mw-agent", "worker", w->name, e->sysfs_root, e->proc_root,
                                 e->dev_root, e->nvml != NULL ? e->nvml : "", gpus, NULL };
    (void)fexecve(program, (char *const *)(uintptr_t)argv, environ);
    _exit(127);
}

static bool start(struct worker_side *w, const struct worker_start *s)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return false;
    pid_t pid = fork();
    if (pid == 0)
        become_worker(w, s, pair[1]);
    (void)close(pair[1]);
    if (pid < 0 || fcntl(pair[0], F_SETFL, O_NONBLOCK) != 0) {
        (void)close(pair[0]);
        return false;
    }
    w->pid = pid;
    w->fd = pair[0];
    w->asked = MW_NONE;
    w->places_told = 0;
    w->opened = 0;
    return true;
}

void worker_side_bury(struct worker_side *w)
{
    for (uint32_t i = 0; i < WORKER_GRAVES_MAX; i++)
        if (w->grave[i] > 0 && (waitpid(w->grave[i], NULL, WNOHANG) != 0))
            w->grave[i] = 0; /* dead, or another waited for it */
}

/* Kills it and does not wait: it may hang where no signal reaches it. */
static void put_down(struct worker_side *w)
{
    uint32_t i = 0;
    if (w->pid <= 0)
        return;
    (void)kill(w->pid, SIGKILL);
    (void)close(w->fd); /* closing takes it out of epoll */
    worker_side_bury(w);
    while (i < WORKER_GRAVES_MAX - 1 && w->grave[i] > 0)
        i++;
    if (waitpid(w->pid, NULL, WNOHANG) == 0)
        w->grave[i] = w->pid;
    w->pid = 0;
    w->fd = -1;
    w->asked = MW_NONE;
}

void worker_side_fini(struct worker_side *w)
{
    put_down(w);
    free(w->row);
    free(w->old);
    w->row = w->old = NULL;
}

static bool has_grave_left(const struct worker_side *w)
{
    for (uint32_t i = 0; i < WORKER_GRAVES_MAX; i++)
        if (w->grave[i] == 0)
            return true;
    return false;
}

bool worker_side_ready(struct worker_side *w, const struct worker_start *s, int64_t now_ms,
                       bool *ret_new)
{
    *ret_new = false;
    if (w->pid > 0)
        return true;
    worker_side_bury(w);
    if (now_ms < w->due_ms || !has_grave_left(w))
        return false;
    *ret_new = start(w, s);
    w->due_ms = now_ms + WORKER_START_MS;
    return *ret_new;
}

/* ---- rows ----------------------------------------------------------------------------------- */

static void forget_rows(struct worker_row *row, uint32_t rows, struct samples *samples,
                        uint32_t source)
{
    for (uint32_t i = 0; i < rows; i++) {
        if (row[i].source != source || row[i].gone)
            continue;
        samples_gone(samples, row[i].metric, row[i].instance);
        row[i].gone = true;
    }
}

void worker_side_forget(struct worker_side *w, struct samples *samples, uint32_t source)
{
    forget_rows(w->old, w->olds, samples, source);
    forget_rows(w->row, w->rows, samples, source);
}

/* The child is no more. Its readings stand until the next child has read their sources. */
static void retire_rows(struct worker_side *w)
{
    for (uint32_t i = 0; i < w->rows && w->olds < WORKER_SERIES_MAX; i++)
        if (!w->row[i].gone)
            w->old[w->olds++] = w->row[i];
    w->rows = 0;
}

static bool says_row(const struct worker_side *w, const struct worker_row *old)
{
    for (uint32_t i = 0; i < w->rows; i++)
        if (w->row[i].metric == old->metric && w->row[i].instance == old->instance)
            return true;
    return false;
}

/* The new child has read a source: what the one before said of it and it does not is gone. */
static void settle_rows(struct worker_side *w, struct samples *samples, uint32_t source)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < w->olds; i++) {
        const struct worker_row *old = &w->old[i];
        if (old->source != source)
            w->old[kept++] = *old;
        else if (!old->gone && !says_row(w, old))
            samples_gone(samples, old->metric, old->instance);
    }
    w->olds = kept;
}

static int take_entry(struct worker_side *w, struct samples *samples,
                      const struct sample_entry *e)
{
    if (e->what == SAMPLE_DEFINES) {
        if (w->rows == WORKER_SERIES_MAX)
            return MW_ELIMIT;
        w->row[w->rows++] = (struct worker_row){ .metric = e->metric, .instance = e->instance,
                                                 .source = (uint8_t)w->asked };
        return 0;
    }
    if (e->row >= w->rows)
        return MW_ECORRUPT;
    struct worker_row *row = &w->row[e->row];
    row->gone = e->what == SAMPLE_GONE;
    if (row->gone) {
        samples_gone(samples, row->metric, row->instance);
        row->value = 0;
        return 0;
    }
    row->value += e->delta;
    samples_put_int(samples, row->metric, row->instance, (int64_t)row->value);
    return 0;
}

static int take_samples(struct worker_side *w, struct samples *samples, const uint8_t *payload,
                        size_t size)
{
    struct sample_reader r;
    struct sample_entry e;
    int rc = sample_reader_open(&r, payload, size, NULL);
    while (rc == 0 && (rc = sample_reader_next(&r, &e, NULL)) == 0 && e.what != SAMPLE_END)
        rc = take_entry(w, samples, &e);
    return rc;
}

/* ---- talking -------------------------------------------------------------------------------- */

bool worker_side_ask(struct worker_side *w, uint32_t index, uint32_t generation,
                     const struct places *places, int64_t now_ms)
{
    const struct worker_request request = { .letter = WORKER_READ, .index = (uint8_t)index,
                                            .now_ms = now_ms };
    must(w->pid > 0 && w->asked == MW_NONE && index < SOURCES_MAX);
    if (w->places_told != generation) {
        struct worker_places p;
        memset(&p, 0, sizeof(p));
        p.letter = WORKER_PLACES;
        p.places = *places;
        if (send(w->fd, &p, sizeof(p), MSG_NOSIGNAL) != (ssize_t)sizeof(p))
            return false;
        w->places_told = generation;
    }
    if (send(w->fd, &request, sizeof(request), MSG_NOSIGNAL) != (ssize_t)sizeof(request))
        return false;
    bool opens = (w->opened & UINT64_C(1) << index) == 0;
    w->asked = index;
    w->due_ms = now_ms + (int64_t)agent_sources[index]->deadline_ms *
                             (opens ? WORKER_OPEN_TIMES : 1);
    return true;
}

static void died(struct worker_side *w, struct samples *samples, struct worker_said *ret)
{
    *ret = (struct worker_said){ .what = WORKER_SAID_DIED, .source = w->asked };
    (void)snprintf(ret->text, sizeof(ret->text), "the %s worker ended while it read this",
                   w->name);
    if (w->asked != MW_NONE)
        worker_side_forget(w, samples, w->asked);
    retire_rows(w);
    put_down(w);
}

static void take_end(struct worker_side *w, struct samples *samples, const char *message,
                     size_t size, struct worker_said *ret)
{
    ret->what = WORKER_SAID_END;
    ret->source = w->asked;
    ret->result = (uint8_t)message[1];
    (void)snprintf(ret->text, sizeof(ret->text), "%.*s", (int)MW_MIN(size - 2, (size_t)255),
                   message + 2);
    w->asked = MW_NONE;
    if (ret->result != WORKER_OK)
        worker_side_forget(w, samples, ret->source);
    else
        w->opened |= UINT64_C(1) << ret->source;
    settle_rows(w, samples, ret->source);
}

void worker_side_take(struct worker_side *w, struct samples *samples, void *buffer, size_t size,
                      struct worker_said *ret)
{
    const char *message = buffer;
    ret->what = WORKER_SAID_NOTHING;
    if (w->fd < 0)
        return;
    ssize_t n = recv(w->fd, buffer, size, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    bool bad = n <= 0 || w->asked == MW_NONE;
    if (!bad && message[0] == WORKER_SAMPLES) {
        bad = take_samples(w, samples, (const uint8_t *)message + 1, (size_t)n - 1) < 0;
        ret->what = WORKER_SAID_FRAME;
        ret->frame.verb = 0; /* readings only */
    } else if (!bad && (message[0] == WORKER_PART || message[0] == WORKER_FINDING)) {
        bad = agent_frame_read(message + 1, (size_t)n - 1, &ret->frame, NULL) < 0;
        ret->what = WORKER_SAID_FRAME;
        ret->finding = message[0] == WORKER_FINDING;
    } else if (!bad && message[0] == WORKER_END && n >= 2) {
        take_end(w, samples, message, (size_t)n, ret);
    } else {
        bad = true;
    }
    if (bad)
        died(w, samples, ret); /* ended, or says what no worker of ours says */
}

uint32_t worker_side_late(struct worker_side *w, struct samples *samples, int64_t now_ms)
{
    uint32_t source = w->asked;
    if (w->pid <= 0 || source == MW_NONE || now_ms < w->due_ms)
        return MW_NONE;
    worker_side_forget(w, samples, source);
    retire_rows(w);
    put_down(w);
    w->killed++;
    w->due_ms = now_ms; /* the others of this worker go on at once */
    return source;
}

void worker_side_rest(struct worker_side *w, int64_t now_ms)
{
    must(w->asked == MW_NONE);
    retire_rows(w);
    put_down(w);
    w->due_ms = now_ms;
}
