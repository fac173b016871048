/* A scanner for JSON of one shape, and the rule. */
#include "agent/check_fleet.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"

#define SIMILAR 0.95 /* of the median */

struct scan {
    const char *text;
    size_t at, size;
    bool bad;
};

int fleet_figures_init(struct fleet_figures *f)
{
    *f = (struct fleet_figures){ .figure = calloc(FLEET_FIGURES_MAX, sizeof(*f->figure)) };
    return f->figure != NULL ? 0 : MW_ENOMEM;
}

void fleet_figures_fini(struct fleet_figures *f)
{
    free(f->figure);
    *f = (struct fleet_figures){ 0 };
}

static char peek(struct scan *s)
{
    while (s->at < s->size && memchr(" \t\r\n", s->text[s->at], 4) != NULL)
        s->at++;
    return s->at < s->size ? s->text[s->at] : '\0';
}

static bool take(struct scan *s, char c)
{
    if (s->bad || peek(s) != c) {
        s->bad = true;
        return false;
    }
    s->at++;
    return true;
}

/* A string without escapes other than \" and \\, which is all that names need. */
static void take_string(struct scan *s, char *to, size_t size)
{
    size_t n = 0;
    if (!take(s, '"'))
        return;
    while (s->at < s->size && s->text[s->at] != '"') {
        char c = s->text[s->at++];
        if (c == '\\' && s->at < s->size && (s->text[s->at] == '"' || s->text[s->at] == '\\'))
            c = s->text[s->at++];
        if ((unsigned char)c < 0x20 || n + 1 >= size) {
            s->bad = true;
            return;
        }
        to[n++] = c;
    }
    to[n] = '\0';
    (void)take(s, '"');
}

static double take_number(struct scan *s)
{
    char text[40];
    size_t n = 0;
    double value = NAN;
    (void)peek(s);
    while (s->at + n < s->size && n + 1 < sizeof(text) &&
           strchr("+-.0123456789eE", s->text[s->at + n]) != NULL && s->text[s->at + n] != '\0') {
        text[n] = s->text[s->at + n];
        n++;
    }
    text[n] = '\0';
    if (mw_parse_double(text, &value) < 0)
        s->bad = true;
    s->at += n;
    return value;
}

/* A value that no one asked for: a string, a number, a word; objects are refused. */
static void pass_over(struct scan *s)
{
    char skipped[128];
    char c = peek(s);
    if (c == '"') {
        take_string(s, skipped, sizeof(skipped));
        return;
    }
    if (c == '-' || (c >= '0' && c <= '9')) {
        (void)take_number(s);
        return;
    }
    static const char *const words[] = { "true", "false", "null" };
    for (uint32_t i = 0; i < MW_ARRAY_LEN(words); i++) {
        size_t n = strlen(words[i]);
        if (s->size - s->at >= n && memcmp(s->text + s->at, words[i], n) == 0) {
            s->at += n;
            return;
        }
    }
    s->bad = true;
}

/* After a member: true when another follows; takes the comma or the closing brace. */
static bool more(struct scan *s)
{
    if (s->bad)
        return false;
    if (peek(s) == ',')
        return take(s, ',');
    (void)take(s, '}');
    return false;
}

/* An object that has no member at all. */
static bool nothing_in(struct scan *s)
{
    return peek(s) == '}' && take(s, '}');
}

static void read_member(struct scan *s, struct fleet_figure *f)
{
    char key[40], word[12] = "";
    take_string(s, key, sizeof(key));
    if (!take(s, ':'))
        return;
    if (strcmp(key, "p01") == 0)
        f->p01 = take_number(s);
    else if (strcmp(key, "p05") == 0)
        f->p05 = take_number(s);
    else if (strcmp(key, "p50") == 0)
        f->p50 = take_number(s);
    else if (strcmp(key, "unit") == 0)
        take_string(s, f->unit, sizeof(f->unit));
    else if (strcmp(key, "better") == 0) {
        take_string(s, word, sizeof(word));
        f->less = strcmp(word, "less") == 0;
    } else if (strcmp(key, "n") == 0) {
        double n = take_number(s);
        f->n = n > 0 && n < 1e9 ? (uint32_t)n : 0;
    } else {
        pass_over(s);
    }
}

static void read_figure(struct scan *s, struct fleet_figures *f)
{
    struct fleet_figure one = { .p01 = NAN, .p05 = NAN, .p50 = NAN };
    take_string(s, one.name, sizeof(one.name));
    if (!take(s, ':') || !take(s, '{') || f->count == FLEET_FIGURES_MAX) {
        s->bad = true;
        return;
    }
    if (!nothing_in(s))
        do
            read_member(s, &one);
        while (more(s));
    if (!s->bad)
        f->figure[f->count++] = one;
}

static void read_top(struct scan *s, struct fleet_figures *f)
{
    char key[40];
    take_string(s, key, sizeof(key));
    if (!take(s, ':'))
        return;
    if (strcmp(key, "source") == 0) {
        take_string(s, f->source, sizeof(f->source));
    } else if (strcmp(key, "figures") == 0) {
        if (!take(s, '{') || nothing_in(s))
            return;
        do
            read_figure(s, f);
        while (more(s));
    } else {
        pass_over(s);
    }
}

int fleet_figures_read(struct fleet_figures *f, const char *text, size_t size, struct mw_error *err)
{
    struct scan s = { .text = text, .size = size };
    must(f != NULL && f->figure != NULL);
    if (size > FLEET_FILE_MAX)
        return mw_fail(err, MW_ELIMIT, "the fleet's figures are over %d bytes", FLEET_FILE_MAX);
    if (take(&s, '{') && !nothing_in(&s))
        do
            read_top(&s, f);
        while (more(&s));
    if (!s.bad && peek(&s) != '\0')
        s.bad = true;
    if (s.bad || s.at < s.size)
        return mw_fail(err, MW_ESYNTAX, "the fleet's figures are not as described at byte %zu",
                       s.at);
    return 0;
}

bool fleet_bound(const struct fleet_figures *f, const char *name, double *ret, bool *ret_less)
{
    for (uint32_t i = 0; i < f->count; i++) {
        const struct fleet_figure *g = &f->figure[i];
        if (strcmp(g->name, name) != 0)
            continue;
        if (g->n < FLEET_NODES_LEAST || isnan(g->p50))
            return false;
        double off = g->less ? g->p50 / SIMILAR : g->p50 * SIMILAR;
        double p01 = isnan(g->p01) ? off : g->p01;
        *ret = g->less ? MW_MAX(off, p01) : MW_MIN(off, p01);
        *ret_less = g->less;
        return true;
    }
    return false;
}

void fleet_judge(const struct fleet_figures *f, struct check_row *r)
{
    double bound;
    bool less;
    if (isnan(r->value) || !fleet_bound(f, r->name, &bound, &less))
        return;
    if (less ? r->value <= bound : r->value >= bound) {
        if (r->verdict == VERDICT_NOTED) {
            r->verdict = VERDICT_PASS;
            (void)snprintf(r->expect, sizeof(r->expect), "%s %.4g %s", less ? "<=" : ">=", bound,
                           r->unit);
            (void)snprintf(r->from, sizeof(r->from), "the fleet: %.80s", f->source);
        }
        return;
    }
    if (r->verdict == VERDICT_FAIL)
        return;
    r->verdict = VERDICT_FAIL;
    (void)snprintf(r->expect, sizeof(r->expect), "%s %.4g %s", less ? "<=" : ">=", bound, r->unit);
    (void)snprintf(r->from, sizeof(r->from), "the fleet: %.80s", f->source);
}
