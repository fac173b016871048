/*
 * Actions from the decision to what was read back, with the agents played by
 * hand.  What would break for the user: an action that is asked twice, or told
 * to be done when nobody read that back, or waited for for ever.
 */
#include "live/agents_bench_test.h"

#define GPUS "0000:19:00.0,0000:3b:00.0"

static struct bench *acting(void)
{
    struct control_policy p = live_policy();
    p.guard.mode = MODE_ACT;
    p.care.engine = p.work.engine = false;
    return make_as(&p);
}

static const struct event *started(const struct bench *b)
{
    return &rig_last(b->r, EV_ACTION_STARTED)->ev;
}

static const struct rig_event *ended(const struct bench *b)
{
    return rig_last(b->r, EV_ACTION_ENDED);
}

/* A GPU of the node dies; its action is handed to the hub, as the core does after the commit. */
static void gpu_dies(struct bench *b, uint32_t node)
{
    assert_int_equal(hello_as(b, node, "boot-1", GPUS), 0);
    run(b, RIG_SECOND);
    kmsg(b, node, XID_79);
    agents_act(b->a, b->r->now_ns, started(b));
}

/* An action that no ladder decided on, for what only the hub does. */
static struct event made(const struct bench *b, uint32_t node, uint8_t step, uint8_t who)
{
    struct event ev = { .kind = EV_ACTION_STARTED, .seq = 1000000, .epoch = 3,
                        .time_ns = b->r->now_ns };
    ev.body.order = (struct body_order){ .component = component_id(COMPONENT_NODE, node),
                                         .node = node, .step = step, .who = who,
                                         .lease_ms = 60000 };
    return ev;
}

static void answer(struct bench *b, uint32_t peer, uint64_t id, uint8_t result, const char *text)
{
    struct agent_frame f = { .verb = AGENT_ACTED, .n = id, .result = result };
    (void)snprintf(f.text, sizeof(f.text), "%s", text);
    (void)agents_heard(b->a, b->r->now_ns, peer, &f);
}

static void a_gpus_reset_is_asked_of_its_nodes_agent(void **state)
{
    (void)state;
    struct bench *b = acting();
    gpu_dies(b, 2);
    assert_int_equal(started(b)->body.order.step, STEP_RESET_GPU);
    assert_int_equal(b->sent.verb, AGENT_ACT);
    assert_int_equal(b->sent_node, 2);
    assert_string_equal(b->sent.action, "reset-gpu");
    assert_int_equal(b->sent.gpu, 1);
    assert_string_equal(b->sent.name, "0000:3b:00.0");
    assert_int_equal(b->sent.n, (uint64_t)started(b)->epoch << 40 | started(b)->seq);
    assert_int_equal(b->sent.lease_ms, started(b)->body.order.lease_ms);
    end(b);
}

static void what_was_read_back_ends_it_and_the_gate_follows(void **state)
{
    (void)state;
    struct bench *b = acting();
    gpu_dies(b, 2);
    answer(b, 2, b->sent.n, RESULT_OK, "read back: exit 0: GPU-1");
    assert_int_equal(ended(b)->ev.body.order.result, RESULT_OK);
    assert_int_equal(ended(b)->ev.cause, started(b)->seq);
    assert_int_equal(ended(b)->ev.tail_size, strlen("read back: exit 0: GPU-1"));
    run(b, 2 * RIG_MINUTE); /* the kernel is quiet, the node in repair: the finding closes */
    assert_int_equal(rig_count(b->r, EV_GATE_STARTED), 1);
    answer(b, 2, b->sent.n, RESULT_FAILED, "again"); /* it is over */
    assert_int_equal(rig_count(b->r, EV_ACTION_ENDED), 1);
    assert_int_equal(agents_stats(b->a).actions_ok, 1);
    end(b);
}

static void what_failed_is_followed_by_the_next_step(void **state)
{
    (void)state;
    struct bench *b = acting();
    gpu_dies(b, 2);
    answer(b, 2, b->sent.n, RESULT_FAILED, "exit 3");
    assert_int_equal(rig_count(b->r, EV_ACTION_STARTED), 2);
    assert_int_equal(started(b)->body.order.step, STEP_REBOOT);
    end(b);
}

static void only_who_was_asked_can_answer(void **state)
{
    (void)state;
    struct bench *b = acting();
    hello(b, 3);
    gpu_dies(b, 2);
    answer(b, 3, b->sent.n, RESULT_OK, "it was me");
    answer(b, 2, b->sent.n + 1, RESULT_OK, "another");
    assert_int_equal(rig_count(b->r, EV_ACTION_ENDED), 0);
    end(b);
}

