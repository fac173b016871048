/*
 * Files of an import: named one by one, or all *.json of a folder, in the order
 * of their names.
 */
#ifndef MW_CLI_IMPORT_FILES_H
#define MW_CLI_IMPORT_FILES_H

#include "base/error.h"

#define IMPORT_FILES_MAX 100000
#define IMPORT_FILE_BYTES_MAX ((size_t)256 << 20)
#define IMPORT_ALL_BYTES_MAX ((size_t)4 << 30)

struct import_file {
    char *path, *text; /* owned */
    char *host;        /* owned: whose it is, as the caller's rule says */
    size_t size;
};

struct import_files {
    struct import_file *file; /* owned */
    uint32_t files, room;
    size_t bytes;
};

enum import_host {
    IMPORT_HOST_FILE,   /* the file's name without .json */
    IMPORT_HOST_FOLDER, /* the name of the folder that it lies in */
};

/* Adds a file, or a folder's: its *.json, and those of its folders.  MW_ENOTFOUND also when a
 * folder has none; MW_EDENIED, MW_ELIMIT, MW_EIO, MW_ENOMEM. */
MW_MUST_USE int import_files_add(struct import_files *f, const char *path, enum import_host rule,
                                 struct mw_error *err);
/* One that was fetched; takes text. */
MW_MUST_USE int import_files_take(struct import_files *f, const char *name, const char *host,
                                  char *text, struct mw_error *err);
void import_files_fini(struct import_files *f); /* zeroed is fine */

#endif
