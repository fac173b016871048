/*
 * Every rule of the table fires on what it is made for and is over when that is;
 * and each way to look at a series keeps to its hysteresis, hold, window, guard
 * and memory.
 */
#include "signal/rules.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "signal/machines.h"

#define T0 INT64_C(1700000000000)

struct rig {
    struct machines *m;
    struct samples s;
    uint32_t machine, line;
    int64_t now_ms;
    uint32_t opened[RULE_NUMBER_MAX + 1], closed[RULE_NUMBER_MAX + 1], said[RULE_NUMBER_MAX + 1];
    bool is_up[RULE_NUMBER_MAX + 1];
    uint32_t recorded; /* the rule that the record says holds, at instance 0 */
    int64_t value;
};

static void told(void *ctx, uint32_t machine, const struct machine_condition *c, bool up)
{
    struct rig *r = ctx;
    (void)machine;
    uint32_t n = c->rule->number;
    r->said[n] += up;
    r->opened[n] += up && !r->is_up[n];
    r->closed[n] += !up;
    r->is_up[n] = up;
    r->value = c->value;
}

static bool recorded(void *ctx, uint32_t machine, const struct rule *rule, uint32_t instance)
{
    struct rig *r = ctx;
    (void)machine;
    bool is = rule->number == r->recorded && instance == 0;
    r->is_up[rule->number] |= is;
    return is;
}

static void rig_init(struct rig *r, uint32_t holds)
{
    *r = (struct rig){ .now_ms = T0, .recorded = holds };
    const struct machines_options o = { .machines_max = 1, .condition = told,
                                        .recorded = recorded, .ctx = r };
    assert_int_equal(machines_create(&o, &r->m, NULL), 0);
    assert_int_equal(samples_init(&r->s, 64), 0);
    r->machine = machines_add(r->m, "n1", 0);
    r->line = machines_line_open(r->m, r->machine, false, "", r->now_ms);
}

static void rig_fini(struct rig *r)
{
    machines_destroy(r->m);
    samples_fini(&r->s);
}

static void frame(struct rig *r)
{
    uint8_t bytes[2048];
    const struct sample_head h = { .wall_ms = r->now_ms };
    struct sample_reader reader;
    size_t size = samples_encode(&r->s, &h, bytes, sizeof(bytes));
    samples_commit(&r->s);
    assert_int_equal(sample_reader_open(&reader, bytes, size, NULL), 0);
    assert_int_equal(machines_samples(r->m, r->line, r->now_ms, &reader, NULL), 0);
}

/* Time passes, with a frame and ticks every second. */
static void pass(struct rig *r, int64_t ms)
{
    for (int64_t until = r->now_ms + ms; r->now_ms < until;) {
        r->now_ms += 200;
        (void)machines_tick(r->m, r->now_ms);
        if (r->now_ms % 1000 == 0)
            frame(r);
    }
}

static void put(struct rig *r, uint32_t metric, double value)
{
    samples_put(&r->s, metric, 0, value);
    frame(r);
}

static uint32_t conditions(const struct rig *r)
{
    return machines_info(r->m, r->machine).conditions;
}

/* ---- the table ------------------------------------------------------------------------------- */

static void rules_have_numbers_in_order_and_words(void **state)
{
    uint32_t last = 0;
    (void)state;
    for (uint32_t i = 0; i < rules_count(); i++) {
        const struct rule *r = rules_at(i);
        assert_true(r->number > last);
        last = r->number;
        assert_ptr_equal(rules_of(r->number), r);
        assert_true(r->kind < RULE_KINDS && rule_kind_name(r->kind)[0] != '\0');
        assert_non_null(metric_of(r->metric));
        assert_true(r->name[0] && r->class[0] && strlen(r->words) > 10 && strlen(r->source) > 5);
        assert_true(strlen(r->name) < 40); /* fits where conditions are shown */
        for (uint32_t k = 0; k < i; k++)
            assert_string_not_equal(rules_at(k)->name, r->name);
    }
    assert_null(rules_of(RULE_NUMBER_MAX));
}

