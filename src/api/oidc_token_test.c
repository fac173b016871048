/*
 * ID tokens, good and forged.  Keys and signatures are made by libjose, as a
 * provider would; the forger of these tests can sign whatever he likes, too.
 */
#include "api/oidc_token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jose/b64.h>
#include <jose/jwk.h>
#include <jose/jws.h>

#include "base/mem.h"
#include "base/units.h"

#define NOW_S INT64_C(1790000000)

struct lab {
    json_t *rsa, *ec, *other, *shared; /* private keys; the last for HMAC */
    json_t *jwks;                      /* the public parts of rsa and ec */
    struct oidc_expect expect;
    struct mw_error err;
};

static json_t *make_key(const char *alg, const char *kid)
{
    json_t *k = json_pack("{s:s, s:s}", "alg", alg, "kid", kid);
    assert_true(jose_jwk_gen(NULL, k));
    return k;
}

static json_t *public_part(const json_t *key)
{
    json_t *k = json_deep_copy(key);
    assert_true(jose_jwk_pub(NULL, k));
    return k;
}

/* Keys take a second to make: once for all tests. */
static int make_keys(void **state)
{
    struct lab *l = mw_calloc(1, sizeof(*l));
    assert_non_null(l);
    l->rsa = make_key("RS256", "k1");
    l->ec = make_key("ES256", "k2");
    l->other = make_key("RS256", "k1"); /* says it were the provider's */
    l->shared = make_key("HS256", "k3");
    *state = l;
    return 0;
}

static int drop_keys(void **state)
{
    struct lab *l = *state;
    json_decref(l->rsa);
    json_decref(l->ec);
    json_decref(l->other);
    json_decref(l->shared);
    mw_free(l);
    return 0;
}

static int setup(void **state)
{
    struct lab *l = *state;
    l->jwks = json_pack("{s:[o, o]}", "keys", public_part(l->rsa), public_part(l->ec));
    assert_non_null(l->jwks);
    l->expect = (struct oidc_expect){ .issuer = "https://id.example", .client_id = "mw",
                                      .nonce = "n0nce", .now_ns = NOW_S * MW_NS_PER_S };
    return 0;
}

static int teardown(void **state)
{
    struct lab *l = *state;
    json_decref(TAKE(l->jwks));
    return 0;
}

static json_t *good_claims(void)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "iss", "https://id.example", "sub", "ada",
                     "aud", "mw", "nonce", "n0nce", "exp", (json_int_t)NOW_S + 300, "iat",
                     (json_int_t)NOW_S - 1);
}

static size_t encode(const char *s, char *ret, size_t room)
{
    size_t n = jose_b64_enc_buf(s, strlen(s), ret, room - 1);
    assert_true(n != SIZE_MAX);
    ret[n] = '\0';
    return n;
}

/* Takes claims and header. */
static void sign(json_t *claims, const json_t *key, json_t *header, char *ret, size_t size)
{
    char payload[2048];
    char *text = json_dumps(claims, JSON_COMPACT);
    assert_non_null(text);
    (void)encode(text, payload, sizeof(payload));
    json_t *jws = json_pack("{s:s}", "payload", payload), *sig = json_pack("{s:o}", "protected",
                                                                           header);
    assert_true(jose_jws_sig(NULL, jws, sig, key));
    (void)snprintf(ret, size, "%s.%s.%s", json_string_value(json_object_get(jws, "protected")),
                   payload, json_string_value(json_object_get(jws, "signature")));
    json_decref(sig);
    json_decref(jws);
    json_decref(claims);
    mw_free(text);
}

static int verify(struct lab *l, const char *token)
{
    json_t *claims = NULL;
    int rc = oidc_token_verify(token, l->jwks, &l->expect, &claims, &l->err);
    assert_true((rc == 0) == (claims != NULL));
    json_decref(claims);
    return rc;
}

static json_t *header(const char *alg, const char *kid)
{
    return kid != NULL ? json_pack("{s:s, s:s}", "alg", alg, "kid", kid)
                       : json_pack("{s:s}", "alg", alg);
}

