/* Secrets and mistakes of configuration files.  See config_file.h. */
#include "api/config_file.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/crypto.h>

#include "base/file.h"
#include "base/mem.h"

#define SECRET_BYTES_MAX ((size_t)64 * 1024)

int config_beside(const char *config, const char *path, char *ret, size_t size,
                  struct mw_error *err)
{
    must(config && path && ret);
    const char *slash = strrchr(config, '/');
    int folder = path[0] == '/' || !slash ? 0 : (int)(slash - config) + 1;
    int n = snprintf(ret, size, "%.*s%s", folder, config, path);
    return n > 0 && (size_t)n < size ? 0 : mw_fail(err, MW_EINVAL, "the path %.100s… is too long",
                                                   path);
}

int config_secret(const char *config, const char *path, char *ret, size_t size,
                  struct mw_error *err)
{
    struct stat st;
    char whole[4096];
    char *text = NULL;
    size_t length = 0;
    int rc = config_beside(config, path, whole, sizeof(whole), err);
    if (rc == 0)
        rc = mw_read_file(whole, SECRET_BYTES_MAX, false, &text, &length, err);
    if (rc < 0)
        return rc;
    size_t n = strcspn(text, "\r\n");
    if (stat(whole, &st) != 0 || (st.st_mode & 077) != 0)
        rc = mw_fail(err, MW_EDENIED, "%s is open to other users: chmod 600 it", whole);
    else if (n == 0 || n >= size)
        rc = mw_fail(err, MW_EINVAL, "%s: the first line must be the secret, of 1 to %zu bytes",
                     whole, size - 1);
    else
        (void)snprintf(ret, size, "%.*s", (int)n, text);
    OPENSSL_cleanse(text, length);
    mw_free(text);
    return rc;
}

int config_say_problems(struct problems *p, struct mw_error *err)
{
    char first[MW_ERROR_TEXT_MAX];
    must(p);
    if (p->total == 0)
        return 0;
    problems_sort(p);
    if (p->length == 0)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    problem_format(&p->item[0], first, sizeof(first));
    return p->total == 1 ? mw_fail(err, MW_ESYNTAX, "%s", first)
                         : mw_fail(err, MW_ESYNTAX, "%s (and %u more mistakes)", first,
                                   p->total - 1);
}
