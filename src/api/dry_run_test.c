/* A command says what it would cost before anybody gives it. */
#include "api/dry_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/lists_testing.h"
#include "base/units.h"

/* Job 7 on two of eight nodes, an hour into its work, with a checkpoint every two hours. */
static struct rig *a_site(struct looking *l)
{
    struct control_policy p = rig_policy();
    p.work.interval_ms = 2 * MW_MS_PER_HOUR;
    struct rig *r = rig_make(8, &p);
    struct event ev = rig_job_event(7, 2, 0);
    ev.body.job.write_ms = 60000;
    ev.body.job.restart_ms = 120000;
    ev.body.job.work_ms = 30 * MW_MS_PER_HOUR;
    assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    assert_int_equal(rig_running(r, 7, 0), ADMIT_OK);
    rig_wait(r, RIG_HOUR);
    looking_begin(l, r);
    return r;
}

static json_t *asked(struct looking *l, const struct api_command *c)
{
    json_t *o = NULL;
    l->err = (struct mw_error){ 0 };
    l->code = dry_run(&l->of, c, l->scoped ? &l->who : NULL, &o, &l->err);
    return l->code == 0 ? o : NULL;
}

static void name_node(const struct looking *l, struct api_command *c, uint32_t node)
{
    (void)snprintf(c->node, sizeof(c->node), "%s",
                   fleet_name(l->rig->fleet, component_id(COMPONENT_NODE, node)));
}

static uint32_t node_of(const struct looking *l, uint64_t job)
{
    return l->rig->control->board->job_first_node[rig_slot(l->rig, job)];
}

static json_int_t blast(const json_t *o, const char *key)
{
    return number_of(json_object_get(o, "blast"), key);
}

static void a_drain_costs_the_restart_of_what_it_stops_at_its_checkpoint(void **state)
{
    (void)state;
    struct looking l;
    struct rig *r = a_site(&l);
    struct api_command c = { .verb = API_DRAIN, .reason = "x" };
    name_node(&l, &c, node_of(&l, 7));
    json_t *o = asked(&l, &c);
    const json_t *job = json_array_get(json_object_get(json_object_get(o, "would"), "jobs"), 0);
    assert_int_equal(number_of(job, "job"), 7);
    assert_int_equal(number_of(job, "gpus"), 16);
    assert_int_equal(number_of(job, "unsaved_gpu_ms"), 16 * MW_MS_PER_HOUR);
    assert_string_equal(text_of(job, "stops"), "at its next checkpoint");
    assert_int_equal(blast(o, "nodes"), 1);
    assert_int_equal(blast(o, "jobs"), 1);
    assert_int_equal(blast(o, "gpus"), 16);
    assert_int_equal(blast(o, "gpu_ms_lost"), 16 * 120000);
    assert_int_equal(blast(o, "lost_uusd"),
                     account_price(16 * 120000,
                                   r->control->policy.account.microdollars_per_gpu_hour));
    assert_string_equal(text_of(json_object_get(o, "blast"), "rests_on"), "modelled");
    json_decref(o);
    looking_end(&l);
    rig_free(r);
}

static void a_requeue_costs_what_is_not_saved_too(void **state)
{
    (void)state;
    struct looking l;
    struct rig *r = a_site(&l);
    json_t *o = asked(&l, &(struct api_command){ .verb = API_JOB_REQUEUE, .job = 7 });
    assert_int_equal(blast(o, "nodes"), 2);
    assert_int_equal(blast(o, "gpu_ms_lost"), 16 * (MW_MS_PER_HOUR + 120000));
    json_decref(o);
    looking_end(&l);
    rig_free(r);
}

static void a_hold_stops_nothing(void **state)
{
    (void)state;
    struct looking l;
    struct rig *r = a_site(&l);
    struct api_command c = { .verb = API_HOLD, .reason = "x" };
    name_node(&l, &c, node_of(&l, 7));
    json_t *o = asked(&l, &c);
    assert_int_equal(blast(o, "nodes"), 1);
    assert_int_equal(blast(o, "jobs"), 0);
    assert_int_equal(blast(o, "lost_uusd"), 0);
    json_decref(o);
    looking_end(&l);
    rig_free(r);
}

