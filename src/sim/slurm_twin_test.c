/* The twin answers as Slurm 22.05.8 was recorded to answer. */
#include "sim/slurm_twin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/units.h"

#define S MW_NS_PER_S
#define BEGIN (INT64_C(1795345200) * S) /* 2026-11-22T11:00:00Z */

struct bench {
    struct slurm_twin *twin;
    int64_t now_ns;
    bool answered;
    int exit_code;
    bool timed_out;
    char out[16384], err[512];
    char told[4096];
};

static struct bench bench_make(uint8_t return_to_service)
{
    static const char *const NODE[] = { "n1", "n2", "n3", "n4", NULL };
    const struct slurm_twin_options o = {
        .node = NODE, .gpus = 8, .slurmd_timeout_ns = 10 * S, .requeue_hold_ns = 121 * S,
        .min_job_age_ns = 300 * S, .command_ns = 8 * MW_NS_PER_MS, .beat_ns = 200 * MW_NS_PER_MS,
        .return_to_service = return_to_service, .seed = 1 };
    struct bench b = { .now_ns = BEGIN };
    assert_int_equal(slurm_twin_create(&o, BEGIN, &b.twin), 0);
    return b;
}

static void pass(struct bench *b, int64_t ns)
{
    b->now_ns += ns;
    slurm_twin_step(b->twin, b->now_ns);
}

static void done(void *ctx, const struct process_result *r)
{
    struct bench *b = ctx;
    assert_false(b->answered);
    b->answered = true;
    b->exit_code = r->exit_code;
    b->timed_out = r->timed_out;
    (void)snprintf(b->out, sizeof(b->out), "%s", r->out);
    (void)snprintf(b->err, sizeof(b->err), "%s", r->err);
}

/* Words parted by '|'; waits at most 20 s for the answer. */
static int run(struct bench *b, const char *line)
{
    char words[512];
    const char *argv[16] = { 0 };
    struct process_port port = slurm_twin_process(b->twin);
    (void)snprintf(words, sizeof(words), "%s", line);
    uint32_t n = 0;
    for (char *at = words; at && n < 15; n++) {
        argv[n] = at;
        at = strchr(at, '|');
        if (at)
            *at++ = '\0';
    }
    const struct process_request q = { .argv = argv, .deadline_ns = 10 * S };
    b->answered = false;
    assert_int_equal(port.start(port.self, &q, done, b, NULL), 0);
    for (int i = 0; i < 2000 && !b->answered; i++)
        pass(b, 10 * MW_NS_PER_MS);
    assert_true(b->answered);
    return b->exit_code;
}

/* The value of a key in what the last command printed of a thing ("NodeName=n1"). */
static const char *field(struct bench *b, const char *of, const char *key)
{
    static char value[256];
    char wanted[64];
    const char *line = strstr(b->out, of);
    assert_non_null(line);
    (void)snprintf(wanted, sizeof(wanted), " %s=", key);
    const char *at = strstr(line, wanted);
    const char *end = strchr(line, '\n');
    assert_true(at && end && at < end);
    at += strlen(wanted);
    (void)snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, " \n"), at);
    return value;
}

static const char *node_state(struct bench *b, const char *node)
{
    char of[32];
    (void)snprintf(of, sizeof(of), "NodeName=%s ", node);
    assert_int_equal(run(b, "scontrol|-o|show|node"), 0);
    return field(b, of, "State");
}

static const char *job(struct bench *b, const char *key)
{
    assert_int_equal(run(b, "scontrol|-o|show|job|1"), 0);
    return field(b, "JobId=1 ", key);
}

static void a_job_gets_the_first_free_nodes_and_ends(void **state)
{
    (void)state;
    struct bench b = bench_make(1);
    assert_int_equal(slurm_twin_sbatch(b.twin, 2, 5 * S), 1);
    assert_string_equal(job(&b, "JobState"), "PENDING");
    assert_string_equal(job(&b, "StartTime"), "Unknown");
    pass(&b, S);
    assert_string_equal(job(&b, "JobState"), "RUNNING");
    assert_string_equal(job(&b, "NodeList"), "n[1-2]");
    assert_string_equal(job(&b, "SubmitTime"), "2026-11-22T11:00:00");
    assert_string_equal(node_state(&b, "n2"), "ALLOCATED");
    assert_string_equal(node_state(&b, "n3"), "IDLE");
    pass(&b, 6 * S);
    assert_string_equal(job(&b, "JobState"), "COMPLETED");
    assert_string_equal(job(&b, "NodeList"), "n[1-2]");
    pass(&b, 300 * S);
    assert_int_equal(run(&b, "scontrol|-o|show|job|1"), 1);
    assert_string_equal(b.err, "slurm_load_jobs error: Invalid job id specified\n");
    assert_int_equal(run(&b, "scontrol|-o|show|job"), 0);
    assert_string_equal(b.out, "No jobs in the system\n");
    slurm_twin_destroy(b.twin);
}

