/* What automation may take from working nodes, and what it may not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "control/rig.h"

/* 400 nodes, one hall: two in ten minutes, eight at once; 32 nodes share a feed. */
#define NODES 400
#define FEED 32

static struct rig *bench(bool domain_rule)
{
    struct control_policy p = rig_policy();
    p.guard.domain_rule = domain_rule;
    p.care.gate = false;
    return rig_make(NODES, &p);
}

/* True when a slow finding drained the node; the reason it did not is in *why. */
static bool drains(struct rig *r, uint32_t node, uint8_t *why)
{
    uint32_t before = rig_count(r, EV_DRAIN_ORDERED);
    rig_finding(r, node, RIG_SLOWS);
    if (rig_count(r, EV_DRAIN_ORDERED) > before)
        return true;
    *why = rig_last_of(r, EV_ADVICE, node)->ev.body.advice.reason;
    return false;
}

/* Repaired and back in service. */
static void comes_back(struct rig *r, uint32_t node)
{
    uint64_t f = rig_last_of(r, EV_ORDER_OPENED, node)->ev.body.order.finding;
    rig_repair(r, node);
    assert_int_equal(rig_closed(r, node, f & 0xffffffffffu), ADMIT_OK);
    rig_wait(r, RIG_HOUR);
    assert_int_equal(rig_node_health(r, node), HEALTH_READY);
}

static void a_hall_gives_half_a_percent_in_ten_minutes_and_then_trips(void **state)
{
    (void)state;
    uint8_t why = 0;
    struct rig *r = bench(false);
    assert_true(drains(r, 0, &why));
    rig_wait(r, 4 * RIG_MINUTE);
    assert_true(drains(r, 1, &why));
    rig_wait(r, 6 * RIG_MINUTE - MW_NS_PER_MS); /* the window slides: 1 ms before the first ends */
    rig_forget(r);
    assert_false(drains(r, 2, &why));
    assert_int_equal(why, GUARD_HALL_RATE);
    rig_expect(r, "finding.opened incident.opened advice guard.tripped");
    assert_true(guard_tripped(r->control->guard));
    rig_wait(r, RIG_HOUR);
    assert_false(drains(r, 3, &why));
    assert_int_equal(why, GUARD_TRIPPED);
    rig_check_log(r);
    rig_free(r);
}

static void the_window_ends_after_exactly_ten_minutes(void **state)
{
    (void)state;
    uint8_t why = 0;
    struct rig *r = bench(false);
    assert_true(drains(r, 0, &why));
    rig_wait(r, 4 * RIG_MINUTE);
    assert_true(drains(r, 1, &why));
    rig_wait(r, 6 * RIG_MINUTE);
    assert_true(drains(r, 2, &why)); /* the first is ten minutes ago */
    rig_wait(r, 4 * RIG_MINUTE - MW_NS_PER_MS);
    assert_false(drains(r, 3, &why));
    rig_check_log(r);
    rig_free(r);
}

static void a_small_hall_gives_one_node(void **state)
{
    (void)state;
    uint8_t why = 0;
    struct rig *r = rig_make(8, NULL);
    assert_true(drains(r, 0, &why));
    assert_false(drains(r, 1, &why));
    rig_check_log(r);
    rig_free(r);
}

static void two_percent_of_the_fleet_may_be_out_at_once(void **state)
{
    (void)state;
    uint8_t why = 0;
    struct rig *r = bench(false);
    for (uint32_t n = 0; n < 8; n++) {
        assert_true(drains(r, n, &why));
        rig_wait(r, 10 * RIG_MINUTE);
    }
    assert_int_equal(guard_taken(r->control->guard), 8);
    assert_false(drains(r, 8, &why));
    assert_int_equal(why, GUARD_FLEET_SHARE);
    comes_back(r, 5); /* given back only when ready */
    assert_int_equal(guard_taken(r->control->guard), 7);
    assert_int_equal(rig_command(r, CMD_RESET_GUARD, MW_NONE, "seven are out"), ADMIT_OK);
    rig_wait(r, 10 * RIG_MINUTE);
    assert_true(drains(r, 9, &why));
    rig_check_log(r);
    rig_free(r);
}