static void maintenance_spares_what_ends_before_it(void **state)
{
    (void)state;
    struct looking l;
    struct rig *r = a_site(&l);
    int64_t now_ms = mw_ms(l.of.now_ns);
    struct api_command c = { .verb = API_WINDOW_ADD, .count = 8, .length_s = 3600,
                             .from_ms = now_ms + MW_MS_PER_HOUR, .reason = "x" };
    name_node(&l, &c, 0);
    json_t *o = asked(&l, &c);
    assert_int_equal(blast(o, "nodes"), 8);
    assert_int_equal(blast(o, "jobs"), 1);
    json_decref(o);
    c.from_ms = now_ms + 100 * MW_MS_PER_HOUR; /* the job takes 30 */
    o = asked(&l, &c);
    assert_int_equal(blast(o, "jobs"), 0);
    json_decref(o);
    c.count = 9;
    assert_null(asked(&l, &c));
    assert_int_equal(l.code, MW_EINVAL);
    looking_end(&l);
    rig_free(r);
}

/* Advice to drain: approved, the job on the node has to let go of it. */
static void an_approval_shows_whom_it_hurts(void **state)
{
    (void)state;
    struct control_policy p = rig_policy();
    p.guard.mode = MODE_APPROVE;
    struct rig *r = rig_make(8, &p);
    struct looking l;
    assert_int_equal(rig_job(r, 7, 2, 0), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    assert_int_equal(rig_running(r, 7, 0), ADMIT_OK);
    uint32_t node = r->control->board->job_first_node[rig_slot(r, 7)];
    rig_finding(r, node, RIG_SLOWS);
    rig_wait(r, RIG_HOUR);
    looking_begin(&l, r);
    uint64_t advice = rig_last(r, EV_ADVICE)->ev.seq;
    json_t *o = asked(&l, &(struct api_command){ .verb = API_APPROVE, .ref = advice });
    assert_int_equal(blast(o, "nodes"), 1);
    assert_int_equal(blast(o, "jobs"), 1);
    json_decref(o);
    assert_null(asked(&l, &(struct api_command){ .verb = API_APPROVE, .ref = 1 }));
    assert_int_equal(l.code, MW_ENOTFOUND);
    looking_end(&l);
    rig_free(r);
}

static void what_is_not_there_or_not_to_be_seen_is_refused(void **state)
{
    (void)state;
    struct looking l;
    struct rig *r = a_site(&l);
    struct api_command c = { .verb = API_HOLD, .node = "nowhere", .reason = "x" };
    assert_null(asked(&l, &c));
    assert_int_equal(l.code, MW_ENOTFOUND);
    assert_null(asked(&l, &(struct api_command){ .verb = API_JOB_REQUEUE, .job = 99 }));
    assert_int_equal(l.code, MW_ENOTFOUND);
    assert_null(asked(&l, &(struct api_command){ .verb = API_SET_MODE, .hall = "nowhere" }));
    assert_int_equal(l.code, MW_ENOTFOUND);
    l.scoped = true;
    l.who = (struct principal){ .name = "h", .halls = 1, .hall = { "elsewhere" } };
    name_node(&l, &c, 0);
    assert_null(asked(&l, &c));
    assert_int_equal(l.code, MW_EDENIED);
    looking_end(&l);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_drain_costs_the_restart_of_what_it_stops_at_its_checkpoint),
        cmocka_unit_test(a_requeue_costs_what_is_not_saved_too),
        cmocka_unit_test(a_hold_stops_nothing),
        cmocka_unit_test(maintenance_spares_what_ends_before_it),
        cmocka_unit_test(an_approval_shows_whom_it_hurts),
        cmocka_unit_test(what_is_not_there_or_not_to_be_seen_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
