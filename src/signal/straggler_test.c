/* The what-if analysis: the published results on the published traces, and small jobs whose
 * answers are worked out by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/mem.h"
#include "base/text.h"
#include "signal/straggler.h"

#define FOUR_DIGITS 5e-5
#define HEADING "dp_rank,stage,rank,step,optype,start_ts,duration,seq_id,mc,mb_id,gmc\n"

static void near(double got, double wanted, double by)
{
    if (!(fabs(got - wanted) <= by))
        fail_msg("%.9g is not %.9g", got, wanted);
}

/* ---- the published traces ------------------------------------------------------------------ */

static void analyse_file(const char *job, struct straggler_result *r)
{
    char path[96];
    char *yaml, *csv;
    size_t size;
    struct straggler_meta m;
    struct straggler_trace *t;
    struct mw_error err;

    (void)snprintf(path, sizeof(path), "data/stragglers/meta-%s.yaml", job);
    assert_int_equal(mw_read_file(path, 1 << 20, false, &yaml, &size, &err), 0);
    assert_int_equal(straggler_meta_parse(yaml, size, path, &m, &err), 0);
    assert_string_equal(m.name, job);
    (void)snprintf(path, sizeof(path), "data/stragglers/trace-%s.csv.gz", job);
    assert_int_equal(mw_read_file(path, STRAGGLER_BYTES_MAX, true, &csv, &size, &err), 0);
    assert_int_equal(straggler_trace_parse(csv, size, path, &t, &err), 0);
    assert_int_equal(straggler_analyse(t, &m, path, r, &err), 0);
    straggler_trace_destroy(t);
    mw_free(yaml);
    mw_free(csv);
}

static json_t *published(const char *what, const char *job)
{
    char path[96];
    json_error_t error;

    (void)snprintf(path, sizeof(path), "data/stragglers/%s-%s.json", what, job);
    json_t *v = json_load_file(path, 0, &error);
    assert_non_null(v);
    return v;
}

static void same_list(const json_t *wanted, const double *got, uint32_t n)
{
    char key[16];

    assert_int_equal(json_object_size(wanted), n);
    for (uint32_t i = 0; i < n; i++) {
        (void)snprintf(key, sizeof(key), "%u", i);
        near(got[i], json_real_value(json_object_get(wanted, key)), FOUR_DIGITS);
    }
}

static void same_as_published(const char *job)
{
    struct straggler_result r;
    json_t *v = published("result", job), *mw = published("mw", job), *ms = published("ms", job);

    analyse_file(job, &r);
    near(r.slowdown, json_real_value(json_object_get(v, "blocking_slowdown")), FOUR_DIGITS);
    near(r.step_s, json_real_value(json_object_get(mw, "tori")), FOUR_DIGITS);
    near(r.ideal_step_s, json_real_value(json_object_get(mw, "tideal")), FOUR_DIGITS);
    near(r.workers_share, json_real_value(json_object_get(mw, "Mw")), FOUR_DIGITS);
    near(r.last_stage_share, json_real_value(json_object_get(ms, "Ms")), FOUR_DIGITS);
    same_list(json_object_get(v, "blocking_decompose_by_dp_rank"), r.by_dp, r.dps);
    same_list(json_object_get(v, "blocking_decompose_by_stage"), r.by_stage, r.stages);
    const json_t *by_op = json_object_get(v, "blocking_decompose_by_optype");
    assert_int_equal(json_object_size(by_op), r.ops);
    for (uint32_t i = 0; i < r.ops; i++)
        near(r.by_op[i].slowdown, json_real_value(json_object_get(by_op, r.by_op[i].name)),
             FOUR_DIGITS);
    straggler_result_fini(&r);
    json_decref(v);
    json_decref(mw);
    json_decref(ms);
}

static void one_slow_worker_of_64_gpus_is_found_as_published(void **state)
{
    (void)state;
    same_as_published("AR");
}

static void a_last_stage_with_too_much_work_is_found_as_published(void **state)
{
    (void)state;
    same_as_published("ST");
}

/* ---- small jobs ---------------------------------------------------------------------------- */

