/* Invariants, errors, memory and component names. */
#include "base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/ids.h"
#include "base/mem.h"
#include "base/units.h"

/* In the child: the message goes into the pipe and the process aborts. */
static void break_an_invariant(int fd, uint64_t event_seq)
{
    (void)dup2(fd, STDERR_FILENO);
    (void)signal(SIGABRT, SIG_DFL);
    must_context(event_seq, 7);
    must(event_seq > 1000);
    _exit(0);
}

static void last_words(uint64_t event_seq, char *ret, size_t size)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        break_an_invariant(ends[1], event_seq);
    (void)close(ends[1]);
    size_t length = 0;
    ssize_t n;
    while (length < size - 1 && (n = read(ends[0], ret + length, size - 1 - length)) > 0)
        length += (size_t)n;
    ret[length] = '\0';
    (void)close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void a_broken_invariant_names_condition_place_and_event(void **state)
{
    (void)state;
    char words[1024];
    last_words(42, words, sizeof(words));
    assert_non_null(strstr(words, "event_seq > 1000"));
    assert_non_null(strstr(words, "base_test.c:"));
    assert_non_null(strstr(words, "event 42 of kind 7"));
    last_words(0, words, sizeof(words));
    assert_null(strstr(words, "while applying"));
}

static void a_failure_carries_its_words_and_code(void **state)
{
    (void)state;
    struct mw_error err;
    assert_int_equal(mw_fail(&err, MW_ENOTFOUND, "site %s: no node %d", "a", 7), MW_ENOTFOUND);
    assert_string_equal(err.text, "site a: no node 7");
    assert_int_equal(mw_fail_prefix(&err, "%s:%d", "f.yaml", 3), MW_ENOTFOUND);
    assert_string_equal(err.text, "f.yaml:3: site a: no node 7");
    assert_int_equal(mw_fail(NULL, MW_EIO, "unheard"), MW_EIO);
}

static void long_words_are_cut_not_overrun(void **state)
{
    (void)state;
    struct mw_error err;
    char words[2 * MW_ERROR_TEXT_MAX];
    memset(words, 'x', sizeof(words));
    words[sizeof(words) - 1] = '\0';
    mw_fail(&err, MW_EINVAL, "%s", words);
    assert_int_equal(strlen(err.text), MW_ERROR_TEXT_MAX - 1);
    mw_fail_prefix(&err, "file");
    assert_int_equal(strlen(err.text), MW_ERROR_TEXT_MAX - 1);
    assert_int_equal(strncmp(err.text, "file: xxx", 9), 0);
    mw_fail_prefix(&err, "%s", words);
    assert_int_equal(strlen(err.text), MW_ERROR_TEXT_MAX - 1);
}

static void codes_tell_their_name_category_and_whether_to_retry(void **state)
{
    (void)state;
    assert_string_equal(mw_code_name(MW_OK), "MW_OK");
    assert_string_equal(mw_code_name(MW_EBUG), "MW_EBUG");
    assert_string_equal(mw_code_text(MW_ENOMEM), "out of memory");
    assert_int_equal(mw_code_category(MW_ECORRUPT), MW_CAT_PEER);
    assert_true(mw_code_retryable(MW_ETIMEOUT));
    assert_false(mw_code_retryable(MW_EINVAL));
    const int unknown[] = {1, -17, INT32_MIN, INT32_MAX};
    for (size_t i = 0; i < MW_ARRAY_LEN(unknown); i++)
        assert_string_equal(mw_code_name(unknown[i]), "MW_EBUG");
}

static void memory_is_zeroed_and_absurd_sizes_are_refused(void **state)
{
    (void)state;
    unsigned char *p = mw_calloc(1000, 3);
    assert_non_null(p);
    for (size_t i = 0; i < 3000; i++)
        assert_int_equal(p[i], 0);
    p[9] = 77;
    unsigned char *larger = mw_resize(p, 9000, 1);
    assert_non_null(larger);
    assert_int_equal(larger[9], 77);
    size_t absurd = SIZE_MAX / 2;
    __asm__("" : "+r"(absurd)); /* not a constant, or the compiler warns */
    assert_null(mw_resize(larger, absurd, 3));
    assert_int_equal(larger[9], 77); /* a failed resize leaves the block as it was */
    mw_free(larger);
    assert_null(mw_calloc(absurd, 3));
    void *none = mw_calloc(0, 8);
    assert_non_null(none);
    mw_freep(&none);
    assert_null(none);
}

static void strings_are_copied_with_their_ending(void **state)
{
    (void)state;
    char *whole = mw_strdup("node");
    char *part = mw_strndup("node-17", 5);
    assert_string_equal(whole, "node");
    assert_string_equal(part, "node-");
    mw_free(whole);
    mw_free(part);
}

static void exactly_the_asked_allocation_fails(void **state)
{
    (void)state;
    mw_mem_fail_after(2);
    void *first = mw_calloc(1, 8);
    char *second = mw_strdup("x");
    assert_non_null(first);
    assert_non_null(second);
    assert_null(mw_resize(first, 2, 8));
    first = mw_resize(first, 2, 8);
    assert_non_null(first);
    mw_mem_fail_after(0);
    assert_null(mw_strdup("x"));
    mw_mem_fail_after(0);
    mw_mem_fail_after(-1);
    void *third = mw_calloc(1, 1);
    assert_non_null(third);
    mw_free(first);
    mw_free(second);
    mw_free(third);
}

static void take_hands_a_pointer_over(void **state)
{
    (void)state;
    char text[] = "x";
    char *owner = text;
    char *heir = TAKE(owner);
    assert_ptr_equal(heir, text);
    assert_null(owner);
}

static void component_ids_keep_kind_and_index(void **state)
{
    (void)state;
    uint64_t id = component_id(COMPONENT_CDU, 4000000000u);
    assert_int_equal(component_kind_of(id), COMPONENT_CDU);
    assert_int_equal(component_index_of(id), 4000000000u);
    assert_string_equal(component_kind_name(COMPONENT_NODE), "node");
    assert_string_equal(component_kind_name(COMPONENT_CDU), "cdu");
    assert_string_equal(component_kind_name(component_kind_of(UINT64_MAX)), "unknown");
}

static void milliseconds_round_toward_the_past(void **state)
{
    (void)state;
    assert_int_equal(mw_ms(1999999), 1);
    assert_int_equal(mw_ms(-1), -1);
    assert_int_equal(mw_ms(-1000000), -1);
    assert_int_equal(mw_ms(-1000001), -2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broken_invariant_names_condition_place_and_event),
        cmocka_unit_test(a_failure_carries_its_words_and_code),
        cmocka_unit_test(long_words_are_cut_not_overrun),
        cmocka_unit_test(codes_tell_their_name_category_and_whether_to_retry),
        cmocka_unit_test(memory_is_zeroed_and_absurd_sizes_are_refused),
        cmocka_unit_test(strings_are_copied_with_their_ending),
        cmocka_unit_test(exactly_the_asked_allocation_fails),
        cmocka_unit_test(take_hands_a_pointer_over),
        cmocka_unit_test(component_ids_keep_kind_and_index),
        cmocka_unit_test(milliseconds_round_toward_the_past),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
