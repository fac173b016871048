/* What only the journal on disk does: locks, versions, damage, full disks, recovery. */
#include "store/journal_sqlite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/mem.h"
#include "store/store_testing.h"

#define SEED 11

struct world {
    char dir[256], other[256];
    struct journal *j;
    struct sample s;
};

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    testing_dir(w->dir);
    testing_dir(w->other);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    journal_destroy(w->j);
    testing_dir_remove(w->dir);
    testing_dir_remove(w->other);
    free(w);
    return 0;
}

static void reopen(struct world *w, const struct journal_sqlite_options *o)
{
    struct mw_error err;
    journal_destroy(TAKE(w->j));
    if (journal_sqlite_open(w->dir, o, &w->j, &err) != 0)
        fail_msg("%s", err.text);
}

static void append(struct world *w, uint32_t groups)
{
    for (uint32_t i = 0; i < groups; i++)
        assert_int_equal(sample_append(w->j, &w->s, SEED, NULL), 0);
}

static void write_groups(struct world *w, uint32_t groups)
{
    append(w, groups);
    assert_int_equal(w->j->ops->commit(w->j, NULL), 0);
}

/* Reads and compares; the result of read() and how far it came. */
static int read_back(struct journal *j, uint64_t *seen)
{
    struct sample_reader *r = calloc(1, sizeof(*r));
    r->seed = SEED;
    int rc = j->ops->read(j, 1, sample_visit, r, NULL);
    *seen = r->seen;
    free(r);
    return rc;
}

static void expect_whole(struct journal *j)
{
    uint64_t seen;
    struct journal_report r;
    assert_int_equal(read_back(j, &seen), 0);
    assert_int_equal(seen, j->head.seq);
    assert_int_equal(j->ops->verify(j, &r, NULL), 0);
    if (r.loss != JOURNAL_WHOLE)
        fail_msg("%s", r.text);
    assert_true(r.valid_seq >= j->head.seq); /* more when a writer went on beside a reader */
}

static void path_of(char ret[600], const char *dir, const char *name)
{
    (void)snprintf(ret, 600, "%s/%s", dir, name);
}

