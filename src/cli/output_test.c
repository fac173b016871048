/* The same rows in every form, byte for byte. */
#include "cli/output.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static const struct output_column columns[] = {
    { .key = "name", .title = "NAME" },
    { .key = "gpus", .title = "GPUS", .right = true },
    { .key = "down_s", .title = "DOWN", .right = true },
    { .key = "load", .title = "LOAD", .unit = "kW", .right = true, .wide = true },
    { .key = "ok", .title = "OK" },
    { .key = "note" },
    { 0 },
};

struct capture {
    FILE *file;
    char *data;
    size_t size;
    struct output *output;
};

static struct capture *begin(enum output_form form, struct term term)
{
    static struct capture c;
    free(c.data);
    memset(&c, 0, sizeof c);
    c.file = open_memstream(&c.data, &c.size);
    c.output = output_create(c.file, form, term);
    assert_non_null(c.output);
    return &c;
}

static const char *end(struct capture *c)
{
    struct mw_error err = { 0 };
    assert_int_equal(output_finish(c->output, &err), 0);
    output_destroy(c->output);
    (void)fclose(c->file);
    return c->data;
}

static void two_rows(struct output *o)
{
    output_text(o, "h1-n1");
    output_int(o, 3200);
    output_int_as(o, 9000, "2.50 h");
    output_real(o, 10.2, 1);
    output_bool(o, true);
    output_text(o, "a \"quoted\", note");
    output_text(o, "kühl");
    output_int(o, -1234567);
    output_null(o);
    output_real(o, NAN, 1);
    output_bool(o, false);
    output_text(o, NULL);
}

static const char *print(enum output_form form, struct term term)
{
    struct capture *c = begin(form, term);
    output_begin(c->output, columns, OUTPUT_ROWS);
    two_rows(c->output);
    output_end(c->output, "none");
    return end(c);
}

static const struct term plain = { .width = 80, .height = 24 };

static void a_table_is_aligned_and_leaves_out_wide_columns(void **state)
{
    (void)state;
    assert_string_equal(print(OUTPUT_TABLE, plain), "NAME         GPUS    DOWN  OK\n"
                                                    "h1-n1       3,200  2.50 h  yes\n"
                                                    "kühl   -1,234,567       -  no\n");
}

static void wide_adds_columns_with_their_units(void **state)
{
    (void)state;
    assert_string_equal(print(OUTPUT_WIDE, plain), "NAME         GPUS    DOWN  LOAD (kW)  OK\n"
                                                   "h1-n1       3,200  2.50 h       10.2  yes\n"
                                                   "kühl   -1,234,567       -          -  no\n");
}

static void csv_quotes_as_rfc_4180_says_and_holds_raw_numbers(void **state)
{
    (void)state;
    assert_string_equal(print(OUTPUT_CSV, plain), "name,gpus,down_s,load,ok,note\r\n"
                                                  "h1-n1,3200,9000,10.2,true,\"a \"\"quoted\"\", "
                                                  "note\"\r\n"
                                                  "kühl,-1234567,,,false,\r\n");
}

static void json_is_an_array_of_objects_with_raw_numbers(void **state)
{
    (void)state;
    const char *s = print(OUTPUT_JSON, plain);
    assert_string_equal(
        s, "[\n"
           "  {\"name\": \"h1-n1\", \"gpus\": 3200, \"down_s\": 9000, \"load\": 10.2, "
           "\"ok\": true, \"note\": \"a \\\"quoted\\\", note\"},\n"
           "  {\"name\": \"kühl\", \"gpus\": -1234567, \"down_s\": null, \"load\": null, "
           "\"ok\": false, \"note\": null}\n"
           "]\n");
    json_t *j = json_loads(s, 0, NULL);
    assert_int_equal(json_array_size(j), 2);
    json_decref(j);
}

