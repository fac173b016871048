/*
 * The default ladders.  What would break for the user: a site that only
 * observes and acts all the same, a GPU whose reset is not even tried, a fault
 * of which nobody is told because machines were at their end.
 */
#include "live/policy_ladders.h"
#include "live/agents_bench_test.h"

/* A test reads the table through what it makes of a policy. */
static void ladders_begin_with_the_lightest_and_end_with_people(void **state)
{
    struct control_policy p = live_policy();
    uint32_t ladders = 0;
    (void)state;
    for (uint32_t i = 0; i < p.care.classes; i++) {
        const struct care_class *k = &p.care.class[i];
        if (k->steps == 0)
            continue;
        ladders++;
        assert_int_equal(k->ladder[k->steps - 1].who, WHO_TECHNICIAN);
        for (uint32_t s = 0; s + 1 < k->steps; s++) {
            const struct care_ladder *l = &k->ladder[s];
            assert_true(l->who == WHO_AGENT || l->who == WHO_BMC);
            assert_true(l->who == WHO_BMC || l->step != STEP_POWER_CYCLE);
            assert_true(s == 0 || l->step > k->ladder[s - 1].step);
            assert_true(l->odds_ppm > 0 && l->odds_ppm < 1000000 && l->lease_ms > 0);
            assert_true(l->step != STEP_RESTART_SERVICE || live_ladder_unit(k->name)[0] != '\0');
        }
    }
    assert_true(ladders >= 7);
}

static void a_dead_gpu_is_reset_before_a_crew_comes(void **state)
{
    struct control_policy p = live_policy();
    (void)state;
    p.guard.mode = MODE_ACT;
    p.care.engine = p.work.engine = false;
    struct bench *b = make_as(&p);
    assert_int_equal(hello_as(b, 2, "boot-1", "0000:19:00.0,0000:3b:00.0"), 0);
    kmsg(b, 2, XID_79);
    const struct body_order *o = &rig_last(b->r, EV_ACTION_STARTED)->ev.body.order;
    assert_int_equal(o->step, STEP_RESET_GPU);
    assert_int_equal(o->who, WHO_AGENT);
    assert_int_equal(rig_count(b->r, EV_ORDER_OPENED), 0);
    end(b);
}

static void a_site_that_observes_or_advises_asks_no_machine(void **state)
{
    (void)state;
    for (uint8_t mode = MODE_OBSERVE; mode <= MODE_ADVISE; mode++) {
        struct control_policy p = live_policy();
        p.guard.mode = mode;
        p.care.engine = p.work.engine = false;
        struct bench *b = make_as(&p);
        assert_int_equal(hello_as(b, 2, "boot-1", "0000:19:00.0,0000:3b:00.0"), 0);
        kmsg(b, 2, XID_79);
        run(b, RIG_MINUTE);
        assert_int_equal(rig_count(b->r, EV_ACTION_STARTED), 0);
        assert_int_equal(rig_count(b->r, EV_STEP_CHOSEN), 1); /* with the sums of all it could do */
        assert_int_equal(rig_last(b->r, EV_ORDER_OPENED)->ev.body.order.who, WHO_TECHNICIAN);
        end(b);
    }
}

static void where_a_person_approves_the_reset_waits_for_one(void **state)
{
    struct control_policy p = live_policy();
    (void)state;
    p.guard.mode = MODE_APPROVE;
    p.care.engine = p.work.engine = false;
    struct bench *b = make_as(&p);
    assert_int_equal(hello_as(b, 2, "boot-1", "0000:19:00.0,0000:3b:00.0"), 0);
    kmsg(b, 2, XID_79);
    assert_int_equal(rig_count(b->r, EV_ACTION_STARTED), 0);
    assert_int_equal(rig_last(b->r, EV_ADVICE)->ev.body.advice.step, STEP_RESET_GPU);
    assert_int_equal(rig_answer(b->r, CMD_APPROVE, rig_last(b->r, EV_ADVICE)), ADMIT_OK);
    assert_int_equal(rig_count(b->r, EV_ACTION_STARTED), 1);
    end(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ladders_begin_with_the_lightest_and_end_with_people),
        cmocka_unit_test(a_dead_gpu_is_reset_before_a_crew_comes),
        cmocka_unit_test(a_site_that_observes_or_advises_asks_no_machine),
        cmocka_unit_test(where_a_person_approves_the_reset_waits_for_one),
    };
    return cmocka_run_group_tests_name("live/policy_ladders", tests, NULL, NULL);
}
