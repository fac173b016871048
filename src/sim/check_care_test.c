/* The checker of repairs and gates: each violation it is there for, made on purpose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fleet/site.h"
#include "sim/check_care.h"

#define NODES 8u
enum { GATED, LONG_GATE, HEALS, UNGATED };

struct fixture {
    struct fleet *fleet;
    struct check_care *check;
    uint64_t seq, incident;
};

static struct fixture make(void)
{
    struct care_policy p = care_policy_default();
    struct mw_error err = {0};
    struct fixture f = {0};
    p.classes = 4;
    p.class[GATED].gate_ms = 60000;
    p.class[LONG_GATE] = p.class[HEALS] = p.class[UNGATED] = p.class[GATED];
    p.class[LONG_GATE].gate_ms = 120000;
    p.class[HEALS].heals = true;
    p.class[UNGATED].gate_ms = 0;
    assert_int_equal(site_simple(NODES, &f.fleet, &err), 0);
    assert_int_equal(check_care_create(f.fleet, &p, &f.check), 0);
    return f;
}

static void fini(struct fixture *f)
{
    check_care_destroy(f->check);
    fleet_destroy(f->fleet);
}

static uint64_t say(struct fixture *f, struct event *ev)
{
    ev->seq = ++f->seq;
    check_care_event(f->check, ev);
    return ev->seq;
}

static void expect(const struct fixture *f, const char *part)
{
    assert_non_null(check_care_text(f->check));
    assert_non_null(strstr(check_care_text(f->check), part));
}

/* Row 2, node 3. */
static void incident(struct fixture *f, uint16_t kind, uint16_t gate_class)
{
    struct event ev = {.kind = kind};
    ev.body.incident = (struct body_incident){.incident = f->incident, .node = 3, .slot = 2,
                                              .class = gate_class, .gate_class = gate_class};
    uint64_t seq = say(f, &ev);
    if (kind == EV_INCIDENT_OPENED)
        f->incident = seq;
}

static void move(struct fixture *f, uint8_t to)
{
    struct event ev = {.kind = EV_NODE_MOVED};
    ev.body.node = (struct body_node){.incident = f->incident, .node = 3, .slot = 2, .to = to};
    (void)say(f, &ev);
}

static uint64_t order(struct fixture *f, uint16_t kind, uint64_t cause, uint8_t result)
{
    struct event ev = {.kind = kind, .cause = cause, .tail_size = kind == EV_ACTION_ENDED ? 4 : 0};
    ev.body.order = (struct body_order){.incident = f->incident, .node = 3, .slot = 2,
                                        .result = result};
    return say(f, &ev);
}

static uint64_t gate(struct fixture *f, uint16_t kind, uint64_t cause, uint16_t class,
                     uint8_t result)
{
    struct event ev = {.kind = kind, .cause = cause};
    ev.body.gate = (struct body_gate){.incident = f->incident, .node = 3, .slot = 2,
                                      .class = class, .result = result};
    return say(f, &ev);
}

/* Down, repaired: the gate is next. */
static void to_the_gate(struct fixture *f, uint16_t class)
{
    incident(f, EV_INCIDENT_OPENED, class);
    move(f, HEALTH_DOWN);
    uint64_t seq = order(f, EV_ORDER_OPENED, 0, 0);
    (void)order(f, EV_ORDER_TAKEN, seq, 0);
    move(f, HEALTH_REPAIRING);
    (void)order(f, EV_ORDER_ENDED, seq, RESULT_OK);
    move(f, HEALTH_VALIDATING);
    assert_null(check_care_text(f->check));
}

static void a_lawful_repair_is_left_alone(void **state)
{
    struct fixture f = make();
    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        to_the_gate(&f, GATED);
        uint64_t seq = gate(&f, EV_GATE_STARTED, 0, GATED, 0);
        (void)gate(&f, EV_GATE_ENDED, seq, GATED, RESULT_OK);
        move(&f, HEALTH_PROBATION);
        move(&f, HEALTH_READY);
        incident(&f, EV_INCIDENT_CLOSED, GATED);
    }
    to_the_gate(&f, UNGATED);
    move(&f, HEALTH_READY);
    incident(&f, EV_INCIDENT_CLOSED, UNGATED);
    incident(&f, EV_INCIDENT_OPENED, HEALS);
    move(&f, HEALTH_DOWN);
    move(&f, HEALTH_REPAIRING);
    move(&f, HEALTH_VALIDATING);
    assert_null(check_care_text(f.check));
    fini(&f);
}

static void a_return_without_a_gate_or_by_a_failed_one_is_seen(void **state)
{
    struct fixture f = make();
    (void)state;
    to_the_gate(&f, GATED);
    move(&f, HEALTH_PROBATION);
    expect(&f, "without a passed gate");
    fini(&f);
    f = make();
    to_the_gate(&f, GATED);
    uint64_t seq = gate(&f, EV_GATE_STARTED, 0, GATED, 0);
    (void)gate(&f, EV_GATE_ENDED, seq, GATED, RESULT_FAILED);
    move(&f, HEALTH_READY);
    expect(&f, "without a passed gate");
    fini(&f);
}

