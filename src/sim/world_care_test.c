/*
 * The truth behind repairs, without a controller: what steps cure, what gates
 * see, what machines, crews and the store do with what they are asked.  What
 * breaks here makes every claim about care wrong.
 */
#include "sim/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "fleet/site.h"

#define FACTS_MAX 20000u
#define NODES 16u
#define MINUTE MW_NS_PER_MIN
#define HOUR MW_NS_PER_HOUR
#define DAY MW_NS_PER_DAY

struct heard {
    struct world *world;
    struct fleet *fleet;
    struct marks marks;
    struct world_doings doings;
    struct fault_trace *trace;
    uint32_t facts;
    uint64_t seq;
    int64_t now_ns; /* from the start */
    struct event fact[FACTS_MAX];
    const char *text[FACTS_MAX];
};

static struct heard heard;
static struct scenario scenario;

static void hear(void *ctx, const struct event *fact, const char *text)
{
    struct heard *h = ctx;
    assert_true(h->facts < FACTS_MAX);
    h->text[h->facts] = text;
    h->fact[h->facts++] = *fact;
}

static struct scenario_draw fixed(int64_t ns)
{
    return (struct scenario_draw){LAW_FIXED, (double)ns, 0.0};
}
static struct scenario_mix one(int64_t ns)
{
    return (struct scenario_mix){.n = 1, .share = {1.0}, .draw = {fixed(ns)}};
}

/* A fault on each node after a day, seen after a minute, an hour's work; what cures is certain:
 * nothing under a replacement. */
static struct scenario_process *plain(void)
{
    scenario_defaults(&scenario);
    memset(&heard.doings, 0, sizeof(heard.doings));
    scenario.policy.care.classes = 1;
    scenario.horizon_ns = 1000 * DAY;
    scenario.progress_every_ns = 0;
    scenario.processes = 1;
    scenario.process[0] = (struct scenario_process){
        .on = COMPONENT_NODE, .effect = EFFECT_KILLS, .kill_odds = 1.0, .gate_pass = 1.0,
        .between = fixed(DAY), .detect = fixed(MINUTE), .repair = one(HOUR), .has_cures = true,
        .gate_catch = 1.0, .relapse = one(3 * DAY),
        .cures = {[STEP_REPAIR] = 1.0, [STEP_REPLACE] = 1.0, [STEP_RMA] = 1.0}};
    return &scenario.process[0];
}

static void begin(void)
{
    struct mw_error err = {0};
    heard.facts = 0;
    heard.seq = 100;
    heard.now_ns = 0;
    memset(&heard.marks, 0, sizeof(heard.marks));
    if (heard.fleet == NULL)
        assert_int_equal(site_simple(NODES, &heard.fleet, &err), 0);
    int64_t end_ns = scenario.start_ns + scenario.horizon_ns;
    struct world_config c = {.scenario = &scenario, .fleet = heard.fleet, .seed = 1,
                             .end_ns = end_ns, .quiet_from_ns = end_ns, .jobs_max = 64,
                             .incidents_max = 64, .emit = hear, .ctx = &heard,
                             .doings = heard.doings, .marks = &heard.marks,
                             .trace = heard.trace};
    assert_int_equal(world_create(&c, &heard.world, &err), 0);
}

static void finish(void)
{
    assert_null(world_trouble(heard.world));
    world_destroy(heard.world);
    heard.world = NULL;
}

static void run_until(int64_t ns)
{
    while (world_next_ns(heard.world) <= scenario.start_ns + ns)
        world_step(heard.world);
    heard.now_ns = ns;
}

/* The n-th fact of a kind (from 0) about a node; -1 when there is none. */
static int find(uint16_t kind, uint32_t node, uint32_t n)
{
    for (uint32_t i = 0; i < heard.facts; i++) {
        const struct event *f = &heard.fact[i];
        uint32_t about = kind == EV_GATE_ENDED ? f->body.gate.node
                         : kind == EV_ORDER_TAKEN || kind == EV_ORDER_ENDED ||
                                   kind == EV_ACTION_ENDED
                             ? f->body.order.node
                             : f->body.finding.node;
        if (f->kind == kind && (kind == EV_PARTS_ARRIVED || about == node) && n-- == 0)
            return (int)i;
    }
    return -1;
}

