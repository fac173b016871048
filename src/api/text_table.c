/* Aligned lines.  See text_table.h. */
#include "api/text_table.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define ROWS_MIN 16u

/* Names come from outside: what would drive the reader's terminal becomes '?'. */
static void make_safe(char *s)
{
    size_t left = strlen(s);
    char *to = s;
    for (size_t n; left > 0; s += n, left -= n) {
        size_t control = text_control(s, left);
        n = control > 0 ? control : 1;
        *to++ = control > 0 ? '?' : *s;
    }
    *to = '\0';
}

void text_table_cell(struct text_table *t, const char *fmt, ...)
{
    must(t->column < TEXT_TABLE_COLUMNS);
    if (t->rows == t->room && !t->failed) {
        uint32_t more = t->room ? t->room * 2 : ROWS_MIN;
        void *bigger = mw_resize(t->cell, more, sizeof(*t->cell));
        t->failed = bigger == NULL;
        t->cell = bigger ? bigger : t->cell;
        t->room = bigger ? more : t->room;
    }
    if (t->failed)
        return;
    if (t->column == 0)
        memset(t->cell[t->rows], 0, sizeof(t->cell[0]));
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(t->cell[t->rows][t->column], TEXT_TABLE_CELL, fmt, args);
    va_end(args);
    make_safe(t->cell[t->rows][t->column++]);
}

void text_table_end(struct text_table *t)
{
    if (t->failed)
        return;
    must(t->column > 0);
    t->rows++;
    t->column = 0;
}

void text_table_row(struct text_table *t, const char *const *cell)
{
    for (uint32_t i = 0; cell[i]; i++)
        text_table_cell(t, "%s", cell[i]);
    text_table_end(t);
}

/* Characters, not bytes: UTF-8 continuation bytes take no room. */
static uint32_t width_of(const char *s)
{
    uint32_t n = 0;
    for (; *s; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

static bool is_number(const char *s)
{
    return *s && strspn(s, "0123456789.,$%-/ ") == strlen(s);
}

/* A column is set to the right when no cell below the heading is a word. */
static bool is_right(const struct text_table *t, uint32_t column)
{
    bool any = false;
    for (uint32_t r = 1; r < t->rows; r++) {
        const char *s = t->cell[r][column];
        if (*s && !is_number(s))
            return false;
        any |= *s != '\0';
    }
    return any;
}

static void add_cell(struct text *t, const char *s, uint32_t width, bool right)
{
    uint32_t pad = width - width_of(s);
    if (right)
        text_addf(t, "%*s%s", (int)pad, "", s);
    else
        text_addf(t, "%s%*s", s, (int)pad, "");
}

static void trim(struct text *t)
{
    while (t->length > 0 && t->data[t->length - 1] == ' ')
        t->data[--t->length] = '\0';
}

void text_table_add(struct text *t, const struct text_table *table, uint32_t gap)
{
    uint32_t width[TEXT_TABLE_COLUMNS] = { 0 };
    bool right[TEXT_TABLE_COLUMNS];
    if (table->failed) {
        t->failed = true;
        return;
    }
    for (uint32_t c = 0; c < TEXT_TABLE_COLUMNS; c++) {
        right[c] = is_right(table, c);
        for (uint32_t r = 0; r < table->rows; r++)
            width[c] = MW_MAX(width[c], width_of(table->cell[r][c]));
    }
    for (uint32_t r = 0; r < table->rows; r++) {
        for (uint32_t c = 0; c < TEXT_TABLE_COLUMNS; c++) {
            if (width[c] == 0)
                continue;
            add_cell(t, table->cell[r][c], width[c], right[c]);
            text_addf(t, "%*s", (int)gap, "");
        }
        trim(t);
        text_add(t, "\n");
    }
}

void text_table_fini(struct text_table *t)
{
    mw_free(t->cell);
    *t = (struct text_table){ 0 };
}
