/* Clocks, limits of the machine, the report.  See measure.h. */
#include "bench/measure.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

static double clock_s(clockid_t id)
{
    struct timespec t;
    must(clock_gettime(id, &t) == 0);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

double measure_wall_s(void)
{
    return clock_s(CLOCK_MONOTONIC);
}

double measure_cpu_s(void)
{
    return clock_s(CLOCK_PROCESS_CPUTIME_ID);
}

double measure_peak_gib(void)
{
    struct rusage u;
    must(getrusage(RUSAGE_SELF, &u) == 0);
    return (double)u.ru_maxrss / (1024.0 * 1024.0);
}

void measure_begin(struct measure *m, const char *name, int argc, char **argv)
{
    *m = (struct measure){ .name = name };
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            m->json = true;
        } else if (strcmp(argv[i], "--quick") == 0) {
            m->quick = true;
        } else if (strcmp(argv[i], "--dir") == 0 && i + 1 < argc) {
            m->dir_wanted = argv[++i];
        } else {
            fprintf(stderr, "usage: %s [--json] [--quick] [--dir DIR]\n", name);
            exit(2);
        }
    }
}

/* ---- the folder ---------------------------------------------------------------------------- */

typedef void file_fn(void *ctx, int dir_fd, const char *name);

static void each_file(const char *path, file_fn *fn, void *ctx)
{
    DIR *d = opendir(path);
    if (!d)
        return;
    for (const struct dirent *e; (e = readdir(d)) != NULL;)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            fn(ctx, dirfd(d), e->d_name);
    (void)closedir(d);
}

static void remove_file(void *ctx, int dir_fd, const char *name)
{
    (void)ctx;
    (void)unlinkat(dir_fd, name, 0);
}

static void remove_folder(void *ctx, int dir_fd, const char *name)
{
    char path[MEASURE_PATH_MAX + 512];
    if (snprintf(path, sizeof(path), "%s/%s", (const char *)ctx, name) >= (int)sizeof(path))
        return;
    each_file(path, remove_file, NULL);
    if (unlinkat(dir_fd, name, AT_REMOVEDIR) < 0)
        (void)unlinkat(dir_fd, name, 0);
}

/* Two levels are as deep as benchmarks go. */
void measure_empty(const char *dir)
{
    char path[MEASURE_PATH_MAX + 64];
    (void)snprintf(path, sizeof(path), "%s", dir);
    each_file(path, remove_folder, path);
}

static void clean(struct measure *m)
{
    if (!m->dir[0])
        return;
    measure_empty(m->dir);
    (void)rmdir(m->dir);
    m->dir[0] = '\0';
}

void measure_fail(struct measure *m, const struct mw_error *err)
{
    clean(m);
    fprintf(stderr, "%s: %s\n", m->name, err->text[0] ? err->text : mw_code_text(err->code));
    exit(1);
}

const char *measure_folder(struct measure *m)
{
    char beside[MEASURE_PATH_MAX - 32] = ".";
    const char *where = m->dir_wanted;
    struct mw_error err = { .text = "" };
    if (m->dir[0])
        return m->dir;
    ssize_t n = where ? 0 : readlink("/proc/self/exe", beside, sizeof(beside) - 1);
    if (n > 0) {
        beside[n] = '\0';
        *strrchr(beside, '/') = '\0';
    }
    (void)snprintf(m->dir, sizeof(m->dir), "%s/scratch-XXXXXX", where ? where : beside);
    if (mkdtemp(m->dir))
        return m->dir;
    (void)mw_fail(&err, MW_EIO, "cannot make %s: %s; name another place with --dir", m->dir,
                  strerror(errno));
    m->dir[0] = '\0';
    measure_fail(m, &err);
}

/* ---- what the machine can do ---------------------------------------------------------------- */

double measure_copy_rate(void)
{
    size_t size = (size_t)128 << 20;
    double best_s = 1e9;
    char *from = mw_calloc(1, size), *to = mw_calloc(1, size);
    must(from && to);
    memset(from, 1, size);
    for (int i = 0; i < 8; i++) {
        double start = measure_cpu_s();
        memcpy(to, from, size);
        best_s = MW_MIN(best_s, measure_cpu_s() - start);
        from[i] = to[size - 1 - (size_t)i]; /* so that the copy is needed */
    }
    mw_free(from);
    mw_free(to);
    return (double)size / best_s;
}

double measure_sync_rate(struct measure *m, size_t size)
{
    char path[MEASURE_PATH_MAX + 16];
    uint32_t count = 0;
    char *block = mw_calloc(1, size);
    (void)snprintf(path, sizeof(path), "%s/sync", measure_folder(m));
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    must(block && fd >= 0);
    double start = measure_wall_s(), took = 0;
    while (took < 1.0 || count < 16) {
        must(write(fd, block, size) == (ssize_t)size && fdatasync(fd) == 0);
        count++;
        took = measure_wall_s() - start;
    }
    (void)close(fd);
    (void)unlink(path);
    mw_free(block);
    return count / took;
}

