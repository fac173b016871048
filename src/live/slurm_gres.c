/*
 * Takes Slurm's lists of generic resources apart; anything but GPUs is passed over.
 */
#include "live/slurm_gres.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

bool slurm_field(const char *record, size_t size, const char *name, const char **ret,
                 size_t *ret_size)
{
    size_t n = strlen(name);
    for (const char *at = record; at + n < record + size; at++) {
        at = memmem(at, (size_t)(record + size - at), name, n);
        if (at == NULL)
            return false;
        if (at != record && at[-1] != ' ' && at[-1] != '\n' && at[-1] != '\t')
            continue;
        const char *end = at + n;
        while (end < record + size && !isspace((unsigned char)*end))
            end++;
        *ret = at + n;
        *ret_size = (size_t)(end - at) - n;
        return true;
    }
    return false;
}

static uint32_t number_at(const char *s, size_t n)
{
    uint32_t v = 0;
    for (size_t i = 0; i < n && isdigit((unsigned char)s[i]) && v < 100000; i++)
        v = v * 10 + (uint32_t)(s[i] - '0');
    return v;
}

static void add_type(struct slurm_gpus *g, const char *type, size_t n, uint32_t count)
{
    size_t at = strlen(g->types);
    if (n == 0 || at + n + 8 > sizeof(g->types))
        return;
    if (at > 0) /* a second type: how many of the first */
        at += (size_t)snprintf(g->types + at, sizeof(g->types) - at, "-%u-", g->count - count);
    if (at + n < sizeof(g->types))
        (void)snprintf(g->types + at, sizeof(g->types) - at, "%.*s", (int)n, type);
}

/* "gpu:h100:8(S:0-1)", "gpu:8", "gpu"; others ("shard:8") are no GPUs. */
static void take_gres(struct slurm_gpus *g, const char *s, size_t n)
{
    const char *type = "";
    size_t type_size = 0, at = 3;
    uint32_t count = 1;
    if (n < 3 || strncmp(s, "gpu", 3) != 0 || (n > 3 && s[3] != ':' && s[3] != '('))
        return;
    while (at < n && s[at] == ':') {
        size_t end = ++at;
        while (end < n && s[end] != ':' && s[end] != '(')
            end++;
        if (end > at && isdigit((unsigned char)s[at]) &&
            (end == n || s[end] == '(')) {
            count = number_at(s + at, end - at);
        } else if (end - at != 10 || strncmp(s + at, "no_consume", 10) != 0) {
            type = s + at;
            type_size = end - at;
        }
        at = end;
    }
    g->count = MW_MIN(g->count + count, 1000000U);
    add_type(g, type, type_size, count);
}

/* The parts of a list with commas, but not those in brackets. */
static void take_gres_list(struct slurm_gpus *g, const char *s, size_t n)
{
    size_t start = 0;
    uint32_t depth = 0;
    for (size_t i = 0; i <= n; i++) {
        if (i < n && s[i] == '(')
            depth++;
        if (i < n && s[i] == ')' && depth > 0)
            depth--;
        if (i == n || (s[i] == ',' && depth == 0)) {
            take_gres(g, s + start, i - start);
            start = i + 1;
        }
    }
}

/* "cpu=64,gres/gpu=8,gres/gpu:h100=8": what the node has when Gres is not told. */
static void take_tres(struct slurm_gpus *g, const char *s, size_t n)
{
    static const char plain[] = "gres/gpu=", typed[] = "gres/gpu:";
    for (size_t i = 0; i < n;) {
        size_t end = i;
        while (end < n && s[end] != ',')
            end++;
        const char *equals = memchr(s + i, '=', end - i);
        if (end - i > strlen(plain) && strncmp(s + i, plain, strlen(plain)) == 0)
            g->count = number_at(s + i + strlen(plain), end - i - strlen(plain));
        else if (equals != NULL && strncmp(s + i, typed, strlen(typed)) == 0 &&
                 g->types[0] == '\0')
            add_type(g, s + i + strlen(typed), (size_t)(equals - s) - i - strlen(typed), 0);
        i = end + 1;
    }
}

struct slurm_gpus slurm_gpus_of(const char *record, size_t size)
{
    struct slurm_gpus g = { .count = 0 };
    const char *value;
    size_t n;
    if (slurm_field(record, size, "Gres=", &value, &n))
        take_gres_list(&g, value, n);
    if (g.count == 0 && slurm_field(record, size, "CfgTRES=", &value, &n))
        take_tres(&g, value, n);
    return g;
}
