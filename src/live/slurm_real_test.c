/*
 * The adapter against the real thing: munge, slurmctld and slurmds on this
 * machine, a controller in mode act.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "live/policy.h"
#include "live/slurm_testing.h"

static int start(void **state)
{
    static struct slurm_testing t;
    slurm_testing_start(&t, 6);
    *state = &t;
    return 0;
}

static int stop(void **state)
{
    if (*state) /* else it never started */
        slurm_testing_stop(*state);
    return 0;
}

static int open_act(void **state)
{
    slurm_testing_open(*state, MODE_ACT);
    return 0;
}

static int close_all(void **state)
{
    slurm_testing_close(*state);
    return 0;
}

static void a_jobs_life_is_recorded_in_order(void **state)
{
    struct slurm_testing *t = *state;
    uint64_t job = slurm_testing_sbatch(t, "-N2 --exclusive -J 'a name' -t 10 --wrap 'sleep 2'");
    const struct event *ev = slurm_testing_expect(t, EV_JOB_SUBMITTED, job);
    assert_string_equal(slurm_testing_tail(t), "a name");
    assert_int_equal(ev->source, SOURCE_ENGINE);
    assert_int_equal(ev->body.job.nodes, 2);
    assert_int_equal(ev->body.job.gpus, 16);
    assert_int_equal(ev->body.job.work_ms, 10 * MW_MS_PER_MIN);
    ev = slurm_testing_expect(t, EV_ATTEMPT_ALLOCATED, job);
    assert_int_equal(ev->body.place.attempt, 1);
    assert_int_equal(ev->body.place.nodes, 2);
    assert_int_equal(ev->tail_size, 2 * sizeof(uint32_t));
    (void)slurm_testing_expect(t, EV_ATTEMPT_RUNNING, job);
    ev = slurm_testing_expect(t, EV_ATTEMPT_ENDED, job);
    assert_int_equal(ev->body.progress.how, HOW_DONE);
    assert_int_equal(board_job_find(t->control->board, job), MW_NONE);
}

/* The node of the board's list on which a job stands first. */
static uint32_t first_node(const struct slurm_testing *t, uint64_t job)
{
    uint32_t slot = board_job_find(t->control->board, job);
    assert_int_not_equal(slot, MW_NONE);
    return t->control->board->job_first_node[slot];
}

static const char *name_of(const struct slurm_testing *t, uint32_t node)
{
    return fleet_name(t->fleet, component_id(COMPONENT_NODE, node));
}

static const char *state_of(struct slurm_testing *t, const char *node)
{
    return slurm_testing_shell(t, "sinfo -h -n %s -O StateComplete:,Reason:_", node);
}

static uint64_t run_job(struct slurm_testing *t, const char *words)
{
    uint64_t job = slurm_testing_sbatch(t, words);
    (void)slurm_testing_expect(t, EV_ATTEMPT_RUNNING, job);
    return job;
}

static void a_dead_nodes_job_runs_elsewhere_within_seconds(void **state)
{
    struct slurm_testing *t = *state;
    uint64_t job = run_job(t, "-N2 --exclusive --wrap 'srun sleep 600'");
    slurm_testing_rest(t, 1000); /* its step begins */
    uint32_t node = first_node(t, job);
    char pid[64];
    (void)snprintf(pid, sizeof(pid), "slurmd-%s", name_of(t, node));
    int64_t killed_ns = slurm_testing_now();
    slurm_testing_kill(t, pid, SIGKILL);
    slurm_testing_finding(t, node, LIVE_SLURMD, true);
    const struct event *ev = slurm_testing_expect(t, EV_ENGINE_ORDER, ENGINE_DOWN);
    uint64_t down = ev->seq;
    (void)slurm_testing_expect(t, EV_ENGINE_ORDER, ENGINE_REQUEUE);
    ev = slurm_testing_expect(t, EV_ENGINE_ANSWERED, ENGINE_DOWN);
    assert_int_equal(ev->body.engine.result, RESULT_OK);
    assert_int_equal(ev->cause, down);
    assert_non_null(strstr(slurm_testing_tail(t), "mw:slurmd"));
    ev = slurm_testing_expect(t, EV_ATTEMPT_ENDED, job);
    assert_int_equal(ev->body.progress.how, HOW_STOPPED);
    assert_int_equal(ev->body.progress.node, node);
    assert_int_equal(ev->body.progress.class, LIVE_SLURMD);
    ev = slurm_testing_expect(t, EV_ENGINE_ANSWERED, ENGINE_REQUEUE);
    assert_int_equal(ev->body.engine.result, RESULT_OK);
    ev = slurm_testing_expect(t, EV_ATTEMPT_ALLOCATED, job);
    assert_int_equal(ev->body.place.attempt, 2);
    (void)slurm_testing_expect(t, EV_ATTEMPT_RUNNING, job);
    assert_int_equal(t->control->board->node_job[node], MW_NONE);
    /* for the eye: Slurm alone takes minutes */
    print_message("runs elsewhere after %lld ms\n",
                  (long long)((slurm_testing_now() - killed_ns) / MW_NS_PER_MS));
}

