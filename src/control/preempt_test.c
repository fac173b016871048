/* Room made for a job: whom it stops, whom it leaves alone, that it gets what it was promised. */
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
    struct control_policy p = rig_jobs_policy();
    p.work.preempt = true;
    return p;
}

static struct rig_ask job(uint64_t number, uint32_t nodes, uint8_t priority, uint8_t flags)
{
    return (struct rig_ask){ .job = number, .nodes = nodes, .tenant = 1, .work_ms = 100 * HOUR,
                             .restart_ms = 5 * MIN, .write_ms = MIN, .priority = priority,
                             .flags = flags };
}

static const struct body_stop *stop_of(const struct rig *r, uint64_t number)
{
    for (uint32_t i = r->log_length; i-- > 0;)
        if (r->log[i].ev.kind == EV_ATTEMPT_STOP && r->log[i].ev.body.stop.job == number)
            return &r->log[i].ev.body.stop;
    return NULL;
}

static void a_higher_priority_stops_a_lower_one_at_its_checkpoint(void **state)
{
    (void)state;
    struct control_policy p = policy();
    struct rig_jobs *j = &(struct rig_jobs){ 0 };
    struct rig *r = rig_jobs_make(j, NODES, &p);
    rig_jobs_ask(j, job(1, 8, 0, 0));
    rig_jobs_run(j, 3 * RIG_HOUR);
    rig_jobs_ask(j, job(2, 3, 4, 0));
    rig_jobs_run(j, RIG_SECOND);
    const struct body_stop *s = stop_of(r, 1);
    assert_non_null(s);
    assert_int_equal(s->how, DRAIN_AT_CHECKPOINT);
    assert_int_equal(s->class, BOARD_CLASS_PREEMPT);
    assert_int_equal(s->incident, 0);
    const struct event *ev = &rig_last(r, EV_ATTEMPT_STOP)->ev; /* it says for whom */
    assert_int_equal(r->log[ev->cause - 1].ev.kind, EV_JOB_SUBMITTED);
    assert_int_equal(r->log[ev->cause - 1].ev.body.job.job, 2);
    struct work_why why = work_why_waiting(r->control->work, 2);
    assert_int_equal(why.why, WAIT_ROOM);
    assert_int_equal(why.coming, 8);
    assert_int_equal(why.at_ms, j->at[1].end_ms); /* the checkpoint is its reservation */
    rig_jobs_run(j, 2 * RIG_HOUR);
    assert_true(rig_jobs_runs(j, 2) && !rig_jobs_runs(j, 1));
    assert_int_equal(rig_count(r, EV_ATTEMPT_STOP), 1);
    assert_int_equal(r->control->board->job_high_ms[rig_slot(r, 1)],
                     r->control->board->job_saved_ms[rig_slot(r, 1)]); /* no work is lost */
    rig_jobs_run(j, 300 * RIG_HOUR);
    assert_int_equal(rig_jobs_left(j), 0);
    struct account_totals t;
    account_settle(r->control->account, r->now_ns, &t);
    assert_int_equal(t.by_cause[CAUSE_PREEMPT][ACCOUNT_RESTART], 5 * MIN * 64);
    assert_int_equal(t.by_cause[CAUSE_PREEMPT][ACCOUNT_RECOMPUTE], 0);
    rig_check_again(r);
    rig_free(r);
}

static void an_equal_priority_stops_nobody(void **state)
{
    (void)state;
    struct control_policy p = policy();
    struct rig_jobs *j = &(struct rig_jobs){ 0 };
    struct rig *r = rig_jobs_make(j, NODES, &p);
    rig_jobs_ask(j, job(1, 8, 4, 0));
    rig_jobs_run(j, 3 * RIG_HOUR);
    rig_jobs_ask(j, job(2, 3, 4, 0));
    rig_jobs_ask(j, job(3, 3, 0, 0));
    rig_jobs_run(j, 10 * RIG_HOUR);
    assert_int_equal(rig_count(r, EV_ATTEMPT_STOP), 0);
    rig_free(r);
}

