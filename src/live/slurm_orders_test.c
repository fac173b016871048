/*
 * Orders to Slurm over a port that is played by hand: refusals, supersession,
 * what may go out and what may not, and in which order.
 */
#include "live/slurm_bench_test.h"

static const char OURS[] = "down+drain" S "root" S "1700000000" S "n2" S "mw:kernel 1 x#"
                           "idle" S "Unknown" S "Unknown" S "n[1,3-8]" S "none#";

static void what_is_as_ordered_already_takes_no_command(void **state)
{
    struct world *w = *state;
    pass(w, 1000);
    w->nodes = OURS;
    find(w, 1, LIVE_KERNEL);
    pass(w, 100);
    assert_int_equal(w->kinds[EV_ENGINE_ANSWERED], 1);
    assert_int_equal(answered(w)->result, RESULT_OK);
    assert_int_equal(answered(w)->order, w->last[EV_ENGINE_ANSWERED].cause);
    assert_string_equal(w->last_tail[EV_ENGINE_ANSWERED], "down+drain, root: mw:kernel 1 x");
    assert_int_equal(slurm_stats(w->slurm).pending, 0);
}

static void a_refusal_for_good_is_said_at_once(void **state)
{
    struct world *w = *state;
    pass(w, 1000);
    w->nodes = "idle" S "Unknown" S "Unknown" S "n2" S "none#";
    w->refuse = "State=DRAIN";
    w->refusal = "slurm_update error: Access/permission denied\n";
    find(w, 1, LIVE_KERNEL);
    pass(w, 1000);
    assert_int_equal(w->kinds[EV_ENGINE_ANSWERED], 1);
    assert_int_equal(answered(w)->result, RESULT_FAILED);
    assert_string_equal(w->last_tail[EV_ENGINE_ANSWERED],
                        "slurm_update error: Access/permission denied");
}

static void other_refusals_are_tried_for_ten_minutes_with_pauses(void **state)
{
    struct world *w = *state;
    pass(w, 1000);
    w->nodes = "idle" S "Unknown" S "Unknown" S "n2" S "none#";
    w->refuse = "State=DRAIN";
    w->refusal = "slurm_update error: Job/step already completing or completed\n";
    find(w, 1, LIVE_KERNEL);
    pass(w, 9 * MW_MS_PER_MIN);
    assert_int_equal(w->kinds[EV_ENGINE_ANSWERED], 0);
    assert_in_range(slurm_stats(w->slurm).retries, 50, 100);
    pass(w, 2 * MW_MS_PER_MIN);
    assert_int_equal(w->kinds[EV_ENGINE_ANSWERED], 1);
    assert_int_equal(answered(w)->result, RESULT_FAILED);
    assert_non_null(strstr(w->last_tail[EV_ENGINE_ANSWERED], "already completing"));
}

static void silence_is_no_refusal(void **state)
{
    struct world *w = *state;
    pass(w, 1000);
    w->refuse = "s";
    w->refusal = "slurm_update error: Unable to contact slurm controller (connect failure)\n";
    find(w, 1, LIVE_KERNEL);
    pass(w, 30 * MW_MS_PER_MIN);
    assert_int_equal(w->kinds[EV_ENGINE_ANSWERED], 0);
    w->refuse = NULL;
    w->nodes = OURS;
    pass(w, 20000);
    assert_int_equal(answered(w)->result, RESULT_OK);
}

static void a_newer_order_takes_the_place_of_an_older_one(void **state)
{
    struct world *w = *state;
    pass(w, 1000);
    w->silent = true;
    find(w, 1, LIVE_KERNEL);
    uint64_t first = w->last[EV_ENGINE_ORDER].seq;
    struct event again = w->last[EV_ENGINE_ORDER];
    again.seq += 1000;
    slurm_act(w->slurm, w->now_ns, &again, NULL);
    slurm_act(w->slurm, w->now_ns, &again, NULL); /* one given before is ignored */
    assert_int_equal(slurm_stats(w->slurm).pending, 2);
    pass(w, 20);
    assert_int_equal(w->kinds[EV_ENGINE_ANSWERED], 1);
    assert_int_equal(answered(w)->order, first);
    assert_int_equal(answered(w)->result, RESULT_UNKNOWN);
    assert_int_equal(slurm_stats(w->slurm).pending, 1);
}