static void run_sql(const char *dir, const char *sql)
{
    char path[600];
    sqlite3 *db;
    path_of(path, dir, "journal.db");
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s", sqlite3_errmsg(db));
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void a_second_writer_is_refused_and_a_reader_is_not(void **state)
{
    struct world *w = *state;
    reopen(w, NULL);
    write_groups(w, 10);
    struct mw_error err = {.text = ""};
    struct journal *second = NULL;
    assert_int_equal(journal_sqlite_open(w->dir, NULL, &second, &err), MW_EBUSY);
    assert_non_null(strstr(err.text, "pid "));
    struct journal_sqlite_options o = {.read_only = true};
    assert_int_equal(journal_sqlite_open(w->dir, &o, &second, &err), 0);
    expect_whole(second);
    assert_int_equal(sample_append(second, &w->s, SEED, &err), MW_EDENIED);
    write_groups(w, 10); /* beside the reader */
    expect_whole(second);
    assert_true(second->head.seq < w->j->head.seq);
    journal_destroy(second);
    expect_whole(w->j);
}

static void reading_where_nothing_is_makes_nothing(void **state)
{
    struct world *w = *state;
    struct journal_sqlite_options o = {.read_only = true};
    assert_int_equal(journal_sqlite_open(w->dir, &o, &w->j, NULL), MW_ENOTFOUND);
    assert_int_equal(rmdir(w->dir), 0); /* still empty */
    assert_int_equal(journal_sqlite_open(w->dir, &o, &w->j, NULL), MW_ENOTFOUND);
    reopen(w, NULL); /* a writer makes the directory too */
    write_groups(w, 1);
}

static void set_versions(const char *dir, int64_t schema, int64_t event)
{
    static const char program[] = "9.9", origin[] = "new";
    uint8_t sum[MW_SHA256_SIZE];
    char hex[MW_HEX256_MAX], sql[300];
    int64_t number[] = {schema, event};
    const struct mw_piece piece[] = {
        {number, sizeof(number)}, {program, sizeof(program)}, {origin, strlen(origin)}};
    mw_sha256(piece, 3, sum);
    mw_hex256(sum, hex);
    (void)snprintf(sql, sizeof(sql),
                   "UPDATE meta SET schema=%d, event=%d, program='9.9', check_sum=x'%s'",
                   (int)schema, (int)event, hex);
    run_sql(dir, sql);
}

static void another_version_is_refused_with_what_to_do(void **state)
{
    struct world *w = *state;
    reopen(w, NULL);
    write_groups(w, 5);
    journal_destroy(TAKE(w->j));
    struct mw_error err = {.text = ""};
    set_versions(w->dir, 2, EVENT_VERSION);
    assert_int_equal(journal_sqlite_open(w->dir, NULL, &w->j, &err), MW_EVERSION);
    assert_non_null(strstr(err.text, "run the newer program"));
    set_versions(w->dir, 1, EVENT_VERSION - 1);
    assert_int_equal(journal_sqlite_open(w->dir, NULL, &w->j, &err), MW_EVERSION);
    assert_non_null(strstr(err.text, "export it with the program that wrote it"));
    set_versions(w->dir, 1, EVENT_VERSION);
    reopen(w, NULL);
    expect_whole(w->j);
}

static void a_damaged_version_is_damage_and_the_events_are_readable(void **state)
{
    struct world *w = *state;
    reopen(w, NULL);
    write_groups(w, 5);
    journal_destroy(TAKE(w->j));
    run_sql(w->dir, "UPDATE meta SET event=1000");
    reopen(w, NULL);
    assert_int_equal(w->j->opened.loss, JOURNAL_DAMAGED);
    assert_true(w->j->read_only);
    uint64_t seen;
    assert_int_equal(read_back(w->j, &seen), 0);
    assert_int_equal(seen, w->j->opened.head_seq);
    struct journal_report r;
    assert_int_equal(w->j->ops->verify(w->j, &r, NULL), 0);
    assert_int_equal(r.loss, JOURNAL_DAMAGED);
}

static void a_lost_tail_is_noticed_and_stated_and_recovered(void **state)
{
    struct world *w = *state;
    reopen(w, NULL);
    write_groups(w, 20);
    uint64_t kept = w->j->head.seq;
    reopen(w, NULL); /* the first groups are in the main file now */
    write_groups(w, 20);
    uint64_t lost = w->j->head.seq;
    testing_dir_copy(w->dir, w->other); /* as a crash leaves it */
    char path[600];
    path_of(path, w->other, "journal.db-wal");
    assert_int_equal(truncate(path, 40), 0);
    struct journal *j;
    assert_int_equal(journal_sqlite_open(w->other, NULL, &j, NULL), 0);
    assert_int_equal(j->opened.loss, JOURNAL_TAIL_LOST);
    assert_int_equal(j->opened.valid_seq, kept);
    assert_int_equal(j->opened.head_seq, lost);
    assert_true(j->read_only);
    assert_non_null(strstr(j->opened.text, "mw journal recover"));
    char range[64];
    (void)snprintf(range, sizeof(range), "Events %llu to %llu", (unsigned long long)kept + 1,
                   (unsigned long long)lost);
    assert_non_null(strstr(j->opened.text, range));
    uint64_t seen;
    assert_int_equal(read_back(j, &seen), 0);
    assert_int_equal(seen, kept);
    journal_destroy(j);

    struct journal_report r;
    journal_destroy(TAKE(w->j));
    assert_int_equal(journal_recover_prefix(w->other, w->dir, &r, NULL), MW_EEXIST);
    testing_dir_remove(w->dir);
    assert_int_equal(journal_recover_prefix(w->other, w->dir, &r, NULL), 0);
    assert_int_equal(r.loss, JOURNAL_TAIL_LOST);
    reopen(w, NULL);
    assert_int_equal(w->j->head.seq, kept);
    assert_int_equal(w->j->epoch, 3); /* 2 was the epoch of what is lost */
    write_groups(w, 5);
    expect_whole(w->j);
}

static void a_missing_head_is_noticed_and_recovered(void **state)
{
    struct world *w = *state;
    reopen(w, NULL);
    write_groups(w, 20);
    uint64_t last = w->j->head.seq;
    journal_destroy(TAKE(w->j));
    char path[600];
    path_of(path, w->dir, "head");
    assert_int_equal(unlink(path), 0);
    reopen(w, NULL);
    assert_int_equal(w->j->opened.loss, JOURNAL_HEAD_DAMAGED);
    assert_true(w->j->read_only);
    uint64_t seen;
    assert_int_equal(read_back(w->j, &seen), 0);
    assert_int_equal(seen, last);
    journal_destroy(TAKE(w->j));
    struct journal_report r;
    assert_int_equal(journal_recover_prefix(w->dir, w->other, &r, NULL), 0);
    struct journal *j;
    assert_int_equal(journal_sqlite_open(w->other, NULL, &j, NULL), 0);
    assert_int_equal(j->head.seq, last);
    expect_whole(j);
    journal_destroy(j);
}

static void the_head_of_another_journal_is_noticed(void **state)
{
    struct world *w = *state;
    reopen(w, NULL);
    write_groups(w, 20);
    journal_destroy(TAKE(w->j));
    testing_dir_copy(w->dir, w->other);
    reopen(w, NULL);
    write_groups(w, 20);
    journal_destroy(TAKE(w->j));
    struct journal *j;
    assert_int_equal(journal_sqlite_open(w->other, NULL, &j, NULL), 0);
    assert_int_equal(sample_append(j, &w->s, SEED + 1, NULL), 0);
    for (uint32_t i = 0; i < 40; i++)
        assert_int_equal(sample_append(j, &w->s, SEED + 1, NULL), 0);
    assert_int_equal(j->ops->commit(j, NULL), 0);
    journal_destroy(j);
    char from[600], to[600];
    path_of(from, w->dir, "head");
    path_of(to, w->other, "head");
    assert_int_equal(rename(from, to), 0);
    assert_int_equal(journal_sqlite_open(w->other, NULL, &j, NULL), 0);
    assert_int_equal(j->opened.loss, JOURNAL_HEAD_DAMAGED);
    journal_destroy(j);
}

static bool full_when_set(void *ctx, const char *site)
{
    bool *full = ctx;
    return *full && (strcmp(site, "head.write") == 0 || strcmp(site, "snapshot.write") == 0);
}

static void a_commit_that_fails_at_the_head_can_be_repeated(void **state)
{
    struct world *w = *state;
    bool full = false;
    struct journal_sqlite_options o = {.rare = {full_when_set, &full}};
    reopen(w, &o);
    write_groups(w, 10);
    uint64_t before = w->j->head.seq, seen;
    full = true;
    append(w, 10);
    assert_int_equal(w->j->ops->commit(w->j, NULL), MW_ENOSPC);
    assert_int_equal(w->j->head.seq, before);
    assert_int_equal(read_back(w->j, &seen), 0);
    assert_int_equal(seen, before); /* not acknowledged, not read */
    append(w, 10);
    assert_int_equal(w->j->ops->commit(w->j, NULL), MW_ENOSPC);
    full = false;
    assert_int_equal(w->j->ops->commit(w->j, NULL), 0);
    assert_int_equal(w->j->head.seq, w->j->next_seq - 1);
    expect_whole(w->j);
    reopen(w, NULL);
    assert_int_equal(w->j->opened.groups, 30);
    expect_whole(w->j);
}

static void what_is_in_the_database_before_its_head_is_kept_after_a_crash(void **state)
{
    struct world *w = *state;
    bool full = false;
    struct journal_sqlite_options o = {.rare = {full_when_set, &full}};
    reopen(w, &o);
    write_groups(w, 10);
    uint64_t before = w->j->head.seq;
    full = true;
    append(w, 200);
    assert_int_equal(w->j->ops->commit(w->j, NULL), MW_ENOSPC);
    uint64_t staged = w->j->next_seq - 1;
    reopen(w, NULL);
    assert_int_equal(w->j->opened.loss, JOURNAL_WHOLE);
    assert_int_equal(w->j->opened.head_seq, before);
    assert_int_equal(w->j->head.seq, staged);
    expect_whole(w->j);
    reopen(w, NULL);
    assert_int_equal(w->j->opened.head_seq, staged); /* the head caught up */
}

static void a_damaged_or_unwritten_snapshot_costs_only_time(void **state)
{
    struct world *w = *state;
    bool full = false;
    struct journal_sqlite_options o = {.rare = {full_when_set, &full}};
    reopen(w, &o);
    write_groups(w, 5);
    uint64_t first = w->j->head.seq, seq;
    assert_int_equal(w->j->ops->snapshot_put(w->j, first, "one", 4, NULL), 0);
    write_groups(w, 5);
    full = true;
    assert_int_equal(w->j->ops->snapshot_put(w->j, w->j->head.seq, "two", 4, NULL), MW_ENOSPC);
    full = false;
    char path[600], *got;
    size_t size;
    assert_int_equal(w->j->ops->snapshot_get(w->j, UINT64_MAX, &seq, &got, &size, NULL), 0);
    assert_int_equal(seq, first);
    mw_free(got);
    assert_int_equal(w->j->ops->snapshot_put(w->j, w->j->head.seq, "two", 4, NULL), 0);
    (void)snprintf(path, sizeof(path), "%s/snapshot-%020llu", w->dir,
                   (unsigned long long)w->j->head.seq);
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, 65, SEEK_SET), 0);
    assert_int_equal(fputc('X', f), 'X');
    assert_int_equal(fclose(f), 0);
    assert_int_equal(w->j->ops->snapshot_get(w->j, UINT64_MAX, &seq, &got, &size, NULL), 0);
    assert_int_equal(seq, first);
    assert_string_equal(got, "one");
    mw_free(got);
    assert_non_null(strstr(w->j->opened.text, "damaged"));
    struct journal_report r;
    assert_int_equal(w->j->ops->verify(w->j, &r, NULL), 0);
    assert_int_equal(r.loss, JOURNAL_WHOLE);
    assert_non_null(strstr(r.text, "1 of 2 snapshots"));
}

