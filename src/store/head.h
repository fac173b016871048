/*
 * The head file: the last (sequence, hash) that was made durable, kept apart
 * from the database so that a lost tail is noticed.  Two slots, 4 KiB apart,
 * are written in turn: a torn write leaves the other one.
 */
#ifndef MW_STORE_HEAD_H
#define MW_STORE_HEAD_H

#include "core/journal.h"
#include "store/rare.h"

#define HEAD_VERSION 1

struct head_file {
    int fd; /* -1 = not open */
    uint64_t generation;
    struct store_rare rare;
};

struct head_state {
    struct journal_head head;
    uint64_t generation; /* 0 = neither slot can be read */
    uint32_t slots_bad;  /* slots that are written and unreadable */
};

/* Makes the file with this head in it, whole or not at all (temporary file, rename). */
MW_MUST_USE int head_create(int dir_fd, const struct journal_head *h, struct mw_error *err);

/* Reads both slots.  A missing or damaged file is no error: generation is 0 then.
 * MW_EVERSION for a head of a newer version. */
MW_MUST_USE int head_read(int dir_fd, struct head_state *ret, struct mw_error *err);

/* Opens for writing after head_read(). */
MW_MUST_USE int head_open(struct head_file *f, int dir_fd, const struct head_state *s,
                          struct mw_error *err);
void head_close(struct head_file *f);

/* Durable on return.  MW_ENOSPC, MW_EIO: the head before is still there; call again. */
MW_MUST_USE int head_write(struct head_file *f, const struct journal_head *h,
                           struct mw_error *err);

#endif
