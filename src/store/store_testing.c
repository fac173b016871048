/*
 * Sample groups and scratch directories for the tests of journals.  Never
 * linked into a program.
 */
#include "store/store_testing.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/random.h"

static uint64_t draw(uint64_t seed, uint64_t seq, uint64_t what, uint64_t bound)
{
    return mw_random_below(mw_random_u64(seed, seq, what, 0), bound);
}

static uint32_t tail_size(uint64_t seed, uint64_t seq, uint32_t kind)
{
    if (kind == EV_COMMAND)
        return (uint32_t)draw(seed, seq, 2, 300);
    if (kind != EV_ATTEMPT_PLACED)
        return 0;
    bool big = draw(seed, seq, 3, 40) == 0;
    return 4 * (uint32_t)draw(seed, seq, 4, big ? 8000 : 100);
}

void sample_make(struct sample *s, uint64_t seed, uint64_t first_seq, uint32_t epoch)
{
    static const uint16_t kinds[] = {EV_FINDING_OPENED, EV_NODE_MOVED, EV_COMMAND,
                                     EV_ATTEMPT_PLACED, EV_ATTEMPT_PROGRESS};
    uint32_t count = 1 + (uint32_t)draw(seed, first_seq, 0, 6);
    size_t used = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t seq = first_seq + i;
        struct event ev = {.seq = seq,
                           .time_ns = (int64_t)first_seq * 1000000,
                           .observed_ns = (int64_t)draw(seed, seq, 5, 1u << 30),
                           .epoch = epoch,
                           .kind = kinds[draw(seed, seq, 1, MW_ARRAY_LEN(kinds))],
                           .version = EVENT_VERSION};
        ev.tail_size = i == 0 || used < 50000 ? tail_size(seed, seq, ev.kind) : 0;
        for (uint32_t b = 0; b < sizeof(ev.body.bytes); b += 8) {
            uint64_t bits = mw_random_u64(seed, seq, 6, b);
            memcpy(ev.body.bytes + b, &bits, sizeof(bits));
        }
        must(used + event_frame_size(&ev) <= sizeof(s->bytes));
        memset(s->bytes + used, 0, event_frame_size(&ev));
        memcpy(s->bytes + used, &ev, sizeof(ev));
        for (uint32_t b = 0; b < ev.tail_size; b++)
            s->bytes[used + sizeof(ev) + b] = (uint8_t)('a' + (seq + b) % 26);
        used += event_frame_size(&ev);
    }
    s->g = (struct group){first_seq, count, (uint32_t)used, s->bytes};
}

int sample_append(struct journal *j, struct sample *s, uint64_t seed, struct mw_error *err)
{
    sample_make(s, seed, j->next_seq, j->epoch);
    return j->ops->append(j, &s->g, err);
}

int sample_visit(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct sample_reader *r = ctx;
    if (ev->seq != r->seen + 1)
        return SAMPLE_DIFFERS;
    if (r->offset == 0)
        sample_make(&r->s, r->seed, ev->seq, ev->epoch);
    const uint8_t *at = r->s.bytes + r->offset;
    const struct event *want = (const void *)at;
    if (memcmp(want, ev, sizeof(*ev)) != 0 || (tail == NULL) != (ev->tail_size == 0))
        return SAMPLE_DIFFERS;
    if (tail != NULL && memcmp(at + sizeof(*ev), tail, ev->tail_size) != 0)
        return SAMPLE_DIFFERS;
    r->offset += event_frame_size(want);
    r->seen = ev->seq;
    if (last != (r->offset == r->s.g.size))
        return SAMPLE_DIFFERS;
    if (last)
        r->offset = 0;
    return 0;
}

void testing_dir(char ret[256])
{
    const char *base = getenv("TMPDIR");
    int n = snprintf(ret, 256, "%s/mw-store-XXXXXX", base && base[0] ? base : "/tmp");
    must(n > 0 && n < 256);
    must(mkdtemp(ret) != NULL);
}

void testing_dir_remove(const char *dir)
{
    DIR *d = opendir(dir);
    must(d != NULL);
    for (const struct dirent *e; (e = readdir(d)) != NULL;)
        (void)unlinkat(dirfd(d), e->d_name, 0);
    (void)closedir(d);
    must(rmdir(dir) == 0);
}

static void copy_file(const char *from, const char *to, const char *name)
{
    char path[600], *data;
    size_t size;
    (void)snprintf(path, sizeof(path), "%s/%s", from, name);
    must(mw_read_file(path, (size_t)1 << 30, false, &data, &size, NULL) == 0);
    (void)snprintf(path, sizeof(path), "%s/%s", to, name);
    FILE *f = fopen(path, "wb");
    must(f != NULL && fwrite(data, 1, size, f) == size && fclose(f) == 0);
    mw_free(data);
}

void testing_dir_copy(const char *from, const char *to)
{
    DIR *d = opendir(from);
    must(d != NULL);
    for (const struct dirent *e; (e = readdir(d)) != NULL;) {
        if (e->d_type == DT_REG)
            copy_file(from, to, e->d_name);
    }
    (void)closedir(d);
}
