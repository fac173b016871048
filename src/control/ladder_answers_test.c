/* The ladder where answers do not fit, and what they count for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "control/rig_ladder.h"

#define NODES 16

static enum admit rebooted(struct rig *r, uint32_t node)
{
    return rig_step_ended(r, EV_ACTION_STARTED, node, RESULT_OK, STEP_COUNT);
}

static uint32_t held(const struct rig *r)
{
    return care_odds_of(r->control->care, RIG_KILLS, STEP_REBOOT).held;
}

static void advice_that_nobody_can_approve_any_more_makes_room_for_another_step(void **state)
{
    (void)state;
    struct control_policy p = rig_ladder_policy();
    p.guard.mode = MODE_APPROVE;
    struct rig *r = rig_make(NODES, &p);
    (void)rig_finding(r, 3, RIG_KILLS);
    struct event ev = { .kind = EV_COMMAND, .source = SOURCE_PERSON, .actor = 42 };
    ev.body.command = (struct body_command){ .node = MW_NONE, .hall = 0, .slot = MW_NONE,
                                             .verb = CMD_SET_MODE, .mode = MODE_OBSERVE };
    assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_OK);
    assert_int_equal(rig_answer(r, CMD_APPROVE, rig_last_of(r, EV_ADVICE, 3)), ADMIT_IMPOSSIBLE);
    rig_wait(r, RIG_SECOND);
    assert_int_equal(care_advice_open(r->control->care, 3), 0);
    assert_int_equal(rig_last_of(r, EV_ORDER_OPENED, 3)->ev.body.order.step, STEP_RESEAT);
    assert_int_equal(rig_count(r, EV_ACTION_STARTED), 0);
    rig_check_log(r);
    rig_free(r);
}

/* What the world says of class and node of an order is not what the order was about. */
static void an_answer_about_no_class_that_exists_is_taken_for_the_order_it_answers(void **state)
{
    (void)state;
    struct control_policy p = rig_ladder_policy();
    struct rig *r = rig_make(NODES, &p);
    uint64_t f = rig_finding(r, 3, RIG_KILLS);
    const struct event *order = &rig_last_of(r, EV_ACTION_STARTED, 3)->ev;
    struct event ev = { .kind = EV_ACTION_ENDED, .source = SOURCE_CREW, .cause = order->seq,
                        .tail_size = 4 };
    ev.body.order = order->body.order;
    ev.body.order.result = RESULT_OK;
    ev.body.order.class = UINT16_MAX;
    ev.body.order.node = 5;
    assert_int_equal(rig_submit(r, &ev, "read"), ADMIT_OK);
    assert_int_equal(rig_closed(r, 3, f), ADMIT_OK);
    assert_int_equal(rig_gate(r, 3, RESULT_OK), ADMIT_OK);
    rig_wait(r, 20 * RIG_HOUR);
    assert_int_equal(held(r), 1);
    (void)rig_finding(r, 3, RIG_KILLS); /* node 3 it was that has to hold */
    assert_int_equal(held(r), 0);
    rig_free(r);
}

static void what_was_never_counted_as_held_is_not_taken_back(void **state)
{
    (void)state;
    struct control_policy p = rig_ladder_policy();
    struct rig *r = rig_make(NODES, &p);
    uint64_t f = rig_finding(r, 3, RIG_KILLS);
    assert_int_equal(rebooted(r, 3), ADMIT_OK);
    assert_int_equal(rig_closed(r, 3, f), ADMIT_OK);
    assert_int_equal(rig_gate(r, 3, RESULT_OK), ADMIT_OK);
    rig_wait(r, 20 * RIG_HOUR);
    f = rig_finding(r, 4, RIG_KILLS);
    assert_int_equal(rebooted(r, 4), ADMIT_OK);
    assert_int_equal(rig_closed(r, 4, f), ADMIT_OK);
    struct event ev = { .kind = EV_NODES_ADOPTED, .source = SOURCE_PERSON, .actor = 42 };
    ev.body.adopt = (struct body_adopt){ .first = 4, .count = 1, .health = HEALTH_READY };
    assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_OK); /* a person's word is no proof */
    rig_wait(r, RIG_HOUR);
    assert_int_equal(held(r), 1);
    (void)rig_finding(r, 4, RIG_KILLS);
    assert_int_equal(held(r), 1);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(advice_that_nobody_can_approve_any_more_makes_room_for_another_step),
        cmocka_unit_test(an_answer_about_no_class_that_exists_is_taken_for_the_order_it_answers),
        cmocka_unit_test(what_was_never_counted_as_held_is_not_taken_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
