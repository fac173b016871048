/* Decisions taken again: by the same rules, and by others. */
#include "control/rederive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "control/rig_again.h"
#include "core/journal_memory.h"

static uint64_t sum(const uint64_t *per_kind)
{
    uint64_t s = 0;
    for (uint32_t k = 0; k < EVENT_KIND_MAX; k++)
        s += per_kind[k];
    return s;
}

static void the_same_rules_decide_the_same(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct rig *r = rig_make(24, NULL);
        for (uint64_t n = 0; n < 400; n++)
            rig_chaos(r, seed, n);
        struct rederive_report report = rig_rederive(r, &r->policy);
        if (report.differences)
            fail_msg("seed %u, event %llu: %s", (unsigned)seed,
                     (unsigned long long)report.first_seq, report.first);
        assert_int_equal(report.events, r->log_length);
        assert_int_equal(report.groups, r->groups);
        assert_int_equal(report.refused, 0);
        assert_int_equal(report.first_seq, 0);
        rig_free(r);
    }
}

static void facts_counted_by_their_source_are_taken_though_others_were_refused(void **state)
{
    (void)state;
    struct rig *r = rig_make(8, NULL);
    struct event ev = rig_job_event(1, 1, 0);
    for (uint64_t n = 1; n <= 12; n++) {
        ev.source_seq = n;
        ev.body.job.job = n % 3 ? n : 0; /* every third cannot be */
        assert_int_equal(rig_submit(r, &ev, NULL), n % 3 ? ADMIT_OK : ADMIT_IMPOSSIBLE);
    }
    struct rederive_report report = rig_rederive(r, &r->policy);
    assert_int_equal(report.differences, 0);
    assert_int_equal(report.refused, 0);
    rig_free(r);
}

static void who_wrote_the_record_makes_no_difference(void **state)
{
    (void)state;
    struct rig *r = rig_make(24, NULL);
    for (uint64_t n = 0; n < 100; n++)
        rig_chaos(r, 8, n);
    struct journal *j = rig_copy(r, r->log_length);
    journal_memory_crash(j);
    struct rig *later = rig_make_on(r->fleet, &r->policy, j, false);
    for (uint64_t n = 100; n < 200; n++)
        rig_chaos(later, 8, n);
    assert_int_equal(later->log[later->log_length - 1].ev.epoch, 2);
    struct rederive_report report = rig_rederive(later, &r->policy);
    assert_int_equal(report.differences, 0);
    rig_free(later);
    rig_free(r);
}

