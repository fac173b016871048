/* The home page, series, the map, the wiring: they say what the state and history say. */
#include "api/feeds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <event2/buffer.h>

#include "api/feed_rig.h"
#include "api/layout.h"
#include "api/mark.h"
#include "api/power.h"
#include "api/series.h"
#include "api/summary.h"
#include "api/topology.h"

#define NODES 64

/* A site by hand, a follower of its record, and its history. */
struct site {
    struct rig *rig;
    struct journal *journal;
    struct control *follower;
    struct history_store *history;
    struct projector projector;
    struct words words;
};

static struct rig *make_rig(void)
{
    struct control_policy p = rig_policy();
    p.work.places_per_pulse = 8;
    return rig_make(NODES, &p);
}

static int tell(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct site *s = ctx;
    assert_int_equal(control_follow(s->follower, ev, tail, last, NULL), 0);
    projector_told(&s->projector, s->follower, ev, tail, last);
    return 0;
}

static void follow(struct site *s, struct rig *r)
{
    struct mw_error err = { 0 };
    *s = (struct site){ .rig = r, .journal = rig_copy(r, core_seq(r->control->core)) };
    const struct control_options o = { .fleet = r->fleet, .policy = &r->policy,
                                       .journal = s->journal };
    assert_int_equal(control_create(&o, &s->follower, &err), 0);
    assert_int_equal(control_follow_begin(s->follower, 0, &err), 0);
    assert_int_equal(history_open(NULL, s->journal, &s->history, &err), 0);
    projector_init(&s->projector, s->history, 0);
    assert_int_equal(s->journal->ops->read(s->journal, 1, tell, s, &err), 0);
    s->words = (struct words){ .fleet = r->fleet, .policy = &r->policy };
}

static void leave(struct site *s)
{
    history_close(s->history);
    projector_fini(&s->projector);
    control_destroy(s->follower);
    journal_destroy(s->journal);
    rig_free(s->rig);
}

static json_t *summary(const struct site *s, const struct principal *who, uint64_t since)
{
    struct mw_error err = { 0 };
    const struct summary_of of = { .control = s->follower, .words = &s->words,
                                   .journal = s->journal, .history = s->history, .who = who,
                                   .now_ns = s->rig->now_ns, .since = since };
    json_t *o = summary_make(&of, &err);
    if (!o)
        fail_msg("%s", err.text);
    return o;
}

static int64_t number(const json_t *o, const char *key)
{
    const json_t *n = json_object_get(o, key);
    if (!json_is_integer(n))
        fail_msg("\"%s\" is no number", key);
    return json_integer_value(n);
}

/* A job runs on two nodes for three hours, and one of them breaks; another node dies. */
static struct rig *a_day(void)
{
    struct rig *r = make_rig();
    rig_wait(r, RIG_HOUR);
    assert_int_equal(rig_job(r, 5, 2, 3), ADMIT_OK);
    rig_wait(r, RIG_MINUTE);
    assert_int_equal(rig_running(r, 5, 0), ADMIT_OK);
    rig_wait(r, 3 * RIG_HOUR);
    uint32_t node = r->control->board->job_first_node[rig_slot(r, 5)];
    (void)rig_finding(r, NODES - 1, RIG_KILLS);
    rig_wait(r, RIG_HOUR);
    (void)rig_finding(r, node, RIG_SLOWS);
    rig_wait(r, RIG_MINUTE);
    return r;
}

static const struct principal everybody = { .name = "all", .roles = 1u << ROLE_ADMIN };

static void the_home_page_adds_up(void **state)
{
    (void)state;
    struct site s;
    struct account_totals t;
    follow(&s, a_day());
    json_t *o = summary(&s, &everybody, 0);
    account_settle(s.follower->account, s.rig->now_ns, &t);
    assert_int_equal(number(o, "lost_total_uusd"), t.lost_microdollars);
    assert_int_equal(number(o, "gpus"), NODES * 8);
    assert_int_equal(number(o, "gpus_healthy"), (NODES - 2) * 8);
    assert_int_equal(number(o, "gpus_busy"), 16);
    assert_int_equal(number(o, "incidents_open"), 2);
    assert_int_equal(number(o, "jobs_running"), 1);
    int64_t ppm = (int64_t)(account_goodput(&t) * 1e6);
    assert_true(llabs(number(o, "goodput_total_ppm") - ppm) <= 1);
    int64_t sum = 0;
    const json_t *row, *today = json_object_get(o, "lost_today");
    size_t i;
    json_array_foreach(today, i, row)
        sum += number(row, "uusd");
    assert_true(json_array_size(today) >= 2);
    assert_true(llabs(sum - number(o, "lost_today_uusd")) <= 8); /* rounded by rows */
    assert_true(number(o, "lost_today_uusd") <= t.lost_microdollars);
    assert_int_equal(number(o, "revision"), core_seq(s.follower->core));
    assert_string_equal(json_string_value(json_object_get(json_object_get(o, "power"),
                                                          "rests_on")), "modelled");
    json_decref(o);
    leave(&s);
}

