/*
 * How busy the disks are, and whether they are there: /proc/diskstats and the
 * state of NVMe controllers.  Asks no disk anything.
 */
#include "agent/sources.h"

#include <stdlib.h>
#include <string.h>

#include "agent/files.h"
#include "agent/places.h"
#include "agent/proc_text.h"

#define STATS_BYTES 65536
#define SELDOM 10 /* the controller's state is read every so many times */

struct disks {
    int fd;
    int64_t before_ms;
    uint32_t reads;
    struct proc_disk before[PLACES_DISKS_MAX]; /* reads and writes 0, busy 0: none yet */
    bool known[PLACES_DISKS_MAX], seen[PLACES_DISKS_MAX];
    char text[STATS_BYTES];
};

static int disks_open(const struct source_env *env, void **ret_state, struct mw_error *err)
{
    struct disks *d = env->places->disks > 0 ? calloc(1, sizeof(*d)) : NULL;
    if (env->places->disks == 0)
        return mw_fail(err, MW_ENOTFOUND, "no disk");
    if (d == NULL)
        return mw_fail(err, MW_ENOMEM, "no memory");
    d->fd = files_open(env->proc_root, "/proc/diskstats");
    if (d->fd < 0) {
        free(d);
        return mw_fail(err, MW_EIO, "/proc/diskstats cannot be read");
    }
    *ret_state = d;
    return 0;
}

static void disks_close(void *state)
{
    struct disks *d = state;
    files_close(d->fd);
    free(d);
}

static void put_rates(const struct disks *d, uint32_t i, const struct proc_disk *now,
                      int64_t now_ms, struct samples *s)
{
    const struct proc_disk *b = &d->before[i];
    int64_t wall_ms = now_ms - d->before_ms;
    uint64_t requests = now->reads + now->writes - b->reads - b->writes;
    uint64_t ms = now->read_ms + now->write_ms - b->read_ms - b->write_ms;
    if (!d->known[i] || wall_ms <= 0 || now->busy_ms < b->busy_ms)
        return;
    double busy = 100.0 * (double)(now->busy_ms - b->busy_ms) / (double)wall_ms;
    samples_put(s, M_DISK_BUSY_PCT, i, MW_MIN(busy, 100.0));
    if (requests > 0 && requests <= UINT32_MAX && ms <= UINT32_MAX)
        samples_put(s, M_DISK_LATENCY_MS, i, (double)ms / (double)requests);
}

static void take_line(struct disks *d, const struct places *p, struct text line, int64_t now_ms,
                      struct samples *s)
{
    struct proc_disk now;
    uint32_t i = 0;
    if (!proc_disk_read(line, &now))
        return;
    while (i < p->disks && !text_is(now.name, p->disk[i].name))
        i++;
    if (i == p->disks)
        return; /* a partition, a loop */
    samples_put(s, M_DISK_READ_MIB, i, (double)now.read_sectors / 2048.0);
    samples_put(s, M_DISK_WRITTEN_MIB, i, (double)now.write_sectors / 2048.0);
    put_rates(d, i, &now, now_ms, s);
    d->before[i] = now;
    d->known[i] = d->seen[i] = true;
}

static bool is_live(const struct source_env *env, const struct place_disk *disk, bool seen)
{
    char state[32];
    if (!seen || disk->nvme[0] == '\0')
        return seen;
    return !files_text(state, sizeof(state), env->sysfs_root, "/sys/class/nvme/%s/state",
                       disk->nvme) ||
           strcmp(state, "dead") != 0;
}

static int disks_read(void *state, const struct source_env *env, int64_t now_ms,
                      struct source_out *out, struct mw_error *err)
{
    struct disks *d = state;
    struct text line, t = files_read(d->fd, d->text, sizeof(d->text));
    if (t.at == t.end)
        return mw_fail(err, MW_EIO, "/proc/diskstats cannot be read");
    memset(d->seen, 0, sizeof(d->seen));
    while (text_line(&t, &line))
        take_line(d, env->places, line, now_ms, out->samples);
    d->before_ms = now_ms;
    bool ask = d->reads++ % SELDOM == 0;
    for (uint32_t i = 0; i < env->places->disks; i++)
        if (ask || !d->seen[i])
            samples_put(out->samples, M_DISK_LIVE, i,
                        is_live(env, &env->places->disk[i], d->seen[i]));
    return 0;
}

const struct source source_disk = { "disk", 1000, 1000, WHERE_COLLECTOR, disks_open, disks_read,
                                    disks_close };
