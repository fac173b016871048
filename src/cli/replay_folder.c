/* Makes and removes folders of replays.  See replay_folder.h. */
#include "cli/replay_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME "replay-"
#define LISTINGS_MAX 3

static int system_fail(struct mw_error *err, const char *what, const char *path)
{
    int code = errno == EACCES || errno == EPERM || errno == EROFS ? MW_EDENIED
               : errno == ENOSPC || errno == EDQUOT                ? MW_ENOSPC
                                                                   : MW_EIO;
    return mw_fail(err, code, "cannot %s %s: %s", what, path, strerror(errno));
}

/* `path` ends at its last '/'. */
static uint32_t count_left(const char *folder)
{
    uint32_t n = 0;
    DIR *d = opendir(folder);
    for (const struct dirent *e = d ? readdir(d) : NULL; e != NULL; e = readdir(d))
        n += strncmp(e->d_name, NAME, sizeof(NAME) - 1) == 0;
    if (d != NULL)
        (void)closedir(d);
    return n;
}

int replay_folder_make(char ret[LIVE_PATH_MAX], uint32_t *ret_left, struct mw_error *err)
{
    must(ret != NULL && ret_left != NULL);
    int rc = live_path_journal(ret, err);
    if (rc == 0)
        rc = live_path_make_parents(ret, err);
    if (rc < 0)
        return rc;
    char *name = strrchr(ret, '/') + 1;
    *name = '\0';
    *ret_left = count_left(ret);
    int n = snprintf(name, LIVE_PATH_MAX - (size_t)(name - ret), NAME "XXXXXX");
    if (n < 0 || n >= (int)(LIVE_PATH_MAX - (name - ret)))
        return mw_fail(err, MW_EINVAL, "the path %.100s… is too long", ret);
    return mkdtemp(ret) != NULL ? 0 : system_fail(err, "make the folder", ret);
}

static bool is_dot(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* What is removed while a folder is listed may hide others from the list. */
static int empty_folder(const char *path, struct mw_error *err)
{
    DIR *d = opendir(path);
    if (d == NULL)
        return system_fail(err, "open", path);
    for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d))
        if (!is_dot(e->d_name))
            (void)unlinkat(dirfd(d), e->d_name, 0);
    (void)closedir(d);
    return 0;
}

int replay_folder_remove(const char *path, struct mw_error *err)
{
    int rc = 0;
    bool gone = false;
    for (uint32_t i = 0; rc == 0 && !gone && i < LISTINGS_MAX; i++) {
        rc = empty_folder(path, err);
        gone = rc == 0 && rmdir(path) == 0;
    }
    return rc < 0 || gone ? rc : system_fail(err, "remove", path);
}
