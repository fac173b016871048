/* The parts of work that need no other plane: the interval, the choice of nodes. */
#include "work/work.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/random.h"
#include "base/units.h"
#include "work/work_private.h"

static void the_interval_is_the_root_of_twice_the_write_time_over_the_failure_rate(void **state)
{
    (void)state;
    struct work_policy p = work_policy_default();
    p.interval_ms_min = 1;
    p.interval_ms_max = INT64_MAX;
    for (uint32_t nodes = 1; nodes <= 16384; nodes *= 4) {
        for (int64_t write_ms = 1; write_ms <= 10 * MW_MS_PER_MIN; write_ms = write_ms * 5 + 1) {
            double per_ms = (double)p.rate_per_1e9_node_hours / 1e9 / 3.6e6;
            double want = sqrt(2.0 * (double)write_ms / ((double)nodes * per_ms));
            assert_true(fabs((double)work_interval_ms(&p, write_ms, nodes) - want) <= 1.0);
        }
    }
    /* Known by hand: 4.2 failures per 1000 node-days, 256 nodes, 1 min: sqrt(2 min * 22.32 h) */
    int64_t ms = work_interval_ms(&p, MW_MS_PER_MIN, 256);
    assert_true(ms > 51 * MW_MS_PER_MIN && ms < 52 * MW_MS_PER_MIN);
}

static void the_interval_keeps_to_its_bounds_and_the_policy_may_fix_it(void **state)
{
    (void)state;
    struct work_policy p = work_policy_default();
    assert_int_equal(work_interval_ms(&p, 1, 16384), p.interval_ms_min);
    p.interval_ms_max = MW_MS_PER_HOUR;
    assert_int_equal(work_interval_ms(&p, MW_MS_PER_DAY, 1), MW_MS_PER_HOUR);
    assert_int_equal(work_interval_ms(&p, 0, 16), 0); /* free to write: the job need not be asked */
    p.interval_ms = 4321;
    assert_int_equal(work_interval_ms(&p, MW_MS_PER_DAY, 1), 4321);
    p.interval_ms = 0;
    p.rate_per_1e9_node_hours = 0;
    assert_int_equal(work_interval_ms(&p, MW_MS_PER_MIN, 8), 0); /* nothing ever fails */
}

#define GROUPS 5
#define PER_GROUP 4
#define NODES (GROUPS * PER_GROUP)

/* Work over a fleet of five groups of four, nothing else. */
struct bench {
    struct fleet fleet;
    struct board *board;
    struct work *work;
    uint32_t first[GROUPS + 1], item[NODES], group[NODES];
    uint8_t gpus[NODES];
};

static void bench_make(struct bench *b)
{
    memset(b, 0, sizeof(*b));
    for (uint32_t n = 0; n < NODES; n++) {
        b->item[n] = n;
        b->group[n] = n / PER_GROUP;
        b->gpus[n] = 8;
    }
    for (uint32_t g = 0; g <= GROUPS; g++)
        b->first[g] = g * PER_GROUP;
    b->fleet.count[COMPONENT_NODE] = NODES;
    b->fleet.groups = GROUPS;
    b->fleet.node_group = b->group;
    b->fleet.node_gpus = b->gpus;
    b->fleet.group_nodes = (struct fleet_list){ .first = b->first, .item = b->item,
                                                .rows = GROUPS };
    const struct board_options o = { .jobs_max = 16, .incidents_max = 16 };
    const struct work_policy p = work_policy_default();
    assert_int_equal(board_create(&b->fleet, &o, &b->board), 0);
    assert_int_equal(work_create(b->board, &p, &b->work), 0);
}

static void bench_free(struct bench *b)
{
    work_destroy(b->work);
    board_destroy(b->board);
}

/* Fewest groups that together have `nodes` free, by trying every set of groups. */
static uint32_t fewest(const struct bench *b, uint32_t nodes)
{
    uint32_t best = MW_NONE;
    for (uint32_t set = 1; set < 1u << GROUPS; set++) {
        uint32_t room = 0;
        for (uint32_t g = 0; g < GROUPS; g++)
            room += set >> g & 1 ? b->work->gang.tier[0].group_free[g] : 0;
        if (room >= nodes)
            best = MW_MIN(best, (uint32_t)__builtin_popcount(set));
    }
    return best;
}

