/* What headers say, and which are refused because two readers could read them differently. */
#include "api/headers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Of lines "Name: value", each ended by '\n'; whether any of them is refused. */
static bool is_refused(const char *lines)
{
    struct header_framing f = { 0 };
    const char *fault = NULL;
    char line[200];
    for (const char *p = lines; *p != '\0' && fault == NULL;) {
        size_t n = strcspn(p, "\n");
        assert_true(n < sizeof(line) && p[n] == '\n');
        memcpy(line, p, n);
        line[n] = '\0';
        char *value = strchr(line, ':');
        *value++ = '\0';
        fault = header_framing_fault(&f, line, value + strspn(value, " "));
        p += n + 1;
    }
    return fault != NULL;
}

static void a_request_whose_end_is_certain_is_taken(void **state)
{
    (void)state;
    assert_false(is_refused(""));
    assert_false(is_refused("Host: a\nContent-Length: 5\nAccept: x\nAccept: y\n"));
    assert_false(is_refused("Transfer-Encoding: Chunked\nAuthorization: Bearer x\nX-_1: \n"));
}

static void a_request_whose_end_is_in_doubt_is_refused(void **state)
{
    static const char *const bad[] = {
        "Transfer-Encoding: xchunked\n", "Transfer-Encoding: chunked, identity\n",
        "Transfer-Encoding: \n", "Transfer-Encoding : chunked\n", "\tTransfer-Encoding: chunked\n",
        ": x\n", "X Y: z\n", "Content-Length: -5\n", "Content-Length: +5\n", "Content-Length: \n",
        "Content-Length: 5, 5\n", "Content-Length: 5 5\n", "Content-Length: 0x5\n",
        "Content-Length: 5\ncontent-length: 5\n", "Content-Length: 5\nContent-Length: 2\n",
        "Content-Length: 5\nTransfer-Encoding: chunked\n",
        "Transfer-Encoding: chunked\nContent-Length: 5\n",
        "Transfer-Encoding: chunked\nTransfer-Encoding: chunked\n", "Host: a\nX: y\nHOST: b\n",
        "Authorization: Bearer a\nAuthorization: Bearer b\n" };
    (void)state;
    for (uint32_t i = 0; i < MW_ARRAY_LEN(bad); i++)
        if (!is_refused(bad[i]))
            fail_msg("taken: %s", bad[i]);
}

static void only_json_is_json(void **state)
{
    (void)state;
    assert_true(header_is_json("application/json"));
    assert_true(header_is_json("Application/JSON; charset=utf-8"));
    assert_true(header_is_json("application/json ;x"));
    assert_false(header_is_json("application/jsonevil"));
    assert_false(header_is_json("application/json-patch+json"));
    assert_false(header_is_json("text/plain"));
    assert_false(header_is_json(""));
    assert_false(header_is_json(NULL));
}

static void an_origin_is_the_host_with_its_port_or_foreign(void **state)
{
    (void)state;
    assert_true(header_origin_is("https://mw.example:8080", "MW.example:8080"));
    assert_true(header_origin_is("http://[::1]:7", "[::1]:7"));
    assert_false(header_origin_is("https://mw.example:8081", "mw.example:8080"));
    assert_false(header_origin_is("https://mw.example", "mw.example:8080"));
    assert_false(header_origin_is("https://mw.example.evil", "mw.example"));
    assert_false(header_origin_is("null", "null"));
    assert_false(header_origin_is("http://", NULL));
    assert_false(header_origin_is("", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_whose_end_is_certain_is_taken),
        cmocka_unit_test(a_request_whose_end_is_in_doubt_is_refused),
        cmocka_unit_test(only_json_is_json),
        cmocka_unit_test(an_origin_is_the_host_with_its_port_or_foreign),
    };
    return cmocka_run_group_tests_name("headers", tests, NULL, NULL);
}