static const struct event *fact(uint16_t kind, uint32_t node, uint32_t n)
{
    int at = find(kind, node, n);
    return at < 0 ? NULL : &heard.fact[at];
}

/* About the n-th finding of the node, for its incident row. */
static struct event order(uint16_t kind, uint32_t node, uint32_t n, uint8_t step)
{
    const struct event *f = fact(EV_FINDING_OPENED, node, n);
    struct event ev = {.kind = kind, .seq = ++heard.seq,
                       .time_ns = scenario.start_ns + heard.now_ns};
    assert_non_null(f);
    ev.body.order = (struct body_order){
        .component = f->body.finding.component,
        .finding = (uint64_t)f->source << 40 | f->body.finding.finding, .node = node,
        .slot = node == MW_NONE ? 40 : node, .incident = 7, .visit = 1,
        .step = step, .part = CARE_PART_NONE,
        .who = kind == EV_ACTION_STARTED ? WHO_AGENT
               : step == STEP_RMA        ? WHO_VENDOR
                                         : WHO_TECHNICIAN};
    return ev;
}

static void act(const struct event *ev)
{
    world_act(heard.world, scenario.start_ns + heard.now_ns, ev, NULL);
}

static void work_order(uint32_t node, uint32_t n, uint8_t step)
{
    struct event ev = order(EV_ORDER_OPENED, node, n, step);
    act(&ev);
}

static void action(uint32_t node, uint32_t n, uint8_t step)
{
    struct event ev = order(EV_ACTION_STARTED, node, n, step);
    act(&ev);
}

/* Runs a gate of a minute; whether it passed. */
static bool gate(uint32_t node)
{
    struct event ev = {.kind = EV_GATE_STARTED, .seq = ++heard.seq};
    uint32_t before = 0;
    while (find(EV_GATE_ENDED, node, before) >= 0)
        before++;
    ev.body.gate = (struct body_gate){.node = node, .slot = node, .length_ms = MW_MS_PER_MIN,
                                      .visit = 1};
    act(&ev);
    run_until(heard.now_ns + MINUTE);
    return fact(EV_GATE_ENDED, node, before)->body.gate.result == RESULT_OK;
}

static const char *text_of(uint16_t kind, uint32_t node, uint32_t n)
{
    int at = find(kind, node, n);
    assert_true(at >= 0);
    return heard.text[at] == NULL ? "" : heard.text[at];
}

static struct world_stats stats(void)
{
    return world_stats(heard.world, scenario.start_ns + heard.now_ns);
}

/* ---- what cures ---------------------------------------------------------------------------- */

static void what_a_step_does_not_cure_is_hidden_and_strikes_again(void **state)
{
    (void)state;
    plain()->gate_catch = 0.0;
    begin();
    run_until(DAY + MINUTE);
    action(2, 0, STEP_REBOOT);
    run_until(DAY + 2 * MINUTE);
    assert_int_equal(fact(EV_ACTION_ENDED, 2, 0)->body.order.result, RESULT_OK);
    assert_non_null(fact(EV_FINDING_CLOSED, 2, 0)); /* nothing is seen any more */
    assert_true(gate(2));
    assert_int_equal(stats().gates_missed, 1);
    run_until(4 * DAY + HOUR);
    const struct event *again = fact(EV_FINDING_OPENED, 2, 1);
    assert_non_null(again);
    assert_true(again->body.finding.finding != fact(EV_FINDING_OPENED, 2, 0)->body.finding.finding);
    assert_int_equal(stats().relapses, 1);
    /* The same need: the same step does not help, the heavier one does, and no clock ran twice. */
    action(2, 1, STEP_REBOOT);
    run_until(4 * DAY + 2 * HOUR);
    assert_int_equal(stats().uncured, 2);
    run_until(8 * DAY);
    assert_non_null(fact(EV_FINDING_OPENED, 2, 2));
    work_order(2, 2, STEP_REPLACE);
    run_until(8 * DAY + 2 * HOUR);
    assert_int_equal(stats().uncured, 2);
    run_until(9 * DAY - HOUR);
    assert_null(fact(EV_FINDING_OPENED, 2, 3));
    finish();
}

