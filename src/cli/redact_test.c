/* Secrets in every dress that our own files have them in, and words that only look like some. */
#include "cli/redact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void becomes(const char *in, const char *out)
{
    struct text t = { 0 };
    (void)redact(&t, in, strlen(in));
    if (strcmp(text_string(&t), out) != 0)
        fail_msg("%s\nbecomes %s", in, text_string(&t));
    text_fini(&t);
}

static void tokens_passwords_and_keys_are_taken_out(void **state)
{
    (void)state;
    becomes("use mwt_abcd1234_0123456789 now", "use [redacted] now");
    becomes("http://127.0.0.1:7378/#/login/Abc123Abc123 (once)",
            "http://127.0.0.1:7378/[redacted] (once)");
    becomes("Authorization: Bearer abc.def", "Authorization: Bearer [redacted]");
    becomes("bearer abc", "bearer [redacted]");
    becomes("{\"token\":\"s3cret\",\"n\":1}", "{\"token\":\"[redacted]\",\"n\":1}");
    becomes("password=hunter2 user=x", "password=[redacted] user=x");
    becomes("hello node=n1 token=guess", "hello node=n1 token=[redacted]");
    becomes("postgres://me:hunter2@db/x", "postgres:[redacted]@db/x");
    becomes("Cookie: mw_session=abc", "Cookie: [redacted]");
    becomes("-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n",
            "[redacted]-----END PRIVATE KEY-----\n");
    becomes("api_key: 'abc', next", "api_key: '[redacted]', next");
}

static void words_that_hold_no_secret_stay(void **state)
{
    (void)state;
    static const char *const plain[] = {
        "", "mw_incidents_open_total 5", "the token is in a file", "token_file: /home/me/token",
        "a secret that nobody knows", "https://mw.example:7378/api", "tokens 3", "mwt_",
        "{\"kind\":\"NodeList\"}", "sessions=4",
    };
    for (size_t i = 0; i < MW_ARRAY_LEN(plain); i++)
        becomes(plain[i], plain[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_passwords_and_keys_are_taken_out),
        cmocka_unit_test(words_that_hold_no_secret_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
