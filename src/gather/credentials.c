/* Reader of credential files; errors name lines and keys, never what is secret. */
#include "gather/credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX 8192

static int check_mode(int fd, const char *path, struct mw_error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return mw_fail(err, MW_EIO, "%s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return mw_fail(err, MW_EDENIED, "%s is not a regular file", path);
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return mw_fail(err, MW_EDENIED, "%s belongs to another user (%u): chown it", path,
                       (unsigned)st.st_uid);
    if ((st.st_mode & 077) != 0)
        return mw_fail(err, MW_EDENIED,
                       "%s can be read by others (mode %04o): chmod 600 %s, and change what it "
                       "holds", path, (unsigned)(st.st_mode & 07777), path);
    return 0;
}

static char *field_of(struct credentials *c, const char *key)
{
    const struct {
        const char *key;
        char *field;
    } fields[] = {
        { "user", c->user },           { "password", c->password },
        { "community", c->community }, { "auth_password", c->auth_password },
        { "privacy_password", c->privacy_password }, { "token", c->token },
    };
    for (size_t i = 0; i < MW_ARRAY_LEN(fields); i++)
        if (strcmp(key, fields[i].key) == 0)
            return fields[i].field;
    return NULL;
}

static char *trim(char *s)
{
    s += strspn(s, " \t\r");
    size_t n = strlen(s);
    while (n > 0 && strchr(" \t\r", s[n - 1]) != NULL)
        s[--n] = '\0';
    return s;
}

static int read_line(struct credentials *c, char *line, const char *path, uint32_t number,
                     struct mw_error *err)
{
    char *equals, *field, *value;
    line = trim(line);
    if (line[0] == '\0' || line[0] == '#')
        return 0;
    equals = strchr(line, '=');
    if (equals == NULL)
        return mw_fail(err, MW_ESYNTAX, "%s:%u: expected key = value", path, number);
    *equals = '\0';
    value = trim(equals + 1);
    field = field_of(c, trim(line));
    if (field == NULL)
        return mw_fail(err, MW_ESYNTAX, "%s:%u: expected user, password, community, auth_password, "
                       "privacy_password or token before the =", path, number);
    size_t n = strlen(value);
    if (n >= CREDENTIAL_MAX)
        return mw_fail(err, MW_ELIMIT, "%s:%u: longer than %d bytes", path, number,
                       CREDENTIAL_MAX - 1);
    memcpy(field, value, n + 1);
    return 0;
}

static int read_all(int fd, const char *path, char *text, struct mw_error *err)
{
    size_t length = 0;
    for (;;) {
        ssize_t n = read(fd, text + length, FILE_MAX - length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return mw_fail(err, MW_EIO, "%s: %s", path, strerror(errno));
        if (n == 0)
            break;
        length += (size_t)n;
        if (length == FILE_MAX)
            return mw_fail(err, MW_ELIMIT, "%s: longer than %d bytes", path, FILE_MAX - 1);
    }
    text[length] = '\0';
    return strlen(text) == length ? 0 : mw_fail(err, MW_ESYNTAX, "%s: not a text", path);
}

int credentials_read(const char *path, struct credentials *ret, struct mw_error *err)
{
    char text[FILE_MAX];
    struct credentials c = { 0 };
    uint32_t number = 0;
    if (path == NULL || path[0] == '\0') {
        *ret = c;
        return 0;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return mw_fail(err, errno == EACCES ? MW_EDENIED : MW_ENOTFOUND, "%s: %s", path,
                       strerror(errno));
    int rc = check_mode(fd, path, err);
    if (rc == 0)
        rc = read_all(fd, path, text, err);
    (void)close(fd);
    for (char *line = text, *end; rc == 0 && line != NULL; line = end) {
        end = strchr(line, '\n');
        if (end != NULL)
            *end++ = '\0';
        rc = read_line(&c, line, path, ++number, err);
    }
    if (rc == 0)
        *ret = c;
    explicit_bzero(text, sizeof(text));
    credentials_wipe(&c);
    return rc;
}

void credentials_wipe(struct credentials *c)
{
    explicit_bzero(c, sizeof(*c));
}
