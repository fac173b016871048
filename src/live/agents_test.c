/* Who is there, who is silent, and which silences are deaths. */
#include "live/agents_bench_test.h"

static void a_node_whose_agent_falls_silent_is_dead_within_a_second(void **state)
{
    (void)state;
    struct bench *b = make();
    all_hello(b);
    run(b, 5 * RIG_SECOND);
    assert_int_equal(opened(b), 0);
    assert_int_equal(agents_stats(b->a).watched, NODES);
    b->beats[3] = false;
    run(b, 350 * MS);
    assert_int_equal(opened(b), 0);
    run(b, 400 * MS);
    assert_int_equal(opened(b), 1);
    assert_int_equal(last_opened(b)->class, LIVE_NODE_SILENT);
    assert_int_equal(last_opened(b)->node, 3);
    assert_int_equal(rig_last(b->r, EV_FINDING_OPENED)->ev.source, SOURCE_NODE + 3);
    assert_int_equal(b->r->control->board->node_health[3], HEALTH_DOWN);
    run(b, 5 * RIG_SECOND);
    assert_int_equal(opened(b), 1);
    end(b);
}

static void a_node_is_back_when_its_agent_has_beaten_three_times(void **state)
{
    (void)state;
    struct bench *b = make();
    all_hello(b);
    run(b, RIG_SECOND);
    b->beats[3] = false;
    run(b, 2 * RIG_SECOND);
    hello(b, 3);
    b->beats[3] = false;
    say(b, 3, "beat n=1");
    say(b, 3, "beat n=2");
    assert_int_equal(closed(b), 0);
    say(b, 3, "beat n=3");
    assert_int_equal(closed(b), 1);
    b->beats[3] = true;
    run(b, 2 * RIG_MINUTE);
    assert_int_equal(b->r->control->board->node_health[3], HEALTH_READY);
    end(b);
}

static void many_silences_at_once_are_the_network_and_leave_the_nodes_alone(void **state)
{
    (void)state;
    struct bench *b = make();
    all_hello(b);
    run(b, RIG_SECOND);
    for (uint32_t n = 4; n < 12; n++)
        b->beats[n] = false;
    run(b, 10 * RIG_SECOND);
    assert_int_equal(opened(b), 1);
    assert_int_equal(last_opened(b)->class, LIVE_AGENTS_SILENT);
    assert_int_equal(last_opened(b)->component, component_id(COMPONENT_SITE, 0));
    assert_int_equal(agents_stats(b->a).silences_common, 1);
    assert_int_equal(agents_stats(b->a).silences, 0);
    for (uint32_t n = 4; n < 12; n++)
        hello(b, n);
    run(b, RIG_SECOND);
    assert_int_equal(closed(b), 1);
    run(b, 10 * RIG_SECOND);
    assert_int_equal(opened(b), 1);
    end(b);
}

static void in_a_common_silence_slurms_word_condemns_a_node(void **state)
{
    (void)state;
    struct bench *b = make();
    all_hello(b);
    run(b, RIG_SECOND);
    memset(b->beats, 0, sizeof(b->beats));
    run(b, 5 * RIG_SECOND);
    assert_int_equal(opened(b), 1);
    struct event ev = { .kind = EV_FINDING_OPENED, .source = SOURCE_ENGINE };
    ev.body.finding = (struct body_finding){ .component = component_id(COMPONENT_NODE, 6),
                                             .finding = slurm_node_finding(6), .node = 6,
                                             .class = LIVE_ENGINE_NODE };
    assert_int_equal(rig_submit(b->r, &ev, NULL), ADMIT_OK);
    run(b, RIG_SECOND);
    assert_int_equal(opened(b), 3);
    assert_int_equal(last_opened(b)->node, 6);
    assert_int_equal(last_opened(b)->class, LIVE_NODE_SILENT);
    end(b);
}

