/* The tap: nobody may see an event that a crash takes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/journal_memory.h"
#include "sim/tap.h"

struct seen {
    uint64_t events, last_seq, tail_bytes;
};

static void see(void *ctx, const struct event *ev, const void *tail)
{
    struct seen *s = ctx;
    assert_int_equal(ev->seq, s->last_seq + 1);
    assert_true((tail != NULL) == (ev->tail_size > 0));
    if (tail != NULL)
        assert_memory_equal(tail, "hello", 5);
    s->events++;
    s->last_seq = ev->seq;
    s->tail_bytes += ev->tail_size;
}

/* A group of one command with the reason "hello". */
static int append(struct journal *j, struct mw_error *err)
{
    struct {
        struct event ev;
        char tail[8];
    } frame = {.ev = {.kind = EV_COMMAND, .seq = j->next_seq, .epoch = j->epoch,
                      .source = SOURCE_PERSON, .actor = 1, .version = EVENT_VERSION,
                      .tail_size = 5},
               .tail = "hello"};
    struct group g = {.first_seq = j->next_seq, .count = 1, .size = sizeof(frame),
                      .bytes = &frame};
    return j->ops->append(j, &g, err);
}

static void events_are_seen_when_they_are_committed_and_not_before(void **state)
{
    struct journal_memory_options o = {0};
    struct journal *inner, *tap;
    struct seen seen = {0};
    struct mw_error err = {0};
    (void)state;
    assert_int_equal(journal_memory_create(&o, &inner), 0);
    assert_int_equal(tap_create(inner, see, &seen, &tap), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(append(tap, &err), 0);
    assert_int_equal(seen.events, 0);
    assert_int_equal(tap->ops->commit(tap, &err), 0);
    assert_int_equal(seen.events, 3);
    assert_int_equal(seen.tail_bytes, 15);
    assert_int_equal(tap->head.seq, 3);
    journal_destroy(tap);
    journal_destroy(inner);
}

static void a_crash_takes_back_what_was_not_committed(void **state)
{
    struct journal_memory_options o = {0};
    struct journal *inner, *tap;
    struct seen seen = {0};
    struct mw_error err = {0};
    (void)state;
    assert_int_equal(journal_memory_create(&o, &inner), 0);
    assert_int_equal(tap_create(inner, see, &seen, &tap), 0);
    assert_int_equal(append(tap, &err), 0);
    assert_int_equal(tap->ops->commit(tap, &err), 0);
    uint32_t epoch = tap->epoch;
    assert_int_equal(append(tap, &err), 0);
    tap_crash(tap);
    assert_int_equal(tap->next_seq, 2);
    assert_true(tap->epoch > epoch);
    assert_int_equal(append(tap, &err), 0);
    assert_int_equal(tap->ops->commit(tap, &err), 0);
    assert_int_equal(seen.events, 2);
    journal_destroy(tap);
    journal_destroy(inner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_seen_when_they_are_committed_and_not_before),
        cmocka_unit_test(a_crash_takes_back_what_was_not_committed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
