#include "checkpoint.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "maths.h"

enum { KEPT = 2, LISTED = 64 };

struct header {
    char magic[8];
    uint32_t version, net_bytes;
    struct checkpoint about;
};

_Static_assert(sizeof(struct header) == 72, "the file's layout has no hidden bytes");

struct image { /* the file */
    struct header head;
    struct net net;
    uint32_t crc; /* of all before */
};

_Static_assert(offsetof(struct image, crc) == sizeof(struct header) + sizeof(struct net),
               "the image is the file, but for padding at its end");

static struct header make_header(const struct checkpoint *c)
{
    struct header h = {.version = 1, .net_bytes = sizeof(struct net), .about = *c};
    memcpy(h.magic, "MWTRAIN", 8);
    return h;
}

static void name_of(uint64_t step, char *to, size_t size)
{
    snprintf(to, size, "checkpoint-%010llu.bin", (unsigned long long)step);
}

/* Keeps the list newest first; when it is full the oldest falls out. */
static int insert(uint64_t *list, int count, uint64_t step)
{
    if (count == LISTED && step <= list[count - 1])
        return count;
    count += count < LISTED;
    int at = count - 1;
    for (; at > 0 && list[at - 1] < step; at--)
        list[at] = list[at - 1];
    list[at] = step;
    return count;
}

/* Steps of the files in the folder, newest first. */
static int list(const char *folder, uint64_t *step)
{
    int count = 0;
    DIR *d = opendir(folder);
    if (d == NULL)
        return 0;
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        char *end = NULL;
        if (strncmp(e->d_name, "checkpoint-", 11) != 0)
            continue;
        uint64_t s = strtoull(e->d_name + 11, &end, 10);
        if (strcmp(end, ".bin") == 0)
            count = insert(step, count, s);
    }
    closedir(d);
    return count;
}

static void remove_old(const char *folder)
{
    uint64_t step[LISTED];
    int count = list(folder, step);
    for (int i = KEPT; i < count; i++) {
        char name[64], path[FILES_PATH];
        name_of(step[i], name, sizeof name);
        snprintf(path, sizeof path, "%s/%s", folder, name);
        unlink(path);
    }
}

int checkpoint_save(const char *folder, const struct checkpoint *c, const struct net *n,
                    struct problem *p)
{
    struct header head = make_header(c);
    uint32_t crc = crc32_of(crc32_of(0, &head, sizeof head), n, sizeof *n);
    struct piece pieces[] = {{&head, sizeof head}, {n, sizeof *n}, {&crc, sizeof crc}};
    char name[64];
    name_of(c->step, name, sizeof name);
    int code = files_write(folder, name, pieces, 3, p);
    if (code == 0)
        remove_old(folder);
    return code;
}

/* What a writer that was killed left beside; the lock says that no writer lives. */
static void remove_torn(const char *folder)
{
    DIR *d = opendir(folder);
    if (d == NULL)
        return;
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        char path[FILES_PATH];
        int n = snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (strncmp(e->d_name, ".checkpoint-", 12) == 0 && n > 0 && (size_t)n < sizeof path)
            unlink(path);
    }
    closedir(d);
}

static const char *read_image(const char *path, struct image *ret)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return "cannot be opened";
    size_t got = 0;
    const size_t whole = sizeof ret->head + sizeof ret->net + sizeof ret->crc;
    ssize_t n = 1;
    while (got < whole && n > 0) {
        n = read(fd, (char *)ret + got, whole - got);
        got += n > 0 ? (size_t)n : 0;
    }
    char more;
    int longer = n > 0 && read(fd, &more, 1) == 1;
    close(fd);
    if (n < 0)
        return "cannot be read";
    if (got < whole)
        return "is torn: it ends early";
    if (longer)
        return "is longer than a checkpoint";
    return NULL;
}

static const char *check_image(const struct image *i, const struct curve *curve, uint64_t step)
{
    struct header ours = make_header(&i->head.about);
    if (memcmp(i->head.magic, ours.magic, sizeof ours.magic) != 0)
        return "is no checkpoint";
    if (crc32_of(crc32_of(0, &i->head, sizeof i->head), &i->net, sizeof i->net) != i->crc)
        return "is damaged: its checksum is wrong";
    if (i->head.version != 1 || i->head.net_bytes != ours.net_bytes)
        return "is of another version";
    if (i->head.about.step != step)
        return "bears the name of another step";
    if (!curve_begins(curve, i->head.about.curve_bytes, i->head.about.curve_crc))
        return "does not fit the loss curve";
    return NULL;
}

static int check_recipe(const struct recipe *a, const struct recipe *b, const char *path,
                        struct problem *p)
{
    if (memcmp(a, b, sizeof *a) == 0)
        return 0;
    return fail(p, END_USAGE, 0, "%s is of another run (seed %llu, %llu steps, batch %u): give "
                "the same options, or another --dir", path, (unsigned long long)a->seed,
                (unsigned long long)a->steps, a->batch);
}

/* Under another name, so that it is not counted among the two that are kept. */
static void put_aside(const char *folder, const char *path, uint64_t step, const char *wrong)
{
    char aside[FILES_PATH];
    snprintf(aside, sizeof aside, "%s/refused-%010llu.bin", folder, (unsigned long long)step);
    int moved = rename(path, aside) == 0;
    say(0, "%s %s; the one before is used%s%s", path, wrong, moved ? "; it is now " : "",
        moved ? aside : "");
}

int checkpoint_load(const char *folder, const struct recipe *r, const struct curve *curve,
                    struct checkpoint *ret, struct net *n, struct problem *p)
{
    uint64_t step[LISTED];
    int count = list(folder, step), code = 0;
    *ret = (struct checkpoint){.recipe = *r};
    remove_torn(folder);
    struct image *image = malloc(sizeof *image);
    if (image == NULL)
        return fail(p, END_DISK, 0, "out of memory");
    for (int i = 0; i < count; i++) {
        char name[64], path[FILES_PATH];
        name_of(step[i], name, sizeof name);
        snprintf(path, sizeof path, "%s/%s", folder, name);
        const char *wrong = read_image(path, image);
        if (wrong == NULL)
            wrong = check_image(image, curve, step[i]);
        if (wrong != NULL) {
            put_aside(folder, path, step[i], wrong);
            continue;
        }
        code = check_recipe(&image->head.about.recipe, r, path, p);
        if (code == 0) {
            *ret = image->head.about;
            *n = image->net;
        }
        break;
    }
    free(image);
    return code;
}
