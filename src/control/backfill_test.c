/* Reservations and quotas: who passes whom, and nobody is passed for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "control/rig_again.h"
#include "control/rig_jobs.h"

#define NODES 8
#define HOUR MW_MS_PER_HOUR
#define MIN MW_MS_PER_MIN

static struct control_policy policy(void)
{
    struct control_policy p = rig_policy();
    p.work.backfill = true;
    p.work.rate_per_1e9_node_hours = 0; /* no checkpoints: a job takes its work */
    return p;
}

static void ask(struct rig_jobs *j, uint64_t job, uint32_t nodes, int64_t work_ms)
{
    rig_jobs_ask(j, (struct rig_ask){ .job = job, .nodes = nodes, .work_ms = work_ms,
                                       .tenant = 1 });
}

static int64_t ms_after_start(const struct rig_jobs *j, int64_t ms)
{
    (void)j;
    return mw_ms(RIG_START_NS) + ms;
}

static void a_blocked_job_is_passed_by_what_ends_before_its_reservation(void **state)
{
    (void)state;
    struct control_policy p = policy();
    struct rig_jobs *j = &(struct rig_jobs){ 0 };
    struct rig *r = rig_jobs_make(j, NODES, &p);
    ask(j, 1, 6, 10 * HOUR);
    rig_jobs_run(j, RIG_SECOND);
    ask(j, 2, 8, HOUR);        /* has to wait for job 1 */
    ask(j, 3, 2, 11 * HOUR);   /* would delay it */
    ask(j, 4, 2, 9 * HOUR);    /* would not */
    rig_jobs_run(j, RIG_SECOND);
    assert_true(rig_jobs_runs(j, 1) && rig_jobs_runs(j, 4) &&
                !rig_jobs_runs(j, 2) && !rig_jobs_runs(j, 3));
    uint64_t job = 0;
    int64_t at_ms = 0;
    uint32_t nodes = 0;
    assert_true(work_reservation(r->control->work, &job, &at_ms, &nodes));
    assert_int_equal(job, 2);
    assert_int_equal(nodes, 8);
    assert_int_equal(at_ms, ms_after_start(j, 10 * HOUR));
    struct work_why why = work_why_waiting(r->control->work, 3);
    assert_int_equal(why.why, WAIT_NODES); /* job 4 took what it would have passed with */
    why = work_why_waiting(r->control->work, 2);
    assert_int_equal(why.why, WAIT_NODES);
    assert_int_equal(why.at_ms, at_ms);
    rig_jobs_run(j, 9 * RIG_HOUR + RIG_MINUTE);
    why = work_why_waiting(r->control->work, 3);
    assert_int_equal(why.why, WAIT_TURN);
    assert_int_equal(why.behind, 2);
    assert_int_equal(why.at_ms, at_ms);
    rig_jobs_run(j, RIG_HOUR);
    assert_true(rig_jobs_runs(j, 2));
    rig_jobs_run(j, 40 * RIG_HOUR);
    assert_int_equal(rig_jobs_left(j), 0);
    assert_true(j->first_ms[2] - at_ms <= p.work.pulse_ms);
    assert_true(j->first_ms[3] > j->first_ms[2]);
    rig_check_again(r);
    rig_free(r);
}

static void a_long_job_may_pass_on_nodes_that_the_blocked_one_leaves_over(void **state)
{
    (void)state;
    struct control_policy p = policy();
    struct rig_jobs *j = &(struct rig_jobs){ 0 };
    struct rig *r = rig_jobs_make(j, NODES, &p);
    ask(j, 1, 5, 10 * HOUR);
    rig_jobs_run(j, RIG_SECOND);
    ask(j, 2, 6, HOUR);       /* leaves two of eight over */
    ask(j, 3, 1, 100 * HOUR);
    ask(j, 4, 1, 100 * HOUR);
    ask(j, 5, 1, 100 * HOUR); /* one too many */
    rig_jobs_run(j, RIG_SECOND);
    assert_true(rig_jobs_runs(j, 3) && rig_jobs_runs(j, 4) && !rig_jobs_runs(j, 5));
    assert_int_equal(work_why_waiting(r->control->work, 5).why, WAIT_TURN);
    rig_jobs_run(j, 10 * RIG_HOUR);
    assert_true(rig_jobs_runs(j, 2));
    rig_check_again(r);
    rig_free(r);
}

