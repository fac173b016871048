/* Reading fault traces: the real one against what is known of it, and every kind of bad input. */
#include "sim/fault_trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"

/* cmocka compares floats, too coarse here. */
#define assert_near(a, b, within) assert_true((a) - (b) <= (within) && (b) - (a) <= (within))
#define DAY MW_NS_PER_DAY
#define GPU "{\"Level\":\"Hardware Failure\",\"Class\":\"GPU\",\"Desc\":\"Lost\"}"
#define FAN "{\"Level\":\"Hardware Failure\",\"Class\":\"Fan\",\"Desc\":\"Slow\"}"
#define RECORD(type, node, t, f)                                                          \
    "{\"node_id\":\"" node "\",\"event_time\":" t ",\"event_type\":\"fault_" type      \
    "\",\"fault_type\":" f "}"
#define START(node, t, f) RECORD("start", node, t, f)
#define END(node, t, f) RECORD("end", node, t, f)

static struct fault_trace *good(const char *json)
{
    struct fault_trace *t = NULL;
    struct mw_error err = {0};
    if (fault_trace_parse(json, strlen(json), "t.json", &t, &err) != 0)
        fail_msg("%s", err.text);
    return t;
}

static void refused(const char *json, int code, const char *part)
{
    struct fault_trace *t = NULL;
    struct mw_error err = {0};
    assert_int_equal(fault_trace_parse(json, strlen(json), "t.json", &t, &err), code);
    assert_null(t);
    if (strstr(err.text, part) == NULL)
        fail_msg("\"%s\" is not in: %s", part, err.text);
}

static struct fault_trace *stepfun(void)
{
    const char *path = "data/stepfun/fault_trace.json"; /* tests run in the source root */
    char *json = NULL;
    size_t size;
    struct fault_trace *t = NULL;
    struct mw_error err = {0};
    if (mw_read_file(path, 1 << 24, false, &json, &size, &err) != 0 ||
        fault_trace_parse(json, size, path, &t, &err) != 0)
        fail_msg("%s", err.text);
    mw_free(json);
    return t;
}

static void the_stepfun_trace_gives_the_published_statistics(void **state)
{
    (void)state;
    struct fault_trace *t = stepfun();
    struct fault_trace_stats s;
    assert_int_equal(fault_trace_stats(t, 400, &s, NULL), 0);
    assert_int_equal(s.faults, 584);
    assert_int_equal(s.intervals, 582);
    assert_int_equal(t->nodes_seen, 231);
    assert_near(s.days, 348.9798, 1e-9);
    assert_near(s.down_fraction_mean, 0.02315, 5e-6);
    assert_near(s.refault_d1, 130.0 / 582, 1e-12);
    assert_near(s.refault_d7, 181.0 / 582, 1e-12);
    assert_near(s.refault_d30, 248.0 / 582, 1e-12);
    assert_near(s.repair_days_mean, 5.5521, 5e-5);
    assert_near(s.repair_days_p50, 0.8516, 5e-5);
    assert_near(s.repair_days_p90, 13.0075, 5e-5);
    fault_trace_destroy(t);
}

static uint32_t of_class(const struct fault_trace *t, const char *name)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->faults; i++)
        n += strcmp(t->class_name[t->fault[i].class], name) == 0;
    return n;
}

static void the_stepfun_trace_has_the_classes_of_its_own_statistics_file(void **state)
{
    (void)state;
    struct fault_trace *t = stepfun();
    assert_int_equal(of_class(t, "GPU"), 158);
    assert_int_equal(of_class(t, "Unknown Error"), 144);
    assert_int_equal(of_class(t, "Stress Test Failure"), 97);
    assert_int_equal(of_class(t, "Parameter Plane Cable"), 40);
    assert_int_equal(of_class(t, "Other Failures"), 13); /* 12 of software, 1 of hardware */
    for (uint32_t i = 1; i < t->faults; i++) {
        const struct trace_fault *a = &t->fault[i - 1], *b = &t->fault[i];
        assert_true(a->start_ns < b->start_ns ||
                    (a->start_ns == b->start_ns && a->node <= b->node));
    }
    fault_trace_destroy(t);
}

