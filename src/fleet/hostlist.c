/*
 * Names fold by what stands before their last digits and by the number these
 * make.  Owns the order of a list; asks nobody whether a name exists.
 */
#include "fleet/hostlist.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define DIGITS_MAX 9u /* longer numbers keep their beginning in the prefix */

struct host {
    const char *name; /* borrowed */
    uint32_t prefix;  /* bytes before the digits */
    uint32_t digits;  /* 0 = a name without a number at its end */
    uint32_t number;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static struct host split(const char *name)
{
    struct host h = { .name = name, .prefix = (uint32_t)strlen(name) };
    while (h.prefix > 0 && h.digits < DIGITS_MAX && is_digit(name[h.prefix - 1])) {
        h.prefix--;
        h.digits++;
    }
    for (uint32_t i = 0; i < h.digits; i++)
        h.number = h.number * 10 + (uint32_t)(name[h.prefix + i] - '0');
    return h;
}

static int compare(const void *left, const void *right)
{
    const struct host *a = left, *b = right;
    int c = memcmp(a->name, b->name, MW_MIN(a->prefix, b->prefix));
    if (c != 0)
        return c;
    if (a->prefix != b->prefix)
        return a->prefix < b->prefix ? -1 : 1;
    if ((a->digits == 0) != (b->digits == 0))
        return a->digits == 0 ? -1 : 1;
    if (a->number != b->number)
        return a->number < b->number ? -1 : 1;
    return a->digits == b->digits ? 0 : a->digits < b->digits ? -1 : 1;
}

static bool same_prefix(const struct host *a, const struct host *b)
{
    return a->prefix == b->prefix && a->digits > 0 && b->digits > 0 &&
           memcmp(a->name, b->name, a->prefix) == 0;
}

/* How wide a number is without padding. */
static uint32_t natural(uint32_t number)
{
    uint32_t n = 1;
    for (; number >= 10; number /= 10)
        n++;
    return n;
}

/* Written with the padding of `first`, is this the name of b? */
static bool padded_alike(const struct host *first, const struct host *b)
{
    return b->digits == MW_MAX(first->digits, natural(b->number));
}

/* One past the last host of the run "first-last" that begins at i. */
static uint32_t run_end(const struct host *h, uint32_t i, uint32_t n)
{
    uint32_t j = i + 1;
    while (j < n && same_prefix(&h[i], &h[j]) && h[j].number == h[j - 1].number + 1 &&
           padded_alike(&h[i], &h[j]))
        j++;
    return j;
}

static void add_run(struct text *t, const struct host *first, const struct host *last)
{
    text_add_n(t, first->name + first->prefix, first->digits);
    if (last == first)
        return;
    text_add(t, "-");
    text_add_n(t, last->name + last->prefix, last->digits);
}

/* All hosts that share the prefix of h[i]; gives one past the last. */
static uint32_t add_prefix(struct text *t, const struct host *h, uint32_t i, uint32_t n)
{
    uint32_t end = i + 1;
    while (end < n && same_prefix(&h[i], &h[end]))
        end++;
    if (end == i + 1) {
        text_add(t, h[i].name);
        return end;
    }
    text_add_n(t, h[i].name, h[i].prefix);
    text_add(t, "[");
    for (uint32_t at = i; at < end;) {
        uint32_t next = run_end(h, at, end);
        if (at > i)
            text_add(t, ",");
        add_run(t, &h[at], &h[next - 1]);
        at = next;
    }
    text_add(t, "]");
    return end;
}

int hostlist_add(struct text *t, const char *const *name, uint32_t names)
{
    must(t && (name || names == 0));
    struct host *host = mw_calloc(names, sizeof(*host));
    if (!host)
        return MW_ENOMEM;
    for (uint32_t i = 0; i < names; i++) {
        must(name[i]);
        host[i] = split(name[i]);
    }
    qsort(host, names, sizeof(*host), compare);
    uint32_t n = 0;
    for (uint32_t i = 0; i < names; i++)
        if (n == 0 || compare(&host[n - 1], &host[i]) != 0)
            host[n++] = host[i];
    for (uint32_t i = 0; i < n;) {
        if (i > 0)
            text_add(t, ",");
        i = add_prefix(t, host, i, n);
    }
    mw_free(host);
    return t->failed ? MW_ENOMEM : 0;
}

int hostlist_add_nodes(struct text *t, const struct fleet *f, const uint32_t *node, uint32_t nodes)
{
    const char **name = mw_calloc(nodes, sizeof(*name));
    if (!name)
        return MW_ENOMEM;
    for (uint32_t i = 0; i < nodes; i++)
        name[i] = fleet_name(f, component_id(COMPONENT_NODE, node[i]));
    int r = hostlist_add(t, name, nodes);
    mw_free(name);
    return r;
}

/* ---- reading -------------------------------------------------------------------------------- */

struct reader {
    const char *list, *at;
    hostlist_each_fn *each;
    void *ctx;
    struct mw_error *err;
    uint32_t count;
    char name[HOSTLIST_NAME_MAX];
};

static int bad(const struct reader *r, const char *why)
{
    return mw_fail(r->err, MW_EINVAL, "host list, at byte %zu: %s", (size_t)(r->at - r->list),
                   why);
}

static int give(struct reader *r)
{
    if (r->count++ == HOSTLIST_COUNT_MAX)
        return mw_fail(r->err, MW_ELIMIT, "a host list of more than %d names", HOSTLIST_COUNT_MAX);
    return r->each(r->ctx, r->name);
}

/* The digits at r->at. */
static int read_number(struct reader *r, uint32_t *ret, uint32_t *ret_digits)
{
    uint32_t number = 0, digits = 0;
    for (; is_digit(*r->at); r->at++, digits++) {
        if (digits == DIGITS_MAX)
            return bad(r, "a number of more than 9 digits");
        number = number * 10 + (uint32_t)(*r->at - '0');
    }
    *ret = number;
    *ret_digits = digits;
    return digits > 0 ? 0 : bad(r, "a number is missing");
}

static int give_range(struct reader *r, size_t prefix)
{
    uint32_t low, high, width, digits;
    int rc = read_number(r, &low, &width);
    high = low;
    if (rc == 0 && *r->at == '-') {
        r->at++;
        rc = read_number(r, &high, &digits);
    }
    if (rc == 0 && high < low)
        rc = bad(r, "the range ends before it begins");
    for (uint32_t n = low; rc == 0 && n <= high; n++) {
        int length = snprintf(r->name + prefix, sizeof(r->name) - prefix, "%0*u", (int)width, n);
        if (length < 0 || (size_t)length >= sizeof(r->name) - prefix)
            return bad(r, "the name is too long");
        rc = give(r);
    }
    return rc;
}

/* What stands in brackets after a prefix; r->at is on the bracket. */
static int give_bracket(struct reader *r, size_t prefix)
{
    int rc;
    do {
        r->at++;
        rc = give_range(r, prefix);
    } while (rc == 0 && *r->at == ',');
    if (rc != 0)
        return rc;
    if (*r->at != ']')
        return bad(r, "\"]\" is missing");
    r->at++;
    return *r->at == ',' || *r->at == '\0' ? 0 : bad(r, "only the end of a name has brackets");
}

int hostlist_each(const char *list, hostlist_each_fn *each, void *ctx, struct mw_error *err)
{
    struct reader r = { .list = list, .at = list, .each = each, .ctx = ctx, .err = err };
    must(list && each);
    if (*list == '\0')
        return 0;
    for (;;) {
        size_t n = strcspn(r.at, ",[]");
        if (r.at[n] == ']')
            return bad(&r, "\"[\" is missing");
        if (n >= sizeof(r.name) || (n == 0 && r.at[n] != '['))
            return bad(&r, n == 0 ? "a name is missing" : "the name is too long");
        memcpy(r.name, r.at, n);
        r.name[n] = '\0';
        r.at += n;
        int rc = *r.at == '[' ? give_bracket(&r, n) : give(&r);
        if (rc != 0 || *r.at == '\0')
            return rc;
        r.at++;
    }
}
