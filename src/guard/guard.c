/*
 * The guard's state is what automation has out of service and how fast it took
 * it.  check() reads; apply() charges when a taking decision is in the record,
 * and gives back when the node is ready again.
 */
#include "guard/guard.h"

#include "base/mem.h"
#include "base/units.h"
#include "guard/holds.h"

#define GUARD_COLUMNS_MAX 24
#define REPORTED_HOLD 0x80u /* it is one of the node's holds */
#define DOWNS_MIN 8u /* of a small fleet 5 % would be no node at all */

struct guard {
    struct board *board;
    struct guard_policy policy;
    uint32_t halls, racks, pdus, cdus;

    /* state */
    uint32_t taken;          /* nodes that automation has out */
    uint8_t *hall_tripped;
    uint32_t *hall_next;     /* place of the oldest take in the hall's ring */
    int64_t *take_ms;        /* rings of take times, one after the other */
    uint8_t *node_taken;
    uint32_t *rack_taken;    /* taken nodes in a rack */
    uint32_t *pdu_racks, *cdu_racks; /* racks with taken nodes on a domain */
    uint32_t downs;          /* nodes that automation has ordered down from an engine */
    uint8_t *node_down;
    uint8_t *node_reported;  /* enum node_service | enum service_owner << 4 | REPORTED_HOLD */
    struct holds holds;

    /* from the fleet and the policy */
    uint32_t *ring_first;    /* halls + 1: hall h's ring is take_ms[ring_first[h] …) */
    uint32_t fleet_max, downs_max;
    uint32_t takes_max;
    struct column column[GUARD_COLUMNS_MAX];
    uint32_t columns;
};

static const char *const REASON[GUARD_REASON_COUNT] = {
    [GUARD_PASS] = "passes",
    [GUARD_MODE] = "the mode of the hall is not act",
    [GUARD_HALL_RATE] = "too many nodes of the hall in the window",
    [GUARD_FLEET_SHARE] = "too large a share of the fleet is out",
    [GUARD_DOMAIN] = "another rack of the same power or cooling domain is out",
    [GUARD_TRIPPED] = "the guard is tripped and not reset",
};

const char *guard_reason_name(uint32_t reason)
{
    return reason < GUARD_REASON_COUNT ? REASON[reason] : "unknown";
}

struct guard_policy guard_policy_default(void)
{
    return (struct guard_policy){ .mode = MODE_ACT, .hall_permille_x10 = 50,
                                  .window_ms = 10 * MW_MS_PER_MIN, .fleet_permille_x10 = 200,
                                  .domain_rule = true, .down_permille_x10 = 500 };
}

/* max(1, share of n). */
static uint32_t budget_of(uint32_t n, uint32_t permille_x10)
{
    uint64_t share = (uint64_t)n * permille_x10 / 10000u;
    return share ? (uint32_t)share : 1;
}

/* Is another rack of one of this node's domains out already?  Its own rack may be. */
static bool domain_conflict(const struct guard *g, uint32_t node)
{
    const struct fleet *f = g->board->fleet;
    uint32_t rack = f->node_rack[node];
    uint32_t own = g->rack_taken[rack] > 0;
    if (!g->policy.domain_rule)
        return false;
    for (uint32_t feed = 0; feed < 2; feed++) {
        uint32_t pdu = f->rack_pdu[feed][rack];
        uint32_t both = pdu == f->rack_pdu[!feed][rack] ? 2 : 1; /* counted once a feed */
        if (pdu != MW_NONE && g->pdu_racks[pdu] > own * both)
            return true;
    }
    uint32_t cdu = f->rack_cdu[rack];
    return cdu != MW_NONE && g->cdu_racks[cdu] > own;
}

static enum guard_reason check_drain(const struct guard *g, const struct event *d, bool *trips)
{
    uint32_t node = d->body.drain.node;
    must(node < g->board->nodes);
    uint32_t hall = g->board->fleet->node_hall[node];
    *trips = false;
    if (g->node_taken[node] || g->board->node_health[node] != HEALTH_READY)
        return GUARD_PASS; /* not a working node any more: nothing new is taken */
    if (g->board->hall_mode[hall] != MODE_ACT)
        return GUARD_MODE;
    if (g->hall_tripped[hall])
        return GUARD_TRIPPED;
    if (domain_conflict(g, node))
        return GUARD_DOMAIN;
    *trips = true;
    if (g->taken >= g->fleet_max)
        return GUARD_FLEET_SHARE;
    int64_t oldest_ms = g->take_ms[g->ring_first[hall] + g->hall_next[hall]];
    if (oldest_ms && mw_ms(d->observed_ns) - oldest_ms < g->policy.window_ms)
        return GUARD_HALL_RATE;
    *trips = false;
    return GUARD_PASS;
}

