/* The audit log: what is written is found again, what was changed is found out. */
#include "api/audit.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/units.h"

#define NOON (INT64_C(1790000000) * MW_NS_PER_S)

struct lab {
    char folder[64], path[96];
    struct mw_error err;
};

static int setup(void **state)
{
    struct lab *l = mw_calloc(1, sizeof(*l));
    assert_non_null(l);
    (void)snprintf(l->folder, sizeof(l->folder), "/tmp/mw-audit-XXXXXX");
    assert_non_null(mkdtemp(l->folder));
    (void)snprintf(l->path, sizeof(l->path), "%s/" AUDIT_FILE, l->folder);
    *state = l;
    return 0;
}

static int teardown(void **state)
{
    struct lab *l = *state;
    (void)unlink(l->path);
    (void)rmdir(l->folder);
    mw_free(l);
    return 0;
}

static void add(struct audit *a, int status, const char *detail, bool sync)
{
    struct mw_error err;
    const struct audit_entry e = { .time_ns = NOON, .who = "ci", .actor = 5, .via = "token",
                                   .route = "postCommand", .target = "/api/v1/commands",
                                   .status = status, .seq = 9, .detail = detail };
    assert_int_equal(audit_add(a, &e, sync, &err), 0);
}

static void add_many(struct lab *l, int n)
{
    struct audit *a = NULL;
    char detail[32];
    assert_int_equal(audit_open(l->folder, &a, &l->err), 0);
    for (int i = 0; i < n; i++) {
        (void)snprintf(detail, sizeof(detail), "entry %d", i + 1);
        add(a, 200, detail, i % 100 == 0);
    }
    audit_close(a);
}

static struct audit_report verify(struct lab *l)
{
    struct audit_report r;
    assert_int_equal(audit_verify(l->folder, NULL, &r, &l->err), 0);
    return r;
}

