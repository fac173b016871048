/*
 * A heap of row numbers ordered by (due, row): a timer queue over a
 * column.  The due times live in the caller's column (they are state); the
 * heap is an index that heap_rebuild() makes again.  A row is in the heap when
 * its due time is not MW_NEVER.  Two heaps over equal columns give equal answers.
 */
#ifndef MW_BASE_HEAP_H
#define MW_BASE_HEAP_H

#include "base/base.h"
#include "base/units.h"

#define HEAP_FAN 4u /* children of a place: half the levels of a binary heap, a cache line each */

struct heap_item {
    int64_t due; /* as in the column: saves a jump into it at every level */
    uint32_t row;
};

struct heap {
    int64_t *due;           /* the caller's column, `rows` long; borrowed */
    struct heap_item *item; /* owned: heap order -> row */
    uint32_t *pos;          /* owned: row -> place in item, or MW_NONE */
    uint32_t rows, length;
};

/* MW_ENOMEM; due all MW_NEVER or call heap_rebuild(). Borrows due until heap_fini(). */
MW_MUST_USE int heap_init(struct heap *h, int64_t *due, uint32_t rows);
void heap_fini(struct heap *h);

/* From the column. */
void heap_rebuild(struct heap *h);

/* Writes the column too; MW_NEVER removes. */
void heap_set(struct heap *h, uint32_t row, int64_t due);

/* Row, or MW_NONE when empty. */
static inline uint32_t heap_top(const struct heap *h)
{
    return h->length > 0 ? h->item[0].row : MW_NONE;
}

/* MW_NEVER when empty. */
static inline int64_t heap_top_due(const struct heap *h)
{
    return h->length > 0 ? h->item[0].due : MW_NEVER;
}

#endif
