/*
 * Schemas of documents, for OpenAPI and for the tests that check every answer.
 *
 * Lists and their rows have their schemas from their tables (resource.h); for any other document
 * its owner writes one as JSON Schema 2020-12, in his own file, as a table that ends with a zero
 * row:
 *
 *     const struct api_schema api_schemas_summary[] = {
 *         { "Summary", "{'type':'object','required':['now','revision'],'properties':{"
 *                      "'now':{'$ref':'#/components/schemas/Time'},"
 *                      "'revision':{'type':'integer','minimum':0}}}" },
 *         { 0 },
 *     };
 *
 * and adds one row X(summary) to API_SCHEMA_TABLES below.  A ' stands for " (no text may have one).
 * The name is what a row of the route table (routes.h) and a $ref say.  Ready to refer to: Time
 * (RFC 3339 UTC), TimeOrNull, Problem, and every row and list of resources.c ("Node", "NodeList").
 * Close objects whose keys are all known with 'additionalProperties':false only where no older
 * reader may meet a newer program.
 */
#ifndef MW_API_SCHEMA_H
#define MW_API_SCHEMA_H

#include <jansson.h>

#include "base/error.h"

struct api_schema {
    const char *name; /* "Summary"; NULL ends a table */
    const char *text; /* JSON Schema, ' for " */
};

/* Files with schemas: X(name) stands for `api_schemas_name`. */
#define API_SCHEMA_TABLES(X)                                                                    \
    X(common)                                                                                   \
    X(fleet)                                                                                    \
    X(summary)                                                                                  \
    X(topology)                                                                                 \
    X(whatif)                                                                                   \
    X(lists)                                                                                    \
    X(details)                                                                                  \
    X(machines)                                                                                 \
    X(access)                                                                                   \
    X(login)

#define X(name) extern const struct api_schema api_schemas_##name[];
API_SCHEMA_TABLES(X)
#undef X

/* A new object of all schemas by name, those of the resources with them.  MW_EBUG when a text is no
 * JSON or a name is there twice (the text says which): a test reads them all. */
MW_MUST_USE int api_schemas(json_t **ret, struct mw_error *err);

/* One text read; NULL with err filled when it is no JSON. */
json_t *api_schema_read(const struct api_schema *s, struct mw_error *err);

#endif
