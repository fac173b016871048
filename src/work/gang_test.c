/* Where gangs go: few groups, few pods, little hazard, nothing stranded; by trying every set. */
#include "work/gang.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/random.h"
#include "fleet/site.h"

#define GROUPS 9u
#define PER_GROUP 4u
#define NODES (GROUPS * PER_GROUP)
#define PODS 3u

static const struct gang_rule RULE = { .topology = true, .avoid = true };

/* Nine groups of four: blocks of one, of two, of three groups; three pods. */
struct small {
    struct fleet fleet;
    struct gang gang;
    uint32_t first[GROUPS + 1], item[NODES], group[NODES], block[GROUPS], pod[GROUPS];
    uint32_t block_first[7], pod_first[PODS + 1], groups[GROUPS];
    bool free[NODES];
    uint8_t hazard[NODES];
};

static void small_make(struct small *s)
{
    static const uint32_t BLOCK[GROUPS] = { 0, 0, 1, 2, 2, 2, 3, 4, 5 };
    static const uint32_t BLOCK_FIRST[7] = { 0, 2, 3, 6, 7, 8, 9 };
    static const uint32_t POD_FIRST[PODS + 1] = { 0, 3, 6, 9 };
    memset(s, 0, sizeof(*s));
    for (uint32_t n = 0; n < NODES; n++) {
        s->item[n] = n;
        s->group[n] = n / PER_GROUP;
    }
    for (uint32_t g = 0; g <= GROUPS; g++)
        s->first[g] = g * PER_GROUP;
    for (uint32_t g = 0; g < GROUPS; g++) {
        s->groups[g] = g;
        s->pod[g] = g / 3;
    }
    memcpy(s->block, BLOCK, sizeof(BLOCK));
    memcpy(s->block_first, BLOCK_FIRST, sizeof(BLOCK_FIRST));
    memcpy(s->pod_first, POD_FIRST, sizeof(POD_FIRST));
    s->fleet = (struct fleet){
        .groups = GROUPS, .node_group = s->group, .blocks = 6, .pods = PODS,
        .group_block = s->block, .group_pod = s->pod,
        .group_nodes = { .first = s->first, .item = s->item, .rows = GROUPS },
        .block_groups = { .first = s->block_first, .item = s->groups, .rows = 6 },
        .pod_groups = { .first = s->pod_first, .item = s->groups, .rows = PODS } };
    s->fleet.count[COMPONENT_NODE] = NODES;
    assert_int_equal(gang_init(&s->gang, &s->fleet), 0);
}

static void small_set(struct small *s, uint32_t node, bool free, uint8_t hazard)
{
    s->free[node] = free;
    s->hazard[node] = hazard;
    gang_set(&s->gang, node, free, hazard);
}

/* Anything free, of any hazard, with these odds. */
static void small_shuffle(struct small *s, uint64_t trial, uint64_t hazardous_percent)
{
    uint64_t percent = mw_random_below(mw_random_u64(3, trial, 0, 0), 101);
    for (uint32_t n = 0; n < NODES; n++) {
        bool free = mw_random_below(mw_random_u64(3, trial, 1, n), 100) < percent;
        bool bad = mw_random_below(mw_random_u64(3, trial, 2, n), 100) < hazardous_percent;
        small_set(s, n, free, bad ? (uint8_t)mw_random_below(mw_random_u64(3, trial, 3, n), 256)
                                  : 0);
    }
}

static uint32_t hazard_bound(uint32_t nodes)
{
    return nodes == 1 ? 255 : nodes <= 4 ? 63 : nodes <= 16 ? 15 : 0;
}

/* The most hazard a node of this gang may have: the bound, or the next when too few are free. */
static uint32_t allowed(const struct small *s, uint32_t nodes)
{
    static const uint32_t BOUND[] = { 0, 15, 63, 255 };
    for (size_t b = 0; b < MW_ARRAY_LEN(BOUND); b++) {
        uint32_t n = 0;
        for (uint32_t i = 0; i < NODES; i++)
            n += s->free[i] && s->hazard[i] <= BOUND[b];
        if (BOUND[b] >= hazard_bound(nodes) && n >= nodes)
            return BOUND[b];
    }
    return 255;
}

/* What any set of groups makes of a gang: pods, then groups, are to be few. */
struct score {
    uint32_t pods, groups;
};