static void an_attempt_works_for_a_while_before_it_is_stopped_for_room(void **state)
{
    (void)state;
    struct control_policy p = policy();
    struct rig_jobs *j = &(struct rig_jobs){ 0 };
    struct rig *r = rig_jobs_make(j, NODES, &p);
    rig_jobs_ask(j, job(1, 4, 0, 0));
    rig_jobs_ask(j, job(2, 4, 0, JOB_INTERRUPTIBLE));
    rig_jobs_run(j, RIG_HOUR);
    rig_jobs_ask(j, job(3, 4, 5, 0)); /* what may be interrupted may be so at any time */
    rig_jobs_run(j, RIG_SECOND);
    assert_non_null(stop_of(r, 2));
    rig_jobs_ask(j, job(4, 4, 5, 0));
    rig_jobs_run(j, RIG_HOUR + 4 * RIG_MINUTE);
    assert_null(stop_of(r, 1)); /* works since 1 h 59 min */
    rig_jobs_run(j, 2 * RIG_MINUTE);
    rig_jobs_ask(j, job(5, 1, 0, 0)); /* the queue is looked at */
    rig_jobs_run(j, RIG_SECOND);
    assert_non_null(stop_of(r, 1));
    rig_check_again(r);
    rig_free(r);
}

static void nobody_is_stopped_when_that_makes_no_room(void **state)
{
    (void)state;
    struct control_policy p = policy();
    struct rig_jobs *j = &(struct rig_jobs){ 0 };
    struct rig *r = rig_jobs_make(j, NODES, &p);
    rig_jobs_ask(j, job(1, 3, 6, 0));
    rig_jobs_ask(j, job(2, 5, 0, 0));
    rig_jobs_run(j, 3 * RIG_HOUR);
    rig_jobs_ask(j, job(3, 6, 4, 0)); /* five nodes are not enough */
    rig_jobs_run(j, 10 * RIG_HOUR);
    assert_int_equal(rig_count(r, EV_ATTEMPT_STOP), 0);
    rig_free(r);
}

static void a_job_that_is_done_before_its_checkpoint_is_left_alone(void **state)
{
    (void)state;
    struct control_policy p = policy();
    struct rig_jobs *j = &(struct rig_jobs){ 0 };
    struct rig *r = rig_jobs_make(j, NODES, &p);
    struct rig_ask short_one = job(1, 8, 0, 0);
    short_one.work_ms = 4 * HOUR + 30 * MIN;
    rig_jobs_ask(j, short_one);
    rig_jobs_run(j, 4 * RIG_HOUR + 20 * RIG_MINUTE);
    rig_jobs_ask(j, job(2, 3, 4, 0));
    rig_jobs_run(j, RIG_HOUR);
    assert_int_equal(rig_count(r, EV_ATTEMPT_STOP), 0);
    assert_true(rig_jobs_runs(j, 2));
    rig_free(r);
}

static void the_cheapest_are_stopped_and_no_more_than_are_needed(void **state)
{
    (void)state;
    struct control_policy p = policy();
    struct rig_jobs *j = &(struct rig_jobs){ 0 };
    struct rig *r = rig_jobs_make(j, NODES, &p);
    struct rig_ask a = job(1, 4, 0, 0), b = job(2, 1, 0, 0), c = job(3, 3, 0, 0);
    a.restart_ms = 30 * MIN; /* the dearest */
    b.restart_ms = MIN;      /* the cheapest, and not needed in the end */
    c.restart_ms = 10 * MIN;
    rig_jobs_ask(j, a);
    rig_jobs_ask(j, b);
    rig_jobs_ask(j, c);
    rig_jobs_run(j, 4 * RIG_HOUR + 10 * RIG_MINUTE);
    rig_jobs_ask(j, job(4, 3, 4, 0));
    rig_jobs_run(j, RIG_SECOND);
    assert_non_null(stop_of(r, 3)); /* with it alone there is room */
    assert_int_equal(rig_count(r, EV_ATTEMPT_STOP), 1);
    rig_jobs_ask(j, job(5, 5, 4, 0));
    rig_jobs_run(j, RIG_SECOND);
    assert_non_null(stop_of(r, 1));
    assert_non_null(stop_of(r, 2));
    rig_jobs_run(j, 3 * RIG_HOUR);
    assert_true(rig_jobs_runs(j, 4) && rig_jobs_runs(j, 5));
    rig_check_again(r);
    rig_free(r);
}

