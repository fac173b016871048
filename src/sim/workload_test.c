/* Streams of jobs: the offered load, the keyed draws, and the trace with its bad input. */
#include "sim/workload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"
#include "sim/job_trace.h"

/* cmocka compares floats, too coarse here. */
#define assert_near(a, b, within) assert_true((a) - (b) <= (within) && (b) - (a) <= (within))
#define HOUR MW_NS_PER_HOUR
#define HEAD "timestamp,duration,num_gpus,gpu_time,cluster\n"

static struct scenario *mixed(void)
{
    struct scenario *s = mw_calloc(1, sizeof(*s));
    s->jobs = JOBS_SYNTHETIC;
    s->load = 0.8;
    s->horizon_ns = 2000 * MW_NS_PER_DAY;
    s->job_classes = 2;
    s->job_class[0] = (struct scenario_job_class){
        .share_of_gpu_time = 0.75, .gpus_n = 2, .gpus = {64, 128}, .gpus_weight = {3, 1},
        .work = {LAW_LOGNORMAL, 10.0 * HOUR, 1.0}, .write = {LAW_FIXED, 30e9, 0},
        .restart = {LAW_FIXED, 60e9, 0}, .priority = 3};
    s->job_class[1] = (struct scenario_job_class){
        .share_of_gpu_time = 0.25, .gpus_n = 1, .gpus = {8}, .gpus_weight = {1},
        .work = {LAW_WEIBULL, 2.0 * HOUR, 0.7}, .fails_itself = 0.4};
    return s;
}

static struct workload *begin(const struct scenario *s, uint64_t seed, const char *trace)
{
    struct workload *w = NULL;
    struct mw_error err = {0};
    struct workload_source source = {s, seed, 1024, trace, trace != NULL ? strlen(trace) : 0};
    if (workload_create(&source, &w, &err) != 0)
        fail_msg("%s", err.text);
    return w;
}

static void the_offered_gpu_time_is_the_load_and_its_shares(void **state)
{
    (void)state;
    struct scenario *s = mixed();
    struct workload *w = begin(s, 7, NULL);
    struct workload_job j;
    double gpu_ms[2] = {0}, failing = 0, small = 0;
    int64_t last = 0;
    while (workload_next(w, &j)) {
        assert_true(j.submit_ns >= last && j.submit_ns < s->horizon_ns);
        last = j.submit_ns;
        gpu_ms[j.category] += (double)j.work_ms * j.gpus;
        small += j.category == 1;
        failing += j.fails_at_ms != MW_NEVER;
        assert_true(j.fails_at_ms == MW_NEVER ||
                    (j.fails_at_ms >= 0 && j.fails_at_ms < j.work_ms));
        assert_int_equal(j.tenant, j.category + 1);
    }
    double site_ms = 1024.0 * (double)(s->horizon_ns / MW_NS_PER_MS);
    assert_near(gpu_ms[0] / site_ms, 0.8 * 0.75, 0.02);
    assert_near(gpu_ms[1] / site_ms, 0.8 * 0.25, 0.005);
    assert_near(failing / small, 0.4, 0.01);
    workload_destroy(w);
    mw_free(s);
}

static void a_seed_gives_the_same_jobs_and_another_seed_others(void **state)
{
    (void)state;
    struct scenario *s = mixed();
    struct workload *a = begin(s, 7, NULL), *b = begin(s, 7, NULL), *c = begin(s, 8, NULL);
    uint32_t differ = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        struct workload_job x, y, z;
        memset(&x, 0, sizeof(x));
        memset(&y, 0, sizeof(y));
        assert_true(workload_next(a, &x) && workload_next(b, &y) && workload_next(c, &z));
        assert_memory_equal(&x, &y, sizeof(x));
        differ += x.submit_ns != z.submit_ns;
    }
    assert_true(differ > 990);
    workload_destroy(a);
    workload_destroy(b);
    workload_destroy(c);
    mw_free(s);
}

static void another_class_does_not_move_the_jobs_of_the_first(void **state)
{
    (void)state;
    struct scenario *s = mixed(), *one = mixed();
    one->job_classes = 1;
    struct workload *a = begin(s, 7, NULL), *b = begin(one, 7, NULL);
    for (uint32_t i = 0; i < 100; i++) {
        struct workload_job x, y;
        do
            assert_true(workload_next(a, &x));
        while (x.category != 0);
        assert_true(workload_next(b, &y));
        assert_int_equal(x.submit_ns, y.submit_ns);
        assert_int_equal(x.work_ms, y.work_ms);
        assert_int_equal(x.gpus, y.gpus);
    }
    workload_destroy(a);
    workload_destroy(b);
    mw_free(s);
    mw_free(one);
}

static void a_stated_number_of_jobs_comes_at_stated_times(void **state)
{
    (void)state;
    struct scenario *s = mixed();
    struct workload_job j;
    s->job_classes = 1;
    s->job_class[0].count = 3;
    s->job_class[0].first_ns = HOUR;
    s->job_class[0].every_ns = 2 * HOUR;
    struct workload *w = begin(s, 1, NULL);
    for (int64_t i = 0; i < 3; i++) {
        assert_true(workload_next(w, &j));
        assert_int_equal(j.submit_ns, HOUR + 2 * HOUR * i);
    }
    assert_false(workload_next(w, &j));
    workload_destroy(w);
    mw_free(s);
}

