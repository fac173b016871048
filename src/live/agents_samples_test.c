/* What agents and gatherers read, and what becomes of it: findings, and the hub for reading. */
#include "live/agents_bench_test.h"

#include "signal/machines.h"

struct reader {
    struct samples s;
    uint32_t machine; /* as its frames number it */
};

static void reader_init(struct reader *r, uint32_t machine)
{
    *r = (struct reader){ .machine = machine };
    assert_int_equal(samples_init(&r->s, 256), 0);
}

static void frame(struct bench *b, uint32_t peer, struct reader *r)
{
    uint8_t bytes[4096];
    const struct sample_head h = { .wall_ms = b->r->now_ns / MS, .machine = r->machine };
    size_t size = samples_encode(&r->s, &h, bytes, sizeof(bytes));
    samples_commit(&r->s);
    agents_samples(b->a, b->r->now_ns, peer, bytes, size);
}

static void put(struct bench *b, struct reader *r, uint32_t node, uint32_t metric,
                uint32_t instance, double value)
{
    samples_put(&r->s, metric, instance, value);
    frame(b, node, r);
}

static void a_gpu_with_errors_is_a_finding_on_that_gpu_and_ends_when_they_are_gone(void **state)
{
    struct bench *b = make();
    struct reader r;
    (void)state;
    reader_init(&r, 0);
    hello(b, 2);
    put(b, &r, 2, M_GPU_REMAP_PENDING, 5, 0);
    assert_int_equal(opened(b), 0);
    put(b, &r, 2, M_GPU_REMAP_PENDING, 5, 1);
    assert_int_equal(opened(b), 1);
    const struct body_finding *f = last_opened(b);
    assert_int_equal(f->component,
                     component_id(COMPONENT_GPU, b->r->fleet->node_gpu_first[2] + 5));
    assert_true(f->class == LIVE_GPU_SOON && f->node == 2);
    assert_string_equal(live_detail_words(f->detail),
                        "a memory row waits for a reset to be replaced");
    run(b, 5 * RIG_MINUTE); /* nobody says it again but the hub */
    assert_int_equal(closed(b), 0);
    assert_int_equal(opened(b), 1);
    put(b, &r, 2, M_GPU_REMAP_PENDING, 5, 0);
    run(b, 12 * RIG_SECOND);
    assert_int_equal(closed(b), 1);
    samples_fini(&r.s);
    end(b);
}

static void a_frame_of_samples_is_a_sign_of_life(void **state)
{
    struct bench *b = make();
    struct reader r;
    (void)state;
    reader_init(&r, 0);
    hello(b, 3);
    b->beats[3] = false;
    for (int i = 0; i < 40; i++) {
        run(b, 100 * MS);
        frame(b, 3, &r);
    }
    assert_int_equal(agents_stats(b->a).silences, 0);
    run(b, RIG_SECOND);
    assert_int_equal(agents_stats(b->a).silences, 1);
    samples_fini(&r.s);
    end(b);
}

static void what_could_not_be_recorded_is_recorded_later(void **state)
{
    struct bench *b = make();
    struct reader r;
    (void)state;
    reader_init(&r, 0);
    hello(b, 2);
    b->full = true;
    put(b, &r, 2, M_GPU_ALIVE, 0, 0);
    run(b, 3 * RIG_SECOND);
    assert_int_equal(opened(b), 0);
    b->full = false;
    run(b, 2 * RIG_SECOND);
    assert_int_equal(opened(b), 1);
    assert_int_equal(last_opened(b)->class, LIVE_GPU);
    samples_fini(&r.s);
    end(b);
}

/* The daemon restarts while a link is down; it is still down, or came up meanwhile. */
static void restart(bool well)
{
    struct bench *b = make();
    struct reader r;
    reader_init(&r, 0);
    hello(b, 2);
    put(b, &r, 2, M_IB_STATE, 1, 4);
    put(b, &r, 2, M_IB_STATE, 1, 2);
    run(b, 7 * RIG_SECOND);
    assert_int_equal(opened(b), 1);
    agents_destroy(b->a);
    open_agents(b);
    hello(b, 2);
    samples_again(&r.s);
    put(b, &r, 2, M_IB_STATE, 1, well ? 4 : 2);
    run(b, 3 * RIG_MINUTE);
    assert_int_equal(closed(b), well);
    put(b, &r, 2, M_IB_STATE, 1, 4);
    run(b, 7 * RIG_SECOND);
    assert_int_equal(closed(b), 1);
    assert_int_equal(opened(b), 1);
    samples_fini(&r.s);
    end(b);
}

