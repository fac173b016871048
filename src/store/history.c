/*
 * The file of history: made, opened, begun again when it is not what it should
 * be, and committed.  Rows are in history_rows.c and history_read.c.  Never
 * fails a caller for damage: what is lost is folded again.
 */
#include "store/history_private.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#define BUSY_MS 2000
#define PATH_MAX_HERE 4096

static const char schema_sql[] =
    "CREATE TABLE meta(schema INTEGER NOT NULL, program TEXT NOT NULL, seq INTEGER NOT NULL,"
    " mark BLOB NOT NULL) STRICT;"
    "CREATE TABLE incident(seq INTEGER PRIMARY KEY, closed_seq INTEGER NOT NULL,"
    " parent INTEGER NOT NULL, component INTEGER NOT NULL, opened_ms INTEGER NOT NULL,"
    " closed_ms INTEGER NOT NULL, lost_gpu_ms INTEGER NOT NULL, node INTEGER NOT NULL,"
    " class INTEGER NOT NULL, findings INTEGER NOT NULL, symptoms INTEGER NOT NULL,"
    " steps INTEGER NOT NULL, step INTEGER NOT NULL, cured INTEGER NOT NULL) STRICT;"
    "CREATE INDEX incident_closed ON incident(closed_seq);"
    "CREATE TABLE job(seq INTEGER PRIMARY KEY, job INTEGER NOT NULL, ended_seq INTEGER NOT NULL,"
    " submitted_ms INTEGER NOT NULL, started_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL,"
    " placed_ms INTEGER NOT NULL, held_gpu_ms INTEGER NOT NULL, high_ms INTEGER NOT NULL,"
    " checkpoint_ms INTEGER NOT NULL, tenant INTEGER NOT NULL, gpus INTEGER NOT NULL,"
    " nodes INTEGER NOT NULL, attempts INTEGER NOT NULL, held_gpus INTEGER NOT NULL,"
    " priority INTEGER NOT NULL, flags INTEGER NOT NULL, how INTEGER NOT NULL,"
    " name TEXT NOT NULL) STRICT;"
    "CREATE INDEX job_number ON job(job);"
    "CREATE INDEX job_ended ON job(ended_seq);"
    "CREATE TABLE sample(time_ms INTEGER PRIMARY KEY, seq INTEGER NOT NULL,"
    " productive_gpu_ms INTEGER NOT NULL, available_gpu_ms INTEGER NOT NULL,"
    " ettr_productive_gpu_ms INTEGER NOT NULL, ettr_wall_gpu_ms INTEGER NOT NULL,"
    " lost_gpu_ms INTEGER NOT NULL, lost_uusd INTEGER NOT NULL, power_w INTEGER NOT NULL,"
    " gpus_healthy INTEGER NOT NULL, gpus_busy INTEGER NOT NULL,"
    " incidents_open INTEGER NOT NULL, jobs_running INTEGER NOT NULL,"
    " jobs_queued INTEGER NOT NULL, orders_open INTEGER NOT NULL, lost_by BLOB NOT NULL) STRICT;"
    "CREATE TABLE heat(time_ms INTEGER PRIMARY KEY, gpus INTEGER NOT NULL, bytes BLOB NOT NULL)"
    " STRICT;"
    "CREATE TABLE note(seq INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, kind INTEGER NOT NULL,"
    " how INTEGER NOT NULL) STRICT;"
    "CREATE INDEX note_kind ON note(kind, seq);";

static const char settings_sql[] =
    "PRAGMA synchronous=NORMAL; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;"
    "PRAGMA cache_size=-8000; PRAGMA temp_store=MEMORY; PRAGMA wal_autocheckpoint=2000;";

/* ---- what SQLite says ----------------------------------------------------------------------- */

static int code_of(const struct history_store *h)
{
    switch (sqlite3_errcode(h->sql) & 0xff) {
    case SQLITE_FULL:
        return MW_ENOSPC;
    case SQLITE_NOMEM:
        return MW_ENOMEM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return MW_EBUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return MW_ECORRUPT;
    default:
        return MW_EIO;
    }
}

int history_fail(const struct history_store *h, const char *what, struct mw_error *err)
{
    return mw_fail(err, code_of(h), "history: cannot %s: %.200s", what, sqlite3_errmsg(h->sql));
}

void history_stop(struct history_store *h, const char *what)
{
    if (h->stopped)
        return;
    (void)snprintf(h->where, sizeof(h->where), "stopped after event %llu: cannot %s: %.120s; it "
                   "goes on when the daemon starts again", (unsigned long long)h->committed_seq,
                   what, sqlite3_errmsg(h->sql));
    h->stopped = true;
    h->damaged = code_of(h) == MW_ECORRUPT;
    for (uint32_t i = 0; i < HISTORY_SQL_COUNT; i++)
        (void)sqlite3_reset(h->stmt[i]);
    if (h->open)
        (void)sqlite3_exec(h->sql, "ROLLBACK", NULL, NULL, NULL);
    h->open = false;
    h->waiting = 0;
    h->seq = h->committed_seq;
}

