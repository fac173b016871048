#include "base/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/units.h"

static struct mw_yaml *read_good(const char *text)
{
    struct problems problems = {0};
    struct mw_error err = {0};
    struct mw_yaml *y = NULL;

    assert_int_equal(mw_yaml_read(text, strlen(text), "t.yaml", &y, &problems, &err), 0);
    assert_int_equal(problems.total, 0);
    problems_fini(&problems);
    return y;
}

/* Reads text that must fail with this code, text and place. */
static void read_bad(const char *text, size_t size, int code, const char *expected)
{
    struct problems problems = {0};
    struct mw_error err = {0};
    struct mw_yaml *y = NULL;
    char found[400];

    assert_int_equal(mw_yaml_read(text, size, "t.yaml", &y, &problems, &err), code);
    assert_null(y);
    assert_int_equal(problems.total, 1);
    problem_format(&problems.item[0], found, sizeof(found));
    assert_string_equal(found, expected);
    assert_string_equal(err.text, expected);
    problems_fini(&problems);
}

static void every_value_and_key_knows_its_line_and_column(void **state)
{
    struct mw_yaml *y = read_good("a: 1\nlist:\n  - x\n  - {k: \"v\"}\n");
    const struct mw_yaml_node *list = mw_yaml_get(mw_yaml_root(y), "list");
    const struct mw_yaml_node *v = mw_yaml_at(y, "list.1.k");

    (void)state;
    assert_int_equal(list->kind, MW_YAML_LIST);
    assert_int_equal(list->children, 2);
    assert_int_equal(list->key->line, 2);
    assert_int_equal(list->key->column, 1);
    assert_int_equal(list->child->line, 3);
    assert_int_equal(list->child->column, 5);
    assert_string_equal(v->text, "v");
    assert_false(v->plain);
    assert_int_equal(v->line, 4);
    assert_int_equal(v->column, 9);
    assert_int_equal(v->key->column, 6);
    assert_string_equal(mw_yaml_text(mw_yaml_root(y), "a", "?"), "1");
    assert_string_equal(mw_yaml_text(mw_yaml_root(y), "b", "?"), "?");
    assert_string_equal(mw_yaml_text(mw_yaml_root(y), "list", "?"), "?");
    assert_null(mw_yaml_at(y, "list.2"));
    assert_null(mw_yaml_at(y, "list.x"));
    assert_null(mw_yaml_at(y, "a.b"));
    mw_yaml_destroy(y);
}

static void mistakes_of_form_name_their_place(void **state)
{
    (void)state;
#define BAD(text, code, expected) read_bad(text, sizeof(text) - 1, code, expected)
    BAD("", MW_ESYNTAX, "t.yaml:1:1: the file is empty");
    BAD("# nothing\n", MW_ESYNTAX, "t.yaml:1:1: the file is empty");
    BAD("a: 1\nb: [1, 2\n", MW_ESYNTAX,
        "t.yaml:3:1: did not find expected ',' or ']' while parsing a flow sequence (line 2)");
    BAD("a: b: c\n", MW_ESYNTAX, "t.yaml:1:5: mapping values are not allowed in this context");
    BAD("a: &x 1\nb: *x\n", MW_ESYNTAX,
        "t.yaml:2:4: aliases (*name) are not supported: write the value out");
    BAD("a: 1\n---\nb: 2\n", MW_ESYNTAX, "t.yaml:3:1: a second document: keep one a file");
    BAD("? [1]\n: 2\n", MW_ESYNTAX, "t.yaml:1:3: a key must be a plain word, not a list or map");
    BAD("a: \"x\\0y\"\n", MW_ESYNTAX, "t.yaml:1:4: a text may not contain a zero byte");
#undef BAD
}

static void depth_and_keys_are_bounded(void **state)
{
    struct problems problems = {0};
    struct mw_yaml *y = NULL;
    char deep[80];
    char *keys = mw_calloc(MW_YAML_KEYS_MAX + 1, 16);
    size_t used = 0;

    (void)state;
    memset(deep, '[', sizeof(deep));
    assert_int_equal(mw_yaml_read(deep, sizeof(deep), "t", &y, &problems, NULL), MW_ELIMIT);
    assert_int_equal(problems.item[0].column, MW_YAML_DEPTH_MAX + 1);
    for (int i = 0; i <= MW_YAML_KEYS_MAX; i++)
        used += (size_t)snprintf(keys + used, 16, "k%d: 1\n", i);
    assert_int_equal(mw_yaml_read(keys, used, "t", &y, &problems, NULL), MW_ELIMIT);
    assert_int_equal(problems.item[1].line, MW_YAML_KEYS_MAX + 1);
    assert_null(y);
    mw_free(keys);
    problems_fini(&problems);
}

