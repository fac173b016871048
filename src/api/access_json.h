/* The access file's JSON and that of a grant; access_file_parse() of access_file.h reads it. */
#ifndef MW_API_ACCESS_JSON_H
#define MW_API_ACCESS_JSON_H

#include "api/access_file.h"

/* With an end of line; freed with free().  NULL: out of memory. */
char *access_file_text(const struct access_file *f);

/* "name", "roles", "tenants", "halls", "expires" (RFC 3339 or null) of an object; the grant was
 * checked (access_grant_check).  Other keys are left alone.  MW_EINVAL names the key. */
MW_MUST_USE int access_grant_read(const json_t *o, struct access_grant *ret, struct mw_error *err);

/* Lists for documents: tenants as numbers, halls as names; NULL = out of memory. */
json_t *access_tenants_json(const uint32_t *tenant, uint32_t n);
json_t *access_halls_json(const char (*hall)[64], uint32_t n);
/* RFC 3339; null for 0. */
json_t *access_time_json(int64_t time_ns);

#endif