static void a_gate_that_looks_well_sees_what_is_hidden_until_it_is_cured(void **state)
{
    (void)state;
    plain();
    begin();
    run_until(DAY + MINUTE);
    action(2, 0, STEP_REBOOT);
    run_until(DAY + 2 * MINUTE);
    assert_false(gate(2));
    assert_false(gate(2));
    work_order(2, 0, STEP_RESEAT);
    run_until(DAY + 2 * HOUR);
    assert_false(gate(2));
    work_order(2, 0, STEP_REPLACE);
    run_until(DAY + 4 * HOUR);
    assert_true(gate(2));
    assert_true(heard.marks.count[MARK_GATE_FOUND_HIDDEN] >= 3);
    finish();
}

static void odds_are_shares_of_faults_and_heavier_steps_cure_what_lighter_ones_do(void **state)
{
    struct scenario_process *p = plain();
    uint32_t cured = 0, also = 0;
    (void)state;
    p->on = COMPONENT_GPU; /* 128 of them, each on its own */
    for (uint32_t i = STEP_RESET_GPU; i < STEP_RMA; i++)
        p->cures[i] = i < STEP_RESEAT ? 0.5 : 0.75;
    begin();
    run_until(DAY + MINUTE);
    for (uint32_t node = 0; node < NODES; node++)
        action(node, 0, STEP_REBOOT); /* of all that is wrong with the node */
    run_until(DAY + 2 * MINUTE);
    cured = 128 - (uint32_t)stats().uncured;
    assert_true(cured > 45 && cured < 83);
    for (uint32_t node = 0; node < NODES; node++)
        action(node, 0, STEP_POWER_CYCLE);
    run_until(DAY + 3 * MINUTE);
    assert_int_equal(stats().uncured, 128 - cured); /* no heavier: the same faults stay */
    for (uint32_t i = STEP_REBOOT; i < STEP_RMA; i++)
        p->cures[i] = 0.75;
    for (uint32_t node = 0; node < NODES; node++)
        action(node, 0, STEP_REBOOT);
    run_until(DAY + 4 * MINUTE);
    for (uint32_t node = 0; node < NODES; node++)
        also += gate(node);
    assert_true(also < NODES); /* a quarter is left, so that few nodes are clean */
    finish();
}

static void without_cures_a_crew_repairs_and_a_machine_does_not(void **state)
{
    (void)state;
    plain()->has_cures = false;
    begin();
    run_until(DAY + MINUTE);
    action(2, 0, STEP_POWER_CYCLE);
    run_until(DAY + 2 * MINUTE);
    assert_int_equal(fact(EV_ACTION_ENDED, 2, 0)->body.order.result, RESULT_OK);
    assert_null(fact(EV_FINDING_CLOSED, 2, 0));
    work_order(2, 0, STEP_RESEAT);
    run_until(DAY + 2 * HOUR);
    assert_non_null(fact(EV_FINDING_CLOSED, 2, 0));
    finish();
}

/* ---- machines ------------------------------------------------------------------------------ */

static void a_doubled_action_is_carried_out_once(void **state)
{
    (void)state;
    plain();
    begin();
    run_until(DAY + MINUTE);
    struct event ev = order(EV_ACTION_STARTED, 2, 0, STEP_POWER_CYCLE);
    act(&ev);
    act(&ev);
    run_until(DAY + HOUR);
    act(&ev);
    run_until(DAY + 2 * HOUR);
    assert_non_null(fact(EV_ACTION_ENDED, 2, 0));
    assert_null(fact(EV_ACTION_ENDED, 2, 1));
    assert_int_equal(stats().machine_acts, 1);
    assert_int_equal(stats().actions_again, 2);
    finish();
}

static void an_action_is_not_begun_after_its_lease(void **state)
{
    (void)state;
    plain();
    begin();
    run_until(DAY + MINUTE);
    struct event ev = order(EV_ACTION_STARTED, 2, 0, STEP_REBOOT);
    ev.body.order.lease_ms = 60000;
    run_until(DAY + 3 * MINUTE); /* the message was late */
    act(&ev);
    run_until(DAY + HOUR);
    const struct event *ended = fact(EV_ACTION_ENDED, 2, 0);
    assert_int_equal(ended->body.order.result, RESULT_FAILED);
    assert_string_equal(text_of(EV_ACTION_ENDED, 2, 0), "not begun: the lease is over");
    assert_null(fact(EV_FINDING_CLOSED, 2, 0));
    assert_int_equal(stats().machine_refused, 1);
    finish();
}