static void of_those_that_may_be_interrupted_the_tenant_over_its_quota_goes_first(void **state)
{
    (void)state;
    struct control_policy p = policy();
    p.work.quota[0] = (struct work_quota){ .tenant = 9, .gpus = 8 };
    p.work.quotas = 1;
    struct rig_jobs *j = &(struct rig_jobs){ 0 };
    struct rig *r = rig_jobs_make(j, NODES, &p);
    struct rig_ask over = job(1, 3, 0, JOB_INTERRUPTIBLE), in = job(2, 3, 0, JOB_INTERRUPTIBLE);
    over.tenant = 9;
    over.restart_ms = HOUR; /* dearer, and yet */
    rig_jobs_ask(j, over);
    rig_jobs_ask(j, in);
    rig_jobs_ask(j, job(3, 2, 0, 0));
    rig_jobs_run(j, 3 * RIG_HOUR);
    rig_jobs_ask(j, job(4, 3, 1, 0));
    rig_jobs_run(j, RIG_SECOND);
    assert_non_null(stop_of(r, 1));
    assert_int_equal(rig_count(r, EV_ATTEMPT_STOP), 1);
    rig_check_again(r);
    rig_free(r);
}

static void a_restart_stops_what_may_be_interrupted_and_gets_its_nodes(void **state)
{
    (void)state;
    struct control_policy p = policy();
    struct rig_jobs *j = &(struct rig_jobs){ 0 };
    struct rig *r = rig_jobs_make(j, NODES, &p);
    rig_jobs_ask(j, job(1, 3, 7, JOB_INTERRUPTIBLE)); /* whatever its priority; and it came first */
    rig_jobs_ask(j, job(2, 5, 0, 0));
    rig_jobs_run(j, 3 * RIG_HOUR);
    uint32_t node = r->control->board->job_first_node[rig_slot(r, 2)];
    rig_jobs_fault(j, node, RIG_KILLS);
    rig_jobs_run(j, RIG_SECOND);
    assert_non_null(stop_of(r, 1));
    struct work_why why = work_why_waiting(r->control->work, 2);
    assert_int_equal(why.why, WAIT_ROOM);
    /* A job of the highest priority would fit into the nodes that are free. */
    rig_jobs_ask(j, job(3, 4, 7, 0));
    rig_jobs_run(j, RIG_SECOND);
    assert_false(rig_jobs_runs(j, 3));
    why = work_why_waiting(r->control->work, 3);
    assert_int_equal(why.why, WAIT_PROMISED);
    assert_int_equal(why.behind, 2);
    rig_jobs_run(j, 2 * RIG_HOUR);
    assert_true(rig_jobs_runs(j, 2) && !rig_jobs_runs(j, 1) && !rig_jobs_runs(j, 3));
    rig_check_again(r);
    rig_free(r);
}

