/* Which node or path is slow, in made-up networks of which the truth is known. */
#include "cli/pairs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NODES_MAX 64

/* A network: a node's speed, and paths that are slow or silent. */
struct network {
    double node[NODES_MAX];
    bool silent[NODES_MAX];
    uint32_t path_a, path_b; /* slow; MW_NONE = none */
    uint64_t random;
    uint32_t measured;
};

static double draw(struct network *n)
{
    n->random = n->random * 6364136223846793005u + 1442695040888963407u;
    return (double)(n->random >> 40) / 16777216.0;
}

static double rate(struct network *n, uint32_t a, uint32_t b)
{
    double noise = 0.95 + 0.05 * draw(n);
    n->measured++;
    if (n->silent[a] || n->silent[b])
        return -1;
    double low = n->node[a] < n->node[b] ? n->node[a] : n->node[b];
    if ((a == n->path_a && b == n->path_b) || (a == n->path_b && b == n->path_a))
        low *= 0.3;
    return low * noise;
}

static struct network healthy(uint32_t nodes, uint64_t seed)
{
    struct network n = { .path_a = MW_NONE, .path_b = MW_NONE, .random = seed };
    for (uint32_t i = 0; i < nodes; i++)
        n.node[i] = 100;
    return n;
}

static void measure(struct pairs *p, struct network *n, struct pair_result *r, uint32_t count)
{
    bool busy[NODES_MAX] = { false };
    for (uint32_t i = 0; i < count; i++) {
        assert_false(busy[r[i].a] || busy[r[i].b]); /* disjoint, or they would halve each other */
        busy[r[i].a] = busy[r[i].b] = true;
        r[i].gbps = rate(n, r[i].a, r[i].b);
        assert_int_equal(pairs_add(p, &r[i]), 0);
    }
}

/* Screens and retests as the command does; returns the causes. */
static uint32_t run(struct network *n, uint32_t nodes, uint32_t rounds, struct pair_blame *to)
{
    struct pairs p;
    struct pair_result r[NODES_MAX];
    assert_int_equal(pairs_init(&p, nodes, 0.8), 0);
    for (uint32_t i = 0; i < rounds && i < pairs_rounds(nodes); i++)
        measure(&p, n, r, pairs_round(nodes, i, r));
    for (uint32_t i = 0; i < PAIRS_RETESTS_MAX; i++) {
        uint32_t count = pairs_retest(&p, r);
        if (count == 0)
            break;
        measure(&p, n, r, count);
    }
    uint32_t blames = pairs_blame(&p, to, 8);
    pairs_fini(&p);
    return blames;
}

static void a_tournament_lets_every_pair_meet_once(void **state)
{
    (void)state;
    for (uint32_t nodes = 2; nodes <= 33; nodes++) {
        static bool met[NODES_MAX][NODES_MAX];
        struct pair_result r[NODES_MAX];
        uint32_t pairs = 0;
        memset(met, 0, sizeof(met));
        for (uint32_t round = 0; round < pairs_rounds(nodes); round++) {
            bool busy[NODES_MAX] = { false };
            uint32_t n = pairs_round(nodes, round, r);
            assert_int_equal(n, nodes / 2);
            for (uint32_t i = 0; i < n; i++, pairs++) {
                assert_true(r[i].a < nodes && r[i].b < nodes && r[i].a != r[i].b);
                assert_false(busy[r[i].a] || busy[r[i].b] || met[r[i].a][r[i].b]);
                busy[r[i].a] = busy[r[i].b] = true;
                met[r[i].a][r[i].b] = met[r[i].b][r[i].a] = true;
            }
        }
        assert_int_equal(pairs, nodes * (nodes - 1) / 2);
    }
}

static void a_healthy_network_blames_nobody(void **state)
{
    struct pair_blame b[8];
    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct network n = healthy(16, seed);
        assert_int_equal(run(&n, 16, 3, b), 0);
        assert_int_equal(n.measured, 24); /* no second look was needed */
    }
}

