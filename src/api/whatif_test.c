/*
 * What-if: a wrong setting would be a wrong answer that looks right.  The simulator's place is
 * taken by this very program, which is started as `mw sim run` would be and tells figures that
 * depend on what it was told, so that each column is seen to have had its own settings and seeds.
 */
#include "api/whatif.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "api/feed_rig.h"
#include "base/text.h"

/* ---- what is asked -------------------------------------------------------------------------- */

static int read_wish(const char *body, struct whatif_wish *w, struct mw_error *err)
{
    const char *field;
    *err = (struct mw_error){ 0 };
    return whatif_read(body, strlen(body), w, &field, err);
}

static void refused(const char *body, const char *blamed, const char *words)
{
    struct whatif_wish w;
    struct mw_error err = { 0 };
    const char *field = NULL;
    assert_true(whatif_read(body, strlen(body), &w, &field, &err) < 0);
    assert_string_equal(field, blamed);
    if (!strstr(err.text, words))
        fail_msg("\"%s\" does not say \"%s\"", err.text, words);
}

static void a_question_is_read_or_its_key_is_blamed(void **state)
{
    (void)state;
    struct whatif_wish w;
    struct mw_error err;
    assert_int_equal(read_wish("{\"runs\":3,\"days\":7,\"spares\":-2,\"crews\":4,"
                               "\"checkpoint_cost\":1.5,\"failure_rate\":2}", &w, &err), 0);
    assert_int_equal(w.runs, 3);
    assert_int_equal(w.days, 7);
    assert_true(w.has_spares && w.spares == -2 && w.has_crews && w.crews == 4);
    assert_true(w.checkpoint_cost == 1.5 && w.failure_rate == 2);
    assert_int_equal(read_wish("{\"failure_rate\":0.5}", &w, &err), 0);
    assert_true(w.runs == 5 && w.days == 30 && !w.has_spares && !w.has_crews);
    refused("{}", "", "nothing is changed");
    refused("{\"spares\":0}", "", "nothing is changed");
    refused("[]", "", "no JSON object");
    refused("{\"spares\":1", "", "no JSON object");
    refused("{\"spares\":1.5}", "spares", "whole number");
    refused("{\"runs\":21,\"spares\":1}", "runs", "from 1 to 20");
    refused("{\"days\":0,\"spares\":1}", "days", "from 1 to 366");
    refused("{\"failure_rate\":0}", "failure_rate", "from 0.01 to 100");
    refused("{\"failure_rate\":\"2\"}", "failure_rate", "a number");
    refused("{\"crews\":-1}", "crews", "whole number");
    refused("{\"spare\":1}", "", "no such key");
    refused("{\"spares\":1,\"spares\":2}", "", "no JSON object");
}

/* ---- settings ------------------------------------------------------------------------------- */

static const char MODELLED[] =
    "scenario: m\nsite: {shape: hgx-h100, gpus: 64}\nhorizon: 30d\nseed: 9\n"
    "faults:\n"
    "  gpu: {on: gpu, between: {law: weibull, scale: 90d, shape: 0.8}, repair: 1h}\n"
    "  fan: {on: node, rate_per_1000_node_days: 20, repair: 1h}\n"
    "  optic: {on: optic, rate_per_year: 0.5, repair: 1h}\n"
    "crews: {number: 6}\n"
    "jobs:\n  write: 32s\n  mix:\n    a: {share: 1, gpus: 8, work: 1h, write: {law: uniform, "
    "from: 10s, to: 1min}}\n"
    "policy: {failure_rate_per_1000_node_days: 100, spares: {nodes: 3}}\n";

static const char TRACED[] =
    "scenario: t\nsite: {shape: hgx-h100, gpus: 64}\nhorizon: 10d\n"
    "classes:\n  fan: {effect: defers}\n"
    "  GPU: {effect: kills, ladder: [{step: repair, odds: 0.7, duration: 5d}]}\n"
    "fault_trace: {file: x.json, detect: 5min}\n"
    "policy: {failure_rate_per_1000_node_days: 2.5, spares: {sized: 0.99}}\n";

