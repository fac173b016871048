/*
 * 10,000 random bit flips and 300 truncations over journal.db, its write-ahead
 * log, head and snapshot.  After each: nothing crashes; either everything reads
 * back as it was written, or the damage is stated with what is kept and what to
 * do, and what is kept reads back as it was written, also out of a recovered
 * journal.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/torture/torture.h"

#define FLIPS 10000
#define TRUNCATIONS_IN 34    /* one round in so many truncates instead of flipping */
#define WRITER_IN 10         /* one round in so many opens as a writer would */
#define RECOVER_IN 4         /* one damaged round in so many is recovered */
#define GROUPS 120
#define SNAPSHOT_SIZE 3000

enum { DRAW_KIND, DRAW_FILE, DRAW_PLACE, DRAW_BIT, DRAW_WRITER, DRAW_BASE, DRAW_RECOVER };
enum { FILE_DB, FILE_LOG, FILE_HEAD, FILE_SNAPSHOT, FILE_COUNT };

/* A journal as it lies on disk, and what is in it. */
struct original {
    char dir[256];
    uint64_t last, snapshot_seq;
    char file[FILE_COUNT][64]; /* "" = this one has none */
    uint64_t size[FILE_COUNT];
};

struct tally {
    uint64_t rounds, harmless, noted, damaged, recovered;
    double kept; /* sum of the share of events kept over damaged rounds */
};

struct world {
    struct torture *t;
    struct original base[2]; /* closed in order; left by a crash, with a write-ahead log */
    char work[256];
    struct tally tally[FILE_COUNT];
};

static const char blob_text[] = "the site file of the torture test";

static void snapshot_bytes(char ret[SNAPSHOT_SIZE], uint64_t seq)
{
    for (uint64_t i = 0; i < SNAPSHOT_SIZE; i++)
        ret[i] = (char)mw_random_u64(seq, i, 0, 0);
}

static void write_groups(struct torture *t, struct journal *j, uint32_t groups)
{
    for (uint32_t i = 0; i < groups; i++) {
        must(sample_append(j, &t->sample, t->seed, NULL) == 0);
        if (i % 10 == 9)
            must(j->ops->commit(j, NULL) == 0);
    }
    must(j->ops->commit(j, NULL) == 0);
}

static void fill(struct world *w, struct journal *j, struct original *o)
{
    char state[SNAPSHOT_SIZE];
    uint8_t name[MW_SHA256_SIZE];
    mw_sha256(&(struct mw_piece){blob_text, sizeof(blob_text)}, 1, name);
    must(j->ops->blob_put(j, name, blob_text, sizeof(blob_text), NULL) == 0);
    write_groups(w->t, j, GROUPS / 2);
    snapshot_bytes(state, j->head.seq);
    must(j->ops->snapshot_put(j, j->head.seq, state, sizeof(state), NULL) == 0);
    o->snapshot_seq = j->head.seq;
}

static void note_files(struct original *o)
{
    static const char *const name[] = {"journal.db", "journal.db-wal", "head"};
    for (uint32_t i = 0; i < FILE_SNAPSHOT; i++)
        (void)snprintf(o->file[i], sizeof(o->file[i]), "%s", name[i]);
    (void)snprintf(o->file[FILE_SNAPSHOT], sizeof(o->file[0]), "snapshot-%020llu",
                   (unsigned long long)o->snapshot_seq);
    for (uint32_t i = 0; i < FILE_COUNT; i++) {
        char path[600];
        struct stat st = {.st_size = 0};
        (void)snprintf(path, sizeof(path), "%s/%s", o->dir, o->file[i]);
        if (stat(path, &st) != 0 || st.st_size == 0)
            o->file[i][0] = '\0';
        o->size[i] = (uint64_t)st.st_size;
    }
}

static void make_originals(struct world *w)
{
    struct journal *j;
    for (uint32_t i = 0; i < 2; i++) {
        struct original *o = &w->base[i];
        char live[256];
        testing_dir(o->dir);
        testing_dir(live);
        must(journal_sqlite_open(live, NULL, &j, NULL) == 0);
        fill(w, j, o);
        journal_destroy(j); /* all of it is in the main file now */
        must(journal_sqlite_open(live, NULL, &j, NULL) == 0);
        write_groups(w->t, j, GROUPS / 2);
        o->last = j->head.seq;
        if (i == 1)
            testing_dir_copy(live, o->dir); /* in the middle of its life */
        journal_destroy(j);
        if (i == 0)
            testing_dir_copy(live, o->dir);
        testing_dir_remove(live);
        note_files(o);
    }
    must(w->base[0].file[FILE_LOG][0] == '\0' && w->base[1].file[FILE_LOG][0] != '\0');
}

