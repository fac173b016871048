/*
 * The API described by itself: OpenAPI 3.1 from the route table (routes.h), the tables of fields
 * (resource.h) and the schemas of other documents (schema.h).  Nothing is written twice: a route
 * without a description, a permission or a schema that exists fails a test.
 */
#ifndef MW_API_OPENAPI_H
#define MW_API_OPENAPI_H

#include <jansson.h>

#include "base/error.h"

/* A new reference; NULL with err filled: MW_ENOMEM, MW_EBUG when a row names a schema that is not
 * there. */
json_t *openapi_make(struct mw_error *err);

/* A parameter of the query or a header, of one operation or of every list. */
struct api_parameter {
    const char *id;    /* operation id; "list" = every list; NULL ends the table */
    const char *in;    /* "query" or "header" */
    const char *name;
    const char *type;  /* "string", "integer", "boolean" */
    const char *doc;
};
extern const struct api_parameter api_parameters[]; /* openapi_tables.c */

/* What an operation answers that is no 200 with JSON. */
struct api_response {
    const char *id;    /* operation id; NULL ends the table */
    const char *status; /* "202"; NULL = 200 */
    const char *type;  /* "text/event-stream"; NULL = application/json */
};
extern const struct api_response api_responses[];

/* Groups of paths, by how they begin; the first that fits. */
struct api_tag {
    const char *begins; /* "/api/v1/nodes"; "" ends the table: all others */
    const char *name, *doc;
};
extern const struct api_tag api_tags[];

#endif