static void who_stays_away_when_the_others_are_back_is_dead(void **state)
{
    (void)state;
    struct bench *b = make();
    all_hello(b);
    run(b, RIG_SECOND);
    memset(b->beats, 0, sizeof(b->beats));
    run(b, 5 * RIG_SECOND);
    for (uint32_t n = 1; n < NODES; n++)
        hello(b, n);
    run(b, 2 * RIG_SECOND);
    assert_int_equal(agents_stats(b->a).silences, 0);
    run(b, 2 * RIG_SECOND);
    assert_int_equal(agents_stats(b->a).silences, 1);
    assert_int_equal(last_opened(b)->node, 0);
    assert_int_equal(closed(b), 1); /* agents-silent */
    end(b);
}

static void a_daemon_that_slept_takes_nobody_for_dead(void **state)
{
    (void)state;
    struct bench *b = make();
    all_hello(b);
    run(b, RIG_SECOND);
    rig_wait(b->r, 10 * RIG_SECOND); /* neither ticks nor frames */
    agents_tick(b->a, b->r->now_ns);
    assert_int_equal(opened(b), 0);
    assert_int_equal(agents_stats(b->a).late_ticks, 1);
    run(b, RIG_SECOND);
    assert_int_equal(opened(b), 0);
    b->beats[2] = false;
    run(b, RIG_SECOND);
    assert_int_equal(opened(b), 1); /* and it sees the dead again */
    end(b);
}

static void an_agent_that_says_goodbye_is_unwatched_not_dead(void **state)
{
    (void)state;
    struct bench *b = make();
    all_hello(b);
    run(b, RIG_SECOND);
    b->beats[5] = false;
    say(b, 5, "bye");
    run(b, 5 * RIG_SECOND);
    assert_int_equal(opened(b), 0);
    assert_int_equal(agents_stats(b->a).watched, NODES - 1);
    hello(b, 5);
    run(b, RIG_SECOND);
    b->beats[5] = false;
    agents_lost(b->a, b->r->now_ns, 5);
    assert_int_equal(opened(b), 0); /* a lost connection alone is nothing yet */
    run(b, RIG_SECOND);
    assert_int_equal(opened(b), 1);
    end(b);
}

static void a_stranger_is_refused_with_what_to_do(void **state)
{
    (void)state;
    struct bench *b = make();
    struct agent_frame f = { .verb = AGENT_HELLO, .version = AGENT_PROTOCOL + 1, .name = "n1" };
    struct mw_error err = { 0 };
    uint32_t node = 77;
    assert_int_equal(agents_hello(b->a, b->r->now_ns, &f, &node, &err), MW_EVERSION);
    f.version = AGENT_PROTOCOL;
    assert_int_equal(agents_hello(b->a, b->r->now_ns, &f, &node, &err), MW_ENOTFOUND);
    assert_non_null(strstr(err.text, "--node"));
    assert_int_equal(node, 77);
    assert_int_equal(agents_stats(b->a).frames_refused, 2);
    agents_tick(b->a, b->r->now_ns);
    assert_int_equal(agents_next_due(b->a), MW_NEVER);
    end(b);
}

static void hello_with_witness(struct bench *b, uint32_t node)
{
    struct agent_frame f = { .verb = AGENT_HELLO, .version = AGENT_PROTOCOL, .boot = "boot-1",
                             .probe = "10.0.0.7:6818" };
    uint32_t got = MW_NONE;
    (void)snprintf(f.name, sizeof(f.name), "%s",
                   fleet_name(b->r->fleet, component_id(COMPONENT_NODE, node)));
    assert_int_equal(agents_hello(b->a, b->r->now_ns, &f, &got, NULL), 0);
    b->connected[node] = b->beats[node] = true;
}

