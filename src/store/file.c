/*
 * Loops around read and write that end only with everything done or an error.
 * Owns nothing; never prints.
 */
#include "store/file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int file_code(int system_errno)
{
    switch (system_errno) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return MW_ENOSPC;
    case ENOENT:
    case ENOTDIR:
        return MW_ENOTFOUND;
    case EEXIST:
        return MW_EEXIST;
    case EACCES:
    case EPERM:
    case EROFS:
        return MW_EDENIED;
    case ENOMEM:
        return MW_ENOMEM;
    default:
        return MW_EIO;
    }
}

int file_fail(struct mw_error *err, const char *what, const char *name)
{
    int e = errno;
    return mw_fail(err, file_code(e), "cannot %s %s: %s", what, name, strerror(e));
}

int file_write(int fd, const void *data, size_t size, uint64_t offset)
{
    const char *at = data;
    while (size > 0) {
        ssize_t n = pwrite(fd, at, size, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n == 0 ? ENOSPC : errno;
            return file_code(errno);
        }
        at += n;
        size -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

int64_t file_read(int fd, void *data, size_t size, uint64_t offset)
{
    char *at = data;
    size_t done = 0;
    while (done < size) {
        ssize_t n = pread(fd, at + done, size - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return file_code(errno);
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (int64_t)done;
}

int file_sync_dir(int dir_fd)
{
    return fsync(dir_fd) == 0 ? 0 : file_code(errno);
}

void file_closep(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}
