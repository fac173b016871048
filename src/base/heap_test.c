/* The timer queue against a naive scan of the column. */
#include "base/heap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/random.h"

#define ROWS 300
#define STEPS 40000

static uint32_t naive_top(const int64_t *due, uint32_t rows)
{
    uint32_t top = MW_NONE;
    for (uint32_t row = 0; row < rows; row++)
        if (due[row] != MW_NEVER && (top == MW_NONE || due[row] < due[top]))
            top = row;
    return top;
}

static void assert_top(const struct heap *h, const int64_t *due, uint32_t rows)
{
    uint32_t top = naive_top(due, rows);
    assert_int_equal(heap_top(h), top);
    assert_true(heap_top_due(h) == (top == MW_NONE ? MW_NEVER : due[top]));
}

/* Few distinct times, so that ties are common; sometimes negative; often "never". */
static int64_t some_due(uint64_t seed, uint64_t step)
{
    uint64_t bits = mw_random_u64(seed, 1, 0, step);
    return bits % 5 == 0 ? MW_NEVER : (int64_t)mw_random_below(bits, 60) - 10;
}

static void timers_fire_in_the_order_of_a_plain_scan(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 5; seed++) {
        uint32_t rows = seed == 0 ? 1 : ROWS >> (seed - 1);
        int64_t due[ROWS], model[ROWS];
        for (uint32_t row = 0; row < ROWS; row++)
            due[row] = model[row] = MW_NEVER;
        struct heap h;
        assert_int_equal(heap_init(&h, due, rows), 0);
        for (uint32_t step = 0; step < STEPS / ROWS * rows / 10 + 2000; step++) {
            uint64_t bits = mw_random_u64(seed, 2, 0, step);
            uint32_t row = (uint32_t)mw_random_below(bits, rows);
            model[row] = some_due(seed, step);
            heap_set(&h, row, model[row]);
            assert_top(&h, model, rows);
            assert_memory_equal(due, model, sizeof(due));
        }
        heap_fini(&h);
    }
}

static void draining_gives_every_timer_once_lowest_row_first_among_equals(void **state)
{
    (void)state;
    int64_t due[ROWS];
    for (uint32_t row = 0; row < ROWS; row++)
        due[row] = some_due(9, row);
    struct heap h;
    assert_int_equal(heap_init(&h, due, ROWS), 0);
    heap_rebuild(&h);
    uint32_t fired = 0, before_row = 0;
    int64_t before_due = INT64_MIN;
    for (; heap_top(&h) != MW_NONE; fired++) {
        uint32_t row = heap_top(&h);
        int64_t at = heap_top_due(&h);
        assert_true(at > before_due || (at == before_due && row > before_row));
        before_due = at;
        before_row = row;
        heap_set(&h, row, MW_NEVER);
    }
    assert_in_range(fired, ROWS / 2, ROWS - 1);
    heap_fini(&h);
}

static void a_rebuilt_queue_answers_like_the_one_that_lived(void **state)
{
    (void)state;
    int64_t due[ROWS], copy[ROWS];
    for (uint32_t row = 0; row < ROWS; row++)
        due[row] = MW_NEVER;
    struct heap lived, rebuilt;
    assert_int_equal(heap_init(&lived, due, ROWS), 0);
    for (uint32_t step = 0; step < 5000; step++)
        heap_set(&lived, (uint32_t)mw_random_below(mw_random_u64(3, 3, 3, step), ROWS),
                 some_due(4, step));
    for (uint32_t row = 0; row < ROWS; row++)
        copy[row] = due[row];
    assert_int_equal(heap_init(&rebuilt, copy, ROWS), 0);
    heap_rebuild(&rebuilt);
    assert_int_equal(rebuilt.length, lived.length);
    while (heap_top(&lived) != MW_NONE) {
        assert_int_equal(heap_top(&lived), heap_top(&rebuilt));
        heap_set(&rebuilt, heap_top(&rebuilt), MW_NEVER);
        heap_set(&lived, heap_top(&lived), MW_NEVER);
    }
    assert_int_equal(heap_top(&rebuilt), MW_NONE);
    heap_fini(&lived);
    heap_fini(&rebuilt);
}

static void a_queue_over_no_rows_is_empty(void **state)
{
    (void)state;
    struct heap h;
    assert_int_equal(heap_init(&h, NULL, 0), 0);
    heap_rebuild(&h);
    assert_int_equal(heap_top(&h), MW_NONE);
    assert_true(heap_top_due(&h) == MW_NEVER);
    heap_fini(&h);
}

static void running_out_of_memory_at_init_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    int64_t due[2] = {MW_NEVER, MW_NEVER};
    for (int64_t calls = 0; calls < 2; calls++) {
        struct heap h;
        mw_mem_fail_after(calls);
        assert_int_equal(heap_init(&h, due, 2), MW_ENOMEM);
        assert_null(h.item);
        heap_fini(&h);
    }
    mw_mem_fail_after(-1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_fire_in_the_order_of_a_plain_scan),
        cmocka_unit_test(draining_gives_every_timer_once_lowest_row_first_among_equals),
        cmocka_unit_test(a_rebuilt_queue_answers_like_the_one_that_lived),
        cmocka_unit_test(a_queue_over_no_rows_is_empty),
        cmocka_unit_test(running_out_of_memory_at_init_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
