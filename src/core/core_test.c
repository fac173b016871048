/* The loop with planes of straw: order, groups, commits, sources, timers. */
#include "core/core_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"

/* ---- groups --------------------------------------------------------------------------------- */

static void a_fact_and_its_cascade_are_one_group_and_every_plane_sees_it_in_order(void **state)
{
    (void)state;
    struct bench *b = bench_make();
    struct event ev = bench_command(PLANE_CARE, 2, 0);
    assert_int_equal(bench_submit(b, 1000, &ev), ADMIT_OK);
    /* command: guard care money work; then one decision after the other, each shown to all */
    assert_string_equal(b->calls, "gCcCmCwC" "gdcdmdwd" "gdcdmdwd");
    assert_int_equal(b->journal->head.seq, 0);
    struct kinds k = bench_record(b);
    assert_int_equal(k.groups, 1);
    assert_int_equal(k.length, 3);
    assert_int_equal(k.kind[0], EV_COMMAND);
    assert_int_equal(k.kind[2], EV_NODE_MOVED);
    assert_int_equal(k.cause[1], 1);
    assert_int_equal(k.cause[2], 1);
    assert_int_equal(core_stats(b->core)->decisions, 2);
    bench_free(b, true);
}

static void nothing_is_handed_out_before_it_is_durable(void **state)
{
    (void)state;
    struct bench *b = bench_make();
    struct event ev = bench_command(PLANE_CARE, 3, 1);
    assert_int_equal(bench_submit(b, 1000, &ev), ADMIT_OK);
    assert_int_equal(bench_submit(b, 1000, &ev), ADMIT_OK);
    assert_int_equal(b->acts, 0);
    assert_int_equal(core_commit(b->core, NULL), 0); /* bench_act checks the head too */
    assert_int_equal(b->acts, 6);
    for (uint32_t i = 0; i < 6; i++)
        assert_int_equal(b->acted[i], i < 3 ? 2 + i : 3 + i);
    assert_int_equal(core_commit(b->core, NULL), 0);
    assert_int_equal(b->acts, 6);
    bench_free(b, true);
}

static int no_commit(struct journal *j, struct mw_error *err)
{
    (void)j;
    return mw_fail(err, MW_ENOSPC, "full");
}

static int no_append(struct journal *j, const struct group *g, struct mw_error *err)
{
    (void)j;
    (void)g;
    return mw_fail(err, MW_EIO, "gone");
}

static void a_commit_that_fails_can_be_tried_again(void **state)
{
    (void)state;
    struct bench *b = bench_make();
    const struct journal_ops *good = b->journal->ops;
    struct event ev = bench_command(PLANE_CARE, 1, 1);
    assert_int_equal(bench_submit(b, 1000, &ev), ADMIT_OK);
    b->ops = *good;
    b->ops.commit = no_commit;
    b->journal->ops = &b->ops;
    assert_int_equal(core_commit(b->core, NULL), MW_ENOSPC);
    assert_int_equal(b->acts, 0);
    b->journal->ops = good;
    assert_int_equal(core_commit(b->core, NULL), 0);
    assert_int_equal(b->acts, 1);
    bench_free(b, true);
}

static void a_journal_that_takes_nothing_more_stops_the_core(void **state)
{
    (void)state;
    struct bench *b = bench_make();
    const struct journal_ops *good = b->journal->ops;
    struct event ev = bench_command(PLANE_CARE, 1, 1);
    struct mw_error err = { 0 };
    enum admit a;
    b->ops = *good;
    b->ops.append = no_append;
    b->journal->ops = &b->ops;
    assert_int_equal(core_submit(b->core, 1000, &ev, NULL, &a, &err), MW_EIO);
    b->journal->ops = good; /* too late: the state is ahead of the record */
    assert_int_equal(core_submit(b->core, 1000, &ev, NULL, &a, &err), MW_EIO);
    assert_int_equal(core_advance(b->core, 2000, &err), MW_EIO);
    assert_int_equal(core_commit(b->core, &err), MW_EIO);
    assert_int_equal(b->acts, 0);
    assert_non_null(strstr(err.text, "recover"));
    bench_free(b, true);
}