static void tokens_of_the_providers_keys_are_taken(void **state)
{
    struct lab *l = *state;
    char token[4096];
    sign(good_claims(), l->rsa, header("RS256", "k1"), token, sizeof(token));
    assert_int_equal(verify(l, token), 0);
    sign(good_claims(), l->ec, header("ES256", "k2"), token, sizeof(token));
    assert_int_equal(verify(l, token), 0);
    sign(good_claims(), l->ec, header("ES256", NULL), token, sizeof(token));
    assert_int_equal(verify(l, token), 0); /* the only key that fits */
}

static void another_signer_is_refused_whatever_name_his_key_has(void **state)
{
    struct lab *l = *state;
    char token[4096];
    sign(good_claims(), l->other, header("RS256", "k1"), token, sizeof(token));
    assert_int_equal(verify(l, token), MW_EDENIED);
    assert_non_null(strstr(l->err.text, "signature"));
    sign(good_claims(), l->rsa, header("RS256", "k9"), token, sizeof(token));
    assert_int_equal(verify(l, token), MW_EDENIED);
    assert_non_null(strstr(l->err.text, "no key"));
}

static void none_and_hmac_are_never_looked_at(void **state)
{
    struct lab *l = *state;
    char token[4096], head[256], body[2048];
    json_t *said = good_claims();
    char *claims = json_dumps(said, JSON_COMPACT);
    static const char *const heads[] = { "{\"alg\":\"none\"}", "{\"alg\":\"None\",\"kid\":\"k1\"}",
                                         "{\"kid\":\"k1\"}", "{\"alg\":1}" };
    (void)encode(claims, body, sizeof(body));
    for (size_t i = 0; i < MW_ARRAY_LEN(heads); i++) {
        (void)encode(heads[i], head, sizeof(head));
        (void)snprintf(token, sizeof(token), "%s.%s.", head, body);
        assert_int_equal(verify(l, token), MW_EDENIED);
        (void)snprintf(token, sizeof(token), "%s.%s.AAAA", head, body);
        assert_int_equal(verify(l, token), MW_EDENIED);
    }
    mw_free(claims);
    json_decref(said);
    /* HMAC with a secret that stands in the set, and by the name of a public key. */
    json_array_append(json_object_get(l->jwks, "keys"), l->shared);
    sign(good_claims(), l->shared, header("HS256", "k3"), token, sizeof(token));
    assert_int_equal(verify(l, token), MW_EDENIED);
    json_object_set_new(l->shared, "kid", json_string("k1"));
    sign(good_claims(), l->shared, header("HS256", "k1"), token, sizeof(token));
    assert_int_equal(verify(l, token), MW_EDENIED);
    assert_non_null(strstr(l->err.text, "algorithm"));
}

static void a_key_is_used_for_its_own_algorithm_only(void **state)
{
    struct lab *l = *state;
    char token[4096];
    json_t *loose = json_deep_copy(l->rsa);
    json_object_set_new(loose, "alg", json_string("RS512"));
    sign(good_claims(), loose, header("RS512", "k1"), token, sizeof(token));
    assert_int_equal(verify(l, token), MW_EDENIED); /* the set says RS256 */
    json_decref(loose);
    json_t *key = json_array_get(json_object_get(l->jwks, "keys"), 0);
    json_object_set_new(key, "use", json_string("enc"));
    sign(good_claims(), l->rsa, header("RS256", "k1"), token, sizeof(token));
    assert_int_equal(verify(l, token), MW_EDENIED); /* a key for something else */
}

static void a_changed_claim_breaks_the_signature(void **state)
{
    struct lab *l = *state;
    char token[4096];
    sign(good_claims(), l->rsa, header("RS256", "k1"), token, sizeof(token));
    size_t n = strlen(token);
    for (size_t i = 0; i < n; i += 7) {
        char c = token[i];
        token[i] = c == 'A' ? 'B' : 'A';
        /* The last digit of a part may hold bits that mean nothing: those are not checked here. */
        if (token[i + 1] != '.' && token[i + 1] != '\0')
            assert_int_equal(verify(l, token), MW_EDENIED);
        token[i] = c;
    }
    assert_int_equal(verify(l, token), 0);
}

/* A token with one claim replaced (NULL: without it). */
static int with(struct lab *l, const char *claim, json_t *value)
{
    char token[4096];
    json_t *claims = good_claims();
    if (value != NULL)
        json_object_set_new(claims, claim, value);
    else
        json_object_del(claims, claim);
    sign(claims, l->rsa, header("RS256", "k1"), token, sizeof(token));
    return verify(l, token);
}

