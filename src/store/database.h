/*
 * The journal's SQLite file: one row per frame, blobs, and what wrote it.
 * Everything that speaks SQL is behind this header.  One thread.
 */
#ifndef MW_STORE_DATABASE_H
#define MW_STORE_DATABASE_H

#include <sqlite3.h>

#include "core/journal.h"

#define DATABASE_SCHEMA 1
#define DATABASE_NAME "journal.db"
#define DATABASE_PAGE_BYTES 16384
#define BLOB_BYTES_MAX (256u * 1024u * 1024u)

struct database {
    sqlite3 *sql;
    sqlite3_stmt *insert_frame, *insert_blob, *get_blob;
    int log_pages; /* length of the write-ahead log after the last commit */
};

/* One frame as the database has it; nothing is checked yet but its types and bounds. */
struct frame {
    struct group group; /* bytes are 8-aligned, borrowed until the next step */
    uint32_t epoch;
    uint8_t hash[MW_SHA256_SIZE];
};

/* A walk over frames in order. Zero it before frames_begin(). */
struct frame_cursor {
    sqlite3_stmt *stmt;
    void *buffer; /* owned */
    size_t room;
};

/* Makes an empty, closed database.  `origin` says where it comes from ("new", "recovered …").
 * An unfinished file of that name is replaced. */
MW_MUST_USE int database_create(const char *path, const char *vfs, const char *origin,
                                struct mw_error *err);

/* Opens an existing one; *db must not move until database_close().
 * MW_ECORRUPT when it is not readable as our database; else as SQLite says (MW_EIO …). */
MW_MUST_USE int database_open(struct database *db, const char *path, const char *vfs,
                              bool read_only, struct mw_error *err);

/* Checks the row of versions.  MW_ECORRUPT, MW_EVERSION. */
MW_MUST_USE int database_versions(struct database *db, struct mw_error *err);

/* With `checkpoint` everything goes into the main file and the write-ahead log is emptied. */
void database_close(struct database *db, bool checkpoint);

/* Moves the write-ahead log into the main file when it has grown; failure is put off. */
void database_checkpoint(struct database *db, int pages);

/* The code for what SQLite said last; fills err with "cannot WHAT: its words". */
int database_fail(const struct database *db, const char *what, struct mw_error *err);

/* From now on a damaged page is read as far as it goes instead of being refused whole.  For a
 * database that was found damaged: do not write after it. */
void database_lenient(struct database *db);

/* SQLite's own check of its structure: *ret is "" when it holds, else what is wrong. */
MW_MUST_USE int database_structure(struct database *db, char *ret, size_t size,
                                   struct mw_error *err);

MW_MUST_USE int database_begin(struct database *db, struct mw_error *err);
MW_MUST_USE int database_end(struct database *db, struct mw_error *err);
void database_rollback(struct database *db);

MW_MUST_USE int database_put_frame(struct database *db, const struct frame *f,
                                   struct mw_error *err);
MW_MUST_USE int database_put_blob(struct database *db, const uint8_t sha256[MW_SHA256_SIZE],
                                  const void *data, size_t size, struct mw_error *err);
/* Gives *ret (mw_free). MW_ENOTFOUND; MW_ECORRUPT when the bytes are not what their name says. */
MW_MUST_USE int database_get_blob(struct database *db, const uint8_t sha256[MW_SHA256_SIZE],
                                  char **ret, size_t *ret_size, struct mw_error *err);

/* For every blob: its name, and its bytes or NULL when they do not hold. */
typedef int database_blob_fn(void *ctx, const uint8_t sha256[MW_SHA256_SIZE], const void *data,
                             size_t size);
MW_MUST_USE int database_each_blob(struct database *db, database_blob_fn *each, void *ctx,
                                   struct mw_error *err);

/* Begins at the frame that holds seq, or the next one after it. */
MW_MUST_USE int frames_begin(struct frame_cursor *c, struct database *db, uint64_t seq,
                             struct mw_error *err);
/* 1 with *ret filled, 0 at the end, or a negative code. */
MW_MUST_USE int frames_next(struct frame_cursor *c, struct frame *ret, struct mw_error *err);
void frames_end(struct frame_cursor *c);

/* First sequence of the frame that holds seq (or is the last before it); 0 when there is none. */
MW_MUST_USE int frames_find(struct database *db, uint64_t seq, uint64_t *ret,
                            struct mw_error *err);
/* First sequence of the n-th frame from the end (1 = the last), or of the first; 0 when empty. */
MW_MUST_USE int frames_from_end(struct database *db, uint32_t n, uint64_t *ret,
                                struct mw_error *err);
/* The hash of the last frame before first_seq; zeros when there is none. */
MW_MUST_USE int frames_hash_before(struct database *db, uint64_t first_seq,
                                   uint8_t ret[MW_SHA256_SIZE], struct mw_error *err);

#endif
