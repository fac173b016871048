/* The store: what repairs use up, what is ordered, what waiting for a part costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "control/rig.h"

#define NODES 16
#define USD MW_MICRODOLLARS_PER_DOLLAR
#define HOUR_MS MW_MS_PER_HOUR

/* One step, a replacement; two parts there, one at least wanted, two come after two days. */
static struct control_policy store_policy(void)
{
    struct control_policy p = rig_policy();
    p.care.uusd_per_gpu_hour = USD;
    p.care.parts = 1;
    p.care.part[0] = (struct care_part){ .name = "GPU", .cost_uusd = 1000 * USD,
                                         .lead_ms = 48 * HOUR_MS, .stock = 2, .least = 1,
                                         .batch = 2 };
    struct care_class *k = &p.care.class[RIG_KILLS];
    k->steps = 1;
    k->ladder[0] = (struct care_ladder){ .step = STEP_REPLACE, .who = WHO_TECHNICIAN, .part = 0,
                                         .odds_ppm = 900000, .weight = 10,
                                         .duration_ms = 4 * HOUR_MS };
    return p;
}

static int64_t stock(const struct rig *r)
{
    return care_stock(r->control->care, 0);
}

static enum admit arrived(struct rig *r, const struct event *order, uint32_t count)
{
    struct event ev = { .kind = EV_PARTS_ARRIVED, .source = SOURCE_STORE, .cause = order->seq };
    ev.body.parts = order->body.parts;
    ev.body.parts.order = order->seq;
    ev.body.parts.count = count;
    return rig_submit(r, &ev, NULL);
}

static const struct step_sum *first_sum(const struct rig *r, uint32_t node)
{
    return rig_last_of(r, EV_STEP_CHOSEN, node)->tail;
}

static void finish(struct rig *r)
{
    rig_check_log(r);
    rig_free(r);
}

static void a_repair_takes_its_part_and_the_store_is_filled_again(void **state)
{
    (void)state;
    struct control_policy p = store_policy();
    struct rig *r = rig_make(NODES, &p);
    int64_t due_ms;
    assert_int_equal(stock(r), 2);
    (void)rig_finding(r, 0, RIG_KILLS);
    assert_int_equal(rig_last(r, EV_ORDER_OPENED)->ev.body.order.part, 0);
    assert_int_equal(stock(r), 1);
    assert_int_equal(rig_count(r, EV_PARTS_ORDERED), 0);
    rig_forget(r);
    (void)rig_finding(r, 1, RIG_KILLS);
    rig_expect(r, "finding.opened incident.opened node.moved step.chosen order.opened "
                  "parts.ordered");
    const struct event *order = &rig_last(r, EV_PARTS_ORDERED)->ev;
    assert_int_equal(order->body.parts.count, 2);
    assert_int_equal(order->body.parts.cost_uusd, 2000 * USD);
    assert_int_equal(order->body.parts.due_ms, mw_ms(r->now_ns) + 48 * HOUR_MS);
    assert_int_equal(care_stock_coming(r->control->care, 0, &due_ms), 2);
    assert_int_equal(due_ms, order->body.parts.due_ms);
    assert_int_equal(r->acted[r->acted_length - 1].kind, EV_PARTS_ORDERED);
    /* Enough is on its way. */
    rig_forget(r);
    (void)rig_finding(r, 2, RIG_KILLS);
    assert_int_equal(stock(r), -1);
    assert_int_equal(rig_count(r, EV_PARTS_ORDERED), 1);
    rig_wait(r, 48 * RIG_HOUR);
    assert_int_equal(arrived(r, order, 2), ADMIT_OK);
    assert_int_equal(stock(r), 1);
    assert_int_equal(arrived(r, order, 2), ADMIT_STALE);
    assert_int_equal(stock(r), 1);
    assert_int_equal(care_stock_coming(r->control->care, 0, &due_ms), 0);
    finish(r);
}

