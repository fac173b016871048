#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int write_all(int fd, const struct piece *piece)
{
    size_t done = 0;
    while (done < piece->size) {
        ssize_t n = write(fd, (const char *)piece->data + done, piece->size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        done += (size_t)n;
    }
    return 0;
}

static int write_temp(const char *path, const struct piece *pieces, int count, int sync)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return -1;
    int bad = 0;
    for (int i = 0; i < count && bad == 0; i++)
        bad = write_all(fd, &pieces[i]);
    if (bad == 0 && sync)
        bad = fsync(fd);
    int why = errno;
    if (close(fd) != 0 && bad == 0) {
        bad = -1;
        why = errno;
    }
    errno = why;
    return bad;
}

static int sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int bad = fsync(fd), why = errno;
    close(fd);
    errno = why;
    return bad;
}

static int replace(const char *folder, const char *name, const struct piece *pieces, int count,
                   int sync)
{
    char temp[FILES_PATH], path[FILES_PATH];
    int n = snprintf(temp, sizeof temp, "%s/.%s.%ld", folder, name, (long)getpid());
    if (n < 0 || (size_t)n >= sizeof temp) {
        errno = ENAMETOOLONG;
        return -1;
    }
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (write_temp(temp, pieces, count, sync) == 0 && rename(temp, path) == 0)
        return sync ? sync_folder(folder) : 0;
    int why = errno;
    unlink(temp);
    errno = why;
    return -1;
}

int files_write(const char *folder, const char *name, const struct piece *pieces, int count,
                struct problem *p)
{
    if (replace(folder, name, pieces, count, 1) != 0)
        return fail(p, END_DISK, errno, "cannot write %s/%s", folder, name);
    return 0;
}

int files_note(const char *folder, const char *name, const char *text, struct problem *p)
{
    struct piece piece = {text, strlen(text)};
    if (replace(folder, name, &piece, 1, 0) != 0)
        return fail(p, END_DISK, errno, "cannot write %s/%s", folder, name);
    return 0;
}

int files_lock(const char *folder, int wait_ms, struct problem *p)
{
    char path[FILES_PATH];
    snprintf(path, sizeof path, "%s/lock", folder);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return fail(p, END_DISK, errno, "cannot open %s", path);
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    for (int waited = 0; fcntl(fd, F_SETLK, &whole) != 0; waited += 20) {
        if (errno != EAGAIN && errno != EACCES) {
            int why = errno;
            close(fd);
            return fail(p, END_DISK, why, "cannot lock %s", path);
        }
        if (waited >= wait_ms) {
            close(fd);
            return fail(p, END_PEER, 0, "another run holds %s since %d ms", path, wait_ms);
        }
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
    return 0; /* the descriptor is the lock: it stays open */
}
