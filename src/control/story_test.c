/*
 * The story that `mw why` tells agrees with the record and with the state, in
 * our own engine and in Slurm's.
 */
#include "control/story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/units.h"
#include "control/rig_engine.h"
#include "core/journal_memory.h"

static void xid(struct text *t, const char *class, uint32_t detail)
{
    text_addf(t, "(%s) Xid %u", class, detail);
}

static struct words words_of(const struct rig *r)
{
    return (struct words){ .fleet = r->fleet, .policy = &r->policy, .detail = xid };
}

static int tell(struct rig *r, uint64_t job, bool all, struct story *ret, struct mw_error *err)
{
    struct words w = words_of(r);
    const struct story_options o = { .words = &w, .all = all };
    return story_tell(r->journal, job, &o, ret, err);
}

/* Is there a line of this kind that says this? */
static bool says(const struct story *s, uint32_t kind, const char *words)
{
    for (uint32_t i = 0; i < s->lines; i++)
        if (s->line[i].kind == kind && strstr(s->line[i].text, words))
            return true;
    return false;
}

#define SAYS(s, kind, words)                                                  \
    do {                                                                      \
        if (!says((s), (kind), (words))) {                                    \
            for (uint32_t i_ = 0; i_ < (s)->lines; i_++)                      \
                print_message("#%llu %s\n", (unsigned long long)(s)->line[i_].seq, \
                              (s)->line[i_].text);                            \
            fail_msg("nobody says: %s", (words));                             \
        }                                                                     \
    } while (0)

/* Every line cites an event that is in the record, in order, and none is told twice. */
static void check_citations(const struct rig *r, const struct story *s)
{
    uint64_t before = 0;
    for (uint32_t i = 0; i < s->lines; i++) {
        assert_true(s->line[i].seq > before && s->line[i].seq <= r->log_length);
        const struct event *ev = &r->log[s->line[i].seq - 1].ev;
        assert_int_equal(ev->kind, s->line[i].kind);
        assert_int_equal(ev->time_ns, s->line[i].time_ns);
        before = s->line[i].seq;
    }
}

static void a_node_dies_under_a_slurm_job_and_each_step_is_told_with_its_time(void **state)
{
    (void)state;
    struct rig *r = rig_engine_make(8, MODE_ACT);
    struct story s;
    struct text now = { 0 }, resume = { 0 };
    struct words w = words_of(r);
    assert_int_equal(rig_job(r, 7, 4, 0), ADMIT_OK);
    rig_wait(r, RIG_MINUTE);
    rig_engine_gives(r, 7, 0, 4);
    rig_wait(r, RIG_HOUR);
    assert_int_equal(rig_progress(r, 7, 50 * MW_MS_PER_MIN, 40 * MW_MS_PER_MIN, 0), ADMIT_OK);
    uint64_t finding = rig_finding(r, 2, RIG_SLOWS);
    rig_wait(r, RIG_SECOND);
    rig_engine_answers(r, ENGINE_DOWN, RESULT_OK, "State=DOWN");
    assert_int_equal(rig_ended(r, 7, HOW_STOPPED, 50 * MW_MS_PER_MIN, 40 * MW_MS_PER_MIN, 1000),
                     ADMIT_OK);
    rig_engine_answers(r, ENGINE_REQUEUE, RESULT_OK, "");
    rig_wait(r, 2 * RIG_SECOND);
    rig_engine_gives(r, 7, 4, 4);
    assert_int_equal(rig_closed(r, 2, finding), ADMIT_OK);
    rig_wait(r, RIG_MINUTE);
    assert_int_equal(tell(r, 7, false, &s, NULL), 0);
    check_citations(r, &s);
    SAYS(&s, EV_JOB_SUBMITTED, "submitted: 32 GPUs on 4 nodes");
    SAYS(&s, EV_FINDING_OPENED, "found: node-silent on ");
    SAYS(&s, EV_INCIDENT_OPENED, "it ends what runs there");
    SAYS(&s, EV_ENGINE_ORDER, " down");
    SAYS(&s, EV_ENGINE_ORDER, "put job 7 back and start it again at once");
    SAYS(&s, EV_ENGINE_ANSWERED, "read back, it is so: \"State=DOWN\"");
    SAYS(&s, EV_ATTEMPT_ALLOCATED, "attempt 2: Slurm gave it ");
    SAYS(&s, EV_ATTEMPT_ALLOCATED, "goes on from 40 min of saved work");
    assert_false(says(&s, EV_ORDER_OPENED, ""));
    assert_int_equal(s.state, STORY_RUNNING);
    assert_int_equal(s.attempts, 2);
    assert_int_equal(s.incidents, 1);
    assert_false(s.incident[0].advised);
    const struct story_attempt *a = &s.attempt[0];
    assert_int_equal(a->incident, s.incident[0].incident);
    assert_int_equal(a->phase_ns[PHASE_DECIDE], 0);
    assert_int_equal(a->phase_ns[PHASE_REQUEUE], RIG_SECOND);
    assert_int_equal(a->phase_ns[PHASE_PLACE], 2 * RIG_SECOND);
    assert_int_equal(a->phase_ns[PHASE_START], 0);
    /* 50 of 60 min were work: of 32 GPUs the rest is lost, but for what nobody reported yet */
    assert_int_equal(s.cost.productive, 50 * MW_MS_PER_MIN * 32);
    assert_int_equal(s.cost.slowed, 10 * MW_MS_PER_MIN * 32);
    assert_int_equal(s.cost.standing, MW_MS_PER_S * 32);
    /* the last event is the timer of the probation */
    assert_int_equal(s.cost.unreported, 10 * MW_MS_PER_S * 32);
    assert_int_equal(s.cost.waiting_ms, 2 * MW_MS_PER_S);
    story_now(&now, &s, &w);
    story_resume(&resume, &s);
    assert_non_null(strstr(text_string(&now), "running since "));
    assert_non_null(strstr(text_string(&now), "attempt 2 on "));
    assert_string_equal(text_string(&resume), "after a stop, from 40 min of saved work");
    text_fini(&now);
    text_fini(&resume);
    story_fini(&s);
    rig_free(r);
}