static void waiting_for_a_part_is_part_of_the_sums(void **state)
{
    (void)state;
    struct control_policy p = store_policy();
    p.care.part[0].stock = 1;
    struct rig *r = rig_make(NODES, &p);
    (void)rig_finding(r, 0, RIG_KILLS); /* the last one: two are ordered */
    assert_int_equal(first_sum(r, 0)->waiting_uusd, 36 * USD); /* 4 h and the gate's half hour */
    rig_wait(r, 24 * RIG_HOUR);
    (void)rig_finding(r, 1, RIG_KILLS); /* the first of the two, in 24 h */
    assert_int_equal(first_sum(r, 1)->waiting_uusd, (36 + 24 * 8) * USD);
    (void)rig_finding(r, 2, RIG_KILLS); /* the second */
    assert_int_equal(first_sum(r, 2)->waiting_uusd, (36 + 24 * 8) * USD);
    assert_int_equal(rig_count(r, EV_PARTS_ORDERED), 2);
    (void)rig_finding(r, 3, RIG_KILLS); /* of the second delivery, in 48 h */
    assert_int_equal(first_sum(r, 3)->waiting_uusd, (36 + 48 * 8) * USD);
    finish(r);
}

static void a_delivery_may_come_in_pieces(void **state)
{
    (void)state;
    struct control_policy p = store_policy();
    p.care.part[0].stock = 0;
    struct rig *r = rig_make(NODES, &p);
    const struct event *order = &rig_last(r, EV_PARTS_ORDERED)->ev;
    int64_t due_ms;
    assert_int_equal(arrived(r, order, 3), ADMIT_IMPOSSIBLE);
    assert_int_equal(arrived(r, order, 0), ADMIT_IMPOSSIBLE);
    assert_int_equal(arrived(r, order, 1), ADMIT_OK);
    assert_int_equal(stock(r), 1);
    assert_int_equal(care_stock_coming(r->control->care, 0, &due_ms), 1);
    assert_int_equal(arrived(r, order, 1), ADMIT_OK);
    assert_int_equal(stock(r), 2);
    assert_int_equal(arrived(r, order, 1), ADMIT_STALE);
    finish(r);
}

static void a_store_without_end_orders_nothing(void **state)
{
    (void)state;
    struct control_policy p = store_policy();
    p.care.part[0].stock = UINT32_MAX;
    struct rig *r = rig_make(NODES, &p);
    for (uint32_t n = 0; n < 5; n++)
        (void)rig_finding(r, n, RIG_KILLS);
    assert_int_equal(stock(r), INT64_MAX);
    assert_int_equal(rig_count(r, EV_PARTS_ORDERED), 0);
    assert_int_equal(first_sum(r, 4)->waiting_uusd, 36 * USD);
    finish(r);
}

static void a_part_that_was_not_needed_goes_back(void **state)
{
    (void)state;
    struct control_policy p = store_policy();
    struct rig *r = rig_make(NODES, &p);
    (void)rig_finding(r, 0, RIG_KILLS);
    const struct event *order = &rig_last(r, EV_ORDER_OPENED)->ev;
    struct event ev = { .kind = EV_ORDER_ENDED, .source = SOURCE_CREW, .cause = order->seq };
    ev.body.order = order->body.order;
    ev.body.order.result = RESULT_OK;
    ev.body.order.step = STEP_RESEAT;
    ev.body.order.part = CARE_PART_NONE;
    assert_int_equal(stock(r), 1);
    assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_OK);
    assert_int_equal(stock(r), 2);
    finish(r);
}

static void what_was_ordered_is_ordered_again_from_the_world_after_a_restart(void **state)
{
    (void)state;
    struct control_policy p = store_policy();
    p.care.part[0].stock = 0;
    struct rig *r = rig_make(NODES, &p);
    (void)rig_finding(r, 0, RIG_KILLS);
    struct rig *again = rig_make_on(r->fleet, &p, rig_copy(r, r->log_length), false);
    assert_true(mw_hash128_equal(rig_hash(again), rig_hash(r)));
    uint32_t orders = 0;
    for (uint32_t i = 0; i < again->acted_length; i++)
        orders += again->acted[i].kind == EV_PARTS_ORDERED;
    assert_int_equal(orders, rig_count(r, EV_PARTS_ORDERED));
    assert_true(orders > 0);
    rig_free(again);
    finish(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_repair_takes_its_part_and_the_store_is_filled_again),
        cmocka_unit_test(waiting_for_a_part_is_part_of_the_sums),
        cmocka_unit_test(a_delivery_may_come_in_pieces),
        cmocka_unit_test(a_store_without_end_orders_nothing),
        cmocka_unit_test(a_part_that_was_not_needed_goes_back),
        cmocka_unit_test(what_was_ordered_is_ordered_again_from_the_world_after_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
