/*
 * Whole files into memory, bounded.  Not for planes.
 */
#ifndef MW_BASE_FILE_H
#define MW_BASE_FILE_H

#include "base/base.h"
#include "base/error.h"

/* Reads a whole file (regular file or pipe; "-" = standard input), at most size_max bytes, ends
 * it with '\0'.  Gives *ret (mw_free). Errors name the path. With inflate, content that is gzip
 * (by its first bytes, not its name) is inflated and size_max bounds the inflated size.
 * MW_ENOTFOUND, MW_EDENIED, MW_EINVAL (a directory), MW_ELIMIT, MW_ECORRUPT, MW_ENOMEM, MW_EIO. */
MW_MUST_USE int mw_read_file(const char *path, size_t size_max, bool inflate, char **ret,
                             size_t *ret_size, struct mw_error *err);

#endif
