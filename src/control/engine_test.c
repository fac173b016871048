/* Where another engine owns allocation: what it is told, and what it is believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "control/rig.h"

#define NODES 8

/* RIG_KILLS is what a person repairs; RIG_DEFERS drains; RIG_SLOWS is made to heal by itself. */
static struct rig *bench(uint8_t mode)
{
    struct control_policy p = rig_policy();
    p.care.engine = p.work.engine = true;
    p.guard.mode = mode;
    p.care.class[RIG_SLOWS] = (struct care_class){
        .name = "silent", .effect = EFFECT_KILLS, .count = 1, .probation_ms = 10000,
        .heals = true };
    return rig_make(NODES, &p);
}

/* The engine gives nodes first .. first + count - 1 to the job, and it runs. */
static enum admit allocated(struct rig *r, uint64_t job, uint32_t first, uint32_t count)
{
    uint32_t node[NODES], slot = rig_slot(r, job);
    for (uint32_t i = 0; i < count; i++)
        node[i] = first + i;
    struct event ev = { .kind = EV_ATTEMPT_ALLOCATED, .source = SOURCE_ENGINE,
                        .tail_size = count * (uint32_t)sizeof(node[0]) };
    ev.body.place = (struct body_place){
        .job = job, .slot = slot, .attempt = r->control->board->job_attempt[slot] + 1,
        .nodes = count, .gpus = 8 * count };
    enum admit a = rig_submit(r, &ev, node);
    if (a == ADMIT_OK)
        assert_int_equal(rig_running(r, job, 0), ADMIT_OK);
    return a;
}

static enum admit answer_to(struct rig *r, const struct event *order, uint8_t result)
{
    struct event ev = { .kind = EV_ENGINE_ANSWERED, .source = SOURCE_ENGINE, .cause = order->seq };
    ev.body.engine = order->body.engine;
    ev.body.engine.order = order->seq;
    ev.body.engine.result = result;
    return rig_submit(r, &ev, NULL);
}

/* The last order with this verb. */
static const struct event *order(const struct rig *r, uint8_t verb)
{
    for (uint32_t i = r->log_length; i-- > 0;) {
        const struct event *ev = &r->log[i].ev;
        if (ev->kind == EV_ENGINE_ORDER && ev->body.engine.verb == verb)
            return ev;
    }
    fail_msg("no order with verb %u", verb);
    return NULL;
}

static enum admit answer(struct rig *r, uint8_t verb, uint8_t result)
{
    return answer_to(r, order(r, verb), result);
}

static enum admit report(struct rig *r, uint32_t node, uint8_t service, uint8_t owner)
{
    struct event ev = { .kind = EV_NODE_REPORTED, .source = SOURCE_ENGINE };
    ev.body.report = (struct body_report){ .node = node, .service = service, .owner = owner };
    return rig_submit(r, &ev, NULL);
}

static void a_dead_node_is_ordered_down_and_its_job_put_back(void **state)
{
    (void)state;
    struct rig *r = bench(MODE_ACT);
    assert_int_equal(rig_job(r, 7, 4, 0), ADMIT_OK);
    rig_wait(r, RIG_MINUTE);
    assert_int_equal(rig_count(r, EV_ATTEMPT_PLACED), 0); /* it is not ours to place */
    assert_int_equal(allocated(r, 7, 0, 4), ADMIT_OK);
    rig_forget(r);
    uint64_t finding = rig_finding(r, 2, RIG_SLOWS);
    rig_expect(r, "finding.opened incident.opened node.moved engine.order engine.order");
    assert_int_equal(order(r, ENGINE_DOWN)->body.engine.node, 2);
    assert_int_equal(order(r, ENGINE_REQUEUE)->body.engine.job, 7);
    assert_int_equal(answer(r, ENGINE_DOWN, RESULT_OK), ADMIT_OK);
    assert_int_equal(rig_ended(r, 7, HOW_STOPPED, 0, 0, 0), ADMIT_OK);
    assert_int_equal(answer(r, ENGINE_REQUEUE, RESULT_OK), ADMIT_OK);
    assert_int_equal(allocated(r, 7, 3, 4), ADMIT_OK);
    rig_forget(r);
    assert_int_equal(rig_closed(r, 2, finding), ADMIT_OK);
    rig_expect(r, "finding.closed node.moved node.moved node.moved");
    assert_int_equal(rig_node_health(r, 2), HEALTH_PROBATION);
    rig_wait(r, 10 * RIG_SECOND);
    rig_expect(r, "timer.fired node.moved engine.order");
    assert_int_equal(answer(r, ENGINE_RESUME, RESULT_OK), ADMIT_OK);
    rig_expect(r, "engine.answered incident.closed");
    rig_check_log(r);
    rig_free(r);
}

