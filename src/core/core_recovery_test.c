/* The way back: a core with planes of straw from its snapshot and its record. */
#include "core/core_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "core/journal_memory.h"

static void fill(struct bench *b)
{
    for (uint32_t i = 0; i < 6; i++) {
        struct event ev = bench_command(i % PLANE_COUNT, i, (uint8_t)(i % 2));
        ev.source_seq = i + 1;
        ev.tail_size = i % 3 ? 4 : 0;
        assert_int_equal(bench_submit(b, 1000 * i, &ev), ADMIT_OK);
    }
    assert_int_equal(core_commit(b->core, NULL), 0);
}

static void a_snapshot_and_the_record_give_the_same_state(void **state)
{
    (void)state;
    struct bench *b = bench_make();
    fill(b);
    assert_int_equal(core_snapshot(b->core, NULL), 0);
    struct event ev = bench_command(PLANE_CARE, 2, 1);
    ev.source_seq = 7;
    assert_int_equal(bench_submit(b, 9000, &ev), ADMIT_OK);
    assert_int_equal(core_commit(b->core, NULL), 0);
    for (uint32_t with = 0; with < 2; with++) {
        struct bench *again = bench_on(b->journal, false);
        assert_int_equal(core_recover(again->core, with == 1, NULL), 0);
        assert_true(mw_hash128_equal(core_state_hash(b->core), core_state_hash(again->core)));
        assert_int_equal(core_source_seq(again->core, SOURCE_PERSON), 7);
        assert_int_equal(core_now(again->core), 9000);
        /* a plane tells of its newest order only: a pending action goes out again */
        assert_int_equal(again->acts, 1);
        assert_int_equal(again->acted[0], b->straw[PLANE_CARE].pending);
        bench_free(again, false);
    }
    bench_free(b, true);
}

/* Puts these bytes in place of the snapshot and recovers. */
static int recover_from(struct bench *b, const char *data, size_t size, struct mw_error *err)
{
    assert_int_equal(b->journal->ops->snapshot_put(b->journal, core_seq(b->core), data, size, NULL),
                     0);
    struct bench *again = bench_on(b->journal, false);
    int r = core_recover(again->core, true, err);
    bench_free(again, false);
    return r;
}

static void a_snapshot_cut_anywhere_or_with_bytes_to_spare_is_refused(void **state)
{
    (void)state;
    struct bench *b = bench_make();
    fill(b);
    assert_int_equal(core_snapshot(b->core, NULL), 0);
    char *data = NULL;
    size_t size = 0;
    uint64_t seq = 0;
    assert_int_equal(b->journal->ops->snapshot_get(b->journal, UINT64_MAX, &seq, &data, &size,
                                                   NULL), 0);
    for (size_t cut = 0; cut < size; cut++) {
        struct mw_error err = { 0 };
        int r = recover_from(b, data, cut, &err);
        assert_true(r == MW_ECORRUPT || r == MW_EVERSION);
        assert_non_null(strstr(err.text, "snapshot"));
    }
    char *longer = calloc(1, size + 1);
    memcpy(longer, data, size);
    assert_int_equal(recover_from(b, longer, size + 1, NULL), MW_ECORRUPT);
    longer[0] ^= 1;
    assert_int_equal(recover_from(b, longer, size, NULL), MW_EVERSION);
    assert_int_equal(recover_from(b, data, size, NULL), 0);
    free(longer);
    mw_free(data);
    bench_free(b, true);
}

static void a_record_with_sources_this_site_has_not_is_refused_with_a_reason(void **state)
{
    (void)state;
    struct bench *b = bench_make();
    _Alignas(8) struct event ev = bench_command(PLANE_CARE, 0, 0);
    ev.seq = 1;
    ev.epoch = b->journal->epoch;
    ev.version = EVENT_VERSION;
    ev.source = STRAW_SOURCES + 5;
    const struct group g = { .first_seq = 1, .count = 1, .size = sizeof(ev), .bytes = &ev };
    assert_int_equal(b->journal->ops->append(b->journal, &g, NULL), 0);
    assert_int_equal(b->journal->ops->commit(b->journal, NULL), 0);
    struct mw_error err = { 0 };
    assert_int_equal(core_recover(b->core, false, &err), MW_ECORRUPT);
    assert_non_null(strstr(err.text, "site file"));
    bench_free(b, true);
}

