/*
 * Lines of fields parted by tabs:
 *   begin  ID ACTION TARGET WALL_MS BOOT BEFORE
 *   end    ID ACTION TARGET WALL_MS RESULT TEXT
 *   high   ID TARGET
 *   count  ACTION WALL_MS
 * The last two stand for what a rewriting left out.
 */
#include "agent/exec_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/parse.h"
#include "core/event.h"

#define NAME "actions.log"
#define NEW_NAME "actions.new"
#define LINE_MAX_BYTES 1024
#define FIELDS_MAX 7

/* ---- what is remembered -------------------------------------------------------------------- */

static struct exec_record *find(struct exec_store *s, uint64_t id)
{
    for (uint32_t i = 0; i < s->pasts; i++)
        if (s->past[i].id == id)
            return &s->past[i];
    return NULL;
}

static void remember_high(struct exec_store *s, const char *target, uint64_t id)
{
    uint32_t i = 0;
    while (i < s->targets && strcmp(s->target[i].name, target) != 0)
        i++;
    must(i < EXEC_TARGETS_MAX); /* the policy's bounds are below it; reading checks */
    if (i == s->targets) {
        s->target[s->targets] = (struct exec_target){ .highest = 0 };
        (void)snprintf(s->target[s->targets].name, EXEC_TARGET_MAX, "%s", target);
        s->targets++;
    }
    s->target[i].highest = MW_MAX(s->target[i].highest, id);
}

static void remember(struct exec_store *s, const struct exec_record *r)
{
    struct exec_record *known = find(s, r->id);
    if (known == NULL) {
        known = &s->past[s->next];
        s->next = (s->next + 1) % EXEC_PAST_MAX;
        s->pasts = MW_MIN(s->pasts + 1, EXEC_PAST_MAX);
        *known = *r;
    } else { /* its end: what was said when it began stays */
        known->result = r->result;
        memcpy(known->text, r->text, sizeof(known->text));
    }
    remember_high(s, r->target, r->id);
}

void exec_store_count(struct exec_store *s, enum exec_action action, int64_t wall_ms)
{
    must(action < EXEC_ACTIONS);
    s->begun_ms[action][s->begun_next[action]] = wall_ms;
    s->begun_next[action] = (s->begun_next[action] + 1) % EXEC_RATE_MAX;
}

const struct exec_record *exec_store_find(const struct exec_store *s, uint64_t id)
{
    for (uint32_t i = 0; i < s->pasts; i++)
        if (s->past[i].id == id)
            return &s->past[i];
    return NULL;
}

uint64_t exec_store_highest(const struct exec_store *s, const char *target)
{
    for (uint32_t i = 0; i < s->targets; i++)
        if (strcmp(s->target[i].name, target) == 0)
            return s->target[i].highest;
    return 0;
}

uint32_t exec_store_begun_since(const struct exec_store *s, enum exec_action action,
                                int64_t since_ms)
{
    uint32_t n = 0;
    must(action < EXEC_ACTIONS);
    for (uint32_t i = 0; i < EXEC_RATE_MAX; i++)
        n += s->begun_ms[action][i] > since_ms && s->begun_ms[action][i] != 0;
    return n;
}

/* ---- lines --------------------------------------------------------------------------------- */

/* A text as a field: no tab, no newline, nothing else that cannot be printed. */
static void put_field(char *line, const char *text)
{
    size_t at = strlen(line);
    if (at + 2 < LINE_MAX_BYTES)
        line[at++] = '\t';
    for (const char *s = text; *s != '\0' && at + 2 < LINE_MAX_BYTES; s++)
        line[at++] = (unsigned char)*s < ' ' || *s == 0x7f ? ' ' : *s;
    line[at] = '\0';
}

static void put_number(char *line, int64_t n)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%lld", (long long)n);
    put_field(line, text);
}

static void line_of_begin(const struct exec_record *r, char line[LINE_MAX_BYTES])
{
    (void)snprintf(line, LINE_MAX_BYTES, "begin");
    put_number(line, (int64_t)r->id);
    put_field(line, exec_action_name(r->action));
    put_field(line, r->target);
    put_number(line, r->wall_ms);
    put_field(line, r->boot);
    put_field(line, r->before);
}

static void line_of_end(const struct exec_record *r, char line[LINE_MAX_BYTES])
{
    (void)snprintf(line, LINE_MAX_BYTES, "end");
    put_number(line, (int64_t)r->id);
    put_field(line, exec_action_name(r->action));
    put_field(line, r->target);
    put_number(line, r->wall_ms);
    put_number(line, r->result);
    put_field(line, r->text);
}

/* ---- reading ------------------------------------------------------------------------------- */

static bool take_id(const char *text, uint64_t *ret)
{
    return mw_parse_u64(text, ret) == 0 && *ret > 0 && *ret <= INT64_MAX;
}