static void a_node_set_down_puts_its_job_back_with_a_hold_that_starttime_lifts(void **state)
{
    (void)state;
    struct bench b = bench_make(1);
    slurm_twin_sbatch(b.twin, 2, 500 * S);
    pass(&b, S);
    slurm_twin_slurmd(b.twin, 0, false);
    assert_int_equal(run(&b, "scontrol|update|NodeName=n1|State=DRAIN|Reason=mw:x y"), 0);
    assert_string_equal(node_state(&b, "n1"), "ALLOCATED+DRAIN");
    assert_int_equal(run(&b, "scontrol|update|NodeName=n1|State=DOWN|Reason=mw:x y"), 0);
    assert_string_equal(node_state(&b, "n1"), "DOWN+DRAIN");
    assert_non_null(strstr(b.out, "ExtSensorsTemp=n/s Reason=mw:x y [root@2026-11-22T11:00:01]"));
    assert_string_equal(job(&b, "JobState"), "COMPLETING");
    assert_string_equal(job(&b, "NodeList"), "n2");
    pass(&b, S);
    assert_string_equal(job(&b, "JobState"), "PENDING");
    assert_string_equal(job(&b, "Restarts"), "1");
    assert_string_equal(job(&b, "Reason"), "BeginTime");
    assert_string_equal(job(&b, "EligibleTime"), "2026-11-22T11:02:02");
    assert_int_equal(run(&b, "scontrol|update|JobId=1|StartTime=now|ExcNodeList=n[3,1]"), 0);
    pass(&b, S);
    assert_string_equal(job(&b, "JobState"), "RUNNING");
    assert_string_equal(job(&b, "NodeList"), "n[2,4]");
    assert_string_equal(job(&b, "ExcNodeList"), "n[1,3]");
    assert_string_equal(job(&b, "BatchHost"), "n2");
    slurm_twin_destroy(b.twin);
}

static void sinfo_and_squeue_print_the_fields_that_were_asked_for(void **state)
{
    (void)state;
    struct bench b = bench_make(1);
    slurm_twin_sbatch(b.twin, 2, 500 * S);
    slurm_twin_drain(b.twin, 3, "eve", "look, at it");
    pass(&b, S);
    assert_int_equal(run(&b, "sinfo|-h|-a|-O|StateComplete:;,User:;,Timestamp:;,NodeList:;,"
                             "Reason:END"), 0);
    assert_string_equal(b.out, "allocated;Unknown;Unknown;n[1-2];noneEND\n"
                               "idle;Unknown;Unknown;n3;noneEND\n"
                               "idle+drain;eve;2026-11-22T11:00:00;n4;look, at itEND\n");
    assert_int_equal(run(&b, "squeue|-h|-a|-t|all|-O|JobID:;,State:;,NodeList:;,RestartCnt:;,"
                             "tres-per-node:;,NumNodes:"), 0);
    assert_string_equal(b.out, "1;RUNNING;n[1-2];0;gres:gpu:8;2\n");
    assert_int_equal(run(&b, "squeue|-h|-a|-t|all|-j|1|-o|%x"), 0);
    assert_string_equal(b.out, "\n");
    assert_int_equal(run(&b, "squeue|-h|-a|-t|all|-j|9|-o|%x"), 1);
    assert_int_equal(run(&b, "squeue|-h|-O|NoSuchField:"), 1);
    slurm_twin_destroy(b.twin);
}

static void a_start_time_given_while_the_job_is_completing_is_lost(void **state)
{
    (void)state;
    struct bench b = bench_make(1);
    slurm_twin_sbatch(b.twin, 3, 500 * S);
    pass(&b, S);
    assert_int_equal(run(&b, "scontrol|requeue|1"), 0);
    assert_int_equal(run(&b, "scontrol|update|JobId=1|StartTime=now"), 0);
    pass(&b, S);
    assert_string_equal(job(&b, "Reason"), "BeginTime");
    pass(&b, 121 * S);
    assert_string_equal(job(&b, "JobState"), "RUNNING");
    assert_int_equal(run(&b, "scontrol|update|JobId=1|StartTime=now"), 1);
    assert_string_equal(b.err, "Job is no longer pending execution for job 1\n");
    slurm_twin_destroy(b.twin);
}