static void a_machine_takes_as_long_as_the_scenario_or_the_ladder_says(void **state)
{
    (void)state;
    plain();
    struct care_class *k = &scenario.policy.care.class[0];
    k->ladder[k->steps++] = (struct care_ladder){.step = STEP_REBOOT, .duration_ms = 600000};
    scenario.step[STEP_POWER_CYCLE].takes = one(20 * MINUTE);
    begin();
    run_until(DAY + MINUTE);
    action(2, 0, STEP_REBOOT);
    action(3, 0, STEP_POWER_CYCLE);
    run_until(DAY + 2 * HOUR);
    assert_true(fact(EV_ACTION_ENDED, 2, 0)->observed_ns == scenario.start_ns + DAY + 11 * MINUTE);
    assert_true(fact(EV_ACTION_ENDED, 3, 0)->observed_ns == scenario.start_ns + DAY + 21 * MINUTE);
    finish();
}

static void a_machine_that_does_not_know_did_it_half_of_the_time(void **state)
{
    uint32_t closed = 0;
    (void)state;
    plain()->cures[STEP_REBOOT] = 1.0;
    scenario.step[STEP_REBOOT].unknown = 1.0;
    begin();
    run_until(DAY + MINUTE);
    for (uint32_t node = 0; node < NODES; node++)
        action(node, 0, STEP_REBOOT);
    run_until(DAY + HOUR);
    for (uint32_t node = 0; node < NODES; node++) {
        assert_int_equal(fact(EV_ACTION_ENDED, node, 0)->body.order.result, RESULT_UNKNOWN);
        closed += fact(EV_FINDING_CLOSED, node, 0) != NULL;
    }
    assert_true(closed > 0 && closed < NODES);
    assert_int_equal(stats().machine_unknown, NODES);
    finish();
}

static void a_reset_under_a_job_that_works_is_counted_against_the_controller(void **state)
{
    (void)state;
    plain()->kill_odds = 0.0;
    scenario.jobs = JOBS_SYNTHETIC;
    scenario.jobs_max = scenario.job_classes = 1;
    scenario.job_class[0] = (struct scenario_job_class){
        .share_of_gpu_time = 1.0, .gpus_n = 1, .gpus = {8}, .gpus_weight = {1.0},
        .work = fixed(90 * HOUR), .count = 1, .every_ns = HOUR};
    begin();
    run_until(HOUR);
    uint32_t node = 2;
    struct event ev = {.kind = EV_ATTEMPT_PLACED, .seq = ++heard.seq, .tail_size = sizeof(node)};
    ev.body.place = (struct body_place){.job = 1, .attempt = 1, .nodes = 1};
    world_act(heard.world, scenario.start_ns + heard.now_ns, &ev, &node);
    run_until(DAY + MINUTE);
    action(3, 0, STEP_REBOOT);
    action(2, 0, STEP_RESTART_SERVICE);
    assert_int_equal(stats().machine_killed_jobs, 0);
    run_until(DAY + 2 * MINUTE);
    action(2, 0, STEP_REBOOT);
    assert_int_equal(stats().machine_killed_jobs, 1);
    assert_int_equal(stats().kills, 1);
    finish();
}

/* ---- crews --------------------------------------------------------------------------------- */

static void a_replaced_part_has_a_new_serial_in_the_answer(void **state)
{
    (void)state;
    plain();
    begin();
    run_until(DAY + MINUTE);
    work_order(2, 0, STEP_REPLACE);
    work_order(3, 0, STEP_RESEAT);
    work_order(4, 0, STEP_RMA);
    run_until(DAY + 3 * HOUR);
    assert_string_equal(text_of(EV_ORDER_ENDED, 2, 0), "replaced; serial node/2-0 -> node/2-1");
    assert_string_equal(text_of(EV_ORDER_ENDED, 3, 0), "reseated");
    assert_string_equal(text_of(EV_ORDER_ENDED, 4, 0),
                        "came back from the vendor; serial node/4-0 -> node/4-1");
    assert_int_equal(fact(EV_ORDER_ENDED, 2, 0)->body.order.step, STEP_REPLACE);
    assert_int_equal(stats().nodes_swapped, 1);
    finish();
}