static void in_observe_mode_nothing_goes_out(void **state)
{
    (void)state;
    struct rig *r = bench(MODE_OBSERVE);
    assert_int_equal(rig_job(r, 7, 4, 0), ADMIT_OK);
    assert_int_equal(allocated(r, 7, 0, 4), ADMIT_OK);
    rig_forget(r);
    uint64_t finding = rig_finding(r, 2, RIG_SLOWS);
    rig_expect(r, "finding.opened incident.opened node.moved advice");
    assert_int_equal(rig_last(r, EV_ADVICE)->ev.body.advice.verb, ENGINE_DOWN);
    rig_finding(r, 5, RIG_DEFERS);
    rig_wait(r, RIG_MINUTE);
    assert_int_equal(rig_closed(r, 2, finding), ADMIT_OK);
    rig_wait(r, RIG_MINUTE);
    assert_int_equal(rig_node_health(r, 2), HEALTH_READY);
    assert_int_equal(rig_count(r, EV_INCIDENT_CLOSED), 1);
    assert_int_equal(rig_count(r, EV_ENGINE_ORDER), 0);
    rig_check_log(r);
    rig_free(r);
}

static void what_was_advice_is_done_when_a_person_sets_the_mode_to_act(void **state)
{
    (void)state;
    struct rig *r = bench(MODE_ADVISE);
    rig_finding(r, 2, RIG_SLOWS);
    assert_int_equal(rig_count(r, EV_ENGINE_ORDER), 0);
    struct event ev = { .kind = EV_COMMAND, .source = SOURCE_PERSON, .actor = 9 };
    ev.body.command = (struct body_command){ .verb = CMD_SET_MODE, .mode = MODE_ACT,
                                             .hall = MW_NONE, .node = MW_NONE, .slot = MW_NONE };
    assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    assert_int_equal(order(r, ENGINE_DOWN)->body.engine.node, 2);
    rig_check_log(r);
    rig_free(r);
}

static void an_approved_order_goes_out_for_the_person(void **state)
{
    (void)state;
    struct rig *r = bench(MODE_APPROVE);
    assert_int_equal(rig_job(r, 7, 2, 0), ADMIT_OK);
    assert_int_equal(allocated(r, 7, 0, 2), ADMIT_OK);
    rig_finding(r, 1, RIG_SLOWS);
    assert_int_equal(rig_answer(r, CMD_APPROVE, rig_last(r, EV_ADVICE)), ADMIT_OK);
    assert_int_not_equal(order(r, ENGINE_DOWN)->actor, 0);
    assert_int_equal(order(r, ENGINE_REQUEUE)->actor, order(r, ENGINE_DOWN)->actor);
    rig_free(r);
}

static void an_order_that_failed_is_given_again_after_a_minute(void **state)
{
    (void)state;
    struct rig *r = bench(MODE_ACT);
    rig_finding(r, 2, RIG_SLOWS);
    struct event first = *order(r, ENGINE_DOWN);
    assert_int_equal(answer_to(r, &first, RESULT_FAILED), ADMIT_OK);
    assert_int_equal(rig_count(r, EV_ENGINE_ORDER), 1);
    rig_wait(r, RIG_HOUR);
    assert_int_equal(rig_count(r, EV_ENGINE_ORDER), 2);
    assert_int_equal(answer_to(r, &first, RESULT_OK), ADMIT_STALE); /* it is not the newest */
    assert_int_equal(answer(r, ENGINE_DOWN, RESULT_OK), ADMIT_OK);
    rig_check_log(r);
    rig_free(r);
}