static void an_agent_that_says_hello_again_is_asked_again_with_the_rest_of_the_lease(void **state)
{
    (void)state;
    struct bench *b = acting();
    gpu_dies(b, 2);
    uint64_t id = b->sent.n;
    int64_t lease_ms = b->sent.lease_ms;
    uint32_t sent = b->sent_count;
    run(b, 5 * RIG_SECOND);
    assert_int_equal(b->sent_count, sent);
    assert_int_equal(hello_as(b, 2, "boot-1", GPUS), 0);
    run(b, RIG_SECOND);
    assert_int_equal(b->sent.n, id);
    assert_true(b->sent.lease_ms <= lease_ms - 5000 && b->sent.lease_ms > lease_ms - 10000);
    end(b);
}

static void what_nobody_took_within_its_lease_was_not_begun(void **state)
{
    (void)state;
    struct bench *b = acting();
    hello_as(b, 2, "boot-1", GPUS);
    b->connected[2] = false;
    kmsg(b, 2, XID_79);
    agents_act(b->a, b->r->now_ns, started(b));
    run(b, 6 * RIG_MINUTE);
    assert_int_equal(rig_count(b->r, EV_ACTION_ENDED), 1);
    assert_int_equal(ended(b)->ev.body.order.result, RESULT_FAILED);
    end(b);
}

static void what_was_taken_and_not_answered_is_unknown_past_the_lease(void **state)
{
    (void)state;
    struct bench *b = acting();
    gpu_dies(b, 2);
    run(b, 5 * RIG_MINUTE);
    assert_int_equal(rig_count(b->r, EV_ACTION_ENDED), 0);
    run(b, 4 * RIG_MINUTE);
    assert_int_equal(ended(b)->ev.body.order.result, RESULT_UNKNOWN);
    assert_int_not_equal(ended(b)->ev.tail_size, 0);
    end(b);
}

static void after_a_restart_of_ours_nobody_knows_whether_it_was_asked(void **state)
{
    (void)state;
    struct bench *b = acting();
    gpu_dies(b, 2);
    struct event action = *started(b);
    agents_destroy(b->a);
    open_agents(b);
    b->connected[2] = false;
    run(b, 10 * RIG_SECOND);
    agents_act(b->a, b->r->now_ns, &action);
    run(b, 6 * RIG_MINUTE);
    assert_int_equal(rig_count(b->r, EV_ACTION_ENDED), 0); /* not: not begun */
    assert_int_equal(hello_as(b, 2, "boot-1", GPUS), 0);
    run(b, RIG_SECOND);
    assert_int_equal(b->sent.verb, AGENT_ACT);
    assert_int_equal(b->sent.lease_ms, 0); /* it may only say what became of it */
    answer(b, 2, b->sent.n, RESULT_OK, "read back: exit 0: GPU-1");
    assert_int_equal(ended(b)->ev.body.order.result, RESULT_OK);
    end(b);
}

static void what_cannot_be_recorded_is_kept(void **state)
{
    (void)state;
    struct bench *b = acting();
    gpu_dies(b, 2);
    b->full = true;
    answer(b, 2, b->sent.n, RESULT_OK, "read back: exit 0: GPU-1");
    assert_int_equal(rig_count(b->r, EV_ACTION_ENDED), 0);
    b->full = false;
    run(b, RIG_SECOND);
    assert_int_equal(ended(b)->ev.body.order.result, RESULT_OK);
    assert_int_equal(rig_count(b->r, EV_ACTION_ENDED), 1);
    end(b);
}

/* ---- reboots, BMCs --------------------------------------------------------------------------- */

static void reset_fails(struct bench *b, uint32_t node)
{
    assert_int_equal(hello_as(b, node, "boot-1", GPUS), 0);
    run(b, RIG_SECOND);
    kmsg(b, node, XID_79);
    agents_act(b->a, b->r->now_ns, started(b));
    answer(b, node, b->sent.n, RESULT_FAILED, "exit 3"); /* the reset */
    agents_act(b->a, b->r->now_ns, started(b));
    assert_string_equal(b->sent.action, "reboot");
}

static void a_reboot_is_not_believed_in_the_same_boot(void **state)
{
    (void)state;
    struct bench *b = acting();
    reset_fails(b, 2);
    answer(b, 2, b->sent.n, RESULT_OK, "rebooted");
    assert_int_equal(ended(b)->ev.body.order.result, RESULT_UNKNOWN);
    end(b);
}

