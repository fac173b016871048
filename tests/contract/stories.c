/* What can happen on a cluster; see stories.h. */
#include "tests/contract/stories.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RUN_S 900 /* longer than any story */
#define XID_79                                                                                    \
    "NVRM: Xid (PCI:0000:19:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus."
#define XID_63                                                                                    \
    "NVRM: Xid (PCI:0000:19:00): 63, pid='<unknown>', name=<unknown>, Row Remapper: New row "     \
    "(0x0000000000000001) marked for remapping, reset gpu to activate."

/* ---- pieces ---------------------------------------------------------------------------------- */

static uint32_t running_job(struct stage *s, uint32_t nodes)
{
    uint32_t job = stage_sbatch(s, nodes, RUN_S);
    stage_await(s, stage_job_runs, job, 1, "the job to run");
    return job;
}

static void dies(struct stage *s, uint32_t node)
{
    s->world.node(s->world.self, node, false);
}

/* All is answered, and what Slurm says of it was seen. */
static void settle(struct stage *s)
{
    stage_await(s, stage_quiet, 0, 0, "every order to be answered");
    stage_pass(s, 1200 * MW_NS_PER_MS);
    assert_true(stage_quiet(s, 0, 0));
}

static void runs_again(struct stage *s, uint32_t job, uint32_t attempt)
{
    stage_await(s, stage_job_runs, job, attempt, "the job to run again");
    settle(s);
    assert_true(stage_job_runs(s, job, attempt));
}

static bool gang_has(const struct stage *s, uint32_t job, uint32_t node)
{
    uint32_t i = 0;
    while (stage_gang(s, job, i) != MW_NONE && stage_gang(s, job, i) != node)
        i++;
    return stage_gang(s, job, i) == node;
}

/* Slurm itself says of the node's reason that it begins so. */
static void expect_reason(struct stage *s, uint32_t node, const char *begin)
{
    char reason[256];
    s->world.reason(s->world.self, node, reason, sizeof(reason));
    if (strncmp(reason, begin, strlen(begin)) != 0)
        fail_msg("%s: the reason is \"%s\" and should begin with \"%s\"", s->world.name, reason,
                 begin);
}

static uint8_t out(enum node_service service, enum service_owner owner)
{
    return (uint8_t)(service | owner << 4);
}

/* ---- stories --------------------------------------------------------------------------------- */

static void node_dies_under_a_job(struct stage *s)
{
    uint32_t job = running_job(s, 2), bad = stage_gang(s, job, 0);
    dies(s, bad);
    runs_again(s, job, 2);
    assert_false(gang_has(s, job, bad));
    assert_true(stage_node_is(s, bad, HEALTH_DOWN));
    assert_int_equal(stage_count_orders(s, EV_ENGINE_ORDER, ENGINE_DOWN, bad), 1);
    assert_int_equal(stage_count_orders(s, EV_ENGINE_ORDER, ENGINE_REQUEUE, MW_NONE), 1);
    expect_reason(s, bad, "mw:node-silent ");
}

static void slurmd_alone_dies(struct stage *s)
{
    uint32_t job = running_job(s, 2), bad = stage_gang(s, job, 1);
    s->world.slurmd(s->world.self, bad, false);
    runs_again(s, job, 2);
    expect_reason(s, bad, "mw:slurmd ");
}

static void xid_79(struct stage *s)
{
    uint32_t job = running_job(s, 2), bad = stage_gang(s, job, 1);
    s->world.kernel(s->world.self, bad, XID_79);
    runs_again(s, job, 2);
    assert_false(gang_has(s, job, bad));
    assert_int_equal(stage_count(s, EV_ORDER_OPENED), 1);
    expect_reason(s, bad, "mw:gpu ");
}