static void an_order_waits_for_its_part_and_the_store_serves_in_turn(void **state)
{
    (void)state;
    plain();
    scenario.policy.care.parts = 1;
    scenario.policy.care.part[0] = (struct care_part){.name = "board", .lead_ms = 0, .stock = 1};
    scenario.part_arrives[0] = one(5 * HOUR);
    begin();
    run_until(DAY + MINUTE);
    for (uint32_t node = 2; node < 5; node++) {
        struct event ev = order(EV_ORDER_OPENED, node, 0, STEP_REPLACE);
        ev.body.order.part = 0;
        act(&ev);
    }
    run_until(DAY + HOUR);
    assert_non_null(fact(EV_ORDER_TAKEN, 2, 0));
    assert_null(fact(EV_ORDER_TAKEN, 3, 0));
    struct event ev = {.kind = EV_PARTS_ORDERED, .seq = ++heard.seq};
    ev.body.parts = (struct body_parts){.count = 1, .part = 0};
    act(&ev);
    act(&ev);
    run_until(DAY + 20 * HOUR);
    const struct event *parts = fact(EV_PARTS_ARRIVED, 0, 0);
    assert_int_equal(parts->source, SOURCE_STORE);
    assert_true(parts->cause == ev.seq && parts->body.parts.order == ev.seq);
    assert_true(parts->observed_ns == scenario.start_ns + DAY + 6 * HOUR);
    assert_null(fact(EV_PARTS_ARRIVED, 0, 1));
    assert_non_null(fact(EV_ORDER_ENDED, 3, 0));
    assert_null(fact(EV_ORDER_TAKEN, 4, 0));
    assert_int_equal(stats().parts_used, 2);
    finish();
}

static struct event notice(uint16_t kind, uint32_t node, uint8_t level)
{
    struct event ev = order(kind, node, 0, STEP_REPAIR);
    ev.body.order.level = level;
    return ev;
}

static void an_escalated_order_goes_first_and_gains_only_what_the_scenario_says(void **state)
{
    (void)state;
    for (uint32_t sooner = 0; sooner < 2; sooner++) {
        plain()->repair = one(10 * HOUR);
        scenario.crews = 1;
        if (sooner)
            scenario.escalated = one(HOUR);
        begin();
        run_until(DAY + MINUTE);
        work_order(2, 0, STEP_REPAIR);
        work_order(3, 0, STEP_REPAIR);
        work_order(4, 0, STEP_REPAIR);
        run_until(DAY + HOUR);
        struct event first = notice(EV_ORDER_ESCALATED, 4, 1);
        struct event hands = notice(EV_ORDER_ESCALATED, 2, 1);
        act(&first);
        act(&hands);
        run_until(3 * DAY);
        int64_t done_ns = fact(EV_ORDER_ENDED, 2, 0)->observed_ns - scenario.start_ns - DAY;
        assert_true(done_ns == (sooner ? 2 * HOUR : 10 * HOUR + MINUTE));
        assert_true(fact(EV_ORDER_TAKEN, 4, 0)->observed_ns <
                    fact(EV_ORDER_TAKEN, 3, 0)->observed_ns);
        assert_int_equal(stats().orders_escalated, 2);
        finish();
    }
}

/* One fault of one node, from the first to the eleventh day. */
static void of_a_trace(void)
{
    static struct trace_fault fault = {.start_ns = DAY, .end_ns = 11 * DAY};
    static char names[1][64] = {"unknown"};
    static struct fault_trace trace = {.fault = &fault, .faults = 1, .nodes_seen = 1,
                                       .length_ns = 11 * DAY, .class_name = names, .classes = 1,
                                       .desc_name = names, .descs = 1};
    plain();
    scenario.processes = 0;
    heard.trace = &trace;
}

