/*
 * Writing the audit log and mending its end.  Reading it backwards and checking
 * it are in audit_read.c.  See audit.h.
 *
 * The hash of a line is that of its bytes without the end of line; the first
 * line's "prev" is 64 zeros.  A line is written by one write().
 */
#include "api/audit_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/format.h"
#include "base/mem.h"
#include "base/units.h"

#define TARGET_MAX 256
#define WHO_MAX 64
#define DETAIL_MAX 512

struct audit {
    int fd;
    uint64_t size;            /* bytes of whole lines */
    uint64_t n;               /* of the last line */
    char prev[MW_HEX256_MAX]; /* its hash */
    int64_t second_ns;        /* refusals are counted by the second */
    uint32_t refusals, left_out;
};

int audit_system_fail(struct mw_error *err, const char *what, const char *folder)
{
    int code = errno == EACCES || errno == EPERM || errno == ELOOP ? MW_EDENIED
               : errno == ENOSPC || errno == EDQUOT                ? MW_ENOSPC
               : errno == ENOENT                                   ? MW_ENOTFOUND
                                                                   : MW_EIO;
    return mw_fail(err, code, "cannot %s the audit log %s/" AUDIT_FILE ": %s", what, folder,
                   strerror(errno));
}

int audit_path(const char *folder, char ret[AUDIT_PATH_ROOM], struct mw_error *err)
{
    int n = snprintf(ret, AUDIT_PATH_ROOM, "%s/" AUDIT_FILE, folder);
    return n > 0 && n < AUDIT_PATH_ROOM
               ? 0
               : mw_fail(err, MW_EINVAL, "the path %.100s… is too long", folder);
}

void audit_hash(const char *line, size_t size, char ret[MW_HEX256_MAX])
{
    uint8_t hash[MW_SHA256_SIZE];
    const struct mw_piece piece = { .data = line, .size = size };
    mw_sha256(&piece, 1, hash);
    mw_hex256(hash, ret);
}

void audit_first(char ret[MW_HEX256_MAX])
{
    memset(ret, '0', MW_HEX256_MAX - 1);
    ret[MW_HEX256_MAX - 1] = '\0';
}

/* A copy that is UTF-8 and at most room - 1 bytes: what jansson takes. */
static json_t *text_json(const char *s, size_t room)
{
    if (s == NULL || s[0] == '\0')
        return json_null();
    size_t n = strnlen(s, room - 1);
    for (uint32_t cut = 0; cut < 4 && n > cut; cut++) { /* not within a character */
        json_t *o = json_stringn(s, n - cut);
        if (o != NULL)
            return o;
    }
    return json_string("(not UTF-8)");
}

static json_t *line_json(const struct audit *a, const struct audit_entry *e)
{
    char time[40];
    mw_format_time(e->time_ns, time, sizeof(time));
    json_t *seq = e->seq != 0 ? json_integer((json_int_t)e->seq) : json_null();
    return json_pack("{s:I, s:s, s:o, s:I, s:s, s:o, s:o, s:i, s:o, s:o, s:I, s:s}", "n",
                     (json_int_t)(a->n + 1), "time", time, "who", text_json(e->who, WHO_MAX),
                     "actor", (json_int_t)e->actor, "via", e->via != NULL ? e->via : "none",
                     "route", text_json(e->route, WHO_MAX), "target",
                     text_json(e->target, TARGET_MAX), "status", e->status, "seq", seq, "detail",
                     text_json(e->detail, DETAIL_MAX), "left_out", (json_int_t)a->left_out,
                     "prev", a->prev);
}

/* Is it one of those that anybody can cause, and were there too many in this second? */
static bool leave_out(struct audit *a, const struct audit_entry *e, bool sync)
{
    int64_t second_ns = e->time_ns - e->time_ns % MW_NS_PER_S;
    bool nobody = e->who == NULL || e->who[0] == '\0';
    if (!nobody && (sync || e->status < 400))
        return false;
    if (second_ns != a->second_ns) {
        a->second_ns = second_ns;
        a->refusals = 0;
    }
    if (a->refusals++ < AUDIT_REFUSALS_PER_S)
        return false;
    a->left_out++;
    return true;
}