static void a_slow_node_is_named_and_its_partners_are_not(void **state)
{
    struct pair_blame b[8];
    (void)state;
    for (uint32_t seed = 1; seed <= 200; seed++) {
        uint32_t nodes = 4 + seed % 29, slow = seed * 7 % nodes;
        struct network n = healthy(nodes, seed);
        n.node[slow] = 40;
        assert_int_equal(run(&n, nodes, 3, b), 1);
        assert_int_equal(b[0].kind, BLAME_NODE);
        assert_int_equal(b[0].a, slow);
        assert_int_equal(b[0].b, MW_NONE);
    }
}

static void two_slow_nodes_that_met_each_other_are_both_named(void **state)
{
    struct pair_blame b[8];
    (void)state;
    for (uint32_t seed = 1; seed <= 100; seed++) {
        uint32_t x = seed % 16, y = (x + 1 + seed / 16 % 15) % 16;
        struct network n = healthy(16, seed);
        n.node[x] = 30;
        n.node[y] = 50;
        assert_int_equal(run(&n, 16, 3, b), 2);
        assert_true((b[0].a == x && b[1].a == y) || (b[0].a == y && b[1].a == x));
    }
}

static void a_slow_path_is_told_from_its_ends_when_it_was_measured(void **state)
{
    struct pair_blame b[8];
    (void)state;
    for (uint32_t seed = 1; seed <= 100; seed++) {
        struct network n = healthy(12, seed);
        n.path_a = seed % 12;
        n.path_b = (n.path_a + 1 + seed % 11) % 12;
        assert_int_equal(run(&n, 12, 11, b), 1); /* all rounds: the path is among them */
        assert_int_equal(b[0].kind, BLAME_PATH);
        assert_true((b[0].a == n.path_a && b[0].b == n.path_b) ||
                    (b[0].a == n.path_b && b[0].b == n.path_a));
    }
}

static void a_node_that_never_answers_is_silent_and_not_slow(void **state)
{
    struct pair_blame b[8];
    struct network n = healthy(9, 3);
    (void)state;
    n.silent[4] = true;
    assert_int_equal(run(&n, 9, 4, b), 1);
    assert_int_equal(b[0].kind, BLAME_SILENT);
    assert_int_equal(b[0].a, 4);
}

static void a_pair_that_was_slow_once_is_only_unsteady(void **state)
{
    struct pairs p;
    struct pair_blame b[8];
    struct pair_result r[NODES_MAX];
    (void)state;
    assert_int_equal(pairs_init(&p, 4, 0.8), 0);
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t n = pairs_round(4, i, r);
        for (uint32_t k = 0; k < n; k++) {
            r[k].gbps = i == 1 && k == 0 ? 20 : 100;
            assert_int_equal(pairs_add(&p, &r[k]), 0);
        }
    }
    assert_int_equal(pairs_retest(&p, r), 1);
    r[0].gbps = 99;
    assert_int_equal(pairs_add(&p, &r[0]), 0);
    assert_int_equal(pairs_retest(&p, r), 0);
    assert_int_equal(pairs_blame(&p, b, 8), 1);
    assert_int_equal(b[0].kind, BLAME_UNSTEADY);
    pairs_fini(&p);
}

static void one_node_makes_no_pair(void **state)
{
    struct pairs p;
    (void)state;
    assert_true(pairs_init(&p, 1, 0.8) < 0);
    assert_true(pairs_init(&p, 4, 1.0) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tournament_lets_every_pair_meet_once),
        cmocka_unit_test(a_healthy_network_blames_nobody),
        cmocka_unit_test(a_slow_node_is_named_and_its_partners_are_not),
        cmocka_unit_test(two_slow_nodes_that_met_each_other_are_both_named),
        cmocka_unit_test(a_slow_path_is_told_from_its_ends_when_it_was_measured),
        cmocka_unit_test(a_node_that_never_answers_is_silent_and_not_slow),
        cmocka_unit_test(a_pair_that_was_slow_once_is_only_unsteady),
        cmocka_unit_test(one_node_makes_no_pair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
