/* Lines in, rows in memory; see the header. */
#include "live/authority_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/parse.h"

#define CHUNK 65536

/* ---- words --------------------------------------------------------------------------------- */

/* The value of "key=" in a line of words parted by blanks; false: not there, or too long. */
static bool word(const char *line, size_t size, const char *key, char *to, size_t to_size)
{
    size_t key_size = strlen(key);
    const char *end = line + size;
    for (const char *at = line; at < end;) {
        const char *blank = memchr(at, ' ', (size_t)(end - at));
        const char *stop = blank != NULL ? blank : end;
        size_t n = (size_t)(stop - at);
        if (n > key_size && memcmp(at, key, key_size) == 0 && at[key_size] == '=') {
            size_t length = n - key_size - 1;
            if (length == 0 || length >= to_size)
                return false;
            memcpy(to, at + key_size + 1, length);
            to[length] = '\0';
            return true;
        }
        at = blank != NULL ? blank + 1 : end;
    }
    return false;
}

static bool number(const char *line, size_t size, const char *key, int64_t *ret)
{
    char text[24];
    return word(line, size, key, text, sizeof(text)) && mw_parse_i64(text, ret) == 0 && *ret >= 0;
}

static bool role(const char *line, size_t size, bool *ret_gather)
{
    char text[8];
    if (!word(line, size, "role", text, sizeof(text)))
        return false;
    *ret_gather = strcmp(text, "gather") == 0;
    return *ret_gather || strcmp(text, "agent") == 0;
}

static bool is_verb(const char *line, size_t size, const char *verb)
{
    size_t n = strlen(verb);
    return size > n && memcmp(line, verb, n) == 0 && line[n] == ' ';
}

bool authority_name_is_right(const char *name)
{
    size_t n = strnlen(name, TLS_NAME_MAX);
    bool right = n > 0 && n < TLS_NAME_MAX;
    for (size_t i = 0; right && i < n; i++)
        right = name[i] > ' ' && name[i] <= '~';
    return right;
}

static bool read_hash(const char *text, uint8_t to[32])
{
    static const char digits[] = "0123456789abcdef";
    if (strlen(text) != 64)
        return false;
    for (size_t i = 0; i < 32; i++) {
        const char *high = strchr(digits, text[2 * i]), *low = strchr(digits, text[2 * i + 1]);
        if (high == NULL || low == NULL)
            return false;
        to[i] = (uint8_t)((high - digits) * 16 + (low - digits));
    }
    return true;
}

/* ---- rows ---------------------------------------------------------------------------------- */

struct authority_token *authority_log_token(const struct authority_log *l, const char *id)
{
    for (uint32_t i = 0; i < l->tokens; i++)
        if (strcmp(l->token[i].id, id) == 0)
            return &l->token[i];
    return NULL;
}

struct authority_node *authority_log_node(const struct authority_log *l, const char *name)
{
    uint32_t row = l->nodes > 0 ? map_get(&l->of_name, mw_hash64_of(name, strlen(name))) : MW_NONE;
    return row != MW_NONE && strcmp(l->node[row].name, name) == 0 ? &l->node[row] : NULL;
}

static int more_nodes(struct authority_log *l)
{
    uint32_t room = MW_MAX(l->node_room * 2, 64u);
    struct map index = { 0 };
    struct authority_node *rows = mw_resize(l->node, room, sizeof(*rows));
    if (rows == NULL)
        return MW_ENOMEM;
    l->node = rows;
    if (map_init(&index, room) < 0)
        return MW_ENOMEM;
    map_fini(&l->of_name);
    l->of_name = index;
    l->node_room = room;
    for (uint32_t i = 0; i < l->nodes; i++)
        map_put(&l->of_name, mw_hash64_of(rows[i].name, strlen(rows[i].name)), i);
    return 0;
}

