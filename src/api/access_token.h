/*
 * The words of access: random ones, and the form of a token (see access.h).
 * Takes random bytes from OpenSSL; keeps nothing.
 */
#ifndef MW_API_ACCESS_TOKEN_H
#define MW_API_ACCESS_TOKEN_H

#include "api/access.h"
#include "base/hash.h"

/* 43 base-62 digits of 256 random bits.  MW_EIO: the system has no random bytes. */
MW_MUST_USE int access_word_make(char ret[ACCESS_WORD_MAX], struct mw_error *err);

/* A token and its id. */
MW_MUST_USE int access_token_make(char ret[ACCESS_TOKEN_MAX], char ret_id[ACCESS_ID_SIZE + 1],
                                  struct mw_error *err);

/* Is it a token by its form and checksum?  Fills ret_id. */
bool access_token_read(const char *token, char ret_id[ACCESS_ID_SIZE + 1]);

/* SHA-256 of a word's bytes. */
void access_hash(const char *word, uint8_t ret[MW_SHA256_SIZE]);
/* Equal, in constant time? */
bool access_hash_equal(const uint8_t a[MW_SHA256_SIZE], const uint8_t b[MW_SHA256_SIZE]);

#endif