static void set_replaces_adds_and_refuses(void **state)
{
    struct mw_yaml *y = read_good("a: 1\nb: {c: 2}\nl: [1, {x: 3}]\n");
    struct mw_error err = {0};

    (void)state;
    assert_int_equal(mw_yaml_set(y, "b.c", "9", NULL), 0);
    assert_string_equal(mw_yaml_at(y, "b.c")->text, "9");
    assert_int_equal(mw_yaml_at(y, "b.c")->line, 0);
    assert_int_equal(mw_yaml_set(y, "l.1.x", "8", NULL), 0);
    assert_string_equal(mw_yaml_at(y, "l.1.x")->text, "8");
    assert_int_equal(mw_yaml_set(y, "n.o.p", "7", NULL), 0);
    assert_string_equal(mw_yaml_at(y, "n.o.p")->text, "7");
    assert_int_equal(mw_yaml_root(y)->children, 4);
    assert_int_equal(mw_yaml_set(y, "a.z", "1", &err), MW_EINVAL);
    assert_string_equal(err.text, "t.yaml: 'a.z' has no entry 'z'");
    assert_int_equal(mw_yaml_set(y, "l.5", "1", NULL), MW_EINVAL);
    assert_int_equal(mw_yaml_set(y, "b", "1", NULL), MW_EINVAL);
    assert_int_equal(mw_yaml_set(y, "b..c", "1", NULL), MW_EINVAL);
    assert_int_equal(mw_yaml_set(y, "", "1", NULL), MW_EINVAL);
    mw_yaml_destroy(y);
}

static void typed_readers_say_where_and_what_was_expected(void **state)
{
    struct mw_yaml *y = read_good("i: 12\nd: 2.5\nb: true\nt: 1.5h\nbad: yes\n");
    const struct mw_yaml_node *bad = mw_yaml_at(y, "bad");
    struct mw_error err = {0};
    int64_t i = 0, t = 0;
    double d = 0;
    bool b = false;

    (void)state;
    assert_int_equal(mw_yaml_i64(y, mw_yaml_at(y, "i"), &i, NULL), 0);
    assert_int_equal(mw_yaml_double(y, mw_yaml_at(y, "d"), &d, NULL), 0);
    assert_int_equal(mw_yaml_bool(y, mw_yaml_at(y, "b"), &b, NULL), 0);
    assert_int_equal(mw_yaml_duration(y, mw_yaml_at(y, "t"), &t, NULL), 0);
    assert_true(i == 12 && d == 2.5 && b && t == 90 * MW_NS_PER_MIN);
    assert_int_equal(mw_yaml_bool(y, bad, &b, &err), MW_EINVAL);
    assert_string_equal(err.text, "t.yaml:5:6: 'yes' is not true or false");
    assert_int_equal(mw_yaml_i64(y, bad, &i, NULL), MW_EINVAL);
    assert_int_equal(mw_yaml_double(y, bad, &d, NULL), MW_EINVAL);
    assert_int_equal(mw_yaml_duration(y, bad, &t, NULL), MW_EINVAL);
    assert_int_equal(mw_yaml_i64(y, NULL, &i, &err), MW_EINVAL);
    assert_string_equal(err.text, "t.yaml: a value is missing; expected a whole number");
    mw_yaml_destroy(y);
}

static void out_of_memory_anywhere_is_reported_and_leaks_nothing(void **state)
{
    const char text[] = "a: 1\nb: [1, 2, {c: 3}]\n";
    struct problems problems = {0};
    struct mw_yaml *y = NULL;
    int failed = 0;

    (void)state;
    for (int64_t k = 0; y == NULL; k++) {
        mw_mem_fail_after(k);
        int rc = mw_yaml_read(text, sizeof(text) - 1, "t", &y, &problems, NULL);
        mw_mem_fail_after(-1);
        assert_true(rc == 0 || rc == MW_ENOMEM);
        failed += rc != 0;
    }
    assert_int_equal(failed, 2);
    mw_yaml_destroy(y);
    problems_fini(&problems);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_and_key_knows_its_line_and_column),
        cmocka_unit_test(mistakes_of_form_name_their_place),
        cmocka_unit_test(depth_and_keys_are_bounded),
        cmocka_unit_test(set_replaces_adds_and_refuses),
        cmocka_unit_test(typed_readers_say_where_and_what_was_expected),
        cmocka_unit_test(out_of_memory_anywhere_is_reported_and_leaks_nothing),
    };

    return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