static void two_nodes_of_one_job_die_at_once(struct stage *s)
{
    uint32_t job = running_job(s, 4), a = stage_gang(s, job, 1), b = stage_gang(s, job, 2);
    dies(s, a);
    stage_pass(s, 300 * MW_NS_PER_MS); /* so that a is found first, and b is dead by then */
    dies(s, b);
    runs_again(s, job, 2);
    assert_false(gang_has(s, job, a) || gang_has(s, job, b));
    assert_int_equal(stage_count_orders(s, EV_ENGINE_ORDER, ENGINE_REQUEUE, MW_NONE), 1);
}

static void nodes_of_two_jobs_fail_at_once(struct stage *s)
{
    uint32_t one = running_job(s, 2), two = running_job(s, 3);
    uint32_t a = stage_gang(s, one, 0), b = stage_gang(s, two, 0);
    dies(s, a);
    s->world.kernel(s->world.self, b, XID_79);
    stage_await(s, stage_job_runs, one, 2, "the first job to run again");
    runs_again(s, two, 2);
    assert_true(stage_job_runs(s, one, 2));
    assert_int_equal(stage_count_orders(s, EV_ENGINE_ORDER, ENGINE_REQUEUE, MW_NONE), 2);
}

static void fault_during_a_drain(struct stage *s)
{
    uint32_t job = running_job(s, 2), bad = stage_gang(s, job, 0);
    s->world.kernel(s->world.self, bad, XID_63);
    stage_await(s, stage_node_served, bad, out(SERVICE_DRAIN, OWNER_OURS), "the drain");
    settle(s);
    assert_true(stage_job_runs(s, job, 1)); /* a drain lets it go on */
    expect_reason(s, bad, "mw:gpu-soon ");
    dies(s, bad);
    runs_again(s, job, 2);
    /* repairing: its BMC is asked to act, until it is known that nobody is there who could */
    assert_true(stage_node_is(s, bad, HEALTH_DOWN) || stage_node_is(s, bad, HEALTH_REPAIRING));
}

static void person_drains_before_the_fault(struct stage *s)
{
    uint32_t job = running_job(s, 2), bad = stage_gang(s, job, 0);
    s->world.drain(s->world.self, bad, "mine: memory test at noon");
    stage_await(s, stage_node_served, bad, out(SERVICE_DRAIN, OWNER_OTHERS), "the person's drain");
    dies(s, bad);
    stage_await(s, stage_recorded, EV_INCIDENT_OPENED, 1, "an incident");
    stage_pass(s, 2 * MW_NS_PER_S); /* the job waits for what only the person may do: set it down */
    expect_reason(s, bad, "mine: ");
}

static void person_drains_what_we_put_down(struct stage *s)
{
    uint32_t job = running_job(s, 2), bad = stage_gang(s, job, 1);
    s->world.slurmd(s->world.self, bad, false);
    runs_again(s, job, 2);
    s->world.drain(s->world.self, bad, "mine: I look at it");
    stage_await(s, stage_node_served, bad, out(SERVICE_DOWN, OWNER_OTHERS), "the person's drain");
    s->world.slurmd(s->world.self, bad, true);
    stage_await(s, stage_recorded, EV_FINDING_CLOSED, 1, "slurmd to be seen back");
    stage_pass(s, 2500 * MW_NS_PER_MS); /* probation ends, and ours would be lifted */
    settle(s);
    expect_reason(s, bad, "mine: ");
}

static void daemon_killed_between_decision_and_action(struct stage *s)
{
    uint32_t job = running_job(s, 2), bad = stage_gang(s, job, 0);
    s->kill_at_order = true;
    dies(s, bad);
    runs_again(s, job, 2);
    assert_int_equal(s->kills, 1);
    assert_int_equal(stage_count_orders(s, EV_ENGINE_ORDER, ENGINE_DOWN, bad), 1);
    assert_int_equal(stage_count_orders(s, EV_ENGINE_ANSWERED, ENGINE_DOWN, bad), 1);
    assert_int_equal(stage_count_orders(s, EV_ENGINE_ANSWERED, ENGINE_REQUEUE, MW_NONE), 1);
}

