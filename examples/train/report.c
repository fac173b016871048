#include "report.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "files.h"

static int64_t clock_ns(clockid_t which)
{
    struct timespec t;
    clock_gettime(which, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t report_now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

/* The folder that a variable names; "%n" in it is the node: a test site has all on one machine. */
static int folder_of(const struct report *r, const char *variable, char *to, size_t size)
{
    const char *value = getenv(variable);
    if (value == NULL || value[0] == '\0')
        return 0;
    const char *node = strstr(value, "%n");
    int head = node == NULL ? (int)strlen(value) : (int)(node - value);
    int n = snprintf(to, size, "%.*s%s%s", head, value, node == NULL ? "" : r->settings->node,
                     node == NULL ? "" : node + 2);
    return n > 0 && (size_t)n < size;
}

void report_open(struct report *r, const struct settings *s)
{
    char path[FILES_PATH];
    *r = (struct report){.settings = s};
    snprintf(path, sizeof path, "%s/phases-%d.log", s->dir, s->group.rank);
    r->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

static void write_phase(struct report *r, const char *phase, uint64_t step, const char *more)
{
    char line[400];
    const struct settings *s = r->settings;
    int n = snprintf(line, sizeof line,
                     "utc_ns=%lld mono_ns=%lld job=%s restart=%u rank=%d node=%s pid=%ld "
                     "phase=%s step=%llu %s\n",
                     (long long)clock_ns(CLOCK_REALTIME), (long long)report_now_ns(), s->job,
                     s->restart, s->group.rank, s->node, (long)getpid(), phase,
                     (unsigned long long)step, more);
    if (r->fd >= 0 && n > 0 && write(r->fd, line, (size_t)n) != n) {
        close(r->fd); /* a full disk: no half lines */
        r->fd = -1;
    }
}

void report_phase(struct report *r, const char *phase, uint64_t step, int code)
{
    char more[32];
    snprintf(more, sizeof more, "code=%d", code);
    write_phase(r, phase, step, more);
}

void report_saved(struct report *r, uint64_t step, int64_t took_ns)
{
    char more[64];
    r->saved = step;
    r->checkpoint_ns = took_ns;
    snprintf(more, sizeof more, "code=0 took_ns=%lld", (long long)took_ns);
    write_phase(r, "saved", step, more);
    report_progress(r, step, 1);
}

void report_progress(struct report *r, uint64_t step, int now)
{
    char folder[FILES_PATH], text[200];
    int64_t t = report_now_ns();
    if (r->settings->group.rank != 0 || (!now && t - r->noted_ns < 100000000) ||
        !folder_of(r, "MW_PROGRESS_DIR", folder, sizeof folder))
        return;
    struct problem unread;
    snprintf(text, sizeof text, "restart=%u step=%llu saved=%llu step_ms=%lld checkpoint_ms=%lld\n",
             r->settings->restart, (unsigned long long)step, (unsigned long long)r->saved,
             (long long)(r->step_ns / 1000000), (long long)(r->checkpoint_ns / 1000000));
    files_note(folder, r->settings->job, text, &unread);
    r->noted_ns = t;
}

void report_end(struct report *r, uint64_t step, int code)
{
    report_phase(r, "ended", step, code);
    char folder[FILES_PATH];
    if (code != END_DONE && folder_of(r, "MW_EXITS_DIR", folder, sizeof folder)) {
        char name[64], text[100];
        struct problem unread;
        snprintf(name, sizeof name, "%s.%d", r->settings->job, r->settings->group.rank);
        snprintf(text, sizeof text, "job=%s rank=%d code=%d signal=0\n", r->settings->job,
                 r->settings->group.rank, code);
        files_note(folder, name, text, &unread);
    }
    if (r->fd >= 0)
        close(r->fd);
    r->fd = -1;
}