static void a_changed_group_stops_the_reading_before_it(void **state)
{
    struct world *w = *state;
    reopen(w, NULL);
    write_groups(w, 500);
    sample_make(&w->s, SEED, 1, 1);
    uint64_t prefix = w->s.g.count;
    uint64_t last = w->j->head.seq;
    journal_destroy(TAKE(w->j));
    char sql[200];
    (void)snprintf(sql, sizeof(sql), "UPDATE frames SET bytes=zeroblob(%u) WHERE first_seq=%llu",
                   128, (unsigned long long)prefix + 1);
    run_sql(w->dir, sql);
    reopen(w, NULL);
    /* Far from the end: opening looks at the end only, reading and verifying at everything. */
    assert_int_equal(w->j->opened.loss, JOURNAL_WHOLE);
    uint64_t seen;
    assert_int_equal(read_back(w->j, &seen), MW_ECORRUPT);
    assert_int_equal(seen, prefix);
    struct journal_report r;
    assert_int_equal(w->j->ops->verify(w->j, &r, NULL), 0);
    assert_int_equal(r.loss, JOURNAL_DAMAGED);
    assert_int_equal(r.valid_seq, prefix);
    assert_int_equal(r.head_seq, last);
    journal_destroy(TAKE(w->j));
    assert_int_equal(journal_recover_prefix(w->dir, w->other, &r, NULL), 0);
    struct journal *j;
    assert_int_equal(journal_sqlite_open(w->other, NULL, &j, NULL), 0);
    assert_int_equal(j->head.seq, prefix);
    expect_whole(j);
    journal_destroy(j);
}