static void the_incident_stays_open_until_the_engine_has_the_node_back(void **state)
{
    (void)state;
    struct rig *r = bench(MODE_ACT);
    uint64_t finding = rig_finding(r, 2, RIG_SLOWS);
    assert_int_equal(answer(r, ENGINE_DOWN, RESULT_OK), ADMIT_OK);
    assert_int_equal(rig_closed(r, 2, finding), ADMIT_OK);
    rig_wait(r, 11 * RIG_SECOND);
    assert_int_equal(answer(r, ENGINE_RESUME, RESULT_FAILED), ADMIT_OK);
    assert_int_equal(rig_count(r, EV_INCIDENT_CLOSED), 0);
    rig_wait(r, RIG_MINUTE);
    assert_int_equal(answer(r, ENGINE_RESUME, RESULT_OK), ADMIT_OK);
    assert_int_equal(rig_count(r, EV_INCIDENT_CLOSED), 1);
    rig_check_log(r);
    rig_free(r);
}

static void what_others_took_out_is_held_until_they_return_it(void **state)
{
    (void)state;
    struct rig *r = bench(MODE_ACT);
    const struct board *b = r->control->board;
    assert_int_equal(report(r, 3, SERVICE_DRAIN, OWNER_OTHERS), ADMIT_OK);
    assert_int_equal(b->node_holds[3], 1);
    assert_int_equal(report(r, 3, SERVICE_DRAIN, OWNER_OTHERS), ADMIT_DUPLICATE);
    assert_int_equal(report(r, 3, SERVICE_DOWN, OWNER_OTHERS), ADMIT_OK);
    assert_int_equal(b->node_holds[3], 1);
    assert_int_equal(report(r, 3, SERVICE_IN, OWNER_NOBODY), ADMIT_OK);
    assert_int_equal(b->node_holds[3], 0);
    assert_int_equal(report(r, 3, SERVICE_IN, OWNER_OTHERS), ADMIT_IMPOSSIBLE);
    assert_int_equal(report(r, NODES, SERVICE_DOWN, OWNER_OTHERS), ADMIT_IMPOSSIBLE);
    rig_check_log(r);
    rig_free(r);
}

static void a_node_that_is_out_by_an_order_nobody_remembers_is_held(void **state)
{
    (void)state;
    struct rig *r = bench(MODE_ACT);
    const struct board *b = r->control->board;
    assert_int_equal(report(r, 3, SERVICE_DOWN, OWNER_OURS), ADMIT_OK); /* of an earlier record */
    assert_int_equal(b->node_holds[3], 1);
    assert_int_equal(guard_node_reported(r->control->guard, 3), SERVICE_DOWN | OWNER_OURS << 4);
    assert_int_equal(report(r, 3, SERVICE_DOWN, OWNER_OURS), ADMIT_DUPLICATE);
    assert_int_equal(report(r, 3, SERVICE_IN, OWNER_NOBODY), ADMIT_OK);
    assert_int_equal(b->node_holds[3], 0);
    uint64_t finding = rig_finding(r, 4, RIG_SLOWS);
    assert_int_equal(report(r, 4, SERVICE_DOWN, OWNER_OURS), ADMIT_OK); /* this one is known */
    assert_int_equal(b->node_holds[4], 0);
    assert_int_equal(rig_closed(r, 4, finding), ADMIT_OK);
    rig_free(r);
}

static void a_node_that_a_person_returned_is_ready_and_nothing_is_ordered(void **state)
{
    (void)state;
    struct rig *r = bench(MODE_ACT);
    rig_finding(r, 2, RIG_KILLS);
    assert_int_equal(answer(r, ENGINE_DOWN, RESULT_OK), ADMIT_OK);
    struct event ev = { .kind = EV_NODES_ADOPTED, .source = SOURCE_ENGINE, .actor = 1000 };
    ev.body.adopt = (struct body_adopt){ .first = 2, .count = 1, .health = HEALTH_READY };
    assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    assert_int_equal(rig_count(r, EV_ENGINE_ORDER), 1);
    assert_int_equal(rig_count(r, EV_INCIDENT_CLOSED), 1);
    assert_int_equal(care_node_service(r->control->care, 2), SERVICE_IN);
    rig_free(r);
}

