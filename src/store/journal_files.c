/*
 * A journal's directory: names, the writer's lock, and making a journal whole
 * or not at all.  Owns the order of those steps; reads no event.
 */
#include "store/journal_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/file.h"

#define NAME_NEW "journal.db.new"
#define NAME_LOCK "lock"

int journal_path(const char *dir, const char *name, char ret[JOURNAL_PATH_MAX],
                 struct mw_error *err)
{
    int n = snprintf(ret, JOURNAL_PATH_MAX, "%s/%s", dir, name);
    if (n < 0 || n >= JOURNAL_PATH_MAX)
        return mw_fail(err, MW_EINVAL, "the path of the journal is too long: %.80s…", dir);
    return 0;
}

int journal_dir_open(const char *dir, bool make, int *ret_fd, struct mw_error *err)
{
    if (make && mkdir(dir, 0750) != 0 && errno != EEXIST)
        return file_fail(err, "make the journal's directory", dir);
    *ret_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *ret_fd >= 0 ? 0 : file_fail(err, "open the journal's directory", dir);
}

int journal_lock(const char *dir, int dir_fd, int *ret_fd, struct mw_error *err)
{
    mw_cleanup(file_closep) int fd =
        openat(dir_fd, NAME_LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0)
        return file_fail(err, "open the lock of", dir);
    char text[32] = "";
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK)
            return file_fail(err, "lock", dir);
        int64_t n = file_read(fd, text, sizeof(text) - 1, 0);
        text[n > 0 ? n : 0] = '\0';
        text[strcspn(text, "\n")] = '\0';
        return mw_fail(err, MW_EBUSY,
                       "another process (%s) writes to the journal in %s; end it first",
                       text[0] != '\0' ? text : "unknown", dir);
    }
    /* The holder's number is for that message only: failing to leave it is no reason to stop. */
    int n = snprintf(text, sizeof(text), "pid %ld\n", (long)getpid());
    if (ftruncate(fd, 0) == 0 && n > 0)
        (void)!pwrite(fd, text, (size_t)n, 0);
    *ret_fd = fd;
    fd = -1;
    return 0;
}

bool journal_exists(int dir_fd)
{
    struct stat st;
    return fstatat(dir_fd, DATABASE_NAME, &st, 0) == 0;
}

static int fill_new(const struct journal_make *m, const char *path, struct journal_head *head,
                    struct mw_error *err)
{
    if (m->fill == NULL)
        return 0;
    struct database db;
    int rc = database_open(&db, path, m->vfs, false, err);
    if (rc == 0)
        rc = m->fill(m->ctx, &db, head, err);
    database_close(&db, rc == 0);
    return rc;
}

int journal_make(const struct journal_make *m, struct mw_error *err)
{
    char path[JOURNAL_PATH_MAX];
    struct journal_head head = {.seq = 0};
    int rc = journal_path(m->dir, NAME_NEW, path, err);
    if (rc == 0)
        rc = database_create(path, m->vfs, m->origin, err);
    if (rc == 0)
        rc = fill_new(m, path, &head, err);
    if (rc == 0)
        rc = head_create(m->dir_fd, &head, err);
    if (rc != 0)
        return rc;
    static const char *const left[] = {NAME_NEW "-wal", NAME_NEW "-shm"}; /* empty by now */
    for (uint32_t i = 0; i < MW_ARRAY_LEN(left); i++)
        (void)unlinkat(m->dir_fd, left[i], 0);
    if (renameat(m->dir_fd, NAME_NEW, m->dir_fd, DATABASE_NAME) != 0)
        return file_fail(err, "name", DATABASE_NAME);
    return file_sync_dir(m->dir_fd) == 0 ? 0 : file_fail(err, "sync", m->dir);
}