static void a_changed_blob_is_found_by_verify(void **state)
{
    struct world *w = *state;
    reopen(w, NULL);
    uint8_t name[MW_SHA256_SIZE];
    mw_sha256(&(struct mw_piece){"site", 4}, 1, name);
    assert_int_equal(w->j->ops->blob_put(w->j, name, "site", 4, NULL), 0);
    write_groups(w, 3);
    journal_destroy(TAKE(w->j));
    run_sql(w->dir, "UPDATE blobs SET bytes=x'00'");
    reopen(w, NULL);
    char *got;
    size_t size;
    assert_int_equal(w->j->ops->blob_get(w->j, name, &got, &size, NULL), MW_ECORRUPT);
    struct journal_report r;
    assert_int_equal(w->j->ops->verify(w->j, &r, NULL), 0);
    assert_int_equal(r.loss, JOURNAL_DAMAGED);
    assert_int_equal(r.valid_seq, w->j->head.seq);
}

static void a_simulated_journal_gathers_commits_and_reads_them_all_the_same(void **state)
{
    struct world *w = *state;
    struct journal_sqlite_options o = {.simulated = true};
    reopen(w, &o);
    for (uint32_t i = 0; i < 300; i++)
        write_groups(w, 1);
    uint64_t last = w->j->head.seq;
    assert_int_equal(last, w->j->next_seq - 1);
    testing_dir_copy(w->dir, w->other); /* a crash now loses what was gathered, and only that */
    struct journal *j;
    assert_int_equal(journal_sqlite_open(w->other, NULL, &j, NULL), 0);
    assert_int_equal(j->opened.loss, JOURNAL_WHOLE);
    assert_int_equal(j->head.seq, 0);
    journal_destroy(j);
    expect_whole(w->j);
    for (uint32_t i = 0; i < 20000; i++)
        write_groups(w, 1);
    last = w->j->head.seq;
    append(w, 3); /* staged, not committed: neither read nor kept */
    expect_whole(w->j);
    assert_int_equal(w->j->head.seq, last);
    append(w, 2);
    assert_int_equal(w->j->ops->commit(w->j, NULL), 0);
    expect_whole(w->j);
    append(w, 1);
    assert_int_equal(journal_sqlite_flush(w->j, NULL), 0);
    last = w->j->head.seq;
    assert_int_equal(last, w->j->next_seq - 1);
    append(w, 4);
    reopen(w, NULL);
    assert_int_equal(w->j->head.seq, last);
    expect_whole(w->j);
}