static void a_job_that_came_and_went_between_polls_has_its_whole_life(void **state)
{
    struct slurm_testing *t = *state;
    slurm_testing_rest(t, 1500);
    uint64_t job = slurm_testing_sbatch(t, "-N1 --exclusive --wrap true");
    (void)slurm_testing_shell(t, "for i in $(seq 50); do "
                              "[ \"$(squeue -h -t all -j %llu -o %%T)\" = COMPLETED ] && exit; "
                              "sleep 0.1; done; exit 1", (unsigned long long)job);
    (void)slurm_testing_expect(t, EV_JOB_SUBMITTED, job);
    (void)slurm_testing_expect(t, EV_ATTEMPT_ALLOCATED, job);
    (void)slurm_testing_expect(t, EV_ATTEMPT_RUNNING, job);
    const struct event *ev = slurm_testing_expect(t, EV_ATTEMPT_ENDED, job);
    assert_int_equal(ev->body.progress.how, HOW_DONE);
    slurm_testing_rest(t, 1500);
    assert_int_equal(slurm_testing_count(t, EV_JOB_SUBMITTED), 0); /* it is listed for minutes */
}

static void every_end_has_its_how(void **state)
{
    struct slurm_testing *t = *state;
    uint64_t bad = slurm_testing_sbatch(t, "-N1 --exclusive --wrap 'exit 3'");
    assert_int_equal(slurm_testing_expect(t, EV_ATTEMPT_ENDED, bad)->body.progress.how,
                     HOW_FAILED);
    uint64_t job = run_job(t, "-N1 --exclusive --wrap 'sleep 600'");
    (void)slurm_testing_shell(t, "scancel %llu", (unsigned long long)job);
    assert_int_equal(slurm_testing_expect(t, EV_ATTEMPT_ENDED, job)->body.progress.how,
                     HOW_CANCELLED);
    uint64_t waits = slurm_testing_sbatch(t, "-N6 --hold --wrap true");
    (void)slurm_testing_expect(t, EV_JOB_SUBMITTED, waits);
    (void)slurm_testing_shell(t, "scancel %llu", (unsigned long long)waits);
    (void)slurm_testing_expect(t, EV_JOB_CANCELLED, waits);
    assert_int_equal(t->control->board->jobs_live, 0);
}

static void a_requeue_by_others_is_an_end_and_a_new_attempt(void **state)
{
    struct slurm_testing *t = *state;
    uint64_t job = run_job(t, "-N1 --exclusive --wrap 'srun sleep 600'");
    slurm_testing_rest(t, 1000);
    /* between two polls, as far as the adapter knows */
    (void)slurm_testing_shell(t, "j=%llu; scontrol requeue $j; is() { for i in $(seq 99); do "
                              "squeue -h -j $j -o %%T | grep -q $1 && return; sleep 0.1; done; "
                              "exit 1; }; is PENDING; scontrol update JobId=$j StartTime=now+1; "
                              "is RUNNING", (unsigned long long)job);
    const struct event *ev = slurm_testing_expect(t, EV_ATTEMPT_ENDED, job);
    assert_int_equal(ev->body.progress.how, HOW_STOPPED);
    assert_int_equal(ev->body.progress.node, MW_NONE);
    ev = slurm_testing_expect(t, EV_ATTEMPT_ALLOCATED, job);
    assert_int_equal(ev->body.place.attempt, 2);
    (void)slurm_testing_expect(t, EV_ATTEMPT_RUNNING, job);
}