static void without_backfill_nobody_passes(void **state)
{
    (void)state;
    struct control_policy p = policy();
    p.work.backfill = false;
    struct rig_jobs *j = &(struct rig_jobs){ 0 };
    struct rig *r = rig_jobs_make(j, NODES, &p);
    ask(j, 1, 6, 10 * HOUR);
    ask(j, 2, 8, HOUR);
    ask(j, 4, 2, HOUR);
    rig_jobs_run(j, RIG_SECOND);
    assert_true(rig_jobs_runs(j, 1) && !rig_jobs_runs(j, 2) && !rig_jobs_runs(j, 4));
    assert_int_equal(work_why_waiting(r->control->work, 4).why, WAIT_TURN);
    assert_int_equal(work_why_waiting(r->control->work, 4).behind, 2);
    uint64_t job;
    int64_t at_ms;
    uint32_t nodes;
    assert_false(work_reservation(r->control->work, &job, &at_ms, &nodes));
    rig_free(r);
}

/* The end that is expected has the checkpoints and the restart in it. */
static void the_end_of_an_attempt_is_known_to_the_millisecond(void **state)
{
    (void)state;
    struct control_policy p = policy();
    p.work.interval_ms = HOUR;
    struct rig_jobs *j = &(struct rig_jobs){ 0 };
    struct rig *r = rig_jobs_make(j, NODES, &p);
    rig_jobs_ask(j, (struct rig_ask){ .job = 1, .nodes = 8, .work_ms = 5 * HOUR,
                                       .restart_ms = 7 * MIN, .write_ms = 2 * MIN });
    rig_jobs_ask(j, (struct rig_ask){ .job = 2, .nodes = 8, .work_ms = HOUR });
    uint64_t job = 0;
    int64_t at_ms = 0;
    uint32_t nodes = 0;
    for (uint32_t i = 0; i < 4; i++) {
        rig_jobs_run(j, 37 * RIG_MINUTE);
        if (i == 2) /* in the middle of its work */
            assert_int_equal(rig_progress(r, 1, 104 * MIN - 2 * MIN, HOUR, 2 * MIN), ADMIT_OK);
        assert_true(work_reservation(r->control->work, &job, &at_ms, &nodes));
        assert_int_equal(at_ms, ms_after_start(j, 5 * HOUR + 7 * MIN + 4 * 2 * MIN));
    }
    rig_jobs_run(j, 4 * RIG_HOUR);
    assert_int_equal(rig_jobs_left(j), 0);
    assert_int_equal(j->first_ms[2], at_ms);
    rig_check_again(r);
    rig_free(r);
}

static void a_report_of_a_slowed_job_moves_the_reservation(void **state)
{
    (void)state;
    struct control_policy p = policy();
    struct rig_jobs *j = &(struct rig_jobs){ 0 };
    struct rig *r = rig_jobs_make(j, NODES, &p);
    ask(j, 1, 8, 10 * HOUR);
    ask(j, 2, 8, HOUR);
    rig_jobs_run(j, 4 * RIG_HOUR);
    assert_int_equal(rig_progress(r, 1, 2 * HOUR, 0, 0), ADMIT_OK);
    uint64_t job = 0;
    int64_t at_ms = 0;
    uint32_t nodes = 0;
    assert_true(work_reservation(r->control->work, &job, &at_ms, &nodes));
    assert_int_equal(at_ms, ms_after_start(j, 12 * HOUR));
    rig_free(r);
}

static void an_attempt_past_its_end_is_expected_to_take_a_minute_more(void **state)
{
    (void)state;
    struct control_policy p = policy();
    struct rig *r = rig_make(NODES, &p);
    struct event ev = rig_job_event(1, 6, 0);
    ev.body.job.work_ms = HOUR;
    ev.body.job.restart_ms = 0;
    assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_OK);
    ev.body.job.job = 2;
    ev.body.job.nodes = 8;
    ev.body.job.gpus = 64;
    assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    assert_int_equal(rig_running(r, 1, 0), ADMIT_OK);
    rig_wait(r, 3 * RIG_HOUR);
    assert_int_equal(rig_job(r, 3, 1, 0), ADMIT_OK); /* far too long to pass */
    rig_wait(r, RIG_SECOND);
    uint64_t job = 0;
    int64_t at_ms = 0;
    uint32_t nodes = 0;
    assert_true(work_reservation(r->control->work, &job, &at_ms, &nodes));
    assert_int_equal(job, 2);
    /* as of the last event, which work heard of when the queue was looked at */
    assert_true(at_ms - mw_ms(r->now_ns) <= MIN && at_ms - mw_ms(r->now_ns) >= MIN - 1000);
    assert_int_equal(rig_count(r, EV_ATTEMPT_PLACED), 1);
    rig_free(r);
}