static void a_fault_during_a_drain_turns_it_into_down(void **state)
{
    (void)state;
    struct rig *r = bench(MODE_ACT);
    assert_int_equal(rig_job(r, 7, 1, 0), ADMIT_OK);
    assert_int_equal(allocated(r, 7, 2, 1), ADMIT_OK);
    rig_forget(r);
    rig_finding(r, 2, RIG_DEFERS);
    rig_expect(r, "finding.opened incident.opened drain.ordered engine.order");
    assert_int_equal(order(r, ENGINE_DRAIN)->body.engine.node, 2);
    struct event drain = *order(r, ENGINE_DRAIN);
    rig_finding(r, 2, RIG_SLOWS);
    rig_expect(r, "finding.opened incident.joined node.moved engine.order order.opened "
                  "engine.order");
    assert_int_equal(answer_to(r, &drain, RESULT_UNKNOWN), ADMIT_STALE); /* superseded */
    assert_int_equal(order(r, ENGINE_REQUEUE)->body.engine.job, 7);
    rig_check_log(r);
    rig_free(r);
}

static void a_job_goes_back_around_nodes_that_are_known_to_be_bad(void **state)
{
    (void)state;
    struct rig *r = bench(MODE_ACT);
    assert_int_equal(rig_job(r, 7, 4, 0), ADMIT_OK);
    assert_int_equal(allocated(r, 7, 0, 4), ADMIT_OK);
    rig_finding(r, 6, RIG_DEFERS); /* one node of a hall of eight: the budget is used up */
    rig_finding(r, 7, RIG_DEFERS); /* so this one is only advice, and stays in service */
    assert_int_equal(rig_node_health(r, 7), HEALTH_READY);
    rig_finding(r, 2, RIG_SLOWS);
    const struct rig_event *last = rig_last(r, EV_ENGINE_ORDER);
    assert_int_equal(last->ev.body.engine.verb, ENGINE_REQUEUE);
    assert_int_equal(last->ev.tail_size, sizeof(uint32_t));
    assert_int_equal(*(const uint32_t *)last->tail, 7);
    rig_free(r);
}

static void a_gang_that_cannot_be_is_not_believed(void **state)
{
    (void)state;
    struct rig *r = bench(MODE_ACT);
    assert_int_equal(rig_job(r, 7, 4, 0), ADMIT_OK);
    assert_int_equal(rig_job(r, 8, 4, 0), ADMIT_OK);
    assert_int_equal(allocated(r, 7, 0, 4), ADMIT_OK);
    assert_int_equal(allocated(r, 8, 3, 4), ADMIT_FULL); /* node 3 has a job */
    assert_int_equal(allocated(r, 8, 5, 4), ADMIT_IMPOSSIBLE); /* there is no node 8 */
    assert_int_equal(allocated(r, 7, 4, 4), ADMIT_STALE); /* it runs already */
    rig_check_log(r);
    rig_free(r);
}

static void orders_without_an_answer_go_out_again_after_a_restart(void **state)
{
    (void)state;
    struct rig *r = bench(MODE_ACT);
    assert_int_equal(rig_job(r, 7, 4, 0), ADMIT_OK);
    assert_int_equal(allocated(r, 7, 0, 4), ADMIT_OK);
    rig_finding(r, 2, RIG_SLOWS);
    struct control_policy p = r->control->policy;
    struct mw_hash128 before = rig_hash(r);
    struct rig *again = rig_make_on(r->fleet, &p, rig_copy(r, core_seq(r->control->core)), false);
    assert_true(mw_hash128_equal(rig_hash(again), before));
    assert_int_equal(again->acted_length, 2);
    assert_int_equal(again->acted[0].body.engine.verb, ENGINE_DOWN);
    assert_int_equal(again->acted[1].body.engine.verb, ENGINE_REQUEUE);
    rig_free(again);
    rig_free(r);
}

