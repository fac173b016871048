/* What the hub of machines holds, as people and programs get it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/machines_tell.h"
#include "base/mem.h"
#include "core/event.h"

#define NOW_MS INT64_C(1700000000000)

struct rig {
    struct machines *machines;
    struct samples samples;
    uint32_t machine, line;
    uint64_t seq;
    int64_t asked_ms; /* by rate */
    struct machines_of of;
};

static int rate(void *ctx, const char *machine, int64_t sample_ms, int64_t for_ms,
                struct mw_error *err)
{
    struct rig *r = ctx;
    (void)err;
    assert_string_equal(machine, "n1");
    assert_int_equal(for_ms, 60000);
    r->asked_ms = sample_ms;
    return 0;
}

static int begin(void **state)
{
    struct rig *r = mw_calloc(1, sizeof(*r));
    const struct machines_options o = { .machines_max = 8 };
    struct mw_error err;
    assert_non_null(r);
    assert_int_equal(machines_create(&o, &r->machines, &err), 0);
    assert_int_equal(samples_init(&r->samples, 64), 0);
    r->machine = machines_add(r->machines, "n1", MW_NONE);
    r->line = machines_line_open(r->machines, r->machine, false, "0.1.0", NOW_MS);
    r->of = (struct machines_of){ .machines = r->machines, .clock_ms = NOW_MS + 60000,
                                  .rate = rate, .rate_ctx = r };
    *state = r;
    return 0;
}

static int end(void **state)
{
    struct rig *r = *state;
    samples_fini(&r->samples);
    machines_destroy(r->machines);
    mw_free(r);
    return 0;
}

/* What was put since the last frame comes in at this time. */
static void send(struct rig *r, int64_t ms)
{
    uint8_t bytes[4096];
    const struct sample_head head = { .seq = ++r->seq, .wall_ms = ms };
    struct sample_reader reader;
    struct mw_error err;
    size_t n = samples_encode(&r->samples, &head, bytes, sizeof(bytes));
    assert_true(n > 0);
    samples_commit(&r->samples);
    assert_int_equal(sample_reader_open(&reader, bytes, n, &err), 0);
    machines_heard(r->machines, r->line, ms, n);
    assert_int_equal(machines_samples(r->machines, r->line, ms, &reader, &err), 0);
}

/* Takes the wish; the answer is the caller's. */
static json_t *tell(struct rig *r, json_t *wish, int code)
{
    struct mw_error err = { 0 };
    assert_non_null(wish);
    json_t *o = machines_tell(&r->of, wish, &err);
    json_decref(wish);
    if (code != 0)
        assert_null(o);
    else
        assert_non_null(o);
    assert_int_equal(err.code, code);
    return o;
}

