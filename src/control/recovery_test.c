/*
 * What a crash may cost: nothing that was recorded.  Random worlds are played,
 * then read back from every prefix of the record, with and without a snapshot.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/rig_again.h"
#include "core/event_fields.h"
#include "core/journal_memory.h"
#include "fleet/site.h"

#define NODES 12
#define STEPS 160

static struct rig *played(uint64_t seed, uint32_t steps)
{
    struct rig *r = rig_make(NODES, NULL);
    r->hashes = true;
    for (uint64_t n = 0; n < steps; n++)
        rig_chaos(r, seed, n);
    assert_true(rig_count(r, EV_ATTEMPT_PLACED) > 0 && rig_count(r, EV_NODE_MOVED) > 0);
    return r;
}

static void check_prefixes(uint64_t seed, uint32_t snapshot_every)
{
    struct rig *r = played(seed, STEPS);
    assert_true(rig_check_read_back(r, 1, snapshot_every) > 50);
    rig_free(r);
}

static void a_record_read_back_gives_the_same_state_at_every_group(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++)
        check_prefixes(seed, 0);
}

static void so_does_a_snapshot_and_the_record_after_it(void **state)
{
    (void)state;
    for (uint64_t seed = 4; seed <= 6; seed++)
        check_prefixes(seed, 5);
}

static void after_a_recovery_the_world_goes_on_as_without_one(void **state)
{
    (void)state;
    for (uint64_t seed = 10; seed < 16; seed++) {
        struct rig *whole = played(seed, STEPS);
        for (uint32_t at = 0; at < whole->facts; at += 9) {
            /* half of them from a snapshot in the middle of what was read */
            struct rig *r = rig_restarted(whole, at, at % 2);
            rig_check_same(whole, r);
            rig_free(r);
        }
        rig_free(whole);
    }
}

static void two_runs_of_one_world_are_equal_byte_for_byte(void **state)
{
    (void)state;
    struct rig *a = played(99, 400), *b = played(99, 400);
    rig_check_same(a, b);
    struct mw_hash128 ta = core_trace_hash(a->control->core);
    assert_true(mw_hash128_equal(ta, core_trace_hash(b->control->core)));
    struct rig *c = played(100, 400);
    assert_false(mw_hash128_equal(ta, core_trace_hash(c->control->core)));
    rig_free(a);
    rig_free(b);
    rig_free(c);
}

/* Padding is part of what is hashed: whatever a compiler leaves there must not show. */
static void bytes_of_an_event_that_no_field_names_are_zero(void **state)
{
    (void)state;
    struct rig *r = played(5, 3000);
    for (uint32_t i = 0; i < r->log_length; i++) {
        const struct event *ev = &r->log[i].ev;
        const struct event_body_info *body = event_body_of(ev->kind);
        uint8_t left[sizeof(ev->body)];
        memcpy(left, ev->body.bytes, sizeof(left));
        for (uint32_t f = 0; f < body->fields; f++)
            memset(left + body->field[f].offset, 0, body->field[f].size);
        for (uint32_t b = 0; b < sizeof(left); b++)
            if (left[b])
                fail_msg("event %u, %s: byte %u is %u", i + 1, event_info(ev->kind)->name, b,
                         left[b]);
    }
    rig_free(r);
}

/* The same on every compiler and at every level of optimisation.  A change of the planes that is
 * meant changes it too: then the new hash, which the failure prints, belongs here. */
static void a_known_world_has_a_known_record(void **state)
{
    (void)state;
    char hex[MW_HEX128_MAX];
    struct rig *r = played(2024, 2000);
    mw_hex128(core_trace_hash(r->control->core), hex);
    assert_string_equal(hex, "a5de0b0b99c55ec7a131dc264b267d78");
    rig_free(r);
}

static void actions_without_a_result_go_out_again_after_a_recovery(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    assert_int_equal(rig_job(r, 1, 2, 0), ADMIT_OK);
    assert_int_equal(rig_job(r, 2, 1, 0), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    assert_int_equal(rig_running(r, 2, 0), ADMIT_OK);
    rig_finding(r, 11, RIG_KILLS);
    struct rig *again = rig_make_on(r->fleet, &r->policy, rig_copy(r, r->log_length), false);
    assert_int_equal(again->acted_length, 2); /* job 1's gang and the order; job 2 has answered */
    assert_int_equal(again->acted[0].kind, EV_ORDER_OPENED);
    assert_int_equal(again->acted[1].kind, EV_ATTEMPT_PLACED);
    assert_int_equal(again->acted[1].body.place.job, 1);
    rig_free(again);
    rig_free(r);
}

static void what_was_not_committed_is_neither_kept_nor_acted_on(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    struct mw_hash128 before = rig_hash(r);
    r->by_hand = true;
    rig_finding(r, 3, RIG_KILLS);
    assert_int_equal(r->acted_length, 0);
    assert_false(mw_hash128_equal(rig_hash(r), before));
    journal_memory_crash(r->journal);
    struct rig *again = rig_make_on(r->fleet, &r->policy, rig_copy(r, r->log_length), false);
    assert_true(mw_hash128_equal(rig_hash(again), before));
    assert_int_equal(again->acted_length, 0);
    rig_free(again);
    rig_free(r);
}

static void bug_a_journal_of_another_site_is_refused(void **state)
{
    (void)state;
    struct mw_error err = { 0 };
    struct fleet *larger = NULL;
    struct control *c = NULL;
    struct rig *r = played(7, 50);
    assert_int_equal(site_simple(NODES + 1, &larger, &err), 0);
    struct control_options o = { .fleet = larger, .policy = &r->policy, .journal = r->journal };
    assert_int_equal(control_create(&o, &c, &err), 0);
    assert_int_equal(control_recover(c, false, &err), MW_ECONFLICT);
    assert_non_null(strstr(err.text, "another site"));
    control_destroy(c);
    o.fleet = r->fleet;
    assert_int_equal(control_create(&o, &c, &err), 0);
    assert_int_equal(control_recover(c, false, &err), 0);
    control_destroy(c);
    fleet_destroy(larger);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_read_back_gives_the_same_state_at_every_group),
        cmocka_unit_test(so_does_a_snapshot_and_the_record_after_it),
        cmocka_unit_test(after_a_recovery_the_world_goes_on_as_without_one),
        cmocka_unit_test(two_runs_of_one_world_are_equal_byte_for_byte),
        cmocka_unit_test(bug_a_journal_of_another_site_is_refused),
        cmocka_unit_test(bytes_of_an_event_that_no_field_names_are_zero),
        cmocka_unit_test(a_known_world_has_a_known_record),
        cmocka_unit_test(actions_without_a_result_go_out_again_after_a_recovery),
        cmocka_unit_test(what_was_not_committed_is_neither_kept_nor_acted_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
