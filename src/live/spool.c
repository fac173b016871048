/*
 * The file is one header and lines; all that is known of it is where the last
 * line ends and where the next to send begins.  Acknowledged lines go when the
 * file is empty of others, or are left behind when it is full.
 */
#include "live/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/parse.h"
#include "live/agent_frame.h"
#include "live/spool_sync.h"

#define FILE_NAME "events"
#define NEW_NAME "events.new"
#define BAD_NAME "events.damaged"
#define ID_DIGITS (SPOOL_ID_SIZE - 1)
#define BOOT_MAX 36
#define TRIM_BYTES ((uint64_t)64 << 10) /* an empty file that is larger is cut */
#define CHUNK ((size_t)2 * AGENT_FRAME_MAX)
#define E_MAX 24                        /* " e=18446744073709551615" */

struct spool {
    int dir, file;              /* dir: -1 in memory */
    char id[SPOOL_ID_SIZE];
    char boot[BOOT_MAX + 1];
    uint64_t bytes_max;
    uint64_t base, last;        /* e of the first line in the file, of the last (base - 1: none) */
    uint64_t acked;             /* e; at least base - 1 */
    uint64_t next;              /* e of the next line to send */
    uint64_t next_at, end;      /* where that line begins; where the last ends */
    struct spool_sync *sync;    /* NULL in memory */
    struct spool_stats stats;
};

/* ---- the header ---------------------------------------------------------------------------- */

static void header_text(const struct spool *s, char to[SPOOL_HEAD + 1])
{
    int n = snprintf(to, SPOOL_HEAD + 1, "mw-spool 1 id=%s base=%020llu acked=%020llu boot=%s",
                     s->id, (unsigned long long)s->base, (unsigned long long)s->acked, s->boot);
    must(n > 0 && n < SPOOL_HEAD);
    memset(to + n, ' ', SPOOL_HEAD - 1 - (size_t)n);
    to[SPOOL_HEAD - 1] = '\n';
    to[SPOOL_HEAD] = '\0';
}

static bool write_header(const struct spool *s)
{
    char text[SPOOL_HEAD + 1];
    header_text(s, text);
    return pwrite(s->file, text, SPOOL_HEAD, 0) == SPOOL_HEAD;
}

/* The word behind "key=" at `at`, of exactly `size` bytes. */
static bool word_at(const char *text, size_t at, const char *key, size_t size, char *to)
{
    size_t n = strlen(key);
    if (strncmp(text + at, key, n) != 0)
        return false;
    memcpy(to, text + at + n, size);
    to[size] = '\0';
    return true;
}

static bool is_hex(const char *text)
{
    return strspn(text, "0123456789abcdef") == strlen(text);
}

/* Reads the header into s; false: this is none of ours. */
static bool read_header(struct spool *s)
{
    char text[SPOOL_HEAD + 1] = "", again[SPOOL_HEAD + 1], base[24], acked[24];
    if (pread(s->file, text, SPOOL_HEAD, 0) != SPOOL_HEAD || text[SPOOL_HEAD - 1] != '\n' ||
        strncmp(text, "mw-spool 1 ", 11) != 0 ||
        !word_at(text, 11, "id=", ID_DIGITS, s->id) || !is_hex(s->id) ||
        !word_at(text, 31, "base=", 20, base) || !word_at(text, 57, "acked=", 20, acked) ||
        !word_at(text, 84, "boot=", BOOT_MAX, s->boot))
        return false;
    s->boot[strcspn(s->boot, " ")] = '\0';
    if (mw_parse_u64(base, &s->base) < 0 || mw_parse_u64(acked, &s->acked) < 0 || s->base == 0 ||
        s->acked + 1 < s->base)
        return false;
    header_text(s, again);
    return memcmp(text, again, SPOOL_HEAD) == 0;
}

static void new_numbers(struct spool *s, const char *boot)
{
    uint64_t random = 0;
    if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
        random = (uint64_t)getpid(); /* cannot be: the kernel's pool is ready long before us */
    (void)snprintf(s->id, sizeof(s->id), "%016llx", (unsigned long long)random);
    (void)snprintf(s->boot, sizeof(s->boot), "%.*s", BOOT_MAX, boot);
    s->boot[strcspn(s->boot, " \n")] = '\0';
    s->base = 1;
    s->acked = 0;
}