static void a_job_on_a_node_that_is_suspect_is_at_risk_with_what_it_stakes(void **state)
{
    (void)state;
    struct site s;
    follow(&s, a_day());
    json_t *o = summary(&s, &everybody, UINT64_MAX);
    const json_t *risk = json_array_get(json_object_get(o, "jobs_at_risk"), 0);
    uint32_t slot = board_job_find(s.follower->board, 5);
    int64_t unsaved_ms = board_job_unsaved_ms(s.follower->board, slot, mw_ms(s.rig->now_ns));
    assert_int_equal(number(risk, "job"), 5);
    assert_int_equal(number(risk, "unsaved_ms"), unsaved_ms);
    assert_int_equal(number(risk, "stake_uusd"),
                     account_price(unsaved_ms * 16,
                                   s.follower->policy.account.microdollars_per_gpu_hour));
    assert_non_null(strstr(json_string_value(json_object_get(risk, "why")), "suspect"));
    assert_true(json_is_null(json_object_get(o, "changed"))); /* nobody asked */
    json_decref(o);
    leave(&s);
}

static void what_changed_is_counted_from_the_place_where_somebody_looked(void **state)
{
    (void)state;
    struct site s;
    struct rig *r = a_day();
    uint64_t looked = core_seq(r->control->core);
    int64_t looked_ns = core_now(r->control->core);
    rig_wait(r, 2 * RIG_HOUR);
    (void)rig_finding(r, NODES - 2, RIG_KILLS);
    rig_wait(r, RIG_HOUR);
    follow(&s, r);
    json_t *o = summary(&s, &everybody, looked);
    const json_t *c = json_object_get(o, "changed");
    assert_int_equal(number(c, "since_seq"), looked);
    assert_int_equal(number(c, "incidents_opened"), 1);
    assert_int_equal(number(c, "incidents_closed"), 0);
    assert_true(number(c, "lost_uusd") > 0);
    assert_true(number(c, "lost_uusd") < number(o, "lost_total_uusd"));
    const json_t *first = json_array_get(json_object_get(c, "top"), 0);
    assert_true(number(first, "seq") > (int64_t)looked);
    assert_string_equal(json_string_value(json_object_get(first, "kind")), "incident.opened");
    struct history_sample at, now;
    projector_sample(s.follower, r->now_ns, &now);
    assert_true(feeds_sums_at(s.history, &now, mw_ms(looked_ns), &at));
    assert_int_equal(number(c, "lost_uusd"), now.lost_uusd - at.lost_uusd);
    json_decref(o);
    leave(&s);
}

static void who_is_confined_to_a_part_sees_no_figure_of_the_whole(void **state)
{
    (void)state;
    struct site s;
    follow(&s, a_day());
    struct principal tenant = { .name = "t", .roles = 1u << ROLE_USER, .tenants = 1 };
    tenant.tenant[0] = 12345;
    json_t *o = summary(&s, &tenant, 0);
    assert_true(json_is_null(json_object_get(o, "lost_today_uusd")));
    assert_true(json_is_null(json_object_get(o, "goodput_ppm")));
    assert_true(json_is_null(json_object_get(o, "changed")));
    assert_int_equal(json_array_size(json_object_get(o, "jobs_at_risk")), 0); /* another's */
    json_decref(o);
    tenant.tenant[0] = s.follower->board->job_tenant[board_job_find(s.follower->board, 5)];
    o = summary(&s, &tenant, 0);
    assert_int_equal(json_array_size(json_object_get(o, "jobs_at_risk")), 1);
    json_decref(o);
    leave(&s);
}

