/* The event table and the check of an event's fixed parts. */
#include "core/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

static struct event event_of(uint32_t kind)
{
    return (struct event){.seq = 1, .kind = (uint16_t)kind, .version = EVENT_VERSION};
}

static void every_kind_is_found_by_its_name(void **state)
{
    (void)state;
    uint32_t kinds = 0;
    for (uint32_t kind = 0; kind < EVENT_KIND_MAX + 10; kind++) {
        const struct event_info *info = event_info(kind);
        if (info->name == NULL)
            continue;
        kinds++;
        assert_int_equal(event_kind_find(info->name), kind);
        assert_true(strlen(info->doc) > 10);
        assert_true(info->planes != 0 && (info->planes & ~TO_ALL) == 0);
    }
#define X(...) +1
    assert_int_equal(kinds, 0 EVENT_KINDS(X));
#undef X
    assert_int_equal(event_kind_find("no.such"), EV_NONE);
    assert_int_equal(event_kind_find(""), EV_NONE);
}

static void a_row_says_what_the_table_says(void **state)
{
    (void)state;
    const struct event_info *placed = event_info(EV_ATTEMPT_PLACED);
    assert_string_equal(placed->name, "attempt.placed");
    assert_string_equal(placed->body, "place");
    assert_int_equal(placed->class, EVENT_DECISION);
    assert_int_equal(placed->planes, TO_MONEY | TO_WORK);
    assert_int_equal(placed->tail, TAIL_NODES);
    assert_int_equal(placed->flags, EVENT_ACTION);
    assert_null(event_info(EV_NONE)->name);
    assert_null(event_info(UINT32_MAX)->name);
}

static void a_wrong_fixed_part_is_corrupt(void **state)
{
    (void)state;
    struct event ev = event_of(EV_FINDING_OPENED);
    assert_int_equal(event_check(&ev), 0);
    ev.version = EVENT_VERSION + 1;
    assert_int_equal(event_check(&ev), MW_ECORRUPT);
    ev = event_of(EV_FINDING_OPENED);
    ev.flags = 1;
    assert_int_equal(event_check(&ev), MW_ECORRUPT);
    ev = event_of(EV_NONE);
    assert_int_equal(event_check(&ev), MW_ECORRUPT);
    ev = event_of(9); /* a number between two kinds */
    assert_int_equal(event_check(&ev), MW_ECORRUPT);
    ev = event_of(UINT16_MAX);
    assert_int_equal(event_check(&ev), MW_ECORRUPT);
}

static void a_tail_has_a_size_that_its_type_can_have(void **state)
{
    (void)state;
    struct event ev = event_of(EV_FINDING_OPENED);
    ev.tail_size = 8;
    assert_int_equal(event_check(&ev), MW_ECORRUPT);
    ev = event_of(EV_ATTEMPT_PLACED);
    ev.tail_size = 12;
    assert_int_equal(event_check(&ev), 0);
    ev.tail_size = 13;
    assert_int_equal(event_check(&ev), MW_ECORRUPT);
    ev.tail_size = EVENT_TAIL_MAX;
    assert_int_equal(event_check(&ev), 0);
    ev.tail_size = EVENT_TAIL_MAX + 4;
    assert_int_equal(event_check(&ev), MW_ECORRUPT);
    ev = event_of(EV_COMMAND);
    ev.tail_size = 13;
    assert_int_equal(event_check(&ev), 0);
    ev.tail_size = UINT32_MAX;
    assert_int_equal(event_check(&ev), MW_ECORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_found_by_its_name),
        cmocka_unit_test(a_row_says_what_the_table_says),
        cmocka_unit_test(a_wrong_fixed_part_is_corrupt),
        cmocka_unit_test(a_tail_has_a_size_that_its_type_can_have),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