static void a_condition_outlives_the_daemon(void **state)
{
    (void)state;
    restart(false);
    restart(true);
}

static void what_nobody_says_after_a_restart_is_closed(void **state)
{
    struct bench *b = make();
    struct reader r;
    (void)state;
    reader_init(&r, 0);
    hello(b, 2);
    put(b, &r, 2, M_FS_READONLY, 4, 1);
    assert_int_equal(opened(b), 1);
    agents_destroy(b->a);
    open_agents(b);
    hello(b, 2); /* its filesystem is not there any more: nobody speaks of it */
    run(b, 65 * RIG_SECOND);
    assert_int_equal(closed(b), 1);
    samples_fini(&r.s);
    end(b);
}

static void a_driver_that_is_silent_is_a_fault_and_another_source_is_a_fact(void **state)
{
    struct bench *b = make();
    (void)state;
    hello(b, 2);
    say(b, 2, "source name=gpu state=ok");
    say(b, 2, "source name=optics state=absent");
    assert_int_equal(opened(b), 0);
    say(b, 2, "source name=gpu state=silent text=no%20answer%20in%202%20s");
    assert_int_equal(opened(b), 1);
    assert_true(last_opened(b)->class == LIVE_DRIVER && last_opened(b)->effect == EFFECT_NONE);
    say(b, 2, "source name=optics state=silent");
    assert_int_equal(opened(b), 2);
    assert_int_equal(last_opened(b)->effect, EFFECT_HARMLESS);
    run(b, 3 * RIG_MINUTE); /* a level: said once */
    assert_int_equal(closed(b), 0);
    say(b, 2, "source name=gpu state=ok");
    assert_int_equal(closed(b), 1);
    end(b);
}

/* A node works without its optics' readings: it was drained, and a crew was sent. */
static void bug_a_silent_source_took_its_node_out_of_service(void **state)
{
    struct bench *b = make();
    (void)state;
    hello(b, 2);
    say(b, 2, "source name=optics state=silent text=not%20permitted");
    run(b, 3 * RIG_MINUTE);
    assert_int_equal(opened(b), 1);
    assert_int_equal(last_opened(b)->class, LIVE_SOURCE);
    assert_int_equal(rig_count(b->r, EV_DRAIN_ORDERED), 0);
    assert_int_equal(rig_count(b->r, EV_ORDER_OPENED), 0);
    assert_int_equal(rig_node_health(b->r, 2), HEALTH_READY);
    end(b);
}

static void parts_are_held_against_the_site_file(void **state)
{
    struct bench *b = make();
    (void)state;
    hello(b, 2);
    say(b, 2, "source name=gpu state=ok");
    for (int i = 0; i < 8; i++) {
        char line[128];
        (void)snprintf(line, sizeof(line), "part scope=gpu n=%d name=GPU%d model=%s", i, i,
                       "NVIDIA%20H100%2080GB%20HBM3");
        say(b, 2, line);
    }
    run(b, RIG_MINUTE);
    assert_int_equal(opened(b), 0);
    say(b, 2, "part scope=gpu n=3 name=GPU3 gone=1");
    run(b, 25 * RIG_SECOND);
    assert_int_equal(opened(b), 1);
    assert_true(last_opened(b)->class == LIVE_HOST && last_opened(b)->effect == EFFECT_NONE);
    say(b, 2, "part scope=gpu n=3 name=GPU3 model=NVIDIA%20A100-SXM4-80GB");
    run(b, 25 * RIG_SECOND);
    assert_int_equal(closed(b), 1);
    assert_int_equal(opened(b), 2);
    assert_int_equal(last_opened(b)->effect, EFFECT_HARMLESS);
    end(b);
}

