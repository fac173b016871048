/* Plain loops; every step is checked against the end. */
#include "agent/text.h"

#include <string.h>

struct text text_of(const char *s, size_t size)
{
    must(s != NULL || size == 0);
    return (struct text){ .at = s, .end = s + size };
}

struct text text_of_string(const char *s)
{
    return text_of(s, strlen(s));
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool text_before(struct text *t, char c, struct text *ret)
{
    must(t->at <= t->end);
    const char *found = t->at < t->end ? memchr(t->at, c, (size_t)(t->end - t->at)) : NULL;
    if (found == NULL)
        return false;
    *ret = (struct text){ .at = t->at, .end = found };
    t->at = found + 1;
    return true;
}

bool text_line(struct text *t, struct text *ret)
{
    if (t->at == t->end)
        return false;
    if (text_before(t, '\n', ret))
        return true;
    *ret = *t;
    t->at = t->end;
    return true;
}

bool text_word(struct text *t, struct text *ret)
{
    while (t->at < t->end && is_blank(*t->at))
        t->at++;
    const char *from = t->at;
    while (t->at < t->end && !is_blank(*t->at))
        t->at++;
    *ret = (struct text){ .at = from, .end = t->at };
    return t->at > from;
}

struct text text_trimmed(struct text t)
{
    while (t.at < t.end && is_blank(*t.at))
        t.at++;
    while (t.at < t.end && is_blank(t.end[-1]))
        t.end--;
    return t;
}

bool text_skip(struct text *t, const char *prefix)
{
    size_t n = strlen(prefix);
    if ((size_t)(t->end - t->at) < n || memcmp(t->at, prefix, n) != 0)
        return false;
    t->at += n;
    return true;
}

bool text_is(struct text t, const char *s)
{
    return text_skip(&t, s) && t.at == t.end;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;
}

bool text_u64(struct text t, uint64_t *ret)
{
    uint64_t v = 0, base = text_skip(&t, "0x") ? 16 : 10;
    if (t.at == t.end)
        return false;
    for (; t.at < t.end; t.at++) {
        uint64_t digit = (uint64_t)digit_of(*t.at);
        if (digit >= base || mw_mul_overflows(v, base, &v) || mw_add_overflows(v, digit, &v))
            return false;
    }
    *ret = v;
    return true;
}

bool text_next_u64(struct text *t, uint64_t *ret)
{
    struct text rest = *t, word;
    if (!text_word(&rest, &word) || !text_u64(word, ret))
        return false;
    *t = rest;
    return true;
}

bool text_fixed(struct text t, int decimals, int64_t *ret)
{
    must(decimals >= 0 && decimals <= 9);
    bool negative = text_skip(&t, "-");
    int64_t v = 0;
    int digits = 0, after = -1; /* digits after the point; -1 = no point yet */
    for (; t.at < t.end; t.at++) {
        if (*t.at == '.' && after < 0) {
            after = 0;
            continue;
        }
        if (*t.at < '0' || *t.at > '9' || ++digits > 18)
            return false;
        if (after >= decimals)
            continue;
        v = v * 10 + (*t.at - '0');
        after += after >= 0;
    }
    for (int i = MW_MAX(after, 0); i < decimals; i++)
        if (mw_mul_overflows(v, 10, &v))
            return false;
    *ret = negative ? -v : v;
    return digits > 0;
}

bool text_milli(struct text t, int64_t *ret)
{
    return text_fixed(t, 3, ret);
}

void text_copy(struct text t, char *to, size_t size)
{
    must(size > 0);
    size_t n = 0;
    for (; t.at < t.end && n + 1 < size; t.at++)
        to[n++] = *t.at >= ' ' && *t.at <= '~' ? *t.at : '?';
    memset(to + n, 0, size - n);
}