static void a_job_that_asked_does_not_ask_again_while_others_stop_for_it(void **state)
{
    (void)state;
    struct control_policy p = policy();
    struct rig_jobs *j = &(struct rig_jobs){ 0 };
    struct rig *r = rig_jobs_make(j, NODES, &p);
    for (uint64_t n = 1; n <= 4; n++)
        rig_jobs_ask(j, job(n, 2, 0, 0));
    rig_jobs_run(j, 3 * RIG_HOUR + 10 * RIG_MINUTE);
    rig_jobs_ask(j, job(5, 4, 4, 0));
    rig_jobs_run(j, RIG_SECOND);
    assert_int_equal(rig_count(r, EV_ATTEMPT_STOP), 2);
    for (uint64_t n = 6; n <= 20; n++) { /* each has the queue looked at */
        rig_jobs_ask(j, job(n, 2, 0, 0));
        rig_jobs_run(j, RIG_MINUTE);
    }
    assert_int_equal(rig_count(r, EV_ATTEMPT_STOP), 2);
    rig_jobs_run(j, RIG_HOUR);
    assert_true(rig_jobs_runs(j, 5));
    rig_check_again(r);
    rig_free(r);
}

static void a_promise_that_a_fault_breaks_is_made_good(void **state)
{
    (void)state;
    struct control_policy p = policy();
    struct rig_jobs *j = &(struct rig_jobs){ 0 };
    struct rig *r = rig_jobs_make(j, NODES, &p);
    for (uint64_t n = 1; n <= 4; n++)
        rig_jobs_ask(j, job(n, 2, 0, 0));
    rig_jobs_run(j, 3 * RIG_HOUR + 10 * RIG_MINUTE);
    rig_jobs_ask(j, job(5, 4, 4, 0));
    rig_jobs_run(j, RIG_SECOND);
    assert_int_equal(rig_count(r, EV_ATTEMPT_STOP), 2);
    uint64_t victim = stop_of(r, 1) ? 1 : stop_of(r, 2) ? 2 : 3;
    rig_jobs_fault(j, r->control->board->job_first_node[rig_slot(r, victim)], RIG_KILLS);
    rig_jobs_run(j, RIG_SECOND);
    assert_int_equal(rig_room_stops(r), 3); /* one node was lost: one more gang has to go */
    rig_jobs_run(j, RIG_HOUR);
    assert_true(rig_jobs_runs(j, 5));
    rig_check_again(r);
    rig_free(r);
}

static void what_was_promised_to_a_cancelled_job_is_free_again(void **state)
{
    (void)state;
    struct control_policy p = policy();
    struct rig_jobs *j = &(struct rig_jobs){ 0 };
    struct rig *r = rig_jobs_make(j, NODES, &p);
    rig_jobs_ask(j, job(1, 6, 0, 0));
    rig_jobs_run(j, 3 * RIG_HOUR);
    rig_jobs_ask(j, job(2, 8, 4, 0));
    rig_jobs_ask(j, job(3, 2, 0, 0));
    rig_jobs_run(j, RIG_SECOND);
    assert_non_null(stop_of(r, 1));
    assert_false(rig_jobs_runs(j, 3));
    assert_int_equal(rig_cancel(r, 2), ADMIT_OK);
    rig_jobs_run(j, RIG_SECOND);
    assert_true(rig_jobs_runs(j, 3));
    rig_jobs_run(j, 2 * RIG_HOUR);
    assert_true(rig_jobs_runs(j, 1)); /* it did stop, and starts again */
    assert_int_equal(j->at[1].attempt, 2);
    rig_check_again(r);
    rig_free(r);
}

static void many_small_gangs_are_stopped_over_several_looks(void **state)
{
    (void)state;
    struct control_policy p = policy();
    p.work.places_per_pulse = 16;
    struct rig_jobs *j = &(struct rig_jobs){ 0 };
    struct rig *r = rig_jobs_make(j, 60, &p);
    for (uint64_t n = 1; n <= 60; n++)
        rig_jobs_ask(j, job(n, 1, 0, JOB_INTERRUPTIBLE));
    rig_jobs_run(j, RIG_HOUR);
    rig_jobs_ask(j, job(100, 50, 4, 0));
    rig_jobs_run(j, RIG_SECOND);
    assert_int_equal(rig_count(r, EV_ATTEMPT_STOP), 50);
    rig_jobs_run(j, 2 * RIG_HOUR);
    assert_true(rig_jobs_runs(j, 100));
    assert_int_equal(rig_count(r, EV_CASCADE_STOPPED), 0);
    rig_check_again(r);
    rig_free(r);
}