static void series_end_with_the_present_and_name_what_is_none(void **state)
{
    (void)state;
    struct site s;
    struct mw_error err = { 0 };
    follow(&s, a_day());
    struct series_of of = { .control = s.follower, .history = s.history,
                            .names = "lost_uusd,gpus_busy,goodput_ppm,lost_uusd_per_hour",
                            .now_ns = s.rig->now_ns, .from_ms = mw_ms(RIG_START_NS),
                            .to_ms = mw_ms(s.rig->now_ns), .points = 600 };
    json_t *o = series_make(&of, &err);
    assert_non_null(o);
    const json_t *t = json_object_get(o, "t"), *values = json_object_get(o, "values");
    size_t n = json_array_size(t);
    assert_true(n >= 3);
    assert_int_equal(json_integer_value(json_array_get(t, n - 1)), mw_ms(s.rig->now_ns));
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(json_array_size(json_array_get(values, i)), n);
    struct account_totals totals;
    account_settle(s.follower->account, s.rig->now_ns, &totals);
    assert_int_equal(json_integer_value(json_array_get(json_array_get(values, 0), n - 1)),
                     totals.lost_microdollars);
    assert_int_equal(json_integer_value(json_array_get(json_array_get(values, 1), n - 1)), 16);
    json_decref(o);
    of.points = 3;
    o = series_make(&of, &err);
    assert_non_null(o);
    assert_true(json_array_size(json_object_get(o, "t")) <= 4);
    json_decref(o);
    of.names = "gpus_busy,nonsense";
    assert_null(series_make(&of, &err));
    assert_int_equal(err.code, MW_EINVAL);
    assert_non_null(strstr(err.text, "nonsense"));
    leave(&s);
}

/* ---- the map -------------------------------------------------------------------------------- */

static json_t *layout_json(const struct layout *l, const struct site *s)
{
    struct evbuffer *b = evbuffer_new();
    assert_true(layout_write(l, s->rig->fleet, s->rig->now_ns, 7, b));
    size_t size = evbuffer_get_length(b);
    json_t *o = json_loadb((const char *)evbuffer_pullup(b, -1), size, 0, NULL);
    assert_non_null(o);
    evbuffer_free(b);
    return o;
}

static void the_layout_has_every_node_once_in_its_rack(void **state)
{
    (void)state;
    struct site s;
    struct layout l;
    follow(&s, make_rig());
    const struct fleet *f = s.rig->fleet;
    assert_int_equal(layout_init(&l, f, NULL), 0);
    json_t *o = layout_json(&l, &s);
    const json_t *nodes = json_object_get(o, "nodes"), *hall, *row, *rack;
    size_t seen = 0, i, j, k;
    json_array_foreach(json_object_get(o, "halls"), i, hall)
        json_array_foreach(json_object_get(hall, "rows"), j, row)
            json_array_foreach(json_object_get(row, "racks"), k, rack) {
                assert_int_equal(number(rack, "first_node"), seen);
                for (int64_t n = 0; n < number(rack, "nodes"); n++) {
                    const char *name = json_string_value(json_array_get(nodes, seen++));
                    uint32_t node = component_index_of(fleet_find(f, name));
                    const char *in = fleet_name(f, component_id(COMPONENT_RACK,
                                                                f->node_rack[node]));
                    assert_string_equal(in, json_string_value(json_object_get(rack, "name")));
                }
            }
    assert_int_equal(seen, NODES);
    assert_int_equal(json_array_size(nodes), NODES);
    assert_int_equal(number(o, "gpu_total"), f->gpus_total);
    json_decref(o);
    layout_fini(&l);
    struct principal other = { .halls = 1, .hall = { "another hall" } };
    assert_int_equal(layout_init(&l, f, &other), 0);
    assert_int_equal(l.nodes, 0);
    json_decref(layout_json(&l, &s));
    layout_fini(&l);
    leave(&s);
}

static void every_byte_of_the_map_is_the_mark_of_its_gpu(void **state)
{
    (void)state;
    struct site s;
    struct layout l;
    uint8_t heat[NODES * 8], again[NODES * 8], by_gpu[NODES * 8];
    follow(&s, a_day());
    const struct fleet *f = s.rig->fleet;
    assert_int_equal(layout_init(&l, f, NULL), 0);
    assert_int_equal(l.gpus, sizeof(heat));
    int64_t now_ms = mw_ms(s.rig->now_ns);
    assert_int_equal(heat_fill(&l, s.follower, HEAT_STATE, &everybody, now_ms, heat), 0);
    uint32_t at = 0, busy = 0, bad = 0, spares = api_mark_spares_from(s.follower);
    for (uint32_t i = 0; i < l.nodes; i++)
        for (uint32_t g = 0; g < 8; g++, at++) {
            uint32_t gpu = f->node_gpu_first[l.node[i]] + g;
            uint8_t mark = api_mark_with_spares(api_mark_gpu(s.follower, gpu), l.node[i], spares);
            assert_int_equal(heat[at], mark);
            by_gpu[gpu] = mark;
            busy += mark == MARK_BUSY;
            bad += mark == MARK_SUSPECT || mark == MARK_DOWN || mark == MARK_REPAIRING;
        }
    assert_int_equal(busy, 8); /* the job's other node is suspect */
    assert_int_equal(bad, 16);
    heat_order(&l, f, by_gpu, again);
    assert_memory_equal(heat, again, sizeof(heat));
    layout_fini(&l);
    leave(&s);
}