static void a_new_boot_id_ends_a_reboot(void **state)
{
    (void)state;
    struct bench *b = acting();
    reset_fails(b, 2);
    b->beats[2] = false;
    say(b, 2, "bye");
    run(b, RIG_MINUTE);
    assert_int_equal(hello_as(b, 2, "boot-2", GPUS), 0);
    assert_int_equal(ended(b)->ev.body.order.result, RESULT_OK);
    assert_int_equal(rig_count(b->r, EV_ACTION_ENDED), 2);
    end(b);
}

static uint32_t gather_hello(struct bench *b)
{
    struct agent_frame f = { .verb = AGENT_HELLO, .version = AGENT_PROTOCOL,
                             .role = AGENT_ROLE_GATHER, .name = "gather", .boot = "g" };
    uint32_t peer = MW_NONE;
    assert_int_equal(agents_hello(b->a, b->r->now_ns, &f, &peer, NULL), 0);
    assert_int_equal(peer, NODES);
    b->connected[peer] = true;
    return peer;
}

static void a_bmcs_work_is_asked_of_the_gatherer_that_acts_for_the_machine(void **state)
{
    (void)state;
    struct bench *b = acting();
    uint32_t peer = gather_hello(b);
    const char *name = fleet_name(b->r->fleet, component_id(COMPONENT_NODE, 5));
    struct agent_frame machine = { .verb = AGENT_MACHINE, .n = 1, .acts = true };
    struct event ev = made(b, 5, STEP_POWER_CYCLE, WHO_BMC);
    agents_act(b->a, b->r->now_ns, &ev);
    assert_int_equal(b->sent_count, 0); /* nobody acts for it yet */
    (void)snprintf(machine.name, sizeof(machine.name), "%s", name);
    (void)agents_heard(b->a, b->r->now_ns, peer, &machine);
    assert_int_equal(b->sent_count, 1);
    assert_int_equal(b->sent_node, peer);
    assert_string_equal(b->sent.action, "power-cycle");
    assert_string_equal(b->sent.name, name);
    answer(b, 5, b->sent.n, RESULT_OK, "it was me"); /* the node's agent */
    assert_int_equal(agents_stats(b->a).actions_ok, 0);
    answer(b, peer, b->sent.n, RESULT_OK, "PowerState On");
    assert_int_equal(agents_stats(b->a).actions_ok, 1);
    end(b);
}

static void a_machine_that_no_gatherer_acts_for_is_not_cycled(void **state)
{
    (void)state;
    struct bench *b = acting();
    struct event ev = made(b, 5, STEP_POWER_CYCLE, WHO_BMC);
    agents_act(b->a, b->r->now_ns, &ev);
    agents_act(b->a, b->r->now_ns, &ev); /* handed out twice: one action */
    run(b, 2 * RIG_MINUTE);
    assert_int_equal(agents_stats(b->a).actions_failed, 1);
    end(b);
}

static void a_step_that_no_program_does_fails(void **state)
{
    (void)state;
    struct bench *b = acting();
    hello(b, 5);
    struct event ev = made(b, 5, STEP_FIRMWARE, WHO_AGENT);
    agents_act(b->a, b->r->now_ns, &ev);
    run(b, RIG_SECOND);
    assert_int_equal(agents_stats(b->a).actions_failed, 1);
    end(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gpus_reset_is_asked_of_its_nodes_agent),
        cmocka_unit_test(what_was_read_back_ends_it_and_the_gate_follows),
        cmocka_unit_test(what_failed_is_followed_by_the_next_step),
        cmocka_unit_test(only_who_was_asked_can_answer),
        cmocka_unit_test(an_agent_that_says_hello_again_is_asked_again_with_the_rest_of_the_lease),
        cmocka_unit_test(what_nobody_took_within_its_lease_was_not_begun),
        cmocka_unit_test(what_was_taken_and_not_answered_is_unknown_past_the_lease),
        cmocka_unit_test(after_a_restart_of_ours_nobody_knows_whether_it_was_asked),
        cmocka_unit_test(what_cannot_be_recorded_is_kept),
        cmocka_unit_test(a_reboot_is_not_believed_in_the_same_boot),
        cmocka_unit_test(a_new_boot_id_ends_a_reboot),
        cmocka_unit_test(a_bmcs_work_is_asked_of_the_gatherer_that_acts_for_the_machine),
        cmocka_unit_test(a_machine_that_no_gatherer_acts_for_is_not_cycled),
        cmocka_unit_test(a_step_that_no_program_does_fails),
    };
    return cmocka_run_group_tests_name("live/agents_actions", tests, NULL, NULL);
}
