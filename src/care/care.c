/* Making care, and what it admits. */
#include "care/care_private.h"

#include "care/care_cause.h"
#include "care/care_guest.h"
#include "care/care_ladder.h"
#include "care/care_lemon.h"
#include "care/care_stock.h"

#include <string.h>

#include "base/mem.h"
#include "base/units.h"

#define FINDINGS_FEW 64u /* chosen: more open at once on a node is one thing said again */

struct care_policy care_policy_default(void)
{
    struct care_policy p = {
        .classes = 1, .gate = true, .settle_ms = 10 * MW_MS_PER_MIN, .correlate = true,
        .cause_window_ms = 30 * MW_MS_PER_S, .cause_least = 3, .cause_cover_ppm = 500000,
        .least_cost = true, .evict = true, .uusd_per_gpu_hour = 2500000,
        .uusd_per_crew_hour = 60000000, .refault_ms = 7 * MW_MS_PER_DAY, .job_nodes = 64,
        .escalate = true, .swap = true, .growth = true, .growth_max = 5, .lemon = true,
        /* chosen: about the worst 1 % of nodes at 5 faults per 1,000 node-days */
        .lemon_at = { [LEMON_EXCLUDED] = 3, [LEMON_XIDS] = 5, [LEMON_TICKETS] = 3, [LEMON_OUT] = 3,
                      [LEMON_MULTI_FAILS] = 3, [LEMON_SINGLE_FAILS] = 3,
                      [LEMON_SINGLE_RATE] = 300 },
        .lemon_signals = 3 };
    p.class[0] = (struct care_class){ .name = "unknown", .effect = EFFECT_KILLS, .count = 1,
                                      .gate_ms = 30 * MW_MS_PER_MIN,
                                      .probation_ms = MW_MS_PER_HOUR, .shared = CAUSE_ANY };
    return p;
}

static enum admit admit_opened(const struct care *c, const struct event *ev)
{
    const struct body_finding *f = &ev->body.finding;
    uint32_t kind = (uint32_t)component_kind_of(f->component);
    if (f->class >= c->policy.classes || f->effect > EFFECT_HARMLESS || f->finding >> 40 ||
        f->finding == 0 || ev->source == 0 || ev->source >> 24)
        return ADMIT_IMPOSSIBLE;
    if (kind == COMPONENT_NONE || kind >= COMPONENT_KIND_COUNT ||
        component_index_of(f->component) >= c->board->fleet->count[kind])
        return ADMIT_IMPOSSIBLE;
    if (f->node != MW_NONE && f->node >= c->board->nodes)
        return ADMIT_IMPOSSIBLE;
    if (map_get(&c->finding_index, care_finding_key(ev)) != MW_NONE)
        return ADMIT_DUPLICATE;
    /* Who cries without end leaves room for the others: half of it is for nodes with few. */
    if (c->findings_live >= c->findings_max / 2 && f->node != MW_NONE &&
        *care_findings_of(c, f->node) >= FINDINGS_FEW)
        return ADMIT_FULL;
    return c->findings_live < c->findings_max ? ADMIT_OK : ADMIT_FULL;
}

