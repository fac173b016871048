/* A table of what was asked, and one connection that comes and goes. */
#include "agent/exec_link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "core/event.h"

static int64_t boot_ms(void)
{
    struct timespec t = { 0 };
    (void)clock_gettime(CLOCK_BOOTTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- saying -------------------------------------------------------------------------------- */

static void say_source(struct exec_link *l, enum agent_source_state state, const char *text)
{
    struct agent_frame *f = &l->source;
    if (f->verb == AGENT_SOURCE && f->state == state && strcmp(f->text, text) == 0)
        return;
    *f = (struct agent_frame){ .verb = AGENT_SOURCE, .state = (uint8_t)state, .gpu = -1,
                               .name = "executor" };
    (void)snprintf(f->text, sizeof(f->text), "%.200s", text);
    l->port.level(l->port.ctx, f);
}

static void drop(struct exec_link *l, const char *why)
{
    if (l->fd >= 0)
        (void)close(l->fd);
    l->fd = -1;
    l->up = l->checks = l->wants_write = false;
    l->in_length = l->out_length = 0;
    l->retry_ms = boot_ms() + EXEC_LINK_RETRY_MS;
    say_source(l, AGENT_SOURCE_SILENT, why);
}

static void flush(struct exec_link *l)
{
    while (l->fd >= 0 && l->out_length > 0) {
        ssize_t n = send(l->fd, l->out, l->out_length, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            break;
        if (n <= 0) {
            drop(l, "the executor has closed its socket");
            return;
        }
        l->out_length -= (size_t)n;
        memmove(l->out, l->out + n, l->out_length);
    }
    l->wants_write = l->out_length > 0;
}

/* What it was asked, with what is left of the lease. */
static void hand(struct exec_link *l, struct exec_wait *w, int64_t now_ms)
{
    struct agent_frame f = { .verb = w->verb, .n = w->id, .gpu = w->gpu, .level = w->level,
                             .deadline_ms = w->deadline_ms };
    f.lease_ms = MW_MAX(w->lease_due_ms - now_ms, 0);
    (void)snprintf(f.action, sizeof(f.action), "%s", w->action);
    (void)snprintf(f.name, sizeof(f.name), "%s", w->name);
    size_t n = agent_frame_write(&f, l->out + l->out_length, sizeof(l->out) - l->out_length);
    if (n == 0)
        return; /* the next tick tries it again */
    l->out_length += n;
    w->handed = true;
    flush(l);
}

static void answer(struct exec_link *l, struct exec_wait *w, uint8_t result, const char *text)
{
    bool check = w->verb == AGENT_CHECK;
    struct agent_frame f = { .verb = check ? AGENT_CHECKED : AGENT_ACTED, .n = w->id,
                             .result = result, .gpu = -1, .level = check ? w->level : 0 };
    (void)snprintf(f.text, sizeof(f.text), "%s", text);
    if (check)
        (void)snprintf(f.name, sizeof(f.name), "%s", w->name);
    w->id = 0;
    l->port.event(l->port.ctx, &f);
}

/* ---- hearing ------------------------------------------------------------------------------- */

static struct exec_wait *find(struct exec_link *l, uint8_t verb, uint64_t id)
{
    for (uint32_t i = 0; i < EXEC_LINK_WAITS; i++)
        if (l->wait[i].id == id && l->wait[i].verb == verb)
            return &l->wait[i];
    return NULL;
}

static void greeted(struct exec_link *l, const struct agent_frame *f)
{
    int64_t now_ms = boot_ms();
    l->up = true;
    l->checks = strstr(f->text, "checks=yes") != NULL;
    say_source(l, AGENT_SOURCE_OK, f->text);
    for (uint32_t i = 0; i < EXEC_LINK_WAITS && l->fd >= 0; i++)
        if (l->wait[i].id != 0)
            hand(l, &l->wait[i], now_ms);
}

static void on_line(struct exec_link *l, const char *line, size_t size)
{
    struct agent_frame f;
    if (agent_frame_read(line, size, &f, NULL) < 0)
        return; /* of a later version */
    if (f.verb == AGENT_SOURCE) {
        greeted(l, &f);
    } else if (f.verb == AGENT_ACTED || f.verb == AGENT_CHECKED) {
        struct exec_wait *w = find(l, f.verb == AGENT_ACTED ? AGENT_ACT : AGENT_CHECK, f.n);
        if (w != NULL)
            w->id = 0;
        if (w != NULL)
            l->port.event(l->port.ctx, &f);
    }
}

static void on_readable(struct exec_link *l)
{
    ssize_t n = recv(l->fd, l->in + l->in_length, sizeof(l->in) - l->in_length, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        drop(l, l->up ? "the executor has ended" : "the executor does not take this user");
        return;
    }
    l->in_length += (size_t)n;
    for (char *end; l->fd >= 0 && (end = memchr(l->in, '\n', l->in_length)) != NULL;) {
        size_t size = (size_t)(end - l->in);
        on_line(l, l->in, size);
        if (l->fd < 0)
            return;
        l->in_length -= size + 1;
        memmove(l->in, end + 1, l->in_length);
    }
    if (l->in_length == sizeof(l->in))
        drop(l, "the executor speaks another protocol");
}

static void try_connect(struct exec_link *l)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    size_t n = strlen(l->path);
    l->retry_ms = boot_ms() + EXEC_LINK_RETRY_MS;
    if (n >= sizeof(at.sun_path))
        return;
    memcpy(at.sun_path, l->path, n + 1);
    l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (l->fd < 0)
        return;
    l->sockets++;
    if (connect(l->fd, (struct sockaddr *)&at, sizeof(at)) == 0)
        return; /* it greets, or closes */
    bool none = errno == ENOENT || errno == ECONNREFUSED;
    (void)close(l->fd);
    l->fd = -1;
    say_source(l, none ? AGENT_SOURCE_ABSENT : AGENT_SOURCE_SILENT,
               none ? "no executor listens" : "the executor's socket cannot be used");
}

/* ---- public -------------------------------------------------------------------------------- */

void exec_link_init(struct exec_link *l, const char *path, const struct exec_link_port *port)
{
    must(l != NULL && port != NULL && port->event != NULL && port->level != NULL);
    memset(l, 0, sizeof(*l));
    l->path = path;
    l->port = *port;
    l->fd = -1;
}

void exec_link_fini(struct exec_link *l)
{
    if (l->fd >= 0)
        (void)close(l->fd);
    l->fd = -1;
}

bool exec_link_take(struct exec_link *l, const struct agent_frame *f)
{
    struct exec_wait *w = find(l, f->verb, f->n), one = { .id = f->n, .verb = f->verb };
    int64_t now_ms = boot_ms();
    must(f->verb == AGENT_ACT || f->verb == AGENT_CHECK);
    if (f->verb == AGENT_CHECK && !l->checks && w == NULL)
        return false;
    if (w == NULL)
        w = find(l, 0, 0);
    if (w != NULL && w->id != 0) {
        if (l->up)
            hand(l, w, now_ms); /* asked again: its answer may have been lost on the way */
        return true;
    }
    one.gpu = f->gpu;
    one.level = f->level;
    one.deadline_ms = f->deadline_ms;
    one.lease_due_ms = now_ms + MW_MIN(f->lease_ms, INT64_C(86400) * 1000);
    (void)snprintf(one.action, sizeof(one.action), "%s", f->action);
    (void)snprintf(one.name, sizeof(one.name), "%s", f->name);
    if (w == NULL || l->path == NULL) {
        answer(l, &one, f->verb == AGENT_CHECK ? RESULT_UNKNOWN : RESULT_FAILED,
               w == NULL ? "not begun: too much is asked at once"
                         : "not begun: this agent has no executor (mw-agent --exec-socket)");
        return true;
    }
    *w = one;
    if (l->up)
        hand(l, w, now_ms);
    return true;
}

void exec_link_ready(struct exec_link *l)
{
    if (l->fd >= 0)
        flush(l);
    if (l->fd >= 0)
        on_readable(l);
}

/* Nobody can have it: it is not begun.  A check without its executor is a person's. */
static void expire(struct exec_link *l, struct exec_wait *w, int64_t now_ms)
{
    bool check = w->verb == AGENT_CHECK;
    if (w->id == 0 || w->handed || (!check && now_ms < w->lease_due_ms))
        return;
    if (!check)
        answer(l, w, RESULT_FAILED, "not begun: no executor took it within its lease");
    else if (!l->up)
        answer(l, w, RESULT_UNKNOWN, "the executor went away before it took the check");
}

void exec_link_tick(struct exec_link *l)
{
    int64_t now_ms = boot_ms();
    if (l->path == NULL)
        return;
    if (l->fd < 0 && now_ms >= l->retry_ms)
        try_connect(l);
    for (uint32_t i = 0; i < EXEC_LINK_WAITS; i++) {
        struct exec_wait *w = &l->wait[i];
        if (w->id != 0 && !w->handed && l->up)
            hand(l, w, now_ms);
        expire(l, w, now_ms);
    }
}

void exec_link_again(struct exec_link *l)
{
    if (l->source.verb == AGENT_SOURCE)
        l->port.level(l->port.ctx, &l->source);
}
