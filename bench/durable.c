/*
 * Durable events a second: the controller over the SQLite journal, every commit
 * synced with its head before the next fact.  Beside it the same bytes put into
 * a plain SQLite table in the same batches, and simply appended to a file and
 * synced once a batch.  Wall time: the disk is part of it.
 */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "core/journal_memory.h"
#include "bench/stand.h"
#include "store/journal_sqlite.h"

#define EVENTS 1000000u

struct texts {
    const char *key, *what;
    uint32_t every;
    double target; /* 0 = none */
};

/* Groups as the journal gets them: one row each in the peer's table. */
struct groups {
    uint8_t *bytes;
    size_t length, room;
    uint32_t *size; /* of each group */
    uint32_t n, n_room;
    uint32_t open;  /* bytes of the group that is being read */
};

static int keep_event(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct groups *g = ctx;
    size_t size = event_frame_size(ev);
    if (g->length + size > g->room || g->n == g->n_room)
        return MW_ELIMIT;
    memcpy(g->bytes + g->length, ev, sizeof(*ev));
    if (tail)
        memcpy(g->bytes + g->length + sizeof(*ev), tail, ev->tail_size);
    g->length += size;
    g->open += (uint32_t)size;
    if (last) {
        g->size[g->n++] = g->open;
        g->open = 0;
    }
    return 0;
}

/* The groups of the whole script, through a journal in memory. */
static struct groups collect(const struct stand *s)
{
    struct groups g = { 0 };
    struct journal *j = NULL;
    struct mw_error err = { .text = "" };
    must(journal_memory_create(NULL, &j) == 0);
    struct control *c = stand_control(s, j, false);
    stand_play(s, c, stand_whole(s, 64));
    g.room = journal_memory_bytes(j);
    g.n_room = (uint32_t)s->events;
    g.bytes = mw_calloc(g.room, 1);
    g.size = mw_calloc(g.n_room, sizeof(*g.size));
    must(g.bytes && g.size);
    must(j->ops->read(j, 1, keep_event, &g, &err) == 0);
    control_destroy(c);
    journal_destroy(j);
    return g;
}

static void folder(const struct stand *s, const char *name, char path[MEASURE_PATH_MAX + 32])
{
    (void)snprintf(path, MEASURE_PATH_MAX + 32, "%s/%s", measure_folder(s->measure), name);
}

/* Only the first `facts` of the script: with small batches the whole takes too long. */
static double ours_s(const struct stand *s, uint64_t facts, uint32_t every, uint64_t *ret_events)
{
    char path[MEASURE_PATH_MAX + 32];
    struct journal *j = NULL;
    struct mw_error err = { .text = "" };
    folder(s, "journal", path);
    if (journal_sqlite_open(path, NULL, &j, &err) < 0)
        measure_fail(s->measure, &err);
    struct control *c = stand_control(s, j, false);
    double start = measure_wall_s();
    stand_play(s, c, (struct script_range){ .to = facts, .every = every });
    double took = measure_wall_s() - start;
    *ret_events = core_seq(c->core);
    control_destroy(c);
    journal_destroy(j);
    measure_empty(path);
    return took;
}

static void run_sql(sqlite3 *db, const char *sql)
{
    must(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK);
}