static void a_node_that_slurm_does_not_have_is_said(void **state)
{
    struct world *w = *state;
    pass(w, 1000);
    w->nodes = "";
    find(w, 1, LIVE_KERNEL);
    pass(w, 100);
    assert_int_equal(answered(w)->result, RESULT_FAILED);
    assert_string_equal(w->last_tail[EV_ENGINE_ANSWERED], "Slurm has no node n2");
}

/* A job on n[1-2] whose node n2 goes down; Slurm has done its part. */
static void lose_a_node(struct world *w)
{
    w->jobs = JOB_LINE(7, "RUNNING", "n[1-2]", 0, "1700000000");
    pass(w, 2000);
    w->nodes = OURS;
    w->jobs = JOB_LINE(7, "PENDING", "", 1, "1700000130");
    clear(w);
}

static void the_requeue_comes_after_the_node_is_down_and_after_the_jobs_end(void **state)
{
    struct world *w = *state;
    lose_a_node(w);
    w->silent = true; /* keep what is asked */
    find(w, 1, LIVE_KERNEL);
    pass(w, 50);
    assert_int_equal(w->kinds[EV_ENGINE_ORDER], 2); /* down n2; requeue 7 */
    assert_int_equal(count_calls(w, "-j 7"), 0);
    w->silent = false;
    pass(w, 30);
    assert_int_equal(w->kinds[EV_ENGINE_ANSWERED], 1);
    assert_int_equal(answered(w)->verb, ENGINE_DOWN);
    for (int i = 0; i < 100 && answered(w)->verb != ENGINE_REQUEUE; i++)
        pass(w, 10);
    assert_int_equal(answered(w)->result, RESULT_OK);
    assert_true(w->last[EV_ATTEMPT_ENDED].seq < w->last[EV_ENGINE_ANSWERED].seq);
    assert_int_equal(w->last[EV_ATTEMPT_ENDED].body.progress.node, 1);
    assert_int_equal(w->last[EV_ATTEMPT_ENDED].body.progress.class, LIVE_KERNEL);
}

static struct event requeue_avoiding(const struct world *w)
{
    struct event ev = { .kind = EV_ENGINE_ORDER, .seq = 999, .tail_size = 8 };
    ev.body.engine = (struct body_engine){
        .job = 7, .node = 1, .slot = MW_NONE, .job_slot = board_job_find(w->control->board, 7),
        .attempt = 1, .class = LIVE_KERNEL, .verb = ENGINE_REQUEUE };
    return ev;
}

static void nodes_to_avoid_join_the_jobs_own(void **state)
{
    struct world *w = *state;
    const uint32_t avoid[] = { 4, 6 };
    lose_a_node(w);
    pass(w, 1500);
    struct event ev = requeue_avoiding(w);
    slurm_act(w->slurm, w->now_ns, &ev, avoid);
    for (int i = 0; i < 50; i++) {
        slurm_tick(w->slurm, w->now_ns += 10 * MW_NS_PER_MS);
        if (count_calls(w, "StartTime=") > 0)
            break;
        answer_all(w);
    }
    assert_int_equal(count_calls(w, "JobId=7 StartTime=now+1 ExcNodeList=n[1-2],n[5,7]"), 1);
}

static void what_cannot_be_avoided_is_not(void **state)
{
    struct world *w = *state;
    const uint32_t avoid[] = { 4, 6 };
    lose_a_node(w);
    pass(w, 1500);
    w->refuse = "ExcNodeList";
    w->refusal = "slurm_update error: Requested node configuration is not available\n";
    struct event ev = requeue_avoiding(w);
    slurm_act(w->slurm, w->now_ns, &ev, avoid);
    for (int i = 0; i < 50 && count_calls(w, "StartTime=now+1") < 2; i++) {
        slurm_tick(w->slurm, w->now_ns += 10 * MW_NS_PER_MS);
        answer_all(w);
    }
    assert_int_equal(count_calls(w, "ExcNodeList"), 1);
    assert_int_equal(count_calls(w, "JobId=7 StartTime=now+1"), 2);
}