static void what_others_drained_is_reported_and_never_touched(void **state)
{
    struct slurm_testing *t = *state;
    uint32_t node = slurm_testing_node(t, "n3");
    (void)slurm_testing_shell(t, "scontrol update NodeName=n3 State=DRAIN Reason='fan, Eve'");
    const struct event *ev = slurm_testing_expect(t, EV_NODE_REPORTED, 0);
    assert_int_equal(ev->body.report.node, node);
    assert_int_equal(ev->body.report.service, SERVICE_DRAIN);
    assert_int_equal(ev->body.report.owner, OWNER_OTHERS);
    assert_non_null(strstr(slurm_testing_tail(t), ": fan, Eve"));
    assert_int_equal(t->control->board->node_holds[node], 1);
    slurm_testing_finding(t, node, LIVE_KERNEL, true);
    ev = slurm_testing_expect(t, EV_ENGINE_ANSWERED, ENGINE_DOWN);
    assert_int_equal(ev->body.engine.result, RESULT_OK);
    assert_non_null(strstr(slurm_testing_tail(t), "others have it out"));
    assert_string_equal(state_of(t, "n3"), "idle+drainfan, Eve_");
    (void)slurm_testing_shell(t, "scontrol update NodeName=n3 State=RESUME");
    ev = slurm_testing_expect(t, EV_NODE_REPORTED, 0);
    assert_int_equal(ev->body.report.service, SERVICE_IN);
    ev = slurm_testing_expect(t, EV_NODE_REPORTED, 0); /* theirs is lifted, the fault is still so */
    assert_int_equal(ev->body.report.owner, OWNER_OURS);
    assert_non_null(strstr(slurm_testing_tail(t), "mw:kernel"));
    (void)slurm_testing_shell(t, "scontrol update NodeName=n3 State=RESUME");
    ev = slurm_testing_expect(t, EV_NODES_ADOPTED, 0); /* who resumes ours answers for it */
    assert_int_equal(ev->body.adopt.first, node);
    assert_int_equal(ev->body.adopt.count, 1);
    assert_int_equal(t->control->board->node_holds[node], 0);
    assert_int_equal(t->control->board->node_health[node], HEALTH_READY);
}

static void a_job_that_may_not_be_requeued_is_left_alone(void **state)
{
    struct slurm_testing *t = *state;
    uint64_t job = run_job(t, "-N1 --exclusive --no-requeue --wrap 'sleep 600'");
    uint32_t node = first_node(t, job);
    (void)slurm_testing_shell(t, "scontrol update NodeName=%s State=DRAIN Reason=theirs",
                              name_of(t, node));
    (void)slurm_testing_expect(t, EV_NODE_REPORTED, 0);
    slurm_testing_finding(t, node, LIVE_KERNEL, true);
    const struct event *ev = slurm_testing_expect(t, EV_ENGINE_ANSWERED, ENGINE_REQUEUE);
    assert_int_equal(ev->body.engine.result, RESULT_FAILED);
    assert_non_null(strstr(slurm_testing_tail(t), "Requeue=0"));
    slurm_testing_rest(t, 1000);
    assert_string_equal(slurm_testing_shell(t, "squeue -h -j %llu -o %%T",
                                            (unsigned long long)job), "RUNNING");
}

static void a_node_that_takes_its_last_job_along_ends_it_for_good(void **state)
{
    struct slurm_testing *t = *state;
    uint64_t job = run_job(t, "-N1 --exclusive --no-requeue --wrap 'sleep 600'");
    slurm_testing_finding(t, first_node(t, job), LIVE_KERNEL, true);
    const struct event *ev = slurm_testing_expect(t, EV_ATTEMPT_ENDED, job);
    assert_int_equal(ev->body.progress.how, HOW_STOPPED);
    (void)slurm_testing_expect(t, EV_JOB_CANCELLED, job);
    assert_int_equal(board_job_find(t->control->board, job), MW_NONE);
}

