/* Keyed random numbers: the committed bits, the range, and the distributions. */
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/exact.h"

#define DRAWS 200000

static void a_key_gives_the_committed_bits_on_every_compiler(void **state)
{
    (void)state;
    const uint64_t all = UINT64_MAX;
    const struct {
        uint64_t key[4], bits;
    } golden[] = {
        {{0, 0, 0, 0}, UINT64_C(0x2130748aaac80268)},
        {{1, 0, 0, 0}, UINT64_C(0xe28195ddd9ee4956)},
        {{0, 1, 0, 0}, UINT64_C(0xd1c0270687984b37)},
        {{0, 0, 1, 0}, UINT64_C(0xd9eef7f073d37c42)},
        {{0, 0, 0, 1}, UINT64_C(0x2a4f111b3be57715)},
        {{42, 7, 3, 1000000}, UINT64_C(0x868c64f531457cde)},
        {{all, all, all, all}, UINT64_C(0x9c666618c8f279d7)},
    };
    for (size_t i = 0; i < MW_ARRAY_LEN(golden); i++) {
        const uint64_t *key = golden[i].key;
        assert_int_equal(mw_random_u64(key[0], key[1], key[2], key[3]), golden[i].bits);
    }
}

/* A changed key bit changes each result bit half of the time (here: 46 to 54 %). */
static void every_bit_of_the_key_moves_every_bit_of_the_result(void **state)
{
    (void)state;
    for (uint32_t bit = 0; bit < 256; bit++) {
        uint32_t changed[64] = {0};
        for (uint64_t n = 0; n < 2000; n++) {
            uint64_t key[4] = {n, n * 3, 5, n << 30};
            uint64_t before = mw_random_u64(key[0], key[1], key[2], key[3]);
            key[bit / 64] ^= UINT64_C(1) << bit % 64;
            uint64_t diff = before ^ mw_random_u64(key[0], key[1], key[2], key[3]);
            for (uint32_t i = 0; i < 64; i++)
                changed[i] += (uint32_t)(diff >> i & 1);
        }
        for (uint32_t i = 0; i < 64; i++)
            assert_in_range(changed[i], 860, 1140);
    }
}

static void the_unit_interval_is_open_and_symmetric(void **state)
{
    (void)state;
    assert_true(mw_unit_of(0) == 0x1p-53);
    assert_true(mw_unit_of(UINT64_MAX) == 1.0 - 0x1p-53);
    double sum = 0;
    for (uint64_t n = 0; n < DRAWS; n++) {
        uint64_t bits = mw_random_u64(8, 0, 0, n);
        assert_true(mw_unit_of(bits) + mw_unit_of(~bits) == 1.0);
        assert_true(mw_random_unit(8, 0, 0, n) == mw_unit_of(bits));
        sum += mw_unit_of(bits);
    }
    assert_true(fabs(sum / DRAWS - 0.5) < 0.003); /* 4.6 standard errors */
}

static void integers_below_a_bound_cover_it_evenly(void **state)
{
    (void)state;
    uint32_t seen[7] = {0};
    for (uint64_t n = 0; n < 70000; n++)
        seen[mw_random_below(mw_random_u64(9, 9, 9, n), 7)]++;
    for (uint32_t i = 0; i < 7; i++)
        assert_in_range(seen[i], 9500, 10500); /* 5 standard deviations */
    assert_int_equal(mw_random_below(UINT64_MAX, 1), 0);
    assert_int_equal(mw_random_below(UINT64_MAX, UINT64_MAX), UINT64_MAX - 1);
}

static void draws_have_the_mean_of_their_distribution(void **state)
{
    (void)state;
    double exponential = 0, weibull = 0, log_sum = 0, log_squares = 0;
    for (uint64_t n = 0; n < DRAWS; n++) {
        double u = mw_random_unit(4, 4, 4, n);
        exponential += mw_draw_exponential(u, 30.0);
        weibull += mw_draw_weibull(u, 0.7, 10.0);
        double z = log(mw_draw_lognormal(u, 5.0, 1.5) / 5.0) / 1.5;
        log_sum += z;
        log_squares += z * z;
    }
    assert_true(fabs(exponential / DRAWS / 30.0 - 1.0) < 0.01);
    assert_true(fabs(weibull / DRAWS / (10.0 * mw_gamma(1.0 + 1.0 / 0.7)) - 1.0) < 0.02);
    assert_true(fabs(log_sum / DRAWS) < 0.01);
    assert_true(fabs(log_squares / DRAWS - 1.0) < 0.02);
}

/* The draw at u must lie where the distribution function is u again. */
static void draws_invert_their_distribution_function(void **state)
{
    (void)state;
    const double us[] = {0x1p-53, 1e-9, 1e-3, 0.024, 0.025, 0.3, 0.5, 0.7, 0.976, 0.999, 1 - 1e-9};
    for (size_t i = 0; i < MW_ARRAY_LEN(us); i++) {
        double u = us[i];
        assert_true(fabs(-expm1(-mw_draw_exponential(u, 2.0) / 2.0) / u - 1.0) < 1e-6);
        double w = mw_draw_weibull(u, 1.7, 3.0);
        assert_true(fabs(-expm1(-pow(w / 3.0, 1.7)) / u - 1.0) < 1e-6);
        double z = log(mw_draw_lognormal(u, 1.0, 1.0));
        assert_true(fabs(0.5 * erfc(-z / sqrt(2.0)) / u - 1.0) < 1e-7);
    }
    assert_true(mw_draw_lognormal(0.3, 7.0, 0.0) == 7.0);
    assert_true(mw_draw_exponential(1e-300, 1.0) == 1e-300); /* below the grid, still above 0 */
    assert_true(mw_draw_weibull(1e-300, 2.0, 1.0) > 0.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_gives_the_committed_bits_on_every_compiler),
        cmocka_unit_test(every_bit_of_the_key_moves_every_bit_of_the_result),
        cmocka_unit_test(the_unit_interval_is_open_and_symmetric),
        cmocka_unit_test(integers_below_a_bound_cover_it_evenly),
        cmocka_unit_test(draws_have_the_mean_of_their_distribution),
        cmocka_unit_test(draws_invert_their_distribution_function),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
