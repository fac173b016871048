/*
 * Level 3, the disk that jobs write to: fio where it is installed, else our own
 * reading and writing past the page cache.  Writes one file in --scratch, which
 * has no name from the start, so that nothing is left behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/check_host_kernels.h"
#include "agent/check_parse.h"
#include "agent/check_tools.h"

#define FILE_BYTES ((size_t)128 << 20)
#define BLOCK_BYTES ((size_t)1 << 20)

static void say_rates(struct check_ctx *c, double read_mbps, double write_mbps, const char *by)
{
    check_note(c, "%s, 1 MiB blocks past the cache, %zu MiB in %.60s", by, FILE_BYTES >> 20,
               c->o->scratch);
    check_figure(c, "disk-write", "", "MB/s", write_mbps);
    check_note(c, "%s", by);
    check_figure(c, "disk-read", "", "MB/s", read_mbps);
}

static bool by_fio(struct check_ctx *c)
{
    char file[CHECK_PATH_MAX], size[24];
    (void)snprintf(file, sizeof(file), "--filename=%s/.mw-check-fio-%d", c->o->scratch,
                   (int)getpid());
    (void)snprintf(size, sizeof(size), "--size=%zu", FILE_BYTES);
    const char *const argv[] = { "fio", "--name=mw", file, size, "--bs=1M", "--direct=1",
                                 "--ioengine=psync", "--rw=rw", "--unlink=1", "--verify=0",
                                 "--output-format=terse", "--terse-version=3", NULL };
    struct tool t = { .argv = argv, .deadline_ms = c->deadline_ms - 300,
                      .output = calloc(1, TOOL_OUTPUT_MAX + 1) };
    struct parsed_fio p;
    bool ok = t.output != NULL && tool_run(&t) && t.status == 0 && parse_fio(t.output, &p) &&
              p.error == 0;
    if (ok)
        say_rates(c, p.read_mbps, p.write_mbps, "fio, both at once");
    (void)unlink(file + strlen("--filename="));
    free(t.output);
    return ok;
}

/* Seconds that writing, or reading and comparing, the whole file takes; below 0: -errno. */
static double pass(int fd, uint32_t *block, bool writing, uint32_t seed, uint64_t *bad)
{
    int64_t spent = 0;
    for (size_t at = 0; at < FILE_BYTES; at += BLOCK_BYTES) {
        for (size_t i = 0; writing && i < BLOCK_BYTES / 4; i++)
            block[i] = mw_pattern((at + i * 4) / 4, seed, 0);
        int64_t from = check_clock_ns();
        ssize_t n = writing ? pwrite(fd, block, BLOCK_BYTES, (off_t)at)
                            : pread(fd, block, BLOCK_BYTES, (off_t)at);
        if (n != (ssize_t)BLOCK_BYTES)
            return n < 0 ? -errno : -EIO;
        spent += check_clock_ns() - from;
        for (size_t i = 0; !writing && i < BLOCK_BYTES / 4; i++)
            *bad += block[i] != mw_pattern((at + i * 4) / 4, seed, 0);
    }
    int64_t from = check_clock_ns();
    if (writing && fdatasync(fd) != 0)
        return -errno;
    return (double)(spent + check_clock_ns() - from) / 1e9;
}

static void by_ourselves(struct check_ctx *c)
{
    uint64_t bad = 0;
    void *block = NULL;
    int fd = open(c->o->scratch, O_TMPFILE | O_RDWR | O_CLOEXEC | O_DIRECT, 0600);
    if (fd < 0 || posix_memalign(&block, 4096, BLOCK_BYTES) != 0) {
        check_say(c, VERDICT_UNKNOWN, "disk-write", "", "%.60s: %s", c->o->scratch,
                  fd < 0 ? strerror(errno) : "no memory");
        if (fd >= 0)
            (void)close(fd);
        return;
    }
    double wrote = pass(fd, block, true, (uint32_t)c->o->seed, &bad);
    double read = wrote > 0 ? pass(fd, block, false, (uint32_t)c->o->seed, &bad) : wrote;
    if (wrote > 0 && read > 0)
        say_rates(c, (double)FILE_BYTES / read / 1e6, (double)FILE_BYTES / wrote / 1e6,
                  "our own");
    if (wrote > 0 && read > 0)
        check_figure(c, "disk-errors", "", "", (double)bad);
    else
        check_say(c, VERDICT_FAIL, "disk-errors", "", "%.60s: %s", c->o->scratch,
                  strerror((int)-(wrote > 0 ? read : wrote)));
    free(block);
    (void)close(fd);
}

void check_disk_speed(struct check_ctx *c)
{
    if (c->o->tools && tool_found("fio") && by_fio(c))
        return;
    by_ourselves(c);
}