static void no_more_than_a_share_of_the_fleet_is_down_at_our_word(void **state)
{
    (void)state;
    struct control_policy p = rig_policy();
    p.care.engine = p.work.engine = true;
    struct rig *r = rig_make(20, &p);
    for (uint32_t n = 0; n < 8; n++)
        rig_finding(r, n, RIG_KILLS);
    assert_int_equal(rig_count(r, EV_ENGINE_ORDER), 8);
    rig_finding(r, 8, RIG_KILLS); /* as when an agent crashes everywhere */
    assert_int_equal(rig_count(r, EV_ENGINE_ORDER), 8);
    assert_int_equal(rig_last(r, EV_ADVICE)->ev.body.advice.reason, GUARD_FLEET_SHARE);
    assert_false(guard_tripped(r->control->guard));
    assert_int_equal(rig_answer(r, CMD_APPROVE, rig_last(r, EV_ADVICE)), ADMIT_OK);
    assert_int_equal(rig_count(r, EV_ENGINE_ORDER), 9);
    struct event ev = { .kind = EV_NODES_ADOPTED, .source = SOURCE_ENGINE, .actor = 1000 };
    ev.body.adopt = (struct body_adopt){ .first = 2, .count = 1, .health = HEALTH_READY };
    assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_OK);
    rig_finding(r, 9, RIG_KILLS);
    assert_int_equal(rig_count(r, EV_ENGINE_ORDER), 10);
    rig_check_log(r);
    rig_free(r);
}

static void set_mode(struct rig *r, uint8_t mode)
{
    struct event ev = { .kind = EV_COMMAND, .source = SOURCE_PERSON, .actor = 9 };
    ev.body.command = (struct body_command){ .verb = CMD_SET_MODE, .mode = mode, .hall = MW_NONE,
                                             .node = MW_NONE, .slot = MW_NONE };
    assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_OK);
}

static uint32_t orders(const struct rig *r, uint8_t verb)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < r->log_length; i++)
        n += r->log[i].ev.kind == EV_ENGINE_ORDER && r->log[i].ev.body.engine.verb == verb;
    return n;
}

/* A bench whose job 8 runs on node 2. */
static struct rig *busy_bench(uint8_t mode)
{
    struct rig *r = bench(mode);
    assert_int_equal(rig_job(r, 8, 1, 0), ADMIT_OK);
    assert_int_equal(allocated(r, 8, 2, 1), ADMIT_OK);
    return r;
}

static void bug_a_fault_while_the_node_is_being_resumed_was_forgotten(void **state)
{
    (void)state;
    struct rig *r = bench(MODE_ACT);
    uint64_t finding = rig_finding(r, 2, RIG_SLOWS);
    assert_int_equal(answer(r, ENGINE_DOWN, RESULT_OK), ADMIT_OK);
    assert_int_equal(rig_closed(r, 2, finding), ADMIT_OK);
    rig_wait(r, 11 * RIG_SECOND);
    rig_finding(r, 2, RIG_KILLS);
    assert_int_equal(answer(r, ENGINE_RESUME, RESULT_OK), ADMIT_STALE); /* the newer order counts */
    assert_int_equal(orders(r, ENGINE_DOWN), 2);
    assert_int_equal(rig_node_health(r, 2), HEALTH_DOWN);
    rig_check_log(r);
    rig_free(r);
}

static void bug_an_approval_covered_every_later_order_of_the_incident(void **state)
{
    (void)state;
    struct rig *r = busy_bench(MODE_APPROVE);
    rig_finding(r, 2, RIG_DEFERS);
    assert_int_equal(rig_answer(r, CMD_APPROVE, rig_last(r, EV_ADVICE)), ADMIT_OK);
    assert_int_equal(answer(r, ENGINE_DRAIN, RESULT_OK), ADMIT_OK);
    set_mode(r, MODE_OBSERVE);
    rig_finding(r, 2, RIG_SLOWS);
    assert_int_equal(orders(r, ENGINE_DOWN), 0);
    assert_int_equal(orders(r, ENGINE_REQUEUE), 0);
    rig_check_log(r);
    rig_free(r);
}

static void bug_a_failed_down_was_given_again_to_a_node_that_had_recovered(void **state)
{
    (void)state;
    struct rig *r = bench(MODE_ACT);
    uint64_t finding = rig_finding(r, 2, RIG_SLOWS);
    assert_int_equal(rig_closed(r, 2, finding), ADMIT_OK);
    assert_int_equal(rig_node_health(r, 2), HEALTH_PROBATION);
    assert_int_equal(answer(r, ENGINE_DOWN, RESULT_FAILED), ADMIT_OK);
    assert_int_equal(rig_job(r, 8, 1, 0), ADMIT_OK);
    assert_int_equal(allocated(r, 8, 2, 1), ADMIT_OK);
    rig_wait(r, 11 * RIG_SECOND);
    assert_int_equal(orders(r, ENGINE_DOWN), 1);
    assert_int_equal(orders(r, ENGINE_REQUEUE), 0);
    assert_int_equal(rig_count(r, EV_INCIDENT_CLOSED), 1);
    rig_check_log(r);
    rig_free(r);
}

