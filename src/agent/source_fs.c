/*
 * Mounted filesystems: how full, and whether they may still be written.  statvfs
 * of a server that is away hangs: in the slow worker, whose hang is then what is
 * said.
 */
#include "agent/sources.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>

#include "agent/mount_state.h"
#include "agent/places.h"

struct fs {
    bool told[PLACES_MOUNTS_MAX];
    bool writable[PLACES_MOUNTS_MAX]; /* it was, once */
};

static int fs_open(const struct source_env *env, void **ret_state, struct mw_error *err)
{
    if (env->places->mounts == 0)
        return mw_fail(err, MW_ENOTFOUND, "no filesystem of a kind that is watched");
    *ret_state = calloc(1, sizeof(struct fs));
    return *ret_state != NULL ? 0 : mw_fail(err, MW_ENOMEM, "no memory");
}

static void tell_part(const struct place_mount *m, uint32_t i, struct source_out *out)
{
    struct agent_frame f = { .verb = AGENT_PART, .n = i };
    (void)snprintf(f.scope, sizeof(f.scope), "fs");
    (void)snprintf(f.name, sizeof(f.name), "%.95s", m->path);
    (void)snprintf(f.text, sizeof(f.text), "%s %s", m->path, m->type);
    out->part(out->ctx, &f);
}

/* Of what a user could have, in percent. */
static double used_pct(uint64_t all, uint64_t free, uint64_t available)
{
    uint64_t used = all > free ? all - free : 0;
    return used + available > 0 ? 100.0 * (double)used / (double)(used + available) : 0;
}

static void read_one(struct fs *fs, uint32_t i, const struct place_mount *m, struct samples *s)
{
    static const uint32_t metrics[] = { M_FS_USED_PCT, M_FS_INODES_USED_PCT, M_FS_READONLY,
                                        M_FS_SIZE_MIB };
    struct statvfs v;
    if (statvfs(m->path, &v) != 0) { /* unmounted */
        for (size_t k = 0; k < MW_ARRAY_LEN(metrics); k++)
            samples_gone(s, metrics[k], i);
        return;
    }
    bool readonly = mount_is_readonly(m->path, (v.f_flag & ST_RDONLY) != 0);
    fs->writable[i] |= !readonly;
    samples_put(s, M_FS_USED_PCT, i, used_pct(v.f_blocks, v.f_bfree, v.f_bavail));
    if (v.f_files > 0)
        samples_put(s, M_FS_INODES_USED_PCT, i, used_pct(v.f_files, v.f_ffree, v.f_favail));
    samples_put(s, M_FS_READONLY, i, readonly && fs->writable[i]);
    samples_put(s, M_FS_SIZE_MIB, i, (double)v.f_blocks * (double)v.f_frsize / 1048576.0);
}

static int fs_read(void *state, const struct source_env *env, int64_t now_ms,
                   struct source_out *out, struct mw_error *err)
{
    struct fs *fs = state;
    (void)now_ms, (void)err;
    for (uint32_t i = 0; i < env->places->mounts; i++) {
        if (!fs->told[i])
            tell_part(&env->places->mount[i], i, out);
        fs->told[i] = true;
        read_one(fs, i, &env->places->mount[i], out->samples);
    }
    return 0;
}

const struct source source_fs = { "fs", 10000, 5000, WHERE_WORKER_SLOW, fs_open, fs_read, free };
