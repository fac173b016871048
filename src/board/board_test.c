/* The board's rows and the table of node life. */
#include "board/board.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "fleet/site.h"

static struct fleet *fleet;

static struct board *make(uint32_t jobs_max, uint32_t incidents_max)
{
    struct board *b = NULL;
    const struct board_options o = { .jobs_max = jobs_max, .incidents_max = incidents_max };
    assert_int_equal(board_create(fleet, &o, &b), 0);
    return b;
}

static uint32_t submit(struct board *b, uint64_t seq, uint64_t job, enum admit want)
{
    struct plane p = board_plane(b);
    struct event ev = { .kind = EV_JOB_SUBMITTED, .seq = seq, .time_ns = 5000000, .tenant = 3 };
    ev.body.job = (struct body_job){ .job = job, .work_ms = 1, .gpus = 8, .nodes = 1 };
    assert_int_equal(p.admit(b, &ev, NULL), want);
    if (want != ADMIT_OK)
        return MW_NONE;
    assert_int_equal(p.apply(b, &ev, NULL), 0);
    return board_job_find(b, job);
}

static uint8_t incident(struct board *b, uint64_t seq, uint32_t slot)
{
    struct event ev = { .kind = EV_INCIDENT_OPENED, .seq = seq };
    ev.body.incident.slot = slot;
    ev.body.incident.node = MW_NONE;
    return board_plane(b).apply(b, &ev, NULL);
}

static uint8_t over(struct board *b, uint64_t id, uint32_t slot)
{
    struct event ev = { .kind = EV_INCIDENT_CLOSED, .seq = id + 1000 };
    ev.body.incident.slot = slot;
    ev.body.incident.incident = id;
    return board_plane(b).apply(b, &ev, NULL);
}

static void a_job_gets_a_row_and_the_row_is_used_again(void **state)
{
    (void)state;
    struct board *b = make(3, 0);
    uint32_t one = submit(b, 1, 100, ADMIT_OK), two = submit(b, 2, 200, ADMIT_OK);
    assert_int_not_equal(one, two);
    assert_int_equal(b->job_id[two], 200);
    assert_int_equal(b->job_submit_seq[two], 2);
    assert_int_equal(b->job_submit_ms[two], 5);
    assert_int_equal(b->job_tenant[two], 3);
    submit(b, 3, 200, ADMIT_DUPLICATE);
    submit(b, 3, 300, ADMIT_OK);
    submit(b, 4, 400, ADMIT_FULL);
    b->job_saved_ms[one] = 77; /* of the job before */
    board_job_release(b, one);
    assert_int_equal(board_job_find(b, 100), MW_NONE);
    assert_int_equal(submit(b, 5, 400, ADMIT_OK), one);
    assert_int_equal(b->job_saved_ms[one], 0);
    assert_int_equal(b->job_incident_slot[one], MW_NONE);
    assert_false(board_attempt_is(b, one, 100, 0));
    assert_true(board_attempt_is(b, one, 400, 0));
    board_destroy(b);
}

static void the_index_can_be_made_again(void **state)
{
    (void)state;
    struct board *b = make(16, 0);
    for (uint64_t j = 1; j <= 10; j++)
        submit(b, j, j * 7, ADMIT_OK);
    board_job_release(b, board_job_find(b, 21));
    map_clear(&b->job_index);
    board_plane(b).rebuild(b);
    for (uint64_t j = 1; j <= 10; j++)
        assert_int_equal(board_job_find(b, j * 7), j == 3 ? MW_NONE : (uint32_t)j - 1);
    board_destroy(b);
}

static void incident_rows_are_given_in_a_stated_order(void **state)
{
    (void)state;
    struct board *b = make(0, 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(board_incident_next(b), i);
        assert_int_equal(incident(b, 10 + i, i), 0);
    }
    assert_int_equal(board_incident_next(b), MW_NONE);
    assert_int_not_equal(incident(b, 20, 3), 0);
    assert_int_equal(over(b, 10, 0), 0);
    assert_int_equal(over(b, 12, 2), 0);
    assert_int_not_equal(over(b, 12, 2), 0);  /* over already */
    assert_int_not_equal(over(b, 999, 1), 0); /* another one's row */
    assert_int_equal(b->incidents_live, 1);
    assert_int_equal(board_incident_next(b), 2); /* the last one freed */
    assert_int_not_equal(incident(b, 30, 0), 0);
    assert_int_equal(incident(b, 31, 2), 0);
    assert_int_equal(board_incident_next(b), 0);
    board_destroy(b);
}

