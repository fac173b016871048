/* Tables among sentences line up, whatever is in their cells. */
#include "api/text_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void numbers_stand_to_the_right_and_words_to_the_left(void **state)
{
    (void)state;
    struct text_table table = { 0 };
    struct text t = { 0 };
    text_table_row(&table, (const char *const[]){ "STEP", "COST", "", NULL });
    text_table_row(&table, (const char *const[]){ "reboot", "$9.50", "", NULL });
    text_table_row(&table, (const char *const[]){ "replace it", "$1,234.00", "tried", NULL });
    text_table_row(&table, (const char *const[]){ "×2", "-", "", NULL });
    text_table_add(&t, &table, 2);
    assert_string_equal(text_string(&t), "STEP             COST\n"
                                         "reboot          $9.50\n"
                                         "replace it  $1,234.00  tried\n"
                                         "×2                  -\n");
    text_fini(&t);
    text_table_fini(&table);
}

static void a_column_that_is_empty_takes_no_room_and_a_long_cell_is_cut(void **state)
{
    (void)state;
    struct text_table table = { 0 };
    struct text t = { 0 };
    char longest[2 * TEXT_TABLE_CELL];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    text_table_row(&table, (const char *const[]){ "A", "", "B", NULL });
    text_table_row(&table, (const char *const[]){ longest, "", "b", NULL });
    text_table_add(&t, &table, 1);
    assert_int_equal(strlen(strchr(text_string(&t), '\n') + 1), TEXT_TABLE_CELL - 1 + 3);
    text_fini(&t);
    text_table_fini(&table);
}

static void more_rows_than_it_began_with_are_kept(void **state)
{
    (void)state;
    struct text_table table = { 0 };
    struct text t = { 0 };
    for (uint32_t i = 0; i < 1000; i++) {
        text_table_cell(&table, "%u", i);
        text_table_end(&table);
    }
    text_table_add(&t, &table, 0);
    assert_non_null(strstr(text_string(&t), "  0\n  1\n"));
    assert_non_null(strstr(text_string(&t), "\n999\n"));
    text_fini(&t);
    text_table_fini(&table);
}

static void what_would_drive_a_terminal_is_not_in_a_cell(void **state)
{
    (void)state;
    struct text_table table = { 0 };
    struct text t = { 0 };
    text_table_row(&table, (const char *const[]){ "a\x1b[2Jb", "c\xc2\x9b" "2Jd", NULL });
    text_table_row(&table, (const char *const[]){ "e\xe2\x80\xae" "f", "k\xc3\xbchl\xe2\x81\xa9",
                                                  NULL });
    text_table_add(&t, &table, 1);
    assert_string_equal(text_string(&t), "a?[2Jb c?2Jd\ne?f    k\xc3\xbchl?\n");
    text_fini(&t);
    text_table_fini(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_stand_to_the_right_and_words_to_the_left),
        cmocka_unit_test(a_column_that_is_empty_takes_no_room_and_a_long_cell_is_cut),
        cmocka_unit_test(more_rows_than_it_began_with_are_kept),
        cmocka_unit_test(what_would_drive_a_terminal_is_not_in_a_cell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