static void down_stays_down_until_we_resume(void **state)
{
    struct slurm_testing *t = *state;
    uint32_t node = slurm_testing_node(t, "n2");
    slurm_testing_kill(t, "slurmd-n2", SIGKILL);
    slurm_testing_finding(t, node, LIVE_SLURMD, true);
    assert_int_equal(
        slurm_testing_expect(t, EV_ENGINE_ANSWERED, ENGINE_DOWN)->body.engine.result, RESULT_OK);
    const struct event *ev = slurm_testing_expect(t, EV_NODE_REPORTED, 0);
    assert_int_equal(ev->body.report.service, SERVICE_DOWN);
    assert_int_equal(ev->body.report.owner, OWNER_OURS);
    assert_int_equal(strncmp(state_of(t, "n2"), "down+drain", 10), 0);
    (void)slurm_testing_shell(t, "$LAB/ctl start-slurmd n2 2>&1");
    slurm_testing_rest(t, 3000);
    assert_non_null(strstr(state_of(t, "n2"), "drain")); /* slurmd is back, the node is not */
    assert_int_equal(slurm_testing_count(t, EV_NODES_ADOPTED), 0);
    slurm_testing_finding(t, node, LIVE_SLURMD, false);
    ev = slurm_testing_expect(t, EV_ENGINE_ANSWERED, ENGINE_RESUME);
    assert_int_equal(ev->body.engine.result, RESULT_OK);
    (void)slurm_testing_expect(t, EV_INCIDENT_CLOSED, 0);
    ev = slurm_testing_expect(t, EV_NODE_REPORTED, 0);
    assert_int_equal(ev->body.report.service, SERVICE_IN);
    assert_int_equal(slurm_testing_count(t, EV_NODES_ADOPTED), 0);
}

static void who_resumes_what_we_took_out_answers_for_it(void **state)
{
    struct slurm_testing *t = *state;
    uint32_t node = slurm_testing_node(t, "n4");
    slurm_testing_finding(t, node, LIVE_KERNEL, true);
    (void)slurm_testing_expect(t, EV_ENGINE_ANSWERED, ENGINE_DOWN);
    (void)slurm_testing_expect(t, EV_NODE_REPORTED, 0);
    (void)slurm_testing_shell(t, "scontrol update NodeName=n4 State=RESUME");
    const struct event *ev = slurm_testing_expect(t, EV_NODES_ADOPTED, 0);
    assert_int_equal(ev->body.adopt.first, node);
    assert_int_equal(ev->actor, 1);
    slurm_testing_rest(t, 1500);
    assert_int_equal(slurm_testing_count(t, EV_NODES_ADOPTED), 0); /* once */
    assert_int_equal(slurm_testing_count(t, EV_ENGINE_ORDER), 0);
}

static void a_drain_lets_the_job_end(void **state)
{
    struct slurm_testing *t = *state;
    uint64_t job = run_job(t, "-N1 --exclusive --wrap 'sleep 4'");
    uint32_t node = first_node(t, job);
    slurm_testing_finding(t, node, LIVE_DISK, true);
    const struct event *ev = slurm_testing_expect(t, EV_ENGINE_ANSWERED, ENGINE_DRAIN);
    assert_int_equal(ev->body.engine.result, RESULT_OK);
    assert_non_null(strstr(slurm_testing_tail(t), "drain"));
    ev = slurm_testing_expect(t, EV_ATTEMPT_ENDED, job);
    assert_int_equal(ev->body.progress.how, HOW_DONE);
}

static void a_node_that_the_engine_calls_silent_is_a_finding(void **state)
{
    struct slurm_testing *t = *state;
    uint32_t node = slurm_testing_node(t, "n5");
    /* as slurmctld itself does after SlurmdTimeout */
    (void)slurm_testing_shell(t,
                              "scontrol update NodeName=n5 State=DOWN Reason='Not responding'");
    const struct event *ev = slurm_testing_expect(t, EV_FINDING_OPENED, 0);
    assert_int_equal(ev->body.finding.class, LIVE_ENGINE_NODE);
    assert_int_equal(ev->body.finding.node, node);
    assert_int_equal(ev->body.finding.finding, slurm_node_finding(node));
    (void)slurm_testing_expect(t, EV_ENGINE_ANSWERED, ENGINE_DOWN);
    assert_non_null(strstr(state_of(t, "n5"), "mw:engine-node"));
    (void)slurm_testing_expect(t, EV_FINDING_CLOSED, 0); /* slurmd runs: it is ours now */
    ev = slurm_testing_expect(t, EV_ENGINE_ANSWERED, ENGINE_RESUME);
    assert_int_equal(ev->body.engine.result, RESULT_OK);
}

static bool is_silent(struct slurm_testing *t, uint64_t failed)
{
    return slurm_stats(t->slurm).polls_failed >= failed;
}