/* ---- damage ------------------------------------------------------------------------------- */

struct damage {
    struct original *o;
    uint32_t file;
    bool truncate, writer;
    uint64_t at; /* bit, or length */
};

static struct damage choose(struct world *w)
{
    struct torture *t = w->t;
    struct damage d = {.o = &w->base[torture_draw(t, DRAW_BASE, 0, 2)]};
    uint64_t nth = 0;
    do {
        d.file = (uint32_t)torture_draw(t, DRAW_FILE, nth++, FILE_COUNT);
    } while (d.o->file[d.file][0] == '\0');
    d.truncate = torture_draw(t, DRAW_KIND, 0, TRUNCATIONS_IN) == 0;
    d.writer = d.truncate || torture_draw(t, DRAW_WRITER, 0, WRITER_IN) == 0;
    d.at = torture_draw(t, DRAW_PLACE, 0, d.o->size[d.file] * (d.truncate ? 1 : 8));
    return d;
}

static void flip(struct torture *t, const char *dir, const struct damage *d)
{
    char path[600];
    uint8_t byte;
    (void)snprintf(path, sizeof(path), "%s/%s", dir, d->o->file[d->file]);
    if (d->truncate) {
        TORTURE_CHECK(t, truncate(path, (off_t)d->at) == 0, "%s", path);
        return;
    }
    int fd = open(path, O_RDWR);
    TORTURE_CHECK(t, fd >= 0 && pread(fd, &byte, 1, (off_t)(d->at / 8)) == 1, "%s", path);
    byte ^= (uint8_t)(1u << d->at % 8);
    TORTURE_CHECK(t, pwrite(fd, &byte, 1, (off_t)(d->at / 8)) == 1, "%s", path);
    (void)close(fd);
}

/* ---- what must hold ----------------------------------------------------------------------- */

static void check_snapshot(struct torture *t, struct journal *j, const struct original *o,
                           bool must_be_there)
{
    uint64_t seq;
    char *data, want[SNAPSHOT_SIZE];
    size_t size;
    int rc = j->ops->snapshot_get(j, UINT64_MAX, &seq, &data, &size, NULL);
    TORTURE_CHECK(t, rc == 0 || !must_be_there, "the snapshot is gone and nothing is said");
    if (rc != 0)
        return;
    snapshot_bytes(want, o->snapshot_seq);
    TORTURE_CHECK(t, seq == o->snapshot_seq && size == sizeof(want) &&
                         memcmp(data, want, size) == 0, "another snapshot than was written");
    mw_free(data);
}

static void check_blob(struct torture *t, struct journal *j, bool must_be_there)
{
    uint8_t name[MW_SHA256_SIZE];
    char *data;
    size_t size;
    mw_sha256(&(struct mw_piece){blob_text, sizeof(blob_text)}, 1, name);
    int rc = j->ops->blob_get(j, name, &data, &size, NULL);
    TORTURE_CHECK(t, rc == 0 || !must_be_there, "the blob is gone and nothing is said");
    if (rc != 0)
        return;
    TORTURE_CHECK(t, size == sizeof(blob_text) && memcmp(data, blob_text, size) == 0,
                  "another blob than was written");
    mw_free(data);
}

static void check_recovered(struct world *w, const char *dir, uint64_t valid)
{
    struct torture *t = w->t;
    char out[256];
    uint64_t seen;
    struct journal_report r;
    struct journal *j;
    struct mw_error err = {.text = ""};
    testing_dir(out);
    int rc = journal_recover_prefix(dir, out, &r, &err);
    TORTURE_CHECK(t, rc == 0 || rc == MW_ECORRUPT, "recover gives %d: %s", rc, err.text);
    if (rc == 0) {
        TORTURE_CHECK(t, journal_sqlite_open(out, NULL, &j, &err) == 0, "%s", err.text);
        TORTURE_CHECK(t, j->head.seq >= valid, "recovered to %llu of %llu",
                      (unsigned long long)j->head.seq, (unsigned long long)valid);
        rc = torture_read(t, j, &seen);
        TORTURE_CHECK(t, rc == 0 && seen == j->head.seq, "the recovered journal reads %d", rc);
        torture_whole(t, j);
        journal_destroy(j);
    }
    testing_dir_remove(out);
}

