/*
 * See the header.  Owns what is remembered of each node and the hazard that
 * follows from it; never moves a node, orders a repair or reads a clock.
 */
#include "care/care_lemon.h"

#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "care/care_ladder.h"

#define WEEKS 4u
#define WEEK_NS (7 * MW_NS_PER_DAY)
#define WINDOW_DAYS 28
#define WINDOW_HOURS (WINDOW_DAYS * 24u)
#define TOUCHED_MAX 16u   /* nodes looked at in one group; the others when they are next touched */
#define WALK_MAX 64u      /* nodes passed by in search of one with a hazard */
#define ATTEMPTS_LEAST 4u /* chosen: below this a share of a node's attempts says nothing */
#define REFAULTS_SPENT 2u
#define KILL_MS (45 * MW_MS_PER_MIN)
#define LIFE_YEARS 4

/* See the header for where they are from: 16 * (times as likely - 1). */
enum {
    HAZARD_FIRST_DAY = 227,
    HAZARD_WATCHED = 58,
    HAZARD_REFAULT = 150,
    HAZARD_LEMON = 67,
    HAZARD_AILING = 32,
    HAZARD_MOST = 255
};

/* What is counted: the signals but for the share, and what that and costs rest on. */
enum { COUNT_ATTEMPTS = LEMON_SINGLE_RATE, COUNT_OUT_HOURS, COUNTS };

enum {
    NODE_LEMON = 1 << 0,
    NODE_REPAIRED = 1 << 1, /* in its open incident */
    NODE_TICKET = 1 << 6,   /* there was a ticket in its open incident: further steps are of it */
    NODE_REPLACED = 1 << 2, /* its last repair was a replacement of the part or heavier */
    NODE_AGAIN = 1 << 3,    /* its open incident is a refault … */
    NODE_TOLD = 1 << 4,     /* … and the ladder knows that the step before did not hold */
    NODE_HELD = 1 << 5,     /* the ladder counted its last repair among those that held */
};

struct lemon {
    /* state, per node */
    uint16_t *count;    /* [node][what][week % WEEKS] */
    uint16_t *week;     /* of the newest bucket: weeks since 1970 */
    int64_t *closed_ms; /* end of its last incident that was repaired … */
    uint16_t *hold_h;   /* … and for how long it has to hold; 0 = nothing is watched */
    int64_t *out_ms;    /* since when it is out of service; 0 = it is not */
    uint16_t *class;    /* of its last repair, with its step */
    uint8_t *step, *refaults, *flags;
    /* state */
    uint32_t walk;      /* where the next hazard is brought up to date */

    /* scratch: empty between groups */
    uint32_t touched[TOUCHED_MAX], touches;
};

/* ---- making -------------------------------------------------------------------------------- */

int lemon_init(struct care *c)
{
    uint32_t n = c->board->nodes;
    struct lemon *l = mw_calloc(1, sizeof(*l));
    if (!l)
        return MW_ENOMEM;
    c->lemon = l;
    l->count = mw_calloc((size_t)n * COUNTS * WEEKS, sizeof(*l->count));
    l->week = mw_calloc(n, sizeof(*l->week));
    l->closed_ms = mw_calloc(n, sizeof(*l->closed_ms));
    l->hold_h = mw_calloc(n, sizeof(*l->hold_h));
    l->out_ms = mw_calloc(n, sizeof(*l->out_ms));
    l->class = mw_calloc(n, sizeof(*l->class));
    l->step = mw_calloc(n, 1);
    l->refaults = mw_calloc(n, 1);
    l->flags = mw_calloc(n, 1);
    bool whole = l->count && l->week && l->closed_ms && l->hold_h && l->out_ms && l->class &&
                 l->step && l->refaults && l->flags;
    return whole ? 0 : MW_ENOMEM;
}

void lemon_fini(struct care *c)
{
    struct lemon *l = c->lemon;
    if (!l)
        return;
    void *const owned[] = { l->count, l->week, l->closed_ms, l->hold_h, l->out_ms,
                            l->class, l->step, l->refaults, l->flags };
    for (uint32_t i = 0; i < MW_ARRAY_LEN(owned); i++)
        mw_free(owned[i]);
    mw_free(l);
    c->lemon = NULL;
}