static void a_dead_slurmctld_is_silence_and_nothing_else(void **state)
{
    struct slurm_testing *t = *state;
    uint64_t job = run_job(t, "-N2 --exclusive --wrap 'sleep 600'");
    uint32_t node = slurm_testing_node(t, "n6");
    slurm_testing_rest(t, 4000);
    slurm_testing_kill(t, "slurmctld", SIGTERM);
    slurm_testing_finding(t, node, LIVE_KERNEL, true); /* an order that nobody hears */
    (void)slurm_testing_expect(t, EV_ENGINE_ORDER, ENGINE_DOWN);
    uint32_t mark = t->mark;
    assert_true(slurm_testing_until(t, 30, is_silent, 1));
    const struct event *ev = slurm_testing_expect(t, EV_FINDING_OPENED, 0);
    assert_int_equal(ev->body.finding.class, LIVE_ENGINE_SILENT);
    assert_int_equal(ev->body.finding.component, component_id(COMPONENT_SITE, 0));
    assert_int_equal(ev->body.finding.node, MW_NONE);
    (void)slurm_testing_shell(t, "$LAB/ctl start-slurmctld 2>&1");
    uint32_t back = t->mark;
    (void)slurm_testing_expect(t, EV_FINDING_CLOSED, 0);
    t->mark = back;
    ev = slurm_testing_expect(t, EV_ENGINE_ANSWERED, ENGINE_DOWN);
    assert_int_equal(ev->body.engine.result, RESULT_OK);
    slurm_testing_rest(t, 2000);
    t->mark = mark;
    assert_int_equal(slurm_testing_count(t, EV_ATTEMPT_ENDED), 0);
    assert_int_equal(slurm_testing_count(t, EV_NODES_ADOPTED), 0);
    assert_int_equal(slurm_testing_count(t, EV_FINDING_OPENED), 1);
    assert_int_equal(slurm_testing_count(t, EV_FINDING_CLOSED), 1);
    assert_int_not_equal(board_job_find(t->control->board, job), MW_NONE);
}

static int open_impatient(void **state)
{
    struct slurm_testing *t = *state;
    t->command_ns = 2 * MW_NS_PER_S;
    t->silence_ns = 3 * MW_NS_PER_S;
    return open_act(state);
}

static void an_order_that_slurmctld_forgot_is_carried_out_again(void **state)
{
    struct slurm_testing *t = *state;
    slurm_testing_rest(t, 1500);
    slurm_testing_finding(t, slurm_testing_node(t, "n4"), LIVE_KERNEL, true);
    (void)slurm_testing_expect(t, EV_ENGINE_ANSWERED, ENGINE_DOWN);
    (void)slurm_testing_expect(t, EV_NODE_REPORTED, 0);
    slurm_testing_kill(t, "slurmctld", SIGKILL); /* it has not saved that yet */
    assert_true(slurm_testing_until(t, 30, is_silent, 1));
    (void)slurm_testing_shell(t, "$LAB/ctl start-slurmctld 2>&1");
    slurm_testing_rest(t, 8000);
    assert_non_null(strstr(state_of(t, "n4"), "mw:kernel"));
    assert_int_equal(slurm_testing_count(t, EV_NODES_ADOPTED), 0);
}

static void a_daemon_that_comes_back_repeats_nothing_and_misses_nothing(void **state)
{
    struct slurm_testing *t = *state;
    uint64_t stays = run_job(t, "-N2 --exclusive --wrap 'sleep 600'");
    uint64_t ends = run_job(t, "-N1 --exclusive --wrap 'sleep 600'");
    uint64_t again = run_job(t, "-N1 --exclusive --wrap 'srun sleep 600'");
    slurm_testing_rest(t, 1000);
    (void)slurm_testing_shell(t, "scancel %llu; scontrol requeue %llu",
                              (unsigned long long)ends, (unsigned long long)again);
    uint64_t fresh = slurm_testing_sbatch(t, "-N1 --exclusive --wrap 'sleep 600'");
    uint32_t mark = t->mark;
    slurm_testing_reopen(t);
    assert_int_equal(slurm_testing_expect(t, EV_ATTEMPT_ENDED, ends)->body.progress.how,
                     HOW_CANCELLED);
    t->mark = mark;
    assert_int_equal(slurm_testing_expect(t, EV_ATTEMPT_ENDED, again)->body.progress.how,
                     HOW_STOPPED);
    t->mark = mark;
    (void)slurm_testing_expect(t, EV_JOB_SUBMITTED, fresh);
    slurm_testing_rest(t, 2000);
    const struct board *b = t->control->board;
    assert_int_equal(b->job_attempt[board_job_find(b, stays)], 1);
    mark = t->log_length;
    slurm_testing_reopen(t);
    slurm_testing_rest(t, 2500);
    t->mark = mark;
    assert_int_equal(slurm_testing_count(t, EV_JOB_SUBMITTED), 0);
    assert_int_equal(slurm_testing_count(t, EV_ATTEMPT_ENDED), 0);
}