static void what_may_be_interrupted_asks_for_nothing(void **state)
{
    (void)state;
    struct control_policy p = policy();
    struct rig_jobs *j = &(struct rig_jobs){ 0 };
    struct rig *r = rig_jobs_make(j, NODES, &p);
    rig_jobs_ask(j, job(1, 8, 0, 0));
    rig_jobs_run(j, 3 * RIG_HOUR);
    rig_jobs_ask(j, job(2, 1, 7, JOB_INTERRUPTIBLE));
    rig_jobs_run(j, RIG_HOUR);
    assert_int_equal(rig_count(r, EV_ATTEMPT_STOP), 0);
    rig_free(r);
}

static void without_the_switch_nobody_is_stopped(void **state)
{
    (void)state;
    struct control_policy p = policy();
    p.work.preempt = false;
    struct rig_jobs *j = &(struct rig_jobs){ 0 };
    struct rig *r = rig_jobs_make(j, NODES, &p);
    rig_jobs_ask(j, job(1, 8, 0, JOB_INTERRUPTIBLE));
    rig_jobs_run(j, 3 * RIG_HOUR);
    rig_jobs_ask(j, job(2, 1, 7, 0));
    rig_jobs_run(j, RIG_HOUR);
    assert_int_equal(rig_count(r, EV_ATTEMPT_STOP), 0);
    rig_free(r);
}

/* ---- a story with all of it ------------------------------------------------------------------ */

static struct rig_ask drawn_job(uint64_t seed, uint64_t n)
{
    bool large = rig_draw(seed, n, 1, 6) == 0;
    return (struct rig_ask){
        .job = n, .nodes = 1 + (uint32_t)rig_draw(seed, n, 2, large ? 14 : 4),
        .tenant = 1 + (uint32_t)rig_draw(seed, n, 3, 3),
        .work_ms = MIN * (1 + (int64_t)rig_draw(seed, n, 4, 900)),
        .restart_ms = (int64_t)rig_draw(seed, n, 5, 10 * MIN),
        .write_ms = (int64_t)rig_draw(seed, n, 6, 3 * MIN),
        .priority = (uint8_t)rig_draw(seed, n, 7, 4),
        .flags = rig_draw(seed, n, 8, 3) == 0 ? JOB_INTERRUPTIBLE : 0 };
}

/* Since when an attempt works, ms UTC, as the record before this event has it; 0 = not yet. */
static int64_t works_since_ms(const struct rig *r, uint32_t before, const struct body_stop *s)
{
    for (uint32_t i = before; i-- > 0;) {
        const struct event *ev = &r->log[i].ev;
        if (ev->kind == EV_ATTEMPT_RUNNING && ev->body.running.job == s->job &&
            ev->body.running.attempt == s->attempt)
            return mw_ms(ev->time_ns);
    }
    return 0;
}

/* Who was stopped for room may be interrupted, or is lower than who asked and worked so long. */
static void check_stops(const struct rig_jobs *j)
{
    const struct rig *r = j->r;
    for (uint32_t i = 0; i < r->log_length; i++) {
        const struct event *ev = &r->log[i].ev;
        const struct body_stop *s = &ev->body.stop;
        if (ev->kind != EV_ATTEMPT_STOP || s->class != BOARD_CLASS_PREEMPT)
            continue;
        uint64_t who = r->log[ev->cause - 1].ev.body.job.job;
        assert_int_equal(s->how, DRAIN_AT_CHECKPOINT);
        assert_false(j->ask[who].flags & JOB_INTERRUPTIBLE);
        if (j->ask[s->job].flags & JOB_INTERRUPTIBLE)
            continue;
        int64_t since_ms = works_since_ms(r, i, s);
        assert_true(j->ask[s->job].priority < j->ask[who].priority && since_ms);
        assert_true(mw_ms(ev->time_ns) - since_ms >= r->policy.work.preempt_after_ms);
    }
}