static enum admit care_admit(const void *self, const struct event *ev, const void *tail)
{
    const struct care *c = self;
    uint32_t slot;
    (void)tail;
    switch (ev->kind) {
    case EV_FINDING_OPENED:
        return admit_opened(c, ev);
    case EV_FINDING_CLOSED:
        if (ev->body.finding.finding >> 40 || ev->source >> 24)
            return ADMIT_IMPOSSIBLE;
        return map_get(&c->finding_index, care_finding_key(ev)) == MW_NONE ? ADMIT_STALE
                                                                            : ADMIT_OK;
    case EV_PARTS_ARRIVED:
        return stock_admit(c, ev);
    case EV_ORDER_TAKEN:
    case EV_ORDER_ENDED:
    case EV_ACTION_ENDED:
        slot = ev->body.order.slot;
        if (slot >= c->board->incidents_used || !ev->cause || c->order[slot] != ev->cause)
            return ADMIT_STALE;
        return ladder_answer_fits(c, ev) ? ADMIT_OK : ADMIT_IMPOSSIBLE;
    case EV_GATE_ENDED:
        slot = ev->body.gate.slot;
        if (slot >= c->board->incidents_used || !ev->cause || c->gate[slot] != ev->cause)
            return ADMIT_STALE;
        return ADMIT_OK;
    case EV_ENGINE_ANSWERED:
        return care_engine_admit(c, ev);
    case EV_COMMAND:
        slot = ev->body.command.slot;
        if (ev->body.command.verb != CMD_APPROVE && ev->body.command.verb != CMD_REJECT)
            return ADMIT_OK;
        if (slot >= c->board->incidents_used || !c->wait[slot] ||
            c->wait[slot] != ev->body.command.ref)
            return ADMIT_STALE;
        return ADMIT_OK;
    default:
        return ADMIT_OK;
    }
}

static int64_t care_next_due(const void *self, uint64_t *ret_id)
{
    const struct care *c = self;
    uint32_t slot, cause_slot, guest_slot;
    int64_t due_ns = heap_top_due(&c->timers), stuck_ns = ladder_next_due(c, &slot);
    int64_t cause_ns = cause_next_due(c, &cause_slot), guest_ns = guest_next_due(c, &guest_slot);
    *ret_id = stuck_ns < due_ns ? CARE_TIMER_LADDER | slot : heap_top(&c->timers);
    due_ns = MW_MIN(due_ns, stuck_ns);
    if (cause_ns < due_ns)
        *ret_id = CARE_TIMER_CAUSE | cause_slot;
    due_ns = MW_MIN(due_ns, cause_ns);
    if (guest_ns < due_ns)
        *ret_id = CARE_TIMER_GUEST | guest_slot;
    return MW_MIN(due_ns, guest_ns);
}

static uint64_t care_pending(const void *self, uint32_t *at)
{
    const struct care *c = self;
    /* Three places a row: its node's, that this is stuck, the engine's. */
    while (*at / 3 < c->board->incidents_used) {
        uint32_t slot = *at / 3;
        const uint64_t seq[] = { c->order[slot] ? c->order[slot] : c->gate[slot],
                                 c->order[slot] ? c->ladder->escalated[slot] : 0,
                                 c->engine[slot] };
        uint64_t next = seq[(*at)++ % 3];
        if (next && c->board->incident_id[slot])
            return next;
    }
    return stock_pending(c, 3 * c->board->incidents_used, at);
}

static struct column_list care_columns(const void *self)
{
    const struct care *c = self;
    return (struct column_list){ .owner = "care", .item = c->column, .length = c->columns };
}

static void care_rebuild(void *self)
{
    struct care *c = self;
    map_clear(&c->finding_index);
    memset(c->node_findings, 0, ((size_t)c->board->nodes + 1) * sizeof(*c->node_findings));
    for (uint32_t i = 0; i < c->findings_used; i++) {
        if (!c->finding_key[i])
            continue;
        map_put(&c->finding_index, c->finding_key[i], i);
        ++*care_findings_of(c, c->finding_node[i]);
    }
    heap_rebuild(&c->timers);
    cause_rebuild(c);
    guest_rebuild(c);
    ladder_rebuild(c);
}

struct plane care_plane(struct care *c)
{
    return (struct plane){ .name = "care", .self = c, .admit = care_admit, .apply = care_apply,
                           .decide = care_decide, .quiet = care_quiet,
                           .next_due = care_next_due, .pending = care_pending,
                           .columns = care_columns, .rebuild = care_rebuild };
}

