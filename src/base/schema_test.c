#include "base/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"

static const char *const colours[] = {"red", "green", NULL};
static const struct schema_field inner_fields[] = {
    {.name = "gpus", .type = SCHEMA_INT, .required = true, .min = 1, .max = 8},
    {.name = "share", .type = SCHEMA_NUMBER, .min = 0, .max = 1},
    {0},
};
static const struct schema_field inner = {.type = SCHEMA_MAP, .fields = inner_fields};
static const struct schema_field text = {.type = SCHEMA_TEXT};
static const struct schema_field fields[] = {
    {.name = "name", .type = SCHEMA_TEXT, .required = true, .min = 1, .max = 8, .help = "who"},
    {.name = "on", .type = SCHEMA_BOOL},
    {.name = "gate", .type = SCHEMA_DURATION, .min = 1, .max = 3600},
    {.name = "start", .type = SCHEMA_TIME},
    {.name = "power_w", .type = SCHEMA_POWER, .min = 0, .max = 1e6},
    {.name = "colour", .type = SCHEMA_CHOICE, .choices = colours},
    {.name = "items", .type = SCHEMA_LIST, .min = 1, .max = 2, .item = &inner},
    {.name = "classes", .type = SCHEMA_MAP_OF, .item = &inner},
    {.name = "tags", .type = SCHEMA_LIST, .item = &text},
    {.name = "extra", .type = SCHEMA_ANY},
    {0},
};

static struct mw_yaml *check(const char *yaml, struct problems *problems)
{
    struct mw_yaml *y = NULL;

    assert_int_equal(mw_yaml_read(yaml, strlen(yaml), "s", &y, problems, NULL), 0);
    uint32_t found = schema_check(y, mw_yaml_root(y), fields, problems);
    assert_int_equal(found, problems->total);
    return y;
}

static void expect(const char *yaml, const char *const *lines)
{
    struct problems problems = {0};
    struct mw_yaml *y = check(yaml, &problems);
    uint32_t n = 0;

    problems_sort(&problems);
    for (; lines[n] != NULL; n++) {
        char found[400];
        assert_true(n < problems.length);
        problem_format(&problems.item[n], found, sizeof(found));
        assert_string_equal(found, lines[n]);
    }
    assert_int_equal(problems.length, n);
    mw_yaml_destroy(y);
    problems_fini(&problems);
}
#define EXPECT(yaml, ...) expect(yaml, (const char *const[]){__VA_ARGS__, NULL})

static void a_file_that_keeps_to_the_table_has_no_problems(void **state)
{
    (void)state;
    expect("name: x\non: true\ngate: 90s\nstart: 2024-01-31\npower_w: 10.2 kW\ncolour: green\n"
           "items: [{gpus: 8, share: 0.5}]\nclasses: {a: {gpus: 1}, b: {gpus: 2}}\n"
           "tags: [p, q]\nextra: {what: [ever]}\n",
           (const char *const[]){NULL});
}

static void every_departure_is_found_in_one_go_with_its_place(void **state)
{
    (void)state;
    EXPECT("name: x\nnmae: y\nzzzzzz: 1\nname: z\n",
           "s:2:1: unknown key 'nmae'; did you mean 'name'?",
           "s:3:1: unknown key 'zzzzzz'; known are name, on, gate, start, power_w, colour, items, "
           "classes, tags, extra",
           "s:4:1: the key 'name' is given twice; first in line 1");
    EXPECT("on: yes\n", "s:1:1: the key 'name' is missing: who",
           "s:1:5: 'on' must be true or false, not 'yes'");
    EXPECT("name: toolongname\ngate: 2h\npower_w: 3MW\ncolour: blue\nstart: soon\n",
           "s:1:7: the length of 'name' must be between 1 and 8, not toolongname",
           "s:2:7: seconds of 'gate' must be between 1 and 3600, not 2h",
           "s:3:10: 'power_w' must be between 0 and 1000000, not 3MW",
           "s:4:9: 'colour' must be one of red, green; not 'blue'",
           "s:5:8: 'start' must be a time like 2024-01-31 or 2024-01-31T05:06:07Z, not 'soon'");
    EXPECT("name: x\nitems: [{gpus: 9}, {share: 2, gpus: 1}, {gpus: 1.5}]\n",
           "s:2:8: the number of items of 'items' must be between 1 and 2",
           "s:2:16: 'gpus' must be between 1 and 8, not 9",
           "s:2:28: 'share' must be between 0 and 1, not 2",
           "s:2:48: 'gpus' must be a whole number, not '1.5'");
    EXPECT("name: x\nitems: {a: 1}\nclasses: {a: {gpu: 1}, a: {gpus: 1}, b: 3}\ntags: [[1]]\n",
           "s:2:8: 'items' must be a list",
           "s:3:14: the key 'gpus' is missing",
           "s:3:15: unknown key 'gpu'; did you mean 'gpus'?",
           "s:3:24: the key 'a' is given twice; first in line 3",
           "s:3:41: 'b' must be a map (key: value), not '3'",
           "s:4:8: 'item' must be a text");
    EXPECT("- 1\n", "s:1:1: 'the file' must be a map (key: value)");
}

