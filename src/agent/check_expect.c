/* CSV lines, look-up, judgement. */
#include "agent/check_expect.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"

#define FIELDS 5

static const char *const OPS[] = {
    [EXPECT_IS] = "=",     [EXPECT_IS_NOT] = "!=", [EXPECT_LEAST] = ">=",
    [EXPECT_MOST] = "<=",  [EXPECT_HAS] = "has",   [EXPECT_LACKS] = "lacks",
};

static const char *const WORDS[VERDICT_COUNT] = {
#define X(e, word) [e] = word,
    VERDICTS(X)
#undef X
};

const char *verdict_word(uint32_t verdict)
{
    return verdict < VERDICT_COUNT ? WORDS[verdict] : "unknown";
}

int expect_init(struct expect_set *s)
{
    *s = (struct expect_set){ .line = calloc(EXPECT_LINES_MAX, sizeof(*s->line)) };
    return s->line != NULL ? 0 : MW_ENOMEM;
}

void expect_fini(struct expect_set *s)
{
    free(s->line);
    *s = (struct expect_set){ 0 };
}

/* ---- reading ------------------------------------------------------------------------------- */

struct field {
    const char *at;
    size_t length;
};

/* The next field of a line; its quotes are taken off.  False: a quote is not closed. */
static bool next_field(const char **at, const char *end, struct field *ret)
{
    bool quoted = *at < end && **at == '"';
    const char *from = *at + (quoted ? 1 : 0);
    const char *stop = from < end ? memchr(from, quoted ? '"' : ',', (size_t)(end - from)) : NULL;
    if (quoted && stop == NULL)
        return false;
    if (stop == NULL)
        stop = end;
    *ret = (struct field){ from, (size_t)(stop - from) };
    const char *after = quoted ? stop + 1 : stop;
    if (after < end && *after != ',')
        return false;
    *at = after < end ? after + 1 : end;
    return true;
}

static bool copy_field(char *to, size_t size, const struct field *f)
{
    for (size_t i = 0; i < f->length; i++)
        if ((unsigned char)f->at[i] < 0x20 || f->at[i] == 0x7f)
            return false;
    if (f->length >= size)
        return false;
    memcpy(to, f->at, f->length);
    to[f->length] = '\0';
    return true;
}

static int find_op(const char *text)
{
    for (uint32_t i = 0; i < MW_ARRAY_LEN(OPS); i++)
        if (strcmp(OPS[i], text) == 0)
            return (int)i;
    return -1;
}

static int add_line(struct expect_set *s, struct expect_line *l, struct mw_error *err)
{
    if (s->count == EXPECT_LINES_MAX)
        return mw_fail(err, MW_ELIMIT, "more than %d expectations", EXPECT_LINES_MAX);
    if (mw_parse_double(l->value, &l->number) < 0)
        l->number = NAN;
    bool by_size = l->op == EXPECT_LEAST || l->op == EXPECT_MOST;
    if (by_size && isnan(l->number))
        return mw_fail(err, MW_ESYNTAX, "%s %s needs a number, not \"%s\"", l->figure, OPS[l->op],
                       l->value);
    s->line[s->count++] = *l;
    return 0;
}

static int read_line(struct expect_set *s, const char *at, const char *end, uint8_t rank,
                     struct mw_error *err)
{
    struct field f[FIELDS] = { { at, 0 }, { at, 0 }, { at, 0 }, { at, 0 }, { at, 0 } };
    struct expect_line l = { .rank = rank };
    char op[8];
    uint32_t n = 0;
    for (; n < FIELDS && at < end; n++)
        if (!next_field(&at, end, &f[n]))
            return mw_fail(err, MW_ESYNTAX, "field %u: its quotes", n + 1);
    if (n < FIELDS || at < end)
        return mw_fail(err, MW_ESYNTAX, "a line is figure,op,value,unit,source");
    if (!copy_field(l.figure, sizeof(l.figure), &f[0]) || !copy_field(op, sizeof(op), &f[1]) ||
        !copy_field(l.value, sizeof(l.value), &f[2]) ||
        !copy_field(l.unit, sizeof(l.unit), &f[3]) ||
        !copy_field(l.source, sizeof(l.source), &f[4]))
        return mw_fail(err, MW_ESYNTAX, "a field is too long or holds a control character");
    int which = find_op(op);
    if (which < 0 || l.figure[0] == '\0' || l.source[0] == '\0')
        return mw_fail(err, MW_ESYNTAX, "the figure, one of = != >= <= has lacks, and the source "
                       "must be there");
    l.op = (uint8_t)which;
    if (strcmp(l.figure, "sku") == 0) {
        (void)snprintf(s->sku, sizeof(s->sku), "%.39s", l.value);
        return 0;
    }
    return add_line(s, &l, err);
}

int expect_read(struct expect_set *s, const char *text, size_t size, uint8_t rank, const char *name,
                struct mw_error *err)
{
    const char *at = text, *end = text + size;
    must(s != NULL && s->line != NULL);
    if (size > EXPECT_FILE_MAX)
        return mw_fail(err, MW_ELIMIT, "%s: more than %d bytes", name, EXPECT_FILE_MAX);
    for (uint32_t number = 1; at < end; number++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        const char *line_end = stop != NULL ? stop : end;
        const char *trimmed = line_end > at && line_end[-1] == '\r' ? line_end - 1 : line_end;
        if (trimmed > at && *at != '#') {
            int rc = read_line(s, at, trimmed, rank, err);
            if (rc < 0) {
                (void)mw_fail_prefix(err, "%s:%u", name, number);
                return rc;
            }
        }
        at = stop != NULL ? stop + 1 : end;
    }
    return 0;
}

