/* Ours beside theirs: who was first, what only one side did, and how that is judged. */
#include "control/shadow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "control/rig_engine.h"

static struct shadow compare(const struct rig *r, int64_t since_ns, int64_t window_ns)
{
    struct words w = { .fleet = r->fleet, .policy = &r->policy };
    const struct shadow_options o = { .since_ns = since_ns, .window_ns = window_ns };
    struct shadow s;
    assert_int_equal(shadow_compare(r->journal, &w, &o, &s, NULL), 0);
    return s;
}

static const struct shadow_row *row_of(const struct shadow *s, uint32_t node)
{
    const struct shadow_row *found = NULL;
    for (uint32_t i = 0; i < s->rows; i++) {
        if (s->row[i].node != node)
            continue;
        assert_null(found);
        found = &s->row[i];
    }
    assert_non_null(found);
    return found;
}

static void what_both_withdrew_is_one_row_and_says_who_was_first(void **state)
{
    (void)state;
    struct rig *r = rig_engine_make(8, MODE_OBSERVE);
    uint64_t finding = rig_finding(r, 2, RIG_KILLS);
    rig_wait(r, RIG_HOUR);
    rig_engine_says(r, 2, SERVICE_DRAIN, OWNER_OTHERS, "bad gpu 3 (kim)");
    rig_engine_says(r, 5, SERVICE_DRAIN, OWNER_OTHERS, "gpu lost");
    rig_wait(r, 10 * RIG_MINUTE);
    rig_finding(r, 5, RIG_KILLS);
    rig_wait(r, RIG_HOUR);
    rig_engine_says(r, 2, SERVICE_IN, OWNER_NOBODY, NULL);
    struct shadow s = compare(r, 0, RIG_HOUR);
    assert_int_equal(s.rows, 2);
    assert_int_equal(s.count[SHADOW_SAME], 2);
    assert_int_equal(s.ours_first, 1);
    assert_int_equal(s.theirs_first, 1);
    const struct shadow_row *row = row_of(&s, 2);
    assert_int_equal(row->lead_ns, RIG_HOUR);
    assert_string_equal(row->reason, "bad gpu 3 (kim)");
    assert_true(row->advised);
    assert_int_equal(r->log[row->finding_seq - 1].ev.body.finding.finding, finding);
    assert_int_equal(row->theirs.gpu_ms, 70 * MW_MS_PER_MIN * 8);
    assert_int_equal(row->ours.gpu_ms, 130 * MW_MS_PER_MIN * 8);
    assert_false(row->theirs.open);
    assert_true(row->ours.open);
    assert_int_equal(row_of(&s, 5)->lead_ns, -10 * RIG_MINUTE);
    shadow_fini(&s);
    rig_free(r);
}

static void times_that_lie_apart_are_the_same_only_within_the_window(void **state)
{
    (void)state;
    struct rig *r = rig_engine_make(8, MODE_OBSERVE);
    rig_engine_says(r, 1, SERVICE_DOWN, OWNER_OTHERS, "maintenance");
    rig_wait(r, RIG_MINUTE);
    rig_engine_says(r, 1, SERVICE_IN, OWNER_NOBODY, NULL);
    rig_wait(r, 2 * RIG_HOUR);
    rig_finding(r, 1, RIG_KILLS);
    struct shadow s = compare(r, 0, 3 * RIG_HOUR);
    assert_int_equal(s.count[SHADOW_SAME], 1);
    shadow_fini(&s);
    s = compare(r, 0, RIG_HOUR);
    assert_int_equal(s.count[SHADOW_OURS], 1);
    assert_int_equal(s.count[SHADOW_THEIRS], 1);
    assert_int_equal(s.verdicts[VERDICT_PLANNED], 1);
    shadow_fini(&s);
    s = compare(r, RIG_HOUR, RIG_HOUR); /* what was over before is not looked at */
    assert_int_equal(s.rows, 1);
    assert_int_equal(s.count[SHADOW_OURS], 1);
    shadow_fini(&s);
    rig_free(r);
}