/* ---- statements ----------------------------------------------------------------------------- */

static bool writes(enum history_sql which)
{
    return which == SQL_PUT_INCIDENT || which == SQL_PUT_JOB || which == SQL_PUT_SAMPLE ||
           which == SQL_PUT_HEAT || which == SQL_PUT_NOTE || which == SQL_PRUNE_HEAT;
}

static void begin(struct history_store *h)
{
    (void)sqlite3_reset(h->stmt[SQL_BEGIN]);
    if (sqlite3_step(h->stmt[SQL_BEGIN]) != SQLITE_DONE)
        history_stop(h, "begin");
    else
        h->open = true;
    (void)sqlite3_reset(h->stmt[SQL_BEGIN]);
}

sqlite3_stmt *history_stmt(struct history_store *h, enum history_sql which)
{
    must(h && which < HISTORY_SQL_COUNT);
    if (writes(which) && !h->stopped && !h->open)
        begin(h);
    if (writes(which) && h->stopped)
        return NULL;
    (void)sqlite3_reset(h->stmt[which]);
    return h->stmt[which];
}

void history_write(struct history_store *h, sqlite3_stmt *s)
{
    if (sqlite3_step(s) != SQLITE_DONE)
        history_stop(h, "write");
    else
        h->waiting++;
    if (!h->stopped)
        (void)sqlite3_reset(s);
}

static int prepare_all(struct history_store *h, struct mw_error *err)
{
    static const char *const text[HISTORY_SQL_COUNT] = {
#define X(e, sql) [e] = sql,
        HISTORY_STATEMENTS(X)
#undef X
    };
    for (uint32_t i = 0; i < HISTORY_SQL_COUNT; i++)
        if (sqlite3_prepare_v3(h->sql, text[i], -1, SQLITE_PREPARE_PERSISTENT, &h->stmt[i],
                               NULL) != SQLITE_OK)
            return history_fail(h, "prepare", err);
    return 0;
}

/* ---- opening -------------------------------------------------------------------------------- */

static void close_file(struct history_store *h)
{
    for (uint32_t i = 0; i < HISTORY_SQL_COUNT; i++) {
        (void)sqlite3_finalize(h->stmt[i]);
        h->stmt[i] = NULL;
    }
    (void)sqlite3_close(h->sql);
    h->sql = NULL;
}

static int run(struct history_store *h, const char *sql, struct mw_error *err)
{
    return sqlite3_exec(h->sql, sql, NULL, NULL, NULL) == SQLITE_OK
               ? 0 : history_fail(h, "set up", err);
}

/* The meta row; false when this is not a history of ours that can be gone on with. */
static bool read_meta(struct history_store *h)
{
    sqlite3_stmt *s = NULL;
    bool good = sqlite3_prepare_v2(h->sql, "SELECT schema, program, seq, mark FROM meta", -1, &s,
                                   NULL) == SQLITE_OK &&
                sqlite3_step(s) == SQLITE_ROW && sqlite3_column_int(s, 0) == HISTORY_SCHEMA &&
                sqlite3_column_bytes(s, 3) == (int)sizeof(h->mark);
    const char *program = good ? (const char *)sqlite3_column_text(s, 1) : NULL;
    good = program && strcmp(program, MW_VERSION) == 0;
    if (good) {
        h->seq = h->committed_seq = (uint64_t)sqlite3_column_int64(s, 2);
        memcpy(h->mark, sqlite3_column_blob(s, 3), sizeof(h->mark));
    }
    (void)sqlite3_finalize(s);
    return good;
}

static int fill_new(struct history_store *h, struct mw_error *err)
{
    int r = run(h, "BEGIN", err);
    if (r == 0)
        r = run(h, schema_sql, err);
    if (r == 0)
        r = run(h, "INSERT INTO meta VALUES(1, '" MW_VERSION "', 0, zeroblob(32))", err);
    return r == 0 ? run(h, "COMMIT", err) : r;
}

static bool is_empty(struct history_store *h)
{
    sqlite3_stmt *s = NULL;
    bool empty = sqlite3_prepare_v2(h->sql, "SELECT count(*) FROM sqlite_schema", -1, &s, NULL) ==
                     SQLITE_OK &&
                 sqlite3_step(s) == SQLITE_ROW && sqlite3_column_int(s, 0) == 0;
    (void)sqlite3_finalize(s);
    return empty;
}

/* Opens it, with its tables; MW_ECORRUPT when what is there is no history to go on with. */
static int open_file(struct history_store *h, const char *path, struct mw_error *err)
{
    int fd = h->memory ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd >= 0)
        (void)close(fd); /* SQLite would let everybody read it; what is beside it takes its mode */
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path, &h->sql, flags, NULL) != SQLITE_OK)
        return h->sql ? history_fail(h, "open it", err)
                      : mw_fail(err, MW_ENOMEM, "out of memory");
    (void)sqlite3_busy_timeout(h->sql, BUSY_MS);
    (void)sqlite3_db_config(h->sql, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    int r = run(h, settings_sql, err);
    if (r == 0)
        r = run(h, "PRAGMA journal_mode=WAL", err);
    if (r == 0 && is_empty(h))
        r = fill_new(h, err);
    if (r == 0 && !read_meta(h))
        r = mw_fail(err, MW_ECORRUPT, "history: not one of this version");
    if (r == 0)
        r = prepare_all(h, err);
    return r;
}