/* One operation of step 7.  rank = data-parallel rank * 2 + stage; the last number's digits are
 * seq_id, mc and gmc. */
static void row(struct text *t, uint32_t rank, const char *kind, double start, double duration,
                int seq_chunk_all)
{
    int seq = seq_chunk_all / 100, chunk = seq_chunk_all / 10 % 10, all = seq_chunk_all % 10;
    text_addf(t, "%u,%u,%u,7,%s,%.9g,%.9g,%d,%d,0,%d\n", rank / 2, rank % 2, rank, kind, start,
              duration, seq, chunk, all);
}

static void analyse_text(struct text *csv, struct straggler_meta m, struct straggler_result *r)
{
    struct straggler_trace *t = NULL;
    struct mw_error err = { 0 };

    if (straggler_trace_parse(text_string(csv), csv->length, "t.csv", &t, &err) != 0 ||
        straggler_analyse(t, &m, "t.csv", r, &err) != 0)
        fail_msg("%s", err.text);
    straggler_trace_destroy(t);
    text_fini(csv);
}

/* Two replicas; the second computes forward for 3 s instead of 1 s and the first waits for it in
 * the reduction. */
static void add_replicas(struct text *csv, bool overlapped)
{
    text_add(csv, HEADING);
    for (uint32_t dp = 0; dp < 2; dp++) {
        double forward = dp == 0 ? 1.0 : 3.0;
        row(csv, dp * 2, "forward-compute", 0.0, forward, 0);
        row(csv, dp * 2, "backward-compute", forward, 1.0, 0);
        row(csv, dp * 2, "grads-reduce-scatter", forward + 1.0, 4.5 - forward - 1.0, 0);
        if (overlapped)
            row(csv, dp * 2, "separate-grads-all-reduce", 4.5, 0.25, 0);
        row(csv, dp * 2, "optimizer-clip-main-grad", overlapped ? 4.75 : 4.5, 0.1, 0);
        row(csv, dp * 2, "optimizer", overlapped ? 4.85 : 4.6, 0.4, 0);
    }
}

static void a_replica_that_others_wait_for_explains_the_slowdown(void **state)
{
    (void)state;
    for (int overlapped = 0; overlapped < 2; overlapped++) {
        struct text csv = { 0 };
        struct straggler_result r;
        double more = overlapped ? 0.25 : 0.0;
        add_replicas(&csv, overlapped != 0);
        analyse_text(&csv, (struct straggler_meta){ .dp = 2, .dsp = 1, .pp = 1 }, &r);
        near(r.step_s, 5.0 + more, 1e-9);
        near(r.ideal_step_s, 4.0 + more, 1e-9);
        near(r.slowdown, (5.0 + more) / (4.0 + more), 1e-9);
        near(r.by_dp[0], 1.0, 1e-9);
        near(r.by_dp[1], (5.0 + more) / (4.0 + more), 1e-9);
        assert_string_equal(r.by_op[0].name, "forward-compute");
        near(r.workers_share, 1.0, 1e-9);
        assert_int_equal(r.worst_dp, 1);
        assert_int_equal(r.worst_rank, 2);
        straggler_result_fini(&r);
    }
}

/* Two stages with two model chunks each, one micro-batch: the eight computations run one after
 * the other and each hands over to the next.  One receive and one send at each end of the model
 * move nothing. */
static void add_interleaved(struct text *csv, double d0, double d1)
{
    double at[9] = { 0.0 };
    for (int i = 0; i < 8; i++)
        at[i + 1] = at[i] + (i == 0 || i == 2 || i == 5 || i == 7 ? d0 : d1);
    text_add(csv, HEADING);
    for (uint32_t s = 0; s < 2; s++) {
        for (int k = 0; k < 2; k++) {
            int f = 2 * k + (int)s, b = 7 - f, code = k * 110 + f, back = (1 - k) * 100;
            double posted = k == 0 ? 0.0 : at[f - 1];
            row(csv, s, "forward-compute", at[f], at[f + 1] - at[f], code);
            row(csv, s, "backward-compute", at[b], at[b + 1] - at[b], back + k * 10 + f);
            row(csv, s, "forward-recv", posted, f == 0 ? 0.0 : at[f] - posted, k * 100);
            row(csv, s, "forward-send", at[f + 1], 0.0, k * 100);
            posted = k == 1 ? at[s + 1] : at[b - 1];
            row(csv, s, "backward-recv", posted, b == 4 ? 0.0 : at[b] - posted, back);
            row(csv, s, "backward-send", at[b + 1], 0.0, back);
        }
        row(csv, s, "optimizer-clip-main-grad", at[8], 0.5, 0);
        row(csv, s, "optimizer", at[8] + 0.5, 0.5, 0);
    }
}