/* The trace says what happened when nobody hurried and nobody sent another node. */
static void a_traced_repair_ends_with_its_trace_unless_it_is_hurried_or_swapped(void **state)
{
    static const int64_t ends_ns[] = {11 * DAY, 11 * DAY, 2 * DAY + 6 * HOUR, 5 * DAY + MINUTE};
    (void)state;
    for (uint32_t i = 0; i < MW_ARRAY_LEN(ends_ns); i++) {
        of_a_trace();
        if (i == 2)
            scenario.escalated = one(6 * HOUR);
        scenario.step[STEP_RMA].takes = one(4 * DAY);
        begin();
        run_until(DAY + MINUTE);
        assert_int_equal(heard.facts, 1);
        uint32_t node = heard.fact[0].body.finding.node;
        work_order(node, 0, i == 3 ? STEP_RMA : STEP_REPAIR);
        run_until(2 * DAY);
        struct event hurry = notice(EV_ORDER_ESCALATED, node, 1);
        if (i > 0 && i < 3)
            act(&hurry);
        run_until(20 * DAY);
        assert_true(fact(EV_FINDING_CLOSED, node, 0)->observed_ns ==
                    scenario.start_ns + ends_ns[i]);
        assert_non_null(fact(EV_ORDER_ENDED, node, 0));
        finish();
    }
    heard.trace = NULL;
}

static void a_withdrawn_order_leaves_its_line_and_gives_its_part_back(void **state)
{
    (void)state;
    plain();
    scenario.crews = 1;
    scenario.policy.care.parts = 1;
    scenario.policy.care.part[0] = (struct care_part){.name = "board", .stock = 2};
    begin();
    run_until(DAY + MINUTE);
    for (uint32_t node = 2; node < 5; node++) {
        struct event ev = order(EV_ORDER_OPENED, node, 0, STEP_REPLACE);
        ev.body.order.part = 0;
        act(&ev);
    }
    struct event off = notice(EV_ORDER_WITHDRAWN, 3, 0);
    act(&off);
    act(&off);
    run_until(2 * DAY - HOUR);
    assert_non_null(fact(EV_ORDER_ENDED, 2, 0));
    assert_null(fact(EV_ORDER_TAKEN, 3, 0));
    assert_non_null(fact(EV_ORDER_ENDED, 4, 0)); /* with the part that 3 gave back */
    assert_int_equal(stats().orders_withdrawn, 1);
    finish();
}

static void a_crew_that_is_told_to_stop_is_free_and_has_repaired_nothing(void **state)
{
    (void)state;
    plain()->repair = one(10 * HOUR);
    scenario.crews = 1;
    scenario.step[STEP_REPLACE].takes = one(HOUR);
    begin();
    run_until(DAY + MINUTE);
    work_order(2, 0, STEP_REPAIR);
    work_order(3, 0, STEP_REPAIR);
    run_until(DAY + HOUR);
    assert_null(fact(EV_ORDER_TAKEN, 3, 0));
    struct event off = notice(EV_ORDER_WITHDRAWN, 2, 0);
    act(&off);
    run_until(DAY + 10 * HOUR + MINUTE); /* when it would have been done */
    assert_int_equal(fact(EV_ORDER_TAKEN, 3, 0)->observed_ns, scenario.start_ns + DAY + HOUR);
    assert_null(fact(EV_ORDER_ENDED, 2, 0));
    assert_null(fact(EV_FINDING_CLOSED, 2, 0));
    work_order(2, 0, STEP_REPLACE);
    run_until(2 * DAY - HOUR);
    assert_int_equal(fact(EV_ORDER_ENDED, 2, 0)->observed_ns,
                     scenario.start_ns + DAY + 12 * HOUR); /* after node 3, in its own time */
    finish();
}

/* One switch breaks after a day; its leaf's nodes lose a rail. */
static void break_switches(void)
{
    struct scenario_process *p = plain();
    p->on = COMPONENT_SWITCH;
    p->effect = EFFECT_SLOWS;
    p->slow_share = 0.2;
    p->slow_known = true;
    p->has_cures = false;
}

static void a_crew_that_is_sent_to_a_sound_part_says_that_nothing_is_wrong(void **state)
{
    (void)state;
    break_switches();
    begin();
    run_until(DAY + MINUTE);
    struct event ev = order(EV_ORDER_OPENED, 2, 0, STEP_REPAIR);
    ev.body.order.node = MW_NONE; /* inferred from the nodes' findings: a PDU, which is sound */
    ev.body.order.slot = 40;
    ev.body.order.component = component_id(COMPONENT_PDU, 0);
    act(&ev);
    run_until(DAY + 2 * HOUR);
    assert_int_equal(fact(EV_ORDER_ENDED, MW_NONE, 0)->body.order.result, RESULT_FAILED);
    assert_string_equal(text_of(EV_ORDER_ENDED, MW_NONE, 0), "nothing wrong here");
    assert_int_equal(stats().orders_wrong, 1);
    assert_null(fact(EV_FINDING_CLOSED, 2, 0));
    finish();
}

