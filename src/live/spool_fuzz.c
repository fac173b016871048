/*
 * Arbitrary bytes as the file of a spool: it is opened or moved aside, what it gives
 * out are events with numbers that count up, and it takes new ones.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "live/agent_frame.h"
#include "live/spool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[64];

static void remove_dir(void)
{
    static const char *const names[] = { "events", "events.new", "events.damaged" };
    char path[128];
    for (size_t i = 0; i < MW_ARRAY_LEN(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(dir);
}

static void make_dir(void)
{
    /* In memory where that is possible: each input is synced. */
    (void)snprintf(dir, sizeof(dir), "/dev/shm/mw-spool-fuzz-XXXXXX");
    if (mkdtemp(dir) == NULL) {
        (void)snprintf(dir, sizeof(dir), "/tmp/mw-spool-fuzz-XXXXXX");
        must(mkdtemp(dir) != NULL);
    }
    (void)atexit(remove_dir);
}

static void write_file(const uint8_t *data, size_t size)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/events", dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    must(fd >= 0 && write(fd, data, size) == (ssize_t)size && close(fd) == 0);
}

/* All that is to be sent; the last number. */
static uint64_t drain(struct spool *s, uint64_t first)
{
    static char out[1 << 16];
    for (size_t n; (n = spool_next(s, out, sizeof(out))) > 0;)
        for (size_t at = 0; at < n;) {
            struct agent_record r;
            struct agent_frame f;
            must(agent_record_first(out + at, n - at, &r, NULL) == 1);
            must(agent_frame_read((const char *)r.from, r.size, &f, NULL) == 0);
            must(agent_verb_is_event(f.verb) && f.e == first);
            first++;
            at += r.whole;
        }
    return first - 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct spool_options o = { .dir = dir, .boot = "boot" };
    struct spool *s = NULL;
    struct mw_error err = { 0 };
    uint64_t e = 0;
    if (dir[0] == '\0')
        make_dir();
    write_file(data, size);
    must(spool_open(&o, &s, &err) == 0);
    uint64_t last = drain(s, spool_first(s));
    must(spool_unacked(s) == last + 1 - spool_first(s));
    must(spool_put(s, "kmsg text=x\n", 12, &e, &err) == 0 && e == last + 1);
    must(drain(s, e) == e);
    spool_ack(s, e);
    must(spool_unacked(s) == 0);
    spool_close(s);
    return 0;
}
