/*
 * The adapter's polls over a port that is played by hand: what the real Slurm
 * does only once in a long while (silence, cut answers) and what takes minutes.
 */
#include "live/slurm_bench_test.h"

static void a_slow_slurmctld_has_one_poll_at_a_time_and_then_some_rest(void **state)
{
    struct world *w = *state;
    w->silent = true;
    pass(w, 5000); /* it takes five seconds to answer */
    assert_int_equal(w->calls, 2);
    w->silent = false;
    pass(w, 10);
    w->silent = true;
    pass(w, 10000);
    assert_int_equal(w->calls, 0); /* three quarters of the time are others' */
    pass(w, 11000);
    assert_int_equal(w->calls, 2);
}

static void silence_is_one_finding_on_the_site_and_nothing_else(void **state)
{
    struct world *w = *state;
    w->jobs = JOB_LINE(7, "RUNNING", "n[1-2]", 0, "1700000000");
    pass(w, 3000);
    assert_int_equal(w->kinds[EV_ATTEMPT_RUNNING], 1);
    clear(w);
    w->silent = true;
    for (int i = 0; i < 40; i++) {
        pass(w, 1000);
        time_out_all(w);
    }
    assert_int_equal(w->kinds[EV_FINDING_OPENED], 1);
    const struct body_finding *f = &w->last[EV_FINDING_OPENED].body.finding;
    assert_int_equal(f->component, component_id(COMPONENT_SITE, 0));
    assert_int_equal(f->node, MW_NONE);
    assert_int_equal(f->class, LIVE_ENGINE_SILENT);
    assert_int_equal(f->finding, SLURM_FINDING_SILENT);
    assert_int_equal(w->kinds[EV_ATTEMPT_ENDED] + w->kinds[EV_NODE_MOVED], 0);
    w->silent = false;
    pass(w, 6000);
    assert_int_equal(w->kinds[EV_FINDING_CLOSED], 1);
    assert_int_equal(w->kinds[EV_ATTEMPT_ENDED] + w->kinds[EV_NODE_MOVED], 0);
}

static void an_answer_that_is_cut_short_ends_no_job(void **state)
{
    struct world *w = *state;
    w->jobs = JOB_LINE(7, "RUNNING", "n[1-2]", 0, "1700000000");
    pass(w, 3000);
    clear(w);
    w->jobs = "";
    w->nodes = "idle" S "Unknown" S "Unknown" S "n[1-8]" S "none"; /* no end mark */
    pass(w, 5000);
    assert_int_equal(w->kinds[EV_ATTEMPT_ENDED], 0);
    assert_true(slurm_stats(w->slurm).polls_failed > 0);
    w->nodes = IDLE;
    w->jobs = "8" S "rubbish#"; /* a record that cannot be read may be anyone's */
    pass(w, 8000);
    assert_int_equal(w->kinds[EV_ATTEMPT_ENDED], 0);
    assert_true(slurm_stats(w->slurm).lines_bad > 0);
    w->jobs = "";
    pass(w, 8000);
    assert_int_equal(w->kinds[EV_ATTEMPT_ENDED], 1);
    assert_int_equal(w->last[EV_ATTEMPT_ENDED].body.progress.how, HOW_UNKNOWN);
}

static void two_records_of_one_job_are_not_believed(void **state)
{
    struct world *w = *state;
    w->jobs = JOB_LINE(7, "RUNNING", "n[1-2]", 0, "1700000000")
              JOB_LINE(7, "COMPLETED", "n[1-2]", 0, "1700000000");
    pass(w, 2000);
    assert_int_equal(w->kinds[EV_ATTEMPT_ENDED], 0);
    assert_true(slurm_stats(w->slurm).lines_bad > 0);
}

static void an_answer_that_is_the_same_is_counted_and_said_once(void **state)
{
    struct world *w = *state;
    w->jobs = JOB_LINE(7, "RUNNING", "n[1-2]", 0, "1700000000");
    w->nodes = "idle+drain" S "eve" S "1700000000" S "n[3,5]" S "fan#"
               "idle" S "Unknown" S "Unknown" S "n[1-2,4,6-8]" S "none#";
    pass(w, 20000);
    assert_int_equal(w->kinds[EV_NODE_REPORTED], 2);
    assert_string_equal(w->last_tail[EV_NODE_REPORTED], "eve: fan");
    assert_int_equal(w->kinds[EV_JOB_SUBMITTED], 1);
    assert_string_equal(w->last_tail[EV_JOB_SUBMITTED], "train");
    assert_int_equal(w->kinds[EV_ATTEMPT_RUNNING], 1);
    struct slurm_stats s = slurm_stats(w->slurm);
    assert_int_equal(s.polls_unchanged, s.polls - 1);
}