static struct score score_of(uint32_t set)
{
    struct score s = { .groups = (uint32_t)__builtin_popcount(set) };
    for (uint32_t p = 0; p < PODS; p++)
        s.pods += (set >> 3 * p & 7) != 0;
    return s;
}

/* Only one group, else one pod and in it the fewest groups, else the fewest pods. */
static struct score best_score(const uint32_t *room, uint32_t nodes)
{
    struct score best = { MW_NONE, MW_NONE };
    for (uint32_t set = 1; set < 1u << GROUPS; set++) {
        uint32_t sum = 0;
        struct score s = score_of(set);
        for (uint32_t g = 0; g < GROUPS; g++)
            sum += set >> g & 1 ? room[g] : 0;
        if (sum >= nodes && (s.pods < best.pods || (s.pods == best.pods && s.groups < best.groups)))
            best = s;
    }
    return best;
}

static void check_pick(const struct small *s, uint32_t nodes)
{
    uint32_t chosen[NODES], set = 0, room[GROUPS] = { 0 }, bound = allowed(s, nodes);
    uint64_t seen = 0;
    uint32_t said = gang_pick(&s->gang, RULE, nodes, chosen);
    for (uint32_t i = 0; i < nodes; i++) {
        assert_true(chosen[i] < NODES && s->free[chosen[i]]);
        assert_false(seen >> chosen[i] & 1);
        assert_true(s->hazard[chosen[i]] <= bound);
        seen |= UINT64_C(1) << chosen[i];
        set |= 1u << s->group[chosen[i]];
    }
    for (uint32_t n = 0; n < NODES; n++)
        room[s->group[n]] += s->free[n] && s->hazard[n] <= bound;
    struct score got = score_of(set), best = best_score(room, nodes);
    assert_int_equal(said, got.groups);
    assert_int_equal(got.pods, best.pods);
    if (best.pods == 1) /* past one pod the fewest pods count, not the fewest groups */
        assert_int_equal(got.groups, best.groups);
    for (uint32_t g = 0; got.groups == 1 && g < GROUPS; g++) /* the tightest that holds it */
        assert_true(room[g] < nodes || room[g] >= room[s->group[chosen[0]]]);
}

static void a_gang_crosses_as_little_as_it_can(void **state)
{
    (void)state;
    struct small s;
    small_make(&s);
    for (uint64_t trial = 0; trial < 2000; trial++) {
        small_shuffle(&s, trial, trial % 3 * 20);
        for (uint32_t nodes = 1; nodes <= gang_free(&s.gang); nodes++)
            check_pick(&s, nodes);
    }
    gang_fini(&s.gang);
}

/* Whatever happened before, what is free now decides: as after a restart. */
static void the_choice_depends_on_what_is_free_and_not_on_how_it_came_so(void **state)
{
    (void)state;
    struct small old, fresh;
    small_make(&old);
    for (uint64_t trial = 0; trial < 500; trial++) {
        small_shuffle(&old, trial, 30);
        small_make(&fresh);
        for (uint32_t n = NODES; n-- > 0;)
            small_set(&fresh, n, old.free[n], old.hazard[n]);
        for (uint32_t nodes = 1; nodes <= gang_free(&old.gang); nodes++) {
            uint32_t a[NODES], b[NODES];
            assert_int_equal(gang_pick(&old.gang, RULE, nodes, a),
                             gang_pick(&fresh.gang, RULE, nodes, b));
            assert_memory_equal(a, b, nodes * sizeof(*a));
        }
        gang_fini(&fresh.gang);
    }
    gang_fini(&old.gang);
}

static void the_larger_the_gang_the_less_hazard_it_takes(void **state)
{
    static const struct {
        uint32_t nodes, bound;
    } rule[] = { { 1, 255 }, { 2, 63 }, { 4, 63 }, { 5, 15 }, { 16, 15 }, { 17, 0 } };
    (void)state;
    struct small s;
    small_make(&s);
    for (uint32_t i = 0; i < MW_ARRAY_LEN(rule); i++) {
        uint32_t chosen[NODES], clean = 0;
        for (uint32_t n = 0; n < NODES; n++) { /* as many as it needs, just past its bound */
            bool past = n < NODES / 2;
            small_set(&s, n, true, past && rule[i].bound < 255 ? (uint8_t)(rule[i].bound + 1) : 0);
        }
        (void)gang_pick(&s.gang, RULE, rule[i].nodes, chosen);
        for (uint32_t k = 0; k < rule[i].nodes; k++)
            clean += s.hazard[chosen[k]] <= rule[i].bound;
        assert_int_equal(clean, rule[i].nodes);
        const struct gang_rule blind = { .topology = true };
        assert_true(gang_pick(&s.gang, blind, rule[i].nodes, chosen) > 0);
        assert_int_equal(chosen[0], 0); /* when it is not to be avoided: the first group */
    }
    gang_fini(&s.gang);
}

