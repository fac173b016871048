/* Reads folders two levels deep. */
#include "cli/import_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/text.h"

#define PATH_BYTES 4096

void import_files_fini(struct import_files *f)
{
    for (uint32_t i = 0; i < f->files; i++) {
        mw_free(f->file[i].path);
        mw_free(f->file[i].text);
        mw_free(f->file[i].host);
    }
    mw_free(f->file);
    *f = (struct import_files){ .files = 0 };
}

int import_files_take(struct import_files *f, const char *name, const char *host, char *text,
                      struct mw_error *err)
{
    size_t size = strlen(text);
    int rc = f->files == IMPORT_FILES_MAX || f->bytes + size > IMPORT_ALL_BYTES_MAX
                 ? mw_fail(err, MW_ELIMIT, "more than %d files, or 4 GiB of them", IMPORT_FILES_MAX)
                 : 0;
    if (rc == 0 && f->files == f->room) {
        uint32_t room = f->room == 0 ? 64 : f->room * 2;
        struct import_file *p = mw_resize(f->file, room, sizeof(*p));
        if (p != NULL) {
            f->file = p;
            f->room = room;
        } else {
            rc = mw_fail(err, MW_ENOMEM, "out of memory");
        }
    }
    if (rc != 0) {
        mw_free(text);
        return rc;
    }
    struct import_file *one = &f->file[f->files++];
    *one = (struct import_file){ .path = mw_strdup(name), .text = text, .host = mw_strdup(host),
                                 .size = size };
    f->bytes += size;
    return one->path != NULL && one->host != NULL ? 0 : mw_fail(err, MW_ENOMEM, "out of memory");
}

/* The last part of a path, without .json. */
static void name_of(const char *path, size_t length, char ret[256])
{
    while (length > 0 && path[length - 1] == '/')
        length--;
    size_t start = length;
    while (start > 0 && path[start - 1] != '/')
        start--;
    length -= start;
    if (length > 5 && memcmp(path + start + length - 5, ".json", 5) == 0)
        length -= 5;
    (void)snprintf(ret, 256, "%.*s", (int)MW_MIN(length, (size_t)255), path + start);
}

static int add_file(struct import_files *f, const char *path, enum import_host rule,
                    struct mw_error *err)
{
    char host[256], *text = NULL;
    const char *slash = strrchr(path, '/');
    size_t size, folder = slash != NULL ? (size_t)(slash - path) : 0;
    if (rule == IMPORT_HOST_FOLDER && folder > 0)
        name_of(path, folder, host);
    else
        name_of(path, strlen(path), host);
    int rc = mw_read_file(path, IMPORT_FILE_BYTES_MAX, true, &text, &size, err);
    return rc != 0 ? rc : import_files_take(f, path, host, text, err);
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int not_hidden(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

static bool is_json(const char *name)
{
    size_t n = strlen(name);
    return n > 5 && strcmp(name + n - 5, ".json") == 0;
}

/* What a folder's entries are taken with. */
struct taking {
    struct import_files *f;
    enum import_host rule;
    struct mw_error *err;
};

typedef int entry_fn(struct taking *t, const char *path);

static int each_entry(struct taking *t, const char *path, entry_fn *take)
{
    struct dirent **entry = NULL;
    int n = scandir(path, &entry, not_hidden, alphasort), rc = 0;
    if (n < 0)
        return mw_fail(t->err, errno == EACCES ? MW_EDENIED : MW_EIO,
                       "cannot read the folder %s: %s", path, strerror(errno));
    for (int i = 0; i < n; i++) {
        char full[PATH_BYTES];
        if (rc == 0 && snprintf(full, sizeof(full), "%s/%s", path, entry[i]->d_name) <
                           (int)sizeof(full))
            rc = take(t, full);
        free(entry[i]);
    }
    free(entry);
    return rc;
}

static int take_json(struct taking *t, const char *path)
{
    return is_json(path) && !is_folder(path) ? add_file(t->f, path, t->rule, t->err) : 0;
}

static int take_either(struct taking *t, const char *path)
{
    return is_folder(path) ? each_entry(t, path, take_json) : take_json(t, path);
}

int import_files_add(struct import_files *f, const char *path, enum import_host rule,
                     struct mw_error *err)
{
    uint32_t before = f->files;
    if (!is_folder(path))
        return add_file(f, path, rule, err);
    struct taking t = { .f = f, .rule = rule, .err = err };
    int rc = each_entry(&t, path, take_either);
    if (rc == 0 && f->files == before)
        rc = mw_fail(err, MW_ENOTFOUND, "the folder %s has no files *.json", path);
    return rc;
}