/* A machine acts on a part that is no node's only where all of the site acts. */
static enum guard_reason check_action(const struct guard *g, const struct body_order *o)
{
    for (uint32_t h = 0; h < g->halls; h++) {
        bool its = o->node == MW_NONE || g->board->fleet->node_hall[o->node] == h;
        if (its && g->board->hall_mode[h] != MODE_ACT)
            return GUARD_MODE;
    }
    return GUARD_PASS;
}

static enum guard_reason guard_check(const void *self, const struct event *d, bool *trips)
{
    const struct guard *g = self;
    must(trips);
    if (d->kind == EV_DRAIN_ORDERED)
        return check_drain(g, d, trips);
    *trips = false;
    if (d->kind == EV_ACTION_STARTED)
        return check_action(g, &d->body.order);
    must(d->kind == EV_ENGINE_ORDER && d->body.engine.node < g->board->nodes);
    uint32_t node = d->body.engine.node, hall = g->board->fleet->node_hall[node];
    if (g->board->hall_mode[hall] != MODE_ACT)
        return GUARD_MODE;
    bool more = d->body.engine.verb == ENGINE_DOWN && !g->node_down[node] && !g->node_taken[node];
    return more && g->downs >= g->downs_max ? GUARD_FLEET_SHARE : GUARD_PASS;
}

/* What a decision is about, as advice says it.  Field by field: what is between them stays zero. */
static void set_advice(struct body_advice *a, const struct event *d)
{
    const struct body_drain *drain = &d->body.drain;
    const struct body_engine *e = &d->body.engine;
    const struct body_order *o = &d->body.order;
    bool is_drain = d->kind == EV_DRAIN_ORDERED, acts = d->kind == EV_ACTION_STARTED;
    a->incident = is_drain ? drain->incident : acts ? o->incident : e->incident;
    a->node = is_drain ? drain->node : acts ? o->node : e->node;
    a->slot = is_drain ? drain->slot : acts ? o->slot : e->slot;
    a->class = is_drain ? drain->class : acts ? o->class : e->class;
    if (is_drain)
        a->how = drain->how;
    else if (acts)
        a->step = o->step;
    else
        a->how = e->verb == ENGINE_DRAIN ? DRAIN_AT_CHECKPOINT : DRAIN_NOW;
    if (!is_drain && !acts)
        a->verb = e->verb;
}

static void guard_lower(const void *self, enum guard_reason reason, struct event *d,
                        struct event *tripped)
{
    const struct guard *g = self;
    struct event out = { .kind = EV_ADVICE, .cause = d->cause, .observed_ns = d->observed_ns };
    set_advice(&out.body.advice, d);
    out.body.advice.kind = d->kind;
    out.body.advice.reason = (uint8_t)reason;
    uint32_t node = out.body.advice.node;
    out.body.advice.hall = node == MW_NONE ? MW_NONE : g->board->fleet->node_hall[node];
    *d = out;
    if (tripped) {
        *tripped = out;
        tripped->kind = EV_GUARD_TRIPPED;
        if (reason == GUARD_FLEET_SHARE)
            tripped->body.advice.hall = MW_NONE; /* the fleet's budget: every hall */
    }
}

static void take(struct guard *g, uint32_t node, int64_t now_ms, bool automatic)
{
    const struct fleet *f = g->board->fleet;
    uint32_t rack = f->node_rack[node], hall = f->node_hall[node];
    if (g->node_taken[node])
        return;
    g->node_taken[node] = 1;
    g->taken++;
    if (g->rack_taken[rack]++ == 0) {
        for (uint32_t feed = 0; feed < 2; feed++)
            if (f->rack_pdu[feed][rack] != MW_NONE)
                g->pdu_racks[f->rack_pdu[feed][rack]]++;
        if (f->rack_cdu[rack] != MW_NONE)
            g->cdu_racks[f->rack_cdu[rack]]++;
    }
    if (!automatic)
        return;
    uint32_t length = g->ring_first[hall + 1] - g->ring_first[hall];
    g->take_ms[g->ring_first[hall] + g->hall_next[hall]] = now_ms;
    g->hall_next[hall] = (g->hall_next[hall] + 1) % length;
}