static int plan(const char *yaml, const char *wish, struct whatif_plan *ret, struct mw_error *err)
{
    struct whatif_wish w;
    assert_int_equal(read_wish(wish, &w, err), 0);
    const struct whatif_scenario s = { .path = "s.yaml", .yaml = yaml, .size = strlen(yaml),
                                       .spares_now = 7 };
    return whatif_plan(&s, &w, ret, err);
}

static bool has(char *const *list, uint32_t n, const char *set)
{
    for (uint32_t i = 0; i < n; i++)
        if (strcmp(list[i], set) == 0)
            return true;
    return false;
}

static void changes(const struct whatif_plan *p, const char *set)
{
    if (!has(p->changed, p->changes, set))
        fail_msg("\"%s\" is not among what is changed", set);
}

static void levers_become_settings_of_the_scenario(void **state)
{
    (void)state;
    struct whatif_plan p;
    struct mw_error err;
    assert_int_equal(plan(MODELLED, "{\"days\":7,\"spares\":2,\"crews\":1,\"checkpoint_cost\":1.5,"
                          "\"failure_rate\":2}", &p, &err), 0);
    assert_int_equal(p.seed, 9);
    assert_true(has(p.base, p.bases, "horizon=7d"));
    assert_true(has(p.base, p.bases, "policy.spares.nodes=3"));
    assert_int_equal(p.bases, 2);
    changes(&p, "policy.spares.nodes=5");
    changes(&p, "crews.number=1");
    changes(&p, "jobs.write=48000000000ns");
    changes(&p, "jobs.mix.a.write.from=15000000000ns");
    changes(&p, "jobs.mix.a.write.to=90000000000ns");
    changes(&p, "faults.gpu.between.scale=3888000000000000ns"); /* 45 d */
    changes(&p, "faults.fan.rate_per_1000_node_days=40");
    changes(&p, "faults.optic.rate_per_year=1");
    changes(&p, "policy.failure_rate_per_1000_node_days=200");
    assert_int_equal(p.changes, 9); /* the shape of the law is none of it */
    assert_int_equal(json_array_size(p.levers), 4);
    whatif_plan_fini(&p);
}

static void a_trace_gets_modelled_faults_on_top_and_never_fewer(void **state)
{
    (void)state;
    struct whatif_plan p;
    struct mw_error err;
    assert_int_equal(plan(TRACED, "{\"failure_rate\":3,\"spares\":-9}", &p, &err), 0);
    assert_int_equal(p.days, 10); /* as long as it is */
    changes(&p, "faults.what-if.class=GPU");
    changes(&p, "faults.what-if.on=node");
    changes(&p, "faults.what-if.rate_per_1000_node_days=5");
    changes(&p, "faults.what-if.detect=5min");
    changes(&p, "faults.what-if.repair=5d");
    changes(&p, "policy.failure_rate_per_1000_node_days=7.5");
    assert_true(has(p.base, p.bases, "policy.spares.nodes=7")); /* sized: what is kept now */
    changes(&p, "policy.spares.nodes=0");
    assert_int_equal(json_array_size(p.notes), 3);
    whatif_plan_fini(&p);
    assert_int_equal(plan(TRACED, "{\"failure_rate\":0.5}", &p, &err), MW_EINVAL);
    assert_non_null(strstr(err.text, "not fewer"));
    whatif_plan_fini(&p);
    assert_int_equal(plan(TRACED, "{\"checkpoint_cost\":2}", &p, &err), MW_EINVAL);
    assert_non_null(strstr(err.text, "what a checkpoint costs"));
    whatif_plan_fini(&p);
    assert_int_equal(plan("horizon: [", "{\"crews\":2}", &p, &err), MW_ESYNTAX);
    whatif_plan_fini(&p);
}