static void a_down_node_that_lives_returns_as_the_configuration_says(void **state)
{
    (void)state;
    for (uint8_t rts = 1; rts <= 2; rts++) {
        struct bench b = bench_make(rts);
        assert_int_equal(run(&b, "scontrol|update|NodeName=n3|State=DOWN|Reason=mw:x"), 0);
        pass(&b, 5 * S);
        assert_string_equal(node_state(&b, "n3"), rts == 2 ? "IDLE" : "DOWN");
        assert_int_equal(run(&b, "scontrol|update|NodeName=n4|State=DRAIN|Reason=mw:x"), 0);
        assert_int_equal(run(&b, "scontrol|update|NodeName=n4|State=DOWN|Reason=mw:x"), 0);
        pass(&b, 5 * S);
        assert_string_equal(node_state(&b, "n4"), rts == 2 ? "IDLE+DRAIN" : "DOWN+DRAIN");
        assert_int_equal(run(&b, "scontrol|update|NodeName=n4|State=RESUME"), 0);
        assert_string_equal(node_state(&b, "n4"), "IDLE+NOT_RESPONDING");
        pass(&b, S);
        assert_string_equal(node_state(&b, "n4"), "IDLE");
        slurm_twin_destroy(b.twin);
    }
}

static void a_dead_slurmd_is_found_late_and_its_node_returns_by_itself(void **state)
{
    (void)state;
    struct bench b = bench_make(1);
    slurm_twin_sbatch(b.twin, 1, 500 * S);
    pass(&b, S);
    slurm_twin_slurmd(b.twin, 0, false);
    pass(&b, 9 * S);
    assert_string_equal(node_state(&b, "n1"), "ALLOCATED");
    pass(&b, 2 * S);
    assert_string_equal(node_state(&b, "n1"), "ALLOCATED+NOT_RESPONDING");
    pass(&b, 10 * S);
    assert_string_equal(node_state(&b, "n1"), "DOWN+NOT_RESPONDING");
    assert_non_null(strstr(b.out, "Reason=Not responding [root@"));
    assert_string_equal(job(&b, "Restarts"), "1");
    slurm_twin_slurmd(b.twin, 0, true);
    pass(&b, S);
    assert_string_equal(node_state(&b, "n1"), "IDLE");
    assert_null(strstr(b.out, "Reason="));
    slurm_twin_destroy(b.twin);
}

static void commands_try_again_while_slurmctld_is_away(void **state)
{
    (void)state;
    struct bench b = bench_make(1);
    slurm_twin_drain(b.twin, 1, "eve", "look at it");
    slurm_twin_ctld(b.twin, false);
    int64_t before = b.now_ns;
    assert_int_equal(run(&b, "scontrol|-o|show|node"), 1);
    assert_string_equal(b.err, "slurm_load_node error: Unable to contact slurm controller "
                               "(connect failure)\n");
    assert_in_range(b.now_ns - before, 8 * S, 10 * S);
    slurm_twin_ctld(b.twin, true);
    assert_string_equal(node_state(&b, "n1"), "UNKNOWN");
    assert_string_equal(node_state(&b, "n2"), "UNKNOWN+DRAIN");
    pass(&b, 4 * S);
    assert_string_equal(node_state(&b, "n2"), "IDLE+DRAIN");
    assert_non_null(strstr(b.out, "Reason=look at it [eve@2026-11-22T11:00:00]"));
    slurm_twin_destroy(b.twin);
}

static void what_slurm_refuses_is_refused_in_its_words(void **state)
{
    (void)state;
    struct bench b = bench_make(1);
    slurm_twin_sbatch(b.twin, 1, 500 * S);
    assert_int_equal(run(&b, "scontrol|update|NodeName=n1|State=RESUME"), 1);
    assert_string_equal(b.err, "slurm_update error: Invalid node state specified\n");
    assert_int_equal(run(&b, "scontrol|update|NodeName=n9|State=DRAIN|Reason=x"), 1);
    assert_string_equal(b.err, "slurm_update error: Invalid node name specified\n");
    assert_int_equal(run(&b, "scontrol|update|NodeName=n1|State=DRAIN"), 1);
    assert_string_equal(b.err, "You must specify a reason when DOWNING or DRAINING a node. "
                               "Request denied\n");
    assert_int_equal(run(&b, "scontrol|requeue|9"), 1);
    assert_string_equal(b.err, "Invalid job id specified for job 9\n");
    assert_int_equal(run(&b, "scontrol|requeue|1"), 1);
    assert_string_equal(b.err, "Job is pending execution for job 1\n");
    slurm_twin_scancel(b.twin, 1);
    assert_int_equal(run(&b, "scontrol|update|JobId=1|StartTime=now"), 1);
    assert_string_equal(b.err, "Job has already finished for job 1\n");
    assert_int_equal(slurm_twin_changes(b.twin), 0);
    slurm_twin_destroy(b.twin);
}

