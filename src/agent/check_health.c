/*
 * Level 2, is it well now: what the collector's own sources read, once, judged by
 * the limits of data/sku/limits.csv; the kernel's log since the boot; filesystems;
 * tasks that hang; the clock.  Reads only.
 */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include "agent/check_private.h"
#include "agent/places.h"
#include "agent/source.h"

#define SERIES_MAX 4096
#define PARTS_MAX 256
#define PART_NAME_MAX 40

/* ---- the collector's sources ---------------------------------------------------------------- */

struct named_part {
    uint32_t scope, instance;
    char name[PART_NAME_MAX];
};

struct reading {
    struct samples samples;
    struct named_part part[PARTS_MAX]; /* what sources call their instances */
    uint32_t parts;
    struct places places;
};

static void note_part(void *ctx, const struct agent_frame *f)
{
    static const char *const scopes[] = {
#define X(e, name, doc) name,
        METRIC_SCOPES(X)
#undef X
    };
    struct reading *r = ctx;
    for (uint32_t i = 0; i < MW_ARRAY_LEN(scopes) && r->parts < PARTS_MAX; i++) {
        if (strcmp(scopes[i], f->scope) != 0)
            continue;
        struct named_part *p = &r->part[r->parts++];
        *p = (struct named_part){ .scope = i, .instance = (uint32_t)f->n };
        (void)snprintf(p->name, sizeof(p->name), "%.39s", f->name);
    }
}

static void note_nothing(void *ctx, const struct agent_frame *f)
{
    (void)ctx;
    (void)f;
}

static void part_name(const struct reading *r, const struct metric *m, uint32_t instance,
                      char *to, size_t size)
{
    if (m->scope == SCOPE_HOST) {
        to[0] = '\0';
        return;
    }
    if (m->scope == SCOPE_GPU) {
        (void)snprintf(to, size, "gpu%u", instance);
        return;
    }
    if (m->scope == SCOPE_NVLINK) {
        (void)snprintf(to, size, "gpu%u link %u", instance / METRIC_LINKS_PER_GPU,
                       instance % METRIC_LINKS_PER_GPU);
        return;
    }
    if (m->scope == SCOPE_DISK && instance < r->places.disks) {
        (void)snprintf(to, size, "%s", r->places.disk[instance].name);
        return;
    }
    uint32_t port = m->scope == SCOPE_LANE ? instance / METRIC_LANES_PER_PORT : instance;
    uint32_t scope = m->scope == SCOPE_LANE ? SCOPE_PORT : m->scope;
    for (uint32_t i = r->parts; i > 0; i--)
        if (r->part[i - 1].scope == scope && r->part[i - 1].instance == port) {
            (void)snprintf(to, size, "%s", r->part[i - 1].name);
            return;
        }
    if (scope == SCOPE_PORT && port < r->places.ports)
        (void)snprintf(to, size, "%s", r->places.port[port].name);
    else
        (void)snprintf(to, size, "%u", instance);
}

/* One reading of a metric that a limit is set for. */
static void judge_value(struct check_ctx *c, const struct reading *r, const struct metric *m,
                        uint32_t instance)
{
    int64_t steps;
    char part[PART_NAME_MAX];
    if (!samples_get(&r->samples, m->number, instance, &steps))
        return;
    part_name(r, m, instance, part, sizeof(part));
    check_figure(c, m->name, part, m->unit, metric_real(m, steps));
}

/* Only what somebody expects something of: the rest is the collector's to report. */
static void judge_samples(struct check_ctx *c, const struct reading *r)
{
    static const uint32_t most = 1024; /* instances looked at: GPUs x links, ports x lanes */
    for (uint32_t row = 0; row < metric_count(); row++) {
        const struct metric *m = metric_at(row);
        bool asked = expect_find(c->expect, m->name, "", 0) != NULL;
        for (uint32_t i = 0; asked && i < (m->scope == SCOPE_HOST ? 1 : most); i++)
            judge_value(c, r, m, i);
    }
}

/* Opens, reads, closes one source; what it cannot do is said. */
static void read_source(struct check_ctx *c, const struct source *s, struct reading *r)
{
    const struct source_env env = {
        .sysfs_root = c->o->sysfs_root, .proc_root = c->o->proc_root, .dev_root = c->o->dev_root,
        .nvml = c->o->nvml, .places = &r->places,
    };
    struct source_out out = { .samples = &r->samples, .part = note_part, .finding = note_nothing,
                              .ctx = r };
    struct mw_error err = { 0 };
    void *state = NULL;
    int rc = s->open(&env, &state, &err);
    if (rc == MW_ENOTFOUND)
        return;
    if (rc == 0)
        rc = s->read(state, &env, check_clock_ms(), &out, &err);
    if (rc < 0)
        check_say(c, s->where == WHERE_WORKER_GPU ? VERDICT_FAIL : VERDICT_WARN, "source", s->name,
                  "%.150s", err.text);
    else
        check_say(c, VERDICT_PASS, "source", s->name, "answers");
    if (state != NULL)
        s->close(state);
}

