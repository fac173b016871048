/*
 * Timer queue: a 4-ary heap of rows over the caller's due-time column, with
 * the place of every row kept so that a timer moves in O(log n).  Owns the two
 * index arrays, never the column; allocates in heap_init only.
 */
#include "base/heap.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/units.h"

#define FAN HEAP_FAN

/* The total order: earlier first, the lower row first among equals.  Without
 * short-circuit, since which child is earlier is a coin toss to the predictor. */
static inline bool before(struct heap_item a, struct heap_item b)
{
    return (a.due < b.due) | ((a.due == b.due) & (a.row < b.row));
}

static inline void put(struct heap *h, uint32_t at, struct heap_item item)
{
    h->item[at] = item;
    h->pos[item.row] = at;
}

/* Both sifts carry the item in registers and move a hole: one store a level. */
static inline void sift_up(struct heap *h, uint32_t at, struct heap_item item)
{
    while (at > 0) {
        uint32_t parent = (at - 1) / FAN;
        if (!before(item, h->item[parent]))
            break;
        put(h, at, h->item[parent]);
        at = parent;
    }
    put(h, at, item);
}

static inline uint32_t earlier_of(const struct heap *h, uint32_t a, uint32_t b)
{
    return a + (b - a) * before(h->item[b], h->item[a]);
}

/* The earliest child of `at`, which has at least one. */
static inline uint32_t first_child(const struct heap *h, uint32_t at)
{
    uint32_t child = FAN * at + 1;
    if (MW_LIKELY(child + 3 < h->length))
        return earlier_of(h, earlier_of(h, child, child + 1),
                          earlier_of(h, child + 2, child + 3));
    uint32_t best = child;
    while (++child < h->length)
        best = earlier_of(h, best, child);
    return best;
}

/* The grandchildren lie together: fetch them while the children are compared. */
static inline void fetch_grandchildren(const struct heap *h, uint32_t at)
{
    uint64_t first = FAN * (FAN * (uint64_t)at + 1) + 1;
    if (first + FAN * FAN > h->length)
        return;
    for (uint32_t i = 0; i < FAN * FAN; i += FAN)
        __builtin_prefetch(&h->item[first + i]);
}

static inline void sift_down(struct heap *h, uint32_t at, struct heap_item item)
{
    while (FAN * at + 1 < h->length) {
        fetch_grandchildren(h, at);
        uint32_t child = first_child(h, at);
        if (before(item, h->item[child]))
            break;
        put(h, at, h->item[child]);
        at = child;
    }
    put(h, at, item);
}

/* Puts the item where `at` is, moving whichever way its due time asks. */
static inline void settle(struct heap *h, uint32_t at, struct heap_item item)
{
    if (at > 0 && before(item, h->item[(at - 1) / FAN]))
        sift_up(h, at, item);
    else
        sift_down(h, at, item);
}

static void take_out(struct heap *h, uint32_t row)
{
    uint32_t at = h->pos[row];
    must(at < h->length && h->item[at].row == row);
    h->pos[row] = MW_NONE;
    h->length--;
    if (at < h->length)
        settle(h, at, h->item[h->length]);
}

int heap_init(struct heap *h, int64_t *due, uint32_t rows)
{
    must(due != NULL || rows == 0);
    must(rows <= UINT32_MAX / (FAN + 1)); /* the children of a place stay in 32 bits */
    *h = (struct heap){.due = due, .rows = rows};
    h->item = mw_calloc(rows, sizeof(*h->item));
    h->pos = mw_calloc(rows, sizeof(*h->pos));
    if (h->item == NULL || h->pos == NULL) {
        heap_fini(h);
        return MW_ENOMEM;
    }
    memset(h->pos, 0xff, rows * sizeof(*h->pos));
    return 0;
}

void heap_fini(struct heap *h)
{
    mw_free(h->item);
    mw_free(h->pos);
    *h = (struct heap){0};
}

void heap_rebuild(struct heap *h)
{
    h->length = 0;
    for (uint32_t row = 0; row < h->rows; row++) {
        h->pos[row] = MW_NONE;
        if (h->due[row] != MW_NEVER)
            put(h, h->length++, (struct heap_item){.due = h->due[row], .row = row});
    }
    for (uint32_t at = (h->length + FAN - 2) / FAN; at-- > 0;)
        sift_down(h, at, h->item[at]);
}

void heap_set(struct heap *h, uint32_t row, int64_t due)
{
    must(row < h->rows);
    h->due[row] = due;
    uint32_t at = h->pos[row];
    struct heap_item item = {.due = due, .row = row};
    if (due == MW_NEVER) {
        if (at != MW_NONE)
            take_out(h, row);
    } else if (at != MW_NONE) {
        settle(h, at, item);
    } else {
        sift_up(h, h->length++, item);
    }
}
