/* Tournament, retests, blame. */
#include "cli/pairs.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* What is known of a node. */
struct view {
    double best, worst;   /* of measured pairs; best below 0 = none */
    uint32_t partners;    /* distinct, measured or not */
    uint32_t silent;      /* of them, that could not be measured */
};

int pairs_init(struct pairs *p, uint32_t nodes, double share)
{
    *p = (struct pairs){ .nodes = nodes, .share = share };
    return nodes >= 2 && share > 0 && share < 1 ? 0 : MW_EINVAL;
}

void pairs_fini(struct pairs *p)
{
    mw_free(p->result);
    *p = (struct pairs){ 0 };
}

uint32_t pairs_rounds(uint32_t nodes)
{
    return nodes % 2 == 0 ? nodes - 1 : nodes;
}

uint32_t pairs_round(uint32_t nodes, uint32_t round, struct pair_result *to)
{
    uint32_t even = nodes + nodes % 2, turn = even - 1, n = 0;
    must(nodes >= 2 && round < pairs_rounds(nodes));
    for (uint32_t i = 0; i < even / 2; i++) { /* the circle: one stands still, the others turn */
        uint32_t a = i == 0 ? even - 1 : (round + i) % turn;
        uint32_t b = i == 0 ? round % turn : (round + turn - i) % turn;
        if (a >= nodes || b >= nodes)
            continue; /* an odd number: this one waits */
        bool there = round % 2 == 0;
        to[n++] = (struct pair_result){ there ? a : b, there ? b : a, -1 };
    }
    return n;
}

int pairs_add(struct pairs *p, const struct pair_result *r)
{
    must(r->a < p->nodes && r->b < p->nodes && r->a != r->b);
    if (p->count == p->room) {
        uint32_t room = p->room > 0 ? p->room * 2 : 256;
        struct pair_result *more = mw_calloc(room, sizeof(*more));
        if (more == NULL)
            return MW_ENOMEM;
        if (p->count > 0)
            memcpy(more, p->result, p->count * sizeof(*more));
        mw_free(p->result);
        p->result = more;
        p->room = room;
    }
    p->result[p->count++] = *r;
    return 0;
}