static void a_list_of_known_keys_that_is_cut_says_so(void **state)
{
    static const char key_40[] = "a_key_of_forty_bytes_aaaaaaaaaaaaaaaaaaa";
    static const struct schema_field many[] = {
        {.name = key_40, .type = SCHEMA_ANY}, {.name = key_40, .type = SCHEMA_ANY},
        {.name = key_40, .type = SCHEMA_ANY}, {.name = key_40, .type = SCHEMA_ANY},
        {0},
    };
    struct problems problems = {0};
    struct mw_yaml *y = NULL;
    char expected[PROBLEM_TEXT_MAX];

    (void)state;
    assert_int_equal(strlen(key_40), 40);
    assert_int_equal(mw_yaml_read("zz: 1\n", 6, "s", &y, &problems, NULL), 0);
    assert_int_equal(schema_check(y, mw_yaml_root(y), many, &problems), 1);
    (void)snprintf(expected, sizeof(expected), "unknown key 'zz'; known are %s, %s, %s, …", key_40,
                   key_40, key_40);
    assert_string_equal(problems.item[0].text, expected);
    mw_yaml_destroy(y);
    problems_fini(&problems);
}

static void getters_give_values_of_the_table_and_never_bad_ones(void **state)
{
    struct problems problems = {0};
    struct mw_yaml *y = check("name: x\non: true\ngate: 2min\nstart: 1970-01-02\n"
                              "power_w: 10.2 kW\ncolour: green\ntags: [a]\n"
                              "items: [{gpus: 99, share: 0.25}]\n",
                              &problems);
    const struct mw_yaml_node *root = mw_yaml_root(y), *item = mw_yaml_at(y, "items.0");

    (void)state;
    assert_string_equal(schema_text(fields, root, "name", "?"), "x");
    assert_true(schema_bool(fields, root, "on", false));
    assert_true(schema_duration_ns(fields, root, "gate", 0) == 2 * MW_NS_PER_MIN);
    assert_true(schema_time_ns(fields, root, "start", 0) == MW_NS_PER_DAY);
    assert_int_equal(schema_power_w(fields, root, "power_w", 0), 10200);
    assert_int_equal(schema_choice(fields, root, "colour", -1), 1);
    assert_non_null(schema_list(fields, root, "tags"));
    assert_null(schema_list(fields, root, "classes"));
    assert_int_equal(schema_int(inner_fields, item, "gpus", 3), 3); /* 99 is out of range */
    assert_true(schema_number(inner_fields, item, "share", 0) == 0.25);
    assert_int_equal(problems.total, 1);
    mw_yaml_destroy(y);
    problems_fini(&problems);
}

static void powers_are_read_with_units_and_refused_without_sense(void **state)
{
    int64_t w = -1;

    (void)state;
    assert_int_equal(schema_parse_power("12MW", &w), 0);
    assert_int_equal(w, 12000000);
    assert_int_equal(schema_parse_power("0.4 W", &w), 0);
    assert_int_equal(w, 0);
    w = -1;
    assert_int_equal(schema_parse_power("-1", &w), MW_EINVAL);
    assert_int_equal(schema_parse_power("1 kw", &w), MW_EINVAL);
    assert_int_equal(schema_parse_power("1..2", &w), MW_EINVAL);
    assert_int_equal(schema_parse_power("", &w), MW_EINVAL);
    assert_int_equal(schema_parse_power("99999999999 GW", &w), MW_EINVAL);
    assert_int_equal(w, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_that_keeps_to_the_table_has_no_problems),
        cmocka_unit_test(every_departure_is_found_in_one_go_with_its_place),
        cmocka_unit_test(a_list_of_known_keys_that_is_cut_says_so),
        cmocka_unit_test(getters_give_values_of_the_table_and_never_bad_ones),
        cmocka_unit_test(powers_are_read_with_units_and_refused_without_sense),
    };

    return cmocka_run_group_tests_name("schema", tests, NULL, NULL);
}