static void a_node_that_answers_is_not_dead_when_its_agent_is(void **state)
{
    (void)state;
    struct bench *b = make();
    hello_with_witness(b, 2);
    run(b, RIG_SECOND);
    b->beats[2] = false;
    run(b, 700 * MS);
    assert_int_equal(b->probes, 1);
    assert_int_equal(opened(b), 0);
    agents_probed(b->a, b->r->now_ns, 2, true);
    assert_int_equal(opened(b), 1);
    assert_int_equal(last_opened(b)->class, LIVE_AGENT_LOST);
    assert_int_equal(b->r->control->board->node_health[2], HEALTH_READY);
    run(b, 6 * RIG_SECOND);
    assert_int_equal(b->probes, 2); /* it may die yet */
    agents_probed(b->a, b->r->now_ns, 2, false);
    assert_int_equal(last_opened(b)->class, LIVE_NODE_SILENT);
    assert_int_equal(closed(b), 1);
    assert_int_equal(b->r->control->board->node_health[2], HEALTH_DOWN);
    hello_with_witness(b, 2);
    run(b, RIG_SECOND);
    assert_int_equal(closed(b), 2);
    end(b);
}

static void a_lost_agent_that_comes_back_ends_its_incident(void **state)
{
    (void)state;
    struct bench *b = make();
    hello_with_witness(b, 2);
    run(b, RIG_SECOND);
    b->beats[2] = false;
    run(b, 700 * MS);
    agents_probed(b->a, b->r->now_ns, 2, true);
    hello_with_witness(b, 2);
    run(b, RIG_SECOND);
    assert_int_equal(closed(b), 1);
    assert_int_equal(rig_count(b->r, EV_INCIDENT_CLOSED), 1);
    assert_int_equal(rig_count(b->r, EV_ENGINE_ORDER), 0);
    end(b);
}

static void a_witness_that_says_nothing_or_no_leaves_the_node_dead_within_a_second(void **state)
{
    (void)state;
    struct bench *b = make();
    hello_with_witness(b, 2);
    hello_with_witness(b, 3);
    run(b, RIG_SECOND);
    b->beats[2] = false;
    run(b, 700 * MS);
    agents_probed(b->a, b->r->now_ns, 2, false);
    assert_int_equal(opened(b), 1);
    b->beats[3] = false;
    run(b, RIG_SECOND);
    assert_int_equal(opened(b), 2);
    assert_int_equal(last_opened(b)->class, LIVE_NODE_SILENT);
    agents_probed(b->a, b->r->now_ns, 3, true); /* too late */
    assert_int_equal(b->r->control->board->node_health[3], HEALTH_DOWN);
    end(b);
}

static void a_witness_is_known_after_a_restart(void **state)
{
    (void)state;
    struct bench *b = make();
    hello_with_witness(b, 2);
    run(b, RIG_SECOND);
    agents_destroy(b->a);
    open_agents(b);
    b->beats[2] = false;
    run(b, 4 * RIG_SECOND);
    assert_int_equal(b->probes, 1);
    end(b);
}

static void what_is_no_address_is_no_witness(void **state)
{
    (void)state;
    static const char *const bad[] = { "", ":", ":1", "n7:6818", "10.0.0.7", "10.0.0.7:0", "[::1:5",
                                       "10.0.0.7:65536", "10.0.0:7", "[10.0.0.7]:1", "::1:5" };
    for (uint32_t i = 0; i < MW_ARRAY_LEN(bad); i++) {
        struct body_watch w = { .node = 1 };
        agents_witness_read(bad[i], &w);
        assert_int_equal(w.port, 0);
    }
    struct body_watch v6 = { .node = 1 };
    agents_witness_read("[fd00::7]:22", &v6);
    assert_int_equal(v6.port, 22);
    assert_true(v6.high == 0xfd00000000000000u && v6.low == 7);
}

static void a_node_that_died_while_we_were_away_is_missed(void **state)
{
    (void)state;
    struct bench *b = make();
    hello(b, 2);
    hello(b, 3);
    hello(b, 5);
    run(b, RIG_SECOND);
    say(b, 5, "bye");
    agents_destroy(b->a);
    open_agents(b);
    memset(b->beats, 0, sizeof(b->beats));
    agents_tick(b->a, b->r->now_ns);
    hello(b, 3);
    run(b, 3 * RIG_SECOND);
    assert_int_equal(opened(b), 0); /* it has some time to find us */
    run(b, RIG_SECOND);
    assert_int_equal(opened(b), 1);
    assert_int_equal(last_opened(b)->node, 2);
    assert_int_equal(last_opened(b)->class, LIVE_NODE_SILENT);
    end(b);
}

