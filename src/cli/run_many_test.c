/* Means over runs, and tasks over threads: a wrong interval would be believed. */
#include "cli/run_many.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdatomic.h>

#include "cli/parallel.h"

#define assert_near(a, b, within) assert_true((a) - (b) <= (within) && (b) - (a) <= (within))

static void students_t_is_that_of_the_tables(void **state)
{
    (void)state;
    assert_near(student_t95(1), 12.706, 0.001);
    assert_near(student_t95(10), 2.228, 0.001);
    assert_near(student_t95(30), 2.042, 0.001);
    assert_near(student_t95(31), 2.0395, 0.0005);
    assert_near(student_t95(60), 2.0003, 0.0005);
    assert_near(student_t95(1000000), 1.95997, 0.0001);
}

static void an_interval_is_the_textbooks(void **state)
{
    const double value[] = {4.0, 6.0, 8.0, 10.0};
    (void)state;
    struct estimate e = estimate_of(value, 4);
    assert_near(e.mean, 7.0, 1e-12);
    /* s = 2.58199, t(3) = 3.1824, half = 3.1824 x 2.58199 / 2 */
    assert_near(e.hi - e.mean, 4.10846, 1e-4);
    assert_near(e.mean - e.lo, 4.10846, 1e-4);
    e = estimate_of(value, 1);
    assert_near(e.hi - e.lo, 0.0, 0.0);
}

static void numbers_become_estimates_and_hashes_cover_all_runs(void **state)
{
    struct run_result r[3] = {{.seed = 7, .goodput = 0.5, .state_hash = {1, 2}},
                              {.seed = 8, .goodput = 0.6, .state_hash = {3, 4}},
                              {.seed = 9, .goodput = 0.7, .state_hash = {5, 6}}};
    r[1].totals.gpu_ms[0] = 3000;
    (void)state;
    json_t *doc = run_many_json(r, 3, 1.5);
    json_t *goodput = json_object_get(doc, "goodput");
    assert_near(json_number_value(json_object_get(goodput, "mean")), 0.6, 1e-12);
    assert_true(json_number_value(json_object_get(goodput, "hi")) > 0.7);
    assert_int_equal(json_integer_value(json_object_get(doc, "seed")), 7);
    assert_int_equal(json_integer_value(json_object_get(doc, "runs")), 3);
    assert_near(json_number_value(json_object_get(doc, "wall_s")), 1.5, 1e-12);
    json_t *productive = json_object_get(json_object_get(doc, "classes"), "productive");
    assert_near(json_number_value(json_object_get(productive, "mean")), 1.0, 1e-12);
    r[2].state_hash.lo++;
    json_t *other = run_many_json(r, 3, 1.5);
    assert_string_not_equal(json_string_value(json_object_get(doc, "state_hash")),
                            json_string_value(json_object_get(other, "state_hash")));
    json_decref(doc);
    json_decref(other);
}

struct counted {
    atomic_uint times[500];
};

static void count(void *ctx, uint64_t number)
{
    struct counted *c = ctx;
    atomic_fetch_add(&c->times[number], 1);
}

static void every_task_is_done_once_on_any_number_of_threads(void **state)
{
    (void)state;
    for (uint32_t threads = 0; threads <= 600; threads = threads * 3 + 1) {
        struct counted c = {0};
        struct parallel p = {.tasks = 500, .threads = threads, .task = count, .ctx = &c};
        struct mw_error err = {0};
        bool stopped = true;
        assert_int_equal(parallel_run(&p, &stopped, &err), 0);
        assert_false(stopped);
        for (uint32_t i = 0; i < 500; i++)
            assert_int_equal(atomic_load(&c.times[i]), 1);
    }
}

static void no_tasks_are_no_work(void **state)
{
    struct counted c = {0};
    struct parallel p = {.threads = 4, .task = count, .ctx = &c};
    struct mw_error err = {0};
    bool stopped = true;
    (void)state;
    assert_int_equal(parallel_run(&p, &stopped, &err), 0);
    assert_false(stopped);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(students_t_is_that_of_the_tables),
        cmocka_unit_test(an_interval_is_the_textbooks),
        cmocka_unit_test(numbers_become_estimates_and_hashes_cover_all_runs),
        cmocka_unit_test(every_task_is_done_once_on_any_number_of_threads),
        cmocka_unit_test(no_tasks_are_no_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