static void jobs_max_ends_the_stream(void **state)
{
    (void)state;
    struct scenario *s = mixed();
    struct workload_job j;
    s->jobs_max = 5;
    struct workload *w = begin(s, 1, NULL);
    for (uint32_t i = 0; i < 5; i++)
        assert_true(workload_next(w, &j));
    assert_false(workload_next(w, &j));
    workload_destroy(w);
    mw_free(s);
}

static void a_class_larger_than_the_site_is_refused_by_name(void **state)
{
    (void)state;
    struct scenario *s = mixed();
    struct workload *w = NULL;
    struct mw_error err;
    memcpy(s->job_class[0].name, "pretrain", 9);
    s->job_class[0].gpus[1] = 2048;
    struct workload_source source = {.scenario = s, .seed = 1, .site_gpus = 1024};
    assert_int_equal(workload_create(&source, &w, &err), MW_EINVAL);
    assert_non_null(strstr(err.text, "\"pretrain\" asks for 2048 GPUs and the site has 1024"));
    mw_free(s);
}

static struct scenario *traced(void)
{
    struct scenario *s = mw_calloc(1, sizeof(*s));
    s->jobs = JOBS_TRACE;
    s->horizon_ns = 365 * MW_NS_PER_DAY;
    s->trace_write = (struct scenario_draw){LAW_FIXED, 5e9, 0};
    s->trace_restart = (struct scenario_draw){LAW_FIXED, 7e9, 0};
    return s;
}

static void a_trace_is_read_in_order_of_submission_from_its_first_job(void **state)
{
    (void)state;
    struct scenario *s = traced();
    struct workload_job j;
    struct workload *w = begin(s, 1,
                               HEAD "2017-10-09 07:00:10,66.0,1,66.0,b\n"
                                    "2017-10-09 07:00:05,1e1,2048,1,a\r\n"
                                    "2017-10-09 07:00:00,0,4,0,a\n\n");
    assert_true(workload_next(w, &j));
    assert_int_equal(j.submit_ns, 0);
    assert_int_equal(j.work_ms, 1);
    assert_int_equal(j.tenant, 2);
    assert_int_equal(j.write_ms, 5000);
    assert_int_equal(j.restart_ms, 7000);
    assert_true(workload_next(w, &j));
    assert_int_equal(j.submit_ns, 10 * MW_NS_PER_S);
    assert_int_equal(j.work_ms, 66000);
    assert_int_equal(j.tenant, 1);
    assert_false(workload_next(w, &j));
    assert_int_equal(workload_dropped(w), 1);
    workload_destroy(w);
    mw_free(s);
}

static void the_philly_trace_has_its_published_jobs_and_gpu_hours(void **state)
{
    (void)state;
    char *csv = NULL;
    size_t size;
    struct mw_error err = {0};
    struct trace_job *job;
    uint32_t n = 0;
    double hours = 0;
    if (mw_read_file("data/jobs/philly.csv.gz", 1 << 26, true, &csv, &size, &err) != 0 ||
        job_trace_parse(csv, size, &job, &n, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(n, 82247);
    for (uint32_t i = 0; i < n; i++) {
        assert_true(i == 0 || job[i].submit_ns >= job[i - 1].submit_ns);
        hours += (double)job[i].work_ms * job[i].gpus / MW_MS_PER_HOUR;
    }
    assert_near(hours, 978078.47, 0.01);
    assert_near((double)job[n - 1].submit_ns / MW_NS_PER_DAY, 108.9, 0.05);
    mw_free(job);
    mw_free(csv);
}

static void refused(const char *csv, const char *part)
{
    struct trace_job *job = NULL;
    uint32_t n = 0;
    struct mw_error err = {0};
    assert_int_not_equal(job_trace_parse(csv, strlen(csv), &job, &n, &err), 0);
    assert_null(job);
    if (strstr(err.text, part) == NULL)
        fail_msg("\"%s\" is not in: %s", part, err.text);
}

static void bad_rows_of_a_job_trace_are_named_by_line_and_field(void **state)
{
    (void)state;
    refused("", "is empty");
    refused("timestamp,duration\n", "no column \"num_gpus\"");
    refused(HEAD, "no job");
    refused(HEAD "2017-10-09 07:00:00,1,1,1,a\n2017-13-09 07:00:00,1,1,1,a\n",
            "line 3: field \"timestamp\"");
    refused(HEAD "2017-10-09 07:00:00,-1,1,1,a\n", "line 2: field \"duration\"");
    refused(HEAD "2017-10-09 07:00:00,1,0,1,a\n", "line 2: field \"num_gpus\"");
    refused(HEAD "2017-10-09 07:00:00,1\n", "line 2: field \"num_gpus\" is missing");
    refused(HEAD "2017-10-09 07:00:00,nan,1,1,a\n", "field \"duration\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_offered_gpu_time_is_the_load_and_its_shares),
        cmocka_unit_test(a_seed_gives_the_same_jobs_and_another_seed_others),
        cmocka_unit_test(another_class_does_not_move_the_jobs_of_the_first),
        cmocka_unit_test(a_stated_number_of_jobs_comes_at_stated_times),
        cmocka_unit_test(jobs_max_ends_the_stream),
        cmocka_unit_test(a_class_larger_than_the_site_is_refused_by_name),
        cmocka_unit_test(a_trace_is_read_in_order_of_submission_from_its_first_job),
        cmocka_unit_test(the_philly_trace_has_its_published_jobs_and_gpu_hours),
        cmocka_unit_test(bad_rows_of_a_job_trace_are_named_by_line_and_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
