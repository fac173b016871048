/* Where the time of every GPU went, and what it cost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/units.h"
#include "control/rig.h"
#include "core/journal_memory.h"
#include "fleet/site.h"

#define NODES 8
#define HOUR MW_MS_PER_HOUR
#define MIN MW_MS_PER_MIN

static struct account_totals totals(const struct rig *r)
{
    struct account_totals t;
    account_settle(r->control->account, r->now_ns, &t);
    rig_check_accounts(r, 0);
    return t;
}

/* A job on `nodes` nodes that runs since `now`. */
static void running(struct rig *r, uint64_t job, uint32_t nodes)
{
    assert_int_equal(rig_job(r, job, nodes, 0), ADMIT_OK);
    rig_wait(r, 0);
    assert_int_equal(rig_running(r, job, 0), ADMIT_OK);
}

static void a_stretch_divides_into_what_was_done_and_what_was_lost(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    assert_int_equal(rig_job(r, 1, NODES, 0), ADMIT_OK);
    rig_wait(r, 0); /* placed now */
    rig_wait(r, 3 * RIG_MINUTE);
    rig_wait(r, 5 * RIG_MINUTE);
    assert_int_equal(rig_running(r, 1, 5 * MIN), ADMIT_OK); /* ready after 3, loaded in 5 */
    rig_wait(r, RIG_HOUR);
    assert_int_equal(rig_progress(r, 1, 50 * MIN, 40 * MIN, 4 * MIN), ADMIT_OK);
    struct account_totals t = totals(r);
    assert_int_equal(t.gpu_ms[ACCOUNT_WAITING], 64 * 3 * MIN);
    assert_int_equal(t.gpu_ms[ACCOUNT_RESTART], 64 * 5 * MIN);
    assert_int_equal(t.gpu_ms[ACCOUNT_PRODUCTIVE], 64 * 50 * MIN);
    assert_int_equal(t.gpu_ms[ACCOUNT_CHECKPOINT], 64 * 4 * MIN);
    assert_int_equal(t.gpu_ms[ACCOUNT_DEGRADED], 64 * 6 * MIN);
    assert_int_equal(t.by_cause[CAUSE_CHECKPOINT][ACCOUNT_CHECKPOINT], 64 * 4 * MIN);
    assert_int_equal(t.modelled_gpu_ms, 0);
    rig_wait(r, RIG_HOUR);
    assert_int_equal(rig_progress(r, 1, 105 * MIN, 90 * MIN, 9 * MIN), ADMIT_OK); /* so far */
    t = totals(r);
    assert_int_equal(t.gpu_ms[ACCOUNT_PRODUCTIVE], 64 * 105 * MIN);
    assert_int_equal(t.gpu_ms[ACCOUNT_CHECKPOINT], 64 * 9 * MIN);
    assert_int_equal(t.gpu_ms[ACCOUNT_DEGRADED], 64 * 6 * MIN);
    rig_free(r);
}

static void an_older_checkpoint_than_planned_is_more_to_do_again(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    running(r, 1, NODES);
    rig_wait(r, RIG_HOUR);
    struct body_progress p = { .how = HOW_FAILED, .progress_ms = HOUR, .saved_ms = 40 * MIN,
                               .stopped_ms = mw_ms(r->now_ns), .node = MW_NONE,
                               .class = RIG_KILLS };
    assert_int_equal(rig_ended_by(r, 1, &p), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    struct event ev = { .kind = EV_ATTEMPT_RUNNING, .source = SOURCE_ENGINE };
    ev.body.running = (struct body_running){ .job = 1, .ready_ms = mw_ms(r->now_ns),
                                             .from_ms = 10 * MIN, .slot = rig_slot(r, 1),
                                             .attempt = 2 };
    assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_OK); /* the one of 40 min was not whole */
    rig_wait(r, RIG_HOUR);
    assert_int_equal(rig_progress(r, 1, 70 * MIN, 70 * MIN, 0), ADMIT_OK);
    struct account_totals t = totals(r);
    assert_int_equal(t.gpu_ms[ACCOUNT_RECOMPUTE], 64 * 50 * MIN);
    assert_int_equal(t.gpu_ms[ACCOUNT_PRODUCTIVE], 64 * 70 * MIN);
    rig_free(r);
}