static void other_metrics_show_jobs_incidents_and_their_age(void **state)
{
    (void)state;
    struct site s;
    struct layout l;
    uint8_t heat[NODES * 8];
    uint32_t jobs = 0, incidents = 0;
    follow(&s, a_day());
    assert_int_equal(layout_init(&l, s.rig->fleet, NULL), 0);
    int64_t now_ms = mw_ms(s.rig->now_ns);
    assert_int_equal(heat_fill(&l, s.follower, HEAT_JOB, &everybody, now_ms, heat), 0);
    for (uint32_t i = 0; i < sizeof(heat); i++)
        jobs += heat[i] == 1 + 5 % 255;
    assert_int_equal(jobs, 16);
    struct principal tenant = { .tenants = 1, .tenant = { 12345 } };
    assert_int_equal(heat_fill(&l, s.follower, HEAT_JOB, &tenant, now_ms, heat), 0);
    for (uint32_t i = 0; i < sizeof(heat); i++)
        assert_int_equal(heat[i], 0);
    for (enum heat_metric m = 0; m < HEAT_METRIC_COUNT; m++) { /* as the lists, which are empty */
        assert_int_equal(heat_fill(&l, s.follower, m, &tenant, now_ms, heat), 0);
        for (uint32_t i = 0; i < sizeof(heat); i++)
            assert_int_equal(heat[i], 0);
    }
    tenant.tenant[0] = s.follower->board->job_tenant[board_job_find(s.follower->board, 5)];
    assert_int_equal(heat_fill(&l, s.follower, HEAT_STATE, &tenant, now_ms, heat), 0);
    for (uint32_t i = 0, shown = 0; i < sizeof(heat); i++) {
        shown += heat[i] != 0;
        assert_true(shown <= 16 && (i + 1 < sizeof(heat) || shown == 16));
    }
    now_ms += 3 * MW_MS_PER_DAY;
    assert_int_equal(heat_fill(&l, s.follower, HEAT_AGE, &everybody, now_ms, heat), 0);
    for (uint32_t i = 0; i < sizeof(heat); i++)
        incidents += heat[i] == 4; /* three whole days */
    assert_int_equal(incidents, 16);
    assert_int_equal(heat_metric_of("risk"), HEAT_RISK);
    assert_int_equal(heat_metric_of("nonsense"), -1);
    layout_fini(&l);
    leave(&s);
}

/* ---- wiring, power -------------------------------------------------------------------------- */

static void the_topology_has_all_nodes_and_the_links_that_are_down(void **state)
{
    (void)state;
    struct site s;
    struct mw_error err = { 0 };
    struct rig *r = a_day();
    uint64_t cable = component_id(COMPONENT_CABLE, r->fleet->nic_cable[0]);
    (void)rig_finding_on(r, cable, MW_NONE, RIG_IN_PLACE);
    follow(&s, r);
    struct evbuffer *b = evbuffer_new();
    const struct topology_of of = { .control = s.follower, .words = &s.words, .who = &everybody,
                                    .now_ns = r->now_ns };
    assert_int_equal(topology_write(&of, b, &err), 0);
    size_t size = evbuffer_get_length(b);
    json_t *o = json_loadb((const char *)evbuffer_pullup(b, -1), size, 0, NULL);
    evbuffer_free(b);
    assert_non_null(o);
    const json_t *row;
    size_t i;
    int64_t nodes = 0, free = 0, segments = 0, down = 0, jobs = 0;
    json_array_foreach(json_object_get(o, "groups"), i, row) {
        nodes += number(row, "nodes");
        free += number(row, "free");
        jobs += (int64_t)json_array_size(json_object_get(row, "jobs"));
    }
    json_array_foreach(json_object_get(o, "idle_segments"), i, row)
        segments += number(row, "size") * number(row, "count");
    json_array_foreach(json_object_get(o, "leaves"), i, row)
        down += number(row, "links_down");
    assert_int_equal(nodes, NODES);
    assert_int_equal(free, work_free_nodes(s.follower->work));
    assert_int_equal(segments, free);
    assert_int_equal(jobs, 1);
    assert_int_equal(down, 1);
    assert_int_equal(number(o, "rails"), 8);
    json_decref(o);
    leave(&s);
}