/* The row of a name, made when there is none. */
static int node_of(struct authority_log *l, const char *name, struct authority_node **ret)
{
    *ret = authority_log_node(l, name);
    if (*ret != NULL)
        return 0;
    uint64_t hash = mw_hash64_of(name, strlen(name));
    if (l->nodes > 0 && map_get(&l->of_name, hash) != MW_NONE)
        return MW_ESYNTAX; /* another name with the same 64 bits */
    if (l->nodes >= AUTHORITY_ROWS_MAX)
        return MW_ELIMIT;
    if (l->nodes == l->node_room && more_nodes(l) < 0)
        return MW_ENOMEM;
    *ret = &l->node[l->nodes];
    **ret = (struct authority_node){ .issued = 0 };
    (void)snprintf((*ret)->name, sizeof((*ret)->name), "%s", name);
    map_put(&l->of_name, hash, l->nodes++);
    return 0;
}

/* ---- folding ------------------------------------------------------------------------------- */

static int fold_token(struct authority_log *l, const char *line, size_t size)
{
    struct authority_token t = { .uses = 0 };
    char hash[65];
    int64_t uses = 0;
    if (!word(line, size, "id", t.id, sizeof(t.id)) ||
        !word(line, size, "hash", hash, sizeof(hash)) || !read_hash(hash, t.hash) ||
        !role(line, size, &t.gather) || !number(line, size, "uses", &uses) ||
        uses > UINT32_MAX || !word(line, size, "pattern", t.pattern, sizeof(t.pattern)) ||
        !number(line, size, "made", &t.made_s) || !number(line, size, "ends", &t.ends_s) ||
        authority_log_token(l, t.id) != NULL)
        return MW_ESYNTAX;
    t.uses = (uint32_t)uses;
    if (l->tokens >= AUTHORITY_ROWS_MAX)
        return MW_ELIMIT;
    if (l->tokens == l->token_room) {
        uint32_t room = MW_MAX(l->token_room * 2, 16u);
        struct authority_token *rows = mw_resize(l->token, room, sizeof(*rows));
        if (rows == NULL)
            return MW_ENOMEM;
        l->token = rows;
        l->token_room = room;
    }
    l->token[l->tokens++] = t;
    return 0;
}

static int fold_use(struct authority_log *l, const char *line, size_t size, bool ended)
{
    char id[9];
    int64_t at_s = 0;
    if (!word(line, size, "id", id, sizeof(id)) || !number(line, size, "at", &at_s))
        return MW_ESYNTAX;
    struct authority_token *t = authority_log_token(l, id);
    if (t == NULL)
        return MW_ESYNTAX;
    if (ended)
        t->revoked_s = MW_MAX(at_s, INT64_C(1));
    else if (t->used < UINT32_MAX)
        t->used++;
    return 0;
}

static int fold_issued(struct authority_log *l, const char *line, size_t size)
{
    struct authority_node as = { .issued = 0 }, *n;
    if (!role(line, size, &as.gather) ||
        !word(line, size, "serial", as.serial, sizeof(as.serial)) ||
        !word(line, size, "name", as.name, sizeof(as.name)) || !authority_name_is_right(as.name) ||
        !number(line, size, "at", &as.issued_s) || !number(line, size, "ends", &as.ends_s))
        return MW_ESYNTAX;
    int rc = node_of(l, as.name, &n);
    if (rc < 0)
        return rc;
    as.issued = n->issued + 1;
    as.revoked_s = n->revoked_s;
    *n = as;
    return 0;
}

static int fold_revoked(struct authority_log *l, const char *line, size_t size)
{
    char name[TLS_NAME_MAX];
    int64_t at_s = 0;
    struct authority_node *n;
    if (!word(line, size, "name", name, sizeof(name)) || !authority_name_is_right(name) ||
        !number(line, size, "at", &at_s))
        return MW_ESYNTAX;
    int rc = node_of(l, name, &n);
    if (rc < 0)
        return rc;
    n->revoked_s = MW_MAX(n->revoked_s, MW_MAX(at_s, INT64_C(1)));
    l->revocations++;
    return 0;
}

int authority_log_fold(struct authority_log *l, const char *line, size_t size)
{
    if (is_verb(line, size, "token"))
        return fold_token(l, line, size);
    if (is_verb(line, size, "used"))
        return fold_use(l, line, size, false);
    if (is_verb(line, size, "ended"))
        return fold_use(l, line, size, true);
    if (is_verb(line, size, "issued"))
        return fold_issued(l, line, size);
    return is_verb(line, size, "revoked") ? fold_revoked(l, line, size) : MW_ESYNTAX;
}