static void give_back(struct guard *g, uint32_t node)
{
    const struct fleet *f = g->board->fleet;
    uint32_t rack = f->node_rack[node];
    if (!g->node_taken[node])
        return;
    g->node_taken[node] = 0;
    must(g->taken && g->rack_taken[rack]);
    g->taken--;
    if (--g->rack_taken[rack] == 0) {
        for (uint32_t feed = 0; feed < 2; feed++)
            if (f->rack_pdu[feed][rack] != MW_NONE)
                g->pdu_racks[f->rack_pdu[feed][rack]]--;
        if (f->rack_cdu[rack] != MW_NONE)
            g->cdu_racks[f->rack_cdu[rack]]--;
    }
}

static enum admit admit_report(const struct guard *g, const struct body_report *r)
{
    bool in = r->service == SERVICE_IN;
    if (r->node >= g->board->nodes || r->service > SERVICE_DOWN || r->owner > OWNER_ENGINE ||
        in != (r->owner == OWNER_NOBODY))
        return ADMIT_IMPOSSIBLE;
    if ((g->node_reported[r->node] & ~REPORTED_HOLD) == (uint32_t)(r->service | r->owner << 4))
        return ADMIT_DUPLICATE;
    return ADMIT_OK;
}

/* A person's wish to the engine that owns allocation: whole and in bounds? */
static enum admit admit_engine(const struct guard *g, const struct body_command *c)
{
    bool many = c->engine == ENGINE_REQUIRE || c->engine == ENGINE_RESERVE;
    bool job = c->engine == ENGINE_REQUEUE || c->engine == ENGINE_HOLD ||
               c->engine == ENGINE_RELEASE;
    if (c->engine < ENGINE_DOWN || c->engine >= ENGINE_VERBS ||
        (c->engine == ENGINE_RESERVE && c->length_ms <= 0))
        return ADMIT_IMPOSSIBLE;
    if (job)
        return c->ref ? ADMIT_OK : ADMIT_IMPOSSIBLE;
    if (c->engine == ENGINE_REQUIRE && !c->ref)
        return ADMIT_IMPOSSIBLE;
    uint32_t count = many ? c->count : 1;
    bool fits = c->node < g->board->nodes && count && count <= g->board->nodes - c->node &&
                count <= EVENT_TAIL_MAX / sizeof(uint32_t);
    return fits ? ADMIT_OK : ADMIT_IMPOSSIBLE;
}

/* Maintenance: nodes that exist, or the number of the command that began it (work looks at times,
 * and at what there is). */
static enum admit admit_window(const struct guard *g, const struct body_command *c)
{
    if (c->length_ms == 0)
        return c->ref ? ADMIT_OK : ADMIT_IMPOSSIBLE;
    bool fits = c->node < g->board->nodes && c->count && c->count <= g->board->nodes - c->node;
    return fits && c->length_ms > 0 ? ADMIT_OK : ADMIT_IMPOSSIBLE;
}

/* Where a hall only observes or advises, nothing is done; a part that is no node's is every
 * hall's. */
static enum admit admit_approval(const struct guard *g, uint32_t node)
{
    if (node != MW_NONE && node >= g->board->nodes)
        return ADMIT_IMPOSSIBLE;
    for (uint32_t h = 0; h < g->halls; h++) {
        bool its = node == MW_NONE || g->board->fleet->node_hall[node] == h;
        if (its && g->board->hall_mode[h] < MODE_APPROVE)
            return ADMIT_IMPOSSIBLE;
    }
    return ADMIT_OK;
}

