/*
 * Which meta file belongs to a trace.
 */
#include "cli/straggler_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static char folder[] = "/tmp/mw-straggler-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    return rmdir(folder);
}

/* The file found beside `trace` when `meta` is there; "" = none. */
static const char *found_with(const char *trace, const char *meta, char found[STRAGGLER_PATH_MAX])
{
    char path[256], there[256];
    struct mw_error err = { 0 };
    (void)snprintf(path, sizeof(path), "%s/%s", folder, trace);
    (void)snprintf(there, sizeof(there), "%s/%s", folder, meta);
    int fd = open(there, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    int rc = straggler_meta_find(path, found, &err);
    assert_int_equal(unlink(there), 0);
    if (rc == 0)
        return strrchr(found, '/') + 1;
    assert_int_equal(rc, MW_ENOTFOUND);
    assert_non_null(strstr(err.text, "--meta FILE"));
    return "";
}

static void a_trace_has_its_meta_file_beside_it(void **state)
{
    (void)state;
    char found[STRAGGLER_PATH_MAX];
    static const char *const pairs[][2] = {
        { "trace-AR.csv.gz", "meta-AR.yaml" }, { "trace-AR.csv", "meta-AR.yml" },
        { "trace.csv", "meta.yaml" },          { "run7.csv.gz", "run7.yaml" },
        { "run7.csv.gz", "run7.meta.yaml" },   { "run7", "meta.yaml" },
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        assert_string_equal(found_with(pairs[i][0], pairs[i][1], found), pairs[i][1]);
}

static void the_meta_file_of_another_trace_is_not_taken(void **state)
{
    (void)state;
    char found[STRAGGLER_PATH_MAX];
    assert_string_equal(found_with("trace-AR.csv.gz", "meta-ST.yaml", found), "");
    assert_string_equal(found_with("run7.csv", "run8.yaml", found), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trace_has_its_meta_file_beside_it),
        cmocka_unit_test(the_meta_file_of_another_trace_is_not_taken),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