static void bug_what_a_person_rejected_went_out_later(void **state)
{
    (void)state;
    static const uint16_t CLASS[] = { RIG_SLOWS, RIG_KILLS };
    for (uint32_t i = 0; i < MW_ARRAY_LEN(CLASS); i++) {
        struct rig *r = busy_bench(MODE_APPROVE);
        uint64_t finding = rig_finding(r, 2, CLASS[i]);
        assert_int_equal(rig_answer(r, CMD_REJECT, rig_last(r, EV_ADVICE)), ADMIT_OK);
        set_mode(r, MODE_ACT);
        rig_wait(r, 30 * RIG_MINUTE);
        rig_repair(r, 2);
        assert_int_equal(rig_closed(r, 2, finding), ADMIT_OK);
        if (CLASS[i] == RIG_KILLS)
            assert_int_equal(rig_gate(r, 2, RESULT_OK), ADMIT_OK);
        rig_wait(r, 2 * RIG_HOUR);
        assert_int_equal(orders(r, ENGINE_DOWN), 0);
        assert_int_equal(orders(r, ENGINE_REQUEUE), 0);
        rig_check_log(r);
        rig_free(r);
    }
}

static void bug_an_advice_could_not_be_approved_after_a_failed_gate(void **state)
{
    (void)state;
    struct rig *r = bench(MODE_APPROVE);
    uint64_t finding = rig_finding(r, 2, RIG_KILLS);
    struct rig_event advice = *rig_last(r, EV_ADVICE);
    rig_repair(r, 2);
    assert_int_equal(rig_closed(r, 2, finding), ADMIT_OK);
    assert_int_equal(rig_gate(r, 2, RESULT_FAILED), ADMIT_OK);
    assert_int_equal(rig_node_health(r, 2), HEALTH_DOWN);
    assert_int_equal(rig_answer(r, CMD_APPROVE, &advice), ADMIT_OK);
    assert_int_equal(orders(r, ENGINE_DOWN), 1);
    rig_free(r);
}

static void an_order_that_always_fails_is_left_to_a_person(void **state)
{
    (void)state;
    struct rig *r = busy_bench(MODE_ACT);
    rig_finding(r, 2, RIG_KILLS);
    for (uint32_t i = 0; i < 4; i++) {
        struct event down = *order(r, ENGINE_DOWN);
        (void)answer(r, ENGINE_REQUEUE, RESULT_FAILED);
        (void)answer_to(r, &down, RESULT_FAILED);
        rig_wait(r, 2 * RIG_MINUTE);
    }
    assert_int_equal(orders(r, ENGINE_DOWN), 3);
    rig_wait(r, RIG_HOUR);
    assert_int_equal(orders(r, ENGINE_DOWN), 3);
    rig_finding(r, 2, RIG_SLOWS); /* something new: it is tried again */
    assert_int_equal(orders(r, ENGINE_DOWN), 4);
    rig_check_log(r);
    rig_free(r);
}

static enum admit wish(struct rig *r, const struct body_command *c)
{
    struct event ev = { .kind = EV_COMMAND, .source = SOURCE_PERSON, .actor = 1042 };
    ev.body.command = *c;
    ev.body.command.verb = CMD_ENGINE;
    ev.body.command.hall = ev.body.command.slot = MW_NONE;
    return rig_submit(r, &ev, NULL);
}