static void headings_are_bold_only_with_colour(void **state)
{
    (void)state;
    struct term colour = { .tty = true, .colour = true, .width = 80, .height = 24 };
    assert_non_null(strstr(print(OUTPUT_TABLE, colour), "\x1b[1mNAME "));
    assert_non_null(strstr(print(OUTPUT_TABLE, colour), "OK\x1b[0m\nh1-n1"));
    colour.colour = false;
    assert_null(strchr(print(OUTPUT_TABLE, colour), '\x1b'));
    colour.colour = true;
    assert_null(strchr(print(OUTPUT_CSV, colour), '\x1b'));
    assert_null(strchr(print(OUTPUT_JSON, colour), '\x1b'));
}

static const char *print_long(struct term term)
{
    static const struct output_column long_columns[] = {
        { .key = "n", .title = "N", .right = true },
        { .key = "words", .title = "WORDS" },
        { .key = "end", .title = "END" },
        { 0 },
    };
    struct capture *c = begin(OUTPUT_TABLE, term);
    output_begin(c->output, long_columns, OUTPUT_ROWS);
    output_int(c->output, 1);
    output_text(c->output, "ääääääääääääääääääääääääääääää");
    output_text(c->output, "end");
    output_end(c->output, NULL);
    return end(c);
}

static void a_table_is_cut_to_a_terminal_and_never_in_a_pipe(void **state)
{
    (void)state;
    struct term narrow = { .tty = true, .width = 20, .height = 24 };
    assert_string_equal(print_long(narrow), "N  WORDS         END\n"
                                            "1  äääääääääää…  end\n");
    narrow.tty = false;
    assert_non_null(strstr(print_long(narrow), "ääääääääääääääääääääääääääääää  end\n"));
}

static void no_rows_are_an_empty_list_or_the_words_for_it(void **state)
{
    (void)state;
    static const char *const expected[] = { "none\n", "none\n", "[]\n",
                                            "name,gpus,down_s,load,ok,note\r\n" };
    for (int form = OUTPUT_TABLE; form <= OUTPUT_CSV; form++) {
        struct capture *c = begin((enum output_form)form, plain);
        output_begin(c->output, columns, OUTPUT_ROWS);
        output_end(c->output, "none");
        assert_string_equal(end(c), expected[form]);
    }
}

static const char *print_record(enum output_form form)
{
    static const struct output_column record[] = {
        { .key = "seed", .title = "seed" },
        { .key = "lost_usd", .title = "money lost" },
        { 0 },
    };
    struct capture *c = begin(form, plain);
    output_begin(c->output, record, OUTPUT_RECORD);
    output_int(c->output, 7);
    output_real_as(c->output, 1234.5, "$1,234.50");
    output_end(c->output, NULL);
    return end(c);
}

static void a_record_is_one_object_or_a_line_per_column(void **state)
{
    (void)state;
    assert_string_equal(print_record(OUTPUT_TABLE), "seed        7\nmoney lost  $1,234.50\n");
    assert_string_equal(print_record(OUTPUT_JSON),
                        "{\n  \"seed\": 7,\n  \"lost_usd\": 1234.5\n}\n");
    assert_string_equal(print_record(OUTPUT_CSV), "seed,lost_usd\r\n7,1234.5\r\n");
}

static void control_characters_and_bad_utf8_in_data_do_no_harm(void **state)
{
    (void)state;
    static const struct output_column one[] = { { .key = "s", .title = "S" }, { 0 } };
    static const char bad[] = "a\x1b[2Jb\xc2\x9b" "2J\xe2\x80\xae\xe2\x81\xa6\xff\n";
    for (int form = OUTPUT_TABLE; form <= OUTPUT_JSON; form++) {
        struct capture *c = begin((enum output_form)form, plain);
        output_begin(c->output, one, OUTPUT_ROWS);
        output_text(c->output, bad);
        output_end(c->output, NULL);
        const char *s = end(c);
        assert_null(strchr(s, '\x1b'));
        if (form != OUTPUT_JSON)
            assert_non_null(strstr(s, "a?[2Jb?2J??\xff"));
        if (form == OUTPUT_JSON) {
            json_t *j = json_loads(s, 0, NULL);
            assert_non_null(j);
            json_decref(j);
        }
    }
}

