/* The checker itself: each violation it is there for, made on purpose.  A checker that sees nothing
 * would let every sweep pass. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "fleet/site.h"
#include "sim/check.h"

#define NODES 16u

struct fixture {
    struct fleet *fleet;
    struct control_policy policy;
    struct check *check;
    uint64_t seq;
    uint64_t incident[NODES]; /* of each node that moved, in the row of its number */
};

/* A checker under the fixture's policy, all nodes adopted. */
static void begin(struct fixture *f)
{
    check_destroy(f->check);
    assert_int_equal(check_create(f->fleet, &f->policy, &f->check), 0);
    struct event ev = {.kind = EV_NODES_ADOPTED, .seq = ++f->seq, .actor = 1};
    ev.body.adopt = (struct body_adopt){.count = NODES, .health = HEALTH_READY};
    check_event(f->check, &ev, NULL);
    assert_null(check_text(f->check));
}

static int set_up(void **state)
{
    static struct fixture f;
    struct mw_error err = {0};
    f = (struct fixture){.policy = control_policy_default()};
    assert_int_equal(site_simple(NODES, &f.fleet, &err), 0);
    begin(&f);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    check_destroy(f->check);
    fleet_destroy(f->fleet);
    return 0;
}

static void say(struct fixture *f, struct event *ev, const void *tail)
{
    ev->seq = ++f->seq;
    check_event(f->check, ev, tail);
}

static void submit(struct fixture *f, uint64_t job)
{
    struct event ev = {.kind = EV_JOB_SUBMITTED};
    ev.body.job.job = job;
    say(f, &ev, NULL);
}

static struct event place(struct fixture *f, uint64_t job, uint32_t node)
{
    struct event ev = {.kind = EV_ATTEMPT_PLACED, .tail_size = sizeof(node)};
    ev.body.place = (struct body_place){.job = job, .nodes = 1};
    say(f, &ev, &node);
    return ev;
}

static void move(struct fixture *f, uint32_t node, uint8_t from, uint8_t to)
{
    if (f->incident[node] == 0) {
        struct event why = {.kind = EV_INCIDENT_OPENED};
        why.body.incident = (struct body_incident){.node = node, .slot = node};
        say(f, &why, NULL);
        f->incident[node] = why.seq;
    }
    struct event ev = {.kind = EV_NODE_MOVED};
    ev.body.node = (struct body_node){.incident = f->incident[node], .node = node, .slot = node,
                                      .from = from, .to = to};
    say(f, &ev, NULL);
}

static void drain(struct fixture *f, uint32_t node, int64_t time_ns, uint32_t actor)
{
    struct event ev = {.kind = EV_DRAIN_ORDERED, .time_ns = time_ns, .actor = actor};
    ev.body.drain = (struct body_drain){.node = node, .how = DRAIN_NOW};
    say(f, &ev, NULL);
}

static void expect(const struct fixture *f, const char *part)
{
    assert_non_null(check_text(f->check));
    assert_non_null(strstr(check_text(f->check), part));
}

static void a_lawful_life_is_left_alone(void **state)
{
    struct fixture *f = *state;
    submit(f, 1);
    place(f, 1, 4);
    struct event ev = {.kind = EV_ATTEMPT_ENDED};
    ev.body.progress = (struct body_progress){.job = 1, .how = HOW_STOPPED, .node = MW_NONE};
    say(f, &ev, NULL);
    move(f, 4, HEALTH_READY, HEALTH_DOWN);
    place(f, 1, 5);
    ev.body.progress.how = HOW_DONE;
    say(f, &ev, NULL);
    check_quiet(f->check);
    assert_null(check_text(f->check));
}

static void a_job_on_a_broken_node_is_seen(void **state)
{
    struct fixture *f = *state;
    submit(f, 1);
    move(f, 4, HEALTH_READY, HEALTH_DOWN);
    place(f, 1, 4);
    expect(f, "which is down");
}

static void a_job_on_a_held_node_is_seen(void **state)
{
    struct fixture *f = *state;
    struct event ev = {.kind = EV_COMMAND, .actor = 1};
    ev.body.command = (struct body_command){.node = 4, .verb = CMD_HOLD};
    say(f, &ev, NULL);
    submit(f, 1);
    place(f, 1, 4);
    expect(f, "held by a person");
}

static void two_jobs_on_a_node_are_seen(void **state)
{
    struct fixture *f = *state;
    submit(f, 1);
    submit(f, 2);
    place(f, 1, 4);
    place(f, 2, 4);
    expect(f, "which has job 1");
}

static void a_job_that_nobody_submitted_is_seen(void **state)
{
    struct fixture *f = *state;
    place(f, 7, 4);
    expect(f, "not queued");
}

static void a_forbidden_move_of_a_node_is_seen(void **state)
{
    struct fixture *f = *state;
    move(f, 4, HEALTH_READY, HEALTH_PROBATION);
    expect(f, "node 4");
}

static void automation_over_its_budget_is_seen_and_a_person_is_not_automation(void **state)
{
    struct fixture *f = *state;
    drain(f, 4, 1000 * MW_NS_PER_S, 0);
    drain(f, 5, 1001 * MW_NS_PER_S, 1);
    assert_null(check_text(f->check));
    drain(f, 6, 1002 * MW_NS_PER_S, 0); /* one node of a small hall in ten minutes */
    expect(f, "in its window");
}

/* A node of another rack on the same PDU or CDU as node 0's. */
static uint32_t neighbour_of_node_0(const struct fleet *f)
{
    uint32_t rack = f->node_rack[0];
    for (uint32_t n = 1; n < NODES; n++) {
        uint32_t other = f->node_rack[n];
        if (other != rack && (f->rack_cdu[other] == f->rack_cdu[rack] ||
                              f->rack_pdu[0][other] == f->rack_pdu[0][rack]))
            return n;
    }
    fail_msg("no two racks of the site share a domain");
    return MW_NONE;
}

