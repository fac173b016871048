/* Reading the audit log backwards, and checking it.  See audit.h. */
#include "api/audit_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#define LOOK_MAX 5000 /* lines looked at in one call (chosen: some 30 ms), then one asks on */

/* Reads exactly `size` bytes; a file that was cut meanwhile is an error. */
static int read_at(int fd, char *buf, size_t size, uint64_t at, const char *folder,
                   struct mw_error *err)
{
    for (size_t have = 0; have < size;) {
        ssize_t n = pread(fd, buf + have, size - have, (off_t)(at + have));
        if (n == 0)
            return mw_fail(err, MW_EIO, "%s/" AUDIT_FILE " was cut while it was read", folder);
        if (n < 0 && errno != EINTR)
            return audit_system_fail(err, "read", folder);
        have += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

int audit_lines_torn(const struct audit_lines *l, uint64_t *ret_end, const char *folder,
                     struct mw_error *err)
{
    char buf[4096];
    for (uint64_t end = l->end; end > 0;) {
        size_t size = (size_t)MW_MIN(end, sizeof(buf));
        int rc = read_at(l->fd, buf, size, end - size, folder, err);
        if (rc < 0)
            return rc;
        const char *last = memrchr(buf, '\n', size);
        if (last != NULL) {
            *ret_end = end - size + (uint64_t)(last - buf) + 1;
            return 0;
        }
        end -= size;
    }
    *ret_end = 0;
    return 0;
}

/* Makes the window hold what ends at l->end, as far back as it reaches. */
static int fill(struct audit_lines *l, const char *folder, struct mw_error *err)
{
    if (l->window == NULL)
        l->window = mw_calloc(1, AUDIT_WINDOW);
    if (l->window == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    l->size = (size_t)MW_MIN(l->end, AUDIT_WINDOW);
    l->begin = l->end - l->size;
    return read_at(l->fd, l->window, l->size, l->begin, folder, err);
}

int audit_lines_before(struct audit_lines *l, char ret[AUDIT_LINE_MAX], size_t *ret_size,
                       const char *folder, struct mw_error *err)
{
    *ret_size = 0;
    for (uint32_t tries = 0; l->end > 0; tries++) {
        if (l->window == NULL || l->begin >= l->end || tries > 0) {
            int rc = fill(l, folder, err);
            if (rc < 0)
                return rc;
        }
        size_t have = (size_t)(l->end - l->begin) - 1; /* without its end of line */
        const char *before = memrchr(l->window, '\n', have);
        const char *from = before != NULL ? before + 1 : l->window;
        if (before == NULL && l->begin > 0 && tries == 0)
            continue; /* it begins before the window */
        size_t size = have - (size_t)(from - l->window);
        if ((before == NULL && l->begin > 0) || size >= AUDIT_LINE_MAX)
            return mw_fail(err, MW_ECORRUPT, "a line of %s/" AUDIT_FILE " has over %d bytes",
                           folder, AUDIT_LINE_MAX);
        memcpy(ret, from, size);
        ret[size] = '\0';
        *ret_size = size;
        l->end -= size + 1;
        return 0;
    }
    return 0;
}

/* ---- backwards ----------------------------------------------------------------------------- */

static int read_rows(struct audit_lines *l, const char *folder, const struct audit_wish *w,
                     json_t *rows, struct mw_error *err)
{
    char line[AUDIT_LINE_MAX];
    for (uint32_t looked = 0; looked < LOOK_MAX && json_array_size(rows) < w->limit; looked++) {
        size_t size = 0;
        int rc = audit_lines_before(l, line, &size, folder, err);
        if (rc < 0 || size == 0)
            return rc;
        json_t *o = json_loadb(line, size, 0, NULL);
        if (json_is_object(o) && (w->keep == NULL || w->keep(w->ctx, o)))
            (void)json_array_append(rows, o);
        json_decref(o);
    }
    return 0;
}

/* Where to begin: at the end of the last whole line, or where an earlier call stopped. */
static int begin_at(struct audit_lines *l, uint64_t before, const char *folder,
                    struct mw_error *err)
{
    char c = '\0';
    if (before == 0)
        return audit_lines_torn(l, &l->end, folder, err);
    int rc = before <= l->end ? read_at(l->fd, &c, 1, before - 1, folder, err) : 0;
    if (rc == 0 && c != '\n')
        rc = mw_fail(err, MW_EINVAL, "there is no line that ends there: begin again without a "
                     "cursor");
    l->end = before;
    return rc;
}

static int open_to_read(const char *folder, struct audit_lines *l, struct mw_error *err)
{
    char path[AUDIT_PATH_ROOM];
    struct stat st;
    int rc = audit_path(folder, path, err);
    if (rc < 0)
        return rc;
    l->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (l->fd < 0)
        return audit_system_fail(err, "read", folder);
    if (fstat(l->fd, &st) == 0) {
        l->end = (uint64_t)st.st_size;
        return 0;
    }
    rc = audit_system_fail(err, "read", folder);
    (void)close(l->fd);
    return rc;
}

int audit_read(const char *folder, const struct audit_wish *w, json_t **ret_rows,
               uint64_t *ret_next, struct mw_error *err)
{
    struct audit_lines l = { .fd = -1 };
    must(folder != NULL && w != NULL && ret_rows != NULL && ret_next != NULL);
    must(w->limit >= 1 && w->limit <= 10000);
    int rc = open_to_read(folder, &l, err);
    if (rc < 0)
        return rc;
    json_t *rows = json_array();
    rc = rows != NULL ? begin_at(&l, w->before, folder, err)
                      : mw_fail(err, MW_ENOMEM, "out of memory");
    if (rc == 0)
        rc = read_rows(&l, folder, w, rows, err);
    (void)close(l.fd);
    mw_free(l.window);
    if (rc < 0) {
        json_decref(rows);
        return rc == MW_ECORRUPT ? mw_fail(err, rc, "%s/" AUDIT_FILE " is damaged: mw audit verify "
                                           "says where", folder)
                                 : rc;
    }
    *ret_rows = rows;
    *ret_next = l.end;
    return 0;
}

/* ---- forwards ------------------------------------------------------------------------------ */

/* Is `line` the nth, linked to the one before?  Says why not. */
static bool good_line(struct audit_report *r, const char *line, size_t size)
{
    uint64_t n = r->lines + 1;
    json_t *o = json_loadb(line, size, JSON_REJECT_DUPLICATES, NULL);
    const char *prev = json_string_value(json_object_get(o, "prev"));
    bool numbered = json_integer_value(json_object_get(o, "n")) == (json_int_t)n;
    bool linked = prev != NULL && strcmp(prev, r->last) == 0;
    if (!json_is_object(o) || prev == NULL)
        (void)snprintf(r->why, sizeof(r->why), "line %llu is no line of an audit log",
                       (unsigned long long)n);
    else if (!linked && numbered && n > 1)
        (void)snprintf(r->why, sizeof(r->why), "line %llu was changed after line %llu was written",
                       (unsigned long long)(n - 1), (unsigned long long)n);
    else if (!linked || !numbered)
        (void)snprintf(r->why, sizeof(r->why), "before line %llu lines were removed or inserted",
                       (unsigned long long)n);
    json_decref(o);
    if (r->why[0] != '\0')
        return false;
    r->lines = n;
    audit_hash(line, size, r->last);
    return true;
}

/* Every line of f; the file's own bounds end it. */
static int verify_lines(FILE *f, const struct audit_kept *kept, struct audit_report *r,
                        const char *folder, struct mw_error *err)
{
    char line[AUDIT_LINE_MAX + 1];
    while (fgets(line, sizeof(line), f) != NULL) {
        size_t size = strlen(line);
        if (size == 0 || line[size - 1] != '\n') {
            r->torn = feof(f) != 0 && size > 0;
            if (!r->torn)
                (void)snprintf(r->why, sizeof(r->why), "line %llu is too long or holds a zero byte",
                               (unsigned long long)r->lines + 1);
            break;
        }
        if (!good_line(r, line, size - 1))
            break;
        if (kept != NULL && r->lines == kept->n && strcmp(r->last, kept->hash) != 0) {
            (void)snprintf(r->why, sizeof(r->why), "line %llu is another than the one kept: the "
                           "log was written anew", (unsigned long long)r->lines--);
            break;
        }
    }
    if (ferror(f))
        return audit_system_fail(err, "read", folder);
    if (r->why[0] == '\0' && kept != NULL && r->lines < kept->n)
        (void)snprintf(r->why, sizeof(r->why), "it ends at line %llu, and line %llu was kept: its "
                       "end was cut off", (unsigned long long)r->lines,
                       (unsigned long long)kept->n);
    r->whole = r->why[0] == '\0';
    r->bad_n = r->whole ? 0 : r->lines + 1;
    return 0;
}

int audit_verify(const char *folder, const struct audit_kept *kept, struct audit_report *ret,
                 struct mw_error *err)
{
    char path[AUDIT_PATH_ROOM];
    must(folder != NULL && ret != NULL);
    *ret = (struct audit_report){ 0 };
    audit_first(ret->last);
    int rc = audit_path(folder, path, err);
    if (rc < 0)
        return rc;
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return audit_system_fail(err, "read", folder);
    rc = verify_lines(f, kept, ret, folder, err);
    (void)fclose(f);
    return rc;
}
