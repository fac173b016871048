/*
 * What must hold of every record, checked against a model of its own that
 * knows nothing but the events: the planes are not asked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/units.h"
#include "control/rig.h"
#include "core/event_fields.h"

enum { HELD_OURS = 1, HELD_OTHERS = 2 };

/* The site as the events tell it. */
struct model {
    const struct rig *r;
    uint8_t *health, *held, *taken, *gated, *mode; /* mode: per hall */
    uint64_t *job;        /* per node: the job on it */
    int64_t *take_ms;     /* automatic takes in order, with their halls */
    uint32_t *take_hall;
    uint32_t takes, out;
};

static void model_make(struct model *m, const struct rig *r)
{
    uint32_t nodes = r->fleet->count[COMPONENT_NODE];
    *m = (struct model){ .r = r };
    m->health = mw_calloc(nodes, 1);
    m->held = mw_calloc(nodes, 1);
    m->mode = mw_calloc(r->fleet->count[COMPONENT_HALL], 1);
    memset(m->mode, r->policy.guard.mode, r->fleet->count[COMPONENT_HALL]);
    m->taken = mw_calloc(nodes, 1);
    m->gated = mw_calloc(nodes, 1);
    m->job = mw_calloc(nodes, sizeof(*m->job));
    m->take_ms = mw_calloc(r->log_length, sizeof(*m->take_ms));
    m->take_hall = mw_calloc(r->log_length, sizeof(*m->take_hall));
}

static void model_fini(struct model *m)
{
    mw_free(m->health);
    mw_free(m->held);
    mw_free(m->mode);
    mw_free(m->taken);
    mw_free(m->gated);
    mw_free(m->job);
    mw_free(m->take_ms);
    mw_free(m->take_hall);
}

/* Bytes of a body that belong to no field are zero: records are equal byte for byte. */
static void check_gaps(const struct event *ev)
{
    uint8_t named[64] = { 0 };
    const struct event_body_info *info = event_body_of(ev->kind);
    assert_non_null(info);
    for (uint32_t f = 0; f < info->fields; f++)
        memset(named + info->field[f].offset, 1, info->field[f].size);
    for (uint32_t i = 0; i < sizeof(named); i++)
        if (!named[i] && ev->body.bytes[i])
            fail_msg("%s: byte %u of the body belongs to no field and is %u",
                     event_info(ev->kind)->name, i, ev->body.bytes[i]);
}

static void check_header(const struct rig *r, uint32_t i)
{
    const struct event *ev = &r->log[i].ev;
    assert_int_equal(ev->seq, i + 1);
    assert_true(i == 0 || ev->time_ns >= r->log[i - 1].ev.time_ns);
    assert_true(ev->cause < ev->seq);
    if (event_info(ev->kind)->class == EVENT_DECISION)
        assert_true(ev->cause > 0);
    assert_int_not_equal(ev->kind, EV_CONTRADICTION);
    assert_int_not_equal(ev->kind, EV_CASCADE_STOPPED);
    check_gaps(ev);
}

static void check_place(struct model *m, const struct rig_event *e)
{
    const struct body_place *p = &e->ev.body.place;
    const uint32_t *node = e->tail;
    uint32_t gpus = 0;
    assert_int_equal(e->ev.tail_size, p->nodes * sizeof(*node));
    for (uint32_t i = 0; i < p->nodes; i++) {
        assert_int_equal(m->health[node[i]], HEALTH_READY);
        assert_int_equal(m->held[node[i]], 0);
        assert_int_equal(m->job[node[i]], 0);
        m->job[node[i]] = p->job;
        gpus += m->r->fleet->node_gpus[node[i]];
    }
    assert_true(p->gpus <= gpus);
}

/* Another engine's gang: on whatever nodes, but none in two jobs. */
static void check_allocated(struct model *m, const struct rig_event *e)
{
    const struct body_place *p = &e->ev.body.place;
    const uint32_t *node = e->tail;
    for (uint32_t i = 0; i < p->nodes; i++) {
        assert_int_equal(m->job[node[i]], 0);
        m->job[node[i]] = p->job;
    }
}

