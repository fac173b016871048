/*
 * A small table inside a text: cells in, aligned lines out.  Columns of numbers
 * are set to the right, others to the left.  For a table among
 * sentences.  Bounded: more rows or columns are a bug (must).
 */
#ifndef MW_API_TEXT_TABLE_H
#define MW_API_TEXT_TABLE_H

#include "base/text.h"

#define TEXT_TABLE_COLUMNS 16u
#define TEXT_TABLE_CELL 64u /* bytes of a cell, the ending with them; longer ones are cut */

struct text_table {
    char (*cell)[TEXT_TABLE_COLUMNS][TEXT_TABLE_CELL]; /* owned: a row each */
    uint32_t rows, room, column;
    bool failed; /* out of memory */
};

/* Adds a cell to the present row; text_table_end() begins the next. */
void text_table_cell(struct text_table *t, const char *fmt, ...) MW_PRINTF(2, 3);
void text_table_end(struct text_table *t);
/* The cells of a list that ends with NULL, and the end of the row. */
void text_table_row(struct text_table *t, const char *const *cell);

/* Appends the lines; the first row is the heading.  Trailing blanks are left out. */
void text_table_add(struct text *t, const struct text_table *table, uint32_t gap);
void text_table_fini(struct text_table *t); /* zeroed is fine */

#endif
