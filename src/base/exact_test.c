/* Elementary functions against the C library in extended precision, and their
 * bits against committed ones, so that every compiler is held to the same. */
#include "base/exact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "base/random.h"

#define POINTS 200000

static uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof(bits));
    return bits;
}

static double spread(double low, double high, uint64_t nth)
{
    return low + (high - low) * mw_random_unit(11, 0, 0, nth);
}

/* Distance in units of the last place of the true value. */
static double ulps(double got, long double want)
{
    double near = (double)want;
    double ulp = nextafter(fabs(near), INFINITY) - fabs(near);
    return (double)(fabsl((long double)got - want) / (long double)ulp);
}

static double relative(double got, long double want)
{
    return (double)(fabsl((long double)got - want) / fabsl(want));
}

static void log_is_within_two_units_of_the_last_place(void **state)
{
    (void)state;
    double worst = 0;
    for (uint64_t n = 0; n < POINTS; n++) {
        /* a third near 1, a third around it, a third over all normal doubles */
        double x = n % 3 == 0   ? 1.0 + spread(-1e-3, 1e-3, n)
                   : n % 3 == 1 ? spread(0.1, 10.0, n)
                                : ldexp(spread(1.0, 2.0, n), (int)(n % 2046) - 1022);
        worst = fmax(worst, ulps(mw_log(x), logl((long double)x)));
    }
    assert_true(worst < 1.0);
    assert_true(mw_log(1.0) == 0.0);
    assert_true(ulps(mw_log(0x1p-1074), logl(0x1p-1074L)) < 1.0);
    assert_true(ulps(mw_log(0x1.8p-1040), logl(0x1.8p-1040L)) < 1.0);
    assert_true(isinf(mw_log(INFINITY)));
}

static void exp_is_within_two_units_of_the_last_place(void **state)
{
    (void)state;
    double worst = 0;
    for (uint64_t n = 0; n < POINTS; n++) {
        double x = n % 2 == 0 ? spread(-2.0, 2.0, n) : spread(-708.0, 709.7, n);
        worst = fmax(worst, ulps(mw_exp(x), expl((long double)x)));
    }
    assert_true(worst < 1.0);
    assert_true(mw_exp(0.0) == 1.0);
    assert_true(mw_exp(-745.2) == 0.0 && mw_exp(-INFINITY) == 0.0);
    assert_true(mw_exp(-745.0) == 0x1p-1074);
    assert_true(isinf(mw_exp(709.79)) && isinf(mw_exp(INFINITY)));
    assert_true(isfinite(mw_exp(709.78)));
}

static void pow_keeps_thirteen_digits(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < POINTS; n++) {
        double x = mw_exp(spread(-10.0, 10.0, n));
        double y = spread(-10.0, 10.0, n + POINTS);
        assert_true(relative(mw_pow(x, y), powl((long double)x, (long double)y)) < 1e-13);
    }
}

static void gamma_keeps_twelve_digits(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < POINTS; n++) {
        double x = n % 2 == 0 ? spread(0.0, 50.0, n) : mw_exp(spread(-300.0, 0.0, n));
        assert_true(relative(mw_gamma(x), tgammal((long double)x)) < 1e-12);
    }
}

static void square_roots_are_correctly_rounded(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < POINTS; n++) {
        double x = ldexp(spread(1.0, 2.0, n), (int)(n % 2046) - 1022);
        assert_true(mw_sqrt(x) == sqrt(x));
    }
    assert_true(mw_sqrt(0.0) == 0.0);
}

static void assert_isqrt(uint64_t x)
{
    unsigned __int128 root = mw_isqrt(x);
    assert_true(root * root <= x && (root + 1) * (root + 1) > x);
}

static void integer_roots_are_exact_around_every_square(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < POINTS; n++) {
        uint64_t root = mw_random_u64(5, 5, 5, n) >> (32 + n % 32);
        assert_isqrt(root * root);
        assert_isqrt(root * root - (root > 0));
        assert_isqrt(root * root + 2 * root);
        assert_isqrt(mw_random_u64(5, 5, 6, n) >> n % 64);
    }
    assert_int_equal(mw_isqrt(UINT64_MAX), UINT32_MAX);
}

static void products_do_not_overflow_before_the_division(void **state)
{
    (void)state;
    assert_int_equal(mw_muldiv(7, -3, 2), -10); /* toward zero */
    assert_int_equal(mw_muldiv(INT64_MAX, 1000000, 1000000), INT64_MAX);
    assert_int_equal(mw_muldiv(INT64_MIN, 3, 3), INT64_MIN);
    assert_int_equal(mw_muldiv(INT64_MAX, 2, 1), INT64_MAX);
    assert_int_equal(mw_muldiv(INT64_MIN, 2, 1), INT64_MIN);
    assert_int_equal(mw_muldiv(INT64_MIN, -1, 1), INT64_MAX);
    assert_int_equal(mw_muldiv(6000000000, 7000000000, 3000000001), 13999999995);
}

