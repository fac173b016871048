/*
 * One HTTP question after another, for importers that fetch: blocking, bounded,
 * certificates always checked, redirects not followed (api/outbound.h).
 */
#ifndef MW_CLI_IMPORT_HTTP_H
#define MW_CLI_IMPORT_HTTP_H

#include "base/error.h"

struct import_http; /* opaque */

struct import_http_options {
    const char *ca_file;         /* PEM; NULL = the system's */
    const char *header;          /* "Authorization: Token …"; NULL = none */
    const char *user, *password; /* HTTP basic; NULL = none */
    int64_t timeout_ns;          /* of one answer */
};

/* The strings are borrowed. */
MW_MUST_USE int import_http_open(const struct import_http_options *o, struct import_http **ret,
                                 struct mw_error *err);
void import_http_close(struct import_http *h); /* NULL is fine */

/* Gives *ret (mw_free), '\0'-ended.  MW_EDENIED: 401 or 403; MW_ENOTFOUND: 404; MW_EUNREACHABLE,
 * MW_ETIMEOUT, MW_ELIMIT; MW_EIO: another status. */
MW_MUST_USE int import_http_get(struct import_http *h, const char *url, char **ret,
                                struct mw_error *err);

#endif