static enum admit guard_admit(const void *self, const struct event *ev, const void *tail)
{
    const struct guard *g = self;
    const struct body_command *c = &ev->body.command;
    (void)tail;
    if (ev->kind == EV_NODE_REPORTED)
        return admit_report(g, &ev->body.report);
    if (ev->kind != EV_COMMAND)
        return ADMIT_OK;
    if (!ev->actor)
        return ADMIT_IMPOSSIBLE; /* a command has a person */
    switch (c->verb) {
    case CMD_HOLD:
    case CMD_DRAIN:
        if (c->node >= g->board->nodes)
            return ADMIT_IMPOSSIBLE;
        return holds_full(&g->holds) || g->board->node_holds[c->node] == HOLDS_NODE_MAX
                   ? ADMIT_FULL : ADMIT_OK;
    case CMD_RELEASE:
        if (c->node >= g->board->nodes)
            return ADMIT_IMPOSSIBLE;
        return c->ref && holds_find(&g->holds, c->node, c->ref) == MW_NONE ? ADMIT_STALE
                                                                           : ADMIT_OK;
    case CMD_RESET_GUARD:
        if (!ev->tail_size)
            return ADMIT_IMPOSSIBLE; /* a reset gives its reason */
        return c->hall < g->halls || c->hall == MW_NONE ? ADMIT_OK : ADMIT_IMPOSSIBLE;
    case CMD_SET_MODE:
        if (c->mode > MODE_ACT)
            return ADMIT_IMPOSSIBLE;
        return c->hall < g->halls || c->hall == MW_NONE ? ADMIT_OK : ADMIT_IMPOSSIBLE;
    case CMD_APPROVE:
        return admit_approval(g, c->node);
    case CMD_REJECT:
        return ADMIT_OK;
    case CMD_ENGINE:
        return admit_engine(g, c);
    case CMD_WINDOW:
        return admit_window(g, c);
    default:
        return ADMIT_IMPOSSIBLE;
    }
}

static void apply_command(struct guard *g, const struct event *ev)
{
    const struct body_command *c = &ev->body.command;
    uint32_t from = c->hall == MW_NONE ? 0 : c->hall;
    uint32_t to = c->hall == MW_NONE ? g->halls : c->hall + 1;
    switch (c->verb) {
    case CMD_HOLD:
    case CMD_DRAIN: /* nothing new starts there; work stops what runs */
        holds_add(&g->holds, c->node, ev->actor, ev->seq);
        g->board->node_holds[c->node]++;
        return;
    case CMD_RELEASE:
        g->board->node_holds[c->node] -= (uint8_t)holds_lift(&g->holds, c->node, c->ref);
        return;
    case CMD_RESET_GUARD:
        for (uint32_t h = from; h < to; h++)
            g->hall_tripped[h] = 0;
        return;
    case CMD_SET_MODE:
        for (uint32_t h = from; h < to; h++)
            g->board->hall_mode[h] = c->mode;
        return;
    default:
        return;
    }
}

/* Out by others: a hold of theirs, not in the table of ours, for they lift it where they set it.
 * Out by us without an incident (of an earlier record, or an order that was late): a person's. */
static void reported(struct guard *g, const struct body_report *r)
{
    bool before = g->node_reported[r->node] & REPORTED_HOLD;
    bool orphan = r->owner == OWNER_OURS && g->board->node_incident[r->node] == MW_NONE;
    bool now = r->owner == OWNER_OTHERS || orphan;
    g->node_reported[r->node] =
        (uint8_t)(r->service | r->owner << 4 | (now ? REPORTED_HOLD : 0));
    if (now && !before)
        g->board->node_holds[r->node]++;
    if (before && !now)
        g->board->node_holds[r->node]--;
}

static void set_down(struct guard *g, uint32_t node, bool down)
{
    if (g->node_down[node] == down)
        return;
    g->node_down[node] = down;
    g->downs += down ? 1u : UINT32_MAX;
}

/* MW_NONE = every hall. */
static void trip(struct guard *g, uint32_t hall)
{
    for (uint32_t h = 0; h < g->halls; h++)
        if (hall == MW_NONE || h == hall)
            g->hall_tripped[h] = 1;
}

