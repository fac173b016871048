/*
 * Whole-or-nothing file operations: every byte written or an error, with the
 * system's words.  Owns nothing.
 */
#ifndef MW_STORE_FILE_H
#define MW_STORE_FILE_H

#include "base/error.h"

/* The code for an errno: MW_ENOSPC, MW_EIO, MW_ENOTFOUND, MW_EDENIED, MW_ENOMEM … */
int file_code(int system_errno);

/* Fills err: "cannot WHAT NAME: No space left on device". Uses errno. */
int file_fail(struct mw_error *err, const char *what, const char *name);

/* All bytes at an offset. */
MW_MUST_USE int file_write(int fd, const void *data, size_t size, uint64_t offset);
/* As many as there are up to size; the count, or a negative code. */
MW_MUST_USE int64_t file_read(int fd, void *data, size_t size, uint64_t offset);

/* Makes the names in a directory durable. */
MW_MUST_USE int file_sync_dir(int dir_fd);

void file_closep(int *fd); /* for mw_cleanup; -1 is fine */

#endif
