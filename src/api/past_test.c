/* What has left the state is found in the record, read on piece by piece as well as at once. */
#include "api/past.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "api/lists_testing.h"
#include "control/rig_jobs.h"

static const struct past_job *job(const struct looking *l, uint64_t number)
{
    const struct past_job *j = past_job_find(l->past, number);
    assert_non_null(j);
    return j;
}

static void jobs_are_over_as_the_state_says(void **state)
{
    (void)state;
    struct control_policy p = rig_policy();
    struct rig *r = rig_make(8, &p);
    struct looking l;
    looking_begin(&l, r);
    for (uint64_t n = 1; n <= 5; n++)
        assert_int_equal(rig_job(r, n, 1, 0), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    for (uint64_t n = 1; n <= 4; n++)
        assert_int_equal(rig_running(r, n, 0), ADMIT_OK);
    looking_again(&l);
    assert_int_equal(job(&l, 1)->state, PAST_JOB_LIVES);
    assert_int_equal(rig_ended(r, 1, HOW_DONE, 3600000, 3600000, 0), ADMIT_OK);
    assert_int_equal(rig_ended(r, 2, HOW_FAILED, 1000, 0, 0), ADMIT_OK); /* its own error */
    assert_int_equal(rig_cancel(r, 5), ADMIT_OK);
    assert_int_equal(rig_cancel(r, 4), ADMIT_OK);
    assert_int_equal(rig_ended(r, 4, HOW_STOPPED, 2000, 0, 0), ADMIT_OK);
    looking_again(&l);
    for (uint64_t n = 1; n <= 5; n++) {
        bool lives = board_job_find(r->control->board, n) != MW_NONE;
        assert_int_equal(job(&l, n)->state == PAST_JOB_LIVES, lives);
    }
    assert_int_equal(job(&l, 1)->state, PAST_JOB_DONE);
    assert_int_equal(job(&l, 1)->progress_ms, 3600000);
    assert_int_equal(job(&l, 2)->state, PAST_JOB_FAILED);
    assert_int_equal(job(&l, 3)->state, PAST_JOB_LIVES);
    assert_int_equal(job(&l, 4)->state, PAST_JOB_CANCELLED);
    assert_null(past_job_find(l.past, 99));
    looking_end(&l);
    rig_free(r);
}

/* A job that a fault stopped is put back: it is not over. */
static void a_job_that_a_fault_ended_lives_on(void **state)
{
    (void)state;
    struct control_policy p = rig_policy();
    struct rig *r = rig_make(8, &p);
    struct looking l;
    looking_begin(&l, r);
    assert_int_equal(rig_job(r, 1, 1, 0), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    assert_int_equal(rig_running(r, 1, 0), ADMIT_OK);
    uint32_t node = r->control->board->job_first_node[rig_slot(r, 1)];
    rig_finding(r, node, RIG_KILLS);
    rig_wait(r, RIG_SECOND);
    assert_int_equal(rig_ended(r, 1, HOW_STOPPED, 1000, 0, 0), ADMIT_OK);
    looking_again(&l);
    assert_int_equal(job(&l, 1)->state, PAST_JOB_LIVES);
    assert_true(board_job_find(r->control->board, 1) != MW_NONE);
    looking_end(&l);
    rig_free(r);
}

static void a_closed_incident_is_remembered_with_what_it_cost(void **state)
{
    (void)state;
    struct control_policy p = rig_policy();
    struct rig *r = rig_make(8, &p);
    struct looking l;
    looking_begin(&l, r);
    uint64_t finding = rig_finding(r, 3, RIG_KILLS);
    uint64_t opened = rig_last(r, EV_INCIDENT_OPENED)->ev.seq;
    rig_wait(r, RIG_HOUR);
    rig_repair(r, 3);
    assert_int_equal(rig_closed(r, 3, finding), ADMIT_OK);
    assert_int_equal(rig_gate(r, 3, RESULT_OK), ADMIT_OK);
    rig_wait(r, 2 * RIG_HOUR);
    looking_again(&l);
    uint32_t n = 0;
    const struct past_incident *list = past_incidents(l.past, &n);
    assert_int_equal(n, 1);
    assert_int_equal(list[0].incident, opened);
    assert_int_equal(list[0].node, 3);
    assert_true(list[0].closed_ms - list[0].opened_ms >= 3600000);
    assert_int_equal(list[0].lost_gpu_ms,
                     rig_last(r, EV_INCIDENT_CLOSED)->ev.body.incident.lost_gpu_ms);
    looking_end(&l);
    rig_free(r);
}

/* Bit by bit or at once: the same. */
static void it_does_not_matter_in_how_many_pieces_the_record_is_read(void **state)
{
    (void)state;
    struct control_policy p = rig_policy();
    struct rig *r = rig_make(16, &p);
    struct looking pieces, once;
    looking_begin(&pieces, r);
    for (uint64_t n = 0; n < 3000; n++) {
        rig_chaos(r, 7, n);
        if (n % 37 == 0)
            looking_again(&pieces);
        if (n % 41 == 0)
            assert_int_equal(past_read(pieces.past, r->journal, 16, r->journal->head.seq, 5,
                                       &pieces.err), 0);
    }
    looking_again(&pieces);
    looking_begin(&once, r);
    uint32_t a = 0, b = 0;
    const struct past_job *x = past_jobs(pieces.past, &a), *y = past_jobs(once.past, &b);
    assert_int_equal(a, b);
    assert_true(a > 0);
    for (uint32_t i = 0; i < a; i++) {
        assert_true(x[i].job == y[i].job && x[i].submit_seq == y[i].submit_seq);
        assert_true(x[i].ended_seq == y[i].ended_seq && x[i].state == y[i].state);
        assert_true(x[i].progress_ms == y[i].progress_ms && x[i].attempts == y[i].attempts);
        if (y[i].state == PAST_JOB_LIVES)
            assert_ptr_equal(past_job_find(once.past, y[i].job), &y[i]);
    }
    const struct past_incident *v = past_incidents(pieces.past, &a);
    const struct past_incident *w = past_incidents(once.past, &b);
    assert_int_equal(a, b);
    assert_true(a > 0);
    for (uint32_t i = 0; i < a; i++)
        assert_true(v[i].incident == w[i].incident && v[i].closed_seq == w[i].closed_seq &&
                    v[i].lost_gpu_ms == w[i].lost_gpu_ms);
    for (uint32_t n = 0; n < 16; n++) {
        uint64_t left[PAST_NODE_EVENTS + PAST_NODE_PLACED];
        uint64_t right[PAST_NODE_EVENTS + PAST_NODE_PLACED];
        a = past_node_events(pieces.past, n, left);
        b = past_node_events(once.past, n, right);
        assert_int_equal(a, b);
        assert_memory_equal(left, right, a * sizeof(left[0]));
        for (uint32_t i = 1; i < a; i++)
            assert_true(left[i] < left[i - 1]); /* newest first, none twice */
    }
    looking_end(&once);
    looking_end(&pieces);
    rig_free(r);
}

/* A job's life as the record has it, beside the state, in a world without sense. */
static void in_a_world_without_sense_jobs_live_where_the_state_has_them(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct control_policy p = rig_policy();
        struct rig *r = rig_make(16, &p);
        struct looking l;
        looking_begin(&l, r);
        for (uint64_t n = 0; n < 1500; n++)
            rig_chaos(r, seed, n);
        looking_again(&l);
        uint32_t n = 0, lives = 0;
        const struct past_job *list = past_jobs(l.past, &n);
        for (uint32_t i = 0; i < n; i++)
            lives += list[i].state == PAST_JOB_LIVES;
        assert_int_equal(lives, r->control->board->jobs_live);
        looking_end(&l);
        rig_free(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_are_over_as_the_state_says),
        cmocka_unit_test(a_job_that_a_fault_ended_lives_on),
        cmocka_unit_test(a_closed_incident_is_remembered_with_what_it_cost),
        cmocka_unit_test(it_does_not_matter_in_how_many_pieces_the_record_is_read),
        cmocka_unit_test(in_a_world_without_sense_jobs_live_where_the_state_has_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
