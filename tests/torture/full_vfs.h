/*
 * A file layer for SQLite that has only so much room: growth past the budget
 * fails as on a full disk (SQLITE_FULL), writing over what is there does not.
 * Works without privileges and fails at the same byte every time.
 */
#ifndef MW_TESTS_FULL_VFS_H
#define MW_TESTS_FULL_VFS_H

#include <stdint.h>

#define FULL_VFS_NAME "mw-full"

/* Bytes that files may still grow by; shared by all files of the layer. */
struct full_vfs {
    int64_t left;
    uint64_t refused;
};

/* Registers it above the default layer; gives its budget. */
struct full_vfs *full_vfs_register(void);

#endif
