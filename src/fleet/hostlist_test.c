/* A host list says the same nodes as the names it was made of, whatever they are. */
#include "fleet/hostlist.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"

#define NAMES_MAX 64

static void folds_to(const char *const *name, uint32_t names, const char *list)
{
    struct text t = { 0 };
    assert_int_equal(hostlist_add(&t, name, names), 0);
    assert_string_equal(text_string(&t), list);
    text_fini(&t);
}
#define FOLDS(list, ...)                                          \
    do {                                                          \
        const char *const names_[] = { __VA_ARGS__ };             \
        folds_to(names_, (uint32_t)MW_ARRAY_LEN(names_), (list)); \
    } while (0)

static void runs_of_numbers_become_ranges(void **state)
{
    (void)state;
    FOLDS("n[3,7-9]", "n7", "n3", "n9", "n8");
    FOLDS("n[3-5]", "n3", "n4", "n5", "n4");
    FOLDS("n3", "n3");
    FOLDS("gpu,n[9-11]", "n11", "n10", "n9", "gpu");
    FOLDS("h1-r02-k7-n[1-2],h1-r02-k8-n1", "h1-r02-k8-n1", "h1-r02-k7-n2", "h1-r02-k7-n1");
    folds_to(NULL, 0, "");
}

static void padding_is_kept(void **state)
{
    (void)state;
    FOLDS("n[08-11]", "n08", "n09", "n10", "n11");
    FOLDS("n[099-100]", "n099", "n100");
    FOLDS("n[1,01,2]", "n01", "n1", "n2");
}

struct expanded {
    char name[NAMES_MAX][HOSTLIST_NAME_MAX];
    uint32_t length;
};

static int keep(void *ctx, const char *name)
{
    struct expanded *x = ctx;
    assert_true(x->length < NAMES_MAX);
    (void)snprintf(x->name[x->length++], HOSTLIST_NAME_MAX, "%s", name);
    return 0;
}

static bool has(const struct expanded *x, const char *name)
{
    for (uint32_t i = 0; i < x->length; i++)
        if (strcmp(x->name[i], name) == 0)
            return true;
    return false;
}

/* Draw `nth` of a seed, below a bound. */
struct draws {
    uint64_t seed, nth;
};

static uint32_t draw(struct draws *d, uint32_t bound)
{
    return (uint32_t)mw_random_below(mw_random_u64(d->seed, 0, 0, d->nth++), bound);
}

static void random_name(struct draws *r, char to[HOSTLIST_NAME_MAX])
{
    static const char *const prefix[] = { "n", "n1-", "rack2n", "", "x0" };
    uint32_t p = draw(r, MW_ARRAY_LEN(prefix));
    uint32_t number = draw(r, draw(r, 2) ? 15 : 1500);
    int width = (int)draw(r, 4);
    if (draw(r, 16) == 0)
        (void)snprintf(to, HOSTLIST_NAME_MAX, "%sz", prefix[p]);
    else
        (void)snprintf(to, HOSTLIST_NAME_MAX, "%s%0*u", prefix[p], width, number);
}

static void what_is_folded_unfolds_to_the_same_names(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 3000; seed++) {
        struct draws r = { .seed = seed };
        static char made[NAMES_MAX][HOSTLIST_NAME_MAX];
        const char *name[NAMES_MAX];
        uint32_t n = 1 + draw(&r, NAMES_MAX);
        struct text t = { 0 };
        static struct expanded x;
        x.length = 0;
        for (uint32_t i = 0; i < n; i++) {
            random_name(&r, made[i]);
            name[i] = made[i];
        }
        assert_int_equal(hostlist_add(&t, name, n), 0);
        assert_int_equal(hostlist_each(text_string(&t), keep, &x, NULL), 0);
        for (uint32_t i = 0; i < n; i++)
            if (!has(&x, name[i]))
                fail_msg("seed %llu: %s is lost in %s", (unsigned long long)seed, name[i],
                         text_string(&t));
        for (uint32_t i = 0; i < x.length; i++) {
            bool known = false;
            for (uint32_t k = 0; k < n; k++)
                known |= strcmp(x.name[i], name[k]) == 0;
            for (uint32_t k = 0; k < i; k++)
                known &= strcmp(x.name[i], x.name[k]) != 0;
            if (!known)
                fail_msg("seed %llu: %s is not asked for, or twice, in %s",
                         (unsigned long long)seed, x.name[i], text_string(&t));
        }
        text_fini(&t);
    }
}

static void refused(const char *list, int code, const char *words)
{
    struct mw_error err = { 0 };
    struct expanded x = { .length = 0 };
    assert_int_equal(hostlist_each(list, keep, &x, &err), code);
    if (strstr(err.text, words) == NULL)
        fail_msg("\"%s\" is not said of \"%s\": %s", words, list, err.text);
}

static int count(void *ctx, const char *name)
{
    (void)name;
    ++*(uint32_t *)ctx;
    return 0;
}

static void a_list_that_is_none_is_refused_with_its_place(void **state)
{
    (void)state;
    refused("n[1-3", MW_EINVAL, "at byte 5: \"]\" is missing");
    refused("n1,,n2", MW_EINVAL, "at byte 3: a name is missing");
    refused("n[3-1]", MW_EINVAL, "ends before");
    refused("n[1]x", MW_EINVAL, "only the end");
    refused("n]", MW_EINVAL, "\"[\" is missing");
    refused("n[1-]", MW_EINVAL, "a number is missing");
    refused("n[1-9999999999]", MW_EINVAL, "more than 9 digits");
    uint32_t n = 0;
    assert_int_equal(hostlist_each("n[1-99999999]", count, &n, NULL), MW_ELIMIT);
    assert_int_equal(n, HOSTLIST_COUNT_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_of_numbers_become_ranges),
        cmocka_unit_test(padding_is_kept),
        cmocka_unit_test(what_is_folded_unfolds_to_the_same_names),
        cmocka_unit_test(a_list_that_is_none_is_refused_with_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