static void who_for_whom_and_which_login_must_be_right(void **state)
{
    struct lab *l = *state;
    assert_int_equal(with(l, "iss", json_string("https://id.example/")), MW_EDENIED);
    assert_int_equal(with(l, "iss", NULL), MW_EDENIED);
    assert_int_equal(with(l, "aud", json_string("other")), MW_EDENIED);
    assert_int_equal(with(l, "aud", NULL), MW_EDENIED);
    assert_int_equal(with(l, "aud", json_pack("[s]", "mw")), 0);
    assert_int_equal(with(l, "aud", json_pack("[s, s]", "mw", "other")), MW_EDENIED); /* no azp */
    assert_int_equal(with(l, "azp", json_string("other")), MW_EDENIED);
    assert_int_equal(with(l, "azp", json_string("mw")), 0);
    assert_int_equal(with(l, "nonce", json_string("n1nce")), MW_EDENIED);
    assert_int_equal(with(l, "nonce", NULL), MW_EDENIED);
    assert_int_equal(with(l, "sub", NULL), MW_EDENIED);
    assert_int_equal(with(l, "sub", json_string("")), MW_EDENIED);
    l->expect.nonce = NULL; /* a terminal's login sends none */
    assert_int_equal(with(l, "nonce", NULL), 0);
    assert_int_equal(with(l, "nonce", json_string("n0nce")), MW_EDENIED);
}

static void times_must_be_of_now(void **state)
{
    struct lab *l = *state;
    const int64_t skew = OIDC_SKEW_NS / MW_NS_PER_S;
    assert_int_equal(with(l, "exp", json_integer(NOW_S - skew)), MW_EDENIED);
    assert_int_equal(with(l, "exp", json_integer(NOW_S - skew + 1)), 0);
    assert_int_equal(with(l, "exp", NULL), MW_EDENIED);
    assert_int_equal(with(l, "exp", json_string("never")), MW_EDENIED);
    assert_int_equal(with(l, "exp", json_real(1e300)), MW_EDENIED);
    assert_int_equal(with(l, "nbf", json_integer(NOW_S + skew)), 0);
    assert_int_equal(with(l, "nbf", json_integer(NOW_S + skew + 1)), MW_EDENIED);
    assert_int_equal(with(l, "iat", json_integer(NOW_S + skew + 1)), MW_EDENIED);
    assert_int_equal(with(l, "iat", json_integer(NOW_S - OIDC_OLD_NS / MW_NS_PER_S - 1)),
                     MW_EDENIED);
    assert_int_equal(with(l, "iat", NULL), MW_EDENIED);
}

static void what_is_no_token_is_refused(void **state)
{
    struct lab *l = *state;
    static const char *const bad[] = { "", ".", "..", "a.b", "a.b.c", "a.b.c.d", "a b.c.d",
                                       "e30.e30.AA", "bnVsbA.e30.AA", "W10.W10.AA" };
    char kid[16];
    for (size_t i = 0; i < MW_ARRAY_LEN(bad); i++)
        assert_int_equal(verify(l, bad[i]), MW_EDENIED);
    assert_int_equal(oidc_token_kid("a.b", kid, sizeof(kid), &l->err), MW_EINVAL);
    char *longest = mw_calloc(1, OIDC_TOKEN_MAX + 2);
    memset(longest, 'A', OIDC_TOKEN_MAX + 1);
    longest[10] = longest[20] = '.';
    assert_int_equal(verify(l, longest), MW_EDENIED);
    mw_free(longest);
    assert_true(oidc_keys_have(l->jwks, "k1") && !oidc_keys_have(l->jwks, "k9"));
    assert_false(oidc_keys_have(NULL, ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(tokens_of_the_providers_keys_are_taken),
        TEST(another_signer_is_refused_whatever_name_his_key_has),
        TEST(none_and_hmac_are_never_looked_at),
        TEST(a_key_is_used_for_its_own_algorithm_only),
        TEST(a_changed_claim_breaks_the_signature),
        TEST(who_for_whom_and_which_login_must_be_right),
        TEST(times_must_be_of_now),
        TEST(what_is_no_token_is_refused),
    };
    return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
