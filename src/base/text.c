/*
 * The growing text buffer and the edit distance behind did-you-mean.  Owns the
 * buffer's memory; never prints.
 */
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define ROOM_FIRST 64
#define WORD_MAX 127 /* longest word the edit distance looks at */

/* Makes room for `more` bytes and the ending; false and failed when it cannot. */
static bool make_room(struct text *t, size_t more)
{
    if (t->failed)
        return false;
    if (more >= TEXT_MAX - t->length) {
        t->failed = true;
        return false;
    }
    size_t need = t->length + more + 1;
    if (need <= t->room)
        return true;
    size_t room = MW_MAX(t->room, ROOM_FIRST);
    while (room < need)
        room *= 2;
    char *data = mw_resize(t->data, room, 1);
    if (data == NULL) {
        t->failed = true;
        return false;
    }
    t->data = data;
    t->room = room;
    return true;
}

void text_fini(struct text *t)
{
    mw_free(t->data);
    *t = (struct text){0};
}

void text_clear(struct text *t)
{
    t->length = 0;
    t->failed = false;
    if (t->data != NULL)
        t->data[0] = '\0';
}

void text_add(struct text *t, const char *s)
{
    must(s != NULL);
    text_add_n(t, s, strlen(s));
}

void text_add_n(struct text *t, const char *s, size_t length)
{
    must(s != NULL || length == 0);
    if (!make_room(t, length))
        return;
    if (length > 0)
        memcpy(t->data + t->length, s, length);
    t->length += length;
    t->data[t->length] = '\0';
}

void text_addf(struct text *t, const char *fmt, ...)
{
    if (!make_room(t, 0))
        return;
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(t->data + t->length, t->room - t->length, fmt, args);
    va_end(args);
    if (n < 0 || !make_room(t, (size_t)n)) {
        t->failed = true;
        if (t->data != NULL)
            t->data[t->length] = '\0';
        return;
    }
    va_start(args, fmt);
    (void)vsnprintf(t->data + t->length, t->room - t->length, fmt, args);
    va_end(args);
    t->length += (size_t)n;
}

const char *text_string(const struct text *t)
{
    return t->data != NULL ? t->data : "";
}

/* Cost of turning a[0..i] into b[0..j] given the rows before. */
static uint32_t step_cost(const char *a, const char *b, uint32_t i, uint32_t j,
                          uint32_t (*rows)[WORD_MAX + 1])
{
    uint32_t *now = rows[i % 3];
    const uint32_t *last = rows[(i + 2) % 3];
    const uint32_t *before = rows[(i + 1) % 3];
    uint32_t best = MW_MIN(last[j], now[j - 1]) + 1;
    uint32_t replace = last[j - 1] + (a[i - 1] != b[j - 1]);
    best = MW_MIN(best, replace);
    if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        best = MW_MIN(best, before[j - 2] + 1);
    return best;
}

uint32_t mw_edit_distance(const char *a, const char *b, uint32_t limit)
{
    must(a != NULL && b != NULL && limit < MW_NONE);
    if (strcmp(a, b) == 0)
        return 0;
    size_t a_length = strlen(a), b_length = strlen(b);
    if (a_length > WORD_MAX || b_length > WORD_MAX)
        return limit + 1;
    uint32_t rows[3][WORD_MAX + 1];
    for (uint32_t j = 0; j <= b_length; j++)
        rows[0][j] = j;
    for (uint32_t i = 1; i <= a_length; i++) {
        rows[i % 3][0] = i;
        for (uint32_t j = 1; j <= b_length; j++)
            rows[i % 3][j] = step_cost(a, b, i, j, rows);
    }
    return MW_MIN(rows[a_length % 3][b_length], limit + 1);
}

size_t text_control(const char *s, size_t length)
{
    const unsigned char *c = (const unsigned char *)s;
    must(length > 0);
    if (c[0] < 0x20 || c[0] == 0x7f)
        return 1;
    if (length >= 2 && c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f)
        return 2;
    bool turns = length >= 3 && c[0] == 0xe2 && ((c[1] == 0x80 && c[2] >= 0xaa && c[2] <= 0xae) ||
                                                 (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9));
    return turns ? 3 : 0;
}
