/* A person's commands on a live site: what is recorded, and what is said when it cannot be. */
#include "api/bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/pending.h"
#include "base/units.h"

static void a_hold_is_recorded_with_who_and_why_and_lifted_by_name(void **state)
{
    (void)state;
    struct bench *b = bench_make(MODE_OBSERVE);
    assert_int_equal(act(b, API_HOLD, 3, 0), 0);
    struct event ev = recorded(b, NULL);
    uint64_t hold = ev.seq;
    assert_true(ev.kind == EV_COMMAND && ev.actor == PERSON && ev.tail_size == strlen("because"));
    assert_int_equal(live_control(b->live)->board->node_holds[3], 1);
    assert_int_equal(act(b, API_RELEASE, 3, 4711), MW_ECONFLICT);
    assert_int_equal(act(b, API_RELEASE, 3, hold), 0);
    assert_int_equal(live_control(b->live)->board->node_holds[3], 0);
    assert_int_equal(act(b, API_RELEASE, 3, 0), MW_ECONFLICT);
    said(b, "no hold to lift");
    bench_free(b);
}

static int act_on(struct bench *b, uint8_t verb, const char *nodes)
{
    struct api_command c = { .verb = verb, .reason = "cordon" };
    must(strlen(nodes) < sizeof(c.node));
    memcpy(c.node, nodes, strlen(nodes));
    b->now_ns += MW_NS_PER_S;
    return api_act(&b->port, b->now_ns, PERSON, &c, &b->seq, &b->err);
}

static void many_nodes_are_held_by_one_command_with_one_commit(void **state)
{
    (void)state;
    struct bench *b = bench_make(MODE_OBSERVE);
    const struct control *c = live_control(b->live);
    char list[API_NAME_MAX];
    uint64_t commits = core_stats(c->core)->commits;
    /* The first rack's nodes, as a list: "h01-r01-k1-n[1-4]". */
    (void)snprintf(list, sizeof(list), "%.*s[1-4]", (int)strlen(name(b, 0)) - 1, name(b, 0));
    assert_int_equal(act_on(b, API_HOLD, list), 0);
    assert_int_equal(core_stats(c->core)->commits, commits + 1);
    for (uint32_t n = 0; n < 5; n++)
        assert_int_equal(c->board->node_holds[n], n < 4);
    struct event ev = recorded(b, NULL);
    assert_true(ev.kind == EV_COMMAND && ev.actor == PERSON && ev.body.command.node == 3);
    assert_int_equal(act_on(b, API_RELEASE, list), 0);
    for (uint32_t n = 0; n < 4; n++)
        assert_int_equal(c->board->node_holds[n], 0);
    bench_free(b);
}

static void a_list_with_a_strange_name_holds_nobody(void **state)
{
    (void)state;
    struct bench *b = bench_make(MODE_OBSERVE);
    char list[API_NAME_MAX];
    (void)snprintf(list, sizeof(list), "%s,%s,nobody", name(b, 0), name(b, 1));
    assert_int_equal(act_on(b, API_HOLD, list), MW_ENOTFOUND);
    said(b, "nobody");
    assert_int_equal(live_control(b->live)->board->node_holds[0], 0);
    assert_int_equal(act_on(b, API_HOLD, "x[1-"), MW_EINVAL);
    bench_free(b);
}

static void a_list_goes_as_far_as_it_can_and_says_where_it_stopped(void **state)
{
    (void)state;
    struct bench *b = bench_make(MODE_OBSERVE);
    char list[API_NAME_MAX];
    assert_int_equal(act_on(b, API_HOLD, name(b, 0)), 0);
    (void)snprintf(list, sizeof(list), "%s,%s", name(b, 0), name(b, 1));
    assert_int_equal(act_on(b, API_RELEASE, list), MW_ECONFLICT); /* the second is not held */
    said(b, name(b, 1));
    said(b, "what stands before it in the list is done");
    assert_int_equal(live_control(b->live)->board->node_holds[0], 0);
    bench_free(b);
}