static int by_rate(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double pairs_median(const struct pairs *p)
{
    double *rate = mw_calloc(p->count + 1, sizeof(*rate)), median = 0;
    uint32_t n = 0;
    for (uint32_t i = 0; rate != NULL && i < p->count; i++)
        if (p->result[i].gbps >= 0)
            rate[n++] = p->result[i].gbps;
    if (n > 0) {
        qsort(rate, n, sizeof(*rate), by_rate);
        median = rate[n / 2];
    }
    mw_free(rate);
    return median;
}

static bool met(const struct pairs *p, uint32_t a, uint32_t b)
{
    for (uint32_t i = 0; i < p->count; i++)
        if ((p->result[i].a == a && p->result[i].b == b) ||
            (p->result[i].a == b && p->result[i].b == a))
            return true;
    return false;
}

static struct view view_of(const struct pairs *p, uint32_t node)
{
    struct view v = { .best = -1, .worst = -1 };
    bool *seen = mw_calloc(p->nodes, sizeof(bool));
    for (uint32_t i = 0; seen != NULL && i < p->count; i++) {
        const struct pair_result *r = &p->result[i];
        if (r->a != node && r->b != node)
            continue;
        uint32_t other = r->a == node ? r->b : r->a;
        v.partners += !seen[other];
        v.silent += !seen[other] && r->gbps < 0;
        seen[other] = true;
        if (r->gbps < 0)
            continue;
        v.best = MW_MAX(v.best, r->gbps);
        v.worst = v.worst < 0 ? r->gbps : MW_MIN(v.worst, r->gbps);
    }
    mw_free(seen);
    return v;
}

/* Measurements of one pair, both ways: how many, and how many of them slow. */
static void count_pair(const struct pairs *p, uint32_t a, uint32_t b, double limit,
                       uint32_t *ret_all, uint32_t *ret_slow)
{
    *ret_all = *ret_slow = 0;
    for (uint32_t i = 0; i < p->count; i++) {
        const struct pair_result *r = &p->result[i];
        if (!((r->a == a && r->b == b) || (r->a == b && r->b == a)))
            continue;
        (*ret_all)++;
        *ret_slow += r->gbps < limit;
    }
}

/* ---- retests -------------------------------------------------------------------------------- */

struct retest {
    const struct pairs *p;
    double limit;
    bool *busy, *good;
    struct pair_result *to;
    uint32_t count;
};

static void plan(struct retest *t, uint32_t a, uint32_t b)
{
    t->to[t->count++] = (struct pair_result){ a, b, -1 };
    t->busy[a] = t->busy[b] = true;
}

/* A node that is slow so far: with one that is good and that it has not met. */
static void plan_node(struct retest *t, uint32_t node)
{
    if (t->busy[node] || t->good[node] || view_of(t->p, node).partners >= PAIRS_PARTNERS)
        return;
    for (uint32_t other = 0; other < t->p->nodes; other++)
        if (t->good[other] && !t->busy[other] && !met(t->p, node, other)) {
            plan(t, other, node);
            return;
        }
}

uint32_t pairs_retest(const struct pairs *p, struct pair_result *to)
{
    struct retest t = { .p = p, .limit = pairs_median(p) * p->share, .to = to,
                        .busy = mw_calloc(p->nodes, sizeof(bool)),
                        .good = mw_calloc(p->nodes, sizeof(bool)) };
    bool ready = t.busy != NULL && t.good != NULL;
    for (uint32_t i = 0; ready && i < p->nodes; i++)
        t.good[i] = view_of(p, i).best >= t.limit && t.limit > 0;
    for (uint32_t i = 0; ready && i < p->count; i++) {
        const struct pair_result *r = &p->result[i];
        uint32_t all, slow;
        if (r->gbps >= t.limit)
            continue;
        plan_node(&t, r->a);
        plan_node(&t, r->b);
        count_pair(p, r->a, r->b, t.limit, &all, &slow);
        if (t.good[r->a] && t.good[r->b] && all < 2 && !t.busy[r->a] && !t.busy[r->b])
            plan(&t, r->b, r->a); /* slow once: again, the other way */
    }
    mw_free(t.busy);
    mw_free(t.good);
    return t.count;
}

/* ---- blame ---------------------------------------------------------------------------------- */

static uint32_t blame_nodes(const struct pairs *p, double limit, struct pair_blame *to,
                            uint32_t most)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->nodes && n < most; i++) {
        struct view v = view_of(p, i);
        if (v.partners == 0 || v.best >= limit)
            continue;
        to[n++] = (struct pair_blame){ .a = i, .b = MW_NONE, .worst = v.worst, .best = v.best,
                                       .kind = v.silent == v.partners ? BLAME_SILENT : BLAME_NODE };
    }
    return n;
}

uint32_t pairs_blame(const struct pairs *p, struct pair_blame *to, uint32_t most)
{
    double limit = pairs_median(p) * p->share;
    uint32_t n = blame_nodes(p, limit, to, most), nodes = n;
    for (uint32_t i = 0; i < p->count && n < most; i++) {
        const struct pair_result *r = &p->result[i];
        uint32_t all, slow;
        bool of_node = false;
        if (r->gbps >= limit || limit <= 0)
            continue;
        for (uint32_t k = 0; k < nodes; k++)
            of_node = of_node || to[k].a == r->a || to[k].a == r->b;
        bool seen = false;
        for (uint32_t k = nodes; k < n; k++)
            seen = seen || (to[k].a == r->a && to[k].b == r->b) ||
                   (to[k].a == r->b && to[k].b == r->a);
        if (of_node || seen)
            continue;
        count_pair(p, r->a, r->b, limit, &all, &slow);
        to[n++] = (struct pair_blame){ .a = r->a, .b = r->b, .worst = r->gbps, .best = r->gbps,
                                       .kind = slow >= 2 ? BLAME_PATH : BLAME_UNSTEADY };
    }
    return n;
}