static void a_poll_that_was_asked_before_an_answer_is_not_used(void **state)
{
    struct world *w = *state;
    pass(w, 1000);
    find(w, 1, LIVE_KERNEL);
    w->nodes = OURS;
    pass(w, 500);
    assert_int_equal(answered(w)->result, RESULT_OK);
    pass(w, 1000);
    clear(w);
    /* A poll begins; it will say that the node is in service, from before it was put down again. */
    w->silent = true;
    pass(w, 1500);
    uint32_t poll = w->calls;
    assert_int_equal(poll, 2);
    struct event again = w->last[EV_ENGINE_ORDER];
    again.seq += 1000;
    slurm_act(w->slurm, w->now_ns, &again, NULL);
    pass(w, 20);
    assert_int_equal(w->calls, 3);
    end_call(w, 2, OURS, 0, ""); /* the order is read back and answered */
    pass(w, 10);
    end_call(w, 0, IDLE, 0, "");
    end_call(w, 1, "", 0, "");
    w->answered = w->calls;
    pass(w, 10);
    assert_int_equal(w->kinds[EV_NODES_ADOPTED], 0);
    assert_int_equal(w->kinds[EV_NODE_REPORTED], 0);
    w->silent = false;
    w->nodes = IDLE;
    pass(w, 2000); /* one that was asked later is */
    assert_int_equal(w->kinds[EV_NODES_ADOPTED], 1);
}

/* ---- what was wrong once -------------------------------------------------------------------- */

static void bug_a_forgotten_order_is_repeated_only_where_the_mode_is_act(void **state)
{
    struct world *w = *state;
    for (uint32_t act = 0; act < 2; act++) {
        pass(w, 1000);
        w->nodes = OURS;
        if (!act) {
            find(w, 1, LIVE_KERNEL);
            pass(w, 3000);
            assert_int_equal(answered(w)->result, RESULT_OK);
        }
        set_mode(w, act ? MODE_ACT : MODE_OBSERVE);
        pass(w, 3000);
        leave_slurmctld(w);
        pass(w, 5000);
        w->refuse = NULL;
        w->nodes = IDLE;
        w->acts = 0;
        pass(w, 8000);
        assert_int_equal(w->acts > 0, act);
    }
}

static void bug_an_order_that_has_not_acted_ends_with_the_mode(void **state)
{
    struct world *w = *state;
    w->jobs = JOB_LINE(7, "RUNNING", "n[1-2]", 0, "1700000000");
    pass(w, 2000);
    leave_slurmctld(w);
    find(w, 1, LIVE_KERNEL);
    pass(w, 5000);
    uint32_t open = slurm_stats(w->slurm).pending;
    assert_true(open > 0 && w->kinds[EV_ENGINE_ANSWERED] == 0);
    set_mode(w, MODE_OBSERVE);
    pass(w, 20000);
    assert_int_equal(w->kinds[EV_ENGINE_ANSWERED], open);
    assert_int_equal(answered(w)->result, RESULT_FAILED);
    assert_string_equal(w->last_tail[EV_ENGINE_ANSWERED], "the mode is not act any more");
    w->refuse = NULL;
    w->acts = 0;
    pass(w, 60000);
    assert_int_equal(w->acts, 0);
    assert_int_equal(slurm_stats(w->slurm).pending, 0);
}

static void bug_a_persons_requeue_is_not_given_to_the_run_after_it(void **state)
{
    struct world *w = *state;
    w->jobs = JOB_LINE(7, "RUNNING", "n[1-2]", 0, "1700000000");
    pass(w, 2000);
    wish(w, ENGINE_REQUEUE, MW_NONE, 7);
    for (int i = 0; i < 100 && w->acts == 0; i++)
        pass(w, 10);
    assert_int_equal(w->acts, 1);
    const struct event order = w->last[EV_ENGINE_ORDER];
    assert_int_equal(w->kinds[EV_ENGINE_ANSWERED], 0);
    restart(w);
    w->jobs = JOB_LINE(7, "RUNNING", "n[1-2]", 1, "1700000005"); /* by now */
    w->acts = 0;
    slurm_act(w->slurm, w->now_ns, &order, NULL); /* handed out again */
    pass(w, 2000);
    assert_int_equal(w->acts, 0);
    assert_int_equal(answered(w)->result, RESULT_OK);
}