/* ---- walking lines ------------------------------------------------------------------------- */

struct walk {
    int file;
    uint64_t at, end;    /* the next line begins at `at` */
    char chunk[CHUNK];
    uint64_t from;       /* chunk[0] is at this place of the file */
    size_t have;
};

/* The next whole line with its newline: its length, 0 = no more. */
static size_t walk_line(struct walk *w, const char **ret)
{
    for (int tries = 0; tries < 2; tries++) {
        size_t skip = w->at >= w->from ? (size_t)(w->at - w->from) : w->have;
        const char *line = w->chunk + MW_MIN(skip, w->have);
        size_t left = w->have - MW_MIN(skip, w->have);
        const char *end = memchr(line, '\n', left);
        if (end != NULL) {
            size_t size = (size_t)(end - line) + 1;
            w->at += size;
            *ret = line;
            return size;
        }
        ssize_t n = w->at < w->end
                        ? pread(w->file, w->chunk, MW_MIN((uint64_t)CHUNK, w->end - w->at),
                                (off_t)w->at)
                        : 0;
        if (n <= 0)
            return 0;
        w->from = w->at;
        w->have = (size_t)n;
    }
    return 0;
}

static bool is_event(const char *line, size_t size)
{
    struct agent_frame f;
    return size > 1 && size <= AGENT_FRAME_MAX - E_MAX &&
           agent_frame_read(line, size - 1, &f, NULL) == 0 && agent_verb_is_event(f.verb) &&
           f.e == 0;
}