static void interleaved_chunks_hand_over_across_stages(void **state)
{
    struct text csv = { 0 };
    struct straggler_result r;

    (void)state;
    add_interleaved(&csv, 1.0, 2.0);
    analyse_text(&csv, (struct straggler_meta){ .dp = 1, .dsp = 1, .pp = 2, .vpp = 2 }, &r);
    near(r.step_s, 13.0, 1e-9);
    near(r.slowdown, 1.0, 1e-9);
    near(r.by_stage[0], (4 * 1.0 + 4 * 1.5 + 1.0) / 13.0, 1e-9);
    near(r.by_stage[1], (4 * 2.0 + 4 * 1.5 + 1.0) / 13.0, 1e-9);
    assert_true(isnan(r.workers_share) && isnan(r.last_stage_share));
    straggler_result_fini(&r);
}

/* ---- what is refused ----------------------------------------------------------------------- */

static void refused(const char *csv, const char *text)
{
    struct straggler_trace *t = NULL;
    struct straggler_result r;
    struct straggler_meta m = { .dp = 1, .dsp = 1, .pp = 1 };
    struct mw_error err = { 0 };

    int rc = straggler_trace_parse(csv, strlen(csv), "t.csv", &t, &err);
    if (rc == 0) {
        rc = straggler_analyse(t, &m, "t.csv", &r, &err);
        straggler_trace_destroy(t);
    }
    assert_int_not_equal(rc, 0);
    if (strstr(err.text, text) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.text, text);
}

static void a_bad_row_is_named_by_line_and_column(void **state)
{
    (void)state;
    refused("", "t.csv:1:1: no column \"dp_rank\"");
    refused("dp_rank,stage\n", "t.csv:1:1: no column \"rank\"");
    refused(HEADING, "no operation");
    refused(HEADING "0,0,0,7,gc,0\n", "t.csv:2:1: 6 fields where the first line has 11");
    refused(HEADING "0,x,0,7,gc,0,1,0,0,0,0\n", "t.csv:2:3: stage: \"x\" is not a whole number");
    refused(HEADING "\n0,0,0,7,gc,0,-1,0,0,0,0\n", "t.csv:3:14: duration: \"-1\"");
    refused(HEADING "0,0,0,7,gc,nan,1,0,0,0,0\n", "t.csv:2:12: start_ts: \"nan\"");
    refused(HEADING "0,0,0,7,nap,0,1,0,0,0,0\n", "t.csv:2:9: optype: \"nap\"");
    refused(HEADING "0,0,0,7,forward-compute,0,1,0,,0,0\n", "mc: \"\" is not a model chunk");
    refused(HEADING "99999,0,0,7,gc,0,1,0,0,0,0\n", "t.csv:2:1: dp_rank: \"99999\"");
}

static void operations_that_do_not_match_are_named(void **state)
{
    (void)state;
    refused(HEADING "0,0,0,7,gc,0,1,0,0,0,0\n0,0,0,7,gc,0,1,0,0,0,0\n", "t.csv:3:1: gc seq_id 0");
    refused(HEADING "0,0,0,7,gc,0,1,0,0,0,0\n0,0,0,8,optimizer,0,1,0,0,0,0\n",
            "t.csv:3:1: step 8 dp_rank 0 has optimizer");
    refused(HEADING "0,0,0,7,gc,0,1,1,0,0,0\n", "has gc seq_id 1 but no 0");
    refused(HEADING "1,0,0,7,gc,0,1,0,0,0,0\n", "no operation of dp_rank 0");
    refused(HEADING "0,0,0,7,gc,0,1,0,0,0,0\n0,0,4,8,gc,0,1,0,0,0,0\n", "rank 4 here and 0 before");
    refused(HEADING "0,0,0,7,gc,0,0,0,0,0,0\n", "no time at all");
    refused(HEADING "0,0,0,7,gc,0,1,0,0,0,0\n1,0,1,7,gc,0,1,0,0,0,0\n", "dp_size is 1");
}

