/*
 * The rows of a straggler trace, checked one by one and not yet put together.
 * Owned by straggler_trace.c; nobody else needs it.
 */
#ifndef MW_SIGNAL_STRAGGLER_CSV_H
#define MW_SIGNAL_STRAGGLER_CSV_H

#include "base/error.h"

struct straggler_row {
    double start, duration; /* s */
    int64_t step;
    uint32_t line;          /* in the file, from 1 */
    uint32_t dp, stage, rank, seq;
    int32_t chunk, chunk_all;
    uint8_t kind;
};

/* Gives *ret (mw_free).  Errors name file, line and column. */
MW_MUST_USE int straggler_csv_read(const char *csv, size_t size, const char *file_name,
                                   struct straggler_row **ret, uint32_t *ret_n,
                                   struct mw_error *err);

#endif
