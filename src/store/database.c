/*
 * Opening, creating and closing the SQLite file, transactions and blobs.
 * Owns the schema and the settings; rows of frames are in frames.c.  Never
 * repairs anything.
 */
#include "store/database.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/file.h"

#define BUSY_MS 5000
#define TEXT_ROOM 256

/* meta has one row; `check_sum` covers the others, so that a damaged version is not taken for
 * another version. */
static const char schema_sql[] =
    "CREATE TABLE meta(schema INTEGER NOT NULL, event INTEGER NOT NULL, program TEXT NOT NULL,"
    " origin TEXT NOT NULL, check_sum BLOB NOT NULL) STRICT;"
    "CREATE TABLE frames(first_seq INTEGER PRIMARY KEY, count INTEGER NOT NULL,"
    " epoch INTEGER NOT NULL, hash BLOB NOT NULL, bytes BLOB NOT NULL) STRICT;"
    "CREATE TABLE blobs(sha256 BLOB PRIMARY KEY, bytes BLOB NOT NULL) STRICT;";

static const char settings_sql[] =
    "PRAGMA cell_size_check=ON; PRAGMA synchronous=FULL; PRAGMA mmap_size=0;"
    "PRAGMA trusted_schema=OFF; PRAGMA cache_size=-8000; PRAGMA wal_autocheckpoint=0;"
    "PRAGMA temp_store=MEMORY;";

/* What the database says may quote bytes of a damaged file: for people, and for JSON, only plain
 * letters are let through. */
static void plain_text(char *ret, size_t size, const char *from)
{
    size_t i = 0;
    must(size > 0);
    for (; from != NULL && from[i] != '\0' && i + 1 < size; i++)
        ret[i] = from[i] >= ' ' && from[i] <= '~' ? from[i] : '?';
    ret[i] = '\0';
}

int database_fail(const struct database *db, const char *what, struct mw_error *err)
{
    int rc = db->sql ? sqlite3_errcode(db->sql) : SQLITE_NOMEM;
    int system = db->sql ? sqlite3_system_errno(db->sql) : 0;
    int code = MW_EBUG;
    switch (rc & 0xff) {
    case SQLITE_FULL:
        code = MW_ENOSPC;
        break;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        code = system == ENOSPC || system == EDQUOT ? MW_ENOSPC
               : system == ENOENT                   ? MW_ENOTFOUND
               : system == EACCES                   ? MW_EDENIED
                                                    : MW_EIO;
        break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        code = MW_EBUSY;
        break;
    case SQLITE_NOMEM:
        code = MW_ENOMEM;
        break;
    case SQLITE_READONLY:
    case SQLITE_PERM:
        code = MW_EDENIED;
        break;
    case SQLITE_ERROR: /* "no such table": the schema is not ours any more */
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_SCHEMA:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_RANGE:
    case SQLITE_TOOBIG:
        code = MW_ECORRUPT;
        break;
    default:
        break;
    }
    char why[TEXT_ROOM];
    plain_text(why, sizeof(why), db->sql ? sqlite3_errmsg(db->sql) : "out of memory");
    return mw_fail(err, code, "cannot %s: %s", what, why);
}

static int run_sql(struct database *db, const char *sql, const char *what, struct mw_error *err)
{
    return sqlite3_exec(db->sql, sql, NULL, NULL, NULL) == SQLITE_OK
               ? 0
               : database_fail(db, what, err);
}