/* ---- the file ------------------------------------------------------------------------------ */

int authority_log_open(struct authority_log *l, const char *path, struct mw_error *err)
{
    struct stat st;
    *l = (struct authority_log){ .file = -1 };
    l->file = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (l->file < 0 || fstat(l->file, &st) != 0) {
        int rc = mw_fail(err, errno == EACCES ? MW_EDENIED : MW_EIO, "%s: %s", path,
                         strerror(errno));
        authority_log_close(l);
        return rc;
    }
    int rc = 0;
    if (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0 || st.st_uid != geteuid())
        rc = mw_fail(err, MW_EDENIED, "%s is open to others, or another's: chmod 600 it, as the "
                     "user that runs mw serve", path);
    else
        rc = authority_log_read(l, err);
    if (rc < 0)
        authority_log_close(l);
    return rc;
}

void authority_log_close(struct authority_log *l)
{
    if (l->file >= 0)
        (void)close(l->file);
    mw_free(l->token);
    mw_free(l->node);
    map_fini(&l->of_name);
    *l = (struct authority_log){ .file = -1 };
}

/* Folds the whole lines of a chunk; how many bytes these are. */
static int fold_chunk(struct authority_log *l, const char *from, size_t size, size_t *ret_used)
{
    size_t used = 0;
    for (const char *end; (end = memchr(from + used, '\n', size - used)) != NULL;) {
        int rc = authority_log_fold(l, from + used, (size_t)(end - (from + used)));
        if (rc == MW_ESYNTAX)
            l->lines_bad++;
        else if (rc < 0)
            return rc;
        used = (size_t)(end - from) + 1;
    }
    *ret_used = used;
    return 0;
}

int authority_log_read(struct authority_log *l, struct mw_error *err)
{
    char *chunk = mw_calloc(1, CHUNK);
    int rc = chunk != NULL ? 0 : MW_ENOMEM;
    for (bool more = true; rc == 0 && more;) {
        size_t used = 0;
        ssize_t n = pread(l->file, chunk, CHUNK, (off_t)l->read);
        if (n < 0 && errno == EINTR)
            continue;
        rc = n < 0 ? MW_EIO : fold_chunk(l, chunk, (size_t)n, &used);
        if (used == 0 && n == CHUNK)
            used = CHUNK; /* a line that long is none of ours */
        l->read += used;
        more = used > 0;
    }
    mw_free(chunk);
    return rc == 0 ? 0 : mw_fail(err, rc, "the list of certificates cannot be read: %s",
                                 rc == MW_EIO ? strerror(errno) : mw_code_text(rc));
}

int authority_log_lock(struct authority_log *l, struct mw_error *err)
{
    int got;
    do
        got = flock(l->file, LOCK_EX);
    while (got != 0 && errno == EINTR);
    if (got != 0)
        return mw_fail(err, MW_EIO, "the list of certificates cannot be locked: %s",
                       strerror(errno));
    int rc = authority_log_read(l, err);
    if (rc < 0)
        authority_log_unlock(l);
    return rc;
}

void authority_log_unlock(struct authority_log *l)
{
    (void)flock(l->file, LOCK_UN);
}

/* What a writer that died left without its newline must not join the next line. */
static bool end_torn_line(const struct authority_log *l)
{
    struct stat st;
    if (fstat(l->file, &st) != 0)
        return false;
    return (uint64_t)st.st_size == l->read || write(l->file, "\n", 1) == 1;
}

int authority_log_add(struct authority_log *l, struct mw_error *err, const char *fmt, ...)
{
    char line[AUTHORITY_LINE_MAX];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(line, sizeof(line) - 1, fmt, ap);
    va_end(ap);
    must(n > 0 && (size_t)n < sizeof(line) - 1);
    line[n++] = '\n';
    if (end_torn_line(l) && write(l->file, line, (size_t)n) == n && fdatasync(l->file) == 0)
        return authority_log_read(l, err);
    return mw_fail(err, errno == ENOSPC ? MW_ENOSPC : MW_EIO,
                   "the list of certificates cannot be written: %s", strerror(errno));
}
