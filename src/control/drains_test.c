/* When a job lets go of an ailing node: now, at its checkpoint, not before it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "control/rig.h"

#define NODES 16
#define USD MW_MICRODOLLARS_PER_DOLLAR

/* A GPU-hour costs $1, so that a gang of four nodes costs $32 an hour. */
static struct control_policy drain_policy(uint32_t slow_ppm, uint32_t hazard)
{
    struct control_policy p = rig_policy();
    p.care.uusd_per_gpu_hour = USD;
    p.work.interval_ms = 59 * MW_MS_PER_MIN; /* with the minute of writing: every hour */
    p.care.class[RIG_SLOWS].slow_ppm = slow_ppm;
    p.care.class[RIG_SLOWS].hazard_per_1e9_hours = hazard;
    return p;
}

/* A job of four nodes that has 100 hours of work and starts again in five minutes; it has worked
 * for so long. */
static struct rig *with_job(const struct control_policy *p, int64_t worked_ns)
{
    struct rig *r = rig_make(NODES, p);
    assert_int_equal(rig_job(r, 7, 4, 0), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    assert_int_equal(rig_running(r, 7, 0), ADMIT_OK);
    rig_wait(r, worked_ns);
    assert_int_equal(r->control->board->node_job[0], rig_slot(r, 7));
    return r;
}

static const struct step_sum *sums(const struct rig *r, uint32_t drain)
{
    const struct rig_event *e = rig_last_of(r, EV_STEP_CHOSEN, 0);
    const struct step_sum *s = e->tail;
    assert_int_equal(e->ev.body.step.visit, 0);
    for (uint32_t i = 0; i < e->ev.tail_size / sizeof(*s); i++)
        if (s[i].drain == drain)
            return &s[i];
    fail_msg("no alternative is drain %u", drain);
    return NULL;
}

static void finish(struct rig *r)
{
    rig_check_log(r);
    rig_free(r);
}

static void a_slow_part_leaves_at_the_checkpoint_when_the_rest_is_long(void **state)
{
    (void)state;
    struct control_policy p = drain_policy(100000, 0);
    struct rig *r = with_job(&p, 30 * RIG_MINUTE);
    rig_forget(r);
    (void)rig_finding(r, 0, RIG_SLOWS);
    rig_expect(r, "finding.opened incident.opened step.chosen drain.ordered attempt.stop");
    /* 30 minutes and a restart of 5: 35 min * $32; 10 % of 30 minutes and the restart: 8 min */
    assert_int_equal(sums(r, DRAIN_NOW)->harm_uusd, 18666666);
    assert_int_equal(sums(r, DRAIN_AT_CHECKPOINT)->harm_uusd, 4266666);
    /* 99.5083 h of work are left, 101.19 h with their checkpoints; a ninth of that again: $359.8 */
    assert_true(sums(r, 0)->harm_uusd > 359 * USD && sums(r, 0)->harm_uusd < 360 * USD);
    assert_int_equal(rig_last(r, EV_DRAIN_ORDERED)->ev.body.drain.how, DRAIN_AT_CHECKPOINT);
    finish(r);
}

static void a_part_that_stops_nearly_everything_leaves_now(void **state)
{
    (void)state;
    struct control_policy p = drain_policy(900000, 0);
    struct rig *r = with_job(&p, RIG_MINUTE); /* nothing to lose yet */
    (void)rig_finding(r, 0, RIG_SLOWS);
    assert_int_equal(rig_last(r, EV_DRAIN_ORDERED)->ev.body.drain.how, DRAIN_NOW);
    assert_true(sums(r, DRAIN_NOW)->total_uusd < sums(r, DRAIN_AT_CHECKPOINT)->total_uusd);
    finish(r);
}

static void a_finding_may_know_better_how_slow_it_is(void **state)
{
    (void)state;
    struct control_policy p = drain_policy(0, 1);
    struct rig *r = with_job(&p, RIG_MINUTE);
    struct event ev = { .kind = EV_FINDING_OPENED, .source = SOURCE_NODE };
    ev.body.finding = (struct body_finding){ .component = component_id(COMPONENT_NODE, 0),
                                             .finding = 99, .node = 0, .slow_ppm = 900000,
                                             .class = RIG_SLOWS };
    assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_OK);
    assert_int_equal(rig_last(r, EV_DRAIN_ORDERED)->ev.body.drain.how, DRAIN_NOW);
    finish(r);
}