static void forget_file(void *ctx, int dir_fd, const char *name)
{
    (void)ctx;
    int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)fdatasync(fd);
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    (void)close(fd);
}

void measure_forget(const char *dir)
{
    each_file(dir, forget_file, NULL);
}

static void read_file(void *ctx, int dir_fd, const char *name)
{
    size_t size = (size_t)1 << 20;
    char *block = ctx;
    int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    while (read(fd, block, size) > 0)
        ;
    (void)close(fd);
}

double measure_read_s(const char *dir)
{
    char *block = mw_calloc(1, (size_t)1 << 20);
    must(block);
    measure_forget(dir);
    double start = measure_wall_s();
    each_file(dir, read_file, block);
    double took = measure_wall_s() - start;
    mw_free(block);
    return took;
}

/* ---- the report ----------------------------------------------------------------------------- */

/* 5957311 -> "5.96 M" */
static const char *short_number(double x, char buf[32])
{
    static const struct {
        double from;
        const char *suffix;
    } STEP[] = { { 1e9, " G" }, { 1e6, " M" }, { 1e4, " k" } };
    for (size_t i = 0; i < MW_ARRAY_LEN(STEP); i++)
        if (x >= STEP[i].from) {
            double by = STEP[i].from >= 1e6 ? STEP[i].from : 1e3;
            (void)snprintf(buf, 32, "%.3g%s", x / by, STEP[i].suffix);
            return buf;
        }
    (void)snprintf(buf, 32, x >= 1000 ? "%.0f" : "%.3g", x);
    return buf;
}

static bool met(const struct figure *f)
{
    return f->sense == NO_TARGET || (f->sense == AT_LEAST ? f->value >= f->target
                                                          : f->value <= f->target);
}

static void print_figure(const struct measure *m, const struct figure *f)
{
    char a[32], b[32];
    printf("%-58s %9s %-12s", f->what, short_number(f->value, a), f->unit);
    if (f->sense != NO_TARGET)
        printf(" %s %s %s  %s", f->sense == AT_LEAST ? ">=" : "<=", short_number(f->target, b),
               f->unit, m->quick ? "not judged" : met(f) ? "met" : "MISSED");
    printf("\n");
    if (f->limit > 0)
        printf("  limit  %-49s %9s %-12s ours / limit %.3g\n", f->limit_what,
               short_number(f->limit, a), f->unit, f->value / f->limit);
    if (f->peer > 0)
        printf("  peer   %-49s %9s %-12s ours / peer  %.3g\n", f->peer_what,
               short_number(f->peer, a), f->unit, f->value / f->peer);
    (void)fflush(stdout);
}

void measure_note(const struct measure *m, const char *fmt, ...)
{
    va_list args;
    if (m->json)
        return;
    va_start(args, fmt);
    printf("  ");
    (void)vprintf(fmt, args);
    printf("\n");
    va_end(args);
    (void)fflush(stdout);
}

void measure_add(struct measure *m, const struct figure *f)
{
    must(m->figures < MEASURE_FIGURES_MAX);
    m->figure[m->figures++] = *f;
    if (!m->json)
        print_figure(m, f);
}

static json_t *figure_json(const struct figure *f)
{
    json_t *o = json_pack("{s:s, s:s, s:f, s:s, s:b}", "key", f->key, "what", f->what, "value",
                          f->value, "unit", f->unit, "met", met(f));
    must(o);
    if (f->sense != NO_TARGET)
        (void)json_object_set_new(o, f->sense == AT_LEAST ? "at_least" : "at_most",
                                  json_real(f->target));
    if (f->limit > 0) {
        (void)json_object_set_new(o, "limit", json_real(f->limit));
        (void)json_object_set_new(o, "limit_what", json_string(f->limit_what));
        (void)json_object_set_new(o, "of_limit", json_real(f->value / f->limit));
    }
    if (f->peer > 0) {
        (void)json_object_set_new(o, "peer", json_real(f->peer));
        (void)json_object_set_new(o, "peer_what", json_string(f->peer_what));
        (void)json_object_set_new(o, "of_peer", json_real(f->value / f->peer));
    }
    return o;
}

int measure_end(struct measure *m)
{
    bool all = true;
    json_t *list = json_array();
    must(list);
    for (uint32_t i = 0; i < m->figures; i++) {
        all &= met(&m->figure[i]);
        (void)json_array_append_new(list, figure_json(&m->figure[i]));
    }
    json_t *top = json_pack("{s:s, s:b, s:o}", "bench", m->name, "quick", m->quick, "figures",
                            list);
    must(top);
    if (m->json) {
        (void)json_dumpf(top, stdout, JSON_INDENT(2));
        printf("\n");
    }
    json_decref(top);
    clean(m);
    return all || m->quick ? 0 : 1;
}