static void a_send_without_its_receive_is_refused(void **state)
{
    struct text csv = { 0 };
    struct straggler_trace *t;
    struct straggler_result r;
    struct straggler_meta m = { .dp = 1, .dsp = 1, .pp = 2 };
    struct mw_error err;

    (void)state;
    text_add(&csv, HEADING);
    row(&csv, 0, "forward-compute", 0.0, 1.0, 0);
    row(&csv, 0, "forward-send", 1.0, 0.1, 0);
    row(&csv, 1, "forward-compute", 1.1, 1.0, 1);
    assert_int_equal(straggler_trace_parse(text_string(&csv), csv.length, "t.csv", &t, &err), 0);
    assert_int_equal(straggler_analyse(t, &m, "t.csv", &r, &err), MW_EINVAL);
    assert_non_null(strstr(err.text, "stage 0 has 1 forward-send and stage 1 has 0 forward-recv"));
    straggler_trace_destroy(t);
    text_fini(&csv);
}

static void meta_refused(const char *yaml, const char *text)
{
    struct straggler_meta m;
    struct mw_error err = { 0 };

    assert_int_not_equal(straggler_meta_parse(yaml, strlen(yaml), "m.yaml", &m, &err), 0);
    if (strstr(err.text, text) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.text, text);
}

static void a_bad_description_of_the_job_is_named_by_place(void **state)
{
    (void)state;
    meta_refused("- 1\n", "m.yaml:1:1: not a map");
    meta_refused("dp_size: 2\n", "no pp_size");
    meta_refused("dp_size: 0\npp_size: 1\n", "m.yaml:1:10: dp_size must be from 1");
    meta_refused("dp_size: 2\npp_size: two\n", "m.yaml:2:10");
    meta_refused("dp_size: 2\npp_size: 2\nworld_size: 5\n", "m.yaml:3:13: world_size is 5");
    meta_refused("dp_size: [\n", "m.yaml:");
}

static void every_failed_allocation_is_an_error_and_nothing_leaks(void **state)
{
    (void)state;
    for (int64_t k = 0;; k++) {
        struct text csv = { 0 };
        struct straggler_trace *t = NULL;
        struct straggler_result r;
        struct straggler_meta m = { .dp = 2, .dsp = 1, .pp = 1 };
        struct mw_error err;
        assert_true(k < 200);
        add_replicas(&csv, true);
        mw_mem_fail_after(k);
        int rc = straggler_trace_parse(text_string(&csv), csv.length, "t.csv", &t, &err);
        if (rc == 0)
            rc = straggler_analyse(t, &m, "t.csv", &r, &err);
        mw_mem_fail_after(-1);
        straggler_trace_destroy(t);
        text_fini(&csv);
        if (rc == 0) {
            straggler_result_fini(&r);
            assert_true(k > 10);
            return;
        }
        assert_int_equal(rc, MW_ENOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_slow_worker_of_64_gpus_is_found_as_published),
        cmocka_unit_test(a_last_stage_with_too_much_work_is_found_as_published),
        cmocka_unit_test(a_replica_that_others_wait_for_explains_the_slowdown),
        cmocka_unit_test(interleaved_chunks_hand_over_across_stages),
        cmocka_unit_test(a_bad_row_is_named_by_line_and_column),
        cmocka_unit_test(operations_that_do_not_match_are_named),
        cmocka_unit_test(a_send_without_its_receive_is_refused),
        cmocka_unit_test(a_bad_description_of_the_job_is_named_by_place),
        cmocka_unit_test(every_failed_allocation_is_an_error_and_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
