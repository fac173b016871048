/* What every list and every detail says of a site in which things happen. */
#include "api/resource.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/detail_node.h"
#include "api/job_state.h"
#include "api/lists_testing.h"
#include "api/mark.h"
#include "api/resource_tables.h"
#include "api/story_scope.h"
#include "base/mem.h"
#include "base/units.h"
#include "control/rig_jobs.h"

#define LIST(l, name, ...) look(l, name, (struct list_asked){ __VA_ARGS__ })

/* Eight nodes: job 1 on two of them, an hour into its work; job 2 waits for all eight; node 7
 * broken, node 6 held. */
static struct rig *a_site(struct looking *l)
{
    struct control_policy p = rig_policy();
    p.work.interval_ms = 2 * MW_MS_PER_HOUR;
    struct rig *r = rig_make(8, &p);
    rig_finding(r, 7, RIG_KILLS);
    assert_int_equal(rig_command(r, CMD_HOLD, 6, "fan noise"), ADMIT_OK);
    struct event ev = rig_job_event(1, 2, 4);
    ev.body.job.work_ms = 10 * MW_MS_PER_HOUR;
    ev.body.job.write_ms = 60000;
    ev.tenant = 5;
    ev.tail_size = 9;
    assert_int_equal(rig_submit(r, &ev, "llama \"x\""), ADMIT_OK);
    assert_int_equal(rig_job(r, 2, 6, 0), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    assert_int_equal(rig_running(r, 1, 0), ADMIT_OK);
    rig_wait(r, RIG_HOUR);
    looking_begin(l, r);
    return r;
}

static const struct principal everybody = { .name = "all", .roles = 1u << ROLE_ADMIN };

static void end(struct looking *l)
{
    rig_free(l->rig);
    looking_end(l);
}

static void a_running_job_says_how_far_it_is_and_when_it_ends(void **state)
{
    (void)state;
    struct looking l;
    struct rig *r = a_site(&l);
    json_t *o = LIST(&l, "jobs", .filter = "job=1");
    const json_t *job = row_at(o, 0);
    assert_string_equal(text_of(job, "name"), "llama \"x\"");
    assert_string_equal(text_of(job, "state"), "running");
    assert_int_equal(number_of(job, "tenant"), 5);
    assert_int_equal(number_of(job, "progress_ms"), MW_MS_PER_HOUR);
    assert_int_equal(number_of(job, "unsaved_ms"), MW_MS_PER_HOUR);
    assert_int_equal(number_of(job, "saved_ms"), 0);
    assert_int_equal(number_of(job, "next_checkpoint_ms"), MW_MS_PER_HOUR + 60000);
    int64_t ns = 0;
    assert_int_equal(mw_parse_time(text_of(job, "expected_end"), &ns), 0);
    /* nine hours are left, with four checkpoints of a minute in them */
    assert_true(mw_ms(ns) == mw_ms(r->now_ns) + 9 * MW_MS_PER_HOUR + 4 * 60000);
    assert_true(json_is_null(json_object_get(job, "risk")));
    json_decref(o);
    rig_wait(r, 2 * RIG_HOUR);
    looking_again(&l);
    o = LIST(&l, "jobs", .filter = "job=1");
    assert_int_equal(number_of(row_at(o, 0), "saved_ms"), 2 * MW_MS_PER_HOUR);
    assert_int_equal(number_of(row_at(o, 0), "progress_ms"), 3 * MW_MS_PER_HOUR - 60000);
    json_decref(o);
    end(&l);
}

static void a_job_on_a_suspect_node_is_at_risk_and_says_why(void **state)
{
    (void)state;
    struct looking l;
    struct rig *r = a_site(&l);
    uint32_t node = r->control->board->job_first_node[rig_slot(r, 1)];
    rig_finding(r, node, RIG_SLOWS);
    looking_again(&l);
    json_t *o = LIST(&l, "jobs", .filter = "risk!=null");
    assert_int_equal(number_of(o, "total"), 1);
    assert_non_null(strstr(text_of(row_at(o, 0), "risk"), "is suspect"));
    uint64_t incident = rig_last(r, EV_INCIDENT_OPENED)->ev.seq;
    assert_int_equal(number_of(row_at(o, 0), "incident"), incident);
    json_decref(o);
    o = LIST(&l, "incidents", .filter = "jobs!=null", .sort = "-incident");
    const json_t *hurt = json_object_get(row_at(o, 0), "jobs");
    assert_int_equal(json_array_size(hurt), 1);
    assert_int_equal(json_integer_value(json_array_get(hurt, 0)), 1);
    json_decref(o);
    end(&l);
}

static void the_queue_says_why_and_in_which_order(void **state)
{
    (void)state;
    struct looking l;
    struct rig *r = a_site(&l);
    assert_int_equal(rig_job(r, 3, 6, 7), ADMIT_OK); /* of the highest priority */
    looking_again(&l);
    json_t *o = LIST(&l, "queue", .limit = NULL);
    assert_int_equal(rows_of(o), 2);
    assert_int_equal(number_of(row_at(o, 0), "job"), 3);
    assert_int_equal(number_of(row_at(o, 0), "place"), 1);
    assert_int_equal(number_of(row_at(o, 1), "place"), 2);
    assert_non_null(strstr(text_of(row_at(o, 0), "why"), "needs 6 nodes"));
    assert_int_equal(number_of(row_at(o, 1), "waited_ms"),
                     mw_ms(r->now_ns) -
                         r->control->board->job_submit_ms[rig_slot(r, 2)]);
    json_decref(o);
    end(&l);
}

static void jobs_that_are_over_are_there_with_all(void **state)
{
    (void)state;
    struct looking l;
    struct rig *r = a_site(&l);
    assert_int_equal(rig_ended(r, 1, HOW_DONE, MW_MS_PER_HOUR, 0, 0), ADMIT_OK);
    looking_again(&l);
    json_t *o = LIST(&l, "jobs", .filter = "job=1");
    assert_int_equal(number_of(o, "total"), 0);
    json_decref(o);
    l.of.all = true;
    o = LIST(&l, "jobs", .filter = "job=1");
    assert_int_equal(number_of(o, "total"), 1);
    assert_string_equal(text_of(row_at(o, 0), "state"), "done");
    assert_string_equal(text_of(row_at(o, 0), "name"), "llama \"x\"");
    json_decref(o);
    end(&l);
}

static void closed_incidents_are_there_with_closed(void **state)
{
    (void)state;
    struct looking l;
    struct rig *r = a_site(&l);
    uint64_t incident = rig_last(r, EV_INCIDENT_OPENED)->ev.seq;
    rig_repair(r, 7);
    assert_int_equal(rig_closed(r, 7, r->finding), ADMIT_OK);
    assert_int_equal(rig_gate(r, 7, RESULT_OK), ADMIT_OK);
    rig_wait(r, 2 * RIG_HOUR);
    looking_again(&l);
    json_t *o = LIST(&l, "incidents", .limit = NULL);
    assert_int_equal(number_of(o, "total"), 0);
    json_decref(o);
    l.of.closed = true;
    o = LIST(&l, "incidents", .filter = "state=closed and age_ms>1h");
    assert_int_equal(number_of(o, "total"), 1);
    assert_int_equal(number_of(row_at(o, 0), "incident"), incident);
    assert_true(number_of(row_at(o, 0), "lost_uusd") > 0);
    json_decref(o);
    end(&l);
}

static void gpus_of_a_half_used_node_are_half_idle(void **state)
{
    (void)state;
    struct control_policy p = rig_policy();
    struct rig *r = rig_make(4, &p);
    struct looking l;
    struct event ev = rig_job_event(1, 1, 0);
    ev.body.job.gpus = 3;
    assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    looking_begin(&l, r);
    json_t *o = LIST(&l, "gpus", .filter = "job=1 and state=busy");
    assert_int_equal(number_of(o, "total"), 3);
    json_decref(o);
    o = LIST(&l, "gpus", .filter = "job=1 and state=idle and slot>=3");
    assert_int_equal(number_of(o, "total"), 5);
    json_decref(o);
    o = LIST(&l, "sites", .limit = NULL);
    assert_int_equal(number_of(row_at(o, 0), "gpus_busy"), 3);
    assert_int_equal(number_of(row_at(o, 0), "gpus_healthy"), 32);
    json_decref(o);
    rig_finding(r, 3, RIG_KILLS);
    rig_finding_on(r, component_id(COMPONENT_GPU, 9), 1, RIG_IN_PLACE); /* its node serves on */
    looking_again(&l);
    o = LIST(&l, "sites", .limit = NULL);
    assert_int_equal(number_of(row_at(o, 0), "gpus_healthy"), 24);
    json_decref(o);
    end(&l);
}

/* Of a node that serves on with a bad GPU, that GPU is degraded and the others work. */
static void one_bad_gpu_does_not_paint_its_neighbours(void **state)
{
    (void)state;
    struct control_policy p = rig_policy();
    struct rig *r = rig_make(4, &p);
    struct looking l;
    rig_finding_on(r, component_id(COMPONENT_GPU, 9), 1, RIG_IN_PLACE);
    looking_begin(&l, r);
    assert_int_equal(rig_node_health(r, 1), HEALTH_READY);
    assert_int_equal(api_mark_node(r->control, 1), MARK_DEGRADED);
    for (uint32_t g = 8; g < 16; g++)
        assert_int_equal(api_mark_gpu(r->control, g), g == 9 ? MARK_DEGRADED : MARK_IDLE);
    json_t *o = LIST(&l, "gpus", .filter = "incident!=null and state=degraded");
    assert_int_equal(number_of(o, "total"), 1);
    json_decref(o);
    end(&l);
}

static void spares_are_shown_on_the_last_idle_nodes(void **state)
{
    (void)state;
    struct control_policy p = rig_policy();
    p.work.spares = SPARES_FIXED;
    p.work.spares_nodes = 2;
    struct rig *r = rig_make(8, &p);
    struct looking l;
    assert_int_equal(rig_command(r, CMD_HOLD, 7, "x"), ADMIT_OK);
    looking_begin(&l, r);
    json_t *o = LIST(&l, "nodes", .filter = "state=spare", .fields = "name");
    assert_int_equal(number_of(o, "total"), 2);
    assert_string_equal(text_of(row_at(o, 0), "name"),
                        fleet_name(r->fleet, component_id(COMPONENT_NODE, 5)));
    json_decref(o);
    end(&l);
}

static void a_bad_cable_is_down_in_the_list_of_links(void **state)
{
    (void)state;
    struct control_policy p = rig_policy();
    struct rig *r = rig_make(4, &p);
    struct looking l;
    uint32_t cable = r->fleet->nic_cable[r->fleet->node_nic_first[2]];
    rig_finding_on(r, component_id(COMPONENT_CABLE, cable), 2, RIG_KILLS);
    looking_begin(&l, r);
    json_t *o = LIST(&l, "links", .filter = "state!=up");
    assert_int_equal(number_of(o, "total"), 1);
    assert_string_equal(text_of(row_at(o, 0), "state"), "down");
    assert_string_equal(text_of(row_at(o, 0), "kind"), "node-leaf");
    assert_string_equal(text_of(row_at(o, 0), "node"),
                        fleet_name(r->fleet, component_id(COMPONENT_NODE, 2)));
    json_decref(o);
    end(&l);
}

static void halls_and_tenants_sum_what_is_in_them(void **state)
{
    (void)state;
    struct looking l;
    struct rig *r = a_site(&l);
    json_t *o = LIST(&l, "halls", .limit = NULL);
    assert_int_equal(number_of(row_at(o, 0), "nodes"), 8);
    assert_int_equal(number_of(row_at(o, 0), "busy"), 2);
    assert_int_equal(number_of(row_at(o, 0), "free"), 4);
    assert_int_equal(number_of(row_at(o, 0), "out"), 1);
    assert_string_equal(text_of(row_at(o, 0), "mode"), "act");
    assert_true(number_of(row_at(o, 0), "power_w") > 0);
    json_decref(o);
    o = LIST(&l, "tenants", .filter = "tenant=5");
    assert_int_equal(number_of(row_at(o, 0), "gpus"), 16);
    assert_int_equal(number_of(row_at(o, 0), "running"), 1);
    json_decref(o);
    assert_non_null(r);
    end(&l);
}

static void a_nodes_page_has_its_holds_with_reasons_and_its_history(void **state)
{
    (void)state;
    struct looking l;
    struct rig *r = a_site(&l);
    json_t *o = NULL;
    assert_int_equal(detail_node(&l.of, 6, &everybody, &o, &l.err), 0);
    const json_t *hold = json_array_get(json_object_get(o, "holds"), 0);
    assert_string_equal(text_of(hold, "reason"), "fan noise");
    assert_string_equal(text_of(json_object_get(o, "node"), "state"), "held");
    assert_int_equal(json_array_size(json_object_get(o, "gpus")), 8);
    json_decref(o);
    rig_repair(r, 7);
    assert_int_equal(rig_closed(r, 7, r->finding), ADMIT_OK);
    assert_int_equal(rig_gate(r, 7, RESULT_OK), ADMIT_OK);
    looking_again(&l);
    assert_int_equal(detail_node(&l.of, 7, &everybody, &o, &l.err), 0);
    const json_t *test = json_array_get(json_object_get(o, "tests"), 0);
    assert_true(json_is_true(json_object_get(test, "passed")));
    assert_int_equal(json_array_size(json_object_get(o, "incidents")), 1);
    const json_t *lines = json_object_get(o, "timeline");
    assert_true(json_array_size(lines) >= 5);
    for (size_t i = 1; i < json_array_size(lines); i++)
        assert_true(number_of(json_array_get(lines, i), "seq") >
                    number_of(json_array_get(lines, i - 1), "seq"));
    json_decref(o);
    end(&l);
}

/* ---- who is confined to tenants ------------------------------------------------------------- */

static bool says(const json_t *o, const char *words)
{
    char *s = json_dumps(o, JSON_ENCODE_ANY);
    assert_non_null(s);
    bool yes = strstr(s, words) != NULL;
    free(s);
    return yes;
}

static enum admit tenants_job(struct rig *r, uint64_t job, uint32_t tenant)
{
    struct event ev = rig_job_event(job, 4, 0);
    ev.tenant = tenant;
    return rig_submit(r, &ev, NULL);
}

/* Job 41 of tenant 5 had the four nodes, an incident on one of them came and went, and now job 42
 * of tenant 6 has them. */
static struct rig *a_site_of_two_tenants(struct looking *l)
{
    struct control_policy p = rig_policy();
    struct rig *r = rig_make(4, &p);
    assert_int_equal(tenants_job(r, 41, 5), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    assert_int_equal(rig_running(r, 41, 0), ADMIT_OK);
    rig_wait(r, RIG_HOUR);
    assert_int_equal(rig_ended(r, 41, HOW_DONE, MW_MS_PER_HOUR, 0, 0), ADMIT_OK);
    rig_finding(r, 2, RIG_KILLS);
    rig_repair(r, 2);
    assert_int_equal(rig_closed(r, 2, r->finding), ADMIT_OK);
    assert_int_equal(rig_gate(r, 2, RESULT_OK), ADMIT_OK);
    rig_wait(r, 2 * RIG_HOUR);
    assert_int_equal(tenants_job(r, 42, 6), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    looking_begin(l, r);
    return r;
}

static void a_tenant_hears_of_a_node_only_what_is_its_own(void **state)
{
    (void)state;
    struct looking l;
    struct rig *r = a_site_of_two_tenants(&l);
    const struct principal tenant = { .name = "t", .roles = 1u << ROLE_USER, .tenants = 1,
                                      .tenant = { 6 } };
    json_t *o = NULL;
    assert_int_equal(r->control->board->job_tenant[rig_slot(r, 42)], 6);
    assert_int_equal(detail_node(&l.of, 2, &everybody, &o, &l.err), 0);
    assert_true(says(json_object_get(o, "timeline"), "job 41"));
    assert_true(says(json_object_get(o, "timeline"), "job 42"));
    assert_int_equal(json_array_size(json_object_get(o, "incidents")), 1);
    json_decref(o);
    assert_int_equal(detail_node(&l.of, 2, &tenant, &o, &l.err), 0);
    assert_false(says(o, "job 41"));
    assert_true(says(json_object_get(o, "timeline"), "job 42"));
    assert_int_equal(json_array_size(json_object_get(o, "incidents")), 0);
    assert_int_equal(json_array_size(json_object_get(o, "tests")), 0);
    json_decref(o);
    end(&l);
}

/* Has the story of a job, as this principal gets it, a line with these words? */
static bool story_says(const struct looking *l, uint64_t job, const struct principal *who,
                       const char *words)
{
    struct story s = { 0 };
    struct mw_error err = { 0 };
    const struct story_options o = { .words = &l->words };
    bool yes = false;
    assert_int_equal(story_tell(l->of.journal, job, &o, &s, &err), 0);
    assert_int_equal(story_narrow(&l->of, &s, who, &err), 0);
    assert_true(s.lines > 0);
    for (uint32_t i = 0; i < s.lines; i++)
        yes |= strstr(s.line[i].text, words) != NULL;
    story_fini(&s);
    return yes;
}

/* A job of tenant 5 has to make room for one of tenant 6. */
static void a_story_names_no_job_of_another_tenant(void **state)
{
    (void)state;
    struct control_policy p = rig_jobs_policy();
    struct rig_jobs *j = &(struct rig_jobs){ 0 };
    struct looking l;
    p.work.preempt = true;
    struct rig *r = rig_jobs_make(j, 8, &p);
    rig_jobs_ask(j, (struct rig_ask){ .job = 51, .nodes = 8, .tenant = 5,
                                      .work_ms = 100 * MW_MS_PER_HOUR, .write_ms = 60000 });
    rig_jobs_run(j, 3 * RIG_HOUR);
    rig_jobs_ask(j, (struct rig_ask){ .job = 62, .nodes = 3, .tenant = 6, .priority = 4,
                                      .work_ms = MW_MS_PER_HOUR });
    rig_jobs_run(j, 2 * RIG_HOUR);
    looking_begin(&l, r);
    struct principal who = { .name = "t", .roles = 1u << ROLE_USER, .tenants = 1,
                             .tenant = { 5 } };
    assert_true(story_says(&l, 51, &everybody, "placed"));
    assert_true(story_says(&l, 62, &everybody, "job 51"));
    assert_false(story_says(&l, 51, &who, "62"));
    assert_true(story_says(&l, 51, &who, "room is made for another job"));
    who.tenant[0] = 6;
    assert_false(story_says(&l, 62, &who, "job 51"));
    assert_true(story_says(&l, 62, &who, "placed"));
    end(&l);
}

static void orders_are_of_those_whose_incidents_they_see(void **state)
{
    (void)state;
    struct looking l;
    struct rig *r = a_site(&l); /* node 7 is broken, and no job was on it */
    l.scoped = true;
    l.who = everybody;
    json_t *o = LIST(&l, "orders", .limit = NULL);
    assert_int_equal(number_of(o, "total"), 1);
    json_decref(o);
    l.who.tenants = 1;
    l.who.tenant[0] = 5;
    o = LIST(&l, "orders", .limit = NULL);
    assert_int_equal(number_of(o, "total"), 0);
    json_decref(o);
    rig_finding(r, r->control->board->job_first_node[rig_slot(r, 1)], RIG_KILLS);
    rig_wait(r, RIG_MINUTE);
    assert_int_equal(rig_ended(r, 1, HOW_FAILED, 0, 0, 0), ADMIT_OK);
    rig_wait(r, RIG_MINUTE);
    looking_again(&l);
    json_t *incidents = LIST(&l, "incidents", .limit = NULL);
    assert_int_equal(number_of(incidents, "total"), 1);
    o = LIST(&l, "orders", .limit = NULL);
    assert_int_equal(number_of(o, "total"), number_of(incidents, "total"));
    json_decref(incidents);
    json_decref(o);
    end(&l);
}

static void an_incidents_jobs_are_those_that_one_sees(void **state)
{
    (void)state;
    struct looking l;
    struct rig *r = a_site(&l); /* job 1 is tenant 5's, job 2 is not */
    struct principal who = { .name = "t", .roles = 1u << ROLE_USER, .tenants = 1,
                             .tenant = { 5 } };
    json_t *row = json_pack("{s:[i, i, i]}", "jobs", 2, 1, 99);
    api_narrow_incident(row, r->control->board, &who);
    assert_true(says(row, "{\"jobs\": [1]}"));
    json_decref(row);
    rig_finding(r, r->control->board->job_first_node[rig_slot(r, 1)], RIG_SLOWS);
    looking_again(&l);
    l.scoped = true;
    l.who = who;
    json_t *o = LIST(&l, "incidents", .limit = NULL);
    assert_int_equal(number_of(o, "total"), 1);
    assert_true(says(row_at(o, 0), "\"jobs\": [1]"));
    json_decref(o);
    end(&l);
}

static void a_nodes_tag_changes_with_what_a_command_depends_on(void **state)
{
    (void)state;
    struct looking l;
    struct rig *r = a_site(&l);
    char before[NODE_ETAG_MAX], after[NODE_ETAG_MAX], other[NODE_ETAG_MAX];
    node_etag(r->control, 3, before);
    rig_wait(r, RIG_MINUTE);
    node_etag(r->control, 3, after);
    assert_string_equal(before, after); /* time alone does nothing */
    node_etag(r->control, 6, other);
    assert_string_not_equal(before, other);
    assert_int_equal(rig_command(r, CMD_HOLD, 3, "x"), ADMIT_OK);
    node_etag(r->control, 3, after);
    assert_string_not_equal(before, after);
    end(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_running_job_says_how_far_it_is_and_when_it_ends),
        cmocka_unit_test(a_job_on_a_suspect_node_is_at_risk_and_says_why),
        cmocka_unit_test(the_queue_says_why_and_in_which_order),
        cmocka_unit_test(jobs_that_are_over_are_there_with_all),
        cmocka_unit_test(closed_incidents_are_there_with_closed),
        cmocka_unit_test(gpus_of_a_half_used_node_are_half_idle),
        cmocka_unit_test(one_bad_gpu_does_not_paint_its_neighbours),
        cmocka_unit_test(spares_are_shown_on_the_last_idle_nodes),
        cmocka_unit_test(a_bad_cable_is_down_in_the_list_of_links),
        cmocka_unit_test(halls_and_tenants_sum_what_is_in_them),
        cmocka_unit_test(a_nodes_page_has_its_holds_with_reasons_and_its_history),
        cmocka_unit_test(a_tenant_hears_of_a_node_only_what_is_its_own),
        cmocka_unit_test(a_story_names_no_job_of_another_tenant),
        cmocka_unit_test(orders_are_of_those_whose_incidents_they_see),
        cmocka_unit_test(an_incidents_jobs_are_those_that_one_sees),
        cmocka_unit_test(a_nodes_tag_changes_with_what_a_command_depends_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