static void what_was_only_advice_says_so_and_why(void **state)
{
    (void)state;
    struct rig *r = rig_engine_make(8, MODE_OBSERVE);
    struct story s;
    struct text resume = { 0 };
    assert_int_equal(rig_job(r, 7, 2, 0), ADMIT_OK);
    rig_engine_gives(r, 7, 0, 2);
    rig_finding(r, 1, RIG_SLOWS);
    rig_engine_says(r, 1, SERVICE_DOWN, OWNER_ENGINE, "Not responding");
    assert_int_equal(tell(r, 7, false, &s, NULL), 0);
    check_citations(r, &s);
    SAYS(&s, EV_ADVICE, "only advice: set ");
    SAYS(&s, EV_ADVICE, "not done: the mode of the hall is not act");
    SAYS(&s, EV_NODE_REPORTED, "down by Slurm itself: \"Not responding\"");
    assert_true(s.incident[0].advised);
    story_resume(&resume, &s);
    assert_string_equal(text_string(&resume), "no checkpoint is known: it starts over");
    text_fini(&resume);
    story_fini(&s);
    rig_free(r);
}

static void a_job_of_our_own_engine_is_told_to_its_end_after_it_left_the_state(void **state)
{
    (void)state;
    struct rig *r = rig_make(8, NULL);
    struct story s;
    assert_int_equal(rig_job(r, 3, 2, 1), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    assert_int_equal(rig_running(r, 3, 0), ADMIT_OK);
    rig_wait(r, RIG_HOUR);
    const struct rig_event *place = rig_last(r, EV_ATTEMPT_PLACED);
    uint32_t node = ((const uint32_t *)place->tail)[0];
    uint64_t finding = rig_finding(r, node, RIG_KILLS);
    assert_int_equal(rig_ended(r, 3, HOW_STOPPED, 30 * MW_MS_PER_MIN, 0, 0), ADMIT_OK);
    rig_repair(r, node);
    assert_int_equal(rig_closed(r, node, finding), ADMIT_OK);
    assert_int_equal(rig_gate(r, node, RESULT_OK), ADMIT_OK);
    rig_wait(r, RIG_MINUTE);
    assert_int_equal(rig_running(r, 3, 0), ADMIT_OK);
    rig_wait(r, 2 * RIG_HOUR);
    assert_int_equal(rig_ended(r, 3, HOW_DONE, 60 * MW_MS_PER_MIN, 0, 0), ADMIT_OK);
    assert_int_equal(board_job_find(r->control->board, 3), MW_NONE);
    assert_int_equal(tell(r, 3, false, &s, NULL), 0);
    check_citations(r, &s);
    assert_int_equal(s.state, STORY_DONE);
    assert_int_equal(s.attempts, 2);
    SAYS(&s, EV_ATTEMPT_STOP, "attempt 1: has to stop now");
    SAYS(&s, EV_ATTEMPT_PLACED, "attempt 2: placed on ");
    SAYS(&s, EV_ATTEMPT_PLACED, "starts over: no checkpoint is known");
    SAYS(&s, EV_INCIDENT_CLOSED, "works again after ");
    assert_int_equal(s.cost.productive, 60 * MW_MS_PER_MIN * 16);
    assert_int_equal(s.cost.redone, 30 * MW_MS_PER_MIN * 16);
    uint32_t lines = s.lines;
    story_fini(&s);
    assert_int_equal(tell(r, 3, true, &s, NULL), 0);
    assert_true(s.lines > lines);
    SAYS(&s, EV_GATE_ENDED, "ended: ok");
    story_fini(&s);
    rig_free(r);
}

static void a_job_that_nobody_submitted_is_not_found(void **state)
{
    (void)state;
    struct rig *r = rig_make(2, NULL);
    struct story s = { 0 };
    struct mw_error err = { 0 };
    assert_int_equal(tell(r, 99, false, &s, &err), MW_ENOTFOUND);
    assert_string_equal(err.text, "the record has no job 99");
    rig_free(r);
}

/* What the state says of a job, in the words of a story. */
static enum story_state state_of(const struct board *b, uint32_t slot)
{
    switch (b->job_state[slot]) {
    case JOB_QUEUED:
        return STORY_QUEUED;
    case JOB_PLACED:
        return STORY_STARTING;
    default:
        return STORY_RUNNING;
    }
}

static void compare_job(struct rig *r, uint64_t job)
{
    const struct board *b = r->control->board;
    uint32_t slot = board_job_find(b, job);
    struct story s;
    assert_int_equal(tell(r, job, false, &s, NULL), 0);
    check_citations(r, &s);
    if (slot == MW_NONE) {
        assert_true(s.state >= STORY_DONE);
    } else {
        if (b->job_state[slot] != JOB_STOPPING)
            assert_int_equal(s.state, state_of(b, slot));
        assert_int_equal(s.attempts ? s.attempt[s.attempts - 1].number : 0, b->job_attempt[slot]);
        assert_int_equal(s.saved_ms, b->job_saved_ms[slot]);
        assert_int_equal(s.high_ms, b->job_high_ms[slot]);
    }
    assert_true(s.cost.held >= 0 && s.cost.productive >= 0 && s.cost.lost >= 0);
    story_fini(&s);
}

static void an_answer_in_the_record_is_never_taken_for_another_jobs(void **state)
{
    (void)state;
    struct rig *r = rig_engine_make(8, MODE_ACT);
    struct story s;
    assert_int_equal(rig_job(r, 1, 2, 0), ADMIT_OK);
    assert_int_equal(rig_job(r, 2, 2, 0), ADMIT_OK);
    rig_engine_gives(r, 1, 0, 2);
    rig_engine_gives(r, 2, 4, 2);
    rig_finding(r, 5, RIG_KILLS);
    rig_engine_answers(r, ENGINE_REQUEUE, RESULT_FAILED, "it cannot be requeued");
    assert_int_equal(tell(r, 1, true, &s, NULL), 0);
    assert_int_equal(s.lines, 3);
    assert_int_equal(s.incidents, 0);
    story_fini(&s);
    assert_int_equal(tell(r, 2, false, &s, NULL), 0);
    SAYS(&s, EV_ENGINE_ANSWERED, "refused: \"it cannot be requeued\"");
    story_fini(&s);
    compare_job(r, 2);
    assert_int_equal(rig_ended(r, 2, HOW_FAILED, 0, 0, 0), ADMIT_OK);
    compare_job(r, 2); /* nobody stopped it: its own error ends it for good */
    rig_free(r);
}

/* Whatever the world does: the rule for when a job is over is work's, and nothing contradicts. */
static void in_a_world_without_sense_the_story_agrees_with_the_state(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct rig *r = rig_make(12, NULL);
        for (uint64_t i = 0; i < 400; i++)
            rig_chaos(r, seed, i);
        for (uint32_t i = 0; i < r->log_length; i++)
            if (r->log[i].ev.kind == EV_JOB_SUBMITTED)
                compare_job(r, r->log[i].ev.body.job.job);
        rig_free(r);
    }
}