static void node_dies_while_the_daemon_is_dead(struct stage *s)
{
    uint32_t job = running_job(s, 2), bad = stage_gang(s, job, 0);
    dies(s, bad);
    stage_kill(s); /* nobody has heard the silence yet, and nobody will hear that agent again */
    runs_again(s, job, 2);
    assert_int_equal(s->kills, 1);
    assert_true(stage_node_is(s, bad, HEALTH_DOWN));
}

static void slurmctld_restarts_in_the_middle(struct stage *s)
{
    uint32_t job = running_job(s, 2), bad = stage_gang(s, job, 0);
    s->world.ctld(s->world.self, false);
    dies(s, bad);
    stage_pass(s, 2 * MW_NS_PER_S);
    s->world.ctld(s->world.self, true);
    runs_again(s, job, 2);
    assert_false(gang_has(s, job, bad));
    for (uint32_t n = 0; n < WORLD_NODES; n++) /* the others were never anything but ready */
        assert_true(stage_node_is(s, n, n == bad ? HEALTH_DOWN : HEALTH_READY));
}

static void nothing_goes_out_in_observe_mode(struct stage *s)
{
    uint32_t job = running_job(s, 2), bad = stage_gang(s, job, 0);
    dies(s, bad);
    stage_await(s, stage_recorded, EV_ADVICE, 1, "advice");
    settle(s);
    assert_true(stage_job_runs(s, job, 1)); /* as far as Slurm says */
    assert_int_equal(stage_count(s, EV_ENGINE_ORDER), 0);
    expect_reason(s, bad, "");
}

static void node_returns(struct stage *s)
{
    uint32_t job = running_job(s, 2), bad = stage_gang(s, job, 0);
    dies(s, bad);
    stage_await(s, stage_job_runs, job, 2, "the job to run again");
    s->world.node(s->world.self, bad, true);
    stage_await(s, stage_node_is, bad, HEALTH_READY, "the node to be ready");
    stage_await(s, stage_no_incidents, 0, 0, "the incident to be closed");
    settle(s);
    assert_true(stage_node_served(s, bad, SERVICE_IN));
    uint32_t all = running_job(s, WORLD_NODES - 2); /* and takes jobs */
    assert_true(gang_has(s, all, bad));
    s->world.scancel(s->world.self, s->job[all]);
    stage_await(s, stage_job_over, all, 0, "the cancelled job to end");
}

const struct story STORIES[] = {
    { "a node dies under a job", node_dies_under_a_job, MODE_ACT },
    { "slurmd alone dies", slurmd_alone_dies, MODE_ACT },
    { "Xid 79", xid_79, MODE_ACT },
    { "two nodes of one job die at once", two_nodes_of_one_job_die_at_once, MODE_ACT },
    { "nodes of two jobs fail at once", nodes_of_two_jobs_fail_at_once, MODE_ACT },
    { "a fault during a drain", fault_during_a_drain, MODE_ACT },
    { "a person drains before the fault", person_drains_before_the_fault, MODE_ACT },
    { "a person drains what we put down", person_drains_what_we_put_down, MODE_ACT },
    { "the daemon is killed between decision and action",
      daemon_killed_between_decision_and_action, MODE_ACT },
    { "a node dies while the daemon is dead", node_dies_while_the_daemon_is_dead, MODE_ACT },
    { "slurmctld restarts in the middle", slurmctld_restarts_in_the_middle, MODE_ACT },
    { "nothing goes out in observe mode", nothing_goes_out_in_observe_mode, MODE_OBSERVE },
    { "a node returns", node_returns, MODE_ACT },
};
const uint32_t STORY_COUNT = MW_ARRAY_LEN(STORIES);

void story_run(const struct story *story, const struct world *w, struct stage *s)
{
    stage_open(s, w, story->mode);
    story->tell(s);
    if (story->mode != MODE_ACT)
        assert_int_equal(s->changes, 0);
    assert_int_equal(live_slurm_stats(s->live).lines_bad, 0);
    stage_rederive(s);
}