static void names_that_the_site_does_not_have_are_said(void **state)
{
    (void)state;
    struct bench *b = bench_make(MODE_OBSERVE);
    struct api_command c = { .verb = API_HOLD, .node = "nobody", .reason = "x" };
    assert_int_equal(api_act(&b->port, b->now_ns, PERSON, &c, &b->seq, &b->err), MW_ENOTFOUND);
    said(b, "nobody");
    (void)snprintf(c.node, sizeof(c.node), "%s",
                   fleet_name(b->fleet, component_id(COMPONENT_RACK, 0)));
    assert_int_equal(api_act(&b->port, b->now_ns, PERSON, &c, &b->seq, &b->err), MW_ENOTFOUND);
    said(b, "that is a rack");
    struct api_command m = { .verb = API_SET_MODE, .mode = MODE_ACT, .hall = "nohall",
                             .reason = "x" };
    assert_int_equal(api_act(&b->port, b->now_ns, PERSON, &m, &b->seq, &b->err), MW_ENOTFOUND);
    assert_int_equal(act(b, API_APPROVE, MW_NONE, 4711), MW_ENOTFOUND);
    assert_int_equal(act(b, API_APPROVE, MW_NONE, 1), MW_EINVAL);
    said(b, "no advice but epoch");
    bench_free(b);
}

static void an_order_done_begins_and_ends_the_repair_once(void **state)
{
    (void)state;
    struct bench *b = bench_make(MODE_ACT);
    assert_int_equal(act(b, API_ORDER_DONE, 5, 0), MW_ECONFLICT);
    said(b, "no work order");
    lose_gpu(b, 5);
    const struct board *board = live_control(b->live)->board;
    assert_int_equal(board->node_health[5], HEALTH_DOWN);
    reboot(b, 5);
    assert_int_equal(act(b, API_ORDER_DONE, 5, 0), 0);
    struct event ended = recorded(b, NULL);
    assert_true(ended.kind == EV_ORDER_ENDED && ended.body.order.result == RESULT_OK);
    assert_int_equal(board->node_health[5], HEALTH_VALIDATING); /* the gate of a lost GPU */
    assert_int_equal(act(b, API_ORDER_DONE, 5, 0), MW_ECONFLICT);
    assert_int_equal(act(b, API_GATE_PASS, 5, 0), 0);
    assert_int_equal(board->node_health[5], HEALTH_PROBATION);
    assert_int_equal(act(b, API_GATE_PASS, 5, 0), MW_ECONFLICT);
    bench_free(b);
}

static void a_repair_that_failed_is_ordered_again(void **state)
{
    (void)state;
    struct bench *b = bench_make(MODE_ACT);
    lose_gpu(b, 5);
    assert_int_equal(act(b, API_ORDER_TAKEN, 5, 0), 0);
    assert_int_equal(live_control(b->live)->board->node_health[5], HEALTH_REPAIRING);
    uint64_t order = recorded(b, NULL).cause;
    assert_int_equal(act(b, API_ORDER_FAILED, MW_NONE, order), 0);
    assert_int_equal(act(b, API_ORDER_FAILED, MW_NONE, order), MW_ECONFLICT);
    assert_int_equal(act(b, API_ORDER_DONE, 5, 0), 0); /* the next one */
    assert_int_not_equal(recorded(b, NULL).cause, order);
    bench_free(b);
}

static int last_seq(void *ctx, const struct event *ev, const void *tail)
{
    (void)tail;
    *(uint64_t *)ctx = ev->seq;
    return 0;
}

/* The last that waits for an answer; 0 = nothing does. */
static uint64_t last_pending(struct bench *b)
{
    uint64_t seq = 0;
    assert_int_equal(
        api_pending_each(live_control(b->live), b->journal, last_seq, &seq, &b->err), 0);
    return seq;
}

static void what_waits_is_listed_until_it_is_answered(void **state)
{
    (void)state;
    struct bench *b = bench_make(MODE_ACT);
    uint64_t seq = last_pending(b);
    assert_int_equal(seq, 0);
    lose_gpu(b, 5);
    seq = last_pending(b);
    assert_int_not_equal(seq, 0);
    assert_int_equal(act(b, API_ORDER_DONE, MW_NONE, seq), 0);
    bench_free(b);
}