/* Slurm's answer to one order to requeue that has none, if there is one. */
static void slurm_answers(struct rig *r, uint8_t result)
{
    for (uint32_t i = r->log_length; i-- > 0;) {
        const struct event *order = &r->log[i].ev;
        struct event ev = { .kind = EV_ENGINE_ANSWERED, .source = SOURCE_ENGINE,
                            .cause = order->seq };
        if (order->kind != EV_ENGINE_ORDER || order->body.engine.verb != ENGINE_REQUEUE)
            continue;
        ev.body.engine = order->body.engine;
        ev.body.engine.order = order->seq;
        ev.body.engine.result = result;
        (void)rig_submit(r, &ev, NULL);
        return;
    }
}

/* A person takes all nodes back. */
static void return_nodes(struct rig *r)
{
    struct event ev = { .kind = EV_NODES_ADOPTED, .source = SOURCE_PERSON, .actor = 1 };
    ev.body.adopt = (struct body_adopt){ .count = r->control->board->nodes,
                                         .health = HEALTH_READY };
    (void)rig_submit(r, &ev, NULL);
}

/* One more random step of a site under Slurm; everything that is refused is no matter. */
static void slurm_chaos(struct rig *r, uint64_t seed, uint64_t nth)
{
    const struct board *b = r->control->board;
    uint64_t dice = mw_random_u64(seed, 1, 1, nth), job = 1 + dice / 7 % 6;
    uint32_t slot = board_job_find(b, job), node = (uint32_t)(dice / 64 % b->nodes);
    uint8_t how = (uint8_t)(HOW_DONE + dice / 4096 % 5);
    struct body_progress p = { .node = dice % 3 ? MW_NONE : node, .how = how, .progress_ms = 60000,
                               .class = dice % 3 ? UINT16_MAX : RIG_KILLS };
    bool queued = slot != MW_NONE && b->job_state[slot] == JOB_QUEUED;
    rig_wait(r, (int64_t)(dice / 11 % 20) * RIG_SECOND);
    switch (dice % 8) {
    case 0:
    case 1:
        (void)rig_job(r, job, 1, 0);
        return;
    case 2:
    case 3:
        if (queued && b->node_job[node] == MW_NONE)
            rig_engine_gives(r, job, node, 1);
        return;
    case 4:
        if (slot != MW_NONE && !queued)
            (void)rig_ended_by(r, job, &p);
        return;
    case 5:
        (void)rig_finding(r, node, dice / 32 % 2 ? RIG_KILLS : RIG_SLOWS);
        return;
    case 6:
        slurm_answers(r, dice / 32 % 2 ? RESULT_OK : RESULT_FAILED);
        return;
    default:
        if (dice / 32 % 8 == 0)
            (void)rig_cancel(r, job);
        else
            return_nodes(r);
    }
}