static void a_cascade_of_64_decisions_is_quiet_and_one_of_65_is_stopped(void **state)
{
    (void)state;
    struct bench *b = bench_make();
    struct event ev = bench_command(PLANE_CARE, CORE_ROUNDS_MAX, 0);
    assert_int_equal(bench_submit(b, 1000, &ev), ADMIT_OK);
    assert_int_equal(core_stats(b->core)->cascades_stopped, 0);
    assert_int_equal(core_stats(b->core)->rounds_max, CORE_ROUNDS_MAX);
    ev = bench_command(PLANE_CARE, CORE_ROUNDS_MAX + 1, 0);
    assert_int_equal(bench_submit(b, 1000, &ev), ADMIT_OK);
    assert_int_equal(core_stats(b->core)->cascades_stopped, 1);
    struct kinds k = bench_record(b);
    assert_int_equal(k.length, 2 * (1 + CORE_ROUNDS_MAX) + 1);
    assert_int_equal(k.kind[k.length - 1], EV_CASCADE_STOPPED);
    ev = bench_command(PLANE_CARE, 1, 0);
    assert_int_equal(bench_submit(b, 1000, &ev), ADMIT_OK); /* what was left over is dropped */
    assert_int_equal(core_seq(b->core), k.length + 2);
    bench_free(b, true);
}

static void what_does_not_fit_is_recorded_beside_the_event(void **state)
{
    (void)state;
    struct bench *b = bench_make();
    struct event ev = bench_command(PLANE_MONEY, 1, 0);
    ev.body.command.ref = 777;
    assert_int_equal(bench_submit(b, 1000, &ev), ADMIT_OK);
    struct kinds k = bench_record(b);
    assert_int_equal(k.length, 3);
    assert_int_equal(k.kind[1], EV_CONTRADICTION);
    assert_int_equal(k.kind[2], EV_NODE_MOVED); /* life goes on */
    struct event got;
    assert_int_equal(b->journal->ops->get(b->journal, 2, &got, NULL, NULL), 0);
    assert_int_equal(got.body.contradiction.plane, PLANE_MONEY);
    assert_int_equal(got.body.contradiction.code, 9);
    assert_int_equal(got.body.contradiction.event, 1);
    struct bench *again = bench_on(b->journal, false);
    assert_int_equal(core_recover(again->core, false, NULL), 0);
    assert_int_equal(core_seq(again->core), 3); /* not a second time */
    assert_true(mw_hash128_equal(core_state_hash(b->core), core_state_hash(again->core)));
    assert_true(mw_hash128_equal(core_trace_hash(b->core), core_trace_hash(again->core)));
    bench_free(again, false);
    bench_free(b, true);
}

static void the_guard_turns_what_takes_into_advice_unless_a_person_asks(void **state)
{
    (void)state;
    struct bench *b = bench_make();
    struct event ev = bench_command(PLANE_CARE, 1, 2);
    assert_int_equal(bench_submit(b, 1000, &ev), ADMIT_OK);
    b->trip_at = 1;
    assert_int_equal(bench_submit(b, 1000, &ev), ADMIT_OK);
    struct kinds k = bench_record(b);
    const uint16_t want[] = { EV_COMMAND, EV_DRAIN_ORDERED, EV_COMMAND, EV_ADVICE,
                              EV_GUARD_TRIPPED };
    assert_int_equal(k.length, MW_ARRAY_LEN(want));
    assert_memory_equal(k.kind, want, sizeof(want));
    assert_int_equal(core_stats(b->core)->trips, 1);
    assert_int_equal(core_stats(b->core)->advice, 1);
    bench_free(b, true);
}

static void many_groups_are_committed_by_themselves(void **state)
{
    (void)state;
    struct bench *b = bench_make();
    struct event ev = bench_command(PLANE_CARE, 0, 0);
    for (uint32_t i = 1; i <= CORE_STAGED_MAX; i++)
        assert_int_equal(bench_submit(b, i, &ev), ADMIT_OK);
    assert_int_equal(b->journal->head.seq, 0);
    assert_int_equal(bench_submit(b, CORE_STAGED_MAX + 1, &ev), ADMIT_OK);
    assert_int_equal(b->journal->head.seq, CORE_STAGED_MAX);
    bench_free(b, true);
}