/* A full disk drains at the next checkpoint: a taking decision, so advice below mode act. */
static uint64_t advise(struct bench *b, uint32_t node)
{
    struct agent_frame f = { .verb = AGENT_HELLO, .version = AGENT_PROTOCOL, .boot = "b" };
    uint32_t got;
    (void)snprintf(f.name, sizeof(f.name), "%s", name(b, node));
    assert_int_equal(live_agent_hello(b->live, b->now_ns, &f, &got, &b->err), 0);
    struct agent_frame d = { .verb = AGENT_DISK, .used_permille = 1000, .readonly = true };
    (void)snprintf(d.name, sizeof(d.name), "/scratch");
    (void)snprintf(d.text, sizeof(d.text), "/scratch");
    assert_int_equal(live_agent_heard(b->live, b->now_ns, node, &d, &b->err), 0);
    f = (struct agent_frame){ .verb = AGENT_BYE };
    assert_int_equal(live_agent_heard(b->live, b->now_ns, node, &f, &b->err), 0);
    for (uint64_t seq = b->journal->head.seq; seq > 0; seq--) {
        struct event ev;
        static uint8_t tail[EVENT_TAIL_MAX];
        assert_int_equal(b->journal->ops->get(b->journal, seq, &ev, tail, &b->err), 0);
        if (ev.kind == EV_ADVICE)
            return seq;
    }
    fail_msg("nothing was advised");
    return 0;
}

static void an_advice_can_be_approved_where_the_mode_lets_a_person_decide(void **state)
{
    (void)state;
    struct bench *b = bench_make(MODE_OBSERVE);
    uint64_t advice = advise(b, 9);
    assert_int_equal(act(b, API_APPROVE, MW_NONE, advice), MW_ECONFLICT);
    said(b, "mode observe");
    struct api_command m = { .verb = API_SET_MODE, .mode = MODE_APPROVE, .reason = "x" };
    assert_int_equal(api_act(&b->port, b->now_ns, PERSON, &m, &b->seq, &b->err), 0);
    assert_int_equal(act(b, API_APPROVE, MW_NONE, advice), 0);
    assert_int_equal(live_control(b->live)->board->node_health[9] == HEALTH_READY, false);
    assert_int_equal(act(b, API_REJECT, MW_NONE, advice), MW_ECONFLICT);
    said(b, "is over");
    bench_free(b);
}

/* A closing with what was done, found and swapped. */
static int close_order(struct bench *b, uint64_t order, uint8_t did, const char *serial)
{
    struct api_command c = { .verb = API_ORDER_DONE, .ref = order, .did = (uint8_t)(did + 1) };
    (void)snprintf(c.found, sizeof(c.found), "connector loose");
    (void)snprintf(c.serial, sizeof(c.serial), "%s", serial);
    b->now_ns += MW_NS_PER_S;
    return api_act(&b->port, b->now_ns, PERSON, &c, &b->seq, &b->err);
}

static void a_closing_keeps_what_was_done_what_was_found_and_the_serial_numbers(void **state)
{
    (void)state;
    struct bench *b = bench_make(MODE_ACT);
    const char *text;
    uint64_t seq = 0;
    lose_gpu(b, 5);
    seq = last_pending(b);
    assert_int_equal(close_order(b, seq, STEP_RESEAT, "S1=S2"), 0);
    struct event ev = recorded(b, &text);
    assert_int_equal(ev.kind, EV_ORDER_ENDED);
    assert_int_equal(ev.body.order.step, STEP_RESEAT);
    assert_string_equal(text, "serial S1 -> S2; connector loose");
    /* nobody had said that it was begun: that is recorded first, for what was asked */
    b->seq = ev.seq;
    for (; ev.kind != EV_ORDER_TAKEN && b->seq > 1; b->seq--)
        ev = recorded(b, &text);
    assert_int_equal(ev.kind, EV_ORDER_TAKEN);
    assert_int_equal(ev.body.order.step, STEP_REPAIR);
    assert_int_equal(close_order(b, seq, STEP_RESEAT, ""), MW_ECONFLICT);
    bench_free(b);
}