static void a_core_that_rederives_hands_nothing_out(void **state)
{
    (void)state;
    struct journal *j = NULL;
    assert_int_equal(journal_memory_create(NULL, &j), 0);
    struct bench *b = bench_on(j, true);
    struct event ev = bench_command(PLANE_CARE, 3, 1);
    assert_int_equal(bench_submit(b, 1000, &ev), ADMIT_OK);
    assert_int_equal(core_commit(b->core, NULL), 0);
    assert_int_equal(b->acts, 0);
    bench_free(b, true);
}

struct follow {
    struct core *core;
    uint64_t from; /* events before it are in the snapshot */
};

static int follow(void *ctx, const struct event *ev, const void *tail, bool last)
{
    const struct follow *f = ctx;
    return ev->seq < f->from ? 0 : core_follow(f->core, ev, tail, last, NULL);
}

static void a_follower_is_the_same_and_hands_nothing_out(void **state)
{
    (void)state;
    struct bench *b = bench_make();
    fill(b);
    assert_int_equal(core_snapshot(b->core, NULL), 0);
    struct event ev = bench_command(PLANE_CARE, 2, 1);
    ev.source_seq = 7;
    assert_int_equal(bench_submit(b, 9000, &ev), ADMIT_OK);
    assert_int_equal(core_commit(b->core, NULL), 0);
    for (uint32_t with = 0; with < 2; with++) {
        struct bench *again = bench_on(b->journal, false);
        if (with == 1)
            assert_int_equal(core_follow_snapshot(again->core, UINT64_MAX, NULL), 0);
        struct follow f = { again->core, core_seq(again->core) + 1 };
        assert_true(with == 0 || f.from > 1);
        assert_int_equal(b->journal->ops->read(b->journal, 1, follow, &f, NULL), 0);
        assert_true(mw_hash128_equal(core_state_hash(b->core), core_state_hash(again->core)));
        assert_int_equal(again->acts, 0);
        bench_free(again, false);
    }
    bench_free(b, true);
}

static void a_follower_takes_only_the_next_event(void **state)
{
    (void)state;
    struct bench *b = bench_make(), *again = bench_on(b->journal, false);
    struct mw_error err = { 0 };
    struct event ev = bench_command(PLANE_CARE, 0, 0);
    struct mw_hash128 before = core_state_hash(again->core);
    ev.seq = 2;
    assert_int_equal(core_follow(again->core, &ev, NULL, true, &err), MW_ECORRUPT);
    assert_non_null(strstr(err.text, "event 2 follows event 0"));
    ev.seq = 1;
    ev.source = STRAW_SOURCES;
    assert_int_equal(core_follow(again->core, &ev, NULL, true, &err), MW_ECORRUPT);
    assert_non_null(strstr(err.text, "another site file"));
    assert_true(mw_hash128_equal(before, core_state_hash(again->core)));
    assert_int_equal(core_follow_snapshot(again->core, UINT64_MAX, &err), MW_ENOTFOUND);
    bench_free(again, false);
    bench_free(b, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_snapshot_and_the_record_give_the_same_state),
        cmocka_unit_test(a_snapshot_cut_anywhere_or_with_bytes_to_spare_is_refused),
        cmocka_unit_test(a_record_with_sources_this_site_has_not_is_refused_with_a_reason),
        cmocka_unit_test(a_core_that_rederives_hands_nothing_out),
        cmocka_unit_test(a_follower_is_the_same_and_hands_nothing_out),
        cmocka_unit_test(a_follower_takes_only_the_next_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
