/* Small readings that the checks share: clocks, files, folders. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/check_private.h"
#include "base/parse.h"

#define ENTRIES_MAX 16384
#define ENTRY_MAX 64

int64_t check_clock_ns(void)
{
    struct timespec t = { 0 };
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t check_clock_ms(void)
{
    return check_clock_ns() / 1000000;
}

int check_read(const char *root, const char *path, char *to, size_t size)
{
    char full[CHECK_PATH_MAX];
    must(size > 0);
    to[0] = '\0';
    int n = snprintf(full, sizeof(full), "%s%s", root, path);
    int fd = n > 0 && (size_t)n < sizeof(full) ? open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
    if (fd < 0)
        return -1;
    size_t length = 0;
    ssize_t got;
    while (length < size - 1 && (got = read(fd, to + length, size - 1 - length)) > 0)
        length += (size_t)got;
    (void)close(fd);
    while (length > 0 && (to[length - 1] == '\n' || to[length - 1] == ' '))
        length--;
    to[length] = '\0';
    return (int)length;
}

bool check_read_number(const char *root, const char *path, double *ret)
{
    char text[64];
    if (check_read(root, path, text, sizeof(text)) <= 0)
        return false;
    text[strcspn(text, " \t\n")] = '\0';
    return mw_parse_double(text, ret) == 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

void check_each(const char *root, const char *dir, check_entry_fn *fn, void *ctx)
{
    char full[CHECK_PATH_MAX];
    int n = snprintf(full, sizeof(full), "%s%s", root, dir);
    char(*name)[ENTRY_MAX] = calloc(ENTRIES_MAX, ENTRY_MAX);
    DIR *d = name != NULL && n > 0 && (size_t)n < sizeof(full) ? opendir(full) : NULL;
    const struct dirent *e;
    uint32_t count = 0;
    while (d != NULL && count < ENTRIES_MAX && (e = readdir(d)) != NULL)
        if (e->d_name[0] != '.' && strlen(e->d_name) < ENTRY_MAX)
            memcpy(name[count++], e->d_name, strlen(e->d_name) + 1);
    if (d != NULL)
        (void)closedir(d);
    if (count > 0)
        qsort(name, count, ENTRY_MAX, by_name);
    for (uint32_t i = 0; i < count; i++)
        fn(ctx, name[i]);
    free(name);
}