static void thresholds_agree_with_their_kind_and_metric(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < rules_count(); i++) {
        const struct rule *r = rules_at(i);
        const struct metric *m = metric_of(r->metric);
        assert_int_equal(r->kind == RULE_RATE, m->kind == METRIC_COUNTER && r->window_ms > 0);
        assert_int_equal(r->kind == RULE_BITS, m->kind == METRIC_MASK);
        assert_int_equal(r->kind == RULE_UNDER_OTHER || r->kind == RULE_OVER_OTHER, r->other != 0);
        assert_true(r->hold_ms >= 0 && r->clear_ms >= 0 && r->effect <= EFFECT_HARMLESS);
        if (r->kind == RULE_ABOVE || r->kind == RULE_GROWTH || r->kind == RULE_BEYOND)
            assert_true(r->open >= r->close && r->open > 0);
        if (r->kind == RULE_BELOW || r->kind == RULE_SHRINK)
            assert_true(r->open <= r->close);
        if (r->kind == RULE_RATE)
            assert_true(r->open > r->close && r->open >= m->step && r->hold_ms == 0);
        assert_true(!r->guard || metric_of(r->guard));
    }
}

/* Values that a rule calls well and ill. */
static void example(const struct rule *r, double *well, double *ill)
{
    double step = metric_of(r->metric)->step;
    if (metric_of(r->metric)->kind == METRIC_LOG)
        step = 0;
    *well = r->kind == RULE_ABOVE || r->kind == RULE_BEYOND ? r->close - 2 * step
            : r->kind == RULE_BELOW ? r->close + 2 * step
            : r->kind == RULE_IS ? r->open + 1
            : r->kind == RULE_BITS ? 0 : 10;
    if (metric_of(r->metric)->kind == METRIC_LOG)
        *well = r->close / 10;
    *ill = r->kind == RULE_ABOVE || r->kind == RULE_BEYOND ? r->open + step
           : r->kind == RULE_BELOW ? r->open - step : r->open;
    if (r->kind == RULE_RATE)
        *ill = *well + r->open;
    if (r->kind == RULE_GROWTH || r->kind == RULE_OVER_OTHER)
        *ill = 20;
    if (r->kind == RULE_SHRINK || r->kind == RULE_UNDER_OTHER)
        *ill = 5;
}

static void every_rule_fires_and_ends(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < rules_count(); i++) {
        const struct rule *rule = rules_at(i);
        struct rig r;
        double well, ill;
        rig_init(&r, 0);
        example(rule, &well, &ill);
        if (rule->guard)
            samples_put(&r.s, rule->guard, 0, rule->guard_least);
        if (rule->other)
            samples_put(&r.s, rule->other, 0, rule->kind == RULE_OVER_OTHER ? 15 : 10);
        put(&r, rule->metric, well);
        pass(&r, 60000);
        assert_int_equal(r.opened[rule->number], 0);
        put(&r, rule->metric, ill);
        pass(&r, rule->hold_ms + 2000);
        if (r.opened[rule->number] != 1)
            fail_msg("rule %s did not fire", rule->name);
        put(&r, rule->metric, rule->kind == RULE_RATE ? ill : well);
        pass(&r, rule->window_ms + rule->window_ms / 8 + rule->clear_ms + 2000);
        if (r.closed[rule->number] != 1 || r.is_up[rule->number])
            fail_msg("rule %s did not end", rule->name);
        rig_fini(&r);
    }
}

/* ---- levels ---------------------------------------------------------------------------------- */