static void a_persons_wish_goes_out_in_any_mode_until_it_is_answered(void **state)
{
    (void)state;
    struct rig *r = bench(MODE_OBSERVE);
    assert_int_equal(rig_job(r, 7, 4, 0), ADMIT_OK);
    rig_forget(r);
    const struct body_command hold = { .ref = 7, .node = MW_NONE, .engine = ENGINE_HOLD };
    const struct body_command require = { .ref = 7, .node = 3, .count = 4,
                                          .engine = ENGINE_REQUIRE };
    const struct body_command reserve = { .node = 6, .count = 2, .length_ms = 3600000,
                                          .engine = ENGINE_RESERVE };
    assert_int_equal(wish(r, &hold), ADMIT_OK);
    assert_int_equal(wish(r, &require), ADMIT_OK);
    assert_int_equal(wish(r, &reserve), ADMIT_OK);
    rig_expect(r, "command engine.order command engine.order command engine.order");
    assert_int_equal(order(r, ENGINE_HOLD)->actor, 1042);
    assert_int_equal(order(r, ENGINE_REQUIRE)->tail_size, 4 * sizeof(uint32_t));
    struct event answered = *order(r, ENGINE_HOLD);
    assert_int_equal(answer_to(r, &answered, RESULT_OK), ADMIT_OK);
    assert_int_equal(answer_to(r, &answered, RESULT_OK), ADMIT_STALE);
    struct rig *again = rig_make_on(r->fleet, &r->control->policy,
                                    rig_copy(r, core_seq(r->control->core)), false);
    assert_int_equal(again->acted_length, 2); /* the two without an answer */
    rig_free(again);
    rig_check_log(r);
    rig_free(r);
}

static void a_wish_that_cannot_be_is_refused(void **state)
{
    (void)state;
    struct rig *r = bench(MODE_ACT);
    const struct body_command no_job = { .ref = 9, .node = MW_NONE, .engine = ENGINE_HOLD };
    const struct body_command no_node = { .node = NODES, .engine = ENGINE_DRAIN };
    const struct body_command past = { .node = 6, .count = 3, .length_ms = 1,
                                       .engine = ENGINE_RESERVE };
    const struct body_command for_ever = { .node = 6, .count = 1, .engine = ENGINE_RESERVE };
    const struct body_command unknown = { .node = 6, .engine = ENGINE_VERBS };
    assert_int_equal(wish(r, &no_job), ADMIT_STALE);
    assert_int_equal(wish(r, &no_node), ADMIT_IMPOSSIBLE);
    assert_int_equal(wish(r, &past), ADMIT_IMPOSSIBLE);
    assert_int_equal(wish(r, &for_ever), ADMIT_IMPOSSIBLE);
    assert_int_equal(wish(r, &unknown), ADMIT_IMPOSSIBLE);
    const struct body_command drain = { .node = 6, .engine = ENGINE_DRAIN };
    for (uint32_t i = 0; i < 4096; i++)
        assert_int_equal(wish(r, &drain), ADMIT_OK);
    assert_int_equal(wish(r, &drain), ADMIT_FULL);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dead_node_is_ordered_down_and_its_job_put_back),
        cmocka_unit_test(in_observe_mode_nothing_goes_out),
        cmocka_unit_test(what_was_advice_is_done_when_a_person_sets_the_mode_to_act),
        cmocka_unit_test(an_approved_order_goes_out_for_the_person),
        cmocka_unit_test(an_order_that_failed_is_given_again_after_a_minute),
        cmocka_unit_test(the_incident_stays_open_until_the_engine_has_the_node_back),
        cmocka_unit_test(what_others_took_out_is_held_until_they_return_it),
        cmocka_unit_test(a_node_that_is_out_by_an_order_nobody_remembers_is_held),
        cmocka_unit_test(a_node_that_a_person_returned_is_ready_and_nothing_is_ordered),
        cmocka_unit_test(a_fault_during_a_drain_turns_it_into_down),
        cmocka_unit_test(a_job_goes_back_around_nodes_that_are_known_to_be_bad),
        cmocka_unit_test(a_gang_that_cannot_be_is_not_believed),
        cmocka_unit_test(no_more_than_a_share_of_the_fleet_is_down_at_our_word),
        cmocka_unit_test(bug_a_fault_while_the_node_is_being_resumed_was_forgotten),
        cmocka_unit_test(bug_an_approval_covered_every_later_order_of_the_incident),
        cmocka_unit_test(bug_a_failed_down_was_given_again_to_a_node_that_had_recovered),
        cmocka_unit_test(bug_what_a_person_rejected_went_out_later),
        cmocka_unit_test(bug_an_advice_could_not_be_approved_after_a_failed_gate),
        cmocka_unit_test(an_order_that_always_fails_is_left_to_a_person),
        cmocka_unit_test(a_persons_wish_goes_out_in_any_mode_until_it_is_answered),
        cmocka_unit_test(a_wish_that_cannot_be_is_refused),
        cmocka_unit_test(orders_without_an_answer_go_out_again_after_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
