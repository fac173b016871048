/* What the documents of the API say of a site in which something is wrong. */
#include "api/views.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/bench.h"
#include "api/detail.h"
#include "api/routes.h"
#include "base/units.h"

/* A document of the bench's site; the test fails when it cannot be made. */
static json_t *view(struct bench *b, const char *which, bool all)
{
    const struct control *c = live_control(b->live);
    const struct words w = { .fleet = b->fleet, .policy = &c->policy,
                             .detail = api_finding_detail };
    const struct api_view_of of = { .control = c, .journal = b->journal, .words = &w,
                                    .now_ns = b->now_ns, .all = all };
    const struct api_view *v = api_view_find(which);
    assert_non_null(v);
    json_t *o = v->make(&of, &b->err);
    if (!o)
        fail_msg("%s: %s", which, b->err.text);
    assert_true(json_is_array(json_object_get(o, "rows")));
    return o;
}

static const json_t *row(const json_t *document, size_t nth)
{
    const json_t *r = json_array_get(json_object_get(document, "rows"), nth);
    assert_non_null(r);
    return r;
}

static const char *text(const json_t *r, const char *key)
{
    const char *s = json_string_value(json_object_get(r, key));
    if (!s)
        fail_msg("no text \"%s\"", key);
    return s;
}

static int64_t number(const json_t *r, const char *key)
{
    const json_t *n = json_object_get(r, key);
    if (!json_is_integer(n))
        fail_msg("no number \"%s\"", key);
    return json_integer_value(n);
}

static void every_document_has_its_path_and_can_be_made_of_a_site_at_rest(void **state)
{
    (void)state;
    struct bench *b = bench_make(MODE_ACT);
    char arg[API_ARGS_MAX][API_ARG_MAX];
    uint32_t allowed;
    assert_null(api_view_find("nothing"));
    for (const struct api_view *v = api_views; v->name; v++) {
        const struct api_route *r = api_route_find(v->path, API_GET, &allowed, arg);
        if (!r)
            fail_msg("no route answers %s", v->path);
        json_decref(view(b, v->name, false));
        json_decref(view(b, v->name, true));
    }
    bench_free(b);
}

static void a_broken_node_is_an_incident_with_a_price_and_an_order_with_evidence(void **state)
{
    (void)state;
    struct bench *b = bench_make(MODE_ACT);
    lose_gpu(b, 5);
    json_t *incidents = view(b, "incidents", false), *orders = view(b, "orders", false);
    const json_t *in = row(incidents, 0), *order = row(orders, 0);
    int64_t price = live_control(b->live)->policy.account.microdollars_per_gpu_hour;
    int64_t stake = b->fleet->node_gpus[5] * price; /* all of its GPUs do nothing */
    assert_string_equal(text(in, "class"), "gpu");
    assert_string_equal(text(in, "state"), "down");
    assert_int_equal(number(in, "stake_uusd_per_hour"), stake);
    assert_non_null(strstr(text(in, "next"), "nobody has begun"));
    assert_int_equal(number(order, "incident"), number(in, "incident"));
    assert_int_equal(number(order, "stake_uusd_per_hour"), stake);
    assert_non_null(strstr(text(order, "evidence"), "Xid 79"));
    assert_non_null(strstr(text(order, "place"), "/"));
    assert_string_equal(text(order, "state"), "open");
    assert_string_equal(text(order, "warranty"), "unknown");
    uint64_t seq = (uint64_t)number(order, "order");
    json_decref(incidents);
    json_decref(orders);
    assert_int_equal(act(b, API_ORDER_TAKEN, MW_NONE, seq), 0);
    orders = view(b, "orders", false);
    assert_string_equal(text(row(orders, 0), "state"), "begun");
    json_decref(orders);
    assert_int_equal(act(b, API_ORDER_DONE, MW_NONE, seq), 0);
    orders = view(b, "orders", false);
    assert_int_equal(json_array_size(json_object_get(orders, "rows")), 0);
    json_decref(orders);
    bench_free(b);
}

static void the_budget_counts_what_automation_took_and_what_it_may(void **state)
{
    (void)state;
    struct bench *b = bench_make(MODE_ADVISE);
    json_t *o = view(b, "budget", false);
    const json_t *hall = row(o, 0), *fleet = json_object_get(o, "fleet");
    assert_string_equal(text(hall, "mode"), "advise");
    assert_int_equal(number(hall, "taken"), 0);
    assert_int_equal(number(hall, "allowed"), 1); /* 0.5 % of 40, one at least */
    assert_int_equal(number(fleet, "drained_allowed"), 1);
    assert_true(json_is_false(json_object_get(fleet, "tripped")));
    json_decref(o);
    bench_free(b);
}

static void planned_maintenance_is_listed_until_it_is_over(void **state)
{
    (void)state;
    struct bench *b = bench_make(MODE_ACT);
    struct api_command c = { .verb = API_WINDOW_ADD, .length_s = 3600, .count = 2,
                             .from_ms = mw_ms(b->now_ns) + MW_MS_PER_HOUR, .reason = "firmware" };
    (void)snprintf(c.node, sizeof(c.node), "%s", name(b, 3));
    assert_int_equal(api_act(&b->port, b->now_ns, PERSON, &c, &b->seq, &b->err), 0);
    json_t *o = view(b, "windows", false);
    assert_int_equal(number(row(o, 0), "id"), b->seq);
    assert_string_equal(text(row(o, 0), "state"), "noted");
    assert_string_equal(text(row(o, 0), "first"), name(b, 3));
    assert_int_equal(number(row(o, 0), "length_ms"), MW_MS_PER_HOUR);
    json_decref(o);
    b->now_ns += 90 * MW_NS_PER_MIN;
    assert_int_equal(live_tick(b->live, b->now_ns, &b->err), 0);
    o = view(b, "windows", false);
    assert_string_equal(text(row(o, 0), "state"), "on");
    json_decref(o);
    b->now_ns += 90 * MW_NS_PER_MIN;
    assert_int_equal(live_tick(b->live, b->now_ns, &b->err), 0);
    o = view(b, "windows", false);
    assert_int_equal(json_array_size(json_object_get(o, "rows")), 0);
    json_decref(o);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_document_has_its_path_and_can_be_made_of_a_site_at_rest),
        cmocka_unit_test(a_broken_node_is_an_incident_with_a_price_and_an_order_with_evidence),
        cmocka_unit_test(the_budget_counts_what_automation_took_and_what_it_may),
        cmocka_unit_test(planned_maintenance_is_listed_until_it_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
