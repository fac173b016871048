/* Bytes into an evbuffer.  See json_out.h. */
#include "api/json_out.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/format.h"
#include "base/units.h"

#define CHUNK ((size_t)64 * 1024)

void json_out_begin(struct json_out *o, struct evbuffer *to)
{
    must(o != NULL && to != NULL);
    *o = (struct json_out){ .to = to };
}

static void commit(struct json_out *o)
{
    if (o->at == NULL)
        return;
    o->room.iov_len = (size_t)(o->at - (char *)o->room.iov_base);
    if (evbuffer_commit_space(o->to, &o->room, 1) != 0)
        o->failed = true;
    o->at = o->end = NULL;
}

bool json_out_end(struct json_out *o)
{
    must(o != NULL);
    commit(o);
    return !o->failed;
}

/* Room for `size` bytes in a row; false when there is none to be had. */
static bool room(struct json_out *o, size_t size)
{
    if (MW_LIKELY((size_t)(o->end - o->at) >= size && o->at != NULL))
        return true;
    commit(o);
    if (o->failed ||
        evbuffer_reserve_space(o->to, (ev_ssize_t)MW_MAX(size, CHUNK), &o->room, 1) != 1) {
        o->failed = true;
        return false;
    }
    o->at = o->room.iov_base;
    o->end = o->at + o->room.iov_len;
    return true;
}

void json_out_raw(struct json_out *o, const char *bytes, size_t size)
{
    if (size == 0 || !room(o, size))
        return;
    memcpy(o->at, bytes, size);
    o->at += size;
}

/* How many bytes the UTF-8 sequence at s has (2 to 4); 0 when it is none. */
static uint32_t sequence(const unsigned char *s, size_t left)
{
    uint32_t n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || left < n)
        return 0;
    for (uint32_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    bool too_long = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    bool surrogate = s[0] == 0xed && s[1] >= 0xa0;
    bool past = s[0] == 0xf4 && s[1] >= 0x90;
    return too_long || surrogate || past ? 0 : n;
}

static void put_escape(struct json_out *o, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char name[0x20] = { ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r',
                                     ['\t'] = 't' };
    char s[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 0xf] };
    if (c == '"' || c == '\\' || (c < 0x20 && name[c] != 0)) {
        s[1] = c < 0x20 ? name[c] : (char)c;
        json_out_raw(o, s, 2);
    } else {
        json_out_raw(o, s, sizeof(s));
    }
}

void json_out_text(struct json_out *o, const char *s, size_t size)
{
    const unsigned char *from = (const unsigned char *)s;
    size_t plain = 0;
    json_out_raw(o, "\"", 1);
    for (size_t i = 0; i < size;) {
        unsigned char c = from[i];
        if (MW_LIKELY(c >= 0x20 && c < 0x80 && c != '"' && c != '\\')) {
            i++;
            continue;
        }
        uint32_t n = c >= 0x80 ? sequence(from + i, size - i) : 0;
        if (n > 0) {
            i += n;
            continue;
        }
        json_out_raw(o, s + plain, i - plain);
        if (c >= 0x80)
            json_out_raw(o, "\xef\xbf\xbd", 3);
        else
            put_escape(o, c);
        plain = ++i;
    }
    json_out_raw(o, s + plain, size - plain);
    json_out_raw(o, "\"", 1);
}

void json_out_int(struct json_out *o, int64_t n)
{
    char digits[24];
    size_t at = sizeof(digits);
    uint64_t left = n < 0 ? (uint64_t)0 - (uint64_t)n : (uint64_t)n;
    do {
        digits[--at] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (n < 0)
        digits[--at] = '-';
    json_out_raw(o, digits + at, sizeof(digits) - at);
}

void json_out_real(struct json_out *o, double v)
{
    char s[40];
    if (!isfinite(v)) {
        json_out_raw(o, "null", 4);
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(s, sizeof(s), "%.*g", digits, v);
        if (strtod(s, NULL) == v)
            break;
    }
    json_out_raw(o, s, strlen(s));
}

void json_out_time_ms(struct json_out *o, int64_t ms)
{
    char s[40];
    int64_t ns;
    if (mw_mul_overflows(ms, MW_NS_PER_MS, &ns))
        ns = ms < 0 ? INT64_MIN + 1 : INT64_MAX;
    mw_format_time(ns, s, sizeof(s));
    json_out_raw(o, "\"", 1);
    json_out_raw(o, s, strlen(s));
    json_out_raw(o, "\"", 1);
}

void json_out_cell(struct json_out *o, const char *s, size_t size)
{
    bool quoted = false;
    for (size_t i = 0; i < size && !quoted; i++)
        quoted = s[i] == '"' || s[i] == ',' || s[i] == '\n' || s[i] == '\r';
    if (!quoted) {
        json_out_raw(o, s, size);
        return;
    }
    json_out_raw(o, "\"", 1);
    for (size_t i = 0; i < size; i++) {
        if (s[i] == '"')
            json_out_raw(o, "\"", 1);
        json_out_raw(o, s + i, 1);
    }
    json_out_raw(o, "\"", 1);
}