static int window(struct bench *b, const char *nodes, uint32_t count, int64_t length_s)
{
    struct api_command c = { .verb = API_WINDOW_ADD, .count = count, .length_s = length_s,
                             .reason = "firmware" };
    must(strlen(nodes) < sizeof(c.node));
    memcpy(c.node, nodes, strlen(nodes));
    b->now_ns += MW_NS_PER_S;
    return api_act(&b->port, b->now_ns, PERSON, &c, &b->seq, &b->err);
}

static void maintenance_is_planned_for_nodes_in_a_row_and_ended_by_its_number(void **state)
{
    (void)state;
    struct bench *b = bench_make(MODE_OBSERVE);
    char list[API_NAME_MAX];
    assert_int_equal(window(b, name(b, 2), 3, 3600), 0);
    struct event ev = recorded(b, NULL);
    uint64_t planned = ev.seq;
    assert_int_equal(ev.body.command.verb, CMD_WINDOW);
    assert_int_equal(ev.body.command.node, 2);
    assert_int_equal(ev.body.command.count, 3);
    assert_int_equal(ev.body.command.length_ms, 3600 * MW_MS_PER_S);
    (void)snprintf(list, sizeof(list), "%s,%s", name(b, 6), name(b, 7));
    assert_int_equal(window(b, list, 0, 60), 0);
    assert_int_equal(recorded(b, NULL).body.command.count, 2);
    (void)snprintf(list, sizeof(list), "%s,%s", name(b, 10), name(b, 12));
    assert_int_equal(window(b, list, 0, 60), MW_EINVAL);
    said(b, "do not follow each other");
    (void)snprintf(list, sizeof(list), "%s,%s,%s", name(b, 4), name(b, 4), name(b, 6));
    assert_int_equal(window(b, list, 0, 60), MW_EINVAL); /* the one between is not named */
    said(b, "is named twice");
    assert_int_equal(window(b, name(b, NODES - 1), 2, 60), MW_EINVAL);
    assert_int_equal(window(b, name(b, 4), 1, 60), MW_ECONFLICT);
    said(b, "another window");
    assert_int_equal(act(b, API_WINDOW_END, MW_NONE, planned), 0);
    assert_int_equal(act(b, API_WINDOW_END, MW_NONE, planned), MW_ECONFLICT);
    said(b, "mw window list");
    bench_free(b);
}

static void a_wish_to_slurm_is_refused_where_no_slurm_is_watched(void **state)
{
    (void)state;
    struct bench *b = bench_make(MODE_ACT);
    struct api_command c = { .verb = API_JOB_HOLD, .job = 7, .reason = "x" };
    assert_int_equal(api_act(&b->port, b->now_ns, PERSON, &c, &b->seq, &b->err), MW_ECONFLICT);
    said(b, "no engine");
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hold_is_recorded_with_who_and_why_and_lifted_by_name),
        cmocka_unit_test(many_nodes_are_held_by_one_command_with_one_commit),
        cmocka_unit_test(a_list_with_a_strange_name_holds_nobody),
        cmocka_unit_test(a_list_goes_as_far_as_it_can_and_says_where_it_stopped),
        cmocka_unit_test(names_that_the_site_does_not_have_are_said),
        cmocka_unit_test(an_order_done_begins_and_ends_the_repair_once),
        cmocka_unit_test(a_repair_that_failed_is_ordered_again),
        cmocka_unit_test(what_waits_is_listed_until_it_is_answered),
        cmocka_unit_test(an_advice_can_be_approved_where_the_mode_lets_a_person_decide),
        cmocka_unit_test(a_closing_keeps_what_was_done_what_was_found_and_the_serial_numbers),
        cmocka_unit_test(maintenance_is_planned_for_nodes_in_a_row_and_ended_by_its_number),
        cmocka_unit_test(a_wish_to_slurm_is_refused_where_no_slurm_is_watched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