static void an_order_pending_at_a_crash_is_carried_out_after_it(void **state)
{
    struct slurm_testing *t = *state;
    slurm_testing_rest(t, 1500);
    slurm_testing_finding(t, slurm_testing_node(t, "n1"), LIVE_KERNEL, true);
    slurm_testing_reopen(t); /* between decision and action */
    const struct event *ev = slurm_testing_expect(t, EV_ENGINE_ANSWERED, ENGINE_DOWN);
    assert_int_equal(ev->body.engine.result, RESULT_OK);
    assert_non_null(strstr(state_of(t, "n1"), "mw:kernel"));
}

static void jobs_that_share_a_node_are_counted_and_left_out(void **state)
{
    struct slurm_testing *t = *state;
    uint64_t one = run_job(t, "-w n1 -n1 --wrap 'sleep 600'");
    uint64_t two = slurm_testing_sbatch(t, "-w n1 -n1 --wrap 'sleep 600'");
    (void)slurm_testing_expect(t, EV_JOB_SUBMITTED, two);
    slurm_testing_rest(t, 4000);
    assert_int_equal(slurm_stats(t->slurm).jobs_shared, 1);
    assert_int_equal(first_node(t, one), slurm_testing_node(t, "n1"));
    (void)slurm_testing_shell(t, "scancel %llu", (unsigned long long)two);
    (void)slurm_testing_expect(t, EV_JOB_CANCELLED, two); /* its row is free again */
}

static void tasks_of_an_array_are_jobs_when_they_run(void **state)
{
    struct slurm_testing *t = *state;
    (void)slurm_testing_sbatch(t, "-N1 --exclusive --array=1-3%%2 --wrap 'sleep 1'");
    for (int i = 0; i < 3; i++) {
        const struct event *ev = slurm_testing_expect(t, EV_ATTEMPT_ENDED, 0);
        assert_int_equal(ev->body.progress.how, HOW_DONE);
    }
    slurm_testing_rest(t, 1000);
    assert_int_equal(t->control->board->jobs_live, 0);
    assert_int_equal(slurm_stats(t->slurm).lines_bad, 0);
}

static void nobody_can_write_a_name_that_reads_as_another_job(void **state)
{
    struct slurm_testing *t = *state;
    uint64_t job = slurm_testing_sbatch(
        t, "-N1 --exclusive -J \"$(printf 'x\\036\\n1\\0371\\037RUNNING')\" --wrap 'sleep 600'");
    (void)slurm_testing_expect(t, EV_JOB_SUBMITTED, job);
    assert_string_equal(slurm_testing_tail(t), "x  1 1 RUNNING");
    (void)slurm_testing_expect(t, EV_ATTEMPT_RUNNING, job);
    assert_int_equal(slurm_stats(t->slurm).lines_bad, 0);
    assert_int_equal(t->control->board->jobs_live, 1);
}

static void order_by_person(struct slurm_testing *t, struct body_command c)
{
    struct event ev = { .kind = EV_COMMAND, .source = SOURCE_PERSON, .actor = 7, .tail_size = 4,
                        .observed_ns = slurm_testing_now() };
    struct mw_error err = { 0 };
    enum admit a;
    c.verb = CMD_ENGINE;
    c.hall = c.slot = MW_NONE;
    ev.body.command = c;
    assert_int_equal(
        core_submit(t->control->core, slurm_testing_now(), &ev, "test", &a, &err), 0);
    assert_int_equal(a, ADMIT_OK);
    assert_int_equal(slurm_testing_expect(t, EV_ENGINE_ANSWERED, c.engine)->body.engine.result,
                     RESULT_OK);
}