static void a_drain_that_a_good_job_contradicts_is_false_and_a_dead_node_confirms_one(void **state)
{
    (void)state;
    struct rig *r = rig_engine_make(8, MODE_OBSERVE);
    assert_int_equal(rig_job(r, 1, 2, 0), ADMIT_OK);
    assert_int_equal(rig_job(r, 2, 1, 0), ADMIT_OK);
    assert_int_equal(rig_job(r, 3, 1, 0), ADMIT_OK);
    rig_engine_gives(r, 1, 0, 2);
    rig_engine_gives(r, 2, 2, 1);
    rig_finding(r, 1, RIG_DEFERS); /* its job ends well */
    rig_finding(r, 2, RIG_KILLS);  /* its job ends by the node */
    rig_finding(r, 3, RIG_SLOWS);  /* Slurm finds it down, too */
    rig_finding(r, 4, RIG_KILLS);  /* nobody was there */
    rig_finding(r, 5, RIG_KILLS);  /* a job comes to it and ends well */
    rig_engine_gives(r, 3, 5, 1);
    rig_wait(r, RIG_HOUR);
    rig_engine_says(r, 3, SERVICE_DOWN, OWNER_ENGINE, "Not responding");
    struct event silent = { .kind = EV_FINDING_OPENED, .source = SOURCE_ENGINE };
    silent.body.finding = (struct body_finding){ .component = component_id(COMPONENT_NODE, 0),
                                                 .finding = 1, .node = 0, .class = RIG_SLOWS };
    assert_int_equal(rig_submit(r, &silent, NULL), ADMIT_OK);
    assert_int_equal(rig_ended(r, 1, HOW_DONE, 0, 0, 0), ADMIT_OK);
    assert_int_equal(rig_ended(r, 3, HOW_DONE, 0, 0, 0), ADMIT_OK);
    struct body_progress p = { .node = 2, .class = RIG_KILLS, .how = HOW_FAILED };
    assert_int_equal(rig_ended_by(r, 2, &p), ADMIT_OK);
    rig_engine_says(r, 6, SERVICE_DRAIN, OWNER_OTHERS, "ECC errors");
    rig_engine_says(r, 7, SERVICE_DRAIN, OWNER_OTHERS, "Firmware update");
    struct shadow s = compare(r, 0, RIG_HOUR);
    assert_int_equal(row_of(&s, 1)->verdict, VERDICT_FALSE_DRAIN);
    assert_int_equal(row_of(&s, 2)->verdict, VERDICT_CONFIRMED);
    assert_int_equal(row_of(&s, 3)->verdict, VERDICT_CONFIRMED);
    assert_int_equal(row_of(&s, 4)->verdict, VERDICT_UNJUDGED);
    assert_int_equal(row_of(&s, 5)->verdict, VERDICT_FALSE_DRAIN);
    assert_int_equal(row_of(&s, 6)->verdict, VERDICT_MISS);
    assert_int_equal(row_of(&s, 7)->verdict, VERDICT_PLANNED);
    assert_int_equal(row_of(&s, 0)->verdict, VERDICT_CONFIRMED); /* Slurm's own finding */
    assert_int_equal(s.engine_down, 2);
    uint32_t sum = 0;
    for (uint32_t g = 0; g < SHADOW_GROUPS; g++)
        sum += s.count[g];
    assert_int_equal(sum, s.rows);
    shadow_fini(&s);
    rig_free(r);
}

static void what_was_really_ordered_is_not_called_a_false_drain(void **state)
{
    (void)state;
    struct rig *r = rig_engine_make(8, MODE_ACT);
    assert_int_equal(rig_job(r, 1, 1, 0), ADMIT_OK);
    rig_engine_gives(r, 1, 1, 1);
    rig_finding(r, 1, RIG_DEFERS);
    assert_int_equal(rig_ended(r, 1, HOW_DONE, 0, 0, 0), ADMIT_OK);
    struct shadow s = compare(r, 0, RIG_HOUR);
    const struct shadow_row *row = row_of(&s, 1);
    assert_false(row->advised);
    assert_int_equal(row->verdict, VERDICT_UNJUDGED);
    shadow_fini(&s);
    /* nor is it confirmed by the job that our own order ended */
    assert_int_equal(rig_job(r, 2, 1, 0), ADMIT_OK);
    rig_engine_gives(r, 2, 2, 1);
    rig_finding(r, 2, RIG_KILLS);
    struct body_progress p = { .node = 2, .class = RIG_KILLS, .how = HOW_STOPPED };
    assert_int_equal(rig_ended_by(r, 2, &p), ADMIT_OK);
    s = compare(r, 0, RIG_HOUR);
    assert_int_equal(row_of(&s, 2)->verdict, VERDICT_UNJUDGED);
    shadow_fini(&s);
    rig_free(r);
}

static void a_reason_is_planned_by_how_its_words_begin(void **state)
{
    (void)state;
    assert_true(shadow_is_planned("Maintenance window"));
    assert_true(shadow_is_planned("weekly reboot"));
    assert_true(shadow_is_planned("planned"));
    assert_false(shadow_is_planned("unplanned outage"));
    assert_false(shadow_is_planned("kernel panic"));
    assert_false(shadow_is_planned(""));
    assert_non_null(strstr(shadow_planned_words(), "maint reboot"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_both_withdrew_is_one_row_and_says_who_was_first),
        cmocka_unit_test(times_that_lie_apart_are_the_same_only_within_the_window),
        cmocka_unit_test(a_drain_that_a_good_job_contradicts_is_false_and_a_dead_node_confirms_one),
        cmocka_unit_test(what_was_really_ordered_is_not_called_a_false_drain),
        cmocka_unit_test(a_reason_is_planned_by_how_its_words_begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
