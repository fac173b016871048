/*
 * Expectations, the fleet's percentiles and the output of other people's tools;
 * and what the processors' burn-in finds of bits that are turned on purpose.
 * With --recall it prints that as a table for docs/results.md.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/check_expect.h"
#include "agent/check_fleet.h"
#include "agent/check_parse.h"

/* ---- the burn-in with faults ----------------------------------------------------------------- */

struct fault {
    uint64_t left; /* values until the bit turns; 0 = never again */
    uint32_t bit;
};
static struct fault fault;

static uint32_t touch(uint32_t v)
{
    if (fault.left > 0 && --fault.left == 0)
        return v ^ 1u << fault.bit;
    return v;
}
static float untouched(float v) /* only a kernel that the burn-in does not use */
{
    return v;
}
#define TOUCH(x) _Generic((x), float: untouched, default: touch)(x)
#include "agent/check_cpu_burn.h"

#define TOUCHES (CPU_BURN_WORDS * (CPU_BURN_ROUNDS * 3ull + 1)) /* of a turn */

/* Of `trials` single turned bits, each at a place of its own, how many change the result. */
static uint32_t recall(uint32_t trials)
{
    uint32_t found = 0;
    fault = (struct fault){ 0 };
    mw_u64 right = cpu_burn_turn(7);
    for (uint32_t i = 0; i < trials; i++) {
        uint64_t where = ((uint64_t)mw_mix(i + 1) << 20 ^ mw_mix(i ^ 0x55aa55aau)) % TOUCHES;
        fault = (struct fault){ .left = where + 1, .bit = i % 32 };
        found += cpu_burn_turn(7) != right;
        assert_int_equal(fault.left, 0); /* it did turn */
    }
    return found;
}

static void the_burn_in_finds_single_turned_bits(void **state)
{
    (void)state;
    assert_true(recall(64) >= 63);
}

static void the_burn_in_of_the_same_input_is_always_the_same(void **state)
{
    (void)state;
    fault = (struct fault){ 0 };
    assert_true(cpu_burn_turn(1) == cpu_burn_turn(1));
    assert_true(cpu_burn_turn(1) != cpu_burn_turn(2));
}

/* ---- expectations ---------------------------------------------------------------------------- */

static struct expect_set set_of(const char *text)
{
    struct expect_set s;
    struct mw_error err = { 0 };
    assert_int_equal(expect_init(&s), 0);
    if (expect_read(&s, text, strlen(text), 1, "test", &err) < 0)
        fail_msg("%s", err.text);
    return s;
}

static struct check_row row(const char *name, const char *part, const char *unit, double value)
{
    struct check_row r = { .value = value };
    (void)snprintf(r.name, sizeof(r.name), "%s", name);
    (void)snprintf(r.part, sizeof(r.part), "%s", part);
    (void)snprintf(r.unit, sizeof(r.unit), "%s", unit);
    return r;
}

static uint32_t verdict(const struct expect_set *s, struct check_row r)
{
    expect_judge(s, &r);
    return r.verdict;
}

static void a_number_is_judged_and_the_source_travels_with_the_verdict(void **state)
{
    (void)state;
    struct expect_set s = set_of("# x\n\ngpu-h2d,>=,52,GB/s,\"a book, page 3\"\r\n");
    struct check_row r = row("gpu-h2d", "gpu3", "GB/s", 27);
    expect_judge(&s, &r);
    assert_int_equal(r.verdict, VERDICT_FAIL);
    assert_string_equal(r.expect, ">= 52 GB/s");
    assert_string_equal(r.from, "a book, page 3");
    assert_int_equal(verdict(&s, row("gpu-h2d", "", "GB/s", 52)), VERDICT_PASS);
    assert_int_equal(verdict(&s, row("gpu-d2h", "", "GB/s", 1)), VERDICT_NOTED);
    expect_fini(&s);
}

static void another_unit_is_not_compared(void **state)
{
    (void)state;
    struct expect_set s = set_of("disk-write,>=,500,MB/s,x\n");
    assert_int_equal(verdict(&s, row("disk-write", "", "GB/s", 501)), VERDICT_UNKNOWN);
    expect_fini(&s);
}

static void a_line_for_one_part_comes_before_the_line_for_all(void **state)
{
    (void)state;
    struct expect_set s = set_of("nic-rate,>=,400,Gb/s,x\nnic-rate/mlx5_9,>=,100,Gb/s,y\n");
    assert_int_equal(verdict(&s, row("nic-rate", "mlx5_9", "Gb/s", 100)), VERDICT_PASS);
    assert_int_equal(verdict(&s, row("nic-rate", "mlx5_0", "Gb/s", 100)), VERDICT_FAIL);
    expect_fini(&s);
}

