/*
 * The files of a journal's directory: making them so that a crash leaves a
 * journal or none, the writer's lock, and the handle that the parts share.
 * Internal to the store.
 */
#ifndef MW_STORE_JOURNAL_FILES_H
#define MW_STORE_JOURNAL_FILES_H

#include "store/database.h"
#include "store/head.h"
#include "store/journal_sqlite.h"

#define JOURNAL_PATH_MAX 4096

/* A group that waits for a commit. */
struct staged {
    uint64_t first_seq;
    uint32_t count, size;
    size_t offset; /* in the staged bytes */
    uint8_t hash[MW_SHA256_SIZE];
};

struct staged_blob {
    uint8_t sha256[MW_SHA256_SIZE];
    char *data; /* owned */
    size_t size;
};

struct journal_sqlite {
    struct journal base; /* first */
    struct database db;  /* db.sql NULL: the database cannot be read at all */
    struct head_file head_file;
    struct head_state head_found; /* at opening */
    int dir_fd, lock_fd;
    char dir[JOURNAL_PATH_MAX];
    struct store_rare rare;
    bool simulated;
    uint32_t gathered; /* simulated: the first so many staged groups are committed, not written */

    struct staged *staged; /* owned */
    uint32_t staged_length, staged_room;
    uint32_t staged_written; /* the first so many are in the database, their head is not yet */
    uint8_t *bytes;          /* owned: of all staged groups */
    size_t bytes_length, bytes_room;
    struct staged_blob *blob; /* owned */
    uint32_t blob_length, blob_room;
    struct journal_head next_head; /* with what is staged */
};

extern const struct journal_ops journal_sqlite_ops;

/* "DIR/NAME" */
MW_MUST_USE int journal_path(const char *dir, const char *name, char ret[JOURNAL_PATH_MAX],
                             struct mw_error *err);

/* The directory; with `make` it is made when it is not there. */
MW_MUST_USE int journal_dir_open(const char *dir, bool make, int *ret_fd, struct mw_error *err);

/* Held until the descriptor is closed, also by a kill. MW_EBUSY names the holder. */
MW_MUST_USE int journal_lock(const char *dir, int dir_fd, int *ret_fd, struct mw_error *err);

/* Whether there is a database; a head that names events and no database is damage, not absence. */
bool journal_exists(int dir_fd);

/* Fills a new database before it gets its name; *head is the head to write. */
typedef int journal_fill_fn(void *ctx, struct database *db, struct journal_head *head,
                            struct mw_error *err);

/* Makes a journal; fill may be NULL. The database gets its name last: a crash before that leaves
 * no journal, and the next call begins again. */
struct journal_make {
    const char *dir;
    int dir_fd;
    const char *vfs;
    const char *origin; /* "new", "recovered …" */
    journal_fill_fn *fill;
    void *ctx;
};
MW_MUST_USE int journal_make(const struct journal_make *m, struct mw_error *err);

#endif