static void a_tenant_at_its_quota_waits_and_holds_nobody_back(void **state)
{
    (void)state;
    struct control_policy p = policy();
    p.work.quota[0] = (struct work_quota){ .tenant = 5, .gpus = 24 };
    p.work.quotas = 1;
    struct rig_jobs *j = &(struct rig_jobs){ 0 };
    struct rig *r = rig_jobs_make(j, NODES, &p);
    for (uint64_t job = 1; job <= 3; job++)
        rig_jobs_ask(j, (struct rig_ask){ .job = job, .nodes = 2, .tenant = 5,
                                           .work_ms = 2 * HOUR });
    ask(j, 4, 6, HOUR);
    rig_jobs_run(j, RIG_SECOND);
    assert_true(rig_jobs_runs(j, 1) && !rig_jobs_runs(j, 2) &&
                !rig_jobs_runs(j, 3) && rig_jobs_runs(j, 4));
    struct work_why why = work_why_waiting(r->control->work, 2);
    assert_int_equal(why.why, WAIT_QUOTA);
    assert_int_equal(why.used_gpus, 16);
    assert_int_equal(why.quota_gpus, 24);
    rig_jobs_ask(j, (struct rig_ask){ .job = 5, .nodes = 4, .tenant = 5, .work_ms = HOUR,
                                       .flags = JOB_INTERRUPTIBLE });
    rig_jobs_run(j, RIG_HOUR);
    /* beyond the quota: it may be interrupted */
    assert_true(rig_jobs_runs(j, 5) && !rig_jobs_runs(j, 2));
    rig_jobs_run(j, 10 * RIG_HOUR);
    assert_int_equal(rig_jobs_left(j), 0);
    rig_check_again(r);
    rig_free(r);
}

/* ---- a story -------------------------------------------------------------------------------- */

struct story {
    int64_t promised_ms[RIG_JOBS_MAX + 1]; /* its first reservation; 0 = never had one */
    uint32_t promises;
};

static void note_promise(struct rig_jobs *j)
{
    struct story *s = j->ctx;
    uint64_t job = 0;
    int64_t at_ms = 0;
    uint32_t nodes = 0;
    if (!work_reservation(j->r->control->work, &job, &at_ms, &nodes) || at_ms == MW_NEVER ||
        s->promised_ms[job])
        return;
    s->promised_ms[job] = at_ms;
    s->promises++;
}

static void with_exact_ends_no_blocked_job_starts_later_than_it_was_first_promised(void **state)
{
    (void)state;
    struct control_policy p = policy();
    uint32_t promises = 0, passed = 0;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct story story = { 0 };
        struct rig_jobs *j = &(struct rig_jobs){ 0 };
        p.work.interval_ms = seed % 2 ? 45 * MIN : 0;
        struct rig *r = rig_jobs_make(j, 16, &p);
        j->each = note_promise;
        j->ctx = &story;
        for (uint64_t job = 1; job <= 120; job++) {
            bool large = rig_draw(seed, job, 1, 8) == 0;
            rig_jobs_ask(j, (struct rig_ask){
                .job = job, .nodes = 1 + (uint32_t)rig_draw(seed, job, 2, large ? 16 : 4),
                .work_ms = MIN * (1 + (int64_t)rig_draw(seed, job, 3, 600)),
                .restart_ms = (int64_t)rig_draw(seed, job, 4, 10 * MIN),
                .write_ms = (int64_t)rig_draw(seed, job, 5, 3 * MIN) });
            rig_jobs_run(j, (int64_t)rig_draw(seed, job, 6, 20) * RIG_MINUTE);
        }
        rig_jobs_run(j, 400 * RIG_HOUR);
        assert_int_equal(rig_jobs_left(j), 0);
        for (uint64_t job = 1; job <= 120; job++) {
            passed += job > 1 && j->first_ms[job] < j->first_ms[job - 1];
            if (story.promised_ms[job] &&
                j->first_ms[job] > story.promised_ms[job] + p.work.pulse_ms)
                fail_msg("seed %u: job %u was promised %lld and started %lld", (unsigned)seed,
                         (unsigned)job, (long long)story.promised_ms[job],
                         (long long)j->first_ms[job]);
        }
        promises += story.promises;
        if (seed <= 4)
            rig_check_again(r);
        rig_free(r);
    }
    assert_true(promises > 100 && passed > 100); /* it was no idle site */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_blocked_job_is_passed_by_what_ends_before_its_reservation),
        cmocka_unit_test(a_long_job_may_pass_on_nodes_that_the_blocked_one_leaves_over),
        cmocka_unit_test(without_backfill_nobody_passes),
        cmocka_unit_test(the_end_of_an_attempt_is_known_to_the_millisecond),
        cmocka_unit_test(a_report_of_a_slowed_job_moves_the_reservation),
        cmocka_unit_test(an_attempt_past_its_end_is_expected_to_take_a_minute_more),
        cmocka_unit_test(a_tenant_at_its_quota_waits_and_holds_nobody_back),
        cmocka_unit_test(with_exact_ends_no_blocked_job_starts_later_than_it_was_first_promised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