static void no_second_rack_of_a_feed_goes_while_one_is_out(void **state)
{
    (void)state;
    uint8_t why = 0;
    struct rig *r = bench(true);
    const struct fleet *f = r->fleet;
    assert_int_equal(f->rack_pdu[0][f->node_rack[0]], f->rack_pdu[0][f->node_rack[FEED - 1]]);
    assert_int_not_equal(f->rack_pdu[0][f->node_rack[0]], f->rack_pdu[0][f->node_rack[FEED]]);
    assert_int_equal(f->node_rack[0], f->node_rack[1]);
    assert_true(drains(r, 0, &why));
    assert_false(drains(r, FEED - 1, &why));
    assert_int_equal(why, GUARD_DOMAIN);
    assert_false(guard_tripped(r->control->guard)); /* this one waits; the rest goes on */
    assert_true(drains(r, 1, &why));                /* the same rack */
    rig_wait(r, 10 * RIG_MINUTE);
    assert_true(drains(r, FEED, &why)); /* another feed */
    comes_back(r, 0);
    assert_false(drains(r, FEED - 2, &why)); /* node 1 is still out */
    comes_back(r, 1);
    rig_wait(r, 10 * RIG_MINUTE);
    assert_true(drains(r, FEED - 3, &why));
    rig_check_log(r);
    rig_free(r);
}

static void what_is_broken_already_is_not_charged(void **state)
{
    (void)state;
    uint8_t why = 0;
    struct rig *r = bench(true);
    for (uint32_t n = 0; n < 60; n++)
        rig_finding(r, n, RIG_KILLS);
    assert_int_equal(care_nodes_in(r->control->care, HEALTH_DOWN), 60);
    assert_int_equal(guard_taken(r->control->guard), 0);
    assert_true(drains(r, 100, &why));
    rig_finding(r, 100, RIG_KILLS); /* taken, then broken: still charged until it is back */
    assert_int_equal(guard_taken(r->control->guard), 1);
    rig_check_log(r);
    rig_free(r);
}

static void a_person_is_not_automation(void **state)
{
    (void)state;
    uint8_t why = 0;
    struct rig *r = bench(false);
    assert_true(drains(r, 0, &why));
    assert_true(drains(r, 1, &why));
    for (uint32_t n = 2; n < 12; n++) {
        assert_false(drains(r, n, &why));
        assert_int_equal(rig_answer(r, CMD_APPROVE, rig_last_of(r, EV_ADVICE, n)), ADMIT_OK);
        assert_int_not_equal(rig_node_health(r, n), HEALTH_READY);
    }
    assert_int_equal(rig_command(r, CMD_RESET_GUARD, MW_NONE, "it was me"), ADMIT_OK);
    for (uint32_t n = 0; n < 12; n++)
        comes_back(r, n);
    assert_true(drains(r, 20, &why)); /* what a person took is not in the window */
    assert_true(drains(r, 21, &why));
    rig_check_log(r);
    rig_free(r);
}

static void what_a_person_takes_is_not_in_the_window_of_automation(void **state)
{
    (void)state;
    uint8_t why = 0;
    struct rig *r = bench(false);
    struct event ev = { .kind = EV_COMMAND, .source = SOURCE_PERSON, .actor = 42 };
    ev.body.command = (struct body_command){ .hall = 0, .verb = CMD_SET_MODE,
                                             .mode = MODE_APPROVE };
    assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_OK);
    for (uint32_t n = 0; n < 3; n++) {
        assert_false(drains(r, n, &why));
        assert_int_equal(rig_answer(r, CMD_APPROVE, rig_last_of(r, EV_ADVICE, n)), ADMIT_OK);
    }
    ev.body.command.mode = MODE_ACT;
    assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_OK);
    assert_true(drains(r, 3, &why));
    assert_true(drains(r, 4, &why));
    assert_false(drains(r, 5, &why));
    assert_int_equal(why, GUARD_HALL_RATE);
    rig_free(r);
}

