/* Reading files: plain, gzip, pipes, limits, damage, and every failing allocation. */
#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/mem.h"
#include "base/random.h"

#define SIZE 200000u
#define GZIP_MAX (SIZE + 1000u)

struct fixture {
    char path[64];
    char plain[SIZE];
    unsigned char gzip[2 * GZIP_MAX];
    size_t gzip_size;
};
static struct fixture fix;

static size_t gzip_of(const char *data, size_t size, unsigned char *ret, size_t room)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)data;
    z.avail_in = (uInt)size;
    z.next_out = ret;
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(deflateEnd(&z), Z_OK);
    return z.total_out;
}

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(fix.path, sizeof(fix.path), "/tmp/mw-file-test-XXXXXX");
    int fd = mkstemp(fix.path);
    if (fd < 0)
        return -1;
    for (uint64_t i = 0; i < SIZE; i++) /* half compressible: letters a to p */
        fix.plain[i] = (char)('a' + mw_random_below(mw_random_u64(1, 2, 3, i), 16));
    fix.plain[1000] = '\0';
    fix.gzip_size = gzip_of(fix.plain, SIZE, fix.gzip, GZIP_MAX);
    return close(fd);
}

static int tear_down(void **state)
{
    (void)state;
    return unlink(fix.path);
}

static void put(const void *data, size_t size)
{
    FILE *f = fopen(fix.path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static void expect(size_t size_max, const void *want, size_t want_size)
{
    struct mw_error err = {0};
    char *data = NULL;
    size_t size = 0;
    assert_int_equal(mw_read_file(fix.path, size_max, true, &data, &size, &err), 0);
    assert_int_equal(size, want_size);
    assert_memory_equal(data, want, want_size);
    assert_int_equal(data[size], '\0');
    mw_free(data);
}

static void refuse(const char *path, size_t size_max, int code, const char *word)
{
    struct mw_error err = {0};
    char *data = NULL;
    size_t size = 7;
    assert_int_equal(mw_read_file(path, size_max, true, &data, &size, &err), code);
    assert_null(data);
    assert_int_equal(size, 7);
    assert_int_equal(err.code, code);
    assert_non_null(strstr(err.text, word));
    assert_non_null(strstr(err.text, path));
}

static void files_come_whole_with_an_ending(void **state)
{
    (void)state;
    put(fix.plain, SIZE);
    expect(SIZE, fix.plain, SIZE);
    put("", 0);
    expect(0, "", 0);
    put("\x1f", 1); /* half of the gzip mark is just a byte */
    expect(10, "\x1f", 1);
}

static void gzip_is_inflated_only_when_asked(void **state)
{
    (void)state;
    put(fix.gzip, fix.gzip_size);
    expect(SIZE, fix.plain, SIZE);
    char *data = NULL;
    size_t size = 0;
    assert_int_equal(mw_read_file(fix.path, SIZE, false, &data, &size, NULL), 0);
    assert_int_equal(size, fix.gzip_size);
    assert_memory_equal(data, fix.gzip, size);
    mw_free(data);
}

static void joined_gzip_files_are_read_as_one(void **state)
{
    (void)state;
    unsigned char joined[4096];
    size_t first = gzip_of("hello ", 6, joined, sizeof(joined));
    size_t both = first + gzip_of("world", 5, joined + first, sizeof(joined) - first);
    put(joined, both);
    expect(11, "hello world", 11);
}

static void the_limit_counts_inflated_bytes(void **state)
{
    (void)state;
    put(fix.plain, SIZE);
    refuse(fix.path, SIZE - 1, MW_ELIMIT, "199999 bytes");
    put(fix.gzip, fix.gzip_size);
    refuse(fix.path, SIZE - 1, MW_ELIMIT, "199999 bytes");
    refuse(fix.path, 0, MW_ELIMIT, "limit of 0 bytes");
}

static void what_cannot_be_opened_says_why(void **state)
{
    (void)state;
    refuse("/tmp/no/such/file", 10, MW_ENOTFOUND, "No such file");
    refuse("/tmp", 10, MW_EINVAL, "directory");
}

static void damaged_gzip_is_refused_wherever_it_is_cut(void **state)
{
    (void)state;
    unsigned char small[4096];
    size_t size = gzip_of(fix.plain, 500, small, sizeof(small));
    for (size_t cut = 2; cut < size; cut++) {
        put(small, cut);
        refuse(fix.path, SIZE, MW_ECORRUPT, "gzip");
    }
    small[size / 2] ^= 1;
    put(small, size);
    refuse(fix.path, SIZE, MW_ECORRUPT, "gzip");
    small[size / 2] ^= 1;
    small[size] = 'x'; /* rubbish after the end */
    put(small, size + 1);
    refuse(fix.path, SIZE, MW_ECORRUPT, "gzip");
}

static void every_failing_allocation_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    put(fix.gzip, fix.gzip_size);
    int rc = MW_ENOMEM;
    int64_t calls = 0;
    for (; rc != 0; calls++) {
        assert_true(calls < 50);
        char *data = NULL;
        size_t size = 0;
        struct mw_error err = {0};
        mw_mem_fail_after(calls);
        rc = mw_read_file(fix.path, SIZE, true, &data, &size, &err);
        mw_mem_fail_after(-1);
        assert_true(rc == 0 || (rc == MW_ENOMEM && data == NULL && err.code == MW_ENOMEM));
        mw_free(data);
    }
    assert_true(calls > 5); /* buffers on both sides and the inflater's own */
}

static void standard_input_may_be_a_pipe(void **state)
{
    (void)state;
    int ends[2];
    int keep = dup(STDIN_FILENO);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "a,b\n1,2\n", 8), 8);
    (void)close(ends[1]);
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    (void)close(ends[0]);
    char *data = NULL;
    size_t size = 0;
    assert_int_equal(mw_read_file("-", 100, true, &data, &size, NULL), 0);
    assert_int_equal(size, 8);
    assert_string_equal(data, "a,b\n1,2\n");
    mw_free(data);
    struct stat still_open;
    assert_int_equal(fstat(STDIN_FILENO, &still_open), 0);
    if (keep >= 0) {
        (void)dup2(keep, STDIN_FILENO);
        (void)close(keep);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_come_whole_with_an_ending),
        cmocka_unit_test(gzip_is_inflated_only_when_asked),
        cmocka_unit_test(joined_gzip_files_are_read_as_one),
        cmocka_unit_test(the_limit_counts_inflated_bytes),
        cmocka_unit_test(what_cannot_be_opened_says_why),
        cmocka_unit_test(damaged_gzip_is_refused_wherever_it_is_cut),
        cmocka_unit_test(every_failing_allocation_is_reported_and_leaks_nothing),
        cmocka_unit_test(standard_input_may_be_a_pipe),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