static void a_gatherer_speaks_of_nodes_and_of_other_machines(void **state)
{
    struct bench *b = make();
    struct reader bmc, pdu;
    struct agent_frame f = { .verb = AGENT_HELLO, .version = AGENT_PROTOCOL,
                             .role = AGENT_ROLE_GATHER, .name = "doors" };
    uint32_t peer;
    char line[128];
    (void)state;
    reader_init(&bmc, 1);
    reader_init(&pdu, 2);
    assert_int_equal(agents_hello(b->a, b->r->now_ns, &f, &peer, NULL), 0);
    (void)snprintf(line, sizeof(line), "machine n=1 name=%s acts=1",
                   fleet_name(b->r->fleet, component_id(COMPONENT_NODE, 6)));
    say(b, peer, line);
    say(b, peer, "machine n=2 name=pdu-west");
    put(b, &bmc, peer, M_BMC_LEAK, 0, 1);
    put(b, &pdu, peer, M_OUTLET_POWER_W, 3, 900);
    assert_int_equal(opened(b), 1);
    assert_true(last_opened(b)->class == LIVE_BMC && last_opened(b)->node == 6);
    say(b, peer, "finding machine=1 class=power name=psu2 code=PowerSupplyFailed up=1 text=dead");
    assert_int_equal(opened(b), 2);
    assert_int_equal(last_opened(b)->class, LIVE_POWER);
    say(b, peer, "finding machine=1 class=power name=psu2 up=0");
    assert_int_equal(closed(b), 1);
    const struct machines *m = agents_machines(b->a);
    struct machine_value v;
    assert_true(machines_value(m, machines_find(m, "pdu-west"), M_OUTLET_POWER_W, 3, &v));
    assert_int_equal(machines_info(m, machines_find(m, "pdu-west")).node, MW_NONE);
    assert_int_equal(agents_stats(b->a).frames_refused, 0);
    put(b, &pdu, peer, M_OUTLET_POWER_W, 3, 901);
    pdu.machine = 9; /* never named */
    put(b, &pdu, peer, M_OUTLET_POWER_W, 3, 902);
    assert_int_equal(agents_stats(b->a).frames_refused, 1);
    samples_fini(&bmc.s);
    samples_fini(&pdu.s);
    end(b);
}

static void a_port_is_the_nic_whose_cable_goes_to_its_neighbour(void **state)
{
    struct bench *b = make();
    struct reader r;
    const struct fleet *fleet = b->r->fleet;
    uint32_t nic = fleet->node_nic_first[2] + 3, cable = fleet->nic_cable[nic];
    uint32_t end_of = component_kind_of(fleet->cable_end[0][cable].component) == COMPONENT_SWITCH
                          ? 0 : 1;
    const struct fleet_port *p = &fleet->cable_end[end_of][cable];
    char line[256];
    (void)state;
    reader_init(&r, 0);
    hello(b, 2);
    (void)snprintf(line, sizeof(line), "part scope=port n=9 name=mlx5_3 peer=%s peer_port=%u",
                   fleet_name(fleet, p->component), p->port);
    say(b, 2, line);
    put(b, &r, 2, M_IB_STATE, 9, 4);
    put(b, &r, 2, M_IB_STATE, 9, 1);
    run(b, 7 * RIG_SECOND);
    assert_int_equal(opened(b), 1);
    assert_int_equal(last_opened(b)->component, component_id(COMPONENT_NIC, nic));
    samples_fini(&r.s);
    end(b);
}

static void damaged_samples_are_refused_and_the_agent_lives(void **state)
{
    static const uint8_t bad[] = { 0, 1, 2, 3, 4, 5 };
    struct bench *b = make();
    (void)state;
    hello(b, 1);
    agents_samples(b->a, b->r->now_ns, 1, bad, sizeof(bad));
    assert_int_equal(agents_stats(b->a).frames_refused, 1);
    assert_int_equal(opened(b), 0);
    end(b);
}

static void checks_of_a_node_are_kept_for_reading(void **state)
{
    struct bench *b = make();
    (void)state;
    hello(b, 1);
    say(b, 1, "checked id=0 result=failed level=2 class=gpu text=prolog");
    const struct machines *m = agents_machines(b->a);
    const struct machine_check *c = machines_check(m, machines_of_node(m, 1), 0);
    assert_non_null(c);
    assert_true(c->result == RESULT_FAILED && c->level == 2);
    end(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gpu_with_errors_is_a_finding_on_that_gpu_and_ends_when_they_are_gone),
        cmocka_unit_test(a_frame_of_samples_is_a_sign_of_life),
        cmocka_unit_test(what_could_not_be_recorded_is_recorded_later),
        cmocka_unit_test(a_condition_outlives_the_daemon),
        cmocka_unit_test(what_nobody_says_after_a_restart_is_closed),
        cmocka_unit_test(a_driver_that_is_silent_is_a_fault_and_another_source_is_a_fact),
        cmocka_unit_test(bug_a_silent_source_took_its_node_out_of_service),
        cmocka_unit_test(parts_are_held_against_the_site_file),
        cmocka_unit_test(a_gatherer_speaks_of_nodes_and_of_other_machines),
        cmocka_unit_test(a_port_is_the_nic_whose_cable_goes_to_its_neighbour),
        cmocka_unit_test(damaged_samples_are_refused_and_the_agent_lives),
        cmocka_unit_test(checks_of_a_node_are_kept_for_reading),
    };
    return cmocka_run_group_tests_name("live/agents_samples", tests, NULL, NULL);
}
