/* Words to a program, the program over rows.  See query.h. */
#include "api/query.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"

/* ---- tokens --------------------------------------------------------------------------------- */

enum token { TOKEN_END, TOKEN_WORD, TOKEN_QUOTED, TOKEN_COMPARE, TOKEN_OPEN, TOKEN_CLOSE,
             TOKEN_COMMA, TOKEN_BAD };

struct lexer {
    const char *s;
    size_t size, at;
    enum token token;
    uint8_t compare;
    size_t start, length; /* of the token; of a quoted one without its quotes */
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool ends_word(char c)
{
    return is_space(c) || (c != '\0' && strchr("()=!<>~,\"", c) != NULL);
}

static void lex_compare(struct lexer *l)
{
    static const struct {
        char text[3];
        uint8_t compare;
    } list[] = { { "!=", QUERY_NE }, { "<=", QUERY_LE }, { ">=", QUERY_GE }, { "=", QUERY_EQ },
                 { "<", QUERY_LT }, { ">", QUERY_GT }, { "~", QUERY_LIKE } };
    for (size_t i = 0; i < MW_ARRAY_LEN(list); i++) {
        size_t n = strlen(list[i].text);
        if (l->size - l->at < n || memcmp(l->s + l->at, list[i].text, n) != 0)
            continue;
        l->token = TOKEN_COMPARE;
        l->compare = list[i].compare;
        l->length = n;
        l->at += n;
        return;
    }
    l->token = TOKEN_BAD;
    l->length = 1;
}

static void lex_quoted(struct lexer *l)
{
    l->start = ++l->at;
    while (l->at < l->size && l->s[l->at] != '"')
        l->at += l->s[l->at] == '\\' && l->at + 1 < l->size ? 2 : 1;
    l->length = l->at - l->start;
    l->token = l->at < l->size ? TOKEN_QUOTED : TOKEN_BAD;
    l->at += l->at < l->size;
}

static void lex(struct lexer *l)
{
    while (l->at < l->size && is_space(l->s[l->at]))
        l->at++;
    l->start = l->at;
    l->length = 1;
    if (l->at >= l->size) {
        l->token = TOKEN_END;
        l->length = 0;
        return;
    }
    char c = l->s[l->at];
    if (c == '(' || c == ')' || c == ',') {
        l->token = c == '(' ? TOKEN_OPEN : c == ')' ? TOKEN_CLOSE : TOKEN_COMMA;
        l->at++;
    } else if (c == '"') {
        lex_quoted(l);
    } else if (ends_word(c)) {
        lex_compare(l);
    } else {
        l->token = TOKEN_WORD;
        while (l->at < l->size && !ends_word(l->s[l->at]))
            l->at++;
        l->length = l->at - l->start;
    }
}

static bool is_word(const struct lexer *l, const char *word)
{
    return l->token == TOKEN_WORD && l->length == strlen(word) &&
           memcmp(l->s + l->start, word, l->length) == 0;
}

/* "filter, at 12: found 'x', expected …": places count from 1, as people do. */
static int expected(const struct lexer *l, const char *what, struct mw_error *err)
{
    if (l->token == TOKEN_END)
        return mw_fail(err, MW_ESYNTAX, "filter: it ends at %zu, expected %s", l->start + 1, what);
    if (l->token == TOKEN_BAD && l->at >= l->size && l->start > 0 && l->s[l->start - 1] == '"')
        return mw_fail(err, MW_ESYNTAX, "filter: the quote at %zu is never closed", l->start);
    return mw_fail(err, MW_ESYNTAX, "filter: at %zu is '%.*s', expected %s", l->start + 1,
                   (int)MW_MIN(l->length, (size_t)40), l->s + l->start, what);
}

/* ---- values --------------------------------------------------------------------------------- */

struct parser {
    struct lexer l;
    const struct api_resource *resource;
    struct query *q;
    uint8_t stack[QUERY_DEPTH_MAX * 2 + 4]; /* operators that wait; ORs and ANDs between opens */
    uint32_t depth;
    struct mw_error *err;
};
enum binding { BIND_OPEN, BIND_OR, BIND_AND, BIND_NOT }; /* by how strongly they bind */

/* Keeps the token's bytes, '\0'-ended, escapes of quoted ones resolved; NULL when full. */
static const char *keep(struct parser *p, uint32_t *ret_length)
{
    struct query *q = p->q;
    const char *s = p->l.s + p->l.start;
    char *to = q->text + q->used;
    uint32_t n = 0;
    if (q->used + p->l.length + 1 > sizeof(q->text))
        return NULL;
    for (size_t i = 0; i < p->l.length; i++) {
        i += p->l.token == TOKEN_QUOTED && s[i] == '\\' && i + 1 < p->l.length;
        to[n++] = s[i];
    }
    to[n] = '\0';
    q->used += n + 1;
    *ret_length = n;
    return to;
}

/* "$12.50" or micro-dollars as they are; "12.5%" or ppm. */
static int read_scaled(const char *s, uint32_t length, bool money, int64_t *ret)
{
    char digits[32];
    double v;
    bool marked = money ? s[0] == '$' : length > 1 && s[length - 1] == '%';
    if (!marked)
        return mw_parse_i64(s, ret);
    if (length > sizeof(digits) - 1)
        return MW_EINVAL;
    memcpy(digits, money ? s + 1 : s, length - 1);
    digits[length - 1] = '\0';
    if (mw_parse_double(digits, &v) < 0 || v < -9e11 || v > 9e11)
        return MW_EINVAL;
    v *= money ? 1e6 : 1e4;
    *ret = (int64_t)(v < 0 ? v - 0.5 : v + 0.5);
    return 0;
}

static int read_number(uint8_t type, const char *s, uint32_t length, int64_t *ret)
{
    int64_t ns;
    if (type == FIELD_UUSD || type == FIELD_PPM)
        return read_scaled(s, length, type == FIELD_UUSD, ret);
    if (type == FIELD_TIME) {
        int rc = mw_parse_time(s, &ns);
        *ret = rc == 0 ? mw_ms(ns) : 0;
        return rc;
    }
    if (mw_parse_i64(s, ret) == 0)
        return 0;
    int rc = type == FIELD_MS ? mw_parse_duration(s, &ns) : MW_EINVAL;
    *ret = rc == 0 ? mw_ms(ns) : 0;
    return rc;
}

static const char *example_of(uint8_t type)
{
    switch (type) {
    case FIELD_TIME: return "a time like 2025-01-31 or 2025-01-31T05:06:07Z";
    case FIELD_MS: return "a length like 90000 (ms) or 1h30min";
    case FIELD_UUSD: return "money like 12500000 (micro-dollars) or $12.50";
    case FIELD_PPM: return "a share like 125000 (ppm) or 12.5%";
    case FIELD_BOOL: return "true or false";
    case FIELD_REAL: return "a number";
    default: return "a whole number";
    }
}

static int read_value(struct parser *p, const struct api_field *f, struct api_value *ret)
{
    uint32_t length;
    if (p->l.token != TOKEN_WORD && p->l.token != TOKEN_QUOTED)
        return expected(&p->l, "a value", p->err);
    bool null = is_word(&p->l, "null");
    const char *s = keep(p, &length);
    if (s == NULL)
        return mw_fail(p->err, MW_ELIMIT, "filter: its values are longer than %u bytes",
                       QUERY_TEXT_MAX);
    *ret = (struct api_value){ .kind = VALUE_NULL };
    int rc = 0;
    if (!null && f->type == FIELD_TEXT) {
        *ret = (struct api_value){ .kind = VALUE_TEXT, .length = length, .of.text = s };
    } else if (!null && f->type == FIELD_BOOL) {
        bool yes = strcmp(s, "true") == 0;
        rc = yes || strcmp(s, "false") == 0 ? 0 : MW_EINVAL;
        *ret = api_value_bool(yes);
    } else if (!null && f->type == FIELD_REAL) {
        ret->kind = VALUE_REAL;
        rc = mw_parse_double(s, &ret->of.real);
    } else if (!null && f->type != FIELD_JSON) {
        ret->kind = VALUE_INT;
        rc = read_number(f->type, s, length, &ret->of.number);
    } else if (!null) {
        return mw_fail(p->err, MW_ESYNTAX, "filter: %s is a list: it compares only with null",
                       f->name);
    }
    return rc == 0 ? 0 : expected(&p->l, example_of(f->type), p->err);
}

static int add_value(struct parser *p, struct query_test *t)
{
    struct query *q = p->q;
    if (q->values >= QUERY_VALUES_MAX)
        return mw_fail(p->err, MW_ELIMIT, "filter: it has more than %u values", QUERY_VALUES_MAX);
    int rc = read_value(p, t->field, &q->value[q->values]);
    if (rc < 0)
        return rc;
    bool order = t->compare != QUERY_EQ && t->compare != QUERY_NE && t->compare != QUERY_IN;
    if (order && q->value[q->values].kind == VALUE_NULL)
        return expected(&p->l, "a value: null has no order, only = null and != null", p->err);
    q->values++;
    t->values++;
    lex(&p->l);
    return 0;
}

/* ---- the grammar ---------------------------------------------------------------------------- */

static int unknown_field(const struct parser *p)
{
    char name[64];
    const char *near = NULL;
    uint32_t best = p->l.length > 4 ? 3 : 2; /* of a short word only one letter may be wrong */
    (void)snprintf(name, sizeof(name), "%.*s", (int)MW_MIN(p->l.length, sizeof(name) - 1),
                   p->l.s + p->l.start);
    for (const struct api_field *f = p->resource->field; f->name != NULL; f++) {
        uint32_t d = mw_edit_distance(name, f->name, 2);
        if (d < best) {
            best = d;
            near = f->name;
        }
    }
    return mw_fail(p->err, MW_ESYNTAX, "filter: at %zu: %s have no field '%s'%s%s%s",
                   p->l.start + 1, p->resource->name, name, near ? "; did you mean '" : "",
                   near ? near : "", near ? "'?" : "");
}

static int parse_in(struct parser *p, struct query_test *t)
{
    t->compare = QUERY_IN;
    lex(&p->l);
    if (p->l.token != TOKEN_OPEN)
        return expected(&p->l, "'(' after in", p->err);
    do {
        lex(&p->l);
        int rc = add_value(p, t);
        if (rc < 0)
            return rc;
    } while (p->l.token == TOKEN_COMMA);
    if (p->l.token != TOKEN_CLOSE)
        return expected(&p->l, "',' or ')'", p->err);
    lex(&p->l);
    return 0;
}

static int emit(struct parser *p, uint8_t op)
{
    if (p->q->ops >= QUERY_OPS_MAX)
        return mw_fail(p->err, MW_ELIMIT, "filter: it is too long");
    p->q->op[p->q->ops++] = op;
    return 0;
}

/* field | field op value | field in (…) */
static int parse_test(struct parser *p)
{
    struct query *q = p->q;
    if (p->l.token != TOKEN_WORD)
        return expected(&p->l, "a field, 'not' or '('", p->err);
    if (q->tests >= QUERY_TESTS_MAX)
        return mw_fail(p->err, MW_ELIMIT, "filter: it has more than %u tests", QUERY_TESTS_MAX);
    struct query_test *t = &q->test[q->tests];
    *t = (struct query_test){ .field = api_field_find(p->resource, p->l.s + p->l.start,
                                                      p->l.length),
                              .compare = QUERY_TRUE, .first = q->values };
    if (t->field == NULL)
        return unknown_field(p);
    lex(&p->l);
    int rc = 0;
    if (p->l.token == TOKEN_COMPARE) {
        t->compare = p->l.compare;
        if (t->compare == QUERY_LIKE && t->field->type != FIELD_TEXT)
            return expected(&p->l, "=, != or an order: ~ is for text", p->err);
        lex(&p->l);
        rc = add_value(p, t);
    } else if (is_word(&p->l, "in")) {
        rc = parse_in(p, t);
    } else if (t->field->type != FIELD_BOOL) {
        return expected(&p->l, "one of = != < <= > >= ~ in", p->err);
    }
    if (rc < 0)
        return rc;
    q->tests++;
    return emit(p, QUERY_TEST);
}

/* Takes from the stack what binds at least as strongly. */
static int settle(struct parser *p, enum binding at_least)
{
    static const uint8_t op[] = { [BIND_OR] = QUERY_OR, [BIND_AND] = QUERY_AND,
                                  [BIND_NOT] = QUERY_NOT };
    while (p->depth > 0 && p->stack[p->depth - 1] != BIND_OPEN &&
           p->stack[p->depth - 1] >= at_least) {
        int rc = emit(p, op[p->stack[--p->depth]]);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int push(struct parser *p, enum binding w)
{
    if (p->depth >= QUERY_DEPTH_MAX)
        return mw_fail(p->err, MW_ELIMIT, "filter: at %zu: more than %u parentheses, nots and ors "
                       "within each other", p->l.start + 1, QUERY_DEPTH_MAX);
    p->stack[p->depth++] = (uint8_t)w;
    return 0;
}

/* What stands before a test: any number of '(' and 'not'; then the test. */
static int parse_operand(struct parser *p)
{
    while (p->l.token == TOKEN_OPEN || is_word(&p->l, "not")) {
        int rc = push(p, p->l.token == TOKEN_OPEN ? BIND_OPEN : BIND_NOT);
        if (rc < 0)
            return rc;
        lex(&p->l);
    }
    return parse_test(p);
}

/* What stands after it: any number of ')'. */
static int parse_closes(struct parser *p)
{
    while (p->l.token == TOKEN_CLOSE) {
        int rc = settle(p, BIND_OR);
        if (rc < 0)
            return rc;
        if (p->depth == 0)
            return expected(&p->l, "'and', 'or' or the end: nothing is open", p->err);
        p->depth--;
        lex(&p->l);
        rc = settle(p, BIND_NOT);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int parse(struct parser *p)
{
    for (;;) {
        int rc = parse_operand(p);
        if (rc == 0)
            rc = settle(p, BIND_NOT);
        if (rc == 0)
            rc = parse_closes(p);
        if (rc < 0 || p->l.token == TOKEN_END)
            return rc;
        bool and = is_word(&p->l, "and");
        if (!and && !is_word(&p->l, "or"))
            return expected(&p->l, p->depth > 0 ? "'and', 'or' or ')'" : "'and', 'or' or the end",
                            p->err);
        rc = settle(p, and ? BIND_AND : BIND_OR);
        if (rc == 0)
            rc = push(p, and ? BIND_AND : BIND_OR);
        if (rc < 0)
            return rc;
        lex(&p->l);
    }
}

int query_parse(const struct api_resource *r, const char *filter, size_t size, struct query *ret,
                struct mw_error *err)
{
    must(r != NULL && filter != NULL && ret != NULL);
    ret->tests = ret->values = ret->ops = 0;
    ret->used = 0;
    if (size > QUERY_TEXT_MAX)
        return mw_fail(err, MW_ELIMIT, "filter: it has more than %u bytes", QUERY_TEXT_MAX);
    struct parser p = { .l = { .s = filter, .size = size }, .resource = r, .q = ret, .err = err };
    lex(&p.l);
    if (p.l.token == TOKEN_END)
        return 0;
    int rc = parse(&p);
    if (rc == 0)
        rc = settle(&p, BIND_OR);
    if (rc == 0 && p.depth > 0)
        rc = expected(&p.l, "')'", err);
    if (rc < 0)
        ret->ops = ret->tests = 0;
    return rc;
}

/* ---- over rows ------------------------------------------------------------------------------ */

bool query_like(const char *text, size_t size, const char *pattern, size_t pattern_size)
{
    size_t t = 0, p = 0, star = SIZE_MAX, from = 0;
    while (t < size) {
        if (p < pattern_size && pattern[p] == '*') {
            star = p++;
            from = t;
        } else if (p < pattern_size && (pattern[p] == '?' || pattern[p] == text[t])) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern_size && pattern[p] == '*')
        p++;
    return p == pattern_size;
}

/* Whole numbers of a view that a field calls real, and the other way round. */
static int order(const struct api_value *a, const struct api_value *b)
{
    if (a->kind == VALUE_INT && b->kind == VALUE_REAL) {
        double v = (double)a->of.number;
        return v < b->of.real ? -1 : v > b->of.real;
    }
    return api_value_order(a, b);
}

static bool test_passes(const struct query *q, const struct query_test *t, struct api_rows *rows,
                        uint32_t place)
{
    struct api_value v;
    const struct api_value *want = &q->value[t->first];
    api_rows_get(rows, place, t->field, &v);
    if (t->compare == QUERY_TRUE)
        return v.kind == VALUE_BOOL && v.of.number != 0;
    if (t->compare == QUERY_IN) {
        for (uint32_t i = 0; i < t->values; i++)
            if (order(&v, &want[i]) == 0)
                return true;
        return false;
    }
    if (t->compare == QUERY_EQ || t->compare == QUERY_NE)
        return (order(&v, want) == 0) == (t->compare == QUERY_EQ);
    if (v.kind == VALUE_NULL)
        return false;
    if (t->compare == QUERY_LIKE)
        return v.kind == VALUE_TEXT &&
               query_like(v.of.text, v.length, want->of.text, want->length);
    int o = order(&v, want);
    return t->compare == QUERY_LT   ? o < 0
           : t->compare == QUERY_LE ? o <= 0
           : t->compare == QUERY_GT ? o > 0
                                    : o >= 0;
}

bool query_passes(const struct query *q, struct api_rows *rows, uint32_t place)
{
    uint64_t stack = 0; /* the lowest bit is the top; at most QUERY_DEPTH_MAX + 2 are on it */
    uint32_t test = 0;
    must(q != NULL && rows != NULL);
    if (q->ops == 0)
        return true;
    for (uint32_t i = 0; i < q->ops; i++) {
        uint64_t top = stack & 1u;
        switch (q->op[i]) {
        case QUERY_TEST:
            stack = stack << 1 | (test_passes(q, &q->test[test], rows, place) ? 1u : 0u);
            test++;
            break;
        case QUERY_NOT:
            stack ^= 1u;
            break;
        case QUERY_AND:
            stack >>= 1;
            stack = (stack & ~UINT64_C(1)) | (stack & top);
            break;
        default:
            stack = stack >> 1 | top;
            break;
        }
    }
    return stack & 1u;
}