static int open_file(struct database *db, const char *path, const char *vfs, int flags,
                     struct mw_error *err)
{
    *db = (struct database){.sql = NULL};
    flags |= SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    if (sqlite3_open_v2(path, &db->sql, flags, vfs) != SQLITE_OK)
        return database_fail(db, "open " DATABASE_NAME, err);
    (void)sqlite3_extended_result_codes(db->sql, 1);
    (void)sqlite3_busy_timeout(db->sql, BUSY_MS);
    (void)sqlite3_db_config(db->sql, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(db->sql, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    (void)sqlite3_limit(db->sql, SQLITE_LIMIT_LENGTH, (int)BLOB_BYTES_MAX + 4096);
    return 0;
}

/* What check_sum is made of. */
static void meta_sum(int64_t schema, int64_t event, const char *program, const char *origin,
                     uint8_t ret[MW_SHA256_SIZE])
{
    int64_t number[] = {schema, event};
    const struct mw_piece piece[] = {
        {number, sizeof(number)}, {program, strlen(program) + 1}, {origin, strlen(origin)}};
    mw_sha256(piece, MW_ARRAY_LEN(piece), ret);
}

static int put_meta(struct database *db, const char *origin, struct mw_error *err)
{
    sqlite3_stmt *s = NULL;
    uint8_t sum[MW_SHA256_SIZE];
    meta_sum(DATABASE_SCHEMA, EVENT_VERSION, MW_VERSION, origin, sum);
    bool good = sqlite3_prepare_v2(db->sql, "INSERT INTO meta VALUES(?,?,?,?,?)", -1, &s, NULL) ==
                    SQLITE_OK &&
                sqlite3_bind_int(s, 1, DATABASE_SCHEMA) == SQLITE_OK &&
                sqlite3_bind_int(s, 2, EVENT_VERSION) == SQLITE_OK &&
                sqlite3_bind_text(s, 3, MW_VERSION, -1, SQLITE_STATIC) == SQLITE_OK &&
                sqlite3_bind_text(s, 4, origin, -1, SQLITE_STATIC) == SQLITE_OK &&
                sqlite3_bind_blob(s, 5, sum, sizeof(sum), SQLITE_STATIC) == SQLITE_OK &&
                sqlite3_step(s) == SQLITE_DONE;
    int rc = good ? 0 : database_fail(db, "write the versions", err);
    (void)sqlite3_finalize(s);
    return rc;
}

static int fill_new(struct database *db, const char *origin, struct mw_error *err)
{
    char sql[TEXT_ROOM];
    (void)snprintf(sql, sizeof(sql), "PRAGMA page_size=%d; PRAGMA journal_mode=WAL;",
                   DATABASE_PAGE_BYTES);
    int rc = run_sql(db, sql, "set the page size", err);
    if (rc == 0)
        rc = database_begin(db, err);
    if (rc == 0)
        rc = run_sql(db, schema_sql, "make the tables", err);
    if (rc == 0)
        rc = put_meta(db, origin, err);
    if (rc == 0)
        rc = database_end(db, err);
    if (rc == 0)
        rc = run_sql(db, "PRAGMA wal_checkpoint(TRUNCATE)", "write the tables", err);
    return rc;
}

static int log_grown(void *ctx, sqlite3 *sql, const char *name, int pages)
{
    struct database *db = ctx;
    must(db->sql == sql && name != NULL);
    db->log_pages = pages;
    return SQLITE_OK;
}

int database_create(const char *path, const char *vfs, const char *origin, struct mw_error *err)
{
    static const char *const part[] = {"", "-wal", "-shm"};
    for (uint32_t i = 0; i < MW_ARRAY_LEN(part); i++) {
        char name[4096];
        int n = snprintf(name, sizeof(name), "%s%s", path, part[i]);
        if (n < 0 || (size_t)n >= sizeof(name))
            return mw_fail(err, MW_EINVAL, "the path %s is too long", path);
        if (unlink(name) != 0 && errno != ENOENT)
            return file_fail(err, "replace", name);
    }
    /* SQLite would let everybody read it; the log beside it takes the mode of this file. */
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (fd < 0)
        return file_fail(err, "create", path);
    file_closep(&fd);
    struct database db;
    int rc = open_file(&db, path, vfs, SQLITE_OPEN_READWRITE, err);
    if (rc == 0)
        rc = run_sql(&db, settings_sql, "set up " DATABASE_NAME, err);
    if (rc == 0)
        rc = fill_new(&db, origin, err);
    (void)sqlite3_db_config(db.sql, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    database_close(&db, rc == 0);
    return rc;
}

/* SQLite believes the first bytes of a file; with some of them damaged it would ignore or remove
 * the write-ahead log.  They are looked at before it may, and by its own handle: closing another
 * one of this file would let go of every lock that this process has on it. */
static int header_check(struct database *db, struct mw_error *err)
{
    static const uint8_t fixed[] = {DATABASE_PAGE_BYTES >> 8, DATABASE_PAGE_BYTES & 0xff,
                                    2, 2, 0, 64, 32, 32};
    uint8_t h[100] = {0};
    sqlite3_file *file = NULL;
    if (sqlite3_file_control(db->sql, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK ||
        file == NULL || file->pMethods == NULL)
        return mw_fail(err, MW_EIO, "cannot read " DATABASE_NAME);
    int rc = file->pMethods->xRead(file, h, sizeof(h), 0);
    if (rc != SQLITE_OK && rc != SQLITE_IOERR_SHORT_READ)
        return mw_fail(err, MW_EIO, "cannot read " DATABASE_NAME);
    if (rc != SQLITE_OK || memcmp(h, "SQLite format 3", 16) != 0 ||
        memcmp(h + 16, fixed, sizeof(fixed)) != 0)
        return mw_fail(err, MW_ECORRUPT, "the first bytes of " DATABASE_NAME " are damaged");
    return 0;
}

static int prepare(struct database *db, const char *sql, sqlite3_stmt **ret, struct mw_error *err)
{
    return sqlite3_prepare_v3(db->sql, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL) == SQLITE_OK
               ? 0
               : database_fail(db, "read the tables", err);
}

int database_open(struct database *db, const char *path, const char *vfs, bool read_only,
                  struct mw_error *err)
{
    int flags = read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    int rc = open_file(db, path, vfs, flags, err);
    if (rc == 0)
        rc = header_check(db, err);
    if (rc == 0)
        rc = run_sql(db, settings_sql, "set up " DATABASE_NAME, err);
    if (rc == 0)
        rc = prepare(db, "INSERT INTO frames VALUES(?,?,?,?,?)", &db->insert_frame, err);
    if (rc == 0)
        rc = prepare(db, "INSERT OR IGNORE INTO blobs VALUES(?,?)", &db->insert_blob, err);
    if (rc == 0)
        rc = prepare(db, "SELECT bytes FROM blobs WHERE sha256=?", &db->get_blob, err);
    if (rc == 0)
        (void)sqlite3_wal_hook(db->sql, log_grown, db);
    return rc;
}

static int meta_row_check(sqlite3_stmt *s, struct mw_error *err)
{
    int64_t schema = sqlite3_column_int64(s, 0), event = sqlite3_column_int64(s, 1);
    const char *program = (const char *)sqlite3_column_text(s, 2);
    const char *origin = (const char *)sqlite3_column_text(s, 3);
    const void *sum = sqlite3_column_blob(s, 4);
    uint8_t real[MW_SHA256_SIZE];
    if (program == NULL || origin == NULL || sum == NULL ||
        sqlite3_column_bytes(s, 4) != sizeof(real))
        return mw_fail(err, MW_ECORRUPT, "the row of versions is damaged");
    meta_sum(schema, event, program, origin, real);
    if (memcmp(real, sum, sizeof(real)) != 0)
        return mw_fail(err, MW_ECORRUPT, "the row of versions is damaged");
    if (schema == DATABASE_SCHEMA && event == EVENT_VERSION)
        return 0;
    bool newer = schema > DATABASE_SCHEMA || event > EVENT_VERSION;
    char by[32];
    plain_text(by, sizeof(by), program);
    return mw_fail(err, MW_EVERSION,
                   "this journal was written by Millwright %s (schema %lld, events %lld); this is "
                   "%s (schema %d, events %d), which %s: %s",
                   by, (long long)schema, (long long)event, MW_VERSION, DATABASE_SCHEMA,
                   EVENT_VERSION, newer ? "is older" : "no longer reads it",
                   newer ? "run the newer program" : "export it with the program that wrote it");
}

int database_versions(struct database *db, struct mw_error *err)
{
    sqlite3_stmt *s = NULL;
    int rc = prepare(db, "SELECT schema, event, program, origin, check_sum FROM meta", &s, err);
    if (rc != 0)
        return rc;
    int step = sqlite3_step(s);
    if (step == SQLITE_ROW)
        rc = meta_row_check(s, err);
    else if (step == SQLITE_DONE)
        rc = mw_fail(err, MW_ECORRUPT, "the row of versions is missing");
    else
        rc = database_fail(db, "read the versions", err);
    (void)sqlite3_finalize(s);
    return rc;
}

void database_close(struct database *db, bool checkpoint)
{
    (void)sqlite3_finalize(db->insert_frame);
    (void)sqlite3_finalize(db->insert_blob);
    (void)sqlite3_finalize(db->get_blob);
    if (db->sql != NULL && checkpoint)
        (void)sqlite3_wal_checkpoint_v2(db->sql, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    must(sqlite3_close(db->sql) == SQLITE_OK);
    *db = (struct database){.sql = NULL};
}

void database_checkpoint(struct database *db, int pages)
{
    /* A failure here loses nothing: the log stays and the next commit tries again. */
    if (db->log_pages >= pages &&
        sqlite3_wal_checkpoint_v2(db->sql, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) ==
            SQLITE_OK)
        db->log_pages = 0;
}

void database_lenient(struct database *db)
{
    (void)sqlite3_exec(db->sql, "PRAGMA cell_size_check=OFF", NULL, NULL, NULL);
}

int database_structure(struct database *db, char *ret, size_t size, struct mw_error *err)
{
    sqlite3_stmt *s = NULL;
    int rc = prepare(db, "PRAGMA integrity_check(1)", &s, err);
    if (rc != 0)
        return rc;
    int step = sqlite3_step(s);
    const char *text = step == SQLITE_ROW ? (const char *)sqlite3_column_text(s, 0) : NULL;
    if (text == NULL)
        text = sqlite3_errmsg(db->sql);
    else if (strcmp(text, "ok") == 0)
        text = "";
    plain_text(ret, size, text);
    (void)sqlite3_finalize(s);
    return 0;
}

int database_begin(struct database *db, struct mw_error *err)
{
    return run_sql(db, "BEGIN IMMEDIATE", "begin writing", err);
}

int database_end(struct database *db, struct mw_error *err)
{
    return run_sql(db, "COMMIT", "commit", err);
}

void database_rollback(struct database *db)
{
    if (sqlite3_get_autocommit(db->sql) == 0)
        (void)sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
}

int database_put_blob(struct database *db, const uint8_t sha256[MW_SHA256_SIZE], const void *data,
                      size_t size, struct mw_error *err)
{
    sqlite3_stmt *s = db->insert_blob;
    bool good = sqlite3_bind_blob(s, 1, sha256, MW_SHA256_SIZE, SQLITE_STATIC) == SQLITE_OK &&
                sqlite3_bind_blob64(s, 2, size > 0 ? data : "", size, SQLITE_STATIC) ==
                    SQLITE_OK &&
                sqlite3_step(s) == SQLITE_DONE;
    int rc = good ? 0 : database_fail(db, "write a blob", err);
    (void)sqlite3_reset(s);
    (void)sqlite3_clear_bindings(s);
    return rc;
}

static bool blob_holds(const uint8_t sha256[MW_SHA256_SIZE], const void *data, size_t size)
{
    uint8_t real[MW_SHA256_SIZE];
    mw_sha256(&(struct mw_piece){data, size}, 1, real);
    return memcmp(real, sha256, sizeof(real)) == 0;
}

/* The row under a blob statement as owned bytes. */
static int blob_take(sqlite3_stmt *s, const uint8_t sha256[MW_SHA256_SIZE], char **ret,
                     size_t *ret_size, struct mw_error *err)
{
    const void *data = sqlite3_column_blob(s, 0);
    size_t size = (size_t)sqlite3_column_bytes(s, 0);
    if ((data == NULL && size > 0) || !blob_holds(sha256, data, size))
        return mw_fail(err, MW_ECORRUPT, "a blob of the journal is damaged: its SHA-256 differs");
    char *copy = mw_calloc(1, size + 1);
    if (copy == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory for a blob of %zu bytes", size);
    if (size > 0)
        memcpy(copy, data, size);
    *ret = copy;
    *ret_size = size;
    return 0;
}

int database_get_blob(struct database *db, const uint8_t sha256[MW_SHA256_SIZE], char **ret,
                      size_t *ret_size, struct mw_error *err)
{
    sqlite3_stmt *s = db->get_blob;
    int rc;
    (void)sqlite3_bind_blob(s, 1, sha256, MW_SHA256_SIZE, SQLITE_STATIC);
    int step = sqlite3_step(s);
    if (step == SQLITE_ROW)
        rc = blob_take(s, sha256, ret, ret_size, err);
    else if (step == SQLITE_DONE)
        rc = mw_fail(err, MW_ENOTFOUND, "the journal has no such blob");
    else
        rc = database_fail(db, "read a blob", err);
    (void)sqlite3_reset(s);
    (void)sqlite3_clear_bindings(s);
    return rc;
}

int database_each_blob(struct database *db, database_blob_fn *each, void *ctx,
                       struct mw_error *err)
{
    sqlite3_stmt *s = NULL;
    int rc = prepare(db, "SELECT sha256, bytes FROM blobs NOT INDEXED", &s, err);
    while (rc == 0) {
        int step = sqlite3_step(s);
        if (step == SQLITE_DONE)
            break;
        if (step != SQLITE_ROW) {
            rc = database_fail(db, "read the blobs", err);
            break;
        }
        const uint8_t *name = sqlite3_column_blob(s, 0);
        const void *data = sqlite3_column_blob(s, 1);
        size_t size = (size_t)sqlite3_column_bytes(s, 1);
        static const uint8_t unnamed[MW_SHA256_SIZE];
        bool named = name != NULL && sqlite3_column_bytes(s, 0) == MW_SHA256_SIZE;
        bool holds = named && (data != NULL || size == 0) && blob_holds(name, data, size);
        rc = each(ctx, named ? name : unnamed, holds ? (data ? data : "") : NULL, size);
    }
    (void)sqlite3_finalize(s);
    return rc;
}
