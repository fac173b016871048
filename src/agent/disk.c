/* statvfs once a second; nothing is written to the filesystem. */
#include "agent/disk.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>

#include "agent/mount_state.h"

void disk_init(struct disk *d, const char *path)
{
    *d = (struct disk){ .path = path, .looked_ms = INT64_MIN / 2 };
}

void disk_again(struct disk *d)
{
    d->said = false;
    d->looked_ms = INT64_MIN / 2;
}

uint32_t disk_permille(uint64_t blocks, uint64_t free, uint64_t available)
{
    uint64_t used = blocks > free ? blocks - free : 0;
    unsigned __int128 all = (unsigned __int128)used + available;
    if (all == 0)
        return 0;
    return (uint32_t)(((unsigned __int128)used * 1000 + all - 1) / all);
}

void disk_tick(struct disk *d, int64_t now_ms, struct uplink *u)
{
    struct agent_frame f = { .verb = AGENT_DISK };
    struct statvfs s;
    if (u->state != UPLINK_UP || now_ms - d->looked_ms < DISK_LOOK_MS)
        return;
    d->looked_ms = now_ms;
    if (statvfs(d->path, &s) != 0)
        return; /* not mounted now: nothing is known */
    uint32_t used = disk_permille(s.f_blocks, s.f_bfree, s.f_bavail);
    bool readonly = mount_is_readonly(d->path, (s.f_flag & ST_RDONLY) != 0);
    uint32_t apart = (uint32_t)abs((int)used - (int)d->used_permille);
    bool crossed = (used >= 980) != (d->used_permille >= 980) ||
                   (used >= 950) != (d->used_permille >= 950);
    if (d->said && readonly == d->readonly && apart < DISK_SAY_PERMILLE && !crossed &&
        now_ms - d->said_ms < DISK_SAY_MS)
        return;
    *d = (struct disk){ .path = d->path, .used_permille = used, .readonly = readonly,
                        .said = true, .looked_ms = now_ms, .said_ms = now_ms };
    f.used_permille = used;
    f.readonly = readonly;
    (void)snprintf(f.text, sizeof(f.text), "%s", d->path);
    uplink_level(u, now_ms, &f);
}