void check_sources(struct check_ctx *c)
{
    struct reading *r = calloc(1, sizeof(*r));
    if (r == NULL || samples_init(&r->samples, SERIES_MAX) < 0) {
        check_say(c, VERDICT_UNKNOWN, "source", "", "out of memory");
        free(r);
        return;
    }
    (void)places_look(&r->places, c->o->sysfs_root, c->o->proc_root);
    for (uint32_t i = 0; agent_sources[i] != NULL && i < SOURCES_MAX; i++)
        read_source(c, agent_sources[i], r);
    judge_samples(c, r);
    samples_fini(&r->samples);
    free(r);
}

/* ---- the kernel's log since the boot -------------------------------------------------------- */

/* Text of a line, and what it means.  Xid codes by themselves: NVIDIA's catalogue (data/xid). */
struct kmsg_word {
    const char *text, *name;
    enum verdict verdict;
};

static const struct kmsg_word kmsg_words[] = {
    { "NVRM: Xid", "kmsg-xid", VERDICT_WARN },
    { "nvidia-nvswitch", "kmsg-sxid", VERDICT_WARN },
    { "Machine check", "kmsg-mce", VERDICT_WARN },
    { "mce: [Hardware Error]", "kmsg-mce", VERDICT_WARN },
    { "Remounting filesystem read-only", "kmsg-read-only", VERDICT_FAIL },
    { "blocked for more than", "kmsg-hung-task", VERDICT_WARN },
    { "Kernel panic", "kmsg-panic", VERDICT_WARN },
    { "AER: Uncorrected (Fatal)", "kmsg-pcie-fatal", VERDICT_FAIL },
    { "GPU has fallen off the bus", "kmsg-gpu-lost", VERDICT_FAIL },
};

/* Xids that leave the GPU unfit until it is reset or exchanged: action RESET_GPU, RESTART_BM or
 * WORKFLOW_XID_48 of NVIDIA's catalogue; the others are the program's, or a reason to look. */
static const uint16_t xids_fatal[] = { 46, 48, 62, 64, 79, 95, 109, 110, 119, 120, 136, 140, 143,
                                       155, 158 };

static uint32_t xid_of(const char *line)
{
    const char *at = strstr(line, "NVRM: Xid");
    at = at != NULL ? strchr(at, ')') : NULL;
    at = at != NULL ? strchr(at, ' ') : NULL;
    return at != NULL ? (uint32_t)strtoul(at, NULL, 10) : 0;
}

/* The log remembers what a reset has long cured; whether a GPU, a link or a filesystem is ill now,
 * the sources say.  So a line is a verdict only for a while, in which the driver may still be
 * dying, and never for a gate, which comes after the cure.  Five minutes: chosen. */
#define KMSG_RECENT_US 300000000ull

/* "6,1234,5678901,-;text": the third field is the time since the boot in us. */
static bool is_recent(const char *line)
{
    const char *at = strchr(line, ',');
    at = at != NULL ? strchr(at + 1, ',') : NULL;
    uint64_t us = at != NULL ? strtoull(at + 1, NULL, 10) : 0;
    return us + KMSG_RECENT_US >= (uint64_t)check_clock_ns() / 1000;
}

static enum verdict verdict_of(const struct check_ctx *c, const struct kmsg_word *w,
                               const char *line)
{
    uint32_t xid = xid_of(line);
    enum verdict v = w->verdict;
    for (uint32_t i = 0; xid > 0 && i < MW_ARRAY_LEN(xids_fatal); i++)
        if (xids_fatal[i] == xid)
            v = VERDICT_FAIL;
    bool stands = is_recent(line) && c->o->class[0] == '\0';
    return v == VERDICT_FAIL && !stands ? VERDICT_WARN : v;
}

struct kmsg_found {
    uint32_t lines;
    enum verdict verdict;
    char first[120];
};

static void take_line(const struct check_ctx *c, struct kmsg_found *found,
                      const char *line)
{
    for (uint32_t i = 0; i < MW_ARRAY_LEN(kmsg_words); i++) {
        const struct kmsg_word *w = &kmsg_words[i];
        if (strstr(line, w->text) == NULL)
            continue;
        struct kmsg_found *f = &found[i];
        enum verdict v = verdict_of(c, w, line);
        if (f->lines++ == 0 || (v == VERDICT_FAIL && f->verdict != VERDICT_FAIL)) {
            const char *text = strchr(line, ';');
            (void)snprintf(f->first, sizeof(f->first), "%.119s", text != NULL ? text + 1 : line);
            f->first[strcspn(f->first, "\n")] = '\0';
            f->verdict = v;
        }
    }
}