static void both_bounds_of_a_range_count(void **state)
{
    (void)state;
    struct expect_set s = set_of("t,>=,10,C,x\nt,<=,20,C,y\n");
    assert_int_equal(verdict(&s, row("t", "", "C", 9)), VERDICT_FAIL);
    assert_int_equal(verdict(&s, row("t", "", "C", 15)), VERDICT_PASS);
    assert_int_equal(verdict(&s, row("t", "", "C", 21)), VERDICT_FAIL);
    expect_fini(&s);
}

static void what_is_set_on_the_command_line_replaces_the_files(void **state)
{
    struct mw_error err = { 0 };
    (void)state;
    struct expect_set s = set_of("gpu-count,=,8,,x\n");
    assert_int_equal(expect_take(&s, "gpu-count>=4", &err), 0);
    assert_int_equal(verdict(&s, row("gpu-count", "", "", 4)), VERDICT_PASS);
    assert_true(expect_take(&s, "gpu-count", &err) < 0);
    assert_true(expect_take(&s, "gpu-count==4", &err) < 0);
    assert_true(expect_take(&s, "=4", &err) < 0);
    assert_true(expect_take(&s, "a>=b", &err) < 0);
    expect_fini(&s);
}

static void words_are_equal_held_or_lacking(void **state)
{
    (void)state;
    struct expect_set s = set_of("a,=,on,,x\nb,has,H100,,x\nc,lacks,debug,,x\nd,!=,hpet,,x\n");
    static const struct {
        const char *name, *word;
        uint32_t verdict;
    } cases[] = {
        { "a", "on", VERDICT_PASS },        { "a", "off", VERDICT_FAIL },
        { "b", "NVIDIA H100", VERDICT_PASS }, { "b", "A100", VERDICT_FAIL },
        { "c", "release", VERDICT_PASS },   { "c", "6.1-debug", VERDICT_FAIL },
        { "d", "tsc", VERDICT_PASS },       { "d", "hpet", VERDICT_FAIL },
    };
    for (size_t i = 0; i < MW_ARRAY_LEN(cases); i++) {
        struct check_row r = row(cases[i].name, "", "", NAN);
        (void)snprintf(r.word, sizeof(r.word), "%s", cases[i].word);
        assert_int_equal(verdict(&s, r), cases[i].verdict);
    }
    expect_fini(&s);
}

static void a_broken_line_is_named(void **state)
{
    static const char *const bad[] = { "a,=,1,x\n", "a,about,1,,x\n", "a,=,1,,\n", "a,>=,x,,y\n",
                                       "\"a,=,1,,x\n", "a,=,1,,x,y\n", ",=,1,,x\n" };
    (void)state;
    for (size_t i = 0; i < MW_ARRAY_LEN(bad); i++) {
        struct expect_set s;
        struct mw_error err = { 0 };
        char text[64];
        (void)snprintf(text, sizeof(text), "ok,=,1,,x\n%s", bad[i]);
        assert_int_equal(expect_init(&s), 0);
        assert_true(expect_read(&s, text, strlen(text), 1, "file", &err) < 0);
        assert_non_null(strstr(err.text, "file:2"));
        expect_fini(&s);
    }
}

/* ---- the fleet ------------------------------------------------------------------------------- */

static struct fleet_figures fleet_of(const char *text)
{
    struct fleet_figures f;
    struct mw_error err = { 0 };
    assert_int_equal(fleet_figures_init(&f), 0);
    if (fleet_figures_read(&f, text, strlen(text), &err) < 0)
        fail_msg("%s", err.text);
    return f;
}

static void a_figure_below_the_fleets_worst_hundredth_and_below_95_per_cent_fails(void **state)
{
    (void)state;
    struct fleet_figures f = fleet_of("{\"source\":\"s\",\"figures\":{\"x\":{\"n\":500,\"p01\":90,"
                                      "\"p50\":100}}}");
    struct check_row low = row("x", "", "", 89), near = row("x", "", "", 91);
    low.verdict = near.verdict = VERDICT_PASS;
    fleet_judge(&f, &low);
    fleet_judge(&f, &near);
    assert_int_equal(low.verdict, VERDICT_FAIL);
    assert_string_equal(low.from, "the fleet: s");
    assert_int_equal(near.verdict, VERDICT_PASS);
    fleet_figures_fini(&f);
}

static void a_tight_fleet_does_not_refuse_its_own_last_hundredth(void **state)
{
    double bound;
    bool less;
    (void)state;
    struct fleet_figures f = fleet_of("{\"figures\":{\"x\":{\"n\":500,\"p01\":99.9,\"p50\":100},"
                                      "\"y\":{\"n\":500,\"p01\":12,\"p50\":10,\"better\":\"less\"},"
                                      "\"few\":{\"n\":19,\"p01\":1,\"p50\":1}}}");
    assert_true(fleet_bound(&f, "x", &bound, &less) && bound < 95.01 && bound > 94.99 && !less);
    assert_true(fleet_bound(&f, "y", &bound, &less) && bound > 11.99 && bound < 12.01 && less);
    assert_false(fleet_bound(&f, "few", &bound, &less));
    assert_false(fleet_bound(&f, "none", &bound, &less));
    fleet_figures_fini(&f);
}