static void loosen_budget(struct fixture *f, bool domain_rule)
{
    f->policy.guard.fleet_permille_x10 = 10000;
    f->policy.guard.hall_permille_x10 = 10000;
    f->policy.guard.domain_rule = domain_rule;
    begin(f);
}

static void two_racks_of_a_domain_are_seen(void **state)
{
    struct fixture *f = *state;
    loosen_budget(f, true);
    drain(f, 0, MW_NS_PER_S, 0);
    drain(f, 1, MW_NS_PER_S, 0); /* the same rack */
    assert_null(check_text(f->check));
    drain(f, neighbour_of_node_0(f->fleet), MW_NS_PER_S, 0);
    expect(f, "same power or cooling domain");
}

static void two_racks_of_a_domain_are_lawful_without_the_rule(void **state)
{
    struct fixture *f = *state;
    loosen_budget(f, false);
    drain(f, 0, MW_NS_PER_S, 0);
    drain(f, neighbour_of_node_0(f->fleet), MW_NS_PER_S, 0);
    assert_null(check_text(f->check));
}

static void what_a_person_approved_does_not_count_in_a_domain(void **state)
{
    struct fixture *f = *state;
    uint32_t other = neighbour_of_node_0(f->fleet);
    loosen_budget(f, true);
    drain(f, 0, MW_NS_PER_S, 1);
    drain(f, other, MW_NS_PER_S, 0);
    assert_null(check_text(f->check));
    move(f, 0, HEALTH_SUSPECT, HEALTH_DOWN);
    drain(f, 1, MW_NS_PER_S, 0); /* beside the one that a person took, and `other` is out */
    expect(f, "same power or cooling domain");
}

static void cancel(struct fixture *f, uint64_t job)
{
    struct event ev = {.kind = EV_JOB_CANCELLED};
    ev.body.command.ref = job;
    say(f, &ev, NULL);
}

static void a_cancelled_job_that_starts_again_is_seen(void **state)
{
    struct fixture *f = *state;
    submit(f, 1);
    place(f, 1, 4);
    cancel(f, 1);
    struct event ev = {.kind = EV_ATTEMPT_ENDED};
    ev.body.progress = (struct body_progress){.job = 1, .how = HOW_STOPPED, .node = MW_NONE};
    say(f, &ev, NULL);
    submit(f, 2);
    cancel(f, 2); /* queued: it is gone at once */
    check_quiet(f->check);
    assert_null(check_text(f->check));
    place(f, 1, 4);
    expect(f, "places job 1, which is not queued");
}

static void cancelling_what_is_over_is_seen(void **state)
{
    struct fixture *f = *state;
    submit(f, 1);
    cancel(f, 1);
    assert_null(check_text(f->check));
    cancel(f, 1);
    expect(f, "cancels job 1");
}

static void a_job_on_a_drained_node_is_seen(void **state)
{
    struct fixture *f = *state;
    struct event ev = {.kind = EV_COMMAND, .actor = 1};
    ev.body.command = (struct body_command){.node = 4, .verb = CMD_DRAIN};
    say(f, &ev, NULL);
    submit(f, 1);
    place(f, 1, 4);
    expect(f, "held by a person");
}

static void an_action_that_is_not_in_the_record_is_seen(void **state)
{
    struct fixture *f = *state;
    submit(f, 1);
    struct event ev = place(f, 1, 4);
    uint32_t node = 4;
    check_action(f->check, &ev, &node);
    assert_null(check_text(f->check));
    node = 5;
    check_action(f->check, &ev, &node);
    expect(f, "not such an event");
}

static void an_action_that_is_given_twice_is_seen(void **state)
{
    struct fixture *f = *state;
    submit(f, 1);
    const struct event ev = place(f, 1, 4);
    const uint32_t node = 4;
    check_action(f->check, &ev, &node);
    check_died(f->check); /* it is asked for again by the next life */
    check_action(f->check, &ev, &node);
    assert_null(check_text(f->check));
    check_action(f->check, &ev, &node);
    expect(f, "twice");
}

static void a_job_that_never_ends_is_seen(void **state)
{
    struct fixture *f = *state;
    submit(f, 1);
    check_quiet(f->check);
    expect(f, "did not end");
}

static void a_command_without_a_person_is_seen(void **state)
{
    struct fixture *f = *state;
    struct event ev = {.kind = EV_COMMAND};
    ev.body.command = (struct body_command){.node = 4, .verb = CMD_RELEASE};
    say(f, &ev, NULL);
    expect(f, "without a person");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_lawful_life_is_left_alone),
        TEST(a_job_on_a_broken_node_is_seen),
        TEST(a_job_on_a_held_node_is_seen),
        TEST(two_jobs_on_a_node_are_seen),
        TEST(a_job_that_nobody_submitted_is_seen),
        TEST(a_forbidden_move_of_a_node_is_seen),
        TEST(automation_over_its_budget_is_seen_and_a_person_is_not_automation),
        TEST(two_racks_of_a_domain_are_seen),
        TEST(two_racks_of_a_domain_are_lawful_without_the_rule),
        TEST(what_a_person_approved_does_not_count_in_a_domain),
        TEST(a_cancelled_job_that_starts_again_is_seen),
        TEST(cancelling_what_is_over_is_seen),
        TEST(a_job_on_a_drained_node_is_seen),
        TEST(an_action_that_is_not_in_the_record_is_seen),
        TEST(an_action_that_is_given_twice_is_seen),
        TEST(a_job_that_never_ends_is_seen),
        TEST(a_command_without_a_person_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
