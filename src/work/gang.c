/*
 * The index of free nodes: counts per group, block and pod, and groups by their
 * count.  It follows the board node by node; nothing here is state.
 */
#include "work/gang.h"

#include "base/error.h"
#include "base/mem.h"

/* The tier of a hazard: see gang.h. */
static uint8_t tier_of(uint8_t hazard)
{
    return hazard == 0 ? 0 : hazard < 16 ? 1 : hazard < 64 ? 2 : 3;
}

static void bucket_leave(const struct gang *g, struct gang_tier *t, uint32_t group, uint32_t free)
{
    uint32_t b = MW_MIN(free, GANG_SIZES - 1);
    t->with[(size_t)b * g->words + group / 64] &= ~(UINT64_C(1) << group % 64);
    if (--t->bucket[b] == 0)
        t->bucket_used[b / 64] &= ~(UINT64_C(1) << b % 64);
}

static void bucket_enter(const struct gang *g, struct gang_tier *t, uint32_t group, uint32_t free)
{
    uint32_t b = MW_MIN(free, GANG_SIZES - 1);
    t->with[(size_t)b * g->words + group / 64] |= UINT64_C(1) << group % 64;
    if (t->bucket[b]++ == 0)
        t->bucket_used[b / 64] |= UINT64_C(1) << b % 64;
}

static void domain_moves(const struct gang *g, struct gang_tier *t, uint32_t domain, uint32_t from,
                         uint32_t to)
{
    if (domain == MW_NONE)
        return;
    uint32_t *with = t->domain_with + g->domain_first[domain];
    with[from]--;
    with[to]++;
    t->domain_free[domain] = t->domain_free[domain] - from + to;
}

/* One node more or less of a tier is free in a group. */
static void count(struct gang *g, struct gang_tier *t, uint32_t group, bool more)
{
    uint32_t from = t->group_free[group], to = more ? from + 1 : from - 1;
    must(more || from > 0);
    bucket_leave(g, t, group, from);
    bucket_enter(g, t, group, to);
    t->group_free[group] = to;
    t->total = t->total - from + to;
    domain_moves(g, t, g->group_block[group], from, to);
    domain_moves(g, t, g->group_pod[group], from, to);
}

void gang_set(struct gang *g, uint32_t node, bool free, uint8_t hazard)
{
    must(node < g->nodes);
    uint8_t now = free ? (uint8_t)(tier_of(hazard) + 1) : 0, was = g->tier_of[node];
    if (now == was)
        return;
    uint32_t group = g->node_group[node], place = g->node_place[node];
    uint32_t first_now = now ? now - 1u : GANG_TIERS, first_was = was ? was - 1u : GANG_TIERS;
    g->tier_of[node] = now;
    if (was)
        g->tier[first_was].node[place / 64] &= ~(UINT64_C(1) << place % 64);
    if (now)
        g->tier[first_now].node[place / 64] |= UINT64_C(1) << place % 64;
    for (uint32_t t = first_now; t < first_was; t++)
        count(g, &g->tier[t], group, true);
    for (uint32_t t = first_was; t < first_now; t++)
        count(g, &g->tier[t], group, false);
}

/* Places of nodes, group after group. */
static bool make_places(struct gang *g, const struct fleet *f)
{
    const struct fleet_list *l = &f->group_nodes;
    uint32_t words = 0;
    g->group_word = mw_calloc((size_t)g->groups + 1, sizeof(*g->group_word));
    g->node_place = mw_calloc(g->nodes, sizeof(*g->node_place));
    if (!g->group_word || !g->node_place)
        return false;
    for (uint32_t i = 0; i < g->groups; i++) {
        g->group_word[i] = words;
        for (uint32_t at = l->first[i]; at < l->first[i + 1]; at++)
            g->node_place[l->item[at]] = words * 64 + at - l->first[i];
        words += (l->first[i + 1] - l->first[i] + 63) / 64;
    }
    g->group_word[g->groups] = words;
    g->place_node = mw_calloc((size_t)words * 64, sizeof(*g->place_node));
    for (uint32_t n = 0; g->place_node && n < g->nodes; n++)
        g->place_node[g->node_place[n]] = n;
    return g->place_node;
}

