/* What only the memory journal does, and the walk through a group.  What every journal must do is
 * in store/journal_port_test.c. */
#include "core/journal_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

/* A group of n findings; every third carries nothing else, commands carry a text. */
struct sample {
    _Alignas(8) uint8_t bytes[8192];
    struct group g;
};

static void sample_make(struct sample *s, const struct journal *j, uint32_t n, uint32_t text)
{
    memset(s, 0, sizeof(*s));
    uint8_t *at = s->bytes;
    for (uint32_t i = 0; i < n; i++) {
        struct event ev = {.seq = j->next_seq + i,
                           .time_ns = (int64_t)(j->next_seq + i) * 1000,
                           .epoch = j->epoch,
                           .kind = i == 0 && text > 0 ? EV_COMMAND : EV_FINDING_OPENED,
                           .tail_size = i == 0 ? text : 0,
                           .version = EVENT_VERSION};
        memcpy(at, &ev, sizeof(ev));
        memset(at + sizeof(ev), 'x', ev.tail_size);
        at += event_frame_size(&ev);
        must(at <= s->bytes + sizeof(s->bytes));
    }
    s->g = (struct group){j->next_seq, n, (uint32_t)(at - s->bytes), s->bytes};
}

static struct journal *fresh(bool chain, bool discard)
{
    struct journal_memory_options o = {.chain = chain, .discard = discard};
    struct journal *j = NULL;
    assert_int_equal(journal_memory_create(&o, &j), 0);
    return j;
}

static void put(struct journal *j, uint32_t n, uint32_t text)
{
    struct sample s;
    sample_make(&s, j, n, text);
    assert_int_equal(j->ops->append(j, &s.g, NULL), 0);
}

static int count(void *ctx, const struct event *ev, const void *tail, bool last)
{
    uint64_t *seen = ctx;
    (void)tail;
    (void)last;
    assert_int_equal(ev->seq, seen[0] + 1);
    seen[0]++;
    return 0;
}

static void a_million_events_over_many_chunks_are_found_again(void **state)
{
    (void)state;
    struct journal *j = fresh(false, false);
    const uint32_t groups = 250000;
    for (uint32_t i = 0; i < groups; i++)
        put(j, 4, i % 50 == 0 ? 4000 : 0);
    assert_int_equal(j->ops->commit(j, NULL), 0);
    uint64_t seen = 0;
    assert_int_equal(j->ops->read(j, 1, count, &seen, NULL), 0);
    assert_int_equal(seen, 4 * groups);
    uint8_t *tail = malloc(EVENT_TAIL_MAX);
    for (uint64_t seq = 1; seq <= 4 * groups; seq += 997) {
        struct event ev;
        assert_int_equal(j->ops->get(j, seq, &ev, tail, NULL), 0);
        assert_int_equal(ev.seq, seq);
        seen = seq - 1;
    }
    assert_int_equal(j->ops->read(j, seen + 1, count, &seen, NULL), 0);
    assert_int_equal(seen, 4 * groups);
    assert_true(journal_memory_bytes(j) > (uint64_t)groups * 4 * 128);
    free(tail);
    journal_destroy(j);
}

static void a_crash_takes_what_was_staged_even_when_it_opened_a_chunk(void **state)
{
    (void)state;
    struct journal *j = fresh(true, false);
    put(j, 2, 0);
    journal_memory_crash(j); /* nothing was ever committed */
    assert_int_equal(j->next_seq, 1);
    put(j, 3, 5);
    assert_int_equal(j->ops->commit(j, NULL), 0);
    for (uint32_t i = 0; i < 20000; i++)
        put(j, 4, 0);
    journal_memory_crash(j);
    assert_int_equal(j->next_seq, 4);
    assert_int_equal(j->epoch, 2);
    put(j, 1, 0);
    assert_int_equal(j->ops->commit(j, NULL), 0);
    uint64_t seen = 0;
    assert_int_equal(j->ops->read(j, 1, count, &seen, NULL), 0);
    assert_int_equal(seen, 4);
    struct journal_report report;
    assert_int_equal(j->ops->verify(j, &report, NULL), 0);
    assert_int_equal(report.loss, JOURNAL_WHOLE);
    assert_int_equal(report.groups, 2);
    journal_destroy(j);
}