void lemon_columns(struct care *c)
{
    struct lemon *l = c->lemon;
    uint32_t n = c->board->nodes;
    const struct column column[] = {
        COLUMN("lemon_walk", &l->walk, 1, NULL),
        COLUMN("lemon_count", l->count, n * COUNTS * WEEKS, NULL),
        COLUMN("lemon_week", l->week, n, NULL),
        COLUMN("lemon_closed_ms", l->closed_ms, n, NULL),
        COLUMN("lemon_hold_h", l->hold_h, n, NULL),
        COLUMN("lemon_out_ms", l->out_ms, n, NULL),
        COLUMN("lemon_class", l->class, n, NULL),
        COLUMN("lemon_step", l->step, n, NULL),
        COLUMN("lemon_refaults", l->refaults, n, NULL),
        COLUMN("lemon_flags", l->flags, n, NULL),
    };
    for (uint32_t i = 0; i < MW_ARRAY_LEN(column); i++)
        care_column(c, column[i]);
}

/* ---- counts -------------------------------------------------------------------------------- */

static uint16_t week_of(const struct care *c)
{
    return (uint16_t)(c->now_ns / WEEK_NS);
}

static uint16_t *buckets(const struct care *c, uint32_t node, uint32_t what)
{
    must(node < c->board->nodes && what < COUNTS);
    return &c->lemon->count[((size_t)node * COUNTS + what) * WEEKS];
}

/* Empties the buckets of the weeks that began since the node was last touched. */
static void turn_week(struct care *c, uint32_t node)
{
    uint16_t now = week_of(c), *week = &c->lemon->week[node];
    uint32_t passed = now > *week ? (uint32_t)(now - *week) : 0;
    for (uint32_t i = 1; i <= MW_MIN(passed, WEEKS); i++)
        for (uint32_t what = 0; what < COUNTS; what++)
            buckets(c, node, what)[(*week + i) % WEEKS] = 0;
    *week = MW_MAX(*week, now);
}

static void add(struct care *c, uint32_t node, uint32_t what, uint32_t by)
{
    turn_week(c, node);
    uint16_t *at = &buckets(c, node, what)[c->lemon->week[node] % WEEKS];
    *at = (uint16_t)MW_MIN(*at + by, UINT16_MAX);
}

static void take_back(struct care *c, uint32_t node, uint32_t what, uint32_t by)
{
    turn_week(c, node);
    uint16_t *at = &buckets(c, node, what)[c->lemon->week[node] % WEEKS];
    *at = (uint16_t)(*at - MW_MIN(*at, by));
}

/* Of the last 21 to 28 days, also when the node was not touched for a while. */
static uint32_t counted(const struct care *c, uint32_t node, uint32_t what)
{
    const uint16_t *bucket = buckets(c, node, what);
    uint32_t newest = c->lemon->week[node], sum = 0;
    for (uint32_t age = 0; age < WEEKS && age <= newest; age++)
        if (newest - age + WEEKS > week_of(c))
            sum += bucket[(newest - age) % WEEKS];
    return sum;
}

static uint32_t value_of(const struct care *c, uint32_t node, uint32_t signal)
{
    if (signal != LEMON_SINGLE_RATE)
        return counted(c, node, signal);
    uint32_t attempts = counted(c, node, COUNT_ATTEMPTS);
    if (attempts < ATTEMPTS_LEAST)
        return 0;
    return MW_MIN(1000 * counted(c, node, LEMON_SINGLE_FAILS) / attempts, 1000);
}

static uint32_t signals_of(const struct care *c, uint32_t node, uint16_t *ret_bits)
{
    uint32_t speak = 0;
    *ret_bits = 0;
    for (uint32_t i = 0; i < LEMON_SIGNALS; i++) {
        uint32_t at = c->policy.lemon_at[i];
        if (!at || value_of(c, node, i) < at)
            continue;
        *ret_bits = (uint16_t)(*ret_bits | 1u << i);
        speak++;
    }
    return speak;
}