static void remove_file(const char *path)
{
    static const char *const part[] = { "", "-wal", "-shm" };
    for (uint32_t i = 0; i < MW_ARRAY_LEN(part); i++) {
        char name[PATH_MAX_HERE + 8];
        (void)snprintf(name, sizeof(name), "%s%s", path, part[i]);
        (void)unlink(name);
    }
}

static void mark_of(const struct event *ev, uint8_t ret[MW_SHA256_SIZE])
{
    const struct mw_piece piece = { ev, sizeof(*ev) };
    mw_sha256(&piece, 1, ret);
}

/* Is the event that it stands at in this record? */
static bool is_of(const struct history_store *h, struct journal *j)
{
    struct event ev;
    uint8_t mark[MW_SHA256_SIZE];
    void *tail mw_cleanup(mw_freep) = mw_calloc(1, EVENT_TAIL_MAX);
    if (h->seq == 0)
        return true;
    if (!tail || j->ops->get(j, h->seq, &ev, tail, NULL) < 0)
        return false;
    mark_of(&ev, mark);
    return memcmp(mark, h->mark, sizeof(mark)) == 0;
}

static void start_again(struct history_store *h)
{
    *h = (struct history_store){ .sql = NULL };
}

static int try_file(struct history_store *h, const char *path, struct journal *j,
                    struct mw_error *err)
{
    int r = open_file(h, path, err);
    if (r == 0 && is_of(h, j))
        return 0;
    close_file(h);
    start_again(h);
    if (r == 0 || r == MW_ECORRUPT)
        remove_file(path);
    return r < 0 && r != MW_ECORRUPT ? r : open_file(h, path, err);
}

static int open_somewhere(struct history_store *h, const char *dir, struct journal *j,
                          struct mw_error *err)
{
    char path[PATH_MAX_HERE];
    struct mw_error why = { 0 };
    int n = snprintf(path, sizeof(path), "%s/%s", dir ? dir : "", HISTORY_NAME);
    int r = dir && n > 0 && (size_t)n < sizeof(path) ? try_file(h, path, j, &why) : MW_EINVAL;
    (void)snprintf(h->where, sizeof(h->where), "%s", "file");
    if (r == 0) {
        h->path = mw_strdup(path); /* without one, damage is found again at the next start */
        return 0;
    }
    close_file(h);
    start_again(h);
    h->memory = true;
    (void)snprintf(h->where, sizeof(h->where), "in memory%s%.200s", dir ? ": " : "",
                   dir ? why.text : "");
    return open_file(h, ":memory:", err);
}

int history_open(const char *dir, struct journal *j, struct history_store **ret,
                 struct mw_error *err)
{
    must(j && ret);
    struct history_store *h = mw_calloc(1, sizeof(*h));
    if (!h)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    int r = open_somewhere(h, dir, j, err);
    if (r < 0) {
        close_file(h);
        mw_free(h);
        return r;
    }
    *ret = h;
    return 0;
}

void history_close(struct history_store *h)
{
    if (!h)
        return;
    (void)!history_commit(h, NULL);
    close_file(h);
    if (h->damaged && h->path)
        remove_file(h->path);
    mw_free(h->path);
    mw_free(h);
}

/* ---- where it is ---------------------------------------------------------------------------- */

uint64_t history_seq(const struct history_store *h)
{
    return h->seq;
}

const char *history_where(const struct history_store *h)
{
    return h->where;
}

bool history_stopped(const struct history_store *h)
{
    return h->stopped;
}

uint32_t history_waiting(const struct history_store *h)
{
    return h->waiting;
}

void history_reached(struct history_store *h, const struct event *ev)
{
    must(h && ev);
    if (h->stopped)
        return;
    must(ev->seq > h->seq);
    h->seq = ev->seq;
    h->last = *ev;
}

int history_commit(struct history_store *h, struct mw_error *err)
{
    must(h);
    if (h->stopped)
        return mw_fail(err, MW_EIO, "history has %s", h->where);
    if (h->seq == h->committed_seq && !h->open)
        return 0;
    if (!h->open)
        begin(h);
    sqlite3_stmt *s = h->stopped ? NULL : history_stmt(h, SQL_AT);
    if (h->last.seq)
        mark_of(&h->last, h->mark);
    if (s) {
        (void)sqlite3_bind_int64(s, 1, (sqlite3_int64)h->seq);
        (void)sqlite3_bind_blob(s, 2, h->mark, sizeof(h->mark), SQLITE_STATIC);
        history_write(h, s);
    }
    s = h->stopped ? NULL : history_stmt(h, SQL_COMMIT);
    if (s)
        history_write(h, s);
    if (h->stopped)
        return mw_fail(err, MW_EIO, "history has %s", h->where);
    h->open = false;
    h->waiting = 0;
    h->committed_seq = h->seq;
    return 0;
}