static bool take_action(const char *text, uint8_t *ret)
{
    enum exec_action a = exec_action_find(text);
    *ret = (uint8_t)a;
    return a < EXEC_ACTIONS;
}

static bool take_text(const char *text, char *to, size_t size)
{
    size_t n = strlen(text);
    if (n >= size)
        return false;
    memcpy(to, text, n + 1);
    return true;
}

static bool is_counted(const struct exec_store *s, const struct exec_record *r)
{
    for (uint32_t i = 0; i < EXEC_RATE_MAX; i++)
        if (s->begun_ms[r->action][i] == r->wall_ms)
            return true;
    return false;
}

static bool take_record(struct exec_store *s, char *const *f, bool begins)
{
    struct exec_record r = { .id = 0 };
    int64_t result = 0;
    if (!take_id(f[1], &r.id) || !take_action(f[2], &r.action) ||
        !take_text(f[3], r.target, sizeof(r.target)) || mw_parse_i64(f[4], &r.wall_ms) < 0)
        return false;
    if (begins && (!take_text(f[5], r.boot, sizeof(r.boot)) ||
                   !take_text(f[6], r.before, sizeof(r.before))))
        return false;
    if (!begins && (mw_parse_i64(f[5], &result) < 0 || result < RESULT_OK ||
                    result > RESULT_UNKNOWN || !take_text(f[6], r.text, sizeof(r.text))))
        return false;
    if (s->targets == EXEC_TARGETS_MAX && exec_store_highest(s, r.target) == 0)
        return false;
    r.result = (uint8_t)result;
    remember(s, &r);
    if (begins && !is_counted(s, &r)) /* among the counts when it stood there at a rewriting */
        exec_store_count(s, (enum exec_action)r.action, r.wall_ms);
    return true;
}

static bool take_line(struct exec_store *s, char *line)
{
    char *f[FIELDS_MAX] = { 0 };
    uint32_t n = 0;
    uint64_t id;
    uint8_t action;
    int64_t wall_ms;
    for (char *at = line; at != NULL && n < FIELDS_MAX; n++) {
        f[n] = at;
        at = strchr(at, '\t');
        if (at != NULL)
            *at++ = '\0';
    }
    if (n == 7 && (strcmp(f[0], "begin") == 0 || strcmp(f[0], "end") == 0))
        return take_record(s, f, f[0][0] == 'b');
    if (n == 3 && strcmp(f[0], "high") == 0 && take_id(f[1], &id) &&
        strlen(f[2]) < EXEC_TARGET_MAX && s->targets < EXEC_TARGETS_MAX) {
        remember_high(s, f[2], id);
        return true;
    }
    if (n == 3 && strcmp(f[0], "count") == 0 && take_action(f[1], &action) &&
        mw_parse_i64(f[2], &wall_ms) == 0) {
        exec_store_count(s, (enum exec_action)action, wall_ms);
        return true;
    }
    return false;
}

static int read_all(struct exec_store *s, FILE *f, struct mw_error *err)
{
    char line[LINE_MAX_BYTES];
    for (uint32_t number = 1; fgets(line, sizeof(line), f) != NULL; number++) {
        size_t n = strlen(line);
        if (n > 0 && line[n - 1] != '\n' && feof(f))
            break; /* not whole: it was not durable, and nothing followed from it */
        if (n == 0 || line[n - 1] != '\n')
            return mw_fail(err, MW_ECORRUPT, NAME " line %u is no line of this program", number);
        line[n - 1] = '\0';
        if (!take_line(s, line))
            return mw_fail(err, MW_ECORRUPT, NAME " line %u cannot be read: what was done is not "
                           "known; look at the file, then move it away", number);
    }
    return ferror(f) ? mw_fail(err, MW_EIO, NAME ": %s", strerror(errno)) : 0;
}

/* ---- writing ------------------------------------------------------------------------------- */