static void a_held_job_waits_and_a_required_node_is_waited_for(void **state)
{
    (void)state;
    struct bench b = bench_make(1);
    slurm_twin_sbatch(b.twin, 2, 500 * S);
    assert_int_equal(run(&b, "scontrol|hold|1"), 0);
    pass(&b, 2 * S);
    assert_string_equal(job(&b, "Reason"), "JobHeldAdmin");
    assert_int_equal(run(&b, "scontrol|update|JobId=1|ReqNodeList=n[3-4]"), 0);
    assert_int_equal(run(&b, "squeue|-h|-a|-t|all|-j|1|-o|%n"), 0);
    assert_string_equal(b.out, "n[3-4]\n");
    slurm_twin_drain(b.twin, 3, "eve", "mine");
    assert_int_equal(run(&b, "scontrol|release|1"), 0);
    pass(&b, 2 * S);
    assert_string_equal(job(&b, "Reason"), "Resources");
    slurm_twin_resume(b.twin, 3);
    pass(&b, 2 * S);
    assert_string_equal(job(&b, "NodeList"), "n[3-4]");
    slurm_twin_destroy(b.twin);
}

static void nothing_starts_on_reserved_nodes_until_it_is_over(void **state)
{
    (void)state;
    struct bench b = bench_make(1);
    const char *create = "scontrol|create|reservation|ReservationName=mw_7|StartTime=now|"
                         "Duration=1|Users=root|Flags=MAINT,IGNORE_JOBS|Nodes=n[1-3]";
    assert_int_equal(run(&b, "scontrol|-o|show|reservation"), 0);
    assert_string_equal(b.out, "No reservations in the system\n");
    assert_int_equal(run(&b, create), 0);
    assert_int_equal(run(&b, create), 1);
    assert_string_equal(b.err, "Error creating the reservation: Duplicate reservation name\n");
    assert_int_equal(run(&b, "scontrol|-o|show|reservation"), 0);
    assert_non_null(strstr(b.out, "ReservationName=mw_7 StartTime=2026-11-22T11:00:00 "));
    assert_non_null(strstr(b.out, " Nodes=n[1-3] "));
    assert_string_equal(node_state(&b, "n1"), "IDLE+MAINTENANCE+RESERVED");
    slurm_twin_sbatch(b.twin, 2, 500 * S);
    pass(&b, 5 * S);
    assert_string_equal(job(&b, "Reason"), "Resources");
    assert_int_equal(run(&b, "scontrol|delete|ReservationName=mw_8"), 1);
    pass(&b, 60 * S);
    assert_string_equal(job(&b, "JobState"), "RUNNING");
    assert_int_equal(run(&b, "scontrol|delete|ReservationName=mw_7"), 1);
    slurm_twin_destroy(b.twin);
}

static void a_lost_command_has_no_effect_and_an_unanswered_one_has(void **state)
{
    (void)state;
    for (int lost = 0; lost < 2; lost++) {
        struct bench b = bench_make(1);
        slurm_twin_faults(b.twin, lost ? 1000 : 0, lost ? 0 : 1000);
        (void)run(&b, "scontrol|update|NodeName=n1|State=DRAIN|Reason=mw:x");
        assert_true(b.timed_out || b.exit_code == 1);
        assert_string_equal(b.out, "");
        slurm_twin_faults(b.twin, 0, 0);
        assert_string_equal(node_state(&b, "n1"), lost ? "IDLE" : "IDLE+DRAIN");
        assert_int_equal(slurm_twin_node(b.twin, 0).in, lost);
        slurm_twin_destroy(b.twin);
    }
}

