/* A reader beside the writer of a journal, in this process and in others: it sees what is
 * committed, when it is committed, and never takes a writer at work for damage. */
#include "store/journal_sqlite.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "store/store_testing.h"

#define SEED 23

struct world {
    char dir[256], other[256];
    struct journal *writer, *reader;
    struct sample s;
    bool full; /* the head cannot be written */
};

static bool head_is_full(void *ctx, const char *site)
{
    const struct world *w = ctx;
    return w->full && strcmp(site, "head.write") == 0;
}

static struct journal *open_reader(const char *dir)
{
    const struct journal_sqlite_options o = { .read_only = true };
    struct mw_error err;
    struct journal *j = NULL;
    if (journal_sqlite_open(dir, &o, &j, &err) < 0)
        fail_msg("%s", err.text);
    return j;
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    testing_dir(w->dir);
    testing_dir(w->other);
    const struct journal_sqlite_options o = { .rare = { head_is_full, w } };
    assert_int_equal(journal_sqlite_open(w->dir, &o, &w->writer, NULL), 0);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    journal_destroy(w->reader);
    journal_destroy(w->writer);
    testing_dir_remove(w->dir);
    testing_dir_remove(w->other);
    free(w);
    return 0;
}

static int write_groups(struct world *w, uint32_t groups)
{
    for (uint32_t i = 0; i < groups; i++)
        assert_int_equal(sample_append(w->writer, &w->s, SEED, NULL), 0);
    return w->writer->ops->commit(w->writer, NULL);
}

/* What a reader has compared so far. */
static struct sample_reader *reading(void)
{
    struct sample_reader *r = calloc(1, sizeof(*r));
    r->seed = SEED;
    return r;
}

static void read_on(struct journal *j, struct sample_reader *r)
{
    assert_int_equal(j->ops->read(j, r->seen + 1, sample_visit, r, NULL), 0);
    assert_int_equal(r->seen, j->head.seq);
}

static void a_reader_sees_what_was_committed_after_it_opened(void **state)
{
    struct world *w = *state;
    struct sample_reader *r = reading();
    bool news = true;
    w->reader = open_reader(w->dir);
    assert_int_equal(journal_sqlite_refresh(w->reader, &news, NULL), 0);
    assert_false(news);
    for (uint32_t i = 0; i < 30; i++) {
        assert_int_equal(write_groups(w, 1 + i % 3), 0);
        read_on(w->reader, r); /* not refreshed: it ends where it ended before */
        assert_true(r->seen < w->writer->head.seq);
        assert_int_equal(journal_sqlite_refresh(w->reader, &news, NULL), 0);
        assert_true(news);
        read_on(w->reader, r);
        assert_int_equal(r->seen, w->writer->head.seq);
        assert_memory_equal(w->reader->head.hash, w->writer->head.hash, MW_SHA256_SIZE);
        assert_int_equal(w->reader->head.time_ns, w->writer->head.time_ns);
        assert_int_equal(journal_sqlite_refresh(w->reader, &news, NULL), 0);
        assert_false(news);
    }
    free(r);
}

static void between_a_transaction_and_its_head_a_reader_sees_no_damage(void **state)
{
    struct world *w = *state;
    struct sample_reader *r = reading();
    bool news;
    assert_int_equal(write_groups(w, 3), 0);
    w->reader = open_reader(w->dir);
    uint64_t before = w->reader->head.seq;
    w->full = true;
    assert_int_equal(write_groups(w, 2), MW_ENOSPC); /* in the database, and not in the head */
    assert_int_equal(journal_sqlite_refresh(w->reader, &news, NULL), 0);
    assert_false(news);
    assert_int_equal(w->reader->head.seq, before);
    read_on(w->reader, r);
    w->full = false;
    assert_int_equal(w->writer->ops->commit(w->writer, NULL), 0);
    assert_int_equal(journal_sqlite_refresh(w->reader, &news, NULL), 0);
    assert_true(news);
    read_on(w->reader, r);
    assert_int_equal(r->seen, w->writer->head.seq);
    free(r);
}

static void change_file(const char *dir, const char *name, long at, const void *bytes, size_t size)
{
    char path[600];
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, size, at), (ssize_t)size);
    assert_int_equal(close(fd), 0);
}