static void hazard_is_no_reason_to_wait_for_ever(void **state)
{
    (void)state;
    struct small s;
    uint32_t chosen[NODES], bad = 0;
    small_make(&s);
    for (uint32_t n = 0; n < NODES; n++)
        small_set(&s, n, true, n % 2 ? 200 : 0);
    (void)gang_pick(&s.gang, RULE, NODES / 2, chosen);
    for (uint32_t i = 0; i < NODES / 2; i++)
        bad += s.hazard[chosen[i]] != 0;
    assert_int_equal(bad, 0);
    assert_int_equal(gang_pick(&s.gang, RULE, NODES / 2 + 1, chosen), 5);
    gang_fini(&s.gang);
}

static void within_a_group_the_less_hazardous_nodes_go_first(void **state)
{
    (void)state;
    struct small s;
    uint32_t chosen[NODES];
    small_make(&s);
    for (uint32_t n = 0; n < PER_GROUP; n++)
        small_set(&s, n, true, (uint8_t)(60 - 20 * n)); /* 60, 40, 20, 0 */
    assert_int_equal(gang_pick(&s.gang, RULE, 2, chosen), 1);
    assert_int_equal(chosen[0], 3);
    small_set(&s, 1, true, 1);
    assert_int_equal(gang_pick(&s.gang, RULE, 2, chosen), 1);
    assert_int_equal(chosen[1], 1);
    gang_fini(&s.gang);
}

static void without_topology_nodes_go_in_their_order(void **state)
{
    (void)state;
    struct small s;
    uint32_t chosen[NODES];
    const struct gang_rule flat = { 0 };
    small_make(&s);
    for (uint32_t n = 0; n < NODES; n += 3)
        small_set(&s, n, true, (uint8_t)n);
    assert_int_equal(gang_pick(&s.gang, flat, 4, chosen), 3); /* 0, 3 | 6 | 9 */
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(chosen[i], 3 * i);
    gang_fini(&s.gang);
}

/* ---- real shapes ---------------------------------------------------------------------------- */

struct site {
    struct fleet *fleet;
    struct gang gang;
    uint32_t *chosen;
};

static void site_make(struct site *s, const char *shape, uint32_t gpus)
{
    struct text yaml = { 0 };
    struct site_problems problems = { 0 };
    struct mw_error err = { 0 };
    memset(s, 0, sizeof(*s));
    assert_int_equal(site_new(shape, gpus, &yaml, &err), 0);
    const struct site_source source = { .yaml = yaml.data, .size = yaml.length, .name = "test" };
    assert_int_equal(site_load(&source, &s->fleet, &problems, &err), 0);
    assert_int_equal(gang_init(&s->gang, s->fleet), 0);
    s->chosen = calloc(s->fleet->count[COMPONENT_NODE], sizeof(*s->chosen));
    for (uint32_t n = 0; n < s->fleet->count[COMPONENT_NODE]; n++)
        gang_set(&s->gang, n, true, 0);
    text_fini(&yaml);
    site_problems_fini(&problems);
}

static void site_free(struct site *s)
{
    gang_fini(&s->gang);
    fleet_destroy(s->fleet);
    free(s->chosen);
}

/* Places a gang; gives how many groups it is on. */
static uint32_t site_place(struct site *s, uint32_t nodes)
{
    uint32_t groups = gang_pick(&s->gang, RULE, nodes, s->chosen);
    for (uint32_t i = 0; i < nodes; i++)
        gang_set(&s->gang, s->chosen[i], false, 0);
    return groups;
}

/* Slurm's blocks leave two trays of each rack for nobody: 11.1 % of the site. */
static void gangs_of_four_use_every_tray_of_racks_of_eighteen(void **state)
{
    (void)state;
    struct site s;
    site_make(&s, "gb200-nvl72", 72 * 64);
    uint32_t crossing = 0, placed = 0;
    for (; gang_free(&s.gang) >= 4; placed++)
        crossing += site_place(&s, 4) > 1;
    assert_int_equal(placed, 64 * 18 / 4);
    assert_int_equal(gang_free(&s.gang), 0);
    assert_int_equal(crossing, 64 / 2); /* only the last two trays of two racks make one more */
    site_free(&s);
}