/* ---- repairs that hold, and hazard --------------------------------------------------------- */

static int64_t hold_until_ms(const struct care *c, uint32_t node)
{
    const struct lemon *l = c->lemon;
    return l->hold_h[node] ? l->closed_ms[node] + l->hold_h[node] * MW_MS_PER_HOUR : 0;
}

static bool watched(const struct care *c, uint32_t node)
{
    return mw_ms(c->now_ns) < hold_until_ms(c, node);
}

uint32_t lemon_refaults(const struct care *c, uint32_t node)
{
    bool open = c->board->node_incident[node] != MW_NONE;
    return open || watched(c, node) ? c->lemon->refaults[node] : 0;
}

bool lemon_is(const struct care *c, uint32_t node)
{
    return c->lemon->flags[node] & NODE_LEMON;
}

static uint8_t hazard_of(const struct care *c, uint32_t node)
{
    const struct lemon *l = c->lemon;
    uint32_t slot = c->board->node_incident[node], sum = 0;
    if (watched(c, node))
        sum = mw_ms(c->now_ns) < l->closed_ms[node] + MW_MS_PER_DAY ? HAZARD_FIRST_DAY
              : l->refaults[node]                                   ? HAZARD_REFAULT
                                                                    : HAZARD_WATCHED;
    if (lemon_is(c, node))
        sum += HAZARD_LEMON;
    if (slot != MW_NONE && (c->effect[slot] == EFFECT_SLOWS || c->effect[slot] == EFFECT_DEFERS))
        sum += HAZARD_AILING;
    return (uint8_t)MW_MIN(sum, HAZARD_MOST);
}

/* Something happened to the node: it is judged before the group ends. */
static void touch(struct care *c, uint32_t node)
{
    struct lemon *l = c->lemon;
    c->board->node_hazard[node] = hazard_of(c, node);
    for (uint32_t i = 0; i < l->touches; i++)
        if (l->touched[i] == node)
            return;
    if (l->touches < TOUCHED_MAX)
        l->touched[l->touches++] = node;
}

static void refresh(struct care *c, uint32_t node)
{
    if (!c->board->node_hazard[node])
        return;
    if (lemon_is(c, node))
        touch(c, node);
    else
        c->board->node_hazard[node] = hazard_of(c, node);
}

void lemon_taken(struct care *c)
{
    struct lemon *l = c->lemon;
    uint32_t nodes = c->board->nodes;
    for (uint32_t i = 0; i < WALK_MAX && i < nodes; i++) {
        uint32_t node = l->walk;
        l->walk = node + 1 < nodes ? node + 1 : 0;
        if (!c->board->node_hazard[node])
            continue;
        refresh(c, node);
        return;
    }
}

/* ---- folds --------------------------------------------------------------------------------- */

void lemon_held(struct care *c, uint32_t node)
{
    if (node >= c->board->nodes)
        return;
    add(c, node, LEMON_EXCLUDED, 1);
    touch(c, node);
}

void lemon_finding(struct care *c, uint32_t node)
{
    add(c, node, LEMON_XIDS, 1);
    touch(c, node);
}

void lemon_incident_opened(struct care *c, const struct event *ev)
{
    struct lemon *l = c->lemon;
    uint32_t node = ev->body.incident.node;
    if (node == MW_NONE)
        return;
    uint32_t flags = l->flags[node] & ~(NODE_REPAIRED | NODE_AGAIN | NODE_TOLD | NODE_TICKET);
    if (watched(c, node)) {
        flags |= NODE_AGAIN;
        l->refaults[node] = (uint8_t)MW_MIN(l->refaults[node] + 1u, UINT8_MAX);
    } else {
        l->refaults[node] = 0; /* the last repair held */
    }
    l->flags[node] = (uint8_t)flags;
    touch(c, node);
}