static void entries_are_linked_across_restarts(void **state)
{
    struct lab *l = *state;
    struct stat st;
    add_many(l, 3);
    add_many(l, 4);
    const struct audit_report r = verify(l);
    assert_true(r.whole && !r.torn && r.lines == 7);
    assert_int_equal(stat(l->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void rewrite(struct lab *l, const char *from, const char *to)
{
    char *text = NULL;
    size_t size = 0;
    assert_int_equal(mw_read_file(l->path, 1 << 24, false, &text, &size, &l->err), 0);
    char *at = strstr(text, from);
    assert_non_null(at);
    assert_int_equal(strlen(from), strlen(to));
    memcpy(at, to, strlen(to));
    FILE *f = fopen(l->path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
    mw_free(text);
}

static void a_changed_word_is_found_with_its_line(void **state)
{
    struct lab *l = *state;
    add_many(l, 10);
    rewrite(l, "entry 4", "entry X");
    const struct audit_report r = verify(l);
    assert_false(r.whole);
    assert_int_equal(r.bad_n, 5);
    assert_string_equal(r.why, "line 4 was changed after line 5 was written");
}

/* Drops the nth line, from 1; gives the lines after it. */
static void drop_line(struct lab *l, int n)
{
    char *text = NULL;
    size_t size = 0;
    assert_int_equal(mw_read_file(l->path, 1 << 24, false, &text, &size, &l->err), 0);
    FILE *f = fopen(l->path, "w");
    assert_non_null(f);
    int at = 0;
    for (char *from = text, *end; (end = strchr(from, '\n')) != NULL; from = end + 1)
        if (++at != n)
            assert_int_equal(fwrite(from, 1, (size_t)(end - from) + 1, f), end - from + 1);
    assert_int_equal(fclose(f), 0);
    mw_free(text);
}

static void a_removed_line_is_found(void **state)
{
    struct lab *l = *state;
    add_many(l, 10);
    drop_line(l, 6);
    struct audit_report r = verify(l);
    assert_false(r.whole);
    assert_string_equal(r.why, "before line 6 lines were removed or inserted");
    add_many(l, 1); /* writing on does not heal it */
    assert_false(verify(l).whole);
}

static void a_last_line_cut_off_by_a_crash_is_mended(void **state)
{
    struct lab *l = *state;
    struct stat st;
    add_many(l, 5);
    assert_int_equal(stat(l->path, &st), 0);
    for (off_t cut = 1; cut < 200; cut += 33) {
        assert_int_equal(truncate(l->path, st.st_size - cut), 0);
        assert_true(verify(l).torn && verify(l).whole && verify(l).lines == 4);
        add_many(l, 1);
        const struct audit_report r = verify(l);
        assert_true(r.whole && !r.torn && r.lines == 5);
        assert_int_equal(stat(l->path, &st), 0);
    }
}

static void reading_goes_backwards_page_by_page(void **state)
{
    struct lab *l = *state;
    uint64_t next = 0, seen = 0;
    add_many(l, 1000); /* some 300 bytes each: several windows */
    do {
        json_t *rows = NULL;
        const struct audit_wish w = { .before = next, .limit = 77 };
        assert_int_equal(audit_read(l->folder, &w, &rows, &next, &l->err), 0);
        for (size_t i = 0; i < json_array_size(rows); i++, seen++) {
            const json_t *n = json_object_get(json_array_get(rows, i), "n");
            assert_int_equal(json_integer_value(n), 1000 - seen);
        }
        json_decref(rows);
    } while (next != 0);
    assert_int_equal(seen, 1000);
    json_t *rows = NULL;
    const struct audit_wish w = { .before = 17, .limit = 1 };
    assert_int_equal(audit_read(l->folder, &w, &rows, &next, &l->err), MW_EINVAL);
}

static void a_flood_of_refusals_is_counted_not_kept(void **state)
{
    struct lab *l = *state;
    struct audit *a = NULL;
    json_t *rows = NULL;
    uint64_t next = 0;
    assert_int_equal(audit_open(l->folder, &a, &l->err), 0);
    const struct audit_entry nobody = { .time_ns = NOON, .route = "postSession", .status = 403 };
    for (int i = 0; i < 500; i++) {
        add(a, 403, NULL, false);
        assert_int_equal(audit_add(a, &nobody, true, &l->err), 0);
    }
    add(a, 200, "a command", true); /* never left out */
    add(a, 409, "a command", true);
    audit_close(a);
    assert_int_equal(verify(l).lines, AUDIT_REFUSALS_PER_S + 2);
    const struct audit_wish w = { .limit = 2 };
    assert_int_equal(audit_read(l->folder, &w, &rows, &next, &l->err), 0);
    const json_t *left = json_object_get(json_array_get(rows, 1), "left_out");
    assert_int_equal(json_integer_value(left), 1000 - AUDIT_REFUSALS_PER_S);
    json_decref(rows);
}

static void words_from_outside_cannot_forge_a_line(void **state)
{
    struct lab *l = *state;
    struct audit *a = NULL;
    char longest[3000];
    memset(longest, 0xc3, sizeof(longest) - 1); /* no UTF-8 */
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(audit_open(l->folder, &a, &l->err), 0);
    add(a, 404, "x\"}\n{\"n\":2,\"prev\":\"", false);
    add(a, 404, longest, false);
    memset(longest, 1, sizeof(longest) - 1); /* six bytes each, escaped */
    const struct audit_entry e = { .time_ns = NOON, .who = longest, .route = longest,
                                   .target = longest, .status = 404, .detail = longest };
    assert_int_equal(audit_add(a, &e, false, &l->err), 0);
    audit_close(a);
    assert_true(verify(l).whole && verify(l).lines == 3);
}

static void a_cut_end_or_a_new_log_differs_from_a_kept_hash(void **state)
{
    struct lab *l = *state;
    struct audit_kept kept = { .n = 5 };
    struct audit_report r = { 0 };
    add_many(l, 5);
    memcpy(kept.hash, verify(l).last, sizeof(kept.hash));
    add_many(l, 2);
    assert_int_equal(audit_verify(l->folder, &kept, &r, &l->err), 0);
    assert_true(r.whole && r.lines == 7);
    drop_line(l, 7);
    drop_line(l, 6);
    drop_line(l, 5);
    assert_true(verify(l).whole); /* by itself it looks whole */
    assert_int_equal(audit_verify(l->folder, &kept, &r, &l->err), 0);
    assert_false(r.whole);
    assert_non_null(strstr(r.why, "cut off"));
    struct audit *a = NULL;
    assert_int_equal(audit_open(l->folder, &a, &l->err), 0);
    add(a, 200, "another entry 5", true);
    audit_close(a);
    assert_int_equal(audit_verify(l->folder, &kept, &r, &l->err), 0);
    assert_false(r.whole);
    assert_int_equal(r.bad_n, 5);
}

static void two_daemons_cannot_write_one_log(void **state)
{
    struct lab *l = *state;
    struct audit *a = NULL, *b = NULL;
    assert_int_equal(audit_open(l->folder, &a, &l->err), 0);
    assert_int_equal(audit_open(l->folder, &b, &l->err), MW_EBUSY);
    audit_close(a);
}

static void there_is_no_log_without_a_daemon(void **state)
{
    struct lab *l = *state;
    struct audit_report r;
    assert_int_equal(audit_verify(l->folder, NULL, &r, &l->err), MW_ENOTFOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(entries_are_linked_across_restarts),
        TEST(a_changed_word_is_found_with_its_line),
        TEST(a_removed_line_is_found),
        TEST(a_last_line_cut_off_by_a_crash_is_mended),
        TEST(reading_goes_backwards_page_by_page),
        TEST(a_flood_of_refusals_is_counted_not_kept),
        TEST(words_from_outside_cannot_forge_a_line),
        TEST(a_cut_end_or_a_new_log_differs_from_a_kept_hash),
        TEST(two_daemons_cannot_write_one_log),
        TEST(there_is_no_log_without_a_daemon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