static void a_level_between_its_thresholds_stays_as_it_is(void **state)
{
    struct rig r;
    (void)state;
    rig_init(&r, 0);
    put(&r, M_GPU_TEMP_C, 90);
    pass(&r, 30000);
    assert_int_equal(conditions(&r), 0); /* 88 to 93: was well, is well */
    put(&r, M_GPU_TEMP_C, 94);
    pass(&r, 12000);
    assert_int_equal(r.opened[13], 1);
    put(&r, M_GPU_TEMP_C, 90);
    pass(&r, 120000);
    assert_int_equal(conditions(&r), 1); /* was hot, is hot */
    put(&r, M_GPU_TEMP_C, 80);
    pass(&r, 32000);
    assert_int_equal(conditions(&r), 0);
    rig_fini(&r);
}

static void a_peak_shorter_than_the_hold_is_nothing(void **state)
{
    struct rig r;
    (void)state;
    rig_init(&r, 0);
    for (int i = 0; i < 20; i++) {
        put(&r, M_GPU_TEMP_C, 95);
        pass(&r, 7000);
        put(&r, M_GPU_TEMP_C, 85);
        pass(&r, 3000);
    }
    assert_int_equal(r.opened[13], 0);
    rig_fini(&r);
}

static void a_condition_that_holds_is_told_again_every_twenty_seconds(void **state)
{
    struct rig r;
    (void)state;
    rig_init(&r, 0);
    put(&r, M_GPU_REMAP_PENDING, 1);
    assert_int_equal(r.opened[3], 1); /* at once: no hold, no tick */
    pass(&r, 100000);
    assert_in_range(r.said[3], 5, 6);
    assert_int_equal(r.closed[3], 0);
    rig_fini(&r);
}

static void a_port_that_was_never_up_is_not_down(void **state)
{
    struct rig r;
    (void)state;
    rig_init(&r, 0);
    samples_put(&r.s, M_PORT_ENABLED, 0, 1);
    put(&r, M_PORT_UP, 0);
    put(&r, M_IB_STATE, 1);
    pass(&r, 60000);
    assert_int_equal(conditions(&r), 0);
    put(&r, M_IB_STATE, 4);
    put(&r, M_IB_STATE, 2);
    pass(&r, 7000);
    assert_int_equal(r.opened[70], 1);
    rig_fini(&r);
}

static void a_port_that_vanishes_has_no_link(void **state)
{
    struct rig r;
    (void)state;
    rig_init(&r, 0);
    put(&r, M_IB_STATE, 4);
    samples_gone(&r.s, M_IB_STATE, 0);
    frame(&r);
    pass(&r, 7000);
    assert_int_equal(r.opened[70], 1);
    put(&r, M_IB_STATE, 4);
    pass(&r, 7000);
    assert_int_equal(r.closed[70], 1);
    rig_fini(&r);
}

static void a_port_that_somebody_switched_off_is_not_down(void **state)
{
    struct rig r;
    (void)state;
    rig_init(&r, 0);
    samples_put(&r.s, M_PORT_ENABLED, 0, 1);
    put(&r, M_PORT_UP, 1);
    samples_put(&r.s, M_PORT_ENABLED, 0, 0);
    put(&r, M_PORT_UP, 0);
    pass(&r, 60000);
    assert_int_equal(r.opened[71], 0);
    rig_fini(&r);
}

static void a_guard_that_ends_leaves_what_it_found(void **state)
{
    struct rig r;
    (void)state;
    rig_init(&r, 0);
    samples_put(&r.s, M_GPU_PCIE_GEN_MAX, 0, 5);
    put(&r, M_GPU_PCIE_GEN, 1);
    pass(&r, 120000);
    assert_int_equal(conditions(&r), 0); /* idle: generation 1 is a rest */
    put(&r, M_GPU_UTIL_PCT, 99);
    put(&r, M_GPU_PCIE_GEN, 3);
    pass(&r, 70000);
    assert_int_equal(r.opened[11], 1);
    put(&r, M_GPU_UTIL_PCT, 0);
    pass(&r, 60000);
    assert_int_equal(r.closed[11], 0);
    put(&r, M_GPU_PCIE_GEN, 5);
    pass(&r, 12000);
    assert_int_equal(r.closed[11], 1);
    rig_fini(&r);
}