void lemon_incident_joined(struct care *c, uint32_t node)
{
    if (node != MW_NONE)
        touch(c, node);
}

void lemon_suppressed(struct care *c, uint32_t slot)
{
    struct lemon *l = c->lemon;
    uint32_t node = c->board->incident_node[slot];
    if (node == MW_NONE)
        return;
    take_back(c, node, LEMON_XIDS, c->board->incident_findings[slot]);
    if (l->out_ms[node])
        take_back(c, node, LEMON_OUT, 1);
    if ((l->flags[node] & (NODE_AGAIN | NODE_TOLD)) != NODE_AGAIN)
        return; /* no refault, or too late */
    l->flags[node] &= (uint8_t)~NODE_AGAIN;
    l->refaults[node]--;
    touch(c, node);
}

/* The refault is the node's own after all: what was tried before did not hold. */
static void tell_ladder(struct care *c, uint32_t node)
{
    struct lemon *l = c->lemon;
    if ((l->flags[node] & (NODE_AGAIN | NODE_TOLD)) != NODE_AGAIN)
        return;
    if (l->flags[node] & NODE_HELD)
        ladder_step_unheld(c, l->class[node], l->step[node]);
    l->flags[node] = (uint8_t)((l->flags[node] | NODE_TOLD) & ~(NODE_HELD | NODE_REPLACED));
}

void lemon_ticket(struct care *c, uint32_t node)
{
    tell_ladder(c, node);
    if (!(c->lemon->flags[node] & NODE_TICKET))
        add(c, node, LEMON_TICKETS, 1);
    c->lemon->flags[node] |= NODE_TICKET;
    touch(c, node);
}

void lemon_repaired(struct care *c, const struct event *ev)
{
    struct lemon *l = c->lemon;
    const struct body_order *o = &ev->body.order;
    uint32_t node = c->board->incident_node[o->slot]; /* not as the world has it */
    if (node == MW_NONE || o->result != RESULT_OK)
        return;
    tell_ladder(c, node);
    l->class[node] = c->ladder->order_class[o->slot];
    l->step[node] = o->step;
    l->flags[node] |= NODE_REPAIRED;
    if (o->step >= STEP_REPLACE)
        l->flags[node] |= NODE_REPLACED;
}

/* What is wrong with the node came from elsewhere. */
static bool is_symptom(const struct care *c, uint32_t node)
{
    uint32_t slot = c->board->node_incident[node];
    return slot != MW_NONE && c->board->incident_parent[slot] != MW_NONE;
}

void lemon_out(struct care *c, uint32_t node)
{
    if (!c->lemon->out_ms[node])
        c->lemon->out_ms[node] = mw_ms(c->now_ns);
    if (!is_symptom(c, node))
        add(c, node, LEMON_OUT, 1);
    touch(c, node);
}

void lemon_back(struct care *c, uint32_t node)
{
    int64_t *out_ms = &c->lemon->out_ms[node];
    if (*out_ms && !is_symptom(c, node)) {
        int64_t hours = (mw_ms(c->now_ns) - *out_ms + MW_MS_PER_HOUR / 2) / MW_MS_PER_HOUR;
        add(c, node, COUNT_OUT_HOURS, (uint32_t)MW_MIN(hours, UINT16_MAX));
    }
    *out_ms = 0;
}

/* The node whose own fault ended an attempt; MW_NONE. */
static uint32_t blamed(const struct care *c, const struct body_progress *p)
{
    const struct board *b = c->board;
    uint32_t slot = b->job_incident_slot[p->slot], node = p->node;
    if (p->how != HOW_FAILED && p->how != HOW_STOPPED)
        return MW_NONE;
    if (node >= b->nodes && b->job_state[p->slot] == JOB_STOPPING &&
        care_incident_is(c, slot, b->job_incident[p->slot]))
        node = b->incident_node[slot];
    return node < b->nodes && !is_symptom(c, node) ? node : MW_NONE;
}