static void only_ranges_that_exist_are_adopted(void **state)
{
    (void)state;
    struct board *b = make(0, 0);
    struct event ev = { .kind = EV_NODES_ADOPTED };
    const struct {
        uint32_t first, count;
        uint8_t health;
        enum admit want;
    } c[] = { { 0, 8, HEALTH_READY, ADMIT_OK }, { 7, 1, HEALTH_RACKED, ADMIT_OK },
              { 7, 2, HEALTH_READY, ADMIT_IMPOSSIBLE }, { 8, 1, HEALTH_READY, ADMIT_IMPOSSIBLE },
              { 1, UINT32_MAX, HEALTH_READY, ADMIT_IMPOSSIBLE },
              { 0, 8, HEALTH_COUNT, ADMIT_IMPOSSIBLE } };
    for (uint32_t i = 0; i < MW_ARRAY_LEN(c); i++) {
        ev.body.adopt = (struct body_adopt){ .first = c[i].first, .count = c[i].count,
                                             .health = c[i].health };
        assert_int_equal(board_plane(b).admit(b, &ev, NULL), c[i].want);
    }
    board_destroy(b);
}

static void a_node_is_schedulable_when_ready_and_held_by_nobody_and_free(void **state)
{
    (void)state;
    struct board *b = make(0, 0);
    for (uint32_t h = 0; h < HEALTH_COUNT; h++) {
        b->node_health[1] = (uint8_t)h;
        assert_int_equal(board_schedulable(b, 1), h == HEALTH_READY);
    }
    b->node_health[1] = HEALTH_READY;
    b->node_holds[1] = 1;
    assert_false(board_schedulable(b, 1));
    b->node_holds[1] = 0;
    b->node_job[1] = 0;
    assert_false(board_schedulable(b, 1));
    board_destroy(b);
}

static void nothing_becomes_ready_but_by_the_gate_and_nothing_leaves_retirement(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < HEALTH_COUNT; h++) {
        assert_false(health_may_move(h, h));
        assert_false(health_may_move(HEALTH_RETIRED, h));
        bool may = h == HEALTH_VALIDATING || h == HEALTH_PROBATION || h == HEALTH_SUSPECT ||
                   h == HEALTH_SANITISING;
        assert_int_equal(health_may_move(h, HEALTH_READY), may);
        assert_string_not_equal(health_name(h), "unknown");
    }
    assert_false(health_may_move(HEALTH_DOWN, HEALTH_READY));
    assert_false(health_may_move(HEALTH_REPAIRING, HEALTH_PROBATION));
    assert_string_equal(health_name(HEALTH_COUNT), "unknown");
}

static void what_a_job_would_lose_follows_its_cadence(void **state)
{
    (void)state;
    struct board *b = make(3, 0);
    uint32_t slot = submit(b, 1, 100, ADMIT_OK);
    b->job_interval_ms[slot] = 90;
    b->job_write_ms[slot] = 10;
    assert_int_equal(board_job_unsaved_ms(b, slot, 5000), 0); /* it does not work yet */
    assert_int_equal(board_job_checkpoint_in_ms(b, slot, 5000), 0);
    b->job_ready_ms[slot] = 1000;
    b->job_state[slot] = JOB_RUNNING;
    assert_int_equal(board_job_unsaved_ms(b, slot, 1030), 30);
    assert_int_equal(board_job_checkpoint_in_ms(b, slot, 1030), 70);
    assert_int_equal(board_job_unsaved_ms(b, slot, 1095), 95); /* it is being written */
    assert_int_equal(board_job_unsaved_ms(b, slot, 1100), 0);
    assert_int_equal(board_job_checkpoint_in_ms(b, slot, 1100), 100);
    b->job_interval_ms[slot] = 0; /* it writes none: everything since its start */
    assert_int_equal(board_job_unsaved_ms(b, slot, 9000), 8000);
    assert_int_equal(board_job_checkpoint_in_ms(b, slot, 9000), 0);
    board_destroy(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_gets_a_row_and_the_row_is_used_again),
        cmocka_unit_test(the_index_can_be_made_again),
        cmocka_unit_test(incident_rows_are_given_in_a_stated_order),
        cmocka_unit_test(only_ranges_that_exist_are_adopted),
        cmocka_unit_test(a_node_is_schedulable_when_ready_and_held_by_nobody_and_free),
        cmocka_unit_test(what_a_job_would_lose_follows_its_cadence),
        cmocka_unit_test(nothing_becomes_ready_but_by_the_gate_and_nothing_leaves_retirement),
    };
    if (site_simple(8, &fleet, NULL) < 0)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fleet_destroy(fleet);
    return failed;
}
