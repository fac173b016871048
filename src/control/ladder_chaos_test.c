/* The ladder in a world without sense; its record read back, and decided again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "care/care_ladder.h"
#include "control/rig_again.h"
#include "control/rig_ladder.h"

#define NODES 16

static void finish(struct rig *r)
{
    rig_check_log(r);
    rig_check_accounts(r, RIG_HOUR);
    rig_free(r);
}

static void some_answer(struct rig *r, uint64_t n)
{
    static const uint8_t RESULT[] = { RESULT_OK, RESULT_OK, RESULT_FAILED, RESULT_UNKNOWN };
    static const uint8_t DONE[] = { STEP_COUNT, STEP_COUNT, STEP_REPLACE, STEP_RETIRE };
    const struct board *b = r->control->board;
    struct care_order o;
    for (uint32_t slot = 0; slot < b->incidents_used; slot++) {
        if (!care_order_of(r->control->care, slot, &o) || o.node == MW_NONE || (n + slot) % 3)
            continue;
        uint32_t kind = o.action ? EV_ACTION_STARTED : EV_ORDER_OPENED;
        uint8_t done = o.action || n % 40 ? STEP_COUNT : DONE[n / 40 % 4];
        uint8_t result = RESULT[(n + o.node) % 4];
        if (rig_last_of(r, kind, o.node)->ev.seq == o.seq)
            assert_int_equal(rig_step_ended(r, kind, o.node, result, done), ADMIT_OK);
        return;
    }
}

/* No second action while one is open, whatever happens. */
static void check_actions(const struct rig *r)
{
    uint64_t open[256] = { 0 }; /* per row */
    for (uint32_t i = 0; i < r->log_length; i++) {
        const struct event *ev = &r->log[i].ev;
        uint32_t slot = ev->body.order.slot;
        switch (ev->kind) {
        case EV_ACTION_STARTED:
            assert_true(!open[slot]);
            open[slot] = ev->seq;
            break;
        case EV_ACTION_ENDED:
            assert_int_equal(open[slot], ev->cause);
            open[slot] = 0;
            break;
        case EV_ORDER_OPENED:
            assert_true(!open[slot]);
            break;
        case EV_GATE_STARTED:
            assert_true(!open[ev->body.gate.slot]);
            break;
        case EV_INCIDENT_CLOSED:
            assert_true(!open[ev->body.incident.slot]);
            break;
        default:
            break;
        }
    }
}

static struct rig *played(const struct control_policy *p, uint64_t seed)
{
    struct rig *r = rig_make(NODES, p);
    r->hashes = true;
    for (uint64_t n = 0; n < 400; n++) {
        rig_chaos(r, seed, n);
        if (n % 4 == 0)
            some_answer(r, n);
        if (n % 100 == 60)
            rig_command(r, CMD_SET_MODE, 0, "act");
    }
    assert_true(rig_count(r, EV_ACTION_STARTED) > 3 && rig_count(r, EV_STEP_CHOSEN) > 6);
    return r;
}

static struct control_policy chaos_policy(uint64_t seed)
{
    struct control_policy p = rig_ladder_policy();
    if (seed % 2)
        rig_with_retirement(&p);
    p.guard.mode = seed % 3 ? MODE_ACT : MODE_APPROVE;
    p.care.least_cost = seed % 5 > 0;
    p.care.part[0].stock = 3;
    const struct care_class *k = &p.care.class[RIG_KILLS];
    for (uint32_t i = RIG_SLOWS; i <= RIG_FLAPS; i++) {
        memcpy(p.care.class[i].ladder, k->ladder, sizeof(k->ladder));
        p.care.class[i].steps = k->steps;
        p.care.class[i].slow_ppm = 100000 * i;
        p.care.class[i].hazard_per_1e9_hours = 1000000;
    }
    p.care.class[RIG_IN_PLACE].ladder[REBOOT].step = STEP_RESTART_SERVICE;
    p.care.class[RIG_IN_PLACE].ladder[REBOOT].who = WHO_AGENT;
    return p;
}

static void a_world_without_sense_does_not_break_the_ladder(void **state)
{
    (void)state;
    uint32_t actions = 0, advice = 0, retired = 0, drains = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct control_policy p = chaos_policy(seed);
        struct rig *r = played(&p, seed);
        check_actions(r);
        actions += rig_count(r, EV_ACTION_ENDED);
        advice += rig_count(r, EV_ADVICE);
        for (uint32_t i = 0; i < r->log_length; i++) {
            const struct event *ev = &r->log[i].ev;
            retired += ev->kind == EV_NODE_MOVED && ev->body.node.to == HEALTH_RETIRED;
            drains += ev->kind == EV_STEP_CHOSEN && !ev->body.step.visit;
        }
        finish(r);
    }
    assert_true(actions > 100 && advice > 10 && retired > 0 && drains > 3);
}

static void the_record_read_back_gives_the_same_state_and_the_same_decisions(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct control_policy p = chaos_policy(seed);
        struct rig *r = played(&p, seed);
        (void)rig_check_read_back(r, 7, 14);
        rig_check_rederived(r);
        rig_free(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_world_without_sense_does_not_break_the_ladder),
        cmocka_unit_test(the_record_read_back_gives_the_same_state_and_the_same_decisions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
