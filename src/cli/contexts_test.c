/* The file of contexts: what is kept, what is refused, whom a token file may be read by. */
#include "cli/contexts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static int make_home(void **state)
{
    static char home[] = "/tmp/mw-contexts-XXXXXX"; /* mkdtemp makes it once */
    (void)state;
    return mkdtemp(home) == NULL || setenv("XDG_CONFIG_HOME", home, 1) != 0 || chdir(home) != 0;
}

static int remove_home(void **state)
{
    char line[512];
    (void)state;
    (void)snprintf(line, sizeof(line), "rm -rf '%s'", getenv("XDG_CONFIG_HOME"));
    FILE *p = chdir("/") == 0 ? popen(line, "r") : NULL;
    return p == NULL || pclose(p) != 0;
}

static void write_file(const char *path, const char *s, mode_t mode)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(s, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void what_is_added_is_kept_for_its_owner_only_and_the_first_can_be_used(void **state)
{
    struct contexts c = { 0 };
    struct context_entry e;
    struct mw_error err = { 0 };
    struct stat st;
    (void)state;
    const struct context_entry east = { .name = "east", .url = "https://mw.east.example:7378",
                                        .token_file = "token" };
    const struct context_entry lab = { .name = "lab", .socket = "/run/mw.sock" };
    assert_int_equal(contexts_read(&c, &err), 0);
    assert_int_equal(contexts_count(&c), 0);
    assert_null(contexts_current(&c));
    assert_int_equal(contexts_add(&c, &east, &err), 0);
    assert_int_equal(contexts_add(&c, &lab, &err), 0);
    assert_int_equal(contexts_use(&c, "lab", &err), 0);
    assert_int_equal(contexts_write(&c, &err), 0);
    assert_int_equal(stat(c.path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    contexts_fini(&c);

    assert_int_equal(contexts_read(&c, &err), 0);
    assert_int_equal(contexts_count(&c), 2);
    assert_string_equal(contexts_current(&c), "lab");
    assert_true(contexts_find(&c, "east", &e));
    assert_string_equal(e.url, east.url);
    assert_null(e.socket);
    assert_int_equal(e.token_file[0], '/'); /* the folder may change until it is read */
    assert_int_equal(contexts_add(&c, &lab, &err), MW_EEXIST);
    assert_int_equal(contexts_remove(&c, "lab", &err), 0);
    assert_null(contexts_current(&c));
    assert_int_equal(contexts_use(&c, "esat", &err), MW_ENOTFOUND);
    assert_non_null(strstr(err.text, "did you mean east?"));
    contexts_fini(&c);
}

static void a_token_never_goes_without_tls_to_another_machine(void **state)
{
    static const struct {
        const char *url;
        int code;
    } urls[] = {
        { "https://mw.example", 0 },
        { "http://127.0.0.1:7378", 0 },
        { "http://localhost:7378/", 0 },
        { "http://[::1]:7378", 0 },
        { "http://mw.example:7378", MW_EINVAL },
        { "http://127.0.0.1.example:7378", MW_EINVAL },
        { "http://127.0.0.1@mw.example", MW_EINVAL },
        { "ftp://mw.example", MW_EINVAL },
        { "mw.example", MW_EINVAL },
    };
    struct contexts c = { 0 };
    struct mw_error err = { 0 };
    (void)state;
    assert_int_equal(contexts_read(&c, &err), 0);
    for (size_t i = 0; i < MW_ARRAY_LEN(urls); i++) {
        const struct context_entry e = { .name = "x", .url = urls[i].url };
        int rc = contexts_add(&c, &e, &err);
        if (rc != urls[i].code)
            fail_msg("%s: %d", urls[i].url, rc);
        if (rc == 0)
            assert_int_equal(contexts_remove(&c, "x", &err), 0);
    }
    const struct context_entry both = { .name = "x", .url = "https://a", .socket = "b" };
    const struct context_entry neither = { .name = "x" };
    const struct context_entry bad = { .name = "a b", .url = "https://a" };
    assert_int_equal(contexts_add(&c, &both, &err), MW_EINVAL);
    assert_int_equal(contexts_add(&c, &neither, &err), MW_EINVAL);
    assert_int_equal(contexts_add(&c, &bad, &err), MW_EINVAL);
    contexts_fini(&c);
}

static void a_token_that_others_may_read_is_refused(void **state)
{
    char token[CONTEXTS_TOKEN_MAX];
    struct mw_error err = { 0 };
    (void)state;
    write_file("token", "mwt_word\nsecond line\n", 0600);
    assert_int_equal(contexts_token("token", token, &err), 0);
    assert_string_equal(token, "mwt_word");
    write_file("token", "mwt_word\n", 0640);
    assert_int_equal(contexts_token("token", token, &err), MW_EDENIED);
    assert_non_null(strstr(err.text, "chmod 600"));
    write_file("token", "two words\n", 0600);
    assert_int_equal(contexts_token("token", token, &err), MW_EINVAL);
    write_file("token", "", 0600);
    assert_int_equal(contexts_token("token", token, &err), MW_EINVAL);
    assert_int_equal(contexts_token("none", token, &err), MW_ENOTFOUND);
}

static void a_file_that_is_damaged_is_not_written_over(void **state)
{
    struct contexts c = { 0 };
    struct mw_error err = { 0 };
    char path[LIVE_PATH_MAX];
    (void)state;
    assert_int_equal(contexts_path(path, &err), 0);
    assert_int_equal(live_path_make_parents(path, &err), 0);
    write_file(path, "{\"contexts\": [1]}", 0600);
    assert_int_equal(contexts_read(&c, &err), MW_ESYNTAX);
    assert_null(c.file);
    write_file(path, "{", 0600);
    assert_int_equal(contexts_read(&c, &err), MW_ESYNTAX);
    assert_non_null(strstr(err.text, "contexts:1: "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_added_is_kept_for_its_owner_only_and_the_first_can_be_used),
        cmocka_unit_test(a_token_never_goes_without_tls_to_another_machine),
        cmocka_unit_test(a_token_that_others_may_read_is_refused),
        cmocka_unit_test(a_file_that_is_damaged_is_not_written_over),
    };
    return cmocka_run_group_tests(tests, make_home, remove_home);
}