static void bug_a_hang_without_a_node_names_its_class(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    running(r, 1, NODES);
    rig_wait(r, RIG_HOUR);
    struct body_progress p = { .how = HOW_FAILED, .stopped_ms = mw_ms(r->now_ns) - HOUR,
                               .node = MW_NONE, .class = RIG_IN_PLACE };
    assert_int_equal(rig_ended_by(r, 1, &p), ADMIT_OK);
    struct account_totals t = totals(r);
    assert_int_equal(t.by_cause[RIG_IN_PLACE][ACCOUNT_HUNG], 64 * HOUR);
    rig_free(r);
}

/* Nodes of four GPUs beside nodes of eight: a gang may find fewer than it asked for. */
static void bug_a_gang_on_smaller_nodes_than_it_asked_for_is_accounted_for(void **state)
{
    (void)state;
    struct text yaml = { 0 };
    struct fleet *f = NULL;
    struct journal *j = NULL;
    struct problems problems = { 0 };
    assert_int_equal(site_new("mixed", 300, &yaml, NULL), 0);
    const struct site_source source = { .yaml = yaml.data, .size = yaml.length, .name = "mixed" };
    assert_int_equal(site_load(&source, &f, &problems, NULL), 0);
    assert_int_equal(journal_memory_create(NULL, &j), 0);
    const struct control_policy p = rig_policy();
    struct rig *r = rig_make_on(f, &p, j, false);
    r->own_fleet = true;
    uint32_t nodes = f->count[COMPONENT_NODE];
    assert_true(f->gpus_total < nodes * 8);
    assert_int_equal(rig_job(r, 1, nodes, 0), ADMIT_OK); /* asks for eight on each */
    rig_wait(r, 0);
    assert_int_equal(rig_running(r, 1, 0), ADMIT_OK);
    rig_wait(r, RIG_HOUR);
    assert_int_equal(rig_ended(r, 1, HOW_DONE, HOUR, HOUR, 0), ADMIT_OK);
    struct account_totals t = totals(r);
    assert_int_equal(t.gpu_ms[ACCOUNT_PRODUCTIVE], (int64_t)f->gpus_total * HOUR);
    rig_free(r);
    text_fini(&yaml);
    problems_fini(&problems);
}