static void what_is_no_such_json_is_refused_with_its_place(void **state)
{
    static const char *const bad[] = { "", "{", "[]", "{\"figures\":{\"x\":{\"n\":}}}", "{} x",
                                       "{\"figures\":{\"x\":7}}", "{\"a\":{\"b\":{}}}" };
    (void)state;
    for (size_t i = 0; i < MW_ARRAY_LEN(bad); i++) {
        struct fleet_figures f;
        struct mw_error err = { 0 };
        assert_int_equal(fleet_figures_init(&f), 0);
        assert_int_equal(fleet_figures_read(&f, bad[i], strlen(bad[i]), &err), MW_ESYNTAX);
        assert_non_null(strstr(err.text, "byte"));
        fleet_figures_fini(&f);
    }
}

/* ---- tools ----------------------------------------------------------------------------------- */

static char corpus_text[65536];

static const char *corpus(const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "tests/corpus/check_parse/%s", name);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    corpus_text[fread(corpus_text, 1, sizeof(corpus_text) - 1, f)] = '\0';
    (void)fclose(f);
    return corpus_text;
}

static bool about(double a, double b)
{
    return a > b * 0.9999 && a < b * 1.0001;
}

static void rates_of_perftest_come_out_in_one_unit(void **state)
{
    double gbps = 0;
    (void)state;
    assert_true(parse_perftest(corpus("perftest.txt"), &gbps) && about(gbps, 395.37));
    assert_true(parse_perftest(corpus("perftest-mib.txt"), &gbps) && about(gbps, 97.984));
    assert_false(parse_perftest("Unable to find the Infiniband/RoCE device\n", &gbps));
}

static void nccl_tests_give_bandwidth_and_wrong_values(void **state)
{
    struct parsed_nccl p;
    (void)state;
    assert_true(parse_nccl(corpus("nccl.txt"), &p));
    assert_true(about(p.bus_gbps, 480.75));
    assert_int_equal(p.wrong, 0);
    assert_false(parse_nccl("# Avg bus bandwidth    : 480.75\n", &p));
}

static void a_diagnosis_that_failed_is_not_called_healthy(void **state)
{
    struct parsed_dcgmi p;
    (void)state;
    assert_true(parse_dcgmi(corpus("dcgmi.txt"), &p));
    assert_int_equal(p.failed, 1);
    assert_int_equal(p.passed, 4);
    assert_int_equal(p.skipped, 1);
    assert_string_equal(p.first, "PCIe");
    assert_false(parse_dcgmi("Error: unable to establish a connection\n", &p));
}

static void fio_gives_both_directions(void **state)
{
    struct parsed_fio p;
    (void)state;
    assert_true(parse_fio(corpus("fio.txt"), &p));
    assert_true(p.read_mbps > 1 && p.write_mbps > 1);
    assert_int_equal(p.error, 0);
    assert_false(parse_fio("fio: pid=1, err=28/file:x\n", &p));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_is_judged_and_the_source_travels_with_the_verdict),
        cmocka_unit_test(another_unit_is_not_compared),
        cmocka_unit_test(a_line_for_one_part_comes_before_the_line_for_all),
        cmocka_unit_test(both_bounds_of_a_range_count),
        cmocka_unit_test(what_is_set_on_the_command_line_replaces_the_files),
        cmocka_unit_test(words_are_equal_held_or_lacking),
        cmocka_unit_test(a_broken_line_is_named),
        cmocka_unit_test(a_figure_below_the_fleets_worst_hundredth_and_below_95_per_cent_fails),
        cmocka_unit_test(a_tight_fleet_does_not_refuse_its_own_last_hundredth),
        cmocka_unit_test(what_is_no_such_json_is_refused_with_its_place),
        cmocka_unit_test(rates_of_perftest_come_out_in_one_unit),
        cmocka_unit_test(nccl_tests_give_bandwidth_and_wrong_values),
        cmocka_unit_test(a_diagnosis_that_failed_is_not_called_healthy),
        cmocka_unit_test(fio_gives_both_directions),
        cmocka_unit_test(the_burn_in_of_the_same_input_is_always_the_same),
        cmocka_unit_test(the_burn_in_finds_single_turned_bits),
    };
    if (argc > 1 && strcmp(argv[1], "--recall") == 0) {
        (void)printf("%u %u\n", recall(1000), 1000);
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
