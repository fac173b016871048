/* The closed forms: the published first-order table, and the exact form against a straight
 * simulation of its own definition. */
#include "sim/ettr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"

#define assert_near(a, b, within) assert_true((a) - (b) <= (within) && (b) - (a) <= (within))

/* Restart and write, hours. */
static const double cases[3][2] = {{0.25, 5.0 / 60}, {5.0 / 60, 1.0 / 60}, {2.0 / 60, 10.0 / 3600}};

static struct ettr_case at(double rate, uint32_t gpus, uint32_t which)
{
    double mttf = ettr_mttf_hours(rate, gpus / 8);
    return (struct ettr_case){mttf, cases[which][0], cases[which][1],
                              ettr_interval(cases[which][1], mttf)};
}

static void the_first_order_form_gives_the_table_computed_from_the_papers(void **state)
{
    (void)state;
    static const struct {
        double rate;
        uint32_t gpus;
        double mttf, a, b, c;
    } row[] = {
        {6.50, 1024, 28.9, .918, .964, .985},  {6.50, 4096, 7.21, .826, .923, .968},
        {6.50, 16384, 1.80, .616, .829, .928}, {6.50, 65536, 0.45, .108, .598, .825},
        {4.20, 1024, 44.6, .935, .971, .988},  {4.20, 65536, 0.70, .319, .695, .869},
        {3.79, 16384, 3.09, .720, .876, .948}, {2.34, 65536, 1.25, .523, .788, .910},
    };
    for (size_t i = 0; i < MW_ARRAY_LEN(row); i++) {
        struct ettr_case c = at(row[i].rate, row[i].gpus, 0);
        assert_near(c.mttf, row[i].mttf, 0.06);
        assert_near(ettr_first_order(&c), row[i].a, 0.0006);
        c = at(row[i].rate, row[i].gpus, 1);
        assert_near(ettr_first_order(&c), row[i].b, 0.0006);
        c = at(row[i].rate, row[i].gpus, 2);
        assert_near(ettr_first_order(&c), row[i].c, 0.0006);
    }
}

static void both_forms_agree_where_failures_are_rare(void **state)
{
    (void)state;
    struct ettr_case c = {10000.0, 0.25, 0.05, ettr_interval(0.05, 10000.0)};
    assert_near(ettr_exact(&c), ettr_first_order(&c), 2e-5);
}

static void without_failures_only_checkpoints_cost(void **state)
{
    (void)state;
    struct ettr_case c = {1e9, 1.0, 0.5, 4.5};
    assert_near(ettr_exact(&c), 0.9, 1e-6);
}

static double draw(double mttf, uint64_t *nth)
{
    return mw_draw_exponential(mw_random_unit(1, 2, 3, (*nth)++), mttf);
}

/* Wall time until one interval is done and written: the definition, played out. */
static double play(const struct ettr_case *c, uint64_t *nth)
{
    double wall = 0.0;
    for (;;) {
        double fails = draw(c->mttf, nth);
        if (fails >= c->interval + c->write)
            return wall + c->interval + c->write;
        wall += fails;
        for (fails = draw(c->mttf, nth); fails < c->restart; fails = draw(c->mttf, nth))
            wall += fails;
        wall += c->restart;
    }
}

static void the_exact_form_is_the_mean_of_its_definition(void **state)
{
    (void)state;
    for (uint32_t which = 0; which < 3; which++) {
        struct ettr_case c = at(6.50, 65536, which);
        uint64_t nth = 0;
        double sum = 0.0;
        for (uint32_t i = 0; i < 400000; i++)
            sum += play(&c, &nth);
        double expected = ettr_wall_per_interval(&c);
        assert_near(sum / 400000, expected, 0.006 * expected);
    }
}

static void the_failures_needed_give_the_precision_asked(void **state)
{
    (void)state;
    struct ettr_case c = at(6.50, 16384, 0);
    double wall = ettr_wall_per_interval(&c), needed = ettr_failures_needed(&c, 0.01);
    uint32_t intervals = (uint32_t)(needed * c.mttf / wall), off = 0;
    uint64_t nth = 0;
    for (uint32_t run = 0; run < 200; run++) {
        double sum = 0.0;
        for (uint32_t i = 0; i < intervals; i++)
            sum += play(&c, &nth);
        double error = sum / intervals / wall - 1.0;
        off += error > 0.02 || error < -0.02; /* two standard errors: 5 % of runs */
    }
    assert_true(off >= 1 && off <= 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_order_form_gives_the_table_computed_from_the_papers),
        cmocka_unit_test(both_forms_agree_where_failures_are_rare),
        cmocka_unit_test(without_failures_only_checkpoints_cost),
        cmocka_unit_test(the_exact_form_is_the_mean_of_its_definition),
        cmocka_unit_test(the_failures_needed_give_the_precision_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
