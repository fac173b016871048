/*
 * A stack of patterns; two on top become one when they differ in one number by
 * one.  The number that varies is always left of those that vary already, so
 * that the order of the names stays.
 */
#include "live/import_fold.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define TOKENS_MAX 12   /* of a name; a longer one is one literal */
#define DIGITS_MAX 7    /* of a number in a pattern */
#define BRACKETS_MAX 8  /* as fleet/pattern.h has it */

enum token_kind { TOKEN_TEXT, TOKEN_NUMBER, TOKEN_RANGE, TOKEN_REFERS };

struct token {
    uint8_t kind;
    uint8_t at, length;  /* bytes of the item's text; of a number its digits */
    uint8_t refers;      /* TOKEN_REFERS: which token of the name */
    uint32_t low, high;  /* TOKEN_NUMBER: low; TOKEN_RANGE: both */
};

struct words {
    char text[FOLD_NAME_MAX];
    struct token token[TOKENS_MAX];
    uint8_t tokens;
};

struct item {
    struct words name, follower[FOLD_FOLLOWERS];
    uint32_t first, count;
};

struct fold {
    struct item *item; /* owned */
    uint32_t items, room, names;
};

int fold_create(struct fold **ret, struct mw_error *err)
{
    struct fold *f = mw_calloc(1, sizeof(*f));
    if (f == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    *ret = f;
    return 0;
}

void fold_destroy(struct fold *f)
{
    if (f == NULL)
        return;
    mw_free(f->item);
    mw_free(f);
}

void fold_begin(struct fold *f)
{
    f->items = f->names = 0;
}

/* ---- a name in tokens ---------------------------------------------------------------------- */

static void add_token(struct words *w, enum token_kind kind, size_t at, size_t length)
{
    struct token *t = &w->token[w->tokens++];
    *t = (struct token){ .kind = (uint8_t)kind, .at = (uint8_t)at, .length = (uint8_t)length };
    for (size_t i = 0; kind == TOKEN_NUMBER && i < length; i++)
        t->low = t->low * 10 + (uint32_t)(w->text[at + i] - '0');
    t->high = t->low;
}

/* Runs of digits are numbers, unless they are longer than a pattern takes. */
static void split(struct words *w, const char *text)
{
    size_t at = 0, size = strlen(text);
    must(size < FOLD_NAME_MAX);
    memcpy(w->text, text, size + 1);
    w->tokens = 0;
    while (at < size) {
        bool digits = isdigit((unsigned char)text[at]) != 0;
        size_t end = at;
        while (end < size && (isdigit((unsigned char)text[end]) != 0) == digits)
            end++;
        if (w->tokens == TOKENS_MAX) { /* too many pieces: all of it is one */
            w->tokens = 0;
            add_token(w, TOKEN_TEXT, 0, size);
            return;
        }
        add_token(w, digits && end - at <= DIGITS_MAX ? TOKEN_NUMBER : TOKEN_TEXT, at, end - at);
        at = end;
    }
}

static bool same_token(const struct words *a, const struct words *b, uint32_t i)
{
    const struct token *x = &a->token[i], *y = &b->token[i];
    if (x->kind != y->kind || x->low != y->low || x->high != y->high || x->refers != y->refers)
        return false;
    return x->kind == TOKEN_REFERS ||
           (x->length == y->length && memcmp(a->text + x->at, b->text + y->at, x->length) == 0);
}

static uint32_t digits_of(uint32_t number)
{
    uint32_t n = 1;
    for (; number >= 10; number /= 10)
        n++;
    return n;
}

/* ---- two items into one -------------------------------------------------------------------- */

/* The one token in which the names differ; MW_NONE when they differ in none, in more, or when that
 * one may not vary. */
static uint32_t varying(const struct item *a, const struct item *b)
{
    uint32_t found = MW_NONE, brackets = 0;
    if (a->name.tokens != b->name.tokens)
        return MW_NONE;
    for (uint32_t i = 0; i < a->name.tokens; i++) {
        const struct token *x = &a->name.token[i], *y = &b->name.token[i];
        if (same_token(&a->name, &b->name, i)) {
            if (x->kind == TOKEN_RANGE && found == MW_NONE)
                found = MW_NONE - 1; /* a bracket left of what could vary: the order would turn */
            brackets += x->kind == TOKEN_RANGE;
            continue;
        }
        bool number = (x->kind == TOKEN_NUMBER || x->kind == TOKEN_RANGE) &&
                      y->kind == TOKEN_NUMBER;
        /* Printed as wide as the first of the range is, the second must be as it is written. */
        uint32_t width = x->length;
        if (found != MW_NONE || !number || y->low != x->high + 1 ||
            y->length != MW_MAX(width, digits_of(y->low)))
            return MW_NONE;
        found = i;
        brackets++;
    }
    return found < a->name.tokens && brackets <= BRACKETS_MAX ? found : MW_NONE;
}

static bool is_digits(const struct words *w, const struct token *t, const struct words *name,
                      const struct token *of)
{
    return t->kind == TOKEN_NUMBER && t->length == of->length &&
           memcmp(w->text + t->at, name->text + of->at, t->length) == 0;
}

/* Whether the followers are the same but for what repeats the varying token. */
static bool followers_agree(const struct item *a, const struct item *b, uint32_t vary)
{
    const struct token *first = &a->name.token[vary], *second = &b->name.token[vary];
    for (uint32_t k = 0; k < FOLD_FOLLOWERS; k++) {
        const struct words *x = &a->follower[k], *y = &b->follower[k];
        if (x->tokens != y->tokens)
            return false;
        for (uint32_t i = 0; i < x->tokens; i++) {
            const struct token *u = &x->token[i], *v = &y->token[i];
            bool goes = is_digits(y, v, &b->name, second);
            bool refers = u->kind == TOKEN_REFERS && u->refers == vary;
            bool starts = first->kind == TOKEN_NUMBER && is_digits(x, u, &a->name, first);
            bool same = same_token(x, y, i);
            if (!same && !(goes && (refers || starts)))
                return false;
            if (same && refers) /* b does not vary in it: impossible, b is one value there */
                return false;
        }
    }
    return true;
}

static void merge(struct item *a, const struct item *b, uint32_t vary)
{
    struct token *t = &a->name.token[vary];
    for (uint32_t k = 0; k < FOLD_FOLLOWERS; k++)
        for (uint32_t i = 0; i < a->follower[k].tokens; i++)
            if (!same_token(&a->follower[k], &b->follower[k], i)) {
                a->follower[k].token[i].kind = TOKEN_REFERS;
                a->follower[k].token[i].refers = (uint8_t)vary;
                a->follower[k].token[i].low = a->follower[k].token[i].high = 0;
            }
    t->kind = TOKEN_RANGE;
    t->high = b->name.token[vary].low;
    a->count += b->count;
}

static size_t written_length(const struct words *w)
{
    size_t n = 0;
    for (uint32_t i = 0; i < w->tokens; i++) {
        const struct token *t = &w->token[i];
        n += t->kind == TOKEN_REFERS ? 3u
             : t->kind == TOKEN_RANGE ? 3u + t->length + MW_MAX(t->length, DIGITS_MAX)
                                      : t->length;
    }
    return n;
}

static void settle(struct fold *f)
{
    while (f->items >= 2) {
        struct item *a = &f->item[f->items - 2], *b = &f->item[f->items - 1];
        uint32_t vary = varying(a, b);
        if (vary == MW_NONE || !followers_agree(a, b, vary) ||
            written_length(&a->name) + 3 + DIGITS_MAX >= FOLD_NAME_MAX)
            return;
        merge(a, b, vary);
        f->items--;
    }
}

int fold_add(struct fold *f, const char *name, const char *const *follower, struct mw_error *err)
{
    if (strlen(name) >= FOLD_NAME_MAX)
        return mw_fail(err, MW_ELIMIT, "'%.40s...' is longer than a name may be", name);
    if (f->items == f->room) {
        uint32_t room = f->room == 0 ? 64 : f->room * 2;
        struct item *item = mw_resize(f->item, room, sizeof(*item));
        if (item == NULL)
            return mw_fail(err, MW_ENOMEM, "out of memory");
        f->item = item;
        f->room = room;
    }
    struct item *i = &f->item[f->items++];
    split(&i->name, name);
    for (uint32_t k = 0; k < FOLD_FOLLOWERS; k++) {
        const char *text = follower != NULL && follower[k] != NULL ? follower[k] : "";
        if (strlen(text) >= FOLD_NAME_MAX)
            return mw_fail(err, MW_ELIMIT, "'%.40s...' is longer than a name may be", text);
        split(&i->follower[k], text);
    }
    i->first = f->names++;
    i->count = 1;
    settle(f);
    return 0;
}

/* ---- writing ------------------------------------------------------------------------------- */

static void write_words(const struct words *w, const struct words *name, char to[FOLD_NAME_MAX])
{
    size_t n = 0;
    for (uint32_t i = 0; i < w->tokens; i++) {
        const struct token *t = &w->token[i];
        char piece[FOLD_NAME_MAX];
        uint32_t place = 0;
        int k;
        for (uint32_t p = 0; t->kind == TOKEN_REFERS && p <= t->refers; p++)
            place += name->token[p].kind == TOKEN_RANGE;
        if (t->kind == TOKEN_REFERS)
            k = snprintf(piece, sizeof(piece), "{%u}", place);
        else if (t->kind == TOKEN_RANGE)
            k = snprintf(piece, sizeof(piece), "[%.*s-%0*u]", t->length, w->text + t->at,
                         (int)t->length, t->high);
        else
            k = snprintf(piece, sizeof(piece), "%.*s", t->length, w->text + t->at);
        must(k >= 0 && n + (size_t)k < FOLD_NAME_MAX);
        memcpy(to + n, piece, (size_t)k);
        n += (size_t)k;
    }
    to[n] = '\0';
}

int fold_end(struct fold *f, fold_fn *fn, void *ctx, struct mw_error *err)
{
    for (uint32_t i = 0; i < f->items; i++) {
        const struct item *it = &f->item[i];
        char name[FOLD_NAME_MAX], follower[FOLD_FOLLOWERS][FOLD_NAME_MAX];
        struct fold_entry e = { .pattern = name, .first = it->first, .count = it->count };
        write_words(&it->name, &it->name, name);
        for (uint32_t k = 0; k < FOLD_FOLLOWERS; k++) {
            write_words(&it->follower[k], &it->name, follower[k]);
            e.follower[k] = follower[k];
        }
        int rc = fn(ctx, &e, err);
        if (rc != 0)
            return rc;
    }
    return 0;
}
