#include "base/problems.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static struct mw_place at(uint32_t line, uint32_t column)
{
    return (struct mw_place){"f.yaml", line, column};
}

static void a_problem_reads_as_file_line_column_and_text(void **state)
{
    struct problems p = {0};
    char text[400];

    (void)state;
    problems_add(&p, at(3, 7), "no %s", "rack");
    problem_format(&p.item[0], text, sizeof(text));
    assert_string_equal(text, "f.yaml:3:7: no rack");
    problems_add(&p, at(0, 0), "empty");
    problem_format(&p.item[1], text, sizeof(text));
    assert_string_equal(text, "f.yaml: empty");
    problems_fini(&p);
}

static void many_mistakes_at_one_place_are_counted_not_listed(void **state)
{
    struct problems p = {0};
    char text[400];

    (void)state;
    for (int i = 0; i < 10; i++)
        problems_add(&p, at(5, 2), "twice");
    problems_add(&p, at(5, 3), "other");
    assert_int_equal(p.length, PROBLEMS_PER_PLACE_MAX + 1);
    assert_int_equal(p.total, 11);
    assert_int_equal(p.item[PROBLEMS_PER_PLACE_MAX - 1].more, 10 - PROBLEMS_PER_PLACE_MAX);
    problem_format(&p.item[PROBLEMS_PER_PLACE_MAX - 1], text, sizeof(text));
    assert_string_equal(text, "f.yaml:5:2: twice (and 7 more like it here)");
    problems_fini(&p);
}

static void a_path_that_is_too_long_keeps_its_end(void **state)
{
    struct problems p = {0};
    char path[300], text[600];

    (void)state;
    memset(path, 'd', sizeof(path));
    memcpy(path + sizeof(path) - sizeof("/site.yaml"), "/site.yaml", sizeof("/site.yaml"));
    problems_add(&p, (struct mw_place){path, 1, 2}, "first");
    assert_int_equal(strlen(p.item[0].file), PROBLEM_FILE_MAX - 1);
    assert_memory_equal(p.item[0].file, "…ddd", strlen("…ddd"));
    problem_format(&p.item[0], text, sizeof(text));
    assert_non_null(strstr(text, "ddd/site.yaml:1:2: first"));
    for (int i = 0; i < 9; i++)
        problems_add(&p, (struct mw_place){path, 1, 2}, "again");
    assert_int_equal(p.length, PROBLEMS_PER_PLACE_MAX); /* still one and the same place */
    path[PROBLEM_FILE_MAX] = '\0';
    problems_add(&p, (struct mw_place){path + 1, 1, 2}, "just fits");
    assert_string_equal(p.item[PROBLEMS_PER_PLACE_MAX].file, path + 1);
    for (size_t i = 0; i + 2 < sizeof(path); i += 2)
        memcpy(path + i, "é", 2);
    for (uint32_t i = 0; i < 2; i++) { /* a letter is not cut in two, whatever the length */
        path[sizeof(path) - 2 - i] = '\0';
        problems_add(&p, (struct mw_place){path + i, 9 + i, 1}, "letters");
        assert_memory_equal(p.item[p.length - 1].file, "…é", strlen("…é"));
    }
    problems_fini(&p);
}

static void the_list_is_bounded_and_the_rest_is_counted(void **state)
{
    struct problems p = {0};

    (void)state;
    for (uint32_t i = 0; i < PROBLEMS_MAX + 500; i++)
        problems_add(&p, at(i + 1, 1), "p%u", i);
    assert_int_equal(p.length, PROBLEMS_MAX);
    assert_int_equal(p.total, PROBLEMS_MAX + 500);
    assert_string_equal(p.item[PROBLEMS_MAX - 1].text, "p999");
    problems_fini(&p);
}

static void problems_are_sorted_by_place_and_equal_places_keep_their_order(void **state)
{
    struct problems p = {0};

    (void)state;
    problems_add(&p, at(9, 1), "d");
    problems_add(&p, at(2, 5), "b");
    problems_add(&p, at(2, 5), "c");
    problems_add(&p, at(2, 1), "a");
    problems_sort(&p);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(p.item[i].text[0], 'a' + i);
    problems_fini(&p);
}

static void out_of_memory_still_counts_the_problem(void **state)
{
    struct problems p = {0};

    (void)state;
    mw_mem_fail_after(0);
    problems_add(&p, at(1, 1), "lost");
    mw_mem_fail_after(-1);
    assert_int_equal(p.length, 0);
    assert_int_equal(p.total, 1);
    problems_fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_problem_reads_as_file_line_column_and_text),
        cmocka_unit_test(many_mistakes_at_one_place_are_counted_not_listed),
        cmocka_unit_test(a_path_that_is_too_long_keeps_its_end),
        cmocka_unit_test(the_list_is_bounded_and_the_rest_is_counted),
        cmocka_unit_test(problems_are_sorted_by_place_and_equal_places_keep_their_order),
        cmocka_unit_test(out_of_memory_still_counts_the_problem),
    };

    return cmocka_run_group_tests_name("problems", tests, NULL, NULL);
}
