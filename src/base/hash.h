/*
 * XXH3-128 for state and trace hashes (fast, not cryptographic), SHA-256 for
 * the chain that links the record (OpenSSL).  Hex forms are lower case.
 */
#ifndef MW_BASE_HASH_H
#define MW_BASE_HASH_H

#include "base/base.h"

struct mw_hash128 {
    uint64_t lo, hi;
};

/* Streaming XXH3-128.  Opaque; create returns NULL when out of memory. */
struct mw_hasher;
struct mw_hasher *mw_hasher_create(void);
void mw_hasher_destroy(struct mw_hasher *h);
void mw_hasher_reset(struct mw_hasher *h);
void mw_hasher_add(struct mw_hasher *h, const void *data, size_t size);
struct mw_hash128 mw_hasher_result(const struct mw_hasher *h);

struct mw_hash128 mw_hash128_of(const void *data, size_t size);
uint64_t mw_hash64_of(const void *data, size_t size); /* XXH3-64 */
bool mw_hash128_equal(struct mw_hash128 a, struct mw_hash128 b);

/* One round of mixing for integer keys of hash indexes. */
static inline uint64_t mw_mix64(uint64_t x)
{
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

#define MW_SHA256_SIZE 32
#define MW_HEX128_MAX 33 /* 32 digits and the ending */
#define MW_HEX256_MAX 65

/* SHA-256 of up to three pieces one after the other (any may be NULL with size 0). */
struct mw_piece {
    const void *data;
    size_t size;
};
void mw_sha256(const struct mw_piece *pieces, size_t n, uint8_t ret[MW_SHA256_SIZE]);

void mw_hex128(struct mw_hash128 h, char ret[MW_HEX128_MAX]);
void mw_hex256(const uint8_t h[MW_SHA256_SIZE], char ret[MW_HEX256_MAX]);

#endif
