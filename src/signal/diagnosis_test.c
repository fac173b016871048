/*
 * The list of answers.
 */
#include "signal/diagnosis.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/mem.h"

static struct diagnosis make(const char *part, const char *code, bool wrong, uint8_t sure)
{
    struct diagnosis d = { .wrong = wrong, .sure = sure, .count = 1, .line = 7 };
    (void)snprintf(d.part, sizeof(d.part), "%s", part);
    (void)snprintf(d.code, sizeof(d.code), "%s", code);
    return d;
}

static void same_part_code_and_cause_become_one_answer(void **state)
{
    struct diagnoses l = { 0 };
    struct diagnosis a = make("GPU 1", "Xid 79", true, SURE_CERTAIN), b = a;
    (void)state;
    b.line = 9;
    diagnoses_add(&l, &a);
    diagnoses_add(&l, &b);
    b.count = UINT32_MAX;
    diagnoses_add(&l, &b);
    assert_int_equal(l.length, 1);
    assert_int_equal(l.item[0].line, 7);
    assert_int_equal(l.item[0].count, UINT32_MAX);
    b = make("GPU 2", "Xid 79", true, SURE_CERTAIN);
    diagnoses_add(&l, &b);
    assert_int_equal(l.length, 2);
    diagnoses_fini(&l);
}

static void what_is_wrong_and_sure_comes_first(void **state)
{
    static const char *const want[] = { "c", "b", "e", "a", "d" };
    struct diagnosis in[] = {
        make("a", "", false, SURE_CERTAIN), make("b", "", true, SURE_POSSIBLE),
        make("c", "", true, SURE_CERTAIN), make("d", "", false, SURE_POSSIBLE),
        make("e", "", true, SURE_POSSIBLE),
    };
    struct diagnoses l = { 0 };
    (void)state;
    for (size_t i = 0; i < MW_ARRAY_LEN(in); i++)
        diagnoses_add(&l, &in[i]);
    diagnoses_sort(&l);
    for (size_t i = 0; i < MW_ARRAY_LEN(want); i++)
        assert_string_equal(l.item[i].part, want[i]);
    diagnoses_fini(&l);
}

static void past_the_limit_answers_are_counted_not_kept(void **state)
{
    struct diagnoses l = { 0 };
    char part[16];
    (void)state;
    for (int i = 0; i < DIAGNOSES_MAX + 5; i++) {
        (void)snprintf(part, sizeof(part), "%d", i);
        struct diagnosis d = make(part, "", true, SURE_LIKELY);
        diagnoses_add(&l, &d);
    }
    assert_int_equal(l.length, DIAGNOSES_MAX);
    assert_int_equal(l.total, DIAGNOSES_MAX + 5);
    diagnoses_fini(&l);
    assert_null(l.item);
}

static void without_memory_an_answer_is_counted(void **state)
{
    struct diagnoses l = { 0 };
    struct diagnosis d = make("a", "", true, SURE_LIKELY);
    (void)state;
    mw_mem_fail_after(0);
    diagnoses_add(&l, &d);
    mw_mem_fail_after(-1);
    assert_int_equal(l.length, 0);
    assert_int_equal(l.total, 1);
    diagnoses_fini(&l);
}

static void text_from_a_log_cannot_steer_the_terminal(void **state)
{
    static const char in[] = "a\x1b[2J\tb\xc3\xa9\xff\xc2\x9b\x7f\xe2\x82";
    char to[64], small[3];
    (void)state;
    diagnosis_text(to, sizeof(to), in, sizeof(in) - 1);
    assert_string_equal(to, "a?[2J b\xc3\xa9?" "???" "??");
    diagnosis_text(small, sizeof(small), "ab\xc3\xa9", 4);
    assert_string_equal(small, "ab");
    diagnosis_text(small, sizeof(small), "a\xc3\xa9", 3);
    assert_string_equal(small, "a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_part_code_and_cause_become_one_answer),
        cmocka_unit_test(what_is_wrong_and_sure_comes_first),
        cmocka_unit_test(past_the_limit_answers_are_counted_not_kept),
        cmocka_unit_test(without_memory_an_answer_is_counted),
        cmocka_unit_test(text_from_a_log_cannot_steer_the_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
