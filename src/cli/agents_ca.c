/* The folder of the journal, and a name in it. */
#include "cli/agents_ca.h"

#include <stdio.h>
#include <string.h>

int agents_ca_path(const char *journal, char ret[LIVE_PATH_MAX], struct mw_error *err)
{
    size_t n = strlen(journal);
    while (n > 1 && journal[n - 1] == '/')
        n--;
    while (n > 0 && journal[n - 1] != '/')
        n--;
    int wrote = snprintf(ret, LIVE_PATH_MAX, "%.*sagents-ca", (int)n, journal);
    if (n > LIVE_PATH_MAX || wrote < 0 || wrote >= LIVE_PATH_MAX)
        return mw_fail(err, MW_EINVAL, "the path of the journal is too long");
    return 0;
}