static void json_numbers_survive_reading_back(void **state)
{
    (void)state;
    static const struct output_column one[] = { { .key = "v", .title = "V" }, { 0 } };
    struct capture *c = begin(OUTPUT_JSON, plain);
    output_begin(c->output, one, OUTPUT_RECORD);
    output_real(c->output, 0.1, 3);
    output_end(c->output, NULL);
    assert_string_equal(end(c), "{\n  \"v\": 0.1\n}\n");
}

static void sets_that_go_on_keep_their_columns_and_may_leave_out_headings(void **state)
{
    static const struct output_column two[] = { { .key = "a", .title = "A" },
                                                { .key = "b", .title = "B" },
                                                { 0 } };
    struct capture *c = begin(OUTPUT_TABLE, (struct term){ 0 });
    (void)state;
    output_continue(c->output, true);
    output_begin(c->output, two, OUTPUT_ROWS);
    output_text(c->output, "wide one");
    output_text(c->output, "x");
    output_end(c->output, NULL);
    output_headings(c->output, false);
    output_begin(c->output, two, OUTPUT_ROWS);
    output_text(c->output, "y");
    output_text(c->output, "z");
    output_end(c->output, NULL);
    assert_string_equal(end(c), "A         B\nwide one  x\ny         z\n");
    c = begin(OUTPUT_CSV, (struct term){ 0 });
    output_headings(c->output, false);
    output_begin(c->output, two, OUTPUT_ROWS);
    output_text(c->output, "y");
    output_text(c->output, "z");
    output_end(c->output, NULL);
    assert_string_equal(end(c), "y,z\r\n");
}

static void a_full_disk_is_reported_with_its_reason(void **state)
{
    (void)state;
    static const struct output_column one[] = { { .key = "v", .title = "V" }, { 0 } };
    FILE *full = fopen("/dev/full", "w");
    struct mw_error err = { 0 };
    assert_non_null(full);
    struct output *o = output_create(full, OUTPUT_CSV, plain);
    output_begin(o, one, OUTPUT_ROWS);
    for (int i = 0; i < 10000; i++)
        output_int(o, i);
    output_end(o, NULL);
    assert_int_equal(output_finish(o, &err), MW_ENOSPC);
    assert_non_null(strstr(err.text, "No space left on device"));
    output_destroy(o);
    (void)fclose(full);
}

static void rows_lost_for_want_of_memory_are_reported(void **state)
{
    (void)state;
    for (int64_t k = 0; k < 4; k++) {
        struct capture *c = begin(OUTPUT_TABLE, plain);
        struct mw_error err = { 0 };
        mw_mem_fail_after(k);
        output_begin(c->output, columns, OUTPUT_ROWS);
        for (int i = 0; i < 100; i++)
            two_rows(c->output);
        output_end(c->output, NULL);
        mw_mem_fail_after(-1);
        assert_int_equal(output_finish(c->output, &err), MW_ENOMEM);
        output_destroy(c->output);
        (void)fclose(c->file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_is_aligned_and_leaves_out_wide_columns),
        cmocka_unit_test(wide_adds_columns_with_their_units),
        cmocka_unit_test(csv_quotes_as_rfc_4180_says_and_holds_raw_numbers),
        cmocka_unit_test(json_is_an_array_of_objects_with_raw_numbers),
        cmocka_unit_test(headings_are_bold_only_with_colour),
        cmocka_unit_test(a_table_is_cut_to_a_terminal_and_never_in_a_pipe),
        cmocka_unit_test(no_rows_are_an_empty_list_or_the_words_for_it),
        cmocka_unit_test(a_record_is_one_object_or_a_line_per_column),
        cmocka_unit_test(control_characters_and_bad_utf8_in_data_do_no_harm),
        cmocka_unit_test(json_numbers_survive_reading_back),
        cmocka_unit_test(sets_that_go_on_keep_their_columns_and_may_leave_out_headings),
        cmocka_unit_test(rows_lost_for_want_of_memory_are_reported),
        cmocka_unit_test(a_full_disk_is_reported_with_its_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
