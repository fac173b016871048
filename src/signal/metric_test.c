/*
 * The table of metrics keeps its promises: numbers for ever in their ranges,
 * names that are one, steps that come back.
 */
#include "signal/metric.h"

#include <math.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void each_row_is_found_by_its_number_and_its_name(void **state)
{
    (void)state;
    assert_true(metric_count() > 100);
    for (uint32_t i = 0; i < metric_count(); i++) {
        const struct metric *m = metric_at(i);
        assert_true(m->number > 0 && m->number <= METRIC_NUMBER_MAX);
        assert_ptr_equal(metric_of(m->number), m);
        assert_ptr_equal(metric_named(m->name), m);
    }
    assert_null(metric_of(0));
    assert_null(metric_of(METRIC_NUMBER_MAX));
    assert_null(metric_of(UINT32_MAX));
    assert_null(metric_named("gpu_phlogiston"));
}

static void every_row_is_whole_and_says_what_it_is_in_lower_case(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < metric_count(); i++) {
        const struct metric *m = metric_at(i);
        assert_int_equal(strspn(m->name, "abcdefghijklmnopqrstuvwxyz0123456789_"),
                         strlen(m->name));
        assert_true(m->scope < SCOPE_COUNT && m->kind <= METRIC_LOG);
        assert_true(m->step > 0 && strlen(m->doc) >= 4 && strchr(m->doc, '|') == NULL);
        bool dcgm = strncmp(m->peer, "DCGM_FI_", 8) == 0, node = strncmp(m->peer, "node_", 5) == 0;
        assert_true(m->peer[0] == '\0' || dcgm || node);
    }
}

static void a_value_comes_back_within_half_a_step(void **state)
{
    static const double values[] = { 0, 0.04, 1, -3.25, 699.9, 12345.6, 1e9 };
    (void)state;
    for (uint32_t i = 0; i < metric_count(); i++) {
        const struct metric *m = metric_at(i);
        for (size_t v = 0; v < MW_ARRAY_LEN(values) && m->kind != METRIC_LOG; v++) {
            double back = metric_real(m, metric_steps(m, values[v]));
            assert_true(fabs(back - values[v]) <= m->step * 0.500001);
        }
    }
}

static void a_bit_error_rate_is_kept_by_its_decades(void **state)
{
    const struct metric *m = metric_of(M_LANE_BER);
    (void)state;
    for (double ber = 1e-29; ber < 1; ber *= 1.37) {
        int64_t steps = metric_steps(m, ber);
        assert_true(fabs((double)steps - log10(ber) / m->step) <= 0.5000001);
        assert_true(fabs(log10(metric_real(m, steps)) - (double)steps * m->step) < 1e-9);
    }
    assert_int_equal(metric_steps(m, 0), (int64_t)(METRIC_FLOOR_LOG10 / m->step));
    assert_int_equal(metric_steps(m, -1), metric_steps(m, 0));
    assert_int_equal(metric_steps(m, 1.5e-254), metric_steps(m, 0)); /* a GB300 BMC's floor */
    assert_int_equal(metric_steps(m, 1e-4), -80);
}

static void values_without_bound_saturate(void **state)
{
    const struct metric *m = metric_of(M_GPU_ECC_DBE);
    (void)state;
    assert_true(metric_steps(m, 1e300) > INT64_C(8000000000000000000));
    assert_true(metric_steps(m, -INFINITY) < INT64_C(-8000000000000000000));
    assert_true(isfinite(metric_real(metric_of(M_LANE_BER), INT64_MAX)));
    assert_true(metric_real(metric_of(M_LANE_BER), INT64_MIN) > 0);
}

static void scopes_have_names_that_lead_back(void **state)
{
    (void)state;
    for (uint32_t s = 0; s < SCOPE_COUNT; s++)
        assert_int_equal(metric_scope_named(metric_scope_name(s)), s);
    assert_int_equal(metric_scope_named("fan"), SCOPE_COUNT);
    assert_string_equal(metric_scope_name(SCOPE_COUNT), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_is_found_by_its_number_and_its_name),
        cmocka_unit_test(every_row_is_whole_and_says_what_it_is_in_lower_case),
        cmocka_unit_test(a_value_comes_back_within_half_a_step),
        cmocka_unit_test(a_bit_error_rate_is_kept_by_its_decades),
        cmocka_unit_test(values_without_bound_saturate),
        cmocka_unit_test(scopes_have_names_that_lead_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