/* ---- results -------------------------------------------------------------------------------- */

static void a_change_is_the_mean_of_differences_between_runs_of_one_seed(void **state)
{
    (void)state;
    static const double base[] = { 0.50, 0.70, 0.60 }, changed[] = { 0.52, 0.73, 0.61 };
    json_t *a[3], *b[3];
    for (int i = 0; i < 3; i++) {
        a[i] = json_pack("{s:f, s:f, s:{s:f}}", "goodput", base[i], "lost_usd", 100.0, "classes",
                         "productive", 3600.0);
        b[i] = json_pack("{s:f, s:f, s:{s:f}}", "goodput", changed[i], "lost_usd", 100.0,
                         "classes", "productive", 7200.0);
    }
    json_t *rows = whatif_rows(a, b, 3);
    const json_t *row = json_array_get(rows, 0), *change = json_object_get(row, "change");
    assert_string_equal(json_string_value(json_object_get(row, "key")), "goodput_ppm");
    assert_true(json_number_value(json_object_get(change, "mean")) > 19999);
    assert_true(json_number_value(json_object_get(change, "mean")) < 20001);
    /* 0.01 times t(2) / sqrt 3, though the runs themselves are 0.1 apart */
    double half = json_number_value(json_object_get(change, "hi")) - 20000;
    assert_true(half > 24830 && half < 24850);
    assert_string_equal(json_string_value(json_object_get(row, "verdict")), "no clear change");
    row = json_array_get(rows, 3);
    assert_string_equal(json_string_value(json_object_get(row, "verdict")), "better");
    json_decref(rows);
    for (int i = 0; i < 3; i++) {
        json_decref(a[i]);
        json_decref(b[i]);
    }
}

/* ---- operations over HTTP ------------------------------------------------------------------- */

static struct feed_rig *serve(const char *yaml)
{
    struct feed_rig *f = feed_rig_make(8);
    static char path[300];
    if (yaml) {
        (void)snprintf(path, sizeof(path), "%s/scenario.yaml", f->dir);
        FILE *to = fopen(path, "w");
        assert_non_null(to);
        assert_true(fputs(yaml, to) >= 0);
        assert_int_equal(fclose(to), 0);
        f->scenario = path;
    }
    (void)snprintf(f->access, sizeof(f->access), "%s/access.json", f->dir);
    feed_rig_serve(f);
    return f;
}

static json_t *ask_for(struct feed_rig *f, const char *body, int status)
{
    struct feed_answer a;
    feed_ask(f, "POST", "/api/v1/whatif", "", body, &a);
    if (a.status != status)
        fail_msg("%s: %d instead of %d: %.300s", body, a.status, status, text_string(&a.body));
    json_t *o = json_loads(text_string(&a.body), 0, NULL);
    text_fini(&a.body);
    assert_non_null(o);
    return o;
}

/* Waits for its end. */
static json_t *operation_over(struct feed_rig *f, const char *id)
{
    char path[80];
    (void)snprintf(path, sizeof(path), "/api/v1/operations/%s", id);
    for (uint32_t i = 0; i < FEED_WAIT_S * 100; i++) {
        json_t *o = feed_get(f, path);
        if (strcmp(json_string_value(json_object_get(o, "state")), "running") != 0)
            return o;
        json_decref(o);
        (void)usleep(10000);
    }
    fail_msg("%s never ended", id);
    return NULL;
}

