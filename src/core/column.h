/*
 * Plane state as a list of fixed-width columns.  One list per plane drives the
 * state hash, snapshots, reading a snapshot of the version before (by name)
 * and the memory report.  Data that a column list does not name is an index
 * that rebuild() can make again, or scratch that is empty between groups.
 */
#ifndef MW_CORE_COLUMN_H
#define MW_CORE_COLUMN_H

#include "base/error.h"
#include "base/hash.h"

struct column {
    const char *name;     /* unique within its plane; on disk for ever */
    void *data;
    uint32_t width;       /* bytes per row */
    uint32_t rows_max;    /* room */
    const uint32_t *rows; /* rows in use; NULL = rows_max */
};

struct column_list {
    const char *owner;
    const struct column *item;
    uint32_t length;
};

/* Declares one column of a plain array.  `rows` may be NULL. */
#define COLUMN(name_, array_, max_, rows_) \
    { .name = (name_), .data = (array_), .width = sizeof((array_)[0]), .rows_max = (max_), \
      .rows = (rows_) }

void columns_hash(const struct column_list *l, struct mw_hasher *h);
uint64_t columns_bytes(const struct column_list *l); /* memory taken, unused rows with it */

/* Snapshot writing and reading.  The writer gives bytes in order; the reader is asked for them.
 * Both return 0 or a negative code that is passed through. */
typedef int column_write_fn(void *ctx, const void *data, size_t size);
typedef int column_read_fn(void *ctx, void *data, size_t size);
MW_MUST_USE int columns_save(const struct column_list *l, column_write_fn *write, void *ctx);

/* Columns are matched by name.  One that the snapshot lacks keeps its zeros; one that it has and
 * we do not is an error (MW_EVERSION), so is another width (MW_EVERSION), too many rows
 * (MW_ELIMIT) or nonsense (MW_ECORRUPT).  *rows of each column must be restored by a column of
 * their own: list the counters first. */
MW_MUST_USE int columns_load(const struct column_list *l, column_read_fn *read, void *ctx,
                             struct mw_error *err);

#endif