static void an_interrupted_making_is_made_again(void **state)
{
    struct world *w = *state;
    reopen(w, NULL);
    journal_destroy(TAKE(w->j));
    char path[600], half[600];
    path_of(path, w->dir, "journal.db");
    path_of(half, w->dir, "journal.db.new");
    assert_int_equal(rename(path, half), 0);
    assert_int_equal(truncate(half, 1000), 0);
    reopen(w, NULL);
    assert_int_equal(w->j->opened.loss, JOURNAL_WHOLE);
    write_groups(w, 3);
    journal_destroy(TAKE(w->j));
    /* With events in the head a missing database is damage, and nothing is made over it. */
    assert_int_equal(unlink(path), 0);
    reopen(w, NULL);
    assert_int_equal(w->j->opened.loss, JOURNAL_DAMAGED);
    assert_true(w->j->read_only);
    struct stat st;
    assert_int_not_equal(stat(path, &st), 0);
}

static uint32_t mode_of(const char *dir, const char *name)
{
    char path[600];
    struct stat st;
    path_of(path, dir, name);
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 0777;
}

static void others_may_not_read_the_record(void **state)
{
    static const char *const name[] = {"head", "journal.db", "journal.db-wal", "journal.db-shm"};
    struct world *w = *state;
    mode_t before = umask(022);
    reopen(w, NULL);
    write_groups(w, 2);
    for (uint32_t i = 0; i < MW_ARRAY_LEN(name); i++)
        assert_int_equal(mode_of(w->dir, name[i]), 0640);
    (void)umask(before);
}