static void a_gate_of_before_the_second_fault_is_seen(void **state)
{
    struct fixture f = make();
    (void)state;
    to_the_gate(&f, GATED);
    uint64_t seq = gate(&f, EV_GATE_STARTED, 0, GATED, 0);
    (void)gate(&f, EV_GATE_ENDED, seq, GATED, RESULT_OK);
    incident(&f, EV_INCIDENT_JOINED, LONG_GATE);
    move(&f, HEALTH_PROBATION);
    expect(&f, "without a passed gate of class 1");
    fini(&f);
    f = make(); /* the shorter gate of the two */
    to_the_gate(&f, GATED);
    incident(&f, EV_INCIDENT_JOINED, LONG_GATE);
    seq = gate(&f, EV_GATE_STARTED, 0, GATED, 0);
    (void)gate(&f, EV_GATE_ENDED, seq, GATED, RESULT_OK);
    move(&f, HEALTH_READY);
    expect(&f, "without a passed gate of class 1");
    fini(&f);
}

static void an_answer_to_what_is_over_is_seen(void **state)
{
    struct fixture f = make();
    (void)state;
    incident(&f, EV_INCIDENT_OPENED, GATED);
    uint64_t first = order(&f, EV_ORDER_OPENED, 0, 0);
    (void)order(&f, EV_ORDER_ENDED, first, RESULT_FAILED);
    (void)order(&f, EV_ORDER_OPENED, 0, 0);
    assert_null(check_care_text(f.check));
    (void)order(&f, EV_ORDER_ENDED, first, RESULT_OK);
    expect(&f, "answers event 2");
    fini(&f);
    f = make();
    to_the_gate(&f, GATED);
    first = gate(&f, EV_GATE_STARTED, 0, GATED, 0);
    move(&f, HEALTH_DOWN);
    (void)gate(&f, EV_GATE_ENDED, first, GATED, RESULT_OK);
    expect(&f, "answers gate");
    fini(&f);
    f = make();
    incident(&f, EV_INCIDENT_OPENED, GATED);
    incident(&f, EV_INCIDENT_CLOSED, GATED);
    (void)order(&f, EV_ORDER_OPENED, 0, 0);
    expect(&f, "which is not open");
    fini(&f);
}

static void two_orders_at_once_are_seen(void **state)
{
    struct fixture f = make();
    (void)state;
    incident(&f, EV_INCIDENT_OPENED, GATED);
    (void)order(&f, EV_ORDER_OPENED, 0, 0);
    (void)order(&f, EV_ORDER_WITHDRAWN, 0, 0);
    (void)order(&f, EV_ACTION_STARTED, 0, 0);
    assert_null(check_care_text(f.check));
    (void)order(&f, EV_ORDER_OPENED, 0, 0);
    expect(&f, "is open");
    fini(&f);
}

static void what_was_not_done_or_not_read_back_is_seen(void **state)
{
    struct fixture f = make();
    (void)state;
    incident(&f, EV_INCIDENT_OPENED, GATED);
    move(&f, HEALTH_DOWN);
    uint64_t seq = order(&f, EV_ORDER_OPENED, 0, 0);
    (void)order(&f, EV_ORDER_ENDED, seq, RESULT_UNKNOWN);
    move(&f, HEALTH_VALIDATING);
    expect(&f, "nothing about it ended well");
    fini(&f);
    f = make();
    incident(&f, EV_INCIDENT_OPENED, GATED);
    struct event ev = {.kind = EV_ACTION_ENDED, .cause = order(&f, EV_ACTION_STARTED, 0, 0)};
    ev.body.order = (struct body_order){.incident = f.incident, .node = 3, .slot = 2,
                                        .result = RESULT_OK};
    (void)say(&f, &ev);
    expect(&f, "not what was read back");
    fini(&f);
}

static void a_persons_word_is_enough(void **state)
{
    struct fixture f = make();
    (void)state;
    to_the_gate(&f, GATED);
    (void)gate(&f, EV_GATE_STARTED, 0, GATED, 0);
    struct event ev = {.kind = EV_NODES_ADOPTED, .actor = 1};
    ev.body.adopt = (struct body_adopt){.first = 3, .count = 1, .health = HEALTH_READY};
    (void)say(&f, &ev);
    incident(&f, EV_INCIDENT_CLOSED, GATED);
    incident(&f, EV_INCIDENT_OPENED, GATED);
    assert_null(check_care_text(f.check));
    fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lawful_repair_is_left_alone),
        cmocka_unit_test(a_return_without_a_gate_or_by_a_failed_one_is_seen),
        cmocka_unit_test(a_gate_of_before_the_second_fault_is_seen),
        cmocka_unit_test(an_answer_to_what_is_over_is_seen),
        cmocka_unit_test(two_orders_at_once_are_seen),
        cmocka_unit_test(what_was_not_done_or_not_read_back_is_seen),
        cmocka_unit_test(a_persons_word_is_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
