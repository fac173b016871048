/* openat(2), pread(2), readlink(2), readdir(3). */
#include "agent/files.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

MW_PRINTF(3, 0)
static bool make_path(char path[FILES_PATH_MAX], const char *root, const char *format, va_list args)
{
    int n = snprintf(path, FILES_PATH_MAX, "%s", root);
    if (n < 0 || n >= FILES_PATH_MAX)
        return false;
    size_t left = FILES_PATH_MAX - (size_t)n;
    int m = vsnprintf(path + n, left, format, args);
    return m >= 0 && (size_t)m < left;
}

static int open_path(const char *path)
{
    return open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

int files_open(const char *root, const char *format, ...)
{
    char path[FILES_PATH_MAX];
    va_list args;
    va_start(args, format);
    bool fits = make_path(path, root, format, args);
    va_end(args);
    return fits ? open_path(path) : -1;
}

void files_close(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}

struct text files_read(int fd, char *to, size_t size)
{
    size_t n = 0;
    ssize_t got = 1;
    for (uint32_t i = 0; fd >= 0 && n < size && got > 0 && i < 4096; i++) {
        got = pread(fd, to + n, size - n, (off_t)n);
        n += got > 0 ? (size_t)got : 0;
        if (i == 0 && got > 0 && (size_t)got < size && to[got - 1] == '\n' && size <= 256)
            break; /* a small attribute is whole at once: no second call to see its end */
    }
    return text_of(to, n);
}

bool files_read_u64(int fd, uint64_t *ret)
{
    char text[64];
    struct text t = text_trimmed(files_read(fd, text, sizeof(text)));
    return text_u64(t, ret);
}

static bool read_path(const char *path, char *to, size_t size)
{
    char text[1024];
    int fd = open_path(path);
    struct text t = text_trimmed(files_read(fd, text, MW_MIN(sizeof(text), MW_MAX(size, 256))));
    text_copy(t, to, size);
    files_close(fd);
    return fd >= 0 && t.at < t.end;
}

bool files_text(char *to, size_t size, const char *root, const char *format, ...)
{
    char path[FILES_PATH_MAX];
    va_list args;
    va_start(args, format);
    bool fits = make_path(path, root, format, args);
    va_end(args);
    to[0] = '\0';
    return fits && read_path(path, to, size);
}

bool files_u64(uint64_t *ret, const char *root, const char *format, ...)
{
    char path[FILES_PATH_MAX], text[64];
    va_list args;
    va_start(args, format);
    bool fits = make_path(path, root, format, args);
    va_end(args);
    return fits && read_path(path, text, sizeof(text)) && text_u64(text_of_string(text), ret);
}

bool files_link(char *to, size_t size, const char *root, const char *format, ...)
{
    char path[FILES_PATH_MAX], target[FILES_PATH_MAX];
    va_list args;
    va_start(args, format);
    bool fits = make_path(path, root, format, args);
    va_end(args);
    ssize_t n = fits ? readlink(path, target, sizeof(target) - 1) : -1;
    to[0] = '\0';
    if (n <= 0)
        return false;
    target[n] = '\0';
    const char *last = strrchr(target, '/');
    (void)snprintf(to, size, "%s", last != NULL ? last + 1 : target);
    return to[0] != '\0';
}

/* "0000:3b:00.0" */
static bool is_pci(struct text t)
{
    static const char like[] = "xxxx:xx:xx.x";
    if ((size_t)(t.end - t.at) != sizeof(like) - 1)
        return false;
    for (size_t i = 0; i < sizeof(like) - 1; i++)
        if (like[i] == 'x' ? !isxdigit((unsigned char)t.at[i]) : t.at[i] != like[i])
            return false;
    return true;
}

bool files_pci(char *to, size_t size, const char *root, const char *format, ...)
{
    char path[FILES_PATH_MAX], real[PATH_MAX];
    va_list args;
    va_start(args, format);
    bool fits = make_path(path, root, format, args);
    va_end(args);
    to[0] = '\0';
    if (!fits || realpath(path, real) == NULL)
        return false;
    struct text part, t = text_of_string(real);
    while (t.at < t.end) {
        if (!text_before(&t, '/', &part)) {
            part = t;
            t.at = t.end;
        }
        if (is_pci(part))
            text_copy(part, to, size); /* the last one: the device itself, not its bridges */
    }
    return to[0] != '\0';
}

static int by_name(const void *a, const void *b)
{
    return strverscmp(a, b);
}

uint32_t files_list(char (*to)[FILES_NAME_MAX], uint32_t most, const char *root,
                    const char *format, ...)
{
    char path[FILES_PATH_MAX];
    va_list args;
    va_start(args, format);
    bool fits = make_path(path, root, format, args);
    va_end(args);
    DIR *d = fits ? opendir(path) : NULL;
    const struct dirent *e;
    uint32_t count = 0;
    while (d != NULL && count < most && (e = readdir(d)) != NULL) {
        size_t n = strlen(e->d_name);
        if (e->d_name[0] != '.' && n < FILES_NAME_MAX)
            memcpy(to[count++], e->d_name, n + 1);
    }
    if (d != NULL)
        (void)closedir(d);
    qsort(to, count, sizeof(to[0]), by_name);
    return count;
}
