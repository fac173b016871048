/* Columns: hash, memory, snapshot.  See column.h. */
#include "core/column.h"

#include <string.h>

#define COLUMN_NAME_MAX 40
#define COLUMNS_MAX 256 /* in one list */

struct column_header {
    char name[COLUMN_NAME_MAX];
    uint32_t width, rows;
};

static uint32_t column_rows(const struct column *c)
{
    uint32_t rows = c->rows ? *c->rows : c->rows_max;
    must(rows <= c->rows_max);
    return rows;
}

static size_t column_bytes(const struct column *c)
{
    return (size_t)column_rows(c) * c->width;
}

void columns_hash(const struct column_list *l, struct mw_hasher *h)
{
    must(l && h);
    for (uint32_t i = 0; i < l->length; i++)
        mw_hasher_add(h, l->item[i].data, column_bytes(&l->item[i]));
}

uint64_t columns_bytes(const struct column_list *l)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < l->length; i++)
        sum += (uint64_t)l->item[i].rows_max * l->item[i].width;
    return sum;
}

int columns_save(const struct column_list *l, column_write_fn *write, void *ctx)
{
    must(l && write);
    uint32_t n = l->length;
    int r = write(ctx, &n, sizeof(n));
    for (uint32_t i = 0; r == 0 && i < n; i++) {
        const struct column *c = &l->item[i];
        struct column_header head = { .width = c->width, .rows = column_rows(c) };
        size_t length = strlen(c->name);
        must(length < COLUMN_NAME_MAX);
        memcpy(head.name, c->name, length);
        r = write(ctx, &head, sizeof(head));
        if (r == 0)
            r = write(ctx, c->data, column_bytes(c));
    }
    return r;
}

static const struct column *column_find(const struct column_list *l, const char *name)
{
    for (uint32_t i = 0; i < l->length; i++)
        if (strcmp(l->item[i].name, name) == 0)
            return &l->item[i];
    return NULL;
}

/* loaded says of each column whether it was read already. */
static int column_load_one(const struct column_list *l, column_read_fn *read, void *ctx,
                           bool *loaded, struct mw_error *err)
{
    struct column_header head;
    int r = read(ctx, &head, sizeof(head));
    if (r < 0)
        return r;
    if (!memchr(head.name, 0, sizeof(head.name)))
        return mw_fail(err, MW_ECORRUPT, "snapshot of %s: a column name has no end", l->owner);
    const struct column *c = column_find(l, head.name);
    if (!c || c->width != head.width)
        return mw_fail(err, MW_EVERSION,
                       "snapshot of %s: column \"%s\" of width %u is not one of this version; "
                       "restart without the snapshot", l->owner, head.name, head.width);
    if (head.rows > c->rows_max)
        return mw_fail(err, MW_ELIMIT, "snapshot of %s: column \"%s\" has %u rows, room is for %u",
                       l->owner, head.name, head.rows, c->rows_max);
    uint32_t rows = c->rows ? *c->rows : c->rows_max;
    if (head.rows != rows)
        return mw_fail(err, MW_ECORRUPT, "snapshot of %s: column \"%s\" has %u rows, not %u",
                       l->owner, head.name, head.rows, rows);
    if (loaded[c - l->item])
        return mw_fail(err, MW_ECORRUPT, "snapshot of %s: column \"%s\" is there twice", l->owner,
                       head.name);
    loaded[c - l->item] = true;
    return read(ctx, c->data, (size_t)head.rows * c->width);
}

int columns_load(const struct column_list *l, column_read_fn *read, void *ctx,
                 struct mw_error *err)
{
    must(l && read && l->length <= COLUMNS_MAX);
    bool loaded[COLUMNS_MAX] = { false };
    uint32_t n = 0;
    int r = read(ctx, &n, sizeof(n));
    if (r == 0 && n > l->length)
        return mw_fail(err, MW_EVERSION, "snapshot of %s: %u columns, this version knows %u",
                       l->owner, n, l->length);
    for (uint32_t i = 0; r == 0 && i < n; i++)
        r = column_load_one(l, read, ctx, loaded, err);
    for (uint32_t i = 0; r == 0 && i < l->length; i++)
        if (l->item[i].rows && *l->item[i].rows > l->item[i].rows_max)
            r = mw_fail(err, MW_ELIMIT, "snapshot of %s: column \"%s\" has %u rows, room is for %u",
                        l->owner, l->item[i].name, *l->item[i].rows, l->item[i].rows_max);
    return r;
}
