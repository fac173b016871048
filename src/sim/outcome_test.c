/* Counts of a record: each is a figure that a person reads in the results. */
#include "sim/outcome.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/units.h"

#define NODES 8u
#define HOUR MW_NS_PER_HOUR

static struct outcome o;
static struct marks marks;

static int start(void **state)
{
    (void)state;
    memset(&marks, 0, sizeof(marks));
    assert_int_equal(outcome_init(&o, NODES, 4, &marks), 0);
    struct event ev = {.kind = EV_NODES_ADOPTED, .time_ns = MW_NS_PER_DAY};
    ev.body.adopt = (struct body_adopt){.count = NODES, .health = HEALTH_READY};
    outcome_event(&o, &ev, NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    outcome_fini(&o);
    return 0;
}

static void say(struct event ev, int64_t after_ns)
{
    ev.time_ns = MW_NS_PER_DAY + after_ns;
    outcome_event(&o, &ev, NULL);
}

static void move(uint32_t node, uint8_t from, uint8_t to, int64_t after_ns)
{
    struct event ev = {.kind = EV_NODE_MOVED};
    ev.body.node = (struct body_node){.node = node, .from = from, .to = to};
    say(ev, after_ns);
}

/* One incident of a node: out at its beginning, back and closed at its end. */
static void incident(uint32_t node, int64_t begin_ns, int64_t end_ns)
{
    struct event ev = {.kind = EV_INCIDENT_OPENED};
    ev.body.incident.node = node;
    say(ev, begin_ns);
    move(node, HEALTH_READY, HEALTH_DOWN, begin_ns);
    move(node, HEALTH_DOWN, HEALTH_REPAIRING, begin_ns);
    move(node, HEALTH_VALIDATING, HEALTH_READY, end_ns);
    ev.kind = EV_INCIDENT_CLOSED;
    say(ev, end_ns);
}

static void place(uint32_t slot, uint32_t attempt, const uint32_t *node, uint32_t nodes)
{
    struct event ev = {.kind = EV_ATTEMPT_PLACED, .time_ns = MW_NS_PER_DAY,
                       .tail_size = nodes * (uint32_t)sizeof(*node)};
    ev.body.place = (struct body_place){.job = 1, .slot = slot, .attempt = attempt,
                                        .nodes = nodes};
    outcome_event(&o, &ev, node);
}

static void end(uint8_t how, uint32_t node, uint16_t class)
{
    struct event ev = {.kind = EV_ATTEMPT_ENDED};
    ev.body.progress = (struct body_progress){.job = 1, .node = node, .class = class, .how = how};
    say(ev, HOUR);
}

static void a_node_that_fails_again_within_a_week_is_a_refault_of_both_kinds(void **state)
{
    (void)state;
    incident(1, HOUR, 2 * HOUR);
    incident(1, 3 * MW_NS_PER_DAY, 4 * MW_NS_PER_DAY);
    incident(1, 20 * MW_NS_PER_DAY, 21 * MW_NS_PER_DAY);
    incident(2, 22 * MW_NS_PER_DAY, 23 * MW_NS_PER_DAY);
    incident(1, 90 * MW_NS_PER_DAY, 91 * MW_NS_PER_DAY);
    struct outcome_counts n = outcome_counts(&o);
    assert_int_equal(n.returns, 5);
    assert_int_equal(n.refaults_7d, 1);
    assert_int_equal(n.refaults_30d, 2);
}

static void the_longest_tenth_of_the_times_out_has_its_share_of_the_downtime(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 19; i++)
        incident(i % NODES, (int64_t)i * MW_NS_PER_DAY, (int64_t)i * MW_NS_PER_DAY + HOUR);
    incident(3, 40 * MW_NS_PER_DAY, 40 * MW_NS_PER_DAY + 81 * HOUR);
    struct outcome_counts n = outcome_counts(&o);
    assert_int_equal(n.downs, 20);
    assert_int_equal(n.down_ms, 100 * MW_MS_PER_HOUR);
    assert_int_equal(n.down_longest_ms, 82 * MW_MS_PER_HOUR); /* two of twenty */
}

static void restarts_are_told_apart_by_what_caused_them(void **state)
{
    (void)state;
    end(HOW_FAILED, 2, 3);
    end(HOW_STOPPED, 2, 3);
    end(HOW_STOPPED, MW_NONE, BOARD_CLASS_PERSON);
    end(HOW_STOPPED, MW_NONE, BOARD_CLASS_PREEMPT);
    end(HOW_UNKNOWN, MW_NONE, UINT16_MAX);
    end(HOW_DONE, MW_NONE, UINT16_MAX);
    end(HOW_FAILED, MW_NONE, UINT16_MAX); /* its own error */
    end(HOW_CANCELLED, MW_NONE, UINT16_MAX);
    struct outcome_counts n = outcome_counts(&o);
    assert_int_equal(n.restarts, 5);
    assert_int_equal(n.restarts_by_class[3], 2);
    assert_true(n.restarts_by_person == 1 && n.restarts_by_room == 1 && n.restarts_by_other == 1);
}

static void a_restart_that_leaves_fewer_free_nodes_than_are_kept_has_used_spares(void **state)
{
    static const uint32_t first[] = {0, 1, 2}, second[] = {3, 4, 5, 6};
    (void)state;
    struct event ev = {.kind = EV_SPARES_SIZED};
    ev.body.spares.target = 3;
    say(ev, 0);
    place(0, 1, first, 3); /* five are left */
    assert_int_equal(outcome_counts(&o).spares_used, 0);
    place(1, 2, second, 4); /* one of the three that are kept */
    assert_int_equal(outcome_counts(&o).spares_used, 2);
    end(HOW_DONE, MW_NONE, UINT16_MAX); /* the first gives its nodes back */
    place(0, 2, first, 3);
    assert_int_equal(outcome_counts(&o).spares_used, 4);
    move(7, HEALTH_READY, HEALTH_RETIRED, HOUR);
    assert_int_equal(outcome_counts(&o).retired, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_node_that_fails_again_within_a_week_is_a_refault_of_both_kinds, start, stop),
        cmocka_unit_test_setup_teardown(
            the_longest_tenth_of_the_times_out_has_its_share_of_the_downtime, start, stop),
        cmocka_unit_test_setup_teardown(restarts_are_told_apart_by_what_caused_them, start, stop),
        cmocka_unit_test_setup_teardown(
            a_restart_that_leaves_fewer_free_nodes_than_are_kept_has_used_spares, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