static void a_head_that_is_half_written_is_no_news(void **state)
{
    struct world *w = *state;
    static const char torn[64] = "torn";
    bool news;
    assert_int_equal(write_groups(w, 1), 0);
    w->reader = open_reader(w->dir);
    uint64_t before = w->reader->head.seq;
    for (long slot = 0; slot < 2; slot++) {
        change_file(w->dir, "head", slot * 4096, torn, sizeof(torn));
        assert_int_equal(journal_sqlite_refresh(w->reader, &news, NULL), 0);
        assert_false(news);
        assert_int_equal(w->reader->head.seq, before);
    }
}

static void the_head_of_another_record_is_found_out(void **state)
{
    struct world *w = *state;
    struct mw_error err = { 0 };
    struct journal *other = NULL;
    struct sample s;
    bool news;
    assert_int_equal(write_groups(w, 2), 0);
    w->reader = open_reader(w->dir);
    assert_int_equal(journal_sqlite_open(w->other, NULL, &other, NULL), 0);
    for (uint32_t i = 0; i < 9; i++)
        assert_int_equal(sample_append(other, &s, SEED + 1, NULL), 0);
    assert_int_equal(other->ops->commit(other, NULL), 0);
    journal_destroy(other);
    char from[600], to[600];
    (void)snprintf(from, sizeof(from), "%s/head", w->other);
    (void)snprintf(to, sizeof(to), "%s/head", w->dir);
    assert_int_equal(rename(from, to), 0);
    assert_int_equal(journal_sqlite_refresh(w->reader, &news, &err), MW_ECORRUPT);
    assert_non_null(strstr(err.text, "another one"));
    assert_false(news);
}

/* ---- in one process -------------------------------------------------------------------------- */

struct follower {
    const char *dir;
    pthread_t thread;
    _Atomic uint64_t *end; /* of the record, when it is known; 0 before */
    uint64_t seen;
};

static void *follow(void *ctx)
{
    struct follower *f = ctx;
    struct sample_reader *r = reading();
    struct journal *j = open_reader(f->dir);
    uint64_t end;
    do {
        bool news;
        end = atomic_load(f->end);
        must(journal_sqlite_refresh(j, &news, NULL) == 0);
        must(j->ops->read(j, r->seen + 1, sample_visit, r, NULL) == 0);
        must(r->seen == j->head.seq);
    } while (end == 0 || r->seen < end);
    f->seen = r->seen;
    journal_destroy(j);
    free(r);
    return NULL;
}

static void readers_on_other_threads_follow_a_writer_at_work(void **state)
{
    struct world *w = *state;
    _Atomic uint64_t end = 0;
    struct follower f[2] = { { .dir = w->dir, .end = &end }, { .dir = w->dir, .end = &end } };
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&f[i].thread, NULL, follow, &f[i]), 0);
    for (uint32_t i = 0; i < 300; i++)
        assert_int_equal(write_groups(w, 1 + i % 5), 0);
    atomic_store(&end, w->writer->head.seq);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(f[i].thread, NULL), 0);
        assert_int_equal(f[i].seen, w->writer->head.seq);
    }
}

/* Does another process find the file of the database locked, as long as it is open here? */
static bool is_locked_for_others(const char *dir)
{
    char path[600];
    int status = 0;
    (void)snprintf(path, sizeof(path), "%s/journal.db", dir);
    pid_t child = fork();
    if (child == 0) {
        int fd = open(path, O_RDWR | O_CLOEXEC);
        /* SQLite's shared lock: 510 bytes behind its pending byte (sqlite.org/fileformat2.html) */
        struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0x40000002,
                           .l_len = 510 };
        _exit(fd >= 0 && fcntl(fd, F_GETLK, &l) == 0 && l.l_type != F_UNLCK ? 0 : 1);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* POSIX locks belong to a process: closing any descriptor of a file lets go of all of them. */
static void bug_a_reader_in_the_same_process_let_go_of_the_writers_locks(void **state)
{
    struct world *w = *state;
    assert_int_equal(write_groups(w, 1), 0);
    assert_true(is_locked_for_others(w->dir));
    w->reader = open_reader(w->dir);
    assert_true(is_locked_for_others(w->dir));
    journal_destroy(TAKE(w->reader));
    assert_true(is_locked_for_others(w->dir));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_reader_sees_what_was_committed_after_it_opened),
        T(between_a_transaction_and_its_head_a_reader_sees_no_damage),
        T(a_head_that_is_half_written_is_no_news),
        T(the_head_of_another_record_is_found_out),
        T(readers_on_other_threads_follow_a_writer_at_work),
        T(bug_a_reader_in_the_same_process_let_go_of_the_writers_locks),
    };
    return cmocka_run_group_tests_name("journal_reader", tests, NULL, NULL);
}