static void under_slurm_too_the_story_agrees_with_the_state(void **state)
{
    (void)state;
    uint32_t refused = 0, jobs = 0;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct rig *r = rig_engine_make(8, MODE_ACT);
        for (uint64_t i = 0; i < 500; i++)
            slurm_chaos(r, seed, i);
        for (uint32_t i = 0; i < r->log_length; i++) {
            const struct event *ev = &r->log[i].ev;
            jobs += ev->kind == EV_JOB_SUBMITTED;
            refused += ev->kind == EV_ENGINE_ANSWERED && ev->body.engine.verb == ENGINE_REQUEUE &&
                       ev->body.engine.result != RESULT_OK;
            if (ev->kind == EV_JOB_SUBMITTED)
                compare_job(r, ev->body.job.job);
        }
        rig_free(r);
    }
    assert_true(jobs > 100 && refused > 10); /* or this shows nothing */
}

static void a_controller_that_was_started_again_says_so(void **state)
{
    (void)state;
    struct rig *before = rig_make(8, NULL);
    struct story s;
    assert_int_equal(rig_job(before, 3, 2, 1), ADMIT_OK);
    rig_wait(before, RIG_SECOND);
    assert_int_equal(rig_running(before, 3, 0), ADMIT_OK);
    struct journal *j = rig_copy(before, core_seq(before->control->core));
    journal_memory_crash(j); /* the next writer */
    struct rig *after = rig_make_on(before->fleet, &before->policy, j, false);
    after->now_ns = before->now_ns + RIG_HOUR;
    assert_int_equal(rig_progress(after, 3, MW_MS_PER_MIN, 0, 0), ADMIT_OK);
    assert_int_equal(tell(after, 3, false, &s, NULL), 0);
    SAYS(&s, EV_NONE, "the controller was started again");
    assert_int_equal(s.attempt[0].reports, 1);
    story_fini(&s);
    rig_free(after);
    rig_free(before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_dies_under_a_slurm_job_and_each_step_is_told_with_its_time),
        cmocka_unit_test(what_was_only_advice_says_so_and_why),
        cmocka_unit_test(a_job_of_our_own_engine_is_told_to_its_end_after_it_left_the_state),
        cmocka_unit_test(a_job_that_nobody_submitted_is_not_found),
        cmocka_unit_test(an_answer_in_the_record_is_never_taken_for_another_jobs),
        cmocka_unit_test(under_slurm_too_the_story_agrees_with_the_state),
        cmocka_unit_test(a_controller_that_was_started_again_says_so),
        cmocka_unit_test(in_a_world_without_sense_the_story_agrees_with_the_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
