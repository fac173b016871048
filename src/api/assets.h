/*
 * The console's files as they lie in the program: each gzipped, with the address it is asked for.
 * The table is made by the build of web/ (a C file that defines web_assets and web_assets_count);
 * a build without the console has an empty one (assets_none.c).
 *
 * Names of /assets/ hold a hash of their content and are kept for ever by browsers; "/" is asked
 * again each time, with its ETag.
 */
#ifndef MW_API_ASSETS_H
#define MW_API_ASSETS_H

#include <stddef.h>
#include <stdint.h>

struct web_asset {
    const char *path;        /* "/", "/assets/app-1a2b3c4d.js" */
    const char *type;        /* "text/javascript; charset=utf-8" */
    const char *sha;         /* of the plain bytes: 16 hex digits or more; the ETag */
    const unsigned char *gz; /* gzip */
    size_t gz_size;
    size_t size;             /* of the plain bytes */
};
extern const struct web_asset web_assets[];
extern const uint32_t web_assets_count;

/* What a browser may do with the console: nothing but what comes from here. */
#define WEB_CONTENT_SECURITY_POLICY                                                              \
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "             \
    "img-src 'self' data:; font-src 'self'; manifest-src 'self'; frame-ancestors 'none'; "      \
    "base-uri 'none'; form-action 'none'"

#endif
