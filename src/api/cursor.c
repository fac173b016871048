/* Values to bytes to text, and back.  See cursor.h. */
#include "api/cursor.h"

#include <string.h>

#include "base/text.h"

#define VERSION 1u
struct bytes {
    uint8_t b[LIST_CURSOR_MAX];
    uint32_t n;
};

static void put(struct bytes *to, uint64_t v, uint32_t size)
{
    must(to->n + size <= sizeof(to->b));
    for (uint32_t i = 0; i < size; i++)
        to->b[to->n++] = (uint8_t)(v >> (8 * i));
}

static void put_value(struct bytes *to, const struct api_value *v)
{
    uint64_t bits = 0;
    put(to, v->kind == VALUE_JSON ? VALUE_NULL : v->kind, 1);
    switch (v->kind) {
    case VALUE_INT:
    case VALUE_BOOL:
        put(to, (uint64_t)v->of.number, 8);
        break;
    case VALUE_REAL:
        memcpy(&bits, &v->of.real, sizeof(bits));
        put(to, bits, 8);
        break;
    case VALUE_TEXT:
        must(v->length <= LIST_SORT_TEXT && to->n + 2 + v->length <= sizeof(to->b));
        put(to, v->length, 2);
        memcpy(to->b + to->n, v->of.text, v->length);
        to->n += v->length;
        break;
    default:
        break;
    }
}

_Static_assert((22 + LIST_SORT_MAX * (3 + LIST_SORT_TEXT)) * 4 / 3 + 4 <= LIST_CURSOR_MAX,
               "the longest cursor fits");

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void cursor_write(struct text *t, uint64_t mark, uint64_t revision, uint32_t place,
                  const struct api_value *value, uint32_t values)
{
    struct bytes b = { .n = 0 };
    must(t != NULL && values <= LIST_SORT_MAX);
    put(&b, VERSION, 1);
    put(&b, mark, 8);
    put(&b, revision, 8);
    put(&b, place, 4);
    put(&b, values, 1);
    for (uint32_t i = 0; i < values; i++)
        put_value(&b, &value[i]);
    for (uint32_t i = 0; i < b.n; i += 3) {
        uint32_t left = b.n - i;
        uint32_t bits = (uint32_t)b.b[i] << 16 | (left > 1 ? (uint32_t)b.b[i + 1] << 8 : 0) |
                        (left > 2 ? b.b[i + 2] : 0);
        const char s[4] = { alphabet[bits >> 18], alphabet[bits >> 12 & 63],
                            alphabet[bits >> 6 & 63], alphabet[bits & 63] };
        text_add_n(t, s, left > 2 ? 4 : left + 1);
    }
}

static bool decode(const char *text, struct bytes *ret)
{
    uint32_t bits = 0, have = 0;
    size_t size = strlen(text);
    if (size > LIST_CURSOR_MAX || size % 4 == 1)
        return false;
    for (size_t i = 0; i < size; i++) {
        const char *at = strchr(alphabet, text[i]);
        if (at == NULL)
            return false;
        bits = bits << 6 | (uint32_t)(at - alphabet);
        have += 6;
        if (have >= 8) {
            have -= 8;
            ret->b[ret->n++] = (uint8_t)(bits >> have);
        }
    }
    return true;
}

/* What is left, in order; `bad` once it was asked for more. */
struct reader {
    const struct bytes *from;
    uint32_t at;
    bool bad;
};

static uint64_t take(struct reader *r, uint32_t size)
{
    uint64_t v = 0;
    if (r->bad || r->from->n - r->at < size) {
        r->bad = true;
        return 0;
    }
    for (uint32_t i = 0; i < size; i++)
        v |= (uint64_t)r->from->b[r->at++] << (8 * i);
    return v;
}

static void take_value(struct reader *r, char *text, uint32_t *used, struct api_value *ret)
{
    *ret = (struct api_value){ .kind = (uint8_t)take(r, 1) };
    if (ret->kind == VALUE_INT || ret->kind == VALUE_BOOL) {
        ret->of.number = (int64_t)take(r, 8);
    } else if (ret->kind == VALUE_REAL) {
        uint64_t bits = take(r, 8);
        memcpy(&ret->of.real, &bits, sizeof(bits));
        r->bad |= ret->of.real != ret->of.real; /* no number: it has no order */
    } else if (ret->kind == VALUE_TEXT) {
        uint32_t size = (uint32_t)take(r, 2);
        r->bad |= size > LIST_SORT_TEXT || r->from->n - r->at < size;
        if (r->bad)
            return;
        memcpy(text + *used, r->from->b + r->at, size);
        ret->of.text = text + *used;
        ret->length = size;
        *used += size;
        r->at += size;
    } else {
        r->bad |= ret->kind != VALUE_NULL;
    }
}

int cursor_read(const char *text, struct list *l, struct mw_error *err)
{
    struct bytes b = { .n = 0 };
    uint32_t used = 0;
    must(text != NULL && l != NULL);
    struct reader r = { .from = &b, .bad = !decode(text, &b) };
    bool version = take(&r, 1) == VERSION;
    uint64_t mark = take(&r, 8);
    (void)take(&r, 8); /* the revision of the page before: for people who look */
    l->from_place = (uint32_t)take(&r, 4);
    l->froms = (uint32_t)take(&r, 1);
    r.bad |= !version || l->froms != l->sorts;
    if (!r.bad && mark != l->mark)
        return mw_fail(err, MW_ESYNTAX, "cursor: it is of another question: a cursor goes with the "
                       "same path, filter and sort as the page before");
    for (uint32_t i = 0; i < l->froms && !r.bad; i++)
        take_value(&r, l->cursor_text, &used, &l->from[i]);
    if (r.bad || r.at != b.n)
        return mw_fail(err, MW_ESYNTAX, "cursor: it is no cursor: take `next` of the page before "
                       "as it is");
    l->from_cursor = true;
    return 0;
}