/* ---- what was wrong once -------------------------------------------------------------------- */

static void bug_who_is_left_of_a_common_silence_has_a_witness_too(void **state)
{
    (void)state;
    struct bench *b = make();
    for (uint32_t n = 0; n < NODES; n++)
        hello_with_witness(b, n);
    run(b, 2 * RIG_SECOND);
    for (uint32_t n = 0; n < 6; n++)
        b->beats[n] = false;
    run(b, 2 * RIG_SECOND);
    assert_int_equal(agents_stats(b->a).silences_common, 1);
    for (uint32_t n = 1; n < 6; n++)
        hello_with_witness(b, n);
    for (int i = 0; i < 100 && b->probes == 0; i++)
        run(b, 100 * MS);
    assert_true(b->probes == 1 && b->probed == 0);
    agents_probed(b->a, b->r->now_ns, 0, true);
    run(b, RIG_SECOND);
    assert_int_equal(b->r->control->board->node_health[0], HEALTH_READY);
    assert_int_equal(last_opened(b)->class, LIVE_AGENT_LOST);
    assert_int_equal(rig_count(b->r, EV_ENGINE_ORDER), 0);
    end(b);
}

static void bug_a_verdict_waits_for_a_free_probe(void **state)
{
    (void)state;
    struct bench *b = make();
    hello_with_witness(b, 2);
    hello_with_witness(b, 3);
    run(b, RIG_SECOND);
    b->beats[2] = false;
    run(b, 700 * MS);
    agents_probed(b->a, b->r->now_ns, 2, true);
    b->no_probe_free = true;
    b->beats[3] = false;
    run(b, 2 * RIG_SECOND);
    assert_int_equal(b->r->control->board->node_health[3], HEALTH_READY);
    run(b, RIG_SECOND); /* but not for ever */
    assert_int_equal(b->r->control->board->node_health[3], HEALTH_DOWN);
    run(b, 20 * RIG_SECOND); /* whose node answered is tried later */
    assert_int_equal(b->r->control->board->node_health[2], HEALTH_READY);
    uint32_t before = b->probes;
    b->no_probe_free = false;
    run(b, 200 * MS);
    assert_true(b->probes == before + 1 && b->probed == 2);
    end(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_whose_agent_falls_silent_is_dead_within_a_second),
        cmocka_unit_test(a_node_is_back_when_its_agent_has_beaten_three_times),
        cmocka_unit_test(many_silences_at_once_are_the_network_and_leave_the_nodes_alone),
        cmocka_unit_test(in_a_common_silence_slurms_word_condemns_a_node),
        cmocka_unit_test(who_stays_away_when_the_others_are_back_is_dead),
        cmocka_unit_test(a_daemon_that_slept_takes_nobody_for_dead),
        cmocka_unit_test(an_agent_that_says_goodbye_is_unwatched_not_dead),
        cmocka_unit_test(a_stranger_is_refused_with_what_to_do),
        cmocka_unit_test(a_node_that_answers_is_not_dead_when_its_agent_is),
        cmocka_unit_test(a_lost_agent_that_comes_back_ends_its_incident),
        cmocka_unit_test(a_witness_that_says_nothing_or_no_leaves_the_node_dead_within_a_second),
        cmocka_unit_test(a_witness_is_known_after_a_restart),
        cmocka_unit_test(what_is_no_address_is_no_witness),
        cmocka_unit_test(a_node_that_died_while_we_were_away_is_missed),
        cmocka_unit_test(bug_who_is_left_of_a_common_silence_has_a_witness_too),
        cmocka_unit_test(bug_a_verdict_waits_for_a_free_probe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