static void a_question_is_answered_by_runs_of_both_columns(void **state)
{
    (void)state;
    struct feed_rig *f = serve(MODELLED);
    json_t *begun = ask_for(f, "{\"runs\":4,\"crews\":3}", 202);
    json_t *o = operation_over(f, json_string_value(json_object_get(begun, "operation")));
    assert_string_equal(json_string_value(json_object_get(o, "state")), "done");
    assert_int_equal(json_integer_value(json_object_get(o, "progress_ppm")), 1000000);
    const json_t *result = json_object_get(o, "result");
    assert_int_equal(json_integer_value(json_object_get(result, "runs")), 4);
    const json_t *row = json_array_get(json_object_get(result, "rows"), 0);
    /* seeds 9 to 12: a goodput of 0.59 to 0.62, and 0.03 more with three crews */
    double base = json_number_value(json_object_get(json_object_get(row, "baseline"), "mean"));
    double change = json_number_value(json_object_get(json_object_get(row, "change"), "mean"));
    assert_true(base > 604999 && base < 605001);
    assert_true(change > 29999 && change < 30001);
    assert_string_equal(json_string_value(json_object_get(row, "verdict")), "better");
    json_decref(o);
    json_decref(begun);
    feed_rig_free(f);
}

static void what_the_simulator_refuses_is_told_in_its_words(void **state)
{
    (void)state;
    struct feed_rig *f = serve(MODELLED);
    json_t *begun = ask_for(f, "{\"runs\":4,\"crews\":666}", 202);
    json_t *o = operation_over(f, json_string_value(json_object_get(begun, "operation")));
    assert_string_equal(json_string_value(json_object_get(o, "state")), "failed");
    const json_t *error = json_object_get(o, "error");
    assert_non_null(strstr(json_string_value(json_object_get(error, "detail")),
                           "no scenario has so many crews"));
    json_decref(o);
    json_decref(begun);
    feed_rig_free(f);
}

/* "Authorization: Bearer …" of a token with these rights, made over the socket. */
static void token_of(struct feed_rig *f, const char *rights, char ret[200])
{
    struct feed_answer a;
    feed_ask(f, "POST", "/api/v1/tokens", "", rights, &a);
    json_t *o = json_loads(text_string(&a.body), 0, NULL);
    if (a.status != 201)
        fail_msg("%s: %d: %.300s", rights, a.status, text_string(&a.body));
    (void)snprintf(ret, 200, "Authorization: Bearer %s\r\n",
                   json_string_value(json_object_get(o, "token")));
    json_decref(o);
    text_fini(&a.body);
}

static void must_answer(struct feed_rig *f, const char *method, const char *path,
                        const char *bearer, int status)
{
    struct feed_answer a;
    feed_ask(f, method, path, bearer, method[0] == 'P' ? "{\"runs\":1,\"crews\":777}" : "", &a);
    if (a.status != status)
        fail_msg("%s %s: %d instead of %d: %.300s", method, path, a.status, status,
                 text_string(&a.body));
    text_fini(&a.body);
}

static void an_operation_is_shown_to_who_asked_and_to_who_may_ask_of_the_whole_site(void **state)
{
    (void)state;
    struct feed_rig *f = serve(MODELLED);
    char one[200], other[200], part[200], viewer[200];
    token_of(f, "{\"name\":\"one\",\"roles\":[\"operator\"]}", one);
    token_of(f, "{\"name\":\"other\",\"roles\":[\"operator\"]}", other);
    token_of(f, "{\"name\":\"part\",\"roles\":[\"operator\"],\"tenants\":[5]}", part);
    token_of(f, "{\"name\":\"v\",\"roles\":[\"viewer\"]}", viewer);
    must_answer(f, "POST", "/api/v1/whatif", part, 403);
    must_answer(f, "POST", "/api/v1/whatif", viewer, 403);
    must_answer(f, "POST", "/api/v1/whatif", one, 202);
    must_answer(f, "GET", "/api/v1/operations/op-1", one, 200);
    must_answer(f, "GET", "/api/v1/operations/op-1", other, 200);
    must_answer(f, "GET", "/api/v1/operations/op-1", part, 404);
    must_answer(f, "GET", "/api/v1/operations/op-1", viewer, 404);
    must_answer(f, "DELETE", "/api/v1/operations/op-1", part, 404);
    must_answer(f, "DELETE", "/api/v1/operations/op-1", one, 204);
    feed_rig_free(f);
}

