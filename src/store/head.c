/*
 * The head file's two slots.  Owns the layout and the order of writes; knows
 * nothing of the database.  Never writes the slot that holds the newest head.
 */
#include "store/head.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/file.h"

#define HEAD_NAME "head"
#define HEAD_NAME_NEW "head.new"
#define SLOTS 2
#define SLOT_STRIDE 4096 /* more than a sector: one bad write cannot take both */
#define CHECK_SIZE 16

struct slot {
    char magic[8];
    uint32_t version;
    uint32_t epoch;
    uint64_t generation; /* 1, 2, 3 …: the higher one counts */
    uint64_t seq;
    int64_t time_ns;
    uint8_t hash[MW_SHA256_SIZE];
    uint8_t reserved[40]; /* 0 */
    uint8_t check[CHECK_SIZE]; /* the beginning of the SHA-256 of what is before */
};
_Static_assert(sizeof(struct slot) == 128, "on disk");

static const char slot_magic[8] = "MWHEAD1";

static void slot_check(const struct slot *s, uint8_t ret[CHECK_SIZE])
{
    uint8_t full[MW_SHA256_SIZE];
    mw_sha256(&(struct mw_piece){s, offsetof(struct slot, check)}, 1, full);
    memcpy(ret, full, CHECK_SIZE);
}

static struct slot slot_of(const struct journal_head *h, uint64_t generation)
{
    struct slot s = {.version = HEAD_VERSION,
                     .epoch = h->epoch,
                     .generation = generation,
                     .seq = h->seq,
                     .time_ns = h->time_ns};
    memcpy(s.magic, slot_magic, sizeof(s.magic));
    memcpy(s.hash, h->hash, sizeof(s.hash));
    slot_check(&s, s.check);
    return s;
}

static bool slot_good(const struct slot *s)
{
    uint8_t check[CHECK_SIZE];
    slot_check(s, check);
    return memcmp(s->magic, slot_magic, sizeof(s->magic)) == 0 && s->generation > 0 &&
           memcmp(check, s->check, sizeof(check)) == 0;
}

static bool slot_blank(const struct slot *s)
{
    static const struct slot zero;
    return memcmp(s, &zero, sizeof(zero)) == 0;
}

int head_create(int dir_fd, const struct journal_head *h, struct mw_error *err)
{
    mw_cleanup(file_closep) int fd =
        openat(dir_fd, HEAD_NAME_NEW, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0)
        return file_fail(err, "create", HEAD_NAME);
    uint8_t file[SLOTS * SLOT_STRIDE] = {0};
    struct slot s = slot_of(h, 1);
    memcpy(file + SLOT_STRIDE, &s, sizeof(s));
    int rc = file_write(fd, file, sizeof(file), 0);
    if (rc != 0)
        return file_fail(err, "write", HEAD_NAME);
    if (fsync(fd) != 0)
        return file_fail(err, "sync", HEAD_NAME);
    if (renameat(dir_fd, HEAD_NAME_NEW, dir_fd, HEAD_NAME) != 0)
        return file_fail(err, "rename", HEAD_NAME);
    return file_sync_dir(dir_fd) == 0 ? 0 : file_fail(err, "sync the directory of", HEAD_NAME);
}

int head_read(int dir_fd, struct head_state *ret, struct mw_error *err)
{
    *ret = (struct head_state){.generation = 0};
    mw_cleanup(file_closep) int fd = openat(dir_fd, HEAD_NAME, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : file_fail(err, "open", HEAD_NAME);
    for (uint64_t i = 0; i < SLOTS; i++) {
        struct slot s = {.version = 0};
        int64_t n = file_read(fd, &s, sizeof(s), i * SLOT_STRIDE);
        if (n < 0)
            return file_fail(err, "read", HEAD_NAME);
        if (n == sizeof(s) && slot_blank(&s))
            continue;
        if (n < (int64_t)sizeof(s) || !slot_good(&s)) {
            ret->slots_bad++;
            continue;
        }
        if (s.version != HEAD_VERSION)
            return mw_fail(err, MW_EVERSION,
                           "the head file has version %u, this program reads %d: use the program "
                           "that wrote it",
                           s.version, HEAD_VERSION);
        if (s.generation <= ret->generation)
            continue;
        ret->generation = s.generation;
        ret->head = (struct journal_head){.seq = s.seq, .epoch = s.epoch, .time_ns = s.time_ns};
        memcpy(ret->head.hash, s.hash, sizeof(s.hash));
    }
    return 0;
}

int head_open(struct head_file *f, int dir_fd, const struct head_state *s, struct mw_error *err)
{
    must(s->generation > 0);
    f->fd = openat(dir_fd, HEAD_NAME, O_RDWR | O_CLOEXEC);
    f->generation = s->generation;
    return f->fd >= 0 ? 0 : file_fail(err, "open for writing", HEAD_NAME);
}

void head_close(struct head_file *f)
{
    file_closep(&f->fd);
}

int head_write(struct head_file *f, const struct journal_head *h, struct mw_error *err)
{
    must(f->fd >= 0 && f->generation > 0);
    struct slot s = slot_of(h, f->generation + 1);
    uint64_t offset = s.generation % SLOTS * SLOT_STRIDE;
    if (store_rare(&f->rare, "head.write"))
        return mw_fail(err, MW_ENOSPC, "cannot write head: the disk is full (injected)");
    if (file_write(f->fd, &s, sizeof(s), offset) != 0)
        return file_fail(err, "write", HEAD_NAME);
    if (fdatasync(f->fd) != 0)
        return file_fail(err, "sync", HEAD_NAME);
    f->generation = s.generation;
    return 0;
}