static void touching_and_overlapping_faults_of_a_node_are_one_interval(void **state)
{
    (void)state;
    struct fault_trace *t = good("[" START("a", "1", GPU) "," START("a", "1.5", FAN) ","
                                 END("a", "2", GPU) "," END("a", "3", FAN) ","
                                 START("a", "3", GPU) "," END("a", "4", GPU) ","
                                 START("b", "4", GPU) "," END("b", "8", GPU) "]");
    struct down_interval *d;
    uint32_t n;
    assert_int_equal(fault_trace_intervals(t, &d, &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(d[0].start_ns, DAY);
    assert_int_equal(d[0].end_ns, 4 * DAY);
    assert_string_equal(t->class_name[d[0].class], "GPU");
    mw_free(d);
    struct fault_trace_stats s;
    assert_int_equal(fault_trace_stats(t, 2, &s, NULL), 0);
    assert_near(s.down_fraction_mean, (3.0 + 4.0) / 8 / 2, 1e-12);
    assert_near(s.refault_d30, 0.0, 0.0);
    fault_trace_destroy(t);
}

static void a_refault_counts_within_a_day_inclusive(void **state)
{
    (void)state;
    struct fault_trace *t = good("[" START("a", "1", GPU) "," END("a", "2", GPU) ","
                                 START("a", "3", GPU) "," END("a", "4", GPU) ","
                                 START("a", "5.001", GPU) "," END("a", "6", GPU) "]");
    struct fault_trace_stats s;
    assert_int_equal(fault_trace_stats(t, 1, &s, NULL), 0);
    assert_near(s.refault_d1, 1.0 / 3, 1e-12);
    assert_near(s.refault_d7, 2.0 / 3, 1e-12);
    fault_trace_destroy(t);
}

static void a_fault_that_never_ends_is_down_to_the_last_event_and_no_repair(void **state)
{
    (void)state;
    struct fault_trace *t = good("[" START("a", "1", GPU) "," START("b", "2", GPU) ","
                                 END("b", "5", GPU) "]");
    struct fault_trace_stats s;
    assert_int_equal(t->fault[0].end_ns, MW_NEVER);
    assert_int_equal(fault_trace_stats(t, 2, &s, NULL), 0);
    assert_int_equal(s.intervals, 2);
    assert_near(s.down_fraction_mean, (4.0 + 3.0) / 5 / 2, 1e-12);
    assert_near(s.repair_days_mean, 3.0, 1e-12);
    fault_trace_destroy(t);
}

static void records_out_of_order_read_as_if_sorted(void **state)
{
    (void)state;
    struct fault_trace *t = good("[" END("a", "2", GPU) "," START("b", "1", FAN) ","
                                 END("b", "3", FAN) "," START("a", "1", GPU) "]");
    assert_int_equal(t->faults, 2);
    assert_int_equal(t->length_ns, 3 * DAY);
    assert_string_equal(t->class_name[t->fault[0].class], "Fan"); /* first in the file at day 1 */
    assert_int_equal(t->fault[1].end_ns, 2 * DAY);
    fault_trace_destroy(t);
}

static void an_end_closes_the_oldest_equal_fault(void **state)
{
    (void)state;
    struct fault_trace *t = good("[" START("a", "1", GPU) "," START("a", "2", GPU) ","
                                 START("a", "2", FAN) "," END("a", "3", GPU) ","
                                 END("a", "4", FAN) "," END("a", "5", GPU) "]");
    assert_int_equal(t->fault[0].end_ns, 3 * DAY);
    assert_int_equal(t->fault[1].end_ns, 5 * DAY);
    assert_int_equal(t->fault[2].end_ns, 4 * DAY);
    fault_trace_destroy(t);
}

static void an_end_without_its_start_is_refused_with_its_record(void **state)
{
    (void)state;
    refused("[" START("a", "1", GPU) "," END("a", "2", FAN) "]", MW_ESYNTAX,
            "t.json: record 1: fault_end of \"Fan: Slow\" on node a");
}

static void the_same_start_twice_is_refused_with_its_record(void **state)
{
    (void)state;
    refused("[" START("a", "1", GPU) "," START("b", "1", GPU) "," START("a", "1", GPU) "]",
            MW_ESYNTAX, "record 2: the same fault starts twice");
}

static void bad_fields_are_named_with_their_record(void **state)
{
    (void)state;
    refused("[" START("a", "-1", GPU) "]", MW_ESYNTAX, "record 0: field \"event_time\" is neg");
    refused("[" START("a", "\"1\"", GPU) "]", MW_ESYNTAX, "field \"event_time\" must be a number");
    refused("[" START("a", "1e9", GPU) "]", MW_ESYNTAX, "another unit");
    refused("[" START("", "1", GPU) "]", MW_ESYNTAX, "field \"node_id\" is empty");
    refused("[" START("a\\u0000b", "1", GPU) "]", MW_ESYNTAX, "t.json:1:");
    refused("[" START("a", "1", "{\"Class\":\"GPU\"}") "]", MW_ESYNTAX, "\"Desc\" is missing");
    refused("[" START("a", "1", "7") "]", MW_ESYNTAX, "\"fault_type\" must be an object");
    refused("[{\"node_id\":\"a\",\"event_time\":1,\"event_type\":\"fault\",\"fault_type\":" GPU
            "}]", MW_ESYNTAX, "must be \"fault_start\" or \"fault_end\"");
    refused("[7]", MW_ESYNTAX, "record 0: must be an object");
}

static void text_that_is_no_trace_is_refused_with_its_place(void **state)
{
    (void)state;
    refused("", MW_ESYNTAX, "not JSON");
    refused("[\n{]", MW_ESYNTAX, "t.json:2:");
    refused("{}", MW_ESYNTAX, "list of records");
    refused("[]", MW_EINVAL, "no record");
}

static void fewer_nodes_than_the_trace_names_are_refused(void **state)
{
    (void)state;
    struct fault_trace *t = good("[" START("a", "1", GPU) "," START("b", "2", GPU) "]");
    struct fault_trace_stats s;
    struct mw_error err;
    assert_int_equal(fault_trace_stats(t, 1, &s, &err), MW_EINVAL);
    assert_non_null(strstr(err.text, "2 different nodes"));
    fault_trace_destroy(t);
}

static void running_out_of_memory_anywhere_leaves_nothing_behind(void **state)
{
    (void)state;
    const char *json = "[" START("a", "1", GPU) "," END("a", "2", GPU) "]";
    int failures = 0;
    for (int64_t k = 0; k < 64; k++) {
        struct fault_trace *t = NULL;
        mw_mem_fail_after(k);
        int rc = fault_trace_parse(json, strlen(json), "t.json", &t, NULL);
        mw_mem_fail_after(-1);
        assert_true(rc == 0 || (rc == MW_ENOMEM && t == NULL));
        failures += rc != 0;
        fault_trace_destroy(t);
    }
    assert_true(failures >= 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_stepfun_trace_gives_the_published_statistics),
        cmocka_unit_test(the_stepfun_trace_has_the_classes_of_its_own_statistics_file),
        cmocka_unit_test(touching_and_overlapping_faults_of_a_node_are_one_interval),
        cmocka_unit_test(a_refault_counts_within_a_day_inclusive),
        cmocka_unit_test(a_fault_that_never_ends_is_down_to_the_last_event_and_no_repair),
        cmocka_unit_test(records_out_of_order_read_as_if_sorted),
        cmocka_unit_test(an_end_closes_the_oldest_equal_fault),
        cmocka_unit_test(an_end_without_its_start_is_refused_with_its_record),
        cmocka_unit_test(the_same_start_twice_is_refused_with_its_record),
        cmocka_unit_test(bad_fields_are_named_with_their_record),
        cmocka_unit_test(text_that_is_no_trace_is_refused_with_its_place),
        cmocka_unit_test(fewer_nodes_than_the_trace_names_are_refused),
        cmocka_unit_test(running_out_of_memory_anywhere_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