/* Adds a block or pod as a domain: its groups, and room for their counts. */
static void add_domain(struct gang *g, const struct fleet *f, const uint32_t *group, uint32_t n,
                       uint32_t *of)
{
    uint32_t d = g->domains++, size_max = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = group ? group[i] : i;
        of[k] = d;
        g->domain_group[g->domain_list[d] + i] = k;
        size_max = MW_MAX(size_max, f->group_nodes.first[k + 1] - f->group_nodes.first[k]);
    }
    g->domain_list[d + 1] = g->domain_list[d] + n;
    g->domain_first[d + 1] = g->domain_first[d] + size_max + 1;
}

static bool make_domains(struct gang *g, const struct fleet *f)
{
    const struct fleet_list *blocks = &f->block_groups, *pods = &f->pod_groups;
    size_t most = f->group_pod ? (size_t)f->blocks + f->pods : 1;
    g->group_block = mw_calloc(g->groups, sizeof(*g->group_block));
    g->group_pod = mw_calloc(g->groups, sizeof(*g->group_pod));
    g->domain_first = mw_calloc(most + 1, sizeof(*g->domain_first));
    g->domain_list = mw_calloc(most + 1, sizeof(*g->domain_list));
    g->domain_group = mw_calloc((size_t)g->groups * 2, sizeof(*g->domain_group));
    if (!g->group_block || !g->group_pod || !g->domain_first || !g->domain_list ||
        !g->domain_group)
        return false;
    for (uint32_t i = 0; i < g->groups; i++)
        g->group_block[i] = MW_NONE;
    for (uint32_t b = 0; f->group_pod && b < f->blocks; b++)
        if (blocks->first[b + 1] - blocks->first[b] > 1)
            add_domain(g, f, blocks->item + blocks->first[b],
                       blocks->first[b + 1] - blocks->first[b], g->group_block);
    g->blocks = g->domains;
    for (uint32_t p = 0; f->group_pod && p < f->pods; p++)
        add_domain(g, f, pods->item + pods->first[p], pods->first[p + 1] - pods->first[p],
                   g->group_pod);
    if (!f->group_pod)
        add_domain(g, f, NULL, g->groups, g->group_pod);
    return true;
}

static bool make_tier(struct gang *g, struct gang_tier *t)
{
    t->group_free = mw_calloc(g->groups, sizeof(*t->group_free));
    t->domain_free = mw_calloc(g->domains, sizeof(*t->domain_free));
    t->domain_with = mw_calloc(g->domain_first[g->domains], sizeof(*t->domain_with));
    t->with = mw_calloc((size_t)GANG_SIZES * g->words, sizeof(*t->with));
    t->node = mw_calloc(g->group_word[g->groups], sizeof(*t->node));
    if (!t->group_free || !t->domain_free || !t->domain_with || !t->with || !t->node)
        return false;
    for (uint32_t i = 0; i < g->groups; i++)
        bucket_enter(g, t, i, 0);
    for (uint32_t d = 0; d < g->domains; d++)
        t->domain_with[g->domain_first[d]] = g->domain_list[d + 1] - g->domain_list[d];
    return true;
}

int gang_init(struct gang *g, const struct fleet *f)
{
    must(g && f);
    g->nodes = f->count[COMPONENT_NODE];
    g->groups = f->groups;
    g->words = (f->groups + 63) / 64;
    g->node_group = f->node_group;
    g->tier_of = mw_calloc(g->nodes, 1);
    bool good = g->tier_of && make_places(g, f) && make_domains(g, f);
    for (uint32_t t = 0; good && t < GANG_TIERS; t++)
        good = make_tier(g, &g->tier[t]);
    return good ? 0 : MW_ENOMEM;
}

void gang_fini(struct gang *g)
{
    void *const owned[] = { g->node_place,  g->place_node,   g->group_word,  g->group_block,
                            g->group_pod,   g->domain_first, g->domain_list, g->domain_group,
                            g->tier_of };
    for (uint32_t t = 0; t < GANG_TIERS; t++) {
        void *const tier[] = { g->tier[t].group_free, g->tier[t].domain_free,
                               g->tier[t].domain_with, g->tier[t].with, g->tier[t].node };
        for (uint32_t i = 0; i < MW_ARRAY_LEN(tier); i++)
            mw_free(tier[i]);
    }
    for (uint32_t i = 0; i < MW_ARRAY_LEN(owned); i++)
        mw_free(owned[i]);
}