static void what_a_damaged_database_says_cannot_drive_a_terminal(void **state)
{
    static const char good[] = "0123456789abcdef";
    struct world *w = *state;
    reopen(w, NULL);
    write_groups(w, 3);
    journal_destroy(TAKE(w->j));
    /* SQLite quotes the name of a table whose row it cannot read. */
    run_sql(w->dir, "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET name=CAST(x'ff1b5b324a07'"
                    " AS TEXT)||'0123456789abcdef', sql='CREATE what' WHERE name='blobs'");
    reopen(w, NULL);
    assert_int_equal(w->j->opened.loss, JOURNAL_DAMAGED);
    const char *text = w->j->opened.text;
    assert_non_null(strstr(text, good)); /* it is quoted, or this shows nothing */
    for (const char *p = text; *p != '\0'; p++)
        assert_in_range((unsigned char)*p, ' ', '~');
    assert_non_null(strstr(text, "??[2J?"));
}

static void a_journal_is_copied_beside_its_writer_and_the_copy_stays_as_it_was(void **state)
{
    struct world *w = *state;
    reopen(w, NULL);
    write_groups(w, 20);
    uint64_t last = w->j->head.seq, copied = 0, seen;
    append(w, 3); /* staged, not committed: it is not in the record yet */
    assert_int_equal(journal_sqlite_copy(w->dir, w->other, &copied, NULL), 0);
    assert_int_equal(copied, last);
    assert_int_equal(journal_sqlite_copy(w->dir, w->other, &copied, NULL), MW_EEXIST);
    assert_int_equal(w->j->ops->commit(w->j, NULL), 0); /* the writer was not disturbed */
    struct journal *j;
    const struct journal_sqlite_options o = {.read_only = true};
    assert_int_equal(journal_sqlite_open(w->other, &o, &j, NULL), 0);
    expect_whole(j);
    assert_int_equal(read_back(j, &seen), 0);
    assert_int_equal(seen, last);
    journal_destroy(j);
    expect_whole(w->j);
}

static void what_is_damaged_is_not_copied_as_if_it_were_whole(void **state)
{
    struct world *w = *state;
    uint64_t copied = 0;
    struct mw_error err = {.text = ""};
    assert_int_equal(journal_sqlite_copy(w->dir, w->other, &copied, &err), MW_ENOTFOUND);
    reopen(w, NULL);
    write_groups(w, 20);
    journal_destroy(TAKE(w->j));
    char path[600];
    path_of(path, w->dir, "head");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(journal_sqlite_copy(w->dir, w->other, &copied, &err), MW_ECORRUPT);
    assert_non_null(strstr(err.text, "head"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_second_writer_is_refused_and_a_reader_is_not),
        T(reading_where_nothing_is_makes_nothing),
        T(another_version_is_refused_with_what_to_do),
        T(a_damaged_version_is_damage_and_the_events_are_readable),
        T(a_lost_tail_is_noticed_and_stated_and_recovered),
        T(a_missing_head_is_noticed_and_recovered),
        T(the_head_of_another_journal_is_noticed),
        T(a_commit_that_fails_at_the_head_can_be_repeated),
        T(what_is_in_the_database_before_its_head_is_kept_after_a_crash),
        T(a_damaged_or_unwritten_snapshot_costs_only_time),
        T(a_changed_group_stops_the_reading_before_it),
        T(a_changed_blob_is_found_by_verify),
        T(a_simulated_journal_gathers_commits_and_reads_them_all_the_same),
        T(an_interrupted_making_is_made_again),
        T(others_may_not_read_the_record),
        T(what_a_damaged_database_says_cannot_drive_a_terminal),
        T(a_journal_is_copied_beside_its_writer_and_the_copy_stays_as_it_was),
        T(what_is_damaged_is_not_copied_as_if_it_were_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