static void check_quota(struct rig_jobs *j)
{
    const struct board *b = j->r->control->board;
    uint32_t firm = 0;
    for (uint32_t s = 0; s < b->jobs_used; s++)
        if (b->job_id[s] && b->job_state[s] >= JOB_PLACED && b->job_tenant[s] == 2 &&
            !(b->job_flags[s] & JOB_INTERRUPTIBLE))
            firm += b->job_gpus[s];
    assert_true(firm <= j->r->policy.work.quota[0].gpus);
}

/* Repairs what broke a while ago. */
static void mend(struct rig *r)
{
    for (uint32_t n = 0; n < r->fleet->count[COMPONENT_NODE]; n++) {
        if (rig_node_health(r, n) == HEALTH_DOWN) {
            uint64_t finding = rig_last_of(r, EV_INCIDENT_OPENED, n)->ev.body.incident.finding;
            assert_int_equal(rig_closed(r, n, finding & ((UINT64_C(1) << 40) - 1)), ADMIT_OK);
            rig_repair(r, n);
        }
        if (rig_node_health(r, n) == HEALTH_VALIDATING)
            assert_int_equal(rig_gate(r, n, RESULT_OK), ADMIT_OK);
    }
}

/* Field by field: what lies between them stays zero. */
static struct event window_event(const struct rig *r, int64_t in_ms, int64_t length_ms,
                                 uint32_t node, uint32_t count)
{
    struct event ev = { .kind = EV_COMMAND, .source = SOURCE_PERSON, .actor = 3 };
    ev.body.command.ref = (uint64_t)(mw_ms(r->now_ns) + in_ms);
    ev.body.command.length_ms = length_ms;
    ev.body.command.node = node;
    ev.body.command.count = count;
    ev.body.command.hall = ev.body.command.slot = MW_NONE;
    ev.body.command.verb = CMD_WINDOW;
    return ev;
}

static void play(struct rig_jobs *j, uint64_t seed)
{
    struct rig *r = j->r;
    for (uint64_t n = 1; n <= 110; n++) {
        struct rig_ask a = drawn_job(seed, n);
        rig_jobs_ask(j, a);
        rig_jobs_run(j, (int64_t)rig_draw(seed, n, 10, 25) * RIG_MINUTE);
        uint32_t node = (uint32_t)rig_draw(seed, n, 11, 16);
        if (rig_draw(seed, n, 12, 6) == 0 && rig_node_health(r, node) == HEALTH_READY)
            rig_jobs_fault(j, node, RIG_KILLS);
        if (n % 10 == 0)
            mend(r);
        if (n % 20 == 0) {
            struct event ev = window_event(r, 2 * HOUR, 3 * HOUR, 4, 3);
            (void)rig_submit(r, &ev, NULL);
        }
    }
}

static void with_everything_on_every_job_gets_done_and_no_promise_is_broken(void **state)
{
    (void)state;
    struct control_policy p = policy();
    p.work.preempt_after_ms = 30 * MIN;
    p.work.spares = SPARES_SIZED;
    p.work.quota[0] = (struct work_quota){ .tenant = 2, .gpus = 64 };
    p.work.quotas = 1;
    uint32_t stops = 0, sized = 0;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct rig_jobs *j = &(struct rig_jobs){ 0 };
        p.work.at_once = seed % 2;
        p.work.backfill = seed % 5 != 0;
        struct rig *r = rig_jobs_make(j, 16, &p);
        j->each = check_quota;
        play(j, seed);
        for (uint32_t i = 0; i < 200 && rig_jobs_left(j); i++) {
            mend(r);
            rig_jobs_run(j, 6 * RIG_HOUR);
        }
        for (uint64_t n = 1; n <= 110; n++)
            if (!j->done[n] && j->ask[n].nodes * 8 <= 64)
                fail_msg("seed %u: job %u of %u nodes is not done", (unsigned)seed, (unsigned)n,
                         j->ask[n].nodes);
        check_stops(j);
        stops += rig_room_stops(r);
        sized += rig_count(r, EV_SPARES_SIZED);
        assert_int_equal(rig_count(r, EV_CASCADE_STOPPED), 0);
        rig_check_again(r);
        rig_free(r);
    }
    assert_true(stops > 50 && sized >= 10);
}