/* Everything must be as it was; a note may say what was passed over. */
static void check_all_there(struct world *w, const struct damage *d, struct journal *j,
                            const char *noted)
{
    uint64_t seen;
    TORTURE_CHECK(w->t, j->opened.loss == JOURNAL_WHOLE, "%s", j->opened.text);
    int rc = torture_read(w->t, j, &seen);
    TORTURE_CHECK(w->t, rc == 0 && seen == d->o->last, "nothing is said, but read gives %d at %llu",
                  rc, (unsigned long long)seen);
    check_snapshot(w->t, j, d->o, noted[0] == '\0');
    check_blob(w->t, j, true);
    w->tally[d->file].harmless += noted[0] == '\0';
    w->tally[d->file].noted += noted[0] != '\0';
}

static void check_stated(struct world *w, const struct damage *d, struct journal *j,
                         const struct journal_report *r)
{
    struct torture *t = w->t;
    uint64_t seen;
    int rc = torture_read(t, j, &seen);
    TORTURE_CHECK(t, rc == 0 || rc == MW_ECORRUPT, "read gives %d at %llu", rc,
                  (unsigned long long)seen);
    TORTURE_CHECK(t, seen == r->valid_seq, "%llu events are stated, %llu are read: %s",
                  (unsigned long long)r->valid_seq, (unsigned long long)seen, r->text);
    TORTURE_CHECK(t, strstr(r->text, "mw journal recover") != NULL, "%s", r->text);
    check_snapshot(t, j, d->o, false);
    check_blob(t, j, false);
    struct tally *tally = &w->tally[d->file];
    tally->damaged++;
    tally->kept += (double)r->valid_seq / (double)d->o->last;
}

static void check(struct world *w, const char *dir, const struct damage *d)
{
    struct torture *t = w->t;
    struct journal_sqlite_options o = {.read_only = !d->writer};
    struct journal *j;
    struct journal_report r;
    struct mw_error err = {.text = ""};
    int rc = journal_sqlite_open(dir, &o, &j, &err);
    TORTURE_CHECK(t, rc == 0, "opening gives %d: %s", rc, err.text);
    rc = j->ops->verify(j, &r, &err);
    TORTURE_CHECK(t, rc == 0, "verify gives %d: %s", rc, err.text);
    TORTURE_CHECK(t, r.valid_seq <= d->o->last, "more events than were written");
    w->tally[d->file].rounds++;
    if (r.loss == JOURNAL_WHOLE)
        check_all_there(w, d, j, r.text);
    else
        check_stated(w, d, j, &r);
    journal_destroy(j);
    if (r.loss != JOURNAL_WHOLE && torture_draw(t, DRAW_RECOVER, 0, RECOVER_IN) == 0) {
        check_recovered(w, dir, r.valid_seq);
        w->tally[d->file].recovered++;
    }
}

static void round_run(struct world *w)
{
    struct damage d = choose(w);
    if (d.writer) { /* it may change what it finds: on a copy */
        testing_dir(w->work);
        testing_dir_copy(d.o->dir, w->work);
        flip(w->t, w->work, &d);
        check(w, w->work, &d);
        testing_dir_remove(w->work);
        return;
    }
    char shm[600];
    (void)snprintf(shm, sizeof(shm), "%s/journal.db-shm", d.o->dir);
    flip(w->t, d.o->dir, &d);
    check(w, d.o->dir, &d);
    flip(w->t, d.o->dir, &d);
    (void)unlink(shm);
}

int main(int argc, char **argv)
{
    static const char *const name[] = {"journal.db", "write-ahead log", "head", "snapshot"};
    uint64_t rounds = FLIPS + FLIPS / TRUNCATIONS_IN;
    struct world *w = calloc(1, sizeof(*w));
    must(w != NULL);
    if (access("/dev/shm", W_OK) == 0 && getenv("TMPDIR") == NULL)
        (void)setenv("TMPDIR", "/dev/shm", 1); /* no disk has to be waited for */
    w->t = torture_begin(argc, argv, "flip", &rounds);
    make_originals(w);
    for (; w->t->round < rounds; w->t->round++)
        round_run(w);
    for (uint32_t i = 0; i < FILE_COUNT; i++) {
        const struct tally *y = &w->tally[i];
        printf("%-15s %5llu damaged: %5llu harmless, %5llu noted, %5llu stated with %.1f %% of the "
               "events kept on average, %llu of them recovered\n",
               name[i], (unsigned long long)y->rounds, (unsigned long long)y->harmless,
               (unsigned long long)y->noted, (unsigned long long)y->damaged,
               y->damaged > 0 ? 100 * y->kept / (double)y->damaged : 100.0,
               (unsigned long long)y->recovered);
    }
    testing_dir_remove(w->base[0].dir);
    testing_dir_remove(w->base[1].dir);
    free(w->t);
    free(w);
    return 0;
}
