/* Many rows of history at once, and the hash over all of them. */
#include "store/history_private.h"

#include <string.h>

#include "base/mem.h"

static sqlite3_stmt *ranged(struct history_store *h, enum history_sql which,
                            const struct history_range *r)
{
    sqlite3_stmt *s = history_stmt(h, which);
    must(r);
    (void)sqlite3_bind_int64(s, 1, (sqlite3_int64)r->after_seq);
    (void)sqlite3_bind_int64(s, 2, r->before_seq ? (sqlite3_int64)r->before_seq : INT64_MAX);
    (void)sqlite3_bind_int64(s, 3, r->most ? (sqlite3_int64)r->most : -1);
    return s;
}

/* After the last row, or a reader that wants no more. */
static int over(struct history_store *h, sqlite3_stmt *s, int read, int r, struct mw_error *err)
{
    if (r == 0 && read != SQLITE_DONE && read != SQLITE_ROW)
        r = history_fail(h, "read", err);
    (void)sqlite3_reset(s);
    return r < 0 ? r : 0;
}

static int each_incident(struct history_store *h, sqlite3_stmt *s, history_incident_fn *each,
                         void *ctx, struct mw_error *err)
{
    struct history_incident row;
    int read = SQLITE_ROW, r = 0;
    while (r == 0 && (read = sqlite3_step(s)) == SQLITE_ROW) {
        history_take_incident(s, &row);
        r = each(ctx, &row);
    }
    return over(h, s, read, r, err);
}

int history_incidents_each(struct history_store *h, const struct history_range *r,
                           history_incident_fn *each, void *ctx, struct mw_error *err)
{
    return each_incident(h, ranged(h, SQL_INCIDENTS, r), each, ctx, err);
}

int history_incidents_opened(struct history_store *h, const struct history_range *r,
                             history_incident_fn *each, void *ctx, struct mw_error *err)
{
    return each_incident(h, ranged(h, SQL_OPENED, r), each, ctx, err);
}

int history_jobs_each(struct history_store *h, const struct history_range *range,
                      history_job_fn *each, void *ctx, struct mw_error *err)
{
    sqlite3_stmt *s = ranged(h, SQL_JOBS, range);
    struct history_job row;
    int read = SQLITE_ROW, r = 0;
    while (r == 0 && (read = sqlite3_step(s)) == SQLITE_ROW) {
        history_take_job(s, &row);
        r = each(ctx, &row);
    }
    return over(h, s, read, r, err);
}

int history_notes_each(struct history_store *h, const struct history_range *range,
                       history_note_fn *each, void *ctx, struct mw_error *err)
{
    sqlite3_stmt *s = ranged(h, SQL_NOTES, range);
    int read = SQLITE_ROW, r = 0;
    while (r == 0 && (read = sqlite3_step(s)) == SQLITE_ROW) {
        const struct history_note row = { .seq = (uint64_t)sqlite3_column_int64(s, 0),
                                          .time_ms = sqlite3_column_int64(s, 1),
                                          .kind = (uint16_t)sqlite3_column_int(s, 2),
                                          .how = (uint8_t)sqlite3_column_int(s, 3) };
        r = each(ctx, &row);
    }
    return over(h, s, read, r, err);
}

uint64_t history_notes_count(struct history_store *h, uint64_t after_seq, uint16_t kind,
                             uint8_t how)
{
    sqlite3_stmt *s = history_stmt(h, SQL_COUNT_NOTES);
    (void)sqlite3_bind_int64(s, 1, (sqlite3_int64)after_seq);
    (void)sqlite3_bind_int64(s, 2, kind);
    (void)sqlite3_bind_int64(s, 3, how);
    uint64_t n = sqlite3_step(s) == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(s, 0) : 0;
    (void)sqlite3_reset(s);
    return n;
}

uint64_t history_jobs_ended(struct history_store *h, uint64_t after_seq)
{
    sqlite3_stmt *s = history_stmt(h, SQL_COUNT_JOBS);
    (void)sqlite3_bind_int64(s, 1, (sqlite3_int64)after_seq);
    uint64_t n = sqlite3_step(s) == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(s, 0) : 0;
    (void)sqlite3_reset(s);
    return n;
}

int history_series(struct history_store *h, const struct history_span_ms *span,
                   history_sample_fn *each, void *ctx, struct mw_error *err)
{
    must(span && span->points > 0 && span->points <= HISTORY_POINTS_MAX);
    int64_t length = MW_MAX(span->to_ms - span->from_ms, 1);
    sqlite3_stmt *s = history_stmt(h, SQL_SERIES);
    struct history_sample row;
    int read = SQLITE_ROW, r = 0;
    (void)sqlite3_bind_int64(s, 1, span->from_ms);
    (void)sqlite3_bind_int64(s, 2, span->to_ms);
    (void)sqlite3_bind_int64(s, 3, length / span->points + 1);
    while (r == 0 && (read = sqlite3_step(s)) == SQLITE_ROW) {
        history_take_sample(s, &row);
        r = each(ctx, &row);
    }
    return over(h, s, read, r, err);
}

/* ---- all of it ------------------------------------------------------------------------------ */

static void hash_row(struct mw_hasher *hasher, sqlite3_stmt *s)
{
    for (int i = 0; i < sqlite3_column_count(s); i++) {
        int type = sqlite3_column_type(s, i);
        int64_t number = type == SQLITE_INTEGER ? sqlite3_column_int64(s, i) : 0;
        mw_hasher_add(hasher, &number, sizeof(number));
        if (type != SQLITE_INTEGER)
            mw_hasher_add(hasher, sqlite3_column_blob(s, i),
                          (size_t)sqlite3_column_bytes(s, i));
    }
}

static int hash_table(struct history_store *h, const char *sql, struct mw_hasher *hasher,
                      struct mw_error *err)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(h->sql, sql, -1, &s, NULL) != SQLITE_OK)
        return history_fail(h, "read", err);
    int read;
    while ((read = sqlite3_step(s)) == SQLITE_ROW)
        hash_row(hasher, s);
    int r = read == SQLITE_DONE ? 0 : history_fail(h, "read", err);
    (void)sqlite3_finalize(s);
    return r;
}

int history_hash(struct history_store *h, struct mw_hash128 *ret, struct mw_error *err)
{
    static const char *const table[] = {
        "SELECT * FROM incident ORDER BY seq", "SELECT * FROM job ORDER BY seq",
        "SELECT * FROM sample ORDER BY time_ms", "SELECT * FROM heat ORDER BY time_ms",
        "SELECT * FROM note ORDER BY seq",
    };
    struct mw_hasher *hasher = mw_hasher_create();
    int r = hasher ? 0 : mw_fail(err, MW_ENOMEM, "out of memory");
    for (uint32_t i = 0; r == 0 && i < MW_ARRAY_LEN(table); i++)
        r = hash_table(h, table[i], hasher, err);
    if (r == 0)
        *ret = mw_hasher_result(hasher);
    if (hasher)
        mw_hasher_destroy(hasher);
    return r;
}
