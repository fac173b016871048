/* What would break for the user: a fact that was seen and never reached the record. */
#include "live/spool.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "live/agent_frame.h"

#define BOOT "4be3a8c4-1c6e-4e5e-9e4a-0a4f3f6f9f11"

struct bench {
    char dir[64];
    struct spool *spool;
};

static struct spool *open_at(const char *dir, const char *boot, uint64_t most)
{
    const struct spool_options o = { .dir = dir, .boot = boot, .bytes_max = most };
    struct spool *s = NULL;
    struct mw_error err = { 0 };
    if (spool_open(&o, &s, &err) != 0)
        fail_msg("%s", err.text);
    return s;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static void remove_tree(const char *path)
{
    assert_int_equal(nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));
    (void)snprintf(b->dir, sizeof(b->dir), "/tmp/mw-spool-XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    spool_close(b->spool);
    remove_tree(b->dir);
    free(b);
    return 0;
}

/* "kmsg text=xid-7". */
static size_t line_of(uint64_t n, char *to, size_t size)
{
    return (size_t)snprintf(to, size, "kmsg text=xid-%llu\n", (unsigned long long)n);
}

static void put(struct spool *s, uint64_t n, uint64_t expect_e)
{
    char line[64];
    uint64_t e = 0;
    assert_int_equal(spool_put(s, line, line_of(n, line, sizeof(line)), &e, NULL), 0);
    assert_int_equal(e, expect_e);
}

/* What goes out next is the events of this content under these numbers, and no more. */
static void expect(struct spool *s, uint64_t first_n, uint64_t first_e, uint64_t count)
{
    static char out[1 << 20];
    size_t n = 0, got;
    while ((got = spool_next(s, out + n, sizeof(out) - n)) > 0)
        n += got;
    const char *at = out;
    for (uint64_t i = 0; i < count; i++) {
        struct agent_frame f;
        char text[32];
        const char *end = memchr(at, '\n', n - (size_t)(at - out));
        if (end == NULL)
            fail_msg("only %llu lines came", (unsigned long long)i);
        assert_int_equal(agent_frame_read(at, (size_t)(end - at), &f, NULL), 0);
        (void)snprintf(text, sizeof(text), "xid-%llu", (unsigned long long)(first_n + i));
        assert_string_equal(f.text, text);
        assert_int_equal(f.e, first_e + i);
        at = end + 1;
    }
    assert_int_equal(at - out, n);
}

static void events_go_out_in_order_with_their_numbers_until_acknowledged(void **state)
{
    struct bench *b = *state;
    b->spool = open_at(b->dir, BOOT, 0);
    for (uint64_t i = 1; i <= 5; i++)
        put(b->spool, i, i);
    expect(b->spool, 1, 1, 5);
    assert_false(spool_waits(b->spool));
    spool_ack(b->spool, 3);
    assert_int_equal(spool_unacked(b->spool), 2);
    spool_rewind(b->spool); /* the connection broke */
    expect(b->spool, 4, 4, 2);
    spool_ack(b->spool, 99); /* no more than there are */
    assert_int_equal(spool_unacked(b->spool), 0);
    put(b->spool, 6, 6);
    expect(b->spool, 6, 6, 1);
}

/* A child that is killed while it writes; what it was told is kept must be there. */
static void a_killed_agent_finds_its_events_again(void **state)
{
    struct bench *b = *state;
    int told[2];
    assert_int_equal(pipe(told), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct spool *s = open_at(b->dir, BOOT, 0);
        char line[64];
        for (uint64_t n = 1, e;; n++) {
            if (spool_put(s, line, line_of(n, line, sizeof(line)), &e, NULL) != 0)
                _exit(1);
            if (n == 10)
                spool_ack(s, 4);
            (void)!write(told[1], "x", 1);
        }
    }
    char got[4096];
    uint64_t kept = 0;
    while (kept < 20000) {
        ssize_t n = read(told[0], got, sizeof(got));
        assert_true(n > 0);
        kept += (uint64_t)n;
    }
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    (void)close(told[0]);
    (void)close(told[1]);
    b->spool = open_at(b->dir, BOOT, 0);
    assert_true(spool_unacked(b->spool) >= kept - 4);
    expect(b->spool, 5, 5, spool_unacked(b->spool)); /* numbers go on: the daemon may know some */
}

static void numbers_never_come_twice_within_an_id(void **state)
{
    struct bench *b = *state;
    b->spool = open_at(b->dir, BOOT, 0);
    char id[SPOOL_ID_SIZE];
    (void)snprintf(id, sizeof(id), "%s", spool_id(b->spool));
    put(b->spool, 1, 1);
    expect(b->spool, 1, 1, 1);
    spool_ack(b->spool, 1);
    spool_close(b->spool);
    b->spool = open_at(b->dir, BOOT, 0);
    assert_string_equal(spool_id(b->spool), id);
    put(b->spool, 2, 2);
    spool_close(b->spool);
    b->spool = open_at(b->dir, "another-boot", 0); /* the last second may be lost: begin anew */
    assert_string_not_equal(spool_id(b->spool), id);
    expect(b->spool, 2, 1, 1);
    put(b->spool, 3, 2);
}

static void write_to(const struct bench *b, int flags, const char *text, size_t size)
{
    char path[96];
    (void)snprintf(path, sizeof(path), "%s/events", b->dir);
    int fd = open(path, O_WRONLY | flags);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, size), size);
    assert_int_equal(close(fd), 0);
}

