/*
 * Snapshot files: snapshot-<sequence>, one state of the planes each.  A file
 * is written whole or not at all and says by itself whether it is whole.
 * A snapshot saves time; losing one loses nothing of the record.
 */
#ifndef MW_STORE_SNAPSHOT_H
#define MW_STORE_SNAPSHOT_H

#include "base/error.h"
#include "base/hash.h"
#include "store/rare.h"

#define SNAPSHOT_VERSION 1
#define SNAPSHOTS_KEPT 2
#define SNAPSHOTS_LISTED_MAX 64

struct snapshot_list {
    uint64_t seq[SNAPSHOTS_LISTED_MAX]; /* newest first */
    uint32_t length;
};

struct snapshot {
    uint64_t seq;
    uint8_t hash[MW_SHA256_SIZE]; /* the chain after the group that ends at seq */
    char *data;                   /* owned (mw_free) */
    size_t size;
};

/* Durable on return; then all but the newest SNAPSHOTS_KEPT are removed. */
MW_MUST_USE int snapshot_save(int dir_fd, const struct snapshot *s, const struct store_rare *rare,
                              struct mw_error *err);

/* MW_ECORRUPT when the file is not whole, MW_EVERSION when a newer program wrote it. */
MW_MUST_USE int snapshot_load(int dir_fd, uint64_t seq, struct snapshot *ret,
                              struct mw_error *err);

MW_MUST_USE int snapshot_list(int dir_fd, struct snapshot_list *ret, struct mw_error *err);

#endif
