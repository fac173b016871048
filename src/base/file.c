/*
 * Reading whole files, plain or gzip, under a size bound.  Owns nothing after
 * it returns but the bytes it gives; one pass, so that pipes work.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/mem.h"

#define ROOM_FIRST ((size_t)64 << 10)
#define GZIP_WINDOW (16 + MAX_WBITS) /* zlib: a gzip header is required */

/* Bytes being gathered; one byte of room is kept for the ending. */
struct bytes {
    char *data;
    size_t length, room;
};

static void bytes_fini(struct bytes *b)
{
    mw_free(b->data);
}

static void close_file(int *fd)
{
    if (*fd > STDIN_FILENO)
        (void)close(*fd);
}

/* Room for at least one more byte and the ending. */
static int bytes_grow(struct bytes *b, const char *name, struct mw_error *err)
{
    if (b->room - b->length > 1)
        return 0;
    size_t room;
    char *data = NULL;
    if (!mw_mul_overflows(MW_MAX(b->room, ROOM_FIRST / 2), (size_t)2, &room))
        data = mw_resize(b->data, room, 1);
    if (data == NULL)
        return mw_fail(err, MW_ENOMEM, "%s: out of memory after %zu bytes", name, b->length);
    b->data = data;
    b->room = room;
    return 0;
}

static int fail_size(const char *name, size_t size_max, struct mw_error *err)
{
    return mw_fail(err, MW_ELIMIT, "%s: larger than the limit of %zu bytes; split it or raise it",
                   name, size_max);
}

static int fail_errno(const char *name, const char *verb, struct mw_error *err)
{
    int code = MW_EIO;
    if (errno == EISDIR)
        return mw_fail(err, MW_EINVAL, "%s is a directory: name a file in it", name);
    if (errno == ENOENT || errno == ENOTDIR)
        code = MW_ENOTFOUND;
    else if (errno == EACCES || errno == EPERM)
        code = MW_EDENIED;
    else if (errno == ENAMETOOLONG || errno == ELOOP)
        code = MW_EINVAL;
    return mw_fail(err, code, "%s: cannot %s: %m", name, verb);
}

/* To the end, or just past raw_max bytes: the caller refuses those. */
static int read_all(int fd, const char *name, size_t raw_max, struct bytes *b,
                    struct mw_error *err)
{
    for (;;) { /* ends: each turn adds a byte, and raw_max bounds them */
        int rc = bytes_grow(b, name, err);
        if (rc != 0)
            return rc;
        ssize_t n = read(fd, b->data + b->length, b->room - b->length - 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_errno(name, "read", err);
        b->length += (size_t)n;
        if (n == 0 || b->length > raw_max)
            return 0;
    }
}

static void *zlib_alloc(void *opaque, unsigned n, unsigned size)
{
    (void)opaque;
    return mw_calloc(n, size);
}

static void zlib_free(void *opaque, void *p)
{
    (void)opaque;
    mw_free(p);
}

static void zlib_end(z_stream *z)
{
    (void)inflateEnd(z);
}

/* One inflate() call: moves bytes from `in` to `out`. */
static int inflate_some(z_stream *z, const struct bytes *in, struct bytes *out, size_t *in_used)
{
    size_t in_left = MW_MIN(in->length - *in_used, (size_t)UINT32_MAX);
    size_t out_room = MW_MIN(out->room - out->length - 1, (size_t)UINT32_MAX);
    z->next_in = (Bytef *)in->data + *in_used;
    z->avail_in = (uInt)in_left;
    z->next_out = (Bytef *)out->data + out->length;
    z->avail_out = (uInt)out_room;
    int rc = inflate(z, Z_NO_FLUSH);
    *in_used += in_left - z->avail_in;
    out->length += out_room - z->avail_out;
    return rc;
}

static int inflate_all(const struct bytes *in, const char *name, size_t size_max,
                       struct bytes *out, struct mw_error *err)
{
    mw_cleanup(zlib_end) z_stream z = {.zalloc = zlib_alloc, .zfree = zlib_free};
    if (inflateInit2(&z, GZIP_WINDOW) != Z_OK)
        return mw_fail(err, MW_ENOMEM, "%s: out of memory while inflating", name);
    size_t used = 0;
    for (;;) { /* ends: each turn takes input, gives output within size_max, or fails */
        int rc = bytes_grow(out, name, err);
        if (rc != 0)
            return rc;
        int z_rc = inflate_some(&z, in, out, &used);
        if (out->length > size_max)
            return fail_size(name, size_max, err);
        if (z_rc == Z_MEM_ERROR)
            return mw_fail(err, MW_ENOMEM, "%s: out of memory while inflating", name);
        if (z_rc == Z_STREAM_END && used == in->length)
            return 0;
        if (z_rc == Z_STREAM_END) /* gzip files may be joined: the next one starts here */
            z_rc = inflateReset(&z);
        if (z_rc == Z_BUF_ERROR || (z_rc == Z_OK && used == in->length && z.avail_out > 0))
            return mw_fail(err, MW_ECORRUPT, "%s: the gzip data is cut off; fetch it again", name);
        if (z_rc != Z_OK)
            return mw_fail(err, MW_ECORRUPT, "%s: damaged gzip data near byte %zu: %s", name, used,
                           z.msg != NULL ? z.msg : "unknown fault");
    }
}

static bool is_gzip(const struct bytes *b)
{
    return b->length >= 2 && memcmp(b->data, "\x1f\x8b", 2) == 0;
}

static void give(struct bytes *b, char **ret, size_t *ret_size)
{
    must(b->length < b->room);
    b->data[b->length] = '\0';
    *ret_size = b->length;
    *ret = TAKE(b->data);
}

int mw_read_file(const char *path, size_t size_max, bool inflate, char **ret, size_t *ret_size,
                 struct mw_error *err)
{
    must(path != NULL && ret != NULL && ret_size != NULL);
    must(size_max < SIZE_MAX / 4);
    bool standard = strcmp(path, "-") == 0;
    const char *name = standard ? "standard input" : path;
    mw_cleanup(close_file) int fd =
        standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return fail_errno(name, "open", err);
    mw_cleanup(bytes_fini) struct bytes raw = {0};
    /* What does not compress grows a little in gzip: let it pass, the inflated size counts. */
    size_t raw_max = inflate ? size_max + size_max / 64 + 4096 : size_max;
    int rc = read_all(fd, name, raw_max, &raw, err);
    if (rc != 0)
        return rc;
    bool gzip = inflate && is_gzip(&raw);
    if (raw.length > (gzip ? raw_max : size_max))
        return fail_size(name, size_max, err);
    if (!gzip) {
        give(&raw, ret, ret_size);
        return 0;
    }
    mw_cleanup(bytes_fini) struct bytes plain = {0};
    rc = inflate_all(&raw, name, size_max, &plain, err);
    if (rc == 0)
        give(&plain, ret, ret_size);
    return rc;
}