static void a_job_keeps_a_node_that_hardly_slows_it_until_it_ends(void **state)
{
    (void)state;
    struct control_policy p = drain_policy(100, 0); /* 0.01 % of 100 h: 36 seconds */
    struct rig *r = with_job(&p, 30 * RIG_MINUTE);
    rig_forget(r);
    uint64_t f = rig_finding(r, 0, RIG_SLOWS);
    rig_expect(r, "finding.opened incident.opened step.chosen");
    assert_int_equal(rig_last(r, EV_STEP_CHOSEN)->ev.body.step.drain, 0);
    rig_wait(r, 5 * RIG_HOUR);
    assert_int_equal(rig_count(r, EV_DRAIN_ORDERED), 0);
    assert_int_equal(rig_ended(r, 7, HOW_DONE, 100 * MW_MS_PER_HOUR, 100 * MW_MS_PER_HOUR, 0),
                     ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    assert_int_equal(rig_count(r, EV_DRAIN_ORDERED), 1);
    assert_int_equal(rig_node_health(r, 0), HEALTH_DOWN);
    assert_int_equal(rig_closed(r, 0, f), ADMIT_OK);
    finish(r);
}

static void another_finding_is_looked_at_with_the_first(void **state)
{
    (void)state;
    struct control_policy p = drain_policy(100, 0);
    struct rig *r = with_job(&p, 30 * RIG_MINUTE);
    (void)rig_finding(r, 0, RIG_SLOWS);
    assert_int_equal(rig_count(r, EV_DRAIN_ORDERED), 0);
    struct event ev = { .kind = EV_FINDING_OPENED, .source = SOURCE_NODE };
    ev.body.finding = (struct body_finding){ .component = component_id(COMPONENT_NODE, 0),
                                             .finding = 99, .node = 0, .slow_ppm = 100000,
                                             .class = RIG_SLOWS };
    assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_OK);
    assert_int_equal(rig_count(r, EV_STEP_CHOSEN), 2);
    assert_int_equal(rig_last(r, EV_DRAIN_ORDERED)->ev.body.drain.how, DRAIN_AT_CHECKPOINT);
    finish(r);
}

static void a_finding_that_goes_away_leaves_the_job_alone(void **state)
{
    (void)state;
    struct control_policy p = drain_policy(100, 0);
    struct rig *r = with_job(&p, 30 * RIG_MINUTE);
    uint64_t f = rig_finding(r, 0, RIG_SLOWS);
    rig_forget(r);
    assert_int_equal(rig_closed(r, 0, f), ADMIT_OK);
    rig_expect(r, "finding.closed incident.closed");
    assert_int_equal(rig_ended(r, 7, HOW_DONE, 100 * MW_MS_PER_HOUR, 100 * MW_MS_PER_HOUR, 0),
                     ADMIT_OK);
    assert_int_equal(rig_node_health(r, 0), HEALTH_READY);
    finish(r);
}

static void hazard_weighs_like_slowness(void **state)
{
    (void)state;
    /* Likely to kill within the rest of the job, hardly until the next checkpoint. */
    struct control_policy p = drain_policy(0, 10000000);
    struct rig *r = with_job(&p, 30 * RIG_MINUTE);
    (void)rig_finding(r, 0, RIG_SLOWS);
    assert_int_equal(rig_last(r, EV_DRAIN_ORDERED)->ev.body.drain.how, DRAIN_AT_CHECKPOINT);
    /* 1 % an hour * half an hour * (29.5 min + 5 min) * $32: 0.5 % of $18.4 */
    assert_int_equal(sums(r, DRAIN_AT_CHECKPOINT)->harm_uusd, 2666666 + 92000);
    finish(r);
}

static void without_the_switch_or_numbers_the_class_decides(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct control_policy p = drain_policy(i ? 100 : 0, 0);
        p.care.evict = i == 0;
        struct rig *r = with_job(&p, 30 * RIG_MINUTE);
        (void)rig_finding(r, 0, RIG_SLOWS);
        assert_int_equal(rig_count(r, EV_STEP_CHOSEN), 0);
        assert_int_equal(rig_last(r, EV_DRAIN_ORDERED)->ev.body.drain.how, DRAIN_AT_CHECKPOINT);
        finish(r);
    }
}