static void bug_an_order_that_was_lost_while_we_were_away_is_repeated(void **state)
{
    struct world *w = *state;
    pass(w, 1000);
    w->nodes = OURS;
    find(w, 1, LIVE_KERNEL);
    pass(w, 3000);
    assert_int_equal(answered(w)->result, RESULT_OK);
    restart(w);
    w->acts = 0;
    w->nodes = IDLE; /* the machine of both was started anew */
    pass(w, 3000);
    assert_int_equal(w->kinds[EV_NODES_ADOPTED], 0);
    assert_true(w->acts > 0);
    w->nodes = OURS;
    pass(w, 3000);
    assert_int_equal(w->kinds[EV_NODES_ADOPTED], 0);
}

static void bug_orders_of_people_and_of_automation_do_not_answer_each_other(void **state)
{
    struct world *w = *state;
    for (uint32_t care_first = 0; care_first < 2; care_first++) {
        uint32_t node = 1 + care_first;
        w->nodes = IDLE;
        pass(w, 3000);
        clear(w);
        leave_slurmctld(w);
        if (care_first)
            find(w, node, LIVE_KERNEL);
        wish(w, ENGINE_DRAIN, node, 0);
        pass(w, 1000);
        if (!care_first)
            find(w, node, LIVE_KERNEL);
        pass(w, 2000);
        assert_int_equal(w->kinds[EV_ENGINE_ORDER], 2);
        assert_int_equal(w->kinds[EV_ENGINE_ANSWERED], 0);
        w->refuse = NULL;
        w->nodes = "down" S "root" S "1700000000" S "n[2-3]" S "mw-person 1042#"
                   "idle" S "Unknown" S "Unknown" S "n[1,4-8]" S "none#";
        pass(w, 12000);
        assert_int_equal(w->kinds[EV_ENGINE_ANSWERED], 2);
        assert_int_equal(answered(w)->result, RESULT_OK);
        wish(w, ENGINE_RESUME, node, 0);
        w->nodes = IDLE;
        pass(w, 3000);
    }
}

static void bug_a_job_that_completes_may_not_start_at_once(void **state)
{
    struct world *w = *state;
    w->jobs = JOB_LINE(7, "RUNNING", "n[1-2]", 0, "1700000000");
    pass(w, 2000);
    w->nodes = OURS;
    w->jobs = JOB_LINE(7, "COMPLETING", "n[1-2]", 1, "1700000000");
    find(w, 1, LIVE_KERNEL);
    uint32_t delays = 0;
    for (int i = 0; i < 300; i++) {
        uint32_t before = w->acts;
        pass(w, 10);
        delays += w->acts > before && count_calls(w, "StartTime=now+10") > 0;
    }
    assert_int_equal(delays, 1); /* said once, while it completes */
    w->jobs = JOB_LINE(7, "PENDING", "", 1, "N/A");
    uint32_t starts = 0;
    for (int i = 0; i < 300; i++) {
        uint32_t before = w->acts;
        pass(w, 10);
        starts += w->acts > before && count_calls(w, "StartTime=now+1 ") +
                                          count_calls(w, "StartTime=now+1") > 0;
    }
    assert_int_equal(starts, 1);
    assert_int_equal(answered(w)->result, RESULT_OK);
}

static const char ALL_OUT[] = "drained" S "root" S "1700000000" S "n[1-8]" S "mw-person 1042#";

static void wish_all_out(struct world *w)
{
    pass(w, 1000);
    clear(w);
    w->acts = 0;
    for (uint32_t n = 0; n < 8; n++)
        wish(w, ENGINE_DRAIN, n, 0);
}

/* Until so many acts were begun; Slurm has then done what they say. */
static void pass_until(struct world *w, uint32_t acts, const char *nodes)
{
    for (int i = 0; i < 200 && w->acts < acts; i++)
        pass(w, 10);
    assert_int_equal(w->acts, acts);
    w->nodes = nodes;
    pass(w, 2000);
}

static void what_a_person_wants_of_many_nodes_is_one_command_and_many_answers(void **state)
{
    struct world *w = *state;
    wish_all_out(w);
    pass_until(w, 1, ALL_OUT);
    assert_int_equal(w->acts, 1);
    assert_int_equal(w->kinds[EV_ENGINE_ANSWERED], 8);
    assert_int_equal(answered(w)->result, RESULT_OK);
    assert_int_equal(slurm_stats(w->slurm).pending, 0);
}