static void what_is_left_of_a_rack_is_taken_before_a_whole_one_is_broken(void **state)
{
    (void)state;
    struct site s;
    site_make(&s, "gb200-nvl72", 72 * 4);
    assert_int_equal(site_place(&s, 16), 1);
    assert_int_equal(site_place(&s, 2), 1);
    assert_int_equal(s.gang.tier[0].bucket[18], 3); /* three racks are whole still */
    assert_int_equal(s.gang.tier[0].bucket[0], 1);
    assert_int_equal(site_place(&s, 36), 2); /* whole domains */
    assert_int_equal(s.gang.tier[0].bucket[18], 1);
    site_free(&s);
}

static void the_rest_of_a_large_gang_goes_where_little_is_left(void **state)
{
    (void)state;
    struct site s;
    site_make(&s, "gb200-nvl72", 72 * 4);
    assert_int_equal(site_place(&s, 12), 1);
    assert_int_equal(site_place(&s, 24), 2); /* a whole rack and the six that are left */
    assert_int_equal(s.gang.tier[0].bucket[18], 2);
    assert_int_equal(s.gang.tier[0].bucket[0], 2);
    site_free(&s);
}

static void a_gang_larger_than_a_pod_fills_whole_pods(void **state)
{
    (void)state;
    struct site s;
    site_make(&s, "hgx-h100", 65 * 256); /* halls of 1024 nodes, 1024 nodes, 32 nodes */
    assert_int_equal(site_place(&s, 1024 + 32), 33);
    assert_int_equal(s.gang.tier[0].domain_free[s.gang.blocks], 0);
    assert_int_equal(s.gang.tier[0].domain_free[s.gang.blocks + 1], 1024);
    assert_int_equal(s.gang.tier[0].domain_free[s.gang.blocks + 2], 0);
    assert_int_equal(site_place(&s, 1024), 32);
    assert_int_equal(gang_free(&s.gang), 0);
    site_free(&s);
}

static void groups_past_the_last_bucket_are_told_apart(void **state)
{
    (void)state;
    enum { BIG = 300, SITE = 3 * BIG };
    static uint32_t first[4] = { 0, BIG, 2 * BIG, 3 * BIG }, item[SITE], group[SITE], chosen[SITE];
    struct fleet f = { .groups = 3, .node_group = group,
                       .group_nodes = { .first = first, .item = item, .rows = 3 } };
    struct gang g = { 0 };
    f.count[COMPONENT_NODE] = SITE;
    for (uint32_t n = 0; n < SITE; n++) {
        item[n] = n;
        group[n] = n / BIG;
    }
    assert_int_equal(gang_init(&g, &f), 0);
    for (uint32_t n = 0; n < SITE; n++)
        gang_set(&g, n, n != 0 && n != BIG && n != BIG + 1, 0); /* 299, 298, 300 */
    assert_int_equal(gang_pick(&g, RULE, 260, chosen), 1);
    assert_int_equal(group[chosen[0]], 1);
    assert_int_equal(gang_pick(&g, RULE, 299, chosen), 1);
    assert_int_equal(group[chosen[0]], 0);
    assert_int_equal(gang_pick(&g, RULE, 301, chosen), 2);
    gang_fini(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gang_crosses_as_little_as_it_can),
        cmocka_unit_test(the_choice_depends_on_what_is_free_and_not_on_how_it_came_so),
        cmocka_unit_test(the_larger_the_gang_the_less_hazard_it_takes),
        cmocka_unit_test(hazard_is_no_reason_to_wait_for_ever),
        cmocka_unit_test(within_a_group_the_less_hazardous_nodes_go_first),
        cmocka_unit_test(without_topology_nodes_go_in_their_order),
        cmocka_unit_test(gangs_of_four_use_every_tray_of_racks_of_eighteen),
        cmocka_unit_test(what_is_left_of_a_rack_is_taken_before_a_whole_one_is_broken),
        cmocka_unit_test(the_rest_of_a_large_gang_goes_where_little_is_left),
        cmocka_unit_test(a_gang_larger_than_a_pod_fills_whole_pods),
        cmocka_unit_test(groups_past_the_last_bucket_are_told_apart),
    };
    return cmocka_run_group_tests_name("gang", tests, NULL, NULL);
}