static void a_free_node_is_drained_without_sums(void **state)
{
    (void)state;
    struct control_policy p = drain_policy(100, 0);
    struct rig *r = rig_make(NODES, &p);
    rig_forget(r);
    (void)rig_finding(r, 0, RIG_SLOWS);
    rig_expect(r, "finding.opened incident.opened drain.ordered node.moved order.opened");
    finish(r);
}

/* ---- in place ------------------------------------------------------------------------------- */

/* Restart the service, reboot, replace: of these a reboot would stop the job. */
static struct control_policy in_place_policy(void)
{
    struct control_policy p = drain_policy(0, 0);
    struct care_class *k = &p.care.class[RIG_IN_PLACE];
    k->slow_ppm = 100000;
    k->steps = 3;
    k->ladder[0] = (struct care_ladder){ .step = STEP_RESTART_SERVICE, .who = WHO_AGENT,
                                         .part = CARE_PART_NONE, .odds_ppm = 500000, .weight = 10,
                                         .duration_ms = 30 * MW_MS_PER_MIN };
    k->ladder[1] = k->ladder[2] = k->ladder[0];
    k->ladder[1].step = STEP_REBOOT;
    k->ladder[2].step = STEP_REPLACE;
    k->ladder[2].who = WHO_TECHNICIAN;
    return p;
}

static void work_in_place_does_not_stop_the_job(void **state)
{
    (void)state;
    struct control_policy p = in_place_policy();
    struct rig *r = with_job(&p, RIG_MINUTE);
    rig_forget(r);
    uint64_t f = rig_finding(r, 0, RIG_IN_PLACE);
    rig_expect(r, "finding.opened incident.opened step.chosen action.started");
    const struct rig_event *e = rig_last_of(r, EV_STEP_CHOSEN, 0);
    const struct step_sum *s = e->tail;
    assert_int_equal(s[0].step, STEP_RESTART_SERVICE);
    assert_int_equal(s[0].waiting_uusd, 0);
    assert_int_equal(s[0].harm_uusd, 1600000); /* 10 % of a gang at $32 an hour for half of one */
    assert_int_equal(s[2].step, STEP_REBOOT);
    assert_int_equal(s[2].bar, BAR_MODE);
    /* It helps, and the finding goes before the machine has answered: that is waited for. */
    assert_int_equal(rig_closed(r, 0, f), ADMIT_OK);
    assert_int_equal(rig_count(r, EV_INCIDENT_CLOSED), 0);
    struct event ev = { .kind = EV_ACTION_ENDED, .source = SOURCE_NODE,
                        .cause = rig_last(r, EV_ACTION_STARTED)->ev.seq, .tail_size = 4 };
    ev.body.order = rig_last(r, EV_ACTION_STARTED)->ev.body.order;
    ev.body.order.result = RESULT_OK;
    assert_int_equal(rig_submit(r, &ev, "read"), ADMIT_OK);
    assert_int_equal(rig_count(r, EV_INCIDENT_CLOSED), 1);
    assert_int_equal(rig_node_health(r, 0), HEALTH_READY);
    assert_int_equal(r->control->board->job_state[rig_slot(r, 7)], JOB_RUNNING);
    assert_int_equal(care_odds_of(r->control->care, RIG_IN_PLACE, STEP_RESTART_SERVICE).held, 1);
    finish(r);
}