static void what_a_command_does_to_a_persons_drain_is_counted(void **state)
{
    (void)state;
    struct bench b = bench_make(1);
    slurm_twin_drain(b.twin, 0, "eve", "mine");
    slurm_twin_drain(b.twin, 1, "root", "mw:x");
    (void)run(&b, "scontrol|update|NodeName=n1|State=DOWN|Reason=mw:x");
    assert_int_equal(slurm_twin_node(b.twin, 0).overwritten, 0); /* nobody had told of it */
    slurm_twin_drain(b.twin, 0, "eve", "mine");
    (void)run(&b, "scontrol|-o|show|node");
    (void)run(&b, "scontrol|update|NodeName=n1|State=DOWN|Reason=mw:x");
    assert_int_equal(slurm_twin_node(b.twin, 0).overwritten, 1);
    slurm_twin_drain(b.twin, 0, "eve", "mine");
    (void)run(&b, "scontrol|-o|show|node");
    (void)run(&b, "scontrol|update|NodeName=n[1-2]|State=RESUME");
    assert_int_equal(slurm_twin_node(b.twin, 0).overwritten, 1);
    assert_int_equal(slurm_twin_node(b.twin, 0).lifted, 1);
    assert_int_equal(slurm_twin_node(b.twin, 1).lifted, 0);
    slurm_twin_destroy(b.twin);
}

static void told(void *ctx, uint32_t node, enum twin_tell what, const char *text)
{
    struct bench *b = ctx;
    size_t n = strlen(b->told);
    if (what != TWIN_BEAT)
        (void)snprintf(b->told + n, sizeof(b->told) - n, "%u:%d%s ", node, what, text);
}

static void agents_tell_what_happens_on_their_nodes(void **state)
{
    (void)state;
    struct bench b = bench_make(1);
    slurm_twin_listen(b.twin, told, &b);
    pass(&b, S);
    assert_non_null(strstr(b.told, "3:1 3:3slurmd "));
    b.told[0] = '\0';
    slurm_twin_slurmd(b.twin, 2, false);
    slurm_twin_kernel(b.twin, 1, "NVRM: Xid");
    pass(&b, S);
    assert_string_equal(b.told, "1:5NVRM: Xid 2:4slurmd ");
    b.told[0] = '\0';
    slurm_twin_agent(b.twin, 2, false);
    slurm_twin_kernel(b.twin, 2, "unheard");
    pass(&b, S);
    slurm_twin_agent(b.twin, 2, true);
    pass(&b, S);
    assert_string_equal(b.told, "2:6 2:1 2:4slurmd ");
    slurm_twin_destroy(b.twin);
}

static void running_out_of_memory_leaves_nothing(void **state)
{
    (void)state;
    struct bench b = bench_make(1);
    struct process_port port = slurm_twin_process(b.twin);
    static const char *const ARGV[] = { "scontrol", "ping", NULL };
    const struct process_request q = { .argv = ARGV, .deadline_ns = S };
    for (int64_t k = 0; k < 3; k++) {
        mw_mem_fail_after(k);
        assert_int_equal(port.start(port.self, &q, done, &b, NULL), MW_ENOMEM);
    }
    mw_mem_fail_after(-1);
    static const char *const NO[] = { "rm", NULL };
    const struct process_request other = { .argv = NO, .deadline_ns = S };
    assert_int_equal(port.start(port.self, &other, done, &b, NULL), MW_ENOTFOUND);
    pass(&b, S);
    assert_false(b.answered);
    slurm_twin_destroy(b.twin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_gets_the_first_free_nodes_and_ends),
        cmocka_unit_test(a_node_set_down_puts_its_job_back_with_a_hold_that_starttime_lifts),
        cmocka_unit_test(sinfo_and_squeue_print_the_fields_that_were_asked_for),
        cmocka_unit_test(a_start_time_given_while_the_job_is_completing_is_lost),
        cmocka_unit_test(a_down_node_that_lives_returns_as_the_configuration_says),
        cmocka_unit_test(a_dead_slurmd_is_found_late_and_its_node_returns_by_itself),
        cmocka_unit_test(commands_try_again_while_slurmctld_is_away),
        cmocka_unit_test(what_slurm_refuses_is_refused_in_its_words),
        cmocka_unit_test(a_held_job_waits_and_a_required_node_is_waited_for),
        cmocka_unit_test(nothing_starts_on_reserved_nodes_until_it_is_over),
        cmocka_unit_test(a_lost_command_has_no_effect_and_an_unanswered_one_has),
        cmocka_unit_test(what_a_command_does_to_a_persons_drain_is_counted),
        cmocka_unit_test(agents_tell_what_happens_on_their_nodes),
        cmocka_unit_test(running_out_of_memory_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