static void a_torn_end_is_cut_and_the_rest_is_kept(void **state)
{
    struct bench *b = *state;
    b->spool = open_at(b->dir, BOOT, 0);
    put(b->spool, 1, 1);
    put(b->spool, 2, 2);
    spool_close(b->spool);
    write_to(b, O_APPEND, "kmsg text=xid", 13);
    b->spool = open_at(b->dir, BOOT, 0);
    assert_int_equal(spool_stats(b->spool).cut, 13);
    put(b->spool, 3, 3);
    expect(b->spool, 1, 1, 3);
}

static void damage_in_the_middle_costs_only_what_is_damaged(void **state)
{
    struct bench *b = *state;
    b->spool = open_at(b->dir, BOOT, 0);
    put(b->spool, 1, 1);
    spool_close(b->spool);
    write_to(b, O_APPEND, "\0\0\0\0\nkmsg text=xid-2\n", 21);
    b->spool = open_at(b->dir, BOOT, 0);
    expect(b->spool, 1, 1, 2); /* under a new id, so without a gap */
}

static void a_file_that_is_none_of_ours_is_moved_aside(void **state)
{
    struct bench *b = *state;
    char path[96];
    struct stat st;
    b->spool = open_at(b->dir, BOOT, 0);
    put(b->spool, 1, 1);
    spool_close(b->spool);
    write_to(b, 0, "something else", 14);
    b->spool = open_at(b->dir, BOOT, 0);
    assert_int_equal(spool_unacked(b->spool), 0);
    put(b->spool, 2, 1);
    expect(b->spool, 2, 1, 1);
    (void)snprintf(path, sizeof(path), "%s/events.damaged", b->dir);
    assert_int_equal(stat(path, &st), 0);
}

static void a_full_spool_keeps_the_first_and_counts_the_rest(void **state)
{
    struct bench *b = *state;
    uint64_t e = 0, n = 0;
    char line[64];
    b->spool = open_at(b->dir, BOOT, 4096);
    while (spool_put(b->spool, line, line_of(n + 1, line, sizeof(line)), &e, NULL) == 0)
        n++;
    assert_true(n > 100 && e == n);
    assert_int_equal(spool_stats(b->spool).dropped, 1);
    assert_true(spool_stats(b->spool).bytes <= 4096);
    expect(b->spool, 1, 1, n);
    spool_ack(b->spool, n / 4); /* too little to be worth copying the rest */
    assert_int_equal(spool_put(b->spool, line, line_of(1, line, sizeof(line)), &e, NULL),
                     MW_ELIMIT);
    spool_ack(b->spool, n * 3 / 4);
    put(b->spool, n + 1, n + 1);
    spool_rewind(b->spool);
    expect(b->spool, n * 3 / 4 + 1, n * 3 / 4 + 1, n + 1 - n * 3 / 4);
}

