/*
 * Snapshot files on disk: header, bytes, SHA-256 over both.  Owns the names
 * and the layout; never looks into the bytes.
 */
#include "store/snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "store/file.h"

#define NAME_PREFIX "snapshot-"
#define NAME_NEW "snapshot.new"
#define NAME_MAX_BYTES 32

struct header {
    char magic[8];
    uint32_t version;
    uint32_t reserved; /* 0 */
    uint64_t seq;
    uint64_t size;
    uint8_t hash[MW_SHA256_SIZE];
};
_Static_assert(sizeof(struct header) == 64, "on disk");

static const char header_magic[8] = "MWSNAP1";

static void name_of(uint64_t seq, char ret[NAME_MAX_BYTES])
{
    (void)snprintf(ret, NAME_MAX_BYTES, NAME_PREFIX "%020llu", (unsigned long long)seq);
}

static int write_all(int fd, const struct snapshot *s)
{
    struct header h = {.version = SNAPSHOT_VERSION, .seq = s->seq, .size = s->size};
    memcpy(h.magic, header_magic, sizeof(h.magic));
    memcpy(h.hash, s->hash, sizeof(h.hash));
    uint8_t sum[MW_SHA256_SIZE];
    const struct mw_piece piece[] = {{&h, sizeof(h)}, {s->data, s->size}};
    mw_sha256(piece, MW_ARRAY_LEN(piece), sum);
    int rc = file_write(fd, &h, sizeof(h), 0);
    if (rc == 0)
        rc = file_write(fd, s->data, s->size, sizeof(h));
    if (rc == 0)
        rc = file_write(fd, sum, sizeof(sum), sizeof(h) + s->size);
    if (rc == 0 && fsync(fd) != 0)
        rc = file_code(errno);
    return rc;
}

static int write_new(int dir_fd, const struct snapshot *s, const struct store_rare *rare,
                     struct mw_error *err)
{
    if (store_rare(rare, "snapshot.write"))
        return mw_fail(err, MW_ENOSPC, "cannot write a snapshot: the disk is full (injected)");
    mw_cleanup(file_closep) int fd =
        openat(dir_fd, NAME_NEW, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0)
        return file_fail(err, "create", NAME_NEW);
    if (write_all(fd, s) != 0)
        return file_fail(err, "write", NAME_NEW);
    return 0;
}

/* Too many, from a crash between two steps or by hand: the oldest go. Failing loses only space. */
static void remove_old(int dir_fd)
{
    struct snapshot_list l;
    if (snapshot_list(dir_fd, &l, NULL) != 0)
        return;
    for (uint32_t i = SNAPSHOTS_KEPT; i < l.length; i++) {
        char name[NAME_MAX_BYTES];
        name_of(l.seq[i], name);
        (void)unlinkat(dir_fd, name, 0);
    }
}

int snapshot_save(int dir_fd, const struct snapshot *s, const struct store_rare *rare,
                  struct mw_error *err)
{
    must(s->data != NULL || s->size == 0);
    char name[NAME_MAX_BYTES];
    name_of(s->seq, name);
    int rc = write_new(dir_fd, s, rare, err);
    if (rc == 0 && renameat(dir_fd, NAME_NEW, dir_fd, name) != 0)
        rc = file_fail(err, "rename to", name);
    if (rc != 0) {
        (void)unlinkat(dir_fd, NAME_NEW, 0); /* give the space back */
        return rc;
    }
    if (file_sync_dir(dir_fd) != 0)
        return file_fail(err, "sync the directory of", name);
    remove_old(dir_fd);
    return 0;
}

static int damaged(struct mw_error *err, const char *name, const char *why)
{
    return mw_fail(err, MW_ECORRUPT, "%s is damaged (%s); it is not used", name, why);
}

/* The header, checked against the file's size before anything is allocated. */
static int read_header(int fd, const char *name, struct header *h, struct mw_error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return file_fail(err, "look at", name);
    int64_t n = file_read(fd, h, sizeof(*h), 0);
    if (n < 0)
        return file_fail(err, "read", name);
    if (n < (int64_t)sizeof(*h) || memcmp(h->magic, header_magic, sizeof(h->magic)) != 0)
        return damaged(err, name, "no snapshot header");
    if (h->version != SNAPSHOT_VERSION)
        return mw_fail(err, MW_EVERSION, "%s has version %u, this program reads %d; it is not used",
                       name, h->version, SNAPSHOT_VERSION);
    uint64_t rest = (uint64_t)st.st_size - sizeof(*h);
    if (rest < MW_SHA256_SIZE || h->size != rest - MW_SHA256_SIZE)
        return damaged(err, name, "its size is not what its header says");
    return 0;
}

static int read_body(int fd, const char *name, const struct header *h, struct snapshot *ret,
                     struct mw_error *err)
{
    size_t size = h->size + MW_SHA256_SIZE;
    char *data = mw_resize(NULL, size + 1, 1);
    if (data == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory for %s of %zu bytes", name, size);
    int64_t n = file_read(fd, data, size, sizeof(*h));
    uint8_t sum[MW_SHA256_SIZE] = {0};
    if (n == (int64_t)size) {
        const struct mw_piece piece[] = {{h, sizeof(*h)}, {data, h->size}};
        mw_sha256(piece, MW_ARRAY_LEN(piece), sum);
    }
    if (n != (int64_t)size || memcmp(sum, data + h->size, sizeof(sum)) != 0) {
        mw_free(data);
        return n < 0 ? file_fail(err, "read", name) : damaged(err, name, "its SHA-256 differs");
    }
    data[h->size] = '\0';
    *ret = (struct snapshot){.seq = h->seq, .data = data, .size = h->size};
    memcpy(ret->hash, h->hash, sizeof(ret->hash));
    return 0;
}

int snapshot_load(int dir_fd, uint64_t seq, struct snapshot *ret, struct mw_error *err)
{
    char name[NAME_MAX_BYTES];
    name_of(seq, name);
    mw_cleanup(file_closep) int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return file_fail(err, "open", name);
    struct header h;
    int rc = read_header(fd, name, &h, err);
    if (rc == 0 && h.seq != seq)
        rc = damaged(err, name, "it holds another sequence than its name says");
    return rc == 0 ? read_body(fd, name, &h, ret, err) : rc;
}

/* Keeps the list sorted, newest first; the oldest falls out of a full one. */
static void list_insert(struct snapshot_list *l, uint64_t seq)
{
    uint32_t at = l->length;
    while (at > 0 && l->seq[at - 1] < seq)
        at--;
    if (at == SNAPSHOTS_LISTED_MAX)
        return;
    uint32_t moved = MW_MIN(l->length, SNAPSHOTS_LISTED_MAX - 1) - at;
    memmove(&l->seq[at + 1], &l->seq[at], moved * sizeof(l->seq[0]));
    l->seq[at] = seq;
    l->length = MW_MIN(l->length + 1, SNAPSHOTS_LISTED_MAX);
}

int snapshot_list(int dir_fd, struct snapshot_list *ret, struct mw_error *err)
{
    ret->length = 0;
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (dir == NULL) {
        file_closep(&fd);
        return file_fail(err, "list", "the journal's directory");
    }
    for (const struct dirent *e; (e = readdir(dir)) != NULL;) {
        uint64_t seq;
        const size_t prefix = sizeof(NAME_PREFIX) - 1;
        if (strncmp(e->d_name, NAME_PREFIX, prefix) == 0 &&
            mw_parse_u64(e->d_name + prefix, &seq) == 0)
            list_insert(ret, seq);
    }
    (void)closedir(dir);
    return 0;
}