/* ---- admission ------------------------------------------------------------------------------ */

static void facts_of_a_source_are_taken_in_its_order(void **state)
{
    (void)state;
    struct bench *b = bench_make();
    struct event ev = bench_command(PLANE_CARE, 0, 0);
    ev.source_seq = 1;
    ev.seq = 1;
    assert_int_equal(bench_submit(b, 1, &ev), ADMIT_OK);
    assert_int_equal(bench_submit(b, 1, &ev), ADMIT_DUPLICATE);
    ev.source_seq = 3;
    assert_int_equal(bench_submit(b, 1, &ev), ADMIT_GAP);
    assert_int_equal(core_source_seq(b->core, SOURCE_PERSON), 1);
    ev.source_seq = 2;
    ev.body.command.slot = ADMIT_STALE; /* refused for good: counted all the same */
    assert_int_equal(bench_submit(b, 1, &ev), ADMIT_STALE);
    assert_int_equal(core_source_seq(b->core, SOURCE_PERSON), 2);
    ev.body.command.slot = 0;
    ev.source_seq = 3;
    assert_int_equal(bench_submit(b, 1, &ev), ADMIT_OK);
    ev.source_seq = 9; /* 4 to 8 were acknowledged as refused in an earlier life */
    ev.seq = 9;
    assert_int_equal(bench_submit(b, 1, &ev), ADMIT_OK);
    ev.source_seq = 11;
    ev.seq = 10;
    assert_int_equal(bench_submit(b, 1, &ev), ADMIT_GAP);
    ev.source = SOURCE_TENANT; /* another source counts for itself */
    ev.source_seq = ev.seq = 1;
    assert_int_equal(bench_submit(b, 1, &ev), ADMIT_OK);
    ev.source = STRAW_SOURCES;
    assert_int_equal(bench_submit(b, 1, &ev), ADMIT_IMPOSSIBLE);
    bench_free(b, true);
}

static void a_refused_fact_changes_no_state(void **state)
{
    (void)state;
    struct bench *b = bench_make();
    struct event ev = bench_command(PLANE_CARE, 3, 0);
    assert_int_equal(bench_submit(b, 1000, &ev), ADMIT_OK);
    struct mw_hash128 was = core_state_hash(b->core);
    for (uint32_t a = ADMIT_DUPLICATE; a < ADMIT_GAP; a++) {
        ev.body.command.slot = a;
        ev.source_seq++;
        assert_int_equal(bench_submit(b, 2000, &ev), a);
        assert_int_equal(core_stats(b->core)->refused[a], 1);
    }
    assert_true(mw_hash128_equal(core_state_hash(b->core), was));
    assert_int_equal(core_seq(b->core), 4);
    bench_free(b, true);
}

static void only_facts_that_can_be_are_taken(void **state)
{
    (void)state;
    struct bench *b = bench_make();
    struct event ev = bench_command(PLANE_CARE, 0, 0);
    const uint16_t never[] = { EV_NONE, 9, EVENT_KIND_MAX, UINT16_MAX, EV_NODE_MOVED, EV_ADVICE };
    for (uint32_t i = 0; i < MW_ARRAY_LEN(never); i++) {
        ev.kind = never[i];
        assert_int_equal(bench_submit(b, 1, &ev), ADMIT_IMPOSSIBLE);
    }
    ev.kind = EV_FINDING_OPENED;
    ev.tail_size = 4; /* a finding has no tail */
    assert_int_equal(bench_submit(b, 1, &ev), ADMIT_IMPOSSIBLE);
    ev = bench_command(PLANE_CARE, 0, 0);
    ev.flags = 1;
    assert_int_equal(bench_submit(b, 1, &ev), ADMIT_IMPOSSIBLE);
    ev.flags = 0;
    ev.tail_size = 4;
    assert_int_equal(bench_submit(b, 1, &ev), ADMIT_OK);
    bench_free(b, true);
}

static void bug_a_timer_is_fired_by_the_core_alone(void **state)
{
    (void)state;
    struct bench *b = bench_make();
    struct event ev = { .kind = EV_TIMER_FIRED, .source = SOURCE_CLOCK };
    assert_int_equal(bench_submit(b, 1, &ev), ADMIT_IMPOSSIBLE);
    bench_free(b, true);
}

