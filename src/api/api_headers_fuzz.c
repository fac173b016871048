/* Any bytes as a path, a query and headers: read within their bounds, or not at all. */
#include <stdlib.h>
#include <string.h>

#include "api/headers.h"
#include "api/routes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_path(const char *text)
{
    char arg[API_ARGS_MAX][API_ARG_MAX];
    uint32_t allowed;
    const struct api_route *r = api_route_find(text, API_GET, &allowed, arg);
    must(r == NULL || (allowed & API_GET) != 0);
    for (uint32_t i = 0; r != NULL && i < API_ARGS_MAX; i++)
        must(strnlen(arg[i], API_ARG_MAX) < API_ARG_MAX);
}

static void try_query(const char *text)
{
    char value[16];
    uint64_t n = 5;
    const struct api_call c = { .query = text };
    const char *got = api_query_get(&c, "limit", value, sizeof(value));
    must(got == NULL || strlen(got) < sizeof(value));
    (void)api_query_flag(&c, "all");
    int rc = api_query_u64(&c, "limit", 9, &n, NULL);
    must(n <= 9 && (rc == 0 || n == 5));
}

static void try_headers(const char *text)
{
    char session[ACCESS_WORD_MAX], trace[HEADER_TRACE_MAX];
    (void)header_takes_gzip(text);
    (void)header_has_etag(text, "abc");
    (void)header_is_json(text);
    must(!header_origin_is(text, text));
    struct header_framing f = { 0 };
    must(header_framing_fault(&f, "Content-Length", "2") == NULL);
    must(header_framing_fault(&f, "Transfer-Encoding", text) != NULL);
    (void)header_framing_fault(&f, text, text);
    bool loopback = header_is_loopback(text);
    must(!loopback || strlen(text) < 128);
    must(!header_cookie(text, ACCESS_COOKIE, session, sizeof(session)) ||
         strlen(session) < sizeof(session));
    must(!header_trace(text, trace) || strlen(trace) == 32);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    must(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    try_path(text);
    try_query(text);
    try_headers(text);
    free(text);
    return 0;
}
