/* Which free nodes a gang gets: the rules of gang.h over the index of gang.c. */
#include "work/gang.h"

/* The tier of hazard that a gang of so many nodes may have; all when too few are free else. */
static uint32_t tier_for(const struct gang *g, struct gang_rule rule, uint32_t nodes)
{
    uint32_t t = !rule.avoid || nodes == 1 ? 3 : nodes <= 4 ? 2 : nodes <= 16 ? 1 : 0;
    while (t < GANG_TIERS - 1 && g->tier[t].total < nodes)
        t++;
    return t;
}

/* Takes up to `want` free nodes of a group, those of low tiers first, in order of place. */
static uint32_t take(const struct gang *g, uint32_t tier, uint32_t group, uint32_t want,
                     uint32_t *ret_node)
{
    uint32_t got = 0;
    for (uint32_t t = 0; t <= tier; t++) {
        for (uint32_t w = g->group_word[group]; w < g->group_word[group + 1] && got < want; w++) {
            uint64_t bits = g->tier[t].node[w];
            for (; bits && got < want; bits &= bits - 1)
                ret_node[got++] = g->place_node[w * 64 + (uint32_t)__builtin_ctzll(bits)];
        }
    }
    return got;
}

/* The first bucket at or after `from` that has a group; GANG_SIZES. */
static uint32_t next_bucket(const struct gang_tier *t, uint32_t from)
{
    for (uint32_t w = from / 64; w < GANG_SIZES / 64; w++) {
        uint64_t bits = t->bucket_used[w];
        if (w == from / 64)
            bits &= ~UINT64_C(0) << from % 64;
        if (bits)
            return w * 64 + (uint32_t)__builtin_ctzll(bits);
    }
    return GANG_SIZES;
}

/* The first of the groups with the fewest free nodes that hold them all; MW_NONE. */
static uint32_t tightest_group(const struct gang *g, const struct gang_tier *t, uint32_t nodes)
{
    uint32_t b = next_bucket(t, MW_MIN(nodes, GANG_SIZES - 1)), best = MW_NONE;
    if (b == GANG_SIZES)
        return MW_NONE;
    for (uint32_t w = 0; w < g->words; w++) {
        uint64_t bits = t->with[(size_t)b * g->words + w];
        if (bits && b < GANG_SIZES - 1)
            return w * 64 + (uint32_t)__builtin_ctzll(bits);
        for (; bits; bits &= bits - 1) { /* the last bucket: few groups are so large */
            uint32_t group = w * 64 + (uint32_t)__builtin_ctzll(bits);
            if (t->group_free[group] >= nodes &&
                (best == MW_NONE || t->group_free[group] < t->group_free[best]))
                best = group;
        }
    }
    return best;
}

/* How a number of nodes falls on the groups of a domain, the fullest first. */
struct split {
    uint32_t groups; /* how many it takes */
    uint32_t size;   /* groups with more free than this are taken whole … */
    uint32_t whole;  /* … and so many with just this */
    uint32_t rest;   /* nodes of one more group, of at most `size` free; never 0 */
};

/* The fewest groups of a domain that hold so many (it has them free). */
static struct split split_of(const struct gang *g, const struct gang_tier *t, uint32_t domain,
                             uint32_t nodes)
{
    const uint32_t *with = t->domain_with + g->domain_first[domain];
    uint32_t size = g->domain_first[domain + 1] - g->domain_first[domain] - 1;
    struct split s = { .rest = nodes };
    must(nodes > 0 && t->domain_free[domain] >= nodes);
    while ((uint64_t)with[size] * size < s.rest) {
        s.groups += with[size];
        s.rest -= with[size] * size;
        must(size > 1);
        size--;
    }
    s.size = size;
    s.whole = (s.rest - 1) / size;
    s.groups += s.whole + 1;
    s.rest -= s.whole * size;
    return s;
}

/* The block or pod in which a gang is on the fewest groups; MW_NONE when none holds it. */
static uint32_t best_domain(const struct gang *g, const struct gang_tier *t, uint32_t nodes)
{
    uint32_t best = MW_NONE, groups = MW_NONE;
    for (uint32_t d = 0; d < g->domains; d++) {
        if (t->domain_free[d] < nodes)
            continue;
        uint32_t needs = split_of(g, t, d, nodes).groups;
        bool same_kind = best != MW_NONE && (best < g->blocks) == (d < g->blocks);
        if (needs < groups ||
            (needs == groups && same_kind && t->domain_free[d] < t->domain_free[best])) {
            best = d;
            groups = needs;
        }
    }
    return best;
}

