/* Hands out the console.  See assets.h. */
#include "api/assets.h"

#include <stdio.h>
#include <string.h>

#include <event2/buffer.h>
#include <zlib.h>

#include "api/headers.h"
#include "api/routes.h"
#include "base/mem.h"

static const struct web_asset *find(const char *path)
{
    for (uint32_t i = 0; i < web_assets_count; i++)
        if (strcmp(web_assets[i].path, path) == 0)
            return &web_assets[i];
    return NULL;
}

/* For a client that takes no gzip. */
static int add_plain(struct evbuffer *to, const struct web_asset *a)
{
    struct evbuffer_iovec out;
    z_stream z = { .next_in = (Bytef *)(uintptr_t)a->gz, .avail_in = (uInt)a->gz_size };
    if (a->size == 0)
        return 0;
    if (evbuffer_reserve_space(to, (ev_ssize_t)a->size, &out, 1) != 1 ||
        inflateInit2(&z, 15 + 16) != Z_OK)
        return MW_ENOMEM;
    z.next_out = out.iov_base;
    z.avail_out = (uInt)a->size;
    int rc = inflate(&z, Z_FINISH);
    out.iov_len = a->size - z.avail_out;
    (void)inflateEnd(&z);
    must(rc == Z_STREAM_END && out.iov_len == a->size); /* it is our own */
    return evbuffer_commit_space(to, &out, 1) == 0 ? 0 : MW_ENOMEM;
}

static void add_headers(struct api_answer *ret, bool hashed)
{
    api_answer_header(ret, "Cache-Control", "%s",
                      hashed ? "public, max-age=31536000, immutable" : "no-cache");
    ret->cacheable = true;
    api_answer_header(ret, "Content-Security-Policy", WEB_CONTENT_SECURITY_POLICY);
    api_answer_header(ret, "Cross-Origin-Opener-Policy", "same-origin");
    api_answer_header(ret, "Cross-Origin-Resource-Policy", "same-origin");
    api_answer_header(ret, "Permissions-Policy",
                      "camera=(), geolocation=(), microphone=(), payment=(), usb=()");
    api_answer_header(ret, "Vary", "Accept-Encoding");
}

int api_get_asset(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    const struct web_asset *a = find(call->path);
    if (a == NULL) {
        ret->status = 404;
        if (web_assets_count == 0)
            return mw_fail(err, MW_ENOTFOUND, "this build of Millwright has no console; its API is "
                           "under /api/v1");
        return mw_fail(err, MW_ENOTFOUND, "the console has no %.100s", call->path);
    }
    ret->raw = evbuffer_new();
    ret->gzipped = header_takes_gzip(call->accept_encoding);
    int rc = ret->raw == NULL ? MW_ENOMEM : 0;
    if (rc == 0 && !ret->gzipped)
        rc = add_plain(ret->raw, a);
    else if (rc == 0)
        rc = evbuffer_add_reference(ret->raw, a->gz, a->gz_size, NULL, NULL) == 0 ? 0 : MW_ENOMEM;
    if (rc < 0)
        return mw_fail(err, rc, "out of memory");
    ret->type = a->type;
    (void)snprintf(ret->etag, sizeof(ret->etag), "%.32s", a->sha);
    add_headers(ret, strncmp(a->path, "/assets/", 8) == 0);
    return 0;
}