void lemon_attempt_ended(struct care *c, const struct event *ev)
{
    const struct board *b = c->board;
    const struct body_progress *p = &ev->body.progress;
    if (!board_attempt_is(b, p->slot, p->job, p->attempt) || b->job_state[p->slot] < JOB_PLACED)
        return;
    bool single = b->job_nodes[p->slot] == 1;
    uint32_t first = b->job_first_node[p->slot], node = blamed(c, p);
    if (single && first != MW_NONE && p->how != HOW_CANCELLED)
        add(c, first, COUNT_ATTEMPTS, 1);
    if (node != MW_NONE) {
        add(c, node, single ? LEMON_SINGLE_FAILS : LEMON_MULTI_FAILS, 1);
        touch(c, node);
    }
    for (uint32_t n = first; n != MW_NONE; n = b->node_next[n])
        refresh(c, n);
}

void lemon_incident_closed(struct care *c, const struct event *ev, bool held)
{
    struct lemon *l = c->lemon;
    const struct body_incident *i = &ev->body.incident;
    if (i->node == MW_NONE)
        return;
    tell_ladder(c, i->node);
    if (i->hold_h) {
        l->closed_ms[i->node] = mw_ms(c->now_ns);
        l->hold_h[i->node] = i->hold_h;
        l->flags[i->node] = (uint8_t)((l->flags[i->node] & ~NODE_HELD) | (held ? NODE_HELD : 0));
    } else if (l->flags[i->node] & NODE_AGAIN) {
        l->hold_h[i->node] = 0; /* nobody repaired it: there is nothing that could hold */
    }
    l->flags[i->node] &= (uint8_t)~(NODE_REPAIRED | NODE_AGAIN | NODE_TOLD);
    touch(c, i->node);
}

void lemon_judged(struct care *c, const struct event *ev)
{
    struct lemon *l = c->lemon;
    uint32_t node = ev->body.judge.node;
    if (ev->body.judge.lemon) {
        l->flags[node] |= NODE_LEMON;
    } else {
        if (l->flags[node] & NODE_REPLACED)
            memset(buckets(c, node, 0), 0, COUNTS * WEEKS * sizeof(*l->count));
        l->flags[node] &= (uint8_t)~(NODE_LEMON | NODE_REPLACED);
    }
    c->board->node_hazard[node] = hazard_of(c, node);
}

/* ---- what follows -------------------------------------------------------------------------- */

static bool judge(const struct care *c, uint32_t node, struct decision *out)
{
    const struct lemon *l = c->lemon;
    struct body_judge body = { .node = node };
    bool speaks = signals_of(c, node, &body.signals) >= c->policy.lemon_signals;
    bool open = c->board->node_incident[node] != MW_NONE;
    bool renewed = (l->flags[node] & NODE_REPLACED) && !watched(c, node);
    bool on = c->policy.lemon && c->policy.lemon_signals > 0;
    body.lemon = on && speaks;
    if (lemon_is(c, node) ? open || (body.lemon && !renewed) : !body.lemon)
        return false;
    if (lemon_is(c, node))
        body.lemon = 0;
    body.excluded = value_of(c, node, LEMON_EXCLUDED);
    body.findings = value_of(c, node, LEMON_XIDS);
    body.tickets = value_of(c, node, LEMON_TICKETS);
    body.out = value_of(c, node, LEMON_OUT);
    body.multi_fails = value_of(c, node, LEMON_MULTI_FAILS);
    body.single_fails = value_of(c, node, LEMON_SINGLE_FAILS);
    body.single_rate = value_of(c, node, LEMON_SINGLE_RATE);
    out->ev.kind = EV_NODE_JUDGED;
    out->ev.body.judge = body;
    return true;
}

bool lemon_decide(struct care *c, struct decision *out)
{
    struct lemon *l = c->lemon;
    while (l->touches) {
        uint32_t node = l->touched[--l->touches];
        if (c->board->node_health[node] != HEALTH_RETIRED && judge(c, node, out))
            return true;
    }
    return false;
}

void lemon_quiet(struct care *c)
{
    c->lemon->touches = 0;
}