static void each_of_many_is_looked_at_by_itself(void **state)
{
    struct world *w = *state;
    wish_all_out(w);
    pass_until(w, 1, "drained" S "root" S "1700000000" S "n[1-6,8]" S "mw-person 1042#"
                     "drained" S "anna" S "1700000000" S "n7" S "fan noise#");
    assert_int_equal(w->kinds[EV_ENGINE_ANSWERED], 8);
    assert_int_equal(answered(w)->node, 7);
    assert_string_equal(w->last_tail[EV_ENGINE_ANSWERED], "drained, root: mw-person 1042");
    for (uint64_t seq = w->noted; seq > w->noted - 8; seq--) {
        struct event ev;
        char tail[SLURM_FORMAT_MAX] = "";
        assert_int_equal(w->journal->ops->get(w->journal, seq, &ev, tail, NULL), 0);
        if (ev.kind == EV_ENGINE_ANSWERED && ev.body.engine.node == 6)
            assert_non_null(strstr(tail, "others have it out: drained, anna: fan noise"));
    }
}

static void when_many_are_refused_together_each_is_tried_alone(void **state)
{
    struct world *w = *state;
    w->refuse = "NodeName=n[1-8]";
    w->refusal = "slurm_update error: Invalid node name specified\n";
    wish_all_out(w);
    for (int i = 0; i < 200 && w->acts < 9; i++)
        pass(w, 10);
    w->nodes = ALL_OUT;
    pass(w, 2000);
    assert_int_equal(w->kinds[EV_ENGINE_ANSWERED], 8);
    assert_int_equal(answered(w)->result, RESULT_OK);
}

static void nodes_with_reasons_of_their_own_are_not_set_together(void **state)
{
    struct world *w = *state;
    pass(w, 1000);
    w->acts = 0;
    for (uint32_t n = 0; n < 4; n++) {
        struct event ev = { .kind = EV_ENGINE_ORDER, .seq = 900 + n };
        ev.body.engine = (struct body_engine){
            .incident = 5 + n / 2, .node = n, .slot = MW_NONE, .job_slot = MW_NONE,
            .class = LIVE_KERNEL, .verb = ENGINE_DRAIN };
        slurm_act(w->slurm, w->now_ns, &ev, NULL);
    }
    pass_until(w, 2, "drained" S "root" S "1700000000" S "n[1-8]" S "mw:kernel 5 x#");
    assert_int_equal(w->acts, 2); /* two incidents, two nodes each */
    assert_int_equal(slurm_stats(w->slurm).pending, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAYED_TEST(what_is_as_ordered_already_takes_no_command),
        PLAYED_TEST(a_refusal_for_good_is_said_at_once),
        PLAYED_TEST(other_refusals_are_tried_for_ten_minutes_with_pauses),
        PLAYED_TEST(silence_is_no_refusal),
        PLAYED_TEST(a_newer_order_takes_the_place_of_an_older_one),
        PLAYED_TEST(a_node_that_slurm_does_not_have_is_said),
        PLAYED_TEST(the_requeue_comes_after_the_node_is_down_and_after_the_jobs_end),
        PLAYED_TEST(nodes_to_avoid_join_the_jobs_own),
        PLAYED_TEST(what_cannot_be_avoided_is_not),
        PLAYED_TEST(a_poll_that_was_asked_before_an_answer_is_not_used),
        PLAYED_TEST(bug_a_forgotten_order_is_repeated_only_where_the_mode_is_act),
        PLAYED_TEST(bug_an_order_that_has_not_acted_ends_with_the_mode),
        PLAYED_TEST(bug_a_persons_requeue_is_not_given_to_the_run_after_it),
        PLAYED_TEST(bug_an_order_that_was_lost_while_we_were_away_is_repeated),
        PLAYED_TEST(bug_orders_of_people_and_of_automation_do_not_answer_each_other),
        PLAYED_TEST(bug_a_job_that_completes_may_not_start_at_once),
        PLAYED_TEST(what_a_person_wants_of_many_nodes_is_one_command_and_many_answers),
        PLAYED_TEST(each_of_many_is_looked_at_by_itself),
        PLAYED_TEST(when_many_are_refused_together_each_is_tried_alone),
        PLAYED_TEST(nodes_with_reasons_of_their_own_are_not_set_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