static uint8_t guard_apply(void *self, const struct event *ev, const void *tail)
{
    struct guard *g = self;
    (void)tail;
    switch (ev->kind) {
    case EV_COMMAND:
        apply_command(g, ev);
        return 0;
    case EV_DRAIN_ORDERED:
        take(g, ev->body.drain.node, mw_ms(ev->time_ns), ev->actor == 0);
        return 0;
    case EV_NODES_ADOPTED:
        for (uint32_t i = 0; i < ev->body.adopt.count; i++) { /* a person answers for them now */
            give_back(g, ev->body.adopt.first + i);
            set_down(g, ev->body.adopt.first + i, false);
        }
        return 0;
    case EV_ENGINE_ORDER:
        if (ev->actor == 0 && ev->body.engine.verb == ENGINE_DOWN)
            set_down(g, ev->body.engine.node, true);
        return 0;
    case EV_NODE_MOVED:
        if (ev->body.node.to == HEALTH_READY || ev->body.node.to == HEALTH_RETIRED) {
            give_back(g, ev->body.node.node);
            set_down(g, ev->body.node.node, false);
        }
        return 0;
    case EV_NODE_REPORTED:
        reported(g, &ev->body.report);
        return 0;
    case EV_GUARD_TRIPPED:
        trip(g, ev->body.advice.hall);
        return 0;
    case EV_CASCADE_STOPPED:
        trip(g, MW_NONE);
        return 0;
    default:
        return 0;
    }
}

static struct column_list guard_columns(const void *self)
{
    const struct guard *g = self;
    return (struct column_list){ .owner = "guard", .item = g->column, .length = g->columns };
}

struct plane guard_plane(struct guard *g)
{
    return (struct plane){ .name = "guard", .self = g, .admit = guard_admit, .apply = guard_apply,
                           .columns = guard_columns };
}

struct guard_port guard_port_of(struct guard *g)
{
    return (struct guard_port){ .self = g, .check = guard_check, .lower = guard_lower };
}

/* The sizes of the halls' rings: each holds as many takes as its budget. */
static int make_rings(struct guard *g)
{
    const struct fleet *f = g->board->fleet;
    g->ring_first = mw_calloc((size_t)g->halls + 1, sizeof(*g->ring_first));
    if (!g->ring_first)
        return MW_ENOMEM;
    for (uint32_t n = 0; n < g->board->nodes; n++)
        g->ring_first[f->node_hall[n] + 1]++;
    for (uint32_t h = 0; h < g->halls; h++)
        g->ring_first[h + 1] =
            g->ring_first[h] + budget_of(g->ring_first[h + 1], g->policy.hall_permille_x10);
    g->takes_max = g->ring_first[g->halls];
    g->fleet_max = budget_of(g->board->nodes, g->policy.fleet_permille_x10);
    g->downs_max = MW_MAX(DOWNS_MIN, budget_of(g->board->nodes, g->policy.down_permille_x10));
    return 0;
}

static int make_columns(struct guard *g)
{
    uint32_t nodes = g->board->nodes;
    g->hall_tripped = mw_calloc(g->halls, 1);
    g->hall_next = mw_calloc(g->halls, sizeof(*g->hall_next));
    g->take_ms = mw_calloc(g->takes_max, sizeof(*g->take_ms));
    g->node_taken = mw_calloc(nodes, 1);
    g->node_reported = mw_calloc(nodes, 1);
    g->node_down = mw_calloc(nodes, 1);
    g->rack_taken = mw_calloc(g->racks, sizeof(*g->rack_taken));
    g->pdu_racks = mw_calloc(g->pdus, sizeof(*g->pdu_racks));
    g->cdu_racks = mw_calloc(g->cdus, sizeof(*g->cdu_racks));
    if (holds_init(&g->holds, nodes) < 0)
        return MW_ENOMEM;
    if (!g->hall_tripped || !g->hall_next || !g->take_ms || !g->node_taken ||
        !g->node_reported || !g->node_down ||
        !g->rack_taken || !g->pdu_racks || !g->cdu_racks)
        return MW_ENOMEM;
    const struct column column[] = {
        COLUMN("taken", &g->taken, 1, NULL),
        COLUMN("hall_tripped", g->hall_tripped, g->halls, NULL),
        COLUMN("hall_next", g->hall_next, g->halls, NULL),
        COLUMN("take_ms", g->take_ms, g->takes_max, NULL),
        COLUMN("node_taken", g->node_taken, nodes, NULL),
        COLUMN("node_reported", g->node_reported, nodes, NULL),
        COLUMN("downs", &g->downs, 1, NULL),
        COLUMN("node_down", g->node_down, nodes, NULL),
        COLUMN("rack_taken", g->rack_taken, g->racks, NULL),
        COLUMN("pdu_racks", g->pdu_racks, g->pdus, NULL),
        COLUMN("cdu_racks", g->cdu_racks, g->cdus, NULL),
        COLUMN("holds_used", &g->holds.used, 1, NULL),
        COLUMN("holds_free", &g->holds.free, 1, NULL),
        COLUMN("hold_first", g->holds.first, nodes, NULL),
        COLUMN("hold_next", g->holds.next, g->holds.rows_max, &g->holds.used),
        COLUMN("hold_owner", g->holds.owner, g->holds.rows_max, &g->holds.used),
        COLUMN("hold_seq", g->holds.seq, g->holds.rows_max, &g->holds.used),
    };
    _Static_assert(MW_ARRAY_LEN(column) <= GUARD_COLUMNS_MAX, "room for every column");
    for (uint32_t i = 0; i < MW_ARRAY_LEN(column); i++)
        g->column[g->columns++] = column[i];
    return 0;
}

