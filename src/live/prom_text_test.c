/* Lines of dcgm-exporter and node_exporter, and what is no line. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "live/prom_text.h"
#include "signal/metric.h"

static enum prom_what first(const char *text, struct prom_sample *s)
{
    size_t at = 0;
    return prom_next(text, strlen(text), &at, s);
}

static void a_line_of_dcgm_exporter_is_a_gpus_reading(void **state)
{
    struct prom_sample s;
    (void)state;
    assert_int_equal(first("DCGM_FI_DEV_GPU_TEMP{gpu=\"3\",UUID=\"GPU-1\",modelName=\"NVIDIA "
                           "\\\"B300\\\"\"} 41\n", &s), PROM_SAMPLE);
    assert_string_equal(prom_label(&s, "gpu"), "3");
    assert_string_equal(prom_label(&s, "modelName"), "NVIDIA \"B300\"");
    assert_string_equal(prom_label(&s, "absent"), "");
    assert_true(s.value == 41);
    const struct prom_rule *r = prom_rule_of(&s);
    assert_non_null(r);
    assert_int_equal(r->key, PROM_KEY_GPU);
    assert_string_equal(r->metric, "gpu_temp_c");
}

static void numbers_come_in_all_their_forms(void **state)
{
    struct prom_sample s;
    (void)state;
    assert_int_equal(first("a 1.5e+09 1700000000123", &s), PROM_SAMPLE);
    assert_true(s.value == 1.5e9 && s.time_ms == 1700000000123);
    assert_int_equal(first("a{} +Inf", &s), PROM_SAMPLE);
    assert_true(isinf(s.value));
    assert_int_equal(first("a NaN", &s), PROM_SAMPLE);
    assert_true(isnan(s.value));
    assert_int_equal(first("a{b=\"x\",} -0.25\r\n", &s), PROM_SAMPLE);
    assert_true(s.value == -0.25 && s.labels == 1);
}

static void what_is_no_sample_is_said_to_be_none(void **state)
{
    static const char *const bad[] = { "1a 2", "a", "a{b} 1", "a{b=\"c} 1", "a{b=\"c\"", "a x",
                                       "a 1 2 3", "a{b=\"c\" d=\"e\"} 1", "<html>" };
    struct prom_sample s;
    (void)state;
    for (size_t i = 0; i < MW_ARRAY_LEN(bad); i++)
        assert_int_equal(first(bad[i], &s), PROM_BAD);
    assert_int_equal(first("# HELP a b", &s), PROM_OTHER);
    assert_int_equal(first("\n", &s), PROM_OTHER);
    assert_int_equal(first("", &s), PROM_END);
}

static void every_name_of_the_table_has_a_metric(void **state)
{
    (void)state;
    assert_true(prom_rule_count() > 40);
    for (uint32_t i = 0; i < prom_rule_count(); i++) {
        const struct prom_rule *r = prom_rule_at(i);
        const struct metric *m = metric_named(r->metric);
        if (m == NULL)
            fail_msg("%s: no metric %s", r->name, r->metric);
        assert_int_equal(r->key == PROM_KEY_GPU, m->scope == SCOPE_GPU);
        assert_int_equal(r->key == PROM_KEY_NONE, m->scope == SCOPE_HOST);
        assert_true(r->factor > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_of_dcgm_exporter_is_a_gpus_reading),
        cmocka_unit_test(numbers_come_in_all_their_forms),
        cmocka_unit_test(what_is_no_sample_is_said_to_be_none),
        cmocka_unit_test(every_name_of_the_table_has_a_metric),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
