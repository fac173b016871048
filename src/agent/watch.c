/*
 * A program that is killed leaves its pid file behind; one that stops in order
 * removes it first.  That tells a crash, which is said at once, from a restart,
 * which is given a moment.
 */
#include "agent/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/parse.h"

void watch_init(struct watched *w, const struct agent_watch_option *option)
{
    *w = (struct watched){ .option = option, .pidfd = -1 };
}

void watch_fini(struct watched *w)
{
    if (w->pidfd >= 0)
        (void)close(w->pidfd);
    w->pidfd = -1;
}

void watch_again(struct watched *w)
{
    w->said_ms = INT64_MIN / 2;
}

/* pid 0 when there is no file, or it holds no pid yet. */
static struct watch_file read_file(const char *path)
{
    struct watch_file f = { .pid = 0 };
    struct stat s;
    char text[32] = "";
    uint64_t pid;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return f;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    bool ok = n > 0 && fstat(fd, &s) == 0;
    (void)close(fd);
    if (!ok)
        return f;
    text[strcspn(text, " \t\r\n")] = '\0';
    if (mw_parse_u64(text, &pid) < 0 || pid < 1 || pid > INT32_MAX)
        return f;
    return (struct watch_file){ .pid = (pid_t)pid, .ino = s.st_ino, .written = s.st_mtim };
}

static bool same_file(const struct watch_file *a, const struct watch_file *b)
{
    return a->pid == b->pid && a->ino == b->ino && a->written.tv_sec == b->written.tv_sec &&
           a->written.tv_nsec == b->written.tv_nsec;
}

/* A stopped program is not said to be anything: it may be on its way back. */
static void say(struct watched *w, int64_t now_ms, struct uplink *u)
{
    struct agent_frame f = { .verb = AGENT_UNIT, .up = w->state == WATCHED_UP };
    w->said_ms = now_ms;
    if (w->state == WATCHED_UNKNOWN || w->state == WATCHED_STOPPED)
        return;
    (void)snprintf(f.name, sizeof(f.name), "%s", w->option->name);
    uplink_level(u, now_ms, &f);
}

static void become(struct watched *w, uint8_t state, int64_t now_ms, struct uplink *u)
{
    if (w->state == state)
        return;
    w->state = state;
    w->stopped_ms = now_ms;
    say(w, now_ms, u);
}

void watch_ended(struct watched *w, int64_t now_ms, struct uplink *u)
{
    struct watch_file now = read_file(w->option->pid_file);
    if (w->pidfd < 0)
        return;
    watch_fini(w);
    become(w, same_file(&now, &w->file) ? WATCHED_DOWN : WATCHED_STOPPED, now_ms, u);
}

/* The program that the pid file names, when it is not one whose end we know. */
static void find(struct watched *w, int64_t now_ms, struct uplink *u)
{
    struct watch_file f = read_file(w->option->pid_file);
    if (f.pid == 0 || (w->state == WATCHED_DOWN && same_file(&f, &w->file)))
        return;
    w->file = f;
    w->pidfd = pidfd_open(f.pid, 0); /* the descriptor closes on exec by itself */
    if (w->pidfd >= 0)
        become(w, WATCHED_UP, now_ms, u);
    else if (errno == ESRCH) /* ended before we looked, and left its file: killed */
        become(w, WATCHED_DOWN, now_ms, u);
}

bool watch_tick(struct watched *w, int64_t now_ms, struct uplink *u)
{
    bool was = w->pidfd >= 0;
    if (!was)
        find(w, now_ms, u);
    if (w->state == WATCHED_STOPPED && now_ms - w->stopped_ms >= WATCH_STOPPED_MS)
        become(w, WATCHED_DOWN, now_ms, u);
    if (now_ms - w->said_ms >= WATCH_SAY_MS)
        say(w, now_ms, u);
    return !was && w->pidfd >= 0;
}