static void a_crew_that_is_sent_to_the_true_cause_repairs_it_for_all_it_feeds(void **state)
{
    (void)state;
    break_switches();
    begin();
    run_until(DAY + MINUTE);
    const struct event *f = fact(EV_FINDING_OPENED, MW_NONE, 0);
    struct event ev = order(EV_ORDER_OPENED, 2, 0, STEP_REPAIR);
    ev.body.order.node = MW_NONE; /* asked for by a finding of a node */
    ev.body.order.slot = 40;
    ev.body.order.component = f->body.finding.component;
    act(&ev);
    run_until(DAY + 2 * HOUR);
    assert_int_equal(fact(EV_ORDER_ENDED, MW_NONE, 0)->body.order.result, RESULT_OK);
    assert_non_null(fact(EV_FINDING_CLOSED, MW_NONE, 0));
    assert_non_null(fact(EV_FINDING_CLOSED, 2, 0));
    assert_int_equal(fact(EV_FINDING_OPENED, 2, 0)->body.finding.slow_ppm, 200000);
    finish();
}

static void a_technician_may_answer_late_and_twice_and_do_something_else(void **state)
{
    uint32_t other = 0;
    (void)state;
    plain();
    heard.doings.late_percent = heard.doings.twice_percent = heard.doings.other_percent = 100;
    begin();
    run_until(DAY + MINUTE);
    for (uint32_t node = 0; node < NODES; node++)
        work_order(node, 0, STEP_RESEAT);
    run_until(2 * DAY);
    for (uint32_t node = 0; node < NODES; node++) {
        const struct event *ended = fact(EV_ORDER_ENDED, node, 0);
        assert_true(ended->observed_ns > scenario.start_ns + DAY + HOUR + MINUTE);
        assert_non_null(fact(EV_ORDER_ENDED, node, 1));
        assert_null(fact(EV_ORDER_ENDED, node, 2));
        other += ended->body.order.step != STEP_RESEAT;
    }
    assert_true(other > 4 && other < NODES);
    finish();
}

/* ---- false alarms and lemons --------------------------------------------------------------- */

static void a_false_alarm_hurts_nobody_and_no_gate_fails_for_it(void **state)
{
    struct scenario_process *p = plain();
    (void)state;
    p->false_alarm = true;
    p->has_cures = false;
    p->clears = one(30 * DAY);
    begin();
    run_until(DAY + MINUTE);
    assert_int_equal(fact(EV_FINDING_OPENED, 2, 0)->body.finding.effect, EFFECT_KILLS);
    assert_int_equal(stats().faults, 0);
    assert_int_equal(stats().alarms, NODES);
    assert_true(gate(2));
    work_order(2, 0, STEP_REPAIR);
    run_until(DAY + 3 * HOUR);
    assert_string_equal(text_of(EV_ORDER_ENDED, 2, 0), "no fault found");
    assert_non_null(fact(EV_FINDING_CLOSED, 2, 0));
    finish();
}

static void drains_and_stops_for_false_alarms_are_counted(void **state)
{
    (void)state;
    struct scenario_process *p = plain();
    p->false_alarm = true;
    p->clears = one(30 * DAY);
    begin();
    run_until(DAY + MINUTE);
    uint64_t finding = fact(EV_FINDING_OPENED, 2, 0)->body.finding.finding;
    struct event ev = {.kind = EV_INCIDENT_OPENED};
    ev.body.incident = (struct body_incident){
        .finding = (uint64_t)(SOURCE_NODE + 2) << 40 | finding, .node = 2, .slot = 2};
    world_observe(heard.world, scenario.start_ns + heard.now_ns, &ev);
    ev = (struct event){.kind = EV_DRAIN_ORDERED};
    ev.body.drain = (struct body_drain){.node = 2, .slot = 2, .how = DRAIN_NOW};
    world_observe(heard.world, scenario.start_ns + heard.now_ns, &ev);
    ev.actor = 1; /* a person's own drain is no mistake of ours */
    world_observe(heard.world, scenario.start_ns + heard.now_ns, &ev);
    ev = (struct event){.kind = EV_ATTEMPT_STOP};
    ev.body.stop = (struct body_stop){.node = 2, .incident_slot = 2, .how = DRAIN_NOW};
    world_observe(heard.world, scenario.start_ns + heard.now_ns, &ev);
    assert_int_equal(stats().drains_false, 1);
    assert_int_equal(stats().stops_false, 1);
    finish();
}

