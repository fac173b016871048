/*
 * Rows of frames: writing, walking in order, finding.  Owns the statements on
 * that table; checks types and bounds only, the chain is checked by readers.
 */
#include <string.h>

#include "base/mem.h"
#include "store/database.h"

int database_put_frame(struct database *db, const struct frame *f, struct mw_error *err)
{
    sqlite3_stmt *s = db->insert_frame;
    bool good =
        sqlite3_bind_int64(s, 1, (int64_t)f->group.first_seq) == SQLITE_OK &&
        sqlite3_bind_int64(s, 2, f->group.count) == SQLITE_OK &&
        sqlite3_bind_int64(s, 3, f->epoch) == SQLITE_OK &&
        sqlite3_bind_blob(s, 4, f->hash, sizeof(f->hash), SQLITE_STATIC) == SQLITE_OK &&
        sqlite3_bind_blob(s, 5, f->group.bytes, (int)f->group.size, SQLITE_STATIC) == SQLITE_OK &&
        sqlite3_step(s) == SQLITE_DONE;
    int rc = good ? 0 : database_fail(db, "write a group", err);
    (void)sqlite3_reset(s);
    (void)sqlite3_clear_bindings(s);
    return rc;
}

/* Runs a statement that gives one number or nothing (0). */
static int one_number(struct database *db, const char *sql, int64_t argument, int64_t *ret,
                      struct mw_error *err)
{
    sqlite3_stmt *s = NULL;
    int rc = 0;
    *ret = 0;
    if (sqlite3_prepare_v2(db->sql, sql, -1, &s, NULL) != SQLITE_OK ||
        sqlite3_bind_int64(s, 1, argument) != SQLITE_OK) {
        rc = database_fail(db, "look for a group", err);
    } else {
        int step = sqlite3_step(s);
        if (step == SQLITE_ROW)
            *ret = sqlite3_column_int64(s, 0);
        else if (step != SQLITE_DONE)
            rc = database_fail(db, "look for a group", err);
    }
    (void)sqlite3_finalize(s);
    if (rc == 0 && *ret < 0)
        rc = mw_fail(err, MW_ECORRUPT, "a group has a negative sequence");
    return rc;
}

int frames_find(struct database *db, uint64_t seq, uint64_t *ret, struct mw_error *err)
{
    int64_t found;
    int64_t limit = (int64_t)MW_MIN(seq, (uint64_t)INT64_MAX);
    int rc = one_number(
        db, "SELECT first_seq FROM frames WHERE first_seq<=? ORDER BY first_seq DESC LIMIT 1",
        limit, &found, err);
    if (rc == 0)
        *ret = (uint64_t)found;
    return rc;
}

int frames_from_end(struct database *db, uint32_t n, uint64_t *ret, struct mw_error *err)
{
    must(n > 0);
    int64_t found;
    int rc = one_number(db,
                        "SELECT min(first_seq) FROM"
                        " (SELECT first_seq FROM frames ORDER BY first_seq DESC LIMIT ?)",
                        n, &found, err);
    if (rc == 0)
        *ret = (uint64_t)found;
    return rc;
}

int frames_hash_before(struct database *db, uint64_t first_seq, uint8_t ret[MW_SHA256_SIZE],
                       struct mw_error *err)
{
    sqlite3_stmt *s = NULL;
    int rc = 0;
    memset(ret, 0, MW_SHA256_SIZE);
    if (sqlite3_prepare_v2(db->sql,
                           "SELECT hash FROM frames WHERE first_seq<?"
                           " ORDER BY first_seq DESC LIMIT 1",
                           -1, &s, NULL) != SQLITE_OK ||
        sqlite3_bind_int64(s, 1, (int64_t)first_seq) != SQLITE_OK)
        rc = database_fail(db, "read a hash", err);
    int step = rc == 0 ? sqlite3_step(s) : SQLITE_DONE;
    if (step == SQLITE_ROW) {
        const void *hash = sqlite3_column_blob(s, 0);
        if (hash == NULL || sqlite3_column_bytes(s, 0) != MW_SHA256_SIZE)
            rc = mw_fail(err, MW_ECORRUPT, "the hash before sequence %llu is damaged",
                         (unsigned long long)first_seq);
        else
            memcpy(ret, hash, MW_SHA256_SIZE);
    } else if (step != SQLITE_DONE) {
        rc = database_fail(db, "read a hash", err);
    }
    (void)sqlite3_finalize(s);
    return rc;
}

int frames_begin(struct frame_cursor *c, struct database *db, uint64_t seq, struct mw_error *err)
{
    uint64_t first = 0;
    int rc = seq > 1 ? frames_find(db, seq, &first, err) : 0; /* no search that damage can stop */
    if (rc != 0)
        return rc;
    if (sqlite3_prepare_v2(db->sql,
                           "SELECT first_seq, count, epoch, hash, bytes FROM frames"
                           " WHERE first_seq>=? ORDER BY first_seq",
                           -1, &c->stmt, NULL) != SQLITE_OK ||
        sqlite3_bind_int64(c->stmt, 1, (int64_t)first) != SQLITE_OK)
        return database_fail(db, "read the groups", err);
    return 0;
}

/* The bytes in a page have no alignment and do not stay: they are copied. */
static int take_bytes(struct frame_cursor *c, const void *bytes, size_t size,
                      struct mw_error *err)
{
    if (size > c->room) {
        size_t room = MW_MAX(size, c->room * 2);
        void *grown = mw_resize(c->buffer, room, 1);
        if (grown == NULL)
            return mw_fail(err, MW_ENOMEM, "out of memory for a group of %zu bytes", size);
        c->buffer = grown;
        c->room = room;
    }
    memcpy(c->buffer, bytes, size);
    return 0;
}

static int take_row(struct frame_cursor *c, struct frame *ret, struct mw_error *err)
{
    int64_t first = sqlite3_column_int64(c->stmt, 0), count = sqlite3_column_int64(c->stmt, 1);
    int64_t epoch = sqlite3_column_int64(c->stmt, 2);
    const void *hash = sqlite3_column_blob(c->stmt, 3);
    int hash_size = sqlite3_column_bytes(c->stmt, 3);
    const void *bytes = sqlite3_column_blob(c->stmt, 4);
    int size = sqlite3_column_bytes(c->stmt, 4);
    if (first <= 0 || count <= 0 || count > UINT32_MAX || epoch < 0 || epoch > UINT32_MAX ||
        hash == NULL || hash_size != MW_SHA256_SIZE || bytes == NULL ||
        size > (int)GROUP_BYTES_MAX)
        return mw_fail(err, MW_ECORRUPT, "the group after the last whole one has impossible sizes");
    int rc = take_bytes(c, bytes, (size_t)size, err);
    if (rc != 0)
        return rc;
    *ret = (struct frame){
        .group = {(uint64_t)first, (uint32_t)count, (uint32_t)size, c->buffer},
        .epoch = (uint32_t)epoch,
    };
    memcpy(ret->hash, hash, sizeof(ret->hash));
    return 1;
}

int frames_next(struct frame_cursor *c, struct frame *ret, struct mw_error *err)
{
    must(c->stmt != NULL);
    int step = sqlite3_step(c->stmt);
    if (step == SQLITE_DONE)
        return 0;
    if (step == SQLITE_ROW)
        return take_row(c, ret, err);
    struct database db = {.sql = sqlite3_db_handle(c->stmt)};
    return database_fail(&db, "read the next group", err);
}

void frames_end(struct frame_cursor *c)
{
    (void)sqlite3_finalize(c->stmt);
    mw_free(c->buffer);
    *c = (struct frame_cursor){.stmt = NULL};
}