static void another_interval_changes_the_placements_and_nothing_else(void **state)
{
    (void)state;
    struct rig *r = rig_make(8, NULL);
    for (uint64_t j = 1; j <= 5; j++)
        assert_int_equal(rig_job(r, j, 1, 0), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    rig_finding(r, 7, RIG_KILLS);
    struct control_policy p = r->policy;
    p.work.interval_ms = 12345;
    struct rederive_report report = rig_rederive(r, &p);
    assert_int_equal(report.differences, 5);
    assert_int_equal(report.changed[EV_ATTEMPT_PLACED], 5);
    assert_int_equal(sum(report.missing) + sum(report.additional), 0);
    uint64_t first = 0;
    while (r->log[first].ev.kind != EV_ATTEMPT_PLACED)
        first++;
    assert_int_equal(report.first_seq, r->log[first].ev.seq);
    assert_non_null(strstr(report.first, "recorded: attempt.placed"));
    assert_non_null(strstr(report.first, "; now: attempt.placed"));
    rig_free(r);
}

static void what_is_not_decided_any_more_and_what_is_decided_now_is_told_apart(void **state)
{
    (void)state;
    struct rig *r = rig_make(8, NULL);
    rig_finding(r, 2, RIG_SLOWS); /* drained */
    rig_repair(r, 2);
    struct control_policy p = r->policy;
    p.guard.mode = MODE_ADVISE;
    struct rederive_report report = rig_rederive(r, &p);
    assert_int_equal(report.missing[EV_DRAIN_ORDERED] + report.changed[EV_DRAIN_ORDERED], 1);
    assert_int_equal(report.missing[EV_ORDER_OPENED], 1);
    assert_int_equal(report.refused, 2); /* nobody ordered a repair */
    assert_int_equal(report.missing[EV_ORDER_TAKEN], 1);
    assert_int_equal(report.differences,
                     sum(report.changed) + sum(report.missing) + sum(report.additional));
    struct rig *strict = rig_make(8, &p); /* and the other way round */
    rig_finding(strict, 2, RIG_SLOWS);
    report = rig_rederive(strict, &r->policy);
    assert_int_equal(report.additional[EV_ORDER_OPENED], 1);
    assert_int_equal(report.refused, 0);
    rig_free(strict);
    rig_free(r);
}

static void timers_that_fire_at_other_times_are_found(void **state)
{
    (void)state;
    struct rig *r = rig_make(8, NULL);
    uint64_t f = rig_finding(r, 2, RIG_KILLS);
    rig_repair(r, 2);
    assert_int_equal(rig_closed(r, 2, f), ADMIT_OK);
    assert_int_equal(rig_gate(r, 2, RESULT_OK), ADMIT_OK);
    rig_wait(r, 3 * RIG_HOUR);
    rig_command(r, CMD_HOLD, 1, NULL);
    struct control_policy p = r->policy;
    p.care.class[RIG_KILLS].probation_ms = 2 * MW_MS_PER_HOUR;
    struct rederive_report report = rig_rederive(r, &p);
    assert_int_equal(report.missing[EV_TIMER_FIRED], 1);
    assert_int_equal(report.missing[EV_INCIDENT_CLOSED], 1);
    assert_int_equal(report.additional[EV_TIMER_FIRED], 1);
    assert_int_equal(report.additional[EV_INCIDENT_CLOSED], 1);
    assert_int_equal(report.changed[EV_NODE_MOVED], 1); /* until when it is watched */
    rig_free(r);
}

static void a_difference_does_not_spread_to_what_does_not_depend_on_it(void **state)
{
    (void)state;
    struct control_policy p = rig_policy();
    p.guard.domain_rule = false;
    struct rig *r = rig_make(400, &p);
    for (uint64_t n = 0; n < 200; n++)
        rig_chaos(r, 3, n);
    p.care.class[RIG_IN_PLACE].drain = DRAIN_NOW;
    struct rederive_report report = rig_rederive(r, &p);
    assert_true(report.differences > 0);
    assert_true(report.differences < report.events / 2);
    rig_free(r);
}

/* The rules of r with one class more and another gate. */
static struct control_policy next_rules(const struct rig *r)
{
    struct control_policy p = r->policy;
    p.care.class[RIG_KILLS].gate_ms = 5 * MW_MS_PER_MIN;
    p.care.class[p.care.classes++] = (struct care_class){ .name = "new", .effect = EFFECT_KILLS,
                                                          .count = 1 };
    return p;
}

static void a_site_goes_on_under_new_rules_and_each_epoch_is_decided_again_by_its_own(void **state)
{
    (void)state;
    struct mw_error err = { 0 };
    struct rig *r = rig_make(24, NULL);
    for (uint64_t n = 0; n < 200; n++)
        rig_chaos(r, 5, n);
    struct control_policy p = next_rules(r);
    struct journal *j = rig_copy(r, core_seq(r->control->core));
    struct control *c = rig_fresh(r, &p, j);
    assert_int_equal(control_recover(c, true, &err), MW_ECONFLICT); /* it says so, first */
    control_destroy(c);
    c = rig_fresh(r, &p, j);
    assert_int_equal(control_change_rules(c, r->now_ns, &err), 0);
    struct event last;
    char tail[EVENT_TAIL_MAX];
    assert_int_equal(j->ops->get(j, core_seq(c->core), &last, tail, &err), 0);
    assert_int_equal(last.kind, EV_EPOCH);
    struct mw_hash128 hash = core_state_hash(c->core);
    control_destroy(c);
    for (int snapshot = 0; snapshot < 2; snapshot++) { /* and a restart is no change any more */
        c = rig_fresh(r, &p, j);
        assert_int_equal(control_recover(c, snapshot, &err), 0);
        assert_true(mw_hash128_equal(core_state_hash(c->core), hash));
        control_destroy(c);
    }
    struct rig *on = rig_make_on(r->fleet, &p, j, true);
    on->now_ns = r->now_ns;
    for (uint64_t n = 200; n < 400; n++)
        rig_chaos(on, 5, n);
    struct rederive_report report;
    assert_int_equal(control_rederive(on->journal, NULL, &report, NULL, &err), 0);
    if (report.differences)
        fail_msg("event %llu: %s", (unsigned long long)report.first_seq, report.first);
    assert_int_equal(report.events, core_seq(on->control->core));
    rig_free(on);
    rig_free(r);
}

static void a_snapshot_of_other_rules_is_not_loaded(void **state)
{
    (void)state;
    struct mw_error err = { 0 };
    struct rig *r = rig_make(24, NULL);
    rig_finding(r, 3, RIG_KILLS);
    assert_int_equal(core_snapshot(r->control->core, &err), 0);
    struct control_policy p = next_rules(r);
    struct control *c = rig_fresh(r, &p, r->journal);
    assert_int_equal(control_recover(c, true, &err), MW_EVERSION);
    assert_non_null(strstr(err.text, "other rules"));
    control_destroy(c);
    rig_free(r);
}

static void rules_that_do_not_go_on_from_the_old_are_refused(void **state)
{
    (void)state;
    struct mw_error err = { 0 };
    struct rig *r = rig_make(24, NULL);
    struct control_policy renamed = r->policy, fewer = r->policy, engine = r->policy;
    memcpy(renamed.care.class[RIG_SLOWS].name, "else", 5);
    fewer.care.classes--;
    engine.care.engine = engine.work.engine = true;
    const struct control_policy *const bad[] = { &renamed, &fewer, &engine };
    for (uint32_t i = 0; i < MW_ARRAY_LEN(bad); i++) {
        struct control *c = rig_fresh(r, bad[i], r->journal);
        assert_int_equal(control_change_rules(c, r->now_ns, &err), MW_ECONFLICT);
        control_destroy(c);
    }
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_site_goes_on_under_new_rules_and_each_epoch_is_decided_again_by_its_own),
        cmocka_unit_test(a_snapshot_of_other_rules_is_not_loaded),
        cmocka_unit_test(rules_that_do_not_go_on_from_the_old_are_refused),
        cmocka_unit_test(the_same_rules_decide_the_same),
        cmocka_unit_test(facts_counted_by_their_source_are_taken_though_others_were_refused),
        cmocka_unit_test(who_wrote_the_record_makes_no_difference),
        cmocka_unit_test(another_interval_changes_the_placements_and_nothing_else),
        cmocka_unit_test(what_is_not_decided_any_more_and_what_is_decided_now_is_told_apart),
        cmocka_unit_test(timers_that_fire_at_other_times_are_found),
        cmocka_unit_test(a_difference_does_not_spread_to_what_does_not_depend_on_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