static void bits_are_those_that_were_committed(void **state)
{
    (void)state;
    static const struct {
        double x;
        uint64_t log, exp, pow, gamma; /* pow is x^0.37 */
    } golden[] = {
        {1e-300, UINT64_C(0xc085963447f87fb5), UINT64_C(0x3ff0000000000000),
         UINT64_C(0x28e33d4032c2c824), UINT64_C(0x7e37e43c8800759d)},
        {0.001, UINT64_C(0xc01ba18a998fffa0), UINT64_C(0x3ff0041919b7ee34),
         UINT64_C(0x3fb3df368df4157c), UINT64_C(0x408f3b63e2d4123c)},
        {0.5, UINT64_C(0xbfe62e42fefa39ef), UINT64_C(0x3ffa61298e1e069c),
         UINT64_C(0x3fe8c2d382bb2f2b), UINT64_C(0x3ffc5bf891b4ef72)},
        {0.7071067811865476, UINT64_C(0xbfd62e42fefa39ee), UINT64_C(0x4000399458f5a0d7),
         UINT64_C(0x3fec2615d1a16435), UINT64_C(0x3ff4974f526bd87e)},
        {1.0, UINT64_C(0), UINT64_C(0x4005bf0a8b14576a),
         UINT64_C(0x3ff0000000000000), UINT64_C(0x3fefffffffffffff)},
        {1.4142135623730951, UINT64_C(0x3fd62e42fefa39f0), UINT64_C(0x401073f7e8448776),
         UINT64_C(0x3ff23066fe9961d8), UINT64_C(0x3fec5ee00432e2b5)},
        {2.0, UINT64_C(0x3fe62e42fefa39ef), UINT64_C(0x401d8e64b8d4ddae),
         UINT64_C(0x3ff4ad7a2967b268), UINT64_C(0x3ff0000000000003)},
        {2.718281828459045, UINT64_C(0x3ff0000000000000), UINT64_C(0x402e4efb75e4527a),
         UINT64_C(0x3ff729ebc574421d), UINT64_C(0x3ff9145998011565)},
        {10.0, UINT64_C(0x40026bb1bbb55516), UINT64_C(0x40d5829dcf950560),
         UINT64_C(0x4002c0fb09811e7e), UINT64_C(0x411626000000000c)},
        {49.5, UINT64_C(0x400f373d726dabda), UINT64_C(0x44654f27ba858a92),
         UINT64_C(0x4010f224a67383e7), UINT64_C(0x4ccaf824a8454ee1)},
        {120.25, UINT64_C(0x40132885ccf79b8b), UINT64_C(0x4ac6610b3a4a3dfa),
         UINT64_C(0x401788a50994fc14), UINT64_C(0x68e3bb0b540c538b)},
    };
    for (size_t i = 0; i < MW_ARRAY_LEN(golden); i++) {
        double x = golden[i].x;
        assert_int_equal(bits_of(mw_log(x)), golden[i].log);
        assert_int_equal(bits_of(mw_exp(x)), golden[i].exp);
        assert_int_equal(bits_of(mw_pow(x, 0.37)), golden[i].pow);
        assert_int_equal(bits_of(mw_gamma(x)), golden[i].gamma);
    }
}

/* The same over many points: one hash stands for all their bits. */
static void a_hash_over_many_results_is_the_committed_one(void **state)
{
    (void)state;
    struct mw_hasher *h = mw_hasher_create();
    assert_non_null(h);
    for (uint64_t n = 0; n < POINTS; n++) {
        double x = spread(1e-9, 40.0, n);
        double y = spread(-9.0, 9.0, n);
        const double results[] = {mw_log(x),    mw_exp(x),   mw_exp(-x),
                                  mw_pow(x, y), mw_gamma(x), mw_sqrt(x)};
        mw_hasher_add(h, results, sizeof(results));
    }
    char hex[MW_HEX128_MAX];
    mw_hex128(mw_hasher_result(h), hex);
    mw_hasher_destroy(h);
    assert_string_equal(hex, "564bbd98a7d01b478d5e2e5904ebf16d");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_is_within_two_units_of_the_last_place),
        cmocka_unit_test(exp_is_within_two_units_of_the_last_place),
        cmocka_unit_test(pow_keeps_thirteen_digits),
        cmocka_unit_test(gamma_keeps_twelve_digits),
        cmocka_unit_test(square_roots_are_correctly_rounded),
        cmocka_unit_test(integer_roots_are_exact_around_every_square),
        cmocka_unit_test(products_do_not_overflow_before_the_division),
        cmocka_unit_test(bits_are_those_that_were_committed),
        cmocka_unit_test(a_hash_over_many_results_is_the_committed_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