/* Below act nothing is asked of an engine but for a person, and what others hold is not touched. */
static void check_order(const struct model *m, const struct event *ev)
{
    const struct body_engine *e = &ev->body.engine;
    assert_true(ev->actor || m->mode[m->r->fleet->node_hall[e->node]] == MODE_ACT);
}

static void check_end(struct model *m, uint64_t job)
{
    for (uint32_t n = 0; n < m->r->fleet->count[COMPONENT_NODE]; n++)
        if (m->job[n] == job)
            m->job[n] = 0;
}

static void check_move(struct model *m, const struct body_node *b)
{
    assert_int_equal(m->health[b->node], b->from);
    assert_true(health_may_move(b->from, b->to));
    m->health[b->node] = b->to;
    if (b->to == HEALTH_DOWN)
        m->gated[b->node] = 0;
    if (b->to == HEALTH_PROBATION || b->to == HEALTH_READY) {
        assert_true(b->class < m->r->policy.care.classes);
        bool asks = m->r->policy.care.gate && m->r->policy.care.class[b->class].gate_ms > 0;
        assert_true(!asks || m->gated[b->node]);
    }
    if ((b->to == HEALTH_READY || b->to == HEALTH_RETIRED) && m->taken[b->node]) {
        m->taken[b->node] = 0;
        m->out--;
    }
}

static uint32_t budget(uint32_t nodes, uint32_t permille_x10)
{
    return MW_MAX(1u, nodes * permille_x10 / 10000u);
}

/* Racks with something out hang on no feed or loop of this one. */
static void check_domain(const struct model *m, uint32_t node)
{
    const struct fleet *f = m->r->fleet;
    uint32_t mine = f->node_rack[node];
    for (uint32_t n = 0; n < f->count[COMPONENT_NODE]; n++) {
        uint32_t rack = f->node_rack[n];
        if (!m->taken[n] || rack == mine)
            continue;
        for (uint32_t i = 0; i < 4; i++)
            assert_true(f->rack_pdu[i / 2][mine] == MW_NONE ||
                        f->rack_pdu[i / 2][mine] != f->rack_pdu[i % 2][rack]);
        assert_true(f->rack_cdu[mine] == MW_NONE || f->rack_cdu[mine] != f->rack_cdu[rack]);
    }
}

static void check_drain(struct model *m, const struct event *ev)
{
    const struct fleet *f = m->r->fleet;
    const struct guard_policy *g = &m->r->policy.guard;
    uint32_t node = ev->body.drain.node, hall = f->node_hall[node], of_hall = 0, recent = 0;
    assert_int_equal(m->health[node], HEALTH_READY);
    if (ev->actor == 0) {
        for (uint32_t n = 0; n < f->count[COMPONENT_NODE]; n++)
            of_hall += f->node_hall[n] == hall;
        for (uint32_t i = 0; i < m->takes; i++)
            recent += m->take_hall[i] == hall &&
                      mw_ms(ev->time_ns) - m->take_ms[i] < g->window_ms;
        assert_true(recent < budget(of_hall, g->hall_permille_x10));
        assert_true(m->out < budget(f->count[COMPONENT_NODE], g->fleet_permille_x10));
        if (g->domain_rule)
            check_domain(m, node);
        m->take_ms[m->takes] = mw_ms(ev->time_ns);
        m->take_hall[m->takes++] = hall;
    }
    m->health[node] = HEALTH_SUSPECT;
    m->taken[node] = 1;
    m->out++;
}