/* One write; what was written in part is taken back. */
static int append(struct audit *a, const char *line, size_t size, bool sync, struct mw_error *err)
{
    ssize_t n = pwrite(a->fd, line, size, (off_t)a->size);
    if (n == (ssize_t)size && (!sync || fdatasync(a->fd) == 0)) {
        a->size += size;
        return 0;
    }
    int why = n >= 0 && n < (ssize_t)size ? ENOSPC : errno;
    (void)ftruncate(a->fd, (off_t)a->size);
    return mw_fail(err, why == ENOSPC || why == EDQUOT ? MW_ENOSPC : MW_EIO,
                   "the audit log cannot be written: %s", strerror(why));
}

int audit_add(struct audit *a, const struct audit_entry *e, bool sync, struct mw_error *err)
{
    must(a != NULL && e != NULL && e->status >= 100 && e->status <= 599);
    if (leave_out(a, e, sync))
        return 0;
    char line[AUDIT_LINE_MAX];
    json_t *o = line_json(a, e);
    size_t size = o != NULL ? json_dumpb(o, line, sizeof(line) - 1, JSON_COMPACT) : 0;
    json_decref(o);
    if (size == 0 || size >= sizeof(line))
        return mw_fail(err, MW_ENOMEM, "out of memory");
    line[size] = '\n';
    int rc = append(a, line, size + 1, sync, err);
    if (rc < 0)
        return rc;
    audit_hash(line, size, a->prev);
    a->n++;
    a->left_out = 0;
    return 0;
}

/* ---- opening ------------------------------------------------------------------------------- */

/* Sets n and prev from the last whole line, and cuts off what follows it. */
static int take_end(struct audit *a, const char *folder, uint64_t file_size, struct mw_error *err)
{
    char line[AUDIT_LINE_MAX];
    struct audit_lines at = { .fd = a->fd, .end = file_size };
    audit_first(a->prev);
    int rc = audit_lines_torn(&at, &a->size, folder, err);
    if (rc == 0 && a->size < file_size && ftruncate(a->fd, (off_t)a->size) != 0)
        rc = audit_system_fail(err, "mend", folder);
    at.end = a->size;
    size_t size = 0;
    if (rc == 0 && a->size > 0)
        rc = audit_lines_before(&at, line, &size, folder, err);
    mw_free(at.window);
    if (rc < 0 || size == 0)
        return rc;
    json_t *o = json_loadb(line, size, 0, NULL);
    json_int_t n = json_integer_value(json_object_get(o, "n"));
    json_decref(o);
    if (n <= 0)
        return mw_fail(err, MW_ECORRUPT, "the last line of %s/" AUDIT_FILE " is no line of an "
                       "audit log: look at it with mw audit verify, then move it away", folder);
    a->n = (uint64_t)n;
    audit_hash(line, size, a->prev);
    return 0;
}

static int open_log(struct audit *a, const char *folder, struct mw_error *err)
{
    struct stat st;
    char path[AUDIT_PATH_ROOM];
    int rc = audit_path(folder, path, err);
    if (rc < 0)
        return rc;
    a->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (a->fd < 0)
        return audit_system_fail(err, "open", folder);
    if (flock(a->fd, LOCK_EX | LOCK_NB) != 0)
        return mw_fail(err, MW_EBUSY, "another daemon writes %s", path);
    if (fstat(a->fd, &st) != 0)
        return audit_system_fail(err, "read", folder);
    if (!S_ISREG(st.st_mode))
        return mw_fail(err, MW_EDENIED, "%s is no regular file", path);
    return take_end(a, folder, (uint64_t)st.st_size, err);
}

int audit_open(const char *folder, struct audit **ret, struct mw_error *err)
{
    must(folder != NULL && ret != NULL);
    struct audit *a = mw_calloc(1, sizeof(*a));
    if (a == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    a->fd = -1;
    int rc = open_log(a, folder, err);
    if (rc < 0) {
        audit_close(a);
        return rc;
    }
    *ret = a;
    return 0;
}

void audit_close(struct audit *a)
{
    if (a == NULL)
        return;
    if (a->fd >= 0)
        (void)close(a->fd);
    mw_free(a);
}
