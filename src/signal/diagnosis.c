/*
 * The list of answers: adding with merging, order, text made harmless.
 */
#include "signal/diagnosis.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static bool same(const struct diagnosis *a, const struct diagnosis *b)
{
    return strcmp(a->part, b->part) == 0 && strcmp(a->code, b->code) == 0 &&
           strcmp(a->cause, b->cause) == 0;
}

static bool grow(struct diagnoses *d)
{
    uint32_t room = d->room == 0 ? 16 : d->room * 2;
    struct diagnosis *item = mw_resize(d->item, room, sizeof(*item));
    if (item == NULL)
        return false;
    d->item = item;
    d->room = room;
    return true;
}

void diagnoses_add(struct diagnoses *d, const struct diagnosis *one)
{
    for (uint32_t i = 0; i < d->length; i++)
        if (same(&d->item[i], one)) {
            if (mw_add_overflows(d->item[i].count, one->count, &d->item[i].count))
                d->item[i].count = UINT32_MAX;
            return;
        }
    d->total += d->total < UINT32_MAX;
    if (d->length == DIAGNOSES_MAX || (d->length == d->room && !grow(d)))
        return;
    must(d->length < d->room);
    d->item[d->length++] = *one;
}

void diagnoses_fini(struct diagnoses *d)
{
    mw_free(d->item);
    *d = (struct diagnoses){ 0 };
}

static bool before(const struct diagnosis *a, const struct diagnosis *b)
{
    if (a->wrong != b->wrong)
        return a->wrong;
    return a->sure > b->sure;
}

/* Insertion: keeps the order of appearance and there are at most DIAGNOSES_MAX. */
void diagnoses_sort(struct diagnoses *d)
{
    must(d->length <= DIAGNOSES_MAX);
    for (uint32_t i = 1; i < d->length; i++) {
        struct diagnosis one = d->item[i];
        uint32_t at = i;
        for (; at > 0 && before(&one, &d->item[at - 1]); at--)
            d->item[at] = d->item[at - 1];
        d->item[at] = one;
    }
}

const char *diagnosis_sure_name(uint32_t sure)
{
    static const char *const name[] = { "unknown", "possible", "likely", "certain" };
    return sure < MW_ARRAY_LEN(name) ? name[sure] : "unknown";
}

/* Bytes of the UTF-8 character at s, 0 when it is none (overlong, surrogate, cut, C1 control). */
static size_t utf8_length(const unsigned char *s, size_t left)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || n > left)
        return 0;
    uint32_t c = s[0] & (0xffU >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3f);
    }
    bool bad = c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) || c < 0xa0;
    return bad ? 0 : n;
}

void diagnosis_text(char *to, size_t size, const char *from, size_t length)
{
    size_t at = 0, i = 0;
    must(size > 0);
    while (i < length && at + 1 < size) {
        const unsigned char *s = (const unsigned char *)from + i;
        size_t n = *s >= 0x80 ? utf8_length(s, length - i) : 0;
        if (n > 0 && at + n + 1 > size)
            break;
        if (n > 0) {
            memcpy(to + at, s, n);
        } else {
            to[at] = *s >= 0x20 && *s < 0x7f ? (char)*s : *s == '\t' ? ' ' : '?';
            n = 1;
        }
        at += n;
        i += n;
    }
    to[at] = '\0';
}
