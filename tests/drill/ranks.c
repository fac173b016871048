#include "tests/drill/ranks.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"

void ranks_sleep_ms(int ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL);
}

static void path_of(const struct ranks *r, const char *name, char *to)
{
    int n = snprintf(to, RANKS_PATH + 64, "%s/%s", r->dir, name);
    must(n > 0 && n < RANKS_PATH + 64);
}

void ranks_init(struct ranks *r, const char *program, int count)
{
    const char *tmp = getenv("TMPDIR");
    must(count > 0 && count <= RANKS_MAX);
    *r = (struct ranks){.program = program, .count = count};
    snprintf(r->dir, sizeof r->dir, "%s/mw-train-XXXXXX", tmp == NULL ? "/tmp" : tmp);
    must(mkdtemp(r->dir) != NULL);
}

void ranks_fini(struct ranks *r)
{
    for (int i = 0; i < r->count; i++)
        if (r->pid[i] > 0) {
            kill(r->pid[i], SIGKILL);
            waitpid(r->pid[i], NULL, 0);
        }
    DIR *d = opendir(r->dir);
    must(d != NULL);
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        char path[RANKS_PATH + 64];
        path_of(r, e->d_name, path);
        if (e->d_name[0] != '.' || strlen(e->d_name) > 2)
            unlink(path);
    }
    closedir(d);
    rmdir(r->dir);
}

static void become(const struct ranks *r, int rank, const char *const *options)
{
    char *argv[RANKS_ARGS], number[16], of[16], path[RANKS_PATH + 64];
    int n = 0;
    snprintf(number, sizeof number, "%d", rank);
    snprintf(of, sizeof of, "%d", r->count);
    const char *ours[] = {r->program, "--dir", r->dir, "--rank", number, "--ranks", of};
    for (int i = 0; i < 7; i++)
        argv[n++] = (char *)(uintptr_t)ours[i];
    for (; *options != NULL && n < RANKS_ARGS - 1; options++)
        argv[n++] = (char *)(uintptr_t)*options;
    argv[n] = NULL;
    path_of(r, "said.txt", path);
    int out = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
    dup2(out, 1);
    dup2(out, 2);
    struct rlimit limit = {r->file_limit, r->file_limit};
    if (r->file_limit > 0)
        setrlimit(RLIMIT_FSIZE, &limit);
    execv(r->program, argv);
    _exit(127);
}

void ranks_start_one(struct ranks *r, int rank, const char *const *options)
{
    must(r->pid[rank] == 0);
    r->pid[rank] = fork();
    must(r->pid[rank] >= 0);
    if (r->pid[rank] == 0)
        become(r, rank, options);
}

void ranks_start(struct ranks *r, const char *const *options)
{
    for (int i = 0; i < r->count; i++)
        ranks_start_one(r, i, options);
}

bool ranks_wait(struct ranks *r, int limit_ms)
{
    for (int waited = 0;; waited += 5) {
        int living = 0;
        for (int i = 0; i < r->count; i++) {
            if (r->pid[i] > 0 && waitpid(r->pid[i], &r->status[i], WNOHANG) == r->pid[i])
                r->pid[i] = 0;
            living += r->pid[i] > 0;
        }
        if (living == 0)
            return true;
        if (waited >= limit_ms)
            return false;
        ranks_sleep_ms(5);
    }
}

int ranks_code(const struct ranks *r, int rank)
{
    int status = r->status[rank];
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool ranks_done(const struct ranks *r)
{
    for (int i = 0; i < r->count; i++)
        if (r->pid[i] != 0 || ranks_code(r, i) != 0)
            return false;
    return true;
}

int64_t ranks_size(const struct ranks *r, const char *name)
{
    char path[RANKS_PATH + 64];
    struct stat s;
    path_of(r, name, path);
    return stat(path, &s) == 0 ? (int64_t)s.st_size : -1;
}

static char *content(const struct ranks *r, const char *name, size_t *ret_size)
{
    char path[RANKS_PATH + 64];
    int64_t size = ranks_size(r, name);
    path_of(r, name, path);
    FILE *in = size < 0 ? NULL : fopen(path, "re");
    char *text = calloc(1, (size_t)(size < 0 ? 0 : size) + 1);
    must(text != NULL);
    *ret_size = in == NULL ? 0 : fread(text, 1, (size_t)size, in);
    if (in != NULL)
        fclose(in);
    return text;
}

bool ranks_same(const struct ranks *a, const struct ranks *b, const char *name)
{
    size_t sa = 0, sb = 0;
    char *ta = content(a, name, &sa), *tb = content(b, name, &sb);
    bool same = sa > 0 && sa == sb && memcmp(ta, tb, sa) == 0;
    free(ta);
    free(tb);
    return same;
}

bool ranks_holds(const struct ranks *r, const char *name, const char *text)
{
    size_t size = 0;
    char *all = content(r, name, &size);
    bool found = memmem(all, size, text, strlen(text)) != NULL;
    free(all);
    return found;
}

void ranks_flip(const struct ranks *r, const char *name, int64_t at)
{
    char path[RANKS_PATH + 64];
    unsigned char byte = 0;
    path_of(r, name, path);
    int fd = open(path, O_RDWR);
    must(fd >= 0 && pread(fd, &byte, 1, at) == 1);
    byte ^= 0xff;
    must(pwrite(fd, &byte, 1, at) == 1);
    close(fd);
}

void ranks_cut(const struct ranks *r, const char *name, int64_t at)
{
    char path[RANKS_PATH + 64];
    path_of(r, name, path);
    must(truncate(path, at) == 0);
}

double ranks_loss(const struct ranks *r, uint64_t first, uint64_t last)
{
    size_t size = 0;
    char *all = content(r, "curve.txt", &size), *at = all;
    double sum = 0;
    int count = 0;
    while (at != NULL && *at != '\0') {
        uint64_t step = strtoull(at, &at, 10);
        double loss = strtod(at, &at); /* hexadecimal */
        if (step >= first && step <= last) {
            sum += loss;
            count++;
        }
        at = strchr(at, '\n');
        at += at != NULL;
    }
    free(all);
    must(count > 0);
    return sum / count;
}

static uint64_t steps(const struct ranks *r)
{
    size_t size = 0;
    char *all = content(r, "curve.txt", &size);
    uint64_t lines = 0;
    for (size_t i = 0; i < size; i++)
        lines += all[i] == '\n';
    free(all);
    return lines;
}

uint64_t ranks_reach(const struct ranks *r, uint64_t step, int limit_ms)
{
    uint64_t at = steps(r);
    for (int waited = 0; at < step && waited < limit_ms; waited += 2) {
        ranks_sleep_ms(2);
        at = steps(r);
    }
    return at;
}