static void a_discarding_journal_counts_and_keeps_nothing(void **state)
{
    (void)state;
    struct journal *j = fresh(false, true);
    for (uint32_t i = 0; i < 1000; i++)
        put(j, 4, 100);
    assert_int_equal(j->ops->commit(j, NULL), 0);
    assert_int_equal(j->head.seq, 4000);
    assert_int_equal(j->head.time_ns, 4000000);
    assert_true(journal_memory_bytes(j) < 4096);
    uint64_t seen = 0;
    assert_int_equal(j->ops->read(j, 1, count, &seen, NULL), MW_ENOTFOUND);
    journal_destroy(j);
}

static void the_walk_refuses_bytes_that_do_not_fit(void **state)
{
    (void)state;
    struct journal *j = fresh(false, false);
    struct sample s;
    sample_make(&s, j, 3, 5);
    assert_int_equal(group_walk(&s.g, NULL, NULL), 0);
    struct group g = s.g;
    g.size -= 8;
    assert_int_equal(group_walk(&g, NULL, NULL), MW_ECORRUPT);
    g = s.g;
    g.size += 8;
    assert_int_equal(group_walk(&g, NULL, NULL), MW_ECORRUPT);
    g = s.g;
    g.count = 0;
    assert_int_equal(group_walk(&g, NULL, NULL), MW_ECORRUPT);
    g = s.g;
    g.first_seq++;
    assert_int_equal(group_walk(&g, NULL, NULL), MW_ECORRUPT);
    s.bytes[sizeof(struct event) + 6] = 1; /* the tail has 5 bytes, this is padding */
    assert_int_equal(group_walk(&s.g, NULL, NULL), MW_ECORRUPT);
    journal_destroy(j);
}

static void the_chain_depends_on_everything_it_covers(void **state)
{
    (void)state;
    struct journal *j = fresh(false, false);
    struct sample s;
    sample_make(&s, j, 2, 0);
    uint8_t before[MW_SHA256_SIZE] = {0}, want[MW_SHA256_SIZE], got[MW_SHA256_SIZE];
    journal_chain(before, &s.g, want);
    struct group g = s.g;
    g.first_seq++;
    journal_chain(before, &g, got);
    assert_memory_not_equal(want, got, sizeof(want));
    g = s.g;
    g.count++;
    journal_chain(before, &g, got);
    assert_memory_not_equal(want, got, sizeof(want));
    before[31] = 1;
    journal_chain(before, &s.g, got);
    assert_memory_not_equal(want, got, sizeof(want));
    before[31] = 0;
    s.bytes[255] = 1;
    journal_chain(before, &s.g, got);
    assert_memory_not_equal(want, got, sizeof(want));
    journal_destroy(j);
}

static void no_memory_for_a_chunk_refuses_the_append_and_nothing_else(void **state)
{
    (void)state;
    struct journal *j = fresh(true, false);
    put(j, 1, 0);
    assert_int_equal(j->ops->commit(j, NULL), 0);
    struct sample s;
    int rc = 0;
    for (uint32_t i = 0; i < 100000 && rc == 0; i++) {
        sample_make(&s, j, 8, 0);
        mw_mem_fail_after(0);
        rc = j->ops->append(j, &s.g, NULL);
        mw_mem_fail_after(-1);
    }
    assert_int_equal(rc, MW_ENOMEM);
    assert_int_equal(j->ops->append(j, &s.g, NULL), 0); /* memory is back */
    assert_int_equal(j->ops->commit(j, NULL), 0);
    uint64_t seen = 0;
    assert_int_equal(j->ops->read(j, 1, count, &seen, NULL), 0);
    assert_int_equal(seen, j->head.seq);
    journal_destroy(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_million_events_over_many_chunks_are_found_again),
        cmocka_unit_test(a_crash_takes_what_was_staged_even_when_it_opened_a_chunk),
        cmocka_unit_test(a_discarding_journal_counts_and_keeps_nothing),
        cmocka_unit_test(the_walk_refuses_bytes_that_do_not_fit),
        cmocka_unit_test(the_chain_depends_on_everything_it_covers),
        cmocka_unit_test(no_memory_for_a_chunk_refuses_the_append_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