static void work_done_again_is_not_productive_until_it_passes_where_it_was(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    running(r, 1, NODES);
    rig_wait(r, RIG_HOUR);
    struct body_progress p = { .how = HOW_FAILED, .progress_ms = HOUR, .saved_ms = 20 * MIN,
                               .stopped_ms = mw_ms(r->now_ns), .node = MW_NONE,
                               .class = RIG_KILLS };
    assert_int_equal(rig_ended_by(r, 1, &p), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    assert_int_equal(rig_running(r, 1, 0), ADMIT_OK);
    rig_wait(r, RIG_HOUR / 2);
    assert_int_equal(rig_progress(r, 1, 50 * MIN, 20 * MIN, 0), ADMIT_OK);
    struct account_totals t = totals(r);
    assert_int_equal(t.gpu_ms[ACCOUNT_PRODUCTIVE], 64 * HOUR);
    assert_int_equal(t.gpu_ms[ACCOUNT_RECOMPUTE], 64 * 30 * MIN);
    assert_int_equal(t.by_cause[RIG_KILLS][ACCOUNT_RECOMPUTE], 64 * 30 * MIN);
    rig_wait(r, RIG_HOUR / 2);
    assert_int_equal(rig_progress(r, 1, 80 * MIN, 20 * MIN, 0), ADMIT_OK);
    t = totals(r);
    assert_int_equal(t.gpu_ms[ACCOUNT_RECOMPUTE], 64 * 40 * MIN);
    assert_int_equal(t.gpu_ms[ACCOUNT_PRODUCTIVE], 64 * (60 + 20) * MIN);
    rig_free(r);
}

static void standing_still_before_it_is_noticed_is_hung_and_names_the_incident(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    running(r, 1, NODES);
    rig_wait(r, RIG_HOUR);
    rig_finding(r, 2, RIG_KILLS);
    struct body_progress p = { .how = HOW_STOPPED, .progress_ms = 50 * MIN, .saved_ms = 50 * MIN,
                               .stopped_ms = mw_ms(r->now_ns) - 10 * MIN, .node = 2,
                               .class = RIG_KILLS };
    assert_int_equal(rig_ended_by(r, 1, &p), ADMIT_OK);
    struct account_totals t = totals(r);
    assert_int_equal(t.gpu_ms[ACCOUNT_HUNG], 64 * 10 * MIN);
    assert_int_equal(t.gpu_ms[ACCOUNT_PRODUCTIVE], 64 * 50 * MIN);
    assert_int_equal(t.by_cause[RIG_KILLS][ACCOUNT_HUNG], 64 * 10 * MIN);
    assert_int_equal(account_node_lost(r->control->account, 2), 64 * 10 * MIN);
    uint32_t slot = rig_last(r, EV_INCIDENT_OPENED)->ev.body.incident.slot;
    assert_int_equal(r->control->board->incident_lost_gpu_ms[slot], 64 * 10 * MIN);
    rig_free(r);
}

static void bug_a_jobs_own_hang_is_not_charged_to_the_incident_before(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    running(r, 1, 4);
    rig_finding(r, 0, RIG_KILLS);
    struct body_progress p = { .how = HOW_STOPPED, .stopped_ms = mw_ms(r->now_ns), .node = 0,
                               .class = RIG_KILLS };
    assert_int_equal(rig_ended_by(r, 1, &p), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    assert_int_equal(rig_running(r, 1, 0), ADMIT_OK);
    rig_wait(r, RIG_HOUR);
    assert_int_equal(rig_ended(r, 1, HOW_FAILED, 0, 0, HOUR), ADMIT_OK); /* its own error */
    struct account_totals t = totals(r);
    assert_int_equal(t.gpu_ms[ACCOUNT_HUNG], 32 * HOUR);
    assert_int_equal(t.by_cause[RIG_KILLS][ACCOUNT_HUNG], 0);
    assert_int_equal(t.by_cause[CAUSE_NONE][ACCOUNT_HUNG], 32 * HOUR);
    rig_free(r);
}

static void gpus_that_a_job_did_not_ask_for_are_idle(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    struct event ev = rig_job_event(1, 2, 0);
    ev.body.job.gpus = 11;
    assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_OK);
    rig_wait(r, 0);
    assert_int_equal(rig_running(r, 1, 0), ADMIT_OK);
    rig_wait(r, RIG_HOUR);
    assert_int_equal(rig_ended(r, 1, HOW_DONE, HOUR, HOUR, 0), ADMIT_OK);
    struct account_totals t = totals(r);
    assert_int_equal(t.gpu_ms[ACCOUNT_PRODUCTIVE], 11 * HOUR);
    assert_int_equal(t.gpu_ms[ACCOUNT_IDLE], 5 * HOUR + 48 * HOUR);
    rig_free(r);
}

static void the_health_of_a_node_says_what_its_time_was(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    uint64_t f = rig_finding(r, 0, RIG_KILLS);
    rig_wait(r, 1 * RIG_HOUR);
    assert_int_equal(rig_order(r, EV_ORDER_TAKEN, 0, 0), ADMIT_OK);
    rig_wait(r, 2 * RIG_HOUR);
    assert_int_equal(rig_closed(r, 0, f), ADMIT_OK);
    assert_int_equal(rig_order(r, EV_ORDER_ENDED, 0, RESULT_OK), ADMIT_OK);
    rig_wait(r, RIG_HOUR / 2);
    assert_int_equal(rig_gate(r, 0, RESULT_OK), ADMIT_OK);
    rig_wait(r, RIG_HOUR);
    assert_int_equal(rig_command(r, CMD_HOLD, 1, NULL), ADMIT_OK);
    rig_wait(r, RIG_HOUR);
    assert_int_equal(rig_command(r, CMD_RELEASE, 1, NULL), ADMIT_OK);
    struct account_totals t = totals(r);
    assert_int_equal(t.gpu_ms[ACCOUNT_DOWN], 8 * HOUR);
    assert_int_equal(t.gpu_ms[ACCOUNT_REPAIRING], 16 * HOUR);
    assert_int_equal(t.gpu_ms[ACCOUNT_VALIDATING], 12 * HOUR);
    assert_int_equal(t.gpu_ms[ACCOUNT_PLANNED], 8 * HOUR);
    assert_int_equal(t.by_cause[RIG_KILLS][ACCOUNT_DOWN], 8 * HOUR);
    assert_int_equal(rig_last(r, EV_INCIDENT_CLOSED)->ev.body.incident.lost_gpu_ms, 36 * HOUR);
    assert_int_equal(account_node_lost(r->control->account, 0), 36 * HOUR);
    assert_int_equal(t.lost_microdollars, 36 * 2500000);
    assert_true(account_goodput(&t) < 1e-9);
    rig_free(r);
}

static void draining_time_belongs_to_the_job_until_it_lets_go(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    running(r, 1, NODES);
    rig_finding(r, 0, RIG_SLOWS);
    rig_wait(r, RIG_HOUR);
    assert_int_equal(rig_ended(r, 1, HOW_STOPPED, HOUR / 2, HOUR / 2, 0), ADMIT_OK);
    struct account_totals t = totals(r);
    assert_int_equal(t.gpu_ms[ACCOUNT_DRAINING], 0);
    assert_int_equal(t.gpu_ms[ACCOUNT_DEGRADED], 64 * HOUR / 2);
    assert_int_equal(t.by_cause[RIG_SLOWS][ACCOUNT_DEGRADED], 64 * HOUR / 2);
    rig_free(r);
}

static void ettr_counts_the_waits_between_attempts(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    running(r, 1, NODES);
    rig_wait(r, RIG_HOUR);
    struct body_progress p = { .how = HOW_FAILED, .progress_ms = HOUR, .saved_ms = HOUR,
                               .stopped_ms = mw_ms(r->now_ns), .node = 0, .class = RIG_KILLS };
    rig_command(r, CMD_HOLD, 0, NULL);
    assert_int_equal(rig_ended_by(r, 1, &p), ADMIT_OK);
    rig_wait(r, RIG_HOUR); /* seven nodes are not enough */
    struct account_ettr e = account_ettr(r->control->account, r->now_ns, true);
    assert_int_equal(e.wall_gpu_ms, 64 * 2 * HOUR);
    e = account_ettr(r->control->account, r->now_ns, false);
    assert_int_equal(e.wall_gpu_ms, 64 * HOUR);
    rig_command(r, CMD_RELEASE, 0, NULL);
    rig_wait(r, 0);
    assert_int_equal(rig_running(r, 1, 0), ADMIT_OK);
    rig_wait(r, RIG_HOUR);
    assert_int_equal(rig_ended(r, 1, HOW_DONE, 2 * HOUR, 2 * HOUR, 0), ADMIT_OK);
    e = account_ettr(r->control->account, r->now_ns, false);
    assert_int_equal(e.jobs, 1);
    assert_int_equal(e.productive_gpu_ms, 64 * 2 * HOUR);
    assert_int_equal(e.wall_gpu_ms, 64 * 3 * HOUR);
    totals(r);
    rig_free(r);
}

static void an_open_stretch_is_divided_by_the_cadence_and_marked_as_modelled(void **state)
{
    (void)state;
    struct control_policy p = rig_policy();
    p.work.interval_ms = 9 * MIN; /* and a minute to write */
    struct rig *r = rig_make(NODES, &p);
    running(r, 1, NODES);
    rig_wait(r, RIG_HOUR);
    struct account_totals t = totals(r);
    assert_int_equal(t.modelled_gpu_ms, 64 * HOUR);
    assert_int_equal(t.gpu_ms[ACCOUNT_CHECKPOINT], 64 * 6 * MIN);
    assert_int_equal(t.gpu_ms[ACCOUNT_PRODUCTIVE], 64 * 54 * MIN);
    rig_free(r);
}

static void bug_what_an_incident_costs_so_far_counts_hours_that_have_not_ended(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    int64_t of_incident[8], of_node[NODES];
    const struct account_open open = { .incident = of_incident, .node = of_node };
    rig_finding(r, 2, RIG_KILLS);
    uint32_t slot = r->control->board->node_incident[2];
    assert_in_range(r->control->board->incidents_used, 1, 8);
    rig_wait(r, 3 * RIG_HOUR);
    account_open_lost(r->control->account, r->now_ns, &open);
    int64_t gpus = r->control->board->fleet->node_gpus[2];
    assert_int_equal(r->control->board->incident_lost_gpu_ms[slot] + of_incident[slot],
                     3 * HOUR * gpus);
    assert_int_equal(account_node_lost(r->control->account, 2) + of_node[2], 3 * HOUR * gpus);
    assert_int_equal(of_node[1], 0);
    rig_free(r);
}

/* What nodes lost is what their incidents lost, open and closed. */
static void check_losses(const struct rig *r)
{
    const struct board *b = r->control->board;
    int64_t of_nodes = 0, of_incidents = 0;
    for (uint32_t n = 0; n < b->nodes; n++)
        of_nodes += account_node_lost(r->control->account, n);
    for (uint32_t i = 0; i < b->incidents_used; i++)
        if (b->incident_id[i] && b->incident_node[i] != MW_NONE)
            of_incidents += b->incident_lost_gpu_ms[i];
    for (uint32_t i = 0; i < r->log_length; i++) {
        const struct event *ev = &r->log[i].ev;
        if (ev->kind == EV_INCIDENT_CLOSED && ev->body.incident.node != MW_NONE)
            of_incidents += ev->body.incident.lost_gpu_ms;
    }
    assert_int_equal(of_nodes, of_incidents);
}

static void every_millisecond_is_in_one_class_whatever_happens(void **state)
{
    (void)state;
    int64_t sum[ACCOUNT_CLASS_COUNT] = { 0 };
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct rig *r = rig_make(24, NULL);
        struct account_totals was = { 0 }, t;
        for (uint64_t n = 0; n < 400; n++) {
            rig_chaos(r, seed + 1000, n);
            rig_wait(r, 0);
            rig_check_accounts(r, 0);
            rig_check_accounts(r, (int64_t)(mw_random_u64(seed, n, 1, 1) % (7 * RIG_HOUR)));
            account_settle(r->control->account, r->now_ns, &t);
            assert_true(t.wall_gpu_ms >= was.wall_gpu_ms);
            for (uint32_t c = ACCOUNT_SPARE; c < ACCOUNT_CLASS_COUNT; c++)
                assert_true(t.gpu_ms[c] >= was.gpu_ms[c]); /* nothing here is modelled */
            was = t;
        }
        check_losses(r);
        for (uint32_t c = 0; c < ACCOUNT_CLASS_COUNT; c++)
            sum[c] += was.gpu_ms[c];
        rig_free(r);
    }
    for (uint32_t c = 0; c < ACCOUNT_CLASS_COUNT; c++)
        /* The worlds reach every class.  Nothing keeps spares yet, and a suspect node is the job's
         * until it lets go and down from then on. */
        assert_true(sum[c] > 0 || c == ACCOUNT_SPARE || c == ACCOUNT_DRAINING);
}