static int write_whole(int fd, const char *text, size_t size)
{
    for (size_t at = 0; at < size;) {
        ssize_t n = write(fd, text + at, size - at);
        if (n < 0 && errno != EINTR)
            return -1;
        at += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int put_line(int fd, char line[LINE_MAX_BYTES])
{
    size_t n = strlen(line);
    line[n++] = '\n'; /* put_field leaves room */
    return write_whole(fd, line, n);
}

static int put_counts(const struct exec_store *s, int fd)
{
    char line[LINE_MAX_BYTES];
    int rc = 0;
    for (uint32_t a = 0; rc == 0 && a < EXEC_ACTIONS; a++)
        for (uint32_t k = 0; rc == 0 && k < EXEC_RATE_MAX; k++) {
            uint32_t i = (s->begun_next[a] + k) % EXEC_RATE_MAX; /* the oldest first */
            int64_t ms = s->begun_ms[a][i];
            if (ms == 0)
                continue;
            (void)snprintf(line, sizeof(line), "count\t%s\t%lld", exec_action_name(a),
                           (long long)ms);
            rc = put_line(fd, line);
        }
    return rc;
}

/* A begun action is one line and its end another: the order is that of the ring. */
static int put_all(const struct exec_store *s, int fd)
{
    char line[LINE_MAX_BYTES];
    int rc = 0;
    for (uint32_t i = 0; rc == 0 && i < s->targets; i++) {
        (void)snprintf(line, sizeof(line), "high\t%llu\t%s",
                       (unsigned long long)s->target[i].highest, s->target[i].name);
        rc = put_line(fd, line);
    }
    for (uint32_t k = 0; rc == 0 && k < s->pasts; k++) {
        const struct exec_record *r = &s->past[(s->next + EXEC_PAST_MAX - s->pasts + k) %
                                               EXEC_PAST_MAX];
        if (r->boot[0] != '\0') {
            line_of_begin(r, line);
            rc = put_line(fd, line);
        }
        if (rc == 0 && r->result != 0) {
            line_of_end(r, line);
            rc = put_line(fd, line);
        }
    }
    return rc;
}

static int rewrite(struct exec_store *s, struct mw_error *err)
{
    int fd = openat(s->folder, NEW_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC,
                    0600);
    struct stat st = { .st_size = 0 };
    bool done = fd >= 0 && put_counts(s, fd) == 0 && put_all(s, fd) == 0 && fsync(fd) == 0 &&
                fstat(fd, &st) == 0 && renameat(s->folder, NEW_NAME, s->folder, NAME) == 0 &&
                fsync(s->folder) == 0;
    if (!done) {
        int why = errno;
        if (fd >= 0)
            (void)close(fd);
        return mw_fail(err, MW_EIO, NAME " cannot be written: %s", strerror(why));
    }
    if (s->file >= 0)
        (void)close(s->file);
    s->file = fd;
    s->size = (size_t)st.st_size;
    return 0;
}

static int append(struct exec_store *s, char line[LINE_MAX_BYTES], struct mw_error *err)
{
    size_t n = strlen(line) + 1;
    if (s->size + n > EXEC_STORE_BYTES_MAX && rewrite(s, err) < 0)
        return MW_EIO;
    if (put_line(s->file, line) != 0 || fdatasync(s->file) != 0)
        return mw_fail(err, MW_EIO, NAME " cannot be written: %s", strerror(errno));
    s->size += n;
    return 0;
}

/* ---- public -------------------------------------------------------------------------------- */

int exec_store_open(struct exec_store *s, const char *folder, struct mw_error *err)
{
    must(s != NULL && folder != NULL);
    *s = (struct exec_store){ .file = -1 };
    s->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->folder < 0)
        return mw_fail(err, MW_ENOTFOUND, "%s: %s", folder, strerror(errno));
    if (flock(s->folder, LOCK_EX | LOCK_NB) != 0)
        return mw_fail(err, MW_EBUSY, "%s: another mw-agent exec has it", folder);
    int fd = openat(s->folder, NAME, O_RDONLY | O_CLOEXEC);
    FILE *f = fd >= 0 ? fdopen(fd, "r") : NULL;
    if (fd < 0 && errno != ENOENT)
        return mw_fail(err, MW_EIO, "%s/" NAME ": %s", folder, strerror(errno));
    int rc = f != NULL ? read_all(s, f, err) : 0;
    if (f != NULL)
        (void)fclose(f);
    if (rc < 0)
        return mw_fail_prefix(err, "%s", folder);
    return rewrite(s, err);
}

void exec_store_close(struct exec_store *s)
{
    if (s->file >= 0)
        (void)close(s->file);
    if (s->folder >= 0)
        (void)close(s->folder);
    s->file = s->folder = -1;
}

int exec_store_begin(struct exec_store *s, const struct exec_record *r, struct mw_error *err)
{
    char line[LINE_MAX_BYTES];
    must(r->id > 0 && r->id <= INT64_MAX && r->result == 0 && r->boot[0] != '\0');
    line_of_begin(r, line);
    int rc = append(s, line, err);
    if (rc < 0)
        return rc;
    remember(s, r);
    exec_store_count(s, (enum exec_action)r->action, r->wall_ms);
    return 0;
}

int exec_store_end(struct exec_store *s, const struct exec_record *r, struct mw_error *err)
{
    char line[LINE_MAX_BYTES];
    must(r->id > 0 && r->id <= INT64_MAX && r->result >= RESULT_OK &&
         r->result <= RESULT_UNKNOWN);
    line_of_end(r, line);
    remember(s, r); /* also when it cannot be written: while we run it is known */
    return append(s, line, err);
}