static void check_command(struct model *m, const struct body_command *c)
{
    if (c->verb == CMD_HOLD || c->verb == CMD_DRAIN)
        m->held[c->node] |= HELD_OURS;
    if (c->verb == CMD_RELEASE)
        m->held[c->node] &= HELD_OTHERS;
    for (uint32_t h = 0; c->verb == CMD_SET_MODE && h < m->r->fleet->count[COMPONENT_HALL]; h++)
        if (c->hall == MW_NONE || c->hall == h)
            m->mode[h] = c->mode;
}

static void check_event(struct model *m, const struct rig_event *e)
{
    const struct event *ev = &e->ev;
    switch (ev->kind) {
    case EV_NODES_ADOPTED:
        memset(m->health + ev->body.adopt.first, ev->body.adopt.health, ev->body.adopt.count);
        return;
    case EV_ATTEMPT_PLACED:
        check_place(m, e);
        return;
    case EV_ATTEMPT_ALLOCATED:
        check_allocated(m, e);
        return;
    case EV_ENGINE_ORDER:
        check_order(m, ev);
        return;
    case EV_NODE_REPORTED:
        m->held[ev->body.report.node] &= HELD_OURS;
        if (ev->body.report.owner == OWNER_OTHERS)
            m->held[ev->body.report.node] |= HELD_OTHERS;
        return;
    case EV_ATTEMPT_ENDED:
        check_end(m, ev->body.progress.job);
        return;
    case EV_NODE_MOVED:
        check_move(m, &ev->body.node);
        return;
    case EV_DRAIN_ORDERED:
        check_drain(m, ev);
        return;
    case EV_GATE_ENDED:
        m->gated[ev->body.gate.node] = ev->body.gate.result == RESULT_OK;
        return;
    case EV_COMMAND:
        check_command(m, &ev->body.command);
        return;
    default:
        return;
    }
}

void rig_check_log(const struct rig *r)
{
    struct model m;
    model_make(&m, r);
    for (uint32_t i = 0; i < r->log_length; i++) {
        check_header(r, i);
        check_event(&m, &r->log[i]);
    }
    const struct board *b = r->control->board;
    for (uint32_t n = 0; n < b->nodes; n++) {
        assert_int_equal(m.health[n], b->node_health[n]);
        assert_int_equal(m.held[n] != 0, b->node_holds[n] != 0);
        assert_int_equal(m.job[n], b->node_job[n] == MW_NONE ? 0 : b->job_id[b->node_job[n]]);
    }
    assert_int_equal(m.out, guard_taken(r->control->guard));
    model_fini(&m);
}

static void check_causes(const struct account_totals *t)
{
    for (uint32_t c = 0; c < ACCOUNT_CLASS_COUNT; c++) {
        int64_t sum = 0;
        for (uint32_t k = 0; k < CAUSE_COUNT; k++)
            sum += t->by_cause[k][c];
        assert_int_equal(sum, account_class_lost(c) ? t->gpu_ms[c] : 0);
        assert_true(t->gpu_ms[c] >= 0);
    }
}

void rig_check_accounts(const struct rig *r, int64_t later_ns)
{
    struct account_totals t;
    int64_t at_ns = r->now_ns + later_ns, lost = 0, sum = 0;
    account_settle(r->control->account, at_ns, &t);
    int64_t wall = mw_ms(at_ns) - mw_ms(r->log[0].ev.time_ns);
    assert_int_equal(t.wall_gpu_ms, wall * r->fleet->gpus_total);
    for (uint32_t c = 0; c < ACCOUNT_CLASS_COUNT; c++) {
        sum += t.gpu_ms[c];
        lost += account_class_lost(c) ? t.gpu_ms[c] : 0;
    }
    assert_int_equal(sum, t.wall_gpu_ms);
    check_causes(&t);
    assert_int_equal(t.lost_microdollars,
                     account_price(lost, r->policy.account.microdollars_per_gpu_hour));
    struct account_ettr e = account_ettr(r->control->account, at_ns, true);
    assert_true(e.productive_gpu_ms >= 0 && e.productive_gpu_ms <= e.wall_gpu_ms);
}
