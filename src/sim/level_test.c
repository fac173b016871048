/* Time at each count: a wrong quantile would ask for the wrong number of spares. */
#include "sim/level.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void quantiles_are_of_time_and_not_of_changes(void **state)
{
    struct level l;
    (void)state;
    assert_int_equal(level_init(&l, 4), 0);
    assert_int_equal(level_quantile(&l, 0.5, 100), 0);
    level_begin(&l, 1000);
    level_begin(&l, 5000); /* the first says */
    level_move(&l, true, 1900);  /* 900 at 0 */
    level_move(&l, true, 1990);  /* 90 at 1 */
    level_move(&l, false, 1999); /* 9 at 2 */
    assert_int_equal(level_quantile(&l, 0.90, 2000), 0);
    assert_int_equal(level_quantile(&l, 0.95, 2000), 1);
    assert_int_equal(level_quantile(&l, 0.99, 2000), 1);
    assert_int_equal(level_quantile(&l, 0.995, 2000), 2);
    /* time goes on at one: by then it is the rule */
    assert_int_equal(level_quantile(&l, 0.5, 100000), 1);
    level_fini(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_are_of_time_and_not_of_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