/* A table of blobs in the same mode, the same batches, no chain, no head, nothing checked. */
static double plain_sqlite_s(const struct stand *s, const struct groups *g, uint32_t n,
                             uint32_t every)
{
    char path[MEASURE_PATH_MAX + 64];
    sqlite3 *db = NULL;
    sqlite3_stmt *insert = NULL;
    const uint8_t *at = g->bytes;
    (void)snprintf(path, sizeof(path), "%s/plain.db", measure_folder(s->measure));
    must(sqlite3_open(path, &db) == SQLITE_OK);
    run_sql(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL");
    run_sql(db, "CREATE TABLE groups(seq INTEGER PRIMARY KEY, bytes BLOB NOT NULL)");
    must(sqlite3_prepare_v2(db, "INSERT INTO groups VALUES(?,?)", -1, &insert, NULL) == SQLITE_OK);
    double start = measure_wall_s();
    for (uint32_t i = 0; i < n; i++) {
        if (i % every == 0)
            run_sql(db, "BEGIN IMMEDIATE");
        (void)sqlite3_bind_int64(insert, 1, i + 1);
        (void)sqlite3_bind_blob(insert, 2, at, (int)g->size[i], SQLITE_STATIC);
        must(sqlite3_step(insert) == SQLITE_DONE && sqlite3_reset(insert) == SQLITE_OK);
        at += g->size[i];
        if (i % every == every - 1 || i == n - 1)
            run_sql(db, "COMMIT");
    }
    double took = measure_wall_s() - start;
    (void)sqlite3_finalize(insert);
    (void)sqlite3_close(db);
    measure_empty(s->measure->dir);
    return took;
}

/* The same bytes at the end of a file, one sync a batch: no record could be kept for less. */
static double append_s(const struct stand *s, const struct groups *g, uint32_t n, uint32_t every)
{
    char path[MEASURE_PATH_MAX + 64];
    const uint8_t *at = g->bytes;
    (void)snprintf(path, sizeof(path), "%s/append", measure_folder(s->measure));
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    must(fd >= 0);
    double start = measure_wall_s();
    for (uint32_t i = 0; i < n;) {
        size_t size = 0;
        for (uint32_t end = MW_MIN(n, i + every); i < end; i++)
            size += g->size[i];
        must(write(fd, at, size) == (ssize_t)size && fdatasync(fd) == 0);
        at += size;
    }
    double took = measure_wall_s() - start;
    (void)close(fd);
    measure_empty(s->measure->dir);
    return took;
}

/* How many of the first groups make so many events. */
static uint32_t groups_of(const struct groups *g, uint64_t events)
{
    uint32_t n = 0;
    uint64_t seen = 0;
    for (size_t at = 0; n < g->n && seen < events; n++)
        for (size_t end = at + g->size[n]; at < end; seen++)
            at += event_frame_size((const struct event *)(const void *)(g->bytes + at));
    return n;
}

/* The three take turns, and the best turn of each counts: the disk is not ours alone. */
static void measure_batch(struct stand *s, const struct groups *g, const struct texts *t)
{
    uint64_t facts = MW_MIN(s->script.length, (uint64_t)t->every * 250u + 500u), events = 0;
    double ours = 1e9, plain = 1e9, append = 1e9;
    for (uint32_t turn = 0; turn < (s->measure->quick ? 1u : 3u); turn++) {
        ours = MW_MIN(ours, ours_s(s, facts, t->every, &events));
        uint32_t n = groups_of(g, events);
        plain = MW_MIN(plain, plain_sqlite_s(s, g, n, t->every));
        append = MW_MIN(append, append_s(s, g, n, t->every));
    }
    double count = (double)events;
    measure_add(s->measure, &(struct figure){
        .key = t->key, .what = t->what, .value = count / ours, .unit = "events/s",
        .sense = t->target > 0 ? AT_LEAST : NO_TARGET, .target = t->target,
        .limit = count / append, .limit_what = "the same bytes appended to a file, synced a batch",
        .peer = count / plain, .peer_what = "plain SQLite: the same groups as blobs, no chain" });
    measure_note(s->measure, "%.2f ms a commit", ours / ((double)facts / t->every) * 1e3);
}

int main(int argc, char **argv)
{
    static const struct texts BATCH[] = {
        { "durable_1", "durable events, each fact committed by itself", 1, 0 },
        { "durable_64", "durable events, 64 facts a commit", 64, 0 },
        { "durable_1024", "durable events, 1,024 facts a commit", 1024, 1e5 },
        { "durable_4096", "durable events, 4,096 facts a commit", 4096, 0 },
    };
    struct measure m;
    struct stand s;
    measure_begin(&m, "durable", argc, argv);
    stand_init(&s, &m, SITE_SMALL, m.quick ? EVENTS / 10 : EVENTS);
    struct groups g = collect(&s);
    for (size_t i = 0; i < MW_ARRAY_LEN(BATCH); i++)
        measure_batch(&s, &g, &BATCH[i]);
    measure_note(&m, "4 KiB appended and synced: %.0f a second", measure_sync_rate(&m, 4096));
    mw_free(g.bytes);
    mw_free(g.size);
    stand_fini(&s);
    return measure_end(&m);
}