static const char *text(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

static void say_part(struct rig *r, uint8_t scope, uint32_t n, const char *name, const char *pci)
{
    const struct machine_part p = { .scope = scope, .n = n, .name = name, .pci = pci,
                                    .scope_name = metric_scope_name(scope), .serial = "",
                                    .model = "", .fw = "", .peer = "", .peer_port = "",
                                    .text = "" };
    assert_true(machines_part_said(r->machines, r->machine, &p, NOW_MS));
}

static void a_machine_is_told_with_its_readings_in_their_units_and_its_parts_names(void **state)
{
    struct rig *r = *state;
    samples_put(&r->samples, M_GPU_POWER_W, 2, 412.5);
    say_part(r, SCOPE_GPU, 2, "H100 two", "0000:3b:00.0");
    send(r, NOW_MS);
    json_t *o = tell(r, json_pack("{s:s}", "machine", "n1"), 0);
    const json_t *v = json_array_get(json_object_get(o, "values"), 0);
    assert_string_equal(text(v, "metric"), "gpu_power_w");
    assert_string_equal(text(v, "unit"), "W");
    assert_string_equal(text(v, "label"), "H100 two");
    double step = metric_of(M_GPU_POWER_W)->step; /* what is below it is lost, and no more */
    assert_true(fabs(json_number_value(json_object_get(v, "value")) - 412.5) <= step / 2 + 1e-9);
    assert_string_equal(text(json_object_get(o, "machine"), "rests_on"), "measured");
    assert_int_equal(json_array_size(json_object_get(o, "parts")), 1);
    json_decref(o);
}

static void a_machine_that_says_nothing_for_a_while_is_silent(void **state)
{
    struct rig *r = *state;
    send(r, NOW_MS);
    r->of.clock_ms = NOW_MS + 1000;
    json_t *o = tell(r, json_pack("{s:i}", "list", 10), 0);
    assert_string_equal(text(json_array_get(json_object_get(o, "rows"), 0), "state"), "heard");
    json_decref(o);
    r->of.clock_ms = NOW_MS + 60000;
    o = tell(r, json_pack("{s:i}", "list", 10), 0);
    assert_string_equal(text(json_array_get(json_object_get(o, "rows"), 0), "state"), "silent");
    json_decref(o);
}

static void a_list_goes_on_where_it_was_cut(void **state)
{
    struct rig *r = *state;
    (void)machines_add(r->machines, "n2", MW_NONE);
    (void)machines_add(r->machines, "n3", MW_NONE);
    json_t *o = tell(r, json_pack("{s:i}", "list", 2), 0);
    assert_int_equal(json_array_size(json_object_get(o, "rows")), 2);
    assert_string_equal(text(o, "next"), "n2");
    json_decref(o);
    o = tell(r, json_pack("{s:i, s:s}", "list", 2, "after", "n2"), 0);
    assert_int_equal(json_array_size(json_object_get(o, "rows")), 1);
    assert_string_equal(text(json_array_get(json_object_get(o, "rows"), 0), "name"), "n3");
    assert_true(json_is_null(json_object_get(o, "next")));
    json_decref(o);
    o = tell(r, json_pack("{s:i, s:s}", "list", 2, "name", "nobody"), 0);
    assert_int_equal(json_array_size(json_object_get(o, "rows")), 0);
    json_decref(o);
}

static double at(const json_t *o, size_t line, size_t point)
{
    const json_t *v = json_array_get(json_array_get(json_object_get(o, "values"), line), point);
    return json_is_null(v) ? NAN : json_number_value(v);
}

static void a_gauge_over_time_is_the_mean_of_each_bucket(void **state)
{
    struct rig *r = *state;
    for (int k = 0; k < 10; k++) { /* 100, 110 … 190 W, each second */
        samples_put(&r->samples, M_GPU_POWER_W, 0, 100.0 + 10 * k);
        send(r, NOW_MS + 1000 * k);
    }
    r->of.clock_ms = NOW_MS + 10000;
    json_t *o = tell(r, json_pack("{s:s, s:s, s:i, s:i}", "series", "n1", "metrics", "gpu_power_w",
                                  "back_s", 10, "points", 5), 0);
    assert_int_equal(json_array_size(json_object_get(o, "t")), 5);
    assert_true(fabs(at(o, 0, 0) - 105) < 0.1); /* of 100 and 110 */
    assert_true(fabs(at(o, 0, 4) - 185) < 0.1);
    json_decref(o);
}

static void a_counter_over_time_is_its_growth_a_second(void **state)
{
    struct rig *r = *state;
    for (int k = 0; k < 10; k++) {
        samples_put_int(&r->samples, M_PORT_RX_ERRORS, 0, 7 * k);
        send(r, NOW_MS + 1000 * k);
    }
    r->of.clock_ms = NOW_MS + 10000;
    json_t *o = tell(r, json_pack("{s:s, s:s, s:i, s:i}", "series", "n1", "metrics",
                                  "port_rx_errors", "back_s", 10, "points", 10), 0);
    const json_t *line = json_array_get(json_object_get(o, "series"), 0);
    assert_string_equal(text(line, "unit"), "/s");
    assert_true(fabs(at(o, 0, 5) - 7) < 0.01);
    json_decref(o);
}

static void a_reading_that_does_not_exist_is_named(void **state)
{
    struct rig *r = *state;
    json_decref(tell(r, json_pack("{s:s, s:s, s:i, s:i}", "series", "n1", "metrics", "gpu_smell",
                                  "back_s", 10, "points", 10), MW_EINVAL));
    json_decref(tell(r, json_pack("{s:s}", "machine", "n9"), MW_ENOTFOUND));
}

static void nic_k_is_the_kth_port_with_a_pci_address(void **state)
{
    struct rig *r = *state;
    say_part(r, SCOPE_PORT, 3, "mlx5_3/1", "0000:9a:00.0");
    say_part(r, SCOPE_PORT, 0, "lo", "");
    say_part(r, SCOPE_PORT, 1, "mlx5_0/1", "0000:18:00.0");
    assert_int_equal(machines_nic_port(r->machines, r->machine, 0), 1);
    assert_int_equal(machines_nic_port(r->machines, r->machine, 1), 3);
    assert_int_equal(machines_nic_port(r->machines, r->machine, 2), MW_NONE);
}

static void the_ends_of_a_link_have_only_their_own_port_and_lanes(void **state)
{
    struct rig *r = *state;
    samples_put(&r->samples, M_LANE_RX_DBM, 1 * METRIC_LANES_PER_PORT + 2, -3.5);
    samples_put(&r->samples, M_LANE_RX_DBM, 2 * METRIC_LANES_PER_PORT, -1.0);
    samples_put(&r->samples, M_OPTIC_TEMP_C, 1, 51);
    send(r, NOW_MS);
    json_t *o = tell(r, json_pack("{s:[{s:s, s:s, s:s, s:i}, {s:s, s:s, s:s, s:i}]}", "ends", "end",
                                  "a", "at", "n1:1", "machine", "n1", "port", 1, "end", "b", "at",
                                  "leaf0:4", "machine", "leaf0", "port", 4), 0);
    const json_t *a = json_array_get(json_object_get(o, "ends"), 0);
    const json_t *b = json_array_get(json_object_get(o, "ends"), 1);
    assert_int_equal(json_array_size(json_object_get(a, "values")), 2);
    assert_string_equal(text(a, "machine"), "n1");
    assert_true(json_is_null(json_object_get(b, "machine")));
    json_decref(o);
}

static void light_that_one_end_hardly_sends_is_said_to_be_its_laser(void **state)
{
    struct rig *r = *state;
    uint32_t other = machines_add(r->machines, "leaf0", MW_NONE);
    uint32_t line = machines_line_open(r->machines, other, true, "", NOW_MS);
    samples_put(&r->samples, M_LANE_TX_DBM, METRIC_LANES_PER_PORT, -9.5);
    samples_put(&r->samples, M_LANE_RX_DBM, METRIC_LANES_PER_PORT, 0.5);
    samples_put(&r->samples, M_OPTIC_TX_LOW_DBM, 1, -4);
    samples_put(&r->samples, M_OPTIC_RX_LOW_DBM, 1, -7);
    send(r, NOW_MS);
    samples_again(&r->samples);
    uint32_t first = r->line;
    r->line = line; /* the same readings, at the other end but for the light */
    samples_put(&r->samples, M_LANE_TX_DBM, METRIC_LANES_PER_PORT, 1.0);
    samples_put(&r->samples, M_LANE_RX_DBM, METRIC_LANES_PER_PORT, -11.0);
    send(r, NOW_MS);
    r->line = first;
    json_t *o = tell(r, json_pack("{s:[{s:s, s:s, s:s, s:i}, {s:s, s:s, s:s, s:i}]}", "ends", "end",
                                  "a", "at", "n1-nic0", "machine", "n1", "port", 1, "end", "b",
                                  "at", "leaf0:1", "machine", "leaf0", "port", 1), 0);
    const char *said = text(json_object_get(o, "advice"), "text");
    assert_non_null(said);
    assert_non_null(strstr(said, "n1-nic0"));
    json_decref(o);
}

static void readings_more_often_are_asked_of_the_agent(void **state)
{
    struct rig *r = *state;
    json_decref(tell(r, json_pack("{s:s, s:i, s:i}", "rate", "n1", "sample_ms", 100, "for_ms",
                                  60000), 0));
    assert_int_equal(r->asked_ms, 100);
    json_decref(tell(r, json_pack("{s:s, s:i, s:i}", "rate", "n1", "sample_ms", 1, "for_ms",
                                  60000), MW_EINVAL));
}

static void a_failed_check_is_counted_and_told(void **state)
{
    struct rig *r = *state;
    const struct machine_check c = { .at_ms = NOW_MS, .result = RESULT_FAILED, .level = 2,
                                     .class = "gpu", .text = "GPU 3: 12 errors" };
    assert_true(machines_check_said(r->machines, r->machine, &c));
    json_t *o = tell(r, json_pack("{s:s}", "machine", "n1"), 0);
    const json_t *check = json_array_get(json_object_get(o, "checks"), 0);
    assert_string_equal(text(check, "result"), "failed");
    assert_string_equal(text(check, "text"), "GPU 3: 12 errors");
    const json_t *m = json_object_get(o, "machine");
    assert_int_equal(json_integer_value(json_object_get(m, "checks_failed")), 1);
    json_decref(o);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        T(a_machine_is_told_with_its_readings_in_their_units_and_its_parts_names),
        T(a_machine_that_says_nothing_for_a_while_is_silent),
        T(a_list_goes_on_where_it_was_cut),
        T(a_gauge_over_time_is_the_mean_of_each_bucket),
        T(a_counter_over_time_is_its_growth_a_second),
        T(a_reading_that_does_not_exist_is_named),
        T(nic_k_is_the_kth_port_with_a_pci_address),
        T(the_ends_of_a_link_have_only_their_own_port_and_lanes),
        T(light_that_one_end_hardly_sends_is_said_to_be_its_laser),
        T(readings_more_often_are_asked_of_the_agent),
        T(a_failed_check_is_counted_and_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
