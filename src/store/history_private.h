/* What history.c (the file), history_rows.c (writing) and history_read.c (reading) share. */
#ifndef MW_STORE_HISTORY_PRIVATE_H
#define MW_STORE_HISTORY_PRIVATE_H

#include <sqlite3.h>

#include "store/history.h"

#define HISTORY_INCIDENT_COLUMNS \
    "seq, closed_seq, parent, component, opened_ms, closed_ms, lost_gpu_ms, node, class," \
    " findings, symptoms, steps, step, cured"
#define HISTORY_JOB_COLUMNS \
    "seq, job, ended_seq, submitted_ms, started_ms, ended_ms, placed_ms, held_gpu_ms, high_ms," \
    " checkpoint_ms, tenant, gpus, nodes, attempts, held_gpus, priority, flags, how, name"
#define HISTORY_SAMPLE_COLUMNS \
    "time_ms, seq, productive_gpu_ms, available_gpu_ms, ettr_productive_gpu_ms," \
    " ettr_wall_gpu_ms, lost_gpu_ms, lost_uusd, power_w, gpus_healthy, gpus_busy," \
    " incidents_open, jobs_running, jobs_queued, orders_open, lost_by"

/* X(enum, SQL): statements that are made once. */
#define HISTORY_STATEMENTS(X)                                                                     \
    X(SQL_BEGIN, "BEGIN IMMEDIATE")                                                               \
    X(SQL_COMMIT, "COMMIT")                                                                       \
    X(SQL_AT, "UPDATE meta SET seq=?, mark=?")                                                    \
    X(SQL_PUT_INCIDENT, "INSERT OR REPLACE INTO incident(" HISTORY_INCIDENT_COLUMNS               \
                        ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)")                                  \
    X(SQL_GET_INCIDENT, "SELECT " HISTORY_INCIDENT_COLUMNS " FROM incident WHERE seq=?")          \
    X(SQL_PUT_JOB, "INSERT OR REPLACE INTO job(" HISTORY_JOB_COLUMNS                              \
                   ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)")                             \
    X(SQL_LIVE_JOB, "SELECT " HISTORY_JOB_COLUMNS                                                 \
                    " FROM job WHERE job=? AND +ended_seq=0 ORDER BY seq DESC LIMIT 1")           \
    X(SQL_GET_JOB, "SELECT " HISTORY_JOB_COLUMNS                                                  \
                   " FROM job WHERE job=? ORDER BY seq DESC LIMIT 1")                             \
    X(SQL_PUT_SAMPLE, "INSERT OR REPLACE INTO sample(" HISTORY_SAMPLE_COLUMNS                     \
                      ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)")                                \
    X(SQL_SAMPLE_BEFORE, "SELECT " HISTORY_SAMPLE_COLUMNS                                         \
                         " FROM sample WHERE time_ms<=? ORDER BY time_ms DESC LIMIT 1")           \
    X(SQL_SAMPLE_AFTER, "SELECT " HISTORY_SAMPLE_COLUMNS                                          \
                        " FROM sample WHERE time_ms>? ORDER BY time_ms LIMIT 1")                  \
    X(SQL_PUT_HEAT, "INSERT OR REPLACE INTO heat(time_ms, gpus, bytes) VALUES(?,?,?)")            \
    X(SQL_PRUNE_HEAT, "DELETE FROM heat WHERE time_ms<?")                                         \
    X(SQL_GET_HEAT, "SELECT time_ms, gpus, bytes FROM heat WHERE time_ms<=?"                      \
                    " ORDER BY time_ms DESC LIMIT 1")                                             \
    X(SQL_PUT_NOTE, "INSERT OR REPLACE INTO note(seq, time_ms, kind, how) VALUES(?,?,?,?)")       \
    X(SQL_COUNT_NOTES, "SELECT count(*) FROM note WHERE seq>?1 AND kind=?2"                       \
                       " AND (?3=0 OR how=?3)")                                                   \
    X(SQL_COUNT_JOBS, "SELECT count(*) FROM job WHERE ended_seq>?")                               \
    X(SQL_INCIDENTS, "SELECT " HISTORY_INCIDENT_COLUMNS                                           \
                     " FROM incident WHERE closed_seq>?1 AND closed_seq<?2"                       \
                     " ORDER BY closed_seq DESC LIMIT ?3")                                        \
    X(SQL_OPENED, "SELECT " HISTORY_INCIDENT_COLUMNS " FROM incident WHERE seq>?1 AND seq<?2"     \
                  " ORDER BY lost_gpu_ms DESC, seq DESC LIMIT ?3")                                \
    X(SQL_JOBS, "SELECT " HISTORY_JOB_COLUMNS                                                     \
                " FROM job WHERE ended_seq>?1 AND ended_seq<?2 ORDER BY ended_seq DESC LIMIT ?3") \
    X(SQL_NOTES, "SELECT seq, time_ms, kind, how FROM note WHERE seq>?1 AND seq<?2"               \
                 " ORDER BY seq DESC LIMIT ?3")                                                   \
    X(SQL_SERIES, "SELECT " HISTORY_SAMPLE_COLUMNS ", max(time_ms) FROM sample"                   \
                  " WHERE time_ms>=?1 AND time_ms<=?2"                                            \
                  " GROUP BY (time_ms-?1)/?3 ORDER BY time_ms")

enum history_sql {
#define X(e, sql) e,
    HISTORY_STATEMENTS(X)
#undef X
    HISTORY_SQL_COUNT
};

struct history_store {
    sqlite3 *sql;
    sqlite3_stmt *stmt[HISTORY_SQL_COUNT];
    uint64_t seq, committed_seq;
    struct event last;            /* at seq; seq 0 in it: what the file says stands */
    uint8_t mark[MW_SHA256_SIZE]; /* of the event at committed_seq */
    uint32_t waiting;             /* rows of the open transaction */
    bool open, stopped, memory;
    bool damaged;                 /* the file goes when it is closed */
    char *path;                   /* owned; NULL in memory */
    char where[256];
};

/* The statement, reset, or NULL when history has stopped; begins the transaction when it writes. */
sqlite3_stmt *history_stmt(struct history_store *h, enum history_sql which);
/* Steps a statement that writes, and stops history when it fails. */
void history_write(struct history_store *h, sqlite3_stmt *s);
/* History takes nothing more; why is what SQLite says. */
void history_stop(struct history_store *h, const char *what);
/* Fills err with what SQLite says of a read. */
int history_fail(const struct history_store *h, const char *what, struct mw_error *err);

/* Rows as the statements give them, from column 0 on (history_rows.c). */
void history_take_incident(sqlite3_stmt *s, struct history_incident *ret);
void history_take_job(sqlite3_stmt *s, struct history_job *ret);
void history_take_sample(sqlite3_stmt *s, struct history_sample *ret);

#endif