static void a_reset_gives_its_reason_and_a_command_its_person(void **state)
{
    (void)state;
    uint8_t why = 0;
    struct rig *r = bench(false);
    for (uint32_t n = 0; n < 3; n++)
        (void)drains(r, n, &why);
    assert_true(guard_tripped(r->control->guard));
    assert_int_equal(rig_command(r, CMD_RESET_GUARD, MW_NONE, NULL), ADMIT_IMPOSSIBLE);
    struct event ev = { .kind = EV_COMMAND, .source = SOURCE_PERSON, .tail_size = 2 };
    ev.body.command = (struct body_command){ .verb = CMD_RESET_GUARD, .hall = MW_NONE };
    assert_int_equal(rig_submit(r, &ev, "no"), ADMIT_IMPOSSIBLE);
    ev.actor = 1;
    ev.body.command.hall = r->fleet->count[COMPONENT_HALL];
    assert_int_equal(rig_submit(r, &ev, "no"), ADMIT_IMPOSSIBLE);
    assert_true(guard_tripped(r->control->guard));
    ev.body.command.hall = 0;
    assert_int_equal(rig_submit(r, &ev, "ok"), ADMIT_OK);
    assert_false(guard_tripped(r->control->guard));
    rig_wait(r, 10 * RIG_MINUTE);
    assert_true(drains(r, 10, &why));
    rig_free(r);
}

static void the_mode_of_a_hall_can_be_set(void **state)
{
    (void)state;
    uint8_t why = 0;
    struct rig *r = bench(false);
    struct event ev = { .kind = EV_COMMAND, .source = SOURCE_PERSON, .actor = 42 };
    ev.body.command = (struct body_command){ .hall = 0, .verb = CMD_SET_MODE,
                                             .mode = MODE_ACT + 1 };
    assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_IMPOSSIBLE);
    ev.body.command.mode = MODE_OBSERVE;
    assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_OK);
    assert_false(drains(r, 0, &why));
    assert_int_equal(why, GUARD_MODE);
    assert_false(guard_tripped(r->control->guard));
    ev.body.command.mode = MODE_ACT;
    assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_OK);
    assert_true(drains(r, 1, &why));
    rig_free(r);
}

static void halls_have_budgets_of_their_own(void **state)
{
    (void)state;
    uint8_t why = 0;
    struct control_policy p = rig_policy();
    p.guard.domain_rule = false;
    struct rig *r = rig_make(1200, &p);
    assert_true(r->fleet->count[COMPONENT_HALL] >= 2);
    uint32_t other = 0;
    while (r->fleet->node_hall[other] == r->fleet->node_hall[0])
        other++;
    uint32_t of_hall = other; /* nodes of the first hall come first */
    uint32_t n = 0;
    while (drains(r, n, &why))
        n++;
    assert_int_equal(n, MW_MAX(1u, of_hall / 200));
    assert_true(drains(r, other, &why));
    rig_check_log(r);
    rig_free(r);
}

static void bug_a_node_that_a_person_adopts_again_is_charged_no_more(void **state)
{
    (void)state;
    uint8_t why = 0;
    struct rig *r = bench(false);
    struct event adopt = { .kind = EV_NODES_ADOPTED, .source = SOURCE_PERSON, .actor = 1 };
    adopt.body.adopt = (struct body_adopt){ .first = 0, .count = 1, .health = HEALTH_READY };
    assert_true(drains(r, 0, &why));
    assert_int_equal(guard_taken(r->control->guard), 1);
    assert_int_equal(rig_submit(r, &adopt, NULL), ADMIT_OK);
    assert_int_equal(guard_taken(r->control->guard), 0);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bug_a_node_that_a_person_adopts_again_is_charged_no_more),
        cmocka_unit_test(a_hall_gives_half_a_percent_in_ten_minutes_and_then_trips),
        cmocka_unit_test(the_window_ends_after_exactly_ten_minutes),
        cmocka_unit_test(a_small_hall_gives_one_node),
        cmocka_unit_test(two_percent_of_the_fleet_may_be_out_at_once),
        cmocka_unit_test(no_second_rack_of_a_feed_goes_while_one_is_out),
        cmocka_unit_test(what_is_broken_already_is_not_charged),
        cmocka_unit_test(a_person_is_not_automation),
        cmocka_unit_test(what_a_person_takes_is_not_in_the_window_of_automation),
        cmocka_unit_test(a_reset_gives_its_reason_and_a_command_its_person),
        cmocka_unit_test(the_mode_of_a_hall_can_be_set),
        cmocka_unit_test(halls_have_budgets_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