static void persons_hold_require_and_reserve(void **state)
{
    struct slurm_testing *t = *state;
    uint64_t job = slurm_testing_sbatch(t, "-N1 --exclusive --begin=now+1hour --wrap 'sleep 9'");
    (void)slurm_testing_expect(t, EV_JOB_SUBMITTED, job);
    uint32_t n6 = slurm_testing_node(t, "n6");
    struct body_command c = { .ref = job, .node = MW_NONE, .engine = ENGINE_HOLD };
    order_by_person(t, c);
    assert_non_null(strstr(slurm_testing_shell(t, "squeue -h -o %%r"), "JobHeld"));
    c.engine = ENGINE_RELEASE;
    order_by_person(t, c);
    assert_null(strstr(slurm_testing_shell(t, "squeue -h -o %%r"), "JobHeld"));
    c = (struct body_command){ .ref = job, .node = n6, .count = 1, .engine = ENGINE_REQUIRE };
    order_by_person(t, c);
    assert_string_equal(slurm_testing_shell(t, "squeue -h -o %%n"), "n6");
    c = (struct body_command){ .node = n6, .count = 1, .engine = ENGINE_RESERVE,
                               .length_ms = MW_MS_PER_HOUR };
    order_by_person(t, c);
    assert_non_null(strstr(slurm_testing_shell(t, "scontrol -o show res"), "Nodes=n6 "));
    c.engine = ENGINE_UNRESERVE;
    order_by_person(t, c);
    assert_non_null(strstr(slurm_testing_shell(t, "scontrol -o show res 2>&1"), "No res"));
}

static void a_persons_drain_is_not_automations_to_lift(void **state)
{
    struct slurm_testing *t = *state;
    uint32_t node = slurm_testing_node(t, "n6");
    struct body_command c = { .node = node, .engine = ENGINE_DRAIN };
    order_by_person(t, c);
    assert_non_null(strstr(state_of(t, "n6"), "mw-person "));
    const struct event *ev = slurm_testing_expect(t, EV_NODE_REPORTED, 0);
    assert_int_equal(ev->body.report.owner, OWNER_OTHERS);
    slurm_testing_finding(t, node, LIVE_SLURMD, true); /* a fault that heals */
    ev = slurm_testing_expect(t, EV_ENGINE_ANSWERED, ENGINE_DOWN);
    assert_non_null(strstr(slurm_testing_tail(t), "others have it out"));
    slurm_testing_finding(t, node, LIVE_SLURMD, false);
    ev = slurm_testing_expect(t, EV_ENGINE_ANSWERED, ENGINE_RESUME);
    assert_non_null(strstr(state_of(t, "n6"), "mw-person "));
    c.engine = ENGINE_RESUME;
    order_by_person(t, c);
    assert_null(strstr(state_of(t, "n6"), "drain"));
}

#define LIVE_TEST(f) cmocka_unit_test_setup_teardown(f, open_act, close_all)
#define SILENT_TEST(f) cmocka_unit_test_setup_teardown(f, open_impatient, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIVE_TEST(a_jobs_life_is_recorded_in_order),
        LIVE_TEST(a_dead_nodes_job_runs_elsewhere_within_seconds),
        LIVE_TEST(a_job_that_came_and_went_between_polls_has_its_whole_life),
        LIVE_TEST(every_end_has_its_how),
        LIVE_TEST(a_requeue_by_others_is_an_end_and_a_new_attempt),
        LIVE_TEST(what_others_drained_is_reported_and_never_touched),
        LIVE_TEST(a_job_that_may_not_be_requeued_is_left_alone),
        LIVE_TEST(a_node_that_takes_its_last_job_along_ends_it_for_good),
        LIVE_TEST(down_stays_down_until_we_resume),
        LIVE_TEST(who_resumes_what_we_took_out_answers_for_it),
        LIVE_TEST(a_drain_lets_the_job_end),
        LIVE_TEST(a_node_that_the_engine_calls_silent_is_a_finding),
        SILENT_TEST(a_dead_slurmctld_is_silence_and_nothing_else),
        SILENT_TEST(an_order_that_slurmctld_forgot_is_carried_out_again),
        LIVE_TEST(a_daemon_that_comes_back_repeats_nothing_and_misses_nothing),
        LIVE_TEST(an_order_pending_at_a_crash_is_carried_out_after_it),
        LIVE_TEST(jobs_that_share_a_node_are_counted_and_left_out),
        LIVE_TEST(tasks_of_an_array_are_jobs_when_they_run),
        LIVE_TEST(nobody_can_write_a_name_that_reads_as_another_job),
        LIVE_TEST(persons_hold_require_and_reserve),
        LIVE_TEST(a_persons_drain_is_not_automations_to_lift),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
