/* The rule for paths that nobody named.  See live_paths.h. */
#include "cli/live_paths.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* NULL when unset or not absolute: the XDG rule asks for that. */
static const char *folder_of(const char *variable)
{
    const char *v = getenv(variable);
    return v != NULL && v[0] == '/' ? v : NULL;
}

static int join(char ret[LIVE_PATH_MAX], const char *folder, const char *rest,
                struct mw_error *err)
{
    int n = snprintf(ret, LIVE_PATH_MAX, "%s%s", folder, rest);
    if (n < 0 || n >= LIVE_PATH_MAX)
        return mw_fail(err, MW_EINVAL, "the path %.100s… is too long", folder);
    return 0;
}

int live_path_journal(char ret[LIVE_PATH_MAX], struct mw_error *err)
{
    must(ret != NULL);
    const char *state = folder_of("XDG_STATE_HOME");
    const char *home = folder_of("HOME");
    if (state != NULL)
        return join(ret, state, "/millwright/journal", err);
    if (geteuid() == 0)
        return join(ret, LIVE_JOURNAL_SYSTEM, "", err);
    if (home == NULL)
        return mw_fail(err, MW_EINVAL, "neither XDG_STATE_HOME nor HOME is set: name the journal "
                       "with --journal");
    return join(ret, home, "/.local/state/millwright/journal", err);
}

int live_path_journal_found(char ret[LIVE_PATH_MAX], struct mw_error *err)
{
    int r = live_path_journal(ret, err);
    if (r == 0 && access(ret, F_OK) == 0)
        return 0;
    return r < 0 || access(LIVE_JOURNAL_SYSTEM, F_OK) == 0 ? join(ret, LIVE_JOURNAL_SYSTEM, "", err)
                                                            : 0;
}

int live_path_socket(char ret[LIVE_PATH_MAX], struct mw_error *err)
{
    must(ret != NULL);
    const char *run = folder_of("XDG_RUNTIME_DIR");
    return join(ret, run != NULL ? run : "/run", "/millwright.sock", err);
}

int live_path_make_parents(const char *path, struct mw_error *err)
{
    char folder[LIVE_PATH_MAX];
    must(path != NULL);
    int r = join(folder, path, "", err);
    for (char *at = r == 0 ? strchr(folder + 1, '/') : NULL; at != NULL; at = strchr(at + 1, '/')) {
        *at = '\0';
        if (mkdir(folder, 0755) != 0 && errno != EEXIST)
            return mw_fail(err, errno == EACCES ? MW_EDENIED : errno == ENOSPC ? MW_ENOSPC : MW_EIO,
                           "cannot make the folder %s: %s", folder, strerror(errno));
        *at = '/';
    }
    return r;
}