/* ---- time ----------------------------------------------------------------------------------- */

static void timers_fire_in_order_of_due_time_and_plane_before_the_fact(void **state)
{
    (void)state;
    struct bench *b = bench_make();
    b->straw[PLANE_WORK].due = 700;
    b->straw[PLANE_CARE].due = 700;
    b->straw[PLANE_CARE].due_id = 11;
    assert_int_equal(core_next_due(b->core), 700);
    struct event ev = bench_command(PLANE_CARE, 0, 0);
    assert_int_equal(bench_submit(b, 900, &ev), ADMIT_OK);
    assert_int_equal(core_next_due(b->core), MW_NEVER);
    struct kinds k = bench_record(b);
    assert_int_equal(k.length, 3);
    assert_int_equal(k.groups, 3);
    struct event got[2];
    for (uint64_t i = 0; i < 2; i++)
        assert_int_equal(b->journal->ops->get(b->journal, i + 1, &got[i], NULL, NULL), 0);
    assert_int_equal(got[0].body.timer.plane, PLANE_CARE);
    assert_int_equal(got[0].body.timer.id, 11);
    assert_int_equal(got[0].time_ns, 700);
    assert_int_equal(got[1].body.timer.plane, PLANE_WORK);
    assert_int_equal(k.kind[2], EV_COMMAND);
    b->straw[PLANE_WORK].due = 1000;
    b->straw[PLANE_CARE].due = 1100;
    assert_int_equal(bench_submit(b, 1200, &ev), ADMIT_OK);
    k = bench_record(b);
    assert_int_equal(k.length, 6);
    for (uint64_t i = 0; i < 2; i++)
        assert_int_equal(b->journal->ops->get(b->journal, i + 4, &got[i], NULL, NULL), 0);
    assert_int_equal(got[0].body.timer.plane, PLANE_WORK);
    assert_int_equal(got[0].time_ns, 1000);
    assert_int_equal(got[1].body.timer.plane, PLANE_CARE);
    bench_free(b, true);
}

static void bug_a_late_fact_comes_after_the_timers_of_its_raised_time(void **state)
{
    (void)state;
    struct bench *b = bench_make();
    struct event ev = bench_command(PLANE_CARE, 0, 0);
    assert_int_equal(bench_submit(b, 1000, &ev), ADMIT_OK);
    b->straw[PLANE_WORK].due = 1000; /* as a plane may do when it is asked at 1000 */
    assert_int_equal(bench_submit(b, 400, &ev), ADMIT_OK);
    struct kinds k = bench_record(b);
    assert_int_equal(k.length, 3);
    assert_int_equal(k.kind[1], EV_TIMER_FIRED);
    assert_int_equal(k.time[2], 1000);
    assert_int_equal(core_now(b->core), 1000);
    bench_free(b, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fact_and_its_cascade_are_one_group_and_every_plane_sees_it_in_order),
        cmocka_unit_test(nothing_is_handed_out_before_it_is_durable),
        cmocka_unit_test(a_commit_that_fails_can_be_tried_again),
        cmocka_unit_test(a_journal_that_takes_nothing_more_stops_the_core),
        cmocka_unit_test(a_cascade_of_64_decisions_is_quiet_and_one_of_65_is_stopped),
        cmocka_unit_test(what_does_not_fit_is_recorded_beside_the_event),
        cmocka_unit_test(the_guard_turns_what_takes_into_advice_unless_a_person_asks),
        cmocka_unit_test(facts_of_a_source_are_taken_in_its_order),
        cmocka_unit_test(a_refused_fact_changes_no_state),
        cmocka_unit_test(only_facts_that_can_be_are_taken),
        cmocka_unit_test(bug_a_timer_is_fired_by_the_core_alone),
        cmocka_unit_test(timers_fire_in_order_of_due_time_and_plane_before_the_fact),
        cmocka_unit_test(bug_a_late_fact_comes_after_the_timers_of_its_raised_time),
        cmocka_unit_test(many_groups_are_committed_by_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
