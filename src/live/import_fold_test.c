/* Names into patterns: what comes out stands for what went in, in its order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "fleet/pattern.h"
#include "live/import_fold.h"

#define NAMES_MAX 512

struct out {
    char text[2048];
    char name[NAMES_MAX][PATTERN_NAME_MAX], follower[NAMES_MAX][PATTERN_NAME_MAX];
    uint32_t names;
};

static int take(void *ctx, const struct fold_entry *e, struct mw_error *err)
{
    struct out *o = ctx;
    struct pattern p, f;
    struct pattern_at at = { { 0 } }, zero = { { 0 } };
    size_t n = strlen(o->text);
    (void)snprintf(o->text + n, sizeof(o->text) - n, "%s%s%s%s", n > 0 ? " " : "", e->pattern,
                   e->follower[0][0] != '\0' ? "=" : "", e->follower[0]);
    assert_int_equal(pattern_parse(&p, e->pattern, NULL, err), 0);
    assert_int_equal(p.count, e->count);
    assert_int_equal(e->first, o->names);
    do {
        (void)pattern_write(&p, &at, NULL, NULL, o->name[o->names]);
        o->follower[o->names][0] = '\0';
        if (e->follower[0][0] != '\0') {
            assert_int_equal(pattern_parse(&f, e->follower[0], &p, err), 0);
            assert_int_equal(f.count, 1);
            (void)pattern_write(&f, &zero, &p, &at, o->follower[o->names]);
        }
        o->names++;
    } while (pattern_next(&p, &at));
    return 0;
}

/* words: "name" or "name=follower", parted by blanks. */
static void expect(const char *words, const char *folded)
{
    static char copy[8192], names[NAMES_MAX][64], followers[NAMES_MAX][64];
    static struct out o;
    struct fold *f = NULL;
    struct mw_error err = { 0 };
    uint32_t n = 0;
    char *rest = copy;
    o = (struct out){ .names = 0 };
    (void)snprintf(copy, sizeof(copy), "%s", words);
    assert_int_equal(fold_create(&f, &err), 0);
    fold_begin(f);
    for (char *w = strsep(&rest, " "); w != NULL; w = strsep(&rest, " "), n++) {
        char *equals = strchr(w, '=');
        (void)snprintf(followers[n], 64, "%s", equals != NULL ? equals + 1 : "");
        if (equals != NULL)
            *equals = '\0';
        (void)snprintf(names[n], 64, "%s", w);
        const char *follower[] = { followers[n], NULL };
        assert_int_equal(fold_add(f, names[n], follower, &err), 0);
    }
    assert_int_equal(fold_end(f, take, &o, &err), 0);
    fold_destroy(f);
    assert_string_equal(o.text, folded);
    assert_int_equal(o.names, n);
    for (uint32_t i = 0; i < n; i++) {
        assert_string_equal(o.name[i], names[i]);
        assert_string_equal(o.follower[i], followers[i]);
    }
}

static void runs_of_numbers_become_a_range(void **state)
{
    (void)state;
    expect("n1 n2 n3", "n[1-3]");
    expect("n08 n09 n10", "n[08-10]");
    expect("n8 n9 n10 n11", "n[8-11]");
    expect("n099 n100", "n[099-100]");
    expect("n1 n3", "n1 n3");
    expect("n1 n02", "n1 n02");
    expect("a1 b2", "a1 b2");
    expect("leaf", "leaf");
}

static void two_numbers_turn_as_an_odometer_does(void **state)
{
    (void)state;
    expect("k1-n1 k1-n2 k2-n1 k2-n2", "k[1-2]-n[1-2]");
    expect("k1-n1 k1-n2 k1-n3 k2-n1 k2-n2", "k1-n[1-3] k2-n[1-2]");
    expect("g1-nic0 g2-nic0 g1-nic1 g2-nic1", "g[1-2]-nic0 g[1-2]-nic1");
    expect("g1-nic0 g1-nic1 g2-nic0 g2-nic1 g3-nic0 g3-nic1", "g[1-3]-nic[0-1]");
}

static void what_follows_repeats_the_number(void **state)
{
    (void)state;
    expect("k1-n1=k1 k1-n2=k1 k2-n1=k2 k2-n2=k2", "k[1-2]-n[1-2]=k{1}");
    expect("n1=a n2=a n3=b", "n[1-2]=a n3=b");
    expect("n1=r7 n2=r8", "n1=r7 n2=r8"); /* no text of the name */
    expect("n01=r01 n02=r02 n03=r03", "n[01-03]=r{1}");
    expect("n1=r1 n2=r1 n3=r1", "n[1-3]=r1");
    expect("n1=r1 n2=r2 n3=r9", "n[1-2]=r{1} n3=r9");
}

static void numbers_too_long_for_a_pattern_are_text(void **state)
{
    (void)state;
    expect("s0123456789 s0123456790", "s0123456789 s0123456790");
    expect("a1b2c3d4e5f6g7h8i9 a1b2c3d4e5f6g7h8i10", "a1b2c3d4e5f6g7h8i9 a1b2c3d4e5f6g7h8i10");
}

static void a_name_that_is_too_long_is_refused(void **state)
{
    char name[FOLD_NAME_MAX + 1];
    struct fold *f = NULL;
    struct mw_error err = { 0 };
    (void)state;
    memset(name, 'a', FOLD_NAME_MAX);
    name[FOLD_NAME_MAX] = '\0';
    assert_int_equal(fold_create(&f, &err), 0);
    fold_begin(f);
    assert_int_equal(fold_add(f, name, NULL, &err), MW_ELIMIT);
    fold_destroy(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_of_numbers_become_a_range),
        cmocka_unit_test(two_numbers_turn_as_an_odometer_does),
        cmocka_unit_test(what_follows_repeats_the_number),
        cmocka_unit_test(numbers_too_long_for_a_pattern_are_text),
        cmocka_unit_test(a_name_that_is_too_long_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