static void check_choice(const struct bench *b, uint32_t nodes)
{
    uint32_t chosen[NODES], touched = 0;
    uint64_t groups = 0, seen = 0;
    uint32_t said = gang_choose(b->work, nodes, chosen);
    for (uint32_t i = 0; i < nodes; i++) {
        assert_true(chosen[i] < NODES);
        assert_true(board_schedulable(b->board, chosen[i]));
        assert_false(seen >> chosen[i] & 1);
        seen |= UINT64_C(1) << chosen[i];
        groups |= UINT64_C(1) << b->group[chosen[i]];
    }
    touched = (uint32_t)__builtin_popcountll(groups);
    assert_int_equal(said, touched);
    assert_int_equal(touched, fewest(b, nodes));
    const uint32_t *free = b->work->gang.tier[0].group_free;
    for (uint32_t g = 0; touched == 1 && g < GROUPS; g++) /* the tightest group that fits */
        assert_true(free[g] < nodes || free[g] >= free[b->group[chosen[0]]]);
}

static void a_gang_touches_as_few_groups_as_it_can(void **state)
{
    (void)state;
    struct bench b;
    bench_make(&b);
    for (uint64_t trial = 0; trial < 3000; trial++) {
        for (uint32_t n = 0; n < NODES; n++) {
            bool ready = mw_random_below(mw_random_u64(1, trial, 1, n), 100) < 20 + trial % 80;
            b.board->node_health[n] = ready ? HEALTH_READY : HEALTH_DOWN;
            gang_refresh(b.work, n);
        }
        for (uint32_t nodes = 1; nodes <= b.work->free_total; nodes++)
            check_choice(&b, nodes);
    }
    bench_free(&b);
}

static void the_index_of_free_nodes_can_be_made_again(void **state)
{
    (void)state;
    struct bench b;
    bench_make(&b);
    for (uint32_t n = 0; n < NODES; n += 3)
        b.board->node_health[n] = HEALTH_READY;
    b.board->node_holds[3] = 1;
    gang_rebuild(b.work);
    assert_int_equal(work_free_nodes(b.work), 6);
    assert_int_equal(b.work->gang.tier[0].group_free[0], 1); /* nodes 0 and 3: 3 is held */
    b.board->node_holds[3] = 0;
    gang_refresh(b.work, 3);
    gang_refresh(b.work, 3);
    assert_int_equal(b.work->gang.tier[0].group_free[0], 2);
    bench_free(&b);
}

/* A waiting job in a row of the board. */
static void wait_in(struct bench *b, uint32_t slot, uint64_t seq, uint8_t priority,
                    uint32_t attempt)
{
    b->board->jobs_used = MW_MAX(b->board->jobs_used, slot + 1);
    b->board->job_id[slot] = slot + 1;
    b->board->job_submit_seq[slot] = seq;
    b->board->job_priority[slot] = priority;
    b->board->job_attempt[slot] = attempt;
    b->board->job_nodes[slot] = 1;
    queue_insert(b->work, slot);
}

static void the_queue_is_in_order_of_arrival_whatever_comes_and_goes(void **state)
{
    (void)state;
    struct bench b;
    bench_make(&b);
    bool in[16] = { false };
    for (uint64_t step = 0; step < 20000; step++) {
        uint32_t slot = (uint32_t)mw_random_below(mw_random_u64(2, step, 1, 0), 16);
        if (in[slot])
            queue_remove(b.work, slot);
        else if (step % 2) /* a restarted job: any place in the order; else the youngest */
            wait_in(&b, slot, mw_random_below(mw_random_u64(2, step, 2, 0), step + 1) * 16 + slot,
                    (uint8_t)(slot % 3), 1);
        else
            wait_in(&b, slot, (step + 1) * 16 + slot, (uint8_t)(slot % 3), 0);
        in[slot] = !in[slot];
        uint32_t length = 0;
        for (uint32_t p = 0; p < BOARD_PRIORITIES; p++) {
            uint32_t before = MW_NONE;
            for (uint32_t s = b.work->queue_first[p]; s != MW_NONE; s = b.work->queue_next[s]) {
                assert_true(in[s] && b.board->job_priority[s] == p);
                assert_int_equal(b.work->queue_prev[s], before);
                assert_true(before == MW_NONE ||
                            b.board->job_submit_seq[before] < b.board->job_submit_seq[s]);
                before = s;
                length++;
            }
            assert_int_equal(b.work->queue_last[p], before);
        }
        assert_int_equal(length, work_queued(b.work));
    }
    bench_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_interval_is_the_root_of_twice_the_write_time_over_the_failure_rate),
        cmocka_unit_test(the_interval_keeps_to_its_bounds_and_the_policy_may_fix_it),
        cmocka_unit_test(a_gang_touches_as_few_groups_as_it_can),
        cmocka_unit_test(the_index_of_free_nodes_can_be_made_again),
        cmocka_unit_test(the_queue_is_in_order_of_arrival_whatever_comes_and_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