static void two_metrics_are_compared_when_either_changes_and_lanes_with_their_port(void **state)
{
    struct rig r;
    (void)state;
    rig_init(&r, 0);
    samples_put(&r.s, M_LANE_BIAS_MA, 3 * METRIC_LANES_PER_PORT + 2, 9.0);
    frame(&r);
    pass(&r, 60000);
    assert_int_equal(conditions(&r), 0); /* no limit known */
    samples_put(&r.s, M_OPTIC_BIAS_HIGH_MA, 2, 1.0);
    samples_put(&r.s, M_OPTIC_BIAS_HIGH_MA, 3, 8.0);
    frame(&r);
    pass(&r, 35000);
    assert_int_equal(r.opened[106], 1);
    const struct machine_condition *c = machines_condition(r.m, r.machine, 0);
    while (c->rule->number != 106)
        c = machines_condition(r.m, r.machine, 1);
    assert_int_equal(c->instance, 3 * METRIC_LANES_PER_PORT + 2);
    samples_put(&r.s, M_OPTIC_BIAS_HIGH_MA, 3, 10.0);
    frame(&r);
    pass(&r, 35000);
    assert_int_equal(r.closed[106], 1);
    rig_fini(&r);
}

static void growth_is_against_the_lowest_that_was_heard(void **state)
{
    struct rig r;
    (void)state;
    rig_init(&r, 0);
    put(&r, M_LANE_BIAS_MA, 0); /* the laser was off */
    put(&r, M_LANE_BIAS_MA, 7.0);
    put(&r, M_LANE_BIAS_MA, 6.0);
    pass(&r, 60000);
    put(&r, M_LANE_BIAS_MA, 7.1);
    pass(&r, 700000);
    assert_int_equal(r.opened[105], 0); /* 18 % */
    put(&r, M_LANE_BIAS_MA, 7.3);
    pass(&r, 605000);
    assert_int_equal(r.opened[105], 1);
    rig_fini(&r);
}

/* ---- rates ----------------------------------------------------------------------------------- */

static void a_counter_counts_only_what_it_grew_within_the_window(void **state)
{
    struct rig r;
    double errors = 1e6; /* what was there before is nobody's news */
    (void)state;
    rig_init(&r, 0);
    put(&r, M_IB_SYMBOL_ERRORS, errors);
    for (int minute = 0; minute < 300; minute++) {
        put(&r, M_IB_SYMBOL_ERRORS, errors += 2); /* 120 an hour: just allowed */
        pass(&r, 60000);
    }
    assert_int_equal(r.opened[73], 0);
    put(&r, M_IB_SYMBOL_ERRORS, errors += 30);
    assert_int_equal(r.opened[73], 1);
    assert_true(r.value >= 121);
    rig_fini(&r);
}

static void a_counter_that_begins_anew_is_no_growth(void **state)
{
    struct rig r;
    (void)state;
    rig_init(&r, 0);
    put(&r, M_IB_INTEGRITY_ERRORS, 500);
    put(&r, M_IB_INTEGRITY_ERRORS, 0);
    pass(&r, 5000);
    assert_int_equal(r.opened[75], 0);
    put(&r, M_IB_INTEGRITY_ERRORS, 1);
    assert_int_equal(r.opened[75], 1);
    rig_fini(&r);
}

static void what_came_while_the_line_was_cut_is_spread_over_that_time(void **state)
{
    struct rig r;
    (void)state;
    rig_init(&r, 0);
    put(&r, M_NVLINK_CRC_ERRORS, 0);
    put(&r, M_IB_BUFFER_OVERRUNS, 0);
    r.now_ms += 100000; /* the line was cut: 100 s, 20 a second */
    samples_put(&r.s, M_IB_BUFFER_OVERRUNS, 0, 1);
    put(&r, M_NVLINK_CRC_ERRORS, 2000);
    assert_int_equal(r.opened[18], 0);
    assert_int_equal(r.opened[76], 1); /* one is enough, whenever it was */
    pass(&r, 20000);
    put(&r, M_NVLINK_CRC_ERRORS, 3500);
    assert_int_equal(r.opened[18], 1);
    rig_fini(&r);
}