void check_kmsg(struct check_ctx *c)
{
    struct kmsg_found found[MW_ARRAY_LEN(kmsg_words)] = { { .lines = 0 } };
    char path[CHECK_PATH_MAX], line[8192];
    (void)snprintf(path, sizeof(path), "%s/dev/kmsg", c->o->dev_root);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n;
    uint32_t seen = 0;
    if (fd < 0) {
        check_say(c, VERDICT_ABSENT, "kmsg", "", "the kernel's log may not be read here");
        return;
    }
    FILE *text = c->o->dev_root[0] != '\0' ? fdopen(fd, "r") : NULL; /* tests: lines of a file */
    while (text != NULL && seen < 1u << 20 && fgets(line, sizeof(line), text) != NULL) {
        take_line(c, found, line);
        seen++;
    }
    while (text == NULL && seen < 1u << 20 && (n = read(fd, line, sizeof(line) - 1)) > 0) {
        line[n] = '\0';
        take_line(c, found, line);
        seen++;
    }
    if (text != NULL)
        (void)fclose(text);
    else
        (void)close(fd);
    bool any = false;
    for (uint32_t i = 0; i < MW_ARRAY_LEN(kmsg_words); i++)
        if (found[i].lines > 0) {
            any = true;
            check_say(c, found[i].verdict, kmsg_words[i].name, "", "%u since the boot: %s",
                      found[i].lines, found[i].first);
        }
    if (!any)
        check_say(c, seen > 0 ? VERDICT_PASS : VERDICT_ABSENT, "kmsg", "", "%u lines, no fault",
                  seen);
}

/* ---- filesystems ---------------------------------------------------------------------------- */

static bool is_disk(const char *type)
{
    static const char *const types[] = { "ext4", "xfs", "btrfs", "ext3", "ext2", "zfs", "overlay" };
    for (uint32_t i = 0; i < MW_ARRAY_LEN(types); i++)
        if (strcmp(type, types[i]) == 0)
            return true;
    return false;
}

static void filesystem(struct check_ctx *c, const char *where, const char *options)
{
    struct statvfs s;
    char part[40];
    (void)snprintf(part, sizeof(part), "%.39s", where);
    bool was_writable = strncmp(options, "rw", 2) == 0;
    if (statvfs(where, &s) != 0 || s.f_blocks == 0)
        return;
    if (was_writable && (s.f_flag & ST_RDONLY) != 0)
        check_say(c, VERDICT_FAIL, "fs-read-only", part, "it was writable");
    if (!was_writable)
        return;
    check_figure(c, "fs-free", part, "%", 100.0 * (double)s.f_bavail / (double)s.f_blocks);
    if (s.f_files > 0)
        check_figure(c, "fs-inodes-free", part, "%", 100.0 * (double)s.f_ffree / (double)s.f_files);
}

void check_filesystems(struct check_ctx *c)
{
    char path[CHECK_PATH_MAX], line[1024], where[256], type[32], options[256];
    uint32_t seen = 0;
    (void)snprintf(path, sizeof(path), "%s/proc/mounts", c->o->proc_root);
    FILE *f = fopen(path, "re");
    while (f != NULL && seen < 256 && fgets(line, sizeof(line), f) != NULL) {
        if (sscanf(line, "%*255s %255s %31s %255s", where, type, options) != 3 || !is_disk(type))
            continue;
        seen++;
        filesystem(c, where, options);
    }
    if (f != NULL)
        (void)fclose(f);
}

/* ---- tasks that hang ------------------------------------------------------------------------ */

struct tasks {
    struct check_ctx *c;
    uint32_t blocked;
    char first[48];
};

static void task(void *ctx, const char *name)
{
    struct tasks *t = ctx;
    char path[64], text[256];
    if (name[0] < '0' || name[0] > '9')
        return;
    (void)snprintf(path, sizeof(path), "/proc/%.16s/stat", name);
    if (check_read(t->c->o->proc_root, path, text, sizeof(text)) <= 0)
        return;
    const char *end = strrchr(text, ')');
    if (end == NULL || strncmp(end, ") D", 3) != 0)
        return;
    if (t->blocked++ == 0)
        (void)snprintf(t->first, sizeof(t->first), "%.*s", (int)MW_MIN(end - text + 1, 40), text);
}

/* State D is ordinary for a moment: a task counts when it is so in three looks, 200 ms apart. */
void check_tasks(struct check_ctx *c)
{
    uint32_t least = UINT32_MAX;
    struct tasks t = { .c = c };
    for (uint32_t i = 0; i < 3 && least > 0; i++) {
        if (i > 0)
            (void)usleep(200000);
        t = (struct tasks){ .c = c };
        check_each(c->o->proc_root, "/proc", task, &t);
        least = MW_MIN(least, t.blocked);
    }
    check_figure(c, "tasks-blocked", "", "", least);
    if (least > 0)
        check_say(c, VERDICT_WARN, "tasks-blocked", t.first, "in state D at each of three looks");
}

/* ---- the clock ------------------------------------------------------------------------------ */

void check_time(struct check_ctx *c)
{
    struct timex t = { 0 };
    int state = adjtimex(&t);
    if (state < 0) {
        check_say(c, VERDICT_UNKNOWN, "clock", "", "the kernel does not say");
        return;
    }
    check_word(c, "clock", "", state == TIME_ERROR || (t.status & STA_UNSYNC) != 0 ? "unsynced"
                                                                                  : "synced");
    if ((t.status & STA_UNSYNC) == 0)
        check_figure(c, "clock-error", "", "ms", (double)t.maxerror / 1000);
}
