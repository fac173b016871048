/* Hashes against published values and against their own streaming form. */
#include "base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <string.h>

#include "base/mem.h"
#include "base/random.h"

#define BYTES 3000

static void fill(uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)mw_random_u64(1, 1, 1, i);
}

/* Values from FIPS 180-4's examples and from xxhsum 0.8. */
static void hashes_are_the_published_ones(void **state)
{
    (void)state;
    char hex[MW_HEX256_MAX];
    uint8_t sum[MW_SHA256_SIZE];
    mw_sha256(NULL, 0, sum);
    mw_hex256(sum, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    mw_sha256(&(struct mw_piece){"abc", 3}, 1, sum);
    mw_hex256(sum, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    mw_hex128(mw_hash128_of(NULL, 0), hex);
    assert_string_equal(hex, "99aa06d3014798d86001c324468d497f");
    mw_hex128(mw_hash128_of("abc", 3), hex);
    assert_string_equal(hex, "06b05ab6733a618578af5f94892f3950");
    assert_int_equal(mw_hash64_of("abc", 3), UINT64_C(0x78af5f94892f3950));
}

static void pieces_hash_like_the_whole(void **state)
{
    (void)state;
    uint8_t bytes[BYTES], whole[MW_SHA256_SIZE], parts[MW_SHA256_SIZE];
    fill(bytes, BYTES);
    mw_sha256(&(struct mw_piece){bytes, BYTES}, 1, whole);
    for (uint64_t n = 0; n < 200; n++) {
        size_t a = mw_random_below(mw_random_u64(2, 0, 0, n), BYTES);
        size_t b = a + mw_random_below(mw_random_u64(2, 1, 0, n), BYTES - a);
        const struct mw_piece pieces[] = {
            {bytes, a}, {NULL, 0}, {bytes + a, b - a}, {bytes + b, BYTES - b}};
        mw_sha256(pieces, MW_ARRAY_LEN(pieces), parts);
        assert_memory_equal(whole, parts, sizeof(whole));
    }
}

static void streaming_hashes_like_one_call(void **state)
{
    (void)state;
    uint8_t bytes[BYTES];
    fill(bytes, BYTES);
    struct mw_hasher *h = mw_hasher_create();
    assert_non_null(h);
    for (uint64_t n = 0; n < 200; n++) {
        size_t size = mw_random_below(mw_random_u64(3, 0, 0, n), BYTES);
        size_t cut = mw_random_below(mw_random_u64(3, 1, 0, n), size + 1);
        mw_hasher_reset(h);
        mw_hasher_add(h, bytes, cut);
        mw_hasher_add(h, NULL, 0);
        (void)mw_hasher_result(h); /* looking does not disturb */
        mw_hasher_add(h, bytes + cut, size - cut);
        assert_true(mw_hash128_equal(mw_hasher_result(h), mw_hash128_of(bytes, size)));
    }
    mw_hasher_destroy(h);
    mw_hasher_destroy(NULL);
}

static void one_flipped_bit_changes_every_hash(void **state)
{
    (void)state;
    uint8_t bytes[600];
    fill(bytes, sizeof(bytes));
    struct mw_hash128 before = mw_hash128_of(bytes, sizeof(bytes));
    for (size_t bit = 0; bit < 8 * sizeof(bytes); bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(mw_hash128_equal(before, mw_hash128_of(bytes, sizeof(bytes))));
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(mw_hash128_equal(before, mw_hash128_of(bytes, sizeof(bytes))));
    assert_false(mw_hash128_equal(before, (struct mw_hash128){before.lo, before.hi ^ 1}));
}

static void no_memory_for_a_hasher_is_reported(void **state)
{
    (void)state;
    mw_mem_fail_after(0);
    assert_null(mw_hasher_create());
    mw_mem_fail_after(-1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_are_the_published_ones),
        cmocka_unit_test(pieces_hash_like_the_whole),
        cmocka_unit_test(streaming_hashes_like_one_call),
        cmocka_unit_test(one_flipped_bit_changes_every_hash),
        cmocka_unit_test(no_memory_for_a_hasher_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