/* Takes so many nodes of a domain on the fewest of its groups; gives how many those are. */
static uint32_t take_domain(const struct gang *g, uint32_t tier, uint32_t domain, uint32_t nodes,
                            uint32_t *ret_node)
{
    const struct gang_tier *t = &g->tier[tier];
    const uint32_t *with = t->domain_with + g->domain_first[domain];
    struct split s = split_of(g, t, domain, nodes);
    uint32_t last = s.rest, got = 0;
    while (last < s.size && with[last] == 0) /* the fullest-used group that has the rest */
        last++;
    for (uint32_t i = g->domain_list[domain]; i < g->domain_list[domain + 1]; i++) {
        uint32_t group = g->domain_group[i], free = t->group_free[group], want = 0;
        if (free > s.size || (free == s.size && s.whole)) {
            want = free;
            s.whole -= free == s.size;
        } else if (free == last && s.rest) {
            want = s.rest;
            s.rest = 0;
        }
        if (want)
            got += take(g, tier, group, want, ret_node + got);
    }
    must(got == nodes);
    return s.groups;
}

/* Of the pods that come after (free, pod) when the fullest are first: the tightest that holds all,
 * else the fullest. */
static uint32_t next_pod(const struct gang *g, const struct gang_tier *t, uint32_t nodes,
                         uint32_t after)
{
    uint32_t tight = MW_NONE, full = MW_NONE;
    for (uint32_t p = g->blocks; p < g->domains; p++) {
        uint32_t free = t->domain_free[p];
        if (after != MW_NONE && (free > t->domain_free[after] ||
                                 (free == t->domain_free[after] && p <= after)))
            continue;
        if (full == MW_NONE || free > t->domain_free[full])
            full = p;
        if (free >= nodes && (tight == MW_NONE || free < t->domain_free[tight]))
            tight = p;
    }
    return tight != MW_NONE ? tight : full;
}

static uint32_t take_pods(const struct gang *g, uint32_t tier, uint32_t nodes, uint32_t *ret_node)
{
    const struct gang_tier *t = &g->tier[tier];
    uint32_t got = 0, groups = 0, pod = MW_NONE;
    while (got < nodes) {
        pod = next_pod(g, t, nodes - got, pod);
        must(pod != MW_NONE && t->domain_free[pod] > 0);
        uint32_t want = MW_MIN(nodes - got, t->domain_free[pod]);
        groups += take_domain(g, tier, pod, want, ret_node + got);
        got += want;
    }
    return groups;
}

/* Without topology: the first free nodes. */
static uint32_t take_in_order(const struct gang *g, uint32_t tier, uint32_t nodes,
                              uint32_t *ret_node)
{
    uint32_t got = 0, groups = 0, group = MW_NONE;
    for (uint32_t n = 0; n < g->nodes && got < nodes; n++) {
        if (!g->tier_of[n] || g->tier_of[n] > tier + 1)
            continue;
        ret_node[got++] = n;
        groups += g->node_group[n] != group;
        group = g->node_group[n];
    }
    must(got == nodes);
    return groups;
}

uint32_t gang_pick(const struct gang *g, struct gang_rule rule, uint32_t nodes, uint32_t *ret_node)
{
    must(nodes > 0 && nodes <= gang_free(g));
    uint32_t tier = tier_for(g, rule, nodes);
    const struct gang_tier *t = &g->tier[tier];
    if (!rule.topology)
        return take_in_order(g, tier, nodes, ret_node);
    uint32_t group = tightest_group(g, t, nodes);
    if (group != MW_NONE) {
        must(take(g, tier, group, nodes, ret_node) == nodes);
        return 1;
    }
    uint32_t domain = best_domain(g, t, nodes);
    if (domain != MW_NONE)
        return take_domain(g, tier, domain, nodes, ret_node);
    return take_pods(g, tier, nodes, ret_node);
}