static void power_is_between_rest_and_nameplate_and_below_the_breakers(void **state)
{
    (void)state;
    struct site s;
    struct power idle, busy;
    follow(&s, make_rig());
    assert_int_equal(power_of(s.follower, MW_NONE, &idle), 0);
    const struct fleet *f = s.rig->fleet;
    int64_t racks = 0, nodes = 0;
    for (uint32_t i = 0; i < f->count[COMPONENT_RACK]; i++)
        racks += f->rack_power_w[i];
    for (uint32_t n = 0; n < NODES; n++)
        nodes += f->node_power_w[n];
    assert_int_equal(idle.drawn_w, racks - nodes + NODES * (f->node_power_w[0] *
                                                            POWER_IDLE_PERMILLE / 1000));
    assert_true(idle.cap_w > racks);
    leave(&s);
    follow(&s, a_day());
    assert_int_equal(power_of(s.follower, 0, &busy), 0);
    assert_true(busy.drawn_w > idle.drawn_w && busy.drawn_w < racks);
    assert_int_equal(busy.cap_w, idle.cap_w); /* one hall is the site */
    leave(&s);
}

/* ---- over HTTP ------------------------------------------------------------------------------ */

static void the_server_answers_all_of_it(void **state)
{
    (void)state;
    struct feed_rig *f = feed_rig_make(8);
    struct feed_answer a;
    (void)rig_finding(f->rig, 3, RIG_KILLS);
    feed_rig_serve(f);
    json_decref(feed_get(f, "/api/v1/summary?since=1"));
    json_decref(feed_get(f, "/api/v1/series?points=10&names=power_w"));
    json_decref(feed_get(f, "/api/v1/topology"));
    json_decref(feed_get(f, "/api/v1/fleet/layout"));
    feed_ask(f, "GET", "/api/v1/fleet/heat?metric=state", "", "", &a);
    assert_int_equal(a.status, 200);
    assert_int_equal(a.body.length, 64);
    assert_non_null(strstr(a.head, "MW-Revision: "));
    text_fini(&a.body);
    feed_ask(f, "GET", "/api/v1/fleet/heat?metric=nonsense", "", "", &a);
    assert_int_equal(a.status, 400);
    text_fini(&a.body);
    feed_ask(f, "GET", "/api/v1/fleet/heat?at=2001-01-01", "", "", &a);
    assert_int_equal(a.status, 404);
    text_fini(&a.body);
    feed_ask(f, "GET", "/api/v1/series?from=nonsense", "", "", &a);
    assert_int_equal(a.status, 400);
    text_fini(&a.body);
    feed_rig_free(f);
}

static void after_a_restart_history_goes_on_where_it_was(void **state)
{
    (void)state;
    struct feed_rig *f = feed_rig_make(8);
    feed_rig_serve(f);
    (void)rig_finding(f->rig, 3, RIG_KILLS);
    rig_wait(f->rig, RIG_HOUR);
    feed_rig_tell(f);
    feed_rig_stop(f);
    assert_int_equal(core_snapshot(f->rig->control->core, NULL), 0);
    (void)rig_finding(f->rig, 4, RIG_KILLS);
    rig_wait(f->rig, RIG_HOUR);
    feed_rig_serve(f); /* behind the snapshot, which is newer than history: it may not be used */
    json_t *o = feed_get(f, "/api/v1/summary?since=0");
    const json_t *changed = json_object_get(o, "changed");
    assert_int_equal(number(changed, "incidents_opened"), 2);
    assert_string_equal(json_string_value(json_object_get(o, "history")), "file");
    json_decref(o);
    feed_rig_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_home_page_adds_up),
        cmocka_unit_test(a_job_on_a_node_that_is_suspect_is_at_risk_with_what_it_stakes),
        cmocka_unit_test(what_changed_is_counted_from_the_place_where_somebody_looked),
        cmocka_unit_test(who_is_confined_to_a_part_sees_no_figure_of_the_whole),
        cmocka_unit_test(series_end_with_the_present_and_name_what_is_none),
        cmocka_unit_test(the_layout_has_every_node_once_in_its_rack),
        cmocka_unit_test(every_byte_of_the_map_is_the_mark_of_its_gpu),
        cmocka_unit_test(other_metrics_show_jobs_incidents_and_their_age),
        cmocka_unit_test(the_topology_has_all_nodes_and_the_links_that_are_down),
        cmocka_unit_test(power_is_between_rest_and_nameplate_and_below_the_breakers),
        cmocka_unit_test(the_server_answers_all_of_it),
        cmocka_unit_test(after_a_restart_history_goes_on_where_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
