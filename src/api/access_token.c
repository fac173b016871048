/* How a token is made and known again.  See access_token.h. */
#include "api/access_token.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <zlib.h>

#define PREFIX "mwt_"
#define PREFIX_SIZE 4
#define BODY_SIZE (PREFIX_SIZE + ACCESS_ID_SIZE + 1 + ACCESS_SECRET_SIZE)
#define CHECK_SIZE 6
_Static_assert(BODY_SIZE + CHECK_SIZE < ACCESS_TOKEN_MAX, "a token fits");
_Static_assert(ACCESS_SECRET_SIZE + 1 == ACCESS_WORD_MAX, "a secret is a word");

static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
static const char id_digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";

static bool is_digit(const char *set, char c)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* A big-endian number in base 62, most significant digit first; leaves `bytes` zero. */
static void base62(uint8_t *bytes, size_t size, char *ret, size_t length)
{
    for (size_t at = length; at-- > 0;) {
        uint32_t rest = 0;
        for (size_t i = 0; i < size; i++) {
            uint32_t v = rest << 8 | bytes[i];
            bytes[i] = (uint8_t)(v / 62);
            rest = v % 62;
        }
        ret[at] = digits[rest];
    }
    ret[length] = '\0';
}

static int random_bytes(uint8_t *ret, int size, struct mw_error *err)
{
    return RAND_bytes(ret, size) == 1
               ? 0
               : mw_fail(err, MW_EIO, "the system gives no random bytes");
}

/* The CRC-32 of the token up to its checksum. */
static void checksum(const char *token, char ret[CHECK_SIZE + 1])
{
    uint32_t crc = (uint32_t)crc32(0, (const Bytef *)token, BODY_SIZE);
    uint8_t bytes[] = { (uint8_t)(crc >> 24), (uint8_t)(crc >> 16), (uint8_t)(crc >> 8),
                        (uint8_t)crc };
    base62(bytes, sizeof(bytes), ret, CHECK_SIZE);
}

int access_word_make(char ret[ACCESS_WORD_MAX], struct mw_error *err)
{
    uint8_t bytes[MW_SHA256_SIZE];
    must(ret != NULL);
    int rc = random_bytes(bytes, sizeof(bytes), err);
    if (rc == 0)
        base62(bytes, sizeof(bytes), ret, ACCESS_WORD_MAX - 1);
    return rc;
}

int access_token_make(char ret[ACCESS_TOKEN_MAX], char ret_id[ACCESS_ID_SIZE + 1],
                      struct mw_error *err)
{
    uint8_t bytes[ACCESS_ID_SIZE];
    char word[ACCESS_WORD_MAX];
    must(ret != NULL && ret_id != NULL);
    int rc = random_bytes(bytes, sizeof(bytes), err);
    if (rc == 0)
        rc = access_word_make(word, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < ACCESS_ID_SIZE; i++)
        ret_id[i] = id_digits[bytes[i] % 36]; /* a name, no secret: the bias is no matter */
    ret_id[ACCESS_ID_SIZE] = '\0';
    memcpy(ret, PREFIX, PREFIX_SIZE);
    memcpy(ret + PREFIX_SIZE, ret_id, ACCESS_ID_SIZE);
    ret[PREFIX_SIZE + ACCESS_ID_SIZE] = '_';
    memcpy(ret + PREFIX_SIZE + ACCESS_ID_SIZE + 1, word, ACCESS_SECRET_SIZE);
    checksum(ret, ret + BODY_SIZE);
    OPENSSL_cleanse(word, sizeof(word));
    return 0;
}

bool access_token_read(const char *token, char ret_id[ACCESS_ID_SIZE + 1])
{
    char check[CHECK_SIZE + 1];
    must(token != NULL && ret_id != NULL);
    if (strnlen(token, ACCESS_TOKEN_MAX) != BODY_SIZE + CHECK_SIZE ||
        strncmp(token, PREFIX, PREFIX_SIZE) != 0 || token[PREFIX_SIZE + ACCESS_ID_SIZE] != '_')
        return false;
    for (size_t i = 0; i < ACCESS_ID_SIZE; i++)
        if (!is_digit(id_digits, token[PREFIX_SIZE + i]))
            return false;
    for (size_t i = PREFIX_SIZE + ACCESS_ID_SIZE + 1; i < BODY_SIZE + CHECK_SIZE; i++)
        if (!is_digit(digits, token[i]))
            return false;
    checksum(token, check);
    if (memcmp(check, token + BODY_SIZE, CHECK_SIZE) != 0)
        return false;
    memcpy(ret_id, token + PREFIX_SIZE, ACCESS_ID_SIZE);
    ret_id[ACCESS_ID_SIZE] = '\0';
    return true;
}

void access_hash(const char *word, uint8_t ret[MW_SHA256_SIZE])
{
    must(word != NULL);
    const struct mw_piece piece = { .data = word, .size = strlen(word) };
    mw_sha256(&piece, 1, ret);
}

bool access_hash_equal(const uint8_t a[MW_SHA256_SIZE], const uint8_t b[MW_SHA256_SIZE])
{
    return CRYPTO_memcmp(a, b, MW_SHA256_SIZE) == 0;
}