static void room_is_made_while_events_are_on_their_way(void **state)
{
    struct bench *b = *state;
    char out[2 * AGENT_FRAME_MAX];
    uint64_t sent = 0, put_n = 0;
    b->spool = open_at(b->dir, BOOT, 4096);
    for (int turn = 0; turn < 2000; turn++) { /* always 20 on their way: never empty */
        put(b->spool, put_n + 1, put_n + 1);
        put_n++;
        size_t n = spool_next(b->spool, out, sizeof(out));
        struct agent_frame f;
        assert_true(n > 0);
        assert_int_equal(agent_frame_read(out, n - 1, &f, NULL), 0);
        assert_int_equal(f.e, ++sent);
        if (sent > 20)
            spool_ack(b->spool, sent - 20);
    }
    assert_int_equal(spool_stats(b->spool).dropped, 0);
    assert_true(spool_stats(b->spool).bytes <= 4096);
}

static void an_empty_spool_takes_no_room(void **state)
{
    struct bench *b = *state;
    char line[64];
    uint64_t e = 0;
    b->spool = open_at(b->dir, BOOT, 0);
    for (uint64_t n = 1; n <= 20000; n++)
        assert_int_equal(spool_put(b->spool, line, line_of(n, line, sizeof(line)), &e, NULL), 0);
    assert_true(spool_stats(b->spool).bytes > 300000);
    expect(b->spool, 1, 1, 20000);
    spool_ack(b->spool, 20000);
    assert_int_equal(spool_stats(b->spool).bytes, SPOOL_HEAD);
    put(b->spool, 20001, 20001);
    expect(b->spool, 20001, 20001, 1);
}

static void without_a_folder_the_same_holds_in_memory(void **state)
{
    struct bench *b = *state;
    b->spool = open_at(NULL, BOOT, 0);
    put(b->spool, 1, 1);
    put(b->spool, 2, 2);
    expect(b->spool, 1, 1, 2);
    spool_rewind(b->spool);
    expect(b->spool, 1, 1, 2);
    spool_ack(b->spool, 2);
    put(b->spool, 3, 3);
    expect(b->spool, 3, 3, 1);
}

static void two_agents_do_not_share_a_folder(void **state)
{
    struct bench *b = *state;
    const struct spool_options o = { .dir = b->dir, .boot = BOOT };
    struct spool *second = NULL;
    struct mw_error err = { 0 };
    b->spool = open_at(b->dir, BOOT, 0);
    assert_int_equal(spool_open(&o, &second, &err), MW_EBUSY);
    assert_non_null(strstr(err.text, b->dir));
}

static void a_folder_that_others_may_write_is_refused(void **state)
{
    struct bench *b = *state;
    const struct spool_options o = { .dir = b->dir, .boot = BOOT };
    struct mw_error err = { 0 };
    assert_int_equal(chmod(b->dir, 0770), 0);
    assert_int_equal(spool_open(&o, &b->spool, &err), MW_EDENIED);
    assert_non_null(strstr(err.text, "0700"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(events_go_out_in_order_with_their_numbers_until_acknowledged),
        TEST(a_killed_agent_finds_its_events_again),
        TEST(numbers_never_come_twice_within_an_id),
        TEST(a_torn_end_is_cut_and_the_rest_is_kept),
        TEST(damage_in_the_middle_costs_only_what_is_damaged),
        TEST(a_file_that_is_none_of_ours_is_moved_aside),
        TEST(a_full_spool_keeps_the_first_and_counts_the_rest),
        TEST(room_is_made_while_events_are_on_their_way),
        TEST(an_empty_spool_takes_no_room),
        TEST(without_a_folder_the_same_holds_in_memory),
        TEST(two_agents_do_not_share_a_folder),
        TEST(a_folder_that_others_may_write_is_refused),
    };
    return cmocka_run_group_tests_name("live/spool", tests, NULL, NULL);
}