static void at_most_two_run_at_once_and_one_can_be_cancelled(void **state)
{
    (void)state;
    struct feed_rig *f = serve(MODELLED);
    struct feed_answer a;
    json_decref(ask_for(f, "{\"runs\":1,\"crews\":777}", 202)); /* these never end by themselves */
    json_decref(ask_for(f, "{\"runs\":1,\"crews\":777}", 202));
    json_decref(ask_for(f, "{\"runs\":1,\"crews\":777}", 503));
    feed_ask(f, "DELETE", "/api/v1/operations/op-1", "", "", &a);
    assert_int_equal(a.status, 204);
    text_fini(&a.body);
    json_t *o = operation_over(f, "op-1");
    assert_string_equal(json_string_value(json_object_get(o, "state")), "cancelled");
    json_decref(o);
    json_decref(ask_for(f, "{\"runs\":1,\"crews\":777}", 202));
    feed_ask(f, "DELETE", "/api/v1/operations/op-1", "", "", &a); /* over: forgotten */
    assert_int_equal(a.status, 204);
    text_fini(&a.body);
    feed_ask(f, "GET", "/api/v1/operations/op-1", "", "", &a);
    assert_int_equal(a.status, 404);
    text_fini(&a.body);
    feed_rig_free(f); /* two still run: they end with the server */
}

static void without_a_scenario_the_answer_is_a_conflict_with_a_hint(void **state)
{
    (void)state;
    struct feed_rig *f = serve(NULL);
    json_t *o = ask_for(f, "{\"crews\":1}", 409);
    assert_non_null(strstr(json_string_value(json_object_get(o, "hint")), "--whatif"));
    json_decref(o);
    feed_rig_free(f);
    f = serve(MODELLED);
    o = ask_for(f, "{\"crews\":\"many\"}", 422);
    assert_string_equal(json_string_value(json_object_get(o, "field")), "crews");
    json_decref(o);
    feed_rig_free(f);
}

/* ---- in the simulator's place --------------------------------------------------------------- */

/* sim run SCENARIO --json --seed S --set KEY=VALUE … */
static int simulate(int argc, char **argv)
{
    double goodput = 0.5;
    for (int i = 4; i + 1 < argc; i++) {
        long crews = 0;
        if (strcmp(argv[i], "--seed") == 0)
            goodput += strtod(argv[i + 1], NULL) / 100;
        if (strcmp(argv[i], "--set") == 0 && sscanf(argv[i + 1], "crews.number=%ld", &crews) == 1)
            goodput += (double)crews / 100;
        if (crews == 666) {
            (void)fprintf(stderr, "mw: no scenario has so many crews\n");
            return 1;
        }
        while (crews == 777)
            (void)pause();
    }
    (void)printf("{\"goodput\": %.6f, \"ettr\": 0.9, \"classes\": {\"productive\": 1.0}}\n",
                 goodput);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_is_read_or_its_key_is_blamed),
        cmocka_unit_test(levers_become_settings_of_the_scenario),
        cmocka_unit_test(a_trace_gets_modelled_faults_on_top_and_never_fewer),
        cmocka_unit_test(a_change_is_the_mean_of_differences_between_runs_of_one_seed),
        cmocka_unit_test(a_question_is_answered_by_runs_of_both_columns),
        cmocka_unit_test(what_the_simulator_refuses_is_told_in_its_words),
        cmocka_unit_test(
            an_operation_is_shown_to_who_asked_and_to_who_may_ask_of_the_whole_site),
        cmocka_unit_test(at_most_two_run_at_once_and_one_can_be_cancelled),
        cmocka_unit_test(without_a_scenario_the_answer_is_a_conflict_with_a_hint),
    };
    if (argc > 2 && strcmp(argv[1], "sim") == 0)
        return simulate(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