static void a_slurmctld_that_has_just_started_knows_nothing_of_nodes(void **state)
{
    struct world *w = *state;
    pass(w, 2000);
    clear(w);
    w->nodes = "unknown" S "Unknown" S "Unknown" S "n[1-8]" S "none#";
    pass(w, 5000);
    assert_int_equal(w->kinds[EV_NODE_REPORTED] + w->kinds[EV_FINDING_OPENED] +
                     w->kinds[EV_NODES_ADOPTED], 0);
}

static void nodes_and_jobs_that_the_site_lacks_are_counted(void **state)
{
    struct world *w = *state;
    w->nodes = "idle" S "Unknown" S "Unknown" S "n[1-8],x[1-3]" S "none#";
    w->jobs = JOB_LINE(7, "RUNNING", "x[1-2]", 0, "1700000000");
    pass(w, 2000);
    assert_int_equal(slurm_stats(w->slurm).nodes_unknown, 3);
    assert_int_equal(slurm_stats(w->slurm).jobs_refused, 1);
    assert_int_equal(w->kinds[EV_ATTEMPT_ALLOCATED], 0);
}

static void nodes_come_in_the_order_of_the_site_whatever_the_list_says(void **state)
{
    struct world *w = *state;
    w->jobs = JOB_LINE(7, "RUNNING", "n8,n[3,1],n3", 0, "1700000000");
    pass(w, 2000);
    assert_int_equal(w->kinds[EV_ATTEMPT_ALLOCATED], 1);
    assert_int_equal(w->last[EV_ATTEMPT_ALLOCATED].body.place.nodes, 3);
    const uint32_t *node = (const uint32_t *)(const void *)w->last_tail[EV_ATTEMPT_ALLOCATED];
    assert_int_equal(node[0], 0);
    assert_int_equal(node[1], 2);
    assert_int_equal(node[2], 7);
}

static void jobs_over_before_we_looked_are_left_out(void **state)
{
    struct world *w = *state;
    w->jobs = JOB_LINE(5, "COMPLETED", "n1", 0, "1600000000");
    w->now_ns += MW_NS_PER_MIN; /* submitted a minute ago */
    pass(w, 3000);
    assert_int_equal(w->kinds[EV_JOB_SUBMITTED], 0);
}

static void a_restart_between_two_polls_is_told_by_its_count(void **state)
{
    struct world *w = *state;
    w->jobs = JOB_LINE(7, "RUNNING", "n[1-2]", 3, "1700000000");
    pass(w, 2000);
    assert_int_equal(w->last[EV_JOB_SUBMITTED].body.job.category, 3);
    w->jobs = JOB_LINE(7, "RUNNING", "n[1-2]", 4, "1700000001"); /* on the same nodes */
    pass(w, 2000);
    assert_int_equal(w->kinds[EV_ATTEMPT_ENDED], 1);
    assert_int_equal(w->kinds[EV_ATTEMPT_ALLOCATED], 2);
    assert_int_equal(w->last[EV_ATTEMPT_RUNNING].body.running.attempt, 2);
}

/* ---- orders --------------------------------------------------------------------------------- */

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAYED_TEST(a_slow_slurmctld_has_one_poll_at_a_time_and_then_some_rest),
        PLAYED_TEST(silence_is_one_finding_on_the_site_and_nothing_else),
        PLAYED_TEST(an_answer_that_is_cut_short_ends_no_job),
        PLAYED_TEST(two_records_of_one_job_are_not_believed),
        PLAYED_TEST(an_answer_that_is_the_same_is_counted_and_said_once),
        PLAYED_TEST(a_slurmctld_that_has_just_started_knows_nothing_of_nodes),
        PLAYED_TEST(nodes_and_jobs_that_the_site_lacks_are_counted),
        PLAYED_TEST(nodes_come_in_the_order_of_the_site_whatever_the_list_says),
        PLAYED_TEST(jobs_over_before_we_looked_are_left_out),
        PLAYED_TEST(a_restart_between_two_polls_is_told_by_its_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