int expect_take(struct expect_set *s, const char *text, struct mw_error *err)
{
    struct expect_line l = { .rank = 3, .source = "--set" };
    size_t n = strcspn(text, "!<>=");
    const char *value = text + n + strspn(text + n, "!<>=");
    char op[4] = "";
    if (n == 0 || n >= sizeof(l.figure) || (size_t)(value - text) - n >= sizeof(op) ||
        strlen(value) >= sizeof(l.value) || *value == '\0')
        return mw_fail(err, MW_EINVAL, "--set \"%.80s\" must be FIGURE=VALUE, >= <= or !=",
                       text);
    memcpy(l.figure, text, n);
    memcpy(op, text + n, (size_t)(value - text) - n);
    (void)snprintf(l.value, sizeof(l.value), "%s", value);
    int which = find_op(op);
    if (which < 0)
        return mw_fail(err, MW_EINVAL, "--set \"%.80s\": = != >= or <=", text);
    l.op = (uint8_t)which;
    (void)snprintf(l.unit, sizeof(l.unit), "*");
    return add_line(s, &l, err);
}

/* ---- look-up and judgement ----------------------------------------------------------------- */

/* 2: the line is for this part alone; 1: for all of that name; 0: for another figure. */
static int fits(const struct expect_line *l, const char *name, const char *part)
{
    size_t n = strlen(name);
    if (strncmp(l->figure, name, n) != 0)
        return 0;
    if (l->figure[n] == '\0')
        return 1;
    return l->figure[n] == '/' && part[0] != '\0' && strcmp(l->figure + n + 1, part) == 0 ? 2 : 0;
}

const struct expect_line *expect_find(const struct expect_set *s, const char *name,
                                      const char *part, uint32_t nth)
{
    int best = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        int fit = fits(&s->line[i], name, part);
        if (fit > 0)
            best = MW_MAX(best, s->line[i].rank * 4 + fit);
    }
    for (uint32_t i = 0; best > 0 && i < s->count; i++) {
        int fit = fits(&s->line[i], name, part);
        if (fit > 0 && s->line[i].rank * 4 + fit == best && nth-- == 0)
            return &s->line[i];
    }
    return NULL;
}

static bool met_by_word(const struct expect_line *l, const char *word)
{
    switch (l->op) {
    case EXPECT_IS:
        return strcmp(word, l->value) == 0;
    case EXPECT_IS_NOT:
        return strcmp(word, l->value) != 0;
    case EXPECT_HAS:
        return strstr(word, l->value) != NULL;
    case EXPECT_LACKS:
        return strstr(word, l->value) == NULL;
    default:
        return false;
    }
}

static bool met(const struct expect_line *l, const struct check_row *r)
{
    if (r->word[0] != '\0' || isnan(r->value) || isnan(l->number))
        return met_by_word(l, r->word);
    switch (l->op) {
    case EXPECT_IS:
        return r->value >= l->number && r->value <= l->number;
    case EXPECT_IS_NOT:
        return r->value < l->number || r->value > l->number;
    case EXPECT_LEAST:
        return r->value >= l->number;
    case EXPECT_MOST:
        return r->value <= l->number;
    default:
        return false;
    }
}

void expect_judge(const struct expect_set *s, struct check_row *r)
{
    const struct expect_line *shown = NULL, *l;
    r->verdict = VERDICT_NOTED;
    for (uint32_t i = 0; (l = expect_find(s, r->name, r->part, i)) != NULL; i++) {
        bool same_unit = strcmp(l->unit, "*") == 0 || strcmp(l->unit, r->unit) == 0;
        bool good = same_unit && met(l, r);
        if (shown == NULL || !good)
            shown = l;
        r->verdict = !same_unit ? VERDICT_UNKNOWN : good ? VERDICT_PASS : VERDICT_FAIL;
        if (!good)
            break;
    }
    if (shown == NULL)
        return;
    (void)snprintf(r->expect, sizeof(r->expect), "%s %.40s%s%s", OPS[shown->op], shown->value,
                   r->unit[0] != '\0' ? " " : "", r->unit);
    (void)snprintf(r->from, sizeof(r->from), "%s", shown->source);
    if (r->verdict == VERDICT_UNKNOWN)
        (void)snprintf(r->text, sizeof(r->text), "the expectation is in %s", shown->unit);
}

bool expect_matches(const struct expect_set *s, const struct expect_node *n)
{
    for (uint32_t i = 0; i < s->count; i++) {
        const struct expect_line *l = &s->line[i];
        const char *of = strcmp(l->figure, "match-gpu") == 0   ? n->gpu
                         : strcmp(l->figure, "match-pci") == 0 ? n->pci
                         : strcmp(l->figure, "match-dmi") == 0 ? n->dmi
                                                               : "";
        if (of[0] != '\0' && met_by_word(l, of))
            return true;
    }
    return false;
}