static void a_replaced_lemon_is_drawn_again(void **state)
{
    uint32_t lemons = 0, after = 0;
    (void)state;
    struct scenario_process *p = plain();
    p->lemon_share = 0.5;
    p->lemon_factor = 2.0;
    begin();
    for (uint32_t node = 0; node < NODES; node++)
        lemons += world_is_lemon(heard.world, node);
    assert_true(lemons > 2 && lemons < NODES - 2);
    run_until(DAY + MINUTE);
    for (uint32_t node = 0; node < NODES; node++)
        if (world_is_lemon(heard.world, node))
            work_order(node, 0, STEP_REPLACE);
    run_until(DAY + 3 * HOUR);
    for (uint32_t node = 0; node < NODES; node++)
        after += world_is_lemon(heard.world, node);
    assert_true(after < lemons);
    finish();
}

static void a_verdict_is_held_against_the_truth(void **state)
{
    (void)state;
    struct scenario_process *p = plain();
    p->lemon_share = 0.5;
    p->lemon_factor = 2.0;
    begin();
    for (uint32_t node = 0; node < NODES; node++) {
        struct event ev = {.kind = EV_NODE_JUDGED};
        ev.body.judge = (struct body_judge){.node = node, .lemon = 1};
        world_observe(heard.world, scenario.start_ns, &ev);
    }
    uint32_t lemons = 0;
    for (uint32_t node = 0; node < NODES; node++)
        lemons += world_is_lemon(heard.world, node);
    assert_int_equal(stats().lemons_true, lemons);
    assert_int_equal(stats().lemons_false, NODES - lemons);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_step_does_not_cure_is_hidden_and_strikes_again),
        cmocka_unit_test(a_gate_that_looks_well_sees_what_is_hidden_until_it_is_cured),
        cmocka_unit_test(odds_are_shares_of_faults_and_heavier_steps_cure_what_lighter_ones_do),
        cmocka_unit_test(without_cures_a_crew_repairs_and_a_machine_does_not),
        cmocka_unit_test(a_doubled_action_is_carried_out_once),
        cmocka_unit_test(an_action_is_not_begun_after_its_lease),
        cmocka_unit_test(a_machine_takes_as_long_as_the_scenario_or_the_ladder_says),
        cmocka_unit_test(a_machine_that_does_not_know_did_it_half_of_the_time),
        cmocka_unit_test(a_reset_under_a_job_that_works_is_counted_against_the_controller),
        cmocka_unit_test(a_replaced_part_has_a_new_serial_in_the_answer),
        cmocka_unit_test(an_order_waits_for_its_part_and_the_store_serves_in_turn),
        cmocka_unit_test(an_escalated_order_goes_first_and_gains_only_what_the_scenario_says),
        cmocka_unit_test(a_traced_repair_ends_with_its_trace_unless_it_is_hurried_or_swapped),
        cmocka_unit_test(a_withdrawn_order_leaves_its_line_and_gives_its_part_back),
        cmocka_unit_test(a_crew_that_is_told_to_stop_is_free_and_has_repaired_nothing),
        cmocka_unit_test(a_crew_that_is_sent_to_a_sound_part_says_that_nothing_is_wrong),
        cmocka_unit_test(a_crew_that_is_sent_to_the_true_cause_repairs_it_for_all_it_feeds),
        cmocka_unit_test(a_technician_may_answer_late_and_twice_and_do_something_else),
        cmocka_unit_test(a_false_alarm_hurts_nobody_and_no_gate_fails_for_it),
        cmocka_unit_test(drains_and_stops_for_false_alarms_are_counted),
        cmocka_unit_test(a_replaced_lemon_is_drawn_again),
        cmocka_unit_test(a_verdict_is_held_against_the_truth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