static void what_is_idle_is_forgotten(void **state)
{
    struct rig r;
    (void)state;
    rig_init(&r, 0);
    put(&r, M_IB_RCV_ERRORS, 0);
    put(&r, M_IB_RCV_ERRORS, 5);
    put(&r, M_GPU_TEMP_C, 95);
    assert_int_equal(machines_stats(r.m).watched, 2);
    put(&r, M_GPU_TEMP_C, 60);
    pass(&r, 90000);
    assert_int_equal(machines_stats(r.m).watched, 0);
    rig_fini(&r);
}

/* ---- after a restart ------------------------------------------------------------------------ */

static void a_recorded_condition_goes_on_or_ends_with_the_first_reading(void **state)
{
    (void)state;
    for (uint32_t well = 0; well < 2; well++) {
        struct rig r;
        rig_init(&r, 70);
        put(&r, M_IB_STATE, well ? 4 : 1);
        pass(&r, 60000);
        assert_int_equal(r.closed[70], well);
        assert_int_equal(conditions(&r), !well);
        assert_int_equal(r.opened[70], 0); /* it was open: told again, not anew */
        rig_fini(&r);
    }
}

static void a_recorded_rate_lasts_a_window_and_then_ends(void **state)
{
    struct rig r;
    (void)state;
    rig_init(&r, 79);
    put(&r, M_IB_RCV_ERRORS, 77);
    pass(&r, 30000);
    assert_int_equal(conditions(&r), 1);
    pass(&r, 60000 + 8000 + 300000);
    assert_int_equal(r.closed[79], 1);
    rig_fini(&r);
}

static void a_recorded_growth_holds_of_the_first_value(void **state)
{
    struct rig r;
    (void)state;
    rig_init(&r, 105);
    put(&r, M_LANE_BIAS_MA, 9);
    pass(&r, 1500000);
    assert_int_equal(conditions(&r), 1);
    put(&r, M_LANE_BIAS_MA, 7); /* the module was exchanged */
    pass(&r, 700000);
    assert_int_equal(conditions(&r), 0);
    rig_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_have_numbers_in_order_and_words),
        cmocka_unit_test(thresholds_agree_with_their_kind_and_metric),
        cmocka_unit_test(every_rule_fires_and_ends),
        cmocka_unit_test(a_level_between_its_thresholds_stays_as_it_is),
        cmocka_unit_test(a_peak_shorter_than_the_hold_is_nothing),
        cmocka_unit_test(a_condition_that_holds_is_told_again_every_twenty_seconds),
        cmocka_unit_test(a_port_that_was_never_up_is_not_down),
        cmocka_unit_test(a_port_that_vanishes_has_no_link),
        cmocka_unit_test(a_port_that_somebody_switched_off_is_not_down),
        cmocka_unit_test(a_guard_that_ends_leaves_what_it_found),
        cmocka_unit_test(two_metrics_are_compared_when_either_changes_and_lanes_with_their_port),
        cmocka_unit_test(growth_is_against_the_lowest_that_was_heard),
        cmocka_unit_test(a_counter_counts_only_what_it_grew_within_the_window),
        cmocka_unit_test(a_counter_that_begins_anew_is_no_growth),
        cmocka_unit_test(what_came_while_the_line_was_cut_is_spread_over_that_time),
        cmocka_unit_test(what_is_idle_is_forgotten),
        cmocka_unit_test(a_recorded_condition_goes_on_or_ends_with_the_first_reading),
        cmocka_unit_test(a_recorded_rate_lasts_a_window_and_then_ends),
        cmocka_unit_test(a_recorded_growth_holds_of_the_first_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
