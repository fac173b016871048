/* The route table and what goes with it.  See routes.h. */
#include "api/routes.h"

#include <stdio.h>
#include <string.h>

#include "api/headers.h"
#include "base/text.h"

/* ---- the table ------------------------------------------------------------------------------- */

#define GET API_GET
#define POST API_POST
#define PUT API_PUT
#define DELETE API_DELETE
#define PATCH API_PATCH

/* A route that asks for no permission does not compile. */
#define X(method, path, permission, id, handler, schema, body, doc)                              \
    _Static_assert((permission) > 0 && (permission) < PERM_COUNT, path " needs a permission");
API_ROUTES(X)
#undef X

const struct api_route api_routes[] = {
#define X(method, path, permission, id, handler, schema, body, doc)                              \
    { path, method, permission, id, handler, schema, body, doc },
    API_ROUTES(X)
#undef X
};
const uint32_t api_routes_count = MW_ARRAY_LEN(api_routes);

#undef GET
#undef POST
#undef PUT
#undef DELETE
#undef PATCH

/* ---- finding --------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decodes n bytes; '+' is a space in queries.  False when it does not fit, or a byte is
 * none that text has. */
static bool decode(const char *from, size_t n, bool query, char *ret, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        char c = from[i];
        if (c == '+' && query)
            c = ' ';
        if (from[i] == '%') {
            int high = i + 2 < n ? hex_digit(from[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(from[i + 2]) : -1;
            if (low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        }
        if (c == '\0' || used + 1 >= size)
            return false;
        ret[used++] = c;
    }
    ret[used] = '\0';
    return true;
}

/* One segment of the pattern against one of the path. */
static bool segment_fits(const char *pattern, size_t pattern_n, const char *path, size_t path_n,
                         char arg[API_ARGS_MAX][API_ARG_MAX], uint32_t *args)
{
    bool stands = pattern_n > 1 && pattern[0] == '{';
    if (!stands)
        return pattern_n == path_n && memcmp(pattern, path, path_n) == 0;
    if (path_n == 0 || *args >= API_ARGS_MAX ||
        !decode(path, path_n, false, arg[*args], API_ARG_MAX))
        return false;
    ++*args;
    return true;
}

static bool path_fits(const char *pattern, const char *path, char arg[API_ARGS_MAX][API_ARG_MAX])
{
    uint32_t args = 0;
    for (;;) {
        size_t a = strcspn(pattern, "/"), b = strcspn(path, "/");
        if (!segment_fits(pattern, a, path, b, arg, &args))
            return false;
        pattern += a;
        path += b;
        if (*pattern == '\0' || *path == '\0')
            break;
        pattern++;
        path++;
    }
    for (; args < API_ARGS_MAX; args++)
        arg[args][0] = '\0';
    return *pattern == *path;
}

const struct api_route *api_route_find(const char *path, enum api_method method,
                                       uint32_t *ret_allowed, char arg[API_ARGS_MAX][API_ARG_MAX])
{
    must(path != NULL && ret_allowed != NULL);
    *ret_allowed = 0;
    const struct api_route *found = NULL;
    for (uint32_t i = 0; i < api_routes_count && found == NULL; i++) {
        const struct api_route *r = &api_routes[i];
        if (!path_fits(r->path, path, arg))
            continue;
        *ret_allowed |= r->method;
        if (r->method == method)
            found = r;
    }
    return found;
}

/* ---- queries --------------------------------------------------------------------------------- */

const char *api_query_get(const struct api_call *c, const char *key, char *buf, size_t size)
{
    char name[64];
    for (const char *at = c->query; at != NULL && *at != '\0';) {
        size_t n = strcspn(at, "&"), k = strcspn(at, "=&");
        if (decode(at, k, true, name, sizeof(name)) && strcmp(name, key) == 0) {
            size_t value = k < n ? k + 1 : n;
            return decode(at + value, n - value, true, buf, size) ? buf : NULL;
        }
        at += n + (at[n] == '&');
    }
    return NULL;
}

bool api_query_flag(const struct api_call *c, const char *key)
{
    static const char *const yes[] = { "", "1", "true", "yes" };
    char value[8];
    const char *said = api_query_get(c, key, value, sizeof(value));
    for (uint32_t i = 0; said != NULL && i < MW_ARRAY_LEN(yes); i++)
        if (strcmp(said, yes[i]) == 0)
            return true;
    return false;
}

int api_query_u64(const struct api_call *c, const char *key, uint64_t max, uint64_t *ret,
                  struct mw_error *err)
{
    char value[32];
    uint64_t n;
    const char *said = api_query_get(c, key, value, sizeof(value));
    if (said == NULL)
        return 0;
    if (mw_parse_u64(said, &n) < 0 || n > max)
        return mw_fail(err, MW_EINVAL, "%s=%s: a number from 0 to %llu", key, said,
                       (unsigned long long)max);
    *ret = n;
    return 0;
}

bool api_etag_in(const char *header, const char *etag)
{
    return header_has_etag(header, etag);
}

/* ---- statuses and problems ------------------------------------------------------------------- */

int api_http_status(int code)
{
    switch (code) {
    case MW_ESYNTAX:
        return 400;
    case MW_EDENIED:
        return 403;
    case MW_EEXIST:
    case MW_ECONFLICT:
        return 409;
    case MW_EINVAL:
    case MW_ENOTFOUND: /* what the body names; an unknown path is found out before */
        return 422;
    case MW_ELIMIT:
    case MW_ENOMEM:
    case MW_EBUSY:
        return 503;
    case MW_ETIMEOUT:
        return 504;
    case MW_EUNREACHABLE:
        return 502;
    case MW_ENOSPC:
        return 507;
    default:
        return 500;
    }
}

const char *api_http_title(int status)
{
    switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 507: return "Insufficient Storage";
    default: return "Internal Server Error";
    }
}

/* What to do, where nobody said better; NULL = nothing general can be said. */
static const char *hint_of(int status, int code)
{
    switch (status) {
    case 401: return "open the link that mw serve prints, or send Authorization: Bearer TOKEN (mw "
                     "token create makes one)";
    case 403: return "ask an admin of this site for a role that permits it";
    case 410: return "begin again: read the list, then stream from its revision";
    case 412: return "read it again, and decide on what it says now";
    case 413:
    case 431: return "send less";
    case 415: return "send Content-Type: application/json";
    case 429:
    case 503: return "ask again after the time in Retry-After";
    case 504: return "ask again; GET /healthz says whether the daemon is well";
    case 507: return "make room on the disk; what was taken is not to be repeated";
    default:
        return code == MW_EBUG ? "this is a fault of Millwright: please report it with trace_id"
                               : NULL;
    }
}

static json_t *word_or_null(const char *s)
{
    json_t *v = s != NULL && s[0] != '\0' ? json_string(s) : NULL;
    return v;
}

json_t *api_problem(int status, const struct mw_error *err, const struct api_answer *a,
                    const char *trace_id)
{
    json_t *detail = json_string(err->text);
    const char *hint = a != NULL && a->hint[0] != '\0' ? a->hint : hint_of(status, err->code);
    return json_pack("{s:s, s:s, s:i, s:o, s:s, s:o*, s:o*, s:o*}", "type", "about:blank", "title",
                     api_http_title(status), "status", status, "detail",
                     detail != NULL ? detail : json_string("(unreadable)"), "code",
                     mw_code_name(err->code), "hint", word_or_null(hint), "field",
                     word_or_null(a != NULL ? a->field : NULL), "trace_id",
                     word_or_null(trace_id));
}