static void list_columns(struct care *c)
{
    const uint32_t *f = &c->findings_used, *i = &c->board->incidents_used;
    uint32_t fmax = c->findings_max, imax = c->board->incidents_max;
    const struct column column[] = {
        COLUMN("findings_used", &c->findings_used, 1, NULL),
        COLUMN("findings_live", &c->findings_live, 1, NULL),
        COLUMN("finding_free", &c->finding_free, 1, NULL),
        COLUMN("now_ns", &c->now_ns, 1, NULL),
        COLUMN("first_ns", &c->first_ns, 1, NULL),
        COLUMN("nodes_in", c->nodes_in, HEALTH_COUNT, NULL),
        COLUMN("finding_next_free", c->finding_next_free, fmax, f),
        COLUMN("finding_key", c->finding_key, fmax, f),
        COLUMN("finding_component", c->finding_component, fmax, f),
        COLUMN("finding_node", c->finding_node, fmax, f),
        COLUMN("finding_incident", c->finding_incident, fmax, f),
        COLUMN("finding_class", c->finding_class, fmax, f),
        COLUMN("finding_effect", c->finding_effect, fmax, f),
        COLUMN("order", c->order, imax, i),
        COLUMN("gate", c->gate, imax, i),
        COLUMN("wait", c->wait, imax, i),
        COLUMN("engine", c->engine, imax, i),
        COLUMN("service", c->service, imax, i),
        COLUMN("due_ns", c->due_ns, imax, i),
        COLUMN("visit", c->visit, imax, i),
        COLUMN("open", c->open, imax, i),
        COLUMN("actor", c->actor, imax, i),
        COLUMN("flags", c->flags, imax, i),
        COLUMN("effect", c->effect, imax, i),
        COLUMN("drain", c->drain, imax, i),
        COLUMN("gate_class", c->gate_class, imax, i),
        COLUMN("probation_s", c->probation_s, imax, i),
        COLUMN("seen", c->seen, c->components, NULL),
        COLUMN("seen_since_s", c->seen_since_s, c->components, NULL),
    };
    _Static_assert(MW_ARRAY_LEN(column) <= CARE_COLUMNS_MAX, "room for every column");
    for (uint32_t k = 0; k < MW_ARRAY_LEN(column); k++)
        care_column(c, column[k]);
    cause_columns(c);
    guest_columns(c);
    ladder_columns(c);
    stock_columns(c);
    lemon_columns(c);
}

static bool alloc_findings(struct care *c)
{
    uint32_t n = c->findings_max;
    c->finding_next_free = mw_calloc(n, sizeof(*c->finding_next_free));
    c->finding_key = mw_calloc(n, sizeof(*c->finding_key));
    c->finding_component = mw_calloc(n, sizeof(*c->finding_component));
    c->finding_node = mw_calloc(n, sizeof(*c->finding_node));
    c->finding_incident = mw_calloc(n, sizeof(*c->finding_incident));
    c->finding_class = mw_calloc(n, sizeof(*c->finding_class));
    c->finding_effect = mw_calloc(n, 1);
    c->node_findings = mw_calloc((size_t)c->board->nodes + 1, sizeof(*c->node_findings));
    c->seen = mw_calloc(c->components, 1);
    c->seen_since_s = mw_calloc(c->components, sizeof(*c->seen_since_s));
    return c->finding_next_free && c->finding_key && c->finding_component && c->finding_node &&
           c->finding_incident && c->finding_class && c->finding_effect && c->seen &&
           c->seen_since_s && c->node_findings && map_init(&c->finding_index, n) == 0;
}