uint16_t lemon_hold_h(const struct care *c, uint32_t slot)
{
    const struct board *b = c->board;
    uint32_t node = b->incident_node[slot];
    if (node == MW_NONE || b->incident_parent[slot] != MW_NONE ||
        !(c->lemon->flags[node] & NODE_REPAIRED))
        return 0;
    int64_t hours = (c->policy.refault_ms + MW_MS_PER_HOUR - 1) / MW_MS_PER_HOUR;
    return (uint16_t)MW_MIN(hours, UINT16_MAX);
}

int64_t lemon_probation_ms(const struct care *c, uint32_t node, int64_t base_ms)
{
    if (!c->policy.growth || base_ms <= 0)
        return base_ms;
    uint32_t doublings = MW_MIN(lemon_refaults(c, node), MW_MIN(c->policy.growth_max, 16u));
    return MW_MIN(base_ms, MW_NEVER / MW_NS_PER_MS >> 18) << doublings;
}

/* What the node's last repair took, without waiting. */
static int64_t repair_uusd(const struct care *c, uint32_t node)
{
    const struct care_ladder *step = NULL;
    uint32_t steps = ladder_steps(c, c->lemon->class[node], &step);
    for (uint32_t i = 0; i < steps; i++) {
        const struct care_ladder *s = &step[i];
        if (s->step != c->lemon->step[node])
            continue;
        int64_t part = s->part < c->policy.parts ? c->policy.part[s->part].cost_uusd : 0;
        __int128 crew = (__int128)s->crew_ms * c->policy.uusd_per_crew_hour / MW_MS_PER_HOUR;
        return (int64_t)MW_MIN((__int128)s->cost_uusd + part + crew, INT64_MAX / 4);
    }
    return c->policy.uusd_per_crew_hour; /* not on the ladder: an hour of hands, chosen */
}

static int64_t yearly_uusd(const struct care *c, uint32_t node)
{
    uint32_t kills = counted(c, node, LEMON_MULTI_FAILS) + counted(c, node, LEMON_SINGLE_FAILS);
    uint32_t tickets = counted(c, node, LEMON_TICKETS);
    uint32_t hours = MW_MIN(counted(c, node, COUNT_OUT_HOURS), WINDOW_HOURS);
    __int128 hour_uusd = (__int128)c->board->fleet->node_gpus[node] * c->policy.uusd_per_gpu_hour;
    __int128 sum = 0;
    if (kills > 1)
        sum += hour_uusd * MW_MAX(c->policy.job_nodes, 1u) * (kills - 1) * KILL_MS /
               MW_MS_PER_HOUR;
    if (tickets > 1)
        sum += (__int128)repair_uusd(c, node) * (tickets - 1) +
               hour_uusd * hours * (tickets - 1) / tickets;
    return (int64_t)MW_MIN(sum * 365 / WINDOW_DAYS, INT64_MAX);
}

bool lemon_spent(const struct care *c, uint32_t node)
{
    if (!c->policy.retire || !c->policy.node_worth_uusd ||
        lemon_refaults(c, node) < REFAULTS_SPENT)
        return false;
    return yearly_uusd(c, node) > c->policy.node_worth_uusd / LIFE_YEARS;
}

void care_history(const struct care *c, uint32_t node, struct care_history *ret)
{
    must(node < c->board->nodes && ret);
    *ret = (struct care_history){ .hazard = c->board->node_hazard[node],
                                  .lemon = lemon_is(c, node),
                                  .refaults = lemon_refaults(c, node),
                                  .hold_until_ms = hold_until_ms(c, node),
                                  .yearly_uusd = yearly_uusd(c, node) };
    (void)signals_of(c, node, &ret->past);
    for (uint32_t i = 0; i < LEMON_SIGNALS; i++)
        ret->value[i] = value_of(c, node, i);
    ret->kills = ret->value[LEMON_MULTI_FAILS] + ret->value[LEMON_SINGLE_FAILS];
    ret->out_hours = MW_MIN(counted(c, node, COUNT_OUT_HOURS), WINDOW_HOURS);
}
