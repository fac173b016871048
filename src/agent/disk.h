/*
 * Filesystems that jobs need: how full, and whether they may be written.
 */
#ifndef MW_AGENT_DISK_H
#define MW_AGENT_DISK_H

#include "live/uplink.h"

#define DISK_LOOK_MS 1000
#define DISK_SAY_MS 10000    /* said again so often, */
#define DISK_SAY_PERMILLE 10 /* or when it changed by so much, or was full or is no more */

struct disk {
    const char *path; /* borrowed */
    uint32_t used_permille;
    bool readonly, said;
    int64_t looked_ms, said_ms;
};

void disk_init(struct disk *d, const char *path);
void disk_tick(struct disk *d, int64_t now_ms, struct uplink *u);
void disk_again(struct disk *d);

/* As df counts: used of what a user could have, rounded up; 0 for a filesystem without blocks. */
uint32_t disk_permille(uint64_t blocks, uint64_t free, uint64_t available);

#endif
