/* The agenda: order and size.  If it broke, the same seed would give other worlds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/random.h"
#include "sim/queue.h"

#define ENTRIES 5000u

static void entries_come_out_by_time_and_then_by_insertion(void **state)
{
    struct queue q = {0};
    (void)state;
    for (uint32_t i = 0; i < ENTRIES; i++) {
        int64_t at_ns = (int64_t)mw_random_below(mw_random_u64(1, i, 0, 0), 400);
        queue_push(&q, at_ns, (struct queue_what){.kind = 3, .sub = 200, .a = i});
    }
    int64_t last_ns = -1;
    uint32_t last = 0;
    for (uint32_t i = 0; i < ENTRIES; i++) {
        struct queue_entry e = queue_pop(&q);
        assert_true(e.time_ns >= last_ns);
        if (e.time_ns == last_ns)
            assert_true(e.a > last);
        assert_int_equal(queue_kind(&e), 3);
        assert_int_equal(queue_sub(&e), 200);
        last_ns = e.time_ns;
        last = e.a;
    }
    assert_true(queue_next_ns(&q) == MW_NEVER);
    queue_fini(&q);
}

static void pushing_between_pops_keeps_the_order(void **state)
{
    struct queue q = {0};
    int64_t now_ns = 0;
    uint64_t popped = 0;
    (void)state;
    for (uint32_t i = 0; i < 50; i++)
        queue_push(&q, 10, (struct queue_what){.a = i});
    while (q.length > 0) {
        struct queue_entry e = queue_pop(&q);
        assert_true(e.time_ns >= now_ns);
        now_ns = e.time_ns;
        if (++popped < 3000)
            queue_push(&q, now_ns + (int64_t)mw_random_below(mw_random_u64(2, popped, 0, 0), 50),
                       (struct queue_what){.a = e.a});
    }
    assert_int_equal(popped, 3049);
    queue_fini(&q);
}

static void running_out_of_memory_is_remembered(void **state)
{
    struct queue q = {0};
    (void)state;
    mw_mem_fail_after(0);
    queue_push(&q, 1, (struct queue_what){.a = 1});
    mw_mem_fail_after(-1);
    assert_true(q.failed);
    assert_int_equal(q.length, 0);
    queue_fini(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_come_out_by_time_and_then_by_insertion),
        cmocka_unit_test(pushing_between_pops_keeps_the_order),
        cmocka_unit_test(running_out_of_memory_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
