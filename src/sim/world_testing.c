/* See the header. */
#include "sim/world_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "fleet/site.h"

static void hear(void *ctx, const struct event *fact, const char *text)
{
    struct stage *s = ctx;
    assert_true(s->facts < STAGE_FACTS_MAX);
    s->text[s->facts] = text;
    s->fact[s->facts++] = *fact;
}

struct scenario_draw stage_fixed(int64_t ns)
{
    return (struct scenario_draw){LAW_FIXED, (double)ns, 0.0};
}

struct scenario_mix stage_one(int64_t ns)
{
    return (struct scenario_mix){.n = 1, .share = {1.0}, .draw = {stage_fixed(ns)}};
}

struct scenario_process *stage_plain(struct stage *s)
{
    scenario_defaults(&s->scenario);
    memset(&s->doings, 0, sizeof(s->doings));
    s->scenario.policy.care.classes = 1;
    s->scenario.horizon_ns = 100 * MW_NS_PER_DAY;
    s->scenario.progress_every_ns = 0;
    s->scenario.processes = 1;
    s->scenario.process[0] = (struct scenario_process){
        .on = COMPONENT_NODE, .effect = EFFECT_KILLS, .kill_odds = 1.0, .gate_pass = 1.0,
        .between = stage_fixed(MW_NS_PER_DAY), .detect = stage_fixed(MW_NS_PER_MIN),
        .repair = stage_one(MW_NS_PER_HOUR)};
    return &s->scenario.process[0];
}

struct scenario_process *stage_cured(struct stage *s)
{
    struct scenario_process *p = stage_plain(s);
    s->scenario.horizon_ns = 1000 * MW_NS_PER_DAY;
    p->has_cures = true;
    p->gate_catch = 1.0;
    p->relapse = stage_one(3 * MW_NS_PER_DAY);
    p->cures[STEP_REPAIR] = p->cures[STEP_REPLACE] = p->cures[STEP_RMA] = 1.0;
    return p;
}

void stage_begin(struct stage *s, uint64_t seed)
{
    struct mw_error err = {0};
    s->facts = 0;
    s->seq = 100;
    s->now_ns = 0;
    memset(&s->marks, 0, sizeof(s->marks));
    if (s->fleet == NULL)
        assert_int_equal(site_simple(STAGE_NODES, &s->fleet, &err), 0);
    int64_t end_ns = s->scenario.start_ns + s->scenario.horizon_ns;
    struct world_config c = {.scenario = &s->scenario, .fleet = s->fleet, .seed = seed,
                             .end_ns = end_ns, .quiet_from_ns = end_ns, .jobs_max = 64,
                             .incidents_max = 64, .emit = hear, .ctx = s, .doings = s->doings,
                             .marks = &s->marks, .trace = s->trace};
    assert_int_equal(world_create(&c, &s->world, &err), 0);
}

void stage_finish(struct stage *s)
{
    assert_null(world_trouble(s->world));
    world_destroy(s->world);
    s->world = NULL;
}

void stage_run_until(struct stage *s, int64_t ns)
{
    while (world_next_ns(s->world) <= s->scenario.start_ns + ns)
        world_step(s->world);
    s->now_ns = ns;
}

struct world_stats stage_stats(const struct stage *s)
{
    return world_stats(s->world, s->scenario.start_ns + s->now_ns);
}

static uint32_t node_of(const struct event *fact)
{
    switch (fact->kind) {
    case EV_GATE_ENDED:
        return fact->body.gate.node;
    case EV_ORDER_TAKEN:
    case EV_ORDER_ENDED:
    case EV_ACTION_ENDED:
        return fact->body.order.node;
    default:
        return fact->body.finding.node;
    }
}

/* -1 when there is none. */
static int find(const struct stage *s, uint16_t kind, uint32_t node, uint32_t n)
{
    for (uint32_t i = 0; i < s->facts; i++) {
        const struct event *f = &s->fact[i];
        if (f->kind == kind && (kind == EV_PARTS_ARRIVED || node_of(f) == node) && n-- == 0)
            return (int)i;
    }
    return -1;
}

const struct event *stage_fact(const struct stage *s, uint16_t kind, uint32_t node, uint32_t n)
{
    int at = find(s, kind, node, n);
    return at < 0 ? NULL : &s->fact[at];
}

int64_t stage_seen_ns(const struct stage *s, uint16_t kind, uint32_t node, uint32_t n)
{
    const struct event *f = stage_fact(s, kind, node, n);
    assert_non_null(f);
    return f->observed_ns - s->scenario.start_ns;
}

const char *stage_text(const struct stage *s, uint16_t kind, uint32_t node, uint32_t n)
{
    int at = find(s, kind, node, n);
    assert_true(at >= 0);
    return s->text[at] == NULL ? "" : s->text[at];
}

struct event stage_order(struct stage *s, uint16_t kind, uint32_t node, uint32_t n, uint8_t step)
{
    const struct event *f = stage_fact(s, EV_FINDING_OPENED, node, n);
    struct event ev = {.kind = kind, .seq = ++s->seq,
                       .time_ns = s->scenario.start_ns + s->now_ns};
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

void stage_act(struct stage *s, const struct event *ev)
{
    world_act(s->world, s->scenario.start_ns + s->now_ns, ev, NULL);
}

void stage_work_order(struct stage *s, uint32_t node, uint32_t n, uint8_t step)
{
    struct event ev = stage_order(s, EV_ORDER_OPENED, node, n, step);
    stage_act(s, &ev);
}

void stage_action(struct stage *s, uint32_t node, uint32_t n, uint8_t step)
{
    struct event ev = stage_order(s, EV_ACTION_STARTED, node, n, step);
    stage_act(s, &ev);
}

bool stage_gate(struct stage *s, uint32_t node)
{
    struct event ev = {.kind = EV_GATE_STARTED, .seq = ++s->seq};
    uint32_t before = 0;
    while (find(s, EV_GATE_ENDED, node, before) >= 0)
        before++;
    ev.body.gate = (struct body_gate){.node = node, .slot = node, .length_ms = MW_MS_PER_MIN,
                                      .visit = 1};
    stage_act(s, &ev);
    stage_run_until(s, s->now_ns + MW_NS_PER_MIN);
    return stage_fact(s, EV_GATE_ENDED, node, before)->body.gate.result == RESULT_OK;
}
