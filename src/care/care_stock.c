/* See the header. */
#include "care/care_stock.h"

#include "base/exact.h"
#include "base/mem.h"
#include "base/units.h"

#define PLACES (CARE_PARTS_MAX * STOCK_ORDERS_MAX)

int stock_init(struct care *c)
{
    c->stock = mw_calloc(1, sizeof(*c->stock));
    return c->stock ? 0 : MW_ENOMEM;
}

void stock_fini(struct care *c)
{
    mw_free(c->stock);
    c->stock = NULL;
}

void stock_columns(struct care *c)
{
    struct stock *s = c->stock;
    care_column(c, (struct column)COLUMN("stock_change", s->change, CARE_PARTS_MAX, NULL));
    care_column(c, (struct column)COLUMN("stock_order", s->order, PLACES, NULL));
    care_column(c, (struct column)COLUMN("stock_due_ms", s->due_ms, PLACES, NULL));
    care_column(c, (struct column)COLUMN("stock_count", s->count, PLACES, NULL));
}

static bool is_kept(const struct care *c, uint32_t part)
{
    return part < c->policy.parts && c->policy.part[part].stock != UINT32_MAX;
}

static int64_t there(const struct care *c, uint32_t part)
{
    return c->policy.part[part].stock + c->stock->change[part];
}

static uint32_t on_the_way(const struct care *c, uint32_t part)
{
    uint64_t sum = 0;
    for (uint32_t i = part * STOCK_ORDERS_MAX; i < (part + 1) * STOCK_ORDERS_MAX; i++)
        sum += c->stock->order[i] ? c->stock->count[i] : 0;
    return (uint32_t)MW_MIN(sum, UINT32_MAX);
}

/* The place of an order of this part, 0 = a free one; MW_NONE. */
static uint32_t place_of(const struct care *c, uint32_t part, uint64_t order)
{
    for (uint32_t i = part * STOCK_ORDERS_MAX; i < (part + 1) * STOCK_ORDERS_MAX; i++)
        if (c->stock->order[i] == order)
            return i;
    return MW_NONE;
}

int64_t stock_wait_ms(const struct care *c, uint32_t part)
{
    const struct stock *s = c->stock;
    if (!is_kept(c, part) || there(c, part) > 0)
        return 0;
    int64_t lead_ms = c->policy.part[part].lead_ms, now_ms = mw_ms(c->now_ns), best_ms = MW_NEVER;
    for (uint32_t i = part * STOCK_ORDERS_MAX; i < (part + 1) * STOCK_ORDERS_MAX; i++) {
        int64_t by_then = there(c, part); /* what is owed is delivered first */
        for (uint32_t k = part * STOCK_ORDERS_MAX; k < (part + 1) * STOCK_ORDERS_MAX; k++)
            if (s->order[k] && s->due_ms[k] <= s->due_ms[i])
                by_then += s->count[k];
        if (s->order[i] && by_then > 0)
            best_ms = MW_MIN(best_ms, s->due_ms[i]);
    }
    return best_ms == MW_NEVER ? lead_ms : MW_MAX(best_ms - now_ms, 0);
}

/* How many of this part are to be ordered: whole batches, until the policy's least is covered. */
static uint32_t wanted(const struct care *c, uint32_t part)
{
    const struct care_part *p = &c->policy.part[part];
    int64_t covered = there(c, part) + on_the_way(c, part), batch = MW_MAX(p->batch, 1u);
    if (covered >= p->least || place_of(c, part, 0) == MW_NONE)
        return 0;
    int64_t batches = (p->least - covered + batch - 1) / batch;
    return (uint32_t)MW_MIN(batches * batch, INT64_C(1) << 30);
}

bool stock_decide(const struct care *c, struct decision *out)
{
    for (uint32_t part = 0; part < c->policy.parts; part++) {
        uint32_t count = is_kept(c, part) ? wanted(c, part) : 0;
        const struct care_part *p = &c->policy.part[part];
        if (!count)
            continue;
        out->ev.kind = EV_PARTS_ORDERED;
        struct body_parts *body = &out->ev.body.parts; /* field by field: the gaps stay zero */
        body->due_ms = mw_ms(c->now_ns) + p->lead_ms;
        body->cost_uusd = mw_muldiv(p->cost_uusd, count, 1);
        body->count = count;
        body->part = (uint16_t)part;
        return true;
    }
    return false;
}

void stock_ordered(struct care *c, const struct event *ev)
{
    const struct body_parts *p = &ev->body.parts;
    uint32_t at = p->part < CARE_PARTS_MAX ? place_of(c, p->part, 0) : MW_NONE;
    if (at == MW_NONE)
        return;
    c->stock->order[at] = ev->seq;
    c->stock->due_ms[at] = p->due_ms;
    c->stock->count[at] = p->count;
}

enum admit stock_admit(const struct care *c, const struct event *ev)
{
    const struct body_parts *p = &ev->body.parts;
    if (p->part >= c->policy.parts || !p->order || !p->count)
        return ADMIT_IMPOSSIBLE;
    uint32_t at = place_of(c, p->part, p->order);
    if (at == MW_NONE)
        return ADMIT_STALE;
    return p->count <= c->stock->count[at] ? ADMIT_OK : ADMIT_IMPOSSIBLE;
}

void stock_arrived(struct care *c, const struct event *ev)
{
    const struct body_parts *p = &ev->body.parts;
    uint32_t at = p->part < CARE_PARTS_MAX ? place_of(c, p->part, p->order) : MW_NONE;
    if (at == MW_NONE)
        return;
    c->stock->change[p->part] += p->count;
    c->stock->count[at] -= MW_MIN(p->count, c->stock->count[at]);
    if (!c->stock->count[at])
        c->stock->order[at] = 0;
}

void stock_use(struct care *c, uint32_t part)
{
    if (is_kept(c, part))
        c->stock->change[part]--;
}

void stock_put_back(struct care *c, uint32_t part)
{
    if (is_kept(c, part))
        c->stock->change[part]++;
}

uint64_t stock_pending(const struct care *c, uint32_t first, uint32_t *at)
{
    must(*at >= first);
    while (*at - first < PLACES) {
        uint64_t order = c->stock->order[(*at)++ - first];
        if (order)
            return order;
    }
    return 0;
}

int64_t care_stock(const struct care *c, uint16_t part)
{
    if (part < c->policy.parts && !is_kept(c, part))
        return INT64_MAX;
    return part < c->policy.parts ? there(c, part) : 0;
}

uint32_t care_stock_coming(const struct care *c, uint16_t part, int64_t *ret_due_ms)
{
    int64_t due_ms = MW_NEVER;
    *ret_due_ms = 0;
    if (part >= c->policy.parts)
        return 0;
    for (uint32_t i = part * STOCK_ORDERS_MAX; i < (part + 1u) * STOCK_ORDERS_MAX; i++)
        if (c->stock->order[i])
            due_ms = MW_MIN(due_ms, c->stock->due_ms[i]);
    *ret_due_ms = due_ms == MW_NEVER ? 0 : due_ms;
    return on_the_way(c, part);
}