static bool append(int file, uint64_t at, const char *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = pwrite(file, bytes + done, size - done, (off_t)(at + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

/* ---- making the file anew ------------------------------------------------------------------ */

static int new_file(const struct spool *s)
{
    if (s->dir < 0)
        return memfd_create("mw-spool", MFD_CLOEXEC);
    return openat(s->dir, NEW_NAME, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* Copies the lines behind `acked` that are events; how many, or -1. */
static int64_t copy_lines(const struct spool *s, int to, uint64_t *ret_end)
{
    struct walk *w = calloc(1, sizeof(*w));
    int64_t lines = 0;
    uint64_t e = s->base, end = SPOOL_HEAD;
    const char *line;
    if (w == NULL)
        return -1;
    *w = (struct walk){ .file = s->file, .at = SPOOL_HEAD, .end = s->end };
    for (size_t size; lines >= 0 && (size = walk_line(w, &line)) > 0; e++) {
        if (e <= s->acked || !is_event(line, size))
            continue;
        lines = append(to, end, line, size) ? lines + 1 : -1;
        end += size;
    }
    free(w);
    *ret_end = end;
    return lines;
}

/* Puts a new file with the lines that are not acknowledged in the place of the old, which may be
 * none; s has its numbers already when `fresh`. On failure all is as it was. */
static bool rewrite(struct spool *s, bool fresh, uint64_t base, uint64_t acked)
{
    struct spool as = *s; /* as it will be */
    as.file = new_file(s);
    if (as.file < 0)
        return false;
    int64_t lines = s->file >= 0 ? copy_lines(s, as.file, &as.end) : 0;
    if (s->file < 0)
        as.end = SPOOL_HEAD;
    as.base = base;
    as.acked = acked;
    if (lines < 0 || !write_header(&as) ||
        (s->dir >= 0 && (fdatasync(as.file) != 0 ||
                         renameat(s->dir, NEW_NAME, s->dir, FILE_NAME) != 0))) {
        (void)close(as.file);
        return false;
    }
    if (s->file >= 0)
        (void)close(s->file);
    if (s->sync != NULL)
        spool_sync_forget(s->sync);
    as.last = base - 1 + (uint64_t)lines;
    if (fresh || s->next < base) {
        as.next = base;
        as.next_at = SPOOL_HEAD;
    } else {
        as.next_at = as.end - (s->end - s->next_at); /* what follows it was copied as it is */
    }
    *s = as;
    return true;
}

/* ---- opening ------------------------------------------------------------------------------- */

static int open_dir(const char *path, int *ret, struct mw_error *err)
{
    struct stat st;
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return mw_fail(err, MW_EIO, "%s cannot be made: %s", path, strerror(errno));
    *ret = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*ret < 0 || fstat(*ret, &st) != 0)
        return mw_fail(err, MW_EIO, "%s: %s", path, strerror(errno));
    if ((st.st_mode & 022) != 0 || st.st_uid != geteuid())
        return mw_fail(err, MW_EDENIED, "%s may be written by others, or is another's: its mode "
                       "must be 0700 and its owner the one that runs this program", path);
    if (flock(*ret, LOCK_EX | LOCK_NB) != 0)
        return mw_fail(err, MW_EBUSY, "%s is in use: another agent runs with this folder", path);
    return 0;
}

/* The file that is there, its header and size read; s->file stays -1 when there is none or it is
 * none of ours (that one is kept under another name). */
static int open_old(struct spool *s, const char *path, struct mw_error *err)
{
    struct stat st;
    int file = openat(s->dir, FILE_NAME, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0 && errno == ENOENT)
        return 0;
    if (file < 0 || fstat(file, &st) != 0)
        return mw_fail(err, MW_EIO, "%s/%s: %s", path, FILE_NAME, strerror(errno));
    s->file = file;
    s->end = (uint64_t)st.st_size;
    if (S_ISREG(st.st_mode) && read_header(s))
        return 0;
    s->stats.cut = s->end;
    (void)renameat(s->dir, FILE_NAME, s->dir, BAD_NAME);
    (void)close(file);
    s->file = -1;
    return 0;
}

/* Whether every byte behind the header belongs to an event; s->last is counted. */
static bool check_lines(struct spool *s)
{
    struct walk *w = calloc(1, sizeof(*w));
    bool whole = w != NULL;
    const char *line;
    s->last = s->base - 1;
    if (w == NULL)
        return false;
    *w = (struct walk){ .file = s->file, .at = SPOOL_HEAD, .end = s->end };
    for (size_t size; (size = walk_line(w, &line)) > 0; s->last++)
        whole = whole && is_event(line, size);
    s->stats.cut += s->end - w->at; /* torn */
    s->end = w->at;
    free(w);
    return whole && s->acked <= s->last;
}

/* Numbers go on where the file is whole and of this boot; else all lines get new ones. */
static int take_over(struct spool *s, const struct spool_options *o, struct mw_error *err)
{
    char boot[BOOT_MAX + 1];
    (void)snprintf(boot, sizeof(boot), "%.*s", BOOT_MAX, o->boot);
    boot[strcspn(boot, " \n")] = '\0';
    bool whole = s->file >= 0 && check_lines(s);
    bool same = whole && strcmp(s->boot, boot) == 0;
    uint64_t base = 1, acked = 0;
    if (same) {
        base = s->acked + 1;
        acked = s->acked;
    } else {
        uint64_t first = s->file >= 0 && s->acked <= s->last ? s->acked - s->base + 2 : 1;
        new_numbers(s, o->boot);
        s->acked = first - 1; /* of the old lines, counted from 1: these are not copied */
    }
    if (!rewrite(s, true, base, acked))
        return mw_fail(err, MW_EIO, "the spool %s cannot be written: %s",
                       o->dir != NULL ? o->dir : "in memory", strerror(errno));
    return 0;
}

static int start(struct spool *s, const struct spool_options *o, struct mw_error *err)
{
    uint64_t most = o->dir != NULL ? SPOOL_BYTES : SPOOL_MEMORY_BYTES;
    int rc = o->dir != NULL ? open_dir(o->dir, &s->dir, err) : 0;
    s->bytes_max = o->bytes_max > 0 ? o->bytes_max : most;
    if (rc == 0 && o->dir != NULL)
        rc = open_old(s, o->dir, err);
    if (rc == 0)
        rc = take_over(s, o, err);
    if (rc == 0 && o->dir != NULL)
        rc = spool_sync_start(&s->sync, err);
    return rc;
}

int spool_open(const struct spool_options *o, struct spool **ret, struct mw_error *err)
{
    must(o != NULL && o->boot != NULL && ret != NULL);
    struct spool *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    s->dir = s->file = -1;
    int rc = start(s, o, err);
    if (rc < 0) {
        spool_close(s);
        return rc;
    }
    *ret = s;
    return 0;
}

void spool_close(struct spool *s)
{
    if (s == NULL)
        return;
    spool_sync_stop(s->sync);
    if (s->file >= 0)
        (void)close(s->file);
    if (s->dir >= 0)
        (void)close(s->dir);
    free(s);
}

const char *spool_id(const struct spool *s)
{
    return s->id;
}

/* ---- putting ------------------------------------------------------------------------------- */

/* Where the line behind the last acknowledged begins. */
static uint64_t acked_at(const struct spool *s)
{
    struct walk *w = calloc(1, sizeof(*w));
    const char *line;
    if (w == NULL)
        return SPOOL_HEAD;
    *w = (struct walk){ .file = s->file, .at = SPOOL_HEAD, .end = s->end };
    for (uint64_t e = s->base; e <= s->acked && walk_line(w, &line) > 0; e++)
        continue;
    uint64_t at = w->at;
    free(w);
    return at;
}

/* Makes room where at least half of the file is acknowledged: so each byte is copied once. */
static bool make_room(struct spool *s, size_t size)
{
    if (s->end + size <= s->bytes_max)
        return true;
    if (s->acked < s->base || acked_at(s) < s->bytes_max / 2)
        return false;
    return rewrite(s, false, s->acked + 1, s->acked) && s->end + size <= s->bytes_max;
}

int spool_put(struct spool *s, const char *line, size_t size, uint64_t *ret_e,
              struct mw_error *err)
{
    must(s != NULL && ret_e != NULL && size > 1 && line[size - 1] == '\n');
    must(size <= AGENT_FRAME_MAX - E_MAX);
    if (!make_room(s, size)) {
        s->stats.dropped++;
        return mw_fail(err, MW_ELIMIT, "the spool is full: %llu bytes",
                       (unsigned long long)s->bytes_max);
    }
    if (!append(s->file, s->end, line, size)) {
        int why = errno;
        s->stats.dropped++;
        (void)!ftruncate(s->file, (off_t)s->end); /* what follows begins a line */
        return mw_fail(err, MW_EIO, "the spool cannot be written: %s", strerror(why));
    }
    s->end += size;
    s->stats.kept++;
    *ret_e = ++s->last;
    if (s->sync != NULL)
        spool_sync_dirty(s->sync, s->file);
    return 0;
}

/* ---- sending ------------------------------------------------------------------------------- */

void spool_rewind(struct spool *s)
{
    s->next = s->acked + 1;
    s->next_at = acked_at(s);
}

size_t spool_next(struct spool *s, char *to, size_t size)
{
    struct walk w;
    size_t used = 0;
    const char *line;
    w = (struct walk){ .file = s->file, .at = s->next_at, .end = s->end };
    while (s->next <= s->last) {
        size_t n = walk_line(&w, &line);
        if (n == 0 || n + E_MAX > size - used)
            break;
        memcpy(to + used, line, n - 1);
        used += n - 1;
        used += (size_t)snprintf(to + used, E_MAX + 1, " e=%llu\n", (unsigned long long)s->next);
        s->next++;
        s->next_at = w.at;
    }
    return used;
}

bool spool_waits(const struct spool *s)
{
    return s->next <= s->last;
}

void spool_ack(struct spool *s, uint64_t e)
{
    e = MW_MIN(e, s->last);
    if (e <= s->acked)
        return;
    s->stats.acked += e - s->acked;
    s->acked = e;
    if (s->next <= e)
        spool_rewind(s); /* it was taken in an earlier connection */
    if (e == s->last && s->end > TRIM_BYTES) {
        s->base = e + 1;
        s->next = e + 1;
        s->next_at = s->end = SPOOL_HEAD;
    }
    /* The header first: cut between the two, lines come again under new numbers; the other way
     * round new lines would get numbers that were taken. */
    if (write_header(s) && s->end == SPOOL_HEAD)
        (void)!ftruncate(s->file, SPOOL_HEAD);
}

uint64_t spool_first(const struct spool *s)
{
    return s->acked + 1;
}

uint64_t spool_sent(const struct spool *s)
{
    return s->next - 1 - s->acked;
}

uint64_t spool_unacked(const struct spool *s)
{
    return s->last - s->acked;
}

struct spool_stats spool_stats(const struct spool *s)
{
    struct spool_stats stats = s->stats;
    stats.bytes = s->end;
    return stats;
}
