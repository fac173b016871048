/* Files of secrets: who may read them, and that no error shows what they hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "gather/credentials.h"

static char folder[] = "/tmp/mw-credentials-XXXXXX";

static const char *file_of(const char *text, mode_t mode)
{
    static const char name[] = "/secret";
    char *path = malloc(sizeof(folder) + sizeof(name));
    assert_non_null(path);
    (void)snprintf(path, sizeof(folder) + sizeof(name), "%s%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, mode), 0);
    return path;
}

static int read_text(const char *text, mode_t mode, struct credentials *ret, struct mw_error *err)
{
    const char *path = file_of(text, mode);
    int rc = credentials_read(path, ret, err);
    free((void *)(uintptr_t)path);
    return rc;
}

static void words_are_read_with_what_stands_in_them(void **state)
{
    struct credentials c;
    struct mw_error err = { 0 };
    (void)state;
    assert_int_equal(read_text("# the BMCs\nuser = admin\npassword = a = b \"c\" \n\ncommunity=x\n",
                               0600, &c, &err), 0);
    assert_string_equal(c.user, "admin");
    assert_string_equal(c.password, "a = b \"c\"");
    assert_string_equal(c.community, "x");
    assert_string_equal(c.token, "");
    credentials_wipe(&c);
    assert_string_equal(c.password, "");
}

static void no_file_is_no_secret(void **state)
{
    struct credentials c;
    struct mw_error err = { 0 };
    (void)state;
    assert_int_equal(credentials_read(NULL, &c, &err), 0);
    assert_string_equal(c.user, "");
    assert_int_equal(credentials_read("/nonexistent/file", &c, &err), MW_ENOTFOUND);
}

static void what_others_can_read_or_write_is_refused(void **state)
{
    static const mode_t modes[] = { 0640, 0604, 0620, 0666 };
    struct credentials c;
    (void)state;
    for (size_t i = 0; i < MW_ARRAY_LEN(modes); i++) {
        struct mw_error err = { 0 };
        assert_int_equal(read_text("password = hidden\n", modes[i], &c, &err), MW_EDENIED);
        assert_non_null(strstr(err.text, "chmod 600"));
    }
}

static void an_error_names_the_line_and_never_the_value(void **state)
{
    static const char *const wrong[] = { "user = a\nhidden\n", "user = a\nhiden = hidden\n" };
    struct credentials c;
    (void)state;
    for (size_t i = 0; i < MW_ARRAY_LEN(wrong); i++) {
        struct mw_error err = { 0 };
        assert_int_equal(read_text(wrong[i], 0600, &c, &err), MW_ESYNTAX);
        assert_non_null(strstr(err.text, ":2:"));
        assert_null(strstr(err.text, "hidden"));
    }
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
    char path[sizeof(folder) + 16];
    (void)state;
    (void)snprintf(path, sizeof(path), "%s/secret", folder);
    (void)unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_read_with_what_stands_in_them),
        cmocka_unit_test(no_file_is_no_secret),
        cmocka_unit_test(what_others_can_read_or_write_is_refused),
        cmocka_unit_test(an_error_names_the_line_and_never_the_value),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
