/*
 * What is said of the two public traces, and of made-up results.
 */
#include "signal/straggler_diagnosis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"

#define assert_has(text, words) assert_non_null(strstr((text), (words)))

static struct diagnosis tell(const struct straggler_result *r)
{
    struct diagnoses l = { 0 };
    straggler_tell(r, "trace.csv", &l);
    assert_int_equal(l.length, 1);
    struct diagnosis d = l.item[0];
    diagnoses_fini(&l);
    return d;
}

static struct diagnosis of_public_trace(const char *name)
{
    char path[2][64], *data[2];
    size_t size[2];
    struct straggler_meta m;
    struct straggler_trace *t = NULL;
    struct straggler_result r = { 0 };
    (void)snprintf(path[0], sizeof(path[0]), "data/stragglers/trace-%s.csv.gz", name);
    (void)snprintf(path[1], sizeof(path[1]), "data/stragglers/meta-%s.yaml", name);
    for (int i = 0; i < 2; i++)
        assert_int_equal(mw_read_file(path[i], STRAGGLER_BYTES_MAX, true, &data[i], &size[i], NULL),
                         0);
    assert_true(straggler_is_trace(data[0], size[0]));
    assert_false(straggler_is_trace(data[1], size[1]));
    assert_int_equal(straggler_meta_parse(data[1], size[1], path[1], &m, NULL), 0);
    assert_int_equal(straggler_trace_parse(data[0], size[0], path[0], &t, NULL), 0);
    assert_int_equal(straggler_analyse(t, &m, path[0], &r, NULL), 0);
    struct diagnosis d = tell(&r);
    straggler_result_fini(&r);
    straggler_trace_destroy(t);
    mw_free(data[0]);
    mw_free(data[1]);
    return d;
}

static void a_worker_that_was_slowed_down_on_purpose_is_named(void **state)
{
    (void)state;
    struct diagnosis d = of_public_trace("AR");
    assert_true(d.wrong);
    assert_has(d.part, "worker ");
    assert_has(d.cause, "100 % of the lost time");
    assert_has(d.evidence, "slowdown 1.9730");
    assert_int_equal(d.sure, SURE_LIKELY);
}

static void a_last_stage_with_too_much_work_is_no_nodes_fault(void **state)
{
    (void)state;
    struct diagnosis d = of_public_trace("ST");
    assert_true(d.wrong);
    assert_string_equal(d.part, "stage 3 (the last)");
    assert_has(d.action, "no node is at fault");
    assert_has(d.evidence, "slowdown 1.1787");
}

static struct straggler_result made(double slowdown, double workers, double stage)
{
    static double by_dp[] = { 1.0, 1.3 }, by_stage[] = { 1.2 };
    return (struct straggler_result){ .dps = 2, .stages = 1, .steps = 3, .slowdown = slowdown,
        .step_s = slowdown, .ideal_step_s = 1.0, .workers_share = workers,
        .last_stage_share = stage, .by_dp = by_dp, .by_stage = by_stage, .worst_dp = 1,
        .by_op = { { "forward-pp-comm", 1.2 } }, .ops = 1 };
}

static void a_job_without_stragglers_is_a_note(void **state)
{
    (void)state;
    struct straggler_result r = made(1.02, (double)NAN, (double)NAN);
    struct diagnosis d = tell(&r);
    assert_false(d.wrong);
    assert_string_equal(d.action, "nothing");
}

static void what_no_worker_and_no_stage_explains_is_the_operations(void **state)
{
    (void)state;
    struct straggler_result r = made(1.4, 0.2, (double)NAN);
    struct diagnosis d = tell(&r);
    assert_string_equal(d.part, "operation forward-pp-comm");
    assert_has(d.action, "network");
    assert_int_equal(d.sure, SURE_POSSIBLE);
    r.by_op[0].name = "backward-compute";
    d = tell(&r);
    assert_has(d.action, "sequence lengths");
}

static void the_larger_share_is_blamed_when_both_explain_it(void **state)
{
    (void)state;
    struct straggler_result r = made(1.4, 0.6, 0.9);
    assert_has(tell(&r).part, "stage");
    r = made(1.4, 0.9, 0.6);
    assert_has(tell(&r).part, "worker 1");
}

static void only_a_head_with_the_columns_makes_a_trace(void **state)
{
    (void)state;
    static const char *const not[] = { "", "dp_rank,stage,optype,start_ts,duration",
                                       "dp_rank,stage\noptype,start_ts,duration\n" };
    for (size_t i = 0; i < MW_ARRAY_LEN(not); i++)
        assert_false(straggler_is_trace(not[i], strlen(not[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_that_was_slowed_down_on_purpose_is_named),
        cmocka_unit_test(a_last_stage_with_too_much_work_is_no_nodes_fault),
        cmocka_unit_test(a_job_without_stragglers_is_a_note),
        cmocka_unit_test(what_no_worker_and_no_stage_explains_is_the_operations),
        cmocka_unit_test(the_larger_share_is_blamed_when_both_explain_it),
        cmocka_unit_test(only_a_head_with_the_columns_makes_a_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
