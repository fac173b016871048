#include "curve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "maths.h"

static uint64_t highest_step(const char *path)
{
    FILE *in = fopen(path, "re");
    if (in == NULL)
        return 0;
    char line[96];
    uint64_t high = 0;
    while (fgets(line, sizeof line, in) != NULL)
        if (strchr(line, '\n') != NULL)
            high = strtoull(line, NULL, 10);
    fclose(in);
    return high;
}

int curve_open(struct curve *c, const char *path, uint64_t *ret_high, struct problem *p)
{
    *c = (struct curve){.path = path};
    c->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (c->fd < 0)
        return fail(p, END_DISK, errno, "cannot open %s", path);
    *ret_high = highest_step(path);
    return 0;
}

void curve_close(struct curve *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
}

int curve_begins(const struct curve *c, uint64_t bytes, uint32_t crc)
{
    char buffer[65536];
    uint64_t at = 0;
    uint32_t found = 0;
    while (at < bytes) {
        size_t want = bytes - at < sizeof buffer ? (size_t)(bytes - at) : sizeof buffer;
        ssize_t n = pread(c->fd, buffer, want, (off_t)at);
        if (n <= 0)
            return 0;
        found = crc32_of(found, buffer, (size_t)n);
        at += (uint64_t)n;
    }
    return found == crc;
}

int curve_cut(struct curve *c, uint64_t bytes, uint32_t crc, struct problem *p)
{
    if (ftruncate(c->fd, (off_t)bytes) != 0)
        return fail(p, END_DISK, errno, "cannot cut %s", c->path);
    c->bytes = bytes;
    c->crc = crc;
    return 0;
}

int curve_add(struct curve *c, uint64_t step, float loss, struct problem *p)
{
    char line[96];
    int n = snprintf(line, sizeof line, "%llu %a\n", (unsigned long long)step, (double)loss);
    ssize_t written = pwrite(c->fd, line, (size_t)n, (off_t)c->bytes);
    if (written != n)
        return fail(p, END_DISK, written < 0 ? errno : ENOSPC, "cannot write %s at step %llu",
                    c->path, (unsigned long long)step);
    c->bytes += (uint64_t)n;
    c->crc = crc32_of(c->crc, line, (size_t)n);
    return 0;
}

int curve_sync(struct curve *c, struct problem *p)
{
    if (fsync(c->fd) != 0)
        return fail(p, END_DISK, errno, "cannot sync %s", c->path);
    return 0;
}
