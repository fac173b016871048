/* Reads headers.  See headers.h. */
#include "api/headers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The weight that follows a name up to `end`; 1 without. */
static double weight_of(const char *p, const char *end)
{
    const char *q = memchr(p, '=', (size_t)(end - p));
    return q != NULL ? strtod(q + 1, NULL) : 1;
}

bool header_takes_gzip(const char *accept)
{
    for (const char *p = accept; p != NULL && *p != '\0';) {
        p += strspn(p, " \t,");
        size_t n = strcspn(p, " \t,;");
        const char *end = p + strcspn(p, ",");
        if ((n == 4 && strncasecmp(p, "gzip", 4) == 0) || (n == 1 && *p == '*'))
            return weight_of(p, end) > 0;
        p = end;
    }
    return false;
}

static bool is_port(const char *s)
{
    size_t n = s[0] == ':' ? strlen(s + 1) : 0;
    return n >= 1 && n <= 5 && strspn(s + 1, "0123456789") == n;
}

bool header_is_loopback(const char *host)
{
    static const char *const known[] = { "localhost", "[::1]", "ip6-localhost" };
    size_t n = strcspn(host, host[0] == '[' ? "]" : ":");
    unsigned a, b, c, d;
    char rest, name[64];
    n += host[0] == '[' && host[n] == ']';
    if (n == 0 || n >= sizeof(name) || (host[n] != '\0' && !is_port(host + n)))
        return false;
    memcpy(name, host, n);
    name[n] = '\0';
    for (uint32_t i = 0; i < MW_ARRAY_LEN(known); i++)
        if (strcasecmp(name, known[i]) == 0)
            return true;
    if (strspn(name, "0123456789.") != n)
        return false;
    return sscanf(name, "%3u.%3u.%3u.%3u%c", &a, &b, &c, &d, &rest) == 4 && a == 127 && b < 256 &&
           c < 256 && d < 256;
}

bool header_cookie(const char *cookies, const char *name, char *ret, size_t size)
{
    size_t length = strlen(name);
    for (const char *p = cookies; p != NULL && *p != '\0';) {
        p += strspn(p, " \t;");
        size_t n = strcspn(p, ";");
        bool found = n > length && strncmp(p, name, length) == 0 && p[length] == '=';
        size_t value = found ? n - length - 1 : 0;
        if (found && value > 0 && value < size) {
            memcpy(ret, p + length + 1, value);
            ret[value] = '\0';
            return true;
        }
        p += n;
    }
    return false;
}

bool header_trace(const char *traceparent, char ret[HEADER_TRACE_MAX])
{
    const char *s = traceparent; /* "00-<32 digits>-<16 digits>-01" */
    if (s == NULL || strlen(s) != 55 || s[2] != '-' || s[35] != '-' ||
        strspn(s + 3, "0123456789abcdef") != 32)
        return false;
    memcpy(ret, s + 3, 32);
    ret[32] = '\0';
    return true;
}

bool header_has_etag(const char *header, const char *etag)
{
    size_t n = strlen(etag);
    for (const char *p = header; p != NULL && *p != '\0';) {
        p += strspn(p, " \t,");
        if (*p == '*')
            return true;
        if (p[0] == 'W' && p[1] == '/')
            p += 2;
        if (*p != '"')
            return false;
        const char *end = strchr(p + 1, '"');
        if (end == NULL)
            return false;
        if ((size_t)(end - p - 1) == n && memcmp(p + 1, etag, n) == 0)
            return true;
        p = end + 1;
    }
    return false;
}

/* ---- what a request is made of --------------------------------------------------------------- */

/* RFC 9110, section 5.6.2. */
static bool is_token(const char *s)
{
    static const char other[] = "!#$%&'*+-.^_`|~";
    const char *p = s;
    while ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
           (*p != '\0' && strchr(other, *p) != NULL))
        p++;
    return p > s && *p == '\0';
}

const char *header_framing_fault(struct header_framing *f, const char *name, const char *value)
{
    static const char *const once[] = { "Content-Length", "Transfer-Encoding", "Host",
                                        "Authorization" };
    uint32_t i = 0;
    if (!is_token(name))
        return "a header's name is letters, digits and dashes up to its colon";
    while (i < MW_ARRAY_LEN(once) && strcasecmp(name, once[i]) != 0)
        i++;
    if (i == MW_ARRAY_LEN(once))
        return NULL;
    if (f->seen[i])
        return "Content-Length, Transfer-Encoding, Host and Authorization come once";
    f->seen[i] = true;
    if (i == 0 && (value[0] == '\0' || strspn(value, "0123456789") != strlen(value)))
        return "Content-Length is a number";
    if (i == 1 && strcasecmp(value, "chunked") != 0)
        return "the only Transfer-Encoding that is read is chunked";
    return f->seen[0] && f->seen[1] ? "Content-Length and Transfer-Encoding exclude each other"
                                    : NULL;
}

bool header_is_json(const char *content_type)
{
    static const char json[] = "application/json";
    size_t n = sizeof(json) - 1;
    return content_type != NULL && strncasecmp(content_type, json, n) == 0 &&
           (content_type[n] == '\0' || strchr("; \t", content_type[n]) != NULL);
}

bool header_origin_is(const char *origin, const char *host)
{
    const char *p = strstr(origin, "://");
    return p != NULL && host != NULL && strcasecmp(p + 3, host) == 0;
}
