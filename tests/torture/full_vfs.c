/* A thin layer over SQLite's default one; only growth is watched. */
#include "tests/torture/full_vfs.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

struct full_file {
    sqlite3_file base;
    sqlite3_file *real; /* behind this struct */
};

/* One budget a process: SQLite's file layers are global themselves. */
struct layer {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    struct full_vfs budget;
};

static struct layer *layer_of(sqlite3_vfs *v)
{
    return v->pAppData;
}

#define REAL(f) (((struct full_file *)(f))->real)
#define CALL(f, method, ...) REAL(f)->pMethods->method(REAL(f), ##__VA_ARGS__)

static struct full_vfs *budget_now(void)
{
    return &layer_of(sqlite3_vfs_find(FULL_VFS_NAME))->budget;
}

static int full_write(sqlite3_file *f, const void *data, int size, sqlite3_int64 at)
{
    sqlite3_int64 now = 0;
    int rc = CALL(f, xFileSize, &now);
    if (rc != SQLITE_OK)
        return rc;
    struct full_vfs *b = budget_now();
    int64_t growth = MW_MAX(at + size - now, 0);
    if (growth > b->left) {
        b->refused++;
        /* A full disk takes a part of the bytes first. */
        int part = (int)MW_MIN((int64_t)size - growth + b->left, (int64_t)size);
        if (part > 0)
            (void)CALL(f, xWrite, data, part, at);
        b->left = 0;
        return SQLITE_FULL;
    }
    b->left -= growth;
    return CALL(f, xWrite, data, size, at);
}

static int full_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    sqlite3_int64 now = 0;
    int rc = CALL(f, xFileSize, &now);
    if (rc == SQLITE_OK && now > size)
        budget_now()->left += now - size;
    return rc == SQLITE_OK ? CALL(f, xTruncate, size) : rc;
}

static int full_close(sqlite3_file *f)
{
    return REAL(f)->pMethods ? CALL(f, xClose) : SQLITE_OK;
}
static int full_read(sqlite3_file *f, void *data, int size, sqlite3_int64 at)
{
    return CALL(f, xRead, data, size, at);
}
static int full_sync(sqlite3_file *f, int flags)
{
    return CALL(f, xSync, flags);
}
static int full_size(sqlite3_file *f, sqlite3_int64 *ret)
{
    return CALL(f, xFileSize, ret);
}
static int full_lock(sqlite3_file *f, int level)
{
    return CALL(f, xLock, level);
}
static int full_unlock(sqlite3_file *f, int level)
{
    return CALL(f, xUnlock, level);
}
static int full_reserved(sqlite3_file *f, int *ret)
{
    return CALL(f, xCheckReservedLock, ret);
}
static int full_control(sqlite3_file *f, int op, void *arg)
{
    /* Growing in advance would go round the budget. */
    if (op == SQLITE_FCNTL_SIZE_HINT || op == SQLITE_FCNTL_CHUNK_SIZE)
        return SQLITE_OK;
    return CALL(f, xFileControl, op, arg);
}
static int full_sector(sqlite3_file *f)
{
    return CALL(f, xSectorSize);
}
static int full_traits(sqlite3_file *f)
{
    return CALL(f, xDeviceCharacteristics);
}
static int full_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **ret)
{
    return CALL(f, xShmMap, page, size, extend, ret);
}
static int full_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    return CALL(f, xShmLock, offset, n, flags);
}
static void full_shm_barrier(sqlite3_file *f)
{
    CALL(f, xShmBarrier);
}
static int full_shm_unmap(sqlite3_file *f, int delete_it)
{
    return CALL(f, xShmUnmap, delete_it);
}

static const sqlite3_io_methods full_methods = {
    .iVersion = 2,
    .xClose = full_close,
    .xRead = full_read,
    .xWrite = full_write,
    .xTruncate = full_truncate,
    .xSync = full_sync,
    .xFileSize = full_size,
    .xLock = full_lock,
    .xUnlock = full_unlock,
    .xCheckReservedLock = full_reserved,
    .xFileControl = full_control,
    .xSectorSize = full_sector,
    .xDeviceCharacteristics = full_traits,
    .xShmMap = full_shm_map,
    .xShmLock = full_shm_lock,
    .xShmBarrier = full_shm_barrier,
    .xShmUnmap = full_shm_unmap,
};

static int full_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *ret_flags)
{
    struct full_file *file = (struct full_file *)f;
    file->real = (sqlite3_file *)(file + 1);
    sqlite3_vfs *real = layer_of(v)->real;
    int rc = real->xOpen(real, name, file->real, flags, ret_flags);
    f->pMethods = rc == SQLITE_OK ? &full_methods : NULL;
    return rc;
}

struct full_vfs *full_vfs_register(void)
{
    struct layer *l = calloc(1, sizeof(*l));
    must(l != NULL);
    l->real = sqlite3_vfs_find(NULL);
    must(l->real != NULL);
    l->vfs = *l->real; /* everything that does not open files goes straight through */
    l->vfs.zName = FULL_VFS_NAME;
    l->vfs.pNext = NULL;
    l->vfs.szOsFile = (int)sizeof(struct full_file) + l->real->szOsFile;
    l->vfs.pAppData = l;
    l->vfs.xOpen = full_open;
    l->budget.left = INT64_MAX / 2;
    must(sqlite3_vfs_register(&l->vfs, 0) == SQLITE_OK);
    return &l->budget;
}