/* Facts in any order, with jobs that may be interrupted and windows among them. */
static void in_a_world_without_sense_the_record_reads_back_all_the_same(void **state)
{
    (void)state;
    struct control_policy p = policy();
    p.work.preempt_after_ms = MIN;
    p.work.spares = SPARES_SIZED;
    p.work.rate_per_1e9_node_hours = 5000000;
    p.work.quota[0] = (struct work_quota){ .tenant = 7, .gpus = 160 };
    p.work.quotas = 1;
    uint32_t stops = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        p.work.at_once = seed % 2;
        p.work.backfill = seed % 3 > 0;
        p.work.interval_ms = seed % 4 ? HOUR : 1;
        struct rig *r = rig_make(24, &p);
        for (uint64_t n = 0; n < 600; n++) {
            rig_chaos(r, seed, n);
            struct event ev = rig_job_event(100 + n, 1 + (uint32_t)rig_draw(seed, n, 20, 12),
                                            (uint8_t)rig_draw(seed, n, 21, 4));
            ev.body.job.flags = rig_draw(seed, n, 22, 2) ? JOB_INTERRUPTIBLE : 0;
            ev.body.job.write_ms = rig_draw(seed, n, 23, 30) ? MIN : BOARD_JOB_MS_MAX;
            if (n % 12 == 0)
                (void)rig_submit(r, &ev, NULL);
            ev = window_event(r, (int64_t)rig_draw(seed, n, 24, 3 * HOUR),
                              (int64_t)rig_draw(seed, n, 25, 4 * HOUR),
                              (uint32_t)rig_draw(seed, n, 26, 24), 1 + (uint32_t)(n % 5));
            if (n % 40 == 0)
                (void)rig_submit(r, &ev, NULL);
        }
        rig_wait(r, 1); /* what is due fires */
        stops += rig_room_stops(r);
        rig_check_again(r);
        rig_free(r);
    }
    assert_true(stops >= 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_higher_priority_stops_a_lower_one_at_its_checkpoint),
        cmocka_unit_test(an_equal_priority_stops_nobody),
        cmocka_unit_test(an_attempt_works_for_a_while_before_it_is_stopped_for_room),
        cmocka_unit_test(nobody_is_stopped_when_that_makes_no_room),
        cmocka_unit_test(a_job_that_is_done_before_its_checkpoint_is_left_alone),
        cmocka_unit_test(the_cheapest_are_stopped_and_no_more_than_are_needed),
        cmocka_unit_test(of_those_that_may_be_interrupted_the_tenant_over_its_quota_goes_first),
        cmocka_unit_test(a_restart_stops_what_may_be_interrupted_and_gets_its_nodes),
        cmocka_unit_test(a_job_that_asked_does_not_ask_again_while_others_stop_for_it),
        cmocka_unit_test(a_promise_that_a_fault_breaks_is_made_good),
        cmocka_unit_test(what_was_promised_to_a_cancelled_job_is_free_again),
        cmocka_unit_test(many_small_gangs_are_stopped_over_several_looks),
        cmocka_unit_test(what_may_be_interrupted_asks_for_nothing),
        cmocka_unit_test(without_the_switch_nobody_is_stopped),
        cmocka_unit_test(with_everything_on_every_job_gets_done_and_no_promise_is_broken),
        cmocka_unit_test(in_a_world_without_sense_the_record_reads_back_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