/* Killed by one fault, then drained for another: what is done again is the first one's doing. */
static void bug_work_done_again_is_booked_to_what_ended_the_attempt_before(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    running(r, 1, 2);
    rig_wait(r, RIG_HOUR);
    rig_finding(r, r->control->board->job_first_node[rig_slot(r, 1)], RIG_KILLS);
    assert_int_equal(rig_ended(r, 1, HOW_STOPPED, HOUR, 0, 0), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    assert_int_equal(rig_running(r, 1, 0), ADMIT_OK);
    rig_wait(r, 30 * RIG_MINUTE);
    rig_finding(r, r->control->board->job_first_node[rig_slot(r, 1)], RIG_SLOWS);
    assert_int_equal(rig_ended(r, 1, HOW_STOPPED, 30 * MIN, 30 * MIN, 0), ADMIT_OK);
    struct account_totals t = totals(r);
    assert_int_equal(t.by_cause[RIG_KILLS][ACCOUNT_RECOMPUTE], 16 * 30 * MIN);
    assert_int_equal(t.by_cause[RIG_SLOWS][ACCOUNT_RECOMPUTE], 0);
    rig_free(r);
}

static void bug_slowness_is_named_also_when_its_incident_is_over(void **state)
{
    (void)state;
    struct rig *r = rig_make(NODES, NULL);
    running(r, 1, 2);
    uint32_t node = r->control->board->job_first_node[rig_slot(r, 1)];
    uint64_t f = rig_finding(r, node, RIG_IN_PLACE);
    rig_wait(r, RIG_HOUR);
    rig_repair(r, node);
    assert_int_equal(rig_closed(r, node, f), ADMIT_OK);
    assert_int_equal(care_open_incidents(r->control->care), 0);
    assert_int_equal(rig_progress(r, 1, 50 * MIN, 0, 0), ADMIT_OK);
    struct account_totals t = totals(r);
    assert_int_equal(t.by_cause[RIG_IN_PLACE][ACCOUNT_DEGRADED], 16 * 10 * MIN);
    assert_int_equal(t.by_cause[CAUSE_NONE][ACCOUNT_DEGRADED], 0);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bug_work_done_again_is_booked_to_what_ended_the_attempt_before),
        cmocka_unit_test(bug_slowness_is_named_also_when_its_incident_is_over),
        cmocka_unit_test(a_stretch_divides_into_what_was_done_and_what_was_lost),
        cmocka_unit_test(an_older_checkpoint_than_planned_is_more_to_do_again),
        cmocka_unit_test(bug_a_hang_without_a_node_names_its_class),
        cmocka_unit_test(bug_a_gang_on_smaller_nodes_than_it_asked_for_is_accounted_for),
        cmocka_unit_test(work_done_again_is_not_productive_until_it_passes_where_it_was),
        cmocka_unit_test(standing_still_before_it_is_noticed_is_hung_and_names_the_incident),
        cmocka_unit_test(bug_what_an_incident_costs_so_far_counts_hours_that_have_not_ended),
        cmocka_unit_test(bug_a_jobs_own_hang_is_not_charged_to_the_incident_before),
        cmocka_unit_test(gpus_that_a_job_did_not_ask_for_are_idle),
        cmocka_unit_test(the_health_of_a_node_says_what_its_time_was),
        cmocka_unit_test(draining_time_belongs_to_the_job_until_it_lets_go),
        cmocka_unit_test(ettr_counts_the_waits_between_attempts),
        cmocka_unit_test(an_open_stretch_is_divided_by_the_cadence_and_marked_as_modelled),
        cmocka_unit_test(every_millisecond_is_in_one_class_whatever_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