static bool alloc_incidents(struct care *c)
{
    uint32_t n = c->board->incidents_max;
    c->order = mw_calloc(n, sizeof(*c->order));
    c->gate = mw_calloc(n, sizeof(*c->gate));
    c->wait = mw_calloc(n, sizeof(*c->wait));
    c->engine = mw_calloc(n, sizeof(*c->engine));
    c->service = mw_calloc(n, 1);
    c->due_ns = mw_calloc(n, sizeof(*c->due_ns));
    c->visit = mw_calloc(n, sizeof(*c->visit));
    c->open = mw_calloc(n, sizeof(*c->open));
    c->actor = mw_calloc(n, sizeof(*c->actor));
    c->flags = mw_calloc(n, 1);
    c->effect = mw_calloc(n, 1);
    c->drain = mw_calloc(n, 1);
    c->gate_class = mw_calloc(n, sizeof(*c->gate_class));
    c->probation_s = mw_calloc(n, sizeof(*c->probation_s));
    c->dirty = mw_calloc(n, sizeof(*c->dirty));
    c->is_dirty = mw_calloc(n, 1);
    if (!c->order || !c->gate || !c->wait || !c->engine || !c->service || !c->due_ns ||
        !c->visit || !c->open || !c->actor ||
        !c->flags || !c->effect || !c->drain || !c->gate_class || !c->probation_s || !c->dirty ||
        !c->is_dirty)
        return false;
    for (uint32_t i = 0; i < n; i++)
        c->due_ns[i] = MW_NEVER;
    return heap_init(&c->timers, c->due_ns, n) == 0;
}

/* Components are counted only when a class asks for several findings. */
static void size_counting(struct care *c)
{
    bool counts = false;
    for (uint32_t i = 0; i < c->policy.classes; i++)
        counts |= c->policy.class[i].count > 1;
    for (uint32_t k = 0; counts && k < COMPONENT_KIND_COUNT; k++) {
        c->component_first[k] = c->components;
        c->components += c->board->fleet->count[k];
    }
}

int care_create(struct board *b, const struct care_policy *p, struct care **ret)
{
    must(b && p && ret);
    must(p->classes > 0 && p->classes <= BOARD_CLASSES_MAX);
    struct care *c = mw_calloc(1, sizeof(*c));
    if (!c)
        return MW_ENOMEM;
    c->board = b;
    c->policy = *p;
    c->findings_max = 65536u + 4u * b->nodes;
    c->finding_free = MW_NONE;
    c->fresh = MW_NONE;
    c->nodes_in[HEALTH_RACKED] = b->nodes;
    size_counting(c);
    if (!alloc_findings(c) || !alloc_incidents(c) || cause_init(c) < 0 || guest_init(c) < 0 ||
        ladder_init(c) < 0 || stock_init(c) < 0 || lemon_init(c) < 0) {
        care_destroy(c);
        return MW_ENOMEM;
    }
    list_columns(c);
    *ret = c;
    return 0;
}

void care_destroy(struct care *c)
{
    if (!c)
        return;
    void *const owned[] = { c->finding_next_free, c->finding_key, c->finding_component,
                            c->finding_node, c->finding_incident, c->finding_class,
                            c->finding_effect, c->node_findings,
                            c->seen, c->seen_since_s, c->order, c->gate,
                            c->wait, c->engine, c->service, c->due_ns, c->visit, c->open,
                            c->actor, c->flags,
                            c->effect, c->drain, c->gate_class, c->probation_s, c->dirty,
                            c->is_dirty };
    for (uint32_t i = 0; i < MW_ARRAY_LEN(owned); i++)
        mw_free(owned[i]);
    map_fini(&c->finding_index);
    heap_fini(&c->timers);
    cause_fini(c);
    guest_fini(c);
    ladder_fini(c);
    stock_fini(c);
    lemon_fini(c);
    mw_free(c);
}

bool care_finding_is_open(const struct care *c, uint32_t source, uint64_t finding)
{
    must(source >> 24 == 0 && finding >> 40 == 0);
    return map_get(&c->finding_index, (uint64_t)source << 40 | finding) != MW_NONE;
}

bool care_finding_row(const struct care *c, uint32_t row, uint64_t *ret_key)
{
    if (row >= c->findings_used)
        return false;
    *ret_key = c->finding_key[row];
    return true;
}

uint32_t care_open_incidents(const struct care *c)
{
    return c->board->incidents_live;
}

uint32_t care_nodes_in(const struct care *c, uint32_t health)
{
    return health < HEALTH_COUNT ? c->nodes_in[health] : 0;
}