int guard_create(struct board *b, const struct guard_policy *p, struct guard **ret)
{
    must(b && p && ret);
    struct guard *g = mw_calloc(1, sizeof(*g));
    if (!g)
        return MW_ENOMEM;
    g->board = b;
    g->policy = *p;
    g->halls = b->fleet->count[COMPONENT_HALL];
    g->racks = b->fleet->count[COMPONENT_RACK];
    g->pdus = b->fleet->count[COMPONENT_PDU];
    g->cdus = b->fleet->count[COMPONENT_CDU];
    if (make_rings(g) < 0 || make_columns(g) < 0) {
        guard_destroy(g);
        return MW_ENOMEM;
    }
    for (uint32_t h = 0; h < g->halls; h++)
        g->board->hall_mode[h] = p->mode;
    *ret = g;
    return 0;
}

void guard_destroy(struct guard *g)
{
    if (!g)
        return;
    mw_free(g->hall_tripped);
    mw_free(g->hall_next);
    mw_free(g->take_ms);
    mw_free(g->node_taken);
    mw_free(g->node_reported);
    mw_free(g->node_down);
    mw_free(g->rack_taken);
    mw_free(g->pdu_racks);
    mw_free(g->cdu_racks);
    mw_free(g->ring_first);
    holds_fini(&g->holds);
    mw_free(g);
}

bool guard_tripped(const struct guard *g)
{
    for (uint32_t h = 0; h < g->halls; h++)
        if (g->hall_tripped[h])
            return true;
    return false;
}

struct guard_hall_budget guard_hall_budget(const struct guard *g, uint32_t hall, int64_t now_ms)
{
    must(hall < g->halls);
    uint32_t first = g->ring_first[hall], end = g->ring_first[hall + 1];
    struct guard_hall_budget b = { .allowed = end - first, .tripped = g->hall_tripped[hall] };
    for (uint32_t i = first; i < end; i++)
        b.taken += g->take_ms[i] && now_ms - g->take_ms[i] < g->policy.window_ms;
    return b;
}

uint32_t guard_fleet_allowed(const struct guard *g)
{
    return g->fleet_max;
}

uint32_t guard_downs_allowed(const struct guard *g)
{
    return g->downs_max;
}

uint32_t guard_downs(const struct guard *g)
{
    return g->downs;
}

uint32_t guard_taken(const struct guard *g)
{
    return g->taken;
}

enum guard_mode guard_mode_of(const struct guard *g, uint32_t hall)
{
    must(hall < g->halls);
    return (enum guard_mode)g->board->hall_mode[hall];
}

uint8_t guard_node_reported(const struct guard *g, uint32_t node)
{
    must(node < g->board->nodes);
    return g->node_reported[node] & (uint8_t)~REPORTED_HOLD;
}

bool guard_node_held_there(const struct guard *g, uint32_t node)
{
    must(node < g->board->nodes);
    return g->node_reported[node] & REPORTED_HOLD;
}

uint32_t guard_holds(const struct guard *g, uint32_t node, struct guard_hold *ret, uint32_t max)
{
    must(node < g->board->nodes && ret != NULL);
    uint32_t n = 0;
    for (uint32_t row = g->holds.first[node]; row != MW_NONE && n < max; row = g->holds.next[row])
        ret[n++] = (struct guard_hold){ .seq = g->holds.seq[row], .owner = g->holds.owner[row] };
    return n;
}