static void a_second_fault_waits_for_the_machine_that_is_at_work(void **state)
{
    (void)state;
    struct control_policy p = in_place_policy();
    memcpy(p.care.class[RIG_KILLS].ladder, p.care.class[RIG_IN_PLACE].ladder,
           sizeof(p.care.class[RIG_KILLS].ladder));
    p.care.class[RIG_KILLS].steps = 3;
    struct rig *r = with_job(&p, RIG_MINUTE);
    (void)rig_finding(r, 0, RIG_IN_PLACE);
    rig_forget(r);
    (void)rig_finding(r, 0, RIG_KILLS);
    assert_int_equal(rig_node_health(r, 0), HEALTH_REPAIRING);
    assert_int_equal(rig_count(r, EV_ACTION_STARTED), 1);
    assert_int_equal(rig_count(r, EV_ORDER_OPENED), 0);
    struct event ev = { .kind = EV_ACTION_ENDED, .source = SOURCE_NODE,
                        .cause = rig_last(r, EV_ACTION_STARTED)->ev.seq };
    ev.body.order = rig_last(r, EV_ACTION_STARTED)->ev.body.order;
    ev.body.order.result = RESULT_FAILED;
    assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_OK);
    assert_int_equal(rig_count(r, EV_ACTION_STARTED), 1); /* not under a job that is still there */
    assert_int_equal(rig_ended(r, 7, HOW_STOPPED, 0, 0, 0), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    assert_int_equal(rig_count(r, EV_ACTION_STARTED) + rig_count(r, EV_ORDER_OPENED), 2);
    finish(r);
}

static void a_crew_that_has_not_come_yet_is_told_that_something_worse_has(void **state)
{
    (void)state;
    for (int taken = 0; taken < 2; taken++) {
        struct control_policy p = in_place_policy();
        p.care.class[RIG_IN_PLACE].steps = 0; /* a crew repairs it */
        struct rig *r = with_job(&p, RIG_MINUTE);
        (void)rig_finding(r, 0, RIG_IN_PLACE);
        if (taken)
            assert_int_equal(rig_order(r, EV_ORDER_TAKEN, 0, 0), ADMIT_OK);
        uint64_t first = rig_last(r, EV_ORDER_OPENED)->ev.seq;
        rig_forget(r);
        (void)rig_finding(r, 0, RIG_KILLS);
        assert_int_equal(rig_count(r, EV_ORDER_OPENED), taken ? 1 : 2);
        assert_int_equal(rig_count(r, EV_ORDER_WITHDRAWN), taken ? 0 : 1);
        if (!taken) {
            assert_int_equal(rig_last(r, EV_ORDER_WITHDRAWN)->ev.cause, first);
            uint32_t told = 0;
            for (uint32_t i = 0; i < r->acted_length; i++)
                told += r->acted[i].kind == EV_ORDER_WITHDRAWN;
            assert_int_equal(told, 1);
        }
        finish(r);
    }
}

static void the_step_is_for_the_part_that_its_class_was_found_on(void **state)
{
    (void)state;
    struct control_policy p = rig_policy();
    struct rig *r = rig_make(NODES, &p);
    const struct fleet *f = r->fleet;
    uint64_t nic = component_id(COMPONENT_NIC, f->node_nic_first[0]);
    uint64_t gpu = component_id(COMPONENT_GPU, f->node_gpu_first[0] + 3);
    (void)rig_finding_on(r, nic, 0, RIG_IN_PLACE); /* an order for the NIC, in place … */
    (void)rig_finding_on(r, gpu, 0, RIG_KILLS);    /* … and then a GPU dies */
    assert_int_equal(rig_last(r, EV_ORDER_WITHDRAWN)->ev.body.order.node, 0);
    assert_int_equal(rig_last(r, EV_ORDER_OPENED)->ev.body.order.component, gpu);
    finish(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_step_is_for_the_part_that_its_class_was_found_on),
        cmocka_unit_test(a_slow_part_leaves_at_the_checkpoint_when_the_rest_is_long),
        cmocka_unit_test(a_part_that_stops_nearly_everything_leaves_now),
        cmocka_unit_test(a_finding_may_know_better_how_slow_it_is),
        cmocka_unit_test(a_job_keeps_a_node_that_hardly_slows_it_until_it_ends),
        cmocka_unit_test(another_finding_is_looked_at_with_the_first),
        cmocka_unit_test(a_finding_that_goes_away_leaves_the_job_alone),
        cmocka_unit_test(hazard_weighs_like_slowness),
        cmocka_unit_test(without_the_switch_or_numbers_the_class_decides),
        cmocka_unit_test(a_free_node_is_drained_without_sums),
        cmocka_unit_test(work_in_place_does_not_stop_the_job),
        cmocka_unit_test(a_second_fault_waits_for_the_machine_that_is_at_work),
        cmocka_unit_test(a_crew_that_has_not_come_yet_is_told_that_something_worse_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
